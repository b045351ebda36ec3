//! Lowering: an optimised graph becomes a schedule of kernels and products on one planned arena.
//!
//! Every value gets a *place*: a buffer, an offset and one stride per dimension. Views cost nothing: a reshape is the same place under
//! other strides where strides can say it, an element of a sequence is a place that moves with the loop, and what is concatenated,
//! stacked or written to an output is stored straight into its part of the whole ([`wanted`] decides that before anything is emitted).
//!
//! Absent on purpose: decisions by size of the machine. The schedule depends on the graph alone.
mod bundle;
mod finish;
mod group;
mod memory;
mod nest;
mod order;
mod place;
mod scan;
mod small;
mod terms;
mod wanted;

pub use bundle::{BUNDLE, bundle};
pub use small::{Small, TILES};

use crate::base::source::Span;
use crate::base::types::{DType, Type, strides};
use crate::kir::schedule::{Address, Base, CheckInfo, Schedule, Step};
use crate::kir::{Kernel, Nest};
use crate::tir::{Comprehension, Graph, Node, NodeData, Value};
use memory::Buffer;
use place::Place;
use rustc_hash::{FxHashMap, FxHashSet};

/// Lowers a graph. `aliases` says, for each output, which input's storage it shares (a parameter that is updated); the schedule may then
/// write in place, after the last reader of the old version. `small` says which contractions are loop nests.
///
/// The error is a fault of the compiler: a graph that passed the verifier has a schedule.
pub fn lower(graph: &Graph, aliases: &[Option<u32>], small: Small) -> Result<Schedule, String> {
    let mut lowering = Lowering {
        small,
        ..Lowering::default()
    };
    let mut scope = Scope::default();
    for (number, input) in graph.inputs.iter().enumerate() {
        let buffer = lowering.fixed_buffer(Base::Input(number as u32), &input.ty, &input.name);
        scope
            .places
            .insert(input.value, Place::dense(buffer, &input.ty));
    }
    let (order, in_place) = order::emission(graph, aliases, small);
    wanted::outputs(&mut lowering, &mut scope, graph, aliases, &in_place);
    wanted::propagate(&mut lowering, &mut scope, graph);
    for id in order {
        lowering.node(&mut scope, graph, graph.node(id))?;
    }
    lowering.store_outputs(&mut scope, graph, aliases)?;
    Ok(lowering.finish(aliases))
}

/// Where the values of one graph (the step's, or a scan's body) are.
#[derive(Default)]
struct Scope {
    places: FxHashMap<Value, Place>,
    /// Where a value is to be made, for those where that is decided before.
    wanted: FxHashMap<Value, Place>,
}

#[derive(Default)]
struct Lowering {
    small: Small,
    schedule: Schedule,
    buffers: Vec<Buffer>,
    /// Steps being emitted, innermost loop last.
    open: Vec<Vec<Step>>,
    /// Number of the step being emitted, counted through loop bodies.
    now: usize,
    loops: usize,
    /// For each open loop, the number of the first buffer made inside it.
    loop_marks: Vec<usize>,
    kernel_ids: FxHashMap<String, usize>,
    product_ids: FxHashMap<crate::kir::schedule::Product, usize>,
    /// (step, operand's buffer, result's buffer): the result could take the operand's memory.
    in_place: Vec<(usize, usize, usize)>,
}

impl Lowering {
    fn emit(&mut self, step: Step) {
        match self.open.last_mut() {
            Some(steps) => steps.push(step),
            None => self.schedule.steps.push(step),
        }
        self.now += 1;
    }

    fn fixed_buffer(&mut self, base: Base, ty: &Type, name: &str) -> usize {
        self.buffers
            .push(Buffer::new(Some(base), ty.bytes(), name.to_string()));
        self.buffers.len() - 1
    }

    fn arena_buffer(&mut self, bytes: usize, name: String) -> usize {
        self.buffers.push(Buffer::new(None, bytes, name));
        self.buffers.len() - 1
    }

    /// The place of a result: the wanted one, or a fresh dense buffer.
    fn place_result(&mut self, scope: &mut Scope, graph: &Graph, value: Value) -> Place {
        let ty = graph.ty(value);
        let place = match scope.wanted.get(&value) {
            Some(place) => place.clone(),
            None => {
                let buffer = self.arena_buffer(ty.bytes(), value.to_string());
                Place::dense(buffer, ty)
            }
        };
        scope.places.insert(value, place.clone());
        place
    }

