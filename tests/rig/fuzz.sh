#!/usr/bin/env bash
# fuzz.sh BUILD SECONDS - lets libFuzzer look for inputs that break a target, SECONDS for each.
#
# Starts from tests/fuzz/corpus/NAME and collects what it finds in BUILD/corpus/NAME. An input that
# breaks the target is left in BUILD/crashes/; once understood it belongs into tests/fuzz/corpus.
set -euo pipefail
# shellcheck source=tests/rig/rig.sh
. "$(dirname "$0")/rig.sh"
[ $# -eq 2 ] || die "usage: fuzz.sh BUILD SECONDS"
cd "$ROOT"
passed=0 failed=0
mkdir -p "$1/crashes"
for source in tests/fuzz/fuzz_*.c; do
    [ -e "$source" ] || die "no tests/fuzz/fuzz_*.c"
    target=$(basename "$source" .c)
    name=${target#fuzz_}
    log=$1/$name.log
    options=("-max_total_time=$2" -max_len=65536 -timeout=10 "-artifact_prefix=$1/crashes/$name-")
    [ ! -f "tests/fuzz/$name.dict" ] || options+=("-dict=tests/fuzz/$name.dict")
    folders=("$1/corpus/$name")
    mkdir -p "${folders[0]}"
    [ ! -d "tests/fuzz/corpus/$name" ] || folders+=("tests/fuzz/corpus/$name")
    if "$1/tests/fuzz/$target" "${options[@]}" "${folders[@]}" </dev/null >"$log" 2>&1; then
        passed=$((passed + 1))
        echo "  $name: $(grep -o 'DONE.*' "$log" | tail -n 1)"
    else
        failed=$((failed + 1))
        echo "  $name: broken; the end of $log:"
        tail -n 40 "$log"
    fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
