//! Derivatives of the operators, as pullbacks: straight-line code that turns the cotangent of a result into those of its arguments.
//!
//! A pullback rather than a partial derivative, so that a product stays a product of two reads and a masked cotangent is selected, never
//! multiplied by 0 (which would turn an infinite one into NaN). Values at awkward points are PyTorch's.
use crate::base::types::DType;
use crate::tir::{Body, Inst, Literal, Op};

/// An operator's application whose result's cotangent is known.
pub struct Pullback<'a> {
    /// The body that holds the application; the pullback is added to it.
    pub body: &'a mut Body,
    /// The arguments' positions.
    pub arguments: &'a [u32],
    /// The arguments' types.
    pub types: &'a [DType],
    /// The result's position.
    pub result: u32,
    /// The position of the result's cotangent.
    pub cotangent: u32,
}

/// The cotangent of each argument; `None` stands for zero.
pub type Derivative = fn(&mut Pullback) -> Vec<Option<u32>>;

impl Pullback<'_> {
    fn a(&self) -> u32 {
        self.arguments[0]
    }

    fn b(&self) -> u32 {
        self.arguments[1]
    }

    /// A constant of the arguments' type.
    fn number(&mut self, value: f64) -> u32 {
        self.body.constant(self.types[0], value)
    }

    fn op(&mut self, op: Op, arguments: &[u32]) -> u32 {
        self.body.op(op, arguments)
    }

    /// The cotangent times a factor.
    fn scaled(&mut self, factor: u32) -> u32 {
        self.op(Op::Mul, &[self.cotangent, factor])
    }

    fn constant_value(&self, at: u32) -> Option<f64> {
        match self.body.insts.get(at as usize) {
            Some(Inst::Const(Literal { value, .. })) => Some(*value),
            Some(Inst::Read(_) | Inst::Index(_) | Inst::Op(..)) | None => None,
        }
    }
}

/// No argument has a gradient: the operator is locally constant, or not of floats.
pub(super) fn none(p: &mut Pullback) -> Vec<Option<u32>> {
    vec![None; p.arguments.len()]
}

/// d(-a) = -da
pub(super) fn neg(p: &mut Pullback) -> Vec<Option<u32>> {
    vec![Some(p.op(Op::Neg, &[p.cotangent]))]
}

/// d|a| = sign(a) da; 0 at 0
pub(super) fn abs(p: &mut Pullback) -> Vec<Option<u32>> {
    let sign = p.op(Op::Sign, &[p.a()]);
    vec![Some(p.scaled(sign))]
}

/// d(e^a) = e^a da
pub(super) fn exp(p: &mut Pullback) -> Vec<Option<u32>> {
    vec![Some(p.scaled(p.result))]
}

/// d(log a) = da / a
pub(super) fn log(p: &mut Pullback) -> Vec<Option<u32>> {
    vec![Some(p.op(Op::Div, &[p.cotangent, p.a()]))]
}

/// d(sqrt a) = da / (2 sqrt a); infinite at 0
pub(super) fn sqrt(p: &mut Pullback) -> Vec<Option<u32>> {
    let two = p.number(2.0);
    let twice = p.op(Op::Mul, &[two, p.result]);
    vec![Some(p.op(Op::Div, &[p.cotangent, twice]))]
}

/// d(sin a) = cos(a) da
pub(super) fn sin(p: &mut Pullback) -> Vec<Option<u32>> {
    let cosine = p.op(Op::Cos, &[p.a()]);
    vec![Some(p.scaled(cosine))]
}

/// d(cos a) = -sin(a) da
pub(super) fn cos(p: &mut Pullback) -> Vec<Option<u32>> {
    let sine = p.op(Op::Sin, &[p.a()]);
    let product = p.scaled(sine);
    vec![Some(p.op(Op::Neg, &[product]))]
}

