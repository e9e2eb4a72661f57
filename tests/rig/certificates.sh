#!/usr/bin/env bash
# certificates.sh DIR - a private CA and what it signed, for tests of TLS: for localhost and 127.0.0.1
# server.pem, a client's client.pem, expired.pem whose time is over as soon as it is made, stranger.pem for another host; and
# other-ca.pem, which signed none of them. Keys are beside them: server-key.pem.
set -euo pipefail
DIR=$1
mkdir -p "$DIR"
cd "$DIR"

make_ca() { # make_ca NAME
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=cartwright test $1" \
        -addext 'basicConstraints=critical,CA:true' -keyout "$1-key.pem" -out "$1.pem"
}

make_one() { # make_one NAME SUBJECT-ALTERNATIVE-NAMES OPTIONS...: signed by the CA
    local name=$1 names=$2
    shift 2
    openssl req -new -newkey rsa:2048 -nodes -subj "/CN=$name" -keyout "$name-key.pem" -out "$name.csr"
    printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$names" >"$name.ext"
    openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca-key.pem -CAcreateserial \
        -extfile "$name.ext" -out "$name.pem" "$@"
}

{
    make_ca ca
    make_ca other-ca
    make_one server 'DNS:localhost,IP:127.0.0.1' -days 30
    make_one client 'DNS:client.example' -days 30
    make_one expired 'DNS:localhost,IP:127.0.0.1' -days 0
    make_one stranger 'DNS:elsewhere.example' -days 30
    cat server.pem server-key.pem >server-both.pem
    chmod 600 ./*.pem
} >certificates.log 2>&1
