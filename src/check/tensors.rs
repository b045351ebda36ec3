//! Operations on whole tensors: elementwise with broadcasting, products, reductions, parts, joins.
use super::Checker;
use super::expr::static_number;
use super::values::{DimNames, Ix, Num, Outcome, Reported, TensorVal, Val};
use crate::base::source::Span;
use crate::base::types::{DType, Type};
use crate::tir::{Affine, Body, Comprehension, Guard, Inst, Node, Op, Order, Read, Reducer};
use std::rc::Rc;

impl Checker<'_> {
    /// An operator on each element, with NumPy's broadcasting; on indexed expressions it stays one.
    pub(super) fn elementwise(
        &mut self,
        op: Op,
        operands: &[Val],
        span: Span,
        spans: &[Span],
    ) -> Outcome<Val> {
        if operands.iter().any(super::poisoned) {
            return Err(Reported);
        }
        if operands.iter().any(|operand| matches!(operand, Val::Ix(_))) {
            return self.elementwise_indexed(op, operands, span, spans);
        }
        let dtype = self.common_type(op, operands);
        let mut tensors = Vec::with_capacity(operands.len());
        for (at, operand) in operands.iter().enumerate() {
            let wanted = if op == Op::Select && at == 0 {
                None
            } else {
                dtype
            };
            tensors.push(self.operand(operand, wanted, spans.get(at).copied().unwrap_or(span))?);
        }
        let types: Vec<DType> = tensors
            .iter()
            .map(|tensor| self.type_of(tensor).dtype)
            .collect();
        if op.result_type(&types).is_none() {
            return self.type_error(op, &types, span, spans);
        }
        let (shape, dims) = self.broadcast(&tensors, span, spans)?;
        self.fits_memory(&shape, span)?;
        let values: Vec<_> = tensors.iter().map(|tensor| self.here(tensor)).collect();
        let value = self.graph().elementwise(op, &values, &shape, span);
        Ok(Val::Tensor(self.tensor(value, dims)))
    }

    /// The element type that numbers among the operands take.
    fn common_type(&mut self, op: Op, operands: &[Val]) -> Option<DType> {
        let skip = usize::from(op == Op::Select);
        for operand in &operands[skip.min(operands.len())..] {
            match operand {
                Val::Tensor(tensor) => return Some(storage(self.type_of(tensor).dtype)),
                Val::Slot(slot, _) => return Some(storage(self.program.slot(*slot).ty.dtype)),
                Val::Bool(_) => return Some(DType::Bool),
                _ => {}
            }
        }
        None
    }

    /// An operand as a tensor; a number takes the other side's type where it fits it.
    pub(super) fn operand(
        &mut self,
        value: &Val,
        wanted: Option<DType>,
        span: Span,
    ) -> Outcome<TensorVal> {
        match (value, wanted) {
            (Val::Error, _) => Err(Reported),
            (Val::Num(number), Some(DType::I32)) => self
                .whole_number(*number, span)
                .map(|value| self.scalar_of(DType::I32, value)),
            (Val::Num(number), Some(dtype @ (DType::F64 | DType::F32))) => {
                Ok(self.scalar_of(dtype, number.value()))
            }
            (Val::List(_), wanted) => {
                let wanted = wanted.filter(|dtype| *dtype != DType::Bool);
                self.keeps_digits(value, wanted.unwrap_or(self.float), span)?;
                match self.list_tensor(value, wanted) {
                    Some(tensor) => Ok(tensor),
                    None => self.error("E0309", span, "this list is no tensor", "all rows must be lists of the same length, of numbers or of tensors of one shape"),
                }
            }
            (Val::Tensor(tensor), _) if !self.is_live(tensor) => self.error(
                "E0699",
                span,
                "fault of the compiler: a value of a step that has ended is read",
                "please report it together with the program",
            ),
            (value, _) => match self.as_tensor(value) {
                Some(tensor) => Ok(tensor),
                None => {
                    let (message, help) = self.no_tensor(value, span);
                    self.error("E0310", span, message, help)
                }
            },
        }
    }

    /// Refuses numbers of a list that whole numbers of 32 bits would change.
    pub(super) fn keeps_digits(&mut self, value: &Val, dtype: DType, span: Span) -> Outcome<()> {
        match (value, dtype) {
            (Val::Num(number), DType::I32) => self.whole_number(*number, span).map(|_| ()),
            (Val::List(items), DType::I32) => items
                .iter()
                .try_for_each(|(_, item)| self.keeps_digits(item, dtype, span)),
            _ => Ok(()),
        }
    }

    fn whole_number(&mut self, number: Num, span: Span) -> Outcome<f64> {
        match number {
            Num::Int(i) if i32::try_from(i).is_ok() => Ok(i as f64),
            Num::Int(i) => self.error(
                "E0311",
                span,
                format!("{i} does not fit an i32"),
                "i32 reaches from -2147483648 to 2147483647",
            ),
            Num::Float(x) => {
                let text = self.short(span, &x.to_string());
                self.error(
                    "E0312",
                    span,
                    format!("`{text}` meets whole numbers, i32"),
                    "convert those with `f32(...)`, or write a whole number",
                )
            }
        }
    }

    /// A scalar constant.
    pub(super) fn scalar_of(&mut self, dtype: DType, value: f64) -> TensorVal {
        let value = self.graph().splat(dtype, value, &[], Span::default());
        self.tensor(value, Vec::new())
    }

    pub(super) fn type_error<T>(
        &mut self,
        op: Op,
        types: &[DType],
        span: Span,
        spans: &[Span],
    ) -> Outcome<T> {
        let written: Vec<String> = types.iter().map(DType::to_string).collect();
        let help = match (op, types) {
            (Op::Div, [DType::I32, ..]) => {
                let place = spans.first().copied().unwrap_or(span);
                let text = self.short(place, "x");
                format!(
                    "integers are divided with `//`, rounded down; for fractions convert, `f32({text})`"
                )
            }
            (_, [DType::Bool, ..] | [_, DType::Bool, ..]) => {
                "convert truth values with `f32(...)`".to_string()
            }
            (_, [a, b]) if a != b => format!(
                "convert one side: `{}(...)`",
                if a.is_float() { *a } else { *b }
            ),
            (Op::Pow, [DType::I32, DType::I32]) => {
                "powers are of floats: `f32(...) ^ 2`; of whole numbers multiply".to_string()
            }
            (_, [DType::I32]) => "convert with `f32(...)`".to_string(),
            _ => "convert the element types".to_string(),
        };
        let sides: Vec<(Span, String)> = spans
            .iter()
            .zip(&written)
            .map(|(span, ty)| (*span, ty.clone()))
            .collect();
        self.shape_error(
            "E0313",
            span,
            format!(
                "`{}` does not take {}",
                written_op(op),
                written.join(" and ")
            ),
            &sides,
            &help,
        )
    }

    /// The common shape of several tensors, aligned from the right, size 1 stretching.
    fn broadcast(
        &mut self,
        tensors: &[TensorVal],
        span: Span,
        spans: &[Span],
    ) -> Outcome<(Vec<usize>, DimNames)> {
        let mut shape: Vec<usize> = Vec::new();
        let mut dims: DimNames = Vec::new();
        let mut owner: Vec<usize> = Vec::new();
        for (at, tensor) in tensors.iter().enumerate() {
            let ty = self.type_of(tensor);
            while shape.len() < ty.shape.len() {
                shape.insert(0, 1);
                dims.insert(0, None);
                owner.insert(0, at);
            }
            let lead = shape.len() - ty.shape.len();
            for (axis, &size) in ty.shape.iter().enumerate() {
                let place = lead + axis;
                let name = tensor.dims.get(axis).cloned().flatten();
                if size != shape[place] && size != 1 && shape[place] != 1 {
                    let first = owner[place];
                    let sides: Vec<(Span, String)> = [first, at]
                        .iter()
                        .filter_map(|&side| {
                            spans
                                .get(side)
                                .map(|place| (*place, self.describe(&tensors[side])))
                        })
                        .collect();
                    let axis_from_right = shape.len() - place;
                    let message = format!(
                        "these shapes do not fit: {} against {}",
                        self.describe(&tensors[first]),
                        self.describe(&tensors[at])
                    );
                    let rule = format!(
                        "counted from the right, dimension {axis_from_right} is {} on one side and {size} on the other; equal sizes or 1 are needed",
                        shape[place]
                    );
                    let help = match self.turning(&tensors[first], tensor, spans.get(at)) {
                        Some(turning) => turning,
                        None => rule,
                    };
                    return self.shape_error("E0314", span, message, &sides, &help);
                }
                if size != 1 || shape[place] == 1 && dims[place].is_none() {
                    if shape[place] == 1 || dims[place].is_none() {
                        dims[place] = name.or(dims[place].take());
                        owner[place] = at;
                    }
                    if size != 1 {
                        shape[place] = size;
                    }
                }
            }
        }
        Ok((shape, dims))
    }

    fn elementwise_indexed(
        &mut self,
        op: Op,
        operands: &[Val],
        span: Span,
        spans: &[Span],
    ) -> Outcome<Val> {
        let mut dtype = None;
        let skip = usize::from(op == Op::Select);
        for operand in &operands[skip..] {
            match operand {
                Val::Ix(ix) => {
                    dtype = dtype.or(Some(ix.dtype(&|tensor| self.type_of(tensor).dtype)))
                }
                Val::Tensor(_) | Val::Slot(..) => {
                    if let Some(tensor) = self.as_tensor(operand) {
                        dtype = dtype.or(Some(storage(self.type_of(&tensor).dtype)));
                    }
                }
                Val::Bool(_) => dtype = dtype.or(Some(DType::Bool)),
                _ => {}
            }
        }
        let wanted = dtype.unwrap_or(self.float);
        if wanted == DType::I32 {
            self.no_fraction_by_an_index(operands, span, spans)?;
        }
        let mut arguments = Vec::with_capacity(operands.len());
        for (at, operand) in operands.iter().enumerate() {
            let place = spans.get(at).copied().unwrap_or(span);
            let wanted = if op == Op::Select && at == 0 {
                DType::Bool
            } else {
                wanted
            };
            arguments.push(self.indexed_operand(operand, wanted, place)?);
        }
        let types: Vec<DType> = arguments
            .iter()
            .map(|argument| argument.dtype(&|tensor| self.type_of(tensor).dtype))
            .collect();
        if op.result_type(&types).is_none() {
            return self.type_error(op, &types, span, spans);
        }
        self.indexed(Ix::Op(op, arguments), span)
    }

    /// Refuses `0.5 * i`: an index is a whole number.
    fn no_fraction_by_an_index(
        &mut self,
        operands: &[Val],
        span: Span,
        spans: &[Span],
    ) -> Outcome<()> {
        let place = |at: usize| spans.get(at).copied().unwrap_or(span);
        let number = operands
            .iter()
            .position(|operand| matches!(operand, Val::Num(Num::Float(_))));
        let index = operands
            .iter()
            .position(|operand| matches!(operand, Val::Ix(_)));
        let (Some(number), Some(index)) = (number, index) else {
            return Ok(());
        };
        let (number, index) = (place(number), place(index));
        let (written, name) = (self.short(number, "it"), self.short(index, "i"));
        let message = format!("`{written}` has a fraction, and `{name}` is a whole number, i32");
        let sides = [(number, "f32".to_string()), (index, "i32".to_string())];
        let help = format!("an index counts in whole numbers: convert it, `f32({name})`");
        self.shape_error("E0312", span, message, &sides, &help)
    }

    /// An operand of index notation: an indexed expression, a number, or a scalar tensor.
    pub(super) fn indexed_operand(
        &mut self,
        value: &Val,
        wanted: DType,
        span: Span,
    ) -> Outcome<Rc<Ix>> {
        match value {
            Val::Ix(ix) => Ok(ix.clone()),
            Val::Num(number) if wanted == DType::I32 => Ok(Rc::new(Ix::Const(
                DType::I32,
                self.whole_number(*number, span)?,
            ))),
            Val::Num(number) => Ok(Rc::new(Ix::Const(wanted, number.value()))),
            Val::Bool(truth) => Ok(Rc::new(Ix::Const(DType::Bool, f64::from(u8::from(*truth))))),
            other => {
                let tensor = self.operand(other, Some(wanted), span)?;
                if !self.type_of(&tensor).shape.is_empty() {
                    let message = format!(
                        "a whole tensor of shape {} stands in an indexed expression",
                        self.describe(&tensor)
                    );
                    return self.error("E0315", span, message, "index it: `x[i, j]`");
                }
                Ok(Rc::new(Ix::Access(tensor, Vec::new(), span)))
            }
        }
    }

    /// `a @ b`: the sum over the last dimension of `a` and the last but one of `b` (its only one if it is a vector), batched by broadcasting.
    pub(super) fn matmul(
        &mut self,
        a: &Val,
        b: &Val,
        span: Span,
        a_span: Span,
        b_span: Span,
    ) -> Outcome<Val> {
        let left = self.operand(a, None, a_span)?;
        let right = self.operand(b, None, b_span)?;
        let (left_type, right_type) = (self.type_of(&left), self.type_of(&right));
        let sides = [
            (a_span, self.describe(&left)),
            (b_span, self.describe(&right)),
        ];
        if left_type.shape.is_empty() || right_type.shape.is_empty() {
            return self.shape_error(
                "E0316",
                span,
                "`@` multiplies matrices and vectors, and one side is a scalar".into(),
                &sides,
                "write `*`",
            );
        }
        if left_type.dtype != right_type.dtype || !left_type.dtype.is_float() {
            let message = format!(
                "`@` multiplies floats of one type, not {} and {}",
                left_type.dtype, right_type.dtype
            );
            let help = "convert with `f32(...)`, or write the sum: `let y[i, j] = sum[k] a[i, k] * b[k, j]`";
            return self.shape_error("E0313", span, message, &sides, help);
        }
        let (left_rank, right_rank) = (left_type.shape.len(), right_type.shape.len());
        let k_axis = right_rank.saturating_sub(2);
        let (k, k_right) = (left_type.shape[left_rank - 1], right_type.shape[k_axis]);
        if k != k_right {
            let message =
                format!("the inner sizes of `@` differ: {k} columns against {k_right} rows");
            let help = if left_rank >= 2 && left_type.shape[left_rank - 2] == k_right {
                format!(
                    "transpose the left side: `transpose({})`",
                    self.short(sides[0].0, "a")
                )
            } else if right_rank == 2 && left_rank == 2 && right_type.shape[1] == k {
                let (a, b) = (self.short(sides[0].0, "a"), self.short(sides[1].0, "b"));
                let (rows, columns) = (left_type.shape[0], right_type.shape[0]);
                format!(
                    "transpose one side: `{a} @ transpose({b})` is [{rows}, {columns}], `{b} @ transpose({a})` is [{columns}, {rows}]"
                )
            } else if right_rank >= 2 && right_type.shape[right_rank - 1] == k {
                format!(
                    "transpose the right side: `transpose({})`",
                    self.short(sides[1].0, "b")
                )
            } else {
                self.help_for_product(
                    (&left_type.shape, k),
                    &right_type.shape,
                    [sides[0].0, sides[1].0],
                )
            };
            return self.shape_error("E0317", span, message, &sides, &help);
        }
        let batch_left = &left_type.shape[..left_rank.saturating_sub(2)];
        let batch_right = &right_type.shape[..right_rank.saturating_sub(2)];
        let batch_rank = batch_left.len().max(batch_right.len());
        let mut shape = Vec::new();
        let mut dims: DimNames = Vec::new();
        for axis in 0..batch_rank {
            let side = |batch: &[usize]| {
                (axis + batch.len())
                    .checked_sub(batch_rank)
                    .map(|at| (at, batch[at]))
            };
            let (l, r) = (side(batch_left), side(batch_right));
            let size = match (l, r) {
                (Some((_, 1)), Some((_, size))) | (None, Some((_, size))) => size,
                (Some((_, size)), Some((_, 1)) | None) => size,
                (Some((_, x)), Some((_, y))) if x == y => x,
                (Some((_, x)), Some((_, y))) => {
                    let message = format!("the matrices of `@` differ in number: {x} against {y}");
                    let help = "each matrix on the left meets one on the right: equal numbers, or one matrix for all";
                    return self.shape_error("E0314", span, message, &sides, help);
                }
                (None, None) => 1,
            };
            dims.push(
                l.and_then(|(at, _)| left.dims.get(at).cloned().flatten())
                    .or(r.and_then(|(at, _)| right.dims.get(at).cloned().flatten())),
            );
            shape.push(size);
        }
        let row = (left_rank >= 2).then(|| {
            shape.push(left_type.shape[left_rank - 2]);
            dims.push(left.dims.get(left_rank - 2).cloned().flatten());
            shape.len() - 1
        });
        let column = (right_rank >= 2).then(|| {
            shape.push(right_type.shape[right_rank - 1]);
            dims.push(right.dims.get(right_rank - 1).cloned().flatten());
            shape.len() - 1
        });
        self.fits_memory(&shape, span)?;
        let inner = shape.len();
        let batch = |sizes: &[usize]| -> Vec<Affine> {
            let lead = batch_rank - sizes.len();
            sizes
                .iter()
                .enumerate()
                .map(|(at, &size)| {
                    if size == 1 && shape[lead + at] != 1 {
                        Affine::constant(0)
                    } else {
                        Affine::index(lead + at)
                    }
                })
                .collect()
        };
        let mut left_subscripts = batch(batch_left);
        left_subscripts.extend(row.map(Affine::index));
        left_subscripts.push(Affine::index(inner));
        let mut right_subscripts = batch(batch_right);
        right_subscripts.push(Affine::index(inner));
        right_subscripts.extend(column.map(Affine::index));
        let (left_value, right_value) = (self.here(&left), self.here(&right));
        let dtype = left_type.dtype;
        let mut body = Body::default();
        let factors = [body.push(Inst::Read(0)), body.push(Inst::Read(1))];
        body.result = body.op(Op::Mul, &factors);
        let product = Comprehension {
            shape,
            reduce: vec![k],
            reducer: Some(Reducer::Sum),
            order: Order::default(),
            domain: Guard::always(),
            reads: vec![
                Read::affine(left_value, dtype, left_subscripts),
                Read::affine(right_value, dtype, right_subscripts),
            ],
            body,
            dtype,
        };
        let value = self.graph().comprehension(product, span);
        Ok(Val::Tensor(self.tensor(value, dims)))
    }

    /// The dimension of a name; of two that have it, neither is meant more than the other.
    pub(super) fn named_axis(
        &mut self,
        dims: &DimNames,
        name: &str,
        span: Span,
    ) -> Outcome<Option<usize>> {
        let dims = dims.iter().enumerate();
        let mut found = dims.filter(|(_, dim)| dim.as_deref() == Some(name));
        let first = found.next().map(|(axis, _)| axis);
        match (first, found.next()) {
            (Some(axis), Some((other, _))) => self.error(
                "E0318",
                span,
                format!("two dimensions are called `{name}`"),
                format!("give the number of the one that is meant: {axis} or {other}"),
            ),
            (first, _) => Ok(first),
        }
    }

    /// The axes that `over` names: a number, a dimension's name, or a tuple of them; all where nothing is written.
    pub(super) fn axes(
        &mut self,
        tensor: &TensorVal,
        over: Option<&Val>,
        span: Span,
    ) -> Outcome<Vec<usize>> {
        let rank = self.type_of(tensor).shape.len();
        let Some(over) = over else {
            return Ok((0..rank).collect());
        };
        match over {
            Val::Num(Num::Int(i)) => {
                let axis = if *i < 0 { *i + rank as i64 } else { *i };
                if (0..rank as i64).contains(&axis) {
                    return Ok(vec![axis as usize]);
                }
                let message = format!("there is no dimension {i} in {}", self.describe(tensor));
                self.error(
                    "E0318",
                    span,
                    message,
                    format!(
                        "dimensions are counted from 0 to {}, or by name",
                        rank.saturating_sub(1)
                    ),
                )
            }
            Val::Str(name) => match self.named_axis(&tensor.dims, name, span)? {
                Some(axis) => Ok(vec![axis]),
                None => {
                    let message = format!(
                        "there is no dimension `{name}` in {}",
                        self.describe(tensor)
                    );
                    self.error(
                        "E0318",
                        span,
                        message,
                        "give its number, or name it in the signature",
                    )
                }
            },
            Val::Tuple(parts) => {
                let mut axes = Vec::new();
                for part in parts {
                    axes.extend(self.axes(tensor, Some(part), span)?);
                }
                axes.sort_unstable();
                axes.dedup();
                Ok(axes)
            }
            other => self.error(
                "E0318",
                span,
                format!("`over` takes a dimension, not {}", other.kind()),
                "write its name or its number",
            ),
        }
    }

    /// A reduction of some axes.
    pub(super) fn reduced(
        &mut self,
        reducer: Reducer,
        tensor: &TensorVal,
        axes: &[usize],
        keep: bool,
        span: Span,
    ) -> Outcome<TensorVal> {
        let ty = self.type_of(tensor);
        if ty.dtype == DType::Bool || ty.dtype == DType::U8 {
            if reducer != Reducer::Sum {
                return self.type_error(Op::Max, &[ty.dtype], span, &[span]);
            }
            let float = self.float;
            let counted = self.cast(&Val::Tensor(tensor.clone()), float, span)?;
            let Val::Tensor(counted) = counted else {
                return Err(Reported);
            };
            return self.reduced(reducer, &counted, axes, keep, span);
        }
        if matches!(reducer, Reducer::Max | Reducer::Min | Reducer::ArgMax)
            && axes.iter().any(|&axis| ty.shape[axis] == 0)
        {
            return self.error(
                "E0319",
                span,
                format!("`{}` of nothing: a size is 0", reducer.name()),
                "check the shape",
            );
        }
        let reduced: Vec<usize> = axes.iter().map(|&axis| ty.shape[axis]).collect();
        self.terms_within_limits(Some(reducer), &[], &reduced, span)?;
        let value = self.here(tensor);
        let mut value = self.graph().reduce(reducer, value, axes, span);
        let mut dims: DimNames = tensor
            .dims
            .iter()
            .enumerate()
            .filter(|(axis, _)| !axes.contains(axis))
            .map(|(_, dim)| dim.clone())
            .collect();
        if keep {
            let shape: Vec<usize> = ty
                .shape
                .iter()
                .enumerate()
                .map(|(axis, &size)| if axes.contains(&axis) { 1 } else { size })
                .collect();
            dims = tensor
                .dims
                .iter()
                .enumerate()
                .map(|(axis, dim)| {
                    if axes.contains(&axis) {
                        None
                    } else {
                        dim.clone()
                    }
                })
                .collect();
            let dtype = self.graph().ty(value).dtype;
            value = self
                .graph()
                .add(Node::Reshape(value), vec![Type::new(dtype, shape)], span)[0];
        }
        Ok(self.tensor(value, dims))
    }

    /// A mean: the sum divided by the count.
    pub(super) fn mean_of(
        &mut self,
        tensor: &TensorVal,
        axes: &[usize],
        keep: bool,
        span: Span,
    ) -> Outcome<Val> {
        let ty = self.type_of(tensor);
        let count: usize = axes.iter().map(|&axis| ty.shape[axis]).product();
        let tensor = match ty.dtype {
            DType::I32 | DType::Bool | DType::U8 => {
                let float = self.float;
                match self.cast(&Val::Tensor(tensor.clone()), float, span)? {
                    Val::Tensor(tensor) => tensor,
                    _ => return Err(Reported),
                }
            }
            DType::F32 | DType::F64 => tensor.clone(),
        };
        let sum = self.reduced(Reducer::Sum, &tensor, axes, keep, span)?;
        self.elementwise(
            Op::Div,
            &[Val::Tensor(sum), Val::Num(Num::Int(count as i64))],
            span,
            &[span, span],
        )
    }

    /// A conversion of element types.
    pub(super) fn cast(&mut self, value: &Val, to: DType, span: Span) -> Outcome<Val> {
        let op = match to {
            DType::F32 => Op::ToF32,
            DType::F64 => Op::ToF64,
            DType::I32 | DType::U8 => Op::ToI32,
            DType::Bool => Op::ToBool,
        };
        if let Val::Ix(ix) = value {
            return Ok(self.ix(Ix::Op(op, vec![ix.clone()])));
        }
        if let Some(number) = static_number(value) {
            let number = if op == Op::ToI32 {
                number.value().trunc()
            } else {
                number.value()
            };
            return Ok(Val::Tensor(self.scalar_of(to, number)));
        }
        let tensor = self.operand(value, None, span)?;
        if self.type_of(&tensor).dtype == to {
            return Ok(Val::Tensor(tensor));
        }
        let shape = self.type_of(&tensor).shape;
        let value = self.here(&tensor);
        let value = self.graph().elementwise(op, &[value], &shape, span);
        Ok(Val::Tensor(self.tensor(value, tensor.dims)))
    }
}

/// The type that a stored one reads as.
pub(super) fn storage(dtype: DType) -> DType {
    if dtype == DType::U8 {
        DType::I32
    } else {
        dtype
    }
}

/// An operator as programs write it.
fn written_op(op: Op) -> &'static str {
    match op {
        Op::Add => "+",
        Op::Sub | Op::Neg => "-",
        Op::Mul => "*",
        Op::Div => "/",
        Op::FloorDiv => "//",
        Op::Mod => "%",
        Op::Pow => "^",
        Op::Lt => "<",
        Op::Le => "<=",
        Op::Eq => "==",
        Op::Ne => "!=",
        Op::Select => "where",
        other => other.name(),
    }
}
