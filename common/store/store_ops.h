/* store_ops.h - what an implementation of the store provides; store.c passes each call on to it. */
#ifndef CARTWRIGHT_STORE_STORE_OPS_H
#define CARTWRIGHT_STORE_STORE_OPS_H

#include "store/store.h"

struct store_ops {
    void (*close)(struct store *store);
    enum outcome (*ping)(struct store *store, struct err *err);
    enum outcome (*find)(struct store *store, struct arena *arena, struct store_find *find,
                         struct err *err);
    enum outcome (*query)(struct store *store, struct arena *arena, const struct query *query,
                          struct query_page *out, struct err *err);
    /* store.c has checked that `max` is not 0, and that `after` fits the type or is absent. */
    enum outcome (*scan)(struct store *store, struct arena *arena, const struct doc_type *type,
                         struct str after, size_t max, struct doc_list *out, struct err *err);
    enum outcome (*journal_find)(struct store *store, struct arena *arena,
                                 const struct journal_key *keys, size_t count,
                                 struct journal_reply **out, size_t *out_count, struct err *err);
    void (*commit_begin)(struct store *store, const struct commit *commit);
    enum outcome (*commit_end)(struct store *store, struct err *err);
    bool (*commit_has_ended)(const struct store *store);
    int (*commit_fd)(const struct store *store);
    enum outcome (*rehearse)(struct store *store, const struct commit *commit, struct err *err);
    enum outcome (*resolve)(struct store *store, const struct commit *commit, struct err *err);
    enum outcome (*outbox)(struct store *store, struct arena *arena, enum outbox part,
                           int64_t age_ms, size_t max, struct journal_entry **out,
                           size_t *out_count, struct err *err);
    /* store.c has checked that `max` is not 0, and that `after` is an id or absent. */
    enum outcome (*journal_scan)(struct store *store, struct arena *arena, int64_t since_ms,
                                 struct str after, size_t max, struct journal_entry **out,
                                 size_t *out_count, struct err *err);
    enum outcome (*mark_published)(struct store *store, const struct str *ids, size_t count,
                                   struct err *err);
    enum outcome (*put_off)(struct store *store, const struct str *ids, size_t count,
                            int64_t first_ms, int64_t max_ms, struct err *err);
    enum outcome (*apply_indexes)(struct store *store, void (*report)(const char *line),
                                  struct err *err);
    enum outcome (*check_indexes)(struct store *store, struct err *err);
    void (*session)(struct store *store, uint8_t out[STORE_SESSION_BYTES]);
    enum outcome (*kill_session)(struct store *store, const uint8_t session[STORE_SESSION_BYTES],
                                 struct err *err);
    enum outcome (*open_transactions)(struct store *store, int64_t age_ms, int64_t *out,
                                      struct err *err);
};

/* The first member of every implementation's own struct. */
struct store {
    const struct store_ops *ops;
};

#endif
