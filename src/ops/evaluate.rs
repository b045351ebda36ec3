//! The value of an operator on scalars, for the interpreter and for folding. A scalar of any type is carried as an `f64`, which is exact:
//! an `f32` and an `i32` have an `f64` equal to them, a truth value is 0 or 1.
use super::math::{self, Scalar};
use super::table::definition;
use crate::base::types::DType;
use crate::tir::Op;

/// Arguments of the operator that takes most (Philox).
const MOST_ARGUMENTS: usize = 6;

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

/// A truth value, carried.
pub(super) fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

/// The operator's value for arguments of these types; `None` where the types do not suit it. In `f32` it has the bits that kernels give.
pub fn evaluate(op: Op, types: &[DType], arguments: &[f64]) -> Option<f64> {
    op.result_type(types)?;
    let special = match types.first()? {
        DType::F32 => {
            let mut narrow = [0f32; MOST_ARGUMENTS];
            for (slot, &argument) in narrow.iter_mut().zip(arguments) {
                *slot = argument as f32;
            }
            math::float_op(&mut Scalar, op, narrow.get(..arguments.len())?).map(f64::from)
        }
        DType::I32 | DType::U8 => integer(op, arguments),
        DType::F64 | DType::Bool => None,
    };
    special.or_else(|| Some((definition(op).value)(arguments)))
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
