/* cycle.c - how a worker starts, reloads and stops, and what it says of itself meanwhile. */
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "life/life.h"
#include "worker/status.h"

/* --- stop ----------------------------------------------------------------------------------------- */

static long place_of(struct life *life, const char *stage)
{
    return (long)host_line_number(life, stage);
}

static void check_stages(struct life *life)
{
    static const char *const stages[] = {"\"stage\":\"stop taking\"", "\"stage\":\"finish\"",
                                         "\"stage\":\"settle\"", "\"stage\":\"done\""};
    for (size_t i = 0; i + 1 < sizeof(stages) / sizeof(stages[0]); i++)
        LIFE_CHECK(life, place_of(life, stages[i]) > 0 &&
                             place_of(life, stages[i]) < place_of(life, stages[i + 1]));
}

static void drains_in_stages(struct life *life)
{
    host_start_ready(life);
    for (int64_t number = 0; number < 20; number++)
        guest_ask(life, number, number == 0 ? "slow" : "soup");
    LIFE_CHECK(life, host_stop(life) == 0);
    check_stages(life);
    guest_listen(life, 500);
    LIFE_CHECK(life, guest_depth(life, QUEUE_MEALS) + (int64_t)life->reply_count == 20);
}

/* The second dish waits behind one that takes long: told to hurry, nobody cooks it. */
static void hurries(struct life *life)
{
    life->pool.batch_max = 1;
    host_start_ready(life);
    for (int64_t number = 0; number < 5; number++)
        guest_ask(life, number, "slow");
    life_sleep_ms(300);
    kill(life->supervisor, SIGTERM);
    life_sleep_ms(300);
    LIFE_CHECK(life, host_stop(life) == 0);
    guest_listen(life, 500);
    LIFE_CHECK(life, life->reply_count < 5);
    LIFE_AWAIT(life, guest_depth(life, QUEUE_MEALS) + (int64_t)life->reply_count == 5);
    host_start(life);
    guest_await(life, 5);
    LIFE_CHECK(life, life->repeats == 0);
    LIFE_CHECK(life, host_stop(life) == 0);
}

static void third_kills(struct life *life)
{
    host_start_ready(life);
    guest_ask(life, 1, "hang");
    life_sleep_ms(500);
    for (int i = 0; i < 2; i++) {
        kill(life->supervisor, SIGTERM);
        life_sleep_ms(300);
    }
    LIFE_CHECK(life, host_lanes(life).count == 1);
    LIFE_CHECK(life, host_stop(life) == 0);
    LIFE_CHECK(life, host_logged(life, "killed lanes") == 1);
    LIFE_AWAIT(life, guest_depth(life, QUEUE_MEALS) == 1);
}

/* Nobody is left to cut it, and its heartbeats must not keep its messages for ever. */
static void orphan_ends_itself(struct life *life)
{
    life->engine.amqp_heartbeat_ms = 1000;
    life->engine.drain_ms = 1000;
    host_start_ready(life);
    guest_ask(life, 1, "hang");
    life_sleep_ms(500);
    const struct lanes lanes = host_lanes(life);
    kill(life->supervisor, SIGKILL);
    LIFE_CHECK(life, host_await_end(life) == -1);
    LIFE_CHECK(life, lanes.count == 1);
    LIFE_AWAIT(life, process_born(lanes.pids[0]) < 0);
    LIFE_AWAIT(life, guest_depth(life, QUEUE_MEALS) == 1);
}

/* --- health --------------------------------------------------------------------------------------- */

static void tells_its_health(struct life *life)
{
    struct str text;
    LIFE_CHECK(life, host_health(life, false, &text) == 3);
    host_start_ready(life);
    LIFE_AWAIT(life, host_health(life, false, &text) == 0);
    LIFE_CHECK(life, str_starts_with(text, STR("ready")));
    LIFE_CHECK(life, host_health(life, true, &text) == 0);
    LIFE_CHECK(life, strstr(text.ptr, "\"state\":\"ready\"") && strstr(text.ptr, "\"settled\":"));
    guest_ask(life, 1, "hang");
    life_sleep_ms(300);
    kill(life->supervisor, SIGTERM);
    LIFE_AWAIT(life, host_health(life, true, &text) == 1);
    LIFE_AWAIT(life, host_health(life, true, &text) == 1 && strstr(text.ptr, "stopping"));
    host_kill(life);
    LIFE_CHECK(life, host_health(life, false, &text) == 3);
    LIFE_CHECK(life, strstr(text.ptr, "is gone") != NULL);
}

/* A port where nobody listens. */
static void says_what_it_waits_for(struct life *life)
{
    struct str text;
    const struct str uri = life->engine.amqp_uri;
    life->engine.amqp_uri = STR("amqp://guest:guest@127.0.0.1:1/%2f");
    host_start(life);
    life->engine.amqp_uri = uri;
    LIFE_AWAIT(life, host_health(life, false, &text) == 1 && strstr(text.ptr, "127.0.0.1:1"));
    LIFE_CHECK(life, host_health(life, true, &text) == 1);
    LIFE_CHECK(life, strstr(text.ptr, "\"state\":\"waiting\"") && strstr(text.ptr, "\"since\":"));
    LIFE_CHECK(life, host_stop(life) == 0);
}

/* --- reload --------------------------------------------------------------------------------------- */

