#!/usr/bin/env bash
# tls.sh BUILD - everything once through TLS: the flow scripts on a RabbitMQ and a Redis that want a
# client's certificate and a mongod, all of a private CA; a worker whose heartbeats go through TLS; and
# servers that are not who they should be. Redis has its part where BUILD was made with a hiredis that
# has TLS; elsewhere its checks are skipped. Ends with a totals line.
set -uo pipefail
# shellcheck source=tests/rig/rig.sh
. "$(dirname "$0")/rig.sh"
BUILD=$(realpath "$1")
DIR=${RIG_DIR:?}/tls
CERTIFICATES=$DIR/certificates
passed=0 failed=0 skipped=0

check() { # check NAME COMMAND...
    local name=$1
    shift
    if "$@" >"$DIR/check.log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "  $name: FAILED"
        grep -vE '^(ok|skip) ' "$DIR/check.log" | tail -n 20 | cut -c1-400
    fi
}

# Checks that this build cannot carry out.
skip() { # skip REASON NAME...
    echo "  not tried: $1: ${*:2}"
    skipped=$((skipped + $# - 1))
}

finish() {
    tests/rig/workers.sh stop "$DIR" >/dev/null 2>&1
    RIG_TLS=$CERTIFICATES tests/rig/servers.sh stop "$DIR"
}

# --- servers that are not who they should be -------------------------------------------------------
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# says_why TEXT COMMAND...: it fails, says so with that text, and does not show the password
says_why() {
    local text=$1 said
    shift
    said=$(timeout 30 "$@" --config "$CONFIG" 2>&1) && return 1
    echo "$said"
    grep -qF "$text" <<<"$said" && ! grep -q hidden <<<"$said"
}

# refuses TEXT URI: topology, which speaks to the broker, or check, which speaks to Redis
refuses() {
    case $2 in
    amqp*) says_why "$1" env CARTWRIGHT_AMQP_URI="$2" CARTWRIGHT_AMQP_OPERATOR_URI="$2" "$CARTWRIGHT" topology ;;
    redis*) says_why "$1" env CARTWRIGHT_REDIS_URI="$2" "$CARTWRIGHT" check ;;
    esac
}

# impostor SCHEME CERTIFICATE TEXT [HOST]: a TLS server that has this certificate
impostor() {
    local scheme=$1 certificate=$2 text=$3 host=${4:-localhost} port pid status
    port=$(free_port)
    openssl s_server -accept "127.0.0.1:$port" -cert "$CERTIFICATES/$certificate.pem" \
        -key "$CERTIFICATES/$certificate-key.pem" -quiet </dev/zero >/dev/null 2>&1 &
    pid=$!
    until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do sleep 0.05; done
    refuses "$text" "$scheme://ann:hidden@$host:$port/?cacertfile=$CERTIFICATES/ca.pem"
    status=$?
    kill "$pid"
    wait "$pid" 2>/dev/null
    return $status
}

port_of() { sed -n "s/^$1=//p" "$DIR/ports"; }

# --- the test --------------------------------------------------------------------------------------
mkdir -p "$DIR"
tests/rig/certificates.sh "$CERTIFICATES" || die "no certificates: see $CERTIFICATES/certificates.log"
trap finish EXIT
unset CARTWRIGHT_AMQP_URI CARTWRIGHT_AMQP_OPERATOR_URI CARTWRIGHT_CLIENT_AMQP_URI \
    CARTWRIGHT_READER_AMQP_URI CARTWRIGHT_MONGODB_URI CARTWRIGHT_REDIS_URI
export RIG_TLS_REDIS=no
if ldd "$CARTWRIGHT" | grep -q libhiredis_ssl; then RIG_TLS_REDIS=yes; fi
RIG_TLS=$CERTIFICATES tests/rig/servers.sh start "$DIR" || die "no servers with TLS"
# shellcheck disable=SC1091 # written at run time
. "$DIR/env"
TRUST="cacertfile=$CERTIFICATES/ca.pem"
IDENTITY="certfile=$CERTIFICATES/client.pem&keyfile=$CERTIFICATES/client-key.pem"

