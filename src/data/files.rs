//! Which files may be read, and their bytes: decompressed, size-limited, with errors that help.
use super::{fault, fault_help, foreign};
use crate::base::data::DataError;
use crate::base::diagnostic::nearest;
use glob::{MatchOptions, Pattern};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Most bytes of one file, decompressed, or of one tensor made from it, where the host says nothing else.
pub const MOST_FILE_BYTES: u64 = 1 << 32;

/// Files that one pattern may name: a folder of more is not a data set by mistake.
const MOST_FILES: usize = 10_000;

/// Which files may be read and how large they may be.
#[derive(Debug)]
pub(super) struct Policy {
    /// The folder, canonical, that no path may leave; `None` allows any path.
    root: Option<PathBuf>,
    /// Whether a named pipe may be read: who reads it waits for somebody to write.
    pipes: bool,
    /// Most bytes of one file (decompressed) or one tensor.
    pub(super) limit: u64,
}

impl Policy {
    pub(super) fn anywhere() -> Policy {
        Policy {
            root: None,
            pipes: true,
            limit: MOST_FILE_BYTES,
        }
    }

    /// Any file, but no named pipe: for what is read in the middle of a run, which must not wait.
    pub(super) fn without_pipes() -> Policy {
        Policy {
            pipes: false,
            ..Policy::anywhere()
        }
    }

    pub(super) fn rooted(root: &Path) -> Result<Policy, DataError> {
        let root = root.canonicalize().map_err(|error| DataError {
            message: format!(
                "the data folder \"{}\" cannot be opened: {error}",
                root.display()
            ),
            help: None,
            missing: true,
            stage: None,
        })?;
        Ok(Policy {
            root: Some(root),
            pipes: false,
            limit: MOST_FILE_BYTES,
        })
    }
}

/// A file or folder in a folder.
#[cfg(feature = "images")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) is_folder: bool,
}

/// The files that one request may read.
pub(super) struct Files<'a> {
    pub(super) policy: &'a Policy,
    /// Where relative paths start.
    pub(super) base_dir: &'a str,
}

