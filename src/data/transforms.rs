//! The transforms of a pipe, one row each, and the small ones themselves.
use super::arguments::Arguments;
use super::files::Files;
use super::frame::{Columns, Frame};
use super::{dates, did_you_mean, fault, fault_help, pipe, split, statistics, windows};
use crate::base::data::{DataError, DataOption, Transform};
use crate::base::philox::permutation;
use crate::base::tensor::Elements;

/// A transform.
pub struct TransformRow {
    /// The name in programs.
    pub name: &'static str,
    /// How it is called.
    pub usage: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// Fewest and most arguments without a name.
    pub positions: (usize, usize),
    /// Options and what they mean.
    pub options: &'static [(&'static str, &'static str)],
    /// Whether further option names are the user's own, such as the parts of `split`.
    pub open: bool,
    /// Which statistics it takes of the training part.
    pub statistic: Statistic,
    run: fn(&mut Frame, &Arguments<'_>, &Context<'_>) -> Result<(), DataError>,
}

/// Which statistics a transform takes, and so whether it must know the training part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    /// None.
    None,
    /// Some, which change numbers only: no row, no column, no class depends on them.
    Values,
    /// Some, on which rows or columns may depend later in the pipe.
    Columns,
}

/// What a transform may know beyond its arguments.
pub(super) struct Context<'a> {
    pub(super) files: &'a Files<'a>,
    /// Columns that the pipe names as targets or keys.
    pub(super) reserved: Vec<String>,
    /// Whether rows follow one another in time, so that `split` keeps their order.
    pub(super) contiguous: bool,
    /// Whether to note which rows a window or sequence is made of.
    pub(super) track: bool,
}

const MANY: usize = usize::MAX;

