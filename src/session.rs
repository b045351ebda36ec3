//! One program from its text to its run, and every stage between as text.
use crate::base::data::{DataError, DataProvider};
use crate::base::diagnostic::{Diagnostic, Severity, nearest};
use crate::base::source::{MOST_SOURCE_BYTES, Sources, Span};
use crate::check::program::{Instr, Program, SlotId, SlotKind};
use crate::check::{CheckOptions, check};
use crate::data::address;
use crate::kir::cost::Work;
use crate::pass::PIPELINE;
use crate::runtime::contraction::Cpu;
use crate::syntax::{parse, print, token};
use crate::train::compile::{self, CompileOptions, CompileTimes, Compiled, Stages};
use crate::train::{Machine, Resolve, RunError};
use std::fmt::Write;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A program's text, the name it is reported under, and the folder that its paths start from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The name.
    pub name: String,
    /// The text.
    pub text: String,
    /// The folder.
    pub base_dir: String,
}

/// What was meant by the path of a program that cannot be read: another name in the same folder.
fn meant(path: &str, error: &std::io::Error) -> Option<String> {
    let path = Path::new(path);
    let folder = match error.kind() {
        _ if path.is_dir() => path,
        std::io::ErrorKind::NotFound => path.parent()?,
        _ => return None,
    };
    let here = folder.as_os_str().is_empty();
    let entries = std::fs::read_dir(if here { Path::new(".") } else { folder }).ok()?;
    let names = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".dlm")).collect();
    names.sort_unstable();
    let written = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let whole = format!("{written}.dlm");
    let near = match names.contains(&whole) {
        _ if path.is_dir() => None,
        true => Some(whole.as_str()),
        false => nearest(written, names.iter().map(String::as_str)),
    };
    match (near, names.as_slice()) {
        (Some(near), _) => Some(format!(
            "did you mean \"{}\"?",
            path.with_file_name(near).display()
        )),
        (None, []) => Some("that folder has no program; `dlmc new DIR` begins one".into()),
        (None, names) => Some(format!("the programs there: {}", a_few(names))),
    }
}

/// The first names of a list.
fn a_few(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(6).map(String::as_str).collect();
    let more = if names.len() > shown.len() {
        ", ..."
    } else {
        ""
    };
    shown.join(", ") + more
}

/// Why a program cannot be read, in the words of a person.
fn why_unread(path: &str, error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".into(),
        _ if Path::new(path).is_dir() => "it is a folder".into(),
        _ => error.to_string(),
    }
}

/// Endings of files of data, which are given in place of a program now and then.
const DATA_ENDINGS: [&str; 10] = [
    "csv", "tsv", "jsonl", "json", "parquet", "npy", "npz", "gz", "png", "jpg",
];

fn is_data(path: &str) -> bool {
    let ending = Path::new(path)
        .extension()
        .and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| DATA_ENDINGS.contains(&ending))
}

/// The name of a program from standard input.
pub const STDIN: &str = "<stdin>";

