//! Groups of kernels that walk the same rows: run block of rows after block, so that what one kernel writes the next one finds in the cache.
//!
//! A group is a run of neighbouring kernels in which every buffer that a member writes is read and written by all members row by row: at
//! row `p` only within part `p` of it. Then any block of rows may go through all members before the next block starts, and blocks may run on
//! different threads, with the same bits. An optimiser's step reads its gradient, weight and state once instead of once for each result;
//! the gates of a recurrence and the sweeps of a softmax stay in the first cache. The kernels themselves are compiled as ever.
//!
//! Kernels of different ranges join where one range is a multiple of the other: the flat walk of a matrix is `columns` positions a row.
use super::place::buffer_of;
use crate::kir::schedule::{Address, Step};
use crate::kir::{Kernel, Nest};
use crate::tir::Affine;
use rustc_hash::FxHashMap;

/// Bytes that the rows of one block touch, about: well within a second-level cache, mostly within a first-level one. Checked builds cut
/// small tensors too, so that every test exercises the order of blocks.
const BLOCK_BYTES: usize = if cfg!(debug_assertions) {
    192
} else {
    32 << 10
};
/// Scalar operations of one block, at least: calls of compiled kernels cost some nanoseconds each.
const BLOCK_WORK: usize = if cfg!(debug_assertions) { 8 } else { 2000 };
/// Rows of a block, at least: kernels whose vectors lie along the rows need some.
const BLOCK_ROWS: usize = if cfg!(debug_assertions) { 1 } else { 16 };
/// Arguments of all members of a group together.
const MOST_ARGUMENTS: usize = 96;
/// Rows below which kernels of different ranges do not join: too few to share among threads.
const FEWEST_ROWS: usize = 16;

/// What memory an access means: a buffer (with what shares its memory), where the loops around move it, and its turn's half.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Object {
    pub(super) buffer: usize,
    pub(super) moves: Vec<(usize, isize)>,
    pub(super) half: Option<(usize, usize, usize)>,
}

/// The bytes that position `p` of a kernel touches in an object: `low + p * stride .. high + p * stride`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Footprint {
    pub(super) low: i64,
    pub(super) high: i64,
    pub(super) stride: i64,
}

/// What a member does to an object.
#[derive(Debug, Clone)]
pub(super) struct Touch {
    pub(super) object: Object,
    /// `None`: anywhere.
    pub(super) at: Option<Footprint>,
    pub(super) writes: bool,
}

/// A kernel that may join a group.
pub(super) struct Member {
    pub(super) range: usize,
    pub(super) work: usize,
    pub(super) arguments: usize,
    pub(super) checks: bool,
    pub(super) touches: Vec<Touch>,
}

/// Forms the groups of a list of steps and of the loops in it. `same` maps a buffer to the one that stands for its memory. Gives the first
/// and last step number of each group, numbers as buffers' lives count them.
pub fn form(
    steps: &mut Vec<Step>,
    kernels: &[Kernel],
    same: &dyn Fn(usize) -> usize,
) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    form_from(steps, kernels, same, &mut 0, &mut spans);
    spans
}

fn form_from(
    steps: &mut Vec<Step>,
    kernels: &[Kernel],
    same: &dyn Fn(usize) -> usize,
    now: &mut usize,
    spans: &mut Vec<(usize, usize)>,
) {
    let mut formed: Vec<Step> = Vec::with_capacity(steps.len());
    let mut open = Open::default();
    for mut step in steps.drain(..) {
        if let Step::Loop { body, .. } = &mut step {
            *now += 1;
            form_from(body, kernels, same, now, spans);
        }
        if let Step::Product {
            finish: Some(finish),
            ..
        } = &step
        {
            *now += finish.members.len();
        }
        match member(&step, kernels, same) {
            Some(member) if open.takes(&member) => open.push(member, step, *now),
            found => {
                open.close(&mut formed, spans);
                match found {
                    Some(member) => open.push(member, step, *now),
                    None => formed.push(step),
                }
            }
        }
        *now += 1;
    }
    open.close(&mut formed, spans);
    *steps = formed;
}

/// A group being formed.
#[derive(Default)]
struct Open {
    members: Vec<Member>,
    steps: Vec<Step>,
    first: usize,
    last: usize,
}

impl Open {
    fn rows(&self) -> usize {
        self.members
            .iter()
            .map(|member| member.range)
            .min()
            .unwrap_or(0)
    }

    fn push(&mut self, member: Member, step: Step, now: usize) {
        if self.members.is_empty() {
            self.first = now;
        }
        self.last = now;
        self.members.push(member);
        self.steps.push(step);
    }

    /// Whether the group stays one with this member.
    fn takes(&self, new: &Member) -> bool {
        let Some(last) = self.members.last() else {
            return true;
        };
        let rows = self.rows().min(new.range);
        let all = || self.members.iter().chain([new]);
        let ranges_fit = all().all(|member| member.range.is_multiple_of(rows.max(1)))
            && rows > 1
            && (rows >= FEWEST_ROWS || all().all(|member| member.range == rows));
        let arguments: usize = all().map(|member| member.arguments).sum();
        let related = new.touches.iter().any(|touch| {
            let mut others = self.members.iter().flat_map(|member| &member.touches);
            others.any(|other| other.object.buffer == touch.object.buffer)
        });
        ranges_fit
            && related
            && !last.checks
            && arguments <= MOST_ARGUMENTS
            && keeps_to_rows(&all().collect::<Vec<_>>(), rows)
    }

    fn close(&mut self, formed: &mut Vec<Step>, spans: &mut Vec<(usize, usize)>) {
        if self.members.len() < 2 {
            formed.append(&mut self.steps);
        } else {
            let rows = self.rows();
            spans.push((self.first, self.last));
            formed.push(Step::Group {
                rows,
                block: block(&self.members, rows),
                members: std::mem::take(&mut self.steps),
            });
        }
        *self = Open::default();
    }
}

