#!/bin/sh
# The library's tests with the address sanitizer, which notices reads and writes outside of what was allocated, use after free, and leaks.
# Code that the compiler makes is not instrumented, what it is called with and by is. Needs a nightly toolchain; ten minutes on two cores.
set -eu
cd "$(dirname "$0")/.."
target=$(rustc +nightly -vV | sed -n 's/^host: //p')
export RUSTFLAGS=-Zsanitizer=address CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target-sanitize}"
cargo +nightly test --target "$target" --lib "$@"
