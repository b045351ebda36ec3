//! The progress of a run: on a terminal a line that is drawn again in its place, above it the epochs that ended; a table at the end.
use super::history::{Descent, History, Training};
use super::text::{self, Better, NUMBER, duration, number, rate};
use crate::cli::journal::Place;
use crate::cli::output::Output;
use crate::train::Epoch;
use std::time::{Duration, Instant};

/// Least time between two drawings of the line.
const REDRAW: Duration = Duration::from_millis(100);

/// Columns of the curve of the line.
const CURVE: usize = 10;

/// Trainings of more epochs leave lines for some of them only.
const ALL_EPOCHS: usize = 30;

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Not at all.
    Off,
    /// A line for each epoch, with nothing but text in it.
    Plain,
    /// With a line that is drawn again in its place.
    Live,
}

/// Shows the progress of a run.
pub struct Progress<'a> {
    output: &'a Output,
    mode: Mode,
    /// Whether the line is on the screen.
    shown: bool,
    /// When it was drawn last, and how many steps were done then.
    drawn: (Instant, u64),
    /// When the run began.
    began: Instant,
    /// Steps in a second of late.
    rate: Option<f64>,
    /// Width of the columns of the epochs' lines, which only grow.
    columns: Vec<usize>,
}

impl<'a> Progress<'a> {
    /// Nothing shown yet.
    pub fn new(output: &'a Output, mode: Mode, place: Place) -> Progress<'a> {
        Progress {
            output,
            mode,
            shown: false,
            drawn: (Instant::now(), place.total),
            began: Instant::now(),
            rate: None,
            columns: Vec::new(),
        }
    }

    /// Whether anything is shown at all.
    pub fn is_shown(&self) -> bool {
        self.mode != Mode::Off
    }

    /// The run begins, or goes on there: what came before takes no part in its speed.
    pub fn begin(&mut self, place: Place) {
        self.began = Instant::now();
        self.drawn = (self.began, place.total);
    }

    /// Takes the line away, where something else is to be written.
    pub fn clear(&mut self) {
        if self.shown {
            self.shown = false;
            self.output.say("\r\x1b[K");
        }
    }

    /// Draws the line if it is time for that. `turns` are those done of a loop of steps, and how many there are.
    pub fn tick(&mut self, history: &History, place: Place, turns: Option<(u64, u64)>) {
        if self.mode != Mode::Live {
            return;
        }
        let elapsed = self.drawn.0.elapsed();
        if elapsed < REDRAW {
            return;
        }
        let steps = place.total.saturating_sub(self.drawn.1);
        let now = steps as f64 / elapsed.as_secs_f64();
        // An average over about the last second, so that the figure does not jump.
        let behind = self.began.elapsed().as_secs_f64().min(1.0);
        let share = (elapsed.as_secs_f64() / behind).min(1.0);
        let rate = self
            .rate
            .map_or(now, |before| before + share * (now - before));
        self.drawn = (Instant::now(), place.total);
        self.rate = (rate > 0.0).then_some(rate);
        if let Some(line) = self.line(history, place, turns) {
            self.shown = true;
            self.output.say(&format!("\r{line}\x1b[K"));
        }
    }

    /// Leaves a line for an epoch that ended, or for some of many.
    pub fn epoch(&mut self, history: &History) {
        let Some((training, epoch)) = history
            .current()
            .and_then(|training| Some((training, training.ended.last()?)))
        else {
            return;
        };
        if epoch.epoch == 0 {
            self.columns.clear();
        }
        let last = epoch.epoch + 1 == training.epochs;
        let silent = match self.mode {
            Mode::Off => true,
            Mode::Plain => false,
            Mode::Live => !last && !leaves_line(epoch.epoch, training.epochs),
        };
        if silent {
            return;
        }
        let parts = self.epoch_parts(epoch);
        match self.mode {
            Mode::Off => {}
            Mode::Plain => self.output.say(&format!("{}\n", joined(&parts, false))),
            Mode::Live => {
                let parts = fitted(parts, self.output.columns());
                let text = joined(&parts, self.output.colour);
                // One write for the line and the one that is drawn again below it: nothing flickers.
                self.shown &= !last;
                let below = match self.shown {
                    true => self.fitting(self.training_parts(training)),
                    false => String::new(),
                };
                self.output.say(&format!("\r{text}\x1b[K\n{below}"));
            }
        }
    }

    /// The end of a run, or of what was done of it, which is not `whole` where a signal ended it: a table for each training.
    pub fn end(&mut self, history: &History, place: Place, whole: bool) {
        self.clear();
        if self.mode == Mode::Off {
            return;
        }
        let several = history.trainings.len() > 1;
        for training in history.trainings.iter().filter(|t| t.seen > 0) {
            let heading = several.then(|| format!("training {}", training.number));
            let early = whole && training.epoch + 1 < training.epochs;
            self.rows(table(training, heading.as_deref(), early));
        }
        self.rows(descents(&history.descents));
        let steps = place.total.saturating_sub(history.before);
        if history.trainings.is_empty() && steps > 0 {
            let time = history.started.elapsed();
            self.output.say(&format!(
                "{} in {}: {}\n",
                text::steps(steps),
                duration(time),
                rate(steps as f64 / time.as_secs_f64().max(1e-9))
            ));
        }
    }

    /// Leaves rows of a table.
    fn rows(&self, rows: Vec<Vec<Part>>) {
        for parts in rows {
            let parts = match self.mode {
                Mode::Live => fitted(parts, self.output.columns()),
                Mode::Plain | Mode::Off => parts,
            };
            let colour = self.output.colour && self.mode == Mode::Live;
            self.output.say(&format!("{}\n", joined(&parts, colour)));
        }
    }

    /// The line of a loop of steps, or of a training, where there is something to show.
    fn line(&self, history: &History, place: Place, turns: Option<(u64, u64)>) -> Option<String> {
        let parts = match history.current() {
            Some(training) if place.inside => self.training_parts(training),
            Some(_) | None if place.total > 0 => self.loop_parts(history, place, turns),
            Some(_) | None => return None,
        };
        Some(self.fitting(parts))
    }

    fn fitting(&self, parts: Vec<Part>) -> String {
        joined(&fitted(parts, self.output.columns()), self.output.colour)
    }

    /// What is of one width comes first, so that nothing jumps.
    fn training_parts(&self, training: &Training) -> Vec<Part> {
        let (epoch, epochs) = (training.epoch + 1, training.epochs);
        let mut parts = vec![
            Part::new(9, Paint::Plain, of("epoch", epoch, epochs)),
            // Of a single epoch the steps are all there is to count.
            Part::new(
                if epochs == 1 { 7 } else { 1 },
                Paint::Plain,
                of("step", training.step, training.steps),
            ),
        ];
        if let Some(loss) = training.loss() {
            parts.push(Part::value(8, "loss", loss, NUMBER));
        }
        if self.output.blocks {
            let curve = text::curve(&training.curve, CURVE);
            parts.push(Part::new(3, Paint::Curve, format!("{curve:>CURVE$}")));
        }
        // Of the epoch before: those of this one are not known yet.
        for (label, value) in training.last().iter().filter(|(label, _)| label != "loss") {
            let rank = if label == "val_loss" { 2 } else { 4 };
            parts.push(Part::value(rank, label, *value, NUMBER));
        }
        if let Some(steps) = self.rate {
            parts.push(Part::new(5, Paint::Plain, rate(steps)));
        }
        if let Some(seconds) = training.seconds_left() {
            let left = format!("{} left", text::estimate(seconds));
            parts.push(Part::new(6, Paint::Plain, left));
        }
        parts
    }

    fn loop_parts(&self, history: &History, place: Place, turns: Option<(u64, u64)>) -> Vec<Part> {
        let mut parts = vec![Part::new(9, Paint::Plain, format!("step {}", place.total))];
        match history.descents.as_slice() {
            [] => {}
            [one] => {
                parts.push(Part::value(8, "loss", one.last, NUMBER));
                if self.output.blocks {
                    let curve = text::curve(&one.curve, CURVE);
                    parts.push(Part::new(3, Paint::Curve, format!("{curve:>CURVE$}")));
                }
            }
            several => {
                let parted = several
                    .iter()
                    .map(|d| Part::value(4, &d.name, d.last, NUMBER));
                parts.extend(parted);
            }
        }
        if let Some(steps) = self.rate {
            parts.push(Part::new(8, Paint::Plain, rate(steps)));
        }
        if let Some((done, all)) = turns {
            parts.push(Part::new(
                6,
                Paint::Plain,
                of("turn", done as usize, all as usize),
            ));
            if let Some(steps) = self.rate.filter(|_| all > done) {
                let left = text::estimate((all - done) as f64 / steps);
                parts.push(Part::new(7, Paint::Plain, format!("{left} left")));
            }
        }
        parts
    }

    /// An epoch that ended, its numbers below those of the epochs before.
    fn epoch_parts(&mut self, epoch: &Epoch) -> Vec<Part> {
        let mut parts = vec![Part::new(
            9,
            Paint::Plain,
            of("epoch", epoch.epoch + 1, epoch.epochs),
        )];
        self.columns.resize(epoch.values.len(), NUMBER);
        for (at, ((label, value), column)) in epoch.values.iter().zip(&mut self.columns).enumerate()
        {
            *column = number(*value).len().max(*column);
            let rank = 8usize.saturating_sub(at).max(1);
            parts.push(Part::value(rank, label, *value, *column));
        }
        let time = duration(Duration::from_secs_f64(epoch.seconds.clamp(0.0, 1e12)));
        parts.push(Part::new(0, Paint::Dim, format!("{time:>8}")));
        parts
    }
}

/// Whether an epoch, from 0, leaves a line: all of few, about twenty of many.
fn leaves_line(epoch: usize, epochs: usize) -> bool {
    if epochs <= ALL_EPOCHS {
        return true;
    }
    let wanted = epochs.div_ceil(25);
    let mut power = 1usize;
    while power.saturating_mul(10) <= wanted {
        power *= 10;
    }
    let round = [1, 2, 5, 10].map(|digit| power.saturating_mul(digit));
    let stride = round.into_iter().find(|&stride| stride >= wanted);
    epoch == 0 || (epoch + 1).is_multiple_of(stride.unwrap_or(wanted))
}

/// What a part of a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Paint {
    Plain,
    Dim,
    Curve,
}

