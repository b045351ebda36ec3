//! From the nodes of a graph to formulas.
use super::formula::{Expr, Index, Line, Recurrence};
use crate::base::types::DType;
use crate::tir::{
    Affine, Body, Comprehension, Condition, Graph, Guard, Inst, Node, NodeData, Op, Read, Reducer,
    Scan, Scatter, Subscript, Value,
};
use std::collections::{HashMap, HashSet};

/// Indices, in the order in which they are taken.
const LETTERS: [&str; 16] = [
    "i", "j", "k", "l", "m", "n", "p", "q", "r", "s", "u", "v", "w", "a", "b", "c",
];

/// Most operators of a formula that is written where it is used.
const INLINE: usize = 4;

/// What a reader of a whole tensor counts, in place of 1.
const WHOLE: usize = 1 << 32;

/// Words of the language and functions that formulas use: no name may hide them.
const RESERVED: [&str; 24] = [
    "let", "fn", "if", "else", "for", "in", "scan", "minimize", "true", "false", "and", "or",
    "not", "sum", "prod", "argmax", "mean", "where", "concat", "reshape", "reverse", "over",
    "zeros", "ones",
];

/// The names in use.
#[derive(Default)]
pub struct Names {
    used: HashSet<String>,
    counts: HashMap<String, usize>,
}

impl Names {
    /// A name that nothing has yet: as wished, else with a number.
    pub fn fresh(&mut self, wish: &str) -> String {
        let letter = |c: char| {
            if c.is_alphanumeric() || c == '′' {
                c
            } else {
                '_'
            }
        };
        let mut base: String = wish.chars().map(letter).collect();
        if base.is_empty() || base.starts_with(|c: char| c.is_numeric()) {
            base.insert(0, 'v');
        }
        let mut name = base.clone();
        let is_function = Op::ALL.iter().any(|op| op.name() == base);
        if is_function || RESERVED.contains(&base.as_str()) {
            name = self.counted(&base);
        }
        while !self.used.insert(name.clone()) {
            name = self.counted(&base);
        }
        name
    }

    fn counted(&mut self, base: &str) -> String {
        let count = self.counts.entry(base.to_string()).or_insert(1);
        *count += 1;
        format!("{base}_{count}")
    }

    /// A name with a number: `f1`, `f2`.
    fn numbered(&mut self, base: &str) -> String {
        loop {
            let count = self.counts.entry(base.to_string()).or_insert(0);
            *count += 1;
            let name = format!("{base}{count}");
            if self.used.insert(name.clone()) {
                return name;
            }
        }
    }
}

/// A graph being written.
pub struct Writer<'a, 'n> {
    /// The graph.
    pub graph: &'a Graph,
    /// Names of its values, those that have one.
    pub named: HashMap<Value, String>,
    /// The names in use.
    pub names: &'n mut Names,
    /// What names without a better one begin with.
    pub prefix: &'static str,
    /// How often each value is read.
    uses: HashMap<Value, usize>,
}

/// The indices of a comprehension.
struct Scope {
    names: Vec<String>,
    extents: Vec<usize>,
    /// Indices that stand alone in an access to a dimension of their size.
    bounded: HashSet<String>,
}

impl Scope {
    fn new(extents: Vec<usize>, names: &Names) -> Scope {
        let letters = LETTERS.iter().map(|letter| letter.to_string());
        let more = (1..).map(|at| format!("i{at}"));
        let free = letters
            .chain(more)
            .filter(|name| !names.used.contains(name));
        Scope {
            names: free.take(extents.len()).collect(),
            extents,
            bounded: HashSet::new(),
        }
    }

    fn indices(&self, range: std::ops::Range<usize>) -> Vec<Index> {
        let pairs = self.names.iter().zip(&self.extents);
        pairs
            .skip(range.start)
            .take(range.len())
            .map(|(name, &bound)| Index {
                name: name.clone(),
                bound,
                written: !self.bounded.contains(name),
            })
            .collect()
    }
}

