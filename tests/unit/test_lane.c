/* One lane on fakes: each message is settled once, its events reach the broker at least once and
 * with the same ids, and what fails goes through the delays to the dead letters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "engine/relay.h"
#include "lane_case.h"
#include "service/broker_needs.h"

#define OTHER_ID "bbbbbbbbbbbbbbbbbbbbbbbb"
#define STEPS    10 /* more than any case needs */

static struct lane_case c;

static void begin(void)
{
    lane_case_open(&c);
    c.engine.relay_age_ms = 100;
    c.engine.drain_ms = 1000;
    store_fake_set_now(c.store, NOW_MS + 1000); /* unmarked entries are old at once */
}

static void send_as(const char *key, const char *message_id, struct str body, const char *reply_to)
{
    assert_true(
        bus_fake_send(c.bus, &(struct bus_message){.exchange = STR("t.requests"),
                                                   .routing_key = str_of(key),
                                                   .message_id = str_of(message_id),
                                                   .reply_to = str_of(reply_to),
                                                   .authorization = bearer(&c, ANNA, "customer"),
                                                   .body = body}));
}

static void order(const char *message_id, const char *id, const char *text)
{
    send_as("note.write", message_id, note_body(&c, id, text), "replies");
}

static void step(void)
{
    struct err err = {0};
    must(lane_step(&c.lane, 0, &err), &err);
}

static void run(void)
{
    for (int i = 0; i < STEPS; i++)
        step();
}

/* The next step finds a server away; then all are there again. */
static void stumble(void)
{
    struct err err = {0};
    assert_int_equal(lane_step(&c.lane, 0, &err), OUTCOME_RETRY);
    lane_recover(&c.lane);
}

/* The process is gone: what it held in memory with it. */
static void crash(void)
{
    struct err err = {0};
    lane_release(&c.lane);
    must(bus_reconnect(c.bus, &err), &err);
    lane_case_start(&c);
}

static size_t depth(const char *queue)
{
    return bus_fake_depth(c.bus, str_of(queue));
}

static const struct note *note(const char *id)
{
    return store_fake_get(c.store, &note_type, str_of(id));
}

/* The one message of a queue; its strs stay with the case. */
static struct delivery take(const char *queue)
{
    assert_int_equal(depth(queue), 1);
    struct delivery *delivery = bus_fake_take(c.bus, str_of(queue));
    struct delivery copy = *delivery;
    copy.body = str_dup(&c.arena, delivery->body);
    copy.message_id = str_dup(&c.arena, delivery->message_id);
    copy.correlation_id = str_dup(&c.arena, delivery->correlation_id);
    delivery_free(delivery);
    return copy;
}

static const struct json *json_of(struct str body)
{
    const struct json *json;
    struct err err = {0};
    must(json_parse(&c.arena, body, &json, &err), &err);
    return json;
}

/* The one reply that is there. code NULL: success. */
static void assert_reply(const char *message_id, int64_t status, const char *code)
{
    const struct delivery reply = take("replies");
    const struct json *json = json_of(reply.body);
    assert_string_equal(reply.correlation_id.ptr, message_id);
    assert_int_equal(reply.status, status);
    assert_int_equal(json_bool(json_member(json, "ok"), !code), !code);
    if (code)
        assert_string_equal(json_str(json_at(json, "/error/code")).ptr, code);
}

static size_t outbox(struct journal_entry **entries)
{
    struct err err = {0};
    size_t count;
    must(store_outbox(c.store, &c.arena, OUTBOX_ALL, 0, 100, entries, &count, &err), &err);
    return count;
}

/* --- what goes well ------------------------------------------------------------------------------- */

void test_lane__a_command_is_executed_answered_and_acknowledged(void **state)
{
    (void)state;
    begin();
    order("m1", NOTE_ID, "hello");
    step();
    assert_reply("m1", 200, NULL);
    assert_true(str_eq(note(NOTE_ID)->text, STR("hello")));
    assert_int_equal(store_fake_commits(c.store), 1);
    assert_int_equal(bus_fake_unacked(c.bus), 0);
    assert_int_equal(lock_fake_held(c.lock), 1); /* the relay's */
    lane_case_close(&c);
}

void test_lane__events_are_published_once_and_marked(void **state)
{
    (void)state;
    struct journal_entry *entries;
    begin();
    order("m1", NOTE_ID, "hello");
    run();
    const struct delivery event = take("spy");
    const struct json *json = json_of(event.body);
    assert_true(str_eq(json_str(json_member(json, "id")), event.message_id));
    assert_string_equal(json_str(json_member(json, "type")).ptr, "note.written");
    assert_string_equal(json_str(json_member(json, "subject")).ptr, NOTE_ID);
    assert_string_equal(json_str(json_member(json, "causationid")).ptr, "m1");
    assert_string_equal(json_str(json_at(json, "/data/text")).ptr, "hello");
    assert_int_equal(json_int(json_member(json, "aggregateversion"), 0), 1);
    assert_non_null(note(event.message_id.ptr)); /* taken up */
    assert_int_equal(outbox(&entries), 0);
    lane_case_close(&c);
}

/* Two subscribers in one domain: the event comes once, and both take it up, or none. */
void test_lane__all_subscribers_of_an_event_take_it_up(void **state)
{
    (void)state;
    begin();
    order("m1", NOTE_ID, "both");
    run();
    assert_non_null(note(take("spy").message_id.ptr));
    assert_true(str_eq(note(SECOND_ID)->text, STR("both")));
    lane_case_close(&c);
}

void test_lane__a_subscriber_that_fails_takes_the_others_with_it(void **state)
{
    (void)state;
    begin();
    order("m1", NOTE_ID, "half");
    run();
    assert_null(note(take("spy").message_id.ptr));
    lane_case_close(&c);
}

#define TOKEN_KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void sign_with(const char *masters)
{
    struct err err = {0};
    must(auth_keys_load(str_of(masters), STR(TOKEN_KEY), &c.lane.keys, &err), &err);
}

#define OLD_MASTER "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define NEW_MASTER "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"

/* A master key is replaced: lanes that have the new one as well, lanes that sign with it, and in the end
 * it alone, each after the one before; the client asks every one of them. */
