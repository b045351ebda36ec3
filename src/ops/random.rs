//! Random words and the numbers made of them, over an [`Emitter`] as all of [`super::math`].
use super::math::Emitter;

/// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", 2011): four words from a counter and a key.
#[inline(always)]
pub fn philox4x32_10<E: Emitter>(e: &mut E, counter: [E::I; 4], key: [E::I; 2]) -> [E::I; 4] {
    let [mut c0, mut c1, mut c2, mut c3] = counter;
    let [mut k0, mut k1] = key;
    let (step0, step1) = (e.i32(0x9E37_79B9_u32 as i32), e.i32(0xBB67_AE85_u32 as i32));
    for round in 0..10 {
        if round > 0 {
            k0 = e.int_add(k0, step0);
            k1 = e.int_add(k1, step1);
        }
        let (high0, low0) = e.mul_wide(c0, 0xD251_1F53);
        let (high1, low1) = e.mul_wide(c2, 0xCD9E_8D57);
        let (left, right) = (e.int_xor(high1, c1), e.int_xor(high0, c3));
        (c0, c2) = (e.int_xor(left, k0), e.int_xor(right, k1));
        (c1, c3) = (low1, low0);
    }
    [c0, c1, c2, c3]
}

/// A uniform number in (0, 1) from a random word: `((u32(a) >> 9) + 0.5) / 2^23`, which is exact. (With one bit more the largest word
/// would round to 1.)
#[inline(always)]
pub fn unit_uniform<E: Emitter>(e: &mut E, a: E::I) -> E::F {
    let bits = e.shift_right_unsigned(a, 9);
    let number = e.int_to_float(bits);
    let (half, unit) = (e.f32(0.5), e.f32(1.0 / 8_388_608.0));
    let centred = e.add(number, half);
    e.mul(centred, unit)
}
