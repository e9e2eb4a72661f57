/* Partitioned domains: where their requests go, who takes them, and that no message overtakes an
 * earlier one of its key, whatever locks and commits do to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dead_case.h"
#include "engine/pipeline.h"
#include "service/partitions.h"

#define OTHER_ID "bbbbbbbbbbbbbbbbbbbbbbbb"
#define THIRD_ID "cccccccccccccccccccccccc"
#define LOCKED   "notes:" NOTE_ID
#define COUNT_4  4

static struct partition_settings notes_in_four = {.domain = {"notes", 5}, .count = COUNT_4};

/* The lane consumes the partitions now; the plain queue, too. */
static void partition(void)
{
    c.engine.partitions.items = &notes_in_four;
    c.engine.partitions.count = 1;
    c.pool.lanes = 1;
    lane_case_declare(&c);
}

static void begin(void)
{
    dead_case_begin();
    c.lane.next_relay_us = INT64_MAX;
    c.engine.drain_ms = 1000;
    store_fake_set_now(c.store, NOW_MS + 1000);
    partition();
}

static void send(const char *message_id, const char *id, const char *key)
{
    assert_true(
        bus_fake_send(c.bus, &(struct bus_message){.exchange = STR("t.requests"),
                                                   .routing_key = STR("note.write"),
                                                   .message_id = str_of(message_id),
                                                   .reply_to = STR("replies"),
                                                   .authorization = bearer(&c, ANNA, "customer"),
                                                   .partition_key = str_of(key),
                                                   .body = note_body(&c, id, message_id)}));
}

static void assert_next_reply(const char *message_id)
{
    struct delivery *reply = bus_fake_take(c.bus, STR("replies"));
    if (!reply)
        fail_msg("no reply, where %s should be answered", message_id);
    assert_string_equal(reply->correlation_id.ptr, message_id);
    assert_int_equal(reply->status, 200);
    delivery_free(reply);
}

static void assert_no_reply(void)
{
    assert_int_equal(depth("replies"), 0);
}

/* --- settings -------------------------------------------------------------------------------------- */

void test_partitions__settings_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const struct domain only_events = {
        .name = "deaf", .prefixes = echo_prefixes, .operations = echo_operations};
    static const struct domain *const domains[] = {&notes_domain, &only_events, NULL};
    static const struct service service = {.domains = domains, .types = note_types};
    static struct str names[] = {{"notes", 5}};
    static struct {
        struct partition_settings settings[2];
        size_t count;
        int64_t lanes;
        const char *says;
    } rows[] = {
        {{{{"notes", 5}, 4}}, 1, 4, NULL},
        {{{{"notes", 5}, 4}},
         1,
         5,
         "pool p: 5 lanes for 4 partitions of domain 'notes'; a lane needs at least one"},
        {{{{"cart", 4}, 4}}, 1, 1, "partitions[0]: there is no domain 'cart'"},
        {{{{"unknown", 7}, 4}}, 1, 1, "partitions[0]: there is no domain 'unknown'"},
        {{{{"notes", 5}, 4}, {{"deaf", 4}, 4}},
         2,
         1,
         "partitions[1]: domain 'deaf' takes events only, and those are not partitioned"},
        {{{{"notes", 5}, 4}, {{"notes", 5}, 8}},
         2,
         1,
         "partitions[1]: domain 'notes' is there twice"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct pool_settings pool = {
            .name = STR("p"), .domains = {names, 1}, .lanes = rows[i].lanes};
        const struct engine_settings settings = {
            .prefix = STR("t"),
            .pools = {&pool, 1},
            .partitions = {rows[i].settings, rows[i].count},
        };
        struct err err = {0};
        const enum outcome outcome = partitions_check(&service, &settings, &err);
        assert_int_equal(outcome, rows[i].says ? OUTCOME_INVALID : OUTCOME_DONE);
        assert_string_equal(err.text, rows[i].says ? rows[i].says : "");
    }
}

/* --- where requests go ------------------------------------------------------------------------------ */

static size_t in_partitions(void)
{
    size_t total = 0;
    for (int64_t k = 0; k < COUNT_4; k++)
        total += bus_fake_depth(c.bus, name_partition(&c.arena, c.engine.prefix, STR("notes"), k));
    return total;
}

static const struct bus_queue *queue_named(const struct bus_topology *topology, const char *name)
{
    for (size_t i = 0; i < topology->queue_count; i++)
        if (str_eq(topology->queues[i].name, str_of(name)))
            return &topology->queues[i];
    return NULL;
}