/// All transforms.
pub const TRANSFORMS: &[TransformRow] = &[
    TransformRow {
        name: "target",
        usage: "target(\"column\")",
        doc: "Names the columns that become `y`. A column of text gives classes, i32[n], numbered in the order of their names; a column of numbers gives f32[n]; several columns of numbers give f32[n, k]. Classes are those of the whole file.",
        positions: (1, MANY),
        options: &[(
            "classes",
            "true: a column of whole numbers gives classes too, numbered in the order of their values",
        )],
        open: false,
        statistic: Statistic::None,
        run: target,
    },
    TransformRow {
        name: "drop",
        usage: "drop(\"column\")",
        doc: "Leaves out columns, or fields.",
        positions: (1, MANY),
        options: &[],
        open: false,
        statistic: Statistic::None,
        run: drop,
    },
    TransformRow {
        name: "columns",
        usage: "columns(\"a\", \"b\")",
        doc: "Keeps these columns and the targets, in the order of the file.",
        positions: (1, MANY),
        options: &[],
        open: false,
        statistic: Statistic::None,
        run: columns,
    },
    TransformRow {
        name: "select",
        usage: "select(\"a\", \"b\")",
        doc: "The same as `columns`.",
        positions: (1, MANY),
        options: &[],
        open: false,
        statistic: Statistic::None,
        run: columns,
    },
    TransformRow {
        name: "dates",
        usage: "dates(\"when\")",
        doc: "Columns of dates, `2024-01-31` or `2024-01-31T18:30:00Z`, become days since 1970-01-01, the time of day as their fraction. What is missing stays missing; what is no date is an error.",
        positions: (1, MANY),
        options: &[
            (
                "parts",
                "columns of these parts instead, called `when.month` ...: \"year\", \"month\", \"day\", \"weekday\" (Monday is 0), \"day_of_year\", \"hour\", \"minute\"",
            ),
            (
                "order",
                "\"dmy\" or \"mdy\": the day or the month comes first, as in 31/01/2024",
            ),
        ],
        open: false,
        statistic: Statistic::None,
        run: dates::dates,
    },
    TransformRow {
        name: "drop_missing",
        usage: "drop_missing",
        doc: "Leaves out rows with a missing value, in any column or in those named.",
        positions: (0, MANY),
        options: &[],
        open: false,
        statistic: Statistic::None,
        run: drop_missing,
    },
    TransformRow {
        name: "fill_missing",
        usage: "fill_missing(\"median\")",
        doc: "Fills missing numbers that are not targets with a number, or with the \"mean\" (where nothing is said) or \"median\" of the training part. Unless a number is given, missing texts of a column become its most frequent value in the training part, of equal ones the first by name.",
        positions: (0, 1),
        options: &[("column", "only this column")],
        open: false,
        statistic: Statistic::Columns,
        run: statistics::fill_missing,
    },
    TransformRow {
        name: "standardize",
        usage: "standardize",
        doc: "Subtracts the mean and divides by the deviation (population, 1 where it is 0) of the training part: for each column of a table or series, over everything for images. `standardize(0.1307, 0.3081)` gives both; strings name other fields or columns than `x`. Padding stays 0.",
        positions: (0, MANY),
        options: &[],
        open: false,
        statistic: Statistic::Values,
        run: statistics::standardize,
    },
    TransformRow {
        name: "scale",
        usage: "scale(0, 1)",
        doc: "`scale(low, high)` maps the range of the training part to these bounds, grouped as in `standardize`; `scale(factor)` multiplies. Strings name other fields or columns than `x`.",
        positions: (1, MANY),
        options: &[],
        open: false,
        statistic: Statistic::Values,
        run: statistics::scale,
    },
    TransformRow {
        name: "one_hot",
        usage: "one_hot(\"y\")",
        doc: "Class numbers i32[n] become f32[n, classes]; a column of a table that is no target becomes one column for each of its values in the training part, called `column=value`.",
        positions: (0, 1),
        options: &[(
            "classes",
            "how many classes; where nothing is said, one more than the largest number in the training part",
        )],
        open: false,
        statistic: Statistic::Columns,
        run: statistics::one_hot,
    },
    TransformRow {
        name: "split",
        usage: "split(train = 0.8, seed = 1)",
        doc: "Cuts the rows into named parts, by fractions or by counts; what is left is `test`. Rows are shuffled first, unless they follow one another in time (a text, or a pipe with `windows`). Where the reader gave `train` and `test`, `train` is cut further.",
        positions: (0, 1),
        options: &[
            ("seed", "another shuffle (0 where nothing is said)"),
            (
                "stratify",
                "true, or a field or column: each part gets its share of each class",
            ),
            ("shuffle", "whether to shuffle"),
        ],
        open: true,
        statistic: Statistic::None,
        run: split::split,
    },
    TransformRow {
        name: "take",
        usage: "take(1000)",
        doc: "Keeps the first rows of each part.",
        positions: (0, 1),
        options: &[("n", "how many")],
        open: false,
        statistic: Statistic::None,
        run: take,
    },
    TransformRow {
        name: "shuffle",
        usage: "shuffle(seed = 1)",
        doc: "Puts the rows of each part into a random order that the seed fixes.",
        positions: (0, 1),
        options: &[("seed", "another order (0 where nothing is said)")],
        open: false,
        statistic: Statistic::None,
        run: shuffle,
    },
    TransformRow {
        name: "windows",
        usage: "windows(64)",
        doc: "Windows of rows that follow one another. Of a text: `tokens` and `next` i32[n, length], `next` one character later. Of a series: `x` [n, length, d] and `y` [n, horizon, d], the rows after the window (`y` [n, horizon] of the target, where there is one). Parts are cut into windows apart.",
        positions: (0, 1),
        options: &[
            ("length", "rows of a window"),
            ("horizon", "rows of `y` (1 where nothing is said)"),
            (
                "stride",
                "rows from one window to the next (where nothing is said, the length for a text and 1 for a series)",
            ),
        ],
        open: false,
        statistic: Statistic::None,
        run: windows::windows,
    },
    TransformRow {
        name: "sequences",
        usage: "sequences(by = \"series\", target = \"label\")",
        doc: "Rows of a table with an equal key become one example: `x` f32[n, t_max, d], padded with 0, `lengths` i32[n], and `y` [n]: classes i32 of text or whole numbers, else f32.",
        positions: (0, 1),
        options: &[
            ("by", "the column with the key"),
            (
                "target",
                "the column with the class or number of the whole sequence",
            ),
            (
                "order",
                "the column that orders the rows of a sequence and is no feature (\"t\" where there is such a column; else the order of the file)",
            ),
            ("classes", "false: a target of whole numbers is f32"),
        ],
        open: false,
        statistic: Statistic::None,
        run: windows::sequences,
    },
    TransformRow {
        name: "rename",
        usage: "rename(x = \"tokens\")",
        doc: "New names of fields: `new = \"old\"`.",
        positions: (0, 0),
        options: &[],
        open: true,
        statistic: Statistic::None,
        run: rename,
    },
    TransformRow {
        name: "flatten",
        usage: "flatten",
        doc: "`x` (or the field named) becomes [n, everything else].",
        positions: (0, 1),
        options: &[],
        open: false,
        statistic: Statistic::None,
        run: flatten,
    },
    TransformRow {
        name: "reshape",
        usage: "reshape(1, 8, 8)",
        doc: "The sizes of one example of `x` (or of the field named first), without the first dimension.",
        positions: (1, MANY),
        options: &[],
        open: false,
        statistic: Statistic::None,
        run: reshape,
    },
];

