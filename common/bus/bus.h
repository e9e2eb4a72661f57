/* bus.h - the broker, as a lane sees it.
 *
 * A bus has two connections, because a broker alarm blocks a publishing connection entirely: one
 * consumes and acknowledges, the other publishes. bus_amqp.c implements these functions on
 * RabbitMQ, tests/fakes/bus_fake.c implements them in memory for tests. Nothing here is
 * thread-safe: each lane opens a bus of its own, after the fork.
 *
 * The loss of a connection, a channel or a consumer shows as OUTCOME_RETRY (calls) or BUS_CLOSED
 * (bus_next); the caller then calls bus_reconnect() with a backoff of its own. A reconnect makes
 * all earlier delivery tags void: the broker delivers those messages again, and acknowledging an
 * earlier delivery is silently skipped. All confirm groups that are still open are then reported
 * as failed. */
#ifndef CARTWRIGHT_BUS_BUS_H
#define CARTWRIGHT_BUS_BUS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "bus/delivery.h"

struct bus_header {
    const char *name;
    struct str value;
};

/* One message to send, persistent unless `transient`. Everything is copied before bus_publish
 * returns. Absent strs and numbers <= 0 are left out. */
struct bus_message {
    struct str exchange; /* "" is the default exchange: routing_key is a queue */
    struct str routing_key;
    struct str body;
    struct str message_id;
    struct str correlation_id;
    struct str reply_to;
    struct str type;
    struct str content_type;     /* absent: application/json */
    struct str content_encoding; /* absent: the body is not encoded */
#define MESSAGE_HEADER(member, header) struct str member;
    MESSAGE_HEADERS(MESSAGE_HEADER)
#undef MESSAGE_HEADER
    int64_t status;                   /* header status, an integer */
    int64_t retry_after_ms;           /* header retry-after-ms, an integer */
    int64_t attempt;                  /* header x-attempt, an integer */
    int64_t deadline;                 /* header deadline, ms since the epoch */
    int64_t expiration;               /* property expiration, ms of life */
    int64_t timestamp;                /* property timestamp, seconds since the epoch */
    const struct bus_header *headers; /* further string headers */
    size_t header_count;
    bool mandatory; /* returned (bus_returned) when no queue takes it; not for direct reply-to */
    bool may_be_unroutable; /* with mandatory: a return fails no group; bus_unroutable() tells */
    bool transient;
};

enum bus_event {
    BUS_MESSAGE, /* *out is a delivery, which the caller frees */
    BUS_IDLE,    /* nothing arrived within the time */
    BUS_CLOSED,  /* a connection, channel or consumer is lost: call bus_reconnect() */
};

/* What an exchange routes to a queue, or on to another exchange. */
struct bus_binding {
    struct str exchange;
    struct str pattern; /* for a consistent hash: the target's weight, "1" */
};

struct bus_queue {
    struct str name;
    const struct bus_binding *bindings;
    size_t binding_count;
    int64_t message_ttl_ms;      /* > 0: a delay queue; expired messages go to dead_exchange */
    struct str dead_exchange;    /* x-dead-letter-exchange; absent: none */
    struct str dead_routing_key; /* absent: the dead letter keeps its own key */
    /* The dead-letter routing key that an earlier topology gave this queue, with the default
     * exchange; absent: none. A queue that still has these settings is accepted as it is. */
    struct str former_dead_routing_key;
    int64_t delivery_limit; /* > 0: x-delivery-limit, the backstop against a crash loop */
    int64_t length_max;     /* > 0: x-max-length, with x-overflow=reject-publish */
    /* x-single-active-consumer: one consumer gets all messages until its channel is closed or it is
     * cancelled; the other consumers wait their turn. A cancelled consumer still holds the messages
     * that it was given, and the next consumer does not wait for them: to keep the order, a
     * consumer must close its channel and not cancel. */
    bool single_active;
};

#define BUS_CONSISTENT_HASH "x-consistent-hash"

struct bus_exchange {
    struct str name;
    const char *kind;        /* "topic", "fanout", "direct", BUS_CONSISTENT_HASH (a plugin) */
    struct str alternate;    /* alternate-exchange; absent: none */
    const char *hash_header; /* consistent hash: the header to hash; NULL: the routing key */
    const struct bus_binding *bindings; /* from other exchanges to this one */
    size_t binding_count;
};

/* A binding that an earlier topology may have made and that this one must not have, because its
 * target is to get no more messages from there. */
struct bus_unbinding {
    struct bus_binding binding;
    struct str target;
    bool is_exchange; /* the target is an exchange; else it is a queue */
};

/* Exchanges and queues are durable, and all queues are quorum queues. Declaring the same topology
 * twice changes nothing. bus_declare binds queues first, then exchanges to exchanges, and removes
 * the unbindings (where they exist) last, so that every message has a way at any time. What exists
 * with other settings is refused, with one exception: a queue whose limits (of length, of
 * deliveries) differ, or whose dead letters go where an earlier topology sent them, is accepted as
 * it is, and `keeps` is called with the broker's words; a policy can set the limits that such a
 * queue lacks. Without `keeps` (NULL) these queues are refused, too. */
