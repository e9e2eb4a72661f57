/* stuck.c - a lane that cannot start again does not stop those that can: it is tried again from time
 * to time, and health says why the shop is short of it. Only a crew that was never ready is given up. */
#include <signal.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "life/life.h"

#define COOK "cook"

/* What a process that the supervisor forks may have beyond what it has itself: too little. */
#define SPARE_BYTES (4LL * 1024 * 1024)

static const char *cook_uri(struct life *life)
{
    const char *at = strrchr(life->engine.amqp_uri.ptr, '@');
    return str_printf(&life->arena, "amqp://" COOK ":soup%s", at ? at : "").ptr;
}

/* A user of its own, whose password can be changed while guests go on asking. */
static bool hire_cook(struct life *life)
{
    host_ctl(life, "delete_user " COOK " 2>/dev/null"); /* of a run that was ended */
    return host_ctl(life, "add_user " COOK " soup") &&
           host_ctl(life, "set_permissions " COOK " '.*' '.*' '.*'");
}

static void kill_one(struct life *life)
{
    const struct lanes lanes = host_lanes(life);
    LIFE_CHECK(life, lanes.count > 0);
    if (lanes.count)
        kill(lanes.pids[0], SIGKILL);
}

static void check_served(struct life *life, int64_t from, int64_t to)
{
    for (int64_t number = from; number < to; number++)
        guest_ask(life, number, "soup");
    guest_await(life, (size_t)to);
}

static void await_health(struct life *life, int status, const char *state, const char *why)
{
    struct str text = STR("");
    const int64_t end_us = clock_monotonic_us() + PATIENCE_S * 1000000LL;
    bool seen = false;
    while (!seen && clock_monotonic_us() < end_us) {
        seen = host_health(life, false, &text) == status && str_starts_with(text, str_of(state)) &&
               strstr(text.ptr, why);
        guest_listen(life, 50);
    }
    if (!seen)
        life_fail(life, "health does not say '%s%s' but: %.*s", state, why, STR_FMT(text));
}

/* --- a log-in that is refused --------------------------------------------------------------------- */

static void start_cooks(struct life *life)
{
    const struct str uri = life->engine.amqp_uri;
    LIFE_CHECK(life, hire_cook(life));
    life->pool.lanes = 2;
    life->engine.amqp_uri = str_of(cook_uri(life));
    host_start_ready(life);
    life->engine.amqp_uri = uri;
    LIFE_CHECK(life, host_ctl(life, "change_password " COOK " other"));
}

static void one_is_short(struct life *life)
{
    struct str text;
    kill_one(life);
    await_health(life, 0, "degraded: ", "refuses user '" COOK "'");
    check_served(life, 0, 20);
    LIFE_CHECK(life, host_line(life, "lane exited", "refuses user '" COOK "'").len > 0);
    LIFE_CHECK(life, host_health(life, true, &text) == 0);
    LIFE_CHECK(life, strstr(text.ptr, "\"degraded\":true") && strstr(text.ptr, "\"why\":"));
}

/* The plan is read again, and is no better: the lane that serves is kept. */
static void reload_is_no_help(struct life *life)
{
    kill(life->supervisor, SIGHUP);
    LIFE_AWAIT(life, host_logged(life, "back to the old ones") == 1);
    LIFE_AWAIT(life, host_logged(life, "every lane works with the old configuration again") == 1);
    await_health(life, 0, "degraded: ", "refuses user '" COOK "'");
    check_served(life, 20, 40);
}

/* The last lane of the pool cannot start again either: the supervisor stays, and says why. */
static void all_are_short(struct life *life)
{
    const struct lanes lanes = host_lanes(life);
    for (size_t i = 0; i < lanes.count; i++)
        kill(lanes.pids[i], SIGKILL);
    await_health(life, 1, "not ready: ", "refuses user '" COOK "'");
}

/* A reload tries at once. */
static void is_mended(struct life *life)
{
    LIFE_CHECK(life, host_ctl(life, "change_password " COOK " soup"));
    kill(life->supervisor, SIGHUP);
    LIFE_AWAIT(life, host_logged(life, "reloaded: every lane was replaced") == 1);
    await_health(life, 0, "ready\n", "");
    check_served(life, 40, 60);
}

static void log_in_refused(struct life *life)
{
    static void (*const steps[])(struct life * life) = {
        start_cooks, one_is_short, reload_is_no_help, all_are_short, is_mended};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && !life->failed; i++)
        steps[i](life);
    if (!life->failed)
        LIFE_CHECK(life, host_stop(life) == 0);
}

/* --- no memory ------------------------------------------------------------------------------------ */

static bool limit_memory(struct life *life, rlim_t bytes)
{
    struct rlimit limit;
    if (prlimit(life->supervisor, RLIMIT_AS, NULL, &limit) != 0)
        return false;
    limit.rlim_cur = bytes;
    return prlimit(life->supervisor, RLIMIT_AS, &limit, NULL) == 0;
}

static rlim_t memory_of(pid_t pid)
{
    char path[64];
    long pages = 0;
    snprintf(path, sizeof(path), "/proc/%d/statm", pid);
    FILE *file = fopen(path, "r");
    if (file && fscanf(file, "%ld", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return (rlim_t)pages * 4096;
}

static void out_of_memory(struct life *life)
{
    life->pool.lanes = 2;
    host_start_ready(life);
    LIFE_CHECK(life, limit_memory(life, memory_of(life->supervisor) + SPARE_BYTES));
    kill_one(life);
    await_health(life, 0, "degraded: ", "lane kitchen/1 cannot start: ");
    check_served(life, 0, 20);
    LIFE_CHECK(life, limit_memory(life, RLIM_INFINITY));
    await_health(life, 0, "ready\n", "");
    LIFE_CHECK(life, host_stop(life) == 0);
}

/* --- a broker with a low limit ------------------------------------------------------------------------ */

static void long_replies(struct life *life)
{
    const int64_t longest = life->engine.reply_max;
    life->engine.reply_max = 4 << 20;
    host_start_ready(life);
    life->engine.reply_max = longest;
    await_health(life, 0, "degraded: ", "the broker takes no message of 4194304 bytes");
    check_served(life, 0, 20);
    LIFE_CHECK(life, host_stop(life) == 0);
}

/* --- the start ------------------------------------------------------------------------------------ */

static void never_ready(struct life *life)
{
    const struct str key = life->engine.token_key;
    life->pool.lanes = 2;
    life->engine.token_key = STR("no key");
    host_start(life);
    life->engine.token_key = key;
    LIFE_CHECK(life, host_await_end(life) == 1);
    LIFE_CHECK(life, host_logged(life, "this lane cannot work") >= 1);
}

const struct life_test stuck_tests[] = {
    {"stuck_log_in_refused", log_in_refused},
    {"stuck_out_of_memory", out_of_memory},
    {"stuck_long_replies_are_told", long_replies},
    {"stuck_from_the_start_is_given_up", never_ready},
    {0},
};
