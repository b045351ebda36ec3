let w = 0.5
let J = w ^ 2
print grad(J, w)
fn slope(v) {
    let y = v ^ 3
    grad(y, v)
}
print slope(2)
