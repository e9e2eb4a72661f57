/* audit.c - who did what to dead letters. */
#include "letters/audit.h"

#include "base/id.h"

static const char *const action_names[] = {"replay", "edit", "park", "discard", "purge", NULL};
static const char *const state_names[] = {"begun", "done", "stopped", "failed", NULL};

#define AUDIT(field_name, field_kind, member, ...)                                                 \
    {                                                                                              \
        .name = (field_name), .kind = (field_kind), .offset = offsetof(struct dead_audit, member), \
        __VA_ARGS__                                                                                \
    }
#define OPTIONAL_TEXT(name, member) AUDIT(name, FIELD_STR, member, .flags = FIELD_OPTIONAL)

static const struct field audit_fields[] = {
    DOC_FIELDS(struct dead_audit, FIELD_ID),
    AUDIT("action", FIELD_ENUM, action, .names = action_names),
    AUDIT("state", FIELD_ENUM, state, .names = state_names),
    AUDIT("by", FIELD_STR, by, ),
    AUDIT("worker", FIELD_STR, domain, ), /* the name in records of earlier releases */
    OPTIONAL_TEXT("messageId", message_id),
    OPTIONAL_TEXT("newMessageId", new_id),
    OPTIONAL_TEXT("fingerprint", fingerprint),
    OPTIONAL_TEXT("reason", reason),
    OPTIONAL_TEXT("before", before),
    OPTIONAL_TEXT("after", after),
    AUDIT("count", FIELD_INT, count, ),
    AUDIT("left", FIELD_INT, left, ),
};

static const struct shape audit_shape =
    DOC_SHAPE("DeadLetterAudit", struct dead_audit, audit_fields);

const struct doc_type dead_audit_type = {.collection = "deadLetterAudit", .shape = &audit_shape};

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
