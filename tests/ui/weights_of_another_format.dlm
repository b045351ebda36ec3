layer net(x: [n, d]) -> [n, 1] {
    x |> dense(1)
}
let f = net()
print f(normal[8, 20])
save f to "model.pt"
