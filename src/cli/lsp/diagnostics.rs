//! What the compiler says about a text, as the protocol writes it.
use super::Server;
use super::document::{Checked, Document, Parsed};
use super::text::Text;
use crate::base::diagnostic::{Diagnostic, Severity};
use crate::base::source::{FileId, Span};
use serde_json::{Value, json};

impl Server {
    /// The messages of a document.
    pub(super) fn diagnostics(&self, at: usize, parsed: &Parsed, checked: &Checked) -> Vec<Value> {
        let Some(document) = self.documents.get(at) else {
            return Vec::new();
        };
        checked
            .diagnostics
            .iter()
            .map(|diagnostic| self.diagnostic(document, parsed, checked, diagnostic))
            .collect()
    }

    fn diagnostic(
        &self,
        document: &Document,
        parsed: &Parsed,
        checked: &Checked,
        diagnostic: &Diagnostic,
    ) -> Value {
        let primary = diagnostic.labels.first();
        let own = |span: Span| span.file == FileId(0);
        let range = match primary {
            Some(label) if own(label.span) => document.text.span(label.span),
            Some(label) => document
                .text
                .span(import_of(parsed, checked, label.span.file)),
            None => document.text.range(0, 0),
        };
        let related: Vec<Value> = diagnostic
            .labels
            .iter()
            .enumerate()
            .filter(|(number, label)| *number > 0 || !own(label.span))
            .filter_map(|(_, label)| {
                let location = self.location(document, checked, label.span)?;
                let text = match label.text.is_empty() {
                    true => "here",
                    false => &label.text,
                };
                Some(json!({"location": location, "message": text}))
            })
            .collect();
        json!({
            "range": range,
            "severity": match diagnostic.severity {
                Severity::Error => 1,
                Severity::Warning => 2,
            },
            "code": diagnostic.code,
            "source": "dlmc",
            "message": message(diagnostic),
            "relatedInformation": related,
            "data": {"help": diagnostic.help},
        })
    }

    /// A place in any of the files of a program.
    pub(super) fn location(
        &self,
        document: &Document,
        checked: &Checked,
        span: Span,
    ) -> Option<Value> {
        if span.file == FileId(0) {
            return Some(json!({"uri": document.uri, "range": document.text.span(span)}));
        }
        let source = checked.sources.file(span.file);
        if let Some(imported) = checked.imported.iter().find(|file| file.file == span.file) {
            let text = Text::new(source.text.clone());
            let uri = imported.uri(&self.documents);
            return Some(json!({"uri": uri, "range": text.span(span)}));
        }
        let (uri, text) = self.library.open_named(&source.name)?;
        Some(json!({"uri": uri, "range": text.span(span)}))
    }
}

/// The `import` that a file came by, as well as the text tells; the first byte where there is none.
fn import_of(parsed: &Parsed, checked: &Checked, file: FileId) -> Span {
    let imports = &parsed.names.imports;
    let name = &checked.sources.file(file).name;
    let direct = imports.iter().find(|(path, _)| name.ends_with(&**path));
    let found = direct.or(imports.first());
    found.map_or(Span::default(), |(_, span)| *span)
}

/// All that is said of it in words: the message, what stands at the primary place, the mend, further facts.
fn message(diagnostic: &Diagnostic) -> String {
    let mut text = diagnostic.message.clone();
    if let Some(label) = diagnostic.labels.first().filter(|l| !l.text.is_empty()) {
        text += &format!(": {}", label.text);
    }
    if let Some(help) = &diagnostic.help {
        text += &format!("\nhelp: {help}");
    }
    for note in &diagnostic.notes {
        text += &format!("\nnote: {note}");
    }
    text
}
