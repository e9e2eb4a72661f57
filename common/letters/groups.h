/* groups.h - dead letters counted by what failed. */
#ifndef CARTWRIGHT_LETTERS_GROUPS_H
#define CARTWRIGHT_LETTERS_GROUPS_H

#include "base/map.h"
#include "letters/dead_letter.h"

/* Letters of one domain with one fingerprint. */
struct dead_group {
    struct str domain, fingerprint, operation, code, place;
    struct str reason;  /* of the newest */
    struct str example; /* its id */
    size_t count;
    int64_t first, last; /* ms; -1: nobody knows */
};

struct dead_groups {
    struct arena *arena;
    struct map by_key;
    struct dead_group **items;
    size_t count, capacity;
};

void dead_groups_init(struct dead_groups *groups, struct arena *arena);
/* Copies what it keeps. */
void dead_groups_add(struct dead_groups *groups, const struct dead_letter *letter);
/* The largest first. */
void dead_groups_sort(struct dead_groups *groups);

#endif
