#!/usr/bin/env bash
# servers.sh - private RabbitMQ, Redis and mongod on loopback, everything below one folder.
#
#   start DIR [NAME...]     starts what is not running; writes DIR/env
#   stop DIR [NAME...]      ends exactly what was started here, and waits for it
#   restart DIR NAME...     stop and start, on the same port and data
#   kill DIR NAME...        kill -9, for fault tests; start brings it back
#   pause|resume DIR NAME   SIGSTOP, SIGCONT
#   status DIR              one line for each server; fails unless all run
#   env DIR                 prints DIR/env
#   ctl DIR ARGS...         rabbitmqctl on the private broker
#   reset DIR               forgets the data; the servers must be down
#
# RIG_TLS, a folder of certificates.sh, makes RabbitMQ and mongod speak TLS as well, with RIG_TLS_REDIS=yes
# Redis, too; DIR/env then has those addresses.
#
# RIG_RABBITMQ_JOIN, the DIR of another set whose RabbitMQ runs, makes this one a node of its cluster, with
# its users; that is for the life of DIR.
#
# NAME is rabbitmq, redis or mongod. A server whose CARTWRIGHT_*_URI is set already is not started:
# DIR/env passes that address on. The broker has the users, permissions, policies and limits of docker/,
# and DIR/env an address for each user: CARTWRIGHT_AMQP_URI for workers, CARTWRIGHT_AMQP_OPERATOR_URI for
# who declares and looks at dead letters, CARTWRIGHT_CLIENT_AMQP_URI for web tiers, and
# CARTWRIGHT_READER_AMQP_URI for who only listens to events and notifications. A server keeps its port over restarts as long as nobody else took
# it. Ports lie below the range from which the kernel gives ports to clients: a client that knocks
# at a dead server's port could otherwise be given that very port and talk to itself.
set -euo pipefail
# shellcheck source=tests/rig/rig.sh
. "$(dirname "$0")/rig.sh"
umask 077

NAMES=(rabbitmq redis mongod)
declare -A URI_OF=([rabbitmq]=CARTWRIGHT_AMQP_URI [redis]=CARTWRIGHT_REDIS_URI
    [mongod]=CARTWRIGHT_MONGODB_URI)
READY_SECONDS=60 # a slow, loaded machine; usually it takes 2 to 6

# --- stopping -------------------------------------------------------------------------------------
stop_one() {
    end_process "$1"
    [ "$1" != rabbitmq ] || end_process epmd
}

# --- ports ----------------------------------------------------------------------------------------
# Prints one "NAME=port" line for each name; a port given as NAME=port is kept while it is free.
choose_ports() {
    python3 - "$@" <<'PY'
import random, socket, sys
with open("/proc/sys/net/ipv4/ip_local_port_range") as limits:
    below = min(int(limits.read().split()[0]), 32768)
span = range(20000, below) if below > 21000 else range(10000, 20000)
held = []
def take(port):
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind(("127.0.0.1", port))
    except OSError:
        probe.close()
        return False
    held.append(probe)
    return True
for wanted in sys.argv[1:]:
    name, _, port = wanted.partition("=")
    while not port or not take(int(port)):
        port = random.choice(span)
    print(f"{name}={port}")
PY
}

