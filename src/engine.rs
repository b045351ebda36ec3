//! The interface for programs that embed the compiler.
//!
//! An [`Engine`] owns the threads. It compiles a text to a [`Program`]; a [`Trainer`] runs it, reports each epoch and can be stopped; a
//! [`Model`] is a trained layer that predicts, from any number of threads. All of them are `Send`, and no bad input makes them panic.
//!
//! Files are the host's affair: a program reads data through the [`Loader`] that the host gives, and writes and loads weights only below
//! [`Config::folder`].
mod memory;
mod model;

use crate::base::data::DataError;
use crate::base::diagnostic::{Diagnostic, Severity, nearest};
use crate::base::render::render;
use crate::base::source::Sources;
use crate::base::stack;
use crate::base::tensor::{Elements, Tensor};
use crate::base::types::Type;
use crate::check::program::{self as plan, SlotId, SlotKind};
use crate::data::{FileProvider, safetensors};
use crate::runtime::contraction::Cpu;
use crate::session::{self, Pool, Settings, Source, Summary};
use crate::train::error::NotFinite;
use crate::train::{Compiled, Epoch, Event, Machine, Resolve, RunError};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Gives data sets and imported sources to programs.
pub use crate::base::data::DataProvider as Loader;
pub use crate::train::OnNonFinite;
pub use memory::MemoryLoader;
pub use model::Model;

/// What an engine is to be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Threads; results do not depend on it.
    pub threads: usize,
    /// Below this folder programs may save and load weights and draw plots; without it they may not.
    pub folder: Option<PathBuf>,
    /// The instructions that code may use. All levels with fused multiply-add give the same bits; [`Isa::Portable`] may give others.
    ///
    /// [`Isa::Portable`]: crate::runtime::contraction::Isa::Portable
    pub cpu: Cpu,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            threads: session::default_threads(),
            folder: None,
            cpu: Cpu::detect(),
        }
    }
}

/// Why something could not be done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The program is wrong: what is said about it, and the same as text with the source.
    Program {
        /// The messages.
        diagnostics: Vec<Diagnostic>,
        /// All errors, rendered.
        text: String,
        /// The texts that the places of the messages lie in.
        sources: Arc<Sources>,
    },
    /// The program stopped: an index out of range, an assertion, a file.
    Run {
        /// The message.
        diagnostic: Box<Diagnostic>,
        /// The same, rendered.
        text: String,
        /// The texts that its places lie in.
        sources: Arc<Sources>,
    },
    /// A loss or a parameter became infinite or NaN ([`OnNonFinite::Stop`]). The trainer is left before the step in which it did: its
    /// values are all good, and it can go on after a parameter or the weights are set anew.
    NonFinite {
        /// The parameter's path, or `loss`.
        name: String,
        /// The step: `epoch 2/20, step 5/45`, `turn 412 of 1000`; empty where the program has no loop there.
        place: String,
        /// The message, which names the operation.
        diagnostic: Box<Diagnostic>,
        /// The same, rendered.
        text: String,
        /// The texts that its places lie in.
        sources: Arc<Sources>,
    },
    /// A value does not fit what it is to be.
    Value(String),
    /// There is no parameter, value or layer of that name.
    Unknown(String),
    /// A file could not be read or written.
    File(String),
    /// A fault of the compiler, or a machine that cannot run its code.
    Internal(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Program { text, .. }
            | Error::Run { text, .. }
            | Error::NonFinite { text, .. } => f.write_str(text.trim_end()),
            Error::Value(text) | Error::Unknown(text) | Error::File(text) => f.write_str(text),
            Error::Internal(text) => write!(f, "fault of the compiler: {text}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<DataError> for Error {
    fn from(error: DataError) -> Error {
        Error::File(match error.help {
            Some(help) => format!("{}; {help}", error.message),
            None => error.message,
        })
    }
}

/// Turns a panic, which would be a fault of the compiler, into an error.
fn guarded<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        Err(Error::Internal(text.unwrap_or("a panic").to_string()))
    })
}

/// A lock whose holder panicked still holds whole values here: they are replaced, never half changed.
fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Compiles programs and owns the threads on which they run. Clones share them.
#[derive(Clone)]
pub struct Engine {
    pool: Arc<Pool>,
    config: Arc<Config>,
}

impl Engine {
    /// An engine.
    ///
    /// # Errors
    /// [`Error::Internal`] where the system gives no threads.
    pub fn new(config: Config) -> Result<Engine, Error> {
        let pool = Pool::new(config.threads).map_err(Error::Internal)?;
        Ok(Engine {
            pool: Arc::new(pool),
            config: Arc::new(config),
        })
    }

