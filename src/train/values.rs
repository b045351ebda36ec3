//! Between slots, which hold bytes, and host values.
use crate::base::tensor::{Elements, Tensor};
use crate::base::types::{DType, Type};

/// The elements of a slot of that type as a tensor.
pub fn tensor(ty: &Type, bytes: &[u8]) -> Tensor {
    let elements = match ty.dtype {
        DType::F32 => Elements::F32(words(bytes).map(f32::from_ne_bytes).collect()),
        DType::F64 => Elements::F64(words(bytes).map(f64::from_ne_bytes).collect()),
        DType::I32 => Elements::I32(words(bytes).map(i32::from_ne_bytes).collect()),
        DType::Bool => Elements::Bool(bytes.to_vec()),
        DType::U8 => Elements::U8(bytes.to_vec()),
    };
    Tensor::new(ty.shape.clone(), elements).unwrap_or_else(|| Tensor::zeros(ty))
}

fn words<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    bytes.as_chunks::<N>().0.iter().copied()
}

/// Writes elements `start..` of a tensor over a slot of element type `dtype`, as many as it holds, and says whether that could be done:
/// equal types, bytes as numbers, and floats of the other width can.
pub fn write(dtype: DType, bytes: &mut [u8], from: &Elements, start: usize) -> bool {
    match (dtype, from) {
        (DType::F32, Elements::F32(v)) => store(bytes, v, start, |x: f32| x.to_ne_bytes()),
        (DType::F32, Elements::F64(v)) => store(bytes, v, start, |x: f64| (x as f32).to_ne_bytes()),
        (DType::F32, Elements::U8(v)) => store(bytes, v, start, |x: u8| f32::from(x).to_ne_bytes()),
        (DType::F64, Elements::F64(v)) => store(bytes, v, start, |x: f64| x.to_ne_bytes()),
        (DType::F64, Elements::F32(v)) => {
            store(bytes, v, start, |x: f32| f64::from(x).to_ne_bytes())
        }
        (DType::F64, Elements::U8(v)) => store(bytes, v, start, |x: u8| f64::from(x).to_ne_bytes()),
        (DType::I32, Elements::I32(v)) => store(bytes, v, start, |x: i32| x.to_ne_bytes()),
        (DType::I32, Elements::U8(v)) => store(bytes, v, start, |x: u8| i32::from(x).to_ne_bytes()),
        (DType::Bool, Elements::Bool(v)) | (DType::U8, Elements::U8(v)) => {
            store(bytes, v, start, |x: u8| [x])
        }
        (DType::Bool, Elements::U8(v)) => store(bytes, v, start, |x: u8| [u8::from(x != 0)]),
        (DType::F32 | DType::F64, Elements::I32(_) | Elements::Bool(_))
        | (DType::I32, Elements::F32(_) | Elements::F64(_) | Elements::Bool(_))
        | (DType::Bool, Elements::F32(_) | Elements::F64(_) | Elements::I32(_))
        | (DType::U8, Elements::F32(_) | Elements::F64(_) | Elements::I32(_) | Elements::Bool(_)) => {
            false
        }
    }
}

/// Whether [`write()`] can write such elements over a slot of that type.
pub fn takes(dtype: DType, from: &Elements) -> bool {
    write(dtype, &mut [], from, 0)
}

fn store<T: Copy, const N: usize>(
    bytes: &mut [u8],
    from: &[T],
    start: usize,
    encode: impl Fn(T) -> [u8; N],
) -> bool {
    let targets = bytes.as_chunks_mut::<N>().0;
    match from.get(start..start + targets.len()) {
        Some(values) => {
            for (target, &value) in targets.iter_mut().zip(values) {
                *target = encode(value);
            }
            true
        }
        None => false,
    }
}

