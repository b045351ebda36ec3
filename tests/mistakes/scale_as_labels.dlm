let set = csv("ratings.csv") |> target("rating")
layer mlp(x: [n, d]) -> [n, 13] { x |> dense(13) }
let net = mlp()
train net on set {
    loss      = fn (p, t) { cross_entropy(p, i32(t)) }
    optimizer = adam(lr = 0.01)
    epochs    = 2
    batch     = 3
}
