//! The invariants of a graph. Run after each pass in debug builds, in tests and under `--verify`.
//!
//! 1. Every operand is defined before its reader.
//! 2. A read has one subscript per dimension of its operand. An affine subscript lies within the dimension at every point where the
//!    read's guard and the domain hold (proved by the range of the expression; where only guards bound it, by the guard naming it).
//! 3. A gather refers to an earlier read of the same comprehension, a scatter to a read of its own, of whole numbers.
//! 4. A body's instructions refer to earlier ones, and its types fit; its result has the comprehension's element type (ArgMax: `i32`).
//! 5. `reducer` is there exactly where there are reduction indices.
//! 6. Reshape keeps the element count; concat's operands agree except along the axis.
//! 7. A scan's body has the inputs and outputs that its node implies, with equal types.
use super::affine::{Affine, Condition, Guard};
use super::graph::{
    Body, Comprehension, Graph, Inst, Node, NodeId, Read, Reducer, Scan, Scatter, Subscript, Value,
};
use crate::base::types::{DType, Type};

/// Checks every invariant; the error names the node and what is wrong with it.
pub fn verify(graph: &Graph) -> Result<(), String> {
    for (id, data) in graph.nodes() {
        for operand in data.node.operands() {
            if operand.as_u32() as usize >= graph.value_count() || graph.definition(operand) >= id {
                return Err(format!("{id}: operand {operand} is not defined before it"));
            }
        }
        verify_node(graph, id, &data.node, &data.results)
            .map_err(|why| format!("{id} ({}): {why}", list(&data.results)))?;
    }
    match graph
        .outputs
        .iter()
        .find(|value| value.as_u32() as usize >= graph.value_count())
    {
        Some(value) => Err(format!("output {value} is not defined")),
        None => Ok(()),
    }
}

