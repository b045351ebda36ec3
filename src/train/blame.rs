//! Which scalar operation of a node gives the first number that is not finite, in words, and what mends it.
use super::format::float;
use super::probe::Fault;
use crate::base::tensor::Tensor;
use crate::base::types::DType;
use crate::ops::evaluate::evaluate;
use crate::tir::{Body, Comprehension, Inst, Node, Op, Read, Reducer, Subscript, Value};

/// Elements of a sum that are gone through in search of the one at fault.
const MOST_ADDENDS: usize = 1 << 20;

/// One element that is not finite, and what made it so.
#[derive(Debug)]
pub(super) struct Blame {
    /// Where it stands in the result.
    pub point: Vec<usize>,
    /// The element.
    pub value: f64,
    /// The scalar operation, with its arguments.
    pub cause: Cause,
}

/// What made a number infinite or NaN.
#[derive(Debug, PartialEq)]
pub(super) enum Cause {
    /// An operator on these arguments.
    Operator(Op, DType, Vec<f64>),
    /// A reduction of finite numbers.
    Reduction(Reducer, usize),
    /// It was read so.
    Read,
    /// A sum into places, or a result that only hands elements on.
    Other,
}

/// Looks at the first element of a result that is not finite.
pub(super) fn blame(fault: &Fault) -> Option<Blame> {
    let result = &fault.result;
    let at = (0..result.len()).find(|&at| !result.get(at).is_none_or(f64::is_finite))?;
    let point = point_of(at, result.shape());
    let cause = match &fault.culprit {
        Node::Comprehension(c) => cause(c, fault, &point).unwrap_or(Cause::Other),
        Node::Input(_)
        | Node::Constant(_)
        | Node::Reshape(_)
        | Node::Concat(..)
        | Node::Scatter(_)
        | Node::Scan(_)
        | Node::Region(_)
        | Node::Gradient { .. }
        | Node::StopGradient(_) => Cause::Other,
    };
    Some(Blame {
        value: result.get(at)?,
        point,
        cause,
    })
}

/// The indices of a row-major position.
pub(super) fn point_of(mut at: usize, shape: &[usize]) -> Vec<usize> {
    let mut point = vec![0; shape.len()];
    for (index, &size) in point.iter_mut().zip(shape).rev() {
        *index = at % size.max(1);
        at /= size.max(1);
    }
    point
}

fn cause(c: &Comprehension, fault: &Fault, free: &[usize]) -> Option<Cause> {
    let count: usize = c.reduce.iter().product();
    for at in 0..count.min(MOST_ADDENDS) {
        let mut point = free.to_vec();
        point.extend(point_of(at, &c.reduce));
        if c.domain.holds(&point)
            && let Some(found) = at_point(&c.body, &c.reads, fault, &point)?
        {
            return Some(found);
        }
    }
    let reducer = c.reducer?;
    (count <= MOST_ADDENDS).then_some(Cause::Reduction(reducer, count))
}

/// The first instruction of a body that is not finite at a point; `Some(None)` where all are finite.
fn at_point(body: &Body, reads: &[Read], fault: &Fault, point: &[usize]) -> Option<Option<Cause>> {
    let tensor = |value: Value| {
        let mut operands = fault.operands.iter();
        operands
            .find(|operand| operand.value == value)
            .map(|operand| &operand.tensor)
    };
    let tensors: Vec<&Tensor> = reads
        .iter()
        .map(|read| tensor(read.value))
        .collect::<Option<_>>()?;
    let read_types: Vec<DType> = tensors.iter().map(|tensor| tensor.dtype()).collect();
    let types = body.types(&read_types)?;
    let mut values: Vec<f64> = Vec::with_capacity(body.insts.len());
    let mut bad = None;
    for (inst, dtype) in body.insts.iter().zip(&types) {
        let value = match inst {
            Inst::Read(read) => element(reads, &tensors, *read as usize, point)?,
            Inst::Index(index) => *point.get(*index as usize)? as f64,
            Inst::Const(literal) => literal.value,
            Inst::Op(op, arguments) => {
                let arguments = arguments.iter().map(|&a| a as usize);
                let kinds: Vec<DType> = arguments
                    .clone()
                    .filter_map(|a| types.get(a).copied())
                    .collect();
                let given: Vec<f64> = arguments.filter_map(|a| values.get(a).copied()).collect();
                let value = evaluate(*op, &kinds, &given)?;
                if !value.is_finite() && bad.is_none() {
                    bad = Some(Cause::Operator(*op, *dtype, given));
                }
                value
            }
        };
        values.push(value);
    }
    let result = values.get(body.result as usize)?;
    Some(match bad {
        _ if result.is_finite() => None,
        Some(cause) => Some(cause),
        None => Some(Cause::Read),
    })
}

