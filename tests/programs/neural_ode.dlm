# A neural differential equation dz/dt = f(z): Runge and Kutta's method in a scan, fitted to a spiral.
layer field(hidden)(z: [n, d]) -> [n, d] { z |> dense(hidden) |> tanh |> dense(d) }
fn runge_kutta(f: layer, z: [n, d], h) -> [n, d] {
    let a = f(z)
    let b = f(z + h / 2 * a)
    let c = f(z + h / 2 * b)
    let d = f(z + h * c)
    z + h / 6 * (a + 2 * b + 2 * c + d)
}
fn flow(f: layer, start: [n, d], steps) -> [steps, n, d] {
    scan i in 0..steps, z = start { runge_kutta(f, z, 0.1) }
}
layer spiral(z: [n, 2]) -> [n, 2] {
    z @ [[-0.1, 2.0], [-2.0, -0.1]]
}
let start = [[2, 0], [1, 1], [0, -2], [-1.5, 0.5]]
let truth = flow(spiral(), start, 30)
let f = field(24)
repeat 400 {
    minimize mae(flow(f, start, 30), truth) with adam(lr = 0.01)
}
print "error {mae(flow(f, start, 30), truth):.3}"
print "elsewhere {mae(flow(f, [[1, -1]], 30), flow(spiral(), [[1, -1]], 30)):.3}"
