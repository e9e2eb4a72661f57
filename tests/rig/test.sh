#!/usr/bin/env bash
# test.sh BUILD [PART...] - runs the tests that were built in BUILD, all parts or those named.
#
# Ends with one line, "N passed, N failed" or "N passed, N failed, N skipped", and fails unless it
# says 0 failed. Every part is a program or script that ends its output with such a line of its own;
# the table PARTS below is the list. Parts that need servers share one private set, started when the
# first of them comes and stopped at the end, whatever ends it.
#
# A part finds in its environment: CARTWRIGHT_AMQP_URI, _MONGODB_URI, _REDIS_URI and the keys (with
# servers only), BUILD (where programs were built), RIG_DIR (the folder that servers.sh and
# workers.sh take), RIG_PYTHON (a python with the packages of python-packages.txt), CARTWRIGHT, CONFIG.
set -uo pipefail
# shellcheck source=tests/rig/rig.sh
. "$(dirname "$0")/rig.sh"
PART_SECONDS=1800 # against what hangs; the longest part takes half of it on a busy machine

# part, its track, what it needs (nothing, servers, workers), what must exist for it to be run
PARTS=(
    "unit      1 nothing tests/unit/test_*.c"
    "unit-py   1 nothing tests/unit/test_*.py"
    "schema    1 nothing tests/schema/agreement.py"
    "replay    1 nothing tests/fuzz/fuzz_*.c"
    "flow      1 nothing tests/flow/*.c"
    "torture   1 nothing tests/torture/torture.py"
    "sim       1 nothing tests/sim/*.c"
    "planted   1 nothing tests/planted/*.patch"
    "guard     1 nothing tests/guard/orders.c"
    "tls       1 nothing tests/rig/tls.sh"
    "fault     1 servers tests/fault/*.sh tests/fault/*.c"
    "live      2 servers tests/live/test_*.c"
    "live-py   2 servers tests/live/test_*.py"
    "flow-live 2 servers tests/flow/*.c"
    "steps     2 workers tests/rig/first_steps.sh"
    "python    2 workers tests/clients/python/journey.py"
    "node      2 workers tests/clients/node/journey.mjs"
    "java      2 workers tests/clients/java/pom.xml"
    "go        2 workers tests/clients/go/main.go"
    "describe  2 workers tests/describe/run.sh"
    "attack    2 workers tests/attack/run.sh"
    "life      2 servers tests/life/*.c"
)
TRACKS="1 2"

built() { # built FOLDER SOURCES...: the programs of these sources
    local folder=$1 source
    shift
    for source in "$@"; do echo "$BUILD/tests/$folder/$(basename "$source" .c)"; done
}

# Runs commands that each end in a totals line, and prints the sum as the last line.
sum_of() {
    local out status=0 total="0 0 0" line
    out=$(mktemp)
    while IFS= read -r line; do
        echo "--- $line"
        bash -c "$line" </dev/null 2>&1 | tee "$out"
        status=${PIPESTATUS[0]}
        total=$(add_totals "$total" "$out" "$status")
    done
    rm -f "$out"
    print_totals "$total"
}

part_unit() {
    local programs
    mapfile -t programs < <(built unit tests/unit/test_*.c)
    tests/unit/run.sh "${programs[@]}"
}

part_live() {
    local programs
    mapfile -t programs < <(built live tests/live/test_*.c)
    tests/unit/run.sh "${programs[@]}"
}

part_unit_py() { "$RIG_PYTHON" tests/rig/unittests.py tests/unit/test_*.py; }

part_live_py() { "$RIG_PYTHON" tests/rig/unittests.py tests/live/test_*.py; }

# Thousands of messages are one test: both interpreters agree on all of them.
part_schema() {
    "$RIG_PYTHON" tests/schema/agreement.py "$BUILD/tests/schema/validate" &&
        echo "1 passed, 0 failed"
}

part_replay() {
    local name
    for name in $(built fuzz tests/fuzz/fuzz_*.c); do
        echo "$name tests/fuzz/corpus/$(basename "$name" | sed 's/^fuzz_//')"
    done | sum_of
}

# An empty folder for what a part received (tests/support/seen.h).
seen_folder() {
    rm -rf "$RIG_DIR/seen-$1"
    mkdir -p "$RIG_DIR/seen-$1"
    echo "$RIG_DIR/seen-$1"
}

