# An energy whose slope points back to the data, by denoising score matching; then Langevin's steps along that slope draw new points.
let angle = uniform(0, 6.2831853)[256]
let ring = 2 * stack(cos(angle), sin(angle), over = 1)
layer energy(x: [n, 2]) -> [n] {
    let y = x |> dense(48) |> silu |> dense(48) |> silu |> dense(1)
    reshape(y, [n])
}
let E = energy()
repeat 500 {
    let noise = normal[256, 2]
    let x = ring + 0.3 * noise
    let slope = grad(sum(E(x)), x)
    minimize mean(sum((noise - 0.3 * slope) ^ 2, over = 1)) with adam(lr = 0.003)
}
let drawn = last(scan i in 0..200, x = 2 * normal[256, 2] {
    x - 0.02 * grad(sum(E(x)), x) + 0.2 * normal[256, 2]
})
let r = sqrt(sum(drawn ^ 2, over = 1))
print "radius {mean(r):.3}"
print "spread {sqrt(mean((r - mean(r)) ^ 2)):.3}"
