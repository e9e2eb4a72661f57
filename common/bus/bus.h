/* bus.h - the broker, as a lane sees it.
 *
 * Two connections: one consumes and acknowledges, one publishes, because a broker alarm blocks a
 * publishing connection whole. bus_amqp.c is RabbitMQ, tests/fakes/bus_fake.c is memory for tests; both stand
 * behind these functions. Nothing is thread-safe: one lane, one bus, opened after the fork.
 *
 * A lost connection, channel or consumer shows as OUTCOME_RETRY (calls) or BUS_CLOSED (bus_next);
 * the caller then calls bus_reconnect() with its own backoff. After a reconnect all earlier
 * delivery tags are void (the broker delivers those messages again: acknowledging one is silently
 * skipped) and all confirm groups still open are reported as failed. */
#ifndef CARTWRIGHT_BUS_BUS_H
#define CARTWRIGHT_BUS_BUS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* The texts of a delivery, each in one row: whoever copies, reads or looks at all of them goes through
 * these lists. Where a message came from, and its properties: X(member). */
#define DELIVERY_PROPERTIES(X)                                                                     \
    X(queue)                                                                                       \
    X(exchange)                                                                                    \
    X(routing_key)                                                                                 \
    X(message_id)                                                                                  \
    X(correlation_id)                                                                              \
    X(reply_to)                                                                                    \
    X(content_type)                                                                                \
    X(content_encoding)                                                                            \
    X(type)

/* Headers that are read: X(member, header). x-operation, x-caller (sealed) and x-history stand on
 * copies of ours only, x-signature on those, on events and on notifications. */
#define DELIVERY_HEADERS(X)                                                                        \
    X(authorization, "authorization")                                                              \
    X(api_key, "x-api-key")                                                                        \
    X(api_version, "x-api-version")                                                                \
    X(traceparent, "traceparent")                                                                  \
    X(accept_language, "accept-language")                                                          \
    X(accept_encoding, "accept-encoding")                                                          \
    X(operation, "x-operation")                                                                    \
    X(caller, "x-caller")                                                                          \
    X(history, "x-history")                                                                        \
    X(signature, "x-signature")                                                                    \
    X(sealed, "x-sealed")                                                                          \
    X(partition_key, "x-partition-key")                                                            \
    X(client_ip, "x-client-ip")

/* Why the broker put a message aside: of the newest entry of x-death, X(member, name in the entry).
 * Queue and reason are always the broker's own words. The other two it keeps as they are where a
 * publisher had written an entry for the same queue and reason. Over 255 bytes they are absent. */
#define DELIVERY_DEATH(X)                                                                          \
    X(death_reason, "reason")                                                                      \
    X(death_queue, "queue")                                                                        \
    X(death_exchange, "exchange")                                                                  \
    X(death_expiration, "original-expiration")

/* Why no header of a message was read; its properties and its body were. */
enum headers_fault {
    HEADERS_FINE,
    HEADERS_UNREADABLE, /* nested deeper than BUS_HEADERS_DEPTH, or no table at all */
    HEADERS_TOO_LONG,   /* over BUS_HEADERS_MAX bytes, or longer than a frame */
};

/* Tables and lists in each other. */
#define BUS_HEADERS_DEPTH 64

/* One message received: a single malloc'd block, freed with delivery_free(). Missing properties are
 * absent strs, missing numbers -1 (counters 0). Of the headers only those named here are read, unless
 * all are asked for (bus_options.keep_headers). An x-partition-key over PARTITION_KEY_MAX is absent, and so
 * is a traceparent that has not W3C's form. */
