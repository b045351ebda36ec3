//! Data sets: readers of files, the transforms of a data pipe, and named tensors in files.
//!
//! The way of the data: [`readers::READERS`] (a row for each format) makes a [`frame::Frame`], the rows of
//! [`transforms::TRANSFORMS`] change it in the order of the pipe, [`pipe`] closes it into a
//! [`DataSet`]. Statistics come from the training part only, also where the pipe names them before
//! its `split`: see [`pipe`].
//!
//! [`FileProvider`] holds the rules about which files a program may read, and caches data sets by
//! their spec. Nothing here writes a file but [`safetensors::save`].
mod arguments;
mod columns;
mod csv;
mod dates;
mod files;
mod foreign;
mod frame;
mod idx;
#[cfg(feature = "images")]
mod images;
pub mod input;
mod jsonl;
mod npy;
#[cfg(feature = "parquet")]
mod parquet;
mod pipe;
pub mod readers;
pub mod safetensors;
mod split;
mod statistics;
pub mod survey;
mod text;
pub mod transforms;
pub mod whole;
mod windows;

#[cfg(test)]
mod tests;

pub use dates::{Order, Writing, written as written_day};
pub use files::{MOST_FILE_BYTES, address};
#[cfg(feature = "parquet")]
pub use parquet::is_decoding;

use crate::base::data::{DataError, DataOption, DataProvider, DataSet, DataSource, DataSpec};
use crate::base::source::MOST_SOURCE_BYTES;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reads data sets and imported sources from files.
///
/// Data sets are kept: a second [`open`](DataProvider::open) of an equal spec gives the same set
/// without reading the file again.
#[derive(Debug)]
pub struct FileProvider {
    policy: files::Policy,
    opened: Vec<(DataSpec, Arc<DataSet>)>,
    /// Where the sources lie that were read, and the names that they are reported under.
    sources: Vec<(PathBuf, String)>,
}

impl FileProvider {
    /// For the command line: any path may be read. Relative paths start from the `base_dir` of the request.
    pub fn new() -> FileProvider {
        FileProvider {
            policy: files::Policy::anywhere(),
            opened: Vec::new(),
            sources: Vec::new(),
        }
    }

    /// For a host: only files below `root` may be read, and relative base folders start from it.
    /// A path that leaves it, by `..`, by being absolute or by a symbolic link, is refused.
    ///
    /// The folder must not be changed by others between the check of a path and its reading.
    pub fn rooted(root: impl AsRef<Path>) -> Result<FileProvider, DataError> {
        Ok(FileProvider {
            policy: files::Policy::rooted(root.as_ref())?,
            opened: Vec::new(),
            sources: Vec::new(),
        })
    }

    /// Sets how many bytes one file, decompressed, or one tensor made from it may take (4 GiB where nothing is said).
    pub fn with_limit(mut self, bytes: u64) -> FileProvider {
        self.policy.limit = bytes;
        self
    }

    /// The files that a data set is read from, those of a pattern or a folder one by one, as paths from the base folder.
    ///
    /// # Errors
    /// A folder or pattern that names nothing.
    pub fn files_of(&self, spec: &DataSpec) -> Result<Vec<String>, DataError> {
        let DataSource::Reader {
            name,
            paths,
            options,
        } = &spec.source
        else {
            return Ok(Vec::new());
        };
        let files = files::Files {
            policy: &self.policy,
            base_dir: &spec.base_dir,
        };
        let tests = options.iter().filter_map(|(name, value)| match value {
            DataOption::Text(path) if name == "test" => Some(path),
            _ => None,
        });
        let mut found = Vec::new();
        for path in paths.iter().chain(tests) {
            found.extend(match name.as_str() {
                #[cfg(feature = "images")]
                "images" => images::names(&files, path)?,
                _ => files.expand(path)?,
            });
        }
        Ok(found)
    }

    /// The path of a file to be read or written, after the check that the rules allow it. The file need not exist, its folder must.
    pub fn resolve(&self, base_dir: &str, path: &str) -> Result<PathBuf, DataError> {
        files::Files {
            policy: &self.policy,
            base_dir,
        }
        .resolve(path)
    }
}

impl Default for FileProvider {
    fn default() -> FileProvider {
        FileProvider::new()
    }
}

impl DataProvider for FileProvider {
    fn open(&mut self, spec: &DataSpec) -> Result<Arc<DataSet>, DataError> {
        if let Some((_, set)) = self.opened.iter().find(|(opened, _)| opened == spec) {
            return Ok(set.clone());
        }
        let files = files::Files {
            policy: &self.policy,
            base_dir: &spec.base_dir,
        };
        let set = Arc::new(pipe::evaluate(&files, spec)?);
        self.opened.push((spec.clone(), set.clone()));
        Ok(set)
    }

    fn source(&mut self, base_dir: &str, path: &str) -> Result<(String, String), DataError> {
        let files = files::Files {
            policy: &self.policy,
            base_dir,
        };
        let name = files.display(path);
        let bytes = files.read_within(path, MOST_SOURCE_BYTES as u64)?;
        let text = files::utf8(bytes, &name)?;
        // One file has one name, however it is written.
        let Ok(place) = files.resolve(path)?.canonicalize() else {
            return Ok((text, name));
        };
        if let Some((_, known)) = self.sources.iter().find(|(known, _)| *known == place) {
            return Ok((text, known.clone()));
        }
        self.sources.push((place, name.clone()));
        Ok((text, name))
    }
}

/// A [`DataError`] about something that is wrong.
fn fault(message: impl Into<String>) -> DataError {
    DataError {
        message: message.into(),
        help: None,
        missing: false,
        stage: None,
    }
}

/// A [`DataError`] with its mend.
fn fault_help(message: impl Into<String>, help: impl Into<String>) -> DataError {
    DataError {
        message: message.into(),
        help: Some(help.into()),
        missing: false,
        stage: None,
    }
}

/// `help`, or `did you mean` the nearest of the names where one is near.
fn did_you_mean<'a>(
    name: &str,
    names: impl IntoIterator<Item = &'a str> + Clone,
    what: &str,
) -> String {
    match crate::base::diagnostic::nearest(name, names.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let names: Vec<&str> = names.into_iter().collect();
            match names.as_slice() {
                [] => format!("there are no {what}"),
                some if some.len() > 12 => format!("the {what} are {}, ...", some[..12].join(", ")),
                some => format!("the {what} are {}", some.join(", ")),
            }
        }
    }
}
