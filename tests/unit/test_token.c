/* Access tokens. Forged ones are signed here with the right key wherever the signature is not the
 * point, so that each row fails for the reason that it names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>

#include "crypto/auth.h"
#include "wire/json.h"

#define NOW_S  1800000000LL
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define SUB    "0123456789abcdef01234567"
#define TIMES  "\"exp\":1800000600,\"nbf\":1800000000,\"iat\":1800000000"
#define REST   "\"sub\":\"" SUB "\",\"jti\":\"j\",\"role\":\"customer\",\"sid\":\"s\""
#define OURS   "\"iss\":\"cartwright\",\"aud\":\"shop\",\"use\":\"access\""
#define CLAIMS "{" OURS "," REST "," TIMES "}"

static const uint8_t key[AUTH_KEY_BYTES] = "a key of thirty-two bytes ......";
static const uint8_t other_key[AUTH_KEY_BYTES] = "another of thirty-two bytes ....";
static const struct token_options options = {"cartwright", "shop", 60, false};

static struct arena started(void)
{
    struct arena arena;
    struct err err;
    arena_init(&arena, 65536);
    json_init();
    assert_int_equal(auth_init(&err), OUTCOME_DONE);
    return arena;
}

static struct str joined(struct arena *arena, struct str a, struct str b)
{
    return str_printf(arena, "%.*s.%.*s", STR_FMT(a), STR_FMT(b));
}

static struct str signed_text(struct arena *arena, const void *with, size_t key_len,
                              struct str text)
{
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, with, key_len);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)text.ptr, text.len);
    crypto_auth_hmacsha256_final(&state, mac);
    return joined(arena, text, base64url(arena, mac, sizeof(mac)));
}

static struct str forged(struct arena *arena, struct str header, struct str payload)
{
    return signed_text(arena, key, AUTH_KEY_BYTES,
                       joined(arena, base64url(arena, header.ptr, header.len),
                              base64url(arena, payload.ptr, payload.len)));
}

static enum outcome verified(struct arena *arena, struct str token, int64_t now_s,
                             struct claims *out, struct err *err)
{
    return token_verify(arena, key, &options, token, now_s * 1000, out, err);
}

/* NULL: accepted */
static void assert_verdict(struct arena *arena, struct str token, const struct error_code *code)
{
    struct claims claims = {0};
    struct err err = {0};
    const enum outcome outcome = verified(arena, token, NOW_S, &claims, &err);
    assert_int_equal(outcome, code ? OUTCOME_INVALID : OUTCOME_DONE);
    assert_string_equal(err.code ? err.code->name : "", code ? code->name : "");
    if (code == E_UNAUTHENTICATED)
        assert_string_equal(err.text, "the access token is not valid");
}

void test_token__verifies_what_it_issued(void **state)
{
    (void)state;
    struct arena arena = started();
    const struct claims claims = {.subject = STR(SUB),
                                  .role = STR("admin"),
                                  .session = STR("family-1"),
                                  .id = STR("id-1"),
                                  .issued_at = NOW_S,
                                  .expires_at = NOW_S + 600};
    struct claims got;
    struct str token;
    struct err err;
    assert_int_equal(token_issue(&arena, key, &options, &claims, &token, &err), OUTCOME_DONE);
    assert_int_equal(verified(&arena, token, NOW_S, &got, &err), OUTCOME_DONE);
    assert_string_equal(got.subject.ptr, SUB);
    assert_string_equal(got.role.ptr, "admin");
    assert_string_equal(got.session.ptr, "family-1");
    assert_string_equal(got.id.ptr, "id-1");
    assert_int_equal(got.issued_at, NOW_S);
    assert_int_equal(got.expires_at, NOW_S + 600);
    assert_int_equal(token_verify(&arena, other_key, &options, token, NOW_S * 1000, &got, &err),
                     OUTCOME_INVALID);
    arena_release(&arena);
}

