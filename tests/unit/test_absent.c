/* What was DOC_CHECKED and not there is still not there when it is committed, by its id or by a unique
 * field; the handlers here are not pure: they are the other lane, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shop_case.h"

static struct shop shop;

/* What the other lane commits while this one decides. */
struct meanwhile {
    const struct category *category; /* NULL: nothing */
    const char *field;               /* NULL: by id */
    struct str value;                /* that is looked for */
    enum access access;
};

static struct category category(const char *id, const char *slug)
{
    return (struct category){
        .head = {.id = str_of(id), .version = 1}, .name = STR("Mugs"), .slug = str_of(slug)};
}

static bool look(struct job *job, const struct meanwhile *meanwhile, void **out)
{
    return meanwhile->field
               ? job_doc_by(job, &category_type, meanwhile->field, meanwhile->value,
                            meanwhile->access, out)
               : job_doc(job, &category_type, meanwhile->value, meanwhile->access, out);
}

static enum outcome decide(struct job *job, const void *request, struct err *err)
{
    const struct meanwhile *meanwhile = request;
    void *found = NULL;
    NEED(job, look(job, meanwhile, &found));
    if (found)
        return err_refuse(err, E_NOT_FOUND, "it is there");
    if (meanwhile->category)
        store_fake_put(shop.lane.store, &category_type, meanwhile->category);
    struct category *made = ARENA_NEW(job_arena(job), struct category);
    *made = category(BOSS, "made");
    job_insert(job, &category_type, made);
    return reply_empty(job);
}

static const struct operation decide_operation = {
    .name = "category.decide", .kind = COMMAND, .handle = decide};

static enum outcome commit_of(const struct meanwhile *meanwhile)
{
    struct err err = {0};
    shop_open(&shop);
    shop_send(&shop, &decide_operation, ADMIN, BOSS, meanwhile);
    const enum outcome outcome = shop_try(&shop, &err);
    shop.count = 0;
    return outcome;
}

static void expect(const struct meanwhile *meanwhile, enum outcome outcome)
{
    assert_string_equal(outcome_name(commit_of(meanwhile)), outcome_name(outcome));
    const bool is_made = store_fake_get(shop.lane.store, &category_type, STR(BOSS)) != NULL;
    assert_int_equal(is_made, outcome == OUTCOME_DONE);
    shop_close(&shop);
}

void test_absent__document_that_stays_away_lets_commit(void **state)
{
    (void)state;
    expect(&(struct meanwhile){NULL, NULL, STR(ANNA), DOC_CHECKED}, OUTCOME_DONE);
    expect(&(struct meanwhile){NULL, "slug", STR("wanted"), DOC_CHECKED}, OUTCOME_DONE);
}

void test_absent__document_that_came_is_a_conflict(void **state)
{
    (void)state;
    const struct category came = category(ANNA, "other");
    expect(&(struct meanwhile){&came, NULL, STR(ANNA), DOC_CHECKED}, OUTCOME_CONFLICT);
}

void test_absent__value_that_somebody_took_is_a_conflict(void **state)
{
    (void)state;
    const struct category came = category(ANNA, "wanted");
    expect(&(struct meanwhile){&came, "slug", STR("wanted"), DOC_CHECKED}, OUTCOME_CONFLICT);
}

void test_absent__others_that_came_are_none(void **state)
{
    (void)state;
    const struct category came = category(BERT, "other");
    expect(&(struct meanwhile){&came, NULL, STR(ANNA), DOC_CHECKED}, OUTCOME_DONE);
    expect(&(struct meanwhile){&came, "slug", STR("wanted"), DOC_CHECKED}, OUTCOME_DONE);
}

void test_absent__what_was_only_read_proves_nothing(void **state)
{
    (void)state;
    const struct category came = category(ANNA, "wanted");
    expect(&(struct meanwhile){&came, NULL, STR(ANNA), DOC_READ}, OUTCOME_DONE);
    expect(&(struct meanwhile){&came, "slug", STR("wanted"), DOC_READ}, OUTCOME_DONE);
}

/* An earlier message of the batch relies on its absence, and a later one makes it. */
void test_absent__may_be_made_by_a_later_message(void **state)
{
    (void)state;
    struct err err = {0};
    const struct meanwhile by_id = {NULL, NULL, STR(BOSS), DOC_CHECKED};
    const struct meanwhile by_slug = {NULL, "slug", STR("made"), DOC_CHECKED};
    shop_open(&shop);
    shop_send(&shop, &decide_operation, ADMIN, BOSS, &by_id);
    assert_int_equal(shop_try(&shop, &err), OUTCOME_DONE);
    shop_close(&shop);
    shop.count = 0;
    shop_open(&shop);
    shop_send(&shop, &decide_operation, ADMIN, BOSS, &by_slug);
    assert_int_equal(shop_try(&shop, &err), OUTCOME_DONE);
    shop.count = 0;
    shop_close(&shop);
}
