#!/usr/bin/env bash
# beside.sh COMMIT [TURNS] - an earlier commit and this tree on the same machine, in turns.
#
# COMMIT is built below build/beside from nothing but its own files; then `bench-orders` of both runs
# TURNS times (5), now one first and now the other, each with the servers and settings of its own tree,
# so that a slow minute meets both. Prints the medians and how much of COMMIT's figure is left: what is
# below 1 in the last column is lost. The instructions per order (tests/guard) come first: they do not
# depend on the minute. Some three minutes for a turn.
set -euo pipefail
# shellcheck source=tests/rig/rig.sh
. "$(dirname "$0")/rig.sh"
[ $# -ge 1 ] || die "usage: beside.sh COMMIT [TURNS]"
COMMIT=$(git -C "$ROOT" rev-parse --verify --short "$1^{commit}") || die "there is no commit $1 here"
TURNS=${2:-5}
BEFORE=$ROOT/build/beside/$COMMIT
FIGURES=$ROOT/build/beside/$COMMIT.figures
O=build/release
PROGRAMS=("$O/tests/bench/bench_orders" "$O/tests/guard/orders")

build_before() {
    mkdir -p "$BEFORE"
    git -C "$ROOT" archive "$COMMIT" | tar -x -C "$BEFORE"
    # Prerequisites were installed for this tree; theirs are the same or fewer.
    mkdir -p "$BEFORE/build"
    cp -a "$ROOT"/build/.tools-* "$BEFORE/build/"
    make -C "$BEFORE" -s cartwright "${PROGRAMS[@]}"
}

instructions() { # instructions WHO TREE
    local line
    line=$(cd "$2" && tests/guard/guard.sh | grep -m1 '^guard: ') || true
    echo "$1 instructions $(grep -oE '[0-9]+' <<<"$line" | head -1)" >>"$FIGURES"
}

turn() { # turn WHO TREE
    echo "--- $1"
    (cd "$2" && tests/rig/bench.sh "${PROGRAMS[0]}")
    tr -d '{}"' <"$2/.run/bench-orders.json" | tr ',' '\n' |
        awk -v who="$1" -F': *' 'NF == 2 { gsub(/ /, "", $1); print who, $1, $2 }' >>"$FIGURES"
}

both() { # both COMMAND: of this tree and of the other, in an order that changes
    if [ $((turns_done++ % 2)) -eq 0 ]; then
        "$1" before "$BEFORE"
        "$1" now "$ROOT"
    else
        "$1" now "$ROOT"
        "$1" before "$BEFORE"
    fi
}

print_ratios() {
    python3 - "$FIGURES" "$COMMIT" <<'PYTHON'
import collections
import statistics
import sys

LESS_IS_BETTER = {"instructions", "p50OneMs", "cpuMsPerOrder", "laneRssMiB"}
figures = collections.defaultdict(lambda: {"before": [], "now": []})
for line in open(sys.argv[1], encoding="ascii"):
    who, name, value = line.split()
    figures[name][who].append(float(value))
print(f"\n{'medians':<16} {sys.argv[2]:>12} {'this tree':>12} {'left of it':>12}")
for name, of in figures.items():
    before, now = statistics.median(of["before"]), statistics.median(of["now"])
    left = before / now if name in LESS_IS_BETTER else now / before
    print(f"{name:<16} {before:>12.6g} {now:>12.6g} {left:>12.3f}")
PYTHON
}

build_before
: >"$FIGURES"
turns_done=0
both instructions
for _ in $(seq "$TURNS"); do both turn; done
print_ratios
