//! The emitter of vector math that makes Cranelift instructions, on one lane or on four.
use super::memory;
use super::vectors::{Calls, Width};
use crate::base::types::DType;
use crate::ops::math::{Emitter, HostFunction};
use crate::tir::Literal;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{
    AbiParam, BlockArg, Inst, InstBuilder, MemFlagsData, Signature, Type, Value, types,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::FunctionBuilder;

/// What the code may use of the processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Features {
    /// Fused multiply-add; without it products are rounded before they are added.
    pub fma: bool,
    /// Rounding instructions (SSE4.1 or its like).
    pub rounding: bool,
    /// Vector instructions take operands from memory at any address (AVX or its like).
    pub unaligned: bool,
    /// The host's functions on vectors ([`super::vectors`]).
    pub vectors: Option<Width>,
    /// How host functions are called.
    pub call_conv: CallConv,
}

/// Emits on `width` lanes (1 or 4): masks are `i8` truth values of one lane, or four `i32` of all ones or zeros.
pub(super) struct Lanes<'a, 'f> {
    pub builder: &'a mut FunctionBuilder<'f>,
    pub width: usize,
    pub features: Features,
}

impl Lanes<'_, '_> {
    fn float_type(&self) -> Type {
        if self.width == 1 {
            types::F32
        } else {
            types::F32X4
        }
    }

    fn int_type(&self) -> Type {
        if self.width == 1 {
            types::I32
        } else {
            types::I32X4
        }
    }

    fn cast(&mut self, to: Type, value: Value) -> Value {
        let flags = MemFlagsData::new().with_endianness(cranelift_codegen::ir::Endianness::Little);
        self.builder.ins().bitcast(to, flags, value)
    }

    /// A choice by a mask, of values of any type of this width.
    pub fn choose(&mut self, mask: Value, a: Value, b: Value) -> Value {
        if self.width == 1 {
            return self.builder.ins().select(mask, a, b);
        }
        let ty = self.builder.func.dfg.value_type(a);
        let mask = if ty == types::I32X4 {
            mask
        } else {
            self.cast(ty, mask)
        };
        self.builder.ins().bitselect(mask, a, b)
    }

    /// The same value in every lane.
    pub fn splat(&mut self, value: Value) -> Value {
        if self.width == 1 {
            return value;
        }
        let ty = match self.builder.func.dfg.value_type(value) {
            types::F32 => types::F32X4,
            _ => types::I32X4,
        };
        self.builder.ins().splat(ty, value)
    }

    /// Lane by lane through a scalar function.
    pub fn each_lane(
        &mut self,
        arguments: &[Value],
        mut function: impl FnMut(&mut FunctionBuilder, &[Value]) -> Value,
    ) -> Value {
        if self.width == 1 {
            return function(self.builder, arguments);
        }
        let mut result = None;
        for lane in 0..self.width {
            let scalars: Vec<Value> = arguments
                .iter()
                .map(|&a| self.builder.ins().extractlane(a, lane as u8))
                .collect();
            let value = function(self.builder, &scalars);
            result = Some(match result {
                None => {
                    let ty = self.builder.func.dfg.value_type(value);
                    let vector = ty.by(self.width as u32).unwrap_or(types::I32X4);
                    self.builder.ins().scalar_to_vector(vector, value)
                }
                Some(vector) => self.builder.ins().insertlane(vector, value, lane as u8),
            });
        }
        result.unwrap_or(arguments[0])
    }

    /// A function of the host on one lane or on four, with a result like the first argument.
    pub fn call(&mut self, calls: Calls, arguments: &[Value]) -> Value {
        let address = if self.width == 1 {
            calls.one
        } else {
            calls.four
        };
        let ty = self.builder.func.dfg.value_type(arguments[0]);
        call_host(
            self.builder,
            self.features.call_conv,
            address,
            ty,
            arguments,
        )
    }

    /// A function of the host on two or four vectors at once: the arguments' copies one after the other; results, like the first
    /// argument, go through `room`.
    pub fn call_wide(
        &mut self,
        calls: Calls,
        copies: usize,
        arguments: &[Value],
        room: Value,
    ) -> Vec<Value> {
        let address = if copies == 2 {
            calls.eight
        } else {
            calls.sixteen
        };
        let ty = self.builder.func.dfg.value_type(arguments[0]);
        let arguments: Vec<Value> = arguments.iter().copied().chain([room]).collect();
        let conv = self.features.call_conv;
        call_address(self.builder, conv, address, None, &arguments);
        let load = |copy: usize| {
            let flags = memory::flags();
            let ins = self.builder.ins();
            ins.load(ty, flags, room, 16 * copy as i32)
        };
        (0..copies).map(load).collect()
    }

