/* bus_inspect.h - looks at a broker without changing anything: what exists, and who may do what.
 *
 * AMQP tells whether an exchange or a queue exists, and, to a user who may declare it, whether its
 * settings are the wanted ones. It does not tell bindings, policies or other users' permissions. */
#ifndef CARTWRIGHT_BUS_BUS_INSPECT_H
#define CARTWRIGHT_BUS_BUS_INSPECT_H

#include "bus/bus.h"

struct bus_inspector;

enum bus_state {
    BUS_THERE,   /* it exists, with the wanted settings */
    BUS_MISSING, /* nothing of this name exists */
    BUS_OTHER,   /* it exists, with other settings */
    BUS_HIDDEN,  /* it exists; this user may not compare its settings */
};

enum bus_right {
    BUS_CONFIGURE, /* to configure a queue; `name` is one that does not exist */
    BUS_WRITE,     /* to write to an exchange; `name` is one that exists */
    BUS_READ,      /* to read from a queue; `name` is one that does not exist */
};

struct bus_sight {
    enum bus_state state;
    int64_t depth;            /* of a queue that exists: messages ready */
    char words[ERR_TEXT_MAX]; /* the broker's refusal; "" for BUS_THERE */
};

/* Opens one connection, without heartbeats. Outcomes are those of bus_open. */
MUST_CHECK enum outcome bus_inspector_open(struct str uri, const char *name, int timeout_ms,
                                           struct bus_inspector **out, struct err *err);
void bus_inspector_close(struct bus_inspector *inspector);

/* Compares what exists with what is wanted. OUTCOME_RETRY when the connection is lost. */
MUST_CHECK enum outcome bus_inspect_exchange(struct bus_inspector *inspector,
                                             const struct bus_exchange *exchange,
                                             struct bus_sight *out, struct err *err);
MUST_CHECK enum outcome bus_inspect_queue(struct bus_inspector *inspector,
                                          const struct bus_queue *queue, struct bus_sight *out,
                                          struct err *err);
/* Tells whether this user has a right, by a request that changes nothing, allowed or not. */
MUST_CHECK enum outcome bus_inspect_right(struct bus_inspector *inspector, enum bus_right right,
                                          struct str name, bool *out, struct err *err);
/* Tells whether the broker takes a message of so many bytes, by sending one that no queue takes.
 * OUTCOME_REFUSED when this user may not publish to the default exchange. */
MUST_CHECK enum outcome bus_inspect_length(struct bus_inspector *inspector, size_t bytes, bool *out,
                                           struct err *err);
/* The user in the URI. Lives as long as the inspector. */
const char *bus_inspector_user(const struct bus_inspector *inspector);
/* The longest frame that the broker offers, in bytes; 0: any length. */
int64_t bus_inspector_frame_max(const struct bus_inspector *inspector);
/* The major version of RabbitMQ (4 of 4.0.5); -1: the broker does not tell. */
int64_t bus_inspector_major(const struct bus_inspector *inspector);

/* The vhost in a URI; "/" when the URI cannot be read. */
const char *bus_vhost_of(struct arena *arena, struct str uri);
/* The same URI for another user. User and password must be written as in a URI (%XX). */
struct str bus_uri_for(struct arena *arena, struct str uri, const char *user, const char *password);

#endif