impl<'a, 'n> Writer<'a, 'n> {
    /// A writer of a graph some of whose values have names.
    pub fn new(graph: &'a Graph, named: HashMap<Value, String>, names: &'n mut Names) -> Self {
        let mut uses: HashMap<Value, usize> = HashMap::new();
        for (_, data) in graph.nodes() {
            // What is read as a whole, or at places that are gathered, needs a name.
            let reads = match &data.node {
                Node::Comprehension(c) => &c.reads[..],
                Node::Scatter(s) => &s.reads[..],
                _ => &[],
            };
            for read in reads {
                let mut places = read.subscripts.iter();
                let plain = places.all(|place| matches!(place, Subscript::Affine(_)));
                *uses.entry(read.value).or_default() += if plain { 1 } else { WHOLE };
            }
            if reads.is_empty() {
                for value in data.node.operands() {
                    *uses.entry(value).or_default() += WHOLE;
                }
            }
        }
        Writer {
            graph,
            named,
            names,
            prefix: "f",
            uses,
        }
    }

    /// The name of a value that is given from outside.
    pub fn alias_name(&mut self, value: Value) -> String {
        self.name(value)
    }

    fn name(&mut self, value: Value) -> String {
        if let Some(name) = self.named.get(&value) {
            return name.clone();
        }
        let name = self.names.numbered(self.prefix);
        self.named.insert(value, name.clone());
        name
    }

    /// The lines that define the results of a node; none where it is written where it is used.
    pub fn lines(&mut self, data: &NodeData) -> Vec<Line> {
        let Some(&result) = data.results.first() else {
            return Vec::new();
        };
        match &data.node {
            Node::Input(_) | Node::Region(_) | Node::Gradient { .. } => Vec::new(),
            Node::Constant(elements) if self.graph.ty(result).shape.is_empty() => {
                if self.uses.get(&result).is_none_or(|&uses| uses < WHOLE) {
                    return Vec::new();
                }
                let value = elements.first().copied().unwrap_or(0.0);
                vec![self.definition(result, Vec::new(), Expr::Number(value))]
            }
            Node::Constant(elements) => {
                let uses = self.uses.get(&result).copied().unwrap_or(0);
                if self.graph.ty(result).len() == 1 && uses < WHOLE {
                    return Vec::new();
                }
                vec![Line::Constant {
                    name: self.name(result),
                    shape: self.graph.ty(result).shape.clone(),
                    elements: elements.clone(),
                    dtype: Some(self.graph.ty(result).dtype).filter(|&dtype| dtype != DType::F32),
                }]
            }
            Node::Comprehension(_) if self.inlined(result).is_some() => Vec::new(),
            Node::Comprehension(c) => {
                let (indices, body) = self.comprehension(c);
                vec![self.definition(result, indices, body)]
            }
            Node::Scatter(s) => {
                let (indices, body) = self.scatter(s);
                vec![self.definition(result, indices, body)]
            }
            Node::Reshape(of) | Node::StopGradient(of) => {
                let shape = self.graph.ty(result).shape.clone();
                let rank = self.graph.ty(*of).shape.len();
                if shape.is_empty() || rank == 0 {
                    let zeros = vec![Expr::Number(0.0); rank];
                    let body = self.element(*of, zeros);
                    let mut scope = Scope::new(shape, self.names);
                    let count = scope.names.len();
                    scope.bounded.clear();
                    return vec![self.definition(result, scope.indices(0..count), body)];
                }
                let of = self.name(*of);
                vec![Line::Reshape {
                    name: self.name(result),
                    of,
                    shape,
                }]
            }
            Node::Concat(values, axis) => {
                let parts = values.iter().map(|&value| self.name(value)).collect();
                vec![Line::Concat {
                    name: self.name(result),
                    parts,
                    axis: *axis,
                }]
            }
            Node::Scan(scan) => self.scan(data, scan),
        }
    }

