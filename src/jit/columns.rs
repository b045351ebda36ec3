//! Reductions down long columns: block of rows after block of rows, with the running values of a strip of columns in memory.
//!
//! The elements of a column lie a row apart. To take one vector of columns from the first row to the last touches a line of each row and
//! leaves its neighbours, which no processor fetches ahead; so a strip of columns is taken through a few rows at a time. The running values
//! go through memory once a block, which a near cache holds. Each element is combined in the same order as without: the bits are the same.
use super::memory;
use super::nest::{Mode, NestEmitter};
use super::ops::register_type;
use super::reduce::as_copies;
use super::state::{Accumulators, Int, State};
use crate::base::types::DType;
use crate::tir::Reducer;
use cranelift_codegen::ir::{InstBuilder, StackSlot, StackSlotData, StackSlotKind, Value, types};
use cranelift_frontend::Variable;

/// Columns of a strip: their running values and those of whole pieces, 4 KiB, lie on the stack.
const STRIP: i64 = 512;
/// Rows of a block.
const BLOCK: i64 = 8;
/// Rows that are worth it.
const LEAST_ROWS: usize = 4 * BLOCK as usize;
/// Elements from a row to the next, at least: nearer ones share lines and pages.
const LEAST_STRIDE: i64 = 64;
/// Bytes of an element.
const SIZE: i64 = 4;

/// What is done with the columns of a strip.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strip {
    /// Its first column.
    first: Value,
    /// Its running values.
    memory: Value,
    /// The rows that are taken in; nothing where the values are whole and are written.
    rows: Option<Rows>,
}

/// Rows of a strip.
#[derive(Debug, Clone, Copy)]
enum Rows {
    /// A whole block from this one on.
    Block(Value),
    /// Those left, fewer than a block.
    Rest(Value, Value),
}

impl Strip {
    /// Whether columns are taken in, each of which must be met once.
    pub fn adds(&self) -> bool {
        self.rows.is_some()
    }
}

impl NestEmitter<'_, '_> {
    /// Whether the columns of a reduction, whose loop begins at this level, are better taken in strips.
    pub fn has_long_columns(&self, level: usize, state: &State) -> bool {
        let index = self.levels.get(level).copied();
        let rows = self.nest.free.len();
        let by_rows = matches!(self.mode, Mode::Chain | Mode::Pieces(_))
            && self.nest.reducer != Some(Reducer::ArgMax)
            && matches!(self.body_dtype(), DType::F32 | DType::I32)
            && self.nest.reduce.len() == 1
            && self.nest.reduce[0] >= LEAST_ROWS;
        let columns = level + 1 == self.reduce_level && index.is_some() && index == self.vector;
        let far =
            |access: &crate::kir::Access| access.offset.coefficient(rows).abs() >= LEAST_STRIDE;
        let vectors =
            |access: &crate::kir::Access| index.is_some_and(|v| access.offset.coefficient(v) == 1);
        let mut accesses = self.nest.accesses.iter();
        state.strip.is_none()
            && state.accumulators.is_none()
            && by_rows
            && columns
            && self.conditions.is_empty()
            && accesses.any(|access| far(access) && vectors(access))
    }

    /// Room for the values and totals of a strip: one for all nests of a function, which follow one another.
    fn strip_slot(&mut self) -> StackSlot {
        let bytes = (2 * STRIP * SIZE) as u32;
        let slots = &self.builder.func.sized_stack_slots;
        let known = slots.iter().find(|(_, slot)| slot.size == bytes);
        if let Some((slot, _)) = known {
            return slot;
        }
        let data = StackSlotData::new(StackSlotKind::ExplicitSlot, bytes, 4);
        self.builder.create_sized_stack_slot(data)
    }

    /// Emits the strips of the columns and all that is done with them.
    pub fn strips(&mut self, level: usize, mut state: State) {
        let index = self.levels[level];
        let whole = (Int::Known(0), Int::Known(self.extents[index] as i64));
        let (from, to) = state.range[index].take().unwrap_or(whole);
        let rows = self.nest.reduce[0] as i64;
        let slot = self.strip_slot();
        let values = self.builder.ins().stack_addr(types::I64, slot, 0);
        let totals = self
            .builder
            .ins()
            .stack_addr(types::I64, slot, (STRIP * SIZE) as i32);
        let piece = match self.mode {
            Mode::Pieces(length) => Some(length),
            Mode::Map | Mode::Chain | Mode::Lanes | Mode::LanesInMemory => None,
        };
        let strip = self.open_loop(from, to);
        let end = self.builder.ins().iadd_imm_s(strip.index, STRIP);
        let end = Int::Running(end).min(self.builder, to);
        let mut inside = state;
        inside.range[index] = Some((Int::Running(strip.index), end));
        let at = |memory, rows| Strip {
            first: strip.index,
            memory,
            rows,
        };
        match piece {
            None => {
                self.each_vector(&[values], |emitter, _| emitter.wide_identity(4));
                let zero = self.builder.ins().iconst(types::I64, 0);
                let all = self.builder.ins().iconst(types::I64, rows);
                self.blocks(level, (zero, all), &inside, |rows| at(values, Some(rows)));
                inside.strip = Some(at(values, None));
            }
            Some(length) => {
                self.each_vector(&[totals], |emitter, _| emitter.wide_identity(4));
                let piece = self.open_loop(Int::Known(0), Int::Known(rows));
                self.each_vector(&[values], |emitter, _| emitter.wide_identity(4));
                let end = self.builder.ins().iadd_imm_s(piece.index, length);
                let all = self.builder.ins().iconst(types::I64, rows);
                let end = self.builder.ins().smin(end, all);
                self.blocks(level, (piece.index, end), &inside, |rows| {
                    at(values, Some(rows))
                });
                self.each_vector(&[totals, values], |emitter, held| {
                    emitter.combine(held[0], held[1])
                });
                self.close_loop(piece, Int::Known(length));
                inside.strip = Some(at(totals, None));
            }
        }
        self.level(level, inside);
        self.close_loop(strip, Int::Known(STRIP));
    }

