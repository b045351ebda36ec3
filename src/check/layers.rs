//! Layers: applying instances, parameters and states, paths, initial values.
use super::call::Argument;
use super::program::{SlotId, SlotKind};
use super::traced::Applied;
use super::values::{
    Bindings, Builtin, DimNames, Init, Instance, Num, Outcome, Reported, TensorVal, Val,
};
use super::{Checker, Frame, fnv_text};
use crate::base::source::Span;
use crate::base::types::{DType, Type};
use crate::syntax::ast::{Expr, Name, TypeExpr};
use crate::tir::build::map;
use crate::tir::{Body, Inst, Op};
use std::rc::Rc;
use std::sync::Arc;

impl Checker<'_> {
    /// Applies an instance to inputs: the body is written out here, its parameters are the instance's.
    pub(super) fn apply(
        &mut self,
        instance: &Rc<Instance>,
        arguments: Vec<Argument>,
        span: Span,
    ) -> Outcome<Val> {
        let name = instance.def.syntax.name.text.clone();
        self.path(instance);
        instance.applied.set(true);
        let frame = Frame {
            scopes: vec![instance.config.borrow().clone(), Bindings::new()],
            module: instance.def.module,
            instance: Some(instance.clone()),
            function: false,
            ..Frame::default()
        };
        self.enter(&name, span, frame)?;
        // The place of an instance inside this one must not depend on where this one is applied.
        let places = std::mem::take(&mut self.places);
        let applied = Applied {
            name: &name,
            path: Some(self.path(instance)),
            written: instance.span,
            parameters: &instance.def.syntax.inputs,
            arguments: &arguments.clone(),
        };
        let outcome = self.traced(applied, |checker| {
            checker.layer_body(instance, &name, arguments, span)
        });
        self.places = places;
        self.leave();
        if outcome.is_err() {
            instance.failed.set(true);
        }
        self.note_scores(instance, &outcome);
        outcome
    }

    fn layer_body(
        &mut self,
        instance: &Rc<Instance>,
        name: &str,
        arguments: Vec<Argument>,
        span: Span,
    ) -> Outcome<Val> {
        let syntax = instance.def.syntax.clone();
        self.bind_parameters(&syntax.inputs, arguments, name, span)?;
        self.body_value(&syntax.body, syntax.result.as_ref(), name)
    }

    /// The instance's path; given now if it has none: the layer's name with its ordinal in the instance around.
    pub(super) fn path(&mut self, instance: &Rc<Instance>) -> String {
        if let Some(path) = instance.path.borrow().as_ref() {
            return path.clone();
        }
        let name = instance.def.syntax.name.text.to_string();
        let path = self.take_path(instance, &name, true);
        *instance.path.borrow_mut() = Some(path.clone());
        path
    }

    /// Gives an instance the path of the name it is bound to, if it has none yet.
    pub(super) fn name_instance(&mut self, instance: &Rc<Instance>, name: &Arc<str>) {
        if instance.path.borrow().is_none() {
            let path = self.take_path(instance, name, false);
            *instance.path.borrow_mut() = Some(path);
        }
    }

    fn take_path(&mut self, instance: &Rc<Instance>, name: &str, numbered: bool) -> String {
        let (prefix, ordinal) = match &instance.parent {
            Some(parent) => {
                let prefix = format!("{}.", self.path(parent));
                let mut ordinals = parent.ordinals.borrow_mut();
                let ordinal = ordinals.entry(name.to_string()).or_default();
                *ordinal += 1;
                (prefix, *ordinal)
            }
            None => {
                let ordinal = self.root_ordinals.entry(name.to_string()).or_default();
                *ordinal += 1;
                (String::new(), *ordinal)
            }
        };
        if numbered || ordinal > 1 {
            format!("{prefix}{name}_{ordinal}")
        } else {
            format!("{prefix}{name}")
        }
    }

    /// `param name: type = initialiser` in a layer's body.
    pub(super) fn param(
        &mut self,
        name: &Name,
        ty: &TypeExpr,
        init: Option<&Expr>,
        span: Span,
    ) -> Outcome<()> {
        let slot = self.layer_slot(name, Some(ty), init, SlotKind::Parameter, span);
        if slot.is_err() {
            self.bind(&name.text, Val::Error);
        }
        let (slot, dims) = slot?;
        self.bind(&name.text, Val::Slot(slot, dims));
        self.note_name(name);
        Ok(())
    }

    /// `state name: type = initialiser` in a layer's body.
    pub(super) fn layer_state(
        &mut self,
        name: &Name,
        ty: Option<&TypeExpr>,
        init: &Expr,
        span: Span,
    ) -> Outcome<()> {
        let slot = self.layer_slot(name, ty, Some(init), SlotKind::State, span);
        if slot.is_err() {
            self.bind(&name.text, Val::Error);
        }
        let (slot, dims) = slot?;
        self.bind(&name.text, Val::Slot(slot, dims));
        self.note_name(name);
        Ok(())
    }

    fn layer_slot(
        &mut self,
        name: &Name,
        ty: Option<&TypeExpr>,
        init: Option<&Expr>,
        kind: SlotKind,
        span: Span,
    ) -> Outcome<(SlotId, DimNames)> {
        let Some(instance) = self.frame().instance.clone() else {
            return self.error(
                "E0416",
                span,
                format!("`{}` needs a layer to belong to", name.text),
                "declare it in the body of a `layer`",
            );
        };
        let (dtype, (shape, dims)) = match ty {
            Some(ty) => (self.element_type(ty)?, self.stated_shape(ty)?),
            None => (self.float, (Vec::new(), Vec::new())),
        };
        let known = instance.slots.borrow().get(&name.text).cloned();
        if let Some((slot, dims)) = known {
            let known = self.program.slot(slot).ty.clone();
            if known.shape != shape {
                let path = self.path(&instance);
                let message = format!(
                    "`{path}.{}` is {:?} here and was {:?} where the layer was applied first",
                    name.text, shape, known.shape
                );
                return self.error(
                    "E0354",
                    span,
                    message,
                    "one instance has one set of weights: make another instance for other sizes",
                );
            }
            return Ok((slot, dims));
        }
        let path = format!("{}.{}", self.path(&instance), name.text);
        let slot = self.new_slot(path.clone(), Type::new(dtype, shape.clone()), kind, None);
        instance
            .slots
            .borrow_mut()
            .insert(name.text.clone(), (slot, dims.clone()));
        if let Some(init) = init {
            self.initial_value(slot, init, &path)?;
        }
        Ok((slot, dims))
    }

    /// Adds the computation of a slot's initial value to the graph that runs before everything else.
    fn initial_value(&mut self, slot: SlotId, init: &Expr, path: &str) -> Outcome<()> {
        let ty = self.program.slot(slot).ty.clone();
        let segment = std::mem::take(&mut self.initial);
        let outer = std::mem::replace(&mut self.segment, segment);
        let places = std::mem::replace(&mut self.places, vec![fnv_text(path)]);
        let streams = std::mem::replace(&mut self.streams, vec![fnv_text(path)]);
        let vars = std::mem::take(&mut self.index_vars);
        let (training, loops, turns) = (
            self.training,
            std::mem::take(&mut self.loops),
            std::mem::take(&mut self.scan_turns),
        );
        self.training = false;
        self.graph();
        let outcome = self.initial_tensor(init, &ty);
        if let Ok(tensor) = &outcome {
            let value = tensor.value;
            let graph = &mut self.segment.open[0].graph;
            if is_zero(graph, value) {
                // The memory of a slot starts as zeros.
            } else {
                graph.outputs.push(value);
                self.initial_outputs.push(slot);
            }
        }
        (self.training, self.loops, self.scan_turns) = (training, loops, turns);
        self.index_vars = vars;
        self.places = places;
        self.streams = streams;
        let segment = std::mem::replace(&mut self.segment, outer);
        self.initial = segment;
        outcome.map(|_| ())
    }

    /// The same for a slot that belongs to no layer.
    pub(super) fn initial_value_of(
        &mut self,
        slot: SlotId,
        init: &Expr,
        path: &str,
    ) -> Outcome<()> {
        self.initial_value(slot, init, path)
    }

    /// The initial value of a declared tensor. Initialisers and number literals give the floats that the declaration asks for.
    fn initial_tensor(&mut self, init: &Expr, ty: &Type) -> Outcome<TensorVal> {
        let around = self.float;
        if ty.dtype.is_float() {
            self.float = ty.dtype;
        }
        let value = self.initial_of_type(init, ty);
        self.float = around;
        value
    }

    fn initial_of_type(&mut self, init: &Expr, ty: &Type) -> Outcome<TensorVal> {
        let value = self.eval(init)?;
        let dims = vec![None; ty.shape.len()];
        let value = match value {
            Val::Builtin(_) | Val::Init(_) | Val::Fn(_) => {
                self.initialised(&value, &ty.shape, &dims, init.span)?
            }
            other => other,
        };
        let tensor = self.operand(&value, Some(ty.dtype), init.span)?;
        let found = self.type_of(&tensor);
        if found.dtype != ty.dtype || !(found.shape == ty.shape || found.shape.is_empty()) {
            let described = self.describe(&tensor);
            return self.shape_error(
                "E0355",
                init.span,
                format!("the initial value is {found}, the declaration says {ty}"),
                &[(init.span, described)],
                "give a value of that shape, or an initialiser",
            );
        }
        Ok(self.stretched(&tensor, &ty.shape, &dims, init.span))
    }

    /// An initialiser's tensor of a shape.
    pub(super) fn initialised(
        &mut self,
        init: &Val,
        shape: &[usize],
        dims: &DimNames,
        span: Span,
    ) -> Outcome<Val> {
        let float = self.float;
        self.fits_memory(shape, span)?;
        match init {
            Val::Builtin(Builtin::Zeros) => self.filled(float, 0.0, shape, dims, span),
            Val::Builtin(Builtin::Ones) => self.filled(float, 1.0, shape, dims, span),
            Val::Builtin(builtin @ (Builtin::Normal | Builtin::Uniform)) => {
                self.random(*builtin, &[], shape, dims, span)
            }
            Val::Init(init) => match &**init {
                Init::Builtin(builtin, arguments) => {
                    self.random(*builtin, arguments, shape, dims, span)
                }
                Init::Function(def, arguments) => {
                    let arguments = arguments
                        .iter()
                        .map(|(name, value, span)| Argument {
                            name: name.clone(),
                            value: value.clone(),
                            span: *span,
                        })
                        .collect();
                    self.call_initialiser(def, arguments, shape, dims, span)
                }
            },
            Val::Fn(def) => self.call_initialiser(def, Vec::new(), shape, dims, span),
            other => self.error(
                "E0417",
                span,
                format!("{} gives no initial value for a shape", other.kind()),
                "use an initialiser: `zeros`, `glorot_uniform`, `normal(0.02)`",
            ),
        }
    }

    fn filled(
        &mut self,
        dtype: DType,
        value: f64,
        shape: &[usize],
        dims: &DimNames,
        span: Span,
    ) -> Outcome<Val> {
        let value = self.graph().splat(dtype, value, shape, span);
        Ok(Val::Tensor(self.tensor(value, dims.clone())))
    }

    /// Random numbers: a function of the seed, this place, the turns of the loops around, and the element.
    fn random(
        &mut self,
        builtin: Builtin,
        arguments: &[Val],
        shape: &[usize],
        dims: &DimNames,
        span: Span,
    ) -> Outcome<Val> {
        let mut factors = Vec::new();
        for argument in arguments {
            factors.push(self.operand(argument, Some(self.float), span)?);
        }
        let stream = self.stream_key(span);
        let mut body = Body::default();
        let mut reads = Vec::new();
        let constants =
            |body: &mut Body, value: u64| body.constant(DType::I32, f64::from(value as u32 as i32));
        let element = flat_element(&mut body, shape);
        let seed = self.options.seed;
        let zero = body.constant(DType::I32, 0.0);
        let turns: Vec<TensorVal> = self
            .loops
            .clone()
            .iter()
            .map(|site| self.read_slot(site.turn, &Vec::new()))
            .collect();
        let scans = self.scan_turns.clone();
        let mut word = |checker: &mut Checker<'_>, body: &mut Body, tensors: &[TensorVal]| {
            // Several counters are mixed by a multiplicative hash; one alone is itself.
            let mut mixed: Option<u32> = None;
            for tensor in tensors {
                let value = checker.here(tensor);
                reads.push(crate::tir::Read::affine(value, DType::I32, []));
                let read = body.push(Inst::Read(reads.len() as u32 - 1));
                mixed = Some(match mixed {
                    None => read,
                    Some(mixed) => {
                        let factor = body.constant(DType::I32, 1_000_003.0);
                        let scaled = body.op(Op::Mul, &[mixed, factor]);
                        body.op(Op::Add, &[scaled, read])
                    }
                });
            }
            mixed.unwrap_or(zero)
        };
        let scan_word = word(self, &mut body, &scans);
        let (inner, outer) = match turns.split_last() {
            Some((inner, outer)) => (
                word(self, &mut body, std::slice::from_ref(inner)),
                word(self, &mut body, outer),
            ),
            None => (zero, zero),
        };
        let key = constants(&mut body, seed ^ (seed >> 32));
        let stream = constants(&mut body, stream ^ (stream >> 32));
        let bits = body.op(Op::Philox, &[element, scan_word, inner, outer, key, stream]);
        let mut number = body.op(Op::UnitUniform, &[bits]);
        if self.float == DType::F64 {
            number = body.op(Op::ToF64, &[number]);
        }
        if builtin == Builtin::Normal {
            number = body.op(Op::NormalQuantile, &[number]);
        }
        let float = self.float;
        let factor_reads: Vec<u32> = factors
            .iter()
            .map(|factor| {
                let value = self.here(factor);
                reads.push(crate::tir::Read::affine(value, float, []));
                body.push(Inst::Read(reads.len() as u32 - 1))
            })
            .collect();
        number = match (builtin, factor_reads.as_slice()) {
            (Builtin::Normal, [deviation]) => body.op(Op::Mul, &[number, *deviation]),
            (Builtin::Normal, [mean, deviation]) => {
                let scaled = body.op(Op::Mul, &[number, *deviation]);
                body.op(Op::Add, &[scaled, *mean])
            }
            (Builtin::Uniform, [low, high]) => {
                let width = body.op(Op::Sub, &[*high, *low]);
                let scaled = body.op(Op::Mul, &[number, width]);
                body.op(Op::Add, &[scaled, *low])
            }
            _ => number,
        };
        body.result = number;
        let value = self
            .graph()
            .comprehension(map(shape, reads, body, float), span);
        Ok(Val::Tensor(self.tensor(value, dims.clone())))
    }

    /// `net.dense_1` or `net.W`: a part of an instance.
    pub(super) fn instance_field(&mut self, instance: &Rc<Instance>, name: &Name) -> Outcome<Val> {
        if let Some((slot, dims)) = instance.slots.borrow().get(&name.text).cloned() {
            return Ok(Val::Slot(slot, dims));
        }
        let path = format!("{}.{}", self.path(instance), name.text);
        let child = instance
            .children
            .borrow()
            .values()
            .find(|child| child.path.borrow().as_deref() == Some(&path))
            .cloned();
        if let Some(child) = child {
            return Ok(Val::Instance(child));
        }
        if !instance.applied.get() && self.has_errors() {
            return Err(Reported);
        }
        if !instance.applied.get() {
            let message = format!(
                "`{}` has no parameters yet: their sizes are known once it is applied",
                self.path(instance)
            );
            return self.error(
                "E0418",
                name.span,
                message,
                "apply it to a tensor first, or use it in `minimize` or `train`",
            );
        }
        if instance.failed.get() {
            return Err(Reported);
        }
        let mut known: Vec<String> = instance
            .slots
            .borrow()
            .keys()
            .map(|name| name.to_string())
            .collect();
        known.extend(instance.children.borrow().values().filter_map(|child| {
            let path = child.path.borrow().clone()?;
            path.rsplit('.').next().map(str::to_string)
        }));
        known.sort();
        self.no_such(
            &name.text,
            name.span,
            &format!(
                "parameter or part of `{}` called",
                instance.def.syntax.name.text
            ),
            &known,
        )
    }

    /// Every parameter (and state) of an instance and of those inside it: names in files and slots.
    pub(super) fn all_slots(&self, instance: &Rc<Instance>, into: &mut Vec<(String, SlotId)>) {
        for (slot, _) in instance.slots.borrow().values() {
            into.push((self.program.slot(*slot).name.clone(), *slot));
        }
        for child in instance.children.borrow().values() {
            self.all_slots(child, into);
        }
        // Instances given as configuration (`f: layer`) belong to it too.
        for value in instance.config.borrow().values() {
            if let Val::Instance(inner) = value {
                self.all_slots(inner, into);
            }
        }
    }

    /// The slots of an instance in order of their paths, each once.
    pub(super) fn slots_of(
        &self,
        instance: &Rc<Instance>,
        only: Option<SlotKind>,
    ) -> Vec<(String, SlotId)> {
        let mut all = Vec::new();
        self.all_slots(instance, &mut all);
        all.sort_by_key(|entry| entry.1);
        all.dedup();
        all.retain(|(_, slot)| only.is_none_or(|kind| self.program.slot(*slot).kind == kind));
        all
    }

    /// Assigns a layer's state in its body: only where training, in program order.
    pub(super) fn assign_state(&mut self, slot: SlotId, value: Val, span: Span) -> Outcome<()> {
        let ty = self.program.slot(slot).ty.clone();
        let tensor = self.operand(&value, Some(ty.dtype), span)?;
        if self.type_of(&tensor) != ty {
            let described = self.describe(&tensor);
            return self.shape_error(
                "E0356",
                span,
                format!("a state of type {ty} is assigned {described}"),
                &[(span, described)],
                "a state keeps its type",
            );
        }
        if !self.training {
            return Ok(());
        }
        if self.depth() > 0 {
            return self.error(
                "E0419",
                span,
                "a layer's state is assigned inside a `scan`",
                "carry it as a state of the scan",
            );
        }
        self.write_slot(slot, tensor, span);
        Ok(())
    }

    /// A whole number that an argument is, for counts.
    pub(super) fn count(&mut self, value: &Val, span: Span, what: &str) -> Outcome<usize> {
        match value {
            Val::Num(Num::Int(i)) | Val::Hyper(_, Num::Int(i)) if *i >= 0 => Ok(*i as usize),
            Val::Num(number) | Val::Hyper(_, number) => self.error(
                "E0406",
                span,
                format!("{what} is a whole number, not {}", number.value()),
                "write a whole number",
            ),
            Val::Error => Err(Reported),
            other => self.error(
                "E0406",
                span,
                format!(
                    "{what} is a number known before the program runs, not {}",
                    other.kind()
                ),
                "write a whole number",
            ),
        }
    }
}

/// The row-major number of the element at the free indices.
fn flat_element(body: &mut Body, shape: &[usize]) -> u32 {
    let strides = crate::base::types::strides(shape);
    let terms = strides
        .iter()
        .enumerate()
        .map(|(axis, &stride)| (axis, stride as i64));
    crate::tir::build::affine_value(body, &crate::tir::Affine::new(0, terms))
}

/// Whether a value is a tensor of zeros.
fn is_zero(graph: &crate::tir::Graph, value: crate::tir::Value) -> bool {
    match &graph.defining(value).node {
        crate::tir::Node::Comprehension(c) => {
            c.reducer.is_none()
                && matches!(c.body.insts.get(c.body.result as usize), Some(Inst::Const(literal)) if literal.value == 0.0)
        }
        _ => false,
    }
}
