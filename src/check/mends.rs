//! The mends of mistakes that are common with models: sizes, element types, losses. What is said follows from the two sides.
use super::Checker;
use super::call::Argument;
use super::expr::static_number;
use super::values::{Builtin, DataVal, Num, Outcome, Val};
use crate::base::diagnostic::Diagnostic;
use crate::base::source::Span;
use crate::base::types::{DType, Type};
use crate::syntax::ast::{BinOp, Dim, Expr, ExprKind, Layer};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The longest text of the source that a mend repeats.
const LONGEST: usize = 40;

/// The mend where a layer with one list of parameters is given a configuration.
pub(super) fn for_one_list(layer: &Layer) -> String {
    let name = &layer.name.text;
    let plain: Vec<&str> = layer
        .inputs
        .iter()
        .filter(|input| input.ty.is_none())
        .map(|input| &*input.name.text)
        .collect();
    match plain.is_empty() {
        true => format!("make it first, then apply it: `{name}()(x)`, or `x |> {name}`"),
        false => format!(
            "a configuration stands in a list of its own, before the inputs: `layer {name}({})(x: [n, d])`",
            plain.join(", ")
        ),
    }
}

/// The mend where several names are bound to one value, which is written so.
pub(super) fn for_one_value(written: &str) -> &'static str {
    let has = |word: &str| written.contains(word);
    if has("lstm(") || has("gru(") || has("rnn(") {
        "write one name; the states come with `states = true` in the layer's configuration"
    } else if has("max(") || has("min(") {
        "write one name; the place of the greatest is `argmax(x, over = d)`"
    } else {
        "write one name"
    }
}

/// How an instance of a layer is made: `mlp()`, `tower(depth, classes)`.
pub(super) fn made(def: &super::values::LayerDef) -> String {
    let wants = def.syntax.config.iter().flatten();
    let wants = wants.filter(|config| config.default.is_none());
    let wants: Vec<&str> = wants.map(|config| &*config.name.text).collect();
    format!("{}({})", def.syntax.name.text, wants.join(", "))
}

