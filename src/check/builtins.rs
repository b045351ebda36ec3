//! The functions that the compiler itself knows.
use super::Checker;
use super::call::Argument;
use super::expr::static_number;
use super::values::{Builtin, DimNames, Init, Num, Outcome, Reported, TensorVal, Val};
use crate::base::source::Span;
use crate::base::types::DType;
use crate::tir::{Node, Op, Reducer};
use std::rc::Rc;

/// Arguments sorted into positional and named.
struct Sorted {
    positional: Vec<Argument>,
    named: Vec<Argument>,
}

impl Sorted {
    fn take(&mut self, name: &str) -> Option<Argument> {
        let at = self
            .named
            .iter()
            .position(|argument| argument.name.as_deref() == Some(name))?;
        Some(self.named.remove(at))
    }
}

impl Checker<'_> {
    /// Calls a function of the compiler.
    pub(super) fn builtin(
        &mut self,
        builtin: Builtin,
        name: &str,
        arguments: Vec<Argument>,
        span: Span,
    ) -> Outcome<Val> {
        if arguments
            .iter()
            .any(|argument| super::poisoned(&argument.value))
        {
            return Err(Reported);
        }
        let (named, positional) = arguments
            .into_iter()
            .partition(|argument| argument.name.is_some());
        let mut sorted = Sorted { positional, named };
        let value = self.builtin_inner(builtin, name, &mut sorted, span)?;
        match sorted.named.first() {
            Some(extra) => {
                let extra_name = extra.name.clone().unwrap_or_default();
                self.error(
                    "E0202",
                    extra.span,
                    format!("`{name}` has no argument `{extra_name}`"),
                    "leave it out",
                )
            }
            None => Ok(value),
        }
    }

    fn builtin_inner(
        &mut self,
        builtin: Builtin,
        name: &str,
        sorted: &mut Sorted,
        span: Span,
    ) -> Outcome<Val> {
        let wants =
            |checker: &mut Self, sorted: &Sorted, counts: &[usize], usage: &str| -> Outcome<()> {
                if counts.contains(&sorted.positional.len()) {
                    return Ok(());
                }
                let given = sorted.positional.len();
                checker.error(
                    "E0410",
                    span,
                    format!(
                        "`{name}` is called with {given} argument{}",
                        if given == 1 { "" } else { "s" }
                    ),
                    format!("write `{usage}`"),
                )
            };
        match builtin {
            Builtin::Unary(op) => {
                wants(self, sorted, &[1], &format!("{name}(x)"))?;
                let argument = sorted.positional[0].clone();
                self.unary_function(op, argument, span)
            }
            Builtin::Cast(to) => {
                wants(self, sorted, &[1], &format!("{name}(x)"))?;
                let value = self.listed(&sorted.positional[0].value);
                self.cast(&value, to, span)
            }
            Builtin::Reduce(reducer)
                if sorted.positional.len() == 2
                    && matches!(reducer, Reducer::Max | Reducer::Min) =>
            {
                let (a, b) = (sorted.positional[0].clone(), sorted.positional[1].clone());
                if let (Some(x), Some(y)) = (static_number(&a.value), static_number(&b.value)) {
                    let first = if reducer == Reducer::Max {
                        x.value() >= y.value()
                    } else {
                        x.value() <= y.value()
                    };
                    return Ok(if first { a.value } else { b.value });
                }
                let op = if reducer == Reducer::Max {
                    Op::Max
                } else {
                    Op::Min
                };
                self.elementwise(op, &[a.value, b.value], span, &[a.span, b.span])
            }
            Builtin::Reduce(_) | Builtin::Mean => {
                wants(self, sorted, &[1], &format!("{name}(x, over = d)"))?;
                self.reduction(builtin, sorted, span)
            }
            Builtin::Where => {
                wants(self, sorted, &[3], "where(condition, a, b)")?;
                let [c, a, b] = [0, 1, 2].map(|at| sorted.positional[at].clone());
                if let Val::Bool(truth) = c.value {
                    return Ok(if truth { a.value } else { b.value });
                }
                let (mut first, mut second) = (a.value, b.value);
                let indexed = [&c.value, &first, &second]
                    .iter()
                    .any(|value| matches!(value, Val::Ix(_)));
                if !indexed && static_number(&first).is_some() && static_number(&second).is_some() {
                    let float = self.float;
                    let whole = |value: &Val| static_number(value).map_or(0.0, Num::value);
                    first = Val::Tensor(self.scalar_of(float, whole(&first)));
                    second = Val::Tensor(self.scalar_of(float, whole(&second)));
                }
                self.elementwise(
                    Op::Select,
                    &[c.value, first, second],
                    span,
                    &[c.span, a.span, b.span],
                )
            }
            Builtin::Concat | Builtin::Stack => self.join(builtin, name, sorted, span),
            Builtin::Split => {
                wants(self, sorted, &[2], "split(x, parts, over = d)")?;
                self.split(sorted, span)
            }
            Builtin::Reshape => {
                wants(self, sorted, &[2], "reshape(x, [sizes])")?;
                self.reshape(sorted, span)
            }
            Builtin::Transpose => {
                wants(self, sorted, &[1, 2], "transpose(x, [names])")?;
                self.transpose(sorted, span)
            }
            Builtin::Pad => {
                wants(
                    self,
                    sorted,
                    &[1],
                    "pad(x, left = 1, right = 1, over = d, fill = 0)",
                )?;
                self.pad(sorted, span)
            }
            Builtin::Last => {
                wants(self, sorted, &[1], "last(scan ...)")?;
                self.last(&sorted.positional[0].value.clone(), span)
            }
            Builtin::StopGradient => {
                wants(self, sorted, &[1], "stop_gradient(x)")?;
                let value = self.listed(&sorted.positional[0].value);
                if matches!(value, Val::Ix(_) | Val::Num(_)) {
                    return Ok(value);
                }
                let tensor = self.operand(&value, None, span)?;
                let ty = self.type_of(&tensor);
                let inner = self.here(&tensor);
                let value = self.graph().add(Node::StopGradient(inner), vec![ty], span)[0];
                Ok(Val::Tensor(self.tensor(value, tensor.dims)))
            }
            Builtin::Normal | Builtin::Uniform => {
                let values = sorted
                    .positional
                    .iter()
                    .map(|argument| argument.value.clone())
                    .collect();
                let counts: &[usize] = if builtin == Builtin::Normal {
                    &[1, 2]
                } else {
                    &[2]
                };
                wants(
                    self,
                    sorted,
                    counts,
                    if builtin == Builtin::Normal {
                        "normal(deviation)[n, d]"
                    } else {
                        "uniform(low, high)[n, d]"
                    },
                )?;
                Ok(Val::Init(Rc::new(Init::Builtin(builtin, values))))
            }
            Builtin::Zeros | Builtin::Ones => self.error(
                "E0408",
                span,
                format!("`{name}` is given its shape in brackets"),
                format!("write `{name}[n, d]`"),
            ),
            Builtin::FanIn | Builtin::FanOut => {
                wants(self, sorted, &[1], &format!("{name}(shape)"))?;
                self.fan(builtin, &sorted.positional[0].value.clone(), span)
            }
            Builtin::Batches => self.make_batches(
                sorted
                    .positional
                    .drain(..)
                    .chain(sorted.named.drain(..))
                    .collect(),
                span,
            ),
            Builtin::Data => self.make_data(
                sorted
                    .positional
                    .drain(..)
                    .chain(sorted.named.drain(..))
                    .collect(),
                span,
            ),
            Builtin::NoImprovement => {
                let epochs = sorted.take("epochs").or_else(|| sorted.positional.pop());
                match epochs {
                    Some(epochs) => Ok(Val::Patience(
                        self.count(&epochs.value, epochs.span, "the number of epochs")?
                            .max(1),
                    )),
                    None => self.error(
                        "E0412",
                        span,
                        "`no_improvement` wants its number of epochs",
                        "write `no_improvement(epochs = 3)`",
                    ),
                }
            }
            Builtin::Decode => self.error(
                "E0420",
                span,
                "`decode` writes characters and stands in `print` only",
                "write `print decode(tokens, text)`",
            ),
            Builtin::Grad | Builtin::Evaluate => self.error(
                "E0407",
                span,
                format!("`{name}` cannot be used this way"),
                "call it by its name",
            ),
        }
    }

    /// A list as a tensor, anything else as it is.
    fn listed(&mut self, value: &Val) -> Val {
        match value {
            Val::List(_) => self
                .list_tensor(value, None)
                .map_or(value.clone(), Val::Tensor),
            other => other.clone(),
        }
    }

    fn unary_function(&mut self, op: Op, argument: Argument, span: Span) -> Outcome<Val> {
        if let Some(number) = static_number(&argument.value) {
            let x = number.value();
            if let (Op::Abs, Num::Int(i)) = (op, number) {
                return Ok(Val::Num(Num::Int(i.abs())));
            }
            let value = match op {
                Op::Exp => x.exp(),
                Op::Log => x.ln(),
                Op::Sqrt => x.sqrt(),
                Op::Sin => x.sin(),
                Op::Cos => x.cos(),
                Op::Tanh => x.tanh(),
                Op::Abs => x.abs(),
                Op::Floor => x.floor(),
                _ => {
                    let tensor = Val::Tensor(self.scalar_of(self.float, x));
                    return self.elementwise(op, &[tensor], span, &[argument.span]);
                }
            };
            return Ok(Val::Num(Num::Float(value)));
        }
        let value = self.listed(&argument.value);
        // sqrt of a size or index is a float.
        let value = match (&value, op) {
            (
                Val::Ix(ix),
                Op::Exp | Op::Log | Op::Sqrt | Op::Sin | Op::Cos | Op::Tanh | Op::Sigmoid | Op::Erf,
            ) if ix.dtype(&|tensor| self.type_of(tensor).dtype) == DType::I32 => {
                let float = self.float;
                self.cast(&value, float, span)?
            }
            _ => value,
        };
        self.elementwise(op, &[value], span, &[argument.span])
    }

    fn reduction(&mut self, builtin: Builtin, sorted: &mut Sorted, span: Span) -> Outcome<Val> {
        let argument = sorted.positional[0].clone();
        let over = sorted.take("over");
        let keep = match sorted.take("keep").map(|keep| keep.value) {
            None | Some(Val::Bool(false)) => false,
            Some(Val::Bool(true)) => true,
            Some(other) => {
                return self.error(
                    "E0406",
                    span,
                    format!("`keep` is true or false, not {}", other.kind()),
                    "write `keep = true`",
                );
            }
        };
        if let Val::Ix(_) = argument.value {
            return Ok(argument.value);
        }
        let tensor = self.operand(&argument.value, None, argument.span)?;
        let axes = self.axes(
            &tensor,
            over.as_ref().map(|over| &over.value),
            over.as_ref().map_or(span, |over| over.span),
        )?;
        match builtin {
            Builtin::Mean => self.mean_of(&tensor, &axes, keep, span),
            Builtin::Reduce(reducer) => Ok(Val::Tensor(
                self.reduced(reducer, &tensor, &axes, keep, span)?,
            )),
            _ => Err(Reported),
        }
    }

    fn one_axis(
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

    fn join(
        &mut self,
        builtin: Builtin,
        name: &str,
        sorted: &mut Sorted,
        span: Span,
    ) -> Outcome<Val> {
        let mut arguments: Vec<Argument> = std::mem::take(&mut sorted.positional);
        if let [
            Argument {
                value: Val::List(items),
                span,
                ..
            },
        ] = arguments.as_slice()
        {
            let span = *span;
            arguments = items
                .iter()
                .map(|(_, value)| Argument {
                    name: None,
                    value: value.clone(),
                    span,
                })
                .collect();
        } else if let [
            Argument {
                value: Val::Tuple(parts),
                span,
                ..
            },
        ] = arguments.as_slice()
        {
            let span = *span;
            arguments = parts
                .iter()
                .map(|value| Argument {
                    name: None,
                    value: value.clone(),
                    span,
                })
                .collect();
        }
        if arguments.is_empty() {
            return self.error(
                "E0410",
                span,
                format!("`{name}` joins at least one tensor"),
                format!("write `{name}(a, b, over = d)`"),
            );
        }
        let mut parts = Vec::with_capacity(arguments.len());
        for argument in &arguments {
            parts.push(self.operand(&argument.value, None, argument.span)?);
        }
        let first = parts[0].clone();
        let first_type = self.type_of(&first);
        let axis = if builtin == Builtin::Stack {
            match sorted.take("over") {
                None => 0,
                Some(over) => match over.value {
                    Val::Num(Num::Int(i)) => {
                        let rank = first_type.shape.len() as i64 + 1;
                        let axis = if i < 0 { i + rank } else { i };
                        if !(0..rank).contains(&axis) {
                            return self.error(
                                "E0318",
                                over.span,
                                format!("a stack of these has dimensions 0 to {}", rank - 1),
                                "choose one of them",
                            );
                        }
                        axis as usize
                    }
                    _ => {
                        return self.error(
                            "E0318",
                            over.span,
                            "a stack's new dimension is given by its number",
                            "write `over = 0`",
                        );
                    }
                },
            }
        } else {
            let over = sorted.take("over");
            self.one_axis(&first, over, 0, span)?
        };
        for (part, argument) in parts.iter().zip(&arguments).skip(1) {
            let ty = self.type_of(part);
            let fits = ty.dtype == first_type.dtype
                && ty.shape.len() == first_type.shape.len()
                && ty
                    .shape
                    .iter()
                    .zip(&first_type.shape)
                    .enumerate()
                    .all(|(at, (a, b))| a == b || (at == axis && builtin == Builtin::Concat));
            if !fits {
                let sides = [
                    (arguments[0].span, self.describe(&first)),
                    (argument.span, self.describe(part)),
                ];
                return self.shape_error(
                    "E0357",
                    argument.span,
                    format!("`{name}` joins tensors that agree in all other dimensions"),
                    &sides,
                    "reshape or slice them to agree",
                );
            }
        }
        if first_type.shape.is_empty() && builtin == Builtin::Concat {
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

    fn split(&mut self, sorted: &mut Sorted, span: Span) -> Outcome<Val> {
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
                vec![size / parts; parts]
            }
        };
        if sizes.iter().sum::<usize>() != size {
            return self.error(
                "E0358",
                second.span,
                format!(
                    "the parts have {} in all, the dimension {size}",
                    sizes.iter().sum::<usize>()
                ),
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
        use crate::tir::build::map;
        use crate::tir::{Affine, Body, Inst, Read};
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

    fn reshape(&mut self, sorted: &mut Sorted, span: Span) -> Outcome<Val> {
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
                    let message = self.not_a_size(*x);
                    return self.error(
                        "E0303",
                        second.span,
                        message,
                        "`//` rounds down; or choose sizes that divide",
                    );
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

    fn transpose(&mut self, sorted: &mut Sorted, span: Span) -> Outcome<Val> {
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
                        _ => {
                            let described = self.describe(&tensor);
                            let shown = name.as_deref().unwrap_or("this").to_string();
                            return self.error(
                                "E0318",
                                span,
                                format!("there is no dimension `{shown}` in {described}"),
                                "name the dimensions in the signature, or give their numbers",
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

    fn pad(&mut self, sorted: &mut Sorted, span: Span) -> Outcome<Val> {
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

    fn fan(&mut self, builtin: Builtin, value: &Val, span: Span) -> Outcome<Val> {
        let sizes = match value {
            Val::Sizes(sizes, _) => sizes.clone(),
            other => match self.as_tensor(other) {
                Some(tensor) => self.type_of(&tensor).shape,
                None => {
                    return self.error(
                        "E0301",
                        span,
                        "a fan is that of a shape",
                        "bind the shape in the signature: `-> [..s]`",
                    );
                }
            },
        };
        // [in, out] for rank 2, [out, in, k...] above; a vector counts as its own fan.
        let (fan_in, fan_out) = match sizes.as_slice() {
            [] => (1, 1),
            [n] => (*n, *n),
            [inputs, outputs] => (*inputs, *outputs),
            [outputs, inputs, kernel @ ..] => {
                let taps: usize = kernel.iter().product();
                (inputs * taps, outputs * taps)
            }
        };
        Ok(Val::Num(Num::Int(if builtin == Builtin::FanIn {
            fan_in
        } else {
            fan_out
        } as i64)))
    }

    /// The last element of each stack along the dimension that was walked (the first: 0 by construction of `scan`).
    fn last(&mut self, value: &Val, span: Span) -> Outcome<Val> {
        match value {
            Val::Tuple(parts) => {
                let mut values = Vec::with_capacity(parts.len());
                for part in parts.clone() {
                    values.push(self.last(&part, span)?);
                }
                Ok(Val::Tuple(values))
            }
            other => {
                let tensor = self.operand(other, None, span)?;
                match self
                    .final_states
                    .get(&(tensor.epoch, tensor.value))
                    .cloned()
                {
                    Some(state) => Ok(Val::Tensor(state)),
                    None => self.error(
                        "E0421",
                        span,
                        "`last` takes a `scan`",
                        "write `last(scan ...)`; for a tensor write `x[n - 1]`",
                    ),
                }
            }
        }
    }
}
