/* seal.c - digests, seals, signatures, sealed boxes and derived randomness, all by libsodium. */
#include <sodium.h>

#include "base/id.h"
#include "base/text.h"
#include "crypto/auth.h"

#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES   crypto_aead_xchacha20poly1305_ietf_ABYTES

_Static_assert(AUTH_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key of the AEAD");
_Static_assert(AUTH_KEY_BYTES == crypto_kdf_KEYBYTES, "key of crypto_kdf");

static const unsigned char *bytes_of(struct str text)
{
    return (const unsigned char *)text.ptr;
}

/* The length precedes each part, so that ("ab", "c") and ("a", "bc") differ. */
static void digest_part(crypto_generichash_state *state, struct str part)
{
    const uint64_t len = part.len;
    crypto_generichash_update(state, (const unsigned char *)&len, sizeof(len));
    crypto_generichash_update(state, bytes_of(part), part.len);
}

void auth_digest(const uint8_t key[AUTH_KEY_BYTES], const struct str *parts, size_t count,
                 void *out, size_t out_len)
{
    crypto_generichash_state state;
    if (crypto_generichash_init(&state, key, AUTH_KEY_BYTES, out_len) != 0)
        panic("a digest of %zu bytes is a bug", out_len);
    for (size_t i = 0; i < count; i++)
        digest_part(&state, parts[i]);
    crypto_generichash_final(&state, out, out_len);
}

void auth_hash(const struct str *parts, size_t count, void *out, size_t out_len)
{
    static const uint8_t no_secret[AUTH_KEY_BYTES] = {0};
    auth_digest(no_secret, parts, count, out, out_len);
}

_Static_assert(AUTH_KEY_BYTES >= crypto_shorthash_siphashx24_KEYBYTES, "key of SipHash");
_Static_assert(AUTH_TAG_BYTES == crypto_shorthash_siphashx24_BYTES, "result of SipHash");

void auth_tag(const uint8_t key[AUTH_KEY_BYTES], struct str text, uint8_t out[AUTH_TAG_BYTES])
{
    crypto_shorthash_siphashx24(out, bytes_of(text), text.len, key);
}

bool auth_equal(const void *a, const void *b, size_t len)
{
    return sodium_memcmp(a, b, len) == 0;
}

/* BLAKE2b in counter mode: block n is the digest of the label and n. */
void auth_expand(const uint8_t seed[AUTH_KEY_BYTES], struct str label, void *out, size_t out_len)
{
    unsigned char block[crypto_generichash_BYTES_MAX];
    unsigned char *at = out;
    for (uint64_t n = 0; out_len > 0; n++) {
        const struct str parts[] = {label, {(const char *)&n, sizeof(n)}};
        auth_digest(seed, parts, 2, block, sizeof(block));
        const size_t len = out_len < sizeof(block) ? out_len : sizeof(block);
        memcpy(at, block, len);
        at += len;
        out_len -= len;
    }
    sodium_memzero(block, sizeof(block));
}

static struct str seal(struct arena *arena, const uint8_t key[AUTH_KEY_BYTES], struct str context,
                       struct str plain)
{
    const size_t len = NONCE_BYTES + plain.len + TAG_BYTES;
    unsigned char *sealed = (unsigned char *)arena_bytes(arena, len);
    random_bytes(sealed, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + NONCE_BYTES, NULL, bytes_of(plain),
                                               plain.len, bytes_of(context), context.len, NULL,
                                               sealed, key);
    return base64url(arena, sealed, len);
}

/* `bytes` holds at least a nonce and a tag; `plain` has room for the plain text and a NUL. */
static bool unseal(const uint8_t key[AUTH_KEY_BYTES], struct str context, struct str bytes,
                   char *plain)
{
    const size_t len = bytes.len - NONCE_BYTES - TAG_BYTES;
    plain[len] = '\0';
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            (unsigned char *)plain, NULL, NULL, bytes_of(bytes) + NONCE_BYTES, len + TAG_BYTES,
            bytes_of(context), context.len, bytes_of(bytes), key) == 0)
        return true;
    sodium_memzero(plain, len);
    return false;
}

