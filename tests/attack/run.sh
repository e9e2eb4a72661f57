#!/usr/bin/env bash
# run.sh [attack|siege...] - a stranger with the rights of `web` tries what he can (attack.py), and floods
# a busy shop (siege.py); both when none is named. Servers and workers must run.
#
# Reads CARTWRIGHT_CLIENT_AMQP_URI (and CARTWRIGHT_PREFIX); an admin is made with `cartwright admin add`,
# which needs the rest of the environment of the workers. Each ends with "... N passed, N failed".
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
export CARTWRIGHT=${CARTWRIGHT:-$ROOT/cartwright}
export CONFIG=${CONFIG:-$ROOT/config/dev.yaml}
PYTHON=${RIG_PYTHON:-python3}

SHOP_ADMIN_EMAIL=attack-$$-$RANDOM@example.com
SHOP_ADMIN_PASSWORD=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
export SHOP_ADMIN_EMAIL SHOP_ADMIN_PASSWORD
"$CARTWRIGHT" admin add --config "$CONFIG" "$SHOP_ADMIN_EMAIL" "Attacked admin" \
    <<<"$SHOP_ADMIN_PASSWORD" >/dev/null

[ $# -gt 0 ] || set -- attack siege
status=0
for name in "$@"; do
    PYTHONDONTWRITEBYTECODE=1 "$PYTHON" "$ROOT/tests/attack/$name.py" || status=1
done
exit $status
