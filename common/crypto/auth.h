/* auth.h - passwords, access tokens, opaque secrets, sealing and digests.
 *
 * Only this room uses libsodium and libjwt, and it guards against their traps once for all. Call
 * auth_init() once per process, before any other function. */
#ifndef CARTWRIGHT_CRYPTO_AUTH_H
#define CARTWRIGHT_CRYPTO_AUTH_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define AUTH_KEY_BYTES 32

/* OUTCOME_BUG when libsodium cannot start. */
MUST_CHECK enum outcome auth_init(struct err *err);

/* The keys derived from one master key (crypto_kdf, one context per purpose). */
struct auth_secrets {
    uint8_t seal[AUTH_KEY_BYTES];
    uint8_t digest[AUTH_KEY_BYTES];
    uint8_t mac[AUTH_KEY_BYTES];
    uint8_t box_public[AUTH_KEY_BYTES]; /* X25519: others use it to seal texts for us */
    uint8_t box_secret[AUTH_KEY_BYTES];
};

#define AUTH_MASTERS_MAX 4

/* The master keys form a ring: the first key signs, seals and digests; all of them verify and open.
 * So a key can be replaced while signatures and seals of an older key are still in use. */
struct auth_keys {
    uint8_t token[AUTH_KEY_BYTES]; /* HS256: set by the configuration, not derived */
    struct auth_secrets ring[AUTH_MASTERS_MAX];
    size_t ring_count; /* at least 1 */
};

/* `token_hex`: 64 hex digits. `masters_hex`: the same, or up to AUTH_MASTERS_MAX such keys with
 * commas between them, the one that signs first. All keys must differ, and none may be one byte
 * repeated. OUTCOME_BUG says what is wrong, never the value. */
MUST_CHECK enum outcome auth_keys_load(struct str masters_hex, struct str token_hex,
                                       struct auth_keys *out, struct err *err);

/* --- passwords: argon2id ----------------------------------------------------------------------- */

struct password_cost {
    int64_t opslimit;       /* passes, 1 to 64; the settings ask for at least 2 */
    int64_t memlimit_bytes; /* 8 KiB to 1 GiB; the settings ask for at least 19 MiB */
};

/* Makes the encoded hash ("$argon2id$..."). RETRY without memory, BUG for a cost out of range. */
MUST_CHECK enum outcome password_hash(struct arena *arena, struct str password,
                                      struct password_cost cost, struct str *out, struct err *err);
/* *out says whether the password matches the hash. Errors as above. Every call does at least the
 * work of a hash of `cost`, so that its time reveals nothing: also for an absent or unreadable hash
 * (which never matches) and for a hash that was made when the cost was lower. */
MUST_CHECK enum outcome password_verify(struct str hash, struct str password,
                                        struct password_cost cost, bool *out, struct err *err);
/* True when the hash was made with fewer passes or less memory, or cannot be read. */
bool password_needs_rehash(struct str hash, struct password_cost cost);
/* Returns the work of all hashes that this process has computed, in passes over one KiB. */
int64_t password_work(void);
/* True for the most common passwords (a compiled-in list), in any letter case. */
bool password_is_common(struct str password);

/* --- access tokens: JWT, HS256 only ------------------------------------------------------------ */

struct claims {
    struct str subject; /* user id */
    struct str role;    /* "customer", "admin", "superadmin" */
    struct str session; /* id of the refresh family */
    struct str id;      /* jti */
    int64_t issued_at;  /* seconds */
    int64_t expires_at; /* seconds */
};

#define TOKEN_MAX 4096 /* bytes; libjwt puts a token on the stack */

struct token_options {
    const char *issuer;   /* iss */
    const char *audience; /* aud */
    int64_t skew_s;       /* seconds by which clocks may differ: 60 */
    bool ended_too;       /* an expired token is accepted, too: the caller looks at expires_at */
};

/* Makes a token. All claims must be set: else OUTCOME_BUG. RETRY when there is no memory. */
MUST_CHECK enum outcome token_issue(struct arena *arena, const uint8_t key[AUTH_KEY_BYTES],
                                    const struct token_options *options,
                                    const struct claims *claims, struct str *out, struct err *err);
