//! What a run is a function of: the text of the program, its data files, the values given on the command line.
use super::{Failure, Job};
use crate::base::data::{DataError, DataProvider, DataSet, DataSpec};
use crate::check::program::{Instr, Program};
use crate::data::FileProvider;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// SHA-256 of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileHash {
    /// The file, relative to the program's folder where it lies below it.
    pub file: String,
    /// The hash in hexadecimal digits, as `sha256sum` prints it.
    pub sha256: String,
}

/// What a run is a function of, beside the compiler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The program, then the files that it imports.
    pub sources: Vec<FileHash>,
    /// The files that it reads: data sets, weights.
    pub data: Vec<FileHash>,
    /// Hyper-parameters given on the command line.
    pub settings: BTreeMap<String, String>,
    /// The seed.
    pub seed: u64,
    /// Passes left out.
    pub skip: Vec<String>,
}

impl Identity {
    /// The identity of a program that has been checked.
    ///
    /// # Errors
    /// A file that cannot be read; it has been reported.
    pub fn new(job: &Job, program: &Program) -> Result<Identity, Failure> {
        let hashed = |file: &ReadFile| {
            file_hash(&file.path).map_err(|error| {
                let path = file.path.display();
                job.output
                    .say(&format!("error: \"{path}\" cannot be read: {error}\n"));
                Failure::Usage
            })
        };
        let mut sources = vec![FileHash {
            file: file_name(&job.source.name),
            sha256: text_hash(&job.source.text),
        }];
        let mut data = Vec::new();
        for file in job.read.iter().chain(&weights(job, program)) {
            let list = match file.kind {
                FileKind::Source => &mut sources,
                FileKind::Data => &mut data,
            };
            if list.iter().all(|known| known.file != file.name) {
                list.push(FileHash {
                    file: file.name.clone(),
                    sha256: hashed(file)?,
                });
            }
        }
        Ok(Identity {
            sources,
            data,
            settings: job.settings.hypers.iter().cloned().collect(),
            seed: job.settings.seed,
            skip: job.settings.skip.clone(),
        })
    }

    /// The same without the data files that the program itself writes: what they were at its start, a run that goes on cannot see.
    pub fn lasting(&self, job: &Job, program: &Program) -> Identity {
        let provider = FileProvider::new();
        let base_dir = &job.source.base_dir;
        let written = program.code.iter().filter_map(written_file);
        let written: Vec<String> = written
            .filter_map(|file| provider.resolve(base_dir, file).ok())
            .map(|path| name_below(base_dir, &path))
            .collect();
        let mut lasting = self.clone();
        lasting.data.retain(|file| !written.contains(&file.file));
        lasting
    }

    /// One hash of all of it.
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        // A list of names and values, each with its length, so that no two identities give the same bytes.
        let mut add = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        };
        for files in [&self.sources, &self.data] {
            add(&files.len().to_string());
            files.iter().for_each(|file| add(&file.sha256));
        }
        for (name, value) in &self.settings {
            add(name);
            add(value);
        }
        add(&self.seed.to_string());
        self.skip.iter().for_each(|pass| add(pass));
        hex(hash.finalize())
    }

    /// In what it differs from the identity of an earlier run, one sentence each.
    pub fn differences(&self, earlier: &Identity) -> Vec<String> {
        // The program may go by another name; what it imports may not.
        let mut found = match (earlier.sources.split_first(), self.sources.split_first()) {
            (Some((then, imports)), Some((now, imports_now))) => {
                let mut found = changed_files(imports, imports_now);
                if then.sha256 != now.sha256 {
                    found.insert(0, changed_program(then, now));
                }
                found
            }
            _ => changed_files(&earlier.sources, &self.sources),
        };
        found.extend(changed_files(&earlier.data, &self.data));
        let names = earlier.settings.keys().chain(self.settings.keys());
        let mut names: Vec<&String> = names.collect();
        names.sort_unstable();
        names.dedup();
        let shown = |settings: &BTreeMap<String, String>, name: &str| match settings.get(name) {
            Some(value) => format!("`{name}={value}`"),
            None => format!("no `{name}=`"),
        };
        for name in names {
            let (then, now) = (shown(&earlier.settings, name), shown(&self.settings, name));
            if then != now {
                found.push(format!("it was started with {then}, this run with {now}"));
            }
        }
        if earlier.seed != self.seed {
            found.push(format!(
                "it was started with the seed {}, this run with {}",
                earlier.seed, self.seed
            ));
        }
        if earlier.skip != self.skip {
            found.push("other passes are left out".into());
        }
        found
    }
}

fn changed_program(then: &FileHash, now: &FileHash) -> String {
    if then.file == now.file {
        format!("the program \"{}\" has changed", now.file)
    } else {
        format!(
            "it is of the program \"{}\", this is \"{}\"",
            then.file, now.file
        )
    }
}

