#!/usr/bin/env bash
# Lints proto/ by buf.yaml, with the version of buf that tools/package.json pins, from the npm registry.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

buf=tools/node_modules/.bin/buf
wanted=$(sed -n 's/.*"@bufbuild\/buf": "\(.*\)".*/\1/p' tools/package.json)
if ! [ -x "$buf" ] || [ "$("$buf" --version 2>&1)" != "$wanted" ]; then
    say "installing the protocol linter, buf $wanted"
    npm ci --prefix tools --silent
fi
"$buf" lint
say "proto: no complaints"
