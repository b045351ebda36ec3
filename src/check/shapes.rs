//! The functions that give tensors another shape: joining, splitting, reshaping, transposing, padding.
use super::Checker;
use super::builtins::Sorted;
use super::call::Argument;
use super::limits::MOST_PARTS;
use super::values::{Builtin, DimNames, Num, Outcome, TensorVal, Val};
use crate::base::source::Span;
use crate::tir::build::map;
use crate::tir::{Affine, Body, Inst, Read};
use std::sync::Arc;

impl Checker<'_> {
    pub(super) fn one_axis(
        &mut self,
        tensor: &TensorVal,
        over: Option<Argument>,
        default: usize,
        span: Span,
    ) -> Outcome<usize> {
        match over {
            None => Ok(default),
            Some(over) => match self.axes(tensor, Some(&over.value), over.span)?.as_slice() {
                [axis] => Ok(*axis),
                _ => self.error("E0318", span, "one dimension is wanted", "write `over = d`"),
            },
        }
    }

    pub(super) fn join(
        &mut self,
        builtin: Builtin,
        name: &str,
        sorted: &mut Sorted,
        span: Span,
    ) -> Outcome<Val> {
        let arguments = spread(std::mem::take(&mut sorted.positional));
        let mut parts = Vec::with_capacity(arguments.len());
        for argument in &arguments {
            parts.push(self.operand(&argument.value, None, argument.span)?);
        }
        let Some(first) = parts.first().cloned() else {
            return self.error(
                "E0410",
                span,
                format!("`{name}` joins at least one tensor"),
                format!("write `{name}(a, b, over = d)`"),
            );
        };
        let rank = self.type_of(&first).shape.len();
        let over = sorted.take("over");
        let axis = if builtin == Builtin::Stack {
            self.stack_axis(over, rank)?
        } else {
            self.one_axis(&first, over, 0, span)?
        };
        let free = (builtin == Builtin::Concat).then_some(axis);
        self.parts_agree(name, &parts, &arguments, free)?;
        if rank == 0 && builtin == Builtin::Concat {
            return self.error(
                "E0357",
                span,
                "scalars have no dimension to be joined along",
                "write `stack(a, b)`",
            );
        }
        Ok(Val::Tensor(if builtin == Builtin::Stack {
            self.stack_parts(&parts, axis, span)
        } else {
            self.joined(&parts, axis, span)
        }))
    }

    /// The place of a stack's new dimension among `rank` others.
    fn stack_axis(&mut self, over: Option<Argument>, rank: usize) -> Outcome<usize> {
        let Some(over) = over else { return Ok(0) };
        let Val::Num(Num::Int(i)) = over.value else {
            return self.error(
                "E0318",
                over.span,
                "a stack's new dimension is given by its number",
                "write `over = 0`",
            );
        };
        let dimensions = rank as i64 + 1;
        let axis = if i < 0 { i + dimensions } else { i };
        if (0..dimensions).contains(&axis) {
            return Ok(axis as usize);
        }
        self.error(
            "E0318",
            over.span,
            format!("a stack of these has dimensions 0 to {rank}"),
            "choose one of them",
        )
    }

    /// Whether all parts are like the first, but for the size of the dimension that is `free`.
    fn parts_agree(
        &mut self,
        name: &str,
        parts: &[TensorVal],
        arguments: &[Argument],
        free: Option<usize>,
    ) -> Outcome<()> {
        let first = self.type_of(&parts[0]);
        for (part, argument) in parts.iter().zip(arguments).skip(1) {
            let ty = self.type_of(part);
            let mut sizes = ty.shape.iter().zip(&first.shape).enumerate();
            let fits = ty.dtype == first.dtype
                && ty.shape.len() == first.shape.len()
                && sizes.all(|(at, (a, b))| a == b || free == Some(at));
            if !fits {
                let sides = [
                    (arguments[0].span, self.describe(&parts[0])),
                    (argument.span, self.describe(part)),
                ];
                let (message, help) = super::two_sides::not_joined(name, &first, &ty, free);
                return self.shape_error("E0357", argument.span, message, &sides, &help);
            }
        }
        Ok(())
    }

    pub(super) fn split(&mut self, sorted: &mut Sorted, span: Span) -> Outcome<Val> {
        let tensor = self.operand(
            &sorted.positional[0].value.clone(),
            None,
            sorted.positional[0].span,
        )?;
        let over = sorted.take("over");
        let axis = self.one_axis(&tensor, over, 0, span)?;
        let ty = self.type_of(&tensor);
        let size = ty.shape.get(axis).copied().unwrap_or(1);
        let second = sorted.positional[1].clone();
        let sizes: Vec<usize> = match &second.value {
            Val::List(items) => {
                let mut sizes = Vec::new();
                for (_, item) in items {
                    sizes.push(self.count(item, second.span, "a part's size")?);
                }
                sizes
            }
            other => {
                let parts = self.count(other, second.span, "the number of parts")?;
                if parts == 0 || !size.is_multiple_of(parts) {
                    return self.error(
                        "E0358",
                        second.span,
                        format!("{size} does not split into {parts} equal parts"),
                        "give a number that divides it, or a list of sizes",
                    );
                }
                if parts > MOST_PARTS {
                    return self.too_many_parts(parts, second.span);
                }
                vec![size / parts; parts]
            }
        };
        let all = sizes
            .iter()
            .fold(0usize, |all, &part| all.saturating_add(part));
        if all != size {
            return self.error(
                "E0358",
                second.span,
                format!("the parts have {all} in all, the dimension {size}"),
                "make them add up",
            );
        }
        let mut start = 0;
        let mut parts = Vec::with_capacity(sizes.len());
        for part in sizes {
            parts.push(Val::Tensor(self.slice_of(&tensor, axis, start, part, span)));
            start += part;
        }
        Ok(Val::Tuple(parts))
    }

    /// `size` positions along an axis.
    pub(super) fn slice_of(
        &mut self,
        tensor: &TensorVal,
        axis: usize,
        start: usize,
        size: usize,
        span: Span,
    ) -> TensorVal {
        let ty = self.type_of(tensor);
        let mut shape = ty.shape.clone();
        shape[axis] = size;
        let subscripts = (0..shape.len()).map(|at| {
            if at == axis {
                Affine::index(at).plus_constant(start as i64)
            } else {
                Affine::index(at)
            }
        });
        let value = self.here(tensor);
        let read = Read::affine(value, ty.dtype, subscripts);
        let mut body = Body::default();
        body.result = body.push(Inst::Read(0));
        let value = self.graph().comprehension(
            map(&shape, vec![read], body, super::tensors::storage(ty.dtype)),
            span,
        );
        self.tensor(value, tensor.dims.clone())
    }

    pub(super) fn reshape(&mut self, sorted: &mut Sorted, span: Span) -> Outcome<Val> {
        let tensor = self.operand(
            &sorted.positional[0].value.clone(),
            None,
            sorted.positional[0].span,
        )?;
        let second = sorted.positional[1].clone();
        let Val::List(items) = &second.value else {
            return self.error(
                "E0359",
                second.span,
                "the new sizes are a list",
                "write `reshape(x, [n, 10])`",
            );
        };
        let total = self.type_of(&tensor).len();
        let (mut shape, mut dims): (Vec<usize>, DimNames) = (Vec::new(), Vec::new());
        let mut open = None;
        for (name, item) in items {
            dims.push(name.clone());
            match item {
                Val::Num(Num::Int(-1)) if open.is_none() => {
                    open = Some(shape.len());
                    shape.push(1);
                }
                Val::Num(Num::Float(x)) => {
                    let (message, help) = self.not_a_size(*x);
                    return self.error("E0303", second.span, message, help);
                }
                item => shape.push(self.count(item, second.span, "a size")?),
            }
        }
        if let Some(axis) = open {
            self.fits_memory(&shape, second.span)?;
            let rest: usize = shape.iter().product();
            if rest == 0 || !total.is_multiple_of(rest) {
                let described = self.describe(&tensor);
                return self.error(
                    "E0360",
                    second.span,
                    format!("{described} has {total} elements, which do not divide by {rest}"),
                    "choose sizes that fit",
                );
            }
            shape[axis] = total / rest;
        }
        self.fits_memory(&shape, second.span)?;
        if shape.iter().product::<usize>() != total {
            let described = self.describe(&tensor);
            let message = format!(
                "{described} has {total} elements, {shape:?} has {}",
                shape.iter().product::<usize>()
            );
            return self.error(
                "E0360",
                second.span,
                message,
                "a reshape keeps the number of elements; one size may be -1",
            );
        }
        Ok(Val::Tensor(self.reshaped(&tensor, shape, dims, span)))
    }

    pub(super) fn transpose(&mut self, sorted: &mut Sorted, span: Span) -> Outcome<Val> {
        let tensor = self.operand(
            &sorted.positional[0].value.clone(),
            None,
            sorted.positional[0].span,
        )?;
        let rank = self.type_of(&tensor).shape.len();
        let order: Vec<usize> = match sorted.positional.get(1).cloned() {
            None if rank >= 2 => (0..rank - 2).chain([rank - 1, rank - 2]).collect(),
            None => {
                return self.error(
                    "E0361",
                    span,
                    "a transpose wants two dimensions or more",
                    "a vector has no transpose: use index notation",
                );
            }
            Some(Argument {
                value: Val::List(items),
                span,
                ..
            }) => {
                let mut order = Vec::new();
                for (name, item) in &items {
                    let by_name = name.as_ref().and_then(|name| {
                        tensor
                            .dims
                            .iter()
                            .position(|dim| dim.as_ref() == Some(name))
                    });
                    let axis = match (by_name, item) {
                        (Some(axis), _) => axis,
                        (None, Val::Num(Num::Int(i)))
                            if (0..rank as i64).contains(i) && name.is_none() =>
                        {
                            *i as usize
                        }
                        (None, Val::Num(Num::Int(size)))
                            if name.is_some()
                                && let Some(axis) = only_axis_of_size(
                                    self.type_of(&tensor).shape.as_slice(),
                                    &tensor.dims,
                                    &items,
                                    *size,
                                ) =>
                        {
                            axis
                        }
                        _ => {
                            let described = self.describe(&tensor);
                            let shown = match (name, item) {
                                (Some(name), _) => name.to_string(),
                                (None, Val::Num(number)) => number.value().to_string(),
                                (None, _) => "this".into(),
                            };
                            return self.error(
                                "E0318",
                                span,
                                format!("there is no dimension `{shown}` in {described}"),
                                format!(
                                    "their numbers are 0 to {}; names are given in the signature",
                                    rank.saturating_sub(1)
                                ),
                            );
                        }
                    };
                    order.push(axis);
                }
                order
            }
            Some(other) => {
                return self.error(
                    "E0361",
                    other.span,
                    "the new order is a list of dimensions",
                    "write `transpose(x, [n, heads, t, e])`",
                );
            }
        };
        let mut sorted_order = order.clone();
        sorted_order.sort_unstable();
        if sorted_order != (0..rank).collect::<Vec<_>>() {
            return self.error(
                "E0361",
                span,
                format!("the order names {} of {rank} dimensions", order.len()),
                "name each dimension once",
            );
        }
        Ok(Val::Tensor(self.permuted(&tensor, &order, span)))
    }

    pub(super) fn pad(&mut self, sorted: &mut Sorted, span: Span) -> Outcome<Val> {
        let tensor = self.operand(
            &sorted.positional[0].value.clone(),
            None,
            sorted.positional[0].span,
        )?;
        let side = |checker: &mut Self, argument: Option<Argument>| -> Outcome<i64> {
            match argument.map(|argument| (argument.value, argument.span)) {
                None => Ok(0),
                Some((Val::Num(Num::Int(i)), _)) => Ok(i),
                Some((other, span)) => checker.error(
                    "E0406",
                    span,
                    format!("a padding is a whole number, not {}", other.kind()),
                    "write `left = 1`",
                ),
            }
        };
        let left = sorted.take("left");
        let left = side(self, left)?;
        let right = sorted.take("right");
        let right = side(self, right)?;
        let over = sorted.take("over");
        let rank = self.type_of(&tensor).shape.len();
        if rank == 0 {
            return self.error(
                "E0318",
                span,
                "a scalar has no dimension to pad",
                "pad tensors",
            );
        }
        let axis = self.one_axis(&tensor, over, 0, span)?;
        let fill = match sorted.take("fill") {
            None => 0.0,
            Some(fill) => self.number(&fill.value, fill.span, "`fill`")?,
        };
        if left == 0 && right == 0 {
            return Ok(Val::Tensor(tensor));
        }
        Ok(Val::Tensor(
            self.padded(&tensor, axis, left, right, fill, span)?,
        ))
    }
}

