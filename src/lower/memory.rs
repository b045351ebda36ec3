//! The memory plan: every buffer of the arena gets an offset such that buffers that live at one time do not overlap.
//!
//! Largest first, each at the lowest offset that is free during its whole life (the offline form of first fit, which in practice stays
//! within a few percent of the bound: the largest set that lives at one time).
use super::place::buffer_of;
use super::{finish, group, terms};
use crate::kir::schedule::{Address, Base, BufferInfo, Schedule, Step};
use rustc_hash::FxHashMap;

/// Alignment of buffers: a cache line, and the widest vector.
const ALIGNMENT: usize = 64;

/// A buffer while it is being planned.
#[derive(Debug, Clone)]
pub struct Buffer {
    /// Where it is, for what lies outside the arena.
    pub base: Option<Base>,
    /// Its size.
    pub bytes: usize,
    /// What it holds.
    pub name: String,
    life: Option<(usize, usize)>,
}

impl Buffer {
    /// A buffer that nothing touches yet.
    pub fn new(base: Option<Base>, bytes: usize, name: String) -> Buffer {
        Buffer {
            base,
            bytes,
            name,
            life: None,
        }
    }

    /// Notes that a step touches it.
    pub fn touch(&mut self, step: usize) {
        self.life = Some(self.life.map_or((step, step), |(first, last)| {
            (first.min(step), last.max(step))
        }));
    }

    /// Whether a step at or after `step` touches it.
    pub fn touched_since(&self, step: usize) -> bool {
        self.life.is_some_and(|(_, last)| last >= step)
    }
}

/// Forms groups of kernels, assigns offsets and rewrites every address of the schedule. `aliases` says which input's storage each output
/// shares.
pub fn assign(
    schedule: &mut Schedule,
    buffers: &mut [Buffer],
    in_place: &[(usize, usize, usize)],
    aliases: &[Option<u32>],
) {
    let owner = share(buffers, in_place);
    let mut order: Vec<usize> = (0..buffers.len())
        .filter(|&at| {
            owner[at] == at
                && buffers[at].base.is_none()
                && buffers[at].life.is_some()
                && buffers[at].bytes > 0
        })
        .collect();
    schedule.live_bound = live_bound(buffers, &order);
    group(schedule, buffers, &owner, aliases);
    order.sort_by_key(|&at| (std::cmp::Reverse(buffers[at].bytes), buffers[at].life, at));
    let mut offsets = vec![0usize; buffers.len()];
    let mut placed: Vec<usize> = Vec::new();
    for &at in &order {
        offsets[at] = lowest_free(buffers, &offsets, &placed, at);
        placed.push(at);
    }
    schedule.arena_bytes = order
        .iter()
        .map(|&at| offsets[at] + padded(buffers[at].bytes))
        .max()
        .unwrap_or(0);
    order.sort_by_key(|&at| buffers[at].life);
    schedule.buffers = order
        .iter()
        .map(|&at| BufferInfo {
            name: buffers[at].name.clone(),
            offset: offsets[at],
            bytes: buffers[at].bytes,
            life: buffers[at].life.unwrap_or_default(),
        })
        .collect();
    let mut steps = std::mem::take(&mut schedule.steps);
    for_each_address(&mut steps, &mut |address| {
        if let Some(buffer) = buffer_of(address) {
            let buffer = owner[buffer];
            address.base = buffers[buffer].base.unwrap_or(Base::Arena);
            address.offset += offsets[buffer];
        }
    });
    schedule.steps = steps;
}

