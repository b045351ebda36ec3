//! A program that grows, as at a prompt: statements are elaborated as they come, against what the ones before left behind.
//!
//! All statements form one text, so a place in it, and with it every random number, is what it would be in a file of the same statements. Each
//! addition gives a [`Part`]: a program of its own over the slots of all parts so far. A part that is wrong leaves no trace: elaboration has no
//! way back, so the parts before it are elaborated again, which gives the same slots in the same order.
use super::declared::{Declared, declarations};
use super::program::{Instr, Program, SlotData, SlotId, SlotKind};
use super::shown::{Shown, typed};
use super::values::{Bindings, DataVal, Instance, Num, Val};
use super::{CheckOptions, Checker, STANDARD_LIBRARY, prune, shift_targets};
use crate::base::data::DataProvider;
use crate::base::diagnostic::Diagnostic;
use crate::base::source::{FileId, Sources, Span};
use crate::base::types::Type;
use crate::syntax::ast::{Expr, Pattern, Stmt, StmtKind};
use crate::syntax::parse;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

/// Gives the reader of data sets, anew each time that the parts are elaborated again.
pub type Provide = Box<dyn Fn() -> Box<dyn DataProvider>>;

/// A program that grows.
pub struct Growing {
    checker: Checker<'static>,
    file: FileId,
    name: String,
    /// How many parts come first that are reported under `name`, and the name of the others.
    renamed: Option<(usize, String)>,
    options: CheckOptions,
    provide: Provide,
    /// The texts of the parts.
    parts: Vec<String>,
    /// Graphs of the parts so far.
    graphs: usize,
    /// The values of top-level names that are instances of layers.
    made: HashMap<Arc<str>, Expr>,
    /// Instances made again because a layer was declared anew: the old one, the new one.
    renewed: Vec<(Rc<Instance>, Rc<Instance>)>,
}

/// What an addition is: a program of its own over the slots of all parts so far.
#[derive(Debug)]
pub struct Part {
    /// Its plan, its graphs, and the slots of all parts.
    pub program: Program,
    /// Values of expressions that stand alone.
    pub shown: Vec<Shown>,
    /// Instances whose layer was declared anew and that this part applies for the first time since.
    pub renewed: Vec<Renewed>,
    /// What is worth saying though it is no mistake.
    pub warnings: Vec<Diagnostic>,
}

/// What became of the weights of an instance whose layer was declared anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewed {
    /// The instance.
    pub name: String,
    /// Weights whose path and type are what they were: they keep their values.
    pub kept: Vec<String>,
    /// Weights that were not there, or had another type.
    pub new: Vec<String>,
    /// Weights that are there no longer.
    pub dropped: Vec<String>,
}

/// A part that is wrong, with the texts that its diagnostics speak of.
pub struct Wrong {
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts.
    pub sources: Sources,
}

impl Growing {
    /// A program without statements. `name` is what its text is reported under.
    pub fn new(name: &str, options: CheckOptions, provide: Provide) -> Growing {
        let mut growing = Growing {
            checker: Checker::empty(Sources::default(), provide(), options.clone()),
            file: FileId::default(),
            name: name.into(),
            renamed: None,
            options,
            provide,
            parts: Vec::new(),
            graphs: 0,
            made: HashMap::new(),
            renewed: Vec::new(),
        };
        growing.start();
        growing
    }

    /// What is added from now on is reported under another name, its lines counted from 1.
    pub fn rename(&mut self, name: &str) {
        self.renamed = Some((self.parts.len(), name.into()));
        self.checker.sources.rename(self.file, name);
    }

    /// The texts.
    pub fn sources(&self) -> &Sources {
        &self.checker.sources
    }

    /// The texts of the parts, in order.
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// Number of slots of the parts so far.
    pub fn slots(&self) -> usize {
        self.checker.program.slots.len()
    }

    /// Adds statements.
    ///
    /// # Errors
    /// What is wrong with them; the program is as before.
    pub fn add(&mut self, text: &str) -> Result<Part, Wrong> {
        match self.elaborated(text) {
            Some(part) => {
                self.parts.push(text.into());
                Ok(part)
            }
            None => Err(self.back()),
        }
    }

    /// Takes the last part back, which was elaborated but could not run. Gives the texts with it.
    pub fn undo(&mut self) -> Sources {
        self.parts.pop();
        self.back().sources
    }

