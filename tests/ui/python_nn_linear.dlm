layer net(x: [n, d]) -> [n, 10] {
    x |> nn.Linear(784, 10)
}
let m = net()
print m(zeros[2, 3])
