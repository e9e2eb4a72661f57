/* fuzz_envelope.c - any message at the door of the shop: it is let in with everything that a handler
 * relies on, or answered with an error that is JSON.
 *
 * The input is lines of "<property> <value>" until an empty line, then the body. A value "@<role>" of
 * `authorization` becomes a good token of that role. */
#include <stdlib.h>

#include "base/clock.h"
#include "engine/batch.h"
#include "fakes/lock_fake.h"
#include "fakes/store_fake.h"
#include "shop.h"
#include "wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_MS     1763651045123 /* 2025-11-20T15:04:05.123Z */
#define TOKEN_LIFE 600

/* Opened once: admission keeps nothing in it but tokens, which may stay. */
static struct door {
    struct app_settings settings;
    struct service service;
    struct pool_settings pool;
    struct lane_slot slot;
    volatile sig_atomic_t stopping;
    struct lane lane;
    struct arena arena;
} door;

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* What fails before any input is looked at. */
static void insist(enum outcome outcome, const struct err *err)
{
    if (outcome != OUTCOME_DONE)
        panic("%s", err->text);
}

/* --- the shop ------------------------------------------------------------------------------------- */

static int64_t fixed_now(void)
{
    return NOW_MS;
}

static void open_lane(void)
{
    struct err err;
    const struct lane_parts parts = {
        .service = &door.service,
        .settings = &door.settings.engine,
        .pool = &door.pool,
        .slot = &door.slot,
        .stopping = &door.stopping,
        .now_ms = fixed_now,
    };
    insist(lane_init(&door.lane, &parts, &err), &err);
}

static void open_door(void)
{
    struct err err;
    if (door.lane.service)
        return;
    json_init();
    require(auth_init(&err) == OUTCOME_DONE);
    door.settings.engine = (struct engine_settings){
        .prefix = STR("shop"),
        .body_max = 65536,
        .reply_max = 1 << 20,
        .master_key = STR("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"),
        .token_key = STR("ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"),
        .token_issuer = STR("cartwright"),
        .token_audience = STR("shop"),
        .token_skew_ms = 60000,
        .account_check_ms = 60000,
    };
    door.service = shop_service(&door.settings);
    arena_init(&door.arena, 65536);
    insist(service_prepare(&door.service, &err), &err);
    open_lane();
}

/* --- the message ---------------------------------------------------------------------------------- */

static struct str token_of(struct str role)
{
    const struct engine_settings *engine = &door.settings.engine;
    const struct token_options options = {engine->token_issuer.ptr, engine->token_audience.ptr, 60,
                                          false};
    const struct claims claims = {
        .subject = STR("0123456789abcdef01234567"),
        .role = str_dup(&door.arena, role),
        .session = STR("89abcdef0123456701234567"),
        .id = STR("j"),
        .issued_at = NOW_MS / MS_PER_SECOND,
        .expires_at = NOW_MS / MS_PER_SECOND + TOKEN_LIFE,
    };
    struct str token = STR("none");
    struct err err;
    if (token_issue(&door.arena, door.lane.keys.token, &options, &claims, &token, &err) !=
        OUTCOME_DONE)
        return STR("Bearer none"); /* a role that no token can hold */
    return str_printf(&door.arena, "Bearer %.*s", STR_FMT(token));
}

#define TEXT(name, member)                                                                         \
    {                                                                                              \
        name, offsetof(struct delivery, member), true                                              \
    }
#define NUMBER(name, member)                                                                       \
    {                                                                                              \
        name, offsetof(struct delivery, member), false                                             \
    }

static const struct property {
    const char *name;
    size_t offset;
    bool is_text;
} properties[] = {
    TEXT("queue", queue),
    TEXT("exchange", exchange),
    TEXT("key", routing_key),
    TEXT("id", message_id),
    TEXT("correlation", correlation_id),
    TEXT("reply-to", reply_to),
    TEXT("content-type", content_type),
    TEXT("content-encoding", content_encoding),
    TEXT("authorization", authorization),
    TEXT("api-key", api_key),
    TEXT("api-version", api_version),
    TEXT("operation", operation),
    TEXT("caller", caller),
    NUMBER("deadline", deadline),
    NUMBER("expiration", expiration),
    NUMBER("timestamp", timestamp),
    NUMBER("attempt", attempt),
};

