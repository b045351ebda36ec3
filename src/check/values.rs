//! What an expression means while the program is elaborated: compile-time values, and tensors of the graph being built.
use super::program::SlotId;
use crate::base::source::Span;
use crate::base::types::DType;
use crate::syntax::ast::{Expr, Function, Layer, Optimizer};
use crate::tir::{Op, Reducer, Value};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

/// A diagnostic has been recorded; whoever meets this stops silently.
#[derive(Debug, Clone, Copy)]
pub struct Reported;

/// The outcome of elaborating a part.
pub type Outcome<T> = Result<T, Reported>;

/// Names of a tensor's dimensions, where they have one.
pub type DimNames = Vec<Option<Arc<str>>>;

/// Names in scope.
pub type Bindings = HashMap<Arc<str>, Val>;

/// A tensor of a graph being built.
#[derive(Debug, Clone)]
pub struct TensorVal {
    /// The value.
    pub value: Value,
    /// Which of the open graphs it belongs to: 0 for the step, more for the bodies of scans.
    pub depth: usize,
    /// Counts graphs opened, so that a value of a finished graph is not taken for one of the present graph.
    pub epoch: usize,
    /// Names of the dimensions.
    pub dims: DimNames,
}

/// A number known at compile time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Num {
    /// Whole.
    Int(i64),
    /// With a point or an exponent.
    Float(f64),
}

impl Num {
    /// As a float.
    pub fn value(self) -> f64 {
        match self {
            Num::Int(i) => i as f64,
            Num::Float(x) => x,
        }
    }
}

/// A scalar expression over indices.
#[derive(Debug)]
pub enum Ix {
    /// A constant.
    Const(DType, f64),
    /// An index, `i32`.
    Index(usize),
    /// An element of a tensor.
    Access(TensorVal, Vec<Rc<Ix>>, Span),
    /// An operator.
    Op(Op, Vec<Rc<Ix>>),
    /// A reduction over indices.
    Reduce(Reducer, Vec<usize>, Rc<Ix>),
}

/// An index variable of index notation.
#[derive(Debug, Clone)]
pub struct IndexVar {
    /// Its name.
    pub name: Arc<str>,
    /// Where it is declared.
    pub span: Span,
    /// The bound that is written.
    pub bound: Option<usize>,
}

/// A layer declaration.
#[derive(Debug)]
pub struct LayerDef {
    /// The syntax.
    pub syntax: Arc<Layer>,
    /// The module it stands in.
    pub module: usize,
}

/// A function and what it closes over.
#[derive(Debug)]
pub struct FnDef {
    /// The syntax.
    pub syntax: Arc<Function>,
    /// The module it stands in.
    pub module: usize,
    /// The names in scope where a lambda was made.
    pub closure: Option<Bindings>,
    /// Whether it was made inside a layer's body.
    pub instance: Option<Rc<Instance>>,
    /// How many functions are within each other in what it closes over, itself counted.
    pub depth: usize,
}

/// How many functions are within each other in a value.
pub fn functions_within(value: &Val) -> usize {
    match value {
        Val::Fn(def) => def.depth,
        Val::Tuple(parts) => parts.iter().map(functions_within).max().unwrap_or(0),
        Val::List(items) => {
            let depths = items.iter().map(|(_, item)| functions_within(item));
            depths.max().unwrap_or(0)
        }
        _ => 0,
    }
}

/// An optimizer declaration.
#[derive(Debug)]
pub struct OptimizerDef {
    /// The syntax.
    pub syntax: Arc<Optimizer>,
    /// The module it stands in.
    pub module: usize,
}

/// An optimizer with its configuration, which is evaluated anew where it is used (a schedule depends on the step).
#[derive(Debug)]
pub struct OptimizerUse {
    /// The declaration.
    pub def: Rc<OptimizerDef>,
    /// The arguments as written.
    pub arguments: Vec<(Option<Arc<str>>, Expr)>,
    /// The names in scope there.
    pub scope: Bindings,
    /// The place its state belongs to.
    pub place: Span,
}

