//! Elaboration: syntax tree to [`Program`].
//!
//! The program is interpreted abstractly: every size is a number, every application of a layer or function is written out with its sizes,
//! and tensor expressions add nodes to the step being built. What fails records a diagnostic and leaves [`values::Val::Error`], which
//! everything that reads it skips silently; so one run reports every independent mistake.
mod augment;
mod builtins;
mod call;
mod control;
mod datasets;
pub mod declared;
mod dims;
mod elsewhere;
mod expr;
mod foreign_names;
mod graphs;
pub mod growing;
mod imports;
mod index;
mod instances;
mod inward;
mod layers;
mod learn;
mod library;
pub mod limits;
mod members;
mod mends;
pub mod names;
mod output;
mod parts;
pub mod program;
pub mod record;
mod scan;
mod scores;
mod sensible;
mod shapes;
pub mod shown;
mod slopes;
mod statements;
mod tensors;
mod traced;
pub mod train;
mod two_sides;
mod values;

use crate::base::data::DataProvider;
use crate::base::diagnostic::{Diagnostic, Severity};
use crate::base::source::{FileId, Sources, Span};
use crate::base::types::DType;
use crate::syntax::ast;
use crate::syntax::token::{self, Token};
use graphs::Segment;
pub use library::STANDARD_LIBRARY;
use program::{Instr, Program, SlotId};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use values::{Bindings, Instance, Outcome, Reported, Roots, Val};

/// What the caller sets.
#[derive(Debug, Clone)]
pub struct CheckOptions {
    /// `name=value` pairs that override hyper-parameters.
    pub hypers: Vec<(String, String)>,
    /// Seed of all randomness.
    pub seed: u64,
    /// The folder that the program's paths start from.
    pub base_dir: String,
    /// The element type where none is written: `F32`, or `F64` for tests against references.
    pub float: DType,
}

impl Default for CheckOptions {
    fn default() -> CheckOptions {
        CheckOptions {
            hypers: Vec::new(),
            seed: 0,
            base_dir: ".".into(),
            float: DType::F32,
        }
    }
}

/// Elaborates a program. Without errors there is a program; warnings may stand beside it.
pub fn check(
    file: &ast::File,
    sources: &mut Sources,
    provider: &mut dyn DataProvider,
    options: &CheckOptions,
) -> (Option<Program>, Vec<Diagnostic>) {
    let mut checker = Checker::new(std::mem::take(sources), Box::new(provider), options.clone());
    checker.run(&file.statements);
    let program = checker.finish();
    *sources = checker.sources;
    (program, checker.diagnostics)
}

/// Elaborates a program and records what is seen of it, for an editor.
pub fn inspect(
    file: &ast::File,
    sources: &mut Sources,
    provider: &mut dyn DataProvider,
    options: &CheckOptions,
) -> (Vec<Diagnostic>, record::Record) {
    let mut checker = Checker::new(std::mem::take(sources), Box::new(provider), options.clone());
    checker.begin_record();
    checker.run(&file.statements);
    checker.finish_elaboration();
    let record = checker.end_record();
    *sources = checker.sources;
    (checker.diagnostics, record)
}

/// Names that a file declares.
#[derive(Debug, Default)]
pub struct Module {
    names: Bindings,
    /// The file's name without its ending, for an imported file.
    stem: String,
    spans: HashMap<Arc<str>, Span>,
}

/// The names of a body: innermost scope last.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    scopes: Vec<Bindings>,
    module: usize,
    instance: Option<Rc<Instance>>,
    /// Whether this is the body of a `fn`, where no instance may be made.
    function: bool,
    /// What the caller calls the dimensions that the signature names.
    callers_names: HashMap<Arc<str>, Option<Arc<str>>>,
    /// The arguments that gave sizes to the names of the signature.
    first_given: HashMap<Arc<str>, two_sides::Given>,
}

/// A call on the way to what is being elaborated.
#[derive(Debug, Clone)]
struct CallSite {
    name: String,
    span: Span,
}

/// A run-time loop around what is being elaborated.
#[derive(Debug, Clone)]
struct LoopSite {
    turn: SlotId,
    /// Names bound before the loop that it binds anew.
    carried: HashSet<Arc<str>>,
}

