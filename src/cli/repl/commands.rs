//! What a prompt understands beside the language: lines that begin with a colon.
use super::session::{Session, Trouble, Value};
use super::{draw, fitted};
use crate::base::diagnostic::nearest;
use crate::base::source::FileId;
use crate::check::declared::Declared;
use crate::cli::doc;
use crate::cli::explain;
use crate::cli::explain_error;
use crate::cli::output::{Output, lines_within};
use crate::cli::run::duration;
use crate::data::safetensors;
use crate::data::whole::replace;
use crate::runtime::speed::Speed;
use crate::session::{self, Source, Stage};
use crate::syntax::token;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long `:time` and `:explain` repeat an expression.
const TIME: Duration = Duration::from_millis(500);

/// A command: its name, what follows it, what it does.
pub const COMMANDS: &[(&str, &str, &str)] = &[
    (":help", "", "this list"),
    (
        ":type",
        "EXPR",
        "the type of an expression, without computing it",
    ),
    (":doc", "NAME", "what is documented of a name"),
    (
        ":source",
        "NAME",
        "how a name is declared, also in the standard library",
    ),
    (":names", "", "the names of this session, and what they are"),
    (
        ":plot",
        "EXPR",
        "a vector as a curve, a matrix as a picture",
    ),
    (
        ":time",
        "EXPR",
        "how long it takes, on copies of all values",
    ),
    (
        ":explain",
        "EXPR",
        "what its time is spent on, kernel by kernel, on copies of all values",
    ),
    (
        ":ir",
        "STAGE EXPR",
        "what the compiler makes of it, as `dlmc emit`: tokens, ast, typed, tir, grad, kernels, memory, clif, asm or after:PASS; tir where no STAGE is given",
    ),
    (
        ":set",
        "NAME = NUMBER",
        "another value for a hyper-parameter, without a new compilation",
    ),
    (
        ":save",
        "FILE",
        "the session's program to a .dlm file, or its weights to a .safetensors file",
    ),
    (
        ":load",
        "FILE",
        "runs a .dlm file, or reads weights of a .safetensors or .npz file",
    ),
    (":reset", "", "forgets everything"),
    (":quit", "", "ends the session, as does Ctrl-D"),
];

/// What a command asks of the prompt itself.
pub enum Wish {
    /// Text to be shown.
    Show(String),
    /// Statements to be run as if they had been typed.
    Run(String),
    /// Statements that read weights, and what is said once they have.
    Read(String, String),
    /// A new session.
    Reset,
    /// The end.
    Quit,
}

/// Why a command did nothing.
pub enum Refusal {
    /// What it is about is wrong or failed.
    Trouble(Trouble),
    /// What is wrong with the command, and the mend.
    Said(String),
}

impl From<Trouble> for Refusal {
    fn from(trouble: Trouble) -> Refusal {
        Refusal::Trouble(trouble)
    }
}

fn said<T>(text: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Said(text.into()))
}

/// Does what a line that begins with a colon says.
pub fn command(session: &mut Session, line: &str, colour: bool) -> Result<Wish, Refusal> {
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let known = COMMANDS.iter().find(|(known, _, _)| *known == name);
    if let Some((name, wanted, what)) = known
        && rest.is_empty() != wanted.is_empty()
    {
        return match wanted.is_empty() {
            true => said(format!("`{name}` takes nothing: {what}")),
            false => said(format!("write `{name} {wanted}`: {what}")),
        };
    }
    let text = match name {
        ":help" | ":h" | ":?" => help(Output::terminal_columns()),
        ":quit" | ":q" | ":exit" => return Ok(Wish::Quit),
        ":reset" => return Ok(Wish::Reset),
        ":type" => fitted(&session.growing.type_of(rest).map_err(Trouble::from)?),
        ":doc" => documentation(session, rest, colour)?,
        ":source" => source(&declared(session, rest)?),
        ":names" => names(session),
        ":plot" => plot(session, rest, colour)?,
        ":time" => fitted(&time(session, rest)?),
        ":explain" => profile(session, rest)?,
        ":ir" => stage(session, rest)?,
        ":set" => fitted(&set(session, rest)?),
        ":save" => fitted(&save(session, unquoted(rest))?),
        ":load" => return load(session, unquoted(rest)),
        _ => {
            let names = COMMANDS.iter().map(|(name, _, _)| *name);
            return match nearest(name, names) {
                Some(near) => said(format!(
                    "there is no command `{name}`; did you mean `{near}`?"
                )),
                None => said(format!("there is no command `{name}`; `:help` lists them")),
            };
        }
    };
    Ok(Wish::Show(text))
}

