#!/usr/bin/env bash
# Every measurement compiles and runs once; the figures themselves are in docs/BENCHMARKS.md.
source "$(dirname "$0")/../environment.sh"
# Without link-time optimisation: here only whether they run is asked.
export CARGO_PROFILE_BENCH_LTO=off CARGO_PROFILE_BENCH_CODEGEN_UNITS=16 CARGO_PROFILE_BENCH_DEBUG=false
cargo bench -p benches --benches -- --test
echo "note: every bench ran once"
