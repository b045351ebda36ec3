//! What may stand at the cursor. The text is seldom right while one types: so names come from what parses, fields from what was checked last.
use super::Server;
use super::document::{Checked, Parsed};
use super::hover::documented;
use super::wire::Refusal;
use crate::base::source::FileId;
use crate::check::declared::Parameters;
use crate::check::names::language_names;
use crate::check::train::KEYS;
use crate::cli::words::{Call, WORDS, called, is_train_block, is_word, path_start};
use crate::syntax::names::SymbolKind;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Kinds of completion items, as the protocol numbers them.
mod kind {
    pub const FUNCTION: u64 = 3;
    pub const FIELD: u64 = 5;
    pub const VARIABLE: u64 = 6;
    pub const CLASS: u64 = 7;
    pub const PROPERTY: u64 = 10;
    pub const KEYWORD: u64 = 14;
    pub const CONSTANT: u64 = 21;
}

/// The items by their labels, each with its rank: lower ones are shown first.
struct Items {
    found: BTreeMap<String, Value>,
}

impl Items {
    fn add(&mut self, rank: u8, label: &str, kind: u64, detail: Option<&str>, doc: Option<String>) {
        // What was added first stands nearer.
        if self.found.contains_key(label) {
            return;
        }
        let mut item = json!({"label": label, "kind": kind, "sortText": format!("{rank}{label}")});
        if let Some(detail) = detail {
            item["detail"] = detail.into();
        }
        if let Some(doc) = doc {
            item["documentation"] = json!({"kind": "markdown", "value": doc});
        }
        self.found.insert(label.into(), item);
    }

    fn list(self) -> Value {
        self.found.into_values().collect::<Vec<Value>>().into()
    }
}

impl Server {
    pub(super) fn completion(&mut self, at: usize, parameters: &Value) -> Result<Value, Refusal> {
        let offset = self.cursor(at, parameters)?;
        let text = self.documents[at].text.text.clone();
        let before = text.get(..offset).unwrap_or_default();
        let mut items = Items {
            found: BTreeMap::new(),
        };
        if stands_in_text(before) {
            return Ok(items.list());
        }
        let parsed = self.documents[at].parsed();
        let path = before.get(path_start(before)..).unwrap_or_default();
        if let Some((base, _)) = path.rsplit_once('.') {
            if base.starts_with(|c: char| is_word(c) && !c.is_numeric()) {
                let (_, checked) = self.known(at);
                self.fields(at, &checked, base, offset, &mut items);
            }
            return Ok(items.list());
        }
        let word = before.get(path_start(before)..).map_or(0, str::len);
        let outside = before.get(..before.len() - word).unwrap_or_default();
        let checked = self.latest(at);
        if is_train_block(outside) {
            for key in KEYS {
                let doc = self.library.settings.get(key).cloned();
                items.add(0, key, kind::PROPERTY, Some("a setting of train"), doc);
            }
        }
        if let Some(call) = called(outside) {
            self.arguments(&parsed, checked.as_deref(), call, offset, &mut items);
        }
        self.names(&parsed, checked.as_deref(), offset, &mut items);
        Ok(items.list())
    }

    /// What was known last, of this text or an earlier one.
    fn latest(&mut self, at: usize) -> Option<Rc<Checked>> {
        if let Some(earlier) = self.documents[at].earlier.clone()
            && self.documents[at].is_unchecked()
        {
            return Some(earlier);
        }
        Some(self.known(at).1)
    }

    /// Fields of what stands before the dot: by what is known now, else by what was known of the text before.
    fn fields(&self, at: usize, checked: &Checked, base: &str, offset: usize, items: &mut Items) {
        let earlier = self.documents[at].earlier.as_deref();
        for known in std::iter::once(checked).chain(earlier) {
            let members = known.record.members.iter();
            let nearest = members
                .filter(|member| member.place.file == FileId(0))
                .filter(|member| known.sources.snippet(member.place) == base)
                .min_by_key(|member| (member.place.start as usize).abs_diff(offset));
            if let Some(member) = nearest {
                for (name, what) in &member.fields {
                    items.add(0, name, kind::FIELD, Some(what), None);
                }
                return;
            }
        }
    }

