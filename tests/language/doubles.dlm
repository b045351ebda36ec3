# Declared doubles take initialisers and literals of doubles.
layer line(x: f64[n, d]) -> f64[n] {
    param w: f64[d] = glorot_uniform
    param b: f64[]  = constant(0.25)
    x @ w + b
}
let x: f64[3, 2] = [[1, 0], [0, 1], [1, 1]]
let y: f64[3]    = [1, 2, 3]
let f = line()
repeat 3000 {
    minimize mse(f(x), y) with momentum(lr = 0.05, mu = 0.9)
}
print "{f.w:.6} {abs(f.b) < 1e-12}"
