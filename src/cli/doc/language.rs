//! What the language itself knows, a row each.

/// A name, how it is used, what it does.
pub type Row = (&'static str, &'static str, &'static str);

/// Statements and expressions that begin with a word of their own.
pub const STATEMENTS: &[Row] = &[
    (
        "let",
        "let name = value",
        "Binds a name. With indices, `let y[i, j] = sum[k] a[i, k] * b[k, j]`, it defines a tensor element by element, and the ranges of the indices follow from their use; `let (a, b) = f(x)` takes a tuple apart.",
    ),
    (
        "fn",
        "fn name(x: [n, d], k = 1) -> [n] { body }",
        "Declares a function. Names of dimensions are bound by their first use in the signature; the last expression of the body is the value. `fn (x) { ... }` is one without a name.",
    ),
    (
        "layer",
        "layer name(config)(x: [n, d]) -> [n, units] { body }",
        "Declares a layer: a function with parameters of its own. `name(config)` makes an instance with its weights; applying one instance twice shares them.",
    ),
    (
        "optimizer",
        "optimizer name(config)(w, g) { body }",
        "Declares an update rule: the new value of the parameter `w` from the gradient `g`. What it keeps from step to step is `state`.",
    ),
    (
        "param",
        "param W: [d, units] = glorot_uniform",
        "In a layer: a tensor that is learned, and how it starts.",
    ),
    (
        "state",
        "state mu: [c] = zeros",
        "In a layer or an optimizer: a tensor that is kept and saved but not learned. It is assigned: `mu = 0.9 * mu + 0.1 * m`.",
    ),
    (
        "hyper",
        "hyper lr = 0.01",
        "A hyper-parameter: a number that the command line can set, `dlmc run model.dlm lr=0.1`.",
    ),
    (
        "import",
        "import \"blocks.dlm\"",
        "Brings the declarations of another file, by its path from this one.",
    ),
    (
        "if",
        "if condition { body } else { body }",
        "Chooses. In functions and layers the condition is known when the program is compiled: sizes, configuration, `training`. Element by element choose with `where`.",
    ),
    (
        "for",
        "for i in 0..10 { body }",
        "Goes through a range, the rows of a tensor, or the batches of a data set. In a layer it is unrolled, each turn with weights of its own.",
    ),
    (
        "repeat",
        "repeat 100 { body }",
        "Runs a body a number of times; `repeat until condition, at most n { body }` runs it until the condition holds.",
    ),
    (
        "scan",
        "scan x_t in x, h = h0 { body }",
        "Walks the first dimension of a tensor (or `over` another, or a range, or `reverse`) with a state, and stacks the states. `last(scan ...)` keeps the last only.",
    ),
    (
        "minimize",
        "minimize J over parameters with optimizer",
        "One step of an optimizer on the objective J, a scalar; its value is J before the step. Without `over`, all parameters that J reads learn.",
    ),
    (
        "train",
        "train net on set.train { loss = cross_entropy; optimizer = adam(lr = 1e-3); epochs = 10 }",
        "Trains a model on a data set, batch by batch. `loss` and `optimizer` are always given.",
    ),
    (
        "print",
        "print value, \"loss {loss:.3}\"",
        "Writes values, separated by a blank. In strings, braces hold expressions; `:.3` gives the digits after the point.",
    ),
    (
        "plot",
        "plot values to \"curve.svg\"",
        "Draws a vector as a curve, or a matrix as a picture, to a file.",
    ),
    (
        "assert",
        "assert condition, \"message\"",
        "Stops the program where the condition does not hold. What is known before the program runs is looked at when it is compiled.",
    ),
    (
        "save",
        "save net to \"weights.safetensors\"",
        "Writes the parameters and states of a layer's instance to a file.",
    ),
    (
        "load",
        "load net from \"weights.safetensors\"",
        "Reads the parameters and states of a layer's instance from a .safetensors or .npz file.",
    ),
    (
        "training",
        "if training { body } else { body }",
        "In a layer: true inside `minimize`, `grad` and `train`, false where the model is only applied.",
    ),
];

/// The settings of `train`.
pub const SETTINGS: &[Row] = &[
    (
        "loss",
        "loss = cross_entropy",
        "What becomes small: a function of prediction and target, or of the batch, `fn (b) { mse(net(b.x), b.y) }`.",
    ),
    (
        "optimizer",
        "optimizer = adam(lr = 1e-3)",
        "The rule by which the parameters change, with its numbers.",
    ),
    (
        "epochs",
        "epochs = 10",
        "How often the data set is gone through; 1 where nothing is said.",
    ),
    (
        "batch",
        "batch = 32",
        "Rows in a batch, at least 1; 32 where nothing is said.",
    ),
    (
        "shuffle",
        "shuffle = true",
        "Whether each epoch takes the rows in another order; `true` where nothing is said.",
    ),
    (
        "seed",
        "seed = 1",
        "A whole number that the order of the rows follows from, joined with the seed of the run; 0 where nothing is said.",
    ),
    (
        "validate",
        "validate = set.test",
        "A data set that loss and metrics are measured on after each epoch.",
    ),
    (
        "metrics",
        "metrics = [accuracy]",
        "Functions of prediction and target whose values are shown after each epoch: of `validate`, else of the training set.",
    ),
    (
        "augment",
        "augment = fn (x) { x |> random_flip }",
        "A function of `x`, or of `x` and `y`, that changes the examples of a batch, in training only.",
    ),
    (
        "clip_norm",
        "clip_norm = 1.0",
        "The largest common norm of all gradients; longer ones are scaled down to it.",
    ),
    (
        "stop",
        "stop = no_improvement(epochs = 3)",
        "Ends the training when the validation loss has not become smaller for that many epochs.",
    ),
    (
        "save_best",
        "save_best = \"net.safetensors\"",
        "The file that keeps the weights of the best epoch.",
    ),
    (
        "over",
        "over = (encoder, decoder)",
        "The instances or parameters that learn; all that the loss reads where nothing is said.",
    ),
    (
        "no_decay",
        "no_decay = (net.norm, net.out.b)",
        "Layers or parameters whose `weight_decay` is 0.",
    ),
    (
        "accumulate",
        "accumulate = 4",
        "Batches whose gradients are averaged before a step; 1 where nothing is said.",
    ),
];

/// Functions of the compiler.
pub const FUNCTIONS: &[Row] = &[
    (
        "exp",
        "exp(x)",
        "The exponential function, e^x, of each element.",
    ),
    ("log", "log(x)", "The natural logarithm of each element."),
    ("sqrt", "sqrt(x)", "The square root of each element."),
    ("sin", "sin(x)", "The sine of each element, in radians."),
    ("cos", "cos(x)", "The cosine of each element, in radians."),
    ("tanh", "tanh(x)", "The hyperbolic tangent of each element."),
    (
        "sigmoid",
        "sigmoid(x)",
        "The logistic function, 1 / (1 + e^-x), of each element.",
    ),
    (
        "erf",
        "erf(x)",
        "The error function, 2 / sqrt(π) times the integral of e^(-t^2) from 0 to x, of each element.",
    ),
    ("abs", "abs(x)", "The absolute value of each element."),
    ("sign", "sign(x)", "-1, 0 or 1: the sign of each element."),
    (
        "floor",
        "floor(x)",
        "Each element rounded down to a whole number; its gradient is 0.",
    ),
    (
        "f32",
        "f32(x)",
        "The elements as 32-bit floating-point numbers.",
    ),
    (
        "f64",
        "f64(x)",
        "The elements as 64-bit floating-point numbers.",
    ),
    (
        "i32",
        "i32(x)",
        "The elements as whole numbers of 32 bits, rounded towards zero.",
    ),
    ("bool", "bool(x)", "Whether each element differs from 0."),
    (
        "sum",
        "sum(x, over = d, keep = false)",
        "The sum of all elements, or along a dimension, which `keep = true` leaves with the size 1. With indices, `sum[k] a[i, k]`, it sums what follows.",
    ),
    (
        "prod",
        "prod(x, over = d, keep = false)",
        "The product of all elements, or along a dimension; `prod[k] a[i, k]` with indices.",
    ),
    (
        "max",
        "max(x, over = d, keep = false)",
        "The largest element, of all or along a dimension; `max[k] a[i, k]` with indices. `max(a, b)` chooses element by element.",
    ),
    (
        "min",
        "min(x, over = d, keep = false)",
        "The smallest element, of all or along a dimension; `min[k] a[i, k]` with indices. `min(a, b)` chooses element by element.",
    ),
    (
        "argmax",
        "argmax(x, over = d)",
        "The place of the largest element along a dimension, i32; of equal ones the first. `argmax[k] a[i, k]` with indices.",
    ),
    (
        "mean",
        "mean(x, over = d, keep = false)",
        "The mean of all elements, or along a dimension; `mean[k] a[i, k]` with indices. Of `bool` it is the fraction that is true.",
    ),
    (
        "where",
        "where(condition, a, b)",
        "Element by element: a where the condition holds, b elsewhere.",
    ),
    (
        "concat",
        "concat(a, b, over = d)",
        "Tensors one after the other along a dimension that exists.",
    ),
    (
        "stack",
        "stack(a, b, over = d)",
        "Tensors of one shape side by side along a new dimension at place d.",
    ),
    (
        "split",
        "split(x, parts, over = d)",
        "A tuple of equal parts along a dimension: `let (a, b) = split(x, 2, over = 1)`.",
    ),
    (
        "reshape",
        "reshape(x, [n, -1])",
        "The same elements in row-major order with other sizes; one size may be -1, which follows from the others.",
    ),
    (
        "transpose",
        "transpose(x, [d, n])",
        "The dimensions in another order, by name or number; of a matrix without a list, turned round.",
    ),
    (
        "pad",
        "pad(x, left = 1, right = 1, over = d, fill = 0)",
        "Elements of one value put before and behind along a dimension.",
    ),
    (
        "last",
        "last(scan x_t in x, h = h0 { body })",
        "The last state of a scan; the others are not kept.",
    ),
    (
        "stop_gradient",
        "stop_gradient(x)",
        "x itself, taken as a constant by gradients.",
    ),
    (
        "grad",
        "grad(J, θ)",
        "The gradient of the scalar J by a parameter or a `let`, of the shape of θ. It can be differentiated again.",
    ),
    (
        "zeros",
        "zeros[n, d]",
        "A tensor of zeros; as an initialiser `= zeros`.",
    ),
    (
        "ones",
        "ones[n, d]",
        "A tensor of ones; as an initialiser `= ones`.",
    ),
    (
        "normal",
        "normal(deviation)[n, d]",
        "Independent normal numbers with mean 0; deviation 1 where none is given. As an initialiser `= normal(0.02)`.",
    ),
    (
        "uniform",
        "uniform(low, high)[n, d]",
        "Independent numbers, uniform from low to high; from 0 to 1 where nothing is given.",
    ),
    (
        "fan_in",
        "fan_in(shape)",
        "In an initialiser: inputs of each unit of a weight of that shape, [in, out] or [out, in, k...].",
    ),
    (
        "fan_out",
        "fan_out(shape)",
        "In an initialiser: units that each input of a weight of that shape reaches.",
    ),
    (
        "evaluate",
        "evaluate(net, set.test, accuracy)",
        "A metric or loss of a model over a data set, batch by batch, without training.",
    ),
    (
        "batches",
        "for b in set.train |> batches(64, shuffle = true, seed = 1) { body }",
        "Goes through a data set in batches; `b.x` and `b.y` are its fields. The last one may be smaller.",
    ),
    (
        "data",
        "data(x = [[1, 2], [3, 4]], y = [0, 1])",
        "A data set of literals with a common first dimension.",
    ),
    (
        "decode",
        "print decode(tokens, set)",
        "In `print`: tokens as the characters of the text that they came from.",
    ),
    (
        "no_improvement",
        "stop = no_improvement(epochs = 3)",
        "In `train`: ends the training when the validation loss has not become smaller for that many epochs.",
    ),
];
