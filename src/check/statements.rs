//! Statements.
use super::Checker;
use super::program::SlotKind;
use super::values::{Outcome, Reported, Val};
use crate::base::source::Span;
use crate::syntax::ast::{
    Arg, Block, Expr, ExprKind, Name, Pattern, Source, Stmt, StmtKind, StrPart, Subscript,
};
use std::collections::HashSet;
use std::sync::Arc;

impl Checker<'_> {
    /// Statements of the top level or of a run-time loop.
    pub(super) fn body(&mut self, statements: &[Stmt]) {
        let names = Checker::differentiated_names(statements);
        self.differentiated.push(names);
        for statement in statements {
            self.segment.origin.get_or_insert(statement.span);
            let _ = self
                .evaluations(statement)
                .and_then(|()| self.statement(statement));
        }
        self.differentiated.pop();
    }

    /// One statement.
    pub(super) fn statement(&mut self, statement: &Stmt) -> Outcome<()> {
        self.spend(statement.span)?;
        self.statement_of_its_kind(statement)?;
        self.within_limits(statement.span)
    }

    fn statement_of_its_kind(&mut self, statement: &Stmt) -> Outcome<()> {
        let span = statement.span;
        match &statement.kind {
            StmtKind::Fn(_) | StmtKind::Layer(_) | StmtKind::Optimizer(_) => {
                self.declaration_in_place(statement)
            }
            StmtKind::Error => {
                self.note_lost(statement);
                Err(Reported)
            }
            StmtKind::Hyper { name, value, .. } => {
                let outcome = self.hyper(name, value);
                if outcome.is_err() {
                    self.bind(&name.text, Val::Error);
                }
                outcome
            }
            StmtKind::Import(path) => self.import(path, span),
            StmtKind::Param { name, ty, init } => self.param(name, ty, init.as_ref(), span),
            StmtKind::State { name, ty, init } => {
                let outcome = match self.optimized.is_some() {
                    true => self.optimizer_state(name, ty.as_ref(), init),
                    false => self.layer_state(name, ty.as_ref(), init, span),
                };
                if outcome.is_err() {
                    self.bind(&name.text, Val::Error);
                }
                outcome
            }
            StmtKind::Let { pattern, ty, value } => {
                let outcome = self.let_value(pattern, ty.as_ref(), value);
                match outcome {
                    Ok(value) => self.bind_pattern(pattern, value, span),
                    Err(Reported) => {
                        self.poison(pattern);
                        Err(Reported)
                    }
                }
            }
            StmtKind::LetIndex {
                name,
                indices,
                value,
            } => {
                let training = self.training;
                self.training |= self.is_differentiated(&name.text);
                let outcome = self.define(name, indices, value, span);
                self.training = training;
                let pattern = Pattern::Name(name.clone());
                match outcome {
                    Ok(value) => self.bind_pattern(&pattern, value, span),
                    Err(Reported) => {
                        self.poison(&pattern);
                        Err(Reported)
                    }
                }
            }
            StmtKind::Assign { target, value } => self.assign(target, value, span),
            StmtKind::Print(values) => self.print(values, span),
            StmtKind::Plot { value, to } => self.plot(value, to, span),
            StmtKind::Assert { condition, message } => {
                self.assertion(condition, message.as_ref(), span)
            }
            StmtKind::Save { what, to } => self.save(what, to, span),
            StmtKind::Load { what, from } => self.load(what, from, span),
            StmtKind::Train {
                model,
                data,
                settings,
            } => self.train(model, data, settings, span),
            StmtKind::Repeat { count, body } => self.repeat(count, body, span),
            StmtKind::RepeatUntil {
                condition,
                at_most,
                body,
            } => self.repeat_until(condition, at_most, body, span),
            StmtKind::For {
                pattern,
                source,
                body,
            } if self.at_top() => self.for_loop(pattern, source, body, span),
            StmtKind::For {
                pattern,
                source,
                body,
            } => self.unrolled(pattern, source, body, span),
            StmtKind::Expr(expr) => self.expression_statement(expr),
        }
    }

    fn declaration_in_place(&mut self, statement: &Stmt) -> Outcome<()> {
        // The file itself is the first body that is open.
        if self.at_top() && self.differentiated.len() == 1 {
            return Ok(());
        }
        let name = match &statement.kind {
            StmtKind::Fn(syntax) => syntax.name.clone(),
            StmtKind::Layer(syntax) => Some(syntax.name.clone()),
            StmtKind::Optimizer(syntax) => Some(syntax.name.clone()),
            _ => None,
        };
        if let Some(name) = name.filter(|name| self.lookup(&name.text).is_none()) {
            // What reads it is no further mistake.
            self.bind(&name.text, Val::Error);
        }
        self.error(
            "E0437",
            statement.span,
            "declarations stand at the top level",
            "move it out of the body; `fn (x) { ... }` is a function value",
        )
    }

    fn let_value(
        &mut self,
        pattern: &Pattern,
        ty: Option<&crate::syntax::ast::TypeExpr>,
        value: &Expr,
    ) -> Outcome<Val> {
        let training = self.training;
        if self.at_top() {
            let mut names = Vec::new();
            pattern_names(pattern, &mut names);
            self.training |= names.iter().any(|name| self.is_differentiated(name));
        }
        let outcome = self.eval(value);
        self.training = training;
        let found = outcome?;
        let Some(ty) = ty else { return Ok(found) };
        if let Val::List(_) = &found {
            let dtype = self.element_type(ty)?;
            self.keeps_digits(&found, dtype, value.span)?;
            let Some(tensor) = self.list_tensor(&found, Some(dtype)) else {
                return self.error("E0309", value.span, "this list is no tensor", "all rows must be lists of the same length, of numbers or of tensors of one shape");
            };
            return self.fit(Val::Tensor(tensor), ty, "the value", value.span);
        }
        self.fit(found, ty, "the value", value.span)
    }

    fn is_differentiated(&self, name: &str) -> bool {
        self.frames.len() == 1
            && self
                .differentiated
                .last()
                .is_some_and(|names| names.contains(name))
    }

    /// `target = value`
    fn assign(&mut self, target: &Expr, value: &Expr, span: Span) -> Outcome<()> {
        let place = match &target.kind {
            ExprKind::Name(name) if self.lookup(name).is_none() => {
                if self.lost.contains(name) {
                    return Err(Reported);
                }
                // From here on the name is as good as bound: what reads it is no further mistake.
                self.bind(name, Val::Error);
                return self.error(
                    "E0438",
                    target.span,
                    format!("`{name}` is not bound yet"),
                    format!("bind it: `let {name} = ...`"),
                );
            }
            ExprKind::Name(_) | ExprKind::Field(..) => self.eval(target)?,
            _ => {
                return self.error(
                    "E0439",
                    target.span,
                    "this cannot be assigned",
                    "assign names, states and parameters",
                );
            }
        };
        let new = self.eval(value)?;
        match (&place, &target.kind) {
            (Val::Slot(slot, _), _) => {
                let slot = *slot;
                match self.program.slot(slot).kind {
                    SlotKind::State if !self.at_top() => self.assign_state(slot, new, span),
                    SlotKind::Parameter if !self.at_top() => self.error(
                        "E0440",
                        target.span,
                        "a parameter is assigned inside a layer",
                        "parameters learn; a `state` is assigned",
                    ),
                    SlotKind::Data | SlotKind::Hyper | SlotKind::Counter => self.error(
                        "E0439",
                        target.span,
                        "this cannot be assigned",
                        "assign names, states and parameters",
                    ),
                    SlotKind::Binding
                    | SlotKind::Parameter
                    | SlotKind::State
                    | SlotKind::OptimizerState => self.assign_slot(slot, new, value.span, span),
                }
            }
            (_, ExprKind::Name(name)) if !self.at_top() => {
                let name = name.clone();
                self.rebind(&name, new);
                Ok(())
            }
            (Val::Num(_) | Val::Bool(_) | Val::Str(_) | Val::Tensor(_), ExprKind::Name(name)) => {
                let pattern = Pattern::Name(crate::syntax::ast::Name {
                    text: name.clone(),
                    span: target.span,
                });
                self.bind_pattern(&pattern, new, span)
            }
            (other, _) => {
                let kind = other.kind();
                self.error(
                    "E0439",
                    target.span,
                    format!("{kind} cannot be assigned"),
                    match other {
                        Val::Instance(_) => {
                            "assign its parameters one by one: `target.dense_1.W = net.dense_1.W`"
                        }
                        _ => "assign names, states and parameters",
                    },
                )
            }
        }
    }

    fn rebind(&mut self, name: &Arc<str>, value: Val) {
        for scope in self.frame().scopes.iter_mut().rev() {
            if let Some(bound) = scope.get_mut(name) {
                *bound = value;
                return;
            }
        }
        self.bind(name, value);
    }

    fn assign_slot(
        &mut self,
        slot: crate::check::program::SlotId,
        new: Val,
        value_span: Span,
        span: Span,
    ) -> Outcome<()> {
        let ty = self.program.slot(slot).ty.clone();
        let mut tensor = self.operand(&new, Some(ty.dtype), value_span)?;
        let found = self.type_of(&tensor);
        if found.dtype == ty.dtype && found.shape.is_empty() && !ty.shape.is_empty() {
            let dims = vec![None; ty.shape.len()];
            tensor = self.stretched(&tensor, &ty.shape, &dims, span);
        }
        if self.type_of(&tensor) != ty {
            let described = self.describe(&tensor);
            let name = self.program.slot(slot).name.clone();
            let message = format!("`{name}` has type {ty}, the value is {described}");
            return self.shape_error(
                "E0364",
                value_span,
                message,
                &[(value_span, described)],
                "an assignment keeps the type",
            );
        }
        self.write_slot(slot, tensor, span);
        Ok(())
    }

    fn expression_statement(&mut self, expr: &Expr) -> Outcome<()> {
        if let ExprKind::If(condition, then, otherwise) = &expr.kind {
            let value = self.eval(condition)?;
            if self.at_top() {
                return match value {
                    Val::Tensor(_) | Val::Slot(..) => {
                        self.run_time_if(value, condition.span, then, otherwise.as_ref())
                    }
                    Val::Bool(truth) => {
                        let block: Option<&Block> = if truth {
                            Some(then)
                        } else {
                            otherwise.as_ref()
                        };
                        if let Some(block) = block {
                            self.body(&block.statements);
                        }
                        Ok(())
                    }
                    other => self.error(
                        "E0405",
                        condition.span,
                        format!("a condition is a truth value, not {}", other.kind()),
                        "compare: `if loss < 0.1 { ... }`",
                    ),
                };
            }
            return self.eval(expr).map(|_| ());
        }
        let used = matches!(
            expr.kind,
            ExprKind::Call(..)
                | ExprKind::Minimize { .. }
                | ExprKind::Scan(_)
                | ExprKind::Error
                | ExprKind::Pipe(..)
        );
        let value = self.eval(expr)?;
        if self.prompt.is_some() && self.at_top() && self.loops.is_empty() {
            return self.show(&value, expr.span);
        }
        let pure =
            matches!(value, Val::Tensor(_) | Val::Slot(..) | Val::Num(_)) && self.calls_pure(expr);
        if !used || pure {
            return self.error(
                "E0441",
                expr.span,
                "the value of this expression is not used",
                "bind it with `let`, or `print` it",
            );
        }
        self.dropped(expr, &value);
        Ok(())
    }

    /// Whether an expression calls something of which nothing but the result is left: a function of the compiler or of the standard
    /// library, or, outside of layers, a layer.
    fn calls_pure(&mut self, expr: &Expr) -> bool {
        let callee = match &expr.kind {
            ExprKind::Call(callee, _) => callee,
            ExprKind::Pipe(_, function) => match &function.kind {
                ExprKind::Call(callee, _) => callee,
                _ => function,
            },
            _ => return false,
        };
        let ExprKind::Name(name) = &callee.kind else {
            return false;
        };
        match self.lookup(name) {
            Some(Val::Builtin(_)) => true,
            Some(Val::Fn(def)) => def.module == 0,
            Some(Val::Layer(_) | Val::Instance(_)) => self.at_top(),
            _ => false,
        }
    }

    /// Runs every `evaluate(...)` of a statement before the statement itself: each is a loop over its data set.
    fn evaluations(&mut self, statement: &Stmt) -> Outcome<()> {
        let mut found: Vec<(Span, Vec<Arg>)> = Vec::new();
        for expr in expressions(statement) {
            walk(expr, &mut |expr| {
                if let ExprKind::Call(callee, arguments) = &expr.kind
                    && matches!(&callee.kind, ExprKind::Name(name) if &**name == "evaluate")
                {
                    found.push((expr.span, arguments.clone()));
                }
            });
        }
        for (span, arguments) in found {
            let value = self.run_evaluation(&arguments, span)?;
            self.evaluated.insert(span, value);
        }
        Ok(())
    }
}

