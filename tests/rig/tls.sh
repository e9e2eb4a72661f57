#!/usr/bin/env bash
# tls.sh BUILD - everything once through TLS: the flow scripts on a RabbitMQ that wants a client's
# certificate and a mongod, both of a private CA; a worker whose heartbeats go through TLS; and servers
# that are not who they should be. Ends with a totals line.
set -uo pipefail
# shellcheck source=tests/rig/rig.sh
. "$(dirname "$0")/rig.sh"
BUILD=$(realpath "$1")
DIR=${RIG_DIR:?}/tls
CERTIFICATES=$DIR/certificates
passed=0 failed=0

check() { # check NAME COMMAND...
    local name=$1
    shift
    if "$@" >"$DIR/check.log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "  $name: FAILED"
        tail -n 20 "$DIR/check.log" | cut -c1-400
    fi
}

finish() {
    tests/rig/workers.sh stop "$DIR" >/dev/null 2>&1
    RIG_TLS=$CERTIFICATES tests/rig/servers.sh stop "$DIR"
}

# --- servers that are not who they should be -------------------------------------------------------
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# refuses TEXT URI...: topology says so, and why, and does not show the password
refuses() {
    local text=$1 uri=$2 said
    said=$(CARTWRIGHT_AMQP_URI=$uri CARTWRIGHT_AMQP_OPERATOR_URI=$uri timeout 30 "$CARTWRIGHT" topology \
        --config "$CONFIG" 2>&1) && return 1
    echo "$said"
    grep -qF "$text" <<<"$said" && ! grep -q hidden <<<"$said"
}

# impostor CERTIFICATE TEXT [HOST]: a TLS server that has this certificate
impostor() {
    local certificate=$1 text=$2 host=${3:-localhost} port pid status
    port=$(free_port)
    openssl s_server -accept "127.0.0.1:$port" -cert "$CERTIFICATES/$certificate.pem" \
        -key "$CERTIFICATES/$certificate-key.pem" -quiet </dev/zero >/dev/null 2>&1 &
    pid=$!
    until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do sleep 0.05; done
    refuses "$text" "amqps://ann:hidden@$host:$port/?cacertfile=$CERTIFICATES/ca.pem"
    status=$?
    kill "$pid"
    wait "$pid" 2>/dev/null
    return $status
}

rabbitmq_port() { sed -n "s/^$1=//p" "$DIR/ports"; }

# --- the test --------------------------------------------------------------------------------------
mkdir -p "$DIR"
tests/rig/certificates.sh "$CERTIFICATES" || die "no certificates: see $CERTIFICATES/certificates.log"
trap finish EXIT
unset CARTWRIGHT_AMQP_URI CARTWRIGHT_AMQP_OPERATOR_URI CARTWRIGHT_CLIENT_AMQP_URI \
    CARTWRIGHT_READER_AMQP_URI CARTWRIGHT_MONGODB_URI CARTWRIGHT_REDIS_URI
RIG_TLS=$CERTIFICATES tests/rig/servers.sh start "$DIR" || die "no servers with TLS"
# shellcheck disable=SC1091 # written at run time
. "$DIR/env"
TRUST="cacertfile=$CERTIFICATES/ca.pem"
IDENTITY="certfile=$CERTIFICATES/client.pem&keyfile=$CERTIFICATES/client-key.pem"
SECURE=$(rabbitmq_port amqps)

check "a stranger's CA" refuses 'not accepted' \
    "amqps://ann:hidden@localhost:$SECURE/?cacertfile=$CERTIFICATES/other-ca.pem&$IDENTITY"
check "no CA file: the machine's" refuses 'not accepted' "amqps://ann:hidden@localhost:$SECURE/?$IDENTITY"
check "a CA file that is not there" refuses 'cacertfile' \
    "amqps://ann:hidden@localhost:$SECURE/?cacertfile=/nowhere.pem&$IDENTITY"
check "somebody else's key" refuses 'keyfile' \
    "amqps://ann:hidden@localhost:$SECURE/?$TRUST&certfile=$CERTIFICATES/client.pem&keyfile=$CERTIFICATES/server-key.pem"
check "no certificate of ours" refuses 'the broker at' "amqps://ann:hidden@localhost:$SECURE/?$TRUST"
check "plain text against TLS" refuses 'is this its AMQP port' "amqp://ann:hidden@localhost:$SECURE/"
check "TLS against plain text" refuses 'is this its TLS port' \
    "amqps://ann:hidden@localhost:$(rabbitmq_port rabbitmq)/?$TRUST&$IDENTITY"
check "a wrong password" refuses "refuses user 'ann'" "amqps://ann:hidden@localhost:$SECURE/?$TRUST&$IDENTITY"
check "a certificate of another host" impostor stranger 'not accepted: hostname mismatch'
check "the same by address" impostor stranger 'not accepted: IP address mismatch' 127.0.0.1
check "an expired certificate" impostor expired 'not accepted: certificate has expired'
check "a certificate that is good, of no broker" impostor server 'broke off the login'
check "flow scripts" "$BUILD/tests/flow/flow" --real
check "a worker and a client" tests/rig/workers.sh start "$DIR"
check "a call" "$CARTWRIGHT" call product.list '{"limit": 3}'
# The guest of these tests writes AMQP by hand, and that without TLS; the lanes have it.
PLAIN_OPERATOR="amqp://operator:$(cat "$DIR/password.operator")@127.0.0.1:$(rabbitmq_port rabbitmq)/%2f"
check "heartbeats" env RIG_DIR="$DIR" ROOT="$ROOT" CARTWRIGHT_AMQP_OPERATOR_URI="$PLAIN_OPERATOR" \
    "$BUILD/tests/life/life" --only bus_outlives
check "MongoDB: a stranger's CA" bash -c "! CARTWRIGHT_MONGODB_URI='${CARTWRIGHT_MONGODB_URI/ca.pem/other-ca.pem}' \
    timeout 60 '$CARTWRIGHT' index --config '$CONFIG'"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