    /// Checks and compiles a text.
    ///
    /// # Errors
    /// [`Error::Program`] with everything that is wrong with the program.
    pub fn compile(
        &self,
        text: &str,
        options: ProgramOptions,
        loader: impl Loader + Send + 'static,
    ) -> Result<Program, Error> {
        let loader: Box<dyn Loader + Send> = Box::new(loader);
        let source = Source {
            name: options.name,
            text: text.into(),
            base_dir: options.base_dir,
        };
        let settings = Settings {
            hypers: options.hypers,
            seed: options.seed,
            threads: self.pool.threads(),
            skip: Vec::new(),
            cpu: self.config.cpu,
        };
        guarded(|| {
            let loader = Arc::new(Mutex::new(loader));
            let (program, sources, warnings) = check(&source, &loader, &settings)?;
            let compiled = session::compiled(&program, &settings, &self.pool)
                .map_err(|error| stopped(error, &sources))?;
            Ok(Program {
                engine: self.clone(),
                inner: Arc::new(Inner {
                    source,
                    settings,
                    on_nonfinite: options.on_nonfinite,
                    loader,
                    sources,
                    program,
                    compiled: Arc::new(compiled),
                    warnings,
                }),
            })
        })
    }

    fn resolve(&self, base_dir: &str) -> Resolve {
        let base_dir = base_dir.to_string();
        let provider = self.config.folder.as_ref().map(FileProvider::rooted);
        Arc::new(move |path| match &provider {
            Some(Ok(provider)) => provider.resolve(&base_dir, path),
            Some(Err(error)) => Err(error.clone()),
            None => Err(DataError {
                message: format!("\"{path}\": this host lets programs use no files"),
                help: Some("the host sets the folder that programs may use".into()),
                missing: true,
                stage: None,
            }),
        })
    }
}

/// What goes with a program's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramOptions {
    /// The name that messages give it.
    pub name: String,
    /// The folder that its paths start from, as the loader understands it.
    pub base_dir: String,
    /// `name=value` for hyper-parameters.
    pub hypers: Vec<(String, String)>,
    /// Seed of everything random.
    pub seed: u64,
    /// What its runs do when a loss or a parameter becomes infinite or NaN: they stop, where nothing else is said.
    pub on_nonfinite: OnNonFinite,
}

impl Default for ProgramOptions {
    fn default() -> ProgramOptions {
        ProgramOptions {
            name: "program.dlm".into(),
            base_dir: ".".into(),
            hypers: Vec::new(),
            seed: 0,
            on_nonfinite: OnNonFinite::default(),
        }
    }
}

type SharedLoader = Arc<Mutex<Box<dyn Loader + Send>>>;
type CheckedProgram = (Arc<plan::Program>, Sources, Vec<Diagnostic>);

/// Checks a program, on a stack for what is nested deeply, whatever the host's thread has.
fn check(
    source: &Source,
    loader: &SharedLoader,
    settings: &Settings,
) -> Result<CheckedProgram, Error> {
    let checked = stack::deep(|| checked(source, loader, settings));
    checked.map_err(|error| Error::Internal(format!("the system gives no thread: {error}")))?
}

fn checked(
    source: &Source,
    loader: &SharedLoader,
    settings: &Settings,
) -> Result<CheckedProgram, Error> {
    let mut sources = Sources::default();
    let mut loader = locked(loader);
    let checked = session::checked(source, &mut sources, &mut **loader, settings);
    match checked.program {
        Some(program) => Ok((program, sources, checked.diagnostics)),
        None => Err(Error::Program {
            text: rendered(&checked.diagnostics, &sources),
            diagnostics: checked.diagnostics,
            sources: Arc::new(sources),
        }),
    }
}

fn rendered(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error);
    errors.map(|d| render(d, sources, false)).collect()
}

fn stopped(error: RunError, sources: &Sources) -> Error {
    let text = render(&error.diagnostic, sources, false);
    let diagnostic = error.diagnostic;
    let sources = Arc::new(sources.clone());
    match error.not_finite {
        Some(NotFinite { name, place }) => Error::NonFinite {
            name,
            place,
            diagnostic,
            text,
            sources,
        },
        None => Error::Run {
            diagnostic,
            text,
            sources,
        },
    }
}

/// A compiled program. Clones share it.
#[derive(Clone)]
pub struct Program {
    engine: Engine,
    inner: Arc<Inner>,
}

