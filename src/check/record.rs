//! What is seen of the source while it is elaborated, for editors: the types of expressions and names, and where names lead that only
//! elaboration knows. Off where nobody asks; then it costs a test of an empty option.
use super::program::SlotKind;
use super::shown::typed;
use super::values::{DataVal, Instance, Num, Val};
use super::{Checker, STANDARD_LIBRARY};
use crate::base::source::Span;
use crate::syntax::ast::{Arg, Block, Expr, ExprKind, Name, Param, Stmt, StmtKind};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::rc::Rc;

/// Different types of one place that are kept: a layer's body is elaborated for each application.
const MOST_TYPES: usize = 4;
/// Elaborations of one place that are looked at.
const MOST_LOOKS: u32 = 64;

/// What was seen of a source.
#[derive(Debug, Default)]
pub struct Record {
    /// Of each expression and each bound name, by its place.
    pub seen: HashMap<Span, Seen>,
    /// Fields and named arguments, by their place: where they are declared.
    pub leads: HashMap<Span, Span>,
    /// What has fields, with the names of the fields and what they are.
    pub members: Vec<Member>,
    /// Values with fields, whose fields are known at the end.
    holders: HashMap<Span, Val>,
    /// The files of the standard library, of which nothing is kept.
    library: Range<u32>,
}

/// The types of one place.
#[derive(Debug, Default, Clone)]
pub struct Seen {
    /// The different ones, in the order they came.
    pub types: Vec<String>,
    /// Whether there were more than are kept.
    pub more: bool,
    /// Whether each is a tensor, so that its type is a shape.
    pub tensor: bool,
    /// Whether it is what `|>` gives.
    pub stage: bool,
    looks: u32,
}

/// A value with fields.
#[derive(Debug, Clone)]
pub struct Member {
    /// Where it is written: a name, or a path such as `digits.train`.
    pub place: Span,
    /// The fields and their types.
    pub fields: BTreeMap<String, String>,
}

