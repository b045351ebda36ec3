//! Numbers that look random and are the same in every run.
use crate::base::tensor::{Elements, Tensor};
use crate::base::types::{DType, Type};

/// A small generator (xorshift64*; G. Marsaglia, "Xorshift RNGs", 2003; S. Vigna, 2016).
#[derive(Debug, Clone)]
pub struct Numbers(u64);

impl Numbers {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Numbers {
        Numbers(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Uniform in `low..high`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * ((self.next() >> 11) as f64 / (1u64 << 53) as f64)
    }

    /// Uniform in `0..bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (((self.next() >> 32) * bound as u64) >> 32) as usize
    }

    /// Whether an event of that probability happened.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.uniform(0.0, 1.0) < probability
    }

    /// A tensor with floats uniform in the range, or integers below `bound`.
    pub fn tensor(&mut self, ty: &Type, (low, high): (f64, f64), bound: usize) -> Tensor {
        let n = ty.len();
        let elements = match ty.dtype {
            DType::F32 => Elements::F32((0..n).map(|_| self.uniform(low, high) as f32).collect()),
            DType::F64 => Elements::F64((0..n).map(|_| self.uniform(low, high)).collect()),
            DType::I32 => Elements::I32((0..n).map(|_| self.below(bound) as i32).collect()),
            DType::Bool => Elements::Bool((0..n).map(|_| self.below(2) as u8).collect()),
            DType::U8 => Elements::U8((0..n).map(|_| self.below(bound.min(256)) as u8).collect()),
        };
        Tensor::new(ty.shape.clone(), elements).unwrap_or_else(|| Tensor::zeros(ty))
    }
}