/// Rows of a block.
fn block(members: &[Member], rows: usize) -> usize {
    let mut bytes: FxHashMap<(&Object, i64), i64> = FxHashMap::default();
    let mut work = 0;
    for member in members {
        let ratio = (member.range / rows) as i64;
        work += member.work * member.range / rows;
        for touch in &member.touches {
            if let Some(at) = touch.at.filter(|at| at.stride > 0) {
                let entry = bytes.entry((&touch.object, at.low)).or_default();
                *entry = (*entry).max(at.stride * ratio);
            }
        }
    }
    let bytes = bytes.values().sum::<i64>().max(1) as usize;
    (BLOCK_BYTES / bytes)
        .max(BLOCK_WORK.div_ceil(work.max(1)))
        .max(BLOCK_ROWS)
        .clamp(1, rows)
}

/// Whether every buffer that a member writes is touched by all members row by row.
pub(super) fn keeps_to_rows(members: &[&Member], rows: usize) -> bool {
    let touches = || {
        members.iter().flat_map(|member| {
            let ratio = (member.range / rows) as i64;
            member.touches.iter().map(move |touch| (touch, ratio))
        })
    };
    touches()
        .filter(|(touch, _)| touch.writes)
        .all(|(written, ratio)| {
            let Some(at) = written.at else { return false };
            let stride = at.stride * ratio;
            let row = |at: Footprint, ratio: i64| (at.low, at.high + (ratio - 1) * at.stride);
            let (mut low, mut high) = row(at, ratio);
            for (touch, ratio) in touches() {
                if touch.object.buffer != written.object.buffer {
                    continue;
                }
                let Some(at) = touch.at else { return false };
                if touch.object != written.object {
                    if apart(&touch.object, &written.object, at, ratio, rows) {
                        continue;
                    }
                    return false;
                }
                if at.stride * ratio != stride {
                    return false;
                }
                let (from, to) = row(at, ratio);
                (low, high) = (low.min(from), high.max(to));
            }
            stride > 0 && high - low <= stride
        })
}

/// Whether an access stays in the other half of a pair of buffers that loops take in turns.
fn apart(touched: &Object, written: &Object, at: Footprint, ratio: i64, rows: usize) -> bool {
    let (Some((a, bytes, phase)), Some((b, other_bytes, other))) = (touched.half, written.half)
    else {
        return false;
    };
    let end = at.high + at.stride * (rows as i64 * ratio - 1);
    touched.moves == written.moves
        && (a, bytes) == (b, other_bytes)
        && phase % 2 != other % 2
        && at.low >= 0
        && at.stride >= 0
        && end <= bytes as i64
}

pub(super) fn member(
    step: &Step,
    kernels: &[Kernel],
    same: &dyn Fn(usize) -> usize,
) -> Option<Member> {
    let Step::Kernel {
        kernel,
        arguments,
        outer,
        work,
        checks,
        ..
    } = step
    else {
        return None;
    };
    let kernel = &kernels[*kernel];
    let [nest] = kernel.nests.as_slice() else {
        return None;
    };
    if kernel.outer == 0 || nest.store.accumulate {
        return None;
    }
    let mut touches = Vec::new();
    for access in &nest.accesses {
        let plain = access.gathers.is_empty();
        touches.push(touch(
            kernel,
            nest,
            arguments,
            access.buffer,
            (&access.offset, plain),
            same,
        )?);
    }
    let store = &nest.store;
    let plain = store.gathers.is_empty();
    let mut stored = touch(
        kernel,
        nest,
        arguments,
        store.buffer,
        (&store.offset, plain),
        same,
    )?;
    stored.writes = true;
    touches.push(stored);
    Some(Member {
        range: *outer,
        work: *work,
        arguments: arguments.len(),
        checks: *checks,
        touches,
    })
}

fn touch(
    kernel: &Kernel,
    nest: &Nest,
    arguments: &[Address],
    buffer: u32,
    (offset, plain): (&Affine, bool),
    same: &dyn Fn(usize) -> usize,
) -> Option<Touch> {
    let address = arguments.get(buffer as usize)?;
    let size = kernel.buffers.get(buffer as usize)?.size() as i64;
    Some(Touch {
        object: Object {
            buffer: same(buffer_of(address)?),
            moves: address.moves.clone(),
            half: address.alternates,
        },
        at: footprint(nest, kernel.outer, offset)
            .filter(|_| plain)
            .map(|at| Footprint {
                low: at.low * size + address.offset as i64,
                high: (at.high + 1) * size + address.offset as i64,
                stride: at.stride * size,
            }),
        writes: false,
    })
}

/// What position `p` of the outer indices touches, in elements; `None` where rows do not follow one another evenly.
fn footprint(nest: &Nest, outer: usize, offset: &Affine) -> Option<Footprint> {
    if offset.divisor() != 1 {
        return None;
    }
    let mut stride = None;
    let mut positions = 1;
    for index in (0..outer).rev() {
        let extent = *nest.free.get(index)? as i64;
        if extent != 1 {
            let step = offset.coefficient(index);
            match stride {
                None if step % positions == 0 => stride = Some(step / positions),
                Some(stride) if stride * positions == step => {}
                None | Some(_) => return None,
            }
        }
        positions *= extent;
    }
    let inner = Affine::new(
        offset.offset(),
        offset.terms().filter(|(index, _)| *index >= outer),
    );
    let extents: Vec<usize> = nest.free.iter().chain(&nest.reduce).copied().collect();
    let (low, high) = inner.range(&extents);
    Some(Footprint {
        low,
        high,
        stride: stride.unwrap_or(0),
    })
}
