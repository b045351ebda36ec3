//! Walking a data set in batches.
use super::error::RunError;
use super::values;
use crate::base::data::Table;
use crate::base::philox::permute;
use crate::base::source::Span;
use crate::base::types::DType;
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
