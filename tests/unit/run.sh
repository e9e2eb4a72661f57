#!/usr/bin/env bash
# Runs the unit test programs given, prints only what failed, and one line of totals.
set -u
passed=0 failed=0 skipped=0
for program in "$@"; do
    out=$(mktemp)
    "$program" >"$out" 2>&1
    status=$?
    ok=$(grep -c '^\[       OK \]' "$out")
    bad=$(grep "^\[  FAILED  \] test_.*__" "$out" | sort -u | wc -l) # the summary names them again
    # What skips itself says why in its source: a server or a library that is not here.
    absent=$(sed -n 's/^\[  SKIPPED \] \(test_.*__.*\)/\1/p' "$out" | sort -u)
    [ -z "$absent" ] || echo "skipped: ${absent//$'\n'/ }"
    if [ $status -ne 0 ]; then
        [ "$bad" -gt 0 ] || bad=1
        echo "--- $(basename "$program") (exit status $status)"
        grep -v '^\[       OK \]\|^\[ RUN      \]' "$out"
    fi
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + $(wc -w <<<"$absent")))
    rm -f "$out"
done
echo "unit: $passed passed, $failed failed$([ $skipped -eq 0 ] || echo ", $skipped skipped")"
[ $failed -eq 0 ]
