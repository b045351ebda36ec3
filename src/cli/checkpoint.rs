//! Checkpoints: when they are written, what they hold, which are gone on from and which are refused.
use super::identity::Identity;
use super::journal::{Journal, Place, Step};
use super::slots::{Folder, NAMES, Slot};
use super::{Failure, Job};
use crate::check::program::Program;
use crate::train::Machine;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::{Duration, Instant};

/// How often a checkpoint is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// After so many training steps.
    Steps(u64),
    /// After such a time.
    Time(Duration),
    /// Where nothing is said: after a minute, and at the end of each epoch.
    Default,
}

/// Largest number of a place, and of checkpoints.
const MOST_COUNTED: u64 = 1 << 53;

/// The time of [`Every::Default`].
const MINUTE: Duration = Duration::from_secs(60);

impl Every {
    /// Reads `100` (steps) or `5s`.
    ///
    /// # Errors
    /// What is expected.
    pub fn parse(text: &str) -> Result<Every, String> {
        let seconds = |text: &str| {
            let seconds = text.trim().parse::<f64>().ok();
            seconds.filter(|seconds| (0.001..=1e9).contains(seconds))
        };
        let parsed = match text.strip_suffix('s') {
            Some(text) => {
                seconds(text).map(|seconds| Every::Time(Duration::from_secs_f64(seconds)))
            }
            None => text
                .parse()
                .ok()
                .filter(|&steps| steps > 0)
                .map(Every::Steps),
        };
        parsed.ok_or_else(|| "write a number of steps, `100`, or of seconds, `5s`".into())
    }
}

/// What a checkpoint says of itself, before the state of the machine.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    /// The dlmc that wrote it.
    compiler: String,
    /// Larger in the later one of two.
    sequence: u64,
    /// One hash of the program: its text, data files and values given on the command line.
    program: String,
    /// What the run was a function of at its start.
    identity: Identity,
    /// The same without files that the program writes; what must be the same again.
    lasting: Identity,
    /// Name and type of every tensor of the machine.
    shapes: Vec<(String, String)>,
    place: Place,
    /// Hash of the output so far.
    output: [u8; 32],
    /// How many steps are recorded; `None` where the run writes no receipt.
    recorded: Option<u64>,
}

/// A checkpoint that was read.
struct Checkpoint {
    header: Header,
    record: Option<Vec<Step>>,
    state: Vec<u8>,
}

/// Writes the checkpoints of a run.
pub struct Checkpoints<'a> {
    job: &'a Job,
    folder: Folder,
    every: Every,
    identity: Identity,
    lasting: Identity,
    hash: String,
    shapes: Vec<(String, String)>,
    /// The file to be written next, and the number it gets.
    next: usize,
    sequence: u64,
    /// Time and total of steps of the last one.
    last: (Instant, u64),
}

