/* Dead letters on fakes: replayed, discarded, corrected; by two at once, interrupted, refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "dead_case.h"
#include "service/signature.h"

#define OTHER_ID "bbbbbbbbbbbbbbbbbbbbbbbb"
#define MANY     10

static struct store *records;
static struct dead_office ann, bob;

static void begin(void)
{
    dead_case_begin();
    records = records_open();
    ann = office_open("ann", records);
    bob = office_open("bob", records);
}

static void begin_former(void)
{
    lane_case_former = true;
    begin();
    lane_case_former = false;
}

static void end(void)
{
    bus_close(ann.bus);
    bus_close(bob.bus);
    store_close(records);
    lane_case_close(&c);
}

static void fail_all_rounds(void)
{
    for (int i = 0; i < 3; i++) {
        store_fake_fail(c.store, STORE_FAKE_COMMIT, 1, OUTCOME_BUG, false);
        run();
        wait_for_round(i);
    }
}

/* A letter that the database made die and that would be done now. */
static void bury_good(const char *message_id, const char *id)
{
    send_note(message_id, note_body(&c, id, "fine"), NULL);
    fail_all_rounds();
    assert_null(note(id));
}

static struct dead_tally replay(struct dead_office *office, const struct dead_command *command)
{
    struct dead_tally tally;
    struct err err = {0};
    must(dead_replay(office, command, &tally, &err), &err);
    return tally;
}

static void assert_refused(enum outcome outcome, const struct err *err,
                           const struct error_code *code)
{
    assert_int_equal(outcome, OUTCOME_REFUSED);
    assert_ptr_equal(err->code, code);
}

/* --- replay ------------------------------------------------------------------------------------- */

void test_dead_command__replay_has_the_effect_and_the_caller_long_after_the_token(void **state)
{
    (void)state;
    begin();
    bury_good("m1", NOTE_ID);
    lane_case_now += MS_PER_DAY;
    const struct dead_command command = command_of("m1");
    assert_int_equal(replay(&ann, &command).moved, 1);
    assert_int_equal(depth(DEAD), 0);
    run_out();
    assert_non_null(note(NOTE_ID));
    assert_int_equal(depth(DEAD), 0);
    assert_int_equal(record(&ann)->state, DEAD_DONE);
    assert_int_equal(record(&ann)->count, 1);
    assert_string_equal(record(&ann)->message_id.ptr, "m1");
    assert_string_equal(record(&ann)->by.ptr, "ann");
    end();
}

void test_dead_command__a_deadline_that_has_passed_does_not_count_again(void **state)
{
    (void)state;
    begin();
    assert_true(
        bus_fake_send(c.bus, &(struct bus_message){.exchange = STR("t.requests"),
                                                   .routing_key = STR("note.write"),
                                                   .message_id = STR("late"),
                                                   .deadline = NOW_MS + MS_PER_HOUR,
                                                   .authorization = bearer(&c, ANNA, "customer"),
                                                   .body = note_body(&c, NOTE_ID, "fine")}));
    fail_all_rounds();
    assert_int_equal(depth(DEAD), 1);
    lane_case_now += MS_PER_DAY;
    const struct dead_command command = command_of("late");
    assert_int_equal(replay(&ann, &command).moved, 1);
    run();
    assert_non_null(note(NOTE_ID));
    end();
}

/* The lanes are quick: what was sent is back before the command goes on. */
static void let_lane_work(void *context, const struct dead_tally *tally)
{
    (void)context;
    (void)tally;
    run();
}

void test_dead_command__a_letter_that_dies_again_is_not_sent_twice_by_one_command(void **state)
{
    (void)state;
    begin();
    send_note("w0", STR("{\"id\":7}"), NULL);
    send_note("w1", STR("{\"id\":7}"), NULL);
    run();
    assert_int_equal(depth(DEAD), 2);
    struct dead_command command = command_of(NULL);
    command.progress = let_lane_work;
    assert_int_equal(replay(&ann, &command).moved, 2);
    assert_int_equal(replay(&bob, &command).moved, 2);
    assert_int_equal(depth(DEAD), 2);
    struct delivery *letter = bus_fake_take(c.bus, STR(DEAD));
    const char *first = strstr(letter->history.ptr, "by ann");
    assert_non_null(first);
    assert_non_null(strstr(first, "by bob"));
    delivery_free(letter);
    end();
}