/// What a read finds at a point.
fn element(reads: &[Read], tensors: &[&Tensor], read: usize, point: &[usize]) -> Option<f64> {
    let (access, tensor) = (reads.get(read)?, tensors.get(read)?);
    if !access.guard.holds(point) {
        return Some(access.fill.value);
    }
    let mut offset = 0;
    for (subscript, &size) in access.subscripts.iter().zip(tensor.shape()) {
        let index = match subscript {
            Subscript::Affine(affine) => affine.at(point),
            Subscript::Gather(other) => element(reads, tensors, *other as usize, point)? as i64,
        };
        offset = offset * size + usize::try_from(index).ok().filter(|&index| index < size)?;
    }
    tensor.get(offset)
}

/// The operation with its numbers, as a formula: `log(-0.25)`.
pub(super) fn formula(cause: &Cause) -> Option<String> {
    let text = match cause {
        Cause::Operator(op, _, arguments) => {
            let arguments: Vec<String> = arguments.iter().map(|&x| float(x)).collect();
            match (infix(*op), &arguments[..]) {
                (Some(sign), [a, b]) if b.starts_with('-') => format!("{a} {sign} ({b})"),
                (Some(sign), [a, b]) => format!("{a} {sign} {b}"),
                _ => format!("{}({})", op.name(), arguments.join(", ")),
            }
        }
        Cause::Reduction(reducer, count) => {
            format!("the {} of {count} finite numbers overflows", reducer.name())
        }
        Cause::Read | Cause::Other => return None,
    };
    Some(text)
}

fn infix(op: Op) -> Option<&'static str> {
    match op {
        Op::Add => Some("+"),
        Op::Sub => Some("-"),
        Op::Mul => Some("*"),
        Op::Div => Some("/"),
        Op::Pow => Some("^"),
        _ => None,
    }
}

/// What is said where numbers only grew.
const GROWTH: &str = "numbers grow from step to step: lower the learning rate, bring large inputs to one scale with `standardize`, or limit the gradients with `clip_norm`";

/// What mends it. `backward`: the operation is one of a gradient, whose formula nobody wrote.
pub(super) fn mend(cause: &Cause, backward: bool) -> String {
    match cause {
        Cause::Operator(op, dtype, arguments) => {
            let [a, b] = [0, 1].map(|at| arguments.get(at).copied().unwrap_or(1.0));
            operator_mend(*op, *dtype, a, b, backward)
        }
        Cause::Reduction(..) | Cause::Other => GROWTH.into(),
        Cause::Read => "its operand is not finite: look at where that comes from".into(),
    }
}

fn operator_mend(op: Op, dtype: DType, a: f64, b: f64, backward: bool) -> String {
    let text = match op {
        Op::Div if b == 0.0 && backward => {
            "the formula has no finite gradient there: keep its argument away from 0 (`sqrt(x + 1e-8)`, `log(x + 1e-8)`, `x / (y + 1e-8)`)"
        }
        Op::Div if b == 0.0 && a == 0.0 => {
            "0 / 0 is no number: add an eps to the divisor, `a / (b + 1e-8)`, or choose with `where(b == 0, 0, a / where(b == 0, 1, b))`"
        }
        Op::Div if b == 0.0 => {
            "a division by 0 is infinite: add an eps to the divisor, `a / (b + 1e-8)`"
        }
        Op::Log if a < 0.0 => {
            "the logarithm of a negative number is no number: keep its argument above 0, `log(max(x, 1e-7))`"
        }
        Op::Log if a == 0.0 => {
            "the logarithm of 0 is infinite: add an eps, `log(x + 1e-7)`, or use a loss of logits (`cross_entropy`, `bce`, `log_softmax`)"
        }
        Op::Sqrt if a < 0.0 => {
            "the root of a negative number is no number: keep its argument at 0 or above, `sqrt(max(x, 0))`"
        }
        Op::Exp if dtype == DType::F64 => {
            "exp overflows above 709: use `softmax`, `log_softmax` or `softplus`, subtract the greatest argument first, or lower the learning rate"
        }
        Op::Exp => {
            "exp overflows above 88.7: use `softmax`, `log_softmax` or `softplus`, subtract the greatest argument first, or lower the learning rate"
        }
        Op::Pow if a < 0.0 => {
            "a broken power of a negative number is no number: take it of `abs(x)` or `max(x, 0)`"
        }
        Op::Pow if a == 0.0 => "a negative power of 0 is infinite: add an eps, `(x + 1e-8) ^ p`",
        Op::Mod | Op::FloorDiv if b == 0.0 => "a division by 0: choose another divisor",
        _ if !a.is_finite() || !b.is_finite() => {
            "infinite numbers cancel here: keep the operands finite"
        }
        _ => GROWTH,
    };
    text.into()
}
