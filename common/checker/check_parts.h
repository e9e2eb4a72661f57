/* check_parts.h - the inside of the checker. */
#ifndef CARTWRIGHT_CHECKER_CHECK_PARTS_H
#define CARTWRIGHT_CHECKER_CHECK_PARTS_H

#include "checker/invariant.h"

struct check {
    const struct check_options *options;
    const struct invariant *invariant; /* the present one */
    struct check_totals totals;
    int64_t documents; /* of the present invariant */
    int64_t findings;  /* of the present invariant */
    size_t memory_max;
    size_t page_max;    /* documents of the next page */
    struct arena page;  /* of the cursor */
    struct arena place; /* where the cursor stands */
    struct arena found; /* of check_find() */
    struct arena pages; /* of check_query() */
    struct arena text;  /* of one finding */
};

/* A page was read: counts it, and chooses the size of the next by what this one took. */
void check_took_page(struct check *check, size_t count);

/* The cursor's next page, instead of its next document: also of documents that cannot be read. */
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
    int64_t version; /* check_join.c: of the subject when it was read */
    bool closed;     /* check_join.c: nothing more is to be said about it */
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
/* NULL when there is none. */
struct check_row *check_table_get(const struct check_table *table, struct str key);
/* The zeroed row of a new key; NULL when it does not fit. The first always fits. */
struct check_row *check_table_add(struct check_table *table, struct str key);

/* --- check_digests.c: digests that were seen before --------------------------------------------------- */

/* One of 2^bits parts: the digests whose low `bits` bits are `value`. A part that turns out to be too
 * large for the memory is halved while it is filled. */
struct check_digests {
    uint64_t *slots; /* 0: free */
    size_t capacity;
    size_t count;
    size_t memory_max;
    unsigned bits;
    uint64_t value;
};

void check_digests_init(struct check_digests *digests, size_t memory_max);
void check_digests_release(struct check_digests *digests);
/* True when it is of this part and was added before. */
bool check_digests_add(struct check_digests *digests, uint64_t digest);
/* Empties it for the next part; false when there was none left. */
bool check_digests_next_part(struct check_digests *digests);

#endif
