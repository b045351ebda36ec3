//! What is seen of a run while it goes: its progress, its log, its events for TensorBoard, its report.
pub mod history;
pub mod progress;
pub mod text;

use super::Failure;
use super::journal::Place;
use super::output::Output;
use crate::train::{Event, Machine};
use history::History;
use progress::{Mode, Progress};

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

/// Shows and keeps what a run does.
pub struct Watch<'a> {
    output: &'a Output,
    progress: Progress<'a>,
    history: History,
    place: Place,
}

impl<'a> Watch<'a> {
    /// Watches a run that goes on from a place.
    pub fn new(output: &'a Output, mode: Mode) -> Watch<'a> {
        let place = Place::default();
        Watch {
            output,
            progress: Progress::new(output, mode, place),
            history: History::new(place),
            place,
        }
    }

    /// The run begins, or goes on after a place that an earlier process reached.
    pub fn begin(&mut self, place: Place) {
        self.history = History::new(place);
        self.place = place;
    }

    /// Takes note of an event, after which the run is at `place` in its machine.
    ///
    /// # Errors
    /// Standard output that is closed or cannot be written.
    pub fn event(&mut self, event: &Event, place: Place, machine: &Machine) -> Result<(), Failure> {
        let moved = place.total != self.place.total;
        self.place = place;
        self.history.note(event, place);
        match event {
            Event::None => {
                if moved && !place.inside {
                    self.progress.tick(&self.history, place, machine.turns());
                }
            }
            Event::StepDone { .. } => self.progress.tick(&self.history, place, None),
            Event::EpochEnd(_) => self.progress.epoch(&self.history),
            Event::Line(line) => {
                if self.output.shared {
                    self.progress.clear();
                }
                self.output.line(line)?;
            }
            Event::EpochBegin { .. } | Event::Finished => {}
        }
        Ok(())
    }

    /// Takes the line of progress away, where something else is to be said.
    pub fn pause(&mut self) {
        self.progress.clear();
    }

    /// The run has ended.
    pub fn end(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Finished | Outcome::Interrupted => {
                self.progress.end(&self.history, self.place);
            }
            Outcome::Failed(_) | Outcome::Closed => self.progress.clear(),
        }
    }
}
