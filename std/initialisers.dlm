# Initialisers: functions of the shape that they fill, which the place of use gives (`param W: [d, units] = glorot_uniform`,
# or `glorot_uniform[3, 4]`). `zeros`, `ones`, `normal(deviation)` and `uniform(low, high)` are part of the language.
# fan_in and fan_out of a shape: [in, out] for rank 2, [out, in, k...] above.

## Every element is `value`. As a schedule it is the rate that never changes.
fn constant(value) -> [] {
    value
}

## Uniform in `±sqrt(6 / (fan_in + fan_out))`.
## Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010).
fn glorot_uniform(gain = 1.0) -> [..s] {
    let a = gain * sqrt(6.0 / (fan_in(s) + fan_out(s)))
    uniform(-a, a)[..s]
}

## Normal with variance `2 / (fan_in + fan_out)`.
## Source: Glorot and Bengio (2010).
fn glorot_normal(gain = 1.0) -> [..s] {
    normal(gain * sqrt(2.0 / (fan_in(s) + fan_out(s))))[..s]
}

## Uniform in `±sqrt(6 / fan_in)`: keeps the variance through a rectifier.
## Source: He et al., "Delving deep into rectifiers" (2015).
fn he_uniform(gain = 1.0) -> [..s] {
    let a = gain * sqrt(6.0 / fan_in(s))
    uniform(-a, a)[..s]
}

## Normal with variance `2 / fan_in`.
## Source: He et al. (2015).
fn he_normal(gain = 1.0) -> [..s] {
    normal(gain * sqrt(2.0 / fan_in(s)))[..s]
}

## A random matrix with orthonormal columns (orthonormal rows where there are more columns than rows), times `gain`.
## Source: Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear networks" (2014).
fn orthogonal(gain = 1.0) -> [rows, columns] {
    if rows >= columns {
        gain * orthonormal_columns(normal[rows, columns])
    } else {
        gain * transpose(orthonormal_columns(normal[columns, rows]))
    }
}

## The columns of `a` made orthonormal one after the other, by Gram and Schmidt's method done twice per column (once loses
## orthogonality to rounding: Giraud, Langou and Rozložník, 2005).
fn orthonormal_columns(a: [rows, columns]) -> [rows, columns] {
    last(scan j in 0..columns, q = zeros[rows, columns] {
        let v[i] = sum[k] a[i, k] * f32(k == j)
        let first = v - q @ (v @ q)
        let second = first - q @ (first @ q)
        let unit = second / sqrt(sum(second * second))
        let next[i, k] = q[i, k] + unit[i] * f32(k == j)
        next
    })
}
