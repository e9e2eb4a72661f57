/* groups.h - counts dead letters by what failed. */
#ifndef CARTWRIGHT_LETTERS_GROUPS_H
#define CARTWRIGHT_LETTERS_GROUPS_H

#include "base/map.h"
#include "letters/dead_letter.h"

/* Letters of one domain with one fingerprint. */
struct dead_group {
    struct str domain, fingerprint, operation, code, place;
    struct str reason;  /* of the newest letter */
    struct str example; /* the id of that letter */
    size_t count;
    int64_t first, last; /* ms since 1970; -1: not known */
};

struct dead_groups {
    struct arena *arena;
    struct map by_key;
    struct dead_group **items;
    size_t count, capacity;
};

/* The groups live in the arena. */
void dead_groups_init(struct dead_groups *groups, struct arena *arena);
/* Counts the letter; copies what it keeps of it. */
void dead_groups_add(struct dead_groups *groups, const struct dead_letter *letter);
/* Puts the largest group first. */
void dead_groups_sort(struct dead_groups *groups);

#endif
