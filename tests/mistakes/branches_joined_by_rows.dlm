layer branch(x: [n, 8]) -> [n, 16] { x |> dense(16) |> relu }
layer both(a: [n, 8], b: [n, 8]) -> [n, 1] {
    param W: [32, 1] = glorot_uniform
    let h = concat(branch()(a), branch()(b), over = 0)
    h @ W
}
let net = both()
print net(normal[4, 8], normal[4, 8])
