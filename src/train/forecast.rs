//! How long a run will take, before it runs: how often the plan runs each graph, and how long each takes on this machine.
use super::Machine;
use crate::check::program::{Instr, Program, SlotId};
use rustc_hash::FxHashMap;
use std::time::{Duration, Instant};

/// Instructions of the plan that are followed before the count gives up.
const MOST_INSTRUCTIONS: u64 = 50_000_000;
/// How long the graphs are tried together, but for the first run of each.
const TRIAL: Duration = Duration::from_millis(600);
/// How long one graph is tried at most.
const ONE_TRIAL: Duration = Duration::from_millis(60);
/// A graph that takes longer is run once alone.
const LONGEST: Duration = Duration::from_secs(1);

/// What an instruction of the plan costs the host, in seconds: its share of reading and writing slots, and of what hears the events.
const INSTRUCTION: f64 = 80e-9;
/// What a row of a batch costs the host, in seconds: its number, in a shuffled order.
const ROW: f64 = 2e-9;

/// A graph that takes longer by what it computes is not run to be tried.
const TOO_LONG: f64 = 20.0;
/// What is reckoned with then: operations and bytes a second, and seconds of a turn of a loop.
const OPERATIONS: f64 = 2e9;
const BYTES: f64 = 10e9;
const TURN: f64 = 20e-9;

/// How often a plan does what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Runs of each graph.
    pub graphs: Vec<u64>,
    /// Instructions of the host.
    pub instructions: u64,
    /// Rows of the batches taken.
    pub rows: u64,
    /// Whether what the tensors hold may end the run sooner: a loop `until`, a condition, an early stop.
    pub at_most: bool,
}

/// Follows the plan without running a graph. Where a tensor decides, the longer way is taken. `None` for a plan that ends, as all do, but is
/// too long to follow.
pub fn counts(program: &Program) -> Option<Counts> {
    let mut walk = Walk {
        program,
        counts: Counts {
            graphs: vec![0; program.graphs.len()],
            ..Counts::default()
        },
        integers: FxHashMap::default(),
        left: vec![0; program.iterators],
        runs: 0,
    };
    let mut position = 0;
    while let Some(instr) = program.code.get(position) {
        walk.counts.instructions += 1;
        if walk.counts.instructions > MOST_INSTRUCTIONS {
            return None;
        }
        position = walk.follow(instr, position)?;
    }
    Some(walk.counts)
}

struct Walk<'a> {
    program: &'a Program,
    counts: Counts,
    /// Slots whose value the plan alone decides.
    integers: FxHashMap<SlotId, i64>,
    /// Rows left of each iterator.
    left: Vec<usize>,
    /// Runs of all graphs so far.
    runs: u64,
}

impl Walk<'_> {
    /// `None` where there are more runs than can be counted.
    fn count(&mut self, graph: usize, times: u64) -> Option<()> {
        self.runs = self.runs.checked_add(times)?;
        if let Some(count) = self.counts.graphs.get_mut(graph) {
            *count += times;
        }
        if let Some(step) = self.program.graphs.get(graph) {
            for slot in &step.outputs {
                self.integers.remove(slot);
            }
        }
        Some(())
    }

    /// The position after an instruction. `None` where there are more runs than can be counted.
    fn follow(&mut self, instr: &Instr, position: usize) -> Option<usize> {
        match instr {
            Instr::Run(graph) => self.count(*graph, 1)?,
            Instr::RunTimes { graph, times, .. } => self.count(*graph, *times)?,
            Instr::SetInt { slot, value } => {
                self.integers.insert(*slot, i64::from(*value));
            }
            Instr::AddInt { slot, value } => {
                if let Some(known) = self.integers.get_mut(slot) {
                    *known += i64::from(*value);
                }
            }
            Instr::Jump(target) => return Some(*target),
            Instr::JumpIfZero { slot, target } => match self.integers.get(slot) {
                Some(0) => return Some(*target),
                Some(_) => {}
                None => {
                    self.counts.at_most = true;
                    // Back is another turn; ahead would leave something out.
                    if *target <= position {
                        return Some(*target);
                    }
                }
            },
            Instr::JumpIfAtLeast {
                slot,
                limit,
                target,
            } => {
                if self
                    .integers
                    .get(slot)
                    .is_some_and(|&value| value >= i64::from(*limit))
                {
                    return Some(*target);
                }
            }
            Instr::Copy { from, to } => match self.integers.get(from).copied() {
                Some(value) => drop(self.integers.insert(*to, value)),
                None => drop(self.integers.remove(to)),
            },
            Instr::OpenBatches {
                iterator,
                data,
                part,
                ..
            } => {
                let set = self.program.data.get(*data);
                let rows = set
                    .and_then(|set| set.part(part))
                    .map_or(0, |part| part.rows());
                if let Some(left) = self.left.get_mut(*iterator) {
                    *left = rows;
                }
            }
            Instr::NextBatch {
                iterator,
                size,
                otherwise,
                ..
            } => match self.left.get_mut(*iterator) {
                Some(left) if *left >= *size && *size > 0 => {
                    *left -= size;
                    self.counts.rows += *size as u64;
                }
                Some(_) | None => return Some(*otherwise),
            },
            Instr::Watch { patience, .. } => self.counts.at_most |= patience.is_some(),
            Instr::SetFloat { .. }
            | Instr::Print(_)
            | Instr::Assert { .. }
            | Instr::Save { .. }
            | Instr::Load { .. }
            | Instr::Plot { .. }
            | Instr::Accumulate { .. }
            | Instr::Mean { .. }
            | Instr::EpochBegin { .. }
            | Instr::StepDone { .. }
            | Instr::EpochEnd { .. } => {}
        }
        Some(position + 1)
    }
}