/* In the middle of ann's command bob gives the same one. */
static void let_bob(void *context, const struct dead_tally *tally)
{
    size_t *moved = context;
    const struct dead_command command = command_of(NULL);
    if (tally->moved == 3)
        *moved = replay(&bob, &command).moved;
}

void test_dead_command__two_operators_send_each_message_once(void **state)
{
    (void)state;
    begin();
    size_t by_bob = 0;
    struct dead_command command = command_of(NULL);
    command.progress = let_bob;
    command.context = &by_bob;
    for (int i = 0; i < MANY; i++)
        bury_note(str_printf(&c.arena, "m%d", i).ptr, "bug");
    const size_t by_ann = replay(&ann, &command).moved;
    assert_true(by_ann >= 3);
    assert_true(by_bob > 0);
    assert_int_equal(by_ann + by_bob, MANY);
    assert_int_equal(depth("t.notes"), MANY);
    assert_int_equal(depth(DEAD), 0);
    end();
}

void test_dead_command__a_cut_between_confirm_and_acknowledgement_doubles_no_effect(void **state)
{
    (void)state;
    begin();
    bury_good("m1", NOTE_ID);
    struct dead_command command = command_of(NULL);
    struct dead_tally tally;
    struct err err = {0};
    bus_fake_fail(ann.bus, BUS_FAKE_FLUSH, 2);
    assert_int_equal(dead_replay(&ann, &command, &tally, &err), OUTCOME_RETRY);
    assert_int_equal(record(&ann)->state, DEAD_FAILED);
    must(bus_reconnect(ann.bus, &err), &err);
    assert_int_equal(depth("t.notes"), 1); /* the copy is out */
    assert_int_equal(depth(DEAD), 1);      /* and the letter is not lost */
    assert_int_equal(replay(&bob, &command).moved, 1);
    assert_int_equal(depth("t.notes"), 2);
    run();
    assert_int_equal(note(NOTE_ID)->head.version, 1);
    assert_int_equal(depth("spy"), 1);
    assert_int_equal(depth(DEAD), 0);
    end();
}

void test_dead_command__a_cut_before_the_confirm_loses_nothing(void **state)
{
    (void)state;
    begin();
    bury_good("m1", NOTE_ID);
    struct dead_command command = command_of(NULL);
    struct dead_tally tally;
    struct err err = {0};
    bus_fake_fail(ann.bus, BUS_FAKE_FLUSH, 1);
    assert_int_equal(dead_replay(&ann, &command, &tally, &err), OUTCOME_RETRY);
    assert_int_equal(tally.moved, 0);
    must(bus_reconnect(ann.bus, &err), &err);
    assert_int_equal(depth(DEAD), 1);
    end();
}

static void stop_now(void *context, const struct dead_tally *tally)
{
    (void)context;
    dead_case_stop = tally->moved == 2;
}

void test_dead_command__stops_between_two_letters_and_goes_on_when_given_again(void **state)
{
    (void)state;
    begin();
    struct dead_command command = command_of(NULL);
    for (int i = 0; i < 5; i++)
        bury_note(str_printf(&c.arena, "m%d", i).ptr, "bug");
    command.progress = stop_now;
    const struct dead_tally first = replay(&ann, &command);
    assert_int_equal(first.moved, 2);
    assert_true(first.stopped);
    assert_int_equal(record(&ann)->state, DEAD_STOPPED);
    assert_int_equal(depth(DEAD), 3);
    dead_case_stop = false;
    command.progress = NULL;
    assert_int_equal(replay(&bob, &command).moved, 3);
    assert_int_equal(depth("t.notes"), 5);
    end();
}

void test_dead_command__an_event_is_taken_up_again(void **state)
{
    (void)state;
    begin();
    /* The commit of the subscriber fails, that of the command does not. */
    send_note("m1", note_body(&c, NOTE_ID, "fine"), NULL);
    for (int i = 0; i < 3; i++) {
        store_fake_fail(c.store, STORE_FAKE_COMMIT, i == 0 ? 2 : 1, OUTCOME_BUG, false);
        run();
        wait_for_round(i);
    }
    assert_int_equal(depth("t.dead.echo"), 1);
    struct dead_command command = command_of(NULL);
    command.domain = STR("echo");
    assert_int_equal(replay(&ann, &command).moved, 1);
    run();
    assert_int_equal(depth("t.dead.echo"), 0);
    assert_int_equal(store_fake_count(c.store, &note_type), 2);
    end();
}

