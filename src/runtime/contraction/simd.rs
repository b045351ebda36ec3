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

/// A vector of `LANES` elements. Every method asks of its caller that the processor has the instruction set; pointers need no alignment but
/// the element's.
pub(super) trait Simd: Copy {
    type Element: Scalar;
    type Vector: Copy;
    const LANES: usize;
    /// Zeros.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn zero() -> Self::Vector;
    /// The elements from `source` on.
    ///
    /// # Safety
    /// The processor has the instruction set; `LANES` elements are readable from `source` on.
    unsafe fn load(source: *const Self::Element) -> Self::Vector;
    /// One element in every lane.
    ///
    /// # Safety
    /// The processor has the instruction set; `source` is readable.
    unsafe fn splat(source: *const Self::Element) -> Self::Vector;
    /// Stores all lanes.
    ///
    /// # Safety
    /// The processor has the instruction set; `LANES` elements are writable from `target` on.
    unsafe fn store(target: *mut Self::Element, value: Self::Vector);
    /// Whether vectors that are only partly wanted are best stored by [`Simd::store_part`]; it is slow where masks are made of vectors.
    const PARTS: bool;
    /// Stores `count` lanes from lane `skip` on where they belong, or adds them to what is there; the others are not touched.
    ///
    /// # Safety
    /// The processor has the instruction set. `skip + count` is at most `LANES`, and these lanes from `target` on are writable, with `add`
    /// readable too; `target` itself need not be.
    unsafe fn store_part(
        target: *mut Self::Element,
        value: Self::Vector,
        part: (usize, usize),
        add: bool,
    );
    /// `x * y + addend`, rounded once.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn fused(x: Self::Vector, y: Self::Vector, addend: Self::Vector) -> Self::Vector;
    /// `x + y`.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn add(x: Self::Vector, y: Self::Vector) -> Self::Vector;
}

/// Arrays of plain elements.
#[derive(Clone, Copy)]
pub(super) struct Plain<T, const LANES: usize>(std::marker::PhantomData<T>);

impl<T: Scalar, const LANES: usize> Simd for Plain<T, LANES> {
    type Element = T;
    type Vector = [T; LANES];
    const LANES: usize = LANES;
    /// # Safety
    /// As for [`Simd::zero`].
    #[inline(always)]
    unsafe fn zero() -> [T; LANES] {
        [T::ZERO; LANES]
    }
    /// # Safety
    /// As for [`Simd::load`].
    #[inline(always)]
    unsafe fn load(source: *const T) -> [T; LANES] {
        // SAFETY: the trait's contract: LANES elements are readable; no alignment beyond the element's is assumed.
        unsafe { source.cast::<[T; LANES]>().read_unaligned() }
    }
    /// # Safety
    /// As for [`Simd::splat`].
    #[inline(always)]
    unsafe fn splat(source: *const T) -> [T; LANES] {
        // SAFETY: the trait's contract: one element is readable.
        [unsafe { *source }; LANES]
    }
    /// # Safety
    /// As for [`Simd::store`].
    #[inline(always)]
    unsafe fn store(target: *mut T, value: [T; LANES]) {
        // SAFETY: the trait's contract: LANES elements are writable.
        unsafe { target.cast::<[T; LANES]>().write_unaligned(value) }
    }
    const PARTS: bool = true;
    /// # Safety
    /// As for [`Simd::store_part`].
    #[inline(always)]
    unsafe fn store_part(
        target: *mut T,
        value: [T; LANES],
        (skip, count): (usize, usize),
        add: bool,
    ) {
        for (lane, value) in value.into_iter().enumerate().skip(skip).take(count) {
            let target = target.wrapping_add(lane);
            // SAFETY: the trait's contract: the wanted lanes are writable, and readable where they are added to.
            unsafe { *target = if add { (*target).plus(value) } else { value } };
        }
    }
    /// # Safety
    /// As for [`Simd::fused`].
    #[inline(always)]
    unsafe fn fused(x: [T; LANES], y: [T; LANES], addend: [T; LANES]) -> [T; LANES] {
        let mut sum = addend;
        for lane in 0..LANES {
            sum[lane] = x[lane].fused(y[lane], addend[lane]);
        }
        sum
    }
    /// # Safety
    /// As for [`Simd::add`].
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
    ($name:ident, $element:ty, $vector:ty, $lanes:literal, $zero:ident, $load:ident, $splat:ident, $store:ident, $fused:ident, $add:ident,
     $parts:literal, $mask:ident, $load_masked:ident, $store_masked:ident) => {
        #[derive(Clone, Copy)]
        pub(super) struct $name;

        impl Simd for $name {
            type Element = $element;
            type Vector = $vector;
            const LANES: usize = $lanes;
            /// # Safety
            /// As for [`Simd::zero`].
            #[inline(always)]
            unsafe fn zero() -> $vector {
                // SAFETY: the trait's contract: the processor has the instruction set.
                unsafe { $zero() }
            }
            /// # Safety
            /// As for [`Simd::load`].
            #[inline(always)]
            unsafe fn load(source: *const $element) -> $vector {
                // SAFETY: the trait's contract: instruction set, and LANES readable elements.
                unsafe { $load(source) }
            }
            /// # Safety
            /// As for [`Simd::splat`].
            #[inline(always)]
            unsafe fn splat(source: *const $element) -> $vector {
                // SAFETY: the trait's contract: instruction set, and one readable element.
                unsafe { $splat(*source) }
            }
            /// # Safety
            /// As for [`Simd::store`].
            #[inline(always)]
            unsafe fn store(target: *mut $element, value: $vector) {
                // SAFETY: the trait's contract: instruction set, and LANES writable elements.
                unsafe { $store(target, value) }
            }
            const PARTS: bool = $parts;
            /// # Safety
            /// As for [`Simd::store_part`].
            #[inline(always)]
            unsafe fn store_part(
                target: *mut $element,
                value: $vector,
                (skip, count): (usize, usize),
                add: bool,
            ) {
                // SAFETY: the trait's contract: instruction set, and the wanted lanes are valid; others are masked and not touched.
                unsafe {
                    let mask = $mask(skip, count);
                    let value = if add {
                        $add($load_masked(mask, target), value)
                    } else {
                        value
                    };
                    $store_masked(target, mask, value)
                }
            }
            /// # Safety
            /// As for [`Simd::fused`].
            #[inline(always)]
            unsafe fn fused(x: $vector, y: $vector, addend: $vector) -> $vector {
                // SAFETY: the trait's contract: the processor has the instruction set.
                unsafe { $fused(x, y, addend) }
            }
            /// # Safety
            /// As for [`Simd::add`].
            #[inline(always)]
            unsafe fn add(x: $vector, y: $vector) -> $vector {
                // SAFETY: the trait's contract: the processor has the instruction set.
                unsafe { $add(x, y) }
            }
        }
    };
}