impl Checker<'_> {
    /// Begins to record. The standard library has been loaded last.
    pub(super) fn begin_record(&mut self) {
        let files = self.sources.files().len() as u32;
        self.record = Some(Box::new(Record {
            library: files.saturating_sub(STANDARD_LIBRARY.len() as u32)..files,
            ..Record::default()
        }));
    }

    /// What was recorded.
    pub(super) fn end_record(&mut self) -> Record {
        let mut record = self.record.take().map(|record| *record).unwrap_or_default();
        let mut holders: Vec<(Span, Val)> = record.holders.drain().collect();
        holders.sort_by_key(|(place, _)| *place);
        for (place, value) in holders {
            let fields = self.fields_of(&value);
            if !fields.is_empty() {
                record.members.push(Member { place, fields });
            }
        }
        record
    }

    /// Notes the value of an expression.
    pub(super) fn note(&mut self, expr: &Expr, value: &Val) {
        let holds = matches!(expr.kind, ExprKind::Name(_) | ExprKind::Field(..));
        self.note_at(expr.span, value, holds);
        if matches!(expr.kind, ExprKind::Pipe(..))
            && let Some(record) = self.record.as_deref_mut()
            && let Some(seen) = record.seen.get_mut(&expr.span)
        {
            seen.stage = true;
        }
    }

    /// Notes what a name is bound to.
    pub(super) fn note_name(&mut self, name: &Name) {
        if self.record.is_some()
            && let Some(value) = self.lookup(&name.text)
        {
            self.note_at(name.span, &value, true);
        }
    }

    fn note_at(&mut self, place: Span, value: &Val, holds: bool) {
        let Some(record) = self.record.as_deref_mut() else {
            return;
        };
        if record.library.contains(&place.file.0) || matches!(value, Val::Error) {
            return;
        }
        let seen = record.seen.entry(place).or_default();
        seen.looks += 1;
        if seen.looks > MOST_LOOKS {
            return;
        }
        if holds && matches!(value, Val::Instance(_) | Val::Data(_) | Val::Record(_)) {
            record.holders.insert(place, value.clone());
        }
        let text = self.told(value);
        let tensor = matches!(value, Val::Tensor(_) | Val::Slot(..));
        let Some(record) = self.record.as_deref_mut() else {
            return;
        };
        let seen = record.seen.entry(place).or_default();
        seen.tensor = tensor && (seen.tensor || seen.types.is_empty());
        if !seen.types.contains(&text) {
            match seen.types.len() < MOST_TYPES {
                true => seen.types.push(text),
                false => seen.more = true,
            }
        }
    }

    /// Notes where the named arguments of a call lead.
    pub(super) fn note_arguments(&mut self, function: &Val, arguments: &[Arg]) {
        let Some(record) = self.record.as_deref_mut() else {
            return;
        };
        let none: &[Param] = &[];
        let lists: [&[Param]; 2] = match function {
            Val::Fn(def) => [&def.syntax.inputs, none],
            Val::Layer(def) => [
                def.syntax.config.as_deref().unwrap_or(none),
                &def.syntax.inputs,
            ],
            Val::Instance(instance) => [&instance.def.syntax.inputs, none],
            Val::Optimizer(def) => [&def.syntax.config, none],
            _ => return,
        };
        let library = record.library.clone();
        let names = arguments
            .iter()
            .filter_map(|argument| argument.name.as_ref());
        for name in names.filter(|name| !library.contains(&name.span.file.0)) {
            let found = lists.iter().copied().flatten();
            if let Some(parameter) = found.into_iter().find(|p| p.name.text == name.text) {
                record.leads.insert(name.span, parameter.name.span);
            }
        }
    }

    /// Notes where a field of an instance leads.
    pub(super) fn note_field(&mut self, instance: &Instance, name: &Name, value: &Val) {
        let Some(record) = self.record.as_deref_mut() else {
            return;
        };
        let target = match value {
            Val::Instance(child) => Some(child.def.syntax.name.span),
            _ => weight(&instance.def.syntax.body, &name.text),
        };
        if let Some(target) = target
            && !record.library.contains(&name.span.file.0)
        {
            record.leads.insert(name.span, target);
        }
    }

    /// A value in the user's words. Nothing is computed, named or reported for it.
    pub(super) fn told(&self, value: &Val) -> String {
        match value {
            Val::Tensor(tensor) => typed(&self.type_of(tensor), &tensor.dims),
            Val::Slot(slot, dims) => typed(&self.program.slot(*slot).ty, dims),
            Val::Hyper(_, number) => format!("a hyper-parameter, {}", number.value()),
            Val::Num(Num::Int(number)) => format!("a whole number, {number}"),
            Val::Num(Num::Float(number)) => format!("a number, {number}"),
            Val::Bool(truth) => format!("a truth value, {truth}"),
            Val::Tuple(parts) => {
                let parts: Vec<String> = parts.iter().map(|part| self.told(part)).collect();
                format!("({})", parts.join(", "))
            }
            Val::List(items) => format!("a list of {}", items.len()),
            Val::Sizes(sizes, dims) => {
                format!("the sizes [{}]", super::shown::named_sizes(sizes, dims))
            }
            Val::Ix(ix) => {
                let dtype = ix.dtype(&|tensor| self.type_of(tensor).dtype);
                format!("{dtype}, one element for each index")
            }
            Val::Fn(def) => match &def.syntax.name {
                Some(name) => self.head(name.span, def.syntax.body.span, "fn"),
                None => "a function".into(),
            },
            Val::Layer(def) => self.head(def.syntax.name.span, def.syntax.body.span, "layer"),
            Val::Optimizer(def) => {
                self.head(def.syntax.name.span, def.syntax.body.span, "optimizer")
            }
            Val::Instance(instance) => self.told_instance(instance),
            Val::Data(data) => self.told_data(data),
            Val::Batches(data, size, _) => {
                format!("batches of {size} rows of {}", self.told_data(data))
            }
            Val::OptimizerUse(used) => format!("an optimizer, {}", used.def.syntax.name.text),
            Val::Str(_)
            | Val::None
            | Val::Builtin(_)
            | Val::Reader(_)
            | Val::Init(_)
            | Val::Record(_)
            | Val::Patience(_)
            | Val::Error => value.kind().into(),
        }
    }

    fn told_instance(&self, instance: &Rc<Instance>) -> String {
        let syntax = &instance.def.syntax;
        let head = self.head(syntax.name.span, syntax.body.span, "layer");
        format!("an instance of {head}")
    }

    fn told_data(&self, data: &DataVal) -> String {
        let opened = data.set.get().and_then(|at| self.program.data.get(at));
        match (opened, &data.part) {
            (Some(set), Some(part)) => match set.part(part) {
                Some(table) => format!("the part `{part}` of a data set, {} rows", table.rows()),
                None => "a data set".into(),
            },
            (Some(set), None) if !set.summary.is_empty() => format!("a data set, {}", set.summary),
            (Some(_) | None, _) => "a data set".into(),
        }
    }

    /// The fields of a value and what they are.
    fn fields_of(&self, value: &Val) -> BTreeMap<String, String> {
        match value {
            Val::Record(fields) => fields
                .iter()
                .map(|(name, value)| (name.to_string(), self.told(value)))
                .collect(),
            Val::Instance(instance) => self.parts_of(instance),
            Val::Data(data) => self.data_members(data),
            _ => BTreeMap::new(),
        }
    }

    fn parts_of(&self, instance: &Rc<Instance>) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for (name, (slot, dims)) in instance.slots.borrow().iter() {
            let slot = self.program.slot(*slot);
            let what = match slot.kind {
                SlotKind::State => ", a state",
                _ => "",
            };
            found.insert(name.to_string(), format!("{}{what}", typed(&slot.ty, dims)));
        }
        for child in instance.children.borrow().values() {
            let path = child.path.borrow().clone();
            if let Some(name) = path.as_deref().and_then(|path| path.rsplit('.').next()) {
                found.insert(name.to_string(), self.told_instance(child));
            }
        }
        found
    }

    fn data_members(&self, data: &DataVal) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let opened = data.set.get().and_then(|at| self.program.data.get(at));
        for (part, table) in opened.iter().flat_map(|set| &set.parts) {
            match (&data.part, part.as_str()) {
                (Some(own), part) if **own != *part => {}
                (Some(_), _) | (None, "") => {
                    let fields = table.fields.iter();
                    found.extend(
                        fields.map(|(name, tensor)| (name.clone(), tensor.ty().to_string())),
                    );
                }
                (None, part) => {
                    found.insert(part.to_string(), format!("{} rows", table.rows()));
                }
            }
        }
        found
    }
}

/// Where a layer's body declares a parameter or a state.
fn weight(body: &Block, name: &str) -> Option<Span> {
    fn in_statements(statements: &[Stmt], name: &str) -> Option<Span> {
        statements
            .iter()
            .find_map(|statement| match &statement.kind {
                StmtKind::Param { name: found, .. } | StmtKind::State { name: found, .. } => {
                    (*found.text == *name).then_some(found.span)
                }
                StmtKind::For { body, .. } => in_statements(&body.statements, name),
                StmtKind::Expr(Expr {
                    kind: ExprKind::If(_, then, otherwise),
                    ..
                }) => in_statements(&then.statements, name).or_else(|| {
                    let otherwise = otherwise.as_ref()?;
                    in_statements(&otherwise.statements, name)
                }),
                _ => None,
            })
    }
    in_statements(&body.statements, name)
}
