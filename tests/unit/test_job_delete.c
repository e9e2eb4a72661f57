/* A handler deletes a document: guarded by its version, and gone for all that comes after, in the
 * same batch too. What comes back under the id is never taken for what was there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/pipeline.h"
#include "engine/rehearse.h"
#include "lane_case.h"

static struct lane_case c;
static int64_t rival; /* > 0: while drop_note() runs, somebody else stores the note so; once */

/* --- the operation -------------------------------------------------------------------------------- */

static const struct event_type note_dropped = {
    .name = "note.dropped", .data = &note_view_schema, .subject = offsetof(struct note, head.id)};

static void put_note(int64_t version, const char *text)
{
    const struct note note = {
        .head = {.id = STR(NOTE_ID), .version = version, .created_at = 1, .updated_at = 1},
        .text = str_of(text)};
    store_fake_put(c.store, &note_type, &note);
}

static void let_rival_act(void)
{
    if (rival > 0)
        put_note(rival, "theirs");
    rival = 0;
}

/* "again": the same message writes a new note under the id. */
static enum outcome drop_note(struct job *job, const void *request, struct err *err)
{
    const struct note_request *req = request;
    struct note *note = NULL, *found = NULL;
    NEED(job, job_doc(job, &note_type, req->id, DOC_FOR_UPDATE, (void **)&note));
    let_rival_act();
    if (!note)
        return err_refuse(err, E_NOT_FOUND, "no such note");
    job_delete(job, note);
    emit(job, &note_dropped, note, note);
    NEED(job, job_doc(job, &note_type, req->id, DOC_READ, (void **)&found));
    assert_null(found);
    if (str_eq(req->text, STR("again")))
        TRY(keep_note(job, req->id, req->text, &note));
    return reply(job, &note_view_schema, note);
}

static const struct operation note_drop = {
    .name = "note.drop",
    .who = CUSTOMER,
    .request = &note_schema,
    .handle = drop_note,
    .summary = "Delete a note",
    .reply = &note_view_schema,
};
static const struct operation *const with_drop[] = {&note_write, &note_read, &note_drop, NULL};
static const struct domain dropping_domain = {
    .name = "notes", .prefixes = note_prefixes, .operations = with_drop};
static const struct domain *const dropping_domains[] = {&dropping_domain, &echo_domain, NULL};
static const struct invalidation stale_notes[] = {{&note_written, "note"}, {&note_dropped, "note"}};

/* --- the lane ------------------------------------------------------------------------------------- */

static void begin(void)
{
    lane_case_open(&c);
    c.service.domains = dropping_domains;
    c.service.invalidations = stale_notes;
    c.service.invalidation_count = COUNT(stale_notes);
    c.engine.relay_age_ms = 100;
    c.engine.drain_ms = 1000;
    store_fake_set_now(c.store, NOW_MS + 1000);
    rival = 0;
}

static void end(void)
{
    note_type.ids_return = false;
    lane_case_close(&c);
}

static void send(const char *operation, const char *message_id, const char *text)
{
    assert_true(
        bus_fake_send(c.bus, &(struct bus_message){.exchange = STR("t.requests"),
                                                   .routing_key = str_of(operation),
                                                   .message_id = str_of(message_id),
                                                   .reply_to = STR("replies"),
                                                   .authorization = bearer(&c, ANNA, "customer"),
                                                   .body = note_body(&c, NOTE_ID, text)}));
}

static void run(void)
{
    struct err err = {0};
    for (int i = 0; i < 10; i++)
        must(lane_step(&c.lane, 0, &err), &err);
}

static const struct note *note(void)
{
    return store_fake_get(c.store, &note_type, STR(NOTE_ID));
}

static struct delivery taken(const char *queue)
{
    struct delivery *delivery = bus_fake_take(c.bus, str_of(queue));
    assert_non_null(delivery);
    struct delivery copy = *delivery;
    copy.body = str_dup(&c.arena, delivery->body);
    copy.message_id = str_dup(&c.arena, delivery->message_id);
    copy.routing_key = str_dup(&c.arena, delivery->routing_key);
    copy.correlation_id = str_dup(&c.arena, delivery->correlation_id);
    delivery_free(delivery);
    return copy;
}

/* The next reply; version 0: it is a refusal. */
static void assert_reply(const char *message_id, int64_t status, int64_t version)
{
    const struct delivery reply = taken("replies");
    const struct str shown = str_printf(&c.arena, "\"version\":%lld,", (long long)version);
    assert_string_equal(reply.correlation_id.ptr, message_id);
    assert_int_equal(reply.status, status);
    if (version && !strstr(reply.body.ptr, shown.ptr))
        fail_msg("no %s in %s", shown.ptr, reply.body.ptr);
}

static void assert_event(const char *type, int64_t version)
{
    const struct delivery event = taken("spy");
    const struct str told = str_printf(&c.arena, "\"aggregateversion\":%lld,", (long long)version);
    assert_string_equal(event.routing_key.ptr, type);
    if (!strstr(event.body.ptr, told.ptr))
        fail_msg("no %s in %s", told.ptr, event.body.ptr);
}

