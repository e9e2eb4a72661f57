/* product.create, product.update, product.get, product.list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/operations.h"
#include "inventory/operations.h"
#include "paging.h"
#include "schemas/category.h"
#include "schemas/inventory.h"
#include "schemas/product.h"
#include "shop_case.h"

static struct shop shop;

static const struct product_view *create(struct str name, struct str sku, int64_t price,
                                         int64_t stock)
{
    return shop_done(shop_admin(&shop, product_create, .name = name, .sku = sku,
                                .price = {price, "GBP"}, .stock = {true, stock}));
}

static struct str create_category(void)
{
    const struct category *category =
        shop_done(shop_admin(&shop, category_create, .name = STR("Cups")));
    return category->head.id;
}

void test_product__create_joins_category_and_stock(void **state)
{
    (void)state;
    shop_open(&shop);
    const struct str category = create_category();
    const struct product_view *product =
        shop_done(shop_admin(&shop, product_create, .name = STR("Mug"), .price = {255, "GBP"},
                             .category_id = category, .sku = STR("MUG"), .stock = {true, 5}));
    assert_string_equal(shop_events(&shop), "stock.changed product.created");
    assert_string_equal(product->slug.ptr, "mug");
    assert_string_equal(product->category->name.ptr, "Cups");
    assert_int_equal(product->stock.available, 5);
    assert_int_equal(product->stock.status, STOCK_LOW_STOCK);
    assert_int_equal(product->status, PRODUCT_PUBLISHED);
    assert_int_equal(product->version, 1);
    const struct stock *stock = store_fake_get(shop.lane.store, &stock_type, STR("MUG"));
    assert_true(str_eq(stock->product_id, product->id));
    shop_close(&shop);
}

void test_product__create_makes_a_sku(void **state)
{
    (void)state;
    shop_open(&shop);
    const struct product_view *product =
        shop_done(shop_admin(&shop, product_create, .name = STR("東京"), .price = {1, "GBP"}));
    assert_int_equal(product->sku.len, 12);
    assert_true(str_starts_with(product->sku, STR("P-")));
    assert_true(str_eq(product->slug, str_lower(&shop.arena, product->sku)));
    assert_int_equal(product->stock.status, STOCK_OUT_OF_STOCK);
    shop_close(&shop);
}

void test_product__slugs_are_unique(void **state)
{
    (void)state;
    shop_open(&shop);
    assert_string_equal(create(STR("Mug"), STR("A/1"), 1, 0)->slug.ptr, "mug");
    assert_string_equal(create(STR("mug"), STR("B/2"), 1, 0)->slug.ptr, "mug-b-2");
    create(STR("Mug C 3"), STR("X"), 1, 0);
    const struct product_view *third = create(STR("MUG"), STR("C/3"), 1, 0);
    assert_true(str_eq(third->slug, str_printf(&shop.arena, "mug-%s", third->id.ptr)));
    shop_close(&shop);
}

void test_product__create_refuses(void **state)
{
    (void)state;
    shop_open(&shop);
    create(STR("Mug"), STR("MUG"), 1, 0);
    const struct job *job = shop_admin(&shop, product_create, .name = STR("Other"),
                                       .price = {1, "GBP"}, .sku = STR("MUG"));
    shop_refused(job, E_DUPLICATE_SKU);
    job = shop_admin(&shop, product_create, .name = STR("Other"), .price = {1, "EUR"});
    shop_refused(job, E_VALIDATION_FAILED);
    assert_string_equal(job->err.fields->pointer.ptr, "/price/currency");
    job = shop_admin(&shop, product_create, .name = STR("Other"), .price = {1, "GBP"},
                     .category_id = STR(NOBODY));
    shop_refused(job, E_NOT_FOUND);
    assert_string_equal(job->err.fields->pointer.ptr, "/categoryId");
    assert_int_equal(store_fake_count(shop.lane.store, &product_type), 1);
    assert_int_equal(store_fake_count(shop.lane.store, &stock_type), 1);
    shop_close(&shop);
}

void test_product__twins_in_one_batch(void **state)
{
    (void)state;
    shop_open(&shop);
    const struct product_create_request a = {
        .name = STR("Mug"), .price = {1, "GBP"}, .sku = STR("A")};
    const struct product_create_request b = {
        .name = STR("Mug"), .price = {1, "GBP"}, .sku = STR("B")};
    shop_send(&shop, &product_create, ADMIN, BOSS, &a);
    shop_send(&shop, &product_create, ADMIN, BOSS, &b);
    shop_send(&shop, &product_create, ADMIN, BOSS, &a);
    shop_run(&shop);
    shop_done(&shop.jobs[0]);
    const struct product_view *second = shop_done(&shop.jobs[1]);
    assert_string_equal(second->slug.ptr, "mug-b");
    shop_refused(&shop.jobs[2], E_DUPLICATE_SKU);
    shop_close(&shop);
}

void test_product__update_changes_only_what_is_given(void **state)
{
    (void)state;
    shop_open(&shop);
    const struct str category = create_category();
    const struct product_view *made = create(STR("Mug"), STR("MUG"), 255, 9);
    struct common_image image = {.url = STR("https://example.com/mug.png")};
    const struct product_view *now =
        shop_done(shop_admin(&shop, product_update, .product_id = made->id, .name = STR("Big mug"),
                             .category_id = category, .category_id_given = true,
                             .images = {&image, 1}, .status = -1, .expected_version = {true, 1}));
    assert_string_equal(shop_events(&shop), "product.updated");
    assert_string_equal(now->name.ptr, "Big mug");
    assert_string_equal(now->slug.ptr, "mug");
    assert_string_equal(now->category->slug.ptr, "cups");
    assert_int_equal(now->price.amount, 255);
    assert_int_equal(now->status, PRODUCT_PUBLISHED);
    assert_int_equal(now->version, 2);

    now = shop_done(shop_admin(&shop, product_update, .product_id = made->id, .price = {300, "GBP"},
                               .status = PRODUCT_DRAFT));
    assert_int_equal(now->price.amount, 300);
    assert_int_equal(now->images.count, 1);
    assert_int_equal(now->status, PRODUCT_DRAFT);
    now = shop_done(shop_admin(&shop, product_update, .product_id = made->id, .status = -1,
                               .images = {&image, 0})); /* given, and empty */
    assert_int_equal(now->images.count, 0);
    shop_close(&shop);
}

