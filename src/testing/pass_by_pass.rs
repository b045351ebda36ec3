//! One graph through the compiler, pass by pass: what the reference interpreter finds after each, and the native code at the end.
//!
//! Two things are compared. Where a pass promises the same bits ([`Pass::exact`]), the results in the graph's own types, bit by bit. For the
//! others, and again for those, the results in `f64`: a rewriting that is right moves them by rounding alone, so they agree within
//! [`TOLERANCE`] of the largest element. The native code must give the bits of the last graph, on one thread and on three.
use super::differential::{first_difference, run_updating};
use super::numbers::Numbers;
use crate::base::tensor::Tensor;
use crate::base::types::DType;
use crate::interp::{InterpError, Precision, run};
use crate::pass::Pass;
use crate::tir::verify::verify;
use crate::tir::{Body, Graph, Node};

/// How far results in `f64` may move, as a part of the largest element (of 1 where all are smaller).
pub const TOLERANCE: f64 = 1e-9;

/// The name under which the compiled code is reported.
pub const NATIVE: &str = "native code";

/// A graph with what is known of it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// With gradients, before the first pass.
    pub graph: &'a Graph,
    /// For each output the input whose slot it updates.
    pub aliases: &'a [Option<u32>],
    /// Inputs that are never negative, such as the states of optimizers; one for each input.
    pub positive: &'a [bool],
}

/// What the results say of a pass.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It left the graph as it was.
    Unchanged,
    /// Every result kept its bits.
    SameBits,
    /// The results in `f64` moved by this part of the largest element, which is within the tolerance.
    Near(f64),
    /// They differ, or the graph is broken: where, and by how much.
    Differs(String),
}

/// What was found of one pass, the worst of all rounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The pass, or [`NATIVE`].
    pub name: &'static str,
    /// What the results say.
    pub outcome: Outcome,
}

/// What was found of a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Findings {
    /// Pass by pass; the last one is the first that differs, where any does.
    pub passes: Vec<Finding>,
    /// The part of the results before the first pass that was finite.
    pub finite: f64,
}

impl Findings {
    /// The pass that is wrong.
    pub fn wrong(&self) -> Option<&Finding> {
        let differs = |found: &&Finding| matches!(found.outcome, Outcome::Differs(_));
        self.passes.iter().find(differs)
    }
}

/// Results of a graph for some inputs.
struct Results {
    typed: Vec<Tensor>,
    wide: Vec<Tensor>,
}

/// Takes a graph through `passes` and then to native code, comparing after each, for inputs of `rounds` seeds from `seed` on.
///
/// # Errors
/// A graph that cannot be evaluated before the first pass.
pub fn pass_by_pass(
    subject: Subject<'_>,
    passes: &[&Pass],
    rounds: u64,
    seed: u64,
) -> Result<Findings, String> {
    let mut findings = Findings {
        passes: Vec::new(),
        finite: 1.0,
    };
    let stages = match stages(subject.graph, passes) {
        Ok(stages) => stages,
        Err(found) => {
            findings.passes.push(found);
            return Ok(findings);
        }
    };
    // Without inputs every round would be the same.
    let rounds = if subject.graph.inputs.is_empty() {
        1
    } else {
        rounds
    };
    for round in 0..rounds {
        let (inputs, first) = start(subject, seed + round)?;
        findings.finite = findings.finite.min(finite(&first.typed));
        let found = one_round(subject, passes, &stages, &inputs, first);
        merge(&mut findings.passes, found);
        if findings.wrong().is_some() {
            break;
        }
    }
    Ok(findings)
}

/// The graph after each pass.
fn stages(graph: &Graph, passes: &[&Pass]) -> Result<Vec<Graph>, Finding> {
    let mut stages: Vec<Graph> = Vec::with_capacity(passes.len());
    for pass in passes {
        let after = (pass.run)(stages.last().unwrap_or(graph));
        verify(&after).map_err(|why| Finding {
            name: pass.name,
            outcome: Outcome::Differs(format!("it broke the graph: {why}")),
        })?;
        stages.push(after);
    }
    Ok(stages)
}

