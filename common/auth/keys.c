/* keys.c - the start of libsodium, and the keys of all purposes.
 *
 * A key is refused when it is plainly a placeholder: one byte repeated. */
#include <sodium.h>

#include "auth/auth.h"

/* One context of 8 characters per purpose: what is sealed can never be mistaken for a digest. */
#define SEAL_CONTEXT   "cw-seal."
#define DIGEST_CONTEXT "cw-diges"

enum outcome auth_init(struct err *err)
{
    if (sodium_init() < 0)
        return bug(err, "libsodium cannot start");
    return OUTCOME_DONE;
}

static bool is_one_byte_repeated(const uint8_t key[AUTH_KEY_BYTES])
{
    for (size_t i = 1; i < AUTH_KEY_BYTES; i++)
        if (key[i] != key[0])
            return false;
    return true;
}

/* `name` tells which; the value itself never gets into a text. */
static enum outcome read_key(struct str hex, const char *name, uint8_t key[AUTH_KEY_BYTES],
                             struct err *err)
{
    size_t len = 0;
    if (hex.len != 2 * AUTH_KEY_BYTES ||
        sodium_hex2bin(key, AUTH_KEY_BYTES, hex.ptr, hex.len, NULL, &len, NULL) != 0 ||
        len != AUTH_KEY_BYTES)
        return bug(err, "the %s key is not %d hex digits", name, 2 * AUTH_KEY_BYTES);
    if (is_one_byte_repeated(key))
        return bug(err, "the %s key is a placeholder, not random bytes", name);
    return OUTCOME_DONE;
}

enum outcome auth_keys_load(struct str master_hex, struct str token_hex, struct auth_keys *out,
                            struct err *err)
{
    uint8_t master[AUTH_KEY_BYTES];
    struct auth_keys keys;
    TRY(read_key(token_hex, "token", keys.token, err));
    TRY(read_key(master_hex, "master", master, err));
    if (auth_equal(master, keys.token, AUTH_KEY_BYTES))
        return bug(err, "the master key and the token key must differ");
    crypto_kdf_derive_from_key(keys.seal, sizeof(keys.seal), 1, SEAL_CONTEXT, master);
    crypto_kdf_derive_from_key(keys.digest, sizeof(keys.digest), 1, DIGEST_CONTEXT, master);
    sodium_memzero(master, sizeof(master));
    *out = keys;
    return OUTCOME_DONE;
}
