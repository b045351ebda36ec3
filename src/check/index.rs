//! Index notation: `let y[i, j] = sum[k] a[i, k] * b[k, j]`. The right side is evaluated to an expression over indices ([`Ix`]); then the
//! range of every index is found; then the expression becomes comprehensions, one for each reduction.
use super::Checker;
use super::expr::static_number;
use super::limits::MOST_INDICES;
use super::tensors::storage;
use super::values::{IndexVar, Ix, Num, Outcome, Reported, TensorVal, Val};
use crate::base::diagnostic::Diagnostic;
use crate::base::source::Span;
use crate::base::types::DType;
use crate::syntax::ast::{Expr, IndexDecl, Name, Subscript};
use crate::tir::{
    Affine, Body, Comprehension, Guard, Inst, Literal, Op, Order, Read, Reducer,
    Subscript as TirSubscript,
};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

/// An access of the expression: which tensor, and each subscript as an affine expression of index variables where it is one.
struct AccessInfo {
    tensor: TensorVal,
    subscripts: Vec<Option<Affine>>,
    /// The size of each dimension; times `c` for a subscript `affine // c`, which then bounds its indices as `affine` would.
    sizes: Vec<usize>,
    /// Whether each subscript is a quotient.
    divided: Vec<bool>,
    span: Span,
}

/// What is said where a tensor has another number of dimensions than it is given subscripts.
pub(super) fn subscripts_for(given: usize, described: &str) -> String {
    let noun = if given == 1 {
        "subscript"
    } else {
        "subscripts"
    };
    format!("{given} {noun} for {described}")
}

