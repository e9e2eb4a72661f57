/* keys.c - initialises libsodium, and loads and derives the keys for all purposes.
 *
 * A key that is one byte repeated is plainly a placeholder and is refused. */
#include <sodium.h>

#include "crypto/auth.h"

/* Each purpose has a context of 8 characters, so that a seal can never be mistaken for a digest. */
#define SEAL_CONTEXT   "cw-seal."
#define DIGEST_CONTEXT "cw-diges"
#define MAC_CONTEXT    "cw-mac.."
#define BOX_CONTEXT    "cw-box.."

enum outcome auth_init(struct err *err)
{
    if (sodium_init() < 0)
        return err_bug(err, "libsodium cannot start");
    return OUTCOME_DONE;
}

static bool is_one_byte_repeated(const uint8_t key[AUTH_KEY_BYTES])
{
    for (size_t i = 1; i < AUTH_KEY_BYTES; i++)
        if (key[i] != key[0])
            return false;
    return true;
}

/* `name` identifies the key in an error; the value itself never gets into a text. */
static enum outcome read_key(struct str hex, const char *name, uint8_t key[AUTH_KEY_BYTES],
                             struct err *err)
{
    size_t len = 0;
    if (hex.len != 2 * AUTH_KEY_BYTES ||
        sodium_hex2bin(key, AUTH_KEY_BYTES, hex.ptr, hex.len, NULL, &len, NULL) != 0 ||
        len != AUTH_KEY_BYTES)
        return err_bug(err, "the %s key is not %d hex digits", name, 2 * AUTH_KEY_BYTES);
    if (is_one_byte_repeated(key))
        return err_bug(err, "the %s key is a placeholder, not random bytes", name);
    return OUTCOME_DONE;
}

_Static_assert(AUTH_KEY_BYTES == crypto_box_PUBLICKEYBYTES, "public key of sealed boxes");
_Static_assert(AUTH_KEY_BYTES == crypto_box_SECRETKEYBYTES, "secret key of sealed boxes");

static void derive(const uint8_t master[AUTH_KEY_BYTES], struct auth_secrets *out)
{
    crypto_kdf_derive_from_key(out->seal, sizeof(out->seal), 1, SEAL_CONTEXT, master);
    crypto_kdf_derive_from_key(out->digest, sizeof(out->digest), 1, DIGEST_CONTEXT, master);
    crypto_kdf_derive_from_key(out->mac, sizeof(out->mac), 1, MAC_CONTEXT, master);
    uint8_t seed[crypto_box_SEEDBYTES];
    crypto_kdf_derive_from_key(seed, sizeof(seed), 1, BOX_CONTEXT, master);
    crypto_box_seed_keypair(out->box_public, out->box_secret, seed);
    sodium_memzero(seed, sizeof(seed));
}

static enum outcome check_new(const struct auth_keys *keys, const struct auth_secrets *secrets,
                              struct err *err)
{
    if (keys->ring_count == AUTH_MASTERS_MAX)
        return err_bug(err, "there are over %d master keys", AUTH_MASTERS_MAX);
    for (size_t i = 0; i < keys->ring_count; i++)
        if (auth_equal(keys->ring[i].seal, secrets->seal, AUTH_KEY_BYTES))
            return err_bug(err, "one master key is there twice");
    return OUTCOME_DONE;
}

static enum outcome add_master(struct auth_keys *keys, struct str hex, struct err *err)
{
    uint8_t master[AUTH_KEY_BYTES];
    struct auth_secrets secrets;
    TRY(read_key(hex, "master", master, err));
    if (auth_equal(master, keys->token, AUTH_KEY_BYTES))
        return err_bug(err, "the master key and the token key must differ");
    derive(master, &secrets);
    sodium_memzero(master, sizeof(master));
    TRY(check_new(keys, &secrets, err));
    keys->ring[keys->ring_count++] = secrets;
    return OUTCOME_DONE;
}

enum outcome auth_keys_load(struct str masters_hex, struct str token_hex, struct auth_keys *out,
                            struct err *err)
{
    struct auth_keys keys = {0};
    TRY(read_key(token_hex, "token", keys.token, err));
    for (const char *comma;
         masters_hex.len && (comma = memchr(masters_hex.ptr, ',', masters_hex.len));) {
        const size_t len = (size_t)(comma - masters_hex.ptr);
        TRY(add_master(&keys, (struct str){masters_hex.ptr, len}, err));
        masters_hex = (struct str){comma + 1, masters_hex.len - len - 1};
    }
    TRY(add_master(&keys, masters_hex, err));
    *out = keys;
    return OUTCOME_DONE;
}
