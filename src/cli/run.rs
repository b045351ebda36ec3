//! `dlmc run`, and the description of a program that `dlmc check` prints.
use super::{Failure, Job};
use crate::check::program::{Program, SlotKind};
use crate::data::FileProvider;
use crate::session::{self, Checked, Summary};
use crate::train::format::float;
use crate::train::{Compiled, Epoch, Event, Machine, Resolve};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is reported beside the results.
#[derive(Debug, Clone)]
pub struct Reports {
    /// Each training epoch.
    pub progress: bool,
    /// What was compiled.
    pub header: bool,
    /// Where the time went.
    pub time: bool,
    /// Where the state is saved after each epoch.
    pub checkpoint: Option<PathBuf>,
    /// Whether to go on from there.
    pub resume: bool,
}

/// Runs a program.
pub fn run(mut job: Job, reports: Reports) -> Result<(), Failure> {
    let start = Instant::now();
    let (program, checked) = job.checked()?;
    let pool = job.pool()?;
    let failed = |job: &Job, error: crate::train::RunError| {
        job.say(&error.diagnostic);
        if error.missing {
            Failure::Usage
        } else {
            Failure::Program
        }
    };
    let compiled =
        session::compiled(&program, &job.settings, &pool).map_err(|e| failed(&job, e))?;
    let compiled = Arc::new(compiled);
    if reports.header {
        header(&job, &program, &compiled, start.elapsed());
    }
    let resolve = resolver(job.source.base_dir.clone());
    let mut machine =
        session::machine(program, compiled.clone(), resolve).map_err(|e| failed(&job, e))?;
    if let Some(path) = reports.checkpoint.as_deref().filter(|_| reports.resume) {
        resume(&job, &mut machine, path)?;
    }
    let began = Instant::now();
    let time = reports.time;
    let mut report = Report {
        job: &job,
        reports,
        status_shown: false,
        last_status: Instant::now(),
        failure: None,
    };
    machine.take_times(time);
    let result = pool.run(|| machine.run(&mut |machine, event| report.event(machine, event)));
    let wall = began.elapsed();
    report.clear_status();
    let closed = report.failure;
    result.map_err(|e| failed(&job, e))?;
    if time {
        times(
            &job,
            &checked,
            &compiled,
            machine.times().graphs,
            machine.times().runs,
            wall,
        );
    }
    closed.map_or(Ok(()), Err)
}

/// Paths of a program are files, relative ones from its folder.
pub fn resolver(base_dir: String) -> Resolve {
    let provider = FileProvider::new();
    Arc::new(move |path| provider.resolve(&base_dir, path))
}

/// Takes the run to the state in a checkpoint; where there is none it starts anew.
fn resume(job: &Job, machine: &mut Machine, path: &Path) -> Result<(), Failure> {
    let state = match std::fs::read(path) {
        Ok(state) => state,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            let text = format!("error: \"{}\" cannot be read: {error}\n", path.display());
            job.output.say(&text);
            return Err(Failure::Usage);
        }
    };
    machine.restore(&state).map_err(|error| {
        job.say(&error.diagnostic);
        Failure::Program
    })
}

/// Saves the state as a whole or not at all.
fn write_checkpoint(job: &Job, machine: &Machine, path: &Path) -> Result<(), Failure> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let written =
        std::fs::write(&partial, machine.snapshot()).and_then(|()| std::fs::rename(&partial, path));
    written.map_err(|error| {
        let text = format!("error: \"{}\" cannot be written: {error}\n", path.display());
        job.output.say(&text);
        Failure::Usage
    })
}

/// Writes events as they come.
struct Report<'a> {
    job: &'a Job,
    reports: Reports,
    status_shown: bool,
    last_status: Instant,
    failure: Option<Failure>,
}

impl Report<'_> {
    fn event(&mut self, machine: &Machine, event: Event) -> bool {
        match event {
            Event::None | Event::Finished | Event::EpochBegin { .. } => {}
            Event::Line(line) => {
                self.clear_status();
                self.failure = self.job.output.line(&line).err();
            }
            Event::StepDone { step, steps, loss } => self.status(step, steps, loss),
            Event::EpochEnd(epoch) => {
                self.clear_status();
                if self.reports.progress {
                    self.job.output.say(&epoch_line(&epoch));
                }
                if let Some(path) = &self.reports.checkpoint {
                    self.failure = write_checkpoint(self.job, machine, path).err();
                }
            }
        }
        self.failure.is_none()
    }

    /// A line that the next one overwrites, on terminals only, at most five times a second.
    fn status(&mut self, step: usize, steps: usize, loss: f64) {
        if self.job.output.terminal && self.last_status.elapsed() > Duration::from_millis(200) {
            self.last_status = Instant::now();
            self.status_shown = true;
            let text = format!("\r\x1b[Kstep {}/{steps}  loss {loss:.4}", step + 1);
            self.job.output.say(&text);
        }
    }

    fn clear_status(&mut self) {
        if self.status_shown {
            self.status_shown = false;
            self.job.output.say("\r\x1b[K");
        }
    }
}

