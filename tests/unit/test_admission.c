/* The door: whole job_admit() over messages made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lane_case.h"
#include "service/signature.h"
#include "wire/encoding.h"

static struct lane_case c;
static struct batch batch;

static void open_door(void)
{
    lane_case_open(&c);
    batch = (struct batch){.lane = &c.lane,
                           .arena = &c.lane.rooms[0].arena,
                           .run_arena = &c.lane.rooms[0].run_arena,
                           .now = NOW_MS};
}

/* A message that is let in. */
static struct delivery good(void)
{
    return (struct delivery){
        .queue = STR("t.notes"),
        .exchange = STR("t.requests"),
        .routing_key = STR("note.write"),
        .body = note_body(&c, NOTE_ID, "hello"),
        .message_id = STR("m1"),
        .reply_to = STR("amq.rabbitmq.reply-to.x"),
        .content_type = STR("application/json"),
        .authorization = bearer(&c, ANNA, "customer"),
        .deadline = -1,
        .status = -1,
        .expiration = -1,
        .timestamp = -1,
    };
}

static struct job admit(struct delivery *delivery)
{
    struct job job = {.batch = &batch, .delivery = delivery};
    job_admit(&job);
    return job;
}

static struct job let_in(struct delivery *delivery)
{
    const struct job job = admit(delivery);
    if (job.state != JOB_OPEN)
        fail_msg("%s: %s", job.err.code->name, job.err.text);
    assert_int_equal(job.outcome, OUTCOME_DONE);
    return job;
}

/* Refused, and the answer says so in JSON. */
static struct job refused(struct delivery *delivery, const struct error_code *code)
{
    const struct json *json;
    struct err err = {0};
    const struct job job = admit(delivery);
    assert_int_equal(job.state, JOB_ANSWERED);
    assert_int_equal(job.outcome, OUTCOME_INVALID);
    assert_string_equal(job.err.code->name, code->name);
    assert_int_equal(job.status, code->status);
    must(json_parse(&c.arena, job.body, &json, &err), &err);
    assert_false(json_bool(json_member(json, "ok"), true));
    assert_true(str_eq(json_str(json_at(json, "/error/code")), str_of(code->name)));
    assert_true(str_eq(json_str(json_at(json, "/error/message")), str_of(job.err.text)));
    assert_int_equal(json_bool(json_at(json, "/error/retryable"), !code->retryable),
                     code->retryable);
    return job;
}

static void verdict(struct delivery *delivery, const struct error_code *code)
{
    if (code)
        refused(delivery, code);
    else
        let_in(delivery);
}

/* --- every check, in its order -------------------------------------------------------------------- */

static void spoil_reply_to(struct delivery *d)
{
    d->reply_to = STR("t.notes");
}

static void spoil_size(struct delivery *d)
{
    d->too_large = true;
    d->body = STR("");
}

static void spoil_content_type(struct delivery *d)
{
    d->content_type = STR("text/xml");
}

static void spoil_encoding(struct delivery *d)
{
    d->content_encoding = STR("br");
}

static void spoil_long_id(struct delivery *d)
{
    static char id[256];
    memset(id, 'i', sizeof(id));
    d->message_id = (struct str){id, sizeof(id)};
}

static void spoil_operation(struct delivery *d)
{
    d->routing_key = STR("note.nothing");
}

static void spoil_version(struct delivery *d)
{
    d->api_version = STR("2");
}

static void spoil_missing_id(struct delivery *d)
{
    d->message_id = STR_ABSENT;
}

static void spoil_json(struct delivery *d)
{
    d->body = STR("{\"id\":");
}

static void spoil_fields(struct delivery *d)
{
    d->body = STR("{\"id\":\"x\",\"text\":\"y\"}");
}

static void spoil_api_key(struct delivery *d)
{
    d->api_key = STR("wrong");
}

static void spoil_token(struct delivery *d)
{
    d->authorization = STR("Bearer a.b.c");
}

static void spoil_role(struct delivery *d)
{
    d->routing_key = STR("note.purge");
}

static const struct spoiler {
    void (*spoil)(struct delivery *delivery);
    const struct error_code *code;
    const char *text;
} spoilers[] = {
    {spoil_reply_to, E_MALFORMED, "reply_to names a queue"},
    {spoil_size, E_TOO_LARGE, "the body is over 65536 bytes"},
    {spoil_content_type, E_MALFORMED, "content_type must be"},
    {spoil_encoding, E_MALFORMED, "content_encoding is not gzip"},
    {spoil_long_id, E_MALFORMED, "message_id is over 255"},
    {spoil_operation, E_UNKNOWN_OPERATION, "nobody serves 'note.nothing'"},
    {spoil_version, E_UNSUPPORTED_VERSION, "x-api-version 1"},
    {spoil_missing_id, E_MALFORMED, "a command needs the property message_id"},
    {spoil_json, E_MALFORMED, ""},
    {spoil_fields, E_VALIDATION_FAILED, ""},
    {spoil_api_key, E_UNAUTHENTICATED, "x-api-key"},
    {spoil_token, E_UNAUTHENTICATED, "the access token is not valid"},
    {spoil_role, E_FORBIDDEN, "note.purge needs the role admin"},
};

