//! Where a name is declared, and where it is used.
use super::Server;
use super::document::{Checked, Parsed};
use super::hover::Found;
use super::text::{Text, uri_of};
use super::wire::Refusal;
use crate::base::source::{FileId, Span};
use crate::syntax::names::Symbol;
use serde_json::{Value, json};

impl Server {
    pub(super) fn definition(&mut self, at: usize, parameters: &Value) -> Result<Value, Refusal> {
        let offset = self.cursor(at, parameters)?;
        let (parsed, checked) = self.known(at);
        if let Some(found) = self.imported_file(at, &parsed, &checked, offset) {
            return Ok(found);
        }
        let document = &self.documents[at];
        if let Some((symbol, _)) = parsed.names.at(offset) {
            let place = symbol.binding_for(offset);
            let found =
                place.map(|span| json!({"uri": document.uri, "range": document.text.span(span)}));
            return Ok(found.unwrap_or_default());
        }
        let Some(word) = self.word(at, offset) else {
            return Ok(Value::Null);
        };
        if let Some(&target) = checked.record.leads.get(&word) {
            let found = self.location(document, &checked, target);
            return Ok(found.unwrap_or_default());
        }
        if let Some((callee, name)) = parsed
            .names
            .free_arguments
            .iter()
            .find(|(_, name)| name.span == word)
            .cloned()
        {
            return self.parameter_of(at, &parsed, &checked, &callee, &name.text);
        }
        match parsed.names.free_at(offset) {
            Some(name) => self.declaration(at, &parsed, &checked, &name.text),
            None => Ok(Value::Null),
        }
    }

    /// The file that the `import` at the cursor names.
    fn imported_file(
        &self,
        at: usize,
        parsed: &Parsed,
        checked: &Checked,
        offset: usize,
    ) -> Option<Value> {
        let (path, _) = parsed
            .names
            .imports
            .iter()
            .find(|(_, span)| (span.start as usize..=span.end as usize).contains(&offset))?;
        let folder = self.documents.get(at)?.folder();
        let wanted = super::real(&std::path::Path::new(&folder).join(&**path));
        let known = checked.imported.iter().find(|file| file.path == wanted);
        let uri = match known {
            Some(imported) => imported.uri(&self.documents),
            None if wanted.is_file() => uri_of(&wanted),
            None => return Some(Value::Null),
        };
        let start = json!({"line": 0, "character": 0});
        Some(json!({"uri": uri, "range": {"start": start, "end": start}}))
    }

    /// Where a name that the text does not bind is declared.
    fn declaration(
        &self,
        at: usize,
        parsed: &Parsed,
        checked: &Checked,
        name: &str,
    ) -> Result<Value, Refusal> {
        for imported in checked.imported.iter().rev() {
            if let Some(place) = imported
                .names
                .top(name)
                .and_then(|s| s.binding_for(usize::MAX))
            {
                let found = self.location(&self.documents[at], checked, place);
                return Ok(found.unwrap_or_default());
            }
        }
        match self.declared(parsed, checked, name) {
            Some(Found::Library(declared)) => {
                let (uri, text) = self.library.open(declared.span.file)?;
                Ok(json!({"uri": uri, "range": text.span(declared.span)}))
            }
            Some(Found::Own(_)) | None => Ok(Value::Null),
        }
    }

    /// Where a parameter of something that the text does not declare stands.
    fn parameter_of(
        &self,
        at: usize,
        parsed: &Parsed,
        checked: &Checked,
        callee: &str,
        name: &str,
    ) -> Result<Value, Refusal> {
        let Some(Found::Library(declared)) = self.declared(parsed, checked, callee) else {
            return self.declaration(at, parsed, checked, callee);
        };
        let (uri, text) = self.library.open(declared.span.file)?;
        let place = parameter_place(&text, declared.span, name).unwrap_or(declared.span);
        Ok(json!({"uri": uri, "range": text.span(place)}))
    }

    pub(super) fn references(&mut self, at: usize, parameters: &Value) -> Result<Value, Refusal> {
        let offset = self.cursor(at, parameters)?;
        let (parsed, checked) = self.known(at);
        let Some(symbol) = symbol_at(&parsed, &checked, offset) else {
            return Ok(json!([]));
        };
        let wants = parameters.pointer("/context/includeDeclaration");
        let with_bindings = wants.and_then(Value::as_bool).unwrap_or(true);
        let document = &self.documents[at];
        let found: Vec<Value> = places(symbol, &checked)
            .into_iter()
            .filter(|place| with_bindings || !symbol.bindings.contains(place))
            .map(|place| json!({"uri": document.uri, "range": document.text.span(place)}))
            .collect();
        Ok(found.into())
    }

    pub(super) fn highlights(&mut self, at: usize, parameters: &Value) -> Result<Value, Refusal> {
        let offset = self.cursor(at, parameters)?;
        let (parsed, checked) = self.known(at);
        let Some(symbol) = symbol_at(&parsed, &checked, offset) else {
            return Ok(json!([]));
        };
        let text = &self.documents[at].text;
        let found: Vec<Value> = places(symbol, &checked)
            .into_iter()
            .map(|place| {
                let kind = if symbol.bindings.contains(&place) {
                    3
                } else {
                    2
                };
                json!({"range": text.span(place), "kind": kind})
            })
            .collect();
        Ok(found.into())
    }
}

/// The symbol of the text at an offset, also where only checking knows that a field or argument means it.
pub(super) fn symbol_at<'a>(
    parsed: &'a Parsed,
    checked: &Checked,
    offset: usize,
) -> Option<&'a Symbol> {
    if let Some((symbol, _)) = parsed.names.at(offset) {
        return Some(symbol);
    }
    let mut leads = checked.record.leads.iter();
    let (_, target) = leads.find(|(place, _)| {
        place.file == FileId(0) && (place.start as usize..=place.end as usize).contains(&offset)
    })?;
    let mut symbols = parsed.names.symbols.iter();
    symbols.find(|symbol| symbol.bindings.contains(target))
}

/// Every place of the text that means a symbol.
pub(super) fn places(symbol: &Symbol, checked: &Checked) -> Vec<Span> {
    let mut found = symbol.places();
    let leads = checked.record.leads.iter();
    found.extend(
        leads
            .filter(|(place, target)| place.file == FileId(0) && symbol.bindings.contains(target))
            .map(|(place, _)| *place),
    );
    found.sort();
    found.dedup();
    found
}

/// The parameter of that name of a declaration, by the first place after its name where the name stands.
fn parameter_place(text: &Text, declared: Span, name: &str) -> Option<Span> {
    let parsed = super::document::parsed("", text.text.clone());
    let (symbol, _) = parsed.names.at(declared.start as usize)?;
    let parameters = symbol.parameters.iter();
    let mut found = parameters.filter_map(|&at| parsed.names.symbols.get(at));
    let found = found.find(|parameter| *parameter.name == *name)?;
    found.bindings.first().copied()
}
