//! Operators of bodies as instructions, for each element type. `bool` is an `i8` of one lane or an `i32` mask of four; `f64` and
//! division of integers go lane by lane.
use super::emit::{Features, Lanes, call_host};
use super::vectors::{self, Calls};
use crate::base::types::DType;
use crate::ops::math::{self, Emitter};
use crate::ops::math64;
use crate::tir::Op;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use cranelift_frontend::FunctionBuilder;

/// The register type of a value.
pub(super) fn register_type(dtype: DType, width: usize) -> Type {
    match (dtype, width) {
        (DType::F32, 1) => types::F32,
        (DType::F32, _) => types::F32X4,
        (DType::F64, _) => types::F64,
        (DType::I32 | DType::U8, 1) => types::I32,
        (DType::Bool, 1) => types::I8,
        (DType::I32 | DType::U8 | DType::Bool, _) => types::I32X4,
    }
}

/// The host's functions for an operator on `f32`, where it is called rather than emitted in place.
pub(super) fn called(features: Features, op: Op) -> Option<Calls> {
    vectors::calls(op, features.vectors?)
}

/// An operator on arguments of these types; `None` where it is not defined for them.
pub(super) fn emit_op(
    lanes: &mut Lanes,
    op: Op,
    dtypes: &[DType],
    arguments: &[Value],
) -> Option<Value> {
    match (op, dtypes, arguments) {
        (Op::ToF32 | Op::ToF64 | Op::ToI32 | Op::ToBool, &[from], &[a]) => {
            Some(convert(lanes, op, from, a))
        }
        (Op::Lt | Op::Le | Op::Eq | Op::Ne, &[dtype, _], &[a, b]) => {
            Some(compare(lanes, op, dtype, a, b))
        }
        (Op::And, _, &[a, b]) => Some(lanes.both(a, b)),
        (Op::Or, _, &[a, b]) => Some(lanes.either(a, b)),
        (Op::Not, _, &[a]) => Some(lanes.not(a)),
        (Op::Select, _, &[mask, a, b]) => Some(lanes.choose(mask, a, b)),
        (Op::Philox, _, _) if lanes.width == 1 && lanes.features.vectors.is_some() => {
            vectors::philox(lanes.features.vectors?).map(|calls| lanes.call(calls, arguments))
        }
        (Op::Philox, _, &[c0, c1, c2, c3, k0, k1]) => {
            Some(math::philox4x32_10(lanes, [c0, c1, c2, c3], [k0, k1])[0])
        }
        (Op::UnitUniform, _, &[a]) => Some(math::unit_uniform(lanes, a)),
        (_, &[DType::F32, ..], _) => match called(lanes.features, op) {
            Some(calls) => Some(lanes.call(calls, arguments)),
            None => math::float_op(lanes, op, arguments),
        },
        (_, &[DType::F64, ..], _) => double_op(lanes, op, arguments),
        (_, &[DType::I32, ..], _) => integer_op(lanes, op, arguments),
        _ => None,
    }
}

fn compare(lanes: &mut Lanes, op: Op, dtype: DType, a: Value, b: Value) -> Value {
    let (float, integer) = match op {
        Op::Lt => (FloatCC::LessThan, IntCC::SignedLessThan),
        Op::Le => (FloatCC::LessThanOrEqual, IntCC::SignedLessThanOrEqual),
        Op::Ne => (FloatCC::NotEqual, IntCC::NotEqual),
        _ => (FloatCC::Equal, IntCC::Equal),
    };
    if dtype.is_float() {
        lanes.builder.ins().fcmp(float, a, b)
    } else {
        lanes.builder.ins().icmp(integer, a, b)
    }
}

/// 0 or 1 as an integer of the width.
fn truth_to_int(lanes: &mut Lanes, a: Value) -> Value {
    if lanes.width == 1 {
        return lanes.builder.ins().uextend(types::I32, a);
    }
    lanes.builder.ins().ineg(a)
}

fn convert(lanes: &mut Lanes, op: Op, from: DType, a: Value) -> Value {
    let (a, from) = match from {
        DType::Bool if op != Op::ToBool => (truth_to_int(lanes, a), DType::I32),
        other => (a, other),
    };
    let integer = register_type(DType::I32, lanes.width);
    match (op, from) {
        (Op::ToF32, DType::F64) => lanes.builder.ins().fdemote(types::F32, a),
        (Op::ToF32, DType::I32 | DType::U8) => lanes.int_to_float(a),
        (Op::ToF64, DType::F32) => lanes.builder.ins().fpromote(types::F64, a),
        (Op::ToF64, DType::I32 | DType::U8) => lanes.builder.ins().fcvt_from_sint(types::F64, a),
        (Op::ToI32, DType::F32 | DType::F64) => lanes.builder.ins().fcvt_to_sint_sat(integer, a),
        (Op::ToBool, DType::F32) => {
            let zero = lanes.f32(0.0);
            lanes.builder.ins().fcmp(FloatCC::NotEqual, a, zero)
        }
        (Op::ToBool, DType::F64) => {
            let zero = lanes.builder.ins().f64const(0.0);
            lanes.builder.ins().fcmp(FloatCC::NotEqual, a, zero)
        }
        (Op::ToBool, DType::I32 | DType::U8) => {
            let zero = lanes.i32(0);
            lanes.builder.ins().icmp(IntCC::NotEqual, a, zero)
        }
        _ => a,
    }
}

