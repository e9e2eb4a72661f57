#!/usr/bin/env bash
# run.sh [CLIENT...] - foreign clients take the journey: node (amqplib), python (pika), java (amqp-client)
# and go (amqp091-go), which also reads the events of python's journey with the SDK of CloudEvents. Each
# runs its program of docs/clients.md as well. All when none is named. Servers and workers must run.
#
# Reads CARTWRIGHT_CLIENT_AMQP_URI (and CARTWRIGHT_PREFIX); SHOP_ADMIN_EMAIL and SHOP_ADMIN_PASSWORD log in
# an admin. Where these two are not set, an admin is made with `cartwright admin add`, which needs
# the rest of the environment of the workers. What the clients need is installed below build/.
# Each client ends with "... N passed, N failed".
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
CLIENTS=$ROOT/tests/clients
BUILT=$ROOT/build/clients
CARTWRIGHT=${CARTWRIGHT:-$ROOT/cartwright}
CONFIG=${CONFIG:-$ROOT/config/dev.yaml}

make_admin() {
    local email password
    email=clients-$$-$RANDOM@example.com
    password=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
    "$CARTWRIGHT" admin add --config "$CONFIG" "$email" "Clients' admin" <<<"$password" >/dev/null
    export SHOP_ADMIN_EMAIL=$email SHOP_ADMIN_PASSWORD=$password
}

# Installed again when the list of packages has changed. (Chained: inside `... || status=1` bash does
# not stop at a failure by itself.)
install_node() {
    mkdir -p "$BUILT/node"
    cp "$CLIENTS"/node/* "$CLIENTS/forms.json" "$BUILT/node/"
    if ! cmp -s "$BUILT/node/package-lock.json" "$BUILT/node/.installed"; then
        (cd "$BUILT/node" && npm ci --no-audit --no-fund --loglevel=error </dev/null) &&
            cp "$BUILT/node/package-lock.json" "$BUILT/node/.installed"
    fi
}

run_node() {
    install_node && node "$BUILT/node/journey.mjs"
}

# The rig's python has pika already; without it a folder of our own is made.
find_python() {
    local venv=$BUILT/python
    if [ -n "${RIG_PYTHON:-}" ] && "$RIG_PYTHON" -c 'import pika, nacl, cloudevents, jsonschema' 2>/dev/null; then
        PYTHON=$RIG_PYTHON
        return
    fi
    if ! cmp -s "$CLIENTS/python/requirements.txt" "$venv/.installed"; then
        python3 -m venv --clear "$venv" &&
            "$venv/bin/python3" -m pip install -q --disable-pip-version-check \
                -r "$CLIENTS/python/requirements.txt" </dev/null &&
            cp "$CLIENTS/python/requirements.txt" "$venv/.installed" || return
    fi
    PYTHON=$venv/bin/python3
}

run_python() {
    find_python && PYTHONDONTWRITEBYTECODE=1 "$PYTHON" "$CLIENTS/python/journey.py"
}

# Built again when a source has changed, so that a second run asks no registry.
install_java() {
    local sources
    sources=$(cd "$CLIENTS/java" && find pom.xml src -type f -exec cksum {} + | sort)
    if [ "$sources" != "$(cat "$BUILT/java/.installed" 2>/dev/null)" ]; then
        rm -rf "$BUILT/java" && mkdir -p "$BUILT/java" &&
            cp -r "$CLIENTS/java/pom.xml" "$CLIENTS/java/src" "$BUILT/java/" &&
            (cd "$BUILT/java" && mvn -q -B -Dstyle.color=never compile dependency:copy-dependencies </dev/null) &&
            echo "$sources" >"$BUILT/java/.installed"
    fi
}

run_java() {
    install_java &&
        java -cp "$BUILT/java/target/classes:$BUILT/java/target/lib/*" Journey "$CLIENTS/forms.json"
}

# Reads the events of a journey of python's besides its own.
run_go() {
    find_python && mkdir -p "$BUILT/go" && (cd "$CLIENTS/go" && go build -o "$BUILT/go/" . ./first) || return
    if ! SHOP_HEARD=$BUILT/go/heard.jsonl run_python >"$BUILT/go/journey.txt"; then
        cat "$BUILT/go/journey.txt"
        return 1
    fi
    "$BUILT/go/journey" "$CLIENTS/forms.json" "$BUILT/go/heard.jsonl" "$BUILT/go/first"
}

[ $# -gt 0 ] || set -- node python java go
if [ -z "${SHOP_ADMIN_EMAIL:-}" ] || [ -z "${SHOP_ADMIN_PASSWORD:-}" ]; then make_admin; fi
# Public: the same for every client of the shop. An outside shop's key has to be given.
if [ -z "${SHOP_SEALING_KEY:-}" ] && [ -n "${CARTWRIGHT_AUTH_MASTER_KEY:-}" ]; then
    SHOP_SEALING_KEY=$("$CARTWRIGHT" sealing-key --config "$CONFIG")
    export SHOP_SEALING_KEY
fi
status=0
for client in "$@"; do
    case $client in
    node) run_node || status=1 ;;
    python) run_python || status=1 ;;
    java) run_java || status=1 ;;
    go) run_go || status=1 ;;
    *)
        echo "run.sh: no client is called '$client': node, python, java, go" >&2
        exit 2
        ;;
    esac
done
exit $status
