/* category_list.c - category.list: all categories by name; the shared cache holds them. */
#include "catalog/catalog.h"
#include "catalog/operations.h"
#include "schemas/category.h"

#define CATEGORIES_MAX 1000 /* a shop has dozens; this only bounds the reply */

struct category_list_view {
    LIST(struct category) items;
};

static const struct field list_fields[] = {
    {.name = "items",
     .kind = FIELD_LIST,
     .offset = offsetof(struct category_list_view, items),
     .shape = &category_shape},
};

static const struct shape list_shape = SHAPE("Categories", struct category_list_view, list_fields);

static const struct query all_by_name = {
    .type = &category_type,
    .sorts = {{.path = "name", .direction = 1}, {.path = "id", .direction = 1}},
    .sort_count = 2,
    .limit = CATEGORIES_MAX,
};

static enum outcome list(struct job *job, const void *request, struct err *err)
{
    (void)request; /* has no members */
    (void)err;
    const struct query_page *page = NULL;
    NEED(job, job_query(job, &all_by_name, "category", &page));

    struct category_list_view *view = ARENA_NEW(job_arena(job), struct category_list_view);
    view->items.count = page->docs.count;
    view->items.items = arena_array(job_arena(job), page->docs.count, sizeof(struct category));
    for (size_t i = 0; i < page->docs.count; i++)
        view->items.items[i] = *(const struct category *)page->docs.items[i];
    return reply(job, &list_shape, view);
}

const struct operation category_list = {
    .name = "category.list",
    .kind = QUERY,
    .who = GUEST,
    .request = &category_list_schema,
    .handle = list,
    .summary = "All categories",
    .reply = &list_shape,
};
