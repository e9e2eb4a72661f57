/* restarts.c - servers that go away under load and come back, with and without their data; a lane
 * that sleeps; answers that get lost. */
#include <signal.h>

#include "fault/fault.h"

#define AWAY_MS    700
#define SLEEP_MS   2500 /* longer than the leases */
#define FLUSHES    250  /* faster than a batch: no lock lasts */
#define FLUSH_MS   5
#define FAILING_MS 1500

/* --- each server: in good order, and killed -------------------------------------------------------- */

static bool restart(const char *name)
{
    return servers_do("restart", name);
}

static bool kill_and_start(const char *name)
{
    if (!servers_do("kill", name))
        return false;
    fault_sleep_ms(AWAY_MS);
    return servers_do("start", name);
}

#define SERVER_TROUBLE(function, act, server)                                                      \
    static bool function##_trouble(struct fault *fault)                                            \
    {                                                                                              \
        (void)fault;                                                                               \
        return act(server);                                                                        \
    }                                                                                              \
    static void function(struct fault *fault)                                                      \
    {                                                                                              \
        storm_run(fault, &(struct storm){.trouble = function##_trouble});                          \
    }

SERVER_TROUBLE(rabbitmq_restarted, restart, "rabbitmq")
SERVER_TROUBLE(rabbitmq_killed, kill_and_start, "rabbitmq")
SERVER_TROUBLE(redis_restarted, restart, "redis")
SERVER_TROUBLE(redis_killed, kill_and_start, "redis")
SERVER_TROUBLE(mongod_restarted, restart, "mongod")
SERVER_TROUBLE(mongod_killed, kill_and_start, "mongod")

/* --- Redis forgets --------------------------------------------------------------------------------- */

static bool flush(struct fault *fault)
{
    for (int i = 0; i < FLUSHES; i++) {
        servers_redis(fault, "FLUSHALL");
        fault_sleep_ms(FLUSH_MS);
    }
    return true;
}

static void redis_flushed(struct fault *fault)
{
    storm_run(fault, &(struct storm){.trouble = flush});
}

/* --- a lane sleeps past its leases ----------------------------------------------------------------- */

static bool sleep_long(struct fault *fault)
{
    const pid_t lane = workers_lane(fault, "shop/1");
    if (lane <= 0 || kill(lane, SIGSTOP) != 0)
        return false;
    fault_sleep_ms(SLEEP_MS);
    return kill(lane, SIGCONT) == 0;
}

static void lane_sleeps(struct fault *fault)
{
    storm_run(fault, &(struct storm){.trouble = sleep_long});
}

/* --- answers of MongoDB that get lost, one in so many ---------------------------------------------- */

static bool fail_for_a_while(struct fault *fault, const char *json)
{
    if (!servers_fail_point(fault, json))
        return false;
    fault_sleep_ms(FAILING_MS);
    return servers_fail_point(fault, "\"mode\":\"off\"");
}

static bool lose_commits(struct fault *fault)
{
    return fail_for_a_while(
        fault, "\"mode\":{\"activationProbability\":0.5},"
               "\"data\":{\"failCommands\":[\"commitTransaction\"],\"closeConnection\":true}");
}

static void commit_answers_lost(struct fault *fault)
{
    storm_run(fault, &(struct storm){.trouble = lose_commits});
}

/* Done, but not confirmed to be copied: the fate is unknown to the driver. */
static bool doubt_commits(struct fault *fault)
{
    return fail_for_a_while(
        fault,
        "\"mode\":{\"activationProbability\":0.5},"
        "\"data\":{\"failCommands\":[\"commitTransaction\"],"
        "\"writeConcernError\":{\"code\":64,\"errmsg\":\"waiting for replication timed out\"}}");
}

static void commits_in_doubt(struct fault *fault)
{
    storm_run(fault, &(struct storm){.trouble = doubt_commits});
}

static bool cut_connections(struct fault *fault)
{
    return fail_for_a_while(
        fault, "\"mode\":{\"activationProbability\":0.05},"
               "\"data\":{\"failCommands\":[\"find\",\"getMore\",\"update\",\"insert\"],"
               "\"closeConnection\":true}");
}

static void connections_cut(struct fault *fault)
{
    storm_run(fault, &(struct storm){.trouble = cut_connections});
}

/* --- a queue is deleted under its consumers ------------------------------------------------------ */

/* Somebody's mistake, soon put right. (RabbitMQ 3.10 does not tell the consumers of a queue that is
 * there again within some 50 ms.) */
static bool delete_requests(struct fault *fault)
{
    raw_delete_queue(fault, FAULT_PREFIX ".order");
    fault_sleep_ms(AWAY_MS);
    return workers_command("topology");
}

static void queue_deleted(struct fault *fault)
{
    storm_run(fault, &(struct storm){.trouble = delete_requests});
}

/* What the lanes publish goes there: their channels must not stay blocked. */
static bool delete_events(struct fault *fault)
{
    raw_delete_queue(fault, FAULT_PREFIX ".notification.events");
    fault_sleep_ms(AWAY_MS);
    return workers_command("topology");
}

static void event_queue_deleted(struct fault *fault)
{
    fault->events_lost = true;
    storm_run(fault, &(struct storm){.trouble = delete_events});
}

const struct fault_test restart_tests[] = {
    {.name = "restart_rabbitmq", .run = rabbitmq_restarted, .server = "rabbitmq"},
    {.name = "restart_redis", .run = redis_restarted, .server = "redis"},
    {.name = "restart_mongod", .run = mongod_restarted, .server = "mongod"},
    {.name = "restart_killed_rabbitmq", .run = rabbitmq_killed, .server = "rabbitmq"},
    {.name = "restart_killed_redis", .run = redis_killed, .server = "redis"},
    {.name = "restart_killed_mongod", .run = mongod_killed, .server = "mongod"},
    {.name = "restart_redis_flushed", .run = redis_flushed, .server = "redis"},
    {.name = "restart_lane_sleeps", .run = lane_sleeps},
    {.name = "restart_commit_answers_lost", .run = commit_answers_lost, .server = "mongod"},
    {.name = "restart_commits_in_doubt", .run = commits_in_doubt, .server = "mongod"},
    {.name = "restart_connections_cut", .run = connections_cut, .server = "mongod"},
    {.name = "restart_queue_deleted", .run = queue_deleted},
    {.name = "restart_event_queue_deleted", .run = event_queue_deleted},
    {0},
};
