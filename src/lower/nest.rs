//! Comprehensions as loop nests over flat buffers, and as products for the contraction engine.
use super::place::Place;
use super::{Lowering, Scope, work_of};
use crate::base::source::Span;
use crate::base::types::{DType, Type};
use crate::kir::schedule::{Product, ProductIndex, Step};
use crate::kir::{Access, GatherTerm, Kernel, Nest, Store};
use crate::tir::{
    Affine, Body, Comprehension, Condition, Graph, Guard, Inst, Literal, Order, Read, Scatter,
    Subscript, Value,
};

/// Whether a read finds the element at the free indices themselves, unguarded.
pub fn is_identity(read: &Read) -> bool {
    read.guard.is_always()
        && read
            .subscripts
            .iter()
            .enumerate()
            .all(|(axis, subscript)| match subscript {
                Subscript::Affine(affine) => affine.as_index() == Some(axis),
                Subscript::Gather(_) => false,
            })
}

/// An offset and its gathered parts as (read, stride, bound).
type Offset = (Affine, Vec<(u32, usize, usize)>);

/// The flat offset of subscripts in a place, without the place's own offset.
fn flat(place: &Place, subscripts: &[Subscript], shape: &[usize]) -> Offset {
    let mut offset = Affine::constant(0);
    let mut gathers = Vec::new();
    for (axis, subscript) in subscripts.iter().enumerate() {
        match subscript {
            Subscript::Affine(affine) => offset = offset.plus(&affine.times(place.strides[axis])),
            Subscript::Gather(read) => {
                gathers.push((*read, place.strides[axis] as usize, shape[axis]))
            }
        }
    }
    (offset, gathers)
}

/// The same of subscripts that a graph holds, whose numbers may be too large for an offset.
fn reached(place: &Place, subscripts: &[Subscript], shape: &[usize]) -> Result<Offset, String> {
    let (offset, gathers) = flat(place, subscripts, shape);
    match offset.is_beyond() {
        true => Err("an access whose numbers are too large".into()),
        false => Ok((offset, gathers)),
    }
}

/// The arguments of a kernel being built: distinct places.
#[derive(Default)]
struct Arguments {
    places: Vec<(Place, DType)>,
}

impl Arguments {
    fn number(&mut self, place: &Place, dtype: DType) -> u32 {
        let base = Place {
            strides: Vec::new(),
            ..place.clone()
        };
        match self.places.iter().position(|(other, _)| *other == base) {
            Some(at) => at as u32,
            None => {
                self.places.push((base, dtype));
                self.places.len() as u32 - 1
            }
        }
    }
}

impl Lowering {
    /// Emits a comprehension as a loop kernel.
    pub(super) fn loop_kernel(
        &mut self,
        scope: &Scope,
        graph: &Graph,
        c: &Comprehension,
        place: &Place,
        result: Value,
        origin: Span,
    ) -> Result<(), String> {
        let mut arguments = Arguments::default();
        let accesses = self.accesses(scope, graph, &c.reads, &mut arguments, origin)?;
        let target: Vec<Subscript> = (0..c.shape.len())
            .map(|axis| Subscript::Affine(Affine::index(axis)))
            .collect();
        let store = Store {
            buffer: arguments.number(place, c.dtype),
            offset: flat(place, &target, &c.shape).0,
            gathers: Vec::new(),
            accumulate: false,
        };
        let length = c.reduce.iter().product();
        let nest = Nest {
            free: c.shape.clone(),
            reduce: c.reduce.clone(),
            reducer: c.reducer,
            order: c.order,
            piece_length: if c.order == Order::Chain {
                crate::tir::piece_length(length)
            } else {
                length.max(1)
            },
            domain: c.domain.clone(),
            accesses,
            body: c.body.clone(),
            store,
        };
        self.note_in_place(scope, graph, c, place)?;
        let nest = collapsed(nest);
        let outer = if self.small.in_tiles(graph, c) {
            0
        } else {
            outer_dimensions(&nest)
        };
        let name = name_of(c, result);
        self.emit_kernel(name, Some(result), (nest, outer), arguments, origin);
        Ok(())
    }

