//! The checked way to run executables: on a [`Store`] of numbered slots.
use super::execute::{CheckFailure, Executable, Workspace};
use super::memory::{AlignedBytes, bytes_of};
use crate::base::data::Table;
use std::sync::Arc;

/// Numbered slots of bytes, each with memory of its own that never moves, or with a field of a table, which is only read.
#[derive(Debug, Default)]
pub struct Store {
    slots: Vec<Slot>,
}

#[derive(Debug)]
enum Slot {
    Own(AlignedBytes),
    /// The table and the position of the field in it.
    Field(Arc<Table>, usize),
}

impl Slot {
    fn bytes(&self) -> &[u8] {
        match self {
            Slot::Own(memory) => memory.bytes(),
            Slot::Field(table, field) => table
                .fields
                .get(*field)
                .map_or(&[], |(_, tensor)| bytes_of(tensor.elements())),
        }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Slot::Own(memory) => memory.bytes_mut(),
            Slot::Field(..) => &mut [],
        }
    }
}

impl Store {
    /// Zeroed slots of these sizes in bytes.
    pub fn zeroed(sizes: impl IntoIterator<Item = usize>) -> Store {
        Store {
            slots: sizes
                .into_iter()
                .map(|size| Slot::Own(AlignedBytes::zeroed(size)))
                .collect(),
        }
    }

    /// Makes a slot a view of a field of a table, which calls may read and nobody may write. Says whether both are there.
    pub fn lend(&mut self, slot: usize, table: &Arc<Table>, field: &str) -> bool {
        let position = table.fields.iter().position(|(name, _)| name == field);
        match (self.slots.get_mut(slot), position) {
            (Some(place), Some(position)) => {
                *place = Slot::Field(table.clone(), position);
                true
            }
            (_, _) => false,
        }
    }

    /// The bytes of a slot with memory of its own; none for a lent field.
    pub fn own_bytes(&self, slot: usize) -> &[u8] {
        match self.slots.get(slot) {
            Some(Slot::Own(memory)) => memory.bytes(),
            Some(Slot::Field(..)) | None => &[],
        }
    }

    /// Number of slots.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is no slot.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The bytes of a slot; none for a slot that is not there.
    pub fn bytes(&self, slot: usize) -> &[u8] {
        self.slots.get(slot).map_or(&[], Slot::bytes)
    }

    /// The bytes of a slot, to be changed; none for a slot that is not there or a lent field.
    pub fn bytes_mut(&mut self, slot: usize) -> &mut [u8] {
        self.slots.get_mut(slot).map_or(&mut [], Slot::bytes_mut)
    }

    /// Copies the bytes of one slot to another of the same size.
    pub fn copy(&mut self, from: usize, to: usize) {
        if let Ok([from, to]) = self.slots.get_disjoint_mut([from, to])
            && from.bytes().len() == to.bytes().len()
            && matches!(to, Slot::Own(_))
        {
            to.bytes_mut().copy_from_slice(from.bytes());
        }
    }

    /// Bytes of all slots with memory of their own together.
    pub fn total_bytes(&self) -> usize {
        let own = self.slots.iter().map(|slot| match slot {
            Slot::Own(memory) => memory.len(),
            Slot::Field(..) => 0,
        });
        own.sum()
    }
}

/// An executable with the slots that its inputs and outputs are.
#[derive(Clone)]
pub struct Call {
    executable: Arc<Executable>,
    inputs: Vec<(usize, usize)>,
    outputs: Vec<(usize, usize)>,
}

/// What runs of calls work on; one run at a time.
#[derive(Debug)]
pub struct CallSpace {
    workspace: Workspace,
    inputs: Pointers,
    outputs: Pointers,
}

#[derive(Debug, Default)]
struct Pointers(Vec<*mut u8>);

// SAFETY: the pointers are only read within `Call::run`, which fills them anew.
unsafe impl Send for Pointers {}

impl Call {
    /// Binds an executable to slots: pairs of slot and size in bytes, one for each input and output of the graph. `aliases` are those that
    /// the graph was lowered with.
    ///
    /// # Errors
    /// A fault of the compiler: a slot written twice, or an output in the place of an input that the graph was not lowered for.
    pub fn new(
        executable: Arc<Executable>,
        inputs: Vec<(usize, usize)>,
        outputs: Vec<(usize, usize)>,
        aliases: &[Option<u32>],
    ) -> Result<Call, String> {
        for (at, output) in outputs.iter().enumerate() {
            if outputs[..at].iter().any(|other| other.0 == output.0) {
                return Err(format!("slot {} is written twice by one graph", output.0));
            }
            let alias = aliases.get(at).copied().flatten();
            let shared = (0..inputs.len()).filter(|&input| inputs[input].0 == output.0);
            for input in shared {
                if alias != Some(input as u32) {
                    return Err(format!(
                        "slot {} is read and updated by one graph that was not lowered for it",
                        output.0
                    ));
                }
            }
        }
        Ok(Call {
            executable,
            inputs,
            outputs,
        })
    }

    /// What it runs.
    pub fn executable(&self) -> &Arc<Executable> {
        &self.executable
    }

    /// Runs it once.
    ///
    /// # Errors
    /// The first index check that failed.
    ///
    /// # Panics
    /// Where the space was not made for this call: a fault of the compiler that must not reach memory.
    pub fn run(&self, store: &mut Store, space: &mut CallSpace) -> Result<(), CheckFailure> {
        assert!(
            space.workspace.fits(&self.executable),
            "the workspace is too small for this call"
        );
        space.inputs.0.clear();
        for &(slot, bytes) in &self.inputs {
            space.inputs.0.push(match &store.slots[slot] {
                Slot::Own(memory) => sized(memory.len(), bytes, memory.pointer()),
                field @ Slot::Field(..) => {
                    let view = field.bytes();
                    sized(view.len(), bytes, view.as_ptr().cast_mut())
                }
            });
        }
        space.outputs.0.clear();
        for &(slot, bytes) in &self.outputs {
            let Slot::Own(memory) = &store.slots[slot] else {
                panic!("slot {slot} is a field of a data set and is written");
            };
            space
                .outputs
                .0
                .push(sized(memory.len(), bytes, memory.pointer()));
        }
        // SAFETY: one pointer per input and output, each to a slot of the size given; the store is borrowed exclusively and slots do not
        // overlap; a lent field is an input only, and inputs that are no outputs are not written; `new` has checked that an output shares
        // an input's slot only by an alias. The workspace is large enough, by `fits`.
        unsafe {
            self.executable
                .run(&space.inputs.0, &space.outputs.0, &mut space.workspace)
        }
    }
}

/// The pointer of a slot.
///
/// # Panics
/// Where the slot is smaller than the value that it is to hold: a fault of the compiler that must not reach memory.
fn sized(length: usize, wanted: usize, pointer: *mut u8) -> *mut u8 {
    assert!(length >= wanted, "a slot is too small for its value");
    pointer
}

impl CallSpace {
    /// Memory large enough for each of these calls, one at a time.
    pub fn for_calls<'a>(calls: impl IntoIterator<Item = &'a Call>) -> CallSpace {
        CallSpace {
            workspace: Workspace::for_all(calls.into_iter().map(|call| &*call.executable)),
            inputs: Pointers::default(),
            outputs: Pointers::default(),
        }
    }
}
