#!/usr/bin/env bash
# Checks dependencies by deny.toml: licences, sources and bans always, advisories if their database can be fetched.
# STRONGROOM_REQUIRE_ADVISORIES=1 (for a release) makes a missing database an error.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

log=$(mktemp)
trap 'rm -f "$log"' EXIT

cargo deny --locked check --hide-inclusion-graph bans licenses sources

# macOS has no `timeout`; git has its own timeout there.
limit=()
has timeout && limit=(timeout 60)
if ${limit[@]+"${limit[@]}"} cargo deny fetch db >"$log" 2>&1; then
    cargo deny --locked check --disable-fetch advisories
elif [ "${STRONGROOM_REQUIRE_ADVISORIES:-0}" = 1 ]; then
    cat "$log" >&2
    die "the advisory database cannot be fetched"
else
    say "ADVISORIES WERE NOT CHECKED: their database cannot be fetched from here"
    sed -n 's/.*\(Could not resolve host.*\|Connection .*\|unable to access.*\)/    \1/p' "$log" | head -n 1
fi
