/* A dead letter of every kind, made by real lanes under a real supervisor on real servers: listed,
 * rehearsed, corrected, sent again.
 *
 * CARTWRIGHT_AMQP_URI, _MONGODB_URI and _REDIS_URI name the servers; without them every case is
 * skipped. Queues and database have names of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/lane_case.h"
#include "base/log.h"
#include "engine/rehearse.h"
#include "letters/command.h"
#include "service/connections.h"
#include "supervisor/supervisor.h"

#define PATIENCE_US (60 * 1000000LL)

/* --- a service with a handler for every kind of failure ------------------------------------------- */

static enum outcome clash(struct job *job, struct str id)
{
    struct note *note = ARENA_NEW(job_arena(job), struct note);
    *note = (struct note){.head.id = id, .text = STR("again")};
    job_insert(job, &note_type, note); /* not asked for first: the database knows better */
    return reply_empty(job);
}

static enum outcome write_or_fail(struct job *job, const void *request, struct err *err)
{
    const struct note_request *req = request;
    if (str_eq(req->text, STR("crash")))
        kill(getpid(), SIGKILL);
    if (str_eq(req->text, STR("clash")))
        return clash(job, req->id);
    return write_note(job, request, err);
}

static const struct operation note_or_fail = {
    .name = "note.write",
    .who = CUSTOMER,
    .request = &note_schema,
    .handle = write_or_fail,
    .summary = "Write a note, or fail in one of many ways",
    .reply = &note_view_schema,
};
static const struct operation *const kinds_operations[] = {&note_or_fail, NULL};
static const struct domain kinds_domain = {
    .name = "notes", .prefixes = note_prefixes, .operations = kinds_operations};
static const struct domain *const kinds_domains[] = {&kinds_domain, NULL};
static const struct doc_type *const kinds_types[] = {&note_type, &dead_audit_type, NULL};

/* --- the world ------------------------------------------------------------------------------------ */

struct world {
    struct arena arena;
    struct engine_settings settings;
    struct service service;
    struct auth_keys keys;
    struct store *store;
    struct lock *lock;
    struct bus *bus;
    struct dead_office office;
    pid_t supervisor;
};

static struct world w;

static bool goes_on(void)
{
    return false;
}

static struct str server(const char *name)
{
    const char *uri = getenv(name);
    if (!uri)
        skip();
    return str_of(uri);
}

/* "mongodb://host:port/cartwright?replicaSet=rs0" with our own database. */
static struct str own_database(struct str uri)
{
    const char *path = strchr(strstr(uri.ptr, "://") + 3, '/');
    const char *options = strchr(uri.ptr, '?');
    return str_printf(&w.arena, "%.*s/deadtest%d%s", (int)(path - uri.ptr), uri.ptr, (int)getpid(),
                      options ? options : "");
}

static void set_up(void)
{
    static int64_t delays[] = {100, 200};
    static struct str domains[] = {{"notes", 5}, {"unknown", 7}};
    static struct pool_settings pool = {.name = {"notes", 5},
                                        .domains = {domains, 2},
                                        .lanes = 1,
                                        .batch_max = 8,
                                        .prefetch = 16,
                                        .handler_ms = 10000};
    struct lane_case *scheme = ARENA_NEW(&w.arena, struct lane_case);
    lane_case_settings(scheme);
    w.settings = scheme->engine;
    w.settings.prefix = str_printf(&w.arena, "dead%d", (int)getpid());
    w.settings.amqp_uri = server("CARTWRIGHT_AMQP_URI");
    w.settings.amqp_operator_uri = server("CARTWRIGHT_AMQP_OPERATOR_URI");
    w.settings.mongodb_uri = own_database(server("CARTWRIGHT_MONGODB_URI"));
    w.settings.redis_uri = server("CARTWRIGHT_REDIS_URI");
    w.settings.amqp_heartbeat_ms = 10000;
    w.settings.amqp_timeout_ms = 5000;
    w.settings.mongodb_timeout_ms = 10000;
    w.settings.redis_timeout_ms = 1000;
    w.settings.journal_retention_ms = MS_PER_DAY;
    w.settings.relay_age_ms = 1000;
    w.settings.drain_ms = 5000;
    w.settings.log_level = LOG_ERROR;
    w.settings.retry_delays.items = delays;
    w.settings.retry_delays.count = 2;
    w.settings.pools.items = &pool;
    w.settings.pools.count = 1;
    w.service =
        (struct service){.domains = kinds_domains, .types = kinds_types, .cache_ms = MS_PER_HOUR};
}

static void quiet(const char *line)
{
    (void)line;
}

static struct bus *open_bus(void)
{
    struct err err = {0};
    struct bus *bus = NULL;
    struct bus_options options = operator_options_of(&w.settings, "dead letter live test");
    options.keep_headers = true;
    must(bus_open(&options, &bus, &err), &err);
    return bus;
}

