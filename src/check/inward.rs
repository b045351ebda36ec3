//! A gradient inside of a `scan` of what was computed around it. The body of a scan is a graph of its own, in which such a value is an input;
//! a derivative ends there. So the formulas between are written out in the body anew, from what is differentiated by.
use super::Checker;
use super::values::TensorVal;
use crate::base::types::Type;
use crate::tir::{Node, Value};
use std::collections::{HashMap, HashSet};

/// A value of one of the open graphs: its depth, and the value there.
type Place = (usize, Value);

impl Checker<'_> {
    /// `of` as a value of the innermost graph, such that a derivative by `by` passes through everything it is computed from.
    pub(super) fn inward(&mut self, of: &TensorVal, by: &[TensorVal]) -> Value {
        let depth = self.depth();
        if depth == 0 {
            return of.value;
        }
        let order = self.places_behind((of.depth, of.value));
        let wanted: HashSet<Place> = by.iter().map(|by| (by.depth, by.value)).collect();
        let moving = self.moving(&order, &wanted);
        let is_cut_off = |place: &Place| {
            place.0 < depth
                && !wanted.contains(place)
                && !self.is_input(*place)
                && self.follows(*place, &moving)
        };
        if !order.iter().any(is_cut_off) {
            return self.here(of);
        }
        let mut images: HashMap<Place, Value> = HashMap::new();
        for place in order.into_iter().filter(|place| moving.contains(place)) {
            if wanted.contains(&place) || !self.follows(place, &moving) {
                let image = self.image_of(place);
                images.insert(place, image);
            } else if !images.contains_key(&place) {
                self.written_out(place, &mut images);
            }
        }
        match images.get(&(of.depth, of.value)) {
            Some(&value) => value,
            None => self.here(of),
        }
    }

    /// Those of the values that depend on what is differentiated by. A gradient among them that was taken outside is taken anew in the body,
    /// so what it was taken by, and what depends on that, is among them too.
    fn moving(&self, order: &[Place], wanted: &HashSet<Place>) -> HashSet<Place> {
        let mut moving = wanted.clone();
        loop {
            let known = moving.len();
            for &(level, value) in order {
                if !self.follows((level, value), &moving) {
                    continue;
                }
                moving.insert((level, value));
                let graph = &self.segment.open[level].graph;
                if let Node::Gradient {
                    with_respect_to, ..
                } = &graph.defining(value).node
                {
                    moving.extend(with_respect_to.iter().map(|&value| (level, value)));
                }
            }
            if moving.len() == known {
                return moving;
            }
        }
    }

    /// Whether a value is computed from one of these in one step.
    fn follows(&self, place: Place, from: &HashSet<Place>) -> bool {
        let before = self.places_before(place);
        before.iter().any(|place| from.contains(place))
    }

    /// The values that one is computed from, itself last, each after those that it is computed from; no further than a stopped gradient.
    fn places_behind(&self, last: Place) -> Vec<Place> {
        let (mut order, mut seen) = (Vec::new(), HashSet::new());
        let mut pending = vec![(last, false)];
        while let Some((place, expanded)) = pending.pop() {
            if expanded {
                order.push(place);
            } else if seen.insert(place) {
                pending.push((place, true));
                let before = self.places_before(place);
                pending.extend(before.into_iter().map(|place| (place, false)));
            }
        }
        order
    }

    /// What a value is computed from in one step: operands, or the value around that an input of a body stands for.
    fn places_before(&self, (level, value): Place) -> Vec<Place> {
        let open = &self.segment.open[level];
        match &open.graph.defining(value).node {
            Node::StopGradient(_) => Vec::new(),
            Node::Input(_) => {
                let outer = open.captured.iter().find(|(_, inner)| *inner == value);
                outer
                    .map(|(outer, _)| (level - 1, *outer))
                    .into_iter()
                    .collect()
            }
            node => node
                .operands()
                .into_iter()
                .map(|operand| (level, operand))
                .collect(),
        }
    }

    fn is_input(&self, (level, value): Place) -> bool {
        let graph = &self.segment.open[level].graph;
        matches!(graph.defining(value).node, Node::Input(_))
    }

    /// A value of a graph around as one of the innermost.
    fn image_of(&mut self, (depth, value): Place) -> Value {
        let epoch = self.segment.open[depth].epoch;
        let dims = Vec::new();
        self.here(&TensorVal {
            value,
            depth,
            epoch,
            dims,
        })
    }

    /// Writes a node out in the innermost graph, and notes the images of its results.
    fn written_out(&mut self, (level, value): Place, images: &mut HashMap<Place, Value>) {
        if let Some(&outer) = self.places_before((level, value)).first()
            && outer.0 < level
        {
            if let Some(&image) = images.get(&outer) {
                images.insert((level, value), image);
            }
            return;
        }
        let data = self.segment.open[level].graph.defining(value).clone();
        let mut operands = HashMap::new();
        for operand in data.node.operands() {
            let image = match images.get(&(level, operand)) {
                Some(&image) => image,
                None => self.image_of((level, operand)),
            };
            operands.insert(operand, image);
        }
        let node = data
            .node
            .map_operands(&mut |operand| operands.get(&operand).copied().unwrap_or(operand));
        let graph = &self.segment.open[level].graph;
        let types: Vec<Type> = data
            .results
            .iter()
            .map(|&result| graph.ty(result).clone())
            .collect();
        let results = self.graph().add(node, types, data.origin);
        for (&result, image) in data.results.iter().zip(results) {
            images.insert((level, result), image);
        }
    }
}