struct Inner {
    source: Source,
    settings: Settings,
    on_nonfinite: OnNonFinite,
    loader: SharedLoader,
    sources: Sources,
    program: Arc<plan::Program>,
    compiled: Arc<Compiled>,
    warnings: Vec<Diagnostic>,
}

impl Program {
    /// What is doubtful about the program.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.inner.warnings
    }

    /// Paths and types of the parameters.
    pub fn parameters(&self) -> Vec<(String, Type)> {
        let parameters = self.inner.program.slots_of(SlotKind::Parameter);
        parameters
            .map(|(_, slot)| (slot.name.clone(), slot.ty.clone()))
            .collect()
    }

    /// The program in numbers.
    pub fn summary(&self) -> Summary {
        session::summary(&self.inner.program, &self.inner.compiled)
    }

    /// A run of the program, at its start.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub fn trainer(&self) -> Result<Trainer, Error> {
        guarded(|| {
            let inner = &self.inner;
            let resolve = self.engine.resolve(&inner.source.base_dir);
            let mut machine =
                session::machine(inner.program.clone(), inner.compiled.clone(), resolve)
                    .map_err(|error| stopped(error, &inner.sources))?;
            machine.on_nonfinite(inner.on_nonfinite);
            Ok(Trainer {
                program: self.clone(),
                machine,
            })
        })
    }
}

/// What a run says while it goes on.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Progress {
    /// A line that the program prints.
    Line(String),
    /// A training step is done.
    Step {
        /// Its number in the epoch, from 0.
        step: usize,
        /// Steps in the epoch.
        steps: usize,
        /// Its loss.
        loss: f64,
    },
    /// An epoch is done.
    Epoch(Epoch),
    /// A loss or a parameter is no longer finite ([`OnNonFinite::Warn`]), or weights were saved under another name; the run goes on.
    Warning {
        /// The message.
        diagnostic: Box<Diagnostic>,
        /// The same, rendered.
        text: String,
    },
}

/// Whether a run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// It goes on.
    Continue,
    /// It stops here and may be taken up again.
    Stop,
}

/// A run of a program.
pub struct Trainer {
    program: Program,
    machine: Machine,
}

impl Trainer {
    /// Runs to the end, or until `listen` says to stop. A stopped run goes on with the next call.
    ///
    /// # Errors
    /// [`Error::Run`] where the program stops with an error.
    pub fn run(
        &mut self,
        mut listen: impl FnMut(&Progress) -> Control + Send,
    ) -> Result<(), Error> {
        let Trainer { program, machine } = self;
        // The host may stop after any step.
        machine.limit_turns(1);
        let mut listen = |machine: &Machine, event: Event| {
            let progress = match event {
                Event::Warning(diagnostic) => Progress::Warning {
                    text: render(&diagnostic, &program.inner.sources, false),
                    diagnostic,
                },
                Event::None | Event::Finished | Event::EpochBegin { .. } => return true,
                Event::Line(line) => Progress::Line(line),
                Event::StepsDone { step, steps } => Progress::Step {
                    step,
                    steps,
                    loss: machine.losses().last().copied().unwrap_or(f64::NAN),
                },
                Event::EpochEnd(epoch) => Progress::Epoch(epoch),
            };
            listen(&progress) == Control::Continue
        };
        guarded(|| {
            let result = program.engine.pool.run(|| machine.run(&mut listen));
            result.map_err(|error| stopped(error, &program.inner.sources))
        })
    }

    /// Whether the program has run to its end.
    pub fn is_finished(&self) -> bool {
        self.machine.is_finished()
    }

    /// The value of a parameter by its path, or of a tensor that the program binds.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the nearest name.
    pub fn value(&self, name: &str) -> Result<Tensor, Error> {
        self.slot(name).map(|slot| self.machine.value(slot))
    }

    /// Sets a parameter by its path, from elements in row-major order.
    ///
    /// # Errors
    /// [`Error::Unknown`], or [`Error::Value`] where the number of elements differs.
    pub fn set_parameter(&mut self, path: &str, elements: &[f32]) -> Result<(), Error> {
        let slot = self.slot(path)?;
        let data = self.program.inner.program.slot(slot);
        if data.field.is_some() {
            let text = format!("`{path}` is a field of a data set, which is only read");
            return Err(Error::Value(text));
        }
        let ty = &data.ty;
        let tensor = Tensor::new(ty.shape.clone(), Elements::F32(elements.to_vec()));
        match tensor {
            Some(tensor) if self.machine.set_value(slot, &tensor) => Ok(()),
            Some(_) | None => Err(Error::Value(format!(
                "`{path}` is {ty} with {} elements, not f32 with {}",
                ty.len(),
                elements.len()
            ))),
        }
    }

