/* cycle.c - how a worker starts, reloads and stops, and what it says of itself meanwhile. */
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "life/life.h"
#include "supervisor/status.h"

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

const struct life_test cycle_tests[] = {
    {"stop_drains_in_stages", drains_in_stages},
    {"stop_twice_hurries", hurries},
    {"stop_thrice_kills", third_kills},
    {"stop_orphan_ends_itself", orphan_ends_itself},
    {"health_is_told", tells_its_health},
    {"health_names_what_it_waits_for", says_what_it_waits_for},
    {0},
};
