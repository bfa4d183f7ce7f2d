#!/usr/bin/env bash
# README's test command, as it stands there, and the published crates with every feature.
source "$(dirname "$0")/../environment.sh"
grep -q '^cargo test --workspace' README.md
cargo test --workspace
cargo test -p checkin-api -p iframe-messages -p meeting-api -p tunnel-frame --all-features
