let x = normal[64, 30]
let tags = where(uniform[64, 21] < 0.2, 1.0, 0.0)
layer tagger(x: [n, d]) -> [n, 12] { x |> dense(12) }
let net = tagger()
minimize bce(net(x), tags) with adam(lr = 0.001)