# judged PART COMMAND: runs the command; what it received is then judged by the schemas.
judged() {
    local folder
    folder=$(seen_folder "$1")
    printf '%s\n' "env TEST_SEEN=$folder $2" \
        "$RIG_PYTHON tests/schema/seen.py $CARTWRIGHT $folder" | sum_of
}

part_flow() { judged flow "$BUILD/tests/flow/flow"; }

# Four allocations of each program, always the same; `make torture` tries more, others each day.
part_torture() { tests/torture/torture.py "$BUILD" --seconds 1 --seed 1; }

# And the same seed goes the same way, to the letter.
part_sim() {
    local folder
    folder=$(seen_folder sim)
    {
        echo "env TEST_SEEN=$folder $BUILD/tests/sim/sim --seeds 1..200"
        echo "$RIG_PYTHON tests/schema/seen.py $CARTWRIGHT $folder"
        echo "$BUILD/tests/sim/sim --seeds ${SEEDS:-1..5000}"
        echo "tests/rig/sim_replay.sh $BUILD/tests/sim/sim 7 500"
    } | sum_of
}

part_planted() { tests/rig/planted.sh "$BUILD"; }

part_tls() { tests/rig/tls.sh "$BUILD"; }

part_flow_live() { judged flow-live "$BUILD/tests/flow/flow --real"; }

part_life() { "$BUILD/tests/life/life"; }

part_guard() { tests/guard/guard.sh; }

part_steps() { tests/rig/first_steps.sh; }

part_python() { tests/clients/run.sh python; }

part_node() { tests/clients/run.sh node; }

part_java() { tests/clients/run.sh java; }

part_go() { tests/clients/run.sh go; }

part_describe() { tests/describe/run.sh; }

part_attack() { sum_of < <(printf "%s\n" "tests/attack/run.sh attack" "tests/attack/run.sh siege"); }

# The second: rounds of faults, the same in every run (make fault-long draws new ones).
part_fault() {
    local folder
    folder=$(seen_folder fault)
    {
        if compgen -G 'tests/fault/*.c' >/dev/null; then
            echo "env TEST_SEEN=$folder $BUILD/tests/fault/fault"
            echo "env TEST_SEEN=$folder $BUILD/tests/fault/fault --seeds 1..8"
            echo "$RIG_PYTHON tests/schema/seen.py $CARTWRIGHT $folder"
        fi
        compgen -G 'tests/fault/*.sh' | sort || true # there may be none
    } | sum_of
}

# --- totals: "passed failed skipped" --------------------------------------------------------------
# Adds the last totals line of a log; a part that fails without saying so has failed once.
add_totals() {
    local passed failed skipped p f s last
    read -r passed failed skipped <<<"$1"
    last=$(grep -Eo '[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?' "$2" | tail -n 1)
    read -r p f s <<<"$(tr -dc '0-9 ' <<<"${last:-0 0 0}" | tr -s ' ')"
    if [ "$3" != 0 ] && [ "${f:-0}" = 0 ]; then f=1; fi
    if [ -z "$last" ] && [ "$3" = 0 ]; then f=1; fi
    echo "$((passed + p)) $((failed + f)) $((skipped + ${s:-0}))"
}

print_totals() {
    local passed failed skipped
    read -r passed failed skipped <<<"$1"
    echo "$passed passed, $failed failed$([ "$skipped" = 0 ] || echo ", $skipped skipped")"
    [ "$failed" = 0 ]
}

# --- servers --------------------------------------------------------------------------------------
servers_up() {
    [ $servers = down ] || return 0
    servers=up
    # A run that was killed outright may have left its servers.
    tests/rig/servers.sh stop "$RIG_DIR" && tests/rig/servers.sh reset "$RIG_DIR" &&
        tests/rig/servers.sh start "$RIG_DIR" || return 1
    # shellcheck disable=SC1091 # written at run time
    . "$RIG_DIR/env"
}

workers_up() {
    servers_up && tests/rig/workers.sh start "$RIG_DIR"
}

workers_down() {
    if running cartwright >/dev/null; then tests/rig/workers.sh stop "$RIG_DIR"; fi
}

all_down() {
    trap '' INT TERM HUP
    [ -z "$child" ] || kill -TERM "$child" 2>/dev/null
    workers_down
    [ $servers = down ] || tests/rig/servers.sh stop "$RIG_DIR"
}

# --- a track: one part after the other ---------------------------------------------------------------------
prepare() {
    case $1 in
    nothing) workers_down ;;
    servers) workers_down && servers_up ;;
    workers) workers_up ;;
    esac
}

