//! Flags from the environment. Those of `dlmc run` for every command that has them: `DLMC_THREADS=2` says what `--threads 2` says. Others
//! for their command: `DLMC_BENCH_SECONDS=5` says what `dlmc bench --seconds 5` says.
//!
//! What the command line says comes first: a variable whose flag is given, or whose flag does not go with one that is given, is left
//! out. An empty variable is none.
use clap::{Arg, ArgAction, Command};
use std::ffi::{OsStr, OsString};

/// The command whose flags have variables that all commands read.
const OF: &str = "run";

/// The names of the flags whose variables all commands read.
pub fn twins(command: &Command) -> Vec<String> {
    let run = command.find_subcommand(OF);
    let flags = run.into_iter().flat_map(Command::get_arguments);
    flags
        .filter_map(|arg| arg.get_long().map(str::to_string))
        .collect()
}

/// The variable of a flag of a command; none where the flag only tells what there is.
fn variable(command: &str, flag: &str, twins: &[String]) -> Option<String> {
    let name = match flag {
        "help" | "version" => return None,
        _ if twins.iter().any(|twin| twin == flag) => flag.to_string(),
        _ => format!("{command}_{flag}"),
    };
    Some(format!("DLMC_{}", name.replace('-', "_").to_uppercase()))
}

/// A flag of a command whose help names its variable.
pub fn named(command: &str, arg: Arg, twins: &[String]) -> Arg {
    let flag = arg.get_long();
    let variable = flag.and_then(|flag| variable(command, flag, twins));
    match (variable, arg.get_help().map(ToString::to_string)) {
        (Some(variable), Some(help)) => arg.help(format!("{help} [env: {variable}]")),
        (_, _) => arg,
    }
}

/// The arguments, with those that variables add.
#[derive(Debug, PartialEq)]
pub struct Added {
    pub arguments: Vec<OsString>,
    /// The variables that were taken, as they are set.
    taken: Vec<String>,
}

impl Added {
    /// Says where arguments come from that nobody wrote.
    pub fn note(&self) -> String {
        match self.taken.as_slice() {
            [] => String::new(),
            taken => format!(
                "note: set by the environment: {}; an empty variable is none\n",
                taken.join(", ")
            ),
        }
    }
}

/// Adds the flags whose variables are set to the arguments of a command, of which the first is the name of this program.
///
/// # Errors
/// The variable of a switch that is neither yes nor no.
pub fn added(
    command: &Command,
    given: &[OsString],
    value: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Added, String> {
    let mut arguments = given.to_vec();
    if given.len() == 1 {
        // No command at all is the prompt.
        arguments.push("repl".into());
    }
    let name = arguments.get(1).and_then(|name| name.to_str());
    let Some(sub) = name.and_then(|name| command.find_subcommand(name)) else {
        return Ok(Added {
            arguments: given.to_vec(),
            taken: Vec::new(),
        });
    };
    let twins = twins(command);
    let mut taken = Vec::new();
    let mut more = Vec::new();
    for arg in sub.get_arguments() {
        let of_command = sub.get_name();
        let Some((flag, name)) = arg
            .get_long()
            .and_then(|flag| Some((flag, variable(of_command, flag, &twins)?)))
        else {
            continue;
        };
        let Some(value) = value(&name) else { continue };
        if is_given(arg, given) || conflicts(sub, arg).iter().any(|arg| is_given(arg, given)) {
            continue;
        }
        more.extend(written(arg, flag, &name, &value)?);
        taken.push(format!("{name}={}", value.to_string_lossy()));
    }
    let rest = arguments.split_off(2.min(arguments.len()));
    arguments.extend(more);
    arguments.extend(rest);
    Ok(Added { arguments, taken })
}

/// A flag as it is written on the command line.
fn written(arg: &Arg, flag: &str, name: &str, value: &OsStr) -> Result<Vec<OsString>, String> {
    let with = |value: &OsStr| {
        let mut written = OsString::from(format!("--{flag}="));
        written.push(value);
        written
    };
    match arg.get_action() {
        ArgAction::SetTrue => match value.to_string_lossy().to_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(vec![format!("--{flag}").into()]),
            "0" | "false" | "no" | "off" => Ok(Vec::new()),
            other => Err(format!(
                "{name} is {other:?}, which is neither yes nor no\nhelp: {name}=1 does what --{flag} does, {name}=0 nothing"
            )),
        },
        ArgAction::Append => {
            let text = value.to_string_lossy();
            let values = text.split(',').map(str::trim);
            let values = values.filter(|value| !value.is_empty());
            Ok(values.map(|value| with(OsStr::new(value))).collect())
        }
        _ => Ok(vec![with(value)]),
    }
}

