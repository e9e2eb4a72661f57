/* lane_case.h - a small service of notes and one lane that serves it, on fakes, for tests of the
 * engine itself.
 *
 * Domain `notes`: note.write (a customer's command; its text says how it ends: "bug", "down", "no",
 * "greedy" which never has enough; "twice" which is read before it is read for the change; anything else
 * is written), note.purge (an admin's command), note.read (a guest's query). Domain
 * `echo` takes up the event note.written and inserts a note whose id is the event's.
 * Include after cmocka.h. Time stands still at lane_case_now until the test moves it. */
#ifndef CARTWRIGHT_TESTS_LANE_CASE_H
#define CARTWRIGHT_TESTS_LANE_CASE_H

#include <signal.h>

#include "base/clock.h"
#include "engine/batch.h"
#include "engine/caller.h"
#include "fakes/bus_fake.h"
#include "fakes/lock_fake.h"
#include "fakes/store_fake.h"
#include "service/delay.h"
#include "service/names.h"
#include "service/topology.h"
#include "wire/json.h"
#include "wire/schema_node.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ANNA         "111111111111111111111111"
#define BERT         "222222222222222222222222"
#define SESSION      "555555555555555555555555"
#define NOTE_ID      "aaaaaaaaaaaaaaaaaaaaaaaa"
#define SECOND_ID    "bbbbbbbbbbbbbbbbbbbbbbbb"
#define NOW_MS       1763651045123 /* 2025-11-20T15:04:05.123Z */

/* --- notes ---------------------------------------------------------------------------------------- */

struct note {
    struct doc_head head;
    struct str text;
};

static const struct field note_fields[] = {
    DOC_FIELDS(struct note, FIELD_ID),
    {.name = "text", .kind = FIELD_STR, .offset = offsetof(struct note, text)},
};
static const struct shape note_shape = DOC_SHAPE("Note", struct note, note_fields);
/* Not const: a test may let the ids return. */
static struct doc_type note_type = {
    .collection = "notes", .shape = &note_shape, .cache_tag = "note"};

struct note_request {
    struct str id;
    struct str text;
};

static const struct field note_request_fields[] = {
    {.name = "id", .kind = FIELD_ID, .offset = offsetof(struct note_request, id)},
    {.name = "text", .kind = FIELD_STR, .offset = offsetof(struct note_request, text)},
};
static const struct shape note_request_shape =
    SHAPE("NoteRequest", struct note_request, note_request_fields);
static const struct schema_node note_id_node = {
    .type = SCHEMA_STR, .max_count = 24, .pattern = "^[0-9a-f]{24}$", .expected = "an id"};
static const struct schema_node note_text_node = {.type = SCHEMA_STR, .max_count = 100};
static const struct schema_member note_members[] = {
    {{"id", 2}, true, false, &note_id_node},
    {{"text", 4}, true, false, &note_text_node},
};
static const struct schema_node note_node = {.type = SCHEMA_OBJECT,
                                             .max_count = SIZE_MAX,
                                             .shape = &note_request_shape,
                                             .members = note_members};
static const struct schema note_schema = {
    .name = "note", .root = &note_node, .shape = &note_request_shape};

/* A note as it is replied and emitted. */
static const struct schema_node note_number_node = {
    .type = SCHEMA_INT, .min = INT64_MIN, .max = INT64_MAX};
static const struct schema_node note_time_node = {.type = SCHEMA_STR, .max_count = SIZE_MAX};
static const struct schema_member note_view_members[] = {
    {{"id", 2}, true, false, &note_id_node},
    {{"version", 7}, false, false, &note_number_node},
    {{"createdAt", 9}, false, false, &note_time_node},
    {{"updatedAt", 9}, false, false, &note_time_node},
    {{"text", 4}, true, false, &note_text_node},
};
static const struct schema_node note_view_node = {.type = SCHEMA_OBJECT,
                                                  .max_count = SIZE_MAX,
                                                  .shape = &note_shape,
                                                  .members = note_view_members,
                                                  .open = true};
