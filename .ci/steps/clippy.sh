#!/usr/bin/env bash
# No warning of the compiler or of clippy, with every feature on.
source "$(dirname "$0")/../environment.sh"
cargo clippy --workspace --all-targets --all-features --quiet -- -D warnings
