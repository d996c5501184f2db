#!/usr/bin/env bash
# Builds the test programs for the versions of Microsoft's Rust clients that tests/clients/rust pins: `rust-clients.sh
# DIRECTORY`. Does nothing if they are built.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

directory=${1:?usage: $0 DIRECTORY}
[ -d "$directory" ] || say "building the Rust clients of tests/clients/rust (a few minutes, once)"
cargo build --locked --quiet --manifest-path tests/clients/rust/Cargo.toml --target-dir "$directory"
