/* list.c - notification.list: the caller's notifications, newest first, and how many are unread. */
#include "notification/notification.h"
#include "notification/operations.h"
#include "paging.h"

struct query notification_list_query(struct str user_id, const struct inbox *inbox,
                                     bool unread_only)
{
    struct query query = query_of(&notification_type);
    query_is(&query, "userId", user_id);
    if (unread_only) {
        query_is_bool(&query, "read", false);
        query_above(&query, "seq", inbox->read_until);
    }
    query_sort_unique(&query, "seq", -1);
    return query;
}

/* Copies the notifications, because whether one is read depends on the inbox, too. */
static void fill_page(struct notification_page *page, struct arena *arena,
                      const struct query_page *found, const struct inbox *inbox)
{
    page->items.items = arena_array(arena, page->items.count, sizeof(struct notification));
    for (size_t i = 0; i < page->items.count; i++) {
        const struct notification *stored = found->docs.items[i];
        page->items.items[i] = *stored;
        page->items.items[i].read = notification_is_read(stored, inbox);
    }
    page->unread = inbox->unread;
}

static enum outcome list(struct job *job, const void *request, struct err *err)
{
    static const struct inbox empty;
    const struct notification_list_request *req = request;
    const struct str user_id = job_caller(job)->id;
    struct notification_page *page = ARENA_NEW(job_arena(job), struct notification_page);

    struct inbox *loaded = NULL;
    NEED(job, inbox_by_id(job, user_id, DOC_READ, &loaded));
    const struct inbox *inbox = loaded ? loaded : &empty;

    const bool unread_only = req->unread.has && req->unread.value;
    struct query query = notification_list_query(user_id, inbox, unread_only);
    const struct query_page *found = NULL;
    TRY(paging_ask(job, PAGING_WISH(req), &query, &page->paging, err));
    NEED(job, job_query(job, &query, NULL, &found));
    page->items.count = paging_take(job, &query, found, &page->paging);
    fill_page(page, job_arena(job), found, inbox);
    return reply(job, &notification_page_schema, page);
}

const struct operation notification_list = {
    .name = "notification.list",
    .kind = QUERY,
    .who = CUSTOMER,
    .request = &notification_list_schema,
    .handle = list,
    .summary = "The caller's notifications, newest first",
    .reply = &notification_page_schema,
    .errors = (const struct error_code *const[]){E_BAD_CURSOR, NULL},
};
