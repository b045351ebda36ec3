//! Parts of tensors and their opposites: subscripts and slices, padding, other sizes and orders, joins.
use super::Checker;
use super::expr::static_number;
use super::tensors::storage;
use super::values::{DimNames, Num, Outcome, Reported, TensorVal, Val};
use crate::base::source::Span;
use crate::base::types::{DType, Type};
use crate::syntax::ast::Subscript;
use crate::tir::build::map;
use crate::tir::{Affine, Body, Guard, Inst, Literal, Node, Read};

/// The mend where truth values choose elements.
const KEEPS_ITS_SIZE: &str = "a tensor keeps its size: `where(c, x, 0.0)` keeps the elements where `c` is true and puts 0 elsewhere";

impl Checker<'_> {
    /// The mend where a tensor has another number of dimensions than it is given subscripts.
    fn help_for_subscripts(&self, values: &[Option<Val>], lacking: bool, span: Span) -> String {
        let of = |value: &Val| match value {
            Val::Tensor(tensor) => Some(self.type_of(tensor)),
            Val::Slot(slot, _) => Some(self.program.slot(*slot).ty.clone()),
            _ => None,
        };
        let tensors = values.iter().flatten().filter_map(of);
        let vector = tensors.into_iter().find(|ty| !ty.shape.is_empty());
        let text = self.short(span, "");
        match vector.map(|ty| ty.dtype) {
            Some(DType::Bool) => KEEPS_ITS_SIZE.into(),
            Some(DType::I32) => {
                "gather rows by a tensor in index notation: `let y[i, j] = x[t[i], j]`".into()
            }
            _ if lacking && let Some(open) = text.strip_suffix(']') => format!(
                "write one for each dimension: `{open}, ..]` takes all that are left, `:` all of one"
            ),
            _ => {
                "write one for each dimension; `:` takes all of one, `..` all that are left".into()
            }
        }
    }

    /// `x[...]`: with indices of index notation an element; else a part, by numbers, slices and `..`.
    pub(super) fn subscripted(
        &mut self,
        tensor: &TensorVal,
        subscripts: &[Subscript],
        span: Span,
    ) -> Outcome<Val> {
        let mut values: Vec<Option<Val>> = Vec::with_capacity(subscripts.len());
        for subscript in subscripts {
            values.push(match subscript {
                Subscript::Expr(expr) => Some(self.eval(expr)?),
                Subscript::Slice(..) | Subscript::Rest(..) => None,
            });
        }
        if !self.index_vars.is_empty()
            && values
                .iter()
                .flatten()
                .any(|value| matches!(value, Val::Ix(_)))
        {
            return self.element(tensor, subscripts, &values, span);
        }
        self.part(tensor, subscripts, &values, span)
    }

    fn part(
        &mut self,
        tensor: &TensorVal,
        subscripts: &[Subscript],
        values: &[Option<Val>],
        span: Span,
    ) -> Outcome<Val> {
        let ty = self.type_of(tensor);
        let rests = subscripts
            .iter()
            .filter(|subscript| matches!(subscript, Subscript::Rest(..)))
            .count();
        let given = subscripts.len() - rests;
        if rests > 1 || given > ty.shape.len() || (rests == 0 && given < ty.shape.len()) {
            let message = super::index::subscripts_for(given, &self.describe(tensor));
            let help = self.help_for_subscripts(values, given < ty.shape.len(), span);
            return self.error("E0320", span, message, help);
        }
        let mut read = Vec::new();
        let (mut shape, mut dims): (Vec<usize>, DimNames) = (Vec::new(), Vec::new());
        let mut gathers: Vec<TensorVal> = Vec::new();
        let mut axis = 0;
        for (subscript, value) in subscripts.iter().zip(values) {
            match (subscript, value) {
                (Subscript::Rest(..), _) => {
                    for _ in 0..ty.shape.len() - given {
                        read.push(crate::tir::Subscript::Affine(Affine::index(shape.len())));
                        shape.push(ty.shape[axis]);
                        dims.push(tensor.dims.get(axis).cloned().flatten());
                        axis += 1;
                    }
                    continue;
                }
                (Subscript::Slice(start, end, place), _) => {
                    let size = ty.shape[axis];
                    let start = self.slice_end(start.as_ref(), 0, size, *place)?;
                    let end = self.slice_end(end.as_ref(), size, size, *place)?;
                    if start > end {
                        return self.error(
                            "E0321",
                            *place,
                            format!("the slice {start}:{end} runs backward"),
                            "start comes first",
                        );
                    }
                    read.push(crate::tir::Subscript::Affine(
                        Affine::index(shape.len()).plus_constant(start as i64),
                    ));
                    shape.push(end - start);
                    dims.push(tensor.dims.get(axis).cloned().flatten());
                }
                (Subscript::Expr(expr), Some(Val::Num(Num::Int(i)))) => {
                    let size = ty.shape[axis] as i64;
                    if !(0..size).contains(i) {
                        return self.error(
                            "E0322",
                            expr.span,
                            format!("index {i} is out of bounds: the dimension has {size}"),
                            match size {
                                0 => "the dimension has no elements".to_string(),
                                size if (-size..0).contains(i) => format!(
                                    "write {}: negative numbers count from the end in slices only",
                                    size + i
                                ),
                                size => format!("count from 0: the last is {}", size - 1),
                            },
                        );
                    }
                    read.push(crate::tir::Subscript::Affine(Affine::constant(*i)));
                }
                (Subscript::Expr(expr), Some(value)) => {
                    let index = self.operand(value, Some(DType::I32), expr.span)?;
                    let index_type = self.type_of(&index);
                    if index_type.dtype != DType::I32 && index_type.dtype != DType::U8
                        || !index_type.shape.is_empty()
                    {
                        let message = format!(
                            "a subscript is a number or an i32 scalar, not {}",
                            self.describe(&index)
                        );
                        return self.error(
                            "E0323",
                            expr.span,
                            message,
                            match self.type_of(&index).dtype {
                                DType::Bool => KEEPS_ITS_SIZE,
                                _ => "gather by a tensor in index notation: `let y[i] = x[t[i]]`",
                            },
                        );
                    }
                    read.push(crate::tir::Subscript::Gather(gathers.len() as u32));
                    gathers.push(index);
                }
                (Subscript::Expr(_), None) => return Err(Reported),
            }
            axis += 1;
        }
        let mut reads: Vec<Read> = Vec::new();
        for gather in &gathers {
            let (value, dtype) = (self.here(gather), self.type_of(gather).dtype);
            reads.push(Read::affine(value, dtype, []));
        }
        let value = self.here(tensor);
        reads.push(Read {
            value,
            subscripts: read,
            guard: Guard::always(),
            fill: Literal {
                dtype: ty.dtype,
                value: 0.0,
            },
        });
        let mut body = Body::default();
        body.result = body.push(Inst::Read(reads.len() as u32 - 1));
        let value = self
            .graph()
            .comprehension(map(&shape, reads, body, storage(ty.dtype)), span);
        Ok(Val::Tensor(self.tensor(value, dims)))
    }

    fn slice_end(
        &mut self,
        end: Option<&crate::syntax::ast::Expr>,
        default: usize,
        size: usize,
        span: Span,
    ) -> Outcome<usize> {
        let Some(end) = end else { return Ok(default) };
        let value = self.eval(end)?;
        match static_number(&value) {
            Some(Num::Int(i)) => {
                let at = if i < 0 { i + size as i64 } else { i };
                if (0..=size as i64).contains(&at) {
                    return Ok(at as usize);
                }
                self.error(
                    "E0321",
                    span,
                    format!("the slice reaches {i}, the dimension has {size}"),
                    "keep it within the dimension",
                )
            }
            _ => self.error(
                "E0321",
                end.span,
                "a slice's ends are numbers known before the program runs",
                "gather by a tensor in index notation",
            ),
        }
    }

    /// A tensor written into a larger one, `fill` around it.
    pub(super) fn padded(
        &mut self,
        tensor: &TensorVal,
        axis: usize,
        left: i64,
        right: i64,
        fill: f64,
        span: Span,
    ) -> Outcome<TensorVal> {
        let ty = self.type_of(tensor);
        let limit = i32::MAX.unsigned_abs().into();
        if left.unsigned_abs() > limit || right.unsigned_abs() > limit {
            let help = "pad by less";
            return self.error("E0324", span, "this padding is too large", help);
        }
        let size = ty.shape[axis] as i64 + left + right;
        if size < 0 {
            return self.error(
                "E0324",
                span,
                format!("padding by {left} and {right} leaves a size of {size}"),
                "pad by less",
            );
        }
        let mut shape = ty.shape.clone();
        shape[axis] = size as usize;
        self.fits_memory(&shape, span)?;
        let position = Affine::index(axis).plus_constant(-left);
        let guard = Guard::within(&position, ty.shape[axis])
            .simplified(&shape)
            .unwrap_or_else(|| Guard::within(&position, ty.shape[axis]));
        let subscripts = (0..shape.len()).map(|at| {
            if at == axis {
                position.clone()
            } else {
                Affine::index(at)
            }
        });
        let value = self.here(tensor);
        let mut read = Read::affine(value, ty.dtype, subscripts);
        read.guard = guard;
        read.fill = Literal {
            dtype: ty.dtype,
            value: fill,
        };
        let mut body = Body::default();
        body.result = body.push(Inst::Read(0));
        let value = self
            .graph()
            .comprehension(map(&shape, vec![read], body, storage(ty.dtype)), span);
        Ok(self.tensor(value, tensor.dims.clone()))
    }

    /// A tensor under other sizes.
    pub(super) fn reshaped(
        &mut self,
        tensor: &TensorVal,
        shape: Vec<usize>,
        dims: DimNames,
        span: Span,
    ) -> TensorVal {
        let dtype = self.type_of(tensor).dtype;
        let value = self.here(tensor);
        let value = self
            .graph()
            .add(Node::Reshape(value), vec![Type::new(dtype, shape)], span)[0];
        self.tensor(value, dims)
    }

    /// Dimensions in another order.
    pub(super) fn permuted(
        &mut self,
        tensor: &TensorVal,
        order: &[usize],
        span: Span,
    ) -> TensorVal {
        let ty = self.type_of(tensor);
        let shape: Vec<usize> = order.iter().map(|&axis| ty.shape[axis]).collect();
        let subscripts = (0..ty.shape.len())
            .map(|axis| Affine::index(order.iter().position(|&a| a == axis).unwrap_or(axis)));
        let value = self.here(tensor);
        let read = Read::affine(value, ty.dtype, subscripts);
        let mut body = Body::default();
        body.result = body.push(Inst::Read(0));
        let value = self
            .graph()
            .comprehension(map(&shape, vec![read], body, storage(ty.dtype)), span);
        let dims = order
            .iter()
            .map(|&axis| tensor.dims.get(axis).cloned().flatten())
            .collect();
        self.tensor(value, dims)
    }

    /// Tensors of one shape along a new dimension.
    pub(super) fn stack_parts(
        &mut self,
        parts: &[TensorVal],
        axis: usize,
        span: Span,
    ) -> TensorVal {
        let mut shape = self.type_of(&parts[0]).shape;
        let mut dims = parts[0].dims.clone();
        shape.insert(axis, 1);
        dims.insert(axis.min(dims.len()), None);
        let rows: Vec<TensorVal> = parts
            .iter()
            .map(|part| self.reshaped(part, shape.clone(), dims.clone(), span))
            .collect();
        self.joined(&rows, axis, span)
    }

    /// Tensors one after the other; they agree except along the axis.
    pub(super) fn joined(&mut self, parts: &[TensorVal], axis: usize, span: Span) -> TensorVal {
        let mut ty = self.type_of(&parts[0]);
        ty.shape[axis] = parts
            .iter()
            .map(|part| self.type_of(part).shape[axis])
            .sum();
        let values: Vec<_> = parts.iter().map(|part| self.here(part)).collect();
        let value = self.graph().add(Node::Concat(values, axis), vec![ty], span)[0];
        let mut dims = parts[0].dims.clone();
        if parts.len() > 1 && axis < dims.len() {
            dims[axis] = None;
        }
        self.tensor(value, dims)
    }

    /// A scalar stretched to a shape.
    pub(super) fn stretched(
        &mut self,
        tensor: &TensorVal,
        shape: &[usize],
        dims: &DimNames,
        span: Span,
    ) -> TensorVal {
        if self.type_of(tensor).shape == shape {
            return self.renamed(tensor.clone(), dims.clone());
        }
        let dtype = self.type_of(tensor).dtype;
        let value = self.here(tensor);
        let read = self.graph().broadcast_read(value, shape);
        let mut body = Body::default();
        body.result = body.push(Inst::Read(0));
        let value = self
            .graph()
            .comprehension(map(shape, vec![read], body, storage(dtype)), span);
        self.tensor(value, dims.clone())
    }
}