fn list(values: &[Value]) -> String {
    values
        .iter()
        .map(Value::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

fn expect(condition: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if condition { Ok(()) } else { Err(why()) }
}

fn verify_node(graph: &Graph, _id: NodeId, node: &Node, results: &[Value]) -> Result<(), String> {
    let result_types: Vec<&Type> = results.iter().map(|&value| graph.ty(value)).collect();
    match node {
        Node::Input(number) => expect(
            (*number as usize) < graph.inputs.len() || graph.inputs.is_empty(),
            || "no such input".into(),
        ),
        Node::Constant(elements) => expect(elements.len() == result_types[0].len(), || {
            "constant of another length".into()
        }),
        Node::Comprehension(c) => {
            expect(
                result_types[0].shape == c.shape && result_types[0].dtype == c.dtype,
                || "result of another type".into(),
            )?;
            verify_comprehension(graph, c)
        }
        Node::Reshape(value) => expect(graph.ty(*value).len() == result_types[0].len(), || {
            "reshape changes the count".into()
        }),
        Node::Concat(values, axis) => verify_concat(graph, values, *axis, result_types[0]),
        Node::Scatter(s) => verify_scatter(graph, s),
        Node::Scan(s) => verify_scan(graph, s, &result_types),
        Node::Region(r) => {
            expect(r.members.len() == results.len(), || {
                "one result per member".into()
            })?;
            r.members
                .iter()
                .zip(results)
                .try_for_each(|(member, result)| {
                    verify_node(graph, _id, member, std::slice::from_ref(result))
                })
        }
        Node::Gradient {
            of,
            with_respect_to,
        } => {
            expect(graph.ty(*of).shape.is_empty(), || {
                "gradient of what is no scalar".into()
            })?;
            expect(results.len() == with_respect_to.len(), || {
                "one result per value".into()
            })
        }
        Node::StopGradient(value) => expect(graph.ty(*value) == result_types[0], || {
            "stop_gradient changes the type".into()
        }),
    }
}

fn verify_comprehension(graph: &Graph, c: &Comprehension) -> Result<(), String> {
    expect(c.reducer.is_some() != c.reduce.is_empty(), || {
        "reducer and reduction indices disagree".into()
    })?;
    let extents = c.extents();
    let result = verify_body(graph, &c.reads, &c.body, &extents, &c.domain)?;
    match c.reducer {
        Some(Reducer::ArgMax) => expect(c.dtype == DType::I32, || "argmax is i32".into()),
        Some(Reducer::Sum | Reducer::Prod | Reducer::Max | Reducer::Min) | None => {
            expect(result == c.dtype, || {
                format!("body is {result}, result is {}", c.dtype)
            })
        }
    }
}

fn verify_body(
    graph: &Graph,
    reads: &[Read],
    body: &Body,
    extents: &[usize],
    domain: &Guard,
) -> Result<DType, String> {
    for (at, read) in reads.iter().enumerate() {
        verify_read(graph, reads, at, read, extents, domain)
            .map_err(|why| format!("read {at}: {why}"))?;
    }
    for (at, inst) in body.insts.iter().enumerate() {
        let in_order = match inst {
            Inst::Read(read) => (*read as usize) < reads.len(),
            Inst::Index(index) => (*index as usize) < extents.len(),
            Inst::Const(_) => true,
            Inst::Op(_, arguments) => arguments.iter().all(|&a| (a as usize) < at),
        };
        expect(in_order, || {
            format!("instruction {at} refers to what is not there")
        })?;
    }
    let read_types: Vec<DType> = reads
        .iter()
        .map(|read| graph.ty(read.value).dtype)
        .collect();
    let types = body
        .types(&read_types)
        .ok_or("an operator's arguments do not fit it")?;
    types
        .get(body.result as usize)
        .copied()
        .ok_or_else(|| "the body has no result".into())
}

fn verify_read(
    graph: &Graph,
    reads: &[Read],
    at: usize,
    read: &Read,
    extents: &[usize],
    domain: &Guard,
) -> Result<(), String> {
    let ty = graph.ty(read.value);
    expect(read.subscripts.len() == ty.shape.len(), || {
        format!("{} subscripts for {ty}", read.subscripts.len())
    })?;
    expect(read.fill.dtype == ty.dtype || ty.dtype == DType::U8, || {
        "fill of another type".into()
    })?;
    for (axis, subscript) in read.subscripts.iter().enumerate() {
        match subscript {
            Subscript::Gather(other) => {
                let earlier = (*other as usize) < at;
                expect(earlier, || "gather by a read that is not earlier".into())?;
                verify_position(graph, &reads[*other as usize])?;
            }
            Subscript::Affine(affine) => {
                verify_bounds(affine, ty.shape[axis], extents, &[&read.guard, domain])
                    .map_err(|why| format!("{}[{axis}] {why}", read.value))?
            }
        }
    }
    Ok(())
}

/// Whether an affine subscript is seen to lie within `0..size` (and to divide exactly) wherever one of the guards holds.
pub fn in_bounds(affine: &Affine, size: usize, extents: &[usize], guards: &[&Guard]) -> bool {
    verify_bounds(affine, size, extents, guards).is_ok()
}

fn verify_bounds(
    affine: &Affine,
    size: usize,
    extents: &[usize],
    guards: &[&Guard],
) -> Result<(), String> {
    if extents.contains(&0) {
        return Ok(());
    }
    expect(!affine.is_beyond(), || {
        "is made of numbers that are too large".into()
    })?;
    let numerator = affine.numerator();
    let (low, high) = numerator.range(extents);
    let end = Affine::constant(size as i64).times(affine.divisor());
    let limit = end.plus_constant(-1).minus(&numerator);
    let bounded = |expression: &Affine| {
        guards
            .iter()
            .any(|guard| implies(guard, expression, extents))
    };
    expect(low >= 0 || bounded(&numerator), || {
        format!("{affine} can be below 0")
    })?;
    expect(high < end.offset() || bounded(&limit), || {
        format!("{affine} can exceed {size}")
    })?;
    let divisible = affine.divisor() == 1
        || guards.iter().any(|guard| {
            guard
                .conditions
                .iter()
                .any(|c| divides(c, &numerator, affine.divisor()))
        });
    expect(divisible, || format!("{affine} without its congruence"))
}

/// Whether a condition of the guard makes `expression >= 0`: the condition's own expression, or one that exceeds it by what is never negative.
fn implies(guard: &Guard, expression: &Affine, extents: &[usize]) -> bool {
    let goal = Condition::NonNegative(expression.clone()).tightened();
    let expression = goal.expression();
    guard.conditions.iter().any(|condition| match condition {
        Condition::NonNegative(known) => expression.minus(known).range(extents).0 >= 0,
        Condition::Zero(known) => {
            expression.minus(known).range(extents).0 >= 0
                || expression.plus(known).range(extents).0 >= 0
        }
        Condition::Divisible(..) => false,
    })
}

fn divides(condition: &Condition, numerator: &Affine, divisor: i64) -> bool {
    match condition {
        Condition::Divisible(known, by) => {
            by % divisor == 0
                && [known.minus(numerator), known.plus(numerator)]
                    .iter()
                    .any(|rest| {
                        rest.offset() % divisor == 0
                            && rest
                                .terms()
                                .all(|(_, coefficient)| coefficient % divisor == 0)
                    })
        }
        Condition::NonNegative(_) | Condition::Zero(_) => false,
    }
}

fn verify_concat(
    graph: &Graph,
    values: &[Value],
    axis: usize,
    result: &Type,
) -> Result<(), String> {
    let mut total = 0;
    for &value in values {
        let ty = graph.ty(value);
        let agrees = ty.dtype == result.dtype
            && ty.shape.len() == result.shape.len()
            && ty
                .shape
                .iter()
                .zip(&result.shape)
                .enumerate()
                .all(|(at, (a, b))| at == axis || a == b);
        expect(agrees && axis < ty.shape.len(), || {
            format!("{value}: {ty} does not fit {result}")
        })?;
        total += ty.shape[axis];
    }
    expect(result.shape.get(axis) == Some(&total), || {
        "sizes along the axis do not add up".into()
    })
}

/// A read that says where something lies.
fn verify_position(graph: &Graph, read: &Read) -> Result<(), String> {
    let dtype = graph.ty(read.value).dtype;
    expect(matches!(dtype, DType::I32 | DType::U8), || {
        format!("a position that is {dtype}")
    })
}

fn verify_scatter(graph: &Graph, s: &Scatter) -> Result<(), String> {
    let result = verify_body(graph, &s.reads, &s.body, &s.extents, &s.domain)?;
    expect(result == s.dtype, || "body of another type".into())?;
    expect(s.target.len() == s.shape.len(), || {
        "one target subscript per dimension".into()
    })?;
    for (axis, subscript) in s.target.iter().enumerate() {
        match subscript {
            Subscript::Gather(read) => {
                let read = s.reads.get(*read as usize).ok_or("scatter by no read")?;
                verify_position(graph, read)?;
            }
            Subscript::Affine(affine) => {
                verify_bounds(affine, s.shape[axis], &s.extents, &[&s.domain])?
            }
        }
    }
    Ok(())
}

fn verify_scan(graph: &Graph, s: &Scan, results: &[&Type]) -> Result<(), String> {
    let mut inputs = vec![Type::scalar(DType::I32)];
    inputs.extend(s.states.iter().map(|&value| graph.ty(value).clone()));
    for &(value, axis) in &s.sequences {
        let mut ty = graph.ty(value).clone();
        expect(ty.shape.get(axis) == Some(&s.length), || {
            format!("{value} is not {} long over {axis}", s.length)
        })?;
        ty.shape.remove(axis);
        inputs.push(ty);
    }
    inputs.extend(s.captured.iter().map(|&value| graph.ty(value).clone()));
    let given: Vec<Type> = s.body.inputs.iter().map(|input| input.ty.clone()).collect();
    expect(given == inputs, || "body inputs do not fit the node".into())?;
    let outputs: Vec<Type> = s
        .body
        .outputs
        .iter()
        .map(|&value| s.body.ty(value).clone())
        .collect();
    expect(outputs.len() == s.states.len() + s.stacks.len(), || {
        "body outputs do not fit the node".into()
    })?;
    for (at, output) in outputs.iter().enumerate() {
        let mut expected = output.clone();
        match at.checked_sub(s.states.len()) {
            None => expect(*output == inputs[1 + at], || {
                format!("state {at} changes its type")
            })?,
            Some(stack) => {
                expect(s.stacks[stack] <= expected.shape.len(), || {
                    "stack axis beyond the rank".into()
                })?;
                expected.shape.insert(s.stacks[stack], s.length);
            }
        }
        expect(results.get(at) == Some(&&expected), || {
            format!("result {at} of another type")
        })?;
    }
    verify(&s.body)
}
