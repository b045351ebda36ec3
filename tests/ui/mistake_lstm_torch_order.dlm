layer m(x: [n, t, 28]) -> [n, 10] {
    x |> lstm(28, 128, 2) |> last_over_time |> dense(10)
}
let net = m()
print net(zeros[2, 5, 28])