/// The elaborator.
pub struct Checker<'a> {
    sources: Sources,
    provider: Box<dyn DataProvider + 'a>,
    options: CheckOptions,
    diagnostics: Vec<Diagnostic>,
    program: Program,
    modules: Vec<Module>,
    frames: Vec<Frame>,
    calls: Vec<CallSite>,
    segment: Segment,
    graphs_opened: usize,
    /// The graph that gives parameters their initial values, and its outputs.
    initial: Segment,
    initial_outputs: Vec<SlotId>,
    float: DType,
    training: bool,
    /// Inside `param` initialisers nothing else may be read.
    index_vars: Vec<values::IndexVar>,
    /// Turns of unrolled loops and scans around, hashed into places.
    places: Vec<u64>,
    /// The calls and unrolled turns around, for the streams of random numbers.
    streams: Vec<u64>,
    /// Where the tokens of each file begin, those that mean something.
    token_starts: HashMap<crate::base::source::FileId, Vec<u32>>,
    loops: Vec<LoopSite>,
    scan_turns: Vec<values::TensorVal>,
    step: Option<SlotId>,
    steps_per_epoch: Option<usize>,
    evaluated: HashMap<Span, Val>,
    /// Layer states assigned in the present segment by training applications.
    optimizer_slots: HashMap<(Span, String), SlotId>,
    /// Where gradients of several steps are summed, by the place of the step: the count of them, and the sum for each parameter.
    accumulators: HashMap<(Span, Option<SlotId>), SlotId>,
    step_slots: HashMap<Span, SlotId>,
    /// `save` and `load` of instances, whose entries are known at the end.
    whole_instances: Vec<(usize, Rc<Instance>)>,
    /// Names of lets of the present body that a gradient reads.
    differentiated: Vec<HashSet<Arc<str>>>,
    imported: HashMap<String, usize>,
    /// The imports whose files are being read, each within the one before.
    importing: Vec<imports::Importing>,
    roots: Roots,
    root_ordinals: HashMap<String, usize>,
    root_children: HashMap<u64, Rc<Instance>>,
    depth_of_calls: usize,
    /// Statements and calls evaluated so far.
    evaluations: u64,
    /// Whether a limit was passed: then nothing more is evaluated, so that no number grows further.
    exhausted: bool,
    /// The last division of whole numbers that was not exact, for the message where a size is wanted.
    inexact: Option<(i64, i64, Span)>,
    /// The folder that paths of the file being elaborated start from.
    base_dir: String,
    unknown_names: HashSet<(Arc<str>, Span)>,
    /// Data sets of which no other was made: a program that reads nothing of one is told all the same what is wrong with it.
    data_sets: Vec<values::DataVal>,
    /// Tensors that are the result of `softmax` or `sigmoid`, with its name: losses take what stands before it.
    normalised: HashMap<(usize, crate::tir::Value), Arc<str>>,
    /// Names that statements which did not parse would have bound: nothing is said of them.
    lost: HashSet<Arc<str>>,
    /// While the body of a batch loop is elaborated for the last, smaller batch: the names of its first elaboration.
    twins: Option<Bindings>,
    /// Slots of whole fields of data sets.
    field_slots: HashMap<program::Field, SlotId>,
    /// For the slot of a field of a batch: the slot of the whole field and, where that is not the batch itself, the slot of the batch's rows.
    gathered: HashMap<SlotId, (SlotId, Option<SlotId>)>,
    /// The parameter that an optimizer's body is run for, and the optimizer's place.
    optimized: Option<(SlotId, Span)>,
    /// What the body of the scan just elaborated gives: next states, then further stacked values.
    scan_outputs: Vec<values::TensorVal>,
    /// The last state of each stack that a scan made, for `last`.
    final_states: HashMap<(usize, crate::tir::Value), values::TensorVal>,
    /// At a prompt: the values of expressions that stand alone.
    prompt: Option<Vec<shown::Shown>>,
    /// For an editor: what is seen of the source.
    record: Option<Box<record::Record>>,
}

