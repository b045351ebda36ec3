//! The table of operators: one row each.
use super::derivative::{self, Derivative};
use super::evaluate::{rounded, truth};
use super::math::{self, Scalar};
use super::math64;
use crate::base::types::DType;
use crate::tir::Op;

/// All that is known of an operator, beside its `f32` code in [`super::math`] and the types it takes in [`Op::result_type`].
pub struct OpDef {
    /// The operator.
    pub op: Op,
    /// Number of arguments.
    pub arity: usize,
    /// What it computes.
    pub doc: &'static str,
    /// The cotangents of its arguments.
    pub derivative: Derivative,
    /// Its value in `f64`; integers and truth values are carried as `f64` (see [`super::evaluate`]).
    pub value: fn(&[f64]) -> f64,
    /// For each argument a range in which the operator is defined and smooth enough for finite differences; tests sample it.
    pub samples: &'static [(f64, f64)],
}

const ANY: (f64, f64) = (-3.0, 3.0);
const POSITIVE: (f64, f64) = (0.2, 4.0);
const WORD: (f64, f64) = (-2e9, 2e9);

macro_rules! rows {
    ($($op:ident $arity:literal $doc:literal $derivative:ident $samples:expr, $value:expr;)*) => {
        [$(OpDef {
            op: Op::$op,
            arity: $arity,
            doc: $doc,
            derivative: derivative::$derivative,
            value: $value,
            samples: &$samples,
        }),*]
    };
}

/// Every operator, in the order of [`Op::ALL`].
#[rustfmt::skip]
pub static TABLE: [OpDef; 36] = rows! {
    Neg 1 "-a" neg [ANY], |x| -x[0];
    Abs 1 "|a|" abs [ANY], |x| x[0].abs();
    Sign 1 "-1, 0 or 1 by the sign; NaN and zeros give themselves" none [ANY], |x| sign(x[0]);
    Exp 1 "e^a" exp [ANY], |x| math64::exp(x[0]);
    Log 1 "natural logarithm" log [POSITIVE], |x| math64::log(x[0]);
    Sqrt 1 "square root" sqrt [POSITIVE], |x| x[0].sqrt();
    Sin 1 "sine" sin [ANY], |x| math64::sin(x[0]);
    Cos 1 "cosine" cos [ANY], |x| math64::cos(x[0]);
    Tanh 1 "hyperbolic tangent" tanh [ANY], |x| math64::tanh(x[0]);
    Sigmoid 1 "1 / (1 + e^-a)" sigmoid [ANY], |x| math64::sigmoid(x[0]);
    Erf 1 "error function" erf [ANY], |x| math64::erf(x[0]);
    Floor 1 "largest integer not above a" none [ANY], |x| x[0].floor();
    Add 2 "a + b" add [ANY, ANY], |x| x[0] + x[1];
    Sub 2 "a - b" sub [ANY, ANY], |x| x[0] - x[1];
    Mul 2 "a * b" mul [ANY, ANY], |x| x[0] * x[1];
    Div 2 "a / b" div [ANY, POSITIVE], |x| x[0] / x[1];
    FloorDiv 2 "quotient rounded down" none [ANY, POSITIVE], |x| (x[0] / x[1]).floor();
    Mod 2 "a - b * floor(a / b)" modulo [ANY, POSITIVE], |x| x[0] - x[1] * (x[0] / x[1]).floor();
    Pow 2 "a^b" pow [POSITIVE, ANY], |x| math64::pow(x[0], x[1]);
    Min 2 "the smaller; NaN if either is; the first where equal" min [ANY, ANY], |x| first_if(x[0] <= x[1], x);
    Max 2 "the larger; NaN if either is; the first where equal" max [ANY, ANY], |x| first_if(x[1] <= x[0], x);
    Lt 2 "a < b" none [ANY, ANY], |x| truth(x[0] < x[1]);
    Le 2 "a <= b" none [ANY, ANY], |x| truth(x[0] <= x[1]);
    Eq 2 "a == b" none [ANY, ANY], |x| truth(x[0] == x[1]);
    Ne 2 "a != b" none [ANY, ANY], |x| truth(x[0] != x[1]);
    And 2 "both" none [(0.0, 1.0), (0.0, 1.0)], |x| truth(x[0] != 0.0 && x[1] != 0.0);
    Or 2 "either" none [(0.0, 1.0), (0.0, 1.0)], |x| truth(x[0] != 0.0 || x[1] != 0.0);
    Not 1 "not" none [(0.0, 1.0)], |x| truth(x[0] == 0.0);
    Select 3 "b where a holds, else c" select [(0.0, 1.0), ANY, ANY], |x| if x[0] != 0.0 { x[1] } else { x[2] };
    ToF32 1 "conversion to f32" convert [ANY], |x| rounded(DType::F32, x[0]);
    ToF64 1 "conversion to f64" convert [ANY], |x| x[0];
    ToI32 1 "conversion to i32, cut towards zero and clamped" none [ANY], |x| rounded(DType::I32, x[0]);
    ToBool 1 "a != 0" none [ANY], |x| rounded(DType::Bool, x[0]);
    Philox 6 "first word of Philox4x32-10 of the counter a, b, c, d under the key e, f" none [WORD; 6], philox;
    UnitUniform 1 "((u32(a) >> 9) + 0.5) / 2^23" none [WORD], |x| f64::from(math::unit_uniform(&mut Scalar, x[0] as i32));
    NormalQuantile 1 "standard normal quantile" normal_quantile [(0.05, 0.95)], |x| math64::normal_quantile(x[0]);
};

