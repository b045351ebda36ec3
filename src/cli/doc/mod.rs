//! `dlmc doc`: the documentation of the standard library, of the language, and of a program's own declarations.
pub mod catalogue;
mod language;
mod page;
pub(super) mod text;

use super::output::Output;
use super::{Appearance, Failure, read_source, say_count};
use crate::base::diagnostic::Severity;
use crate::base::source::Sources;
use crate::check::declared::Declared;
use crate::data::whole::replace;
use crate::syntax::parse;
use catalogue::{Entry, Group};
use clap::Args;
use std::path::{Path, PathBuf};

pub use catalogue::markdown;

/// What `dlmc doc` is asked.
#[derive(Args)]
pub struct Arguments {
    /// Names, or groups of them; all groups where nothing is said
    name: Vec<String>,
    /// Document the declarations of this program instead of the standard library
    #[arg(long, value_name = "FILE")]
    file: Option<String>,
    /// Write everything to FILE as one page for a browser, with a search box
    #[arg(long, value_name = "FILE", conflicts_with = "name")]
    html: Option<PathBuf>,
    #[command(flatten)]
    appearance: Appearance,
}

/// Shows what is documented, or writes the page.
pub(super) fn doc(arguments: &Arguments) -> Result<(), Failure> {
    let output = Output::new(arguments.appearance);
    let groups = match &arguments.file {
        None => catalogue::everything(),
        Some(path) => vec![program(path, &output)?],
    };
    if let Some(path) = &arguments.html {
        return write_page(path, arguments, &groups, &output);
    }
    let columns = Output::result_columns();
    let style = text::Style::new(columns, Output::result_colours(arguments.appearance.color));
    if !arguments.name.is_empty() {
        return named(&arguments.name, &groups, style, &output);
    }
    let shown = match &arguments.file {
        None => library(&groups, style),
        Some(_) => declarations(&groups, style),
    };
    output.line(shown.trim_end())
}

/// The declarations of a program that parses.
fn program(path: &str, output: &Output) -> Result<Group, Failure> {
    let source = read_source(path, output)?;
    let mut sources = Sources::default();
    let file = sources.add(source.name.as_str(), source.text.as_str());
    let (_, diagnostics) = parse::parse(&sources, file);
    for diagnostic in &diagnostics {
        output.diagnostic(diagnostic, &sources);
    }
    say_count(&diagnostics, output);
    if diagnostics.iter().any(|d| d.severity == Severity::Error) {
        return Err(Failure::Program);
    }
    Ok(catalogue::of_file(&sources, file))
}

fn write_page(
    path: &Path,
    arguments: &Arguments,
    groups: &[Group],
    output: &Output,
) -> Result<(), Failure> {
    let title = match &arguments.file {
        None => "The standard library of dlmc",
        Some(file) => file,
    };
    let shown = path.display();
    replace(path, &[page::html(title, groups).as_bytes()]).map_err(|error| {
        output.say(&format!("error: \"{shown}\" cannot be written: {error}\n"));
        Failure::Usage
    })?;
    let entries: usize = groups.iter().map(|group| group.entries.len()).sum();
    output.note(&format!("{shown}: {entries} entries\n"));
    Ok(())
}

fn library(groups: &[Group], style: text::Style) -> String {
    let indices: Vec<String> = groups
        .iter()
        .map(|group| text::index(group, style))
        .collect();
    format!(
        "{}\n`dlmc doc NAME` tells all of a name or a group; `dlmc doc --html FILE` writes a page that can be searched.",
        indices.join("\n")
    )
}

fn declarations(groups: &[Group], style: text::Style) -> String {
    let entries: Vec<&Entry> = groups.iter().flat_map(|group| &group.entries).collect();
    if entries.is_empty() {
        return "no `fn`, `layer` or `optimizer` is declared there".into();
    }
    let shown: Vec<String> = entries
        .into_iter()
        .map(|entry| text::entry(entry, style, false))
        .collect();
    shown.join("\n")
}

/// The entries and groups of some names. One that is unknown does not hide the others.
fn named(
    names: &[String],
    groups: &[Group],
    style: text::Style,
    output: &Output,
) -> Result<(), Failure> {
    let mut result = Ok(());
    let mut first = true;
    for name in names {
        let found = found(name, groups, style);
        if found.is_empty() {
            output.say(&unknown(name, groups));
            result = Err(Failure::Usage);
        }
        for shown in found {
            let gap = if first { "" } else { "\n" };
            output.line(&format!("{gap}{}", shown.trim_end()))?;
            first = false;
        }
    }
    result
}

/// What is said of a declaration, its text left out.
pub fn declared(declared: Declared, coloured: bool) -> String {
    let style = text::Style::new(Output::result_columns(), coloured);
    let shown = text::entry(&Entry::declared(declared), style, false);
    shown.trim_end().into()
}

/// What is said of a word, function, reader or transform of the language, where it is one.
pub fn of_language(name: &str, coloured: bool) -> Option<String> {
    let style = text::Style::new(Output::result_columns(), coloured);
    let groups = catalogue::language();
    let entries = groups.iter().flat_map(|group| &group.entries);
    let shown: Vec<String> = entries
        .filter(|entry| entry.name == name)
        .map(|entry| text::entry(entry, style, false).trim_end().to_string())
        .collect();
    (!shown.is_empty()).then(|| shown.join("\n\n"))
}

/// What goes by a name: `flatten` is a function and a transform.
fn found(name: &str, groups: &[Group], style: text::Style) -> Vec<String> {
    let mut found: Vec<String> = groups
        .iter()
        .flat_map(|group| &group.entries)
        .filter(|entry| entry.name == name)
        .map(|entry| text::entry(entry, style, true))
        .collect();
    let same = groups.iter().filter(|group| group.name == name);
    found.extend(same.map(|group| text::group(group, style)));
    found
}

/// What is said of an unknown name: the nearest one, or those whose text speaks of it.
fn unknown(name: &str, groups: &[Group]) -> String {
    let mut text = format!("error: nothing is documented by the name `{name}`\n");
    if name.ends_with(".dlm") {
        return text + &format!("help: what a program declares: `dlmc doc --file {name}`\n");
    }
    let wanted = name.to_lowercase();
    let mut speaking: Vec<&str> = groups
        .iter()
        .flat_map(|group| &group.entries)
        .filter(|entry| wanted.chars().count() > 2 && entry.doc.to_lowercase().contains(&wanted))
        .map(|entry| entry.name.as_str())
        .collect();
    speaking.truncate(8);
    text += &match (catalogue::nearest_name(name, groups), speaking.is_empty()) {
        (Some(near), _) => format!("help: did you mean `{near}`?\n"),
        (None, false) => format!("help: these speak of it: {}\n", speaking.join(", ")),
        (None, true) => "help: `dlmc doc` lists all names\n".into(),
    };
    text
}
