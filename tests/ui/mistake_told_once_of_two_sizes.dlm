let set = csv("points.csv") |> target("y")
layer net(x: [n, d]) -> [n] {
    let wide = x |> dense(3)
    let y[a] = sum[i] (x + wide)[a, i]
    y
}
let f = net()
train f on set { loss = mse; optimizer = adam(); batch = 2 }
print evaluate(f, set, mse)
layer both(x: [n, d]) -> [n, d] { (x, x + 1) }
let g = both()
print g([[1, 2]])
