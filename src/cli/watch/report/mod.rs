//! The report of a run: one HTML file that needs nothing beside it.
mod arena;
mod chart;
mod classes;
mod image;
pub mod kernels;
mod layers;
mod predict;
mod values;

use super::Outcome;
use super::history::{Descent, History, Training};
use super::log::utc;
use super::text::{Better, duration, number, rate, steps};
use crate::check::program::{Program, SlotData, SlotKind};
use crate::cli::run::bytes;
use crate::cli::{COMPILER, Job};
use crate::data::whole::replace;
use crate::session;
use crate::train::{Compiled, Machine};
use chart::{Chart, Curve};
use predict::Predictions;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// What a report is made from.
pub struct Facts<'a> {
    /// Source and settings.
    pub job: &'a Job,
    /// The program.
    pub program: &'a Program,
    /// What was compiled.
    pub compiled: &'a Compiled,
    /// The run, sampled.
    pub machine: &'a Machine,
    /// What was seen of it.
    pub history: &'a History,
    /// How it ended, if it has.
    pub outcome: Option<&'a Outcome>,
}

/// The report while the run goes on: when it was written, and what that took.
pub struct Live {
    written: Instant,
    took: Duration,
}

impl Live {
    /// One that nobody has seen yet.
    pub fn new() -> Live {
        Live {
            written: Instant::now(),
            took: Duration::ZERO,
        }
    }

    /// Whether the page is due again: now and then, and so seldom that it costs a run next to nothing.
    pub fn due(&self) -> bool {
        self.written.elapsed() >= RELOAD.max(self.took * 100)
    }

    /// Writes the page. What cannot be written now is tried again; whether the last page can, the run's end says.
    pub fn write(&mut self, path: &Path, facts: &Facts<'_>) {
        let began = Instant::now();
        let _ = write(path, facts);
        self.written = Instant::now();
        self.took = began.elapsed();
    }
}

/// After what time a browser asks for the page of a run that goes on.
const RELOAD: Duration = Duration::from_secs(2);

/// Writes the report, as a whole or not at all.
///
/// # Errors
/// Why it cannot be written.
pub fn write(path: &Path, facts: &Facts<'_>) -> std::io::Result<()> {
    replace(path, &[page(facts).as_bytes()])
}

/// A text as HTML.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            c => out.push(c),
        }
    }
    out
}

/// A whole number with its thousands apart.
fn thousands(count: usize) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn page(facts: &Facts<'_>) -> String {
    let name = escape(&facts.job.source.name);
    let reload = match facts.outcome {
        Some(_) => String::new(),
        None => format!(
            "<meta http-equiv=\"refresh\" content=\"{}\">\n",
            RELOAD.as_secs()
        ),
    };
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n{reload}<title>{name} - dlmc</title>\n<style>\n{}</style>\n</head>\n<body>\n",
        include_str!("style.css")
    );
    out += &head(facts);
    for training in facts.history.trainings.iter().filter(|t| t.seen > 0) {
        out += &training_section(training, facts.history.trainings.len() > 1);
    }
    out += &descents_section(&facts.history.descents);
    // Predictions, and what took the time, are made once, at the end.
    if facts.outcome.is_some() {
        out += &match predict::predictions(facts) {
            Ok(Predictions::Classes(found)) => classes::html(&found),
            Ok(Predictions::Values(found)) => values::html(&found),
            Err(Some(why)) => {
                format!("<h2>Predictions</h2>\n<p class=\"quiet\">None: {why}.</p>\n")
            }
            Err(None) => String::new(),
        };
    }
    out += &output(facts.history);
    out += &settings(facts);
    out += &layers::html(facts.program);
    out += &parameters(facts.program);
    if facts.outcome.is_some() {
        out += &kernels::html(facts);
    }
    let _ = writeln!(
        out,
        "<h2>Program</h2>\n<details class=\"card\"><summary>{name}</summary><pre>{}</pre></details>",
        escape(&facts.job.source.text)
    );
    let _ = writeln!(
        out,
        "<footer>{COMPILER}, {}. Nothing in this file is loaded from elsewhere.</footer>\n<script>\n{}</script>\n</body>\n</html>",
        readable(&utc(SystemTime::now())),
        include_str!("script.js")
    );
    out
}

/// `2026-11-23 19:00:29 UTC` for `2026-11-23T19:00:29Z`.
fn readable(time: &str) -> String {
    time.replace('T', " ").replace('Z', " UTC")
}

