//! What a person meant who wrote a command that there is not.
use crate::base::diagnostic::nearest;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// The error with the command that was meant, where that is known.
pub(super) fn with_hint(mut error: clap::Error) -> clap::Error {
    let text = |kind: ContextKind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::StyledStr(text)) => Some(text.to_string()),
        _ => None,
    };
    let hint = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let hinted = error.get(ContextKind::SuggestedSubcommand).is_some();
            let word = text(ContextKind::InvalidSubcommand);
            word.and_then(|word| of_other_command(&word, hinted))
        }
        // A flag that is nearly one has its own hint.
        ErrorKind::UnknownArgument if error.get(ContextKind::SuggestedArg).is_none() => {
            let usage = text(ContextKind::Usage).unwrap_or_default();
            let flag = text(ContextKind::InvalidArg).filter(|_| usage.contains("NAME=VALUE"));
            flag.as_deref().and_then(of_flag)
        }
        _ => None,
    };
    if let Some(hint) = hint {
        let tips = ContextValue::StyledStrs(vec![StyledStr::from(hint)]);
        error.insert(ContextKind::Suggested, tips);
        error.remove(ContextKind::SuggestedSubcommand);
    }
    error
}

fn of_command(word: &str) -> Option<String> {
    match word {
        "train" | "fit" => Some("a program trains where it is run: 'dlmc run FILE'".into()),
        "version" => Some("write 'dlmc --version'".into()),
        "init" | "create" | "start" => Some("a project begins with 'dlmc new DIR'".into()),
        "build" | "compile" => Some(
            "a program is compiled where it is run: 'dlmc run FILE', or 'dlmc check FILE'".into(),
        ),
        "test" | "eval" | "evaluate" => Some(
            "a program measures itself, 'evaluate(net, set.test, accuracy)': 'dlmc run FILE'"
                .into(),
        ),
        "plot" | "draw" | "show" => Some("a model is drawn by 'dlmc graph FILE'".into()),
        "format" => Some("write 'dlmc fmt FILE'".into()),
        _ if word.ends_with(".dlm") => Some(format!("to run a program, write 'dlmc run {word}'")),
        _ => None,
    }
}

/// The command whose name is nearly the word, for words too short for the likeness that clap looks for.
fn of_near_command(word: &str) -> Option<String> {
    let command = super::command();
    let names = command.get_subcommands().map(|command| command.get_name());
    let near = nearest(word, names)?;
    Some(format!("a similar subcommand exists: '{near}'"))
}

/// As `of_command`, where clap has no hint of its own.
fn of_other_command(word: &str, hinted: bool) -> Option<String> {
    match of_command(word) {
        None if !hinted => of_near_command(word),
        hint => hint,
    }
}

fn of_flag(flag: &str) -> Option<String> {
    let (name, own) = match flag.strip_prefix("--")?.split_once('=') {
        Some((name, value)) => (name, Some(value.to_string())),
        None => (flag.strip_prefix("--")?, None),
    };
    // The word behind it, where it is a number.
    let behind = || {
        let mut words = std::env::args().skip_while(|word| word != flag);
        words.nth(1).filter(|word| word.parse::<f64>().is_ok())
    };
    let value = own.or_else(behind).unwrap_or_else(|| "0.1".into());
    Some(format!(
        "a hyper-parameter of the program is set without dashes: '{name}={value}'"
    ))
}
