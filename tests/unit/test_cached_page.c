/* Pages that Redis holds: believed as long as they are what a lane of ours read for this very query
 * and generation, and no longer than they may live. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "shop_case.h"

#define LIFE_MS 60000

static struct shop shop;

struct shown {
    struct str names;
    size_t misfits;
};

static struct query all, one;

static struct query by_name(int64_t limit)
{
    struct query query = query_of(&product_type);
    query_sort(&query, "name", 1);
    query.limit = limit;
    query.with_total = true;
    return query;
}

static const struct schema shown_schema = {.name = "Shown", .kind = SCHEMA_REPLY};

static enum outcome look(struct job *job, const void *request, struct err *err)
{
    (void)err;
    const struct query_page *page = NULL;
    struct shown *shown = ARENA_NEW(job_arena(job), struct shown);
    NEED(job, job_query(job, request, "product", &page));
    shown->misfits = page->docs.misfit_count;
    for (size_t i = 0; i < page->docs.count; i++)
        shown->names = str_join(job_arena(job), shown->names, ' ',
                                ((const struct product *)page->docs.items[i])->name);
    return reply(job, &shown_schema, shown);
}

static const struct operation look_operation = {
    .name = "product.look", .kind = QUERY, .handle = look, .reply = &shown_schema};

static void expect(const struct query *query, const char *names)
{
    const struct job *job = shop_do(&shop, &look_operation, GUEST, ANNA, query);
    const struct shown *shown = shop_done(job);
    assert_true(shown->names.len > 0);
    assert_string_equal(shown->names.ptr + 1, names);
}

/* Behind everybody's back: only a page that is read anew shows it. */
static void name_it(const char *name)
{
    const struct product product = {
        .head = {.id = STR(NOBODY), .version = 1},
        .name = str_of(name),
        .slug = STR("it"),
        .description = STR(""),
        .price = {100, "GBP"},
        .sku = STR("IT"),
    };
    store_fake_put(shop.lane.store, &product_type, &product);
}

static struct cache_item item_of(const struct query *query)
{
    struct err err = {0};
    struct workset set;
    workset_init(&set, &shop.arena);
    struct cache_item item = {.tag = STR("product"),
                              .key = workset_page(&set, query, "product")->key};
    assert_int_equal(cache_get(shop.lane.lock, &shop.arena, &item, 1, &err), OUTCOME_DONE);
    return item;
}

static void keep(struct cache_item item)
{
    struct err err = {0};
    assert_int_equal(cache_put(shop.lane.lock, &item, 1, LIFE_MS, &err), OUTCOME_DONE);
}

static void begin(void)
{
    all = by_name(10);
    one = by_name(1);
    shop_open(&shop);
    shop.service.cache_ms = LIFE_MS;
    shop.lane.keys.ring_count = 1;
    name_it("first");
    expect(&all, "first");
    name_it("second");
}

void test_cached_page__is_shown_while_its_generation_stands(void **state)
{
    (void)state;
    static const struct str tag = {"product", 7};
    struct err err = {0};
    begin();
    expect(&all, "first");
    assert_int_equal(cache_invalidate(shop.lane.lock, &tag, 1, &err), OUTCOME_DONE);
    expect(&all, "second");
    shop_close(&shop);
}

void test_cached_page__with_any_byte_changed_is_read_anew_and_kept(void **state)
{
    (void)state;
    begin();
    const size_t len = item_of(&all).value.len;
    assert_true(len > 32);
    for (size_t i = 0; i < len; i++) {
        const char *name = i % 2 ? "third" : "fifth"; /* as long as the first */
        struct cache_item item = item_of(&all);
        ((char *)(uintptr_t)item.value.ptr)[i] ^= 0x20;
        keep(item);
        name_it(name);
        expect(&all, name);
        name_it("sixth");
        expect(&all, name);
    }
    shop_close(&shop);
}

void test_cached_page__cut_short_is_read_anew(void **state)
{
    (void)state;
    begin();
    const struct cache_item whole = item_of(&all);
    for (size_t len = 0; len < whole.value.len; len++) {
        struct cache_item item = whole;
        item.value.len = len;
        keep(item);
        expect(&all, "second");
    }
    shop_close(&shop);
}

void test_cached_page__of_another_query_is_read_anew(void **state)
{
    (void)state;
    begin();
    struct cache_item item = item_of(&one);
    item.value = item_of(&all).value;
    keep(item);
    expect(&one, "second");
    shop_close(&shop);
}

void test_cached_page__of_an_older_generation_is_read_anew(void **state)
{
    (void)state;
    static const struct str tag = {"product", 7};
    struct err err = {0};
    begin();
    const struct cache_item old = item_of(&all);
    assert_int_equal(cache_invalidate(shop.lane.lock, &tag, 1, &err), OUTCOME_DONE);
    struct cache_item item = item_of(&all);
    item.value = old.value;
    keep(item);
    expect(&all, "second");
    shop_close(&shop);
}

void test_cached_page__that_was_kept_alive_is_read_anew(void **state)
{
    (void)state;
    begin();
    shop.batch.now += LIFE_MS - 10;
    keep(item_of(&all));
    expect(&all, "first");
    shop.batch.now += 10;
    expect(&all, "second");
    shop_close(&shop);
}

/* --- what cannot be read ------------------------------------------------------------------------- */

/* Returns what is logged while the page is shown, with so many documents left out. */
static const char *log_of_page(size_t misfits)
{
    static char logged[8192];
    FILE *file = tmpfile();
    const int saved = dup(STDERR_FILENO);
    assert_non_null(file);
    log_flush();
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    const struct shown *shown = shop_done(shop_do(&shop, &look_operation, GUEST, ANNA, &all));
    log_flush();
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
    assert_string_equal(shown->names.ptr, " first");
    assert_int_equal(shown->misfits, misfits);
    rewind(file);
    logged[fread(logged, 1, sizeof(logged) - 1, file)] = '\0';
    fclose(file);
    return logged;
}

/* Told when it is read; the page from the cache still knows that something is missing in it. */
void test_cached_page__leaves_out_what_cannot_be_read_and_tells_of_it(void **state)
{
    (void)state;
    shop_open(&shop);
    shop.service.cache_ms = LIFE_MS;
    shop.lane.keys.ring_count = 1;
    name_it("first");
    store_fake_put_misfit(shop.lane.store, &product_type, STR(ANNA), STR("field x is missing"));
    const char *logged = log_of_page(1);
    assert_non_null(strstr(logged, "\"msg\":\"a document cannot be read\""));
    assert_non_null(strstr(logged, "\"collection\":\"products\",\"id\":\"" ANNA "\""));
    assert_non_null(strstr(logged, "\"reason\":\"field x is missing\""));
    assert_null(strstr(log_of_page(1), "cannot be read"));
    shop_close(&shop);
}
