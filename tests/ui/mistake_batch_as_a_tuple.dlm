let set = csv("points.csv") |> target("y")
let net = dense(1)
for (x, y) in set |> batches(2) {
    minimize mse(net(x), y) with adam(lr = 0.01)
}
