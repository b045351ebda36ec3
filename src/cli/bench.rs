//! `dlmc bench`: how long a program's training step takes.
use super::aside::Aside;
use super::{Failure, Job, run};
use crate::runtime::speed::Speed;
use crate::session;
use crate::train::{Event, Machine, RunError};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Steps are timed in blocks of at least this, so that the clock's own time does not count.
const BLOCK: Duration = Duration::from_millis(1);

/// The same of a program that has so few steps that a block holds those of many runs.
const SHORT_BLOCK: Duration = Duration::from_micros(50);

/// What is asked of a measurement.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// How long steps are timed once they are warm.
    pub time: Duration,
    /// The step whose loss is reported, from 1.
    pub check: u64,
    /// Whether to write one line of JSON instead of text.
    pub json: bool,
}

/// What was measured.
#[derive(Debug, Default)]
struct Measured {
    /// Microseconds a step of each block.
    samples: Vec<f64>,
    /// Training steps done in all.
    steps: u64,
    /// From the start of the process to the end of the first step.
    first: Duration,
    /// Loss of the step asked for, before its update.
    loss: Option<f64>,
    /// How often each graph ran while steps were timed, and how many steps those were.
    ran: (Vec<u64>, u64),
    /// Share of the time that the host plan took; `None` where the program ended before, and ran again.
    host: Option<f64>,
}

/// What a step computes, and what the machine could.
struct Rate {
    /// Operations of a training step, a sum of products as two.
    operations: f64,
    /// Operations a second of a loop of multiply-adds on as many threads, measured right after the steps.
    peak: f64,
}

/// Runs a program for as long as is asked and reports the time of a training step: forward, backward, update and the batch's way
/// from the data set. One that ends before is run again; what it writes is written elsewhere.
pub fn bench(mut job: Job, request: Request, start: Instant) -> Result<(), Failure> {
    let (program, _) = job.checked()?;
    let pool = job.pool()?;
    let failed = |job: &Job, error: RunError| {
        job.say(&error.diagnostic);
        Failure::Program
    };
    let compiled = Arc::new(
        session::compiled(&program, &job.settings, &pool).map_err(|error| failed(&job, error))?,
    );
    run::within_budget(&job, &program, &compiled)?;
    let aside = Aside::new(&job, &program)?;
    let machine = || session::machine(program.clone(), compiled.clone(), aside.resolver(&job));
    let measured = pool
        .run(|| measure(&machine, request, start))
        .map_err(|error| failed(&job, error))?;
    if measured.samples.is_empty() {
        let name = &job.source.name;
        let why = match measured.steps {
            0 | 1 => format!(
                "{name} has no training steps to time\nhelp: `train` or `minimize` makes them, two at least"
            ),
            _ => format!(
                "{name} is so short that it was run again and again, and still there was too little to time\nhelp: give it longer: `--seconds 20`"
            ),
        };
        job.output.say(&format!("error: {why}\n"));
        return Err(Failure::Program);
    }
    let summary = session::summary(&program, &compiled);
    let (runs, steps) = &measured.ran;
    let operations: f64 = session::training_steps(&program, &compiled)
        .iter()
        .map(|step| runs.get(step.graph).map_or(0, |&runs| runs) as f64 * step.work.operations)
        .sum();
    let rate = Rate {
        operations: operations / (*steps).max(1) as f64,
        peak: pool.run(|| Speed::peak(job.settings.threads)),
    };
    let text = if request.json {
        json(&job, &measured, &rate, &summary)
    } else {
        plain(&job, &measured, &rate, &summary)
    };
    job.output.line(&text)
}

/// What a measurement is at.
enum Phase {
    /// Warming caches, pages and the clock of the processor.
    Warm,
    /// Timing blocks of steps since then.
    Timed(Instant),
}

/// Steps that are timed together.
#[derive(Debug, Clone, Copy)]
struct Block {
    /// When those of this run began, and the steps that it had done then.
    since: Instant,
    from: u64,
    /// What runs before this one added.
    held: (Duration, u64),
}

impl Block {
    /// Its time and its steps, where `done` steps of this run are done now.
    fn at(&self, now: Instant, done: u64) -> (Duration, u64) {
        let time = now.duration_since(self.since);
        (self.held.0 + time, self.held.1 + done - self.from)
    }
}