void test_token__issues_nothing_incomplete(void **state)
{
    (void)state;
    struct arena arena = started();
    const struct claims whole = {.subject = STR(SUB),
                                 .role = STR("admin"),
                                 .session = STR("s"),
                                 .id = STR("j"),
                                 .issued_at = NOW_S,
                                 .expires_at = NOW_S + 600};
    struct claims claims[4] = {whole, whole, whole, whole};
    claims[0].subject = STR("somebody");
    claims[1].role = STR_ABSENT;
    claims[2].session = (struct str){"a\0b", 3};
    claims[3].id = STR("");
    for (size_t i = 0; i < 4; i++) {
        struct str token;
        struct err err;
        assert_int_equal(token_issue(&arena, key, &options, &claims[i], &token, &err), OUTCOME_BUG);
    }
    arena_release(&arena);
}

void test_token__keeps_to_the_clock(void **state)
{
    static const struct {
        int64_t now_s;
        const struct error_code *code;
    } cases[] = {
        {NOW_S, NULL},
        {NOW_S - 60, NULL},
        {NOW_S + 659, NULL},
        {NOW_S - 61, E_UNAUTHENTICATED},
        {0, E_UNAUTHENTICATED},
        {NOW_S + 660, E_TOKEN_EXPIRED},
        {1LL << 53, E_TOKEN_EXPIRED},
    };
    (void)state;
    struct arena arena = started();
    const struct str token = forged(&arena, STR(HEADER), STR(CLAIMS));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct claims claims;
        struct err err = {0};
        const enum outcome outcome = verified(&arena, token, cases[i].now_s, &claims, &err);
        assert_int_equal(outcome, cases[i].code ? OUTCOME_INVALID : OUTCOME_DONE);
        assert_ptr_equal(err.code, cases[i].code);
    }
    arena_release(&arena);
}

void test_token__headers(void **state)
{
    static const struct {
        const char *header;
        const struct error_code *code;
    } cases[] = {
        {HEADER, NULL},
        {"{\"typ\":\"JWT\",\"alg\":\"HS256\"}", NULL},
        {"{\"alg\":\"HS256\"}", NULL},
        {"{ \"alg\" : \"HS256\" }", NULL},
        {"{\"alg\":\"none\"}", E_UNAUTHENTICATED},
        {"{\"alg\":\"NoNe\"}", E_UNAUTHENTICATED},
        {"{\"alg\":\"hs256\"}", E_UNAUTHENTICATED},
        {"{\"alg\":\"HS256 \"}", E_UNAUTHENTICATED},
        {"{\"alg\":\"HS256\\u0000\"}", E_UNAUTHENTICATED},
        {"{\"alg\":\"HS384\"}", E_UNAUTHENTICATED},
        {"{\"alg\":\"RS256\"}", E_UNAUTHENTICATED},
        {"{\"alg\":\"ES256\"}", E_UNAUTHENTICATED},
        {"{\"alg\":\"\"}", E_UNAUTHENTICATED},
        {"{\"alg\":256}", E_UNAUTHENTICATED},
        {"{\"alg\":[\"HS256\"]}", E_UNAUTHENTICATED},
        {"{\"alg\":null}", E_UNAUTHENTICATED},
        {"{\"ALG\":\"HS256\"}", E_UNAUTHENTICATED},
        {"{\"typ\":\"JWT\"}", E_UNAUTHENTICATED},
        {"{}", E_UNAUTHENTICATED},
        {"[]", E_UNAUTHENTICATED},
        {"\"HS256\"", E_UNAUTHENTICATED},
        {"", E_UNAUTHENTICATED},
        {"{\"alg\":\"HS256\"} ", NULL},
        {"{\"alg\":\"HS256\"}x", E_UNAUTHENTICATED},
        {"{\"alg\":\"none\",\"alg\":\"HS256\"}", E_UNAUTHENTICATED},
        {"{\"alg\":\"HS256\",\"alg\":\"none\"}", E_UNAUTHENTICATED},
        {"{\"alg\":\"HS256\",\"typ\":\"jwt\"}", E_UNAUTHENTICATED},
        {"{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", E_UNAUTHENTICATED},
        {"{\"alg\":\"HS256\",\"typ\":null}", E_UNAUTHENTICATED},
        {"{\"alg\":\"HS256\",\"kid\":\"../../dev/null\"}", E_UNAUTHENTICATED},
        {"{\"alg\":\"HS256\",\"kid\":\"1\"}", E_UNAUTHENTICATED},
        {"{\"alg\":\"HS256\",\"jku\":\"https://evil.example/\"}", E_UNAUTHENTICATED},
        {"{\"alg\":\"HS256\",\"x5u\":\"https://evil.example/\"}", E_UNAUTHENTICATED},
        {"{\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"\"}}", E_UNAUTHENTICATED},
        {"{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", E_UNAUTHENTICATED},
        {"{\"alg\":\"HS256\",\"typ\":\"JWT\",\"b64\":false}", E_UNAUTHENTICATED},
    };
    (void)state;
    struct arena arena = started();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("%s\n", cases[i].header);
        assert_verdict(&arena, forged(&arena, str_of(cases[i].header), STR(CLAIMS)), cases[i].code);
    }
    arena_release(&arena);
}