impl Checker<'_> {
    /// `let name[indices] = value`
    pub(super) fn define(
        &mut self,
        name: &Name,
        indices: &[IndexDecl],
        value: &Expr,
        span: Span,
    ) -> Outcome<Val> {
        let outer = std::mem::take(&mut self.index_vars);
        let result = self.define_inner(indices, value, span);
        self.index_vars = outer;
        let _ = name;
        result
    }

    fn define_inner(&mut self, indices: &[IndexDecl], value: &Expr, span: Span) -> Outcome<Val> {
        self.frame().scopes.push(super::values::Bindings::new());
        let declared = self.declare_indices(indices);
        let body = declared.and_then(|vars| self.eval(value).map(|body| (vars, body)));
        self.frame().scopes.pop();
        let (vars, body) = body?;
        let float = self.float;
        let ix = self.indexed_operand(&body, float, value.span)?;
        self.comprehend(&vars, &ix, span)
    }

    /// Declares indices in the innermost scope.
    fn declare_indices(&mut self, indices: &[IndexDecl]) -> Outcome<Vec<usize>> {
        if let Some(beyond) = indices.get(MOST_INDICES) {
            let message = format!("{} indices in one place", indices.len());
            let help =
                format!("there are at most {MOST_INDICES}: join some dimensions with `reshape`");
            return self.error("E0366", beyond.name.span, message, help);
        }
        let mut vars = Vec::with_capacity(indices.len());
        for (at, index) in indices.iter().enumerate() {
            if let Some(first) = indices[..at]
                .iter()
                .find(|other| other.name.text == index.name.text)
            {
                let message = format!("the index `{}` stands here twice", index.name.text);
                let diagnostic = Diagnostic::error("E0335", index.name.span, message)
                    .label(first.name.span, "first here")
                    .help(
                        "give each dimension an index of its own; a diagonal is read as `x[i, i]`",
                    );
                return Err(self.report(diagnostic));
            }
            let bound = match &index.bound {
                Some(bound) => Some(self.eval_size(bound)?),
                None => None,
            };
            vars.push(self.index_vars.len());
            self.index_vars.push(IndexVar {
                name: index.name.text.clone(),
                span: index.name.span,
                bound,
            });
        }
        for (index, &var) in indices.iter().zip(&vars) {
            let value = self.ix(Ix::Index(var));
            self.frame()
                .scopes
                .last_mut()
                .map(|scope| scope.insert(index.name.text.clone(), value));
        }
        Ok(vars)
    }

    /// `sum[i, j] body`, inside index notation or alone.
    pub(super) fn reduce_notation(
        &mut self,
        name: &Name,
        indices: &[IndexDecl],
        body: &Expr,
        span: Span,
    ) -> Outcome<Val> {
        let alone = self.index_vars.is_empty();
        self.frame().scopes.push(super::values::Bindings::new());
        let declared = self.declare_indices(indices);
        let value = declared.and_then(|vars| self.eval(body).map(|value| (vars, value)));
        self.frame().scopes.pop();
        let (vars, value) = match value {
            Ok(found) => found,
            Err(Reported) => {
                if alone {
                    self.index_vars.clear();
                }
                return Err(Reported);
            }
        };
        let float = self.float;
        let mut ix = self.indexed_operand(&value, float, body.span)?;
        let reducer = match &*name.text {
            "sum" | "mean" => Reducer::Sum,
            "max" => Reducer::Max,
            "min" => Reducer::Min,
            "prod" => Reducer::Prod,
            _ => Reducer::ArgMax,
        };
        let dtype = ix.dtype(&|tensor| self.type_of(tensor).dtype);
        let counts = dtype == DType::Bool || (&*name.text == "mean" && dtype == DType::I32);
        if counts && reducer == Reducer::Sum {
            let op = if float == DType::F64 {
                Op::ToF64
            } else {
                Op::ToF32
            };
            ix = Rc::new(Ix::Op(op, vec![ix]));
        }
        let mut reduced = Rc::new(Ix::Reduce(reducer, vars.clone(), ix));
        if &*name.text == "mean" {
            // The count is known once the ranges are: a mean divides by a product of extents, kept as a reduction of ones.
            let one = Rc::new(Ix::Const(
                reduced.dtype(&|tensor| self.type_of(tensor).dtype),
                1.0,
            ));
            let count = Rc::new(Ix::Reduce(Reducer::Sum, vars, one));
            reduced = Rc::new(Ix::Op(Op::Div, vec![reduced, count]));
        }
        if alone {
            let result = self.comprehend(&[], &reduced, span);
            self.index_vars.clear();
            return result;
        }
        Ok(Val::Ix(reduced))
    }

    /// `x[i, 2*j + k, t[n]]`: an element.
    pub(super) fn element(
        &mut self,
        tensor: &TensorVal,
        subscripts: &[Subscript],
        values: &[Option<Val>],
        span: Span,
    ) -> Outcome<Val> {
        let rank = self.type_of(tensor).shape.len();
        if subscripts.len() != rank || values.iter().any(Option::is_none) {
            let message = subscripts_for(subscripts.len(), &self.describe(tensor));
            return self.error(
                "E0320",
                span,
                message,
                "in index notation every dimension has one index",
            );
        }
        let mut indices = Vec::with_capacity(rank);
        for (value, subscript) in values.iter().flatten().zip(subscripts) {
            let place = if let Subscript::Expr(expr) = subscript {
                expr.span
            } else {
                span
            };
            let ix = match value {
                Val::Num(Num::Int(i)) => Rc::new(Ix::Const(DType::I32, *i as f64)),
                value => self.indexed_operand(value, DType::I32, place)?,
            };
            if ix.dtype(&|tensor| self.type_of(tensor).dtype) != DType::I32 {
                return self.error(
                    "E0323",
                    place,
                    "a subscript is an i32",
                    "convert with `i32(...)`",
                );
            }
            if affine(&ix).is_none()
                && let Some(&size) = self.type_of(tensor).shape.get(indices.len())
            {
                self.program.computed.insert((place, size));
            }
            indices.push(ix);
        }
        self.indexed(Ix::Access(tensor.clone(), indices, span), span)
    }

    /// An expression over indices as a tensor whose dimensions are the free ones.
    fn comprehend(&mut self, free: &[usize], ix: &Rc<Ix>, span: Span) -> Outcome<Val> {
        let extents = self.ranges(free, ix)?;
        let tensor = self.build(free, ix, &extents, span)?;
        Ok(Val::Tensor(tensor))
    }

    /// The extent of every index of the expression.
    fn ranges(&mut self, free: &[usize], ix: &Rc<Ix>) -> Outcome<HashMap<usize, usize>> {
        let mut accesses = Vec::new();
        collect(ix, &mut accesses);
        let mut used: BTreeSet<usize> = free.iter().copied().collect();
        all_indices(ix, &mut used);
        let infos: Vec<AccessInfo> = accesses
            .into_iter()
            .map(|(tensor, subscripts, span)| {
                let shape = self.type_of(&tensor).shape;
                let parts: Vec<(Option<Affine>, usize)> =
                    subscripts.iter().map(|s| quotient(s)).collect();
                AccessInfo {
                    sizes: shape
                        .iter()
                        .zip(&parts)
                        .map(|(size, (_, divisor))| size * divisor)
                        .collect(),
                    divided: parts.iter().map(|(_, divisor)| *divisor > 1).collect(),
                    subscripts: parts.into_iter().map(|(affine, _)| affine).collect(),
                    tensor,
                    span,
                }
            })
            .collect();
        let mut extents: HashMap<usize, usize> = HashMap::new();
        for &var in &used {
            if let Some(bound) = self.index_vars[var].bound {
                extents.insert(var, bound);
            }
        }
        self.stand_alone(&infos, &mut extents)?;
        self.composite(&infos, &used, &mut extents)?;
        for &var in &used {
            if !extents.contains_key(&var) {
                let IndexVar { name, span, .. } = self.index_vars[var].clone();
                return self.error(
                    "E0330",
                    span,
                    format!("nothing bounds the index `{name}`"),
                    format!("write its range: `{name} < 10`"),
                );
            }
        }
        self.in_bounds(&infos, &extents)?;
        Ok(extents)
    }

    /// Ranges of indices that stand alone in an access: all must agree.
    fn stand_alone(
        &mut self,
        infos: &[AccessInfo],
        extents: &mut HashMap<usize, usize>,
    ) -> Outcome<()> {
        let mut from: HashMap<usize, (Span, String)> = HashMap::new();
        for info in infos {
            let shape = &info.sizes;
            for (axis, subscript) in info.subscripts.iter().enumerate() {
                let Some(var) = subscript.as_ref().and_then(Affine::as_index) else {
                    continue;
                };
                if info.divided[axis] {
                    continue;
                }
                let size = shape[axis];
                let described = self.describe(&info.tensor);
                match (self.index_vars[var].bound, extents.get(&var)) {
                    (Some(bound), _) if bound > size => {
                        let IndexVar { name, span, .. } = self.index_vars[var].clone();
                        let diagnostic = Diagnostic::error(
                            "E0331",
                            info.span,
                            format!("`{name}` runs to {bound}, but this dimension has {size}"),
                        )
                        .here(described)
                        .label(span, "the bound is written here")
                        .help("lower the bound, or extend the tensor with `pad`");
                        return Err(self.report(diagnostic));
                    }
                    (None, Some(&known)) if known != size => {
                        let name = self.index_vars[var].name.clone();
                        let (first, text) = from
                            .get(&var)
                            .cloned()
                            .unwrap_or((info.span, String::new()));
                        let diagnostic = Diagnostic::error("E0332", info.span, format!("the index `{name}` has two sizes: {known} and {size}"))
                            .here(described)
                            .label(first, text)
                            .help(format!("an index that stands alone has the size of its dimension everywhere; write a bound, `{name} < {}`, to use a part", known.min(size)));
                        return Err(self.report(diagnostic));
                    }
                    (Some(_), _) | (None, Some(_)) => {}
                    (None, None) => {
                        extents.insert(var, size);
                        from.insert(var, (info.span, described));
                    }
                }
            }
        }
        Ok(())
    }

    /// Ranges of indices that stand in composite accesses only: the largest that keep them in bounds.
    fn composite(
        &mut self,
        infos: &[AccessInfo],
        used: &BTreeSet<usize>,
        extents: &mut HashMap<usize, usize>,
    ) -> Outcome<()> {
        loop {
            let mut found: HashMap<usize, usize> = HashMap::new();
            let mut stuck: HashMap<usize, Span> = HashMap::new();
            for info in infos {
                let shape = &info.sizes;
                for (axis, subscript) in info.subscripts.iter().enumerate() {
                    let Some(subscript) = subscript else { continue };
                    let unknown: Vec<(usize, i64)> = subscript
                        .terms()
                        .filter(|(var, _)| !extents.contains_key(var))
                        .collect();
                    match unknown.as_slice() {
                        [] => {}
                        [(var, coefficient)] => {
                            // The farthest that the other indices reach towards the end that this one runs to.
                            let rest: i64 = subscript
                                .terms()
                                .filter(|(other, _)| other != var)
                                .map(|(other, c)| {
                                    c.saturating_mul((extents[&other] as i64 - 1).max(0))
                                })
                                .filter(|reach| (*reach > 0) == (*coefficient > 0))
                                .fold(0, i64::saturating_add);
                            let room = if *coefficient > 0 {
                                let last = shape[axis] as i64 - 1 - subscript.offset();
                                last.saturating_sub(rest)
                            } else {
                                subscript.offset().saturating_add(rest)
                            };
                            let extent = if room < 0 {
                                0
                            } else {
                                (room / coefficient.abs() + 1) as usize
                            };
                            found
                                .entry(*var)
                                .and_modify(|known| *known = (*known).min(extent))
                                .or_insert(extent);
                        }
                        [(var, _), ..] => {
                            stuck.insert(*var, info.span);
                        }
                    }
                }
            }
            if found.is_empty() {
                return match stuck.iter().find(|(var, _)| used.contains(var)) {
                    Some((&var, &span)) => {
                        let name = self.index_vars[var].name.clone();
                        self.error(
                            "E0333",
                            span,
                            format!(
                                "the range of `{name}` cannot be found: this access leaves it open"
                            ),
                            format!("write it: `{name} < 10`"),
                        )
                    }
                    None => Ok(()),
                };
            }
            // An index that is free in another open access waits until that one is settled too.
            let ready: Vec<usize> = found
                .keys()
                .copied()
                .filter(|var| !stuck.contains_key(var))
                .collect();
            let chosen = if ready.is_empty() {
                found.keys().copied().collect()
            } else {
                ready
            };
            for var in chosen {
                extents.insert(var, found[&var]);
            }
        }
    }

    fn in_bounds(&mut self, infos: &[AccessInfo], extents: &HashMap<usize, usize>) -> Outcome<()> {
        for info in infos {
            let shape = &info.sizes;
            for (axis, subscript) in info.subscripts.iter().enumerate() {
                let Some(subscript) = subscript else { continue };
                if subscript.terms().any(|(var, _)| extents[&var] == 0) {
                    continue;
                }
                let top = subscript.terms().map(|term| term.0 + 1).max().unwrap_or(0);
                let sizes: Vec<usize> = (0..top)
                    .map(|var| extents.get(&var).copied().unwrap_or(1))
                    .collect();
                let (low, high) = subscript.range(&sizes);
                if low < 0 || high >= shape[axis] as i64 {
                    let described = self.describe(&info.tensor);
                    let diagnostic = Diagnostic::error("E0334", info.span, format!("subscript {} of this access runs from {low} to {high}, the dimension from 0 to {}", axis + 1, shape[axis] as i64 - 1))
                        .here(described)
                        .help("write a smaller bound, or extend the tensor with `pad`");
                    return Err(self.report(diagnostic));
                }
            }
        }
        Ok(())
    }

    /// Builds the comprehension of an expression over the given free indices.
    fn build(
        &mut self,
        free: &[usize],
        ix: &Rc<Ix>,
        extents: &HashMap<usize, usize>,
        span: Span,
    ) -> Outcome<TensorVal> {
        let (reducer, reduced, body_ix) = match &**ix {
            Ix::Reduce(reducer, vars, body) => (Some(*reducer), vars.clone(), body.clone()),
            _ => (None, Vec::new(), ix.clone()),
        };
        let dtype = ix.dtype(&|tensor| self.type_of(tensor).dtype);
        let place: HashMap<usize, usize> = free
            .iter()
            .chain(&reduced)
            .enumerate()
            .map(|(at, &var)| (var, at))
            .collect();
        let mut builder = Builder {
            place,
            extents,
            reads: Vec::new(),
            body: Body::default(),
            span,
        };
        let result = self.emit(&mut builder, &body_ix)?;
        builder.body.result = result;
        let shape: Vec<usize> = free.iter().map(|var| extents[var]).collect();
        self.fits_memory(&shape, span)?;
        let reduce: Vec<usize> = reduced.iter().map(|var| extents[var]).collect();
        if matches!(reducer, Some(Reducer::Max | Reducer::Min | Reducer::ArgMax))
            && reduce.contains(&0)
        {
            return self.error(
                "E0319",
                span,
                "a maximum or minimum of nothing: an index has no values",
                "check the sizes",
            );
        }
        self.terms_within_limits(reducer, &shape, &reduce, span)?;
        let comprehension = Comprehension {
            shape,
            reducer: if reduce.is_empty() { None } else { reducer },
            reduce,
            order: Order::default(),
            domain: Guard::always(),
            reads: builder.reads,
            body: builder.body,
            dtype,
        };
        let value = self.graph().comprehension(comprehension, span);
        let dims = free
            .iter()
            .map(|&var| Some(self.index_vars[var].name.clone()))
            .collect();
        Ok(self.tensor(value, dims))
    }

    fn emit(&mut self, builder: &mut Builder<'_>, ix: &Rc<Ix>) -> Outcome<u32> {
        match &**ix {
            Ix::Const(dtype, value) => Ok(builder.body.constant(*dtype, *value)),
            Ix::Index(var) => {
                let name = self.index_vars[*var].name.clone();
                let what = format!("`{name}` as a number");
                self.position_within_i32(builder.extents[var] as u128, &what, builder.span)?;
                Ok(builder.body.push(Inst::Index(builder.place[var] as u32)))
            }
            Ix::Op(op, arguments) => {
                let mut values = Vec::with_capacity(arguments.len());
                for argument in arguments {
                    values.push(self.emit(builder, argument)?);
                }
                Ok(builder.body.op(*op, &values))
            }
            Ix::Access(tensor, subscripts, _) => {
                let read = self.read(builder, tensor, subscripts)?;
                Ok(builder.body.push(Inst::Read(read)))
            }
            Ix::Reduce(reducer, vars, body) => {
                // The count of a mean: a product of extents, which may be beyond the whole numbers.
                if let (Reducer::Sum, Ix::Const(dtype, 1.0)) = (reducer, &**body) {
                    let extents = vars.iter().map(|var| builder.extents[var] as f64);
                    return Ok(builder.body.constant(*dtype, extents.product()));
                }
                let read = self.lifted(builder, ix)?;
                Ok(builder.body.push(Inst::Read(read)))
            }
        }
    }

    /// An expression as a comprehension of its own, over the indices that it uses, and the read of it.
    fn lifted(&mut self, builder: &mut Builder<'_>, ix: &Rc<Ix>) -> Outcome<u32> {
        let mut used = BTreeSet::new();
        ix.indices(&mut used);
        let free: Vec<usize> = used.into_iter().collect();
        let tensor = self.build(&free, ix, builder.extents, builder.span)?;
        let dtype = self.type_of(&tensor).dtype;
        let value = self.here(&tensor);
        let subscripts: Vec<Affine> = free
            .iter()
            .map(|var| Affine::index(builder.place[var]))
            .collect();
        builder.reads.push(Read::affine(value, dtype, subscripts));
        Ok(builder.reads.len() as u32 - 1)
    }

    fn read(
        &mut self,
        builder: &mut Builder<'_>,
        tensor: &TensorVal,
        subscripts: &[Rc<Ix>],
    ) -> Outcome<u32> {
        let mut resolved = Vec::with_capacity(subscripts.len());
        for subscript in subscripts {
            resolved.push(match (affine(subscript), &**subscript) {
                (Some(affine), _) => {
                    // What multiplies an index of one value says nothing, however large it is.
                    let counts = |&(var, c): &(usize, i64)| {
                        c.abs() <= ORDINARY || builder.extents[&var] != 1
                    };
                    let images: Vec<(usize, i64)> = affine
                        .terms()
                        .filter(counts)
                        .map(|(var, c)| (builder.place[&var], c))
                        .collect();
                    TirSubscript::Affine(Affine::new(affine.offset(), images))
                }
                (None, Ix::Access(index, inner, _)) => {
                    TirSubscript::Gather(self.read(builder, index, inner)?)
                }
                (None, _) => TirSubscript::Gather(self.lifted(builder, subscript)?),
            });
        }
        let dtype = self.type_of(tensor).dtype;
        let value = self.here(tensor);
        let read = Read {
            value,
            subscripts: resolved,
            guard: Guard::always(),
            fill: Literal {
                dtype: storage(dtype),
                value: 0.0,
            },
        };
        builder.reads.push(read);
        Ok(builder.reads.len() as u32 - 1)
    }

    /// A number, for what must be one.
    pub(super) fn number(&mut self, value: &Val, span: Span, what: &str) -> Outcome<f64> {
        match value {
            Val::Hyper(_, number) => Ok(number.value()),
            value => match static_number(value) {
                Some(number) => Ok(number.value()),
                None => self.error(
                    "E0406",
                    span,
                    format!(
                        "{what} is a number known before the program runs, not {}",
                        value.kind()
                    ),
                    "write a number",
                ),
            },
        }
    }
}

