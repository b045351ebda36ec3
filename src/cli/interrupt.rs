//! Ctrl-C and requests to end: the first lets the run finish its step, the second ends the process at once.
use super::{Failure, Job};
use crate::train::Machine;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The signals that end a run, and the exit codes that shells give them.
const SIGNALS: [(i32, u8); 2] = [(SIGINT, 130), (SIGTERM, 143)];

/// Whether the user has asked the run to end.
pub struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// From now on a first signal stops the machine. It counts also where the process was started with the signal ignored, as a
    /// script's background jobs are: otherwise nothing short of killing it would end such a run.
    ///
    /// # Errors
    /// A system that takes no handler; it has been reported.
    pub fn watch(job: &Job, machine: &Machine) -> Result<Interrupt, Failure> {
        watch(&machine.stop_flag()).map_err(|error| {
            let text = format!("error: Ctrl-C cannot be watched: {error}\n");
            job.output.say(&text);
            Failure::Usage
        })
    }

    /// The exit code of the signal that came, if one did.
    pub fn code(&self) -> Option<u8> {
        let code = self.0.load(Ordering::Relaxed);
        u8::try_from(code).ok().filter(|&code| code != 0)
    }
}

fn watch(stop: &Arc<AtomicBool>) -> std::io::Result<Interrupt> {
    let code = Arc::new(AtomicUsize::new(0));
    for (signal, exit) in SIGNALS {
        // Handlers run in the order of registration: this one finds the flag set only by an earlier signal.
        flag::register_conditional_shutdown(signal, i32::from(exit), stop.clone())?;
        flag::register_usize(signal, code.clone(), usize::from(exit))?;
        flag::register(signal, stop.clone())?;
    }
    Ok(Interrupt(code))
}