/* What is taken up of note.written has commits of its own. */
static void assert_quiet(size_t commits, size_t taken_up)
{
    assert_int_equal(store_fake_commits(c.store), commits + taken_up);
    assert_int_equal(bus_fake_depth(c.bus, STR("replies")), 0);
    assert_int_equal(bus_fake_depth(c.bus, STR("spy")), 0);
    assert_int_equal(bus_fake_unacked(c.bus), 0);
}

/* --- one message ---------------------------------------------------------------------------------- */

void test_job_delete__what_is_deleted_is_gone_and_told_with_the_next_version(void **state)
{
    (void)state;
    begin();
    put_note(4, "old");
    send("note.drop", "m1", "");
    run();
    assert_null(note());
    assert_reply("m1", 200, 5);
    assert_event("note.dropped", 5);
    send("note.drop", "m2", "");
    run();
    assert_reply("m2", 404, 0);
    assert_quiet(2, 0);
    end();
}

void test_job_delete__one_message_may_put_another_in_its_place(void **state)
{
    (void)state;
    begin();
    put_note(4, "old");
    send("note.drop", "m1", "again");
    run();
    assert_int_equal(note()->head.version, 6);
    assert_int_equal(note()->head.created_at, NOW_MS);
    assert_true(str_eq(note()->text, STR("again")));
    assert_reply("m1", 200, 6);
    assert_event("note.dropped", 5);
    assert_quiet(1, 0);
    end();
}

/* --- one batch ------------------------------------------------------------------------------------ */

void test_job_delete__later_messages_of_the_batch_find_nothing(void **state)
{
    (void)state;
    begin();
    put_note(4, "old");
    send("note.write", "m1", "new");
    send("note.drop", "m2", "");
    send("note.read", "m3", "");
    send("note.drop", "m4", "");
    run();
    assert_null(note());
    assert_reply("m1", 200, 5);
    assert_reply("m2", 200, 6);
    assert_reply("m3", 404, 0);
    assert_reply("m4", 404, 0);
    assert_event("note.written", 5);
    assert_event("note.dropped", 6);
    assert_quiet(1, 1);
    end();
}

void test_job_delete__a_later_message_may_insert_it_again(void **state)
{
    (void)state;
    begin();
    put_note(4, "old");
    send("note.drop", "m1", "");
    send("note.write", "m2", "new");
    send("note.write", "m3", "newer");
    run();
    assert_int_equal(note()->head.version, 7);
    assert_true(str_eq(note()->text, STR("newer")));
    assert_reply("m1", 200, 5);
    assert_reply("m2", 200, 6);
    assert_reply("m3", 200, 7);
    assert_event("note.dropped", 5);
    assert_event("note.written", 6);
    assert_event("note.written", 7);
    assert_quiet(1, 1);
    end();
}

void test_job_delete__what_the_batch_itself_inserted_is_never_written(void **state)
{
    (void)state;
    begin();
    send("note.write", "m1", "new");
    send("note.drop", "m2", "");
    run();
    assert_null(note());
    assert_reply("m1", 200, 1);
    assert_reply("m2", 200, 2);
    assert_event("note.written", 1);
    assert_event("note.dropped", 2);
    assert_quiet(1, 1);
    send("note.write", "m3", "new");
    send("note.drop", "m4", "");
    send("note.write", "m5", "newer");
    run();
    assert_int_equal(note()->head.version, 3);
    end();
}

/* --- others are faster ---------------------------------------------------------------------------- */

void test_job_delete__is_guarded_by_the_version(void **state)
{
    (void)state;
    begin();
    put_note(4, "old");
    rival = 7;
    send("note.drop", "m1", "");
    run();
    assert_int_equal(c.lane.counters.conflicts, 1);
    assert_null(note());
    assert_reply("m1", 200, 8);
    assert_event("note.dropped", 8);
    assert_quiet(1, 0);
    end();
}

void test_job_delete__an_insert_in_its_place_is_guarded_too(void **state)
{
    (void)state;
    begin();
    put_note(4, "old");
    rival = 7;
    send("note.drop", "m1", "");
    send("note.write", "m2", "new");
    run();
    assert_int_equal(c.lane.counters.conflicts, 1);
    assert_int_equal(note()->head.version, 9);
    assert_reply("m1", 200, 8);
    assert_reply("m2", 200, 9);
    end();
}

/* Inserted and deleted in the batch: the commit proves that there was none. */
void test_job_delete__what_was_never_written_was_not_there(void **state)
{
    (void)state;
    begin();
    rival = 7;
    send("note.write", "m1", "new");
    send("note.drop", "m2", "");
    run();
    assert_int_equal(c.lane.counters.conflicts, 1);
    assert_null(note());
    assert_reply("m1", 200, 8);
    assert_reply("m2", 200, 9);
    end();
}

