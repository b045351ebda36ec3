//! One row for each operator: its name, what it is given, what it means in words, and how its gradient flows.
use crate::base::types::DType;
use crate::tir::{Body, Inst, Op};

/// One operator of a body being differentiated backwards: everything its rule may speak of.
pub struct Step<'a> {
    /// Positions of the arguments.
    pub arguments: &'a [u32],
    /// Types of the arguments.
    pub types: &'a [DType],
    /// Position of the result.
    pub result: u32,
    /// Position of the gradient that arrives at the result; of the result's type.
    pub cotangent: u32,
    /// Type of the result.
    pub dtype: DType,
}

/// Adds instructions that carry the gradient on to the arguments: one position each, of the argument's type; `None` where none flows.
pub type Gradient = fn(&mut Body, &Step<'_>) -> Vec<Option<u32>>;

/// The definition of an operator.
pub struct OpDef {
    /// Which.
    pub op: Op,
    /// Number of arguments.
    pub arity: usize,
    /// What it computes, in one line.
    pub doc: &'static str,
    /// For each argument a range of numbers in which the operator is defined and, if it has a gradient, smooth; for tests.
    pub sample: &'static [(f64, f64)],
    /// How its gradient flows; `None` where none does.
    pub gradient: Option<Gradient>,
}

/// The row of an operator.
pub fn definition(op: Op) -> &'static OpDef {
    &ROWS[op as usize]
}

const ANY: (f64, f64) = (-2.0, 2.0);
const POSITIVE: (f64, f64) = (0.3, 2.5);
const UNIT: (f64, f64) = (0.05, 0.95);
const TRUTH: (f64, f64) = (0.0, 1.0);
const WORD: (f64, f64) = (-2e9, 2e9);

const fn row(
    op: Op,
    doc: &'static str,
    sample: &'static [(f64, f64)],
    gradient: Option<Gradient>,
) -> OpDef {
    OpDef {
        op,
        arity: sample.len(),
        doc,
        sample,
        gradient,
    }
}

/// Every operator, in the order of [`Op::ALL`].
pub static ROWS: [OpDef; 36] = [
    row(Op::Neg, "-a", &[ANY], Some(negative)),
    row(
        Op::Abs,
        "|a|; its slope at 0 is 0",
        &[(0.2, 2.0)],
        Some(absolute),
    ),
    row(Op::Sign, "-1, 0 or 1 by the sign of a", &[(0.2, 2.0)], None),
    row(Op::Exp, "e^a", &[ANY], Some(exponential)),
    row(Op::Log, "natural logarithm", &[POSITIVE], Some(logarithm)),
    row(Op::Sqrt, "square root", &[POSITIVE], Some(square_root)),
    row(Op::Sin, "sine of radians", &[ANY], Some(sine)),
    row(Op::Cos, "cosine of radians", &[ANY], Some(cosine)),
    row(
        Op::Tanh,
        "hyperbolic tangent",
        &[ANY],
        Some(hyperbolic_tangent),
    ),
    row(Op::Sigmoid, "1 / (1 + e^-a)", &[ANY], Some(sigmoid)),
    row(Op::Erf, "the error function", &[ANY], Some(error_function)),
    row(
        Op::Floor,
        "largest integer not above a",
        &[(0.1, 0.9)],
        None,
    ),
    row(Op::Add, "a + b", &[ANY, ANY], Some(sum)),
    row(Op::Sub, "a - b", &[ANY, ANY], Some(difference)),
    row(Op::Mul, "a * b", &[ANY, ANY], Some(product)),
    row(Op::Div, "a / b", &[ANY, POSITIVE], Some(quotient)),
    row(
        Op::FloorDiv,
        "a / b rounded down",
        &[(2.1, 2.9), (1.0, 1.01)],
        None,
    ),
    row(
        Op::Mod,
        "a - b * floor(a / b)",
        &[(2.1, 2.9), (1.0, 1.01)],
        Some(remainder),
    ),
    row(Op::Pow, "a ^ b", &[POSITIVE, ANY], Some(power)),
    row(
        Op::Min,
        "the smaller; a tie shares its gradient equally",
        &[(0.0, 1.0), (1.1, 2.0)],
        Some(smaller),
    ),
    row(
        Op::Max,
        "the larger; a tie shares its gradient equally",
        &[(0.0, 1.0), (1.1, 2.0)],
        Some(larger),
    ),
    row(Op::Lt, "a < b", &[ANY, ANY], None),
    row(Op::Le, "a <= b", &[ANY, ANY], None),
    row(Op::Eq, "a == b", &[ANY, ANY], None),
    row(Op::Ne, "a != b", &[ANY, ANY], None),
    row(Op::And, "both", &[TRUTH, TRUTH], None),
    row(Op::Or, "either", &[TRUTH, TRUTH], None),
    row(Op::Not, "not", &[TRUTH], None),
    row(
        Op::Select,
        "b where a holds, else c",
        &[TRUTH, ANY, ANY],
        Some(choice),
    ),
    row(Op::ToF32, "as f32", &[ANY], Some(conversion)),
    row(Op::ToF64, "as f64", &[ANY], Some(conversion)),
    row(Op::ToI32, "as i32, cut towards zero", &[(0.1, 0.9)], None),
    row(Op::ToBool, "a != 0", &[POSITIVE], None),
    row(
        Op::Philox,
        "a random word from a counter of four words and a key of two",
        &[WORD, WORD, WORD, WORD, WORD, WORD],
        None,
    ),
    row(
        Op::UnitUniform,
        "a word as a number in (0, 1)",
        &[WORD],
        None,
    ),
    row(
        Op::NormalQuantile,
        "the standard normal quantile of a probability",
        &[UNIT],
        Some(normal_quantile),
    ),
];

