/* category.create, category.update, category.list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/operations.h"
#include "paging.h"
#include "schemas/category.h"
#include "shop_case.h"

static struct shop shop;

static struct str create(struct str name, struct str parent_id)
{
    const struct category *category =
        shop_done(shop_admin(&shop, category_create, .name = name, .parent_id = parent_id));
    return category->head.id;
}

void test_category__create_makes_a_slug(void **state)
{
    (void)state;
    shop_open(&shop);
    const struct category *root =
        shop_done(shop_admin(&shop, category_create, .name = STR("Café & Bar")));
    assert_string_equal(root->slug.ptr, "cafe-bar");
    assert_int_equal(root->head.version, 1);
    assert_true(str_is_absent(root->parent_id));
    assert_string_equal(shop_events(&shop), "category.created");
    const struct category *child = shop_done(
        shop_admin(&shop, category_create, .name = STR("Cups"), .parent_id = root->head.id));
    assert_true(str_eq(child->parent_id, root->head.id));
    shop_close(&shop);
}

void test_category__create_refuses(void **state)
{
    (void)state;
    shop_open(&shop);
    create(STR("Cups"), STR_ABSENT);
    const struct job *job =
        shop_admin(&shop, category_create, .name = STR("Mugs"), .slug = STR("cups"));
    shop_refused(job, E_DUPLICATE_SLUG);
    assert_string_equal(job->err.fields->pointer.ptr, "/slug");
    job = shop_admin(&shop, category_create, .name = STR("Mugs"), .parent_id = STR(NOBODY));
    shop_refused(job, E_NOT_FOUND);
    assert_string_equal(job->err.fields->pointer.ptr, "/parentId");
    assert_int_equal(store_fake_count(shop.lane.store, &category_type), 1);
    shop_close(&shop);
}

void test_category__twins_in_one_batch(void **state)
{
    (void)state;
    shop_open(&shop);
    const struct category_create_request request = {.name = STR("Cups")};
    shop_send(&shop, &category_create, ADMIN, BOSS, &request);
    shop_send(&shop, &category_create, ADMIN, BOSS, &request);
    shop_run(&shop);
    shop_done(&shop.jobs[0]);
    const struct category *twin = shop_done(&shop.jobs[1]);
    assert_string_equal(twin->slug.ptr, "cups-2");
    shop_close(&shop);
}

void test_category__a_rename_changes_the_slug(void **state)
{
    (void)state;
    shop_open(&shop);
    const struct str id = create(STR("Cups"), STR_ABSENT);
    const struct category *category =
        shop_done(shop_admin(&shop, category_update, .category_id = id, .name = STR("Mugs"),
                             .expected_version = {true, 1}));
    assert_string_equal(category->slug.ptr, "mugs");
    assert_int_equal(category->head.version, 2);
    assert_string_equal(shop_events(&shop), "category.updated");
    create(STR("Cups"), STR_ABSENT); /* the old slug is free again */
    shop_close(&shop);
}

void test_category__a_slug_is_free_in_the_same_batch(void **state)
{
    (void)state;
    shop_open(&shop);
    const struct category_update_request rename = {.category_id = create(STR("Cups"), STR_ABSENT),
                                                   .name = STR("Mugs")};
    const struct category_create_request again = {.name = STR("Cups")};
    shop_send(&shop, &category_update, ADMIN, BOSS, &rename);
    shop_send(&shop, &category_create, ADMIN, BOSS, &again);
    shop_run(&shop);
    shop_done(&shop.jobs[0]);
    shop_done(&shop.jobs[1]);
    shop_close(&shop);
}

void test_category__the_same_slug_under_a_new_spelling(void **state)
{
    (void)state;
    shop_open(&shop);
    const struct str id = create(STR("Cups"), STR_ABSENT);
    shop_done(shop_admin(&shop, category_update, .category_id = id, .name = STR("CUPS")));
    shop_close(&shop);
}

void test_category__update_refuses(void **state)
{
    (void)state;
    shop_open(&shop);
    const struct str id = create(STR("Cups"), STR_ABSENT);
    create(STR("Mugs"), STR_ABSENT);
    shop_refused(shop_admin(&shop, category_update, .category_id = id, .slug = STR("mugs")),
                 E_DUPLICATE_SLUG);
    const struct job *job =
        shop_admin(&shop, category_update, .category_id = id, .expected_version = {true, 7});
    shop_refused(job, E_VERSION_CONFLICT);
    assert_non_null(strstr(job->err.text, "it is at 1"));
    shop_refused(shop_admin(&shop, category_update, .category_id = STR(NOBODY)), E_NOT_FOUND);
    shop_close(&shop);
}

