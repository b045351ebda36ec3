//! Which nodes of a step come from which application of a layer or function, for pictures and tables of a model.
use super::Checker;
use super::call::Argument;
use super::program::{Application, Traced};
use super::values::{Outcome, TensorVal, Val};
use crate::base::source::Span;

/// Most applications that are noted of a step; a picture of more could not be read.
const MOST: usize = 4096;

/// An application that has begun.
pub struct Begun {
    at: usize,
    epoch: usize,
}

impl Checker<'_> {
    /// Elaborates an application and notes its nodes, inputs and results; those inside the body of a scan belong to the scan's node.
    pub(super) fn traced(
        &mut self,
        (name, path): (&str, Option<String>),
        (inputs, written): (&[Argument], Span),
        body: impl FnOnce(&mut Self) -> Outcome<Val>,
    ) -> Outcome<Val> {
        let tensors = inputs.iter().filter_map(|argument| match &argument.value {
            Val::Tensor(tensor) => Some((argument.name.clone(), tensor.clone())),
            _ => None,
        });
        let begun = match self.segment.open.len() <= 1 {
            true => self.begin(name, path, tensors.collect(), written),
            false => None,
        };
        let outcome = body(self);
        if let Some(begun) = begun {
            self.end(&begun, outcome.as_ref().ok());
        }
        outcome
    }

    fn begin(
        &mut self,
        name: &str,
        path: Option<String>,
        inputs: Vec<(Option<std::sync::Arc<str>>, TensorVal)>,
        written: Span,
    ) -> Option<Begun> {
        if self.segment.applications.len() >= MOST {
            return None;
        }
        let first = self.graph().node_count();
        let epoch = self.segment.open.first()?.epoch;
        let at = self.segment.applications.len();
        let inputs = inputs.into_iter().filter_map(|(name, tensor)| {
            let name = name.map(|name| name.to_string());
            (tensor.depth == 0 && tensor.epoch == epoch).then(|| traced(name, &tensor))
        });
        self.segment.applications.push(Application {
            name: name.into(),
            path,
            parent: self.segment.applying.last().copied(),
            written,
            inputs: inputs.collect(),
            results: Vec::new(),
            nodes: first..first,
        });
        self.segment.applying.push(at);
        Some(Begun { at, epoch })
    }

    fn end(&mut self, begun: &Begun, value: Option<&Val>) {
        let open = self.segment.open.first();
        // A step that ended meanwhile took its list with it.
        let Some(open) = open.filter(|open| open.epoch == begun.epoch) else {
            return;
        };
        let last = open.graph.node_count();
        self.segment.applying.pop();
        let mut results = Vec::new();
        if let Some(value) = value {
            tensors(value, begun.epoch, &mut results);
        }
        if let Some(application) = self.segment.applications.get_mut(begun.at) {
            application.nodes.end = last;
            application.results = results;
        }
    }
}

fn traced(name: Option<String>, tensor: &TensorVal) -> Traced {
    Traced {
        name,
        value: tensor.value,
        dims: tensor.dims.clone(),
    }
}

/// The tensors of a step in a value.
fn tensors(value: &Val, epoch: usize, into: &mut Vec<Traced>) {
    match value {
        Val::Tensor(tensor) if tensor.depth == 0 && tensor.epoch == epoch => {
            into.push(traced(None, tensor));
        }
        Val::Tuple(parts) => parts.iter().for_each(|part| tensors(part, epoch, into)),
        _ => {}
    }
}
