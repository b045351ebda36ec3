//! What has been seen of a run so far: its trainings, their epochs, the curve of the loss over the steps.
use crate::base::source::Span;
use crate::check::program::Objective;
use crate::cli::journal::Place;
use crate::train::{Epoch, Event};
use std::time::{Duration, Instant};

/// A curve of any length in little memory: means of stretches of equal length, which grow as the curve does.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Means of whole stretches.
    means: Vec<f64>,
    /// Values in a stretch.
    stretch: usize,
    /// Sum and number of the values of the stretch that is not whole yet.
    open: (f64, usize),
    /// The last value, and how many there were.
    last: (f64, usize),
}

/// Most stretches that a curve keeps: more than any picture of it has columns.
const STRETCHES: usize = 1024;

impl Default for Curve {
    fn default() -> Curve {
        Curve {
            means: Vec::new(),
            stretch: 1,
            open: (0.0, 0),
            last: (f64::NAN, 0),
        }
    }
}

impl Curve {
    /// Adds a value.
    pub fn push(&mut self, value: f64) {
        self.open = (self.open.0 + value, self.open.1 + 1);
        self.last = (value, self.last.1 + 1);
        if self.open.1 < self.stretch {
            return;
        }
        self.means.push(self.open.0 / self.open.1 as f64);
        self.open = (0.0, 0);
        if self.means.len() == STRETCHES {
            let halves = self.means.as_chunks::<2>().0;
            self.means = halves.iter().map(|[a, b]| (a + b) / 2.0).collect();
            self.stretch *= 2;
        }
    }

    /// Points of the curve: the middle of a stretch, counted in values from 1, and its mean; the last value ends it.
    pub fn points(&self) -> Vec<(f64, f64)> {
        let stretch = self.stretch as f64;
        let middle = |at: usize| at as f64 * stretch + (stretch + 1.0) / 2.0;
        let whole = self.means.iter().enumerate();
        let mut points: Vec<(f64, f64)> = whole.map(|(at, &mean)| (middle(at), mean)).collect();
        if self.stretch > 1 {
            points.push((self.last.1 as f64, self.last.0));
        }
        points
    }

    /// The curve in at most `columns` values.
    pub fn columns(&self, columns: usize) -> Vec<f64> {
        let length = self.means.len();
        let columns = columns.min(length);
        let part = |column: usize| {
            let part = column * length / columns..(column + 1) * length / columns;
            let part = self.means.get(part).unwrap_or_default();
            part.iter().sum::<f64>() / part.len().max(1) as f64
        };
        (0..columns).map(part).collect()
    }
}

/// A `train` of the program, as far as it was seen.
#[derive(Debug, Clone)]
pub struct Training {
    /// From 1, as people count.
    pub number: usize,
    /// Epochs that it may take.
    pub epochs: usize,
    /// Steps in one.
    pub steps: usize,
    /// The epoch that runs or ran last, from 0.
    pub epoch: usize,
    /// The step of it that is done, from 1.
    pub step: usize,
    /// Steps seen.
    pub seen: u64,
    /// Sum of their losses in this epoch, and how many.
    sum: (f64, usize),
    /// The losses of the steps.
    pub curve: Curve,
    /// The epochs that ended.
    pub ended: Vec<Epoch>,
    /// When it was seen first.
    started: Instant,
    /// From there to the end of its last epoch.
    pub time: Duration,
}

/// How many times its first value a loss that rose is at least: less is seen of models that learn against each other.
const FAR: f64 = 10.0;

impl Training {
    fn new(number: usize, epochs: usize, steps: usize) -> Training {
        Training {
            number,
            epochs,
            steps,
            epoch: 0,
            step: 0,
            seen: 0,
            sum: (0.0, 0),
            curve: Curve::default(),
            ended: Vec::new(),
            started: Instant::now(),
            time: Duration::ZERO,
        }
    }

    /// The mean loss of the epoch so far.
    pub fn loss(&self) -> Option<f64> {
        (self.sum.1 > 0).then(|| self.sum.0 / self.sum.1 as f64)
    }

    /// The values of the last epoch that ended.
    pub fn last(&self) -> &[(String, f64)] {
        self.ended.last().map_or(&[], |epoch| &epoch.values)
    }

    /// The best value of a column and the epoch of it, from 1.
    pub fn best(&self, column: usize) -> Option<(f64, usize)> {
        let mut best: Option<(f64, usize)> = None;
        for epoch in &self.ended {
            let (label, value) = epoch.values.get(column)?;
            let better = super::text::Better::of(label)?;
            if !value.is_nan() && best.is_none_or(|(best, _)| better.is(*value, best)) {
                best = Some((*value, epoch.epoch + 1));
            }
        }
        best
    }

