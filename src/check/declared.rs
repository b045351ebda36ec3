//! What files declare, with its documentation, for listings and completion.
use crate::base::source::{FileId, Sources, Span};
use crate::syntax::ast::{Param, StmtKind};
use crate::syntax::parse;

/// What the language or a program declares, for listings and completion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// The name.
    pub name: String,
    /// `fn`, `layer` or `optimizer`.
    pub kind: &'static str,
    /// What stands before the body.
    pub head: String,
    /// The `##` lines.
    pub doc: String,
    /// The whole text.
    pub text: String,
    /// Where it stands.
    pub place: String,
    /// Where its name stands.
    pub span: Span,
    /// What it is called with.
    pub parameters: Parameters,
}

/// The names of what a declaration is called with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    /// Its configuration.
    pub config: Vec<String>,
    /// Its inputs.
    pub inputs: Vec<String>,
}

impl Parameters {
    /// Those that a call can name: of the configuration, where there is one, since the inputs come later; else the inputs, of which the
    /// first comes through the pipe where there is one.
    pub fn named(&self, is_piped: bool) -> &[String] {
        match self.config.is_empty() {
            true => self.inputs.get(usize::from(is_piped)..).unwrap_or_default(),
            false => &self.config,
        }
    }
}

/// The declarations of a file.
pub fn declarations(sources: &Sources, file: FileId) -> Vec<Declared> {
    let (tree, _) = parse::parse(sources, file);
    let names = |params: &[Param]| -> Vec<String> {
        params
            .iter()
            .map(|param| param.name.text.to_string())
            .collect()
    };
    let mut found = Vec::new();
    for statement in &tree.statements {
        let (kind, name, body, parameters) = match &statement.kind {
            StmtKind::Fn(f) => match &f.name {
                Some(name) => {
                    let inputs = names(&f.inputs);
                    let config = Vec::new();
                    ("fn", name, f.body.span, Parameters { config, inputs })
                }
                None => continue,
            },
            StmtKind::Layer(l) => {
                let config = l.config.as_deref().map(names).unwrap_or_default();
                let inputs = names(&l.inputs);
                let parameters = Parameters { config, inputs };
                ("layer", &l.name, l.body.span, parameters)
            }
            StmtKind::Optimizer(o) => {
                let config = names(&o.config);
                let inputs = Vec::new();
                let parameters = Parameters { config, inputs };
                ("optimizer", &o.name, o.body.span, parameters)
            }
            _ => continue,
        };
        found.push(Declared {
            name: name.text.to_string(),
            kind,
            head: format!("{kind} {}", head_text(sources, name.span, body)),
            doc: statement.doc.clone().unwrap_or_default(),
            text: sources.snippet(statement.span).to_string(),
            place: sources.location(statement.span),
            span: name.span,
            parameters,
        });
    }
    found
}

/// A declaration from its name to its body, on one line.
pub(super) fn head_text(sources: &Sources, name: Span, body: Span) -> String {
    let until = Span {
        end: body.start.max(name.start),
        ..name
    };
    let words: Vec<&str> = sources.snippet(until).split_whitespace().collect();
    let text = words.join(" ");
    text.trim_end_matches('{')
        .trim_end()
        .replace("( ", "(")
        .replace(" )", ")")
}
