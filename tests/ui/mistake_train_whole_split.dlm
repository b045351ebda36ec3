let set = csv("points.csv") |> target("y") |> split(train = 0.5)
let net = dense(1)
train net on set { loss = mse
    optimizer = adam() }
