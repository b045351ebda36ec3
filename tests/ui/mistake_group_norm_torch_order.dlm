layer m(x: [n, 32, 8, 8]) -> [n, 32, 8, 8] {
    x |> group_norm(8, 32)
}
let net = m()
print mean(net(zeros[2, 32, 8, 8]))
