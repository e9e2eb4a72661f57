/* store_fake.h - a database in memory, for deterministic tests of a whole batch.
 *
 * It keeps the promises of store.h: versions are guarded, unique indexes are enforced, a commit is
 * all or nothing, queries filter, sort and page as MongoDB would (text search: any word, whole
 * words, ASCII case ignored). Several lanes may share it, each with a handle of its own; a commit
 * that was begun goes on step by step, if somebody wants to see what happens in between. */
#ifndef CARTWRIGHT_TESTS_FAKES_STORE_FAKE_H
#define CARTWRIGHT_TESTS_FAKES_STORE_FAKE_H

#include "store/store.h"

enum store_fake_call {
    STORE_FAKE_PING,
    STORE_FAKE_FIND,
    STORE_FAKE_QUERY,
    STORE_FAKE_JOURNAL_FIND,
    STORE_FAKE_COMMIT,
    STORE_FAKE_RESOLVE,
    STORE_FAKE_OUTBOX,
    STORE_FAKE_CALLS
};

struct store *store_fake_open(const struct doc_type *const *types, size_t type_count);
/* One more handle to the same database, which lives until the last of them is closed. Closing one
 * ends its open transaction. */
struct store *store_fake_join(struct store *store);
/* The writes of the commit under way arrive: from now on it is an open transaction. Whatever else
 * wants to write one of its documents or journal keys meets a conflict, until it ends or its session
 * is killed. */
void store_fake_send_writes(struct store *store);
/* It is carried out: everybody sees it, but nobody is told before store_commit_end(). */
void store_fake_carry_out(struct store *store);
/* True from store_fake_send_writes() until it is carried out or killed. */
bool store_fake_is_open(const struct store *store);
/* The n-th such call from now (1 = the next) has this outcome. A commit that fails as UNCERTAIN is
 * carried out first when `applied`. */
void store_fake_fail(struct store *store, enum store_fake_call call, int nth, enum outcome outcome,
                     bool applied);
/* A document as the fake holds it, or NULL; valid until it changes. */
const void *store_fake_get(struct store *store, const struct doc_type *type, struct str id);
size_t store_fake_count(struct store *store, const struct doc_type *type);
/* Puts a document in place, whatever is there. */
void store_fake_put(struct store *store, const struct doc_type *type, const void *doc);
/* A document that cannot be read: found by its id, in every query and scan, and by no field. */
void store_fake_put_misfit(struct store *store, const struct doc_type *type, struct str id,
                           struct str why);
/* The journal entry of a commit, even one that no server would take. */
void store_fake_put_entry(struct store *store, const struct commit *commit);
size_t store_fake_commits(const struct store *store);
/* From now on no commit ends before somebody waits for it. */
void store_fake_set_slow(struct store *store, bool slow);
/* The order of texts in queries by locale; at the start byte by byte. */
void store_fake_collate(struct store *store, int (*compare)(struct str a, struct str b));
/* What the outbox takes for "now"; 0 (as at the start): the clock. */
void store_fake_set_now(struct store *store, int64_t now_ms);

#endif
