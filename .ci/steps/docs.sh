#!/usr/bin/env bash
# The documentation builds without a warning, links included.
source "$(dirname "$0")/../environment.sh"
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --workspace --all-features --quiet
echo "note: documentation built"
