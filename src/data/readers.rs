//! The readers, one row each.
use super::arguments::Arguments;
use super::files::Files;
use super::frame::Frame;
use super::{csv, did_you_mean, fault_help, idx, jsonl, npy, text};
use crate::base::data::DataError;

/// A reader of one format.
pub struct Reader {
    /// The name in programs.
    pub name: &'static str,
    /// How it is called.
    pub usage: &'static str,
    /// What it reads and which fields it gives, with their shapes.
    pub doc: &'static str,
    /// Fewest and most paths.
    pub paths: (usize, usize),
    /// Options and what they mean.
    pub options: &'static [(&'static str, &'static str)],
    run: fn(&Files<'_>, &[String], &Arguments<'_>) -> Result<Frame, DataError>,
}

/// All readers. Every file may be a gzip stream, which is known by its content.
pub const READERS: &[Reader] = &[
    Reader {
        name: "csv",
        usage: "csv(\"file.csv\")",
        doc: "A table of text. Gives `x` f32[rows, columns], and `y` where `target` names columns. A cell that is empty, NA, NaN, null or ? is missing; a column of true and false, in any case, is 1 and 0. A first column without a name, the labels of rows as pandas and R write them, is left out. Several files, or a pattern such as `parts/*.csv` (those that match, in the order of their names), are read one below the other; columns go by name.",
        paths: (1, usize::MAX),
        options: &[
            (
                "separator",
                "the character between cells; where nothing is said, the most frequent of `,`, `;` and tab in the first line",
            ),
            (
                "header",
                "false: the first line is data, and the columns are called c0, c1, ...",
            ),
            ("missing", "one more spelling of a missing value"),
            (
                "test",
                "a second file with the same columns: the parts are `train` and `test`",
            ),
        ],
        run: csv::read,
    },
    Reader {
        name: "jsonl",
        usage: "jsonl(\"file.jsonl\")",
        doc: "JSON lines, an object a line, or one array of objects. Gives what a `csv` with a column for each field would: `outer.inner` for one of an object in it, `name.0`, `name.1`, ... for the numbers of an array (as many in each record). `true` and `false` are 1 and 0, `null` and a field that is not there are missing. Several files and patterns as in `csv`.",
        paths: (1, usize::MAX),
        options: &[(
            "test",
            "a second file with the same columns: the parts are `train` and `test`",
        )],
        run: jsonl::read,
    },
    Reader {
        name: "parquet",
        usage: "parquet(\"file.parquet\")",
        doc: "A table in a Parquet file. Gives what a `csv` with the same columns would: `outer.inner` for a field of a record; dates, and moments in UTC, are text as `dates` reads it; booleans are 1 and 0; what is null is missing. Text is text, also where it is digits. Columns of lists, and pages compressed by anything but snappy, gzip or zstd, are refused. Several files and patterns as in `csv`.",
        paths: (1, usize::MAX),
        options: &[(
            "test",
            "a second file with the same columns: the parts are `train` and `test`",
        )],
        run: parquet,
    },
    Reader {
        name: "npy",
        usage: "npy(\"x.npy\")",
        doc: "One NumPy array, as `x`. f2, f4, f8 become f32, integers i32 (checked), u1 u8, b1 bool. A pattern names several, one below the other.",
        paths: (1, 1),
        options: &[
            ("dtype", "\"f64\": keep f8 arrays as f64"),
            ("test", "a second file: the parts are `train` and `test`"),
        ],
        run: npy::read_npy,
    },
    Reader {
        name: "npz",
        usage: "npz(\"data.npz\")",
        doc: "Named NumPy arrays with a common first dimension, as fields of those names. A pattern names several files of the same arrays, one below the other.",
        paths: (1, 1),
        options: &[
            ("dtype", "\"f64\": keep f8 arrays as f64"),
            ("test", "a second file: the parts are `train` and `test`"),
        ],
        run: npy::read_npz,
    },
    Reader {
        name: "idx",
        usage: "idx(\"train-images\", \"train-labels\", \"test-images\", \"test-labels\")",
        doc: "IDX files as MNIST has them. Gives `x` f32[n, 1, rows, columns] with pixels in 0..1 and `y` i32[n]. With four paths the parts are `train` and `test`; with one there is no `y`.",
        paths: (1, 4),
        options: &[],
        run: idx::read,
    },
    Reader {
        name: "images",
        usage: "images(\"folder\", size = 32)",
        doc: "PNG and JPEG pictures of a folder with a folder for each class. Gives `x` f32[n, channels, height, width] with values in 0..1, and `y` i32[n], classes by the names of the folders. A folder of pictures alone, or a pattern such as `photos/*.jpg`, gives no `y`. All have one size, or `size` is given.",
        paths: (1, 1),
        options: &[
            (
                "size",
                "pixels of height and width, `32` or `[24, 32]`: pictures are scaled to it by a triangle filter",
            ),
            (
                "channels",
                "1: grey; 3: red, green and blue; where nothing is said 3 if some picture has colours",
            ),
            (
                "test",
                "a second folder with the same classes: the parts are `train` and `test`",
            ),
        ],
        run: pictures,
    },
    Reader {
        name: "text",
        usage: "text(\"input.txt\")",
        doc: "Characters of a UTF-8 text, or of several that a pattern names, one after the other. Gives `tokens` i32[n], and with `windows(length)` `tokens` and `next` i32[n, length]. The vocabulary is the characters of the training part, by code point.",
        paths: (1, 1),
        options: &[
            (
                "unknown",
                "the character that stands for those that the training part does not have; without it they are an error",
            ),
            ("test", "a second file: the parts are `train` and `test`"),
        ],
        run: text::read,
    },
];

