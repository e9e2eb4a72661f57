/* job.c - what a handler can ask for and do (job.h).
 *
 * What a run changes stays in the job until the run turns out to be the final one: then job_merge()
 * moves it into the working set, where the next message sees it. */
#include "engine/job.h"

#include "engine/batch.h"

/* --- the message ------------------------------------------------------------------------------- */

struct arena *job_arena(struct job *job)
{
    return job->batch->run_arena;
}

const struct caller *job_caller(const struct job *job)
{
    return &job->caller;
}

int64_t job_now(const struct job *job)
{
    return job->batch->now;
}

struct str job_new_id(struct job *job)
{
    struct arena *arena = job->batch->arena;
    if (job->ids_used == job->ids.count) {
        job->ids.items = arena_grow(arena, job->ids.items, job->ids.count, sizeof(struct str),
                                    &job->id_capacity);
        job->ids.items[job->ids.count++] = id_new(arena, job->batch->now);
    }
    return job->ids.items[job->ids_used++];
}

void job_random(struct job *job, const char *label, void *out, size_t len)
{
    auth_expand(job->seed, str_of(label), out, len);
}

const void *job_settings(const struct job *job)
{
    return job->batch->lane->service->settings;
}

struct str job_access_token(struct job *job, const struct access_grant *grant)
{
    const struct lane *lane = job->batch->lane;
    const struct engine_settings *settings = lane->settings;
    const struct token_options options = {
        .issuer = settings->token_issuer.ptr,
        .audience = settings->token_audience.ptr,
        .skew_s = settings->token_skew_ms / MS_PER_SECOND,
    };
    const struct claims claims = {
        .subject = grant->user_id,
        .role = str_of(who_names[grant->role]),
        .session = grant->session,
        .id = grant->id,
        .issued_at = grant->issued_at / MS_PER_SECOND,
        .expires_at = (grant->issued_at + lane->service->access_token_ms) / MS_PER_SECOND,
    };
    struct str token = STR_ABSENT;
    struct err err;
    if (token_issue(job_arena(job), lane->keys.token, &options, &claims, &token, &err) !=
        OUTCOME_DONE)
        panic("an access token could not be signed: %s", err.text);
    return token;
}

struct str job_secret_digest(struct job *job, struct str secret)
{
    uint8_t digest[32];
    auth_digest(job->batch->lane->keys.ring[0].digest, &secret, 1, digest, sizeof(digest));
    return hex_of(job_arena(job), digest, sizeof(digest));
}

static void mac_under(const struct auth_secrets *secrets, const char *purpose, struct str text,
                      void *out, size_t len)
{
    const struct str parts[] = {str_of(purpose), text};
    auth_digest(secrets->mac, parts, 2, out, len);
}

void job_mac(const struct job *job, const char *purpose, struct str text, void *out, size_t len)
{
    mac_under(&job->batch->lane->keys.ring[0], purpose, text, out, len);
}

bool job_mac_is(const struct job *job, const char *purpose, struct str text, const void *mac,
                size_t len)
{
    const struct auth_keys *keys = &job->batch->lane->keys;
    uint8_t ours[32];
    if (len > sizeof(ours))
        panic("a MAC of %zu bytes is a bug", len);
    bool is_ours = false;
    for (size_t i = 0; i < keys->ring_count; i++) {
        mac_under(&keys->ring[i], purpose, text, ours, len);
        is_ours |= auth_equal(ours, mac, len);
    }
    return is_ours;
}

/* --- documents --------------------------------------------------------------------------------- */

static struct draft *find_draft(const struct job *job, const struct cell *cell)
{
    for (struct draft *draft = job->drafts; draft; draft = draft->next)
        if (draft->cell == cell)
            return draft;
    return NULL;
}

static struct draft *add_draft(struct job *job, struct cell *cell, void *doc)
{
    struct draft *draft = ARENA_NEW(job_arena(job), struct draft);
    *draft = (struct draft){.cell = cell, .doc = doc, .next = job->drafts};
    job->drafts = draft;
    return draft;
}

