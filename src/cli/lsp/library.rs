//! The standard library as an editor shows it: its declarations, and its files in a folder of the user's cache, which any editor can open.
use super::hover::{code, with_doc};
use super::text::{Text, uri_of};
use super::wire::Refusal;
use crate::base::source::{FileId, Sources};
use crate::check::STANDARD_LIBRARY;
use crate::check::declared::{Declared, declarations};
use crate::cli::doc::catalogue::{self, Entry};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The standard library.
pub struct Library {
    /// Its declarations by name.
    pub declared: HashMap<String, Declared>,
    /// What is said of the words and names that the language itself knows, as markdown.
    pub language: HashMap<String, String>,
    /// What is said of the settings of a `train`.
    pub settings: HashMap<String, String>,
    sources: Sources,
}

impl Library {
    /// Reads the embedded files.
    pub fn new() -> Library {
        let mut sources = Sources::default();
        let mut declared = HashMap::new();
        for (name, text) in STANDARD_LIBRARY {
            let file = sources.add(*name, *text);
            let found = declarations(&sources, file);
            declared.extend(found.into_iter().map(|one| (one.name.clone(), one)));
        }
        let mut language: HashMap<String, String> = HashMap::new();
        for entry in catalogue::language().into_iter().flat_map(|g| g.entries) {
            // `flatten` is a function and a transform.
            let text = language.entry(entry.name.clone()).or_default();
            let gap = if text.is_empty() { "" } else { "\n\n" };
            *text += &format!("{gap}{}", markdown(&entry));
        }
        let settings = catalogue::settings();
        Library {
            declared,
            language,
            settings: settings
                .map(|entry| (entry.name.clone(), markdown(&entry)))
                .collect(),
            sources,
        }
    }

    /// The URI of a file of the library, which is written first where it is not there yet, and its text.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn open(&self, file: FileId) -> Result<(String, Text), Refusal> {
        let source = self.sources.file(file);
        let path = folder().join(source.name.trim_start_matches("std/"));
        written(&path, &source.text).map_err(|error| {
            let path = path.display();
            Refusal::failed(format!(
                "the standard library cannot be shown: {path} cannot be written: {error}"
            ))
        })?;
        Ok((uri_of(&path), Text::new(source.text.clone())))
    }

    /// The same of a file by its name, `std/layers.dlm`.
    pub fn open_named(&self, name: &str) -> Option<(String, Text)> {
        let at = self
            .sources
            .files()
            .iter()
            .position(|file| *file.name == *name)?;
        self.open(FileId(at as u32)).ok()
    }
}

/// What is documented of a name: how it is used, what it does, its options.
fn markdown(entry: &Entry) -> String {
    let mut text = with_doc(code(&entry.head), &entry.doc);
    for (at, (name, doc)) in entry.options.iter().enumerate() {
        let gap = if at == 0 { "\n" } else { "" };
        text += &format!("{gap}\n- `{name}`: {doc}");
    }
    text
}

/// The folder of the library's files: that of the user's caches, else that of temporary files.
fn folder() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let caches = set("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| set("LOCALAPPDATA").map(PathBuf::from))
        .or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .filter(|path| path.is_absolute());
    let version = concat!("std-", env!("CARGO_PKG_VERSION"));
    caches
        .unwrap_or_else(std::env::temp_dir)
        .join("dlmc")
        .join(version)
}

/// Writes a text where the file does not hold it yet. It is marked as not to be changed: what is written there has no effect.
fn written(path: &Path, text: &str) -> std::io::Result<()> {
    if std::fs::read(path).is_ok_and(|found| found == text.as_bytes()) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // A file of another build has to go first, since it cannot be written.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    std::fs::write(path, text)?;
    let mut permissions = std::fs::metadata(path)?.permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(path, permissions)
}
