#!/bin/sh
# The tests that take long, in full: every example and 200 random programs pass by pass and bit by bit in every way, an engine under load,
# 1,000 compilations, five million steps, 100 killed runs, 3,000 random graphs. Allow an hour on two cores, building apart; most of it
# is examples at the baseline, whose plain tiles are slow.
set -eu
cd "$(dirname "$0")/.."
export DLMC_DEEP=1
cargo test --release --test pass_by_pass --test same_bits --test load --test memory
DLMC_KILLS=100 cargo test --release --test checkpoints
DLMC_RANDOM_GRAPHS=3000 cargo test --release --lib random_graphs
