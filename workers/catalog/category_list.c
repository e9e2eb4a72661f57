/* category_list.c - category.list: categories by name, all of them or a part; pages come from
 * the shared cache. */
#include "catalog/catalog.h"
#include "catalog/operations.h"
#include "paging.h"

struct query category_list_query(void)
{
    struct query query = query_of(&category_type);
    query_sort(&query, "name", 1);
    query_sort(&query, "id", 1);
    query.by_locale = true;
    return query;
}

static enum outcome list(struct job *job, const void *request, struct err *err)
{
    const struct category_list_request *req = request;
    struct category_page *page = ARENA_NEW(job_arena(job), struct category_page);
    struct query query = category_list_query();
    const struct query_page *found = NULL;
    TRY(paging_ask_whole(job, PAGING_WISH(req), &query, &page->paging, err));
    NEED(job, job_query(job, &query, "category", &found));

    page->items.count = paging_take(job, &query, found, &page->paging);
    page->items.items = arena_array(job_arena(job), page->items.count, sizeof(struct category));
    for (size_t i = 0; i < page->items.count; i++)
        page->items.items[i] = *(const struct category *)found->docs.items[i];
    return reply(job, &category_page_schema, page);
}

const struct operation category_list = {
    .name = "category.list",
    .kind = QUERY,
    .who = GUEST,
    .request = &category_list_schema,
    .handle = list,
    .summary = "Categories by name: all of them, a page, or what follows a cursor",
    .reply = &category_page_schema,
    .errors = (const struct error_code *const[]){E_BAD_CURSOR, NULL},
};
