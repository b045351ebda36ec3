//! Standard output and standard error, where a closed pipe is no error.
use super::messages::{Form, Message};
use super::{Appearance, Colour, Failure};
use crate::base::diagnostic::Diagnostic;
use crate::base::render::{broken, render_within};
use crate::base::source::Sources;
use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, IsTerminal, Write};
use unicode_width::UnicodeWidthStr;

/// Columns of a terminal that does not say how many it has.
const COLUMNS: usize = 80;

/// Columns of results that go to no terminal.
const WIDE: usize = 100;

/// Where results and messages go.
pub struct Output {
    /// Whether standard error is a terminal.
    pub terminal: bool,
    /// Whether a line on it can be drawn again.
    pub redraws: bool,
    /// Whether standard output is a terminal too, so that results and messages share a screen.
    pub shared: bool,
    /// Whether messages are coloured.
    pub colour: bool,
    /// Whether block characters can be shown.
    pub blocks: bool,
    /// Whether nothing is said but errors.
    pub quiet: bool,
    /// Whether a prompt is open, which has commands of its own.
    pub prompt: bool,
    /// The form of messages. One for other programs has no colours and draws nothing again: standard error counts as no terminal.
    pub form: Form,
}

impl Output {
    /// The streams of this process.
    pub fn new(appearance: Appearance) -> Output {
        let form = appearance.message_format;
        let people = form == Form::Text;
        let terminal = people && std::io::stderr().is_terminal();
        let colour = people && Output::wanted(appearance.color, terminal);
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(variable);
        Output {
            terminal,
            redraws: terminal && !is_dumb(),
            shared: terminal && std::io::stdout().is_terminal(),
            colour,
            blocks: locale.as_deref().is_none_or(is_unicode),
            quiet: false,
            prompt: false,
            form,
        }
    }

    /// Says a diagnostic: on a terminal within its columns.
    pub fn diagnostic(&self, diagnostic: &Diagnostic, sources: &Sources) {
        let columns = self.terminal.then(|| self.columns());
        self.write(&match self.form {
            Form::Text => render_within(diagnostic, sources, self.colour, columns),
            Form::Json => Message::new(diagnostic, sources).json(),
            Form::Github => Message::new(diagnostic, sources).github(),
        });
    }

    /// Columns of the terminal, as wide as its window is now.
    pub fn columns(&self) -> usize {
        let size = terminal_size::terminal_size_of(std::io::stderr());
        size.map_or(COLUMNS, |(columns, _)| match usize::from(columns.0) {
            0 => COLUMNS,
            columns => columns,
        })
    }

    /// Columns of the terminal that results are shown on, else of those that go to none.
    pub fn result_columns() -> usize {
        Output::terminal_columns().unwrap_or(WIDE)
    }

    /// Columns of the terminal that results are shown on, where they are.
    pub fn terminal_columns() -> Option<usize> {
        let size = terminal_size::terminal_size_of(std::io::stdout());
        let columns = size.map(|(columns, _)| usize::from(columns.0));
        columns.filter(|columns| *columns > 0)
    }

    /// Says something that is no error of a program: on a terminal broken between words.
    pub fn tell(&self, text: &str) {
        match self.terminal {
            true => self.say(&lines_within(text, self.columns())),
            false => self.say(text),
        }
    }

    /// Whether results are coloured.
    pub fn result_colours(colour: Colour) -> bool {
        Output::wanted(colour, std::io::stdout().is_terminal())
    }

    fn wanted(colour: Colour, terminal: bool) -> bool {
        match colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => Output::colours(terminal),
        }
    }

    /// Whether the environment wants colours on a stream, which is a terminal or not.
    pub fn colours(terminal: bool) -> bool {
        if variable("NO_COLOR").is_some() {
            return false;
        }
        match variable("FORCE_COLOR") {
            Some(value) => value != "0",
            None => terminal && !is_dumb(),
        }
    }

    /// Writes a line of results.
    pub fn line(&self, line: &str) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        let written = writeln!(out, "{line}").and_then(|()| out.flush());
        written.map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => Failure::Closed,
            _ => {
                self.say(&format!(
                    "error: standard output cannot be written: {error}\n"
                ));
                Failure::Usage
            }
        })
    }

    /// Writes a message that is no error, except where the run is to be quiet.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.say(text);
        }
    }

    /// Says on a terminal where more is told of an error.
    pub fn tell_more(&self, code: Option<&str>) {
        let Some(code) = code.filter(|_| self.terminal && !self.quiet) else {
            return;
        };
        let (dim, end) = if self.colour {
            ("\x1b[2m", "\x1b[0m")
        } else {
            ("", "")
        };
        let command = match self.prompt {
            true => ":doc",
            false => "dlmc explain-error",
        };
        self.say(&format!("{dim}`{command} {code}` tells more{end}\n"));
    }

    /// Says something that has no place in a source: `error: sentence`, below it `help: mend` and `note: fact`, or a line for people.
    pub fn say(&self, text: &str) {
        let said = |shown: fn(&Message) -> String| -> String {
            Message::said(text).iter().map(shown).collect()
        };
        match self.form {
            Form::Text => self.write(text),
            Form::Json => self.write(&said(Message::json)),
            Form::Github => self.write(&said(Message::github)),
        }
    }

    /// Writes to standard error; where that is closed nobody wants to know.
    fn write(&self, text: &str) {
        let mut err = std::io::stderr().lock();
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    }
}

/// A text whose lines are broken between words where they are longer than so many columns.
pub fn lines_within(text: &str, columns: usize) -> String {
    let lines = text.split('\n').map(|line| match line.width() > columns {
        true => broken(line, columns),
        false => line.to_string(),
    });
    lines.collect::<Vec<String>>().join("\n")
}

/// Text from a file, in which control characters must not steer the terminal.
pub fn visible(text: &str) -> String {
    let shown = text.chars().map(|c| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    });
    shown.collect()
}

/// A variable of the environment that is set and not empty.
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

fn is_dumb() -> bool {
    variable("TERM").is_some_and(|term| term == "dumb")
}

/// Whether the terminal of a locale shows more than ASCII. One that names no coding at all, as `en_GB`, is an old one.
fn is_unicode(locale: &OsStr) -> bool {
    let locale = locale.to_string_lossy().to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}