fn find(name: &str) -> Result<&'static TransformRow, DataError> {
    TRANSFORMS.iter().find(|row| row.name == name).ok_or_else(|| {
        let names: Vec<&str> = TRANSFORMS.iter().map(|row| row.name).collect();
        let help = match name {
            "batches" | "batch" => "batches are made where the set is used: `for batch in set.train |> batches(64)`, or `batch = 64` in `train`".to_string(),
            _ => did_you_mean(name, names, "transforms"),
        };
        fault_help(format!("there is no transform `{name}` of data"), help)
    })
}

fn arguments(transform: &Transform) -> Arguments<'_> {
    Arguments {
        name: &transform.name,
        positional: &transform.arguments,
        named: &transform.options,
    }
}

/// Checks a transform's name, and the number and names of its arguments.
pub(super) fn check(transform: &Transform) -> Result<(), DataError> {
    let row = find(&transform.name)?;
    let arguments = arguments(transform);
    arguments.positions(row.positions.0, row.positions.1, row.usage)?;
    if row.open {
        Ok(())
    } else {
        arguments.known(row.options)
    }
}

/// Which statistics the transform takes.
pub(super) fn statistic(transform: &Transform) -> Statistic {
    let row = TRANSFORMS.iter().find(|row| row.name == transform.name);
    row.map_or(Statistic::None, |row| row.statistic)
}

/// Applies one transform.
pub(super) fn apply(
    frame: &mut Frame,
    transform: &Transform,
    context: &Context<'_>,
) -> Result<(), DataError> {
    let row = find(&transform.name)?;
    (row.run)(frame, &arguments(transform), context)
}

/// The table of a CSV file, or an error where it is already joined or never was one.
pub(super) fn table<'a>(frame: &'a mut Frame, by: &str) -> Result<&'a mut Columns, DataError> {
    let name = frame.name.clone();
    frame.table.as_mut().ok_or_else(|| {
        fault_help(
            format!("{name}: `{by}` wants the columns of a table"),
            format!(
                "`{by}` comes right after csv(...) or jsonl(...), before transforms that make `x` of its columns"
            ),
        )
    })
}

fn target(frame: &mut Frame, arguments: &Arguments<'_>, _: &Context<'_>) -> Result<(), DataError> {
    let classes = arguments.flag("classes")?.unwrap_or(false);
    let names = arguments.texts()?;
    let table = table(frame, "target")?;
    for name in &names {
        table.index(name, "target")?;
    }
    if classes && names.len() > 1 {
        return Err(fault("`target`: `classes = true` goes with one column"));
    }
    table.targets = names.iter().map(|name| name.to_string()).collect();
    table.as_classes = classes;
    Ok(())
}