static const struct schema note_view_schema = {
    .name = "Note", .kind = SCHEMA_REPLY, .root = &note_view_node, .shape = &note_shape};
static const struct event_type note_written = {
    .name = "note.written", .data = &note_view_schema, .subject = offsetof(struct note, head.id)};

/* --- what is done with them ----------------------------------------------------------------------- */

static enum outcome keep_note(struct job *job, struct str id, struct str text, struct note **out)
{
    struct note *note = NULL;
    NEED(job, job_doc(job, &note_type, id, DOC_FOR_UPDATE, (void **)&note));
    if (note) {
        note->text = text;
        job_changed(job, note);
    } else {
        note = ARENA_NEW(job_arena(job), struct note);
        *note = (struct note){.head.id = id, .text = text};
        job_insert(job, &note_type, note);
    }
    *out = note;
    return OUTCOME_DONE;
}

static enum outcome write_note(struct job *job, const void *request, struct err *err)
{
    const struct note_request *req = request;
    struct note *note;
    if (str_eq(req->text, STR("bug")))
        return err_bug(err, "an inside that nobody may see");
    if (str_eq(req->text, STR("down")))
        return err_retry(err, "something is away");
    if (str_eq(req->text, STR("no")))
        return err_refuse(err, E_VERSION_CONFLICT, "not this one");
    if (str_eq(req->text, STR("greedy")))
        NEED(job, job_doc(job, &note_type, str_printf(job_arena(job), "%024d", job->runs), DOC_READ,
                          (void **)&note));
    if (str_eq(req->text, STR("twice")))
        NEED(job, job_doc(job, &note_type, req->id, DOC_READ, (void **)&note));
    TRY(keep_note(job, req->id, req->text, &note));
    emit(job, &note_written, note, note);
    return reply(job, &note_view_schema, note);
}

static enum outcome read_note(struct job *job, const void *request, struct err *err)
{
    const struct note_request *req = request;
    struct note *note = NULL;
    NEED(job, job_doc(job, &note_type, req->id, DOC_READ, (void **)&note));
    return note ? reply(job, &note_view_schema, note)
                : err_refuse(err, E_NOT_FOUND, "no such note");
}

static enum outcome purge_notes(struct job *job, const void *request, struct err *err)
{
    (void)request;
    (void)err;
    return reply_empty(job);
}

static enum outcome echo_note(struct job *job, const void *request, struct err *err)
{
    const struct note *told = request;
    struct note *note;
    (void)err;
    TRY(keep_note(job, job->delivery->message_id, told->text, &note));
    return OUTCOME_DONE;
}

/* A second subscriber of the same event: keeps a note when it says "both", fails at "half". */
static enum outcome count_note(struct job *job, const void *request, struct err *err)
{
    const struct note *told = request;
    struct note *note;
    if (str_eq(told->text, STR("half")))
        return err_bug(err, "the second subscriber fails");
    if (str_eq(told->text, STR("both")))
        TRY(keep_note(job, STR(SECOND_ID), told->text, &note));
    return OUTCOME_DONE;
}

static const struct operation note_write = {
    .name = "note.write",
    .who = CUSTOMER,
    .request = &note_schema,
    .handle = write_note,
    .summary = "Write a note",
    .reply = &note_view_schema,
};
static const struct operation note_purge = {
    .name = "note.purge",
    .who = ADMIN,
    .request = &note_schema,
    .handle = purge_notes,
    .summary = "Do nothing",
};
static const struct operation note_read = {
    .name = "note.read",
    .kind = QUERY,
    .request = &note_schema,
    .handle = read_note,
    .summary = "Read a note",
    .reply = &note_view_schema,
};
static const struct operation echo_written = {
    .name = "echo.note_written",
    .kind = SUBSCRIBER,
    .handle = echo_note,
    .summary = "Keep a copy of a note",
    .event = &note_written,
};
static const struct operation echo_counted = {
    .name = "echo.note_counted",
    .kind = SUBSCRIBER,
    .handle = count_note,
    .summary = "Keep one more copy of some",
    .event = &note_written,
};

