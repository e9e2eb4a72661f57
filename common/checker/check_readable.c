/* check_readable.c - every stored document fits its table.
 *
 * Lists skip a document that does not fit, so that it does not stand in the way of others; this
 * invariant finds it. */
#include "checker/check_parts.h"

static void report(struct check *check, const struct check_cursor *cursor)
{
    for (size_t i = 0; i < cursor->page.misfit_count; i++)
        check_found(check, cursor->type->collection, cursor->page.misfits[i].id,
                    "it cannot be read: %.*s", STR_FMT(cursor->page.misfits[i].why));
}

static enum outcome verify_type(struct check *check, const struct doc_type *type, struct err *err)
{
    struct check_cursor cursor = check_cursor(check, type, STR_ABSENT);
    while (!cursor.ended) {
        TRY(check_next_page(&cursor, err));
        report(check, &cursor);
    }
    return OUTCOME_DONE;
}

static enum outcome verify_readable(struct check *check, struct err *err)
{
    const struct doc_type *const *types = check->options->service->types;
    for (size_t i = 0; types[i]; i++)
        TRY(verify_type(check, types[i], err));
    return OUTCOME_DONE;
}

const struct invariant readable_invariant = {
    .name = "readable",
    .summary = "every document can be read by this release",
    .verify = verify_readable,
};
