//! The command line: `dlmc run FILE`, `dlmc verify RECEIPT`, `dlmc check FILE`, `dlmc bench FILE`, `dlmc emit --stage STAGE FILE`,
//! `dlmc fmt FILE...`.
//!
//! Results go to standard output, everything else to standard error. Exit codes: 0; 1 where the program is wrong or failed; 2 where the
//! command is wrong or a file is missing; 130 and 143 where Ctrl-C or a request to end stopped a run.
mod aside;
mod bench;
mod checkpoint;
mod data;
mod derive;
pub mod doc;
mod estimate;
mod explain;
pub mod explain_error;
mod fmt;
mod graph;
mod identity;
mod interrupt;
mod journal;
mod lsp;
mod messages;
mod model;
mod new;
mod output;
mod predict;
mod receipt;
mod repl;
mod run;
mod slots;
mod surface;
mod verify;
mod verify_passes;
mod watch;
mod words;

use crate::base::diagnostic::{Diagnostic, Severity};
use crate::base::source::Sources;
use crate::base::stack;
use crate::data::FileProvider;
use crate::runtime::contraction::Cpu;
use crate::session::{self, Checked, EmitError, Pool, Settings, Source, Stage};
use crate::train::OnNonFinite;
use checkpoint::Every;

use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use identity::{ReadFile, Recorder};
use messages::Form;
use output::Output;
use receipt::Receipt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use watch::Files;
use watch::progress::Mode;

