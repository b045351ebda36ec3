let set = data(x = [[1, 2, 3, 4], [5, 6, 7, 8]], y = [0, 1])
layer net(x: [n, 1, 2, 2]) -> [n, 2] { x |> conv2d(3, kernel = 2) |> flatten |> dense(2) }
let f = net()
train f on set { loss = cross_entropy; optimizer = adam(lr = 0.01) }
