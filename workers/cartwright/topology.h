/* topology.h - what the sub-commands of `cartwright topology` share. */
#ifndef CARTWRIGHT_WORKERS_CARTWRIGHT_TOPOLOGY_H
#define CARTWRIGHT_WORKERS_CARTWRIGHT_TOPOLOGY_H

#include "bus/bus.h"
#include "cartwright/command.h"
#include "service/broker_needs.h"

/* What differs from what the shop needs: each is printed when it is found, in a line with its
 * cure. */
struct findings {
    struct arena *arena;
    struct str prefix;
    const char *vhost; /* named in the cures */
    size_t count;
};

/* Prints and counts "WHAT; cure: ...". `cure`: a command, or words where no command can do it. */
void finding(struct findings *findings, const char *cure, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* How a queue that has other settings gets ours: by a policy (`by_policy`), which can set a limit
 * that the queue lacks, or by being made anew. In the arena. */
const char *queue_cure(struct findings *findings, struct str queue, bool by_policy);
/* True when the broker's words say that the queue lacks a limit for which we have a policy. AMQP
 * does not tell whether the broker has that policy. */
bool policy_may_cure(struct findings *findings, struct str queue, const char *words);
/* How an exchange that has other settings gets ours: it is made anew. In the arena. */
const char *exchange_cure(struct findings *findings, struct str exchange);

#define CURE_DECLARE "cartwright topology"
#define CURE_GUEST   "rabbitmqctl delete_user guest"

/* Checks the broker over AMQP; changes nothing. RETRY when the broker is away. */
MUST_CHECK enum outcome topology_check(struct app *app, const struct bus_topology *topology,
                                       struct findings *findings, struct err *err);
/* Checks a file that `rabbitmqctl export_definitions` wrote ("-": standard input). INVALID when it
 * cannot be read, or is not JSON. */
MUST_CHECK enum outcome topology_compare(const char *path, const struct bus_topology *topology,
                                         struct findings *findings, struct err *err);

#endif
