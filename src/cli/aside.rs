//! Where a program writes that is run to be measured or compared.
use super::identity::written_file;
use super::{Failure, Job, run};
use crate::check::program::Program;
use crate::train::Resolve;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// A folder for the files that a program writes while it is only tried: those that a run of it left stay as they are.
pub struct Aside {
    folder: PathBuf,
    /// From files of the program to those in the folder.
    files: HashMap<PathBuf, PathBuf>,
}

impl Aside {
    /// Makes the folder, with copies of the files that are there.
    ///
    /// # Errors
    /// A folder or copy that cannot be made; it has been reported.
    pub fn new(job: &Job, program: &Program) -> Result<Aside, Failure> {
        Aside::made(job, program).map_err(|error| {
            job.output.say(&format!(
                "error: no folder for what the program writes: {error}\n"
            ));
            Failure::Usage
        })
    }

    fn made(job: &Job, program: &Program) -> std::io::Result<Aside> {
        let resolve = run::resolver(job.source.base_dir.clone());
        let name = format!("dlmc-aside-{}", std::process::id());
        let mut aside = Aside {
            folder: std::env::temp_dir().join(name),
            files: HashMap::new(),
        };
        std::fs::create_dir_all(&aside.folder)?;
        for file in program.code.iter().filter_map(written_file) {
            // A path that may not be used is the run's to report.
            let Ok(path) = resolve(file) else { continue };
            let path = std::path::absolute(path)?;
            let copy = aside.folder.join(aside.files.len().to_string());
            if path.is_file() {
                std::fs::copy(&path, &copy)?;
            }
            aside.files.insert(path, copy);
        }
        Ok(aside)
    }

    /// Where the program's paths lead.
    pub fn resolver(&self, job: &Job) -> Resolve {
        let resolve = run::resolver(job.source.base_dir.clone());
        let files = self.files.clone();
        Arc::new(move |path| {
            let found = resolve(path)?;
            let absolute = std::path::absolute(&found).unwrap_or_else(|_| found.clone());
            Ok(files.get(&absolute).cloned().unwrap_or(found))
        })
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // What is left behind lies in the system's folder for such files.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
