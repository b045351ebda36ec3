//! `dlmc man`: manual pages.
use super::super::Failure;
use super::super::output::Output;
use crate::data::whole::replace;
use clap::{Args, Command};
use clap_mangen::Man;
use std::path::{Path, PathBuf};

/// What `dlmc man` is asked.
#[derive(Args)]
pub struct Arguments {
    /// The command; the page of dlmc itself where nothing is said
    #[arg(value_name = "COMMAND")]
    name: Option<String>,
    /// Write all pages to the folder DIR, which exists
    #[arg(long, value_name = "DIR", conflicts_with = "name")]
    dir: Option<PathBuf>,
}

/// Writes a page to standard output, or all of them to a folder.
pub fn man(arguments: &Arguments) -> Result<(), Failure> {
    let output = Output::new(super::super::Appearance::default());
    let command = super::command();
    if let Some(dir) = &arguments.dir {
        return written(&command, dir, &output);
    }
    let page = match &arguments.name {
        None => page(command),
        Some(name) => match command.find_subcommand(name) {
            Some(found) => page(of_sub(found)),
            None => return Err(unknown(name, &command, &output)),
        },
    };
    let page = page.map_err(|error| failed(&error, &output))?;
    output.line(page.trim_end())
}

fn unknown(name: &str, command: &Command, output: &Output) -> Failure {
    let names = command.get_subcommands().map(Command::get_name);
    let help = match crate::base::diagnostic::nearest(name, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`dlmc --help` lists the commands".into(),
    };
    output.say(&format!(
        "error: there is no command `{name}`\nhelp: {help}\n"
    ));
    Failure::Usage
}

fn failed(error: &std::io::Error, output: &Output) -> Failure {
    output.say(&format!("error: the page cannot be made: {error}\n"));
    Failure::Program
}

/// A command as its page calls it: `dlmc-run`.
fn of_sub(command: &Command) -> Command {
    let name = command.get_name();
    let (page, written) = (format!("dlmc-{name}"), format!("dlmc {name}"));
    command.clone().display_name(page).bin_name(written)
}

fn page(command: Command) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    Man::new(command).render(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn written(command: &Command, dir: &Path, output: &Output) -> Result<(), Failure> {
    let subs = command.get_subcommands().map(of_sub);
    for command in std::iter::once(command.clone()).chain(subs) {
        let name = command
            .get_display_name()
            .unwrap_or_else(|| command.get_name());
        let path = dir.join(format!("{name}.1"));
        let page = page(command).map_err(|error| failed(&error, output))?;
        replace(&path, &[page.as_bytes()]).map_err(|error| {
            let help = "the folder must exist, and take files";
            output.say(&format!(
                "error: \"{}\" cannot be written: {error}\nhelp: {help}\n",
                path.display()
            ));
            Failure::Usage
        })?;
        output.line(&path.display().to_string())?;
    }
    Ok(())
}