# Every server that has the part: its scheme, its port with TLS and the one without, and what it says of
# plain text against TLS, of TLS against plain text, of nobody's certificate, and of a wrong password.
impostors() {
    local scheme=$1 secure=$2 plain=$3 other_port=$4 no_tls=$5 nobody=$6 password=$7 nonsense=$8
    local it="$scheme://ann:hidden@localhost:$secure/"
    check "$scheme: a stranger's CA" refuses 'not accepted' "$it?cacertfile=$CERTIFICATES/other-ca.pem&$IDENTITY"
    check "$scheme: no CA file: the machine's" refuses 'not accepted' "$it?$IDENTITY"
    check "$scheme: a CA file that is not there" refuses 'cacertfile' "$it?cacertfile=/nowhere.pem&$IDENTITY"
    check "$scheme: somebody else's key" refuses 'keyfile' \
        "$it?$TRUST&certfile=$CERTIFICATES/client.pem&keyfile=$CERTIFICATES/server-key.pem"
    check "$scheme: no certificate of ours" refuses "$nobody" "$it?$TRUST"
    check "$scheme: plain text against TLS" refuses "$other_port" "${scheme%s}://ann:hidden@localhost:$secure/"
    check "$scheme: TLS against plain text" refuses "$no_tls" "$scheme://ann:hidden@localhost:$plain/?$TRUST&$IDENTITY"
    check "$scheme: a wrong password" refuses "$password" "$it?$TRUST&$IDENTITY"
    check "$scheme: a certificate of another host" impostor "$scheme" stranger 'not accepted: hostname mismatch'
    check "$scheme: the same by address" impostor "$scheme" stranger 'not accepted: IP address mismatch' 127.0.0.1
    check "$scheme: an expired certificate" impostor "$scheme" expired 'not accepted: certificate has expired'
    check "$scheme: a certificate that is good, of no server" impostor "$scheme" server "$nonsense"
}

impostors amqps "$(port_of amqps)" "$(port_of rabbitmq)" 'is this its AMQP port' 'is this its TLS port' \
    'the broker at' "refuses user 'ann'" 'broke off the login'
if [ $RIG_TLS_REDIS = yes ]; then
    impostors rediss "$(port_of rediss)" "$(port_of redis)" 'redis: ' 'is this its TLS port' \
        'redis: ' 'WRONGPASS' 'redis: '
    check "rediss: leases, stamps, caches, limits" "$BUILD/tests/live/test_lock_live"
else
    skip "this hiredis has no TLS (Debian 12)" rediss:{CA,machine,file,key,nobody,plain,secure,password,host,address,expired,nonsense,locks}
fi
check "flow scripts" "$BUILD/tests/flow/flow" --real
check "a worker and a client" tests/rig/workers.sh start "$DIR"
check "a call" "$CARTWRIGHT" call product.list '{"limit": 3}'
# The guest of these tests writes AMQP by hand, and that without TLS; the lanes have it.
PLAIN_OPERATOR="amqp://operator:$(cat "$DIR/password.operator")@127.0.0.1:$(port_of rabbitmq)/%2f"
check "heartbeats" env RIG_DIR="$DIR" ROOT="$ROOT" CARTWRIGHT_AMQP_OPERATOR_URI="$PLAIN_OPERATOR" \
    "$BUILD/tests/life/life" --only bus_outlives
check "MongoDB: a stranger's CA" bash -c "! CARTWRIGHT_MONGODB_URI='${CARTWRIGHT_MONGODB_URI/ca.pem/other-ca.pem}' \
    timeout 60 '$CARTWRIGHT' index --config '$CONFIG'"
echo "$passed passed, $failed failed$([ $skipped = 0 ] || echo ", $skipped skipped")"
[ $failed = 0 ]
