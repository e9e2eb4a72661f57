/* crew.c - starts lanes, and takes note of how they end. */
#include "supervisor/crew.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "service/connections.h"
#include "supervisor/process.h"

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS   5000
#define BACKOFF_STUCK_MS 60000 /* for a lane that failed before it was at work */
#define STEADY_MS        10000 /* a lane that lived longer starts again after BACKOFF_FIRST_MS */
#define STATEMENT_MS     500   /* the longest that MongoDB takes for a statement that was sent */
/* A new plan does not work when a lane dies so often in a row before it is at work. */
#define TRIES_MAX 3

/* --- the list ---------------------------------------------------------------------------------------- */

static void *shared_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        panic("out of memory for %zu bytes that lanes share", size);
    return memory;
}

static size_t place_of(const struct crew *crew, const struct crew_pool *pool, int index)
{
    size_t i = 0;
    while (i < crew->count && (crew->lanes[i].pool < pool ||
                               (crew->lanes[i].pool == pool && crew->lanes[i].index <= index)))
        i++;
    return i;
}

void crew_add(struct crew *crew, struct crew_pool *pool, int index)
{
    const size_t place = place_of(crew, pool, index);
    crew->lanes = memory_grow(crew->lanes, crew->count, &crew->capacity, sizeof(*crew->lanes));
    memmove(crew->lanes + place + 1, crew->lanes + place,
            (crew->count - place) * sizeof(*crew->lanes));
    crew->lanes[place] = (struct lane_child){
        .pool = pool,
        .index = index,
        .generation = crew->generation,
        .slot = shared_memory(sizeof(struct lane_slot)),
    };
    crew->count++;
}

static void remove_lane(struct crew *crew, size_t i)
{
    struct lane_child *lane = &crew->lanes[i];
    lane->pool->gone.settled += lane->slot->settled;
    lane->pool->gone.deferred += lane->slot->deferred;
    munmap(lane->slot, sizeof(*lane->slot));
    crew->count--;
    memmove(crew->lanes + i, crew->lanes + i + 1, (crew->count - i) * sizeof(*crew->lanes));
}

const struct lane_child *crew_holder(const struct crew *crew, const struct crew_pool *pool,
                                     int index, const struct lane_child *other)
{
    for (size_t i = 0; i < crew->count; i++) {
        const struct lane_child *lane = &crew->lanes[i];
        if (lane != other && lane->pool == pool && lane->index == index && !lane->leaving)
            return lane;
    }
    return NULL;
}

/* True when the lane was told to end, when its pool has no such place any more, or when its plan is
 * not in force any more and another lane has its place. */
static bool is_superfluous(const struct crew *crew, const struct lane_child *lane)
{
    return lane->leaving || lane->index >= lane->pool->settings->lanes ||
           (lane->generation != crew->generation &&
            crew_holder(crew, lane->pool, lane->index, lane));
}

void crew_prune(struct crew *crew)
{
    for (size_t i = crew->count; i-- > 0;)
        if (crew->lanes[i].pid == 0 && is_superfluous(crew, &crew->lanes[i]))
            remove_lane(crew, i);
}

bool crew_is_stuck(const struct lane_child *lane)
{
    return lane->failures > 0 && !lane->slot->has_worked;
}

bool crew_serves(const struct crew *crew, const struct crew_pool *pool, int index)
{
    for (size_t i = 0; i < crew->count; i++)
        if (crew->lanes[i].pool == pool && crew->lanes[i].index == index &&
            crew->lanes[i].slot->ready)
            return true;
    return false;
}

bool crew_pool_serves(const struct crew *crew, const struct crew_pool *pool)
{
    for (int index = 0; index < pool->settings->lanes; index++)
        if (crew_serves(crew, pool, index))
            return true;
    return false;
}

bool crew_is_ready(const struct crew *crew)
{
    for (size_t i = 0; i < crew->pool_count; i++)
        if (crew->pools[i].wanted && !crew_pool_serves(crew, &crew->pools[i]))
            return false;
    return true;
}

/* --- start ------------------------------------------------------------------------------------------- */

/* What the child does after the fork. */
static _Noreturn void become_lane(const struct crew *crew, const struct lane_child *lane)
{
    const struct lane_process process = {
        .service = crew->plan->service,
        .settings = crew->plan->settings,
        .pool = lane->pool->settings,
        .index = lane->index,
        .slot = lane->slot,
        .blame = crew->blame,
        .stopping = crew->stopping,
    };
    /* Ctrl-C and a hang-up reach the whole process group; only the supervisor acts on them. */
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    exit(lane_process_run(&process));
}