    fn floor_by_conversion(&mut self, a: Value) -> Value {
        let (float, int) = (self.float_type(), self.int_type());
        let whole = self.builder.ins().fcvt_to_sint_sat(int, a);
        let cut = self.builder.ins().fcvt_from_sint(float, whole);
        let one = self.f32(1.0);
        let above = self.lt(a, cut);
        let less = self.sub(cut, one);
        let value = self.select(above, less, cut);
        // The sign of a zero is that of `a`; large numbers are whole.
        let (bits, sign) = (self.to_bits(a), self.i32(i32::MIN));
        let sign = self.int_and(bits, sign);
        let value = self.to_bits(value);
        let value = self.int_or(value, sign);
        let value = self.from_bits(value);
        let (limit, size) = (self.f32(8_388_608.0), self.abs(a));
        let small = self.lt(size, limit);
        self.select(small, value, a)
    }
}

/// A constant of one lane.
pub(super) fn literal(builder: &mut FunctionBuilder, literal: Literal) -> Value {
    let ins = builder.ins();
    match literal.dtype {
        DType::F32 => ins.f32const(literal.value as f32),
        DType::F64 => ins.f64const(literal.value),
        DType::I32 | DType::U8 => ins.iconst(types::I32, i64::from(literal.value as i32 as u32)),
        DType::Bool => ins.iconst(types::I8, i64::from(literal.value != 0.0)),
    }
}

/// Calls a host function through its address.
pub(super) fn call_host(
    builder: &mut FunctionBuilder,
    call_conv: CallConv,
    address: usize,
    ty: Type,
    arguments: &[Value],
) -> Value {
    let call = call_address(builder, call_conv, address, Some(ty), arguments);
    builder.inst_results(call)[0]
}

pub(super) fn call_address(
    builder: &mut FunctionBuilder,
    call_conv: CallConv,
    address: usize,
    result: Option<Type>,
    arguments: &[Value],
) -> Inst {
    let mut signature = Signature::new(call_conv);
    let types_of = |&argument: &Value| AbiParam::new(builder.func.dfg.value_type(argument));
    signature.params.extend(arguments.iter().map(types_of));
    signature.returns.extend(result.map(AbiParam::new));
    let signature = builder.import_signature(signature);
    let address = builder.ins().iconst(types::I64, address as i64);
    builder.ins().call_indirect(signature, address, arguments)
}

extern "C" fn host_sin(x: f32) -> f32 {
    HostFunction::Sin.call(x)
}

extern "C" fn host_cos(x: f32) -> f32 {
    HostFunction::Cos.call(x)
}

extern "C" fn host_normal_quantile(x: f32) -> f32 {
    HostFunction::NormalQuantile.call(x)
}

fn host_address(function: HostFunction) -> usize {
    let pointer: extern "C" fn(f32) -> f32 = match function {
        HostFunction::Sin => host_sin,
        HostFunction::Cos => host_cos,
        HostFunction::NormalQuantile => host_normal_quantile,
    };
    pointer as usize
}