/// d(tanh a) = (1 - tanh(a)^2) da
pub(super) fn tanh(p: &mut Pullback) -> Vec<Option<u32>> {
    let one = p.number(1.0);
    let square = p.op(Op::Mul, &[p.result, p.result]);
    let slope = p.op(Op::Sub, &[one, square]);
    vec![Some(p.scaled(slope))]
}

/// d(sigmoid a) = s (1 - s) da
pub(super) fn sigmoid(p: &mut Pullback) -> Vec<Option<u32>> {
    let one = p.number(1.0);
    let rest = p.op(Op::Sub, &[one, p.result]);
    let slope = p.op(Op::Mul, &[rest, p.result]);
    vec![Some(p.scaled(slope))]
}

/// d(erf a) = 2/sqrt(pi) e^(-a^2) da
pub(super) fn erf(p: &mut Pullback) -> Vec<Option<u32>> {
    let square = p.op(Op::Mul, &[p.a(), p.a()]);
    let minus = p.op(Op::Neg, &[square]);
    let bell = p.op(Op::Exp, &[minus]);
    let height = p.number(std::f64::consts::FRAC_2_SQRT_PI);
    let slope = p.op(Op::Mul, &[height, bell]);
    vec![Some(p.scaled(slope))]
}

/// d(q(a)) = sqrt(2 pi) e^(q^2 / 2) da
pub(super) fn normal_quantile(p: &mut Pullback) -> Vec<Option<u32>> {
    let square = p.op(Op::Mul, &[p.result, p.result]);
    let half = p.number(0.5);
    let exponent = p.op(Op::Mul, &[half, square]);
    let power = p.op(Op::Exp, &[exponent]);
    let height = p.number((2.0 * std::f64::consts::PI).sqrt());
    let slope = p.op(Op::Mul, &[height, power]);
    vec![Some(p.scaled(slope))]
}

/// d(a + b) = da + db
pub(super) fn add(p: &mut Pullback) -> Vec<Option<u32>> {
    vec![Some(p.cotangent); 2]
}

/// d(a - b) = da - db
pub(super) fn sub(p: &mut Pullback) -> Vec<Option<u32>> {
    let minus = p.op(Op::Neg, &[p.cotangent]);
    vec![Some(p.cotangent), Some(minus)]
}

/// d(a b) = b da + a db
pub(super) fn mul(p: &mut Pullback) -> Vec<Option<u32>> {
    vec![Some(p.scaled(p.b())), Some(p.scaled(p.a()))]
}

/// d(a / b) = da / b - (a / b) / b db
pub(super) fn div(p: &mut Pullback) -> Vec<Option<u32>> {
    let first = p.op(Op::Div, &[p.cotangent, p.b()]);
    let slope = p.op(Op::Div, &[p.result, p.b()]);
    let product = p.scaled(slope);
    let second = p.op(Op::Neg, &[product]);
    vec![Some(first), Some(second)]
}

/// d(a mod b) = da - floor(a / b) db
pub(super) fn modulo(p: &mut Pullback) -> Vec<Option<u32>> {
    let quotient = p.op(Op::FloorDiv, &[p.a(), p.b()]);
    let product = p.scaled(quotient);
    let second = p.op(Op::Neg, &[product]);
    vec![Some(p.cotangent), Some(second)]
}

/// d(a^b) = b a^(b - 1) da + a^b log(a) db; the first is 0 where b = 0, the second where a = 0 and b >= 0
pub(super) fn pow(p: &mut Pullback) -> Vec<Option<u32>> {
    let base = match p.constant_value(p.b()) {
        Some(0.0) => None,
        Some(1.0) => Some(p.cotangent),
        Some(exponent) => Some(pow_base_constant(p, exponent)),
        None => Some(pow_base(p)),
    };
    let exponent = match p.constant_value(p.b()) {
        Some(_) => None,
        None => Some(pow_exponent(p)),
    };
    vec![base, exponent]
}

