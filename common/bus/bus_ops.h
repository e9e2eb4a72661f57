/* bus_ops.h - what an implementation of bus.h provides. Private to the bus room and to the tests,
 * which have implementations of their own.
 *
 * A bus is any struct whose first member is `struct bus`. Each operation does what bus.h promises
 * of the function of the same name. */
#ifndef CARTWRIGHT_BUS_BUS_OPS_H
#define CARTWRIGHT_BUS_BUS_OPS_H

#include "bus/bus.h"

struct bus_ops {
    void (*close)(struct bus *bus);
    void (*disconnect)(struct bus *bus);
    enum outcome (*reconnect)(struct bus *bus, struct err *err);
    int64_t (*frame_offered)(const struct bus *bus);
    const char *(*lost_reason)(const struct bus *bus);
    enum outcome (*declare)(struct bus *bus, const struct bus_topology *topology, struct err *err);
    enum outcome (*consume)(struct bus *bus, const struct str *queues, size_t count, int prefetch,
                            struct err *err);
    enum outcome (*cancel)(struct bus *bus, struct err *err);
    enum bus_event (*next)(struct bus *bus, int timeout_ms, struct delivery **out);
    void (*beat)(struct bus *bus);
    enum outcome (*renew)(struct bus *bus, struct err *err);
    void (*watch)(struct bus *bus, int fd);
    void (*ack)(struct bus *bus, const struct delivery *delivery, bool multiple);
    void (*requeue)(struct bus *bus, const struct delivery *delivery);
    void (*publish)(struct bus *bus, const struct bus_message *message, uint64_t group);
    enum outcome (*flush)(struct bus *bus, struct err *err);
    bool (*confirmed)(struct bus *bus, struct bus_confirm *out);
    bool (*wait_confirms)(struct bus *bus, int timeout_ms);
    uint64_t (*settled)(const struct bus *bus);
    bool (*is_blocked)(const struct bus *bus);
    uint64_t (*returned)(const struct bus *bus);
    bool (*unroutable)(struct bus *bus, char out[BUS_ROUTE_MAX]);
    enum outcome (*queue_depth)(struct bus *bus, struct str queue, int64_t *out, struct err *err);
};

struct bus {
    const struct bus_ops *ops;
};

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

/* A delivery without any property: its strs are absent, its numbers are as bus.h says. */
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
