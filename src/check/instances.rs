//! Instances of layers, and values that outlive the step they were made in.
use super::call::Argument;
use super::values::{Bindings, FnDef, Instance, LayerDef, OptimizerUse, Outcome, Val};
use super::{Checker, Frame};
use crate::base::source::Span;
use std::cell::RefCell;
use std::rc::Rc;

impl Checker<'_> {
    /// Makes an instance of a layer from its configuration. At a place inside a layer that has one already it is that one, with its weights;
    /// but its configuration is what stands there now, since it may read what this application computes.
    pub(super) fn make_instance(
        &mut self,
        def: &Rc<LayerDef>,
        arguments: Vec<Argument>,
        span: Span,
    ) -> Outcome<Rc<Instance>> {
        let name = def.syntax.name.text.clone();
        if self.frame().function && self.frame().instance.is_none() {
            return self.error(
                "E0414",
                span,
                format!("`{name}` would get weights inside a `fn`, which has none"),
                match self.name_of_declaration(def, span) {
                    Some(alias) => {
                        format!("give an instance, `{name}()`, where `{alias}` is given `{name}`")
                    }
                    None => "make it a `layer`, or pass the instance as an argument".into(),
                },
            );
        }
        if self.at_top() && !self.loops.is_empty() {
            return self.error(
                "E0415",
                span,
                format!("`{name}` would get new weights in every turn of this loop"),
                match self.name_of_declaration(def, span) {
                    Some(alias) => format!("`{alias}` is the layer itself: make an instance of it, `let {alias} = {name}()`"),
                    None => "make the instance before the loop: `let net = ...`".into(),
                },
            );
        }
        if def.syntax.config.is_none() && !arguments.is_empty() {
            return self.error(
                "E0410",
                span,
                format!(
                    "`{name}` is a layer without configuration, and is made with empty parentheses"
                ),
                match self.name_of_declaration(def, span) {
                    Some(alias) => format!("`{alias}` is the layer itself: make an instance of it, `let {alias} = {name}()`"),
                    None => super::mends::for_one_list(&def.syntax),
                },
            );
        }
        self.no_input_as_config(def, &arguments)?;
        self.no_channels_in(def, &arguments)?;
        let parent = self.frame().instance.clone();
        let key = self.place_key(span);
        let known = match &parent {
            Some(parent) => parent.children.borrow().get(&key).cloned(),
            None => self.root_children.get(&key).cloned(),
        };
        let frame = Frame {
            scopes: vec![Bindings::new()],
            module: def.module,
            instance: parent.clone(),
            function: false,
            ..Frame::default()
        };
        self.enter(&name, span, frame)?;
        let config = def.syntax.config.clone().unwrap_or_default();
        let outcome = self.bind_parameters(&config, arguments, &name, span);
        let mut bindings = self.frame().scopes.first().cloned().unwrap_or_default();
        self.leave();
        outcome?;
        if let Some(known) = known {
            *known.config.borrow_mut() = bindings;
            return Ok(known);
        }
        if parent.is_none() {
            bindings = self.kept_bindings(&bindings, span);
        }
        let instance = Rc::new(Instance {
            def: def.clone(),
            config: RefCell::new(bindings),
            parent: parent.clone(),
            path: Default::default(),
            children: Default::default(),
            ordinals: Default::default(),
            slots: Default::default(),
            span,
            applied: Default::default(),
            failed: Default::default(),
        });
        match &parent {
            Some(parent) => {
                parent.children.borrow_mut().insert(key, instance.clone());
            }
            None => {
                self.root_children.insert(key, instance.clone());
                self.roots.push(instance.clone());
            }
        }
        Ok(instance)
    }

    /// The other name that a declaration goes by in a call, where no instance was made: `let f = encoder`, then `f(x)`.
    fn name_of_declaration(&self, def: &LayerDef, call: Span) -> Option<String> {
        let written = self.sources.snippet(call).split('(').next()?;
        let is_name = written.chars().all(|c| c.is_alphanumeric() || c == '_');
        (is_name && !written.is_empty() && *written != *def.syntax.name.text)
            .then(|| written.to_string())
    }

    /// A value for the steps to come: what belongs to the graph of this step is written to slots.
    pub(super) fn kept(&mut self, value: Val, span: Span) -> Val {
        match value {
            Val::Tensor(tensor) if tensor.depth == 0 => {
                let dims = tensor.dims.clone();
                Val::Slot(self.export("kept", tensor, span), dims)
            }
            Val::Tuple(parts) => Val::Tuple(
                parts
                    .into_iter()
                    .map(|part| self.kept(part, span))
                    .collect(),
            ),
            Val::List(items) => {
                let items = items.into_iter();
                Val::List(
                    items
                        .map(|(name, item)| (name, self.kept(item, span)))
                        .collect(),
                )
            }
            Val::Fn(def) => match &def.closure {
                Some(closure) => Val::Fn(Rc::new(FnDef {
                    syntax: def.syntax.clone(),
                    module: def.module,
                    closure: Some(self.kept_bindings(closure, span)),
                    instance: def.instance.clone(),
                    depth: def.depth,
                })),
                None => Val::Fn(def),
            },
            Val::OptimizerUse(used) => Val::OptimizerUse(Rc::new(OptimizerUse {
                def: used.def.clone(),
                arguments: used.arguments.clone(),
                scope: self.kept_bindings(&used.scope, span),
                place: used.place,
            })),
            other => other,
        }
    }

    fn kept_bindings(&mut self, bindings: &Bindings, span: Span) -> Bindings {
        let bindings = bindings.iter();
        bindings
            .map(|(name, value)| (name.clone(), self.kept(value.clone(), span)))
            .collect()
    }
}
