layer video(x: [n, t, d]) -> [n, 5] {
    let steps = x |> lstm(16)
    steps[:, -1, :] |> dense(5)
}
let net = video()
print net(zeros[2, 7, 3])
