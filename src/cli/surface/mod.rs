//! What the command line shows of itself: examples below each help text, variables that stand for flags, completions for shells, and
//! manual pages. All of it is made of the same declarations that the arguments are read by.
pub mod completions;
mod examples;
mod hints;
pub mod manual;
mod variables;

use super::Cli;
use super::output::Output;
use clap::{ColorChoice, CommandFactory, FromArgMatches};
use std::ffi::OsString;
use std::process::ExitCode;

/// The declarations, with examples, and the names of variables behind the flags that have one.
pub fn command() -> clap::Command {
    let mut command = Cli::command();
    let twins = variables::twins(&command);
    let names: Vec<String> = command
        .get_subcommands()
        .map(|sub| sub.get_name().to_string())
        .collect();
    for name in names {
        command = command.mut_subcommand(&name, |sub| {
            let sub = sub.mut_args(|arg| variables::named(&name, arg, &twins));
            examples::added(sub)
        });
    }
    command.after_help(
        "Exit codes: 0 all went well, 1 the program is wrong or failed, 2 the command is wrong or a file is missing,\n\
         130 and 143 Ctrl-C or a request to end stopped the run.\n\n\
         Start with `dlmc new DIR`.",
    )
}

/// Reads the arguments of this process, and the variables that stand for flags. What is wrong is said.
pub(super) fn parsed() -> Result<Cli, ExitCode> {
    let command = command().color(match (Output::colours(false), Output::colours(true)) {
        (true, _) => ColorChoice::Always,
        (false, true) => ColorChoice::Auto,
        (false, false) => ColorChoice::Never,
    });
    let given: Vec<OsString> = std::env::args_os().collect();
    let value = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let added = variables::added(&command, &given, &value).map_err(|why| {
        eprint_closed(&format!("error: {why}\n"));
        ExitCode::from(2)
    })?;
    let failed = |error: clap::Error, note: String| {
        let error = hints::with_hint(error);
        // Where nobody reads the help there is nothing left to do.
        let _ = error.print();
        eprint_closed(&note);
        ExitCode::from(if error.use_stderr() { 2 } else { 0 })
    };
    let matches = command
        .clone()
        .try_get_matches_from(&added.arguments)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    matches.map_err(|error| {
        // What is wrong without the variables too is not their fault.
        let alone = command.try_get_matches_from(&given);
        match alone.err() {
            Some(error) => failed(error, String::new()),
            None => failed(error, added.note()),
        }
    })
}

/// Writes to standard error; where that is closed nobody wants to know.
fn eprint_closed(text: &str) {
    use std::io::Write;
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declarations_are_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_flag_has_an_example() {
        let command = command();
        for sub in command.get_subcommands() {
            let name = sub.get_name();
            let help = sub.get_after_help().map(ToString::to_string);
            let help = help.unwrap_or_else(|| panic!("`{name}` has no example"));
            for flag in sub.get_arguments().filter_map(|arg| arg.get_long()) {
                let found = help
                    .split_whitespace()
                    .any(|word| word.split('=').next() == Some(&format!("--{flag}")));
                assert!(
                    found || matches!(flag, "help" | "version"),
                    "{name} --{flag}"
                );
            }
        }
    }

    #[test]
    fn every_example_is_read() {
        let command = command();
        for line in examples::lines(&command) {
            let words = examples::words(&line);
            let read = command.clone().try_get_matches_from(&words);
            assert!(read.is_ok(), "{line}: {:?}", read.err());
        }
    }
}
