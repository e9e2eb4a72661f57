/* dead_case.h - the notes of lane_case.h, letters that died there, and operators at the same broker.
 * Include after cmocka.h. */
#ifndef CARTWRIGHT_TESTS_DEAD_CASE_H
#define CARTWRIGHT_TESTS_DEAD_CASE_H

#include "lane_case.h"
#include "letters/command.h"

#define STEPS 10
#define DEAD  "t.dead.notes"

static struct lane_case c;
static bool dead_case_stop;

static inline bool read_stop(void)
{
    return dead_case_stop;
}

static inline void step(void)
{
    struct err err = {0};
    must(lane_step(&c.lane, 0, &err), &err);
}

static inline void run(void)
{
    for (int i = 0; i < STEPS; i++)
        step();
}

/* One round of the delays, whatever the jitter. */
static inline void wait_for_round(int round)
{
    bus_fake_advance(c.bus, round == 0 ? 1200 : 12000);
}

/* All rounds of the delays. */
static inline void run_out(void)
{
    run();
    wait_for_round(0);
    run();
    wait_for_round(1);
    run();
}

static inline void send_note(const char *message_id, struct str body, const char *reply_to)
{
    assert_true(
        bus_fake_send(c.bus, &(struct bus_message){.exchange = STR("t.requests"),
                                                   .routing_key = STR("note.write"),
                                                   .message_id = str_of(message_id),
                                                   .reply_to = str_of(reply_to),
                                                   .authorization = bearer(&c, ANNA, "customer"),
                                                   .body = body}));
}

static inline void bury_note(const char *message_id, const char *text)
{
    send_note(message_id, note_body(&c, NOTE_ID, text), NULL);
    run_out();
}

static inline size_t depth(const char *queue)
{
    return bus_fake_depth(c.bus, str_of(queue));
}

static inline const struct note *note(const char *id)
{
    return store_fake_get(c.store, &note_type, str_of(id));
}

/* Its lane serves the unknown, too, and so what died. */
static inline void serve_the_unknown(void)
{
    static struct str domains[] = {{"notes", 5}, {"echo", 4}, {"unknown", 7}};
    struct err err = {0};
    struct str *queues;
    size_t count;
    c.pool.domains.items = domains;
    c.pool.domains.count = COUNT(domains);
    lane_queues(&c.lane, &c.arena, &queues, &count);
    must(bus_consume(c.bus, queues, count, (int)c.pool.prefetch, &err), &err);
}

static inline void dead_case_begin(void)
{
    lane_case_open(&c);
    serve_the_unknown();
    bus_fake_keep_headers(c.bus);
    c.engine.relay_age_ms = 100;
    dead_case_stop = false;
}

/* An operator with a connection of its own; all write to one book of records. */
static inline struct dead_office office_open(const char *by, struct store *records)
{
    struct dead_office office = {.service = &c.service,
                                 .settings = &c.engine,
                                 .keys = c.lane.keys,
                                 .bus = bus_fake_join(c.bus),
                                 .store = records,
                                 .by = str_of(by),
                                 .command = id_new(&c.arena, lane_case_now),
                                 .scan_max = 1000,
                                 .stopping = read_stop,
                                 .now_ms = read_now};
    return office;
}

static inline struct store *records_open(void)
{
    static const struct doc_type *const types[] = {&dead_audit_type};
    return store_fake_open(types, 1);
}

/* The command's record. */
static inline const struct dead_audit *record(const struct dead_office *office)
{
    return store_fake_get(office->store, &dead_audit_type, office->command);
}

static inline struct dead_command command_of(const char *id)
{
    return (struct dead_command){
        .domain = STR("notes"), .filter = {.id = str_of(id), .since_ms = -1}, .limit = SIZE_MAX};
}

#endif
