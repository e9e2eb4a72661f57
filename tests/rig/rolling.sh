#!/usr/bin/env bash
# rolling.sh BUILD RELEASE [ARGS...] - rounds of faults with the workers of two releases side by side.
#
# RELEASE is a tag, a branch or a commit; it is built in a tree of its own below build/rolling. Topology and indexes are
# those of RELEASE and then of BUILD, which is how a roll begins (docs/operations.md). Then, of the two `cartwright worker`
# of a round, one is of BUILD and the other of RELEASE, with its own configuration; lanes and supervisors
# of both are killed, drained and replaced while the shop is at work. The verdict of a round is BUILD's.
# ARGS are those of fault.sh; without them each fault of lanes and supervisors has two rounds. With
# --seconds S alone these faults go round for so long, with other seeds each time.
set -euo pipefail
# shellcheck source=tests/rig/rig.sh
. "$(dirname "$0")/rig.sh"
OF_LANES=lanes_killed,lane_paused,supervisor_killed,supervisor_restarted

# A commit never changes: what is built of it stays.
build_release() {
    if [ -x "$TREE/cartwright" ]; then return; fi
    echo "building $RELEASE in ${TREE#"$ROOT"/} ..."
    rm -rf "$TREE"
    mkdir -p "$TREE/build"
    git -C "$ROOT" archive "$RELEASE" | tar -x -C "$TREE"
    RIG_INSTALL=no "${MAKE:-make}" --no-print-directory -C "$TREE" MAKELEVEL=0 -j"$(nproc)" \
        cartwright >"$TREE/build.log" 2>&1 || {
        tail -n 20 "$TREE/build.log" >&2
        die "$RELEASE does not build; the whole log is $TREE/build.log"
    }
}

# It refuses variables that it does not know, and has pools for the domains that it has.
write_starter() {
    cat >"$TREE/beside" <<STARTER
#!/usr/bin/env bash
[ "\$1" != topology ] || export CARTWRIGHT_AMQP_URI=\$CARTWRIGHT_AMQP_OPERATOR_URI
unset CARTWRIGHT_AMQP_OPERATOR_URI CARTWRIGHT_CLIENT_AMQP_URI CARTWRIGHT_READER_AMQP_URI
unset CARTWRIGHT_EVENTS_ACCEPT_UNSIGNED
exec "$TREE/cartwright" "\$1" --config "$TREE/config/ci.yaml"
STARTER
    chmod +x "$TREE/beside"
}

[ $# -ge 2 ] || die "usage: rolling.sh BUILD RELEASE [ARGS...]"
BUILD=$1
RELEASE=$(git -C "$ROOT" rev-parse --verify --quiet --short=12 "$2^{commit}") ||
    die "there is no tag, branch or commit '$2' (a clone without tags needs git fetch --tags)"
shift 2
TREE=$ROOT/build/rolling/$RELEASE
build_release
write_starter
[ $# -gt 0 ] || set -- --seeds 1..2 --faults "$OF_LANES"
case " $* " in
    *" --seeds "* | *" --faults "*) ;;
    *) set -- "$@" --faults "$OF_LANES" ;;
esac
# Releases before the signing of events do not sign them.
export BESIDE=$TREE/beside CARTWRIGHT_EVENTS_ACCEPT_UNSIGNED=true
exec "$ROOT/tests/rig/fault.sh" "$BUILD" "$@"
