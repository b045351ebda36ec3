//! Expressions.
use super::Checker;
use super::shown::named_sizes;
use super::values::{
    DimNames, FnDef, Ix, Num, Outcome, Reported, TensorVal, Val, functions_within,
};
use crate::base::diagnostic::Diagnostic;
use crate::base::source::Span;
use crate::base::types::{DType, Type};
use crate::syntax::ast::{BinOp, Block, Expr, ExprKind, Item, StmtKind, StrPart, Subscript, UnOp};
use crate::tir::{Node, Op};
use std::rc::Rc;
use std::sync::Arc;

impl Checker<'_> {
    /// The value of an expression.
    pub(super) fn eval(&mut self, expr: &Expr) -> Outcome<Val> {
        let outcome = self.eval_kind(expr);
        if self.record.is_some()
            && let Ok(value) = &outcome
        {
            self.note(expr, value);
        }
        outcome
    }

    fn eval_kind(&mut self, expr: &Expr) -> Outcome<Val> {
        match &expr.kind {
            ExprKind::Name(name) => self.resolve(name, expr.span),
            ExprKind::Int(i) => Ok(Val::Num(Num::Int(*i))),
            ExprKind::Float(x) => Ok(Val::Num(Num::Float(*x))),
            ExprKind::Str(parts) => self.string(parts, expr.span),
            ExprKind::Bool(truth) => Ok(Val::Bool(*truth)),
            ExprKind::Tuple(parts) => {
                let parts = self.eval_all(parts)?;
                self.tuple_within_limits(&parts, expr.span)?;
                Ok(Val::Tuple(parts))
            }
            ExprKind::List(items) => self.list(items),
            ExprKind::Rest(_) => self.error(
                "E0404",
                expr.span,
                "`..` cannot stand here",
                "use it in a shape: `reshape(x, [n, ..s])`",
            ),
            ExprKind::Unary(op, operand) => {
                let value = self.eval(operand)?;
                self.unary(*op, value, expr.span)
            }
            ExprKind::Binary(op, a, b) => self.binary_expr(*op, a, b, expr.span),
            ExprKind::Pipe(value, function) => self.pipe(value, function, expr.span),
            ExprKind::Call(callee, arguments) => self.call_expr(callee, arguments, expr.span),
            ExprKind::Index(base, subscripts) => self.index_expr(base, subscripts, expr.span),
            ExprKind::Field(base, name) => {
                self.foreign_path(expr)?;
                let value = self.eval(base)?;
                self.member(value, base, name)
            }
            ExprKind::Reduce(name, indices, body) => {
                self.reduce_notation(name, indices, body, expr.span)
            }
            ExprKind::Lambda(syntax) => {
                let module = self.frame().module;
                let closure = if self.at_top() && self.frame().scopes.is_empty() {
                    None
                } else {
                    Some(self.visible())
                };
                let instance = self.frame().instance.clone();
                let held = closure.iter().flat_map(|names| names.values());
                let depth = 1 + held.map(functions_within).max().unwrap_or(0);
                self.functions_within_limits(depth, expr.span)?;
                Ok(Val::Fn(Rc::new(FnDef {
                    syntax: syntax.clone(),
                    module,
                    closure,
                    instance,
                    depth,
                })))
            }
            ExprKind::If(condition, then, otherwise) => {
                self.if_expr(condition, then, otherwise.as_ref(), expr.span)
            }
            ExprKind::Scan(scan) => self.scan(scan, expr.span),
            ExprKind::Minimize {
                objective,
                over,
                optimizer,
            } => self.minimize(objective, over, optimizer, expr.span),
            // The parser has said what is wrong with it.
            ExprKind::Error => Err(Reported),
        }
    }

    /// All names visible in the present body, for a function value to keep.
    pub(super) fn visible(&mut self) -> super::values::Bindings {
        let frame = self.frame();
        let mut names = super::values::Bindings::new();
        for scope in &frame.scopes {
            names.extend(
                scope
                    .iter()
                    .map(|(name, value)| (name.clone(), value.clone())),
            );
        }
        names
    }

    pub(super) fn eval_all(&mut self, exprs: &[Expr]) -> Outcome<Vec<Val>> {
        let values: Vec<Outcome<Val>> = exprs.iter().map(|expr| self.eval(expr)).collect();
        values.into_iter().collect()
    }

    fn list(&mut self, items: &[Item]) -> Outcome<Val> {
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            let name = item.name.as_ref().map(|name| name.text.clone());
            match &item.value.kind {
                ExprKind::Rest(Some(rest)) => match self.resolve(&rest.text, rest.span)? {
                    Val::Sizes(sizes, dims) => {
                        values.extend(
                            sizes
                                .iter()
                                .zip(dims)
                                .map(|(&size, name)| (name, Val::Num(Num::Int(size as i64)))),
                        );
                    }
                    other => {
                        return self.error(
                            "E0301",
                            rest.span,
                            format!("`..{}` needs sizes, found {}", rest.text, other.kind()),
                            "bind them in a signature: `x: [n, ..s]`",
                        );
                    }
                },
                // A name alone in a list of sizes also names the dimension.
                ExprKind::Name(text) => {
                    let value = self.eval(&item.value)?;
                    let implied = if matches!(value, Val::Num(Num::Int(_))) {
                        Some(text.clone())
                    } else {
                        None
                    };
                    values.push((name.or(implied), value));
                }
                _ => values.push((name, self.eval(&item.value)?)),
            }
        }
        Ok(Val::List(values))
    }

    /// A string known at compile time.
    fn string(&mut self, parts: &[StrPart], span: Span) -> Outcome<Val> {
        let mut text = String::new();
        for part in parts {
            match part {
                StrPart::Text(part) => text += part,
                StrPart::Value(expr, _) => match self.eval(expr)? {
                    Val::Num(Num::Int(i)) => text += &i.to_string(),
                    Val::Num(Num::Float(x)) => text += &x.to_string(),
                    Val::Hyper(_, number) => text += &number.value().to_string(),
                    Val::Str(part) => text += &part,
                    other => {
                        return self.error(
                            "E0403",
                            span,
                            format!("{} cannot stand in a string here", other.kind()),
                            "only `print` and `assert` write tensors",
                        );
                    }
                },
            }
            self.text_within_limits(text.len(), span)?;
        }
        Ok(Val::Str(text.into()))
    }

    /// A list of numbers, or of lists, as a tensor; `None` where it is neither.
    pub(super) fn list_tensor(&mut self, value: &Val, dtype: Option<DType>) -> Option<TensorVal> {
        let mut elements = Vec::new();
        let mut shape = Vec::new();
        if let Some(kind) = literal(value, 0, &mut shape, &mut elements) {
            let dtype = dtype.unwrap_or(if kind == DType::Bool {
                DType::Bool
            } else {
                self.float
            });
            let rank = shape.len();
            let ty = Type::new(dtype, shape);
            let value = self
                .graph()
                .add(Node::Constant(elements), vec![ty], Span::default())[0];
            return Some(self.tensor(value, vec![None; rank]));
        }
        // A list with tensors in it is a stack.
        let Val::List(items) = value else { return None };
        let parts: Option<Vec<TensorVal>> =
            items.iter().map(|(_, item)| self.as_tensor(item)).collect();
        let parts = parts?;
        let ty = self.type_of(parts.first()?);
        if parts.iter().any(|part| self.type_of(part) != ty) {
            return None;
        }
        Some(self.stack_parts(&parts, 0, Span::default()))
    }

    fn if_expr(
        &mut self,
        condition: &Expr,
        then: &Block,
        otherwise: Option<&Block>,
        span: Span,
    ) -> Outcome<Val> {
        let value = self.eval(condition)?;
        let truth = match value {
            Val::Bool(truth) => truth,
            Val::Num(number) => number.value() != 0.0,
            Val::Tensor(_) | Val::Slot(..) | Val::Ix(_) => {
                return self.error(
                    "E0405",
                    condition.span,
                    "this condition is known only when the program runs",
                    "choose element by element with `where(c, a, b)`",
                );
            }
            other => {
                return self.error(
                    "E0405",
                    condition.span,
                    format!("a condition is a truth value, not {}", other.kind()),
                    "compare: `if n > 1 { ... }`",
                );
            }
        };
        match (truth, otherwise) {
            (true, _) => self.inner_block(then),
            (false, Some(block)) => self.inner_block(block),
            (false, None) => {
                let _ = span;
                Ok(Val::Tuple(Vec::new()))
            }
        }
    }

    /// A block whose `let`s rebind names of the body around.
    pub(super) fn inner_block(&mut self, block: &Block) -> Outcome<Val> {
        self.block_value(&block.statements)
    }

    /// Runs statements; the value of the last expression is theirs.
    pub(super) fn block_value(&mut self, statements: &[crate::syntax::ast::Stmt]) -> Outcome<Val> {
        let mut outcome = Ok(Val::Tuple(Vec::new()));
        let mut failed = false;
        for (at, statement) in statements.iter().enumerate() {
            let last = at + 1 == statements.len();
            match &statement.kind {
                StmtKind::Expr(expr) if last => {
                    self.spend(expr.span)?;
                    outcome = self.eval(expr);
                    self.within_limits(expr.span)?;
                }
                // What follows rests on it.
                StmtKind::Assert { .. } => self.statement(statement)?,
                _ => failed |= self.statement(statement).is_err(),
            }
            // In the standard library what follows a mistake is no mistake of its own.
            if failed && self.frame().module == 0 {
                return Err(Reported);
            }
        }
        if failed && outcome.is_ok() {
            Err(Reported)
        } else {
            outcome
        }
    }

    fn binary_expr(&mut self, op: BinOp, a: &Expr, b: &Expr, span: Span) -> Outcome<Val> {
        if matches!(op, BinOp::And | BinOp::Or) {
            // `and` and `or` of what is known need not look further.
            let first = self.eval(a)?;
            if let Val::Bool(truth) = first {
                return if truth == (op == BinOp::Or) {
                    Ok(first)
                } else {
                    self.eval(b)
                };
            }
            let second = self.eval(b)?;
            return self.binary(op, first, second, span, a.span, b.span);
        }
        let (first, second) = (self.eval(a), self.eval(b));
        self.binary(op, first?, second?, span, a.span, b.span)
    }

    pub(super) fn unary(&mut self, op: UnOp, value: Val, span: Span) -> Outcome<Val> {
        match (op, value) {
            (UnOp::Neg, Val::Num(Num::Int(i))) => match i.checked_neg() {
                Some(negative) => Ok(Val::Num(Num::Int(negative))),
                None => self.error(
                    "E0307",
                    span,
                    format!("-({i}) cannot be computed"),
                    "the number is too large",
                ),
            },
            (UnOp::Neg, Val::Num(Num::Float(x))) => Ok(Val::Num(Num::Float(-x))),
            (UnOp::Not, Val::Bool(truth)) => Ok(Val::Bool(!truth)),
            (op, value) => self.elementwise(
                if op == UnOp::Neg { Op::Neg } else { Op::Not },
                &[value],
                span,
                &[span],
            ),
        }
    }

    /// An operator between two values.
    pub(super) fn binary(
        &mut self,
        op: BinOp,
        a: Val,
        b: Val,
        span: Span,
        a_span: Span,
        b_span: Span,
    ) -> Outcome<Val> {
        if matches!(op, BinOp::Eq | BinOp::Ne) {
            let same = match (&a, &b) {
                (Val::None, Val::None) => Some(true),
                (Val::None, _) | (_, Val::None) => Some(false),
                (Val::Str(a), Val::Str(b)) => Some(a == b),
                (Val::Bool(a), Val::Bool(b)) => Some(a == b),
                _ => None,
            };
            if let Some(same) = same {
                return Ok(Val::Bool(same == (op == BinOp::Eq)));
            }
        }
        if let (Some(x), Some(y)) = (static_number(&a), static_number(&b)) {
            return self.numbers(op, x, y, span);
        }
        // What a hyper-parameter decides is decided when the program is compiled; what it scales is not.
        let decides = matches!(
            op,
            BinOp::Eq | BinOp::Ne | BinOp::Lt | BinOp::Le | BinOp::Gt | BinOp::Ge
        );
        let known = |value: &Val| match value {
            Val::Hyper(_, number) => Some(*number),
            value => static_number(value),
        };
        if let (true, Some(x), Some(y)) = (decides, known(&a), known(&b)) {
            return self.numbers(op, x, y, span);
        }
        match op {
            BinOp::MatMul => self.matmul(&a, &b, span, a_span, b_span),
            BinOp::Gt => self.elementwise(Op::Lt, &[b, a], span, &[b_span, a_span]),
            BinOp::Ge => self.elementwise(Op::Le, &[b, a], span, &[b_span, a_span]),
            _ => {
                let op = scalar_op(op);
                if op == Op::Pow {
                    return self.power(a, b, span, a_span, b_span);
                }
                if op == Op::Sub {
                    self.no_outer_difference(&a, &b, span, [a_span, b_span]);
                }
                self.elementwise(op, &[a, b], span, &[a_span, b_span])
            }
        }
    }

    /// Integer powers up to 4 are products, which is exact for negative bases and cheap.
    fn power(&mut self, a: Val, b: Val, span: Span, a_span: Span, b_span: Span) -> Outcome<Val> {
        match static_number(&b).map(Num::value) {
            Some(1.0) => Ok(a),
            Some(2.0) => self.elementwise(Op::Mul, &[a.clone(), a], span, &[a_span, a_span]),
            Some(3.0) => {
                let square =
                    self.elementwise(Op::Mul, &[a.clone(), a.clone()], span, &[a_span, a_span])?;
                self.elementwise(Op::Mul, &[square, a], span, &[a_span, a_span])
            }
            Some(4.0) => {
                let square = self.elementwise(Op::Mul, &[a.clone(), a], span, &[a_span, a_span])?;
                self.elementwise(Op::Mul, &[square.clone(), square], span, &[a_span, a_span])
            }
            _ => self.elementwise(Op::Pow, &[a, b], span, &[a_span, b_span]),
        }
    }

    fn numbers(&mut self, op: BinOp, a: Num, b: Num, span: Span) -> Outcome<Val> {
        let (x, y) = (a.value(), b.value());
        let truth = |holds: bool| Ok(Val::Bool(holds));
        if let (Num::Int(i), Num::Int(j)) = (a, b) {
            let whole = match op {
                BinOp::Add => i.checked_add(j),
                BinOp::Sub => i.checked_sub(j),
                BinOp::Mul => i.checked_mul(j),
                BinOp::FloorDiv | BinOp::Mod | BinOp::Div if j == 0 => {
                    return self.error(
                        "E0306",
                        span,
                        format!("{i} {} 0: a division by zero", op.text()),
                        "check the sizes and the configuration",
                    );
                }
                BinOp::FloorDiv => floor_division(i, j),
                BinOp::Mod => floor_remainder(i, j),
                BinOp::Div if i.checked_rem(j).is_none_or(|rest| rest == 0) => i.checked_div(j),
                BinOp::Div => {
                    self.inexact = Some((i, j, span));
                    return Ok(Val::Num(Num::Float(x / y)));
                }
                BinOp::Pow if j >= 0 => u32::try_from(j).ok().and_then(|j| i.checked_pow(j)),
                BinOp::Pow => return Ok(Val::Num(Num::Float(x.powf(y)))),
                BinOp::Eq => return truth(i == j),
                BinOp::Ne => return truth(i != j),
                BinOp::Lt => return truth(i < j),
                BinOp::Le => return truth(i <= j),
                BinOp::Gt => return truth(i > j),
                BinOp::Ge => return truth(i >= j),
                BinOp::MatMul | BinOp::And | BinOp::Or => None,
            };
            return match whole {
                Some(whole) => Ok(Val::Num(Num::Int(whole))),
                None => self.error(
                    "E0307",
                    span,
                    format!("{i} {} {j} is beyond the whole numbers", op.text()),
                    "a whole number is at most 9223372036854775807: write smaller ones, or fractions (`2.0`)",
                ),
            };
        }
        let value = match op {
            BinOp::Add => x + y,
            BinOp::Sub => x - y,
            BinOp::Mul => x * y,
            BinOp::Div => x / y,
            BinOp::FloorDiv => (x / y).floor(),
            BinOp::Mod => x - y * (x / y).floor(),
            BinOp::Pow => x.powf(y),
            BinOp::Eq => return truth(x == y),
            BinOp::Ne => return truth(x != y),
            BinOp::Lt => return truth(x < y),
            BinOp::Le => return truth(x <= y),
            BinOp::Gt => return truth(x > y),
            BinOp::Ge => return truth(x >= y),
            BinOp::MatMul | BinOp::And | BinOp::Or => {
                return self.error(
                    "E0307",
                    span,
                    format!("`{}` does not join two numbers", op.text()),
                    "`@` multiplies matrices; `and` and `or` join truth values",
                );
            }
        };
        Ok(Val::Num(Num::Float(value)))
    }

    /// `base.name`
    pub(super) fn field(&mut self, base: Val, name: &crate::syntax::ast::Name) -> Outcome<Val> {
        match &base {
            Val::Error => Err(Reported),
            Val::Record(fields) => match fields.iter().find(|(field, _)| *field == name.text) {
                Some((_, value)) => Ok(value.clone()),
                None => {
                    let known: Vec<String> =
                        fields.iter().map(|(field, _)| field.to_string()).collect();
                    self.no_such(&name.text, name.span, "field", &known)
                }
            },
            Val::Instance(instance) => {
                let value = self.instance_field(instance, name)?;
                self.note_field(instance, name, &value);
                Ok(value)
            }
            Val::Data(data) => self.data_field(data.clone(), name),
            other => {
                let message = format!("{} has no field `{}`", other.kind(), name.text);
                let help = "fields belong to layers (parameters), batches and data sets";
                self.error("E0202", name.span, message, help)
            }
        }
    }

    /// `base[...]`: an element or a part of a tensor, or an initialiser with its shape.
    fn index_expr(&mut self, base: &Expr, subscripts: &[Subscript], span: Span) -> Outcome<Val> {
        let value = self.eval(base)?;
        match &value {
            Val::Error => Err(Reported),
            Val::Builtin(_) | Val::Init(_) | Val::Fn(_) => {
                let (sizes, dims) = self.shape_of_subscripts(subscripts)?;
                self.initialised(&value, &sizes, &dims, span)
            }
            Val::Tuple(parts) => match subscripts {
                [Subscript::Expr(expr)] => match self.eval(expr)? {
                    Val::Num(Num::Int(i)) if i >= 0 && (i as usize) < parts.len() => {
                        Ok(parts[i as usize].clone())
                    }
                    _ => self.error(
                        "E0308",
                        span,
                        format!(
                            "a tuple of {} is indexed by a number below that",
                            parts.len()
                        ),
                        "count from 0",
                    ),
                },
                _ => self.error(
                    "E0308",
                    span,
                    "a tuple is indexed by one number",
                    "write `t[0]`",
                ),
            },
            Val::Sizes(sizes, _) => match subscripts {
                [Subscript::Expr(expr)] => match self.eval(expr)? {
                    Val::Num(Num::Int(i)) if i >= 0 && (i as usize) < sizes.len() => {
                        Ok(Val::Num(Num::Int(sizes[i as usize] as i64)))
                    }
                    _ => self.error(
                        "E0308",
                        span,
                        format!("there are {} sizes", sizes.len()),
                        "count from 0",
                    ),
                },
                _ => self.error(
                    "E0308",
                    span,
                    "sizes are indexed by one number",
                    "write `s[0]`",
                ),
            },
            Val::List(items) => match self.known_item(items, subscripts)? {
                Some(item) => Ok(item),
                None => self.index_tensor(&value, subscripts, span),
            },
            other => self.index_tensor(other, subscripts, span),
        }
    }

    fn index_tensor(&mut self, value: &Val, subscripts: &[Subscript], span: Span) -> Outcome<Val> {
        match self.as_tensor(value) {
            Some(tensor) => self.subscripted(&tensor, subscripts, span),
            None => self.error(
                "E0308",
                span,
                format!("{} cannot be indexed", value.kind()),
                match value {
                    Val::Data(_) | Val::Record(_) => {
                        "take a field by its name: `set.x`, and index that"
                    }
                    Val::List(items) if items.iter().any(|(_, item)| matches!(item, Val::Instance(_))) => {
                        "layers stand in no list: each turn of `for i in 0..3 { let x = x |> dense(8) }` makes one of its own"
                    }
                    _ => "index tensors",
                },
            ),
        }
    }

    /// The number at a place of a list of numbers that is known before the program runs: one of several sizes in a configuration.
    fn known_item(
        &mut self,
        items: &[(Option<Arc<str>>, Val)],
        at: &[Subscript],
    ) -> Outcome<Option<Val>> {
        let [Subscript::Expr(at)] = at else {
            return Ok(None);
        };
        let Val::Num(Num::Int(at)) = self.eval(at)? else {
            return Ok(None);
        };
        let item = usize::try_from(at).ok().and_then(|at| items.get(at));
        Ok(item
            .filter(|item| matches!(item.1, Val::Num(_)))
            .map(|item| item.1.clone()))
    }

    fn shape_of_subscripts(&mut self, subscripts: &[Subscript]) -> Outcome<(Vec<usize>, DimNames)> {
        let (mut sizes, mut dims): (Vec<usize>, DimNames) = (Vec::new(), Vec::new());
        for subscript in subscripts {
            match subscript {
                Subscript::Expr(expr) => {
                    sizes.push(self.eval_size(expr)?);
                    dims.push(if let ExprKind::Name(name) = &expr.kind {
                        Some(name.clone())
                    } else {
                        None
                    });
                }
                Subscript::Rest(Some(name), span) => match self.resolve(&name.text, name.span)? {
                    Val::Sizes(more, names) => {
                        sizes.extend(more);
                        dims.extend(names);
                    }
                    other => {
                        return self.error(
                            "E0301",
                            *span,
                            format!("`..{}` needs sizes, found {}", name.text, other.kind()),
                            "bind them in a signature: `x: [..s]`",
                        );
                    }
                },
                Subscript::Rest(None, span) | Subscript::Slice(_, _, span) => {
                    return self.error(
                        "E0301",
                        *span,
                        "a size is missing",
                        "write each size: `zeros[n, 10]`",
                    );
                }
            }
        }
        Ok((sizes, dims))
    }

    /// A dimension size: a whole number that is not negative.
    pub(super) fn eval_size(&mut self, expr: &Expr) -> Outcome<usize> {
        let value = self.eval(expr)?;
        match static_number(&value) {
            Some(Num::Int(i)) if i <= 0 && self.is_kernel_size(expr) => {
                self.kernel_too_large(expr, i)
            }
            Some(Num::Int(i)) if (0..=i64::from(u32::MAX)).contains(&i) => Ok(i as usize),
            Some(Num::Int(i)) => self.error(
                "E0302",
                expr.span,
                format!("a size cannot be {i}"),
                "sizes lie between 0 and 4294967295",
            ),
            Some(Num::Float(x)) => {
                let (message, help) = self.not_a_size(x);
                self.error("E0303", expr.span, message, help)
            }
            None if let Val::Hyper(slot, Num::Float(x)) = value => {
                let name = self.program.slot(slot).name.clone();
                self.error(
                    "E0302",
                    expr.span,
                    format!("a size is a whole number, and the hyper-parameter `{name}` is {x:?}"),
                    format!("give it one, without a point: `hyper {name} = {}`", x.round()),
                )
            }
            None => self.error(
                "E0302",
                expr.span,
                format!(
                    "a size is a number known before the program runs, not {}",
                    value.kind()
                ),
                "use a number, a dimension's name or a configuration value; several sizes stand in a tuple: `(8, 16)[i]`",
            ),
        }
    }

    /// A tensor's type with the names of its dimensions, for messages: the common element type is left out.
    pub(super) fn describe(&self, tensor: &TensorVal) -> String {
        let ty = self.type_of(tensor);
        let sizes = named_sizes(&ty.shape, &tensor.dims);
        match ty.dtype {
            DType::F32 => format!("[{sizes}]"),
            _ => format!("{}[{sizes}]", ty.dtype),
        }
    }

    /// A shape error with both sides.
    pub(super) fn shape_error<T>(
        &mut self,
        code: &'static str,
        span: Span,
        message: String,
        sides: &[(Span, String)],
        help: &str,
    ) -> Outcome<T> {
        let mut diagnostic = Diagnostic::error(code, span, message).help(help);
        for (place, text) in sides {
            if *place == span {
                diagnostic = diagnostic.here(text.clone());
            } else {
                diagnostic = diagnostic.label(*place, text.clone());
            }
        }
        Err(self.report(diagnostic))
    }

    /// An index-notation expression as a value of its own.
    pub(super) fn ix(&self, ix: Ix) -> Val {
        Val::Ix(Rc::new(ix))
    }

    /// A name of a dimension, from an expression that is one.
    pub(super) fn dim_name(expr: &Expr) -> Option<Arc<str>> {
        match &expr.kind {
            ExprKind::Name(name) => Some(name.clone()),
            _ => None,
        }
    }
}

