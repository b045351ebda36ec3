//! A stack that is deep enough for any program within the limits.
use std::panic::resume_unwind;
use std::thread::{Builder, scope};

/// Bytes of it. Calls within each other, each with expressions within each other, take up to a hundred million; what is not touched takes no memory.
const BYTES: usize = 512 << 20;

/// Does work on a thread of its own, which has such a stack. A panic goes on here.
///
/// # Errors
/// A system that gives no such thread.
pub fn deep<T: Send>(work: impl FnOnce() -> T + Send) -> std::io::Result<T> {
    scope(|scope| {
        let thread = Builder::new().stack_size(BYTES).spawn_scoped(scope, work)?;
        thread.join().or_else(|payload| resume_unwind(payload))
    })
}
