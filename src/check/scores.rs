//! Warnings on scores and probabilities: a loss that contains a `softmax` after a `softmax`, one class, a column against a vector.
use super::Checker;
use super::values::{FnDef, Instance, Outcome, Reported, Val};
use crate::base::diagnostic::Diagnostic;
use crate::base::source::Span;
use std::rc::Rc;

/// The mark of what a layer of the standard library gave: scores, as nothing was done to them since.
const SCORES: &str = "a layer";

impl Checker<'_> {
    /// Notes the results of `softmax` and `sigmoid`, and warns where a loss is given one that wants what stands before it.
    pub(super) fn note_probabilities(
        &mut self,
        def: &Rc<FnDef>,
        name: &str,
        (first, only): (&Option<Val>, bool),
        outcome: &Result<Val, Reported>,
        span: Span,
    ) {
        if def.module != 0 {
            return;
        }
        if let Some(scores) = first {
            self.one_class(name, scores, only, span);
        }
        if let ("softmax" | "log_softmax", Ok(value)) = (name, outcome) {
            self.note_probability(name, value);
        }
        let Some(Val::Tensor(tensor)) = first else {
            return;
        };
        let mark = self.normalised.get(&(self.graphs_opened, tensor.value));
        let Some(mark) = mark.cloned() else { return };
        let told = match (name, &*mark) {
            ("cross_entropy" | "soft_cross_entropy", "softmax")
            | ("binary_cross_entropy" | "bce", "sigmoid") => (
                format!("`{name}` takes scores before any `{mark}`, and is given the result of one"),
                format!("leave `{mark}` out of the model: the loss contains it, and twice it learns slowly; apply it where probabilities are printed"),
            ),
            ("nll", "softmax" | "sigmoid") => (
                format!("`nll` takes logarithms of probabilities, and is given the result of `{mark}`"),
                "take `cross_entropy` of the scores, or `nll` of their `log_softmax`".into(),
            ),
            ("kl", "softmax" | "sigmoid" | SCORES) => (
                match &*mark {
                    SCORES => "`kl` takes the logarithms of probabilities first, and is given the scores of a layer".to_string(),
                    of => format!("`kl` takes the logarithms of probabilities first, and is given the result of `{of}`"),
                },
                "give it `log_softmax` of the scores; the second, the target, are probabilities".into(),
            ),
            ("nll", SCORES) => (
                "`nll` takes logarithms of probabilities, and is given the scores of a layer".into(),
                "take `cross_entropy` of the scores, or `nll` of their `log_softmax`: of scores alone it falls without end".into(),
            ),
            _ => return,
        };
        self.report(Diagnostic::warning("W0202", span, told.0).help(told.1));
    }

    /// Keeps in mind that a tensor is the result of `softmax` or `sigmoid`.
    pub(super) fn note_probability(&mut self, of: &str, value: &Val) {
        if let Val::Tensor(tensor) = value {
            self.normalised
                .insert((self.graphs_opened, tensor.value), of.into());
        }
    }

    /// Keeps in mind that a tensor is what a layer of the standard library gave.
    pub(super) fn note_scores(&mut self, instance: &Rc<Instance>, outcome: &Outcome<Val>) {
        if let (0, Ok(value)) = (instance.def.module, outcome) {
            self.note_probability(SCORES, value);
        }
    }

    /// A loss or a `softmax` over one class: it is the same for every input.
    fn one_class(&mut self, name: &str, scores: &Val, only: bool, span: Span) {
        let Val::Tensor(tensor) = scores else { return };
        let shape = self.type_of(tensor).shape;
        if shape.len() < 2 || shape.last() != Some(&1) {
            return;
        }
        let (message, help) = match name {
            "cross_entropy" | "soft_cross_entropy" => (
                format!(
                    "`{name}` is given the score of one class only, and is 0 whatever the score is"
                ),
                "for yes or no with one score take `binary_cross_entropy`, with targets of 0.0 and 1.0; else end the model with one score for each class, `dense(classes)`",
            ),
            "softmax" | "log_softmax" if only && self.frame().module != 0 => (
                format!(
                    "`{name}` of one class is {} whatever the score is",
                    if name == "softmax" { 1 } else { 0 }
                ),
                "for yes or no with one score take `sigmoid`; else give one score for each class, `dense(classes)`",
            ),
            _ => return,
        };
        self.report(Diagnostic::warning("W0204", span, message).help(help));
    }

    /// A column that a layer gave, less a vector of as many elements: each with each, where each with its own is meant.
    pub(super) fn no_outer_difference(&mut self, a: &Val, b: &Val, span: Span, places: [Span; 2]) {
        if self.frame().module == 0 {
            return;
        }
        let turned = [places[1], places[0]];
        for (column, row, places) in [(a, b, places), (b, a, turned)] {
            let Val::Tensor(left) = column else { continue };
            let mark = self.normalised.get(&(self.graphs_opened, left.value));
            if mark.is_none_or(|mark| &**mark != SCORES) {
                continue;
            }
            let left = self.type_of(left).shape;
            let Some(right) = self.as_tensor(row) else {
                continue;
            };
            if let ([n, 1], [m]) = (left.as_slice(), self.type_of(&right).shape.as_slice())
                && n == m
                && *n > 1
            {
                return self.warn_of_outer_difference(*n, span, places);
            }
        }
    }

    fn warn_of_outer_difference(&mut self, n: usize, span: Span, [column, row]: [Span; 2]) {
        let message = format!(
            "[{n}, 1] less [{n}] is [{n}, {n}]: each prediction less each target, not less its own"
        );
        let (column_text, row_text) = (self.short(column, "..."), self.short(row, "y"));
        let help = format!(
            "give both one shape: `reshape({row_text}, [{n}, 1])`, or end the model with `|> reshape([n])`; `mse({column_text}, {row_text})` would have refused them"
        );
        let diagnostic = Diagnostic::warning("W0205", span, message)
            .label(column, format!("[{n}, 1]"))
            .label(row, format!("[{n}]"))
            .help(help);
        self.report(diagnostic);
    }
}