/// The row of an operator.
pub fn definition(op: Op) -> &'static OpDef {
    // The table has the order of the enumeration; a test holds it to that.
    &TABLE[op as usize]
}

fn sign(a: f64) -> f64 {
    if a > 0.0 {
        1.0
    } else if a < 0.0 {
        -1.0
    } else {
        a
    }
}

fn first_if(condition: bool, arguments: &[f64]) -> f64 {
    let take_first = condition || arguments[0].is_nan();
    arguments[usize::from(!take_first)]
}

fn philox(words: &[f64]) -> f64 {
    let word = |at: usize| words[at] as i32;
    let counter = [word(0), word(1), word(2), word(3)];
    f64::from(math::philox4x32_10(&mut Scalar, counter, [word(4), word(5)])[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::evaluate::evaluate;

    #[test]
    fn rows_stand_in_the_order_of_the_operators() {
        for (at, (row, op)) in TABLE.iter().zip(Op::ALL).enumerate() {
            assert_eq!((row.op, op as usize), (op, at));
            assert_eq!(row.arity, row.samples.len(), "{}", op.name());
        }
    }

    #[test]
    fn f32_values_follow_the_f64_ones() {
        for row in &TABLE {
            let floats = vec![DType::F32; row.arity];
            if row.op.result_type(&floats) != Some(DType::F32) {
                continue;
            }
            for step in 0..=20 {
                let fraction = f64::from(step) / 20.0;
                let arguments: Vec<f64> = row
                    .samples
                    .iter()
                    .enumerate()
                    .map(|(at, (low, high))| {
                        let place = (fraction + 0.37 * at as f64).fract();
                        rounded(DType::F32, low + (high - low) * place)
                    })
                    .collect();
                let (narrow, wide) = (
                    evaluate(row.op, &floats, &arguments).unwrap(),
                    (row.value)(&arguments),
                );
                let close = (narrow - wide).abs() <= 1e-5 * wide.abs().max(1.0);
                assert!(
                    close,
                    "{} of {arguments:?}: {narrow}, {wide}",
                    row.op.name()
                );
            }
        }
    }

    #[test]
    fn integers_divide_downwards_and_wrap() {
        let types = [DType::I32, DType::I32];
        let value = |op, a: i32, b: i32| {
            evaluate(op, &types, &[f64::from(a), f64::from(b)]).map(|x| x as i32)
        };
        assert_eq!(value(Op::FloorDiv, -7, 2), Some(-4));
        assert_eq!(value(Op::FloorDiv, 7, -2), Some(-4));
        assert_eq!(value(Op::FloorDiv, 7, 0), Some(0));
        assert_eq!(value(Op::FloorDiv, i32::MIN, -1), Some(i32::MIN));
        assert_eq!(value(Op::Mod, -7, 3), Some(2));
        assert_eq!(value(Op::Mod, 7, -3), Some(-2));
        assert_eq!(value(Op::Add, i32::MAX, 1), Some(i32::MIN));
        assert_eq!(value(Op::Mul, 1 << 20, 1 << 20), Some(0));
    }

    #[test]
    fn extremes_give_nan_and_the_first_of_equals() {
        for dtype in [DType::F32, DType::F64] {
            let value = |op, a, b| evaluate(op, &[dtype; 2], &[a, b]).unwrap();
            assert!(
                value(Op::Max, f64::NAN, 1.0).is_nan() && value(Op::Max, 1.0, f64::NAN).is_nan()
            );
            assert!(
                value(Op::Min, f64::NAN, 1.0).is_nan() && value(Op::Min, 1.0, f64::NAN).is_nan()
            );
            assert!(value(Op::Max, -0.0, 0.0).is_sign_negative());
            assert!(value(Op::Min, 0.0, -0.0).is_sign_positive());
        }
    }
}