/// What is said to `quit` or `help()`, where no such name is known: commands begin with a colon.
pub fn command_without_colon(text: &str, names: &[String]) -> Option<String> {
    if let Some(asked) = asked_elsewhere(text) {
        return Some(format!("commands begin with a colon: `{asked}`\n"));
    }
    let word = text.strip_suffix("()").unwrap_or(text);
    let command = match word {
        "exit" | "q" => ":quit".to_string(),
        "?" => ":help".to_string(),
        word => format!(":{word}"),
    };
    let (known, wanted, _) = COMMANDS.iter().find(|(known, _, _)| *known == command)?;
    // Those that take something are words of the language too.
    let plain = wanted.is_empty() && !names.iter().any(|name| name == word);
    plain.then(|| format!("`{word}` is no name; commands begin with a colon: `{known}`\n"))
}

/// What `relu?`, `?relu`, `help(relu)` and `%time f(x)` of other prompts are here.
fn asked_elsewhere(text: &str) -> Option<String> {
    let is_name =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let marked = text.strip_suffix('?').or(text.strip_prefix('?'));
    let called = text
        .strip_prefix("help(")
        .and_then(|rest| rest.strip_suffix(')'));
    if let Some(name) = marked
        .or(called)
        .map(str::trim)
        .filter(|name| is_name(name))
    {
        return Some(format!(":doc {name}"));
    }
    let (word, rest) = text.split_once(char::is_whitespace)?;
    matches!(word, "%time" | "%timeit" | "@time" | "@btime")
        .then(|| format!(":time {}", rest.trim()))
}

/// Columns of a terminal below which a command stands above what it does.
const BESIDE: usize = 60;

/// The commands, on a terminal within its columns.
fn help(columns: Option<usize>) -> String {
    let above = "Type statements of the language; an expression alone shows its value.\nCtrl-C stops what runs and keeps the weights.";
    let within = |text: &str, margin: usize| match columns {
        Some(columns) => lines_within(text, columns.saturating_sub(margin)),
        None => text.into(),
    };
    let mut text = format!("{}\n\n", within(above, 0));
    for (name, wanted, what) in COMMANDS {
        let usage = format!("{name} {wanted}");
        let (begin, margin) = match columns.is_some_and(|columns| columns < BESIDE) {
            true => (format!("  {}\n      ", usage.trim_end()), 6),
            false => (format!("  {usage:<20} "), 23),
        };
        let what = within(what, margin).replace('\n', &format!("\n{:margin$}", ""));
        text += &format!("{begin}{what}\n");
    }
    text.trim_end().into()
}

/// The name of a file without the quotes around it.
fn unquoted(file: &str) -> &str {
    ['"', '\'']
        .into_iter()
        .find_map(|quote| file.strip_prefix(quote)?.strip_suffix(quote))
        .filter(|inner| !inner.is_empty())
        .unwrap_or(file)
}

fn declared(session: &Session, name: &str) -> Result<Declared, Refusal> {
    if let Some(found) = session.growing.declared(name) {
        return Ok(found);
    }
    let names = session.growing.names();
    if names.iter().any(|known| known == name) {
        return said(format!(
            "`{name}` is no `fn`, `layer` or `optimizer` with a text of its own; `:type {name}` says what it is"
        ));
    }
    match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => said(format!("unknown name `{name}`; did you mean `{near}`?")),
        None => said(format!("unknown name `{name}`")),
    }
}

