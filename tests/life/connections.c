/* connections.c - connections that must hold while a lane is busy elsewhere, and consumers that the
 * broker has forgotten. */
#include <signal.h>

#include "base/clock.h"
#include "life/life.h"

#define STALL_MS 6000

/* Three seconds are more than the two heartbeats of a second each after which the broker hangs up. */
static void outlives_a_long_batch(struct life *life)
{
    life->engine.amqp_heartbeat_ms = 1000;
    host_start_ready(life);
    for (int64_t number = 0; number < 3; number++)
        guest_ask(life, number, "slow");
    guest_await(life, 3);
    LIFE_CHECK(life, guest_status(life, 2) == 200);
    LIFE_CHECK(life, host_logged(life, "stopped taking messages") == 0);
    LIFE_CHECK(life, host_logged(life, "lane died") == 0);
    LIFE_CHECK(life, life->repeats == 0);
    LIFE_CHECK(life, host_stop(life) == 0);
}

/* One call to the database takes longer than the broker's patience. */
static void outlives_a_stalled_database(struct life *life)
{
    life->engine.amqp_heartbeat_ms = 1000;
    host_start_ready(life);
    if (!host_server(life, "pause", "mongod")) {
        printf("    skipped: mongod is not the rig's\n");
        return;
    }
    guest_ask(life, 1, "soup");
    life_sleep_ms(STALL_MS);
    LIFE_CHECK(life, host_server(life, "resume", "mongod"));
    guest_await(life, 1);
    LIFE_CHECK(life, guest_status(life, 1) == 200);
    LIFE_CHECK(life, host_logged(life, "stopped taking messages") == 0);
    LIFE_CHECK(life, host_stop(life) == 0);
}

/* Two lanes: each sees the consumer of the other, once one of them has noticed. */
static void finds_its_queue_again(struct life *life)
{
    life->pool.lanes = 2;
    host_start_ready(life);
    guest_replace_queue(life);
    for (int64_t number = 0; number < 20; number++)
        guest_ask(life, number, "soup");
    guest_await(life, 20);
    LIFE_CHECK(life, guest_status(life, 0) == 200 && guest_status(life, 19) == 200);
    LIFE_CHECK(life, host_stop(life) == 0);
}

const struct life_test bus_tests[] = {
    {"bus_outlives_a_long_batch", outlives_a_long_batch},
    {"bus_outlives_a_stalled_database", outlives_a_stalled_database},
    {"bus_finds_its_queue_again", finds_its_queue_again},
    {0},
};
