#!/usr/bin/env bash
# Installs missing dependencies: `install-deps.sh build`, `run`, `dist`, `test`, `instructions`, `soak` or `lint`, for the make
# target of that name. Prints nothing if none are missing.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

nextest_version=0.9.143
deny_version=0.20.2
fuzz_version=0.13.2

need_rust() {
    local wanted found
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    has cargo || die "Rust is missing: install version $wanted or newer, for example from https://rustup.rs"
    found=$(rustc --version | cut -d' ' -f2)
    if [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1)" != "$wanted" ]; then
        die "Rust $found is too old: Strongroom needs $wanted or newer (rustup update stable)"
    fi
}

# AWS-LC and SQLite are compiled from the sources in their crates.
need_compiler() {
    has cc || install_packages "gcc libc6-dev" "gcc glibc-devel" "gcc musl-dev" "-"
    has cc || die "there is no C compiler (cc); on macOS: xcode-select --install"
}

# objcopy strips programs. Debian always has dpkg-deb.
need_binutils() {
    has objcopy || install_packages binutils binutils binutils binutils
}

# The PKCS#11 module of `strongroom serve --dev` and the tests.
need_softhsm() {
    local module
    for module in /usr/lib/softhsm /usr/lib/*/softhsm /usr/lib64/softhsm /usr/lib64/pkcs11 /usr/local/lib/softhsm \
        /opt/homebrew/lib/softhsm; do
        [ -e "$module/libsofthsm2.so" ] && return
    done
    install_packages softhsm2 softhsm softhsm softhsm
}

# The server of the tests of the store on PostgreSQL. Debian's package would create a server of the system and start it.
need_postgresql() {
    scripts/postgres.sh find >/dev/null 2>&1 && return
    if has apt-get && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        install_packages postgresql-common - - -
        as_root sed -i 's/^#\? *create_main_cluster *=.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
    fi
    install_packages postgresql postgresql-server postgresql postgresql@17
    scripts/postgres.sh find >/dev/null
}

# Counts instructions. The benchmark accepts the runner of its own version only.
need_gungraun() {
    local version
    has valgrind || install_packages valgrind valgrind valgrind -
    has valgrind || die "valgrind is missing, which does not exist for every system"
    version=$(sed -n '/^name = "gungraun-runner"$/ { n; s/^version = "\(.*\)"$/\1/p; }' Cargo.lock)
    if [ "$(gungraun-runner --version 2>/dev/null)" != "gungraun-runner $version" ]; then
        say "installing gungraun-runner $version from crates.io (a few minutes, once)"
        cargo install --locked --quiet gungraun-runner --version "$version"
    fi
}

need_node() {
    has npm || install_packages "nodejs npm" "nodejs npm" "nodejs npm" "node"
}

# The browsers of the tests of the web console.
need_browsers() {
    has chromium || has chromium-browser || has google-chrome || install_packages chromium chromium chromium -
    has chromium || has chromium-browser || has google-chrome || die "Chromium is missing; please install it"
    has firefox-esr || has firefox || install_packages firefox-esr firefox firefox-esr -
    has firefox-esr || has firefox || die "Firefox is missing; please install it"
}

# Whether the tests that ARGS selects may run Azure's clients or a browser: all tests, unless a filter or another test binary is named.
# `make` exports ARGS from its command line.
need_clients() {
    case "${ARGS:-}" in
    *client* | *"--test service"*) [[ "${ARGS:-}" != *-E* || "${ARGS:-}" == *client* ]] ;;
    *-E* | *--lib* | *--test\ *) false ;;
    *) true ;;
    esac
}

case "${1:-}" in
build)
    need_rust
    need_compiler
    ;;
dist)
    need_rust
    need_compiler
    need_binutils
    ;;
run)
    need_rust
    need_compiler
    need_softhsm
    ;;
test)
    need_rust
    need_compiler
    need_softhsm
    need_postgresql
    need_binutils
    # systemd-analyze checks the unit of the Debian package.
    ! has dpkg-deb || has systemd-analyze || install_packages systemd - - -
    cargo_tool cargo-nextest "$nextest_version"
    need_clients || exit 0
    scripts/python-clients.sh "${CARGO_TARGET_DIR:-target}/tmp/python-clients"
    scripts/az-clients.sh "${CARGO_TARGET_DIR:-target}/tmp/az-clients"
    scripts/airflow-clients.sh "${CARGO_TARGET_DIR:-target}/tmp/airflow-clients"
    scripts/javascript-clients.sh "${CARGO_TARGET_DIR:-target}/tmp/javascript-clients"
    scripts/rust-clients.sh "${CARGO_TARGET_DIR:-target}/tmp/rust-clients"
    need_browsers
    scripts/console-clients.sh "${CARGO_TARGET_DIR:-target}/tmp/console-clients"
    ;;
instructions)
    need_rust
    need_compiler
    need_softhsm
    need_gungraun
    ;;
soak)
    "$0" test
    # libFuzzer is C++.
    has c++ || install_packages "g++" "gcc-c++" "g++" "-"
    cargo_tool cargo-fuzz "$fuzz_version"
    ;;
lint)
    need_rust
    need_compiler
    if ! cargo fmt --version >/dev/null 2>&1 || ! cargo clippy --version >/dev/null 2>&1; then
        die "rustfmt or clippy is missing: rustup component add rustfmt clippy"
    fi
    cargo_tool cargo-deny "$deny_version"
    need_node
    ;;
*)
    die "usage: $0 build|dist|run|test|instructions|soak|lint"
    ;;
esac