    /// Notes the operands in whose place the result may be made: those of whose buffer a point reads nothing but its own element, by
    /// whichever of its reads; a reshape is another value in the same buffer.
    fn note_in_place(
        &mut self,
        scope: &Scope,
        graph: &Graph,
        c: &Comprehension,
        place: &Place,
    ) -> Result<(), String> {
        if c.reducer.is_some() {
            return Ok(());
        }
        let places = c.reads.iter().map(|read| self.place(scope, read.value));
        let places = places.collect::<Result<Vec<Place>, String>>()?;
        for operand in &places {
            let own = |(read, other): (&Read, &Place)| {
                let ty = graph.ty(read.value);
                is_identity(read)
                    && other == operand
                    && ty.shape == c.shape
                    && ty.dtype.size() == c.dtype.size()
            };
            let mut readers = c.reads.iter().zip(&places);
            if readers.all(|pair| pair.1.buffer != operand.buffer || own(pair))
                && operand.moves.is_empty()
                && operand.alternates.is_none()
            {
                self.in_place.push((self.now, operand.buffer, place.buffer));
            }
        }
        Ok(())
    }

    fn accesses(
        &mut self,
        scope: &Scope,
        graph: &Graph,
        reads: &[Read],
        arguments: &mut Arguments,
        origin: Span,
    ) -> Result<Vec<Access>, String> {
        let mut accesses = Vec::with_capacity(reads.len());
        for read in reads {
            let place = self.place(scope, read.value)?;
            let ty: &Type = graph.ty(read.value);
            let (offset, gathers) = reached(&place, &read.subscripts, &ty.shape)?;
            if read.guard.is_beyond() {
                return Err("a guard whose numbers are too large".into());
            }
            let gathers = gathers
                .into_iter()
                .map(|(access, stride, bound)| GatherTerm {
                    access,
                    stride,
                    bound,
                    check: self.check(origin, bound),
                })
                .collect();
            let buffer = arguments.number(&place, ty.dtype);
            accesses.push(Access {
                buffer,
                offset,
                gathers,
                guard: read.guard.clone(),
                fill: read.fill,
            });
        }
        Ok(accesses)
    }

    fn emit_kernel(
        &mut self,
        name: String,
        value: Option<Value>,
        (nest, outer): (Nest, usize),
        arguments: Arguments,
        origin: Span,
    ) {
        let work = work_of(&nest, outer);
        let range = nest.free[..outer].iter().product();
        let gathers = |terms: &[GatherTerm]| !terms.is_empty();
        let checks = nest.accesses.iter().any(|access| gathers(&access.gathers))
            || gathers(&nest.store.gathers);
        let buffers = arguments.places.iter().map(|(_, dtype)| *dtype).collect();
        let kernel = self.add_kernel(Kernel {
            name,
            buffers,
            outer,
            nests: vec![nest],
        });
        let arguments = arguments
            .places
            .iter()
            .map(|(place, dtype)| self.address(place, *dtype))
            .collect();
        self.emit(Step::Kernel {
            kernel,
            arguments,
            outer: range,
            work,
            checks,
            value,
            origin,
        });
    }

    /// Emits a copy between places of the same sizes.
    pub(super) fn copy_kernel(&mut self, from: &Place, to: &Place, ty: &Type, origin: Span) {
        let mut arguments = Arguments::default();
        let subscripts: Vec<Subscript> = (0..ty.shape.len())
            .map(|axis| Subscript::Affine(Affine::index(axis)))
            .collect();
        let mut body = Body::default();
        body.result = body.push(Inst::Read(0));
        if ty.dtype == DType::U8 {
            // A copy of bytes is a copy of truth values to the kernels: one byte, unchanged.
            return self.copy_bytes(from, to, ty);
        }
        let fill = Literal {
            dtype: ty.dtype,
            value: 0.0,
        };
        let access = Access {
            buffer: arguments.number(from, ty.dtype),
            offset: flat(from, &subscripts, &ty.shape).0,
            gathers: Vec::new(),
            guard: Guard::always(),
            fill,
        };
        let store = Store {
            buffer: arguments.number(to, ty.dtype),
            offset: flat(to, &subscripts, &ty.shape).0,
            gathers: Vec::new(),
            accumulate: false,
        };
        let nest = Nest {
            free: ty.shape.clone(),
            reduce: Vec::new(),
            reducer: None,
            order: Order::Chain,
            piece_length: 1,
            domain: Guard::always(),
            accesses: vec![access],
            body,
            store,
        };
        let nest = collapsed(nest);
        let outer = outer_dimensions(&nest);
        self.emit_kernel("copy".into(), None, (nest, outer), arguments, origin);
    }