/* Of two faults the one that is looked for first is answered. */
void test_admission__each_check_comes_in_its_order(void **state)
{
    (void)state;
    static struct str keys[] = {{"key", 3}};
    open_door();
    c.engine.api_keys.items = keys;
    c.engine.api_keys.count = 1;
    for (size_t later = 0; later < COUNT(spoilers); later++)
        for (size_t first = 0; first <= later; first++) {
            struct delivery delivery = good();
            delivery.api_key = STR("key");
            let_in(&delivery);
            spoilers[later].spoil(&delivery);
            spoilers[first].spoil(&delivery);
            const struct job job = refused(&delivery, spoilers[first].code);
            if (!strstr(job.err.text, spoilers[first].text))
                fail_msg("%zu before %zu: %s", first, later, job.err.text);
        }
    lane_case_close(&c);
}

void test_admission__what_is_let_in_is_complete(void **state)
{
    (void)state;
    open_door();
    struct delivery delivery = good();
    const struct job job = let_in(&delivery);
    const struct note_request *request = job.request;
    assert_ptr_equal(job.operation, &note_write);
    assert_string_equal(request->id.ptr, NOTE_ID);
    assert_string_equal(request->text.ptr, "hello");
    assert_int_equal(job.caller.role, CUSTOMER);
    assert_string_equal(job.caller.id.ptr, ANNA);
    assert_string_equal(job.caller.session.ptr, SESSION);
    assert_true(job.caller.token_issued_at == NOW_MS / 1000 * 1000);
    assert_true(job.authorize);
    assert_false(job.insist);
    const struct job again = let_in(&delivery);
    assert_memory_not_equal(job.seed, again.seed, sizeof(job.seed));
    lane_case_close(&c);
}

void test_admission__a_message_that_waited_long_insists(void **state)
{
    (void)state;
    open_door();
    struct delivery delivery = good();
    delivery.deferrals = 9;
    assert_false(let_in(&delivery).insist);
    delivery.deferrals = 10;
    assert_true(let_in(&delivery).insist);
    lane_case_close(&c);
}

void test_admission__each_faulty_field_is_named(void **state)
{
    (void)state;
    open_door();
    struct delivery delivery = good();
    delivery.body = STR("{\"id\":\"x\",\"more\":1}");
    const struct job job = refused(&delivery, E_VALIDATION_FAILED);
    const struct json *json;
    struct err err = {0};
    must(json_parse(&c.arena, job.body, &json, &err), &err);
    assert_int_equal(json_count(json_at(json, "/error/fields")), 3);
    assert_string_equal(json_str(json_at(json, "/error/fields/0/pointer")).ptr, "/id");
    lane_case_close(&c);
}

/* --- where replies may go ------------------------------------------------------------------------- */

void test_admission__replies_are_not_steered_into_our_queues(void **state)
{
    (void)state;
    static char longest[257] = "bff.";
    static struct str listed[] = {{"bff.*", 5}, {"queue-?", 7}, {"t.*", 3}, {"amq.*", 5}};
    memset(longest + 4, 'q', sizeof(longest) - 5);
    const struct {
        struct str reply_to;
        bool ok;
    } rows[] = {
        {STR("amq.rabbitmq.reply-to.g1h2AA.xyz=="), true},
        {STR("amq.gen-JzTY20BRgKO"), true},
        {STR("web-replies"), false},
        {STR("bff.replies"), true},
        {STR("bff."), true},
        {STR("bff/1"), false},
        {STR("abff.replies"), false},
        {STR("queue-7"), true},
        {STR("queue-77"), false},
        {STR("t"), false},
        {STR("tt.replies"), false},
        {STR("t.reply.web-1"), true},
        {STR("t.reply"), false},
        {STR("t.replies.web-1"), false},
        {STR("t-replies"), false},
        {STR("AMQ.topic"), false},
        {STR(""), true},
        {STR_ABSENT, true},
        {{longest, 255}, true},
        {{longest, 256}, false},
        {STR("amq.rabbitmq.reply-to"), false},
        {STR("t.notes"), false},
        {STR("t.dead.notes"), false},
        {STR("t.echo.events"), false},
        {STR("t.delay.00"), false},
        {STR("t."), false},
        {STR("amq."), false},
        {STR("amq.topic"), false},
        {STR("amq.rabbitmq.trace"), false},
        {STR("amq.rabbitmq.reply-to"), false},
        {STR("amq.gen"), false},
        {STR("web\0.replies"), false},
    };
    open_door();
    c.engine.reply_queues.items = listed; /* ours and the broker's stay what they are */
    c.engine.reply_queues.count = COUNT(listed);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct delivery delivery = good();
        delivery.reply_to = rows[i].reply_to;
        if (admit(&delivery).state != (rows[i].ok ? JOB_OPEN : JOB_ANSWERED))
            fail_msg("reply_to '%.*s'", STR_FMT(rows[i].reply_to));
        /* And the answer does not go there, either. */
        assert_int_equal(str_is_absent(delivery.reply_to),
                         !rows[i].ok || str_is_absent(rows[i].reply_to));
    }
    lane_case_close(&c);
}

