#!/usr/bin/env bash
# README's test command, as it stands there, and the published crates with every feature.
source "$(dirname "$0")/../environment.sh"
grep -q '^cargo test --workspace' README.md
cargo test --workspace
published=()
for manifest in crates/*/Cargo.toml; do published+=(-p "$(basename "$(dirname "$manifest")")"); done
cargo test "${published[@]}" --all-features