impl Emitter for Lanes<'_, '_> {
    type F = Value;
    type I = Value;
    type M = Value;
    fn f32(&mut self, value: f32) -> Value {
        let scalar = self.builder.ins().f32const(value);
        self.splat(scalar)
    }
    fn i32(&mut self, value: i32) -> Value {
        // A narrow constant is given by its bits without the sign's extension.
        let scalar = self
            .builder
            .ins()
            .iconst(types::I32, i64::from(value as u32));
        self.splat(scalar)
    }
    fn add(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().fadd(a, b)
    }
    fn sub(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().fsub(a, b)
    }
    fn mul(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().fmul(a, b)
    }
    fn div(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().fdiv(a, b)
    }
    fn fma(&mut self, a: Value, b: Value, c: Value) -> Value {
        if self.features.fma {
            return self.builder.ins().fma(a, b, c);
        }
        let product = self.builder.ins().fmul(a, b);
        self.builder.ins().fadd(product, c)
    }
    fn sqrt(&mut self, a: Value) -> Value {
        self.builder.ins().sqrt(a)
    }
    fn floor(&mut self, a: Value) -> Value {
        if self.features.rounding {
            return self.builder.ins().floor(a);
        }
        self.floor_by_conversion(a)
    }
    fn neg(&mut self, a: Value) -> Value {
        self.builder.ins().fneg(a)
    }
    fn abs(&mut self, a: Value) -> Value {
        self.builder.ins().fabs(a)
    }
    fn lt(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().fcmp(FloatCC::LessThan, a, b)
    }
    fn le(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().fcmp(FloatCC::LessThanOrEqual, a, b)
    }
    fn eq(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().fcmp(FloatCC::Equal, a, b)
    }
    fn int_eq(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().icmp(IntCC::Equal, a, b)
    }
    fn both(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().band(a, b)
    }
    fn either(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().bor(a, b)
    }
    fn not(&mut self, a: Value) -> Value {
        if self.width == 1 {
            return self.builder.ins().bxor_imm_u(a, 1);
        }
        self.builder.ins().bnot(a)
    }
    fn select(&mut self, mask: Value, a: Value, b: Value) -> Value {
        self.choose(mask, a, b)
    }
    fn int_select(&mut self, mask: Value, a: Value, b: Value) -> Value {
        self.choose(mask, a, b)
    }
    fn to_bits(&mut self, a: Value) -> Value {
        self.cast(self.int_type(), a)
    }
    fn from_bits(&mut self, a: Value) -> Value {
        self.cast(self.float_type(), a)
    }
    fn int_to_float(&mut self, a: Value) -> Value {
        let ty = self.float_type();
        self.builder.ins().fcvt_from_sint(ty, a)
    }
    fn int_add(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().iadd(a, b)
    }
    fn int_sub(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().isub(a, b)
    }
    fn int_and(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().band(a, b)
    }
    fn int_or(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().bor(a, b)
    }
    fn int_xor(&mut self, a: Value, b: Value) -> Value {
        self.builder.ins().bxor(a, b)
    }
    fn shift_left(&mut self, a: Value, by: u32) -> Value {
        let by = self.builder.ins().iconst(types::I32, i64::from(by));
        self.builder.ins().ishl(a, by)
    }
    fn shift_right(&mut self, a: Value, by: u32) -> Value {
        let by = self.builder.ins().iconst(types::I32, i64::from(by));
        self.builder.ins().sshr(a, by)
    }
    fn shift_right_unsigned(&mut self, a: Value, by: u32) -> Value {
        let by = self.builder.ins().iconst(types::I32, i64::from(by));
        self.builder.ins().ushr(a, by)
    }
    fn mul_wide(&mut self, a: Value, constant: u32) -> (Value, Value) {
        if self.width == 1 {
            let wide = self.builder.ins().uextend(types::I64, a);
            let product = self.builder.ins().imul_imm_u(wide, i64::from(constant));
            let low = self.builder.ins().ireduce(types::I32, product);
            let high = self.builder.ins().ushr_imm_u(product, 32);
            return (self.builder.ins().ireduce(types::I32, high), low);
        }
        let b = self.i32(constant as i32);
        let low = self.builder.ins().imul(a, b);
        let (a_low, b_low) = (
            self.builder.ins().uwiden_low(a),
            self.builder.ins().uwiden_low(b),
        );
        let first = self.builder.ins().imul(a_low, b_low);
        let a_high = self.builder.ins().uwiden_high(a);
        let b_high = self.builder.ins().uwiden_high(b);
        let second = self.builder.ins().imul(a_high, b_high);
        let (first, second) = (
            self.cast(types::I8X16, first),
            self.cast(types::I8X16, second),
        );
        let odd_words = [4u8, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31];
        let mask = self
            .builder
            .func
            .dfg
            .immediates
            .push(odd_words.as_slice().into());
        let high = self.builder.ins().shuffle(first, second, mask);
        (self.cast(types::I32X4, high), low)
    }
    fn rarely(&mut self, mask: Value, function: HostFunction, x: Value, usual: Value) -> Value {
        let any = if self.width == 1 {
            mask
        } else {
            self.builder.ins().vany_true(mask)
        };
        let (seldom, join) = (self.builder.create_block(), self.builder.create_block());
        let ty = self.float_type();
        let result = self.builder.append_block_param(join, ty);
        self.builder
            .ins()
            .brif(any, seldom, &[], join, &[BlockArg::Value(usual)]);
        self.builder.set_cold_block(seldom);
        self.builder.seal_block(seldom);
        self.builder.switch_to_block(seldom);
        let (address, conv) = (host_address(function), self.features.call_conv);
        let called = self.each_lane(&[x], |builder, x| {
            call_host(builder, conv, address, types::F32, x)
        });
        let value = self.choose(mask, called, usual);
        self.builder.ins().jump(join, &[BlockArg::Value(value)]);
        self.builder.seal_block(join);
        self.builder.switch_to_block(join);
        result
    }
}
