//! What is seen of a run while it goes: its progress, its log, its events for TensorBoard, its report.
mod crc32c;
pub mod history;
mod log;
pub mod progress;
pub mod report;
mod tensorboard;
pub mod text;

use super::journal::{Journal, Place};
use super::output::Output;
use super::{Failure, Job};
use crate::data::whole::try_replace;
use crate::train::{Event, Machine};
use history::History;
use log::{Log, Stopped};
use progress::{Mode, Progress};
use std::path::PathBuf;
use tensorboard::Board;

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The program reached its end.
    Finished,
    /// A signal ended it.
    Interrupted,
    /// Nobody takes its output any more.
    Closed,
    /// It was wrong, or what it needed failed: the reason.
    Failed(String),
}

impl Outcome {
    /// In one word.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Finished => "finished",
            Outcome::Interrupted => "interrupted",
            Outcome::Closed => "closed",
            Outcome::Failed(_) => "failed",
        }
    }
}

/// Where what is seen is written to.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// The log.
    pub log: Option<PathBuf>,
    /// The folder of events for TensorBoard.
    pub tensorboard: Option<PathBuf>,
    /// The report.
    pub report: Option<PathBuf>,
}

/// Shows and keeps what a run does.
pub struct Watch<'a> {
    job: &'a Job,
    output: &'a Output,
    progress: Progress<'a>,
    log: Option<Log>,
    board: Option<Board>,
    /// What has been seen.
    pub history: History,
    place: Place,
    /// Whether there will be a report.
    report: bool,
    /// How the run ended.
    pub outcome: Option<Outcome>,
}

