let set = data(x = [[1, 2], [3, 4], [5, 6]])
layer auto(x: [n, d]) -> [n, d] { x |> dense(1) |> dense(d) }
let net = auto()
train net on set { loss = mse; optimizer = adam(lr = 0.01) }
