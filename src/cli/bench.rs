//! `dlmc bench`: how long a program's training step takes.
use super::{Failure, Job, run};
use crate::session;
use crate::train::{Event, Machine, RunError};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Steps are timed in blocks of at least this, so that the clock's own time does not count.
const BLOCK: Duration = Duration::from_millis(1);

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
    /// Share of the timed blocks that the host plan took.
    host: f64,
}

/// Runs a program for as long as is asked and reports the time of a training step: forward, backward, update and the batch's way
/// from the data set.
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
    let resolve = run::resolver(job.source.base_dir.clone());
    let machine = session::machine(program.clone(), compiled.clone(), resolve);
    let mut machine = machine.map_err(|error| failed(&job, error))?;
    let measured = pool
        .run(|| measure(&mut machine, request, start))
        .map_err(|error| failed(&job, error))?;
    if measured.samples.is_empty() {
        job.output.say(&format!(
            "error: {} has too few training steps to time\nhelp: give it more epochs: `dlmc bench FILE epochs=1000` sets a `hyper epochs`\n",
            job.source.name
        ));
        return Err(Failure::Program);
    }
    let summary = session::summary(&program, &compiled);
    let text = if request.json {
        json(&job, &measured, &summary)
    } else {
        plain(&job, &measured, &summary)
    };
    job.output.line(&text)
}

fn measure(machine: &mut Machine, request: Request, start: Instant) -> Result<Measured, RunError> {
    let mut measured = Measured::default();
    // The first tenth of a second warms caches, pages and the clock of the processor.
    let warm = Duration::from_millis(100);
    let mut timed: Option<Instant> = None;
    let mut graphs_before = Duration::ZERO;
    let (mut block, mut block_steps) = (Instant::now(), 0);
    loop {
        let event = machine.step()?;
        let done = machine.times().steps;
        if let Event::StepDone { loss, .. } = event
            && done == request.check
        {
            measured.loss = Some(loss);
        }
        if done > 0 && measured.steps == 0 {
            measured.first = start.elapsed();
            (block, block_steps) = (Instant::now(), done);
        }
        measured.steps = done;
        if event == Event::Finished {
            break;
        }
        if done > block_steps && block.elapsed() >= BLOCK {
            let micros = block.elapsed().as_secs_f64() * 1e6 / (done - block_steps) as f64;
            (block, block_steps) = (Instant::now(), done);
            match timed {
                Some(since) => {
                    measured.samples.push(micros);
                    let graphs = machine.times().graphs.saturating_sub(graphs_before);
                    measured.host = 1.0 - graphs.as_secs_f64() / since.elapsed().as_secs_f64();
                    if since.elapsed() >= request.time && done >= request.check {
                        break;
                    }
                }
                None if start.elapsed() >= measured.first + warm => {
                    timed = Some(Instant::now());
                    graphs_before = machine.times().graphs;
                }
                None => {}
            }
        }
    }
    measured.samples.sort_by(f64::total_cmp);
    Ok(measured)
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match sorted {
        [] => f64::NAN,
        _ if sorted.len() % 2 == 1 => sorted[middle],
        _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
    }
}

fn plain(job: &Job, measured: &Measured, summary: &session::Summary) -> String {
    let best = measured.samples.first().copied().unwrap_or(f64::NAN);
    let time = |micros: f64| run::duration(Duration::from_secs_f64(micros.max(0.0) / 1e6));
    let mut text = format!(
        "step        {} (median of {} blocks; best {}) on {} threads\nfirst step  {} after the start\nhost        {:.1} % of the time\narena       {} (no plan can need less than {})",
        time(median(&measured.samples)),
        measured.samples.len(),
        time(best),
        job.settings.threads,
        run::duration(measured.first),
        100.0 * measured.host,
        run::bytes(summary.arena_bytes),
        run::bytes(summary.live_bound),
    );
    if let Some(loss) = measured.loss {
        text += &format!("\nloss        {loss:.6}");
    }
    text
}

fn json(job: &Job, measured: &Measured, summary: &session::Summary) -> String {
    let best = measured.samples.first().copied().unwrap_or(f64::NAN);
    let loss = measured
        .loss
        .filter(|loss| loss.is_finite())
        .map_or("null".to_string(), |loss| loss.to_string());
    format!(
        "{{\"threads\": {}, \"us_per_step\": {:.3}, \"us_best\": {best:.3}, \"blocks\": {}, \"steps\": {}, \"first_step_ms\": {:.3}, \"host_share\": {:.4}, \"loss\": {loss}, \"arena_bytes\": {}, \"live_bound\": {}}}",
        job.settings.threads,
        median(&measured.samples),
        measured.samples.len(),
        measured.steps,
        measured.first.as_secs_f64() * 1e3,
        measured.host,
        summary.arena_bytes,
        summary.live_bound,
    )
}
