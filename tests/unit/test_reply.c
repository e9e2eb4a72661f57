/* Bodies of replies that would be longer than a message may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lane_case.h"

static struct lane_case c;
static struct batch batch;
static struct note note;
static char text[1000];

static struct job made(const struct operation *operation)
{
    lane_case_open(&c);
    c.engine.reply_max = 500;
    memset(text, 'x', sizeof(text));
    batch = (struct batch){.lane = &c.lane,
                           .arena = &c.lane.rooms[0].arena,
                           .run_arena = &c.lane.rooms[0].run_arena,
                           .now = NOW_MS};
    note = (struct note){.head = {.id = STR(NOTE_ID), .version = 7}, .text = {text, sizeof(text)}};
    return (struct job){.batch = &batch,
                        .operation = operation,
                        .outcome = OUTCOME_DONE,
                        .reply_shape = &note_shape,
                        .reply_data = &note};
}

static const struct json *body_of(struct job *job)
{
    const struct json *json;
    struct err err = {0};
    const struct str body = job_reply_body(job, &c.arena);
    assert_true(body.len <= 500);
    must(json_parse(&c.arena, body, &json, &err), &err);
    return json;
}

void test_reply__of_a_command_is_cut_to_what_identifies_the_result(void **state)
{
    (void)state;
    struct job job = made(&note_write);
    const struct json *json = body_of(&job);
    assert_int_equal(job.outcome, OUTCOME_DONE); /* it was carried out */
    assert_int_equal(job.status, 200);
    assert_true(json_bool(json_member(json, "ok"), false));
    assert_true(json_bool(json_member(json, "cut"), false));
    assert_true(str_eq(json_str(json_at(json, "/data/id")), STR(NOTE_ID)));
    assert_int_equal(json_int(json_at(json, "/data/version"), 0), 7);
    assert_int_equal(json_count(json_member(json, "data")), 2);
    lane_case_close(&c);
}

void test_reply__of_a_query_says_ask_for_fewer(void **state)
{
    (void)state;
    struct job job = made(&note_read);
    const struct json *json = body_of(&job);
    assert_ptr_equal(job.err.code, E_TOO_LARGE);
    assert_int_equal(job.status, 413);
    assert_true(str_eq(json_str(json_at(json, "/error/code")), STR("TOO_LARGE")));
    assert_non_null(strstr(job.err.text, "ask for fewer"));
    lane_case_close(&c);
}

void test_reply__of_an_error_goes_without_its_fields(void **state)
{
    (void)state;
    struct job job = made(&note_write);
    job.outcome = err_invalid(&job.err, E_VALIDATION_FAILED, "wrong");
    struct err_field field = {.pointer = {text, sizeof(text)}, .message = STR("unknown")};
    job.err.fields = &field;
    const struct json *json = body_of(&job);
    assert_true(str_eq(json_str(json_at(json, "/error/code")), STR("VALIDATION_FAILED")));
    assert_null(json_at(json, "/error/fields"));
    lane_case_close(&c);
}

void test_reply__that_fits_is_whole(void **state)
{
    (void)state;
    struct job job = made(&note_write);
    note.text.len = 100;
    const struct json *json = body_of(&job);
    assert_int_equal(json_str(json_at(json, "/data/text")).len, 100);
    assert_null(json_member(json, "cut"));
    lane_case_close(&c);
}

/* A reply may show fewer members of a struct than the event beside it. */
void test_reply__one_object_in_two_forms_is_written_twice(void **state)
{
    (void)state;
    struct job job = made(&note_write);
    const struct shape short_shape = {
        .name = "Id", .size = note_shape.size, .fields = note_shape.fields, .field_count = 1};
    note.text = STR("x");
    const struct str whole = job_json(&job, &note_shape, &note);
    const struct str cut = job_json(&job, &short_shape, &note);
    assert_true(cut.len < whole.len);
    assert_true(str_eq(job_json(&job, &note_shape, &note), whole));
    assert_ptr_equal(job_json(&job, &note_shape, &note).ptr,
                     job_json(&job, &note_shape, &note).ptr);
    lane_case_close(&c);
}