void test_product__update_refuses(void **state)
{
    (void)state;
    shop_open(&shop);
    const struct str id = create(STR("Mug"), STR("MUG"), 255, 9)->id;
    shop_refused(shop_admin(&shop, product_update, .product_id = id, .status = -1,
                            .expected_version = {true, 2}),
                 E_VERSION_CONFLICT);
    shop_refused(
        shop_admin(&shop, product_update, .product_id = id, .status = -1, .price = {1, "USD"}),
        E_VALIDATION_FAILED);
    shop_refused(shop_admin(&shop, product_update, .product_id = id, .status = -1,
                            .category_id = STR(NOBODY), .category_id_given = true),
                 E_NOT_FOUND);
    shop_refused(shop_admin(&shop, product_update, .product_id = STR(NOBODY), .status = -1),
                 E_NOT_FOUND);
    shop_close(&shop);
}

void test_product__get_by_each_key(void **state)
{
    (void)state;
    shop_open(&shop);
    const struct str id = create(STR("Mug"), STR("M1"), 255, 9)->id;
    shop_done(shop_customer(&shop, ANNA, product_get, .product_id = id));
    shop_done(shop_customer(&shop, ANNA, product_get, .slug = STR("mug")));
    shop_done(shop_customer(&shop, ANNA, product_get, .sku = STR("M1")));
    shop_refused(shop_customer(&shop, ANNA, product_get, .sku = STR("M2")), E_NOT_FOUND);
    shop_close(&shop);
}

void test_product__drafts_and_retired_ones_are_for_admins(void **state)
{
    (void)state;
    shop_open(&shop);
    const struct str id = create(STR("Mug"), STR("M1"), 255, 9)->id;
    static const int statuses[] = {PRODUCT_DRAFT, PRODUCT_RETIRED};
    for (size_t i = 0; i < 2; i++) {
        shop_done(shop_admin(&shop, product_update, .product_id = id, .status = statuses[i]));
        shop_refused(shop_customer(&shop, ANNA, product_get, .product_id = id), E_NOT_FOUND);
        shop_refused(shop_customer(&shop, ANNA, product_get, .sku = STR("M1")), E_NOT_FOUND);
        shop_done(shop_admin(&shop, product_get, .product_id = id));
    }
    shop_close(&shop);
}

