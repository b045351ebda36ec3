//! What the backward scan of a gradient adds to a captured value leaves the loop: one sum outside, the turn its outermost reduction index.
//!
//! inside, each turn: `dw[j, k] += sum[n] (mul dz[n, k] h[n, j])`
//! outside, once:     `dw[j, k] = sum[t, n] (mul DZ[t, n, k] H[t, n, j])`, reading the stacked `dz` and `h`
//!
//! A product that makes a sequence's gradient leaves likewise, with the turn as a free index. Both re-associate sums, so they are part
//! of the gradient's definition.
use super::reverse::is_gather;
use super::scan::Source;
use super::turn::{moved, substituted};
use crate::tir::build::map;
use crate::tir::{
    Affine, Body, Comprehension, Graph, Inst, Node, Read, Reducer, Scatter, Subscript, Value,
};
use rustc_hash::FxHashMap;

/// More elements than this, over all turns, are not stacked only to be added up.
const LARGEST_STACK: usize = 1 << 22;

/// Whose gradient a contribution is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// A captured value: summed over the turns.
    Captured(usize),
    /// A sequence, walked along the axis: one slice a turn.
    Sequence(usize, usize),
}

/// A contribution that is computed outside the loop.
pub struct Lift {
    /// Whose gradient it is.
    pub target: Target,
    /// The node as it stood in the backward body.
    pub node: Node,
    /// Where its operands are found outside.
    pub sources: Vec<(Value, Source)>,
}

impl Lift {
    /// Adds to the numbers of the stacks that are read.
    pub fn shift_stacks(&mut self, by: usize) {
        for (_, source) in &mut self.sources {
            if let Source::Stacked(number) = source {
                *number += by;
            }
        }
    }
}

/// The node that makes a contribution, if it can leave the loop.
pub fn liftable(
    graph: &Graph,
    part: Value,
    target: Target,
    turns: &[Value],
    length: usize,
) -> Option<Node> {
    let node = &graph.defining(part).node;
    let is_captured = matches!(target, Target::Captured(_));
    match node {
        Node::Comprehension(c) => {
            let fits = match (target, c.reducer) {
                (Target::Captured(_), Some(Reducer::Sum)) => true,
                (Target::Captured(_), None) => {
                    c.shape.iter().product::<usize>().saturating_mul(length) <= LARGEST_STACK
                }
                (Target::Sequence(..), _) => c.as_product().is_some(),
                (Target::Captured(_), Some(_)) => false,
            };
            (fits && turns_fit(graph, &c.reads, turns, length)).then(|| node.clone())
        }
        Node::Scatter(s) => {
            (is_captured && turns_fit(graph, &s.reads, turns, length)).then(|| node.clone())
        }
        Node::Input(_) => is_captured.then(|| {
            let ty = graph.ty(part);
            let mut body = Body::default();
            body.result = body.push(Inst::Read(0));
            let here = (0..ty.shape.len()).map(Affine::index);
            let read = Read::affine(part, ty.dtype, here);
            Node::Comprehension(map(&ty.shape, vec![read], body, ty.dtype))
        }),
        Node::Constant(_)
        | Node::Reshape(_)
        | Node::Concat(..)
        | Node::Scan(_)
        | Node::Region(_)
        | Node::Gradient { .. }
        | Node::StopGradient(_) => None,
    }
}

/// Whether the turn may stand as an index wherever a read is of it: everywhere but where it could exceed a dimension.
fn turns_fit(graph: &Graph, reads: &[Read], turns: &[Value], length: usize) -> bool {
    reads.iter().all(|read| {
        let shape = &graph.ty(read.value).shape;
        let guarded_turn = turns.contains(&read.value) && !read.guard.is_always();
        let inside = read
            .subscripts
            .iter()
            .zip(shape)
            .all(|(subscript, &size)| match subscript {
                Subscript::Gather(by) => {
                    !turns.contains(&reads[*by as usize].value) || length <= size
                }
                Subscript::Affine(_) => true,
            });
        inside && !guarded_turn
    })
}

