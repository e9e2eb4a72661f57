/* test_explain.c - every query that a list can ask goes by an index, in a shop of 100,000 products,
 * orders and notifications: none reads a whole collection, none sorts in memory, and a page far down
 * the list looks at few documents.
 *
 * The queries come from the functions of the handlers, and the commands from the store itself, which
 * is overheard; the server then explains the very same commands. With EXPLAIN_PLANS set, the plans
 * are printed.
 *
 * A search may sort in memory. Its hits come from the index of words, whose order is that of the
 * words, and by relevance the order is not known before all hits are. It looks at all products that
 * have one of its words, but never at more than a quarter of what there is: that would be a walk
 * through the collection, by whatever index. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shop_rig.h"

#include "explain_data.h"
#include "explain_plan.h"
#include "paging.h"

#define LIMIT      20
#define PAGE       1000 /* of the pages by cursor; of a shorter list the middle one */
#define LOOKED_MAX (10 * LIMIT)
#define FOUND_MAX  (DOCUMENTS / 4) /* documents that a search looks at */

/* --- one form of a list ------------------------------------------------------------------------------ */

enum rule {
    STRICT,
    /* When few documents are in a range of prices, the server may take that range and sort what is
     * in it, which is quicker than to walk down the order. */
    RANGE,
    SEARCH,
};

static struct job *job; /* of an admin; as the handlers have one */
static size_t explained, deep_pages, faults;
static struct plan most; /* of all pages by cursor that are no search */

static struct query part_of(struct query query, struct paging_wish wish)
{
    struct err err = {0};
    struct paging paging;
    if (paging_ask(job, wish, &query, &paging, &err) != OUTCOME_DONE)
        fail_msg("%s", err.text);
    return query;
}

static struct query_page ask(const struct query *query)
{
    struct err err = {0};
    struct query_page page;
    forget_commands();
    if (store_query(shop.lane.store, &shop.arena, query, &page, &err) != OUTCOME_DONE)
        fail_msg("%s", err.text);
    return page;
}

static void fault(const char *form, const char *what, const struct plan *plan)
{
    faults++;
    print_error("%s: %s: %" PRId64 " documents, %" PRId64 " keys%s%s\n", form, what, plan->docs,
                plan->keys, plan->scans ? ", COLLSCAN" : "", plan->sorts ? ", SORT" : "");
}

static bool is_wrong(const struct plan *plan, enum rule rule, bool is_deep)
{
    if (plan->scans)
        return true;
    if (rule == SEARCH)
        return plan->docs > FOUND_MAX;
    return (plan->sorts && (rule == STRICT || plan->docs > LOOKED_MAX)) ||
           (is_deep && plan->docs > LOOKED_MAX);
}

/* Explains what was just asked. */
static void judge(const char *form, const char *what, enum rule rule, bool is_deep)
{
    for (size_t i = 0; i < sent_count; i++) {
        /* A count has to look at everything: that it goes by an index is all that is asked for. */
        const bool is_count = bson_has_field(&sent[i], "count");
        const struct plan plan = explain(&sent[i], is_count ? "queryPlanner" : "executionStats");
        explained++;
        if (is_wrong(&plan, rule, is_deep))
            fault(form, what, &plan);
        if (rule != SEARCH && is_deep) {
            most.docs = plan.docs > most.docs ? plan.docs : most.docs;
            most.keys = plan.keys > most.keys ? plan.keys : most.keys;
        }
    }
}

/* Returns how many documents the whole list has; -1 when the part goes by cursor. */
static int64_t judge_first(const char *form, const struct query *query, struct paging_wish wish,
                           enum rule rule)
{
    const struct query part = part_of(*query, wish);
    const struct query_page page = ask(&part);
    judge(form, "the first page", rule, false);
    return page.total;
}

/* Returns the document before the page PAGE, or the middle one of a shorter list; NULL when the list
 * is empty. */
