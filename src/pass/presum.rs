//! Sums before scattering: what a scatter adds at one place for every value of an index that its target does not move with is summed
//! first, so that the sum can be a contraction and the scatter adds each place once.
//!
//! before: `dt[e[i0], i2] += (mul dy[i0, i1] w[i2, i1])` over i0, i1, i2
//! after:  `s[i0, i1] = sum[i2] (mul dy[i0, i2] w[i1, i2]); dt[e[i0], i1] += s[i0, i1]`
//!
//! This re-associates the additions. A scatter whose domain moves with a summed index stays as it is.
use super::rewrite::{Rewriter, in_bodies};
use super::simplify;
use crate::base::source::Span;
use crate::tir::build::kept_reads;
use crate::tir::{
    Affine, Body, Comprehension, Graph, Inst, Node, Order, Read, Reducer, Scatter, Subscript,
};

/// The pass.
pub fn presum(graph: &Graph) -> Graph {
    let mut rewriter = Rewriter::new(graph);
    for (_, data) in graph
        .nodes()
        .filter(|(_, data)| !matches!(data.node, Node::Input(_)))
    {
        let node = in_bodies(&rewriter.translated(&data.node), presum);
        let node = match node {
            Node::Scatter(s) => Node::Scatter(summed(&mut rewriter.graph, s, data.origin)),
            other => other,
        };
        rewriter.replace(graph, data, node);
    }
    rewriter.finish(graph)
}

fn summed(graph: &mut Graph, s: Scatter, origin: Span) -> Scatter {
    let mut kept = vec![false; s.extents.len()];
    s.target
        .iter()
        .for_each(|subscript| mark(&s.reads, subscript, &mut kept));
    let moves_domain = s
        .domain
        .conditions
        .iter()
        .flat_map(|condition| condition.expression().terms())
        .any(|(index, _)| !kept[index]);
    if moves_domain || kept.iter().all(|&kept| kept) || s.extents.contains(&0) {
        return s;
    }
    let (free, reduced): (Vec<usize>, Vec<usize>) =
        (0..s.extents.len()).partition(|&index| kept[index]);
    let mut image = vec![Affine::constant(0); s.extents.len()];
    for (new, &old) in free.iter().chain(&reduced).enumerate() {
        image[old] = Affine::index(new);
    }
    let sizes = |indices: &[usize]| -> Vec<usize> {
        indices.iter().map(|&index| s.extents[index]).collect()
    };
    let reads: Vec<Read> = s.reads.iter().map(|read| moved(read, &image)).collect();
    let body = renumbered(&s.body, &image);
    let sum = Comprehension {
        shape: sizes(&free),
        reduce: sizes(&reduced),
        reducer: Some(Reducer::Sum),
        order: Order::default(),
        domain: s.domain.substitute(&image),
        reads: reads.clone(),
        body,
        dtype: s.dtype,
    };
    let sum = simplify::comprehension(graph, sum);
    let value = graph.comprehension(sum, origin);
    let added = Read::affine(value, s.dtype, (0..free.len()).map(Affine::index));
    scattered(&s, reads, added, sizes(&free), &image)
}

/// The scatter that adds `added`, with the reads that its target goes by.
fn scattered(
    s: &Scatter,
    mut reads: Vec<Read>,
    added: Read,
    extents: Vec<usize>,
    image: &[Affine],
) -> Scatter {
    let mut needed = vec![false; reads.len()];
    for subscript in &s.target {
        if let Subscript::Gather(read) = subscript {
            needed[*read as usize] = true;
        }
    }
    reads.push(added);
    needed.push(true);
    let (reads, place) = kept_reads(reads, needed);
    let target = s.target.iter().map(|subscript| match subscript {
        Subscript::Affine(affine) => Subscript::Affine(affine.substitute(image)),
        Subscript::Gather(read) => Subscript::Gather(place[*read as usize]),
    });
    let mut body = Body::default();
    body.result = body.push(Inst::Read(place.last().copied().unwrap_or(0)));
    Scatter {
        shape: s.shape.clone(),
        extents,
        domain: s.domain.substitute(image),
        target: target.collect(),
        reads,
        body,
        dtype: s.dtype,
    }
}

/// Marks the indices that a subscript moves with.
fn mark(reads: &[Read], subscript: &Subscript, kept: &mut [bool]) {
    match subscript {
        Subscript::Affine(affine) => affine.terms().for_each(|(index, _)| kept[index] = true),
        Subscript::Gather(read) => {
            let read = &reads[*read as usize];
            read.subscripts
                .iter()
                .for_each(|subscript| mark(reads, subscript, kept));
            let conditions = read.guard.conditions.iter();
            conditions
                .flat_map(|condition| condition.expression().terms())
                .for_each(|(index, _)| kept[index] = true);
        }
    }
}

fn moved(read: &Read, image: &[Affine]) -> Read {
    let subscripts = read.subscripts.iter().map(|subscript| match subscript {
        Subscript::Affine(affine) => Subscript::Affine(affine.substitute(image)),
        Subscript::Gather(other) => Subscript::Gather(*other),
    });
    Read {
        value: read.value,
        subscripts: subscripts.collect(),
        guard: read.guard.substitute(image),
        fill: read.fill,
    }
}

fn renumbered(body: &Body, image: &[Affine]) -> Body {
    let mut body = body.clone();
    for inst in &mut body.insts {
        if let Inst::Index(index) = inst
            && let Some(new) = image[*index as usize].as_index()
        {
            *index = new as u32;
        }
    }
    body
}
