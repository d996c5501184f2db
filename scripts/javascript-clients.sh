#!/usr/bin/env bash
# Installs the versions of Microsoft's JavaScript clients that tests/clients/javascript pins, for the tests, with Node.js 20 or
# newer as bin/node: `javascript-clients.sh DIRECTORY`. Does nothing if they are installed.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

directory=${1:?usage: $0 DIRECTORY}
pins=tests/clients/javascript
cmp -s "$pins/package-lock.json" "$directory/package-lock.json" && exit

say "installing the JavaScript clients of $pins"
# The directory is renamed when it is complete.
new=$directory.new
rm -rf "$directory" "$new"
install_node "$new"
cp "$pins/package.json" "$pins/package-lock.json" "$pins/.npmrc" "$new"
PATH="$(realpath "$new")/bin:$PATH" npm ci --prefix "$new" --silent
mv "$new" "$directory"