void test_lane__a_repeat_is_known_by_every_master_key_of_the_ring(void **state)
{
    static const char *const rings[] = {OLD_MASTER, OLD_MASTER "," NEW_MASTER,
                                        NEW_MASTER "," OLD_MASTER, OLD_MASTER "," NEW_MASTER};
    (void)state;
    begin();
    for (size_t first = 0; first < 4; first++) {
        const char *message_id = str_printf(&c.arena, "m%zu", first).ptr;
        sign_with(rings[first]);
        order(message_id, NOTE_ID, message_id);
        run();
        const int64_t version = note(NOTE_ID)->head.version;
        struct delivery *reply = bus_fake_take(c.bus, STR("replies"));
        for (size_t other = first; other < 4; other++) {
            sign_with(rings[other]);
            order(message_id, NOTE_ID, message_id);
            run();
            struct delivery *again = bus_fake_take(c.bus, STR("replies"));
            assert_true(str_eq(again->body, reply->body));
            assert_int_equal(again->status, 200);
            delivery_free(again);
            order(message_id, NOTE_ID, "other");
            run();
            assert_reply(message_id, 422, "IDEMPOTENCY_MISMATCH");
        }
        assert_int_equal(note(NOTE_ID)->head.version, version);
        delivery_free(reply);
    }
    lane_case_close(&c);
}

/* A lane that signs with the new key may have the same message in hand when the other one commits: the
 * key that it would take is taken already. */
void test_lane__two_masters_side_by_side_take_the_same_keys(void **state)
{
    (void)state;
    begin();
    struct err err = {0};
    struct journal_reply *known;
    size_t count;
    sign_with(OLD_MASTER "," NEW_MASTER);
    order("m1", NOTE_ID, "hello");
    run();
    sign_with(NEW_MASTER "," OLD_MASTER);
    struct batch batch = {.lane = &c.lane, .arena = &c.arena, .now = lane_case_now};
    struct delivery delivery = {.queue = STR("t.notes"),
                                .exchange = STR("t.requests"),
                                .routing_key = STR("note.write"),
                                .body = note_body(&c, NOTE_ID, "hello"),
                                .message_id = STR("m1"),
                                .authorization = bearer(&c, ANNA, "customer"),
                                .deadline = -1,
                                .expiration = -1};
    struct job job = {.batch = &batch, .delivery = &delivery};
    job_admit(&job);
    assert_int_equal(job.state, JOB_OPEN);
    must(store_journal_find(c.store, &c.arena, &job.key, 1, &known, &count, &err), &err);
    assert_int_equal(count, 1);
    lane_case_close(&c);
}

/* Two copies of a message in one batch, and a third one later. */
void test_lane__a_repeated_message_has_one_effect_and_the_same_reply(void **state)
{
    (void)state;
    begin();
    order("m1", NOTE_ID, "hello");
    order("m1", NOTE_ID, "hello");
    run();
    order("m1", NOTE_ID, "hello");
    run();
    assert_int_equal(depth("replies"), 3);
    struct delivery *first = bus_fake_take(c.bus, STR("replies"));
    for (int i = 0; i < 2; i++) {
        struct delivery *again = bus_fake_take(c.bus, STR("replies"));
        assert_true(str_eq(again->body, first->body));
        assert_int_equal(again->status, 200);
        delivery_free(again);
    }
    delivery_free(first);
    assert_int_equal(note(NOTE_ID)->head.version, 1);
    assert_int_equal(depth("spy"), 1);
    order("m1", NOTE_ID, "other");
    run();
    assert_reply("m1", 422, "IDEMPOTENCY_MISMATCH");
    assert_int_equal(note(NOTE_ID)->head.version, 1);
    lane_case_close(&c);
}

void test_lane__commands_of_one_document_keep_their_order_in_a_batch(void **state)
{
    (void)state;
    static const char *const texts[] = {"a", "b", "c"};
    static const char *const ids[] = {"m1", "m2", "m3"};
    begin();
    for (size_t i = 0; i < 3; i++)
        order(ids[i], NOTE_ID, texts[i]);
    step();
    assert_int_equal(store_fake_commits(c.store), 1);
    assert_int_equal(note(NOTE_ID)->head.version, 3);
    assert_true(str_eq(note(NOTE_ID)->text, STR("c")));
    assert_int_equal(depth("replies"), 3);
    lane_case_close(&c);
}

/* --- what is lost on the way ---------------------------------------------------------------------- */

/* Committed; then the connection breaks before anything is out. */
void test_lane__a_lost_connection_after_the_commit_loses_nothing(void **state)
{
    (void)state;
    struct journal_entry *entries;
    begin();
    order("m1", NOTE_ID, "hello");
    bus_fake_fail(c.bus, BUS_FAKE_FLUSH, 1);
    stumble();
    assert_int_equal(depth("spy") + depth("replies"), 0);
    assert_int_equal(outbox(&entries), 1);
    run();
    assert_reply("m1", 200, NULL);
    assert_string_equal(take("spy").message_id.ptr, entries[0].events[0].id.ptr);
    assert_int_equal(note(NOTE_ID)->head.version, 1);
    assert_int_equal(outbox(&entries), 0);
    assert_int_equal(bus_fake_unacked(c.bus), 0);
    lane_case_close(&c);
}

/* Published, and gone before it was marked: the relay cannot know. */
void test_lane__what_is_not_marked_is_published_again_with_the_same_id(void **state)
{
    (void)state;
    struct journal_entry *entries;
    begin();
    c.lane.next_mark_us = c.lane.next_relay_us = INT64_MAX;
    order("m1", NOTE_ID, "hello");
    step();
    const struct delivery first = take("spy");
    crash();
    run();
    const struct delivery again = take("spy");
    assert_string_equal(first.message_id.ptr, again.message_id.ptr);
    assert_true(str_eq(first.body, again.body));
    assert_int_equal(note(again.message_id.ptr)->head.version, 1); /* taken up once */
    assert_int_equal(outbox(&entries), 0);
    lane_case_close(&c);
}

