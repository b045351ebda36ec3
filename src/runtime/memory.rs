//! Memory that kernels work on.
use crate::base::tensor::Elements;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;

/// Zeroed bytes aligned to a cache line. Kernels reach it through raw pointers; Rust code reads and writes it through slices.
#[derive(Debug)]
pub struct AlignedBytes {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: it owns its memory, like a `Vec<u8>`.
unsafe impl Send for AlignedBytes {}
// SAFETY: a shared reference gives only shared slices and the raw pointer, whose use is `unsafe` with its own contract.
unsafe impl Sync for AlignedBytes {}

const ALIGNMENT: usize = 64;

impl AlignedBytes {
    /// That many zero bytes.
    pub fn zeroed(length: usize) -> AlignedBytes {
        let Some(layout) = layout(length) else {
            return AlignedBytes {
                start: NonNull::dangling(),
                length: 0,
            };
        };
        // SAFETY: the layout has a size above 0.
        let start = unsafe { alloc_zeroed(layout) };
        match NonNull::new(start) {
            Some(start) => AlignedBytes { start, length },
            None => handle_alloc_error(layout),
        }
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Where they start.
    pub fn pointer(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: `start` owns `length` initialised bytes (or is dangling with length 0); a kernel writes them only while the caller of
        // `Executable::run` guarantees that nobody else looks.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }

    /// The bytes, to be changed.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

/// The elements of a tensor as bytes.
pub fn bytes_of(elements: &Elements) -> &[u8] {
    fn raw<T: Copy>(values: &[T]) -> &[u8] {
        // SAFETY: called for plain numbers only, which have no padding; the slice's memory is initialised and as long as that.
        unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), std::mem::size_of_val(values)) }
    }
    match elements {
        Elements::F32(values) => raw(values),
        Elements::F64(values) => raw(values),
        Elements::I32(values) => raw(values),
        Elements::Bool(values) | Elements::U8(values) => values,
    }
}

fn layout(length: usize) -> Option<Layout> {
    if length == 0 {
        None
    } else {
        Layout::from_size_align(length, ALIGNMENT).ok()
    }
}

impl Drop for AlignedBytes {
    fn drop(&mut self) {
        if let Some(layout) = layout(self.length) {
            // SAFETY: allocated in `zeroed` with this layout.
            unsafe { dealloc(self.start.as_ptr(), layout) }
        }
    }
}

/// Bytes of memory that this process could ever have: the machine's memory and swap, or the limit of its control group or address space
/// where that is less. `None` where the system does not say.
pub fn available_bytes() -> Option<usize> {
    let field = |path: &str, name: &str, place: usize| -> Option<usize> {
        let text = std::fs::read_to_string(path).ok()?;
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.strip_prefix(name)?
            .split_whitespace()
            .nth(place)?
            .parse()
            .ok()
    };
    let memory = field("/proc/meminfo", "MemTotal:", 0)
        .map(|kilobytes: usize| kilobytes.saturating_mul(1024));
    let swap = field("/proc/meminfo", "SwapTotal:", 0)
        .map_or(0, |kilobytes: usize| kilobytes.saturating_mul(1024));
    let machine = memory.map(|memory| memory.saturating_add(swap));
    let space = field("/proc/self/limits", "Max address space", 0);
    let group = field("/sys/fs/cgroup/memory.max", "", 0);
    [machine, space, group].into_iter().flatten().min()
}
