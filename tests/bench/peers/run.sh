#!/usr/bin/env bash
# run.sh build | node | go - builds the peers below build/peers, or becomes one of them.
#
# A peer reads PEER_QUEUE, PEER_CONCURRENCY and the CARTWRIGHT_* addresses; it says "peer: ready" on
# standard error when it consumes.
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/../../.." && pwd)
PEERS=$ROOT/tests/bench/peers
BUILT=$ROOT/build/peers
GO_TOOLCHAIN=go1.22.12.linux-$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')

die() {
    echo "peers: $*" >&2
    exit 1
}

# Installed again when the list of packages has changed.
build_node() {
    command -v npm >/dev/null || die "npm is missing: install nodejs and npm"
    mkdir -p "$BUILT/node"
    cp "$PEERS"/node/* "$BUILT/node/"
    if ! cmp -s "$BUILT/node/package-lock.json" "$BUILT/node/.installed"; then
        (cd "$BUILT/node" && npm ci --no-audit --no-fund --loglevel=error </dev/null)
        cp "$BUILT/node/package-lock.json" "$BUILT/node/.installed"
    fi
}

# Prints the go program to use: the one on PATH, or, where that is too old to fetch a newer one by
# itself (before 1.21; Debian 12 has 1.19), a newer one as a module.
go_program() {
    local version folder
    command -v go >/dev/null || die "go is missing: install golang"
    version=$(go env GOVERSION)
    if printf '%s\n' go1.21 "$version" | sort -V -C; then
        echo go
        return
    fi
    folder=$(cd /tmp && go mod download -json "golang.org/toolchain@v0.0.1-$GO_TOOLCHAIN" |
        sed -n 's/^\t"Dir": "\(.*\)",*$/\1/p')
    [ -n "$folder" ] || die "go is $version and $GO_TOOLCHAIN cannot be had: install go 1.21 or newer"
    # Modules carry no permission to execute.
    chmod -R u+x "$folder/bin" "$folder/pkg/tool"
    echo "$folder/bin/go"
}

build_go() {
    local go
    go=$(go_program)
    mkdir -p "$BUILT"
    (cd "$PEERS/go" && "$go" build -o "$BUILT/go-peer" .)
}

case ${1:-} in
build) build_node && build_go ;;
node) exec node "$BUILT/node/worker.mjs" ;;
go) exec "$BUILT/go-peer" ;;
*) die "usage: run.sh build | node | go" ;;
esac