static void open_servers(void)
{
    struct err err = {0};
    const struct lock_options lock = lock_options_of(&w.settings);
    must(lock_open(&lock, &w.lock, &err), &err);
    w.bus = open_bus();
    w.office = (struct dead_office){.service = &w.service,
                                    .settings = &w.settings,
                                    .keys = w.keys,
                                    .bus = open_bus(),
                                    .store = w.store,
                                    .by = STR("tester"),
                                    .scan_max = 1000,
                                    .quiet_ms = 500,
                                    .stopping = goes_on,
                                    .now_ms = clock_now_ms};
}

/* What lanes insist on when they start. */
static void declare(void)
{
    struct err err = {0};
    struct bus_topology topology;
    const struct store_options store = store_options_of(&w.service, &w.settings);
    struct bus *bus = open_bus();
    must(store_open(&store, &w.store, &err), &err);
    must(store_apply_indexes(w.store, quiet, &err), &err);
    must(topology_of(&w.service, &w.settings, &w.arena, &topology, &err), &err);
    must(bus_declare(bus, &topology, &err), &err);
    bus_close(bus);
}

static void start_workers(void)
{
#ifdef __SANITIZE_THREAD__
    skip(); /* this program has a second thread: in its children ThreadSanitizer holds signals back for ever */
#endif
    w.supervisor = fork();
    if (w.supervisor != 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (!freopen("/dev/null", "w", stderr))
        _exit(1);
    _exit(supervisor_run(
        &(struct supervisor_options){.plan = {&w.service, &w.settings}, .only = STR("")}));
}

static void stop_workers(void)
{
    int status = 0;
    kill(w.supervisor, SIGTERM);
    assert_int_equal(waitpid(w.supervisor, &status, 0), w.supervisor);
}

static void world_open(void)
{
    struct err err = {0};
    w = (struct world){0};
    arena_init(&w.arena, 1 << 16);
    json_init();
    must(auth_init(&err), &err);
    set_up();
    must(schema_prepare(&note_schema, &err), &err);
    must(auth_keys_load(w.settings.master_key, w.settings.token_key, &w.keys, &err), &err);
    declare();
}

static void world_close(void)
{
    bus_close(w.office.bus);
    bus_close(w.bus);
    lock_close(w.lock);
    store_close(w.store);
    arena_release(&w.arena);
}

/* --- messages ------------------------------------------------------------------------------------- */

static struct str token(void)
{
    struct err err = {0};
    struct str text = STR_ABSENT;
    const struct token_options options = {"us", "shop", 60, false};
    const int64_t now_s = clock_now_ms() / MS_PER_SECOND;
    const struct claims claims = {.subject = STR(ANNA),
                                  .role = STR("customer"),
                                  .session = STR(SESSION),
                                  .id = STR("j"),
                                  .issued_at = now_s,
                                  .expires_at = now_s + 600};
    must(token_issue(&w.arena, w.keys.token, &options, &claims, &text, &err), &err);
    return str_printf(&w.arena, "Bearer %.*s", STR_FMT(text));
}

static struct str note_json(struct str id, const char *text)
{
    return str_printf(&w.arena, "{\"id\":\"%.*s\",\"text\":\"%s\"}", STR_FMT(id), text);
}

static void publish(struct str message_id, struct str body)
{
    struct err err = {0};
    struct bus_confirm confirm;
    bus_publish(w.bus,
                &(struct bus_message){.exchange = name_requests(&w.arena, w.settings.prefix),
                                      .routing_key = STR("note.write"),
                                      .message_id = message_id,
                                      .authorization = token(),
                                      .body = body,
                                      .mandatory = true},
                1);
    must(bus_flush(w.bus, &err), &err);
    assert_true(bus_wait_confirms(w.bus, 5000));
    assert_true(bus_confirmed(w.bus, &confirm));
    assert_true(confirm.ok);
}

static int64_t dead_count(void)
{
    struct err err = {0};
    int64_t depth = 0;
    must(bus_queue_depth(w.bus, name_dead(&w.arena, w.settings.prefix, STR("notes")), &depth, &err),
         &err);
    return depth;
}

static void await_dead(int64_t count)
{
    const int64_t end_us = clock_monotonic_us() + PATIENCE_US;
    while (dead_count() != count) {
        if (clock_monotonic_us() > end_us)
            fail_msg("%lld dead letters, not %lld", (long long)dead_count(), (long long)count);
        lane_pause(50);
    }
}

static bool is_written(struct str id, const char *text)
{
    struct err err = {0};
    struct store_find find = {.type = &note_type, .path = "id", .values = &id, .count = 1};
    must(store_find(w.store, &w.arena, &find, &err), &err);
    return find.found.count == 1 &&
           str_eq(((const struct note *)find.found.items[0])->text, str_of(text));
}

static void await_written(struct str id, const char *text)
{
    const int64_t end_us = clock_monotonic_us() + PATIENCE_US;
    while (!is_written(id, text)) {
        if (clock_monotonic_us() > end_us)
            fail_msg("note %.*s is not written", STR_FMT(id));
        lane_pause(50);
    }
}

/* As lanes do that die with a message in hand. */
static void deliver_too_often(void)
{
    struct err err = {0};
    const struct str queue = name_queue(&w.arena, w.settings.prefix, STR("notes"));
    struct bus *bus = open_bus();
    must(bus_consume(bus, &queue, 1, 1, &err), &err);
    for (int i = 0; i <= DELIVERY_LIMIT; i++) {
        struct delivery *delivery = NULL;
        const int64_t end_us = clock_monotonic_us() + PATIENCE_US;
        while (!delivery && clock_monotonic_us() < end_us)
            if (bus_next(bus, 1000, &delivery) == BUS_CLOSED)
                fail_msg("%s", bus_lost_reason(bus));
        assert_non_null(delivery);
        delivery_free(delivery);
        must(bus_reconnect(bus, &err), &err);
    }
    bus_close(bus);
}

/* --- what is seen --------------------------------------------------------------------------------- */

struct kind {
    const char *id;   /* of the message */
    const char *text; /* of the note; NULL: a body that is no JSON */
    const char *code, *place;
    enum outcome rehearsal;
};

static const struct kind kinds[] = {
    {"bug", "bug", "INTERNAL", "lane_case.h", OUTCOME_BUG},
    {"away", "down", "BUSY", "lane_case.h", OUTCOME_RETRY},
    {"unreadable", NULL, "MALFORMED", "json_read.c", OUTCOME_INVALID},
    {"deaths", "crash", "INTERNAL", "admission.c", OUTCOME_DONE},
    {"conflict", "clash", "BUSY", "store_mongo", OUTCOME_CONFLICT},
    {"limit", "fine", "INTERNAL", "died.c", OUTCOME_DONE},
};

#define CLASH 4 /* its note is there already */
#define LIMIT (COUNT(kinds) - 1)

struct sight {
    const struct kind *kind;
    struct delivery copy; /* its strs are the arena's */
    size_t seen;
};

static struct str kept(struct str text)
{
    return str_dup(&w.arena, text);
}

static enum outcome look(void *context, const struct dead_letter *letter,
                         enum dead_verdict *verdict, struct err *err)
{
    struct sight *sight = context;
    *verdict = DEAD_LEAVE;
    if (!str_eq(letter->id, str_of(sight->kind->id)))
        return OUTCOME_DONE;
    sight->seen++;
    if (!str_eq(letter->code, str_of(sight->kind->code)) ||
        !strstr(letter->place.ptr, sight->kind->place))
        fail_msg("%s: %.*s at %.*s: %.*s", sight->kind->id, STR_FMT(letter->code),
                 STR_FMT(letter->place), STR_FMT(letter->reason));
    assert_true(str_eq(letter->operation, STR("note.write")));
    assert_true(letter->failed_at > 0);
    TRY(dead_letter_revive(&w.arena, &w.office, letter, &sight->copy, err));
    sight->copy.queue = kept(sight->copy.queue);
    sight->copy.routing_key = kept(sight->copy.routing_key);
    sight->copy.message_id = kept(sight->copy.message_id);
    sight->copy.body = kept(sight->copy.body);
    sight->copy.operation = kept(sight->copy.operation);
    sight->copy.caller = kept(sight->copy.caller);
    sight->copy.authorization = kept(sight->copy.authorization);
    return OUTCOME_DONE;
}

static struct sight see(const struct kind *kind)
{
    struct err err = {0};
    bool cut;
    struct sight sight = {.kind = kind};
    const struct dead_visitor visitor = {.visit = look, .context = &sight};
    must(dead_scan(&w.office, STR("notes"), &visitor, &cut, &err), &err);
    assert_int_equal(sight.seen, 1);
    return sight;
}

/* --- rehearsals ----------------------------------------------------------------------------------- */

static enum outcome rehearsed(struct delivery *copy, struct rehearsal *told)
{
    static struct lane lane;
    static struct lane_slot slot;
    static const struct pool_settings pool = {.lanes = 1, .batch_max = 1, .prefetch = 1};
    static const volatile sig_atomic_t stopping = 0;
    struct err err = {0};
    must(lane_init(&lane,
                   &(struct lane_parts){.service = &w.service,
                                        .settings = &w.settings,
                                        .pool = &pool,
                                        .store = w.store,
                                        .lock = w.lock,
                                        .slot = &slot,
                                        .stopping = &stopping,
                                        .now_ms = clock_now_ms},
                   &err),
         &err);
    must(rehearse(&lane, copy, told, &err), &err);
    const enum outcome outcome = told->outcome;
    lane_release(&lane);
    return outcome;
}

/* A handler that ends its process is not rehearsed in this one. */
static void check_rehearsal(struct sight *sight)
{
    struct rehearsal told;
    if (strcmp(sight->kind->id, "deaths") == 0)
        return;
    const enum outcome outcome = rehearsed(&sight->copy, &told);
    if (outcome != sight->kind->rehearsal)
        fail_msg("%s: the rehearsal says '%s'", sight->kind->id, outcome_name(outcome));
}

/* --- the cases ------------------------------------------------------------------------------------ */

static struct str note_id(size_t kind)
{
    return str_printf(&w.arena, "%024zx", kind + 1);
}

static void correct(size_t kind)
{
    struct err err = {0};
    struct str new_id;
    const struct dead_command command = {.domain = STR("notes"),
                                         .filter = {.id = str_of(kinds[kind].id), .since_ms = -1}};
    const struct dead_correction correction = {.body = note_json(note_id(kind), "fine")};
    w.office.command = id_new(&w.arena, clock_now_ms());
    must(dead_edit(&w.office, &command, &correction, &w.arena, &new_id, &err), &err);
}

static void send_again(size_t kind)
{
    struct err err = {0};
    struct dead_tally tally;
    const struct dead_command command = {.domain = STR("notes"),
                                         .filter = {.id = str_of(kinds[kind].id), .since_ms = -1},
                                         .limit = SIZE_MAX};
    w.office.command = id_new(&w.arena, clock_now_ms());
    must(dead_replay(&w.office, &command, &tally, &err), &err);
    assert_int_equal(tally.moved, 1);
}

static void bury_one_of_each(void)
{
    publish(STR("first"), note_json(note_id(CLASH), "before"));
    await_written(note_id(CLASH), "before");
    for (size_t i = 0; i < LIMIT; i++)
        publish(str_of(kinds[i].id),
                kinds[i].text ? note_json(note_id(i), kinds[i].text) : STR("{\"id\": "));
    await_dead(LIMIT);
    stop_workers();
    publish(str_of(kinds[LIMIT].id), note_json(note_id(LIMIT), kinds[LIMIT].text));
    deliver_too_often();
    start_workers(); /* they bury what the broker put aside */
    await_dead(LIMIT + 1);
    stop_workers();
}

void test_dead_letter_live__every_kind_of_failure_is_understood_and_healed(void **state)
{
    (void)state;
    world_open();
    start_workers();
    open_servers();
    bury_one_of_each();
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct sight sight = see(&kinds[i]);
        check_rehearsal(&sight);
    }
    assert_int_equal(dead_count(), COUNT(kinds));
    start_workers();
    for (size_t i = 0; i < LIMIT; i++)
        correct(i);
    send_again(LIMIT);
    for (size_t i = 0; i < COUNT(kinds); i++)
        await_written(note_id(i), "fine");
    assert_int_equal(dead_count(), 0);
    stop_workers();
    world_close();
}

