//! `augment` of `train`: a function that changes the examples of a batch before the loss sees them, in training only.
use super::Checker;
use super::call::Argument;
use super::values::{Outcome, Reported, Val};
use crate::base::source::Span;
use crate::syntax::ast::{Expr, ExprKind};
use std::sync::Arc;

/// What an example is called in a batch, and its target.
const EXAMPLE: [&str; 2] = ["x", "tokens"];
const TARGET: [&str; 2] = ["y", "next"];

impl Checker<'_> {
    /// The function of `augment = fn (x) { ... }` and its place.
    pub(super) fn augmentation(&mut self, value: &Expr) -> Outcome<(Val, Span)> {
        if let ExprKind::Call(callee, _) = &value.kind
            && let Val::Fn(def) = self.eval(callee)?
            && def.syntax.inputs.first().is_some_and(|x| x.ty.is_some())
        {
            let call = self.short(value.span, "random_shift(2)");
            let help = if call.ends_with("()") {
                format!(
                    "leave the parentheses out: `{}`",
                    call.trim_end_matches("()")
                )
            } else {
                format!("write `augment = fn (x) {{ x |> {call} }}`")
            };
            let message = "the augmentation is a function of the inputs, not its value";
            return self.error("E0406", value.span, message, help);
        }
        match self.eval(value)? {
            found @ (Val::Fn(_) | Val::Builtin(_) | Val::Instance(_)) => {
                Ok((self.kept(found, value.span), value.span))
            }
            other => self.error(
                "E0406",
                value.span,
                format!("the augmentation is a function, not {}", other.kind()),
                "write `augment = fn (x) { x |> random_flip }`",
            ),
        }
    }

    /// The batch with its `x` replaced by `augment(x)`; `x` and `y` by `augment(x, y)`, where the function needs two inputs.
    pub(super) fn augmented(&mut self, batch: &Val, augment: &(Val, Span)) -> Outcome<Val> {
        let Val::Record(fields) = batch else {
            return Err(Reported);
        };
        let (function, place) = augment;
        let mut fields = fields.to_vec();
        let wanted = [EXAMPLE, TARGET];
        let wanted = &wanted[..if needs_two(function) { 2 } else { 1 }];
        let mut places = Vec::new();
        for names in wanted {
            match fields
                .iter()
                .position(|(name, _)| *name == names[0].into())
                .or_else(|| fields.iter().position(|(name, _)| *name == names[1].into()))
            {
                Some(at) => places.push(at),
                None => return self.nothing_to_augment(&fields, names[0], *place),
            }
        }
        let arguments = places.iter().map(|&at| Argument {
            name: None,
            value: fields[at].1.clone(),
            span: *place,
        });
        let made = self.call(function.clone(), "augment", arguments.collect(), *place)?;
        let made = match (made, places.len()) {
            (made, 1) => vec![made],
            (Val::Tuple(parts), 2) if parts.len() == 2 => parts,
            (other, _) => {
                let message = format!(
                    "an augmentation of x and y gives both, not {}",
                    other.kind()
                );
                return self.error("E0406", *place, message, "end its body with `(x, y)`");
            }
        };
        for (at, value) in places.into_iter().zip(made) {
            fields[at].1 = value;
        }
        Ok(Val::Record(fields.into()))
    }

    fn nothing_to_augment<T>(
        &mut self,
        fields: &[(Arc<str>, Val)],
        wanted: &str,
        place: Span,
    ) -> Outcome<T> {
        let known: Vec<&str> = fields.iter().map(|(name, _)| &**name).collect();
        let known = known.join(", ");
        self.error(
            "E0513",
            place,
            format!("the augmentation wants `{wanted}`, and the data set has {known}"),
            format!("name it with `rename({wanted} = \"...\")`, or change it in the loss: `loss = fn (b) {{ ... }}`"),
        )
    }
}

/// Augmentations of images, each with that of series.
const TWINS: [(&str, &str); 7] = [
    ("random_crop", "random_time_crop"),
    ("cropped", "time_cropped"),
    ("random_flip", "random_time_flip"),
    ("flipped", "time_flipped"),
    ("random_shift", "random_time_shift"),
    ("cutout", "time_mask"),
    ("cut_out", "time_masked"),
];

/// The mend where an augmentation of images is given series, or the other way round.
pub(super) fn help_for_augmentation(name: &str, shape: &[usize], text: &str) -> Option<String> {
    match shape {
        [n, h, w] => {
            let (_, series) = TWINS.iter().find(|(images, _)| *images == name)?;
            Some(format!(
                "of series, [n, t, d], it is `{series}`; grey images have a dimension for their channel: `reshape({text}, [{n}, 1, {h}, {w}])`"
            ))
        }
        [_, _, _, _] => {
            let (images, _) = TWINS.iter().find(|(_, series)| *series == name)?;
            Some(format!(
                "of images, [n, channels, height, width], it is `{images}`"
            ))
        }
        _ => None,
    }
}

/// Whether a function cannot do without a second input.
fn needs_two(function: &Val) -> bool {
    let Val::Fn(def) = function else {
        return false;
    };
    let needed = def
        .syntax
        .inputs
        .iter()
        .filter(|input| input.default.is_none());
    needed.count() == 2
}
