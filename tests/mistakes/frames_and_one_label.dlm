let frames = normal[1, 100, 75]
let labels = ones[1]
layer net(x: [n, t, d]) -> [n, t, 75] { x |> dense(75) }
let f = net()
minimize bce(f(frames), labels) with adam(lr = 0.001)