impl Step<'_> {
    fn argument(&self, at: usize) -> u32 {
        self.arguments[at]
    }

    /// The incoming gradient times a factor, for the only argument.
    fn scaled(&self, body: &mut Body, factor: u32) -> Vec<Option<u32>> {
        vec![Some(body.op(Op::Mul, &[self.cotangent, factor]))]
    }

    fn constant(&self, body: &mut Body, value: f64) -> u32 {
        body.constant(self.dtype, value)
    }
}

// (-a)' = -1
fn negative(body: &mut Body, step: &Step) -> Vec<Option<u32>> {
    vec![Some(body.op(Op::Neg, &[step.cotangent]))]
}

// |a|' = sign(a)
fn absolute(body: &mut Body, step: &Step) -> Vec<Option<u32>> {
    let sign = body.op(Op::Sign, &[step.argument(0)]);
    step.scaled(body, sign)
}

// (e^a)' = e^a
fn exponential(body: &mut Body, step: &Step) -> Vec<Option<u32>> {
    step.scaled(body, step.result)
}

// (log a)' = 1 / a
fn logarithm(body: &mut Body, step: &Step) -> Vec<Option<u32>> {
    vec![Some(body.op(Op::Div, &[step.cotangent, step.argument(0)]))]
}

// sqrt(a)' = 1 / (2 sqrt(a))
fn square_root(body: &mut Body, step: &Step) -> Vec<Option<u32>> {
    let half = step.constant(body, 0.5);
    let halved = body.op(Op::Mul, &[step.cotangent, half]);
    vec![Some(body.op(Op::Div, &[halved, step.result]))]
}

// sin' = cos
fn sine(body: &mut Body, step: &Step) -> Vec<Option<u32>> {
    let slope = body.op(Op::Cos, &[step.argument(0)]);
    step.scaled(body, slope)
}

// cos' = -sin
fn cosine(body: &mut Body, step: &Step) -> Vec<Option<u32>> {
    let slope = body.op(Op::Sin, &[step.argument(0)]);
    let product = body.op(Op::Mul, &[step.cotangent, slope]);
    vec![Some(body.op(Op::Neg, &[product]))]
}

