//! What stands at the cursor: its type or shape, and its documentation.
use super::Server;
use super::document::{Checked, Parsed};
use super::wire::Refusal;
use crate::base::source::{FileId, Span};
use crate::check::declared::Declared;
use crate::check::record::Seen;
use crate::cli::words::is_train_block;
use crate::syntax::names::{Symbol, SymbolKind};
use crate::syntax::token::{self, Token};
use serde_json::{Value, json};

/// A declaration and where it stands.
pub(super) enum Found<'a> {
    /// In the text or a file that it imports.
    Own(&'a Declared),
    /// In the standard library.
    Library(&'a Declared),
}

impl<'a> Found<'a> {
    /// The declaration.
    pub(super) fn declared(&self) -> &'a Declared {
        match self {
            Found::Own(declared) | Found::Library(declared) => declared,
        }
    }
}

impl Server {
    pub(super) fn hover(&mut self, at: usize, parameters: &Value) -> Result<Value, Refusal> {
        let offset = self.cursor(at, parameters)?;
        let Some(word) = self.word(at, offset) else {
            return Ok(Value::Null);
        };
        let (parsed, checked) = self.known(at);
        let text = self.said(&parsed, &checked, offset, word);
        Ok(text.map_or(Value::Null, |text| {
            json!({
                "contents": {"kind": "markdown", "value": text},
                "range": self.documents[at].text.span(word),
            })
        }))
    }

    /// The byte of the cursor.
    pub(super) fn cursor(&self, at: usize, parameters: &Value) -> Result<usize, Refusal> {
        let position = parameters.get("position").unwrap_or(&Value::Null);
        let offset = self.documents[at].text.offset_of(position);
        offset.ok_or_else(|| Refusal::parameters("no `position`"))
    }

    /// The token at a byte, a name before anything else; nothing between tokens and in comments.
    pub(super) fn word(&self, at: usize, offset: usize) -> Option<Span> {
        let text = &self.documents[at].text.text;
        let (tokens, _) = token::lex(text, FileId(0));
        let touches = |(start, token, end): &&(usize, Token<'_>, usize)| {
            (*start..=*end).contains(&offset) && !matches!(token, Token::Newline | Token::Doc(_))
        };
        let touching: Vec<_> = tokens.iter().filter(touches).collect();
        let name = touching.iter().find(|t| matches!(t.1, Token::Ident(_)));
        let after = touching.iter().find(|t| t.0 == offset);
        let found = name.or(after).or(touching.first())?;
        Some(Span::new(FileId(0), found.0, found.2))
    }

    fn said(
        &self,
        parsed: &Parsed,
        checked: &Checked,
        offset: usize,
        word: Span,
    ) -> Option<String> {
        let written = parsed.sources.snippet(word);
        let text = &parsed.sources.file(FileId(0)).text;
        let before = text.get(..word.start as usize).unwrap_or_default();
        if let Some(setting) = self.library.settings.get(written)
            && is_train_block(before)
        {
            return Some(setting.clone());
        }
        let is_field = before.trim_end().ends_with('.') && !before.ends_with("..");
        if let Some((symbol, place)) = parsed.names.at(offset).filter(|_| !is_field) {
            return Some(self.of_symbol(parsed, checked, symbol, place));
        }
        if let Some(target) = checked.record.leads.get(&word) {
            let kind = match is_field {
                true => seen_around(checked, word).map(types),
                false => None,
            };
            let declared = self.declared_around(checked, *target);
            return Some(parameter(written, kind, declared));
        }
        if parsed.names.free_at(offset).is_some()
            && let Some(found) = self.declared(parsed, checked, written)
        {
            return Some(documented(found.declared()));
        }
        if let Some((callee, name)) = parsed
            .names
            .free_arguments
            .iter()
            .find(|(_, name)| name.span == word)
            && let Some(found) = self.declared(parsed, checked, callee)
        {
            return Some(parameter(&name.text, None, Some(found.declared())));
        }
        if !is_field && let Some(text) = self.library.language.get(written) {
            return Some(text.clone());
        }
        let seen = seen_around(checked, word)?;
        Some(code(&with_types(written, seen, is_field)))
    }