    /// The names of a callee's arguments.
    fn arguments(
        &self,
        parsed: &Parsed,
        checked: Option<&Checked>,
        call: Call<'_>,
        offset: usize,
        items: &mut Items,
    ) {
        let callee = call.name;
        let visible = parsed.names.visible(offset);
        let own = visible.into_iter().find(|symbol| *symbol.name == *callee);
        let parameters = match own {
            Some(symbol) => {
                let symbols = symbol.parameters.iter();
                let names = symbols.filter_map(|&at| parsed.names.symbols.get(at));
                let mut config: Vec<String> = names.map(|found| found.name.to_string()).collect();
                let inputs = config.split_off(symbol.config.min(config.len()));
                Parameters { config, inputs }
            }
            None => {
                let imported = checked.iter().flat_map(|checked| &checked.imported);
                let imported = imported.flat_map(|file| &file.declared);
                let library = self.library.declared.values();
                let mut all = imported.chain(library);
                let found = all.find(|declared| declared.name == callee);
                found.map_or(Parameters::default(), |declared| {
                    declared.parameters.clone()
                })
            }
        };
        let detail = format!("an argument of {callee}");
        for name in parameters.named(call.is_piped) {
            items.add(
                0,
                &format!("{name} = "),
                kind::PROPERTY,
                Some(&detail),
                None,
            );
        }
    }

    /// Everything that a name may mean at the cursor.
    fn names(&self, parsed: &Parsed, checked: Option<&Checked>, offset: usize, items: &mut Items) {
        for symbol in parsed.names.visible(offset) {
            let declared = parsed.declared.iter().find(|d| *d.name == *symbol.name);
            let (what, doc) = match (symbol.kind, declared) {
                (SymbolKind::Function | SymbolKind::Optimizer, Some(declared)) => {
                    (kind::FUNCTION, Some(documented(declared)))
                }
                (SymbolKind::Layer, Some(declared)) => (kind::CLASS, Some(documented(declared))),
                (SymbolKind::Hyper | SymbolKind::Size, _) => (kind::CONSTANT, symbol.doc.clone()),
                _ => (kind::VARIABLE, symbol.doc.clone()),
            };
            let detail = declared.filter(|_| symbol.top).map(|d| d.head.as_str());
            items.add(1, &symbol.name, what, detail, doc);
        }
        for imported in checked.iter().flat_map(|checked| &checked.imported) {
            for symbol in imported.names.symbols.iter().filter(|symbol| symbol.top) {
                let declared = imported.declared.iter().find(|d| *d.name == *symbol.name);
                let (detail, doc) = (declared.map(|d| d.head.as_str()), declared.map(documented));
                items.add(2, &symbol.name, kind::VARIABLE, detail, doc);
            }
        }
        for declared in self.library.declared.values() {
            let what = match declared.kind {
                "layer" => kind::CLASS,
                _ => kind::FUNCTION,
            };
            let doc = Some(documented(declared));
            items.add(3, &declared.name, what, Some(&declared.head), doc);
        }
        for name in language_names() {
            let detail = Some("known to the language itself");
            let doc = self.library.language.get(name).cloned();
            items.add(4, name, kind::FUNCTION, detail, doc);
        }
        for word in WORDS {
            let doc = self.library.language.get(*word).cloned();
            items.add(5, word, kind::KEYWORD, None, doc);
        }
    }
}

/// Whether the end of a text stands in a string or a comment, where no name is meant.
fn stands_in_text(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default();
    let mut quoted = false;
    let mut escaped = false;
    for c in line.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '#' if !quoted => return true,
            _ => {}
        }
    }
    // In the braces of a string stands an expression.
    quoted && line.rfind('{') <= line.rfind('}').max(line.rfind('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_comments_complete_nothing() {
        assert!(stands_in_text("let x = \"a"));
        assert!(stands_in_text("x # comm"));
        assert!(!stands_in_text("print \"a\", "));
        assert!(!stands_in_text("print \"loss {lo"));
        assert!(stands_in_text("print \"loss {loss} and"));
        assert!(!stands_in_text("# a\nx"));
    }
}
