//! One kernel, or some of its nests, as a Cranelift function.
use super::JitError;
use super::emit::Features;
use super::nest::NestEmitter;
use super::normal::normalise;
use crate::base::types::DType;
use crate::kir::{Kernel, Nest, STATUS_FINE};
use cranelift_codegen::Context;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    AbiParam, InstBuilder, MemFlagsData, Signature, StackSlotData, StackSlotKind, UserFuncName,
    types,
};
use cranelift_codegen::isa::TargetIsa;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

/// Bytes that may be read in place of a guarded element: copies of a vector with their displacements; and sixteen lanes in memory.
const SPARE_BYTES: u32 = 128;

/// `(buffers, begin, end, status)`
pub(super) fn signature(isa: &dyn TargetIsa) -> Signature {
    let mut signature = Signature::new(isa.default_call_conv());
    signature.params.extend([AbiParam::new(types::I64); 4]);
    signature
}

pub(super) fn body_types(kernel: &Kernel, nest: &Nest) -> Result<Vec<DType>, JitError> {
    let fault = |why: &str| JitError::Kernel {
        kernel: kernel.name.clone(),
        why: why.to_string(),
    };
    let reads: Option<Vec<DType>> = nest
        .accesses
        .iter()
        .map(|access| kernel.buffers.get(access.buffer as usize).copied())
        .collect();
    let reads = reads.ok_or_else(|| fault("an access to a buffer that is not there"))?;
    nest.body
        .types(&reads)
        .ok_or_else(|| fault("an operator's arguments do not fit it"))
}

/// Builds the function of some nests of a kernel.
pub(super) fn build(
    kernel: &Kernel,
    nests: &[Nest],
    isa: &dyn TargetIsa,
    features: Features,
) -> Result<Context, JitError> {
    let mut context = Context::new();
    context.func.signature = signature(isa);
    context.func.name = UserFuncName::default();
    let mut shared = FunctionBuilderContext::new();
    let mut builder = FunctionBuilder::new(&mut context.func, &mut shared);
    let entry = builder.create_block();
    builder.append_block_params_for_function_params(entry);
    builder.switch_to_block(entry);
    builder.seal_block(entry);
    let parameters = builder.block_params(entry).to_vec();
    let (buffers, begin, end, status) =
        (parameters[0], parameters[1], parameters[2], parameters[3]);
    let (body, exit) = (builder.create_block(), builder.create_block());
    let some = builder.ins().icmp(IntCC::SignedLessThan, begin, end);
    builder.ins().brif(some, body, &[], exit, &[]);
    builder.seal_block(body);
    builder.switch_to_block(body);
    let flags = MemFlagsData::new().with_notrap();
    let bases: Vec<_> = (0..kernel.buffers.len() as i32)
        .map(|at| builder.ins().load(types::I64, flags, buffers, 8 * at))
        .collect();
    let slot = builder.create_sized_stack_slot(StackSlotData::new(
        StackSlotKind::ExplicitSlot,
        SPARE_BYTES,
        4,
    ));
    let spare = builder.ins().stack_addr(types::I64, slot, 0);
    for (at, nest) in nests.iter().enumerate() {
        let normal = normalise(nest, kernel.outer);
        let types = body_types(kernel, &normal.nest)?;
        let scale = normal.scale as i64;
        let (begin, end) = (
            builder.ins().imul_imm_s(begin, scale),
            builder.ins().imul_imm_s(end, scale),
        );
        NestEmitter::new(
            &mut builder,
            features,
            &normal,
            types,
            &kernel.buffers,
            &bases,
            status,
            spare,
        )
        .emit(begin, end);
        // Later nests of a kernel without a range may write what depends on this one: none runs after an index out of bounds.
        if kernel.outer == 0 && at + 1 < nests.len() && nest.may_fail() {
            let next = builder.create_block();
            let word = builder.ins().load(types::I64, flags, status, 0);
            let fine = builder
                .ins()
                .icmp_imm_s(IntCC::Equal, word, STATUS_FINE as i64);
            builder.ins().brif(fine, next, &[], exit, &[]);
            builder.seal_block(next);
            builder.switch_to_block(next);
        }
    }
    builder.ins().jump(exit, &[]);
    builder.seal_block(exit);
    builder.switch_to_block(exit);
    builder.ins().return_(&[]);
    builder.finalize(isa.frontend_config());
    Ok(context)
}