    fn place(&self, scope: &Scope, value: Value) -> Result<Place, String> {
        scope
            .places
            .get(&value)
            .cloned()
            .ok_or_else(|| format!("{value} has no place"))
    }

    /// The address of a place, noting that the step now being emitted touches its buffer.
    fn address(&mut self, place: &Place, dtype: DType) -> Address {
        self.buffers[place.buffer].touch(self.now);
        place.address(dtype)
    }

    fn node(&mut self, scope: &mut Scope, graph: &Graph, data: &NodeData) -> Result<(), String> {
        let result = data
            .results
            .first()
            .copied()
            .ok_or("a node without a result")?;
        match &data.node {
            Node::Input(_) => Ok(()),
            Node::Constant(elements) => {
                let ty = graph.ty(result).clone();
                self.constant(scope, result, &ty, elements);
                Ok(())
            }
            Node::Comprehension(c) => {
                let place = self.place_result(scope, graph, result);
                self.comprehension(scope, graph, c, &place, result, data.origin)
            }
            Node::Reshape(source) => self.reshape(scope, graph, *source, result, data.origin),
            Node::Concat(parts, axis) => {
                self.concat(scope, graph, parts, *axis, result, data.origin)
            }
            Node::Scatter(s) => self.scatter(scope, graph, s, result, data.origin),
            Node::Scan(s) => self.scan(scope, graph, s, data),
            Node::Region(region) => {
                region
                    .members
                    .iter()
                    .zip(&data.results)
                    .try_for_each(|(member, &value)| {
                        let data = NodeData {
                            node: member.clone(),
                            results: vec![value],
                            origin: data.origin,
                        };
                        self.node(scope, graph, &data)
                    })
            }
            Node::Gradient { .. } | Node::StopGradient(_) => {
                Err("the graph is not differentiated yet".into())
            }
        }
    }

    fn constant(&mut self, scope: &mut Scope, value: Value, ty: &Type, elements: &[f64]) {
        let at = self.schedule.constants.len().next_multiple_of(64);
        self.schedule.constants.resize(at, 0);
        let bytes = &mut self.schedule.constants;
        for &element in elements {
            match ty.dtype {
                DType::F32 => bytes.extend((element as f32).to_ne_bytes()),
                DType::F64 => bytes.extend(element.to_ne_bytes()),
                DType::I32 => bytes.extend((element as i32).to_ne_bytes()),
                DType::Bool | DType::U8 => bytes.push(element as u8),
            }
        }
        let buffer = self.fixed_buffer(Base::Constant, ty, "constant");
        let mut place = Place::dense(buffer, ty);
        place.start_bytes = at;
        scope.places.insert(value, place);
    }

    fn comprehension(
        &mut self,
        scope: &Scope,
        graph: &Graph,
        c: &Comprehension,
        place: &Place,
        result: Value,
        origin: Span,
    ) -> Result<(), String> {
        if c.shape.contains(&0) {
            return Ok(());
        }
        if crate::pass::order::is_tiled(c)
            && !self.small.is_small(graph, c)
            && !c.reduce.contains(&0)
            && self.product(scope, c, place, result, origin)?
        {
            return Ok(());
        }
        self.loop_kernel(scope, graph, c, place, result, origin)
    }

    /// A reshape is its operand under other strides; where strides cannot say it, a copy.
    fn reshape(
        &mut self,
        scope: &mut Scope,
        graph: &Graph,
        source: Value,
        result: Value,
        origin: Span,
    ) -> Result<(), String> {
        let from = self.place(scope, source)?;
        let (old, new) = (graph.ty(source).clone(), graph.ty(result).clone());
        if let Some(place) = scope.wanted.get(&result).cloned() {
            let already = place::reshaped_strides(&new.shape, &place.strides, &old.shape)
                .is_some_and(|strides| {
                    Place {
                        strides,
                        ..place.clone()
                    } == from
                });
            scope.places.insert(result, place.clone());
            if already {
                return Ok(());
            }
            let dense = self.dense_copy(&from, &old, origin);
            let view = Place {
                strides: signed(&strides(&new.shape)),
                ..dense
            };
            return self.copy(&view, &place, &new, origin);
        }
        let place = match place::reshaped_strides(&old.shape, &from.strides, &new.shape) {
            Some(strides) => Place { strides, ..from },
            None => {
                let dense = self.dense_copy(&from, &old, origin);
                Place {
                    strides: signed(&strides(&new.shape)),
                    ..dense
                }
            }
        };
        scope.places.insert(result, place);
        Ok(())
    }

