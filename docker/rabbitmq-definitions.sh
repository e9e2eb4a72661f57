#!/usr/bin/env bash
# rabbitmq-definitions.sh [FILE] - RabbitMQ's definitions with the passwords put in, on standard output.
#
# FILE (rabbitmq-definitions.json beside this script) has the users without passwords: as it is,
# nobody can log in. For each user NAME the password is taken from BROKER_<NAME>_PASSWORD,
# or from the file that BROKER_<NAME>_PASSWORD_FILE names; a user without either stays
# locked out. Only salted digests are written. BROKER_PREFIX: the shop's `prefix` when it is
# not "cartwright", as it stands in a regular expression in JSON (my\\.shop).
#
# The passwords of what a broker loads win over those it has, so a new password is a new start, or
# `rabbitmqctl import_definitions` with what this prints.
set -euo pipefail

password_of() {
    local name=BROKER_${1^^}_PASSWORD
    local file=${name}_FILE
    if [ -n "${!name:-}" ]; then
        printf %s "${!name}"
    elif [ -n "${!file:-}" ]; then
        printf %s "$(<"${!file}")"
    fi
}

bytes_of_hex() {
    local i
    for ((i = 0; i < ${#1}; i += 2)); do printf '%b' "\\x${1:i:2}"; done
}

# rabbit_password_hashing_sha256: base64 of four random bytes and the digest of them and the password.
hash_of() {
    local salt digest
    salt=$(od -An -N4 -tx1 /dev/urandom | tr -d ' \n')
    digest=$({
        bytes_of_hex "$salt"
        printf %s "$1"
    } | sha256sum | cut -d' ' -f1)
    bytes_of_hex "$salt$digest" | base64 -w0
}

FILE=${1:-$(dirname "$0")/rabbitmq-definitions.json}
definitions=$(<"$FILE")
mapfile -t users < <(sed -nE 's/^ *\{"name": "([a-z]+)", "password_hash".*/\1/p' "$FILE")
for user in "${users[@]}"; do
    password=$(password_of "$user")
    locked="\"name\": \"$user\", \"password_hash\": \""
    [ -z "$password" ] || definitions=${definitions/"$locked"/"$locked$(hash_of "$password")"}
done
if [ -n "${BROKER_PREFIX:-}" ]; then
    prefix=${BROKER_PREFIX//\\/\\\\} # as JSON writes it; RabbitMQ 4 insists, 3.10 does not
    definitions=${definitions//'cartwright\\.'/"$prefix"'\\.'}
fi
printf '%s\n' "$definitions"