/// What the runs before this one did: training steps, and runs of each graph.
#[derive(Debug, Default)]
struct Earlier {
    steps: u64,
    runs: Vec<u64>,
}

impl Earlier {
    fn with(&self, machine: &Machine) -> (Vec<u64>, u64) {
        let runs = machine.graph_runs().into_iter().enumerate();
        let runs = runs.map(|(graph, runs)| runs + self.runs.get(graph).unwrap_or(&0));
        (runs.collect(), self.steps + machine.times().updates)
    }
}

/// Microseconds a step of a block.
fn micros((time, steps): (Duration, u64)) -> f64 {
    time.as_secs_f64() * 1e6 / steps as f64
}

/// Runs of each graph, and steps, between two moments.
fn since(before: &(Vec<u64>, u64), now: &(Vec<u64>, u64)) -> (Vec<u64>, u64) {
    let runs = now.0.iter().zip(&before.0);
    (
        runs.map(|(all, then)| all - then).collect(),
        now.1 - before.1,
    )
}

/// Runs that are too short fill no time by themselves: so many times what is asked for, and then it is enough.
const MOST: u32 = 10;

fn measure(
    new: &dyn Fn() -> Result<Machine, RunError>,
    request: Request,
    start: Instant,
) -> Result<Measured, RunError> {
    let mut machine = new()?;
    let mut measured = Measured::default();
    let warm = Duration::from_millis(100);
    let most = start.elapsed() + MOST * (warm + request.time);
    let mut phase = Phase::Warm;
    let (mut earlier, mut before) = (Earlier::default(), (Vec::new(), 0));
    let mut again = false;
    let (mut block, mut last): (Option<Block>, _) = (None, Instant::now());
    let mut held = (Duration::ZERO, 0);
    let (mut noted, mut unread, mut stride) = (0, 0, 1);
    loop {
        let before_step = machine.times().updates;
        let limit = match again {
            // The first step of a run begins its block.
            true if before_step == 0 => 1,
            true => u64::MAX,
            false => request.check.checked_sub(before_step).unwrap_or(u64::MAX),
        };
        machine.limit_turns(limit);
        let event = machine.step()?;
        let done = machine.times().updates;
        if let Event::StepsDone { .. } = event
            && done == request.check
            && !again
        {
            measured.loss = machine.losses().last().copied();
        }
        if event == Event::Finished {
            if done > noted {
                // The last steps, where nothing comes behind them.
                (last, noted) = (Instant::now(), done);
            }
            let timed = block.map_or((Duration::ZERO, 0), |block| block.at(last, noted));
            // A block may end with a run.
            let whole = again && timed.1 > 0 && timed.0 >= SHORT_BLOCK;
            match phase {
                Phase::Timed(_) if whole => {
                    measured.samples.push(micros(timed));
                    measured.ran = since(&before, &earlier.with(&machine));
                }
                Phase::Warm if whole && start.elapsed() >= measured.first + warm => {
                    before = earlier.with(&machine);
                    phase = Phase::Timed(last);
                }
                Phase::Timed(_) | Phase::Warm => {}
            }
            let is_over = match phase {
                Phase::Timed(begun) => begun.elapsed() >= request.time,
                Phase::Warm => false,
            };
            if is_over || done < 2 || start.elapsed() > most {
                break;
            }
            // The clock was not read behind each event of the first run.
            held = if again && !whole {
                timed
            } else {
                (Duration::ZERO, 0)
            };
            (earlier.runs, earlier.steps) = earlier.with(&machine);
            (again, block, noted, unread) = (true, None, 0, 0);
            machine = new()?;
            continue;
        }
        if done == before_step {
            continue;
        }
        measured.steps = earlier.steps + done;
        // The clock is not read after each event: an epoch of a small model is some microseconds.
        unread = if again {
            0
        } else {
            u64::saturating_sub(unread, done - noted)
        };
        noted = done;
        let Some(open) = block else {
            if !again {
                measured.first = start.elapsed();
            }
            last = Instant::now();
            block = Some(Block {
                since: last,
                from: done,
                held,
            });
            continue;
        };
        if unread > 0 {
            continue;
        }
        last = Instant::now();
        let (elapsed, steps) = open.at(last, done);
        unread = stride;
        let least = if again { SHORT_BLOCK } else { BLOCK };
        if steps == 0 || elapsed < least {
            // A run that is short has no many steps to wait for.
            stride *= if !again && elapsed < BLOCK / 4 { 2 } else { 1 };
            continue;
        }
        stride = (stride / 2).max(1);
        held = (Duration::ZERO, 0);
        block = Some(Block {
            since: last,
            from: done,
            held,
        });
        match phase {
            Phase::Warm if start.elapsed() >= measured.first + warm => {
                before = earlier.with(&machine);
                phase = Phase::Timed(last);
            }
            Phase::Warm => {}
            Phase::Timed(begun) => {
                measured.samples.push(micros((elapsed, steps)));
                measured.ran = since(&before, &earlier.with(&machine));
                let is_over = begun.elapsed() >= request.time;
                if is_over && (again || done >= request.check) {
                    measured.host = (!again)
                        .then(|| host_share(&mut machine, &measured.ran.0, begun.elapsed()));
                    break;
                }
            }
        }
    }
    measured.samples.sort_by(f64::total_cmp);
    Ok(measured)
}