fn one_round(
    subject: Subject<'_>,
    passes: &[&Pass],
    stages: &[Graph],
    inputs: &[Tensor],
    first: Results,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut before = (subject.graph, first);
    for (pass, graph) in passes.iter().zip(stages) {
        let mut finding = |outcome| {
            found.push(Finding {
                name: pass.name,
                outcome,
            });
        };
        if graph == before.0 {
            finding(Outcome::Unchanged);
            continue;
        }
        let after = match evaluate(graph, inputs) {
            Ok(after) => after,
            Err(why) => {
                finding(Outcome::Differs(why.to_string()));
                return found;
            }
        };
        let outcome = compare(pass.exact, &before.1, &after);
        let wrong = matches!(outcome, Outcome::Differs(_));
        finding(outcome);
        if wrong {
            return found;
        }
        before = (graph, after);
    }
    found.push(Finding {
        name: NATIVE,
        outcome: native(before.0, subject.aliases, inputs, &before.1.typed),
    });
    found
}

/// Keeps the worse outcome of each pass.
fn merge(all: &mut Vec<Finding>, round: Vec<Finding>) {
    for (at, found) in round.into_iter().enumerate() {
        match all.get_mut(at) {
            None => all.push(found),
            Some(old) => {
                let keep = match (&old.outcome, &found.outcome) {
                    (Outcome::Differs(_), _) => true,
                    (_, Outcome::Differs(_)) => false,
                    (Outcome::Near(a), Outcome::Near(b)) => a >= b,
                    (Outcome::Near(_), Outcome::Unchanged | Outcome::SameBits) => true,
                    (Outcome::SameBits, Outcome::Unchanged | Outcome::SameBits) => true,
                    (Outcome::Unchanged, Outcome::Unchanged) => true,
                    (Outcome::SameBits | Outcome::Unchanged, Outcome::Near(_))
                    | (Outcome::Unchanged, Outcome::SameBits) => false,
                };
                if !keep {
                    *old = found;
                }
            }
        }
    }
}

fn evaluate(graph: &Graph, inputs: &[Tensor]) -> Result<Results, InterpError> {
    Ok(Results {
        typed: run(graph, inputs, Precision::AsTyped)?,
        wide: run(graph, inputs, Precision::F64)?,
    })
}

/// Inputs and what the graph makes of them. Positions are drawn from a range that gets smaller until they lie in what they are positions of.
fn start(subject: Subject<'_>, seed: u64) -> Result<(Vec<Tensor>, Results), String> {
    for bound in [7, 4, 3, 2, 1] {
        let inputs = inputs(subject, seed, bound);
        match evaluate(subject.graph, &inputs) {
            Err(InterpError::OutOfRange { .. }) if bound > 1 => {}
            results => return Ok((inputs, results.map_err(|why| why.to_string())?)),
        }
    }
    Err("no positions lie within what they are positions of".into())
}

fn inputs(subject: Subject<'_>, seed: u64, bound: usize) -> Vec<Tensor> {
    let mut numbers = Numbers::new(seed);
    let all = subject.graph.inputs.iter().enumerate();
    all.map(|(at, input)| {
        let positive = subject.positive.get(at).copied().unwrap_or(false);
        let low = if positive { 0.0 } else { -1.0 };
        if input.ty.shape.is_empty() && input.ty.dtype == DType::I32 {
            // Counters of steps divide: they begin at 1.
            let count = usize::from(bound > 1) + numbers.below(bound.saturating_sub(1).max(1));
            return Tensor::scalar_i32(count as i32);
        }
        numbers.tensor(&input.ty, (low, 1.0), bound)
    })
    .collect()
}

fn finite(tensors: &[Tensor]) -> f64 {
    let all: usize = tensors.iter().map(Tensor::len).sum();
    let values = tensors.iter().flat_map(Tensor::to_f64);
    let finite = values.filter(|x| x.is_finite()).count();
    if all == 0 {
        1.0
    } else {
        finite as f64 / all as f64
    }
}

