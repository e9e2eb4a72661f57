/* workset.h - the documents of one batch: what was loaded, locked and decided.
 *
 * There is one cell per document. A cell's `doc` is what later messages of the batch see: the
 * loaded state, then what earlier messages made of it. The private copies of one running message
 * live in the job (batch.h) and come here when the message succeeds. Everything lives in the
 * batch's run arena, so a re-run starts with an empty working set. */
#ifndef CARTWRIGHT_ENGINE_WORKSET_H
#define CARTWRIGHT_ENGINE_WORKSET_H

#include "base/map.h"
#include "engine/job.h"
#include "store/store.h"

enum lease { LEASE_NONE, LEASE_WANTED, LEASE_GRANTED, LEASE_DENIED };

struct cell {
    const struct doc_type *type;
    struct str id;
    const void *doc;      /* NULL: there is no such document */
    const void *gone;     /* what a message deleted, with its last version; NULL: nothing was */
    int64_t base_version; /* as loaded; 0: there was no document */
    bool loaded;
    bool wanted;       /* asked for in this round */
    bool dirty;        /* written by a message that succeeded */
    bool proven;       /* a message that succeeded relies on the document (DOC_CHECKED) */
    struct str misfit; /* why the document cannot be read; absent: it can, or there is none */
    /* What was loaded first is too old for some message: the document comes from the
     * database, not from a copy. */
    bool anew;
    enum lease lease;
    struct cell *next; /* in order of creation */
};

/* A look-up by a unique field. Once it is loaded, `cell` is NULL when no document has the value. */
struct alias {
    const struct doc_type *type;
    const char *field;
    struct str value;
    bool loaded;
    bool proven; /* a message that succeeded relies on there being none (DOC_CHECKED) */
    struct cell *cell;
    struct alias *next;
};

struct page_need {
    struct query query;
    struct str cache_tag; /* absent: not cached */
    struct str key;       /* the query as text */
    bool loaded;
    int64_t generation;
    struct query_page page;
    struct page_need *next;
};

struct workset {
    struct arena *arena;
    struct map cells;   /* "carts:6650..." */
    struct map aliases; /* "users.email=..." */
    struct map pages;
    struct cell *first_cell, *last_cell;
    struct alias *first_alias;
    struct page_need *first_page;
};

void workset_init(struct workset *set, struct arena *arena);
/* Returns the cell, which is made if it is missing. Its key doubles as the lock's name. */
struct cell *workset_cell(struct workset *set, const struct doc_type *type, struct str id);
/* Returns NULL when nobody has asked for the document. The key is made in `scratch`. */
const struct cell *workset_find(const struct workset *set, struct arena *scratch,
                                const struct doc_type *type, struct str id);
struct str workset_cell_key(struct arena *arena, const struct cell *cell);
struct alias *workset_alias(struct workset *set, const struct doc_type *type, const char *field,
                            struct str value);
struct page_need *workset_page(struct workset *set, const struct query *query,
                               const char *cache_tag);
/* Notes what the database holds (doc may be NULL); a cell that this batch has
 * written already stays as it is. */
void workset_loaded(struct cell *cell, const void *doc);
/* Notes what a successful message made of the document, and points the aliases of
 * its unique fields to it. */
void workset_write(struct workset *set, struct cell *cell, const void *doc);
/* Notes that a successful message deleted the document; `gone` is what it was, with its last
 * version. If this batch had inserted the document, what remains to be committed is the proof that
 * neither it nor its unique values were there. */
void workset_delete(struct workset *set, struct cell *cell, const void *gone);

#endif
