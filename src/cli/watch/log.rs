//! The log of a run: one JSON object a line, each written to the file before the run goes on.
use super::Outcome;
use super::history::{Descent, History};
use crate::cli::journal::Place;
use crate::cli::{COMPILER, Job};
use crate::train::{Epoch, Event};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The version of the lines.
const VERSION: u32 = 1;

/// A line of the log. A number that is infinite or none is `null`.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line<'a> {
    /// The first line, and again where a run goes on.
    Run {
        /// The version of the lines.
        log: u32,
        time: f64,
        /// When it began, by the clock: UTC.
        started: String,
        program: &'a str,
        compiler: &'a str,
        settings: BTreeMap<&'a str, &'a str>,
        seed: u64,
        threads: usize,
        /// Training steps that an earlier process did.
        steps_before: u64,
    },
    Step {
        time: f64,
        training: usize,
        epoch: usize,
        step: u64,
        loss: f64,
    },
    Epoch {
        time: f64,
        training: usize,
        epoch: usize,
        epochs: usize,
        step: u64,
        loss: Option<f64>,
        metrics: BTreeMap<&'a str, f64>,
        seconds: f64,
    },
    /// A step of a loop by hand.
    Loss {
        time: f64,
        step: u64,
        loss: f64,
        objective: &'a str,
        at: &'a str,
    },
    Output {
        time: f64,
        step: u64,
        text: &'a str,
    },
    /// A number that is not finite, where the run goes on in spite of it.
    Warning {
        time: f64,
        step: u64,
        message: &'a str,
    },
    /// The last line of a run that was not killed.
    End {
        time: f64,
        step: u64,
        outcome: &'a str,
        error: Option<&'a str>,
    },
}

/// Writes the log.
pub struct Log {
    file: File,
    path: PathBuf,
    started: Instant,
}

/// Why a log is no longer written.
#[derive(Debug)]
pub enum Stopped {
    /// Nobody reads it any more, which is no error.
    Closed,
    /// It cannot be written: a sentence.
    Failed(String),
}

impl Log {
    /// Opens the log of a run: a new file, or the one of a run that goes on.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub fn open(path: &Path, resume: bool) -> std::io::Result<Log> {
        let mut options = File::options();
        options.create(true);
        if resume {
            options.read(true).append(true);
        } else {
            options.write(true).truncate(true);
        }
        let mut file = options.open(path)?;
        if resume && is_torn(&mut file)? {
            file.write_all(b"\n")?;
        }
        Ok(Log {
            file,
            path: path.to_path_buf(),
            started: Instant::now(),
        })
    }

    /// Writes the first line.
    ///
    /// # Errors
    /// Why the log ends here.
    pub fn begin(&mut self, job: &Job, place: Place) -> Result<(), Stopped> {
        let hypers = &job.settings.hypers;
        self.started = Instant::now();
        self.write(&Line::Run {
            log: VERSION,
            time: 0.0,
            started: utc(SystemTime::now()),
            program: &job.source.name,
            compiler: COMPILER,
            settings: hypers.iter().map(|(k, v)| (&**k, &**v)).collect(),
            seed: job.settings.seed,
            threads: job.settings.threads,
            steps_before: place.total,
        })
    }

    /// Writes an event with the losses of the steps that it tells of, after which the run is at `place`.
    ///
    /// # Errors
    /// Why the log ends here.
    pub fn event(
        &mut self,
        event: &Event,
        losses: &[f64],
        history: &History,
        place: Place,
    ) -> Result<(), Stopped> {
        let time = self.time();
        let training = history.trainings.len();
        match event {
            Event::None | Event::Finished | Event::EpochBegin { .. } => Ok(()),
            Event::Line(text) => self.write(&Line::Output {
                time,
                step: place.total,
                text,
            }),
            Event::Warning(warning) => self.write(&Line::Warning {
                time,
                step: place.total,
                message: &warning.message,
            }),
            Event::StepsDone { .. } => {
                let first = place.total + 1 - losses.len() as u64;
                (first..).zip(losses).try_for_each(|(step, &loss)| {
                    self.write(&Line::Step {
                        time,
                        training,
                        epoch: place.epoch + 1,
                        step,
                        loss,
                    })
                })
            }
            Event::EpochEnd(epoch) => self.write(&line_of(epoch, time, training, place.total)),
        }
    }

    /// Writes the loss of a loop by hand in a training step.
    ///
    /// # Errors
    /// Why the log ends here.
    pub fn loss(&mut self, descent: &Descent, step: u64) -> Result<(), Stopped> {
        self.write(&Line::Loss {
            time: self.time(),
            step,
            loss: descent.last,
            objective: &descent.name,
            at: &descent.place,
        })
    }

    /// Writes the last line.
    ///
    /// # Errors
    /// Why the log ends here.
    pub fn end(&mut self, outcome: &Outcome, place: Place) -> Result<(), Stopped> {
        let error = match outcome {
            Outcome::Failed(why) => Some(why.as_str()),
            Outcome::Finished | Outcome::Interrupted | Outcome::Closed => None,
        };
        self.write(&Line::End {
            time: self.time(),
            step: place.total,
            outcome: outcome.name(),
            error,
        })
    }

    /// Seconds since the run began.
    fn time(&self) -> f64 {
        // Microseconds are all that a clock around steps can tell.
        (self.started.elapsed().as_secs_f64() * 1e6).round() / 1e6
    }

    fn write(&mut self, line: &Line<'_>) -> Result<(), Stopped> {
        let written = serde_json::to_string(line)
            .map_err(std::io::Error::other)
            // One write for a line: what a killed run leaves is whole lines.
            .and_then(|text| self.file.write_all((text + "\n").as_bytes()));
        written.map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => Stopped::Closed,
            _ => Stopped::Failed(format!(
                "the log \"{}\" cannot be written: {error}",
                self.path.display()
            )),
        })
    }
}

fn line_of(epoch: &Epoch, time: f64, training: usize, step: u64) -> Line<'_> {
    let values = || epoch.values.iter().map(|(label, value)| (&**label, *value));
    Line::Epoch {
        time,
        training,
        epoch: epoch.epoch + 1,
        epochs: epoch.epochs,
        step,
        loss: values().find(|(label, _)| *label == "loss").map(|v| v.1),
        metrics: values().filter(|(label, _)| *label != "loss").collect(),
        seconds: epoch.seconds,
    }
}

/// Whether the last line of a file lacks its end, as where the process was killed or the disk was full.
fn is_torn(file: &mut File) -> std::io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != [b'\n'])
}

/// A time as `2026-11-23T19:00:29Z`. Days become dates by the algorithm `civil_from_days` of H. Hinnant.
pub fn utc(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    // Years begin in March there, and 400 of them are an era of 146,097 days.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{date:02}T{:02}:{:02}:{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, date) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(UNIX_EPOCH + Duration::from_secs(seconds)), date);
        }
    }

    #[test]
    fn numbers_that_json_does_not_have_are_null() {
        let line = Line::Step {
            time: 0.5,
            training: 1,
            epoch: 1,
            step: 7,
            loss: f64::NAN,
        };
        assert_eq!(
            serde_json::to_string(&line).expect("it has a text"),
            r#"{"kind":"step","time":0.5,"training":1,"epoch":1,"step":7,"loss":null}"#
        );
    }
}
