//! The inputs of this session and earlier ones in a file, written as they come: a session that is ended from outside has kept all of them.
use super::editor::Editing;
use crate::cli::output::Output;
use rustyline::Editor;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

/// Inputs that are remembered.
pub const MOST: usize = 2000;

/// The file of the inputs.
pub struct Remembered {
    /// Where none is wanted nothing is kept.
    path: Option<PathBuf>,
    /// Whether it has been said that it cannot be written.
    told: bool,
}

impl Remembered {
    /// The file of this user, and its inputs for an editor.
    pub fn new(editor: &mut Editor<Editing, FileHistory>) -> Remembered {
        let path = file();
        if let Some(path) = &path {
            // There is none the first time.
            let _ = editor.load_history(path);
        }
        Remembered { path, told: false }
    }

    /// Adds to the file what the editor has read since. One that cannot be written is told once.
    pub fn append(&mut self, editor: &mut Editor<Editing, FileHistory>, output: &Output) {
        let Some(path) = &self.path else { return };
        let written = created(path).and_then(|()| editor.append_history(path));
        if let Err(error) = written
            && !self.told
        {
            self.told = true;
            let shown = path.display();
            output.say(&format!(
                "warning: inputs cannot be remembered in {shown}: {error}\n"
            ));
        }
    }
}

/// Makes an empty file where there is none, for its user alone. The editor would begin it anew, also where another session has just done so.
fn created(path: &Path) -> Result<(), ReadlineError> {
    if path.exists() {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?;
    Ok(())
}

/// Where inputs are remembered: `DLMC_HISTORY`, or a file in the user's folder for state; an empty name means nowhere.
fn file() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("DLMC_HISTORY") {
        return (!path.is_empty()).then(|| path.into());
    }
    let folder = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let state =
        folder("XDG_STATE_HOME").or_else(|| folder("HOME").map(|home| home.join(".local/state")));
    state
        .or_else(|| folder("LOCALAPPDATA"))
        .map(|state| state.join("dlmc").join("history"))
}