fn drop(frame: &mut Frame, arguments: &Arguments<'_>, _: &Context<'_>) -> Result<(), DataError> {
    for name in arguments.texts()? {
        match &mut frame.table {
            Some(table) => {
                let index = table.index(name, "drop")?;
                table.columns.remove(index);
                table.targets.retain(|target| target != name);
            }
            None => {
                let index = frame.field(name, "drop")?;
                frame.fields.remove(index);
                frame.classes.retain(|(field, _)| field != name);
            }
        }
    }
    if frame.table.is_none() && frame.fields.is_empty() {
        return Err(fault(format!("{}: no field is left", frame.name)));
    }
    Ok(())
}

fn columns(
    frame: &mut Frame,
    arguments: &Arguments<'_>,
    context: &Context<'_>,
) -> Result<(), DataError> {
    let names = arguments.texts()?;
    let by = arguments.name;
    let table = table(frame, by)?;
    for name in &names {
        table.index(name, by)?;
    }
    let targets = table.targets.clone();
    table.columns.retain(|column| {
        names.contains(&column.name.as_str())
            || targets.contains(&column.name)
            || context.reserved.contains(&column.name)
    });
    Ok(())
}

fn drop_missing(
    frame: &mut Frame,
    arguments: &Arguments<'_>,
    _: &Context<'_>,
) -> Result<(), DataError> {
    let names = arguments.texts()?;
    let mut complete = vec![true; frame.rows()];
    match &frame.table {
        Some(table) => {
            for name in &names {
                table.index(name, "drop_missing")?;
            }
            for column in table
                .columns
                .iter()
                .filter(|column| names.is_empty() || names.contains(&column.name.as_str()))
            {
                complete
                    .iter_mut()
                    .zip(0..)
                    .for_each(|(flag, row)| *flag &= !column.is_missing(row));
            }
        }
        None => {
            for name in &names {
                frame.field(name, "drop_missing")?;
            }
            for (_, tensor) in frame
                .fields
                .iter()
                .filter(|(name, _)| names.is_empty() || names.contains(&name.as_str()))
            {
                let width: usize = tensor.shape().iter().skip(1).product();
                let finite = |row: usize| {
                    (row * width..(row + 1) * width)
                        .all(|at| tensor.get(at).is_some_and(|value| !value.is_nan()))
                };
                complete
                    .iter_mut()
                    .enumerate()
                    .for_each(|(row, flag)| *flag &= finite(row));
            }
        }
    }
    for (_, rows) in &mut frame.parts {
        rows.retain(|&row| complete.get(row as usize) == Some(&true));
    }
    Ok(())
}

fn take(frame: &mut Frame, arguments: &Arguments<'_>, _: &Context<'_>) -> Result<(), DataError> {
    let Some(count) = arguments.count(Some(0), "n", 1)? else {
        return Err(fault("`take` wants a number of rows: write take(1000)"));
    };
    for (part, rows) in &mut frame.parts {
        if count > rows.len() {
            let which = if part.is_empty() {
                String::new()
            } else {
                format!(" in part `{part}`")
            };
            let message = format!(
                "{}: `take` wants {count} rows, and there are {}{which}",
                frame.name,
                rows.len()
            );
            return Err(fault_help(
                message,
                format!("write take({}) or less", rows.len()),
            ));
        }
        rows.truncate(count);
    }
    Ok(())
}

/// Keeps the order that `shuffle` makes apart from those of `split` and of training, which count epochs from 0.
const SHUFFLE_EPOCH: u64 = u64::MAX - 1;

fn shuffle(frame: &mut Frame, arguments: &Arguments<'_>, _: &Context<'_>) -> Result<(), DataError> {
    let seed = arguments.seed(Some(0))?;
    for (_, rows) in &mut frame.parts {
        let order = permutation(rows.len() as u32, seed, SHUFFLE_EPOCH);
        *rows = order
            .iter()
            .filter_map(|&at| rows.get(at as usize).copied())
            .collect();
    }
    frame.shuffled = true;
    Ok(())
}

