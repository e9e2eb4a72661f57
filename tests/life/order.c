/* order.c - the commands of one pot keep their order, however many lanes there are, while lanes are
 * added, taken away and killed.
 *
 * Forty pots are stirred many times each, hundreds at a time and without waiting for answers. Each
 * stirring is one more version of its pot, and its answer tells which: the n-th that was asked for
 * must be version n. That finds whatever is out of order, lost or done twice. Each stirring takes a
 * spoon, too, of which there are few, so that lanes meet locks of other lanes all the time. */
#include <signal.h>

#include "base/clock.h"
#include "base/id.h"
#include "life/life.h"

#define POTS       40
#define SPOONS     4
#define PARTITIONS 8
#define UNANSWERED 1500 /* at most; several batches of every lane */
#define BURST      50
#define LEASE_MS   500 /* what a dead lane had locked is free again soon */

struct stirring {
    struct life *life;
    int64_t born; /* makes the pots of this test new ones */
    int64_t asked, total;
};

/* --- asking ----------------------------------------------------------------------------------------- */

static void ask_one(struct stirring *stirring, int64_t number)
{
    struct arena *arena = &stirring->life->arena;
    const int64_t pot = number % POTS;
    const int64_t spoon = (number / POTS + pot) % SPOONS;
    const int64_t born = stirring->born;
    guest_stir(
        stirring->life, number,
        str_printf(arena, "%012llx%012llx", (unsigned long long)born, (unsigned long long)pot),
        str_printf(arena, "%012llxffff%08llx", (unsigned long long)born,
                   (unsigned long long)spoon));
}

static void ask_some(struct stirring *stirring)
{
    struct life *life = stirring->life;
    const int64_t unanswered = stirring->asked - (int64_t)life->reply_count;
    for (int i = 0; i < BURST && stirring->asked < stirring->total && unanswered < UNANSWERED; i++)
        ask_one(stirring, stirring->asked++);
    guest_confirm(life);
    guest_listen(life, 2);
}

/* Until so many hundredths are answered. */
static void stir_until(struct stirring *stirring, int64_t percent)
{
    const struct life *life = stirring->life;
    const int64_t end_us = clock_monotonic_us() + PATIENCE_S * 1000000LL;
    const size_t wanted = (size_t)(stirring->total * percent / 100);
    while (life->reply_count < wanted && clock_monotonic_us() < end_us)
        ask_some(stirring);
}

static void stir_until_logged(struct stirring *stirring, const char *text)
{
    const int64_t end_us = clock_monotonic_us() + PATIENCE_S * 1000000LL;
    while (!host_logged(stirring->life, text) && clock_monotonic_us() < end_us)
        ask_some(stirring);
    if (!host_logged(stirring->life, text))
        life_fail(stirring->life, "the log never said '%s'", text);
}

/* --- what happens to the lanes ---------------------------------------------------------------------- */

/* A new supervisor is ready before the old one is told to go. */
static void scale_to(struct stirring *stirring, int64_t lanes)
{
    struct life *life = stirring->life;
    const pid_t old = life->supervisor;
    life->pool.lanes = lanes;
    host_start(life);
    const pid_t new = life->supervisor;
    stir_until_logged(stirring, "lanes are ready");
    kill(old, SIGTERM);
    stir_until_logged(stirring, "\"msg\":\"stopped\"");
    life->supervisor = old;
    LIFE_CHECK(life, host_await_end(life) == 0);
    life->supervisor = new;
}

/* Two lanes make way for three, one after the other. */
static void reload_with_one_more(struct stirring *stirring)
{
    kill(stirring->life->supervisor, SIGHUP);
    stir_until_logged(stirring, "reloaded: every lane was replaced");
}

static void kill_a_lane(struct stirring *stirring)
{
    const struct lanes lanes = host_lanes(stirring->life);
    uint8_t chance;
    random_bytes(&chance, sizeof(chance));
    if (lanes.count > 0)
        kill(lanes.pids[chance % lanes.count], SIGKILL);
}

