/* bus_inspect.h - looking at a broker without changing anything: what is there, and who may do what.
 *
 * AMQP tells whether an exchange or a queue exists, and, to a user who may declare it, whether its
 * settings are the wanted ones. It does not tell bindings, policies or other users' permissions. */
#ifndef CARTWRIGHT_BUS_BUS_INSPECT_H
#define CARTWRIGHT_BUS_BUS_INSPECT_H

#include "bus/bus.h"

struct bus_inspector;

enum bus_state {
    BUS_THERE,   /* as it is wanted */
    BUS_MISSING, /* there is none of this name */
    BUS_OTHER,   /* it has other settings */
    BUS_HIDDEN,  /* it is there; this user may not compare its settings */
};

enum bus_right {
    BUS_CONFIGURE, /* a queue; `name` is one that does not exist */
    BUS_WRITE,     /* to an exchange; `name` is one that exists */
    BUS_READ,      /* a queue; `name` is one that does not exist */
};

struct bus_sight {
    enum bus_state state;
    int64_t depth;            /* of a queue that is there: messages ready */
    char words[ERR_TEXT_MAX]; /* the broker's, unless the state is BUS_THERE */
};

/* One connection, without heartbeats. Outcomes as of bus_open. */
MUST_CHECK enum outcome bus_inspector_open(struct str uri, const char *name, int timeout_ms,
                                           struct bus_inspector **out, struct err *err);
void bus_inspector_close(struct bus_inspector *inspector);

/* OUTCOME_RETRY when the connection is lost. */
MUST_CHECK enum outcome bus_inspect_exchange(struct bus_inspector *inspector,
                                             const struct bus_exchange *exchange,
                                             struct bus_sight *out, struct err *err);
MUST_CHECK enum outcome bus_inspect_queue(struct bus_inspector *inspector,
                                          const struct bus_queue *queue, struct bus_sight *out,
                                          struct err *err);
/* May this user do that? Asks for something that fails in any case, with or without the right. */
MUST_CHECK enum outcome bus_inspect_right(struct bus_inspector *inspector, enum bus_right right,
                                          struct str name, bool *out, struct err *err);
/* Does the broker take a message of so many bytes? One is sent to where no queue is. REFUSED when this
 * user may not publish to the default exchange. */
MUST_CHECK enum outcome bus_inspect_length(struct bus_inspector *inspector, size_t bytes, bool *out,
                                           struct err *err);
/* The user in the address. Lives as long as the inspector. */
const char *bus_inspector_user(const struct bus_inspector *inspector);
/* The longest frame that the broker offers, bytes; 0: any. */
int64_t bus_inspector_frame_max(const struct bus_inspector *inspector);
/* 4 of RabbitMQ 4.0.5; -1: it does not tell. */
int64_t bus_inspector_major(const struct bus_inspector *inspector);

/* The vhost in an address; "/" when it cannot be read. */
const char *bus_vhost_of(struct arena *arena, struct str uri);
/* The same address for another user. */
struct str bus_uri_for(struct arena *arena, struct str uri, const char *user, const char *password);

#endif
