/* Dead letters on fakes: what they tell, and that whoever looks changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dead_case.h"
#include "letters/groups.h"

static struct dead_office office;

static void begin(void)
{
    dead_case_begin();
    office = office_open("ann", NULL);
}

static void begin_former(void)
{
    lane_case_former = true;
    begin();
    lane_case_former = false;
}

static void end(void)
{
    bus_close(office.bus);
    lane_case_close(&c);
}

/* --- looking ------------------------------------------------------------------------------------ */

struct seen {
    struct dead_letter letters[16]; /* without their deliveries, which live as long as the look */
    int64_t looks_before[16];
    size_t count;
};

static enum outcome keep_letter(void *context, const struct dead_letter *letter,
                                enum dead_verdict *verdict, struct err *err)
{
    struct seen *seen = context;
    (void)err;
    *verdict = DEAD_LEAVE;
    assert_true(seen->count < COUNT(seen->letters));
    seen->looks_before[seen->count] = letter->delivery->delivery_count;
    struct dead_letter *kept = &seen->letters[seen->count++];
    *kept = *letter;
    kept->delivery = NULL;
    kept->id = str_dup(&c.arena, letter->id);
    kept->digest = str_dup(&c.arena, letter->digest);
    kept->operation = str_dup(&c.arena, letter->operation);
    kept->code = str_dup(&c.arena, letter->code);
    kept->reason = str_dup(&c.arena, letter->reason);
    kept->place = str_dup(&c.arena, letter->place);
    kept->queue = str_dup(&c.arena, letter->queue);
    kept->exchange = str_dup(&c.arena, letter->exchange);
    kept->routing_key = str_dup(&c.arena, letter->routing_key);
    kept->fingerprint = str_dup(&c.arena, letter->fingerprint);
    return OUTCOME_DONE;
}

static struct seen look(const char *domain)
{
    struct seen seen = {0};
    bool cut;
    struct err err = {0};
    const struct dead_visitor visitor = {.visit = keep_letter, .context = &seen};
    must(dead_scan(&office, str_of(domain), &visitor, &cut, &err), &err);
    assert_false(cut);
    return seen;
}

#define assert_text(text, expected) assert_true(str_eq((text), str_of(expected)))

void test_dead_letter__tells_what_failed_and_where(void **state)
{
    (void)state;
    begin();
    bury_note("m1", "bug");
    const struct seen seen = look("notes");
    assert_int_equal(seen.count, 1);
    const struct dead_letter *letter = &seen.letters[0];
    assert_text(letter->id, "m1");
    assert_text(letter->operation, "note.write");
    assert_text(letter->code, "INTERNAL");
    assert_text(letter->reason, "an inside that nobody may see");
    assert_non_null(strstr(letter->place.ptr, "lane_case.h:"));
    assert_text(letter->queue, "t.notes");
    assert_int_equal(letter->attempts, 3);
    assert_int_equal(letter->failed_at, NOW_MS);
    assert_int_equal(letter->digest.len, 13);
    end();
}

void test_dead_letter__looking_often_changes_neither_number_nor_order(void **state)
{
    (void)state;
    begin();
    bury_note("m1", "bug");
    bury_note("m2", "bug");
    bury_note("m3", "down");
    for (int i = 0; i < 50; i++) {
        const struct seen seen = look("notes");
        assert_int_equal(seen.count, 3);
        assert_text(seen.letters[0].id, "m1");
        assert_text(seen.letters[1].id, "m2");
        assert_text(seen.letters[2].id, "m3");
    }
    assert_int_equal(depth(DEAD), 3);
    end();
}

void test_dead_letter__looks_at_so_many_and_says_that_there_are_more(void **state)
{
    (void)state;
    begin();
    bury_note("m1", "bug");
    bury_note("m2", "bug");
    struct seen seen = {0};
    bool cut;
    struct err err = {0};
    const struct dead_visitor visitor = {.visit = keep_letter, .context = &seen};
    office.scan_max = 1;
    must(dead_scan(&office, STR("notes"), &visitor, &cut, &err), &err);
    assert_int_equal(seen.count, 1);
    assert_true(cut);
    end();
}

