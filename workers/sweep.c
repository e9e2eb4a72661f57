/* sweep.c - goes through all documents of a collection, part by part. */
#include "sweep.h"

#include "base/clock.h"
#include "base/id.h"

#define TRIES_MAX 50 /* tries at one part whose documents keep changing */

static void take_copies(struct sweep_part *part, const struct doc_type *type,
                        const struct doc_list *docs)
{
    part->count = docs->count;
    for (size_t i = 0; i < docs->count; i++) {
        part->docs[i] = shape_clone(type->shape, part->arena, docs->items[i]);
        part->changed[i] = false;
    }
}

/* Fills `writes` with a guarded replace of each changed document; returns their number. */
static size_t writes_of(const struct sweep_part *part, const struct doc_type *type,
                        struct write *writes)
{
    size_t count = 0;
    for (size_t i = 0; i < part->count; i++) {
        struct doc_head *head = part->docs[i];
        if (!part->changed[i])
            continue;
        head->version++;
        writes[count++] = (struct write){
            .kind = WRITE_REPLACE, .type = type, .doc = head, .base_version = head->version - 1};
    }
    return count;
}

static enum outcome write_part(const struct sweep_part *part, const struct write *writes,
                               size_t count, struct err *err)
{
    const int64_t now = clock_now_ms();
    const struct commit commit = {
        .id = id_new(part->arena, now), .now = now, .writes = writes, .write_count = count};
    return count > 0 ? store_commit(part->store, &commit, err) : OUTCOME_DONE;
}

/* Brings the part behind `after` up to date. After CONFLICT and UNCERTAIN the part must be read
 * again, as it is then. */
static enum outcome sweep_part(const struct sweep *sweep, struct sweep_part *part, struct str after,
                               struct doc_list *docs, size_t *written, struct err *err)
{
    struct write writes[SWEEP_PART];
    TRY(store_scan(part->store, part->arena, sweep->type, after, SWEEP_PART, docs, err));
    take_copies(part, sweep->type, docs);
    TRY(sweep->renew(part, sweep->context, err));
    *written = writes_of(part, sweep->type, writes);
    return write_part(part, writes, *written, err);
}

static enum outcome sweep_until_done(const struct sweep *sweep, struct sweep_part *part,
                                     struct str after, struct doc_list *docs, size_t *written,
                                     struct err *err)
{
    enum outcome outcome = OUTCOME_CONFLICT;
    for (int i = 0; i < TRIES_MAX; i++) {
        outcome = sweep_part(sweep, part, after, docs, written, err);
        if (outcome != OUTCOME_CONFLICT && outcome != OUTCOME_UNCERTAIN)
            break;
    }
    return outcome;
}

static enum outcome sweep_all(const struct sweep *sweep, struct sweep_part *part,
                              struct swept *done, struct err *err)
{
    *done = (struct swept){0};
    char last[ID_TEXT + 1] = "";
    struct doc_list docs = {.count = SWEEP_PART};
    while (docs.count + docs.misfit_count == SWEEP_PART) {
        size_t written = 0;
        const struct str after = last[0] ? str_of(last) : STR_ABSENT;
        arena_clear(part->arena);
        TRY(sweep_until_done(sweep, part, after, &docs, &written, err));
        done->seen += (int64_t)docs.count;
        done->written += (int64_t)written;
        sweep->progress(done);
        const struct str seen = doc_list_last(&docs);
        if (seen.len == ID_TEXT)
            memcpy(last, seen.ptr, ID_TEXT);
        else if (docs.count + docs.misfit_count == SWEEP_PART)
            return err_bug(err, "%s has %zu ids of another kind", sweep->type->collection,
                           docs.misfit_count);
    }
    return OUTCOME_DONE;
}

enum outcome sweep_run(struct store *store, const struct sweep *sweep, struct swept *done,
                       struct err *err)
{
    struct arena arena;
    arena_init(&arena, 256 * 1024);
    struct sweep_part part = {.store = store, .arena = &arena};
    const enum outcome outcome = sweep_all(sweep, &part, done, err);
    arena_release(&arena);
    return outcome;
}
