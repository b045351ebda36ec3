//! Names of Python, PyTorch, Keras, NumPy, burn and candle, and what is written here instead. Tables only, and the look-up in them.

/// A row: names that other languages or libraries know, and the mend.
type Row = (&'static [&'static str], &'static str);

/// Names of modules, which nothing here has.
const MODULES: &[&str] = &[
    "torch",
    "nn",
    "F",
    "np",
    "numpy",
    "tf",
    "tensorflow",
    "keras",
    "layers",
    "optim",
    "optimizers",
    "losses",
    "jnp",
    "jax",
    "flax",
    "functional",
    "pd",
    "pandas",
    "plt",
    "math",
    "random",
    "os",
    "sys",
    "candle",
    "candle_nn",
    "burn",
    "K",
    "datasets",
    "torchvision",
    "sklearn",
];

/// Names that stand alone.
const NAMES: &[Row] = &[
    (&["None", "null", "nil", "NULL"], "write `none`"),
    (&["True"], "write `true`"),
    (&["False"], "write `false`"),
    (
        &["self", "this"],
        "there is no `self`: bind inner values with `let`, weights with `param W: [d, units] = glorot_uniform`",
    ),
    (
        &["super", "__init__", "Module"],
        "a layer inherits from nothing: leave it out",
    ),
    (
        &["range", "arange", "linspace", "xrange", "tqdm"],
        "a loop counts as `for i in 0..10 { ... }`; a tensor of the numbers 0 to 9 is `let r[i < 10] = f32(i)`",
    ),
    (
        &["len", "shape", "size", "ndim", "numel"],
        "the sizes of a tensor are bound by a signature: in `fn f(x: [n, d]) { ... }`, `n` and `d` are numbers",
    ),
    (
        &["enumerate"],
        "count in the loop: `for i in 0..10 { ... }`",
    ),
    (
        &["zip"],
        "make one data set of both, `data(x = ..., y = ...)`, and walk its batches: `for b in set |> batches(32) { ... }`",
    ),
    (
        &[
            "int", "long", "int32", "int64", "i64", "usize", "u32", "to_int",
        ],
        "write `i32(x)`",
    ),
    (&["float", "float32", "half", "to_float"], "write `f32(x)`"),
    (&["double", "float64"], "write `f64(x)`"),
    (
        &["str", "repr", "format"],
        "a string fills in what stands in braces: `\"loss {loss:.4}\"`",
    ),
    (
        &["matmul", "dot", "mm", "bmm", "einsum", "tensordot"],
        "write `a @ b`, or index notation: `let c[i, j] = sum[k] a[i, k] * b[k, j]`",
    ),
    (
        &["outer", "kron"],
        "write index notation: `let c[i, j] = a[i] * b[j]`",
    ),
    (&["pow", "power", "square"], "write `x ^ 2`"),
    (
        &["cat", "concatenate", "hstack", "vstack"],
        "write `concat(a, b, over = 0)`",
    ),
    (
        &["randn", "randn_like", "random_normal"],
        "write `normal[n, d]`",
    ),
    (
        &["rand", "rand_like", "random", "random_uniform"],
        "write `uniform[n, d]`",
    ),
    (
        &["zeros_like", "zero_like"],
        "write the sizes: `zeros[n, d]`",
    ),
    (&["ones_like"], "write the sizes: `ones[n, d]`"),
    (&["full", "full_like"], "write `2.5 * ones[n, d]`"),
    (
        &["eye", "diag", "tril", "triu"],
        "write index notation: `let e[i < n, j < n] = where(i == j, 1.0, 0.0)`",
    ),
    (
        &[
            "tensor",
            "array",
            "Tensor",
            "asarray",
            "Variable",
            "Parameter",
        ],
        "a tensor is written as a list: `let x = [[1, 2], [3, 4]]`; one that is learned is a `param` of a layer",
    ),
    (
        &["list", "tuple", "dict", "sorted", "map", "filter"],
        "there are tensors, `[1, 2, 3]`, and tuples, `(a, b)`; element by element is index notation: `let y[i] = x[i] ^ 2`",
    ),
    (
        &["clamp", "clip", "minimum", "maximum"],
        "write `min(max(x, low), high)`",
    ),
    (
        &["permute", "swapaxes", "moveaxis", "swap_dims"],
        "write `transpose(x, [0, 2, 1])`, or by names: `transpose(x, [n, d, t])`",
    ),
    (
        &[
            "squeeze",
            "unsqueeze",
            "expand_dims",
            "newaxis",
            "view",
            "resize",
            "ravel",
        ],
        "write the new sizes: `reshape(x, [n, 1, d])`",
    ),
    (
        &["expand", "repeat_interleave", "broadcast_to", "tile"],
        "sizes of 1 stretch by themselves; otherwise write index notation: `let y[i, j < 3] = x[i]`",
    ),
    (
        &["gather", "index_select", "take_along_axis"],
        "write an index into an index: `let y[i] = x[i, t[i]]`",
    ),
    (
        &["topk", "sort", "argsort", "unique", "nonzero", "bincount"],
        "there is no sorting of tensors; the greatest and its place are `max(x, over = d)` and `argmax(x, over = d)`",
    ),
    (&["std", "stddev"], "write `sqrt(mean((x - mean(x)) ^ 2))`"),
    (&["var"], "write `mean((x - mean(x)) ^ 2)`"),
    (&["norm", "l2_norm"], "write `sqrt(sum(x * x))`"),
    (&["T"], "write `transpose(x)`"),
    (&["absolute", "fabs"], "write `abs(x)`"),
    (
        &["ln", "log10", "log2"],
        "the natural logarithm is `log(x)`; `log(x) / log(2)` is another",
    ),
    (
        &["round", "rint", "ceil"],
        "write `floor(x + 0.5)`; upwards is `-floor(-x)`",
    ),
    (
        &["any", "all"],
        "truth values count: `sum(c) > 0` is any, `mean(c) == 1` all",
    ),
    (
        &["isnan", "isinf", "isfinite"],
        "a number that is not finite stops the program and says where; `x == x` is false for it",
    ),
    (
        &["inf", "nan", "Inf", "NaN", "INFINITY", "infinity"],
        "write a great number, `1e30`",
    ),
    (
        &[
            "Linear",
            "Dense",
            "fc",
            "linear",
            "LinearConfig",
            "FullyConnected",
            "LazyLinear",
        ],
        "a fully connected layer is `dense(units)`; its input's size follows from what it is applied to",
    ),
    (
        &["Conv1d", "Conv1D", "conv1D"],
        "write `conv1d(channels, kernel = 3)`; the channels of the input follow from what it is applied to",
    ),
    (
        &["Conv2d", "Conv2D", "conv2D", "conv", "Conv", "Conv2dConfig"],
        "write `conv2d(channels, kernel = 3)`; the channels of the input follow from what it is applied to",
    ),
    (
        &["ConvTranspose2d", "Conv2DTranspose"],
        "write `conv_transpose2d(channels, kernel = 3)`",
    ),
    (
        &["MaxPool2d", "MaxPooling2D", "maxpool", "max_pooling"],
        "write `x |> max_pool(2)`",
    ),
    (
        &["AvgPool2d", "AveragePooling2D", "avgpool"],
        "write `x |> avg_pool(2)`",
    ),
    (
        &["AdaptiveAvgPool2d", "GlobalAveragePooling2D"],
        "write `x |> global_avg_pool`",
    ),
    (
        &[
            "BatchNorm1d",
            "BatchNorm2d",
            "BatchNormalization",
            "BatchNorm",
            "batchnorm",
        ],
        "write `x |> batch_norm`; its size follows from what it is applied to",
    ),
    (
        &["LayerNorm", "LayerNormalization", "layernorm"],
        "write `x |> layer_norm`; its size follows from what it is applied to",
    ),
    (&["Dropout", "Dropout2d"], "write `x |> dropout(0.5)`"),
    (
        &["Embedding", "EmbeddingConfig"],
        "write `tokens |> embedding(vocabulary, units)`",
    ),
    (&["Flatten"], "write `x |> flatten`"),
    (&["Reshape"], "write `reshape(x, [n, d])`"),
    (&["Activation"], "write the function itself: `x |> relu`"),
    (
        &["Sequential", "ModuleList", "Model", "Input"],
        "a model is a layer whose body is a pipe: `layer model(x: [n, d]) -> [n, 10] { x |> dense(64) |> relu |> dense(10) }`",
    ),
    (
        &[
            "TransformerEncoderLayer",
            "MultiheadAttention",
            "MultiHeadAttention",
        ],
        "write `x |> multi_head_attention(heads)`",
    ),
    (&["Residual", "Add"], "write `x + f(x)`"),
    (&["Concatenate", "Concat"], "write `concat(a, b, over = 1)`"),
    (
        &[
            "CrossEntropyLoss",
            "SparseCategoricalCrossentropy",
            "sparse_categorical_crossentropy",
            "categorical_crossentropy",
            "softmax_cross_entropy",
            "crossentropy",
        ],
        "write `cross_entropy(logits, label)`: scores before any softmax, whole numbers as labels; `soft_cross_entropy` takes rows of probabilities as targets",
    ),
    (
        &[
            "BCEWithLogitsLoss",
            "BCELoss",
            "BinaryCrossentropy",
            "binary_crossentropy",
        ],
        "write `binary_cross_entropy(logits, target)`: scores before any sigmoid",
    ),
    (
        &[
            "MSELoss",
            "mse_loss",
            "MeanSquaredError",
            "mean_squared_error",
        ],
        "write `mse(pred, target)`",
    ),
    (
        &["L1Loss", "l1_loss", "mean_absolute_error"],
        "write `mae(pred, target)`",
    ),
    (&["NLLLoss", "nll_loss"], "write `nll(logp, label)`"),
    (&["KLDivLoss", "kl_div"], "write `kl(log_q, p)`"),
    (
        &["HuberLoss", "SmoothL1Loss", "smooth_l1"],
        "write `huber(pred, target)`",
    ),
    (
        &[
            "Adam",
            "AdamW",
            "SGD",
            "RMSprop",
            "RMSProp",
            "Adagrad",
            "Optimizer",
        ],
        "optimizers are `sgd`, `momentum`, `nesterov`, `adam`, `adamw`, `rmsprop` and `adagrad`; what they change is said by `minimize` and `train`",
    ),
    (
        &[
            "GELU",
            "SiLU",
            "Swish",
            "swish",
            "ELU",
            "Softmax",
            "Sigmoid",
            "Tanh",
            "ReLU",
            "LeakyReLU",
            "LogSoftmax",
        ],
        "activations are functions: `x |> relu`",
    ),
    (
        &[
            "DataLoader",
            "Dataset",
            "TensorDataset",
            "DataLoaderBuilder",
        ],
        "read a set with `csv(\"file.csv\") |> target(\"y\")` and walk it with `for b in set |> batches(32) { ... }`, or train on it with `train`",
    ),
    (
        &[
            "read_csv",
            "open",
            "loadtxt",
            "genfromtxt",
            "fetch",
            "load_data",
        ],
        "write `csv(\"file.csv\") |> target(\"y\")`",
    ),
    (
        &["to_categorical", "OneHotEncoder", "one_hot_encode"],
        "`cross_entropy` takes whole numbers as labels: no one-hot code is needed; for a column of a file write `one_hot(\"y\")` in the pipe of its data set",
    ),
    (
        &["LabelEncoder"],
        "write `target(\"column\", classes = true)`",
    ),
    (
        &["StandardScaler", "normalize", "MinMaxScaler", "Normalize"],
        "write `standardize`, or `scale(0, 1)`, in the pipe of the data set",
    ),
    (
        &["train_test_split", "random_split"],
        "write `|> split(train = 0.8, seed = 1)`; the parts are `set.train` and `set.test`",
    ),
    (
        &["manual_seed", "seed", "set_seed"],
        "write `seed = 1` in `train`, or give it on the command line: `--seed 1`",
    ),
    (
        &[
            "no_grad",
            "set_grad_enabled",
            "GradientTape",
            "inference_mode",
        ],
        "leave it out: gradients are taken by `minimize`, `grad` and `train` only",
    ),
    (&["detach", "stop_grad", "lax"], "write `stop_gradient(x)`"),
    (
        &[
            "backward",
            "gradient",
            "value_and_grad",
            "gradients",
            "autograd",
        ],
        "a step is `minimize loss with sgd(lr = 0.01)`, a gradient `grad(loss, net.W)`",
    ),
    (
        &["fit", "compile"],
        "write `train net on set { ... }` with a `loss` and an `optimizer`",
    ),
    (
        &["train"],
        "`train` is a statement: `train net on set { ... }` with a `loss` and an `optimizer`, each on a line of its own",
    ),
    (
        &["minimise", "optimize"],
        "a step is `minimize loss with sgd(lr = 0.01)`",
    ),
    (&["save"], "write `save net to \"net.safetensors\"`"),
    (
        &["load", "from_pretrained"],
        "write `load net from \"net.safetensors\"`",
    ),
    (
        &["device", "cuda", "cpu", "gpu", "to"],
        "leave it out: there are no devices, all threads of the processor are used",
    ),
    (
        &["println", "printf", "puts", "echo", "console"],
        "write `print \"loss {loss:.4}\"`",
    ),
    (
        &[
            "StepLR",
            "CosineAnnealingLR",
            "ExponentialLR",
            "ReduceLROnPlateau",
            "OneCycleLR",
        ],
        "a schedule is a rate: `sgd(lr = cosine(0.1, epochs = 5))`; there are `cosine`, `exponential` and `step_decay`",
    ),
    (&["acc", "Accuracy", "top1"], "write `accuracy`"),
    (
        &["EarlyStopping"],
        "write `stop = no_improvement(epochs = 3)` in `train`",
    ),
    (
        &["ModelCheckpoint"],
        "write `save_best = \"net.safetensors\"` in `train`",
    ),
    (
        &["xavier_uniform", "xavier_uniform_", "xavier"],
        "write `glorot_uniform`",
    ),
    (&["xavier_normal"], "write `glorot_normal`"),
    (&["kaiming_uniform", "kaiming"], "write `he_uniform`"),
    (&["kaiming_normal"], "write `he_normal`"),
    (
        &["Conv3d", "conv3d", "Conv3D"],
        "write index notation: `let y[n, o, i, j, k] = sum[c, a, b, d] x[n, c, i + a, j + b, k + d] * w[o, c, a, b, d]`",
    ),
];

