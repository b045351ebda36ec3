//! Functions of `f64`: the pure-Rust `libm`, called element by element by the interpreter and the kernels alike.
use crate::tir::Op;

/// A function of one number that kernels call.
pub type Unary = extern "C" fn(f64) -> f64;
/// A function of two numbers that kernels call.
pub type Binary = extern "C" fn(f64, f64) -> f64;

/// e^x
pub extern "C" fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// Natural logarithm.
pub extern "C" fn log(x: f64) -> f64 {
    libm::log(x)
}

/// Sine (radians).
pub extern "C" fn sin(x: f64) -> f64 {
    libm::sin(x)
}

/// Cosine (radians).
pub extern "C" fn cos(x: f64) -> f64 {
    libm::cos(x)
}

/// Hyperbolic tangent.
pub extern "C" fn tanh(x: f64) -> f64 {
    libm::tanh(x)
}

/// 1 / (1 + e^-x), as e^x / (1 + e^x) for negative x.
pub extern "C" fn sigmoid(x: f64) -> f64 {
    let power = libm::exp(-x.abs());
    let numerator = if x < 0.0 { power } else { 1.0 };
    numerator / (1.0 + power)
}

/// The error function.
pub extern "C" fn erf(x: f64) -> f64 {
    libm::erf(x)
}

/// a ^ b
pub extern "C" fn pow(a: f64, b: f64) -> f64 {
    libm::pow(a, b)
}

/// Inverse of the standard normal distribution function: Newton's and Halley's steps on log(Phi) from the first term of the
/// asymptotic series; 0 gives -infinity, 1 infinity, numbers outside NaN.
pub extern "C" fn normal_quantile(p: f64) -> f64 {
    if !(p > 0.0 && p < 1.0) {
        return match p {
            0.0 => f64::NEG_INFINITY,
            1.0 => f64::INFINITY,
            _ => f64::NAN,
        };
    }
    let q = if p > 0.5 { 1.0 - p } else { p };
    let tail = libm::sqrt(-2.0 * libm::log(q));
    // Abramowitz and Stegun 26.2.23: within 4.5e-4.
    let numerator = (0.010328 * tail + 0.802853) * tail + 2.515517;
    let divisor = ((0.001308 * tail + 0.189269) * tail + 1.432788) * tail + 1.0;
    let mut z = tail - numerator / divisor;
    for _ in 0..3 {
        z = quantile_step(z, q);
    }
    if p > 0.5 { z } else { -z }
}

/// One step of Halley's rule for Phi(-z) = q, with the relative error of Phi, so that it works far out.
fn quantile_step(z: f64, q: f64) -> f64 {
    let probability = 0.5 * libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2);
    let density = 0.398_942_280_401_432_7 * libm::exp(-0.5 * z * z);
    if density == 0.0 {
        return z;
    }
    let step = (probability - q) / density;
    z + step / (1.0 + 0.5 * z * step)
}

/// The function of an operator that is called for each element, if it is one.
pub fn unary(op: Op) -> Option<Unary> {
    match op {
        Op::Exp => Some(exp),
        Op::Log => Some(log),
        Op::Sin => Some(sin),
        Op::Cos => Some(cos),
        Op::Tanh => Some(tanh),
        Op::Sigmoid => Some(sigmoid),
        Op::Erf => Some(erf),
        Op::NormalQuantile => Some(normal_quantile),
        _ => None,
    }
}

/// The function of a binary operator that is called for each element, if it is one.
pub fn binary(op: Op) -> Option<Binary> {
    (op == Op::Pow).then_some(pow)
}