struct Builder<'e> {
    /// Position of each index variable among the comprehension's indices.
    place: HashMap<usize, usize>,
    extents: &'e HashMap<usize, usize>,
    reads: Vec<Read>,
    body: Body,
    span: Span,
}

/// A subscript as an affine expression, over a constant that it is divided by with `//` (else 1).
fn quotient(ix: &Ix) -> (Option<Affine>, usize) {
    if let Ix::Op(Op::FloorDiv, arguments) = ix
        && let [numerator, divisor] = arguments.as_slice()
        && let Ix::Const(DType::I32, by) = &**divisor
        && *by >= 2.0
    {
        return match affine(numerator) {
            Some(affine) => (Some(affine), *by as usize),
            None => (None, 1),
        };
    }
    (affine(ix), 1)
}

/// Strides up to here stand in accesses as they are written.
const ORDINARY: i64 = 1 << 16;

/// The greatest number in an affine subscript, which is an `i32`: what is larger is computed where it is read, and found out of range.
const MOST_IN_AFFINE: u64 = 1 << 31;

/// An index expression as an affine expression of index variables, if it is one.
fn affine(ix: &Ix) -> Option<Affine> {
    let found = affine_of(ix)?;
    let small = |number: i64| number.unsigned_abs() <= MOST_IN_AFFINE;
    let all = small(found.offset()) && found.terms().all(|(_, coefficient)| small(coefficient));
    all.then_some(found)
}

