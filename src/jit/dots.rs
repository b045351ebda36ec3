//! Rows of a matrix times one vector, the prediction of a linear model: a call for all rows of a range.
//!
//! The sum of a row is in an order of sixteen lanes, which are four vectors of generated code: each row loads the vector anew, and ends with its
//! lanes added one by one. The host's function has the vector's elements once for four rows, in registers of eight lanes, and adds the lanes of
//! four rows at once; the order is the same, and so are the bits.
use super::emit::call_address;
use super::nest::{Mode, NestEmitter};
use super::vectors;
use crate::base::types::DType;
use crate::kir::Access;
use crate::tir::Affine;
use cranelift_codegen::ir::{InstBuilder, Value, types};

impl NestEmitter<'_, '_> {
    /// Emits the nest for `begin..end` as a call; `false` where it is no such product, or the host has no function for it.
    pub(super) fn dots(&mut self, begin: Value, end: Value) -> bool {
        let Some((matrix, vector)) = self.rows_and_vector() else {
            return false;
        };
        let Some(function) = vectors::dots(self.features.vectors) else {
            return false;
        };
        let nest = self.nest;
        let (begin, rows) = if self.outer == 0 {
            let rows = self.builder.ins().iconst(types::I64, nest.free[0] as i64);
            (None, rows)
        } else {
            (Some(begin), self.builder.ins().isub(end, begin))
        };
        let matrix = &nest.accesses[matrix];
        let terms = self.builder.ins().iconst(types::I64, nest.reduce[0] as i64);
        let stride = matrix.offset.coefficient(0);
        let stride = self.builder.ins().iconst(types::I64, stride);
        let vector = &nest.accesses[vector];
        let arguments = [
            self.first_element(matrix.buffer, &matrix.offset, begin),
            self.first_element(vector.buffer, &vector.offset, begin),
            self.first_element(nest.store.buffer, &nest.store.offset, begin),
            rows,
            terms,
            stride,
        ];
        call_address(
            self.builder,
            self.features.call_conv,
            function,
            None,
            &arguments,
        );
        true
    }

    /// The accesses of the matrix, whose rows lie along memory, and of the vector.
    fn rows_and_vector(&self) -> Option<(usize, usize)> {
        let nest = self.nest;
        let (a, b) = self.factors()?;
        let along = |access: &Access| {
            access.gathers.is_empty()
                && access.offset.divisor() == 1
                && access.offset.coefficient(1) == 1
                && self.buffers[access.buffer as usize] == DType::F32
        };
        let fits = self.mode == Mode::Lanes
            && self.outer <= 1
            && nest.free.len() == 1
            && nest.reduce.len() == 1
            && self.conditions.is_empty()
            && nest.accesses.iter().all(along)
            && nest.store.offset == Affine::index(0).plus_constant(nest.store.offset.offset())
            && self.buffers[nest.store.buffer as usize] == DType::F32;
        let moves = |access: usize| nest.accesses[access].offset.coefficient(0) != 0;
        match (moves(a), moves(b)) {
            (true, false) if fits => Some((a, b)),
            (false, true) if fits => Some((b, a)),
            _ => None,
        }
    }

    /// The address of the element at the first row of the range.
    fn first_element(&mut self, buffer: u32, offset: &Affine, begin: Option<Value>) -> Value {
        let size = DType::F32.size() as i64;
        let base = self.bases[buffer as usize];
        let start = self.builder.ins().iadd_imm_s(base, size * offset.offset());
        match (begin, offset.coefficient(0)) {
            (None, _) | (_, 0) => start,
            (Some(begin), stride) => {
                let moved = self.builder.ins().imul_imm_s(begin, size * stride);
                self.builder.ins().iadd(start, moved)
            }
        }
    }
}
