//! A whole loop of steps as one function, for graphs so small that calling their kernels takes longer than what they compute.
//!
//! A step of a regression on four rows is some sixty operations: ten calls, loops of two turns and values that go through memory make a
//! hundred nanoseconds of what the processor does in fifteen. So where a graph that is repeated has few elements and few operations, its
//! schedule is walked here, at compile time, with every index known: each element of its buffers is a register, the turns are a loop
//! around them, and memory is read before the first turn and written after the last. Operations and their order are those of the
//! kernels, so the bits are the same; a schedule with anything but plain kernels, or larger than the limits, is left as it is.
use super::function::body_types;
use super::isa::{Options, host};
use super::module::{Module, place_one};
use super::nest::as_product;
use super::normal::normalise;
use super::ops::{emit_op, register_type};
use super::reduce::{LANES, identity, reducer_op};
use super::{Function, JitError, emit, function, memory};
use crate::base::types::{DType, Type};
use crate::kir::schedule::{Address, Base, Schedule, Step};
use crate::kir::{Access, Kernel, Nest};
use crate::ops::math::Emitter;
use crate::tir::{Inst, Literal, Op, Order, Reducer};
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{BlockArg, InstBuilder, MemFlagsData, UserFuncName, Value, types};
use cranelift_codegen::isa::TargetIsa;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Most scalar operations of a turn: beyond them its kernels' vectors gain more than the calls cost.
const MOST_OPERATIONS: usize = 800;
/// Most elements of inputs and outputs, which are all in registers or on the stack.
const MOST_ELEMENTS: usize = 160;

/// A graph that is run again and again, with what the host does between its runs.
pub struct Repeated<'a> {
    /// What a run does.
    pub schedule: &'a Schedule,
    /// The types of the graph's inputs.
    pub inputs: &'a [Type],
    /// The types of its outputs.
    pub outputs: &'a [Type],
    /// For each output, the input whose memory it takes.
    pub aliases: &'a [Option<u32>],
    /// The input that is the number of the turn.
    pub turn: Option<u32>,
    /// Outputs that end the loop where they are not finite.
    pub watched: &'a [u32],
}

/// A loop of steps as native code.
///
/// It is called as `function(pointers, first, end, _)` with one pointer for each input, one for each output, and one to a 64-bit integer,
/// into which it writes the number of the turn that was not done: `end`, or less where a watched output became infinite or NaN.
#[derive(Clone)]
pub struct Turns {
    /// The native function. It may be called as long as this (or a clone) lives.
    pub function: Function,
    _module: Arc<Module>,
}

/// Compiles a loop of steps; `None` where it is better run kernel by kernel.
///
/// # Errors
/// A fault of the compiler or the machine.
pub fn compile_turns(repeated: &Repeated<'_>, options: Options) -> Result<Option<Turns>, JitError> {
    let Some(steps) = small(repeated) else {
        return Ok(None);
    };
    let (isa, features) = host(options, true)?;
    let Some(mut context) = build(repeated, &steps, &*isa, features)? else {
        return Ok(None);
    };
    let refused = |why: String| JitError::Code {
        kernel: "turns".into(),
        why,
    };
    let compiled = context
        .compile(&*isa, &mut ControlPlane::default())
        .map_err(|error| refused(format!("{:?}", error.inner)))?;
    if !compiled.buffer.relocs().is_empty() {
        return Err(refused("it refers to a function by name".into()));
    }
    let alignment = u64::from(compiled.buffer.alignment).max(64);
    let bytes = compiled.code_buffer().to_vec();
    let (module, function) = place_one(isa, bytes, alignment, "turns")?;
    Ok(Some(Turns {
        function,
        _module: module,
    }))
}

