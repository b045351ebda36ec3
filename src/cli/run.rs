//! `dlmc run` with its checkpoints and receipt, and the description of a program that `dlmc check` prints.
use super::checkpoint::{Checkpoints, Every};
use super::identity::Identity;
use super::interrupt::Interrupt;
use super::journal::Journal;
use super::receipt::Receipt;
use super::watch::progress::Mode;
pub use super::watch::text::duration;
use super::watch::{Files, Outcome, Watch, report};
use super::{Failure, Job, estimate};
use crate::check::program::{Program, SlotKind};
use crate::data::FileProvider;
use crate::data::whole::try_replace;
use crate::session::{self, Checked, Summary};
use crate::train::{Compiled, Event, Machine, OnNonFinite, Resolve, RunError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes of what products keep from which on a line says so.
const WORTH_SAYING: usize = 16 << 20;

/// What is reported beside the results.
#[derive(Debug, Clone, Copy)]
pub struct Reports {
    /// Its progress.
    pub progress: Mode,
    /// What was compiled, in a line.
    pub header: bool,
    /// The same and all that `dlmc check` says.
    pub verbose: bool,
    /// Where the time went.
    pub time: bool,
    /// Losses and parameters that are not finite.
    pub on_nonfinite: OnNonFinite,
}

/// What is kept of a run in files.
#[derive(Debug, Clone)]
pub struct Keep {
    /// The folder of its checkpoints.
    pub checkpoint: Option<PathBuf>,
    /// How often one is written.
    pub every: Every,
    /// Whether to go on from there.
    pub resume: bool,
    /// The file of its receipt.
    pub receipt: Option<PathBuf>,
    /// What is seen of it.
    pub files: Files,
}

/// Runs a program.
pub fn run(mut job: Job, reports: Reports, keep: &Keep) -> Result<(), Failure> {
    let start = Instant::now();
    let (program, checked) = job.checked()?;
    let job = &job;
    if let Some(path) = &keep.receipt {
        try_receipt(job, path)?;
    }
    let identity = identity(job, keep, &program)?;
    let checkpoints = checkpoints(job, keep, identity.as_ref(), &program)?;
    let watch = Watch::new(job, reports.progress, &keep.files, keep.resume)?;
    let pool = job.pool()?;
    let failed = |error: RunError| failed(job, &error);
    let compiled = match keep.files.report {
        Some(_) => session::compiled_apart(&program, &job.settings, &pool),
        None => session::compiled(&program, &job.settings, &pool),
    };
    let compiled = compiled.map_err(failed)?;
    within_budget(job, &program, &compiled)?;
    let compiled = Arc::new(compiled);
    let ready = start.elapsed();
    if reports.verbose {
        let description = description(&program, &compiled).into_iter();
        let estimate = estimate::lines(job, &program, compiled.clone(), &pool, ready)?;
        for line in description.chain(estimate) {
            job.output.say(&format!("{line}\n"));
        }
    } else if reports.header {
        data(job, &program);
    }
    if reports.verbose || reports.header {
        header(job, &program, &compiled, ready);
    }
    let resolve = resolver(job.source.base_dir.clone());
    let journal = Journal::new(&program, keep.receipt.is_some());
    let mut machine =
        session::machine(program.clone(), compiled.clone(), resolve).map_err(failed)?;
    let report = keep.files.report.as_deref();
    let mut drive = Drive {
        job,
        program: &program,
        compiled: &compiled,
        watch,
        journal,
        checkpoints,
        report: report.map(|path| (path, report::Live::new())),
    };
    machine.take_times(reports.time);
    machine.on_nonfinite(reports.on_nonfinite);
    machine.note_losses(drive.watch.sees_losses());
    drive.begin(&mut machine, keep.resume)?;
    let began = Instant::now();
    drive.watch.begin(drive.journal.place);
    if report.is_some() {
        machine.sample(report::kernels::LIMIT);
        drive.report(&machine);
    }
    let ended = pool.run(|| drive.run(&mut machine));
    // Also of a run that did not reach its end, and why that is comes first.
    let mut reported = Ok(());
    if let (Some(path), Some(_)) = (report, &drive.watch.outcome) {
        reported = write_report(path, &drive.facts(&machine));
    }
    ended?;
    reported?;
    if reports.time {
        let ran = machine.times();
        let wall = began.elapsed();
        times(job, &checked, &compiled, ran.graphs, ran.runs, wall);
    }
    // A run that went on began with what its first process found.
    let identity = match drive.checkpoints {
        Some(checkpoints) => Some(checkpoints.into_identity()),
        None => identity,
    };
    let (Some(path), Some(identity)) = (&keep.receipt, identity) else {
        return Ok(());
    };
    let receipt = Receipt::new(job, identity, &drive.journal, &machine);
    receipt
        .write(path)
        .map_err(|error| unwritten(job, path, &error))
}

/// What the run is a function of, where that is kept.
fn identity(job: &Job, keep: &Keep, program: &Program) -> Result<Option<Identity>, Failure> {
    let wanted = keep.checkpoint.is_some() || keep.receipt.is_some();
    wanted.then(|| Identity::new(job, program)).transpose()
}

/// The folder of the checkpoints, taken before the run.
fn checkpoints<'a>(
    job: &'a Job,
    keep: &Keep,
    identity: Option<&Identity>,
    program: &Program,
) -> Result<Option<Checkpoints<'a>>, Failure> {
    let both = keep.checkpoint.as_deref().zip(identity);
    both.map(|(path, identity)| Checkpoints::open(job, path, keep.every, identity.clone(), program))
        .transpose()
}

