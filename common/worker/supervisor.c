/* supervisor.c - forks the lanes, restarts what dies, ends what a dead lane left open. */
#include "worker/supervisor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "worker/concurrency.h"
#include "worker/notify_systemd.h"

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS   5000
#define STEADY_MS        10000 /* a lane that lived so long starts again without backoff */
#define TICK_MS          100

/* What lanes and supervisor share. */
struct shared {
    struct blame blame[BLAME_MAX];
    struct lane_slot slots[];
};

struct lane_child {
    const struct pool_settings *pool;
    int index;
    pid_t pid; /* 0: not running */
    int64_t started_ms;
    int64_t backoff_ms;
    int64_t start_at_ms; /* monotonic */
};

struct supervisor {
    const struct service *service;
    const struct engine_settings *settings;
    struct shared *shared;
    struct lane_child *lanes;
    size_t lane_count;
    struct concurrency *limits; /* one for each pool of the settings */
    bool hopeless;
    bool announced;
};

/* Set by signals; a lane inherits the variable and sets its own copy. Process-wide because a signal
 * handler has nothing else to write to. */
static volatile sig_atomic_t stopping;

static void on_stop(int signal)
{
    (void)signal;
    if (stopping < 2)
        stopping = stopping + 1;
}

static int64_t now_ms(void)
{
    return clock_monotonic_us() / 1000;
}

/* --- signals ------------------------------------------------------------------------------------------ */

static void wake_up(int signal)
{
    (void)signal;
}

static void install(int signal, void (*handler)(int))
{
    /* Without SA_RESTART: a signal ends a wait. */
    struct sigaction action = {.sa_handler = handler};
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, NULL);
}

static void install_signals(void)
{
    install(SIGTERM, on_stop);
    install(SIGINT, on_stop);
    install(SIGCHLD, wake_up);
    install(SIGPIPE, SIG_IGN);
}

/* --- lanes -------------------------------------------------------------------------------------------- */

static struct lane_slot *slot_of(struct supervisor *supervisor, const struct lane_child *lane)
{
    return &supervisor->shared->slots[lane - supervisor->lanes];
}