static void kill_at(struct stirring *stirring, int64_t from, int64_t to, int64_t step)
{
    for (int64_t percent = from; percent <= to; percent += step) {
        stir_until(stirring, percent);
        kill_a_lane(stirring);
    }
}

/* --- what must hold --------------------------------------------------------------------------------- */

/* An answer may die with the lane that sends it; whoever asks again with the same id gets it from the
 * journal. But what had been lost itself would now be done out of order. */
static void ask_again(struct stirring *stirring)
{
    struct life *life = stirring->life;
    for (int i = 0; i < 20 && (int64_t)life->reply_count < stirring->total; i++)
        guest_listen(life, 100);
    for (int64_t number = 0; number < stirring->total; number++)
        if (guest_status(life, number) == 0)
            ask_one(stirring, number);
    guest_confirm(life);
    guest_await(life, (size_t)stirring->total);
}

static int64_t count_misplaced(const struct stirring *stirring)
{
    int64_t misplaced = 0;
    for (int64_t number = 0; number < stirring->total; number++)
        misplaced += guest_status(stirring->life, number) != 200 ||
                     stirring->life->requests[number].version != number / POTS + 1;
    return misplaced;
}

static struct stirring begin(struct life *life, int64_t partitions, int64_t lanes)
{
    static struct partition_settings settings = {.domain = {"kitchen", 7}};
    settings.count = partitions;
    life->engine.partitions.items = &settings;
    life->engine.partitions.count = partitions > 0;
    life->pool.lanes = lanes;
    life->reload.lanes = 1; /* when it is told to */
    life->pool.batch_max = 64;
    life->pool.prefetch = 64;
    life->pool.pipeline_min = 8;
    life->engine.lease_ms = LEASE_MS;
    host_prepare(life);
    host_start_ready(life);
    return (struct stirring){
        .life = life, .born = clock_now_ms(), .total = (int64_t)life->stirs * POTS};
}

static void end(struct stirring *stirring)
{
    struct life *life = stirring->life;
    LIFE_CHECK(life, host_stop(life) == 0);
    life->engine.partitions.count = 0;
    host_prepare(life);
}

static void kept(struct life *life)
{
    struct stirring stirring = begin(life, PARTITIONS, 1);
    stir_until(&stirring, 10);
    kill_a_lane(&stirring);
    stir_until(&stirring, 15);
    scale_to(&stirring, 4);
    kill_at(&stirring, 25, 50, 5);
    scale_to(&stirring, 2);
    kill_at(&stirring, 60, 80, 10);
    reload_with_one_more(&stirring);
    kill_at(&stirring, 95, 95, 1);
    stir_until(&stirring, 100);
    ask_again(&stirring);
    const int64_t misplaced = count_misplaced(&stirring);
    if (misplaced)
        life_fail(life, "%" PRId64 " of %" PRId64 " are out of place", misplaced, stirring.total);
    LIFE_CHECK(life, guest_depth(life, QUEUE_DEAD) == 0);
    LIFE_CHECK(life, host_logged(life, "stands aside") == 0);
    printf("    %" PRId64 " commands, %" PRId64 " answered again\n", stirring.total, life->repeats);
    end(&stirring);
}

/* That this test can see: four lanes at one queue mix up everything. */
static void lost_without_partitions(struct life *life)
{
    struct stirring stirring = begin(life, 0, 4);
    stir_until(&stirring, 100);
    ask_again(&stirring);
    const int64_t misplaced = count_misplaced(&stirring);
    LIFE_CHECK(life, misplaced > 0);
    printf("    %" PRId64 " of %" PRId64 " out of place\n", misplaced, stirring.total);
    end(&stirring);
}

const struct life_test order_tests[] = {
    {"order_kept_under_many_lanes", kept},
    {"order_lost_without_partitions", lost_without_partitions},
    {0},
};
