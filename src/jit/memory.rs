//! Elements between memory and registers.
use super::ops::register_type;
use crate::base::types::DType;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Type, Value, types};
use cranelift_frontend::FunctionBuilder;

/// Accesses never trap; they are aligned to their elements, not to vectors.
pub(super) fn flags() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
}

fn cast(builder: &mut FunctionBuilder, to: Type, value: Value) -> Value {
    let flags = MemFlagsData::new().with_endianness(Endianness::Little);
    builder.ins().bitcast(to, flags, value)
}

/// One element at `address + displacement` (bytes).
pub(super) fn load(
    builder: &mut FunctionBuilder,
    dtype: DType,
    address: Value,
    displacement: i32,
) -> Value {
    match dtype {
        DType::U8 => builder
            .ins()
            .uload8(types::I32, flags(), address, displacement),
        DType::F32 | DType::F64 | DType::I32 | DType::Bool => {
            let ty = register_type(dtype, 1);
            builder.ins().load(ty, flags(), address, displacement)
        }
    }
}

/// Four neighbouring elements. `unaligned`: whether vector instructions take operands from memory at any address.
pub(super) fn load_vector(
    builder: &mut FunctionBuilder,
    dtype: DType,
    unaligned: bool,
    address: Value,
    displacement: i32,
) -> Value {
    match dtype {
        // Cranelift 0.135 makes a load the operand of `cmpps` without regard to its alignment, which SSE demands: the load is kept away
        // from the comparison by a cast, which costs nothing.
        DType::F32 if !unaligned => {
            let words = builder
                .ins()
                .load(types::I32X4, flags(), address, displacement);
            cast(builder, types::F32X4, words)
        }
        DType::F32 | DType::I32 | DType::F64 => {
            let ty = register_type(dtype, 4);
            builder.ins().load(ty, flags(), address, displacement)
        }
        DType::U8 | DType::Bool => {
            let four = builder
                .ins()
                .load(types::I32, flags(), address, displacement);
            let vector = builder.ins().scalar_to_vector(types::I32X4, four);
            let bytes = cast(builder, types::I8X16, vector);
            let halves = builder.ins().uwiden_low(bytes);
            let words = builder.ins().uwiden_low(halves);
            match dtype {
                DType::Bool => {
                    let zero = builder.ins().iconst(types::I32, 0);
                    let zeros = builder.ins().splat(types::I32X4, zero);
                    builder.ins().icmp(IntCC::NotEqual, words, zeros)
                }
                _ => words,
            }
        }
    }
}

/// Stores one element.
pub(super) fn store(
    builder: &mut FunctionBuilder,
    value: Value,
    address: Value,
    displacement: i32,
) {
    builder.ins().store(flags(), value, address, displacement);
}

/// Stores four neighbouring elements.
pub(super) fn store_vector(
    builder: &mut FunctionBuilder,
    dtype: DType,
    value: Value,
    address: Value,
    displacement: i32,
) {
    let value = match dtype {
        DType::Bool | DType::U8 => {
            let halves = builder.ins().snarrow(value, value);
            let bytes = builder.ins().snarrow(halves, halves);
            let words = cast(builder, types::I32X4, bytes);
            let word = builder.ins().extractlane(words, 0);
            builder.ins().band_imm_u(word, 0x0101_0101)
        }
        DType::F32 | DType::F64 | DType::I32 => value,
    };
    builder.ins().store(flags(), value, address, displacement);
}