/* Not even for a moment: each look counts. */
void test_dead_letter__of_a_queue_that_bears_few_looks_nothing_is_touched(void **state)
{
    (void)state;
    static const struct str frail[] = {{"echo", 4}, {"notes", 5}, {NULL, 0}};
    begin();
    bury_note("m1", "bug");
    struct seen seen = {0};
    bool cut;
    struct err err = {0};
    const struct dead_visitor visitor = {.visit = keep_letter, .context = &seen};
    office.frail = frail;
    assert_int_equal(dead_scan(&office, STR("notes"), &visitor, &cut, &err), OUTCOME_REFUSED);
    assert_non_null(strstr(err.text, "--limit-by-policy"));
    must(dead_scan(&office, STR("unknown"), &visitor, &cut, &err), &err);
    assert_int_equal(seen.count, 0);
    office.frail = NULL;
    must(dead_scan(&office, STR("notes"), &visitor, &cut, &err), &err);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.looks_before[0], 0);
    end();
}

void test_dead_letter__one_that_a_broker_buried_tells_the_same(void **state)
{
    (void)state;
    begin_former();
    struct err err = {0};
    send_note("m1", note_body(&c, NOTE_ID, "fine"), NULL);
    /* Received and never settled, as by lanes that die. */
    for (int i = 0; i <= DELIVERY_LIMIT; i++) {
        struct delivery *delivery = NULL;
        assert_int_equal(bus_next(c.bus, 0, &delivery), BUS_MESSAGE);
        delivery_free(delivery);
        must(bus_reconnect(c.bus, &err), &err);
    }
    const struct seen seen = look("notes");
    assert_int_equal(seen.count, 1);
    assert_text(seen.letters[0].id, "m1");
    assert_text(seen.letters[0].code, "DELIVERY_LIMIT");
    assert_text(seen.letters[0].place, "broker");
    assert_text(seen.letters[0].operation, "note.write");
    assert_text(seen.letters[0].queue, "t.notes");
    end();
}

void test_dead_letter__without_readable_headers_is_still_one(void **state)
{
    (void)state;
    begin();
    assert_true(bus_fake_send(c.bus, &(struct bus_message){.exchange = STR(""),
                                                           .routing_key = STR(DEAD),
                                                           .message_id = STR("two words"),
                                                           .body = STR("\xff\x00 not JSON")}));
    const struct seen seen = look("notes");
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.letters[0].id.ptr[0], '~'); /* nobody can type its message id */
    assert_text(seen.letters[0].code, "NOT_OURS");
    assert_false(seen.letters[0].is_ours);
    assert_int_equal(seen.letters[0].failed_at, -1);
    end();
}

/* Whoever gets a message into the dead queue can write what he likes. */
void test_dead_letter__one_that_we_did_not_sign_is_not_believed(void **state)
{
    (void)state;
    begin();
    const struct bus_header forged[] = {
        {"x-operation", STR("echo.note_written")},
        {"x-failure-code", STR("INTERNAL")},
        {"x-failure-place", STR("here.c:1")},
        {"x-failed-at", STR("2026-01-01T00:00:00.000Z")},
        {"x-original-queue", STR("t.echo.events")},
        {"x-original-exchange", STR("t.events")},
        {"x-signature", STR("00112233445566778899aabbccddeeff")},
    };
    assert_true(bus_fake_send(c.bus, &(struct bus_message){.exchange = STR(""),
                                                           .routing_key = STR(DEAD),
                                                           .message_id = STR("m1"),
                                                           .body = STR("{}"),
                                                           .headers = forged,
                                                           .header_count = 7}));
    const struct seen seen = look("notes");
    assert_int_equal(seen.count, 1);
    assert_text(seen.letters[0].code, "NOT_OURS");
    assert_false(seen.letters[0].is_ours);
    assert_true(str_is_absent(seen.letters[0].operation));
    assert_true(str_is_absent(seen.letters[0].queue));
    end();
}

