//! What fits a parameter of the standard library and yet cannot be meant: sizes that other libraries want first,
//! a momentum above 1, a layer that is made and applied to nothing. Only what is known before the program runs is looked at.
use super::Checker;
use super::call::Argument;
use super::values::{Num, Outcome, Val};
use crate::base::diagnostic::Diagnostic;
use crate::syntax::ast::{Expr, ExprKind};

/// What may stand for a parameter.
#[derive(Clone, Copy)]
enum Fits {
    /// From 0, below 1.
    BelowOne,
    /// From 0 to 1.
    UpToOne,
    /// From 0.
    NotNegative,
    /// Above 0.
    Positive,
    /// `true` or `false`.
    Truth,
    /// One whole number.
    Whole,
}

impl Fits {
    fn holds(self, value: &Val) -> bool {
        let Some(number) = number_of(value) else {
            return match self {
                Fits::Truth => true,
                Fits::Whole => !matches!(value, Val::Str(_) | Val::Tuple(_) | Val::List(_)),
                _ => true,
            };
        };
        match self {
            Fits::BelowOne => (0.0..1.0).contains(&number),
            Fits::UpToOne => (0.0..=1.0).contains(&number),
            Fits::NotNegative => number >= 0.0,
            Fits::Positive => number > 0.0,
            Fits::Truth => false,
            Fits::Whole => number.fract() == 0.0,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Fits::BelowOne => "a number from 0 to below 1",
            Fits::UpToOne => "a number from 0 to 1",
            Fits::NotNegative => "a number from 0 on",
            Fits::Positive => "a number above 0",
            Fits::Truth => "`true` or `false`",
            Fits::Whole => "one whole number",
        }
    }
}

/// Names of functions, layers and optimizers; a parameter of theirs; what may stand for it; the mend.
type Row = (&'static [&'static str], &'static str, Fits, &'static str);

const OPTIMIZERS: &[&str] = &[
    "sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop", "adagrad",
];
const CONVOLUTIONS: &[&str] = &["conv1d", "conv2d", "conv_transpose2d"];
const POOLINGS: &[&str] = &[
    "max_pool",
    "avg_pool",
    "max_pool1d",
    "avg_pool1d",
    "max_pool2d",
    "avg_pool2d",
];
const SQUARE: &str = "kernels and strides of layers are square: write `kernel = 3`; for others call `conv2d_op(x, W)` with weights of your own";
const PADDING: &str = "count the rows of zeros: `padding = 1` with `kernel = 3`, or 2 with 5, keeps the size; `padding = 0` adds none";
const NORM: &str = "the size follows from what the layer is applied to: leave it out";
const STACKED: &str = "the size of the input follows from what the layer is applied to, and each layer is written: `x |> lstm(128) |> lstm(128)`";

const ROWS: &[Row] = &[
    (
        OPTIMIZERS,
        "lr",
        Fits::NotNegative,
        "a rate below 0 goes uphill: to maximise, minimize the negative",
    ),
    (
        &["dropout"],
        "p",
        Fits::BelowOne,
        "it is the share of the elements that become 0: for half of them write `dropout(0.5)`",
    ),
    (
        OPTIMIZERS,
        "weight_decay",
        Fits::NotNegative,
        "a negative decay makes weights grow: write a small number, such as `weight_decay = 0.0001`",
    ),
    (
        OPTIMIZERS,
        "mu",
        Fits::BelowOne,
        "it is the share of the last step that is kept: `mu = 0.9`",
    ),
    (
        OPTIMIZERS,
        "beta1",
        Fits::BelowOne,
        "it is the share of the mean that is kept: `beta1 = 0.9`",
    ),
    (
        OPTIMIZERS,
        "beta2",
        Fits::BelowOne,
        "it is the share of the mean that is kept: `beta2 = 0.999`",
    ),
    (
        OPTIMIZERS,
        "decay",
        Fits::BelowOne,
        "it is the share of the mean that is kept: `decay = 0.99`",
    ),
    (&["batch_norm"], "momentum", Fits::UpToOne, NORM),
    (
        &["batch_norm", "layer_norm", "group_norm"],
        "eps",
        Fits::BelowOne,
        NORM,
    ),
    (&["rnn", "lstm", "gru"], "reverse", Fits::Truth, STACKED),
    (&["rnn", "lstm", "gru"], "states", Fits::Truth, STACKED),
    (
        &["multi_head_attention"],
        "causal",
        Fits::Truth,
        "the width follows from what the layer is applied to: `multi_head_attention(8)` has 8 heads",
    ),
    (CONVOLUTIONS, "kernel", Fits::Whole, SQUARE),
    (CONVOLUTIONS, "stride", Fits::Whole, SQUARE),
    (CONVOLUTIONS, "padding", Fits::Whole, PADDING),
    (
        POOLINGS,
        "kernel",
        Fits::Whole,
        "windows are square: write `max_pool(2)`",
    ),
    (
        POOLINGS,
        "stride",
        Fits::Whole,
        "windows are square: write `max_pool(2, stride = 2)`",
    ),
    (POOLINGS, "padding", Fits::Whole, PADDING),
    (
        &["categorical"],
        "temperature",
        Fits::Positive,
        "towards 0 the likeliest class is drawn: write `argmax(logits, over = -1)` for that",
    ),
    (
        &["cross_entropy"],
        "smoothing",
        Fits::BelowOne,
        "it is the share of the target that goes to all classes: `smoothing = 0.1`",
    ),
];