    /// The type of an expression, and the names of its dimensions; nothing is kept of it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn type_of(&mut self, text: &str) -> Result<String, Wrong> {
        let found = self.expression_type(text);
        let wrong = self.back();
        found.ok_or(wrong)
    }

    /// What an addition would be, with nothing kept of it, and the texts with it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn looked_at(&mut self, text: &str) -> Result<(Part, Sources), Wrong> {
        let part = self.elaborated(text);
        let wrong = self.back();
        match part {
            Some(part) => Ok((part, wrong.sources)),
            None => Err(wrong),
        }
    }

    /// Values given from outside for hyper-parameters that the program does not have, as mistakes.
    pub fn unused_hypers(&mut self) -> Vec<Diagnostic> {
        self.checker.unused_hypers();
        std::mem::take(&mut self.checker.diagnostics)
    }

    /// The hyper-parameters that can be set between runs: name and slot.
    pub fn hypers(&self) -> Vec<(String, SlotId)> {
        let names = &self.checker.modules[1].names;
        let mut found: Vec<(String, SlotId)> = names
            .iter()
            .filter_map(|(name, value)| match value {
                Val::Hyper(slot, _) => Some((name.to_string(), *slot)),
                _ => None,
            })
            .collect();
        found.sort();
        found
    }

    /// Whether a name stands for a number that is known when a program is compiled, a whole hyper-parameter for instance.
    pub fn is_fixed(&self, name: &str) -> bool {
        matches!(
            self.checker.modules[1].names.get(name),
            Some(Val::Num(_) | Val::Bool(_) | Val::Str(_))
        )
    }

    /// Every name that an expression may use here, sorted: those of the program, of the standard library and of the language.
    pub fn names(&self) -> Vec<String> {
        let mut names: BTreeSet<String> = self.checker.language_names().map(String::from).collect();
        for module in &self.checker.modules[..2] {
            names.extend(module.names.keys().map(|name| name.to_string()));
        }
        names.into_iter().collect()
    }

    /// Paths that begin with a name of the program: parameters and states of instances, parts and fields of data sets.
    pub fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        for (name, value) in &self.checker.modules[1].names {
            match value {
                Val::Instance(instance) => {
                    let slots = self.checker.slots_of(instance, None);
                    paths.extend(slots.into_iter().map(|(path, _)| path));
                }
                Val::Data(data) => paths.extend(self.data_paths(name, data)),
                _ => {}
            }
        }
        paths.sort();
        paths.dedup();
        paths
    }

    fn data_paths(&self, name: &str, data: &DataVal) -> Vec<String> {
        let Some(set) = data
            .set
            .get()
            .and_then(|at| self.checker.program.data.get(at))
        else {
            return Vec::new();
        };
        let mut paths = Vec::new();
        for (part, table) in &set.parts {
            let prefix = match (&data.part, part.as_str()) {
                (Some(own), part) if **own != *part => continue,
                (Some(_), _) | (None, "") => name.to_string(),
                (None, part) => {
                    paths.push(format!("{name}.{part}"));
                    format!("{name}.{part}")
                }
            };
            paths.extend(
                table
                    .fields
                    .iter()
                    .map(|(field, _)| format!("{prefix}.{field}")),
            );
        }
        paths
    }

    /// What a name is declared as, the last declaration first found: in the program, in the files that it imports, in the standard library.
    pub fn declared(&self, name: &str) -> Option<Declared> {
        let sources = &self.checker.sources;
        let library = STANDARD_LIBRARY.len();
        // The program's text comes first, then the library, then imports.
        let imports = sources.files().len().saturating_sub(library + 1);
        let order = std::iter::once(0)
            .chain(library + 1..library + 1 + imports)
            .chain(1..library + 1);
        order.map(|at| FileId(at as u32)).find_map(|file| {
            declarations(sources, file)
                .into_iter()
                .rfind(|d| d.name == name)
        })
    }

    /// Parameters and states of the layers that have a name, with their paths, sorted.
    pub fn weights(&self) -> Vec<(String, SlotId, Type)> {
        let mut found: Vec<(String, SlotId, Type)> = Vec::new();
        for value in self.checker.modules[1].names.values() {
            let Val::Instance(instance) = value else {
                continue;
            };
            for (path, slot) in self.checker.slots_of(instance, None) {
                let ty = self.checker.program.slot(slot).ty.clone();
                if found.iter().all(|(_, known, _)| *known != slot) {
                    found.push((path, slot, ty));
                }
            }
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    }

    /// A slot.
    pub fn slot(&self, slot: SlotId) -> &SlotData {
        self.checker.program.slot(slot)
    }

    /// Names of instances that have weights, sorted.
    pub fn instances(&self) -> Vec<String> {
        let names = self.checker.modules[1].names.iter();
        let mut found: Vec<String> = names
            .filter_map(|(name, value)| match value {
                Val::Instance(instance) if !self.checker.slots_of(instance, None).is_empty() => {
                    Some(name.to_string())
                }
                _ => None,
            })
            .collect();
        found.sort();
        found
    }

    /// The names that the program has bound and declared, each with what it is.
    pub fn bound(&self) -> Vec<(String, String)> {
        let names = self.checker.modules[1].names.iter();
        let what = |value: &Val| match value {
            Val::Slot(slot, dims) => {
                let ty = &self.checker.program.slot(*slot).ty;
                typed(ty, dims)
            }
            Val::Hyper(..) => "a hyper-parameter".into(),
            Val::Num(Num::Int(number)) => number.to_string(),
            Val::Num(Num::Float(number)) => number.to_string(),
            Val::Fn(_) => "a function".into(),
            Val::Layer(_) => "a layer".into(),
            Val::Optimizer(_) => "an optimizer".into(),
            Val::Instance(instance) => {
                let slots = self.checker.slots_of(instance, Some(SlotKind::Parameter));
                let count: usize = slots
                    .iter()
                    .map(|(_, slot)| self.slot(*slot).ty.len())
                    .sum();
                format!("{}, {count} parameters", instance.def.syntax.name.text)
            }
            other => other.kind().into(),
        };
        names
            .map(|(name, value)| (name.to_string(), what(value)))
            .collect()
    }

    /// Elaborates the parts again. What was wrong is given back with the texts that it speaks of.
    fn back(&mut self) -> Wrong {
        let diagnostics = std::mem::take(&mut self.checker.diagnostics);
        let sources = std::mem::take(&mut self.checker.sources);
        self.start();
        for part in std::mem::take(&mut self.parts) {
            self.rename_again();
            if self.elaborated(&part).is_some() {
                self.parts.push(part);
                continue;
            }
            // It was right before, on the same data: what follows would be of another program.
            let message = "fault of the compiler: an input that was right is wrong now, and all after it are forgotten";
            let warning = Diagnostic::warning("E0699", Span::default(), message);
            self.checker.diagnostics =
                vec![warning.help("please report it together with the inputs")];
            break;
        }
        self.rename_again();
        Wrong {
            diagnostics: once(diagnostics),
            sources,
        }
    }

    /// Where the parts are elaborated again: the other name, once those that come first are there.
    fn rename_again(&mut self) {
        if let Some((first, name)) = &self.renamed
            && *first == self.parts.len()
        {
            self.checker.sources.rename(self.file, name.as_str());
        }
    }

    fn start(&mut self) {
        let mut sources = Sources::default();
        self.file = sources.add(self.name.as_str(), "");
        self.checker = Checker::new(sources, (self.provide)(), self.options.clone());
        self.checker.prompt = Some(Vec::new());
        self.graphs = 0;
        self.made.clear();
        self.renewed.clear();
    }

    /// The statements of a text, now at the end of the program's; `None` after a mistake.
    fn parsed(&mut self, text: &str) -> Option<Vec<Stmt>> {
        let start = self.checker.sources.file(self.file).text.len();
        let end = if text.ends_with('\n') { "" } else { "\n" };
        self.checker
            .sources
            .append(self.file, &format!("{text}{end}"));
        self.checker.token_starts.remove(&self.file);
        let (tree, diagnostics) = parse::parse_from(&self.checker.sources, self.file, start);
        self.checker.diagnostics.extend(diagnostics);
        (!self.checker.has_errors()).then_some(tree.statements)
    }

    fn elaborated(&mut self, text: &str) -> Option<Part> {
        // A limit is one of each input, not of a day at the prompt.
        self.checker.evaluations = 0;
        if !self.parts.is_empty() {
            // Values given from outside are those of the program that came first.
            self.checker.options.hypers.clear();
        }
        let statements = self.parsed(text)?;
        self.declare(&statements);
        self.checker.body(&statements);
        self.checker.flush();
        self.note_instances(&statements);
        self.checker.fill_instances();
        if self.checker.has_errors() {
            return None;
        }
        let renewed = self.compare_renewed();
        self.checker.initial_graph();
        Some(self.part(renewed))
    }

    /// Declares what the statements do, also what was declared before, and makes instances of such layers again.
    fn declare(&mut self, statements: &[Stmt]) {
        let module = &mut self.checker.modules[1];
        let mut again = HashSet::new();
        for statement in statements {
            if let Some(name) = declared_name(statement)
                && module.spans.remove(&name).is_some()
            {
                again.insert(name);
            }
            if let StmtKind::Let {
                pattern: Pattern::Name(name),
                ..
            } = &statement.kind
            {
                // An instance that takes a name takes its path too.
                self.checker.root_ordinals.remove(&*name.text);
            }
        }
        self.checker.declare_all(statements, 1);
        if !again.is_empty() {
            self.renew(&again);
        }
    }

    /// Makes each top-level instance again that applies a layer of these names.
    fn renew(&mut self, again: &HashSet<Arc<str>>) {
        let mut names: Vec<Arc<str>> = self.made.keys().cloned().collect();
        names.sort();
        for name in names {
            let Some(Val::Instance(old)) = self.checker.modules[1].names.get(&name).cloned() else {
                continue;
            };
            if !uses(&old, again) {
                continue;
            }
            let Some(value) = self.made.get(&name).cloned() else {
                continue;
            };
            // The place of the expression would give the old one back.
            let instances = &mut self.checker.root_children;
            instances.retain(|_, instance| !Rc::ptr_eq(instance, &old));
            let said = self.checker.diagnostics.len();
            let made = self.checker.eval(&value);
            let Ok(Val::Instance(new)) = made else {
                self.checker.diagnostics.truncate(said);
                let place = old.span;
                let layer = &old.def.syntax.name.text;
                let message = format!(
                    "`{name}` keeps the former `{layer}`: the new one does not take what `{name}` was made with"
                );
                let warning = Diagnostic::warning("W0201", place, message)
                    .help(format!("make it anew: `let {name} = {layer}(...)`"));
                self.checker.diagnostics.push(warning);
                continue;
            };
            *new.path.borrow_mut() = old.path.borrow().clone();
            match self
                .renewed
                .iter_mut()
                .find(|(_, last)| Rc::ptr_eq(last, &old))
            {
                Some((_, last)) => *last = new.clone(),
                None => self.renewed.push((old, new.clone())),
            }
            self.checker.modules[1]
                .names
                .insert(name, Val::Instance(new));
        }
    }

    /// Remembers how top-level instances are made.
    fn note_instances(&mut self, statements: &[Stmt]) {
        for statement in statements {
            let StmtKind::Let {
                pattern: Pattern::Name(name),
                value,
                ..
            } = &statement.kind
            else {
                continue;
            };
            match self.checker.modules[1].names.get(&name.text) {
                Some(Val::Instance(_)) => {
                    self.made.insert(name.text.clone(), value.clone());
                }
                _ => {
                    self.made.remove(&name.text);
                }
            }
        }
    }

    /// For renewed instances that have been applied: weights of the same path and type keep their values.
    fn compare_renewed(&mut self) -> Vec<Renewed> {
        let (ready, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.renewed)
            .into_iter()
            .partition(|(_, new)| new.applied.get());
        self.renewed = waiting;
        let mut reports = Vec::new();
        let mut copies = Vec::new();
        for (old, new) in ready {
            let before = self.checker.slots_of(&old, None);
            if before.is_empty() {
                continue;
            }
            let now = self.checker.slots_of(&new, None);
            let mut report = Renewed {
                name: self.checker.path(&new),
                kept: Vec::new(),
                new: Vec::new(),
                dropped: Vec::new(),
            };
            for (path, to) in &now {
                let same = before.iter().find(|(known, from)| {
                    known == path
                        && self.checker.program.slot(*from).ty == self.checker.program.slot(*to).ty
                });
                match same {
                    Some((_, from)) => {
                        report.kept.push(path.clone());
                        copies.push(Instr::Copy {
                            from: *from,
                            to: *to,
                        });
                    }
                    None => report.new.push(path.clone()),
                }
            }
            let gone = before
                .iter()
                .filter(|(path, _)| !report.kept.contains(path));
            report.dropped = gone.map(|(path, _)| path.clone()).collect();
            reports.push(report);
        }
        let code = &mut self.checker.program.code;
        let count = copies.len();
        code.iter_mut()
            .for_each(|instr| shift_targets(instr, count));
        code.splice(0..0, copies);
        reports
    }

    /// What was added since the last part, as a program.
    fn part(&mut self, renewed: Vec<Renewed>) -> Part {
        let first = std::mem::replace(&mut self.graphs, self.checker.program.graphs.len());
        let shown = self.checker.prompt.replace(Vec::new()).unwrap_or_default();
        let mut visible = HashSet::new();
        shown
            .iter()
            .for_each(|shown| shown_slots(shown, &mut visible));
        bound_slots(&self.checker.modules[1].names, &mut visible);
        let whole = &mut self.checker.program;
        let mut program = Program {
            slots: whole.slots.clone(),
            graphs: whole.graphs[first..].to_vec(),
            code: std::mem::take(&mut whole.code),
            data: whole.data.clone(),
            iterators: whole.iterators,
            base_dir: whole.base_dir.clone(),
            computed: whole.computed.clone(),
        };
        for instr in &mut program.code {
            if let Instr::Run(graph) | Instr::RunTimes { graph, .. } = instr {
                *graph -= first;
            }
        }
        prune(&mut program, &visible);
        Part {
            program,
            shown,
            renewed,
            warnings: once(std::mem::take(&mut self.checker.diagnostics)),
        }
    }

    fn expression_type(&mut self, text: &str) -> Option<String> {
        let statements = self.parsed(text)?;
        let [
            Stmt {
                kind: StmtKind::Expr(expr),
                ..
            },
        ] = statements.as_slice()
        else {
            let span = statements.first().map_or(Span::default(), |s| s.span);
            let diagnostic = Diagnostic::error("E0441", span, "a type is that of one expression");
            self.checker.report(diagnostic.help("write `:type x @ w`"));
            return None;
        };
        let value = self.checker.eval(expr).ok()?;
        self.checker.described_type(&value, expr.span).ok()
    }
}