/// What a run will take.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// Seconds in graphs.
    pub graphs: f64,
    /// Seconds of the host between them.
    pub host: f64,
    /// How often the plan does what.
    pub counts: Counts,
    /// Whether a graph takes so long that it was not tried, and its time is reckoned by what it computes.
    pub reckoned: bool,
}

impl Machine {
    /// Tries every graph that the plan runs, for a short while, and says what the whole run will take. It leaves the slots with what the
    /// trials wrote: the machine is good for nothing else afterwards. `None` for a plan that is too long to follow.
    ///
    /// Call it inside the pool in which the run will be.
    pub fn forecast(&mut self) -> Option<Forecast> {
        let counts = counts(&self.program)?;
        let program = self.program.clone();
        // In the order of the plan, so that each finds what those before it wrote.
        let mut order: Vec<usize> = Vec::new();
        for instr in &program.code {
            if let Instr::Run(graph) | Instr::RunTimes { graph, .. } = instr
                && !order.contains(graph)
            {
                order.push(*graph);
            }
        }
        let start = Instant::now();
        let (mut graphs, mut reckoned) = (0.0, false);
        for graph in order {
            let times = counts.graphs.get(graph).copied().unwrap_or(0);
            let long = self.reckoned(graph).filter(|&seconds| seconds > TOO_LONG);
            if let (Some(seconds), true) = (long, times > 0) {
                graphs += times as f64 * seconds;
                reckoned = true;
            } else if times > 0 {
                graphs += times as f64 * self.try_graph(graph, times, start.elapsed() < TRIAL);
            }
        }
        Some(Forecast {
            graphs,
            host: counts.instructions as f64 * INSTRUCTION + counts.rows as f64 * ROW,
            counts,
            reckoned,
        })
    }

    /// Seconds that a run of a graph takes by what it computes: right to some powers of two.
    fn reckoned(&self, graph: usize) -> Option<f64> {
        let schedule = self.compiled.calls.get(graph)?.executable().schedule();
        let work = schedule.work();
        let seconds = work.operations / OPERATIONS + work.bytes / BYTES;
        Some(seconds + schedule.turns() * TURN)
    }

    /// Seconds that a graph takes which runs so many times. The first run of several finds no memory in the caches and is not counted.
    fn try_graph(&mut self, graph: usize, times: u64, again: bool) -> f64 {
        let compiled = self.compiled.clone();
        let Some(call) = compiled.calls.get(graph) else {
            return 0.0;
        };
        let start = Instant::now();
        // What the trial computes is of no interest, and neither is a position out of range in it.
        let _ = call.run(&mut self.store, &mut self.space);
        let first = start.elapsed();
        if !again || times == 1 || first > LONGEST {
            return first.as_secs_f64();
        }
        self.time_graph(graph, times, ONE_TRIAL)
    }

    /// Seconds that a run of a graph takes, from at most `times` runs one after the other for about so long, at least one. It leaves what
    /// they wrote. Where many runs are one loop, that is what is timed.
    pub fn time_graph(&mut self, graph: usize, times: u64, limit: Duration) -> f64 {
        let compiled = self.compiled.clone();
        let Some(call) = compiled.calls.get(graph) else {
            return 0.0;
        };
        let (mut runs, mut at_once) = (0, 1);
        let start = Instant::now();
        let mut before = Duration::ZERO;
        while runs < times.max(1) {
            let end = runs + at_once.min(times.max(1) - runs);
            while runs < end {
                let many = (runs as i64, end as i64);
                match call.run_turns(&mut self.store, &mut self.space, many) {
                    // A loss that is not finite ends such a loop after each turn.
                    Some(done) => runs = (done.max(0) as u64).max(runs + 1),
                    None => {
                        let _ = call.run(&mut self.store, &mut self.space);
                        runs += 1;
                    }
                }
            }
            let elapsed = start.elapsed();
            if elapsed >= limit {
                break;
            }
            // The clock is read seldom, so that its own time does not count.
            if elapsed - before < limit / 16 {
                at_once *= 2;
            }
            before = elapsed;
        }
        start.elapsed().as_secs_f64() / runs.max(1) as f64
    }
}
