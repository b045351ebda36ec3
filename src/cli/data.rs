//! `dlmc data`: what a file of data holds.
use super::output::{Output, visible};
use super::watch::text::{bars, width};
use super::{Appearance, Failure};
use crate::data::survey::{BINS, Dialect, Facts, Kind, Range, Survey, survey};
use crate::data::{Order, written_day};
use clap::Args;
use serde_json::json;

/// Columns that are shown where not all are asked for.
const MOST_SHOWN: usize = 40;
/// Values of a column that are shown.
const MOST_VALUES: usize = 5;
/// Texts that are shown of cells that are no numbers.
const MOST_STRAYS: usize = 3;
/// Columns of a name.
const LONGEST_NAME: usize = 28;

/// What `dlmc data` is asked.
#[derive(Args)]
pub struct Arguments {
    /// The file, or a pattern such as `'parts/*.csv'`: CSV, JSON lines, Parquet, .npy, .npz, IDX, text, .safetensors, also as .gz; or a folder of pictures
    file: String,
    /// The character between the cells of a table
    #[arg(long, value_name = "CHARACTER", allow_hyphen_values = true)]
    separator: Option<String>,
    /// One more spelling of a missing value, `-999` for instance
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    missing: Option<String>,
    /// The first line of a table is data
    #[arg(long)]
    no_header: bool,
    /// All columns, however many
    #[arg(long)]
    all: bool,
    /// One line of JSON instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    appearance: Appearance,
}

/// Looks at a file and shows it.
///
/// # Errors
/// A file that is missing or malformed, which it has said.
pub fn data(arguments: &Arguments) -> Result<(), Failure> {
    let output = Output::new(arguments.appearance);
    let dialect = Dialect {
        separator: arguments.separator.clone(),
        missing: arguments.missing.clone(),
        headless: arguments.no_header,
    };
    let found = survey(&arguments.file, &dialect).map_err(|error| {
        let help = error.help.as_deref();
        let help = help.map_or(String::new(), |help| format!("help: {help}\n"));
        output.say(&format!("error: {}\n{help}", error.message));
        match error.missing {
            true => Failure::Usage,
            false => Failure::Program,
        }
    })?;
    if arguments.json {
        return output.line(&in_json(&arguments.file, &found));
    }
    let lines = shown(arguments, &found, output.blocks, Output::result_columns());
    lines.iter().try_for_each(|line| output.line(line))
}

fn shown(arguments: &Arguments, found: &Survey, blocks: bool, columns: usize) -> Vec<String> {
    let mut lines = vec![heading(&arguments.file, found), String::new()];
    let most = if arguments.all {
        usize::MAX
    } else {
        MOST_SHOWN
    };
    let rows: Vec<[String; 5]> = std::iter::once(heads(found))
        .chain(
            found
                .columns
                .iter()
                .take(most)
                .map(|facts| row(facts, blocks)),
        )
        .collect();
    let widths: Vec<usize> = (0..4)
        .map(|at| rows.iter().map(|row| width(&row[at])).max().unwrap_or(0))
        .collect();
    for row in &rows {
        let pad = |at: usize| " ".repeat(widths[at] - width(&row[at]));
        let [name, kind, missing, histogram, what] = row;
        let line = format!(
            "{name}{}  {kind}{}  {}{missing}  {histogram}{}  {what}",
            pad(0),
            pad(1),
            pad(2),
            pad(3)
        );
        lines.push(cut(line.trim_end(), columns));
    }
    if found.columns.len() > most {
        lines.push(format!(
            "... and {} more; `--all` shows them",
            found.columns.len() - most
        ));
    }
    if found.unnamed {
        lines.push(
            "the first column has no name and is left out: such are the labels of rows".into(),
        );
    }
    let headless = looks_headless(arguments, found);
    if headless {
        lines.push("the first line looks like a row, not like names: `--no-header`, and `header = false` in the program".into());
    }
    if let Some(program) = start(arguments, found).filter(|_| !headless) {
        lines.extend([String::new(), visible(&format!("a start: {program}"))]);
    }
    lines
}

