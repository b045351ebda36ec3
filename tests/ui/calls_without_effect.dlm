layer net(x: [n, d]) -> [n, 1] {
    let h = x |> dense(8)
    relu(h)
    h |> dense(1)
}
let x = normal[8, 20]
let f = net()
f(x)
x |> softmax(over = -1)
print f(x)