impl Source {
    /// Reads a file, or standard input for `-`.
    ///
    /// # Errors
    /// A file that cannot be read or is not UTF-8.
    pub fn read(path: &str) -> Result<Source, DataError> {
        if let Some(error) = address(path) {
            return Err(error);
        }
        if is_data(path) {
            return Err(DataError {
                message: format!("\"{path}\" is a file of data, not a program"),
                help: Some(format!(
                    "`dlmc data {path}` shows what it holds and how a program reads it"
                )),
                missing: true,
                stage: None,
            });
        }
        let mut bytes = Vec::new();
        let name = if path == "-" { STDIN } else { path };
        let most = MOST_SOURCE_BYTES as u64 + 1;
        let read = if path == "-" {
            std::io::stdin().lock().take(most).read_to_end(&mut bytes)
        } else {
            std::fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes))
        };
        read.map_err(|error| DataError {
            message: format!("\"{name}\" cannot be read: {}", why_unread(path, &error)),
            help: meant(path, &error),
            missing: true,
            stage: None,
        })?;
        if bytes.len() > MOST_SOURCE_BYTES {
            return Err(DataError {
                message: format!(
                    "\"{name}\" has more than {MOST_SOURCE_BYTES} bytes, the limit of a source"
                ),
                help: Some(
                    "read data with csv, npy, npz, idx or text instead of writing it out".into(),
                ),
                missing: false,
                stage: None,
            });
        }
        let text = String::from_utf8(bytes).map_err(|error| DataError {
            message: format!(
                "\"{name}\" is not UTF-8 text: byte {} is wrong",
                error.utf8_error().valid_up_to()
            ),
            help: Some("save it as UTF-8".into()),
            missing: false,
            stage: None,
        })?;
        let folder = Path::new(path).parent().filter(|_| path != "-");
        let folder = folder.map(|folder| folder.display().to_string());
        Ok(Source {
            name: name.into(),
            text,
            base_dir: folder
                .filter(|f| !f.is_empty())
                .unwrap_or_else(|| ".".into()),
        })
    }
}

/// What may be chosen for a program from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `name=value` for hyper-parameters.
    pub hypers: Vec<(String, String)>,
    /// Seed of everything random.
    pub seed: u64,
    /// Threads that steps run on, at least 1.
    pub threads: usize,
    /// Passes left out.
    pub skip: Vec<String>,
    /// The instructions that code may use.
    pub cpu: Cpu,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            hypers: Vec::new(),
            seed: 0,
            threads: default_threads(),
            skip: Vec::new(),
            cpu: Cpu::detect(),
        }
    }
}

/// As many threads as the process may use.
pub fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The threads that compilation and steps run on.
pub struct Pool {
    threads: usize,
    pool: rayon::ThreadPool,
}

impl Pool {
    /// A pool of that many threads, at least one.
    ///
    /// # Errors
    /// Why the system gives no threads.
    pub fn new(threads: usize) -> Result<Pool, String> {
        let threads = threads.max(1);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|number| format!("dlmc-{number}"))
            .build()
            .map_err(|error| format!("{threads} threads cannot be started: {error}"))?;
        Ok(Pool { threads, pool })
    }

    /// Number of threads.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Does something on the pool's threads.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.pool.install(work)
    }
}

/// A source read and checked.
pub struct Checked {
    /// The program, where there is no error.
    pub program: Option<Arc<Program>>,
    /// What is said about it, in the order of the source.
    pub diagnostics: Vec<Diagnostic>,
    /// Time of reading tokens and grammar.
    pub parse: Duration,
    /// Time of checking, with reading data.
    pub check: Duration,
}

/// Parses and checks a source.
pub fn checked(
    source: &Source,
    sources: &mut Sources,
    provider: &mut dyn DataProvider,
    settings: &Settings,
) -> Checked {
    let start = Instant::now();
    let file = sources.add(source.name.as_str(), source.text.as_str());
    let (tree, mut diagnostics) = parse::parse(sources, file);
    let parse = start.elapsed();
    let start = Instant::now();
    let options = CheckOptions {
        hypers: settings.hypers.clone(),
        seed: settings.seed,
        base_dir: source.base_dir.clone(),
        ..CheckOptions::default()
    };
    let (program, said) = check(&tree, sources, provider, &options);
    for diagnostic in said {
        // A part that is elaborated several times has the same to say each time.
        if !diagnostics.contains(&diagnostic) {
            diagnostics.push(diagnostic);
        }
    }
    let failed = diagnostics.iter().any(|d| d.severity == Severity::Error);
    Checked {
        program: program.filter(|_| !failed).map(Arc::new),
        diagnostics,
        parse,
        check: start.elapsed(),
    }
}

fn compile_options(settings: &Settings, pool: &Pool) -> CompileOptions {
    CompileOptions {
        skip: settings.skip.clone(),
        cpu: settings.cpu,
        threads: pool.threads(),
    }
}