    /// The blocks of some rows.
    fn blocks(
        &mut self,
        level: usize,
        (from, to): (Value, Value),
        inside: &State,
        strip: impl Fn(Rows) -> Strip,
    ) {
        let last = self.builder.ins().iadd_imm_s(to, 1 - BLOCK);
        let block = self.open_loop(Int::Running(from), Int::Running(last));
        let mut inner = inside.clone();
        inner.strip = Some(strip(Rows::Block(block.index)));
        self.level(level, inner);
        self.close_loop(block, Int::Known(BLOCK));
        let rows = self.builder.ins().isub(to, from);
        let whole = self.builder.ins().band_imm_s(rows, -BLOCK);
        let rest = self.builder.ins().iadd(from, whole);
        let once = self.open_loop(Int::Running(rest), Int::Running(to));
        let mut inner = inside.clone();
        inner.strip = Some(strip(Rows::Rest(once.index, to)));
        self.level(level, inner);
        self.close_loop(once, Int::Known(BLOCK));
    }

    /// Sets every vector of the strip at the first address to what is computed from those at all of them.
    fn each_vector(
        &mut self,
        memories: &[Value],
        mut value: impl FnMut(&mut Self, &[Value]) -> Value,
    ) {
        let ty = register_type(self.body_dtype(), 4);
        let bytes = self.open_loop(Int::Known(0), Int::Known(STRIP * SIZE));
        let addresses: Vec<Value> = memories
            .iter()
            .map(|&memory| self.builder.ins().iadd(memory, bytes.index))
            .collect();
        let held: Vec<Value> = addresses
            .iter()
            .map(|&address| self.builder.ins().load(ty, memory::flags(), address, 0))
            .collect();
        let new = value(self, &held);
        self.builder
            .ins()
            .store(memory::flags(), new, addresses[0], 0);
        self.close_loop(bytes, Int::Known(4 * SIZE));
    }

    /// What is done with some columns of a strip: rows taken into their running values, or these written.
    pub fn reduce_strip(&mut self, strip: Strip, mut state: State) {
        let (width, index) = (state.width, self.levels[self.reduce_level - 1]);
        let ty = register_type(self.body_dtype(), width);
        let column = state.index[index]
            .unwrap_or(Int::Known(0))
            .value(self.builder);
        let before = self.builder.ins().isub(column, strip.first);
        let bytes = self.builder.ins().imul_imm_s(before, SIZE);
        let address = self.builder.ins().iadd(strip.memory, bytes);
        let places = (0..state.tile).map(|copy| (copy * width) as i32 * SIZE as i32);
        let places: Vec<i32> = places.collect();
        let held: Vec<Value> = places
            .iter()
            .map(|&place| self.builder.ins().load(ty, memory::flags(), address, place))
            .collect();
        let Some(rows) = strip.rows else {
            let dtype = self.body_dtype();
            self.write(&as_copies(held, width), dtype, &mut state);
            return;
        };
        let variables: Vec<Variable> = held
            .into_iter()
            .map(|value| {
                let variable = self.builder.declare_var(ty);
                self.builder.def_var(variable, value);
                variable
            })
            .collect();
        state.accumulators = Some(Accumulators {
            values: variables.clone().into(),
            positions: Vec::new().into(),
            lane: None,
        });
        let (index, level) = (self.nest.free.len(), self.reduce_level);
        match rows {
            Rows::Rest(from, to) => self.rows(&[index], level, from, to, state),
            Rows::Block(from) => {
                for row in 0..BLOCK {
                    let mut turn = state.clone();
                    let row = Int::Running(from).add(self.builder, Int::Known(row));
                    self.enter(level, index, row, &mut turn);
                    self.level(level + 1, turn);
                }
            }
        }
        for (&variable, &place) in variables.iter().zip(&places) {
            let value = self.builder.use_var(variable);
            self.builder
                .ins()
                .store(memory::flags(), value, address, place);
        }
    }
}
