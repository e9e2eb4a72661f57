#!/usr/bin/env bash
# fault.sh BUILD ARGS... - the fault program on private servers of its own, for as long as it takes.
#
# Servers, their data and all logs are below build/fault-run; a round that failed leaves its logs in
# a folder there. The next run begins with new servers and keeps those folders.
set -euo pipefail
# shellcheck source=tests/rig/rig.sh
. "$(dirname "$0")/rig.sh"
[ $# -ge 1 ] || die "usage: fault.sh BUILD ARGS..."
BUILD=$(realpath -m "$1")
shift
export RIG_DIR=$ROOT/build/fault-run
export CARTWRIGHT=${CARTWRIGHT:-$BUILD/cartwright} CONFIG=${CONFIG:-$ROOT/config/ci.yaml}
SERVERS=$ROOT/tests/rig/servers.sh
child=

# shellcheck disable=SC2317 # called by a trap
all_down() {
    trap '' INT TERM HUP
    [ -z "$child" ] || kill -TERM "$child" 2>/dev/null || true
    "$SERVERS" stop "$RIG_DIR"
}

mkdir -p "$RIG_DIR"
forget_run_env
exec 8>"$RIG_DIR/fault.lock"
flock -n 8 || die "another make fault-long runs in this checkout"
trap all_down EXIT
trap 'exit 130' INT TERM HUP
"$SERVERS" stop "$RIG_DIR"
"$SERVERS" reset "$RIG_DIR"
"$SERVERS" start "$RIG_DIR"
# shellcheck disable=SC1091 # written at run time
. "$RIG_DIR/env"
"$BUILD/tests/fault/fault" "$@" 8>&- &
child=$!
status=0
wait "$child" || status=$?
child=
exit $status
