#!/usr/bin/env bash
# Installs the version of Apache Airflow that tests/clients/airflow pins, for the tests: `airflow-clients.sh DIRECTORY`. Does
# nothing if it is installed.
set -euo pipefail

exec "$(dirname "$0")/python-clients.sh" "${1:?usage: $0 DIRECTORY}" airflow