static bool has(const struct lanes *lanes, pid_t pid)
{
    for (size_t i = 0; i < lanes->count; i++)
        if (lanes->pids[i] == pid)
            return true;
    return false;
}

static bool same_lanes(const struct lanes *a, const struct lanes *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = has(b, a->pids[i]);
    return same;
}

static bool none_stayed(const struct lanes *before, const struct lanes *after)
{
    for (size_t i = 0; i < before->count; i++)
        if (has(after, before->pids[i]))
            return false;
    return true;
}

/* Asks all the time, one dish in a few milliseconds, until the log says so. */
static int64_t ask_until(struct life *life, int64_t number, const char *text, int times)
{
    const int64_t end_us = clock_monotonic_us() + PATIENCE_S * 1000000LL;
    while (host_logged(life, text) < times && clock_monotonic_us() < end_us) {
        guest_ask(life, number++, "soup");
        guest_listen(life, 2);
    }
    LIFE_CHECK(life, host_logged(life, text) == times);
    return number;
}

static void check_all_served(struct life *life, int64_t asked)
{
    int64_t served = 0;
    guest_await(life, (size_t)asked);
    for (int64_t number = 0; number < asked; number++)
        served += guest_status(life, number) == 200;
    LIFE_CHECK(life, served == asked);
    LIFE_CHECK(life, life->repeats == 0);
    LIFE_CHECK(life, host_logged(life, "lane died") == 0);
}

static void reloads(struct life *life)
{
    int64_t asked = 0;
    life->pool.lanes = 2;
    host_start_ready(life);
    for (int round = 1; round <= 3; round++) {
        const struct lanes before = host_lanes(life);
        kill(life->supervisor, SIGHUP);
        asked = ask_until(life, asked, "reloaded: every lane was replaced", round);
        const struct lanes after = host_lanes(life);
        LIFE_CHECK(life, after.count == 2 && none_stayed(&before, &after));
    }
    check_all_served(life, asked);
    LIFE_CHECK(life, host_stop(life) == 0);
}

static void refuses_a_reload(struct life *life)
{
    life->reload = RELOAD_REFUSED;
    host_start_ready(life);
    const struct lanes before = host_lanes(life);
    kill(life->supervisor, SIGHUP);
    LIFE_AWAIT(life, host_logged(life, "reload refused") == 1);
    LIFE_CHECK(life, host_line(life, "reload refused", "line 7 is wrong").len > 0);
    life_sleep_ms(500);
    const struct lanes after = host_lanes(life);
    LIFE_CHECK(life, same_lanes(&before, &after));
    LIFE_CHECK(life, host_stop(life) == 0);
}

/* Settings that read well and cannot work: found out by the first lane, which replaces nobody. */
static void rolls_back(struct life *life)
{
    life->reload = RELOAD_HOPELESS;
    life->pool.lanes = 2;
    host_start_ready(life);
    const struct lanes before = host_lanes(life);
    kill(life->supervisor, SIGHUP);
    const int64_t asked =
        ask_until(life, 0, "every lane works with the old configuration again", 1);
    const struct lanes after = host_lanes(life);
    LIFE_CHECK(life, same_lanes(&before, &after));
    check_all_served(life, asked);
    LIFE_CHECK(life, host_stop(life) == 0);
}

/* The new lane waits for a broker that does not exist, the old ones work on, and the file is put right. */
static void is_put_right(struct life *life)
{
    life->reload = RELOAD_MISLED;
    host_start_ready(life);
    const struct lanes before = host_lanes(life);
    kill(life->supervisor, SIGHUP);
    int64_t asked = ask_until(life, 0, "127.0.0.1:1", 1);
    LIFE_CHECK(life, host_lanes(life).count == 2);
    kill(life->supervisor, SIGHUP);
    asked = ask_until(life, asked, "reloaded: every lane was replaced", 1);
    const struct lanes after = host_lanes(life);
    LIFE_CHECK(life, after.count == 1 && none_stayed(&before, &after));
    check_all_served(life, asked);
    LIFE_CHECK(life, host_stop(life) == 0);
}

static void gets_more_lanes(struct life *life)
{
    struct str text;
    life->reload = RELOAD_MORE_LANES;
    host_start_ready(life);
    kill(life->supervisor, SIGHUP);
    const int64_t asked = ask_until(life, 0, "reloaded: every lane was replaced", 1);
    LIFE_AWAIT(life, host_lanes(life).count == 2);
    LIFE_AWAIT(life, host_health(life, true, &text) == 0 && strstr(text.ptr, "\"lane\":2"));
    check_all_served(life, asked);
    LIFE_CHECK(life, host_stop(life) == 0);
}

const struct life_test cycle_tests[] = {
    {"stop_drains_in_stages", drains_in_stages},
    {"stop_twice_hurries", hurries},
    {"stop_thrice_kills", third_kills},
    {"stop_orphan_ends_itself", orphan_ends_itself},
    {"health_is_told", tells_its_health},
    {"health_names_what_it_waits_for", says_what_it_waits_for},
    {"reload_replaces_every_lane", reloads},
    {"reload_refused", refuses_a_reload},
    {"reload_rolled_back", rolls_back},
    {"reload_put_right", is_put_right},
    {"reload_more_lanes", gets_more_lanes},
    {0},
};