/* True when this message may go on with the cell's lock as it is; otherwise wants
 * the lock, or is blocked. */
static bool leased(struct job *job, struct cell *cell)
{
    if (cell->lease == LEASE_GRANTED)
        return true;
    if (cell->lease == LEASE_DENIED) {
        job->blocked = !job->insist;
        return job->insist;
    }
    cell->lease = LEASE_WANTED;
    return false;
}

static bool loaded(struct cell *cell)
{
    if (!cell->loaded)
        cell->wanted = true;
    return cell->loaded;
}

static bool load_for_update(struct job *job, struct cell *cell, void **out)
{
    /* A document that is locked elsewhere is not loaded: this message waits for the next batch. */
    const bool may_change = leased(job, cell);
    if (!may_change && cell->lease == LEASE_DENIED)
        return false;
    if (!loaded(cell) || !may_change)
        return false;
    struct draft *draft = find_draft(job, cell);
    if (!draft)
        draft =
            add_draft(job, cell,
                      cell->doc ? shape_clone(cell->type->shape, job_arena(job), cell->doc) : NULL);
    *out = draft->doc;
    return true;
}

static void rely_on(struct job *job, struct cell *cell, struct alias *alias)
{
    struct proof *proof = ARENA_NEW(job_arena(job), struct proof);
    *proof = (struct proof){cell, alias, job->proofs};
    job->proofs = proof;
}

static bool load_for_reading(struct job *job, struct cell *cell, enum access access, void **out)
{
    if (!loaded(cell))
        return false;
    if (access == DOC_CHECKED)
        rely_on(job, cell, NULL);
    const struct draft *draft = find_draft(job, cell);
    /* Readers get the document without const so that one signature serves all;
     * they must not write to it. */
    *out = draft ? draft->doc : (void *)(uintptr_t)cell->doc;
    return true;
}

static bool load_cell(struct job *job, struct cell *cell, enum access access, void **out)
{
    if (!str_is_absent(cell->misfit)) {
        if (access != DOC_SHOWN)
            job->misfit = cell;
        *out = NULL;
        return access == DOC_SHOWN;
    }
    return access == DOC_FOR_UPDATE ? load_for_update(job, cell, out)
                                    : load_for_reading(job, cell, access, out);
}

bool job_doc(struct job *job, const struct doc_type *type, struct str id, enum access access,
             void **out)
{
    return load_cell(job, workset_cell(&job->batch->set, type, id), access, out);
}

bool job_own(struct job *job, const struct doc_type *type, enum access access, void **out)
{
    const struct str id = job_caller(job)->id;
    if (!job_doc(job, type, id, access, out))
        return false;
    if (!*out) {
        struct doc_head *head = arena_alloc(job_arena(job), type->shape->size);
        head->id = id;
        head->updated_at = job_now(job);
        *out = head;
    }
    return true;
}

/* True at most once in a run. A document that is to be written, or is DOC_CHECKED, need not be read
 * anew: the commit proves that it is what there is. */
static bool must_be_read_anew(const struct cell *cell, int64_t version)
{
    return cell->loaded && !cell->anew && !cell->dirty && !cell->proven &&
           (!cell->doc || doc_head(cell->doc)->version < version);
}

bool job_doc_since(struct job *job, const struct doc_type *type, struct str id, int64_t version,
                   void **out)
{
    struct cell *cell = workset_cell(&job->batch->set, type, id);
    if (must_be_read_anew(cell, version)) {
        cell->loaded = false;
        cell->anew = true;
    }
    return load_for_reading(job, cell, DOC_READ, out);
}

bool job_doc_by(struct job *job, const struct doc_type *type, const char *field, struct str value,
                enum access access, void **out)
{
    struct alias *alias = workset_alias(&job->batch->set, type, field, value);
    if (!alias->loaded)
        return false;
    if (!alias->cell) {
        if (access == DOC_CHECKED)
            rely_on(job, NULL, alias);
        *out = NULL;
        return true;
    }
    return load_cell(job, alias->cell, access, out);
}

