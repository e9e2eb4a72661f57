/* bus_confirms.c - keeps account of publisher confirms in a ring of tags, each of which points to
 * its group.
 *
 * Publishing, and settling in order, cost a few instructions per message; a group is one malloc. */
#include "bus/bus_confirms.h"

#include <stdlib.h>

struct confirm_group {
    struct confirm_group *prev; /* in the list of open groups */
    struct confirm_group *next; /* in the list of open or of decided groups */
    uint64_t id;
    size_t pending;
    bool failed;
    bool refused; /* failed because the broker rejected (basic.nack) a message of it */
};

#define RING_START 1024

void confirms_init(struct confirms *confirms)
{
    *confirms = (struct confirms){.first_tag = 1};
}

static void free_groups(struct confirm_group *group)
{
    while (group) {
        struct confirm_group *next = group->next;
        free(group);
        group = next;
    }
}

void confirms_release(struct confirms *confirms)
{
    free_groups(confirms->open);
    free_groups(confirms->decided);
    free(confirms->pending);
    confirms_init(confirms);
}

/* Messages are mostly published for the newest group, which comes first, so the search is short. */
static struct confirm_group *open_group(struct confirms *confirms, uint64_t id)
{
    struct confirm_group *group = confirms->open;
    while (group && group->id != id)
        group = group->next;
    if (group)
        return group;

    group = malloc(sizeof(*group));
    if (!group)
        panic("out of memory for a confirm group");
    *group = (struct confirm_group){.next = confirms->open, .id = id};
    if (confirms->open)
        confirms->open->prev = group;
    confirms->open = group;
    return group;
}

static void decide(struct confirms *confirms, struct confirm_group *group)
{
    if (group->prev)
        group->prev->next = group->next;
    else
        confirms->open = group->next;
    if (group->next)
        group->next->prev = group->prev;

    group->next = NULL;
    if (confirms->decided)
        confirms->last_decided->next = group;
    else
        confirms->decided = group;
    confirms->last_decided = group;
}

static struct confirm_group **slot(const struct confirms *confirms, uint64_t tag)
{
    return &confirms->pending[tag & (confirms->capacity - 1)];
}

static void grow(struct confirms *confirms)
{
    const struct confirms old = *confirms;
    confirms->capacity = old.capacity ? 2 * old.capacity : RING_START;
    confirms->pending = calloc(confirms->capacity, sizeof(*confirms->pending));
    if (!confirms->pending)
        panic("out of memory for %zu unconfirmed messages", confirms->capacity);
    for (uint64_t tag = old.first_tag; tag < old.first_tag + old.count; tag++)
        *slot(confirms, tag) = *slot(&old, tag);
    free(old.pending);
}

void confirms_add(struct confirms *confirms, uint64_t group_id)
{
    if (confirms->count == confirms->capacity)
        grow(confirms);
    struct confirm_group *group = open_group(confirms, group_id);
    group->pending++;
    *slot(confirms, confirms_next_tag(confirms)) = group;
    confirms->count++;
}

static bool is_pending(const struct confirms *confirms, uint64_t tag)
{
    return tag >= confirms->first_tag && tag - confirms->first_tag < confirms->count;
}

static void settle_one(struct confirms *confirms, uint64_t tag, bool ok)
{
    struct confirm_group *group = *slot(confirms, tag);
    if (!group)
        return;
    *slot(confirms, tag) = NULL;
    confirms->settled++;
    group->failed |= !ok;
    group->refused |= !ok;
    if (--group->pending == 0)
        decide(confirms, group);
}

static void drop_settled(struct confirms *confirms)
{
    while (confirms->count && !*slot(confirms, confirms->first_tag)) {
        confirms->first_tag++;
        confirms->count--;
    }
}

void confirms_settle(struct confirms *confirms, uint64_t tag, bool multiple, bool ok)
{
    const uint64_t newest = confirms->first_tag + confirms->count - 1;
    if (multiple && (tag == 0 || tag > newest)) /* in AMQP, tag 0 means all messages */
        tag = newest;
    if (!is_pending(confirms, tag))
        return;
    for (uint64_t at = multiple ? confirms->first_tag : tag; at <= tag; at++)
        settle_one(confirms, at, ok);
    drop_settled(confirms);
}

void confirms_return(struct confirms *confirms, uint64_t tag)
{
    if (is_pending(confirms, tag) && *slot(confirms, tag))
        (*slot(confirms, tag))->failed = true;
}

void confirms_reset(struct confirms *confirms)
{
    while (confirms->open) {
        confirms->open->failed = true;
        decide(confirms, confirms->open);
    }
    confirms->count = 0;
    confirms->first_tag = 1;
}

bool confirms_take(struct confirms *confirms, struct bus_confirm *out)
{
    struct confirm_group *group = confirms->decided;
    if (!group)
        return false;
    confirms->decided = group->next;
    *out =
        (struct bus_confirm){.group = group->id, .ok = !group->failed, .refused = group->refused};
    free(group);
    return true;
}
