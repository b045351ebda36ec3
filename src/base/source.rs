//! Source files and positions in them.
use std::sync::Arc;

/// Longest source, in bytes.
pub const MOST_SOURCE_BYTES: usize = 8 << 20;

/// A file of a [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct FileId(pub u32);

/// A range of bytes of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The range `start..end` of `file`.
    pub fn new(file: FileId, start: usize, end: usize) -> Span {
        Span {
            file,
            start: start as u32,
            end: end as u32,
        }
    }

    /// The empty range behind it.
    pub fn behind(self) -> Span {
        Span {
            start: self.end.max(self.start),
            end: self.end.max(self.start),
            ..self
        }
    }

    /// The smallest range that holds both (which lie in one file).
    pub fn to(self, other: Span) -> Span {
        Span {
            file: self.file,
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }
}

/// One source text and the name it is reported under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Path or other name, as messages print it.
    pub name: Arc<str>,
    /// The text.
    pub text: Arc<str>,
    /// Byte offset of the start of each line.
    line_starts: Vec<u32>,
}

fn line_starts(text: &str) -> Vec<u32> {
    let after = text.match_indices('\n').map(|(at, _)| at as u32 + 1);
    std::iter::once(0).chain(after).collect()
}

/// All source texts of one compilation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    /// Adds a text.
    pub fn add(&mut self, name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> FileId {
        let text = text.into();
        self.files.push(SourceFile {
            name: name.into(),
            line_starts: line_starts(&text),
            text,
        });
        FileId(self.files.len() as u32 - 1)
    }

    /// Lengthens a text, as at a prompt; places in it stay what they are.
    pub fn append(&mut self, id: FileId, text: &str) {
        let file = &mut self.files[id.0 as usize];
        file.text = format!("{}{text}", file.text).into();
        file.line_starts = line_starts(&file.text);
    }

    /// The file of an id that this collection gave out.
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// All files, in the order they were added.
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// Line and column (both from 1, the column in characters) of the start of a span.
    pub fn line_column(&self, span: Span) -> (usize, usize) {
        let file = self.file(span.file);
        let line = file
            .line_starts
            .partition_point(|&start| start <= span.start)
            .max(1);
        let start = file.line_starts[line - 1] as usize;
        let column = file
            .text
            .get(start..span.start as usize)
            .map_or(1, |before| before.chars().count() + 1);
        (line, column)
    }

    /// `name:line:column` of the start of a span.
    pub fn location(&self, span: Span) -> String {
        let (line, column) = self.line_column(span);
        format!("{}:{line}:{column}", self.file(span.file).name)
    }

    /// The text that a span covers.
    pub fn snippet(&self, span: Span) -> &str {
        self.file(span.file)
            .text
            .get(span.start as usize..span.end as usize)
            .unwrap_or("")
    }
}