bool job_query(struct job *job, const struct query *query, const char *cache_tag,
               const struct query_page **out)
{
    struct page_need *need = workset_page(&job->batch->set, query, cache_tag);
    if (!need->loaded)
        return false;
    *out = &need->page;
    return true;
}

/* --- other needs --------------------------------------------------------------------------------- */

static struct password_need *password_need(struct job *job, struct str hash, struct str password,
                                           bool make)
{
    for (struct password_need *need = job->passwords; need; need = need->next)
        if (need->make == make && str_eq(need->hash, hash) && str_eq(need->password, password))
            return need;
    struct arena *arena = job->batch->arena;
    struct password_need *need = ARENA_NEW(arena, struct password_need);
    *need = (struct password_need){.hash = str_dup(arena, hash),
                                   .password = str_dup(arena, password),
                                   .make = make,
                                   .next = job->passwords};
    job->passwords = need;
    return need;
}

bool job_password_verify(struct job *job, struct str hash, struct str password, bool *out)
{
    const struct password_need *need = password_need(job, hash, password, false);
    if (need->loaded)
        *out = need->matches;
    return need->loaded;
}

bool job_password_hash(struct job *job, struct str password, struct str *out)
{
    const struct password_need *need = password_need(job, STR_ABSENT, password, true);
    if (need->loaded)
        *out = need->made;
    return need->loaded;
}

bool job_password_is_old(const struct job *job, struct str hash)
{
    return password_needs_rehash(hash, lane_password_cost(job->batch->lane));
}

static struct rate_need *rate_need(struct job *job, struct str key, enum rate_use use)
{
    for (struct rate_need *need = job->rates; need; need = need->next)
        if (need->limit.use == use && str_eq(need->limit.key, key))
            return need;
    struct rate_need *need = ARENA_NEW(job->batch->arena, struct rate_need);
    need->limit.key = str_dup(job->batch->arena, key);
    need->limit.use = use;
    need->next = job->rates;
    job->rates = need;
    return need;
}

bool job_rate(struct job *job, const struct bucket *bucket, enum rate_use use, int64_t *wait_ms)
{
    struct rate_need *need = rate_need(job, bucket->key, use);
    need->limit.burst = bucket->burst;
    need->limit.period_ms = bucket->period_ms;
    if (need->loaded)
        *wait_ms = need->limit.allowed ? 0 : need->limit.wait_ms;
    return need->loaded;
}

/* --- effects ------------------------------------------------------------------------------------- */

/* A document changes less often than once in a microsecond: the versions of one that was deleted
 * never come up to the time at which its id returns. As a number of JSON the time is exact until
 * the year 2255. */
#define VERSIONS_PER_MS 1000

static int64_t first_version(const struct job *job, const struct draft *draft)
{
    const void *gone = draft->gone ? draft->gone : draft->cell->gone;
    if (gone)
        return doc_head(gone)->version + 1;
    return draft->cell->type->ids_return ? job_now(job) * VERSIONS_PER_MS : 1;
}

void job_insert(struct job *job, const struct doc_type *type, void *doc)
{
    struct doc_head *head = doc;
    struct cell *cell = workset_cell(&job->batch->set, type, head->id);
    struct draft *draft = find_draft(job, cell);
    if (!draft)
        draft = add_draft(job, cell, NULL);
    if (draft->doc || (cell->doc && !draft->gone))
        panic("%s: job_insert() over the existing document %.*s", job->operation->name,
              STR_FMT(head->id));
    head->version = first_version(job, draft);
    head->created_at = head->updated_at = job_now(job);
    draft->doc = doc;
    draft->changed = true;
}

/* Returns the draft of a DOC_FOR_UPDATE document, which has changed now. */
static struct draft *change(struct job *job, const void *doc, const char *how)
{
    struct draft *draft = job->drafts;
    while (draft && (!doc || draft->doc != doc))
        draft = draft->next;
    if (!draft)
        panic("%s: %s of a document that was not loaded FOR_UPDATE", job->operation->name, how);
    struct doc_head *head = draft->doc;
    if (!draft->changed)
        head->version++;
    head->updated_at = job_now(job);
    draft->changed = true;
    return draft;
}

