/* product_list.c - product.list: a page of the products on sale, filtered, searched and sorted;
 * staff may list those of another status.
 *
 * The page of products comes from the shared cache. Their categories and stocks are joined for each
 * request, so that the quantities shown as available are never older than this batch. */
#include "catalog/catalog.h"
#include "catalog/operations.h"
#include "catalog/search.h"
#include "paging.h"
#include "request.h"

static bool is_search(const struct product_list_request *req)
{
    return !search_is_blank(req->search);
}

/* Without words to search for, no product is more relevant than another: the newest come first. */
static int sort_of(const struct product_list_request *req)
{
    if (req->sort >= 0 && (req->sort != PRODUCT_LIST_SORT_RELEVANCE || is_search(req)))
        return req->sort;
    return is_search(req) ? PRODUCT_LIST_SORT_RELEVANCE : PRODUCT_LIST_SORT_NEWEST;
}

/* Each order ends with the id, so that pages do not overlap. */
static void sort_by(struct query *query, int sort)
{
    static const struct {
        const char *path;
        int direction;
    } orders[] = {
        [PRODUCT_LIST_SORT_NEWEST] = {"createdAt", -1},
        [PRODUCT_LIST_SORT_NAME] = {"name", 1},
        [PRODUCT_LIST_SORT_PRICE_ASC] = {"price.amount", 1},
        [PRODUCT_LIST_SORT_PRICE_DESC] = {"price.amount", -1},
    };
    if (sort == PRODUCT_LIST_SORT_RELEVANCE) {
        query_by_relevance(query);
        query_sort(query, "id", 1);
        return;
    }
    query_sort(query, orders[sort].path, orders[sort].direction);
    query_sort(query, "id", orders[sort].direction);
    query->by_locale = sort == PRODUCT_LIST_SORT_NAME;
}

struct query product_list_query(const struct product_list_request *req)
{
    struct query query = query_of(&product_type);
    const int status = req->status >= 0 ? req->status : PRODUCT_PUBLISHED;
    query_is(&query, "status", str_of(product_status_names[status]));
    if (!str_is_absent(req->category_id))
        query_is(&query, "categoryId", req->category_id);
    if (req->min_price.has)
        query_from(&query, "price.amount", req->min_price.value);
    if (req->max_price.has)
        query_to(&query, "price.amount", req->max_price.value);
    if (req->in_stock.has)
        query_is_bool(&query, "inStock", req->in_stock.value);
    sort_by(&query, sort_of(req));
    return query;
}

/* A need: joins the categories and stocks of the page, all loaded in one round. */
static bool join_all(struct job *job, const struct doc_list *products, struct product_page *out)
{
    bool loaded = true;
    for (size_t i = 0; i < out->items.count; i++) {
        const struct product *product = products->items[i];
        struct category *category = NULL;
        struct stock *stock = NULL;
        const bool has_category = str_is_absent(product->category_id) ||
                                  category_by_id(job, product->category_id, DOC_SHOWN, &category);
        const bool has_stock = stock_by_sku(job, product->sku, DOC_SHOWN, &stock);
        loaded = loaded && has_category && has_stock;
        if (loaded)
            out->items.items[i] = *product_view(job, product, category, stock);
    }
    return loaded;
}

static enum outcome check_status(const struct job *job, const struct product_list_request *req,
                                 struct err *err)
{
    if (req->status < 0 || caller_is_admin(job))
        return OUTCOME_DONE;
    return job_caller(job)->role == GUEST
               ? err_refuse(err, E_UNAUTHENTICATED, "lists by status are for staff")
               : err_refuse(err, E_FORBIDDEN, "lists by status are for staff");
}

/* A list by relevance has no cursor: what comes behind a score is not a range of an index. */
static enum outcome check_cursor(struct job *job, const struct product_list_request *req,
                                 struct err *err)
{
    if (str_is_absent(req->cursor) || sort_of(req) != PRODUCT_LIST_SORT_RELEVANCE)
        return OUTCOME_DONE;
    const enum outcome outcome =
        err_invalid(err, E_VALIDATION_FAILED, "a list by relevance goes by page");
    err_field_add(err, job_arena(job), STR("/cursor"), "cannot go with sort by relevance");
    return outcome;
}

static enum outcome list(struct job *job, const void *request, struct err *err)
{
    const struct product_list_request *req = request;
    struct product_page *page = ARENA_NEW(job_arena(job), struct product_page);
    struct query query = product_list_query(req);
    const struct query_page *found = NULL;
    TRY(check_status(job, req, err));
    if (is_search(req))
        TRY(search_add(job, req->search, &query));
    TRY(check_cursor(job, req, err));
    TRY(paging_ask(job, PAGING_WISH(req), &query, &page->paging, err));
    NEED(job, job_query(job, &query, "product", &found));

    page->items.count = paging_take(job, &query, found, &page->paging);
    page->items.items = arena_array(job_arena(job), page->items.count, sizeof(struct product_view));
    NEED(job, join_all(job, &found->docs, page));
    return reply(job, &product_page_schema, page);
}

const struct operation product_list = {
    .name = "product.list",
    .kind = QUERY,
    .who = GUEST,
    .request = &product_list_schema,
    .handle = list,
    .summary = "A page of what is on sale, filtered, searched and sorted; for staff by status, too",
    .reply = &product_page_schema,
    .errors = (const struct error_code *const[]){E_BAD_CURSOR, NULL},
};
