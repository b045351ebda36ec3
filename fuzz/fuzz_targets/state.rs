#![no_main]
#[path = "../../tests/support/state.rs"]
mod state;

use dlmc::Trainer;
use std::cell::RefCell;

thread_local! {
    static RUN: RefCell<(Trainer, Vec<u8>)> = RefCell::new(state::stopped());
}

libfuzzer_sys::fuzz_target!(|changes: &[u8]| {
    RUN.with_borrow_mut(|(trainer, state)| state::go_on_from(trainer, state, changes));
});
