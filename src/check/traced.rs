//! Which nodes of a step come from which application of a layer or function, for pictures and tables of a model.
use super::Checker;
use super::call::Argument;
use super::program::{Application, SlotKind, Traced};
use super::values::{DimNames, Outcome, TensorVal, Val};
use crate::base::source::Span;
use crate::syntax::ast::Param;

/// Most applications that are noted of a step; a picture of more could not be read.
const MOST: usize = 4096;

/// An application that has begun.
pub struct Begun {
    at: usize,
    epoch: usize,
}

/// What is applied, to what.
pub struct Applied<'a> {
    /// Its name.
    pub name: &'a str,
    /// The path of the instance, for a layer.
    pub path: Option<String>,
    /// Where the instance was made, or the function called.
    pub written: Span,
    /// What its arguments are called.
    pub parameters: &'a [Param],
    /// The arguments.
    pub arguments: &'a [Argument],
}

impl Applied<'_> {
    /// The tensors among the arguments, with the names of the parameters that they are for. Parameters of layers are no inputs.
    fn inputs(&self, checker: &Checker<'_>) -> Vec<(Option<String>, Val)> {
        let mut positions = self.parameters.iter();
        let named = self.arguments.iter().map(|argument| {
            let name = match &argument.name {
                Some(name) => Some(name.to_string()),
                None => positions
                    .next()
                    .map(|parameter| parameter.name.text.to_string()),
            };
            (name, argument.value.clone())
        });
        let is_input = |(_, value): &(Option<String>, Val)| match value {
            Val::Tensor(_) => true,
            Val::Slot(slot, _) => matches!(
                checker.program.slot(*slot).kind,
                SlotKind::Data | SlotKind::Binding
            ),
            _ => false,
        };
        named.filter(is_input).collect()
    }
}

impl Checker<'_> {
    /// Elaborates an application and notes its nodes, inputs and results; one inside the body of a scan belongs to the scan's node.
    pub(super) fn traced(
        &mut self,
        applied: Applied<'_>,
        body: impl FnOnce(&mut Self) -> Outcome<Val>,
    ) -> Outcome<Val> {
        if self.segment.open.len() > 1 || self.segment.applications.len() >= MOST {
            return body(self);
        }
        let inputs = applied.inputs(self);
        let Some(begun) = self.begin(applied) else {
            return body(self);
        };
        let outcome = body(self);
        self.end(&begun, &inputs, outcome.as_ref().ok());
        outcome
    }

    fn begin(&mut self, applied: Applied<'_>) -> Option<Begun> {
        let first = self.graph().node_count();
        let epoch = self.segment.open.first()?.epoch;
        let at = self.segment.applications.len();
        self.segment.applications.push(Application {
            name: applied.name.into(),
            path: applied.path,
            parent: self.segment.applying.last().copied(),
            written: applied.written,
            inputs: Vec::new(),
            results: Vec::new(),
            nodes: first..first,
        });
        self.segment.applying.push(at);
        Some(Begun { at, epoch })
    }

    fn end(&mut self, begun: &Begun, inputs: &[(Option<String>, Val)], value: Option<&Val>) {
        // A step that ended meanwhile took its list with it.
        let open = self.segment.open.first();
        let Some(open) = open.filter(|open| open.epoch == begun.epoch) else {
            return;
        };
        let last = open.graph.node_count();
        self.segment.applying.pop();
        let (mut given, mut results) = (Vec::new(), Vec::new());
        for (name, input) in inputs {
            self.tensors(name.as_deref(), input, begun.epoch, &mut given);
        }
        if let Some(value) = value {
            self.tensors(None, value, begun.epoch, &mut results);
        }
        if let Some(application) = self.segment.applications.get_mut(begun.at) {
            application.nodes.end = last;
            (application.inputs, application.results) = (given, results);
        }
    }

    /// The tensors of the step in a value.
    fn tensors(&self, name: Option<&str>, value: &Val, epoch: usize, into: &mut Vec<Traced>) {
        let mut add = |tensor: &TensorVal, dims: &DimNames| {
            if tensor.depth == 0 && tensor.epoch == epoch {
                into.push(Traced {
                    name: name.map(str::to_string),
                    value: tensor.value,
                    dims: dims.clone(),
                });
            }
        };
        match value {
            Val::Tensor(tensor) => add(tensor, &tensor.dims),
            Val::Slot(slot, dims) => {
                if let Some(tensor) = self.segment.current.get(slot) {
                    add(tensor, dims);
                }
            }
            Val::Tuple(parts) => {
                for part in parts {
                    self.tensors(name, part, epoch, into);
                }
            }
            _ => {}
        }
    }
}
