//! Walking a data set in batches.
use super::error::RunError;
use super::refused::{no_field, no_iterator};
use super::values;
use crate::base::data::Table;
use crate::base::philox::permute;
use crate::base::source::Span;
use crate::base::types::DType;
use crate::check::program::{Instr, Program};
use crate::runtime::Runs;
use std::sync::Arc;

/// What a walk is a function of: with the position it is the whole state of an iterator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walk {
    /// Position of the data set in the program.
    pub data: usize,
    /// Position of the part in the data set.
    pub part: usize,
    /// Seed and epoch of the order; `None`: as stored.
    pub shuffle: Option<(u64, u64)>,
    /// Rows already given.
    pub position: usize,
}

/// A walk over the rows of a table.
#[derive(Debug, Clone)]
pub struct Batches {
    /// Where it is.
    pub walk: Walk,
    table: Arc<Table>,
    order: Option<Vec<u32>>,
}

impl Batches {
    /// A walk of a table, from its position on.
    pub fn new(walk: Walk, table: Arc<Table>) -> Batches {
        Batches::again(walk, table, None)
    }

    /// The same in the memory of a walk that is over.
    pub fn again(walk: Walk, table: Arc<Table>, over: Option<Batches>) -> Batches {
        let mut order = over.and_then(|over| over.order);
        match walk.shuffle {
            Some((seed, epoch)) => {
                let order = order.get_or_insert_default();
                permute(order, table.rows() as u32, seed, epoch);
            }
            None => order = None,
        }
        Batches { walk, table, order }
    }

    /// The positions of the rows that are left, where they are in another order than stored.
    pub fn left(&self) -> Option<&[u32]> {
        self.order.as_deref()?.get(self.walk.position..)
    }

    /// The positions of the next `size` rows; `None` where fewer are left.
    pub fn next(&mut self, size: usize) -> Option<Rows<'_>> {
        let begin = self.walk.position;
        let end = begin.checked_add(size)?;
        if size == 0 || end > self.table.rows() {
            return None;
        }
        self.walk.position = end;
        Some(Rows {
            table: &self.table,
            order: self.order.as_deref(),
            begin,
        })
    }
}

/// Starts the walk of an [`Instr::OpenBatches`].
///
/// # Errors
/// A data set, part or iterator that is not there: a fault of the compiler.
pub(super) fn open(
    instr: &Instr,
    program: &Program,
    epoch: u64,
    iterators: &mut [Option<Batches>],
) -> Result<(), RunError> {
    let Instr::OpenBatches {
        iterator,
        data,
        part,
        shuffle,
        epoch: _,
    } = instr
    else {
        return Ok(());
    };
    let set = program.data.get(*data);
    let mut parts = set.iter().flat_map(|set| set.parts.iter().enumerate());
    let found = parts.find(|(_, (name, _))| name == part);
    let (number, (_, table)) = found.ok_or_else(|| no_field(*data, part, ""))?;
    let place = iterators.get_mut(*iterator);
    let place = place.ok_or_else(|| no_iterator(*iterator))?;
    let walk = Walk {
        data: *data,
        part: number,
        shuffle: shuffle.map(|seed| (seed, epoch)),
        position: 0,
    };
    *place = Some(Batches::again(walk, table.clone(), place.take()));
    Ok(())
}

/// Takes the next batch of an [`Instr::NextBatch`]; where fewer rows are left, says where the plan goes on.
///
/// # Errors
/// As for [`Rows::copy`], and an iterator that is not open: a fault of the compiler.
pub(super) fn take(
    instr: &Instr,
    program: &Program,
    iterators: &mut [Option<Batches>],
    runs: &mut Runs<'_>,
) -> Result<Option<usize>, RunError> {
    let Instr::NextBatch {
        iterator,
        size,
        rows: positions,
        fields,
        otherwise,
    } = instr
    else {
        return Ok(None);
    };
    let batches = iterators.get_mut(*iterator).and_then(Option::as_mut);
    let batches = batches.ok_or_else(|| no_iterator(*iterator))?;
    let Some(rows) = batches.next(*size) else {
        return Ok(Some(*otherwise));
    };
    if let Some(slot) = positions {
        rows.positions(runs.bytes_mut(slot.0 as usize));
    }
    for (field, slot) in fields {
        let dtype = program.slot(*slot).ty.dtype;
        rows.copy(field, dtype, runs.bytes_mut(slot.0 as usize), *size)?;
    }
    Ok(None)
}

/// Rows of a table, in the order of a walk.
pub struct Rows<'a> {
    table: &'a Table,
    order: Option<&'a [u32]>,
    begin: usize,
}

impl Rows<'_> {
    /// Writes the positions of the rows, as many as the `i32` slot holds.
    pub fn positions(&self, slot: &mut [u8]) {
        let targets = slot.as_chunks_mut::<4>().0;
        match self.order {
            Some(order) => {
                for (target, at) in targets.iter_mut().zip(&order[self.begin..]) {
                    *target = at.to_ne_bytes();
                }
            }
            None => {
                for (target, at) in targets.iter_mut().zip(self.begin as u32..) {
                    *target = at.to_ne_bytes();
                }
            }
        }
    }

    /// Copies the rows of a field over a slot, as many as it holds.
    ///
    /// # Errors
    /// A field that is not there or does not fit: a fault of the compiler.
    pub fn copy(
        &self,
        field: &str,
        dtype: DType,
        slot: &mut [u8],
        size: usize,
    ) -> Result<(), RunError> {
        let fault = |why: &str| {
            RunError::fault("check", Span::default(), format!("{why}: field `{field}`"))
        };
        let tensor = self
            .table
            .field(field)
            .ok_or_else(|| fault("no such field"))?;
        let row: usize = tensor.shape().iter().skip(1).product();
        let bytes = row * dtype.size();
        if bytes * size != slot.len() {
            return Err(fault("a batch of another size than its slot"));
        }
        let elements = tensor.elements();
        let fits = match self.order {
            None => values::write(dtype, slot, elements, self.begin * row),
            Some(_) if bytes == 0 => true,
            Some(order) => slot
                .chunks_exact_mut(bytes)
                .zip(&order[self.begin..])
                .all(|(target, &at)| values::write(dtype, target, elements, at as usize * row)),
        };
        if fits {
            Ok(())
        } else {
            Err(fault("a batch of another type than its slot"))
        }
    }
}
