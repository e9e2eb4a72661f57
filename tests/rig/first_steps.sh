#!/usr/bin/env bash
# first_steps.sh - follows what `make up` tells to do in an empty shop, to the letter; then there is a
# product. Servers and workers must run below RIG_DIR.
set -uo pipefail
# shellcheck source=tests/rig/rig.sh
. "$(dirname "$0")/rig.sh"
passed=0 failed=0

check() {
    local what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "first steps: $what"
    fi
}

hint() { "$ROOT/tests/rig/hint.sh" "$RIG_DIR" "$@"; }

# An account can be made once, so each run has its own; nothing else is changed.
told=$(hint steps)
told=${told//me@example.com/steps-$$-$RANDOM@example.com}
seen=$(bash -eu -c "$told" <<<"a long password" 2>&1)
status=$?
echo "$seen"
check "a step failed with status $status" [ $status = 0 ]
check "the product is not in the list" grep -q '"name": "Mug"' <<<"$seen"
check "the token is for everybody to read" [ "$(stat -c %a "$RIG_DIR")" = 700 ]
check "make up still says that the shop is empty" [ "$(hint | grep -c 'is empty')" = 0 ]
echo "$passed passed, $failed failed"
[ $failed = 0 ]
