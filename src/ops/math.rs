//! Functions of `f32`, written once as straight-line code over an [`Emitter`]: the interpreter runs them through [`Scalar`], the code
//! generator emits the same operations on vectors. Both give the same bits, since every rounding is written down here: a fused
//! multiply-add stands where `fma` is called and nowhere else. (On a processor without it, generated code multiplies and adds instead;
//! this is the one exception.)
//!
//! The polynomials are minimax fits (Lawson's iteration, coefficients rounded to `f32` one after the other, low order first).
use super::math64;
pub use super::random::{philox4x32_10, unit_uniform};
use crate::tir::Op;

/// What the functions are written in: arithmetic on one or several lanes. Every method is one IEEE operation, rounded to nearest.
#[allow(clippy::wrong_self_convention)] // the emitter makes values; it converts none of itself
pub trait Emitter {
    /// `f32` lanes.
    type F: Copy;
    /// `i32` lanes; arithmetic wraps.
    type I: Copy;
    /// Truth values, one a lane.
    type M: Copy;
    /// A constant in every lane.
    fn f32(&mut self, value: f32) -> Self::F;
    /// A constant in every lane.
    fn i32(&mut self, value: i32) -> Self::I;
    /// `a + b`
    fn add(&mut self, a: Self::F, b: Self::F) -> Self::F;
    /// `a - b`
    fn sub(&mut self, a: Self::F, b: Self::F) -> Self::F;
    /// `a * b`
    fn mul(&mut self, a: Self::F, b: Self::F) -> Self::F;
    /// `a / b`
    fn div(&mut self, a: Self::F, b: Self::F) -> Self::F;
    /// `a * b + c`, rounded once.
    fn fma(&mut self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// Square root.
    fn sqrt(&mut self, a: Self::F) -> Self::F;
    /// Largest integer not above `a`.
    fn floor(&mut self, a: Self::F) -> Self::F;
    /// `a` with its sign changed, also of NaN and zero.
    fn neg(&mut self, a: Self::F) -> Self::F;
    /// `a` without its sign.
    fn abs(&mut self, a: Self::F) -> Self::F;
    /// `a < b`; false where either is NaN.
    fn lt(&mut self, a: Self::F, b: Self::F) -> Self::M;
    /// `a <= b`; false where either is NaN.
    fn le(&mut self, a: Self::F, b: Self::F) -> Self::M;
    /// `a == b`; false where either is NaN.
    fn eq(&mut self, a: Self::F, b: Self::F) -> Self::M;
    /// `a == b`
    fn int_eq(&mut self, a: Self::I, b: Self::I) -> Self::M;
    /// Both.
    fn both(&mut self, a: Self::M, b: Self::M) -> Self::M;
    /// Either.
    fn either(&mut self, a: Self::M, b: Self::M) -> Self::M;
    /// Not.
    fn not(&mut self, a: Self::M) -> Self::M;
    /// `a` where the mask holds, else `b`.
    fn select(&mut self, mask: Self::M, a: Self::F, b: Self::F) -> Self::F;
    /// `a` where the mask holds, else `b`.
    fn int_select(&mut self, mask: Self::M, a: Self::I, b: Self::I) -> Self::I;
    /// The bits of a float.
    fn to_bits(&mut self, a: Self::F) -> Self::I;
    /// The float of these bits.
    fn from_bits(&mut self, a: Self::I) -> Self::F;
    /// The nearest float (ties to even).
    fn int_to_float(&mut self, a: Self::I) -> Self::F;
    /// `a + b`
    fn int_add(&mut self, a: Self::I, b: Self::I) -> Self::I;
    /// `a - b`
    fn int_sub(&mut self, a: Self::I, b: Self::I) -> Self::I;
    /// Bitwise and.
    fn int_and(&mut self, a: Self::I, b: Self::I) -> Self::I;
    /// Bitwise or.
    fn int_or(&mut self, a: Self::I, b: Self::I) -> Self::I;
    /// Bitwise exclusive or.
    fn int_xor(&mut self, a: Self::I, b: Self::I) -> Self::I;
    /// Shift left by `0..32`.
    fn shift_left(&mut self, a: Self::I, by: u32) -> Self::I;
    /// Shift right by `0..32`, the sign coming in.
    fn shift_right(&mut self, a: Self::I, by: u32) -> Self::I;
    /// Shift right by `0..32`, zeros coming in.
    fn shift_right_unsigned(&mut self, a: Self::I, by: u32) -> Self::I;
    /// High and low word of the unsigned product by a constant.
    fn mul_wide(&mut self, a: Self::I, constant: u32) -> (Self::I, Self::I);
    /// `usual`, but where the mask holds (which is seldom) the value of the function at `x`.
    fn rarely(
        &mut self,
        mask: Self::M,
        function: HostFunction,
        x: Self::F,
        usual: Self::F,
    ) -> Self::F;
}

/// Functions that are called, not emitted, for arguments that hardly occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HostFunction {
    /// Sine of a large number.
    Sin,
    /// Cosine of a large number.
    Cos,
    /// Normal quantile of a probability near 0 or 1.
    NormalQuantile,
}

