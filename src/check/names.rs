//! Names: declarations of modules, scopes of bodies, what the language itself knows.
use super::program::{Instr, SlotKind};
use super::values::{
    Builtin, DimNames, FnDef, LayerDef, Num, OptimizerDef, Outcome, TensorVal, Val,
};
use super::{Checker, Frame, elsewhere};
use crate::base::data::{READER_NAMES, TRANSFORM_NAMES};
use crate::base::diagnostic::{Diagnostic, nearest};
use crate::base::source::Span;
use crate::base::tensor::Tensor;
use crate::base::types::{DType, Type};
use crate::syntax::ast::{Expr, ExprKind, Name, Pattern, Stmt, StmtKind};
use crate::syntax::token::{self, Token};
use crate::tir::{Op, Reducer};
use std::rc::Rc;
use std::sync::Arc;

/// What the language itself knows, by name.
const BUILTINS: &[(&str, Builtin)] = &[
    ("exp", Builtin::Unary(Op::Exp)),
    ("log", Builtin::Unary(Op::Log)),
    ("sqrt", Builtin::Unary(Op::Sqrt)),
    ("sin", Builtin::Unary(Op::Sin)),
    ("cos", Builtin::Unary(Op::Cos)),
    ("tanh", Builtin::Unary(Op::Tanh)),
    ("sigmoid", Builtin::Unary(Op::Sigmoid)),
    ("erf", Builtin::Unary(Op::Erf)),
    ("abs", Builtin::Unary(Op::Abs)),
    ("sign", Builtin::Unary(Op::Sign)),
    ("floor", Builtin::Unary(Op::Floor)),
    ("f32", Builtin::Cast(DType::F32)),
    ("f64", Builtin::Cast(DType::F64)),
    ("i32", Builtin::Cast(DType::I32)),
    ("bool", Builtin::Cast(DType::Bool)),
    ("sum", Builtin::Reduce(Reducer::Sum)),
    ("prod", Builtin::Reduce(Reducer::Prod)),
    ("max", Builtin::Reduce(Reducer::Max)),
    ("min", Builtin::Reduce(Reducer::Min)),
    ("argmax", Builtin::Reduce(Reducer::ArgMax)),
    ("mean", Builtin::Mean),
    ("where", Builtin::Where),
    ("concat", Builtin::Concat),
    ("stack", Builtin::Stack),
    ("split", Builtin::Split),
    ("reshape", Builtin::Reshape),
    ("transpose", Builtin::Transpose),
    ("pad", Builtin::Pad),
    ("last", Builtin::Last),
    ("stop_gradient", Builtin::StopGradient),
    ("grad", Builtin::Grad),
    ("zeros", Builtin::Zeros),
    ("ones", Builtin::Ones),
    ("normal", Builtin::Normal),
    ("uniform", Builtin::Uniform),
    ("fan_in", Builtin::FanIn),
    ("fan_out", Builtin::FanOut),
    ("evaluate", Builtin::Evaluate),
    ("batches", Builtin::Batches),
    ("data", Builtin::Data),
    ("decode", Builtin::Decode),
    ("no_improvement", Builtin::NoImprovement),
];

/// Names that the language itself knows.
pub fn language_names() -> impl Iterator<Item = &'static str> {
    let builtins = BUILTINS.iter().map(|(name, _)| *name);
    builtins
        .chain(READER_NAMES.iter().copied())
        .chain(TRANSFORM_NAMES.iter().copied())
}

