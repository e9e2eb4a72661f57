/* load.c - one round of everything that the batch wants: one call for all locks, one find per
 * collection, the pages (from the cache first), the rate limits, the passwords.
 *
 * Locks are taken first and documents are loaded after, so that a document that was loaded under
 * its lock cannot be changed by another lane until we commit. When Redis is away the batch goes on
 * without locks: the version guards prove the rest. */
#include "base/log.h"
#include "engine/batch.h"

struct strs {
    struct str *items;
    size_t count, capacity;
};

static void strs_add(struct arena *arena, struct strs *list, struct str item)
{
    list->items = arena_grow(arena, list->items, list->count, sizeof(struct str), &list->capacity);
    list->items[list->count++] = item;
}

/* --- locks ------------------------------------------------------------------------------------- */

/* A document that was read before the lock was ours, or that was a copy, may be old by now, so
 * it is loaded again. But a document that a decided message relies on stays, so that the
 * commit proves just that one. */
static void grant(struct cell *cell)
{
    cell->lease = LEASE_GRANTED;
    if (!cell->loaded || cell->dirty || cell->proven)
        return;
    cell->loaded = false;
    cell->wanted = true;
}

/* The document is locked elsewhere: a message that wants to change it waits for the next batch;
 * readers ask for it again. */
static void deny(struct cell *cell)
{
    cell->lease = LEASE_DENIED;
    cell->wanted = false;
}

static size_t wanted_leases(struct batch *batch, struct cell ***cells, struct str **keys)
{
    size_t count = 0;
    for (struct cell *cell = batch->set.first_cell; cell; cell = cell->next)
        count += cell->lease == LEASE_WANTED;
    *cells = arena_array(batch->run_arena, count, sizeof(**cells));
    *keys = arena_array(batch->run_arena, count, sizeof(**keys));
    size_t i = 0;
    for (struct cell *cell = batch->set.first_cell; cell; cell = cell->next) {
        if (cell->lease != LEASE_WANTED)
            continue;
        (*cells)[i] = cell;
        (*keys)[i] = workset_cell_key(batch->run_arena, cell);
        /* The batch has held the lease since an earlier run, and must not ask for it again: another
         * lane may be next in line by now. */
        if (map_get(&batch->held_keys, (*keys)[i]))
            grant(cell);
        else
            i++;
    }
    return i;
}

/* The lease is remembered beyond the run, because it outlives the run. */
static void hold(struct batch *batch, struct str key)
{
    batch->held = arena_grow(batch->arena, batch->held, batch->held_count, sizeof(struct str),
                             &batch->held_capacity);
    struct str *held = &batch->held[batch->held_count++];
    *held = str_dup(batch->arena, key);
    map_set(&batch->held_keys, *held, batch);
}

/* Takes the leases and asks for the stamps of the accounts behind tokens, in one round trip. */
static void take_leases(struct batch *batch, struct span span)
{
    struct cell **cells;
    struct str *keys;
    const size_t count = wanted_leases(batch, &cells, &keys);
    const struct stamps stamps = batch_stamps_due(batch, span);
    if (count == 0 && stamps.count == 0)
        return;
    struct lane *lane = batch->lane;
    bool *granted = arena_array(batch->run_arena, count, sizeof(bool));
    struct err err = {0};
    const bool asked =
        lock_take_stamped(lane->lock, keys, count, lane->owner, lane->settings->lease_ms, granted,
                          stamps.items, stamps.count, &err) == OUTCOME_DONE;
    if (!asked)
        lane->counters.unlocked_batches++;
    batch_stamps_told(&stamps, asked);
    for (size_t i = 0; i < count; i++) {
        if (asked && !granted[i]) {
            deny(cells[i]);
            continue;
        }
        grant(cells[i]);
        if (asked)
            hold(batch, keys[i]);
    }
}

/* --- documents --------------------------------------------------------------------------------- */

static void log_misfits(const struct doc_type *type, const struct doc_list *list)
{
    for (size_t i = 0; i < list->misfit_count; i++) {
        struct log_line line;
        log_begin(&line, LOG_WARN, "a document cannot be read");
        log_str(&line, "collection", str_of(type->collection));
        log_str(&line, "id", list->misfits[i].id);
        log_str(&line, "reason", list->misfits[i].why);
        log_end(&line);
    }
}