void test_admission__content_types(void **state)
{
    (void)state;
    open_door();
    static const struct {
        const char *type;
        bool ok;
    } rows[] = {
        {NULL, true},
        {"application/json", true},
        {"application/json; charset=utf-8", true},
        {"application/cloudevents+json", true},
        {"application/cloudevents+json; charset=utf-8", true},
        {"Application/JSON; charset=UTF-8", true},
        {"application/json;charset=\"utf-8\"", true},
        {"application/json ; odd=1; charset=utf-8", true},
        {"application/json; charset=latin1", false},
        {"application/jsonp", false},
        {"application/json-patch+json", false},
        {"application/json+x", false},
        {"", false},
        {"text/plain", false},
        {"application/x-msgpack", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct delivery delivery = good();
        delivery.content_type = str_of(rows[i].type);
        verdict(&delivery, rows[i].ok ? NULL : E_MALFORMED);
    }
    lane_case_close(&c);
}

void test_admission__bodies_are_unpacked(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum encoding encoding;
    } rows[] = {
        {NULL, ENCODING_NONE},         {"", ENCODING_NONE},         {"UTF-8", ENCODING_NONE},
        {"utf-8", ENCODING_NONE},      {"identity", ENCODING_NONE}, {"binary", ENCODING_NONE},
        {"gzip", ENCODING_GZIP},       {"GZIP", ENCODING_GZIP},     {"x-gzip", ENCODING_GZIP},
        {"deflate", ENCODING_DEFLATE}, {"zstd", ENCODING_ZSTD}};
    open_door();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct delivery delivery = good();
        const struct job plain = let_in(&delivery);
        delivery.content_encoding = str_of(rows[i].name);
        delivery.body = encoding_pack(&c.arena, rows[i].encoding, delivery.body);
        const struct job job = let_in(&delivery);
        assert_memory_equal(job.fingerprint, plain.fingerprint, sizeof(job.fingerprint));
        delivery.body = STR("neither JSON nor packed");
        refused(&delivery, E_MALFORMED);
    }
    lane_case_close(&c);
}

/* --- what died ------------------------------------------------------------------------------------- */

static struct delivery dead(const char *reason)
{
    struct delivery delivery = good();
    delivery.queue = STR("t.died");
    delivery.exchange = STR("t.died");
    delivery.death_reason = str_of(reason);
    delivery.death_queue = STR("t.notes");
    delivery.death_exchange = STR("t.requests");
    return delivery;
}

void test_admission__what_expired_is_as_it_was_in_its_queue(void **state)
{
    (void)state;
    open_door();
    struct delivery delivery = dead("expired");
    delivery.death_expiration = STR("1000");
    delivery.timestamp = NOW_MS / 1000 - 60;
    for (int i = 0; i < 2; i++) { /* it may have to wait for another batch */
        const struct job job = let_in(&delivery);
        assert_true(job.expired);
        assert_true(job.late);
        assert_true(str_eq(delivery.queue, STR("t.notes")));
        assert_true(str_eq(delivery.exchange, STR("t.requests")));
        assert_int_equal(delivery_deadline(&delivery), NOW_MS / 1000 * 1000 - 59000);
    }
    delivery = dead("expired");
    delivery.routing_key = STR("note.read");
    refused(&delivery, E_DEADLINE_EXCEEDED);
    lane_case_close(&c);
}

/* Whatever somebody makes up about a death. */
void test_admission__what_died_is_never_let_in_to_be_carried_out(void **state)
{
    (void)state;
    static const struct {
        const char *exchange, *reason, *queue;
        enum job_state state;
        bool expired;
    } rows[] = {
        {"t.died", "expired", "t.notes", JOB_OPEN, true}, /* and answered by batch_recall */
        {"t.died", "delivery_limit", "t.notes", JOB_FAILED, false},
        {"t.died", "rejected", "t.notes", JOB_FAILED, false},
        {"t.died", NULL, "t.notes", JOB_FAILED, false},
        {"t.died", "expired", "t.echo.events", JOB_FAILED, false},
        {"t.died", "expired", "t.other", JOB_ANSWERED, false}, /* by nobody who serves it */
        {"t.died", "expired", "t.dead.notes", JOB_ANSWERED, false},
        {"t.died", "expired", "t", JOB_ANSWERED, false},
        {"t.died", "expired", "", JOB_ANSWERED, false},
        {"t.died", "expired", NULL, JOB_ANSWERED, false},
        {"", "expired", "t.notes", JOB_ANSWERED, false},
        {"t.requests", "delivery_limit", "t.notes", JOB_ANSWERED, false},
    };
    open_door();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct delivery delivery = dead(rows[i].reason);
        delivery.exchange = str_of(rows[i].exchange);
        delivery.death_queue = str_of(rows[i].queue);
        const struct job job = admit(&delivery);
        if (job.state != rows[i].state || job.expired != rows[i].expired ||
            (job.state == JOB_FAILED && !job.hopeless))
            fail_msg("row %zu: state %d, %s", i, job.state, job.err.text);
    }
    lane_case_close(&c);
}

