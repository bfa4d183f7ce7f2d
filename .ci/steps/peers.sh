#!/usr/bin/env bash
# The tests against real peers: OpenSSH, nginx, PostgreSQL, Node.js, Python, schemathesis. A missing peer is a failure.
source "$(dirname "$0")/../environment.sh"
targets=$(cargo metadata --no-deps --format-version 1 --quiet | python3 -c '
import json, sys
for package in json.load(sys.stdin)["packages"]:
    if any(target["name"] == "peers" for target in package["targets"]):
        print(package["name"])
')
if [ -z "$targets" ]; then
  echo "error: no test target named peers"
  exit 1
fi
# The tests start the programs themselves.
cargo build --workspace --bins --quiet
for package in $targets; do
  echo "peers of $package"
  timeout 900 cargo test -p "$package" --all-features --test peers -- --ignored --test-threads=2
done
