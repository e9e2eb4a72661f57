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

/* Each sort order ends with the id, so that pages do not overlap. */
static const struct query_sort sorts[][2] = {
    [PRODUCT_LIST_SORT_NEWEST] = {{.path = "createdAt", .direction = -1},
                                  {.path = "id", .direction = -1}},
    [PRODUCT_LIST_SORT_NAME] = {{.path = "name", .direction = 1}, {.path = "id", .direction = 1}},
    [PRODUCT_LIST_SORT_PRICE_ASC] = {{.path = "price.amount", .direction = 1},
                                     {.path = "id", .direction = 1}},
    [PRODUCT_LIST_SORT_PRICE_DESC] = {{.path = "price.amount", .direction = -1},
                                      {.path = "id", .direction = -1}},
    [PRODUCT_LIST_SORT_RELEVANCE] = {{.relevance = true}, {.path = "id", .direction = 1}},
};

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

static void add_term(struct query *query, bool wanted, struct query_term term)
{
    if (wanted)
        query->terms[query->term_count++] = term;
}

static struct query query_of(const struct product_list_request *req)
{
    struct query query = {.type = &product_type,
                          .sort_count = 2,
                          .by_locale = sort_of(req) == PRODUCT_LIST_SORT_NAME};
    memcpy(query.sorts, sorts[sort_of(req)], sizeof(sorts[0]));
    const int status = req->status >= 0 ? req->status : PRODUCT_PUBLISHED;
    add_term(&query, true,
             (struct query_term){"status", QUERY_EQ, .text = str_of(product_status_names[status])});
    add_term(&query, !str_is_absent(req->category_id),
             (struct query_term){"categoryId", QUERY_EQ, .text = req->category_id});
    add_term(&query, req->min_price.has,
             (struct query_term){"price.amount", QUERY_GTE, .number = req->min_price.value});
    add_term(&query, req->max_price.has,
             (struct query_term){"price.amount", QUERY_LTE, .number = req->max_price.value});
    add_term(&query, req->in_stock.has,
             (struct query_term){"inStock", QUERY_EQ, .number = req->in_stock.value});
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
    struct query query = query_of(req);
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
