//! Losses and parameters that are no longer finite are noticed while a run goes on, at next to no cost.
//!
//! What is looked at, and when:
//! - A loss is one number, which each step leaves in a slot: it is looked at after each step, also inside loops that run natively.
//! - Parameters are looked at before anything that the outside sees of them (a line of output, a file, the report of an epoch, a
//!   checkpoint, the end), and once a second. Between those nothing can be seen of them, and a number that is not finite stays: what is
//!   computed from it is not finite either. One look reads the parameters once, where a step has read them, their gradients and states,
//!   and written them.
//!
//! Only parameters that some step updates count; masks, states and constants may hold what they like.
//!
//! Once a second (more seldom where that would take more than a fiftieth of the time) the state is kept in memory, and only one whose
//! parameters are all finite. Before the first second the start of the program serves as that state. From there [`super::replay`] finds
//! the step and the operation.
use super::machine::Machine;
use super::snapshot::Kept;
use super::values;
use super::{RunError, replay};
use crate::base::diagnostic::Diagnostic;
use crate::check::program::{Instr, Program, SlotId, SlotKind, StepGraph};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is done when a loss or a parameter becomes infinite or NaN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnNonFinite {
    /// The run stops with an error. The machine is left where it was before the step that went wrong.
    #[default]
    Stop,
    /// The same is said once, and the run goes on.
    Warn,
    /// Nobody looks.
    Ignore,
}

/// How often the state is kept.
const PAUSE: Duration = Duration::from_secs(1);
/// Runs of graphs between two looks at the clock, at most: the next ones may take much longer.
const LONGEST_STRIDE: u32 = 256;
/// Keeping it takes at most one part in that many of the time.
const SHARE: u32 = 50;

/// What is known of the numbers of a run that is watched.
#[derive(Debug)]
pub(super) struct Watch {
    policy: OnNonFinite,
    /// The parameters that some step updates.
    parameters: Vec<SlotId>,
    /// For each graph: whether it writes one of them.
    writes: Vec<bool>,
    /// For each graph: the losses that it leaves in slots.
    losses: Vec<Arc<[SlotId]>>,
    /// The last state that was kept; without one the start of the program serves.
    pub(super) kept: Option<Kept>,
    /// A loss that is not finite.
    bad: Option<SlotId>,
    /// Whether parameters were written since they were looked at.
    pub(super) unseen: bool,
    /// Whether the state was changed from outside, so that what was kept does not lead to it.
    changed: bool,
    /// When a state was kept, and how long the pause is.
    since: Instant,
    pause: Duration,
    /// When the clock was read.
    looked: Instant,
    /// Runs of graphs until it is read again, and how many that were the last time.
    countdown: u32,
    stride: u32,
}

/// The parameters among the slots that a step reads and writes.
pub(super) fn updated(program: &Program, step: &StepGraph) -> impl Iterator<Item = SlotId> {
    let both = step.outputs.iter().copied();
    both.filter(|slot| {
        step.inputs.contains(slot) && program.slot(*slot).kind == SlotKind::Parameter
    })
}

impl Watch {
    fn new(program: &Program, policy: OnNonFinite) -> Watch {
        let mut parameters: Vec<SlotId> = program
            .graphs
            .iter()
            .flat_map(|step| updated(program, step))
            .collect();
        parameters.sort_unstable();
        parameters.dedup();
        let graphs = program.graphs.iter();
        Watch {
            policy,
            writes: graphs
                .clone()
                .map(|step| step.outputs.iter().any(|slot| parameters.contains(slot)))
                .collect(),
            losses: graphs
                .map(|step| step.objectives.iter().filter_map(|o| o.slot).collect())
                .collect(),
            parameters,
            kept: None,
            bad: None,
            unseen: false,
            changed: false,
            since: Instant::now(),
            pause: PAUSE,
            looked: Instant::now(),
            countdown: 1,
            stride: 1,
        }
    }

    /// The slots of a graph that must be finite once it has run.
    pub(super) fn watched(&self, step: &StepGraph, graph: usize) -> Vec<SlotId> {
        let losses = self.losses.get(graph).map_or(&[][..], |losses| &losses[..]);
        let parameters = step.outputs.iter().copied();
        losses
            .iter()
            .copied()
            .chain(parameters.filter(|slot| self.parameters.contains(slot)))
            .collect()
    }

    /// Whether it is time to keep the state. The clock is read so seldom that it takes no time.
    fn due(&mut self) -> bool {
        if !self.unseen {
            return false;
        }
        self.countdown = self.countdown.saturating_sub(1);
        if self.countdown > 0 {
            return false;
        }
        let now = Instant::now();
        let between = now - std::mem::replace(&mut self.looked, now);
        if between < PAUSE / 64 {
            self.stride = (2 * self.stride).min(LONGEST_STRIDE);
        } else if between > PAUSE / 16 {
            self.stride = (self.stride / 4).max(1);
        }
        self.countdown = self.stride;
        now.duration_since(self.since) >= self.pause
    }
}

impl Machine {
    /// Watches for losses and parameters that are not finite from now on, or no more.
    pub fn on_nonfinite(&mut self, policy: OnNonFinite) {
        self.watch = match policy {
            OnNonFinite::Stop | OnNonFinite::Warn => {
                let mut watch = Watch::new(&self.program, policy);
                watch.changed = self.has_begun();
                Some(Box::new(watch))
            }
            OnNonFinite::Ignore => None,
        };
    }