/// What a session declares comes before what the language has by the same name.
fn documentation(session: &Session, name: &str, colour: bool) -> Result<String, Refusal> {
    if session.growing.declared(name).is_none()
        && let Some(text) = doc::of_language(name, colour)
    {
        return Ok(text);
    }
    if let Some(text) = explain_error::of_code(name, colour) {
        return Ok(text);
    }
    Ok(doc::declared(declared(session, name)?, colour))
}

fn source(found: &Declared) -> String {
    format!("# {}\n{}", found.place, found.text.trim_end())
}

fn names(session: &Session) -> String {
    let mut lines = session.growing.bound();
    if lines.is_empty() {
        return "nothing is bound yet".into();
    }
    let width = lines
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    lines.sort();
    let lines: Vec<String> = lines
        .into_iter()
        .map(|(name, what)| format!("{name:<width$}  {what}"))
        .collect();
    lines.join("\n")
}

fn plot(session: &mut Session, text: &str, colour: bool) -> Result<String, Refusal> {
    let values = session.value(text)?;
    let [Value::Tensor(tensor, _)] = values.as_slice() else {
        return said("a tensor is plotted: write `:plot x`");
    };
    match draw::drawn(tensor, colour, Output::terminal_columns()) {
        Some(text) => Ok(text),
        None => said(format!(
            "{} cannot be drawn: plot a vector, or a matrix as a picture; an index makes one of more dimensions smaller, `x[0, :, :]`",
            tensor.ty()
        )),
    }
}

fn time(session: &mut Session, text: &str) -> Result<String, Refusal> {
    let timing = session.time(text, TIME)?;
    Ok(format!(
        "{} (median of {}); checked in {}, compiled in {}",
        duration(timing.run),
        timing.runs,
        duration(timing.check),
        duration(timing.compile)
    ))
}

fn profile(session: &mut Session, text: &str) -> Result<String, Refusal> {
    let (machine, sources) = session.profile(text, TIME)?;
    let pool = session.pool();
    let speed = pool.run(|| Speed::measure(pool.threads()));
    match explain::table(&machine, &sources, &session.settings().skip, speed, false) {
        Ok(lines) if lines.is_empty() => {
            Ok("nothing of it runs: it is known when it is compiled".into())
        }
        Ok(lines) => Ok(lines.join("\n").trim_start().into()),
        Err(error) => Err(Trouble::Failed(error, sources).into()),
    }
}

fn stage(session: &mut Session, text: &str) -> Result<String, Refusal> {
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let (stage, text) = match Stage::parse(name) {
        Ok(stage) => (stage, rest),
        // An expression alone is shown in the tensor IR.
        Err(_) if session.growing.type_of(text).is_ok() => (Stage::Tir, text),
        Err(why) => return said(why),
    };
    if text.trim().is_empty() {
        return said(format!("write `:ir {name} EXPR`"));
    }
    if stage == Stage::Tokens {
        return Ok(token::print_tokens(text, FileId::default()));
    }
    let (part, sources) = session.growing.looked_at(text).map_err(Trouble::from)?;
    if stage == Stage::Ast {
        return Ok(session::tree_text(text).trim_end().into());
    }
    match session::emit_program(stage, &part.program, session.settings()) {
        Ok(text) => Ok(text.trim_end().into()),
        Err(error) => Err(Trouble::Failed(error, sources).into()),
    }
}