/// Reports why a run stopped.
pub fn failed(job: &Job, error: &RunError) -> Failure {
    job.say(&error.diagnostic);
    job.output.tell_more(Some(error.diagnostic.code));
    if error.missing {
        Failure::Usage
    } else {
        Failure::Program
    }
}

/// Tries the place of the receipt before the run.
fn try_receipt(job: &Job, path: &Path) -> Result<(), Failure> {
    if job.source.name == session::STDIN {
        job.output.say(
            "error: a program from standard input has no receipt: nobody could train it again\nhelp: write it to a file\n",
        );
        return Err(Failure::Usage);
    }
    try_replace(path).map_err(|error| unwritten(job, path, &error))
}

/// Writes the report of a run that has ended.
fn write_report(path: &Path, facts: &report::Facts<'_>) -> Result<(), Failure> {
    report::write(path, facts).map_err(|error| {
        let path = path.display();
        let text = format!("error: the report \"{path}\" cannot be written: {error}\n");
        facts.job.output.say(&text);
        Failure::Usage
    })
}

fn unwritten(job: &Job, path: &Path, error: &std::io::Error) -> Failure {
    job.output.say(&format!(
        "error: the receipt \"{}\" cannot be written: {error}\n",
        path.display()
    ));
    Failure::Usage
}

/// A run with all that accompanies it.
struct Drive<'a> {
    job: &'a Job,
    program: &'a Program,
    compiled: &'a Compiled,
    watch: Watch<'a>,
    journal: Journal,
    checkpoints: Option<Checkpoints<'a>>,
    /// Where the report is, of a run that has one.
    report: Option<(&'a Path, report::Live)>,
}

