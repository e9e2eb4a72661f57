/* ledger_pages.c - appending to ledgers, and the pages that a commit makes of what was appended. */
#include "service/ledger.h"

#include "engine/batch.h"

/* LEDGER_FIELDS puts the entries last. */
static const struct shape *entry_shape(const struct doc_type *ledger)
{
    return ledger->shape->fields[ledger->shape->field_count - 1].shape;
}

const void *ledger_entry(const struct doc_type *ledger, const struct ledger_page *page, size_t i)
{
    return (const char *)page->entries.items + i * entry_shape(ledger)->size;
}

void job_append(struct job *job, const struct doc_type *ledger, const void *entry)
{
    struct appended *appended = ARENA_NEW(job_arena(job), struct appended);
    *appended = (struct appended){.ledger = ledger, .entry = entry};
    if (job->last_appended)
        job->last_appended->next = appended;
    else
        job->first_appended = appended;
    job->last_appended = appended;
}

/* --- pages --------------------------------------------------------------------------------------- */

/* Only the first page of a ledger can have the commit's id. */
static struct filled_page *begin_page(struct batch *batch, const struct doc_type *ledger,
                                      bool is_first, struct filled_page *next)
{
    struct filled_page *filled = ARENA_NEW(batch->run_arena, struct filled_page);
    *filled = (struct filled_page){.ledger = ledger, .next = next};
    filled->page.head = (struct doc_head){
        .id = is_first ? batch->commit.id : id_new(batch->run_arena, batch->now),
        .version = 1,
        .created_at = batch->now,
        .updated_at = batch->now,
    };
    return filled;
}

/* Returns the page of the ledger that has room; the newest pages are in front. */
static struct filled_page *open_page(struct batch *batch, const struct doc_type *ledger,
                                     struct filled_page **pages)
{
    struct filled_page *newest = *pages;
    while (newest && newest->ledger != ledger)
        newest = newest->next;
    if (!newest || newest->page.entries.count == LEDGER_PAGE_MAX)
        *pages = newest = begin_page(batch, ledger, !newest, *pages);
    return newest;
}

static void put_entry(struct arena *arena, struct filled_page *filled, const void *entry)
{
    const size_t size = entry_shape(filled->ledger)->size;
    struct any_list *entries = &filled->page.entries;
    entries->items = arena_grow(arena, entries->items, entries->count, size, &filled->capacity);
    memcpy((char *)entries->items + entries->count++ * size, entry, size);
}

struct filled_page *batch_ledger_pages(struct batch *batch, struct span span)
{
    struct filled_page *pages = NULL;
    for (size_t i = 0; i < span.count; i++) {
        if (!job_has_effects(&span.jobs[i]))
            continue;
        for (const struct appended *appended = span.jobs[i].first_appended; appended;
             appended = appended->next)
            put_entry(batch->run_arena, open_page(batch, appended->ledger, &pages),
                      appended->entry);
    }
    return pages;
}