/// The kernels of a schedule with their arguments, in order, where all of it is small and plain.
fn small<'a>(repeated: &Repeated<'a>) -> Option<Vec<(&'a Kernel, &'a [Address])>> {
    let elements = |types: &[Type]| {
        let sizes = types.iter().map(Type::len);
        sizes.fold(0_usize, usize::saturating_add)
    };
    if elements(repeated.inputs).saturating_add(elements(repeated.outputs)) > MOST_ELEMENTS {
        return None;
    }
    let mut found = Vec::new();
    collect(repeated.schedule, &repeated.schedule.steps, &mut found)?;
    let operations = |nest: &Nest| {
        let points = nest.free.iter().chain(&nest.reduce);
        let points = points.fold(1_usize, |all, &extent| all.saturating_mul(extent));
        points.saturating_mul(nest.body.insts.len())
    };
    let nests = found.iter().flat_map(|(kernel, _)| &kernel.nests);
    let all = nests.map(operations).fold(0_usize, usize::saturating_add);
    (all <= MOST_OPERATIONS).then_some(found)
}

fn collect<'a>(
    schedule: &'a Schedule,
    steps: &'a [Step],
    found: &mut Vec<(&'a Kernel, &'a [Address])>,
) -> Option<()> {
    for step in steps {
        match step {
            Step::Kernel {
                kernel,
                arguments,
                checks: false,
                ..
            } => found.push((&schedule.kernels[*kernel], arguments)),
            Step::Group { members, .. } => collect(schedule, members, found)?,
            Step::Kernel { .. }
            | Step::Product { .. }
            | Step::Zero { .. }
            | Step::Copy { .. }
            | Step::Turn { .. }
            | Step::Loop { .. } => return None,
        }
    }
    Some(())
}

/// An element of memory.
type Place = (Base, usize);

/// A nest with what it works on.
#[derive(Clone, Copy)]
struct Work<'a> {
    nest: &'a Nest,
    /// Types of its body's values, and of the elements of its buffers.
    dtypes: &'a [DType],
    buffers: &'a [DType],
    addresses: &'a [Address],
}

/// Emits the operations of one turn.
struct Straight<'a, 'f> {
    builder: FunctionBuilder<'f>,
    features: emit::Features,
    repeated: &'a Repeated<'a>,
    /// What each element holds now.
    elements: FxHashMap<Place, (DType, Value)>,
}

/// Why nothing comes of it: not a case for this form, or a fault.
enum Refusal {
    Unsuited,
    Fault(JitError),
}

type Emitted<T> = Result<T, Refusal>;

fn build(
    repeated: &Repeated<'_>,
    steps: &[(&Kernel, &[Address])],
    isa: &dyn TargetIsa,
    features: emit::Features,
) -> Result<Option<Context>, JitError> {
    let mut context = Context::new();
    context.func.signature = function::signature(isa);
    context.func.name = UserFuncName::default();
    let mut shared = FunctionBuilderContext::new();
    let straight = Straight {
        builder: FunctionBuilder::new(&mut context.func, &mut shared),
        features,
        repeated,
        elements: FxHashMap::default(),
    };
    match straight.emit(steps, isa) {
        Ok(()) => Ok(Some(context)),
        Err(Refusal::Unsuited) => Ok(None),
        Err(Refusal::Fault(error)) => Err(error),
    }
}

/// The points of indices of these extents, in row-major order.
fn points(extents: &[usize]) -> impl Iterator<Item = Vec<usize>> {
    let count: usize = extents.iter().product();
    (0..count).map(move |mut number| {
        let mut point = vec![0; extents.len()];
        for (index, &extent) in point.iter_mut().zip(extents).rev() {
            (*index, number) = (number % extent, number / extent);
        }
        point
    })
}