static const void *far_down(const struct query *query, int64_t total)
{
    struct query at = *query;
    at.skip = total / 2 < PAGE * LIMIT ? total / 2 : PAGE * LIMIT;
    at.limit = 1;
    const struct query_page page = ask(&at);
    return page.docs.count ? page.docs.items[0] : NULL;
}

static void judge_behind(const char *form, const struct query *query, const void *doc,
                         enum rule rule)
{
    if (!doc)
        return;
    const struct paging_wish wish = {.cursor = job_cursor(job, query, doc)};
    const struct query part = part_of(*query, wish);
    ask(&part);
    judge(form, "a page by cursor", rule, true);
    deep_pages++;
}

static const struct paging_wish by_number = {.page = {true, 1}};
static const struct paging_wish by_cursor = {.cursor = STR("")};

static void judge_list(const char *form, const struct query *query)
{
    const int64_t total = judge_first(form, query, by_number, STRICT);
    judge_behind(form, query, far_down(query, total), STRICT);
}

/* --- the lists ----------------------------------------------------------------------------------------- */

static void open_large_shop(const struct operation *operation)
{
    open_shop("explaintest");
    job = shop_send(&shop, operation, ADMIN, BOSS, NULL);
    shop_begin(&shop);
    explained = deep_pages = faults = 0;
    most = (struct plan){0};
}

static void close_large_shop(void)
{
    print_message("%zu commands explained, %zu pages by cursor: at most %" PRId64
                  " documents and %" PRId64 " keys for one\n",
                  explained, deep_pages, most.docs, most.keys);
    forget_commands();
    close_shop();
    assert_true(deep_pages > 0);
    assert_int_equal(faults, 0);
}

static const struct operation any_operation = {.name = "test.explain", .kind = QUERY};

void test_explain__orders(void **state)
{
    (void)state;
    open_large_shop(&any_operation);
    fill(&order_type, make_order, DOCUMENTS);
    overhear();
    const struct str owners[] = {STR_ABSENT, user_id(&shop.arena, 0), user_id(&shop.arena, 100),
                                 user_id(&shop.arena, USERS - 1)};
    for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++)
        for (int status = -1; status < ORDER_STATUS_COUNT; status++) {
            const struct query query = order_list_query(owners[i], status);
            judge_list(
                str_printf(&shop.arena, "orders of %.*s, status %d", STR_FMT(owners[i]), status)
                    .ptr,
                &query);
        }
    close_large_shop();
}

void test_explain__notifications(void **state)
{
    (void)state;
    open_large_shop(&any_operation);
    fill(&notification_type, make_notification, DOCUMENTS);
    overhear();
    static const int users[] = {0, 100, USERS - 1};
    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
        for (int read_until = 0; read_until <= 100; read_until += 100)
            for (int unread = 0; unread <= 1; unread++) {
                const struct inbox inbox = {.read_until = read_until};
                const struct query query =
                    notification_list_query(user_id(&shop.arena, users[i]), &inbox, unread);
                judge_list(
                    str_printf(&shop.arena, "notifications of %d, unread %d", users[i], unread).ptr,
                    &query);
            }
    close_large_shop();
}

void test_explain__categories(void **state)
{
    (void)state;
    open_large_shop(&any_operation);
    fill(&category_type, make_category, CATEGORIES);
    overhear();
    const struct query query = category_list_query();
    judge_list("categories", &query);
    close_large_shop();
}

/* One of the filter combinations of product.list: the n-th of 24. */
#define FILTERS 24

static struct product_list_request filtered(int n)
{
    struct product_list_request req = {.status = -1, .sort = -1};
    if (n & 1)
        req.category_id = category_id(&shop.arena, 20);
    if (n & 2)
        req.min_price = (struct opt_int){true, 2000};
    if (n & 4)
        req.max_price = (struct opt_int){true, 8000};
    if (n / 8 > 0)
        req.in_stock = (struct opt_bool){true, n / 8 == 1};
    return req;
}