impl Checker<'_> {
    /// Declares the `fn`s, `layer`s and `optimizer`s of a file, which may be used before they stand.
    pub(super) fn declare_all(&mut self, statements: &[Stmt], module: usize) {
        for statement in statements {
            self.note_lost(statement);
            let (name, value) = match &statement.kind {
                StmtKind::Fn(syntax) => {
                    let Some(name) = &syntax.name else { continue };
                    let def = FnDef {
                        syntax: syntax.clone(),
                        module,
                        closure: None,
                        instance: None,
                        depth: 1,
                    };
                    (name.clone(), Val::Fn(Rc::new(def)))
                }
                StmtKind::Layer(syntax) => (
                    syntax.name.clone(),
                    Val::Layer(Rc::new(LayerDef {
                        syntax: syntax.clone(),
                        module,
                    })),
                ),
                StmtKind::Optimizer(syntax) => (
                    syntax.name.clone(),
                    Val::Optimizer(Rc::new(OptimizerDef {
                        syntax: syntax.clone(),
                        module,
                    })),
                ),
                _ => continue,
            };
            if let Some(&first) = self.modules[module].spans.get(&name.text) {
                let diagnostic = Diagnostic::error(
                    "E0203",
                    name.span,
                    format!("`{}` is declared twice", name.text),
                )
                .label(first, "first declared here")
                .help("give one of them another name");
                self.report(diagnostic);
                continue;
            }
            self.modules[module]
                .spans
                .insert(name.text.clone(), name.span);
            self.modules[module].names.insert(name.text.clone(), value);
        }
    }

    /// The frame of the body being elaborated.
    pub(super) fn frame(&mut self) -> &mut Frame {
        if self.frames.is_empty() {
            self.frames.push(Frame {
                module: 1,
                ..Frame::default()
            });
        }
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    /// Whether statements stand at the top level of the program.
    pub(super) fn at_top(&self) -> bool {
        self.frames.len() == 1
    }

    /// Binds a name in the innermost scope.
    pub(super) fn bind(&mut self, name: &Arc<str>, value: Val) {
        let top = self.at_top();
        let frame = self.frame();
        let module = frame.module;
        match frame.scopes.last_mut() {
            Some(scope) => {
                scope.insert(name.clone(), value);
            }
            None if top => {
                self.modules[module].names.insert(name.clone(), value);
            }
            None => frame.scopes.push([(name.clone(), value)].into()),
        }
    }

    /// What a name stands for, if anything.
    pub(super) fn lookup(&mut self, name: &str) -> Option<Val> {
        let frame = self.frames.last()?;
        for scope in frame.scopes.iter().rev() {
            if let Some(value) = scope.get(name) {
                return Some(value.clone());
            }
        }
        let module = frame.module;
        for module in [module, 0] {
            if let Some(value) = self.modules[module].names.get(name) {
                return Some(value.clone());
            }
        }
        self.language_name(name)
    }

    /// Names that the language itself knows.
    pub(super) fn language_names(&self) -> impl Iterator<Item = &'static str> {
        language_names()
    }

    fn language_name(&mut self, name: &str) -> Option<Val> {
        if let Some((_, builtin)) = BUILTINS.iter().find(|(known, _)| *known == name) {
            return Some(Val::Builtin(*builtin));
        }
        match name {
            "none" => Some(Val::None),
            "training" => Some(Val::Bool(self.training)),
            "pi" => Some(Val::Num(Num::Float(std::f64::consts::PI))),
            "step" => self.step.map(|slot| Val::Slot(slot, Vec::new())),
            "steps_per_epoch" => self
                .steps_per_epoch
                .map(|steps| Val::Num(Num::Int(steps as i64))),
            _ if READER_NAMES.contains(&name) || TRANSFORM_NAMES.contains(&name) => {
                Some(Val::Reader(name.into()))
            }
            _ => None,
        }
    }

    /// What a name stands for; an unknown one is an error with the nearest.
    pub(super) fn resolve(&mut self, name: &Arc<str>, span: Span) -> Outcome<Val> {
        match self.lookup(name) {
            Some(Val::Error) => Err(super::values::Reported),
            Some(value) => Ok(value),
            None => Err(self.unknown_name(name, span)),
        }
    }

    /// Keeps in mind the names that a statement would have bound, had it parsed.
    pub(super) fn note_lost(&mut self, statement: &Stmt) {
        if statement.kind != StmtKind::Error {
            return;
        }
        let text = self.sources.snippet(statement.span);
        let (tokens, _) = token::lex(text, statement.span.file);
        let before = |at: usize| at.checked_sub(1).and_then(|at| tokens.get(at)).map(|t| t.1);
        for (at, &(_, found, _)) in tokens.iter().enumerate() {
            let Token::Ident(name) = found else { continue };
            let declared = matches!(
                before(at),
                Some(
                    Token::Let
                        | Token::Fn
                        | Token::For
                        | Token::Comma
                        | Token::LParen
                        | Token::Ident(_)
                )
            );
            let after = tokens.get(at + 1).map(|t| t.1);
            if declared || matches!(after, Some(Token::Eq | Token::Colon)) {
                self.lost.insert(name.into());
            }
        }
    }

    /// Says that a name is not known, with the nearest that is, or with what other languages call so.
    pub(super) fn unknown_name(&mut self, name: &Arc<str>, span: Span) -> super::values::Reported {
        if self.lost.contains(name) || !self.unknown_names.insert((name.clone(), span)) {
            return super::values::Reported;
        }
        match &**name {
            "step" => {
                let message = "a schedule is used where no optimizer runs";
                let help = "use it as a rate: `with sgd(lr = cosine(0.1, steps = 1000))`";
                return self.report(Diagnostic::error("E0209", span, message).help(help));
            }
            "steps_per_epoch" => {
                let message =
                    "epochs are counted where no loop over the batches of a data set is around";
                let help = "count steps: `steps = 1000`";
                return self.report(Diagnostic::error("E0209", span, message).help(help));
            }
            _ => {}
        }
        let diagnostic = Diagnostic::error("E0201", span, format!("unknown name `{name}`"));
        let help = self.help_for_unknown(name, span);
        let before = self.sources.file(span.file).text.get(..span.start as usize);
        if elsewhere::of_name(name).is_some() || before.and_then(subscripted).is_some() {
            // A word of another language, or an index, is one mistake, however often it stands there.
            self.lost.insert(name.clone());
        }
        self.report(diagnostic.help(help))
    }

    fn help_for_unknown(&mut self, name: &str, span: Span) -> String {
        let text = self.sources.file(span.file).text.clone();
        let before = text.get(..span.start as usize).unwrap_or("");
        if before.trim_end_matches(' ').ends_with("//") {
            return "`//` is the division that rounds down; a comment starts with `#`".into();
        }
        if let ("None" | "newaxis", Some(base)) = (name, subscripted(before)) {
            return format!(
                "a subscript adds no dimension: write the sizes, `reshape({base}, [n, 1])`"
            );
        }
        if let Some(help) = elsewhere::of_name(name) {
            return help.into();
        }
        if let Some(near) = self.nearest_name(name) {
            return format!("did you mean `{near}`?");
        }
        let after = text.get(span.end as usize..).unwrap_or("");
        match after.starts_with('(') {
            true => format!(
                "declare it, `fn {name}(x) {{ ... }}`; `dlmc doc` lists what is known without"
            ),
            false if let Some(base) = subscripted(before) => match self.lookup(base) {
                Some(Val::Builtin(_) | Val::Fn(_) | Val::Init(_)) => format!(
                    "write a number, or take it from a signature: `fn f(x: [{name}, d]) {{ ... }}`"
                ),
                _ => format!(
                    "an index stands left of `=`, `let y[{name}] = ...`, or after a reducer, `sum[{name}] ...`"
                ),
            },
            false => format!("bind it first: `let {name} = ...`"),
        }
    }

    fn nearest_name(&self, name: &str) -> Option<String> {
        let mut known: Vec<Arc<str>> = language_names().map(Arc::from).collect();
        if let Some(frame) = self.frames.last() {
            known.extend(frame.scopes.iter().flat_map(|scope| scope.keys().cloned()));
            known.extend(self.modules[frame.module].names.keys().cloned());
        }
        known.extend(self.modules[0].names.keys().cloned());
        known.sort();
        nearest(name, known.iter().map(|name| &**name)).map(str::to_string)
    }

    /// `nn.Linear`: names of modules that other languages have. Says what is written here, and gives whether it is such a path.
    pub(super) fn foreign_path(&mut self, path: &Expr) -> Outcome<()> {
        let mut root = path;
        while let ExprKind::Field(inner, _) = &root.kind {
            root = inner;
        }
        let (ExprKind::Name(module), ExprKind::Field(_, last)) = (&root.kind, &path.kind) else {
            return Ok(());
        };
        if !elsewhere::is_module(module) || self.lookup(module).is_some() {
            return Ok(());
        }
        if !self.unknown_names.insert((module.clone(), root.span)) {
            return Err(super::values::Reported);
        }
        let help = match (
            self.lookup(&last.text).is_some(),
            elsewhere::of_name(&last.text),
        ) {
            (true, _) => format!("names stand without a module: `{}`", last.text),
            (false, Some(help)) => help.into(),
            (false, None) => match self.nearest_name(&last.text) {
                Some(near) => format!("names stand without a module: did you mean `{near}`?"),
                None => "names stand without a module; `dlmc doc` lists what is known".into(),
            },
        };
        let message = format!("there is no module `{module}`");
        self.error("E0201", path.span, message, help)
    }

    /// Binds a pattern to a value; tuples are taken apart.
    pub(super) fn bind_pattern(
        &mut self,
        pattern: &Pattern,
        value: Val,
        origin: Span,
    ) -> Outcome<()> {
        match (pattern, value) {
            (Pattern::Name(name), value) => {
                self.bind_let(name, value, origin);
                self.note_name(name);
                Ok(())
            }
            (Pattern::Tuple(parts, _), Val::Tuple(values)) if parts.len() == values.len() => {
                let mut outcome = Ok(());
                for (part, value) in parts.iter().zip(values) {
                    outcome = outcome.and(self.bind_pattern(part, value, origin));
                }
                outcome
            }
            (Pattern::Tuple(parts, span), Val::Tuple(values)) => {
                let message = format!("{} names for a tuple of {}", parts.len(), values.len());
                self.poison(pattern);
                self.error("E0304", *span, message, "write one name for each value")
            }
            (Pattern::Tuple(_, span), value) => {
                self.poison(pattern);
                if super::poisoned(&value) {
                    return Err(super::values::Reported);
                }
                let message = format!("several names for {}, which is no tuple", value.kind());
                let help = super::mends::for_one_value(self.sources.snippet(origin));
                self.error("E0304", *span, message, help)
            }
        }
    }

    /// Binds the names of a pattern to nothing, after a mistake.
    pub(super) fn poison(&mut self, pattern: &Pattern) {
        match pattern {
            Pattern::Name(name) => self.bind(&name.text, Val::Error),
            Pattern::Tuple(parts, _) => parts.iter().for_each(|part| self.poison(part)),
        }
    }

    /// Binds a `let`: at the top level a tensor becomes a slot; a layer gets its path from the name.
    fn bind_let(&mut self, name: &Name, value: Val, origin: Span) {
        let value = match value {
            Val::Instance(instance) => {
                self.name_instance(&instance, &name.text);
                Val::Instance(instance)
            }
            value if self.at_top() && self.frame().scopes.is_empty() => {
                self.bind_slot(name, value, origin)
            }
            Val::List(_) => match self.as_tensor(&value) {
                Some(tensor) => Val::Tensor(tensor),
                None => value,
            },
            value => value,
        };
        self.bind(&name.text, value);
    }

    /// A top-level tensor as a slot. In a run-time loop a name that is bound already keeps its slot, so that the next turn reads it.
    fn bind_slot(&mut self, name: &Name, value: Val, origin: Span) -> Val {
        let tensor = match &value {
            Val::Tensor(tensor) => tensor.clone(),
            Val::List(items) if items.iter().all(|(name, _)| name.is_none()) => {
                match self.list_tensor(&value, None) {
                    Some(tensor) => tensor,
                    None => return value,
                }
            }
            Val::Slot(slot, dims) => self.read_slot(*slot, dims),
            Val::Num(_) | Val::Hyper(..) | Val::Bool(_) if self.is_carried(&name.text) => {
                let wanted = match self.lookup(&name.text) {
                    Some(Val::Slot(slot, _)) => Some(self.program.slot(slot).ty.dtype),
                    _ => None,
                };
                match self.operand(&value, wanted, origin) {
                    Ok(tensor) => tensor,
                    Err(super::values::Reported) => return Val::Error,
                }
            }
            Val::Tuple(parts) => {
                let parts = parts
                    .iter()
                    .map(|part| self.bind_slot(name, part.clone(), origin))
                    .collect();
                return Val::Tuple(parts);
            }
            Val::Fn(_) | Val::OptimizerUse(_) => return self.kept(value, origin),
            _ => return value,
        };
        let ty = self.type_of(&tensor);
        let earlier = if self.loops.is_empty() {
            None
        } else {
            self.lookup(&name.text)
        };
        if let Some(Val::Slot(slot, dims)) = earlier {
            if self.program.slot(slot).ty == ty && self.program.slot(slot).kind == SlotKind::Binding
            {
                self.write_slot(slot, tensor, origin);
                return Val::Slot(slot, dims);
            }
            if self.is_carried(&name.text) {
                let was = self.program.slot(slot).ty.clone();
                let diagnostic = Diagnostic::error(
                    "E0305",
                    name.span,
                    format!("`{}` changes its shape in a loop", name.text),
                )
                .here(format!("{ty} here, {was} before the loop"))
                .help("give it another name");
                self.report(diagnostic);
                return Val::Error;
            }
        }
        let twin = self.twins.as_ref().and_then(|names| names.get(&name.text));
        let dims = tensor.dims.clone();
        let slot = match twin {
            Some(Val::Slot(slot, _))
                if self.program.slot(*slot).ty == ty
                    && self.program.slot(*slot).kind == SlotKind::Binding =>
            {
                *slot
            }
            _ => self.new_slot(name.text.to_string(), ty, SlotKind::Binding, None),
        };
        self.write_slot(slot, tensor, origin);
        Val::Slot(slot, dims)
    }

    /// Whether a top-level name was bound before the run-time loop around, which binds it anew.
    fn is_carried(&self, name: &str) -> bool {
        self.loops
            .last()
            .is_some_and(|site| site.carried.contains(name))
    }

    /// `hyper name = value`, overridden by the caller.
    pub(super) fn hyper(&mut self, name: &Name, value: &crate::syntax::ast::Expr) -> Outcome<()> {
        let full_name = self.hyper_name(name);
        let written = self
            .options
            .hypers
            .iter()
            .find(|(key, _)| *key == full_name)
            .map(|(_, text)| text.clone());
        let default = match self.eval(value)? {
            Val::Num(number) => number,
            Val::Str(text) => {
                let text = written.map_or(text, |text| text.as_str().into());
                self.new_slot(full_name, Type::scalar(DType::F32), SlotKind::Hyper, None);
                self.bind(&name.text, Val::Str(text));
                return Ok(());
            }
            Val::Bool(truth) => {
                let truth = match written.as_deref() {
                    None => truth,
                    Some("true") => true,
                    Some("false") => false,
                    Some(text) => {
                        self.new_slot(
                            full_name.clone(),
                            Type::scalar(DType::Bool),
                            SlotKind::Hyper,
                            None,
                        );
                        return self.error(
                            "E0402",
                            name.span,
                            format!("`{full_name}={text}` is no truth value"),
                            format!("write `{full_name}=true` or `{full_name}=false`"),
                        );
                    }
                };
                self.new_slot(full_name, Type::scalar(DType::Bool), SlotKind::Hyper, None);
                self.bind(&name.text, Val::Bool(truth));
                return Ok(());
            }
            other => {
                let message = format!(
                    "a hyper-parameter is a number, a string or a truth value, not {}",
                    other.kind()
                );
                return self.error("E0401", value.span, message, "bind tensors with `let`");
            }
        };
        let number = match written {
            None => default,
            Some(text) => match (text.parse::<i64>(), text.parse::<f64>()) {
                (Ok(whole), _) if matches!(default, Num::Int(_)) => Num::Int(whole),
                (_, Ok(number)) => Num::Float(number),
                (_, Err(_)) => {
                    // The name is one of the program's, whatever is given for it.
                    self.new_slot(
                        full_name.clone(),
                        Type::scalar(DType::F32),
                        SlotKind::Hyper,
                        None,
                    );
                    return self.error(
                        "E0402",
                        name.span,
                        format!("`{full_name}={text}` is not a number"),
                        format!(
                            "write a number, such as the program's own: `{full_name}={}`",
                            default.value()
                        ),
                    );
                }
            },
        };
        let initial = match self.float {
            DType::F64 => Tensor::new([], crate::base::tensor::Elements::F64(vec![number.value()])),
            _ => Some(Tensor::scalar(number.value() as f32)),
        };
        let float = self.float;
        let slot = self.new_slot(full_name, Type::scalar(float), SlotKind::Hyper, initial);
        // A whole number counts and sizes: it is known when the program is compiled.
        let value = match number {
            Num::Int(_) => Val::Num(number),
            Num::Float(_) => Val::Hyper(slot, number),
        };
        self.bind(&name.text, value);
        self.note_name(name);
        Ok(())
    }

    /// What a hyper-parameter is called from outside: `name`, or `file.name` in an imported file.
    fn hyper_name(&mut self, name: &Name) -> String {
        let module = self.frame().module;
        match self.modules[module].stem.as_str() {
            "" => name.text.to_string(),
            stem => format!("{stem}.{}", name.text),
        }
    }

    /// Adds an instruction after the step being built.
    pub(super) fn after_step(&mut self, instr: Instr) {
        self.segment.after.push(instr);
    }

    /// A tensor with other names for its dimensions.
    pub(super) fn renamed(&self, tensor: TensorVal, dims: DimNames) -> TensorVal {
        TensorVal { dims, ..tensor }
    }
}

/// What the brackets belong to that a text ends within: `x` of `let y[i] = x[i, `.
fn subscripted(before: &str) -> Option<&str> {
    let mut open = 0;
    for (at, c) in before.char_indices().rev() {
        match c {
            ')' | ']' => open += 1,
            '(' | '[' if open > 0 => open -= 1,
            '[' => {
                let base = before.get(..at)?;
                let is_part = |c: char| c.is_alphanumeric() || c == '_';
                let name = base.trim_end_matches(is_part).len();
                return base.get(name..).filter(|name| !name.is_empty());
            }
            '(' | '{' | '}' | '\n' => return None,
            _ => {}
        }
    }
    None
}
