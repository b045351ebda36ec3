let set = csv("points.csv") |> target("y") |> split(train = 0.5)
layer net(x: [n, d]) -> [n] { reshape(x |> dense(1), [n]) }
let f = net()
train f on set.train { loss = mse; optimizer = adam(); validate = set }