fn pow_base_constant(p: &mut Pullback, exponent: f64) -> u32 {
    let power = if exponent == 2.0 {
        p.a()
    } else {
        let less = p.number(exponent - 1.0);
        p.op(Op::Pow, &[p.a(), less])
    };
    let factor = p.number(exponent);
    let slope = p.op(Op::Mul, &[factor, power]);
    p.scaled(slope)
}

fn pow_base(p: &mut Pullback) -> u32 {
    let (zero, one) = (p.number(0.0), p.number(1.0));
    let flat = p.op(Op::Eq, &[p.b(), zero]);
    // An exponent of 0 is replaced before it is used, so that the derivative of this code is finite at a base of 0.
    let safe = p.op(Op::Select, &[flat, one, p.b()]);
    let less = p.op(Op::Sub, &[safe, one]);
    let power = p.op(Op::Pow, &[p.a(), less]);
    let slope = p.op(Op::Mul, &[p.b(), power]);
    let value = p.scaled(slope);
    p.op(Op::Select, &[flat, zero, value])
}

fn pow_exponent(p: &mut Pullback) -> u32 {
    let (zero, one) = (p.number(0.0), p.number(1.0));
    let no_base = p.op(Op::Eq, &[p.a(), zero]);
    let no_sign = p.op(Op::Le, &[zero, p.b()]);
    let flat = p.op(Op::And, &[no_base, no_sign]);
    let safe = p.op(Op::Select, &[flat, one, p.a()]);
    let log = p.op(Op::Log, &[safe]);
    let slope = p.op(Op::Mul, &[p.result, log]);
    let value = p.scaled(slope);
    p.op(Op::Select, &[flat, zero, value])
}

/// The cotangent goes to the smaller; half to each where they are equal.
pub(super) fn min(p: &mut Pullback) -> Vec<Option<u32>> {
    let (a, b) = (p.a(), p.b());
    let (loses_a, loses_b) = (p.op(Op::Lt, &[b, a]), p.op(Op::Lt, &[a, b]));
    extreme(p, loses_a, loses_b)
}

/// The cotangent goes to the larger; half to each where they are equal.
pub(super) fn max(p: &mut Pullback) -> Vec<Option<u32>> {
    let (a, b) = (p.a(), p.b());
    let (loses_a, loses_b) = (p.op(Op::Lt, &[a, b]), p.op(Op::Lt, &[b, a]));
    extreme(p, loses_a, loses_b)
}

fn extreme(p: &mut Pullback, loses_a: u32, loses_b: u32) -> Vec<Option<u32>> {
    let (zero, half) = (p.number(0.0), p.number(0.5));
    let halved = p.scaled(half);
    let tie = p.op(Op::Eq, &[p.a(), p.b()]);
    let shared = p.op(Op::Select, &[tie, halved, p.cotangent]);
    let first = p.op(Op::Select, &[loses_a, zero, shared]);
    let second = p.op(Op::Select, &[loses_b, zero, shared]);
    vec![Some(first), Some(second)]
}

/// The cotangent goes to the branch that was taken.
pub(super) fn select(p: &mut Pullback) -> Vec<Option<u32>> {
    let dtype = p.types[1];
    if !dtype.is_float() {
        return vec![None; 3];
    }
    let zero = p.body.constant(dtype, 0.0);
    let condition = p.a();
    let first = p.op(Op::Select, &[condition, p.cotangent, zero]);
    let second = p.op(Op::Select, &[condition, zero, p.cotangent]);
    vec![None, Some(first), Some(second)]
}

/// Between float types the cotangent is converted back.
pub(super) fn convert(p: &mut Pullback) -> Vec<Option<u32>> {
    match p.types[0] {
        DType::F32 => vec![Some(p.op(Op::ToF32, &[p.cotangent]))],
        DType::F64 => vec![Some(p.op(Op::ToF64, &[p.cotangent]))],
        DType::I32 | DType::Bool | DType::U8 => vec![None],
    }
}
