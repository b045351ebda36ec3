//! Vectors of each instruction set behind one trait, so that a microkernel is written once.
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// An element of an operand.
pub(super) trait Scalar: Copy + Send + Sync + 'static {
    const ZERO: Self;
    fn plus(self, other: Self) -> Self;
    fn fused(self, factor: Self, addend: Self) -> Self;
}

impl Scalar for f32 {
    const ZERO: f32 = 0.0;
    #[inline(always)]
    fn plus(self, other: f32) -> f32 {
        self + other
    }
    #[inline(always)]
    fn fused(self, factor: f32, addend: f32) -> f32 {
        self.mul_add(factor, addend)
    }
}

impl Scalar for f64 {
    const ZERO: f64 = 0.0;
    #[inline(always)]
    fn plus(self, other: f64) -> f64 {
        self + other
    }
    #[inline(always)]
    fn fused(self, factor: f64, addend: f64) -> f64 {
        self.mul_add(factor, addend)
    }
}

/// A vector of `LANES` elements. Every method asks of its caller that the processor has the instruction set; loads and
/// stores ask that `LANES` elements (one for `splat`) at the pointer be valid; alignment is the element's.
pub(super) trait Simd: Copy {
    type Element: Scalar;
    type Vector: Copy;
    const LANES: usize;
    unsafe fn zero() -> Self::Vector;
    unsafe fn load(source: *const Self::Element) -> Self::Vector;
    unsafe fn splat(source: *const Self::Element) -> Self::Vector;
    unsafe fn store(target: *mut Self::Element, value: Self::Vector);
    unsafe fn fused(x: Self::Vector, y: Self::Vector, addend: Self::Vector) -> Self::Vector;
    unsafe fn add(x: Self::Vector, y: Self::Vector) -> Self::Vector;
}

/// Arrays of plain elements.
#[derive(Clone, Copy)]
pub(super) struct Plain<T, const LANES: usize>(std::marker::PhantomData<T>);

impl<T: Scalar, const LANES: usize> Simd for Plain<T, LANES> {
    type Element = T;
    type Vector = [T; LANES];
    const LANES: usize = LANES;
    #[inline(always)]
    unsafe fn zero() -> [T; LANES] {
        [T::ZERO; LANES]
    }
    #[inline(always)]
    unsafe fn load(source: *const T) -> [T; LANES] {
        // SAFETY: the trait's contract: LANES elements are readable; no alignment beyond the element's is assumed.
        unsafe { source.cast::<[T; LANES]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn splat(source: *const T) -> [T; LANES] {
        // SAFETY: the trait's contract: one element is readable.
        [unsafe { *source }; LANES]
    }
    #[inline(always)]
    unsafe fn store(target: *mut T, value: [T; LANES]) {
        // SAFETY: the trait's contract: LANES elements are writable.
        unsafe { target.cast::<[T; LANES]>().write_unaligned(value) }
    }
    #[inline(always)]
    unsafe fn fused(x: [T; LANES], y: [T; LANES], addend: [T; LANES]) -> [T; LANES] {
        let mut sum = addend;
        for lane in 0..LANES {
            sum[lane] = x[lane].fused(y[lane], addend[lane]);
        }
        sum
    }
    #[inline(always)]
    unsafe fn add(x: [T; LANES], y: [T; LANES]) -> [T; LANES] {
        let mut sum = x;
        for lane in 0..LANES {
            sum[lane] = x[lane].plus(y[lane]);
        }
        sum
    }
}

/// Implements [`Simd`] for one register type of x86-64.
#[cfg(target_arch = "x86_64")]
macro_rules! x86_vector {
    ($name:ident, $element:ty, $vector:ty, $lanes:literal, $zero:ident, $load:ident, $splat:ident, $store:ident, $fused:ident, $add:ident) => {
        #[derive(Clone, Copy)]
        pub(super) struct $name;

        impl Simd for $name {
            type Element = $element;
            type Vector = $vector;
            const LANES: usize = $lanes;
            #[inline(always)]
            unsafe fn zero() -> $vector {
                // SAFETY: the trait's contract: the processor has the instruction set.
                unsafe { $zero() }
            }
            #[inline(always)]
            unsafe fn load(source: *const $element) -> $vector {
                // SAFETY: the trait's contract: instruction set, and LANES readable elements.
                unsafe { $load(source) }
            }
            #[inline(always)]
            unsafe fn splat(source: *const $element) -> $vector {
                // SAFETY: the trait's contract: instruction set, and one readable element.
                unsafe { $splat(*source) }
            }
            #[inline(always)]
            unsafe fn store(target: *mut $element, value: $vector) {
                // SAFETY: the trait's contract: instruction set, and LANES writable elements.
                unsafe { $store(target, value) }
            }
            #[inline(always)]
            unsafe fn fused(x: $vector, y: $vector, addend: $vector) -> $vector {
                // SAFETY: the trait's contract: the processor has the instruction set.
                unsafe { $fused(x, y, addend) }
            }
            #[inline(always)]
            unsafe fn add(x: $vector, y: $vector) -> $vector {
                // SAFETY: the trait's contract: the processor has the instruction set.
                unsafe { $add(x, y) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
x86_vector!(
    Avx2F32,
    f32,
    __m256,
    8,
    _mm256_setzero_ps,
    _mm256_loadu_ps,
    _mm256_set1_ps,
    _mm256_storeu_ps,
    _mm256_fmadd_ps,
    _mm256_add_ps
);
#[cfg(target_arch = "x86_64")]
x86_vector!(
    Avx2F64,
    f64,
    __m256d,
    4,
    _mm256_setzero_pd,
    _mm256_loadu_pd,
    _mm256_set1_pd,
    _mm256_storeu_pd,
    _mm256_fmadd_pd,
    _mm256_add_pd
);
#[cfg(target_arch = "x86_64")]
x86_vector!(
    Avx512F32,
    f32,
    __m512,
    16,
    _mm512_setzero_ps,
    _mm512_loadu_ps,
    _mm512_set1_ps,
    _mm512_storeu_ps,
    _mm512_fmadd_ps,
    _mm512_add_ps
);
#[cfg(target_arch = "x86_64")]
x86_vector!(
    Avx512F64,
    f64,
    __m512d,
    8,
    _mm512_setzero_pd,
    _mm512_loadu_pd,
    _mm512_set1_pd,
    _mm512_storeu_pd,
    _mm512_fmadd_pd,
    _mm512_add_pd
);