// tanh' = 1 - tanh^2
fn hyperbolic_tangent(body: &mut Body, step: &Step) -> Vec<Option<u32>> {
    let one = step.constant(body, 1.0);
    let square = body.op(Op::Mul, &[step.result, step.result]);
    let slope = body.op(Op::Sub, &[one, square]);
    step.scaled(body, slope)
}

// s' = s (1 - s)
fn sigmoid(body: &mut Body, step: &Step) -> Vec<Option<u32>> {
    let one = step.constant(body, 1.0);
    let rest = body.op(Op::Sub, &[one, step.result]);
    let slope = body.op(Op::Mul, &[step.result, rest]);
    step.scaled(body, slope)
}

// erf'(a) = 2 / sqrt(pi) e^(-a^2)
fn error_function(body: &mut Body, step: &Step) -> Vec<Option<u32>> {
    let square = body.op(Op::Mul, &[step.argument(0), step.argument(0)]);
    let exponent = body.op(Op::Neg, &[square]);
    let bell = body.op(Op::Exp, &[exponent]);
    let height = step.constant(body, std::f64::consts::FRAC_2_SQRT_PI);
    let slope = body.op(Op::Mul, &[height, bell]);
    step.scaled(body, slope)
}

// (a + b)' = (1, 1)
fn sum(_: &mut Body, step: &Step) -> Vec<Option<u32>> {
    vec![Some(step.cotangent); 2]
}

// (a - b)' = (1, -1)
fn difference(body: &mut Body, step: &Step) -> Vec<Option<u32>> {
    let negated = body.op(Op::Neg, &[step.cotangent]);
    vec![Some(step.cotangent), Some(negated)]
}

// (a b)' = (b, a)
fn product(body: &mut Body, step: &Step) -> Vec<Option<u32>> {
    let first = body.op(Op::Mul, &[step.cotangent, step.argument(1)]);
    let second = body.op(Op::Mul, &[step.cotangent, step.argument(0)]);
    vec![Some(first), Some(second)]
}

// (a / b)' = (1 / b, -(a / b) / b)
fn quotient(body: &mut Body, step: &Step) -> Vec<Option<u32>> {
    let first = body.op(Op::Div, &[step.cotangent, step.argument(1)]);
    let product = body.op(Op::Mul, &[first, step.result]);
    let second = body.op(Op::Neg, &[product]);
    vec![Some(first), Some(second)]
}

// (a mod b)' = (1, -floor(a / b))
fn remainder(body: &mut Body, step: &Step) -> Vec<Option<u32>> {
    let turns = body.op(Op::FloorDiv, &[step.argument(0), step.argument(1)]);
    let product = body.op(Op::Mul, &[step.cotangent, turns]);
    let second = body.op(Op::Neg, &[product]);
    vec![Some(step.cotangent), Some(second)]
}

// (a ^ b)' = (b a^(b - 1), a^b log a); 0 where b, or a, is 0.
fn power(body: &mut Body, step: &Step) -> Vec<Option<u32>> {
    let (a, b) = (step.argument(0), step.argument(1));
    if let Inst::Const(literal) = body.insts[b as usize] {
        return vec![constant_power(body, step, literal.value), None];
    }
    let (zero, one) = (step.constant(body, 0.0), step.constant(body, 1.0));
    let less = body.op(Op::Sub, &[b, one]);
    let no_power = body.op(Op::Eq, &[b, zero]);
    // With b = 0 the factor b makes the slope 0, if a^(b - 1) is finite.
    let exponent = body.op(Op::Select, &[no_power, one, less]);
    let lower = body.op(Op::Pow, &[a, exponent]);
    let slope = body.op(Op::Mul, &[b, lower]);
    let first = body.op(Op::Mul, &[step.cotangent, slope]);
    let no_base = body.op(Op::Eq, &[a, zero]);
    // log 1 = 0, and its slope is finite too.
    let base = body.op(Op::Select, &[no_base, one, a]);
    let logarithm = body.op(Op::Log, &[base]);
    let slope = body.op(Op::Mul, &[step.result, logarithm]);
    let second = body.op(Op::Mul, &[step.cotangent, slope]);
    vec![Some(first), Some(second)]
}