/* long because it is one table: every claim, missing, mistyped and wrong */
void test_token__payloads(void **state)
{
    static const struct {
        const char *payload;
        const struct error_code *code;
    } cases[] = {
        {CLAIMS, NULL},
        {"{\"extra\":{\"a\":[1]}," OURS "," REST "," TIMES "}", NULL},
        {"[" CLAIMS "]", E_UNAUTHENTICATED},
        {"\"text\"", E_UNAUTHENTICATED},
        {"{}", E_UNAUTHENTICATED},
        {"", E_UNAUTHENTICATED},
        {CLAIMS "x", E_UNAUTHENTICATED},
        /* addressed to somebody else */
        {"{\"iss\":\"evil\",\"aud\":\"shop\",\"use\":\"access\"," REST "," TIMES "}",
         E_UNAUTHENTICATED},
        {"{\"iss\":\"Cartwright\",\"aud\":\"shop\",\"use\":\"access\"," REST "," TIMES "}",
         E_UNAUTHENTICATED},
        {"{\"iss\":\"cartwright\",\"aud\":\"bank\",\"use\":\"access\"," REST "," TIMES "}",
         E_UNAUTHENTICATED},
        {"{\"iss\":\"cartwright\",\"aud\":[\"shop\"],\"use\":\"access\"," REST "," TIMES "}",
         E_UNAUTHENTICATED},
        {"{\"iss\":\"cartwright\",\"aud\":\"shop\",\"use\":\"refresh\"," REST "," TIMES "}",
         E_UNAUTHENTICATED},
        {"{\"aud\":\"shop\",\"use\":\"access\"," REST "," TIMES "}", E_UNAUTHENTICATED},
        {"{\"iss\":\"cartwright\",\"use\":\"access\"," REST "," TIMES "}", E_UNAUTHENTICATED},
        {"{\"iss\":\"cartwright\",\"aud\":\"shop\"," REST "," TIMES "}", E_UNAUTHENTICATED},
        {"{\"iss\":1,\"aud\":\"shop\",\"use\":\"access\"," REST "," TIMES "}", E_UNAUTHENTICATED},
        /* who */
        {"{" OURS ",\"jti\":\"j\",\"role\":\"r\",\"sid\":\"s\"," TIMES "}", E_UNAUTHENTICATED},
        {"{" OURS ",\"sub\":\"\",\"jti\":\"j\",\"role\":\"r\",\"sid\":\"s\"," TIMES "}",
         E_UNAUTHENTICATED},
        {"{" OURS
         ",\"sub\":\"0123456789ABCDEF01234567\",\"jti\":\"j\",\"role\":\"r\",\"sid\":\"s\"," TIMES
         "}",
         E_UNAUTHENTICATED},
        {"{" OURS ",\"sub\":{\"$gt\":\"\"},\"jti\":\"j\",\"role\":\"r\",\"sid\":\"s\"," TIMES "}",
         E_UNAUTHENTICATED},
        {"{" OURS ",\"sub\":\"" SUB "\",\"role\":\"r\",\"sid\":\"s\"," TIMES "}",
         E_UNAUTHENTICATED},
        {"{" OURS ",\"sub\":\"" SUB "\",\"jti\":7,\"role\":\"r\",\"sid\":\"s\"," TIMES "}",
         E_UNAUTHENTICATED},
        {"{" OURS ",\"sub\":\"" SUB "\",\"jti\":\"j\",\"sid\":\"s\"," TIMES "}", E_UNAUTHENTICATED},
        {"{" OURS ",\"sub\":\"" SUB "\",\"jti\":\"j\",\"role\":[\"admin\"],\"sid\":\"s\"," TIMES
         "}",
         E_UNAUTHENTICATED},
        {"{" OURS ",\"sub\":\"" SUB "\",\"jti\":\"j\",\"role\":\"r\"," TIMES "}",
         E_UNAUTHENTICATED},
        {"{" OURS "," REST ",\"role\":\"superadmin\"," TIMES "}", E_UNAUTHENTICATED},
        /* when */
        {"{" OURS "," REST ",\"nbf\":1800000000,\"iat\":1800000000}", E_UNAUTHENTICATED},
        {"{" OURS "," REST ",\"exp\":\"1800000600\",\"nbf\":1800000000,\"iat\":1800000000}",
         E_UNAUTHENTICATED},
        {"{" OURS "," REST ",\"exp\":1800000600.0,\"nbf\":1800000000,\"iat\":1800000000}",
         E_UNAUTHENTICATED},
        {"{" OURS "," REST ",\"exp\":1e99,\"nbf\":1800000000,\"iat\":1800000000}",
         E_UNAUTHENTICATED},
        {"{" OURS "," REST ",\"exp\":true,\"nbf\":1800000000,\"iat\":1800000000}",
         E_UNAUTHENTICATED},
        {"{" OURS "," REST ",\"exp\":null,\"nbf\":1800000000,\"iat\":1800000000}",
         E_UNAUTHENTICATED},
        {"{" OURS "," REST ",\"exp\":0,\"nbf\":1800000000,\"iat\":1800000000}", E_UNAUTHENTICATED},
        {"{" OURS "," REST ",\"exp\":-1,\"nbf\":1800000000,\"iat\":1800000000}", E_UNAUTHENTICATED},
        {"{" OURS "," REST ",\"exp\":9223372036854775807,\"nbf\":1,\"iat\":1}", NULL},
        {"{" OURS "," REST ",\"exp\":9223372036854775808,\"nbf\":1,\"iat\":1}", E_UNAUTHENTICATED},
        {"{" OURS "," REST ",\"exp\":1799999000,\"nbf\":1,\"iat\":1}", E_TOKEN_EXPIRED},
        {"{" OURS "," REST ",\"exp\":1800000600,\"iat\":1800000000}", E_UNAUTHENTICATED},
        {"{" OURS "," REST ",\"exp\":1800000600,\"nbf\":1800000600,\"iat\":1800000000}",
         E_UNAUTHENTICATED},
        {"{" OURS "," REST ",\"exp\":1800000600,\"nbf\":9223372036854775807,\"iat\":1800000000}",
         E_UNAUTHENTICATED},
        {"{" OURS "," REST ",\"exp\":1800000600,\"nbf\":1800000000}", E_UNAUTHENTICATED},
        {"{" OURS "," REST ",\"exp\":1800000600,\"nbf\":1800000000,\"iat\":1800000600}",
         E_UNAUTHENTICATED},
        /* the last one would win */
        {"{" OURS "," REST ",\"exp\":1799999000,\"exp\":1800000600,\"nbf\":1,\"iat\":1}",
         E_UNAUTHENTICATED},
        /* an expired token of somebody else is not "expired" */
        {"{\"iss\":\"evil\",\"aud\":\"shop\",\"use\":\"access\"," REST
         ",\"exp\":1799999000,\"nbf\":1,\"iat\":1}",
         E_UNAUTHENTICATED},
    };
    (void)state;
    struct arena arena = started();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("%s\n", cases[i].payload);
        assert_verdict(&arena, forged(&arena, STR(HEADER), str_of(cases[i].payload)),
                       cases[i].code);
    }
    arena_release(&arena);
}