/* The next message may be one that ends the lane: the event itself, which would then be published, end a
 * lane and be buried for ever. */
void test_lane__the_relay_writes_down_before_anything_else_is_handled(void **state)
{
    (void)state;
    struct journal_entry *entries;
    begin();
    c.lane.next_mark_us = c.lane.next_relay_us = INT64_MAX;
    order("m1", NOTE_ID, "hello");
    step();
    crash();
    assert_int_equal(outbox(&entries), 1);
    lane_case_now += 100;
    store_fake_set_now(c.store, lane_case_now + 1000);
    c.lane.next_mark_us = INT64_MAX;
    c.lane.next_relay_us = 0;
    step();
    assert_int_equal(outbox(&entries), 0);
    lane_case_close(&c);
}

/* Another lane awaits its confirms, or is about to mark. */
/* Who is impatient with a busy broker takes from it all that is in hand, and so makes it busier. */
void test_lane__a_broker_that_still_confirms_is_only_busy(void **state)
{
    (void)state;
    begin();
    c.engine.amqp_timeout_ms = 5000;
    bus_fake_withhold(c.bus);
    c.lane.next_relay_us = INT64_MAX;
    order("m1", NOTE_ID, "hello");
    step();
    order("m2", NOTE_ID, "hello again");
    step();
    assert_int_equal(c.lane.group_count, 2);
    const int64_t patience_us = 2 * c.engine.amqp_timeout_ms * 1000;
    const int64_t now_us = clock_monotonic_us();
    assert_false(relay_is_stuck(&c.lane, now_us));
    bus_fake_confirm_oldest(c.bus);
    assert_false(relay_is_stuck(&c.lane, now_us + patience_us + 1));
    assert_int_equal(c.lane.group_count, 1);
    assert_false(relay_is_stuck(&c.lane, now_us + 2 * patience_us));
    assert_true(relay_is_stuck(&c.lane, now_us + 2 * patience_us + 2));
    lane_case_close(&c);
}

void test_lane__the_relay_leaves_to_a_lane_what_is_its_own(void **state)
{
    (void)state;
    begin();
    c.lane.next_mark_us = INT64_MAX;
    order("m1", NOTE_ID, "hello");
    for (int i = 0; i < STEPS; i++) {
        c.lane.next_relay_us = 0;
        step();
    }
    assert_int_equal(depth("spy"), 1);
    lane_case_close(&c);
}

void test_lane__one_relay_at_a_time(void **state)
{
    (void)state;
    begin();
    c.lane.next_mark_us = c.lane.next_relay_us = INT64_MAX;
    order("m1", NOTE_ID, "hello");
    step();
    crash();
    lock_fake_hold(c.lock, STR("relay"), 5000);
    run();
    assert_int_equal(depth("spy"), 1);
    lock_fake_advance(c.lock, 5001);
    c.lane.next_relay_us = 0;
    run();
    assert_int_equal(depth("spy"), 2);
    lane_case_close(&c);
}

/* A subscriber that takes no more: "full" has room for one message, and that is there. */
static void subscribe_full(void)
{
    struct err err = {0};
    const struct bus_binding all = {STR("t.events"), STR("#")};
    const struct bus_queue full = {
        .name = STR("full"), .bindings = &all, .binding_count = 1, .length_max = 1};
    const struct bus_topology topology = {.queues = &full, .queue_count = 1};
    must(bus_declare(c.bus, &topology, &err), &err);
    assert_true(bus_fake_send(
        c.bus, &(struct bus_message){.exchange = STR(""), .routing_key = STR("full")}));
}

/* A turn of the relay after so long, and what comes of it. */
static void relay_after(int64_t ms)
{
    lane_case_now += ms;
    store_fake_set_now(c.store, lane_case_now + 1000);
    c.lane.next_relay_us = c.lane.next_mark_us = 0;
    run();
}

/* Everybody else gets what it refuses again and again: so less and less often. */
void test_lane__what_a_subscriber_refuses_is_published_less_and_less_often(void **state)
{
    (void)state;
    struct journal_entry *entries;
    begin();
    subscribe_full();
    order("m1", NOTE_ID, "hello");
    for (int i = 0; i < 100; i++)
        relay_after(100);                 /* ten seconds, a hundred times relay.age */
    assert_in_range(depth("spy"), 5, 10); /* after 100 ms, 200 ms, 400 ms, ... */
    assert_int_equal(outbox(&entries), 1);
    take("full");
    relay_after(20000);
    relay_after(0);
    assert_int_equal(outbox(&entries), 0);
    lane_case_close(&c);
}

static void mail(const char *id)
{
    const struct journal_event event = {.id = str_of(id),
                                        .exchange = STR("t.notifications"),
                                        .routing_key = STR("email.order_placed"),
                                        .body = STR("{}")};
    struct err err = {0};
    lane_publish_event(&c.lane, &c.arena, &event, lane_open_group(&c.lane, str_of(id)));
    must(bus_flush(c.bus, &err), &err);
    run();
}

/* A mail that no queue takes is no failure of ours, but not as it was meant. */
void test_lane__a_mail_that_nobody_takes_is_told(void **state)
{
    (void)state;
    struct err err = {0};
    const struct bus_binding mails = {STR("t.notifications"), STR("email.#")};
    const struct bus_queue sender = {.name = STR("sender"), .bindings = &mails, .binding_count = 1};
    const struct bus_topology topology = {.queues = &sender, .queue_count = 1};
    begin();
    mail("000000000000000000000001");
    assert_non_null(strstr(c.slot.warnings[SLOT_WARN_MAILS], "t.notifications email.order_placed"));
    assert_non_null(strstr(c.slot.warnings[SLOT_WARN_MAILS], "bind the queue"));
    assert_int_equal(c.lane.group_count, 0);
    assert_int_equal(c.lane.refused.count, 0);
    must(bus_declare(c.bus, &topology, &err), &err);
    c.lane.mails_lost_until_us = 1; /* long ago */
    mail("000000000000000000000002");
    assert_string_equal(c.slot.warnings[SLOT_WARN_MAILS], "");
    assert_int_equal(depth("sender"), 1);
    lane_case_close(&c);
}