/// A mask of the lanes `skip..skip + count` of eight.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
fn lanes_of_eight(skip: usize, count: usize) -> __m256i {
    let lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    let begun = _mm256_cmpgt_epi32(lane, _mm256_set1_epi32(skip as i32 - 1));
    let left = _mm256_cmpgt_epi32(_mm256_set1_epi32((skip + count) as i32), lane);
    _mm256_and_si256(begun, left)
}

/// The same of four lanes of 64 bits.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
fn lanes_of_four(skip: usize, count: usize) -> __m256i {
    let lane = _mm256_setr_epi64x(0, 1, 2, 3);
    let begun = _mm256_cmpgt_epi64(lane, _mm256_set1_epi64x(skip as i64 - 1));
    let left = _mm256_cmpgt_epi64(_mm256_set1_epi64x((skip + count) as i64), lane);
    _mm256_and_si256(begun, left)
}

/// The lanes of a mask; zeros in the others.
///
/// # Safety
/// The processor has AVX2; the lanes of the mask are readable from `source` on.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn load_eight(mask: __m256i, source: *const f32) -> __m256 {
    // SAFETY: the caller's contract; lanes beside the mask are not touched.
    unsafe { _mm256_maskload_ps(source, mask) }
}

/// The same of 64 bits.
///
/// # Safety
/// The processor has AVX2; the lanes of the mask are readable from `source` on.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn load_four(mask: __m256i, source: *const f64) -> __m256d {
    // SAFETY: the caller's contract; lanes beside the mask are not touched.
    unsafe { _mm256_maskload_pd(source, mask) }
}

/// A mask of the lanes `skip..skip + count` of sixteen.
#[cfg(target_arch = "x86_64")]
#[inline]
fn bits_of_sixteen(skip: usize, count: usize) -> __mmask16 {
    ((1_u32 << (skip + count)) - (1_u32 << skip)) as __mmask16
}

/// The same of eight.
#[cfg(target_arch = "x86_64")]
#[inline]
fn bits_of_eight(skip: usize, count: usize) -> __mmask8 {
    ((1_u32 << (skip + count)) - (1_u32 << skip)) as __mmask8
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
    _mm256_add_ps,
    false,
    lanes_of_eight,
    load_eight,
    _mm256_maskstore_ps
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
    _mm256_add_pd,
    false,
    lanes_of_four,
    load_four,
    _mm256_maskstore_pd
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
    _mm512_add_ps,
    true,
    bits_of_sixteen,
    _mm512_maskz_loadu_ps,
    _mm512_mask_storeu_ps
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
    _mm512_add_pd,
    true,
    bits_of_eight,
    _mm512_maskz_loadu_pd,
    _mm512_mask_storeu_pd
);
