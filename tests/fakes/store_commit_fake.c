/* store_commit_fake.c - commits of the fake store. Every write is checked and staged beside the
 * documents as they are; then all writes take effect, or none. */
#include <stdlib.h>

#include "fakes/store_parts.h"

#define VERSION_BLOCK 1024

static const void *view(const struct fake_doc *doc)
{
    const struct fake_version *version = doc->staged ? doc->next : doc->current;
    return version ? version->doc : NULL;
}

/* --- unique indexes --------------------------------------------------------------------------- */

static bool take_value(void *context, const struct fake_value *value)
{
    *(struct fake_value *)context = *value;
    return true;
}

/* The value of `doc` at the path at the start of "a.b:1,c:1" or "a=exists". */
static struct fake_value value_at(const struct doc_type *type, const void *doc, const char *spec)
{
    struct fake_value value = {0};
    char path[128];
    const size_t len = strcspn(spec, ":,=");
    if (len >= sizeof(path))
        panic("an index path of %s is too long", type->collection);
    memcpy(path, spec, len);
    path[len] = '\0';
    fake_values(type->shape, doc, path, take_value, &value);
    return value;
}

/* Whether the index holds the document. A partial index holds only documents that meet its
 * condition: "x=exists", "flag=true", "status=open". */
static bool is_indexed(const struct doc_type *type, const struct doc_index *index, const void *doc)
{
    if (!index->only_when)
        return true;
    const struct fake_value value = value_at(type, doc, index->only_when);
    const struct str wanted = str_of(strchr(index->only_when, '=') + 1);
    int64_t number = 0;
    if (str_eq(wanted, STR("exists")) || !value.present)
        return value.present;
    if (value.is_text)
        return str_eq(value.text, wanted);
    if (!str_to_int64(wanted, &number))
        number = str_eq(wanted, STR("true"));
    return value.number == number;
}

static bool same_keys(const struct doc_type *type, const struct doc_index *index, const void *a,
                      const void *b)
{
    for (const char *at = index->keys; at; at = strchr(at, ',')) {
        at += *at == ',';
        const struct fake_value left = value_at(type, a, at);
        const struct fake_value right = value_at(type, b, at);
        if (fake_value_cmp(&left, &right) != 0)
            return false;
    }
    return true;
}

static enum outcome check_index(const struct fake_collection *collection,
                                const struct doc_index *index, const struct fake_doc *own,
                                struct err *err)
{
    const struct doc_type *type = collection->type;
    if (!(index->flags & INDEX_UNIQUE) || !is_indexed(type, index, view(own)))
        return OUTCOME_DONE;
    for (size_t i = 0; i < collection->count; i++) {
        const void *other = view(collection->docs[i]);
        if (collection->docs[i] != own && other && is_indexed(type, index, other) &&
            same_keys(type, index, view(own), other))
            return err_conflict(err, "%s: duplicate key in index %s", type->collection,
                                index->name);
    }
    return OUTCOME_DONE;
}

/* --- writes ----------------------------------------------------------------------------------- */

static enum outcome check_guard(const struct write *write, const struct fake_doc *doc,
                                struct err *err)
{
    const void *now = view(doc);
    if (write->kind == WRITE_INSERT)
        return now ? err_conflict(err, "%s %.*s exists", write->type->collection, STR_FMT(doc->id))
                   : OUTCOME_DONE;
    if (!now || doc_head(now)->version != write->base_version)
        return err_conflict(err, "%s %.*s: a version moved on", write->type->collection,
                            STR_FMT(doc->id));
    return OUTCOME_DONE;
}

static enum outcome check_absence(const struct fake_collection *collection,
                                  const struct absence *absence, struct err *err)
{
    for (size_t i = 0; i < collection->count; i++) {
        const void *doc = view(collection->docs[i]);
        if (!doc)
            continue;
        const struct str is = absence->field ? value_at(collection->type, doc, absence->field).text
                                             : doc_head(doc)->id;
        if (str_eq(is, absence->field ? absence->value : absence->head.id))
            return err_conflict(err, "%s: one came that was not there",
                                collection->type->collection);
    }
    return OUTCOME_DONE;
}