    /// The mean loss of its first epoch and of its last, where it rose out of all proportion: a step that leads away, and yet
    /// stays finite. Losses below 0 have no proportion.
    pub fn rose(&self) -> Option<(f64, f64)> {
        let loss = |epoch: &Epoch| {
            let mut values = epoch.values.iter();
            let (_, loss) = values.find(|(label, _)| label == "loss")?;
            Some(*loss)
        };
        let (first, last) = (loss(self.ended.first()?)?, loss(self.ended.last()?)?);
        (first > 0.0 && last > FAR * first).then_some((first, last))
    }

    /// Steps in a second, validation included.
    pub fn rate(&self) -> f64 {
        self.seen as f64 / self.time.as_secs_f64().max(1e-9)
    }

    /// Seconds that are left, from what the last epochs took, or from the steps of the first one.
    pub fn seconds_left(&self) -> Option<f64> {
        let recent = self.ended.iter().rev().take(5);
        let count = recent.clone().count();
        let done = self.step as f64 / self.steps.max(1) as f64;
        let epoch = if count > 0 {
            recent.map(|epoch| epoch.seconds).sum::<f64>() / count as f64
        } else if self.seen > 0 {
            self.started.elapsed().as_secs_f64() / self.seen as f64 * self.steps as f64
        } else {
            return None;
        };
        let left = self.epochs.saturating_sub(self.epoch) as f64 - done;
        Some(left.max(0.0) * epoch)
    }
}

/// The losses of a `minimize` that is no part of a `train`, as far as they were seen.
#[derive(Debug, Clone)]
pub struct Descent {
    /// What is minimized, as it is written; with its place where an earlier one reads the same.
    pub name: String,
    /// Where it stands: `model.dlm:8:14`.
    pub place: String,
    origin: Span,
    /// Its value in the first step seen and in the last.
    pub first: f64,
    /// The same.
    pub last: f64,
    steps: Curve,
    /// The losses, of long loops some.
    pub curve: Curve,
}

impl Descent {
    /// Points of the curve: a training step and the loss, means of stretches of a long one; the last of both ends it.
    pub fn points(&self) -> Vec<(f64, f64)> {
        let (steps, losses) = (self.steps.points(), self.curve.points());
        let steps = steps.into_iter().map(|(_, step)| step);
        steps
            .zip(losses.into_iter().map(|(_, loss)| loss))
            .collect()
    }
}

/// What has been seen of a run.
#[derive(Debug, Clone)]
pub struct History {
    /// The trainings, in the order in which they ran.
    pub trainings: Vec<Training>,
    /// What loops by hand minimize, in the order in which it was seen.
    pub descents: Vec<Descent>,
    /// When the run began.
    pub started: Instant,
    /// Training steps that an earlier process did.
    pub before: u64,
    /// Lines that the program printed; the last of them where they are many.
    pub lines: Vec<String>,
    /// How many they were.
    pub printed: usize,
}

/// Most lines of output that are remembered.
const LINES: usize = 200;

impl History {
    /// Nothing seen yet, of a run that begins there.
    pub fn new(place: Place) -> History {
        History {
            trainings: Vec::new(),
            descents: Vec::new(),
            started: Instant::now(),
            before: place.total,
            lines: Vec::new(),
            printed: 0,
        }
    }

    /// The training that runs, or ran last.
    pub fn current(&self) -> Option<&Training> {
        self.trainings.last()
    }

    /// Takes note of an event with the losses of the steps that it tells of; `place` is where the run is after it.
    pub fn note(&mut self, event: &Event, losses: &[f64], place: Place) {
        match event {
            Event::None | Event::Warning(_) | Event::Finished => {}
            Event::Line(line) => self.line(line),
            Event::EpochBegin {
                epoch,
                epochs,
                steps,
            } => {
                if *epoch == 0 || self.trainings.is_empty() {
                    let number = self.trainings.len() + 1;
                    let training = Training::new(number, *epochs, *steps);
                    self.trainings.push(training);
                }
                if let Some(training) = self.trainings.last_mut() {
                    (training.epoch, training.step) = (*epoch, 0);
                    training.sum = (0.0, 0);
                }
            }
            Event::StepsDone { step, steps } => {
                let training = self.training(place, *steps);
                training.step = step + 1;
                training.seen += losses.len() as u64;
                for &loss in losses {
                    training.sum = (training.sum.0 + loss, training.sum.1 + 1);
                    training.curve.push(loss);
                }
                if training.step == training.steps {
                    training.time = training.started.elapsed();
                }
            }
            Event::EpochEnd(epoch) => {
                let training = self.training(place, place.steps);
                training.epoch = epoch.epoch;
                training.time = training.started.elapsed();
                training.ended.push(epoch.clone());
            }
        }
    }

