# Two convolutions with pooling on 8 images, momentum.
hyper steps = 4
let x = normal[8, 1, 12, 12]
let y = argmax(normal[8, 10], over = -1)
layer model(x: [n, 1, 12, 12]) -> [n, 10] {
    x |> conv2d(4, kernel = 3, padding = 1) |> relu |> max_pool(2)
        |> conv2d(8, kernel = 3, padding = 1) |> relu |> max_pool(2)
        |> flatten |> dense(10)
}
let net = model()
repeat steps {
    minimize cross_entropy(net(x), y) with momentum(lr = 0.01)
}
