/* password.c - argon2id.
 *
 * crypto_pwhash_str_verify() of libsodium 1.0.18 gives the same answer for "wrong password" and for
 * "out of memory" (libsodium issue 1039), and the latter must not be counted as a failed login. So
 * a stored hash is taken apart here and computed again with crypto_pwhash(), which fails only for
 * lack of memory; then we compare the hashes. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/auth.h"
#include "crypto/common_passwords.h"

#define SALT_BYTES crypto_pwhash_argon2id_SALTBYTES
#define HASH_BYTES 32 /* as in libsodium's encoded form */
/* A hash with a higher cost was not made here, and computing it could bring the machine down. */
#define OPSLIMIT_MAX 64
#define MEMLIMIT_MAX (1024LL * 1024 * 1024)

/* The parts of "$argon2id$v=19$m=65536,t=3,p=1$<salt>$<hash>". */
struct stored_hash {
    struct password_cost cost;
    unsigned char salt[SALT_BYTES];
    unsigned char hash[HASH_BYTES];
};

static bool cost_is_sane(struct password_cost cost)
{
    return cost.opslimit >= crypto_pwhash_argon2id_OPSLIMIT_MIN && cost.opslimit <= OPSLIMIT_MAX &&
           cost.memlimit_bytes >= crypto_pwhash_argon2id_MEMLIMIT_MIN &&
           cost.memlimit_bytes <= MEMLIMIT_MAX;
}

/* True when the text is base64 of exactly `len` bytes. */
static bool read_base64(const char *text, size_t text_len, unsigned char *out, size_t len)
{
    size_t got = 0;
    return sodium_base642bin(out, len, text, text_len, NULL, &got, NULL,
                             sodium_base64_VARIANT_ORIGINAL_NO_PADDING) == 0 &&
           got == len;
}

static bool read_stored(struct str text, struct stored_hash *out)
{
    unsigned memory_kib, passes;
    int at = 0;
    if (text.len == 0 || text.len >= crypto_pwhash_STRBYTES || !str_is_c(text))
        return false;
    if (sscanf(text.ptr, "$argon2id$v=19$m=%9u,t=%9u,p=1$%n", &memory_kib, &passes, &at) != 2 ||
        at == 0)
        return false;
    const char *salt = text.ptr + at;
    const char *dollar = strchr(salt, '$');
    out->cost = (struct password_cost){passes, memory_kib * 1024LL};
    return dollar && cost_is_sane(out->cost) &&
           read_base64(salt, (size_t)(dollar - salt), out->salt, SALT_BYTES) &&
           read_base64(dollar + 1, strlen(dollar + 1), out->hash, HASH_BYTES);
}

/* --- work ---------------------------------------------------------------------------------------- */

static int64_t work_done;

int64_t password_work(void)
{
    return work_done;
}

/* The time that Argon2 takes is proportional to passes times memory (here in KiB). */
static int64_t work_of(struct password_cost cost)
{
    return cost.opslimit * (cost.memlimit_bytes / 1024);
}

static bool compute(struct str password, const struct stored_hash *stored,
                    unsigned char out[HASH_BYTES])
{
    work_done += work_of(stored->cost);
    return crypto_pwhash(out, HASH_BYTES, password.ptr, password.len, stored->salt,
                         (unsigned long long)stored->cost.opslimit,
                         (size_t)stored->cost.memlimit_bytes, crypto_pwhash_ALG_ARGON2ID13) == 0;
}

/* Does the work by which a hash of `cost` exceeds one of `done`, if any; false without memory. */
static bool make_up(struct password_cost done, struct password_cost cost)
{
    const int64_t left_kib = (work_of(cost) - work_of(done)) / cost.opslimit;
    const struct stored_hash rest = {.cost = {cost.opslimit, left_kib * 1024}};
    unsigned char ignored[HASH_BYTES];
    return !cost_is_sane(rest.cost) || compute(STR(""), &rest, ignored);
}

static enum outcome check_cost(struct password_cost cost, struct err *err)
{
    if (!cost_is_sane(cost))
        return err_bug(err, "a password cost of %lld passes and %lld bytes cannot be used",
                       (long long)cost.opslimit, (long long)cost.memlimit_bytes);
    return OUTCOME_DONE;
}

enum outcome password_hash(struct arena *arena, struct str password, struct password_cost cost,
                           struct str *out, struct err *err)
{
    TRY(check_cost(cost, err));
    char *text = arena_bytes(arena, crypto_pwhash_STRBYTES);
    work_done += work_of(cost);
    if (crypto_pwhash_str_alg(text, password.ptr, password.len, (unsigned long long)cost.opslimit,
                              (size_t)cost.memlimit_bytes, crypto_pwhash_ALG_ARGON2ID13) != 0)
        return err_retry(err, "no memory to hash a password");
    *out = str_of(text);
    return OUTCOME_DONE;
}

enum outcome password_verify(struct str hash, struct str password, struct password_cost cost,
                             bool *out, struct err *err)
{
    struct stored_hash stored;
    unsigned char computed[HASH_BYTES];
    TRY(check_cost(cost, err));
    const bool readable = read_stored(hash, &stored);
    if (!readable)
        stored = (struct stored_hash){.cost = cost}; /* the same work, although it cannot match */
    if (!compute(password, &stored, computed) || !make_up(stored.cost, cost))
        return err_retry(err, "no memory to check a password");
    const bool equal = auth_equal(computed, stored.hash, HASH_BYTES);
    *out = readable && equal;
    return OUTCOME_DONE;
}

bool password_needs_rehash(struct str hash, struct password_cost cost)
{
    struct stored_hash stored;
    return !read_stored(hash, &stored) || stored.cost.opslimit < cost.opslimit ||
           stored.cost.memlimit_bytes / 1024 < cost.memlimit_bytes / 1024;
}

static int compare_word(const void *key, const void *word)
{
    return str_cmp(*(const struct str *)key, str_of(*(const char *const *)word));
}

bool password_is_common(struct str password)
{
    char lower[COMMON_PASSWORD_MAX];
    if (password.len > sizeof(lower))
        return false;
    for (size_t i = 0; i < password.len; i++) {
        const char c = password.ptr[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
    }
    const struct str key = {lower, password.len};
    return bsearch(&key, common_passwords, COMMON_PASSWORDS, sizeof(common_passwords[0]),
                   compare_word) != NULL;
}
