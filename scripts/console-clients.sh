#!/usr/bin/env bash
# Installs the packages that tests/clients/console pins, for the tests of the web console, with Node.js 20 or newer as bin/node:
# `console-clients.sh DIRECTORY`. Does nothing if they are installed. Playwright drives the system's Chromium and Firefox.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

directory=${1:?usage: $0 DIRECTORY}
pins=tests/clients/console
cmp -s "$pins/package-lock.json" "$directory/package-lock.json" && exit

say "installing the packages of $pins"
# The directory is renamed when it is complete.
new=$directory.new
rm -rf "$directory" "$new"
install_node "$new"
cp "$pins/package.json" "$pins/package-lock.json" "$pins/.npmrc" "$new"
PATH="$(realpath "$new")/bin:$PATH" npm ci --prefix "$new" --silent
mv "$new" "$directory"