static const char *const note_prefixes[] = {"note", NULL};
static const char *const echo_prefixes[] = {"echo", NULL};
static const struct operation *const note_operations[] = {&note_write, &note_purge, &note_read,
                                                          NULL};
static const struct operation *const echo_operations[] = {&echo_written, &echo_counted, NULL};
static const struct domain notes_domain = {
    .name = "notes", .prefixes = note_prefixes, .operations = note_operations};
static const struct domain echo_domain = {
    .name = "echo", .prefixes = echo_prefixes, .operations = echo_operations};
static const struct domain *const note_domains[] = {&notes_domain, &echo_domain, NULL};
static const struct doc_type *const note_types[] = {&note_type, NULL};

/* --- the lane ------------------------------------------------------------------------------------- */

struct lane_case {
    struct arena arena;
    struct engine_settings engine;
    struct pool_settings pool;
    struct service service;
    struct lane_slot slot;
    volatile sig_atomic_t stopping;
    struct blame_table blame;
    struct bus *bus;
    struct store *store;
    struct lock *lock;
    struct lane lane;
};

static int64_t lane_case_now;

static inline int64_t read_now(void)
{
    return lane_case_now;
}

static inline void must(enum outcome outcome, const struct err *err)
{
    if (outcome != OUTCOME_DONE)
        fail_msg("%s: %s", outcome_name(outcome), err->text);
}

/* A new lane at the same servers, as after a crash. */
static inline void lane_case_start(struct lane_case *c)
{
    struct err err = {0};
    const struct lane_parts parts = {
        .service = &c->service,
        .settings = &c->engine,
        .pool = &c->pool,
        .bus = c->bus,
        .store = c->store,
        .lock = c->lock,
        .slot = &c->slot,
        .blame = &c->blame,
        .stopping = &c->stopping,
        .now_ms = read_now,
    };
    must(lane_init(&c->lane, &parts, &err), &err);
}

static inline void lane_case_settings(struct lane_case *c)
{
    static int64_t delays[] = {1000, 10000};
    static struct str anywhere[] = {{"*", 1}};
    static struct str domains[] = {{"notes", 5}, {"echo", 4}};
    c->engine = (struct engine_settings){
        .prefix = STR("t"),
        .amqp_consumer_timeout_ms = 30 * MS_PER_MINUTE,
        .body_max = 65536,
        .reply_max = 1 << 20,
        .reply_queues = {anywhere, 1},
        .batch_bytes = 1 << 20,
        .held_max = 8 << 20,
        .lease_ms = 1000,
        .retry_delays = {delays, COUNT(delays)},
        .master_key = STR("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"),
        .token_key = STR("ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"),
        .token_issuer = STR("us"),
        .token_audience = STR("shop"),
        .token_skew_ms = 60000,
        .account_check_ms = 60000,
    };
    c->pool = (struct pool_settings){
        .name = STR("pool"), .domains = {domains, COUNT(domains)}, .batch_max = 32, .prefetch = 64};
    c->service =
        (struct service){.domains = note_domains, .types = note_types, .cache_ms = MS_PER_HOUR};
}

/* Queues as the release before this one made them: what dies there is a letter at once. */
static bool lane_case_former;

static inline void make_former(struct arena *arena, struct bus_topology *topology)
{
    const size_t size = topology->queue_count * sizeof(*topology->queues);
    struct bus_queue *queues = arena_copy(arena, topology->queues, size);
    for (size_t i = 0; i < topology->queue_count; i++) {
        if (str_is_absent(queues[i].former_dead_routing_key))
            continue;
        queues[i].dead_exchange = STR("");
        queues[i].dead_routing_key = queues[i].former_dead_routing_key;
    }
    topology->queues = queues;
}

