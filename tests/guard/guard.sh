#!/usr/bin/env bash
# guard.sh - instructions per order, counted by callgrind, against the committed figure.
#
# A clock is of no use on a machine that others share; the number of instructions that a lane spends
# on an order is the same everywhere, to a few per cent. Servers are fakes, the input is fixed, and
# only what the lane does is counted: admitting, loading, deciding, writing up, settling.
# GUARD_UPDATE=yes writes a new figure: do that when the change is meant, and say why in the commit.
set -euo pipefail
# shellcheck source=tests/rig/rig.sh
. "$(dirname "$0")/../rig/rig.sh"
PROGRAM=${BUILD:-build/release}/tests/guard/orders
FIGURE=$ROOT/tests/guard/instructions-per-order.txt
TOLERANCE=5 # per cent
LOOK=$ROOT/build/guard.callgrind

command -v valgrind >/dev/null || die "valgrind is missing: make tools"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
placed=$(valgrind --tool=callgrind --log-file="$log" --callgrind-out-file="$LOOK" \
    --collect-atstart=no --toggle-collect=batch_open --toggle-collect=batch_prepare \
    --toggle-collect=batch_settle "$PROGRAM" 2>/dev/null) ||
    { cat "$log" >&2; die "the orders were not placed: run $PROGRAM and see"; }
collected=$(sed -n 's/^.*Collected : //p' "$log")
[ -n "$collected" ] || { cat "$log" >&2; die "callgrind counted nothing"; }
now=$((collected / placed))
[ "${GUARD_UPDATE:-no}" = no ] || echo "$now" >"$FIGURE"
committed=$(cat "$FIGURE")
drift=$(((now - committed) * 1000 / committed))
printf 'guard: %d instructions per order, committed %d: %+d.%d %%\n' "$now" "$committed" \
    $((drift / 10)) $((drift < 0 ? -drift % 10 : drift % 10))
if [ ${drift#-} -gt $((TOLERANCE * 10)) ]; then
    echo "guard: more than $TOLERANCE % away. Where they go: callgrind_annotate --inclusive=yes $LOOK"
    echo "guard: if the change is meant: GUARD_UPDATE=yes tests/guard/guard.sh, and commit the figure"
    echo "guard: 0 passed, 1 failed"
    exit 1
fi
echo "guard: 1 passed, 0 failed"
