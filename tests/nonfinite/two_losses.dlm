layer generator(z: [n, k]) -> [n, 2] { z |> dense(32) |> relu |> dense(2) }
layer discriminator(x: [n, 2]) -> [n, 1] { x |> dense(32) |> leaky_relu |> dense(1) |> sigmoid }
let g = generator()
let d = discriminator()
for epoch in 1..=5 {
    repeat 200 {
        let angle = uniform[64] * 6.283185
        let real = transpose(stack(cos(angle), sin(angle)))
        let noise = normal[64, 4]
        minimize -mean(log(d(real))) - mean(log(1 - d(stop_gradient(g(noise))))) over d with sgd(lr = 20.0)
        minimize -mean(log(d(g(noise)))) over g with sgd(lr = 20.0)
    }
    let points = g(normal[256, 4])
    print "epoch {epoch}: {mean(points):.3}"
}
