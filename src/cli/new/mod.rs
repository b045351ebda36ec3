//! `dlmc new`: a folder with a program that trains at once, and small data for it.
mod data;

use super::output::Output;
use super::{Appearance, Failure};
use clap::{Args, ValueEnum};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What `dlmc new` is asked.
#[derive(Args)]
#[command(after_help = "Then: cd DIR && dlmc run model.dlm")]
pub struct Arguments {
    /// The folder; it must not exist, or be empty
    dir: PathBuf,
    /// What the program learns
    #[arg(long, value_enum, default_value_t = Template::Regression)]
    template: Template,
    #[command(flatten)]
    appearance: Appearance,
}

/// A kind of project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Template {
    /// Numbers from the columns of a table
    Regression,
    /// One of three classes from the columns of a table
    Classifier,
    /// What is drawn in small images
    Images,
    /// The kind of a series of unequal length
    Sequence,
    /// The characters of a text, and writing on
    Text,
}

impl Template {
    fn name(self) -> &'static str {
        match self {
            Template::Regression => "regression",
            Template::Classifier => "classifier",
            Template::Images => "images",
            Template::Sequence => "sequence",
            Template::Text => "text",
        }
    }

    fn program(self) -> &'static str {
        match self {
            Template::Regression => include_str!("regression.dlm"),
            Template::Classifier => include_str!("classifier.dlm"),
            Template::Images => include_str!("images.dlm"),
            Template::Sequence => include_str!("sequence.dlm"),
            Template::Text => include_str!("text.dlm"),
        }
    }

    /// The data file and its content, made up by a formula.
    fn data(self) -> (&'static str, String) {
        match self {
            Template::Regression => ("data.csv", data::flats()),
            Template::Classifier => ("data.csv", data::clusters()),
            Template::Images => ("data.csv", data::bars()),
            Template::Sequence => ("data.csv", data::waves()),
            Template::Text => ("data.txt", data::sentences()),
        }
    }

    /// What the data are, and a fourth command beside `run` and `check`.
    fn about(self) -> (&'static str, &'static str, &'static str) {
        const APPLY: &str = "dlmc predict model.dlm --weights model.safetensors --input data.csv";
        match self {
            Template::Regression => (
                "`data.csv` holds made-up flats: area, rooms, age and distance, and a rent that a formula gives, with noise.",
                APPLY,
                "applies the trained model to the rows of a file",
            ),
            Template::Classifier => (
                "`data.csv` holds made-up points in the plane, in three clusters that wind around each other.",
                APPLY,
                "applies the trained model to the rows of a file",
            ),
            Template::Images => (
                "`data.csv` holds made-up images of 8 by 8 pixels, a row each, with a bar or a cross in noise.",
                APPLY,
                "applies the trained model to the rows of a file",
            ),
            Template::Sequence => (
                "`data.csv` holds made-up series of 12 to 24 steps: a wave that is round, square or a saw's, in noise.",
                APPLY,
                "applies the trained model to the series of a file",
            ),
            Template::Text => (
                "`data.txt` holds made-up sentences of a small grammar.",
                "dlmc run model.dlm temperature=0.3",
                "writes with less variety; each `hyper` of a program is set so",
            ),
        }
    }

    fn readme(self) -> String {
        let (about, command, what) = self.about();
        format!(
            "# dlmc: {}\n\n{about}\nThe numbers are made by a formula and belong to nobody: use them as you like.\n\n\
             ```sh\ndlmc run model.dlm\ndlmc run model.dlm epochs=100 --report report.html\ndlmc check model.dlm\n{command}\n```\n\n\
             The first command trains, the second trains longer and shows what happened as a page for a browser, the third says\n\
             what the program is (parameters, memory) without running it, the fourth\n{what}.\n\
             `dlmc doc` explains the words of the program, `dlmc explain-error CODE` an error.\n",
            self.name()
        )
    }
}

const GITIGNORE: &str = "*.safetensors\n*.receipt\n*.jsonl\n*.svg\ncheckpoints/\nreport.html\n";

/// Makes the folder, as a whole or not at all.
pub(super) fn new(arguments: &Arguments) -> Result<(), Failure> {
    let output = Output::new(arguments.appearance);
    let dir = &arguments.dir;
    let template = arguments.template;
    let (data, content) = template.data();
    let files = [
        ("model.dlm", template.program().to_string()),
        (data, content),
        ("README.md", template.readme()),
        (".gitignore", GITIGNORE.to_string()),
    ];
    make(dir, &files).map_err(|why| {
        output.say(&format!("error: {why}\n"));
        Failure::Usage
    })?;
    let shown = dir.display();
    output.line(&format!(
        "{shown}: model.dlm, {data}, README.md\nnext: cd {shown} && dlmc run model.dlm"
    ))
}

/// Writes the files to a folder beside the wanted one, which then takes its name.
fn make(dir: &Path, files: &[(&str, String)]) -> Result<(), String> {
    let exists = is_free(dir)?;
    // The folder `.` has a name too.
    let dir = match exists {
        true => dir.canonicalize().map_err(|error| failed(dir, &error))?,
        false => dir.to_path_buf(),
    };
    let name = dir
        .file_name()
        .ok_or_else(|| format!("\"{}\" names no folder", dir.display()))?
        .to_string_lossy();
    let temporary = dir.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let made = std::fs::create_dir(&temporary)
        .and_then(|()| {
            let mut files = files.iter();
            files.try_for_each(|(name, text)| std::fs::write(temporary.join(name), text))
        })
        .and_then(|()| match exists {
            false => std::fs::rename(&temporary, &dir),
            true => move_into(&temporary, &dir, files),
        });
    made.map_err(|error| {
        // The error that matters is the first one.
        let _ = std::fs::remove_dir_all(&temporary);
        match error.kind() {
            ErrorKind::NotFound => format!(
                "\"{}\" cannot be made: the folder that it is to stand in does not exist",
                dir.display()
            ),
            _ => failed(&dir, &error),
        }
    })
}

fn failed(dir: &Path, error: &std::io::Error) -> String {
    format!("\"{}\" cannot be made: {error}", dir.display())
}

/// Whether there is a folder, which is empty.
fn is_free(dir: &Path) -> Result<bool, String> {
    let shown = dir.display();
    match std::fs::read_dir(dir) {
        Ok(mut entries) => match entries.next() {
            None => Ok(true),
            Some(_) => Err(format!(
                "\"{shown}\" exists and is not empty; nothing is written over\nhelp: give a folder that does not exist"
            )),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) if error.kind() == ErrorKind::NotADirectory => Err(format!(
            "\"{shown}\" is a file, or lies below one\nhelp: give a folder that does not exist"
        )),
        Err(error) => Err(failed(dir, &error)),
    }
}

/// Moves the files into an empty folder that stays the same folder; where one cannot be moved, none stays there.
fn move_into(from: &Path, to: &Path, files: &[(&str, String)]) -> std::io::Result<()> {
    let moved = files
        .iter()
        .try_for_each(|(name, _)| std::fs::rename(from.join(name), to.join(name)));
    match moved {
        Ok(()) => std::fs::remove_dir(from),
        Err(error) => {
            for (name, _) in files {
                let _ = std::fs::remove_file(to.join(name));
            }
            Err(error)
        }
    }
}
