#!/usr/bin/env bash
# lint.sh BUILD [CHECK...] - every rule that a program can check, all checks or those named.
#
# Prints one line for each check, the findings of those that fail, and the totals last. A check is
# a function check_NAME; it prints findings and fails.
set -uo pipefail
# shellcheck source=tests/rig/rig.sh
. "$(dirname "$0")/rig.sh"

CHECKS=(rings state format names shell schemas docker machine cppcheck tidy)

c_files() {
    find common workers tests -name '*.[ch]' -not -path '*/node_modules/*' "$@"
}

check_rings() { python3 tests/rig/rings.py; }

# Mutable data of a file in workers/ would be shared by all messages of a lane. Constant tables with
# pointers are in .data.rel.ro, which is read-only once the program runs.
check_state() {
    local object found=0
    while IFS= read -r object; do
        objdump -t "$object" |
            awk -v object="$object" '$3 == "O" && $4 ~ /^\.(data|bss|tdata|tbss)/ && $4 !~ /^\.data\.rel\.ro/ ||
                $2 == "O" && $3 ~ /^(\.data|\.bss|\*COM\*)/ && $3 !~ /^\.data\.rel\.ro/ {
                    print object ": " $NF " is mutable data of a file"; bad = 1 }
                END { exit bad }' || found=1
    done < <(find "$BUILD/workers" -name '*.o' 2>/dev/null)
    return $found
}

check_format() {
    local out
    out=$(c_files -print0 | xargs -0 -r clang-format-14 --dry-run -Werror 2>&1) && return
    sed -n 's/^\([^ :]*\):[0-9]*:[0-9]*: error.*/\1: make format would change it/p' <<<"$out" | sort | uniq -c
    return 1
}

# One operation: a schema, a row in the table of its domain, a flow script, a pool, a place in the reference.
check_names() { python3 tests/rig/operations.py; }

check_shell() {
    local files
    mapfile -t files < <(find tests docker -name '*.sh' -not -path '*/node_modules/*')
    shellcheck -x -P . "${files[@]}" .ci/run
}

# Generates again, elsewhere, and compares: what was built is what the schemas say now. And every
# schema is a valid schema.
check_schemas() {
    local domain out files
    mapfile -t files < <(find schemas -name '*.json')
    [ ${#files[@]} -gt 0 ] || return 0
    out=$BUILD/lint-schemas
    rm -rf "$out"
    mkdir -p "$out"
    for domain in common all $(find schemas -mindepth 1 -maxdepth 1 -type d -printf '%f\n'); do
        python3 common/wire/schema_gen.py --schemas schemas --domain "$domain" --out "$out" || return
    done
    diff -r -x "*.d" "$out" build/gen/schemas || return
    "$RIG_VENV/bin/check-jsonschema" --check-metaschema "${files[@]}"
}

check_docker() {
    local ok=0
    if [ -e docker/Dockerfile ]; then "$RIG_VENV/bin/hadolint" docker/Dockerfile || ok=1; fi
    if [ -e docker/compose.yaml ]; then
        "$RIG_VENV/bin/check-jsonschema" --builtin-schema vendor.compose-spec docker/compose.yaml || ok=1
    fi
    return $ok
}

# Nothing in the tree may depend on where it was written.
check_machine() {
    if git grep -nE '(^|[^a-zA-Z0-9_.~-])/(home|root)/[a-z]' -- ':!*.csv' ':!tests/rig/lint.sh'; then
        echo "a path of one machine"
        return 1
    fi
}

# It knows the attribute of functions that do not come back, not the C11 word.
check_cppcheck() {
    cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 -j "$(nproc)" \
        --enable=warning,performance,portability --suppress=missingIncludeSystem \
        '-D_Noreturn=__attribute__((noreturn))' -D_GNU_SOURCE -Icommon -Iworkers common workers
}

check_tidy() { "${MAKE:-make}" --no-print-directory -k -j"$(nproc)" tidy; }

[ $# -ge 1 ] || die "usage: lint.sh BUILD [CHECK...]"
cd "$ROOT" || exit 1
BUILD=$1
shift
passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for name in "${CHECKS[@]}"; do
    if [ $# -gt 0 ] && [[ " $* " != *" $name "* ]]; then continue; fi
    begin=$SECONDS
    printf '  %-10s ' "$name"
    if "check_$name" >"$log" 2>&1; then
        passed=$((passed + 1))
        echo "ok ($((SECONDS - begin)) s)$(sed -n '/^[0-9]* functions/s/^/  /p' "$log")"
    else
        failed=$((failed + 1))
        echo "failed ($((SECONDS - begin)) s)"
        grep -v '^  TIDY ' "$log" | head -n 200 | sed 's/^/    | /'
    fi
done
echo "lint: $passed passed, $failed failed"
[ $failed -eq 0 ]