/* Every way to write a token that is not the way. */
void test_token__forms(void **state)
{
    (void)state;
    struct arena arena = started();
    const struct str token = forged(&arena, STR(HEADER), STR(CLAIMS));
    const char *text = token.ptr;
    const int unsigned_len = (int)((const char *)memrchr(text, '.', token.len) - text);
    const struct str texts[] = {
        STR_ABSENT,
        STR(""),
        STR("."),
        STR(".."),
        STR("..."),
        str_printf(&arena, "%s!", text),
        str_printf(&arena, "%s=", text),
        str_printf(&arena, "%s\n", text),
        str_printf(&arena, " %s", text),
        str_printf(&arena, "%sA", text),
        str_printf(&arena, "%s.", text),
        str_printf(&arena, "%s.x", text),
        str_printf(&arena, ".%s", text),
        str_printf(&arena, "Bearer %s", text),
        str_printf(&arena, "%.*s", unsigned_len, text),
        str_printf(&arena, "%.*s.", unsigned_len, text),
        {text, token.len - 1},
        {text, token.len + 1}, /* with its NUL */
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_verdict(&arena, texts[i], E_UNAUTHENTICATED);
    assert_verdict(&arena, token, NULL);
    arena_release(&arena);
}

void test_token__every_letter_counts(void **state)
{
    (void)state;
    struct arena arena = started();
    const struct str token = forged(&arena, STR(HEADER), STR(CLAIMS));
    for (size_t i = 0; i < token.len; i++) {
        char *bent = arena_copy(&arena, token.ptr, token.len + 1);
        bent[i] = bent[i] == 'A' ? 'B' : (char)(bent[i] - 1);
        assert_verdict(&arena, (struct str){bent, token.len}, E_UNAUTHENTICATED);
    }
    arena_release(&arena);
}

/* Up to TOKEN_MAX, whoever signed it. */
void test_token__large_ones(void **state)
{
    (void)state;
    struct arena arena = started();
    static const struct {
        int padding;
        const struct error_code *code;
    } cases[] = {{2000, NULL}, {8192, E_UNAUTHENTICATED}, {1000000, E_UNAUTHENTICATED}};
    for (size_t i = 0; i < 3; i++) {
        const struct str payload = str_printf(
            &arena, "{" OURS "," REST "," TIMES ",\"pad\":\"%0*d\"}", cases[i].padding, 0);
        assert_verdict(&arena, forged(&arena, STR(HEADER), payload), cases[i].code);
    }
    arena_release(&arena);
}

/* Signed with what libjwt can be talked into taking for the key. */
void test_token__other_keys(void **state)
{
    (void)state;
    static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n";
    struct arena arena = started();
    const struct str text = joined(&arena, base64url(&arena, HEADER, strlen(HEADER)),
                                   base64url(&arena, CLAIMS, strlen(CLAIMS)));
    assert_verdict(&arena, signed_text(&arena, "", 0, text), E_UNAUTHENTICATED);
    assert_verdict(&arena, signed_text(&arena, pem, strlen(pem), text), E_UNAUTHENTICATED);
    assert_verdict(&arena, signed_text(&arena, key, AUTH_KEY_BYTES - 1, text), E_UNAUTHENTICATED);
    assert_verdict(&arena, signed_text(&arena, other_key, AUTH_KEY_BYTES, text), E_UNAUTHENTICATED);
    assert_verdict(&arena, signed_text(&arena, key, AUTH_KEY_BYTES, text), NULL);
    arena_release(&arena);
}

void test_token__clients_may_sort_by_whom_it_speaks_of(void **state)
{
    (void)state;
    struct arena arena = started();
    const struct str token = forged(&arena, STR(HEADER), STR(CLAIMS));
    assert_string_equal(token_alleged_subject(&arena, token).ptr, SUB);
    static const char *const unreadable[] = {"", "x", "a.b.c", "a.e30.c", "..", "a.bnVsbA.c"};
    for (size_t i = 0; i < sizeof(unreadable) / sizeof(unreadable[0]); i++)
        assert_int_equal(token_alleged_subject(&arena, str_of(unreadable[i])).len, 0);
    assert_int_equal(token_alleged_subject(&arena, STR_ABSENT).len, 0);
    arena_release(&arena);
}