static bool is_unbound(const struct bus_topology *topology, const char *target,
                       const char *exchange)
{
    for (size_t i = 0; i < topology->unbinding_count; i++)
        if (str_eq(topology->unbindings[i].target, str_of(target)) &&
            str_eq(topology->unbindings[i].binding.exchange, str_of(exchange)))
            return true;
    return false;
}

void test_partitions__topology(void **state)
{
    (void)state;
    struct bus_topology topology;
    struct err err = {0};
    begin();
    must(topology_of(&c.service, &c.engine, &c.arena, &topology, &err), &err);
    const struct bus_exchange *hash = &topology.exchanges[topology.exchange_count - 1];
    assert_string_equal(hash->name.ptr, "t.notes.partitions");
    assert_string_equal(hash->kind, "x-consistent-hash");
    assert_string_equal(hash->hash_header, "x-partition-key");
    assert_int_equal(hash->binding_count, 1);
    assert_string_equal(hash->bindings[0].exchange.ptr, "t.requests");
    assert_string_equal(hash->bindings[0].pattern.ptr, "note.#");
    const struct bus_queue *last = queue_named(&topology, "t.notes.3");
    assert_true(last->single_active);
    assert_int_equal(last->binding_count, 2);
    assert_string_equal(last->bindings[0].pattern.ptr, "#.t.notes.3");
    assert_string_equal(last->bindings[1].exchange.ptr, "t.notes.partitions");
    assert_string_equal(last->bindings[1].pattern.ptr, "1");
    assert_string_equal(last->former_dead_routing_key.ptr, "t.dead.notes");
    assert_true(last->delivery_limit > 0);
    assert_null(queue_named(&topology, "t.notes.4"));
    assert_int_equal(queue_named(&topology, "t.notes")->binding_count, 1); /* from the delays */
    assert_true(is_unbound(&topology, "t.notes", "t.requests"));
    assert_true(is_unbound(&topology, "t.notes.4", "t.notes.partitions"));
    assert_true(is_unbound(&topology, "t.notes.255", "t.notes.partitions"));
    assert_false(is_unbound(&topology, "t.notes.3", "t.notes.partitions"));
    assert_true(is_unbound(&topology, "t.echo.partitions", "t.requests"));
    assert_false(is_unbound(&topology, "t.echo", "t.requests"));
    lane_case_close(&c);
}

/* And each request goes one way only, before and after. */
void test_partitions__may_come_and_go(void **state)
{
    (void)state;
    struct err err = {0};
    dead_case_begin();
    must(bus_cancel(c.bus, &err), &err);
    send("m1", NOTE_ID, "k");
    assert_int_equal(depth("t.notes"), 1);
    partition();
    must(bus_cancel(c.bus, &err), &err);
    send("m2", NOTE_ID, "k");
    assert_int_equal(depth("t.notes"), 1);
    assert_int_equal(in_partitions(), 1);
    notes_in_four.count = 2;
    lane_case_declare(&c);
    must(bus_cancel(c.bus, &err), &err);
    for (char key[] = "a"; key[0] <= 'z'; key[0]++)
        send(key, NOTE_ID, key);
    assert_int_equal(in_partitions(), 27);
    assert_true(depth("t.notes.2") + depth("t.notes.3") <= 1); /* m2, from before */
    notes_in_four.count = COUNT_4;
    c.engine.partitions.count = 0;
    lane_case_declare(&c);
    send("m3", NOTE_ID, "k");
    assert_int_equal(depth("t.notes"), 2);
    assert_int_equal(in_partitions(), 27);
    lane_case_close(&c);
}

void test_partitions__a_key_stays_in_one_queue_and_keys_are_spread(void **state)
{
    (void)state;
    struct err err = {0};
    size_t used = 0;
    begin();
    must(bus_cancel(c.bus, &err), &err);
    for (char key[] = "a"; key[0] <= 'z'; key[0]++) {
        const size_t before[] = {depth("t.notes.0"), depth("t.notes.1"), depth("t.notes.2"),
                                 depth("t.notes.3")};
        send("m1", NOTE_ID, key);
        send("m2", OTHER_ID, key);
        assert_true(depth("t.notes.0") == before[0] + 2 || depth("t.notes.1") == before[1] + 2 ||
                    depth("t.notes.2") == before[2] + 2 || depth("t.notes.3") == before[3] + 2);
    }
    used += depth("t.notes.0") > 0;
    used += depth("t.notes.1") > 0;
    used += depth("t.notes.2") > 0;
    used += depth("t.notes.3") > 0;
    assert_int_equal(used, 4);
    lane_case_close(&c);
}