void test_lane__a_commit_whose_fate_was_unknown_happens_once(void **state)
{
    (void)state;
    begin();
    for (int applied = 0; applied < 2; applied++) {
        store_fake_fail(c.store, STORE_FAKE_COMMIT, 1, OUTCOME_UNCERTAIN, applied);
        order(applied ? "m2" : "m1", applied ? OTHER_ID : NOTE_ID, "hello");
        run();
        assert_reply(applied ? "m2" : "m1", 200, NULL);
        assert_int_equal(note(applied ? OTHER_ID : NOTE_ID)->head.version, 1);
    }
    assert_int_equal(depth("spy"), 2);
    lane_case_close(&c);
}

/* Nothing is taken, nothing is buried: what was received waits. */
void test_lane__an_outage_of_the_database_is_waited_for(void **state)
{
    (void)state;
    begin();
    order("m1", NOTE_ID, "hello");
    store_fake_fail(c.store, STORE_FAKE_COMMIT, 1, OUTCOME_RETRY, false);
    stumble();
    assert_int_equal(c.lane.waiting.count, 1);
    assert_int_equal(depth("replies") + depth("t.dead.notes") + delayed(&c), 0);
    run();
    assert_reply("m1", 200, NULL);
    lane_case_close(&c);
}

/* Pauses of 100, 200 and 400 ms. */
static void ping_fails(int times)
{
    for (int i = 1; i <= times; i++)
        store_fake_fail(c.store, STORE_FAKE_PING, i, OUTCOME_RETRY, false);
}

/* Brings the first message into the lane's hands once more. */
static int64_t deliveries_of_first(void)
{
    struct err err = {0};
    store_fake_fail(c.store, STORE_FAKE_COMMIT, 1, OUTCOME_RETRY, false);
    assert_int_equal(lane_step(&c.lane, 0, &err), OUTCOME_RETRY);
    assert_true(c.lane.waiting.count > 0);
    return c.lane.waiting.items[0]->delivery_count + 1;
}

void test_lane__an_outage_costs_no_delivery(void **state)
{
    (void)state;
    begin();
    order("m1", NOTE_ID, "hello");
    order("m2", OTHER_ID, "hello");
    store_fake_fail(c.store, STORE_FAKE_COMMIT, 1, OUTCOME_RETRY, false);
    ping_fails(3);
    stumble();
    assert_int_equal(c.lane.waiting.count, 2);
    assert_int_equal(deliveries_of_first(), 1);
    assert_int_equal(depth("t.dead.notes") + delayed(&c), 0);
    run();
    assert_int_equal(depth("replies"), 2);
    lane_case_close(&c);
}

/* The broker would close the channel: once is enough, and nothing is taken until it is over. */
void test_lane__a_long_outage_costs_one_delivery(void **state)
{
    (void)state;
    begin();
    c.engine.amqp_consumer_timeout_ms = 200;
    order("m1", NOTE_ID, "hello");
    store_fake_fail(c.store, STORE_FAKE_COMMIT, 1, OUTCOME_RETRY, false);
    ping_fails(3);
    stumble();
    assert_int_equal(c.lane.waiting.count, 0);
    assert_int_equal(depth("t.notes"), 1);
    assert_int_equal(deliveries_of_first(), 2);
    run();
    assert_reply("m1", 200, NULL);
    lane_case_close(&c);
}

static void order_many(int count)
{
    for (int i = 0; i < count; i++)
        order(str_printf(&c.arena, "m%d", i).ptr, str_printf(&c.arena, "%024d", i).ptr, "hello");
}

/* However many the broker would lend: what is over the bound goes back, and the lane holds nothing. */
void test_lane__an_outage_holds_so_many_bytes(void **state)
{
    (void)state;
    begin();
    c.engine.held_max = 10000; /* some 16 messages */
    order_many(40);
    store_fake_fail(c.store, STORE_FAKE_COMMIT, 1, OUTCOME_RETRY, false);
    ping_fails(2);
    stumble();
    assert_int_equal(c.lane.waiting.count, 0);
    assert_int_equal(c.lane.waiting.bytes, 0);
    assert_int_equal(depth("t.notes"), 40);
    run();
    assert_int_equal(depth("replies"), 40);
    lane_case_close(&c);
}

/* Below it nothing goes back. */
void test_lane__an_outage_keeps_what_it_may_hold(void **state)
{
    (void)state;
    begin();
    order_many(40);
    store_fake_fail(c.store, STORE_FAKE_COMMIT, 1, OUTCOME_RETRY, false);
    ping_fails(2);
    stumble();
    assert_int_equal(c.lane.waiting.count, 40);
    assert_int_equal(deliveries_of_first(), 1);
    run();
    assert_int_equal(depth("replies"), 40);
    lane_case_close(&c);
}

/* A batch is bounded in bytes, and so is what waits behind it: the rest is left to the broker. */
void test_lane__takes_no_more_than_two_batches_of_bytes(void **state)
{
    (void)state;
    struct err err = {0};
    begin();
    c.engine.batch_bytes = 2000;
    order_many(30);
    must(lane_step(&c.lane, 0, &err), &err);
    assert_true(depth("t.notes") > 20);
    run();
    assert_int_equal(depth("replies"), 30);
    lane_case_close(&c);
}

/* Who takes messages while the database is away only spends their deliveries. */
void test_lane__a_broker_that_is_back_first_waits_for_the_database(void **state)
{
    (void)state;
    struct err err = {0};
    begin();
    order("m1", NOTE_ID, "hello");
    bus_fake_fail(c.bus, BUS_FAKE_NEXT, 2);
    ping_fails(2);
    assert_int_equal(lane_step(&c.lane, 0, &err), OUTCOME_RETRY);
    bus_fake_fail(c.bus, BUS_FAKE_NEXT, 2); /* would be lost a second time */
    lane_recover(&c.lane);
    bus_fake_fail(c.bus, BUS_FAKE_NEXT, 0);
    assert_int_equal(deliveries_of_first(), 2);
    run();
    assert_reply("m1", 200, NULL);
    lane_case_close(&c);
}

