//! The functions over 256-bit vectors.
use super::Calls;
use crate::ops::math::{self, Emitter, HostFunction, Scalar};
use crate::tir::Op;
use std::arch::x86_64::*;

/// Eight lanes in a 256-bit register. Values of it are made only by functions that enable AVX2 and FMA, which is what makes the
/// intrinsics below sound.
#[derive(Clone, Copy)]
struct Eight;

/// Calls intrinsics in a method of [`Eight`].
macro_rules! intrinsic {
    ($call:expr) => {
        // SAFETY: `Eight` is used only inside functions that enable AVX2 and FMA.
        unsafe { $call }
    };
}

impl Emitter for Eight {
    type F = __m256;
    type I = __m256i;
    type M = __m256;
    #[inline(always)]
    fn f32(&mut self, value: f32) -> __m256 {
        intrinsic!(_mm256_set1_ps(value))
    }
    #[inline(always)]
    fn i32(&mut self, value: i32) -> __m256i {
        intrinsic!(_mm256_set1_epi32(value))
    }
    #[inline(always)]
    fn add(&mut self, a: __m256, b: __m256) -> __m256 {
        intrinsic!(_mm256_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(&mut self, a: __m256, b: __m256) -> __m256 {
        intrinsic!(_mm256_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(&mut self, a: __m256, b: __m256) -> __m256 {
        intrinsic!(_mm256_mul_ps(a, b))
    }
    #[inline(always)]
    fn div(&mut self, a: __m256, b: __m256) -> __m256 {
        intrinsic!(_mm256_div_ps(a, b))
    }
    #[inline(always)]
    fn fma(&mut self, a: __m256, b: __m256, c: __m256) -> __m256 {
        intrinsic!(_mm256_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn sqrt(&mut self, a: __m256) -> __m256 {
        intrinsic!(_mm256_sqrt_ps(a))
    }
    #[inline(always)]
    fn floor(&mut self, a: __m256) -> __m256 {
        intrinsic!(_mm256_floor_ps(a))
    }
    #[inline(always)]
    fn neg(&mut self, a: __m256) -> __m256 {
        intrinsic!(_mm256_xor_ps(a, _mm256_set1_ps(-0.0)))
    }
    #[inline(always)]
    fn abs(&mut self, a: __m256) -> __m256 {
        intrinsic!(_mm256_andnot_ps(_mm256_set1_ps(-0.0), a))
    }
    #[inline(always)]
    fn lt(&mut self, a: __m256, b: __m256) -> __m256 {
        intrinsic!(_mm256_cmp_ps::<_CMP_LT_OQ>(a, b))
    }
    #[inline(always)]
    fn le(&mut self, a: __m256, b: __m256) -> __m256 {
        intrinsic!(_mm256_cmp_ps::<_CMP_LE_OQ>(a, b))
    }
    #[inline(always)]
    fn eq(&mut self, a: __m256, b: __m256) -> __m256 {
        intrinsic!(_mm256_cmp_ps::<_CMP_EQ_OQ>(a, b))
    }
    #[inline(always)]
    fn int_eq(&mut self, a: __m256i, b: __m256i) -> __m256 {
        intrinsic!(_mm256_castsi256_ps(_mm256_cmpeq_epi32(a, b)))
    }
    #[inline(always)]
    fn both(&mut self, a: __m256, b: __m256) -> __m256 {
        intrinsic!(_mm256_and_ps(a, b))
    }
    #[inline(always)]
    fn either(&mut self, a: __m256, b: __m256) -> __m256 {
        intrinsic!(_mm256_or_ps(a, b))
    }
    #[inline(always)]
    fn not(&mut self, a: __m256) -> __m256 {
        intrinsic!(_mm256_xor_ps(a, _mm256_castsi256_ps(_mm256_set1_epi32(-1))))
    }
    #[inline(always)]
    fn select(&mut self, mask: __m256, a: __m256, b: __m256) -> __m256 {
        intrinsic!(_mm256_blendv_ps(b, a, mask))
    }
    #[inline(always)]
    fn int_select(&mut self, mask: __m256, a: __m256i, b: __m256i) -> __m256i {
        intrinsic!(_mm256_blendv_epi8(b, a, _mm256_castps_si256(mask)))
    }
    #[inline(always)]
    fn to_bits(&mut self, a: __m256) -> __m256i {
        intrinsic!(_mm256_castps_si256(a))
    }
    #[inline(always)]
    fn from_bits(&mut self, a: __m256i) -> __m256 {
        intrinsic!(_mm256_castsi256_ps(a))
    }
    #[inline(always)]
    fn int_to_float(&mut self, a: __m256i) -> __m256 {
        intrinsic!(_mm256_cvtepi32_ps(a))
    }
    #[inline(always)]
    fn int_add(&mut self, a: __m256i, b: __m256i) -> __m256i {
        intrinsic!(_mm256_add_epi32(a, b))
    }
    #[inline(always)]
    fn int_sub(&mut self, a: __m256i, b: __m256i) -> __m256i {
        intrinsic!(_mm256_sub_epi32(a, b))
    }
    #[inline(always)]
    fn int_and(&mut self, a: __m256i, b: __m256i) -> __m256i {
        intrinsic!(_mm256_and_si256(a, b))
    }
    #[inline(always)]
    fn int_or(&mut self, a: __m256i, b: __m256i) -> __m256i {
        intrinsic!(_mm256_or_si256(a, b))
    }
    #[inline(always)]
    fn int_xor(&mut self, a: __m256i, b: __m256i) -> __m256i {
        intrinsic!(_mm256_xor_si256(a, b))
    }
    #[inline(always)]
    fn shift_left(&mut self, a: __m256i, by: u32) -> __m256i {
        intrinsic!(_mm256_sll_epi32(a, _mm_cvtsi32_si128(by as i32)))
    }
    #[inline(always)]
    fn shift_right(&mut self, a: __m256i, by: u32) -> __m256i {
        intrinsic!(_mm256_sra_epi32(a, _mm_cvtsi32_si128(by as i32)))
    }
    #[inline(always)]
    fn shift_right_unsigned(&mut self, a: __m256i, by: u32) -> __m256i {
        intrinsic!(_mm256_srl_epi32(a, _mm_cvtsi32_si128(by as i32)))
    }
    #[inline(always)]
    fn mul_wide(&mut self, a: __m256i, constant: u32) -> (__m256i, __m256i) {
        intrinsic!({
            let b = _mm256_set1_epi32(constant as i32);
            let even = _mm256_mul_epu32(a, b);
            let odd = _mm256_mul_epu32(_mm256_srli_epi64::<32>(a), b);
            let high = _mm256_blend_epi32::<0xAA>(_mm256_srli_epi64::<32>(even), odd);
            let low = _mm256_blend_epi32::<0xAA>(even, _mm256_slli_epi64::<32>(odd));
            (high, low)
        })
    }
    #[inline(always)]
    fn rarely(&mut self, mask: __m256, function: HostFunction, x: __m256, usual: __m256) -> __m256 {
        let lanes = intrinsic!(_mm256_movemask_ps(mask));
        if lanes == 0 {
            usual
        } else {
            intrinsic!(seldom(lanes, function, x, usual))
        }
    }
}

/// The lanes of a mask through the host's function.
#[cold]
#[target_feature(enable = "avx2,fma")]
fn seldom(lanes: i32, function: HostFunction, x: __m256, usual: __m256) -> __m256 {
    let (mut inputs, mut values) = ([0_f32; 8], [0_f32; 8]);
    // SAFETY: both arrays hold eight elements.
    unsafe {
        _mm256_storeu_ps(inputs.as_mut_ptr(), x);
        _mm256_storeu_ps(values.as_mut_ptr(), usual);
    }
    for (lane, (value, &input)) in values.iter_mut().zip(&inputs).enumerate() {
        if lanes & (1 << lane) != 0 {
            *value = function.call(input);
        }
    }
    // SAFETY: the array holds eight elements.
    unsafe { _mm256_loadu_ps(values.as_ptr()) }
}

#[target_feature(enable = "avx2,fma")]
fn join(low: __m128, high: __m128) -> __m256 {
    _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(low), high)
}

/// Leaves eight lanes where they are taken up by fours: a store that is as wide as the loads after it is forwarded to them.
///
/// # Safety
/// The processor has AVX2 and FMA; `out` is writable for eight elements.
#[target_feature(enable = "avx2,fma")]
unsafe fn leave(out: *mut f32, value: __m256) {
    // SAFETY: the caller's contract: room for eight elements.
    unsafe {
        _mm_storeu_ps(out, _mm256_castps256_ps128(value));
        _mm_storeu_ps(out.add(4), _mm256_extractf128_ps::<1>(value));
    }
}

/// The functions of a function of one argument.
macro_rules! unary {
    ($function:path) => {{
        /// # Safety
        /// The processor has AVX2 and FMA.
        #[target_feature(enable = "avx2,fma")]
        unsafe extern "C" fn one(x: f32) -> f32 {
            $function(&mut Scalar, x)
        }
        /// # Safety
        /// The processor has AVX2 and FMA.
        #[target_feature(enable = "avx2,fma")]
        unsafe extern "C" fn four(x: __m128) -> __m128 {
            _mm256_castps256_ps128($function(&mut Eight, join(x, x)))
        }
        /// # Safety
        /// The processor has AVX2 and FMA; `out` is writable for eight elements.
        #[target_feature(enable = "avx2,fma")]
        unsafe extern "C" fn eight(a: __m128, b: __m128, out: *mut f32) {
            let value = $function(&mut Eight, join(a, b));
            // SAFETY: the caller's contract: generated code gives room for eight elements.
            unsafe { leave(out, value) }
        }
        /// # Safety
        /// The processor has AVX2 and FMA; `out` is writable for sixteen elements.
        #[target_feature(enable = "avx2,fma")]
        unsafe extern "C" fn sixteen(a: __m128, b: __m128, c: __m128, d: __m128, out: *mut f32) {
            let low = $function(&mut Eight, join(a, b));
            let high = $function(&mut Eight, join(c, d));
            // SAFETY: the caller's contract: generated code gives room for sixteen elements.
            unsafe {
                leave(out, low);
                leave(out.add(8), high);
            }
        }
        Calls {
            one: one as *const () as usize,
            four: four as *const () as usize,
            eight: eight as *const () as usize,
            sixteen: sixteen as *const () as usize,
        }
    }};
}

/// The power's functions.
fn power() -> Calls {
    /// # Safety
    /// The processor has AVX2 and FMA.
    #[target_feature(enable = "avx2,fma")]
    unsafe extern "C" fn one(x: f32, y: f32) -> f32 {
        math::pow(&mut Scalar, x, y)
    }
    /// # Safety
    /// The processor has AVX2 and FMA.
    #[target_feature(enable = "avx2,fma")]
    unsafe extern "C" fn four(x: __m128, y: __m128) -> __m128 {
        _mm256_castps256_ps128(math::pow(&mut Eight, join(x, x), join(y, y)))
    }
    /// # Safety
    /// The processor has AVX2 and FMA; `out` is writable for eight elements.
    #[target_feature(enable = "avx2,fma")]
    unsafe extern "C" fn eight(a: __m128, b: __m128, u: __m128, v: __m128, out: *mut f32) {
        let value = math::pow(&mut Eight, join(a, b), join(u, v));
        // SAFETY: the caller's contract: generated code gives room for eight elements.
        unsafe { leave(out, value) }
    }
    /// # Safety
    /// The processor has AVX2 and FMA; `out` is writable for sixteen elements.
    #[allow(clippy::too_many_arguments)] // two times four vectors
    #[target_feature(enable = "avx2,fma")]
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
        let low = math::pow(&mut Eight, join(a, b), join(u, v));
        let high = math::pow(&mut Eight, join(c, d), join(w, z));
        // SAFETY: the caller's contract: generated code gives room for sixteen elements.
        unsafe {
            leave(out, low);
            leave(out.add(8), high);
        }
    }
    Calls {
        one: one as *const () as usize,
        four: four as *const () as usize,
        eight: eight as *const () as usize,
        sixteen: sixteen as *const () as usize,
    }
}

/// The first word of Philox on eight counters that differ in their first word.
#[target_feature(enable = "avx2,fma")]
fn words(c0: __m256i, rest: [i32; 5]) -> __m256 {
    let [c1, c2, c3, k0, k1] = rest.map(|word| _mm256_set1_epi32(word));
    let random = math::philox4x32_10(&mut Eight, [c0, c1, c2, c3], [k0, k1]);
    _mm256_castsi256_ps(random[0])
}

/// Philox's functions; words travel in vectors of floats, which are only their bits.
pub(super) fn philox() -> Calls {
    /// # Safety
    /// The processor has AVX2 and FMA.
    #[target_feature(enable = "avx2,fma")]
    unsafe extern "C" fn one(c0: i32, c1: i32, c2: i32, c3: i32, k0: i32, k1: i32) -> i32 {
        math::philox4x32_10(&mut Scalar, [c0, c1, c2, c3], [k0, k1])[0]
    }
    /// # Safety
    /// The processor has AVX2 and FMA.
    #[target_feature(enable = "avx2,fma")]
    unsafe extern "C" fn four(c0: __m128, c1: i32, c2: i32, c3: i32, k0: i32, k1: i32) -> __m128 {
        let c0 = _mm256_castps_si256(join(c0, c0));
        _mm256_castps256_ps128(words(c0, [c1, c2, c3, k0, k1]))
    }
    /// # Safety
    /// The processor has AVX2 and FMA; `out` is writable for eight elements.
    #[allow(clippy::too_many_arguments)] // a counter, a key, where to
    #[target_feature(enable = "avx2,fma")]
    unsafe extern "C" fn eight(
        a: __m128,
        b: __m128,
        c1: i32,
        c2: i32,
        c3: i32,
        k0: i32,
        k1: i32,
        out: *mut f32,
    ) {
        let value = words(_mm256_castps_si256(join(a, b)), [c1, c2, c3, k0, k1]);
        // SAFETY: the caller's contract: generated code gives room for eight elements.
        unsafe { leave(out, value) }
    }
    /// # Safety
    /// The processor has AVX2 and FMA; `out` is writable for sixteen elements.
    #[allow(clippy::too_many_arguments)] // as above
    #[target_feature(enable = "avx2,fma")]
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
        let rest = [c1, c2, c3, k0, k1];
        let low = words(_mm256_castps_si256(join(a, b)), rest);
        let high = words(_mm256_castps_si256(join(c, d)), rest);
        // SAFETY: the caller's contract: generated code gives room for sixteen elements.
        unsafe {
            leave(out, low);
            leave(out.add(8), high);
        }
    }
    Calls {
        one: one as *const () as usize,
        four: four as *const () as usize,
        eight: eight as *const () as usize,
        sixteen: sixteen as *const () as usize,
    }
}

pub(super) fn calls(op: Op) -> Option<Calls> {
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
