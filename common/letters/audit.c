/* audit.c - who did what to dead letters. */
#include "letters/audit.h"

#include "base/id.h"

static enum outcome commit(struct dead_office *office, enum write_kind kind,
                           const struct dead_audit *audit, int64_t base_version, struct err *err)
{
    struct arena arena;
    arena_init(&arena, 1024);
    const struct write write = {kind, &dead_audit_type, audit, base_version};
    const struct commit one = {.id = id_new(&arena, audit->head.updated_at),
                               .now = audit->head.updated_at,
                               .writes = &write,
                               .write_count = 1};
    enum outcome outcome = store_commit(office->store, &one, err);
    if (outcome == OUTCOME_UNCERTAIN)
        outcome = store_resolve(office->store, &one, err);
    arena_release(&arena);
    return outcome;
}

enum outcome dead_audit_begin(struct dead_office *office, struct dead_audit *audit, struct err *err)
{
    const int64_t now = office->now_ms();
    audit->head = (struct doc_head){
        .id = office->command, .version = 1, .created_at = now, .updated_at = now};
    audit->by = office->by;
    audit->state = DEAD_BEGUN;
    return commit(office, WRITE_INSERT, audit, 0, err);
}

enum outcome dead_audit_end(struct dead_office *office, struct dead_audit *audit, struct err *err)
{
    audit->head.version++;
    audit->head.updated_at = office->now_ms();
    return commit(office, WRITE_REPLACE, audit, audit->head.version - 1, err);
}
