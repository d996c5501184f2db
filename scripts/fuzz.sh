#!/usr/bin/env bash
# Sends the readers of Azure's surfaces whatever a fuzzer thinks of, for some seconds: `fuzz.sh SECONDS`. What it finds is in
# fuzz/artifacts, and runs again by `cargo fuzz run requests FILE`.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:?usage: $0 SECONDS}
# Sanitizers and coverage are not stable yet; the compiler lets them pass for a program that is never shipped.
export RUSTC_BOOTSTRAP=1
mkdir -p fuzz/corpus/requests
exec cargo fuzz run --sanitizer none requests fuzz/corpus/requests fuzz/seeds -- -max_total_time="$seconds" -max_len=8192 \
    -print_final_stats=1