fn set(session: &mut Session, text: &str) -> Result<String, Refusal> {
    let Some((name, value)) = text.split_once('=') else {
        return said("write `:set lr = 0.01`");
    };
    let (name, value) = (name.trim(), value.trim());
    if name.is_empty() {
        return said(format!(
            "the name of a hyper-parameter is missing before `=`: write `:set lr = {}`",
            if value.is_empty() { "0.01" } else { value }
        ));
    }
    if value.is_empty() {
        return said(format!(
            "the number is missing behind `=`: write `:set {name} = 0.01`"
        ));
    }
    let Ok(number) = value.parse::<f64>() else {
        return said(format!("`{value}` is not a number"));
    };
    if session.set(name, number) {
        return Ok(format!("{name} = {number}"));
    }
    if session.growing.is_fixed(name) {
        return said(format!(
            "`{name}` is known when a program is compiled: bind it again, `hyper {name} = {value}`, before what uses it"
        ));
    }
    let known: Vec<String> = session
        .growing
        .hypers()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    match (
        nearest(name, known.iter().map(String::as_str)),
        known.is_empty(),
    ) {
        (Some(near), _) => said(format!(
            "there is no hyper-parameter `{name}`; did you mean `{near}`?"
        )),
        (None, true) => said(format!(
            "there is no hyper-parameter `{name}`: declare it with `hyper {name} = {value}`"
        )),
        (None, false) => said(format!(
            "there is no hyper-parameter `{name}`; there are: {}",
            known.join(", ")
        )),
    }
}

fn path(session: &Session, file: &str) -> Result<PathBuf, Refusal> {
    session.file(file).or_else(|error| said(error.message))
}

fn save(session: &mut Session, file: &str) -> Result<String, Refusal> {
    let path = &path(session, file)?;
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("dlm") => {
            let parts = session.growing.parts();
            let text: String = parts
                .iter()
                .map(|part| format!("{}\n", part.trim_end()))
                .collect();
            match replace(path, &[text.as_bytes()]) {
                Ok(()) if parts.len() == 1 => Ok(format!("1 input is in {file}")),
                Ok(()) => Ok(format!("{} inputs are in {file}", parts.len())),
                Err(error) => said(format!("\"{file}\" cannot be written: {error}")),
            }
        }
        Some("safetensors") => {
            let weights = session.weights();
            if weights.is_empty() {
                return said("no layer has weights yet: a layer has them once it is applied");
            }
            match safetensors::save(path, &weights, &[]) {
                Ok(()) => Ok(format!(
                    "{} tensors with {} parameters are in {file}",
                    weights.len(),
                    session.parameters()
                )),
                Err(error) => said(error.message),
            }
        }
        Some(_) | None => {
            said("the name ends in .dlm for the program, in .safetensors for the weights")
        }
    }
}

fn load(session: &mut Session, file: &str) -> Result<Wish, Refusal> {
    let ending = Path::new(file)
        .extension()
        .and_then(|ending| ending.to_str());
    match ending {
        Some("dlm") => match Source::read(&path(session, file)?.to_string_lossy()) {
            Ok(source) => Ok(Wish::Run(source.text)),
            Err(error) => said(error.message),
        },
        Some("safetensors" | "npz") => {
            let names = session.growing.instances();
            if names.is_empty() {
                return said("no layer has weights yet: a layer has them once it is applied");
            }
            let lines: Vec<String> = names
                .iter()
                .map(|name| format!("load {name} from {file:?}"))
                .collect();
            let said = format!("{} has the weights of {file}", names.join(", "));
            Ok(Wish::Read(lines.join("\n"), said))
        }
        Some(_) | None => {
            said("a .dlm file is run, the weights of a .safetensors or .npz file are read")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_all_stages_and_keeps_to_its_columns() {
        let whole = help(None);
        let is_pass = |stage: &String| stage.starts_with("after:");
        for stage in Stage::names().iter().filter(|stage| !is_pass(stage)) {
            assert!(whole.contains(stage), "{stage}");
        }
        assert!(
            whole.contains("\n  :plot EXPR           a vector as a curve, a matrix as a picture\n")
        );
        for columns in [40, 80, 300] {
            let text = help(Some(columns));
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(columns), "{text}");
            let words = |text: &str| -> Vec<String> {
                text.split_whitespace().map(str::to_string).collect()
            };
            assert_eq!(words(&text), words(&whole));
        }
    }

    #[test]
    fn quotes_around_a_file_are_taken_away() {
        assert_eq!(unquoted("\"my file.dlm\""), "my file.dlm");
        assert_eq!(unquoted("'w.npz'"), "w.npz");
        assert_eq!(unquoted("\"odd"), "\"odd");
        assert_eq!(unquoted("\"\""), "\"\"");
    }
}