/* The names of a page, joined by commas, and its total. */
static const char *listed(const struct job *job)
{
    const struct {
        LIST(struct product_view) items;
        struct paging paging;
    } *page = shop_done(job);
    struct text text;
    text_init(&text, &shop.arena, 64);
    for (size_t i = 0; i < page->items.count; i++)
        text_printf(&text, "%s,", page->items.items[i].name.ptr);
    text_printf(&text, "%" PRId64 "/%" PRId64, page->paging.total_items.value,
                page->paging.total_pages.value);
    return text_str(&text).ptr;
}

#define LISTED(...) listed(shop_customer(&shop, ANNA, product_list, .status = -1, __VA_ARGS__))

void test_product__list_filters_sorts_and_pages(void **state)
{
    (void)state;
    shop_open(&shop);
    create(STR("b"), STR("B"), 300, 1);
    create(STR("c"), STR("C"), 100, 0);
    create(STR("a"), STR("A"), 200, 1);
    const struct str draft = create(STR("d"), STR("D"), 50, 1)->id;
    shop_done(shop_admin(&shop, product_update, .product_id = draft, .status = PRODUCT_DRAFT));
    assert_string_equal(LISTED(.sort = -1), "a,c,b,3/1");
    assert_string_equal(LISTED(.sort = PRODUCT_LIST_SORT_RELEVANCE), "a,c,b,3/1");
    assert_string_equal(LISTED(.sort = PRODUCT_LIST_SORT_NAME), "a,b,c,3/1");
    assert_string_equal(LISTED(.sort = PRODUCT_LIST_SORT_PRICE_ASC), "c,a,b,3/1");
    assert_string_equal(LISTED(.sort = PRODUCT_LIST_SORT_PRICE_DESC), "b,a,c,3/1");
    assert_string_equal(LISTED(.sort = -1, .in_stock = {true, true}), "a,b,2/1");
    assert_string_equal(LISTED(.sort = -1, .in_stock = {true, false}), "c,1/1");
    assert_string_equal(LISTED(.sort = -1, .min_price = {true, 200}), "a,b,2/1");
    assert_string_equal(LISTED(.sort = -1, .max_price = {true, 200}), "a,c,2/1");
    assert_string_equal(LISTED(.sort = -1, .search = STR("c")), "c,1/1");
    assert_string_equal(LISTED(.sort = -1, .category_id = STR(NOBODY)), "0/0");
    assert_string_equal(LISTED(.sort = -1, .limit = {true, 2}), "a,c,3/2");
    assert_string_equal(LISTED(.sort = -1, .limit = {true, 2}, .page = {true, 2}), "b,3/2");
    assert_string_equal(LISTED(.sort = -1, .page = {true, 2}), "3/1");
    shop_close(&shop);
}

/* Products made before SKUs had one form keep theirs, and are found by it. */
void test_product__an_old_sku_is_found_as_it_was_given(void **state)
{
    (void)state;
    shop_open(&shop);
    const struct product old = {
        .head = {.id = STR("0123456789abcdef01234567"),
                 .version = 1,
                 .created_at = 1,
                 .updated_at = 1},
        .name = STR("Old"),
        .slug = STR("old"),
        .description = STR(""),
        .price = {1, "GBP"},
        .sku = STR("OLD "),
        .status = PRODUCT_PUBLISHED,
    };
    store_fake_put(shop.lane.store, &product_type, &old);
    shop_done(shop_customer(&shop, ANNA, product_get, .sku = STR("OLD ")));
    shop_refused(shop_customer(&shop, ANNA, product_get, .sku = STR("OLD")), E_NOT_FOUND);
    const struct product_view *fresh = create(STR("New"), STR("OLD"), 1, 0);
    const struct product_view *found =
        shop_done(shop_customer(&shop, ANNA, product_get, .sku = STR(" OLD")));
    assert_true(str_eq(found->id, fresh->id));
    shop_close(&shop);
}