impl Files<'_> {
    /// The name to report a file under: as written, behind the base folder where it is relative.
    pub(super) fn display(&self, path: &str) -> String {
        Path::new(self.base_dir).join(path).display().to_string()
    }

    /// The path on the disk, checked against the policy.
    pub(super) fn resolve(&self, path: &str) -> Result<PathBuf, DataError> {
        if path.is_empty() || path.contains('\0') {
            return Err(fault(format!("{path:?} is not the name of a file")));
        }
        if let Some(error) = address(path) {
            return Err(error);
        }
        let written = Path::new(self.base_dir).join(path);
        let Some(root) = &self.policy.root else {
            return Ok(written);
        };
        let joined = root.join(written);
        let outside = || {
            fault_help(
                format!("\"{path}\" lies outside the folder that this program may read"),
                "name a file below that folder",
            )
        };
        // A file that does not exist yet is judged by its folder, which must.
        let real =
            joined
                .canonicalize()
                .or_else(|error| match (joined.parent(), joined.file_name()) {
                    (Some(folder), Some(name))
                        if error.kind() == ErrorKind::NotFound && !joined.is_symlink() =>
                    {
                        folder.canonicalize().map(|folder| folder.join(name))
                    }
                    _ => Err(error),
                });
        match real {
            Ok(real) if real.starts_with(root) => Ok(real),
            Ok(_) => Err(outside()),
            Err(_) if leaves(root, &joined) => Err(outside()),
            Err(_) => Err(self.missing(path, &joined)),
        }
    }

    /// What a folder holds, by name, without what is hidden; `None` where the path is no folder.
    #[cfg(feature = "images")]
    pub(super) fn list(&self, path: &str) -> Result<Option<Vec<Entry>>, DataError> {
        if is_pattern(path) && !Path::new(self.base_dir).join(path).exists() {
            return Ok(None);
        }
        let real = self.resolve(path)?;
        if !real.is_dir() {
            return Ok(None);
        }
        let unreadable = |error: std::io::Error| DataError {
            message: format!("\"{path}\" cannot be read: {error}"),
            help: None,
            missing: true,
            stage: None,
        };
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(&real).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let Ok(name) = entry.file_name().into_string() else {
                return Err(fault_help(
                    format!("{path}: a name that is not UTF-8"),
                    "give the file another name",
                ));
            };
            if !name.starts_with('.') {
                let is_folder = entry.path().is_dir();
                entries.push(Entry { name, is_folder });
            }
        }
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(Some(entries))
    }

    /// The files that a path names: itself, or where it has `*`, `?` or `[`, those that match, in the order of their names.
    pub(super) fn expand(&self, path: &str) -> Result<Vec<String>, DataError> {
        if !is_pattern(path)
            || address(path).is_some()
            || Path::new(self.base_dir).join(path).exists()
        {
            return Ok(vec![path.to_string()]);
        }
        // What stands before the first pattern must be a folder that may be read.
        let plain = path.split(['*', '?', '[']).next().unwrap_or_default();
        let folder = match plain.rfind('/') {
            Some(end) => &path[..end.max(1)],
            None => ".",
        };
        let base = self.resolve(folder)?;
        if path.split('/').any(|part| part == "..") && self.policy.root.is_some() {
            return Err(fault_help(
                format!("\"{path}\" is a pattern with `..`"),
                "name a folder below that of the program",
            ));
        }
        let rest = match plain.rfind('/') {
            Some(end) => &path[end + 1..],
            None => path,
        };
        let pattern = format!("{}/{rest}", Pattern::escape(&base.to_string_lossy()));
        let options = MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: true,
        };
        let found = glob::glob_with(&pattern, options)
            .map_err(|error| fault(format!("\"{path}\" is no pattern: {}", error.msg)))?;
        let mut names = Vec::new();
        for real in found {
            let real = real.map_err(|error| DataError {
                message: format!("\"{path}\": {error}"),
                help: None,
                missing: true,
                stage: None,
            })?;
            if real.is_file() {
                // The walk leaves out a `.` that the base folder begins with.
                let (plain, base) = (without_dots(&real), without_dots(&base));
                let inner = plain.strip_prefix(base).unwrap_or(&plain);
                names.push(match folder {
                    "." => inner.display().to_string(),
                    _ => Path::new(folder).join(inner).display().to_string(),
                });
            }
            if names.len() > MOST_FILES {
                return Err(fault(format!(
                    "\"{path}\" names more than {MOST_FILES} files"
                )));
            }
        }
        names.sort_unstable();
        match names.is_empty() {
            false => Ok(names),
            true => Err(DataError {
                message: format!("no file matches \"{path}\""),
                help: Some(self.relative_hint()),
                missing: true,
                stage: None,
            }),
        }
    }

    /// The bytes of a file; a gzip stream (known by its magic number, not by its name) is decompressed. A format that is read
    /// by another reader or by none is an error.
    pub(super) fn read(&self, path: &str) -> Result<Vec<u8>, DataError> {
        self.read_within(path, self.policy.limit)
    }

    /// The same for a file of at most `limit` bytes.
    pub(super) fn read_within(&self, path: &str, limit: u64) -> Result<Vec<u8>, DataError> {
        let bytes = self.read_any(path, limit)?;
        foreign::refuse(path, &bytes)?;
        Ok(bytes)
    }

    /// The text of a file.
    pub(super) fn text(&self, path: &str) -> Result<String, DataError> {
        utf8(self.read(path)?, path)
    }

    /// The bytes of a file of whatever format, of at most `limit` bytes; a gzip stream is decompressed.
    pub(super) fn read_any(&self, path: &str, limit: u64) -> Result<Vec<u8>, DataError> {
        let limit = limit.min(self.policy.limit);
        let real = self.resolve(path)?;
        let unreadable = |error: std::io::Error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => self.missing(path, &real),
            _ => DataError {
                message: format!("\"{path}\" cannot be read: {error}"),
                help: None,
                missing: true,
                stage: None,
            },
        };
        let data = std::fs::metadata(&real).map_err(unreadable)?;
        let kind = data.file_type();
        if kind.is_dir() {
            let help = Some("name a file in it".to_string());
            return Err(DataError {
                message: format!("\"{path}\" is a folder, not a file"),
                help,
                missing: true,
                stage: None,
            });
        }
        // A pipe ends; a device such as `/dev/zero` never does.
        if !(kind.is_file() || self.policy.pipes && is_pipe(kind)) {
            return Err(fault_help(
                format!("\"{path}\" is not an ordinary file"),
                "name a file that holds the data",
            ));
        }
        if data.len() > limit {
            return Err(too_long(path, limit));
        }
        let raw =
            limited(File::open(&real).map_err(unreadable)?, path, limit)?.map_err(unreadable)?;
        let bytes = match raw.as_slice() {
            [0x1f, 0x8b, ..] => limited(
                flate2::read::MultiGzDecoder::new(raw.as_slice()),
                path,
                limit,
            )?
            .map_err(|error| {
                fault(format!(
                    "{path}: the gzip stream is damaged or cut off ({error})"
                ))
            })?,
            _ => raw,
        };
        Ok(bytes)
    }

    /// All bytes of a stream, or an error beyond the limit.
    pub(super) fn limited(
        &self,
        stream: impl Read,
        name: &str,
    ) -> Result<std::io::Result<Vec<u8>>, DataError> {
        limited(stream, name, self.policy.limit)
    }

    /// An error if a tensor of these sizes would exceed the limit; else its number of elements.
    pub(super) fn allow(
        &self,
        shape: &[usize],
        element_size: usize,
        what: &str,
    ) -> Result<usize, DataError> {
        let count = shape
            .iter()
            .try_fold(1usize, |product, &size| product.checked_mul(size));
        let bytes = count.and_then(|count| count.checked_mul(element_size));
        match (count, bytes) {
            (Some(count), Some(bytes)) if bytes as u64 <= self.policy.limit => Ok(count),
            _ => {
                let limit = self.policy.limit;
                Err(fault(format!(
                    "{what}: a tensor of sizes {shape:?} takes more than the limit of {limit} bytes"
                )))
            }
        }
    }

    /// The error for a file that is not there, with the nearest name of its folder.
    fn missing(&self, path: &str, real: &Path) -> DataError {
        let folder = real.parent().unwrap_or(Path::new("."));
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        let shown = match &self.policy.root {
            Some(root) => folder
                .strip_prefix(root)
                .map(|inner| Path::new(".").join(inner))
                .unwrap_or_default(),
            None => std::path::absolute(folder).unwrap_or(folder.to_path_buf()),
        };
        if !folder.is_dir() {
            let message = format!(
                "there is no file \"{path}\": the folder {} does not exist",
                shown.display()
            );
            return DataError {
                message,
                help: Some(self.relative_hint()),
                missing: true,
                stage: None,
            };
        }
        let names: Vec<String> = std::fs::read_dir(folder)
            .map(|entries| {
                entries
                    .flatten()
                    .filter_map(|entry| entry.file_name().into_string().ok())
                    .collect()
            })
            .unwrap_or_default();
        let wanted = real
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        names.sort_unstable();
        let help = match nearest(wanted, names) {
            _ if is_pattern(path) => "a pattern names no file here: write the name itself".into(),
            Some(near) => format!(
                "did you mean \"{}\"?",
                Path::new(path).with_file_name(near).display()
            ),
            None if Path::new(path).is_absolute() => "look at the names of its folders too".into(),
            None => self.relative_hint(),
        };
        let message = format!("there is no file \"{path}\" in {}", shown.display());
        DataError {
            message,
            help: Some(help),
            missing: true,
            stage: None,
        }
    }

    fn relative_hint(&self) -> String {
        // A program in the working directory has the base folder `.`; none at all is that of a file which the command names.
        match self.base_dir {
            "" => "relative paths start from the working directory".into(),
            _ => "relative paths start from the folder of the program's file".into(),
        }
    }
}

