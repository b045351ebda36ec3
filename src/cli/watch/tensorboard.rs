//! Event files for TensorBoard: TFRecord frames around `Event` messages of protocol buffers, of which only scalars are written.
//!
//! The messages are those of `tensorflow/core/util/event.proto` and `tensorflow/core/framework/summary.proto`; the frame is a length of
//! eight bytes, its checksum, the message, its checksum, all little-endian.
use super::crc32c::masked;
use super::history::{Descent, History};
use crate::cli::journal::Place;
use crate::train::Event;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Most time that events wait before they are written to the file.
const FLUSH: Duration = Duration::from_secs(1);

/// Fields of the messages, by their numbers.
mod field {
    pub const EVENT_TIME: u64 = 1;
    pub const EVENT_STEP: u64 = 2;
    pub const EVENT_VERSION: u64 = 3;
    pub const EVENT_SUMMARY: u64 = 5;
    pub const EVENT_SESSION: u64 = 7;
    pub const SUMMARY_VALUE: u64 = 1;
    pub const VALUE_TAG: u64 = 1;
    pub const VALUE_NUMBER: u64 = 2;
    pub const SESSION_STATUS: u64 = 1;
}

/// `SessionLog.START`: what is known of later steps is void.
const START: u64 = 1;

/// Writes the events of a run.
pub struct Board {
    file: BufWriter<File>,
    path: PathBuf,
    flushed: Instant,
}

impl Board {
    /// Opens a file of events in a folder, which is made where it is not there. A run that goes on has a file of its own.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub fn open(folder: &Path) -> std::io::Result<Board> {
        std::fs::create_dir_all(folder)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let seconds = now.unwrap_or(Duration::ZERO).as_secs();
        let process = std::process::id();
        for turn in 0u32.. {
            // TensorBoard reads the files of a folder in the order of their names, and takes those with this word in it.
            let name = format!("events.out.tfevents.{seconds:010}.dlmc.{process}.{turn}");
            let path = folder.join(name);
            match File::options().write(true).create_new(true).open(&path) {
                Ok(file) => {
                    let mut board = Board {
                        file: BufWriter::new(file),
                        path,
                        flushed: Instant::now(),
                    };
                    let mut version = Message::default();
                    version.text(field::EVENT_VERSION, "brain.Event:2");
                    board.write(version, 0)?;
                    board.flush()?;
                    return Ok(board);
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && turn < 1000 => {}
                Err(error) => return Err(error),
            }
        }
        Err(std::io::ErrorKind::AlreadyExists.into())
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Says that a run goes on after so many steps: of steps that it does again, those of before do not count.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub fn begin(&mut self, place: Place) -> std::io::Result<()> {
        if place.total == 0 {
            return Ok(());
        }
        let mut session = Message::default();
        session.number(field::SESSION_STATUS, START);
        let mut event = Message::default();
        event.message(field::EVENT_SESSION, &session);
        self.write(event, place.total + 1)?;
        self.flush()
    }

    /// Writes the loss of a loop by hand in a training step.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub fn loss(&mut self, descent: &Descent, step: u64) -> std::io::Result<()> {
        self.scalars(&[(format!("loop/{}", descent.name), descent.last)], step)?;
        self.flush_in_time()
    }

    /// Writes what waits, unless that was done just now.
    fn flush_in_time(&mut self) -> std::io::Result<()> {
        match self.flushed.elapsed() < FLUSH {
            true => Ok(()),
            false => self.flush(),
        }
    }

    /// Writes what an event says, with the losses of the steps that it tells of; after it the run is at `place`.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub fn event(
        &mut self,
        event: &Event,
        losses: &[f64],
        history: &History,
        place: Place,
    ) -> std::io::Result<()> {
        match event {
            Event::None | Event::Line(_) | Event::Warning(_) | Event::EpochBegin { .. } => Ok(()),
            Event::Finished => self.flush(),
            Event::StepsDone { .. } => {
                let tag = tag(history, "step", "loss");
                let first = place.total + 1 - losses.len() as u64;
                for (step, &loss) in (first..).zip(losses) {
                    self.scalars(&[(tag.clone(), loss)], step)?;
                }
                self.flush_in_time()
            }
            Event::EpochEnd(epoch) => {
                let mut values: Vec<(String, f64)> = Vec::new();
                for (label, value) in &epoch.values {
                    values.push((tag(history, "epoch", label), *value));
                }
                self.scalars(&values, place.total)?;
                self.flush()
            }
        }
    }

    /// Has what was written reach the file.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub fn flush(&mut self) -> std::io::Result<()> {
        self.flushed = Instant::now();
        self.file.flush()
    }

    fn scalars(&mut self, values: &[(String, f64)], step: u64) -> std::io::Result<()> {
        let mut summary = Message::default();
        for (tag, number) in values {
            let mut value = Message::default();
            value.text(field::VALUE_TAG, tag);
            value.float(field::VALUE_NUMBER, *number as f32);
            summary.message(field::SUMMARY_VALUE, &value);
        }
        let mut event = Message::default();
        event.message(field::EVENT_SUMMARY, &summary);
        self.write(event, step)
    }

    /// Writes an event of that step, now.
    fn write(&mut self, mut event: Message, step: u64) -> std::io::Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        event.double(
            field::EVENT_TIME,
            now.unwrap_or(Duration::ZERO).as_secs_f64(),
        );
        event.number(field::EVENT_STEP, step);
        let length = (event.0.len() as u64).to_le_bytes();
        self.file.write_all(&length)?;
        self.file.write_all(&masked(&length).to_le_bytes())?;
        self.file.write_all(&event.0)?;
        self.file.write_all(&masked(&event.0).to_le_bytes())
    }
}

/// `step/loss`; those of a second training and later ones have its number.
fn tag(history: &History, group: &str, label: &str) -> String {
    match history.trainings.len() {
        0 | 1 => format!("{group}/{label}"),
        number => format!("training {number} {group}/{label}"),
    }
}

/// A message of protocol buffers on its way.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    /// Seven bits a byte, the lowest first; all but the last have the highest bit set.
    fn variable(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    /// A field's number and how its value is written: 0 with [`Message::variable`], 1 in eight bytes, 2 with its length before it, 5 in
    /// four bytes.
    fn key(&mut self, field: u64, wire: u64) {
        self.variable(field << 3 | wire);
    }

    fn number(&mut self, field: u64, value: u64) {
        self.key(field, 0);
        self.variable(value);
    }

    fn double(&mut self, field: u64, value: f64) {
        self.key(field, 1);
        self.0.extend(value.to_le_bytes());
    }

    fn float(&mut self, field: u64, value: f32) {
        self.key(field, 5);
        self.0.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.key(field, 2);
        self.variable(bytes.len() as u64);
        self.0.extend(bytes);
    }

    fn text(&mut self, field: u64, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    fn message(&mut self, field: u64, message: &Message) {
        self.bytes(field, &message.0);
    }
}
