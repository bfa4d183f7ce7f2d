#!/usr/bin/env bash
# Each feature of each published crate builds alone, without a warning; so does none.
source "$(dirname "$0")/../environment.sh"
for manifest in crates/*/Cargo.toml; do
  crate=$(basename "$(dirname "$manifest")")
  features=$(cargo metadata --no-deps --format-version 1 --quiet | python3 -c '
import json, sys
for package in json.load(sys.stdin)["packages"]:
    if package["name"] == sys.argv[1]:
        print("\n".join(sorted(package["features"])))
' "$crate")
  count=0
  for feature in "" $features; do
    echo "$crate [$feature]"
    cargo clippy -p "$crate" --lib --no-default-features --features "$feature" --quiet -- -D warnings
    count=$((count + 1))
  done
  echo "note: $crate: $count sets of features build alone"
done
