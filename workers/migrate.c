/* migrate.c - goes through a collection and stores anew what is of an older form.
 *
 * The documents of a part are one commit. When that meets a conflict or cannot be stored, each of them
 * has a commit of its own, so that only the one that is to blame is left. */
#include "migrate.h"

#include "base/clock.h"
#include "base/id.h"

#define PART      100 /* documents: small, because commands on them meet a conflict meanwhile */
#define TRIES_MAX 10  /* at one document that keeps changing */

struct run {
    struct store *store;
    const struct migration *migration;
    struct migrated *done;
    struct arena part;  /* what was read */
    struct arena place; /* the id behind which the next part begins */
    struct arena commit;
};

static void keep_pace(const struct run *run, size_t written)
{
    const int64_t rate = run->migration->rate;
    if (rate > 0 && written > 0)
        clock_pause_ms(((int64_t)written * MS_PER_SECOND + rate - 1) / rate);
}

static enum outcome store_again(struct run *run, const void *const *docs, size_t count,
                                struct err *err)
{
    struct write writes[PART];
    const int64_t now = clock_now_ms();
    for (size_t i = 0; i < count; i++)
        writes[i] = (struct write){WRITE_REPLACE, run->migration->type, docs[i],
                                   doc_head(docs[i])->version};
    arena_clear(&run->commit);
    const struct commit commit = {
        .id = id_new(&run->commit, now), .now = now, .writes = writes, .write_count = count};
    const enum outcome outcome = store_commit(run->store, &commit, err);
    if (outcome == OUTCOME_DONE) {
        run->done->written += (int64_t)count;
        keep_pace(run, count);
    }
    return outcome;
}

/* *doc becomes the document as it is now; NULL when there is nothing to do for it any more. */
static enum outcome look_again(struct run *run, const void **doc, struct err *err)
{
    const struct str id = doc_head(*doc)->id;
    struct store_find find = {
        .type = run->migration->type, .path = "id", .values = &id, .count = 1};
    TRY(store_find(run->store, &run->part, &find, err));
    *doc = find.found.count && doc_head(find.found.items[0])->older ? find.found.items[0] : NULL;
    return OUTCOME_DONE;
}

/* An uncertain commit may still happen, which does no harm: it is guarded, and the document is looked
 * at again. */
static enum outcome store_alone(struct run *run, const void *doc, struct err *err)
{
    enum outcome outcome = OUTCOME_DONE;
    for (int i = 0; i < TRIES_MAX; i++) {
        outcome = look_again(run, &doc, err);
        if (outcome == OUTCOME_DONE && doc)
            outcome = store_again(run, &doc, 1, err);
        if (outcome != OUTCOME_CONFLICT && outcome != OUTCOME_UNCERTAIN)
            break;
    }
    return outcome;
}

static enum outcome store_one_by_one(struct run *run, const void *const *docs, size_t count,
                                     struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        const enum outcome outcome = store_alone(run, docs[i], err);
        if (outcome == OUTCOME_RETRY)
            return outcome;
        if (outcome == OUTCOME_DONE)
            continue;
        run->done->left++;
        run->migration->stays(run->migration->context, doc_head(docs[i])->id, str_of(err->text));
        err_clear(err);
    }
    return OUTCOME_DONE;
}

static enum outcome store_part(struct run *run, const struct doc_list *docs, struct err *err)
{
    const void *older[PART];
    size_t count = 0;
    for (size_t i = 0; i < docs->count; i++)
        if (doc_head(docs->items[i])->older)
            older[count++] = docs->items[i];
    run->done->older += (int64_t)count;
    if (count == 0 || run->migration->dry_run)
        return OUTCOME_DONE;
    const enum outcome outcome = store_again(run, older, count, err);
    if (outcome == OUTCOME_DONE || outcome == OUTCOME_RETRY)
        return outcome;
    err_clear(err);
    return store_one_by_one(run, older, count, err);
}

static void tell_misfits(struct run *run, const struct doc_list *docs)
{
    for (size_t i = 0; i < docs->misfit_count; i++)
        run->migration->stays(run->migration->context, docs->misfits[i].id, docs->misfits[i].why);
    run->done->misfits += (int64_t)docs->misfit_count;
}

/* Moves *after behind the part; *ended when there is nothing behind it. */
static enum outcome go_on(struct run *run, const struct doc_list *docs, struct str *after,
                          bool *ended, struct err *err)
{
    const struct str last = doc_list_last(docs);
    *ended = docs->count + docs->misfit_count < PART;
    if (!*ended && str_is_absent(last))
        return err_bug(err, "%s has %zu ids of another kind", run->migration->type->collection,
                       docs->misfit_count);
    arena_clear(&run->place);
    *after = str_dup(&run->place, last);
    return OUTCOME_DONE;
}

static enum outcome migrate_all(struct run *run, struct err *err)
{
    const struct migration *migration = run->migration;
    struct str after = STR_ABSENT;
    for (bool ended = false; !ended;) {
        struct doc_list docs;
        arena_clear(&run->part);
        TRY(store_scan(run->store, &run->part, migration->type, after, PART, &docs, err));
        run->done->seen += (int64_t)docs.count;
        tell_misfits(run, &docs);
        TRY(store_part(run, &docs, err));
        migration->progress(migration->context, run->done);
        TRY(go_on(run, &docs, &after, &ended, err));
    }
    return OUTCOME_DONE;
}

enum outcome migrate_run(struct store *store, const struct migration *migration,
                         struct migrated *done, struct err *err)
{
    struct run run = {.store = store, .migration = migration, .done = done};
    *done = (struct migrated){0};
    arena_init(&run.part, 256 * 1024);
    arena_init(&run.place, 1024);
    arena_init(&run.commit, 1024);
    const enum outcome outcome = migrate_all(&run, err);
    arena_release(&run.commit);
    arena_release(&run.place);
    arena_release(&run.part);
    return outcome;
}
