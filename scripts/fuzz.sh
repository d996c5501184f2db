#!/usr/bin/env bash
# Fuzzes the parsers of Azure's surfaces and of backups for some seconds: `fuzz.sh SECONDS`. Failing inputs are in
# fuzz/artifacts; `cargo fuzz run TARGET FILE` reproduces one.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:?usage: $0 SECONDS}
# cargo fuzz uses unstable compiler options; this permits them for a program that is not released.
export RUSTC_BOOTSTRAP=1
# The seeds of each parser are in fuzz/seeds and fuzz/seeds-TARGET.
run() {
    local target=$1 seeds=$2
    mkdir -p "fuzz/corpus/$target"
    cargo fuzz run --sanitizer none "$target" "fuzz/corpus/$target" "$seeds" -- -max_total_time="$((seconds / 2))" \
        -max_len=8192 -print_final_stats=1
}
run requests fuzz/seeds
run backups fuzz/seeds-backups
