//! Rows of a matrix times one vector, in an order of sixteen lanes.
use std::arch::x86_64::*;

/// Rows that share what is loaded of the vector.
const ROWS: usize = 4;

/// The address of `dots(matrix, vector, result, rows, terms, stride)`: `result[i] = sum[k < terms] matrix[i * stride + k] * vector[k]`.
pub(super) fn address() -> usize {
    let function: unsafe extern "C" fn(*const f32, *const f32, *mut f32, usize, usize, isize) =
        dots;
    function as usize
}

/// Lane `l` of a sum takes the terms `k` with `k % 16 = l` in order, by fused multiply-add from zero; then lanes are added in halves: 0 and 8,
/// 1 and 9, ...; 0 and 4, ...; as generated code adds them.
///
/// # Safety
/// The processor has AVX2 and FMA. `terms` elements are readable at `vector` and at each of `rows` places, `stride` elements apart from
/// `matrix` on; `rows` elements are writable at `result`, overlap none of these and are used by nobody else meanwhile.
#[target_feature(enable = "avx2,fma")]
unsafe extern "C" fn dots(
    matrix: *const f32,
    vector: *const f32,
    result: *mut f32,
    rows: usize,
    terms: usize,
    stride: isize,
) {
    let mut row = 0;
    while row < rows {
        let first = matrix.wrapping_offset(row as isize * stride);
        // SAFETY: the caller's contract, for the four rows or the one from `row` on, which are there.
        unsafe {
            if row + ROWS <= rows {
                let sums = lanes::<ROWS>(first, vector, terms, stride);
                _mm_storeu_ps(result.add(row), added(sums));
                row += ROWS;
            } else {
                let [sum] = lanes::<1>(first, vector, terms, stride);
                _mm_store_ss(result.add(row), added([sum; ROWS]));
                row += 1;
            }
        }
    }
}

/// The sixteen lanes of the sums of so many rows, the first half added to the second.
///
/// # Safety
/// As for [`dots`], of `N` rows and without a result.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn lanes<const N: usize>(
    matrix: *const f32,
    vector: *const f32,
    terms: usize,
    stride: isize,
) -> [__m256; N] {
    let mut low = [_mm256_setzero_ps(); N];
    let mut high = low;
    let mut k = 0;
    let row = |at: usize, k: usize| matrix.wrapping_offset(at as isize * stride).wrapping_add(k);
    // SAFETY: the caller's contract: `k` and the lanes read behind it are below `terms`; masked ones are not touched.
    unsafe {
        while k + 16 <= terms {
            let (a, b) = (
                _mm256_loadu_ps(vector.add(k)),
                _mm256_loadu_ps(vector.add(k + 8)),
            );
            for at in 0..N {
                low[at] = _mm256_fmadd_ps(_mm256_loadu_ps(row(at, k)), a, low[at]);
                high[at] = _mm256_fmadd_ps(_mm256_loadu_ps(row(at, k + 8)), b, high[at]);
            }
            k += 16;
        }
        let mut halves = [&mut low, &mut high].into_iter();
        while k < terms {
            let Some(half) = halves.next() else { break };
            // Lanes beyond the last term add zero times zero to what they have, which is never a negative zero: a sum that begins with
            // +0 cannot become one.
            let places = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            let here = _mm256_cmpgt_epi32(_mm256_set1_epi32((terms - k).min(8) as i32), places);
            let a = _mm256_maskload_ps(vector.add(k), here);
            for (at, sum) in half.iter_mut().enumerate() {
                *sum = _mm256_fmadd_ps(_mm256_maskload_ps(row(at, k), here), a, *sum);
            }
            k += 8;
        }
    }
    let mut sums = low;
    for (sum, high) in sums.iter_mut().zip(high) {
        *sum = _mm256_add_ps(*sum, high);
    }
    sums
}

/// The sums of four rows from their eight lanes each.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn added(rows: [__m256; ROWS]) -> __m128 {
    let half =
        |row: __m256| _mm_add_ps(_mm256_castps256_ps128(row), _mm256_extractf128_ps::<1>(row));
    let [mut a, mut b, mut c, mut d] = rows.map(half);
    _MM_TRANSPOSE4_PS(&mut a, &mut b, &mut c, &mut d);
    _mm_add_ps(_mm_add_ps(a, c), _mm_add_ps(b, d))
}
