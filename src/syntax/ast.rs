//! The syntax tree, as the parser builds it. Every statement, expression and name carries its place in the source.
use crate::base::source::Span;
use std::sync::Arc;

/// A name and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The text.
    pub text: Arc<str>,
    /// Where.
    pub span: Span,
}

/// A whole source file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct File {
    /// Its statements in order.
    pub statements: Vec<Stmt>,
}

/// `{ ... }`: statements, the value being the last expression's.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// The statements in order.
    pub statements: Vec<Stmt>,
    /// From brace to brace.
    pub span: Span,
}

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Stmt {
    /// What it is.
    pub kind: StmtKind,
    /// Where.
    pub span: Span,
    /// The text of the `##` lines before it, without the marks.
    pub doc: Option<String>,
}

/// A parameter of a declaration: `x: [n, d] = default`.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: Name,
    /// Its type, where one is written.
    pub ty: Option<TypeExpr>,
    /// Its default, where one is written.
    pub default: Option<Expr>,
}

/// `key = value` of a `train` block.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// The key.
    pub name: Name,
    /// The value.
    pub value: Expr,
}

/// What a `for` or `scan` walks.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A tensor or a data set.
    Expr(Expr),
    /// `start..end` or `start..=end`.
    Range {
        /// First.
        start: Expr,
        /// Last, or one past it.
        end: Expr,
        /// Whether `end` belongs to it.
        inclusive: bool,
    },
}

/// What stands left of `=` in `let` and `for`.
#[derive(Debug, Clone, PartialEq)]
pub enum Pattern {
    /// One name.
    Name(Name),
    /// Several, for a tuple.
    Tuple(Vec<Pattern>, Span),
}

/// An index of index notation: `i`, or `i < bound`.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexDecl {
    /// Its name.
    pub name: Name,
    /// Its written bound.
    pub bound: Option<Expr>,
}

/// The kinds of statement.
#[derive(Debug, Clone, PartialEq)]
pub enum StmtKind {
    /// `hyper name: type = value`
    Hyper {
        /// Its name.
        name: Name,
        /// Its type.
        ty: Option<TypeExpr>,
        /// Its default.
        value: Expr,
    },
    /// `import "file"`
    Import(Arc<str>),
    /// `fn name(inputs) -> result { body }`
    Fn(Arc<Function>),
    /// `layer name(config)(inputs) -> result { body }`
    Layer(Arc<Layer>),
    /// `optimizer name(config)(w, g) { body }`
    Optimizer(Arc<Optimizer>),
    /// `param name: type = initialiser`
    Param {
        /// Its name.
        name: Name,
        /// Its type.
        ty: TypeExpr,
        /// Its initialiser.
        init: Option<Expr>,
    },
    /// `state name: type = initialiser`
    State {
        /// Its name.
        name: Name,
        /// Its type.
        ty: Option<TypeExpr>,
        /// Its initialiser.
        init: Expr,
    },
    /// `let pattern: type = value`
    Let {
        /// What is bound.
        pattern: Pattern,
        /// The type, where one is written.
        ty: Option<TypeExpr>,
        /// The value.
        value: Expr,
    },
    /// `let name[indices] = value`
    LetIndex {
        /// What is defined.
        name: Name,
        /// Its indices.
        indices: Vec<IndexDecl>,
        /// The value at the indices.
        value: Expr,
    },
    /// `target = value`
    Assign {
        /// A name or a path.
        target: Expr,
        /// The value.
        value: Expr,
    },
    /// `print value, ...`
    Print(Vec<Expr>),
    /// `plot value to file`
    Plot {
        /// What is drawn.
        value: Expr,
        /// The file.
        to: Expr,
    },
    /// `assert condition, message`
    Assert {
        /// What must hold.
        condition: Expr,
        /// What is said where it does not.
        message: Option<Expr>,
    },
    /// `save path to file`
    Save {
        /// What is saved.
        what: Expr,
        /// The file.
        to: Expr,
    },
    /// `load path from file`
    Load {
        /// What is loaded.
        what: Expr,
        /// The file.
        from: Expr,
    },
    /// `train model on data { settings }`
    Train {
        /// The model.
        model: Expr,
        /// The data.
        data: Expr,
        /// The settings.
        settings: Vec<Setting>,
    },
    /// `repeat count { body }`
    Repeat {
        /// How often.
        count: Expr,
        /// What.
        body: Block,
    },
    /// `repeat until condition, at most count { body }`
    RepeatUntil {
        /// Tested after each turn.
        condition: Expr,
        /// The most turns.
        at_most: Expr,
        /// What.
        body: Block,
    },
    /// `for pattern in source { body }`
    For {
        /// What each turn binds.
        pattern: Pattern,
        /// What is walked.
        source: Source,
        /// What.
        body: Block,
    },
    /// An expression.
    Expr(Expr),
    /// What did not parse.
    Error,
}

/// A `fn`.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// Its name; `None` for a value `fn (x) { ... }`.
    pub name: Option<Name>,
    /// Its inputs.
    pub inputs: Vec<Param>,
    /// Its result's type.
    pub result: Option<TypeExpr>,
    /// Its body.
    pub body: Block,
}

/// A `layer`.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Its name.
    pub name: Name,
    /// Its configuration; `None` where only one list is written.
    pub config: Option<Vec<Param>>,
    /// Its inputs.
    pub inputs: Vec<Param>,
    /// Its result's type.
    pub result: Option<TypeExpr>,
    /// Its body.
    pub body: Block,
}

