#!/usr/bin/env bash
# planted.sh BUILD [NAME...] - proof that the simulation can see.
#
# Each tests/planted/NAME.patch plants one fault. It is applied to a copy of the tree, in which only
# what it touches is compiled again, and the simulation plays seeds until one fails: that must happen
# within SEEDS, or within those that a line "Seeds: 1..20000" of the patch names, when what shows the
# fault is rare. The program as it is must fail none of SEEDS.
set -uo pipefail
# shellcheck source=tests/rig/rig.sh
. "$(dirname "$0")/rig.sh"
SEEDS=${SEEDS:-1..2000}

# Sources are links (patch makes a new file), objects are copies (the compiler writes into the old).
copy_tree() {
    rm -rf "$TREE"
    mkdir -p "$TREE/$BUILD/tests"
    cp -al Makefile VERSION common workers schemas tests "$TREE/"
    cp -a build/.tools-* build/gen "$TREE/build/"
    cp -a "$BUILD"/{common,workers,build,.flags} "$BUILD"/lib*.a "$TREE/$BUILD/"
    cp -a "$BUILD"/tests/{fakes,sim,support} "$TREE/$BUILD/tests/"
}

# find_seed PROGRAM SEEDS: the seed that found it; empty when none did.
find_seed() {
    "$1" --seeds "$2" --first >"$LOG" 2>&1
    sed -n 's/^seed \([0-9]*\): .*/\1/p' "$LOG" | sort -n | head -n 1
}

plant() {
    local name=$1 patch=$ROOT/tests/planted/$1.patch seed seeds
    seeds=$(sed -n 's/^Seeds: \([0-9.]*\)$/\1/p' "$patch")
    seeds=${seeds:-$SEEDS}
    copy_tree || return
    if ! patch -d "$TREE" -p1 -s -F0 --no-backup-if-mismatch <"$patch" >"$LOG" 2>&1; then
        echo "$name: the patch does not apply any more"
        cat "$LOG"
        return 1
    fi
    if ! "${MAKE:-make}" --no-print-directory -C "$TREE" MAKELEVEL=0 -j"$(nproc)" \
        "$BUILD/tests/sim/sim" >"$LOG" 2>&1; then
        echo "$name: does not build"
        cat "$LOG"
        return 1
    fi
    seed=$(find_seed "$TREE/$BUILD/tests/sim/sim" "$seeds")
    if [ -z "$seed" ]; then
        echo "$name: not found within seeds $seeds"
        return 1
    fi
    echo "$name: $(sed -n "s/^seed $seed: /seed $seed: /p" "$LOG" | cut -c1-160)"
}

[ $# -ge 1 ] || die "usage: planted.sh BUILD [NAME...]"
cd "$ROOT" || exit 1
BUILD=$(realpath --relative-to="$ROOT" "$1")
shift
names=("$@")
if [ $# = 0 ]; then
    for patch in tests/planted/*.patch; do names+=("$(basename "$patch" .patch)"); done
fi
TREE=$ROOT/build/planted LOG=$ROOT/build/planted.log
passed=0 failed=0
for name in "${names[@]}"; do
    if plant "$name"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done
seed=$(find_seed "$BUILD/tests/sim/sim" "$SEEDS")
if [ -z "$seed" ]; then
    echo "as it is: nothing found within seeds $SEEDS"
    passed=$((passed + 1))
else
    echo "as it is: fails at seed $seed"
    failed=$((failed + 1))
fi
rm -rf "$TREE"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
