/* store.c - hands every call of store.h to the implementation behind the struct. */
#include "store/store.h"

#include "base/id.h"
#include "store/store_ops.h"

void store_close(struct store *store)
{
    if (store)
        store->ops->close(store);
}

enum outcome store_unknown_type(const struct doc_type *type, struct err *err)
{
    return err_bug(
        err,
        "collection %s is in no table: add its doc_type to `types` in workers/shop.c, then "
        "run `cartwright index`",
        type->collection);
}

enum outcome store_ping(struct store *store, struct err *err)
{
    return store->ops->ping(store, err);
}

enum outcome store_find(struct store *store, struct arena *arena, struct store_find *find,
                        struct err *err)
{
    return store->ops->find(store, arena, find, err);
}

enum outcome store_query(struct store *store, struct arena *arena, const struct query *query,
                         struct query_page *out, struct err *err)
{
    return store->ops->query(store, arena, query, out, err);
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

enum outcome store_journal_find(struct store *store, struct arena *arena,
                                const struct journal_key *keys, size_t count,
                                struct journal_reply **out, size_t *out_count, struct err *err)
{
    return store->ops->journal_find(store, arena, keys, count, out, out_count, err);
}

void store_commit_begin(struct store *store, const struct commit *commit)
{
    store->ops->commit_begin(store, commit);
}

enum outcome store_commit_end(struct store *store, struct err *err)
{
    return store->ops->commit_end(store, err);
}

bool store_commit_has_ended(const struct store *store)
{
    return store->ops->commit_has_ended(store);
}

int store_commit_fd(const struct store *store)
{
    return store->ops->commit_fd(store);
}

enum outcome store_commit(struct store *store, const struct commit *commit, struct err *err)
{
    store_commit_begin(store, commit);
    return store_commit_end(store, err);
}

enum outcome store_rehearse(struct store *store, const struct commit *commit, struct err *err)
{
    return store->ops->rehearse(store, commit, err);
}

enum outcome store_resolve(struct store *store, const struct commit *commit, struct err *err)
{
    return store->ops->resolve(store, commit, err);
}

enum outcome store_outbox(struct store *store, struct arena *arena, enum outbox part,
                          int64_t age_ms, size_t max, struct journal_entry **out, size_t *out_count,
                          struct err *err)
{
    return store->ops->outbox(store, arena, part, age_ms, max, out, out_count, err);
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

enum outcome store_put_off(struct store *store, const struct str *ids, size_t count,
                           int64_t first_ms, int64_t max_ms, struct err *err)
{
    return store->ops->put_off(store, ids, count, first_ms, max_ms, err);
}

enum outcome store_mark_published(struct store *store, const struct str *ids, size_t count,
                                  struct err *err)
{
    return store->ops->mark_published(store, ids, count, err);
}

enum outcome store_apply_indexes(struct store *store, void (*report)(const char *line),
                                 struct err *err)
{
    return store->ops->apply_indexes(store, report, err);
}

enum outcome store_check_indexes(struct store *store, struct err *err)
{
    return store->ops->check_indexes(store, err);
}

void store_session(struct store *store, uint8_t out[STORE_SESSION_BYTES])
{
    store->ops->session(store, out);
}

enum outcome store_kill_session(struct store *store, const uint8_t session[STORE_SESSION_BYTES],
                                struct err *err)
{
    return store->ops->kill_session(store, session, err);
}

enum outcome store_open_transactions(struct store *store, int64_t age_ms, int64_t *out,
                                     struct err *err)
{
    return store->ops->open_transactions(store, age_ms, out, err);
}

struct str doc_list_last(const struct doc_list *list)
{
    struct str last = list->count ? doc_head(list->items[list->count - 1])->id : STR_ABSENT;
    for (size_t i = 0; i < list->misfit_count; i++)
        if (str_cmp(list->misfits[i].id, last) > 0)
            last = list->misfits[i].id;
    return last;
}