/* The child of the fork; never returns. */
static void become_lane(struct supervisor *supervisor, const struct lane_child *lane)
{
    /* A terminal's Ctrl-C reaches the whole group: only the supervisor acts on it. */
    install(SIGINT, SIG_IGN);
    install(SIGCHLD, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    const struct lane_process process = {
        .service = supervisor->service,
        .settings = supervisor->settings,
        .pool = lane->pool,
        .index = lane->index,
        .slot = slot_of(supervisor, lane),
        .blame = supervisor->shared->blame,
        .stopping = &stopping,
    };
    exit(lane_process_run(&process));
}

static void start_lane(struct supervisor *supervisor, struct lane_child *lane)
{
    struct lane_slot *slot = slot_of(supervisor, lane);
    slot->ready = 0;
    slot->suspect = 0;
    slot->has_session = 0;
    log_flush();
    const pid_t pid = fork();
    if (pid == 0)
        become_lane(supervisor, lane);
    if (pid < 0) {
        log_error("cannot fork a lane: %s", strerror(errno));
        lane->start_at_ms = now_ms() + BACKOFF_MAX_MS;
        return;
    }
    lane->pid = slot->pid = pid;
    lane->started_ms = now_ms();
}

/* --- after a death -------------------------------------------------------------------------------------- */

/* A short-lived child with a connection of its own ends the transaction of the dead lane. */
static void bury_session(struct supervisor *supervisor, const struct lane_slot *slot)
{
    if (!slot->has_session)
        return;
    log_flush();
    if (fork() != 0)
        return;
    struct store_options options = store_options_of(supervisor->service, supervisor->settings);
    struct store *store = NULL;
    struct err err = {0};
    enum outcome outcome = store_open(&options, &store, &err);
    if (outcome == OUTCOME_DONE)
        outcome = store_kill_session(store, slot->session, &err);
    if (outcome != OUTCOME_DONE)
        log_warn("the dead lane's transaction could not be ended, MongoDB does so itself: %s",
                 err.text);
    _exit(0);
}

static void blame_message(struct supervisor *supervisor, uint64_t digest)
{
    if (digest == 0)
        return;
    struct blame *blame = supervisor->shared->blame;
    size_t i = 0;
    while (i < BLAME_MAX - 1 && blame[i].digest && blame[i].digest != digest)
        i++;
    if (blame[i].digest != digest)
        blame[i].deaths = 0;
    blame[i].digest = digest;
    blame[i].deaths++;
}

static void log_death(const struct lane_child *lane, int status, int64_t restart_ms)
{
    struct log_line line;
    const bool killed = WIFSIGNALED(status);
    log_begin(&line, killed ? LOG_ERROR : LOG_WARN, killed ? "lane died" : "lane exited");
    log_str(&line, "pool", lane->pool->name);
    log_int(&line, "index", lane->index + 1);
    log_int(&line, "lanePid", lane->pid);
    log_int(&line, killed ? "signal" : "status", killed ? WTERMSIG(status) : WEXITSTATUS(status));
    log_int(&line, "restartMs", restart_ms);
    log_end(&line);
}

static void lane_ended(struct supervisor *supervisor, struct lane_child *lane, int status)
{
    struct lane_slot *slot = slot_of(supervisor, lane);
    const bool steady = now_ms() - lane->started_ms > STEADY_MS;
    lane->backoff_ms = steady || !lane->backoff_ms             ? BACKOFF_FIRST_MS
                       : lane->backoff_ms * 2 < BACKOFF_MAX_MS ? lane->backoff_ms * 2
                                                               : BACKOFF_MAX_MS;
    lane->start_at_ms = now_ms() + lane->backoff_ms;
    if (WIFEXITED(status) && WEXITSTATUS(status) == LANE_EXIT_HOPELESS)
        supervisor->hopeless = true;
    if (WIFSIGNALED(status)) {
        blame_message(supervisor, slot->suspect);
        bury_session(supervisor, slot);
    }
    if (!stopping)
        log_death(lane, status, lane->backoff_ms);
    slot->incarnation++;
    slot->ready = 0;
    lane->pid = 0;
}

static void reap(struct supervisor *supervisor)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = 0; i < supervisor->lane_count; i++)
            if (supervisor->lanes[i].pid == pid)
                lane_ended(supervisor, &supervisor->lanes[i], status);
}

/* --- the loop -------------------------------------------------------------------------------------------- */

static void start_due(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->lane_count; i++)
        if (supervisor->lanes[i].pid == 0 && now_ms() >= supervisor->lanes[i].start_at_ms)
            start_lane(supervisor, &supervisor->lanes[i]);
}

static void announce_ready(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->lane_count; i++)
        if (!supervisor->shared->slots[i].ready)
            return;
    if (!supervisor->announced) {
        log_info("all %zu lanes are ready", supervisor->lane_count);
        notify_systemd("READY=1");
    }
    supervisor->announced = true;
    notify_systemd("WATCHDOG=1");
}

/* --- how many lanes work ------------------------------------------------------------------------------ */

static struct pool_work work_of(struct supervisor *supervisor, const struct pool_settings *pool)
{
    struct pool_work work = {0};
    for (size_t i = 0; i < supervisor->lane_count; i++) {
        const struct lane_slot *slot = &supervisor->shared->slots[i];
        if (supervisor->lanes[i].pool != pool)
            continue;
        work.settled += slot->settled;
        work.deferred += slot->deferred;
    }
    return work;
}

/* Lanes from `limit` on stand aside; while one of those before it is not at work, none does. */
static void set_aside(struct supervisor *supervisor, const struct pool_settings *pool,
                      int64_t limit)
{
    bool all_ready = true;
    for (size_t i = 0; i < supervisor->lane_count; i++) {
        const struct lane_child *lane = &supervisor->lanes[i];
        if (lane->pool == pool && lane->index < limit)
            all_ready = all_ready && supervisor->shared->slots[i].ready;
    }
    for (size_t i = 0; i < supervisor->lane_count; i++)
        if (supervisor->lanes[i].pool == pool)
            supervisor->shared->slots[i].aside = all_ready && supervisor->lanes[i].index >= limit;
}