impl<'a> Watch<'a> {
    /// Opens what a run is going to write to, before it begins; a run that goes on adds to its log.
    ///
    /// # Errors
    /// A file that cannot be written; it has been reported.
    pub fn new(
        job: &'a Job,
        mode: Mode,
        files: &Files,
        resume: bool,
    ) -> Result<Watch<'a>, Failure> {
        let output = &job.output;
        let refuse = |what: &str, path: &PathBuf, error: std::io::Error| {
            let path = path.display();
            output.say(&format!(
                "error: {what} \"{path}\" cannot be written: {error}\nhelp: the folder must exist, have room and allow writing\n"
            ));
            Failure::Usage
        };
        for (flag, path) in [("--log", &files.log), ("--report", &files.report)] {
            if path.as_deref().is_some_and(|path| path.as_os_str() == "-") {
                output.say(&format!(
                    "error: {flag} writes to a file, and `-` is none\nhelp: name a file; `./-` is one of that name\n"
                ));
                return Err(Failure::Usage);
            }
        }
        let log = files
            .log
            .as_ref()
            .map(|path| Log::open(path, resume).map_err(|error| refuse("the log", path, error)));
        let board = files.tensorboard.as_ref().map(|path| {
            Board::open(path).map_err(|error| refuse("the folder of events", path, error))
        });
        if let Some(path) = &files.report {
            try_replace(path).map_err(|error| refuse("the report", path, error))?;
        }
        let place = Place::default();
        Ok(Watch {
            job,
            output,
            progress: Progress::new(output, mode, place),
            log: log.transpose()?,
            board: board.transpose()?,
            history: History::new(place),
            place,
            report: files.report.is_some(),
            outcome: None,
        })
    }

    /// The run begins, or goes on after a place that an earlier process reached.
    pub fn begin(&mut self, place: Place) {
        self.history = History::new(place);
        self.progress.begin(place);
        self.place = place;
        let job = self.job;
        let why = logged(&mut self.log, |log| log.begin(job, place));
        self.warn(why);
        let why = boarded(&mut self.board, |board| board.begin(place));
        self.warn(why);
    }

    /// Whether anybody sees the losses of loops by hand, which are noted for that alone.
    pub fn sees_losses(&self) -> bool {
        self.progress.is_shown() || self.log.is_some() || self.board.is_some() || self.report
    }

    /// Takes note of the losses of loops by hand in what the machine did last.
    pub fn losses(&mut self, journal: &Journal, machine: &Machine) {
        for (step, noted) in journal.losses(machine) {
            let Some(objective) = noted.of(machine.program()) else {
                continue;
            };
            let descent = self.history.note_loss(objective, step, noted.loss);
            let Some(descent) = self.history.descents.get(descent) else {
                continue;
            };
            let why = logged(&mut self.log, |log| log.loss(descent, step));
            let other = boarded(&mut self.board, |board| board.loss(descent, step));
            self.warn(why);
            self.warn(other);
        }
    }

    /// Takes note of an event, after which the run is at `place` in its machine.
    ///
    /// # Errors
    /// Standard output that is closed or cannot be written.
    pub fn event(&mut self, event: &Event, place: Place, machine: &Machine) -> Result<(), Failure> {
        let moved = place.total != self.place.total;
        self.place = place;
        self.history.note(event, machine.losses(), place);
        match event {
            Event::None => {
                if moved && !place.inside {
                    self.progress.tick(&self.history, place, machine.turns());
                }
                return Ok(());
            }
            Event::StepsDone { .. } => self.progress.tick(&self.history, place, None),
            Event::EpochEnd(_) => self.progress.epoch(&self.history),
            Event::Line(line) => {
                if self.output.shared {
                    self.progress.clear();
                }
                self.output.line(line)?;
            }
            Event::Warning(warning) => {
                self.progress.clear();
                self.job.say(warning);
            }
            Event::EpochBegin { .. } | Event::Finished => {}
        }
        let why = logged(&mut self.log, |log| {
            log.event(event, machine.losses(), &self.history, place)
        });
        self.warn(why);
        let why = boarded(&mut self.board, |board| {
            board.event(event, machine.losses(), &self.history, place)
        });
        self.warn(why);
        Ok(())
    }

    /// The run is at `place`, though no event says so: it fails there.
    pub fn reached(&mut self, place: Place) {
        self.place = place;
    }

    /// Takes the line of progress away, where something else is to be said.
    pub fn pause(&mut self) {
        self.progress.clear();
    }

    /// The run has ended.
    pub fn end(&mut self, outcome: Outcome) {
        let place = self.place;
        match outcome {
            Outcome::Finished => self.progress.end(&self.history, place, true),
            Outcome::Interrupted => self.progress.end(&self.history, place, false),
            Outcome::Failed(_) | Outcome::Closed => self.progress.clear(),
        }
        if outcome == Outcome::Finished {
            self.say_what_rose();
        }
        let why = logged(&mut self.log, |log| log.end(&outcome, place));
        self.warn(why);
        let why = boarded(&mut self.board, Board::flush);
        self.warn(why);
        self.outcome = Some(outcome);
    }

    /// Says of which trainings the loss rose, though nothing stopped them.
    fn say_what_rose(&self) {
        let several = self.history.trainings.len() > 1;
        for training in &self.history.trainings {
            let Some((first, last)) = training.rose() else {
                continue;
            };
            let which = match several {
                true => format!(" of training {}", training.number),
                false => String::new(),
            };
            let (first, last) = (text::number(first), text::number(last));
            self.output.note(&format!(
                "warning: the loss{which} rose, from {first} in its first epoch to {last} in its last\nhelp: a learning rate that is too high is the usual reason: try a tenth of it\n"
            ));
        }
    }

    /// Says why something is no longer written.
    fn warn(&mut self, why: Option<String>) {
        if let Some(why) = why {
            self.progress.clear();
            let text = format!("warning: {why}; the run goes on without\n");
            self.output.say(&text);
        }
    }
}

/// Writes to the log, where there is one; gives a sentence where that is over. A run does not end because its log cannot go on.
fn logged(
    log: &mut Option<Log>,
    write: impl FnOnce(&mut Log) -> Result<(), Stopped>,
) -> Option<String> {
    let stopped = write(log.as_mut()?).err()?;
    *log = None;
    match stopped {
        Stopped::Closed => None,
        Stopped::Failed(why) => Some(why),
    }
}

/// Writes to the file of events, where there is one; gives a sentence where that is over.
fn boarded(
    board: &mut Option<Board>,
    write: impl FnOnce(&mut Board) -> std::io::Result<()>,
) -> Option<String> {
    let open = board.as_mut()?;
    let error = write(open).err()?;
    let path = open.path().display();
    let why = format!("the events \"{path}\" cannot be written: {error}");
    *board = None;
    Some(why)
}
