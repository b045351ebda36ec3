//! Learning: `minimize`, `grad`, optimizers.
use super::call::Argument;
use super::program::{SlotId, SlotKind};
use super::values::{Bindings, OptimizerUse, Outcome, Reported, TensorVal, Val};
use super::{Checker, Frame};
use crate::base::source::Span;
use crate::base::types::{DType, Type};
use crate::syntax::ast::Expr;
use crate::tir::{Node, Op, Value};
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

/// What `train` adds to a step.
#[derive(Default)]
pub struct StepOptions {
    /// The greatest norm of all gradients together.
    pub clip_norm: Option<f64>,
    /// Parameters (by slot) that weight decay leaves alone.
    pub no_decay: Vec<SlotId>,
    /// Over how many steps gradients are averaged before an update; 0 and 1: every step updates.
    pub accumulate: usize,
}

impl Checker<'_> {
    /// `minimize objective over parameters with optimizer`: one step; its value is the objective's before the step.
    pub(super) fn minimize(
        &mut self,
        objective: &Expr,
        over: &[Expr],
        optimizer: &Expr,
        span: Span,
    ) -> Outcome<Val> {
        if !self.at_top() {
            return self.error(
                "E0428",
                span,
                "`minimize` stands at the top level of a program",
                "a layer or function computes; the program trains",
            );
        }
        let outer = std::mem::replace(&mut self.training, true);
        let value = self.eval(objective);
        self.training = outer;
        let tensor = self.objective(value?, objective.span)?;
        let mut chosen = Vec::new();
        for expr in over {
            self.parameters_of(expr, &mut chosen)?;
        }
        let limits = if over.is_empty() { None } else { Some(chosen) };
        self.descend(&tensor, limits, optimizer, &StepOptions::default(), span)?;
        self.export("loss", tensor.clone(), objective.span);
        self.segment
            .objectives
            .push((tensor.clone(), objective.span, true));
        Ok(Val::Tensor(tensor))
    }

    /// An objective: a scalar tensor of floats.
    pub(super) fn objective(&mut self, value: Val, span: Span) -> Outcome<TensorVal> {
        self.one_number(value, "minimized", span)
    }

    pub(super) fn one_number(&mut self, value: Val, done: &str, span: Span) -> Outcome<TensorVal> {
        let tensor = self.operand(&value, None, span)?;
        let ty = self.type_of(&tensor);
        let described = self.describe(&tensor);
        if ty.shape.is_empty() && !ty.dtype.is_float() {
            let message = format!("what is {done} is a number with fractions, not {described}");
            let help = format!(
                "whole numbers have no slopes: compute with floats, `{0}({1})`, or write the data with a point",
                DType::F32,
                self.short(span, "x")
            );
            return self.shape_error("E0362", span, message, &[(span, described)], &help);
        }
        if !ty.shape.is_empty() {
            return self.shape_error(
                "E0362",
                span,
                format!("what is {done} is one number, not {described}"),
                &[(span, described)],
                &self.help_for_one_number(&tensor, &ty, span),
            );
        }
        Ok(tensor)
    }

    /// The mend where several numbers stand for the one that is minimized or differentiated.
    fn help_for_one_number(&self, tensor: &TensorVal, ty: &Type, span: Span) -> String {
        let open = self.segment.open.get(tensor.depth);
        let slope = open.is_some_and(|open| {
            matches!(
                open.graph.defining(tensor.value).node,
                Node::Gradient { .. }
            )
        });
        match ty.shape.as_slice() {
            [n] if slope => {
                let g = self.short(span, "g");
                format!(
                    "of a gradient `{g}` take the gradient of each element, `scan i in 0..{n} {{ grad({g}[i], x) }}` is the Hessian, or of its product with a vector, `grad(sum({g} * v), x)`"
                )
            }
            _ => "reduce it: `mean(...)`, or use a loss".into(),
        }
    }

    /// The parameters that an expression after `over` names.
    pub(super) fn parameters_of(&mut self, expr: &Expr, into: &mut Vec<SlotId>) -> Outcome<()> {
        let value = self.eval(expr)?;
        self.parameters_in(&value, expr.span, into)
    }

    fn parameters_in(&mut self, value: &Val, span: Span, into: &mut Vec<SlotId>) -> Outcome<()> {
        match value {
            Val::Instance(instance) => {
                into.extend(
                    self.slots_of(instance, Some(SlotKind::Parameter))
                        .into_iter()
                        .map(|entry| entry.1),
                );
                Ok(())
            }
            Val::Slot(slot, _) if self.program.slot(*slot).kind == SlotKind::Parameter => {
                into.push(*slot);
                Ok(())
            }
            Val::Tuple(parts) => parts
                .iter()
                .try_for_each(|part| self.parameters_in(part, span, into)),
            Val::List(parts) => parts
                .iter()
                .try_for_each(|(_, part)| self.parameters_in(part, span, into)),
            other => self.error(
                "E0429",
                span,
                format!("layers and parameters are wanted, not {}", other.kind()),
                "write `over net` or `over net.W`",
            ),
        }
    }

    /// One step of descent: gradients, then the optimizer on each parameter.
    pub(super) fn descend(
        &mut self,
        objective: &TensorVal,
        limits: Option<Vec<SlotId>>,
        optimizer: &Expr,
        options: &StepOptions,
        span: Span,
    ) -> Outcome<()> {
        let read = self.parameters_read(objective);
        let chosen = |slot: &SlotId| limits.as_ref().is_none_or(|limits| limits.contains(slot));
        let parameters: Vec<SlotId> = read.iter().copied().filter(chosen).collect();
        if parameters.is_empty() {
            return self.error_for_no_parameter(&read, span);
        }
        self.some_slope(objective, &parameters, span)?;
        let step = self.step_slot(optimizer.span);
        let outer = self.step.replace(step);
        let due = self.due(options, optimizer.span, span);
        let outcome =
            due.and_then(|due| self.updates(objective, &parameters, optimizer, options, due, span));
        self.step = outer;
        let due = outcome?;
        let counter = self.read_slot(step, &Vec::new());
        let one = match due {
            Some(due) => self.cast(&due, DType::I32, span)?,
            None => Val::Num(super::values::Num::Int(1)),
        };
        let next = self.elementwise(Op::Add, &[Val::Tensor(counter), one], span, &[span, span])?;
        if let Val::Tensor(next) = next {
            self.write_slot(step, next, span);
        }
        Ok(())
    }

    fn step_slot(&mut self, place: Span) -> SlotId {
        if let Some(&slot) = self.step_slots.get(&place) {
            return slot;
        }
        let slot = self.new_slot(
            "step",
            Type::scalar(DType::I32),
            SlotKind::OptimizerState,
            None,
        );
        self.step_slots.insert(place, slot);
        slot
    }

    fn updates(
        &mut self,
        objective: &TensorVal,
        parameters: &[SlotId],
        optimizer: &Expr,
        options: &StepOptions,
        due: Option<Val>,
        span: Span,
    ) -> Outcome<Option<Val>> {
        let used = match self.eval(optimizer)? {
            Val::OptimizerUse(used) => used,
            other => return self.no_optimizer(&other, optimizer),
        };
        let config = self.optimizer_config(&used)?;
        let weights: Vec<TensorVal> = parameters
            .iter()
            .map(|&slot| self.read_slot(slot, &Vec::new()))
            .collect();
        let mut gradients = self.parameter_gradients(objective, parameters, span)?;
        if let Some(due) = &due {
            gradients = self.accumulated(gradients, parameters, due, options, used.place, span)?;
        }
        let before = self.segment.current.clone();
        if let Some(limit) = options.clip_norm {
            gradients = self.clipped(gradients, limit, span)?;
        }
        for ((&slot, weight), gradient) in parameters.iter().zip(&weights).zip(gradients) {
            let mut config = config.clone();
            if options.no_decay.contains(&slot) && config.contains_key("weight_decay") {
                config.insert("weight_decay".into(), Val::Num(super::values::Num::Int(0)));
            }
            self.update(&used, config, slot, weight, gradient, span)?;
        }
        if let Some(due) = &due {
            self.only_where(due, &before, parameters, used.place, span)?;
        }
        Ok(due)
    }

    /// Whether this step updates, as a run-time truth value, where gradients are accumulated over several; counts the step.
    fn due(&mut self, options: &StepOptions, place: Span, span: Span) -> Outcome<Option<Val>> {
        if options.accumulate <= 1 {
            return Ok(None);
        }
        let whole = |i: usize| Val::Num(super::values::Num::Int(i as i64));
        let scalar = Type::scalar(DType::I32);
        let slot = self.accumulator(place, None, "accumulated steps", scalar);
        let count = Val::Tensor(self.read_slot(slot, &Vec::new()));
        let next = self.elementwise(Op::Add, &[count, whole(1)], span, &[span, span])?;
        let due = self.elementwise(
            Op::Eq,
            &[next.clone(), whole(options.accumulate)],
            span,
            &[span, span],
        )?;
        let left = self.elementwise(
            Op::Mod,
            &[next, whole(options.accumulate)],
            span,
            &[span, span],
        )?;
        let left = self.operand(&left, None, span)?;
        self.write_slot(slot, left, span);
        Ok(Some(due))
    }

    /// The slot that counts the steps of a place, or sums the gradients by a parameter in them.
    fn accumulator(
        &mut self,
        place: Span,
        parameter: Option<SlotId>,
        name: &str,
        ty: Type,
    ) -> SlotId {
        if let Some(&slot) = self.accumulators.get(&(place, parameter)) {
            return slot;
        }
        let slot = self.new_slot(name, ty, SlotKind::OptimizerState, None);
        self.accumulators.insert((place, parameter), slot);
        slot
    }

    /// Gradients added to those of the steps since the last update, divided by the number of steps.
    fn accumulated(
        &mut self,
        gradients: Vec<TensorVal>,
        parameters: &[SlotId],
        due: &Val,
        options: &StepOptions,
        place: Span,
        span: Span,
    ) -> Outcome<Vec<TensorVal>> {
        let number = |x: f64| Val::Num(super::values::Num::Float(x));
        let mut totals = Vec::with_capacity(gradients.len());
        for (gradient, &parameter) in gradients.into_iter().zip(parameters) {
            let data = self.program.slot(parameter).clone();
            let name = format!("{}.accumulated", data.name);
            let slot = self.accumulator(place, Some(parameter), &name, data.ty);
            let share = self.elementwise(
                Op::Div,
                &[Val::Tensor(gradient), number(options.accumulate as f64)],
                span,
                &[span, span],
            )?;
            let sum = Val::Tensor(self.read_slot(slot, &Vec::new()));
            let total = self.elementwise(Op::Add, &[sum, share], span, &[span, span])?;
            let kept = self.elementwise(
                Op::Select,
                &[due.clone(), number(0.0), total.clone()],
                span,
                &[span, span, span],
            )?;
            let kept = self.operand(&kept, None, span)?;
            self.write_slot(slot, kept, span);
            totals.push(self.operand(&total, None, span)?);
        }
        Ok(totals)
    }

    /// Takes back what the optimizer wrote in steps that do not update.
    fn only_where(
        &mut self,
        due: &Val,
        before: &std::collections::HashMap<SlotId, TensorVal>,
        parameters: &[SlotId],
        place: Span,
        span: Span,
    ) -> Outcome<()> {
        let mut slots: Vec<SlotId> = parameters.to_vec();
        slots.extend(
            self.optimizer_slots
                .iter()
                .filter(|((owner, _), _)| *owner == place)
                .map(|(_, slot)| *slot),
        );
        slots.sort_unstable();
        for slot in slots {
            let Some(new) = self.segment.current.get(&slot).cloned() else {
                continue;
            };
            let old = match before.get(&slot) {
                Some(old) => old.clone(),
                None if !self.segment.written.contains_key(&slot) => continue,
                None => self.entry_value(slot, &new.dims),
            };
            if old.value == new.value {
                continue;
            }
            let chosen = self.elementwise(
                Op::Select,
                &[due.clone(), Val::Tensor(new), Val::Tensor(old)],
                span,
                &[span, span, span],
            )?;
            let chosen = self.operand(&chosen, None, span)?;
            self.write_slot(slot, chosen, span);
        }
        Ok(())
    }

    /// Gradients of a scalar by tensors of the step.
    fn gradients(&mut self, of: &TensorVal, by: &[TensorVal], span: Span) -> Vec<TensorVal> {
        let of_value = self.inward(of, by);
        let values: Vec<Value> = by.iter().map(|tensor| self.here(tensor)).collect();
        let types: Vec<Type> = by.iter().map(|tensor| self.type_of(tensor)).collect();
        let results = self.graph().add(
            Node::Gradient {
                of: of_value,
                with_respect_to: values,
            },
            types,
            span,
        );
        results
            .into_iter()
            .zip(by)
            .map(|(value, tensor)| self.tensor(value, tensor.dims.clone()))
            .collect()
    }

    /// All gradients scaled so that their common norm is at most `limit`.
    fn clipped(
        &mut self,
        gradients: Vec<TensorVal>,
        limit: f64,
        span: Span,
    ) -> Outcome<Vec<TensorVal>> {
        let mut total: Option<Val> = None;
        for gradient in &gradients {
            let value = Val::Tensor(gradient.clone());
            let square = self.elementwise(Op::Mul, &[value.clone(), value], span, &[span, span])?;
            let square = self.operand(&square, None, span)?;
            let axes: Vec<usize> = (0..self.type_of(&square).shape.len()).collect();
            let sum =
                Val::Tensor(self.reduced(crate::tir::Reducer::Sum, &square, &axes, false, span)?);
            total = Some(match total {
                None => sum,
                Some(total) => self.elementwise(Op::Add, &[total, sum], span, &[span, span])?,
            });
        }
        let Some(total) = total else {
            return Ok(gradients);
        };
        let number = |value: f64| Val::Num(super::values::Num::Float(value));
        let norm = self.elementwise(Op::Sqrt, &[total], span, &[span])?;
        // PyTorch's clip_grad_norm_: the factor is limit / (norm + 1e-6), at most 1.
        let guarded = self.elementwise(Op::Add, &[norm, number(1e-6)], span, &[span, span])?;
        let factor = self.elementwise(Op::Div, &[number(limit), guarded], span, &[span, span])?;
        let factor = self.elementwise(Op::Min, &[factor, number(1.0)], span, &[span, span])?;
        let mut scaled = Vec::with_capacity(gradients.len());
        for gradient in gradients {
            let value = self.elementwise(
                Op::Mul,
                &[Val::Tensor(gradient), factor.clone()],
                span,
                &[span, span],
            )?;
            scaled.push(self.operand(&value, None, span)?);
        }
        Ok(scaled)
    }

    /// The optimizer's configuration, evaluated in the present step.
    fn optimizer_config(&mut self, used: &Rc<OptimizerUse>) -> Outcome<Bindings> {
        let name = used.def.syntax.name.text.clone();
        let module = self.frame().module;
        let frame = Frame {
            scopes: vec![used.scope.clone()],
            module,
            ..Frame::default()
        };
        self.enter(&name, used.place, frame)?;
        let mut arguments = Vec::new();
        let mut failed = false;
        for (argument, expr) in &used.arguments {
            match self.eval(expr) {
                Ok(value) => arguments.push(Argument {
                    name: argument.clone(),
                    value,
                    span: expr.span,
                }),
                Err(Reported) => failed = true,
            }
        }
        self.leave();
        if failed {
            return Err(Reported);
        }
        let frame = Frame {
            scopes: vec![Bindings::new()],
            module: used.def.module,
            ..Frame::default()
        };
        self.enter(&name, used.place, frame)?;
        let outcome = self.bind_parameters(&used.def.syntax.config, arguments, &name, used.place);
        let config = self.frame().scopes.first().cloned().unwrap_or_default();
        self.leave();
        outcome.map(|()| config)
    }

    /// Runs the optimizer's body for one parameter.
    fn update(
        &mut self,
        used: &Rc<OptimizerUse>,
        config: Bindings,
        slot: SlotId,
        weight: &TensorVal,
        gradient: TensorVal,
        span: Span,
    ) -> Outcome<()> {
        let syntax = used.def.syntax.clone();
        let frame = Frame {
            scopes: vec![config, Bindings::new()],
            module: used.def.module,
            ..Frame::default()
        };
        self.enter(&syntax.name.text, used.place, frame)?;
        let outer = self.optimized.replace((slot, used.place));
        let arguments = [Val::Tensor(weight.clone()), Val::Tensor(gradient)]
            .into_iter()
            .map(|value| Argument {
                name: None,
                value,
                span,
            })
            .collect();
        let outcome = self
            .bind_parameters(&syntax.inputs, arguments, &syntax.name.text, span)
            .and_then(|()| self.block_value(&syntax.body.statements));
        self.optimized = outer;
        self.leave();
        let ty = self.program.slot(slot).ty.clone();
        let new = self.operand(&outcome?, Some(ty.dtype), syntax.body.span)?;
        if self.type_of(&new) != ty {
            let described = self.describe(&new);
            let message = format!(
                "`{}` gives {described} for a parameter of type {ty}",
                syntax.name.text
            );
            return self.shape_error(
                "E0363",
                span,
                message,
                &[(span, described)],
                "the last expression of an optimizer is the new value of its parameter",
            );
        }
        self.write_slot(slot, new, span);
        Ok(())
    }

    /// `state name = init` in an optimizer's body: one per parameter, of its shape where no type is written.
    pub(super) fn optimizer_state(
        &mut self,
        name: &crate::syntax::ast::Name,
        ty: Option<&crate::syntax::ast::TypeExpr>,
        init: &Expr,
    ) -> Outcome<()> {
        let Some((parameter, place)) = self.optimized else {
            return self.error(
                "E0416",
                name.span,
                format!("`{}` needs a layer or an optimizer to belong to", name.text),
                "declare it in the body of one",
            );
        };
        let data = self.program.slot(parameter).clone();
        let full = match ty {
            None => data.ty.clone(),
            Some(ty) => Type::new(self.element_type(ty)?, self.stated_shape(ty)?.0),
        };
        let key = (place, format!("{}.{}", data.name, name.text));
        let slot = match self.optimizer_slots.get(&key) {
            Some(&slot) => slot,
            None => {
                let slot = self.new_slot(key.1.clone(), full, SlotKind::OptimizerState, None);
                self.optimizer_slots.insert(key.clone(), slot);
                let optimized = self.optimized.take();
                let outcome = self.initial_value_of(slot, init, &key.1);
                self.optimized = optimized;
                outcome?;
                slot
            }
        };
        self.bind(&name.text, Val::Slot(slot, Vec::new()));
        Ok(())
    }

    /// Parameters whose present value a tensor is computed from.
    fn parameters_read(&mut self, tensor: &TensorVal) -> Vec<SlotId> {
        let seen = self.reached(tensor);
        let mut found: Vec<SlotId> = self
            .segment
            .current
            .keys()
            .copied()
            .filter(|slot| {
                self.program.slot(*slot).kind == SlotKind::Parameter
                    && self
                        .versions(*slot)
                        .iter()
                        .any(|version| seen.contains(&version.value))
            })
            .collect();
        found.sort_unstable();
        found
    }

    /// Refuses an objective that none of the parameters enters which may learn; `read` are those that enter it.
    fn error_for_no_parameter(&mut self, read: &[SlotId], span: Span) -> Outcome<()> {
        let path = read
            .first()
            .map(|slot| self.program.slot(*slot).name.clone());
        let owner = path.as_deref().and_then(|path| path.split('.').next());
        let (message, help) = match owner {
            None => (
                "the objective depends on no parameter".to_string(),
                "it must use a layer's output, computed in the same body: a `let` before a loop is a constant in it".to_string(),
            ),
            Some(owner) => (
                "the objective depends on no parameter of those after `over`".to_string(),
                format!("it is computed from those of `{owner}`: write `over {owner}`, or leave `over` out"),
            ),
        };
        self.error("E0430", span, message, help)
    }

    /// Refuses an objective that is flat in every parameter, since whole numbers or truth values stand between: an accuracy has no slope.
    fn some_slope(
        &mut self,
        objective: &TensorVal,
        parameters: &[SlotId],
        span: Span,
    ) -> Outcome<()> {
        let sloped = self.reached_by(objective, |ty| ty.dtype.is_float());
        let sloping = parameters.iter().any(|&slot| {
            let mut versions = self.versions(slot).into_iter();
            versions.any(|version| sloped.contains(&version.value))
        });
        if sloping {
            return Ok(());
        }
        self.error(
            "E0430",
            span,
            "the objective has no slope: only whole numbers and truth values of the layer's output enter it",
            "`argmax`, comparisons and `accuracy` have no gradient: minimize a loss such as `cross_entropy`, and measure the rest as a metric",
        )
    }

    /// The values that a tensor is computed from where a gradient passes.
    pub(super) fn reached(&mut self, tensor: &TensorVal) -> HashSet<Value> {
        self.reached_by(tensor, |_| true)
    }

    /// The values that a tensor is computed from, through values of the types that `through` lets pass.
    fn reached_by(&mut self, tensor: &TensorVal, through: fn(&Type) -> bool) -> HashSet<Value> {
        self.graph();
        let graph = &self.segment.open[0].graph;
        let mut seen: HashSet<Value> = HashSet::new();
        let mut pending = vec![tensor.value];
        while let Some(value) = pending.pop() {
            let node = &graph.defining(value).node;
            if !through(graph.ty(value)) {
                continue;
            }
            if seen.insert(value) && !matches!(node, Node::StopGradient(_)) {
                pending.extend(node.operands());
            }
        }
        seen
    }

    /// What a parameter held in the course of the step, the present value last.
    pub(super) fn versions(&self, slot: SlotId) -> Vec<TensorVal> {
        let earlier = self.segment.earlier.get(&slot).into_iter().flatten();
        earlier
            .chain(self.segment.current.get(&slot))
            .cloned()
            .collect()
    }

    /// Gradients by parameters: by each version that a `let` before an update may have read, added up.
    fn parameter_gradients(
        &mut self,
        of: &TensorVal,
        parameters: &[SlotId],
        span: Span,
    ) -> Outcome<Vec<TensorVal>> {
        let seen = self.reached(of);
        let versions: Vec<Vec<TensorVal>> = parameters
            .iter()
            .map(|&slot| {
                let mut versions = self.versions(slot);
                versions.retain(|version| seen.contains(&version.value));
                versions
            })
            .collect();
        self.summed_gradients(of, versions, span)
    }

    /// Gradients by each of several groups of tensors, those of a group added up.
    pub(super) fn summed_gradients(
        &mut self,
        of: &TensorVal,
        groups: Vec<Vec<TensorVal>>,
        span: Span,
    ) -> Outcome<Vec<TensorVal>> {
        let flat: Vec<TensorVal> = groups.iter().flatten().cloned().collect();
        let mut gradients = self.gradients(of, &flat, span).into_iter();
        let mut sums = Vec::with_capacity(groups.len());
        for versions in groups {
            let parts: Vec<TensorVal> = gradients.by_ref().take(versions.len()).collect();
            let mut sum: Option<Val> = None;
            for part in parts {
                let part = Val::Tensor(part);
                sum = Some(match sum {
                    None => part,
                    Some(sum) => self.elementwise(Op::Add, &[sum, part], span, &[span, span])?,
                });
            }
            sums.push(self.operand(&sum.unwrap_or(Val::Error), None, span)?);
        }
        Ok(sums)
    }

    /// Names that gradients in these statements read, through `let`s of the same statements.
    pub(super) fn differentiated_names(
        statements: &[crate::syntax::ast::Stmt],
    ) -> HashSet<Arc<str>> {
        super::statements::differentiated(statements)
    }
}
