//! The loops of one nest. Levels are walked from outside in: the indices that the range counts, the other free ones (the vector
//! index last), the reduction indices. At each level the accesses and instructions are emitted that need no deeper index. How a level's
//! loop is cut and walked stands in [`super::walk`].
use super::emit::{self, Features, Lanes};
use super::normal::{self, Normal};
use super::ops::{called, emit_op};
use super::state::{Copies, Int, Known, State};
use super::vectors;
use crate::base::types::DType;
use crate::kir::Nest;
use crate::ops::math::Emitter;
use crate::tir::{Affine, Condition, Guard, Inst, Literal, Op, Order, Reducer};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use cranelift_frontend::FunctionBuilder;

/// How the elements of a reduction are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// No reduction.
    Map,
    /// In order, one chain a copy.
    Chain,
    /// Chains in order over pieces of so many elements.
    Pieces(i64),
    /// Sixteen lanes in four vectors.
    Lanes,
    /// Sixteen lanes in memory, element by element.
    LanesInMemory,
}

/// Emits one nest into a function.
pub(super) struct NestEmitter<'a, 'f> {
    pub builder: &'a mut FunctionBuilder<'f>,
    pub features: Features,
    pub nest: &'a Nest,
    pub outer: usize,
    /// Element types of the buffers.
    pub buffers: &'a [DType],
    /// Addresses of the buffers.
    pub bases: &'a [Value],
    pub status: Value,
    /// Memory that may be read instead of an element outside a guard; also the lanes in memory.
    pub spare: Value,
    pub types: Vec<DType>,
    pub extents: Vec<usize>,
    pub conditions: Vec<Condition>,
    /// Conditions of the domain, then of each access (with the domain's), as positions.
    pub domain: Vec<usize>,
    pub guards: Vec<Vec<usize>>,
    /// Index of each level.
    pub levels: Vec<usize>,
    /// Level of each index.
    pub level_of: Vec<usize>,
    /// First level of the reduction.
    pub reduce_level: usize,
    pub vector: Option<usize>,
    pub mode: Mode,
    /// Levels that must be entered before an access, an instruction can be emitted.
    pub access_depth: Vec<usize>,
    pub inst_depth: Vec<usize>,
    /// The two instructions of a sum of products.
    pub product: Option<(u32, u32)>,
}

fn collect_conditions(nest: &Nest) -> (Vec<Condition>, Vec<usize>, Vec<Vec<usize>>) {
    let mut conditions: Vec<Condition> = Vec::new();
    let mut number = |guard: &Guard| -> Vec<usize> {
        let position = |condition: &Condition| {
            let found = conditions.iter().position(|other| other == condition);
            found.unwrap_or_else(|| {
                conditions.push(condition.clone());
                conditions.len() - 1
            })
        };
        guard.conditions.iter().map(position).collect()
    };
    let domain = number(&nest.domain);
    let guards = nest
        .accesses
        .iter()
        .map(|access| {
            let mut all = number(&access.guard);
            all.extend(&domain);
            all
        })
        .collect();
    (conditions, domain, guards)
}

/// The instructions of the two reads of a sum whose body is exactly their product.
pub(super) fn as_product(nest: &Nest, types: &[DType]) -> Option<(u32, u32)> {
    let result = nest.body.result as usize;
    if nest.reducer != Some(Reducer::Sum) || !types[result].is_float() {
        return None;
    }
    let Inst::Op(Op::Mul, arguments) = &nest.body.insts[result] else {
        return None;
    };
    let read = |at: u32| matches!(nest.body.insts[at as usize], Inst::Read(_));
    (read(arguments[0]) && read(arguments[1])).then_some((arguments[0], arguments[1]))
}

fn choose_mode(nest: &Nest, vector: Option<usize>) -> Mode {
    let count: usize = nest.reduce.iter().product();
    match (nest.reducer, nest.order) {
        (None, _) => Mode::Map,
        (Some(Reducer::ArgMax), _) => Mode::Chain,
        (Some(_), Order::Lanes) => match vector {
            Some(_) => Mode::Lanes,
            None => Mode::LanesInMemory,
        },
        (Some(Reducer::Sum), Order::Chain) if nest.piece_length < count => {
            Mode::Pieces(nest.piece_length.max(1) as i64)
        }
        (Some(_), Order::Chain) => Mode::Chain,
    }
}