    fn definition(&mut self, value: Value, indices: Vec<Index>, body: Expr) -> Line {
        Line::Definition {
            name: self.name(value),
            indices,
            body,
        }
    }

    /// A line that gives a value a second name.
    pub fn alias(&mut self, name: String, value: Value) -> Line {
        let shape = self.graph.ty(value).shape.clone();
        let mut scope = Scope::new(shape.clone(), self.names);
        let read = Read::affine(value, self.graph.ty(value).dtype, identity(shape.len()));
        let body = self.read(
            std::slice::from_ref(&read),
            0,
            &identity(shape.len()),
            &mut scope,
        );
        Line::Definition {
            name,
            indices: scope.indices(0..shape.len()),
            body,
        }
    }

    fn element(&mut self, value: Value, subscripts: Vec<Expr>) -> Expr {
        match &self.graph.defining(value).node {
            Node::Constant(elements) if elements.len() == 1 => {
                Expr::Number(elements.first().copied().unwrap_or(0.0))
            }
            _ => Expr::Access(self.name(value), subscripts),
        }
    }

    /// A comprehension that is written where it is used: read once, short, without name, reduction or guard.
    fn inlined(&self, value: Value) -> Option<&'a Comprehension> {
        let Node::Comprehension(c) = &self.graph.defining(value).node else {
            return None;
        };
        let operators = c.body.insts.iter().filter(|i| matches!(i, Inst::Op(..)));
        let short = operators.count() <= INLINE;
        let uses = self.uses.get(&value).copied().unwrap_or(0);
        let once = uses == 1;
        let plain = c.reducer.is_none() && c.domain.is_always();
        let constant = c.reads.is_empty() && uses < WHOLE;
        let is_output = self.graph.outputs.contains(&value);
        let free = !self.named.contains_key(&value) && !is_output;
        (free && plain && short && (once || constant)).then_some(c)
    }

    fn comprehension(&mut self, c: &Comprehension) -> (Vec<Index>, Expr) {
        let mut scope = Scope::new(c.extents(), self.names);
        let map = identity(scope.extents.len());
        let mut body = self.body(&c.reads, &c.body, &map, &mut scope);
        if !c.domain.is_always() {
            let outside = match c.reducer {
                None | Some(Reducer::Sum) => 0.0,
                Some(Reducer::Prod) => 1.0,
                Some(Reducer::Max | Reducer::ArgMax) => f64::NEG_INFINITY,
                Some(Reducer::Min) => f64::INFINITY,
            };
            let condition = guard(&c.domain, &map, &scope);
            body = Expr::Op(Op::Select, vec![condition, body, Expr::Number(outside)]);
        }
        let rank = c.shape.len();
        if let Some(reducer) = c.reducer {
            let over = scope.indices(rank..scope.extents.len());
            body = Expr::Reduce(reducer, over, Box::new(body));
        }
        (scope.indices(0..rank), body)
    }

    /// What a scatter adds at one place: the sum over all points that have it as their target.
    fn scatter(&mut self, s: &Scatter) -> (Vec<Index>, Expr) {
        let points = s.extents.len();
        let extents = s.extents.iter().chain(&s.shape).copied().collect();
        let mut scope = Scope::new(extents, self.names);
        let map = identity(scope.extents.len());
        let body = self.body(&s.reads, &s.body, &map, &mut scope);
        let mut condition = (!s.domain.is_always()).then(|| guard(&s.domain, &map, &scope));
        for (axis, target) in s.target.iter().enumerate() {
            let place = match target {
                Subscript::Affine(affine) => Expr::affine(affine, &scope.names),
                Subscript::Gather(read) => self.read(&s.reads, *read, &map, &mut scope),
            };
            let own = scope.names.get(points + axis).cloned().unwrap_or_default();
            let here = Expr::binary(Op::Eq, place, Expr::Index(own));
            condition = Some(and(condition, here));
        }
        let body = match condition {
            Some(condition) => Expr::Op(Op::Select, vec![condition, body, Expr::Number(0.0)]),
            None => body,
        };
        let sum = Expr::Reduce(Reducer::Sum, scope.indices(0..points), Box::new(body));
        (scope.indices(points..scope.extents.len()), sum)
    }

    fn body(&mut self, reads: &[Read], body: &Body, map: &[Affine], scope: &mut Scope) -> Expr {
        let mut made: Vec<Expr> = Vec::with_capacity(body.insts.len());
        for inst in &body.insts {
            let expr = match inst {
                Inst::Read(read) => self.read(reads, *read, map, scope),
                Inst::Index(index) => match map.get(*index as usize) {
                    Some(affine) => Expr::affine(affine, &scope.names),
                    None => Expr::Number(0.0),
                },
                Inst::Const(literal) => Expr::Number(literal.value),
                Inst::Op(op, arguments) => {
                    let given = arguments
                        .iter()
                        .filter_map(|&a| made.get(a as usize).cloned());
                    simplified(*op, given.collect())
                }
            };
            made.push(expr);
        }
        let result = body.result as usize;
        made.get(result).cloned().unwrap_or(Expr::Number(0.0))
    }

    fn read(&mut self, reads: &[Read], number: u32, map: &[Affine], scope: &mut Scope) -> Expr {
        let Some(read) = reads.get(number as usize) else {
            return Expr::Number(0.0);
        };
        let places = read.subscripts.iter().map(|subscript| match subscript {
            Subscript::Affine(affine) => Some(affine.substitute(map)),
            Subscript::Gather(_) => None,
        });
        let places: Vec<Option<Affine>> = places.collect();
        let all: Option<Vec<Affine>> = places.iter().cloned().collect();
        let outside = |access: Expr, scope: &Scope| match read.guard.is_always() {
            true => access,
            false => {
                let condition = guard(&read.guard, map, scope);
                let fill = Expr::Number(read.fill.value);
                Expr::Op(Op::Select, vec![condition, access, fill])
            }
        };
        if let (Some(c), Some(all)) = (self.inlined(read.value), all) {
            let access = self.body(&c.reads, &c.body, &all, scope);
            return outside(access, scope);
        }
        let shape = self.graph.ty(read.value).shape.clone();
        let mut subscripts = Vec::with_capacity(places.len());
        for ((place, subscript), &size) in places.iter().zip(&read.subscripts).zip(&shape) {
            subscripts.push(match (place, subscript) {
                (Some(affine), _) => subscript_of(affine, size, scope),
                (None, Subscript::Gather(inner)) => self.read(reads, *inner, map, scope),
                (None, Subscript::Affine(affine)) => Expr::affine(affine, &scope.names),
            });
        }
        let access = self.element(read.value, subscripts);
        outside(access, scope)
    }

    fn scan(&mut self, data: &NodeData, scan: &Scan) -> Vec<Line> {
        let mut lines = Vec::new();
        let turn = self.names.fresh("t");
        let mut named: HashMap<Value, String> = HashMap::new();
        let mut inputs = scan.body.inputs.iter().map(|input| input.value);
        if let Some(value) = inputs.next() {
            named.insert(value, turn.clone());
        }
        let mut states = Vec::new();
        for (start, value) in scan.states.iter().zip(inputs.by_ref()) {
            let name = self.names.numbered("h");
            named.insert(value, name.clone());
            let start = self.name(*start);
            states.push((name, start));
        }
        let mut body = Vec::new();
        for ((sequence, axis), value) in scan.sequences.iter().zip(inputs.by_ref()) {
            let whole = self.name(*sequence);
            let name = self.names.fresh(&format!("{whole}_{turn}"));
            named.insert(value, name.clone());
            let shape = scan.body.ty(value).shape.clone();
            body.push(slice(name, &whole, &turn, *axis, &shape, self.names));
        }
        for (value, outer) in inputs.zip(&scan.captured) {
            let name = self.name(*outer);
            named.insert(value, name);
        }
        let mut inner = Writer::new(&scan.body, named, self.names);
        inner.prefix = self.prefix;
        for (_, data) in scan.body.nodes() {
            body.extend(inner.lines(data));
        }
        let mut gives = Vec::new();
        for &output in &scan.body.outputs {
            gives.push(match &scan.body.defining(output).node {
                Node::Constant(_) => {
                    let name = inner.names.numbered(inner.prefix);
                    body.push(inner.alias(name.clone(), output));
                    name
                }
                _ => inner.name(output),
            });
        }
        let stacks: Vec<String> = gives
            .iter()
            .map(|name| self.names.fresh(&format!("{name}_all")))
            .collect();
        let count = states.len();
        for (at, &result) in data.results.iter().enumerate() {
            let is_read = self.uses.contains_key(&result) || self.graph.outputs.contains(&result);
            let Some(stack) = stacks.get(at).filter(|_| is_read) else {
                continue;
            };
            let name = self.name(result);
            let shape = self.graph.ty(result).shape.clone();
            lines.push(
                match at.checked_sub(count).and_then(|at| scan.stacks.get(at)) {
                    // The state after the last turn.
                    None => {
                        let last = if scan.reverse {
                            0
                        } else {
                            scan.length.saturating_sub(1)
                        };
                        slice(name, stack, &last.to_string(), 0, &shape, self.names)
                    }
                    Some(&axis) => turned(name, stack, axis, &shape, self.names),
                },
            );
        }
        lines.insert(
            0,
            Line::Scan(Recurrence {
                turn,
                length: scan.length,
                reverse: scan.reverse,
                states,
                body,
                gives,
                stacks,
            }),
        );
        lines
    }
}