impl Drive<'_> {
    /// What a report says.
    fn facts<'f>(&'f self, machine: &'f Machine) -> report::Facts<'f> {
        report::Facts {
            job: self.job,
            program: self.program,
            compiled: self.compiled,
            machine,
            history: &self.watch.history,
            outcome: self.watch.outcome.as_ref(),
        }
    }

    /// Writes the report of a run that goes on.
    fn report(&mut self, machine: &Machine) {
        if let Some((path, mut live)) = self.report.take() {
            live.write(path, &self.facts(machine));
            self.report = Some((path, live));
        }
    }

    /// Takes the run to where it begins. A first checkpoint is written at once, so what keeps one from being written is known before
    /// training.
    fn begin(&mut self, machine: &mut Machine, resume: bool) -> Result<(), Failure> {
        let Some(checkpoints) = &mut self.checkpoints else {
            return Ok(());
        };
        if resume {
            checkpoints.resume(machine, &mut self.journal)?;
        } else {
            checkpoints.replace()?;
        }
        checkpoints.write(machine, &self.journal).map_err(|error| {
            self.job.output.say(&format!(
                "error: no checkpoint can be written to {}: {error}\nhelp: the folder must have room and allow writing\n",
                checkpoints.shown()
            ));
            Failure::Usage
        })
    }

    /// Runs to the end, or until a signal or a closed output ends it.
    fn run(&mut self, machine: &mut Machine) -> Result<(), Failure> {
        let interrupt = Interrupt::watch(self.job, machine)?;
        loop {
            let place = self.journal.place;
            let turns = self
                .checkpoints
                .as_ref()
                .map_or(u64::MAX, |c| c.steps_left(place));
            let event = self.journal.advance(machine, turns);
            self.watch.losses(&self.journal, machine);
            let event = event.map_err(|error| {
                let why = error.diagnostic.message.clone();
                self.watch.reached(self.journal.place);
                self.watch.end(Outcome::Failed(why));
                failed(self.job, &error)
            })?;
            let seen = self.watch.event(&event, self.journal.place, machine);
            seen.inspect_err(|_| self.watch.end(Outcome::Closed))?;
            if event == Event::Finished {
                self.watch.end(Outcome::Finished);
                return Ok(());
            }
            if let Some(code) = interrupt.code() {
                self.watch.end(Outcome::Interrupted);
                self.interrupted(machine);
                return Err(Failure::Interrupted(code));
            }
            self.keep(machine, matches!(event, Event::EpochEnd(_)))?;
            if self.report.as_ref().is_some_and(|(_, live)| live.due()) {
                self.report(machine);
            }
        }
    }

    /// Writes a checkpoint where one is due, unless its numbers stop the run: those before are worth more than one of NaN. A run of hours
    /// does not end because a disk is full for a while.
    fn keep(&mut self, machine: &mut Machine, epoch_ended: bool) -> Result<(), Failure> {
        let place = self.journal.place;
        let due = |checkpoints: &mut Checkpoints| checkpoints.due(place, epoch_ended);
        if !self.checkpoints.as_mut().is_some_and(due) {
            return Ok(());
        }
        match machine.look() {
            Ok(None) => {}
            Ok(Some(warning)) => {
                self.watch.pause();
                self.job.say(&warning);
            }
            Err(error) => {
                let why = error.diagnostic.message.clone();
                self.watch.end(Outcome::Failed(why));
                return Err(failed(self.job, &error));
            }
        }
        if let Some(checkpoints) = &mut self.checkpoints
            && let Err(error) = checkpoints.write(machine, &self.journal)
        {
            self.watch.pause();
            self.job.output.say(&format!(
                "warning: no checkpoint can be written to {}: {error}\n",
                checkpoints.shown()
            ));
        }
        Ok(())
    }

    fn interrupted(&mut self, machine: &Machine) {
        let place = self.journal.place;
        let mut text = format!("stopped after {place}\n");
        match &mut self.checkpoints {
            None => text += "nothing is kept of it: with --checkpoint DIR a run can be resumed\n",
            Some(checkpoints) => {
                if let Err(error) = checkpoints.write(machine, &self.journal) {
                    let shown = checkpoints.shown();
                    text += &format!(
                        "error: no checkpoint can be written to {shown}: {error}; the one before is still there\n"
                    );
                }
                text += &format!("to go on: {}\n", resume_command());
            }
        }
        self.job.output.note(&text);
    }
}

