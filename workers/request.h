/* request.h - what the requests of several domains have in common: pages, expected versions, and
 * whose things they are about. */
#ifndef CARTWRIGHT_WORKERS_REQUEST_H
#define CARTWRIGHT_WORKERS_REQUEST_H

#include <inttypes.h>

#include "worker/job.h"

/* --- "Page of X" ---------------------------------------------------------------------------------- */

#define PAGE_LIMIT_DEFAULT 20

/* The members of a page besides its items. */
struct paging {
    int64_t page;
    int64_t limit;
    int64_t total_items;
    int64_t total_pages;
};

/* The rows of a page's table; `type` has the members `items` (a LIST) and `paging`. */
#define PAGE_FIELDS(type, item_shape)                                                              \
    {.name = "items", .kind = FIELD_LIST, .offset = offsetof(type, items), .shape = (item_shape)}, \
        {.name = "page", .kind = FIELD_INT, .offset = offsetof(type, paging.page)},                \
        {.name = "limit", .kind = FIELD_INT, .offset = offsetof(type, paging.limit)},              \
        {.name = "totalItems", .kind = FIELD_INT, .offset = offsetof(type, paging.total_items)},   \
    {                                                                                              \
        .name = "totalPages", .kind = FIELD_INT, .offset = offsetof(type, paging.total_pages)      \
    }

static inline struct paging paging_of(struct opt_int page, struct opt_int limit)
{
    return (struct paging){.page = page.has ? page.value : 1,
                           .limit = limit.has ? limit.value : PAGE_LIMIT_DEFAULT};
}

/* The schema bounds both factors (10000 pages of 100): no overflow. */
static inline int64_t paging_skip(struct paging paging)
{
    return (paging.page - 1) * paging.limit;
}

static inline struct paging paging_with_total(struct paging paging, int64_t total_items)
{
    paging.total_items = total_items;
    paging.total_pages = (total_items + paging.limit - 1) / paging.limit;
    return paging;
}

/* --- versions and owners ---------------------------------------------------------------------------- */

/* VERSION_CONFLICT, naming the version that is, when the caller expected another. */
static inline enum outcome expect_version(struct opt_int expected, int64_t version, struct err *err)
{
    if (!expected.has || expected.value == version)
        return OUTCOME_DONE;
    return refuse(err, VERSION_CONFLICT, "version %" PRId64 " was expected, it is at %" PRId64,
                  expected.value, version);
}

static inline bool caller_is_admin(const struct job *job)
{
    return job_caller(job)->role >= ADMIN;
}

static inline bool caller_is(const struct job *job, struct str user_id)
{
    return str_eq(job_caller(job)->id, user_id);
}

#endif