static const char *form_of(const struct product_list_request *req)
{
    return str_printf(&shop.arena, "products by %s%s%s%s%s, status %d, search \"%.*s\"",
                      product_list_sort_names[req->sort],
                      str_is_absent(req->category_id) ? "" : ", category",
                      req->min_price.has ? ", from" : "", req->max_price.has ? ", to" : "",
                      !req->in_stock.has    ? ""
                      : req->in_stock.value ? ", in stock"
                                            : ", not in stock",
                      req->status, STR_FMT(req->search))
        .ptr;
}

static struct query searched;

static enum outcome build_search(struct job *building, const void *request, struct err *err)
{
    (void)err;
    const struct product_list_request *req = request;
    struct query query = product_list_query(req);
    TRY(search_add(building, req->search, &query));
    searched = query;
    return reply_empty(building);
}

static const struct operation search_operation = {
    .name = "test.search", .kind = QUERY, .handle = build_search};

/* As the handler would build it, which loads the categories first. */
static struct query searching(const struct product_list_request *req)
{
    shop.count = 0;
    shop_done(shop_do(&shop, &search_operation, ADMIN, BOSS, req));
    job = shop_send(&shop, &search_operation, ADMIN, BOSS, NULL);
    shop_begin(&shop);
    return searched;
}

static enum rule rule_of(const struct product_list_request *req)
{
    if (!search_is_blank(req->search))
        return SEARCH;
    return req->min_price.has || req->max_price.has ? RANGE : STRICT;
}

/* A product far down the list of those with a status, in each order. It need not satisfy the other
 * filters: a page may begin anywhere. */
static const void *product_far_down[PRODUCT_LIST_SORT_RELEVANCE];

static void go_far_down(int status)
{
    struct product_list_request req = {.status = status};
    for (req.sort = 0; req.sort < PRODUCT_LIST_SORT_RELEVANCE; req.sort++) {
        const struct query query = product_list_query(&req);
        const struct query all = part_of(query, by_number);
        product_far_down[req.sort] = far_down(&query, ask(&all).total);
    }
}

/* In every order. The count, which takes long, is the same in all of them. */
static void judge_products(struct product_list_request req)
{
    const enum rule rule = rule_of(&req);
    const int sorts = rule == SEARCH ? PRODUCT_LIST_SORT_COUNT : PRODUCT_LIST_SORT_RELEVANCE;
    for (req.sort = 0; req.sort < sorts; req.sort++) {
        const bool by_relevance = req.sort == PRODUCT_LIST_SORT_RELEVANCE; /* has no cursor */
        const struct query query = rule == SEARCH ? searching(&req) : product_list_query(&req);
        judge_first(form_of(&req), &query, req.sort == 0 || by_relevance ? by_number : by_cursor,
                    rule);
        if (!by_relevance)
            judge_behind(form_of(&req), &query, product_far_down[req.sort], rule);
    }
}

void test_explain__products(void **state)
{
    (void)state;
    static const char *const searches[] = {"thing3",    "n4711",   "colour0 thing1 n47",
                                           "word3 s77", "SKU-123", "?"};
    open_large_shop(&search_operation);
    fill(&category_type, make_category, CATEGORIES);
    fill(&product_type, make_product, DOCUMENTS);
    overhear();
    for (int status = PRODUCT_DRAFT; status >= PRODUCT_PUBLISHED; status--) {
        go_far_down(status);
        for (int n = 0; n < FILTERS; n++) {
            struct product_list_request req = filtered(n);
            req.status = status;
            judge_products(req);
        }
    }
    for (size_t i = 0; i < sizeof(searches) / sizeof(searches[0]); i++)
        for (int n = 0; n < FILTERS; n += 9) {
            struct product_list_request req = filtered(n);
            req.search = str_of(searches[i]);
            judge_products(req);
        }
    close_large_shop();
}