struct bus_topology {
    const struct bus_exchange *exchanges;
    size_t exchange_count;
    const struct bus_queue *queues;
    size_t queue_count;
    const struct bus_unbinding *unbindings;
    size_t unbinding_count;
    void (*keeps)(void *context, const struct bus_queue *queue, const char *words);
    void *context;
};

/* The frame size, in bytes, that a connection asks for at login. A content header is one frame. The
 * time that RabbitMQ takes for one grows with the square of its nesting depth, which the frame size
 * bounds: so the broker should be set to the same value (frame_max = 16384). A message whose
 * content header is larger than the agreed size loses its headers. */
#define BUS_FRAME_MAX 16384

struct bus_options {
    /* amqp://user:password@host:port,host:port/vhost; amqps:// for TLS 1.2 or later, for which the
     * broker needs a valid certificate that names the host, and to which
     * ?cacertfile=FILE&certfile=FILE&keyfile=FILE may be added. bus_open draws the order in which
     * the hosts are tried; after a loss the bus begins with the next one. */
    struct str uri;
    const char *name; /* connection name shown by the broker: "cartwright shop/1" */
    int heartbeat_s;  /* seconds, usually 10; 0: no heartbeats */
    /* The limit, usually 5000, for connecting and for each call that waits for the broker. A login
     * may take twice as long, because it waits for the broker's name server. */
    int timeout_ms;
    size_t body_max;   /* bytes; a larger body is dropped: delivery.too_large */
    bool keep_headers; /* fills delivery.headers, for people who look at messages */
    /* A broker that is busy on a channel (it may encode a header for minutes) answers nothing
     * there, although its heartbeats still come. patience_ms is how long a call waits for such a
     * broker; 0: only timeout_ms. Meanwhile `waits` (may be NULL) is called at least once a second;
     * when it returns false, the patience ends. */
    int patience_ms;
    bool (*waits)(void *context);
    void *context;
    void (*thread_began)(void); /* called in the thread that sends heartbeats with TLS; or NULL */
};

struct bus_confirm {
    uint64_t group;
    bool ok; /* every message of the group was confirmed, and none of them was returned */
    /* The broker rejected a message of the group. When neither ok nor refused is set, a message was
     * returned, or its fate is unknown. */
    bool refused;
};

#define BUS_ROUTE_MAX 128 /* bytes of an exchange's name and a routing key: bus_unroutable() */

struct bus;

/* What an implementation provides: each of these does what is promised below of the function of the
 * same name, which only calls it. */
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

/* The first member of every implementation's own struct. */
struct bus {
    const struct bus_ops *ops;
};

/* Opens both connections; the caller closes *out with bus_close. OUTCOME_RETRY when the broker
 * cannot be reached, OUTCOME_BUG for what an operator must correct, such as a wrong URI, refused
 * credentials or a frame_max below BUS_FRAME_MAX (err says which). */
MUST_CHECK enum outcome bus_open(const struct bus_options *options, struct bus **out,
                                 struct err *err);
/* NULL is allowed. */
static inline void bus_close(struct bus *bus)
{
    if (bus)
        bus->ops->close(bus);
}

/* Closes both connections, which gives all unacknowledged messages back to their queues. The bus
 * stays closed (bus_next returns BUS_CLOSED) until bus_reconnect. */
static inline void bus_disconnect(struct bus *bus)
{
    bus->ops->disconnect(bus);
}

/* Closes what is left, opens both connections anew and consumes again what bus_consume asked for.
 * What was buffered and not flushed is dropped. Outcomes are those of bus_open. */
MUST_CHECK static inline enum outcome bus_reconnect(struct bus *bus, struct err *err)
{
    return bus->ops->reconnect(bus, err);
}

/* The frame_max that the broker offered at the last login, in bytes; 0: it has no limit. */
static inline int64_t bus_frame_offered(const struct bus *bus)
{
    return bus->ops->frame_offered(bus);
}

/* Why bus_next returned BUS_CLOSED, for the log; "" while nothing is lost. */
static inline const char *bus_lost_reason(const struct bus *bus)
{
    return bus->ops->lost_reason(bus);
}

/* See bus_topology. OUTCOME_BUG when the broker refuses a part of it (err says which and why). */
MUST_CHECK static inline enum outcome bus_declare(struct bus *bus,
                                                  const struct bus_topology *topology,
                                                  struct err *err)
{
    return bus->ops->declare(bus, topology, err);
}

/* Starts consuming, always with manual acknowledgement. The names are copied. The prefetch is a
 * number of messages per queue (quorum queues support no other kind). OUTCOME_RETRY also when a
 * queue does not exist (yet). */
MUST_CHECK static inline enum outcome bus_consume(struct bus *bus, const struct str *queues,
                                                  size_t count, int prefetch, struct err *err)
{
    return bus->ops->consume(bus, queues, count, prefetch, err);
}

