//! `import`: another file's declarations and `let`s, once for all that import it.
use super::limits::MOST_IMPORTS;
use super::values::{Outcome, Reported, Val};
use super::{Checker, Frame, Module};
use crate::base::diagnostic::Diagnostic;
use crate::base::source::Span;
use crate::syntax::ast::{Stmt, StmtKind};
use std::path::Path;
use std::sync::Arc;

/// An import whose file is being read.
#[derive(Debug, Clone)]
pub(super) struct Importing {
    /// The `import`.
    span: Span,
    /// What its file is reported as.
    name: Arc<str>,
    module: usize,
}

impl Checker<'_> {
    /// `import "file"`: its declarations and `let`s; loops, prints and training in it do not run.
    pub(super) fn import(&mut self, path: &str, span: Span) -> Outcome<()> {
        let (text, name) = match self.provider.source(&self.base_dir, path) {
            Ok(found) => found,
            Err(error) => {
                return self.error(
                    "E0502",
                    span,
                    error.message,
                    error.help.unwrap_or_else(|| "check the path".into()),
                );
            }
        };
        if let Some(&module) = self.imported.get(&name) {
            self.refuse_ring(module, span);
            return self.bring_in(module, span);
        }
        if self.imported.len() >= MOST_IMPORTS {
            return self.error(
                "E0204",
                span,
                format!("more than {MOST_IMPORTS} files are imported"),
                "join some of them",
            );
        }
        let file = self.sources.add(name.as_str(), text);
        let (tree, diagnostics) = crate::syntax::parse::parse(&self.sources, file);
        let failed = !diagnostics.is_empty();
        self.diagnostics.extend(diagnostics);
        let module = self.modules.len();
        let stem = Path::new(path).file_stem().and_then(|stem| stem.to_str());
        self.modules.push(Module {
            stem: stem.unwrap_or("file").to_string(),
            ..Module::default()
        });
        self.imported.insert(name.clone(), module);
        if failed {
            return Err(Reported);
        }
        self.importing.push(Importing {
            span,
            name: name.into(),
            module,
        });
        self.imported_statements(&tree.statements, path, module);
        self.importing.pop();
        self.bring_in(module, span)
    }

    /// What counts of a file that is imported, elaborated as a module of its own.
    fn imported_statements(&mut self, statements: &[Stmt], path: &str, module: usize) {
        self.declare_all(statements, module);
        let frame = Frame {
            module,
            ..Frame::default()
        };
        let frames = std::mem::replace(&mut self.frames, vec![frame]);
        let base = self.base_dir.clone();
        let folder = Path::new(path).parent();
        let folder = folder.map(|folder| Path::new(&base).join(folder));
        if let Some(folder) = folder.as_ref().and_then(|folder| folder.to_str()) {
            self.base_dir = folder.to_string();
        }
        for statement in statements {
            if matches!(
                statement.kind,
                StmtKind::Let { .. }
                    | StmtKind::LetIndex { .. }
                    | StmtKind::Hyper { .. }
                    | StmtKind::Import(_)
            ) {
                // What fails is reported and leaves its names as errors.
                let _ = self.statement(statement);
            }
        }
        self.base_dir = base;
        self.frames = frames;
    }

    /// An error where the file of an import is one that is still being read: its names would depend on themselves.
    fn refuse_ring(&mut self, module: usize, span: Span) {
        let Some(start) = self.importing.iter().position(|open| open.module == module) else {
            return;
        };
        let ring: Vec<Importing> = self.importing.split_off(start);
        let first = ring.first().map_or("", |open| &open.name);
        let path: Vec<String> = ring
            .iter()
            .map(|open| open.name.as_ref())
            .chain([first])
            .map(|name| format!("\"{name}\""))
            .collect();
        let mut diagnostic = Diagnostic::error(
            "E0205",
            span,
            format!("imports go in a ring: {}", path.join(" imports ")),
        )
        .help(
            "move what they share into a file that imports none of them, or leave this import out",
        );
        for open in ring.iter().skip(1) {
            diagnostic = diagnostic.label(open.span, format!("imports \"{}\"", open.name));
        }
        self.report(diagnostic);
        self.importing.extend(ring);
    }

    fn bring_in(&mut self, module: usize, span: Span) -> Outcome<()> {
        let names: Vec<(Arc<str>, Val)> = self.modules[module]
            .names
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let target = self.frame().module;
        // In a ring a file's own names come back to it, which is not the mistake.
        let ring = self.diagnostics.iter().any(|said| said.code == "E0205");
        for (name, value) in names {
            if self.modules[target].spans.contains_key(&name) {
                if !ring {
                    let message = format!("`{name}` is declared here and in the imported file");
                    self.error::<()>("E0203", span, message, "give one of them another name")
                        .ok();
                }
                continue;
            }
            self.modules[target].names.insert(name, value);
        }
        Ok(())
    }
}
