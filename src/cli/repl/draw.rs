//! Tensors drawn with characters: a vector as a curve, a matrix as a picture.
use crate::base::tensor::Tensor;
use crate::train::format::scientific;

/// Most columns and the rows of a curve's cells, each of 2 by 4 dots.
const CURVE: (usize, usize) = (64, 12);
/// Fewest columns of a curve or a picture, however narrow the terminal is.
const LEAST: usize = 8;
/// Most columns and rows of a picture's pixels.
const PICTURE: (usize, usize) = (80, 64);
/// From dark to light, for terminals without colours.
const SHADES: &[u8] = b" .:-=+*#%@";

/// A tensor of rank 1 or 2 as lines of text, within the columns of a terminal where there is one; `None` for other ranks and for tensors without elements.
pub fn drawn(tensor: &Tensor, colour: bool, columns: Option<usize>) -> Option<String> {
    let room = columns.unwrap_or(usize::MAX);
    let values: Vec<f64> = (0..tensor.len()).filter_map(|at| tensor.get(at)).collect();
    if values.is_empty() {
        return None;
    }
    match *tensor.shape() {
        [_] => Some(curve(&values, room)),
        [rows, columns] => Some(picture(&values, (rows, columns), colour, room)),
        _ => None,
    }
}

/// The least and the largest finite value; a value alone gets some room around it.
fn range(values: &[f64]) -> (f64, f64) {
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let least = finite().fold(f64::INFINITY, f64::min);
    let most = finite().fold(f64::NEG_INFINITY, f64::max);
    if least > most {
        (0.0, 1.0)
    } else if least == most {
        (least - 0.5, most + 0.5)
    } else {
        (least, most)
    }
}

/// The ends of a range: with four digits after the point, or with an exponent where that would be long or nothing but zeros.
fn ends(least: f64, most: f64) -> [String; 2] {
    let largest = least.abs().max(most.abs());
    let plain = largest == 0.0 || (1e-3..1e6).contains(&largest);
    [least, most].map(|value| match plain || value == 0.0 {
        true => format!("{value:.4}"),
        false => scientific(value, 3),
    })
}

/// As many values as there are columns, on the lines from each to the next; beside one that is not finite, the value itself.
fn stretched(values: &[f64], wide: usize) -> Vec<f64> {
    let last = values.len().saturating_sub(1);
    if last == 0 || values.len() >= wide {
        return values.to_vec();
    }
    let column = |column: usize| {
        let at = (column * last) as f64 / (wide - 1) as f64;
        let value = |place: f64| values.get(place as usize).copied().unwrap_or(f64::NAN);
        let (before, after) = (value(at.floor()), value(at.ceil()));
        let between = before + (after - before) * at.fract();
        if between.is_finite() {
            between
        } else {
            value(at.round())
        }
    };
    (0..wide).map(column).collect()
}

/// A curve of dots. Where there are more values than columns, each column shows the span of its values; where there are fewer, lines join them.
fn curve(values: &[f64], room: usize) -> String {
    let (least, most) = range(values);
    let labels = ends(least, most);
    let lengths = labels.iter().map(|label| label.chars().count());
    let margin = lengths.max().unwrap_or(0);
    let rows = CURVE.1;
    // A blank and the axis stand between.
    let columns = room.saturating_sub(margin + 2).clamp(LEAST, CURVE.0);
    let (wide, high) = (columns * 2, rows * 4);
    let count = values.len();
    let values = stretched(values, wide);
    let values = values.as_slice();
    let mut dots = vec![false; wide * high];
    let row_of = |value: f64| {
        let share = (most - value) / (most - least);
        ((share * (high - 1) as f64).round().max(0.0) as usize).min(high - 1)
    };
    let mut last: Option<usize> = None;
    for column in 0..wide {
        let from = column * values.len() / wide;
        let to = ((column + 1) * values.len()).div_ceil(wide).max(from + 1);
        let part = values.get(from..to.min(values.len())).unwrap_or_default();
        let finite = part.iter().copied().filter(|value| value.is_finite());
        let found: Vec<usize> = finite.map(row_of).collect();
        let (Some(&top), Some(&bottom)) = (found.iter().min(), found.iter().max()) else {
            last = None;
            continue;
        };
        // A steep piece is joined to the column before.
        let (top, bottom) = match last {
            Some(before) if before < top => (before + 1, bottom),
            Some(before) if before > bottom => (top, before - 1),
            Some(_) | None => (top, bottom),
        };
        for row in top.min(bottom)..=bottom.max(top) {
            dots[row * wide + column] = true;
        }
        last = found.last().copied();
    }
    let mut out = String::new();
    for row in 0..rows {
        let label = match row {
            0 => labels[1].as_str(),
            _ if row == rows - 1 => labels[0].as_str(),
            _ => "",
        };
        out += &format!("{label:>margin$} │");
        let cells = (0..columns).map(|column| braille(&dots, wide, row * 4, column * 2));
        out += cells.collect::<String>().trim_end_matches('\u{2800}');
        out.push('\n');
    }
    let last = (count - 1).to_string();
    let line = "─".repeat(columns);
    out + &format!(
        "{:>margin$} └{line}\n{:>margin$}  0{last:>width$}",
        "",
        "",
        width = columns - 1
    )
}

/// The character of a cell of 2 by 4 dots.
fn braille(dots: &[bool], wide: usize, row: usize, column: usize) -> char {
    const BITS: [(usize, usize, u32); 8] = [
        (0, 0, 0x01),
        (1, 0, 0x02),
        (2, 0, 0x04),
        (0, 1, 0x08),
        (1, 1, 0x10),
        (2, 1, 0x20),
        (3, 0, 0x40),
        (3, 1, 0x80),
    ];
    let bits = BITS
        .iter()
        .filter(|(down, right, _)| dots[(row + down) * wide + column + right])
        .map(|(_, _, bit)| bit);
    char::from_u32(0x2800 + bits.sum::<u32>()).unwrap_or(' ')
}

