//! What is known while the loops of a nest are emitted: index values, running offsets, decided conditions, values computed so far.
use super::columns::Strip;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use cranelift_frontend::{FunctionBuilder, Variable};
use std::rc::Rc;

/// An integer that is known now or when the code runs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Int {
    Known(i64),
    Running(Value),
}

impl Int {
    pub fn value(self, builder: &mut FunctionBuilder) -> Value {
        match self {
            Int::Known(value) => builder.ins().iconst(types::I64, value),
            Int::Running(value) => value,
        }
    }

    pub fn known(self) -> Option<i64> {
        match self {
            Int::Known(value) => Some(value),
            Int::Running(_) => None,
        }
    }

    pub fn add(self, builder: &mut FunctionBuilder, other: Int) -> Int {
        match (self, other) {
            (Int::Known(a), Int::Known(b)) => Int::Known(a + b),
            (Int::Running(a), Int::Known(0)) | (Int::Known(0), Int::Running(a)) => Int::Running(a),
            (Int::Running(a), Int::Known(b)) | (Int::Known(b), Int::Running(a)) => {
                Int::Running(builder.ins().iadd_imm_s(a, b))
            }
            (Int::Running(a), Int::Running(b)) => Int::Running(builder.ins().iadd(a, b)),
        }
    }

    pub fn times(self, builder: &mut FunctionBuilder, factor: i64) -> Int {
        match self {
            Int::Known(a) => Int::Known(a * factor),
            Int::Running(a) if factor == 1 => Int::Running(a),
            Int::Running(a) if factor > 0 && factor.count_ones() == 1 => {
                let by = i64::from(factor.trailing_zeros());
                Int::Running(builder.ins().ishl_imm_u(a, by))
            }
            Int::Running(a) => Int::Running(builder.ins().imul_imm_s(a, factor)),
        }
    }

    pub fn min(self, builder: &mut FunctionBuilder, other: Int) -> Int {
        if let (Int::Known(a), Int::Known(b)) = (self, other) {
            return Int::Known(a.min(b));
        }
        let (a, b) = (self.value(builder), other.value(builder));
        Int::Running(builder.ins().smin(a, b))
    }

    pub fn max(self, builder: &mut FunctionBuilder, other: Int) -> Int {
        if let (Int::Known(a), Int::Known(b)) = (self, other) {
            return Int::Known(a.max(b));
        }
        let (a, b) = (self.value(builder), other.value(builder));
        Int::Running(builder.ins().smax(a, b))
    }

    /// Quotient rounded down, by a positive number.
    pub fn floor_div(self, builder: &mut FunctionBuilder, by: i64) -> Int {
        match self {
            Int::Known(a) => Int::Known(a.div_euclid(by)),
            Int::Running(a) if by == 1 => Int::Running(a),
            Int::Running(a) => {
                let quotient = builder.ins().sdiv_imm_s(a, by);
                let product = builder.ins().imul_imm_s(quotient, by);
                let rest = builder.ins().isub(a, product);
                // The sign of the remainder is -1 where the quotient was rounded up.
                let correction = builder.ins().sshr_imm_u(rest, 63);
                Int::Running(builder.ins().iadd(quotient, correction))
            }
        }
    }
}

/// What is known of a condition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Known {
    /// Nothing yet.
    Open,
    /// It holds.
    True,
    /// It fails.
    False,
    /// It holds where this `i8` is 1.
    Flag(Value),
}

/// The value of an access or instruction: one for all lanes, or one a copy (vectors, or scalars where the width is 1).
#[derive(Debug, Clone)]
pub(super) enum Copies {
    Uniform(Value),
    Varying(Rc<[Value]>),
}

/// Where a reduction stands.
#[derive(Debug, Clone)]
pub(super) struct Accumulators {
    /// Running values, one a copy; for lanes in memory none.
    pub values: Rc<[Variable]>,
    /// Running positions of `argmax`.
    pub positions: Rc<[Variable]>,
    /// Lane of the element, for a scalar rest in an order of lanes.
    pub lane: Option<usize>,
}

/// All that is known at one place in the loops; deeper loops start from a copy.
#[derive(Debug, Clone)]
pub(super) struct State {
    /// Lanes of varying values.
    pub width: usize,
    /// Copies of varying values.
    pub tile: usize,
    /// The indices fixed so far; that of the vector is of the first lane of the first copy.
    pub index: Vec<Option<Int>>,
    /// The range of an index where it is not its whole extent.
    pub range: Vec<Option<(Int, Int)>>,
    /// Conditions of the nest.
    pub known: Vec<Known>,
    /// Their expressions so far.
    pub sums: Vec<Int>,
    /// Numerators of offsets so far: accesses, then the store.
    pub offsets: Vec<Int>,
    /// What accesses found.
    pub found: Vec<Option<Copies>>,
    /// What instructions computed.
    pub computed: Vec<Option<Copies>>,
    /// Scalars and the vectors that repeat them.
    pub splats: Vec<(Value, Value)>,
    /// The reduction inside whose loops this is.
    pub accumulators: Option<Accumulators>,
    /// The strip of columns inside whose loops this is.
    pub strip: Option<Strip>,
    /// How many more times a loop may be split into edges and interior where the code runs.
    pub splits: usize,
}
