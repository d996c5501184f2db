#!/usr/bin/env bash
# Throw-away servers of PostgreSQL for tests, reached by a Unix socket only:
#   postgres.sh run COMMAND...   runs a command with the URL of a server in STRONGROOM_TEST_POSTGRES
#   postgres.sh start DIRECTORY  starts the server of a directory, which is created if it is missing, and prints its URL;
#                                STRONGROOM_TEST_POSTGRES_OPTIONS has more options for the program `postgres`
#   postgres.sh kill DIRECTORY   kills all processes of that server, as a crash does
#   postgres.sh pause DIRECTORY  stops the processes of that server, which answer nothing until `postgres.sh resume DIRECTORY`
#   postgres.sh stop DIRECTORY   ends the server, and removes the directory
#   postgres.sh standby DIRECTORY PRIMARY
#                                starts a server that replicates that of the directory PRIMARY by streaming, and prints its URL;
#                                from then on no commit of the primary is acknowledged before the standby has it
#   postgres.sh promote DIRECTORY  makes a standby a primary
#   postgres.sh find             prints the folder of the server's programs
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# Distributions keep the programs of servers out of PATH, one folder for each version.
find_programs() {
    local folder found=
    for folder in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/libexec/postgresql* /opt/homebrew/opt/postgresql@*/bin; do
        [ -x "$folder/initdb" ] && [ -x "$folder/pg_ctl" ] && found=$folder
    done
    if [ -z "$found" ] && has initdb && has pg_ctl; then
        found=$(dirname "$(command -v initdb)")
    fi
    [ -n "$found" ] || die "the server of PostgreSQL is not installed (scripts/install-deps.sh test installs it)"
    printf '%s\n' "$found"
}

# The server refuses to run as root, so that root runs it as the user of the system's package.
as_user() {
    if [ "$(id -u)" -ne 0 ]; then
        "$@"
    elif has setpriv; then
        setpriv --reuid=postgres --regid=postgres --clear-groups -- "$@"
    else
        su -s /bin/sh postgres -c "$(printf '%q ' "$@")"
    fi
}

# Data of tests need not survive a crash of the machine. A crash of the server loses nothing: the system has what was written.
start() {
    local directory=$1 programs options
    programs=$(find_programs)
    if [ ! -d "$directory/data" ]; then
        mkdir -p "$directory"
        [ "$(id -u)" -ne 0 ] || chown postgres "$directory"
        (cd "$directory" && as_user "$programs/initdb" --pgdata="$directory/data" --username=strongroom --auth=trust \
            --encoding=UTF8 --locale=C --no-sync >"$directory.log" 2>&1) || { cat "$directory.log" >&2; exit 1; }
        rm -f "$directory.log"
    fi
    options="-c listen_addresses= -c unix_socket_directories=$directory -c fsync=off -c full_page_writes=off"
    options="$options -c shared_buffers=32MB -c max_connections=200 ${STRONGROOM_TEST_POSTGRES_OPTIONS:-}"
    (cd "$directory" && as_user "$programs/pg_ctl" --pgdata="$directory/data" --log="$directory/log" --wait --silent \
        --options="$options" start >/dev/null) || { cat "$directory/log" >&2; exit 1; }
    printf 'postgres://strongroom@localhost/postgres?host=%s\n' "$directory"
}

# Runs statements on the server of a directory, each in a transaction of its own.
sql() {
    local directory=$1 statement
    shift
    for statement in "$@"; do
        "$(find_programs)/psql" --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 \
            "host=$directory user=strongroom dbname=postgres" --command="$statement" >&2
    done
}

standby() {
    local directory=$1 primary=$2 programs attempt
    programs=$(find_programs)
    mkdir -p "$directory"
    [ "$(id -u)" -ne 0 ] || chown postgres "$directory"
    (cd "$directory" && as_user "$programs/pg_basebackup" --pgdata="$directory/data" --checkpoint=fast --wal-method=stream \
        --create-slot --slot=standby --write-recovery-conf --no-sync \
        --dbname="host=$primary user=strongroom application_name=standby" >"$directory.log" 2>&1) || { cat "$directory.log" >&2; exit 1; }
    rm -f "$directory.log"
    start "$directory"
    sql "$primary" "ALTER SYSTEM SET synchronous_standby_names = 'standby'" "SELECT pg_reload_conf()"
    for attempt in $(seq 600); do
        sql "$primary" "SELECT 1 / count(*) FROM pg_stat_replication WHERE sync_state = 'sync'" 2>/dev/null && return
        sleep 0.05
    done
    die "the standby does not replicate the primary after $attempt attempts"
}

promote() {
    local directory=$1 programs
    programs=$(find_programs)
    (cd "$directory" && as_user "$programs/pg_ctl" --pgdata="$directory/data" --wait --silent promote >/dev/null) ||
        { cat "$directory/log" >&2; exit 1; }
}

# Prints the processes of a server, the first one first.
processes() {
    local first
    first=$(head -n 1 "$1/data/postmaster.pid")
    echo "$first" "$(ps -o pid= --ppid "$first" || true)"
}

# Kills the first process before those that it has started, so that it cannot end them in an orderly way. All are gone afterwards.
kill_server() {
    local directory=$1 all process
    kill -STOP "$(head -n 1 "$directory/data/postmaster.pid")"
    all=$(processes "$directory")
    # shellcheck disable=SC2086 # a list of processes
    kill -KILL $all 2>/dev/null || true
    for process in $all; do
        # A killed process that nobody waits for stays as a zombie.
        while case "$(ps -o stat= -p "$process")" in "" | Z*) false ;; esac do
            sleep 0.02
        done
    done
    # A server takes a zombie for a running one.
    rm -f "$directory/data/postmaster.pid" "$directory"/.s.PGSQL.*
}

stop() {
    local directory=$1 programs
    programs=$(find_programs)
    (cd "$directory" && as_user "$programs/pg_ctl" --pgdata="$directory/data" --mode=immediate --wait --silent stop \
        >/dev/null 2>&1) || true
    rm -rf "$directory"
}

command=${1:-}
shift || true
case "$command" in
run)
    # Names of sockets have at most 107 bytes, so that TMPDIR is not used.
    server=$(mktemp -d /tmp/strongroom-postgres.XXXXXX)
    chmod 755 "$server"
    trap 'stop "$server"' EXIT
    STRONGROOM_TEST_POSTGRES=$(start "$server")
    export STRONGROOM_TEST_POSTGRES
    "$@"
    ;;
start) start "$1" ;;
kill) kill_server "$1" ;;
pause)
    kill -STOP "$(head -n 1 "$1/data/postmaster.pid")"
    # shellcheck disable=SC2046 # a list of processes
    kill -STOP $(processes "$1")
    ;;
resume)
    # shellcheck disable=SC2046 # a list of processes
    kill -CONT $(processes "$1")
    ;;
stop) stop "$1" ;;
standby) standby "$1" "$2" ;;
promote) promote "$1" ;;
find) find_programs ;;
*) die "usage: $0 run COMMAND... | start|kill|pause|resume|stop|promote DIRECTORY | standby DIRECTORY PRIMARY | find" ;;
esac
