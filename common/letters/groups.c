/* groups.c - counts dead letters by what failed. */
#include "letters/groups.h"

#include <stdlib.h>

void dead_groups_init(struct dead_groups *groups, struct arena *arena)
{
    *groups = (struct dead_groups){.arena = arena};
    map_init(&groups->by_key, arena);
}

static struct dead_group *group_of(struct dead_groups *groups, const struct dead_letter *letter)
{
    struct arena *arena = groups->arena;
    const struct str key = str_join(arena, letter->domain, ' ', letter->fingerprint);
    struct dead_group *group = map_get(&groups->by_key, key);
    if (group)
        return group;
    group = ARENA_NEW(arena, struct dead_group);
    *group = (struct dead_group){
        .domain = str_dup(arena, letter->domain),
        .fingerprint = str_dup(arena, letter->fingerprint),
        .operation = str_dup(arena, letter->operation),
        .code = str_dup(arena, letter->code),
        .place = str_dup(arena, letter->place),
        .first = letter->failed_at,
        .last = -1,
    };
    groups->items = arena_grow(arena, groups->items, groups->count, sizeof(struct dead_group *),
                               &groups->capacity);
    groups->items[groups->count++] = group;
    map_set(&groups->by_key, key, group);
    return group;
}

void dead_groups_add(struct dead_groups *groups, const struct dead_letter *letter)
{
    struct dead_group *group = group_of(groups, letter);
    const int64_t at = letter->failed_at;
    if (group->count++ == 0 || at > group->last) {
        group->last = at;
        group->reason = str_dup(groups->arena, letter->reason);
        group->example = str_dup(groups->arena, letter->id);
    }
    if (at >= 0 && (group->first < 0 || at < group->first))
        group->first = at;
}

static int by_size(const void *a, const void *b)
{
    const struct dead_group *left = *(struct dead_group *const *)a;
    const struct dead_group *right = *(struct dead_group *const *)b;
    if (left->count != right->count)
        return left->count < right->count ? 1 : -1;
    return str_cmp(left->fingerprint, right->fingerprint);
}

void dead_groups_sort(struct dead_groups *groups)
{
    if (groups->count > 0)
        qsort(groups->items, groups->count, sizeof(struct dead_group *), by_size);
}
