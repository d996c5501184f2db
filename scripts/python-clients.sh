#!/usr/bin/env bash
# Installs Microsoft's Python clients, as tests/clients/python pins them, into a virtual environment for the tests:
# `python-clients.sh DIRECTORY`. Says nothing and does nothing if they are there.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

directory=${1:?usage: $0 DIRECTORY}
requirements=tests/clients/python/requirements.txt
stamp=$directory/requirements.txt
cmp -s "$requirements" "$stamp" && exit

need_python
say "installing the Python clients of tests/clients/python"
rm -rf "$directory"
python3 -m venv "$directory"
"$directory/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$requirements"
cp "$requirements" "$stamp"