fn number_of(value: &Val) -> Option<f64> {
    match value {
        Val::Num(number) => Some(number.value()),
        _ => None,
    }
}

impl Checker<'_> {
    /// Whether an argument of the standard library can be meant.
    pub(super) fn sensible(
        &mut self,
        what: &str,
        parameter: &str,
        argument: Option<&Argument>,
    ) -> Outcome<()> {
        let Some(argument) = argument.filter(|_| self.frame().module == 0) else {
            return Ok(());
        };
        let row = ROWS
            .iter()
            .find(|row| row.0.contains(&what) && row.1 == parameter);
        if let Some((_, _, fits, mend)) = row
            && !fits.holds(&argument.value)
        {
            let given = match &argument.value {
                Val::Num(Num::Int(i)) => i.to_string(),
                Val::Num(Num::Float(x)) => x.to_string(),
                other => other.kind().to_string(),
            };
            let message = format!("`{parameter}` of `{what}` is {}, not {given}", fits.text());
            return self.error("E0448", argument.span, message, *mend);
        }
        // PyTorch's `SGD(params, lr, momentum)`.
        let decay = number_of(&argument.value).filter(|_| argument.name.is_none());
        if what == "sgd" && parameter == "weight_decay" && decay.is_some_and(|decay| decay >= 0.5) {
            return self.error(
                "E0448",
                argument.span,
                "the second argument of `sgd` is its weight decay, and this is too much of it",
                "momentum is an optimizer of its own: `momentum(lr = 0.1, mu = 0.9)`; a decay that is meant is named, `weight_decay = 0.5`",
            );
        }
        Ok(())
    }

    /// Weights are kept as safetensors; other endings would say something else. Reading knows `.npz` too.
    pub(super) fn weights_file(&mut self, file: &str, written: &Expr, saved: bool) -> Outcome<()> {
        let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
        let of = match ending {
            "pt" | "pth" | "ckpt" => "PyTorch",
            "h5" | "hdf5" | "keras" => "Keras",
            "pkl" | "pickle" => "Python",
            "onnx" => "ONNX",
            "npz" if saved => "NumPy",
            _ => return Ok(()),
        };
        let stem = file.strip_suffix(ending).unwrap_or(file);
        let (message, help) = match saved {
            true => (
                format!(
                    "weights are saved in the format safetensors, and `.{ending}` names one of {of}"
                ),
                format!(
                    "write `\"{stem}safetensors\"`: PyTorch, Keras and NumPy read it with the package `safetensors`"
                ),
            ),
            false => (
                format!(
                    "weights are loaded from safetensors or `.npz`, and `.{ending}` is a format of {of}"
                ),
                format!(
                    "save them there as `\"{stem}safetensors\"` with the package `safetensors`, and load that"
                ),
            ),
        };
        self.error("E0514", written.span, message, help)
    }

    /// Warns of a layer that a statement makes and applies to nothing.
    pub(super) fn dropped(&mut self, expr: &Expr, value: &Val) {
        let Val::Instance(instance) = value else {
            return;
        };
        if instance.applied.get() || !matches!(expr.kind, ExprKind::Call(..)) {
            return;
        }
        let name = instance.def.syntax.name.text.clone();
        let message = format!("`{name}` makes a layer here that is applied to nothing");
        let help = format!(
            "nothing changes in place: write `let x = x |> {}`",
            self.short(expr.span, &name)
        );
        self.report(Diagnostic::warning("W0203", expr.span, message).help(help));
    }
}
