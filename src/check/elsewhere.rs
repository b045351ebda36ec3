//! Members, arguments and settings of Python, PyTorch, Keras, NumPy, burn and candle, and what is written here instead. Tables only, and the
//! look-up in them; names that stand alone are in `foreign_names.rs`.
use super::foreign_names::{MODULES, NAMES};

/// A row: names that other languages or libraries know, and the mend.
pub(super) type Row = (&'static [&'static str], &'static str);

/// What other libraries call the sizes of a tensor.
const SIZES: &[&str] = &[
    "shape", "size", "dim", "ndim", "ndims", "dims", "numel", "rank", "len",
];

/// Members of tensors elsewhere.
const OF_TENSORS: &[Row] = &[
    (
        SIZES,
        "its sizes are bound by a signature: in `fn f(x: [n, d]) { ... }`, `n` and `d` are numbers",
    ),
    (&["T", "mT", "t", "H"], "write `transpose({x})`"),
    (
        &["view", "resize", "reshape", "squeeze", "ravel", "view_as"],
        "write the new sizes as a list: `reshape({x}, [n, -1])`",
    ),
    (
        &["unsqueeze", "expand_dims"],
        "write all sizes, with 1 for the new dimension: `reshape({x}, [1, n, d])`",
    ),
    (
        &["permute", "transpose", "swap_dims", "swapaxes"],
        "write `transpose({x})` for the last two dimensions, `transpose({x}, [0, 2, 1])` for an order",
    ),
    (
        &[
            "item",
            "numpy",
            "tolist",
            "cpu",
            "cuda",
            "to",
            "contiguous",
            "clone",
            "copy",
            "data",
            "into_scalar",
            "to_scalar",
            "to_device",
            "requires_grad_",
            "eval",
        ],
        "leave it out: a tensor is a value, and there are no devices",
    ),
    (&["detach"], "write `stop_gradient({x})`"),
    (
        &["float", "to_dtype", "astype", "type", "cast"],
        "write `f32({x})`",
    ),
    (&["double"], "write `f64({x})`"),
    (&["long", "int", "to_int"], "write `i32({x})`"),
    (
        &["dtype", "device", "requires_grad"],
        "leave it out: the element type is part of the type, `f64[n]`, and there are no devices",
    ),
    (
        &["backward"],
        "leave it out: one step, gradients and all, is `minimize {x} with sgd(lr = 0.01)`",
    ),
    (&["grad"], "write `grad(loss, {x})`"),
    (
        &["append", "extend", "push"],
        "a tensor keeps its size: write `concat(a, b, over = 0)`, or let a `scan` stack values",
    ),
    (&["matmul", "dot", "mm", "bmm"], "write `{x} @ b`"),
    (
        &["pow", "powf", "square", "powf_scalar", "sqr"],
        "write `{x} ^ 2`",
    ),
    (
        &[
            "add",
            "add_",
            "sub",
            "mul",
            "mul_",
            "div",
            "sub_",
            "broadcast_add",
            "broadcast_mul",
        ],
        "write `{x} + b`, `{x} - b`, `{x} * b`, `{x} / b`",
    ),
    (&["eq", "gt", "lt", "equal"], "write `{x} == b`, `{x} > b`"),
    (
        &["clamp", "clip", "clamp_min"],
        "write `min(max({x}, low), high)`",
    ),
    (
        &["expand", "repeat", "expand_as", "broadcast_as"],
        "sizes of 1 stretch by themselves: leave it out",
    ),
    (&["std"], "write `sqrt(mean(({x} - mean({x})) ^ 2))`"),
    (&["var"], "write `mean(({x} - mean({x})) ^ 2)`"),
    (&["norm"], "write `sqrt(sum({x} * {x}))`"),
    (
        &["sum_all", "mean_all", "sum_keepdim"],
        "write `sum({x})`, `mean({x}, over = 1)`",
    ),
];

