//! What a prompt keeps between inputs: the program so far, and the values of its slots.
use crate::base::data::{DataError, DataProvider, DataSet, DataSpec};
use crate::base::diagnostic::Diagnostic;
use crate::base::source::Sources;
use crate::base::tensor::Tensor;
use crate::check::CheckOptions;
use crate::check::growing::{Growing, Part, Renewed, Wrong};
use crate::check::program::{SlotId, SlotKind};
use crate::check::shown::Shown;
use crate::cli::run;
use crate::data::FileProvider;
use crate::lower::BUNDLE;
use crate::runtime::Store;
use crate::session::{self, Pool, Settings};
use crate::train::{Machine, OnNonFinite, Resolve, RunError, values};
use signal_hook::consts::SIGINT;
use signal_hook::flag;
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A session at a prompt.
pub struct Session {
    /// The program so far.
    pub growing: Growing,
    /// The values of its slots.
    store: Option<Store>,
    resolve: Resolve,
    pool: Pool,
    settings: Settings,
}

/// Why an input did not do what it says.
pub enum Trouble {
    /// It is wrong.
    Wrong(Wrong),
    /// It stopped while it ran; with the texts that the error speaks of.
    Failed(RunError, Sources),
}

impl From<Wrong> for Trouble {
    fn from(wrong: Wrong) -> Trouble {
        Trouble::Wrong(wrong)
    }
}

/// A value to be shown: numbers with the names of their dimensions, or text.
#[derive(Debug, Clone)]
pub enum Value {
    /// A tensor and the names of its dimensions.
    Tensor(Tensor, Vec<Option<Arc<str>>>),
    /// Text.
    Text(String),
    /// `(a, b)`
    Several(Vec<Value>),
}

/// What an input gave.
pub struct Answer {
    /// Values of expressions that stand alone.
    pub values: Vec<Value>,
    /// What became of weights whose layer was declared anew.
    pub renewed: Vec<Renewed>,
    /// What is worth saying though it is no mistake.
    pub warnings: Vec<Diagnostic>,
    /// Whether Ctrl-C stopped it.
    pub stopped: bool,
}

/// Times of one expression.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Checking.
    pub check: Duration,
    /// Compiling.
    pub compile: Duration,
    /// The median of the runs.
    pub run: Duration,
    /// How often it ran.
    pub runs: usize,
}

impl Session {
    /// A session without statements. Paths start from `base_dir`.
    ///
    /// # Errors
    /// Why the system gives no threads.
    pub fn new(name: &str, base_dir: &str, settings: Settings) -> Result<Session, String> {
        let options = CheckOptions {
            hypers: settings.hypers.clone(),
            seed: settings.seed,
            base_dir: base_dir.into(),
            ..CheckOptions::default()
        };
        let kept = Rc::new(RefCell::new(Kept::default()));
        let provide = Box::new(move || Box::new(Shared(kept.clone())) as Box<dyn DataProvider>);
        Ok(Session {
            growing: Growing::new(name, options, provide),
            store: None,
            resolve: run::resolver(base_dir.into()),
            pool: Pool::new(settings.threads)?,
            settings,
        })
    }

    /// The file that a path means: relative ones start where those of the program do.
    ///
    /// # Errors
    /// Why it may not be used.
    pub fn file(&self, path: &str) -> Result<PathBuf, DataError> {
        (self.resolve)(path)
    }

