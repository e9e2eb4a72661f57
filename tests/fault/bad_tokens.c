/* bad_tokens.c - access tokens that must not pass, sent with an otherwise good request. Most are
 * signed with the shop's own key, so that nothing but the fault in question can stop them. */
#include <inttypes.h>
#include <sodium.h>

#include "base/clock.h"
#include "fault/bad.h"

#define HEADER     "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define CLAIMS     10
#define LIFE_S     600
#define LONG_TOKEN 8000

struct claim {
    const char *name;
    struct str value; /* JSON */
};

enum signature { OUR_KEY, ANOTHER_KEY, UNSIGNED };

struct token_row {
    const char *name;
    const char *header;
    const char *claim; /* that is changed; NULL: none */
    const char *value; /* JSON; NULL: the claim is left out */
    enum signature signature;
    const char *tail; /* appended to the token */
    const char *code;
};

static const struct token_row rows[] = {
    {"good", HEADER, .code = "ok"},
    {"alg none", "{\"alg\":\"none\"}", .signature = UNSIGNED, .code = "UNAUTHENTICATED"},
    {"alg NoNe", "{\"alg\":\"NoNe\"}", .signature = UNSIGNED, .code = "UNAUTHENTICATED"},
    {"alg hs256", "{\"alg\":\"hs256\"}", .code = "UNAUTHENTICATED"},
    {"alg HS512", "{\"alg\":\"HS512\"}", .code = "UNAUTHENTICATED"},
    {"alg RS256", "{\"alg\":\"RS256\"}", .code = "UNAUTHENTICATED"},
    {"no alg", "{\"typ\":\"JWT\"}", .code = "UNAUTHENTICATED"},
    {"kid", "{\"alg\":\"HS256\",\"kid\":\"../../dev/null\"}", .code = "UNAUTHENTICATED"},
    {"jku", "{\"alg\":\"HS256\",\"jku\":\"http://127.0.0.1/\"}", .code = "UNAUTHENTICATED"},
    {"crit", "{\"alg\":\"HS256\",\"crit\":[\"x\"]}", .code = "UNAUTHENTICATED"},
    {"another typ", "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", .code = "UNAUTHENTICATED"},
    {"header is no JSON", "HS256", .code = "UNAUTHENTICATED"},
    {"another key", HEADER, .signature = ANOTHER_KEY, .code = "UNAUTHENTICATED"},
    {"no signature", HEADER, .signature = UNSIGNED, .code = "UNAUTHENTICATED"},
    {"bytes behind", HEADER, .tail = "!", .code = "UNAUTHENTICATED"},
    {"a fourth part", HEADER, .tail = ".e30", .code = "UNAUTHENTICATED"},
    {"another issuer", HEADER, "iss", "\"elsewhere\"", .code = "UNAUTHENTICATED"},
    {"another audience", HEADER, "aud", "\"elsewhere\"", .code = "UNAUTHENTICATED"},
    {"a list of audiences", HEADER, "aud", "[\"cartwright-shop\"]", .code = "UNAUTHENTICATED"},
    {"another use", HEADER, "use", "\"refresh\"", .code = "UNAUTHENTICATED"},
    {"expired", HEADER, "exp", "1000000000", .code = "TOKEN_EXPIRED"},
    {"no exp", HEADER, "exp", NULL, .code = "UNAUTHENTICATED"},
    {"exp as text", HEADER, "exp", "\"9999999999\"", .code = "UNAUTHENTICATED"},
    {"exp as a real", HEADER, "exp", "9999999999.5", .code = "UNAUTHENTICATED"},
    {"exp 0", HEADER, "exp", "0", .code = "UNAUTHENTICATED"},
    {"not yet", HEADER, "nbf", "9999999999", .code = "UNAUTHENTICATED"},
    {"issued in the future", HEADER, "iat", "9999999999", .code = "UNAUTHENTICATED"},
    {"no iat", HEADER, "iat", NULL, .code = "UNAUTHENTICATED"},
    {"no jti", HEADER, "jti", NULL, .code = "UNAUTHENTICATED"},
    {"no session", HEADER, "sid", NULL, .code = "UNAUTHENTICATED"},
    {"a session of nobody", HEADER, "sid", "\"000000000000000000000001\"",
     .code = "UNAUTHENTICATED"},
    {"an account of nobody", HEADER, "sub", "\"000000000000000000000001\"",
     .code = "UNAUTHENTICATED"},
    {"sub is no id", HEADER, "sub", "\"admin\"", .code = "UNAUTHENTICATED"},
    {"sub is an operator", HEADER, "sub", "{\"$gt\":\"\"}", .code = "UNAUTHENTICATED"},
    {"no role", HEADER, "role", NULL, .code = "UNAUTHENTICATED"},
    {"an unknown role", HEADER, "role", "\"root\"", .code = "UNAUTHENTICATED"},
    {"a guest", HEADER, "role", "\"guest\"", .code = "UNAUTHENTICATED"},
    {"a role that the account has not", HEADER, "role", "\"superadmin\"",
     .code = "UNAUTHENTICATED"},
};

