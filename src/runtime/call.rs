//! The checked way to run executables: on a [`Store`] of numbered slots.
use super::execute::{CheckFailure, Executable, Workspace};
use super::memory::AlignedBytes;
use std::sync::Arc;

/// Numbered slots of bytes, each with memory of its own that never moves.
#[derive(Debug, Default)]
pub struct Store {
    slots: Vec<AlignedBytes>,
}

impl Store {
    /// Zeroed slots of these sizes in bytes.
    pub fn zeroed(sizes: impl IntoIterator<Item = usize>) -> Store {
        Store {
            slots: sizes.into_iter().map(AlignedBytes::zeroed).collect(),
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
        self.slots.get(slot).map_or(&[], AlignedBytes::bytes)
    }

    /// The bytes of a slot, to be changed; none for a slot that is not there.
    pub fn bytes_mut(&mut self, slot: usize) -> &mut [u8] {
        self.slots
            .get_mut(slot)
            .map_or(&mut [], AlignedBytes::bytes_mut)
    }

    /// Copies the bytes of one slot to another of the same size.
    pub fn copy(&mut self, from: usize, to: usize) {
        if let Ok([from, to]) = self.slots.get_disjoint_mut([from, to])
            && from.len() == to.len()
        {
            to.bytes_mut().copy_from_slice(from.bytes());
        }
    }

    /// Bytes of all slots together.
    pub fn total_bytes(&self) -> usize {
        self.slots.iter().map(AlignedBytes::len).sum()
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
        fill(&mut space.inputs, &self.inputs, store);
        fill(&mut space.outputs, &self.outputs, store);
        // SAFETY: one pointer per input and output, each to a slot of the size given; the store is borrowed exclusively and slots do not
        // overlap; `new` has checked that an output shares an input's slot only by an alias. The workspace is large enough, by `fits`.
        unsafe {
            self.executable
                .run(&space.inputs.0, &space.outputs.0, &mut space.workspace)
        }
    }
}

/// The pointers of slots.
///
/// # Panics
/// Where a slot is smaller than the value that it is to hold: a fault of the compiler that must not reach memory.
fn fill(pointers: &mut Pointers, slots: &[(usize, usize)], store: &mut Store) {
    pointers.0.clear();
    for &(slot, bytes) in slots {
        let memory = &store.slots[slot];
        assert!(
            memory.len() >= bytes,
            "slot {slot} is too small for its value"
        );
        pointers.0.push(memory.pointer());
    }
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