    fn copy_bytes(&mut self, from: &Place, to: &Place, ty: &Type) {
        let (from, to) = (self.address(from, ty.dtype), self.address(to, ty.dtype));
        self.emit(Step::Copy {
            from,
            to,
            bytes: ty.bytes(),
        });
    }

    /// Emits a sum into given places: zeros, then one sequential kernel.
    pub(super) fn scatter(
        &mut self,
        scope: &mut Scope,
        graph: &Graph,
        s: &Scatter,
        result: Value,
        origin: Span,
    ) -> Result<(), String> {
        let ty = graph.ty(result).clone();
        let buffer = self.arena_buffer(ty.bytes(), result.to_string());
        let place = Place::dense(buffer, &ty);
        scope.places.insert(result, place.clone());
        let at = self.address(&place, ty.dtype);
        self.emit(Step::Zero {
            at,
            bytes: ty.bytes(),
        });
        if !s.extents.contains(&0) {
            let mut arguments = Arguments::default();
            let accesses = self.accesses(scope, graph, &s.reads, &mut arguments, origin)?;
            let (offset, gathers) = reached(&place, &s.target, &s.shape)?;
            let gathers = gathers
                .into_iter()
                .map(|(access, stride, bound)| GatherTerm {
                    access,
                    stride,
                    bound,
                    check: self.check(origin, bound),
                })
                .collect();
            let store = Store {
                buffer: arguments.number(&place, s.dtype),
                offset,
                gathers,
                accumulate: true,
            };
            let nest = Nest {
                free: s.extents.clone(),
                reduce: Vec::new(),
                reducer: None,
                order: Order::Chain,
                piece_length: 1,
                domain: s.domain.clone(),
                accesses,
                body: s.body.clone(),
                store,
            };
            let nest = (collapsed(nest), 0);
            self.emit_kernel("scatter".into(), None, nest, arguments, origin);
        }
        if let Some(wanted) = scope.wanted.get(&result).cloned() {
            self.copy(&place, &wanted, &ty, origin)?;
            scope.places.insert(result, wanted);
        }
        Ok(())
    }

    /// Emits a contraction; `false` where its operands are not plain.
    pub(super) fn product(
        &mut self,
        scope: &Scope,
        c: &Comprehension,
        place: &Place,
        result: Value,
        origin: Span,
    ) -> Result<bool, String> {
        let Some((a, b)) = c.as_product() else {
            return Ok(false);
        };
        let (Some((a_place, a_offset)), Some((b_place, b_offset))) =
            (self.plain(scope, c, a)?, self.plain(scope, c, b)?)
        else {
            return Ok(false);
        };
        let index = |at: usize, extent: usize| ProductIndex {
            extent,
            a: a_offset.coefficient(at) as isize,
            b: b_offset.coefficient(at) as isize,
            c: if at < c.shape.len() {
                place.strides[at] as isize
            } else {
                0
            },
        };
        let free = c
            .shape
            .iter()
            .enumerate()
            .map(|(at, &extent)| index(at, extent))
            .collect();
        let reduce = c
            .reduce
            .iter()
            .enumerate()
            .map(|(at, &extent)| index(c.shape.len() + at, extent))
            .collect();
        let product = Product {
            dtype: c.dtype,
            free: merged(free),
            reduce: merged(reduce),
        };
        let next = self.schedule.products.len();
        let id = *self.product_ids.entry(product.clone()).or_insert(next);
        if id == next {
            self.schedule.products.push(product);
        }
        let at_offset = |place: &Place, offset: &Affine| Place {
            offset: place.offset + offset.offset(),
            ..place.clone()
        };
        let step = Step::Product {
            product: id,
            constant_a: self.loops > 0
                && a_place.moves.is_empty()
                && a_place.alternates.is_none()
                && self.outside_loop(&a_place),
            constant_b: self.loops > 0
                && b_place.moves.is_empty()
                && b_place.alternates.is_none()
                && self.outside_loop(&b_place),
            a: self.address(&at_offset(&a_place, &a_offset), c.dtype),
            b: self.address(&at_offset(&b_place, &b_offset), c.dtype),
            c: self.address(place, c.dtype),
            value: result,
            origin,
            finish: None,
            terms: None,
        };
        self.emit(step);
        Ok(true)
    }