    /// The threads that steps run on.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Runs statements. `drive` takes the machine to its end, or until its stop flag is set.
    ///
    /// # Errors
    /// What is wrong with them, or what stopped them. The program is as before; weights that had been trained stay trained.
    pub fn run(
        &mut self,
        text: &str,
        drive: &mut (dyn FnMut(&mut Machine) -> Result<(), RunError> + Send),
    ) -> Result<Answer, Trouble> {
        let mut part = self.growing.add(text)?;
        let shown = std::mem::take(&mut part.shown);
        let renewed = std::mem::take(&mut part.renewed);
        let warnings = std::mem::take(&mut part.warnings);
        let mut machine = match self.machine(part, false) {
            Ok(machine) => machine,
            Err(error) => return Err(Trouble::Failed(error, self.growing.undo())),
        };
        let stop = machine.stop_flag();
        let pool = &self.pool;
        let outcome = with_interrupt(&stop, || pool.run(|| drive(&mut machine)));
        let answer = Answer {
            values: shown.iter().map(|shown| value(&machine, shown)).collect(),
            renewed,
            warnings,
            stopped: stop.load(Ordering::Relaxed),
        };
        self.store = Some(machine.into_store());
        if let Err(error) = outcome {
            let sources = self.growing.undo();
            let slots = self.growing.slots();
            if let Some(store) = &mut self.store {
                store.truncate(slots);
            }
            return Err(Trouble::Failed(error, sources));
        }
        Ok(answer)
    }

    /// A machine for a part, with the values so far: taken over, or copied where nothing is to be kept.
    fn machine(&mut self, part: Part, copied: bool) -> Result<Machine, RunError> {
        let program = Arc::new(part.program);
        let compiled = session::compiled(&program, &self.settings, &self.pool)?;
        // Only what learns is watched: keeping a state copies all values.
        let learns = program
            .graphs
            .iter()
            .any(|step| !step.objectives.is_empty());
        let mut machine = session::machine(program, Arc::new(compiled), self.resolve.clone())?;
        if learns {
            machine.on_nonfinite(OnNonFinite::Stop);
        }
        let store = match copied {
            true => self.store.as_ref().map(Store::copied),
            false => self.store.take(),
        };
        if let Some(store) = store {
            machine.adopt(store);
        }
        Ok(machine)
    }

    /// Statements compiled to be run on copies of all values; the program stays as it is.
    ///
    /// # Errors
    /// What is wrong with them.
    fn trial(&mut self, text: &str) -> Result<Trial, Trouble> {
        let start = Instant::now();
        let (mut part, sources) = self.growing.looked_at(text)?;
        let check = start.elapsed();
        let start = Instant::now();
        let shown = std::mem::take(&mut part.shown);
        match self.machine(part, true) {
            Ok(machine) => Ok(Trial {
                machine,
                shown,
                sources,
                check,
                compile: start.elapsed(),
            }),
            Err(error) => Err(Trouble::Failed(error, sources)),
        }
    }

    /// Evaluates what leaves nothing behind.
    ///
    /// # Errors
    /// What is wrong with it, or what stopped it.
    pub fn value(&mut self, text: &str) -> Result<Vec<Value>, Trouble> {
        let mut trial = self.trial(text)?;
        let machine = &mut trial.machine;
        match self.pool.run(|| machine.run(&mut |_, _| true)) {
            Ok(()) => Ok(trial
                .shown
                .iter()
                .map(|shown| value(machine, shown))
                .collect()),
            Err(error) => Err(Trouble::Failed(error, trial.sources)),
        }
    }

    /// Runs statements again and again for about `time`, on copies of all values.
    ///
    /// # Errors
    /// What is wrong with them, or what stopped them.
    pub fn time(&mut self, text: &str, time: Duration) -> Result<Timing, Trouble> {
        let Trial {
            mut machine,
            sources,
            check,
            compile,
            ..
        } = self.trial(text)?;
        let outcome = again_and_again(&mut machine, &self.pool, time);
        let mut runs = outcome.map_err(|error| Trouble::Failed(error, sources))?;
        runs.sort();
        Ok(Timing {
            check,
            compile,
            run: runs.get(runs.len() / 2).copied().unwrap_or_default(),
            runs: runs.len(),
        })
    }

    /// Runs statements for about `time` with the time of each kernel taken, on copies of all values. Gives the texts that their places are in.
    ///
    /// # Errors
    /// What is wrong with them, or what stopped them.
    pub fn profile(&mut self, text: &str, time: Duration) -> Result<(Machine, Sources), Trouble> {
        self.settings.skip.push(BUNDLE.into());
        let trial = self.trial(text);
        self.settings.skip.pop();
        let Trial {
            mut machine,
            sources,
            ..
        } = trial?;
        machine.profile(true);
        let pool = &self.pool;
        match again_and_again(&mut machine, pool, time) {
            Ok(_) => Ok((machine, sources)),
            Err(error) => Err(Trouble::Failed(error, sources)),
        }
    }