/// A layer with its configuration and weights.
#[derive(Debug)]
pub struct Instance {
    /// The declaration.
    pub def: Rc<LayerDef>,
    /// The configuration, as it stands at the place where it was made last.
    pub config: RefCell<Bindings>,
    /// The instance whose body made it.
    pub parent: Option<Rc<Instance>>,
    /// Its path, once it has one.
    pub path: RefCell<Option<String>>,
    /// Instances made in its body, by place.
    pub children: RefCell<HashMap<u64, Rc<Instance>>>,
    /// How many children of each layer name there are, and the path components in use.
    pub ordinals: RefCell<HashMap<String, usize>>,
    /// Its parameters and states by name.
    pub slots: RefCell<HashMap<Arc<str>, (SlotId, DimNames)>>,
    /// Where it was made.
    pub span: Span,
    /// Whether it was applied at least once.
    pub applied: Cell<bool>,
    /// Whether an application of it was a mistake, so that it may lack parameters.
    pub failed: Cell<bool>,
}

/// The instances that were made outside of layers, for the end of the elaboration: an instance and those made in its body hold one another,
/// so nothing would free them.
#[derive(Debug, Default)]
pub struct Roots(Vec<Rc<Instance>>);

impl Roots {
    /// Adds one.
    pub fn push(&mut self, instance: Rc<Instance>) {
        self.0.push(instance);
    }
}

impl Drop for Roots {
    fn drop(&mut self) {
        let mut pending = std::mem::take(&mut self.0);
        while let Some(instance) = pending.pop() {
            // Nothing has it borrowed any more.
            if let Ok(mut children) = instance.children.try_borrow_mut() {
                pending.extend(children.drain().map(|(_, child)| child));
            }
        }
    }
}

/// Functions that the compiler itself knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builtin {
    /// An operator on each element of one argument.
    Unary(Op),
    /// A conversion.
    Cast(DType),
    /// `sum`, `prod`, `max`, `min`, `argmax` of whole tensors; `max` and `min` of two are elementwise.
    Reduce(Reducer),
    /// `mean`
    Mean,
    /// `where(c, a, b)`
    Where,
    /// `concat(a, b, over = d)`
    Concat,
    /// `stack(a, b, over = d)`
    Stack,
    /// `split(x, parts, over = d)`
    Split,
    /// `reshape(x, [sizes])`
    Reshape,
    /// `transpose(x, [names])`
    Transpose,
    /// `pad(x, left, right, over, fill)`
    Pad,
    /// `last(scan)`
    Last,
    /// `stop_gradient(x)`
    StopGradient,
    /// `grad(J, θ)`
    Grad,
    /// `zeros[..]`
    Zeros,
    /// `ones[..]`
    Ones,
    /// `normal[..]`, `normal(deviation)[..]`
    Normal,
    /// `uniform[..]`, `uniform(low, high)[..]`
    Uniform,
    /// `fan_in(shape)`
    FanIn,
    /// `fan_out(shape)`
    FanOut,
    /// `evaluate(net, data, metric)`
    Evaluate,
    /// `batches(data, size, shuffle, seed)`
    Batches,
    /// `data(x = ..., y = ...)`
    Data,
    /// `decode(tokens, data)`
    Decode,
    /// `no_improvement(epochs = 3)`
    NoImprovement,
}

/// An initialiser with its arguments, waiting for a shape.
#[derive(Debug)]
pub enum Init {
    /// A built-in one and its numbers.
    Builtin(Builtin, Vec<Val>),
    /// A function whose result's shape its inputs do not fix, and the bound inputs.
    Function(Rc<FnDef>, Vec<(Option<Arc<str>>, Val, Span)>),
}

/// A data set, or one part of it.
#[derive(Debug, Clone)]
pub struct DataVal {
    /// What it was made by.
    pub spec: Rc<crate::base::data::DataSpec>,
    /// Position in the program's list, once opened.
    pub set: Rc<Cell<Option<usize>>>,
    /// The part.
    pub part: Option<Arc<str>>,
    /// Where it was made.
    pub span: Span,
    /// Where each transform of its pipe stands.
    pub stages: Rc<Vec<Span>>,
}