/// Compiles and runs .dlm programs: neural networks, written as formulas and trained as native code.
#[derive(Parser)]
#[command(name = "dlmc", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run a program
    Run {
        #[command(flatten)]
        program: ProgramArguments,
        /// Report each training epoch also where standard error is no terminal
        #[arg(long)]
        progress: bool,
        /// Say nothing but what the program prints, and errors
        #[arg(short, long, conflicts_with_all = ["progress", "verbose", "time"])]
        quiet: bool,
        /// Say what `dlmc check` says, and what was compiled
        #[arg(short, long)]
        verbose: bool,
        /// Say where the time went
        #[arg(long)]
        time: bool,
        /// Save the state of the run to the folder DIR, each minute and after each training epoch where --every says nothing else
        #[arg(long, value_name = "DIR")]
        checkpoint: Option<PathBuf>,
        /// How often: after N training steps (`100`), or after N seconds (`5s`)
        #[arg(long, value_name = "N|Ns", requires = "checkpoint", value_parser = Every::parse)]
        every: Option<Every>,
        /// Go on from the newest sound checkpoint, where there is one, to the same bits as without a stop
        #[arg(long, requires = "checkpoint")]
        resume: bool,
        /// Write what the run was a function of and what each step computed to FILE, for `dlmc verify`
        #[arg(long, value_name = "FILE")]
        receipt: Option<PathBuf>,
        /// What to do when a loss or a parameter becomes infinite or NaN
        #[arg(long, value_enum, default_value_t = NonFinite::Stop)]
        on_nonfinite: NonFinite,
        /// Write each training step and epoch to FILE as a line of JSON
        #[arg(long, value_name = "FILE")]
        log: Option<PathBuf>,
        /// Write the loss and metrics to the folder DIR as TensorBoard reads them
        #[arg(long, value_name = "DIR")]
        tensorboard: Option<PathBuf>,
        /// Write what the run did to FILE as a page for a browser: curves, parameters, kernels, memory
        #[arg(long, value_name = "FILE")]
        report: Option<PathBuf>,
    },
    /// Train again and compare with the receipt of a run: `identical`, or the first step that differs
    Verify {
        /// What `dlmc run --receipt` wrote
        receipt: PathBuf,
        /// The program, where it is not found by the name in the receipt
        file: Option<String>,
        /// Threads; as many as there are processors where nothing is said
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
        threads: Option<u16>,
        #[command(flatten)]
        appearance: Appearance,
        /// Instructions that code may use: native, baseline, avx2, avx512
        #[arg(long, value_name = "LEVEL", value_parser = Cpu::named)]
        cpu: Option<Cpu>,
    },
    /// Compile a program's graphs pass by pass and compare each step with the reference interpreter, on random inputs
    VerifyPasses {
        #[command(flatten)]
        program: ProgramArguments,
        #[command(flatten)]
        request: verify_passes::Request,
    },
    /// Check a program and say what it is: parameters, memory, graphs
    Check {
        #[command(flatten)]
        program: ProgramArguments,
    },
    /// Time a program's training step
    Bench {
        #[command(flatten)]
        program: ProgramArguments,
        /// How long to time steps once they are warm
        #[arg(long, default_value_t = 2.0, value_parser = seconds)]
        seconds: f64,
        /// The training step whose loss is reported, from 1
        #[arg(long, default_value_t = 1, value_name = "N")]
        check: u64,
        /// Write one line of JSON
        #[arg(long)]
        json: bool,
    },
    /// Run a program for a while and say what its time is spent on, kernel by kernel
    Explain {
        #[command(flatten)]
        program: ProgramArguments,
        /// How long it runs at most
        #[arg(long, default_value_t = 2.0, value_parser = seconds)]
        seconds: f64,
        /// List kernels below half a percent too
        #[arg(long)]
        all: bool,
    },
    /// Print the gradient of the objective by each parameter as formulas in index notation
    Derive {
        #[command(flatten)]
        program: ProgramArguments,
        /// LaTeX, for `amsmath`
        #[arg(long)]
        latex: bool,
        /// Only by the parameters whose path is or ends with NAME
        #[arg(long, value_name = "NAME")]
        of: Option<String>,
    },
    /// Draw a model: its layers, or what a stage of the compiler made of its step
    Graph {
        #[command(flatten)]
        program: ProgramArguments,
        /// The picture, .svg or .dot; `-` for SVG on standard output
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// Open N levels of layers in layers; all but the library's where nothing is said
        #[arg(long, value_name = "N", conflicts_with = "stage")]
        depth: Option<usize>,
        /// tir, grad, after:PASS or kernels in place of the layers
        #[arg(long, value_parser = graph::stage)]
        stage: Option<Stage>,
    },
    /// Type statements and see what they give; the same as no command at all
    Repl {
        /// A program that is run first
        file: Option<String>,
        #[command(flatten)]
        choices: Choices,
    },
    /// Put the blanks, indentation and empty lines of programs in order
    Fmt {
        /// Programs, folders of them, or `-` for standard input to standard output
        #[arg(required = true)]
        file: Vec<String>,
        /// Write nothing: list the files that would change, and fail where there are any
        #[arg(long)]
        check: bool,
        #[command(flatten)]
        appearance: Appearance,
    },
    /// Answer an editor over standard input and output: messages, types, completion, renaming
    Lsp,
    /// Show what is documented: the standard library, the language, a program's own declarations
    Doc(doc::Arguments),
    /// Tell what the code of a message means, with an example before and after
    ExplainError(explain_error::Arguments),
    /// Make a folder with a program that trains at once, and small data for it
    New(new::Arguments),
    /// Show what a file of data holds: columns, kinds, ranges, missing values, classes
    Data(data::Arguments),
    /// Apply a trained model to new rows
    Predict(predict::Arguments),
    /// Write what a shell needs to complete commands and flags
    Completions(surface::completions::Arguments),
    /// Write the manual page of dlmc, or of one of its commands
    Man(surface::manual::Arguments),
    /// Show a program at a stage of the compiler
    Emit {
        #[command(flatten)]
        program: ProgramArguments,
        /// tokens, ast, typed, tir, grad, after:PASS, kernels, memory, clif or asm
        #[arg(long, value_parser = Stage::parse)]
        stage: Stage,
    },
}

/// What may be chosen for any program.
#[derive(Args, Default)]
struct Choices {
    /// Hyper-parameters: NAME=VALUE
    #[arg(value_parser = setting, value_name = "NAME=VALUE")]
    settings: Vec<(String, String)>,
    /// Threads; as many as there are processors where nothing is said
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Seed of everything random
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = seed, allow_negative_numbers = true)]
    seed: u64,
    #[command(flatten)]
    appearance: Appearance,
    /// Instructions that code may use: native, baseline (no fused multiply-add: results may differ in the last bits), avx2, avx512
    #[arg(long, value_name = "LEVEL", value_parser = Cpu::named)]
    cpu: Option<Cpu>,
}

/// What `--skip` takes: the passes, and what is not a pass but may be left out like one.
fn skippable() -> PossibleValuesParser {
    let passes = crate::pass::PIPELINE.iter().map(|pass| pass.name);
    let mut names: Vec<&str> = passes
        .chain([
            crate::train::TURNS,
            crate::lower::BUNDLE,
            crate::lower::TILES,
        ])
        .collect();
    names.sort_unstable();
    names.dedup();
    PossibleValuesParser::new(names)
}