/// Whether what names the columns is a row: all names are numbers, or one is among the frequent values of its own column.
fn looks_headless(arguments: &Arguments, found: &Survey) -> bool {
    let is_number = |facts: &Facts| facts.name.parse::<f64>().is_ok();
    let is_value = |facts: &Facts| {
        let mut values = facts.values.iter();
        facts.kind == Kind::Text && values.any(|(value, _)| *value == facts.name)
    };
    let columns = || found.columns.iter();
    let is_row = columns().all(is_number) || columns().any(is_value);
    found.reader == "csv" && !arguments.no_header && is_row
}

fn heads(found: &Survey) -> [String; 5] {
    let first = match found.rows {
        Some(_) if found.columns.iter().all(|facts| facts.shape.is_empty()) => "column",
        Some(_) | None => "array",
    };
    [first, "kind", "missing", "histogram", "range and values"].map(str::to_string)
}

fn heading(file: &str, found: &Survey) -> String {
    let count = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    let of_columns = found.columns.len();
    match (found.reader, found.rows) {
        ("csv" | "jsonl" | "parquet", Some(rows)) => {
            format!(
                "{file}: {}, {}",
                count(rows, "row"),
                count(of_columns, "column")
            )
        }
        ("images", Some(pictures)) => format!("{file}: {}", count(pictures, "picture")),
        ("text", Some(characters)) => format!("{file}: {}", count(characters, "character")),
        (_, Some(rows)) => {
            format!(
                "{file}: {}, {}",
                count(rows, "example"),
                count(of_columns, "array")
            )
        }
        (_, None) => format!("{file}: {}", count(of_columns, "tensor")),
    }
}

/// A line of at most so many columns.
fn cut(line: &str, columns: usize) -> String {
    if width(line) <= columns {
        return line.to_string();
    }
    let mut kept = String::new();
    for character in line.chars() {
        if width(&kept) + 2 > columns {
            break;
        }
        kept.push(character);
    }
    kept + "…"
}

fn row(facts: &Facts, blocks: bool) -> [String; 5] {
    let sizes: Vec<String> = facts.shape.iter().map(usize::to_string).collect();
    let kind = match sizes.is_empty() {
        true => facts.kind.name().to_string(),
        false => format!("{} [{}]", facts.kind.name(), sizes.join(", ")),
    };
    let missing = match facts.missing {
        0 => String::new(),
        missing => missing.to_string(),
    };
    [
        cut(&visible(&facts.name), LONGEST_NAME),
        kind,
        missing,
        bars(&histogram(facts), blocks),
        what(facts),
    ]
}

/// How full each part of the range is; of texts, how often the most frequent are there.
fn histogram(facts: &Facts) -> Vec<usize> {
    match facts.kind {
        Kind::Text => {
            let values = facts.values.iter().take(BINS);
            values.map(|(_, count)| *count).collect()
        }
        Kind::Number | Kind::Whole | Kind::Flag | Kind::Date => facts.histogram.clone(),
    }
}

/// Range, values and what is odd.
fn what(facts: &Facts) -> String {
    let mut parts = Vec::new();
    // First, so that the width of a terminal cuts something else.
    if facts.stray > 0 {
        parts.push(strays(facts));
    }
    // The values of booleans say it all.
    let range = facts
        .range
        .filter(|_| facts.kind != Kind::Flag || facts.values.is_empty());
    if let Some(range) = range {
        parts.push(ranged(facts.kind, range));
    }
    if let Some(writing) = facts.writing {
        parts.extend(match (writing.ambiguous, writing.order) {
            (true, _) => Some("day first or month first: no day is above 12".to_string()),
            (false, Order::Dmy) => Some("day first".into()),
            (false, Order::Mdy) => Some("month first".into()),
            (false, Order::Ymd) => None,
        });
    }
    if !facts.values.is_empty() {
        let shown = facts.values.iter().take(MOST_VALUES);
        let shown: Vec<String> = shown
            .map(|(value, count)| format!("{} {count}", cut(&visible(value), 24)))
            .collect();
        let more = match facts.distinct.saturating_sub(shown.len()) {
            0 => String::new(),
            more => format!(", {more} more"),
        };
        let noun = if facts.distinct == 1 {
            "value"
        } else {
            "values"
        };
        parts.push(format!(
            "{} {noun}: {}{more}",
            facts.distinct,
            shown.join(", ")
        ));
    }
    parts.join("; ")
}

