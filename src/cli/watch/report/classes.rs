//! The confusion matrix and some samples of a classifier.
use super::predict::Classes;
use super::{escape, image};
use crate::cli::watch::text::number;
use std::fmt::Write;

/// Most classes of a matrix that is shown.
const CLASSES: usize = 20;

/// Most classes of a matrix that has the samples beside it.
const CLASSES_BESIDE: usize = 12;

/// Samples that are shown of the right and of the wrong predictions.
const SAMPLES: usize = 12;

/// The section on predictions.
pub fn html(found: &Classes) -> String {
    let mut out = format!(
        "<h2>Predictions</h2>\n<p>Of the {} rows of the validation part, with the weights at the end of the run: {:.2} % right.</p>\n",
        found.truth.len(),
        100.0 * found.accuracy()
    );
    // A small matrix leaves room beside it.
    let beside = match found.classes.len() {
        ..=CLASSES_BESIDE => " beside",
        _ => "",
    };
    let _ = writeln!(out, "<div class=\"stack{beside}\">");
    if found.classes.len() <= CLASSES {
        out += &matrix(found);
    }
    out + &samples(found) + "</div>\n"
}

fn matrix(found: &Classes) -> String {
    let count = found.classes.len();
    let mut counts = vec![vec![0usize; count]; count];
    for (&truth, &said) in found.truth.iter().zip(&found.said) {
        if let Some(cell) = counts.get_mut(truth).and_then(|row| row.get_mut(said)) {
            *cell += 1;
        }
    }
    let mut out = String::from(
        "<div class=\"card\"><h3>Confusion matrix</h3>\n<p class=\"quiet\">Rows: the class of the data. Columns: the class predicted.</p>\n<div class=\"scroll\"><table class=\"matrix\"><tr><th></th>",
    );
    for name in &found.classes {
        let _ = write!(out, "<th>{}</th>", escape(name));
    }
    out += "</tr>\n";
    for (truth, (name, row)) in found.classes.iter().zip(&counts).enumerate() {
        let sum = row.iter().sum::<usize>().max(1);
        let _ = write!(out, "<tr><th>{}</th>", escape(name));
        for (said, &cell) in row.iter().enumerate() {
            let colour = if said == truth { "--c0" } else { "--c4" };
            // A few among many must be seen too, and the number be read on the strongest colour.
            let share = match cell {
                0 => 0.0,
                cell => 10.0 + 40.0 * cell as f64 / sum as f64,
            };
            let text = if cell == 0 {
                String::new()
            } else {
                cell.to_string()
            };
            let _ = write!(
                out,
                "<td style=\"background:color-mix(in srgb,var({colour}) {share:.0}%,transparent)\">{text}</td>"
            );
        }
        out += "</tr>\n";
    }
    out + "</table></div></div>\n"
}

/// The first rows, and the first that were predicted wrong.
fn samples(found: &Classes) -> String {
    let wrong = |row: &usize| found.truth.get(*row) != found.said.get(*row);
    let rows = 0..found.truth.len();
    let mut shown: Vec<usize> = rows
        .clone()
        .filter(|row| !wrong(row))
        .take(SAMPLES)
        .collect();
    shown.extend(rows.filter(wrong).take(SAMPLES));
    let drawn: Option<Vec<String>> = shown
        .iter()
        .map(|&row| image::of_row(&found.x, row))
        .collect();
    let inner = match drawn {
        Some(pictures) => gallery(found, &shown, &pictures),
        None => table(found, &shown),
    };
    format!(
        "<div class=\"card\"><h3>Samples</h3>\n<p class=\"quiet\">The first rows that were predicted right, then the first that were not.</p>\n{inner}</div>\n"
    )
}

fn class(found: &Classes, class: Option<&usize>) -> String {
    let name = class.and_then(|&class| found.classes.get(class));
    name.map_or_else(String::new, |name| escape(name))
}

/// What was said, and what is right where that is something else.
fn verdict(found: &Classes, row: usize) -> String {
    let (truth, said) = (found.truth.get(row), found.said.get(row));
    match truth == said {
        true => class(found, said),
        false => format!(
            "<span class=\"wrong\">{}</span>, not {}",
            class(found, said),
            class(found, truth)
        ),
    }
}

fn gallery(found: &Classes, shown: &[usize], pictures: &[String]) -> String {
    let mut out = String::from("<div class=\"samples\">\n");
    for (&row, picture) in shown.iter().zip(pictures) {
        let _ = writeln!(
            out,
            "<figure><img alt=\"row {}\" src=\"{picture}\"><figcaption>{}</figcaption></figure>",
            row + 1,
            verdict(found, row)
        );
    }
    out + "</div>\n"
}

/// Rows of numbers, the first few of each.
fn table(found: &Classes, shown: &[usize]) -> String {
    let width: usize = found.x.shape().iter().skip(1).product();
    let columns = width.min(6);
    let mut out = String::from("<div class=\"scroll\"><table><tr><th>row</th><th>predicted</th>");
    (0..columns).for_each(|column| {
        let _ = write!(out, "<th class=\"n\">x[{column}]</th>");
    });
    out += "</tr>\n";
    for &row in shown {
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{}</td>",
            row + 1,
            verdict(found, row)
        );
        for column in 0..columns {
            let value = found.x.get(row * width + column).unwrap_or(f64::NAN);
            let _ = write!(out, "<td class=\"n\">{}</td>", number(value));
        }
        out += "</tr>\n";
    }
    out + "</table></div>\n"
}
