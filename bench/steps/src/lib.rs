//! The programs of `benches/programs`, compiled and ready to run on one thread: what the bench times.
use dlmc::base::source::Sources;
use dlmc::check::program::Program;
use dlmc::data::FileProvider;
use dlmc::session::{Pool, Settings, Source, checked, compiled, machine};
use dlmc::train::compile::Compiled;
use dlmc::train::{Event, Machine, RunError};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The programs, by name.
pub const PROGRAMS: [&str; 4] = ["perceptron", "convolution", "recurrence", "attention"];

fn settings() -> Settings {
    Settings {
        threads: 1,
        hypers: vec![("steps".into(), "1000000000".into())],
        ..Settings::default()
    }
}

/// The text of a program.
///
/// # Errors
/// A file that cannot be read.
pub fn source(name: &str) -> Result<Source, String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../benches/programs");
    Source::read(&format!("{folder}/{name}.dlm")).map_err(|error| error.message)
}

/// A program checked and compiled.
///
/// # Errors
/// A mistake in the program, a fault of the compiler.
pub fn compile(source: &Source, pool: &Pool) -> Result<(Arc<Program>, Compiled), String> {
    let mut sources = Sources::default();
    let checked = checked(source, &mut sources, &mut FileProvider::new(), &settings());
    let program = checked
        .program
        .ok_or_else(|| format!("{:?}", checked.diagnostics))?;
    let compiled = compiled(&program, &settings(), pool).map_err(|error| said(&error))?;
    Ok((program, compiled))
}

/// A machine at the start of a program.
///
/// # Errors
/// As for [`compile`].
pub fn ready(name: &str, pool: &Pool) -> Result<Machine, String> {
    let (program, compiled) = compile(&source(name)?, pool)?;
    let resolve = Arc::new(|path: &str| Ok(PathBuf::from(path)));
    machine(program, Arc::new(compiled), resolve).map_err(|error| said(&error))
}

/// Runs that many training steps; how long they took.
///
/// # Errors
/// What stopped the program.
pub fn run(machine: &mut Machine, steps: u64) -> Result<Duration, String> {
    let start = Instant::now();
    let goal = machine.times().steps + steps;
    while machine.times().steps < goal {
        machine.limit_turns(goal - machine.times().steps);
        if machine.step().map_err(|error| said(&error))? == Event::Finished {
            return Err("the program has ended".into());
        }
    }
    Ok(start.elapsed())
}

fn said(error: &RunError) -> String {
    format!("{:?}", error.diagnostic)
}
