//! Data sets and sources that a host has in memory.
use crate::base::data::{DataError, DataProvider, DataSet, DataSource, DataSpec};
use crate::base::diagnostic::nearest;
use crate::base::tensor::Tensor;
use crate::data::FileProvider;
use std::sync::Arc;

/// A loader of what the host has in memory: data sets and sources by name.
///
/// `csv("name")` (any reader) of a program gives the data set of that name, whose pipe is then applied as to a file.
#[derive(Debug, Default)]
pub struct MemoryLoader {
    data: Vec<(String, Vec<(String, Tensor)>)>,
    sources: Vec<(String, String)>,
    pipes: FileProvider,
}

impl MemoryLoader {
    /// A loader that has nothing.
    pub fn new() -> MemoryLoader {
        MemoryLoader::default()
    }

    /// Adds a data set of named fields with a common first dimension.
    pub fn with_data(
        mut self,
        name: impl Into<String>,
        fields: Vec<(String, Tensor)>,
    ) -> MemoryLoader {
        self.data.push((name.into(), fields));
        self
    }

    /// Adds a source for `import`.
    pub fn with_source(mut self, name: impl Into<String>, text: impl Into<String>) -> MemoryLoader {
        self.sources.push((name.into(), text.into()));
        self
    }
}

impl DataProvider for MemoryLoader {
    fn open(&mut self, spec: &DataSpec) -> Result<Arc<DataSet>, DataError> {
        let DataSource::Reader { paths, .. } = &spec.source else {
            return self.pipes.open(spec);
        };
        let name = paths.first().map_or("", String::as_str);
        match self.data.iter().find(|(known, _)| known == name) {
            Some((_, fields)) => self.pipes.open(&DataSpec {
                source: DataSource::Tensors(fields.clone()),
                ..spec.clone()
            }),
            None => Err(unknown(
                name,
                "data set",
                self.data.iter().map(|(name, _)| name),
            )),
        }
    }

    fn source(&mut self, _: &str, path: &str) -> Result<(String, String), DataError> {
        match self.sources.iter().find(|(known, _)| known == path) {
            Some((name, text)) => Ok((text.clone(), name.clone())),
            None => Err(unknown(
                path,
                "source",
                self.sources.iter().map(|(name, _)| name),
            )),
        }
    }
}

fn unknown<'a>(name: &str, what: &str, known: impl Iterator<Item = &'a String>) -> DataError {
    let near = nearest(name, known.map(String::as_str));
    DataError {
        message: format!("the host has no {what} \"{name}\""),
        help: near.map(|near| format!("did you mean \"{near}\"?")),
        missing: true,
        stage: None,
    }
}
