//! `dlmc explain`: what a program's time is spent on, kernel by kernel, beside what the machine could do.
use super::{Failure, Job, run};
use crate::base::source::{Sources, Span};
use crate::check::program::StepGraph;
use crate::kir::schedule::{Schedule, Step};
use crate::pass::inline::readers_apart;
use crate::runtime::profile::{StepTimes, count};
use crate::runtime::speed::Speed;
use crate::session;
use crate::tir::{Graph, Node, Value};
use crate::train::compile::{CompileTimes, stages};
use crate::train::{Event, Machine, RunError};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is asked of an explanation.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// How long the program runs at most.
    pub time: Duration,
    /// Whether kernels below half a percent of the time are listed too.
    pub all: bool,
}

/// One line of the listing: a step of a schedule.
pub struct Row {
    /// What it computes.
    pub name: String,
    /// Shape and, for a reduction, what it sums over.
    pub shape: String,
    /// The source it comes from.
    pub origin: Option<Span>,
    /// Seconds in all runs.
    pub seconds: f64,
    /// Operations of one run of the graph.
    pub flops: f64,
    /// Bytes of one run of the graph.
    pub bytes: f64,
    /// What else is to be said, a line each.
    notes: Vec<String>,
}

/// The steps of a graph by the time that they took, the longest first.
pub fn rows(graph: &Graph, schedule: &Schedule, times: &StepTimes) -> Vec<Row> {
    let mut rows = Vec::new();
    collect(schedule, graph, &schedule.steps, 0, 1, times, &mut rows);
    rows.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    rows
}

/// Runs a program for as long as is asked, then lists its graphs and their kernels by the time that they took.
pub fn explain(mut job: Job, request: Request) -> Result<(), Failure> {
    let (program, _) = job.checked()?;
    let pool = job.pool()?;
    let failed = |job: &Job, error: RunError| {
        job.say(&error.diagnostic);
        Failure::Program
    };
    let compiled = session::compiled_apart(&program, &job.settings, &pool);
    let compiled = Arc::new(compiled.map_err(|error| failed(&job, error))?);
    run::within_budget(&job, &program, &compiled)?;
    let resolve = run::resolver(job.source.base_dir.clone());
    let machine = session::machine(program.clone(), compiled, resolve);
    let mut machine = machine.map_err(|error| failed(&job, error))?;
    machine.profile(true);
    let speed = pool.run(|| Speed::measure(pool.threads()));
    pool.run(|| run_for(&mut machine, request.time))
        .map_err(|error| failed(&job, error))?;
    job.output.line(&format!(
        "{} on {} thread{}: {:.0} GFLOP/s and {:.1} GB/s at most (measured now)",
        job.source.name,
        pool.threads(),
        if pool.threads() == 1 { "" } else { "s" },
        speed.flops / 1e9,
        speed.bandwidth / 1e9
    ))?;
    let lines = table(
        &machine,
        &job.sources,
        &job.settings.skip,
        speed,
        request.all,
    );
    let lines = lines.map_err(|error| failed(&job, error))?;
    lines.iter().try_for_each(|line| job.output.line(line))
}

/// The graphs of a machine that ran with [`Machine::profile`], and their kernels, by the time that they took.
///
/// # Errors
/// A fault of the compiler.
pub fn table(
    machine: &Machine,
    sources: &Sources,
    skip: &[String],
    speed: Speed,
    all: bool,
) -> Result<Vec<String>, RunError> {
    let graphs = machine.program().graphs.iter().enumerate();
    let mut timed: Vec<(&StepGraph, &StepTimes)> = graphs
        .filter_map(|(at, step)| Some((step, machine.step_times(at)?)))
        .collect();
    timed.sort_by_key(|(_, times)| std::cmp::Reverse(times.total));
    let total: f64 = timed.iter().map(|(_, t)| t.total.as_secs_f64()).sum();
    let mut lines = Vec::new();
    for (step, times) in timed {
        let share = times.total.as_secs_f64() / total.max(1e-12);
        if !all && share < 0.01 {
            continue;
        }
        let made = stages(step, skip, &mut CompileTimes::default(), &mut |_, _| {})?;
        let parts = (&made.optimised, &made.schedule);
        lines.extend(listing(sources, step, parts, times, share, speed, all));
    }
    Ok(lines)
}

/// Runs the plan until its end or until the time is over.
fn run_for(machine: &mut Machine, time: Duration) -> Result<(), RunError> {
    let start = Instant::now();
    while start.elapsed() < time {
        if machine.step()? == Event::Finished {
            break;
        }
    }
    Ok(())
}

