#!/usr/bin/env bash
# run.sh PROGRAM ARGS... - what `make run` and `make demo` do: servers and workers under .run/, the
# program on top, and everything down again at its end, be it the program's or a Ctrl-C. After a
# program that succeeded `cartwright check` looks at what it left.
#
# It starts from an empty shop, because the replay's figures must agree with the file to the penny.
set -euo pipefail
# shellcheck source=tests/rig/rig.sh
. "$(dirname "$0")/rig.sh"
DIR=$ROOT/.run
RIG=$ROOT/tests/rig
CARTWRIGHT=${CARTWRIGHT:-$ROOT/cartwright}
CONFIG=${CONFIG:-$ROOT/config/dev.yaml}
child=

# shellcheck disable=SC2317 # called by a trap
all_down() {
    trap '' INT TERM HUP
    "$RIG/workers.sh" stop "$DIR" || true
    "$RIG/servers.sh" stop "$DIR"
}

# The shell starts what it puts into the background deaf to Ctrl-C, so the program is told by TERM.
# shellcheck disable=SC2317 # called by a trap
interrupted() {
    interrupts=$((interrupts + 1))
    [ -z "$child" ] || kill -TERM "$child" 2>/dev/null || true
}

[ $# -gt 0 ] || die "usage: run.sh PROGRAM ARGS..."
mkdir -p "$DIR"
if running cartwright >/dev/null || "$RIG/servers.sh" status "$DIR" | grep -q ': running'; then
    die "already up here (make up, or another make run): 'make down' first"
fi
interrupts=0
trap interrupted INT TERM HUP
trap all_down EXIT
echo "starting RabbitMQ, Redis and mongod under .run/ ..."
"$RIG/servers.sh" reset "$DIR"
RIG_BROKER_PREFIX=${CARTWRIGHT_PREFIX:-cartwright} "$RIG/servers.sh" start "$DIR"
[ $interrupts = 0 ] || exit 130
echo "starting the workers (log: .run/cartwright.log) ..."
"$RIG/workers.sh" start "$DIR"
[ $interrupts = 0 ] || exit 130
# shellcheck disable=SC1091 # written at run time
. "$DIR/env"
# A fresh shop has nobody who may fill the catalogue; the password lives as long as this run.
SHOP_ADMIN_EMAIL=admin@example.com
SHOP_ADMIN_PASSWORD=$(head -c 18 /dev/urandom | base64)
export SHOP_ADMIN_EMAIL SHOP_ADMIN_PASSWORD
"$CARTWRIGHT" admin add "$SHOP_ADMIN_EMAIL" Admin --config "$CONFIG" >/dev/null \
    <<<"$SHOP_ADMIN_PASSWORD"
"$@" &
child=$!
status=0
# A trapped signal ends wait early; the program is then still finishing.
while wait "$child" || status=$?; kill -0 "$child" 2>/dev/null; do status=0; done
child=
[ $interrupts = 0 ] || status=130
if [ $status = 0 ]; then
    # Not --quiesced: what `admin add` told is left to the relay, which takes its time.
    echo "checking all that is stored ..."
    "$CARTWRIGHT" check --config "$CONFIG" || status=$?
fi
echo "stopping the workers and the servers ..."
exit $status
