//! `train` and `evaluate`: loops over data sets, written out as the plan that a program could also state itself.
use super::Checker;
use super::call::Argument;
use super::learn::StepOptions;
use super::program::{Instr, SlotId};
use super::values::{DataVal, Instance, Outcome, Reported, TensorVal, Val};
use crate::base::source::Span;
use crate::base::types::{DType, Type};
use crate::syntax::ast::{Arg, Expr, ExprKind, Setting};
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

/// Every key that `train` knows.
/// The settings of `train`.
pub const KEYS: [&str; 15] = [
    "loss",
    "optimizer",
    "epochs",
    "batch",
    "shuffle",
    "seed",
    "validate",
    "metrics",
    "augment",
    "clip_norm",
    "stop",
    "save_best",
    "over",
    "no_decay",
    "accumulate",
];

/// The settings of a `train`.
struct Plan {
    loss: Val,
    loss_span: Span,
    loss_name: String,
    optimizer: Expr,
    epochs: i32,
    batch: usize,
    shuffle: Option<u64>,
    validate: Option<DataVal>,
    metrics: Vec<(String, Val, Span)>,
    augment: Option<(Val, Span)>,
    patience: Option<usize>,
    save_best: Option<String>,
    over: Option<Vec<Expr>>,
    no_decay: Option<Expr>,
    clip_norm: Option<f64>,
    accumulate: usize,
}

