//! Runs of calls with nothing looked up between two of them: where numbers and the calls' memory lie is found once.
use super::beat::{Beat, BeatCells};
use super::call::{Call, CallSpace, Store};
use super::execute::{CheckFailure, Executable, KernelFunction, failure};
use crate::base::types::DType;
use crate::kir::STATUS_FINE;
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Places in a store and bindings in a space, which hold as long as neither changes its memory.
pub struct Wiring {
    store: u64,
    space: u64,
    cells: Vec<Place>,
    /// With what keeps its code.
    ties: Vec<(Arc<Executable>, Option<Solo>)>,
}

/// A number in a slot, of the [`Wiring`] that found it.
#[derive(Debug, Clone, Copy)]
pub struct Cell(usize);

/// A call's binding, of the [`Wiring`] that found it.
#[derive(Debug, Clone, Copy)]
pub struct Tie(usize);

/// Where a number lies.
#[derive(Debug, Clone, Copy)]
enum Place {
    F32(*mut f32),
    F64(*mut f64),
    I32(*mut i32),
    Bool(*mut u8),
    U8(*mut u8),
}

/// How runs of a call on one thread are done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Solo {
    /// Its place among the space's bindings.
    pub(super) binding: usize,
    /// The one kernel that it is, where it is no more.
    pub(super) lone: Option<Lone>,
}

/// A call that is a single kernel, done whole by one thread.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lone {
    pub(super) function: KernelFunction,
    pub(super) arguments: *const *mut u8,
    pub(super) outer: i64,
    pub(super) checks: bool,
}

// SAFETY: the pointers are used only in `Runs`, which borrows the store and the space that they point into.
unsafe impl Send for Wiring {}
// SAFETY: as above.
unsafe impl Sync for Wiring {}

impl Wiring {
    /// Nothing found yet.
    pub fn new(store: &Store, space: &CallSpace) -> Wiring {
        Wiring {
            store: store.identity(),
            space: space.identity(),
            cells: Vec::new(),
            ties: Vec::new(),
        }
    }

    /// The number that is the first element of a slot; `None` where the slot is lent or too small, or is of another store.
    pub fn cell(&mut self, store: &mut Store, slot: usize, dtype: DType) -> Option<Cell> {
        if store.identity() != self.store {
            return None;
        }
        let memory = store.memory(slot)?;
        if memory.len() < dtype.size() {
            return None;
        }
        let pointer = memory.pointer();
        self.cells.push(match dtype {
            DType::F32 => Place::F32(pointer.cast()),
            DType::F64 => Place::F64(pointer.cast()),
            DType::I32 => Place::I32(pointer.cast()),
            DType::Bool => Place::Bool(pointer),
            DType::U8 => Place::U8(pointer),
        });
        Some(Cell(self.cells.len() - 1))
    }

    /// Binds calls. What was found before holds no longer.
    pub fn tie<'a>(
        &mut self,
        calls: impl Iterator<Item = &'a Call>,
        store: &Store,
        space: &mut CallSpace,
    ) -> Vec<Tie> {
        self.cells.clear();
        self.ties.clear();
        let tie = |call: &Call| {
            let solo = call.solo(store, space);
            self.ties.push((call.executable().clone(), solo));
            Tie(self.ties.len() - 1)
        };
        let ties = calls.map(tie).collect();
        (self.store, self.space) = (store.identity(), space.identity());
        ties
    }

    /// A loop of runs with these numbers; `None` where the call's steps are shared among threads, or a number has another type or too
    /// little room.
    pub fn beat(&self, store: &mut Store, cells: &BeatCells) -> Option<Beat> {
        let (executable, solo) = self.ties.get(cells.tie.0)?;
        let place = |cell: Cell| self.cells.get(cell.0).copied();
        let Place::F32(loss) = place(cells.loss)? else {
            return None;
        };
        if store.identity() != self.store {
            return None;
        }
        let (rows, size) = cells.rows;
        let rows = store
            .memory(rows)
            .filter(|memory| memory.len() / 4 >= size)?;
        let mut beat = Beat {
            store: self.store,
            space: self.space,
            solo: (*solo)?,
            executable: executable.clone(),
            rows: rows.pointer().cast(),
            size,
            adds: SmallVec::new(),
            counts: SmallVec::new(),
            loss,
        };
        for &(into, value, weight) in &cells.adds {
            match (place(into)?, place(value)?) {
                (Place::F64(into), Place::F32(value)) => beat.adds.push((into, value, weight)),
                (_, _) => return None,
            }
        }
        for &(count, by) in &cells.counts {
            match place(count)? {
                Place::I32(count) => beat.counts.push((count, by)),
                _ => return None,
            }
        }
        Some(beat)
    }

    /// Whether what was found holds.
    pub fn holds(&self, store: &Store, space: &CallSpace) -> bool {
        self.store == store.identity() && self.space == space.identity()
    }

    /// Runs of what was found; `None` where it holds no longer.
    pub fn runs<'a>(&'a self, store: &'a mut Store, space: &'a mut CallSpace) -> Option<Runs<'a>> {
        self.holds(store, space).then_some(Runs {
            store,
            space,
            cells: &self.cells,
            ties: &self.ties,
        })
    }
}

