//! Chains of products: where the one reader of a product is a product, the order of all of them is the one with the fewest multiply-adds.
//!
//! before: `p[i0, i1] = sum[i2 < 64] (mul a[i0, i2] b[i2, i1]); y[i0] = sum[i1 < 64] (mul p[i0, i1] x[i1])`
//! after:  `q[i0] = sum[i1 < 64] (mul b[i0, i1] x[i1]); y[i0] = sum[i1 < 64] (mul a[i0, i1] q[i1])`
//!
//! The factors of such a chain are a sum of a product of three or more reads over indices of their own. Dynamic programming over the sets
//! of factors finds the cheapest tree of pairs, each of which sums over what no factor outside it has; the tree replaces the chain where it
//! saves a fifth of the multiply-adds, so what is nearly equal stays as it was written. This re-associates the sums. What is read twice
//! (a gradient needs the inner product too) is no link: it is there anyway. Neither is a read under a condition, at gathered or strided
//! positions.
use super::rewrite::{Rewriter, in_bodies, use_counts};
use super::simplify;
use crate::base::source::Span;
use crate::base::types::DType;
use crate::tir::{
    Affine, Body, Comprehension, Graph, Guard, Inst, Node, Op, Order, Read, Reducer, Subscript,
    Value,
};
use rustc_hash::FxHashMap;

/// Factors of one chain: their sets are numbered, 2^8 of them.
const MOST_FACTORS: usize = 8;

/// Multiply-adds that a chain has at least after and before, as a fraction, for the new order to be taken.
const SAVING: (u128, u128) = (4, 5);

/// The pass.
pub fn chain(graph: &Graph) -> Graph {
    let uses = use_counts(graph);
    let mut rewriter = Rewriter::new(graph);
    let mut once: FxHashMap<Value, bool> = FxHashMap::default();
    for (_, data) in graph
        .nodes()
        .filter(|(_, data)| !matches!(data.node, Node::Input(_)))
    {
        let node = in_bodies(&rewriter.translated(&data.node), chain);
        let better = match &node {
            Node::Comprehension(c) => cheaper(&rewriter.graph, c, &once).map(|(chain, tree)| {
                let all = chain.all();
                chain
                    .build(&mut rewriter.graph, &tree, all, data.origin)
                    .value
            }),
            _ => None,
        };
        match better {
            Some(value) => rewriter.set(data.results[0], value),
            None => rewriter.replace(graph, data, node),
        }
        for &result in &data.results {
            once.insert(rewriter.image(result), uses.get(&result) == Some(&1));
        }
    }
    super::dce::dce(&rewriter.finish(graph))
}

/// `sum[...] of a product of factors`: what a chain of products means.
struct Chain {
    /// Extents of the indices, those of the result first.
    extents: Vec<usize>,
    /// How many of them are the result's.
    free: usize,
    dtype: DType,
    factors: Vec<Read>,
    /// For each factor the set of its indices.
    indices: Vec<u64>,
    /// Multiply-adds of the products as they were.
    cost: u128,
}

/// A set of factors, a bit each.
type Factors = usize;

/// For each set of factors, the part that is multiplied with the rest of the set.
type Tree = Vec<Factors>;

/// The chain that ends in a product, and a tree that is cheaper than it; `None` where there is none.
fn cheaper(
    graph: &Graph,
    c: &Comprehension,
    once: &FxHashMap<Value, bool>,
) -> Option<(Chain, Tree)> {
    let chain = Chain::of(graph, c, once)?;
    let (cost, tree) = chain.best()?;
    (cost * SAVING.1 <= chain.cost * SAVING.0).then_some((chain, tree))
}

/// The two operands of a product that is nothing else: plain reads, no conditions, no empty index.
fn operands(c: &Comprehension) -> Option<[&Read; 2]> {
    let (a, b) = c.as_product().filter(|(a, b)| a != b)?;
    let operands = [c.reads.get(a as usize)?, c.reads.get(b as usize)?];
    let plain = |read: &&Read| {
        let affine = |subscript: &Subscript| matches!(subscript, Subscript::Affine(affine) if affine.divisor() == 1);
        read.guard.is_always() && read.subscripts.iter().all(affine)
    };
    (c.dtype.is_float() && !c.extents().contains(&0) && operands.iter().all(plain))
        .then_some(operands)
}

/// A plain read with its indices replaced.
fn renumbered(read: &Read, map: &[Affine]) -> Read {
    let subscripts = affine_subscripts(read).map(|affine| affine.substitute(map));
    Read::affine(read.value, read.fill.dtype, subscripts)
}

fn affine_subscripts(read: &Read) -> impl Iterator<Item = &Affine> {
    read.subscripts
        .iter()
        .filter_map(|subscript| match subscript {
            Subscript::Affine(affine) => Some(affine),
            Subscript::Gather(_) => None,
        })
}

/// The multiply-adds of a product.
fn points(extents: &[usize]) -> u128 {
    extents.iter().map(|&extent| extent as u128).product()
}

impl Chain {
    fn of(graph: &Graph, c: &Comprehension, once: &FxHashMap<Value, bool>) -> Option<Chain> {
        operands(c)?;
        let mut chain = Chain {
            extents: c.extents(),
            free: c.shape.len(),
            dtype: c.dtype,
            factors: Vec::new(),
            indices: Vec::new(),
            cost: 0,
        };
        let own: Vec<Affine> = (0..chain.extents.len()).map(Affine::index).collect();
        chain.add(graph, c, &own, once);
        if !(3..=MOST_FACTORS).contains(&chain.factors.len()) || chain.extents.len() > 64 {
            return None;
        }
        let set = |factor: &Read| {
            affine_subscripts(factor)
                .flat_map(Affine::terms)
                .fold(0, |set, (index, _)| set | 1 << index)
        };
        chain.indices = chain.factors.iter().map(set).collect();
        // An index that moves no factor would be lost.
        let known = chain.inside(chain.all()) | ((1 << chain.free) - 1);
        (known.count_ones() as usize == chain.extents.len()).then_some(chain)
    }

