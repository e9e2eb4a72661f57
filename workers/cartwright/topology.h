/* topology.h - what the sub-commands of `cartwright topology` share. */
#ifndef CARTWRIGHT_WORKERS_CARTWRIGHT_TOPOLOGY_H
#define CARTWRIGHT_WORKERS_CARTWRIGHT_TOPOLOGY_H

#include "bus/bus.h"
#include "cartwright/command.h"
#include "service/broker_needs.h"

/* What differs from what the shop needs, printed as it is found: one line each, with its cure. */
struct findings {
    struct arena *arena;
    struct str prefix;
    const char *vhost; /* for the cures */
    size_t count;
};

/* "WHAT; cure: ..."; cure: a command, or words where no command does it. */
void finding(struct findings *findings, const char *cure, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* How a queue that has other settings gets ours: by a policy, which can set a limit that is not there, or
 * made anew. */
const char *queue_cure(struct findings *findings, struct str queue, bool by_policy);
/* The broker's words say that the queue lacks a limit for which there is a policy. AMQP does not tell
 * whether the policy is there. */
bool policy_may_cure(struct findings *findings, struct str queue, const char *words);
const char *exchange_cure(struct findings *findings, struct str exchange);

#define CURE_DECLARE "cartwright topology"
#define CURE_GUEST   "rabbitmqctl delete_user guest"

/* Over AMQP; changes nothing. */
MUST_CHECK enum outcome topology_check(struct app *app, const struct bus_topology *topology,
                                       struct findings *findings, struct err *err);
/* In a file that `rabbitmqctl export_definitions` wrote ("-": standard input). */
MUST_CHECK enum outcome topology_compare(const char *path, const struct bus_topology *topology,
                                         struct findings *findings, struct err *err);

#endif