/// Forms finishes and groups. What a member touches lives through the whole of it, since members take turns.
fn group(
    schedule: &mut Schedule,
    buffers: &mut [Buffer],
    owner: &[usize],
    aliases: &[Option<u32>],
) {
    let storage: FxHashMap<Base, usize> = buffers
        .iter()
        .enumerate()
        .filter_map(|(at, buffer)| Some((buffer.base?, at)))
        .collect();
    let same = |buffer: usize| {
        let base = match buffers[buffer].base {
            Some(Base::Output(output)) => match aliases.get(output as usize).copied().flatten() {
                Some(input) => Base::Input(input),
                None => Base::Output(output),
            },
            Some(base @ (Base::Input(_) | Base::Constant)) => base,
            Some(Base::Arena) | None => return owner[buffer],
        };
        storage.get(&base).copied().unwrap_or(buffer)
    };
    let last = |buffer: usize| {
        let buffer: &Buffer = &buffers[buffer];
        let life = buffer.life.filter(|_| buffer.base.is_none());
        life.map(|(_, last)| last)
    };
    let lives = finish::Lives {
        same: &same,
        last: &last,
    };
    let (products, kernels) = (&schedule.products, &schedule.kernels);
    let mut spans = finish::form(&mut schedule.steps, products, kernels, &lives);
    spans.extend(group::form(&mut schedule.steps, kernels, &same));
    spans.extend(terms::form(&mut schedule.steps, products, kernels, &same));
    for (first, last) in spans {
        for life in buffers.iter_mut().filter_map(|buffer| buffer.life.as_mut()) {
            if life.0 <= last && first <= life.1 {
                *life = (
                    if life.0 >= first { first } else { life.0 },
                    if life.1 <= last { last } else { life.1 },
                );
            }
        }
    }
}

fn padded(bytes: usize) -> usize {
    bytes.next_multiple_of(ALIGNMENT)
}

/// Lets a result take its operand's memory where the operand ends its life in the step that makes the result.
fn share(buffers: &mut [Buffer], in_place: &[(usize, usize, usize)]) -> Vec<usize> {
    let mut owner: Vec<usize> = (0..buffers.len()).collect();
    for &(step, operand, result) in in_place {
        let operand = owner[operand];
        let (Some((first, last)), Some((made, until))) =
            (buffers[operand].life, buffers[result].life)
        else {
            continue;
        };
        let both_in_arena = buffers[operand].base.is_none() && buffers[result].base.is_none();
        if both_in_arena
            && owner[result] == result
            && operand != result
            && last == step
            && made == step
            && buffers[operand].bytes == buffers[result].bytes
        {
            owner[result] = operand;
            buffers[operand].life = Some((first, until));
            buffers[operand].name = format!("{}, {}", buffers[operand].name, buffers[result].name);
        }
    }
    owner
}

fn overlaps(a: &Buffer, b: &Buffer) -> bool {
    match (a.life, b.life) {
        (Some(a), Some(b)) => a.0 <= b.1 && b.0 <= a.1,
        _ => false,
    }
}

fn lowest_free(buffers: &[Buffer], offsets: &[usize], placed: &[usize], at: usize) -> usize {
    let mut taken: Vec<(usize, usize)> = placed
        .iter()
        .filter(|&&other| overlaps(&buffers[other], &buffers[at]))
        .map(|&other| {
            (
                offsets[other],
                offsets[other] + padded(buffers[other].bytes),
            )
        })
        .collect();
    taken.sort_unstable();
    let mut offset = 0;
    for (start, end) in taken {
        if offset + padded(buffers[at].bytes) <= start {
            break;
        }
        offset = offset.max(end);
    }
    offset
}

fn live_bound(buffers: &[Buffer], order: &[usize]) -> usize {
    let mut events: Vec<(usize, bool, usize)> = Vec::new();
    for &at in order {
        if let Some((first, last)) = buffers[at].life {
            events.push((first, true, buffers[at].bytes));
            events.push((last + 1, false, buffers[at].bytes));
        }
    }
    events.sort_unstable();
    let (mut live, mut most) = (0usize, 0usize);
    for (_, born, bytes) in events {
        live = if born { live + bytes } else { live - bytes };
        most = most.max(live);
    }
    most
}

/// Visits every address of a list of steps.
pub fn for_each_address(steps: &mut [Step], visit: &mut dyn FnMut(&mut Address)) {
    for step in steps {
        match step {
            Step::Kernel { arguments, .. } => arguments.iter_mut().for_each(&mut *visit),
            Step::Product {
                a,
                b,
                c,
                finish,
                terms,
                ..
            } => {
                [a, b, c].into_iter().for_each(&mut *visit);
                if let Some(terms) = terms {
                    for_each_address(std::slice::from_mut(terms), visit);
                }
                if let Some(finish) = finish {
                    for_each_address(&mut finish.members, visit);
                }
            }
            Step::Zero { at, .. } | Step::Turn { at } => visit(at),
            Step::Copy { from, to, .. } => [from, to].into_iter().for_each(&mut *visit),
            Step::Loop { body, .. } | Step::Group { members: body, .. } => {
                for_each_address(body, visit);
            }
        }
    }
}
