/* test_paging.c - a list by cursor comes to its end, however many documents on its way cannot be
 * read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/operations.h"
#include "catalog/search.h"
#include "shop_case.h"

#define LIMIT     2
#define PARTS_MAX 20
#define SHELVES   1000 /* categories that a search loads at once */

static struct shop shop;

static struct str id_of(int i)
{
    return str_printf(&shop.arena, "%024x", i + 1);
}

static void put_category(int i, const char *name)
{
    const struct category category = {
        .head = {id_of(i), 1, 1, 1}, .name = str_of(name), .slug = id_of(i)};
    store_fake_put(shop.lane.store, &category_type, &category);
}

/* Their ids come before those of all others, and so do their names, which are absent. */
static void put_odd(int count)
{
    for (int i = 0; i < count; i++)
        store_fake_put_misfit(shop.lane.store, &category_type, id_of(i), STR("it is odd"));
}

/* The names of all parts, joined: "A B/C" are two parts. */
static const char *all_parts(void)
{
    struct text names;
    struct str cursor = STR("");
    text_init(&names, &shop.arena, 64);
    for (int part = 0; !str_is_absent(cursor); part++) {
        const struct category_page *page = shop_done(
            shop_customer(&shop, ANNA, category_list, .cursor = cursor, .limit = {true, LIMIT}));
        assert_true(part < PARTS_MAX);
        text_printf(&names, "%s", part ? "/" : "");
        for (size_t i = 0; i < page->items.count; i++)
            text_printf(&names, "%s%.*s", i ? " " : "", STR_FMT(page->items.items[i].name));
        cursor = page->paging.next_cursor;
    }
    return text_str(&names).ptr;
}

void test_paging__part_that_cannot_be_read_does_not_end_the_list(void **state)
{
    (void)state;
    static const struct {
        int odd; /* documents that cannot be read, before all others */
        const char *parts;
    } rows[] = {
        {0, "A B/C"}, {1, "A B/C"}, {2, "A/B C"}, {3, "/A B/C"}, {5, "/A/B C"}, {7, "//A B/C"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        shop_open(&shop);
        put_odd(rows[i].odd);
        put_category(SHELVES, "A");
        put_category(SHELVES + 1, "B");
        put_category(SHELVES + 2, "C");
        assert_string_equal(all_parts(), rows[i].parts);
        shop_close(&shop);
    }
}

/* Loads one part of categories after the other until one is not full. */
static size_t found_by_category(int odd)
{
    shop_open(&shop);
    put_odd(odd);
    for (int i = odd; i < SHELVES; i++)
        put_category(i, "Shelf");
    put_category(SHELVES, "Teapots");
    struct product *product = ARENA_NEW(&shop.arena, struct product);
    *product = (struct product){.head = {id_of(0), 1, 1, 1},
                                .name = STR("Brown Betty"),
                                .slug = STR("betty"),
                                .description = STR(""),
                                .category_id = id_of(SHELVES),
                                .price = {100, "GBP"},
                                .sku = STR("BETTY"),
                                .status = PRODUCT_PUBLISHED};
    product_index(&shop.arena, product);
    store_fake_put(shop.lane.store, &product_type, product);
    const struct product_page *page = shop_done(shop_customer(
        &shop, ANNA, product_list, .status = -1, .sort = -1, .search = STR("teapots")));
    const size_t found = page->items.count;
    shop_close(&shop);
    return found;
}

void test_paging__search_goes_on_behind_categories_that_cannot_be_read(void **state)
{
    (void)state;
    assert_int_equal(found_by_category(0), 1);
    assert_int_equal(found_by_category(1), 1);
    assert_int_equal(found_by_category(SHELVES), 1);
}
