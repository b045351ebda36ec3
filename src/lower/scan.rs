//! Scans as native loops. A state lives in two buffers that alternate; sequences and stacks are places that move with the loop.
use super::place::Place;
use super::wanted::{can_be_made_there, propagate};
use super::{Lowering, Scope};
use crate::base::types::{DType, Type};
use crate::kir::schedule::Step;
use crate::tir::{Graph, NodeData, Scan, Value};

impl Lowering {
    /// Emits a scan.
    pub(super) fn scan(
        &mut self,
        scope: &mut Scope,
        graph: &Graph,
        scan: &Scan,
        data: &NodeData,
    ) -> Result<(), String> {
        let number = self.loops;
        let rings = self.rings(scope, graph, scan, data)?;
        let mut stacks = Vec::new();
        for &value in &data.results[scan.states.len()..] {
            let place = self.place_result(scope, graph, value);
            stacks.push(place);
        }
        let first_inner = self.buffers.len();
        let start = self.now;
        self.now += 1;
        self.loops += 1;
        self.loop_marks.push(first_inner);
        self.open.push(Vec::new());
        let mut inner = Scope::default();
        self.bind_inputs(scope, &mut inner, scan, &rings, number)?;
        self.turn(&mut inner, scan, &rings, &stacks, number)?;
        let body = self.open.pop().unwrap_or_default();
        self.loops -= 1;
        self.loop_marks.pop();
        let end = self.now;
        for buffer in self.buffers[..first_inner]
            .iter_mut()
            .filter(|buffer| buffer.touched_since(start))
        {
            buffer.touch(start);
            buffer.touch(end);
        }
        self.emit(Step::Loop {
            length: scan.length,
            reverse: scan.reverse,
            body,
            value: data.results.first().copied(),
        });
        self.final_states(scope, graph, scan, data, &rings)
    }

    /// The alternating buffers, the first of which holds the initial state.
    fn rings(
        &mut self,
        scope: &Scope,
        graph: &Graph,
        scan: &Scan,
        data: &NodeData,
    ) -> Result<Vec<Place>, String> {
        let mut rings = Vec::new();
        for (at, &state) in scan.states.iter().enumerate() {
            let ty = graph.ty(state).clone();
            let buffer = self.arena_buffer(
                2 * ty.bytes(),
                format!("{} (state, twice)", data.results[at]),
            );
            let ring = Place::dense(buffer, &ty);
            let from = self.place(scope, state)?;
            self.copy(&from, &ring, &ty, data.origin)?;
            rings.push(ring);
        }
        Ok(rings)
    }

    fn bind_inputs(
        &mut self,
        scope: &Scope,
        inner: &mut Scope,
        scan: &Scan,
        rings: &[Place],
        number: usize,
    ) -> Result<(), String> {
        let inputs = &scan.body.inputs;
        let turn = inputs.first().ok_or("a scan's body without a turn")?.value;
        let read = scan
            .body
            .nodes()
            .any(|(_, data)| data.node.operands().contains(&turn))
            || scan.body.outputs.contains(&turn);
        if read {
            let ty = Type::scalar(DType::I32);
            let buffer = self.arena_buffer(ty.bytes(), "turn".into());
            let place = Place::dense(buffer, &ty);
            let at = self.address(&place, DType::I32);
            self.emit(Step::Turn { at });
            inner.places.insert(turn, place);
        }
        let mut input = 1;
        for ring in rings {
            let elements = Type::new(DType::F32, inputs[input].ty.shape.clone()).len() as i64;
            let place = Place {
                alternates: Some((number, elements, 0)),
                ..ring.clone()
            };
            inner.places.insert(inputs[input].value, place);
            input += 1;
        }
        for &(sequence, axis) in &scan.sequences {
            let whole = self.place(scope, sequence)?;
            inner
                .places
                .insert(inputs[input].value, whole.element(axis, number));
            input += 1;
        }
        for &value in &scan.captured {
            inner
                .places
                .insert(inputs[input].value, self.place(scope, value)?);
            input += 1;
        }
        Ok(())
    }

    /// One turn of the loop: the body, made where its outputs are wanted.
    fn turn(
        &mut self,
        inner: &mut Scope,
        scan: &Scan,
        rings: &[Place],
        stacks: &[Place],
        number: usize,
    ) -> Result<(), String> {
        let body = &scan.body;
        let mut targets: Vec<(Value, Place)> = Vec::new();
        for (at, &value) in body.outputs.iter().enumerate() {
            let place = match at.checked_sub(rings.len()) {
                None => {
                    let elements = body.ty(value).len() as i64;
                    Place {
                        alternates: Some((number, elements, 1)),
                        ..rings[at].clone()
                    }
                }
                Some(stack) => stacks[stack].element(scan.stacks[stack], number),
            };
            targets.push((value, place));
        }
        for (value, place) in &targets {
            if can_be_made_there(&body.defining(*value).node) && !inner.wanted.contains_key(value) {
                inner.wanted.insert(*value, place.clone());
            }
        }
        propagate(self, inner, body);
        for (_, data) in body.nodes() {
            self.node(inner, body, data)?;
        }
        for (value, place) in &targets {
            let from = self.place(inner, *value)?;
            if from != *place {
                self.copy(
                    &from,
                    place,
                    &body.ty(*value).clone(),
                    crate::base::source::Span::default(),
                )?;
            }
        }
        Ok(())
    }

    fn final_states(
        &mut self,
        scope: &mut Scope,
        graph: &Graph,
        scan: &Scan,
        data: &NodeData,
        rings: &[Place],
    ) -> Result<(), String> {
        for (at, ring) in rings.iter().enumerate() {
            let value = data.results[at];
            let ty = graph.ty(value).clone();
            let last = Place {
                offset: if scan.length % 2 == 1 {
                    ty.len() as i64
                } else {
                    0
                },
                ..ring.clone()
            };
            scope.places.insert(value, last.clone());
            if let Some(wanted) = scope.wanted.get(&value).cloned() {
                self.copy(&last, &wanted, &ty, data.origin)?;
                scope.places.insert(value, wanted);
            }
        }
        Ok(())
    }

    /// Whether a place's buffer lies outside every open loop: an input, a constant, or what was made before the loop.
    pub(super) fn outside_loop(&self, place: &Place) -> bool {
        let buffer = &self.buffers[place.buffer];
        buffer.base.is_some()
            || self
                .loop_marks
                .last()
                .is_none_or(|&mark| place.buffer < mark)
    }
}
