//! Reductions: accumulators, their orders, and what is done at the innermost point.
use super::memory;
use super::nest::{Mode, NestEmitter};
use super::ops::{emit_op, register_type};
use super::state::{Accumulators, Copies, Int, Known, State};
use crate::base::types::DType;
use crate::ops::math::Emitter;
use crate::tir::{Literal, Op, Reducer};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Value, types};
use cranelift_frontend::Variable;

/// Lanes of an order of lanes.
pub(super) const LANES: usize = 16;

/// The operator that takes an element into a running value.
pub(super) fn reducer_op(reducer: Option<Reducer>) -> Op {
    match reducer {
        Some(Reducer::Prod) => Op::Mul,
        Some(Reducer::Max | Reducer::ArgMax) => Op::Max,
        Some(Reducer::Min) => Op::Min,
        Some(Reducer::Sum) | None => Op::Add,
    }
}

/// What a reduction starts from.
pub(super) fn identity(reducer: Option<Reducer>, dtype: DType) -> Literal {
    let least = if dtype.is_float() {
        f64::NEG_INFINITY
    } else {
        f64::from(i32::MIN)
    };
    let greatest = if dtype.is_float() {
        f64::INFINITY
    } else {
        f64::from(i32::MAX)
    };
    let value = match reducer {
        Some(Reducer::Sum) | None => 0.0,
        Some(Reducer::Prod) => 1.0,
        Some(Reducer::Max | Reducer::ArgMax) => least,
        Some(Reducer::Min) => greatest,
    };
    Literal { dtype, value }
}

impl NestEmitter<'_, '_> {
    pub(super) fn body_dtype(&self) -> DType {
        self.types[self.nest.body.result as usize]
    }

    fn new_variables(&mut self, count: usize, initial: Value) -> Vec<Variable> {
        let ty = self.builder.func.dfg.value_type(initial);
        (0..count)
            .map(|_| {
                let variable = self.builder.declare_var(ty);
                self.builder.def_var(variable, initial);
                variable
            })
            .collect()
    }

    /// What a reduction starts from, in every lane.
    pub(super) fn wide_identity(&mut self, width: usize) -> Value {
        let identity = identity(self.nest.reducer, self.body_dtype());
        let value = self.literal(identity);
        if width == 1 {
            value
        } else {
            self.splat(value, identity.dtype)
        }
    }

    /// Emits the loops of the reduction and the store of its result at a point of the free indices.
    pub fn reduce(&mut self, mut state: State) {
        if let Some(strip) = state.strip.take() {
            self.reduce_strip(strip, state);
            return;
        }
        let (width, copies) = match self.mode {
            Mode::Lanes => (4, LANES / 4),
            Mode::LanesInMemory => (1, 0),
            Mode::Map | Mode::Chain | Mode::Pieces(_) => (state.width, state.tile),
        };
        let initial = self.wide_identity(width);
        if self.mode == Mode::LanesInMemory {
            for lane in 0..LANES {
                memory::store(self.builder, initial, self.spare, 8 * lane as i32);
            }
        }
        let values = self.new_variables(copies, initial);
        let positions = if self.nest.reducer == Some(Reducer::ArgMax) {
            let none = self.lanes(width).i32(-1);
            self.new_variables(copies, none)
        } else {
            Vec::new()
        };
        let accumulators = Accumulators {
            values: values.into(),
            positions: positions.into(),
            lane: None,
        };
        let mut inner = state.clone();
        inner.accumulators = Some(accumulators.clone());
        match self.mode {
            Mode::Pieces(length) => self.pieces_in_order(length, inner),
            Mode::Map | Mode::Chain | Mode::Lanes | Mode::LanesInMemory => {
                self.level(self.reduce_level, inner);
            }
        }
        let (result, dtype) = self.finish(&accumulators, width);
        self.write(&result, dtype, &mut state);
    }

    /// Sums of pieces, combined in order.
    fn pieces_in_order(&mut self, length: i64, state: State) {
        let Some(accumulators) = state.accumulators.clone() else {
            return;
        };
        let initial = self.wide_identity(state.width);
        let totals = self.new_variables(state.tile, initial);
        let count: usize = self.nest.reduce.iter().product();
        let piece = self.open_loop(Int::Known(0), Int::Known(count as i64));
        for &variable in accumulators.values.iter() {
            self.builder.def_var(variable, initial);
        }
        let end = self.builder.ins().iadd_imm_s(piece.index, length);
        let limit = self.builder.ins().iconst(types::I64, count as i64);
        let end = self.builder.ins().smin(end, limit);
        let indices: Vec<usize> = (self.nest.free.len()..self.extents.len()).collect();
        self.rows(&indices, self.reduce_level, piece.index, end, state);
        for (&total, &variable) in totals.iter().zip(accumulators.values.iter()) {
            let (sum, part) = (self.builder.use_var(total), self.builder.use_var(variable));
            let sum = self.combine(sum, part);
            self.builder.def_var(total, sum);
        }
        self.close_loop(piece, Int::Known(length));
        for (&total, &variable) in totals.iter().zip(accumulators.values.iter()) {
            let sum = self.builder.use_var(total);
            self.builder.def_var(variable, sum);
        }
    }