/* --- making them -------------------------------------------------------------------------------- */

static struct str quoted(struct arena *arena, struct str text)
{
    return str_printf(arena, "\"%.*s\"", STR_FMT(text));
}

static void good_claims(const struct bad *bad, struct claim claims[CLAIMS])
{
    struct arena *arena = &bad->fault->arena;
    const struct engine_settings *engine = &bad->fault->settings->engine;
    const int64_t now_s = clock_now_ms() / MS_PER_SECOND;
    const struct str now = str_printf(arena, "%" PRId64, now_s);
    const struct claim good[CLAIMS] = {
        {"iss", quoted(arena, engine->token_issuer)},
        {"aud", quoted(arena, engine->token_audience)},
        {"use", STR("\"access\"")},
        {"sub", quoted(arena, bad->shopper.id)},
        {"role", STR("\"customer\"")},
        {"sid", quoted(arena, bad->shopper.session)},
        {"jti", quoted(arena, id_new(arena, now_s * MS_PER_SECOND))},
        {"iat", now},
        {"nbf", now},
        {"exp", str_printf(arena, "%" PRId64, now_s + LIFE_S)},
    };
    memcpy(claims, good, sizeof(good));
}

static struct str payload_of(const struct bad *bad, const struct token_row *row)
{
    struct claim claims[CLAIMS];
    struct text text;
    good_claims(bad, claims);
    text_init(&text, &bad->fault->arena, 512);
    for (size_t i = 0; i < CLAIMS; i++) {
        const bool changed = row->claim && strcmp(claims[i].name, row->claim) == 0;
        const struct str value = changed ? str_of(row->value) : claims[i].value;
        if (!str_is_absent(value))
            text_printf(&text, "%c\"%s\":%.*s", text.len ? ',' : '{', claims[i].name,
                        STR_FMT(value));
    }
    text_append_char(&text, '}');
    return text_str(&text);
}

static struct str signature_of(const struct bad *bad, struct str text, enum signature how)
{
    uint8_t key[AUTH_KEY_BYTES];
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    memcpy(key, bad->fault->fixtures.keys.token, sizeof(key));
    key[0] = (uint8_t)(key[0] ^ (how == ANOTHER_KEY));
    crypto_auth_hmacsha256(mac, (const unsigned char *)text.ptr, text.len, key);
    return how == UNSIGNED ? STR("") : base64url(&bad->fault->arena, mac, sizeof(mac));
}

static struct str token_of(const struct bad *bad, const struct token_row *row)
{
    struct arena *arena = &bad->fault->arena;
    const struct str header = base64url(arena, row->header, strlen(row->header));
    const struct str payload = payload_of(bad, row);
    const struct str body = base64url(arena, payload.ptr, payload.len);
    const struct str text = str_printf(arena, "%.*s.%.*s", STR_FMT(header), STR_FMT(body));
    return str_printf(arena, "%.*s.%.*s%s", STR_FMT(text),
                      STR_FMT(signature_of(bad, text, row->signature)), row->tail ? row->tail : "");
}

/* --- sending them ------------------------------------------------------------------------------- */

static void send_token(const struct bad *bad, const char *name, struct str token, const char *code)
{
    struct call *call = history_add(bad->fault, "cart.clear", STR("{}"), &bad->shopper);
    call->token = token;
    sender_call(bad->fault, call);
    bad_expect(bad, name, call, code);
}

static struct str long_token(struct arena *arena)
{
    char *text = arena_bytes(arena, LONG_TOKEN + 1);
    memset(text, 'A', LONG_TOKEN);
    text[LONG_TOKEN] = '\0';
    text[LONG_TOKEN / 3] = text[LONG_TOKEN / 2] = '.';
    return (struct str){text, LONG_TOKEN};
}

void bad_tokens(struct fault *fault)
{
    const struct bad bad = bad_begin(fault);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        send_token(&bad, rows[i].name, token_of(&bad, &rows[i]), rows[i].code);
    send_token(&bad, "none", STR_ABSENT, "UNAUTHENTICATED");
    send_token(&bad, "empty", STR(""), "UNAUTHENTICATED");
    send_token(&bad, "two dots", STR(".."), "UNAUTHENTICATED");
    send_token(&bad, "8 KB", long_token(&fault->arena), "UNAUTHENTICATED");
    bad_end(&bad);
}
