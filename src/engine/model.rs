//! A trained layer that predicts.
use super::{Engine, Error, Trainer, check, guarded, locked, stopped};
use crate::base::source::Sources;
use crate::base::tensor::Tensor;
use crate::base::types::{DType, Type};
use crate::check::program::{self as plan, SlotId, StepGraph};
use crate::runtime::{Call, CallSpace, Store};
use crate::session::{self, Source};
use crate::train::refused::out_of_range;
use crate::train::values;
use std::collections::HashSet;
use std::sync::Mutex;

/// Names that the statements added for a prediction bind.
const INPUT: &str = "dlmc_input";
const OUTPUT: &str = "dlmc_output";

/// A trained layer for inputs of one size. Any number of threads may predict at once.
pub struct Model {
    engine: Engine,
    sources: Sources,
    call: Call,
    input: (SlotId, Type),
    output: (SlotId, Type),
    /// Slots before a prediction; each prediction at one time works on a copy.
    initial: Vec<(Type, Option<Tensor>)>,
    idle: Mutex<Vec<(Store, CallSpace)>>,
}

impl Model {
    /// With `masked`, every step of every sequence counts, for a layer that takes a `mask`.
    pub(super) fn new(
        trainer: &Trainer,
        layer: &str,
        input: &[usize],
        masked: bool,
    ) -> Result<Model, Error> {
        let inner = &trainer.program.inner;
        let sizes: Vec<String> = input.iter().map(usize::to_string).collect();
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '\'');
        if layer.is_empty() || !layer.chars().all(is_name) {
            return Err(Error::Unknown(format!(
                "`{layer}` is not the name of a layer"
            )));
        }
        let given = match masked {
            true => format!("{INPUT}, mask = {INPUT}[:, :, 0] == {INPUT}[:, :, 0]"),
            false => INPUT.to_string(),
        };
        let elements = format!("zeros[{}]", sizes.join(", "));
        let extended = |input: &str| {
            // The loop makes the application a graph of its own, which reads the parameters from their slots; what is printed is written to one.
            let source = Source {
                text: format!(
                    "{}\nlet {INPUT} = {input}\nlet {OUTPUT} = {layer}({given})\nrepeat 2 {{\n    let {OUTPUT} = {layer}({given})\n}}\nprint {OUTPUT}\n",
                    inner.source.text
                ),
                ..inner.source.clone()
            };
            check(&source, &inner.loader, &inner.settings)
        };
        // What is said about a layer that takes neither is said about numbers.
        let (extended, sources, _) = match extended(&elements) {
            Err(error) => extended(&format!("i32({elements})")).map_err(|_| error)?,
            found => found?,
        };
        let (step, input, output) = prediction(&extended)
            .ok_or_else(|| Error::Internal(format!("no graph applies `{layer}`")))?;
        let alone = plan::Program {
            graphs: vec![step.clone()],
            ..(*extended).clone()
        };
        let compiled = session::compiled(&alone, &inner.settings, &trainer.program.engine.pool)
            .map_err(|error| stopped(error, &sources))?;
        let call = compiled.calls.first().cloned();
        let call = call.ok_or_else(|| Error::Internal("nothing was compiled".into()))?;
        let trained = &inner.program.slots;
        let wanted: HashSet<SlotId> = step.inputs.iter().chain(&step.outputs).copied().collect();
        let initial = extended.slots.iter().enumerate().map(|(at, slot)| {
            if !wanted.contains(&SlotId(at as u32)) {
                return (Type::new(slot.ty.dtype, vec![0]), None);
            }
            let same = trained
                .get(at)
                .is_some_and(|other| other.name == slot.name && other.ty == slot.ty);
            let value = same.then(|| trainer.machine.value(SlotId(at as u32)));
            (slot.ty.clone(), value.or_else(|| slot.initial.clone()))
        });
        Ok(Model {
            engine: trainer.program.engine.clone(),
            call,
            input: (input, extended.slot(input).ty.clone()),
            output: (output, extended.slot(output).ty.clone()),
            initial: initial.collect(),
            sources,
            idle: Mutex::default(),
        })
    }

    /// Sizes of the input.
    pub fn input_shape(&self) -> &[usize] {
        &self.input.1.shape
    }

    /// Sizes of the output.
    pub fn output_shape(&self) -> &[usize] {
        &self.output.1.shape
    }

    /// Element type of the input: `i32` for a layer that takes tokens.
    pub fn input_type(&self) -> DType {
        self.input.1.dtype
    }

    /// Applies the layer to numbers, input and output in row-major order.
    ///
    /// # Errors
    /// [`Error::Value`] for slices of other lengths than the shapes have and for a layer that takes tokens; [`Error::Run`] for an index
    /// out of range.
    pub fn predict(&self, input: &[f32], output: &mut [f32]) -> Result<(), Error> {
        if !self.input.1.dtype.is_float() {
            let text = format!(
                "the input is {}: give tokens with `predict_tokens`",
                self.input.1
            );
            return Err(Error::Value(text));
        }
        self.apply(input.len(), output, &|dtype, slot, at| {
            values::set_number(dtype, slot, f64::from(input[at]));
        })
    }

    /// Applies the layer to tokens (or other whole numbers), input and output in row-major order.
    ///
    /// # Errors
    /// [`Error::Value`] for slices of other lengths than the shapes have and for a layer that takes other numbers; [`Error::Run`] for an
    /// index out of range, such as a token that an embedding does not have.
    pub fn predict_tokens(&self, input: &[i32], output: &mut [f32]) -> Result<(), Error> {
        if self.input.1.dtype != DType::I32 {
            let text = format!("the input is {}: give numbers with `predict`", self.input.1);
            return Err(Error::Value(text));
        }
        self.apply(input.len(), output, &|dtype, slot, at| {
            values::set_number(dtype, slot, f64::from(input[at]));
        })
    }

    /// Runs the layer; `set` writes one element of the input, whose type and place it is given.
    fn apply(
        &self,
        length: usize,
        output: &mut [f32],
        set: &dyn Fn(DType, &mut [u8], usize),
    ) -> Result<(), Error> {
        for (what, ty, length) in [
            ("input", &self.input.1, length),
            ("output", &self.output.1, output.len()),
        ] {
            if ty.len() != length {
                let text = format!(
                    "the {what} is {ty} with {} elements, not {length}",
                    ty.len()
                );
                return Err(Error::Value(text));
            }
        }
        guarded(|| {
            let idle = locked(&self.idle).pop();
            let (mut store, mut space) = idle.unwrap_or_else(|| self.fresh());
            let dtype = self.input.1.dtype;
            let bytes = store.bytes_mut(self.input.0.0 as usize);
            for (at, target) in bytes.chunks_exact_mut(dtype.size()).enumerate() {
                set(dtype, target, at);
            }
            let result = if self.engine.pool.threads() == 1 {
                self.call.run(&mut store, &mut space)
            } else {
                self.engine
                    .pool
                    .run(|| self.call.run(&mut store, &mut space))
            };
            let bytes = store.bytes(self.output.0.0 as usize);
            let dtype = self.output.1.dtype;
            for (at, target) in output.iter_mut().enumerate() {
                *target = values::number(dtype, bytes, at) as f32;
            }
            locked(&self.idle).push((store, space));
            result.map_err(|failure| stopped(out_of_range(&self.call, failure), &self.sources))
        })
    }

    fn fresh(&self) -> (Store, CallSpace) {
        let mut store = Store::zeroed(self.initial.iter().map(|(ty, _)| ty.bytes()));
        for (at, (ty, value)) in self.initial.iter().enumerate() {
            if let Some(value) = value {
                values::write(ty.dtype, store.bytes_mut(at), value.elements(), 0);
            }
        }
        (store, CallSpace::for_calls([&self.call]))
    }
}

/// The graph that applies the layer in the loop at the end, and its input and output.
fn prediction(program: &plan::Program) -> Option<(StepGraph, SlotId, SlotId)> {
    program.graphs.iter().rev().find_map(|step| {
        let named = |slots: &[SlotId], name: &str| {
            slots
                .iter()
                .copied()
                .find(|&slot| program.slot(slot).name == name)
        };
        let input = named(&step.inputs, INPUT)?;
        let output = named(&step.outputs, OUTPUT)?;
        Some((step.clone(), input, output))
    })
}
