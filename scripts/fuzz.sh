#!/usr/bin/env bash
# Fuzzes the parsers of Azure's surfaces for some seconds: `fuzz.sh SECONDS`. Failing inputs are in fuzz/artifacts;
# `cargo fuzz run requests FILE` reproduces one.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:?usage: $0 SECONDS}
# cargo fuzz uses unstable compiler options; this permits them for a program that is not released.
export RUSTC_BOOTSTRAP=1
mkdir -p fuzz/corpus/requests
exec cargo fuzz run --sanitizer none requests fuzz/corpus/requests fuzz/seeds -- -max_total_time="$seconds" -max_len=8192 \
    -print_final_stats=1