static void start_lane(struct crew *crew, struct lane_child *lane, int64_t now_ms)
{
    slot_reset(lane->slot);
    lane->generation = crew->generation;
    lane->limits = crew_limits(crew, lane->pool);
    lane->cut_at_ms = lane->hung_ms = 0;
    stall_init(&lane->stall, now_ms);
    log_flush();
    const pid_t pid = fork();
    if (pid == 0)
        become_lane(crew, lane);
    if (pid < 0) {
        log_error("cannot fork a lane: %s", strerror(errno));
        lane->start_at_ms = now_ms + BACKOFF_MAX_MS;
        return;
    }
    lane->pid = lane->slot->pid = pid;
    lane->started_ms = now_ms;
}

void crew_start_due(struct crew *crew, int64_t now_ms)
{
    for (size_t i = 0; i < crew->count; i++)
        if (crew->lanes[i].pid == 0 && now_ms >= crew->lanes[i].start_at_ms)
            start_lane(crew, &crew->lanes[i], now_ms);
}

/* --- end --------------------------------------------------------------------------------------------- */

/* Kills the session twice, because a statement that the lane sent just before its death may be
 * carried out after the first time and open the transaction again. */
static enum outcome end_transaction(const struct plan *plan,
                                    const uint8_t session[STORE_SESSION_BYTES], struct err *err)
{
    const struct store_options options = store_options_of(plan->service, plan->settings);
    struct store *store = NULL;
    TRY(store_open(&options, &store, err));
    TRY(store_kill_session(store, session, err));
    clock_pause_ms(STATEMENT_MS);
    return store_kill_session(store, session, err);
}

/* A short-lived child with a connection of its own ends the transaction of the dead lane. The
 * session is copied first: the lane's next process reuses the slot before the child reads it. */
static void bury_session(const struct crew *crew, const struct lane_child *lane)
{
    uint8_t session[STORE_SESSION_BYTES];
    struct err err = {0};
    if (!lane->slot->has_session)
        return;
    memcpy(session, lane->slot->session, sizeof(session));
    log_flush();
    if (fork() != 0)
        return;
    if (end_transaction(crew->plan, session, &err) != OUTCOME_DONE)
        log_warn("the dead lane's transaction could not be ended, MongoDB does so itself: %s",
                 err.text);
    _exit(0);
}

static void log_end_of(const struct lane_child *lane, int status, const struct death *death,
                       int deaths)
{
    struct log_line line;
    const bool killed = WIFSIGNALED(status);
    log_begin(&line, killed ? LOG_ERROR : LOG_WARN, killed ? "lane died" : "lane exited");
    log_str(&line, "pool", lane->pool->settings->name);
    log_int(&line, "index", lane->index + 1);
    log_int(&line, "lanePid", lane->pid);
    if (killed)
        log_str(&line, "signal", str_of(death->signal));
    else
        log_int(&line, "status", WEXITSTATUS(status));
    if (lane->slot->crash.thread[0])
        log_str(&line, "thread", str_of(lane->slot->crash.thread));
    if (lane->why[0])
        log_str(&line, "why", str_of(lane->why));
    if (lane->hung_ms)
        log_int(&line, "hungMs", lane->hung_ms);
    if (deaths)
        log_int(&line, "deathsOfMessage", deaths);
    if (!lane->leaving)
        log_int(&line, "restartMs", lane->backoff_ms);
    if (killed && death->backtrace[0])
        log_str(&line, "backtrace", str_of(death->backtrace));
    log_end(&line);
}

static void note_why(struct lane_child *lane, const struct death *death)
{
    const struct lane_slot *slot = lane->slot;
    if (death->signal[0])
        snprintf(lane->why, sizeof(lane->why), "%s%s%s", death->signal,
                 slot->crash.words[0] ? ": " : "", slot->crash.words);
    else
        snprintf(lane->why, sizeof(lane->why), "%s", slot->fault);
}

static void lane_died(struct crew *crew, struct lane_child *lane, int status)
{
    char signal[CRASH_SIGNAL_MAX] = "";
    char backtrace[CRASH_TEXT_MAX] = "";
    int deaths = 0;
    if (WIFSIGNALED(status)) {
        crash_signal_name(WTERMSIG(status), signal);
        crash_describe(&lane->slot->crash, backtrace);
    }
    /* When another thread died, the message whose handler was running meanwhile is innocent. */
    const bool in_handler = lane->slot->crash.thread[0] == '\0';
    const struct death death = {in_handler ? lane->slot->suspect : 0, lane->hung_ms, signal,
                                backtrace};
    note_why(lane, &death);
    if (WIFSIGNALED(status)) {
        lane->deaths++;
        if (death.digest)
            deaths = blame_record(crew->blame, &death);
        bury_session(crew, lane);
    }
    if (!*crew->stopping && (WIFSIGNALED(status) || !lane->leaving))
        log_end_of(lane, status, &death, deaths);
}