/// The flags that do not go with one, whichever of the two says so.
fn conflicts<'a>(sub: &'a Command, arg: &'a Arg) -> Vec<&'a Arg> {
    let of = |arg: &Arg| sub.get_arg_conflicts_with(arg);
    let others = sub.get_arguments().filter(|other| {
        let named = of(other);
        named.iter().any(|named| named.get_id() == arg.get_id())
    });
    of(arg).into_iter().chain(others).collect()
}

/// Whether the command line has a flag, in either of its forms.
fn is_given(arg: &Arg, given: &[OsString]) -> bool {
    let long = arg.get_long().map(|flag| format!("--{flag}"));
    let words = given.iter().skip(2).take_while(|word| *word != "--");
    words.filter_map(|word| word.to_str()).any(|word| {
        let is_long = long.as_deref().is_some_and(|long| {
            let rest = word.strip_prefix(long);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        });
        let letters = word.strip_prefix('-').filter(|w| !w.starts_with('-'));
        let is_short = letters
            .zip(arg.get_short())
            .is_some_and(|(letters, short)| letters.contains(short));
        is_long || is_short
    })
}

#[cfg(test)]
mod tests {
    use super::super::command;
    use super::*;

    fn added_to(given: &[&str], set: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let given: Vec<OsString> = given.iter().map(OsString::from).collect();
        let value = |name: &str| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        let added = added(&command(), &given, &value)?;
        let arguments = added.arguments.into_iter();
        Ok(arguments
            .map(|a| a.to_string_lossy().into_owned())
            .collect())
    }

    #[test]
    fn every_flag_has_a_variable() {
        let command = command();
        let twins = twins(&command);
        let mut checked = 0;
        for sub in command.get_subcommands() {
            let name = sub.get_name();
            for arg in sub.get_arguments() {
                let flag = arg.get_long().unwrap_or("help");
                let Some(variable) = variable(name, flag, &twins) else {
                    continue;
                };
                let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(
                    help.ends_with(&format!("[env: {variable}]")),
                    "{flag}: {help}"
                );
                let value = match arg.get_action() {
                    ArgAction::SetTrue => "1",
                    _ => "7",
                };
                let words = added_to(&["dlmc", name, "m.dlm"], &[(&variable, value)]);
                let words = words.expect("a value");
                assert_eq!(words.len(), 4, "{words:?}");
                assert!(words[2].starts_with(&format!("--{flag}")), "{words:?}");
                checked += 1;
            }
        }
        assert!(checked > 60, "{checked}");
    }

    #[test]
    fn the_command_line_comes_first() {
        let set = [("DLMC_SEED", "7"), ("DLMC_QUIET", "1")];
        let words = |given: &[&str]| added_to(given, &set).expect("values").join(" ");
        assert_eq!(words(&["dlmc", "run", "m"]), "dlmc run --seed=7 --quiet m");
        assert_eq!(
            words(&["dlmc", "run", "m", "--seed", "3"]),
            "dlmc run --quiet m --seed 3"
        );
        assert_eq!(
            words(&["dlmc", "run", "m", "--seed=3", "-v"]),
            "dlmc run m --seed=3 -v"
        );
        assert_eq!(words(&["dlmc", "emit", "m"]), "dlmc emit --seed=7 m");
        assert_eq!(words(&["dlmc", "lsp"]), "dlmc lsp");
        let set = [("DLMC_BENCH_SECONDS", "5"), ("DLMC_FMT_CHECK", "on")];
        let words = |given: &[&str]| added_to(given, &set).expect("values").join(" ");
        assert_eq!(words(&["dlmc", "bench", "m"]), "dlmc bench --seconds=5 m");
        assert_eq!(words(&["dlmc", "fmt", "m"]), "dlmc fmt --check m");
        assert_eq!(words(&["dlmc", "explain", "m"]), "dlmc explain m");
        let words = |given: &[&str]| {
            added_to(given, &[("DLMC_SEED", "7")])
                .expect("values")
                .join(" ")
        };
        assert_eq!(words(&["dlmc"]), "dlmc repl --seed=7");
        assert_eq!(words(&["dlmc", "--help"]), "dlmc --help");
    }

    #[test]
    fn switches_are_yes_or_no_and_lists_have_commas() {
        let run = ["dlmc", "run", "m"];
        for (value, words) in [("YES", 4), ("0", 3), ("off", 3)] {
            let found = added_to(&run, &[("DLMC_TIME", value)]).expect("a value");
            assert_eq!(found.len(), words, "{value}");
        }
        let error = added_to(&run, &[("DLMC_TIME", "soon")]).expect_err("neither");
        assert!(error.contains("DLMC_TIME is \"soon\""), "{error}");
        let words = added_to(&run, &[("DLMC_SKIP", "fuse, simplify")]).expect("names");
        assert_eq!(words[2..4], ["--skip=fuse", "--skip=simplify"]);
    }
}
