//! The outline of a text, its formatted form, shapes beside the code, and mends that can be made for the user.
use super::Server;
use super::document::{Checked, Parsed};
use super::text::Text;
use super::wire::Refusal;
use crate::base::source::{FileId, Span};
use crate::check::record::Seen;
use crate::syntax::ast::{Name, Param, Pattern, Stmt, StmtKind};
use crate::syntax::names::SymbolKind;
use crate::syntax::{FormatError, format_source};
use serde_json::{Value, json};

/// Kinds of symbols, as the protocol numbers them.
mod kind {
    pub const CLASS: u64 = 5;
    pub const FIELD: u64 = 8;
    pub const FUNCTION: u64 = 12;
    pub const VARIABLE: u64 = 13;
    pub const CONSTANT: u64 = 14;
    pub const PROPERTY: u64 = 7;
}

impl Server {
    pub(super) fn symbols(&mut self, at: usize, _: &Value) -> Result<Value, Refusal> {
        let parsed = self.documents[at].parsed();
        let text = &self.documents[at].text;
        let found: Vec<Value> = parsed
            .tree
            .statements
            .iter()
            .flat_map(|statement| outline(text, &parsed, statement))
            .collect();
        Ok(found.into())
    }

    pub(super) fn formatting(&mut self, at: usize, _: &Value) -> Result<Value, Refusal> {
        let text = &self.documents[at].text;
        match format_source(&text.text) {
            Ok(formatted) if *formatted == *text.text => Ok(json!([])),
            Ok(formatted) => Ok(json!([edit(text, &formatted)])),
            // What is wrong with it is told by the messages.
            Err(FormatError::Program(_)) => Ok(Value::Null),
            Err(FormatError::Formatter(why)) => Err(Refusal::failed(format!(
                "fault of the formatter: {why}; the text stays as it is"
            ))),
        }
    }

    pub(super) fn hints(&mut self, at: usize, parameters: &Value) -> Result<Value, Refusal> {
        let (parsed, checked) = self.known(at);
        let text = &self.documents[at].text;
        let range = parameters.get("range").unwrap_or(&Value::Null);
        let from = range.get("start").and_then(|at| text.offset_of(at));
        let to = range.get("end").and_then(|at| text.offset_of(at));
        let wanted = from.unwrap_or(0)..=to.unwrap_or(text.text.len());
        let mut hints = stages(&checked);
        hints.extend(lets(&parsed, &checked));
        hints.sort();
        let hints = hints
            .into_iter()
            .filter(|(place, _)| wanted.contains(place));
        let hints = hints.map(|(place, label)| {
            json!({
                "position": text.position(place),
                "label": label,
                "kind": 1,
                "paddingLeft": !label.starts_with(':'),
            })
        });
        Ok(hints.collect::<Vec<Value>>().into())
    }

    /// Messages that name the word that was meant become a change.
    pub(super) fn mends(&mut self, at: usize, parameters: &Value) -> Result<Value, Refusal> {
        let document = &self.documents[at];
        let diagnostics = parameters.pointer("/context/diagnostics");
        let diagnostics = diagnostics.and_then(Value::as_array);
        let mut found: Vec<Value> = Vec::new();
        for diagnostic in diagnostics.into_iter().flatten() {
            let help = diagnostic.pointer("/data/help").and_then(Value::as_str);
            let meant = help
                .and_then(|help| help.strip_prefix("did you mean `"))
                .and_then(|help| help.strip_suffix("`?"));
            let (Some(meant), Some(range)) = (meant, diagnostic.get("range")) else {
                continue;
            };
            let edit = json!({"range": range, "newText": meant});
            let uri = document.uri.clone();
            found.push(json!({
                "title": format!("Write `{meant}`"),
                "kind": "quickfix",
                "diagnostics": [diagnostic],
                "edit": {"changes": {uri: [edit]}},
            }));
        }
        Ok(found.into())
    }
}

