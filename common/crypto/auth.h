/* auth.h - passwords, access tokens, opaque secrets, sealing and digests.
 *
 * The only room with libsodium and libjwt, whose traps are guarded here once. Call auth_init() once
 * per process, before anything else. */
#ifndef CARTWRIGHT_CRYPTO_AUTH_H
#define CARTWRIGHT_CRYPTO_AUTH_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define AUTH_KEY_BYTES 32

/* OUTCOME_BUG when libsodium cannot start. */
MUST_CHECK enum outcome auth_init(struct err *err);

/* What is derived from one master key (crypto_kdf, one context per purpose). */
struct auth_secrets {
    uint8_t seal[AUTH_KEY_BYTES];
    uint8_t digest[AUTH_KEY_BYTES];
    uint8_t mac[AUTH_KEY_BYTES];
    uint8_t box_public[AUTH_KEY_BYTES]; /* X25519: what others seal for us */
    uint8_t box_secret[AUTH_KEY_BYTES];
};

#define AUTH_MASTERS_MAX 4

/* The master keys are a ring: the first one signs, seals and digests; all of them verify and open. So
 * a key can be replaced while what an older one made is still about. */
struct auth_keys {
    uint8_t token[AUTH_KEY_BYTES]; /* HS256: given by configuration, not derived */
    struct auth_secrets ring[AUTH_MASTERS_MAX];
    size_t ring_count; /* at least 1 */
};

/* `token_hex`: 64 hex digits. `masters_hex`: the same, or several with commas between, the one that
 * signs first. No two keys are the same. OUTCOME_BUG names what is wrong (never the value). */
MUST_CHECK enum outcome auth_keys_load(struct str masters_hex, struct str token_hex,
                                       struct auth_keys *out, struct err *err);

/* --- passwords: argon2id ----------------------------------------------------------------------- */

struct password_cost {
    int64_t opslimit;       /* passes: floor 2, default 3 */
    int64_t memlimit_bytes; /* floor 19 MiB, default 64 MiB */
};

/* The encoded hash ("$argon2id$..."). RETRY when there is no memory. */
MUST_CHECK enum outcome password_hash(struct arena *arena, struct str password,
                                      struct password_cost cost, struct str *out, struct err *err);
/* *out says whether it matches. RETRY when there is no memory. Every hash takes the work of one of
 * `cost` at least, so that nothing can be told from the time: an absent one, one that cannot be read
 * (neither ever matches), and one that was made when the cost was lower. */
MUST_CHECK enum outcome password_verify(struct str hash, struct str password,
                                        struct password_cost cost, bool *out, struct err *err);
/* True when the hash was made with a lower cost, or cannot be read. */
bool password_needs_rehash(struct str hash, struct password_cost cost);
/* What was hashed in this process, in passes over a KiB. */
int64_t password_work(void);
/* In the list of most common passwords (compiled in), whatever the case. */
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
    int64_t skew_s;       /* 60 */
    bool ended_too;       /* one whose time is over is verified as well: the caller looks at exp */
};

MUST_CHECK enum outcome token_issue(struct arena *arena, const uint8_t key[AUTH_KEY_BYTES],
                                    const struct token_options *options,
                                    const struct claims *claims, struct str *out, struct err *err);
/* UNAUTHENTICATED or TOKEN_EXPIRED (OUTCOME_INVALID). All claims are required and typed; there is
 * no way to get at them without verifying, but for the one word that token_alleged_subject reads. */
MUST_CHECK enum outcome token_verify(struct arena *arena, const uint8_t key[AUTH_KEY_BYTES],
                                     const struct token_options *options, struct str token,
                                     int64_t now_ms, struct claims *out, struct err *err);
/* For clients, who have no key and only sort their requests by it: whom a token speaks of, by its own
 * word. Absent when it cannot be read. */
struct str token_alleged_subject(struct arena *arena, struct str token);

/* --- digests and sealing ----------------------------------------------------------------------- */

/* BLAKE2b of the concatenation of parts, each preceded by its length; keyed. */
void auth_digest(const uint8_t key[AUTH_KEY_BYTES], const struct str *parts, size_t count,
                 void *out, size_t out_len);
/* The same without a key: for what is bound to something and needs no secret. */
void auth_hash(const struct str *parts, size_t count, void *out, size_t out_len);
#define AUTH_TAG_BYTES 16

/* SipHash-2-4 with a key and a result of 128 bits (Aumasson, Bernstein, 2012), made for authenticating
 * short messages: of a kilobyte it takes less than half of a keyed BLAKE2b. */
void auth_tag(const uint8_t key[AUTH_KEY_BYTES], struct str text, uint8_t out[AUTH_TAG_BYTES]);
/* Equal in constant time. */
bool auth_equal(const void *a, const void *b, size_t len);
/* URL-safe base64 without padding. */
struct str base64url(struct arena *arena, const void *bytes, size_t len);
/* Strict: only the alphabet, no padding, no blanks, unused bits zero. So bytes have one text and one
 * only, and a token cannot be made to look new by changing its last letter. *out is NUL-terminated.
 * False when the text is not of this form. */
MUST_CHECK bool base64url_decode(struct arena *arena, struct str text, struct str *out);
/* XChaCha20-Poly1305, random nonce in front, `context` authenticated; the result is base64url. */
struct str auth_seal(struct arena *arena, const struct auth_keys *keys, struct str context,
                     struct str plain);
MUST_CHECK bool auth_unseal(struct arena *arena, const struct auth_keys *keys, struct str context,
                            struct str sealed, struct str *out);
/* Sealed boxes (libsodium's crypto_box_seal: X25519, XSalsa20-Poly1305): anybody who has the public key
 * can make one, only we can open it. Keys and boxes are base64url without padding. */
struct str auth_box_key(struct arena *arena, const struct auth_keys *keys);
/* False when `public_key` is none. */
MUST_CHECK bool auth_box_seal(struct arena *arena, struct str public_key, struct str plain,
                              struct str *out);
MUST_CHECK bool auth_box_open(struct arena *arena, const struct auth_keys *keys, struct str box,
                              struct str *out);
/* That we wrote these parts, each of them, for this purpose: the tag of them all as 32 hex digits, always
 * the same for the same parts. Absent parts count as empty. */
struct str auth_sign(struct arena *arena, const struct auth_keys *keys, const char *purpose,
                     const struct str *parts, size_t count);
MUST_CHECK bool auth_is_signed(struct arena *arena, const struct auth_keys *keys,
                               const char *purpose, const struct str *parts, size_t count,
                               struct str signature);
/* `out_len` bytes determined by the seed and the label: the randomness of a handler, the same on
 * every run of the same message. */
void auth_expand(const uint8_t seed[AUTH_KEY_BYTES], struct str label, void *out, size_t out_len);

#endif