impl Checker<'_> {
    /// The text of a place, if it is short enough to be repeated; else `other`.
    pub(super) fn short(&self, place: Span, other: &str) -> String {
        let text = self.sources.snippet(place);
        let fits = !text.is_empty() && text.len() <= LONGEST && !text.contains('\n');
        if fits { text.into() } else { other.into() }
    }

    /// The last stage of a pipe: where a call in it went wrong. The place itself, if it is no pipe.
    pub(super) fn last_stage(&self, place: Span) -> Span {
        let text = self.sources.snippet(place);
        let mut depth = 0usize;
        let mut start = 0;
        for (at, c) in text.char_indices() {
            match c {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                '|' if depth == 0 && text.get(at..).is_some_and(|rest| rest.starts_with("|>")) => {
                    start = at + 2
                }
                _ => {}
            }
        }
        let rest = text.get(start..).unwrap_or("");
        let blanks = rest.len() - rest.trim_start().len();
        Span {
            start: place.start + (start + blanks) as u32,
            ..place
        }
    }

    /// What an argument is called in messages. A metric of `train` has `val_` before the name that was written.
    pub(super) fn argument_of(&mut self, parameter: &str, of: &str) -> String {
        let written = match self.frame().module {
            0 => of.strip_prefix("val_").unwrap_or(of),
            _ => of,
        };
        format!("`{parameter}` of `{written}`")
    }

    /// What stands between the parentheses of a call.
    pub(super) fn inside_brackets(&self, call: Span) -> Option<String> {
        let text = self.sources.snippet(call);
        let inner = text.split_once('(')?.1.strip_suffix(')')?;
        let inner = inner.trim_matches(|c| matches!(c, '(' | ')' | '[' | ']' | ' '));
        (!inner.is_empty() && inner.len() <= LONGEST).then(|| inner.to_string())
    }

    /// How a function is called that takes a tensor and a list, with the arguments that are given.
    pub(super) fn usage_with_list(&self, name: &str, sorted: &super::builtins::Sorted) -> String {
        let texts: Vec<String> = sorted
            .positional
            .iter()
            .map(|argument| self.short(argument.span, "x"))
            .collect();
        match texts.split_first() {
            Some((first, [])) => format!("{name}({first}, [n, d])"),
            Some((first, rest)) if name == "reshape" => {
                format!("{name}({first}, [{}])", rest.join(", "))
            }
            Some((first, _)) => format!(
                "{name}({first}, [0, 2, 1])`, which orders all dimensions, or `{name}({first})"
            ),
            None => format!("{name}(x, [n, d])"),
        }
    }

    /// Why a value is no tensor, and the mend.
    pub(super) fn no_tensor(&self, value: &Val, span: Span) -> (String, String) {
        let text = self.short(span, "");
        let named = |other: &str| {
            if text.is_empty() {
                other.to_string()
            } else {
                text.clone()
            }
        };
        let message = format!("{} cannot stand where a tensor is wanted", value.kind());
        let help = match value {
            Val::Layer(_) => format!(
                "make an instance and apply it: `{0}()(x)`, or `x |> {0}`",
                named("name")
            ),
            Val::Instance(instance) => match instance.def.syntax.config.as_deref() {
                Some([first, ..]) if text.ends_with(')') => format!(
                    "these parentheses hold the configuration, `{}`; what it is applied to stands before `|>` or in a second pair: `x |> {text}`, `{text}(x)`",
                    first.name.text
                ),
                _ => format!("apply it: `{}(x)`", named("net")),
            },
            Val::Builtin(Builtin::Normal | Builtin::Uniform | Builtin::Zeros | Builtin::Ones) => {
                format!(
                    "give it sizes in brackets: `{0}[2, 3]`, or `{0}[]` for one number",
                    named("normal")
                )
            }
            Val::Fn(_) | Val::Builtin(_) => format!("call it: `{}(x)`", named("f")),
            Val::Record(_) => format!("take a field of it: `{}.x`", named("b")),
            Val::Data(_) => format!("take a field of it: `{}.x`", named("set")),
            Val::Init(_) => "give it sizes in brackets: `normal[2, 3]`, `uniform(-1, 1)[4]`".into(),
            Val::Str(text) if text.parse::<f64>().is_ok() => {
                format!("write the number without quotes: `{text}`")
            }
            Val::Str(_) => {
                "a string fills in what stands in its braces: `print \"loss {loss:.4}\"`".into()
            }
            Val::Tuple(parts) if parts.is_empty() => {
                return (
                    "this body has no value".into(),
                    "end it with the expression that is its value: a `let` only gives a name, an `if` needs its `else`".into(),
                );
            }
            Val::Ix(_) => "a formula with indices computes one element: compute the whole tensor before it, in a `let` of its own, or row by row in a `scan i in 0..n { ... }`".into(),
            Val::Tuple(_) => "take it apart: `let (a, b) = ...`".into(),
            _ => "use a tensor or a number".into(),
        };
        (message, help)
    }

    /// The mend where a tensor has other elements than wanted.
    pub(super) fn help_for_elements(
        &mut self,
        what: &str,
        wanted: DType,
        found: &Type,
        dims: &[Dim],
        place: Span,
    ) -> String {
        // A `train` gives the loss by its name alone: then the conversion needs a function around it.
        let loss = self.sources.snippet(place).to_string();
        let alone = what.ends_with(&format!("of `{loss}`"));
        let bound = match dims {
            [Dim::Rest(Some(name), _)] => self.local(&name.text),
            _ => None,
        };
        let more =
            matches!(&bound, Some(Val::Sizes(sizes, _)) if found.shape.len() == sizes.len() + 1);
        let numbers = matches!(&bound, Some(Val::Sizes(sizes, _)) if sizes.len() + 1 == found.shape.len() && sizes.is_empty());
        match (wanted, found.dtype) {
            (DType::I32, dtype) if dtype.is_float() && numbers && what.ends_with("accuracy`") => {
                "`accuracy` compares classes, and these targets are numbers: take `r2` or `mae` for them".into()
            }
            (DType::I32, dtype) if dtype.is_float() && more && what.starts_with("`label`") => {
                "a label is one whole number for each row, the class: of rows that mark it with a 1 take `argmax(y, over = -1)`; rows of probabilities are the targets of `soft_cross_entropy`".into()
            }
            (DType::I32, dtype) if dtype.is_float() && what.starts_with("`tokens`") && found.shape.len() > 2 => {
                "a token is one whole number, its place in the vocabulary: of rows that mark it with a 1 take `argmax(x, over = -1)`".into()
            }
            (_, DType::I32) if what == "`scores` of `accuracy`" => {
                "give the scores themselves, without `argmax`: the metric takes the greatest".into()
            }
            (DType::I32, dtype) if dtype.is_float() && alone => format!(
                "labels are whole numbers: make classes of the column, `target(\"y\", classes = true)`, or convert, `loss = fn (p, t) {{ {loss}(p, i32(t)) }}`"
            ),
            (DType::I32, DType::F32) if what == "the value" => format!(
                "the type of a `let` converts nothing: write `i32({})`",
                self.short(place, "...")
            ),
            (DType::I32, DType::F32) => "labels and tokens are i32: convert with `i32(...)`, or annotate the literal: `let y: i32[4] = [...]`; a column of a file gives classes with `target(\"y\", classes = true)`".into(),
            (DType::Bool, _) => "compare: `mask > 0` is true or false for each element".into(),
            (wanted, DType::I32) if alone => format!(
                "the target holds classes, which are whole numbers: convert them, `loss = fn (p, t) {{ {loss}(p, {wanted}(t)) }}`, or take a loss for classes, `cross_entropy`"
            ),
            (wanted, _) => format!("convert with `{wanted}(...)`"),
        }
    }

    /// Whether a size is what a kernel leaves of a dimension: a division that rounds down, of names that a kernel has.
    pub(super) fn is_kernel_size(&mut self, expr: &Expr) -> bool {
        let rounds = |expr: &Expr| {
            matches!(
                &expr.kind,
                ExprKind::Binary(BinOp::FloorDiv | BinOp::Add, ..)
            )
        };
        let named = self.numbers_in(expr);
        rounds(expr)
            && has_floor_division(expr)
            && KERNELS.iter().any(|kernel| named.contains_key(*kernel))
            && named.values().all(|&value| value >= 0)
    }

    /// A kernel that is larger than what it moves over.
    pub(super) fn kernel_too_large<T>(&mut self, expr: &Expr, size: i64) -> Outcome<T> {
        let values: Vec<String> = self
            .numbers_in(expr)
            .iter()
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        let formula = self.sources.snippet(expr.span).to_string();
        let diagnostic = Diagnostic::error("E0302", expr.span, "the kernel is larger than what it moves over: nothing would be left")
            .help("choose a smaller kernel, pad, or pool less before it; images are [n, channels, height, width]")
            .note(format!("the size `{formula}` would be {size}, with {}", values.join(", ")));
        Err(self.report(diagnostic))
    }

    /// The names in an expression that stand for whole numbers, with these.
    fn numbers_in(&mut self, expr: &Expr) -> BTreeMap<Arc<str>, i64> {
        let mut found = BTreeMap::new();
        let mut pending = vec![expr];
        while let Some(expr) = pending.pop() {
            match &expr.kind {
                ExprKind::Name(name) => {
                    if let Some(Num::Int(value)) =
                        self.lookup(name).and_then(|value| static_number(&value))
                    {
                        found.insert(name.clone(), value);
                    }
                }
                ExprKind::Binary(_, a, b) => pending.extend([&**a, &**b]),
                ExprKind::Unary(_, a) => pending.push(a),
                _ => {}
            }
        }
        found
    }

    /// Refuses `dropout(x, 0.5)`: more arguments than the configuration has, a tensor first.
    pub(super) fn no_input_as_config(
        &mut self,
        def: &super::values::LayerDef,
        arguments: &[Argument],
    ) -> Outcome<()> {
        let config = def.syntax.config.as_deref().unwrap_or_default();
        let Some((first, rest)) = arguments.split_first() else {
            return Ok(());
        };
        let is_input = |argument: &Argument| {
            argument.name.is_none()
                && matches!(
                    argument.value,
                    Val::Tensor(_) | Val::Slot(..) | Val::Data(_)
                )
        };
        let name = &def.syntax.name.text;
        let (written, beyond) = arguments.split_at(config.len().min(arguments.len()));
        if !is_input(first)
            && !written.is_empty()
            && !beyond.is_empty()
            && beyond.iter().all(is_input)
        {
            let listed = |list: &[Argument]| -> String {
                let texts: Vec<String> = list.iter().map(|a| self.short(a.span, "...")).collect();
                texts.join(", ")
            };
            let help = format!(
                "the inputs stand in a second pair: `{name}({})({})`",
                listed(written),
                listed(beyond)
            );
            let message = format!("`{name}` is given its inputs where its configuration stands");
            return self.error("E0410", beyond[0].span, message, help);
        }
        if !is_input(first) || arguments.len() <= config.len() {
            return Ok(());
        }
        let input = self.short(first.span, "x");
        if !rest.is_empty() && rest.iter().all(is_input) {
            let configured = config.iter().filter(|config| config.default.is_none());
            let configured: Vec<&str> = configured.map(|config| &*config.name.text).collect();
            return self.error(
                "E0410",
                first.span,
                format!("`{name}` is given its inputs where its configuration stands"),
                format!("write `{input} |> {name}({})`", configured.join(", ")),
            );
        }
        let others: Vec<String> = rest
            .iter()
            .map(|argument| self.short(argument.span, "..."))
            .collect();
        self.error(
            "E0410",
            first.span,
            format!("`{name}` is given its input where its configuration stands"),
            format!(
                "write `{input} |> {name}({0})`, or `{name}({0})({input})`",
                others.join(", ")
            ),
        )
    }

    /// Refuses `conv2d(1, 6, 5)`, elsewhere the channels that come in, those that go out and the kernel; here the last would be a stride.
    pub(super) fn no_channels_in(
        &mut self,
        def: &super::values::LayerDef,
        arguments: &[Argument],
    ) -> Outcome<()> {
        let name = &def.syntax.name.text;
        let convolution = matches!(&**name, "conv1d" | "conv2d" | "conv_transpose2d");
        let by_position: Vec<&Argument> = arguments
            .iter()
            .take_while(|argument| argument.name.is_none())
            .collect();
        let [first, second, third, ..] = by_position.as_slice() else {
            return Ok(());
        };
        if def.module != 0 || !convolution {
            return Ok(());
        }
        let [first, second] = [first, second].map(|argument| self.short(argument.span, "..."));
        let span = third.span;
        let third = self.short(span, "...");
        self.error(
            "E0410",
            span,
            format!("`{name}` takes the channels that it makes and its kernel by position, the rest by name"),
            format!(
                "how many channels come in is known: write `{name}({second}, kernel = {third})`, or `{name}({first}, kernel = {second}, stride = {third})` where {third} is the stride"
            ),
        )
    }

    /// Refuses `loss = mse()`: the function itself is wanted.
    pub(super) fn is_no_call(&mut self, value: &Expr, what: &str) -> Outcome<()> {
        let ExprKind::Call(callee, arguments) = &value.kind else {
            return Ok(());
        };
        if !arguments.is_empty() || !matches!(self.eval(callee)?, Val::Fn(_) | Val::Builtin(_)) {
            return Ok(());
        }
        let name = self.short(callee.span, "mse");
        self.error(
            "E0406",
            value.span,
            format!("{what} is the function itself, not its value"),
            format!("leave the parentheses out: `{name}`"),
        )
    }

    /// What is said where something else than an optimizer stands.
    pub(super) fn no_optimizer<T>(&mut self, value: &Val, written: &Expr) -> Outcome<T> {
        let message = "an optimizer with its configuration is wanted";
        let help = match value {
            Val::Optimizer(def) => {
                let wants = def
                    .syntax
                    .config
                    .iter()
                    .filter(|config| config.default.is_none());
                let wants: Vec<String> = wants
                    .map(|config| format!("{} = 0.01", config.name.text))
                    .collect();
                format!("write `{}({})`", def.syntax.name.text, wants.join(", "))
            }
            Val::Str(text) if matches!(self.lookup(text), Some(Val::Optimizer(_))) => {
                format!("write it without quotes, with its rate: `{text}(lr = 0.01)`")
            }
            _ => "write `sgd(lr = 0.01)` or `adam(lr = 0.001)`".into(),
        };
        self.error("E0431", written.span, message, help)
    }

    /// Refuses a data set of several parts where one is wanted, at the place where it is wanted.
    pub(super) fn one_part(&mut self, data: &DataVal, written: &Expr) -> Outcome<()> {
        if data.part.is_some() {
            return Ok(());
        }
        let (_, parts) = self.open_whole(data)?;
        if parts.len() < 2 {
            return Ok(());
        }
        let name = self.short(written.span, "set");
        let choices: Vec<String> = parts
            .iter()
            .map(|part| format!("`{name}.{part}`"))
            .collect();
        self.error(
            "E0510",
            written.span,
            "this data set has several parts",
            format!("choose one: {}", choices.join(", ")),
        )
    }
}

/// Names that kernels have in the standard library and in most programs.
const KERNELS: [&str; 6] = ["k", "kernel", "kh", "kw", "kernel_size", "window"];

fn has_floor_division(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Binary(BinOp::FloorDiv, ..) => true,
        ExprKind::Binary(_, a, b) => has_floor_division(a) || has_floor_division(b),
        _ => false,
    }
}
