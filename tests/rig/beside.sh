#!/usr/bin/env bash
# beside.sh COMMIT [TURNS] - an earlier commit and this tree on the same machine at the same time.
#
# COMMIT is built below build/beside from nothing but its own files; then `bench-orders` of both runs
# TURNS times (5), each with the servers and settings of its own tree. Both run at the same time, and in each
# slice of SLICE seconds (2) only one of them is awake (tests/bench/in_slices.py): so a slow minute meets both,
# and what is counted per second comes out at half for both. Prints the medians, and of the ratios of the turns the
# median, the smallest and the largest: what is below 1 is lost. The instructions per order (tests/guard)
# come first: they do not depend on the minute. Some three minutes for a turn.
set -euo pipefail
# shellcheck source=tests/rig/rig.sh
. "$(dirname "$0")/rig.sh"
[ $# -ge 1 ] || die "usage: beside.sh COMMIT [TURNS]"
COMMIT=$(git -C "$ROOT" rev-parse --verify --short "$1^{commit}") || die "there is no commit $1 here"
TURNS=${2:-5}
SLICE=${SLICE:-2}
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

figures_of() { # figures_of WHO TREE
    tr -d '{}"' <"$2/.run/bench-orders.json" | tr ',' '\n' |
        awk -v who="$1" -F': *' 'NF == 2 { gsub(/ /, "", $1); print who, $1, $2 }' >>"$FIGURES"
}

# The second tree begins a slice later, so the trees take turns in being the second.
turn() { # turn FIRST SECOND
    "$ROOT/tests/bench/in_slices.py" "$SLICE" "cd '$1' && tests/rig/bench.sh ${PROGRAMS[0]}" \
        "cd '$2' && tests/rig/bench.sh ${PROGRAMS[0]}"
    figures_of before "$BEFORE"
    figures_of now "$ROOT"
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
print(f"\n{'medians':<16} {sys.argv[2]:>12} {'this tree':>12} {'left of it':>12} {'least':>9} {'most':>9}")
for name, of in figures.items():
    medians = [statistics.median(of[who]) for who in ("before", "now")]
    left = [before / now if name in LESS_IS_BETTER else now / before for before, now in zip(of["before"], of["now"])]
    print(f"{name:<16} {medians[0]:>12.6g} {medians[1]:>12.6g} {statistics.median(left):>12.3f}"
          f" {min(left):>9.3f} {max(left):>9.3f}")
PYTHON
}

build_before
: >"$FIGURES"
instructions before "$BEFORE"
instructions now "$ROOT"
for i in $(seq "$TURNS"); do
    echo "--- turn $i of $TURNS"
    if [ $((i % 2)) -eq 1 ]; then turn "$BEFORE" "$ROOT"; else turn "$ROOT" "$BEFORE"; fi
done
print_ratios
