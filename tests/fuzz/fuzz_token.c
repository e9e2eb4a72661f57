/* fuzz_token.c - no bytes but a token that we issued are one, and whatever a holder of the key
 * signs, the claims that come out are complete.
 *
 * The first byte chooses: 'r' the rest is a raw token; else the rest is a header, a line feed and a
 * payload, and both are signed here with the right key, so that the inside is reached. */
#include <sodium.h>
#include <stdlib.h>

#include "base/id.h"
#include "crypto/auth.h"
#include "wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_S 1800000000LL

static const uint8_t key[AUTH_KEY_BYTES] = "a key of thirty-two bytes ......";
static const struct token_options options = {"cartwright", "shop", 60, false};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static struct str genuine(struct arena *arena)
{
    const struct claims claims = {.subject = STR("0123456789abcdef01234567"),
                                  .role = STR("customer"),
                                  .session = STR("s"),
                                  .id = STR("j"),
                                  .issued_at = NOW_S,
                                  .expires_at = NOW_S + 600};
    struct str token = STR_ABSENT;
    struct err err;
    require(token_issue(arena, key, &options, &claims, &token, &err) == OUTCOME_DONE);
    return token;
}

static struct str signed_token(struct arena *arena, struct str header, struct str payload)
{
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    const struct str head = base64url(arena, header.ptr, header.len);
    const struct str body = base64url(arena, payload.ptr, payload.len);
    const struct str text = str_printf(arena, "%.*s.%.*s", STR_FMT(head), STR_FMT(body));
    crypto_auth_hmacsha256(mac, (const unsigned char *)text.ptr, text.len, key);
    const struct str tail = base64url(arena, mac, sizeof(mac));
    return str_printf(arena, "%.*s.%.*s", STR_FMT(text), STR_FMT(tail));
}

static bool verify(struct arena *arena, struct str token)
{
    struct claims claims = {0};
    struct err err = {0};
    if (token_verify(arena, key, &options, token, NOW_S * 1000, &claims, &err) != OUTCOME_DONE) {
        require(err.code == E_UNAUTHENTICATED || err.code == E_TOKEN_EXPIRED);
        return false;
    }
    require(id_is_valid(claims.subject) && claims.role.len && claims.session.len && claims.id.len);
    require(claims.issued_at <= NOW_S + options.skew_s);
    require(claims.expires_at > NOW_S - options.skew_s);
    return true;
}

static void sign_and_verify(struct arena *arena, struct str bytes)
{
    const char *line = bytes.len ? memchr(bytes.ptr, '\n', bytes.len) : NULL;
    if (!line)
        return;
    const size_t len = (size_t)(line - bytes.ptr);
    const struct str payload = {line + 1, bytes.len - len - 1};
    const struct json *json;
    struct err err;
    if (verify(arena, signed_token(arena, (struct str){bytes.ptr, len}, payload)))
        require(json_parse(arena, payload, &json, &err) == OUTCOME_DONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct err err;
    if (size == 0)
        return 0;
    const struct str rest = {(const char *)data + 1, size - 1};
    require(auth_init(&err) == OUTCOME_DONE);
    json_init();
    arena_init(&arena, 4096);
    if (data[0] != 'r')
        sign_and_verify(&arena, rest);
    else if (verify(&arena, rest))
        require(str_eq(rest, genuine(&arena)));
    arena_release(&arena);
    return 0;
}
