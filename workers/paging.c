/* paging.c - lists in parts. A part by cursor loads one document more than was asked for, which
 * tells whether there are more without counting them. */
#include "paging.h"

static enum outcome refuse_both(struct job *job, struct err *err)
{
    const enum outcome outcome =
        err_invalid(err, E_VALIDATION_FAILED, "a list goes by page or by cursor");
    err_field_add(err, job_arena(job), STR("/cursor"), "cannot stand beside page");
    return outcome;
}

/* The product cannot overflow: the schema bounds both factors (10000 pages of 100). */
static void ask_page(int64_t page, int64_t limit, struct query *query, struct paging *out)
{
    query->skip = (page - 1) * limit;
    query->limit = limit;
    query->with_total = true;
    out->page = (struct opt_int){true, page};
    out->limit = (struct opt_int){true, limit};
}

enum outcome paging_ask(struct job *job, struct paging_wish wish, struct query *query,
                        struct paging *out, struct err *err)
{
    const int64_t limit = wish.limit.has ? wish.limit.value : PAGE_LIMIT_DEFAULT;
    *out = (struct paging){0};
    if (str_is_absent(wish.cursor)) {
        ask_page(wish.page.has ? wish.page.value : 1, limit, query, out);
        return OUTCOME_DONE;
    }
    if (wish.page.has)
        return refuse_both(job, err);
    TRY(job_query_behind(job, query, wish.cursor, err));
    query->limit = limit + 1;
    out->limit = (struct opt_int){true, limit};
    return OUTCOME_DONE;
}

enum outcome paging_ask_whole(struct job *job, struct paging_wish wish, struct query *query,
                              struct paging *out, struct err *err)
{
    if (wish.page.has || wish.limit.has || !str_is_absent(wish.cursor))
        return paging_ask(job, wish, query, out, err);
    *out = (struct paging){0};
    query->limit = PAGE_LIMIT_WHOLE + 1;
    return OUTCOME_DONE;
}

size_t paging_take(struct job *job, const struct query *query, const struct query_page *found,
                   struct paging *paging)
{
    const size_t count = found->docs.count;
    if (query->with_total) {
        const int64_t pages = (found->total + query->limit - 1) / query->limit;
        paging->total_items = (struct opt_int){true, found->total};
        paging->total_pages = (struct opt_int){true, pages};
        return count;
    }
    /* Documents that could not be read are not shown, but they count in telling whether there is
     * more. */
    const size_t room = (size_t)query->limit - 1;
    const size_t shown = count < room ? count : room;
    const bool more = count + found->docs.misfit_count > room;
    paging->next_cursor_given = more || paging->limit.has;
    if (more)
        paging->next_cursor = job_cursor(job, query, shown ? found->docs.items[shown - 1] : NULL);
    return shown;
}
