/* Appending to ledgers: what is kept, what is not, and how it is cut into pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shop_case.h"

static struct shop shop;

static void append(struct job *job, const char *sku)
{
    struct stock_movement *movement = ARENA_NEW(job_arena(job), struct stock_movement);
    *movement = (struct stock_movement){.sku = str_of(sku), .cause = STR(BOSS)};
    job_append(job, &stock_ledger, movement);
}

struct plan {
    const char *sku;
    int count;
    enum { SUCCEED, REFUSE, REFUSE_AND_KEEP, FAIL } end;
};

/* Appends, then asks for something: so the first run is not the last one. */
static enum outcome carry_out(struct job *job, const void *request, struct err *err)
{
    const struct plan *plan = request;
    struct stock *stock = NULL;
    for (int i = 0; i < plan->count; i++)
        append(job, plan->sku);
    NEED(job, stock_by_sku(job, STR("none"), DOC_READ, &stock));
    if (plan->end == FAIL)
        return err_bug(err, "a bug");
    if (plan->end == SUCCEED)
        return reply_empty(job);
    err_refuse(err, E_NOT_FOUND, "not here");
    return plan->end == REFUSE ? OUTCOME_REFUSED : refuse_and_keep(job);
}

static const struct operation planned = {
    .name = "plan.carry_out", .kind = COMMAND, .who = CUSTOMER, .handle = carry_out};

static const struct ledger_page *first_page(void)
{
    return store_fake_get(shop.lane.store, &stock_ledger, shop.batch.commit.id);
}

static const char *skus_of(const struct ledger_page *page)
{
    struct text text;
    text_init(&text, &shop.arena, 64);
    for (size_t i = 0; i < page->entries.count; i++) {
        const struct stock_movement *movement = ledger_entry(&stock_ledger, page, i);
        text_append_str(&text, movement->sku);
    }
    return text_str(&text).ptr;
}

void test_ledger__keeps_what_succeeded_in_order_of_arrival(void **state)
{
    (void)state;
    static const struct plan plans[] = {
        {"a", 2, SUCCEED}, {"b", 1, REFUSE},  {"c", 1, REFUSE_AND_KEEP},
        {"d", 1, FAIL},    {"e", 0, SUCCEED}, {"f", 1, SUCCEED},
    };
    shop_open(&shop);
    for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++)
        shop_send(&shop, &planned, CUSTOMER, ANNA, &plans[i]);
    shop_run(&shop);
    const struct ledger_page *page = first_page();
    assert_string_equal(skus_of(page), "aacf");
    assert_int_equal(page->head.version, 1);
    assert_true(page->head.created_at == shop.batch.now);
    assert_true(page->head.updated_at == shop.batch.now);
    assert_int_equal(store_fake_count(shop.lane.store, &stock_ledger), 1);
    shop_close(&shop);
}

void test_ledger__no_page_for_nothing(void **state)
{
    (void)state;
    shop_open(&shop);
    shop_do(&shop, &planned, CUSTOMER, ANNA, &(const struct plan){"a", 0, SUCCEED});
    shop_do(&shop, &planned, CUSTOMER, ANNA, &(const struct plan){"a", 3, REFUSE});
    assert_int_equal(store_fake_count(shop.lane.store, &stock_ledger), 0);
    shop_close(&shop);
}

void test_ledger__too_many_entries_make_another_page(void **state)
{
    (void)state;
    shop_open(&shop);
    shop_do(&shop, &planned, CUSTOMER, ANNA, &(const struct plan){"a", LEDGER_PAGE_MAX, SUCCEED});
    assert_int_equal(store_fake_count(shop.lane.store, &stock_ledger), 1);
    assert_int_equal(first_page()->entries.count, LEDGER_PAGE_MAX);
    shop_do(&shop, &planned, CUSTOMER, ANNA,
            &(const struct plan){"a", LEDGER_PAGE_MAX + 1, SUCCEED});
    assert_int_equal(store_fake_count(shop.lane.store, &stock_ledger), 3);
    assert_int_equal(first_page()->entries.count, LEDGER_PAGE_MAX);
    shop_close(&shop);
}
