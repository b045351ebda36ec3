//! Which names of a file mean the same, by the text alone: what binds a name, and every place that reads or binds it again.
//!
//! All bindings of a name in one scope are one symbol: a `let` in a branch or a loop binds the name of the body around it anew. The scopes are the file, the bodies of
//! declarations (configuration, inputs, the sizes that the signature names, `let`s), function values, `scan`s, and the indices of index notation.
use super::ast::{
    Arg, Block, Dim, Expr, ExprKind, File, Function, IndexDecl, Name, Param, Pattern, Scan, Source,
    Stmt, StmtKind, StrPart, Subscript, TypeExpr, TypeKind,
};
use crate::base::source::Span;
use std::collections::HashMap;
use std::sync::Arc;

/// What a name is bound by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SymbolKind {
    /// `fn`
    Function,
    /// `layer`
    Layer,
    /// `optimizer`
    Optimizer,
    /// `hyper`
    Hyper,
    /// `let`, or an assignment that binds.
    Let,
    /// Configuration or input of a declaration or function value.
    Parameter,
    /// `param`
    Weight,
    /// `state` of a layer, or of a `scan`.
    State,
    /// A size that a type names.
    Size,
    /// What `for` or `scan` binds in each turn.
    Turn,
    /// An index of index notation.
    Index,
}

/// A name of one scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// The name.
    pub name: Arc<str>,
    /// What bound it first.
    pub kind: SymbolKind,
    /// Where it is bound, in the order of the text.
    pub bindings: Vec<Span>,
    /// Where it is read.
    pub uses: Vec<Span>,
    /// Where it may be read: its scope.
    pub scope: Span,
    /// Whether its scope is the file.
    pub top: bool,
    /// The text of the `##` lines.
    pub doc: Option<String>,
    /// The names of the parameters of a declaration, as symbols.
    pub parameters: Vec<usize>,
    /// How many of them are its configuration.
    pub config: usize,
    /// Whether some place may mean this name or one of a scope around it, depending on the turn of a loop or a branch.
    pub ambiguous: bool,
}

impl Symbol {
    /// Every place, in the order of the text.
    pub fn places(&self) -> Vec<Span> {
        let mut places: Vec<Span> = self.bindings.iter().chain(&self.uses).copied().collect();
        places.sort();
        places.dedup();
        places
    }

    /// The binding that a place reads: the last one before it, else the first.
    pub fn binding_for(&self, offset: usize) -> Option<Span> {
        let before = |span: &&Span| span.start as usize <= offset;
        let last = self.bindings.iter().rev().find(before);
        last.or(self.bindings.first()).copied()
    }
}

/// The names of a file.
#[derive(Debug, Default)]
pub struct Names {
    /// What the file binds.
    pub symbols: Vec<Symbol>,
    /// Names that the file does not bind.
    pub free: Vec<Name>,
    /// Named arguments of calls by name of something that the file does not bind: the callee, the argument.
    pub free_arguments: Vec<(Arc<str>, Name)>,
    /// `import`s: the path as written, the statement.
    pub imports: Vec<(Arc<str>, Span)>,
}

impl Names {
    /// The names of a tree.
    pub fn of(tree: &File, whole: Span) -> Names {
        let mut walk = Walk::new(whole);
        walk.declare(&tree.statements);
        for statement in &tree.statements {
            walk.statement(statement);
        }
        while let Some(body) = walk.later.pop() {
            walk.deferred(body);
        }
        walk.finish()
    }

    /// The symbol of which an offset stands in some place, and the place.
    pub fn at(&self, offset: usize) -> Option<(&Symbol, Span)> {
        self.symbols.iter().find_map(|symbol| {
            let mut places = symbol.bindings.iter().chain(&symbol.uses);
            let place = places.find(|span| holds(span, offset))?;
            Some((symbol, *place))
        })
    }

    /// The name at an offset that the file does not bind.
    pub fn free_at(&self, offset: usize) -> Option<&Name> {
        self.free.iter().find(|name| holds(&name.span, offset))
    }

