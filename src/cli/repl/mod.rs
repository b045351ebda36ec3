//! The prompt: `dlmc`, `dlmc repl [FILE]`.
//!
//! On a terminal lines are edited, coloured, completed and remembered; from a pipe or a file inputs are read the same way without a prompt.
mod commands;
mod draw;
mod editor;
mod history;
mod session;

use super::journal::{Journal, Place};
use super::messages::Form;
use super::output::{Output, lines_within};
use super::watch::history::History;
use super::watch::progress::{Mode, Progress};
use super::{Appearance, Failure, read_source, say_count};
use crate::base::diagnostic::Diagnostic;
use crate::base::source::Sources;
use crate::check::growing::Renewed;
use crate::check::shown::typed;
use crate::session::{STDIN, Settings};
use crate::train::format::{self, Room, Style};
use crate::train::{Event, Machine, RunError};
use commands::{Refusal, Wish, command, command_without_colon};
use editor::{Editing, is_unfinished};
use history::Remembered;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Behavior, CompletionType, Config, Editor};
use session::{Session, Trouble, Value};
use std::io::{BufRead, IsTerminal};
use std::sync::atomic::Ordering;

/// What inputs are reported under.
const NAME: &str = "input";

/// What a prompt is started with.
pub struct Request {
    /// A program that is run first.
    pub file: Option<String>,
    /// Threads, seed, values of hyper-parameters.
    pub settings: Settings,
    /// How messages look.
    pub appearance: Appearance,
}

/// Reads inputs to their end.
pub fn repl(request: &Request) -> Result<(), Failure> {
    let output = Output {
        prompt: true,
        ..Output::new(request.appearance)
    };
    let people = output.form == Form::Text;
    let mut prompt = Prompt {
        coloured: people && Output::result_colours(request.appearance.color),
        session: new_session(request, &output)?,
        request,
        output,
        wrong: false,
    };
    prompt.run_file()?;
    prompt.session.growing.rename(NAME);
    match has_terminal() && request.file.as_deref() != Some("-") {
        true => prompt.edited(),
        false => prompt.piped(),
    }
}

/// Whether inputs come from a terminal, and there is one to edit them on where results go elsewhere.
fn has_terminal() -> bool {
    let elsewhere = || cfg!(windows) || std::fs::File::open("/dev/tty").is_ok();
    std::io::stdin().is_terminal() && (std::io::stdout().is_terminal() || elsewhere())
}

fn new_session(request: &Request, output: &Output) -> Result<Session, Failure> {
    let file = request.file.as_deref().filter(|file| *file != "-");
    let folder = file.and_then(|file| std::path::Path::new(file).parent());
    let folder = folder.map(|folder| folder.display().to_string());
    let base = folder
        .filter(|f| !f.is_empty())
        .unwrap_or_else(|| ".".into());
    let name = file.unwrap_or(NAME);
    Session::new(name, &base, request.settings.clone()).map_err(|why| {
        output.say(&format!("error: {why}\n"));
        Failure::Usage
    })
}

struct Prompt<'a> {
    session: Session,
    request: &'a Request,
    output: Output,
    /// Whether results are coloured.
    coloured: bool,
    /// Whether an input was wrong or failed.
    wrong: bool,
}

/// Whether there is more to read.
#[derive(PartialEq, Eq)]
enum Next {
    More,
    End,
}

