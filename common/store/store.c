/* store.c - the calls of store.h that do more than call the implementation behind the struct. */
#include "store/store.h"

#include "base/id.h"

enum outcome store_unknown_type(const struct doc_type *type, struct err *err)
{
    return err_bug(
        err,
        "collection %s is in no table: `types` of workers/shop.c has no doc_type of it; add that, then "
        "run `cartwright index`",
        type->collection);
}

/* The first field is the key: DOC_FIELDS puts it there. */
static bool may_be_key(const struct doc_type *type, struct str id)
{
    return type->shape->fields[0].kind != FIELD_ID || id_is_valid(id);
}

enum outcome store_scan(struct store *store, struct arena *arena, const struct doc_type *type,
                        struct str after, size_t max, struct doc_list *out, struct err *err)
{
    if (!str_is_absent(after) && !may_be_key(type, after))
        return err_bug(err, "%s: %.*s is not an id", type->collection, STR_FMT(after));
    if (max > 0)
        return store->ops->scan(store, arena, type, after, max, out, err);
    *out = (struct doc_list){0};
    return OUTCOME_DONE;
}

enum outcome store_commit(struct store *store, const struct commit *commit, struct err *err)
{
    store_commit_begin(store, commit);
    return store_commit_end(store, err);
}

enum outcome store_journal_scan(struct store *store, struct arena *arena, int64_t since_ms,
                                struct str after, size_t max, struct journal_entry **out,
                                size_t *out_count, struct err *err)
{
    if (!str_is_absent(after) && !id_is_valid(after))
        return err_bug(err, "journal: %.*s is not an id", STR_FMT(after));
    if (max > 0)
        return store->ops->journal_scan(store, arena, since_ms, after, max, out, out_count, err);
    *out = NULL;
    *out_count = 0;
    return OUTCOME_DONE;
}

struct str doc_list_last(const struct doc_list *list)
{
    struct str last = list->count ? doc_head(list->items[list->count - 1])->id : STR_ABSENT;
    for (size_t i = 0; i < list->misfit_count; i++)
        if (str_cmp(list->misfits[i].id, last) > 0)
            last = list->misfits[i].id;
    return last;
}
