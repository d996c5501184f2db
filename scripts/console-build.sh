#!/usr/bin/env bash
# Checks that console/dist is what the sources in console/ and its lock file produce, and runs the checks of its package: in a copy,
# so that the working directory does not change.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

[ -e console/package.json ] || exit 0
copy=${CARGO_TARGET_DIR:-target}/tmp/console-build
rm -rf "$copy"
mkdir -p "$copy"
tar --create --exclude=console/node_modules --exclude=console/src/gen LICENSE proto console | tar --extract --directory="$copy"
npm ci --prefix "$copy/console" --silent
npm run --prefix "$copy/console" --silent build >/dev/null
diff --recursive --brief console/dist "$copy/console/dist" ||
    die "console/dist is not what console/ builds: npm --prefix console ci && npm --prefix console run build"
npm run --prefix "$copy/console" --silent --if-present check
npm run --prefix "$copy/console" --silent --if-present test >/dev/null || die "npm --prefix console test fails"
rm -rf "$copy"
say "console: dist is what the sources build"