/// `2 cells are no numbers: n/a 1, none 1`
fn strays(facts: &Facts) -> String {
    let (one, several) = match facts.kind {
        Kind::Date => ("date", "dates"),
        Kind::Number | Kind::Whole | Kind::Flag | Kind::Text => ("number", "numbers"),
    };
    let shown = facts.strays.iter().take(MOST_STRAYS);
    let shown: Vec<String> = shown
        .map(|(text, count)| match facts.stray {
            1 => cut(&visible(text), 24),
            _ => format!("{} {count}", cut(&visible(text), 24)),
        })
        .collect();
    let more = match facts.strays.len().saturating_sub(shown.len()) {
        0 => "",
        _ => ", ...",
    };
    let what = match facts.stray {
        1 => format!("1 cell is no {one}"),
        stray => format!("{stray} cells are no {several}"),
    };
    format!("{what}: {}{more}", shown.join(", "))
}

fn ranged(kind: Kind, range: Range) -> String {
    if kind == Kind::Date {
        return format!("{} to {}", written_day(range.low), written_day(range.high));
    }
    format!(
        "{} to {}, mean {} ± {}",
        number(range.low),
        number(range.high),
        number(range.mean),
        number(range.deviation)
    )
}

/// Four digits that matter.
fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e7).contains(&size) {
        return format!("{value:.3e}");
    }
    if value.fract() == 0.0 {
        return format!("{value}");
    }
    let whole = if size >= 1.0 {
        size.log10().floor() as usize + 1
    } else {
        0
    };
    let text = format!("{value:.*}", 4_usize.saturating_sub(whole).max(1));
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// The column that a program might learn: one that is called so, else the last or the first where it holds few
/// texts, else the last number or few texts. A column `y` beside
/// one `x` is a coordinate.
fn target(columns: &[Facts]) -> Option<&Facts> {
    const NAMES: &[&str] = &["target", "label", "class", "y"];
    let has_x = columns.iter().any(|facts| facts.name == "x");
    let named = |facts: &&Facts| {
        NAMES.contains(&facts.name.to_ascii_lowercase().as_str())
            && !(has_x && columns.len() > 2 && facts.name == "y")
    };
    let classes = |facts: &&Facts| facts.kind == Kind::Text && (2..=20).contains(&facts.distinct);
    let plain =
        |facts: &&Facts| facts.kind != Kind::Text && facts.kind != Kind::Date && facts.distinct > 0;
    let last = || columns.iter().rev();
    let at_an_end = || columns.last().into_iter().chain(columns.first());
    last()
        .find(named)
        .or_else(|| at_an_end().find(classes))
        .or_else(|| last().find(|facts| plain(facts) || classes(facts)))
}

/// A name for what a file holds, after its own.
fn name_of(file: &str) -> String {
    let stem = file.rsplit('/').next().unwrap_or_default();
    let stem = stem.split('.').next().unwrap_or_default();
    let plain = stem
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '_' });
    let name: String = plain.collect();
    let name = name.trim_matches('_');
    match name.chars().next() {
        Some(first) if first.is_alphabetic() => name.to_lowercase() + "_data",
        _ => "table".into(),
    }
}

/// Values of a column of text up to which each becomes a column.
const MOST_INDICATORS: usize = 20;
/// Rows of a value below which a split may leave the training part without it.
const FEW_ROWS: usize = 10;

