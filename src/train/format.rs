//! Values as `print` writes them.
//!
//! A float has 7 significant digits. A scalar drops trailing zeros; the elements of a tensor share the number of digits after the point that
//! the longest of them needs, and are aligned, as NumPy does it. A tensor of more than 1,000 elements shows the first and last three along
//! each longer dimension; more than 1,000 rows without elements are `[]`.
use crate::base::tensor::{Elements, Tensor};

/// How one value is to be written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    /// Digits after the point.
    pub precision: Option<usize>,
    /// `%` or `e`.
    pub kind: Option<char>,
    /// Least width; numbers stand to the right.
    pub width: Option<usize>,
}

/// The lines that a tensor is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Columns after which a row goes on in the next line.
    pub columns: usize,
    /// Columns of the first line that are taken.
    pub taken: usize,
}

impl Default for Room {
    fn default() -> Room {
        Room {
            columns: LINE,
            taken: 0,
        }
    }
}

impl Room {
    /// What a terminal of so many columns has for a tensor of that rank behind the text of a line: its closing brackets and a comma fit too.
    pub fn behind(text: &str, columns: usize, rank: usize) -> Room {
        let line = text.rsplit('\n').next().unwrap_or_default();
        Room {
            columns: columns.saturating_sub(rank),
            taken: line.chars().count(),
        }
    }
}

/// Significant digits of a float where no precision is asked for.
const DIGITS: usize = 7;
/// Elements above which a tensor is shortened.
const MOST_ELEMENTS: usize = 1000;
/// Elements shown at each end of a shortened dimension.
const EDGE: usize = 3;
/// Columns after which a row goes on in the next line.
const LINE: usize = 75;

/// A tensor (or scalar) as text.
pub fn text(tensor: &Tensor, style: Style) -> String {
    text_within(tensor, style, Room::default())
}

/// The same in other lines.
pub fn text_within(tensor: &Tensor, style: Style, room: Room) -> String {
    let shorten = tensor.len() > MOST_ELEMENTS;
    // Any number of rows may have no elements.
    let rows_of_none = || {
        let sizes = tensor.shape().iter();
        sizes.fold(1usize, |rows, &size| rows.saturating_mul(size.max(1)))
    };
    if tensor.is_empty() && rows_of_none() > MOST_ELEMENTS {
        return "[]".into();
    }
    let mut shown = Vec::new();
    visit(tensor.shape(), shorten, 0, &mut shown);
    let mut cells = cells(tensor, &shown, style);
    if tensor.shape().is_empty() {
        let cell = cells.pop().unwrap_or_default();
        return format!("{cell:>width$}", width = style.width.unwrap_or(0));
    }
    let width = cells
        .iter()
        .map(|cell| cell.chars().count())
        .max()
        .unwrap_or(0)
        .max(style.width.unwrap_or(0));
    let mut cells = cells.into_iter();
    let mut out = String::new();
    let layout = Layout {
        shorten,
        width,
        columns: room.columns,
    };
    rows(
        tensor.shape(),
        layout,
        (1, 1 + room.taken),
        &mut cells,
        &mut out,
    );
    out
}

/// Tokens as the characters of a vocabulary; the rows of a higher rank one below the other. A token without a character is written as U+FFFD.
pub fn characters(tokens: &Tensor, vocabulary: &[char]) -> String {
    let row = tokens.shape().last().copied().unwrap_or(1);
    let mut out = String::new();
    for at in 0..tokens.len() {
        if at > 0 && row > 0 && at % row == 0 {
            out.push('\n');
        }
        let token = tokens.get(at).unwrap_or(-1.0);
        let known = (token >= 0.0)
            .then(|| vocabulary.get(token as usize))
            .flatten();
        out.push(known.copied().unwrap_or('\u{FFFD}'));
    }
    out
}

/// A float with 7 significant digits, without trailing zeros.
pub fn float(value: f64) -> String {
    match parts(value) {
        None => special(value),
        Some(parts) if parts.exponent < -4 || parts.exponent >= DIGITS as i32 => {
            scientific(value, parts.digits - 1)
        }
        Some(parts) => format!("{value:.*}", parts.decimals()),
    }
}

/// The positions of the elements that are shown.
fn visit(shape: &[usize], shorten: bool, start: usize, shown: &mut Vec<usize>) {
    match shape.split_first() {
        None => shown.push(start),
        Some((&size, rest)) => {
            let stride: usize = rest.iter().product();
            for at in ends(size, shorten, 0) {
                visit(rest, shorten, start + at * stride, shown);
            }
        }
    }
}

/// The positions along a dimension that are shown, and so many of those that are not.
fn ends(size: usize, shorten: bool, hidden: usize) -> impl Iterator<Item = usize> {
    let first = match shorten && size > 2 * EDGE {
        true => EDGE + hidden,
        false => size,
    };
    (0..first).chain(first.max(size.saturating_sub(EDGE))..size)
}