impl<'a> Checkpoints<'a> {
    /// Takes the folder for a run of this program.
    ///
    /// # Errors
    /// A folder that cannot be used; it has been reported.
    pub fn open(
        job: &'a Job,
        path: &Path,
        every: Every,
        identity: Identity,
        program: &Program,
    ) -> Result<Checkpoints<'a>, Failure> {
        let folder = Folder::open(path).map_err(|why| {
            job.output.say(&format!("error: {why}\n"));
            Failure::Usage
        })?;
        let slots = program.slots.iter();
        let lasting = identity.lasting(job, program);
        Ok(Checkpoints {
            job,
            folder,
            every,
            hash: lasting.hash(),
            lasting,
            identity,
            shapes: slots
                .map(|slot| (slot.name.clone(), slot.ty.to_string()))
                .collect(),
            next: 0,
            sequence: 0,
            last: (Instant::now(), 0),
        })
    }

    /// The folder, as messages call it.
    pub fn shown(&self) -> String {
        format!("\"{}\"", self.folder.path().display())
    }

    /// What the run was a function of at its start, which may have been another process.
    pub fn into_identity(self) -> Identity {
        self.identity
    }

    /// Steps until the next checkpoint is due, at least one.
    pub fn steps_left(&self, place: Place) -> u64 {
        match self.every {
            Every::Steps(steps) => self
                .last
                .1
                .saturating_add(steps)
                .saturating_sub(place.total)
                .max(1),
            Every::Time(_) | Every::Default => u64::MAX,
        }
    }

    /// Whether one is due, where an epoch may just have ended.
    pub fn due(&self, place: Place, epoch_ended: bool) -> bool {
        match self.every {
            Every::Steps(steps) => place.total - self.last.1 >= steps,
            Every::Time(time) => self.last.0.elapsed() >= time,
            Every::Default => epoch_ended || self.last.0.elapsed() >= MINUTE,
        }
    }

    /// Writes one, over the older of the two files.
    ///
    /// # Errors
    /// Why it cannot be written; those of before are still there.
    pub fn write(&mut self, machine: &Machine, journal: &Journal) -> std::io::Result<()> {
        let header = Header {
            compiler: super::COMPILER.into(),
            sequence: self.sequence + 1,
            program: self.hash.clone(),
            identity: self.identity.clone(),
            lasting: self.lasting.clone(),
            shapes: self.shapes.clone(),
            place: journal.place,
            output: journal.output,
            recorded: journal.record.as_ref().map(|record| record.len() as u64),
        };
        let header = serde_json::to_vec(&header).map_err(std::io::Error::other)?;
        let record = journal.record.iter().flatten();
        let record: Vec<u8> = record.flat_map(|step| step.bytes()).collect();
        let length = (header.len() as u64).to_le_bytes();
        let parts: [&[u8]; 4] = [&length, &header, &record, &machine.snapshot()];
        // Also after a failure: a disk that is full stays so for a while.
        self.last = (Instant::now(), journal.place.total);
        self.folder.write(self.next, &parts)?;
        self.sequence += 1;
        self.next = 1 - self.next;
        Ok(())
    }

    /// Takes a run to the newest checkpoint that is sound; where there is none at all it stays at its start.
    ///
    /// # Errors
    /// Checkpoints that are all damaged, or one that belongs to something else; it has been reported.
    pub fn resume(&mut self, machine: &mut Machine, journal: &mut Journal) -> Result<(), Failure> {
        let shown = self.shown();
        let Some((slot, found)) = self.newest(true)? else {
            let text = format!("{shown} holds no checkpoint yet: the run begins at its start\n");
            self.job.output.note(&text);
            return Ok(());
        };
        self.accept(&found, journal.record.is_some())?;
        machine.restore(&found.state).map_err(|error| {
            self.job.say(&error.diagnostic);
            let text = format!("note: it was written by {}\n", found.header.compiler);
            self.refuse(&text)
        })?;
        self.identity = found.header.identity;
        journal.place = found.header.place;
        journal.output = found.header.output;
        if let Some(record) = &mut journal.record {
            *record = found.record.unwrap_or_default();
        }
        self.last.1 = journal.place.total;
        let (place, name) = (journal.place, NAMES[slot]);
        self.job
            .output
            .note(&format!("going on after {place}, from {name} in {shown}\n"));
        Ok(())
    }

    /// Refuses a checkpoint that does not fit this run.
    fn accept(&self, found: &Checkpoint, receipt: bool) -> Result<(), Failure> {
        let shown = self.shown();
        let differences = self.differences(&found.header);
        if !differences.is_empty() {
            let mut text =
                format!("error: the checkpoint in {shown} belongs to another program or run\n");
            differences
                .iter()
                .for_each(|what| text += &format!("note: {what}\n"));
            text += "help: resume with the program, data and values that it was started with, or give another folder\n";
            return Err(self.refuse(&text));
        }
        if receipt && found.record.is_none() {
            return Err(self.refuse(&format!(
                "error: the run in {shown} was started without --receipt, so what its steps computed is not known\nhelp: resume without --receipt, or start the run anew\n"
            )));
        }
        Ok(())
    }

    /// Says which checkpoints a run that begins at its start is going to replace.
    ///
    /// # Errors
    /// A file that cannot be read; it has been reported.
    pub fn replace(&mut self) -> Result<(), Failure> {
        if let Some((_, found)) = self.newest(false)? {
            self.job.output.note(&format!(
                "warning: the checkpoints in \"{}\" (after {}) are replaced; --resume would go on from them\n",
                self.folder.path().display(),
                found.header.place
            ));
        }
        Ok(())
    }

    /// The newest sound checkpoint and its file. The other file is the next to be written. `needed`: whether it is an error if
    /// there are files but none is sound, and worth a warning if one is not.
    fn newest(&mut self, needed: bool) -> Result<Option<(usize, Checkpoint)>, Failure> {
        let mut found: Option<(usize, Checkpoint)> = None;
        let mut damaged = Vec::new();
        for (slot, name) in NAMES.iter().enumerate() {
            match self.read(slot)? {
                Slot::Missing => {}
                Slot::Damaged(why) => damaged.push(format!("{name} is damaged: {why}")),
                Slot::Newer(version) if needed => {
                    return Err(self.refuse(&format!(
                        "error: {name} in \"{}\" was written by a newer dlmc, in version {version} of the format\nhelp: resume with that dlmc\n",
                        self.folder.path().display()
                    )));
                }
                Slot::Newer(_) => {}
                Slot::Whole(bytes) => match parse(&bytes) {
                    None => damaged.push(format!(
                        "{name} is damaged: its parts do not fit one another"
                    )),
                    Some(checkpoint) => {
                        let best = found.as_ref().map_or(0, |(_, best)| best.header.sequence);
                        if checkpoint.header.sequence > best {
                            found = Some((slot, checkpoint));
                        }
                    }
                },
            }
        }
        if let Some((slot, checkpoint)) = &found {
            self.next = 1 - slot;
            self.sequence = checkpoint.header.sequence;
        }
        if needed {
            self.report(&damaged, found.is_some())?;
        }
        Ok(found)
    }

    fn report(&self, damaged: &[String], another: bool) -> Result<(), Failure> {
        for why in damaged {
            let kind = if another { "warning" } else { "error" };
            self.job.output.say(&format!("{kind}: {why}\n"));
        }
        if damaged.is_empty() || another {
            return Ok(());
        }
        Err(self.refuse("help: no sound checkpoint is left; start the run anew without --resume\n"))
    }

    fn read(&self, slot: usize) -> Result<Slot, Failure> {
        self.folder.read(slot).map_err(|error| {
            let path = self.folder.path().join(NAMES[slot]);
            let text = format!("error: \"{}\" cannot be read: {error}\n", path.display());
            self.job.output.say(&text);
            Failure::Usage
        })
    }

    fn refuse(&self, text: &str) -> Failure {
        self.job.output.say(text);
        Failure::Program
    }

    /// In what a checkpoint does not fit this run.
    fn differences(&self, header: &Header) -> Vec<String> {
        let mut found = self.lasting.differences(&header.lasting);
        if header.program != self.hash && found.is_empty() {
            found.push("its hash of the program is another".into());
        }
        let mut shapes = Vec::new();
        for (name, ty) in &header.shapes {
            // Names of parameters are paths; unnamed helpers share theirs.
            match self.shapes.iter().find(|(now, _)| now == name) {
                Some((_, now))
                    if now != ty && !self.shapes.contains(&(name.clone(), ty.clone())) =>
                {
                    shapes.push(format!("`{name}` is {ty} in it and {now} in this run"));
                }
                Some(_) | None => {}
            }
        }
        if shapes.is_empty() && header.shapes != self.shapes {
            shapes.push("it holds other tensors".into());
        }
        shapes.dedup();
        shapes.truncate(3);
        found.extend(shapes);
        found
    }
}