/// A line of a program that reads the file.
fn start(arguments: &Arguments, found: &Survey) -> Option<String> {
    let file = &arguments.file;
    let (path, name) = (quoted(file), name_of(file));
    let reader = found.reader;
    match reader {
        "csv" | "jsonl" | "parquet" => {
            let target = target(&found.columns)?;
            // One spelling that stands for what is missing is told to the reader; columns with other strays are left out.
            let mut missing = arguments.missing.clone();
            if reader == "csv" && missing.is_none() {
                missing = one_stray(found);
            }
            let is_told = found.columns.iter().any(|facts| facts.stray > 0)
                && arguments.missing.is_none()
                && missing.is_some();
            let dialect = match reader {
                "csv" => dialect(arguments, missing.as_ref()),
                _ => String::new(),
            };
            let pipe = pipe(found, target, is_told);
            Some(format!("let {name} = {reader}({path}{dialect}){pipe}"))
        }
        "text" => Some(format!(
            "let {name} = text({path}) |> windows(64) |> split(train = 0.9)"
        )),
        "images" => {
            let sizes = found.columns.first().map_or(0, |sizes| sizes.distinct);
            let size = if sizes > 1 { ", size = 32" } else { "" };
            Some(format!(
                "let {name} = images({path}{size}) |> split(train = 0.8, seed = 1)"
            ))
        }
        "npy" | "npz" | "idx" => Some(format!(
            "let {name} = {reader}({path}) |> split(train = 0.8, seed = 1)"
        )),
        _ => None,
    }
}

/// A text as programs write it.
fn quoted(text: &str) -> String {
    let mut written = String::from('"');
    for character in text.chars() {
        match character {
            '\n' => written += "\\n",
            '\t' => written += "\\t",
            '\\' | '"' => written.extend(['\\', character]),
            '{' | '}' => written.extend([character, character]),
            _ => written.push(character),
        }
    }
    written + "\""
}

/// The text of all cells that are no numbers in columns of numbers, and no dates in columns of dates; `None` where there are several.
fn one_stray(found: &Survey) -> Option<String> {
    let mut texts = found.columns.iter().flat_map(|facts| &facts.strays);
    let (first, _) = texts.next()?;
    texts.all(|(text, _)| text == first).then(|| first.clone())
}

/// The options of `csv` that a table needs.
fn dialect(arguments: &Arguments, missing: Option<&String>) -> String {
    let texts = [
        ("separator", arguments.separator.as_ref()),
        ("missing", missing),
    ];
    let mut options: String = texts
        .iter()
        .filter_map(|(name, value)| {
            let value = quoted((*value)?);
            Some(format!(", {name} = {value}"))
        })
        .collect();
    if arguments.no_header {
        options += ", header = false";
    }
    options
}

/// Transforms that make numbers of every column: a text that comes again and again becomes indicators, another is left out.
/// `is_told` says that what is no number, or no date, is read as missing.
fn pipe(found: &Survey, target: &Facts, is_told: bool) -> String {
    let others: Vec<&Facts> = found
        .columns
        .iter()
        .filter(|facts| facts.name != target.name)
        .collect();
    let is_odd = |facts: &Facts| facts.stray > 0 && !is_told;
    let dates = found.columns.iter();
    let dates = dates.filter(|facts| facts.kind == Kind::Date && !is_odd(facts));
    let mut steps: Vec<String> = dates.map(days).collect();
    steps.push(learnt(target, found.rows.unwrap_or(0)));
    if target.missing > 0 || is_told && target.stray > 0 {
        steps.push(format!("drop_missing({})", quoted(&target.name)));
    }
    let (indicators, rare) = indicators(&others);
    let is_kept = |facts: &Facts| match facts.kind {
        Kind::Text => indicators.iter().any(|other| other.name == facts.name),
        Kind::Number | Kind::Whole | Kind::Flag | Kind::Date => {
            facts.distinct > 0 && !is_odd(facts)
        }
    };
    let (kept, left_out): (Vec<&Facts>, Vec<&Facts>) =
        others.into_iter().partition(|facts| is_kept(facts));
    if !left_out.is_empty() {
        let names: Vec<String> = left_out.iter().map(|facts| quoted(&facts.name)).collect();
        steps.push(format!("drop({})", names.join(", ")));
    }
    if is_told || kept.iter().any(|facts| facts.missing > 0) {
        steps.push("fill_missing".into());
    }
    let split = "split(train = 0.8, seed = 1";
    let name = |facts: &&Facts| format!("one_hot({})", quoted(&facts.name));
    match rare {
        Some(rare) => {
            steps.push(format!("{split}, stratify = {})", quoted(&rare.name)));
            steps.extend(indicators.iter().map(name));
            steps.push("standardize".into());
        }
        None => {
            steps.extend(indicators.iter().map(name));
            steps.extend(["standardize".into(), format!("{split})")]);
        }
    }
    steps.iter().map(|step| format!(" |> {step}")).collect()
}