/* The event, with our signature or without. */
static void send_event(bool is_signed)
{
    const struct str body =
        str_printf(&c.arena, "{\"data\":{\"id\":\"%s\",\"text\":\"x\"}}", NOTE_ID);
    const struct signed_event event = {STR("t.events"), STR("note.written"), STR(NOTE_ID), body};
    const struct bus_header signature = {"x-signature", event_sign(&c.arena, &c.lane.keys, &event)};
    assert_true(bus_fake_send(c.bus, &(struct bus_message){.exchange = event.exchange,
                                                           .routing_key = event.routing_key,
                                                           .message_id = event.message_id,
                                                           .body = body,
                                                           .headers = &signature,
                                                           .header_count = is_signed}));
}

/* Received and never settled, as by lanes that die, until the broker has enough of it. */
static void let_lanes_die(void)
{
    struct err err = {0};
    for (int i = 0; i <= DELIVERY_LIMIT; i++) {
        struct delivery *delivery = NULL;
        while (bus_next(c.bus, 0, &delivery) == BUS_MESSAGE)
            delivery_free(delivery);
        must(bus_reconnect(c.bus, &err), &err);
    }
}

void test_dead_command__what_was_delivered_too_often_is_done_again_events_as_well(void **state)
{
    (void)state;
    begin_former();
    send_note("m1", note_body(&c, OTHER_ID, "fine"), NULL);
    send_event(true);
    let_lanes_die();
    assert_int_equal(depth(DEAD) + depth("t.dead.echo"), 2);
    struct dead_command command = command_of(NULL);
    command.domain = STR_ABSENT;
    assert_int_equal(replay(&ann, &command).moved, 2);
    run();
    assert_non_null(note(OTHER_ID));
    assert_non_null(note(NOTE_ID)); /* the echo's id is the event's */
    end();
}

/* A lane signs what the broker says, and keeps no credentials. */
void test_dead_command__a_lane_buries_what_was_delivered_too_often(void **state)
{
    (void)state;
    begin();
    send_note("m1", note_body(&c, OTHER_ID, "fine"), NULL);
    send_event(true);
    let_lanes_die();
    assert_int_equal(depth("t.died"), 2);
    run();
    assert_int_equal(depth(DEAD) + depth("t.dead.echo"), 2);
    struct dead_command command = command_of(NULL);
    command.filter.code = STR("INTERNAL"); /* ours: another one has the broker's code */
    command.domain = STR_ABSENT;
    assert_int_equal(replay(&ann, &command).moved, 2);
    run();
    assert_non_null(note(OTHER_ID));
    assert_non_null(note(NOTE_ID));
    end();
}

void test_dead_command__an_event_that_died_and_is_not_ours_is_gone(void **state)
{
    (void)state;
    begin();
    send_event(false);
    let_lanes_die();
    run();
    assert_int_equal(depth("t.died") + depth("t.dead.echo") + depth("t.dead.unknown"), 0);
    assert_null(note(NOTE_ID));
    end();
}

/* Somebody who may publish to any queue says that it died as an event, or that it died at all. */
void test_dead_command__what_did_not_die_is_not_taken_for_dead(void **state)
{
    (void)state;
    begin();
    assert_true(bus_fake_send(c.bus, &(struct bus_message){
                                         .exchange = STR(""),
                                         .routing_key = STR("t.died"),
                                         .message_id = STR("m1"),
                                         .authorization = bearer(&c, ANNA, "customer"),
                                         .body = note_body(&c, OTHER_ID, "fine"),
                                     }));
    run();
    assert_int_equal(depth("t.died") + depth(DEAD), 0);
    assert_int_equal(depth("t.dead.unknown"), 1); /* nobody serves it there, and Anna is known */
    assert_null(note(OTHER_ID));
    end();
}

/* The queue of what died has no way back into itself. */
void test_dead_command__what_kills_those_who_take_up_the_dead_ends_there(void **state)
{
    (void)state;
    begin();
    send_note("m1", note_body(&c, OTHER_ID, "fine"), NULL);
    let_lanes_die();
    let_lanes_die();
    run();
    assert_int_equal(depth("t.died") + depth(DEAD), 0);
    assert_int_equal(depth("t.dead.unknown"), 1);
    assert_null(note(OTHER_ID));
    end();
}

