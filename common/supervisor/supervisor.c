/* supervisor.c - the loop that keeps the lanes running: signals, reload, stop. */
#include "supervisor/supervisor.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "supervisor/crew.h"

#define TICK_MS   100
#define STATUS_MS 1000

enum phase { PHASE_STARTING, PHASE_RUNNING, PHASE_RELOADING, PHASE_STOPPING };

struct supervisor {
    const struct supervisor_options *options;
    struct crew crew;
    enum phase phase;
    struct arena arena; /* of one status */
    int64_t born;
    uint64_t signature; /* of the last status that was written */
    int64_t next_status_ms;
    bool status_failed; /* the failure to write it was logged */
};

/* Set by signal handlers, and process-wide because these have nothing else to write to. A lane
 * inherits `stopping` and sets its own copy. */
static volatile sig_atomic_t stopping; /* 1 drain, 2 hurry, 3 kill */
static volatile sig_atomic_t reload_wanted;

#define STOPPING_MAX 3

static int64_t now_ms(void)
{
    return clock_monotonic_us() / 1000;
}

/* --- signals ------------------------------------------------------------------------------------------ */

static void on_stop(int signal)
{
    (void)signal;
    if (stopping < STOPPING_MAX)
        stopping = stopping + 1;
}

static void on_reload(int signal)
{
    (void)signal;
    reload_wanted = 1;
}

static void wake_up(int signal)
{
    (void)signal;
}

static void install(int signal, void (*handler)(int))
{
    /* Without SA_RESTART, so that a signal ends a wait. */
    struct sigaction action = {.sa_handler = handler};
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, NULL);
}

static void install_signals(void)
{
    stopping = reload_wanted = 0;
    install(SIGTERM, on_stop);
    install(SIGINT, on_stop);
    install(SIGHUP, on_reload);
    install(SIGCHLD, wake_up);
    install(SIGPIPE, SIG_IGN);
}

static void tick(void)
{
    const struct timespec pause = {0, TICK_MS * 1000000L};
    /* A signal ends the pause early, and is then served at once. */
    (void)!nanosleep(&pause, NULL);
}

/* --- what it tells -------------------------------------------------------------------------------------- */

static struct str state_name(const struct supervisor *supervisor, const struct status *status)
{
    static const char *const names[] = {"starting", "ready", "reloading", "stopping"};
    if (supervisor->phase == PHASE_RUNNING && !status->ready)
        return STR("not ready");
    if (supervisor->phase == PHASE_RUNNING && status->degraded)
        return STR("degraded");
    return str_of(names[supervisor->phase]);
}

/* sd_notify(3) without the library: one datagram to $NOTIFY_SOCKET, if that is set. */
static void notify_systemd(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || strlen(path) >= sizeof(address.sun_path))
        return;
    const size_t len = strlen(path);
    memcpy(address.sun_path, path, len);
    if (path[0] == '@')
        address.sun_path[0] = '\0'; /* an abstract socket: its name begins with a NUL */
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    /* The error is ignored: nothing can be done when the service manager does not listen. */
    (void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address, size);
    close(fd);
}

static void save_status(struct supervisor *supervisor, const struct status *status)
{
    const struct str path = supervisor->crew.plan->settings->status_file;
    struct err err = {0};
    if (path.len == 0)
        return;
    const bool failed = status_save(path.ptr, status, &supervisor->arena, &err) != OUTCOME_DONE;
    if (failed && !supervisor->status_failed)
        log_warn("`cartwright health` will know nothing: %s", err.text);
    supervisor->status_failed = failed;
}

static void tell_systemd(struct supervisor *supervisor, const struct status *status)
{
    char text[512];
    const struct crew_count count = crew_count(&supervisor->crew);
    snprintf(text, sizeof(text), "STATUS=%.*s: %zu of %zu lanes at work%s%.*s",
             STR_FMT(status->state), count.ready, count.places, status->reason.len ? "; " : "",
             STR_FMT(status->reason));
    notify_systemd(text);
    if (crew_makes_progress(&supervisor->crew, now_ms()))
        notify_systemd("WATCHDOG=1");
}

static void tell(struct supervisor *supervisor)
{
    const uint64_t signature = crew_signature(&supervisor->crew) * 4 + supervisor->phase;
    const int64_t now = now_ms();
    if (signature == supervisor->signature && now < supervisor->next_status_ms)
        return;
    struct status status;
    arena_clear(&supervisor->arena);
    crew_status(&supervisor->crew, &supervisor->arena, now, &status);
    status.pid = getpid();
    status.born = supervisor->born;
    status.written_at = clock_now_ms();
    status.alive_ms = now;
    status.ready = status.ready && supervisor->phase != PHASE_STOPPING;
    status.state = state_name(supervisor, &status);
    save_status(supervisor, &status);
    tell_systemd(supervisor, &status);
    supervisor->signature = signature;
    supervisor->next_status_ms = now + STATUS_MS;
}