/// Compiles all graphs of a program.
///
/// # Errors
/// A fault of the compiler.
pub fn compiled(program: &Program, settings: &Settings, pool: &Pool) -> Result<Compiled, RunError> {
    let options = compile_options(settings, pool);
    pool.run(|| compile::compile(program, &options))
}

/// The same with every kernel a function of its own, so that the time of each can be taken; the bits of every result are the same.
///
/// # Errors
/// A fault of the compiler.
pub fn compiled_apart(
    program: &Program,
    settings: &Settings,
    pool: &Pool,
) -> Result<Compiled, RunError> {
    let mut options = compile_options(settings, pool);
    options.skip.push(crate::lower::BUNDLE.into());
    pool.run(|| compile::compile(program, &options))
}

/// A machine at the start of a program.
///
/// # Errors
/// A fault of the compiler.
pub fn machine(
    program: Arc<Program>,
    compiled: Arc<Compiled>,
    resolve: Resolve,
) -> Result<Machine, RunError> {
    Machine::new(program, compiled, resolve)
}

/// What a program is, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Learned tensors.
    pub parameter_tensors: usize,
    /// Their elements.
    pub parameters: usize,
    /// Their bytes.
    pub parameter_bytes: usize,
    /// Bytes that optimizers keep from step to step.
    pub optimizer_bytes: usize,
    /// Bytes of all slots: parameters, states, data of the current batch.
    pub slot_bytes: usize,
    /// Tensor graphs.
    pub graphs: usize,
    /// Those that differ.
    pub distinct_graphs: usize,
    /// Loop kernels that differ.
    pub kernels: usize,
    /// Loops of steps that are one function.
    pub loops: usize,
    /// Bytes of the arena that intermediate values share.
    pub arena_bytes: usize,
    /// The least that any plan could need for it.
    pub live_bound: usize,
    /// Bytes of the tables of products, and of what they pack.
    pub product_bytes: usize,
}

/// A program in numbers.
pub fn summary(program: &Program, compiled: &Compiled) -> Summary {
    let parameters = || {
        program
            .slots_of(SlotKind::Parameter)
            .map(|(_, slot)| &slot.ty)
    };
    let (arena_bytes, live_bound) = compiled.arena();
    Summary {
        parameter_tensors: parameters().count(),
        parameters: parameters().map(|ty| ty.len()).sum(),
        parameter_bytes: parameters().map(|ty| ty.bytes()).sum(),
        optimizer_bytes: program
            .slots_of(SlotKind::OptimizerState)
            .map(|(_, slot)| slot.ty.bytes())
            .sum(),
        slot_bytes: program
            .slots
            .iter()
            .filter(|slot| slot.field.is_none())
            .map(|slot| slot.ty.bytes())
            .sum(),
        graphs: program.graphs.len(),
        distinct_graphs: compiled.distinct_graphs,
        kernels: compiled.kernels,
        loops: compiled.loops,
        arena_bytes,
        live_bound,
        product_bytes: compiled.product_bytes(),
    }
}

impl Summary {
    /// Bytes that a run holds beside its data sets: its slots, the state that it keeps to go back to, the arena, and what products keep.
    pub fn memory(&self) -> usize {
        let slots = self.slot_bytes.saturating_mul(2);
        let beside = self.arena_bytes.saturating_add(self.product_bytes);
        slots.saturating_add(beside)
    }
}

/// A graph that changes parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainingStep {
    /// The graph.
    pub graph: usize,
    /// What one run of it does.
    pub work: Work,
    /// How often the program runs it, where the plan says so.
    pub times: Option<u64>,
}

/// The graphs of a program that change parameters.
pub fn training_steps(program: &Program, compiled: &Compiled) -> Vec<TrainingStep> {
    let learns = |slots: &[SlotId]| {
        let mut kinds = slots.iter().map(|slot| program.slot(*slot).kind);
        kinds.any(|kind| kind == SlotKind::Parameter)
    };
    let steps = program.graphs.iter().zip(&compiled.calls).enumerate();
    steps
        .filter(|(_, (step, _))| !step.inputs.is_empty() && learns(&step.outputs))
        .map(|(graph, (_, call))| TrainingStep {
            graph,
            work: call.executable().schedule().work(),
            times: times_run(program, graph),
        })
        .collect()
}