/// Takes the content of a file apart.
fn parse(bytes: &[u8]) -> Option<Checkpoint> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (header, rest) = rest.split_at_checked(length)?;
    let header: Header = serde_json::from_slice(header).ok()?;
    let place = header.place;
    let counts = [place.epoch, place.epochs, place.step, place.steps];
    let counts = counts.map(|count| count as u64).into_iter();
    // Numbers that no run reaches: they are counted on from.
    if counts
        .chain([place.total, header.sequence])
        .any(|count| count > MOST_COUNTED)
    {
        return None;
    }
    let recorded = usize::try_from(header.recorded.unwrap_or(0)).ok()?;
    let (record, state) = rest.split_at_checked(recorded.checked_mul(Step::SIZE)?)?;
    let steps = record.as_chunks::<{ Step::SIZE }>().0;
    let record: Option<Vec<Step>> = steps.iter().map(|bytes| Step::read(*bytes)).collect();
    Some(Checkpoint {
        record: header.recorded.is_some().then_some(record?),
        state: state.to_vec(),
        header,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_of_steps_and_one_with_an_s_of_seconds() {
        assert_eq!(Every::parse("100"), Ok(Every::Steps(100)));
        assert_eq!(Every::parse("5s"), Ok(Every::Time(Duration::from_secs(5))));
        assert_eq!(
            Every::parse("0.5s"),
            Ok(Every::Time(Duration::from_millis(500)))
        );
        for wrong in [
            "", "s", "0", "0s", "-1", "-1s", "5m", "nans", "infs", "1e99s",
        ] {
            assert!(Every::parse(wrong).is_err(), "{wrong}");
        }
    }
}
