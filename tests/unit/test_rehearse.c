/* What a message would do, with nothing done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/rehearse.h"
#include "lane_case.h"

static struct lane_case c;

static struct delivery message(const char *id, const char *text)
{
    return (struct delivery){.queue = STR("t.notes"),
                             .exchange = STR("t.requests"),
                             .routing_key = STR("note.write"),
                             .message_id = STR("m1"),
                             .authorization = bearer(&c, ANNA, "customer"),
                             .body = note_body(&c, id, text),
                             .deadline = -1,
                             .expiration = -1,
                             .timestamp = -1};
}

static struct rehearsal rehearsed(const char *text)
{
    struct rehearsal told;
    struct err err = {0};
    struct delivery delivery = message(NOTE_ID, text);
    must(rehearse(&c.lane, &delivery, &told, &err), &err);
    return told;
}

static void do_it(const char *text)
{
    struct err err = {0};
    int status;
    struct str body;
    struct delivery delivery = message(NOTE_ID, text);
    must(batch_run_alone(&c.lane, &delivery, &status, &body, &err), &err);
    assert_int_equal(status, 200);
}

/* An operator's command that meets the lock of a lane says so. */
void test_rehearse__what_others_hold_is_not_done_alone(void **state)
{
    (void)state;
    static const uint8_t stranger[LOCK_OWNER_BYTES] = "another lane...";
    const struct str key = STR("notes:" NOTE_ID);
    struct err err = {0};
    bool granted = false;
    int status = 0;
    struct str body = STR_ABSENT;
    lane_case_open(&c);
    must(lock_take(c.lock, &key, 1, stranger, 60000, &granted, &err), &err);
    assert_true(granted);
    struct delivery delivery = message(NOTE_ID, "fine");
    assert_int_equal(batch_run_alone(&c.lane, &delivery, &status, &body, &err), OUTCOME_RETRY);
    assert_non_null(strstr(err.text, "locks of what note.write needs"));
    assert_int_equal(store_fake_count(c.store, &note_type), 0);
    must(lock_release(c.lock, &key, 1, stranger, &err), &err);
    do_it("fine");
    lane_case_close(&c);
}

void test_rehearse__tells_documents_events_and_reply_and_leaves_nothing(void **state)
{
    (void)state;
    lane_case_open(&c);
    for (int i = 0; i < 2; i++) {
        const struct rehearsal told = rehearsed("fine");
        assert_int_equal(told.outcome, OUTCOME_DONE);
        assert_false(told.repeated);
        assert_int_equal(told.status, 200);
        assert_non_null(strstr(told.body.ptr, "\"text\":\"fine\""));
        assert_int_equal(told.change_count, 1);
        assert_null(told.changes[0].before);
        assert_string_equal(((const struct note *)told.changes[0].after)->text.ptr, "fine");
        assert_int_equal(told.event_count, 1);
        assert_string_equal(told.events[0].routing_key.ptr, "note.written");
    }
    assert_int_equal(store_fake_count(c.store, &note_type), 0);
    assert_int_equal(store_fake_commits(c.store), 0);
    assert_int_equal(bus_fake_depth(c.bus, STR("spy")), 0);
    lane_case_close(&c);
}

void test_rehearse__tells_what_the_document_was(void **state)
{
    (void)state;
    lane_case_open(&c);
    const struct note old = {
        .head = {.id = STR(NOTE_ID), .version = 4, .created_at = NOW_MS, .updated_at = NOW_MS},
        .text = STR("old")};
    store_fake_put(c.store, &note_type, &old);
    const struct rehearsal told = rehearsed("new");
    assert_int_equal(told.change_count, 1);
    assert_string_equal(((const struct note *)told.changes[0].before)->text.ptr, "old");
    assert_int_equal(doc_head(told.changes[0].after)->version, 5);
    const struct note *is = store_fake_get(c.store, &note_type, STR(NOTE_ID));
    assert_string_equal(is->text.ptr, "old");
    lane_case_close(&c);
}

void test_rehearse__tells_every_way_to_fail(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum outcome outcome;
    } rows[] = {{"bug", OUTCOME_BUG}, {"down", OUTCOME_RETRY}, {"no", OUTCOME_REFUSED}};
    lane_case_open(&c);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct rehearsal told = rehearsed(rows[i].text);
        assert_int_equal(told.outcome, rows[i].outcome);
        assert_non_null(strstr(told.err.file, "lane_case.h"));
        assert_int_equal(told.change_count, 0);
        assert_int_equal(told.event_count, 0);
    }
    struct rehearsal told;
    struct err err = {0};
    struct delivery wrong = message(NOTE_ID, "fine");
    wrong.body = STR("{\"id\":7}");
    must(rehearse(&c.lane, &wrong, &told, &err), &err);
    assert_int_equal(told.outcome, OUTCOME_INVALID);
    assert_int_equal(told.err.field_count, 2);
    lane_case_close(&c);
}

void test_rehearse__what_was_done_before_is_answered_from_the_journal(void **state)
{
    (void)state;
    lane_case_open(&c);
    do_it("fine");
    const struct rehearsal told = rehearsed("fine");
    assert_true(told.repeated);
    assert_int_equal(told.change_count, 0);
    assert_int_equal(rehearsed("other").outcome, OUTCOME_INVALID); /* the id is used */
    lane_case_close(&c);
}

void test_rehearse__a_server_that_is_away_is_told(void **state)
{
    (void)state;
    lane_case_open(&c);
    struct rehearsal told;
    struct err err = {0};
    struct delivery delivery = message(NOTE_ID, "fine");
    store_fake_fail(c.store, STORE_FAKE_FIND, 1, OUTCOME_RETRY, false);
    assert_int_equal(rehearse(&c.lane, &delivery, &told, &err), OUTCOME_RETRY);
    lane_case_close(&c);
}