static void set_property(struct delivery *delivery, struct str name, struct str value)
{
    for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++) {
        char *at = (char *)delivery + properties[i].offset;
        if (!str_eq(str_of(properties[i].name), name))
            continue;
        if (!properties[i].is_text)
            (void)str_to_int64(value, (int64_t *)(void *)at); /* no number: as it was */
        else if (value.len && value.ptr[0] == '@')
            *(struct str *)(void *)at = token_of((struct str){value.ptr + 1, value.len - 1});
        else
            *(struct str *)(void *)at = str_dup(&door.arena, value);
    }
}

/* Takes the first line off *rest. */
static struct str next_line(struct str *rest)
{
    const char *end = rest->len ? memchr(rest->ptr, '\n', rest->len) : NULL;
    const size_t len = end ? (size_t)(end - rest->ptr) : rest->len;
    const struct str line = {rest->ptr, len};
    const size_t taken = end ? len + 1 : len;
    *rest = (struct str){rest->ptr + taken, rest->len - taken};
    return line;
}

static struct delivery delivery_of(struct str input)
{
    struct delivery delivery = {.queue = STR("shop.order"),
                                .exchange = STR("shop.requests"),
                                .routing_key = STR(""),
                                .deadline = -1,
                                .status = -1,
                                .expiration = -1,
                                .timestamp = -1};
    for (struct str line; (line = next_line(&input)).len;) {
        const char *space = memchr(line.ptr, ' ', line.len);
        const size_t len = space ? (size_t)(space - line.ptr) : line.len;
        if (space)
            set_property(&delivery, (struct str){line.ptr, len},
                         (struct str){space + 1, line.len - len - 1});
    }
    delivery.body = str_dup(&door.arena, input);
    return delivery;
}

/* --- what must hold ------------------------------------------------------------------------------- */

static void check_reply_to(const struct job *job)
{
    const struct str to = job->delivery->reply_to;
    require(!str_starts_with(to, STR("shop.")));
    require(!str_starts_with(to, STR("amq.")) || str_starts_with(to, STR("amq.gen-")) ||
            str_starts_with(to, STR("amq.rabbitmq.reply-to.")));
}

static void check_let_in(const struct job *job)
{
    require(job->state == JOB_OPEN && job->outcome == OUTCOME_DONE);
    require(job->operation && job->request);
    require(job->operation->kind == QUERY || job->delivery->message_id.len > 0);
    require(job->operation->kind == SUBSCRIBER || job->caller.role >= job->operation->who);
    require((job->caller.role == GUEST) == str_is_absent(job->caller.id));
}

static void check_answered(const struct job *job)
{
    const struct json *json = NULL;
    struct err err = {0};
    require(job->state == JOB_ANSWERED && job->outcome == OUTCOME_INVALID);
    require(json_parse(&door.arena, job->body, &json, &err) == OUTCOME_DONE);
    require(!json_bool(json_member(json, "ok"), true));
    require(str_eq(json_str(json_at(json, "/error/code")), str_of(job->err.code->name)));
    require(job->status == job->err.code->status && job->status >= 400 && job->status < 600);
    require(job->err.code != E_INTERNAL);
}

static struct job admit(struct batch *batch, struct delivery *delivery)
{
    struct job job = {.batch = batch, .delivery = delivery};
    job_admit(&job);
    check_reply_to(&job);
    if (job.state == JOB_OPEN)
        check_let_in(&job);
    else
        check_answered(&job);
    return job;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    open_door();
    struct delivery delivery = delivery_of((struct str){(const char *)data, size});
    struct batch batch = {
        .lane = &door.lane, .arena = &door.arena, .run_arena = &door.arena, .now = NOW_MS};
    const struct job first = admit(&batch, &delivery);
    const struct job again = admit(&batch, &delivery);
    /* The second time the token comes from the cache. */
    require(first.state == again.state || str_is_absent(delivery.reply_to));
    if (first.state == JOB_OPEN) {
        require(memcmp(&first.key, &again.key, sizeof(first.key)) == 0);
        require(memcmp(first.fingerprint, again.fingerprint, sizeof(first.fingerprint)) == 0);
    }
    arena_clear(&door.arena);
    return 0;
}