    fn plain(
        &self,
        scope: &Scope,
        c: &Comprehension,
        read: u32,
    ) -> Result<Option<(Place, Affine)>, String> {
        let read = &c.reads[read as usize];
        let affine = |subscript: &Subscript| subscript.as_affine().is_some();
        if !read.guard.is_always() || !read.subscripts.iter().all(affine) {
            return Ok(None);
        }
        let place = self.place(scope, read.value)?;
        let (offset, _) = reached(&place, &read.subscripts, &[])?;
        Ok((offset.divisor() == 1).then_some((place, offset)))
    }
}

fn name_of(c: &Comprehension, result: Value) -> String {
    let operation = match (c.reducer, c.body.insts.get(c.body.result as usize)) {
        (Some(reducer), _) => reducer.name(),
        (None, Some(Inst::Op(op, _))) => op.name(),
        (None, Some(Inst::Read(_))) => "copy",
        (None, Some(Inst::Const(_) | Inst::Index(_)) | None) => "fill",
    };
    format!("{operation}_{result}")
}

/// Merges neighbouring indices that every operand walks as one; drops indices of one value.
fn merged(indices: Vec<ProductIndex>) -> Vec<ProductIndex> {
    let mut result: Vec<ProductIndex> = Vec::new();
    for index in indices.into_iter().filter(|index| index.extent != 1) {
        match result.last_mut() {
            Some(last)
                if [(last.a, index.a), (last.b, index.b), (last.c, index.c)]
                    .iter()
                    .all(|&(outer, inner)| outer == inner * index.extent as isize) =>
            {
                *last = ProductIndex {
                    extent: last.extent * index.extent,
                    ..index
                };
            }
            _ => result.push(index),
        }
    }
    result
}

/// How many leading free indices the range of a kernel walks: enough to share among threads, few enough to leave the innermost loop whole.
fn outer_dimensions(nest: &Nest) -> usize {
    if nest.store.accumulate {
        return 0;
    }
    let most = if nest.reduce.is_empty() {
        nest.free.len().saturating_sub(1).max(1)
    } else {
        nest.free.len()
    };
    let mut outer = 0;
    let mut range = 1;
    while outer < most.min(nest.free.len()) && range < 64 {
        range *= nest.free[outer];
        outer += 1;
    }
    outer
}

/// Drops indices of one value and merges neighbouring indices that every access walks as one.
fn collapsed(mut nest: Nest) -> Nest {
    let free = nest.free.len();
    for at in (0..free + nest.reduce.len()).rev() {
        let extent = if at < nest.free.len() {
            nest.free[at]
        } else {
            nest.reduce[at - nest.free.len()]
        };
        if extent == 1
            && (at < nest.free.len() || nest.reduce.len() > 1)
            && nest.order == Order::Chain
        {
            nest = drop_index(nest, at);
        }
    }
    let mut at = 0;
    while at + 1 < nest.free.len() + nest.reduce.len() {
        let boundary = at + 1 == nest.free.len();
        let reduced = at >= nest.free.len();
        let kept_apart = boundary || (reduced && nest.order == Order::Lanes);
        if !kept_apart && mergeable(&nest, at) {
            nest = merge_index(nest, at);
        } else {
            at += 1;
        }
    }
    nest
}