#[derive(Args)]
struct ProgramArguments {
    /// The program; `-` for standard input
    file: String,
    #[command(flatten)]
    choices: Choices,
    /// Leave a pass out
    #[arg(long, value_name = "PASS", value_parser = skippable(), hide_possible_values = true)]
    skip: Vec<String>,
    #[command(flatten)]
    budget: Budget,
}

/// What a program may need at most.
#[derive(Args, Debug, Clone, Copy, Default, PartialEq)]
struct Budget {
    /// Refuse a program that keeps more in memory, data sets apart: `64M`, `1.5G`, a number of bytes
    #[arg(long = "max-memory", value_name = "SIZE", value_parser = size)]
    memory: Option<usize>,
    /// Refuse a program with more parameters: `1e6`
    #[arg(long = "max-params", value_name = "N", value_parser = amount)]
    parameters: Option<f64>,
}

/// A number of bytes; k, M and G are powers of 1000, Ki, Mi and Gi of 1024.
fn size(text: &str) -> Result<usize, String> {
    const UNITS: [(&str, f64); 7] = [
        ("Ki", 1024.0),
        ("Mi", 1024.0 * 1024.0),
        ("Gi", 1024.0 * 1024.0 * 1024.0),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("", 1.0),
    ];
    let bare = text.strip_suffix('B').unwrap_or(text);
    let unit = UNITS
        .iter()
        .find_map(|(unit, factor)| Some((bare.strip_suffix(unit)?, factor)));
    let (number, factor) = unit.unwrap_or((bare, &1.0));
    amount(number.trim_end())
        .map(|number| (number * factor) as usize)
        .map_err(|_| "a size is a number of bytes: `64M`, `1.5G`, `800k`, `512Mi`".into())
}

fn amount(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if (0.0..1e18).contains(&number) => Ok(number),
        Ok(_) | Err(_) => Err("a number from 0 on: `1e6`".into()),
    }
}

/// How messages look.
#[derive(Args, Clone, Copy, Default)]
struct Appearance {
    /// Colour of messages
    #[arg(long, value_enum, default_value_t = Colour::Auto)]
    color: Colour,
    /// Form of messages: text, json (an object a line) or github (annotations)
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Form::Text, hide_possible_values = true)]
    message_format: Form,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Colour {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum NonFinite {
    /// Stop with an error that names the step, the operation and its operands
    Stop,
    /// Say so once and go on
    Warn,
    /// Do not look
    Ignore,
}

impl From<NonFinite> for OnNonFinite {
    fn from(chosen: NonFinite) -> OnNonFinite {
        match chosen {
            NonFinite::Stop => OnNonFinite::Stop,
            NonFinite::Warn => OnNonFinite::Warn,
            NonFinite::Ignore => OnNonFinite::Ignore,
        }
    }
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_string(), value.trim().to_string()))
        }
        Some(_) | None => {
            Err("hyper-parameters are set as `name=value`, without blanks around `=`".into())
        }
    }
}

fn seed(text: &str) -> Result<u64, String> {
    let why = |_| format!("a seed is a whole number from 0 to {}", u64::MAX);
    text.parse().map_err(why)
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(seconds),
        Ok(_) | Err(_) => Err("a time is a number of seconds from 0 to 86400".into()),
    }
}

impl Choices {
    fn settings(&self, skip: &[String]) -> Settings {
        Settings {
            hypers: self.settings.clone(),
            seed: self.seed,
            threads: self
                .threads
                .map_or_else(session::default_threads, usize::from),
            skip: skip.to_vec(),
            cpu: self.cpu.unwrap_or_else(Cpu::detect),
        }
    }
}

/// How a command ended other than well. What is to be said has been said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// The program is wrong or failed.
    Program,
    /// The command is wrong, or a file is missing.
    Usage,
    /// Nobody reads the output any more, which is no error.
    Closed,
    /// A signal asked the run to end, which has this exit code.
    Interrupted(u8),
}

/// The name and version of this program, as checkpoints and receipts have it.
const COMPILER: &str = concat!("dlmc ", env!("CARGO_PKG_VERSION"));

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let start = Instant::now();
    #[cfg(feature = "parquet")]
    quieten_decoders();
    let cli = match surface::parsed() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let command = cli.command.unwrap_or(Command::Repl {
        file: None,
        choices: Choices::default(),
    });
    // The main thread's stack is the system's to choose, and a program may be nested deeply.
    let ended = stack::deep(|| execute(&command, start)).unwrap_or_else(|error| {
        let appearance = Appearance::default();
        Output::new(appearance).say(&format!("error: the system gives no thread: {error}\n"));
        Err(Failure::Usage)
    });
    match ended {
        Ok(()) | Err(Failure::Closed) => ExitCode::SUCCESS,
        Err(Failure::Program) => ExitCode::from(1),
        Err(Failure::Usage) => ExitCode::from(2),
        Err(Failure::Interrupted(code)) => ExitCode::from(code),
    }
}