/* --- deadlines ------------------------------------------------------------------------------------ */

void test_admission__deadlines(void **state)
{
    (void)state;
    static const struct {
        int64_t deadline, expiration, timestamp;
        bool ok;
    } rows[] = {
        {-1, -1, -1, true},
        {NOW_MS, -1, -1, true},
        {NOW_MS + 1, -1, -1, true},
        {NOW_MS - 1, -1, -1, false},
        {0, -1, -1, false},
        {INT64_MAX, -1, -1, true},
        {-1, 0, -1, true},
        {-1, 100, 0, true},
        {-1, 123, NOW_MS / 1000, true},
        {-1, 122, NOW_MS / 1000, false},
        {-1, 0, 1, false},
        {-1, -1, 1, true},
        {NOW_MS, 0, 1, true}, /* the deadline wins */
        {NOW_MS - 1, INT64_MAX, 1, false},
        {-1, INT64_MAX, 1, true}, /* sums that do not fit are far away */
        {-1, 0, INT64_MAX, true},
        {-1, INT64_MAX, INT64_MAX, true},
        {-1, 100, INT64_MAX / 1000, true},
        {-1, 1000, INT64_MAX / 1000, true},
        {-1, 100, INT64_MIN, true},
    };
    open_door();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct delivery delivery = good();
        delivery.deadline = rows[i].deadline;
        delivery.expiration = rows[i].expiration;
        delivery.timestamp = rows[i].timestamp;
        if (let_in(&delivery).late == rows[i].ok) /* a command's fate is up to the journal */
            fail_msg("row %zu", i);
        delivery.routing_key = STR("note.read");
        verdict(&delivery, rows[i].ok ? NULL : E_DEADLINE_EXCEEDED);
    }
    lane_case_close(&c);
}

void test_admission__the_answer_to_a_late_message_says_by_how_much(void **state)
{
    (void)state;
    open_door();
    struct delivery delivery = good();
    delivery.deadline = NOW_MS - 7;
    struct job job = let_in(&delivery);
    job_refuse_late(&job);
    assert_int_equal(job.state, JOB_DECIDED);
    assert_int_equal(job.outcome, OUTCOME_INVALID);
    assert_ptr_equal(job.err.code, E_DEADLINE_EXCEEDED);
    assert_string_equal(job.err.text, "the deadline passed 7 ms ago");
    lane_case_close(&c);
}

/* --- clients -------------------------------------------------------------------------------------- */

void test_admission__api_keys(void **state)
{
    (void)state;
    static struct str keys[] = {{"first-key", 9}, {"second", 6}};
    static const struct {
        const char *key;
        size_t configured;
        bool ok;
    } rows[] = {
        {NULL, 0, true},         {"anything", 0, true},    {"first-key", 1, true},
        {"second", 2, true},     {"second", 1, false},     {"first-key", 2, true},
        {NULL, 2, false},        {"", 2, false},           {"first", 2, false},
        {"first-kez", 2, false}, {"first-key ", 2, false}, {"FIRST-KEY", 2, false},
    };
    open_door();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct delivery delivery = good();
        c.engine.api_keys.items = keys;
        c.engine.api_keys.count = rows[i].configured;
        delivery.api_key = str_of(rows[i].key);
        verdict(&delivery, rows[i].ok ? NULL : E_UNAUTHENTICATED);
    }
    lane_case_close(&c);
}

/* --- callers -------------------------------------------------------------------------------------- */

void test_admission__roles(void **state)
{
    (void)state;
    static const struct {
        const char *role, *operation;
        const struct error_code *code;
    } rows[] = {
        {"customer", "note.write", NULL},
        {"admin", "note.write", NULL},
        {"superadmin", "note.write", NULL},
        {"customer", "note.purge", E_FORBIDDEN},
        {"admin", "note.purge", NULL},
        {"superadmin", "note.purge", NULL},
        {"guest", "note.write", E_UNAUTHENTICATED},
        {"Admin", "note.purge", E_UNAUTHENTICATED},
        {"root", "note.purge", E_UNAUTHENTICATED},
    };
    open_door();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct delivery delivery = good();
        delivery.routing_key = str_of(rows[i].operation);
        delivery.authorization = bearer(&c, ANNA, rows[i].role);
        verdict(&delivery, rows[i].code);
    }
    lane_case_close(&c);
}

