#!/usr/bin/env bash
# hint.sh DIR [steps] - what `make up` says at its end: where things are, and how an empty shop gets its
# first product. With `steps` only the commands, for the test that follows them to the letter.
set -euo pipefail
# shellcheck source=tests/rig/rig.sh
. "$(dirname "$0")/rig.sh"

# The password is typed once and stands in no list of processes.
steps() {
    cat <<STEPS
    . $DIR/env
    read -rsp 'A password of 8 characters or more: ' P
    $PROGRAM admin add me@example.com 'My Name' <<<"\$P"
    $PROGRAM call auth.login - --get /data/accessToken >$DIR/token <<<'{"email": "me@example.com", "password": "'"\$P"'"}'
    $PROGRAM call product.create '{"name": "Mug", "price": {"amount": 950, "currency": "GBP"}, "stock": 10}' --token-file $DIR/token
    $PROGRAM call product.list
STEPS
}

has_products() {
    # shellcheck disable=SC1091 # written at run time
    (. "$DIR/env" && $PROGRAM call product.list '{"limit": 1}' --get /data/items/0/id) >/dev/null 2>&1
}

[ $# -ge 1 ] || die "usage: hint.sh DIR [steps]"
DIR=$1 PROGRAM=${CARTWRIGHT:-./cartwright}
if [ "${2:-}" = steps ]; then
    steps
    exit
fi
echo "up: servers and workers are in the background, their log is $DIR/cartwright.log; 'make down' ends them"
if has_products; then
    echo "up: '. $DIR/env' and try '$PROGRAM call product.list'; '$PROGRAM describe' lists what can be asked"
    exit
fi
echo "up: the shop is empty. An admin, and a first product:"
steps
echo "up: '$PROGRAM describe' lists what can be asked; docs/protocol.md is for web tiers. A shop full of"
echo "up: products, customers and orders to look at: 'make down && make run'"
