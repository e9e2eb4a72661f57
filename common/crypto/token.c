/* token.c - access tokens, with a guard in front of every known trap of libjwt 1.10.2.
 *
 *   the trap                                              the guard
 *   an empty key accepts any signature, and alg "none"    the type of the key has 32 bytes
 *   the token chooses the algorithm (a public key in      the header is read here first: "HS256" to
 *     PEM form then works as an HMAC secret)                the byte, and only alg and typ; libjwt
 *                                                           is asked for its algorithm afterwards
 *   jku, x5u, jwk, kid, crit are ignored                  they are refused like any other member
 *   the token is put on the stack with alloca()           it has at most TOKEN_MAX bytes
 *   an empty payload is decoded into a block of no        an empty payload is refused before
 *     bytes, and a byte is written behind the block
 *   bytes after the signature, NUL, doubled claims        strict base64url and strict JSON
 *     are accepted
 *   exp, nbf, iss, aud are not checked at all             they are checked here, in our own parse
 *   a missing integer is -1, one of a wrong type is 0     it must be an integer above 0
 *   without memory it accepts, refuses and signs wrongly  libsodium is asked as well
 *
 * The client learns that a token is not valid or has expired, but never why it is not valid. */
#include <jwt.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/id.h"
#include "crypto/auth.h"
#include "wire/json.h"

#define TOKEN_USE  "access" /* a refresh or reset token must never pass as an access token */
#define HMAC_BYTES crypto_auth_hmacsha256_BYTES

static enum outcome refuse_token(struct err *err)
{
    return err_invalid(err, E_UNAUTHENTICATED, "the access token is not valid");
}

/* --- the outside: form, header, signature ------------------------------------------------------- */

/* The three parts of a token, each still in base64url. */
struct token_parts {
    struct str header, payload, signature;
};

static bool next_part(struct str *rest, struct str *part)
{
    const char *dot = rest->len ? memchr(rest->ptr, '.', rest->len) : NULL;
    if (!dot)
        return false;
    const size_t len = (size_t)(dot - rest->ptr);
    *part = (struct str){rest->ptr, len};
    *rest = (struct str){dot + 1, rest->len - len - 1};
    return true;
}

/* A third dot would become part of the signature, where it is refused as not in the alphabet. */
static bool split(struct str token, struct token_parts *out)
{
    if (token.len > TOKEN_MAX || !next_part(&token, &out->header) ||
        !next_part(&token, &out->payload) || out->payload.len == 0)
        return false;
    out->signature = token;
    return true;
}

static bool text_is(const struct json *json, const char *expected)
{
    const struct str text = json_str(json);
    return text.ptr && str_eq(text, str_of(expected));
}

static bool parse_part(struct arena *arena, struct str part, const struct json **out)
{
    struct str bytes;
    struct err ignored; /* clients do not learn the reason: see refuse_token() */
    return base64url_decode(arena, part, &bytes) &&
           json_parse(arena, bytes, out, &ignored) == OUTCOME_DONE;
}

static bool header_is_ours(struct arena *arena, struct str part)
{
    const struct json *header = NULL;
    if (!parse_part(arena, part, &header) || !text_is(json_member(header, "alg"), "HS256"))
        return false;
    const struct json *typ = json_member(header, "typ");
    return typ ? json_count(header) == 2 && text_is(typ, "JWT") : json_count(header) == 1;
}

static bool signature_has_form(struct arena *arena, struct str part)
{
    struct str bytes;
    return base64url_decode(arena, part, &bytes) && bytes.len == HMAC_BYTES;
}

static bool is_signed_by(struct arena *arena, const uint8_t key[AUTH_KEY_BYTES],
                         const struct token_parts *parts, struct str token)
{
    struct str mac;
    const size_t signed_len = token.len - parts->signature.len - 1;
    return base64url_decode(arena, parts->signature, &mac) &&
           crypto_auth_hmacsha256_verify((const unsigned char *)mac.ptr,
                                         (const unsigned char *)token.ptr, signed_len, key) == 0;
}

/* Checking the algorithm here is not redundant: libjwt tells the one that it has verified, whereas
 * the header only tells the one that was claimed. */
static bool libjwt_accepts(struct arena *arena, const uint8_t key[AUTH_KEY_BYTES], struct str token)
{
    jwt_t *jwt = NULL;
    if (jwt_decode(&jwt, str_dup(arena, token).ptr, key, AUTH_KEY_BYTES) != 0)
        return false;
    const bool accepted = jwt_get_alg(jwt) == JWT_ALG_HS256;
    jwt_free(jwt);
    return accepted;
}

/* Two libraries must agree, because libjwt is not reliable when memory is short: it returns EINVAL
 * for a good token, or even 0 for a token that it has not verified. With memory it accepts every
 * token that is signed and whose payload we can read. So when it refuses such a token, memory is
 * short and the process ends: a client must not be told that a good token is not valid. */
static bool signature_is_right(struct arena *arena, const uint8_t key[AUTH_KEY_BYTES],
                               const struct token_parts *parts, struct str token)
{
    const struct json *payload;
    if (!is_signed_by(arena, key, parts, token))
        return false;
    if (libjwt_accepts(arena, key, token))
        return true;
    if (parse_part(arena, parts->payload, &payload))
        panic("out of memory for a token");
    return false;
}