/// Members of models elsewhere.
const OF_LAYERS: &[Row] = &[
    (
        &["fit", "compile"],
        "write `train {x} on set { ... }` with a `loss` and an `optimizer`",
    ),
    (
        &[
            "parameters",
            "named_parameters",
            "trainable_variables",
            "trainable_weights",
            "variables",
        ],
        "leave it out: `minimize` and `train` change all parameters that the loss reads, or those after `over`: `minimize loss over {x} with adam()`",
    ),
    (
        &["state_dict", "save", "save_weights", "save_pretrained"],
        "write `save {x} to \"net.safetensors\"`",
    ),
    (
        &["load_state_dict", "load", "load_weights"],
        "write `load {x} from \"net.safetensors\"`",
    ),
    (
        &["forward", "predict", "call", "__call__"],
        "apply it: `{x}(input)`",
    ),
    (
        &["train", "eval", "training", "train_mode", "valid"],
        "leave it out: `minimize` and `train` run it as in training, everything else does not",
    ),
    (
        &["evaluate", "score"],
        "write `evaluate({x}, set, accuracy)`",
    ),
    (
        &["summary"],
        "write `print {x}`; `dlmc check` lists its parameters",
    ),
    (
        &[
            "to",
            "cuda",
            "cpu",
            "half",
            "float",
            "to_device",
            "requires_grad_",
        ],
        "leave it out: there are no devices, all threads of the processor are used",
    ),
    (
        &["copy", "clone", "deepcopy"],
        "make another instance with the same configuration; `load` can give it the same weights",
    ),
    (
        &["zero_grad"],
        "leave it out: gradients start from zero in each `minimize`",
    ),
    (
        &["weight", "weights", "kernel", "get_weights"],
        "the weights of a `dense` or `conv2d` are called `W`: `{x}.W`",
    ),
    (&["bias"], "it is called `b`: `{x}.b`"),
    (
        &["add", "append", "add_module"],
        "a model is one declaration: `layer model(x: [n, d]) { x |> dense(64) |> relu |> dense(10) }`",
    ),
    (
        &["apply", "register_buffer"],
        "initial values stand in the declaration: `param W: [d, units] = he_normal`",
    ),
];

/// Members of optimizers elsewhere.
const OF_OPTIMIZERS: &[Row] = &[
    (
        &[
            "step",
            "minimize",
            "apply_gradients",
            "update",
            "backward_step",
        ],
        "one step, gradients and all, is `minimize loss with {x}`",
    ),
    (
        &["zero_grad"],
        "leave it out: gradients start from zero in each `minimize`",
    ),
    (
        &["state_dict", "load_state_dict"],
        "`dlmc run` with `--checkpoint` keeps the state of optimizers too",
    ),
    (
        &["param_groups", "lr"],
        "a rate that changes is a schedule: `sgd(lr = cosine(0.1, epochs = 5))`",
    ),
];

/// Members of data sets elsewhere.
const OF_DATA: &[Row] = &[
    (
        &["shape", "size", "len", "head", "describe", "columns"],
        "`dlmc check` says how many rows and columns it has",
    ),
    (
        &["batch", "batches"],
        "write `for b in {x} |> batches(32) { ... }`",
    ),
    (
        &["map", "apply"],
        "transforms are pipes: `{x} |> standardize`",
    ),
    (
        &[
            "split",
            "shuffle",
            "take",
            "drop",
            "drop_missing",
            "standardize",
        ],
        "transforms are pipes: `{x} |> split(train = 0.8)`",
    ),
    (
        &["X", "data", "features", "inputs", "values"],
        "the inputs are `{x}.x`",
    ),
    (
        &["Y", "label", "labels", "target", "targets"],
        "the target is `{x}.y`",
    ),
];