/* The lane serves the broker while it asks what became of a commit, however long that takes. */
void test_lane__what_arrives_while_a_fate_is_unknown_keeps_its_order(void **state)
{
    (void)state;
    begin();
    c.pool.batch_max = 1;
    order("m1", NOTE_ID, "one");
    order("m2", NOTE_ID, "two");
    store_fake_fail(c.store, STORE_FAKE_COMMIT, 1, OUTCOME_UNCERTAIN, false);
    for (int i = 1; i <= 2; i++)
        store_fake_fail(c.store, STORE_FAKE_RESOLVE, i, OUTCOME_RETRY, false);
    c.slot.ready = 1;
    run();
    assert_int_equal(depth("replies"), 2);
    assert_true(str_eq(note(NOTE_ID)->text, STR("two")));
    assert_int_equal(note(NOTE_ID)->head.version, 2);
    assert_int_equal(c.slot.ready, 1);
    lane_case_close(&c);
}

/* A handler whose own dependency is down is not an outage: its message goes to the delays, and its
 * neighbours are done at once. */
void test_lane__a_handler_that_cannot_go_on_stops_nobody(void **state)
{
    (void)state;
    begin();
    order("m1", NOTE_ID, "down");
    order("m2", OTHER_ID, "hello");
    run();
    assert_reply("m2", 200, NULL);
    assert_int_equal(delayed(&c), 1);
    assert_int_equal(c.lane.waiting.count, 0);
    lane_case_close(&c);
}

void test_lane__whose_deadline_passes_in_the_delays_is_told(void **state)
{
    (void)state;
    begin();
    assert_true(
        bus_fake_send(c.bus, &(struct bus_message){.exchange = STR("t.requests"),
                                                   .routing_key = STR("note.write"),
                                                   .message_id = STR("m1"),
                                                   .correlation_id = STR("m1"),
                                                   .reply_to = STR("replies"),
                                                   .authorization = bearer(&c, ANNA, "customer"),
                                                   .deadline = lane_case_now + 500,
                                                   .body = note_body(&c, NOTE_ID, "down")}));
    run();
    bus_fake_advance(c.bus, 1200);
    lane_case_now += 1200;
    run();
    assert_reply("m1", 504, "DEADLINE_EXCEEDED");
    assert_int_equal(depth("t.dead.notes") + delayed(&c), 0);
    lane_case_close(&c);
}

void test_lane__without_redis_it_is_only_slower(void **state)
{
    (void)state;
    begin();
    lock_fake_set_down(c.lock, true);
    order("m1", NOTE_ID, "hello");
    run();
    assert_reply("m1", 200, NULL);
    assert_int_equal(depth("spy"), 1);
    assert_true(c.lane.counters.unlocked_batches > 0);
    lane_case_close(&c);
}

/* --- locks held elsewhere ------------------------------------------------------------------------- */

void test_lane__who_needs_a_held_lock_waits_and_the_others_go_on(void **state)
{
    (void)state;
    begin();
    lock_fake_hold(c.lock, STR("notes:" NOTE_ID), 5000);
    order("m1", NOTE_ID, "waits");
    order("m2", OTHER_ID, "goes");
    step();
    assert_reply("m2", 200, NULL);
    assert_null(note(NOTE_ID));
    assert_int_equal(c.lane.waiting.count, 1);
    assert_int_equal(bus_fake_unacked(c.bus), 2); /* m2 is acknowledged together with m1 */
    lock_fake_advance(c.lock, 5001);
    run();
    assert_reply("m1", 200, NULL);
    assert_int_equal(bus_fake_unacked(c.bus), 0);
    lane_case_close(&c);
}

/* The lock is no proof; the guard of the write is. */
void test_lane__nobody_waits_for_a_lock_for_ever(void **state)
{
    (void)state;
    begin();
    lock_fake_hold(c.lock, STR("notes:" NOTE_ID), 1000000);
    order("m1", NOTE_ID, "at last");
    for (int i = 0; i < 11 && !note(NOTE_ID); i++)
        step();
    assert_reply("m1", 200, NULL);
    lane_case_close(&c);
}

/* --- what fails ----------------------------------------------------------------------------------- */

/* Not before its time, and at most a fifth later. */
static void sit_out(int64_t delay_ms)
{
    assert_int_equal(delayed(&c), 1);
    bus_fake_advance(c.bus, delay_ms - 1);
    assert_int_equal(delayed(&c), 1);
    bus_fake_advance(c.bus, 1 + delay_ms / 5);
    assert_int_equal(delayed(&c), 0);
}

static void fail_through_all_rounds(const char *text, int64_t status, const char *code)
{
    begin();
    order("m1", NOTE_ID, text);
    run();
    sit_out(1000);
    run();
    assert_int_equal(depth("replies") + depth("t.dead.notes"), 0);
    sit_out(10000);
    run();
    assert_reply("m1", status, code);
    const struct delivery dead = take("t.dead.notes");
    assert_string_equal(dead.message_id.ptr, "m1");
    assert_true(str_eq(dead.body, note_body(&c, NOTE_ID, text)));
    assert_int_equal(bus_fake_unacked(c.bus), 0);
    assert_int_equal(store_fake_commits(c.store), 0);
    assert_int_equal(c.lane.counters.failed, 3);
    lane_case_close(&c);
}

/* Others go on meanwhile, and nobody is told of a burial that was none. */
void test_lane__dead_letters_wait_for_room_and_hold_up_nobody(void **state)
{
    (void)state;
    enum { ONE_MINUTE = 60000 };
    const struct bus_message letter = {.routing_key = STR("t.dead.notes"), .body = STR("{}")};
    begin();
    c.engine.retry_delays.count = 0;
    bus_fake_limit(c.bus, STR("t.dead.notes"), 1);
    assert_true(bus_fake_send(c.bus, &letter));
    order("m1", NOTE_ID, "bug");
    order("m2", "bbbbbbbbbbbbbbbbbbbbbbbb", "good");
    run();
    assert_reply("m2", 200, NULL);
    assert_int_equal(depth("t.dead.notes"), 1);
    assert_int_equal(bus_fake_unacked(c.bus) + depth("replies"), 0);
    sit_out(ONE_MINUTE);
    run();
    assert_int_equal(depth("t.dead.notes"), 1);
    assert_int_equal(depth("replies"), 0);
    bus_fake_limit(c.bus, STR("t.dead.notes"), 0);
    sit_out(ONE_MINUTE);
    run();
    assert_int_equal(depth("t.dead.notes"), 2);
    assert_int_equal(delayed(&c), 0);
    assert_reply("m1", 500, "INTERNAL");
    lane_case_close(&c);
}

