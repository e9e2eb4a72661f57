#!/usr/bin/env bash
# workers.sh - cartwright's own processes, in the background, on the servers of one folder.
#
#   start DIR    topology, indexes, then the workers; waits until they answer
#   stop DIR     drains and ends them
#   kill DIR     kill -9 of the supervisor, for fault tests
#   status DIR   one line; fails unless they run
#
# Reads DIR/env (see servers.sh), logs to DIR/log/cartwright.log (JSON lines; in .run also reachable
# as .run/cartwright.log). CONFIG names the settings file, CARTWRIGHT the executable.
set -euo pipefail
# shellcheck source=tests/rig/rig.sh
. "$(dirname "$0")/rig.sh"
umask 077
CONFIG=${CONFIG:-$ROOT/config/dev.yaml}
CARTWRIGHT=${CARTWRIGHT:-$ROOT/cartwright}
READY_SECONDS=60

show_log() {
    echo "workers: $1; the end of $DIR/log/cartwright.log:" >&2
    tail -n 15 "$DIR/log/cartwright.log" | cut -c1-400 >&2
}

# Ready is when a request comes back answered, so that the whole way is known to work.
await_answer() {
    local deadline=$((SECONDS + READY_SECONDS))
    until "$CARTWRIGHT" call category.list '{}' >/dev/null 2>&1; do
        if ! running cartwright >/dev/null; then
            show_log "they ended while they were starting"
            return 1
        fi
        if [ $SECONDS -ge $deadline ]; then
            show_log "no answer after $READY_SECONDS s"
            return 1
        fi
        sleep 0.2
    done
}

start() {
    if running cartwright >/dev/null; then return; fi
    [ -x "$CARTWRIGHT" ] || die "no $CARTWRIGHT: run make"
    ln -sf log/cartwright.log "$DIR/cartwright.log"
    "$CARTWRIGHT" topology --config "$CONFIG" >"$DIR/log/topology.out" 2>&1 || {
        cat "$DIR/log/topology.out" >&2
        die "cartwright topology failed"
    }
    "$CARTWRIGHT" index --config "$CONFIG" >"$DIR/log/index.out" 2>&1 || {
        cat "$DIR/log/index.out" >&2
        die "cartwright index failed"
    }
    launch_to "$DIR/log/cartwright.log" cartwright "$CARTWRIGHT" worker --config "$CONFIG"
    await_answer || {
        end_process cartwright
        return 1
    }
}

[ $# -eq 2 ] || die "usage: workers.sh start|stop|kill|status DIR"
DIR=$(cd "$2" && pwd) || die "no folder $2: start the servers first"
case $1 in
start)
    # shellcheck disable=SC1091 # written at run time
    . "$DIR/env"
    start
    ;;
stop) end_process cartwright ;;
kill) kill_process cartwright ;;
status)
    pid=$(running cartwright) || {
        echo "cartwright: not running"
        exit 1
    }
    echo "cartwright: running, pid $pid"
    ;;
*) die "unknown command '$1'" ;;
esac
