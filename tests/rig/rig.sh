#!/usr/bin/env bash
# rig.sh - what the scripts of the rig agree on; sourced by them, never run.
#
# Things that are big and the same for every checkout (mongod, python packages) live once per user
# in a cache; everything else lives below the checkout.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export ROOT
# libmongoc keeps counters in shared memory under the process id. What is killed leaves them there, and
# the next process with that id complains.
export MONGOC_DISABLE_SHM=1
RIG_CACHE=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/cartwright

# The python that has the packages of python-packages.txt; install.sh fills it. The name carries
# the list's checksum, so two checkouts with different lists do not fight over one folder.
RIG_VENV=$RIG_CACHE/python-$(cksum <"$ROOT/tests/rig/python-packages.txt" | cut -d' ' -f1)
export RIG_PYTHON=$RIG_VENV/bin/python3

# The mongod of the wheel named in mongod-wheel.txt, unless the machine has one of its own.
RIG_MONGOD_CACHED=$RIG_CACHE/mongod-$(cksum <"$ROOT/tests/rig/mongod-wheel.txt" | cut -d' ' -f1)/mongod

rig_mongod() {
    command -v mongod && return
    [ -x "$RIG_MONGOD_CACHED" ] && echo "$RIG_MONGOD_CACHED"
}

# Who has read .run/env into the shell wants to talk to what `make up` started, not to have tests or
# benchmarks run on it: for these its addresses count as not set.
forget_run_env() {
    local name
    [ -f "$ROOT/.run/env" ] || return 0
    for name in CARTWRIGHT_AMQP_URI CARTWRIGHT_AMQP_OPERATOR_URI CARTWRIGHT_CLIENT_AMQP_URI \
        CARTWRIGHT_READER_AMQP_URI CARTWRIGHT_MONGODB_URI CARTWRIGHT_REDIS_URI; do
        if grep -qxF "export $name='${!name:-}'" "$ROOT/.run/env"; then unset "$name"; fi
    done
}

die() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# --- processes of a folder: the caller sets DIR ----------------------------------------------------
# A pid file holds the pid and its start time, so a recycled pid is never hit.
STOP_SECONDS=30 # the workers' own drain takes up to 25

started_at() {
    # The start time is field 22; the name in field 2 may hold blanks, so cut at its bracket.
    sed -e 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
}

remember() {
    echo "$2 $(started_at "$2")" >"$DIR/$1.pid"
}

# Prints the pid when the remembered process still runs; a zombie does not.
running() {
    local pid="" born="" state
    [ -f "$DIR/$1.pid" ] && read -r pid born <"$DIR/$1.pid"
    [ -n "$pid" ] && [ -n "$born" ] && [ "$(started_at "$pid")" = "$born" ] || return 1
    state=$(sed -e 's/^.*) //' "/proc/$pid/stat" 2>/dev/null | cut -d' ' -f1)
    [ "$state" != Z ] && echo "$pid"
}

# launch_to LOG NAME COMMAND... - in a session of its own (a Ctrl-C in the terminal is for the caller
# only), detached from our files, above all from the locks on fds 8 and 9.
launch_to() {
    local log=$1 name=$2
    shift 2
    setsid "$@" </dev/null >>"$log" 2>&1 8>&- 9>&- &
    remember "$name" $!
    disown
}

launch() {
    launch_to "$DIR/log/$1.out" "$@"
}

wait_gone() {
    local name=$1 tries=$((STOP_SECONDS * 20))
    while running "$name" >/dev/null; do
        tries=$((tries - 1))
        if [ $tries -le 0 ]; then return 1; fi
        sleep 0.05
    done
    rm -f "$DIR/$name.pid"
}

signal() {
    local name=$1 how=$2 pid
    pid=$(running "$name") || return 0
    kill "-$how" "$pid" 2>/dev/null || true
}

kill_process() {
    signal "$1" KILL
    wait_gone "$1" || die "$1 does not die"
}

end_process() {
    signal "$1" CONT # a paused process cannot hear TERM
    signal "$1" TERM
    if ! wait_gone "$1"; then
        echo "$(basename "$0"): $1 did not stop in $STOP_SECONDS s, killing it" >&2
        kill_process "$1"
    fi
}
