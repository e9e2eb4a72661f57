/* Two batches of one lane at a time: what is decided on top of a commit that is still under way is
 * worth exactly as much as that commit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/pipeline.h"
#include "lane_case.h"

#define OTHER_ID "bbbbbbbbbbbbbbbbbbbbbbbb"
#define NOTE_KEY "notes:" NOTE_ID

static struct lane_case c;

static void begin(void)
{
    lane_case_open(&c);
    c.engine.relay_age_ms = 100;
    c.engine.drain_ms = 1000;
    c.lane.next_relay_us = INT64_MAX;
    store_fake_set_now(c.store, NOW_MS + 1000);
    store_fake_set_slow(c.store, true);
}

static void send(const char *operation, const char *message_id, struct str body)
{
    assert_true(
        bus_fake_send(c.bus, &(struct bus_message){.exchange = STR("t.requests"),
                                                   .routing_key = str_of(operation),
                                                   .message_id = str_of(message_id),
                                                   .reply_to = STR("replies"),
                                                   .authorization = bearer(&c, ANNA, "customer"),
                                                   .body = body}));
}

static void order(const char *message_id, const char *id, const char *text)
{
    send("note.write", message_id, note_body(&c, id, text));
}

static void step(void)
{
    struct err err = {0};
    must(lane_step(&c.lane, 0, &err), &err);
}

static void finish(void)
{
    struct err err = {0};
    must(pipeline_finish(&c.lane, &err), &err);
}

/* Until nothing is left to do. */
static void run(void)
{
    for (int i = 0; i < 10; i++) {
        step();
        finish();
    }
}

static const struct note *note(const char *id)
{
    return store_fake_get(c.store, &note_type, str_of(id));
}

static size_t replies(void)
{
    return bus_fake_depth(c.bus, STR("replies"));
}

/* The next reply: its status, and whose it is. */
static void assert_reply(const char *message_id, int64_t status)
{
    struct delivery *reply = bus_fake_take(c.bus, STR("replies"));
    assert_non_null(reply);
    assert_string_equal(reply->correlation_id.ptr, message_id);
    assert_int_equal(reply->status, status);
    delivery_free(reply);
}

/* m1 is under way, m2 was received after it and is decided on top. */
static void two_in_a_row(void)
{
    order("m1", NOTE_ID, "one");
    step();
    assert_non_null(c.lane.under_way);
    assert_int_equal(replies(), 0);
    order("m2", NOTE_ID, "two");
    step();
}

void test_pipeline__the_second_batch_builds_on_the_first(void **state)
{
    (void)state;
    begin();
    two_in_a_row();
    assert_reply("m1", 200); /* committed and settled; m2 is under way */
    assert_int_equal(replies(), 0);
    assert_int_equal(note(NOTE_ID)->head.version, 1);
    assert_int_equal(bus_fake_unacked(c.bus), 1); /* m2 */
    run();
    assert_reply("m2", 200);
    assert_int_equal(note(NOTE_ID)->head.version, 2);
    assert_true(str_eq(note(NOTE_ID)->text, STR("two")));
    assert_int_equal(c.lane.counters.conflicts, 0);
    assert_int_equal(bus_fake_unacked(c.bus), 0);
    lane_case_close(&c);
}

void test_pipeline__a_reader_sees_what_was_decided_before_it(void **state)
{
    (void)state;
    begin();
    order("m1", NOTE_ID, "one");
    step();
    send("note.read", "m2", note_body(&c, NOTE_ID, "x"));
    step();
    assert_reply("m1", 200);
    struct delivery *reply = bus_fake_take(c.bus, STR("replies"));
    assert_string_equal(reply->correlation_id.ptr, "m2");
    assert_non_null(strstr(reply->body.ptr, "\"one\""));
    delivery_free(reply);
    lane_case_close(&c);
}

/* The first commit ends in each way in which it can; afterwards both messages had their effect, once,
 * in order. */
void test_pipeline__whatever_becomes_of_the_first_both_have_one_effect(void **state)
{
    (void)state;
    static const struct {
        enum outcome outcome;
        bool applied;
    } ends[] = {{OUTCOME_CONFLICT, false},
                {OUTCOME_UNCERTAIN, false},
                {OUTCOME_UNCERTAIN, true},
                {OUTCOME_BUG, false}};
    for (size_t i = 0; i < COUNT(ends); i++) {
        begin();
        order("m1", NOTE_ID, "one");
        store_fake_fail(c.store, STORE_FAKE_COMMIT, 1, ends[i].outcome, ends[i].applied);
        step();
        order("m2", NOTE_ID, "two");
        step();
        run();
        if (ends[i].outcome == OUTCOME_BUG) { /* m1 went to the delays */
            assert_int_equal(note(NOTE_ID)->head.version, 1);
            assert_int_equal(delayed(&c), 1);
        } else {
            assert_reply("m1", 200);
            assert_int_equal(note(NOTE_ID)->head.version, 2);
        }
        assert_reply("m2", 200);
        assert_true(str_eq(note(NOTE_ID)->text, STR("two")));
        assert_int_equal(bus_fake_unacked(c.bus), 0);
        lane_case_close(&c);
    }
}

