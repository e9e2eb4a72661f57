#!/usr/bin/env bash
# sim_replay.sh SIM SEED... - each seed leaves the same trace, byte by byte, in two processes.
set -uo pipefail
# shellcheck source=tests/rig/rig.sh
. "$(dirname "$0")/rig.sh"
[ $# -ge 2 ] || die "usage: sim_replay.sh SIM SEED..."
sim=$1
shift
passed=0 failed=0
trace=$(mktemp)
trap 'rm -f "$trace"' EXIT
for seed in "$@"; do
    "$sim" --seed "$seed" >"$trace"
    # A trace of nothing would always be the same.
    if grep -q 'lane 1\.1 .*store commit' "$trace" && "$sim" --seed "$seed" | diff - "$trace" | head -n 5; then
        passed=$((passed + 1))
    else
        echo "seed $seed does not replay"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