/// Members of tensors elsewhere.
const OF_TENSORS: &[Row] = &[
    (
        &[
            "shape", "size", "dim", "ndim", "ndims", "dims", "numel", "rank", "len",
        ],
        "its sizes are bound by a signature: in `fn f(x: [n, d]) { ... }`, `n` and `d` are numbers",
    ),
    (&["T", "mT", "t", "H"], "write `transpose({x})`"),
    (
        &[
            "view",
            "resize",
            "reshape",
            "squeeze",
            "unsqueeze",
            "ravel",
            "view_as",
        ],
        "write the new sizes as a list: `reshape({x}, [n, -1])`",
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
            "target",
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
    (
        &["learning_rate", "rate", "step_size", "alpha", "eta"],
        "lr",
    ),
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
    (&["gamma"], "factor"),
    (&["return_sequences", "return_state"], "states"),
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
    (&["betas"], "there are two: `beta1 = 0.9, beta2 = 0.999`"),
    (
        &["from_logits"],
        "leave it out: losses take scores before any softmax or sigmoid",
    ),
];

/// Settings of training elsewhere.
const SETTINGS: &[Row] = &[
    (&["batch_size", "minibatch", "bs"], "write `batch = 32`"),
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
        "write `epochs = 10`",
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
        &["callbacks", "patience", "early_stopping"],
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

/// The mend for a setting of `train` that has another name here.
pub(super) fn of_setting(name: &str) -> Option<&'static str> {
    find(SETTINGS, name)
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