impl Prompt<'_> {
    fn run_file(&mut self) -> Result<(), Failure> {
        let Some(file) = self.request.file.as_deref().filter(|file| *file != "-") else {
            return Ok(());
        };
        let source = read_source(file, &self.output)?;
        self.statements(&source.text)?;
        if self.wrong {
            return Ok(());
        }
        let unused = self.session.growing.unused_hypers();
        for diagnostic in &unused {
            self.say(diagnostic, &Sources::default());
        }
        match unused.is_empty() {
            true => Ok(()),
            false => Err(Failure::Program),
        }
    }

    /// Inputs from a terminal.
    fn edited(&mut self) -> Result<(), Failure> {
        // Results that go to a file are not to have the prompt among them.
        let shared = std::io::stdout().is_terminal();
        let behavior = match shared {
            true => Behavior::Stdio,
            false => Behavior::PreferTerm,
        };
        let config = Config::builder()
            .behavior(behavior)
            .completion_type(CompletionType::List)
            .auto_add_history(true)
            .max_history_size(history::MOST)
            .map(|config| config.build())
            .unwrap_or_default();
        let mut editor: Editor<Editing, FileHistory> = match Editor::with_config(config) {
            Ok(editor) => editor,
            Err(error) => {
                self.output
                    .say(&format!("error: the terminal cannot be used: {error}\n"));
                return Err(Failure::Usage);
            }
        };
        editor.set_helper(Some(Editing::new(self.output.colour)));
        let mut remembered = Remembered::new(&mut editor);
        let greeting = format!(
            "dlmc {}  :help lists commands, Ctrl-D ends",
            env!("CARGO_PKG_VERSION")
        );
        match shared {
            true => self.output.line(&fitted(&greeting))?,
            false => self.output.tell(&format!("{greeting}\n")),
        }
        loop {
            if let Some(helper) = editor.helper_mut() {
                helper.update(&self.session);
            }
            let next = match editor.readline("dlm> ") {
                Ok(text) => {
                    remembered.append(&mut editor, &self.output);
                    self.input(&text)?
                }
                Err(ReadlineError::Interrupted) => {
                    self.output.tell("(Ctrl-D or :quit ends the session)\n");
                    Next::More
                }
                Err(ReadlineError::Eof) => Next::End,
                Err(error) => {
                    self.output
                        .say(&format!("error: the terminal cannot be read: {error}\n"));
                    return Err(Failure::Usage);
                }
            };
            if next == Next::End {
                break;
            }
        }
        Ok(())
    }

    /// Inputs from a pipe or a file.
    fn piped(&mut self) -> Result<(), Failure> {
        let mut text = String::new();
        for line in std::io::stdin().lock().lines() {
            let line = line.map_err(|error| {
                self.output
                    .say(&format!("error: \"{STDIN}\" cannot be read: {error}\n"));
                Failure::Usage
            })?;
            text.push_str(&line);
            text.push('\n');
            if is_unfinished(&text) {
                continue;
            }
            if self.input(&std::mem::take(&mut text))? == Next::End {
                break;
            }
        }
        self.input(&text)?;
        match self.wrong {
            true => Err(Failure::Program),
            false => Ok(()),
        }
    }

    /// One input: statements or a command.
    fn input(&mut self, text: &str) -> Result<Next, Failure> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Ok(Next::More);
        }
        if !trimmed.starts_with(':') {
            let names = self.session.growing.names();
            if let Some(hint) = command_without_colon(trimmed, &names) {
                self.wrong = true;
                self.output.tell(&hint);
                return Ok(Next::More);
            }
            self.statements(text)?;
            return Ok(Next::More);
        }
        match command(&mut self.session, trimmed, self.coloured) {
            Ok(Wish::Show(text)) => self.output.line(&text)?,
            Ok(Wish::Run(text)) => {
                self.statements(&text)?;
            }
            Ok(Wish::Read(text, said)) => {
                if self.statements(&text)? {
                    self.output.line(&fitted(&said))?;
                }
            }
            Ok(Wish::Reset) => {
                self.session = new_session(self.request, &self.output)?;
                self.session.growing.rename(NAME);
            }
            Ok(Wish::Quit) => return Ok(Next::End),
            Err(Refusal::Trouble(trouble)) => self.trouble(&trouble),
            Err(Refusal::Said(text)) => {
                self.wrong = true;
                self.output.tell(&format!("{text}\n"));
            }
        }
        Ok(Next::More)
    }

    /// Runs statements and shows what they give. Whether they went well.
    fn statements(&mut self, text: &str) -> Result<bool, Failure> {
        let mut closed = Ok(());
        let output = &self.output;
        let answer = self.session.run(text, &mut |machine| {
            machine.print_within(Output::terminal_columns());
            let mut shown = Shown::new(output, machine);
            let outcome = shown.drive(machine);
            closed = shown.closed;
            outcome
        });
        closed?;
        let answer = match answer {
            Ok(answer) => answer,
            Err(trouble) => {
                self.trouble(&trouble);
                return Ok(false);
            }
        };
        for warning in &answer.warnings {
            self.say(warning, self.session.growing.sources());
        }
        for renewed in &answer.renewed {
            self.output.tell(&renewed_text(renewed));
        }
        for value in &answer.values {
            self.output.line(&self.shown(value))?;
        }
        if answer.stopped {
            self.output
                .tell("stopped; the weights are as the last step left them\n");
        }
        Ok(true)
    }

    fn trouble(&mut self, trouble: &Trouble) {
        self.wrong = true;
        match trouble {
            Trouble::Wrong(wrong) => {
                for diagnostic in &wrong.diagnostics {
                    self.say(diagnostic, &wrong.sources);
                }
                say_count(&wrong.diagnostics, &self.output);
            }
            Trouble::Failed(error, sources) => self.say(&error.diagnostic, sources),
        }
    }

    fn say(&self, diagnostic: &Diagnostic, sources: &Sources) {
        self.output.diagnostic(diagnostic, sources);
    }

    /// A value, and below a tensor its type with the names of its dimensions.
    fn shown(&self, value: &Value) -> String {
        match value {
            Value::Text(text) => text.clone(),
            Value::Several(parts) => {
                let parts: Vec<String> = parts.iter().map(|part| self.shown(part)).collect();
                parts.join("\n")
            }
            Value::Tensor(tensor, dims) => {
                let rank = tensor.shape().len();
                let room = Output::terminal_columns()
                    .map_or_else(Room::default, |columns| Room::behind("", columns, rank));
                let text = format::text_within(tensor, Style::default(), room);
                if rank == 0 {
                    return text;
                }
                let ty = fitted(&typed(&tensor.ty(), dims));
                match self.coloured {
                    true => format!("{text}\n\x1b[90m{ty}\x1b[0m"),
                    false => format!("{text}\n{ty}"),
                }
            }
        }
    }
}