/// A value.
#[derive(Debug, Clone)]
pub enum Val {
    /// A tensor of an open graph.
    Tensor(TensorVal),
    /// A tensor that the host keeps, and the names of its dimensions.
    Slot(SlotId, DimNames),
    /// A hyper-parameter: a slot where a tensor is wanted, a number where a size is.
    Hyper(SlotId, Num),
    /// A number.
    Num(Num),
    /// A truth value.
    Bool(bool),
    /// A string.
    Str(Arc<str>),
    /// `none`
    None,
    /// The sizes that `..s` stands for, with their names.
    Sizes(Vec<usize>, DimNames),
    /// `(a, b)`
    Tuple(Vec<Val>),
    /// `[a, b]`, not yet a tensor; items may be named.
    List(Vec<(Option<Arc<str>>, Val)>),
    /// A scalar expression over indices.
    Ix(Rc<Ix>),
    /// A layer declaration.
    Layer(Rc<LayerDef>),
    /// A layer with its weights.
    Instance(Rc<Instance>),
    /// A function.
    Fn(Rc<FnDef>),
    /// An optimizer declaration.
    Optimizer(Rc<OptimizerDef>),
    /// An optimizer to be used.
    OptimizerUse(Rc<OptimizerUse>),
    /// A function of the compiler.
    Builtin(Builtin),
    /// A data reader by name.
    Reader(Arc<str>),
    /// An initialiser.
    Init(Rc<Init>),
    /// A data set.
    Data(DataVal),
    /// Batches of a data set: size, seed of the shuffle.
    Batches(DataVal, usize, Option<u64>),
    /// Named values: a batch.
    Record(Rc<Vec<(Arc<str>, Val)>>),
    /// `no_improvement(epochs)`
    Patience(usize),
    /// What failed, with its diagnostic recorded.
    Error,
}

impl Val {
    /// What it is, in the user's words.
    pub fn kind(&self) -> &'static str {
        match self {
            Val::Tensor(_) | Val::Slot(..) => "a tensor",
            Val::Hyper(..) => "a hyper-parameter",
            Val::Num(_) => "a number",
            Val::Bool(_) => "a truth value",
            Val::Str(_) => "a string",
            Val::None => "none",
            Val::Sizes(..) => "sizes",
            Val::Tuple(_) => "a tuple",
            Val::List(_) => "a list",
            Val::Ix(_) => "an indexed expression",
            Val::Layer(_) => "a layer without its configuration",
            Val::Instance(_) => "a layer",
            Val::Fn(_) | Val::Builtin(_) => "a function",
            Val::Optimizer(_) => "an optimizer without its configuration",
            Val::OptimizerUse(_) => "an optimizer",
            Val::Reader(_) => "a data reader",
            Val::Init(_) => "an initialiser",
            Val::Data(_) => "a data set",
            Val::Batches(..) => "batches of a data set",
            Val::Record(_) => "a batch",
            Val::Patience(_) => "a rule for stopping",
            Val::Error => "an error",
        }
    }
}

impl Ix {
    /// The element type; `tensor_type` tells that of a tensor.
    pub fn dtype(&self, tensor_type: &dyn Fn(&TensorVal) -> DType) -> DType {
        match self {
            Ix::Const(dtype, _) => *dtype,
            Ix::Index(_) => DType::I32,
            Ix::Access(tensor, _, _) => match tensor_type(tensor) {
                DType::U8 => DType::I32,
                other => other,
            },
            Ix::Op(op, arguments) => {
                let types: Vec<DType> = arguments
                    .iter()
                    .map(|argument| argument.dtype(tensor_type))
                    .collect();
                op.result_type(&types).unwrap_or(DType::F32)
            }
            Ix::Reduce(Reducer::ArgMax, ..) => DType::I32,
            Ix::Reduce(_, _, body) => body.dtype(tensor_type),
        }
    }

    /// Takes the parts of the expression, as it is written out, from `left`; whether there are that many. Its parts may be shared, so that
    /// a short one is written out as any number.
    pub fn fits(&self, left: &mut usize) -> bool {
        let Some(rest) = left.checked_sub(1) else {
            return false;
        };
        *left = rest;
        match self {
            Ix::Const(..) | Ix::Index(_) => true,
            Ix::Access(_, arguments, _) | Ix::Op(_, arguments) => {
                arguments.iter().all(|argument| argument.fits(left))
            }
            Ix::Reduce(_, _, body) => body.fits(left),
        }
    }

    /// Adds the free indices that occur.
    pub fn indices(&self, into: &mut std::collections::BTreeSet<usize>) {
        match self {
            Ix::Const(..) => {}
            Ix::Index(index) => {
                into.insert(*index);
            }
            Ix::Access(_, arguments, _) | Ix::Op(_, arguments) => {
                arguments.iter().for_each(|argument| argument.indices(into))
            }
            Ix::Reduce(_, own, body) => {
                let mut inner = std::collections::BTreeSet::new();
                body.indices(&mut inner);
                own.iter().for_each(|index| {
                    inner.remove(index);
                });
                into.extend(inner);
            }
        }
    }
}
