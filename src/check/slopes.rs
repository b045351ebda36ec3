//! `grad(J, θ)`: gradients that are asked for, and objectives that do not depend on what they are differentiated by.
use super::Checker;
use super::program::SlotKind;
use super::values::{Instance, Num, Outcome, TensorVal, Val};
use crate::base::diagnostic::Diagnostic;
use crate::base::source::Span;
use crate::syntax::ast::{Arg, Expr, ExprKind};
use std::rc::Rc;

impl Checker<'_> {
    /// `grad(J, θ)`: the gradient itself; a tuple of parameters gives a tuple.
    pub(super) fn grad(&mut self, arguments: &[Arg], span: Span) -> Outcome<Val> {
        let [objective, by] = arguments else {
            let given = arguments.len();
            return self.error(
                "E0410",
                span,
                format!(
                    "`grad` is called with {given} argument{}, and takes two",
                    if given == 1 { "" } else { "s" }
                ),
                match given {
                    0 | 1 => "the number that is differentiated, and what by: `grad(J, w)`",
                    _ => "several are given as a tuple: `grad(J, (a, b))`",
                },
            );
        };
        let outer = std::mem::replace(&mut self.training, true);
        let value = self.eval(&objective.value);
        self.training = outer;
        let tensor = self.one_number(value?, "differentiated", objective.value.span)?;
        if matches!(
            by.value.kind,
            ExprKind::List(_) | ExprKind::Float(_) | ExprKind::Int(_)
        ) {
            let names = matches!(&by.value.kind, ExprKind::List(items)
                if items.iter().all(|item| matches!(item.value.kind, ExprKind::Name(_) | ExprKind::Field(..))));
            return self.error(
                "E0432",
                by.value.span,
                "there is no gradient by a literal: nothing else reads this very one",
                match names {
                    true => "several are given as a tuple: `grad(J, (a, b))`",
                    false => "bind it, `let x = ...`, use `x` in what is differentiated, and differentiate by `x`",
                },
            );
        }
        let by_value = self.eval(&by.value)?;
        let (targets, many) = match &by_value {
            Val::Tuple(parts) => (parts.clone(), true),
            Val::Instance(instance) => (self.parameter_values(instance), true),
            other => (vec![other.clone()], false),
        };
        let mut groups = Vec::with_capacity(targets.len());
        for target in &targets {
            if let Val::Num(number) = target {
                return self.no_gradient_by_a_number(*number, by.value.span);
            }
            let present = self.operand(target, None, by.value.span)?;
            if !self.type_of(&present).dtype.is_float() {
                return self.error(
                    "E0432",
                    by.value.span,
                    "there is no gradient by integers or truth values",
                    "differentiate by floats",
                );
            }
            groups.push(self.read_by(&tensor, target, present));
        }
        if !matches!(by_value, Val::Instance(_)) {
            self.some_way(&tensor, &groups, objective.value.span, &by.value)?;
        }
        let mut results: Vec<Val> = self
            .summed_gradients(&tensor, groups, span)?
            .into_iter()
            .map(Val::Tensor)
            .collect();
        Ok(if many {
            Val::Tuple(results)
        } else {
            results.remove(0)
        })
    }

    /// What stands for a tensor in an objective: of a parameter that was updated since, each version that the objective has read.
    fn read_by(
        &mut self,
        objective: &TensorVal,
        target: &Val,
        present: TensorVal,
    ) -> Vec<TensorVal> {
        match target {
            Val::Slot(slot, _)
                if self.depth() == 0 && self.program.slot(*slot).kind == SlotKind::Parameter =>
            {
                let seen = self.reached(objective);
                let mut versions = self.versions(*slot);
                versions.retain(|version| seen.contains(&version.value));
                if versions.is_empty() {
                    versions.push(present);
                }
                versions
            }
            _ => vec![present],
        }
    }

    fn no_gradient_by_a_number<T>(&mut self, number: Num, span: Span) -> Outcome<T> {
        let name = self.short(span, "w");
        self.error(
            "E0432",
            span,
            format!("`{name}` is a plain number: what is computed from it is computed with the program, and keeps no trace of it"),
            format!(
                "make a tensor of it where it is bound, `let {name}: [] = {}`, or in a signature, `{name}: []`",
                number.value()
            ),
        )
    }

    /// Warns where an objective does not depend on what it is differentiated by; refuses one that may have depended on it in a step before.
    fn some_way(
        &mut self,
        objective: &TensorVal,
        groups: &[Vec<TensorVal>],
        of: Span,
        by: &Expr,
    ) -> Outcome<()> {
        if self.depth() > 0 {
            return Ok(());
        }
        let seen = self.reached(objective);
        let read = |group: &Vec<TensorVal>| group.iter().any(|tensor| seen.contains(&tensor.value));
        if groups.iter().all(read) {
            return Ok(());
        }
        let (of, name) = (self.short(of, "the objective"), self.short(by.span, "it"));
        let inputs = self.segment.open.first().map(|open| &open.graph.inputs);
        let inputs = self.segment.inputs.iter().zip(inputs.into_iter().flatten());
        let before = inputs
            .filter(|(_, input)| seen.contains(&input.value))
            .map(|(slot, _)| self.program.slot(*slot))
            .find(|slot| slot.kind == SlotKind::Binding);
        if let Some(before) = before.map(|slot| slot.name.clone()) {
            return self.error(
                "E0454",
                by.span,
                format!("`{of}` does not depend on `{name}` in this step: `{before}` was computed in a step before, and is a constant here"),
                format!("compute `{before}` in the same body, or write its formula out; at the prompt an input is a step: `let J = ...; grad(J, {name})`"),
            );
        }
        let message = format!("`{of}` does not depend on `{name}`: the gradient is 0");
        let help = match &by.kind {
            ExprKind::Index(base, _) => format!(
                "an element is a value of its own, which nothing else reads: take that of the gradient by the whole, `grad(..., {0})`",
                self.short(base.span, "x")
            ),
            ExprKind::Name(_) | ExprKind::Field(..) | ExprKind::Tuple(_) => format!(
                "differentiate by what it is computed from; where `{name}` was assigned or bound anew in between, take the gradient before"
            ),
            _ => "this expression is computed anew here: bind it, `let v = ...`, compute the objective from `v`, and differentiate by `v`".into(),
        };
        self.report(Diagnostic::warning("W0206", by.span, message).help(help));
        Ok(())
    }

    fn parameter_values(&mut self, instance: &Rc<Instance>) -> Vec<Val> {
        self.slots_of(instance, Some(SlotKind::Parameter))
            .into_iter()
            .map(|(_, slot)| Val::Slot(slot, Vec::new()))
            .collect()
    }
}
