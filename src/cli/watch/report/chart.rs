//! A chart of curves as SVG, with axes and, by a few lines of script, the values below the pointer.
use super::escape;
use crate::cli::watch::text::number;
use std::fmt::Write;

/// Sizes of the picture in its own units, which are about pixels: a chart is as wide as a telephone.
const SIZE: (f64, f64) = (340.0, 200.0);
/// Room left, above, right and below of the curves.
const MARGIN: (f64, f64, f64, f64) = (46.0, 10.0, 10.0, 24.0);
/// Most points of a curve: more than there are columns of pixels say nothing.
const POINTS: usize = 500;

/// A curve; its values stand at the places of the chart, NaN where there is none.
pub struct Curve {
    /// What it shows.
    pub name: String,
    /// The number of its colour, the same for what means the same in all charts.
    pub colour: usize,
    /// Its values.
    pub values: Vec<f64>,
}

/// A chart of curves over the same places.
pub struct Chart {
    /// What stands above it.
    pub title: String,
    /// What its places count.
    pub places: &'static str,
    /// The places, in order.
    pub x: Vec<f64>,
    /// The curves.
    pub curves: Vec<Curve>,
    /// Whether all are losses, which are told apart best on a logarithmic scale.
    pub loss: bool,
}

/// The scale of an axis.
pub struct Scale {
    low: f64,
    high: f64,
    log: bool,
}

impl Scale {
    /// The scale that shows all of these values that are finite, where there are any; with `log` a logarithmic one where they differ much.
    pub fn of(values: impl Iterator<Item = f64> + Clone, log: bool) -> Option<Scale> {
        let values = values.filter(|value| value.is_finite());
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let high = values.fold(f64::NEG_INFINITY, f64::max);
        if low > high {
            return None;
        }
        let log = log && low > 0.0 && high > 20.0 * low;
        if log {
            return Some(Scale { low, high, log });
        }
        let room = if high > low {
            0.05 * (high - low)
        } else {
            low.abs().max(1.0) * 0.1
        };
        // What is never negative, such as a loss, is not shown below 0.
        let below = if low >= 0.0 {
            (low - room).max(0.0)
        } else {
            low - room
        };
        Some(Scale {
            low: below,
            high: high + room,
            log,
        })
    }

    /// From 0 at the low end to 1 at the high one.
    pub fn share(&self, value: f64) -> f64 {
        match self.log {
            true => (value / self.low).ln() / (self.high / self.low).ln(),
            false => (value - self.low) / (self.high - self.low),
        }
    }

    /// Round values to be named on the axis.
    pub fn ticks(&self, wanted: f64) -> Vec<f64> {
        if self.log {
            let digits: &[f64] = match self.high / self.low < 300.0 {
                true => &[1.0, 2.0, 5.0],
                false => &[1.0],
            };
            let decades = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
            let all = decades.flat_map(|decade| digits.iter().map(move |d| d * 10f64.powi(decade)));
            return all
                .filter(|tick| (self.low..=self.high).contains(tick))
                .collect();
        }
        let step = round_step((self.high - self.low) / wanted);
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step).floor() as i64;
        (first..=last.min(first + 20))
            .map(|at| at as f64 * step)
            .collect()
    }
}

/// The round number 1, 2 or 5 times a power of ten that is next above a number.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let fit = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|digit| digit * power >= least);
    fit.unwrap_or(10.0) * power
}

