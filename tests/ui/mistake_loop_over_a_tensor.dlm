layer net(x: [n, d]) -> [n, d] {
    for row in x { let y = row }
    x
}
let f = net()
print f([[1, 2]])
layer tower(x: [n, d]) -> [n, 2] {
    let widths = [8, 2]
    x |> dense(widths[0])
}
let t = tower()
print t([[1, 2]])
