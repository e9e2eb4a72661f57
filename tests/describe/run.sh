#!/usr/bin/env bash
# run.sh - has all that `cartwright describe` writes judged by programs that are not ours, and uses the
# clients that it writes. What the judges need is installed below build/.
#
# No servers are needed. With CARTWRIGHT_CLIENT_AMQP_URI (and CARTWRIGHT_PREFIX), where workers must
# run, the clients take a short journey there, too.
# Ends with "describe: N passed, M failed".
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
TESTS=$ROOT/tests/describe
BUILT=$ROOT/build/describe
OUT=$BUILT/out
CARTWRIGHT=${CARTWRIGHT:-$ROOT/cartwright}
passed=0
failed=0

# Installed again when the list of packages has changed.
install_node() {
    mkdir -p "$BUILT/node"
    cp "$TESTS"/package*.json "$TESTS"/tsconfig.json "$TESTS"/*.mjs "$TESTS"/*.ts "$BUILT/node/"
    cmp -s "$BUILT/node/package-lock.json" "$BUILT/node/.installed" && return
    (cd "$BUILT/node" && npm ci --no-audit --no-fund --loglevel=error </dev/null) &&
        cp "$BUILT/node/package-lock.json" "$BUILT/node/.installed"
}

install_python() {
    local venv=$BUILT/python
    PYTHON=$venv/bin/python3
    cmp -s "$TESTS/requirements.txt" "$venv/.installed" && return
    python3 -m venv --clear "$venv" &&
        "$PYTHON" -m pip install -q --disable-pip-version-check -r "$TESTS/requirements.txt" \
            </dev/null &&
        cp "$TESTS/requirements.txt" "$venv/.installed"
}

write_outputs() {
    rm -rf "$OUT"
    mkdir -p "$OUT"
    "$CARTWRIGHT" describe --json-schema >"$OUT/json-schema.json"
    "$CARTWRIGHT" describe --asyncapi >"$OUT/asyncapi.json"
    "$CARTWRIGHT" describe --openapi >"$OUT/openapi.json"
    "$CARTWRIGHT" describe --client ts >"$BUILT/node/client.ts"
    "$CARTWRIGHT" describe --client python >"$OUT/client.py"
    "$CARTWRIGHT" describe --markdown "$OUT/reference"
    cp "$TESTS/use.py" "$TESTS/journey.py" "$OUT/"
}

# check NAME COMMAND...: what the command prints is shown when it fails.
check() {
    local name=$1 log=$BUILT/log.txt
    shift
    if "$@" >"$log" 2>&1; then
        passed=$((passed + 1))
        echo "ok     $name"
    else
        failed=$((failed + 1))
        echo "FAILED $name"
        sed 's/^/       /' "$log"
    fi
}

# judge COMMAND...: the checks that the command counts itself in its last line.
judge() {
    local log=$BUILT/log.txt status=0 total
    "$@" >"$log" 2>&1 || status=$?
    total=$(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$log" | tail -n 1)
    [ -n "$total" ] || total="0 1"
    if [ $status != 0 ] && [ "${total#* }" = 0 ]; then total="${total% *} 1"; fi
    grep -vE '^[0-9]+ passed, [0-9]+ failed$' "$log" || true
    passed=$((passed + ${total% *}))
    failed=$((failed + ${total#* }))
}

types_of_typescript() { (cd "$BUILT/node" && node_modules/.bin/tsc --noEmit -p tsconfig.json); }

types_of_python() {
    (cd "$OUT" && "$PYTHON" -m mypy --strict --cache-dir "$BUILT/mypy" client.py use.py journey.py)
}

translate() { (cd "$BUILT/node" && rm -rf js && node_modules/.bin/tsc -p tsconfig.json); }

python_of_out() { (cd "$OUT" && PYTHONDONTWRITEBYTECODE=1 "$PYTHON" "$@"); }

reference_is_current() {
    diff -r "$ROOT/docs/reference" "$OUT/reference" && return
    echo "docs/reference is not what the program says: make reference"
    return 1
}

outputs_are_the_same_again() {
    "$CARTWRIGHT" describe --asyncapi | cmp - "$OUT/asyncapi.json" &&
        "$CARTWRIGHT" describe --openapi | cmp - "$OUT/openapi.json" &&
        "$CARTWRIGHT" describe --client ts | cmp - "$BUILT/node/client.ts"
}

# Words that describe does not know, and those of two outputs at once.
says_how_it_is_used() {
    local words
    for words in "--client" "--client go" "--markdown" "--openapi --json" "--asyncapi order.place" \
        "--nothing"; do
        # shellcheck disable=SC2086 # these are several words
        "$CARTWRIGHT" describe $words && return 1
        [ $? = 2 ] || return 1
    done
}

install_node
install_python
write_outputs
judge "$PYTHON" "$TESTS/judge.py" "$OUT" "$ROOT/schemas"
judge node "$BUILT/node/judge.mjs" "$OUT"
check "client ts: tsc --strict --noEmit" types_of_typescript
check "client python: mypy --strict" types_of_python
translate || true # what does not compile was told above
judge node "$BUILT/node/js/use.js"
judge python_of_out use.py
if [ -n "${CARTWRIGHT_CLIENT_AMQP_URI:-}" ]; then
    judge node "$BUILT/node/js/journey.js"
    judge python_of_out journey.py
fi
check "docs/reference is current" reference_is_current
check "the same outputs again" outputs_are_the_same_again
check "usage" says_how_it_is_used
echo "describe: $passed passed, $failed failed"
[ $failed = 0 ]