    fn of_symbol(
        &self,
        parsed: &Parsed,
        checked: &Checked,
        symbol: &Symbol,
        place: Span,
    ) -> String {
        if let SymbolKind::Function | SymbolKind::Layer | SymbolKind::Optimizer = symbol.kind
            && let Some(declared) = parsed.declared.iter().find(|d| *d.name == *symbol.name)
        {
            return documented(declared);
        }
        // At a named argument nothing was evaluated: the parameter itself was.
        let binding = symbol.binding_for(place.start as usize);
        let seen = checked.record.seen.get(&place);
        let seen = seen.or_else(|| checked.record.seen.get(&binding?));
        let what = match seen {
            Some(seen) => with_types(&symbol.name, seen, false),
            None => format!("{}  # {}", symbol.name, word_of(symbol.kind)),
        };
        with_doc(code(&what), symbol.doc.as_deref().unwrap_or_default())
    }

    /// What a name is declared as: in the text, in what it imports, in the standard library.
    pub(super) fn declared<'a>(
        &'a self,
        parsed: &'a Parsed,
        checked: &'a Checked,
        name: &str,
    ) -> Option<Found<'a>> {
        let imported = checked.imported.iter().flat_map(|file| &file.declared);
        let own = parsed.declared.iter().chain(imported);
        let found = own.into_iter().find(|declared| declared.name == name);
        found
            .map(Found::Own)
            .or_else(|| self.library.declared.get(name).map(Found::Library))
    }

    /// The declaration that a place stands in; places are those of the checked sources.
    fn declared_around<'a>(&'a self, checked: &'a Checked, place: Span) -> Option<&'a Declared> {
        let name = &checked.sources.file(place.file).name;
        let imported = checked.imported.iter().flat_map(|file| &file.declared);
        let library = self
            .library
            .declared
            .values()
            .filter(|declared| declared.place.split(':').next() == Some(name));
        let before = |declared: &&Declared| declared.span.start <= place.start;
        match checked.imported.iter().any(|file| file.file == place.file) {
            true => imported
                .filter(|declared| declared.span.file == place.file)
                .filter(before)
                .max_by_key(|declared| declared.span.start),
            false => library
                .filter(before)
                .max_by_key(|declared| declared.span.start),
        }
    }
}

/// The types of the smallest expression that a place stands in.
fn seen_around(checked: &Checked, place: Span) -> Option<&Seen> {
    let around = checked.record.seen.iter().filter(|(span, _)| {
        span.file == place.file && span.start <= place.start && place.end <= span.end
    });
    let smallest = around.min_by_key(|(span, _)| (span.end - span.start, span.start));
    smallest.map(|(_, seen)| seen)
}

/// The types of a place, one a line.
fn types(seen: &Seen) -> String {
    let mut lines = seen.types.join("\n");
    if seen.more {
        lines += "\n...";
    }
    lines
}

fn with_types(name: &str, seen: &Seen, field: bool) -> String {
    let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let dot = if field { "." } else { "" };
    let lines: Vec<String> = types(seen)
        .lines()
        .map(|line| match is_name && line != "..." {
            true => format!("{dot}{name}: {line}"),
            false => line.to_string(),
        })
        .collect();
    lines.join("\n")
}

fn parameter(name: &str, types: Option<String>, declared: Option<&Declared>) -> String {
    let first = match types {
        Some(types) => code(&format!("{name}: {types}")),
        None => code(name),
    };
    match declared {
        Some(declared) => format!("{first}\n\nof\n\n{}", documented(declared)),
        None => first,
    }
}

/// A declaration as markdown: its head, its documentation.
pub(super) fn documented(declared: &Declared) -> String {
    with_doc(code(&declared.head), &declared.doc)
}

pub(super) fn with_doc(first: String, doc: &str) -> String {
    match doc.is_empty() {
        true => first,
        // A line of the source is a line here.
        false => format!("{first}\n\n{}", doc.trim().replace('\n', "  \n")),
    }
}

pub(super) fn code(text: &str) -> String {
    format!("```dlm\n{text}\n```")
}

fn word_of(kind: SymbolKind) -> &'static str {
    match kind {
        SymbolKind::Function => "a function",
        SymbolKind::Layer => "a layer",
        SymbolKind::Optimizer => "an optimizer",
        SymbolKind::Hyper => "a hyper-parameter",
        SymbolKind::Let => "a value",
        SymbolKind::Parameter => "a parameter",
        SymbolKind::Weight => "a parameter that is learned",
        SymbolKind::State => "a state",
        SymbolKind::Size => "a size",
        SymbolKind::Turn => "what the loop walks",
        SymbolKind::Index => "an index",
    }
}