/// Title, how the run ended, figures.
fn head(facts: &Facts<'_>) -> String {
    let (state, why) = match facts.outcome {
        None => ("running", String::new()),
        Some(Outcome::Finished) => ("finished", String::new()),
        Some(Outcome::Interrupted) => ("interrupted", " by a signal".into()),
        Some(Outcome::Closed) => ("ended", " since nobody read its output".into()),
        Some(Outcome::Failed(why)) => ("failed", format!(": {}", escape(why))),
    };
    let mut out = format!(
        "<h1>{}</h1>\n<p class=\"quiet\"><span class=\"state {state}\">{state}</span>{why} at {}, after {}</p>\n",
        escape(&facts.job.source.name),
        readable(&utc(SystemTime::now())),
        duration(facts.history.started.elapsed())
    );
    let summary = session::summary(facts.program, facts.compiled);
    let mut figures: Vec<(String, String)> = vec![
        ("parameters".into(), thousands(summary.parameters)),
        ("arena".into(), bytes(summary.arena_bytes)),
    ];
    if let Some(training) = facts.history.current() {
        figures.push(("training steps".into(), thousands(training.seen as usize)));
        figures.push(("training".into(), duration(training.time)));
        let steps = match training.rate() {
            many if many >= 1000.0 => thousands(many as usize),
            few => rate(few).trim_end_matches(" steps/s").to_string(),
        };
        figures.push(("steps/s".into(), steps));
        for (label, value) in training.last() {
            figures.push((escape(label), number(*value)));
        }
    } else if !facts.history.descents.is_empty() {
        let (steps, time) = (
            facts.machine.times().updates,
            facts.history.started.elapsed(),
        );
        figures.push(("training steps".into(), thousands(steps as usize)));
        figures.push(("run".into(), duration(time)));
        let rate = steps as f64 / time.as_secs_f64().max(1e-9);
        figures.push(("steps/s".into(), thousands(rate as usize)));
        if let [descent] = facts.history.descents.as_slice() {
            figures.push(("loss".into(), number(descent.last)));
        }
    }
    out += "<div class=\"figures\">";
    for (name, value) in figures {
        let _ = write!(out, "<div><b>{value}</b><span>{name}</span></div>");
    }
    out + "</div>\n"
}

/// What the run was given.
fn settings(facts: &Facts<'_>) -> String {
    let settings = &facts.job.settings;
    let mut out =
        String::from("<h2>Settings</h2>\n<div class=\"card scroll\"><table class=\"keys\">\n");
    let mut rows: Vec<(&str, String)> = Vec::new();
    for (name, value) in &settings.hypers {
        rows.push((name, value.clone()));
    }
    // Those that nobody has set have the value that the program says.
    for (_, slot) in facts.program.slots_of(SlotKind::Hyper) {
        let given = settings.hypers.iter().any(|(name, _)| *name == slot.name);
        let own = slot.initial.as_ref().and_then(|value| value.get(0));
        if let (false, Some(own)) = (given, own) {
            rows.push((&slot.name, (own as f32).to_string()));
        }
    }
    rows.push(("seed", settings.seed.to_string()));
    rows.push(("threads", settings.threads.to_string()));
    if !settings.skip.is_empty() {
        rows.push(("passes left out", settings.skip.join(", ")));
    }
    for data in facts.program.data.iter().filter(|d| !d.summary.is_empty()) {
        rows.push(("data", data.summary.clone()));
    }
    rows.push(("compiler", COMPILER.to_string()));
    for (name, value) in rows {
        let _ = writeln!(
            out,
            "<tr><td class=\"quiet\">{}</td><td>{}</td></tr>",
            escape(name),
            escape(&value)
        );
    }
    out + "</table></div>\n"
}

/// The results and curves of a training.
fn training_section(training: &Training, several: bool) -> String {
    let title = match several {
        true => format!("Training {}", training.number),
        false => "Training".into(),
    };
    let mut out = format!(
        "<h2>{title}</h2>\n<p>{} of {} epochs of {} in {}: {}, validation included.</p>\n",
        training.ended.len(),
        training.epochs,
        steps(training.steps as u64),
        duration(training.time),
        rate(training.rate())
    );
    if !training.ended.is_empty() {
        out += "<div class=\"card scroll\"><table><tr><th></th><th class=\"n\">last</th><th class=\"n\">best</th><th class=\"n\">in epoch</th></tr>\n";
        for (column, (label, value)) in training.last().iter().enumerate() {
            let best = training.best(column);
            let (best, epoch) = best.map_or_else(Default::default, |(best, epoch)| {
                (number(best), epoch.to_string())
            });
            let _ = writeln!(
                out,
                "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{best}</td><td class=\"n\">{epoch}</td></tr>",
                escape(label),
                number(*value)
            );
        }
        out += "</table></div>\n";
    }
    out += "<div class=\"grid\" style=\"margin-top:14px\">\n";
    charts(training)
        .iter()
        .for_each(|chart| out += &chart.html());
    out + "</div>\n"
}

/// What loops by hand minimized: the first value and the last, and a curve of each.
fn descents_section(descents: &[Descent]) -> String {
    if descents.is_empty() {
        return String::new();
    }
    let mut out = String::from(
        "<h2>Losses</h2>\n<div class=\"card scroll\"><table><tr><th>minimized</th><th>at</th><th class=\"n\">first</th><th class=\"n\">last</th></tr>\n",
    );
    for descent in descents {
        let _ = writeln!(
            out,
            "<tr><td><code>{}</code></td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            escape(&descent.name),
            escape(&descent.place),
            number(descent.first),
            number(descent.last)
        );
    }
    out += "</table></div>\n<div class=\"grid\" style=\"margin-top:14px\">\n";
    for descent in descents {
        let (x, values) = descent.points().into_iter().unzip();
        let chart = Chart {
            title: descent.name.clone(),
            places: "step",
            x,
            curves: vec![Curve {
                name: "loss".into(),
                colour: 0,
                values,
            }],
            loss: true,
        };
        out += &chart.html();
    }
    out + "</div>\n"
}