void test_admission__authorization_is_a_bearer_token(void **state)
{
    (void)state;
    open_door();
    const struct str token = bearer(&c, ANNA, "customer");
    const struct str bare = {token.ptr + 7, token.len - 7};
    const struct str wrong[] = {
        STR_ABSENT,
        STR(""),
        STR("Bearer "),
        STR("Bearer"),
        bare,
        str_printf(&c.arena, "bearer %.*s", STR_FMT(bare)),
        str_printf(&c.arena, "Basic %.*s", STR_FMT(bare)),
        str_printf(&c.arena, "Bearer  %.*s", STR_FMT(bare)),
        str_printf(&c.arena, "Bearer %.*s ", STR_FMT(bare)),
        {token.ptr, token.len - 1},
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct delivery delivery = good();
        delivery.authorization = wrong[i];
        refused(&delivery, E_UNAUTHENTICATED);
    }
    lane_case_close(&c);
}

/* auth.refresh is called with a token that has expired. */
void test_admission__where_guests_are_welcome_a_bad_token_makes_a_guest(void **state)
{
    (void)state;
    open_door();
    struct delivery delivery = good();
    delivery.routing_key = STR("note.read");
    delivery.message_id = STR_ABSENT; /* a query needs none */
    struct job job = let_in(&delivery);
    assert_int_equal(job.caller.role, CUSTOMER);
    assert_string_equal(job.caller.id.ptr, ANNA);
    assert_true(job.authorize);
    const struct str bad[] = {STR_ABSENT, STR("Bearer a.b.c"), STR("Basic x")};
    for (size_t i = 0; i < COUNT(bad); i++) {
        delivery.authorization = bad[i];
        job = let_in(&delivery);
        assert_int_equal(job.caller.role, GUEST);
        assert_true(str_is_absent(job.caller.id));
        assert_false(job.authorize);
        assert_null(job.token);
        assert_null(job.err.code);
    }
    lane_case_close(&c);
}

/* --- the token cache ------------------------------------------------------------------------------ */

void test_admission__a_signature_is_checked_once(void **state)
{
    (void)state;
    open_door();
    struct delivery known = good();
    struct delivery fresh = good();
    fresh.authorization = bearer(&c, BERT, "customer");
    let_in(&known);
    memset(c.lane.keys.token, 7, sizeof(c.lane.keys.token));
    assert_string_equal(let_in(&known).caller.id.ptr, ANNA);
    refused(&fresh, E_UNAUTHENTICATED);
    lane_case_close(&c);
}

void test_admission__a_remembered_token_expires_all_the_same(void **state)
{
    (void)state;
    open_door();
    struct delivery delivery = good();
    const int64_t end = NOW_MS / 1000 * 1000 + 600000 + c.engine.token_skew_ms;
    let_in(&delivery);
    batch.now = end - 1;
    let_in(&delivery);
    batch.now = end;
    refused(&delivery, E_TOKEN_EXPIRED);
    lane_case_close(&c);
}

/* What is remembered for one token is never said of another. */
void test_admission__a_slot_may_go_to_another_token(void **state)
{
    (void)state;
    open_door();
    struct delivery anna = good();
    struct delivery bert = good();
    bert.authorization = bearer(&c, BERT, "admin");
    const ptrdiff_t slot = let_in(&anna).token - c.lane.tokens;
    const struct token_entry of_bert = *let_in(&bert).token;
    struct token_entry *set = c.lane.tokens + slot / TOKEN_CACHE_WAYS * TOKEN_CACHE_WAYS;
    for (size_t i = 0; i < TOKEN_CACHE_WAYS; i++)
        set[i] = of_bert; /* as if others had taken the whole set */
    const struct job job = let_in(&anna);
    assert_in_range(job.token - set, 0, TOKEN_CACHE_WAYS - 1);
    assert_string_equal(job.caller.id.ptr, ANNA);
    assert_int_equal(job.caller.role, CUSTOMER);
    lane_case_close(&c);
}

/* Tokens whose digests lead to the same set do not push each other out. */
void test_admission__a_set_remembers_several_tokens(void **state)
{
    (void)state;
    open_door();
    struct delivery anna = good();
    struct token_entry *first = let_in(&anna).token;
    struct token_entry *set =
        c.lane.tokens + (first - c.lane.tokens) / TOKEN_CACHE_WAYS * TOKEN_CACHE_WAYS;
    for (size_t i = 0; i < TOKEN_CACHE_WAYS; i++) {
        if (&set[i] == first)
            continue;
        set[i] = *first;
        set[i].digest[0] ^= (uint8_t)(i + 1);
    }
    assert_ptr_equal(let_in(&anna).token, first);
    lane_case_close(&c);
}