/* Long before the broker takes no more. */
void test_lane__many_dead_letters_are_told_by_health(void **state)
{
    (void)state;
    const struct bus_message letter = {.routing_key = STR("t.dead.notes"), .body = STR("{}")};
    struct delivery *delivery;
    begin();
    run(); /* not at once */
    for (int i = 1; i < DEAD_LETTERS_MAX / 2; i++)
        assert_true(bus_fake_send(c.bus, &letter));
    c.lane.next_letters_us = 1;
    run();
    assert_string_equal(c.slot.warnings[SLOT_WARN_LETTERS], "");
    assert_true(bus_fake_send(c.bus, &letter));
    c.lane.next_letters_us = 1;
    run();
    assert_non_null(strstr(c.slot.warnings[SLOT_WARN_LETTERS],
                           "t.dead.notes holds 50000 of the 100000 letters that it takes"));
    assert_non_null(delivery = bus_fake_take(c.bus, STR("t.dead.notes")));
    delivery_free(delivery);
    c.lane.next_letters_us = 1;
    run();
    assert_string_equal(c.slot.warnings[SLOT_WARN_LETTERS], "");
    lane_case_close(&c);
}

void test_lane__a_bug_goes_through_the_delays_to_the_dead_letters(void **state)
{
    (void)state;
    fail_through_all_rounds("bug", 500, "INTERNAL");
}

void test_lane__so_does_what_is_away_for_too_long(void **state)
{
    (void)state;
    fail_through_all_rounds("down", 503, "BUSY");
}

/* No inside of ours in a reply. */
void test_lane__a_bug_is_not_explained_to_strangers(void **state)
{
    (void)state;
    begin();
    c.engine.retry_delays.count = 0;
    order("m1", NOTE_ID, "bug");
    run();
    const struct delivery reply = take("replies");
    assert_null(strstr(reply.body.ptr, "inside that nobody"));
    assert_null(strstr(reply.body.ptr, ".h"));
    assert_string_equal(json_str(json_at(json_of(reply.body), "/error/code")).ptr, "INTERNAL");
    assert_int_equal(depth("t.dead.notes"), 1);
    lane_case_close(&c);
}

/* The others of its batch are not held up. */
void test_lane__one_failure_in_a_batch_is_its_own(void **state)
{
    (void)state;
    begin();
    order("m1", NOTE_ID, "first");
    order("m2", OTHER_ID, "bug");
    send_as("note.write", "m3", note_body(&c, NOTE_ID, "no"), "replies");
    run();
    assert_int_equal(depth("replies"), 2);
    assert_int_equal(delayed(&c), 1);
    assert_true(str_eq(note(NOTE_ID)->text, STR("first")));
    lane_case_close(&c);
}

/* Who asks for something new in every round is found out; who came after it is not to blame. */
void test_lane__a_handler_that_never_has_enough_fails_alone(void **state)
{
    (void)state;
    begin();
    order("m1", OTHER_ID, "greedy");
    order("m2", NOTE_ID, "after it");
    run();
    assert_int_equal(depth("replies"), 1);
    assert_int_equal(delayed(&c), 1);
    assert_true(str_eq(note(NOTE_ID)->text, STR("after it")));
    lane_case_close(&c);
}

/* The copy is not safe: the original stays with the broker. */
void test_lane__what_could_not_be_put_aside_is_not_acknowledged(void **state)
{
    (void)state;
    begin();
    order("m1", NOTE_ID, "bug");
    bus_fake_fail(c.bus, BUS_FAKE_FLUSH, 1);
    stumble();
    assert_int_equal(delayed(&c), 0);
    assert_int_equal(depth("t.notes") + bus_fake_unacked(c.bus), 1);
    run();
    assert_int_equal(delayed(&c), 1);
    assert_int_equal(bus_fake_unacked(c.bus), 0);
    lane_case_close(&c);
}

void test_lane__who_ended_two_lanes_is_buried_at_once(void **state)
{
    (void)state;
    begin();
    order("m1", NOTE_ID, "poison");
    struct delivery same = {
        .queue = STR("t.notes"), .message_id = STR("m1"), .body = note_body(&c, NOTE_ID, "poison")};
    const struct death death = {delivery_digest(&same), 0, "SIGSEGV", "write_note+0x1f"};
    for (int i = 0; i < DEATHS_MAX; i++)
        blame_record(&c.blame, &death);
    order("m2", OTHER_ID, "innocent");
    run();
    assert_int_equal(depth("t.dead.notes"), 1);
    assert_int_equal(delayed(&c), 0);
    assert_null(note(NOTE_ID));
    assert_non_null(note(OTHER_ID));
    assert_int_equal(depth("replies"), 2);
    lane_case_close(&c);
}

/* What is wrong is answered; when nobody listens it must not disappear. */
void test_lane__a_faulty_message_is_answered_or_kept(void **state)
{
    (void)state;
    begin();
    send_as("note.write", "m1", STR("{"), "replies");
    run();
    assert_reply("m1", 400, "MALFORMED");
    assert_int_equal(depth("t.dead.notes"), 0);
    send_as("note.write", "m2", STR("{"), NULL);
    run();
    assert_string_equal(take("t.dead.notes").message_id.ptr, "m2");
    assert_int_equal(bus_fake_unacked(c.bus), 0);
    lane_case_close(&c);
}

/* --- the end -------------------------------------------------------------------------------------- */