fn integer_op(lanes: &mut Lanes, op: Op, arguments: &[Value]) -> Option<Value> {
    Some(match (op, arguments) {
        (Op::Neg, &[a]) => lanes.builder.ins().ineg(a),
        (Op::Abs, &[a]) => lanes.builder.ins().iabs(a),
        (Op::Sign, &[a]) => {
            // (a >> 31) | (-a >>> 31)
            let sign = lanes.shift_right(a, 31);
            let minus = lanes.builder.ins().ineg(a);
            let above = lanes.shift_right_unsigned(minus, 31);
            lanes.int_or(sign, above)
        }
        (Op::Add, &[a, b]) => lanes.int_add(a, b),
        (Op::Sub, &[a, b]) => lanes.int_sub(a, b),
        (Op::Mul, &[a, b]) => lanes.builder.ins().imul(a, b),
        (Op::Min, &[a, b]) => lanes.builder.ins().smin(a, b),
        (Op::Max, &[a, b]) => lanes.builder.ins().smax(a, b),
        (Op::FloorDiv, &[a, b]) => {
            lanes.each_lane(&[a, b], |builder, s| floor_division(builder, s[0], s[1]))
        }
        (Op::Mod, &[a, b]) => lanes.each_lane(&[a, b], |builder, s| {
            let quotient = floor_division(builder, s[0], s[1]);
            let product = builder.ins().imul(s[1], quotient);
            builder.ins().isub(s[0], product)
        }),
        _ => return None,
    })
}

/// Quotient rounded down, wrapping; division by zero gives 0.
fn floor_division(builder: &mut FunctionBuilder, a: Value, b: Value) -> Value {
    let one = builder.ins().iconst(types::I32, 1);
    let zero = builder.ins().iconst(types::I32, 0);
    let by_zero = builder.ins().icmp_imm_s(IntCC::Equal, b, 0);
    let by_minus_one = builder.ins().icmp_imm_s(IntCC::Equal, b, -1);
    let special = builder.ins().bor(by_zero, by_minus_one);
    let divisor = builder.ins().select(special, one, b);
    let quotient = builder.ins().sdiv(a, divisor);
    let product = builder.ins().imul(quotient, divisor);
    let rest = builder.ins().isub(a, product);
    let inexact = builder.ins().icmp_imm_s(IntCC::NotEqual, rest, 0);
    let signs = builder.ins().bxor(rest, divisor);
    let negative = builder.ins().icmp_imm_s(IntCC::SignedLessThan, signs, 0);
    let correct = builder.ins().band(inexact, negative);
    let correct = builder.ins().uextend(types::I32, correct);
    let quotient = builder.ins().isub(quotient, correct);
    let minus = builder.ins().ineg(a);
    let quotient = builder.ins().select(by_minus_one, minus, quotient);
    builder.ins().select(by_zero, zero, quotient)
}

fn double_op(lanes: &mut Lanes, op: Op, arguments: &[Value]) -> Option<Value> {
    let conv = lanes.features.call_conv;
    let address = match arguments.len() {
        1 => math64::unary(op).map(|function| function as usize),
        _ => math64::binary(op).map(|function| function as usize),
    };
    if let Some(address) = address {
        return Some(call_host(
            lanes.builder,
            conv,
            address,
            types::F64,
            arguments,
        ));
    }
    Some(match (op, arguments) {
        (Op::Neg, &[a]) => lanes.builder.ins().fneg(a),
        (Op::Abs, &[a]) => lanes.builder.ins().fabs(a),
        (Op::Sqrt, &[a]) => lanes.builder.ins().sqrt(a),
        (Op::Sign, &[a]) => double_sign(lanes.builder, a),
        (Op::Floor, &[a]) => double_floor(lanes, a),
        (Op::Add, &[a, b]) => lanes.builder.ins().fadd(a, b),
        (Op::Sub, &[a, b]) => lanes.builder.ins().fsub(a, b),
        (Op::Mul, &[a, b]) => lanes.builder.ins().fmul(a, b),
        (Op::Div, &[a, b]) => lanes.builder.ins().fdiv(a, b),
        (Op::Min, &[a, b]) => double_extreme(lanes.builder, FloatCC::LessThanOrEqual, a, b),
        (Op::Max, &[a, b]) => double_extreme(lanes.builder, FloatCC::GreaterThanOrEqual, a, b),
        (Op::FloorDiv, &[a, b]) => {
            let quotient = lanes.builder.ins().fdiv(a, b);
            double_floor(lanes, quotient)
        }
        (Op::Mod, &[a, b]) => {
            let quotient = lanes.builder.ins().fdiv(a, b);
            let whole = double_floor(lanes, quotient);
            let product = lanes.builder.ins().fmul(b, whole);
            lanes.builder.ins().fsub(a, product)
        }
        _ => return None,
    })
}

extern "C" fn host_floor(a: f64) -> f64 {
    a.floor()
}

fn double_floor(lanes: &mut Lanes, a: Value) -> Value {
    if lanes.features.rounding {
        return lanes.builder.ins().floor(a);
    }
    let conv = lanes.features.call_conv;
    let function: math64::Unary = host_floor;
    call_host(lanes.builder, conv, function as usize, types::F64, &[a])
}

fn double_sign(builder: &mut FunctionBuilder, a: Value) -> Value {
    let zero = builder.ins().f64const(0.0);
    let (one, minus_one) = (builder.ins().f64const(1.0), builder.ins().f64const(-1.0));
    let below = builder.ins().fcmp(FloatCC::LessThan, a, zero);
    let above = builder.ins().fcmp(FloatCC::GreaterThan, a, zero);
    let value = builder.ins().select(below, minus_one, a);
    builder.ins().select(above, one, value)
}

/// The first where `a first b` holds or `a` is NaN, else the second.
fn double_extreme(builder: &mut FunctionBuilder, first: FloatCC, a: Value, b: Value) -> Value {
    let first = builder.ins().fcmp(first, a, b);
    let nan = builder.ins().fcmp(FloatCC::Unordered, a, a);
    let first = builder.ins().bor(first, nan);
    builder.ins().select(first, a, b)
}
