//! The scalar operators that a comprehension's body may use. What each means (types, value, derivative, code) stands in
//! [`crate::ops`], one row each; this is only the list of their names, so that graphs can be built and printed below that room.

/// A scalar operator. `a`, `b`, `c` are its arguments in order; both of a binary operator have one type unless a row says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Op {
    /// `-a`
    Neg,
    /// `|a|`
    Abs,
    /// -1, 0 or 1 by the sign of `a`; 0 has no sign; NaN gives NaN.
    Sign,
    /// e^a
    Exp,
    /// Natural logarithm.
    Log,
    /// Square root.
    Sqrt,
    /// Sine (radians).
    Sin,
    /// Cosine (radians).
    Cos,
    /// Hyperbolic tangent.
    Tanh,
    /// 1 / (1 + e^-a)
    Sigmoid,
    /// The error function.
    Erf,
    /// Largest integer not above `a`, as a float.
    Floor,
    /// `a + b`
    Add,
    /// `a - b`
    Sub,
    /// `a * b`
    Mul,
    /// `a / b`; floats only.
    Div,
    /// Quotient rounded down; integers (division by zero gives 0) and floats (`floor(a / b)`).
    FloorDiv,
    /// `a - b * floor(a / b)`: the sign of the divisor.
    Mod,
    /// `a ^ b`
    Pow,
    /// The smaller; NaN if either is NaN; the first where equal.
    Min,
    /// The larger; NaN if either is NaN; the first where equal.
    Max,
    /// `a < b` as `bool`
    Lt,
    /// `a <= b` as `bool`
    Le,
    /// `a == b` as `bool`
    Eq,
    /// `a != b` as `bool`
    Ne,
    /// Both, of `bool`.
    And,
    /// Either, of `bool`.
    Or,
    /// Not, of `bool`.
    Not,
    /// `b` where the `bool` `a` holds, else `c`.
    Select,
    /// Conversion to `f32` from any type.
    ToF32,
    /// Conversion to `f64` from any type.
    ToF64,
    /// Conversion to `i32` from any type; floats are cut towards zero and clamped, NaN gives 0.
    ToI32,
    /// `a != 0` as `bool`
    ToBool,
    /// Philox4x32-10 of the counter (a, b, c, d) under the key (e, f), all `i32`: the first word of the result, as `i32`.
    Philox,
    /// A uniform number in (0, 1): `((u32(a) >> 9) + 0.5) / 2^23`, as `f32`.
    UnitUniform,
    /// The standard normal quantile of `a` in (0, 1).
    NormalQuantile,
}

impl Op {
    /// Every operator, in the order of the list.
    pub const ALL: [Op; 36] = [
        Op::Neg,
        Op::Abs,
        Op::Sign,
        Op::Exp,
        Op::Log,
        Op::Sqrt,
        Op::Sin,
        Op::Cos,
        Op::Tanh,
        Op::Sigmoid,
        Op::Erf,
        Op::Floor,
        Op::Add,
        Op::Sub,
        Op::Mul,
        Op::Div,
        Op::FloorDiv,
        Op::Mod,
        Op::Pow,
        Op::Min,
        Op::Max,
        Op::Lt,
        Op::Le,
        Op::Eq,
        Op::Ne,
        Op::And,
        Op::Or,
        Op::Not,
        Op::Select,
        Op::ToF32,
        Op::ToF64,
        Op::ToI32,
        Op::ToBool,
        Op::Philox,
        Op::UnitUniform,
        Op::NormalQuantile,
    ];

    /// The name in IR text.
    pub fn name(self) -> &'static str {
        match self {
            Op::Neg => "neg",
            Op::Abs => "abs",
            Op::Sign => "sign",
            Op::Exp => "exp",
            Op::Log => "log",
            Op::Sqrt => "sqrt",
            Op::Sin => "sin",
            Op::Cos => "cos",
            Op::Tanh => "tanh",
            Op::Sigmoid => "sigmoid",
            Op::Erf => "erf",
            Op::Floor => "floor",
            Op::Add => "add",
            Op::Sub => "sub",
            Op::Mul => "mul",
            Op::Div => "div",
            Op::FloorDiv => "floordiv",
            Op::Mod => "mod",
            Op::Pow => "pow",
            Op::Min => "min",
            Op::Max => "max",
            Op::Lt => "lt",
            Op::Le => "le",
            Op::Eq => "eq",
            Op::Ne => "ne",
            Op::And => "and",
            Op::Or => "or",
            Op::Not => "not",
            Op::Select => "select",
            Op::ToF32 => "f32",
            Op::ToF64 => "f64",
            Op::ToI32 => "i32",
            Op::ToBool => "bool",
            Op::Philox => "philox",
            Op::UnitUniform => "unit_uniform",
            Op::NormalQuantile => "normal_quantile",
        }
    }

    /// The type of the result for these argument types; `None` where the arguments do not fit.
    pub fn result_type(
        self,
        arguments: &[crate::base::types::DType],
    ) -> Option<crate::base::types::DType> {
        use crate::base::types::DType::{Bool, F32, F64, I32};
        let same =
            |n: usize| arguments.len() == n && arguments.windows(2).all(|pair| pair[0] == pair[1]);
        let first = *arguments.first()?;
        let float = first.is_float();
        let number = float || first == I32;
        match self {
            Op::Neg | Op::Abs | Op::Sign => (same(1) && number).then_some(first),
            Op::Exp
            | Op::Log
            | Op::Sqrt
            | Op::Sin
            | Op::Cos
            | Op::Tanh
            | Op::Sigmoid
            | Op::Erf
            | Op::Floor
            | Op::NormalQuantile => (same(1) && float).then_some(first),
            Op::Add | Op::Sub | Op::Mul | Op::FloorDiv | Op::Mod | Op::Min | Op::Max => {
                (same(2) && number).then_some(first)
            }
            Op::Div | Op::Pow => (same(2) && float).then_some(first),
            Op::Lt | Op::Le => (same(2) && number).then_some(Bool),
            Op::Eq | Op::Ne => same(2).then_some(Bool),
            Op::And | Op::Or => (same(2) && first == Bool).then_some(Bool),
            Op::Not => (same(1) && first == Bool).then_some(Bool),
            Op::Select => (arguments.len() == 3 && first == Bool && arguments[1] == arguments[2])
                .then(|| arguments[1]),
            Op::ToF32 => (arguments.len() == 1).then_some(F32),
            Op::ToF64 => (arguments.len() == 1).then_some(F64),
            Op::ToI32 => (arguments.len() == 1).then_some(I32),
            Op::ToBool => (arguments.len() == 1).then_some(Bool),
            Op::Philox => (same(6) && first == I32).then_some(I32),
            Op::UnitUniform => (same(1) && first == I32).then_some(F32),
        }
    }
}
