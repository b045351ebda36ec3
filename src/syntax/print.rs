//! The tree as text, for `emit ast`: one S-expression a statement, in the words of the language.
use super::ast::*;

/// Width that a form may take on one line.
const WIDTH: usize = 100;

/// The statements of a file, each in one form.
pub fn print_ast(file: &File) -> String {
    let forms = file.statements.iter().map(|s| form_text(&statement(s)));
    forms.collect()
}

/// One expression.
pub fn print_expression(value: &Expr) -> String {
    form_text(&expression(value)).trim_end().to_string()
}

/// A form and the characters that it takes on one line.
struct Form {
    kind: FormKind,
    width: usize,
}

enum FormKind {
    Atom(String),
    List(Vec<Form>),
}

fn atom(text: impl Into<String>) -> Form {
    let text = text.into();
    let width = text.chars().count();
    Form {
        kind: FormKind::Atom(text),
        width,
    }
}

fn list(parts: Vec<Form>) -> Form {
    let width = 1 + parts.iter().map(|part| part.width + 1).sum::<usize>();
    Form {
        kind: FormKind::List(parts),
        width,
    }
}

/// `(head part ...)`
fn form(head: &str, parts: impl IntoIterator<Item = Form>) -> Form {
    list(std::iter::once(atom(head)).chain(parts).collect())
}

fn form_text(root: &Form) -> String {
    let mut text = String::new();
    write_form(root, 0, &mut text);
    text.push('\n');
    text
}

fn write_form(form: &Form, indent: usize, text: &mut String) {
    match &form.kind {
        FormKind::Atom(word) => text.push_str(word),
        FormKind::List(parts) => {
            let flat = form.width + indent <= WIDTH;
            text.push('(');
            for (at, part) in parts.iter().enumerate() {
                match (at, flat) {
                    (0, _) => {}
                    (_, true) => text.push(' '),
                    (_, false) => {
                        text.push('\n');
                        text.extend(std::iter::repeat_n(' ', indent + 2));
                    }
                }
                write_form(part, indent + 2, text);
            }
            text.push(')');
        }
    }
}

fn statement(statement: &Stmt) -> Form {
    let form = statement_kind(&statement.kind);
    match &statement.doc {
        Some(doc) => self::form("doc", [atom(format!("{doc:?}")), form]),
        None => form,
    }
}

fn statement_kind(kind: &StmtKind) -> Form {
    use StmtKind::*;
    match kind {
        Hyper { name, ty, value } => form(
            "hyper",
            with([name_of(name)], [annotation(ty), Some(expression(value))]),
        ),
        Import(path) => form("import", [atom(format!("{path:?}"))]),
        Fn(function) => self::function("fn", function),
        Layer(layer) => form(
            "layer",
            with(
                [name_of(&layer.name)],
                [
                    layer
                        .config
                        .as_ref()
                        .map(|config| parameters("config", config)),
                    Some(parameters("inputs", &layer.inputs)),
                    result(&layer.result),
                    Some(block(&layer.body)),
                ],
            ),
        ),
        Optimizer(optimizer) => form(
            "optimizer",
            [
                name_of(&optimizer.name),
                parameters("config", &optimizer.config),
                parameters("inputs", &optimizer.inputs),
                block(&optimizer.body),
            ],
        ),
        Param { name, ty, init } => form(
            "param",
            with(
                [name_of(name), form(":", [type_of(ty)])],
                [init.as_ref().map(expression)],
            ),
        ),
        State { name, ty, init } => form(
            "state",
            with([name_of(name)], [annotation(ty), Some(expression(init))]),
        ),
        Let { pattern, ty, value } => form(
            "let",
            with(
                [self::pattern(pattern)],
                [annotation(ty), Some(expression(value))],
            ),
        ),
        LetIndex {
            name,
            indices,
            value,
        } => form(
            "let-index",
            [name_of(name), index_list(indices), expression(value)],
        ),
        Assign { target, value } => form("assign", [expression(target), expression(value)]),
        Print(values) => form("print", values.iter().map(expression)),
        Plot { value, to } => form("plot", [expression(value), expression(to)]),
        Assert { condition, message } => form(
            "assert",
            with([expression(condition)], [message.as_ref().map(expression)]),
        ),
        Save { what, to } => form("save", [expression(what), expression(to)]),
        Load { what, from } => form("load", [expression(what), expression(from)]),
        Train {
            model,
            data,
            settings,
        } => form(
            "train",
            [expression(model), expression(data)].into_iter().chain(
                settings
                    .iter()
                    .map(|s| form("set", [name_of(&s.name), expression(&s.value)])),
            ),
        ),
        Repeat { count, body } => form("repeat", [expression(count), block(body)]),
        RepeatUntil {
            condition,
            at_most,
            body,
        } => form(
            "repeat-until",
            [expression(condition), expression(at_most), block(body)],
        ),
        For {
            pattern,
            source,
            body,
        } => form(
            "for",
            [self::pattern(pattern), self::source(source), block(body)],
        ),
        Expr(value) => expression(value),
        Error => form("error", []),
    }
}