/* Once every pool has a lane at work, lanes that cannot start are not waited for. */
static void announce_ready(struct supervisor *supervisor)
{
    const struct crew_count count = crew_count(&supervisor->crew);
    if (supervisor->phase != PHASE_STARTING || !crew_is_ready(&supervisor->crew) ||
        count.ready + count.stuck < count.places)
        return;
    if (count.stuck)
        log_warn("%zu of %zu lanes are ready, the others cannot start", count.ready, count.places);
    else
        log_info("all %zu lanes are ready", count.places);
    notify_systemd("READY=1");
    supervisor->phase = PHASE_RUNNING;
}

/* --- reload --------------------------------------------------------------------------------------------- */

static enum outcome read_plan(const struct supervisor *supervisor, struct plan *out,
                              struct err *err)
{
    const struct supervisor_options *options = supervisor->options;
    return options->reload(options->context, supervisor->crew.plan, out, err);
}

static void notify_reloading(void)
{
    char text[64];
    snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
             (long long)clock_monotonic_us());
    notify_systemd(text);
}

static void begin_reload(struct supervisor *supervisor)
{
    struct plan plan;
    struct err err = {0};
    reload_wanted = 0;
    notify_reloading();
    if (read_plan(supervisor, &plan, &err) != OUTCOME_DONE) {
        log_error("reload refused, the old configuration stays in force: %s", err.text);
        notify_systemd("READY=1");
        return;
    }
    log_set_level((enum log_level)plan.settings->log_level);
    log_info("reloading: lanes are replaced one after the other");
    crew_follow(&supervisor->crew, &plan, now_ms());
    supervisor->phase = PHASE_RELOADING;
}

static void finish_reload(struct supervisor *supervisor, enum roll direction)
{
    log_set_level((enum log_level)supervisor->crew.plan->settings->log_level);
    log_info(direction == ROLL_FORWARD ? "reloaded: every lane was replaced"
                                       : "every lane works with the old configuration again");
    notify_systemd("READY=1");
    supervisor->phase = PHASE_RUNNING;
}

/* A reload waits until the first lanes are ready. An operator may have to ask for another reload
 * while lanes are being replaced: when the address of a server is misspelt, new lanes wait for it
 * for ever, and old lanes that die are started again with it, too. Then the reload under way is
 * given up: the old configuration is in force again, and the one that is read now follows it. */
static void reload(struct supervisor *supervisor)
{
    if (reload_wanted && supervisor->crew.roll == ROLL_FORWARD) {
        log_info("asked to reload again: the new configuration is given up");
        crew_roll_back(&supervisor->crew, now_ms());
    }
    if (reload_wanted && supervisor->phase != PHASE_STARTING)
        begin_reload(supervisor);
    if (supervisor->phase != PHASE_RELOADING)
        return;
    const enum roll direction = supervisor->crew.roll;
    crew_roll(&supervisor->crew);
    if (supervisor->crew.roll == ROLL_NONE)
        finish_reload(supervisor, direction);
}

/* --- stop ----------------------------------------------------------------------------------------------- */

static void wait_for_lanes(struct supervisor *supervisor)
{
    tick();
    crew_reap(&supervisor->crew, now_ms());
    tell(supervisor);
}

static void stop_lanes(struct supervisor *supervisor)
{
    struct crew *crew = &supervisor->crew;
    supervisor->phase = PHASE_STOPPING;
    notify_systemd("STOPPING=1");
    const int64_t drain_ms = crew->plan->settings->drain_ms;
    log_info("stopping: lanes drain for at most %d s", (int)(drain_ms / MS_PER_SECOND));
    const int64_t end_ms = now_ms() + drain_ms;
    int told = 0;
    while (crew_signal(crew, 0) > 0 && now_ms() < end_ms && stopping < STOPPING_MAX) {
        if (told == 0 || told < stopping) {
            crew_signal(crew, SIGTERM);
            told++;
        }
        wait_for_lanes(supervisor);
    }
    if (crew_signal(crew, SIGKILL) > 0)
        log_warn("killed lanes that did not finish in time; their messages come back");
    while (crew_signal(crew, 0) > 0)
        wait_for_lanes(supervisor);
}

/* --- the loop ------------------------------------------------------------------------------------------- */

static void work(struct supervisor *supervisor)
{
    struct crew *crew = &supervisor->crew;
    while (!stopping && !crew->hopeless) {
        crew_start_due(crew, now_ms());
        announce_ready(supervisor);
        reload(supervisor);
        crew_adapt(crew, now_ms());
        crew_cut_hanging(crew, now_ms());
        tell(supervisor);
        tick();
        crew_reap(crew, now_ms());
    }
}

int supervisor_run(const struct supervisor_options *options)
{
    struct supervisor supervisor = {.options = options, .born = process_born(getpid())};
    /* Lanes hold key material, which must not get into core files. */
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    log_set_origin("supervisor");
    install_signals();
    if (!crew_init(&supervisor.crew, &options->plan, options->only, &stopping))
        return 1;
    crew_set_limits(&supervisor.crew, now_ms());
    arena_init(&supervisor.arena, 16 * 1024);
    work(&supervisor);
    stop_lanes(&supervisor);
    log_info("stopped");
    const bool hopeless = supervisor.crew.hopeless;
    crew_release(&supervisor.crew);
    arena_release(&supervisor.arena);
    return hopeless ? 1 : 0;
}
