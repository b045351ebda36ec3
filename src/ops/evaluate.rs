//! The value of an operator on scalars, for the interpreter and for folding. A scalar of any type is carried as an `f64`, which is exact:
//! an `f32` and an `i32` have an `f64` equal to them, a truth value is 0 or 1.
use super::math::{self, Scalar};
use super::math64;
use crate::base::types::DType;
use crate::tir::Op;

/// The number of that type nearest to a carried one: `f32` rounds, `i32` is cut towards zero and clamped, `bool` asks whether it differs
/// from 0.
pub fn rounded(dtype: DType, value: f64) -> f64 {
    match dtype {
        DType::F32 => f64::from(value as f32),
        DType::F64 => value,
        DType::I32 => f64::from(value as i32),
        DType::Bool => truth(value != 0.0),
        DType::U8 => f64::from(value as u8),
    }
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

/// The operator's value for arguments of these types; `None` where the types do not suit it. In `f32` it has the bits that kernels give.
pub fn evaluate(op: Op, types: &[DType], arguments: &[f64]) -> Option<f64> {
    match (op, arguments) {
        (Op::ToF32, &[a]) => Some(rounded(DType::F32, a)),
        (Op::ToF64, &[a]) => Some(a),
        (Op::ToI32, &[a]) => Some(rounded(DType::I32, a)),
        (Op::ToBool, &[a]) => Some(rounded(DType::Bool, a)),
        (Op::Lt, &[a, b]) => Some(truth(a < b)),
        (Op::Le, &[a, b]) => Some(truth(a <= b)),
        (Op::Eq, &[a, b]) => Some(truth(a == b)),
        (Op::Ne, &[a, b]) => Some(truth(a != b)),
        (Op::And, &[a, b]) => Some(truth(a != 0.0 && b != 0.0)),
        (Op::Or, &[a, b]) => Some(truth(a != 0.0 || b != 0.0)),
        (Op::Not, &[a]) => Some(truth(a == 0.0)),
        (Op::Select, &[condition, a, b]) => Some(if condition != 0.0 { a } else { b }),
        (Op::Philox, &[c0, c1, c2, c3, k0, k1]) => {
            let counter = [c0, c1, c2, c3].map(|word| word as i32);
            let words = math::philox4x32_10(&mut Scalar, counter, [k0 as i32, k1 as i32]);
            Some(f64::from(words[0]))
        }
        (Op::UnitUniform, &[a]) => Some(f64::from(math::unit_uniform(&mut Scalar, a as i32))),
        (_, arguments) => match types.first()? {
            DType::F32 => {
                let narrow: Vec<f32> = arguments.iter().map(|&a| a as f32).collect();
                math::float_op(&mut Scalar, op, &narrow).map(f64::from)
            }
            DType::F64 => double(op, arguments),
            DType::I32 | DType::U8 => integer(op, arguments),
            DType::Bool => None,
        },
    }
}

/// The operators from `f64` to `f64`; they keep the rules of the `f32` ones for NaN, ties and signed zeros.
fn double(op: Op, arguments: &[f64]) -> Option<f64> {
    if let (Some(function), &[a]) = (math64::unary(op), arguments) {
        return Some(function(a));
    }
    if let (Some(function), &[a, b]) = (math64::binary(op), arguments) {
        return Some(function(a, b));
    }
    Some(match (op, arguments) {
        (Op::Neg, &[a]) => -a,
        (Op::Abs, &[a]) => a.abs(),
        (Op::Sign, &[a]) if a > 0.0 => 1.0,
        (Op::Sign, &[a]) if a < 0.0 => -1.0,
        (Op::Sign, &[a]) => a,
        (Op::Sqrt, &[a]) => a.sqrt(),
        (Op::Floor, &[a]) => a.floor(),
        (Op::Add, &[a, b]) => a + b,
        (Op::Sub, &[a, b]) => a - b,
        (Op::Mul, &[a, b]) => a * b,
        (Op::Div, &[a, b]) => a / b,
        (Op::FloorDiv, &[a, b]) => (a / b).floor(),
        (Op::Mod, &[a, b]) => a - b * (a / b).floor(),
        (Op::Min, &[a, b]) => first_if(a <= b || a.is_nan(), a, b),
        (Op::Max, &[a, b]) => first_if(b <= a || a.is_nan(), a, b),
        _ => return None,
    })
}

fn first_if(condition: bool, a: f64, b: f64) -> f64 {
    if condition { a } else { b }
}

/// The operators from `i32` to `i32`; they wrap.
fn integer(op: Op, arguments: &[f64]) -> Option<f64> {
    let value = match (op, arguments) {
        (Op::Neg, &[a]) => (a as i32).wrapping_neg(),
        (Op::Abs, &[a]) => (a as i32).wrapping_abs(),
        (Op::Sign, &[a]) => (a as i32).signum(),
        (_, &[a, b]) => integer_pair(op, a as i32, b as i32)?,
        _ => return None,
    };
    Some(f64::from(value))
}

fn integer_pair(op: Op, a: i32, b: i32) -> Option<i32> {
    Some(match op {
        Op::Add => a.wrapping_add(b),
        Op::Sub => a.wrapping_sub(b),
        Op::Mul => a.wrapping_mul(b),
        Op::Min => a.min(b),
        Op::Max => a.max(b),
        Op::FloorDiv => floor_division(a, b),
        Op::Mod => a.wrapping_sub(b.wrapping_mul(floor_division(a, b))),
        _ => return None,
    })
}

/// Quotient rounded down; 0 where the divisor is 0.
fn floor_division(a: i32, b: i32) -> i32 {
    if b == 0 {
        return 0;
    }
    let (quotient, rest) = (a.wrapping_div(b), a.wrapping_rem(b));
    let down = rest != 0 && (rest < 0) != (b < 0);
    quotient.wrapping_sub(i32::from(down))
}
