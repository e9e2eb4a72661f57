#!/usr/bin/env bash
# dead_letters.sh - operators at the dead letters of a real shop: killed, interrupted, two at once.
#
# Needs what tests/rig/test.sh gives to a part that needs servers; starts workers of its own.
set -euo pipefail
# shellcheck source=tests/rig/rig.sh
. "$(dirname "$0")/../rig/rig.sh"
cd "$ROOT"

make_admin() {
    SHOP_ADMIN_EMAIL=dead-$$-$RANDOM@example.com
    SHOP_ADMIN_PASSWORD=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
    export SHOP_ADMIN_EMAIL SHOP_ADMIN_PASSWORD
    "$CARTWRIGHT" admin add --config "$CONFIG" "$SHOP_ADMIN_EMAIL" Operator \
        <<<"$SHOP_ADMIN_PASSWORD" >/dev/null
}

trap 'tests/rig/workers.sh stop "$RIG_DIR"' EXIT
tests/rig/workers.sh start "$RIG_DIR"
make_admin
PYTHONDONTWRITEBYTECODE=1 "$RIG_PYTHON" tests/fault/dead_letters.py