/// A part of a line. Where the line is too narrow for all, those of low rank are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    rank: usize,
    paint: Paint,
    /// A name before the text, in a quieter colour.
    label: String,
    text: String,
}

impl Part {
    fn new(rank: usize, paint: Paint, text: String) -> Part {
        Part {
            rank,
            paint,
            label: String::new(),
            text,
        }
    }

    /// A number with its name.
    fn value(rank: usize, label: &str, value: f64, column: usize) -> Part {
        Part {
            rank,
            paint: Paint::Plain,
            label: format!("{label} "),
            text: format!("{:>column$}", number(value)),
        }
    }

    fn width(&self) -> usize {
        text::width(&self.label) + text::width(&self.text)
    }
}

/// `epoch  3/20`: the first number as wide as the second.
fn of(what: &str, done: usize, all: usize) -> String {
    let all = all.to_string();
    format!("{what} {done:>width$}/{all}", width = all.len())
}

/// Columns that parts take, two blanks between them.
fn length(parts: &[Part]) -> usize {
    let texts: usize = parts.iter().map(Part::width).sum();
    texts + 2 * parts.len().saturating_sub(1)
}

/// The parts that fit into a terminal of so many columns, the last one left free: a cursor there would begin a new line.
fn fitted(mut parts: Vec<Part>, columns: usize) -> Vec<Part> {
    while length(&parts) >= columns {
        // Of parts of one rank the last goes first.
        let lowest = parts.iter().map(|part| part.rank).min();
        let Some(at) = parts.iter().rposition(|part| Some(part.rank) == lowest) else {
            break;
        };
        parts.remove(at);
    }
    parts
}

