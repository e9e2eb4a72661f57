/* slow.c - a database that answers late is no reason to cut a lane: it is alive as long as the thread
 * that carries out its commit moves. And when that thread dies, no message is blamed for it. */
#include <stdlib.h>

#include "base/clock.h"
#include "life/life.h"
#include "support/proxy.h"

/* A feast is eight inserts, one for the journal, and the commit. Each answers after LATE_MS; the watch
 * allows for four calls of each timeout and a handler, together 5.2 s. */
#define LATE_MS 600

#define LATE(commands)                                                                             \
    "\"mode\":\"alwaysOn\",\"data\":{\"failCommands\":[" commands                                  \
    "],\"blockConnection\":true,\"blockTimeMS\":600,\"appName\":\"cartwright\"}"
#define OFF "\"mode\":\"off\""

static void be_impatient(struct life *life)
{
    life->pool.handler_ms = 200;
    life->engine.amqp_timeout_ms = 200;
    life->engine.mongodb_timeout_ms = 1000;
    life->engine.redis_timeout_ms = 50;
}

static void check_nobody_was_cut(struct life *life)
{
    LIFE_CHECK(life, host_logged(life, "lane hangs") == 0);
    LIFE_CHECK(life, host_logged(life, "lane died") == 0);
}

static void commit_of_many(struct life *life)
{
    be_impatient(life);
    life->pool.batch_max = life->pool.pipeline_min = 1;
    host_start_ready(life);
    LIFE_CHECK(life, host_fail_mongod(life, LATE("\"insert\",\"commitTransaction\"")));
    guest_ask_for_a_feast(life, 0, "late");
    guest_ask(life, 1, "soup"); /* decided at once, and then the lane waits for the feast */
    guest_await(life, 2);
    LIFE_CHECK(life, host_fail_mongod(life, OFF));
    LIFE_CHECK(life, guest_status(life, 0) == 200 && guest_status(life, 1) == 200);
    check_nobody_was_cut(life);
    LIFE_CHECK(life, host_stop(life) == 0);
}

/* --- a way on which nothing moves ----------------------------------------------------------------- */

static struct proxy *stand_between(struct life *life)
{
    const char *host = strstr(life->engine.mongodb_uri.ptr, "://");
    const char *port = strchr(host + 3, ':') + 1;
    char *rest = NULL;
    const uint16_t target = (uint16_t)strtol(port, &rest, 10);
    const uint16_t targets[LINKS] = {target, target, target};
    struct proxy *proxy = proxy_start(targets);
    life->engine.mongodb_uri =
        str_printf(&life->arena, "mongodb://127.0.0.1:%d%.*s?directConnection=true",
                   proxy_port(proxy, LINK_MONGOD), (int)strcspn(rest, "?"), rest);
    return proxy;
}

static void stalled(struct life *life)
{
    const struct str uri = life->engine.mongodb_uri;
    be_impatient(life);
    struct proxy *proxy = stand_between(life);
    host_start_ready(life);
    guest_ask(life, 0, "soup");
    guest_await(life, 1);
    proxy_set(proxy, LINK_MONGOD, LINK_STALLS);
    for (int64_t number = 1; number < 10; number++)
        guest_ask(life, number, "soup");
    for (int i = 0; i < 16; i++)
        guest_listen(life, 500);
    check_nobody_was_cut(life);
    proxy_set(proxy, LINK_MONGOD, LINK_PASSES);
    guest_await(life, 10);
    check_nobody_was_cut(life);
    LIFE_CHECK(life, host_stop(life) == 0);
    proxy_stop(proxy);
    life->engine.mongodb_uri = uri;
}

/* --- the thread of commits dies ------------------------------------------------------------------- */

/* While "slow" is being cooked the commit of the feast before it comes to its poison. */
static void writer_dies(struct life *life)
{
    life->pool.batch_max = life->pool.pipeline_min = 1;
    life->pool.lanes = 1;
    host_start_ready(life);
    LIFE_CHECK(life, host_fail_mongod(life, LATE("\"insert\"")));
    guest_ask_for_a_feast(life, 0, "poison");
    guest_ask(life, 1, "slow");
    LIFE_AWAIT(life, host_logged(life, "\"msg\":\"lane died\"") >= 3);
    LIFE_CHECK(life, host_line(life, "lane died", "\"thread\":\"commits\"").len > 0);
    LIFE_CHECK(life, host_line(life, "lane died", "mongo_carry_out").len > 0);
    LIFE_CHECK(life, host_logged(life, "deathsOfMessage") == 0);
    LIFE_CHECK(life, guest_depth(life, QUEUE_DEAD) == 0);
    LIFE_CHECK(life, host_fail_mongod(life, OFF));
    host_kill(life);
}

const struct life_test slow_tests[] = {
    {"slow_commit_of_many_commands", commit_of_many},
    {"slow_way_that_is_stalled", stalled},
    {"slow_writer_dies_and_nobody_is_blamed", writer_dies},
    {0},
};
