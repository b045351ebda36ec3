//! Calls: functions written out at the place of the call, pipes, arguments.
use super::traced::Applied;
use super::values::{Bindings, FnDef, Init, Num, Outcome, Reported, Val};
use super::{CallSite, Checker, Frame};
use crate::base::data::TRANSFORM_NAMES;
use crate::base::source::Span;
use crate::syntax::ast::{Arg, Dim, Expr, ExprKind, Item, Param, TypeKind};
use std::rc::Rc;
use std::sync::Arc;

/// An evaluated argument.
#[derive(Debug, Clone)]
pub struct Argument {
    /// Its name, where one is written.
    pub name: Option<Arc<str>>,
    /// Its value.
    pub value: Val,
    /// Where it stands.
    pub span: Span,
}

/// Deepest calls in one another: a function that calls itself without end is stopped.
const MOST_CALLS: usize = 120;

impl Checker<'_> {
    /// `f(arguments)`
    pub(super) fn call_expr(
        &mut self,
        callee: &Expr,
        arguments: &[Arg],
        span: Span,
    ) -> Outcome<Val> {
        let function = self.eval(callee)?;
        let name = written_name(callee);
        self.note_arguments(&function, arguments);
        if let Val::Optimizer(def) = &function {
            return self.use_optimizer(def, arguments, span);
        }
        if let Val::Builtin(super::values::Builtin::Grad) = &function {
            return self.grad(arguments, span);
        }
        if let Val::Builtin(super::values::Builtin::Evaluate) = &function {
            return match self.evaluated.get(&span) {
                Some(value) => Ok(value.clone()),
                None => self.error("E0407", span, "`evaluate` runs over a data set and stands in statements at the top level only", "bind its result with a top-level `let`"),
            };
        }
        let arguments = self.arguments(arguments, &function)?;
        self.call(function, &name, arguments, span)
    }

    /// Evaluates arguments; `over` may name a dimension.
    fn arguments(&mut self, arguments: &[Arg], callee: &Val) -> Outcome<Vec<Argument>> {
        let mut values: Vec<Argument> = Vec::with_capacity(arguments.len());
        let mut failed = false;
        for argument in arguments {
            let name = argument.name.as_ref().map(|name| name.text.clone());
            let value = match (&name, &argument.value.kind) {
                (Some(over), _) if &**over == "over" => self.over(
                    &argument.value,
                    values.first().map(|first| &first.value),
                    callee,
                ),
                (_, ExprKind::List(items))
                    if matches!(callee, Val::Builtin(super::values::Builtin::Transpose))
                        && let Some(order) = own_dimensions(items, values.first()) =>
                {
                    Ok(order)
                }
                _ => self.eval(&argument.value),
            };
            match value {
                Ok(value) => values.push(Argument {
                    name,
                    value,
                    span: argument.value.span,
                }),
                Err(Reported) => failed = true,
            }
        }
        if failed { Err(Reported) } else { Ok(values) }
    }

    /// What `over` names: a dimension of the first argument by its name, else a number.
    fn over(&mut self, expr: &Expr, first: Option<&Val>, _callee: &Val) -> Outcome<Val> {
        if let ExprKind::Tuple(parts) = &expr.kind {
            let mut values = Vec::new();
            for part in parts {
                values.push(self.over(part, first, _callee)?);
            }
            return Ok(Val::Tuple(values));
        }
        if let ExprKind::Name(name) = &expr.kind {
            let dims = match first {
                Some(Val::Tensor(tensor)) => tensor.dims.clone(),
                Some(Val::Slot(_, dims)) => dims.clone(),
                _ => Vec::new(),
            };
            if let Some(axis) = self.named_axis(&dims, name, expr.span)? {
                return Ok(Val::Num(Num::Int(axis as i64)));
            }
            // A number bound to that name is an axis only if it is not a dimension's size in a signature.
            return match self.lookup(name) {
                Some(value @ (Val::Num(_) | Val::Tuple(_) | Val::Str(_))) => Ok(value),
                _ => Ok(Val::Str(name.clone())),
            };
        }
        self.eval(expr)
    }

    /// Calls whatever can be called.
    pub(super) fn call(
        &mut self,
        function: Val,
        name: &str,
        arguments: Vec<Argument>,
        span: Span,
    ) -> Outcome<Val> {
        let of_data = matches!(
            arguments.first(),
            Some(Argument {
                value: Val::Data(_),
                ..
            })
        );
        if of_data && TRANSFORM_NAMES.contains(&name) {
            return self.transform(name, arguments, span);
        }
        match function {
            Val::Error => Err(Reported),
            Val::Fn(def) => self.call_fn(&def, name, arguments, span),
            Val::Layer(def) => self.make_instance(&def, arguments, span).map(Val::Instance),
            Val::Instance(instance) => self.apply(&instance, arguments, span),
            Val::Builtin(builtin) => {
                let applied = Applied {
                    name,
                    path: None,
                    written: span,
                    parameters: &[],
                    arguments: &arguments.clone(),
                };
                self.traced(applied, |checker| {
                    checker.builtin(builtin, name, arguments, span)
                })
            }
            Val::Reader(reader) => self.reader(&reader, arguments, span),
            Val::Str(text) => {
                let help = match self.lookup(&text) {
                    Some(_) => {
                        format!("functions are given by their names, without quotes: `{text}`")
                    }
                    None => "functions are given by their names, without quotes".into(),
                };
                self.error("E0409", span, "a string cannot be called", help)
            }
            Val::Init(init) => self.error(
                "E0408",
                span,
                "an initialiser is given its shape in brackets",
                format!("write `{}[n, d]`", init_name(&init)),
            ),
            other => self.error(
                "E0409",
                span,
                format!("{} cannot be called", other.kind()),
                "call functions and layers",
            ),
        }
    }

    /// `value |> function`
    pub(super) fn pipe(&mut self, value: &Expr, function: &Expr, span: Span) -> Outcome<Val> {
        let first = self.eval(value)?;
        let first = Argument {
            name: None,
            value: first,
            span: value.span,
        };
        let (callee, written) = match &function.kind {
            ExprKind::Call(callee, arguments) => (&**callee, Some(arguments)),
            _ => (function, None),
        };
        let target = self.eval(callee)?;
        let name = written_name(callee);
        let Some(written) = written else {
            return match target {
                Val::Layer(def) => {
                    let instance = self.make_instance(&def, Vec::new(), function.span)?;
                    self.apply(&instance, vec![first], span)
                }
                other => self.call(other, &name, vec![first], span),
            };
        };
        self.note_arguments(&target, written);
        let mut arguments = vec![first];
        // `over` names a dimension of what is passed on.
        let mut failed = false;
        for argument in written {
            let name = argument.name.as_ref().map(|name| name.text.clone());
            let value = match &name {
                Some(over) if &**over == "over" => {
                    self.over(&argument.value, Some(&arguments[0].value.clone()), &target)
                }
                _ => self.eval(&argument.value),
            };
            match value {
                Ok(value) => arguments.push(Argument {
                    name,
                    value,
                    span: argument.value.span,
                }),
                Err(Reported) => failed = true,
            }
        }
        if failed {
            return Err(Reported);
        }
        match target {
            Val::Layer(def) => {
                let inputs: Vec<Arc<str>> = def
                    .syntax
                    .inputs
                    .iter()
                    .map(|input| input.name.text.clone())
                    .collect();
                let first = arguments.remove(0);
                let (to_inputs, config): (Vec<Argument>, Vec<Argument>) =
                    arguments.into_iter().partition(|argument| {
                        argument
                            .name
                            .as_ref()
                            .is_some_and(|name| inputs.contains(name))
                    });
                let instance = self.make_instance(&def, config, function.span)?;
                let inputs = std::iter::once(first).chain(to_inputs).collect();
                self.apply(&instance, inputs, span)
            }
            other => self.call(other, &name, arguments, span),
        }
    }

    /// Puts arguments to parameters: by position, then by name, then defaults. The names are bound in the present scope, in order, so that
    /// a default may use those before it.
    pub(super) fn bind_parameters(
        &mut self,
        parameters: &[Param],
        arguments: Vec<Argument>,
        what: &str,
        span: Span,
    ) -> Outcome<()> {
        let mut given: Vec<Option<Argument>> = parameters.iter().map(|_| None).collect();
        let mut next = 0;
        let known: Vec<String> = parameters
            .iter()
            .map(|parameter| parameter.name.text.to_string())
            .collect();
        for argument in arguments {
            let at = match &argument.name {
                None => {
                    next += 1;
                    next - 1
                }
                Some(name) => match parameters
                    .iter()
                    .position(|parameter| parameter.name.text == *name)
                {
                    Some(at) => at,
                    None => return self.unknown_argument(what, &argument, &known),
                },
            };
            if at >= given.len() {
                let message = format!(
                    "`{what}` takes {} argument{}",
                    parameters.len(),
                    if parameters.len() == 1 { "" } else { "s" }
                );
                if let [only] = known.as_slice()
                    && only == "units"
                {
                    let help = "it takes `units`, the size of its result; the size of the input follows from what it is applied to";
                    return self.error("E0410", argument.span, message, help);
                }
                return self.error(
                    "E0410",
                    argument.span,
                    message,
                    format!(
                        "it takes: {}",
                        if known.is_empty() {
                            "none".into()
                        } else {
                            known.join(", ")
                        }
                    ),
                );
            }
            if given[at].is_some() {
                return self.error(
                    "E0411",
                    argument.span,
                    format!("`{}` is given twice", known[at]),
                    "leave one out",
                );
            }
            given[at] = Some(argument);
        }
        self.bind_each(parameters, given, what, span)
    }

    /// Binds parameters in order. After one that does not fit, no value that stands for a missing argument is evaluated, since it may read
    /// what is not bound; and several that do not fit or are missing are one mistake.
    fn bind_each(
        &mut self,
        parameters: &[Param],
        given: Vec<Option<Argument>>,
        what: &str,
        span: Span,
    ) -> Outcome<()> {
        let positional = given
            .iter()
            .flatten()
            .filter(|argument| argument.name.is_none())
            .count();
        let missing: Vec<&str> = parameters
            .iter()
            .zip(&given)
            .filter(|(parameter, argument)| parameter.default.is_none() && argument.is_none())
            .map(|(parameter, _)| &*parameter.name.text)
            .collect();
        let written: Vec<String> = given
            .iter()
            .flatten()
            .map(|argument| self.short(argument.span, "..."))
            .collect();
        let said = self.diagnostics.len();
        let mut misfits = 0;
        for (parameter, argument) in parameters.iter().zip(given) {
            let sensible = self.sensible(what, &parameter.name.text, argument.as_ref());
            let left_out = argument.is_none();
            let bound = match (
                misfits > 0 && left_out,
                left_out && parameter.default.is_none(),
            ) {
                (true, _) => {
                    self.bind(&parameter.name.text, Val::Error);
                    Ok(())
                }
                (false, true) => self.missing_argument(parameter, &missing, what, span),
                (false, false) => self.bind_parameter(parameter, argument, what, span),
            };
            misfits += usize::from(bound.is_err() || sensible.is_err());
        }
        if misfits > 1 && positional > 1 {
            self.diagnostics.truncate(said + 1);
            let names: Vec<&str> = parameters
                .iter()
                .take(positional)
                .map(|p| &*p.name.text)
                .collect();
            if let Some(first) = self.diagnostics.get_mut(said) {
                let order = format!(
                    "`{what}` takes its arguments in the order {}",
                    names.join(", ")
                );
                // Neither of two has the elements that are wanted: they stand the other way round.
                if let [a, b] = written.as_slice()
                    && first.code == "E0345"
                {
                    first.help = Some(format!(
                        "write them the other way round: `{what}({b}, {a})`"
                    ));
                }
                first.notes.push(order);
            }
        }
        if misfits > 0
            && !missing.is_empty()
            && let Some(first) = self.diagnostics.get_mut(said)
            && first.code != "E0412"
        {
            let all: Vec<&str> = parameters.iter().map(|p| &*p.name.text).collect();
            first.notes.push(format!(
                "`{what}` takes {}, and is called without {}",
                all.join(", "),
                missing.join(" and ")
            ));
        }
        if misfits > 0 { Err(Reported) } else { Ok(()) }
    }

    /// The first argument that is missing; the message names all of them.
    fn missing_argument(
        &mut self,
        parameter: &Param,
        missing: &[&str],
        what: &str,
        span: Span,
    ) -> Outcome<()> {
        self.bind(&parameter.name.text, Val::Error);
        let names: Vec<String> = missing.iter().map(|name| format!("`{name}`")).collect();
        let wanted: Vec<String> = missing.iter().map(|name| format!("{name} = ...")).collect();
        let plural = if missing.len() == 1 { "" } else { "s" };
        self.error(
            "E0412",
            span,
            format!(
                "`{what}` is called without its argument{plural} {}",
                names.join(" and ")
            ),
            format!(
                "add {}: `{what}(..., {})`",
                if missing.len() == 1 { "it" } else { "them" },
                wanted.join(", ")
            ),
        )
    }

    fn bind_parameter(
        &mut self,
        parameter: &Param,
        argument: Option<Argument>,
        what: &str,
        span: Span,
    ) -> Outcome<()> {
        let (value, place) = match (argument, &parameter.default) {
            (Some(argument), _) => (argument.value, argument.span),
            (None, Some(default)) => (self.eval(default)?, span),
            (None, None) => {
                return self.missing_argument(parameter, &[&parameter.name.text], what, span);
            }
        };
        let fitted = match (&parameter.ty, value) {
            (Some(_), Val::None) => Ok(Val::None),
            (Some(ty), value) => {
                let called = self.argument_of(&parameter.name.text, what);
                self.fit(value, ty, &called, place)
            }
            (None, value) => Ok(value),
        };
        match fitted {
            Ok(value) => {
                self.bind(&parameter.name.text, value);
                self.note_name(&parameter.name);
                Ok(())
            }
            Err(Reported) => {
                self.bind(&parameter.name.text, Val::Error);
                Err(Reported)
            }
        }
    }

    /// Enters a body; the caller leaves it with [`Checker::leave`].
    pub(super) fn enter(&mut self, name: &str, span: Span, frame: Frame) -> Outcome<()> {
        self.spend(span)?;
        if self.depth_of_calls >= MOST_CALLS {
            return self.error(
                "E0413",
                span,
                format!("`{name}` calls itself without end"),
                "a recursion needs an `if` on sizes that ends it",
            );
        }
        self.depth_of_calls += 1;
        self.frames.push(frame);
        self.calls.push(CallSite {
            name: name.to_string(),
            span,
        });
        self.places
            .push(u64::from(span.start) << 32 | u64::from(span.file.0));
        let place = self.token_key(span);
        self.streams.push(place);
        Ok(())
    }

    /// Leaves a body.
    pub(super) fn leave(&mut self) {
        self.depth_of_calls -= 1;
        self.frames.pop();
        self.calls.pop();
        self.places.pop();
        self.streams.pop();
    }

    /// Calls a `fn`: its body is written out here.
    pub(super) fn call_fn(
        &mut self,
        def: &Rc<FnDef>,
        name: &str,
        arguments: Vec<Argument>,
        span: Span,
    ) -> Outcome<Val> {
        if self.waits_for_shape(def, &arguments) {
            let kept = arguments
                .into_iter()
                .map(|argument| (argument.name, argument.value, argument.span))
                .collect();
            return Ok(Val::Init(Rc::new(Init::Function(def.clone(), kept))));
        }
        let scopes = def
            .closure
            .iter()
            .cloned()
            .chain([Bindings::new()])
            .collect();
        let frame = Frame {
            scopes,
            module: def.module,
            instance: def.instance.clone(),
            function: def.syntax.name.is_some(),
            ..Frame::default()
        };
        self.enter(name, span, frame)?;
        let first = arguments.first().map(|first| first.value.clone());
        let only = arguments.len() == 1;
        let applied = Applied {
            name,
            path: None,
            written: span,
            parameters: &def.syntax.inputs,
            arguments: &arguments.clone(),
        };
        let outcome = self.traced(applied, |checker| {
            checker.fn_body(def, name, arguments, span)
        });
        self.leave();
        self.note_probabilities(def, name, (&first, only), &outcome, span);
        outcome
    }

    fn fn_body(
        &mut self,
        def: &Rc<FnDef>,
        name: &str,
        arguments: Vec<Argument>,
        span: Span,
    ) -> Outcome<Val> {
        self.bind_parameters(&def.syntax.inputs, arguments, name, span)?;
        self.body_value(&def.syntax.body, def.syntax.result.as_ref(), name)
    }

    /// Whether a function is an initialiser: the shape of its result is not fixed by its inputs.
    fn waits_for_shape(&mut self, def: &Rc<FnDef>, _arguments: &[Argument]) -> bool {
        let Some(result) = &def.syntax.result else {
            return false;
        };
        let TypeKind::Tensor(_, dims) = &result.kind else {
            return false;
        };
        let bound = |name: &Arc<str>| {
            def.syntax.inputs.iter().any(|input| {
                input.name.text == *name
                    || input.ty.as_ref().is_some_and(|ty| match &ty.kind {
                        TypeKind::Tensor(_, dims) => {
                            dims.iter().any(|dim| names_in(dim).contains(name))
                        }
                        TypeKind::Named(_) | TypeKind::Fn | TypeKind::Tuple(_) => false,
                    })
            })
        };
        dims.iter().any(|dim| match dim {
            Dim::Rest(Some(name), _) => !bound(&name.text),
            Dim::Rest(None, _) => false,
            Dim::Expr(expr) => match &expr.kind {
                ExprKind::Name(name) => {
                    !bound(name)
                        && !self.modules[def.module].names.contains_key(name)
                        && def
                            .closure
                            .as_ref()
                            .is_none_or(|names| !names.contains_key(name))
                }
                _ => false,
            },
        })
    }

    /// Calls an initialiser function for a shape.
    pub(super) fn call_initialiser(
        &mut self,
        def: &Rc<FnDef>,
        arguments: Vec<Argument>,
        shape: &[usize],
        dims: &super::values::DimNames,
        span: Span,
    ) -> Outcome<Val> {
        let name = def
            .syntax
            .name
            .as_ref()
            .map_or("fn", |name| &name.text)
            .to_string();
        let scopes = def
            .closure
            .iter()
            .cloned()
            .chain([Bindings::new()])
            .collect();
        let frame = Frame {
            scopes,
            module: def.module,
            instance: None,
            function: true,
            ..Frame::default()
        };
        self.enter(&name, span, frame)?;
        let outcome = self.initialiser_body(def, &name, arguments, shape, dims, span);
        self.leave();
        outcome
    }

    fn initialiser_body(
        &mut self,
        def: &Rc<FnDef>,
        name: &str,
        arguments: Vec<Argument>,
        shape: &[usize],
        dims: &super::values::DimNames,
        span: Span,
    ) -> Outcome<Val> {
        if let Some(result) = &def.syntax.result
            && let TypeKind::Tensor(_, wanted) = &result.kind
            && !wanted.is_empty()
        {
            match wanted.as_slice() {
                [Dim::Rest(Some(rest), _)] => {
                    self.bind(&rest.text, Val::Sizes(shape.to_vec(), dims.clone()))
                }
                wanted if wanted.len() == shape.len() => {
                    for (dim, &size) in wanted.iter().zip(shape) {
                        if let Dim::Expr(expr) = dim
                            && let ExprKind::Name(name) = &expr.kind
                        {
                            self.bind(name, Val::Num(Num::Int(size as i64)));
                        }
                    }
                }
                wanted => {
                    let message = format!(
                        "`{name}` fills tensors of {} dimensions, not {}",
                        wanted.len(),
                        shape.len()
                    );
                    return self.error("E0353", span, message, "choose another initialiser");
                }
            }
        }
        self.bind_parameters(&def.syntax.inputs, arguments, name, span)?;
        self.block_value(&def.syntax.body.statements)
    }

    /// `optimizer(config)`: kept as written, since schedules in it depend on the step.
    fn use_optimizer(
        &mut self,
        def: &Rc<super::values::OptimizerDef>,
        arguments: &[Arg],
        span: Span,
    ) -> Outcome<Val> {
        let scope = self.visible();
        let arguments = arguments
            .iter()
            .map(|argument| {
                (
                    argument.name.as_ref().map(|name| name.text.clone()),
                    argument.value.clone(),
                )
            })
            .collect();
        Ok(Val::OptimizerUse(Rc::new(super::values::OptimizerUse {
            def: def.clone(),
            arguments,
            scope,
            place: span,
        })))
    }
}

