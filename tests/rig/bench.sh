#!/usr/bin/env bash
# bench.sh PROGRAM ARGS... - runs a benchmark on private servers of its own, fresh each time.
#
# The program starts its own lanes (CARTWRIGHT, CONFIG) on the servers that it finds in its
# environment; figures that others read it writes below .run/.
set -euo pipefail
# shellcheck source=tests/rig/rig.sh
. "$(dirname "$0")/rig.sh"
RIG=$ROOT/tests/rig
BENCH_DIR=$ROOT/build/bench-run
export RIG_DIR=$BENCH_DIR
# What servers of a small shop have: RabbitMQ's own default for the log, a cache that holds the shop.
export RIG_RABBITMQ_WAL_MB=512 RIG_RABBITMQ_MEMORY_GB=3 RIG_MONGOD_CACHE_GB=8
# docs/operations.md, "RabbitMQ's memory".
export RIG_RABBITMQ_ERL_ARGS='+MMscs 2000 +hms 65536 +hmbs 4194304'
export CARTWRIGHT=${CARTWRIGHT:-$ROOT/cartwright} CONFIG=${CONFIG:-$ROOT/config/dev.yaml}
child=

# shellcheck disable=SC2317 # called by a trap
all_down() {
    trap '' INT TERM HUP
    [ -z "$child" ] || kill -TERM "$child" 2>/dev/null || true
    "$RIG/servers.sh" stop "$BENCH_DIR"
}

[ $# -gt 0 ] || die "usage: bench.sh PROGRAM ARGS..."
mkdir -p "$BENCH_DIR" "$ROOT/.run"
forget_run_env
trap all_down EXIT
trap 'exit 130' INT TERM HUP
"$RIG/servers.sh" stop "$BENCH_DIR"
"$RIG/servers.sh" reset "$BENCH_DIR"
"$RIG/servers.sh" start "$BENCH_DIR"
# shellcheck disable=SC1091 # written at run time
. "$BENCH_DIR/env"
"$@" &
child=$!
status=0
wait "$child" || status=$?
child=
exit $status