/// The share of a time that was not spent in graphs: each of them is run once more, alone and as often as in that time or for long enough
/// to tell. Reading a clock before and after each run would take longer than some of them do. What they compute here is of no interest.
fn host_share(machine: &mut Machine, ran: &[u64], time: Duration) -> f64 {
    let limit = time / 4 / ran.iter().filter(|&&runs| runs > 0).count().max(1) as u32;
    let mut graphs = 0.0;
    for (graph, &runs) in ran.iter().enumerate() {
        if runs > 0 {
            graphs += runs as f64 * machine.time_graph(graph, runs, limit);
        }
    }
    (1.0 - graphs / time.as_secs_f64()).max(0.0)
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match sorted {
        [] => f64::NAN,
        _ if sorted.len() % 2 == 1 => sorted[middle],
        _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
    }
}

fn plain(job: &Job, measured: &Measured, rate: &Rate, summary: &session::Summary) -> String {
    let best = measured.samples.first().copied().unwrap_or(f64::NAN);
    let time = |micros: f64| run::duration(Duration::from_secs_f64(micros.max(0.0) / 1e6));
    let host = measured.host.map_or_else(
        || "not measured: so short a program was run again and again".into(),
        |share| format!("{:.1} % of the time", 100.0 * share),
    );
    let seconds = median(&measured.samples) / 1e6;
    let mut text = format!(
        "step        {} (median of {} blocks; best {}) on {} threads\noperations  {:.4} million a step, {:.1} GFLOP/s: {:.0} % of a loop of multiply-adds, {:.1} GFLOP/s now\nfirst step  {} after the start\nhost        {host}\narena       {} (no plan can need less than {})",
        time(median(&measured.samples)),
        measured.samples.len(),
        time(best),
        job.settings.threads,
        rate.operations / 1e6,
        rate.operations / seconds / 1e9,
        100.0 * rate.operations / seconds / rate.peak,
        rate.peak / 1e9,
        run::duration(measured.first),
        run::bytes(summary.arena_bytes),
        run::bytes(summary.live_bound),
    );
    if let Some(loss) = measured.loss {
        text += &format!("\nloss        {loss:.6}");
    }
    text
}

fn json(job: &Job, measured: &Measured, rate: &Rate, summary: &session::Summary) -> String {
    let best = measured.samples.first().copied().unwrap_or(f64::NAN);
    let loss = measured
        .loss
        .filter(|loss| loss.is_finite())
        .map_or("null".to_string(), |loss| loss.to_string());
    let host = measured
        .host
        .map_or_else(|| "null".into(), |share| format!("{share:.4}"));
    format!(
        "{{\"threads\": {}, \"us_per_step\": {:.5}, \"us_best\": {best:.5}, \"blocks\": {}, \"steps\": {}, \"first_step_ms\": {:.3}, \"host_share\": {host}, \"operations\": {:.0}, \"peak_gflops\": {:.2}, \"loss\": {loss}, \"arena_bytes\": {}, \"live_bound\": {}}}",
        job.settings.threads,
        median(&measured.samples),
        measured.samples.len(),
        measured.steps,
        measured.first.as_secs_f64() * 1e3,
        rate.operations,
        rate.peak / 1e9,
        summary.arena_bytes,
        summary.live_bound,
    )
}
