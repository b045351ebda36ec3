//! Renaming. The new text is read again before the editor gets it: each place has to mean there what it meant before, and the program has to be
//! as right as it was.
use super::Server;
use super::document::{Checked, Document, Parsed, checked, parsed};
use super::places::{places, symbol_at};
use super::wire::Refusal;
use crate::base::diagnostic::{Diagnostic, Severity};
use crate::base::source::{FileId, Span};
use crate::check::names::language_names;
use crate::cli::words::WORDS;
use crate::syntax::names::Names;
use crate::syntax::names::Symbol;
use crate::syntax::token::{self, Token};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Words that have a meaning where a statement begins, or name what the language binds itself.
const RESERVED: &[&str] = &[
    "at",
    "from",
    "most",
    "pi",
    "step",
    "steps_per_epoch",
    "training",
];

impl Server {
    pub(super) fn prepare_rename(
        &mut self,
        at: usize,
        parameters: &Value,
    ) -> Result<Value, Refusal> {
        let offset = self.cursor(at, parameters)?;
        let (parsed, checked) = self.known(at);
        let Some(word) = self.word(at, offset) else {
            return Ok(Value::Null);
        };
        let symbol = self.renamed(&parsed, &checked, offset, word)?;
        Ok(json!({
            "range": self.documents[at].text.span(word),
            "placeholder": *symbol.name,
        }))
    }

