#!/usr/bin/env bash
# The formatter has nothing to change.
source "$(dirname "$0")/../environment.sh"
cargo fmt --all --check