fn hidden(at: usize, size: usize, shorten: bool) -> bool {
    shorten && size > 2 * EDGE && (EDGE..size - EDGE).contains(&at)
}

/// How the rows of a tensor are written.
#[derive(Clone, Copy)]
struct Layout {
    shorten: bool,
    /// Columns of a number.
    width: usize,
    /// Columns after which a row goes on in the next line.
    columns: usize,
}

/// Writes the rows of a dimension, so deep within brackets and behind so many columns of the line.
fn rows(
    shape: &[usize],
    layout: Layout,
    (depth, taken): (usize, usize),
    cells: &mut impl Iterator<Item = String>,
    out: &mut String,
) {
    let Some((&size, rest)) = shape.split_first() else {
        return;
    };
    let Layout {
        shorten,
        width,
        columns,
    } = layout;
    let margin = " ".repeat(depth);
    out.push('[');
    let mut column = taken;
    let mut first = true;
    for at in ends(size, shorten, 1) {
        let gap = hidden(at, size, shorten);
        if !rest.is_empty() {
            if !first {
                out.push(',');
                out.push_str(&"\n".repeat(rest.len()));
                out.push_str(&margin);
            }
            if gap {
                out.push_str("...");
            } else {
                let before = if first { taken } else { depth };
                rows(rest, layout, (depth + 1, before + 1), cells, out);
            }
        } else {
            let cell = if gap {
                "...".to_string()
            } else {
                format!("{:>width$}", cells.next().unwrap_or_default())
            };
            let length = cell.chars().count();
            if first {
                column += length;
            } else if column + 2 + length > columns {
                out.push_str(",\n");
                out.push_str(&margin);
                column = depth + length;
            } else {
                out.push_str(", ");
                column += 2 + length;
            }
            out.push_str(&cell);
        }
        first = false;
    }
    out.push(']');
}

fn cells(tensor: &Tensor, shown: &[usize], style: Style) -> Vec<String> {
    let numbers = || shown.iter().map(|&at| tensor.get(at).unwrap_or(f64::NAN));
    let styled = style.precision.is_some() || style.kind.is_some();
    match tensor.elements() {
        Elements::Bool(_) => numbers().map(|x| (x != 0.0).to_string()).collect(),
        Elements::I32(_) | Elements::U8(_) if !styled => {
            numbers().map(|x| format!("{x}")).collect()
        }
        Elements::F32(_) | Elements::F64(_) if !styled => floats(&numbers().collect::<Vec<_>>()),
        Elements::F32(_) | Elements::F64(_) | Elements::I32(_) | Elements::U8(_) => {
            numbers().map(|x| styled_number(x, style)).collect()
        }
    }
}

fn styled_number(value: f64, style: Style) -> String {
    if !value.is_finite() {
        return special(value);
    }
    match (style.kind, style.precision) {
        (Some('%'), precision) => format!("{:.*}%", precision.unwrap_or(2), value * 100.0),
        (Some('e'), precision) => scientific(value, precision.unwrap_or(DIGITS - 1)),
        (_, Some(precision)) => format!("{value:.precision$}"),
        (_, None) => float(value),
    }
}

/// Floats with a common number of digits after the point, or all with an exponent where their magnitudes lie too far apart.
fn floats(values: &[f64]) -> Vec<String> {
    if let [value] = values {
        return vec![float(*value)];
    }
    let all: Vec<Parts> = values.iter().filter_map(|&value| parts(value)).collect();
    let magnitudes = || {
        values
            .iter()
            .map(|x| x.abs())
            .filter(|x| x.is_finite() && *x > 0.0)
    };
    let largest = magnitudes().fold(0.0, f64::max);
    let least = magnitudes().fold(f64::INFINITY, f64::min);
    let exponent = largest >= 1e7 || (largest > 0.0 && (least < 1e-4 || largest / least > 1e6));
    let digits = all.iter().map(|parts| parts.digits - 1).max().unwrap_or(0);
    let decimals = all.iter().map(Parts::decimals).max().unwrap_or(0);
    values
        .iter()
        .map(|&value| {
            if !value.is_finite() {
                special(value)
            } else if exponent {
                scientific(value, digits)
            } else {
                format!("{value:.decimals$}")
            }
        })
        .collect()
}

/// A finite number rounded to 7 significant digits: how many of them are left without trailing zeros (at least 1), and its decimal exponent.
struct Parts {
    digits: usize,
    exponent: i32,
}

impl Parts {
    fn decimals(&self) -> usize {
        (self.digits as i32 - 1 - self.exponent).max(0) as usize
    }
}