#[cfg(feature = "images")]
use super::images::read as pictures;

#[cfg(feature = "parquet")]
use super::parquet::read as parquet;

/// A host that leaves the decoders out says so.
#[cfg(not(feature = "images"))]
fn pictures(_: &Files<'_>, _: &[String], arguments: &Arguments<'_>) -> Result<Frame, DataError> {
    Err(left_out(
        arguments.name,
        "build dlmc with the feature `images`",
    ))
}

#[cfg(not(feature = "parquet"))]
fn parquet(_: &Files<'_>, _: &[String], arguments: &Arguments<'_>) -> Result<Frame, DataError> {
    let mend = "build dlmc with the feature `parquet`, or write the file as CSV once, for instance by pandas";
    Err(left_out(arguments.name, mend))
}

#[cfg(not(all(feature = "images", feature = "parquet")))]
fn left_out(name: &str, mend: &str) -> DataError {
    fault_help(format!("`{name}` is not part of this build"), mend)
}

/// Reads by the reader of that name.
pub(super) fn read(
    files: &Files<'_>,
    paths: &[String],
    arguments: &Arguments<'_>,
) -> Result<Frame, DataError> {
    let Some(reader) = READERS.iter().find(|reader| reader.name == arguments.name) else {
        let names: Vec<&str> = READERS.iter().map(|reader| reader.name).collect();
        let help = did_you_mean(arguments.name, names, "readers");
        return Err(fault_help(
            format!("there is no reader `{}`", arguments.name),
            help,
        ));
    };
    let (least, most) = reader.paths;
    if !(least..=most).contains(&paths.len()) {
        let wanted = if least == most {
            format!("{least}")
        } else {
            format!("{least} to {most}")
        };
        let wanted = match most {
            usize::MAX => format!("at least {least}"),
            _ => wanted,
        };
        let message = format!(
            "`{}` is given {} paths and takes {wanted}",
            reader.name,
            paths.len()
        );
        return Err(fault_help(message, format!("write {}", reader.usage)));
    }
    arguments.known(reader.options)?;
    (reader.run)(files, paths, arguments)
}
