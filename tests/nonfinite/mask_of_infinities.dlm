let x = normal[8, 5, 4]
let y = normal[8, 5, 4]
let after[i < 5, j < 5] = where(j <= i, 1.0, 0.0)
let mask = log(after)
layer m(x: [n, t, d]) -> [n, t, d] {
    let q = x |> dense(d)
    let s[b, i, j] = sum[k] q[b, i, k] * x[b, j, k] + mask[i, j]
    let p = softmax(s)
    let o[b, i, k] = sum[j] p[b, i, j] * x[b, j, k]
    o
}
let f = m()
repeat 100 { minimize mse(f(x), y) with adam(lr = 0.01) }
print "ok {mse(f(x), y) < 100}, mask {mask}"
