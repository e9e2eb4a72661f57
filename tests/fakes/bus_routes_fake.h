/* bus_routes_fake.h - the exchanges, queues and bindings of the broker in memory, and who gets what.
 *
 * Private to bus_fake.c. */
#ifndef CARTWRIGHT_TESTS_FAKES_BUS_ROUTES_FAKE_H
#define CARTWRIGHT_TESTS_FAKES_BUS_ROUTES_FAKE_H

#include "bus/bus.h"

struct fake_message {
    struct fake_message *next;
    struct delivery *delivery;
    uint64_t seq;       /* order of arrival at the queue; kept when it comes back */
    uint64_t tag;       /* while unacknowledged: of the delivery to its holder */
    const void *holder; /* while unacknowledged: a connection */
    int64_t expires_at; /* INT64_MAX: never */
};

/* In order of seq. */
struct fake_messages {
    struct fake_message *first;
    size_t count;
};

struct fake_queue {
    struct fake_queue *next;
    struct bus_queue spec;
    struct fake_messages ready;
    struct fake_messages unacked;
    const void *active; /* of a single_active one: whose turn it is, a connection; NULL: nobody's */
    bool is_hit;        /* by the routing under way */
};

struct fake_exchange {
    struct fake_exchange *next;
    struct bus_exchange spec;
};

struct fake_binding {
    struct fake_binding *next;
    struct bus_binding spec;
    struct fake_queue *queue; /* or, NULL: */
    struct fake_exchange *target;
};

/* All in the order of declaration; memory is the arena's. */
struct fake_routes {
    struct arena *arena;
    struct fake_queue *queues;
    struct fake_exchange *exchanges;
    struct fake_binding *bindings;
    uint64_t last_seq;
    int64_t now_ms;
    bool keep_headers;
};

/* Words between dots; '*' is one word, '#' any number. */
bool topic_matches(struct str pattern, struct str routing_key);

struct fake_queue *routes_queue(const struct fake_routes *routes, struct str name);
struct fake_queue *routes_add_queue(struct fake_routes *routes, const struct bus_queue *spec);
/* The default exchange always exists. */
bool routes_has_exchange(const struct fake_routes *routes, struct str name);
/* OUTCOME_BUG when something exists with other settings, as on the real broker. */
MUST_CHECK enum outcome routes_declare(struct fake_routes *routes,
                                       const struct bus_topology *topology, struct err *err);
/* Sets is_hit of every queue that takes the message; alternate exchanges are followed. Returns how
 * many. */
size_t routes_match(struct fake_routes *routes, struct str exchange,
                    const struct delivery *delivery);

/* --- messages in queues ---------------------------------------------------------------------- */

void messages_insert(struct fake_messages *messages, struct fake_message *message);
/* `at` points to the link that leads to the message. */
struct fake_message *messages_remove(struct fake_messages *messages, struct fake_message **at);
void messages_free(struct fake_messages *messages);
void fake_message_free(struct fake_message *message);
struct delivery *delivery_copy(const struct delivery *delivery);

enum fate { ROUTED, UNROUTABLE, REJECTED };

/* Copies the message into every queue that takes it. */
enum fate routes_publish(struct fake_routes *routes, const struct delivery *delivery);
/* Takes the message, which is in no queue any more. */
void routes_dead_letter(struct fake_routes *routes, const struct fake_queue *queue,
                        struct fake_message *message, const char *reason);
/* Back to its old place, one delivery older; over the delivery limit it dies. */
void routes_give_back(struct fake_routes *routes, struct fake_queue *queue,
                      struct fake_message *message);
/* Time passes; what becomes due goes its way at its own time, so that it may be due again. */
void routes_advance(struct fake_routes *routes, int64_t ms);

#endif