struct str auth_seal(struct arena *arena, const struct auth_keys *keys, struct str context,
                     struct str plain)
{
    return seal(arena, keys->ring[0].seal, context, plain);
}

bool auth_unseal(struct arena *arena, const struct auth_keys *keys, struct str context,
                 struct str sealed, struct str *out)
{
    struct str bytes;
    if (!base64url_decode(arena, sealed, &bytes) || bytes.len < NONCE_BYTES + TAG_BYTES)
        return false;
    const size_t len = bytes.len - NONCE_BYTES - TAG_BYTES;
    char *plain = arena_bytes(arena, len + 1);
    for (size_t i = 0; i < keys->ring_count; i++)
        if (unseal(keys->ring[i].seal, context, bytes, plain)) {
            *out = (struct str){plain, len};
            return true;
        }
    return false;
}

/* --- signatures ---------------------------------------------------------------------------------- */

/* The purpose, then the length and the bytes of each part: no two lists give the same text. */
static struct str joined(struct arena *arena, const char *purpose, const struct str *parts,
                         size_t count)
{
    struct text text;
    size_t len = strlen(purpose) + 1;
    for (size_t i = 0; i < count; i++)
        len += sizeof(uint64_t) + parts[i].len;
    text_init(&text, arena, len);
    text_append(&text, purpose, strlen(purpose) + 1);
    for (size_t i = 0; i < count; i++) {
        const uint64_t part = parts[i].len;
        text_append(&text, (const char *)&part, sizeof(part));
        text_append_str(&text, parts[i]);
    }
    return text_str(&text);
}

static struct str signature_of(struct arena *arena, const uint8_t key[AUTH_KEY_BYTES],
                               struct str text)
{
    uint8_t tag[AUTH_TAG_BYTES];
    auth_tag(key, text, tag);
    return hex_of(arena, tag, sizeof(tag));
}

struct str auth_sign(struct arena *arena, const struct auth_keys *keys, const char *purpose,
                     const struct str *parts, size_t count)
{
    return signature_of(arena, keys->ring[0].mac, joined(arena, purpose, parts, count));
}

bool auth_is_signed(struct arena *arena, const struct auth_keys *keys, const char *purpose,
                    const struct str *parts, size_t count, struct str signature)
{
    const struct str text = joined(arena, purpose, parts, count);
    for (size_t i = 0; i < keys->ring_count; i++) {
        const struct str right = signature_of(arena, keys->ring[i].mac, text);
        if (right.len == signature.len && auth_equal(right.ptr, signature.ptr, right.len))
            return true;
    }
    return false;
}

/* --- sealed boxes -------------------------------------------------------------------------------- */

struct str auth_box_key(struct arena *arena, const struct auth_keys *keys)
{
    return base64url(arena, keys->ring[0].box_public, AUTH_KEY_BYTES);
}

bool auth_box_seal(struct arena *arena, struct str public_key, struct str plain, struct str *out)
{
    struct str key;
    if (!base64url_decode(arena, public_key, &key) || key.len != AUTH_KEY_BYTES)
        return false;
    const size_t len = crypto_box_SEALBYTES + plain.len;
    unsigned char *box = (unsigned char *)arena_bytes(arena, len);
    if (crypto_box_seal(box, bytes_of(plain), plain.len, bytes_of(key)) != 0)
        return false;
    *out = base64url(arena, box, len);
    return true;
}

static bool open_box(const struct auth_secrets *secrets, struct str box, char *plain)
{
    return crypto_box_seal_open((unsigned char *)plain, bytes_of(box), box.len, secrets->box_public,
                                secrets->box_secret) == 0;
}

bool auth_box_open(struct arena *arena, const struct auth_keys *keys, struct str box,
                   struct str *out)
{
    struct str bytes;
    if (!base64url_decode(arena, box, &bytes) || bytes.len < crypto_box_SEALBYTES)
        return false;
    const size_t len = bytes.len - crypto_box_SEALBYTES;
    char *plain = arena_bytes(arena, len + 1);
    plain[len] = '\0';
    for (size_t i = 0; i < keys->ring_count; i++)
        if (open_box(&keys->ring[i], bytes, plain)) {
            *out = (struct str){plain, len};
            return true;
        }
    return false;
}