/// Arguments elsewhere, and those here for the same.
const ARGUMENTS: &[Row] = &[
    (&["dim", "axis", "dims", "axes"], "over"),
    (&["keepdim", "keepdims", "keep_dims"], "keep"),
    (
        &["kernel_size", "pool_size", "filter_size", "ksize"],
        "kernel",
    ),
    (&["out_channels", "filters", "num_filters"], "channels"),
    (&["strides"], "stride"),
    (&["pad", "pads"], "padding"),
    (&["learning_rate", "rate", "alpha", "eta"], "lr"),
    (
        &[
            "hidden_size",
            "hidden_dim",
            "units",
            "hidden_units",
            "num_units",
        ],
        "hidden",
    ),
    (
        &[
            "out_features",
            "embedding_dim",
            "output_dim",
            "features",
            "size",
            "hidden",
        ],
        "units",
    ),
    (
        &["num_heads", "nhead", "n_heads", "n_head", "head"],
        "heads",
    ),
    (
        &[
            "num_embeddings",
            "vocab_size",
            "vocab",
            "input_dim",
            "n_vocab",
        ],
        "vocabulary",
    ),
    (&["epsilon"], "eps"),
    (&["rate", "prob", "drop_prob", "probability"], "p"),
    (&["negative_slope", "alpha"], "slope"),
    (&["momentum", "beta"], "mu"),
    (&["beta_1", "b1"], "beta1"),
    (&["beta_2", "b2"], "beta2"),
    (&["rho", "alpha"], "decay"),
    (&["wd", "decay", "l2"], "weight_decay"),
    (&["label_smoothing"], "smoothing"),
    (&["labels", "targets", "y_true", "y"], "label"),
    (&["labels", "targets", "y_true", "label", "y"], "target"),
    (&["y_pred", "prediction", "predictions", "output"], "pred"),
    (&["sep", "delimiter"], "separator"),
    (&["is_causal", "causal_mask"], "causal"),
    (&["attn_mask", "attention_mask", "key_padding_mask"], "mask"),
    (&["T_max", "num_epochs", "max_epochs"], "epochs"),
    (&["total_steps", "max_steps"], "steps"),
    (&["gamma", "decay_rate"], "factor"),
    (&["step_size", "T_0", "decay_steps"], "epochs"),
    (&["return_state"], "states"),
    (&["go_backwards"], "reverse"),
];

/// Arguments elsewhere that nothing here takes.
const LEFT_OUT: &[Row] = &[
    (
        &[
            "in_channels",
            "in_features",
            "input_dim",
            "input_shape",
            "input_size",
            "num_features",
            "normalized_shape",
        ],
        "leave it out: the size of the input follows from what the layer is applied to",
    ),
    (
        &["activation"],
        "leave it out, and pass the result on: `x |> dense(64) |> relu`",
    ),
    (
        &["bias", "use_bias"],
        "leave it out: `projection(units)` is a `dense` without one",
    ),
    (
        &["reduction", "size_average"],
        "leave it out: losses are means",
    ),
    (&["batch_first"], "leave it out: sequences are `[n, t, d]`"),
    (
        &["return_sequences"],
        "leave it out: a recurrence gives all its steps; the last alone is `|> last_over_time`",
    ),
    (
        &[
            "dtype",
            "device",
            "requires_grad",
            "inplace",
            "params",
            "name",
        ],
        "leave it out",
    ),
    (
        &["kernel_initializer", "bias_initializer"],
        "leave it out, or write a layer of your own: `param W: [d, units] = he_normal`",
    ),
    (
        &["momentum", "nesterov"],
        "momentum is an optimizer of its own: `momentum(lr = 0.1, mu = 0.9)`, or `nesterov(...)`",
    ),
    (
        &["bidirectional"],
        "write `x |> bidirectional(lstm(16), lstm(16, reverse = true))`",
    ),
    (
        &["num_layers"],
        "each layer is written: `x |> lstm(16) |> lstm(16)`",
    ),
    (
        &["affine", "track_running_stats", "elementwise_affine"],
        "leave it out: the layer learns its scale and shift",
    ),
    (&["betas"], "there are two: `beta1 = 0.9, beta2 = 0.999`"),
    (
        &["from_logits"],
        "leave it out: losses take scores before any softmax or sigmoid",
    ),
];