/// The name by which messages speak of what is called.
pub(super) fn written_name(callee: &Expr) -> String {
    match &callee.kind {
        ExprKind::Name(name) => name.to_string(),
        ExprKind::Field(_, name) => name.text.to_string(),
        ExprKind::Call(callee, _) => written_name(callee),
        _ => "this function".into(),
    }
}

fn init_name(init: &Init) -> String {
    match init {
        Init::Builtin(super::values::Builtin::Uniform, _) => "uniform(...)".into(),
        Init::Builtin(..) => "normal(...)".into(),
        Init::Function(def, _) => def
            .syntax
            .name
            .as_ref()
            .map_or("fn".into(), |name| name.text.to_string()),
    }
}

/// Names that occur in a dimension.
fn names_in(dim: &Dim) -> Vec<Arc<str>> {
    fn walk(expr: &Expr, into: &mut Vec<Arc<str>>) {
        match &expr.kind {
            ExprKind::Name(name) => into.push(name.clone()),
            ExprKind::Binary(_, a, b) => {
                walk(a, into);
                walk(b, into);
            }
            ExprKind::Unary(_, a) => walk(a, into),
            _ => {}
        }
    }
    match dim {
        Dim::Rest(Some(name), _) => vec![name.text.clone()],
        Dim::Rest(None, _) => Vec::new(),
        Dim::Expr(expr) => {
            let mut names = Vec::new();
            walk(expr, &mut names);
            names
        }
    }
}

/// A list of names that all are dimensions of the first argument: they stand for themselves, whether or not they are bound.
fn own_dimensions(items: &[Item], first: Option<&Argument>) -> Option<Val> {
    let dims = match &first?.value {
        Val::Tensor(tensor) => &tensor.dims,
        Val::Slot(_, dims) => dims,
        _ => return None,
    };
    let names = items.iter().map(|item| match &item.value.kind {
        ExprKind::Name(name) if dims.contains(&Some(name.clone())) => {
            Some((Some(name.clone()), Val::None))
        }
        _ => None,
    });
    names.collect::<Option<Vec<_>>>().map(Val::List)
}
