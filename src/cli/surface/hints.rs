//! What a person meant who wrote a command that there is not.
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
        ErrorKind::InvalidSubcommand => text(ContextKind::InvalidSubcommand)
            .as_deref()
            .and_then(of_command),
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
        _ if word.ends_with(".dlm") => Some(format!("to run a program, write 'dlmc run {word}'")),
        _ => None,
    }
}

fn of_flag(flag: &str) -> Option<String> {
    let name = flag.strip_prefix("--")?;
    let name = name.split('=').next().unwrap_or(name);
    Some(format!(
        "a hyper-parameter of the program is set without dashes: '{name}=0.1'"
    ))
}
