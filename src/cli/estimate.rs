//! How long a program will run, for `dlmc check`: its graphs are tried for a moment, and the plan says how often each runs.
use super::{Failure, Job, run};
use crate::check::program::Program;
use crate::session::{self, Pool};
use crate::train::Compiled;
use std::sync::Arc;
use std::time::Duration;

/// The lines of the estimate: steps of training, and the time. `ready` is what it took to get as far.
pub fn lines(
    job: &Job,
    program: &Arc<Program>,
    compiled: Arc<Compiled>,
    pool: &Pool,
    ready: Duration,
) -> Result<Vec<String>, Failure> {
    let training = session::training_steps(program, &compiled);
    let resolve = run::resolver(job.source.base_dir.clone());
    let machine = session::machine(program.clone(), compiled, resolve);
    let mut machine = machine.map_err(|error| run::failed(job, &error))?;
    let Some(forecast) = pool.run(|| machine.forecast()) else {
        return Ok(vec![
            "time        not known: the loops are too long to be counted beforehand".into(),
        ]);
    };
    let counts = &forecast.counts.graphs;
    let steps = training.iter().filter_map(|step| counts.get(step.graph));
    let steps: u64 = steps.sum();
    let seconds = |seconds: f64| match Duration::try_from_secs_f64(seconds) {
        Ok(time) => run::duration(time),
        Err(_) => "more years than can be counted".into(),
    };
    let runs: u64 = counts.iter().sum();
    let total = ready.as_secs_f64() + forecast.graphs + forecast.host;
    let most = if forecast.counts.at_most {
        "at most "
    } else {
        ""
    };
    let mut lines = Vec::new();
    if steps > 0 {
        lines.push(format!("steps       {most}{steps} of training"));
    }
    lines.push(format!(
        "time        {most}about {} on {} thread{}: {} to compile, {} in {runs} runs of graphs, {} between them",
        seconds(total),
        pool.threads(),
        if pool.threads() == 1 { "" } else { "s" },
        run::duration(ready),
        seconds(forecast.graphs),
        seconds(forecast.host),
    ));
    if forecast.reckoned {
        lines.push("            a step takes too long to be tried: its time is reckoned by its operations, and may be several times shorter or longer".into());
    }
    Ok(lines)
}