/// Whether a path may stand for several files.
fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// The path without the components that stay where they are.
fn without_dots(path: &Path) -> PathBuf {
    let components = path.components();
    components
        .filter(|component| *component != std::path::Component::CurDir)
        .collect()
}

/// The error for an address of the network in the place of a file.
pub fn address(path: &str) -> Option<DataError> {
    let (scheme, rest) = path.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let help = match scheme.as_str() {
        "file" => format!("write the path alone: \"{rest}\""),
        "http" | "https" | "ftp" => {
            let name = rest.split(['?', '#']).next().unwrap_or_default();
            let name = name.rsplit('/').next().filter(|name| !name.is_empty());
            let name = name.unwrap_or("data");
            format!("fetch it once, `curl -L -o {name} {path}`, and write \"{name}\"")
        }
        "s3" | "gs" | "hf" | "az" => "copy it to a file first, and name that".into(),
        _ => return None,
    };
    Some(DataError {
        message: format!("\"{path}\" is an address: files are read, and nothing is fetched"),
        help: Some(help),
        missing: true,
        stage: None,
    })
}

/// All bytes of a stream, or an error beyond the limit.
fn limited(
    stream: impl Read,
    name: &str,
    limit: u64,
) -> Result<std::io::Result<Vec<u8>>, DataError> {
    let mut bytes = Vec::new();
    let outcome = stream.take(limit.saturating_add(1)).read_to_end(&mut bytes);
    if bytes.len() as u64 > limit {
        return Err(too_long(name, limit));
    }
    Ok(outcome.map(|_| bytes))
}

fn too_long(name: &str, limit: u64) -> DataError {
    fault_help(
        format!("{name} holds more than the limit of {limit} bytes"),
        "divide it into smaller files",
    )
}

#[cfg(unix)]
fn is_pipe(kind: std::fs::FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&kind)
}

/// Only files are known where there are no Unix pipes.
#[cfg(not(unix))]
fn is_pipe(_: std::fs::FileType) -> bool {
    false
}

/// Whether `..` components lead out of `root`, by name alone.
fn leaves(root: &Path, joined: &Path) -> bool {
    let mut plain = PathBuf::new();
    for component in joined.components() {
        match component {
            std::path::Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    !plain.starts_with(root)
}

/// The bytes as text, without a byte-order mark.
pub(super) fn utf8(bytes: Vec<u8>, name: &str) -> Result<String, DataError> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = 1 + error
            .as_bytes()
            .iter()
            .take(valid)
            .filter(|&&byte| byte == b'\n')
            .count();
        // Zero bytes are in no text but in UTF-16, which begins with a mark.
        let marked = matches!(error.as_bytes(), [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
        let help = match !marked && error.as_bytes().contains(&0) {
            true => "this is no text: numbers in binary form are read by `npy`, `npz`, `idx` and `parquet`",
            false => "save the file as UTF-8",
        };
        fault_help(
            format!("{name}, line {line}: byte {valid} is not UTF-8"),
            help,
        )
    })?;
    Ok(text
        .strip_prefix('\u{feff}')
        .map(str::to_string)
        .unwrap_or(text))
}
