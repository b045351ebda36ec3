layer lenet(x: [n, 1, 28, 28]) -> [n, 10] {
    x |> conv2d(1, 6, 5) |> relu |> flatten |> dense(10)
}
let net = lenet()
print net(zeros[2, 1, 28, 28])