impl HostFunction {
    /// Its value, by way of `f64`.
    pub fn call(self, x: f32) -> f32 {
        let x = f64::from(x);
        match self {
            HostFunction::Sin => math64::sin(x) as f32,
            HostFunction::Cos => math64::cos(x) as f32,
            HostFunction::NormalQuantile => math64::normal_quantile(x) as f32,
        }
    }
}

/// The emitter that computes: one lane of plain Rust numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scalar;

impl Emitter for Scalar {
    type F = f32;
    type I = i32;
    type M = bool;
    fn f32(&mut self, value: f32) -> f32 {
        value
    }
    fn i32(&mut self, value: i32) -> i32 {
        value
    }
    fn add(&mut self, a: f32, b: f32) -> f32 {
        a + b
    }
    fn sub(&mut self, a: f32, b: f32) -> f32 {
        a - b
    }
    fn mul(&mut self, a: f32, b: f32) -> f32 {
        a * b
    }
    fn div(&mut self, a: f32, b: f32) -> f32 {
        a / b
    }
    fn fma(&mut self, a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
    fn sqrt(&mut self, a: f32) -> f32 {
        a.sqrt()
    }
    fn floor(&mut self, a: f32) -> f32 {
        a.floor()
    }
    fn neg(&mut self, a: f32) -> f32 {
        -a
    }
    fn abs(&mut self, a: f32) -> f32 {
        a.abs()
    }
    fn lt(&mut self, a: f32, b: f32) -> bool {
        a < b
    }
    fn le(&mut self, a: f32, b: f32) -> bool {
        a <= b
    }
    fn eq(&mut self, a: f32, b: f32) -> bool {
        a == b
    }
    fn int_eq(&mut self, a: i32, b: i32) -> bool {
        a == b
    }
    fn both(&mut self, a: bool, b: bool) -> bool {
        a && b
    }
    fn either(&mut self, a: bool, b: bool) -> bool {
        a || b
    }
    fn not(&mut self, a: bool) -> bool {
        !a
    }
    fn select(&mut self, mask: bool, a: f32, b: f32) -> f32 {
        if mask { a } else { b }
    }
    fn int_select(&mut self, mask: bool, a: i32, b: i32) -> i32 {
        if mask { a } else { b }
    }
    fn to_bits(&mut self, a: f32) -> i32 {
        a.to_bits() as i32
    }
    fn from_bits(&mut self, a: i32) -> f32 {
        f32::from_bits(a as u32)
    }
    fn int_to_float(&mut self, a: i32) -> f32 {
        a as f32
    }
    fn int_add(&mut self, a: i32, b: i32) -> i32 {
        a.wrapping_add(b)
    }
    fn int_sub(&mut self, a: i32, b: i32) -> i32 {
        a.wrapping_sub(b)
    }
    fn int_and(&mut self, a: i32, b: i32) -> i32 {
        a & b
    }
    fn int_or(&mut self, a: i32, b: i32) -> i32 {
        a | b
    }
    fn int_xor(&mut self, a: i32, b: i32) -> i32 {
        a ^ b
    }
    fn shift_left(&mut self, a: i32, by: u32) -> i32 {
        a.wrapping_shl(by)
    }
    fn shift_right(&mut self, a: i32, by: u32) -> i32 {
        a.wrapping_shr(by)
    }
    fn shift_right_unsigned(&mut self, a: i32, by: u32) -> i32 {
        (a as u32).wrapping_shr(by) as i32
    }
    fn mul_wide(&mut self, a: i32, constant: u32) -> (i32, i32) {
        let product = u64::from(a as u32) * u64::from(constant);
        ((product >> 32) as i32, product as i32)
    }
    fn rarely(&mut self, mask: bool, function: HostFunction, x: f32, usual: f32) -> f32 {
        if mask { function.call(x) } else { usual }
    }
}

/// Adding this to a float below 2^22 rounds it to an integer, which then stands in the low bits.
const ROUNDER: f32 = 12_582_912.0;
const LN_2: f32 = std::f32::consts::LN_2;
/// ln 2 - LN_2
const LN_2_LOW: f32 = -1.904_654_2e-9;

/// `coefficients[0] x^n + ... + coefficients[n]` by Horner's rule with fused steps.
#[inline(always)]
fn polynomial<E: Emitter>(e: &mut E, x: E::F, coefficients: &[f32]) -> E::F {
    let mut sum = e.f32(coefficients[0]);
    for &coefficient in &coefficients[1..] {
        let coefficient = e.f32(coefficient);
        sum = e.fma(sum, x, coefficient);
    }
    sum
}

/// `x`, but at least `low` and at most `high`; NaN stays.
#[inline(always)]
fn clamp<E: Emitter>(e: &mut E, x: E::F, low: f32, high: f32) -> E::F {
    let (low, high) = (e.f32(low), e.f32(high));
    let below = e.lt(x, low);
    let x = e.select(below, low, x);
    let above = e.lt(high, x);
    e.select(above, high, x)
}

/// `magnitude` (not negative) with the sign of `sign`.
#[inline(always)]
fn with_sign<E: Emitter>(e: &mut E, magnitude: E::F, sign: E::F) -> E::F {
    let bits = e.to_bits(sign);
    let mask = e.i32(i32::MIN);
    let sign = e.int_and(bits, mask);
    let magnitude = e.to_bits(magnitude);
    let bits = e.int_or(magnitude, sign);
    e.from_bits(bits)
}

/// `x` rounded to an integer (|x| < 2^22): as a float and as an integer.
#[inline(always)]
fn round<E: Emitter>(e: &mut E, scaled: E::F) -> (E::F, E::I) {
    let rounder = e.f32(ROUNDER);
    let number = e.sub(scaled, rounder);
    let bits = e.to_bits(scaled);
    let zero = e.i32(ROUNDER.to_bits() as i32);
    (number, e.int_sub(bits, zero))
}

/// e^r for |r| <= ln(2)/2: `1 + (r + r^2 P(r))`.
#[inline(always)]
fn exp_core<E: Emitter>(e: &mut E, r: E::F) -> E::F {
    let p = polynomial(
        e,
        r,
        &[
            1.3820775e-3,
            8.369249e-3,
            4.166828e-2,
            1.6666517e-1,
            4.9999994e-1,
        ],
    );
    let square = e.mul(r, r);
    let tail = e.fma(square, p, r);
    let one = e.f32(1.0);
    e.add(tail, one)
}

/// `x * 2^n` for -252 <= n <= 254, in two steps, so that only the last one can round (to a denormal) or overflow.
#[inline(always)]
fn scale<E: Emitter>(e: &mut E, x: E::F, n: E::I) -> E::F {
    let half = e.shift_right(n, 1);
    let rest = e.int_sub(n, half);
    let mut x = x;
    for part in [half, rest] {
        let bias = e.i32(127);
        let biased = e.int_add(part, bias);
        let bits = e.shift_left(biased, 23);
        let factor = e.from_bits(bits);
        x = e.mul(x, factor);
    }
    x
}

/// e^x: at most 1.2 ULP; overflows to infinity, underflows gradually.
#[inline(always)]
pub fn exp<E: Emitter>(e: &mut E, x: E::F) -> E::F {
    let x = clamp(e, x, -104.0, 89.0);
    let (per_ln2, rounder) = (e.f32(std::f32::consts::LOG2_E), e.f32(ROUNDER));
    let scaled = e.fma(x, per_ln2, rounder);
    let (number, n) = round(e, scaled);
    let (high, low) = (e.f32(-LN_2), e.f32(-LN_2_LOW));
    let r = e.fma(number, high, x);
    let r = e.fma(number, low, r);
    let p = exp_core(e, r);
    scale(e, p, n)
}

/// e^x for |x| <= 87, without the care for overflow and denormals: at most 1 ULP.
#[inline(always)]
fn exp_moderate<E: Emitter>(e: &mut E, x: E::F) -> E::F {
    let (per_ln2, rounder) = (e.f32(std::f32::consts::LOG2_E), e.f32(ROUNDER));
    let scaled = e.fma(x, per_ln2, rounder);
    let number = e.sub(scaled, rounder);
    let (high, low) = (e.f32(-LN_2), e.f32(-LN_2_LOW));
    let r = e.fma(number, high, x);
    let r = e.fma(number, low, r);
    let p = exp_core(e, r);
    // The rounded exponent stands in the low bits; what else is there leaves by the shift.
    let bits = e.to_bits(scaled);
    let bits = e.shift_left(bits, 23);
    let one = e.i32(1.0f32.to_bits() as i32);
    let bits = e.int_add(bits, one);
    let factor = e.from_bits(bits);
    e.mul(p, factor)
}

/// Splits a positive finite `x` into `m * 2^n`, m in [sqrt(1/2), sqrt(2)): (m, n). Denormals are split rightly.
#[inline(always)]
fn split<E: Emitter>(e: &mut E, x: E::F) -> (E::F, E::I) {
    let smallest = e.f32(f32::MIN_POSITIVE);
    let denormal = e.lt(x, smallest);
    let factor = e.f32(8_388_608.0);
    let scaled = e.mul(x, factor);
    let x = e.select(denormal, scaled, x);
    let (less, none) = (e.i32(-23), e.i32(0));
    let correction = e.int_select(denormal, less, none);
    let root = e.i32(std::f32::consts::FRAC_1_SQRT_2.to_bits() as i32);
    let bits = e.to_bits(x);
    let above = e.int_sub(bits, root);
    let n = e.shift_right(above, 23);
    let shifted = e.shift_left(n, 23);
    let mantissa = e.int_sub(bits, shifted);
    (e.from_bits(mantissa), e.int_add(n, correction))
}

/// Natural logarithm: at most 1 ULP; log 0 = -infinity, of a negative number NaN.
#[inline(always)]
pub fn log<E: Emitter>(e: &mut E, x: E::F) -> E::F {
    let (m, n) = split(e, x);
    let n = e.int_to_float(n);
    let one = e.f32(1.0);
    let f = e.sub(m, one);
    let p = polynomial(
        e,
        f,
        &[
            6.749129e-2,
            -1.1672435e-1,
            1.1884766e-1,
            -1.2406004e-1,
            1.4220208e-1,
            -1.6667993e-1,
            2.0002076e-1,
            -2.500001e-1,
            3.3333313e-1,
        ],
    );
    // log(1 + f) = f + (n ln2_low + f^3 P - f^2/2) and n ln2_high, which is exact (ln2_high = 355/512).
    let square = e.mul(f, f);
    let cube = e.mul(square, f);
    let low = e.f32(-2.121_944_4e-4);
    let small = e.mul(n, low);
    let small = e.fma(cube, p, small);
    let minus_half = e.f32(-0.5);
    let small = e.fma(square, minus_half, small);
    let value = e.add(f, small);
    let high = e.f32(0.693_359_4);
    let value = e.fma(n, high, value);
    log_special_cases(e, x, value)
}

#[inline(always)]
fn log_special_cases<E: Emitter>(e: &mut E, x: E::F, value: E::F) -> E::F {
    let (zero, infinity) = (e.f32(0.0), e.f32(f32::INFINITY));
    let nan = e.f32(f32::NAN);
    let finite = e.lt(x, infinity);
    // Infinity and NaN give themselves.
    let value = e.select(finite, value, x);
    let negative = e.lt(x, zero);
    let value = e.select(negative, nan, value);
    let is_zero = e.eq(x, zero);
    let least = e.f32(f32::NEG_INFINITY);
    e.select(is_zero, least, value)
}

/// Hyperbolic tangent: `x + x^3 P(x^2)` below 0.625, `1 - 2/(e^2|x| + 1)` above.
#[inline(always)]
pub fn tanh<E: Emitter>(e: &mut E, x: E::F) -> E::F {
    let t = e.abs(x);
    let square = e.mul(t, t);
    let p = polynomial(
        e,
        square,
        &[
            2.1530155e-3,
            -8.190253e-3,
            2.1706948e-2,
            -5.3948183e-2,
            1.3333221e-1,
            -3.333333e-1,
        ],
    );
    let factor = e.mul(square, p);
    let small = e.fma(factor, t, t);
    // tanh 10 rounds to 1.
    let most = e.f32(10.0);
    let beyond = e.lt(most, t);
    let double = e.select(beyond, most, t);
    let double = e.add(double, double);
    let power = exp_moderate(e, double);
    let (one, minus_two, limit) = (e.f32(1.0), e.f32(-2.0), e.f32(0.625));
    let divisor = e.add(power, one);
    let quotient = e.div(minus_two, divisor);
    let large = e.add(one, quotient);
    let is_small = e.lt(t, limit);
    let magnitude = e.select(is_small, small, large);
    with_sign(e, magnitude, x)
}

/// `1 / (1 + e^-x)`, as `e^x / (1 + e^x)` for negative x: no overflow, no loss of small values.
#[inline(always)]
pub fn sigmoid<E: Emitter>(e: &mut E, x: E::F) -> E::F {
    let (zero, one) = (e.f32(0.0), e.f32(1.0));
    let t = e.abs(x);
    let t = e.neg(t);
    let power = exp(e, t);
    let negative = e.lt(x, zero);
    let numerator = e.select(negative, power, one);
    let divisor = e.add(one, power);
    e.div(numerator, divisor)
}

/// The error function: `x + x P(x^2)` below 1, `1 - exp(-x Q(x))` above.
#[inline(always)]
pub fn erf<E: Emitter>(e: &mut E, x: E::F) -> E::F {
    let square = e.mul(x, x);
    let p = polynomial(
        e,
        square,
        &[
            7.806904e-5,
            -7.997853e-4,
            5.187162e-3,
            -2.6853347e-2,
            1.1283579e-1,
            -3.7612626e-1,
            1.2837917e-1,
        ],
    );
    let small = e.fma(x, p, x);
    // erf 4 rounds to 1.
    let (t, most) = (e.abs(x), e.f32(4.0));
    let beyond = e.lt(most, t);
    let t = e.select(beyond, most, t);
    let q = polynomial(
        e,
        t,
        &[
            1.3657239e-5,
            -3.474329e-4,
            3.7441617e-3,
            -2.3980804e-2,
            1.0649547e-1,
            6.349919e-1,
            1.1286886,
        ],
    );
    let exponent = e.mul(t, q);
    let exponent = e.neg(exponent);
    let power = exp_moderate(e, exponent);
    let one = e.f32(1.0);
    let large = e.sub(one, power);
    let large = with_sign(e, large, x);
    let is_small = e.lt(t, one);
    e.select(is_small, small, large)
}

/// The argument less `n` times pi/2 (|x| < 1e5; Cody and Waite's reduction with three constants): (rest, n).
#[inline(always)]
fn reduce<E: Emitter>(e: &mut E, x: E::F) -> (E::F, E::I) {
    let (per_quarter, rounder) = (e.f32(std::f32::consts::FRAC_2_PI), e.f32(ROUNDER));
    let scaled = e.fma(x, per_quarter, rounder);
    let (number, n) = round(e, scaled);
    let mut rest = x;
    for part in [-1.570_796_4, 4.371_139e-8, 1.715_124_5e-15] {
        let part = e.f32(part);
        rest = e.fma(number, part, rest);
    }
    (rest, n)
}

/// Sine (`quarter` 0) or cosine (`quarter` 1).
#[inline(always)]
fn sine_or_cosine<E: Emitter>(e: &mut E, x: E::F, quarter: i32, function: HostFunction) -> E::F {
    let (r, n) = reduce(e, x);
    let square = e.mul(r, r);
    let p = polynomial(
        e,
        square,
        &[2.831718e-6, -1.9853025e-4, 8.333379e-3, -1.6666667e-1],
    );
    let cube = e.mul(square, r);
    let sine = e.fma(cube, p, r);
    let p = polynomial(
        e,
        square,
        &[2.4431425e-5, -1.3887305e-3, 4.1666646e-2, -0.5, 1.0],
    );
    let (one, two, offset) = (e.i32(1), e.i32(2), e.i32(quarter));
    let n = e.int_add(n, offset);
    let odd = e.int_and(n, one);
    let use_cosine = e.int_eq(odd, one);
    let value = e.select(use_cosine, p, sine);
    let half = e.int_and(n, two);
    let sign = e.shift_left(half, 30);
    let bits = e.to_bits(value);
    let bits = e.int_xor(bits, sign);
    let usual = e.from_bits(bits);
    let (limit, magnitude) = (e.f32(1e5), e.abs(x));
    let large = e.le(limit, magnitude);
    e.rarely(large, function, x, usual)
}

/// Sine (radians).
#[inline(always)]
pub fn sin<E: Emitter>(e: &mut E, x: E::F) -> E::F {
    sine_or_cosine(e, x, 0, HostFunction::Sin)
}

/// Cosine (radians).
#[inline(always)]
pub fn cos<E: Emitter>(e: &mut E, x: E::F) -> E::F {
    sine_or_cosine(e, x, 1, HostFunction::Cos)
}

/// log2 of a positive finite number as an unevaluated sum: `n + s 2/ln2 + s^3 Q(s^2)`, where s = (m - 1)/(m + 1).
#[inline(always)]
fn log2_pair<E: Emitter>(e: &mut E, x: E::F) -> (E::F, E::F) {
    let (m, n) = split(e, x);
    let n = e.int_to_float(n);
    let one = e.f32(1.0);
    let (above, below) = (e.sub(m, one), e.add(m, one));
    let s = e.div(above, below);
    // What the division lost: (above - s * below) / below, `below` itself being m + 1 less its rounding error.
    let below_less_one = e.sub(below, one);
    let below_error = e.sub(m, below_less_one);
    let minus_s = e.neg(s);
    let remainder = e.fma(minus_s, below, above);
    let remainder = e.fma(minus_s, below_error, remainder);
    let s_low = e.div(remainder, below);
    let square = e.mul(s, s);
    let q = polynomial(
        e,
        square,
        &[3.366248e-1, 4.1192147e-1, 5.770789e-1, 9.617967e-1],
    );
    let (high, low) = (e.f32(2.885_39), e.f32(3.851_926e-8));
    let product = e.mul(s, high);
    let minus_product = e.neg(product);
    let error = e.fma(s, high, minus_product);
    let error = e.fma(s, low, error);
    let error = e.fma(s_low, high, error);
    let cube = e.mul(square, s);
    let error = e.fma(cube, q, error);
    // |n| >= |product| or n = 0: Dekker's fast sum, twice.
    let sum = e.add(n, product);
    let taken = e.sub(sum, n);
    let lost = e.sub(product, taken);
    let low = e.add(error, lost);
    let total = e.add(sum, low);
    let taken = e.sub(total, sum);
    (total, e.sub(low, taken))
}

/// |a|^b for the general case: 2^(b log2 |a|).
#[inline(always)]
fn power_magnitude<E: Emitter>(e: &mut E, magnitude: E::F, b: E::F) -> E::F {
    let (high, low) = log2_pair(e, magnitude);
    let (zero, infinity) = (e.f32(0.0), e.f32(f32::INFINITY));
    let least = e.f32(f32::NEG_INFINITY);
    let is_zero = e.eq(magnitude, zero);
    let high = e.select(is_zero, least, high);
    let finite = e.lt(magnitude, infinity);
    let high = e.select(finite, high, magnitude);
    let product = e.mul(b, high);
    let minus_product = e.neg(product);
    let error = e.fma(b, high, minus_product);
    let error = e.fma(b, low, error);
    let (limit, size) = (e.f32(160.0), e.abs(product));
    let moderate = e.lt(size, limit);
    let error = e.select(moderate, error, zero);
    let product = clamp(e, product, -160.0, 160.0);
    let rounder = e.f32(ROUNDER);
    let scaled = e.add(product, rounder);
    let (number, n) = round(e, scaled);
    let fraction = e.sub(product, number);
    let fraction = e.add(fraction, error);
    let ln2 = e.f32(LN_2);
    let r = e.mul(fraction, ln2);
    let p = exp_core(e, r);
    scale(e, p, n)
}

/// `a ^ b` with the special cases of IEEE 754: x^0 = 1^y = 1, a negative base needs an integer exponent (else NaN).
#[inline(always)]
pub fn pow<E: Emitter>(e: &mut E, a: E::F, b: E::F) -> E::F {
    let (zero, one, half) = (e.f32(0.0), e.f32(1.0), e.f32(0.5));
    let magnitude = e.abs(a);
    let value = power_magnitude(e, magnitude, b);
    // (-1)^(+-infinity) = 1
    let is_one = e.eq(magnitude, one);
    let b_is_number = e.eq(b, b);
    let unit = e.both(is_one, b_is_number);
    let value = e.select(unit, one, value);
    let whole = e.floor(b);
    let is_whole = e.eq(whole, b);
    let halved = e.mul(b, half);
    let floor_half = e.floor(halved);
    let is_even = e.eq(floor_half, halved);
    let not_even = e.not(is_even);
    let is_odd = e.both(is_whole, not_even);
    let signed = with_sign(e, value, a);
    let value = e.select(is_odd, signed, value);
    let (least, nan) = (e.f32(f32::NEG_INFINITY), e.f32(f32::NAN));
    let negative = e.lt(a, zero);
    let finite = e.lt(least, a);
    let negative = e.both(negative, finite);
    let broken = e.not(is_whole);
    let undefined = e.both(negative, broken);
    let value = e.select(undefined, nan, value);
    let (base_one, no_power) = (e.eq(a, one), e.eq(b, zero));
    let trivial = e.either(base_one, no_power);
    e.select(trivial, one, value)
}

/// Inverse of the standard normal distribution function (after M. Giles, "Approximating the erfinv function", 2010, refitted):
/// `(p - 1/2) P(w)`, w = -log(4 p (1 - p)), in the middle; a polynomial in sqrt(w) further out. 0 gives -infinity, 1 infinity.
#[inline(always)]
pub fn normal_quantile<E: Emitter>(e: &mut E, p: E::F) -> E::F {
    let (half, one) = (e.f32(0.5), e.f32(1.0));
    let above = e.lt(half, p);
    let complement = e.sub(one, p);
    let q = e.select(above, complement, p);
    let rest = e.sub(one, q);
    let product = e.mul(q, rest);
    let four = e.f32(4.0);
    let product = e.mul(product, four);
    let w = log(e, product);
    let w = e.neg(w);
    let middle = e.f32(-2.5);
    let shifted = e.add(w, middle);
    let ratio = polynomial(
        e,
        shifted,
        &[
            -2.5961972e-8,
            5.9792605e-8,
            1.3328856e-6,
            -9.717211e-6,
            -1.4098109e-5,
            6.172544e-4,
            -3.5432084e-3,
            -1.1815e-2,
            6.9760406e-1,
            4.246627,
        ],
    );
    let distance = e.sub(p, half);
    let inner = e.mul(distance, ratio);
    let outer = outer_quantile(e, w, distance);
    let five = e.f32(5.0);
    let is_inner = e.lt(w, five);
    let value = e.select(is_inner, inner, outer);
    let limit = e.f32(17.0);
    let usual = e.lt(w, limit);
    let far = e.not(usual);
    e.rarely(far, HostFunction::NormalQuantile, p, value)
}

#[inline(always)]
fn outer_quantile<E: Emitter>(e: &mut E, w: E::F, sign: E::F) -> E::F {
    let root = e.sqrt(w);
    let middle = e.f32(-3.18);
    let shifted = e.add(root, middle);
    let magnitude = polynomial(
        e,
        shifted,
        &[
            4.5139775e-5,
            -2.1661377e-5,
            -3.2715558e-4,
            1.346168e-3,
            -3.814727e-3,
            7.337914e-3,
            1.4210255,
            4.26171,
        ],
    );
    with_sign(e, magnitude, sign)
}

/// -1, 0 or 1 by the sign; NaN and zeros give themselves.
fn sign<E: Emitter>(e: &mut E, a: E::F) -> E::F {
    let (zero, one, minus_one) = (e.f32(0.0), e.f32(1.0), e.f32(-1.0));
    let above = e.lt(zero, a);
    let below = e.lt(a, zero);
    let value = e.select(below, minus_one, a);
    e.select(above, one, value)
}

/// The larger (`greater`) or smaller; the first where equal; NaN if either is.
fn extreme<E: Emitter>(e: &mut E, greater: bool, a: E::F, b: E::F) -> E::F {
    // This choice is one instruction (`maxps`): `a` where either is NaN.
    let second = if greater { e.lt(a, b) } else { e.lt(b, a) };
    let value = e.select(second, b, a);
    let number = e.eq(b, b);
    e.select(number, value, b)
}

/// Any operator from `f32` to `f32`; `None` where it is none (or has another number of arguments).
pub fn float_op<E: Emitter>(e: &mut E, op: Op, arguments: &[E::F]) -> Option<E::F> {
    Some(match (op, arguments) {
        (Op::Neg, &[a]) => e.neg(a),
        (Op::Abs, &[a]) => e.abs(a),
        (Op::Sign, &[a]) => sign(e, a),
        (Op::Exp, &[a]) => exp(e, a),
        (Op::Log, &[a]) => log(e, a),
        (Op::Sqrt, &[a]) => e.sqrt(a),
        (Op::Sin, &[a]) => sin(e, a),
        (Op::Cos, &[a]) => cos(e, a),
        (Op::Tanh, &[a]) => tanh(e, a),
        (Op::Sigmoid, &[a]) => sigmoid(e, a),
        (Op::Erf, &[a]) => erf(e, a),
        (Op::Floor, &[a]) => e.floor(a),
        (Op::NormalQuantile, &[a]) => normal_quantile(e, a),
        (Op::Add, &[a, b]) => e.add(a, b),
        (Op::Sub, &[a, b]) => e.sub(a, b),
        (Op::Mul, &[a, b]) => e.mul(a, b),
        (Op::Div, &[a, b]) => e.div(a, b),
        (Op::Pow, &[a, b]) => pow(e, a, b),
        (Op::Min, &[a, b]) => extreme(e, false, a, b),
        (Op::Max, &[a, b]) => extreme(e, true, a, b),
        (Op::FloorDiv, &[a, b]) => {
            let quotient = e.div(a, b);
            e.floor(quotient)
        }
        // a - b * floor(a / b), each step rounded
        (Op::Mod, &[a, b]) => {
            let quotient = e.div(a, b);
            let whole = e.floor(quotient);
            let product = e.mul(b, whole);
            e.sub(a, product)
        }
        _ => return None,
    })
}

#[cfg(test)]
#[path = "math_tests.rs"]
mod tests;
