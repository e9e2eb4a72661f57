/* cursor.c - cursors: where a page of a query ended, in a form that clients hand back.
 *
 * A cursor holds the values by which the last document is sorted, so the next page is a range
 * of an index and costs the same wherever it begins. The cursor is signed together with what
 * the query asks for: nobody can make one, or use one with other filters. It holds nothing that
 * the page did not show, so it need not be sealed; and a signature, unlike a seal, is the same
 * on every run of a handler. */
#include "engine/batch.h"

#define SIGNATURE_LEN 32 /* what auth_sign() returns */
#define PURPOSE       "cursor"

static struct str text_of(struct arena *arena, const struct query *query)
{
    struct text text;
    text_init(&text, arena, 256);
    query_write(&text, query);
    return text_str(&text);
}

static struct str place_text(struct arena *arena, const struct query *query)
{
    struct text text;
    text_init(&text, arena, 128);
    query_write_place(&text, query);
    return text_str(&text);
}

/* False when the cursor is not one of ours, or not one of this query. */
static bool read_cursor(struct job *job, struct query *query, struct str cursor)
{
    struct arena *arena = job_arena(job);
    struct str bytes;
    if (!base64url_decode(arena, cursor, &bytes) || bytes.len < SIGNATURE_LEN)
        return false;
    const struct str signature = {bytes.ptr, SIGNATURE_LEN};
    const struct str place = {bytes.ptr + SIGNATURE_LEN, bytes.len - SIGNATURE_LEN};
    const struct str parts[] = {text_of(arena, query), place};
    return auth_is_signed(arena, &job->batch->lane->keys, PURPOSE, parts, 2, signature) &&
           query_read_place(query, place);
}

enum outcome job_query_behind(struct job *job, struct query *query, struct str cursor,
                              struct err *err)
{
    if (cursor.len == 0)
        return OUTCOME_DONE;
    if (!read_cursor(job, query, cursor)) {
        const enum outcome outcome =
            err_invalid(err, E_BAD_CURSOR, "the cursor is not one of this list");
        err_field_add(err, job_arena(job), STR("/cursor"),
                      "must be the nextCursor of a page with the same filters");
        return outcome;
    }
    return OUTCOME_DONE;
}

struct str job_cursor(struct job *job, const struct query *query, const void *doc)
{
    struct arena *arena = job_arena(job);
    struct query next = *query;
    query_go_on(&next, doc);
    const struct str parts[] = {text_of(arena, query), place_text(arena, &next)};
    const struct str signature = auth_sign(arena, &job->batch->lane->keys, PURPOSE, parts, 2);
    const struct str bytes = str_printf(arena, "%.*s%.*s", STR_FMT(signature), STR_FMT(parts[1]));
    return base64url(arena, bytes.ptr, bytes.len);
}
