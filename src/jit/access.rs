//! Reads and writes of a nest: offsets, guards, gathered positions, strided lanes.
use super::memory;
use super::nest::NestEmitter;
use super::normal::stride;
use super::state::{Copies, Int, Known, State};
use crate::base::types::DType;
use crate::kir::GatherTerm;
use crate::tir::{Affine, Literal};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{AtomicRmwOp, InstBuilder, Value, types};

/// Where the copies and lanes of an access lie.
struct Place {
    /// Address of the first lane of the first copy, without the displacement.
    address: Value,
    /// Bytes to add to it.
    displacement: i64,
    /// Elements from lane to lane.
    stride: i64,
    /// For each copy and lane, elements to add that were gathered; empty where none differ.
    gathered: Vec<Value>,
}

impl NestEmitter<'_, '_> {
    /// Whether all of some conditions hold.
    pub fn all_of(&mut self, conditions: &[usize], state: &State) -> Known {
        let mut all = Known::True;
        for &at in conditions {
            all = match (all, state.known[at]) {
                (Known::False, _) | (_, Known::False | Known::Open) => Known::False,
                (all, Known::True) => all,
                (Known::Flag(a), Known::Flag(b)) => Known::Flag(self.builder.ins().band(a, b)),
                (Known::True | Known::Open, Known::Flag(b)) => Known::Flag(b),
            };
        }
        all
    }

    /// Reads an access: a scalar where its lanes agree (or there is one lane), else all copies.
    pub fn read(&mut self, at: usize, state: &mut State) -> Copies {
        let nest = self.nest;
        let access = &nest.accesses[at];
        let dtype = self.buffers[access.buffer as usize];
        let guards = self.guards[at].clone();
        let guard = self.all_of(&guards, state);
        let fill = Literal {
            dtype,
            value: access.fill.value,
        };
        if guard == Known::False {
            return Copies::Uniform(self.literal(fill));
        }
        let place = self.place(
            (access.buffer, &access.offset, state.offsets[at]),
            &access.gathers,
            guard,
            state,
        );
        let Some(place) = place else {
            return Copies::Uniform(self.literal(Literal { dtype, value: 0.0 }));
        };
        if state.width == 1 || (place.stride == 0 && place.gathered.is_empty()) {
            let value = self.read_lane(dtype, &place, 0, guard);
            return Copies::Uniform(self.or_fill(guard, value, fill, 1));
        }
        let copies: Vec<Value> = (0..state.tile)
            .map(|copy| {
                let value = self.read_vector(dtype, &place, copy, guard);
                self.or_fill(guard, value, fill, 4)
            })
            .collect();
        Copies::Varying(copies.into())
    }

    fn or_fill(&mut self, guard: Known, value: Value, fill: Literal, width: usize) -> Value {
        let Known::Flag(flag) = guard else {
            return value;
        };
        let mut fill_value = self.literal(fill);
        if width > 1 {
            fill_value = self.splat(fill_value, fill.dtype);
        }
        self.builder.ins().select(flag, value, fill_value)
    }

    /// The address of a lane, or of the spare memory where the guard fails; and what to add to it.
    fn lane_address(
        &mut self,
        dtype: DType,
        place: &Place,
        lane: usize,
        guard: Known,
    ) -> (Value, i32) {
        let size = dtype.size() as i64;
        let mut address = place.address;
        if let Some(&elements) = place.gathered.get(lane) {
            let bytes = Int::Running(elements).times(self.builder, size);
            let bytes = bytes.value(self.builder);
            address = self.builder.ins().iadd(address, bytes);
        }
        let displacement = place.displacement + lane as i64 * place.stride * size;
        self.guarded(address, displacement, guard)
    }

    fn guarded(&mut self, address: Value, displacement: i64, guard: Known) -> (Value, i32) {
        let short = i32::try_from(displacement).ok();
        if let (Some(short), false) = (short, matches!(guard, Known::Flag(_))) {
            return (address, short);
        }
        let whole = self.builder.ins().iadd_imm_s(address, displacement);
        match guard {
            Known::Flag(flag) => {
                let spare = self.spare;
                (self.builder.ins().select(flag, whole, spare), 0)
            }
            Known::Open | Known::True | Known::False => (whole, 0),
        }
    }

    fn read_lane(&mut self, dtype: DType, place: &Place, lane: usize, guard: Known) -> Value {
        let (address, displacement) = self.lane_address(dtype, place, lane, guard);
        memory::load(self.builder, dtype, address, displacement)
    }

