#!/usr/bin/env bash
# Installs the versions of Microsoft's Python clients that a folder of tests/clients pins into a virtual environment for the
# tests: `python-clients.sh DIRECTORY [FOLDER]`. Does nothing if they are installed.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

directory=${1:?usage: $0 DIRECTORY [FOLDER]}
folder=${2:-python}
requirements=tests/clients/$folder/requirements.txt
stamp=$directory/requirements.txt
cmp -s "$requirements" "$stamp" && exit

need_python
say "installing the Python clients of tests/clients/$folder"
rm -rf "$directory"
python3 -m venv "$directory"
"$directory/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$requirements"
cp "$requirements" "$stamp"