fn compare(exact: bool, before: &Results, after: &Results) -> Outcome {
    let bits = same_bits(&before.typed, &after.typed);
    let moved = moved(&before.wide, &after.wide);
    match (bits, moved) {
        (Err(why), _) if exact => Outcome::Differs(format!("{why}, where it promises the bits")),
        (_, Err(why)) => Outcome::Differs(why),
        (Ok(()), Ok(0.0)) => Outcome::SameBits,
        (Ok(()) | Err(_), Ok(moved)) => Outcome::Near(moved),
    }
}

fn same_bits(before: &[Tensor], after: &[Tensor]) -> Result<(), String> {
    if before.len() != after.len() {
        return Err("another number of outputs".into());
    }
    for (number, (a, b)) in before.iter().zip(after).enumerate() {
        if a.ty() != b.ty() {
            return Err(format!("output {number}: {} became {}", a.ty(), b.ty()));
        }
        if let Some((at, x, y)) = first_difference(a, b) {
            return Err(format!("output {number}, element {at}: {x} became {y}"));
        }
    }
    Ok(())
}

/// The largest difference, as a part of the largest element of its output.
fn moved(before: &[Tensor], after: &[Tensor]) -> Result<f64, String> {
    if before.len() != after.len() {
        return Err("another number of outputs".into());
    }
    let mut most = 0.0f64;
    for (number, (a, b)) in before.iter().zip(after).enumerate() {
        if a.ty() != b.ty() {
            return Err(format!("output {number}: {} became {}", a.ty(), b.ty()));
        }
        let (a, b) = (a.to_f64(), b.to_f64());
        let largest = |m: f64, x: &f64| if x.is_finite() { m.max(x.abs()) } else { m };
        let scale = a.iter().fold(1.0f64, largest);
        for (at, (x, y)) in a.iter().zip(&b).enumerate() {
            if x == y || (x.is_nan() && y.is_nan()) {
                continue;
            }
            let part = (x - y).abs() / scale;
            // Not `part > TOLERANCE`: a NaN is wrong too.
            if !matches!(
                part.partial_cmp(&TOLERANCE),
                Some(std::cmp::Ordering::Less | std::cmp::Ordering::Equal)
            ) {
                return Err(format!(
                    "output {number}, element {at}: {x} became {y} (in f64)"
                ));
            }
            most = most.max(part);
        }
    }
    Ok(most)
}

fn native(
    graph: &Graph,
    aliases: &[Option<u32>],
    inputs: &[Tensor],
    expected: &[Tensor],
) -> Outcome {
    for threads in [1, 3] {
        let same = run_updating(graph, aliases, inputs, threads)
            .and_then(|found| same_bits(expected, &found));
        if let Err(why) = same {
            return Outcome::Differs(format!("{why} (on {threads} threads)"));
        }
    }
    Outcome::SameBits
}

/// Roughly how many scalar operations the interpreter does for a graph.
pub fn work(graph: &Graph) -> f64 {
    graph
        .nodes()
        .map(|(_, data)| node_work(graph, &data.node))
        .sum()
}

fn node_work(graph: &Graph, node: &Node) -> f64 {
    let points = |extents: &[usize]| extents.iter().map(|&n| n as f64).product::<f64>();
    let body = |body: &Body| body.insts.len() as f64;
    match node {
        Node::Comprehension(c) => points(&c.shape) * points(&c.reduce) * body(&c.body),
        Node::Scatter(s) => points(&s.extents) * body(&s.body),
        Node::Scan(scan) => scan.length as f64 * work(&scan.body),
        Node::Region(region) => region
            .members
            .iter()
            .map(|member| node_work(graph, member))
            .sum(),
        Node::Reshape(value) | Node::StopGradient(value) => graph.ty(*value).len() as f64,
        Node::Concat(values, _) => values.iter().map(|v| graph.ty(*v).len() as f64).sum(),
        Node::Input(_) | Node::Constant(_) | Node::Gradient { .. } => 0.0,
    }
}
