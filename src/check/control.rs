//! Run-time control flow of the program: `repeat`, `for`, `if`.
use super::limits::MOST_TURNS;
use super::program::{Field, Instr, SlotId, SlotKind};
use super::values::{Bindings, DataVal, Num, Outcome, Reported, Val};
use super::{Checker, LoopSite};
use crate::base::source::Span;
use crate::base::types::{DType, Type};
use crate::syntax::ast::{BinOp, Block, Expr, ExprKind, Pattern, Source, Stmt};
use crate::tir::build::map;
use crate::tir::{Affine, Body, Inst, Read, Subscript};
use std::collections::HashSet;
use std::sync::Arc;

/// The walk over a part of a data set that a loop over batches makes.
struct Walked {
    iterator: usize,
    shuffled: bool,
    data: usize,
    part: String,
}

impl Checker<'_> {
    /// A counter of the plan.
    pub(super) fn counter(&mut self, name: &str) -> SlotId {
        self.new_slot(name, Type::scalar(DType::I32), SlotKind::Counter, None)
    }

    /// Adds an instruction; its place is its position.
    pub(super) fn emit_code(&mut self, instr: Instr) -> usize {
        self.program.code.push(instr);
        self.program.code.len() - 1
    }

    /// Elaborates what a run-time loop repeats.
    pub(super) fn loop_body<T>(
        &mut self,
        turn: SlotId,
        carried: &HashSet<Arc<str>>,
        body: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.loops.push(LoopSite {
            turn,
            carried: carried.clone(),
        });
        let result = body(self);
        self.flush();
        self.loops.pop();
        result
    }

    /// Names bound before that the statements of a run-time loop or branch bind anew: they are kept in slots, so that the next turn finds
    /// the last one's value.
    pub(super) fn carry(&mut self, statements: &[Stmt]) -> HashSet<Arc<str>> {
        let mut bound = Vec::new();
        super::statements::bound_names(statements, &mut bound);
        let module = self.frame().module;
        let mut carried = HashSet::new();
        for (name, value) in bound {
            let Some(present) = self.modules[module].names.get(&name.text).cloned() else {
                continue;
            };
            if !carried.insert(name.text.clone()) {
                continue;
            }
            let dtype = match &present {
                Val::Num(Num::Int(_)) if value.is_some_and(|value| self.stays_whole(&value)) => {
                    Some(DType::I32)
                }
                Val::Num(_) | Val::Hyper(..) | Val::Bool(_) | Val::List(_) => None,
                Val::Slot(slot, _) if self.program.slot(*slot).kind != SlotKind::Binding => None,
                _ => continue,
            };
            if let Ok(tensor) = self.operand(&present, dtype, name.span) {
                let ty = self.type_of(&tensor);
                let slot = self.new_slot(name.text.to_string(), ty, SlotKind::Binding, None);
                let dims = tensor.dims.clone();
                self.write_slot(slot, tensor, name.span);
                self.bind(&name.text, Val::Slot(slot, dims));
            }
        }
        carried
    }

    /// Whether an expression gives whole numbers where the numbers in it are whole.
    fn stays_whole(&mut self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Int(_) => true,
            ExprKind::Name(name) => match self.lookup(name) {
                Some(Val::Num(Num::Int(_))) => true,
                Some(Val::Slot(slot, _)) => self.program.slot(slot).ty.dtype == DType::I32,
                _ => false,
            },
            ExprKind::Unary(_, a) => self.stays_whole(a),
            ExprKind::Binary(op, a, b) => {
                !matches!(op, BinOp::Div | BinOp::Pow) && self.stays_whole(a) && self.stays_whole(b)
            }
            ExprKind::Call(callee, arguments) => match &callee.kind {
                ExprKind::Name(name) if &**name == "i32" => true,
                ExprKind::Name(name) if matches!(&**name, "max" | "min" | "abs") => arguments
                    .iter()
                    .all(|argument| self.stays_whole(&argument.value)),
                _ => false,
            },
            _ => false,
        }
    }

    fn only_at_top(&mut self, what: &str, span: Span) -> Outcome<()> {
        if self.at_top() {
            return Ok(());
        }
        self.error(
            "E0433",
            span,
            format!("`{what}` stands at the top level of a program"),
            "in a layer or function use `for i in 0..n` (unrolled) or `scan`",
        )
    }

    /// `repeat count { body }`
    pub(super) fn repeat(&mut self, count: &Expr, body: &Block, span: Span) -> Outcome<()> {
        self.only_at_top("repeat", span)?;
        let value = self.eval(count)?;
        let times = self.count(&value, count.span, "the number of turns")?;
        let carried = self.carry(&body.statements);
        self.flush();
        let turn = self.counter("turn");
        self.emit_code(Instr::SetInt {
            slot: turn,
            value: 0,
        });
        // Written over below, once the body is known.
        let start = self.emit_code(Instr::JumpIfAtLeast {
            slot: turn,
            limit: 0,
            target: 0,
        });
        self.loop_body(turn, &carried, |checker| checker.body(&body.statements));
        if let [Instr::Run(graph)] = self.program.code[start + 1..] {
            self.program.code.truncate(start);
            self.emit_code(Instr::RunTimes {
                graph,
                times: times as u64,
                turn,
            });
            return Ok(());
        }
        let limit = self.counted_by_i32(times, count.span)?;
        self.emit_code(Instr::AddInt {
            slot: turn,
            value: 1,
        });
        let end = self.emit_code(Instr::Jump(start)) + 1;
        self.program.code[start] = Instr::JumpIfAtLeast {
            slot: turn,
            limit,
            target: end,
        };
        Ok(())
    }

    /// Refuses more turns than the host's counters hold; only a `repeat` around one single step counts further.
    pub(super) fn counted_by_i32(&mut self, times: usize, span: Span) -> Outcome<i32> {
        if let Ok(times) = i32::try_from(times) {
            return Ok(times);
        }
        self.error(
            "E0311",
            span,
            format!("a loop of {times} turns"),
            "a loop has at most 2147483647 turns",
        )
    }

    /// `repeat until condition, at most count { body }`
    pub(super) fn repeat_until(
        &mut self,
        condition: &Expr,
        at_most: &Expr,
        body: &Block,
        span: Span,
    ) -> Outcome<()> {
        self.only_at_top("repeat", span)?;
        let value = self.eval(at_most)?;
        let times = self.count(&value, at_most.span, "the most turns")?;
        let limit = self.counted_by_i32(times, at_most.span)?;
        let carried = self.carry(&body.statements);
        self.flush();
        let turn = self.counter("turn");
        self.emit_code(Instr::SetInt {
            slot: turn,
            value: 0,
        });
        let start = self.emit_code(Instr::JumpIfAtLeast {
            slot: turn,
            limit,
            target: 0,
        });
        let holds = self.loop_body(turn, &carried, |checker| {
            checker.body(&body.statements);
            let value = checker.eval(condition)?;
            checker.condition_slot(value, condition.span)
        })?;
        self.emit_code(Instr::AddInt {
            slot: turn,
            value: 1,
        });
        let end = self.emit_code(Instr::JumpIfZero {
            slot: holds,
            target: start,
        }) + 1;
        self.program.code[start] = Instr::JumpIfAtLeast {
            slot: turn,
            limit,
            target: end,
        };
        Ok(())
    }

    /// A run-time condition in a slot.
    pub(super) fn condition_slot(&mut self, value: Val, span: Span) -> Outcome<SlotId> {
        let tensor = self.operand(&value, None, span)?;
        let ty = self.type_of(&tensor);
        if ty.dtype != DType::Bool || !ty.shape.is_empty() {
            let described = self.describe(&tensor);
            return self.error(
                "E0434",
                span,
                format!("a condition is one truth value, not {described}"),
                match ty.dtype {
                    DType::Bool => format!("say of how many it must hold: `mean({0}) == 1` of all, `sum({0}) > 0` of one", self.short(span, "c")),
                    _ => "compare two scalars: `loss < 1e-6`".into(),
                },
            );
        }
        Ok(self.export("condition", tensor, span))
    }

    /// `for pattern in source { body }` at the top level.
    pub(super) fn for_loop(
        &mut self,
        pattern: &Pattern,
        source: &Source,
        body: &Block,
        span: Span,
    ) -> Outcome<()> {
        match source {
            Source::Range {
                start,
                end,
                inclusive,
            } => {
                let (first, last) = (self.whole(start)?, self.whole(end)?);
                let limit = last.saturating_add(i64::from(*inclusive));
                let (Ok(first), Ok(limit)) = (i32::try_from(first), i32::try_from(limit)) else {
                    return self.error(
                        "E0311",
                        span,
                        "the range does not fit an i32",
                        "use a smaller one",
                    );
                };
                let carried = self.carry(&body.statements);
                let hidden = self.hidden_names(pattern);
                self.flush();
                let var = self.counter("loop variable");
                self.emit_code(Instr::SetInt {
                    slot: var,
                    value: first,
                });
                let begin = self.emit_code(Instr::JumpIfAtLeast {
                    slot: var,
                    limit,
                    target: 0,
                });
                self.loop_body(var, &carried, |checker| {
                    checker.bind_loop_variable(pattern, Val::Slot(var, Vec::new()));
                    checker.body(&body.statements);
                });
                self.emit_code(Instr::AddInt {
                    slot: var,
                    value: 1,
                });
                let stop = self.emit_code(Instr::Jump(begin)) + 1;
                self.program.code[begin] = Instr::JumpIfAtLeast {
                    slot: var,
                    limit,
                    target: stop,
                };
                self.restore_names(hidden);
                Ok(())
            }
            Source::Expr(expr) => match self.eval(expr)? {
                Val::Batches(data, size, shuffle) => {
                    self.for_batches(pattern, &data, size, shuffle, body)
                }
                value @ (Val::Slot(..) | Val::Tensor(_) | Val::List(_)) => {
                    self.for_rows(pattern, &value, body, expr.span)
                }
                other => self.error(
                    "E0435",
                    expr.span,
                    format!(
                        "a loop walks a range or batches of a data set, not {}",
                        other.kind()
                    ),
                    "write `for i in 0..10`, `for row in x` or `for b in set |> batches(64)`",
                ),
            },
        }
    }

    /// `for row in x { body }`: the rows of a tensor along its first dimension.
    fn for_rows(
        &mut self,
        pattern: &Pattern,
        value: &Val,
        body: &Block,
        span: Span,
    ) -> Outcome<()> {
        let tensor = self.operand(value, None, span)?;
        let Some(&rows) = self.type_of(&tensor).shape.first() else {
            return self.error(
                "E0424",
                span,
                "a scalar has no dimension to walk",
                "walk a tensor or a range",
            );
        };
        let dims = tensor.dims.clone();
        let walked = self.export("walked", tensor, span);
        let carried = self.carry(&body.statements);
        let hidden = self.hidden_names(pattern);
        self.flush();
        let turn = self.counter("row");
        self.emit_code(Instr::SetInt {
            slot: turn,
            value: 0,
        });
        let limit = self.counted_by_i32(rows, span)?;
        let begin = self.emit_code(Instr::JumpIfAtLeast {
            slot: turn,
            limit,
            target: 0,
        });
        let outcome = self.loop_body(turn, &carried, |checker| {
            let whole = checker.read_slot(walked, &dims);
            let row = checker.row(&whole, turn, span);
            let outcome = checker.bind_pattern(pattern, row, span);
            checker.body(&body.statements);
            outcome
        });
        self.emit_code(Instr::AddInt {
            slot: turn,
            value: 1,
        });
        let end = self.emit_code(Instr::Jump(begin)) + 1;
        self.program.code[begin] = Instr::JumpIfAtLeast {
            slot: turn,
            limit,
            target: end,
        };
        self.restore_names(hidden);
        outcome
    }

    /// The row of a tensor that a counter names.
    fn row(&mut self, whole: &super::values::TensorVal, turn: SlotId, span: Span) -> Val {
        let ty = self.type_of(whole);
        let index = self.read_slot(turn, &Vec::new());
        let (index, value) = (self.here(&index), self.here(whole));
        let shape = ty.shape.get(1..).unwrap_or_default().to_vec();
        let subscripts = std::iter::once(Subscript::Gather(0))
            .chain((0..shape.len()).map(|axis| Subscript::Affine(Affine::index(axis))));
        let reads = vec![
            Read::affine(index, DType::I32, []),
            Read {
                subscripts: subscripts.collect(),
                ..Read::affine(value, ty.dtype, [])
            },
        ];
        let mut body = Body::default();
        body.result = body.push(Inst::Read(1));
        let dtype = super::tensors::storage(ty.dtype);
        let row = self
            .graph()
            .comprehension(map(&shape, reads, body, dtype), span);
        let dims = whole.dims.iter().skip(1).cloned().collect();
        Val::Tensor(self.tensor(row, dims))
    }

    fn bind_loop_variable(&mut self, pattern: &Pattern, value: Val) {
        match pattern {
            Pattern::Name(name) => {
                self.bind(&name.text, value);
                self.note_name(name);
            }
            Pattern::Tuple(_, span) => {
                let help = match &value {
                    Val::Record(fields) => {
                        let fields: Vec<String> = fields
                            .iter()
                            .map(|(name, _)| format!("`b.{name}`"))
                            .collect();
                        format!(
                            "a batch holds its fields: write `for b in ...`, then {}",
                            fields.join(", ")
                        )
                    }
                    _ => "write `for i in ...`".into(),
                };
                self.error::<()>("E0304", *span, "a loop binds one name", help)
                    .ok();
                let mut names = Vec::new();
                super::statements::pattern_names(pattern, &mut names);
                for name in names {
                    self.bind(&name, Val::Error);
                }
            }
        }
    }

    /// What the names of a loop's pattern stood for before it.
    fn hidden_names(&mut self, pattern: &Pattern) -> Vec<(Arc<str>, Option<Val>)> {
        let mut names = Vec::new();
        super::statements::pattern_names(pattern, &mut names);
        let module = self.frame().module;
        names
            .into_iter()
            .map(|name| {
                let value = self.modules[module].names.get(&name).cloned();
                (name, value)
            })
            .collect()
    }

    fn restore_names(&mut self, hidden: Vec<(Arc<str>, Option<Val>)>) {
        let module = self.frame().module;
        for (name, value) in hidden {
            match value {
                Some(value) => self.modules[module].names.insert(name, value),
                None => self.modules[module].names.remove(&name),
            };
        }
    }

    fn for_batches(
        &mut self,
        pattern: &Pattern,
        data: &DataVal,
        size: usize,
        shuffle: Option<u64>,
        body: &Block,
    ) -> Outcome<()> {
        let statements = body.statements.clone();
        let carried = self.carry(&statements);
        let hidden = self.hidden_names(pattern);
        let outcome = self.batch_loop(data, size, shuffle, &carried, &mut |checker, batch, _| {
            checker.bind_loop_variable(pattern, batch);
            checker.body(&statements);
        });
        self.restore_names(hidden);
        outcome
    }

    /// A loop over batches: the body is elaborated for the full size and, where the set leaves a rest, for the size of the last batch.
    pub(super) fn batch_loop(
        &mut self,
        data: &DataVal,
        size: usize,
        shuffle: Option<u64>,
        carried: &HashSet<Arc<str>>,
        body: &mut dyn FnMut(&mut Self, Val, usize),
    ) -> Outcome<()> {
        let (set, part) = self.open_data(data)?;
        let table = self.program.data[set]
            .part(&part)
            .cloned()
            .ok_or(Reported)?;
        let rows = table.rows();
        if rows == 0 {
            return self.error(
                "E0503",
                data.span,
                "the data set is empty",
                "check the file and the split",
            );
        }
        let size = size.min(rows);
        self.flush();
        let iterator = self.program.iterators;
        self.program.iterators += 1;
        let turn = self.counter("batch");
        let epoch = match self.loops.last() {
            Some(site) => site.turn,
            None => self.counter("epoch"),
        };
        self.emit_code(Instr::SetInt {
            slot: turn,
            value: 0,
        });
        self.emit_code(Instr::OpenBatches {
            iterator,
            data: set,
            part: part.clone(),
            shuffle,
            epoch,
        });
        let walk = Walked {
            iterator,
            shuffled: shuffle.is_some(),
            data: set,
            part,
        };
        let outer_steps = self.steps_per_epoch.replace(rows.div_ceil(size));
        let fields: Vec<(Arc<str>, Type)> = table
            .fields
            .iter()
            .map(|(name, tensor)| (Arc::from(name.as_str()), tensor.ty()))
            .collect();
        let errors = self.diagnostics.len();
        let module = self.frame().module;
        let before: Bindings = self.modules[module].names.clone();
        let begin = self.batch_body(&walk, &fields, size, turn, carried, body);
        self.emit_code(Instr::Jump(begin));
        let mut exit = begin;
        let rest = rows % size;
        self.patch_batch(exit);
        if rest > 0 && self.diagnostics.len() == errors {
            // The names of the first elaboration stay; what has the same type in both shares its slot.
            let names = std::mem::replace(&mut self.modules[module].names, before);
            let outer = self.twins.replace(names.clone());
            exit = self.batch_body(&walk, &fields, rest, turn, carried, body);
            let note = format!(
                "in the last batch, which has {rest} of the {rows} rows; the others have {size}"
            );
            let new = self.diagnostics.iter_mut().skip(errors);
            new.for_each(|diagnostic| diagnostic.notes.push(note.clone()));
            self.patch_batch(exit);
            self.twins = outer;
            self.modules[module].names = names;
        }
        self.steps_per_epoch = outer_steps;
        Ok(())
    }

    /// Lets a `NextBatch` that finds too few rows go on here.
    fn patch_batch(&mut self, at: usize) {
        let here = self.program.code.len();
        if let Instr::NextBatch { otherwise, .. } = &mut self.program.code[at] {
            *otherwise = here;
        }
    }

    fn batch_body(
        &mut self,
        walk: &Walked,
        fields: &[(Arc<str>, Type)],
        size: usize,
        turn: SlotId,
        carried: &HashSet<Arc<str>>,
        body: &mut dyn FnMut(&mut Self, Val, usize),
    ) -> usize {
        let mut record = Vec::new();
        let mut slots = Vec::new();
        let rows = self.new_slot(
            "batch rows",
            Type::new(DType::I32, vec![size]),
            SlotKind::Data,
            None,
        );
        for (name, ty) in fields {
            let mut shape = ty.shape.clone();
            if let Some(first) = shape.first_mut() {
                *first = size;
            }
            let dims = vec![None; shape.len()];
            let slot = self.new_slot(
                format!("batch.{name}"),
                Type::new(ty.dtype, shape),
                SlotKind::Data,
                None,
            );
            if ty.dtype != DType::U8 {
                let whole = self.field_slot(Field {
                    data: walk.data,
                    part: walk.part.clone(),
                    name: name.to_string(),
                });
                // A batch of all rows in the order in which they are stored is the field itself.
                let positions = (ty.shape.first() != Some(&size) || walk.shuffled).then_some(rows);
                self.gathered.insert(slot, (whole, positions));
            }
            record.push((name.clone(), Val::Slot(slot, dims)));
            slots.push((name.to_string(), slot));
        }
        let begin = self.emit_code(Instr::NextBatch {
            iterator: walk.iterator,
            size,
            rows: Some(rows),
            fields: slots,
            otherwise: 0,
        });
        let batch = Val::Record(std::rc::Rc::new(record));
        self.loop_body(turn, carried, |checker| body(checker, batch, size));
        self.emit_code(Instr::AddInt {
            slot: turn,
            value: 1,
        });
        begin
    }

    /// `if` at the top level, on a scalar that is known when the program runs.
    pub(super) fn run_time_if(
        &mut self,
        condition: Val,
        span: Span,
        then: &Block,
        otherwise: Option<&Block>,
    ) -> Outcome<()> {
        let slot = self.condition_slot(condition, span)?;
        let mut carried = self.carry(&then.statements);
        if let Some(otherwise) = otherwise {
            carried.extend(self.carry(&otherwise.statements));
        }
        self.flush();
        let branch = self.emit_code(Instr::JumpIfZero { slot, target: 0 });
        let turn = match self.loops.last() {
            Some(site) => site.turn,
            None => self.counter("branch"),
        };
        self.loop_body(turn, &carried, |checker| checker.body(&then.statements));
        let mut end = self.program.code.len();
        if let Some(otherwise) = otherwise {
            let jump = self.emit_code(Instr::Jump(0));
            end = self.program.code.len();
            self.loop_body(turn, &carried, |checker| {
                checker.body(&otherwise.statements)
            });
            self.program.code[jump] = Instr::Jump(self.program.code.len());
        }
        self.program.code[branch] = Instr::JumpIfZero { slot, target: end };
        Ok(())
    }

    /// `for i in range { body }` in a layer or function: unrolled, each turn with instances of its own.
    pub(super) fn unrolled(
        &mut self,
        pattern: &Pattern,
        source: &Source,
        body: &Block,
        span: Span,
    ) -> Outcome<()> {
        let values: Vec<Val> = match source {
            Source::Range {
                start,
                end,
                inclusive,
            } => {
                let (first, last) = (self.whole(start)?, self.whole(end)?);
                let last = last.saturating_add(i64::from(*inclusive));
                self.few_turns(last.saturating_sub(first), span)?;
                (first..last)
                    .map(|i| Val::Num(super::values::Num::Int(i)))
                    .collect()
            }
            Source::Expr(expr) => match self.eval(expr)? {
                Val::Tuple(parts) => parts,
                Val::List(items) => items.into_iter().map(|(_, item)| item).collect(),
                Val::Error => return Err(super::values::Reported),
                other => {
                    return self.error(
                        "E0435",
                        span,
                        format!(
                            "an unrolled loop walks a range, a tuple or a list, not {}",
                            other.kind()
                        ),
                        "write `for i in 0..layers`, or list sizes in a tuple, `for w in (8, 4)`; a sequence is walked by `scan`",
                    );
                }
            },
        };
        for (turn, value) in values.into_iter().enumerate() {
            self.spend(span)?;
            // A turn of a range is known by its number there, so that weights stay where they are if the range begins earlier.
            let turn = match (source, &value) {
                (Source::Range { .. }, Val::Num(super::values::Num::Int(i))) => *i as u64,
                _ => turn as u64,
            };
            self.places.push(0x1000_0000_0000_0000 | turn);
            self.streams.push(turn);
            match pattern {
                Pattern::Name(_) => self.bind_loop_variable(pattern, value),
                Pattern::Tuple(..) => self.bind_pattern(pattern, value, span)?,
            }
            let outcome = self.block_value(&body.statements);
            self.places.pop();
            self.streams.pop();
            outcome?;
        }
        Ok(())
    }

    fn few_turns(&mut self, turns: i64, span: Span) -> Outcome<()> {
        if turns <= MOST_TURNS {
            return Ok(());
        }
        let message = format!("a loop of {turns} turns is not unrolled");
        self.error("E0436", span, message, "use `scan`")
    }
}