/* The server goes away while the first is under way: both wait in the lane, in order. */
void test_pipeline__an_outage_gives_both_back_in_order(void **state)
{
    (void)state;
    struct err err = {0};
    begin();
    order("m1", NOTE_ID, "one");
    store_fake_fail(c.store, STORE_FAKE_COMMIT, 1, OUTCOME_RETRY, false);
    step();
    order("m2", NOTE_ID, "two");
    assert_int_equal(lane_step(&c.lane, 0, &err), OUTCOME_RETRY);
    assert_int_equal(c.lane.waiting.count, 2);
    assert_string_equal(c.lane.waiting.items[0]->message_id.ptr, "m1");
    assert_string_equal(c.lane.waiting.items[1]->message_id.ptr, "m2");
    assert_null(c.lane.under_way);
    assert_int_equal(lock_fake_held(c.lock), 0);
    lane_recover(&c.lane);
    run();
    assert_reply("m1", 200);
    assert_reply("m2", 200);
    assert_true(str_eq(note(NOTE_ID)->text, STR("two")));
    lane_case_close(&c);
}

void test_pipeline__the_second_failure_touches_the_second_only(void **state)
{
    (void)state;
    begin();
    order("m1", NOTE_ID, "one");
    store_fake_fail(c.store, STORE_FAKE_COMMIT, 2, OUTCOME_CONFLICT, false);
    step();
    order("m2", NOTE_ID, "two");
    step();
    assert_reply("m1", 200);
    run();
    assert_reply("m2", 200);
    assert_int_equal(note(NOTE_ID)->head.version, 2);
    assert_int_equal(c.lane.counters.conflicts, 1);
    lane_case_close(&c);
}

/* The journal does not know the first yet: its unique index must say no, and then it does. */
void test_pipeline__a_repeat_behind_its_original_is_answered_not_repeated(void **state)
{
    (void)state;
    begin();
    order("m1", NOTE_ID, "one");
    step();
    order("m1", NOTE_ID, "one");
    step();
    assert_reply("m1", 200);
    run();
    assert_reply("m1", 200);
    assert_int_equal(note(NOTE_ID)->head.version, 1);
    assert_int_equal(bus_fake_depth(c.bus, STR("spy")), 1);
    lane_case_close(&c);
}

/* When a repeat is likely the journal is asked first, and then only once it can know. */
void test_pipeline__the_journal_is_asked_only_after_the_commit_ahead(void **state)
{
    (void)state;
    begin();
    order("m1", NOTE_ID, "one");
    step();
    c.lane.recall_until_ms = NOW_MS + 1000;
    order("m1", NOTE_ID, "one");
    step();
    run();
    assert_reply("m1", 200);
    assert_reply("m1", 200);
    assert_int_equal(note(NOTE_ID)->head.version, 1);
    assert_int_equal(c.lane.counters.conflicts, 0);
    lane_case_close(&c);
}

/* Its first run got the lock, and no answer to its look at the note; the second has the lock already. */
void test_pipeline__a_copy_is_read_anew_under_a_lock_that_an_earlier_run_took(void **state)
{
    (void)state;
    begin();
    struct note stored = {.head = {.id = STR(NOTE_ID), .version = 1}, .text = STR("old")};
    store_fake_put(c.store, &note_type, &stored);
    send("note.read", "m0", note_body(&c, NOTE_ID, "x"));
    run(); /* the lane has a copy now, and hears nothing of what comes next */
    assert_reply("m0", 200);
    stored.head.version = 2;
    store_fake_put(c.store, &note_type, &stored);

    order("m1", OTHER_ID, "one");
    step();
    order("m2", NOTE_ID, "twice");
    store_fake_fail(c.store, STORE_FAKE_FIND, 1, OUTCOME_RETRY, false);
    step();
    run();
    assert_reply("m1", 200);
    assert_reply("m2", 200);
    assert_int_equal(note(NOTE_ID)->head.version, 3);
    assert_int_equal(c.lane.counters.conflicts, 0);
    lane_case_close(&c);
}