    /// What may be read at an offset: of names in several scopes the innermost.
    pub fn visible(&self, offset: usize) -> Vec<&Symbol> {
        let mut found: HashMap<&str, &Symbol> = HashMap::new();
        for symbol in &self.symbols {
            let bound = symbol
                .bindings
                .iter()
                .any(|span| (span.end as usize) < offset);
            if !holds(&symbol.scope, offset) || !(bound || symbol.top) {
                continue;
            }
            let width = |symbol: &Symbol| symbol.scope.end - symbol.scope.start;
            match found.get(&*symbol.name) {
                Some(other) if width(other) <= width(symbol) => {}
                Some(_) | None => {
                    found.insert(&symbol.name, symbol);
                }
            }
        }
        let mut found: Vec<&Symbol> = found.into_values().collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }

    /// The symbol of a name of the file's own scope.
    pub fn top(&self, name: &str) -> Option<&Symbol> {
        self.symbols
            .iter()
            .find(|symbol| symbol.top && *symbol.name == *name)
    }
}

fn holds(span: &Span, offset: usize) -> bool {
    (span.start as usize..=span.end as usize).contains(&offset)
}

struct Scope {
    names: HashMap<Arc<str>, usize>,
    /// Symbols that a branch bound first: the name may still be that of a scope around.
    conditional: Vec<usize>,
    span: Span,
    /// Whether `let`s bind here; indices and the turns of loops at the top have scopes of their own that take nothing else.
    takes: bool,
}

/// A body that is walked when all names of the file are known.
enum Later<'t> {
    Declared(&'t Stmt),
    Value(&'t Function, Span),
}

struct Walk<'t> {
    names: Names,
    scopes: Vec<Scope>,
    later: Vec<Later<'t>>,
    /// Reads, in order: the name, the symbol that it was taken for.
    reads: Vec<(Arc<str>, Option<usize>)>,
    /// Named arguments: the callee's symbol, the argument.
    arguments: Vec<(usize, Name)>,
    branches: usize,
}