void test_admission__the_account_is_looked_at_once_in_a_while(void **state)
{
    (void)state;
    open_door();
    struct delivery delivery = good();
    struct token_entry *entry = let_in(&delivery).token;
    assert_true(let_in(&delivery).authorize); /* nobody has looked yet */
    entry->account_checked_ms = NOW_MS;
    assert_false(let_in(&delivery).authorize);
    batch.now = NOW_MS + c.engine.account_check_ms - 1;
    assert_false(let_in(&delivery).authorize);
    batch.now = NOW_MS + c.engine.account_check_ms;
    assert_true(let_in(&delivery).authorize);
    lane_case_close(&c);
}

/* --- keys and fingerprints ------------------------------------------------------------------------ */

static bool same_key(const struct job *a, const struct job *b)
{
    return memcmp(&a->key, &b->key, sizeof(a->key)) == 0;
}

static bool same_print(const struct job *a, const struct job *b)
{
    return memcmp(a->fingerprint, b->fingerprint, sizeof(a->fingerprint)) == 0;
}

/* Nobody is answered with somebody else's reply. */
void test_admission__the_key_of_a_message_is_its_caller_and_id(void **state)
{
    (void)state;
    open_door();
    struct delivery delivery = good();
    const struct job anna = let_in(&delivery);
    const struct job again = let_in(&delivery);
    delivery.authorization = bearer(&c, ANNA, "admin"); /* another token of hers */
    const struct job other_token = let_in(&delivery);
    delivery.authorization = bearer(&c, BERT, "customer");
    const struct job bert = let_in(&delivery);
    delivery = good();
    delivery.message_id = STR("m2");
    const struct job other_id = let_in(&delivery);
    delivery = good();
    delivery.routing_key = STR("note.read");
    delivery.authorization = STR_ABSENT;
    const struct job guest = let_in(&delivery);
    assert_true(same_key(&anna, &again));
    assert_true(same_key(&anna, &other_token));
    assert_false(same_key(&anna, &bert));
    assert_false(same_key(&anna, &other_id));
    assert_false(same_key(&anna, &guest));
    lane_case_close(&c);
}

void test_admission__the_fingerprint_is_of_values_and_operation(void **state)
{
    (void)state;
    open_door();
    struct delivery delivery = good();
    delivery.authorization = bearer(&c, ANNA, "admin");
    const struct job plain = let_in(&delivery);
    delivery.body = STR(" {\n\"text\" : \"h\\u0065llo\", \"id\":\"" NOTE_ID "\"}\t");
    const struct job other_form = let_in(&delivery);
    delivery.body = note_body(&c, NOTE_ID, "hellO");
    const struct job other_value = let_in(&delivery);
    delivery.body = note_body(&c, NOTE_ID, "hello");
    delivery.routing_key = STR("note.purge");
    const struct job other_operation = let_in(&delivery);
    assert_true(same_print(&plain, &other_form));
    assert_false(same_print(&plain, &other_value));
    assert_false(same_print(&plain, &other_operation));
    assert_true(same_key(&plain, &other_operation)); /* so that the misuse is found */
    lane_case_close(&c);
}

/* --- events, and copies that come back ------------------------------------------------------------ */

static struct delivery signed_by(const struct auth_keys *keys, struct delivery event)
{
    const struct signed_event said = {event.exchange, event.routing_key, event.message_id,
                                      event.body};
    event.signature = event_sign(&c.arena, keys, &said);
    return event;
}

static struct delivery good_event(void)
{
    struct delivery delivery = good();
    delivery.queue = STR("t.echo.events");
    delivery.exchange = STR("t.events");
    delivery.routing_key = STR("note.written");
    delivery.reply_to = delivery.authorization = STR_ABSENT;
    delivery.content_type = STR("application/cloudevents+json");
    delivery.body = str_printf(&c.arena, "{\"specversion\":\"1.0\",\"data\":%.*s}",
                               STR_FMT(note_body(&c, NOTE_ID, "hello")));
    return signed_by(&c.lane.keys, delivery);
}

void test_admission__events_go_to_their_subscriber_without_a_token(void **state)
{
    (void)state;
    open_door();
    struct delivery delivery = good_event();
    const struct job job = let_in(&delivery);
    assert_ptr_equal(job.operation, &echo_written);
    assert_string_equal(((const struct note *)job.request)->text.ptr, "hello");
    delivery.message_id = STR_ABSENT;
    refused(&delivery, E_MALFORMED);
    delivery = good_event();
    delivery.body = note_body(&c, NOTE_ID, "hello");
    refused(&delivery, E_MALFORMED);
    delivery = good_event();
    delivery.body = STR("{\"data\":{\"id\":7}}");
    refused(&delivery, E_VALIDATION_FAILED);
    delivery = good_event();
    delivery.routing_key = STR("note.other");
    refused(&delivery, E_UNKNOWN_OPERATION);
    lane_case_close(&c);
}

