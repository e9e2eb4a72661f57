/* check_parts.h - the inside of the checker. */
#ifndef CARTWRIGHT_CHECKER_CHECK_PARTS_H
#define CARTWRIGHT_CHECKER_CHECK_PARTS_H

#include "checker/invariant.h"

struct check {
    const struct check_options *options;
    const struct invariant *invariant; /* the one that is being verified */
    struct check_totals totals;
    int64_t documents;  /* read for this invariant */
    int64_t findings;   /* of this invariant */
    size_t memory_max;  /* bytes */
    size_t page_max;    /* documents of the next page */
    struct arena page;  /* the page of the cursor */
    struct arena place; /* the id behind which the cursor goes on */
    struct arena found; /* the result of check_find() */
    struct arena pages; /* the result of check_query() */
    struct arena text;  /* the texts of one finding */
};

/* Counts a page of `count` documents that was read into the arena `page`, and chooses the size of
 * the next page by the memory that this one took. */
void check_took_page(struct check *check, size_t count);

/* Reads the cursor's next page, which also tells of documents that cannot be read (its misfits); to
 * be used instead of check_next(). */
MUST_CHECK enum outcome check_next_page(struct check_cursor *cursor, struct err *err);

/* check_readable.c */
extern const struct invariant readable_invariant;

/* The engine's own invariants, ended by NULL. */
extern const struct invariant *const engine_invariants[];

/* --- check_table.c: rows by text, within a bound of memory ------------------------------------------- */

struct check_row {
    struct check_row *next; /* in order of adding */
    struct str key;
    uint64_t hash;
    int64_t version; /* check_join.c: the version that the subject had when it was read */
    bool closed;     /* check_join.c: the subject agrees, is gone or was reported */
    _Alignas(max_align_t) unsigned char data[];
};

struct check_table {
    struct arena arena;
    size_t row_size;
    size_t memory_max;
    struct check_row **slots; /* open addressing */
    size_t capacity;          /* a power of two, or 0 */
    size_t count;
    struct check_row *first, *last;
};

void check_table_init(struct check_table *table, size_t row_size, size_t memory_max);
void check_table_clear(struct check_table *table);
void check_table_release(struct check_table *table);
/* The row of a key, or NULL when there is none. */
struct check_row *check_table_get(const struct check_table *table, struct str key);
/* Adds a zeroed row for a key that the table does not have yet; the key is copied. NULL when the
 * row does not fit; the first row always fits. */
struct check_row *check_table_add(struct check_table *table, struct str key);

/* --- check_digests.c: digests that were seen before --------------------------------------------------- */

/* The digests of one part of 2^bits parts: those whose low `bits` bits are `value`. A part that
 * turns out to be too large for the memory is halved while it is filled. */
struct check_digests {
    uint64_t *slots; /* 0: free */
    size_t capacity;
    size_t count;
    size_t memory_max; /* bytes */
    unsigned bits;
    uint64_t value;
};

void check_digests_init(struct check_digests *digests, size_t memory_max);
void check_digests_release(struct check_digests *digests);
/* True when the digest belongs to this part and was added before. */
bool check_digests_add(struct check_digests *digests, uint64_t digest);
/* Forgets all digests and goes on to the next part; false when no part is left. All digests are
 * then to be added again. */
bool check_digests_next_part(struct check_digests *digests);

#endif