/// Element `at` of a slot as `f64`; 0 beyond the end.
pub fn number(dtype: DType, bytes: &[u8], at: usize) -> f64 {
    fn word<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
        bytes.as_chunks::<N>().0.get(at).copied().unwrap_or([0; N])
    }
    match dtype {
        DType::F32 => f64::from(f32::from_ne_bytes(word(bytes, at))),
        DType::F64 => f64::from_ne_bytes(word(bytes, at)),
        DType::I32 => f64::from(i32::from_ne_bytes(word(bytes, at))),
        DType::Bool | DType::U8 => f64::from(word::<1>(bytes, at)[0]),
    }
}

/// Sets a scalar slot, rounded to its type.
pub fn set_number(dtype: DType, bytes: &mut [u8], value: f64) {
    fn put<const N: usize>(bytes: &mut [u8], word: [u8; N]) {
        if let Some(first) = bytes.first_chunk_mut::<N>() {
            *first = word;
        }
    }
    match dtype {
        DType::F32 => put(bytes, (value as f32).to_ne_bytes()),
        DType::F64 => put(bytes, value.to_ne_bytes()),
        DType::I32 => put(bytes, (value as i32).to_ne_bytes()),
        DType::Bool => put(bytes, [u8::from(value != 0.0)]),
        DType::U8 => put(bytes, [value as u8]),
    }
}

/// Whether every element of a slot is finite; integers and truth values are.
pub fn all_finite(dtype: DType, bytes: &[u8]) -> bool {
    /// Elements looked at before the answer is asked for, so that the loop over them is one without branches.
    const BLOCK: usize = 1024;
    // A float is infinite or NaN exactly where all bits of its exponent are set.
    const NARROW: u32 = 0x7f80_0000;
    const WIDE: u64 = 0x7ff0_0000_0000_0000;
    match dtype {
        DType::F32 => bytes.as_chunks::<4>().0.chunks(BLOCK).all(|block| {
            let bad = |word: &[u8; 4]| u32::from_ne_bytes(*word) & NARROW == NARROW;
            !block.iter().fold(false, |any, word| any | bad(word))
        }),
        DType::F64 => bytes.as_chunks::<8>().0.chunks(BLOCK).all(|block| {
            let bad = |word: &[u8; 8]| u64::from_ne_bytes(*word) & WIDE == WIDE;
            !block.iter().fold(false, |any, word| any | bad(word))
        }),
        DType::I32 | DType::Bool | DType::U8 => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_serve_as_integers_and_floats() {
        let pixels = Elements::U8(vec![1, 2, 255]);
        let mut slot = [0; 8];
        assert!(write(DType::F32, &mut slot, &pixels, 1));
        assert_eq!(number(DType::F32, &slot, 1), 255.0);
        assert!(write(DType::I32, &mut slot, &pixels, 0));
        assert_eq!(number(DType::I32, &slot, 1), 2.0);
        assert!(
            !write(DType::I32, &mut slot, &pixels, 2),
            "too few are left"
        );
    }

    #[test]
    fn one_number_that_is_not_finite_is_found_anywhere() {
        for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for (length, at) in [(1, 0), (1500, 0), (1500, 1023), (1500, 1499)] {
                let mut values = vec![f32::MAX; length];
                let bytes = |values: &[f32]| -> Vec<u8> {
                    values.iter().flat_map(|x| x.to_ne_bytes()).collect()
                };
                assert!(all_finite(DType::F32, &bytes(&values)));
                values[at] = bad;
                assert!(!all_finite(DType::F32, &bytes(&values)), "{bad} at {at}");
                let wide: Vec<u8> = values
                    .iter()
                    .flat_map(|&x| f64::from(x).to_ne_bytes())
                    .collect();
                assert!(!all_finite(DType::F64, &wide));
                assert!(all_finite(DType::I32, &bytes(&values)));
            }
        }
    }

    #[test]
    fn a_tensor_survives_its_bytes() {
        let whole = Tensor::new([2, 2], Elements::F64(vec![1.5, -0.0, f64::INFINITY, 4.0]));
        let whole = whole.expect("four elements");
        assert_eq!(tensor(&whole.ty(), &whole.bytes()), whole);
    }
}