pub(super) fn pattern_names(pattern: &Pattern, into: &mut Vec<Arc<str>>) {
    match pattern {
        Pattern::Name(name) => into.push(name.text.clone()),
        Pattern::Tuple(parts, _) => parts.iter().for_each(|part| pattern_names(part, into)),
    }
}

/// Every name that statements bind or assign, those of loops and branches inside them included, with the value where it is the name's own.
pub(super) fn bound_names(statements: &[Stmt], into: &mut Vec<(Name, Option<Expr>)>) {
    fn of_pattern(pattern: &Pattern, value: Option<&Expr>, into: &mut Vec<(Name, Option<Expr>)>) {
        match pattern {
            Pattern::Name(name) => into.push((name.clone(), value.cloned())),
            Pattern::Tuple(parts, _) => parts.iter().for_each(|part| of_pattern(part, None, into)),
        }
    }
    for statement in statements {
        match &statement.kind {
            StmtKind::Let { pattern, value, .. } => of_pattern(pattern, Some(value), into),
            StmtKind::LetIndex { name, .. } => into.push((name.clone(), None)),
            StmtKind::Assign { target, value } => {
                if let ExprKind::Name(text) = &target.kind {
                    let name = Name {
                        text: text.clone(),
                        span: target.span,
                    };
                    into.push((name, Some(value.clone())));
                }
            }
            StmtKind::Repeat { body, .. }
            | StmtKind::RepeatUntil { body, .. }
            | StmtKind::For { body, .. } => bound_names(&body.statements, into),
            StmtKind::Expr(Expr {
                kind: ExprKind::If(_, then, otherwise),
                ..
            }) => {
                bound_names(&then.statements, into);
                if let Some(otherwise) = otherwise {
                    bound_names(&otherwise.statements, into);
                }
            }
            StmtKind::Hyper { .. }
            | StmtKind::Import(_)
            | StmtKind::Fn(_)
            | StmtKind::Layer(_)
            | StmtKind::Optimizer(_)
            | StmtKind::Param { .. }
            | StmtKind::State { .. }
            | StmtKind::Print(_)
            | StmtKind::Plot { .. }
            | StmtKind::Assert { .. }
            | StmtKind::Save { .. }
            | StmtKind::Load { .. }
            | StmtKind::Train { .. }
            | StmtKind::Expr(_)
            | StmtKind::Error => {}
        }
    }
}