/* The broker buries whatever kills lanes: that it lay in the queue of events makes no event of it. */
void test_dead_command__an_event_that_we_did_not_write_is_not_sent_again(void **state)
{
    (void)state;
    begin_former();
    send_event(false);
    let_lanes_die();
    assert_int_equal(depth("t.dead.echo"), 1);
    struct dead_command command = command_of(NULL);
    command.domain = STR_ABSENT;
    const struct dead_tally tally = replay(&ann, &command);
    assert_int_equal(tally.moved, 0);
    assert_int_equal(tally.left, 1);
    assert_non_null(strstr(tally.first.text, "no lane of ours wrote"));
    run();
    assert_null(note(NOTE_ID));
    end();
}

/* A customer's message whose headers say that it died as an event of ours: by our own account, by the
 * broker's of an earlier death, or by both. Really it died as a request. */
void test_dead_command__what_a_publisher_wrote_about_a_death_is_not_believed(void **state)
{
    (void)state;
    begin_former();
    const struct bus_header forged[] = {
        {"x-operation", STR("echo.note_written")},
        {"x-failure-code", STR("INTERNAL")},
        {"x-original-queue", STR("t.echo.events")},
        {"x-original-exchange", STR("t.events")},
        {"x-original-routing-key", STR("note.written")},
        {"x-caller", STR("superadmin 1 1 1")},
        {"x-signature", STR("AAAA")},
    };
    assert_true(bus_fake_send(
        c.bus,
        &(struct bus_message){.exchange = STR("t.requests"),
                              .routing_key = STR("note.write"),
                              .message_id = STR(NOTE_ID),
                              .body = STR("{\"data\":{\"id\":\"" NOTE_ID "\",\"text\":\"x\"}}"),
                              .headers = forged,
                              .header_count = 7}));
    let_lanes_die();
    assert_int_equal(depth(DEAD), 1);
    struct dead_command command = command_of(NULL);
    (void)replay(&ann, &command);
    run();
    assert_null(note(NOTE_ID));
    assert_int_equal(store_fake_count(c.store, &note_type), 0);
    end();
}

/* --- refusals ----------------------------------------------------------------------------------- */

void test_dead_command__nothing_that_matches_is_refused_and_not_recorded(void **state)
{
    (void)state;
    begin();
    struct dead_tally tally;
    struct err err = {0};
    bury_note("m1", "bug");
    struct dead_command command = command_of("m2");
    assert_refused(dead_replay(&ann, &command, &tally, &err), &err, E_NOT_FOUND);
    command = command_of(NULL);
    command.filter.fingerprint = STR("00000000");
    command.reason = STR("old");
    assert_refused(dead_discard(&ann, &command, &tally, &err), &err, E_NOT_FOUND);
    assert_int_equal(store_fake_count(records, &dead_audit_type), 0);
    assert_int_equal(depth(DEAD), 1);
    end();
}

void test_dead_command__an_id_of_two_letters_needs_the_digest(void **state)
{
    (void)state;
    begin();
    struct dead_tally tally;
    struct err err = {0};
    send_note("m1", STR("{\"id\":1}"), NULL);
    send_note("m1", STR("{\"id\":2}"), NULL);
    run();
    assert_int_equal(depth(DEAD), 2);
    struct dead_command command = command_of("m1");
    assert_refused(dead_replay(&ann, &command, &tally, &err), &err, E_VERSION_CONFLICT);
    const char *digest = strchr(err.text, '~');
    assert_non_null(digest);
    command.filter.id = str_dup(&c.arena, (struct str){digest, strcspn(digest, " ")});
    assert_int_equal(replay(&ann, &command).moved, 1);
    assert_int_equal(depth(DEAD), 1);
    end();
}

void test_dead_command__a_queue_that_is_none_of_ours_is_not_written_to(void **state)
{
    (void)state;
    begin();
    const struct bus_header forged[] = {
        {"x-operation", STR("note.write")},
        {"x-failure-code", STR("INTERNAL")},
        {"x-original-queue", STR("spy")}}; /* unsigned: not believed */
    assert_true(bus_fake_send(c.bus, &(struct bus_message){.exchange = STR(""),
                                                           .routing_key = STR(DEAD),
                                                           .message_id = STR("m1"),
                                                           .body = STR("{}"),
                                                           .headers = forged,
                                                           .header_count = 3}));
    struct dead_command command = command_of(NULL);
    const struct dead_tally tally = replay(&ann, &command);
    assert_int_equal(tally.moved, 0);
    assert_int_equal(tally.left, 1);
    assert_non_null(strstr(tally.first.text, "none of ours"));
    assert_int_equal(depth("spy"), 0);
    assert_int_equal(depth(DEAD), 1);
    end();
}

