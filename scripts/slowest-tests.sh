#!/usr/bin/env bash
# Prints the twenty slowest tests of the last run of cargo-nextest: seconds, test binary, name.
set -euo pipefail
cd "$(dirname "$0")/.."

# Written by the profile `default`.
report=target/nextest/default/junit.xml
[ -e "$report" ] || exit 0

echo "The slowest tests, in seconds:"
sed -n 's/.*<testcase name="\([^"]*\)" classname="\([^"]*\)".* time="\([0-9.]*\)".*/\3 \2 \1/p' "$report" |
    sort -rn | sed -n 1,20p | awk '{ printf "%8.1f  %s %s\n", $1, $2, $3 }'