static enum outcome only_look(void *context, const struct dead_letter *letter,
                              enum dead_verdict *verdict, struct err *err)
{
    size_t *next = context;
    (void)err;
    const struct str expected = str_printf(&w.arena, "m%zu", (*next)++);
    assert_true(str_eq(letter->id, expected));
    *verdict = DEAD_LEAVE;
    return OUTCOME_DONE;
}

/* More often than any delivery limit, and the order of arrival stays. */
void test_dead_letter_live__looking_often_changes_neither_number_nor_order(void **state)
{
    (void)state;
    world_open();
    start_workers();
    open_servers();
    for (size_t i = 0; i < 20; i++) {
        publish(str_printf(&w.arena, "m%zu", i), STR("{}"));
        await_dead((int64_t)i + 1);
    }
    stop_workers();
    for (int i = 0; i < 25; i++) {
        struct err err = {0};
        bool cut;
        size_t next = 0;
        const struct dead_visitor visitor = {.visit = only_look, .context = &next};
        must(dead_scan(&w.office, STR("notes"), &visitor, &cut, &err), &err);
        assert_int_equal(next, 20);
    }
    const struct dead_command command = {
        .domain = STR("notes"), .filter = {.since_ms = -1}, .limit = SIZE_MAX};
    struct dead_tally tally;
    struct err err = {0};
    w.office.command = id_new(&w.arena, clock_now_ms());
    must(dead_purge(&w.office, &command, &tally, &err), &err);
    assert_int_equal(tally.moved, 20);
    world_close();
}
