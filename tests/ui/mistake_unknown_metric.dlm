let set = csv("kinds.csv") |> target("kind")
let net = dense(2)
train net on set {
    loss      = cross_entropy
    optimizer = adam()
    metrics   = [acc]
}
