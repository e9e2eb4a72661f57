/* faults.c - the table of faults: what can be done to a shop, and undone.
 *
 * A new kind of fault (a node of a cluster, a full disk, a clock that jumps) is a row here; it is then
 * part of every schedule, can be asked for by name, and is run by "each". */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "fault/fault.h"

#define KILL_LEAST_MS 40
#define KILL_SPAN_MS  220
#define FLUSH_MS      5 /* faster than a batch: no lock lasts */
#define REQUESTS      FAULT_PREFIX ".order"
#define EVENTS        FAULT_PREFIX ".notification.events"

static int64_t now_ms(void)
{
    return clock_monotonic_us() / 1000;
}

static bool at_once(struct fault *fault, struct blow *blow)
{
    (void)fault;
    (void)blow;
    return true;
}

/* --- lanes -------------------------------------------------------------------------------------- */

static void kill_one(struct fault *fault, struct blow *blow)
{
    const struct lanes lanes = workers_lanes(fault);
    if (now_ms() < blow->next_ms || lanes.count == 0)
        return;
    blow->chance = blow->chance * 6364136223846793005u + 1442695040888963407u;
    const uint64_t bits = blow->chance >> 33;
    if (kill(lanes.pids[bits % lanes.count], SIGKILL) == 0)
        fault->kills++;
    blow->next_ms = now_ms() + KILL_LEAST_MS + (int64_t)(bits / 64 % KILL_SPAN_MS);
}

static bool stop_lane(struct fault *fault, struct blow *blow)
{
    const struct lanes lanes = workers_lanes(fault);
    if (lanes.count == 0)
        return false;
    blow->victim = lanes.pids[blow->chance % lanes.count];
    return kill(blow->victim, SIGSTOP) == 0;
}

/* It may have been killed meanwhile. */
static bool resume_lane(struct fault *fault, struct blow *blow)
{
    (void)fault;
    return kill(blow->victim, SIGCONT) == 0 || errno == ESRCH;
}

/* --- supervisors -------------------------------------------------------------------------------- */

static size_t supervisor_of(const struct fault *fault, const struct blow *blow)
{
    return blow->chance % fault->supervisor_count;
}

static bool kill_supervisor(struct fault *fault, struct blow *blow)
{
    pid_t *supervisor = &fault->supervisors[supervisor_of(fault, blow)];
    blow->orphans = workers_lanes_of(*supervisor);
    kill(*supervisor, SIGKILL);
    waitpid(*supervisor, NULL, 0);
    *supervisor = 0;
    return true;
}

/* Lanes do not outlive their supervisor for longer than they drain. */
static bool replace_supervisor(struct fault *fault, struct blow *blow)
{
    for (size_t i = 0; i < blow->orphans.count; i++)
        if (!workers_is_gone(blow->orphans.pids[i]))
            return false;
    workers_start_one(fault, supervisor_of(fault, blow), NULL);
    return true;
}

static bool drain_supervisor(struct fault *fault, struct blow *blow)
{
    return kill(fault->supervisors[supervisor_of(fault, blow)], SIGTERM) == 0;
}

static bool restart_supervisor(struct fault *fault, struct blow *blow)
{
    const size_t index = supervisor_of(fault, blow);
    int status = 0;
    if (waitpid(fault->supervisors[index], &status, WNOHANG) == 0)
        return false;
    if (status != 0)
        fault_fail(fault, "a supervisor that was told to stop ended with status %d", status);
    workers_start_one(fault, index, NULL);
    return true;
}

/* A rolling restart; it may be killed in the middle of it. */
static bool reload_supervisor(struct fault *fault, struct blow *blow)
{
    return kill(fault->supervisors[supervisor_of(fault, blow)], SIGHUP) == 0;
}

/* --- links -------------------------------------------------------------------------------------- */

static bool cut_link(struct fault *fault, struct blow *blow)
{
    proxy_cut(fault->proxy, blow->trouble->link);
    return true;
}

static bool spoil_link(struct fault *fault, struct blow *blow)
{
    proxy_set(fault->proxy, blow->trouble->link, blow->trouble->mode);
    return true;
}

/* What was held arrives late, or never: then the connections are gone, too. */
static bool restore_link(struct fault *fault, struct blow *blow)
{
    if (blow->chance % 2)
        proxy_cut(fault->proxy, blow->trouble->link);
    proxy_set(fault->proxy, blow->trouble->link, LINK_PASSES);
    return true;
}

/* --- servers: in good order, killed, asleep ------------------------------------------------------- */

static bool kill_server(struct fault *fault, struct blow *blow)
{
    (void)fault;
    return servers_do("kill", blow->trouble->what);
}

static bool start_server(struct fault *fault, struct blow *blow)
{
    (void)fault;
    return servers_do("start", blow->trouble->what);
}

