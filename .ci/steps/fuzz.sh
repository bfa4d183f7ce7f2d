#!/usr/bin/env bash
# Every fuzz target for a short while, from its recorded corpus. FUZZ_SECONDS sets the time for each, 20 to 60 by default.
source "$(dirname "$0")/../environment.sh"
if ! cargo +nightly --version; then
  echo "error: fuzzing needs the nightly toolchain: rustup toolchain install nightly"
  exit 1
fi
export CARGO_TARGET_DIR="$CARGO_TARGET_DIR/fuzz"
# Built once and run for a minute: link-time optimisation would cost more than it gives.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
mapfile -t targets < <(cargo +nightly fuzz list --fuzz-dir fuzz)
if [ ${#targets[@]} -eq 0 ]; then
  echo "error: no fuzz target"
  exit 1
fi
seconds=${FUZZ_SECONDS:-$((240 / ${#targets[@]}))}
if [ -z "${FUZZ_SECONDS:-}" ]; then
  if [ "$seconds" -gt 60 ]; then seconds=60; fi
  if [ "$seconds" -lt 20 ]; then seconds=20; fi
fi
cargo +nightly fuzz build --fuzz-dir fuzz
found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT
for target in "${targets[@]}"; do
  mkdir -p "$found/$target" "fuzz/corpus/$target"
  # New inputs go to the first folder, so that the recorded corpus stays as it is.
  cargo +nightly fuzz run --fuzz-dir fuzz "$target" "$found/$target" "fuzz/corpus/$target" -- \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 >"$found/$target.log" 2>&1 ||
    { tail -n 80 "$found/$target.log"; exit 1; }
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$found/$target.log")
  echo "note: $target: $runs executions in $seconds s, no crash"
done