/* Stops taking new messages; deliveries that were received may still be acknowledged. Messages that
 * are still on their way from the broker go back to the queue, and each has used up one of its
 * deliveries (https://github.com/rabbitmq/rabbitmq-server/issues/3729). */
MUST_CHECK static inline enum outcome bus_cancel(struct bus *bus, struct err *err)
{
    return bus->ops->cancel(bus, err);
}

/* The next delivery: first what was received already, then what the socket brings, waiting up to
 * timeout_ms (0: does not wait). Also serves heartbeats, confirms and returns of both connections.
 * BUS_IDLE comes early when a signal arrived or a confirm group was decided meanwhile. */
static inline enum bus_event bus_next(struct bus *bus, int timeout_ms, struct delivery **out)
{
    return bus->ops->next(bus, timeout_ms, out);
}

/* Sends the heartbeats that are due, and nothing else; with TLS it has a thread do that.
 * Async-signal-safe: it is meant for the handler of a timer, so that a connection outlives a batch
 * that takes longer than the broker waits for a sign of life. */
static inline void bus_beat(struct bus *bus)
{
    bus->ops->beat(bus);
}

/* Subscribes anew to the queues that are consumed. Call it only while no delivery is in hand, since
 * it makes earlier delivery tags void. A broker that has something to send, or is busy preparing
 * it, is left alone: OUTCOME_DONE without a renewal. OUTCOME_RETRY, and the connection is lost,
 * when a queue is gone.
 * The reason: RabbitMQ 3.10 does not tell the consumers of a quorum queue that was deleted and made
 * again within some 50 ms. It counts them as consumers of the new queue, assigns messages to them
 * and never sends one. A client cannot detect this state, so the subscription is simply ended and
 * made again now and then. */
MUST_CHECK static inline enum outcome bus_renew(struct bus *bus, struct err *err)
{
    return bus->ops->renew(bus, err);
}

/* While fd is readable, bus_next returns BUS_IDLE instead of waiting; -1: nothing is watched. */
static inline void bus_watch(struct bus *bus, int fd)
{
    bus->ops->watch(bus, fd);
}

/* Acknowledges a delivery; `multiple`: and every earlier one of the connection. Buffered until
 * bus_flush. */
static inline void bus_ack(struct bus *bus, const struct delivery *delivery, bool multiple)
{
    bus->ops->ack(bus, delivery, multiple);
}

/* Buffered until bus_flush. group > 0: the publisher confirm is counted for that group; group 0:
 * nobody waits for a confirm. A returned mandatory message fails its group. All messages of a group
 * must go out with one flush: a group is decided as soon as all that was flushed of it is. */
static inline void bus_publish(struct bus *bus, const struct bus_message *message, uint64_t group)
{
    bus->ops->publish(bus, message, group);
}

/* Writes out all buffered publishes and acknowledgements, gathered. Gives up after timeout_ms (a
 * broker alarm, a dead peer): OUTCOME_RETRY, and the connection counts as lost. OUTCOME_BUG when
 * messages were left out, because a name or the headers are too long or a direct reply-to name is
 * malformed; all else was written. */
MUST_CHECK static inline enum outcome bus_flush(struct bus *bus, struct err *err)
{
    return bus->ops->flush(bus, err);
}

/* The next group that is decided; false when there is none yet. Never blocks. */
static inline bool bus_confirmed(struct bus *bus, struct bus_confirm *out)
{
    return bus->ops->confirmed(bus, out);
}

/* Waits until no group is open, the connection is lost or timeout_ms passed; true when no group is
 * open. */
static inline bool bus_wait_confirms(struct bus *bus, int timeout_ms)
{
    return bus->ops->wait_confirms(bus, timeout_ms);
}

/* How many messages of confirm groups the broker has confirmed or rejected since bus_open. As long
 * as this number grows, the broker is at work on what was published, however late. */
static inline uint64_t bus_settled(const struct bus *bus)
{
    return bus->ops->settled(bus);
}

/* True while the broker has blocked the publishing connection (memory or disk alarm). */
static inline bool bus_is_blocked(const struct bus *bus)
{
    return bus->ops->is_blocked(bus);
}

/* How many mandatory messages have come back unroutable since bus_open (replies to queues that are
 * gone). */
static inline uint64_t bus_returned(const struct bus *bus)
{
    return bus->ops->returned(bus);
}

/* The last message with may_be_unroutable that came back since the previous call, as
 * "<exchange> <routing key>", cut to fit; false, and nothing written, when there was none. */
static inline bool bus_unroutable(struct bus *bus, char out[BUS_ROUTE_MAX])
{
    return bus->ops->unroutable(bus, out);
}

/* The number of messages that are ready in a queue, for operators and tests. OUTCOME_REFUSED when
 * there is no such queue. */
MUST_CHECK static inline enum outcome bus_queue_depth(struct bus *bus, struct str queue,
                                                      int64_t *out, struct err *err)
{
    return bus->ops->queue_depth(bus, queue, out, err);
}

#endif