/// A picture, light for large: two pixels in a character of a colour terminal, two characters for a pixel of another.
fn picture(values: &[f64], (rows, columns): (usize, usize), colour: bool, room: usize) -> String {
    let (least, most) = range(values);
    let pixels = if colour { room } else { room / 2 };
    let (wide, high) = (
        columns.min(pixels.clamp(LEAST, PICTURE.0)),
        rows.min(PICTURE.1),
    );
    // What is larger than the screen is thinned out.
    let share = |row: usize, column: usize| {
        let at = (row * rows / high) * columns + column * columns / wide;
        let value = values.get(at).copied().unwrap_or(least);
        let share = (value - least) / (most - least);
        if share.is_nan() {
            0.0
        } else {
            share.clamp(0.0, 1.0)
        }
    };
    let mut out = String::new();
    if colour {
        for row in (0..high).step_by(2) {
            for column in 0..wide {
                let upper = grey(share(row, column));
                let lower = match row + 1 < high {
                    true => format!(";48;5;{}", grey(share(row + 1, column))),
                    false => String::new(),
                };
                out += &format!("\x1b[38;5;{upper}{lower}m▀");
            }
            out += "\x1b[0m\n";
        }
    } else {
        for row in 0..high {
            for column in 0..wide {
                let shade = (share(row, column) * (SHADES.len() - 1) as f64).round() as usize;
                let shade = char::from(SHADES[shade.min(SHADES.len() - 1)]);
                out.push(shade);
                out.push(shade);
            }
            out = format!("{}\n", out.trim_end_matches(' '));
        }
    }
    let [least, most] = ends(least, most);
    out + &format!("{rows} x {columns}, {least} (dark) to {most}")
}

/// One of the 24 greys of a terminal with 256 colours.
fn grey(share: f64) -> u8 {
    232 + (share * 23.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::tensor::Elements;

    fn tensor(shape: &[usize], values: Vec<f32>) -> Tensor {
        Tensor::new(shape.to_vec(), Elements::F32(values)).expect("the elements fit")
    }

    #[test]
    fn a_rising_line_goes_from_the_lower_left_to_the_upper_right() {
        let text = drawn(
            &tensor(&[128], (0..128).map(|x| x as f32).collect()),
            false,
            None,
        );
        let text = text.expect("a curve");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), CURVE.1 + 2);
        assert!(
            lines[0].starts_with("127.0000 │") && lines[11].starts_with("  0.0000 │"),
            "{text}"
        );
        let ends = |line: &str| line.chars().last().is_some_and(|c| c > '\u{2800}');
        assert!(
            ends(lines[0]) && lines[11].contains(|c| c > '\u{2800}'),
            "{text}"
        );
        let length = |line: &str| line.chars().count();
        assert!(length(lines[0]) > length(lines[5]) && length(lines[5]) > length(lines[11]));
    }

    #[test]
    fn a_drawing_keeps_to_its_columns() {
        let widest = |text: Option<String>| {
            let text = text.expect("a drawing");
            text.lines().map(|line| line.chars().count()).max()
        };
        let rising = tensor(&[128], (0..128).map(|x| x as f32).collect());
        assert_eq!(widest(drawn(&rising, false, Some(40))), Some(40));
        assert_eq!(widest(drawn(&rising, false, Some(300))), Some(74));
        let square = tensor(&[64, 64], (0..4096).map(|x| x as f32).collect());
        assert_eq!(widest(drawn(&square, false, Some(40))), Some(40));
        let large = tensor(&[3], vec![1e30, f32::INFINITY, 2e30]);
        let text = drawn(&large, false, None).expect("a curve");
        assert!(text.starts_with("2.000e+30 │"), "{text}");
        assert_eq!(ends(0.0, 2e-5), ["0.0000", "2.000e-05"]);
        assert_eq!(ends(-3.0, 999_999.0), ["-3.0000", "999999.0000"]);
    }

    #[test]
    fn what_is_not_finite_leaves_a_gap() {
        let values = vec![0.0, f32::NAN, f32::INFINITY, 1.0];
        assert!(drawn(&tensor(&[4], values), false, None).is_some());
        assert!(drawn(&tensor(&[2], vec![f32::NAN; 2]), false, None).is_some());
        assert!(drawn(&tensor(&[0], vec![]), false, None).is_none());
        assert!(drawn(&tensor(&[1, 1, 1], vec![0.0]), false, None).is_none());
    }

    #[test]
    fn few_values_are_joined_by_lines() {
        let line = stretched(&[0.0, 3.0, 3.0], 7);
        assert_eq!(line, [0.0, 1.0, 2.0, 3.0, 3.0, 3.0, 3.0]);
        let gap = stretched(&[1.0, f64::NAN, 2.0], 5);
        assert_eq!((gap[0], gap[4]), (1.0, 2.0));
        assert!(gap[2].is_nan(), "{gap:?}");
        assert_eq!(stretched(&[5.0], 7), [5.0]);
    }

    #[test]
    fn a_matrix_is_a_picture() {
        let text = drawn(&tensor(&[2, 2], vec![0.0, 1.0, 0.5, 0.0]), false, None);
        assert_eq!(
            text.as_deref(),
            Some("  @@\n++\n2 x 2, 0.0000 (dark) to 1.0000")
        );
        let text = drawn(&tensor(&[2, 2], vec![0.0, 1.0, 0.5, 0.0]), true, None);
        assert_eq!(text.expect("a picture").matches('▀').count(), 2);
    }
}