/// A panic that becomes an error of the file that is read is not reported beside it.
#[cfg(feature = "parquet")]
fn quieten_decoders() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !crate::data::is_decoding() {
            report(panic);
        }
    }));
}

fn execute(command: &Command, start: Instant) -> Result<(), Failure> {
    match command {
        Command::Run {
            program,
            progress,
            quiet,
            verbose,
            time,
            checkpoint,
            every,
            resume,
            receipt,
            on_nonfinite,
            log,
            tensorboard,
            report,
        } => {
            let mut job = Job::new(program)?;
            job.output.quiet = *quiet;
            let reports = run::Reports {
                progress: job.progress(*progress),
                header: job.output.terminal && !quiet,
                verbose: *verbose,
                time: *time,
                on_nonfinite: (*on_nonfinite).into(),
            };
            let keep = run::Keep {
                checkpoint: checkpoint.clone(),
                every: every.unwrap_or(Every::Default),
                resume: *resume,
                receipt: receipt.clone(),
                files: Files {
                    log: log.clone(),
                    tensorboard: tensorboard.clone(),
                    report: report.clone(),
                },
            };
            run::run(job, reports, &keep)
        }
        Command::Verify {
            receipt,
            file,
            threads,
            appearance,
            cpu,
        } => verify(receipt, file.as_deref(), (*threads, *cpu), *appearance),
        Command::VerifyPasses { program, request } => {
            verify_passes::verify_passes(Job::new(program)?, *request)
        }
        Command::Check { program } => check(Job::new(program)?),
        Command::Bench {
            program,
            seconds,
            check,
            json,
        } => {
            let request = bench::Request {
                time: Duration::from_secs_f64(*seconds),
                check: *check,
                json: *json,
            };
            bench::bench(Job::new(program)?, request, start)
        }
        Command::Explain {
            program,
            seconds,
            all,
        } => {
            let request = explain::Request {
                time: Duration::from_secs_f64(*seconds),
                all: *all,
            };
            explain::explain(Job::new(program)?, request)
        }
        Command::Derive { program, latex, of } => {
            let request = derive::Request {
                latex: *latex,
                of: of.as_deref(),
            };
            derive::derive(Job::new(program)?, &request)
        }
        Command::Graph {
            program,
            output,
            depth,
            stage,
        } => {
            let request = graph::Request {
                output,
                depth: *depth,
                stage: *stage,
            };
            graph::graph(Job::new(program)?, &request)
        }
        Command::Repl { file, choices } => repl::repl(&repl::Request {
            file: file.clone(),
            settings: choices.settings(&[]),
            appearance: choices.appearance,
        }),
        Command::Fmt {
            file,
            check,
            appearance,
        } => fmt::fmt(&fmt::Request {
            paths: file,
            check: *check,
            appearance: *appearance,
        }),
        Command::Lsp => lsp::serve(),
        Command::ExplainError(arguments) => explain_error::explain_error(arguments),
        Command::New(arguments) => new::new(arguments),
        Command::Data(arguments) => data::data(arguments),
        Command::Predict(arguments) => predict::predict(arguments),
        Command::Doc(arguments) => doc::doc(arguments),
        Command::Completions(arguments) => surface::completions::completions(arguments),
        Command::Man(arguments) => surface::manual::man(arguments),
        Command::Emit { program, stage } => emit(Job::new(program)?, *stage),
    }
}

/// Verifies a receipt with the values that it names.
fn verify(
    path: &Path,
    file: Option<&str>,
    (threads, cpu): (Option<u16>, Option<Cpu>),
    appearance: Appearance,
) -> Result<(), Failure> {
    let receipt = Receipt::read(path).map_err(|(why, failure)| {
        Output::new(appearance).say(&format!("error: {why}\n"));
        failure
    })?;
    let arguments = ProgramArguments {
        file: receipt.program(path, file),
        choices: Choices {
            settings: receipt.identity.settings.clone().into_iter().collect(),
            threads,
            seed: receipt.identity.seed,
            appearance,
            cpu,
        },
        skip: receipt.identity.skip.clone(),
        budget: Budget::default(),
    };
    let job = Job::new(&arguments)?;
    verify::verify(job, &verify::Request { path, receipt })
}

