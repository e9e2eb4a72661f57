/* check_case.h - runs the checker over a fake store and gathers what it finds as text, one line for
 * each finding: "<invariant>: <subject>: <text>". Include after cmocka.h. */
#ifndef CARTWRIGHT_TESTS_CHECK_CASE_H
#define CARTWRIGHT_TESTS_CHECK_CASE_H

#include "base/text.h"
#include "checker/check.h"
#include "store/store.h"

struct check_case {
    struct store *store;
    struct lock *lock;
    const struct service *service;
    bool quiesced;
    size_t memory_max;
    struct arena *arena;
    /* filled */
    struct check_totals totals;
    int64_t progressed; /* documents, as progress() last said */
    struct text text;
};

static inline void keep_finding(void *context, const struct finding *finding)
{
    struct check_case *c = context;
    text_printf(&c->text, "%s: %.*s: %.*s\n", finding->invariant, STR_FMT(finding->subject),
                STR_FMT(finding->text));
}

static inline void keep_progress(void *context, const char *invariant, int64_t documents)
{
    (void)invariant;
    ((struct check_case *)context)->progressed = documents;
}

static inline enum outcome check_case_run(struct check_case *c, struct err *err)
{
    const struct check_options options = {
        .store = c->store,
        .lock = c->lock,
        .service = c->service,
        .quiesced = c->quiesced,
        .memory_max = c->memory_max,
        .found = keep_finding,
        .progress = keep_progress,
        .context = c,
    };
    text_init(&c->text, c->arena, 256);
    return check_run(&options, &c->totals, err);
}

/* The findings. */
static inline const char *check_case_found(struct check_case *c)
{
    struct err err = {0};
    if (check_case_run(c, &err) != OUTCOME_DONE)
        fail_msg("the check failed: %s", err.text);
    return c->text.ptr;
}

/* --- a store at which somebody is at work ------------------------------------------------------------ */

/* Hands reading calls on; `act` is called before the n-th of them (1 is the first) or, with 0, before
 * each. */
struct busy_store {
    struct store base;
    struct store *inner;
    int nth;
    int calls;
    void (*act)(void);
};

static inline struct store *busy_inner(struct store *store)
{
    struct busy_store *busy = (struct busy_store *)(void *)store;
    if (++busy->calls == busy->nth || busy->nth == 0)
        busy->act();
    return busy->inner;
}

static inline enum outcome busy_find(struct store *store, struct arena *arena,
                                     struct store_find *find, struct err *err)
{
    return store_find(busy_inner(store), arena, find, err);
}

static inline enum outcome busy_query(struct store *store, struct arena *arena,
                                      const struct query *query, struct query_page *out,
                                      struct err *err)
{
    return store_query(busy_inner(store), arena, query, out, err);
}

static inline enum outcome busy_scan(struct store *store, struct arena *arena,
                                     const struct doc_type *type, struct str after, size_t max,
                                     struct doc_list *out, struct err *err)
{
    return store_scan(busy_inner(store), arena, type, after, max, out, err);
}

static inline enum outcome busy_journal_scan(struct store *store, struct arena *arena,
                                             int64_t since_ms, struct str after, size_t max,
                                             struct journal_entry **out, size_t *out_count,
                                             struct err *err)
{
    return store_journal_scan(busy_inner(store), arena, since_ms, after, max, out, out_count, err);
}

static inline enum outcome busy_outbox(struct store *store, struct arena *arena, enum outbox part,
                                       int64_t age_ms, size_t max, struct journal_entry **out,
                                       size_t *out_count, struct err *err)
{
    return store_outbox(busy_inner(store), arena, part, age_ms, max, out, out_count, err);
}

static inline enum outcome busy_transactions(struct store *store, int64_t age_ms, int64_t *out,
                                             struct err *err)
{
    return store_open_transactions(busy_inner(store), age_ms, out, err);
}

static const struct store_ops busy_ops = {
    .find = busy_find,
    .query = busy_query,
    .scan = busy_scan,
    .journal_scan = busy_journal_scan,
    .outbox = busy_outbox,
    .open_transactions = busy_transactions,
};

#endif