fn joined(parts: &[Part], colour: bool) -> String {
    let painted = |part: &Part| {
        if !colour {
            return format!("{}{}", part.label, part.text);
        }
        let label = match part.label.is_empty() {
            true => String::new(),
            false => format!("\x1b[2m{}\x1b[22m", part.label),
        };
        match part.paint {
            Paint::Plain => label + &part.text,
            Paint::Dim => format!("{label}\x1b[2m{}\x1b[22m", part.text),
            Paint::Curve => format!("{label}\x1b[36m{}\x1b[39m", part.text),
        }
    };
    let texts: Vec<String> = parts.iter().map(painted).collect();
    texts.join("  ")
}

/// What loops by hand minimized, a row each: the loss of the first step and of the last.
fn descents(descents: &[Descent]) -> Vec<Vec<Part>> {
    let names = descents.iter().map(|descent| text::width(&descent.name));
    let Some(first) = names.max() else {
        return Vec::new();
    };
    let cell = |rank: usize, paint: Paint, text: String| Part::new(rank, paint, text);
    let heading = vec![
        cell(9, Paint::Dim, " ".repeat(first)),
        cell(7, Paint::Dim, format!("{:>8}", "first")),
        cell(8, Paint::Dim, format!("{:>8}", "last")),
    ];
    let row = |descent: &Descent| {
        let padding = first - text::width(&descent.name);
        vec![
            cell(
                9,
                Paint::Plain,
                format!("{}{}", descent.name, " ".repeat(padding)),
            ),
            cell(7, Paint::Plain, format!("{:>8}", number(descent.first))),
            cell(8, Paint::Plain, format!("{:>8}", number(descent.last))),
        ]
    };
    std::iter::once(heading)
        .chain(descents.iter().map(row))
        .collect()
}