void test_lane__it_finishes_what_it_holds_and_takes_nothing_new(void **state)
{
    (void)state;
    begin();
    lock_fake_hold(c.lock, STR("notes:" NOTE_ID), 5000);
    order("m1", NOTE_ID, "in hand");
    step();
    assert_int_equal(c.lane.waiting.count, 1);
    lock_fake_advance(c.lock, 5001);
    order("m2", OTHER_ID, "too late");
    c.stopping = 1;
    lane_run(&c.lane);
    assert_reply("m1", 200, NULL);
    assert_null(note(OTHER_ID));
    assert_int_equal(depth("t.notes"), 1);
    assert_int_equal(bus_fake_unacked(c.bus), 0);
    assert_int_equal(c.slot.ready, 0);
    lane_case_close(&c);
}

void test_lane__aside_finishes_what_it_has_and_takes_nothing_new(void **state)
{
    (void)state;
    begin();
    order("m1", NOTE_ID, "one");
    step(); /* taken, its commit begun */
    c.slot.aside = 1;
    order("m2", OTHER_ID, "two");
    run();
    assert_int_equal(depth("replies"), 1);
    assert_int_equal(c.slot.settled, 1);
    c.slot.aside = 0;
    run();
    assert_int_equal(depth("replies"), 2);
    assert_int_equal(c.slot.settled, 4); /* with the two events that they emitted */
    lane_case_close(&c);
}

/* What a commit under way reads must not be released under it. */
void test_lane__it_ends_no_sooner_than_its_commit(void **state)
{
    (void)state;
    begin();
    lock_fake_hold(c.lock, STR("notes:" NOTE_ID), 5000);
    order("m1", NOTE_ID, "in hand");
    step();
    lock_fake_advance(c.lock, 5001);
    c.stopping = 1;
    store_fake_set_slow(c.store, true);
    c.lane.next_relay_us = 0;
    store_fake_fail(c.store, STORE_FAKE_OUTBOX, 1, OUTCOME_RETRY, false);
    lane_run(&c.lane);
    assert_null(c.lane.under_way);
    assert_non_null(note(NOTE_ID));
    assert_reply("m1", 200, NULL);
    assert_int_equal(bus_fake_unacked(c.bus), 0);
    lane_case_close(&c);
}

static int64_t frozen_us;

static int64_t frozen_monotonic_us(void)
{
    return frozen_us;
}

static int64_t frozen_now_ms(void)
{
    return NOW_MS;
}

static void skip_pause(int64_t ms)
{
    frozen_us += ms * 1000;
}

static void step_after(int64_t ms)
{
    frozen_us += ms * 1000;
    step();
}

/* What it acknowledged makes room for more, which is on its way and would be delivered twice. */
void test_lane__it_subscribes_anew_only_in_quiet(void **state)
{
    (void)state;
    static const struct clock_source frozen = {frozen_now_ms, frozen_monotonic_us, skip_pause};
    frozen_us = 1000000;
    clock_set_source(&frozen);
    begin();
    step_after(0);
    step_after(6000); /* the first time is one period after its start */
    step_after(6000);
    const size_t before = bus_fake_renewals(c.bus);
    assert_int_equal(before, 1);
    order("m1", NOTE_ID, "held long");
    step(); /* taken, its commit begun */
    step_after(20000);
    for (int i = 0; i < STEPS; i++)
        step_after(90);
    assert_int_equal(depth("replies"), 1);
    assert_int_equal(bus_fake_renewals(c.bus), before);
    step_after(1000);
    assert_int_equal(bus_fake_renewals(c.bus), before + 1);
    lane_case_close(&c);
    clock_set_source(NULL);
}

/* As a CC header does it, which only a broker understands. */
static void steer_into(const char *queue, const char *key)
{
    struct err err = {0};
    const struct bus_binding binding = {STR("t.requests"), str_of(key)};
    struct bus_topology topology;
    must(topology_of(&c.service, &c.engine, &c.arena, &topology, &err), &err);
    for (size_t i = 0; i < topology.queue_count; i++)
        if (str_eq(topology.queues[i].name, str_of(queue))) {
            struct bus_queue more = topology.queues[i];
            more.bindings = &binding;
            more.binding_count = 1;
            must(
                bus_declare(c.bus, &(struct bus_topology){.queues = &more, .queue_count = 1}, &err),
                &err);
        }
}

void test_lane__what_was_steered_into_a_strange_queue_is_not_carried_out_there(void **state)
{
    (void)state;
    begin();
    steer_into("t.echo", "note.#");
    order("m1", NOTE_ID, "hello");
    run();
    int ok = 0;
    int refused = 0;
    struct delivery *reply;
    while ((reply = bus_fake_take(c.bus, STR("replies")))) {
        ok += reply->status == 200;
        refused += strstr(reply->body.ptr, "UNKNOWN_OPERATION") != NULL;
        delivery_free(reply);
    }
    assert_int_equal(ok, 1);
    assert_int_equal(refused, 1);
    assert_int_equal(c.lane.counters.duplicates, 0); /* it was not even looked up */
    lane_case_close(&c);
}

/* --- a message that costs the connection ----------------------------------------------------------- */

/* Whatever happens, the lane goes on. */
static void run_through_losses(int steps)
{
    struct err err = {0};
    for (int i = 0; i < steps; i++)
        if (lane_step(&c.lane, 0, &err) != OUTCOME_DONE)
            lane_recover(&c.lane);
}

static int64_t times_sent(const char *queue)
{
    int64_t count = 0;
    for (struct delivery *reply = bus_fake_take(c.bus, str_of(queue)); reply;
         reply = bus_fake_take(c.bus, str_of(queue))) {
        count++;
        delivery_free(reply);
    }
    return count;
}

/* The answer to m2 is what the broker cannot bear. */
static void begin_with_poison(void)
{
    begin();
    c.lane.hold_ms = 0;
    c.pool.prefetch = 10;
    bus_fake_keep_headers(c.bus);
    bus_fake_forbid(c.bus, STR("poison"));
    send_as("note.write", "m1", note_body(&c, NOTE_ID, "one"), "replies");
    send_as("note.write", "m2", note_body(&c, OTHER_ID, "two"), "poison");
    send_as("note.write", "m3", note_body(&c, "cccccccccccccccccccccccc", "three"), "replies");
}

