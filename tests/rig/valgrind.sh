#!/usr/bin/env bash
# valgrind.sh BUILD - the unit tests and the flow scripts on fakes under memcheck.
#
# What ASan cannot see: bytes that were never written, in our code and through the libraries, which
# ASan does not instrument. A program passes when memcheck finds nothing, whatever the clock does to
# a test meanwhile; the logs of those that fail stay in BUILD/valgrind. Suppressions are for libraries
# of others only, each with its reason (valgrind.supp).
set -uo pipefail
# shellcheck source=tests/rig/rig.sh
. "$(dirname "$0")/rig.sh"
FOUND=99

check() { # check NAME COMMAND...: a line when memcheck finds something
    local name=$1 log=$FOLDER/$1.log status=0
    shift
    LD_PRELOAD=$BUILD/tests/rig/no_jit.so valgrind --quiet --error-exitcode=$FOUND --exit-on-first-error=no --leak-check=full \
        --errors-for-leak-kinds=definite,indirect --show-leak-kinds=definite,indirect \
        --child-silent-after-fork=yes --num-callers=30 --main-stacksize=8388608 \
        --suppressions=tests/rig/valgrind.supp --log-file="$log" "$@" >"$log.out" 2>&1 || status=$?
    if [ $status != $FOUND ] && [ ! -s "$log" ]; then
        rm -f "$log" "$log.out"
        return 0
    fi
    echo "$name: $(grep -c '^==[0-9]*== [A-Z0-9]' "$log") lines of findings, the first of $log:"
    head -n 25 "$log"
    return 1
}

check_all() { # names and commands on standard input, as many at once as there are cores
    xargs -P "$(nproc)" -L 1 bash "$0" "$BUILD" --one
}

list() {
    local source
    echo "flow $BUILD/tests/flow/flow" # all scripts in one: under memcheck its start takes longest
    for source in tests/unit/test_*.c; do
        echo "$(basename "$source" .c) $BUILD/tests/unit/$(basename "$source" .c)"
    done
}

[ $# -ge 1 ] || die "usage: valgrind.sh BUILD"
cd "$ROOT" || exit 1
BUILD=$(realpath "$1") FOLDER=$1/valgrind
shift
if [ "${1:-}" = --one ]; then
    shift
    if check "$@"; then echo "ok $1"; else echo "not ok $1"; fi
    exit 0
fi
rm -rf "$FOLDER"
mkdir -p "$FOLDER"
list | check_all | tee "$FOLDER/all" | grep -v '^ok '
passed=$(grep -c '^ok ' "$FOLDER/all") failed=$(grep -c '^not ok ' "$FOLDER/all")
echo "valgrind: $passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
