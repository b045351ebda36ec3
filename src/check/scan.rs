//! `scan`: a loop over one dimension that carries states.
use super::Checker;
use super::values::{Bindings, DimNames, Num, Outcome, Reported, TensorVal, Val};
use crate::base::source::Span;
use crate::base::types::{DType, Type};
use crate::syntax::ast::{Pattern, Scan, Source};
use crate::tir::Node;
use crate::tir::build::map;
use crate::tir::{Body, Inst, Op};

impl Checker<'_> {
    /// A `scan` expression: the stack of its body's values (a tuple of stacks for several states), the walked dimension where it was in
    /// the sequence, or in front for a range.
    pub(super) fn scan(&mut self, scan: &Scan, span: Span) -> Outcome<Val> {
        if !self.index_vars.is_empty() {
            return self.error(
                "E0422",
                span,
                "a `scan` cannot stand inside index notation",
                "bind it with `let` before",
            );
        }
        let around = self.depth();
        self.scans_within_limits(around, span)?;
        let walk = self.walk(scan, span)?;
        let (mut states, mut state_types): (Vec<TensorVal>, Vec<Type>) = (Vec::new(), Vec::new());
        let mut patterns = Vec::new();
        for state in &scan.states {
            let value = self.eval(&state.init)?;
            let parts = flatten(&state.pattern, value);
            let Some(parts) = parts else {
                return self.error(
                    "E0304",
                    state.init.span,
                    "the states and their initial values differ in number",
                    "write one initial value for each state",
                );
            };
            for (pattern, part) in parts {
                let part = match part {
                    Val::Builtin(_) | Val::Init(_) => {
                        return self.error(
                            "E0408",
                            state.init.span,
                            "an initial state wants its shape",
                            "write `zeros[n, hidden]`",
                        );
                    }
                    part => part,
                };
                if let Val::Tuple(values) = &part {
                    let names: Vec<&str> = ["a", "b", "c", "d"]
                        .into_iter()
                        .take(values.len())
                        .collect();
                    let help = format!(
                        "name each: `({}) = {}`",
                        names.join(", "),
                        self.short(state.init.span, "(...)")
                    );
                    let message = format!(
                        "`{}` is one state, and {} begin here",
                        pattern.text,
                        values.len()
                    );
                    return self.error("E0304", state.init.span, message, help);
                }
                let tensor = self.operand(&part, Some(self.float), state.init.span)?;
                state_types.push(self.type_of(&tensor));
                states.push(tensor);
                patterns.push(pattern);
            }
        }
        let state_values: Vec<_> = states.iter().map(|state| self.here(state)).collect();
        let sequence_values: Vec<_> = walk
            .sequences
            .iter()
            .map(|(sequence, axis)| (self.here(sequence), *axis))
            .collect();
        let outer_depth = self.depth();
        self.open_graph();
        let turn = self.graph().input("turn", Type::scalar(DType::I32));
        let turn = self.tensor(turn, Vec::new());
        self.scan_turns.push(turn.clone());
        self.frame().scopes.push(Bindings::new());
        let mut inner_states = Vec::new();
        for ((pattern, ty), state) in patterns.into_iter().zip(&state_types).zip(&states) {
            let value = self.graph().input("state", ty.clone());
            let tensor = self.tensor(value, state.dims.clone());
            inner_states.push(tensor.clone());
            self.bind(&pattern.text, Val::Tensor(tensor));
            self.note_name(&pattern);
        }
        let outcome = self.scan_body(scan, &walk, &turn, &state_types, span);
        self.frame().scopes.pop();
        self.scan_turns.pop();
        let open = match outcome {
            Ok(()) => self.segment.open.pop(),
            Err(Reported) => {
                self.segment.open.truncate(outer_depth + 1);
                return Err(Reported);
            }
        };
        let Some(mut open) = open else {
            return Err(Reported);
        };
        let stack_axis = walk.sequences.first().map_or(0, |(_, axis)| *axis);
        let mut result_types = state_types.clone();
        let outputs = std::mem::take(&mut self.scan_outputs);
        let mut stacks = Vec::new();
        let mut stack_dims: Vec<DimNames> = Vec::new();
        for output in &outputs {
            let mut ty = open.graph.ty(output.value).clone();
            let axis = stack_axis.min(ty.shape.len());
            ty.shape.insert(axis, walk.length);
            let mut dims = output.dims.clone();
            dims.resize(ty.shape.len() - 1, None);
            dims.insert(axis, walk.name.clone());
            stacks.push(axis);
            stack_dims.push(dims);
            result_types.push(ty);
        }
        let next: Vec<_> = outputs
            .iter()
            .take(states.len())
            .map(|output| output.value)
            .collect();
        open.graph.outputs = next
            .iter()
            .copied()
            .chain(outputs.iter().map(|output| output.value))
            .collect();
        let captured = open.captured.iter().map(|(outer, _)| *outer).collect();
        let node = Node::Scan(crate::tir::Scan {
            length: walk.length,
            reverse: scan.reverse,
            states: state_values,
            sequences: sequence_values,
            captured,
            stacks,
            body: Box::new(open.graph),
        });
        let results = self.graph().add(node, result_types, span);
        let mut values = Vec::new();
        for (at, dims) in stack_dims.into_iter().enumerate() {
            let stack = self.tensor(results[states.len() + at], dims);
            if at < states.len() {
                let state = self.tensor(results[at], states[at].dims.clone());
                self.final_states.insert((stack.epoch, stack.value), state);
            }
            values.push(Val::Tensor(stack));
        }
        Ok(if values.len() == 1 {
            values.remove(0)
        } else {
            Val::Tuple(values)
        })
    }

    /// What is walked.
    fn walk(&mut self, scan: &Scan, span: Span) -> Outcome<Walk> {
        match &scan.source {
            Source::Range {
                start,
                end,
                inclusive,
            } => {
                if let Some(over) = &scan.over {
                    return self.error(
                        "E0423",
                        over.span,
                        "a range has no dimensions",
                        "leave `over` out",
                    );
                }
                let (first, last) = (self.whole(start)?, self.whole(end)?);
                let length = last
                    .saturating_sub(first)
                    .saturating_add(i64::from(*inclusive));
                let length = length.max(0);
                // The last of the walk, where there is one: it and the number of turns are counted in an `i32`.
                let greatest = first.saturating_add(length.saturating_sub(1));
                let numbers = [first, greatest.max(first), length].map(i32::try_from);
                let [Ok(_), Ok(_), Ok(length)] = numbers else {
                    return self.error(
                        "E0311",
                        span,
                        "the range does not fit an i32",
                        "use a smaller one",
                    );
                };
                let length = length as usize;
                Ok(Walk {
                    length,
                    sequences: Vec::new(),
                    start: Some(first),
                    name: None,
                })
            }
            Source::Expr(expr) => {
                let value = self.eval(expr)?;
                let parts = match value {
                    Val::Tuple(parts) => parts,
                    other => vec![other],
                };
                let mut sequences = Vec::new();
                let mut name = None;
                for part in parts {
                    let tensor = self.operand(&part, None, expr.span)?;
                    let axis = match &scan.over {
                        None => 0,
                        Some(over) => self.walked_axis(&tensor, over)?,
                    };
                    let shape = self.type_of(&tensor).shape;
                    if shape.is_empty() {
                        return self.error(
                            "E0424",
                            expr.span,
                            "a scalar has no dimension to walk",
                            "walk a tensor or a range",
                        );
                    }
                    name = name.or(tensor.dims.get(axis).cloned().flatten());
                    sequences.push((tensor, axis));
                }
                let lengths: Vec<usize> = sequences
                    .iter()
                    .map(|(tensor, axis)| self.type_of(tensor).shape[*axis])
                    .collect();
                let Some(&length) = lengths.first() else {
                    let help = "walk a tensor or a range";
                    return self.error("E0424", expr.span, "a tuple of nothing is walked", help);
                };
                if lengths.iter().any(|&other| other != length) {
                    return self.error(
                        "E0425",
                        span,
                        format!("the sequences have different lengths: {lengths:?}"),
                        "make them equal",
                    );
                }
                Ok(Walk {
                    length,
                    sequences,
                    start: None,
                    name,
                })
            }
        }
    }

    fn walked_axis(
        &mut self,
        tensor: &TensorVal,
        over: &crate::syntax::ast::Expr,
    ) -> Outcome<usize> {
        if let Some(name) = Checker::dim_name(over)
            && let Some(axis) = self.named_axis(&tensor.dims, &name, over.span)?
        {
            return Ok(axis);
        }
        // A tensor whose dimensions have lost their names is walked along the one of the same size, if it is named by number.
        let value = match Checker::dim_name(over) {
            Some(name) => match self.lookup(&name) {
                Some(Val::Num(Num::Int(size))) => {
                    let shape = self.type_of(tensor).shape;
                    let fitting: Vec<usize> = (0..shape.len())
                        .filter(|&axis| shape[axis] as i64 == size)
                        .collect();
                    match fitting.as_slice() {
                        [axis] => Val::Num(Num::Int(*axis as i64)),
                        _ => Val::Str(name),
                    }
                }
                _ => Val::Str(name),
            },
            None => self.eval(over)?,
        };
        match self.axes(tensor, Some(&value), over.span)?.as_slice() {
            [axis] => Ok(*axis),
            _ => self.error(
                "E0318",
                over.span,
                "one dimension is walked",
                "write `over t`",
            ),
        }
    }

    /// A whole number known at compile time.
    pub(super) fn whole(&mut self, expr: &crate::syntax::ast::Expr) -> Outcome<i64> {
        match self.eval(expr)? {
            Val::Num(Num::Int(i)) | Val::Hyper(_, Num::Int(i)) => Ok(i),
            other => self.error(
                "E0406",
                expr.span,
                format!(
                    "a whole number known before the program runs is wanted, not {}",
                    other.kind()
                ),
                "write a number",
            ),
        }
    }

    /// Elaborates one turn; leaves the values to be stacked in `scan_outputs`.
    fn scan_body(
        &mut self,
        scan: &Scan,
        walk: &Walk,
        turn: &TensorVal,
        state_types: &[Type],
        span: Span,
    ) -> Outcome<()> {
        let mut elements = Vec::new();
        for (sequence, axis) in &walk.sequences {
            let mut ty = self.outer_type(sequence);
            ty.shape.remove(*axis);
            let mut dims = sequence.dims.clone();
            if *axis < dims.len() {
                dims.remove(*axis);
            }
            let value = self.graph().input("element", ty);
            elements.push(Val::Tensor(self.tensor(value, dims)));
        }
        let element = match (walk.start, elements.len()) {
            (Some(0), _) => Val::Tensor(turn.clone()),
            (Some(start), _) => {
                self.binary_number(Op::Add, Val::Tensor(turn.clone()), start, span)?
            }
            (None, 1) => elements.remove(0),
            (None, _) => Val::Tuple(elements),
        };
        self.bind_inner(&scan.pattern, element)?;
        let value = self.block_value(&scan.body.statements)?;
        let parts = match value {
            Val::Tuple(parts) => parts,
            other => vec![other],
        };
        if parts.len() < state_types.len() || parts.is_empty() {
            let message = format!(
                "the body gives {} value{}, the scan has {} state{}",
                parts.len(),
                if parts.len() == 1 { "" } else { "s" },
                state_types.len(),
                if state_types.len() == 1 { "" } else { "s" }
            );
            return self.error(
                "E0426",
                scan.body.span,
                message,
                "the last expression is the next state, or a tuple of them",
            );
        }
        let mut outputs = Vec::with_capacity(parts.len());
        for (at, part) in parts.iter().enumerate() {
            let wanted = state_types.get(at).map(|ty| ty.dtype);
            let mut tensor = self.operand(part, wanted, scan.body.span)?;
            if let Some(ty) = state_types.get(at) {
                if self.type_of(&tensor).shape.is_empty() && !ty.shape.is_empty() {
                    let dims = vec![None; ty.shape.len()];
                    tensor = self.stretched(&tensor, &ty.shape, &dims, span);
                }
                if self.type_of(&tensor) != *ty {
                    let described = self.describe(&tensor);
                    let message =
                        format!("the state has type {ty}, the body's value for it is {described}");
                    let found = self.type_of(&tensor);
                    return self.error(
                        "E0427",
                        scan.body.span,
                        message,
                        match parts.len() > state_types.len() {
                            true => "the next states come first, in their order; what follows them is only stacked".into(),
                            false => super::two_sides::for_state(ty, &found),
                        },
                    );
                }
            }
            let value = self.here(&tensor);
            let dims = tensor.dims.clone();
            outputs.push(self.own(value, dims, span));
        }
        self.scan_outputs = outputs;
        Ok(())
    }

    /// A value of this graph that is no input of it, so that it can be stacked.
    fn own(&mut self, value: crate::tir::Value, dims: DimNames, span: Span) -> TensorVal {
        let ty = self.graph().ty(value).clone();
        let is_input = matches!(self.graph().defining(value).node, Node::Input(_));
        if !is_input {
            return self.tensor(value, dims);
        }
        let read = self.graph().broadcast_read(value, &ty.shape);
        let mut body = Body::default();
        body.result = body.push(Inst::Read(0));
        let copy = self
            .graph()
            .comprehension(map(&ty.shape, vec![read], body, ty.dtype), span);
        self.tensor(copy, dims)
    }

    /// The type of a tensor of the graph around the one just opened.
    fn outer_type(&self, tensor: &TensorVal) -> Type {
        self.type_of(tensor)
    }

    fn binary_number(&mut self, op: Op, value: Val, number: i64, span: Span) -> Outcome<Val> {
        self.elementwise(
            op,
            &[value, Val::Num(Num::Int(number))],
            span,
            &[span, span],
        )
    }

    /// Binds what a turn walks, in the innermost scope.
    fn bind_inner(&mut self, pattern: &Pattern, value: Val) -> Outcome<()> {
        match (pattern, value) {
            (Pattern::Name(name), value) => {
                self.bind(&name.text, value);
                self.note_name(name);
                Ok(())
            }
            (Pattern::Tuple(parts, _), Val::Tuple(values)) if parts.len() == values.len() => parts
                .iter()
                .zip(values)
                .try_for_each(|(part, value)| self.bind_inner(part, value)),
            (Pattern::Tuple(parts, span), _) => self.error(
                "E0304",
                *span,
                format!("{} names for what is walked", parts.len()),
                "walk as many tensors: `scan (a, b) in (x, y) over t`",
            ),
        }
    }
}

/// What a scan walks.
struct Walk {
    length: usize,
    sequences: Vec<(TensorVal, usize)>,
    start: Option<i64>,
    name: Option<std::sync::Arc<str>>,
}

/// Names of a pattern with their parts of a value.
fn flatten(pattern: &Pattern, value: Val) -> Option<Vec<(crate::syntax::ast::Name, Val)>> {
    match (pattern, value) {
        (Pattern::Name(name), value) => Some(vec![(name.clone(), value)]),
        (Pattern::Tuple(parts, _), Val::Tuple(values)) if parts.len() == values.len() => {
            let mut flat = Vec::new();
            for (part, value) in parts.iter().zip(values) {
                flat.extend(flatten(part, value)?);
            }
            Some(flat)
        }
        (Pattern::Tuple(..), _) => None,
    }
}
