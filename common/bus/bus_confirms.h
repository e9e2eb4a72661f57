/* bus_confirms.h - which publisher confirm belongs to which group. Private to the bus room.
 *
 * The broker numbers the messages of a channel 1, 2, 3, ... and confirms them in any order, one by
 * one or all up to a number. A group is decided when all of its messages are; it is ok when every
 * one was acked and none was returned. */
#ifndef CARTWRIGHT_BUS_BUS_CONFIRMS_H
#define CARTWRIGHT_BUS_BUS_CONFIRMS_H

#include "bus/bus.h"

struct confirm_group;

struct confirms {
    struct confirm_group **pending; /* ring by tag: the tag's group; NULL once the tag is settled */
    size_t capacity;                /* a power of two, or 0 */
    size_t count;
    uint64_t first_tag;         /* the oldest tag in the ring */
    uint64_t settled;           /* how many tags the broker has confirmed or rejected so far */
    struct confirm_group *open; /* the newest group first */
    struct confirm_group *decided;
    struct confirm_group *last_decided;
};

void confirms_init(struct confirms *confirms);
void confirms_release(struct confirms *confirms);

/* Records a message that was published for a group; its tag is the one confirms_next_tag() gave. */
void confirms_add(struct confirms *confirms, uint64_t group);
/* Records that the broker confirmed (ok) or rejected one tag, or all tags up to it. Unknown tags
 * are ignored. */
void confirms_settle(struct confirms *confirms, uint64_t tag, bool multiple, bool ok);
/* Records that a mandatory message came back; its ack is still to come. */
void confirms_return(struct confirms *confirms, uint64_t tag);
/* For a channel that is gone: every open group has failed, and tags start again from 1. */
void confirms_reset(struct confirms *confirms);

/* Takes the next decided group; false when there is none. */
bool confirms_take(struct confirms *confirms, struct bus_confirm *out);

/* The number that the broker will give to the message published next. */
static inline uint64_t confirms_next_tag(const struct confirms *confirms)
{
    return confirms->first_tag + confirms->count;
}

static inline bool confirms_any_open(const struct confirms *confirms)
{
    return confirms->open != NULL;
}

static inline bool confirms_any_decided(const struct confirms *confirms)
{
    return confirms->decided != NULL;
}

#endif