/// The forms that are always there, then those that may be missing.
fn with(
    always: impl IntoIterator<Item = Form>,
    rest: impl IntoIterator<Item = Option<Form>>,
) -> Vec<Form> {
    always
        .into_iter()
        .chain(rest.into_iter().flatten())
        .collect()
}

fn name_of(name: &Name) -> Form {
    atom(name.text.to_string())
}

fn annotation(ty: &Option<TypeExpr>) -> Option<Form> {
    ty.as_ref().map(|ty| form(":", [type_of(ty)]))
}

fn result(ty: &Option<TypeExpr>) -> Option<Form> {
    ty.as_ref().map(|ty| form("->", [type_of(ty)]))
}

fn function(head: &str, function: &Function) -> Form {
    form(
        head,
        with(
            function.name.iter().map(name_of),
            [
                Some(parameters("inputs", &function.inputs)),
                result(&function.result),
                Some(block(&function.body)),
            ],
        ),
    )
}

fn parameters(head: &str, parameters: &[Param]) -> Form {
    form(head, parameters.iter().map(parameter))
}

fn parameter(parameter: &Param) -> Form {
    let default = parameter.default.as_ref();
    if parameter.ty.is_none() && default.is_none() {
        return name_of(&parameter.name);
    }
    let default = default.map(|value| form("=", [expression(value)]));
    list(with(
        [name_of(&parameter.name)],
        [annotation(&parameter.ty), default],
    ))
}

fn block(block: &Block) -> Form {
    form("block", block.statements.iter().map(statement))
}

fn pattern(pattern: &Pattern) -> Form {
    match pattern {
        Pattern::Name(name) => name_of(name),
        Pattern::Tuple(parts, _) => form("tuple", parts.iter().map(self::pattern)),
    }
}

fn source(source: &Source) -> Form {
    match source {
        Source::Expr(value) => expression(value),
        Source::Range {
            start,
            end,
            inclusive,
        } => form(
            if *inclusive { "..=" } else { ".." },
            [expression(start), expression(end)],
        ),
    }
}

fn index_list(indices: &[IndexDecl]) -> Form {
    let index = |index: &IndexDecl| match &index.bound {
        Some(bound) => form("<", [name_of(&index.name), expression(bound)]),
        None => name_of(&index.name),
    };
    list(indices.iter().map(index).collect())
}

fn type_of(ty: &TypeExpr) -> Form {
    match &ty.kind {
        TypeKind::Tensor(element, dimensions) => form(
            element.as_ref().map_or("tensor", |name| &name.text),
            dimensions.iter().map(dimension),
        ),
        TypeKind::Named(name) => name_of(name),
        TypeKind::Fn => atom("fn"),
        TypeKind::Tuple(types) => form("tuple", types.iter().map(type_of)),
    }
}

fn dimension(dimension: &Dim) -> Form {
    match dimension {
        Dim::Expr(value) => expression(value),
        Dim::Rest(name, _) => rest(name),
    }
}

fn rest(name: &Option<Name>) -> Form {
    atom(format!("..{}", name.as_ref().map_or("", |name| &name.text)))
}