/// How often a plan runs a graph, where it is one loop of steps alone.
fn times_run(program: &Program, wanted: usize) -> Option<u64> {
    program.code.iter().find_map(|instr| match instr {
        Instr::RunTimes { graph, times, .. } if *graph == wanted => Some(*times),
        _ => None,
    })
}

/// A stage of the compiler, for listings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Tokens, one a line.
    Tokens,
    /// The syntax tree.
    Ast,
    /// Slots, graphs and host plan.
    Typed,
    /// The tensor graphs as written.
    Tir,
    /// The graphs with their gradients.
    Grad,
    /// The graphs after a pass.
    After(&'static str),
    /// The loop kernels.
    Kernels,
    /// What runs in which order, and where every buffer lies.
    Memory,
    /// Cranelift's IR of the kernels.
    Clif,
    /// Machine code of the kernels.
    Asm,
}

const STAGES: &[(&str, Stage)] = &[
    ("tokens", Stage::Tokens),
    ("ast", Stage::Ast),
    ("typed", Stage::Typed),
    ("tir", Stage::Tir),
    ("grad", Stage::Grad),
    ("kernels", Stage::Kernels),
    ("memory", Stage::Memory),
    ("clif", Stage::Clif),
    ("asm", Stage::Asm),
];

impl Stage {
    /// The names of all stages, `after:PASS` for each pass.
    pub fn names() -> Vec<String> {
        let stages = STAGES.iter().map(|(name, _)| name.to_string());
        let mut passes: Vec<String> = PIPELINE
            .iter()
            .map(|pass| format!("after:{}", pass.name))
            .collect();
        passes.sort_unstable();
        passes.dedup();
        stages.chain(passes).collect()
    }

    /// The stage of that name.
    ///
    /// # Errors
    /// The names there are.
    pub fn parse(name: &str) -> Result<Stage, String> {
        if let Some(pass) = name.strip_prefix("after:") {
            let found = PIPELINE.iter().find(|known| known.name == pass);
            return found.map(|pass| Stage::After(pass.name)).ok_or_else(|| {
                let mut names: Vec<&str> = PIPELINE.iter().map(|pass| pass.name).collect();
                names.sort_unstable();
                names.dedup();
                format!(
                    "there is no pass `{pass}`; the passes are {}",
                    names.join(", ")
                )
            });
        }
        let found = STAGES.iter().find(|(known, _)| *known == name);
        found.map(|(_, stage)| *stage).ok_or_else(|| {
            let names: Vec<&str> = STAGES.iter().map(|(name, _)| *name).collect();
            format!(
                "there is no stage `{name}`; the stages are {}, after:PASS",
                names.join(", ")
            )
        })
    }
}

/// Why a stage cannot be shown.
pub enum EmitError {
    /// The program is wrong.
    Program(Vec<Diagnostic>),
    /// The compiler is.
    Compiler(RunError),
}

impl From<RunError> for EmitError {
    fn from(error: RunError) -> EmitError {
        EmitError::Compiler(error)
    }
}

/// A stage of a program as text.
///
/// # Errors
/// The diagnostics of a program that does not get as far.
pub fn emit(
    stage: Stage,
    source: &Source,
    sources: &mut Sources,
    provider: &mut dyn DataProvider,
    settings: &Settings,
) -> Result<String, EmitError> {
    match stage {
        Stage::Tokens => {
            let file = sources.add(source.name.as_str(), source.text.as_str());
            Ok(token::print_tokens(&source.text, file))
        }
        Stage::Ast => {
            let file = sources.add(source.name.as_str(), source.text.as_str());
            let (tree, diagnostics) = parse::parse(sources, file);
            match diagnostics.iter().any(|d| d.severity == Severity::Error) {
                true => Err(EmitError::Program(diagnostics)),
                false => Ok(print::print_ast(&tree)),
            }
        }
        Stage::Typed
        | Stage::Tir
        | Stage::Grad
        | Stage::After(_)
        | Stage::Kernels
        | Stage::Memory
        | Stage::Clif
        | Stage::Asm => {
            let checked = checked(source, sources, provider, settings);
            match checked.program {
                Some(program) => Ok(emit_program(stage, &program, settings)?),
                None => Err(EmitError::Program(checked.diagnostics)),
            }
        }
    }
}