fn listing(
    sources: &Sources,
    step: &StepGraph,
    (graph, schedule): (&Graph, &Schedule),
    times: &StepTimes,
    share: f64,
    speed: Speed,
    all: bool,
) -> Vec<String> {
    let runs = times.runs.max(1) as f64;
    let total = times.total.as_secs_f64().max(1e-9);
    let rows = rows(graph, schedule, times);
    let inside: f64 = rows.iter().map(|row| row.seconds).sum();
    let flops: f64 = rows.iter().map(|row| row.flops).sum();
    let mut lines = vec![
        String::new(),
        format!(
            "{}: {:.1} % of the time, {} runs of {}, {:.3} GFLOP at {:.1} GFLOP/s ({:.0} % of the most), {:.1} % between kernels",
            step.name,
            100.0 * share,
            times.runs,
            run::duration(Duration::from_secs_f64(total / runs)),
            flops / 1e9,
            flops * runs / total / 1e9,
            100.0 * flops * runs / total / speed.flops,
            100.0 * (1.0 - inside / total).max(0.0)
        ),
        format!(
            "{:>6} {:>9} {:>8} {:>8} {:>7} {:>9} {:>6}  kernel",
            "share", "a run", "Mflop", "MB", "flop/B", "GFLOP/s", "roof"
        ),
    ];
    let mut small = (0, 0.0);
    for row in rows {
        let part = row.seconds / total;
        if !all && part < 0.005 {
            small = (small.0 + 1, small.1 + part);
            continue;
        }
        let seconds = row.seconds / runs;
        lines.push(format!(
            "{:>5.1}% {:>9} {:>8.3} {:>8.3} {:>7.2} {:>9.2} {:>5.0}%  {} {}{}",
            100.0 * part,
            run::duration(Duration::from_secs_f64(seconds)),
            row.flops / 1e6,
            row.bytes / 1e6,
            row.flops / row.bytes.max(1.0),
            row.flops / seconds.max(1e-12) / 1e9,
            100.0 * speed.least(row.flops, row.bytes) / seconds.max(1e-12),
            row.name,
            row.shape,
            row.origin.map_or_else(String::new, |origin| format!(
                "  at {}",
                sources.location(origin)
            )),
        ));
        lines.extend(row.notes.iter().map(|note| format!("{:>62}{note}", "")));
    }
    if small.0 > 0 {
        lines.push(format!(
            "{:>5.1}% in {} more (`--all` lists them)",
            100.0 * small.1,
            small.0
        ));
    }
    lines
}

/// The rows of some steps, whose first has number `first`, inside loops of `turns` turns together.
fn collect(
    schedule: &Schedule,
    graph: &Graph,
    steps: &[Step],
    first: usize,
    turns: usize,
    times: &StepTimes,
    rows: &mut Vec<Row>,
) {
    let mut number = first;
    for step in steps {
        if let Step::Loop {
            length,
            body,
            value,
            ..
        } = step
        {
            let scan = value.map(|value| &graph.defining(value).node);
            let Some(Node::Scan(scan)) = scan else {
                number += count(std::slice::from_ref(step));
                continue;
            };
            let inner = &scan.body;
            collect(
                schedule,
                inner,
                body,
                number + 1,
                turns * length,
                times,
                rows,
            );
        } else {
            let seconds = times.steps[number].as_secs_f64();
            rows.push(row(schedule, graph, step, turns, seconds));
        }
        number += count(std::slice::from_ref(step));
    }
}

