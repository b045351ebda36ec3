//! Places: where a tensor's elements are.
use crate::base::types::{DType, Type, strides};
use crate::kir::schedule::{Address, Base};

/// A buffer, and how its elements are found: `start + Σ stride · index`, moved by loops around.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The buffer's number.
    pub buffer: usize,
    /// Bytes into the buffer (for constants, which share one).
    pub start_bytes: usize,
    /// Elements into the buffer.
    pub offset: i64,
    /// Elements per step of each dimension.
    pub strides: Vec<i64>,
    /// Elements per position of the loops around.
    pub moves: Vec<(usize, i64)>,
    /// (loop, elements, phase): in odd turns that many elements further.
    pub alternates: Option<(usize, i64, usize)>,
}

impl Place {
    /// The whole of a buffer, row-major.
    pub fn dense(buffer: usize, ty: &Type) -> Place {
        let strides = strides(&ty.shape)
            .into_iter()
            .map(|stride| stride as i64)
            .collect();
        Place {
            buffer,
            start_bytes: 0,
            offset: 0,
            strides,
            moves: Vec::new(),
            alternates: None,
        }
    }

    /// The part that starts at `start` along `axis`.
    pub fn slice(&self, axis: usize, start: usize) -> Place {
        let mut place = self.clone();
        place.offset += self.strides[axis] * start as i64;
        place
    }

    /// The element along `axis` at the position of loop `number`.
    pub fn element(&self, axis: usize, number: usize) -> Place {
        let mut place = self.clone();
        place.moves.push((number, self.strides[axis]));
        place.strides.remove(axis);
        place
    }

    /// The address, before buffers have addresses: the offset within the buffer, and the buffer's number in place of the base.
    pub fn address(&self, dtype: DType) -> Address {
        let size = dtype.size() as i64;
        Address {
            base: Base::Arena,
            offset: self.start_bytes + (self.offset * size) as usize,
            moves: self
                .moves
                .iter()
                .map(|&(number, elements)| (number, (elements * size) as isize))
                .collect(),
            alternates: self
                .alternates
                .map(|(number, elements, phase)| (number, (elements * size) as usize, phase)),
        }
        .in_buffer(self.buffer)
    }
}

/// Until buffers are assigned, an address names its buffer through a base `Input(u32)` beyond all real ones.
const UNASSIGNED: u32 = 1 << 31;

trait InBuffer {
    fn in_buffer(self, buffer: usize) -> Address;
}

impl InBuffer for Address {
    fn in_buffer(mut self, buffer: usize) -> Address {
        self.base = Base::Input(UNASSIGNED | buffer as u32);
        self
    }
}

/// The buffer that an address names before assignment.
pub fn buffer_of(address: &Address) -> Option<usize> {
    match address.base {
        Base::Input(number) if number & UNASSIGNED != 0 => Some((number & !UNASSIGNED) as usize),
        Base::Input(_) | Base::Output(_) | Base::Arena | Base::Constant => None,
    }
}

/// The strides that give the same elements in row-major order under other sizes; `None` where no strides do.
pub fn reshaped_strides(old: &[usize], old_strides: &[i64], new: &[usize]) -> Option<Vec<i64>> {
    if old.iter().product::<usize>() == 0 {
        return Some(
            strides(new)
                .into_iter()
                .map(|stride| stride as i64)
                .collect(),
        );
    }
    // Runs of old dimensions that are contiguous among themselves, as (size, stride of the innermost).
    let mut runs: Vec<(usize, i64)> = Vec::new();
    for (&size, &stride) in old.iter().zip(old_strides).filter(|(size, _)| **size != 1) {
        match runs.last_mut() {
            Some((total, inner)) if *inner == stride * size as i64 => {
                *total *= size;
                *inner = stride;
            }
            _ => runs.push((size, stride)),
        }
    }
    let mut result = vec![0i64; new.len()];
    let mut run = runs.len();
    let (mut left, mut stride) = (1usize, 1i64);
    for axis in (0..new.len()).rev() {
        if new[axis] == 1 {
            result[axis] = stride;
            continue;
        }
        if left == 1 {
            run = run.checked_sub(1)?;
            (left, stride) = runs[run];
        }
        if left % new[axis] != 0 {
            return None;
        }
        result[axis] = stride;
        stride *= new[axis] as i64;
        left /= new[axis];
    }
    (left == 1 && run == 0).then_some(result)
}

#[cfg(test)]
mod tests {
    use super::reshaped_strides;

    #[test]
    fn a_reshape_is_a_view_where_strides_can_say_it() {
        assert_eq!(
            reshaped_strides(&[4, 6], &[6, 1], &[2, 2, 6]),
            Some(vec![12, 6, 1])
        );
        assert_eq!(reshaped_strides(&[4, 6], &[12, 1], &[24]), None);
        assert_eq!(
            reshaped_strides(&[4, 6], &[12, 2], &[4, 2, 3]),
            Some(vec![12, 6, 2])
        );
        assert_eq!(
            reshaped_strides(&[4, 1, 6], &[6, 99, 1], &[24]),
            Some(vec![1])
        );
        assert_eq!(reshaped_strides(&[], &[], &[1, 1]), Some(vec![1, 1]));
    }
}
