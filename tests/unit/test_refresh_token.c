/* Refresh tokens: their form, that nobody else can make one, and what each is to its session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/session.h"
#include "engine/batch.h"
#include "settings.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ID           "655f1c2e9b1e8a0012345678"
#define LEGACY       ID ".AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define NOW          1000000
#define GRACE_MS     10000

/* As much of a lane as these functions need. */
struct desk {
    struct arena arena;
    struct shop_settings shop;
    struct engine_settings engine;
    struct service service;
    struct lane lane;
    struct batch batch;
    struct job job;
};

static void add_key(struct desk *desk, uint8_t seed)
{
    memset(desk->lane.keys.ring[desk->lane.keys.ring_count++].mac, seed, AUTH_KEY_BYTES);
}

static struct job *open_desk(struct desk *desk)
{
    *desk = (struct desk){.shop.refresh_grace_ms = GRACE_MS};
    arena_init(&desk->arena, 4096);
    desk->service.settings = &desk->shop;
    desk->lane.service = &desk->service;
    desk->lane.settings = &desk->engine;
    add_key(desk, 1);
    desk->batch = (struct batch){
        .lane = &desk->lane, .arena = &desk->arena, .run_arena = &desk->arena, .now = NOW};
    desk->job.batch = &desk->batch;
    return &desk->job;
}

static void close_desk(struct desk *desk)
{
    arena_release(&desk->arena);
}

static struct refresh_token issued(uint32_t rotation)
{
    return (struct refresh_token){
        .session_id = STR(ID), .rotation = rotation, .secret = "0123456789abcde"};
}

void test_refresh_token__takes_only_the_form_of_a_token(void **state)
{
    (void)state;
    static const struct {
        const char *token;
        bool good;
    } rows[] = {
        {LEGACY, true},
        {ID ".-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_8", true},
        {"", false},
        {ID, false},
        {ID ".", false},
        {ID "_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", false},
        {LEGACY "A", false},
        {LEGACY "=", false},
        {ID ".+AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", false},
        {ID ".AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9", false}, /* bits behind the last byte */
        {ID "..AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", false},
        {"655F1C2E9B1E8A0012345678.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", false},
        {"655f1c2e9b1e8a001234567g.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", false},
    };
    struct desk desk;
    struct job *job = open_desk(&desk);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct refresh_token token = {0};
        if (refresh_token_read(job, str_of(rows[i].token), &token) != rows[i].good)
            fail_msg("row %zu: '%s'", i, rows[i].token);
        assert_true(str_eq(token.session_id, rows[i].good ? STR(ID) : STR_ABSENT));
        assert_false(token.is_genuine);
    }
    close_desk(&desk);
}

void test_refresh_token__refuses_a_nul_inside(void **state)
{
    (void)state;
    struct desk desk;
    struct job *job = open_desk(&desk);
    char text[] = LEGACY;
    text[30] = '\0';
    struct refresh_token token;
    assert_false(refresh_token_read(job, (struct str){text, sizeof(text) - 1}, &token));
    close_desk(&desk);
}

void test_refresh_token__reads_what_it_wrote(void **state)
{
    (void)state;
    struct desk desk;
    struct job *job = open_desk(&desk);
    const struct refresh_token made = issued(0x01020304);
    const struct str text = refresh_token_write(job, &made);
    struct refresh_token token;
    assert_true(str_eq(text, refresh_token_write(job, &made)));
    assert_int_equal(text.len, strlen(LEGACY)); /* the release before takes it for one of its own */
    assert_true(refresh_token_read(job, text, &token));
    assert_true(token.is_genuine);
    assert_true(str_eq(token.session_id, STR(ID)));
    assert_int_equal(token.rotation, 0x01020304);
    assert_memory_equal(token.secret, made.secret, REFRESH_SECRET_BYTES);
    close_desk(&desk);
}

