//! What the time of a run was spent on: its graphs, and the kernels of each, from a sample of their runs.
use super::{Facts, arena, escape};
use crate::check::program::StepGraph;
use crate::cli::explain::{Row, rows};
use crate::cli::watch::text::duration;
use crate::runtime::profile::Sample;
use crate::train::compile::{CompileTimes, Stages, stages};
use std::fmt::Write;
use std::time::Duration;

/// How long the runs of a graph are timed step by step.
pub const LIMIT: Duration = Duration::from_millis(200);

/// Graphs of a smaller share of the time are not taken apart.
const LEAST: f64 = 0.01;

/// A graph that ran.
struct Timed<'a> {
    step: &'a StepGraph,
    sample: &'a Sample,
    /// Seconds of all its runs, most of them estimated.
    seconds: f64,
}

/// The sections on kernels and memory.
pub fn html(facts: &Facts<'_>) -> String {
    let mut timed: Vec<Timed<'_>> = Vec::new();
    for (at, step) in facts.program.graphs.iter().enumerate() {
        if let Some(sample) = facts.machine.sampled(at)
            && let Some(seconds) = sample.seconds()
        {
            timed.push(Timed {
                step,
                sample,
                seconds: seconds * sample.runs as f64,
            });
        }
    }
    timed.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    let total: f64 = timed.iter().map(|graph| graph.seconds).sum();
    if timed.is_empty() {
        return String::new();
    }
    let mut out = String::from("<h2>Where the time goes</h2>\n");
    out += &cost(&timed);
    let mut memory = String::new();
    for (at, graph) in timed.iter().enumerate() {
        let share = graph.seconds / total.max(1e-12);
        if share < LEAST && at > 0 {
            let _ = writeln!(
                out,
                "<p class=\"quiet\">Graphs that take less than {:.0} % of the time each: {}.</p>",
                100.0 * LEAST,
                timed.len() - at
            );
            break;
        }
        let skip = &facts.job.settings.skip;
        // A graph that was compiled compiles again.
        let made = stages(
            graph.step,
            skip,
            &mut CompileTimes::default(),
            &mut |_, _| {},
        );
        let Ok(made) = made else { continue };
        out += &listing(facts, graph, &made, share, at == 0);
        if at == 0 {
            memory = arena::html(&made.schedule);
            if !memory.is_empty() {
                memory = format!(
                    "<h2>Memory plan</h2>\n<div class=\"card\"><h3>{}</h3>\n{memory}</div>\n",
                    escape(&graph.step.name)
                );
            }
        }
    }
    out + &memory
}

/// What measuring cost.
fn cost(timed: &[Timed<'_>]) -> String {
    let extra = |graph: &Timed<'_>| {
        let steps = &graph.sample.steps;
        let ordinary = graph.sample.seconds().unwrap_or(0.0) * steps.runs as f64;
        (steps.total.as_secs_f64() - ordinary).max(0.0)
    };
    let extra: f64 = timed.iter().map(extra).sum();
    let main = timed.first().and_then(|graph| {
        let steps = &graph.sample.steps;
        let mean = steps.total.as_secs_f64() / (steps.runs > 0).then_some(steps.runs)? as f64;
        let ordinary = graph.sample.whole_runs > 0;
        ordinary.then(|| mean / graph.sample.seconds().unwrap_or(mean).max(1e-12))
    });
    let main = main.map_or_else(String::new, |ratio| match ratio >= 1.0 {
        true => format!(
            " Such a run of the first graph below took {ratio:.2} times as long as an ordinary one."
        ),
        false => " Such a run of the first graph below took no longer than an ordinary one.".into(),
    });
    format!(
        "<p>Kernels were timed in a part of the runs: of each graph every second run, step by step, until these had taken {}. Measuring made the run about {} longer.{main} Times of whole graphs are estimated from the ordinary runs that were timed.</p>\n",
        duration(LIMIT),
        duration(Duration::from_secs_f64(extra)),
    )
}

fn listing(facts: &Facts<'_>, graph: &Timed<'_>, made: &Stages, share: f64, open: bool) -> String {
    let times = &graph.sample.steps;
    let (rows, runs) = (
        rows(&made.optimised, &made.schedule, times),
        times.runs.max(1) as f64,
    );
    let total = times.total.as_secs_f64().max(1e-12);
    let seconds = graph.sample.seconds().unwrap_or(0.0);
    let mut out = format!(
        "<details class=\"card\"{}><summary>{}: {:.1} % of the time, {} runs of about {}</summary>\n<p class=\"quiet\">{} of {} schedule steps are listed, by their share of the time.</p>\n",
        if open { " open" } else { "" },
        escape(&graph.step.name),
        100.0 * share,
        graph.sample.runs,
        duration(Duration::from_secs_f64(seconds)),
        rows.iter().filter(|row| is_listed(row, total)).count(),
        rows.len()
    );
    if times.runs == 0 {
        return out + "<p>It ran too seldom for its kernels to be timed.</p></details>\n";
    }
    out += "<div class=\"scroll\"><table><tr><th>share</th><th class=\"n\">a run</th><th class=\"n wide\">Mflop</th><th class=\"n wide\">GFLOP/s</th><th>kernel</th><th class=\"wide\">source</th></tr>\n";
    let most = rows.first().map_or(0.0, |row| row.seconds);
    for row in rows.iter().filter(|row| is_listed(row, total)) {
        out += &kernel(facts, row, runs, (total, most));
    }
    out + "</table></div></details>\n"
}

fn is_listed(row: &Row, total: f64) -> bool {
    row.seconds >= 0.005 * total
}

fn kernel(facts: &Facts<'_>, row: &Row, runs: f64, (total, most): (f64, f64)) -> String {
    let (share, seconds) = (100.0 * row.seconds / total, row.seconds / runs);
    let origin = row.origin.map(|origin| facts.job.sources.location(origin));
    format!(
        "<tr><td class=\"bar\"><i style=\"width:{:.0}%\"></i><b>{share:.1} %</b></td><td class=\"n\">{}</td><td class=\"n wide\">{:.3}</td><td class=\"n wide\">{:.2}</td><td><code>{} {}</code></td><td class=\"wide\"><code>{}</code></td></tr>\n",
        100.0 * row.seconds / most.max(1e-12),
        duration(Duration::from_secs_f64(seconds)),
        row.flops / 1e6,
        row.flops / seconds.max(1e-12) / 1e9,
        escape(&row.name),
        escape(&row.shape),
        escape(&origin.unwrap_or_default())
    )
}