/// The outer value of each operand and the axis over which it is stacked; `None` for the turn.
type Sources = FxHashMap<Value, Option<(Value, Option<usize>)>>;

/// The contribution of all turns.
pub fn lifted(node: &Node, target: Target, sources: &Sources, length: usize) -> Node {
    match node {
        Node::Comprehension(c) => Node::Comprehension(comprehension(c, target, sources, length)),
        Node::Scatter(s) => Node::Scatter(scatter(s, sources, length)),
        other => other.clone(),
    }
}

fn comprehension(
    c: &Comprehension,
    target: Target,
    sources: &Sources,
    length: usize,
) -> Comprehension {
    let free = c.shape.len();
    let turn = match target {
        Target::Captured(_) => free,
        Target::Sequence(_, axis) => axis,
    };
    let image: Vec<Affine> = (0..c.extents().len())
        .map(|index| Affine::index(index + usize::from(index >= turn)))
        .collect();
    let mut outer = c.clone();
    match target {
        Target::Captured(_) => {
            outer.reduce.insert(0, length);
            outer.reducer = Some(Reducer::Sum);
        }
        Target::Sequence(_, axis) => outer.shape.insert(axis, length),
    }
    outer.domain = c.domain.substitute(&image);
    let place = places(&c.reads, sources);
    outer.reads = reads(&c.reads, &image, turn, sources, &place);
    outer.body = body(&c.body, &image, turn, &place);
    outer
}

fn scatter(s: &Scatter, sources: &Sources, length: usize) -> Scatter {
    let image: Vec<Affine> = (0..s.extents.len())
        .map(|index| Affine::index(index + 1))
        .collect();
    let place = places(&s.reads, sources);
    let mut outer = s.clone();
    outer.extents.insert(0, length);
    outer.domain = s.domain.substitute(&image);
    outer.reads = reads(&s.reads, &image, 0, sources, &place);
    outer.body = body(&s.body, &image, 0, &place);
    outer.target = s
        .target
        .iter()
        .map(|subscript| placed(subscript, &image, 0, &place))
        .collect();
    outer
}

/// The new number of each read; `None` for reads of the turn, which becomes an index.
fn places(reads: &[Read], sources: &Sources) -> Vec<Option<u32>> {
    let mut next = 0;
    reads
        .iter()
        .map(|read| {
            sources.get(&read.value).copied().flatten().map(|_| {
                next += 1;
                next - 1
            })
        })
        .collect()
}

fn placed(
    subscript: &Subscript,
    image: &[Affine],
    turn: usize,
    place: &[Option<u32>],
) -> Subscript {
    match subscript {
        Subscript::Affine(affine) => Subscript::Affine(affine.substitute(image)),
        Subscript::Gather(by) => match place[*by as usize] {
            Some(number) => Subscript::Gather(number),
            None => Subscript::Affine(Affine::index(turn)),
        },
    }
}

fn reads(
    old: &[Read],
    image: &[Affine],
    turn: usize,
    sources: &Sources,
    place: &[Option<u32>],
) -> Vec<Read> {
    let mut new = Vec::new();
    for read in old {
        let Some((value, axis)) = sources.get(&read.value).copied().flatten() else {
            continue;
        };
        let mut lifted = moved(read, image);
        lifted.value = value;
        for (subscript, before) in lifted.subscripts.iter_mut().zip(&read.subscripts) {
            if is_gather(before) {
                *subscript = placed(before, image, turn, place);
            }
        }
        if let Some(axis) = axis {
            lifted
                .subscripts
                .insert(axis, Subscript::Affine(Affine::index(turn)));
        }
        new.push(lifted);
    }
    new
}

fn body(old: &Body, image: &[Affine], turn: usize, place: &[Option<u32>]) -> Body {
    let mut body = substituted(old, image);
    for inst in &mut body.insts {
        if let Inst::Read(read) = inst {
            *inst = match place[*read as usize] {
                Some(number) => Inst::Read(number),
                None => Inst::Index(turn as u32),
            };
        }
    }
    body
}
