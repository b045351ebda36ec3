//! What a program shows and keeps: `print`, `assert`, `plot`, `save`, `load`.
use super::Checker;
use super::program::{Instr, Piece, SlotKind};
use super::values::{Instance, Num, Outcome, Reported, Val};
use crate::base::source::Span;
use crate::syntax::ast::{Expr, ExprKind, Format, StrPart};
use std::rc::Rc;
use std::sync::Arc;

impl Checker<'_> {
    /// `print value, ...`: one line.
    pub(super) fn print(&mut self, values: &[Expr], span: Span) -> Outcome<()> {
        self.host_only("print", span)?;
        let mut pieces = Vec::new();
        let mut outcome = Ok(());
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                pieces.push(Piece::Text(" ".into()));
            }
            // Each value is looked at, also after one that is wrong.
            let piece = self.pieces(value, &mut pieces);
            outcome = outcome.and(piece);
        }
        outcome?;
        self.after_step(Instr::Print(pieces));
        Ok(())
    }

    fn host_only(&mut self, what: &str, span: Span) -> Outcome<()> {
        if self.at_top() {
            return Ok(());
        }
        self.error(
            "E0433",
            span,
            format!("`{what}` stands at the top level of a program"),
            match what {
                "print" => "layers and functions only compute: print what they give, `print net(x)`; the shapes inside are drawn by `dlmc graph FILE`",
                _ => "layers and functions only compute",
            },
        )
    }

    fn pieces(&mut self, expr: &Expr, into: &mut Vec<Piece>) -> Outcome<()> {
        if let ExprKind::Str(parts) = &expr.kind {
            for part in parts {
                match part {
                    StrPart::Text(text) => into.push(Piece::Text(text.clone())),
                    StrPart::Value(value, format) => self.piece(value, format.as_ref(), into)?,
                }
            }
            return Ok(());
        }
        self.piece(expr, None, into)
    }

    fn piece(
        &mut self,
        expr: &Expr,
        format: Option<&Format>,
        into: &mut Vec<Piece>,
    ) -> Outcome<()> {
        if let ExprKind::Call(callee, arguments) = &expr.kind
            && matches!(&callee.kind, ExprKind::Name(name) if &**name == "decode")
            && let [tokens, text] = arguments.as_slice()
        {
            return self.decoded(&tokens.value, &text.value, into);
        }
        let value = self.eval(expr)?;
        self.value_piece(&value, format, expr.span, into)
    }

    fn value_piece(
        &mut self,
        value: &Val,
        format: Option<&Format>,
        span: Span,
        into: &mut Vec<Piece>,
    ) -> Outcome<()> {
        match value {
            Val::Error => Err(Reported),
            Val::Num(Num::Int(i)) if format.is_none() => {
                into.push(Piece::Text(i.to_string()));
                Ok(())
            }
            Val::Bool(truth) => {
                into.push(Piece::Text(truth.to_string()));
                Ok(())
            }
            Val::Str(text) => {
                into.push(Piece::Text(text.to_string()));
                Ok(())
            }
            Val::Tuple(parts) => {
                into.push(Piece::Text("(".into()));
                for (at, part) in parts.iter().enumerate() {
                    if at > 0 {
                        into.push(Piece::Text(", ".into()));
                    }
                    self.value_piece(part, format, span, into)?;
                }
                into.push(Piece::Text(")".into()));
                Ok(())
            }
            Val::Instance(instance) => {
                let text = self.described_instance(instance);
                into.push(Piece::Text(text));
                Ok(())
            }
            Val::Data(data) => {
                let text = self.described_data(data)?;
                into.push(Piece::Text(text));
                Ok(())
            }
            other => {
                let tensor = self.operand(other, None, span)?;
                let slot = self.export("printed", tensor, span);
                into.push(Piece::Value {
                    slot,
                    precision: format.and_then(|format| format.precision),
                    style: format.and_then(|format| format.style),
                    width: format.and_then(|format| format.width),
                });
                Ok(())
            }
        }
    }

    pub(super) fn described_instance(&mut self, instance: &Rc<Instance>) -> String {
        let mut lines = vec![format!(
            "{} ({})",
            self.path(instance),
            instance.def.syntax.name.text
        )];
        let mut total = 0;
        for (name, slot) in self.slots_of(instance, None) {
            let data = self.program.slot(slot);
            if data.kind == SlotKind::Parameter {
                total += data.ty.len();
            }
            lines.push(format!("  {name}: {}", data.ty));
        }
        lines.push(format!("  {total} parameters"));
        lines.join("\n")
    }

    fn decoded(&mut self, tokens: &Expr, text: &Expr, into: &mut Vec<Piece>) -> Outcome<()> {
        let value = self.eval(tokens)?;
        let tensor = self.operand(&value, None, tokens.span)?;
        let slot = self.export("printed", tensor, tokens.span);
        let Val::Data(data) = self.eval(text)? else {
            return self.error(
                "E0504",
                text.span,
                "`decode` takes the text whose characters the tokens stand for",
                "write `decode(tokens, text)`",
            );
        };
        let (set, _) = self.open_whole(&data)?;
        let vocabulary = self.program.data[set].vocabulary.clone();
        if vocabulary.is_empty() {
            return self.error(
                "E0504",
                text.span,
                "this data set is no text and has no vocabulary",
                "read it with `text(...)`",
            );
        }
        into.push(Piece::Characters {
            slot,
            vocabulary: Arc::new(vocabulary),
        });
        Ok(())
    }

    /// `assert condition, message`
    pub(super) fn assertion(
        &mut self,
        condition: &Expr,
        message: Option<&Expr>,
        span: Span,
    ) -> Outcome<()> {
        let holds = self.eval(condition)?;
        if let (Val::Tuple(parts), ExprKind::Tuple(written)) = (&holds, &condition.kind)
            && let ([_, Val::Str(_)], [tested, said]) = (parts.as_slice(), written.as_slice())
        {
            let (tested, said) = (
                self.short(tested.span, "c"),
                self.short(said.span, "\"...\""),
            );
            return self.error(
                "E0442",
                condition.span,
                "`assert` takes its condition and its message without parentheses",
                format!("write `assert {tested}, {said}`"),
            );
        }
        if let Val::Bool(true) = holds {
            return Ok(());
        }
        if !matches!(holds, Val::Bool(false)) {
            self.host_only("assert", span)?;
        }
        let mut pieces = Vec::new();
        match message {
            Some(message) => self.pieces(message, &mut pieces)?,
            None => pieces.push(Piece::Text(format!(
                "`{}` does not hold",
                self.sources.snippet(condition.span)
            ))),
        }
        match holds {
            Val::Bool(_) => {
                let text = pieces
                    .iter()
                    .map(|piece| {
                        if let Piece::Text(text) = piece {
                            text.as_str()
                        } else {
                            "..."
                        }
                    })
                    .collect::<String>();
                // The standard library says the mend after a semicolon.
                if let (0, Some((message, mend))) = (self.frame().module, text.split_once("; ")) {
                    return self.error("E0442", span, message, mend);
                }
                let what = self.sources.snippet(condition.span).to_string();
                self.error(
                    "E0442",
                    span,
                    text,
                    format!("`{what}` is known before the program runs, and is false"),
                )
            }
            value => {
                let tensor = self.operand(&value, None, condition.span)?;
                let condition = self.export("condition", tensor, span);
                self.after_step(Instr::Assert {
                    condition,
                    message: pieces,
                    origin: span,
                });
                Ok(())
            }
        }
    }

    /// A file name.
    pub(super) fn file_name(&mut self, expr: &Expr) -> Outcome<String> {
        match self.eval(expr)? {
            Val::Str(text) => Ok(text.to_string()),
            other => self.error(
                "E0505",
                expr.span,
                format!("a file's name is a string, not {}", other.kind()),
                "write it in quotes",
            ),
        }
    }

    /// `plot value to file`
    pub(super) fn plot(&mut self, value: &Expr, to: &Expr, span: Span) -> Outcome<()> {
        self.host_only("plot", span)?;
        let file = self.file_name(to)?;
        let found = self.eval(value)?;
        let tensor = self.operand(&found, None, value.span)?;
        if self.type_of(&tensor).shape.len() > 2 {
            let described = self.describe(&tensor);
            return self.error(
                "E0365",
                value.span,
                format!("{described} has too many dimensions to be drawn"),
                "plot a vector, or a matrix with one line for each row",
            );
        }
        let slot = self.export("plotted", tensor, span);
        self.after_step(Instr::Plot {
            slot,
            file,
            origin: span,
        });
        Ok(())
    }

    /// `save what to file`
    pub(super) fn save(&mut self, what: &Expr, to: &Expr, span: Span) -> Outcome<()> {
        self.host_only("save", span)?;
        let file = self.file_name(to)?;
        self.weights_file(&file, to, true)?;
        let value = self.eval(what)?;
        self.flush();
        let at = self.emit_code(Instr::Save {
            entries: Vec::new(),
            file,
            origin: span,
        });
        self.entries(value, at, what.span)
    }

    /// `load what from file`
    pub(super) fn load(&mut self, what: &Expr, from: &Expr, span: Span) -> Outcome<()> {
        self.host_only("load", span)?;
        let file = self.file_name(from)?;
        self.weights_file(&file, from, false)?;
        let value = self.eval(what)?;
        self.flush();
        let at = self.emit_code(Instr::Load {
            entries: Vec::new(),
            file,
            origin: span,
        });
        self.entries(value, at, what.span)
    }

    fn entries(&mut self, value: Val, at: usize, span: Span) -> Outcome<()> {
        match value {
            Val::Instance(instance) => {
                self.whole_instances.push((at, instance));
                Ok(())
            }
            Val::Slot(slot, _) => {
                let name = self.program.slot(slot).name.clone();
                self.set_entries(at, vec![(name, slot)]);
                Ok(())
            }
            other => {
                let help = match self.program.code.get(at) {
                    Some(Instr::Load { .. }) => "load into a layer or a parameter",
                    Some(_) | None => "save a layer or a parameter",
                };
                let message = format!("{} has no weights", other.kind());
                self.error("E0443", span, message, help)
            }
        }
    }

    fn set_entries(&mut self, at: usize, new: Vec<(String, crate::check::program::SlotId)>) {
        match &mut self.program.code[at] {
            Instr::Save { entries, .. } | Instr::Load { entries, .. } => *entries = new,
            Instr::Watch {
                save: Some((entries, _)),
                ..
            } => *entries = new,
            _ => {}
        }
    }

    /// Fills in what is saved and loaded of whole instances, now that all their parameters are known.
    pub(super) fn fill_instances(&mut self) {
        for (at, instance) in std::mem::take(&mut self.whole_instances) {
            let entries = self.slots_of(&instance, None);
            if let (true, Some(Instr::Load { origin, .. })) =
                (entries.is_empty(), self.program.code.get(at))
            {
                let origin = *origin;
                let _: Outcome<()> = self.error(
                    "E0443",
                    origin,
                    "there is nothing to load: this layer has no parameters here",
                    "a layer has its parameters once it is applied: use it in the program, or leave the line out",
                );
            }
            self.set_entries(at, entries);
        }
    }
}
