/* map.h - a hash map from strings to pointers, in an arena.
 *
 * It uses open addressing with linear probing. Entries cannot be deleted: a map is given up with
 * its arena. Keys are not copied; they must outlive the map. A zeroed map with its arena set is an
 * empty map. */
#ifndef CARTWRIGHT_BASE_MAP_H
#define CARTWRIGHT_BASE_MAP_H

#include "base/arena.h"
#include "base/str.h"

struct map_slot;

struct map {
    struct arena *arena;
    struct map_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

void map_init(struct map *map, struct arena *arena);
/* Returns the value of the key, NULL when the map has no such key. */
void *map_get(const struct map *map, struct str key);
/* Adds or replaces the value of the key; the value must not be NULL. */
void map_set(struct map *map, struct str key, void *value);

#endif
