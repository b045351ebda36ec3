layer m(x: [n, t, 8]) -> [n, 10] {
    x |> lstm(16, num_layers = 2) |> last_over_time |> dense(10)
}
let net = m()
print net(zeros[2, 5, 8])
