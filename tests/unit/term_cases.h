/* term_cases.h - every kind of term, and how many of the five things of put_things() satisfy it: the
 * fake and the server must agree. */
#ifndef CARTWRIGHT_TESTS_TERM_CASES_H
#define CARTWRIGHT_TESTS_TERM_CASES_H

#include "store_types.h"

struct term_case {
    int64_t total;
    /* The one of these that is not NULL adds the term. */
    void (*by_text)(struct query *query, const char *path, struct str text);
    void (*by_number)(struct query *query, const char *path, int64_t number);
    const char *path;
    struct str text;
    int64_t number;
};

static inline void is_active(struct query *query, const char *path, int64_t number)
{
    query_is_bool(query, path, number != 0);
}

static const struct term_case term_cases[] = {
    {4, query_is, NULL, "state", STR("published"), 0},
    {5, query_is, NULL, "price.currency", STR("GBP"), 0},
    {4, query_is, NULL, "parentId", STR("0123456789abcdef01234567"), 0},
    {1, query_is, NULL, "parentId", STR_ABSENT, 0},
    {0, query_is, NULL, "parentId", STR("$ne"), 0},
    {5, query_is, NULL, "lines.productId", STR("aaaaaaaaaaaaaaaaaaaaaaaa"), 0},
    {5, query_is, NULL, "owners", STR("cccccccccccccccccccccccc"), 0},
    {1, query_is, NULL, "sku", STR("SKU-1"), 0},
    {5, query_is, NULL, "due", STR("2026-11-20"), 0},
    {2, NULL, query_is_int, "price.amount", STR_ABSENT, 100},
    {5, NULL, query_is_int, "rank", STR_ABSENT, -3},
    {3, NULL, query_from, "price.amount", STR_ABSENT, 100},
    {4, NULL, query_to, "price.amount", STR_ABSENT, 100},
    {1, NULL, query_above, "price.amount", STR_ABSENT, 100},
    {5, NULL, query_above, "seenAt", STR_ABSENT, 1700000000122},
    {0, NULL, query_above, "seenAt", STR_ABSENT, 1700000000123},
    {5, NULL, is_active, "active", STR_ABSENT, 1},
    {0, NULL, is_active, "active", STR_ABSENT, 0},
};

static inline struct query term_query(const struct term_case *row)
{
    struct query query = query_of(&thing_type);
    if (row->by_text)
        row->by_text(&query, row->path, row->text);
    else
        row->by_number(&query, row->path, row->number);
    return query;
}

#endif