/* --- crashes and repeats -------------------------------------------------------------------------- */

void test_job_delete__a_commit_whose_fate_was_unknown_deletes_once(void **state)
{
    (void)state;
    for (int applied = 0; applied < 2; applied++) {
        begin();
        put_note(4, "old");
        store_fake_fail(c.store, STORE_FAKE_COMMIT, 1, OUTCOME_UNCERTAIN, applied);
        send("note.drop", "m1", "");
        run();
        assert_null(note());
        assert_reply("m1", 200, 5);
        assert_event("note.dropped", 5);
        assert_quiet(1, 0);
        end();
    }
}

/* The lane dies after its commit; by the time it is back there is another note. */
void test_job_delete__a_repeat_after_a_crash_does_not_delete_what_came_later(void **state)
{
    (void)state;
    struct err err = {0};
    begin();
    c.lane.next_relay_us = INT64_MAX;
    put_note(4, "old");
    send("note.drop", "m1", "");
    bus_fake_fail(c.bus, BUS_FAKE_FLUSH, 1);
    assert_int_equal(lane_step(&c.lane, 0, &err), OUTCOME_RETRY);
    lane_release(&c.lane);
    must(bus_reconnect(c.bus, &err), &err);
    lane_case_start(&c);
    assert_null(note());
    put_note(1, "later");
    run();
    assert_true(str_eq(note()->text, STR("later")));
    assert_reply("m1", 200, 5);
    assert_event("note.dropped", 5);
    end();
}

/* --- the batch ahead, copies, rehearsals ----------------------------------------------------------- */

void test_job_delete__the_batch_behind_finds_nothing(void **state)
{
    (void)state;
    struct err err = {0};
    begin();
    store_fake_set_slow(c.store, true);
    c.lane.next_relay_us = INT64_MAX;
    put_note(4, "old");
    send("note.drop", "m1", "");
    must(lane_step(&c.lane, 0, &err), &err);
    assert_non_null(c.lane.under_way);
    send("note.read", "m2", "");
    send("note.write", "m3", "new");
    for (int i = 0; i < 10; i++) {
        must(lane_step(&c.lane, 0, &err), &err);
        must(pipeline_finish(&c.lane, &err), &err);
    }
    assert_reply("m1", 200, 5);
    assert_reply("m2", 404, 0);
    assert_reply("m3", 200, 1);
    assert_int_equal(note()->head.version, 1);
    assert_int_equal(c.lane.counters.conflicts, 0);
    end();
}

void test_job_delete__no_lane_shows_its_copy_any_more(void **state)
{
    (void)state;
    begin();
    put_note(4, "old");
    send("note.read", "m1", "");
    run();
    assert_reply("m1", 200, 4);
    put_note(5, "behind their backs");
    send("note.read", "m2", "");
    run();
    assert_reply("m2", 200, 4); /* a copy */
    send("note.drop", "m3", "");
    run();
    assert_reply("m3", 200, 6);
    send("note.read", "m4", "");
    run();
    assert_reply("m4", 404, 0);
    end();
}

void test_job_delete__a_rehearsal_tells_it_and_leaves_the_document(void **state)
{
    (void)state;
    struct rehearsal told;
    struct err err = {0};
    begin();
    put_note(4, "old");
    struct delivery delivery = {.queue = STR("t.notes"),
                                .exchange = STR("t.requests"),
                                .routing_key = STR("note.drop"),
                                .message_id = STR("m1"),
                                .authorization = bearer(&c, ANNA, "customer"),
                                .body = note_body(&c, NOTE_ID, ""),
                                .deadline = -1,
                                .expiration = -1,
                                .timestamp = -1};
    must(rehearse(&c.lane, &delivery, &told, &err), &err);
    assert_int_equal(told.outcome, OUTCOME_DONE);
    assert_int_equal(told.change_count, 1);
    assert_string_equal(told.changes[0].id.ptr, NOTE_ID);
    assert_int_equal(doc_head(told.changes[0].before)->version, 4);
    assert_null(told.changes[0].after);
    assert_string_equal(told.events[0].routing_key.ptr, "note.dropped");
    assert_int_equal(note()->head.version, 4);
    end();
}

/* --- ids that return ------------------------------------------------------------------------------ */

void test_job_delete__where_ids_return_versions_never_repeat(void **state)
{
    (void)state;
    begin();
    note_type.ids_return = true;
    send("note.write", "m1", "one");
    send("note.write", "m2", "two");
    run();
    assert_int_equal(note()->head.version, NOW_MS * 1000 + 1);
    send("note.drop", "m3", "");
    run();
    lane_case_now++;
    send("note.write", "m4", "three");
    run();
    assert_int_equal(note()->head.version, (NOW_MS + 1) * 1000);
    send("note.drop", "m5", "");
    send("note.write", "m6", "four"); /* in one batch it goes on */
    run();
    assert_int_equal(note()->head.version, (NOW_MS + 1) * 1000 + 2);
    end();
}
