//! Hoisting: a product that a scan's body computes from its sequences and captured values alone leaves the loop, all turns at once.
//!
//! before: `scan 64 { z = sum[k] (mul x_t[n, k] w[k, j]); h' = f(z, h) }`
//! after:  `Z[t, n, j] = sum[k] (mul x[n, t, k] w[k, j]); scan 64 sequences (Z over 0) { h' = f(z_t, h) }`
//!
//! Elementwise work on the sequences stays inside unless such a product needs it: outside it would only cost memory.
use super::rewrite::{Rewriter, in_bodies};
use crate::base::types::Type;
use crate::tir::{Affine, Comprehension, Graph, Inst, Node, Read, Scan, Subscript, Value};
use rustc_hash::FxHashMap;

/// The pass.
pub fn hoist(graph: &Graph) -> Graph {
    let mut rewriter = Rewriter::new(graph);
    for (_, data) in graph
        .nodes()
        .filter(|(_, data)| !matches!(data.node, Node::Input(_)))
    {
        let node = in_bodies(&rewriter.translated(&data.node), hoist);
        let node = match node {
            Node::Scan(scan) => Node::Scan(hoisted(&mut rewriter.graph, scan)),
            other => other,
        };
        rewriter.replace(graph, data, node);
    }
    super::dce::dce(&rewriter.finish(graph))
}

/// A value of the body that exists outside: the outer value, and the axis along which it is walked if it differs from turn to turn.
#[derive(Clone, Copy)]
struct Outside {
    value: Value,
    axis: Option<usize>,
}

struct Hoister<'a> {
    graph: &'a mut Graph,
    scan: &'a Scan,
    known: FxHashMap<Value, Option<Outside>>,
}

fn hoisted(graph: &mut Graph, scan: Scan) -> Scan {
    let mut hoister = Hoister {
        graph,
        scan: &scan,
        known: FxHashMap::default(),
    };
    let first = 1 + scan.states.len();
    for (at, &(value, axis)) in scan.sequences.iter().enumerate() {
        hoister.known.insert(
            scan.body.inputs[first + at].value,
            Some(Outside {
                value,
                axis: Some(axis),
            }),
        );
    }
    for (at, &value) in scan.captured.iter().enumerate() {
        hoister.known.insert(
            scan.body.inputs[first + scan.sequences.len() + at].value,
            Some(Outside { value, axis: None }),
        );
    }
    let mut moved: Vec<(Value, Outside)> = Vec::new();
    for (_, data) in scan.body.nodes() {
        if let Node::Comprehension(c) = &data.node
            && c.as_product().is_some()
            && let Some(outside) = hoister.outside(data.results[0])
        {
            moved.push((data.results[0], outside));
        }
    }
    if moved.is_empty() {
        scan
    } else {
        with_inputs(&scan, &moved)
    }
}

impl Hoister<'_> {
    /// The outer value of a body value, made if it can be.
    fn outside(&mut self, value: Value) -> Option<Outside> {
        if let Some(known) = self.known.get(&value) {
            return *known;
        }
        let data = self.scan.body.defining(value);
        let outside = match &data.node {
            Node::Comprehension(c) => self.comprehension(c, data.origin),
            _ => None,
        };
        self.known.insert(value, outside);
        outside
    }

    fn comprehension(
        &mut self,
        c: &Comprehension,
        origin: crate::base::source::Span,
    ) -> Option<Outside> {
        let operands = c
            .reads
            .iter()
            .map(|read| self.outside(read.value))
            .collect::<Option<Vec<Outside>>>()?;
        let varies = operands.iter().any(|operand| operand.axis.is_some());
        let shift = usize::from(varies);
        let map: Vec<Affine> = (0..c.extents().len())
            .map(|index| Affine::index(index + shift))
            .collect();
        let mut outer = c.clone();
        if varies {
            outer.shape.insert(0, self.scan.length);
        }
        outer.domain = c.domain.substitute(&map);
        outer.reads = c
            .reads
            .iter()
            .zip(&operands)
            .map(|(read, operand)| lifted(read, operand, &map))
            .collect();
        for inst in &mut outer.body.insts {
            if let Inst::Index(index) = inst {
                *index += shift as u32;
            }
        }
        let value = self.graph.comprehension(outer, origin);
        Some(Outside {
            value,
            axis: varies.then_some(0),
        })
    }
}

fn lifted(read: &Read, operand: &Outside, map: &[Affine]) -> Read {
    let mut subscripts: Vec<Subscript> = read
        .subscripts
        .iter()
        .map(|subscript| match subscript {
            Subscript::Affine(affine) => Subscript::Affine(affine.substitute(map)),
            Subscript::Gather(other) => Subscript::Gather(*other),
        })
        .collect();
    if let Some(axis) = operand.axis {
        subscripts.insert(axis, Subscript::Affine(Affine::index(0)));
    }
    Read {
        value: operand.value,
        subscripts,
        guard: read.guard.substitute(map),
        fill: read.fill,
    }
}

/// The scan with the moved values as further sequences and captured values.
fn with_inputs(scan: &Scan, moved: &[(Value, Outside)]) -> Scan {
    let old = &scan.body;
    let mut rewriter = Rewriter::default();
    let first = 1 + scan.states.len();
    let middle = first + scan.sequences.len();
    let keep = |rewriter: &mut Rewriter, range: std::ops::Range<usize>| {
        for input in &old.inputs[range] {
            let value = rewriter.graph.input(input.name.clone(), input.ty.clone());
            rewriter.set(input.value, value);
        }
    };
    let add = |rewriter: &mut Rewriter, walked: bool| {
        for (value, _) in moved
            .iter()
            .filter(|(_, outside)| outside.axis.is_some() == walked)
        {
            let ty: Type = old.ty(*value).clone();
            let new = rewriter.graph.input("hoisted", ty);
            rewriter.set(*value, new);
        }
    };
    keep(&mut rewriter, 0..middle);
    add(&mut rewriter, true);
    keep(&mut rewriter, middle..old.inputs.len());
    add(&mut rewriter, false);
    for (_, data) in old.nodes() {
        if !moved.iter().any(|(value, _)| data.results.contains(value)) {
            rewriter.copy(old, data);
        }
    }
    let mut new = scan.clone();
    new.sequences.extend(
        moved
            .iter()
            .filter_map(|(_, outside)| outside.axis.map(|axis| (outside.value, axis))),
    );
    new.captured.extend(
        moved
            .iter()
            .filter(|(_, outside)| outside.axis.is_none())
            .map(|(_, outside)| outside.value),
    );
    *new.body = rewriter.finish(old);
    new
}
