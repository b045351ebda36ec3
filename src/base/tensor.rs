//! Tensors on the host: what programs bind, print, save and load.
use super::types::{DType, Type};

/// Dense row-major elements of one type.
#[derive(Debug, Clone, PartialEq)]
pub enum Elements {
    /// Elements of [`DType::F32`].
    F32(Vec<f32>),
    /// Elements of [`DType::F64`].
    F64(Vec<f64>),
    /// Elements of [`DType::I32`].
    I32(Vec<i32>),
    /// Elements of [`DType::Bool`], 0 or 1.
    Bool(Vec<u8>),
    /// Elements of [`DType::U8`].
    U8(Vec<u8>),
}

/// A dense, row-major tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    elements: Elements,
}

impl Tensor {
    /// A tensor of these sizes and elements; `None` where their counts differ.
    pub fn new(shape: impl Into<Vec<usize>>, elements: Elements) -> Option<Tensor> {
        let shape = shape.into();
        let tensor = Tensor { shape, elements };
        let count = tensor
            .shape
            .iter()
            .try_fold(1usize, |product, &size| product.checked_mul(size))?;
        (count == tensor.len()).then_some(tensor)
    }

    /// All zeros.
    pub fn zeros(ty: &Type) -> Tensor {
        let n = ty.len();
        let elements = match ty.dtype {
            DType::F32 => Elements::F32(vec![0.0; n]),
            DType::F64 => Elements::F64(vec![0.0; n]),
            DType::I32 => Elements::I32(vec![0; n]),
            DType::Bool => Elements::Bool(vec![0; n]),
            DType::U8 => Elements::U8(vec![0; n]),
        };
        Tensor {
            shape: ty.shape.clone(),
            elements,
        }
    }

    /// A scalar `f32`.
    pub fn scalar(value: f32) -> Tensor {
        Tensor {
            shape: Vec::new(),
            elements: Elements::F32(vec![value]),
        }
    }

    /// A scalar `i32`.
    pub fn scalar_i32(value: i32) -> Tensor {
        Tensor {
            shape: Vec::new(),
            elements: Elements::I32(vec![value]),
        }
    }

    /// Takes the rows from one on off the end; what is left keeps no memory for them.
    pub fn split_off_rows(&mut self, row: usize) -> Tensor {
        fn cut<T>(values: &mut Vec<T>, at: usize) -> Vec<T> {
            let rest = values.split_off(at);
            values.shrink_to_fit();
            rest
        }
        let rows = self.shape.first().copied().unwrap_or(0);
        let row = row.min(rows);
        let at = row * self.shape.iter().skip(1).product::<usize>();
        let elements = match &mut self.elements {
            Elements::F32(values) => Elements::F32(cut(values, at)),
            Elements::F64(values) => Elements::F64(cut(values, at)),
            Elements::I32(values) => Elements::I32(cut(values, at)),
            Elements::Bool(values) => Elements::Bool(cut(values, at)),
            Elements::U8(values) => Elements::U8(cut(values, at)),
        };
        let mut shape = self.shape.clone();
        if let (Some(own), Some(other)) = (self.shape.first_mut(), shape.first_mut()) {
            (*own, *other) = (row, rows - row);
        }
        Tensor { shape, elements }
    }

    /// Sizes, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements in row-major order.
    pub fn elements(&self) -> &Elements {
        &self.elements
    }

    /// The elements, to be changed in place.
    pub fn elements_mut(&mut self) -> &mut Elements {
        &mut self.elements
    }

    /// Element type and sizes.
    pub fn ty(&self) -> Type {
        Type::new(self.dtype(), self.shape.clone())
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        match self.elements {
            Elements::F32(_) => DType::F32,
            Elements::F64(_) => DType::F64,
            Elements::I32(_) => DType::I32,
            Elements::Bool(_) => DType::Bool,
            Elements::U8(_) => DType::U8,
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        match &self.elements {
            Elements::F32(v) => v.len(),
            Elements::F64(v) => v.len(),
            Elements::I32(v) => v.len(),
            Elements::Bool(v) | Elements::U8(v) => v.len(),
        }
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Element `at` (row-major) as `f64`; `bool` gives 0 or 1. `None` beyond the end.
    pub fn get(&self, at: usize) -> Option<f64> {
        match &self.elements {
            Elements::F32(v) => v.get(at).map(|&x| f64::from(x)),
            Elements::F64(v) => v.get(at).copied(),
            Elements::I32(v) => v.get(at).map(|&x| f64::from(x)),
            Elements::Bool(v) | Elements::U8(v) => v.get(at).map(|&x| f64::from(x)),
        }
    }

    /// All elements as `f64`.
    pub fn to_f64(&self) -> Vec<f64> {
        (0..self.len()).filter_map(|at| self.get(at)).collect()
    }

    /// The `f32` elements; `None` for another type.
    pub fn as_f32(&self) -> Option<&[f32]> {
        match &self.elements {
            Elements::F32(v) => Some(v),
            Elements::F64(_) | Elements::I32(_) | Elements::Bool(_) | Elements::U8(_) => None,
        }
    }

    /// The `i32` elements; `None` for another type.
    pub fn as_i32(&self) -> Option<&[i32]> {
        match &self.elements {
            Elements::I32(v) => Some(v),
            Elements::F64(_) | Elements::F32(_) | Elements::Bool(_) | Elements::U8(_) => None,
        }
    }

    /// The same elements under other sizes; `None` where the counts differ.
    pub fn reshaped(self, shape: impl Into<Vec<usize>>) -> Option<Tensor> {
        Tensor::new(shape, self.elements)
    }

    /// The elements as bytes in native order.
    pub fn bytes(&self) -> Vec<u8> {
        match &self.elements {
            Elements::F32(v) => v.iter().flat_map(|x| x.to_ne_bytes()).collect(),
            Elements::F64(v) => v.iter().flat_map(|x| x.to_ne_bytes()).collect(),
            Elements::I32(v) => v.iter().flat_map(|x| x.to_ne_bytes()).collect(),
            Elements::Bool(v) | Elements::U8(v) => v.clone(),
        }
    }
}
