//! The functions that the compiler itself knows.
use super::Checker;
use super::call::Argument;
use super::expr::static_number;
use super::values::{Builtin, Init, Num, Outcome, Reported, Val};
use crate::base::source::Span;
use crate::base::types::DType;
use crate::tir::{Node, Op, Reducer};
use std::rc::Rc;

/// Arguments sorted into positional and named.
pub(super) struct Sorted {
    pub(super) positional: Vec<Argument>,
    pub(super) named: Vec<Argument>,
}

impl Sorted {
    /// Takes the named argument, if it is given.
    pub(super) fn take(&mut self, name: &str) -> Option<Argument> {
        let at = self
            .named
            .iter()
            .position(|argument| argument.name.as_deref() == Some(name))?;
        Some(self.named.remove(at))
    }
}

/// The arguments that a function of the compiler takes by name.
fn names_of_arguments(builtin: Builtin) -> &'static [&'static str] {
    match builtin {
        Builtin::Reduce(_) | Builtin::Mean => &["over", "keep"],
        Builtin::Concat | Builtin::Stack | Builtin::Split => &["over"],
        Builtin::Pad => &["left", "right", "over", "fill"],
        Builtin::NoImprovement => &["epochs"],
        _ => &[],
    }
}

impl Checker<'_> {
    /// Calls a function of the compiler.
    pub(super) fn builtin(
        &mut self,
        builtin: Builtin,
        name: &str,
        arguments: Vec<Argument>,
        span: Span,
    ) -> Outcome<Val> {
        if arguments
            .iter()
            .any(|argument| super::poisoned(&argument.value))
        {
            return Err(Reported);
        }
        let (named, positional) = arguments
            .into_iter()
            .partition(|argument| argument.name.is_some());
        let mut sorted = Sorted { positional, named };
        let value = self.builtin_inner(builtin, name, &mut sorted, span)?;
        match sorted.named.first() {
            Some(extra) => {
                let extra = extra.clone();
                let known: Vec<String> = names_of_arguments(builtin)
                    .iter()
                    .map(|known| known.to_string())
                    .collect();
                self.unknown_argument(name, &extra, &known)
            }
            None => Ok(value),
        }
    }

    fn builtin_inner(
        &mut self,
        builtin: Builtin,
        name: &str,
        sorted: &mut Sorted,
        span: Span,
    ) -> Outcome<Val> {
        let wants =
            |checker: &mut Self, sorted: &Sorted, counts: &[usize], usage: &str| -> Outcome<()> {
                if counts.contains(&sorted.positional.len()) {
                    return Ok(());
                }
                let given = sorted.positional.len();
                checker.error(
                    "E0410",
                    span,
                    format!(
                        "`{name}` is called with {given} argument{}",
                        if given == 1 { "" } else { "s" }
                    ),
                    format!("write `{usage}`"),
                )
            };
        match builtin {
            Builtin::Unary(op) => {
                wants(self, sorted, &[1], &format!("{name}(x)"))?;
                let argument = sorted.positional[0].clone();
                let value = self.unary_function(op, argument, span)?;
                if op == Op::Sigmoid {
                    self.note_probability(name, &value);
                }
                Ok(value)
            }
            Builtin::Cast(to) => {
                wants(self, sorted, &[1], &format!("{name}(x)"))?;
                let value = self.listed(&sorted.positional[0].value);
                self.cast(&value, to, span)
            }
            Builtin::Reduce(reducer)
                if sorted.positional.len() == 2
                    && matches!(reducer, Reducer::Max | Reducer::Min) =>
            {
                let (a, b) = (sorted.positional[0].clone(), sorted.positional[1].clone());
                if let (Some(x), Some(y)) = (static_number(&a.value), static_number(&b.value)) {
                    let first = if reducer == Reducer::Max {
                        x.value() >= y.value()
                    } else {
                        x.value() <= y.value()
                    };
                    return Ok(if first { a.value } else { b.value });
                }
                let op = if reducer == Reducer::Max {
                    Op::Max
                } else {
                    Op::Min
                };
                self.elementwise(op, &[a.value, b.value], span, &[a.span, b.span])
            }
            Builtin::Reduce(_) | Builtin::Mean => {
                if let [tensor, axis] = sorted.positional.as_slice() {
                    let (tensor, axis) = (self.short(tensor.span, "x"), self.short(axis.span, "0"));
                    let usage = format!("{name}({tensor}, over = {axis})");
                    return wants(self, sorted, &[1], &usage).map(|()| Val::Error);
                }
                wants(self, sorted, &[1], &format!("{name}(x, over = d)"))?;
                self.reduction(builtin, sorted, span)
            }
            Builtin::Where => {
                wants(self, sorted, &[3], "where(condition, a, b)")?;
                let [c, a, b] = [0, 1, 2].map(|at| sorted.positional[at].clone());
                if let Val::Bool(truth) = c.value {
                    return Ok(if truth { a.value } else { b.value });
                }
                let (mut first, mut second) = (a.value, b.value);
                let indexed = [&c.value, &first, &second]
                    .iter()
                    .any(|value| matches!(value, Val::Ix(_)));
                if !indexed && static_number(&first).is_some() && static_number(&second).is_some() {
                    let float = self.float;
                    let whole = |value: &Val| static_number(value).map_or(0.0, Num::value);
                    first = Val::Tensor(self.scalar_of(float, whole(&first)));
                    second = Val::Tensor(self.scalar_of(float, whole(&second)));
                }
                self.elementwise(
                    Op::Select,
                    &[c.value, first, second],
                    span,
                    &[c.span, a.span, b.span],
                )
            }
            Builtin::Concat | Builtin::Stack => self.join(builtin, name, sorted, span),
            Builtin::Split => {
                wants(self, sorted, &[2], "split(x, parts, over = d)")?;
                self.split(sorted, span)
            }
            Builtin::Reshape => {
                let usage = self.usage_with_list(name, sorted);
                wants(self, sorted, &[2], &usage)?;
                self.reshape(sorted, span)
            }
            Builtin::Transpose => {
                let usage = self.usage_with_list(name, sorted);
                wants(self, sorted, &[1, 2], &usage)?;
                self.transpose(sorted, span)
            }
            Builtin::Pad => {
                wants(
                    self,
                    sorted,
                    &[1],
                    "pad(x, left = 1, right = 1, over = d, fill = 0)",
                )?;
                self.pad(sorted, span)
            }
            Builtin::Last => {
                wants(self, sorted, &[1], "last(scan ...)")?;
                self.last(&sorted.positional[0].value.clone(), span)
            }
            Builtin::StopGradient => {
                wants(self, sorted, &[1], "stop_gradient(x)")?;
                let value = self.listed(&sorted.positional[0].value);
                if matches!(value, Val::Ix(_) | Val::Num(_)) {
                    return Ok(value);
                }
                let tensor = self.operand(&value, None, span)?;
                let ty = self.type_of(&tensor);
                let inner = self.here(&tensor);
                let value = self.graph().add(Node::StopGradient(inner), vec![ty], span)[0];
                Ok(Val::Tensor(self.tensor(value, tensor.dims)))
            }
            Builtin::Normal | Builtin::Uniform => {
                let values = sorted
                    .positional
                    .iter()
                    .map(|argument| argument.value.clone())
                    .collect();
                let counts: &[usize] = if builtin == Builtin::Normal {
                    &[1, 2]
                } else {
                    &[2]
                };
                wants(
                    self,
                    sorted,
                    counts,
                    if builtin == Builtin::Normal {
                        "normal(deviation)[n, d]"
                    } else {
                        "uniform(low, high)[n, d]"
                    },
                )?;
                Ok(Val::Init(Rc::new(Init::Builtin(builtin, values))))
            }
            Builtin::Zeros | Builtin::Ones => self.error(
                "E0408",
                span,
                format!("`{name}` is given its shape in brackets"),
                match self.inside_brackets(span) {
                    Some(sizes) => format!("write `{name}[{sizes}]`"),
                    None => format!("write `{name}[n, d]`"),
                },
            ),
            Builtin::FanIn | Builtin::FanOut => {
                wants(self, sorted, &[1], &format!("{name}(shape)"))?;
                self.fan(builtin, &sorted.positional[0].value.clone(), span)
            }
            Builtin::Batches => self.make_batches(
                sorted
                    .positional
                    .drain(..)
                    .chain(sorted.named.drain(..))
                    .collect(),
                span,
            ),
            Builtin::Data => self.make_data(
                sorted
                    .positional
                    .drain(..)
                    .chain(sorted.named.drain(..))
                    .collect(),
                span,
            ),
            Builtin::NoImprovement => {
                let epochs = sorted.take("epochs").or_else(|| sorted.positional.pop());
                match epochs {
                    Some(epochs) => Ok(Val::Patience(
                        self.count(&epochs.value, epochs.span, "the number of epochs")?
                            .max(1),
                    )),
                    None => self.error(
                        "E0412",
                        span,
                        "`no_improvement` wants its number of epochs",
                        "write `no_improvement(epochs = 3)`",
                    ),
                }
            }
            Builtin::Decode => self.error(
                "E0420",
                span,
                "`decode` writes characters and stands in `print` only",
                "write `print decode(tokens, text)`",
            ),
            Builtin::Grad | Builtin::Evaluate => self.error(
                "E0407",
                span,
                format!("`{name}` cannot be used this way"),
                "call it by its name",
            ),
        }
    }

    /// A list as a tensor, anything else as it is.
    fn listed(&mut self, value: &Val) -> Val {
        match value {
            Val::List(_) => self
                .list_tensor(value, None)
                .map_or(value.clone(), Val::Tensor),
            other => other.clone(),
        }
    }

    fn unary_function(&mut self, op: Op, argument: Argument, span: Span) -> Outcome<Val> {
        if let Some(number) = static_number(&argument.value) {
            let x = number.value();
            if let (Op::Abs, Num::Int(i)) = (op, number) {
                return Ok(Val::Num(Num::Int(i.abs())));
            }
            let value = match op {
                Op::Exp => x.exp(),
                Op::Log => x.ln(),
                Op::Sqrt => x.sqrt(),
                Op::Sin => x.sin(),
                Op::Cos => x.cos(),
                Op::Tanh => x.tanh(),
                Op::Abs => x.abs(),
                Op::Floor => x.floor(),
                _ => {
                    let tensor = Val::Tensor(self.scalar_of(self.float, x));
                    return self.elementwise(op, &[tensor], span, &[argument.span]);
                }
            };
            return Ok(Val::Num(Num::Float(value)));
        }
        let value = self.listed(&argument.value);
        // sqrt of a size or index is a float.
        let value = match (&value, op) {
            (
                Val::Ix(ix),
                Op::Exp | Op::Log | Op::Sqrt | Op::Sin | Op::Cos | Op::Tanh | Op::Sigmoid | Op::Erf,
            ) if ix.dtype(&|tensor| self.type_of(tensor).dtype) == DType::I32 => {
                let float = self.float;
                self.cast(&value, float, span)?
            }
            _ => value,
        };
        self.elementwise(op, &[value], span, &[argument.span])
    }

    fn reduction(&mut self, builtin: Builtin, sorted: &mut Sorted, span: Span) -> Outcome<Val> {
        let argument = sorted.positional[0].clone();
        let over = sorted.take("over");
        let keep = match sorted.take("keep").map(|keep| keep.value) {
            None | Some(Val::Bool(false)) => false,
            Some(Val::Bool(true)) => true,
            Some(other) => {
                return self.error(
                    "E0406",
                    span,
                    format!("`keep` is true or false, not {}", other.kind()),
                    "write `keep = true`",
                );
            }
        };
        if let Val::Ix(_) = argument.value {
            return Ok(argument.value);
        }
        let tensor = self.operand(&argument.value, None, argument.span)?;
        let axes = self.axes(
            &tensor,
            over.as_ref().map(|over| &over.value),
            over.as_ref().map_or(span, |over| over.span),
        )?;
        match builtin {
            Builtin::Mean => self.mean_of(&tensor, &axes, keep, span),
            Builtin::Reduce(reducer) => Ok(Val::Tensor(
                self.reduced(reducer, &tensor, &axes, keep, span)?,
            )),
            _ => Err(Reported),
        }
    }

    fn fan(&mut self, builtin: Builtin, value: &Val, span: Span) -> Outcome<Val> {
        let sizes = match value {
            Val::Sizes(sizes, _) => sizes.clone(),
            other => match self.as_tensor(other) {
                Some(tensor) => self.type_of(&tensor).shape,
                None => {
                    return self.error(
                        "E0301",
                        span,
                        "a fan is that of a shape",
                        "bind the shape in the signature: `-> [..s]`",
                    );
                }
            },
        };
        // [in, out] for rank 2, [out, in, k...] above; a vector counts as its own fan.
        let (fan_in, fan_out) = match sizes.as_slice() {
            [] => (1, 1),
            [n] => (*n, *n),
            [inputs, outputs] => (*inputs, *outputs),
            [outputs, inputs, kernel @ ..] => {
                let taps = |of: usize| kernel.iter().fold(of, |all, &tap| all.saturating_mul(tap));
                (taps(*inputs), taps(*outputs))
            }
        };
        let fan = match builtin {
            Builtin::FanIn => fan_in,
            _ => fan_out,
        };
        Ok(Val::Num(Num::Int(i64::try_from(fan).unwrap_or(i64::MAX))))
    }

    /// The last element of each stack along the dimension that was walked (the first: 0 by construction of `scan`).
    fn last(&mut self, value: &Val, span: Span) -> Outcome<Val> {
        match value {
            Val::Tuple(parts) => {
                let mut values = Vec::with_capacity(parts.len());
                for part in parts.clone() {
                    values.push(self.last(&part, span)?);
                }
                Ok(Val::Tuple(values))
            }
            other => {
                let tensor = self.operand(other, None, span)?;
                match self
                    .final_states
                    .get(&(tensor.epoch, tensor.value))
                    .cloned()
                {
                    Some(state) => Ok(Val::Tensor(state)),
                    None => self.error(
                        "E0421",
                        span,
                        "`last` takes a `scan`",
                        "write `last(scan ...)`; for a tensor write `x[n - 1]`",
                    ),
                }
            }
        }
    }
}