/* Queues and exchanges of the service, and a queue "spy" for all events. */
static inline void lane_case_declare(struct lane_case *c)
{
    struct err err = {0};
    struct bus_topology topology;
    struct str *queues;
    size_t count;
    must(topology_of(&c->service, &c->engine, &c->arena, &topology, &err), &err);
    if (lane_case_former)
        make_former(&c->arena, &topology);
    must(bus_declare(c->bus, &topology, &err), &err);
    const struct bus_binding all = {STR("t.events"), STR("#")};
    const struct bus_queue spy = {.name = STR("spy"), .bindings = &all, .binding_count = 1};
    const struct bus_topology ears = {.queues = &spy, .queue_count = 1};
    must(bus_declare(c->bus, &ears, &err), &err);
    lane_queues(&c->lane, &c->arena, &queues, &count);
    must(bus_consume(c->bus, queues, count, (int)c->pool.prefetch, &err), &err);
}

/* It is large: tests have one static `struct lane_case` and open it anew in each case. */
static inline void lane_case_open(struct lane_case *c)
{
    struct err err = {0};
    memset(c, 0, sizeof(*c));
    lane_case_now = NOW_MS;
    json_init();
    must(auth_init(&err), &err);
    must(schema_prepare(&note_schema, &err), &err);
    arena_init(&c->arena, 1 << 16);
    lane_case_settings(c);
    c->bus = bus_fake_open();
    c->store = store_fake_open(note_types, 1);
    c->lock = lock_fake_open();
    lane_case_start(c);
    lane_case_declare(c);
}

static inline void lane_case_close(struct lane_case *c)
{
    lane_release(&c->lane);
    bus_close(c->bus);
    store_close(c->store);
    lock_close(c->lock);
    arena_release(&c->arena);
}

/* How many messages wait in the delays, on whatever level. */
static inline size_t delayed(struct lane_case *c)
{
    size_t count = 0;
    for (int level = 0; level < DELAY_LEVELS; level++)
        count += bus_fake_depth(c->bus, name_delay(&c->arena, c->engine.prefix, level));
    return count;
}

/* A copy of the delivery that comes out of the delays, with our seal of who asked. */
static inline struct delivery sealed_copy(struct lane_case *c, struct delivery from,
                                          struct str operation, const struct caller *caller)
{
    from.operation = operation;
    from.exchange = STR("t.delay.end");
    from.routing_key = from.queue;
    from.attempt = 1;
    from.authorization = STR_ABSENT;
    const struct sealed_message message = {from.queue, operation, from.message_id, from.body, 1};
    from.caller = caller_seal(&c->arena, &c->lane.keys, COPY_SEAL, &message, caller,
                              lane_case_now + MS_PER_DAY);
    return from;
}

/* "Bearer <token>", good for ten minutes from lane_case_now. */
static inline struct str bearer(struct lane_case *c, const char *user, const char *role)
{
    struct err err = {0};
    struct str token = STR_ABSENT;
    const struct token_options options = {"us", "shop", 60, false};
    const struct claims claims = {.subject = str_of(user),
                                  .role = str_of(role),
                                  .session = STR(SESSION),
                                  .id = STR("j"),
                                  .issued_at = lane_case_now / MS_PER_SECOND,
                                  .expires_at = lane_case_now / MS_PER_SECOND + 600};
    must(token_issue(&c->arena, c->lane.keys.token, &options, &claims, &token, &err), &err);
    return str_printf(&c->arena, "Bearer %.*s", STR_FMT(token));
}

static inline struct str note_body(struct lane_case *c, const char *id, const char *text)
{
    return str_printf(&c->arena, "{\"id\":\"%s\",\"text\":\"%s\"}", id, text);
}

#endif
