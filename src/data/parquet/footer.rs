//! A look at what stands at the end of a Parquet file, before the crate reads it by functions that call themselves for each group in a group.
//!
//! It is a structure of Thrift's compact protocol; its second field is the tree of the columns as a list, in which a group says how many
//! of the next elements it holds.
//! Source: <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>.

/// What a file begins and ends with.
pub(super) const MAGIC: &[u8] = b"PAR1";

/// Most bytes at the end of a file that say what it holds: the crate reserves memory for what may stand there.
const LONGEST: usize = 64 << 20;

/// Most groups in groups.
const DEEPEST: usize = 64;

/// An error where the end of the file cannot be read, or its groups lie deeper than any table's.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    let cut = || "it does not end with PAR1".to_string();
    let inner = bytes
        .strip_prefix(MAGIC)
        .and_then(|rest| rest.strip_suffix(MAGIC));
    let (inner, size) = inner
        .and_then(|inner| inner.split_last_chunk::<4>())
        .ok_or_else(cut)?;
    let size = u32::from_le_bytes(*size) as usize;
    if size > LONGEST {
        return Err(format!(
            "what stands at its end is longer than {LONGEST} bytes"
        ));
    }
    let footer = inner.len().checked_sub(size);
    let mut compact = Compact {
        rest: footer
            .and_then(|start| inner.get(start..))
            .ok_or("its end says that it is longer")?,
    };
    match compact.schemas() {
        None => Err("what stands at its end does not fit together".into()),
        Some(true) => Ok(()),
        Some(false) => Err(format!("more than {DEEPEST} groups in groups")),
    }
}

// The kinds of values.
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
const STRUCT: u8 = 12;

/// Values one after the other; `None` where they end too early.
struct Compact<'a> {
    rest: &'a [u8],
}

impl Compact<'_> {
    /// Whether no tree of columns of the file is too deep.
    fn schemas(&mut self) -> Option<bool> {
        let mut id = 0;
        while let Some(kind) = self.field(&mut id)? {
            if id != 2 || kind != LIST {
                self.skip(kind, DEEPEST)?;
                continue;
            }
            let (count, kind) = self.list()?;
            // How many elements are still to come of each group that is open.
            let mut open: Vec<u64> = Vec::new();
            for _ in 0..count {
                while open.last() == Some(&0) {
                    open.pop();
                }
                if let Some(left) = open.last_mut() {
                    *left -= 1;
                }
                let children = if kind == STRUCT { self.children()? } else { 0 };
                if children > 0 {
                    open.push(children);
                }
                if open.len() > DEEPEST {
                    return Some(false);
                }
            }
        }
        Some(true)
    }

    /// How many elements a group holds.
    fn children(&mut self) -> Option<u64> {
        let (mut id, mut children) = (0, 0);
        while let Some(kind) = self.field(&mut id)? {
            match (id, kind) {
                (5, I32) => children = self.number()? >> 1,
                _ => self.skip(kind, DEEPEST)?,
            }
        }
        Some(children)
    }

    fn take(&mut self, count: u64) -> Option<()> {
        self.rest = self.rest.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        varint(&mut self.rest)
    }

    /// The kind of the next field of a structure, whose number is counted on from that of the one before; `None` inside at its end.
    fn field(&mut self, id: &mut u64) -> Option<Option<u8>> {
        let head = self.byte()?;
        if head & 15 == 0 {
            return Some(None);
        }
        *id = match head >> 4 {
            0 => self.number()? >> 1,
            more => *id + u64::from(more),
        };
        Some(Some(head & 15))
    }

    /// How many elements a list has, and their kind.
    fn list(&mut self) -> Option<(u64, u8)> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.number()?,
            few => u64::from(few),
        };
        // An element has a byte at least.
        (count <= self.rest.len() as u64).then_some((count, head & 15))
    }

    fn skip(&mut self, kind: u8, deepest: usize) -> Option<()> {
        let deeper = deepest.checked_sub(1)?;
        match kind {
            // A boolean field is its kind.
            1 | 2 => Some(()),
            BYTE => self.take(1),
            I16 | I32 | I64 => self.number().map(drop),
            DOUBLE => self.take(8),
            BINARY => {
                let length = self.number()?;
                self.take(length)
            }
            LIST | SET => {
                let (count, kind) = self.list()?;
                (0..count).try_for_each(|_| self.element(kind, deeper))
            }
            MAP => {
                let count = self.number()?;
                let kinds = if count == 0 { 0 } else { self.byte()? };
                (0..count).try_for_each(|_| {
                    self.element(kinds >> 4, deeper)?;
                    self.element(kinds & 15, deeper)
                })
            }
            STRUCT => {
                let mut id = 0;
                while let Some(kind) = self.field(&mut id)? {
                    self.skip(kind, deeper)?;
                }
                Some(())
            }
            _ => None,
        }
    }

    /// Skips an element of a list, where a boolean is a byte.
    fn element(&mut self, kind: u8, deepest: usize) -> Option<()> {
        match kind {
            1 | 2 => self.take(1),
            _ => self.skip(kind, deepest),
        }
    }
}

/// A number of seven bits a byte, the lowest first.
pub(super) fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (first, more) = rest.split_first()?;
        *rest = more;
        number |= u64::from(first & 127) << shift;
        if first & 128 == 0 {
            return Some(number);
        }
    }
    None
}
