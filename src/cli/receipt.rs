//! Receipts: what a run was a function of and what it computed, so that anyone can train again and compare.
use super::identity::{FileHash, Identity, hex};
use super::journal::{self, Journal, TensorHash};
use super::{COMPILER, Failure, Job};
use crate::data::whole::replace;
use crate::train::Machine;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// The version of the format that is written, and the newest that is read.
const VERSION: u32 = 1;

/// A receipt, as its JSON has it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Receipt {
    /// The version of the format.
    pub receipt: u32,
    /// The dlmc that trained.
    pub compiler: String,
    /// The program, as the command line named it.
    pub program: String,
    /// What the run was a function of.
    #[serde(flatten)]
    pub identity: Identity,
    /// Threads that it ran on, which change nothing.
    pub threads: usize,
    /// The instructions that its code used. Levels with fused multiply-add give the same bits.
    #[serde(default)]
    pub cpu: String,
    /// What each training step computed: digits that read back to the same bits.
    pub steps: Vec<String>,
    /// A chain of hashes over the lines printed: SHA-256 of the hash of the lines before (32 zero bytes at first) and the line.
    pub output: String,
    /// One hash of the model at the end.
    pub weights: String,
    /// The tensors of the model at the end.
    pub tensors: Vec<TensorHash>,
}

impl Receipt {
    /// The receipt of a run that has ended.
    pub fn new(job: &Job, identity: Identity, journal: &Journal, machine: &Machine) -> Receipt {
        let tensors = journal::weights(machine);
        let steps = journal.record.iter().flatten();
        Receipt {
            receipt: VERSION,
            compiler: COMPILER.into(),
            program: job.source.name.clone(),
            identity,
            threads: job.settings.threads,
            cpu: job.settings.cpu.isa().name().into(),
            steps: steps.map(ToString::to_string).collect(),
            output: hex(journal.output),
            weights: journal::weights_hash(&tensors),
            tensors,
        }
    }

    /// Writes the receipt, as a whole or not at all.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let mut text = serde_json::to_string_pretty(self).map_err(std::io::Error::other)?;
        text.push('\n');
        replace(path, &[text.as_bytes()])
    }

    /// Reads a receipt.
    ///
    /// # Errors
    /// A sentence on why it cannot be used, and whether the file is missing.
    pub fn read(path: &Path) -> Result<Receipt, (String, Failure)> {
        let shown = path.display();
        let unreadable = |error: &dyn std::fmt::Display| {
            let why = format!("\"{shown}\" cannot be read: {error}");
            (why, Failure::Usage)
        };
        // Who opens a pipe waits for somebody to write.
        let kind = std::fs::metadata(path).map_err(|error| unreadable(&error))?;
        if !(kind.is_file() || kind.is_dir()) {
            return Err(unreadable(&"it is not an ordinary file"));
        }
        let file = File::open(path).map_err(|error| unreadable(&error))?;
        let wrong = |why: String| (why, Failure::Program);
        // The version first: a newer format may have other parts.
        // It is read as it is parsed: what never ends is soon no JSON.
        let value: serde_json::Value =
            serde_json::from_reader(BufReader::new(file)).map_err(|error| match error.is_io() {
                true => unreadable(&error),
                false => wrong(format!("\"{shown}\" is not JSON: {error}")),
            })?;
        match value.get("receipt").and_then(serde_json::Value::as_u64) {
            None => return Err(wrong(format!("\"{shown}\" is not a receipt of dlmc"))),
            Some(version) if version > u64::from(VERSION) => {
                return Err(wrong(format!(
                    "\"{shown}\" was written by a newer dlmc, in version {version} of the format"
                )));
            }
            Some(_) => {}
        }
        serde_json::from_value(value)
            .map_err(|error| wrong(format!("\"{shown}\" is not a whole receipt: {error}")))
    }

    /// The program: where the command line says, else as it was named, seen from here or from the receipt's folder.
    pub fn program(&self, receipt: &Path, given: Option<&str>) -> String {
        if let Some(given) = given {
            return given.into();
        }
        let beside = receipt.with_file_name(&self.program);
        match Path::new(&self.program).exists() || !beside.exists() {
            true => self.program.clone(),
            false => beside.display().to_string(),
        }
    }

    /// The file that a name of the receipt means for a program in `folder`.
    fn files(&self, folder: &Path) -> impl Iterator<Item = (&FileHash, PathBuf)> {
        let files = self.identity.sources.iter().chain(&self.identity.data);
        let folder = folder.to_path_buf();
        files.map(move |file| (file, folder.join(&file.file)))
    }

    /// Files that are no longer what they were, one sentence each. The text of the program is `text`.
    pub fn changed(&self, folder: &Path, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (at, (file, path)) in self.files(folder).enumerate() {
            let hash = match at {
                0 => Ok(super::identity::text_hash(text)),
                _ => super::identity::file_hash(&path),
            };
            match hash {
                Ok(hash) if hash == file.sha256 => {}
                Ok(_) if at == 0 => {
                    found.push(format!("the program \"{}\" has changed", file.file))
                }
                Ok(_) => found.push(format!("\"{}\" has changed", path.display())),
                Err(error) => found.push(format!("\"{}\" cannot be read: {error}", path.display())),
            }
        }
        found
    }
}