void test_lane__a_message_that_costs_the_connection_is_put_aside(void **state)
{
    (void)state;
    begin_with_poison();
    run_through_losses(80);
    struct delivery *letter = bus_fake_take(c.bus, STR("t.dead.notes"));
    assert_non_null(letter);
    assert_true(str_eq(letter->message_id, STR("m2")));
    assert_non_null(memmem(letter->headers.ptr, letter->headers.len, "the connection to the broker",
                           strlen("the connection to the broker")));
    delivery_free(letter);
    assert_int_equal(depth("t.dead.notes"), 0);
    assert_int_equal(depth("t.notes") + bus_fake_unacked(c.bus), 0);
    assert_non_null(note(NOTE_ID));
    assert_non_null(note("cccccccccccccccccccccccc"));
    /* m1: each time together, and once alone. m3 the same; alone it is not touched by m2. */
    assert_in_range(times_sent("replies"), 2, 2 * (LOSSES_MAX + 1));
    lane_case_close(&c);
}

void test_lane__after_a_while_messages_are_taken_together_again(void **state)
{
    (void)state;
    begin_with_poison();
    run_through_losses(80);
    assert_true(c.lane.losses.alone > 0);
    for (int i = 0; i < 10; i++) {
        char id[24];
        snprintf(id, sizeof(id), "later-%d", i);
        order(id, NOTE_ID, "later");
    }
    run_through_losses(80);
    assert_int_equal(c.lane.losses.alone, 0);
    for (int i = 0; i < 3; i++) {
        char id[24];
        snprintf(id, sizeof(id), "last-%d", i);
        order(id, NOTE_ID, "last");
    }
    step();
    assert_int_equal(depth("t.notes"), 0); /* one at a time would leave two */
    lane_case_close(&c);
}

/* A line that comes and goes takes the same message from a lane again and again: it is not to blame. */
void test_lane__losses_without_the_message_acquit_it(void **state)
{
    (void)state;
    struct losses losses = {0};
    for (int i = 0; i < LOSSES_MAX; i++)
        losses_note(&losses, 7, 10);
    assert_int_equal(losses.alone, 10 + LOSSES_ALONE_MAX);
    for (int i = 0; i < 10; i++) {
        losses_note(&losses, 7, 10);
        assert_false(losses_convict(&losses, 7));
        losses_note(&losses, 0, 10);
        losses_acquit(&losses);
    }
    for (int i = 0; i < LOSSES_ALONE_MAX; i++) {
        assert_false(losses_convict(&losses, 7));
        losses_note(&losses, 7, 10);
    }
    assert_true(losses_convict(&losses, 7));
    assert_false(losses_convict(&losses, 8));
    losses_note(&losses, 8, 10);
    assert_false(losses_convict(&losses, 7) || losses_convict(&losses, 8));
}

/* Somebody made a collection and forgot to register it. */
void test_lane__who_needs_a_document_of_no_table_is_told_where_it_belongs(void **state)
{
    (void)state;
    static const struct doc_type *const none[] = {NULL};
    begin();
    c.engine.retry_delays.count = 0;
    c.service.types = none;
    bus_fake_keep_headers(c.bus);
    order("m1", NOTE_ID, "lost");
    run();
    struct delivery *letter = bus_fake_take(c.bus, STR("t.dead.notes"));
    assert_non_null(letter);
    const struct json *headers = json_of(letter->headers);
    const struct str reason = json_str(json_member(headers, "x-failure-reason"));
    assert_non_null(strstr(reason.ptr, "collection notes is in no table"));
    assert_non_null(strstr(reason.ptr, "workers/shop.c"));
    delivery_free(letter);
    lane_case_close(&c);
}

/* Nobody could publish it; its neighbours never notice. */
void test_lane__who_emits_too_long_an_event_fails_alone(void **state)
{
    (void)state;
    static const char longest[] =
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxx";
    begin();
    order("m0", OTHER_ID, "probe");
    run();
    struct delivery *event = bus_fake_take(c.bus, STR("spy"));
    assert_non_null(event);
    c.engine.reply_max = (int64_t)event->body.len + 20;
    delivery_free(event);
    order("m1", NOTE_ID, "short");
    order("m2", "cccccccccccccccccccccccc", longest);
    order("m3", "dddddddddddddddddddddddd", "short");
    run();
    assert_non_null(note(NOTE_ID));
    assert_null(note("cccccccccccccccccccccccc"));
    assert_non_null(note("dddddddddddddddddddddddd"));
    assert_int_equal(depth("spy"), 2);
    assert_int_equal(depth("t.dead.notes"), 1);
    assert_int_equal(depth("replies"), 4); /* one of them says INTERNAL */
    lane_case_close(&c);
}

/* What nobody reads lies in the broker's memory: a bound for each destination. */
void test_lane__long_replies_to_one_destination_are_bounded(void **state)
{
    (void)state;
    static char text[2000];
    memset(text, 'x', sizeof(text) - 1);
    begin();
    c.engine.reply_burst = 5000;
    c.engine.reply_rate = 1;
    struct err err = {0};
    struct note stored = {.head = {.id = STR(NOTE_ID), .version = 1}, .text = str_of(text)};
    const struct write write = {WRITE_INSERT, &note_type, &stored, 0};
    const struct commit commit = {
        .id = STR(OTHER_ID), .now = NOW_MS, .writes = &write, .write_count = 1};
    must(store_commit(c.store, &commit, &err), &err);
    int status[8] = {0};
    for (int i = 0; i < 8; i++) {
        send_as("note.read", "q", STR("{\"id\":\"" NOTE_ID "\",\"text\":\"\"}"),
                i == 7 ? "others" : "replies");
        run();
        const struct delivery reply = take(i == 7 ? "others" : "replies");
        status[i] = (int)reply.status;
        assert_int_equal(reply.retry_after_ms > 0, reply.status == 429);
    }
    const int expected[8] = {200, 200, 429, 429, 429, 429, 429, 200};
    assert_memory_equal(status, expected, sizeof(expected));
    order("m1", OTHER_ID, "short replies always go");
    run();
    assert_int_equal(take("replies").status, 200);
    lane_case_close(&c);
}
