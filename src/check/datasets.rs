//! Data sets: readers, transforms, fields, batches.
use super::Checker;
use super::call::Argument;
use super::program::{self, SlotId, SlotKind};
use super::values::{DataVal, Num, Outcome, Reported, Val};
use crate::base::data::{DataError, DataOption, DataSource, DataSpec, TRANSFORM_NAMES, Transform};
use crate::base::diagnostic::Diagnostic;
use crate::base::source::Span;
use crate::base::tensor::{Elements, Tensor};
use crate::base::types::{DType, Type};
use crate::syntax::ast::Name;
use crate::tir::Node;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

impl Checker<'_> {
    /// A reader or transform by its name.
    pub(super) fn reader(
        &mut self,
        name: &str,
        arguments: Vec<Argument>,
        span: Span,
    ) -> Outcome<Val> {
        if let Some(Argument {
            value: Val::Data(_),
            ..
        }) = arguments.first()
        {
            return self.transform(name, arguments, span);
        }
        let mut paths = Vec::new();
        let mut options = Vec::new();
        for argument in arguments {
            match (&argument.name, &argument.value) {
                (None, Val::Str(path)) => paths.push(path.to_string()),
                (None, Val::Error) => return Err(Reported),
                (None, other) if TRANSFORM_NAMES.contains(&name) => {
                    let kind = other.kind();
                    let layers = match name {
                        "standardize" | "scale" => {
                            "; a layer normalises by `layer_norm` or `batch_norm`"
                        }
                        _ => "",
                    };
                    return self.error(
                        "E0506",
                        argument.span,
                        format!("`{name}` changes a data set, not {kind}"),
                        format!("write it in the pipe of the data, behind the reader: `csv(\"file.csv\") |> {name}`{layers}"),
                    );
                }
                (None, other) => {
                    let kind = other.kind();
                    return self.error(
                        "E0506",
                        argument.span,
                        format!("`{name}` reads files: a path is a string, not {kind}"),
                        format!("write `{name}(\"file\")`"),
                    );
                }
                (Some(option), value) => {
                    options.push((option.to_string(), self.data_option(value, argument.span)?))
                }
            }
        }
        let source = DataSource::Reader {
            name: name.to_string(),
            paths,
            options,
        };
        let spec = DataSpec {
            source,
            transforms: Vec::new(),
            base_dir: self.base_dir.clone(),
        };
        Ok(self.data_value(spec, span, Vec::new()))
    }

    fn data_value(&mut self, spec: DataSpec, span: Span, stages: Vec<Span>) -> Val {
        let data = DataVal {
            spec: Rc::new(spec),
            set: Rc::new(Cell::new(None)),
            part: None,
            span,
            stages: Rc::new(stages),
        };
        self.data_sets.push(data.clone());
        Val::Data(data)
    }

    /// Looks at data sets of which the program reads nothing: a file or column that is not there is a mistake, whether or not it is read.
    pub(super) fn unread_data(&mut self) {
        for data in std::mem::take(&mut self.data_sets) {
            if data.set.get().is_none()
                && let Err(error) = self.provider.open(&data.spec)
            {
                self.unopened(error, &data);
            }
        }
    }

    fn unopened(&mut self, error: DataError, data: &DataVal) -> Reported {
        let stage = error.stage.and_then(|stage| data.stages.get(stage));
        let span = stage.copied().unwrap_or(data.span);
        let code = if error.missing { "E0501" } else { "E0502" };
        let help = error.help.unwrap_or_else(|| "check the file".into());
        self.report(Diagnostic::error(code, span, error.message).help(help))
    }

    /// One more step of a data pipe.
    pub(super) fn transform(
        &mut self,
        name: &str,
        arguments: Vec<Argument>,
        span: Span,
    ) -> Outcome<Val> {
        let mut positional = Vec::new();
        let mut options = Vec::new();
        let (mut spec, mut stages) = (None, Vec::new());
        for (at, argument) in arguments.into_iter().enumerate() {
            match (at, argument.value, argument.name) {
                (0, Val::Data(data), _) => {
                    if data.part.is_some() {
                        return self.error(
                            "E0507",
                            span,
                            "a transform follows a whole data set, not a part of it",
                            "transform first, then take `.train`",
                        );
                    }
                    self.data_sets
                        .retain(|known| !Rc::ptr_eq(&known.spec, &data.spec));
                    spec = Some((*data.spec).clone());
                    stages = data.stages.to_vec();
                    stages.push(self.stage(argument.span, span));
                }
                (_, value, None) => positional.push(self.data_option(&value, argument.span)?),
                (_, value, Some(option)) => {
                    options.push((option.to_string(), self.data_option(&value, argument.span)?))
                }
            }
        }
        let Some(mut spec) = spec else {
            return Err(Reported);
        };
        spec.transforms.push(Transform {
            name: name.to_string(),
            arguments: positional,
            options,
        });
        Ok(self.data_value(spec, span, stages))
    }

    /// Where a transform stands: behind the `|>` that gives it its set, or the whole call.
    fn stage(&self, set: Span, whole: Span) -> Span {
        if set.file != whole.file || set.end > whole.end {
            return whole;
        }
        let behind = Span {
            start: set.end,
            ..whole
        };
        let text = self.sources.snippet(behind);
        match text.split_once("|>") {
            Some((before, after)) if before.trim().is_empty() => {
                let blank = after.len() - after.trim_start().len();
                let skipped = text.len() - after.len() + blank;
                Span {
                    start: set.end + skipped as u32,
                    ..whole
                }
            }
            Some(_) | None => whole,
        }
    }

    fn data_option(&mut self, value: &Val, span: Span) -> Outcome<DataOption> {
        Ok(match value {
            Val::Num(number) | Val::Hyper(_, number) => DataOption::Number(number.value()),
            Val::Str(text) => DataOption::Text(text.to_string()),
            Val::Bool(truth) => DataOption::Flag(*truth),
            Val::List(items) => {
                let mut options = Vec::new();
                for (_, item) in items {
                    options.push(self.data_option(item, span)?);
                }
                DataOption::List(options)
            }
            Val::Error => return Err(Reported),
            other => {
                return self.error(
                    "E0506",
                    span,
                    format!("{} cannot describe data", other.kind()),
                    "use numbers, strings and truth values",
                );
            }
        })
    }

    /// `data(x = ..., y = ...)`
    pub(super) fn make_data(&mut self, arguments: Vec<Argument>, span: Span) -> Outcome<Val> {
        let mut fields = Vec::new();
        for argument in arguments {
            let Some(name) = argument.name.clone() else {
                return self.error(
                    "E0508",
                    argument.span,
                    "the fields of a data set have names",
                    "write `data(x = ..., y = ...)`",
                );
            };
            let tensor = self.operand(&argument.value, None, argument.span)?;
            let elements = self.constant_elements(&tensor);
            let Some(elements) = elements else {
                return self.error(
                    "E0509",
                    argument.span,
                    "a data set is made of literals",
                    "read computed data from a file",
                );
            };
            let ty = self.type_of(&tensor);
            let elements = match ty.dtype {
                DType::F64 => Elements::F64(elements),
                DType::F32 => Elements::F32(elements.iter().map(|&x| x as f32).collect()),
                DType::I32 => Elements::I32(elements.iter().map(|&x| x as i32).collect()),
                DType::Bool => Elements::Bool(elements.iter().map(|&x| x as u8).collect()),
                DType::U8 => Elements::U8(elements.iter().map(|&x| x as u8).collect()),
            };
            let Some(tensor) = Tensor::new(ty.shape, elements) else {
                return Err(Reported);
            };
            fields.push((name.to_string(), tensor));
        }
        let spec = DataSpec {
            source: DataSource::Tensors(fields),
            transforms: Vec::new(),
            base_dir: self.base_dir.clone(),
        };
        Ok(self.data_value(spec, span, Vec::new()))
    }

    /// The elements of a tensor that a literal gives, also through a `let` that nothing assigned since.
    fn constant_elements(&mut self, tensor: &super::values::TensorVal) -> Option<Vec<f64>> {
        let value = self.here(tensor);
        match self.graph().defining(value).node.clone() {
            Node::Constant(elements) => Some(elements),
            Node::Input(number) => {
                let slot = *self.segment.inputs.get(number as usize)?;
                let writers: Vec<_> = self
                    .program
                    .graphs
                    .iter()
                    .filter_map(|step| {
                        let at = step.outputs.iter().position(|output| *output == slot)?;
                        Some((step, *step.graph.outputs.get(at)?))
                    })
                    .collect();
                match writers.as_slice() {
                    [(step, output)] => match &step.graph.defining(*output).node {
                        Node::Constant(elements) => Some(elements.clone()),
                        _ => None,
                    },
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// Opens a data set; gives its number and the part that is meant.
    pub(super) fn open_data(&mut self, data: &DataVal) -> Outcome<(usize, String)> {
        let (set, parts) = self.open_whole(data)?;
        match (&data.part, parts.as_slice()) {
            (Some(part), _) => Ok((set, part.to_string())),
            (None, [only]) => Ok((set, only.clone())),
            (None, parts) => {
                let help = format!(
                    "choose one: {}",
                    parts
                        .iter()
                        .map(|part| format!("`.{part}`"))
                        .collect::<Vec<_>>()
                        .join(", ")
                );
                self.error("E0510", data.span, "this data set has several parts", help)
            }
        }
    }

    /// Opens a data set; gives its number and the names of its parts.
    pub(super) fn open_whole(&mut self, data: &DataVal) -> Outcome<(usize, Vec<String>)> {
        let set = match data.set.get() {
            Some(set) => set,
            None => match self.provider.open(&data.spec) {
                Ok(set) => {
                    let known = self
                        .program
                        .data
                        .iter()
                        .position(|other| Arc::ptr_eq(other, &set));
                    let number = known.unwrap_or_else(|| {
                        self.program.data.push(set);
                        self.program.data.len() - 1
                    });
                    data.set.set(Some(number));
                    number
                }
                Err(error) => return Err(self.unopened(error, data)),
            },
        };
        let parts = self.program.data[set]
            .parts
            .iter()
            .map(|(name, _)| name.clone())
            .collect();
        Ok((set, parts))
    }

    /// `set.train`, `set.x`
    pub(super) fn data_field(&mut self, data: DataVal, name: &Name) -> Outcome<Val> {
        let (set, parts) = self.open_whole(&data)?;
        if data.part.is_none() && parts.iter().any(|part| **part == *name.text) {
            return Ok(Val::Data(DataVal {
                part: Some(name.text.clone()),
                ..data
            }));
        }
        let found = self.program.data[set].clone();
        match &*name.text {
            "vocabulary" if !found.vocabulary.is_empty() => {
                return Ok(Val::Num(Num::Int(found.vocabulary.len() as i64)));
            }
            "classes" if !found.classes.is_empty() => {
                return Ok(Val::Num(Num::Int(found.classes[0].1.len() as i64)));
            }
            _ => {}
        }
        if data.part.is_none() && parts.len() > 1 {
            return self.no_such(
                &name.text,
                name.span,
                "part of this data set called",
                &parts,
            );
        }
        let (set, part) = self.open_data(&data)?;
        let Some(table) = found.part(&part) else {
            return Err(Reported);
        };
        if &*name.text == "rows" {
            return Ok(Val::Num(Num::Int(table.rows() as i64)));
        }
        if found.field_type(&part, &name.text).is_none() {
            let known: Vec<String> = table
                .fields
                .iter()
                .map(|(field, _)| field.clone())
                .collect();
            return self.no_such(
                &name.text,
                name.span,
                "field of this data set called",
                &known,
            );
        }
        let slot = self.field_slot(program::Field {
            data: set,
            part,
            name: name.text.to_string(),
        });
        let rank = self.program.slot(slot).ty.shape.len();
        Ok(Val::Slot(slot, vec![None; rank]))
    }

    /// `batches(set, size, shuffle = true, seed = 1)`
    pub(super) fn make_batches(&mut self, arguments: Vec<Argument>, span: Span) -> Outcome<Val> {
        let (mut data, mut size, mut shuffle, mut seed) = (None, None, false, 0u64);
        for (at, argument) in arguments.into_iter().enumerate() {
            match (at, argument.name.as_deref(), &argument.value) {
                (_, _, Val::Error) => return Err(Reported),
                (0, None, Val::Data(found)) => data = Some(found.clone()),
                (1, None, value) | (_, Some("size"), value) => {
                    size = Some(self.count(value, argument.span, "the batch size")?)
                }
                (_, Some("shuffle"), Val::Bool(truth)) => shuffle = *truth,
                (_, Some("seed"), value) => {
                    seed = self.count(value, argument.span, "the seed")? as u64
                }
                (0, None, other) => {
                    let kind = other.kind();
                    return self.error(
                        "E0511",
                        argument.span,
                        format!("batches are taken of a data set, not of {kind}"),
                        "write `set.train |> batches(64)`",
                    );
                }
                (_, Some(name), _) => {
                    let name = name.to_string();
                    return self.error(
                        "E0202",
                        argument.span,
                        format!("`batches` has no argument `{name}`"),
                        "it takes size, shuffle and seed",
                    );
                }
                _ => {
                    return self.error(
                        "E0410",
                        argument.span,
                        "`batches` takes a data set and a size",
                        "write `set |> batches(64, shuffle = true)`",
                    );
                }
            }
        }
        match (data, size) {
            (Some(_), Some(0)) => self.error(
                "E0512",
                span,
                "a batch has at least one row",
                "give a size above 0",
            ),
            (Some(data), Some(size)) => Ok(Val::Batches(
                data,
                size,
                shuffle.then_some(seed ^ self.options.seed),
            )),
            _ => self.error(
                "E0410",
                span,
                "`batches` takes a data set and a size",
                "write `set |> batches(64, shuffle = true)`",
            ),
        }
    }

    /// The slot in which a field that is there lies whole.
    pub(super) fn field_slot(&mut self, field: program::Field) -> SlotId {
        if let Some(&slot) = self.field_slots.get(&field) {
            return slot;
        }
        let ty = self
            .program
            .field(&field)
            .map_or_else(|| Type::scalar(DType::F32), Tensor::ty);
        let slot = self.new_slot(field.name.clone(), ty, SlotKind::Data, None);
        self.field_slots.insert(field.clone(), slot);
        self.program.slots[slot.0 as usize].field = Some(field);
        slot
    }

    /// A number for a slot that the plan counts or sums in.
    pub(super) fn sum_slot(&mut self, name: &str) -> SlotId {
        self.new_slot(
            name,
            crate::base::types::Type::scalar(DType::F64),
            SlotKind::Counter,
            None,
        )
    }
}