/* Verifies a token; UNAUTHENTICATED or TOKEN_EXPIRED (OUTCOME_INVALID) when it is not accepted. All
 * claims are required and typed. No function returns them without verifying the token, except
 * token_alleged_subject, which returns one of them. */
MUST_CHECK enum outcome token_verify(struct arena *arena, const uint8_t key[AUTH_KEY_BYTES],
                                     const struct token_options *options, struct str token,
                                     int64_t now_ms, struct claims *out, struct err *err);
/* Returns the subject that a token claims, unverified; absent when it cannot be read. It is for
 * clients, which have no key and only sort their requests by it. */
struct str token_alleged_subject(struct arena *arena, struct str token);

/* --- digests and sealing ----------------------------------------------------------------------- */

/* Computes the keyed BLAKE2b of all parts, each preceded by its length. At most 64 bytes. */
void auth_digest(const uint8_t key[AUTH_KEY_BYTES], const struct str *parts, size_t count,
                 void *out, size_t out_len);
/* The same without a secret key, for values that only bind things together. */
void auth_hash(const struct str *parts, size_t count, void *out, size_t out_len);
#define AUTH_TAG_BYTES 16

/* Computes SipHash-2-4 with a key of 128 bits (the first half of `key`) and a result of 128 bits
 * (Aumasson, Bernstein, 2012). It was made for authenticating short messages: for a kilobyte it
 * takes less than half the time of a keyed BLAKE2b. */
void auth_tag(const uint8_t key[AUTH_KEY_BYTES], struct str text, uint8_t out[AUTH_TAG_BYTES]);
/* Compares in constant time. */
bool auth_equal(const void *a, const void *b, size_t len);
/* Encodes as URL-safe base64 without padding. */
struct str base64url(struct arena *arena, const void *bytes, size_t len);
/* Decodes strictly: only the alphabet, no padding, no blanks, unused bits zero. So the same bytes
 * have exactly one text, and a token cannot be made to look new by changing its last letter. *out
 * is NUL-terminated. False when the text is not of this form. */
MUST_CHECK bool base64url_decode(struct arena *arena, struct str text, struct str *out);
/* Encrypts with XChaCha20-Poly1305 and authenticates `context` as well. The result is base64url of
 * the random nonce and the ciphertext. */
struct str auth_seal(struct arena *arena, const struct auth_keys *keys, struct str context,
                     struct str plain);
/* Opens a seal of any key of the ring; false when it or its context was not sealed by us. */
MUST_CHECK bool auth_unseal(struct arena *arena, const struct auth_keys *keys, struct str context,
                            struct str sealed, struct str *out);
/* Sealed boxes (libsodium's crypto_box_seal: X25519, XSalsa20-Poly1305): anybody who has the public
 * key can make a box, only we can open it. Keys and boxes are base64url without padding.
 * auth_box_key returns the public key of the first master key. */
struct str auth_box_key(struct arena *arena, const struct auth_keys *keys);
/* False when `public_key` is not a public key. */
MUST_CHECK bool auth_box_seal(struct arena *arena, struct str public_key, struct str plain,
                              struct str *out);
/* Opens a box made for any key of the ring; false when it cannot be opened. */
MUST_CHECK bool auth_box_open(struct arena *arena, const struct auth_keys *keys, struct str box,
                              struct str *out);
/* Signs the parts for a purpose, to prove later that we wrote exactly these parts for it. The
 * signature is the tag of all parts as 32 hex digits and is always the same for the same key and
 * parts. Absent parts count as empty. */
struct str auth_sign(struct arena *arena, const struct auth_keys *keys, const char *purpose,
                     const struct str *parts, size_t count);
MUST_CHECK bool auth_is_signed(struct arena *arena, const struct auth_keys *keys,
                               const char *purpose, const struct str *parts, size_t count,
                               struct str signature);
/* Derives `out_len` bytes from the seed and the label: the randomness of a handler, which is the
 * same in every run of the same message. */
void auth_expand(const uint8_t seed[AUTH_KEY_BYTES], struct str label, void *out, size_t out_len);

#endif
