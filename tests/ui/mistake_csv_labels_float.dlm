let set = csv("points.csv") |> target("y")
layer mlp(x: [n, d]) -> [n, 3] { x |> dense(8) |> relu |> dense(3) }
let net = mlp()
train net on set { loss = cross_entropy
    optimizer = adam() }
