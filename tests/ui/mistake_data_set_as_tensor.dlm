let set = csv("points.csv") |> target("y")
let net = dense(1)
print net(set)