    /// Adds the factors of a product whose indices are `map` of the chain's.
    fn add(
        &mut self,
        graph: &Graph,
        c: &Comprehension,
        map: &[Affine],
        once: &FxHashMap<Value, bool>,
    ) {
        self.cost += points(&c.extents());
        for read in operands(c).into_iter().flatten() {
            let read = renumbered(read, map);
            match self.link(graph, &read, once) {
                Some((inner, mut map)) => {
                    for &extent in &inner.reduce {
                        map.push(Affine::index(self.extents.len()));
                        self.extents.push(extent);
                    }
                    self.add(graph, inner, &map, once);
                }
                None => self.factors.push(read),
            }
        }
    }

    /// The product that a read is of, and what its free indices are, where this is its only reader and takes it whole, index by index.
    fn link<'a>(
        &self,
        graph: &'a Graph,
        read: &Read,
        once: &FxHashMap<Value, bool>,
    ) -> Option<(&'a Comprehension, Vec<Affine>)> {
        let Node::Comprehension(inner) = &graph.defining(read.value).node else {
            return None;
        };
        operands(inner)?;
        let mut seen = 0_u64;
        for (affine, &size) in affine_subscripts(read).zip(&inner.shape) {
            let index = affine.as_index().filter(|&index| index < 64)?;
            if seen & 1 << index != 0 || self.extents[index] != size {
                return None;
            }
            seen |= 1 << index;
        }
        let whole = once.get(&read.value) == Some(&true) && inner.dtype == self.dtype;
        whole.then(|| (inner, affine_subscripts(read).cloned().collect()))
    }

    /// The set of all factors.
    fn all(&self) -> Factors {
        (1 << self.factors.len()) - 1
    }

    /// The indices that factors of a set have.
    fn inside(&self, set: Factors) -> u64 {
        let members = self.indices.iter().enumerate();
        members
            .filter(|(at, _)| set & 1 << at != 0)
            .fold(0, |all, (_, indices)| all | indices)
    }

    /// The indices of the product of a set of factors: all of one factor's; of more, those that the result or another factor has.
    fn kept(&self, set: Factors) -> u64 {
        if set.is_power_of_two() {
            return self.inside(set);
        }
        let free = (1_u64 << self.free) - 1;
        self.inside(set) & (free | self.inside(self.all() & !set))
    }

    /// Extents of a set of indices.
    fn sizes(&self, indices: u64) -> Vec<usize> {
        self.numbers(indices)
            .map(|index| self.extents[index])
            .collect()
    }

    /// The members of a set of indices.
    fn numbers(&self, indices: u64) -> impl Iterator<Item = usize> + use<> {
        (0..self.extents.len()).filter(move |index| indices & 1 << index != 0)
    }

    /// The cheapest tree of pairs that sum over something, and its multiply-adds.
    fn best(&self) -> Option<(u128, Tree)> {
        let sets = self.all() + 1;
        let mut tree = vec![0; sets];
        let mut costs: Vec<Option<u128>> = vec![None; sets];
        let kept: Vec<u64> = (0..sets).map(|set| self.kept(set)).collect();
        for set in 1..sets {
            if set.is_power_of_two() {
                costs[set] = Some(0);
                continue;
            }
            // The part with the lowest factor: each pair once, the first of equally cheap ones.
            let lowest = set & set.wrapping_neg();
            let parts = (1..set).filter(|part| part & !set == 0 && part & lowest != 0);
            for part in parts {
                let rest = set & !part;
                let both = kept[part] | kept[rest];
                let (Some(a), Some(b)) = (costs[part], costs[rest]) else {
                    continue;
                };
                let cost = a + b + points(&self.sizes(both));
                if both & !kept[set] != 0 && costs[set].is_none_or(|known| cost < known) {
                    (costs[set], tree[set]) = (Some(cost), part);
                }
            }
        }
        costs[self.all()].map(|cost| (cost, tree))
    }

    /// The read of the product of a set of factors, which is made where there is more than one.
    fn build(&self, graph: &mut Graph, tree: &Tree, set: Factors, origin: Span) -> Read {
        if set.is_power_of_two() {
            return self.factors[set.trailing_zeros() as usize].clone();
        }
        let part = tree[set];
        let operands = [part, set & !part].map(|part| self.build(graph, tree, part, origin));
        let kept = if set == self.all() {
            (1 << self.free) - 1
        } else {
            self.kept(set)
        };
        let both = self.kept(part) | self.kept(set & !part);
        let free: Vec<usize> = self.numbers(kept).collect();
        let summed = self.numbers(both & !kept);
        let mut map = vec![Affine::constant(0); self.extents.len()];
        for (new, old) in free.iter().copied().chain(summed).enumerate() {
            map[old] = Affine::index(new);
        }
        let mut body = Body::default();
        let arguments = [body.push(Inst::Read(0)), body.push(Inst::Read(1))];
        body.result = body.op(Op::Mul, &arguments);
        let reads = operands.map(|read| renumbered(&read, &map));
        let product = Comprehension {
            shape: self.sizes(kept),
            reduce: self.sizes(both & !kept),
            reducer: Some(Reducer::Sum),
            order: Order::default(),
            domain: Guard::always(),
            reads: reads.to_vec(),
            body,
            dtype: self.dtype,
        };
        let product = simplify::comprehension(graph, product);
        let value = graph.comprehension(product, origin);
        Read::affine(value, self.dtype, free.into_iter().map(Affine::index))
    }
}
