/* query.h - what a page of documents is asked for by: terms, alternatives, and an order.
 *
 * A query is built by the functions below and then narrowed to a part:
 *
 *     struct query query = query_of(&product_type);
 *     query_is(&query, "status", STR("published"));
 *     query_from(&query, "price.amount", 100);
 *     query_sort(&query, "createdAt", -1);
 *     query_sort(&query, "id", -1);
 *     query.limit = 20;
 *
 * A path is a field of the type's table, or dotted ("price.amount"). A function panics, and names
 * the collection and the path, when the type has no such field, when the field's kind is not one
 * that the function takes, or when its table in the query is full: all three are mistakes in the
 * program, whatever a client sends. Values are always data: there is no way to pass an operator or
 * a pattern. Paths, texts and matches are not copied, so they must live as long as the query.
 *
 * Callers may set `by_locale`, `skip`, `limit` and `with_total`. All other members belong to this
 * header and to the stores. */
#ifndef CARTWRIGHT_STORE_QUERY_H
#define CARTWRIGHT_STORE_QUERY_H

#include "base/str.h"
#include "base/text.h"

struct doc_type;

/* The numbers stand in cursors that clients hold, so they never change. */
enum query_op { QUERY_EQ = 0, QUERY_GT = 2, QUERY_GTE = 3, QUERY_LT = 4, QUERY_LTE = 5 };

/* `text` or `number`, whichever the kind of the field needs. */
struct query_value {
    struct str text;
    int64_t number;
};

struct query_term {
    const char *path;
    enum query_op op;
    struct query_value value;
};

/* One of several ways to satisfy a query. A list matches when one of its elements does. */
struct query_match {
    const char *path; /* of a text or an id, or of a list of them */
    /* The value must begin with `text` (byte by byte); otherwise it must be equal to `text`. A
     * query with a sort by relevance allows this only for lists. */
    bool begins;
    struct str text;
    int64_t weight; /* of a hit, for a sort by relevance */
};

/* A set of matches, which holds when one of them does; an empty one never holds. */
struct query_any {
    const struct query_match *matches;
    size_t count;
};

struct query_sort {
    const char *path; /* NULL with `relevance` */
    int direction;    /* 1 or -1 */
    bool relevance;
};

#define QUERY_TERMS_MAX 8
#define QUERY_ANY_MAX   16
#define QUERY_SORTS_MAX 3

/* A request for a part of the documents that satisfy all terms and all sets of alternatives. */
struct query {
    const struct doc_type *type;
    struct query_term terms[QUERY_TERMS_MAX];
    size_t term_count;
    struct query_any any[QUERY_ANY_MAX];
    size_t any_count;
    /* Texts are compared and sorted as in the store's locale; otherwise byte by byte. Not for a
     * query with a sort by relevance. */
    bool by_locale;
    struct query_sort sorts[QUERY_SORTS_MAX];
    size_t sort_count;
    bool in_full_order; /* no two of the documents are equal in all sorts */
    bool behind;        /* only documents behind `place`, which has one value for each sort */
    struct query_value place[QUERY_SORTS_MAX];
    int64_t skip;    /* documents to leave out, counted from the start or from `place` */
    int64_t limit;   /* 0: no documents, only the total */
    bool with_total; /* count all documents that match, whatever skip and limit are */
};

/* A query for all documents of the type, in arbitrary order. */
struct query query_of(const struct doc_type *type);

/* --- terms: all of them must hold -------------------------------------------------------------- */

/* The field is equal to `text`, or a list has such an element; absent: the field is absent or null.
 * For texts, ids, dates, enums (the name), and lists of texts or ids. Nothing is equal to a text
 * that is no id where an id belongs. */
void query_is(struct query *query, const char *path, struct str text);
/* For integers and times (ms since 1970). */
void query_is_int(struct query *query, const char *path, int64_t number);
void query_is_bool(struct query *query, const char *path, bool value);
/* The number is at least, at most, or above `bound`. For integers and times. */
void query_from(struct query *query, const char *path, int64_t bound);
void query_to(struct query *query, const char *path, int64_t bound);
void query_above(struct query *query, const char *path, int64_t bound);
/* One of the matches holds; with none, no document satisfies the query. Matches with the same path,
 * `begins` and weight should stand side by side: they are asked for together. */
void query_any(struct query *query, const struct query_match *matches, size_t count);

/* --- order: each sort decides where all before it are equal ------------------------------------- */

/* `direction` is 1 or -1. For fields that hold one value; an absent one comes first. Where two
 * documents are equal in all sorts, their ids decide. */
void query_sort(struct query *query, const char *path, int direction);
/* The same for the last sort, by a field of which no two documents that satisfy the terms have the
 * same value. So an index that ends with the field has the whole order; with query_sort() it would
 * lack the id, and all documents would be sorted in memory. (Of "id" this is known.) */
void query_sort_unique(struct query *query, const char *path, int direction);
/* The best first: the sum, over all sets of alternatives, of the weight of the best hit in each. */
void query_by_relevance(struct query *query);

/* --- parts -------------------------------------------------------------------------------------- */

/* Moves the query on to what comes behind `doc` in its order. NULL: to what comes behind the whole
 * part that it asks for, when no document of that part could be read. Every document must have the
 * fields of the sorts, the field of the last sort must be unique, and no sort may be by relevance:
 * panics otherwise. The texts of `doc` must live as long as the query. */
void query_go_on(struct query *query, const void *doc);

/* Appends what the query asks for (type, terms, alternatives and order, but not which part of the
 * result), as a text that differs from that of every other query. */
void query_write(struct text *text, const struct query *query);
/* Appends where the part of the query begins. */
void query_write_place(struct text *text, const struct query *query);
/* Has the part of the query begin where query_write_place() wrote. The texts point into `from`.
 * False when that is no place of such a query. */
bool query_read_place(struct query *query, struct str from);

#endif