fn parts(value: f64) -> Option<Parts> {
    if !value.is_finite() {
        return None;
    }
    let text = format!("{:.*e}", DIGITS - 1, value.abs());
    let (mantissa, exponent) = text.split_once('e')?;
    let digits = mantissa
        .trim_end_matches('0')
        .chars()
        .filter(char::is_ascii_digit)
        .count();
    Some(Parts {
        digits: digits.max(1),
        exponent: exponent.parse().ok()?,
    })
}

/// `1.5e-07`: the exponent with its sign and at least two digits.
pub fn scientific(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$e}");
    match text.split_once('e').map(|(m, e)| (m, e.parse::<i32>())) {
        Some((mantissa, Ok(exponent))) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", exponent.abs())
        }
        Some((_, Err(_))) | None => text,
    }
}

fn special(value: f64) -> String {
    if value.is_nan() {
        "nan".into()
    } else if value > 0.0 {
        "inf".into()
    } else {
        "-inf".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(shape: &[usize], elements: Elements, expected: &str) {
        let tensor = Tensor::new(shape, elements).expect("as many elements as the shape says");
        assert_eq!(text(&tensor, Style::default()), expected);
    }

    #[test]
    fn scalars_have_seven_digits_and_no_trailing_zeros() {
        for (value, expected) in [
            (0.1, "0.1"),
            (1.0, "1"),
            (-0.000_042_5, "-4.25e-05"),
            (1_234.567_8, "1234.568"),
            (12_345_678.0, "1.234568e+07"),
            (0.263_593_02, "0.263593"),
            (0.0, "0"),
        ] {
            check(&[], Elements::F32(vec![value]), expected);
        }
        check(&[], Elements::F64(vec![f64::NAN]), "nan");
        check(&[], Elements::I32(vec![-7]), "-7");
        check(&[], Elements::Bool(vec![1]), "true");
    }

    #[test]
    fn elements_share_their_digits() {
        check(
            &[2],
            Elements::F32(vec![0.263_593, 0.803_878_8]),
            "[0.2635930, 0.8038788]",
        );
        check(
            &[3],
            Elements::F32(vec![1.0, -2.5, 10.0]),
            "[ 1.0, -2.5, 10.0]",
        );
        check(&[2], Elements::F32(vec![1e-6, 1.0]), "[1e-06, 1e+00]");
        check(&[0], Elements::F32(Vec::new()), "[]");
        check(
            &[2, 2],
            Elements::I32(vec![1, 2, 3, 40]),
            "[[ 1,  2],\n [ 3, 40]]",
        );
        check(
            &[2, 1, 2],
            Elements::Bool(vec![1, 0, 0, 1]),
            "[[[ true, false]],\n\n [[false,  true]]]",
        );
    }

    #[test]
    fn rows_take_the_columns_that_there_are() {
        let tensor = Tensor::new([2, 6], Elements::I32((10..22).collect())).expect("twelve");
        let within = |columns| {
            let room = Room::behind("\nx: ", columns, 2);
            text_within(&tensor, Style::default(), room)
        };
        assert_eq!(
            within(40),
            "[[10, 11, 12, 13, 14, 15],\n [16, 17, 18, 19, 20, 21]]"
        );
        // The first line has a text before.
        assert_eq!(
            within(28),
            "[[10, 11, 12, 13, 14,\n  15],\n [16, 17, 18, 19, 20, 21]]"
        );
        assert_eq!(
            within(12),
            "[[10,\n  11, 12,\n  13, 14,\n  15],\n [16, 17,\n  18, 19,\n  20, 21]]"
        );
    }

    #[test]
    fn long_ones_are_shortened() {
        check(
            &[2000],
            Elements::I32((0..2000).collect()),
            "[   0,    1,    2, ..., 1997, 1998, 1999]",
        );
    }

    #[test]
    fn many_rows_without_elements_are_not_written_out() {
        let none = || Elements::F32(Vec::new());
        check(&[2, 0], none(), "[[],\n []]");
        check(&[2147483647, 0], none(), "[]");
        check(&[0, 2147483647], none(), "[]");
    }

    #[test]
    fn styles_are_obeyed() {
        let styled = |value: f32, precision, kind, width| {
            text(
                &Tensor::scalar(value),
                Style {
                    precision,
                    kind,
                    width,
                },
            )
        };
        assert_eq!(styled(0.123_456, Some(3), None, Some(7)), "  0.123");
        assert_eq!(styled(0.984_2, Some(1), Some('%'), None), "98.4%");
        assert_eq!(styled(1234.5, Some(2), Some('e'), None), "1.23e+03");
    }

    #[test]
    fn tokens_print_as_text() {
        let tokens = Tensor::new([2, 2], Elements::I32(vec![0, 1, 1, 7])).expect("four");
        assert_eq!(characters(&tokens, &['a', 'b']), "ab\nb\u{FFFD}");
    }
}