fn declared_name(statement: &Stmt) -> Option<Arc<str>> {
    match &statement.kind {
        StmtKind::Fn(function) => function.name.as_ref().map(|name| name.text.clone()),
        StmtKind::Layer(layer) => Some(layer.name.text.clone()),
        StmtKind::Optimizer(optimizer) => Some(optimizer.name.text.clone()),
        _ => None,
    }
}

/// Whether an instance, or one inside it, is of a layer of these names.
fn uses(instance: &Instance, names: &HashSet<Arc<str>>) -> bool {
    names.contains(&instance.def.syntax.name.text)
        || instance
            .children
            .borrow()
            .values()
            .any(|child| uses(child, names))
}

fn shown_slots(shown: &Shown, into: &mut HashSet<SlotId>) {
    match shown {
        Shown::Tensor(slot, _) => {
            into.insert(*slot);
        }
        Shown::Text(_) => {}
        Shown::Several(parts) => parts.iter().for_each(|part| shown_slots(part, into)),
    }
}

/// Slots that names in scope lead to.
fn bound_slots(names: &Bindings, into: &mut HashSet<SlotId>) {
    names.values().for_each(|value| value_slots(value, into));
}

fn value_slots(value: &Val, into: &mut HashSet<SlotId>) {
    match value {
        Val::Slot(slot, _) | Val::Hyper(slot, _) => {
            into.insert(*slot);
        }
        Val::Tuple(parts) => parts.iter().for_each(|part| value_slots(part, into)),
        Val::List(items) => items.iter().for_each(|(_, item)| value_slots(item, into)),
        Val::Record(fields) => fields
            .iter()
            .for_each(|(_, field)| value_slots(field, into)),
        Val::Fn(def) => {
            if let Some(closure) = &def.closure {
                bound_slots(closure, into);
            }
        }
        Val::Instance(instance) => bound_slots(&instance.config.borrow(), into),
        Val::OptimizerUse(optimizer) => bound_slots(&optimizer.scope, into),
        Val::Tensor(_)
        | Val::Num(_)
        | Val::Bool(_)
        | Val::Str(_)
        | Val::None
        | Val::Sizes(..)
        | Val::Ix(_)
        | Val::Layer(_)
        | Val::Optimizer(_)
        | Val::Builtin(_)
        | Val::Reader(_)
        | Val::Init(_)
        | Val::Data(_)
        | Val::Batches(..)
        | Val::Patience(_)
        | Val::Error => {}
    }
}

/// The same is told once.
fn once(diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut told: Vec<Diagnostic> = Vec::new();
    for diagnostic in diagnostics {
        if !told.contains(&diagnostic) {
            told.push(diagnostic);
        }
    }
    told
}