    fn read_vector(&mut self, dtype: DType, place: &Place, copy: usize, guard: Known) -> Value {
        if place.stride == 1 && place.gathered.is_empty() {
            let (address, displacement) = self.lane_address(dtype, place, 4 * copy, guard);
            let unaligned = self.features.unaligned;
            return memory::load_vector(self.builder, dtype, unaligned, address, displacement);
        }
        let mut vector = None;
        for lane in 0..4 {
            let value = self.read_lane(dtype, place, 4 * copy + lane, guard);
            let value = match dtype {
                // A mask is made of words.
                DType::Bool => {
                    let word = self.builder.ins().uextend(types::I32, value);
                    self.builder.ins().ineg(word)
                }
                DType::F32 | DType::F64 | DType::I32 | DType::U8 => value,
            };
            let ty = super::ops::register_type(dtype, 4);
            vector = Some(match vector {
                None => self.builder.ins().scalar_to_vector(ty, value),
                Some(vector) => self.builder.ins().insertlane(vector, value, lane as u8),
            });
        }
        vector.unwrap_or(place.address)
    }

    /// Where an access lies; `None` where no position can be right.
    fn place(
        &mut self,
        (buffer, offset, numerator): (u32, &Affine, Int),
        gathers: &[GatherTerm],
        guard: Known,
        state: &mut State,
    ) -> Option<Place> {
        let size = self.buffers[buffer as usize].size() as i64;
        let lane_stride = self.vector.and_then(|v| stride(offset, v)).unwrap_or(0);
        let mut elements = numerator;
        if offset.divisor() != 1 {
            // Exact wherever the guard holds, so that rounding does not matter.
            elements = match numerator {
                Int::Known(value) => Int::Known(value.div_euclid(offset.divisor())),
                Int::Running(value) => {
                    Int::Running(self.builder.ins().sdiv_imm_s(value, offset.divisor()))
                }
            };
        }
        let mut gathered: Vec<Value> = Vec::new();
        for gather in gathers {
            let positions = self.positions(gather, guard, state);
            if gather.bound == 0 {
                return None;
            }
            let scaled: Vec<Int> = positions
                .iter()
                .map(|&p| Int::Running(p).times(self.builder, gather.stride as i64))
                .collect();
            match scaled.as_slice() {
                [one] => elements = elements.add(self.builder, *one),
                many if gathered.is_empty() => {
                    gathered = many.iter().map(|part| part.value(self.builder)).collect();
                }
                many => {
                    for (sum, part) in gathered.iter_mut().zip(many) {
                        let part = part.value(self.builder);
                        *sum = self.builder.ins().iadd(*sum, part);
                    }
                }
            }
        }
        let base = self.bases[buffer as usize];
        let (address, displacement) = match elements {
            Int::Known(known) => (base, known * size),
            Int::Running(_) => {
                let bytes = elements.times(self.builder, size).value(self.builder);
                (self.builder.ins().iadd(base, bytes), 0)
            }
        };
        Some(Place {
            address,
            displacement,
            stride: if state.width == 1 { 0 } else { lane_stride },
            gathered,
        })
    }

    /// The checked positions of a gather, as `i64`: one, or one for each copy and lane.
    fn positions(&mut self, gather: &GatherTerm, guard: Known, state: &State) -> Vec<Value> {
        let found = state.found[gather.access as usize].clone();
        match found {
            Some(Copies::Uniform(position)) => vec![self.checked(position, gather, guard).0],
            Some(Copies::Varying(copies)) => {
                let lanes = copies
                    .iter()
                    .flat_map(|&copy| (0..4u8).map(move |lane| (copy, lane)));
                lanes
                    .map(|(copy, lane)| {
                        let position = self.builder.ins().extractlane(copy, lane);
                        self.checked(position, gather, guard).0
                    })
                    .collect()
            }
            None => vec![self.builder.ins().iconst(types::I64, 0)],
        }
    }