/// A number on an axis, as short as it is exact: `120k`, `1.5M`.
pub fn tick(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude >= 1e12 || (magnitude > 0.0 && magnitude < 1e-4) {
        return format!("{value:e}");
    }
    let units = [(1e9, "G"), (1e6, "M"), (1e5, "k")];
    let found = units.into_iter().find(|(least, _)| magnitude >= *least);
    let (value, unit) = match found {
        Some((_, "k")) => (value / 1e3, "k"),
        Some((unit, name)) => (value / unit, name),
        None => (value, ""),
    };
    let text = format!("{value:.5}");
    format!("{}{unit}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A number as a list of the script has it, in quotes.
fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    format!("[{}]", items.join(","))
}

impl Chart {
    /// The chart as HTML; nothing where no value can be drawn.
    pub fn html(&self) -> String {
        let values = self
            .curves
            .iter()
            .flat_map(|curve| curve.values.iter().copied());
        let Some(scale) = Scale::of(values, self.loss) else {
            return String::new();
        };
        let shown = self.shown();
        let at = self.columns();
        let column = |place: usize| at.get(place).copied().unwrap_or(0.0);
        let number_at =
            |values: &[f64], place: usize| number(values.get(place).copied().unwrap_or(f64::NAN));
        let series = self.curves.iter().map(|curve| {
            list(
                shown
                    .iter()
                    .map(|&place| quoted(&number_at(&curve.values, place))),
            )
        });
        let x = shown
            .iter()
            .map(|&place| tick(self.x.get(place).copied().unwrap_or(0.0).round()));
        let mut out = format!(
            "<figure class=\"card chart\" data-name=\"{}\" data-x='{}' data-at='{}' data-y='{}'>\n<h3>{}</h3>\n",
            self.places,
            list(x),
            list(shown.iter().map(|&place| format!("{:.1}", column(place)))),
            list(series),
            escape(&self.title)
        );
        let _ = writeln!(
            out,
            "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">",
            SIZE.0,
            SIZE.1,
            escape(&self.title)
        );
        self.axes(&scale, &mut out);
        for curve in &self.curves {
            let points = shown
                .iter()
                .map(|&place| (column(place), curve.values.get(place)));
            out += &line(points, &scale, curve.colour);
        }
        let _ = writeln!(
            out,
            "<line class=\"cursor\" x1=\"0\" x2=\"0\" y1=\"{}\" y2=\"{}\"/>\n</svg>",
            MARGIN.1,
            SIZE.1 - MARGIN.3
        );
        out + &self.legend(scale.log) + "</figure>\n"
    }

    /// The places that are drawn: all of few.
    fn shown(&self) -> Vec<usize> {
        let stride = self.x.len().div_ceil(POINTS).max(1);
        let mut shown: Vec<usize> = (0..self.x.len()).step_by(stride).collect();
        let last = self.x.len().saturating_sub(1);
        if shown.last().is_some_and(|&place| place != last) {
            shown.push(last);
        }
        shown
    }

    /// Where the places stand.
    fn columns(&self) -> Vec<f64> {
        let (first, last) = self.range();
        let width = SIZE.0 - MARGIN.0 - MARGIN.2;
        let column = |&x: &f64| match last > first {
            true => MARGIN.0 + width * (x - first) / (last - first),
            false => MARGIN.0 + width / 2.0,
        };
        self.x.iter().map(column).collect()
    }

    fn range(&self) -> (f64, f64) {
        let end = |place: Option<&f64>| place.copied().unwrap_or(0.0);
        (end(self.x.first()), end(self.x.last()))
    }

    fn axes(&self, scale: &Scale, out: &mut String) {
        for value in scale.ticks(4.0) {
            let y = row(scale, value);
            let _ = writeln!(
                out,
                "<line class=\"rule\" x1=\"{}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                MARGIN.0,
                SIZE.0 - MARGIN.2,
                MARGIN.0 - 7.0,
                y + 4.0,
                tick(value)
            );
        }
        let (first, last) = self.range();
        let step = round_step((last - first).max(1.0) / 5.0).max(1.0);
        let round = (1..8).map(|at| at as f64 * step);
        let between = round.filter(|&x| x > first + step / 2.0 && x < last - step / 2.0);
        let mut ticks: Vec<f64> = std::iter::once(first).chain(between).collect();
        if last > first {
            ticks.push(last);
        }
        let width = SIZE.0 - MARGIN.0 - MARGIN.2;
        for value in ticks {
            let share = if last > first {
                (value - first) / (last - first)
            } else {
                0.5
            };
            // Long numbers at the right end stay inside of the picture.
            let (x, anchor) = match share >= 1.0 {
                true => (SIZE.0 - 2.0, "end"),
                false => (MARGIN.0 + width * share, "middle"),
            };
            let _ = writeln!(
                out,
                "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
                SIZE.1 - 8.0,
                tick(value.round())
            );
        }
    }

    /// What each curve is, with its last value.
    fn legend(&self, log: bool) -> String {
        let scale = if log { ", logarithmic scale" } else { "" };
        let mut out = format!(
            "<figcaption class=\"legend\"><span class=\"x\">by {}{scale}; last</span>",
            self.places
        );
        for curve in &self.curves {
            let last = curve.values.last().copied().unwrap_or(f64::NAN);
            let _ = write!(
                out,
                "<span style=\"--of:var(--c{})\">{} <b>{}</b></span>",
                curve.colour,
                escape(&curve.name),
                number(last)
            );
        }
        out + "</figcaption>\n"
    }
}

fn row(scale: &Scale, value: f64) -> f64 {
    let height = SIZE.1 - MARGIN.1 - MARGIN.3;
    MARGIN.1 + height * (1.0 - scale.share(value))
}

/// A curve in pieces between the values that cannot be drawn.
fn line<'a>(
    points: impl Iterator<Item = (f64, Option<&'a f64>)>,
    scale: &Scale,
    colour: usize,
) -> String {
    let mut pieces: Vec<Vec<String>> = vec![Vec::new()];
    for (x, value) in points {
        match value.filter(|value| value.is_finite()) {
            Some(&value) => {
                let point = format!("{x:.1},{:.1}", row(scale, value));
                if let Some(piece) = pieces.last_mut() {
                    piece.push(point);
                }
            }
            None => pieces.push(Vec::new()),
        }
    }
    let colour = format!("var(--c{colour})");
    let drawn = pieces
        .iter()
        .filter(|piece| !piece.is_empty())
        .map(|piece| match piece.as_slice() {
            [point] => {
                let (x, y) = point.split_once(',').unwrap_or(("0", "0"));
                format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"3\" style=\"fill:{colour}\"/>\n")
            }
            points => format!(
                "<polyline style=\"stroke:{colour}\" points=\"{}\"/>\n",
                points.join(" ")
            ),
        });
    drawn.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(values: &[f64], log: bool) -> Scale {
        Scale::of(values.iter().copied(), log).expect("there are values")
    }

    #[test]
    fn axes_have_round_numbers() {
        let names =
            |scale: Scale| -> Vec<String> { scale.ticks(4.0).into_iter().map(tick).collect() };
        assert_eq!(names(scale(&[0.0, 1.0], false)), ["0", "0.5", "1"]);
        assert_eq!(names(scale(&[0.8667, 1.0], false)), ["0.9", "0.95", "1"]);
        assert_eq!(names(scale(&[0.01, 3.0], true)), ["0.01", "0.1", "1"]);
        assert_eq!(
            names(scale(&[0.04, 1.0], true)),
            ["0.05", "0.1", "0.2", "0.5", "1"]
        );
        assert_eq!(
            names(scale(&[0.0, 1.6e6], false)),
            ["0", "500k", "1M", "1.5M"]
        );
        assert_eq!(tick(2e13), "2e13");
        assert!(!names(scale(&[2.0, 2.0], false)).is_empty());
        assert!(Scale::of([f64::NAN].into_iter(), true).is_none());
    }

    #[test]
    fn a_curve_is_interrupted_where_it_has_no_value() {
        let chart = Chart {
            title: "a < b".into(),
            places: "epoch",
            x: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            curves: vec![Curve {
                name: "loss".into(),
                colour: 0,
                values: vec![3.0, 2.0, f64::NAN, 1.0, f64::INFINITY, 2.0],
            }],
            loss: true,
        };
        let html = chart.html();
        assert_eq!(html.matches("<polyline").count(), 1, "{html}");
        assert_eq!(html.matches("<circle").count(), 2, "{html}");
        assert!(
            html.contains("a &lt; b") && !html.contains("a < b"),
            "{html}"
        );
    }
}