static bool is_due(const struct cell *cell)
{
    return cell->wanted && !cell->loaded;
}

/* Copies serve readers only, and not after a conflict, when the truth is wanted. */
static struct doc_cache *usable_cache(struct batch *batch, const struct doc_type *type)
{
    if (!type->cache_tag || batch->doubtful)
        return NULL;
    if (!batch->copies_validated) {
        doc_caches_validate(batch->lane, batch->run_arena, batch->now);
        batch->copies_validated = true;
    }
    return doc_cache_of(&batch->lane->docs, type);
}

static bool from_cache(const struct doc_cache *cache, struct cell *cell)
{
    const bool may_be_old = cell->lease == LEASE_NONE && !cell->anew;
    const void *copy = cache && may_be_old ? doc_cache_get(cache, cell->id) : NULL;
    if (copy)
        workset_loaded(cell, copy);
    return copy != NULL;
}

/* Takes what the batch ahead wrote: either that batch commits before this one, or
 * this one does not commit. */
static bool from_ahead(struct batch *batch, struct cell *cell)
{
    const struct cell *theirs =
        batch->ahead ? workset_find(&batch->ahead->set, batch->run_arena, cell->type, cell->id)
                     : NULL;
    if (!theirs || !theirs->dirty)
        return false;
    /* All of it is copied, strings as well: the batch ahead is gone before this one is settled. */
    workset_loaded(cell, theirs->doc ? shape_copy(cell->type->shape, batch->run_arena, theirs->doc)
                                     : NULL);
    return true;
}

static bool is_any_due(const struct batch *batch, const struct doc_type *type)
{
    for (const struct cell *cell = batch->set.first_cell; cell; cell = cell->next)
        if (cell->type == type && is_due(cell))
            return true;
    return false;
}

/* A document that cannot be read fails only the messages that need it (job_doc). */
static void note_misfits(struct batch *batch, const struct doc_type *type,
                         const struct doc_list *found)
{
    for (size_t i = 0; i < found->misfit_count; i++) {
        const struct misfit *misfit = &found->misfits[i];
        struct cell *cell = workset_cell(&batch->set, type, misfit->id);
        workset_loaded(cell, NULL);
        cell->misfit = misfit->why;
    }
    log_misfits(type, found);
}

static enum outcome load_type(struct batch *batch, const struct doc_type *type, struct err *err)
{
    if (!is_any_due(batch, type))
        return OUTCOME_DONE;
    struct doc_cache *cache = usable_cache(batch, type);
    struct strs ids = {0};
    for (struct cell *cell = batch->set.first_cell; cell; cell = cell->next)
        if (cell->type == type && is_due(cell) && !from_ahead(batch, cell) &&
            !from_cache(cache, cell))
            strs_add(batch->run_arena, &ids, cell->id);
    if (ids.count == 0)
        return OUTCOME_DONE;
    struct store_find find = {.type = type, .path = "id", .values = ids.items, .count = ids.count};
    slot_alive(batch->lane->slot);
    const enum outcome outcome = store_find(batch->lane->store, batch->run_arena, &find, err);
    if (outcome != OUTCOME_DONE && find.found.misfit_count == 0)
        return outcome;
    note_misfits(batch, type, &find.found);
    for (size_t i = 0; i < find.found.count; i++) {
        const void *doc = find.found.items[i];
        workset_loaded(workset_cell(&batch->set, type, doc_head(doc)->id), doc);
        if (cache)
            doc_cache_put(cache, doc);
    }
    for (struct cell *cell = batch->set.first_cell; cell; cell = cell->next)
        if (cell->type == type && is_due(cell))
            workset_loaded(cell, NULL);
    return OUTCOME_DONE;
}

/* A document that is still due is of a type that is in no table: only the messages that
 * need it fail, and say so. */
