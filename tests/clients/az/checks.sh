# shellcheck shell=bash
# Checks of the results of commands, for the other scripts. Sourced, not executed. Sets `work` to a temporary directory.

export AZURE_CORE_ONLY_SHOW_ERRORS=true AZURE_CORE_OUTPUT=tsv
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "$*" >&2
    exit 1
}

# expect WANTED COMMAND...: asserts the command's output; list members are separated by tabs.
expect() {
    local wanted=$1 found
    shift
    found=$("$@") || fail "failed: $*"
    [ "$found" = "$wanted" ] || fail "$*: expected [$wanted], found [$found]"
}

# refused PATTERN COMMAND...: asserts that the command fails and that its standard error matches the pattern.
refused() {
    local pattern=$1
    shift
    if "$@" >"$work/out" 2>"$work/err"; then fail "the command succeeded: $*"; fi
    grep -qi -- "$pattern" "$work/err" || fail "$*: expected [$pattern], found [$(cat "$work/err")]"
}