/// The transform that makes days of dates.
fn days(facts: &Facts) -> String {
    let order = facts.writing.and_then(|writing| writing.order.option());
    let order = order.map_or(String::new(), |order| {
        format!(", order = {}", quoted(order))
    });
    format!("dates({}{order})", quoted(&facts.name))
}

/// The transform that names the target; whole numbers that are few and come again and again are classes.
fn learnt(target: &Facts, rows: usize) -> String {
    let few = (2..=20).contains(&target.distinct) && 4 * target.distinct <= rows;
    let classes = match matches!(target.kind, Kind::Whole | Kind::Flag) && few {
        true => ", classes = true",
        false => "",
    };
    format!("target({}{classes})", quoted(&target.name))
}

/// The columns of text that become indicators, and of them the one that a split is to be stratified by, if some value is rare.
fn indicators<'a>(columns: &[&'a Facts]) -> (Vec<&'a Facts>, Option<&'a Facts>) {
    let rarest = |facts: &Facts| facts.values.last().map_or(0, |(_, count)| *count);
    let comes_again = |facts: &&Facts| {
        let few = (2..=MOST_INDICATORS).contains(&facts.distinct);
        facts.kind == Kind::Text && few && rarest(facts) > 1
    };
    let mut found: Vec<&Facts> = columns.iter().copied().filter(comes_again).collect();
    let rare = found.iter().copied().min_by_key(|facts| rarest(facts));
    let rare = rare.filter(|facts| rarest(facts) < FEW_ROWS);
    // The training part gets each value of one column; a rare one of another it may not have.
    found.retain(|facts| {
        rarest(facts) >= FEW_ROWS / 2 || rare.is_some_and(|rare| rare.name == facts.name)
    });
    (found, rare)
}

fn in_json(file: &str, found: &Survey) -> String {
    let columns: Vec<serde_json::Value> = found
        .columns
        .iter()
        .map(|facts| {
            let values = facts.values.iter();
            let values: Vec<_> = values
                .map(|(value, count)| json!({ "value": value, "count": count }))
                .collect();
            json!({
                "name": facts.name,
                "kind": facts.kind.name(),
                "shape": facts.shape,
                "missing": facts.missing,
                "stray": facts.stray,
                "order": facts.writing.map(|writing| writing.order.option().unwrap_or("ymd")),
                "low": facts.range.map(|range| range.low),
                "high": facts.range.map(|range| range.high),
                "mean": facts.range.map(|range| range.mean),
                "deviation": facts.range.map(|range| range.deviation),
                "distinct": facts.distinct,
                "values": values,
                "histogram": facts.histogram,
            })
        })
        .collect();
    json!({
        "file": file,
        "reader": found.reader,
        "rows": found.rows,
        "columns": columns,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_matter() {
        let shown = [0.0, 5.0, 0.123456, 5.8433, 151.26, 123_456.7, 1e-9, 3.2e12].map(number);
        assert_eq!(
            shown,
            [
                "0", "5", "0.1235", "5.843", "151.3", "123456.7", "1.000e-9", "3.200e12"
            ]
        );
    }

    #[test]
    fn a_line_is_cut_at_the_width() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdef", 4), "abc…");
    }
}