    /// One step of the reducer on running values of any width.
    pub(super) fn combine(&mut self, a: Value, b: Value) -> Value {
        let dtype = self.body_dtype();
        let width = if self.builder.func.dfg.value_type(a).is_vector() {
            4
        } else {
            1
        };
        let op = reducer_op(self.nest.reducer);
        let combined = emit_op(&mut self.lanes(width), op, &[dtype, dtype], &[a, b]);
        combined.unwrap_or(a)
    }

    /// The result of a reduction from its accumulators.
    fn finish(&mut self, accumulators: &Accumulators, width: usize) -> (Copies, DType) {
        let dtype = self.body_dtype();
        if self.mode == Mode::LanesInMemory {
            let ty = register_type(dtype, 1);
            let loads: Vec<Value> = (0..LANES as i32)
                .map(|lane| {
                    self.builder
                        .ins()
                        .load(ty, memory::flags(), self.spare, 8 * lane)
                })
                .collect();
            return (Copies::Uniform(self.halve(loads)), dtype);
        }
        let values: Vec<Value> = accumulators
            .values
            .iter()
            .map(|&variable| self.builder.use_var(variable))
            .collect();
        if self.mode == Mode::Lanes {
            // 0+8, 1+9, ...; 0+4, ...
            let vector = self.halve(values);
            let lanes: Vec<Value> = (0..4u8)
                .map(|lane| self.builder.ins().extractlane(vector, lane))
                .collect();
            return (Copies::Uniform(self.halve(lanes)), dtype);
        }
        if accumulators.positions.is_empty() {
            return (as_copies(values, width), dtype);
        }
        let mut positions = Vec::new();
        for &variable in accumulators.positions.iter() {
            let position = self.builder.use_var(variable);
            let zero = self.lanes(width).i32(0);
            positions.push(self.builder.ins().smax(position, zero));
        }
        (as_copies(positions, width), DType::I32)
    }

    /// Combines the first half with the second until one is left.
    fn halve(&mut self, mut values: Vec<Value>) -> Value {
        while values.len() > 1 {
            let rest = values.split_off(values.len() / 2);
            values = values
                .iter()
                .zip(&rest)
                .map(|(&a, &b)| self.combine(a, b))
                .collect();
        }
        values[0]
    }

    /// What happens at one point of all indices.
    pub fn innermost(&mut self, state: &mut State) {
        let dtype = self.body_dtype();
        if self.mode != Mode::Map {
            self.accumulate(state);
            return;
        }
        let domain = self.domain.clone();
        let guard = self.all_of(&domain, state);
        let result = state.computed[self.nest.body.result as usize].clone();
        let zero = Literal { dtype, value: 0.0 };
        let value = match (result, guard) {
            (_, Known::False) | (None, _) => Copies::Uniform(self.literal(zero)),
            (Some(value), _) if self.nest.store.accumulate => value,
            (Some(value), Known::Flag(flag)) => self.where_flag(flag, &value, zero, state),
            (Some(value), Known::True | Known::Open) => value,
        };
        if self.nest.store.accumulate {
            self.scatter(&value, dtype, state);
        } else {
            self.write(&value, dtype, state);
        }
    }

    fn where_flag(&mut self, flag: Value, value: &Copies, zero: Literal, state: &State) -> Copies {
        let scalar = self.literal(zero);
        match value {
            Copies::Uniform(value) => {
                Copies::Uniform(self.builder.ins().select(flag, *value, scalar))
            }
            Copies::Varying(copies) => {
                let zero = match state.width {
                    1 => scalar,
                    _ => self.splat(scalar, zero.dtype),
                };
                let chosen = copies
                    .iter()
                    .map(|&copy| self.builder.ins().select(flag, copy, zero));
                Copies::Varying(chosen.collect())
            }
        }
    }

    /// Takes the value at a point into the running values.
    fn accumulate(&mut self, state: &mut State) {
        let domain = self.domain.clone();
        let guard = self.all_of(&domain, state);
        let Some(accumulators) = state.accumulators.clone() else {
            return;
        };
        if guard == Known::False {
            return;
        }
        if self.mode == Mode::LanesInMemory {
            self.accumulate_in_memory(guard, state);
            return;
        }
        if let (Mode::Lanes, 1) = (self.mode, state.width) {
            self.accumulate_one_lane(&accumulators, guard, state);
            return;
        }
        if self.nest.reducer == Some(Reducer::ArgMax) {
            self.accumulate_position(&accumulators, guard, state);
            return;
        }
        for copy in 0..state.tile {
            let variable = accumulators.values[copy];
            let old = self.builder.use_var(variable);
            let new = self.step(old, copy, guard, state);
            self.builder.def_var(variable, new);
        }
    }