struct delivery {
    uint64_t tag;
    uint32_t epoch; /* of the connection it came on; set by the bus, read by bus_ack */
    struct str body;
#define DELIVERY_PROPERTY(member)       struct str member;
#define DELIVERY_HEADER(member, header) struct str member;
    DELIVERY_PROPERTIES(DELIVERY_PROPERTY)
    DELIVERY_HEADERS(DELIVERY_HEADER)
    DELIVERY_DEATH(DELIVERY_HEADER)
#undef DELIVERY_PROPERTY
#undef DELIVERY_HEADER
    struct str headers;     /* all of them, a JSON object; absent without keep_headers */
    int64_t deadline;       /* header deadline, ms since epoch; -1 */
    int64_t status;         /* header status (replies); -1 */
    int64_t retry_after_ms; /* header retry-after-ms (replies); -1 */
    int64_t expiration;     /* property expiration, ms of life; -1 */
    int64_t timestamp;      /* property timestamp, seconds since epoch; -1 */
    int64_t attempt;        /* header x-attempt: rounds through the delay queues; 0 */
    int64_t delivery_count; /* header x-delivery-count of quorum queues; 0 */
    int deferrals;          /* of the engine: batches in which it waited for a lock; 0 */
    bool died;              /* of the engine: it came out of the queue of what died (died.c) */
    size_t held;            /* bytes of memory that it takes, body included; set by the bus */
    bool redelivered;
    bool too_large; /* the body was over body_max and was dropped: body is empty */
    enum headers_fault headers_fault;
    /* The name of a header that is one of ours and has a type or a form that cannot be read; NULL: none.
     * It is never taken for a missing one: a deadline, say, would then be no deadline. */
    const char *odd_header;
};

/* Bytes of a frame that are asked for at login. A content header is one frame, and the time that
 * RabbitMQ takes for one grows with the square of its depth, which a frame bounds: so the broker
 * should be told the same (frame_max = 16384). A larger header than was agreed on costs its message
 * the headers. */
#define BUS_FRAME_MAX 16384
/* Bytes of all header texts of one delivery that are read, so that a copy with headers of our own fits
 * in a frame. More are none: headers_fault. */
#define BUS_HEADERS_MAX 8192

/* Bytes of a key that keeps messages in order. */
#define PARTITION_KEY_MAX 255

void delivery_free(struct delivery *delivery);
/* The same, body included, in an arena: for who needs it after it was freed. */
struct delivery *delivery_keep(struct arena *arena, const struct delivery *delivery);

struct bus_header {
    const char *name;
    struct str value;
};

/* One message to send; persistent unless `transient`; content type application/json unless it says
 * another. Everything is
 * copied before bus_publish returns. Absent strs and numbers <= 0 are left out. */
struct bus_message {
    struct str exchange; /* "" is the default exchange: routing_key is a queue */
    struct str routing_key;
    struct str body;
    struct str message_id;
    struct str correlation_id;
    struct str reply_to;
    struct str type;
    struct str content_type;     /* absent: application/json */
    struct str content_encoding; /* absent: as it is */
    struct str authorization;
    struct str api_key;
    struct str api_version;
    struct str traceparent;
    struct str partition_key;         /* header x-partition-key */
    int64_t status;                   /* header, an integer */
    int64_t retry_after_ms;           /* header retry-after-ms, an integer */
    int64_t attempt;                  /* header x-attempt, an integer */
    int64_t deadline;                 /* header, ms since epoch */
    int64_t expiration;               /* property, ms */
    int64_t timestamp;                /* property, seconds */
    const struct bus_header *headers; /* further string headers */
    size_t header_count;
    bool mandatory; /* comes back (bus_returned) when no queue takes it; not for direct reply-to */
    bool may_be_unroutable; /* with mandatory: fails no group then, but bus_unroutable() tells */
    bool transient;
};

enum bus_event {
    BUS_MESSAGE, /* *out is a delivery; the caller frees it */
    BUS_IDLE,    /* nothing within the time */
    BUS_CLOSED,  /* something is gone: bus_reconnect() */
};

/* What is routed to a queue, or on to another exchange. */
struct bus_binding {
    struct str exchange;
    struct str pattern; /* from a consistent hash: the queue's weight, "1" */
};