/* Whatever a stranger changes: the session, the number, the secret, the MAC. */
void test_refresh_token__one_bit_makes_it_foreign(void **state)
{
    (void)state;
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    struct desk desk;
    struct job *job = open_desk(&desk);
    const struct refresh_token made = issued(7);
    const struct str text = refresh_token_write(job, &made);
    char changed[80];
    size_t tried = 0;
    for (size_t at = 0; at < text.len; at++)
        for (size_t k = 0; k < sizeof(alphabet) - 1; k++) {
            struct refresh_token token;
            memcpy(changed, text.ptr, text.len);
            changed[at] = alphabet[k];
            if (changed[at] == text.ptr[at] ||
                !refresh_token_read(job, (struct str){changed, text.len}, &token))
                continue;
            tried++;
            if (token.is_genuine)
                fail_msg("'%.*s' is taken for '%.*s'", (int)text.len, changed, STR_FMT(text));
        }
    assert_in_range(tried, 24 * 15 + 42 * 63, 24 * 16 + 43 * 64);
    close_desk(&desk);
}

/* A new master key signs; what an older one of the ring signed is still good. */
void test_refresh_token__outlives_a_change_of_the_master_key(void **state)
{
    (void)state;
    struct desk desk;
    struct job *job = open_desk(&desk);
    const struct refresh_token made = issued(7);
    const struct str old = refresh_token_write(job, &made);
    desk.lane.keys.ring_count = 0;
    add_key(&desk, 2);
    struct refresh_token token;
    assert_true(refresh_token_read(job, old, &token));
    assert_false(token.is_genuine);
    add_key(&desk, 1);
    assert_true(refresh_token_read(job, old, &token));
    assert_true(token.is_genuine);
    assert_false(str_eq(old, refresh_token_write(job, &made)));
    close_desk(&desk);
}

static struct session session_at(struct job *job, int64_t rotation, int64_t rotated_at)
{
    const struct refresh_token now = issued((uint32_t)rotation);
    return (struct session){
        .head.id = STR(ID),
        .secret = base64url(job_arena(job), now.secret, sizeof(now.secret)),
        .rotation = rotation,
        .rotated_at = rotated_at,
        .digest = job_secret_digest(job, refresh_token_write(job, &now)),
    };
}

static enum token_standing judged(struct job *job, const struct session *session, struct str text)
{
    struct refresh_token token;
    assert_true(refresh_token_read(job, text, &token));
    return session_judge(job, session, &token, text);
}

void test_refresh_token__is_judged_by_its_session(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        uint32_t rotation;
        int64_t age_ms;
        enum token_standing standing;
    } rows[] = {
        {"the present one", 5, 0, TOKEN_CURRENT},
        {"the present one, late", 5, 10 * GRACE_MS, TOKEN_CURRENT},
        {"spent just now", 4, 0, TOKEN_JUST_SPENT},
        {"at the end of the grace", 4, GRACE_MS - 1, TOKEN_JUST_SPENT},
        {"after the grace", 4, GRACE_MS, TOKEN_SPENT},
        {"spent before the last one", 3, 0, TOKEN_SPENT},
        {"of a future that was lost with a backup", 6, 0, TOKEN_SPENT},
    };
    struct desk desk;
    struct job *job = open_desk(&desk);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct session session = session_at(job, 5, NOW - rows[i].age_ms);
        const struct refresh_token token = issued(rows[i].rotation);
        if (judged(job, &session, refresh_token_write(job, &token)) != rows[i].standing)
            fail_msg("%s", rows[i].why);
    }
    const struct session session = session_at(job, 5, NOW);
    struct refresh_token other = issued(5);
    other.secret[0] ^= 1;
    assert_int_equal(judged(job, &session, refresh_token_write(job, &other)), TOKEN_SPENT);
    assert_int_equal(judged(job, &session, STR(LEGACY)), TOKEN_FOREIGN);
    close_desk(&desk);
}

/* Its lanes, side by side with ours, know digests only, and leave nothing else behind. */
void test_refresh_token__of_the_release_before(void **state)
{
    (void)state;
    struct desk desk;
    struct job *job = open_desk(&desk);
    struct session theirs = {.head.id = STR(ID), .digest = job_secret_digest(job, STR(LEGACY))};
    assert_int_equal(judged(job, &theirs, STR(LEGACY)), TOKEN_CURRENT);
    const struct refresh_token spent = issued(1);
    assert_int_equal(judged(job, &theirs, refresh_token_write(job, &spent)), TOKEN_SPENT);
    theirs.digest = job_secret_digest(job, refresh_token_write(job, &spent));
    assert_int_equal(judged(job, &theirs, refresh_token_write(job, &spent)), TOKEN_CURRENT);
    assert_int_equal(judged(job, &theirs, STR(LEGACY)), TOKEN_FOREIGN);
    close_desk(&desk);
}
