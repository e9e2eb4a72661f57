/* broker_needs.h - what a broker must be told besides exchanges and queues: the users, what each of
 * them may do, and the policies that bound the queues.
 *
 * docker/rabbitmq-definitions.json tells a broker the same (a test compares the two). None of this
 * can be set through AMQP, so the commands made here are for an operator's shell. */
#ifndef CARTWRIGHT_SERVICE_BROKER_NEEDS_H
#define CARTWRIGHT_SERVICE_BROKER_NEEDS_H

#include "base/arena.h"
#include "base/str.h"

/* The x-delivery-limit of queues whose messages are looked at again and again (dead letters) or
 * only pass through (delays). RabbitMQ 4 gives a queue without one a limit of 20, so the letters of
 * a dead queue would be gone after 20 looks. The value -1 means "no limit" to RabbitMQ 4, but
 * "throw away at once" to RabbitMQ 3.10. */
#define DELIVERY_LIMIT_NEVER 1000000000

/* The most letters that a dead queue holds. The broker then takes no more of them, and nothing is
 * lost: the lane that buries a message tries again. Half of this number is worth a finding. */
#define DEAD_LETTERS_MAX 100000

/* The patterns are regular expressions in which '@' stands for the prefix and the dot behind it. */
struct broker_user {
    const char *name;
    const char *configure;
    const char *write;
    const char *read;
};

struct broker_policy {
    const char *name; /* follows "<prefix>-" */
    const char *pattern;
    const char *definition; /* JSON */
};

#define BROKER_USERS    4
#define BROKER_POLICIES 5

extern const struct broker_user broker_users[BROKER_USERS];
extern const struct broker_policy broker_policies[BROKER_POLICIES];

/* Returns the pattern, in the arena, with the prefix put in place of each '@'. */
struct str broker_pattern(struct arena *arena, const char *pattern, struct str prefix);
/* Return the shell commands that set a permission or a policy; `vhost` is the argument of -p. */
struct str broker_permission_command(struct arena *arena, const struct broker_user *user,
                                     struct str prefix, const char *vhost);
struct str broker_policy_command(struct arena *arena, const struct broker_policy *policy,
                                 struct str prefix, const char *vhost);
/* Returns the policy whose pattern matches this queue; NULL when none does. The queue's
 * name must end with a NUL. */
const struct broker_policy *broker_policy_of(struct arena *arena, struct str queue,
                                             struct str prefix);

#endif
