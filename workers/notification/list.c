/* list.c - notification.list: the caller's notifications, newest first, and how many are unread. */
#include "notification/notification.h"
#include "notification/operations.h"
#include "paging.h"

static void add_term(struct query *query, struct query_term term)
{
    query->terms[query->term_count++] = term;
}

static struct query query_of(struct str user_id, const struct inbox *inbox, bool unread_only)
{
    struct query query = {
        .type = &notification_type,
        .sorts = {{.path = "seq", .direction = -1}},
        .sort_count = 1,
    };
    add_term(&query, (struct query_term){.path = "userId", .op = QUERY_EQ, .text = user_id});
    if (unread_only) {
        add_term(&query, (struct query_term){.path = "read", .op = QUERY_EQ, .number = false});
        add_term(&query,
                 (struct query_term){.path = "seq", .op = QUERY_GT, .number = inbox->read_until});
    }
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
    struct query query = query_of(user_id, inbox, unread_only);
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
