//! `dlmc verify`: trains again and compares with a receipt, step by step.
use super::identity::{Identity, hex, written_file};
use super::interrupt::Interrupt;
use super::journal::{self, Journal};
use super::receipt::Receipt;
use super::{COMPILER, Failure, Job, run};
use crate::check::program::Program;
use crate::runtime::contraction::Isa;
use crate::session;
use crate::train::{Event, Machine, Resolve, RunError};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is to be verified.
pub struct Request<'a> {
    /// The receipt's file.
    pub path: &'a Path,
    /// The receipt.
    pub receipt: Receipt,
}

/// Trains again, says `identical` or what differs first.
pub fn verify(mut job: Job, request: &Request<'_>) -> Result<(), Failure> {
    let receipt = &request.receipt;
    let changed = receipt.changed(Path::new(&job.source.base_dir), &job.source.text);
    refuse(&job, request, &changed)?;
    if receipt.compiler != COMPILER {
        job.output.say(&format!(
            "note: the receipt is of {}, this is {COMPILER}\n",
            receipt.compiler
        ));
    }
    let (here, there) = (job.settings.cpu.isa().name(), receipt.cpu.as_str());
    let baseline = Isa::Portable.name();
    if !there.is_empty() && (here == baseline) != (there == baseline) {
        job.output.say(&format!(
            "note: the receipt is of instructions `{there}`, this is `{here}`: without fused multiply-add bits may differ\n"
        ));
    }
    let (program, _) = job.checked()?;
    let identity = Identity::new(&job, &program)?;
    refuse(&job, request, &identity.differences(&receipt.identity))?;
    let pool = job.pool()?;
    let failed = |error: RunError| run::failed(&job, &error);
    let compiled = session::compiled(&program, &job.settings, &pool);
    let compiled = Arc::new(compiled.map_err(failed)?);
    let aside = Aside::new(&job, &program).map_err(|error| {
        job.output.say(&format!(
            "error: no folder for what the program writes: {error}\n"
        ));
        Failure::Usage
    })?;
    let machine = session::machine(program, compiled, aside.resolver(&job));
    let mut machine = machine.map_err(failed)?;
    match pool.run(|| train(&job, &mut machine, receipt))? {
        None => {
            let steps = counted(receipt.steps.len(), "step");
            let tensors = counted(receipt.tensors.len(), "tensor");
            job.output
                .line(&format!("identical: {steps}, {tensors}, the output"))
        }
        Some(difference) => {
            job.output.line(&difference)?;
            Err(Failure::Program)
        }
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn refuse(job: &Job, request: &Request<'_>, differences: &[String]) -> Result<(), Failure> {
    if differences.is_empty() {
        return Ok(());
    }
    let path = request.path.display();
    let mut text = format!("error: \"{path}\" is a receipt of something else\n");
    for what in differences {
        text += &format!("note: {what}\n");
    }
    job.output.say(&text);
    Err(Failure::Program)
}

/// Runs the program and says what differs first.
fn train(job: &Job, machine: &mut Machine, receipt: &Receipt) -> Result<Option<String>, Failure> {
    let interrupt = Interrupt::watch(job, machine)?;
    let mut journal = Journal::new(machine.program(), true);
    let mut compared = 0;
    loop {
        let event = journal.advance(machine, 1);
        let event = event.map_err(|error| run::failed(job, &error))?;
        let record = journal.record.as_deref().unwrap_or_default();
        for step in record.iter().skip(compared) {
            let here = step.to_string();
            match receipt.steps.get(compared) {
                Some(there) if *there == here => {}
                there => return Ok(Some(differing_step(&journal, &here, there))),
            }
            compared += 1;
        }
        if event == Event::Finished {
            return Ok(differing_end(machine, &journal, receipt, compared));
        }
        if let Some(code) = interrupt.code() {
            job.output.say(&format!(
                "stopped after {}, all equal so far\n",
                journal.place
            ));
            return Err(Failure::Interrupted(code));
        }
    }
}

fn differing_step(journal: &Journal, here: &str, there: Option<&String>) -> String {
    match there {
        Some(there) => format!(
            "{} differs: {here} here, {there} in the receipt",
            journal.place
        ),
        None => format!("{} is one more than the receipt has", journal.place),
    }
}

fn differing_end(
    machine: &Machine,
    journal: &Journal,
    receipt: &Receipt,
    steps: usize,
) -> Option<String> {
    if steps < receipt.steps.len() {
        let all = receipt.steps.len();
        return Some(format!(
            "the run ends after {steps} steps, the receipt has {all}"
        ));
    }
    let tensors = journal::weights(machine);
    let mut pairs = tensors.iter().zip(&receipt.tensors);
    if let Some((here, _)) = pairs.find(|(here, there)| here != there) {
        return Some(format!(
            "all steps agree, the final `{}` differs",
            here.name
        ));
    }
    if tensors.len() != receipt.tensors.len() || journal::weights_hash(&tensors) != receipt.weights
    {
        return Some("all steps agree, the tensors of the model differ".into());
    }
    let output = hex(journal.output);
    (output != receipt.output).then(|| "steps and weights agree, the lines printed differ".into())
}

/// A folder for the files that the program writes: those of the run that is verified stay as they are.
struct Aside {
    folder: PathBuf,
    /// From files of the program to those in the folder.
    files: HashMap<PathBuf, PathBuf>,
}

impl Aside {
    fn new(job: &Job, program: &Program) -> std::io::Result<Aside> {
        let resolve = run::resolver(job.source.base_dir.clone());
        let name = format!("dlmc-verify-{}", std::process::id());
        let mut aside = Aside {
            folder: std::env::temp_dir().join(name),
            files: HashMap::new(),
        };
        std::fs::create_dir_all(&aside.folder)?;
        for file in program.code.iter().filter_map(written_file) {
            // A path that may not be used is the run's to report.
            let Ok(path) = resolve(file) else { continue };
            let path = std::path::absolute(path)?;
            let copy = aside.folder.join(aside.files.len().to_string());
            if path.is_file() {
                std::fs::copy(&path, &copy)?;
            }
            aside.files.insert(path, copy);
        }
        Ok(aside)
    }

    fn resolver(&self, job: &Job) -> Resolve {
        let resolve = run::resolver(job.source.base_dir.clone());
        let files = self.files.clone();
        Arc::new(move |path| {
            let found = resolve(path)?;
            let absolute = std::path::absolute(&found).unwrap_or_else(|_| found.clone());
            Ok(files.get(&absolute).cloned().unwrap_or(found))
        })
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // What is left behind lies in the system's folder for such files.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