/// What is seen of statements while they run.
struct Shown<'a> {
    output: &'a Output,
    journal: Journal,
    history: History,
    progress: Progress<'a>,
    /// Whether anybody takes the output.
    closed: Result<(), Failure>,
}

impl<'a> Shown<'a> {
    fn new(output: &'a Output, machine: &Machine) -> Shown<'a> {
        let mode = match output.redraws {
            true => Mode::Live,
            false => Mode::Off,
        };
        let place = Place::default();
        Shown {
            output,
            journal: Journal::new(machine.program(), false),
            history: History::new(place),
            progress: Progress::new(output, mode, place),
            closed: Ok(()),
        }
    }

    /// Takes a machine to its end, or until its stop flag is set or nobody takes the output.
    fn drive(&mut self, machine: &mut Machine) -> Result<(), RunError> {
        machine.note_losses(self.progress.is_shown());
        let stop = machine.stop_flag();
        while !stop.load(Ordering::Relaxed) {
            let event = self.journal.advance(machine, u64::MAX);
            for (step, noted) in self.journal.losses(machine) {
                if let Some(objective) = noted.of(machine.program()) {
                    self.history.note_loss(objective, step, noted.loss);
                }
            }
            let event = event.inspect_err(|_| self.progress.clear())?;
            self.history
                .note(&event, machine.losses(), self.journal.place);
            match &event {
                Event::None => {
                    if !self.journal.place.inside {
                        self.tick(machine.turns());
                    }
                }
                Event::StepsDone { .. } => self.tick(None),
                Event::EpochBegin { .. } => {}
                Event::EpochEnd(_) => self.progress.epoch(&self.history),
                Event::Line(line) => {
                    self.progress.clear();
                    self.closed = self.output.line(line);
                    if self.closed.is_err() {
                        return Ok(());
                    }
                }
                Event::Warning(warning) => {
                    self.progress.clear();
                    self.output.diagnostic(warning, &Sources::default());
                }
                Event::Finished => break,
            }
        }
        let whole = !stop.load(Ordering::Relaxed);
        self.progress.end(&self.history, self.journal.place, whole);
        Ok(())
    }

    fn tick(&mut self, turns: Option<(u64, u64)>) {
        self.progress.tick(&self.history, self.journal.place, turns);
    }
}

/// A result in words: on a terminal broken between them.
fn fitted(text: &str) -> String {
    match Output::terminal_columns() {
        Some(columns) => lines_within(text, columns),
        None => text.into(),
    }
}

fn renewed_text(renewed: &Renewed) -> String {
    let mut text = format!("{} has a new definition", renewed.name);
    // What has another shape is new, and what was of that name is dropped.
    let changed = |path: &&String| renewed.new.contains(path) && renewed.dropped.contains(path);
    let only = |paths: &[String]| -> Vec<String> {
        let paths = paths.iter().filter(|path| !changed(path));
        paths.cloned().collect()
    };
    for (what, paths) in [
        ("kept", renewed.kept.clone()),
        (
            "new, since of another shape",
            renewed.new.iter().filter(changed).cloned().collect(),
        ),
        ("new", only(&renewed.new)),
        ("dropped", only(&renewed.dropped)),
    ] {
        if !paths.is_empty() {
            text += &format!("; {what}: {}", paths.join(", "));
        }
    }
    text + "\n"
}
