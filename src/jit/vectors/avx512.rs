//! The functions on sixteen lanes over 512-bit vectors; fewer lanes are the affair of [`super::avx2`].
use crate::ops::math::{self, Emitter, HostFunction};
use crate::tir::Op;
use std::arch::x86_64::*;

/// Sixteen lanes in a 512-bit register. Values of it are made only by functions that enable AVX-512, which is what makes the
/// intrinsics below sound.
#[derive(Clone, Copy)]
struct Sixteen;

/// Calls intrinsics in a method of [`Sixteen`].
macro_rules! intrinsic {
    ($call:expr) => {
        // SAFETY: `Sixteen` is used only inside functions that enable AVX-512.
        unsafe { $call }
    };
}

impl Emitter for Sixteen {
    type F = __m512;
    type I = __m512i;
    type M = __mmask16;
    #[inline(always)]
    fn f32(&mut self, value: f32) -> __m512 {
        intrinsic!(_mm512_set1_ps(value))
    }
    #[inline(always)]
    fn i32(&mut self, value: i32) -> __m512i {
        intrinsic!(_mm512_set1_epi32(value))
    }
    #[inline(always)]
    fn add(&mut self, a: __m512, b: __m512) -> __m512 {
        intrinsic!(_mm512_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(&mut self, a: __m512, b: __m512) -> __m512 {
        intrinsic!(_mm512_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(&mut self, a: __m512, b: __m512) -> __m512 {
        intrinsic!(_mm512_mul_ps(a, b))
    }
    #[inline(always)]
    fn div(&mut self, a: __m512, b: __m512) -> __m512 {
        intrinsic!(_mm512_div_ps(a, b))
    }
    #[inline(always)]
    fn fma(&mut self, a: __m512, b: __m512, c: __m512) -> __m512 {
        intrinsic!(_mm512_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn sqrt(&mut self, a: __m512) -> __m512 {
        intrinsic!(_mm512_sqrt_ps(a))
    }
    #[inline(always)]
    fn floor(&mut self, a: __m512) -> __m512 {
        // Rounding control 1: downwards; 8: without the inexact flag.
        intrinsic!(_mm512_roundscale_ps::<0x09>(a))
    }
    #[inline(always)]
    fn neg(&mut self, a: __m512) -> __m512 {
        let sign = self.i32(i32::MIN);
        intrinsic!(_mm512_castsi512_ps(_mm512_xor_si512(
            _mm512_castps_si512(a),
            sign
        )))
    }
    #[inline(always)]
    fn abs(&mut self, a: __m512) -> __m512 {
        let sign = self.i32(i32::MIN);
        intrinsic!(_mm512_castsi512_ps(_mm512_andnot_si512(
            sign,
            _mm512_castps_si512(a)
        )))
    }
    #[inline(always)]
    fn lt(&mut self, a: __m512, b: __m512) -> __mmask16 {
        intrinsic!(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b))
    }
    #[inline(always)]
    fn le(&mut self, a: __m512, b: __m512) -> __mmask16 {
        intrinsic!(_mm512_cmp_ps_mask::<_CMP_LE_OQ>(a, b))
    }
    #[inline(always)]
    fn eq(&mut self, a: __m512, b: __m512) -> __mmask16 {
        intrinsic!(_mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b))
    }
    #[inline(always)]
    fn int_eq(&mut self, a: __m512i, b: __m512i) -> __mmask16 {
        intrinsic!(_mm512_cmpeq_epi32_mask(a, b))
    }
    #[inline(always)]
    fn both(&mut self, a: __mmask16, b: __mmask16) -> __mmask16 {
        a & b
    }
    #[inline(always)]
    fn either(&mut self, a: __mmask16, b: __mmask16) -> __mmask16 {
        a | b
    }
    #[inline(always)]
    fn not(&mut self, a: __mmask16) -> __mmask16 {
        !a
    }
    #[inline(always)]
    fn select(&mut self, mask: __mmask16, a: __m512, b: __m512) -> __m512 {
        intrinsic!(_mm512_mask_blend_ps(mask, b, a))
    }
    #[inline(always)]
    fn int_select(&mut self, mask: __mmask16, a: __m512i, b: __m512i) -> __m512i {
        intrinsic!(_mm512_mask_blend_epi32(mask, b, a))
    }
    #[inline(always)]
    fn to_bits(&mut self, a: __m512) -> __m512i {
        intrinsic!(_mm512_castps_si512(a))
    }
    #[inline(always)]
    fn from_bits(&mut self, a: __m512i) -> __m512 {
        intrinsic!(_mm512_castsi512_ps(a))
    }
    #[inline(always)]
    fn int_to_float(&mut self, a: __m512i) -> __m512 {
        intrinsic!(_mm512_cvtepi32_ps(a))
    }
    #[inline(always)]
    fn int_add(&mut self, a: __m512i, b: __m512i) -> __m512i {
        intrinsic!(_mm512_add_epi32(a, b))
    }
    #[inline(always)]
    fn int_sub(&mut self, a: __m512i, b: __m512i) -> __m512i {
        intrinsic!(_mm512_sub_epi32(a, b))
    }
    #[inline(always)]
    fn int_and(&mut self, a: __m512i, b: __m512i) -> __m512i {
        intrinsic!(_mm512_and_si512(a, b))
    }
    #[inline(always)]
    fn int_or(&mut self, a: __m512i, b: __m512i) -> __m512i {
        intrinsic!(_mm512_or_si512(a, b))
    }
    #[inline(always)]
    fn int_xor(&mut self, a: __m512i, b: __m512i) -> __m512i {
        intrinsic!(_mm512_xor_si512(a, b))
    }
    #[inline(always)]
    fn shift_left(&mut self, a: __m512i, by: u32) -> __m512i {
        intrinsic!(_mm512_sll_epi32(a, _mm_cvtsi32_si128(by as i32)))
    }
    #[inline(always)]
    fn shift_right(&mut self, a: __m512i, by: u32) -> __m512i {
        intrinsic!(_mm512_sra_epi32(a, _mm_cvtsi32_si128(by as i32)))
    }
    #[inline(always)]
    fn shift_right_unsigned(&mut self, a: __m512i, by: u32) -> __m512i {
        intrinsic!(_mm512_srl_epi32(a, _mm_cvtsi32_si128(by as i32)))
    }
    #[inline(always)]
    fn mul_wide(&mut self, a: __m512i, constant: u32) -> (__m512i, __m512i) {
        intrinsic!({
            let b = _mm512_set1_epi32(constant as i32);
            let even = _mm512_mul_epu32(a, b);
            let odd = _mm512_mul_epu32(_mm512_srli_epi64::<32>(a), b);
            let high = _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64::<32>(even), odd);
            let low = _mm512_mask_blend_epi32(0xAAAA, even, _mm512_slli_epi64::<32>(odd));
            (high, low)
        })
    }
    #[inline(always)]
    fn rarely(
        &mut self,
        mask: __mmask16,
        function: HostFunction,
        x: __m512,
        usual: __m512,
    ) -> __m512 {
        if mask == 0 {
            usual
        } else {
            intrinsic!(seldom(mask, function, x, usual))
        }
    }
}

/// The lanes of a mask through the host's function.
#[cold]
#[target_feature(enable = "avx512f")]
fn seldom(mask: __mmask16, function: HostFunction, x: __m512, usual: __m512) -> __m512 {
    let (mut inputs, mut values) = ([0_f32; 16], [0_f32; 16]);
    // SAFETY: both arrays hold sixteen elements.
    unsafe {
        _mm512_storeu_ps(inputs.as_mut_ptr(), x);
        _mm512_storeu_ps(values.as_mut_ptr(), usual);
    }
    for (lane, (value, &input)) in values.iter_mut().zip(&inputs).enumerate() {
        if mask & (1 << lane) != 0 {
            *value = function.call(input);
        }
    }
    // SAFETY: the array holds sixteen elements.
    unsafe { _mm512_loadu_ps(values.as_ptr()) }
}

#[target_feature(enable = "avx512f")]
fn join(a: __m128, b: __m128, c: __m128, d: __m128) -> __m512 {
    let joined = _mm512_insertf32x4::<1>(_mm512_castps128_ps512(a), b);
    _mm512_insertf32x4::<3>(_mm512_insertf32x4::<2>(joined, c), d)
}

/// Leaves sixteen lanes where they are taken up by fours: a store that is as wide as the loads after it is forwarded to them.
///
/// # Safety
/// The processor has AVX-512 (`avx512f`); `out` is writable for sixteen elements.
#[target_feature(enable = "avx512f")]
unsafe fn leave(out: *mut f32, value: __m512) {
    // SAFETY: the caller's contract: room for sixteen elements.
    unsafe {
        _mm_storeu_ps(out, _mm512_castps512_ps128(value));
        _mm_storeu_ps(out.add(4), _mm512_extractf32x4_ps::<1>(value));
        _mm_storeu_ps(out.add(8), _mm512_extractf32x4_ps::<2>(value));
        _mm_storeu_ps(out.add(12), _mm512_extractf32x4_ps::<3>(value));
    }
}

/// The function of a function of one argument.
macro_rules! unary {
    ($function:path) => {{
        /// # Safety
        /// The processor has AVX-512 (`avx512f`); `out` is writable for sixteen elements.
        #[target_feature(enable = "avx512f")]
        unsafe extern "C" fn sixteen(a: __m128, b: __m128, c: __m128, d: __m128, out: *mut f32) {
            let value = $function(&mut Sixteen, join(a, b, c, d));
            // SAFETY: the caller's contract: generated code gives room for sixteen elements.
            unsafe { leave(out, value) }
        }
        sixteen as *const () as usize
    }};
}

/// The power's function.
fn power() -> usize {
    /// # Safety
    /// The processor has AVX-512 (`avx512f`); `out` is writable for sixteen elements.
    #[allow(clippy::too_many_arguments)] // two times four vectors
    #[target_feature(enable = "avx512f")]
    unsafe extern "C" fn sixteen(
        a: __m128,
        b: __m128,
        c: __m128,
        d: __m128,
        u: __m128,
        v: __m128,
        w: __m128,
        z: __m128,
        out: *mut f32,
    ) {
        let value = math::pow(&mut Sixteen, join(a, b, c, d), join(u, v, w, z));
        // SAFETY: the caller's contract: generated code gives room for sixteen elements.
        unsafe { leave(out, value) }
    }
    sixteen as *const () as usize
}

/// Philox's function; words travel in vectors of floats, which are only their bits.
pub(super) fn philox() -> usize {
    /// # Safety
    /// The processor has AVX-512 (`avx512f`); `out` is writable for sixteen elements.
    #[allow(clippy::too_many_arguments)] // a counter, a key, where to
    #[target_feature(enable = "avx512f")]
    unsafe extern "C" fn sixteen(
        a: __m128,
        b: __m128,
        c: __m128,
        d: __m128,
        c1: i32,
        c2: i32,
        c3: i32,
        k0: i32,
        k1: i32,
        out: *mut f32,
    ) {
        let c0 = _mm512_castps_si512(join(a, b, c, d));
        let [c1, c2, c3, k0, k1] = [c1, c2, c3, k0, k1].map(|word| _mm512_set1_epi32(word));
        let random = math::philox4x32_10(&mut Sixteen, [c0, c1, c2, c3], [k0, k1]);
        // SAFETY: the caller's contract: generated code gives room for sixteen elements.
        unsafe { leave(out, _mm512_castsi512_ps(random[0])) }
    }
    sixteen as *const () as usize
}

/// The function of an operator on sixteen lanes, where it has one.
pub(super) fn sixteen(op: Op) -> Option<usize> {
    Some(match op {
        Op::Exp => unary!(math::exp),
        Op::Log => unary!(math::log),
        Op::Sin => unary!(math::sin),
        Op::Cos => unary!(math::cos),
        Op::Tanh => unary!(math::tanh),
        Op::Sigmoid => unary!(math::sigmoid),
        Op::Erf => unary!(math::erf),
        Op::NormalQuantile => unary!(math::normal_quantile),
        Op::Pow => power(),
        _ => return None,
    })
}