void test_category__no_circles(void **state)
{
    (void)state;
    shop_open(&shop);
    const struct str a = create(STR("a"), STR_ABSENT);
    const struct str b = create(STR("b"), a);
    const struct str c = create(STR("c"), b);
    shop_refused(shop_admin(&shop, category_update, .category_id = a, .parent_id = a,
                            .parent_id_given = true),
                 E_CYCLE);
    shop_refused(shop_admin(&shop, category_update, .category_id = a, .parent_id = b,
                            .parent_id_given = true),
                 E_CYCLE);
    shop_refused(shop_admin(&shop, category_update, .category_id = a, .parent_id = c,
                            .parent_id_given = true),
                 E_CYCLE);
    shop_done(shop_admin(&shop, category_update, .category_id = c, .parent_id = a,
                         .parent_id_given = true));
    shop_close(&shop);
}

/* Each move is fine alone; together they would close a circle. */
void test_category__two_moves_in_one_batch_close_no_circle(void **state)
{
    (void)state;
    shop_open(&shop);
    const struct str a = create(STR("a"), STR_ABSENT);
    const struct str b = create(STR("b"), STR_ABSENT);
    const struct category_update_request below_b = {
        .category_id = a, .parent_id = b, .parent_id_given = true};
    const struct category_update_request below_a = {
        .category_id = b, .parent_id = a, .parent_id_given = true};
    shop_send(&shop, &category_update, ADMIN, BOSS, &below_b);
    shop_send(&shop, &category_update, ADMIN, BOSS, &below_a);
    shop_run(&shop);
    shop_done(&shop.jobs[0]);
    shop_refused(&shop.jobs[1], E_CYCLE);
    shop_close(&shop);
}

void test_category__depth_is_bounded(void **state)
{
    (void)state;
    shop_open(&shop);
    struct str id = STR_ABSENT;
    for (int i = 0; i < CATEGORY_DEPTH_MAX; i++)
        id = create(str_printf(&shop.arena, "level %d", i), id);
    shop_refused(shop_admin(&shop, category_create, .name = STR("deep"), .parent_id = id), E_CYCLE);
    shop_close(&shop);
}

void test_category__list_is_sorted_by_name(void **state)
{
    (void)state;
    shop_open(&shop);
    create(STR("Mugs"), STR_ABSENT);
    create(STR("Cups"), STR_ABSENT);
    const struct category_list_request all = {.cursor = STR_ABSENT};
    const struct job *job = shop_do(&shop, &category_list, GUEST, NULL, &all);
    shop_done(job);
    const char *json = json_of_shape(&shop.arena, job->reply_shape, job->reply_data).ptr;
    assert_true(strstr(json, "\"Cups\"") < strstr(json, "\"Mugs\""));
    shop_close(&shop);
}

void test_category__null_moves_to_the_root(void **state)
{
    (void)state;
    shop_open(&shop);
    const struct str a = create(STR("a"), STR_ABSENT);
    const struct str b = create(STR("b"), a);
    const struct category *moved =
        shop_done(shop_admin(&shop, category_update, .category_id = b, .parent_id = STR_ABSENT,
                             .parent_id_given = true));
    assert_true(str_is_absent(moved->parent_id));
    shop_close(&shop);
}

/* More than a reply holds: without a wish the first thousand come, and the way to the rest. */
void test_category__list_goes_on_behind_a_thousand(void **state)
{
    (void)state;
    shop_open(&shop);
    for (int i = 0; i < PAGE_LIMIT_WHOLE + 5; i++) {
        const struct category category = {
            .head = {.id = str_printf(&shop.arena, "%024x", i),
                     .version = 1,
                     .created_at = 1,
                     .updated_at = 1},
            .name = str_printf(&shop.arena, "Shelf %d", i),
            .slug = str_printf(&shop.arena, "shelf-%d", i),
        };
        store_fake_put(shop.lane.store, &category_type, &category);
    }
    const struct category_list_request all = {.cursor = STR_ABSENT};
    const struct {
        LIST(struct category) items;
        struct paging paging;
    } *page = shop_done(shop_do(&shop, &category_list, GUEST, NULL, &all));
    assert_int_equal(page->items.count, PAGE_LIMIT_WHOLE);
    assert_true(page->paging.next_cursor_given);
    const struct category_list_request rest = {.cursor = page->paging.next_cursor};
    page = shop_done(shop_do(&shop, &category_list, GUEST, NULL, &rest));
    assert_int_equal(page->items.count, 5);
    assert_true(page->paging.next_cursor_given);
    assert_true(str_is_absent(page->paging.next_cursor));
    shop_close(&shop);
}