fn identity(count: usize) -> Vec<Affine> {
    (0..count).map(Affine::index).collect()
}

/// `name[i, k] = whole[i, t, k]`
fn slice(
    name: String,
    whole: &str,
    turn: &str,
    axis: usize,
    shape: &[usize],
    names: &Names,
) -> Line {
    let mut scope = Scope::new(shape.to_vec(), names);
    scope.bounded.extend(scope.names.clone());
    let mut subscripts: Vec<Expr> = scope.names.iter().cloned().map(Expr::Index).collect();
    let at = match turn.parse() {
        Ok(number) => Expr::Number(number),
        Err(_) => Expr::Access(turn.to_string(), Vec::new()),
    };
    subscripts.insert(axis.min(subscripts.len()), at);
    Line::Definition {
        name,
        indices: scope.indices(0..shape.len()),
        body: Expr::Access(whole.to_string(), subscripts),
    }
}

/// A stack with the turns in front as one that has them at an axis.
fn turned(name: String, stack: &str, axis: usize, shape: &[usize], names: &Names) -> Line {
    let mut scope = Scope::new(shape.to_vec(), names);
    scope.bounded.extend(scope.names.clone());
    let mut subscripts: Vec<Expr> = scope.names.iter().cloned().map(Expr::Index).collect();
    if axis < subscripts.len() {
        let turn = subscripts.remove(axis);
        subscripts.insert(0, turn);
    }
    Line::Definition {
        name,
        indices: scope.indices(0..shape.len()),
        body: Expr::Access(stack.to_string(), subscripts),
    }
}

