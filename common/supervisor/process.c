/* process.c - a lane as a process of its own. */
#include "supervisor/process.h"
#include "service/connections.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "bus/bus_inspect.h"
#include "wire/json.h"

#define RETRY_MS 1000
/* How long a lane waits for a broker that sends heartbeats but does not answer. The deepest header
 * for which a frame of 128 KiB has room keeps RabbitMQ busy for minutes; with frame_max = 16384 the
 * deepest one takes a fraction of a second. */
#define PATIENCE_MS 600000

/* --- opening ------------------------------------------------------------------------------------------ */

struct servers {
    const struct lane_process *process;
    const char *name;
    struct bus *bus;
    struct store *store;
    struct lock *lock;
};

/* Called on the store's thread of commits. */
static void writer_began(void *context)
{
    (void)context;
    crash_watch_thread("commits");
}

static void writer_moved(void *context)
{
    struct lane_slot *slot = context;
    slot->moved_us = clock_monotonic_us();
}

static enum outcome open_store(struct servers *servers, struct err *err)
{
    const struct lane_process *process = servers->process;
    if (!servers->store) {
        struct store_options options = store_options_of(process->service, process->settings);
        options.watch = (struct store_watch){writer_began, writer_moved, process->slot};
        TRY(store_open(&options, &servers->store, err));
    }
    TRY(store_ping(servers->store, err));
    TRY(store_check_indexes(servers->store, err));
    store_session(servers->store, process->slot->session);
    process->slot->has_session = 1;
    return OUTCOME_DONE;
}

static enum outcome open_lock(struct servers *servers, struct err *err)
{
    const struct lock_options options = lock_options_of(servers->process->settings);
    return servers->lock ? OUTCOME_DONE : lock_open(&options, &servers->lock, err);
}

/* Called on the thread that sends heartbeats through TLS. */
static void beater_began(void)
{
    crash_watch_thread("heartbeats");
}

/* Called while a call waits for the broker. Tells the slot, so that the supervisor does not take
 * the wait for a hang. In a lane that is to stop, no call waits longer than amqp.timeout. */
static bool waits_for_broker(void *context)
{
    const struct servers *servers = context;
    slot_alive(servers->process->slot);
    return !*servers->process->stopping;
}

/* Logs the warning, and has health show it as long as this process lives. */
static void warn(const struct servers *servers, enum slot_warning which, const struct err *err)
{
    slot_warn(servers->process->slot, which, err->text);
    log_warn("%s", err->text);
}

static void warn_of_frames(const struct servers *servers)
{
    const int64_t offered = bus_frame_offered(servers->bus);
    struct err err = {0};
    if (offered > 0 && offered <= BUS_FRAME_MAX)
        return;
    (void)!err_retry(&err,
                     "the broker takes headers of %" PRId64 " bytes (0: any), and a deep one keeps "
                     "it busy for so long that this pool stops: set frame_max = %d in its "
                     "rabbitmq.conf",
                     offered, BUS_FRAME_MAX);
    warn(servers, SLOT_WARN_FRAMES, &err);
}

static enum outcome try_longest(const struct servers *servers, bool *out, struct err *err)
{
    const struct engine_settings *settings = servers->process->settings;
    struct bus_inspector *inspector;
    TRY(bus_inspector_open(settings->amqp_uri, servers->name, (int)settings->amqp_timeout_ms,
                           &inspector, err));
    const enum outcome outcome =
        bus_inspect_length(inspector, (size_t)settings->reply_max, out, err);
    bus_inspector_close(inspector);
    return outcome;
}

/* The broker does not tell its limit, and a lane that exceeds it loses the channel with every reply
 * that is under way on it. So one lane of each pool tries the longest reply, on its own
 * connection. */
static void warn_of_long_replies(const struct servers *servers)
{
    struct err err = {0};
    bool taken = true;
    if (servers->process->index != 0)
        return;
    if (try_longest(servers, &taken, &err) != OUTCOME_DONE) {
        log_warn("not known whether the broker takes long replies: %s", err.text);
        return;
    }
    if (taken)
        return;
    (void)!err_retry(&err,
                     "the broker takes no message of %" PRId64 " bytes (message.replyMax), and "
                     "a long reply would cost its neighbours theirs: set max_message_size above "
                     "it in its rabbitmq.conf, or message.replyMax below that",
                     servers->process->settings->reply_max);
    warn(servers, SLOT_WARN_REPLIES, &err);
}

static enum outcome open_bus(struct servers *servers, struct err *err)
{
    if (servers->bus)
        return OUTCOME_DONE;
    struct bus_options options = bus_options_of(servers->process->settings, servers->name);
    options.patience_ms = PATIENCE_MS;
    options.waits = waits_for_broker;
    options.context = servers;
    options.thread_began = beater_began;
    TRY(bus_open(&options, &servers->bus, err));
    warn_of_frames(servers);
    warn_of_long_replies(servers);
    return OUTCOME_DONE;
}

static enum outcome open_servers(struct servers *servers, struct err *err)
{
    TRY(open_store(servers, err));
    TRY(open_lock(servers, err));
    return open_bus(servers, err);
}

static void close_servers(struct servers *servers)
{
    if (servers->bus)
        bus_close(servers->bus);
    if (servers->lock)
        lock_close(servers->lock);
    if (servers->store)
        store_close(servers->store);
}

static void log_waiting(const char *what, const struct err *err)
{
    struct log_line line;
    log_begin(&line, LOG_WARN, what);
    log_err(&line, err);
    log_int(&line, "nextTryMs", RETRY_MS);
    log_end(&line);
}

