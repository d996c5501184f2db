#!/usr/bin/env bash
# The fast checks of a commit: format, lints, the rules of the architecture and of prose. Install it as a Git hook with
# `ln -s ../../scripts/pre-commit.sh .git/hooks/pre-commit`; `make lint` and `make test` check the rest.
set -euo pipefail
cd "$(git rev-parse --show-toplevel)"

cargo fmt --all --check
cargo clippy --locked --workspace --all-targets --quiet -- -D warnings
cargo test --locked --quiet --test architecture --test tables
