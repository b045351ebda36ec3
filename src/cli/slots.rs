//! A folder of checkpoints: two files that are written in turn, each as a whole and with a checksum, so that at any moment one is sound.
use crate::data::whole::replace_by;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

/// What every file begins with, in every version of the format.
const MAGIC: &[u8; 8] = b"dlmcckpt";
/// The version of the format that this program writes, and the newest that it reads.
const VERSION: u32 = 1;
/// Bytes before the content: magic, version (u32), length of the content (u64), CRC-32 of the content, CRC-32 of all before;
/// little-endian. Later versions keep these, so that an older program can tell a newer file from a damaged one.
const PREFIX: usize = 28;
/// The files.
pub const NAMES: [&str; 2] = ["checkpoint.0", "checkpoint.1"];
/// What a file is called until it is whole.
const PARTIAL: &str = "checkpoint.partial";

/// What a file holds.
pub enum Slot {
    /// It is not there.
    Missing,
    /// It is not sound, and why.
    Damaged(String),
    /// It was written by a newer dlmc in this version of the format.
    Newer(u32),
    /// Its content.
    Whole(Vec<u8>),
}

/// A folder that this process alone writes checkpoints to.
pub struct Folder {
    path: PathBuf,
    /// Held as long as the folder is.
    _lock: File,
}

impl Folder {
    /// Makes the folder where there is none, and takes it.
    ///
    /// # Errors
    /// A sentence on why it cannot be used.
    pub fn open(path: &Path) -> Result<Folder, String> {
        let shown = path.display();
        if path.exists() && !path.is_dir() {
            return Err(format!(
                "\"{shown}\" is a file; --checkpoint takes a folder"
            ));
        }
        let failed = |error: Error| format!("the folder \"{shown}\" cannot be written: {error}");
        std::fs::create_dir_all(path).map_err(failed)?;
        let lock = path.join("lock");
        // A link would be followed, and a pipe be waited for.
        if std::fs::symlink_metadata(&lock).is_ok_and(|found| !found.is_file()) {
            return Err(format!(
                "\"{}\" is no ordinary file\nhelp: a folder of checkpoints has a file of that name, which is empty: take away what stands there",
                lock.display()
            ));
        }
        let mut options = OpenOptions::new();
        let lock = options.write(true).create(true).truncate(false).open(lock);
        let lock = lock.map_err(failed)?;
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => {
                Err(format!("another run writes its checkpoints to \"{shown}\""))
            }
            // Some file systems know no locks; there the user must see to it.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Folder {
                path: path.to_path_buf(),
                _lock: lock,
            }),
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads a file.
    ///
    /// # Errors
    /// A file that is there and cannot be read.
    pub fn read(&self, slot: usize) -> std::io::Result<Slot> {
        let path = self.path.join(NAMES[slot % NAMES.len()]);
        let ordinary = |data: std::fs::Metadata| match data.is_file() {
            true => std::fs::read(&path),
            false => Err(Error::other("it is not an ordinary file")),
        };
        match path.metadata().and_then(ordinary) {
            Ok(bytes) => Ok(content(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Slot::Missing),
            Err(error) => Err(error),
        }
    }

    /// Writes a file: under another name, to the disk, then renamed. Until that the file of before is there, after it the new one.
    ///
    /// # Errors
    /// Why it cannot be written; the file of before is still there.
    pub fn write(&self, slot: usize, content: &[&[u8]]) -> std::io::Result<()> {
        let path = self.path.join(NAMES[slot % NAMES.len()]);
        let prefix = prefix(content);
        let parts: Vec<&[u8]> = std::iter::once(&*prefix)
            .chain(content.iter().copied())
            .collect();
        replace_by(&self.path.join(PARTIAL), &path, &parts)
    }
}

fn prefix(content: &[&[u8]]) -> Vec<u8> {
    let length: usize = content.iter().map(|part| part.len()).sum();
    let mut sum = crc32fast::Hasher::new();
    content.iter().for_each(|part| sum.update(part));
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&(length as u64).to_le_bytes());
    out.extend_from_slice(&sum.finalize().to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(&out).to_le_bytes());
    out
}

/// What the bytes of a file are.
fn content(mut bytes: Vec<u8>) -> Slot {
    let Some(start) = bytes.first_chunk::<PREFIX>() else {
        return Slot::Damaged(format!("it ends after {} bytes", bytes.len()));
    };
    let word = |at: usize| {
        start[at..at + 4]
            .iter()
            .rev()
            .fold(0, |sum, &byte| sum << 8 | u32::from(byte))
    };
    let length = u64::from(word(12)) | u64::from(word(16)) << 32;
    let (version, sum) = (word(8), word(20));
    if !start.starts_with(MAGIC) || crc32fast::hash(&start[..24]) != word(24) {
        return Slot::Damaged("its first bytes are not those of a checkpoint".into());
    }
    if version > VERSION {
        return Slot::Newer(version);
    }
    let found = (bytes.len() - PREFIX) as u64;
    if found != length {
        return Slot::Damaged(format!("it holds {found} bytes instead of {length}"));
    }
    bytes.drain(..PREFIX);
    if crc32fast::hash(&bytes) != sum {
        return Slot::Damaged("its checksum does not fit its content".into());
    }
    Slot::Whole(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Vec<u8> {
        let parts: [&[u8]; 2] = [b"shape", b"state of the run"];
        [prefix(&parts), parts.concat()].concat()
    }

    #[test]
    fn a_file_reads_back() {
        let Slot::Whole(found) = content(whole()) else {
            panic!("it is sound");
        };
        assert_eq!(found, b"shapestate of the run");
    }

    #[test]
    fn every_flipped_bit_and_every_shorter_file_is_noticed() {
        let sound = whole();
        for bit in 0..sound.len() * 8 {
            let mut bytes = sound.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(content(bytes), Slot::Damaged(_)), "bit {bit}");
        }
        for length in 0..sound.len() {
            let bytes = sound[..length].to_vec();
            assert!(matches!(content(bytes), Slot::Damaged(_)), "{length} bytes");
        }
        let longer = [sound, vec![0]].concat();
        assert!(matches!(content(longer), Slot::Damaged(_)));
    }

    #[test]
    fn a_newer_version_is_no_damage() {
        let mut bytes = whole();
        bytes[8] = 2;
        let sum = crc32fast::hash(&bytes[..24]);
        bytes[24..28].copy_from_slice(&sum.to_le_bytes());
        assert!(matches!(content(bytes), Slot::Newer(2)));
    }
}