/// The expressions of a statement itself, not those of blocks inside it.
fn expressions(statement: &Stmt) -> Vec<&Expr> {
    match &statement.kind {
        StmtKind::Hyper { value, .. }
        | StmtKind::Let { value, .. }
        | StmtKind::LetIndex { value, .. } => vec![value],
        StmtKind::Assign { target, value } => vec![target, value],
        StmtKind::Print(values) => values.iter().collect(),
        StmtKind::Plot { value, to } => vec![value, to],
        StmtKind::Assert { condition, message } => {
            std::iter::once(condition).chain(message).collect()
        }
        StmtKind::Expr(Expr {
            kind: ExprKind::If(condition, ..),
            ..
        }) => vec![condition],
        StmtKind::Expr(expr) => vec![expr],
        StmtKind::Import(_)
        | StmtKind::Fn(_)
        | StmtKind::Layer(_)
        | StmtKind::Optimizer(_)
        | StmtKind::Param { .. }
        | StmtKind::State { .. }
        | StmtKind::Save { .. }
        | StmtKind::Load { .. }
        | StmtKind::Train { .. }
        | StmtKind::Repeat { .. }
        | StmtKind::RepeatUntil { .. }
        | StmtKind::For { .. }
        | StmtKind::Error => Vec::new(),
    }
}