/// The parts of a list or tuple that is the only argument, or the arguments themselves.
/// The only dimension of this size that no name of the list claims: what a layer calls `units` may be what the caller calls `p`.
fn only_axis_of_size(
    shape: &[usize],
    dims: &DimNames,
    names: &[(Option<Arc<str>>, Val)],
    size: i64,
) -> Option<usize> {
    let claimed = |axis: usize| {
        let dim = dims.get(axis).and_then(Option::as_ref);
        dim.is_some_and(|dim| names.iter().any(|(name, _)| name.as_ref() == Some(dim)))
    };
    let mut free = (0..shape.len()).filter(|&axis| shape[axis] as i64 == size && !claimed(axis));
    let axis = free.next()?;
    free.next().is_none().then_some(axis)
}

fn spread(mut arguments: Vec<Argument>) -> Vec<Argument> {
    let values: Vec<Val> = match arguments.as_slice() {
        [only] => match &only.value {
            Val::List(items) => items.iter().map(|(_, value)| value.clone()).collect(),
            Val::Tuple(parts) => parts.to_vec(),
            _ => return arguments,
        },
        _ => return arguments,
    };
    let span = arguments.remove(0).span;
    let part = |value| Argument {
        name: None,
        value,
        span,
    };
    values.into_iter().map(part).collect()
}
