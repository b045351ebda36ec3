let set = data(x = [[1, 2], [3, 4]], y = [0, 1])
layer tower(x: [n, d]) -> [n, 4] { x |> dense(4) }
let t = tower()
train t on set { loss = fn (a, b) { mse(t(a.x), t(b.x)) }; optimizer = adam(lr = 0.01) }