    /// The symbol at the cursor, where it can be renamed.
    fn renamed<'a>(
        &self,
        parsed: &'a Parsed,
        checked: &Checked,
        offset: usize,
        word: Span,
    ) -> Result<&'a Symbol, Refusal> {
        let name = parsed.sources.snippet(word);
        if let Some(symbol) = symbol_at(parsed, checked, offset) {
            return match symbol.ambiguous {
                false => Ok(symbol),
                true => Err(Refusal::failed(format!(
                    "`{name}` means one of two things here, depending on a branch or the turn of a loop: give them different names by hand"
                ))),
            };
        }
        let foreign = checked.record.leads.contains_key(&word);
        let why = if self.library.declared.contains_key(name) {
            format!("`{name}` belongs to the standard library")
        } else if language_names().any(|known| known == name) || RESERVED.contains(&name) {
            format!("`{name}` belongs to the language")
        } else if parsed.names.free_at(offset).is_some() {
            format!("`{name}` is not declared in this file: rename it where it is")
        } else if foreign {
            format!("`{name}` is declared in the standard library or an imported file")
        } else {
            format!("`{name}` is no name that this file declares")
        };
        Err(Refusal::failed(why))
    }

    pub(super) fn rename(&mut self, at: usize, parameters: &Value) -> Result<Value, Refusal> {
        let offset = self.cursor(at, parameters)?;
        let new = parameters.get("newName").and_then(Value::as_str);
        let new = new
            .ok_or_else(|| Refusal::parameters("no `newName`"))?
            .trim();
        let (parsed, checked) = self.known(at);
        let Some(word) = self.word(at, offset) else {
            return Err(Refusal::failed("there is no name here"));
        };
        let symbol = self.renamed(&parsed, &checked, offset, word)?;
        if *symbol.name == *new {
            return Ok(json!({"changes": {}}));
        }
        self.allowed(new)?;
        let mut changes = Map::new();
        let own = places(symbol, &checked);
        self.proven(at, &parsed, &checked, &own, new)?;
        changes.insert(self.documents[at].uri.clone(), self.edits(at, &own, new));
        if symbol.top
            && let Some(path) = self.documents[at].path.clone()
        {
            for user in (0..self.documents.len()).filter(|&other| other != at) {
                if self.documents[user].imports(&path) {
                    self.rename_in_user(user, &symbol.name, new, &mut changes)?;
                }
            }
        }
        Ok(json!({"changes": changes}))
    }

    /// Renames what an open document uses of the file that it imports.
    fn rename_in_user(
        &mut self,
        user: usize,
        name: &str,
        new: &str,
        changes: &mut Map<String, Value>,
    ) -> Result<(), Refusal> {
        let parsed = self.documents[user].parsed();
        let free = parsed.names.free.iter().filter(|free| *free.text == *name);
        let places: Vec<Span> = free.map(|free| free.span).collect();
        if parsed
            .names
            .symbols
            .iter()
            .any(|symbol| *symbol.name == *new)
        {
            let uri = &self.documents[user].uri;
            return Err(Refusal::failed(format!(
                "`{new}` already means something in {uri}, which imports this file"
            )));
        }
        if !places.is_empty() {
            let edits = self.edits(user, &places, new);
            changes.insert(self.documents[user].uri.clone(), edits);
        }
        Ok(())
    }

    /// Whether a name may be given.
    fn allowed(&self, new: &str) -> Result<(), Refusal> {
        let (tokens, faults) = token::lex(new, FileId(0));
        let is_name = matches!(tokens.as_slice(), [(0, Token::Ident(text), _)] if *text == new);
        if !is_name || !faults.is_empty() {
            return Err(Refusal::failed(match tokens.as_slice() {
                [(_, token, _)] if WORDS.contains(&new) && !matches!(token, Token::Error) => {
                    format!("`{new}` is a word of the language")
                }
                _ => format!(
                    "`{new}` is no name: letters, digits, `_`, `′` and subscripts, no digit first"
                ),
            }));
        }
        if WORDS.contains(&new) || RESERVED.contains(&new) {
            return Err(Refusal::failed(format!(
                "`{new}` is a word of the language"
            )));
        }
        if language_names().any(|known| known == new) {
            return Err(Refusal::failed(format!("`{new}` belongs to the language")));
        }
        match self.library.declared.contains_key(new) {
            true => Err(Refusal::failed(format!(
                "`{new}` belongs to the standard library"
            ))),
            false => Ok(()),
        }
    }

    /// Reads the text as it would become. The same places have to mean the same, and nothing may be wrong that was right.
    fn proven(
        &self,
        at: usize,
        before: &Parsed,
        was: &Checked,
        places: &[Span],
        new: &str,
    ) -> Result<(), Refusal> {
        let document = &self.documents[at];
        let text = replaced(&document.text.text, places, new);
        let after = parsed("", text.into());
        if meaning(&before.names, places, new.len()) != meaning(&after.names, &[], 0) {
            return Err(Refusal::failed(format!(
                "`{new}` already means something where it would stand"
            )));
        }
        if let Some(error) = self.new_error(document, &after, was) {
            return Err(Refusal::failed(format!(
                "the program would be wrong with the name `{new}`: {}",
                error.message
            )));
        }
        Ok(())
    }

    /// What would be wrong with a text whose program was right.
    fn new_error(&self, document: &Document, after: &Parsed, was: &Checked) -> Option<Diagnostic> {
        let error = |diagnostic: &&Diagnostic| diagnostic.severity == Severity::Error;
        if was.diagnostics.iter().any(|diagnostic| error(&diagnostic)) {
            return None;
        }
        let open = self.open_texts();
        let now = checked(after, &document.folder(), &self.sets, open);
        now.diagnostics.iter().find(error).cloned()
    }

    fn edits(&self, at: usize, places: &[Span], new: &str) -> Value {
        let text = &self.documents[at].text;
        let edits = places
            .iter()
            .map(|place| json!({"range": text.span(*place), "newText": new}));
        edits.collect::<Vec<Value>>().into()
    }
}

/// A text with other words at places that do not overlap, in order.
fn replaced(text: &str, places: &[Span], new: &str) -> String {
    let mut out = String::new();
    let mut at = 0;
    for place in places {
        out += text.get(at..place.start as usize).unwrap_or_default();
        out += new;
        at = place.end as usize;
    }
    out + text.get(at..).unwrap_or_default()
}

/// The places of a file, put together by what they mean, as they stand once the text at `places` has `width` bytes.
fn meaning(
    names: &Names,
    places: &[Span],
    width: usize,
) -> (BTreeSet<Vec<usize>>, BTreeSet<usize>) {
    let moved = |span: &Span| {
        let before = places.iter().take_while(|place| place.start < span.start);
        let (count, bytes) = before.fold((0, 0), |(count, bytes), place| {
            (count + 1, bytes + (place.end - place.start) as usize)
        });
        span.start as usize + count * width - bytes
    };
    let symbols = names.symbols.iter();
    let groups = symbols.map(|symbol| symbol.places().iter().map(&moved).collect());
    let free = names.free.iter().map(|name| moved(&name.span));
    (groups.collect(), free.collect())
}
