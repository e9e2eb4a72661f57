/* delivery_list.h - how an implementation of bus.h makes deliveries, and keeps them in a list.
 * Private to the bus room and to the tests, which have implementations of their own. */
#ifndef CARTWRIGHT_BUS_DELIVERY_LIST_H
#define CARTWRIGHT_BUS_DELIVERY_LIST_H

#include "bus/delivery.h"

/* A delivery with room for a link. Every delivery is made as one of these, so that a list of
 * deliveries needs no further allocations. */
struct delivery_node {
    struct delivery delivery; /* first: delivery_free() frees the whole block */
    struct delivery_node *next;
};

/* First in, first out. A zeroed list is an empty one. */
struct delivery_list {
    struct delivery_node *first;
    struct delivery_node *last;
    size_t count;
};

void delivery_list_append(struct delivery_list *list, struct delivery *delivery);
/* Takes the oldest delivery, which the caller frees; NULL when the list is empty. */
struct delivery *delivery_list_take(struct delivery_list *list);
void delivery_list_clear(struct delivery_list *list);

/* A delivery without any property: its strs are absent, its numbers are as delivery.h says. */
struct delivery delivery_blank(void);
/* Makes one block that holds copies of all strs of `from`, and room for body_len bytes of body,
 * which the caller fills in through delivery_body(); from->body itself is not copied. The caller
 * frees it with delivery_free(). */
struct delivery *delivery_make(const struct delivery *from, size_t body_len);

static inline char *delivery_body(struct delivery *delivery)
{
    return (char *)(uintptr_t)delivery->body.ptr;
}

#endif
