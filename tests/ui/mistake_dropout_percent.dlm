layer lenet(x: [n, d]) -> [n, 10] {
    x |> dense(32) |> relu |> dropout(50) |> dense(10)
}
let net = lenet()
print net(zeros[2, 784])
