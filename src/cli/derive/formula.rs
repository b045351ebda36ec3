//! Formulas in index notation.
use crate::base::types::DType;
use crate::tir::{Affine, Op, Reducer};

/// A formula.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// A number.
    Number(f64),
    /// An index.
    Index(String),
    /// An element of a tensor, or a scalar.
    Access(String, Vec<Expr>),
    /// An operator.
    Op(Op, Vec<Expr>),
    /// A reduction over indices, each with its bound.
    Reduce(Reducer, Vec<Index>, Box<Expr>),
}

/// An index with its bound; whether the bound must be written, since no access shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// One more than its largest value.
    pub bound: usize,
    /// Whether the bound follows from no access.
    pub written: bool,
}

/// What is defined.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// `name[indices] = formula`
    Definition {
        /// The name.
        name: String,
        /// The indices of the result.
        indices: Vec<Index>,
        /// Its element.
        body: Expr,
    },
    /// The same elements under other sizes.
    Reshape {
        /// The name.
        name: String,
        /// Of what.
        of: String,
        /// The sizes.
        shape: Vec<usize>,
    },
    /// Tensors side by side.
    Concat {
        /// The name.
        name: String,
        /// The tensors.
        parts: Vec<String>,
        /// The dimension.
        axis: usize,
    },
    /// A literal.
    Constant {
        /// The name.
        name: String,
        /// The sizes.
        shape: Vec<usize>,
        /// The elements.
        elements: Vec<f64>,
        /// The element type, where it is not that of the literal.
        dtype: Option<DType>,
    },
    /// A recurrence.
    Scan(Recurrence),
    /// A heading or a remark.
    Remark(String),
}

/// A recurrence: the states of each turn from those of the turn before.
#[derive(Debug, Clone, PartialEq)]
pub struct Recurrence {
    /// The turn.
    pub turn: String,
    /// Number of turns.
    pub length: usize,
    /// From the last turn to the first.
    pub reverse: bool,
    /// Names of the states and of their initial values.
    pub states: Vec<(String, String)>,
    /// One turn.
    pub body: Vec<Line>,
    /// Values of a turn: the next states, then what is kept beside them.
    pub gives: Vec<String>,
    /// Names of these values of all turns.
    pub stacks: Vec<String>,
}

impl Expr {
    /// An operator on two formulas.
    pub fn binary(op: Op, a: Expr, b: Expr) -> Expr {
        Expr::Op(op, vec![a, b])
    }

    /// An affine expression of indices.
    pub fn affine(affine: &Affine, names: &[String]) -> Expr {
        let mut sum: Option<Expr> = None;
        for (index, coefficient) in affine.terms() {
            let name = names.get(index).cloned().unwrap_or_default();
            let size = coefficient.unsigned_abs() as f64;
            let term = match coefficient.unsigned_abs() {
                1 => Expr::Index(name),
                _ => Expr::binary(Op::Mul, Expr::Number(size), Expr::Index(name)),
            };
            sum = Some(match (sum, coefficient < 0) {
                (None, false) => term,
                // A difference reads better than a negative number in front.
                (None, true) => Expr::binary(Op::Sub, Expr::Number(affine.offset() as f64), term),
                (Some(sum), false) => Expr::binary(Op::Add, sum, term),
                (Some(sum), true) => Expr::binary(Op::Sub, sum, term),
            });
        }
        let begins_with_offset = affine.terms().next().is_some_and(|(_, c)| c < 0);
        let offset = if begins_with_offset {
            0
        } else {
            affine.offset()
        };
        let size = Expr::Number(offset.unsigned_abs() as f64);
        let sum = match (sum, offset) {
            (None, offset) => Expr::Number(offset as f64),
            (Some(sum), 0) => sum,
            (Some(sum), offset) if offset < 0 => Expr::binary(Op::Sub, sum, size),
            (Some(sum), _) => Expr::binary(Op::Add, sum, size),
        };
        match affine.divisor() {
            1 => sum,
            by => Expr::binary(Op::FloorDiv, sum, Expr::Number(by as f64)),
        }
    }
}