/// Visits an expression and all inside it, blocks excepted.
fn walk(expr: &Expr, visit: &mut dyn FnMut(&Expr)) {
    visit(expr);
    match &expr.kind {
        ExprKind::Str(parts) => parts.iter().for_each(|part| {
            if let StrPart::Value(expr, _) = part {
                walk(expr, visit);
            }
        }),
        ExprKind::Tuple(parts) => parts.iter().for_each(|part| walk(part, visit)),
        ExprKind::List(items) => items.iter().for_each(|item| walk(&item.value, visit)),
        ExprKind::Unary(_, a) | ExprKind::Field(a, _) | ExprKind::Reduce(_, _, a) => walk(a, visit),
        ExprKind::Binary(_, a, b) | ExprKind::Pipe(a, b) => {
            walk(a, visit);
            walk(b, visit);
        }
        ExprKind::Call(callee, arguments) => {
            walk(callee, visit);
            arguments
                .iter()
                .for_each(|argument| walk(&argument.value, visit));
        }
        ExprKind::Index(base, subscripts) => {
            walk(base, visit);
            subscripts.iter().for_each(|subscript| match subscript {
                Subscript::Expr(expr) => walk(expr, visit),
                Subscript::Slice(a, b, _) => a.iter().chain(b).for_each(|expr| walk(expr, visit)),
                Subscript::Rest(..) => {}
            });
        }
        ExprKind::If(condition, then, otherwise) => {
            walk(condition, visit);
            for block in std::iter::once(then).chain(otherwise) {
                block
                    .statements
                    .iter()
                    .flat_map(expressions)
                    .for_each(|expr| walk(expr, visit));
            }
        }
        ExprKind::Scan(scan) => {
            match &scan.source {
                Source::Expr(expr) => walk(expr, visit),
                Source::Range { start, end, .. } => {
                    walk(start, visit);
                    walk(end, visit);
                }
            }
            scan.states
                .iter()
                .for_each(|state| walk(&state.init, visit));
            scan.body
                .statements
                .iter()
                .flat_map(expressions)
                .for_each(|expr| walk(expr, visit));
        }
        ExprKind::Minimize {
            objective,
            over,
            optimizer,
        } => {
            walk(objective, visit);
            over.iter().for_each(|expr| walk(expr, visit));
            walk(optimizer, visit);
        }
        ExprKind::Lambda(function) => function
            .body
            .statements
            .iter()
            .flat_map(expressions)
            .for_each(|expr| walk(expr, visit)),
        ExprKind::Name(_)
        | ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Bool(_)
        | ExprKind::Rest(_)
        | ExprKind::Error => {}
    }
}