static void note_unknown_types(struct batch *batch)
{
    for (struct cell *cell = batch->set.first_cell; cell; cell = cell->next) {
        struct err unknown = {0};
        if (!is_due(cell))
            continue;
        (void)store_unknown_type(cell->type, &unknown);
        workset_loaded(cell, NULL);
        cell->misfit = str_dup(batch->run_arena, str_of(unknown.text));
    }
}

static enum outcome load_documents(struct batch *batch, struct err *err)
{
    const struct doc_type *const *types = batch->lane->service->types;
    for (size_t i = 0; types[i]; i++)
        TRY(load_type(batch, types[i], err));
    note_unknown_types(batch);
    return OUTCOME_DONE;
}

/* --- documents by a unique field ----------------------------------------------------------------- */

static bool same_look_up(const struct alias *a, const struct alias *b)
{
    return a->type == b->type && strcmp(a->field, b->field) == 0;
}

static void resolve_aliases(struct batch *batch, const struct alias *like, const void *doc)
{
    const struct field *field = shape_field(like->type->shape, str_of(like->field));
    if (!field)
        panic("%s has no field %s", like->type->collection, like->field);
    const struct str value = *(const struct str *)field_at(field, doc);
    struct alias *alias = workset_alias(&batch->set, like->type, like->field, value);
    struct cell *cell = workset_cell(&batch->set, like->type, doc_head(doc)->id);
    if (!cell->loaded)
        workset_loaded(cell, doc);
    alias->cell = cell;
    alias->loaded = true;
}

/* Loads all look-ups of the same field as `first`, in one find. */
static enum outcome load_alias_group(struct batch *batch, const struct alias *first,
                                     struct err *err)
{
    struct strs values = {0};
    for (struct alias *alias = batch->set.first_alias; alias; alias = alias->next)
        if (!alias->loaded && same_look_up(alias, first))
            strs_add(batch->run_arena, &values, alias->value);
    struct store_find find = {
        .type = first->type, .path = first->field, .values = values.items, .count = values.count};
    slot_alive(batch->lane->slot);
    TRY(store_find(batch->lane->store, batch->run_arena, &find, err));
    for (size_t i = 0; i < find.found.count; i++)
        resolve_aliases(batch, first, find.found.items[i]);
    for (struct alias *alias = batch->set.first_alias; alias; alias = alias->next)
        if (same_look_up(alias, first))
            alias->loaded = true;
    return OUTCOME_DONE;
}

static enum outcome load_aliases(struct batch *batch, struct err *err)
{
    for (struct alias *alias = batch->set.first_alias; alias; alias = alias->next) {
        if (alias->loaded)
            continue;
        TRY(batch_await_ahead(batch, err));
        TRY(load_alias_group(batch, alias, err));
    }
    return OUTCOME_DONE;
}

/* --- pages: the shared cache, then the database ----------------------------------------------------

   The cache holds for each page: our signature of all the rest and of the query that the page
   answers, the time at which it was read, the total, the documents. Somebody who can write to Redis
   can neither make a page nor pass one off as another, nor as younger than it is. (A generation
   needs no signature: a forged one is merely another one, and an old one that is put back keeps a
   page for the page's own short life. Nothing that comes from there is more than shown.) */

#define PAGE_SIGNATURE 32 /* hex digits */

struct page_head {
    char signature[PAGE_SIGNATURE];
    int64_t read_at; /* ms */
    int64_t total;
    int64_t misfits; /* documents that were skipped */
};

#define PAGE_PURPOSE "cached page"
#define PAGE_PARTS   4

static void page_parts(const struct page_need *need, struct str page, struct str parts[PAGE_PARTS])
{
    parts[0] = need->cache_tag;
    parts[1] = (struct str){(const char *)&need->generation, sizeof(need->generation)};
    parts[2] = need->key;
    parts[3] = (struct str){page.ptr + PAGE_SIGNATURE, page.len - PAGE_SIGNATURE};
}