/* --- who takes them --------------------------------------------------------------------------------- */

static size_t consumers_of(const char *queue, int64_t lanes)
{
    size_t consumers = 0;
    for (int index = 0; index < lanes; index++) {
        struct str *queues;
        size_t count;
        c.pool.lanes = lanes;
        c.lane.index = index;
        lane_queues(&c.lane, &c.arena, &queues, &count);
        for (size_t i = 0; i < count; i++)
            consumers += str_eq(queues[i], str_of(queue));
    }
    return consumers;
}

void test_partitions__each_has_one_lane_of_the_pool(void **state)
{
    (void)state;
    static const char *const names[] = {"t.notes.0", "t.notes.1", "t.notes.2", "t.notes.3"};
    begin();
    for (int64_t lanes = 1; lanes <= COUNT_4; lanes++) {
        for (size_t i = 0; i < COUNT(names); i++)
            assert_int_equal(consumers_of(names[i], lanes), 1);
        assert_int_equal(consumers_of("t.notes.4", lanes), 0);
        assert_int_equal(consumers_of("t.notes", lanes), lanes); /* what is left from before */
        assert_int_equal(consumers_of("t.echo.events", lanes), lanes);
    }
    assert_true(pool_is_partitioned(&c.engine, &c.pool));
    c.engine.partitions.count = 0;
    assert_false(pool_is_partitioned(&c.engine, &c.pool));
    lane_case_close(&c);
}

/* One that waits for its turn at the same queues. */
static struct bus *successor_open(const struct str *queues, size_t count)
{
    struct bus *bus = bus_fake_join(c.bus);
    struct err err = {0};
    must(bus_consume(bus, queues, count, 64, &err), &err);
    return bus;
}

static void assert_gets(struct bus *bus, const char *message_id)
{
    struct delivery *delivery = NULL;
    assert_int_equal(bus_next(bus, 0, &delivery), BUS_MESSAGE);
    assert_string_equal(delivery->message_id.ptr, message_id);
    delivery_free(delivery);
}

static void assert_gets_nothing(struct bus *bus)
{
    struct delivery *delivery = NULL;
    assert_int_equal(bus_next(bus, 0, &delivery), BUS_IDLE);
}

/* A cancelled lane would see its successor begin while it still works on what comes before. */
void test_partitions__a_drained_lane_keeps_its_partitions_until_it_has_gone(void **state)
{
    (void)state;
    static const struct str queues[] = {
        {"t.notes.0", 9}, {"t.notes.1", 9}, {"t.notes.2", 9}, {"t.notes.3", 9}};
    begin();
    store_fake_set_slow(c.store, true);
    send("m1", NOTE_ID, "k");
    step();
    assert_non_null(c.lane.under_way);
    struct bus *successor = successor_open(queues, COUNT(queues));
    send("m2", OTHER_ID, "k");
    send("m3", THIRD_ID, "k");
    assert_gets_nothing(successor);
    c.stopping = 1;
    lane_run(&c.lane);
    assert_next_reply("m1");
    assert_no_reply();
    assert_gets_nothing(successor);
    bus_disconnect(c.bus);
    assert_gets(successor, "m2");
    assert_gets(successor, "m3");
    bus_close(successor);
    lane_case_close(&c);
}

void test_partitions__a_lane_without_them_is_cancelled(void **state)
{
    (void)state;
    const struct str queue = STR("t.notes");
    dead_case_begin();
    c.engine.drain_ms = 1000;
    c.stopping = 1;
    struct bus *successor = successor_open(&queue, 1);
    lane_run(&c.lane);
    send("m1", NOTE_ID, "k");
    assert_gets_nothing(c.bus);
    assert_gets(successor, "m1");
    bus_close(successor);
    lane_case_close(&c);
}

/* --- nobody overtakes ------------------------------------------------------------------------------- */

void test_partitions__who_is_behind_a_blocked_one_waits_and_other_keys_go_on(void **state)
{
    (void)state;
    begin();
    lock_fake_hold(c.lock, STR(LOCKED), 5000);
    send("m1", NOTE_ID, "k");
    send("m2", OTHER_ID, "k");
    send("m3", THIRD_ID, "l");
    step();
    assert_next_reply("m3");
    assert_no_reply();
    assert_int_equal(c.lane.waiting.count, 2);
    assert_int_equal(c.lane.waiting.items[0]->deferrals, 1);
    assert_int_equal(c.lane.waiting.items[1]->deferrals, 0); /* it waited for no lock */
    lock_fake_advance(c.lock, 5001);
    run();
    assert_next_reply("m1");
    assert_next_reply("m2");
    assert_int_equal(bus_fake_unacked(c.bus), 0);
    lane_case_close(&c);
}

