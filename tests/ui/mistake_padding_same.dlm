layer m(x: [n, 1, 8, 8]) -> [n, 4, 8, 8] {
    x |> conv2d(4, kernel = 3, padding = "same")
}
let net = m()
print mean(net(zeros[2, 1, 8, 8]))