/* Returns the page as the cache holds it; absent when it cannot be kept. */
static struct str encode_page(struct batch *batch, const struct page_need *need)
{
    const struct str docs = store_encode(batch->run_arena, need->query.type, &need->page.docs);
    const struct page_head head = {.read_at = batch->now,
                                   .total = need->page.total,
                                   .misfits = (int64_t)need->page.docs.misfit_count};
    if (str_is_absent(docs))
        return STR_ABSENT;
    char *bytes = arena_bytes(batch->run_arena, sizeof(head) + docs.len);
    const struct str page = {bytes, sizeof(head) + docs.len};
    struct str parts[PAGE_PARTS];
    memcpy(bytes, &head, sizeof(head));
    memcpy(bytes + sizeof(head), docs.ptr, docs.len);
    page_parts(need, page, parts);
    const struct str signature =
        auth_sign(batch->run_arena, &batch->lane->keys, PAGE_PURPOSE, parts, PAGE_PARTS);
    memcpy(bytes, signature.ptr, PAGE_SIGNATURE);
    return page;
}

static bool decode_page(struct batch *batch, struct page_need *need, struct str page)
{
    struct page_head head;
    struct str parts[PAGE_PARTS];
    if (page.len < sizeof(head))
        return false;
    memcpy(&head, page.ptr, sizeof(head));
    page_parts(need, page, parts);
    const struct str signature = {head.signature, PAGE_SIGNATURE};
    if (!auth_is_signed(batch->run_arena, &batch->lane->keys, PAGE_PURPOSE, parts, PAGE_PARTS,
                        signature) ||
        batch->now - head.read_at >= batch->lane->service->cache_ms)
        return false;
    need->page.total = head.total;
    const struct str docs = {page.ptr + sizeof(head), page.len - sizeof(head)};
    if (!store_decode(batch->run_arena, need->query.type, docs, &need->page.docs))
        return false;
    need->page.docs.misfit_count = (size_t)head.misfits;
    need->page.docs.misfits =
        arena_array(batch->run_arena, need->page.docs.misfit_count, sizeof(struct misfit));
    return true;
}

static size_t cacheable_pages(struct batch *batch, struct page_need ***out)
{
    size_t count = 0;
    for (struct page_need *need = batch->set.first_page; need; need = need->next)
        count += !need->loaded && !str_is_absent(need->cache_tag);
    *out = arena_array(batch->run_arena, count, sizeof(**out));
    size_t i = 0;
    for (struct page_need *need = batch->set.first_page; need; need = need->next)
        if (!need->loaded && !str_is_absent(need->cache_tag))
            (*out)[i++] = need;
    return count;
}

static struct cache_item *cache_items(struct batch *batch, struct page_need **needs, size_t count)
{
    struct cache_item *items = arena_array(batch->run_arena, count, sizeof(*items));
    for (size_t i = 0; i < count; i++) {
        items[i].tag = needs[i]->cache_tag;
        items[i].key = needs[i]->key;
    }
    return items;
}

/* A cached page that cannot be had or read is simply queried, and stored again: the
 * cache is only for speed. */
static bool pages_from_cache(struct batch *batch, struct page_need **needs, size_t count,
                             struct cache_item *items)
{
    struct err ignored = {0};
    if (cache_get(batch->lane->lock, batch->run_arena, items, count, &ignored) != OUTCOME_DONE)
        return false;
    for (size_t i = 0; i < count; i++) {
        needs[i]->generation = items[i].generation;
        needs[i]->loaded =
            !str_is_absent(items[i].value) && decode_page(batch, needs[i], items[i].value);
        if (!needs[i]->loaded)
            items[i].value = STR_ABSENT;
    }
    return true;
}

static void pages_to_cache(struct batch *batch, struct page_need **needs, size_t count,
                           struct cache_item *items)
{
    size_t missed = 0;
    for (size_t i = 0; i < count; i++) {
        if (!str_is_absent(items[i].value))
            continue;
        items[missed] = items[i];
        items[missed].value = encode_page(batch, needs[i]);
        missed += !str_is_absent(items[missed].value);
    }
    struct err ignored = {0};
    if (missed)
        (void)!cache_put(batch->lane->lock, items, missed, batch->lane->service->cache_ms,
                         &ignored);
}

static enum outcome query_pages(struct batch *batch, struct err *err)
{
    for (struct page_need *need = batch->set.first_page; need; need = need->next) {
        if (need->loaded)
            continue;
        TRY(batch_await_ahead(batch, err));
        slot_alive(batch->lane->slot);
        TRY(store_query(batch->lane->store, batch->run_arena, &need->query, &need->page, err));
        log_misfits(need->query.type, &need->page.docs);
        need->loaded = true;
    }
    return OUTCOME_DONE;
}

