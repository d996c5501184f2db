# shellcheck shell=bash
# What the other scripts share: speaking, and asking the system's package manager. Sourced, never run.

say() { printf '==> %s\n' "$*"; }

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root: directly, or through sudo, which may ask for a password only if there is somebody to answer.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif ! has sudo; then
        die "this needs root, and there is no sudo: $*"
    elif [ -t 0 ]; then
        sudo -- "$@"
    else
        sudo -n -- "$@"
    fi
}

# install_packages DEBIAN FEDORA ALPINE HOMEBREW: one word list for each package manager, `-` for nothing.
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
        die "no package manager that this script knows (apt-get, dnf, apk, brew); please install: $1"
    fi
    [ "$words" = - ] && return
    local packages
    read -r -a packages <<<"$words"
    say "installing ${packages[*]}"
    if has apt-get; then
        # Old lists name packages that the mirror no longer has.
        as_root apt-get update -qq || say "the package lists could not be renewed; going on with the old ones"
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

# A Python that can make virtual environments.
need_python() {
    python3 -c 'import ensurepip, venv' 2>/dev/null ||
        install_packages "python3 python3-venv" "python3 python3-pip" "python3 py3-pip" "python3"
}

# cargo_tool NAME VERSION: a cargo subcommand, built from crates.io if there is none. A newer one that is there is good enough.
cargo_tool() {
    if ! cargo "${1#cargo-}" --version >/dev/null 2>&1; then
        say "installing $1 $2 from crates.io (a few minutes, once)"
        cargo install --locked --quiet "$1" --version "$2"
    fi
}