// (a ^ c)' = c a^(c - 1)
fn constant_power(body: &mut Body, step: &Step, exponent: f64) -> Option<u32> {
    if exponent == 0.0 {
        return None;
    }
    if exponent == 1.0 {
        return Some(step.cotangent);
    }
    let factor = step.constant(body, exponent);
    let scaled = body.op(Op::Mul, &[step.cotangent, factor]);
    let lower = if exponent == 2.0 {
        step.argument(0)
    } else {
        let less = step.constant(body, exponent - 1.0);
        body.op(Op::Pow, &[step.argument(0), less])
    };
    Some(body.op(Op::Mul, &[scaled, lower]))
}

// max: 1 to the larger, 1/2 each where they are equal.
fn larger(body: &mut Body, step: &Step) -> Vec<Option<u32>> {
    let (a, b) = (step.argument(0), step.argument(1));
    vec![share(body, step, b, a), share(body, step, a, b)]
}

// min: 1 to the smaller, 1/2 each where they are equal.
fn smaller(body: &mut Body, step: &Step) -> Vec<Option<u32>> {
    let (a, b) = (step.argument(0), step.argument(1));
    vec![share(body, step, a, b), share(body, step, b, a)]
}

/// The gradient where `low < high`, half of it where they are equal, else 0.
fn share(body: &mut Body, step: &Step, low: u32, high: u32) -> Option<u32> {
    let (zero, half) = (step.constant(body, 0.0), step.constant(body, 0.5));
    let chosen = body.op(Op::Lt, &[low, high]);
    let tie = body.op(Op::Eq, &[step.argument(0), step.argument(1)]);
    let halved = body.op(Op::Mul, &[step.cotangent, half]);
    let rest = body.op(Op::Select, &[tie, halved, zero]);
    Some(body.op(Op::Select, &[chosen, step.cotangent, rest]))
}

fn choice(body: &mut Body, step: &Step) -> Vec<Option<u32>> {
    let zero = step.constant(body, 0.0);
    let condition = step.argument(0);
    let first = body.op(Op::Select, &[condition, step.cotangent, zero]);
    let second = body.op(Op::Select, &[condition, zero, step.cotangent]);
    vec![None, Some(first), Some(second)]
}

// A conversion between floats carries the gradient over, in the argument's type.
fn conversion(body: &mut Body, step: &Step) -> Vec<Option<u32>> {
    let back = match step.types[0] {
        same if same == step.dtype => Some(step.cotangent),
        DType::F32 => Some(body.op(Op::ToF32, &[step.cotangent])),
        DType::F64 => Some(body.op(Op::ToF64, &[step.cotangent])),
        DType::I32 | DType::Bool | DType::U8 => None,
    };
    vec![back]
}

// The quantile z of p: dz/dp = 1 / density(z) = sqrt(2 pi) e^(z^2 / 2)
fn normal_quantile(body: &mut Body, step: &Step) -> Vec<Option<u32>> {
    let half = step.constant(body, 0.5);
    let square = body.op(Op::Mul, &[step.result, step.result]);
    let exponent = body.op(Op::Mul, &[square, half]);
    let growth = body.op(Op::Exp, &[exponent]);
    let root = step.constant(body, (2.0 * std::f64::consts::PI).sqrt());
    let slope = body.op(Op::Mul, &[root, growth]);
    step.scaled(body, slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_stand_in_the_order_of_the_list() {
        for (at, op) in Op::ALL.into_iter().enumerate() {
            assert_eq!(ROWS[at].op, op);
            assert_eq!(definition(op).op, op);
        }
    }
}