void test_dead_command__gets_at_letters_behind_many_that_stay(void **state)
{
    (void)state;
    begin();
    for (int i = 0; i < 300; i++)
        send_note(str_printf(&c.arena, "wrong%d", i).ptr, STR("{}"), NULL);
    run();
    for (int i = 0; i < 20; i++)
        run();
    bury_good("m1", NOTE_ID);
    assert_int_equal(depth(DEAD), 301);
    struct dead_command command = command_of(NULL);
    command.filter.code = STR("INTERNAL");
    assert_int_equal(replay(&ann, &command).moved, 1);
    assert_int_equal(depth(DEAD), 300);
    run();
    ann.scan_max = 100; /* not far enough */
    struct dead_tally tally;
    struct err err = {0};
    bury_good("m2", OTHER_ID);
    ann.command = id_new(&c.arena, lane_case_now);
    assert_refused(dead_replay(&ann, &command, &tally, &err), &err, E_NOT_FOUND);
    assert_non_null(strstr(err.text, "--scan-max"));
    end();
}

/* --- discard and purge -------------------------------------------------------------------------- */

void test_dead_command__discard_wants_a_reason_and_keeps_it(void **state)
{
    (void)state;
    begin();
    struct dead_tally tally;
    struct err err = {0};
    bury_note("m1", "bug");
    bury_note("m2", "down");
    struct dead_command command = command_of("m1");
    assert_refused(dead_discard(&ann, &command, &tally, &err), &err, E_VALIDATION_FAILED);
    assert_int_equal(depth(DEAD), 2);
    command.reason = STR("a test");
    must(dead_discard(&ann, &command, &tally, &err), &err);
    assert_int_equal(tally.moved, 1);
    assert_int_equal(depth(DEAD), 1);
    assert_int_equal(depth("t.notes"), 0);
    assert_int_equal(record(&ann)->action, DEAD_DISCARD);
    assert_string_equal(record(&ann)->reason.ptr, "a test");
    end();
}

void test_dead_command__purge_empties_one_queue(void **state)
{
    (void)state;
    begin();
    struct dead_tally tally;
    struct err err = {0};
    for (int i = 0; i < 40; i++) /* more than a window */
        send_note(str_printf(&c.arena, "m%d", i).ptr, STR("{}"), NULL);
    run();
    const struct dead_command command = command_of(NULL);
    must(dead_purge(&ann, &command, &tally, &err), &err);
    assert_int_equal(tally.moved, 40);
    assert_int_equal(depth(DEAD), 0);
    assert_int_equal(record(&ann)->count, 40);
    end();
}

/* --- edit --------------------------------------------------------------------------------------- */

static enum outcome edit(struct dead_office *office, const char *id, const char *pointer,
                         const char *value, bool park, struct str *new_id, struct err *err)
{
    const struct dead_command command = command_of(id);
    const struct dead_set set = {str_of(pointer), str_of(value)};
    const struct dead_correction correction = {.sets = &set, .set_count = 1, .park = park};
    return dead_edit(office, &command, &correction, &c.arena, new_id, err);
}

void test_dead_command__edited_runs_as_who_asked_under_another_id(void **state)
{
    (void)state;
    begin();
    struct str new_id;
    struct err err = {0};
    send_note("m1", STR("{\"id\":\"" NOTE_ID "\",\"text\":7}"), NULL);
    run();
    assert_int_equal(depth(DEAD), 1);
    lane_case_now += MS_PER_DAY; /* the token is gone, the seal is not */
    must(edit(&ann, "m1", "/text", "a better one", false, &new_id, &err), &err);
    assert_true(str_starts_with(new_id, STR("m1+")));
    assert_int_equal(depth(DEAD), 0);
    run();
    assert_int_equal(depth(DEAD), 0);
    assert_string_equal(note(NOTE_ID)->text.ptr, "a better one");
    assert_int_equal(record(&ann)->action, DEAD_EDIT);
    assert_string_equal(record(&ann)->before.ptr, "{\"id\":\"" NOTE_ID "\",\"text\":7}");
    assert_non_null(strstr(record(&ann)->after.ptr, "a better one"));
    assert_true(str_eq(record(&ann)->new_id, new_id));
    end();
}

