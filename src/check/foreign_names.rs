//! Names that stand alone in Python, PyTorch, Keras, NumPy, burn and candle, and what is written here instead: a table.
use super::elsewhere::Row;

/// Names of modules, which nothing here has.
pub(super) const MODULES: &[&str] = &[
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
pub(super) const NAMES: &[Row] = &[
    (
        &["opt", "optimizer", "optimiser", "trainer", "scheduler"],
        "the optimizer stands in the step, which takes the gradients and updates: `minimize loss with adam(lr = 0.01)`",
    ),
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
        &[
            "mnist",
            "MNIST",
            "fashion_mnist",
            "FashionMNIST",
            "cifar10",
            "CIFAR10",
            "load_iris",
            "load_digits",
            "load_wine",
            "load_dataset",
            "ImageFolder",
            "fetch_openml",
        ],
        "no data set is fetched: read its files, `csv(\"table.csv\")`, `images(\"folder\")` or `idx(\"images.gz\", \"labels.gz\")`; `dlmc data FILE` shows what one holds",
    ),
    (&["argmin"], "write `argmax(-x, over = d)`"),
    (
        &["break", "continue", "pass"],
        "a loop ends by its count, or by `repeat until condition, at most 1000 { ... }`; what is left out of a turn stands in an `if`",
    ),
    (
        &[
            "f1",
            "f1_score",
            "precision",
            "recall",
            "auc",
            "roc_auc",
            "confusion_matrix",
        ],
        "count it: with `p = argmax(net(x), over = 1)` the matrix of both classes is `let m[i < 3, j < 3] = sum[n] f32(y[n] == i and p[n] == j)`",
    ),
    (
        &["randint", "random_int"],
        "write `random_whole(n, low, high)`: n whole numbers, both ends included",
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
        &[
            "AdaptiveAvgPool2d",
            "GlobalAveragePooling2D",
            "adaptive_avg_pool2d",
        ],
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
    (
        &["Dropout", "Dropout2d", "dropout2d", "dropout1d"],
        "write `x |> dropout(0.5)`",
    ),
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
            "bce_with_logits",
            "binary_cross_entropy_with_logits",
            "bce_loss",
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
        &["upsample", "Upsample", "UpSampling2D", "interpolate"],
        "write index notation: `let y[n, c, i < 2 * h, j < 2 * w] = x[n, c, i // 2, j // 2]`, or learn it: `conv_transpose2d(channels, kernel = 2, stride = 2)`",
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
        &["val_loss", "val_acc", "val_accuracy"],
        "`stop = no_improvement(epochs = 3)` and `save_best` look at the loss of what `validate` names, and at nothing else",
    ),
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
