//! An open text and what is known of it: its tree and names, at once; its types and messages, once it has been checked.
use super::files::{Provider, Sets, real};
use super::text::{Text, path_of, uri_of};
use crate::base::diagnostic::Diagnostic;
use crate::base::source::{FileId, Sources, Span};
use crate::check::declared::{Declared, declarations};
use crate::check::record::Record;
use crate::check::{CheckOptions, STANDARD_LIBRARY, inspect};
use crate::syntax::ast::File;
use crate::syntax::names::Names;
use crate::syntax::parse;
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// The name and folder of a text without a file.
const UNNAMED: &str = "<editor>";

/// An open text.
pub struct Document {
    /// As the client writes it.
    pub uri: String,
    /// Where it lies, where it is a file.
    pub path: Option<PathBuf>,
    /// As the client counts.
    pub version: Option<i64>,
    /// The text.
    pub text: Text,
    parsed: Option<Rc<Parsed>>,
    checked: Option<Rc<Checked>>,
    /// What was known of an earlier text.
    pub earlier: Option<Rc<Checked>>,
}

/// The tree of a text and its names.
pub struct Parsed {
    /// The text, as file 0.
    pub sources: Sources,
    /// The tree.
    pub tree: File,
    /// What is wrong with it.
    pub diagnostics: Vec<Diagnostic>,
    /// Its names.
    pub names: Names,
    /// What it declares.
    pub declared: Vec<Declared>,
}

/// What checking has found.
pub struct Checked {
    /// The text, as file 0, the standard library, the imported files.
    pub sources: Sources,
    /// What is said, as `dlmc check` says it.
    pub diagnostics: Vec<Diagnostic>,
    /// Types and places.
    pub record: Record,
    /// Imported files.
    pub imported: Vec<Imported>,
}

/// An imported file.
pub struct Imported {
    /// Its number among the sources.
    pub file: FileId,
    /// Where it lies.
    pub path: PathBuf,
    /// Its names.
    pub names: Names,
    /// What it declares.
    pub declared: Vec<Declared>,
}

impl Document {
    /// An open text of which nothing is known yet.
    pub fn new(uri: &str, version: Option<i64>, text: &str) -> Document {
        Document {
            uri: uri.into(),
            path: path_of(uri).map(|path| real(&path)),
            version,
            text: Text::new(text),
            parsed: None,
            checked: None,
            earlier: None,
        }
    }

    /// Takes over another text.
    pub fn replace(&mut self, text: Text, version: Option<i64>) {
        self.text = text;
        self.version = version;
        self.parsed = None;
        self.forget();
    }

    /// Forgets what checking found, since something that it depends on has changed.
    pub fn forget(&mut self) {
        if let Some(checked) = self.checked.take() {
            self.earlier = Some(checked);
        }
    }

    /// Whether nothing is known yet of the present text beyond its names.
    pub fn is_unchecked(&self) -> bool {
        self.checked.is_none()
    }

    /// The tree and the names.
    pub fn parsed(&mut self) -> Rc<Parsed> {
        if let Some(parsed) = &self.parsed {
            return parsed.clone();
        }
        let parsed = Rc::new(parsed(&self.name(), self.text.text.clone()));
        self.parsed = Some(parsed.clone());
        parsed
    }

    /// The types and messages; `open` are the texts that the editor has open.
    pub fn checked(
        &mut self,
        sets: &Rc<RefCell<Sets>>,
        open: HashMap<PathBuf, Arc<str>>,
    ) -> Rc<Checked> {
        if let Some(checked) = &self.checked {
            return checked.clone();
        }
        let parsed = self.parsed();
        let checked = Rc::new(checked(&parsed, &self.folder(), sets, open));
        self.checked = Some(checked.clone());
        checked
    }

    /// The folder that the program's paths start from.
    pub fn folder(&self) -> String {
        let folder = self.path.as_deref().and_then(Path::parent);
        folder.map_or(".".into(), |folder| folder.display().to_string())
    }

    fn name(&self) -> String {
        match &self.path {
            Some(path) => path.display().to_string(),
            None => UNNAMED.into(),
        }
    }

    /// Whether the present text, as far as it was checked, imports a file.
    pub fn imports(&self, path: &Path) -> bool {
        let known = self.checked.as_ref().or(self.earlier.as_ref());
        known.is_some_and(|checked| checked.imported.iter().any(|file| file.path == path))
    }
}

/// Parses a text.
pub fn parsed(name: &str, text: Arc<str>) -> Parsed {
    let mut sources = Sources::default();
    let whole = text.len();
    let file = sources.add(name, text);
    let (tree, diagnostics) = parse(&sources, file);
    let names = Names::of(&tree, Span::new(file, 0, whole));
    let declared = declarations(&sources, file);
    Parsed {
        sources,
        tree,
        diagnostics,
        names,
        declared,
    }
}

/// Checks a text; nothing is trained and nothing compiled to native code.
pub fn checked(
    parsed: &Parsed,
    folder: &str,
    sets: &Rc<RefCell<Sets>>,
    open: HashMap<PathBuf, Arc<str>>,
) -> Checked {
    let mut sources = parsed.sources.clone();
    let mut provider = Provider {
        sets: sets.clone(),
        open,
        imported: Vec::new(),
    };
    let options = CheckOptions {
        base_dir: folder.into(),
        ..CheckOptions::default()
    };
    let (said, record) = inspect(&parsed.tree, &mut sources, &mut provider, &options);
    let mut diagnostics = parsed.diagnostics.clone();
    for diagnostic in said {
        // A part that is elaborated several times has the same to say each time.
        if !diagnostics.contains(&diagnostic) {
            diagnostics.push(diagnostic);
        }
    }
    let imported = imported(&sources, &provider.imported);
    Checked {
        sources,
        diagnostics,
        record,
        imported,
    }
}

fn imported(sources: &Sources, found: &[(String, PathBuf)]) -> Vec<Imported> {
    let files = sources.files().iter().enumerate();
    files
        .skip(1 + STANDARD_LIBRARY.len())
        .filter_map(|(at, source)| {
            let (_, path) = found.iter().find(|(name, _)| **name == *source.name)?;
            let file = FileId(at as u32);
            let (tree, _) = parse(sources, file);
            Some(Imported {
                file,
                path: path.clone(),
                names: Names::of(&tree, Span::new(file, 0, source.text.len())),
                declared: declarations(sources, file),
            })
        })
        .collect()
}

impl Imported {
    /// The URI under which the client knows it, or that of its path.
    pub fn uri(&self, documents: &[Document]) -> String {
        let open = documents
            .iter()
            .find(|document| document.path.as_deref() == Some(&self.path));
        open.map_or_else(|| uri_of(&self.path), |document| document.uri.clone())
    }
}