fn affine_of(ix: &Ix) -> Option<Affine> {
    match ix {
        Ix::Const(DType::I32, value) => Some(Affine::constant(*value as i64)),
        Ix::Index(var) => Some(Affine::index(*var)),
        Ix::Op(Op::Add, arguments) => Some(affine(&arguments[0])?.plus(&affine(&arguments[1])?)),
        Ix::Op(Op::Sub, arguments) => Some(affine(&arguments[0])?.minus(&affine(&arguments[1])?)),
        Ix::Op(Op::Neg, arguments) => Some(affine(&arguments[0])?.times(-1)),
        Ix::Op(Op::Mul, arguments) => {
            let (a, b) = (affine(&arguments[0])?, affine(&arguments[1])?);
            match (a.as_constant(), b.as_constant()) {
                (Some(factor), _) => Some(b.times(factor)),
                (_, Some(factor)) => Some(a.times(factor)),
                (None, None) => None,
            }
        }
        Ix::Const(..) | Ix::Op(..) | Ix::Access(..) | Ix::Reduce(..) => None,
    }
}

fn collect(ix: &Ix, into: &mut Vec<(TensorVal, Vec<Rc<Ix>>, Span)>) {
    match ix {
        Ix::Const(..) | Ix::Index(_) => {}
        Ix::Op(_, arguments) => arguments
            .iter()
            .for_each(|argument| collect(argument, into)),
        Ix::Access(tensor, subscripts, span) => {
            into.push((tensor.clone(), subscripts.clone(), *span));
            subscripts
                .iter()
                .for_each(|subscript| collect(subscript, into));
        }
        Ix::Reduce(_, _, body) => collect(body, into),
    }
}

/// Every index of the expression, those of reductions included.
fn all_indices(ix: &Ix, into: &mut BTreeSet<usize>) {
    match ix {
        Ix::Const(..) => {}
        Ix::Index(var) => {
            into.insert(*var);
        }
        Ix::Op(_, arguments) | Ix::Access(_, arguments, _) => arguments
            .iter()
            .for_each(|argument| all_indices(argument, into)),
        Ix::Reduce(_, vars, body) => {
            into.extend(vars.iter().copied());
            all_indices(body, into);
        }
    }
}
