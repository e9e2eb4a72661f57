/* map.c - a hash map from strings to pointers, in an arena. */
#include "base/map.h"

#include "base/err.h"

struct map_slot {
    struct str key;
    uint64_t hash;
    void *value; /* NULL: the slot is free */
};

void map_init(struct map *map, struct arena *arena)
{
    *map = (struct map){.arena = arena};
}

/* Returns the slot of the key, or the free slot where the key would go. */
static struct map_slot *find_slot(struct map_slot *slots, size_t capacity, struct str key,
                                  uint64_t hash)
{
    for (size_t i = hash & (capacity - 1);; i = (i + 1) & (capacity - 1)) {
        struct map_slot *slot = &slots[i];
        if (!slot->value || (slot->hash == hash && str_eq(slot->key, key)))
            return slot;
    }
}

void *map_get(const struct map *map, struct str key)
{
    if (!map->capacity)
        return NULL;
    return find_slot(map->slots, map->capacity, key, str_hash(key))->value;
}

/* Doubles the table when three quarters are taken, so that probing always meets a free slot. */
static void make_room(struct map *map)
{
    if (map->count * 4 < map->capacity * 3)
        return;
    const size_t capacity = map->capacity ? map->capacity * 2 : 16;
    struct map_slot *slots = arena_array(map->arena, capacity, sizeof(*slots));
    for (size_t i = 0; i < map->capacity; i++)
        if (map->slots[i].value)
            *find_slot(slots, capacity, map->slots[i].key, map->slots[i].hash) = map->slots[i];
    map->slots = slots;
    map->capacity = capacity;
}

void map_set(struct map *map, struct str key, void *value)
{
    if (!value)
        panic("a map value must not be NULL");
    make_room(map);
    const uint64_t hash = str_hash(key);
    struct map_slot *slot = find_slot(map->slots, map->capacity, key, hash);
    if (!slot->value)
        map->count++;
    *slot = (struct map_slot){key, hash, value};
}