/// A subscript that never leaves the dimension: where it could, a guard says that the element is not used.
fn subscript_of(affine: &Affine, size: usize, scope: &mut Scope) -> Expr {
    let text = Expr::affine(affine, &scope.names);
    let last = Expr::Number(size.saturating_sub(1) as f64);
    if let Some(index) = affine.as_index() {
        let (Some(name), Some(&extent)) = (scope.names.get(index), scope.extents.get(index)) else {
            return text;
        };
        if extent == size {
            scope.bounded.insert(name.clone());
            return text;
        }
        // Alone it would take the size of the dimension.
        return Expr::binary(Op::Min, text, last);
    }
    if scope.extents.contains(&0) {
        return text;
    }
    let (low, high) = affine.range(&scope.extents);
    let text = match low < 0 {
        true => Expr::binary(Op::Max, text, Expr::Number(0.0)),
        false => text,
    };
    match high >= size as i64 {
        true => Expr::binary(Op::Min, text, last),
        false => text,
    }
}

fn and(before: Option<Expr>, condition: Expr) -> Expr {
    match before {
        Some(before) => Expr::binary(Op::And, before, condition),
        None => condition,
    }
}

fn guard(guard: &Guard, map: &[Affine], scope: &Scope) -> Expr {
    let mut all = None;
    for condition in &guard.substitute(map).conditions {
        let affine = condition.expression();
        // What is subtracted goes to the other side.
        let side = |positive: bool| {
            let sign = if positive { 1 } else { -1 };
            let terms = affine.terms().filter(|(_, c)| (*c > 0) == positive);
            let offset = (sign * affine.offset()).max(0);
            let affine = Affine::new(offset, terms.map(|(i, c)| (i, sign * c)));
            Expr::affine(&affine, &scope.names)
        };
        let here = match condition {
            Condition::NonNegative(_) => Expr::binary(Op::Le, side(false), side(true)),
            Condition::Zero(_) => Expr::binary(Op::Eq, side(true), side(false)),
            Condition::Divisible(affine, by) => {
                let rest = Expr::affine(affine, &scope.names);
                let rest = Expr::binary(Op::Mod, rest, Expr::Number(*by as f64));
                Expr::binary(Op::Eq, rest, Expr::Number(0.0))
            }
        };
        all = Some(and(all, here));
    }
    all.unwrap_or_else(|| Expr::binary(Op::Eq, Expr::Number(0.0), Expr::Number(0.0)))
}

