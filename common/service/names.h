/* names.h - what exchanges and queues are called, and what is carried out from which queue.
 *
 *   <p>.requests    topic     operations; alternate: <p>.unrouted
 *   <p>.unrouted    fanout    -> queue <p>.unknown: answered UNKNOWN_OPERATION
 *   <p>.died        fanout    -> queue <p>.died: what expired in a queue of a domain, or was delivered too
 *                             often (died.c)
 *   <p>.events      topic     CloudEvents, routing key = type
 *   <p>.notifications topic   "<channel>.<kind>"
 *   <p>.delay.<k>   topic     a level of the delays (delay.h), with a queue of that name
 *   <p>.delay.end   topic     back to the queue named by the routing key
 *   <p>.<domain>              requests; <p>.<domain>.events its events; <p>.dead.<domain>
 *   <p>.reply.<name>          of web tiers, <p>.subscriber.<name> of who takes up events: not ours, but
 *                             the broker's permissions and policies go by these names
 *
 * Of a partitioned domain (partitions.h):
 *   <p>.<domain>.partitions x-consistent-hash, bound to <p>.requests; by x-partition-key to
 *   <p>.<domain>.<k>          its queues, k from 0; <p>.<domain> gets no requests any more, but what
 *                             is in it, or comes back to it from the delays, is still taken
 */
#ifndef CARTWRIGHT_SERVICE_NAMES_H
#define CARTWRIGHT_SERVICE_NAMES_H

#include "service/operation.h"

/* Whose queue takes what no other takes. */
#define UNKNOWN_DOMAIN "unknown"

/* The lease of the lane that publishes what others left in the outbox; some lane always holds it. */
#define RELAY_LEASE STR("relay")

/* Bytes of x-history that travel with a copy. */
#define DEAD_HISTORY_MAX 4096

struct str name_requests(struct arena *arena, struct str prefix);
struct str name_events(struct arena *arena, struct str prefix);
/* The same question without the name: asked for every message. */
bool name_is_events(struct str exchange, struct str prefix);
struct str name_notifications(struct arena *arena, struct str prefix);
struct str name_delay(struct arena *arena, struct str prefix, int level);
struct str name_delay_end(struct arena *arena, struct str prefix);
/* What comes through this exchange has waited in the delays. */
bool name_is_delay(struct str exchange, struct str prefix);
/* "<p>.reply.<anything>": a queue that is there to take replies. */
bool name_is_reply(struct str queue, struct str prefix);
struct str name_unrouted(struct arena *arena, struct str prefix);
struct str name_unknown(struct arena *arena, struct str prefix);
/* Of the exchange, and of its queue. */
struct str name_died(struct arena *arena, struct str prefix);
bool name_is_died(struct str name, struct str prefix);
struct str name_queue(struct arena *arena, struct str prefix, struct str domain);
struct str name_event_queue(struct arena *arena, struct str prefix, struct str domain);
/* "....events" */
bool name_is_event_queue(struct str queue);
struct str name_dead(struct arena *arena, struct str prefix, struct str domain);
struct str name_partitions(struct arena *arena, struct str prefix, struct str domain);
struct str name_partition(struct arena *arena, struct str prefix, struct str domain, int64_t k);
/* "<p>.<domain>" for "<p>.<domain>.7"; any other name is given back as it is. */
struct str name_without_partition(struct str queue);
/* The dead letters of the domain that a queue belongs to. */
struct str name_dead_of_queue(struct arena *arena, struct str prefix, struct str queue);

/* Takes up events of this type from this queue; NULL when there is none. */
const struct operation *service_subscriber(const struct service *service, struct str queue,
                                           struct str event);
bool domain_subscribes(const struct domain *domain);
/* A queue that lanes take requests or events from: of a domain, a partition, or of the unknown. */
bool service_takes_from(const struct service *service, struct str prefix, struct str queue);
/* The operation of this name, if it is carried out from this queue: requests from the queue of their own
 * domain or a partition of it, copies of events from its queue of events. Else NULL: whoever publishes
 * may steer a message into any queue (CC, BCC, the default exchange), and the lanes that others count
 * on must not do what is not theirs. Into the queue of the unknown comes only what no other queue took:
 * a request that is there has found its own queue missing, and is carried out. */
const struct operation *service_operation_from(const struct service *service, struct str prefix,
                                               struct str queue, struct str name);

#endif
