/* store_fake.h - a database in memory, for deterministic tests of a whole batch.
 *
 * It keeps the promises of store.h: versions are guarded, unique indexes are enforced, a commit is
 * all or nothing, and queries filter, sort and page as MongoDB would. Several lanes may share a
 * database, each with a handle of its own. A test that wants to see what happens in between can
 * carry out a commit step by step. */
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
/* Opens one more handle to the same database, which lives until its last handle is closed. Closing
 * a handle ends its open transaction. */
struct store *store_fake_join(struct store *store);
/* Lets the writes of the commit under way arrive: from now on it is an open transaction. Another
 * commit that writes one of its documents or journal keys meets a conflict, until the transaction
 * ends or its session is killed. */
void store_fake_send_writes(struct store *store);
/* Carries out the commit under way: all handles see it, but its outcome is not told before
 * store_commit_end(). */
void store_fake_carry_out(struct store *store);
/* True from store_fake_send_writes() until the commit is carried out or its session is killed. */
bool store_fake_is_open(const struct store *store);
/* Gives this outcome to the n-th such call from now on this handle (1: the next). `applied` counts
 * only for a commit, which is then carried out although it fails (as with UNCERTAIN). */
void store_fake_fail(struct store *store, enum store_fake_call call, int nth, enum outcome outcome,
                     bool applied);
/* A document as the fake holds it, or NULL; valid until the document changes. */
const void *store_fake_get(struct store *store, const struct doc_type *type, struct str id);
size_t store_fake_count(struct store *store, const struct doc_type *type);
/* Puts a document in place, whatever is there; no guard and no index is asked. */
void store_fake_put(struct store *store, const struct doc_type *type, const void *doc);
/* Puts a document in place that cannot be read. It is found by its id, by every query and by every
 * scan, but by no other field. */
void store_fake_put_misfit(struct store *store, const struct doc_type *type, struct str id,
                           struct str why);
/* Puts any BSON in place as another release may have stored it: a document of an older form, or one
 * that cannot be read. */
void store_fake_put_stored(struct store *store, const struct doc_type *type, struct str id,
                           struct str bson);
/* A document as it is stored, as BSON; valid until it changes. Absent: there is none, or it was made
 * by store_fake_put_misfit(). */
struct str store_fake_stored(struct store *store, const struct doc_type *type, struct str id);
/* Keeps the journal entry of a commit, even one that no server would take. */
void store_fake_put_entry(struct store *store, const struct commit *commit);
/* How many commits were carried out, with all handles together. */
size_t store_fake_commits(const struct store *store);
/* While `slow` is set, no commit of this handle ends before somebody waits for it. */
void store_fake_set_slow(struct store *store, bool slow);
/* Sets the order of texts in queries by locale; NULL (as at the start): byte by byte. */
void store_fake_collate(struct store *store, int (*compare)(struct str a, struct str b));
/* Sets the outbox's present time, in ms since 1970; 0 (as at the start): that of the clock. */
void store_fake_set_now(struct store *store, int64_t now_ms);

#endif