impl<'a> Checker<'a> {
    /// An elaborator that knows the standard library.
    fn new(
        sources: Sources,
        provider: Box<dyn DataProvider + 'a>,
        options: CheckOptions,
    ) -> Checker<'a> {
        let mut checker = Checker::empty(sources, provider, options);
        checker.load_standard_library();
        checker.program.base_dir = checker.options.base_dir.clone();
        checker
    }

    fn empty(
        sources: Sources,
        provider: Box<dyn DataProvider + 'a>,
        options: CheckOptions,
    ) -> Checker<'a> {
        Checker {
            float: options.float,
            base_dir: options.base_dir.clone(),
            sources,
            provider,
            options,
            diagnostics: Vec::new(),
            program: Program::default(),
            modules: vec![Module::default(), Module::default()],
            frames: vec![Frame {
                module: 1,
                ..Frame::default()
            }],
            calls: Vec::new(),
            segment: Segment::default(),
            graphs_opened: 0,
            initial: Segment::default(),
            initial_outputs: Vec::new(),
            training: false,
            index_vars: Vec::new(),
            places: Vec::new(),
            streams: Vec::new(),
            token_starts: HashMap::new(),
            inexact: None,
            loops: Vec::new(),
            scan_turns: Vec::new(),
            step: None,
            steps_per_epoch: None,
            evaluated: HashMap::new(),
            optimizer_slots: HashMap::new(),
            accumulators: HashMap::new(),
            step_slots: HashMap::new(),
            whole_instances: Vec::new(),
            differentiated: Vec::new(),
            imported: HashMap::new(),
            importing: Vec::new(),
            roots: Roots::default(),
            root_ordinals: HashMap::new(),
            root_children: HashMap::new(),
            depth_of_calls: 0,
            evaluations: 0,
            exhausted: false,
            unknown_names: HashSet::new(),
            data_sets: Vec::new(),
            normalised: HashMap::new(),
            lost: HashSet::new(),
            twins: None,
            field_slots: HashMap::new(),
            gathered: HashMap::new(),
            optimized: None,
            scan_outputs: Vec::new(),
            final_states: HashMap::new(),
            prompt: None,
            record: None,
        }
    }

    /// Parses and declares the standard library as module 0.
    fn load_standard_library(&mut self) {
        for tree in library::trees(&mut self.sources).iter() {
            self.declare_all(&tree.statements, 0);
        }
    }

    fn run(&mut self, statements: &[ast::Stmt]) {
        self.declare_all(statements, 1);
        self.body(statements);
        self.flush();
    }

    /// The program, where nothing is wrong with it.
    fn finish(&mut self) -> Option<Program> {
        self.finish_elaboration();
        if self.has_errors() {
            return None;
        }
        self.unread_data();
        if self.has_errors() {
            return None;
        }
        self.initial_graph();
        let mut program = std::mem::take(&mut self.program);
        prune(&mut program, &HashSet::new());
        Some(program)
    }

    /// What can be said only once all statements have been elaborated.
    fn finish_elaboration(&mut self) {
        self.unused_hypers();
        if !self.has_errors() {
            self.fill_instances();
        }
    }

    fn unused_hypers(&mut self) {
        let known: Vec<String> = self
            .program
            .slots_of(program::SlotKind::Hyper)
            .map(|(_, slot)| slot.name.clone())
            .collect();
        for (name, _) in &self.options.hypers {
            if !known.contains(name) {
                let near = crate::base::diagnostic::nearest(name, known.iter().map(String::as_str));
                let message = format!("the program has no hyper-parameter `{name}`");
                let help = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if known.is_empty() => "declare one with `hyper name = value`".into(),
                    None => format!("it has: {}", known.join(", ")),
                };
                let mut diagnostic = Diagnostic::error("E0208", Span::default(), message);
                // The command line is at fault, no place of the source.
                diagnostic.labels.clear();
                self.diagnostics.push(diagnostic.help(help));
            }
        }
    }

    /// Puts the graph of initial values before everything else.
    fn initial_graph(&mut self) {
        let mut initial = std::mem::take(&mut self.initial);
        let Some(open) = initial.open.first_mut() else {
            return;
        };
        if self.initial_outputs.is_empty() {
            return;
        }
        let number = self.program.graphs.len();
        self.program.graphs.push(program::StepGraph {
            name: "initial values".into(),
            graph: std::mem::take(&mut open.graph),
            inputs: initial.inputs,
            outputs: std::mem::take(&mut self.initial_outputs),
            origin: Span::default(),
            objectives: Vec::new(),
            applications: Vec::new(),
        });
        self.program.code.insert(0, Instr::Run(number));
        self.program
            .code
            .iter_mut()
            .for_each(|instr| shift_targets(instr, 1));
    }

    /// Records a diagnostic. A place inside the standard library is reported where the user's code led there.
    pub(crate) fn report(&mut self, mut diagnostic: Diagnostic) -> Reported {
        if self.said_enough(&mut diagnostic) {
            return Reported;
        }
        let is_std = |file: FileId, sources: &Sources| sources.file(file).name.starts_with("std/");
        let primary = diagnostic.labels.first().map(|label| label.span);
        if let Some(span) = primary
            && is_std(span.file, &self.sources)
            && let Some(site) = self
                .calls
                .iter()
                .rev()
                .find(|site| !is_std(site.span.file, &self.sources))
                .cloned()
        {
            let place = self.sources.location(span);
            let label = diagnostic.labels.remove(0);
            diagnostic
                .labels
                .retain(|label| !is_std(label.span.file, &self.sources));
            diagnostic.labels.insert(
                0,
                crate::base::diagnostic::Label {
                    span: self.last_stage(site.span),
                    text: label.text,
                },
            );
            diagnostic
                .notes
                .push(format!("in `{}`, at {place}", site.name));
        }
        // A body is written out many times, for batches of several sizes too; its mistake is told once.
        let place = |diagnostic: &Diagnostic| diagnostic.labels.first().map(|label| label.span);
        let told = self.diagnostics.iter().any(|other| {
            other.code == diagnostic.code
                && same_but_for_numbers(&other.message, &diagnostic.message)
                && place(other) == place(&diagnostic)
        });
        if !told {
            self.diagnostics.push(diagnostic);
        }
        Reported
    }

    /// Records an error at a place.
    pub(crate) fn error<T>(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Outcome<T> {
        Err(self.report(Diagnostic::error(code, span, message).help(help)))
    }

    /// A number for a place in the program: where it stands, and the turns of the loops and the instance around.
    fn place_key(&self, span: Span) -> u64 {
        self.places.iter().copied().fold(span_key(span), fnv)
    }

    /// The number of a random stream: where it is drawn, and the calls and turns that led there.
    fn stream_key(&mut self, span: Span) -> u64 {
        let place = self.token_key(span);
        self.streams.iter().copied().fold(place, fnv)
    }

    /// A number for a span by the tokens before it and in it: blanks and comments do not change what is drawn.
    fn token_key(&mut self, span: Span) -> u64 {
        let sources = &self.sources;
        let starts = self.token_starts.entry(span.file).or_insert_with(|| {
            let (raw, _) = token::lex(&sources.file(span.file).text, span.file);
            let written = raw
                .iter()
                .filter(|(_, token, _)| !matches!(token, Token::Newline | Token::Doc(_)));
            written.map(|(start, _, _)| *start as u32).collect()
        });
        let before = |at: u32| starts.partition_point(|&start| start < at) as u32;
        span_key(Span {
            start: before(span.start),
            end: before(span.end),
            ..span
        })
    }

    /// Whether an error has been recorded.
    pub(crate) fn has_errors(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

fn same_but_for_numbers(a: &str, b: &str) -> bool {
    let is_digit = |c: char| c.is_ascii_digit();
    let (a, b) = (a.split(is_digit), b.split(is_digit));
    a.filter(|word| !word.is_empty())
        .eq(b.filter(|word| !word.is_empty()))
}

/// A number for a span.
fn span_key(span: Span) -> u64 {
    let start = fnv(FNV_START, u64::from(span.file.0));
    fnv(start, u64::from(span.start) << 32 | u64::from(span.end))
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

/// One step of the FNV-1a hash, on eight bytes.
fn fnv(hash: u64, word: u64) -> u64 {
    word.to_le_bytes().iter().fold(hash, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// FNV-1a of a text.
fn fnv_text(text: &str) -> u64 {
    text.bytes().fold(FNV_START, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn shift_targets(instr: &mut Instr, by: usize) {
    match instr {
        Instr::Jump(target)
        | Instr::JumpIfZero { target, .. }
        | Instr::JumpIfAtLeast { target, .. }
        | Instr::NextBatch {
            otherwise: target, ..
        }
        | Instr::Watch { target, .. } => *target += by,
        Instr::Run(_)
        | Instr::RunTimes { .. }
        | Instr::SetInt { .. }
        | Instr::AddInt { .. }
        | Instr::SetFloat { .. }
        | Instr::Copy { .. }
        | Instr::Print(_)
        | Instr::Assert { .. }
        | Instr::Save { .. }
        | Instr::Load { .. }
        | Instr::Plot { .. }
        | Instr::OpenBatches { .. }
        | Instr::Accumulate { .. }
        | Instr::Mean { .. }
        | Instr::EpochBegin { .. }
        | Instr::StepDone { .. }
        | Instr::EpochEnd { .. } => {}
    }
}

/// Slots that an instruction reads (graphs apart).
fn slots_read(instr: &Instr) -> Vec<SlotId> {
    let of_pieces = |pieces: &[program::Piece]| {
        pieces
            .iter()
            .filter_map(|piece| match piece {
                program::Piece::Value { slot, .. } | program::Piece::Characters { slot, .. } => {
                    Some(*slot)
                }
                program::Piece::Text(_) => None,
            })
            .collect::<Vec<_>>()
    };
    match instr {
        Instr::Run(_) | Instr::Jump(_) | Instr::NextBatch { .. } | Instr::Load { .. } => Vec::new(),
        Instr::RunTimes { turn, .. } => vec![*turn],
        Instr::SetInt { slot, .. } | Instr::AddInt { slot, .. } | Instr::SetFloat { slot, .. } => {
            vec![*slot]
        }
        Instr::JumpIfZero { slot, .. }
        | Instr::JumpIfAtLeast { slot, .. }
        | Instr::Plot { slot, .. } => vec![*slot],
        Instr::Copy { from, .. } => vec![*from],
        Instr::Print(pieces) => of_pieces(pieces),
        Instr::Assert {
            condition, message, ..
        } => of_pieces(message).into_iter().chain([*condition]).collect(),
        Instr::Save { entries, .. } => entries.iter().map(|entry| entry.1).collect(),
        Instr::OpenBatches { epoch, .. } => vec![*epoch],
        Instr::Accumulate { into, value, .. } => vec![*into, *value],
        Instr::Mean { sum, .. } => vec![*sum],
        Instr::EpochBegin { epoch, .. } => vec![*epoch],
        Instr::StepDone { loss } => vec![*loss],
        Instr::EpochEnd { epoch, values, .. } => {
            values.iter().map(|value| value.1).chain([*epoch]).collect()
        }
        Instr::Watch {
            value,
            best,
            since,
            save,
            ..
        } => {
            let saved = save
                .iter()
                .flat_map(|(entries, _)| entries.iter().map(|entry| entry.1));
            saved.chain([*value, *best, *since]).collect()
        }
    }
}

/// Drops outputs of graphs that nothing reads (bindings that only the step itself needed) and fields of batches that the host need not copy.
/// `visible` are slots that something outside the program reads.
fn prune(program: &mut Program, visible: &HashSet<SlotId>) {
    let mut read: HashSet<SlotId> = program.code.iter().flat_map(slots_read).collect();
    read.extend(visible);
    read.extend(
        program
            .graphs
            .iter()
            .flat_map(|step| step.inputs.iter().copied()),
    );
    // Losses are looked at also where the program does not: one may be NaN while the gradients are not.
    let objectives = program.graphs.iter().flat_map(|step| &step.objectives);
    read.extend(objectives.filter_map(|objective| objective.slot));
    for instr in &mut program.code {
        if let Instr::NextBatch { rows, fields, .. } = instr {
            let slots = fields.iter().map(|(_, slot)| *slot).chain(*rows);
            // What nobody reads needs no memory.
            for slot in slots.filter(|slot| !read.contains(slot)) {
                program.slots[slot.0 as usize].ty.shape = vec![0];
            }
            fields.retain(|(_, slot)| read.contains(slot));
            *rows = rows.filter(|slot| read.contains(slot));
        }
    }
    for step in &mut program.graphs {
        let keep: Vec<bool> = step
            .outputs
            .iter()
            .map(|slot| {
                read.contains(slot)
                    || program.slots[slot.0 as usize].kind != program::SlotKind::Binding
            })
            .collect();
        let mut at = 0;
        step.graph.outputs.retain(|_| {
            at += 1;
            keep[at - 1]
        });
        let mut at = 0;
        step.outputs.retain(|_| {
            at += 1;
            keep[at - 1]
        });
    }
}

/// The value of a name that holds nothing because of an earlier mistake.
fn poisoned(value: &Val) -> bool {
    matches!(value, Val::Error)
}