/// An `optimizer`.
#[derive(Debug, Clone, PartialEq)]
pub struct Optimizer {
    /// Its name.
    pub name: Name,
    /// Its configuration.
    pub config: Vec<Param>,
    /// Its inputs: the parameter and its gradient.
    pub inputs: Vec<Param>,
    /// Its body.
    pub body: Block,
}

/// A type as written.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeExpr {
    /// What it is.
    pub kind: TypeKind,
    /// Where.
    pub span: Span,
}

/// The kinds of type.
#[derive(Debug, Clone, PartialEq)]
pub enum TypeKind {
    /// `[n, d]`, `i32[n]`: an element type (`None`: not written) and dimensions.
    Tensor(Option<Name>, Vec<Dim>),
    /// A name alone: `f32`, `layer`.
    Named(Name),
    /// `fn`
    Fn,
    /// `(a, b)`
    Tuple(Vec<TypeExpr>),
}

/// A dimension of a type.
#[derive(Debug, Clone, PartialEq)]
pub enum Dim {
    /// A number, a name, or arithmetic.
    Expr(Expr),
    /// `..name` or `..`: any number of dimensions.
    Rest(Option<Name>, Span),
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where.
    pub span: Span,
}

/// A part of a string.
#[derive(Debug, Clone, PartialEq)]
pub enum StrPart {
    /// Text as it is.
    Text(String),
    /// `{expr:.4}`: a value and the number of digits, where written.
    Value(Expr, Option<Format>),
}

/// How a value in a string is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    /// Digits after the point (`.4`).
    pub precision: Option<usize>,
    /// `%`: as percent; `e`: with an exponent.
    pub style: Option<char>,
    /// The least width.
    pub width: Option<usize>,
}

/// An argument of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Arg {
    /// Its name, where one is written.
    pub name: Option<Name>,
    /// Its value.
    pub value: Expr,
}

/// A subscript of `x[...]`.
#[derive(Debug, Clone, PartialEq)]
pub enum Subscript {
    /// An index; `name = value` names the new dimension in `reshape` lists.
    Expr(Expr),
    /// `start:end`
    Slice(Option<Expr>, Option<Expr>, Span),
    /// `..` or `..name`
    Rest(Option<Name>, Span),
}

/// An item of a list `[...]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// `name =` before it, as in `reshape(x, [n, e = d / heads])`.
    pub name: Option<Name>,
    /// The value.
    pub value: Expr,
}

/// A state of a `scan`.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanState {
    /// The name or names.
    pub pattern: Pattern,
    /// The initial value.
    pub init: Expr,
}

/// A `scan`.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// Walks backward.
    pub reverse: bool,
    /// What each turn binds.
    pub pattern: Pattern,
    /// What is walked.
    pub source: Source,
    /// The dimension.
    pub over: Option<Expr>,
    /// The states.
    pub states: Vec<ScanState>,
    /// One turn.
    pub body: Block,
}

/// Binary operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `//`
    FloorDiv,
    /// `%`
    Mod,
    /// `@`
    MatMul,
    /// `^`
    Pow,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `and`
    And,
    /// `or`
    Or,
}

impl BinOp {
    /// The operator as written.
    pub fn text(self) -> &'static str {
        match self {
            BinOp::Add => "+",
            BinOp::Sub => "-",
            BinOp::Mul => "*",
            BinOp::Div => "/",
            BinOp::FloorDiv => "//",
            BinOp::Mod => "%",
            BinOp::MatMul => "@",
            BinOp::Pow => "^",
            BinOp::Eq => "==",
            BinOp::Ne => "!=",
            BinOp::Lt => "<",
            BinOp::Le => "<=",
            BinOp::Gt => ">",
            BinOp::Ge => ">=",
            BinOp::And => "and",
            BinOp::Or => "or",
        }
    }
}

/// Unary operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnOp {
    /// `-`
    Neg,
    /// `not`
    Not,
}

/// The kinds of expression.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A name.
    Name(Arc<str>),
    /// An integer literal.
    Int(i64),
    /// A literal with a point or an exponent.
    Float(f64),
    /// A string with its interpolations.
    Str(Vec<StrPart>),
    /// `true`, `false`
    Bool(bool),
    /// `(a, b)`
    Tuple(Vec<Expr>),
    /// `..name` in a list of sizes.
    Rest(Option<Name>),
    /// `[a, b]`
    List(Vec<Item>),
    /// An operator before its operand.
    Unary(UnOp, Box<Expr>),
    /// An operator between its operands.
    Binary(BinOp, Box<Expr>, Box<Expr>),
    /// `a |> f`
    Pipe(Box<Expr>, Box<Expr>),
    /// `f(a, name = b)`
    Call(Box<Expr>, Vec<Arg>),
    /// `x[i, :, ..]`
    Index(Box<Expr>, Vec<Subscript>),
    /// `x.name`
    Field(Box<Expr>, Name),
    /// `sum[i, j] body`
    Reduce(Name, Vec<IndexDecl>, Box<Expr>),
    /// `fn (x) { ... }`
    Lambda(Arc<Function>),
    /// `if c { a } else { b }`
    If(Box<Expr>, Block, Option<Block>),
    /// A `scan`.
    Scan(Box<Scan>),
    /// `minimize objective over parameters with optimizer`
    Minimize {
        /// What is made small.
        objective: Box<Expr>,
        /// The parameters; empty: all that the objective reads.
        over: Vec<Expr>,
        /// How.
        optimizer: Box<Expr>,
    },
    /// What did not parse.
    Error,
}