/// The syntax tree of a text that parses.
pub fn tree_text(text: &str) -> String {
    let mut sources = Sources::default();
    let file = sources.add("", text);
    print::print_ast(&parse::parse(&sources, file).0)
}

/// A stage of a checked program as text.
///
/// # Errors
/// A fault of the compiler.
pub fn emit_program(
    stage: Stage,
    program: &Program,
    settings: &Settings,
) -> Result<String, RunError> {
    let mut out = String::new();
    if stage == Stage::Typed {
        return Ok(program.to_string());
    }
    for (at, step) in program.graphs.iter().enumerate() {
        let _ = writeln!(out, "# graph {at} \"{}\"", step.name);
        if stage == Stage::Tir {
            let _ = writeln!(out, "{}", step.graph);
            continue;
        }
        let mut after = None;
        let mut watch = |pass: &'static str, graph: &crate::tir::Graph| {
            if stage == Stage::After(pass) {
                after = Some(graph.clone());
            }
        };
        let mut times = CompileTimes::default();
        let stages = compile::stages(step, &settings.skip, &mut times, &mut watch)?;
        emit_stages(stage, &stages, after.as_ref(), settings.cpu, &mut out)?;
    }
    Ok(out)
}

fn emit_stages(
    stage: Stage,
    stages: &Stages,
    after: Option<&crate::tir::Graph>,
    cpu: Cpu,
    out: &mut String,
) -> Result<(), RunError> {
    let schedule = &stages.schedule;
    // Writing to a `String` cannot fail.
    let _ = match stage {
        Stage::Tokens | Stage::Ast | Stage::Typed | Stage::Tir => Ok(()),
        Stage::Grad => writeln!(out, "{}", stages.expanded),
        Stage::After(_) => match after {
            Some(graph) => writeln!(out, "{graph}"),
            None => writeln!(out, "(the pass was left out)"),
        },
        Stage::Kernels => {
            for kernel in &schedule.kernels {
                let _ = writeln!(out, "{kernel}");
            }
            for (at, product) in schedule.products.iter().enumerate() {
                let _ = writeln!(out, "product#{at} {product}");
            }
            Ok(())
        }
        Stage::Memory => {
            let _ = writeln!(out, "{schedule}");
            for buffer in &schedule.buffers {
                let (first, last) = buffer.life;
                let _ = writeln!(
                    out,
                    "  {:>10} +{:<10} steps {first}..={last}  {}",
                    buffer.offset, buffer.bytes, buffer.name
                );
            }
            Ok(())
        }
        Stage::Clif | Stage::Asm => {
            for (name, text) in compile::kernel_text(&schedule.kernels, stage == Stage::Asm, cpu)? {
                let _ = writeln!(out, "; {name}\n{text}");
            }
            Ok(())
        }
    };
    Ok(())
}

/// The code of a file that is missing or cannot be read, as opposed to one whose content is wrong.
pub const MISSING_FILE: &str = "E0501";

/// A diagnostic about a source file that could not be had.
pub fn data_diagnostic(error: &DataError) -> Diagnostic {
    let code = if error.missing { MISSING_FILE } else { "E0502" };
    let mut diagnostic = Diagnostic::error(code, Span::default(), error.message.clone());
    diagnostic.labels.clear();
    diagnostic.help.clone_from(&error.help);
    diagnostic
}