    /// The losses that a run of this graph leaves in slots, where they are watched.
    pub(super) fn watched_losses(&self, graph: usize) -> Arc<[SlotId]> {
        let watch = self.watch.as_ref();
        watch
            .and_then(|watch| watch.losses.get(graph).cloned())
            .unwrap_or_default()
    }

    /// Notes that a graph has run, and looks at its losses.
    pub(super) fn has_run(&mut self, graph: usize) {
        let Some(watch) = &self.watch else {
            return;
        };
        let losses = watch.losses.get(graph);
        let bad = losses.and_then(|losses| losses.iter().find(|slot| !self.is_finite(**slot)));
        let bad = bad.copied();
        if let Some(watch) = &mut self.watch {
            watch.unseen |= watch.writes.get(graph).is_some_and(|writes| *writes);
            watch.bad = watch.bad.or(bad);
        }
    }

    /// Notes that the state is no longer what the last steps led to.
    pub(super) fn state_changed(&mut self) {
        if let Some(watch) = &mut self.watch {
            watch.changed = true;
        }
    }

    /// Whether all elements of a slot are finite.
    pub(super) fn is_finite(&self, slot: SlotId) -> bool {
        let dtype = self.program.slot(slot).ty.dtype;
        values::all_finite(dtype, self.store.bytes(slot.0 as usize))
    }

    /// Looks at the parameters now, before the state is used outside. A warning is what a run that goes on has to say of them.
    ///
    /// # Errors
    /// What is not finite and why, where the run is to stop for it.
    pub fn look(&mut self) -> Result<Option<Box<Diagnostic>>, RunError> {
        self.guard(None)
    }

    /// What is to be said before an instruction (or the end): looks where it is time or where the instruction shows something.
    pub(super) fn guard(
        &mut self,
        instr: Option<&Instr>,
    ) -> Result<Option<Box<Diagnostic>>, RunError> {
        let Some(watch) = self.watch.as_deref_mut() else {
            return Ok(None);
        };
        let keeps = watch.changed || watch.due();
        let looks = keeps || (watch.unseen && instr.is_none_or(shows));
        let bad = match watch.bad {
            Some(slot) => Some(slot),
            None if looks => self.bad_parameter(),
            None => return Ok(None),
        };
        if let Some(slot) = bad {
            return self.not_finite(slot);
        }
        if let Some(watch) = self.watch.as_deref_mut() {
            watch.unseen = false;
        }
        if keeps {
            self.keep_state();
        }
        Ok(None)
    }

    fn bad_parameter(&self) -> Option<SlotId> {
        let watch = self.watch.as_ref()?;
        let mut parameters = watch.parameters.iter().copied();
        parameters.find(|slot| !self.is_finite(*slot))
    }

    fn keep_state(&mut self) {
        let Some(mut watch) = self.watch.take() else {
            return;
        };
        let start = Instant::now();
        self.keep(watch.kept.get_or_insert_default());
        watch.pause = PAUSE.max(start.elapsed() * SHARE);
        watch.since = Instant::now();
        watch.changed = false;
        self.watch = Some(watch);
    }

    /// Finds what made a slot infinite or NaN, and says it as the policy wants.
    fn not_finite(&mut self, slot: SlotId) -> Result<Option<Box<Diagnostic>>, RunError> {
        let Some(mut watch) = self.watch.take() else {
            return Ok(None);
        };
        let warns = watch.policy == OnNonFinite::Warn;
        let mut now = Kept::default();
        if warns {
            self.keep(&mut now);
        }
        let times = self.times;
        let error = if watch.changed {
            replay::from_outside(&self.program, slot)
        } else {
            replay::find(self, &watch, slot)
        };
        self.times = times;
        if warns {
            self.go_back(&now);
            let mut warning = error.diagnostic;
            warning.severity = crate::base::diagnostic::Severity::Warning;
            warning
                .notes
                .push("the run goes on, and nothing more is said of such numbers".into());
            return Ok(Some(warning));
        }
        watch.bad = None;
        watch.unseen = true;
        watch.changed = true;
        self.watch = Some(watch);
        Err(error)
    }
}

/// Whether an instruction lets the outside see something of the parameters.
fn shows(instr: &Instr) -> bool {
    match instr {
        Instr::Print(_)
        | Instr::Assert { .. }
        | Instr::Save { .. }
        | Instr::Load { .. }
        | Instr::Plot { .. }
        | Instr::EpochEnd { .. }
        | Instr::Watch { .. } => true,
        Instr::Run(_)
        | Instr::RunTimes { .. }
        | Instr::SetInt { .. }
        | Instr::AddInt { .. }
        | Instr::SetFloat { .. }
        | Instr::Jump(_)
        | Instr::JumpIfZero { .. }
        | Instr::JumpIfAtLeast { .. }
        | Instr::Copy { .. }
        | Instr::OpenBatches { .. }
        | Instr::NextBatch { .. }
        | Instr::Accumulate { .. }
        | Instr::Mean { .. }
        | Instr::EpochBegin { .. }
        | Instr::StepDone { .. } => false,
    }
}