struct bus_queue {
    struct str name;
    const struct bus_binding *bindings;
    size_t binding_count;
    int64_t message_ttl_ms;      /* > 0: a delay queue; expired messages go to dead_exchange */
    struct str dead_exchange;    /* x-dead-letter-exchange; absent: none */
    struct str dead_routing_key; /* absent: the message keeps its own */
    /* The dead-letter routing key that an earlier topology gave this queue, with the default exchange;
     * absent: none. What exists like that is taken as it is. */
    struct str former_dead_routing_key;
    int64_t delivery_limit; /* > 0: x-delivery-limit, the backstop against a crash loop */
    int64_t length_max;     /* > 0: x-max-length, with x-overflow=reject-publish */
    /* x-single-active-consumer: one consumer has all messages until its channel is closed or it is
     * cancelled; the others wait their turn. A cancelled one still holds what it was given, and the
     * next one does not wait for that: who wants order closes and does not cancel. */
    bool single_active;
};

#define BUS_CONSISTENT_HASH "x-consistent-hash"

struct bus_exchange {
    struct str name;
    const char *kind;        /* "topic", "fanout", "direct", BUS_CONSISTENT_HASH (a plugin) */
    struct str alternate;    /* alternate-exchange; absent: none */
    const char *hash_header; /* of a consistent hash: by which header; NULL: by the routing key */
    const struct bus_binding *bindings; /* from other exchanges */
    size_t binding_count;
};

/* What an earlier topology may have bound, and this one must not have: nobody takes it there. */
struct bus_unbinding {
    struct bus_binding binding;
    struct str target;
    bool is_exchange; /* the target; else it is a queue */
};

/* All quorum queues, durable. Declaring the same topology twice changes nothing. Queues are bound
 * first, then exchanges to exchanges, and then the unbindings are taken away (if they were there), so
 * that no message finds no way meanwhile. What exists with other settings is refused; only of a queue
 * whose limits (of length, of deliveries) are others, or whose dead letters go where an earlier topology
 * sent them, `keeps` is told, where there is one, with the broker's words, and the queue is taken as it
 * is: a policy can set the limits that it lacks. */
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

struct bus_options {
    /* amqp://user:password@host:port,host:port/vhost; amqps:// for TLS, 1.2 or later, with a good
     * certificate that names the host; ?cacertfile=FILE&certfile=FILE&keyfile=FILE. The hosts are
     * tried in an order that is drawn in bus_open, and after a loss from the next one on. */
    struct str uri;
    const char *name; /* connection name shown by the broker: "cartwright shop/1" */
    int heartbeat_s;  /* 10 */
    /* Of connecting and of each call that waits for the broker: 5000. A login may take twice as long:
     * it waits for the broker's name server. */
    int timeout_ms;
    size_t body_max;   /* bytes; a larger body is not kept: delivery.too_large */
    bool keep_headers; /* for people who look at messages: fills delivery.headers */
    /* A broker that is busy on a channel (it may encode a header for minutes) answers nothing there,
     * while its heartbeats come. A call waits for it so long; 0: timeout_ms. `waits` is called
     * meanwhile, at least once a second; its false ends the patience. May be NULL. */
    int patience_ms;
    bool (*waits)(void *context);
    void *context;
    void (*thread_began)(void); /* in the thread that TLS needs for heartbeats; may be NULL */
};

struct bus_confirm {
    uint64_t group;
    bool ok;      /* every message of the group is confirmed and none was returned */
    bool refused; /* the broker said no to one of them; else, when not ok, nobody knows */
};

struct bus;

/* Opens both connections; OUTCOME_RETRY when the broker is not there, OUTCOME_BUG for a wrong URI
 * or refused credentials (err says which). */
MUST_CHECK enum outcome bus_open(const struct bus_options *options, struct bus **out,
                                 struct err *err);
void bus_close(struct bus *bus);
/* Gives back what is unacknowledged and stays closed (bus_next says BUS_CLOSED) until
 * bus_reconnect. */
void bus_disconnect(struct bus *bus);
/* Closes what is left, opens anew, consumes again what bus_consume asked for. What was buffered and
 * not flushed is dropped. */
MUST_CHECK enum outcome bus_reconnect(struct bus *bus, struct err *err);
/* The broker's frame_max as it was offered at the last login, bytes; 0: it has no limit. */
int64_t bus_frame_offered(const struct bus *bus);
/* Why bus_next said BUS_CLOSED, for the log; "" while nothing is lost. */
const char *bus_lost_reason(const struct bus *bus);

MUST_CHECK enum outcome bus_declare(struct bus *bus, const struct bus_topology *topology,
                                    struct err *err);