fn row(schedule: &Schedule, graph: &Graph, step: &Step, turns: usize, seconds: f64) -> Row {
    let plain = |name: String, bytes: usize| Row {
        name,
        shape: String::new(),
        origin: None,
        seconds,
        flops: 0.0,
        bytes: (turns * bytes) as f64,
        notes: Vec::new(),
    };
    let repeated = |shape: String| match turns {
        1 => shape,
        _ => format!("{shape}, {turns} times"),
    };
    match step {
        Step::Kernel {
            kernel,
            value,
            origin,
            ..
        } => {
            let kernel = &schedule.kernels[*kernel];
            let (flops, bytes) = kernel.cost();
            let nest = kernel.nests.first();
            let operations = nest.map_or(0, |nest| nest.body.insts.len());
            let shape = nest.map_or_else(String::new, |nest| shape(&nest.free, &nest.reduce));
            let mut notes = value.map_or_else(Vec::new, |value| apart(graph, value));
            if operations > 3 {
                notes.insert(0, format!("one loop of: {}", operators(nest)));
            }
            Row {
                name: name(value.as_ref(), &kernel.name),
                shape: repeated(shape),
                origin: Some(*origin),
                seconds,
                flops: (turns * flops) as f64,
                bytes: (turns * bytes) as f64,
                notes,
            }
        }
        Step::Product {
            product,
            value,
            origin,
            finish,
            terms,
            ..
        } => {
            let product = &schedule.products[*product];
            let makers = terms
                .as_deref()
                .map(|group| row(schedule, graph, group, turns, 0.0));
            let takers = finish.iter().flat_map(|finish| &finish.members);
            let takers: Vec<Row> = takers
                .map(|member| row(schedule, graph, member, turns, 0.0))
                .collect();
            let kept = turns * step.kept_bytes(&schedule.products);
            let parts = || takers.iter().chain(&makers);
            let bytes = parts().map(|part| part.bytes).sum::<f64>();
            let from = makers.iter().flat_map(|group| &group.notes);
            let from = from.map(|member| format!("with its terms from {member}"));
            let into = takers
                .iter()
                .map(|taker| format!("into {} {}", taker.name, taker.shape));
            let extents = |indices: &[crate::kir::schedule::ProductIndex]| -> Vec<usize> {
                indices.iter().map(|index| index.extent).collect()
            };
            Row {
                name: format!("contraction {value}"),
                shape: repeated(shape(&extents(&product.free), &extents(&product.reduce))),
                origin: Some(*origin),
                seconds,
                flops: (turns * 2 * product.multiply_adds()) as f64
                    + parts().map(|part| part.flops).sum::<f64>(),
                bytes: (turns * product.bytes()) as f64 + bytes - kept as f64,
                notes: match takers.as_slice() {
                    [] => from.chain(apart(graph, *value)).collect(),
                    _ => from.chain(into).collect(),
                },
            }
        }
        Step::Group {
            rows,
            block,
            members,
        } => {
            let parts: Vec<Row> = members
                .iter()
                .map(|member| row(schedule, graph, member, turns, 0.0))
                .collect();
            let of = |part: &Row| format!("{} {}", part.name, part.shape);
            Row {
                name: format!("group of {} loops", parts.len()),
                shape: format!("over {rows} rows, {block} at a time"),
                origin: parts.first().and_then(|part| part.origin),
                seconds,
                flops: parts.iter().map(|part| part.flops).sum(),
                bytes: parts.iter().map(|part| part.bytes).sum(),
                notes: parts.iter().map(of).collect(),
            }
        }
        Step::Zero { bytes, .. } => plain("zero".into(), *bytes),
        Step::Copy { bytes, .. } => plain("copy".into(), 2 * bytes),
        Step::Turn { .. } | Step::Loop { .. } => plain("turn".into(), 4),
    }
}

/// A kernel's name with the value of this graph: equal kernels are one, named after the first.
fn name(value: Option<&Value>, kernel: &str) -> String {
    match (value, kernel.rsplit_once('_')) {
        (Some(value), Some((operator, _))) => format!("{operator} {value}"),
        _ => kernel.to_string(),
    }
}

fn shape(free: &[usize], reduce: &[usize]) -> String {
    if reduce.is_empty() {
        format!("{free:?}")
    } else {
        format!("{free:?} over {reduce:?}")
    }
}

fn operators(nest: Option<&crate::kir::Nest>) -> String {
    let insts = nest.map_or(&[][..], |nest| &nest.body.insts);
    let names = insts.iter().filter_map(|inst| match inst {
        crate::tir::Inst::Op(op, _) => Some(op.name()),
        _ => None,
    });
    names.collect::<Vec<_>>().join(" ")
}

/// Why the readers of a value are loops of their own, a line each.
fn apart(graph: &Graph, value: Value) -> Vec<String> {
    let mut lines: Vec<(String, &str)> = Vec::new();
    for (reader, why) in readers_apart(graph, value) {
        match lines.iter_mut().find(|(_, other)| *other == why) {
            Some((readers, _)) => *readers += &format!(", {reader}"),
            None => lines.push((reader.to_string(), why)),
        }
    }
    let text = |(readers, why): (String, &str)| format!("apart from {readers}: {why}");
    lines.into_iter().map(text).collect()
}