/// Settings of training elsewhere.
const SETTINGS: &[Row] = &[
    (&["batch_size", "minibatch", "bs"], "write `batch = {v}`"),
    (
        &["learning_rate", "lr", "rate"],
        "the rate belongs to the optimizer: `optimizer = sgd(lr = 0.1)`",
    ),
    (
        &[
            "num_epochs",
            "n_epochs",
            "max_epochs",
            "iterations",
            "steps",
        ],
        "write `epochs = {v}`",
    ),
    (
        &[
            "validation_data",
            "val_data",
            "valid",
            "validation",
            "test",
            "val",
        ],
        "write `validate = set.test`",
    ),
    (
        &["validation_split", "split"],
        "split the data set first, `csv(\"file.csv\") |> target(\"y\") |> split(train = 0.8)`, then write `validate = set.test`",
    ),
    (
        &["patience", "early_stopping"],
        "write `stop = no_improvement(epochs = {v})`, with `validate = set.test`",
    ),
    (
        &["callbacks"],
        "write `stop = no_improvement(epochs = 3)` or `save_best = \"net.safetensors\"`",
    ),
    (
        &["checkpoint", "save"],
        "write `save_best = \"net.safetensors\"`",
    ),
    (
        &["verbose", "progress"],
        "leave it out: `dlmc run --quiet` says less",
    ),
    (
        &["criterion", "objective", "cost", "loss_fn"],
        "write `loss = cross_entropy`",
    ),
    (
        &["optim", "opt", "algorithm"],
        "write `optimizer = adam(lr = 0.001)`",
    ),
    (&["metric"], "write `metrics = [accuracy]`"),
    (
        &["weight_decay", "momentum"],
        "it belongs to the optimizer: `optimizer = adamw(weight_decay = 0.01)`",
    ),
    (
        &["schedule", "scheduler", "lr_scheduler", "decay"],
        "a schedule is the optimizer's rate: `optimizer = sgd(lr = cosine(0.1, epochs = 5))`",
    ),
    (
        &[
            "clip",
            "grad_clip",
            "max_norm",
            "gradient_clipping",
            "clipnorm",
        ],
        "write `clip_norm = 1.0`",
    ),
    (
        &["data", "dataset", "x", "y"],
        "the data set stands before the braces: `train net on set { ... }`",
    ),
    (
        &["device", "workers", "num_workers", "threads"],
        "leave it out: all threads of the processor are used",
    ),
];

/// What has members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// A tensor or a number.
    Tensor,
    /// An instance of a layer.
    Layer,
    /// An optimizer.
    Optimizer,
    /// A data set.
    Data,
}

fn find(rows: &[Row], name: &str) -> Option<&'static str> {
    let row = rows.iter().find(|(names, _)| names.contains(&name));
    row.map(|(_, help)| *help)
}

/// Whether a member is what other libraries call the sizes of a tensor.
pub(super) fn asks_for_sizes(name: &str) -> bool {
    SIZES.contains(&name)
}

/// Whether other languages have a module of this name.
pub(super) fn is_module(name: &str) -> bool {
    MODULES.contains(&name)
}

/// The mend for a name that another language or library knows.
pub(super) fn of_name(name: &str) -> Option<&'static str> {
    find(NAMES, name)
}

/// The mend for a member that `owner` has elsewhere; `written` is how the owner is written.
pub(super) fn of_member(owner: Owner, name: &str, written: &str) -> Option<String> {
    let rows = match owner {
        Owner::Tensor => OF_TENSORS,
        Owner::Layer => OF_LAYERS,
        Owner::Optimizer => OF_OPTIMIZERS,
        Owner::Data => OF_DATA,
    };
    find(rows, name).map(|help| help.replace("{x}", written))
}

/// The mend for an argument that has another name here, of those in `known`.
pub(super) fn of_argument(name: &str, known: &[String]) -> Option<String> {
    let here = |(names, here): &&Row| names.contains(&name) && known.iter().any(|k| k == here);
    match ARGUMENTS.iter().find(here) {
        Some((_, here)) => Some(format!("it is called `{here}` here")),
        None => find(LEFT_OUT, name).map(str::to_string),
    }
}

/// The mend for a setting of `train` that has another name here, with the value that was given to it.
pub(super) fn of_setting(name: &str, value: &str) -> Option<String> {
    find(SETTINGS, name).map(|help| help.replace("{v}", value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_name_stands_in_two_rows_of_a_table() {
        for rows in [
            NAMES,
            OF_TENSORS,
            OF_LAYERS,
            OF_OPTIMIZERS,
            OF_DATA,
            SETTINGS,
            LEFT_OUT,
        ] {
            let mut seen = HashSet::new();
            for name in rows.iter().flat_map(|(names, _)| names.iter()) {
                assert!(seen.insert(name), "{name} stands twice");
            }
        }
    }

    #[test]
    fn an_argument_is_renamed_only_where_the_other_name_is_known() {
        let known = ["x".to_string(), "over".to_string()];
        assert_eq!(
            of_argument("dim", &known).as_deref(),
            Some("it is called `over` here")
        );
        assert_eq!(of_argument("learning_rate", &known), None);
    }
}