/* Starts consuming, with manual acknowledgement (there is no other kind). prefetch is
 * per queue (quorum queues know no other kind). OUTCOME_RETRY also when a queue does not exist
 * (yet). */
MUST_CHECK enum outcome bus_consume(struct bus *bus, const struct str *queues, size_t count,
                                    int prefetch, struct err *err);
/* Stops taking new messages; what was delivered may still be acknowledged. What the broker has on
 * its way goes back to the queue and has spent one of its deliveries
 * (https://github.com/rabbitmq/rabbitmq-server/issues/3729). */
MUST_CHECK enum outcome bus_cancel(struct bus *bus, struct err *err);
/* The next delivery: what the library holds already, then the socket, waiting up to timeout_ms
 * (0: never waits). Also serves heartbeats, confirms and returns of both connections. BUS_IDLE
 * comes early when a signal arrived or a confirm group was decided meanwhile. */
enum bus_event bus_next(struct bus *bus, int timeout_ms, struct delivery **out);

/* Sends the heartbeats that are due (with TLS it has a thread do that), and nothing else.
 * Async-signal-safe: for the handler of a timer, so that a connection outlives a batch that takes
 * longer than the broker's patience. */
void bus_beat(struct bus *bus);
/* Subscribes anew to what is consumed; only while nothing is in hand, since earlier delivery tags are
 * void afterwards. A broker that has something to send, or is busy preparing it, is left alone: DONE
 * without a renewal.
 * RabbitMQ 3.10 does not tell the consumers of a quorum queue that was deleted and
 * made again within some 50 ms: it counts them as consumers of the new queue, assigns messages to
 * them and never sends one. From outside nothing of this can be seen, so it is not asked for but
 * simply ended, now and then. RETRY (and lost) when a queue is gone. */
MUST_CHECK enum outcome bus_renew(struct bus *bus, struct err *err);

/* bus_next says BUS_IDLE at once while this descriptor is readable; -1: there is none. */
void bus_watch(struct bus *bus, int fd);

/* multiple: every earlier tag of the connection too. Buffered until bus_flush. */
void bus_ack(struct bus *bus, const struct delivery *delivery, bool multiple);
/* Gives it back to the queue (drain only: it costs one of the deliveries of x-delivery-limit). */
void bus_requeue(struct bus *bus, const struct delivery *delivery);

/* Buffered until bus_flush. group > 0: the publisher confirm is counted for that group;
 * group 0: nobody waits for it. Returned mandatory messages fail their group. All messages of a
 * group go out with one flush: a group is decided when everything flushed of it is. */
void bus_publish(struct bus *bus, const struct bus_message *message, uint64_t group);
/* Writes out all buffered publishes and acknowledgements, gathered. Cut after timeout_ms (a broker
 * alarm, a dead peer): OUTCOME_RETRY, and the connection counts as lost. */
MUST_CHECK enum outcome bus_flush(struct bus *bus, struct err *err);
/* The next group whose fate is known; false when there is none yet. Never blocks. */
bool bus_confirmed(struct bus *bus, struct bus_confirm *out);
/* Waits until no group is open or timeout_ms passed; true when none is open. */
bool bus_wait_confirms(struct bus *bus, int timeout_ms);
/* Messages of groups of which the broker gave word, since open: as long as it grows, the broker is
 * at work on what was published, however late. */
uint64_t bus_settled(const struct bus *bus);

/* True while the broker has blocked the publishing connection (memory or disk alarm). */
bool bus_is_blocked(const struct bus *bus);
/* Mandatory messages that came back unroutable (replies to queues that are gone), since open. */
uint64_t bus_returned(const struct bus *bus);
#define BUS_ROUTE_MAX 128
/* "<exchange> <routing key>", cut to fit, of the last message that might be unroutable and was, since this
 * was asked; false, and nothing written, when there was none. */
bool bus_unroutable(struct bus *bus, char out[BUS_ROUTE_MAX]);
/* Messages ready in a queue, for operators and tests. */
MUST_CHECK enum outcome bus_queue_depth(struct bus *bus, struct str queue, int64_t *out,
                                        struct err *err);

#endif
