//! Functions of many instructions on vectors wider than Cranelift's, called by generated code.
//!
//! Cranelift has vectors of four lanes on x86-64. A function such as `tanh` is some forty instructions, so eight or sixteen lanes at a
//! time divide its cost even though it is called. The functions are those of [`crate::ops::math`], written over an
//! [`Emitter`](crate::ops::math::Emitter) whose lanes are a register of 256 or 512 bits: every operation is the same single IEEE operation as
//! in generated code, so a call gives the same bits. Where the processor lacks AVX2 or FMA, or code for every processor is wanted, the
//! instructions are emitted in place.
use crate::tir::Op;

#[cfg(all(target_arch = "x86_64", unix))]
#[allow(improper_ctypes_definitions)] // vectors are passed in registers, as generated code does
mod avx2;
#[cfg(all(target_arch = "x86_64", unix))]
#[allow(improper_ctypes_definitions)] // as above
mod avx512;
#[cfg(all(target_arch = "x86_64", unix))]
mod dots;

/// The widest registers that the functions use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Width {
    /// Eight lanes: AVX2 and FMA.
    Eight,
    /// Sixteen: AVX-512 too.
    Sixteen,
}

/// The functions of one operator on one, four, eight and sixteen lanes: addresses for [`super::emit::Lanes`] to call.
///
/// One lane: `(f32, ..) -> f32`; four: `(vector, ..) -> vector`; eight and sixteen: two or four vectors of each argument, then where
/// the results go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Calls {
    pub one: usize,
    pub four: usize,
    pub eight: usize,
    pub sixteen: usize,
}

/// The widest registers that this processor has for the functions; none where it cannot run them.
pub(super) fn widest() -> Option<Width> {
    #[cfg(all(target_arch = "x86_64", unix))]
    return if !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")) {
        None
    } else if is_x86_feature_detected!("avx512f") {
        Some(Width::Sixteen)
    } else {
        Some(Width::Eight)
    };
    #[cfg(not(all(target_arch = "x86_64", unix)))]
    None
}

/// The functions of an operator on `f32`, where it has some; to be called only where the processor has that [`Width`].
pub(super) fn calls(op: Op, width: Width) -> Option<Calls> {
    #[cfg(all(target_arch = "x86_64", unix))]
    return avx2::calls(op).map(|calls| match width {
        Width::Eight => calls,
        Width::Sixteen => Calls {
            sixteen: avx512::sixteen(op).unwrap_or(calls.sixteen),
            ..calls
        },
    });
    #[cfg(not(all(target_arch = "x86_64", unix)))]
    {
        let _ = (op, width);
        None
    }
}

/// The function for the product of a matrix's rows and a vector: `(matrix, vector, result, rows, terms, elements from row to row)`.
pub(super) fn dots(width: Option<Width>) -> Option<usize> {
    #[cfg(all(target_arch = "x86_64", unix))]
    return width.map(|_| dots::address());
    #[cfg(not(all(target_arch = "x86_64", unix)))]
    {
        let _ = width;
        None
    }
}

/// The functions of [`Op::Philox`] whose first word varies from lane to lane, as for [`calls`]: the words of the first argument as
/// vectors, then the other five as `i32`.
pub(super) fn philox(width: Width) -> Option<Calls> {
    #[cfg(all(target_arch = "x86_64", unix))]
    return Some(match width {
        Width::Eight => avx2::philox(),
        Width::Sixteen => Calls {
            sixteen: avx512::philox(),
            ..avx2::philox()
        },
    });
    #[cfg(not(all(target_arch = "x86_64", unix)))]
    {
        let _ = width;
        None
    }
}
