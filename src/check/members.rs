//! Members and arguments that something does not have: the nearest that it has, or what other languages call so.
use super::Checker;
use super::call::Argument;
use super::elsewhere::{self, Owner};
use super::values::{Outcome, Val};
use crate::base::source::Span;
use crate::syntax::ast::{Expr, Name};

impl Checker<'_> {
    /// `base.name`: a member that only other languages have is told apart from a misspelt one.
    pub(super) fn member(&mut self, value: Val, base: &Expr, name: &Name) -> Outcome<Val> {
        let owner = match &value {
            Val::Instance(_) => Owner::Layer,
            Val::OptimizerUse(_) | Val::Optimizer(_) => Owner::Optimizer,
            Val::Data(_) | Val::Batches(..) => Owner::Data,
            Val::Tensor(_)
            | Val::Slot(..)
            | Val::Num(_)
            | Val::Hyper(..)
            | Val::List(_)
            | Val::Ix(_) => Owner::Tensor,
            _ => return self.field(value, name),
        };
        let written = self.sources.snippet(base.span).to_string();
        let mut help = elsewhere::of_member(owner, &name.text, &written);
        if owner == Owner::Tensor {
            if let Val::Tensor(_) | Val::Slot(..) = &value
                && elsewhere::asks_for_sizes(&name.text)
            {
                let tensor = self.operand(&value, None, base.span)?;
                let described = self.describe(&tensor);
                help = help.map(|help| format!("`{written}` is {described} here; {help}"));
            }
            let help = help.or_else(|| match self.lookup(&name.text)? {
                Val::Fn(_) | Val::Builtin(_) => Some(format!(
                    "functions stand before what they take: `{}({written})`",
                    name.text
                )),
                _ => None,
            });
            let message = format!("{} has no `{}`", value.kind(), name.text);
            let help = help.unwrap_or_else(|| match &*name.text {
                "x" | "y" | "tokens" | "next" => "only batches and data sets have this field; in `train` a loss of one argument, `fn (b) { ... }`, is given the batch, one of two the prediction and the target".into(),
                _ => "only layers (their parameters), batches and data sets have fields".into()
            });
            return self.error("E0202", name.span, message, help);
        }
        let Some(help) = help else {
            return self.field(value, name);
        };
        // What the program itself calls so goes before what others call so.
        let noted = self.diagnostics.len();
        let found = self.field(value.clone(), name);
        if found.is_ok() || self.diagnostics.len() == noted {
            return found;
        }
        self.diagnostics.truncate(noted);
        let message = format!("{} has no `{}`", value.kind(), name.text);
        self.error("E0202", name.span, message, help)
    }

    /// An unknown member of something, with the nearest that is known.
    pub(super) fn no_such<T>(
        &mut self,
        name: &str,
        span: Span,
        what: &str,
        known: &[String],
    ) -> Outcome<T> {
        let near = crate::base::diagnostic::nearest(name, known.iter().map(String::as_str));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "there is none".to_string(),
            None => format!("there is: {}", known.join(", ")),
        };
        self.error("E0202", span, format!("there is no {what} `{name}`"), help)
    }

    /// An argument by a name that what is called does not have.
    pub(super) fn unknown_argument<T>(
        &mut self,
        what: &str,
        argument: &Argument,
        known: &[String],
    ) -> Outcome<T> {
        let name = argument.name.as_deref().unwrap_or_default();
        let place = self.name_before(name, argument.span);
        match elsewhere::of_argument(name, known) {
            Some(help) => {
                let message = format!("there is no argument of `{what}` called `{name}`");
                self.error("E0202", place, message, help)
            }
            None => {
                let what = format!("argument of `{what}` called");
                self.no_such(name, place, &what, known)
            }
        }
    }

    /// Where the name of `name = value` stands, from the place of the value.
    fn name_before(&self, name: &str, value: Span) -> Span {
        let text = &self.sources.file(value.file).text;
        let before = text.get(..value.start as usize).unwrap_or("");
        let before = before.trim_end().trim_end_matches('=').trim_end();
        match before.strip_suffix(name) {
            Some(rest) => Span {
                start: rest.len() as u32,
                end: before.len() as u32,
                ..value
            },
            None => value,
        }
    }
}