impl<'f> Straight<'_, 'f> {
    fn emit(mut self, steps: &[(&Kernel, &[Address])], isa: &dyn TargetIsa) -> Emitted<()> {
        let entry = self.builder.create_block();
        self.builder.append_block_params_for_function_params(entry);
        self.builder.switch_to_block(entry);
        self.builder.seal_block(entry);
        let parameters = self.builder.block_params(entry).to_vec();
        let (pointers, first, end) = (parameters[0], parameters[1], parameters[2]);
        let (ins, outs) = (self.repeated.inputs.len(), self.repeated.outputs.len());
        let flags = MemFlagsData::new().with_notrap();
        let bases: Vec<Value> = (0..=(ins + outs) as i32)
            .map(|at| {
                let ins = self.builder.ins();
                ins.load(types::I64, flags, pointers, 8 * at)
            })
            .collect();
        // What the turns hand on: all that outputs hold, in the place of an input or not.
        let mut carried: Vec<(Place, DType, Value)> = Vec::new();
        for (at, ty) in self.repeated.inputs.iter().enumerate() {
            if self.repeated.turn != Some(at as u32) {
                self.load(Base::Input(at as u32), ty, bases[at])?;
            } else if ty.dtype != DType::I32 || ty.len() != 1 {
                return Err(Refusal::Unsuited);
            }
        }
        for (at, ty) in self.repeated.outputs.iter().enumerate() {
            let base = self.home(Base::Output(at as u32));
            if base == Base::Output(at as u32) {
                self.load(base, ty, bases[ins + at])?;
            } else if ty.dtype == DType::U8 || self.repeated.turn.map(Base::Input) == Some(base) {
                return Err(Refusal::Unsuited);
            }
            for element in 0..ty.len() {
                let place = (base, element * ty.dtype.size());
                let (dtype, _) = self.elements[&place];
                carried.push((place, dtype, bases[ins + at]));
            }
        }
        let now = |elements: &FxHashMap<Place, (DType, Value)>, turn: Value| -> Vec<BlockArg> {
            let values = carried.iter().map(|(place, _, _)| elements[place].1);
            std::iter::once(turn)
                .chain(values)
                .map(BlockArg::Value)
                .collect()
        };
        let (head, body, exit) = (
            self.builder.create_block(),
            self.builder.create_block(),
            self.builder.create_block(),
        );
        for block in [head, exit] {
            self.builder.append_block_param(block, types::I64);
            for (_, dtype, _) in &carried {
                let ty = register_type(*dtype, 1);
                self.builder.append_block_param(block, ty);
            }
        }
        let arguments = now(&self.elements, first);
        self.builder.ins().jump(head, &arguments);
        self.builder.switch_to_block(head);
        let held = self.builder.block_params(head).to_vec();
        let turn = held[0];
        for ((place, dtype, _), &value) in carried.iter().zip(&held[1..]) {
            self.elements.insert(*place, (*dtype, value));
        }
        let more = self.builder.ins().icmp(IntCC::SignedLessThan, turn, end);
        let arguments = now(&self.elements, turn);
        self.builder.ins().brif(more, body, &[], exit, &arguments);
        self.builder.seal_block(body);
        self.builder.switch_to_block(body);
        if let Some(input) = self.repeated.turn {
            let number = self.builder.ins().ireduce(types::I32, turn);
            let place = (Base::Input(input), 0);
            self.elements.insert(place, (DType::I32, number));
        }
        for (kernel, arguments) in steps {
            for nest in &kernel.nests {
                self.nest(kernel, nest, arguments)?;
            }
        }
        let next = self.builder.ins().iadd_imm_s(turn, 1);
        let arguments = now(&self.elements, next);
        match self.all_finite()? {
            Some(fine) => self
                .builder
                .ins()
                .brif(fine, head, &arguments, exit, &arguments),
            None => self.builder.ins().jump(head, &arguments),
        };
        self.builder.seal_block(head);
        self.builder.seal_block(exit);
        self.builder.switch_to_block(exit);
        let held = self.builder.block_params(exit).to_vec();
        for ((place, _, base), &value) in carried.iter().zip(&held[1..]) {
            memory::store(&mut self.builder, value, *base, place.1 as i32);
        }
        memory::store(&mut self.builder, held[0], bases[ins + outs], 0);
        self.builder.ins().return_(&[]);
        self.builder.finalize(isa.frontend_config());
        Ok(())
    }

    /// Where the memory of an address is: an output in the place of an input is that input.
    fn home(&self, base: Base) -> Base {
        match base {
            Base::Output(at) => self.repeated.aliases[at as usize].map_or(base, Base::Input),
            Base::Input(_) | Base::Arena | Base::Constant => base,
        }
    }

    /// Reads all elements of an input or output.
    fn load(&mut self, base: Base, ty: &Type, address: Value) -> Emitted<()> {
        if ty.dtype == DType::U8 && matches!(base, Base::Output(_)) {
            return Err(Refusal::Unsuited);
        }
        for element in 0..ty.len() {
            let at = element * ty.dtype.size();
            let value = memory::load(&mut self.builder, ty.dtype, address, at as i32);
            self.elements.insert((base, at), (ty.dtype, value));
        }
        Ok(())
    }

    /// Whether all watched outputs are finite; nothing where none is watched.
    fn all_finite(&mut self) -> Emitted<Option<Value>> {
        let mut fine = None;
        for &output in self.repeated.watched {
            let ty = &self.repeated.outputs[output as usize];
            let base = self.home(Base::Output(output));
            for element in 0..ty.len() {
                let (dtype, value) = self.elements[&(base, element * ty.dtype.size())];
                let infinite = match dtype {
                    DType::F32 => self.builder.ins().f32const(f32::INFINITY),
                    DType::F64 => self.builder.ins().f64const(f64::INFINITY),
                    DType::I32 | DType::Bool | DType::U8 => continue,
                };
                let size = self.builder.ins().fabs(value);
                let this = self.builder.ins().fcmp(FloatCC::LessThan, size, infinite);
                fine = Some(match fine {
                    Some(others) => self.builder.ins().band(others, this),
                    None => this,
                });
            }
        }
        Ok(fine)
    }

    fn nest(&mut self, kernel: &Kernel, nest: &Nest, addresses: &[Address]) -> Emitted<()> {
        let nest = normalise(nest, kernel.outer).nest;
        let dtypes = body_types(kernel, &nest).map_err(Refusal::Fault)?;
        let count: usize = nest.reduce.iter().product();
        let gathers = nest
            .accesses
            .iter()
            .any(|access| !access.gathers.is_empty());
        if gathers
            || nest.store.accumulate
            || nest.reducer == Some(Reducer::ArgMax)
            || (nest.order == Order::Chain && nest.piece_length < count)
        {
            return Err(Refusal::Unsuited);
        }
        let work = Work {
            nest: &nest,
            dtypes: &dtypes,
            buffers: &kernel.buffers,
            addresses,
        };
        let result = nest.body.result as usize;
        let (dtype, target) = (dtypes[result], nest.store.buffer as usize);
        if kernel.buffers[target] != dtype {
            return Err(Refusal::Unsuited);
        }
        for point in points(&nest.free) {
            let value = match nest.reducer {
                None if !nest.domain.holds(&point) => self.literal(Literal { dtype, value: 0.0 }),
                None => self.body(work, &point)?[result],
                Some(reducer) => self.reduction(work, reducer, &point)?,
            };
            let place = self.place(&addresses[target], nest.store.offset.at(&point), dtype)?;
            self.elements.insert(place, (dtype, value));
        }
        Ok(())
    }

    /// A reduction at a point of the free indices.
    fn reduction(&mut self, work: Work<'_>, reducer: Reducer, free: &[usize]) -> Emitted<Value> {
        let Work { nest, dtypes, .. } = work;
        let product = as_product(nest, dtypes);
        let result = nest.body.result as usize;
        let both = [dtypes[result]; 2];
        let step = reducer_op(Some(reducer));
        let lanes = match nest.order {
            Order::Chain => 1,
            Order::Lanes => LANES,
        };
        let start = self.literal(identity(Some(reducer), dtypes[result]));
        let mut running = vec![start; lanes];
        for summed in points(&nest.reduce) {
            let lane = summed.last().map_or(0, |last| last % lanes);
            let point: Vec<usize> = free.iter().chain(&summed).copied().collect();
            if !nest.domain.holds(&point) {
                continue;
            }
            let values = self.body(work, &point)?;
            running[lane] = match product {
                Some((a, b)) => {
                    let (a, b) = (values[a as usize], values[b as usize]);
                    self.lanes().fma(a, b, running[lane])
                }
                None => self.operator(step, &both, &[running[lane], values[result]])?,
            };
        }
        while running.len() > 1 {
            let rest = running.split_off(running.len() / 2);
            for (value, other) in running.iter_mut().zip(rest) {
                *value = self.operator(step, &both, &[*value, other])?;
            }
        }
        Ok(running[0])
    }

    /// The values of a body's instructions at a point.
    fn body(&mut self, work: Work<'_>, point: &[usize]) -> Emitted<Vec<Value>> {
        let Work { nest, dtypes, .. } = work;
        let mut values: Vec<Value> = Vec::with_capacity(nest.body.insts.len());
        for inst in &nest.body.insts {
            values.push(match inst {
                Inst::Read(at) => self.read(work, &nest.accesses[*at as usize], point)?,
                Inst::Index(index) => self.literal(Literal {
                    dtype: DType::I32,
                    value: point[*index as usize] as f64,
                }),
                Inst::Const(literal) => self.literal(*literal),
                Inst::Op(op, arguments) => {
                    let types = arguments.iter().map(|&at| dtypes[at as usize]);
                    let types: Vec<DType> = types.collect();
                    let arguments = arguments.iter().map(|&at| values[at as usize]);
                    let arguments: Vec<Value> = arguments.collect();
                    self.operator(*op, &types, &arguments)?
                }
            });
        }
        Ok(values)
    }

    fn read(&mut self, work: Work<'_>, access: &Access, point: &[usize]) -> Emitted<Value> {
        if !access.guard.holds(point) {
            return Ok(self.literal(access.fill));
        }
        let buffer = access.buffer as usize;
        let (dtype, address) = (work.buffers[buffer], &work.addresses[buffer]);
        let place = self.place(address, access.offset.at(point), dtype)?;
        if place.0 == Base::Constant {
            return self.constant(place.1, dtype);
        }
        match self.elements.get(&place) {
            Some((held, value)) if *held == dtype => Ok(*value),
            Some(_) | None => Err(Refusal::Unsuited),
        }
    }

    fn place(&self, address: &Address, element: i64, dtype: DType) -> Emitted<Place> {
        if !address.moves.is_empty() || address.alternates.is_some() {
            return Err(Refusal::Unsuited);
        }
        let element = usize::try_from(element).map_err(|_| Refusal::Unsuited)?;
        Ok((
            self.home(address.base),
            address.offset + element * dtype.size(),
        ))
    }

    fn constant(&mut self, at: usize, dtype: DType) -> Emitted<Value> {
        let bytes = self.repeated.schedule.constants.get(at..at + dtype.size());
        let bytes = bytes.ok_or(Refusal::Unsuited)?;
        let value = match (dtype, bytes) {
            (DType::F32, &[a, b, c, d]) => f64::from(f32::from_ne_bytes([a, b, c, d])),
            (DType::I32, &[a, b, c, d]) => f64::from(i32::from_ne_bytes([a, b, c, d])),
            (DType::Bool, &[byte]) => f64::from(byte),
            (_, _) => return Err(Refusal::Unsuited),
        };
        Ok(self.literal(Literal { dtype, value }))
    }

    fn literal(&mut self, literal: Literal) -> Value {
        emit::literal(&mut self.builder, literal)
    }

    fn lanes(&mut self) -> emit::Lanes<'_, 'f> {
        emit::Lanes {
            builder: &mut self.builder,
            width: 1,
            features: self.features,
        }
    }

    fn operator(&mut self, op: Op, dtypes: &[DType], arguments: &[Value]) -> Emitted<Value> {
        emit_op(&mut self.lanes(), op, dtypes, arguments).ok_or(Refusal::Unsuited)
    }
}