static enum outcome set_next(struct fake_doc *doc, const struct write *write, struct err *err)
{
    if (doc->staged)
        fake_version_free(doc->next);
    doc->next = NULL;
    doc->staged = true;
    if (write->kind == WRITE_DELETE)
        return OUTCOME_DONE;
    doc->next = calloc(1, sizeof(*doc->next));
    if (!doc->next)
        panic("out of memory for a fake document");
    arena_init(&doc->next->arena, VERSION_BLOCK);
    return fake_write(doc->next, write->type, write->doc, err);
}

static enum outcome stage(struct store_fake *fake, const struct write *write, struct err *err)
{
    struct fake_collection *collection = fake_collection(fake, write->type);
    if (!collection)
        return store_unknown_type(write->type, err);
    if (write->kind == WRITE_ABSENT)
        return check_absence(collection, write->doc, err);
    struct fake_doc *doc = fake_doc(fake, collection, doc_head(write->doc)->id);
    TRY(check_guard(write, doc, err));
    if (write->kind == WRITE_CHECK)
        return OUTCOME_DONE;
    TRY(set_next(doc, write, err));
    if (write->kind == WRITE_DELETE)
        return OUTCOME_DONE;
    for (size_t i = 0; i < write->type->index_count; i++)
        TRY(check_index(collection, &write->type->indexes[i], doc, err));
    return OUTCOME_DONE;
}

/* As with MongoDB, what is deleted makes room for what is inserted, and not for what is replaced. */
static const enum write_kind stage_order[] = {WRITE_REPLACE, WRITE_CHECK, WRITE_ABSENT,
                                              WRITE_DELETE, WRITE_INSERT};

static enum outcome stage_kind(struct store_fake *fake, const struct commit *commit,
                               enum write_kind kind, struct err *err)
{
    for (size_t i = 0; i < commit->write_count; i++)
        if (commit->writes[i].kind == kind)
            TRY(stage(fake, &commit->writes[i], err));
    return OUTCOME_DONE;
}

static enum outcome stage_all(struct store_fake *fake, const struct commit *commit, struct err *err)
{
    for (size_t i = 0; i < sizeof(stage_order) / sizeof(stage_order[0]); i++)
        TRY(stage_kind(fake, commit, stage_order[i], err));
    for (size_t i = 0; i < commit->reply_count; i++)
        if (map_get(&fake->data->replies_by_key, fake_key(&commit->replies[i].key)))
            return err_conflict(err, "journal: duplicate key in index keys");
    return OUTCOME_DONE;
}

static void settle_doc(struct fake_doc *doc, bool keep)
{
    if (!doc->staged)
        return;
    fake_version_free(keep ? doc->current : doc->next);
    if (keep)
        doc->current = doc->next;
    doc->next = NULL;
    doc->staged = false;
}

/* Makes the staged states the current ones, or forgets them. */
static void settle_all(struct store_fake *fake, bool keep)
{
    for (size_t i = 0; i < fake->data->collection_count; i++)
        for (size_t j = 0; j < fake->data->collections[i].count; j++)
            settle_doc(fake->data->collections[i].docs[j], keep);
}

/* --- carrying out ----------------------------------------------------------------------------- */

static enum outcome carry_out(struct store_fake *fake, const struct commit *commit, struct err *err)
{
    const enum outcome outcome = stage_all(fake, commit, err);
    settle_all(fake, outcome == OUTCOME_DONE);
    if (outcome != OUTCOME_DONE)
        return outcome;
    fake_keep_journal(fake, commit);
    fake->data->commits++;
    return OUTCOME_DONE;
}

/* --- step by step ----------------------------------------------------------------------------- */

static void decide(struct store_fake *fake, enum outcome fate)
{
    fake->phase = COMMIT_DECIDED;
    fake->fate = fate;
}

static bool same_document(const struct write *a, const struct write *b)
{
    return a->type == b->type && str_eq(doc_head(a->doc)->id, doc_head(b->doc)->id);
}

static bool writes_the_same(const struct commit *a, const struct commit *b)
{
    for (size_t i = 0; i < a->write_count; i++)
        for (size_t k = 0; k < b->write_count; k++)
            if (same_document(&a->writes[i], &b->writes[k]))
                return true;
    for (size_t i = 0; i < a->reply_count; i++)
        for (size_t k = 0; k < b->reply_count; k++)
            if (str_eq(fake_key(&a->replies[i].key), fake_key(&b->replies[k].key)))
                return true;
    return false;
}