void test_dead_letter__a_missing_queue_is_told(void **state)
{
    (void)state;
    begin();
    struct err err = {0};
    bool cut;
    const struct dead_visitor visitor = {.visit = keep_letter};
    assert_int_equal(dead_scan(&office, STR("nobody"), &visitor, &cut, &err), OUTCOME_RETRY);
    assert_non_null(strstr(err.text, "t.dead.nobody"));
    end();
}

/* --- fingerprints ------------------------------------------------------------------------------- */

static bool same_group(const char *a, const char *b)
{
    const struct dead_letter left = {.operation = STR("o"), .code = STR("C"), .reason = str_of(a)};
    const struct dead_letter right = {.operation = STR("o"), .code = STR("C"), .reason = str_of(b)};
    return str_eq(dead_fingerprint(&c.arena, &left), dead_fingerprint(&c.arena, &right));
}

void test_dead_letter__fingerprint_is_of_the_failure_not_of_its_ids(void **state)
{
    (void)state;
    begin();
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"stock 17: a version moved on", "stock 4: a version moved on", true},
        {"order 65f0c0ffee00000000000001 is gone", "order 65f0c0ffee00000000000002 is gone", true},
        {"'Mug' is not on sale", "'A blue pot' is not on sale", true},
        {"ann@shop.example is taken", "bert@shop.example is taken", true},
        {"the deadline passed 17 ms ago", "the deadline passed 4711 ms ago", true},
        {"stock 17: a version moved on", "cart 17: a version moved on", false},
        {"not UTF-8", "not valid JSON", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(same_group(rows[i].a, rows[i].b), rows[i].same);
    end();
}

void test_dead_letter__groups_are_counted_largest_first(void **state)
{
    (void)state;
    begin();
    bury_note("m1", "down");
    lane_case_now += 1000;
    bury_note("m2", "bug");
    lane_case_now += 1000;
    bury_note("m3", "bug");
    const struct seen seen = look("notes");
    struct dead_groups groups;
    dead_groups_init(&groups, &c.arena);
    for (size_t i = 0; i < seen.count; i++)
        dead_groups_add(&groups, &seen.letters[i]);
    dead_groups_sort(&groups);
    assert_int_equal(groups.count, 2);
    assert_int_equal(groups.items[0]->count, 2);
    assert_text(groups.items[0]->code, "INTERNAL");
    assert_text(groups.items[0]->example, "m3");
    assert_int_equal(groups.items[0]->first, NOW_MS + 1000);
    assert_int_equal(groups.items[0]->last, NOW_MS + 2000);
    assert_text(groups.items[1]->code, "BUSY");
    end();
}

void test_dead_letter__filters(void **state)
{
    (void)state;
    begin();
    const struct dead_letter letter = {.id = STR("m1"),
                                       .digest = STR("~0a"),
                                       .code = STR("BUSY"),
                                       .operation = STR("note.write"),
                                       .place = STR("a.c:1"),
                                       .fingerprint = STR("f0"),
                                       .failed_at = 1000};
    const struct {
        struct dead_filter filter;
        bool matches;
    } rows[] = {
        {{.since_ms = -1}, true},
        {{.since_ms = 1000}, true},
        {{.since_ms = 1001}, false},
        {{.id = STR("m1"), .since_ms = -1}, true},
        {{.id = STR("~0a"), .since_ms = -1}, true},
        {{.id = STR("m"), .since_ms = -1}, false},
        {{.code = STR("INTERNAL"), .since_ms = -1}, false},
        {{.operation = STR("note.write"), .place = STR("a.c:1"), .since_ms = -1}, true},
        {{.place = STR("a.c:2"), .since_ms = -1}, false},
        {{.fingerprint = STR("f1"), .since_ms = -1}, false},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(dead_letter_matches(&letter, &rows[i].filter), rows[i].matches);
    end();
}