    /// Reports a position out of bounds (where the guard holds). Gives the position, 0 for such a one, and whether it is in bounds.
    fn checked(&mut self, position: Value, gather: &GatherTerm, guard: Known) -> (Value, Value) {
        let position = self.builder.ins().uextend(types::I64, position);
        // A negative position is a large one without its sign, and no `i32` names what lies beyond its reach.
        let bound = (gather.bound as i64).min(1 << 31);
        let good = self
            .builder
            .ins()
            .icmp_imm_s(IntCC::UnsignedLessThan, position, bound);
        let mut bad = self.builder.ins().bxor_imm_u(good, 1);
        if let Known::Flag(flag) = guard {
            bad = self.builder.ins().band(bad, flag);
        }
        let (report, next) = (self.builder.create_block(), self.builder.create_block());
        self.builder.set_cold_block(report);
        self.builder.ins().brif(bad, report, &[], next, &[]);
        self.builder.seal_block(report);
        self.builder.switch_to_block(report);
        let check = i64::from(gather.check) << 32;
        let word = self.builder.ins().bor_imm_s(position, check);
        self.builder.ins().atomic_rmw(
            types::I64,
            memory::flags(),
            AtomicRmwOp::Umin,
            self.status,
            word,
        );
        self.builder.ins().jump(next, &[]);
        self.builder.seal_block(next);
        self.builder.switch_to_block(next);
        let zero = self.builder.ins().iconst(types::I64, 0);
        (self.builder.ins().select(good, position, zero), good)
    }

    /// Stores the result at a point of the free indices.
    pub fn write(&mut self, values: &Copies, dtype: DType, state: &mut State) {
        let store = &self.nest.store;
        let target = (store.buffer, &store.offset, self.store_offset(state));
        let Some(place) = self.place(target, &[], Known::True, state) else {
            return;
        };
        for copy in 0..state.tile {
            let value = self.copy(values, dtype, copy, state);
            self.write_copy(value, dtype, &place, copy, state.width);
        }
    }

    fn store_offset(&self, state: &State) -> Int {
        state.offsets[self.nest.accesses.len()]
    }

    fn write_copy(&mut self, value: Value, dtype: DType, place: &Place, copy: usize, width: usize) {
        if width == 1 {
            let (address, displacement) = self.lane_address(dtype, place, 0, Known::True);
            memory::store(self.builder, value, address, displacement);
            return;
        }
        if place.stride == 1 {
            let (address, displacement) = self.lane_address(dtype, place, 4 * copy, Known::True);
            memory::store_vector(self.builder, dtype, value, address, displacement);
            return;
        }
        for lane in 0..4 {
            let scalar = self.builder.ins().extractlane(value, lane as u8);
            let scalar = match dtype {
                DType::Bool => {
                    let byte = self.builder.ins().ireduce(types::I8, scalar);
                    self.builder.ins().band_imm_u(byte, 1)
                }
                DType::F32 | DType::F64 | DType::I32 | DType::U8 => scalar,
            };
            let (address, displacement) =
                self.lane_address(dtype, place, 4 * copy + lane, Known::True);
            memory::store(self.builder, scalar, address, displacement);
        }
    }

    /// Adds the value at a point to its target (a scatter), where the domain holds and the position is in bounds.
    pub fn scatter(&mut self, values: &Copies, dtype: DType, state: &mut State) {
        let nest = self.nest;
        let domain = self.domain.clone();
        let guard = self.all_of(&domain, state);
        if guard == Known::False {
            return;
        }
        let mut allowed = match guard {
            Known::Flag(flag) => Some(flag),
            Known::Open | Known::True | Known::False => None,
        };
        let mut elements = self.store_offset(state);
        for gather in &nest.store.gathers {
            let Some(Copies::Uniform(position)) = state.found[gather.access as usize] else {
                continue;
            };
            let (position, good) = self.checked(position, gather, guard);
            let part = Int::Running(position).times(self.builder, gather.stride as i64);
            elements = elements.add(self.builder, part);
            allowed = Some(match allowed {
                Some(flag) => self.builder.ins().band(flag, good),
                None => good,
            });
        }
        let (inside, next) = (self.builder.create_block(), self.builder.create_block());
        match allowed {
            Some(flag) => self.builder.ins().brif(flag, inside, &[], next, &[]),
            None => self.builder.ins().jump(inside, &[]),
        };
        self.builder.seal_block(inside);
        self.builder.switch_to_block(inside);
        let target = (nest.store.buffer, &nest.store.offset, elements);
        if let Some(place) = self.place(target, &[], Known::True, state) {
            for copy in 0..state.tile {
                let value = self.copy(values, dtype, copy, &mut state.clone());
                let old = match state.width {
                    1 => self.read_lane(dtype, &place, 0, Known::True),
                    _ => self.read_vector(dtype, &place, copy, Known::True),
                };
                let sum = if dtype.is_float() {
                    self.builder.ins().fadd(old, value)
                } else {
                    self.builder.ins().iadd(old, value)
                };
                self.write_copy(sum, dtype, &place, copy, state.width);
            }
        }
        self.builder.ins().jump(next, &[]);
        self.builder.seal_block(next);
        self.builder.switch_to_block(next);
    }
}