/* --- the inside: claims ------------------------------------------------------------------------- */

static bool read_text(const struct json *payload, const char *name, struct str *out)
{
    *out = json_str(json_member(payload, name));
    return out->len > 0;
}

static bool read_seconds(const struct json *payload, const char *name, int64_t *out)
{
    *out = json_int(json_member(payload, name), 0);
    return *out > 0;
}

static bool read_claims(const struct json *payload, struct claims *out)
{
    return read_text(payload, "sub", &out->subject) && id_is_valid(out->subject) &&
           read_text(payload, "role", &out->role) && read_text(payload, "sid", &out->session) &&
           read_text(payload, "jti", &out->id) && read_seconds(payload, "iat", &out->issued_at) &&
           read_seconds(payload, "exp", &out->expires_at);
}

/* True when the token is from our issuer, for our audience and for use as an access token. */
static bool is_addressed(const struct json *payload, const struct token_options *options)
{
    return text_is(json_member(payload, "iss"), options->issuer) &&
           text_is(json_member(payload, "aud"), options->audience) &&
           text_is(json_member(payload, "use"), TOKEN_USE);
}

static enum outcome check_times(const struct json *payload, const struct claims *claims,
                                const struct token_options *options, int64_t now_ms,
                                struct err *err)
{
    const int64_t now_s = now_ms / 1000;
    const int64_t skew_s = options->skew_s;
    int64_t not_before;
    if (!read_seconds(payload, "nbf", &not_before) || not_before > now_s + skew_s ||
        claims->issued_at > now_s + skew_s)
        return refuse_token(err);
    if (claims->expires_at <= now_s - skew_s && !options->ended_too)
        return err_invalid(err, E_TOKEN_EXPIRED, "the access token has expired");
    return OUTCOME_DONE;
}

enum outcome token_verify(struct arena *arena, const uint8_t key[AUTH_KEY_BYTES],
                          const struct token_options *options, struct str token, int64_t now_ms,
                          struct claims *out, struct err *err)
{
    struct token_parts parts;
    if (!split(token, &parts) || !header_is_ours(arena, parts.header) ||
        !signature_has_form(arena, parts.signature) ||
        !signature_is_right(arena, key, &parts, token))
        return refuse_token(err);
    const struct json *payload = NULL;
    struct claims claims;
    if (!parse_part(arena, parts.payload, &payload) || !is_addressed(payload, options) ||
        !read_claims(payload, &claims))
        return refuse_token(err);
    TRY(check_times(payload, &claims, options, now_ms, err));
    *out = claims;
    return OUTCOME_DONE;
}

/* --- issuing ------------------------------------------------------------------------------------ */

static bool add_text(jwt_t *jwt, const char *name, struct str value)
{
    return value.len > 0 && str_is_c(value) && jwt_add_grant(jwt, name, value.ptr) == 0;
}

static bool add_claims(jwt_t *jwt, const struct token_options *options, const struct claims *claims)
{
    return jwt_add_grant(jwt, "iss", options->issuer) == 0 &&
           jwt_add_grant(jwt, "aud", options->audience) == 0 &&
           jwt_add_grant(jwt, "use", TOKEN_USE) == 0 && id_is_valid(claims->subject) &&
           add_text(jwt, "sub", claims->subject) && add_text(jwt, "role", claims->role) &&
           add_text(jwt, "sid", claims->session) && add_text(jwt, "jti", claims->id) &&
           jwt_add_grant_int(jwt, "iat", claims->issued_at) == 0 &&
           jwt_add_grant_int(jwt, "nbf", claims->issued_at) == 0 &&
           jwt_add_grant_int(jwt, "exp", claims->expires_at) == 0;
}

/* Checks the signature, because libjwt returns an unsigned token when memory is short. */
static bool is_ours(struct arena *arena, const uint8_t key[AUTH_KEY_BYTES], struct str token)
{
    struct token_parts parts;
    return split(token, &parts) && is_signed_by(arena, key, &parts, token);
}

enum outcome token_issue(struct arena *arena, const uint8_t key[AUTH_KEY_BYTES],
                         const struct token_options *options, const struct claims *claims,
                         struct str *out, struct err *err)
{
    jwt_t *jwt = NULL;
    char *text = NULL;
    if (jwt_new(&jwt) != 0)
        return err_retry(err, "no memory for a token");
    const bool complete = add_claims(jwt, options, claims);
    if (complete && jwt_set_alg(jwt, JWT_ALG_HS256, key, AUTH_KEY_BYTES) == 0)
        text = jwt_encode_str(jwt);
    jwt_free(jwt);
    if (!complete)
        return err_bug(err, "the claims of a token are incomplete");
    *out = text ? str_dup(arena, str_of(text)) : STR_ABSENT;
    free(text);
    /* Nothing that can fail in there depends on the claims, so memory was short. */
    if (str_is_absent(*out) || !is_ours(arena, key, *out))
        return err_retry(err, "no memory for a token");
    return OUTCOME_DONE;
}

/* --- for clients ----------------------------------------------------------------------------------- */

struct str token_alleged_subject(struct arena *arena, struct str token)
{
    struct token_parts parts;
    const struct json *payload = NULL;
    if (!split(token, &parts) || !parse_part(arena, parts.payload, &payload))
        return STR_ABSENT;
    return json_str(json_member(payload, "sub"));
}