/* --- leases ---------------------------------------------------------------------------------------- */

void test_pipeline__a_lease_that_both_want_stays_until_the_second_is_done(void **state)
{
    (void)state;
    begin();
    two_in_a_row();
    assert_reply("m1", 200);
    assert_int_equal(lock_fake_held(c.lock), 1);
    finish();
    assert_int_equal(lock_fake_held(c.lock), 0);
    lane_case_close(&c);
}

/* Otherwise a busy lane would keep what it holds for ever. */
void test_pipeline__a_lease_goes_to_the_lane_that_waits_for_it(void **state)
{
    (void)state;
    static const uint8_t stranger[LOCK_OWNER_BYTES] = "another lane...";
    const struct str key = STR(NOTE_KEY);
    struct err err = {0};
    bool granted = true;
    begin();
    order("m1", NOTE_ID, "one");
    step();
    must(lock_take(c.lock, &key, 1, stranger, 1000, &granted, &err), &err);
    assert_false(granted);
    order("m2", NOTE_ID, "two");
    order("m3", OTHER_ID, "three"); /* goes on without m2 */
    step();
    assert_reply("m1", 200);
    must(lock_take(c.lock, &key, 1, stranger, 1000, &granted, &err), &err);
    assert_true(granted);
    finish();
    assert_reply("m3", 200);
    must(lock_release(c.lock, &key, 1, stranger, &err), &err);
    run();
    assert_reply("m2", 200);
    assert_int_equal(note(NOTE_ID)->head.version, 2);
    lane_case_close(&c);
}

/* --- sizes ----------------------------------------------------------------------------------------- */

/* m1 to m4 are under way, m5 is there. */
static void one_behind_four(void)
{
    static const char *const ids[] = {"m1", "m2", "m3", "m4"};
    for (size_t i = 0; i < COUNT(ids); i++)
        order(ids[i], NOTE_ID, ids[i]);
    step();
    order("m5", NOTE_ID, "five");
    step();
}

void test_pipeline__a_few_do_not_follow_a_large_batch(void **state)
{
    (void)state;
    begin();
    one_behind_four();
    assert_int_equal(c.lane.waiting.count, 1); /* more will come while four are under way */
    order("m6", NOTE_ID, "six");
    step();
    assert_int_equal(replies(), 4);
    run();
    assert_int_equal(replies(), 6);
    assert_int_equal(note(NOTE_ID)->head.version, 6);
    lane_case_close(&c);
}

void test_pipeline__fewer_than_the_pool_wants_do_not_follow(void **state)
{
    (void)state;
    begin();
    c.pool.pipeline_min = 3;
    one_behind_four();
    order("m6", NOTE_ID, "six");
    step();
    assert_int_equal(c.lane.waiting.count, 2);
    order("m7", NOTE_ID, "seven");
    step();
    assert_int_equal(c.lane.waiting.count, 0);
    assert_int_equal(replies(), 4);
    run();
    assert_int_equal(replies(), 7);
    lane_case_close(&c);
}

void test_pipeline__what_waits_for_more_goes_when_the_commit_has_ended(void **state)
{
    (void)state;
    begin();
    one_behind_four();
    store_fake_set_slow(c.store, false);
    step();
    assert_int_equal(replies(), 5);
    lane_case_close(&c);
}

/* --- the end of things ------------------------------------------------------------------------------- */

void test_pipeline__a_drain_settles_what_is_under_way(void **state)
{
    (void)state;
    begin();
    order("m1", NOTE_ID, "one");
    step();
    order("m2", NOTE_ID, "two");
    c.stopping = 1;
    lane_run(&c.lane);
    assert_reply("m1", 200);
    assert_null(c.lane.under_way);
    assert_int_equal(lock_fake_held(c.lock), 0);
    lane_case_close(&c);
}

/* Committed, but the connection is gone: the broker delivers it again, the journal answers. */
void test_pipeline__a_connection_lost_under_way_loses_nothing(void **state)
{
    (void)state;
    struct err err = {0};
    begin();
    order("m1", NOTE_ID, "one");
    step();
    bus_fake_fail(c.bus, BUS_FAKE_NEXT, 1);
    assert_int_equal(lane_step(&c.lane, 0, &err), OUTCOME_RETRY);
    lane_recover(&c.lane);
    assert_null(c.lane.under_way);
    assert_int_equal(note(NOTE_ID)->head.version, 1);
    run();
    assert_reply("m1", 200);
    assert_int_equal(note(NOTE_ID)->head.version, 1);
    assert_int_equal(bus_fake_unacked(c.bus), 0);
    lane_case_close(&c);
}