void job_changed(struct job *job, void *doc)
{
    (void)change(job, doc, "job_changed()");
}

void job_delete(struct job *job, void *doc)
{
    struct draft *draft = change(job, doc, "job_delete()");
    draft->gone = draft->doc;
    draft->doc = NULL;
}

void job_save(struct job *job, const struct doc_type *type, void *doc)
{
    if (doc_head(doc)->version == 0)
        job_insert(job, type, doc);
    else
        job_changed(job, doc);
}

void job_patch(struct job *job, const struct doc_type *type, void *doc, const void *request)
{
    shape_patch(type->shape, doc, job->operation->request->shape, request);
}

static void add_outgoing(struct job *job, const struct outgoing *made)
{
    struct outgoing *message = arena_copy(job_arena(job), made, sizeof(*made));
    if (job->last_outgoing)
        job->last_outgoing->next = message;
    else
        job->first_outgoing = message;
    job->last_outgoing = message;
}

void emit(struct job *job, const struct event_type *event, const void *doc, const void *data)
{
    add_outgoing(job, &(struct outgoing){
                          .kind = event->latest_only ? MESSAGE_LATEST_EVENT : MESSAGE_EVENT,
                          .job = job,
                          .id = job_new_id(job),
                          .type = str_of(event->name),
                          .subject = *(const struct str *)((const char *)data + event->subject),
                          .version = doc_head(doc)->version,
                          .shape = event->data->shape,
                          .data = data,
                      });
}

void notify(struct job *job, const char *channel, const char *kind, struct str id,
            const struct schema *schema, const void *data)
{
    add_outgoing(job, &(struct outgoing){.kind = MESSAGE_NOTIFICATION,
                                         .job = job,
                                         .id = id,
                                         .type = str_printf(job_arena(job), "%s.%s", channel, kind),
                                         .shape = schema->shape,
                                         .data = data});
}

enum outcome reply(struct job *job, const struct schema *schema, const void *data)
{
    if (schema != job->operation->reply)
        panic("%s replies a form that is not its own", job->operation->name);
    job->reply_shape = schema->shape;
    job->reply_data = data;
    return OUTCOME_DONE;
}

enum outcome reply_empty(struct job *job)
{
    job->reply_shape = NULL;
    job->reply_data = NULL;
    return OUTCOME_DONE;
}

enum outcome reply_accepted(struct job *job)
{
    job->accepted = true;
    return reply_empty(job);
}

void job_tell_wait(struct job *job, int64_t wait_ms)
{
    job->retry_after_ms = wait_ms;
}

enum outcome refuse_and_keep(struct job *job)
{
    job->keep = true;
    return OUTCOME_REFUSED;
}

/* --- runs ---------------------------------------------------------------------------------------- */

struct str job_operation_name(const struct job *job)
{
    return job->operation ? str_of(job->operation->name) : job->delivery->routing_key;
}

void job_begin_run(struct job *job)
{
    job->ids_used = 0;
    job->drafts = NULL;
    job->proofs = NULL;
    job->account_changes = NULL;
    job->first_appended = job->last_appended = NULL;
    job->first_outgoing = job->last_outgoing = NULL;
    job->reply_shape = NULL;
    job->reply_data = NULL;
    job->written.data = NULL;
    job->caller = job->bearer;
    job->authorized = false;
    job->keep = false;
    job->retry_after_ms = 0;
    job->accepted = false;
    job->blocked = false;
    job->misfit = NULL;
    job->runs++;
    err_clear(&job->err);
}

void job_merge(struct job *job)
{
    for (const struct draft *draft = job->drafts; draft; draft = draft->next)
        if (draft->changed && draft->doc)
            workset_write(&job->batch->set, draft->cell, draft->doc);
        else if (draft->changed)
            workset_delete(&job->batch->set, draft->cell, draft->gone);
    for (const struct proof *proof = job->proofs; proof; proof = proof->next)
        *(proof->cell ? &proof->cell->proven : &proof->alias->proven) = true;
}