static enum outcome load_pages(struct batch *batch, struct err *err)
{
    if (!batch->set.first_page)
        return OUTCOME_DONE;
    struct page_need **needs;
    const size_t count = cacheable_pages(batch, &needs);
    struct cache_item *items = cache_items(batch, needs, count);
    const bool cached = count > 0 && pages_from_cache(batch, needs, count, items);
    TRY(query_pages(batch, err));
    if (cached)
        pages_to_cache(batch, needs, count, items);
    return OUTCOME_DONE;
}

/* --- passwords and rates --------------------------------------------------------------------------- */

static enum outcome hash_or_verify(struct batch *batch, struct password_need *need, struct err *err)
{
    const struct password_cost cost = lane_password_cost(batch->lane);
    return need->make ? password_hash(batch->arena, need->password, cost, &need->made, err)
                      : password_verify(need->hash, need->password, cost, &need->matches, err);
}

/* The password is the handler's own work, done on its behalf, so it counts
 * as a run of the handler. */
static enum outcome load_password(struct job *job, struct password_need *need, struct err *err)
{
    struct lane_slot *slot = job->batch->lane->slot;
    slot_alive(slot);
    slot_suspect(slot, job->digest);
    const enum outcome outcome = hash_or_verify(job->batch, need, err);
    slot_clear(slot);
    need->loaded = outcome == OUTCOME_DONE;
    return outcome;
}

static enum outcome load_passwords(struct span span, struct err *err)
{
    for (size_t i = 0; i < span.count; i++)
        for (struct password_need *need = span.jobs[i].passwords; need; need = need->next)
            if (!need->loaded)
                TRY(load_password(&span.jobs[i], need, err));
    return OUTCOME_DONE;
}

static size_t open_rates(struct span span, struct rate_need **needs)
{
    size_t count = 0;
    for (size_t i = 0; i < span.count; i++)
        for (struct rate_need *need = span.jobs[i].rates; need; need = need->next) {
            if (need->loaded)
                continue;
            if (needs)
                needs[count] = need;
            count++;
        }
    return count;
}

/* Limits that only this lane counts are weaker, so the log tells of each change once. */
static void note_limits(struct lane *lane, bool asked, size_t count, const struct err *err)
{
    lane->counters.local_limits += asked ? 0 : (int64_t)count;
    lane->slot->local_limits += asked ? 0 : (int64_t)count;
    if (lane->limits_are_local == !asked)
        return;
    lane->limits_are_local = !asked;
    struct log_line line;
    log_begin(&line, asked ? LOG_INFO : LOG_WARN,
              asked ? "rate limits are common to all lanes again"
                    : "rate limits are counted by this lane alone");
    if (!asked)
        log_err(&line, err);
    log_end(&line);
}

static void load_rates(struct batch *batch, struct span span)
{
    const size_t count = open_rates(span, NULL);
    if (count == 0)
        return;
    struct rate_need **needs = arena_array(batch->run_arena, count, sizeof(*needs));
    struct rate_limit *limits = arena_array(batch->run_arena, count, sizeof(*limits));
    open_rates(span, needs);
    for (size_t i = 0; i < count; i++)
        limits[i] = needs[i]->limit;
    struct err err = {0};
    const bool asked = rate_take(batch->lane->lock, limits, count, &err) == OUTCOME_DONE;
    note_limits(batch->lane, asked, count, &err);
    for (size_t i = 0; i < count; i++) {
        needs[i]->limit.allowed = limits[i].allowed;
        needs[i]->limit.wait_ms = limits[i].wait_ms;
        needs[i]->loaded = true;
    }
}

enum outcome batch_load(struct batch *batch, struct span span, struct err *err)
{
    take_leases(batch, span);
    TRY(load_documents(batch, err));
    TRY(load_aliases(batch, err));
    TRY(load_pages(batch, err));
    load_rates(batch, span);
    return load_passwords(span, err);
}
