//! `dlmc verify`: trains again and compares with a receipt, step by step.
use super::aside::Aside;
use super::identity::{Identity, hex};
use super::interrupt::Interrupt;
use super::journal::{self, Journal};
use super::receipt::Receipt;
use super::{COMPILER, Failure, Job, run};
use crate::runtime::contraction::Isa;
use crate::session;
use crate::train::{Event, Machine, RunError};
use std::path::Path;
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
    let aside = Aside::new(&job, &program)?;
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