# A port in use by our own running server is not up for choice.
settle_ports() {
    local wanted=() kept=() name owner old
    [ -f "$DIR/ports" ] || : >"$DIR/ports"
    for name in rabbitmq amqps dist epmd redis rediss mongod; do
        owner=$name
        case $name in
        dist | amqps) owner=rabbitmq ;;
        rediss) owner=redis ;;
        esac
        old=$(sed -n "s/^$name=//p" "$DIR/ports")
        if running "$owner" >/dev/null; then
            kept+=("$name=$old")
        else
            wanted+=("$name${old:+=$old}")
        fi
    done
    {
        [ ${#kept[@]} -eq 0 ] || printf '%s\n' "${kept[@]}"
        [ ${#wanted[@]} -eq 0 ] || choose_ports "${wanted[@]}"
    } >"$DIR/ports.new"
    mv "$DIR/ports.new" "$DIR/ports"
}

port() {
    sed -n "s/^$1=//p" "$DIR/ports"
}

# --- RabbitMQ: its own epmd, node and cookie, so that it meets no other broker of the machine -----
rabbitmq_program() {
    # Debian's wrapper on PATH insists on the user rabbitmq; the script behind it does not.
    if [ -x "/usr/lib/rabbitmq/bin/$1" ]; then echo "/usr/lib/rabbitmq/bin/$1"; else command -v "$1"; fi
}

# The DIR whose cluster this node is in, or nothing.
joined() { cat "$DIR/joined" 2>/dev/null || true; }

node_name() {
    if [ -n "$(joined)" ]; then echo "cartwright-$(basename "$DIR")@localhost"; else echo cartwright@localhost; fi
}

# Nodes of a cluster know each other by the cookie and the epmd of the first.
join_cluster() {
    local first=${RIG_RABBITMQ_JOIN:-}
    [ -n "$first" ] && [ ! -e "$DIR/joined" ] || return 0
    mkdir -p "$DIR/rabbitmq"
    cp "$first"/password.* "$DIR/"
    cp "$first/rabbitmq/.erlang.cookie" "$DIR/rabbitmq/"
    chmod 400 "$DIR/rabbitmq/.erlang.cookie"
    (cd "$first" && pwd) >"$DIR/joined"
}

rabbitmq_cluster_config() {
    cat <<CONF
cluster_formation.peer_discovery_backend = classic_config
cluster_formation.classic_config.nodes.1 = cartwright@localhost
cluster_formation.classic_config.nodes.2 = $(node_name)
CONF
}

rabbitmq_env() {
    local first
    first=$(joined)
    export HOME=$DIR/rabbitmq LANG=C.UTF-8
    export ERL_EPMD_ADDRESS=127.0.0.1
    ERL_EPMD_PORT=$(sed -n 's/^epmd=//p' "${first:-$DIR}/ports")
    export ERL_EPMD_PORT
    RABBITMQ_NODENAME=$(node_name)
    export RABBITMQ_NODENAME
    export RABBITMQ_CONF_ENV_FILE=/dev/null
}

rabbitmq_tls_config() {
    cat <<CONF
listeners.ssl.1 = 127.0.0.1:$(port amqps)
ssl_options.cacertfile = $RIG_TLS/ca.pem
ssl_options.certfile = $RIG_TLS/server.pem
ssl_options.keyfile = $RIG_TLS/server-key.pem
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
CONF
}

# The shipped configuration, but for where this broker lives and how much of the machine it may have.
rabbitmq_write_config() {
    mkdir -p "$DIR/rabbitmq"
    {
        grep -vE '^(vm_memory|disk_free|load_definitions)' "$ROOT/docker/rabbitmq.conf"
        cat <<CONF
listeners.tcp.1 = 127.0.0.1:$(port rabbitmq)
vm_memory_high_watermark.absolute = ${RIG_RABBITMQ_MEMORY_GB:-1}GB
disk_free_limit.absolute = 50MB
raft.wal_max_size_bytes = $((${RIG_RABBITMQ_WAL_MB:-64} << 20))
log.file.level = info
log.console = false
CONF
        # Whoever joins is given what the first has.
        if [ -n "$(joined)" ]; then
            rabbitmq_cluster_config
        else
            echo "load_definitions = $DIR/rabbitmq/definitions.json"
        fi
        [ -z "${RIG_TLS:-}" ] || rabbitmq_tls_config
        # The last one counts. A broker as it comes offers 131072.
        [ -z "${RIG_RABBITMQ_FRAME_MAX:-}" ] || echo "frame_max = $RIG_RABBITMQ_FRAME_MAX"
    } >"$DIR/rabbitmq/rabbitmq.conf"
    cp "$ROOT/docker/advanced.config" "$DIR/rabbitmq/advanced.config"
    # Partitioned domains need the second exchange type; nothing needs the management pages.
    echo '[rabbitmq_consistent_hash_exchange].' >"$DIR/rabbitmq/enabled_plugins"
    rabbitmq_write_definitions
}

BROKER_USERS=(web worker operator reader)

# Every test has a prefix of its own, so the users have their rights below every prefix, unless
# RIG_BROKER_PREFIX names the one.
rabbitmq_write_definitions() {
    local user
    (
        umask 077
        for user in "${BROKER_USERS[@]}"; do
            [ -f "$DIR/password.$user" ] || hex32 >"$DIR/password.$user"
            export "BROKER_${user^^}_PASSWORD_FILE=$DIR/password.$user"
        done
        BROKER_PREFIX=${RIG_BROKER_PREFIX:-'(?!amq\.)[a-z][a-z0-9-]*'} "$ROOT/docker/rabbitmq-definitions.sh" \
            >"$DIR/rabbitmq/definitions.json"
    )
}

start_epmd() {
    local epmd
    if [ -n "$(joined)" ] || running epmd >/dev/null; then return; fi
    epmd=$(command -v epmd) || die "no epmd here: install erlang-base"
    launch epmd "$epmd" -port "$(port epmd)" -address 127.0.0.1
}

start_rabbitmq() {
    local program
    program=$(rabbitmq_program rabbitmq-server) || die "no rabbitmq-server here"
    join_cluster
    rabbitmq_write_config
    (
        rabbitmq_env
        start_epmd
        RABBITMQ_DIST_PORT=$(port dist)
        export RABBITMQ_DIST_PORT
        export RABBITMQ_MNESIA_BASE=$DIR/rabbitmq/data RABBITMQ_LOG_BASE=$DIR/log
        export RABBITMQ_LOGS=$DIR/log/rabbitmq.log
        export RABBITMQ_CONFIG_FILE=$DIR/rabbitmq/rabbitmq
        export RABBITMQ_ADVANCED_CONFIG_FILE=$DIR/rabbitmq/advanced.config
        export RABBITMQ_ENABLED_PLUGINS_FILE=$DIR/rabbitmq/enabled_plugins
        export RABBITMQ_GENERATED_CONFIG_DIR=$DIR/rabbitmq/generated
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}"
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS+=" ${RIG_RABBITMQ_ERL_ARGS:-}"
        export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS
        # With this the script becomes the Erlang VM instead of minding it: one pid to watch.
        export detached=true
        launch rabbitmq "$program"
    )
}

# The listener opens last; an answer to a handshake means ready.
ready_rabbitmq() {
    local answer
    answer=$( (
        exec 3<>"/dev/tcp/127.0.0.1/$(port rabbitmq)"
        printf 'AMQP\0\0\011\001' >&3
        timeout 2 head -c 1 <&3 | od -An -tx1
    ) 2>/dev/null) || return 1
    [ "${answer//[[:space:]]/}" = 01 ]
}

uri_rabbitmq() { # uri_rabbitmq [USER]
    local user=${1:-worker}
    user=$user:$(cat "$DIR/password.$user" 2>/dev/null)
    if [ -n "${RIG_TLS:-}" ]; then
        echo "amqps://$user@localhost:$(port amqps)/%2f?cacertfile=$RIG_TLS/ca.pem&certfile=$RIG_TLS/client.pem&keyfile=$RIG_TLS/client-key.pem"
    else
        echo "amqp://$user@127.0.0.1:$(port rabbitmq)/%2f"
    fi
}

# The addresses of the other users; of a broker that is not ours we know only one.
declare -A USER_OF=([CARTWRIGHT_AMQP_OPERATOR_URI]=operator [CARTWRIGHT_CLIENT_AMQP_URI]=web
    [CARTWRIGHT_READER_AMQP_URI]=reader)

env_of_users() {
    local name
    for name in "${!USER_OF[@]}"; do
        if ours rabbitmq; then
            printf "export %s='%s'\n" "$name" "$(uri_rabbitmq "${USER_OF[$name]}")"
        else
            printf "export %s='%s'\n" "$name" "${!name:-$CARTWRIGHT_AMQP_URI}"
        fi
    done
}

# --- Redis: locks and caches only, so nothing is kept on disk -------------------------------------
# Redis or Valkey, whichever is here; RIG_REDIS names one.
redis_program() {
    local name
    for name in ${RIG_REDIS:-redis-server valkey-server}; do command -v "$name" && return; done
    return 1
}

redis_has_tls() {
    [ -n "${RIG_TLS:-}" ] && [ "${RIG_TLS_REDIS:-no}" = yes ]
}

start_redis() {
    local program tls=()
    program=$(redis_program) || die "neither redis-server nor valkey-server here"
    if redis_has_tls; then
        tls=(--tls-port "$(port rediss)" --tls-ca-cert-file "$RIG_TLS/ca.pem" --tls-auth-clients yes
            --tls-cert-file "$RIG_TLS/server.pem" --tls-key-file "$RIG_TLS/server-key.pem")
    fi
    mkdir -p "$DIR/redis"
    launch redis "$program" --port "$(port redis)" --bind 127.0.0.1 --save '' --appendonly no \
        --dir "$DIR/redis" --logfile "$DIR/log/redis.log" --daemonize no \
        --maxmemory 512mb --maxmemory-policy noeviction ${tls[@]+"${tls[@]}"}
}

ready_redis() {
    local answer
    answer=$( (
        exec 3<>"/dev/tcp/127.0.0.1/$(port redis)"
        printf 'PING\r\n' >&3
        timeout 2 head -n 1 <&3
    ) 2>/dev/null) || return 1
    [ "${answer%$'\r'}" = +PONG ]
}

uri_redis() {
    if redis_has_tls; then
        echo "rediss://localhost:$(port rediss)/0?cacertfile=$RIG_TLS/ca.pem&certfile=$RIG_TLS/client.pem&keyfile=$RIG_TLS/client-key.pem"
    else
        echo "redis://127.0.0.1:$(port redis)/0"
    fi
}

# --- mongod ---------------------------------------------------------------------------------------
# enableTestCommands: fault tests use failCommand. A dead lane's transaction must not hold its
# documents for the usual minute, hence the lifetime. Nobody reads old snapshots here, so no history
# is kept for them (it costs eviction a fifth of mongod's time under load). Without the shutdown limit a primary without
# secondaries waits 15 s for one. zlib, on by default in 6.0.5, has CVE-2025-14847.
start_mongod() {
    local program tls=()
    program=$(rig_mongod)
    # preferTLS: what asks whether it is ready does so without.
    [ -z "${RIG_TLS:-}" ] || tls=(--tlsMode preferTLS --tlsCertificateKeyFile "$RIG_TLS/server-both.pem"
        --tlsCAFile "$RIG_TLS/ca.pem" --tlsAllowConnectionsWithoutCertificates)
    mkdir -p "$DIR/mongod"
    launch mongod "$program" --replSet rs0 --bind_ip 127.0.0.1 --port "$(port mongod)" \
        --dbpath "$DIR/mongod" --logpath "$DIR/log/mongod.log" --logappend --quiet \
        --nounixsocket --wiredTigerCacheSizeGB "${RIG_MONGOD_CACHE_GB:-1}" --oplogSize 990 \
        --networkMessageCompressors disabled \
        --setParameter enableTestCommands=1 \
        --setParameter minSnapshotHistoryWindowInSeconds=0 \
        --setParameter transactionLifetimeLimitSeconds=10 \
        --setParameter shutdownTimeoutMillisForSignaledShutdown=100 \
        --setParameter diagnosticDataCollectionEnabled=false ${tls[@]+"${tls[@]}"}
}

ready_mongod() {
    python3 "$ROOT/tests/rig/mongod_ready.py" "$(port mongod)" 1 2>/dev/null
}

uri_mongod() {
    local options=
    [ -z "${RIG_TLS:-}" ] || options="&tls=true&tlsCAFile=$RIG_TLS/ca.pem"
    echo "mongodb://127.0.0.1:$(port mongod)/cartwright?replicaSet=rs0$options"
}

# --- the environment ------------------------------------------------------------------------------
hex32() {
    od -An -N32 -tx1 /dev/urandom | tr -d ' \n'
}

# The keys stay the same for the life of the folder: what is sealed in the database needs them.
write_env() {
    local name uri
    (
        umask 077
        [ -f "$DIR/keys" ] || printf 'export %s=%s\n' CARTWRIGHT_AUTH_MASTER_KEY "$(hex32)" \
            CARTWRIGHT_AUTH_TOKEN_KEY "$(hex32)" >"$DIR/keys"
        {
            echo "# Addresses and keys of the private servers: '. $DIR/env'"
            for name in "${NAMES[@]}"; do
                uri=${URI_OF[$name]}
                printf "export %s='%s'\n" "$uri" "${!uri:-$("uri_$name")}"
            done
            env_of_users
            cat "$DIR/keys"
            # The driver's counters, 8 KiB in /dev/shm, stay behind when a process is killed.
            echo "export MONGOC_DISABLE_SHM=1"
        } >"$DIR/env.new"
        mv "$DIR/env.new" "$DIR/env"
    )
}

# --- commands -------------------------------------------------------------------------------------
ours() {
    local uri=${URI_OF[$1]}
    # What this very folder started is ours although its address is in the environment.
    [ -z "${!uri:-}" ] || [ "${!uri}" = "$("uri_$1")" ]
}

explain_failure() {
    local name=$1 log
    echo "servers: $name $2" >&2
    for log in "$DIR/log/$name.out" "$DIR/log/$name.log"; do
        if [ -s "$log" ]; then
            echo "servers: the end of $log:" >&2
            tail -n 12 "$log" | cut -c1-400 >&2
        fi
    done
    echo "servers: what to do: free what it complains about and start again; if its data are" >&2
    echo "servers: broken, '$0 reset $DIR' forgets them; or set ${URI_OF[$name]} to another server" >&2
}

await() {
    local name=$1 tries=$((READY_SECONDS * 10))
    until "ready_$name"; do
        tries=$((tries - 1))
        if ! running "$name" >/dev/null; then
            explain_failure "$name" "ended while it was starting"
            return 1
        fi
        if [ $tries -le 0 ]; then
            explain_failure "$name" "is not ready after $READY_SECONDS s"
            return 1
        fi
        sleep 0.1
    done
}

# The stamps of make do not notice when something was removed since; this costs one dpkg-query.
install_missing() {
    local name
    for name in "$@"; do
        if ours "$name" && ! running "$name" >/dev/null; then
            "$ROOT/tests/rig/install.sh" servers
            return
        fi
    done
}

start() {
    local name began=() failed=no
    install_missing "$@"
    settle_ports
    for name in "$@"; do
        if ! ours "$name" || running "$name" >/dev/null; then continue; fi
        : >"$DIR/log/$name.out"
        "start_$name"
        began+=("$name")
    done
    for name in ${began[@]+"${began[@]}"}; do
        await "$name" || failed=yes
    done
    if [ $failed = yes ]; then
        stop ${began[@]+"${began[@]}"}
        return 1
    fi
    write_env
}

stop() {
    local name pids=()
    for name in "$@"; do
        stop_one "$name" &
        pids+=($!)
    done
    for name in ${pids[@]+"${pids[@]}"}; do wait "$name"; done
}

status() {
    local name all=0
    for name in "${NAMES[@]}"; do
        if ! ours "$name"; then
            echo "$name: not ours, at ${URI_OF[$name]}"
        elif running "$name" >/dev/null; then
            echo "$name: running, pid $(running "$name"), port $(port "$name")"
        else
            echo "$name: not running"
            all=1
        fi
    done
    return $all
}

reset() {
    local name
    for name in "${NAMES[@]}"; do
        ! running "$name" >/dev/null || die "$name is running: stop it first"
        rm -rf "${DIR:?}/$name"
    done
    rm -rf "${DIR:?}/log" "${DIR:?}/joined"
}

usage() {
    sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p}' "$0" >&2
    exit 2
}

[ $# -ge 2 ] || usage
COMMAND=$1
mkdir -p "$2"
DIR=$(cd "$2" && pwd)
# Keys and data are for their owner, also in a folder that somebody made before; not /tmp itself.
[ -k "$DIR" ] || chmod go= "$DIR"
shift 2
mkdir -p "$DIR/log"
if [ "$COMMAND" = ctl ]; then
    rabbitmq_env
    exec "$(rabbitmq_program rabbitmqctl)" "$@" </dev/null
fi
if [ "$COMMAND" != env ] && [ "$COMMAND" != status ]; then
    exec 9>"$DIR/lock"
    flock 9 # two commands on one folder take turns
fi
CHOSEN=("$@")
[ $# -gt 0 ] || CHOSEN=("${NAMES[@]}")
for name in "${CHOSEN[@]}"; do
    [ -n "${URI_OF[$name]:-}" ] || die "no server is called '$name': ${NAMES[*]}"
done
case $COMMAND in
start) start "${CHOSEN[@]}" ;;
stop) stop "${CHOSEN[@]}" ;;
restart) stop "${CHOSEN[@]}" && start "${CHOSEN[@]}" ;;
kill) for name in "${CHOSEN[@]}"; do kill_process "$name"; done ;;
pause) for name in "${CHOSEN[@]}"; do signal "$name" STOP; done ;;
resume) for name in "${CHOSEN[@]}"; do signal "$name" CONT; done ;;
status) status ;;
env) cat "$DIR/env" ;;
reset) reset ;;
*) usage ;;
esac
