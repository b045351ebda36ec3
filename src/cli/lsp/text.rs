//! A text as an editor sees it: lines, and columns in units of UTF-16; and paths as URIs.
use crate::base::source::Span;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A text and where its lines begin.
#[derive(Debug, Clone)]
pub struct Text {
    /// The text.
    pub text: Arc<str>,
    lines: Vec<usize>,
}

impl Text {
    /// A text.
    pub fn new(text: impl Into<Arc<str>>) -> Text {
        let text = text.into();
        let after = text.match_indices('\n').map(|(at, _)| at + 1);
        Text {
            lines: std::iter::once(0).chain(after).collect(),
            text,
        }
    }

    /// The byte at a position. One beyond the end of its line is the end of the line, as the protocol wants it.
    pub fn offset(&self, line: u64, character: u64) -> usize {
        let Some(&start) = usize::try_from(line)
            .ok()
            .and_then(|line| self.lines.get(line))
        else {
            return self.text.len();
        };
        let rest = self.text.get(start..).unwrap_or_default();
        let rest = rest.split('\n').next().unwrap_or_default();
        let rest = rest.strip_suffix('\r').unwrap_or(rest);
        let mut units = 0;
        for (at, c) in rest.char_indices() {
            // A position inside a surrogate pair is that of the character.
            units += c.len_utf16() as u64;
            if units > character {
                return start + at;
            }
        }
        start + rest.len()
    }

    /// The byte at a position of the protocol.
    pub fn offset_of(&self, position: &Value) -> Option<usize> {
        let line = position.get("line")?.as_u64()?;
        let character = position.get("character")?.as_u64()?;
        Some(self.offset(line, character))
    }

    /// The position of a byte; one inside a character is that of the character.
    pub fn position(&self, offset: usize) -> Value {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.lines.partition_point(|&start| start <= offset).max(1) - 1;
        let start = self.lines.get(line).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or_default();
        let character: usize = before.chars().map(char::len_utf16).sum();
        json!({"line": line, "character": character})
    }

    /// A range of bytes as the protocol writes it.
    pub fn range(&self, start: usize, end: usize) -> Value {
        json!({"start": self.position(start), "end": self.position(end)})
    }

    /// A place in this text.
    pub fn span(&self, span: Span) -> Value {
        self.range(span.start as usize, span.end as usize)
    }

    /// The text after a change: of a range, or of all where none is given.
    pub fn changed(&self, change: &Value) -> Option<Text> {
        let new = change.get("text")?.as_str()?;
        let Some(range) = change.get("range").filter(|range| !range.is_null()) else {
            return Some(Text::new(new));
        };
        let start = self.offset_of(range.get("start")?)?;
        let end = self.offset_of(range.get("end")?)?.max(start);
        let (before, after) = (self.text.get(..start)?, self.text.get(end..)?);
        Some(Text::new(format!("{before}{new}{after}")))
    }
}

/// The path of a `file:` URI.
pub fn path_of(uri: &str) -> Option<PathBuf> {
    let rest = uri.strip_prefix("file://")?;
    // `file://localhost/x` and `file:///x` are the same.
    let rest = rest.strip_prefix("localhost").unwrap_or(rest);
    let mut bytes = Vec::with_capacity(rest.len());
    let mut rest = rest.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digit = |byte: Option<u8>| (byte? as char).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                bytes.push((high * 16 + low) as u8);
            }
            byte => bytes.push(byte),
        }
    }
    let path = String::from_utf8(bytes).ok()?;
    // `/C:/x` of Windows.
    let drive = path.as_bytes().get(2) == Some(&b':');
    Some(PathBuf::from(match drive {
        true => path.trim_start_matches('/'),
        false => &path,
    }))
}

/// The `file:` URI of a path, which is made absolute.
pub fn uri_of(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let path = path.to_string_lossy().replace('\\', "/");
    let mut uri = String::from(match path.starts_with('/') {
        true => "file://",
        false => "file:///",
    });
    for byte in path.bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' => uri.push(byte as char),
            byte if byte.is_ascii_alphanumeric() => uri.push(byte as char),
            byte => uri += &format!("%{byte:02X}"),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `θ` has two bytes and one unit, `𝜃` (U+1D703) four bytes and two units.
    const TEXT: &str = "let θ₁ = 𝜃 + x\r\nb";

    #[test]
    fn columns_are_units_of_utf16() {
        let text = Text::new(TEXT);
        let plus = TEXT.find('+').unwrap();
        assert_eq!(text.position(plus), json!({"line": 0, "character": 12}));
        assert_eq!(text.offset(0, 12), plus);
        let astral = TEXT.find('𝜃').unwrap();
        assert_eq!(text.offset(0, 9), astral);
        assert_eq!(text.offset(0, 10), astral, "inside the pair");
        assert_eq!(text.position(astral + 2), text.position(astral));
        assert_eq!(text.offset(0, 99), TEXT.find('\r').unwrap());
        assert_eq!(text.offset(1, 0), TEXT.find('b').unwrap());
        assert_eq!(text.offset(9, 0), TEXT.len());
        for (at, _) in TEXT.char_indices().filter(|(_, c)| !"\r\n".contains(*c)) {
            let position = text.position(at);
            assert_eq!(text.offset_of(&position), Some(at));
        }
    }

    #[test]
    fn a_change_replaces_its_range() {
        let text = Text::new(TEXT);
        let range = text.range(TEXT.find('𝜃').unwrap(), TEXT.find('x').unwrap());
        let changed = text.changed(&json!({"range": range, "text": "é"})).unwrap();
        assert_eq!(&*changed.text, "let θ₁ = éx\r\nb");
        let whole = text.changed(&json!({"text": "new"})).unwrap();
        assert_eq!(&*whole.text, "new");
        assert!(text.changed(&json!({"range": 3, "text": ""})).is_none());
    }

    #[test]
    fn paths_and_uris_are_turned_into_each_other() {
        for path in ["/tmp/a b/θ#%.dlm", "/x"] {
            let uri = uri_of(Path::new(path));
            assert!(uri.is_ascii() && !uri.contains(' '), "{uri}");
            assert_eq!(path_of(&uri), Some(PathBuf::from(path)));
        }
        assert_eq!(path_of("file:///c%3A/x"), Some(PathBuf::from("c:/x")));
        assert_eq!(path_of("untitled:1"), None);
        assert_eq!(path_of("file:///%4"), None);
    }
}