/// The last and best values of a training, a row each, then what it took, and whether its own rule ended it `early`.
fn table(training: &Training, heading: Option<&str>, early: bool) -> Vec<Vec<Part>> {
    let cell = |rank: usize, paint: Paint, text: String| Part::new(rank, paint, text);
    let labels = training.last().iter().map(|(label, _)| label.as_str());
    let first = labels
        .map(text::width)
        .chain([text::width(heading.unwrap_or(""))]);
    let first = first.max().unwrap_or(0);
    let mut rows = Vec::new();
    if !training.ended.is_empty() {
        rows.push(vec![
            cell(9, Paint::Dim, format!("{:<first$}", heading.unwrap_or(""))),
            cell(8, Paint::Dim, format!("{:>8}", "last")),
            cell(7, Paint::Dim, format!("{:>8}", "best")),
            cell(6, Paint::Dim, format!("{:>8}", "in epoch")),
        ]);
    }
    for (column, (label, value)) in training.last().iter().enumerate() {
        let padding = first.saturating_sub(text::width(label));
        let mut row = vec![
            cell(9, Paint::Plain, format!("{label}{}", " ".repeat(padding))),
            cell(8, Paint::Plain, format!("{:>8}", number(*value))),
        ];
        if Better::of(label).is_some()
            && let Some((best, epoch)) = training.best(column)
        {
            row.push(cell(7, Paint::Plain, format!("{:>8}", number(best))));
            row.push(cell(6, Paint::Plain, format!("{epoch:>8}")));
        }
        rows.push(row);
    }
    let (done, all) = (training.ended.len(), training.epochs);
    let epochs = match (done, training.epoch + 1) {
        (1, 1) if all == 1 => "1 epoch".to_string(),
        (_, reached) if reached == all && done == all => format!("{all} epochs"),
        (_, _) => format!("{done} of {all} epochs"),
    };
    let heading = heading.filter(|_| training.ended.is_empty());
    let heading = heading.map_or_else(String::new, |heading| format!("{heading}: "));
    let mut parts = vec![cell(
        9,
        Paint::Plain,
        format!(
            "{heading}{epochs} of {} in {}",
            text::steps(training.steps as u64),
            duration(training.time)
        ),
    )];
    parts.push(cell(8, Paint::Plain, rate(training.rate())));
    if early {
        parts.push(cell(5, Paint::Plain, "stopped: no improvement".into()));
    }
    rows.push(parts);
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> Vec<Part> {
        vec![
            Part::new(9, Paint::Plain, of("epoch", 3, 20)),
            Part::new(5, Paint::Plain, of("step", 7, 120)),
            Part::value(8, "loss", 0.25, NUMBER),
            Part::value(4, "val_loss", 0.5, NUMBER),
            Part::value(4, "val_accuracy", 0.875, NUMBER),
        ]
    }

    #[test]
    fn a_narrow_terminal_shows_what_matters_most() {
        let shown = |columns| joined(&fitted(parts(), columns), false);
        assert_eq!(
            shown(80),
            "epoch  3/20  step   7/120  loss 0.2500  val_loss 0.5000  val_accuracy 0.8750"
        );
        assert_eq!(
            shown(60),
            "epoch  3/20  step   7/120  loss 0.2500  val_loss 0.5000"
        );
        assert_eq!(shown(30), "epoch  3/20  loss 0.2500");
        assert_eq!(shown(24), "epoch  3/20");
        assert_eq!(shown(5), "");
        for columns in 1..90 {
            assert!(shown(columns).len() < columns, "{columns}");
        }
    }

    #[test]
    fn colour_changes_no_text() {
        let plain = joined(&parts(), false);
        let mut painted = joined(&parts(), true);
        for code in ["\x1b[2m", "\x1b[22m"] {
            painted = painted.replace(code, "");
        }
        assert_eq!(painted, plain);
    }

    #[test]
    fn many_epochs_leave_about_twenty_lines() {
        for epochs in [31, 60, 100, 999, 1000, 12_345] {
            let lines = (0..epochs)
                .filter(|&epoch| leaves_line(epoch, epochs))
                .count();
            assert!((10..=27).contains(&lines), "{epochs}: {lines}");
        }
        assert!((0..30).all(|epoch| leaves_line(epoch, 30)));
    }
}
