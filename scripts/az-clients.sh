#!/usr/bin/env bash
# Installs the az command line, as tests/clients/az pins it, for the tests: `az-clients.sh DIRECTORY`. Says nothing and does
# nothing if it is there.
set -euo pipefail

exec "$(dirname "$0")/python-clients.sh" "${1:?usage: $0 DIRECTORY}" az