    /// Writes parameters and layer states to a safetensors file.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let program = &self.program.inner.program;
        let tensors: Vec<(String, Tensor)> = saved_slots(program)
            .map(|slot| (program.slot(slot).name.clone(), self.machine.value(slot)))
            .collect();
        Ok(safetensors::save(path, &tensors, &[])?)
    }

    /// Reads parameters and layer states; every one must be in the file with its sizes.
    ///
    /// # Errors
    /// [`Error::File`], or [`Error::Value`] where one is missing or differs; then none is changed.
    pub fn load(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        self.load_where(path, |_| true)
    }

    /// The same for one layer that the program binds, such as `net`: its parameters and states must be in the file, others need not.
    ///
    /// # Errors
    /// As for [`Trainer::load`], and [`Error::Unknown`] where nothing of that name has parameters.
    pub fn load_layer(&mut self, layer: &str, path: impl AsRef<Path>) -> Result<(), Error> {
        let below = |name: &str| {
            let rest = name.strip_prefix(layer);
            rest.is_some_and(|rest| rest.starts_with('.'))
        };
        let program = &self.program.inner.program;
        if !saved_slots(program).any(|slot| below(&program.slot(slot).name)) {
            return Err(Error::Unknown(format!("`{layer}` has no parameters")));
        }
        self.load_where(path, below)
    }

    fn load_where(
        &mut self,
        path: impl AsRef<Path>,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<(), Error> {
        let found = safetensors::load(path)?;
        let program = self.program.inner.program.clone();
        let mut pairs = Vec::new();
        for slot in saved_slots(&program).filter(|slot| wanted(&program.slot(*slot).name)) {
            let data = program.slot(slot);
            match found.iter().find(|(name, _)| *name == data.name) {
                Some((_, tensor)) if tensor.ty() == data.ty => pairs.push((slot, tensor)),
                Some((name, tensor)) => {
                    let text = format!(
                        "the file holds `{name}` as {}, not {}",
                        tensor.ty(),
                        data.ty
                    );
                    return Err(Error::Value(text));
                }
                None => return Err(Error::Value(format!("the file has no `{}`", data.name))),
            }
        }
        for (slot, tensor) in pairs {
            self.machine.set_value(slot, tensor);
        }
        Ok(())
    }

    /// The whole state of the run, to go on from it later with [`Trainer::restore`].
    pub fn snapshot(&self) -> Vec<u8> {
        self.machine.snapshot()
    }

    /// Goes back to a state of the same program.
    ///
    /// # Errors
    /// [`Error::Run`] for a state of another program or a damaged one.
    pub fn restore(&mut self, state: &[u8]) -> Result<(), Error> {
        let Trainer { program, machine } = self;
        guarded(|| {
            let result = machine.restore(state);
            result.map_err(|error| stopped(error, &program.inner.sources))
        })
    }

    /// The layer bound to `layer`, with its parameters as they are now, for inputs of the given sizes (`f32`, or
    /// `i32` where the layer takes tokens).
    ///
    /// # Errors
    /// [`Error::Program`] where there is no such layer or it does not take that input.
    pub fn model(&self, layer: &str, input: &[usize]) -> Result<Model, Error> {
        guarded(|| Model::new(self, layer, input, false))
    }

    /// The same for a layer that takes a `mask`, and sequences `[n, t, d]` of which every step counts.
    ///
    /// # Errors
    /// Those of [`Trainer::model`], and a layer that takes no `mask`.
    pub fn model_of_sequences(&self, layer: &str, input: &[usize]) -> Result<Model, Error> {
        guarded(|| Model::new(self, layer, input, true))
    }

    fn slot(&self, name: &str) -> Result<SlotId, Error> {
        let slots = &self.program.inner.program.slots;
        match slots.iter().rposition(|slot| slot.name == name) {
            Some(at) => Ok(SlotId(at as u32)),
            None => {
                let near = nearest(name, slots.iter().map(|slot| slot.name.as_str()));
                let near = near.map(|near| format!("; did you mean `{near}`?"));
                Err(Error::Unknown(format!(
                    "there is no `{name}`{}",
                    near.unwrap_or_default()
                )))
            }
        }
    }
}

fn saved_slots(program: &plan::Program) -> impl Iterator<Item = SlotId> + '_ {
    let kinds = [SlotKind::Parameter, SlotKind::State];
    kinds
        .into_iter()
        .flat_map(|kind| program.slots_of(kind).map(|(slot, _)| slot))
}

#[cfg(test)]
mod tests;
