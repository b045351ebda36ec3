#!/bin/sh
# What the compiler of the tests can see of memory and threads. Needs a nightly toolchain with `rust-src` and `miri`. In turn:
# - the library's tests with the address sanitizer: accesses outside of what was allocated, use after free, leaks. Machine code that dlmc
#   makes is not instrumented, what it is called with and by is;
# - the team of threads with the thread sanitizer: data races;
# - the team under Miri: undefined behaviour. It runs no machine code and no vector instructions.
# Each has a target folder of its own; `tests/sanitize.sh address` runs one of `address`, `thread`, `miri`.
set -eu
cd "$(dirname "$0")/.."
target=$(rustc +nightly -vV | sed -n 's/^host: //p')
folder=${CARGO_TARGET_DIR:-target}

address() {
    RUSTFLAGS=-Zsanitizer=address CARGO_TARGET_DIR=$folder-address cargo +nightly test --target "$target" --lib
}

# The standard library is instrumented too: what it does with memory between threads would be taken for races.
thread() {
    RUSTFLAGS=-Zsanitizer=thread CARGO_TARGET_DIR=$folder-thread \
        cargo +nightly test -Zbuild-std --target "$target" --lib runtime::team
}

# Threads of a pool keep memory for ever.
miri() {
    MIRIFLAGS="-Zmiri-disable-isolation -Zmiri-tree-borrows -Zmiri-ignore-leaks" CARGO_TARGET_DIR=$folder-miri \
        cargo +nightly miri test --lib runtime::team
}

for part in ${*:-address thread miri}; do
    "$part"
done