static bool stop_server(struct fault *fault, struct blow *blow)
{
    (void)fault;
    return servers_do("stop", blow->trouble->what);
}

static bool pause_server(struct fault *fault, struct blow *blow)
{
    (void)fault;
    return servers_do("pause", blow->trouble->what);
}

static bool resume_server(struct fault *fault, struct blow *blow)
{
    (void)fault;
    return servers_do("resume", blow->trouble->what);
}

/* --- RabbitMQ ----------------------------------------------------------------------------------- */

static bool set_watermark(const char *value)
{
    return servers_rabbitmqctl("set_vm_memory_high_watermark", "absolute", value);
}

static bool raise_alarm(struct fault *fault, struct blow *blow)
{
    (void)fault;
    (void)blow;
    return set_watermark("1MB");
}

static bool end_alarm(struct fault *fault, struct blow *blow)
{
    (void)fault;
    (void)blow;
    return set_watermark("1GB");
}

/* Somebody's mistake, soon put right. (RabbitMQ 3.10 does not tell the consumers of a queue that is
 * there again within some 50 ms.) */
static bool delete_queue(struct fault *fault, struct blow *blow)
{
    (void)fault;
    raw_delete_queue(blow->trouble->text);
    return true;
}

static bool declare_queues(struct fault *fault, struct blow *blow)
{
    (void)fault;
    (void)blow;
    return workers_command("topology");
}

/* --- MongoDB ------------------------------------------------------------------------------------ */

static bool set_fail_point(struct fault *fault, const char *rest)
{
    char command[512];
    snprintf(command, sizeof(command), "{\"configureFailPoint\":\"failCommand\",%s}", rest);
    return servers_mongodb(fault, "admin", command);
}

static bool begin_failing(struct fault *fault, struct blow *blow)
{
    return set_fail_point(fault, blow->trouble->text);
}

static bool end_failing(struct fault *fault, struct blow *blow)
{
    (void)blow;
    return set_fail_point(fault, "\"mode\":\"off\"");
}

/* It is primary again as soon as it may be; the command's own connection is closed. */
static bool step_down(struct fault *fault, struct blow *blow)
{
    (void)blow;
    return servers_mongodb(fault, "admin", "{\"replSetStepDown\":2,\"force\":true}");
}

#define PROBABLY(p, data) "\"mode\":{\"activationProbability\":" p "},\"data\":{" data "}"

/* --- Redis -------------------------------------------------------------------------------------- */

static bool flush_redis(struct fault *fault, struct blow *blow)
{
    for (int64_t end_ms = now_ms() + blow->for_ms; now_ms() < end_ms;) {
        servers_redis(fault, "FLUSHALL");
        fault_sleep_ms(FLUSH_MS);
    }
    return true;
}

static bool pause_clients(struct fault *fault, struct blow *blow)
{
    char command[64];
    snprintf(command, sizeof(command), "CLIENT PAUSE %d", (int)blow->for_ms);
    servers_redis(fault, command);
    return true;
}

/* --- the table ---------------------------------------------------------------------------------- */

#define LINK_ROWS(server, its_link)                                                                \
    {.name = server "_cut",                                                                        \
     .what = server,                                                                               \
     .apply = cut_link,                                                                            \
     .heal = at_once,                                                                              \
     .most_ms = 10,                                                                                \
     .link = its_link},                                                                            \
        LINK_ROW(server "_refuses", server, its_link, LINK_REFUSES, 3000),                         \
        LINK_ROW(server "_stalls", server, its_link, LINK_STALLS, 8000),                           \
        LINK_ROW(server "_holds_asking", server, its_link, LINK_HOLDS_ASKING, 6000),               \
        LINK_ROW(server "_holds_answer", server, its_link, LINK_HOLDS_ANSWER, 6000),               \
        LINK_ROW(server "_crawls", server, its_link, LINK_CRAWLS, 4000),                           \
        LINK_ROW(server "_slices", server, its_link, LINK_SLICES, 2000)

#define LINK_ROW(row, server, its_link, how, ms)                                                   \
    {                                                                                              \
        .name = (row), .what = (server), .apply = spoil_link, .heal = restore_link,                \
        .least_ms = 500, .most_ms = (ms), .link = (its_link), .mode = (how)                        \
    }

