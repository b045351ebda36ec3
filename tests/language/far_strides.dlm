# A stride says nothing where its index has one value; strides of strides must not overflow, in gradients too.
let x = [3, 4, 5, 6, 7]
fn strided(x: [n], by) -> [1] {
    let z[i < 1] = x[by * i]
    let w[i < 1] = z[by * i]
    let v[i < 1] = w[by * i]
    let u[i < 1] = v[by * i]
    u
}
fn slopes(by) {
    let u = strided(x, by)
    let first = grad(sum(u * u), x)
    (u, first, grad(sum(first ^ 2), x))
}
let (a, da, dda) = slopes(2147483647)
let (b, db, ddb) = slopes(55109)
let (c, dc, ddc) = slopes(32768)
print a, da, dda
print b, db, ddb
print c, dc, ddc