fn expressions(nest: &Nest) -> Vec<&Affine> {
    let guards =
        std::iter::once(&nest.domain).chain(nest.accesses.iter().map(|access| &access.guard));
    let conditions = guards.flat_map(|guard| guard.conditions.iter().map(Condition::expression));
    nest.accesses
        .iter()
        .map(|access| &access.offset)
        .chain([&nest.store.offset])
        .chain(conditions)
        .collect()
}

fn uses_index(body: &Body, index: usize) -> bool {
    body.insts.contains(&Inst::Index(index as u32))
}

fn mergeable(nest: &Nest, at: usize) -> bool {
    let extents: Vec<usize> = nest.free.iter().chain(&nest.reduce).copied().collect();
    let inner = extents[at + 1] as i64;
    !uses_index(&nest.body, at)
        && !uses_index(&nest.body, at + 1)
        && expressions(nest)
            .iter()
            .all(|e| e.coefficient(at) == e.coefficient(at + 1) * inner)
}

/// Indices `at` and `at + 1` as one.
fn merge_index(mut nest: Nest, at: usize) -> Nest {
    let count = nest.free.len() + nest.reduce.len();
    // index at+1 becomes the merged one; index at vanishes (its coefficient is implied).
    let image: Vec<Affine> = (0..count)
        .map(|index| {
            if index == at {
                Affine::constant(0)
            } else {
                Affine::index(if index > at { index - 1 } else { index })
            }
        })
        .collect();
    if at < nest.free.len() {
        let outer = nest.free.remove(at);
        nest.free[at] *= outer;
    } else {
        let place = at - nest.free.len();
        let outer = nest.reduce.remove(place);
        nest.reduce[place] *= outer;
    }
    renumbered(nest, &image)
}

fn drop_index(mut nest: Nest, at: usize) -> Nest {
    let count = nest.free.len() + nest.reduce.len();
    let image: Vec<Affine> = (0..count)
        .map(|index| {
            if index == at {
                Affine::constant(0)
            } else {
                Affine::index(if index > at { index - 1 } else { index })
            }
        })
        .collect();
    if at < nest.free.len() {
        nest.free.remove(at);
    } else {
        nest.reduce.remove(at - nest.free.len());
    }
    renumbered(nest, &image)
}

fn renumbered(mut nest: Nest, image: &[Affine]) -> Nest {
    for access in &mut nest.accesses {
        access.offset = access.offset.substitute(image);
        access.guard = access.guard.substitute(image);
    }
    nest.store.offset = nest.store.offset.substitute(image);
    nest.domain = nest.domain.substitute(image);
    let old = std::mem::take(&mut nest.body);
    let mut body = Body::default();
    let mut position: Vec<u32> = Vec::with_capacity(old.insts.len());
    for inst in &old.insts {
        let new = match inst {
            Inst::Index(index) => match image[*index as usize].as_index() {
                Some(index) => body.push(Inst::Index(index as u32)),
                None => body.constant(DType::I32, 0.0),
            },
            Inst::Op(op, arguments) => body.push(Inst::Op(
                *op,
                arguments.iter().map(|&a| position[a as usize]).collect(),
            )),
            Inst::Read(_) | Inst::Const(_) => body.push(inst.clone()),
        };
        position.push(new);
    }
    body.result = position.get(old.result as usize).copied().unwrap_or(0);
    nest.body = body;
    nest
}

#[cfg(test)]
mod tests {
    use crate::lower::{Small, lower};
    use crate::tir::parse::parse;

    /// A product whose operand is gathered, as the passes leave it without `outline`: it is a loop, not a product of the engine.
    #[test]
    fn a_product_of_a_gathered_operand_is_a_loop() {
        let text = "v0: f32[50, 64] = input 0 \"table\"\nv1: f32[1000] = input 1 \"w\"\nv2: i32[1000] = [i0 < 1000] (mod i0 50)\nv3: f32[64] = [i0 < 64] sum[i1 < 1000] (mul v0[v2[i1], i0] v1[i1])\nreturn v3\n";
        let graph = parse(text).expect("a graph");
        let schedule = lower(&graph, &[None], Small::default()).expect("a schedule");
        assert_eq!((schedule.products.len(), schedule.kernels.len()), (0, 2));
    }
}