/// A source with what every command needs.
struct Job {
    source: Source,
    /// The files that it reads, known once it is checked.
    read: Vec<ReadFile>,
    sources: Sources,
    settings: Settings,
    budget: Budget,
    output: Output,
}

impl Job {
    fn new(arguments: &ProgramArguments) -> Result<Job, Failure> {
        let output = Output::new(arguments.choices.appearance);
        Ok(Job {
            source: read_source(&arguments.file, &output)?,
            read: Vec::new(),
            sources: Sources::default(),
            settings: arguments.choices.settings(&arguments.skip),
            budget: arguments.budget,
            output,
        })
    }

    /// How progress is shown, where `wanted` asks for it also without a terminal.
    fn progress(&self, wanted: bool) -> Mode {
        if self.output.redraws && !self.output.quiet {
            Mode::Live
        } else if wanted || (self.output.terminal && !self.output.quiet) {
            Mode::Plain
        } else {
            Mode::Off
        }
    }

    fn say(&self, diagnostic: &Diagnostic) {
        if self.output.quiet && diagnostic.severity == Severity::Warning {
            return;
        }
        self.output.diagnostic(diagnostic, &self.sources);
    }

    fn say_all(&self, diagnostics: &[Diagnostic]) {
        diagnostics
            .iter()
            .for_each(|diagnostic| self.say(diagnostic));
        say_count(diagnostics, &self.output);
    }

    fn checked(&mut self) -> Result<(Arc<crate::check::program::Program>, Checked), Failure> {
        let mut provider = Recorder::new(&self.source.base_dir);
        let checked = session::checked(
            &self.source,
            &mut self.sources,
            &mut provider,
            &self.settings,
        );
        self.read = provider.read;
        self.say_all(&checked.diagnostics);
        match &checked.program {
            Some(program) => Ok((program.clone(), checked)),
            None => Err(failure_of(&checked.diagnostics)),
        }
    }

    fn pool(&self) -> Result<Pool, Failure> {
        Pool::new(self.settings.threads).map_err(|why| {
            self.output.say(&format!("error: {why}\n"));
            Failure::Usage
        })
    }
}

/// A program's text; what keeps it from being read is said.
fn read_source(path: &str, output: &Output) -> Result<Source, Failure> {
    Source::read(path).map_err(|error| {
        let diagnostic = session::data_diagnostic(&error);
        output.diagnostic(&diagnostic, &Sources::default());
        if error.missing {
            Failure::Usage
        } else {
            Failure::Program
        }
    })
}

/// Says to people how many errors there are, where they are several, and where more is told.
fn say_count(diagnostics: &[Diagnostic], output: &Output) {
    if output.form != Form::Text {
        return;
    }
    let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error);
    let errors = errors.count();
    if errors > 1 {
        output.say(&format!("{errors} errors\n"));
    }
    let first = diagnostics.iter().find(|d| d.severity == Severity::Error);
    output.tell_more(first.map(|d| d.code));
}

/// A missing file is the command's fault, all else the program's.
fn failure_of(diagnostics: &[Diagnostic]) -> Failure {
    let errors = || diagnostics.iter().filter(|d| d.severity == Severity::Error);
    if errors().count() > 0 && errors().all(|d| d.code == session::MISSING_FILE) {
        Failure::Usage
    } else {
        Failure::Program
    }
}

fn check(mut job: Job) -> Result<(), Failure> {
    let (program, checked) = job.checked()?;
    let pool = job.pool()?;
    let compiled = session::compiled(&program, &job.settings, &pool).map_err(|error| {
        job.say(&error.diagnostic);
        Failure::Program
    })?;
    for line in run::description(&program, &compiled) {
        job.output.line(&line)?;
    }
    run::within_budget(&job, &program, &compiled)?;
    let ready = checked.parse + checked.check + compiled.times.total;
    for line in estimate::lines(&job, &program, Arc::new(compiled), &pool, ready)? {
        job.output.line(&line)?;
    }
    Ok(())
}

fn emit(mut job: Job, stage: Stage) -> Result<(), Failure> {
    let mut provider = FileProvider::new();
    let text = session::emit(
        stage,
        &job.source,
        &mut job.sources,
        &mut provider,
        &job.settings,
    );
    match text {
        Ok(text) => job.output.line(text.trim_end_matches('\n')),
        Err(EmitError::Program(diagnostics)) => {
            job.say_all(&diagnostics);
            Err(failure_of(&diagnostics))
        }
        Err(EmitError::Compiler(error)) => {
            job.say(&error.diagnostic);
            Err(Failure::Program)
        }
    }
}
