/* cursor.c - cursors: where a page of a query ended, in a form that clients hand back.
 *
 * A cursor holds the values by which the last document is sorted, so the next page is a range
 * of an index and costs the same wherever it begins. The cursor is signed together with what
 * the query asks for: nobody can make one, or use one with other filters. It holds nothing that
 * the page did not show, so it need not be sealed; and a signature, unlike a seal, is the same
 * on every run of a handler. */
#include <inttypes.h>

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

/* Writes the values of the sorts, each as "<number> <bytes of the text>:<text>". */
static struct str place_text(struct arena *arena, const struct query *query, const void *doc)
{
    struct query_value place[QUERY_SORTS_MAX] = {0};
    struct text text;
    query_place(query, doc, place);
    text_init(&text, arena, 128);
    for (size_t i = 0; i < query->sort_count; i++) {
        text_printf(&text, "%" PRId64 " %zu:", place[i].number, place[i].text.len);
        text_append_str(&text, place[i].text);
    }
    return text_str(&text);
}

/* Cuts the number that ends at `end` off the front of *rest; false when there is none. */
static bool take_number(struct str *rest, char end, int64_t *out)
{
    const char *at = memchr(rest->ptr, end, rest->len);
    if (!at || !str_to_int64((struct str){rest->ptr, (size_t)(at - rest->ptr)}, out))
        return false;
    rest->len -= (size_t)(at + 1 - rest->ptr);
    rest->ptr = at + 1;
    return true;
}

static bool take_value(struct str *rest, struct query_value *out)
{
    int64_t len = 0;
    if (!take_number(rest, ' ', &out->number) || !take_number(rest, ':', &len) || len < 0 ||
        (uint64_t)len > rest->len)
        return false;
    out->text = (struct str){rest->ptr, (size_t)len};
    *rest = (struct str){rest->ptr + len, rest->len - (size_t)len};
    return true;
}

/* False when the cursor is not one of ours, or not one of this query. */
static bool read_cursor(struct job *job, const struct query *query, struct str cursor,
                        struct query_value place[QUERY_SORTS_MAX])
{
    struct arena *arena = job_arena(job);
    struct str bytes;
    if (!base64url_decode(arena, cursor, &bytes) || bytes.len < SIGNATURE_LEN)
        return false;
    const struct str signature = {bytes.ptr, SIGNATURE_LEN};
    struct str rest = {bytes.ptr + SIGNATURE_LEN, bytes.len - SIGNATURE_LEN};
    const struct str parts[] = {text_of(arena, query), rest};
    if (!auth_is_signed(arena, &job->batch->lane->keys, PURPOSE, parts, 2, signature))
        return false;
    for (size_t i = 0; i < query->sort_count; i++)
        if (!take_value(&rest, &place[i]))
            return false;
    return rest.len == 0;
}

enum outcome job_query_behind(struct job *job, struct query *query, struct str cursor,
                              struct err *err)
{
    if (cursor.len == 0)
        return OUTCOME_DONE;
    if (!read_cursor(job, query, cursor, query->place)) {
        const enum outcome outcome =
            err_invalid(err, E_BAD_CURSOR, "the cursor is not one of this list");
        err_field_add(err, job_arena(job), STR("/cursor"),
                      "must be the nextCursor of a page with the same filters");
        return outcome;
    }
    query->behind = true;
    return OUTCOME_DONE;
}

struct str job_cursor(struct job *job, const struct query *query, const void *doc)
{
    struct arena *arena = job_arena(job);
    const struct str parts[] = {text_of(arena, query), place_text(arena, query, doc)};
    const struct str signature = auth_sign(arena, &job->batch->lane->keys, PURPOSE, parts, 2);
    const struct str bytes = str_printf(arena, "%.*s%.*s", STR_FMT(signature), STR_FMT(parts[1]));
    return base64url(arena, bytes.ptr, bytes.len);
}
