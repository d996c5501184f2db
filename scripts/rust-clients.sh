#!/usr/bin/env bash
# Builds what the tests try Microsoft's Rust clients with, as tests/clients/rust pins them: `rust-clients.sh DIRECTORY`. Says
# nothing and does nothing if it is built.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

directory=${1:?usage: $0 DIRECTORY}
[ -d "$directory" ] || say "building the Rust clients of tests/clients/rust (a few minutes, once)"
cargo build --locked --quiet --manifest-path tests/clients/rust/Cargo.toml --target-dir "$directory"
