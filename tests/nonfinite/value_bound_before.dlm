let a = [[1, 2], [-1, 3]]
let x = sqrt(a)
layer m(x: [n, d]) -> [n, 2] { x |> dense(2) }
let f = m()
repeat 3 { minimize mse(f(x), 1) with sgd(lr = 0.01) }
