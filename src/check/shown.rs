//! Values at a prompt: of expressions that stand alone, and their types in the language's words.
use super::Checker;
use super::declared::head_text;
use super::program::SlotId;
use super::values::{DataVal, DimNames, Num, Outcome, Reported, Val};
use crate::base::source::Span;
use crate::base::types::Type;
use std::sync::Arc;

/// A value to be shown.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown {
    /// A tensor, in this slot once the part has run.
    Tensor(SlotId, DimNames),
    /// What is known without running anything.
    Text(String),
    /// `(a, b)`
    Several(Vec<Shown>),
}

impl Checker<'_> {
    /// Notes the value of an expression that stands alone at a prompt.
    pub(super) fn show(&mut self, value: &Val, span: Span) -> Outcome<()> {
        let shown = self.shown(value, span)?;
        if let Some(prompt) = &mut self.prompt {
            prompt.push(shown);
        }
        Ok(())
    }

    fn shown(&mut self, value: &Val, span: Span) -> Outcome<Shown> {
        match value {
            Val::Error => Err(Reported),
            Val::Tensor(_) | Val::Slot(..) | Val::Hyper(..) | Val::List(_) => {
                let tensor = self.operand(value, None, span)?;
                let dims = tensor.dims.clone();
                Ok(Shown::Tensor(self.export("shown", tensor, span), dims))
            }
            Val::Num(Num::Int(number)) => Ok(Shown::Text(number.to_string())),
            Val::Num(Num::Float(_)) => {
                let tensor = self.operand(value, None, span)?;
                Ok(Shown::Tensor(
                    self.export("shown", tensor, span),
                    Vec::new(),
                ))
            }
            Val::Bool(truth) => Ok(Shown::Text(truth.to_string())),
            Val::Str(text) => Ok(Shown::Text(format!("{text:?}"))),
            Val::Tuple(parts) => {
                let parts = parts.iter().map(|part| self.shown(part, span));
                Ok(Shown::Several(parts.collect::<Outcome<_>>()?))
            }
            Val::Instance(instance) => Ok(Shown::Text(self.described_instance(instance))),
            Val::Data(data) => {
                let text = self.described_data(data)?;
                Ok(Shown::Text(text))
            }
            Val::Fn(_)
            | Val::Layer(_)
            | Val::Optimizer(_)
            | Val::None
            | Val::Sizes(..)
            | Val::Ix(_)
            | Val::OptimizerUse(_)
            | Val::Builtin(_)
            | Val::Reader(_)
            | Val::Init(_)
            | Val::Batches(..)
            | Val::Record(_)
            | Val::Patience(_) => Ok(Shown::Text(self.described_type(value, span)?)),
        }
    }

    /// A data set's parts and fields, one a line.
    pub(super) fn described_data(&mut self, data: &DataVal) -> Outcome<String> {
        let (set, _) = self.open_whole(data)?;
        let found = &self.program.data[set];
        let mut lines = Vec::new();
        if !found.summary.is_empty() {
            lines.push(found.summary.clone());
        }
        for (part, table) in &found.parts {
            if data.part.as_ref().is_some_and(|own| **own != **part) {
                continue;
            }
            let title = if part.is_empty() { "rows" } else { part };
            lines.push(format!("{title}: {}", table.rows()));
            for (field, tensor) in &table.fields {
                lines.push(format!("  {field}: {}", tensor.ty()));
            }
        }
        Ok(lines.join("\n"))
    }

    /// A value's type in the language's words.
    pub(super) fn described_type(&mut self, value: &Val, span: Span) -> Outcome<String> {
        match value {
            Val::Error => Err(Reported),
            Val::Tensor(_) | Val::Slot(..) | Val::Hyper(..) | Val::List(_) => {
                let tensor = self.operand(value, None, span)?;
                Ok(typed(&self.type_of(&tensor), &tensor.dims))
            }
            Val::Num(Num::Int(_)) => Ok("a whole number".into()),
            Val::Tuple(parts) => {
                let parts: Outcome<Vec<String>> = parts
                    .iter()
                    .map(|part| self.described_type(part, span))
                    .collect();
                Ok(format!("({})", parts?.join(", ")))
            }
            Val::Fn(def) => Ok(match &def.syntax.name {
                Some(name) => self.head(name.span, def.syntax.body.span, "fn"),
                None => "a function".into(),
            }),
            Val::Layer(def) => Ok(self.head(def.syntax.name.span, def.syntax.body.span, "layer")),
            Val::Optimizer(def) => {
                Ok(self.head(def.syntax.name.span, def.syntax.body.span, "optimizer"))
            }
            Val::Instance(instance) => Ok(format!(
                "{}, a layer: {}",
                self.path(instance),
                self.head(
                    instance.def.syntax.name.span,
                    instance.def.syntax.body.span,
                    "layer"
                )
            )),
            Val::Num(Num::Float(_))
            | Val::Bool(_)
            | Val::Str(_)
            | Val::None
            | Val::Sizes(..)
            | Val::Ix(_)
            | Val::OptimizerUse(_)
            | Val::Builtin(_)
            | Val::Reader(_)
            | Val::Init(_)
            | Val::Data(_)
            | Val::Batches(..)
            | Val::Record(_)
            | Val::Patience(_) => Ok(value.kind().into()),
        }
    }

    fn head(&self, name: Span, body: Span, word: &str) -> String {
        format!("{word} {}", head_text(&self.sources, name, body))
    }
}

/// A type with the names of its dimensions.
pub fn typed(ty: &Type, names: &[Option<Arc<str>>]) -> String {
    match ty.shape.is_empty() {
        true => ty.dtype.to_string(),
        false => format!("{}[{}]", ty.dtype, named_sizes(&ty.shape, names)),
    }
}

/// `n = 2, 3`: sizes with the names of their dimensions, where they have one.
pub(super) fn named_sizes(sizes: &[usize], names: &[Option<Arc<str>>]) -> String {
    let names = names.iter().chain(std::iter::repeat(&None));
    let sizes: Vec<String> = sizes
        .iter()
        .zip(names)
        .map(|(size, name)| match name {
            Some(name) if **name != *size.to_string() => format!("{name} = {size}"),
            Some(_) | None => size.to_string(),
        })
        .collect();
    sizes.join(", ")
}