static int64_t next_backoff(const struct lane_child *lane, int64_t now_ms)
{
    const bool steady = now_ms - lane->started_ms > STEADY_MS;
    const int64_t max_ms = lane->failures ? BACKOFF_STUCK_MS : BACKOFF_MAX_MS;
    if (steady || lane->backoff_ms == 0)
        return BACKOFF_FIRST_MS;
    return lane->backoff_ms * 2 < max_ms ? lane->backoff_ms * 2 : max_ms;
}

static bool is_hopeless(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == LANE_EXIT_HOPELESS;
}

/* A lane that failed before it was at work may have failed because of its plan. A new plan then
 * gives way to the old one, which worked; without an old one the crew may be hopeless. */
static void judge_plan(struct crew *crew, const struct lane_child *lane, int status, int64_t now_ms)
{
    const bool hopeless = is_hopeless(status);
    if (lane->leaving || lane->generation != crew->generation || lane->failures == 0)
        return;
    if (crew->roll == ROLL_FORWARD && (hopeless || lane->failures >= TRIES_MAX)) {
        log_error("a lane cannot work with the new settings: back to the old ones: %s", lane->why);
        crew_roll_back(crew, now_ms);
    } else if (hopeless && !crew->has_been_ready) {
        crew->hopeless = true;
    }
}

static void lane_ended(struct crew *crew, struct lane_child *lane, int status, int64_t now_ms)
{
    const bool failed = !lane->slot->has_worked && (WIFSIGNALED(status) || is_hopeless(status));
    lane->failures = failed ? lane->failures + 1 : 0;
    lane->backoff_ms = next_backoff(lane, now_ms);
    lane->start_at_ms = now_ms + lane->backoff_ms;
    lane_died(crew, lane, status);
    lane->slot->incarnation++;
    lane->slot->ready = 0;
    lane->pid = 0;
    judge_plan(crew, lane, status, now_ms); /* may move the lanes of the list, this one included */
}

static struct lane_child *lane_of(const struct crew *crew, pid_t pid)
{
    for (size_t i = 0; i < crew->count; i++)
        if (crew->lanes[i].pid == pid)
            return &crew->lanes[i];
    return NULL; /* the child of bury_session() */
}

void crew_reap(struct crew *crew, int64_t now_ms)
{
    int status;
    pid_t pid;
    crew->has_been_ready = crew->has_been_ready || crew_is_ready(crew);
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct lane_child *lane = lane_of(crew, pid);
        if (lane)
            lane_ended(crew, lane, status, now_ms);
    }
    crew_prune(crew);
}

size_t crew_signal(struct crew *crew, int signal)
{
    size_t running = 0;
    for (size_t i = 0; i < crew->count; i++) {
        if (!crew->lanes[i].pid)
            continue;
        running++;
        if (signal)
            kill(crew->lanes[i].pid, signal);
    }
    return running;
}

void crew_dismiss(struct lane_child *lane)
{
    lane->leaving = true;
    kill(lane->pid, SIGTERM);
}

/* --- the whole ----------------------------------------------------------------------------------------- */

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

bool crew_init(struct crew *crew, const struct plan *plan, struct str only,
               const volatile sig_atomic_t *stopping)
{
    *crew = (struct crew){.plans = {*plan}, .stopping = stopping};
    crew->plan = &crew->plans[0];
    crew->blame = shared_memory(sizeof(*crew->blame));
    crew->pool_count = plan->settings->pools.count;
    crew->pools = calloc(crew->pool_count + 1, sizeof(*crew->pools));
    if (!crew->pools)
        panic("out of memory for %zu pools", crew->pool_count);
    for (size_t i = 0; i < crew->pool_count; i++) {
        struct crew_pool *pool = &crew->pools[i];
        pool->settings = &plan->settings->pools.items[i];
        pool->wanted = is_wanted(only, pool->settings->name);
        for (int k = 0; pool->wanted && k < pool->settings->lanes; k++)
            crew_add(crew, pool, k);
    }
    if (crew->count == 0)
        log_error("no pool to run: name one of `pools` in the configuration");
    return crew->count > 0;
}

void crew_release(struct crew *crew)
{
    while (crew->count)
        remove_lane(crew, crew->count - 1);
    free(crew->lanes);
    free(crew->pools);
    munmap(crew->blame, sizeof(*crew->blame));
}