impl<'t> Walk<'t> {
    fn new(whole: Span) -> Walk<'t> {
        Walk {
            names: Names::default(),
            scopes: vec![scope(whole, true)],
            later: Vec::new(),
            reads: Vec::new(),
            arguments: Vec::new(),
            branches: 0,
        }
    }

    fn declare(&mut self, statements: &[Stmt]) {
        for statement in statements {
            let (name, kind) = match &statement.kind {
                StmtKind::Fn(function) => match &function.name {
                    Some(name) => (name, SymbolKind::Function),
                    None => continue,
                },
                StmtKind::Layer(layer) => (&layer.name, SymbolKind::Layer),
                StmtKind::Optimizer(optimizer) => (&optimizer.name, SymbolKind::Optimizer),
                _ => continue,
            };
            let symbol = self.bind(name, kind);
            self.names.symbols[symbol].doc.clone_from(&statement.doc);
        }
    }

    fn finish(mut self) -> Names {
        for (callee, name) in std::mem::take(&mut self.arguments) {
            let parameters = self.names.symbols[callee].parameters.clone();
            let found = parameters
                .into_iter()
                .find(|&at| self.names.symbols[at].name == name.text);
            if let Some(found) = found {
                self.names.symbols[found].uses.push(name.span);
            }
        }
        for symbol in &mut self.names.symbols {
            symbol.bindings.sort();
            symbol.uses.sort();
            symbol.uses.dedup();
        }
        self.names
    }

    fn resolve(&self, name: &str) -> Option<usize> {
        let mut scopes = self.scopes.iter().rev();
        scopes.find_map(|scope| scope.names.get(name).copied())
    }

    fn read(&mut self, name: &Arc<str>, span: Span) -> Option<usize> {
        let found = self.resolve(name);
        self.reads.push((name.clone(), found));
        match found {
            Some(symbol) => self.names.symbols[symbol].uses.push(span),
            None => self.names.free.push(Name {
                text: name.clone(),
                span,
            }),
        }
        found
    }

    /// Binds a name in the innermost scope that takes bindings.
    fn bind(&mut self, name: &Name, kind: SymbolKind) -> usize {
        let at = self.scopes.iter().rposition(|scope| scope.takes);
        self.bind_in(at.unwrap_or(0), name, kind)
    }

    fn bind_in(&mut self, at: usize, name: &Name, kind: SymbolKind) -> usize {
        if let Some(&known) = self.scopes[at].names.get(&name.text) {
            if !self.names.symbols[known].bindings.contains(&name.span) {
                self.names.symbols[known].bindings.push(name.span);
            }
            return known;
        }
        let symbol = self.names.symbols.len();
        self.names.symbols.push(Symbol {
            name: name.text.clone(),
            kind,
            bindings: vec![name.span],
            uses: Vec::new(),
            scope: self.scopes[at].span,
            top: at == 0,
            doc: None,
            parameters: Vec::new(),
            config: 0,
            ambiguous: false,
        });
        self.scopes[at].names.insert(name.text.clone(), symbol);
        if self.branches > 0 {
            self.scopes[at].conditional.push(symbol);
        }
        symbol
    }

    fn within<T>(&mut self, span: Span, takes: bool, inside: impl FnOnce(&mut Self) -> T) -> T {
        self.scopes.push(scope(span, takes));
        let branches = std::mem::take(&mut self.branches);
        let value = inside(self);
        self.branches = branches;
        if let Some(scope) = self.scopes.pop() {
            for symbol in scope.conditional {
                let name = self.names.symbols[symbol].name.clone();
                if let Some(around) = self.resolve(&name) {
                    self.names.symbols[symbol].ambiguous = true;
                    self.names.symbols[around].ambiguous = true;
                }
            }
        }
        value
    }

    /// A body that may be walked several times, or not at all: what it reads before it binds may be either.
    fn repeated(&mut self, inside: impl FnOnce(&mut Self)) {
        let from = self.reads.len();
        self.branches += 1;
        inside(self);
        self.branches -= 1;
        for (name, was) in self.reads.get(from..).unwrap_or_default().to_vec() {
            if let (Some(was), Some(now)) = (was, self.resolve(&name))
                && was != now
                && self.names.symbols[now].scope == self.body_span()
            {
                self.names.symbols[was].ambiguous = true;
                self.names.symbols[now].ambiguous = true;
            }
        }
    }

    fn body_span(&self) -> Span {
        let scope = self.scopes.iter().rev().find(|scope| scope.takes);
        scope.map_or(Span::default(), |scope| scope.span)
    }

    fn deferred(&mut self, body: Later<'t>) {
        match body {
            Later::Value(function, span) => {
                self.within(span, true, |walk| walk.function(function));
            }
            Later::Declared(statement) => self.declaration(statement),
        }
    }

    fn declaration(&mut self, statement: &'t Stmt) {
        let owner = match &statement.kind {
            StmtKind::Fn(function) => function.name.as_ref(),
            StmtKind::Layer(layer) => Some(&layer.name),
            StmtKind::Optimizer(optimizer) => Some(&optimizer.name),
            _ => None,
        };
        let owner = owner.and_then(|name| self.resolve(&name.text));
        let parameters = self.within(statement.span, true, |walk| match &statement.kind {
            StmtKind::Fn(function) => walk.function(function),
            StmtKind::Layer(layer) => {
                let mut found = walk.parameters(layer.config.as_deref().unwrap_or_default());
                found.extend(walk.parameters(&layer.inputs));
                if let Some(ty) = &layer.result {
                    walk.signature(ty);
                }
                walk.block(&layer.body);
                found
            }
            StmtKind::Optimizer(optimizer) => {
                let found = walk.parameters(&optimizer.config);
                walk.parameters(&optimizer.inputs);
                walk.block(&optimizer.body);
                found
            }
            _ => Vec::new(),
        });
        let config = match &statement.kind {
            StmtKind::Layer(layer) => layer.config.as_deref().map_or(0, <[Param]>::len),
            StmtKind::Optimizer(optimizer) => optimizer.config.len(),
            _ => 0,
        };
        if let Some(owner) = owner {
            self.names.symbols[owner].parameters = parameters;
            self.names.symbols[owner].config = config;
        }
    }

    fn function(&mut self, function: &'t Function) -> Vec<usize> {
        let found = self.parameters(&function.inputs);
        if let Some(ty) = &function.result {
            self.signature(ty);
        }
        self.block(&function.body);
        found
    }

    fn parameters(&mut self, parameters: &'t [Param]) -> Vec<usize> {
        let mut found = Vec::new();
        for parameter in parameters {
            if let Some(ty) = &parameter.ty {
                self.signature(ty);
            }
            if let Some(default) = &parameter.default {
                self.expr(default);
            }
            found.push(self.bind(&parameter.name, SymbolKind::Parameter));
        }
        found
    }

    /// The sizes of a type that a value is fitted to: a name that the body has not bound yet is bound.
    fn signature(&mut self, ty: &'t TypeExpr) {
        match &ty.kind {
            TypeKind::Tensor(_, dims) => dims.iter().for_each(|dim| self.dimension(dim)),
            TypeKind::Tuple(parts) => parts.iter().for_each(|part| self.signature(part)),
            TypeKind::Named(_) | TypeKind::Fn => {}
        }
    }

    fn dimension(&mut self, dim: &'t Dim) {
        match dim {
            Dim::Expr(Expr {
                kind: ExprKind::Name(text),
                span,
            }) => self.size(&Name {
                text: text.clone(),
                span: *span,
            }),
            Dim::Expr(expr) => self.expr(expr),
            Dim::Rest(Some(name), _) => self.size(name),
            Dim::Rest(None, _) => {}
        }
    }

    fn size(&mut self, name: &Name) {
        // Only names of the body itself count: one of the file is hidden by the size.
        let body = self.scopes.iter().rposition(|scope| scope.takes);
        let local = self.scopes.get(body.unwrap_or(0)..).unwrap_or_default();
        let known = local
            .iter()
            .any(|scope| scope.names.contains_key(&name.text));
        match known {
            true => {
                self.read(&name.text, name.span);
            }
            false => {
                self.bind(name, SymbolKind::Size);
            }
        }
    }

    fn block(&mut self, block: &'t Block) {
        for statement in &block.statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &'t Stmt) {
        match &statement.kind {
            StmtKind::Fn(_) | StmtKind::Layer(_) | StmtKind::Optimizer(_) => {
                self.later.push(Later::Declared(statement));
            }
            StmtKind::Import(path) => self.names.imports.push((path.clone(), statement.span)),
            StmtKind::Hyper { name, value, .. } => {
                self.expr(value);
                let symbol = self.bind(name, SymbolKind::Hyper);
                self.documented(symbol, statement);
            }
            StmtKind::Param { name, ty, init } => {
                self.written_type(ty);
                self.exprs(init);
                self.bind(name, SymbolKind::Weight);
            }
            StmtKind::State { name, ty, init } => {
                if let Some(ty) = ty {
                    self.written_type(ty);
                }
                self.expr(init);
                self.bind(name, SymbolKind::State);
            }
            StmtKind::Let { pattern, ty, value } => {
                self.expr(value);
                if let Some(ty) = ty {
                    self.signature(ty);
                }
                self.pattern(pattern, SymbolKind::Let, Some(statement));
            }
            StmtKind::LetIndex {
                name,
                indices,
                value,
            } => {
                self.indices(indices, value, statement.span);
                let symbol = self.bind(name, SymbolKind::Let);
                self.documented(symbol, statement);
            }
            StmtKind::Assign { target, value } => self.assign(target, value),
            StmtKind::Print(values) => self.exprs(values),
            StmtKind::Plot { value: a, to: b }
            | StmtKind::Save { what: a, to: b }
            | StmtKind::Load { what: a, from: b } => {
                self.expr(a);
                self.expr(b);
            }
            StmtKind::Assert { condition, message } => {
                self.expr(condition);
                self.exprs(message);
            }
            StmtKind::Train {
                model,
                data,
                settings,
            } => {
                self.expr(model);
                self.expr(data);
                self.exprs(settings.iter().map(|setting| &setting.value));
            }
            StmtKind::Repeat { count, body } => {
                self.expr(count);
                self.repeated(|walk| walk.block(body));
            }
            StmtKind::RepeatUntil {
                condition,
                at_most,
                body,
            } => {
                self.expr(at_most);
                self.repeated(|walk| {
                    walk.block(body);
                    walk.expr(condition);
                });
            }
            StmtKind::For {
                pattern,
                source,
                body,
            } => self.for_loop(pattern, source, body, statement.span),
            StmtKind::Expr(expr) => self.expr(expr),
            StmtKind::Error => {}
        }
    }

    fn documented(&mut self, symbol: usize, statement: &Stmt) {
        if statement.doc.is_some() {
            self.names.symbols[symbol].doc.clone_from(&statement.doc);
        }
    }

    fn for_loop(&mut self, pattern: &'t Pattern, source: &'t Source, body: &'t Block, span: Span) {
        self.source(source);
        if self.scopes.len() > 1 {
            // In a body the turn is a name like any other, bound anew in each turn.
            self.pattern(pattern, SymbolKind::Turn, None);
            self.repeated(|walk| walk.block(body));
            return;
        }
        self.within(span, false, |walk| {
            walk.own_pattern(pattern, SymbolKind::Turn);
            walk.repeated(|walk| walk.block(body));
        });
    }

    fn source(&mut self, source: &'t Source) {
        match source {
            Source::Expr(expr) => self.expr(expr),
            Source::Range { start, end, .. } => {
                self.expr(start);
                self.expr(end);
            }
        }
    }

    fn assign(&mut self, target: &'t Expr, value: &'t Expr) {
        self.expr(value);
        match &target.kind {
            ExprKind::Name(text) => {
                let name = Name {
                    text: text.clone(),
                    span: target.span,
                };
                let local = self
                    .resolve(text)
                    .filter(|&found| self.scopes.len() == 1 || !self.names.symbols[found].top);
                match local {
                    Some(symbol) => self.names.symbols[symbol].bindings.push(name.span),
                    None => {
                        self.bind(&name, SymbolKind::Let);
                    }
                }
            }
            _ => self.expr(target),
        }
    }

    fn pattern(&mut self, pattern: &Pattern, kind: SymbolKind, statement: Option<&Stmt>) {
        match pattern {
            Pattern::Name(name) => {
                let symbol = self.bind(name, kind);
                if let Some(statement) = statement {
                    self.documented(symbol, statement);
                }
            }
            Pattern::Tuple(parts, _) => parts
                .iter()
                .for_each(|part| self.pattern(part, kind, statement)),
        }
    }

    /// Binds a pattern in the innermost scope, whether it takes bindings or not.
    fn own_pattern(&mut self, pattern: &Pattern, kind: SymbolKind) {
        match pattern {
            Pattern::Name(name) => {
                self.bind_in(self.scopes.len() - 1, name, kind);
            }
            Pattern::Tuple(parts, _) => parts.iter().for_each(|part| self.own_pattern(part, kind)),
        }
    }

    /// A type whose sizes are read, not bound.
    fn written_type(&mut self, ty: &'t TypeExpr) {
        match &ty.kind {
            TypeKind::Tensor(_, dims) => {
                for dim in dims {
                    match dim {
                        Dim::Expr(expr) => self.expr(expr),
                        Dim::Rest(Some(name), _) => {
                            self.read(&name.text, name.span);
                        }
                        Dim::Rest(None, _) => {}
                    }
                }
            }
            TypeKind::Tuple(parts) => parts.iter().for_each(|part| self.written_type(part)),
            TypeKind::Named(_) | TypeKind::Fn => {}
        }
    }

    fn indices(&mut self, indices: &'t [IndexDecl], body: &'t Expr, span: Span) {
        self.exprs(indices.iter().filter_map(|index| index.bound.as_ref()));
        self.within(span, false, |walk| {
            for index in indices {
                walk.bind_in(walk.scopes.len() - 1, &index.name, SymbolKind::Index);
            }
            walk.expr(body);
        });
    }

    fn exprs(&mut self, exprs: impl IntoIterator<Item = &'t Expr>) {
        for expr in exprs {
            self.expr(expr);
        }
    }

    fn expr(&mut self, expr: &'t Expr) {
        match &expr.kind {
            ExprKind::Name(name) => {
                self.read(name, expr.span);
            }
            ExprKind::Str(parts) => self.exprs(parts.iter().filter_map(|part| match part {
                StrPart::Value(value, _) => Some(value),
                StrPart::Text(_) => None,
            })),
            ExprKind::Tuple(parts) => self.exprs(parts),
            ExprKind::Rest(Some(name)) => {
                self.read(&name.text, name.span);
            }
            ExprKind::List(items) => self.exprs(items.iter().map(|item| &item.value)),
            ExprKind::Unary(_, a) | ExprKind::Field(a, _) => self.expr(a),
            ExprKind::Binary(_, a, b) | ExprKind::Pipe(a, b) => {
                self.expr(a);
                self.expr(b);
            }
            ExprKind::Call(callee, arguments) => self.call(callee, arguments),
            ExprKind::Index(base, subscripts) => {
                self.expr(base);
                subscripts.iter().for_each(|part| self.subscript(part));
            }
            ExprKind::Reduce(_, indices, body) => self.indices(indices, body, expr.span),
            ExprKind::Lambda(function) => match self.scopes.len() {
                1 => self.later.push(Later::Value(function, expr.span)),
                _ => {
                    self.within(expr.span, true, |walk| walk.function(function));
                }
            },
            ExprKind::If(condition, then, otherwise) => {
                self.expr(condition);
                self.repeated(|walk| walk.block(then));
                if let Some(otherwise) = otherwise {
                    self.repeated(|walk| walk.block(otherwise));
                }
            }
            ExprKind::Scan(scan) => self.scan(scan, expr.span),
            ExprKind::Minimize {
                objective,
                over,
                optimizer,
            } => {
                self.expr(objective);
                self.exprs(over);
                self.expr(optimizer);
            }
            ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Bool(_)
            | ExprKind::Rest(None)
            | ExprKind::Error => {}
        }
    }

    fn subscript(&mut self, subscript: &'t Subscript) {
        match subscript {
            Subscript::Expr(expr) => self.expr(expr),
            Subscript::Slice(start, end, _) => self.exprs(start.iter().chain(end)),
            Subscript::Rest(Some(name), _) => {
                self.read(&name.text, name.span);
            }
            Subscript::Rest(None, _) => {}
        }
    }

    fn call(&mut self, callee: &'t Expr, arguments: &'t [Arg]) {
        self.expr(callee);
        let called = match &callee.kind {
            ExprKind::Name(name) => Some((name.clone(), self.resolve(name))),
            _ => None,
        };
        for argument in arguments {
            self.expr(&argument.value);
            match (&argument.name, &called) {
                (Some(name), Some((_, Some(symbol)))) => {
                    self.arguments.push((*symbol, name.clone()));
                }
                (Some(name), Some((callee, None))) => {
                    let pair = (callee.clone(), name.clone());
                    self.names.free_arguments.push(pair);
                }
                (Some(_) | None, _) => {}
            }
        }
    }

    fn scan(&mut self, scan: &'t Scan, span: Span) {
        self.source(&scan.source);
        // `over` may name a dimension of what is walked; where it does not, it is a number like any other.
        self.exprs(&scan.over);
        self.exprs(scan.states.iter().map(|state| &state.init));
        self.within(span, true, |walk| {
            for state in &scan.states {
                walk.pattern(&state.pattern, SymbolKind::State, None);
            }
            walk.pattern(&scan.pattern, SymbolKind::Turn, None);
            walk.block(&scan.body);
        });
    }
}

fn scope(span: Span, takes: bool) -> Scope {
    Scope {
        names: HashMap::new(),
        conditional: Vec::new(),
        span,
        takes,
    }
}