#define SERVER_ROWS(server)                                                                        \
    {.name = server "_killed",                                                                     \
     .what = server,                                                                               \
     .apply = kill_server,                                                                         \
     .heal = start_server,                                                                         \
     .least_ms = 100,                                                                              \
     .most_ms = 5000,                                                                              \
     .apart = true},                                                                               \
        {.name = server "_restarted",                                                              \
         .what = server,                                                                           \
         .apply = stop_server,                                                                     \
         .heal = start_server,                                                                     \
         .least_ms = 100,                                                                          \
         .most_ms = 1500,                                                                          \
         .apart = true},                                                                           \
    {                                                                                              \
        .name = server "_paused", .what = server, .apply = pause_server, .heal = resume_server,    \
        .least_ms = 500, .most_ms = 7000, .apart = true                                            \
    }

#define FAIL_ROW(row, point)                                                                       \
    {                                                                                              \
        .name = (row), .what = "mongod", .apply = begin_failing, .heal = end_failing,              \
        .least_ms = 1000, .most_ms = 2500, .apart = true, .text = (point)                          \
    }

const struct trouble troubles[] = {
    {.name = "lanes_killed",
     .what = "lanes",
     .apply = at_once,
     .again = kill_one,
     .heal = at_once,
     .least_ms = 2000,
     .most_ms = 5000},
    /* longer than its leases, or than two heartbeats */
    {.name = "lane_paused",
     .what = "lanes",
     .apply = stop_lane,
     .heal = resume_lane,
     .least_ms = 1500,
     .most_ms = 4000},
    {.name = "lane_paused_long",
     .what = "lanes",
     .apply = stop_lane,
     .heal = resume_lane,
     .least_ms = 22000,
     .most_ms = 25000},
    {.name = "supervisor_killed",
     .what = "supervisors",
     .apply = kill_supervisor,
     .heal = replace_supervisor,
     .least_ms = 100,
     .most_ms = 1500},
    {.name = "supervisor_restarted",
     .what = "supervisors",
     .apply = drain_supervisor,
     .heal = restart_supervisor,
     .least_ms = 10,
     .most_ms = 100},
    {.name = "supervisor_reloaded",
     .what = "supervisors",
     .apply = reload_supervisor,
     .heal = at_once,
     .least_ms = 1000,
     .most_ms = 3000},

    SERVER_ROWS("rabbitmq"),
    LINK_ROWS("rabbitmq", LINK_RABBITMQ),
    {.name = "rabbitmq_alarm",
     .what = "rabbitmq",
     .apply = raise_alarm,
     .heal = end_alarm,
     .least_ms = 1000,
     .most_ms = 6000,
     .apart = true},
    {.name = "requests_deleted",
     .what = "rabbitmq",
     .apply = delete_queue,
     .heal = declare_queues,
     .least_ms = 300,
     .most_ms = 1500,
     .apart = true,
     .text = REQUESTS},
    {.name = "events_deleted",
     .what = "rabbitmq",
     .apply = delete_queue,
     .heal = declare_queues,
     .least_ms = 300,
     .most_ms = 1500,
     .apart = true,
     .text = EVENTS,
     .loses_events = true},

    SERVER_ROWS("mongod"),
    LINK_ROWS("mongod", LINK_MONGOD),
    {.name = "mongod_steps_down",
     .what = "mongod",
     .apply = step_down,
     .heal = at_once,
     .least_ms = 2500,
     .most_ms = 4000,
     .apart = true},
    FAIL_ROW("commit_answers_lost",
             PROBABLY("0.5", "\"failCommands\":[\"commitTransaction\"],\"closeConnection\":true")),
    /* done, but not confirmed to be copied: the fate is unknown to the driver */
    FAIL_ROW("commits_doubted",
             PROBABLY("0.5", "\"failCommands\":[\"commitTransaction\"],\"writeConcernError\":"
                             "{\"code\":64,\"errmsg\":\"waiting for replication timed out\"}")),
    FAIL_ROW("commits_refused",
             PROBABLY("0.5", "\"failCommands\":[\"commitTransaction\"],\"errorCode\":251,"
                             "\"errorLabels\":[\"TransientTransactionError\"]")),
    FAIL_ROW("commands_cut",
             PROBABLY("0.05", "\"failCommands\":[\"find\",\"getMore\",\"update\",\"insert\"],"
                              "\"closeConnection\":true")),
    FAIL_ROW("mongod_slow",
             PROBABLY("0.3",
                      "\"failCommands\":[\"find\",\"update\",\"insert\",\"commitTransaction\"],"
                      "\"blockConnection\":true,\"blockTimeMS\":700")),

    SERVER_ROWS("redis"),
    LINK_ROWS("redis", LINK_REDIS),
    {.name = "redis_flushed",
     .what = "redis",
     .apply = flush_redis,
     .heal = at_once,
     .least_ms = 500,
     .most_ms = 2000,
     .apart = true},
    {.name = "redis_clients_paused",
     .what = "redis",
     .apply = pause_clients,
     .heal = at_once,
     .least_ms = 500,
     .most_ms = 4000,
     .apart = true},
    {0},
};
