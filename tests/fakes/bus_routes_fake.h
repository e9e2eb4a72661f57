/* bus_routes_fake.h - the broker in memory: exchanges, queues, bindings, and where messages go.
 *
 * Private to bus_fake.c, bus_queues_fake.c and bus_routes_fake.c. */
#ifndef CARTWRIGHT_TESTS_FAKES_BUS_ROUTES_FAKE_H
#define CARTWRIGHT_TESTS_FAKES_BUS_ROUTES_FAKE_H

#include "bus/bus.h"

struct fake_message {
    struct fake_message *next;
    struct delivery *delivery;
    uint64_t seq;       /* order of arrival; kept when the message comes back */
    uint64_t tag;       /* while unacknowledged: the tag of its delivery to the holder */
    const void *holder; /* while unacknowledged: the connection that has it */
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
    const void *active; /* for single_active: the connection whose turn it is; NULL: none */
    bool is_hit;        /* the message that is being routed goes here */
};

struct fake_exchange {
    struct fake_exchange *next;
    struct bus_exchange spec;
};

struct fake_binding {
    struct fake_binding *next;
    struct bus_binding spec;
    struct fake_queue *queue; /* NULL: the binding leads to `target` */
    struct fake_exchange *target;
};

/* Queues are in the order of declaration, exchanges and bindings in the reverse order; the arena
 * owns them all. */
struct fake_routes {
    struct arena *arena;
    struct fake_queue *queues;
    struct fake_exchange *exchanges;
    struct fake_binding *bindings;
    uint64_t last_seq;
    int64_t now_ms;
    bool keep_headers;
};

/* A pattern has words between dots; '*' stands for one word, '#' for any number of words. */
bool topic_matches(struct str pattern, struct str routing_key);

/* NULL when there is no such queue. */
struct fake_queue *routes_queue(const struct fake_routes *routes, struct str name);
struct fake_queue *routes_add_queue(struct fake_routes *routes, const struct bus_queue *spec);
/* True when the exchange exists; the default exchange always does. */
bool routes_has_exchange(const struct fake_routes *routes, struct str name);
/* OUTCOME_BUG when something exists with other settings, as on the real broker. */
MUST_CHECK enum outcome routes_declare(struct fake_routes *routes,
                                       const struct bus_topology *topology, struct err *err);
/* Sets is_hit of every queue that the message goes to, following alternate exchanges. Returns how
 * many queues that are. */
size_t routes_match(struct fake_routes *routes, struct str exchange,
                    const struct delivery *delivery);

/* --- messages in queues ---------------------------------------------------------------------- */

void messages_insert(struct fake_messages *messages, struct fake_message *message);
/* `at` points to the link that leads to the message, which the caller then owns. */
struct fake_message *messages_remove(struct fake_messages *messages, struct fake_message **at);
void messages_free(struct fake_messages *messages);
void fake_message_free(struct fake_message *message);
struct delivery *delivery_copy(const struct delivery *delivery);

enum fate { ROUTED, UNROUTABLE, REJECTED };

/* Copies the message into every queue that takes it. REJECTED when at least one of them is full. */
enum fate routes_publish(struct fake_routes *routes, const struct delivery *delivery);
/* Takes over the message, which must be in no queue any more. */
void routes_dead_letter(struct fake_routes *routes, const struct fake_queue *queue,
                        struct fake_message *message, const char *reason);
/* Puts the message back in its old place, one delivery older; over the delivery limit it dies. */
void routes_give_back(struct fake_routes *routes, struct fake_queue *queue,
                      struct fake_message *message);
/* Lets time pass. Each message that becomes due leaves its queue at its own time, so that it may
 * become due again in the next queue. */
void routes_advance(struct fake_routes *routes, int64_t ms);

#endif