/// Files that differ, by name.
fn changed_files(earlier: &[FileHash], now: &[FileHash]) -> Vec<String> {
    let find = |list: &[FileHash], name: &str| {
        let found = list.iter().find(|file| file.file == name);
        found.map(|file| file.sha256.clone())
    };
    let mut found = Vec::new();
    for file in earlier {
        match find(now, &file.file) {
            Some(hash) if hash == file.sha256 => {}
            Some(_) => found.push(format!("\"{}\" has changed", file.file)),
            None => found.push(format!("it used \"{}\", this run does not", file.file)),
        }
    }
    for file in now {
        if find(earlier, &file.file).is_none() {
            found.push(format!("this run uses \"{}\", it did not", file.file));
        }
    }
    found
}

/// What a file is to a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileKind {
    /// Imported.
    Source,
    /// Read as data or weights.
    Data,
}

/// A file that a program reads.
#[derive(Debug, Clone)]
pub struct ReadFile {
    kind: FileKind,
    /// As reports call it.
    name: String,
    path: PathBuf,
}

/// Gives files and notes which.
pub struct Recorder {
    inner: FileProvider,
    /// The folder of the program.
    base_dir: String,
    /// What was read.
    pub read: Vec<ReadFile>,
}

impl Recorder {
    /// A provider for the command line.
    pub fn new(base_dir: &str) -> Recorder {
        Recorder {
            inner: FileProvider::new(),
            base_dir: base_dir.to_string(),
            read: Vec::new(),
        }
    }

    fn note(&mut self, kind: FileKind, base_dir: &str, path: &str) {
        if let Ok(real) = self.inner.resolve(base_dir, path) {
            let name = name_below(&self.base_dir, &real);
            self.read.push(ReadFile {
                kind,
                name,
                path: real,
            });
        }
    }
}

impl DataProvider for Recorder {
    fn open(&mut self, spec: &DataSpec) -> Result<Arc<DataSet>, DataError> {
        let set = self.inner.open(spec)?;
        for path in self.inner.files_of(spec)? {
            self.note(FileKind::Data, &spec.base_dir, &path);
        }
        Ok(set)
    }

    fn source(&mut self, base_dir: &str, path: &str) -> Result<(String, String), DataError> {
        let found = self.inner.source(base_dir, path)?;
        self.note(FileKind::Source, base_dir, path);
        Ok(found)
    }
}

/// The weights that a program loads, without those that it has saved before.
fn weights(job: &Job, program: &Program) -> Vec<ReadFile> {
    let provider = FileProvider::new();
    let base_dir = &job.source.base_dir;
    let mut written: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    for instr in &program.code {
        written.extend(written_file(instr));
        let Instr::Load { file, .. } = instr else {
            continue;
        };
        // A missing file is the run's to report, where it comes to read it.
        if let Ok(path) = provider.resolve(base_dir, file)
            && !written.contains(&file.as_str())
            && path.is_file()
        {
            found.push(ReadFile {
                kind: FileKind::Data,
                name: name_below(base_dir, &path),
                path,
            });
        }
    }
    found
}

/// The file that an instruction writes.
pub fn written_file(instr: &Instr) -> Option<&str> {
    match instr {
        Instr::Save { file, .. } | Instr::Plot { file, .. } => Some(file),
        Instr::Watch { save, .. } => save.as_ref().map(|(_, file)| file.as_str()),
        Instr::Run(_)
        | Instr::RunTimes { .. }
        | Instr::SetInt { .. }
        | Instr::AddInt { .. }
        | Instr::SetFloat { .. }
        | Instr::Jump(_)
        | Instr::JumpIfZero { .. }
        | Instr::JumpIfAtLeast { .. }
        | Instr::Copy { .. }
        | Instr::Print(_)
        | Instr::Assert { .. }
        | Instr::Load { .. }
        | Instr::OpenBatches { .. }
        | Instr::NextBatch { .. }
        | Instr::Accumulate { .. }
        | Instr::Mean { .. }
        | Instr::EpochBegin { .. }
        | Instr::StepDone { .. }
        | Instr::EpochEnd { .. } => None,
    }
}

fn name_below(base_dir: &str, path: &Path) -> String {
    let inner = path.strip_prefix(base_dir).unwrap_or(path);
    inner.display().to_string()
}

fn file_name(path: &str) -> String {
    let name = Path::new(path).file_name();
    name.map_or_else(|| path.into(), |name| name.to_string_lossy().into_owned())
}

/// SHA-256 of a file's bytes as they lie on the disk.
///
/// # Errors
/// A file that cannot be read, or no ordinary one: a device never ends, and a pipe has given its bytes away.
pub fn file_hash(path: &Path) -> std::io::Result<String> {
    if !path.metadata()?.is_file() {
        return Err(std::io::Error::other("it is not an ordinary file"));
    }
    let mut file = std::fs::File::open(path)?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 16];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hex(hash.finalize())),
            length => hash.update(block.get(..length).unwrap_or_default()),
        }
    }
}

/// SHA-256 of a text.
pub fn text_hash(text: &str) -> String {
    hex(Sha256::digest(text))
}

/// Bytes in hexadecimal digits.
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    let digits = bytes.as_ref().iter().map(|byte| format!("{byte:02x}"));
    digits.collect()
}
