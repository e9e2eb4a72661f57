/* names.h - what exchanges and queues are called, and which operations are carried out from which
 * queue.
 *
 *   <p>.requests      topic   operations; alternate: <p>.unrouted
 *   <p>.unrouted      fanout  -> queue <p>.unknown: answered UNKNOWN_OPERATION
 *   <p>.died          fanout  -> queue <p>.died: messages that expired in a queue of a domain, or
 *                             were delivered too often (died.c)
 *   <p>.events        topic   CloudEvents, routing key = type
 *   <p>.notifications topic   routing key "<channel>.<kind>"
 *   <p>.delay.<k>     topic   a level of the delays (delay.h), with a queue of the same name
 *   <p>.delay.end     topic   back to the queue named by the routing key
 *   <p>.<domain>              queue of a domain's requests; <p>.<domain>.events: of its events;
 *                             <p>.dead.<domain>: of its dead letters
 *   <p>.reply.<name>          queue of a web tier; <p>.subscriber.<name>: of another subscriber to
 *                             events. Neither is ours, but the broker's permissions and policies go
 *                             by these names
 *
 * A partitioned domain (partitions.h) also has:
 *   <p>.<domain>.partitions   x-consistent-hash, bound to <p>.requests; routes by x-partition-key
 *   <p>.<domain>.<k>          its queues, k from 0. <p>.<domain> gets no requests any more, but
 *                             what is in it, or comes back to it from the delays, is still taken
 *
 * Names are made in the arena. */
#ifndef CARTWRIGHT_SERVICE_NAMES_H
#define CARTWRIGHT_SERVICE_NAMES_H

#include "service/operation.h"

/* The domain whose queue takes the messages that no other queue takes. */
#define UNKNOWN_DOMAIN "unknown"

/* The lease of the lane that publishes what other lanes left in the outbox. Some
 * lane holds it at any time. */
#define RELAY_LEASE STR("relay")

/* The longest x-history, in bytes, that travels with a copy. */
#define DEAD_HISTORY_MAX 4096

struct str name_requests(struct arena *arena, struct str prefix);
struct str name_events(struct arena *arena, struct str prefix);
/* Compares without building the name, because this is asked of every message. */
bool name_is_events(struct str exchange, struct str prefix);
struct str name_notifications(struct arena *arena, struct str prefix);
struct str name_delay(struct arena *arena, struct str prefix, int level);
struct str name_delay_end(struct arena *arena, struct str prefix);
/* A message that comes through such an exchange has waited in the delays. */
bool name_is_delay(struct str exchange, struct str prefix);
/* True for "<p>.reply.<anything>", the name of a queue that is meant to take replies. */
bool name_is_reply(struct str queue, struct str prefix);
struct str name_unrouted(struct arena *arena, struct str prefix);
struct str name_unknown(struct arena *arena, struct str prefix);
/* The name of the exchange and also of its queue. */
struct str name_died(struct arena *arena, struct str prefix);
bool name_is_died(struct str name, struct str prefix);
struct str name_queue(struct arena *arena, struct str prefix, struct str domain);
struct str name_event_queue(struct arena *arena, struct str prefix, struct str domain);
/* True for a name that ends with ".events". */
bool name_is_event_queue(struct str queue);
struct str name_dead(struct arena *arena, struct str prefix, struct str domain);
struct str name_partitions(struct arena *arena, struct str prefix, struct str domain);
struct str name_partition(struct arena *arena, struct str prefix, struct str domain, int64_t k);
/* Returns "<p>.<domain>" for "<p>.<domain>.7", and any other name as it is; a
 * part of `queue`, not a copy. */
struct str name_without_partition(struct str queue);
/* The queue of the dead letters of the domain that `queue` belongs to. */
struct str name_dead_of_queue(struct arena *arena, struct str prefix, struct str queue);

/* Returns the subscriber that takes events of this type from this queue, the first one of its
 * domain's table; NULL when there is none. */
const struct operation *service_subscriber(const struct service *service, struct str queue,
                                           struct str event);
bool domain_subscribes(const struct domain *domain);
/* True for a queue that lanes take requests or events from: that of a domain, of a partition,
 * or of the unknown domain. */
bool service_takes_from(const struct service *service, struct str prefix, struct str queue);
/* Returns the operation of this name if it is carried out from this queue: requests are carried out
 * from the queue of their own domain or from a partition of it, copies of events from the domain's
 * queue of events. Otherwise returns NULL: a publisher may steer a message into any queue (CC, BCC,
 * the default exchange), and the lanes of one domain must not do the work of another. The queue of
 * the unknown domain receives only what no other queue took: the queue of a request found there was
 * missing, so the request is carried out. */
const struct operation *service_operation_from(const struct service *service, struct str prefix,
                                               struct str queue, struct str name);

#endif