    /// Takes note of the loss of a loop by hand in a training step, and says where in [`History::descents`] it belongs.
    pub fn note_loss(&mut self, objective: &Objective, step: u64, loss: f64) -> usize {
        let known = self
            .descents
            .iter()
            .rposition(|d| d.origin == objective.origin);
        let at = known.unwrap_or(self.descents.len());
        if known.is_none() {
            let text = &objective.text;
            let alike = self.descents.iter().any(|descent| descent.name == *text);
            self.descents.push(Descent {
                name: match alike {
                    true => format!("{text} at {}", objective.place),
                    false => text.clone(),
                },
                place: objective.place.clone(),
                origin: objective.origin,
                first: loss,
                last: loss,
                steps: Curve::default(),
                curve: Curve::default(),
            });
        }
        let descent = &mut self.descents[at];
        descent.last = loss;
        descent.steps.push(step as f64);
        descent.curve.push(loss);
        at
    }

    /// The training that runs; a run that goes on within an epoch has not seen it begin.
    fn training(&mut self, place: Place, steps: usize) -> &mut Training {
        if self.trainings.is_empty() {
            let mut training = Training::new(1, place.epochs, steps);
            training.epoch = place.epoch;
            self.trainings.push(training);
        }
        let last = self.trainings.len() - 1;
        &mut self.trainings[last]
    }

    fn line(&mut self, line: &str) {
        self.printed += 1;
        if self.lines.len() == LINES {
            self.lines.remove(0);
        }
        self.lines.push(line.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_curve_keeps_its_form_in_little_memory() {
        let mut curve = Curve::default();
        (0..100_000).for_each(|at| curve.push(f64::from(at)));
        let points = curve.points();
        assert!((512..1024).contains(&points.len()), "{}", points.len());
        // The mean of 0, 1, ... of a stretch is one below its middle, counted from 1.
        assert!(points.iter().all(|(x, y)| (x - 1.0 - y).abs() < 1e-6));
        let columns = curve.columns(10);
        assert_eq!(columns.len(), 10);
        assert!(columns.is_sorted());
    }

    fn place(epoch: usize, step: usize) -> Place {
        Place {
            epoch,
            epochs: 3,
            step,
            steps: 2,
            inside: true,
            total: (2 * epoch + step) as u64,
        }
    }

    fn ended(epoch: usize, loss: f64, accuracy: f64) -> Event {
        Event::EpochEnd(Epoch {
            epoch,
            epochs: 3,
            values: vec![
                ("loss".into(), loss),
                ("val_accuracy".into(), accuracy),
                ("own".into(), 1.0),
            ],
            seconds: 2.0,
        })
    }

    #[test]
    fn the_best_is_the_least_loss_and_the_greatest_accuracy() {
        let mut history = History::new(Place::default());
        for (epoch, loss, accuracy) in [(0, 3.0, 0.5), (1, 1.0, 0.9), (2, 2.0, f64::NAN)] {
            history.note(
                &Event::EpochBegin {
                    epoch,
                    epochs: 3,
                    steps: 2,
                },
                &[],
                place(epoch, 0),
            );
            let event = Event::StepsDone { step: 1, steps: 2 };
            history.note(&event, &[loss, loss], place(epoch, 2));
            history.note(&ended(epoch, loss, accuracy), &[], place(epoch, 2));
        }
        let training = history.current().expect("it was seen");
        assert_eq!((training.number, training.seen), (1, 6));
        let best: Vec<_> = (0..3).map(|column| training.best(column)).collect();
        assert_eq!(best, [Some((1.0, 2)), Some((0.9, 2)), None]);
        assert_eq!(training.seconds_left(), Some(0.0));
    }

    #[test]
    fn a_run_that_goes_on_within_an_epoch_is_seen_from_there() {
        let mut history = History::new(place(1, 1));
        let event = Event::StepsDone { step: 1, steps: 2 };
        history.note(&event, &[0.5], place(1, 2));
        let training = history.current().expect("it was seen");
        assert_eq!((training.epoch, training.step, training.epochs), (1, 2, 3));
        assert_eq!((training.loss(), history.before), (Some(0.5), 3));
    }
}