    fn dense_copy(&mut self, from: &Place, ty: &Type, origin: Span) -> Place {
        if from.strides == signed(&strides(&ty.shape)) {
            return from.clone();
        }
        let buffer = self.arena_buffer(ty.bytes(), "copy".into());
        let dense = Place::dense(buffer, ty);
        self.copy_kernel(from, &dense, ty, origin);
        dense
    }

    /// Copies a tensor from place to place.
    fn copy(&mut self, from: &Place, to: &Place, ty: &Type, origin: Span) -> Result<(), String> {
        if ty.is_empty() {
            return Ok(());
        }
        let dense = signed(&strides(&ty.shape));
        if from.strides == dense && to.strides == dense {
            let (from, to) = (self.address(from, ty.dtype), self.address(to, ty.dtype));
            self.emit(Step::Copy {
                from,
                to,
                bytes: ty.bytes(),
            });
        } else {
            self.copy_kernel(from, to, ty, origin);
        }
        Ok(())
    }

    fn concat(
        &mut self,
        scope: &mut Scope,
        graph: &Graph,
        parts: &[Value],
        axis: usize,
        result: Value,
        origin: Span,
    ) -> Result<(), String> {
        let whole = self.place_result(scope, graph, result);
        let mut start = 0;
        for &part in parts {
            let ty = graph.ty(part).clone();
            let target = whole.slice(axis, start);
            start += ty.shape[axis];
            let from = self.place(scope, part)?;
            if from != target {
                self.copy(&from, &target, &ty, origin)?;
            }
        }
        Ok(())
    }

    fn store_outputs(
        &mut self,
        scope: &mut Scope,
        graph: &Graph,
        aliases: &[Option<u32>],
    ) -> Result<(), String> {
        let overwritten: FxHashSet<u32> = aliases.iter().flatten().copied().collect();
        let mut pending = Vec::new();
        for (number, &value) in graph.outputs.iter().enumerate() {
            let ty = graph.ty(value).clone();
            let from = self.place(scope, value)?;
            match self.buffers[from.buffer].base {
                Some(Base::Output(at)) if at as usize == number => continue,
                Some(Base::Input(at)) if aliases.get(number).copied().flatten() == Some(at) => {
                    continue;
                }
                Some(Base::Input(at)) if overwritten.contains(&at) => {
                    let buffer = self.arena_buffer(ty.bytes(), "kept".into());
                    let kept = Place::dense(buffer, &ty);
                    self.copy(&from, &kept, &ty, Span::default())?;
                    pending.push((number, kept, ty));
                }
                _ => pending.push((number, from, ty)),
            }
        }
        for (number, from, ty) in pending {
            let buffer = self.fixed_buffer(Base::Output(number as u32), &ty, "output");
            let to = Place::dense(buffer, &ty);
            self.copy(&from, &to, &ty, Span::default())?;
        }
        Ok(())
    }

    fn add_kernel(&mut self, kernel: Kernel) -> usize {
        let key = format!("{:?}{:?}{:?}", kernel.buffers, kernel.outer, kernel.nests);
        let next = self.schedule.kernels.len();
        let id = *self.kernel_ids.entry(key).or_insert(next);
        if id == next {
            self.schedule.kernels.push(kernel);
        }
        id
    }

    fn check(&mut self, origin: Span, bound: usize) -> u32 {
        self.schedule.checks.push(CheckInfo { origin, bound });
        self.schedule.checks.len() as u32
    }

    fn finish(mut self, aliases: &[Option<u32>]) -> Schedule {
        memory::assign(
            &mut self.schedule,
            &mut self.buffers,
            &self.in_place,
            aliases,
        );
        self.schedule
    }
}

fn signed(strides: &[usize]) -> Vec<i64> {
    strides.iter().map(|&stride| stride as i64).collect()
}

/// Work of one nest per outer position, in scalar operations.
fn work_of(nest: &Nest, outer: usize) -> usize {
    let points: usize = nest.free[outer..].iter().chain(&nest.reduce).product();
    let operations = nest.body.insts.len()
        + nest
            .accesses
            .iter()
            .map(|access| 2 * access.guard.conditions.len())
            .sum::<usize>();
    points * operations.max(1)
}