/// Calls run one after another, and the numbers between them.
pub struct Runs<'a> {
    // Nobody else changes them meanwhile, and what is done with them here leaves each slot its memory.
    store: &'a mut Store,
    space: &'a mut CallSpace,
    cells: &'a [Place],
    ties: &'a [(Arc<Executable>, Option<Solo>)],
}

impl Runs<'_> {
    /// Runs a call once; `tie` is that of the same call.
    ///
    /// # Errors
    /// The first index check that failed.
    #[inline]
    pub fn run(&mut self, call: &Call, tie: Tie) -> Result<(), CheckFailure> {
        match self.ties[tie.0].1.and_then(|solo| solo.lone) {
            Some(lone) => {
                let status = self.space.status();
                status.store(STATUS_FINE, Ordering::Relaxed);
                // SAFETY: the binding that it is of still stands, since neither store nor space has changed, and so does the code: the
                // arguments are pointers to memory as large as the kernel was compiled for, which is borrowed exclusively.
                unsafe { (lone.function)(lone.arguments, 0, lone.outer, status) };
                if lone.checks { failure(status) } else { Ok(()) }
            }
            None => call.run(self.store, self.space),
        }
    }

    /// Whether what was found in that store and space holds here.
    pub(super) fn are_of(&self, store: u64, space: u64) -> bool {
        store == self.store.identity() && space == self.space.identity()
    }

    pub(super) fn space(&self) -> &CallSpace {
        self.space
    }

    /// The bytes of a slot, to be changed, as [`Store::bytes_mut`].
    pub fn bytes_mut(&mut self, slot: usize) -> &mut [u8] {
        self.store.bytes_mut(slot)
    }

    /// Copies a slot, as [`Store::copy`].
    pub fn copy(&mut self, from: usize, to: usize) {
        self.store.copy(from, to);
    }

    /// What a cell holds.
    #[inline]
    pub fn number(&self, cell: Cell) -> f64 {
        // SAFETY: `Wiring::cell` made the place, and the store has had the same memory since: it lies at the start of a slot as large as the
        // number, aligned to a cache line, and nothing else touches it while the store is borrowed here; any bits are a number.
        unsafe {
            match self.cells[cell.0] {
                Place::F32(at) => f64::from(*at),
                Place::F64(at) => *at,
                Place::I32(at) => f64::from(*at),
                Place::Bool(at) | Place::U8(at) => f64::from(*at),
            }
        }
    }

    /// Sets a cell, rounded to its type.
    #[inline]
    pub fn set(&mut self, cell: Cell, value: f64) {
        // SAFETY: as in `number`.
        unsafe {
            match self.cells[cell.0] {
                Place::F32(at) => *at = value as f32,
                Place::F64(at) => *at = value,
                Place::I32(at) => *at = value as i32,
                Place::Bool(at) => *at = u8::from(value != 0.0),
                Place::U8(at) => *at = value as u8,
            }
        }
    }

    /// `into += weight · value`, in doubles.
    #[inline]
    pub fn add(&mut self, into: Cell, value: Cell, weight: f64) {
        match (self.cells[into.0], self.cells[value.0]) {
            // SAFETY: as in `number`.
            (Place::F64(into), Place::F32(value)) => unsafe {
                *into += f64::from(*value) * weight;
            },
            (_, _) => self.set(into, self.number(into) + self.number(value) * weight),
        }
    }

    /// Adds to an integer's cell, around the end of its range; to another as to its value cut to an integer.
    #[inline]
    pub fn count(&mut self, cell: Cell, by: i32) {
        match self.cells[cell.0] {
            // SAFETY: as in `number`.
            Place::I32(at) => unsafe { *at = (*at).wrapping_add(by) },
            Place::F32(_) | Place::F64(_) | Place::Bool(_) | Place::U8(_) => {
                let sum = (self.number(cell) as i32).wrapping_add(by);
                self.set(cell, f64::from(sum));
            }
        }
    }
}