fn rename(frame: &mut Frame, arguments: &Arguments<'_>, _: &Context<'_>) -> Result<(), DataError> {
    frame.join()?;
    let mut indices = Vec::new();
    for (new, old) in arguments.named {
        let DataOption::Text(old) = old else {
            return Err(fault("`rename` wants names: write rename(new = \"old\")"));
        };
        if frame.field(old, "rename").is_err() && frame.field(new, "rename").is_ok() {
            let message = format!(
                "{}: `rename` names a field `{old}` that is not there",
                frame.name
            );
            return Err(fault_help(
                message,
                format!("the new name comes first: write rename({old} = \"{new}\")"),
            ));
        }
        indices.push((frame.field(old, "rename")?, new.clone(), old.clone()));
    }
    let classes = frame.classes.clone();
    for (index, new, old) in indices {
        if let Some((name, _)) = frame.fields.get_mut(index) {
            *name = new.clone();
        }
        for ((field, _), (before, _)) in frame.classes.iter_mut().zip(&classes) {
            if *before == old {
                *field = new.clone();
            }
        }
    }
    for (index, (name, _)) in frame.fields.iter().enumerate() {
        if frame
            .fields
            .iter()
            .take(index)
            .any(|(earlier, _)| earlier == name)
        {
            return Err(fault(format!(
                "{}: after `rename` two fields are called `{name}`",
                frame.name
            )));
        }
    }
    Ok(())
}

fn flatten(frame: &mut Frame, arguments: &Arguments<'_>, _: &Context<'_>) -> Result<(), DataError> {
    let names = arguments.texts()?;
    frame.join()?;
    let index = frame.field(names.first().copied().unwrap_or("x"), "flatten")?;
    let width = frame
        .fields
        .get(index)
        .map_or(1, |(_, tensor)| tensor.shape().iter().skip(1).product());
    resize(frame, index, &[width])
}

fn reshape(frame: &mut Frame, arguments: &Arguments<'_>, _: &Context<'_>) -> Result<(), DataError> {
    let (names, numbers) = arguments.names_and_numbers()?;
    frame.join()?;
    let index = frame.field(names.first().copied().unwrap_or("x"), "reshape")?;
    let sizes: Option<Vec<usize>> = numbers.iter().map(|&number| pipe::size(number)).collect();
    match sizes {
        Some(sizes) if !sizes.is_empty() => resize(frame, index, &sizes),
        _ => Err(fault_help(
            format!("`reshape`: sizes {numbers:?} are not whole numbers"),
            "write reshape(1, 8, 8)",
        )),
    }
}

/// Gives each example of a field other sizes.
fn resize(frame: &mut Frame, index: usize, sizes: &[usize]) -> Result<(), DataError> {
    let file = frame.name.clone();
    let Some((name, tensor)) = frame.fields.get_mut(index) else {
        return Ok(());
    };
    let old = tensor.shape().to_vec();
    let shape: Vec<usize> = old.iter().take(1).chain(sizes).copied().collect();
    let taken = std::mem::replace(tensor, crate::base::tensor::Tensor::scalar(0.0));
    match taken.reshaped(shape) {
        Some(resized) => {
            *tensor = resized;
            Ok(())
        }
        None => {
            let old = old.get(1..).unwrap_or_default();
            let has: usize = old.iter().product();
            // Sizes that are written may have any product.
            let wants: u128 = sizes.iter().fold(1, |product: u128, &size| {
                product.saturating_mul(size as u128)
            });
            Err(fault_help(
                format!(
                    "{file}: `reshape` wants {sizes:?} of `{name}`, whose examples have the sizes {old:?}"
                ),
                format!(
                    "an example has {has} numbers, and these sizes hold {wants}: give sizes whose product is {has}"
                ),
            ))
        }
    }
}

/// The elements as `f64`, for statistics; integers and bytes too.
pub(super) fn floats(elements: &Elements) -> Vec<f64> {
    match elements {
        Elements::F32(values) => values.iter().map(|&value| f64::from(value)).collect(),
        Elements::F64(values) => values.clone(),
        Elements::I32(values) => values.iter().map(|&value| f64::from(value)).collect(),
        Elements::Bool(values) | Elements::U8(values) => {
            values.iter().map(|&value| f64::from(value)).collect()
        }
    }
}