/// The number that a value is at compile time.
pub(super) fn static_number(value: &Val) -> Option<Num> {
    match value {
        Val::Num(number) => Some(*number),
        _ => None,
    }
}

/// The scalar operator of a binary one.
fn scalar_op(op: BinOp) -> Op {
    match op {
        BinOp::Add => Op::Add,
        BinOp::Sub => Op::Sub,
        BinOp::Mul | BinOp::MatMul => Op::Mul,
        BinOp::Div => Op::Div,
        BinOp::FloorDiv => Op::FloorDiv,
        BinOp::Mod => Op::Mod,
        BinOp::Pow => Op::Pow,
        BinOp::Eq => Op::Eq,
        BinOp::Ne => Op::Ne,
        BinOp::Lt | BinOp::Gt => Op::Lt,
        BinOp::Le | BinOp::Ge => Op::Le,
        BinOp::And => Op::And,
        BinOp::Or => Op::Or,
    }
}

/// Collects the numbers of nested lists; the element type is `bool` where all are truth values.
fn literal(
    value: &Val,
    depth: usize,
    shape: &mut Vec<usize>,
    elements: &mut Vec<f64>,
) -> Option<DType> {
    match value {
        Val::Num(number) if depth == shape.len() => {
            elements.push(number.value());
            Some(DType::F32)
        }
        Val::Bool(truth) if depth == shape.len() => {
            elements.push(f64::from(u8::from(*truth)));
            Some(DType::Bool)
        }
        Val::List(items) => {
            if depth == shape.len() && elements.is_empty() {
                shape.push(items.len());
            }
            if shape.get(depth) != Some(&items.len()) {
                return None;
            }
            let mut kind = DType::Bool;
            for (_, item) in items {
                match literal(item, depth + 1, shape, elements)? {
                    DType::Bool => {}
                    _ => kind = DType::F32,
                }
            }
            Some(if items.is_empty() { DType::F32 } else { kind })
        }
        _ => None,
    }
}

/// `i // j` rounded down, where an i64 holds it.
fn floor_division(i: i64, j: i64) -> Option<i64> {
    let quotient = i.checked_div(j)?;
    let inexact = i.checked_rem(j)? != 0;
    Some(quotient - i64::from(inexact && (i < 0) != (j < 0)))
}

/// `i % j` with the sign of the divisor, where `j` is not 0.
fn floor_remainder(i: i64, j: i64) -> Option<i64> {
    match i.checked_rem(j) {
        Some(rest) if rest != 0 && (rest < 0) != (j < 0) => Some(rest + j),
        // The one quotient that overflows, the least number by -1, leaves nothing.
        None if j != 0 => Some(0),
        rest => rest,
    }
}
