layer mixer(hidden)(x: [n, p, c]) -> [n, p, c] {
    let across = x |> transpose([n, c, p]) |> dense(hidden) |> gelu |> dense(p)
    x + across
}
let net = mixer(8)
print net(normal[2, 5, 4])
let noise = normal[4, 16]
print normal[16, 4] * noise