fn epoch_line(epoch: &Epoch) -> String {
    let total = epoch.epochs.to_string();
    let width = total.len();
    let mut line = format!("epoch {:>width$}/{total}", epoch.epoch + 1);
    for (label, value) in &epoch.values {
        line += &format!("  {label} {}", short(*value));
    }
    line + &format!(
        "  {}\n",
        duration(Duration::from_secs_f64(epoch.seconds.max(0.0)))
    )
}

/// Four digits after the point, or an exponent where that would hide the number.
fn short(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude == 0.0 || (1e-3..1e6).contains(&magnitude) {
        format!("{value:.4}")
    } else {
        float(f64::from(
            format!("{value:.3e}").parse::<f32>().unwrap_or(f32::NAN),
        ))
    }
}

/// A time in the unit that suits it.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds >= 60.0 {
        format!("{} min {:.0} s", (seconds / 60.0) as u64, seconds % 60.0)
    } else if seconds >= 1.0 {
        format!("{seconds:.2} s")
    } else if seconds >= 1e-3 {
        format!("{:.1} ms", seconds * 1e3)
    } else {
        if seconds >= 1e-5 {
            format!("{:.0} us", seconds * 1e6)
        } else {
            format!("{:.2} us", seconds * 1e6)
        }
    }
}

/// A number of bytes in the unit that suits it.
pub fn bytes(count: usize) -> String {
    let count = count as f64;
    if count >= 1e9 {
        format!("{:.2} GB", count / 1e9)
    } else if count >= 1e6 {
        format!("{:.2} MB", count / 1e6)
    } else if count >= 1e3 {
        format!("{:.1} kB", count / 1e3)
    } else {
        format!("{count} bytes")
    }
}

fn header(job: &Job, program: &Program, compiled: &Compiled, elapsed: Duration) {
    for data in &program.data {
        if !data.summary.is_empty() {
            job.output.say(&format!("{}\n", data.summary));
        }
    }
    let Summary {
        parameters,
        parameter_bytes,
        distinct_graphs,
        kernels,
        arena_bytes,
        ..
    } = session::summary(program, compiled);
    let threads = job.settings.threads;
    job.output.say(&format!(
        "{}: {parameters} parameters ({}), {distinct_graphs} graphs, {kernels} kernels, arena {}, {threads} thread{}, compiled in {}\n",
        job.source.name,
        bytes(parameter_bytes),
        bytes(arena_bytes),
        if threads == 1 { "" } else { "s" },
        duration(elapsed)
    ));
}

/// A program in numbers, one fact a line.
pub fn description(program: &Program, compiled: &Compiled) -> Vec<String> {
    let summary = session::summary(program, compiled);
    let mut lines: Vec<String> = Vec::new();
    for data in program.data.iter().filter(|data| !data.summary.is_empty()) {
        lines.push(format!("data        {}", data.summary));
    }
    for (kind, name) in [
        (SlotKind::Parameter, "parameter"),
        (SlotKind::State, "state"),
    ] {
        for (_, slot) in program.slots_of(kind) {
            lines.push(format!("{name:<11} {} {}", slot.name, slot.ty));
        }
    }
    lines.push(format!(
        "parameters  {} in {} tensors, {}",
        summary.parameters,
        summary.parameter_tensors,
        bytes(summary.parameter_bytes)
    ));
    lines.push(format!(
        "tensors     {} outside the arena",
        bytes(summary.slot_bytes)
    ));
    lines.push(format!(
        "arena       {} (no plan can need less than {})",
        bytes(summary.arena_bytes),
        bytes(summary.live_bound)
    ));
    lines.push(format!(
        "graphs      {} ({} different), {} kernels",
        summary.graphs, summary.distinct_graphs, summary.kernels
    ));
    lines
}

fn times(
    job: &Job,
    checked: &Checked,
    compiled: &Compiled,
    graphs: Duration,
    runs: u64,
    wall: Duration,
) {
    let times = compiled.times;
    let rows = [
        ("parse", checked.parse, "tokens and grammar"),
        ("check", checked.check, "names, shapes, plan; reading data"),
        ("grad", times.grad, "gradients, summed over threads"),
        ("passes", times.passes, "summed over threads"),
        (
            "lower",
            times.lower,
            "kernels and memory plan, summed over threads",
        ),
        ("jit", times.jit, "machine code"),
        ("compile", times.total, "grad to jit, on the clock"),
        ("run", wall, "everything after"),
        ("  graphs", graphs, "native code"),
        (
            "  host",
            wall.saturating_sub(graphs),
            "the plan: batches, loops, output",
        ),
    ];
    for (name, time, what) in rows {
        job.output
            .say(&format!("{name:<9} {:>10}  {what}\n", duration(time)));
    }
    let share = 100.0 * wall.saturating_sub(graphs).as_secs_f64() / wall.as_secs_f64().max(1e-9);
    job.output.say(&format!(
        "{runs} runs of graphs; the host's share is {share:.1} %\n"
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_one_line() {
        let epoch = Epoch {
            epoch: 2,
            epochs: 20,
            values: vec![("loss".into(), 0.25), ("accuracy".into(), 1e-7)],
            seconds: 1.5,
        };
        assert_eq!(
            epoch_line(&epoch),
            "epoch  3/20  loss 0.2500  accuracy 1e-07  1.50 s\n"
        );
    }
}