    /// Sets a hyper-parameter for what runs from now on; false where there is none of that name that can be set.
    pub fn set(&mut self, name: &str, number: f64) -> bool {
        let hypers = self.growing.hypers();
        let Some((_, slot)) = hypers.iter().find(|(known, _)| known == name) else {
            return false;
        };
        let dtype = self.growing.slot(*slot).ty.dtype;
        if let Some(store) = &mut self.store {
            values::set_number(dtype, store.bytes_mut(slot.0 as usize), number);
        }
        true
    }

    /// Names, kinds and types of the tensors that are kept, those of layers and bindings that a name still leads to.
    pub fn weights(&self) -> Vec<(String, Tensor)> {
        let Some(store) = &self.store else {
            return Vec::new();
        };
        self.growing
            .weights()
            .into_iter()
            .map(|(path, slot, ty)| (path, values::tensor(&ty, store.bytes(slot.0 as usize))))
            .collect()
    }

    /// The number of elements of parameters among them.
    pub fn parameters(&self) -> usize {
        let weights = self.growing.weights().into_iter();
        weights
            .filter(|(_, slot, _)| self.growing.slot(*slot).kind == SlotKind::Parameter)
            .map(|(_, _, ty)| ty.len())
            .sum()
    }
}

/// Statements compiled to be run on copies of all values.
struct Trial {
    machine: Machine,
    shown: Vec<Shown>,
    sources: Sources,
    check: Duration,
    compile: Duration,
}

/// The value of something to be shown, once it has been computed.
fn value(machine: &Machine, shown: &Shown) -> Value {
    match shown {
        Shown::Tensor(slot, dims) => Value::Tensor(machine.value(SlotId(slot.0)), dims.clone()),
        Shown::Text(text) => Value::Text(text.clone()),
        Shown::Several(parts) => {
            Value::Several(parts.iter().map(|part| value(machine, part)).collect())
        }
    }
}

/// Runs a machine's plan to its end again and again for about `time`, at least once, or until Ctrl-C. Gives the time of each run.
fn again_and_again(
    machine: &mut Machine,
    pool: &Pool,
    time: Duration,
) -> Result<Vec<Duration>, RunError> {
    let stop = machine.stop_flag();
    with_interrupt(&stop, || {
        pool.run(|| {
            let mut runs = Vec::new();
            let begin = Instant::now();
            loop {
                let start = Instant::now();
                machine.rewind();
                machine.run(&mut |_, _| true)?;
                runs.push(start.elapsed());
                if begin.elapsed() >= time || stop.load(Ordering::Relaxed) {
                    return Ok(runs);
                }
            }
        })
    })
}

/// Does something during which Ctrl-C sets a flag instead of ending the process.
fn with_interrupt<T>(stop: &Arc<AtomicBool>, work: impl FnOnce() -> T) -> T {
    let handler = flag::register(SIGINT, stop.clone());
    let outcome = work();
    if let Ok(handler) = handler {
        signal_hook::low_level::unregister(handler);
    }
    outcome
}

/// Data and imported files as they were when they were first read: a session stays what it was when a file changes.
#[derive(Default)]
struct Kept {
    files: FileProvider,
    sources: HashMap<(String, String), (String, String)>,
}

struct Shared(Rc<RefCell<Kept>>);

impl DataProvider for Shared {
    fn open(&mut self, spec: &DataSpec) -> Result<Arc<DataSet>, DataError> {
        self.0.borrow_mut().files.open(spec)
    }

    fn source(&mut self, base_dir: &str, path: &str) -> Result<(String, String), DataError> {
        let mut kept = self.0.borrow_mut();
        let key = (base_dir.to_string(), path.to_string());
        if let Some(known) = kept.sources.get(&key) {
            return Ok(known.clone());
        }
        let found = kept.files.source(base_dir, path)?;
        kept.sources.insert(key, found.clone());
        Ok(found)
    }
}