/// Without factors of one and sums of negatives, as one would write it.
fn simplified(op: Op, arguments: Vec<Expr>) -> Expr {
    let is = |at: usize, value: f64| arguments.get(at) == Some(&Expr::Number(value));
    match (op, arguments.as_slice()) {
        (Op::Mul, [_, b]) if is(0, 1.0) => b.clone(),
        (Op::Mul | Op::Div, [a, _]) if is(1, 1.0) => a.clone(),
        (Op::Mul, [_, b]) if is(0, -1.0) => Expr::Op(Op::Neg, vec![b.clone()]),
        (Op::Add, [a, Expr::Op(Op::Neg, negated)]) => {
            let mut all = vec![a.clone()];
            all.extend(negated.iter().cloned());
            Expr::Op(Op::Sub, all)
        }
        (Op::Add, [a, b]) if a == b => Expr::binary(Op::Mul, Expr::Number(2.0), a.clone()),
        (Op::Neg, [Expr::Number(value)]) => Expr::Number(-value),
        _ => Expr::Op(op, arguments),
    }
}

/// Whether formulas of a body can be written in the language at all: draws of random numbers cannot.
pub fn is_random(node: &Node) -> bool {
    let random = |body: &Body| {
        let mut insts = body.insts.iter();
        insts.any(|inst| matches!(inst, Inst::Op(Op::Philox, _)))
    };
    match node {
        Node::Comprehension(c) => random(&c.body),
        Node::Scatter(s) => random(&s.body),
        Node::Scan(scan) => scan.body.nodes().any(|(_, data)| is_random(&data.node)),
        _ => false,
    }
}

/// The element type as it is written before a shape; nothing for the usual one.
pub fn element_type(dtype: DType) -> String {
    match dtype {
        DType::F32 => String::new(),
        other => other.to_string(),
    }
}