fn expression(value: &Expr) -> Form {
    use ExprKind::*;
    match &value.kind {
        Name(name) => atom(name.to_string()),
        Int(value) => atom(value.to_string()),
        Float(value) => atom(format!("{value:?}")),
        Str(parts) => string(parts),
        Bool(value) => atom(value.to_string()),
        Tuple(parts) => form("tuple", parts.iter().map(expression)),
        Rest(name) => rest(name),
        List(items) => form("list", items.iter().map(item)),
        Unary(UnOp::Neg, operand) => form("neg", [expression(operand)]),
        Unary(UnOp::Not, operand) => form("not", [expression(operand)]),
        Binary(operator, left, right) => {
            form(operator.text(), [expression(left), expression(right)])
        }
        Pipe(left, right) => form("|>", [expression(left), expression(right)]),
        Call(callee, arguments) => form(
            "call",
            with(
                [expression(callee)],
                arguments.iter().map(|a| Some(named(&a.name, &a.value))),
            ),
        ),
        Index(base, subscripts) => form(
            "at",
            with(
                [expression(base)],
                subscripts.iter().map(|s| Some(subscript(s))),
            ),
        ),
        Field(base, name) => form(".", [expression(base), name_of(name)]),
        Reduce(reducer, indices, body) => {
            form(&reducer.text, [index_list(indices), expression(body)])
        }
        Lambda(function) => self::function("lambda", function),
        If(condition, then, otherwise) => form(
            "if",
            with(
                [expression(condition), block(then)],
                [otherwise.as_ref().map(block)],
            ),
        ),
        Scan(scan) => self::scan(scan),
        Minimize {
            objective,
            over,
            optimizer,
        } => form(
            "minimize",
            with(
                [expression(objective)],
                [
                    (!over.is_empty()).then(|| form("over", over.iter().map(expression))),
                    Some(form("with", [expression(optimizer)])),
                ],
            ),
        ),
        Error => form("error", []),
    }
}

fn item(item: &Item) -> Form {
    named(&item.name, &item.value)
}

fn named(name: &Option<Name>, value: &Expr) -> Form {
    match name {
        Some(name) => form("=", [name_of(name), expression(value)]),
        None => expression(value),
    }
}

fn subscript(subscript: &Subscript) -> Form {
    let end = |value: &Option<Expr>| value.as_ref().map_or_else(|| atom("_"), expression);
    match subscript {
        Subscript::Expr(value) => expression(value),
        Subscript::Slice(None, None, _) => atom(":"),
        Subscript::Slice(from, to, _) => form("slice", [end(from), end(to)]),
        Subscript::Rest(name, _) => rest(name),
    }
}

fn scan(scan: &Scan) -> Form {
    let states = scan.states.iter().map(|state| {
        Some(form(
            "state",
            [pattern(&state.pattern), expression(&state.init)],
        ))
    });
    let mut parts = with(
        [pattern(&scan.pattern), source(&scan.source)],
        [scan
            .over
            .as_ref()
            .map(|over| form("over", [expression(over)]))],
    );
    parts.extend(states.flatten());
    parts.push(block(&scan.body));
    form(if scan.reverse { "scan-reverse" } else { "scan" }, parts)
}

/// A string without values is an atom in quotes.
fn string(parts: &[StrPart]) -> Form {
    let part = |part: &StrPart| match part {
        StrPart::Text(text) => atom(format!("{text:?}")),
        StrPart::Value(value, None) => expression(value),
        StrPart::Value(value, Some(format)) => {
            form("format", [expression(value), atom(format_text(format))])
        }
    };
    match parts {
        [StrPart::Text(text)] => atom(format!("{text:?}")),
        _ => form("string", parts.iter().map(part)),
    }
}

fn format_text(format: &Format) -> String {
    let width = format.width.map(|n| n.to_string()).unwrap_or_default();
    let precision = format
        .precision
        .map(|n| format!(".{n}"))
        .unwrap_or_default();
    let style = format.style.map(String::from).unwrap_or_default();
    format!("{width}{precision}{style}")
}
