//! `dlmc verify-passes`: a program's graphs, pass by pass, against the reference interpreter.
use super::{Failure, Job};
use crate::base::data::{DataError, DataProvider, DataSet, DataSpec, Table};
use crate::base::tensor::{Elements, Tensor};
use crate::check::program::{Program, SlotKind, StepGraph};
use crate::data::FileProvider;
use crate::grad;
use crate::pass::{PIPELINE, Pass};
use crate::session;
use crate::testing::pass_by_pass::{
    Findings, NATIVE, Outcome, Subject, TOLERANCE, pass_by_pass, work,
};
use crate::train::compile::aliases;
use clap::Args;
use std::sync::Arc;

/// What is asked for.
#[derive(Args, Debug, Clone, Copy)]
pub struct Request {
    /// How many sets of random inputs each graph gets
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub rounds: u64,
    /// Leave out graphs of more operations, which the interpreter would take long for
    #[arg(long, default_value = "3e7", value_name = "N", value_parser = super::amount)]
    pub most: f64,
}

/// Verifies the passes on each different graph of a program.
pub fn verify_passes(mut job: Job, request: Request) -> Result<(), Failure> {
    let (program, rows) = checked(&mut job)?;
    if let Some(rows) = rows {
        job.output
            .say(&format!("data sets are cut to {rows} rows a part\n"));
    }
    let passes: Vec<&Pass> = PIPELINE
        .iter()
        .filter(|pass| !job.settings.skip.iter().any(|name| name == pass.name))
        .collect();
    let (mut verified, mut left_out, mut wrong) = (0, 0, 0);
    let mut seen: Vec<&StepGraph> = Vec::new();
    for step in &program.graphs {
        if seen.iter().any(|other| other.graph == step.graph) {
            continue;
        }
        seen.push(step);
        let graph = grad::expand(&step.graph).map_err(|why| {
            job.output
                .say(&format!("error: {}: the gradient: {why}\n", step.name));
            Failure::Program
        })?;
        let operations = work(&graph);
        if operations > request.most {
            left_out += 1;
            job.output.line(&format!(
                "{}: left out: {operations:.1e} operations, --most allows {:.1e} (smaller hyper-parameters make it smaller)",
                step.name, request.most
            ))?;
            continue;
        }
        let positive = positive(&program, step);
        let subject = Subject {
            graph: &graph,
            aliases: &aliases(step),
            positive: &positive,
        };
        let seed = job.settings.seed;
        let findings = pass_by_pass(subject, &passes, request.rounds, seed).map_err(|why| {
            job.output.say(&format!(
                "error: {} cannot be evaluated: {why}\n",
                step.name
            ));
            Failure::Program
        })?;
        verified += 1;
        wrong += usize::from(findings.wrong().is_some());
        for line in lines(step, &findings) {
            job.output.line(&line)?;
        }
    }
    conclude(&job, verified, left_out, wrong)
}

fn conclude(job: &Job, verified: usize, left_out: usize, wrong: usize) -> Result<(), Failure> {
    let left = match left_out {
        0 => String::new(),
        n => format!(", {n} left out"),
    };
    job.output
        .line(&format!("{verified} graphs verified{left}, {wrong} differ"))?;
    match (wrong, verified) {
        (0, 1..) => Ok(()),
        (0, 0) if left_out == 0 => Ok(()),
        _ => Err(Failure::Program),
    }
}

fn positive(program: &Program, step: &StepGraph) -> Vec<bool> {
    let kinds = step.inputs.iter().map(|slot| program.slot(*slot).kind);
    kinds.map(|kind| kind == SlotKind::OptimizerState).collect()
}

/// What was found of a graph, a line for each pass.
fn lines(step: &StepGraph, findings: &Findings) -> Vec<String> {
    let mut lines = vec![format!("{}:", step.name)];
    for found in &findings.passes {
        let what = match &found.outcome {
            Outcome::Unchanged => "nothing to do".to_string(),
            Outcome::SameBits if found.name == NATIVE => {
                "the interpreter's bits, on 1 and 3 threads".into()
            }
            Outcome::SameBits => "same bits".into(),
            Outcome::Near(moved) => {
                format!("same value: moved by {moved:.1e} of at most {TOLERANCE:.0e}")
            }
            Outcome::Differs(why) => format!("DIFFERS: {why}"),
        };
        lines.push(format!("  {:<12} {what}", found.name));
    }
    if findings.finite < 1.0 {
        lines.push(format!(
            "  note: {:.0} % of its results are finite for these inputs",
            100.0 * findings.finite
        ));
    }
    lines
}

/// The program, over data sets cut to as few rows as it takes; and that number, where they are cut.
fn checked(job: &mut Job) -> Result<(Arc<Program>, Option<usize>), Failure> {
    for rows in [16, 64, 256] {
        let mut provider = Fewer {
            all: FileProvider::new(),
            rows,
            cut: false,
        };
        // What is wrong with the program is said of the whole data, below.
        let mut sources = crate::base::source::Sources::default();
        let checked = session::checked(&job.source, &mut sources, &mut provider, &job.settings);
        if let Some(program) = checked.program {
            job.sources = sources;
            return Ok((program, provider.cut.then_some(rows)));
        }
    }
    Ok((job.checked()?.0, None))
}

/// Data sets without most of their rows.
struct Fewer {
    all: FileProvider,
    rows: usize,
    cut: bool,
}

impl DataProvider for Fewer {
    fn open(&mut self, spec: &DataSpec) -> Result<Arc<DataSet>, DataError> {
        let mut set = DataSet::clone(&*self.all.open(spec)?);
        for (_, table) in &mut set.parts {
            if table.rows() > self.rows {
                self.cut = true;
                *table = Arc::new(fewer(table, self.rows));
            }
        }
        Ok(Arc::new(set))
    }

    fn source(&mut self, base_dir: &str, path: &str) -> Result<(String, String), DataError> {
        self.all.source(base_dir, path)
    }
}

fn fewer(table: &Table, rows: usize) -> Table {
    let cut = |tensor: &Tensor| {
        let mut shape = tensor.shape().to_vec();
        if let Some(first) = shape.first_mut() {
            *first = rows.min(*first);
        }
        let n = shape.iter().product();
        let elements = match tensor.elements() {
            Elements::F32(all) => Elements::F32(all.iter().take(n).copied().collect()),
            Elements::F64(all) => Elements::F64(all.iter().take(n).copied().collect()),
            Elements::I32(all) => Elements::I32(all.iter().take(n).copied().collect()),
            Elements::Bool(all) => Elements::Bool(all.iter().take(n).copied().collect()),
            Elements::U8(all) => Elements::U8(all.iter().take(n).copied().collect()),
        };
        Tensor::new(shape, elements).unwrap_or_else(|| tensor.clone())
    };
    let fields = table.fields.iter();
    Table {
        fields: fields
            .map(|(name, tensor)| (name.clone(), cut(tensor)))
            .collect(),
    }
}