void test_partitions__without_a_key_there_is_no_order(void **state)
{
    (void)state;
    begin();
    lock_fake_hold(c.lock, STR(LOCKED), 5000);
    send("m1", NOTE_ID, NULL);
    send("m2", OTHER_ID, NULL);
    step();
    assert_next_reply("m2");
    assert_no_reply();
    lane_case_close(&c);
}

void test_partitions__the_batch_behind_does_not_overtake_either(void **state)
{
    (void)state;
    begin();
    store_fake_set_slow(c.store, true);
    lock_fake_hold(c.lock, STR(LOCKED), 5000);
    send("m1", NOTE_ID, "k");
    send("x1", THIRD_ID, "l");
    step(); /* x1 is under way, m1 is blocked beside it */
    send("m2", OTHER_ID, "k");
    send("x2", THIRD_ID, "l");
    step();
    assert_next_reply("x1");
    step();
    step();
    assert_next_reply("x2");
    assert_no_reply();
    lock_fake_advance(c.lock, 5001);
    store_fake_set_slow(c.store, false);
    run();
    assert_next_reply("m1");
    assert_next_reply("m2");
    lane_case_close(&c);
}

/* When the second batch is decided again, m1 is in no batch any more. */
void test_partitions__nobody_overtakes_who_was_given_back(void **state)
{
    (void)state;
    begin();
    store_fake_set_slow(c.store, true);
    lock_fake_hold(c.lock, STR(LOCKED), 5000);
    send("m1", NOTE_ID, "k");
    send("x1", THIRD_ID, "l");
    store_fake_fail(c.store, STORE_FAKE_COMMIT, 1, OUTCOME_CONFLICT, false);
    step();
    send("m2", OTHER_ID, "k");
    send("x2", THIRD_ID, "l");
    step();
    assert_next_reply("x1");
    assert_next_reply("x2");
    assert_no_reply();
    lock_fake_advance(c.lock, 5001);
    store_fake_set_slow(c.store, false);
    run();
    assert_next_reply("m1");
    assert_next_reply("m2");
    lane_case_close(&c);
}

/* m1 was blocked in the first batch and is decided in the third one, when the second must run again. */
void test_partitions__a_batch_that_runs_again_does_not_overtake_the_one_behind(void **state)
{
    (void)state;
    begin();
    store_fake_set_slow(c.store, true);
    lock_fake_hold(c.lock, STR(LOCKED), 5000);
    send("m1", NOTE_ID, "k");
    send("x1", THIRD_ID, "l");
    store_fake_fail(c.store, STORE_FAKE_COMMIT, 2, OUTCOME_CONFLICT, false);
    step();
    send("m2", OTHER_ID, "k");
    send("x2", THIRD_ID, "l");
    step();
    assert_next_reply("x1");
    lock_fake_advance(c.lock, 5001);
    send("x3", THIRD_ID, "l");
    step();
    store_fake_set_slow(c.store, false);
    run();
    assert_next_reply("x2");
    assert_next_reply("m1");
    assert_next_reply("x3");
    assert_next_reply("m2");
    assert_int_equal(c.lane.counters.conflicts, 1);
    lane_case_close(&c);
}

/* A held lock, however long, sends nobody into the delays. */
void test_partitions__a_lock_that_stays_costs_nobody_his_place(void **state)
{
    (void)state;
    begin();
    lock_fake_hold(c.lock, STR(LOCKED), 1000000);
    send("m1", NOTE_ID, "k");
    send("m2", OTHER_ID, "k");
    for (int i = 0; i < 12; i++)
        step();
    assert_next_reply("m1");
    assert_next_reply("m2");
    assert_int_equal(delayed(&c), 0);
    lane_case_close(&c);
}

/* However many batches it has waited in: a dead lane's transaction may stand in its way. Alone after the
 * batch was halved, it still holds up who is in the other half. */
void test_partitions__conflicts_cost_nobody_his_place(void **state)
{
    (void)state;
    begin();
    lock_fake_hold(c.lock, STR(LOCKED), 5000);
    send("m1", NOTE_ID, "k");
    send("m2", OTHER_ID, "k");
    step();
    assert_int_equal(c.lane.waiting.count, 2);
    c.lane.waiting.items[0]->deferrals = 5000;
    lock_fake_advance(c.lock, 5001);
    for (int i = 1; i <= 6; i++) /* three runs of both, three of the first */
        store_fake_fail(c.store, STORE_FAKE_COMMIT, i, OUTCOME_CONFLICT, false);
    step();
    assert_no_reply();
    assert_int_equal(c.lane.counters.conflicts, 6);
    assert_int_equal(c.lane.waiting.count, 2);
    run();
    assert_next_reply("m1");
    assert_next_reply("m2");
    assert_int_equal(delayed(&c), 0);
    lane_case_close(&c);
}

