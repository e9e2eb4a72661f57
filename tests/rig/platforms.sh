#!/usr/bin/env bash
# platforms.sh SUITE [PART...] - the tests on another Debian release: in a root of it, with its compiler,
# libraries and servers.
#
# build/platforms/SUITE is made by debootstrap once and kept; in it the tools are installed by root,
# then everything is built and tested by an ordinary user: `make test` (or the PARTs named, see
# test.sh) with the release's Redis, after it the parts that have servers with its Valkey. Prints what
# ran on what. Needs root; takes an hour on two cores.
#
# What apt and the package registries need here (mirror, proxies, certificates) is taken over from this
# machine; PLATFORM_MIRROR names another mirror. Mounts and processes live in namespaces of their own
# and end with this script, whatever ends it.
set -euo pipefail
# shellcheck source=tests/rig/rig.sh
. "$(dirname "$0")/rig.sh"
WITH_SERVERS="live tls flow-live steps python node go attack life fault"
BUILDER=builder # the ordinary user
HOME_INSIDE=/home/$BUILDER
CHECKOUT=$HOME_INSIDE/cartwright

# The mirror of this machine's own Debian packages.
host_mirror() {
    # shellcheck disable=SC2016 # apt fills these in
    apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 'Created-By: Packages' |
        awk '$1 == "Debian" && $2 == "Debian" { print $3; exit }'
}

make_root() {
    local mirror=${PLATFORM_MIRROR:-$(host_mirror)}
    [ -n "$mirror" ] || die "apt has no mirror of Debian here: set PLATFORM_MIRROR"
    rm -rf "$ROOT_OF.new"
    debootstrap --variant=minbase "$SUITE" "$ROOT_OF.new" "$mirror"
    printf '#!/bin/sh\nexit 101\n' >"$ROOT_OF.new/usr/sbin/policy-rc.d"
    chmod 755 "$ROOT_OF.new/usr/sbin/policy-rc.d"
    chroot "$ROOT_OF.new" useradd --create-home --shell /bin/bash $BUILDER
    rm -rf "$ROOT_OF"
    mv "$ROOT_OF.new" "$ROOT_OF"
}

# Proxies, and certificates that this machine trusts beyond those of its packages.
copy_network_settings() {
    local file
    apt-config dump | grep -E '^Acquire::.*(Proxy|CaInfo|Retries)' >"$ROOT_OF/etc/apt/apt.conf.d/90host" || true
    cp /etc/resolv.conf /etc/hosts "$ROOT_OF/etc/"
    mkdir -p "$ROOT_OF/usr/local/share/ca-certificates"
    for file in /usr/local/share/ca-certificates/*.crt; do
        [ ! -e "$file" ] || cp "$file" "$ROOT_OF/usr/local/share/ca-certificates/"
    done
    for file in .npmrc .config/pip/pip.conf .m2/settings.xml; do
        [ ! -e "$HOME/$file" ] || install -D -m600 "$HOME/$file" "$ROOT_OF$HOME_INSIDE/$file"
    done
    [ ! -e /etc/pip.conf ] || cp /etc/pip.conf "$ROOT_OF/etc/"
}

# What is tracked or new here, and nothing that was removed; what was built there stays.
copy_checkout() {
    local to=$ROOT_OF$CHECKOUT
    mkdir -p "$to"
    find "$to" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
    git -C "$ROOT" ls-files -z --cached --others --exclude-standard --deduplicate |
        (cd "$ROOT" && while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done) |
        tar -C "$ROOT" --null -T - -c | tar -C "$to" -x
}

# inside USER COMMAND: in the root, with nothing of our environment but what leads to registries.
inside() {
    local name kept=()
    for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY PIP_CERT \
        PIP_DEFAULT_TIMEOUT NODE_EXTRA_CA_CERTS; do
        [ -z "${!name:-}" ] || kept+=("$name=${!name}")
    done
    chroot --userspec="$1:$1" "$ROOT_OF" env -i HOME=$HOME_INSIDE LANG=C.UTF-8 \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        ${RIG_REDIS:+RIG_REDIS=$RIG_REDIS} ${kept[@]+"${kept[@]}"} \
        bash -c "cd $CHECKOUT && $2" </dev/null
}

prepare() {
    [ -e "$ROOT_OF/etc/debian_version" ] || make_root
    mount -t proc proc "$ROOT_OF/proc"
    mount --rbind /dev "$ROOT_OF/dev"
    find "$ROOT_OF/tmp" -mindepth 1 -delete # of a run that was cut off
    copy_network_settings
    copy_checkout
    inside root "DEBIAN_FRONTEND=noninteractive tests/rig/install.sh build servers test &&
        apt-get install -y -q --no-install-recommends git valkey-server"
    chroot "$ROOT_OF" chown -R $BUILDER: $HOME_INSIDE
}

versions() {
    echo
    echo "what it ran on"
    sed -n 's/^PRETTY_NAME="\(.*\)"/  \1/p' "$ROOT_OF/etc/os-release"
    # shellcheck disable=SC2016 # dpkg fills these in
    chroot "$ROOT_OF" dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Version}\n' gcc 'libmongoc*' \
        'librabbitmq*' 'libjwt*' 'libhiredis*' libcmocka-dev rabbitmq-server erlang-base redis-server \
        valkey-server python3 nodejs 2>/dev/null | awk '$1 == "ii" { printf "  %-20s %s\n", $2, $3 }'
}

# Builds and tests with one of the two servers for locks and caches; the last line of the log is the totals.
test_with() {
    local redis=$1 log=$ROOT_OF.$1.log status=0
    shift
    echo "=== $SUITE with $redis: $*"
    RIG_REDIS=$redis inside $BUILDER "$*" 2>&1 | tee "$log" || status=1
    RESULTS+=("$(printf '  %-16s %s' "$redis" "$(grep -E '^[0-9]+ passed, ' "$log" | tail -n 1)")")
    [ $status = 0 ] || failed=yes
}

[ $# -ge 1 ] || die "usage: platforms.sh SUITE [PART...]"
[ "$(id -u)" = 0 ] || die "a root of another release is made and entered by root only"
SUITE=$1 ROOT_OF=$ROOT/build/platforms/$1
shift
if [ "${PLATFORM_INSIDE:-}" != yes ]; then
    mkdir -p "$(dirname "$ROOT_OF")"
    export PLATFORM_INSIDE=yes
    # unshare waits deaf for its child, the first process in there; it dies with us, and that with it.
    exec flock -n "$ROOT_OF.lock" setpriv --pdeathsig KILL \
        unshare --mount --pid --fork --kill-child "$0" "$SUITE" "$@"
fi
trap 'exit 130' INT TERM HUP
RESULTS=() failed=no
prepare
if [ $# -gt 0 ]; then
    test_with redis-server "make tested && tests/rig/test.sh build/release $*"
    test_with valkey-server "tests/rig/test.sh build/release $*"
else
    test_with redis-server make test
    test_with valkey-server "tests/rig/test.sh build/release $WITH_SERVERS"
fi
versions
echo "totals"
printf '%s\n' "${RESULTS[@]}"
[ $failed = no ]