fn names_of(expr: &Expr, into: &mut HashSet<Arc<str>>) {
    walk(expr, &mut |expr| {
        if let ExprKind::Name(name) = &expr.kind {
            into.insert(name.clone());
        }
    });
}

/// Names that gradients in these statements read, through `let`s of the same statements.
pub(super) fn differentiated(statements: &[Stmt]) -> HashSet<Arc<str>> {
    let mut names = HashSet::new();
    for expr in statements.iter().flat_map(expressions) {
        walk(expr, &mut |expr| match &expr.kind {
            ExprKind::Minimize { objective, .. } => names_of(objective, &mut names),
            ExprKind::Call(callee, arguments) if matches!(&callee.kind, ExprKind::Name(name) if &**name == "grad") =>
            {
                arguments
                    .iter()
                    .for_each(|argument| names_of(&argument.value, &mut names));
            }
            _ => {}
        });
    }
    for statement in statements.iter().rev() {
        let (bound, value): (Vec<Arc<str>>, &Expr) = match &statement.kind {
            StmtKind::Let { pattern, value, .. } => {
                let mut bound = Vec::new();
                pattern_names(pattern, &mut bound);
                (bound, value)
            }
            StmtKind::LetIndex { name, value, .. } => (vec![name.text.clone()], value),
            _ => continue,
        };
        if bound.iter().any(|name| names.contains(name)) {
            names_of(value, &mut names);
        }
    }
    names
}