/* What fails has lost its place: nobody waits for a second, or for ever. */
void test_partitions__who_fails_holds_up_nobody(void **state)
{
    (void)state;
    begin();
    assert_true(
        bus_fake_send(c.bus, &(struct bus_message){.exchange = STR("t.requests"),
                                                   .routing_key = STR("note.write"),
                                                   .message_id = STR("m1"),
                                                   .authorization = bearer(&c, ANNA, "customer"),
                                                   .partition_key = STR("k"),
                                                   .body = note_body(&c, NOTE_ID, "bug")}));
    send("m2", OTHER_ID, "k");
    step();
    assert_next_reply("m2");
    assert_int_equal(delayed(&c), 1);
    lane_case_close(&c);
}

/* --- delays and dead letters ------------------------------------------------------------------------- */

static void bury_with_key(const char *message_id)
{
    assert_true(
        bus_fake_send(c.bus, &(struct bus_message){.exchange = STR("t.requests"),
                                                   .routing_key = STR("note.write"),
                                                   .message_id = str_of(message_id),
                                                   .authorization = bearer(&c, ANNA, "customer"),
                                                   .partition_key = STR("k"),
                                                   .body = note_body(&c, NOTE_ID, "bug")}));
    run_out();
    assert_int_equal(depth(DEAD), 1);
}

static struct str queue_of_letter(void)
{
    struct delivery *letter = bus_fake_take(c.bus, STR(DEAD));
    assert_string_equal(letter->partition_key.ptr, "k");
    const char *at = strstr(letter->headers.ptr, "\"x-original-queue\":\"");
    assert_non_null(at);
    at += strlen("\"x-original-queue\":\"");
    const struct str queue = str_dup(&c.arena, (struct str){at, strcspn(at, "\"")});
    delivery_free(letter);
    return queue;
}

void test_partitions__a_letter_keeps_its_key_and_names_its_partition(void **state)
{
    (void)state;
    begin();
    bury_with_key("m1");
    const struct str queue = queue_of_letter();
    assert_true(str_starts_with(queue, STR("t.notes.")));
    assert_int_equal(queue.len, strlen("t.notes.0"));
    lane_case_close(&c);
}

static struct delivery *replayed(const struct str queue)
{
    struct err err = {0};
    struct store *records = records_open();
    struct dead_office ann = office_open("ann", records);
    const struct dead_command command = command_of("m1");
    struct dead_tally tally;
    must(bus_cancel(c.bus, &err), &err);
    must(dead_replay(&ann, &command, &tally, &err), &err);
    assert_int_equal(tally.moved, 1);
    bus_close(ann.bus);
    store_close(records);
    return bus_fake_take(c.bus, queue);
}

void test_partitions__a_letter_goes_back_to_its_partition(void **state)
{
    (void)state;
    begin();
    bury_with_key("m1");
    struct err err = {0};
    must(bus_cancel(c.bus, &err), &err);
    send("probe", OTHER_ID, "k"); /* lies in the partition of the key */
    struct str queue = STR_ABSENT;
    for (int64_t k = 0; k < COUNT_4; k++) {
        const struct str name = name_partition(&c.arena, c.engine.prefix, STR("notes"), k);
        if (bus_fake_depth(c.bus, name) == 1)
            queue = name;
    }
    delivery_free(bus_fake_take(c.bus, queue));
    struct delivery *copy = replayed(queue);
    assert_non_null(copy);
    assert_string_equal(copy->partition_key.ptr, "k");
    delivery_free(copy);
    lane_case_close(&c);
}

/* The seal of who asked is good there, too. */
void test_partitions__a_letter_of_a_partition_that_is_no_more_goes_to_the_worker(void **state)
{
    (void)state;
    begin();
    bury_with_key("m1");
    c.engine.partitions.count = 0;
    lane_case_declare(&c);
    struct delivery *copy = replayed(STR("t.notes"));
    assert_non_null(copy);
    struct batch batch = {.lane = &c.lane, .arena = &c.arena, .now = lane_case_now};
    struct job job = {.batch = &batch, .delivery = copy};
    job_admit(&job);
    assert_true(job.is_copy);
    delivery_free(copy);
    lane_case_close(&c);
}