static bool meets_open_transaction(const struct store_fake *fake)
{
    for (const struct store_fake *other = fake->data->handles; other; other = other->next)
        if (other != fake && other->phase == COMMIT_OPEN &&
            writes_the_same(fake->under_way, other->under_way))
            return true;
    return false;
}

void store_fake_send_writes(struct store *store)
{
    struct store_fake *fake = fake_of(store);
    if (fake->phase != COMMIT_BEGUN)
        return;
    enum outcome outcome =
        meets_open_transaction(fake)
            ? err_conflict(&fake->fate_err, "another transaction writes the same documents")
            : stage_all(fake, fake->under_way, &fake->fate_err);
    settle_all(fake, false);
    if (outcome == OUTCOME_DONE)
        fake->phase = COMMIT_OPEN;
    else
        decide(fake, outcome);
}

void store_fake_carry_out(struct store *store)
{
    struct store_fake *fake = fake_of(store);
    store_fake_send_writes(store);
    if (fake->phase == COMMIT_OPEN)
        decide(fake, carry_out(fake, fake->under_way, &fake->fate_err));
}

enum outcome fake_rehearse(struct store *store, const struct commit *commit, struct err *err)
{
    struct store_fake *fake = fake_of(store);
    if (fake->under_way)
        panic("a rehearsal while a commit is under way");
    const enum outcome outcome = stage_all(fake, commit, err);
    settle_all(fake, false);
    return outcome;
}

bool store_fake_is_open(const struct store *store)
{
    return ((const struct store_fake *)(const void *)store)->phase == COMMIT_OPEN;
}

static void kill_open(struct store_fake *fake)
{
    if (fake->phase == COMMIT_BEGUN || fake->phase == COMMIT_OPEN)
        decide(fake, err_conflict(&fake->fate_err, "the transaction was ended by its server"));
}

enum outcome fake_kill_session(struct store *store, const uint8_t session[STORE_SESSION_BYTES],
                               struct err *err)
{
    (void)err; /* killing a session that is gone is no error */
    for (struct store_fake *fake = fake_of(store)->data->handles; fake; fake = fake->next)
        if (memcmp(&fake->session, session, sizeof(fake->session)) == 0)
            kill_open(fake);
    return OUTCOME_DONE;
}

/* --- the whole commit ------------------------------------------------------------------------- */

void fake_commit_begin(struct store *store, const struct commit *commit)
{
    struct store_fake *fake = fake_of(store);
    if (fake->under_way)
        panic("a commit was begun before the last one was ended");
    fake->under_way = commit;
    fake->phase = COMMIT_BEGUN;
}

bool fake_commit_has_ended(const struct store *store)
{
    const struct store_fake *fake = (const struct store_fake *)(const void *)store;
    return fake->under_way && !fake->slow;
}

static void forget_commit(struct store_fake *fake)
{
    fake->under_way = NULL;
    fake->phase = COMMIT_NONE;
    err_clear(&fake->fate_err);
}

/* Unless a test took the commit through its steps, the other handles see it only now, as with a
 * commit that takes its time. */
enum outcome fake_commit_end(struct store *store, struct err *err)
{
    struct store_fake *fake = fake_of(store);
    bool applied = false;
    enum outcome outcome = fake_call(fake, STORE_FAKE_COMMIT, &applied, err);
    if (outcome == OUTCOME_DONE || applied)
        store_fake_carry_out(store);
    /* After a fault the caller must not learn here what became of the commit. */
    if (outcome == OUTCOME_DONE) {
        outcome = fake->fate;
        if (outcome != OUTCOME_DONE)
            *err = fake->fate_err;
    }
    forget_commit(fake);
    return outcome;
}

/* As with MongoDB, what is under way ends first, so that nothing of the commit can still happen. */
enum outcome fake_resolve(struct store *store, const struct commit *commit, struct err *err)
{
    bool applied = false;
    TRY(fake_call(fake_of(store), STORE_FAKE_RESOLVE, &applied, err));
    forget_commit(fake_of(store));
    return map_get(&fake_of(store)->data->entries_by_id, commit->id)
               ? OUTCOME_DONE
               : err_conflict(err, "journal entry %.*s was not committed", STR_FMT(commit->id));
}