static void adapt_pools(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->settings->pools.count; i++) {
        const struct pool_settings *pool = &supervisor->settings->pools.items[i];
        struct concurrency *limit = &supervisor->limits[i];
        if (concurrency_adapt(limit, work_of(supervisor, pool), now_ms()))
            log_info("pool %.*s: %d of %d lanes work", STR_FMT(pool->name), (int)limit->limit,
                     (int)limit->lanes);
        set_aside(supervisor, pool, limit->limit);
    }
}

static void tick(void)
{
    const struct timespec pause = {0, TICK_MS * 1000000L};
    /* Ended early by a signal: that is what it is for. */
    (void)!nanosleep(&pause, NULL);
}

static size_t signal_lanes(struct supervisor *supervisor, int signal)
{
    size_t running = 0;
    for (size_t i = 0; i < supervisor->lane_count; i++) {
        if (!supervisor->lanes[i].pid)
            continue;
        running++;
        if (signal)
            kill(supervisor->lanes[i].pid, signal);
    }
    return running;
}

static void stop_lanes(struct supervisor *supervisor)
{
    notify_systemd("STOPPING=1");
    log_info("stopping: lanes drain for at most %d s",
             (int)(supervisor->settings->drain_ms / MS_PER_SECOND));
    const int64_t end_ms = now_ms() + supervisor->settings->drain_ms;
    int told = 0;
    while (signal_lanes(supervisor, 0) > 0 && now_ms() < end_ms) {
        if (told < stopping) {
            signal_lanes(supervisor, SIGTERM);
            told++;
        }
        tick();
        reap(supervisor);
    }
    if (signal_lanes(supervisor, SIGKILL) > 0)
        log_warn("killed lanes that did not finish in time; their messages come back");
    while (signal_lanes(supervisor, 0) > 0) {
        tick();
        reap(supervisor);
    }
}

/* --- start --------------------------------------------------------------------------------------------------- */

static bool is_wanted(struct str only, struct str pool)
{
    if (only.len == 0)
        return true;
    for (const char *at = only.ptr; at; at = strchr(at, ',')) {
        at += *at == ',';
        const size_t len = strcspn(at, ",");
        if (str_eq((struct str){at, len}, pool))
            return true;
    }
    return false;
}

static size_t plan_lanes(struct supervisor *supervisor, struct str only)
{
    size_t count = 0;
    for (size_t i = 0; i < supervisor->settings->pools.count; i++) {
        const struct pool_settings *pool = &supervisor->settings->pools.items[i];
        for (int k = 0; k < pool->lanes && is_wanted(only, pool->name); k++, count++)
            if (supervisor->lanes)
                supervisor->lanes[count] = (struct lane_child){.pool = pool, .index = k};
    }
    return count;
}

static bool set_up(struct supervisor *supervisor, struct str only)
{
    supervisor->lane_count = plan_lanes(supervisor, only);
    if (supervisor->lane_count == 0) {
        log_error("no pool to run: name one of `pools` in the configuration");
        return false;
    }
    supervisor->lanes = calloc(supervisor->lane_count, sizeof(*supervisor->lanes));
    const size_t size = sizeof(struct shared) + supervisor->lane_count * sizeof(struct lane_slot);
    supervisor->shared =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const size_t pools = supervisor->settings->pools.count;
    supervisor->limits = calloc(pools, sizeof(*supervisor->limits));
    if (!supervisor->lanes || !supervisor->limits || supervisor->shared == MAP_FAILED)
        panic("out of memory for %zu lanes", supervisor->lane_count);
    for (size_t i = 0; i < pools; i++)
        concurrency_init(&supervisor->limits[i], supervisor->settings->pools.items[i].lanes,
                         now_ms());
    plan_lanes(supervisor, only);
    return true;
}

int supervisor_run(const struct service *service, const struct engine_settings *settings,
                   struct str only)
{
    struct supervisor supervisor = {.service = service, .settings = settings};
    /* Lanes hold key material: no core files with it. */
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    log_set_origin("supervisor");
    install_signals();
    if (!set_up(&supervisor, only))
        return 1;
    while (!stopping && !supervisor.hopeless) {
        start_due(&supervisor);
        announce_ready(&supervisor);
        adapt_pools(&supervisor);
        tick();
        reap(&supervisor);
    }
    stop_lanes(&supervisor);
    log_info("stopped");
    free(supervisor.limits);
    free(supervisor.lanes);
    return supervisor.hopeless ? 1 : 0;
}