/// A chart for each quantity, of training and validation together, and one of the loss of the steps.
fn charts(training: &Training) -> Vec<Chart> {
    let mut groups: BTreeMap<(usize, &str), Vec<usize>> = BTreeMap::new();
    for (column, (label, _)) in training.last().iter().enumerate() {
        let base = label.strip_prefix("val_").unwrap_or(label);
        let place = groups.keys().find(|(_, name)| *name == base).copied();
        groups
            .entry(place.unwrap_or((column, base)))
            .or_default()
            .push(column);
    }
    let epochs = &training.ended;
    let mut charts: Vec<Chart> = Vec::new();
    for ((_, name), columns) in groups {
        let curve = |&column: &usize| {
            let values = epochs
                .iter()
                .map(|epoch| epoch.values.get(column).map_or(f64::NAN, |v| v.1));
            let label = training.last().get(column).map_or("", |value| &value.0);
            let (name, colour) = match label.strip_prefix("val_") {
                Some(_) => ("validation", 1),
                None => ("training", 0),
            };
            Curve {
                name: name.into(),
                colour,
                values: values.collect(),
            }
        };
        charts.push(Chart {
            title: name.to_string(),
            places: "epoch",
            x: epochs
                .iter()
                .map(|epoch| (epoch.epoch + 1) as f64)
                .collect(),
            curves: columns.iter().map(curve).collect(),
            loss: Better::of(name) == Some(Better::Smaller),
        });
    }
    let (x, values) = training.curve.points().into_iter().unzip();
    charts.push(Chart {
        title: "loss of the steps".into(),
        places: "step",
        x,
        curves: vec![Curve {
            name: "training".into(),
            colour: 0,
            values,
        }],
        loss: true,
    });
    charts
}

/// What the program printed.
fn output(history: &History) -> String {
    if history.lines.is_empty() {
        return String::new();
    }
    let left_out = history.printed - history.lines.len();
    let first = match left_out {
        0 => String::new(),
        count => format!(
            "<p class=\"quiet\">The last {} of {} lines.</p>",
            history.lines.len(),
            history.lines.len() + count
        ),
    };
    format!(
        "<h2>Output</h2>\n<div class=\"card\">{first}<pre>{}</pre></div>\n",
        escape(&history.lines.join("\n"))
    )
}

/// The parameters and states by path, with their share of all parameters.
fn parameters(program: &Program) -> String {
    let all: Vec<(&str, &SlotData)> = [(SlotKind::Parameter, ""), (SlotKind::State, "state")]
        .into_iter()
        .flat_map(|(kind, name)| program.slots_of(kind).map(move |(_, slot)| (name, slot)))
        .collect();
    if all.is_empty() {
        return String::new();
    }
    let learned =
        |(kind, slot): &(&str, &SlotData)| if kind.is_empty() { slot.ty.len() } else { 0 };
    let total: usize = all.iter().map(learned).sum();
    let mut out = String::from(
        "<h2>Parameters</h2>\n<div class=\"card scroll\"><table class=\"two\"><tr><th>path</th><th>shape</th><th class=\"n\">elements</th><th>share</th></tr>\n",
    );
    for (kind, slot) in &all {
        let share = 100.0 * learned(&(kind, slot)) as f64 / total.max(1) as f64;
        let share = match kind.is_empty() {
            true => format!("<i style=\"width:{share:.1}%\"></i><b>{share:.1} %</b>"),
            false => format!("<b class=\"quiet\">{kind}</b>"),
        };
        let _ = writeln!(
            out,
            "<tr><td><code>{}</code></td><td><code>{}</code></td><td class=\"n\">{}</td><td class=\"bar\">{share}</td></tr>",
            escape(&slot.name),
            escape(&slot.ty.to_string()),
            thousands(slot.ty.len())
        );
    }
    let _ = writeln!(
        out,
        "<tr class=\"sum\"><td>{}</td><td></td><td class=\"n\">{}</td><td></td></tr></table></div>",
        match all.len() {
            1 => "1 tensor".to_string(),
            several => format!("{several} tensors"),
        },
        thousands(total)
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cannot_become_tags() {
        assert_eq!(
            escape("<a href='x'>\"b\" & c</a>"),
            "&lt;a href=&#39;x&#39;&gt;&quot;b&quot; &amp; c&lt;/a&gt;"
        );
        assert_eq!(
            [7, 1234, 1_234_567].map(thousands),
            ["7", "1,234", "1,234,567"]
        );
    }
}
