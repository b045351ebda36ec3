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
    /// From which byte on the text is reported under another name.
    renamed: Option<(u32, Arc<str>)>,
}

/// What a place is reported in: a whole text, or the part of it with a name of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// Path or other name.
    pub name: &'a Arc<str>,
    /// Byte of the whole text that it begins with.
    pub start: u32,
    /// The text.
    pub text: &'a str,
}

impl SourceFile {
    /// The part that a byte lies in.
    fn part(&self, at: u32) -> Part<'_> {
        let (name, start, end) = match &self.renamed {
            Some((start, name)) if at >= *start => (name, *start, self.text.len()),
            Some((start, _)) => (&self.name, 0, *start as usize),
            None => (&self.name, 0, self.text.len()),
        };
        Part {
            name,
            start,
            text: self.text.get(start as usize..end).unwrap_or_default(),
        }
    }

    /// The number of the line that a byte lies in, from 0.
    fn line(&self, at: u32) -> usize {
        let lines = self.line_starts.partition_point(|&start| start <= at);
        lines.saturating_sub(1)
    }
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
            renamed: None,
        });
        FileId(self.files.len() as u32 - 1)
    }

    /// Lengthens a text, as at a prompt; places in it stay what they are.
    pub fn append(&mut self, id: FileId, text: &str) {
        let file = &mut self.files[id.0 as usize];
        file.text = format!("{}{text}", file.text).into();
        file.line_starts = line_starts(&file.text);
    }

    /// What is appended from now on is reported under another name, its lines counted from 1.
    pub fn rename(&mut self, id: FileId, name: impl Into<Arc<str>>) {
        let file = &mut self.files[id.0 as usize];
        file.renamed = Some((file.text.len() as u32, name.into()));
    }

    /// What the start of a span is reported in.
    pub fn part(&self, span: Span) -> Part<'_> {
        self.file(span.file).part(span.start)
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
        let line = file.line(span.start);
        let start = file.line_starts[line] as usize;
        let column = file
            .text
            .get(start..span.start as usize)
            .map_or(1, |before| before.chars().count() + 1);
        (line - file.line(file.part(span.start).start) + 1, column)
    }

    /// `name:line:column` of the start of a span.
    pub fn location(&self, span: Span) -> String {
        let (line, column) = self.line_column(span);
        format!("{}:{line}:{column}", self.part(span).name)
    }

    /// The text that a span covers.
    pub fn snippet(&self, span: Span) -> &str {
        self.file(span.file)
            .text
            .get(span.start as usize..span.end as usize)
            .unwrap_or("")
    }
}
