/* broker_needs.h - what a broker must be told besides exchanges and queues: users, what each may do, and
 * policies that bound queues.
 *
 * docker/rabbitmq-definitions.json says the same to a broker (a test compares them). AMQP can set none
 * of it, so the commands here are for an operator's shell. */
#ifndef CARTWRIGHT_SERVICE_BROKER_NEEDS_H
#define CARTWRIGHT_SERVICE_BROKER_NEEDS_H

#include "base/arena.h"
#include "base/str.h"

/* x-delivery-limit of queues whose messages are looked at again and again (dead letters) or pass
 * through (delays). RabbitMQ 4 gives queues without one a limit of 20, and the letters of a dead queue
 * would be gone after 20 looks. -1, "no limit" to RabbitMQ 4, means "throw away at once" to 3.10. */
#define DELIVERY_LIMIT_NEVER 1000000000

/* Letters in a dead queue; the broker takes no more of them then, and nothing is lost: who buries
 * tries again. Worth a finding at half of it. */
#define DEAD_LETTERS_MAX 100000

/* Patterns are regular expressions in which '@' stands for the prefix and its dot. */
struct broker_user {
    const char *name;
    const char *configure;
    const char *write;
    const char *read;
};

struct broker_policy {
    const char *name; /* behind "<prefix>-" */
    const char *pattern;
    const char *definition; /* JSON */
};

#define BROKER_USERS    4
#define BROKER_POLICIES 5

extern const struct broker_user broker_users[BROKER_USERS];
extern const struct broker_policy broker_policies[BROKER_POLICIES];

/* A pattern with the prefix put in. */
struct str broker_pattern(struct arena *arena, const char *pattern, struct str prefix);
/* The shell commands that set them; `vhost` is what -p says. */
struct str broker_permission_command(struct arena *arena, const struct broker_user *user,
                                     struct str prefix, const char *vhost);
struct str broker_policy_command(struct arena *arena, const struct broker_policy *policy,
                                 struct str prefix, const char *vhost);
/* The one whose pattern takes in this queue (a name that ends with a NUL); NULL: none does. */
const struct broker_policy *broker_policy_of(struct arena *arena, struct str queue,
                                             struct str prefix);

#endif