void test_dead_command__edit_that_breaks_the_schema_changes_nothing(void **state)
{
    (void)state;
    begin();
    struct str new_id;
    struct err err = {0};
    bury_note("m1", "bug");
    assert_int_equal(edit(&ann, "m1", "/text", "7", false, &new_id, &err), OUTCOME_INVALID);
    assert_int_equal(err.field_count, 1);
    assert_string_equal(err.fields->pointer.ptr, "/text");
    err = (struct err){0};
    assert_int_equal(edit(&ann, "m1", "/there/is/none", "7", false, &new_id, &err),
                     OUTCOME_INVALID);
    assert_int_equal(depth(DEAD), 1);
    assert_int_equal(depth("t.notes"), 0);
    assert_int_equal(store_fake_count(records, &dead_audit_type), 0);
    end();
}

void test_dead_command__parked_copy_tells_what_it_was(void **state)
{
    (void)state;
    begin();
    struct str new_id;
    struct err err = {0};
    bury_note("m1", "bug");
    must(edit(&ann, "m1", "/text", "fine", true, &new_id, &err), &err);
    assert_int_equal(depth("t.notes"), 0);
    assert_int_equal(depth(DEAD), 1);
    struct delivery *parked = bus_fake_take(c.bus, STR(DEAD));
    struct dead_letter letter;
    dead_letter_read(&c.arena, &ann, STR("notes"), parked, &letter);
    assert_string_equal(letter.edited_from.ptr, "m1");
    assert_true(str_eq(letter.id, new_id));
    assert_string_equal(letter.code.ptr, "INTERNAL");
    assert_string_equal(letter.queue.ptr, "t.notes");
    delivery_free(parked);
    end();
}

void test_dead_command__parked_copy_is_replayed_as_who_asked(void **state)
{
    (void)state;
    begin();
    struct str new_id;
    struct err err = {0};
    bury_note("m1", "bug");
    lane_case_now += MS_PER_DAY;
    must(edit(&ann, "m1", "/text", "fine", true, &new_id, &err), &err);
    const struct dead_command command = command_of(new_id.ptr);
    assert_int_equal(replay(&bob, &command).moved, 1);
    run();
    assert_string_equal(note(NOTE_ID)->text.ptr, "fine");
    end();
}

void test_dead_command__secrets_are_not_recorded(void **state)
{
    (void)state;
    begin();
    struct str out;
    struct err err = {0};
    must(json_mask(
             &c.arena,
             STR("{\"a\":{\"password\":\"x\"},\"l\":[{\"accessToken\":\"y\"}],\"text\":\"z\"}"),
             &out, &err),
         &err);
    assert_string_equal(
        out.ptr, "{\"a\":{\"password\":\"***\"},\"l\":[{\"accessToken\":\"***\"}],\"text\":\"z\"}");
    end();
}

void test_dead_command__sets_values_as_people_type_them(void **state)
{
    (void)state;
    begin();
    static const struct {
        const char *pointer, *value, *expected; /* NULL: refused */
    } rows[] = {
        {"/a", "7", "{\"a\":7,\"l\":[1,2]}"},
        {"/a", "seven", "{\"a\":\"seven\",\"l\":[1,2]}"},
        {"/b", "{\"c\":true}", "{\"a\":1,\"l\":[1,2],\"b\":{\"c\":true}}"},
        {"/l/1", "null", "{\"a\":1,\"l\":[1,null]}"},
        {"/l/-", "3", "{\"a\":1,\"l\":[1,2,3]}"},
        {"/x~1y", "1", "{\"a\":1,\"l\":[1,2],\"x/y\":1}"},
        {"/l/2", "3", NULL},
        {"/no/way", "3", NULL},
        {"a", "3", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct str out = STR_ABSENT;
        struct err err = {0};
        const enum outcome outcome =
            json_set(&c.arena, STR("{\"a\":1,\"l\":[1,2]}"), str_of(rows[i].pointer),
                     str_of(rows[i].value), &out, &err);
        assert_int_equal(outcome, rows[i].expected ? OUTCOME_DONE : OUTCOME_INVALID);
        if (rows[i].expected)
            assert_string_equal(out.ptr, rows[i].expected);
    }
    end();
}
