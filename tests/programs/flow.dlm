# A normalising flow: four couplings turn normal noise into points on half a ring, and give the density of each point.
# A coupling leaves one coordinate as it is, and scales and shifts the other by what the first says, so that log |det| is the scale.
layer coupling(flip)(x: [n, 2]) -> ([n, 2], [n]) {
    let (a, b) = split(x, 2, over = 1)
    let kept = if flip { b } else { a }
    let moved = if flip { a } else { b }
    let (s, t) = split(kept |> dense(32) |> tanh |> dense(2), 2, over = 1)
    let scale = tanh(s)
    let y = moved * exp(scale) + t
    let z = if flip { concat(y, kept, over = 1) } else { concat(kept, y, over = 1) }
    (z, reshape(scale, [n]))
}

layer flow(depth)(x: [n, 2]) -> ([n, 2], [n]) {
    let volume = zeros[n]
    for i in 0..depth {
        let (x, log_det) = coupling(i % 2 == 1)(x)
        let volume = volume + log_det
    }
    (x, volume)
}

fn negative_log_likelihood(z: [n, 2], volume: [n]) -> [] {
    mean(sum(z ^ 2, over = 1) / 2 + log(2 * 3.14159265) - volume)
}

fn half_ring(n) -> [n, 2] {
    let angle = uniform(0, 3.14159265)[n]
    stack(cos(angle), sin(angle), over = 1) + 0.1 * normal[n, 2]
}

let f = flow(4)
for step in 1..=500 {
    let (z, volume) = f(half_ring(256))
    minimize negative_log_likelihood(z, volume) with adam(lr = 5e-3)
}
let unseen = half_ring(1000)
let (z, volume) = f(unseen)
print "flow {negative_log_likelihood(z, volume):.3} normal {negative_log_likelihood(unseen, zeros[1000]):.3}"
