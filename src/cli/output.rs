//! Standard output and standard error, where a closed pipe is no error.
use super::{Colour, Failure};
use std::io::{ErrorKind, IsTerminal, Write};

/// Where results and messages go.
pub struct Output {
    /// Whether standard error is a terminal.
    pub terminal: bool,
    /// Whether messages are coloured.
    pub colour: bool,
}

impl Output {
    /// The streams of this process.
    pub fn new(colour: Colour) -> Output {
        let terminal = std::io::stderr().is_terminal();
        let colour = match colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => terminal && Output::wants_colour(),
        };
        Output { terminal, colour }
    }

    /// Whether the environment has nothing against colour on a terminal.
    pub fn wants_colour() -> bool {
        std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
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

    /// Writes a message to standard error; where that is closed nobody wants to know.
    pub fn say(&self, text: &str) {
        let mut err = std::io::stderr().lock();
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    }
}
