/* delivery.h - one received message, and what of it is read. */
#ifndef CARTWRIGHT_BUS_DELIVERY_H
#define CARTWRIGHT_BUS_DELIVERY_H

#include "base/arena.h"
#include "base/str.h"

/* The strings of a delivery, one row each; code that handles all of them goes through these lists.
 * This list has where a message came from, and its properties: X(member). */
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

/* The headers by which a message is admitted: X(member, header). A dead letter does not keep them,
 * because they have credentials among them and a letter may lie for months. */
#define ADMISSION_HEADERS(X)                                                                       \
    X(authorization, "authorization")                                                              \
    X(api_key, "x-api-key")                                                                        \
    X(api_version, "x-api-version")

/* The headers that every copy of a message keeps: X(member, header). */
#define LASTING_HEADERS(X)                                                                         \
    X(traceparent, "traceparent")                                                                  \
    X(partition_key, "x-partition-key")

/* The headers that are members of a message to send (struct bus_message), too. */
#define MESSAGE_HEADERS(X)                                                                         \
    ADMISSION_HEADERS(X)                                                                           \
    LASTING_HEADERS(X)

/* The headers that are read: X(member, header). Only copies of our own (delayed messages, dead
 * letters) carry x-operation, x-caller (sealed) and x-history; those copies, events and
 * notifications carry x-signature. */
#define DELIVERY_HEADERS(X)                                                                        \
    MESSAGE_HEADERS(X)                                                                             \
    X(accept_language, "accept-language")                                                          \
    X(accept_encoding, "accept-encoding")                                                          \
    X(operation, "x-operation")                                                                    \
    X(caller, "x-caller")                                                                          \
    X(history, "x-history")                                                                        \
    X(signature, "x-signature")                                                                    \
    X(sealed, "x-sealed")                                                                          \
    X(client_ip, "x-client-ip")

/* Why the broker put a message aside, from the newest entry of x-death: X(member, name in the
 * entry). Queue and reason are always the broker's own words. If a publisher had already written an
 * entry for the same queue and reason, the broker keeps the exchange and the expiration of that
 * entry. A value longer than 255 bytes is absent. */
#define DELIVERY_DEATH(X)                                                                          \
    X(death_reason, "reason")                                                                      \
    X(death_queue, "queue")                                                                        \
    X(death_exchange, "exchange")                                                                  \
    X(death_expiration, "original-expiration")

/* Which headers of a message were dropped, and why; its properties and its body were not. */
enum headers_fault {
    HEADERS_FINE,
    /* All headers were nested deeper than BUS_HEADERS_DEPTH, or were no valid table. */
    HEADERS_UNREADABLE,
    /* All headers were longer than a frame, or their texts had more than BUS_HEADERS_MAX bytes and
     * only the texts were dropped. */
    HEADERS_TOO_LONG,
};

/* The most levels of tables and lists within each other; the header table itself is the first. */
#define BUS_HEADERS_DEPTH 64

/* One received message: a single malloc'd block, freed with delivery_free(). A missing text is an
 * absent str, a missing number is -1, a missing counter is 0. Only the headers that are named here
 * are read, unless bus_options.keep_headers asks for all of them. An x-partition-key longer than
 * PARTITION_KEY_MAX is absent, and so is a traceparent that does not have the form set by W3C. */
struct delivery {
    uint64_t tag;
    uint32_t epoch; /* of the channel that it came on; set by the bus, which checks it in bus_ack */
    struct str body;
#define DELIVERY_PROPERTY(member)       struct str member;
#define DELIVERY_HEADER(member, header) struct str member;
    DELIVERY_PROPERTIES(DELIVERY_PROPERTY)
    DELIVERY_HEADERS(DELIVERY_HEADER)
    DELIVERY_DEATH(DELIVERY_HEADER)
#undef DELIVERY_PROPERTY
#undef DELIVERY_HEADER
    struct str headers;     /* all headers as a JSON object; absent without keep_headers */
    int64_t deadline;       /* header deadline, ms since the epoch; or -1 */
    int64_t status;         /* header status (replies); or -1 */
    int64_t retry_after_ms; /* header retry-after-ms (replies); or -1 */
    int64_t expiration;     /* property expiration, ms of life; or -1 */
    int64_t timestamp;      /* property timestamp, seconds since the epoch; or -1 */
    int64_t attempt;        /* header x-attempt: rounds through the delay queues; or 0 */
    int64_t delivery_count; /* header x-delivery-count of quorum queues; or 0 */
    int deferrals;          /* kept by the engine, from 0: batches in which it waited for a lock */
    bool died;              /* set by the engine: it came from the queue of what died (died.c) */
    size_t held;            /* bytes of memory that the delivery takes, body included */
    bool redelivered;
    bool too_large; /* the body exceeded body_max and was dropped: body is empty */
    enum headers_fault headers_fault;
    /* The name of a header of ours whose type or form cannot be read; NULL: none. Such a header
     * must not count as missing: an unreadable deadline, for example, would become no deadline. */
    const char *odd_header;
};

/* The most bytes that the header texts of one delivery may have in total, so that a copy with
 * headers of our own fits in a frame. Beyond that all of them are dropped: see headers_fault. */
#define BUS_HEADERS_MAX 8192

/* The most bytes of a partition key; messages with the same key are kept in order. */
#define PARTITION_KEY_MAX 255

/* NULL is allowed. */
void delivery_free(struct delivery *delivery);
/* A copy in the arena, body included, for use after the delivery is freed. */
struct delivery *delivery_keep(struct arena *arena, const struct delivery *delivery);

#endif