run_part() {
    local name=$1 needs=$2 log=$RIG_DIR/log-$1.txt begin=$SECONDS status=0 part
    printf '  %-10s begins\n' "$name"
    if prepare "$needs" >"$log" 2>&1; then
        # In the background, so that a signal is acted on at once.
        # Not with our lock: what outlives a part that was stopped would keep the next run out.
        timeout -k 10 $PART_SECONDS bash "$0" "$BUILD" --inside "$name" >"$log" 2>&1 </dev/null 8>&- &
        child=$!
        wait $child || status=$?
        child=
    else
        status=1
    fi
    part=$(add_totals "0 0 0" "$log" $status)
    totals=$(add_totals "$totals" "$log" $status)
    tell "$name" "$(print_totals "$part") ($((SECONDS - begin)) s)" "$log" $status
}

# In one piece, so that the other track does not speak in between.
tell() { # tell PART TOTALS LOG STATUS
    local text
    text=$(printf '  %-10s %s' "$1" "$2")
    if [[ $2 != *" 0 failed"* ]]; then
        [ "$4" != 124 ] || text+=$'\n'"    stopped after $PART_SECONDS s"
        text+=$'\n'$(tail -n 120 "$3" | cut -c1-600 | sed 's/^/    | /')
        text+=$'\n'"    whole log: ${3#"$ROOT"/}"
    fi
    printf '%s\n' "$text"
}

exists() {
    local pattern
    for pattern in "$@"; do
        if compgen -G "$pattern" >/dev/null; then return 0; fi
    done
    return 1
}

# The parts of track $1 that exist and are named, or all when none is.
parts_of() {
    local track=$1 row part
    shift
    for row in "${PARTS[@]}"; do
        read -ra part <<<"$row"
        [ "${part[1]}" = "$track" ] || continue
        if [ $# -gt 0 ] && [[ " $* " != *" ${part[0]} "* ]]; then continue; fi
        if exists "${part[@]:3}"; then echo "${part[0]} ${part[2]}"; fi
    done
}

run_track() {
    local parts row
    RIG_DIR=$RIG_DIR/$1
    DIR=$RIG_DIR
    mkdir -p "$RIG_DIR/log"
    trap all_down EXIT
    trap 'exit 130' INT TERM HUP
    mapfile -t parts < <(parts_of "$@")
    # shellcheck disable=SC2086 # two words
    for row in "${parts[@]}"; do run_part $row; done
    trap '' INT TERM HUP
    all_down
    trap - EXIT
    print_totals "$totals" >"$RIG_DIR/totals"
}

# shellcheck disable=SC2317 # called by a trap
end_tracks() {
    trap '' INT TERM HUP
    [ ${#tracks[@]} -eq 0 ] || kill -TERM "${tracks[@]}" 2>/dev/null
    wait
    exit 130
}

[ $# -ge 1 ] || die "usage: test.sh BUILD [PART...]"
cd "$ROOT" || exit 1
BUILD=$(realpath -m "$1") RIG_DIR=${RIG_DIR:-$ROOT/build/test-run}
DIR=$RIG_DIR
CARTWRIGHT=${CARTWRIGHT:-$BUILD/cartwright} CONFIG=${CONFIG:-$ROOT/config/ci.yaml}
export BUILD RIG_DIR CARTWRIGHT CONFIG
shift
servers=down child='' totals="0 0 0"
case ${1:-} in
--inside)
    "part_${2//-/_}"
    exit
    ;;
--track)
    shift
    run_track "$@"
    exit
    ;;
esac
mkdir -p "$RIG_DIR"
forget_run_env
exec 8>"$RIG_DIR/test.lock"
flock -n 8 || die "another make test runs in this checkout"
tracks=() started=()
trap end_tracks INT TERM HUP
for track in $TRACKS; do
    [ -n "$(parts_of "$track" "$@")" ] || continue
    rm -f "$RIG_DIR/$track/totals"
    bash "$0" "$BUILD" --track "$track" "$@" </dev/null &
    tracks+=("$!")
    started+=("$RIG_DIR/$track/totals")
done
for pid in "${tracks[@]}"; do wait "$pid" || true; done
for file in "${started[@]}"; do
    [ -f "$file" ] || echo "0 passed, 1 failed" >"$file"
    totals=$(add_totals "$totals" "$file" 0)
done
print_totals "$totals"