/* Repeats the step until it succeeds, the lane is told to stop, or the step fails for good. */
static enum outcome keep_trying(struct servers *servers, const char *what,
                                enum outcome (*step)(struct servers *servers, struct err *err),
                                struct err *err)
{
    enum outcome outcome = OUTCOME_RETRY;
    while (!*servers->process->stopping) {
        outcome = step(servers, err);
        if (outcome != OUTCOME_RETRY)
            return outcome;
        log_waiting(what, err);
        slot_waits(servers->process->slot, err);
        lane_pause(RETRY_MS);
    }
    return outcome;
}

/* --- heartbeats ----------------------------------------------------------------------------------------- */

/* The broker wants a sign of life even from a lane that hashes passwords or waits for a slow
 * database. Its loop is on one thread, so a timer sends the heartbeats. An orphan, a lane whose
 * supervisor is dead, sends none: nobody would cut it if it hung, and the messages that it holds
 * would never come back. So the broker may give it up, and an orphan that has not drained within
 * twice drain.timeout ends itself. Process-wide because a signal handler gets no argument. */
static struct {
    struct bus *bus;
    pid_t supervisor;
    int orphaned; /* alarms since the supervisor died */
    int orphaned_max;
} beat;

static void on_alarm(int signal)
{
    (void)signal;
    if (getppid() == beat.supervisor)
        bus_beat(beat.bus);
    else if (++beat.orphaned > beat.orphaned_max)
        raise(SIGABRT);
}

/* The timer runs at half of the heartbeat interval: then the gap between two heartbeats is at most
 * one interval, and the broker waits for two. */
static void keep_beating(struct bus *bus, const struct engine_settings *settings)
{
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    const int64_t period_ms = settings->amqp_heartbeat_ms / 2;
    const struct timeval period = {period_ms / 1000, period_ms % 1000 * 1000};
    beat.bus = bus;
    beat.supervisor = getppid();
    beat.orphaned = 0;
    beat.orphaned_max = (int)(2 * settings->drain_ms / period_ms) + 1;
    sigemptyset(&action.sa_mask);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &(struct itimerval){period, period}, NULL);
}

static void stop_beating(void)
{
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
}

/* --- running ------------------------------------------------------------------------------------------- */

/* Tries until all queues can be consumed. False when the lane was told to stop before that. */
static bool begin_consuming(struct lane *lane, struct err *err)
{
    while (!*lane->stopping) {
        if (lane_consume(lane, err) == OUTCOME_DONE)
            return true;
        log_waiting("cannot consume yet; does `cartwright topology` need to run?", err);
        slot_waits(lane->slot, err);
        lane_pause(RETRY_MS);
        struct err again = {0};
        /* The broker has closed the channel when a queue does not exist. */
        if (bus_reconnect(lane->bus, &again) != OUTCOME_DONE)
            log_waiting("the broker is away", &again);
    }
    return false;
}

static enum outcome serve(struct servers *servers, struct err *err)
{
    const struct lane_process *process = servers->process;
    struct lane lane;
    TRY(lane_init(&lane,
                  &(struct lane_parts){
                      .service = process->service,
                      .settings = process->settings,
                      .pool = process->pool,
                      .index = process->index,
                      .bus = servers->bus,
                      .store = servers->store,
                      .lock = servers->lock,
                      .slot = process->slot,
                      .blame = process->blame,
                      .stopping = process->stopping,
                      .now_ms = clock_now_ms,
                  },
                  err));
    if (begin_consuming(&lane, err)) {
        slot_goes_on(process->slot);
        log_info("ready");
        lane_run(&lane);
    }
    lane_release(&lane);
    return OUTCOME_DONE;
}

static enum outcome live(struct servers *servers, struct err *err)
{
    json_init();
    TRY(auth_init(err));
    TRY(service_prepare(servers->process->service, err));
    const enum outcome opened = keep_trying(servers, "waiting for a server", open_servers, err);
    if (opened != OUTCOME_DONE || *servers->process->stopping)
        return opened;
    keep_beating(servers->bus, servers->process->settings);
    const enum outcome outcome = serve(servers, err);
    stop_beating();
    return outcome;
}

/* A lane is one of many and must not take the memory of all. An allocation that fails ends the
 * lane, with a log line that says so. */
static void limit_memory(int64_t bytes)
{
    const struct rlimit limit = {(rlim_t)bytes, (rlim_t)bytes};
    if (bytes > 0 && setrlimit(RLIMIT_AS, &limit) != 0)
        log_warn("no limit on memory: %s", strerror(errno));
}

int lane_process_run(const struct lane_process *process)
{
    char origin[64];
    char name[96];
    snprintf(origin, sizeof(origin), "%.*s/%d", STR_FMT(process->pool->name), process->index + 1);
    snprintf(name, sizeof(name), "cartwright %s", origin);
    log_set_origin(origin);
    crash_watch(&process->slot->crash);
    limit_memory(process->pool->memory_max);
    struct servers servers = {.process = process, .name = name};
    struct err err = {0};
    const enum outcome outcome = live(&servers, &err);
    if (outcome == OUTCOME_BUG || outcome == OUTCOME_INVALID) {
        struct log_line line;
        snprintf(process->slot->fault, sizeof(process->slot->fault), "%s", err.text);
        log_begin(&line, LOG_ERROR, "this lane cannot work");
        log_err(&line, &err);
        log_end(&line);
    }
    close_servers(&servers);
    log_flush();
    if (outcome == OUTCOME_BUG || outcome == OUTCOME_INVALID)
        return LANE_EXIT_HOPELESS;
    return *process->stopping ? LANE_EXIT_DONE : LANE_EXIT_RESTART;
}