impl<'a, 'f> NestEmitter<'a, 'f> {
    /// Prepares a normalised nest; its kernel has been verified.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        builder: &'a mut FunctionBuilder<'f>,
        features: Features,
        normal: &'a Normal,
        types: Vec<DType>,
        buffers: &'a [DType],
        bases: &'a [Value],
        status: Value,
        spare: Value,
    ) -> NestEmitter<'a, 'f> {
        let nest = &normal.nest;
        let extents: Vec<usize> = nest.free.iter().chain(&nest.reduce).copied().collect();
        let (conditions, domain, guards) = collect_conditions(nest);
        let vector = normal::choose_vector(normal, buffers, &types);
        let mut levels: Vec<usize> = (0..nest.free.len())
            .filter(|&i| Some(i) != vector)
            .collect();
        levels.extend(vector.filter(|&v| v < nest.free.len()));
        levels.extend(nest.free.len()..extents.len());
        let mut level_of = vec![0; extents.len()];
        for (level, &index) in levels.iter().enumerate() {
            level_of[index] = level;
        }
        let mut emitter = NestEmitter {
            mode: choose_mode(nest, vector),
            product: as_product(nest, &types),
            reduce_level: nest.free.len(),
            outer: normal.outer,
            access_depth: Vec::new(),
            inst_depth: Vec::new(),
            builder,
            features,
            nest,
            buffers,
            bases,
            status,
            spare,
            types,
            extents,
            conditions,
            domain,
            guards,
            levels,
            level_of,
            vector,
        };
        emitter.find_depths();
        emitter
    }

    /// The accesses of the two factors, where the body is a sum of products.
    pub fn factors(&self) -> Option<(usize, usize)> {
        let (a, b) = self.product?;
        let read = |inst: u32| match self.nest.body.insts[inst as usize] {
            Inst::Read(access) => Some(access as usize),
            Inst::Index(_) | Inst::Const(_) | Inst::Op(..) => None,
        };
        Some((read(a)?, read(b)?))
    }

    pub fn expression_depth(&self, e: &Affine) -> usize {
        let depths = e.terms().map(|(index, _)| self.level_of[index] + 1);
        depths.max().unwrap_or(0)
    }

    fn find_depths(&mut self) {
        for (at, access) in self.nest.accesses.iter().enumerate() {
            let mut depth = self.expression_depth(&access.offset);
            for &condition in &self.guards[at] {
                depth = depth.max(self.expression_depth(self.conditions[condition].expression()));
            }
            for gather in &access.gathers {
                depth = depth.max(self.access_depth[gather.access as usize]);
            }
            self.access_depth.push(depth);
        }
        for inst in &self.nest.body.insts {
            let depth = match inst {
                Inst::Read(access) => self.access_depth[*access as usize],
                Inst::Index(index) => self.level_of[*index as usize] + 1,
                Inst::Const(_) => 0,
                Inst::Op(_, arguments) => {
                    let depths = arguments.iter().map(|&a| self.inst_depth[a as usize]);
                    depths.max().unwrap_or(0)
                }
            };
            self.inst_depth.push(depth);
        }
    }

    /// Emits the whole nest for `begin..end` (counted in the nest's own steps).
    pub fn emit(&mut self, begin: Value, end: Value) {
        if self.nest.free.contains(&0) {
            return;
        }
        let empty = self.nest.reduce.contains(&0);
        if !empty && (self.tiled() || self.dots(begin, end)) {
            return;
        }
        let decided = |condition: &Condition| match condition.decided(&self.extents) {
            _ if empty => Known::False,
            Some(true) => Known::True,
            Some(false) => Known::False,
            None => Known::Open,
        };
        let start = |e: &Affine| Int::Known(e.offset());
        let offsets = self.nest.accesses.iter().map(|access| &access.offset);
        let mut state = State {
            width: 1,
            tile: 1,
            index: vec![None; self.extents.len()],
            range: vec![None; self.extents.len()],
            known: self.conditions.iter().map(decided).collect(),
            sums: self
                .conditions
                .iter()
                .map(|c| start(c.expression()))
                .collect(),
            offsets: offsets
                .chain([&self.nest.store.offset])
                .map(start)
                .collect(),
            found: vec![None; self.nest.accesses.len()],
            computed: vec![None; self.nest.body.insts.len()],
            splats: Vec::new(),
            accumulators: None,
            strip: None,
            splits: 2,
        };
        if !empty {
            self.emit_values(0, &mut state);
        }
        let outer: Vec<usize> = (0..self.outer).collect();
        if outer.is_empty() {
            self.level(0, state);
        } else {
            self.rows(&outer, 0, begin, end, state);
        }
    }

    /// Walks `begin..end` over some indices in row-major order: all but the last are found by division once a row, the last is a loop
    /// (at its own level).
    pub fn rows(
        &mut self,
        indices: &[usize],
        level: usize,
        begin: Value,
        end: Value,
        state: State,
    ) {
        let Some((&last, upper)) = indices.split_last() else {
            return;
        };
        if upper.is_empty() {
            let mut state = state;
            state.range[last] = Some((Int::Running(begin), Int::Running(end)));
            self.level(level, state);
            return;
        }
        let extent = self.extents[last] as i64;
        let row = self.open_loop(Int::Running(begin), Int::Running(end));
        let mut rest = self.builder.ins().udiv_imm_u(row.index, extent);
        let whole = self.builder.ins().imul_imm_s(rest, extent);
        let low = self.builder.ins().isub(row.index, whole);
        let left = self.builder.ins().isub(end, row.index);
        let high = self.builder.ins().iadd(low, left);
        let limit = self.builder.ins().iconst(types::I64, extent);
        let high = self.builder.ins().smin(high, limit);
        let mut inner = state;
        inner.range[last] = Some((Int::Running(low), Int::Running(high)));
        for &index in upper.iter().rev() {
            let size = self.extents[index] as i64;
            let quotient = self.builder.ins().udiv_imm_u(rest, size);
            let product = self.builder.ins().imul_imm_s(quotient, size);
            let value = self.builder.ins().isub(rest, product);
            inner.range[index] = Some((Int::Running(value), Int::Running(value)));
            rest = quotient;
        }
        for (at, &index) in upper.iter().enumerate() {
            if let Some((value, _)) = inner.range[index].take() {
                self.enter(level + at, index, value, &mut inner);
            }
        }
        self.level(level + upper.len(), inner);
        let step = self.builder.ins().isub(high, low);
        self.close_loop(row, Int::Running(step));
    }

    /// Emits everything from this level inwards.
    pub fn level(&mut self, level: usize, mut state: State) {
        if level == self.reduce_level && state.accumulators.is_none() && self.mode != Mode::Map {
            self.reduce(state);
            return;
        }
        if self.has_long_columns(level, &state) {
            self.strips(level, state);
            return;
        }
        let Some(&index) = self.levels.get(level) else {
            self.innermost(&mut state);
            return;
        };
        let whole = (Int::Known(0), Int::Known(self.extents[index] as i64));
        let (low, high) = state.range[index].take().unwrap_or(whole);
        let (low, high) = self.shrink(level, index, low, high, &mut state);
        let pieces = self.pieces(index, &state);
        let whole = pieces.len() == 1;
        for (from, to, piece) in pieces {
            let (mut start, mut end) = (low, high);
            if !whole {
                start = low.max(self.builder, Int::Known(from));
                end = high.min(self.builder, Int::Known(to));
            }
            if !matches!((start, end), (Int::Known(a), Int::Known(b)) if a >= b) {
                self.edges(level, index, start, end, piece);
            }
        }
    }

    /// Fixes an index: moves the offsets, decides what can be decided, emits what needs no deeper index.
    pub fn enter(&mut self, level: usize, index: usize, value: Int, state: &mut State) {
        state.index[index] = Some(value);
        let nest = self.nest;
        let offsets = nest.accesses.iter().map(|access| &access.offset);
        for (at, e) in offsets.chain([&nest.store.offset]).enumerate() {
            let coefficient = e.coefficient(index);
            if coefficient != 0 {
                let part = value.times(self.builder, coefficient);
                state.offsets[at] = state.offsets[at].add(self.builder, part);
            }
        }
        for at in 0..self.conditions.len() {
            self.enter_condition(at, level, index, value, state);
        }
        self.emit_values(level + 1, state);
    }

    fn enter_condition(
        &mut self,
        at: usize,
        level: usize,
        index: usize,
        value: Int,
        state: &mut State,
    ) {
        let condition = self.conditions[at].clone();
        let coefficient = condition.expression().coefficient(index);
        if coefficient != 0 {
            let part = value.times(self.builder, coefficient);
            state.sums[at] = state.sums[at].add(self.builder, part);
        }
        let decidable = self.expression_depth(condition.expression()) <= level + 1;
        if state.known[at] != Known::Open || !decidable {
            return;
        }
        state.known[at] = match (state.sums[at], condition) {
            (Int::Known(sum), Condition::NonNegative(_)) => truth(sum >= 0),
            (Int::Known(sum), Condition::Zero(_)) => truth(sum == 0),
            (Int::Known(sum), Condition::Divisible(_, by)) => truth(sum.rem_euclid(by) == 0),
            (Int::Running(sum), Condition::NonNegative(_)) => {
                let cc = IntCC::SignedGreaterThanOrEqual;
                Known::Flag(self.builder.ins().icmp_imm_s(cc, sum, 0))
            }
            (Int::Running(sum), Condition::Zero(_)) => {
                Known::Flag(self.builder.ins().icmp_imm_s(IntCC::Equal, sum, 0))
            }
            (Int::Running(sum), Condition::Divisible(_, by)) => {
                let rest = self.builder.ins().srem_imm_s(sum, by);
                Known::Flag(self.builder.ins().icmp_imm_s(IntCC::Equal, rest, 0))
            }
        };
    }

    /// Accesses and instructions that can be emitted once `depth` levels are entered.
    fn emit_values(&mut self, depth: usize, state: &mut State) {
        for at in 0..self.access_depth.len() {
            if self.access_depth[at] == depth && self.is_used(at) {
                let found = self.read(at, state);
                state.found[at] = Some(found);
            }
        }
        for at in 0..self.inst_depth.len() {
            let is_product = self.product.is_some() && at == self.nest.body.result as usize;
            if self.inst_depth[at] == depth && !is_product {
                let value = self.compute(at, state);
                state.computed[at] = value;
            }
        }
    }

    fn is_used(&self, access: usize) -> bool {
        let number = access as u32;
        let reads = |inst: &Inst| *inst == Inst::Read(number);
        let accesses = self.nest.accesses.iter().flat_map(|a| &a.gathers);
        let mut gathers = accesses.chain(&self.nest.store.gathers);
        self.nest.body.insts.iter().any(reads) || gathers.any(|gather| gather.access == number)
    }

    /// Emits an instruction of the body.
    fn compute(&mut self, at: usize, state: &mut State) -> Option<Copies> {
        let nest = self.nest;
        match &nest.body.insts[at] {
            Inst::Read(access) => state.found[*access as usize].clone(),
            Inst::Const(literal) => Some(Copies::Uniform(self.literal(*literal))),
            Inst::Index(index) => Some(self.index_value(*index as usize, state)),
            Inst::Op(op, arguments) => self.operate(*op, arguments, state),
        }
    }

    pub fn lanes(&mut self, width: usize) -> Lanes<'_, 'f> {
        Lanes {
            builder: self.builder,
            width,
            features: self.features,
        }
    }

    /// A constant of one lane.
    pub fn literal(&mut self, literal: Literal) -> Value {
        emit::literal(self.builder, literal)
    }

    /// An index as `i32`.
    fn index_value(&mut self, index: usize, state: &State) -> Copies {
        let value = state.index[index]
            .unwrap_or(Int::Known(0))
            .value(self.builder);
        let first = self.builder.ins().ireduce(types::I32, value);
        if self.vector != Some(index) || state.width == 1 {
            return Copies::Uniform(first);
        }
        let mut lanes = self.lanes(4);
        let first = lanes.splat(first);
        let steps: Vec<u8> = (0..4u32).flat_map(u32::to_le_bytes).collect();
        let steps = lanes.builder.func.dfg.constants.insert(steps.into());
        let steps = lanes.builder.ins().vconst(types::I32X4, steps);
        let first = lanes.int_add(first, steps);
        let copies = (0..state.tile as i32).map(|copy| {
            let offset = lanes.i32(4 * copy);
            lanes.int_add(first, offset)
        });
        Copies::Varying(copies.collect())
    }

    fn operate(&mut self, op: Op, arguments: &[u32], state: &mut State) -> Option<Copies> {
        let dtypes: Vec<DType> = arguments.iter().map(|&a| self.types[a as usize]).collect();
        let values: Option<Vec<Copies>> = arguments
            .iter()
            .map(|&a| state.computed[a as usize].clone())
            .collect();
        let values = values?;
        let uniform: Vec<Value> = values
            .iter()
            .filter_map(|value| match value {
                Copies::Uniform(value) => Some(*value),
                Copies::Varying(_) => None,
            })
            .collect();
        if uniform.len() == values.len() {
            let value = self.operate_once(op, arguments, &dtypes, &uniform, 1)?;
            return Some(Copies::Uniform(value));
        }
        if let Some(copies) = self.call_wide(op, &values, &dtypes, state) {
            return Some(Copies::Varying(copies.into()));
        }
        let mut copies = Vec::with_capacity(state.tile);
        for copy in 0..state.tile {
            let inputs: Vec<Value> = (0..values.len())
                .map(|at| self.copy(&values[at], dtypes[at], copy, state))
                .collect();
            copies.push(self.operate_once(op, arguments, &dtypes, &inputs, state.width)?);
        }
        Some(Copies::Varying(copies.into()))
    }

    /// An operator that is a function of the host, on two or four vectors a call; `None` where it is not one or there is one vector.
    fn call_wide(
        &mut self,
        op: Op,
        values: &[Copies],
        dtypes: &[DType],
        state: &mut State,
    ) -> Option<Vec<Value>> {
        if state.width != 4 {
            return None;
        }
        if op == Op::Philox {
            return self.call_philox(values, state);
        }
        let of_floats = dtypes.iter().all(|&dtype| dtype == DType::F32);
        let wide = matches!(state.tile, 2 | 4) && of_floats;
        let calls = called(self.features, op).filter(|_| wide)?;
        let mut vectors = Vec::with_capacity(values.len() * state.tile);
        for value in values {
            for copy in 0..state.tile {
                vectors.push(self.copy(value, DType::F32, copy, state));
            }
        }
        let (tile, room) = (state.tile, self.spare);
        Some(self.lanes(4).call_wide(calls, tile, &vectors, room))
    }

    /// Philox where only the counter's first word varies.
    fn call_philox(&mut self, values: &[Copies], state: &State) -> Option<Vec<Value>> {
        let calls = vectors::philox(self.features.vectors?)?;
        let (Copies::Varying(first), rest) = values.split_first()? else {
            return None;
        };
        let uniform = |value: &Copies| match value {
            Copies::Uniform(value) => Some(*value),
            Copies::Varying(_) => None,
        };
        let rest: Vec<Value> = rest.iter().map(uniform).collect::<Option<_>>()?;
        if matches!(state.tile, 2 | 4) {
            let (tile, room) = (state.tile, self.spare);
            let arguments: Vec<Value> = first.iter().chain(&rest).copied().collect();
            return Some(self.lanes(4).call_wide(calls, tile, &arguments, room));
        }
        let word = |&copy: &Value| {
            let arguments: Vec<Value> = [copy].iter().chain(&rest).copied().collect();
            self.lanes(4).call(calls, &arguments)
        };
        Some(first.iter().map(word).collect())
    }

    /// Whether an instruction is a constant other than NaN.
    fn is_number(&self, inst: u32) -> bool {
        matches!(&self.nest.body.insts[inst as usize], Inst::Const(c) if !c.value.is_nan())
    }

    fn operate_once(
        &mut self,
        op: Op,
        arguments: &[u32],
        dtypes: &[DType],
        inputs: &[Value],
        width: usize,
    ) -> Option<Value> {
        if let (Op::Max | Op::Min, [DType::F32, _], &[a, b]) = (op, dtypes, inputs) {
            let (first, second) = (self.is_number(arguments[0]), self.is_number(arguments[1]));
            let mut lanes = self.lanes(width);
            // Where one is a number, one comparison is enough for the rules of NaN and of equal values.
            if second {
                let take = if op == Op::Max {
                    lanes.lt(a, b)
                } else {
                    lanes.lt(b, a)
                };
                return Some(lanes.choose(take, b, a));
            }
            if first {
                let keep = if op == Op::Max {
                    lanes.le(b, a)
                } else {
                    lanes.le(a, b)
                };
                return Some(lanes.choose(keep, a, b));
            }
        }
        emit_op(&mut self.lanes(width), op, dtypes, inputs)
    }

    /// One copy of a value, in all lanes of the width.
    pub fn copy(&mut self, value: &Copies, dtype: DType, copy: usize, state: &mut State) -> Value {
        match value {
            Copies::Varying(copies) => copies[copy.min(copies.len() - 1)],
            Copies::Uniform(value) if state.width == 1 => *value,
            Copies::Uniform(value) => {
                if let Some(&(_, vector)) = state.splats.iter().find(|pair| pair.0 == *value) {
                    return vector;
                }
                let vector = self.splat(*value, dtype);
                state.splats.push((*value, vector));
                vector
            }
        }
    }

    /// A scalar in four lanes; a truth value as a mask.
    pub fn splat(&mut self, value: Value, dtype: DType) -> Value {
        let value = match dtype {
            DType::Bool => {
                let word = self.builder.ins().uextend(types::I32, value);
                self.builder.ins().ineg(word)
            }
            DType::F32 | DType::F64 | DType::I32 | DType::U8 => value,
        };
        self.lanes(4).splat(value)
    }
}

fn truth(holds: bool) -> Known {
    if holds { Known::True } else { Known::False }
}