    /// A running value with copy number `copy` of the body's value taken in, where the guard holds.
    fn step(&mut self, old: Value, copy: usize, guard: Known, state: &mut State) -> Value {
        let new = match self.product {
            Some((a, b)) => {
                let [a, b] = [a, b].map(|inst| self.body_value(inst, copy, state));
                self.fused(a, b, old)
            }
            None => {
                let value = self.body_value(self.nest.body.result, copy, state);
                self.combine(old, value)
            }
        };
        match guard {
            Known::Flag(flag) => self.builder.ins().select(flag, new, old),
            Known::Open | Known::True | Known::False => new,
        }
    }

    fn body_value(&mut self, inst: u32, copy: usize, state: &mut State) -> Value {
        let dtype = self.types[inst as usize];
        match state.computed[inst as usize].clone() {
            Some(value) => self.copy(&value, dtype, copy, state),
            None => self.wide_identity(state.width),
        }
    }

    pub(super) fn fused(&mut self, a: Value, b: Value, c: Value) -> Value {
        if self.features.fma {
            return self.builder.ins().fma(a, b, c);
        }
        let product = self.builder.ins().fmul(a, b);
        self.builder.ins().fadd(product, c)
    }

    fn accumulate_one_lane(
        &mut self,
        accumulators: &Accumulators,
        guard: Known,
        state: &mut State,
    ) {
        let lane = accumulators.lane.unwrap_or(0);
        let variable = accumulators.values[lane / 4];
        let vector = self.builder.use_var(variable);
        let old = self.builder.ins().extractlane(vector, (lane % 4) as u8);
        let new = self.step(old, 0, guard, state);
        let vector = self.builder.ins().insertlane(vector, new, (lane % 4) as u8);
        self.builder.def_var(variable, vector);
    }

    fn accumulate_in_memory(&mut self, guard: Known, state: &mut State) {
        let last = self.extents.len() - 1;
        let index = state.index[last]
            .unwrap_or(Int::Known(0))
            .value(self.builder);
        let lane = self.builder.ins().band_imm_u(index, LANES as i64 - 1);
        let bytes = self.builder.ins().ishl_imm_u(lane, 3);
        let address = self.builder.ins().iadd(self.spare, bytes);
        let ty = register_type(self.body_dtype(), 1);
        let old = self.builder.ins().load(ty, memory::flags(), address, 0);
        let new = self.step(old, 0, guard, state);
        memory::store(self.builder, new, address, 0);
    }

    /// The row-major position within the reduction indices.
    fn position(&mut self, state: &State) -> Value {
        let mut position = Int::Known(0);
        for index in self.nest.free.len()..self.extents.len() {
            let value = state.index[index].unwrap_or(Int::Known(0));
            position = position.times(self.builder, self.extents[index] as i64);
            position = position.add(self.builder, value);
        }
        let position = position.value(self.builder);
        self.builder.ins().ireduce(types::I32, position)
    }

    fn accumulate_position(
        &mut self,
        accumulators: &Accumulators,
        guard: Known,
        state: &mut State,
    ) {
        let (dtype, width) = (self.body_dtype(), state.width);
        let here = self.position(state);
        let here = if width == 1 {
            here
        } else {
            self.splat(here, DType::I32)
        };
        for copy in 0..state.tile {
            let variables = (accumulators.values[copy], accumulators.positions[copy]);
            let (best, at) = (
                self.builder.use_var(variables.0),
                self.builder.use_var(variables.1),
            );
            let value = self.body_value(self.nest.body.result, copy, state);
            let none = self.lanes(width).i32(-1);
            let mut take = self.builder.ins().icmp(IntCC::Equal, at, none);
            if dtype.is_float() {
                let greater = self.builder.ins().fcmp(FloatCC::GreaterThan, value, best);
                let nan = self.builder.ins().fcmp(FloatCC::Unordered, value, value);
                let number = self.builder.ins().fcmp(FloatCC::Ordered, best, best);
                let first_nan = self.builder.ins().band(nan, number);
                let better = self.builder.ins().bor(greater, first_nan);
                take = self.builder.ins().bor(take, better);
            } else {
                let greater = self
                    .builder
                    .ins()
                    .icmp(IntCC::SignedGreaterThan, value, best);
                take = self.builder.ins().bor(take, greater);
            }
            let mut lanes = self.lanes(width);
            let (mut new, mut place) = (
                lanes.choose(take, value, best),
                lanes.choose(take, here, at),
            );
            if let Known::Flag(flag) = guard {
                new = self.builder.ins().select(flag, new, best);
                place = self.builder.ins().select(flag, place, at);
            }
            self.builder.def_var(variables.0, new);
            self.builder.def_var(variables.1, place);
        }
    }
}

/// Values of a width as what a place in the loops holds.
pub(super) fn as_copies(values: Vec<Value>, width: usize) -> Copies {
    match values.as_slice() {
        [one] if width == 1 => Copies::Uniform(*one),
        _ => Copies::Varying(values.into()),
    }
}