impl Checker<'_> {
    /// `train model on data { settings }`
    pub(super) fn train(
        &mut self,
        model: &Expr,
        data: &Expr,
        settings: &[Setting],
        span: Span,
    ) -> Outcome<()> {
        if !self.at_top() {
            return self.error(
                "E0433",
                span,
                "`train` stands at the top level of a program",
                "a layer computes; the program trains",
            );
        }
        let model_value = self.eval(model)?;
        let Val::Instance(instance) = model_value else {
            return self.error(
                "E0444",
                model.span,
                format!("`train` trains a layer, not {}", model_value.kind()),
                match &model_value {
                    Val::Layer(def) => {
                        format!(
                            "make an instance first: `let net = {}`",
                            super::mends::made(def)
                        )
                    }
                    _ => "make an instance first: `let net = mlp()`".into(),
                },
            );
        };
        let Val::Data(data_value) = self.eval(data)? else {
            return self.error(
                "E0511",
                data.span,
                "`train` wants a data set after `on`",
                "read one: `csv(\"file.csv\") |> target(\"y\")`",
            );
        };
        let plan = self.train_settings(settings, span)?;
        self.one_part(&data_value, data)?;
        self.train_loop(&instance, &data_value, &plan, span)
    }

    fn train_settings(&mut self, settings: &[Setting], span: Span) -> Outcome<Plan> {
        let mut plan = Plan {
            loss: Val::None,
            loss_span: span,
            loss_name: "loss".into(),
            optimizer: Expr {
                kind: ExprKind::Error,
                span,
            },
            epochs: 1,
            batch: 32,
            shuffle: None,
            validate: None,
            metrics: Vec::new(),
            augment: None,
            patience: None,
            save_best: None,
            over: None,
            no_decay: None,
            clip_norm: None,
            accumulate: 1,
        };
        let (mut shuffling, mut outcome) = ((true, 0u64), Ok(()));
        for setting in settings {
            // Each setting is looked at, also after one that is wrong.
            let done = self.train_setting(setting, &mut plan, &mut shuffling);
            outcome = outcome.and(done);
        }
        let has_optimizer = settings
            .iter()
            .any(|setting| &*setting.name.text == "optimizer");
        if outcome.is_err() && has_optimizer {
            let optimizer = plan.optimizer.clone();
            self.eval(&optimizer).ok();
        }
        outcome?;
        if matches!(plan.loss, Val::None) {
            return self.error(
                "E0447",
                span,
                "`train` wants a loss",
                "add `loss = cross_entropy`",
            );
        }
        if !has_optimizer {
            return self.error(
                "E0447",
                span,
                "`train` wants an optimizer",
                "add `optimizer = adam(lr = 0.001)`",
            );
        }
        let (shuffle, seed) = shuffling;
        plan.shuffle = shuffle.then_some(seed ^ self.options.seed);
        Ok(plan)
    }

    /// One setting of a `train`; `shuffling` is whether the rows are shuffled, and the seed.
    fn train_setting(
        &mut self,
        setting: &Setting,
        plan: &mut Plan,
        shuffling: &mut (bool, u64),
    ) -> Outcome<()> {
        let (value, place) = (&setting.value, setting.value.span);
        match &*setting.name.text {
            "loss" => {
                self.is_no_call(value, "the loss")?;
                let loss = self.eval(value)?;
                (plan.loss, plan.loss_span) = (self.kept(loss, place), place);
                if let ExprKind::Name(name) = &value.kind {
                    plan.loss_name = name.to_string();
                }
            }
            "optimizer" => {
                plan.optimizer = value.clone();
            }
            "epochs" => {
                let found = self.eval(value)?;
                let epochs = self.count(&found, place, "the number of epochs")?;
                plan.epochs = self.counted_by_i32(epochs, place)?;
            }
            "batch" => {
                let found = self.eval(value)?;
                plan.batch = self.count(&found, place, "the batch size")?;
                if plan.batch == 0 {
                    return self.error(
                        "E0512",
                        place,
                        "a batch has at least one row",
                        "give a size above 0",
                    );
                }
            }
            "shuffle" => match self.eval(value)? {
                Val::Bool(truth) => shuffling.0 = truth,
                other => {
                    return self.error(
                        "E0406",
                        place,
                        format!("`shuffle` is true or false, not {}", other.kind()),
                        "write `shuffle = true`",
                    );
                }
            },
            "seed" => {
                let found = self.eval(value)?;
                shuffling.1 = self.count(&found, place, "the seed")? as u64;
            }
            "validate" => match self.eval(value)? {
                Val::Data(data) => {
                    self.one_part(&data, value)?;
                    plan.validate = Some(data);
                }
                other => {
                    return self.error(
                        "E0511",
                        place,
                        format!("validation wants a data set, not {}", other.kind()),
                        "write `validate = set.test`",
                    );
                }
            },
            "metrics" => self.metrics(value, &mut plan.metrics)?,
            "augment" => plan.augment = Some(self.augmentation(value)?),
            "clip_norm" => {
                let found = self.eval(value)?;
                plan.clip_norm = Some(self.number(&found, place, "`clip_norm`")?);
            }
            "stop" => match self.eval(value)? {
                Val::Patience(epochs) => plan.patience = Some(epochs),
                other => {
                    return self.error(
                        "E0445",
                        place,
                        format!("a rule for stopping is wanted, not {}", other.kind()),
                        "write `stop = no_improvement(epochs = 3)`",
                    );
                }
            },
            "save_best" => {
                let file = self.file_name(value)?;
                self.weights_file(&file, value, true)?;
                plan.save_best = Some(file);
            }
            "over" => {
                plan.over = Some(match &value.kind {
                    ExprKind::Tuple(parts) => parts.clone(),
                    ExprKind::List(items) => items.iter().map(|item| item.value.clone()).collect(),
                    _ => vec![value.clone()],
                });
            }
            "no_decay" => plan.no_decay = Some(value.clone()),
            "accumulate" => {
                let found = self.eval(value)?;
                plan.accumulate = self.count(&found, place, "`accumulate`")?.max(1);
            }
            // The parser has said what is wrong with it.
            "" => return Err(Reported),
            key if let Some(help) =
                super::elsewhere::of_setting(key, &self.short(place, "...")) =>
            {
                let message = format!("there is no setting of `train` called `{key}`");
                return self.error("E0202", setting.name.span, message, help);
            }
            _ => {
                let known: Vec<String> = KEYS.iter().map(|key| key.to_string()).collect();
                return self.no_such(
                    &setting.name.text,
                    setting.name.span,
                    "setting of `train` called",
                    &known,
                );
            }
        }
        Ok(())
    }

    fn metrics(&mut self, value: &Expr, into: &mut Vec<(String, Val, Span)>) -> Outcome<()> {
        let parts: Vec<&Expr> = match &value.kind {
            ExprKind::List(items) => items.iter().map(|item| &item.value).collect(),
            _ => vec![value],
        };
        for part in parts {
            self.is_no_call(part, "a metric")?;
            let metric = self.eval(part)?;
            let metric = self.kept(metric, part.span);
            let name = match &part.kind {
                ExprKind::Lambda(_) if into.is_empty() => "metric".to_string(),
                ExprKind::Lambda(_) => format!("metric_{}", into.len() + 1),
                _ => super::call::written_name(part),
            };
            into.push((name, metric, part.span));
        }
        Ok(())
    }

    /// The loss of a batch: `loss(net(x), y)`, or `loss(batch)` for a function of one argument.
    fn batch_loss(
        &mut self,
        instance: &Rc<Instance>,
        plan: &Plan,
        batch: &Val,
        training: bool,
        span: Span,
    ) -> Outcome<TensorVal> {
        let outer = std::mem::replace(&mut self.training, training);
        let batch = match plan.augment.as_ref().filter(|_| training) {
            Some(augment) => self.augmented(batch, augment),
            None => Ok(batch.clone()),
        };
        let value = batch.and_then(|batch| self.batch_loss_value(instance, plan, &batch, span));
        self.training = outer;
        self.objective(value?, plan.loss_span)
    }

    fn batch_loss_value(
        &mut self,
        instance: &Rc<Instance>,
        plan: &Plan,
        batch: &Val,
        span: Span,
    ) -> Outcome<Val> {
        if let Val::Fn(def) = &plan.loss
            && def.syntax.inputs.len() == 1
        {
            let argument = Argument {
                name: None,
                value: batch.clone(),
                span: plan.loss_span,
            };
            return self.call(plan.loss.clone(), "loss", vec![argument], plan.loss_span);
        }
        let (prediction, target) = self.prediction(instance, batch, span)?;
        let arguments = vec![
            Argument {
                name: None,
                value: prediction,
                span: plan.loss_span,
            },
            Argument {
                name: None,
                value: target,
                span: plan.loss_span,
            },
        ];
        let said = self.diagnostics.len();
        let loss = self.call(
            plan.loss.clone(),
            &plan.loss_name,
            arguments,
            plan.loss_span,
        );
        let applies = format!("{}(", self.path(instance));
        if loss.is_err()
            && self.sources.snippet(plan.loss_span).contains(&applies)
            && let Some(first) = self.diagnostics.get_mut(said)
            && first.code != "E0202"
        {
            first.notes.push(format!(
                "a loss of two inputs is given the prediction and the target; one input is the batch: `fn (b) {{ cross_entropy({applies}b.x), b.y) }}`"
            ));
        }
        loss
    }

    /// The model's output for a batch's `x`, and its `y`. Lengths of sequences become a mask where the model takes one.
    fn prediction(
        &mut self,
        instance: &Rc<Instance>,
        batch: &Val,
        span: Span,
    ) -> Outcome<(Val, Val)> {
        let Val::Record(fields) = batch else {
            return Err(Reported);
        };
        let find = |name: &str| {
            fields
                .iter()
                .find(|(field, _)| **field == *name)
                .map(|(_, value)| value.clone())
        };
        let (Some(x), Some(y)) = (
            find("x").or_else(|| find("tokens")),
            find("y").or_else(|| find("next")),
        ) else {
            let known: Vec<String> = fields.iter().map(|(field, _)| field.to_string()).collect();
            if known == ["x"] {
                return self.error(
                    "E0513",
                    span,
                    "the data set has no target: its only field is `x`",
                    "say which column is to be learned, `|> target(\"column\")`; to learn from `x` alone give a loss of the batch: `loss = fn (b) { mse(net(b.x), b.x) }`",
                );
            }
            return self.error("E0513", span, format!("the data set has no fields `x` and `y`, but {}", known.join(", ")), "name them with `rename(x = \"...\", y = \"...\")`, or give the loss as a function of the batch: `loss = fn (b) { ... }`");
        };
        let mut arguments = vec![Argument {
            name: None,
            value: x.clone(),
            span,
        }];
        let takes = |name: &str| {
            instance
                .def
                .syntax
                .inputs
                .iter()
                .any(|input| &*input.name.text == name)
        };
        if let Some(lengths) = find("lengths") {
            if takes("mask") {
                let steps = self.operand(&x, None, span)?;
                let steps = self.type_of(&steps).shape.get(1).copied().unwrap_or(0);
                let Some(mask_of) = self.lookup("length_mask") else {
                    return Err(Reported);
                };
                let arguments_of_mask = vec![
                    Argument {
                        name: None,
                        value: lengths.clone(),
                        span,
                    },
                    Argument {
                        name: None,
                        value: Val::Num(super::values::Num::Int(steps as i64)),
                        span,
                    },
                ];
                let mask = self.call(mask_of, "length_mask", arguments_of_mask, span)?;
                arguments.push(Argument {
                    name: Some(Arc::from("mask")),
                    value: mask,
                    span,
                });
            } else if takes("lengths") {
                arguments.push(Argument {
                    name: Some(Arc::from("lengths")),
                    value: lengths,
                    span,
                });
            }
        }
        Ok((self.apply(instance, arguments, span)?, y))
    }

    fn train_loop(
        &mut self,
        instance: &Rc<Instance>,
        data: &DataVal,
        plan: &Plan,
        span: Span,
    ) -> Outcome<()> {
        let (set, part) = self.open_data(data)?;
        let rows = self.program.data[set]
            .part(&part)
            .map_or(0, |table| table.rows());
        if rows == 0 {
            return self.error(
                "E0503",
                data.span,
                "the data set is empty",
                "check the file and the split",
            );
        }
        self.flush();
        let epoch = self.counter("epoch");
        let loss_sum = self.sum_slot("loss sum");
        let loss_mean = self.sum_slot("loss");
        let watch = plan.patience.is_some() || plan.save_best.is_some();
        let (best, since) = (self.sum_slot("best"), self.counter("since"));
        if watch {
            self.emit_code(Instr::SetFloat {
                slot: best,
                value: f64::INFINITY,
            });
            self.emit_code(Instr::SetInt {
                slot: since,
                value: 0,
            });
        }
        self.emit_code(Instr::SetInt {
            slot: epoch,
            value: 0,
        });
        let begin = self.emit_code(Instr::JumpIfAtLeast {
            slot: epoch,
            limit: plan.epochs,
            target: 0,
        });
        let outcome = self.loop_body(epoch, &HashSet::new(), |checker| {
            checker.epoch(
                instance,
                data,
                plan,
                [epoch, loss_sum, loss_mean, best, since],
                rows,
                span,
            )
        });
        let stop = outcome?;
        self.emit_code(Instr::AddInt {
            slot: epoch,
            value: 1,
        });
        let end = self.emit_code(Instr::Jump(begin)) + 1;
        self.program.code[begin] = Instr::JumpIfAtLeast {
            slot: epoch,
            limit: plan.epochs,
            target: end,
        };
        if let Some(at) = stop
            && let Instr::Watch { target, .. } = &mut self.program.code[at]
        {
            *target = end;
        }
        Ok(())
    }

    /// One epoch; gives the place of the instruction that may stop the training.
    fn epoch(
        &mut self,
        instance: &Rc<Instance>,
        data: &DataVal,
        plan: &Plan,
        [epoch, loss_sum, loss_mean, best, since]: [SlotId; 5],
        rows: usize,
        span: Span,
    ) -> Outcome<Option<usize>> {
        let steps = rows.div_ceil(plan.batch.min(rows));
        self.emit_code(Instr::EpochBegin {
            epoch,
            epochs: plan.epochs as usize,
            steps,
        });
        self.emit_code(Instr::SetFloat {
            slot: loss_sum,
            value: 0.0,
        });
        let mut outcome = Ok(());
        self.batch_loop(
            data,
            plan.batch,
            plan.shuffle,
            &HashSet::new(),
            &mut |checker, batch, size| {
                let step = checker.train_step(instance, plan, &batch, size, loss_sum, span);
                outcome = std::mem::replace(&mut outcome, Ok(())).and(step);
            },
        )?;
        outcome?;
        self.emit_code(Instr::Mean {
            into: loss_mean,
            sum: loss_sum,
            weight: rows as f64,
        });
        let mut values = vec![("loss".to_string(), loss_mean)];
        let mut watched = (loss_mean, false);
        if let Some(validate) = &plan.validate {
            let mut functions = vec![("val_loss".to_string(), None, span)];
            functions.extend(
                plan.metrics.iter().map(|(name, metric, span)| {
                    (format!("val_{name}"), Some(metric.clone()), *span)
                }),
            );
            let means =
                self.measure(instance, validate, plan.batch, &functions, Some(plan), span)?;
            watched = (means[0], false);
            values.extend(functions.into_iter().map(|function| function.0).zip(means));
        } else if !plan.metrics.is_empty() {
            let functions: Vec<_> = plan
                .metrics
                .iter()
                .map(|(name, metric, span)| (name.clone(), Some(metric.clone()), *span))
                .collect();
            let means = self.measure(instance, data, plan.batch, &functions, Some(plan), span)?;
            values.extend(functions.into_iter().map(|function| function.0).zip(means));
        }
        self.emit_code(Instr::EpochEnd {
            epoch,
            epochs: plan.epochs as usize,
            values,
        });
        if plan.patience.is_none() && plan.save_best.is_none() {
            return Ok(None);
        }
        let save = plan.save_best.clone().map(|file| (Vec::new(), file));
        let saves = save.is_some();
        let (value, larger) = watched;
        let at = self.emit_code(Instr::Watch {
            value,
            best,
            since,
            larger,
            patience: plan.patience,
            target: 0,
            save,
            origin: span,
        });
        if saves {
            self.whole_instances.push((at, instance.clone()));
        }
        Ok(Some(at))
    }

    fn train_step(
        &mut self,
        instance: &Rc<Instance>,
        plan: &Plan,
        batch: &Val,
        size: usize,
        loss_sum: SlotId,
        span: Span,
    ) -> Outcome<()> {
        self.segment.origin.get_or_insert(span);
        let loss = self.batch_loss(instance, plan, batch, true, span)?;
        let limits = match &plan.over {
            None => None,
            Some(over) => {
                let mut chosen = Vec::new();
                for expr in over {
                    self.parameters_of(expr, &mut chosen)?;
                }
                Some(chosen)
            }
        };
        let mut no_decay = Vec::new();
        if let Some(expr) = &plan.no_decay {
            self.parameters_of(expr, &mut no_decay)?;
        }
        let options = StepOptions {
            clip_norm: plan.clip_norm,
            no_decay,
            accumulate: plan.accumulate,
        };
        self.descend(&loss, limits, &plan.optimizer, &options, span)?;
        self.segment
            .objectives
            .push((loss.clone(), plan.loss_span, false));
        let slot = self.export("loss", loss, span);
        self.after_step(Instr::Accumulate {
            into: loss_sum,
            value: slot,
            weight: size as f64,
        });
        self.after_step(Instr::StepDone { loss: slot });
        Ok(())
    }

    /// Means over a data set, weighted by rows: the loss for `None`, else metrics of prediction and target.
    fn measure(
        &mut self,
        instance: &Rc<Instance>,
        data: &DataVal,
        batch: usize,
        functions: &[(String, Option<Val>, Span)],
        plan: Option<&Plan>,
        span: Span,
    ) -> Outcome<Vec<SlotId>> {
        let (set, part) = self.open_data(data)?;
        let rows = self.program.data[set]
            .part(&part)
            .map_or(0, |table| table.rows());
        let sums: Vec<SlotId> = functions
            .iter()
            .map(|(name, _, _)| self.sum_slot(&format!("{name} sum")))
            .collect();
        self.flush();
        for &sum in &sums {
            self.emit_code(Instr::SetFloat {
                slot: sum,
                value: 0.0,
            });
        }
        let mut outcome = Ok(());
        self.batch_loop(
            data,
            batch,
            None,
            &HashSet::new(),
            &mut |checker, batch, size| {
                let step =
                    checker.measure_batch(instance, &batch, functions, &sums, plan, size, span);
                outcome = std::mem::replace(&mut outcome, Ok(())).and(step);
            },
        )?;
        outcome?;
        let mut means = Vec::new();
        for (sum, (name, _, _)) in sums.into_iter().zip(functions) {
            let into = self.new_slot(
                name.clone(),
                Type::scalar(DType::F32),
                super::program::SlotKind::Counter,
                None,
            );
            self.emit_code(Instr::Mean {
                into,
                sum,
                weight: rows as f64,
            });
            means.push(into);
        }
        Ok(means)
    }

    #[allow(clippy::too_many_arguments)]
    fn measure_batch(
        &mut self,
        instance: &Rc<Instance>,
        batch: &Val,
        functions: &[(String, Option<Val>, Span)],
        sums: &[SlotId],
        plan: Option<&Plan>,
        size: usize,
        span: Span,
    ) -> Outcome<()> {
        self.segment.origin.get_or_insert(span);
        let mut made = None;
        for ((name, function, place), &sum) in functions.iter().zip(sums) {
            let value = match (function, plan) {
                (None, Some(plan)) => {
                    Val::Tensor(self.batch_loss(instance, plan, batch, false, span)?)
                }
                (None, None) => return Err(Reported),
                (Some(function), _) => {
                    if made.is_none() {
                        made = Some(self.prediction(instance, batch, span)?);
                    }
                    let Some((prediction, target)) = made.clone() else {
                        return Err(Reported);
                    };
                    let arguments = vec![
                        Argument {
                            name: None,
                            value: prediction,
                            span: *place,
                        },
                        Argument {
                            name: None,
                            value: target,
                            span: *place,
                        },
                    ];
                    self.call(function.clone(), name, arguments, *place)?
                }
            };
            let tensor = self.objective(value, *place)?;
            let slot = self.export(name, tensor, span);
            self.after_step(Instr::Accumulate {
                into: sum,
                value: slot,
                weight: size as f64,
            });
        }
        Ok(())
    }

    /// `evaluate(net, data, metric)`: the metric's mean over a data set, weighted by rows.
    pub(super) fn run_evaluation(&mut self, arguments: &[Arg], span: Span) -> Outcome<Val> {
        let [model, data, metric] = arguments else {
            return self.error(
                "E0410",
                span,
                "`evaluate` takes a layer, a data set and a metric",
                "write `evaluate(net, set.test, accuracy)`",
            );
        };
        let Val::Instance(instance) = self.eval(&model.value)? else {
            return self.error(
                "E0444",
                model.value.span,
                "`evaluate` wants a layer first",
                "write `evaluate(net, set.test, accuracy)`",
            );
        };
        let Val::Data(set) = self.eval(&data.value)? else {
            return self.error(
                "E0511",
                data.value.span,
                "`evaluate` wants a data set second",
                "write `evaluate(net, set.test, accuracy)`",
            );
        };
        self.one_part(&set, &data.value)?;
        let function = self.eval(&metric.value)?;
        let function = self.kept(function, metric.value.span);
        let name = super::call::written_name(&metric.value);
        let means = self.measure(
            &instance,
            &set,
            256,
            &[(name, Some(function), metric.value.span)],
            None,
            span,
        )?;
        Ok(Val::Slot(means[0], Vec::new()))
    }
}
