//! What a model that gives each row a number said of its validation rows: a picture of all of them, and some samples.
use super::chart::{Scale, tick};
use super::predict::Values;
use crate::cli::watch::text::number;
use std::fmt::Write;

/// Samples that are shown.
const SAMPLES: usize = 12;

/// Columns of a sample that are shown.
const COLUMNS: usize = 4;

/// Most points of the picture.
const POINTS: usize = 1000;

/// Sizes of the picture in its own units, which are about pixels.
const SIZE: (f64, f64) = (340.0, 300.0);

/// Room left, above, right and below of the points.
const MARGIN: (f64, f64, f64, f64) = (46.0, 10.0, 12.0, 40.0);

/// The section on predictions.
pub fn html(found: &Values) -> String {
    format!(
        "<h2>Predictions</h2>\n<p>Of the {} rows of the validation part, with the weights at the end of the run: off by {} in the mean.</p>\n<div class=\"stack beside\">\n{}{}</div>\n",
        found.truth.len(),
        number(found.mae()),
        picture(found),
        samples(found)
    )
}

/// Each row as a point: to the right what the data says, upwards what was predicted, on one scale.
fn picture(found: &Values) -> String {
    let all = found.truth.iter().chain(&found.said).copied();
    let Some(scale) = Scale::of(all, false) else {
        return String::new();
    };
    let across = |value: f64| MARGIN.0 + (SIZE.0 - MARGIN.0 - MARGIN.2) * scale.share(value);
    let up = |value: f64| {
        let height = SIZE.1 - MARGIN.1 - MARGIN.3;
        MARGIN.1 + height * (1.0 - scale.share(value))
    };
    let bottom = SIZE.1 - MARGIN.3;
    let mut out = format!(
        "<figure class=\"card chart points\"><h3>Predicted and true</h3>\n<p class=\"quiet\">A point for each row; on the line are those that were predicted exactly.</p>\n<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"predicted against true values\">\n",
        SIZE.0, SIZE.1
    );
    for value in scale.ticks(4.0) {
        let (x, y, name) = (across(value), up(value), tick(value));
        let _ = writeln!(
            out,
            "<line class=\"rule\" x1=\"{}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text><text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{name}</text>",
            MARGIN.0,
            SIZE.0 - MARGIN.2,
            MARGIN.0 - 7.0,
            y + 4.0,
            bottom + 15.0
        );
    }
    let _ = writeln!(
        out,
        "<line style=\"stroke:var(--quiet)\" x1=\"{}\" x2=\"{}\" y1=\"{bottom}\" y2=\"{}\"/>",
        MARGIN.0,
        SIZE.0 - MARGIN.2,
        MARGIN.1
    );
    let stride = found.truth.len().div_ceil(POINTS).max(1);
    let pairs = found.truth.iter().zip(&found.said).step_by(stride);
    for (&truth, &said) in pairs.filter(|(truth, said)| truth.is_finite() && said.is_finite()) {
        let _ = writeln!(
            out,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.5\" style=\"fill:var(--c0);fill-opacity:0.6\"/>",
            across(truth),
            up(said)
        );
    }
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">true, to the right; predicted, upwards</text>\n</svg></figure>",
        SIZE.0 - MARGIN.2,
        SIZE.1 - 6.0
    );
    out
}

/// The first rows.
fn samples(found: &Values) -> String {
    let width: usize = found.x.shape().iter().skip(1).product();
    let columns = width.min(COLUMNS);
    let mut out = String::from(
        "<div class=\"card\"><h3>Samples</h3>\n<p class=\"quiet\">The first rows.</p>\n<div class=\"scroll\"><table><tr><th>row</th><th class=\"n\">predicted</th><th class=\"n\">true</th>",
    );
    for column in 0..columns {
        let _ = write!(out, "<th class=\"n\">x[{column}]</th>");
    }
    out += "</tr>\n";
    let pairs = found.truth.iter().zip(&found.said).enumerate();
    for (row, (&truth, &said)) in pairs.take(SAMPLES) {
        let _ = write!(
            out,
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>",
            row + 1,
            number(said),
            number(truth)
        );
        for column in 0..columns {
            let value = found.x.get(row * width + column).unwrap_or(f64::NAN);
            let _ = write!(out, "<td class=\"n\">{}</td>", number(value));
        }
        out += "</tr>\n";
    }
    out + "</table></div></div>\n"
}