/* Whoever may publish to the exchange of events can write one, but not sign it. */
void test_admission__an_event_that_we_did_not_sign_is_refused(void **state)
{
    (void)state;
    open_door();
    struct auth_keys others = c.lane.keys;
    memset(others.ring[0].mac, 9, sizeof(others.ring[0].mac));
    const struct delivery good = good_event();
    struct delivery delivery = good;
    delivery.signature = STR_ABSENT;
    refused(&delivery, E_UNAUTHENTICATED);
    delivery.signature = STR("");
    refused(&delivery, E_UNAUTHENTICATED);
    delivery = signed_by(&others, good);
    refused(&delivery, E_UNAUTHENTICATED);
    delivery = good;
    delivery.message_id = STR("another");
    refused(&delivery, E_UNAUTHENTICATED);
    delivery = good;
    delivery.body = str_printf(&c.arena, "%.*s ", STR_FMT(good.body));
    refused(&delivery, E_UNAUTHENTICATED);
    lane_case_close(&c);
}

/* While lanes of a version that did not sign them still run; a wrong signature is wrong then, too. */
void test_admission__unsigned_events_are_taken_up_when_the_operator_says_so(void **state)
{
    (void)state;
    open_door();
    c.engine.accept_unsigned_events = true;
    struct delivery delivery = good_event();
    delivery.signature = STR_ABSENT;
    assert_false(let_in(&delivery).vouched);
    delivery.signature = STR("AAAA");
    refused(&delivery, E_UNAUTHENTICATED);
    lane_case_close(&c);
}

/* Otherwise anybody could play an event without a token. */
void test_admission__a_subscriber_is_not_to_be_had_by_request(void **state)
{
    (void)state;
    open_door();
    static const struct caller nobody = {.role = GUEST};
    struct delivery delivery = good_event();
    delivery.queue = STR("t.echo");
    delivery.exchange = STR("t.requests");
    delivery.routing_key = STR("echo.note_written");
    refused(&delivery, E_UNKNOWN_OPERATION);
    delivery.operation = STR("echo.note_written");
    refused(&delivery, E_UNKNOWN_OPERATION);
    delivery.exchange = STR("");
    delivery.routing_key = delivery.queue = STR("t.echo.events");
    delivery.attempt = 1;
    refused(&delivery, E_UNKNOWN_OPERATION); /* anybody can write that; only we can seal it */
    delivery = good_event();
    struct delivery copy = sealed_copy(&c, delivery, STR("echo.note_written"), &nobody);
    assert_ptr_equal(let_in(&copy).operation, &echo_written);
    copy.message_id = STR("another");
    refused(&copy, E_UNKNOWN_OPERATION);
    lane_case_close(&c);
}

void test_admission__a_copy_from_a_delay_is_the_same_message(void **state)
{
    (void)state;
    open_door();
    struct delivery delivery = good();
    const struct job first = let_in(&delivery);
    static const struct {
        const char *exchange, *routing_key;
    } ways[] = {
        {"t.delay.02", "0.0.1.t.notes"}, {"t.delay.end", "1.t.notes"}, {"t.delay.end", "t.notes"}};
    for (size_t i = 0; i < COUNT(ways); i++) {
        delivery.exchange = str_of(ways[i].exchange);
        delivery.routing_key = str_of(ways[i].routing_key);
        delivery.operation = STR("note.write");
        delivery.attempt = 1;
        const struct job second = let_in(&delivery);
        assert_ptr_equal(second.operation, &note_write);
        assert_true(same_key(&first, &second) && same_print(&first, &second));
        delivery.operation = STR_ABSENT;
        refused(&delivery, E_UNKNOWN_OPERATION);
    }
    lane_case_close(&c);
}

/* --- messages that killed a lane ------------------------------------------------------------------ */

void test_admission__who_ended_two_lanes_is_not_let_in(void **state)
{
    (void)state;
    open_door();
    struct delivery delivery = good();
    struct delivery other = good();
    other.message_id = STR("m2");
    const struct death death = {delivery_digest(&delivery), 0, "SIGSEGV", ""};
    blame_record(&c.blame, &death);
    let_in(&delivery);
    blame_record(&c.blame, &death);
    const struct job job = admit(&delivery);
    assert_int_equal(job.state, JOB_FAILED);
    assert_int_equal(job.outcome, OUTCOME_BUG);
    assert_true(job.hopeless);
    let_in(&other);
    lane_case_close(&c);
}

void test_admission__the_digest_of_a_delivery_tells_messages_apart(void **state)
{
    (void)state;
    open_door();
    struct delivery delivery = good();
    const uint64_t digest = delivery_digest(&delivery);
    delivery.tag = 99;
    delivery.redelivered = true;
    assert_true(delivery_digest(&delivery) == digest);
    delivery.body = STR("{}");
    assert_true(delivery_digest(&delivery) != digest);
    assert_true(delivery_digest(&(struct delivery){.tag = 1}) != 0);
    lane_case_close(&c);
}