/// The command of this process with `--resume`.
fn resume_command() -> String {
    let mut words: Vec<String> = std::env::args_os()
        .map(|word| quoted(&word.to_string_lossy()))
        .collect();
    if words.iter().all(|word| word != "--resume") {
        words.push("--resume".into());
    }
    words.join(" ")
}

/// A word as a shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Paths of a program are files, relative ones from its folder.
pub fn resolver(base_dir: String) -> Resolve {
    let provider = FileProvider::new();
    Arc::new(move |path| provider.resolve(&base_dir, path))
}

/// A large number in words that suit it.
fn count(number: f64) -> String {
    match number {
        _ if number >= 1e9 => format!("{:.2} billion", number / 1e9),
        _ if number >= 1e6 => format!("{:.2} million", number / 1e6),
        _ => format!("{number:.0}"),
    }
}

/// Refuses a program that is larger than what the command allows.
pub fn within_budget(job: &Job, program: &Program, compiled: &Compiled) -> Result<(), Failure> {
    let summary = session::summary(program, compiled);
    let refuse = |text: String| {
        job.output.say(&text);
        Err(Failure::Program)
    };
    if let Some(most) = job.budget.parameters
        && summary.parameters as f64 > most
    {
        return refuse(format!(
            "error: the program has {} parameters, --max-params allows {most}\nhelp: `dlmc check` lists them\n",
            summary.parameters
        ));
    }
    if let Some(most) = job.budget.memory
        && summary.memory() > most
    {
        return refuse(format!(
            "error: the program keeps {} in memory ({} of parameters, states and values, as much again for the state that it goes back to, {} that a step works in), --max-memory allows {}\nhelp: smaller batches make a step smaller; `dlmc check` lists what is kept\n",
            bytes(summary.memory()),
            bytes(summary.slot_bytes),
            bytes(summary.arena_bytes.saturating_add(summary.product_bytes)),
            bytes(most)
        ));
    }
    Ok(())
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

fn data(job: &Job, program: &Program) {
    for data in &program.data {
        if !data.summary.is_empty() {
            job.output.say(&format!("{}\n", data.summary));
        }
    }
}

fn header(job: &Job, program: &Program, compiled: &Compiled, elapsed: Duration) {
    let Summary {
        parameters,
        parameter_bytes,
        distinct_graphs,
        kernels,
        loops,
        arena_bytes,
        ..
    } = session::summary(program, compiled);
    let threads = job.settings.threads;
    let loops = match loops {
        0 => String::new(),
        1 => ", 1 loop of steps".into(),
        more => format!(", {more} loops of steps"),
    };
    job.output.say(&format!(
        "{}: {parameters} parameters ({}), {distinct_graphs} graphs, {kernels} kernels{loops}, arena {}, {threads} thread{}, compiled in {}\n",
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
    if summary.optimizer_bytes > 0 {
        lines.push(format!(
            "optimizer   {} kept from step to step",
            bytes(summary.optimizer_bytes)
        ));
    }
    lines.push(format!(
        "tensors     {} outside the arena, kept twice: a run has a state to go back to",
        bytes(summary.slot_bytes)
    ));
    lines.push(format!(
        "arena       {} (no plan can need less than {})",
        bytes(summary.arena_bytes),
        bytes(summary.live_bound)
    ));
    if summary.product_bytes > WORTH_SAYING {
        lines.push(format!(
            "products    {} of offset tables and packed operands",
            bytes(summary.product_bytes)
        ));
    }
    lines.push(format!(
        "graphs      {} ({} different), {} kernels",
        summary.graphs, summary.distinct_graphs, summary.kernels
    ));
    for step in session::training_steps(program, compiled) {
        let name = &program.graphs[step.graph].name;
        let times = step
            .times
            .map_or_else(String::new, |times| format!(", {times} times"));
        lines.push(format!(
            "training    {name}: {} operations and {} moved in a step{times}",
            count(step.work.operations),
            bytes(step.work.bytes as usize)
        ));
    }
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
        (
            "products",
            times.plan,
            "their tiles, packing and offsets, beside jit",
        ),
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
