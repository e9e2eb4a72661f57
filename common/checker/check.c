/* check.c - runs all invariants, and gives them cursors, look-ups and findings. */
#include "checker/check.h"

#include <stdarg.h>
#include <stdio.h>

#include "checker/check_parts.h"

#define MEMORY_DEFAULT (64u << 20)
#define PAGE_BYTES     (4u << 20) /* the memory that a page of documents should take */
#define PAGE_MAX       256
#define PAGE_FIRST     16
#define BLOCK_BYTES    (64 * 1024)
#define SMALL_BYTES    1024
#define FINDING_MAX    1024

/* --- findings ----------------------------------------------------------------------------------------- */

bool check_is_quiesced(const struct check *check)
{
    return check->options->quiesced;
}

int64_t check_findings(const struct check *check)
{
    return check->findings;
}

void check_found(struct check *check, const char *collection, struct str id, const char *format,
                 ...)
{
    char text[FINDING_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    arena_clear(&check->text);
    const struct finding finding = {
        .invariant = check->invariant->name,
        .subject =
            id.len ? str_join(&check->text, str_of(collection), ' ', id) : str_of(collection),
        .text = str_of(text),
    };
    check->findings++;
    check->totals.findings++;
    check->options->found(check->options->context, &finding);
}

void check_took_page(struct check *check, size_t count)
{
    check->documents += (int64_t)count;
    check->totals.documents += (int64_t)count;
    if (check->options->progress)
        check->options->progress(check->options->context, check->invariant->name, check->documents);
    const size_t bytes_each = count ? check->page.used / count + 1 : PAGE_BYTES;
    const size_t wanted = PAGE_BYTES / bytes_each;
    /* A page is at most twice as long as the one before: large documents may follow small ones. */
    const size_t most = 2 * check->page_max < PAGE_MAX ? 2 * check->page_max : PAGE_MAX;
    check->page_max = wanted < 1 ? 1 : wanted < most ? wanted : most;
}

/* --- cursors ------------------------------------------------------------------------------------------ */

struct check_cursor check_cursor(struct check *check, const struct doc_type *type, struct str after)
{
    arena_clear(&check->page);
    check->page_max = PAGE_FIRST;
    return (struct check_cursor){.check = check, .type = type, .after = after};
}

bool check_ends_page(const struct check_cursor *cursor)
{
    return cursor->next == cursor->page.count;
}

enum outcome check_next_page(struct check_cursor *cursor, struct err *err)
{
    struct check *check = cursor->check;
    const struct str last = doc_list_last(&cursor->page);
    if (last.len) {
        arena_clear(&check->place);
        cursor->after = str_dup(&check->place, last);
    }
    arena_clear(&check->page);
    const size_t max = check->page_max;
    TRY(store_scan(check->options->store, &check->page, cursor->type, cursor->after, max,
                   &cursor->page, err));
    const size_t seen = cursor->page.count + cursor->page.misfit_count;
    cursor->next = 0;
    cursor->ended = seen < max;
    check_took_page(check, cursor->page.count);
    if (!cursor->ended && str_is_absent(doc_list_last(&cursor->page)))
        return err_bug(err, "%s has %zu ids of another kind", cursor->type->collection, seen);
    return OUTCOME_DONE;
}

enum outcome check_next(struct check_cursor *cursor, const void **doc, struct err *err)
{
    while (check_ends_page(cursor) && !cursor->ended)
        TRY(check_next_page(cursor, err));
    *doc = check_ends_page(cursor) ? NULL : cursor->page.items[cursor->next++];
    return OUTCOME_DONE;
}

/* --- look-ups ----------------------------------------------------------------------------------------- */

enum outcome check_find(struct check *check, const struct doc_type *type, const struct str *ids,
                        size_t count, struct doc_list *out, struct err *err)
{
    struct store_find find = {
        .type = type, .path = "id", .values = ids, .count = count, .of_majority = true};
    arena_clear(&check->found);
    *out = (struct doc_list){0};
    if (count == 0)
        return OUTCOME_DONE;
    const enum outcome outcome = store_find(check->options->store, &check->found, &find, err);
    if (outcome != OUTCOME_DONE && find.found.misfit_count == 0)
        return outcome;
    *out = find.found; /* unreadable documents are left out: readable_invariant reports them */
    return OUTCOME_DONE;
}

enum outcome check_find_one(struct check *check, const struct doc_type *type, struct str id,
                            const void **out, struct err *err)
{
    struct doc_list found;
    TRY(check_find(check, type, &id, 1, &found, err));
    *out = found.count ? found.items[0] : NULL;
    return OUTCOME_DONE;
}

const void *check_doc_of(const struct doc_list *docs, struct str id)
{
    for (size_t i = 0; i < docs->count; i++)
        if (str_eq(doc_head(docs->items[i])->id, id))
            return docs->items[i];
    return NULL;
}

enum outcome check_query(struct check *check, const struct query *query, struct query_page *out,
                         struct err *err)
{
    arena_clear(&check->pages);
    return store_query(check->options->store, &check->pages, query, out, err);
}

/* --- all invariants ----------------------------------------------------------------------------------- */

static enum outcome visit_all(struct check *check, const struct invariant *invariant,
                              struct err *err)
{
    struct check_cursor cursor = check_cursor(check, invariant->type, STR_ABSENT);
    const void *doc;
    for (;;) {
        TRY(check_next(&cursor, &doc, err));
        if (!doc)
            return OUTCOME_DONE;
        invariant->visit(check, doc);
    }
}

static enum outcome verify_all(struct check *check, const struct invariant *const *invariants,
                               struct err *err)
{
    for (size_t i = 0; invariants && invariants[i]; i++) {
        check->invariant = invariants[i];
        check->documents = check->findings = 0;
        TRY(invariants[i]->verify ? invariants[i]->verify(check, err)
                                  : visit_all(check, invariants[i], err));
    }
    return OUTCOME_DONE;
}

static void init(struct check *check, const struct check_options *options)
{
    *check = (struct check){
        .options = options,
        .memory_max = options->memory_max ? options->memory_max : MEMORY_DEFAULT,
    };
    arena_init(&check->page, BLOCK_BYTES);
    arena_init(&check->place, SMALL_BYTES);
    arena_init(&check->found, BLOCK_BYTES);
    arena_init(&check->pages, BLOCK_BYTES);
    arena_init(&check->text, SMALL_BYTES);
}

static void release(struct check *check)
{
    arena_release(&check->page);
    arena_release(&check->place);
    arena_release(&check->found);
    arena_release(&check->pages);
    arena_release(&check->text);
}

enum outcome check_run(const struct check_options *options, struct check_totals *totals,
                       struct err *err)
{
    struct check check;
    init(&check, options);
    enum outcome outcome = verify_all(&check, engine_invariants, err);
    const struct domain *const *domains = options->service->domains;
    for (size_t i = 0; outcome == OUTCOME_DONE && domains[i]; i++)
        outcome = verify_all(&check, domains[i]->invariants, err);
    *totals = check.totals;
    release(&check);
    return outcome;
}