/* Found wrong, and nobody to be told: its caller is asked for all the same, for a corrected copy. */
void test_admission__who_sent_what_is_put_aside_is_noted(void **state)
{
    (void)state;
    static const struct {
        const char *user, *role;
        enum who noted;
    } rows[] = {{ANNA, "customer", CUSTOMER}, {ANNA, "nobody", GUEST}, {NULL, NULL, GUEST}};
    open_door();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct delivery delivery = good();
        delivery.body = STR("{");
        delivery.authorization = rows[i].user ? bearer(&c, rows[i].user, rows[i].role) : STR_ABSENT;
        struct job job = admit(&delivery);
        assert_ptr_equal(job.err.code, E_MALFORMED);
        job_note_caller(&job);
        assert_int_equal(job.bearer.role, rows[i].noted);
        assert_ptr_equal(job.err.code, E_MALFORMED);
    }
    lane_case_close(&c);
}

static const struct caller anna = {.role = CUSTOMER, .id = {ANNA, 24}, .session = {SESSION, 24}};

/* Its token may end before the delays do, but nobody else can make such a copy. */
void test_admission__a_delayed_copy_brings_its_caller_along(void **state)
{
    (void)state;
    open_door();
    struct delivery delivery = good();
    struct job first = let_in(&delivery);
    struct delivery copy = sealed_copy(&c, delivery, STR("note.write"), &anna);
    const struct job job = let_in(&copy);
    assert_string_equal(job.caller.id.ptr, ANNA);
    assert_string_equal(job.caller.session.ptr, SESSION);
    assert_int_equal(job.caller.role, CUSTOMER);
    assert_true(job.authorize && job.vouched);
    assert_null(job.token);
    assert_true(same_key(&first, &job));
    lane_case_close(&c);
}

/* A seal that somebody read in a queue is good for nothing but the same message at the same place. */
void test_admission__a_seal_holds_for_one_message_in_one_attempt(void **state)
{
    (void)state;
    open_door();
    const struct delivery good_copy = sealed_copy(&c, good(), STR("note.write"), &anna);
    struct delivery copies[8];
    for (size_t i = 0; i < COUNT(copies); i++)
        copies[i] = good_copy;
    copies[0].operation = STR("note.purge");
    copies[1].message_id = STR("m2");
    copies[2].body = note_body(&c, NOTE_ID, "hellO");
    copies[3].attempt = 2;
    copies[4].attempt = 0;
    copies[5].caller.len--;
    copies[6].exchange = STR("t.requests"); /* where everybody publishes */
    copies[6].routing_key = STR("note.write");
    copies[7].exchange = STR("");
    for (size_t i = 0; i < COUNT(copies); i++) {
        const struct job job = admit(&copies[i]);
        assert_int_equal(job.outcome, OUTCOME_INVALID);
        assert_false(job.is_copy || job.vouched);
    }
    struct delivery same = good_copy;
    let_in(&same);
    batch.now += 2 * MS_PER_DAY;
    refused(&same, E_UNAUTHENTICATED);
    batch.now -= 2 * MS_PER_DAY;
    lane_case_close(&c);
}

/* What an operator has in hand is no copy yet. */
void test_admission__the_seal_of_a_letter_is_not_that_of_a_copy(void **state)
{
    (void)state;
    open_door();
    struct delivery copy = sealed_copy(&c, good(), STR("note.write"), &anna);
    const struct sealed_message message = {copy.queue, copy.operation, copy.message_id, copy.body,
                                           copy.attempt};
    copy.caller = caller_seal(&c.arena, &c.lane.keys, LETTER_SEAL, &message, &anna, INT64_MAX);
    refused(&copy, E_UNAUTHENTICATED);
    lane_case_close(&c);
}

/* A role that was enough for one operation is not enough for another. */
void test_admission__a_sealed_caller_needs_the_role(void **state)
{
    (void)state;
    open_door();
    struct delivery delivery = good();
    struct delivery copy = sealed_copy(&c, delivery, STR("note.purge"), &anna);
    refused(&copy, E_FORBIDDEN);
    lane_case_close(&c);
}

/* A guest's message is known again by its holder, and so is a copy of it. */
void test_admission__the_seal_of_a_guest_keeps_its_holder(void **state)
{
    (void)state;
    static const struct str holders[] = {{"111111111111111111111111", 24}, {NULL, 0}};
    open_door();
    for (size_t i = 0; i < COUNT(holders); i++) {
        const struct sealed_message message = {.queue = STR("t.notes"), .message_id = STR("m")};
        const struct caller guest = {.role = GUEST, .holder = holders[i]};
        struct caller read = {0};
        const struct str seal =
            caller_seal(&c.arena, &c.lane.keys, COPY_SEAL, &message, &guest, INT64_MAX);
        assert_true(
            caller_unseal(&c.arena, &c.lane.keys, COPY_SEAL, &message, seal, NOW_MS, &read));
        assert_int_equal(read.role, GUEST);
        assert_true(str_is_absent(read.id));
        assert_true(str_eq(read.holder, holders[i]));
    }
    lane_case_close(&c);
}
