//! Data sets as `check` sees them (names, shapes, classes) and as the host plan uses them; who reads files implements [`DataProvider`].
use super::tensor::Tensor;
use super::types::Type;
use std::sync::Arc;

/// Names of the readers that programs may call.
pub const READER_NAMES: &[&str] = &[
    "csv", "jsonl", "parquet", "npy", "npz", "idx", "images", "text",
];

/// Names of the transforms of data that programs may put into a pipe.
pub const TRANSFORM_NAMES: &[&str] = &[
    "target",
    "drop",
    "columns",
    "select",
    "dates",
    "drop_missing",
    "fill_missing",
    "standardize",
    "scale",
    "one_hot",
    "split",
    "take",
    "shuffle",
    "windows",
    "sequences",
    "rename",
    "flatten",
    "reshape",
];

/// Where a data set comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum DataSource {
    /// A reader's name (one of [`READER_NAMES`]) and its arguments: positional paths first, then named options.
    Reader {
        /// The reader, as the program names it.
        name: String,
        /// Positional arguments.
        paths: Vec<String>,
        /// Named arguments.
        options: Vec<(String, DataOption)>,
    },
    /// Tensors given by the program: `data(x = ..., y = ...)` of literals, or bound by a host.
    Tensors(Vec<(String, Tensor)>),
}

/// The value of a reader's or transform's argument.
#[derive(Debug, Clone, PartialEq)]
pub enum DataOption {
    /// A number.
    Number(f64),
    /// A string.
    Text(String),
    /// `true` or `false`.
    Flag(bool),
    /// Several values.
    List(Vec<DataOption>),
}

/// One step of a data pipe, by name: `target("species")`, `standardize`, `split(train = 0.8, seed = 1)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Transform {
    /// The name, as the program writes it.
    pub name: String,
    /// Positional arguments.
    pub arguments: Vec<DataOption>,
    /// Named arguments.
    pub options: Vec<(String, DataOption)>,
}

/// A whole data pipe.
#[derive(Debug, Clone, PartialEq)]
pub struct DataSpec {
    /// Where it starts.
    pub source: DataSource,
    /// What is done to it, in order.
    pub transforms: Vec<Transform>,
    /// The folder that relative paths start from.
    pub base_dir: String,
}

/// Fields of a data set with a common first dimension.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// Field names (`x`, `y`, `lengths`, ...) and their whole tensors.
    pub fields: Vec<(String, Tensor)>,
}

impl Table {
    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&Tensor> {
        self.fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, tensor)| tensor)
    }

    /// Size of the common first dimension.
    pub fn rows(&self) -> usize {
        self.fields
            .first()
            .and_then(|(_, tensor)| tensor.shape().first().copied())
            .unwrap_or(0)
    }
}

/// A data set: one part named `""`, or parts such as `train` and `test`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DataSet {
    /// Parts by name, in the order they were made; a set without a split has the one part `""`.
    pub parts: Vec<(String, Arc<Table>)>,
    /// For each class-valued field its class names, in the order of their numbers.
    pub classes: Vec<(String, Vec<String>)>,
    /// Vocabulary of a text: the character of each token.
    pub vocabulary: Vec<char>,
    /// What was read, as the run's header prints it: `iris.csv: 150 rows, 4 columns, 3 classes`.
    pub summary: String,
}

impl DataSet {
    /// The part of that name (`""` for a set without a split).
    pub fn part(&self, name: &str) -> Option<&Arc<Table>> {
        self.parts
            .iter()
            .find(|(part, _)| part == name)
            .map(|(_, table)| table)
    }

    /// Element type and sizes of a field of a part.
    pub fn field_type(&self, part: &str, field: &str) -> Option<Type> {
        self.part(part)?.field(field).map(Tensor::ty)
    }
}

/// Why data could not be had: a sentence that names file, row and column, and a mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataError {
    /// What is wrong and where: `iris.csv, row 7, column "petal_length": "n/a" is not a number`.
    pub message: String,
    /// The mend, where one is known.
    pub help: Option<String>,
    /// Whether the file itself is missing or unreadable (exit code 2) rather than malformed.
    pub missing: bool,
    /// The transform of the pipe that it is about, counted from 0, where it is about one.
    pub stage: Option<usize>,
}

/// Gives data sets and files to programs. All file access of a program goes through it.
pub trait DataProvider {
    /// Evaluates a data pipe. Repeated calls with an equal spec give the same set.
    fn open(&mut self, spec: &DataSpec) -> Result<Arc<DataSet>, DataError>;
    /// The text of a source file that `import` names, relative to `base_dir`, and the name to report it under, by which files are told apart.
    fn source(&mut self, base_dir: &str, path: &str) -> Result<(String, String), DataError>;
}

impl<T: DataProvider + ?Sized> DataProvider for &mut T {
    fn open(&mut self, spec: &DataSpec) -> Result<Arc<DataSet>, DataError> {
        (**self).open(spec)
    }

    fn source(&mut self, base_dir: &str, path: &str) -> Result<(String, String), DataError> {
        (**self).source(base_dir, path)
    }
}
