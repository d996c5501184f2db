#!/usr/bin/env bash
# Installs the version of the az command line that tests/clients/az pins, for the tests: `az-clients.sh DIRECTORY`. Does
# nothing if it is installed.
set -euo pipefail

exec "$(dirname "$0")/python-clients.sh" "${1:?usage: $0 DIRECTORY}" az