/// The symbols of a statement.
fn outline(text: &Text, parsed: &Parsed, statement: &Stmt) -> Vec<Value> {
    let entry = |name: &Name, what: u64, detail: &str, children: Vec<Value>| {
        json!({
            "name": *name.text,
            "kind": what,
            "detail": detail,
            "range": text.span(statement.span.to(name.span)),
            "selectionRange": text.span(name.span),
            "children": children,
        })
    };
    let head = |name: &Name| {
        let declared = parsed.declared.iter().find(|d| d.span == name.span);
        declared.map_or(String::new(), |declared| declared.head.clone())
    };
    let parameter = |parameter: &Param| entry_of(text, &parameter.name, kind::PROPERTY);
    match &statement.kind {
        StmtKind::Fn(function) => function
            .name
            .iter()
            .map(|name| {
                let children = function.inputs.iter().map(parameter).collect();
                entry(name, kind::FUNCTION, &head(name), children)
            })
            .collect(),
        StmtKind::Layer(layer) => {
            let config = layer.config.as_deref().unwrap_or_default().iter();
            let mut children: Vec<Value> = config.chain(&layer.inputs).map(parameter).collect();
            let body = &layer.body.statements;
            children.extend(body.iter().flat_map(|inner| outline(text, parsed, inner)));
            vec![entry(
                &layer.name,
                kind::CLASS,
                &head(&layer.name),
                children,
            )]
        }
        StmtKind::Optimizer(optimizer) => {
            let mut children: Vec<Value> = optimizer.config.iter().map(parameter).collect();
            let body = &optimizer.body.statements;
            children.extend(body.iter().flat_map(|inner| outline(text, parsed, inner)));
            let name = &optimizer.name;
            vec![entry(name, kind::FUNCTION, &head(name), children)]
        }
        StmtKind::Hyper { name, .. } => vec![entry(name, kind::CONSTANT, "hyper", Vec::new())],
        StmtKind::Param { name, .. } => vec![entry(name, kind::FIELD, "param", Vec::new())],
        StmtKind::State { name, .. } => vec![entry(name, kind::FIELD, "state", Vec::new())],
        StmtKind::LetIndex { name, .. } => vec![entry(name, kind::VARIABLE, "let", Vec::new())],
        StmtKind::Let { pattern, .. } => {
            let mut names = Vec::new();
            pattern_names(pattern, &mut names);
            let names = names.into_iter();
            names
                .map(|name| entry(name, kind::VARIABLE, "let", Vec::new()))
                .collect()
        }
        StmtKind::Import(_)
        | StmtKind::Assign { .. }
        | StmtKind::Print(_)
        | StmtKind::Plot { .. }
        | StmtKind::Assert { .. }
        | StmtKind::Save { .. }
        | StmtKind::Load { .. }
        | StmtKind::Train { .. }
        | StmtKind::Repeat { .. }
        | StmtKind::RepeatUntil { .. }
        | StmtKind::For { .. }
        | StmtKind::Expr(_)
        | StmtKind::Error => Vec::new(),
    }
}

fn entry_of(text: &Text, name: &Name, what: u64) -> Value {
    json!({
        "name": *name.text,
        "kind": what,
        "range": text.span(name.span),
        "selectionRange": text.span(name.span),
    })
}

fn pattern_names<'a>(pattern: &'a Pattern, into: &mut Vec<&'a Name>) {
    match pattern {
        Pattern::Name(name) => into.push(name),
        Pattern::Tuple(parts, _) => parts.iter().for_each(|part| pattern_names(part, into)),
    }
}

/// What differs between a text and its formatted form, as one change of whole lines.
fn edit(text: &Text, formatted: &str) -> Value {
    let old: Vec<&str> = text.text.split_inclusive('\n').collect();
    let new: Vec<&str> = formatted.split_inclusive('\n').collect();
    let pairs = || old.iter().zip(&new);
    let first = pairs().take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - first;
    let pairs = old.iter().rev().zip(new.iter().rev());
    let last = pairs.take(most).take_while(|(a, b)| a == b).count();
    let bytes = |lines: &[&str]| lines.iter().map(|line| line.len()).sum::<usize>();
    let start = bytes(&old[..first]);
    let end = start + bytes(&old[first..old.len() - last]);
    let changed: String = new[first..new.len() - last].concat();
    json!({"range": text.range(start, end), "newText": changed})
}

/// The shape that each `|>` gives, at its end.
fn stages(checked: &Checked) -> Vec<(usize, String)> {
    let seen = checked.record.seen.iter();
    seen.filter(|(place, seen)| place.file == FileId(0) && seen.stage)
        .filter_map(|(place, seen)| Some((place.end as usize, shape(seen)?)))
        .collect()
}

/// The shapes of `let`s that state none.
fn lets(parsed: &Parsed, checked: &Checked) -> Vec<(usize, String)> {
    let text = &parsed.sources.file(FileId(0)).text;
    let stated = |place: &Span| {
        let after = text.get(place.end as usize..).unwrap_or_default();
        // `let y[i] = ...` has its indices there.
        after
            .trim_start_matches([' ', '\t'])
            .starts_with([':', '['])
    };
    let symbols = parsed.names.symbols.iter();
    symbols
        .filter(|symbol| symbol.kind == SymbolKind::Let)
        .flat_map(|symbol| &symbol.bindings)
        .filter(|place| !stated(place))
        .filter_map(|place| {
            let shape = shape(checked.record.seen.get(place)?)?;
            Some((place.end as usize, format!(": {shape}")))
        })
        .collect()
}

/// The shape of a tensor, short: the element type only where it is not the usual one.
fn shape(seen: &Seen) -> Option<String> {
    let first = seen.types.first().filter(|_| seen.tensor)?;
    let short = match first.strip_prefix("f32[") {
        Some(sizes) => format!("[{sizes}"),
        None => first.clone(),
    };
    let several = seen.types.len() > 1 || seen.more;
    Some(match several {
        true => format!("{short} ..."),
        false => short,
    })
}
