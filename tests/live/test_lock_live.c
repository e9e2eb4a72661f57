/* lock.h on a real Redis: CARTWRIGHT_REDIS_URI for what does not disturb others (keys have a prefix
 * of their own), a private redis-server where the server itself is killed or flushed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/lock_cases.h"
#include "base/id.h"
#include "lock/lock_redis.h"

#define TIMEOUT_MS 1000

static void wait_really(struct lock_world *world, int64_t ms)
{
    (void)world;
    usleep((useconds_t)ms * 1000);
}

static struct lock *opened(struct str uri, struct str prefix)
{
    const struct lock_options options = {.uri = uri, .prefix = prefix, .timeout_ms = TIMEOUT_MS};
    struct lock *lock = NULL;
    struct err err;
    ASSERT_DONE(lock_open(&options, &lock, &err));
    return lock;
}

/* --- the shared cases, on the server of the environment ------------------------------------------ */

struct live_world {
    struct lock_world world; /* first */
    struct redis redis;      /* a connection of the test's own */
    struct str prefix;
};

static void wipe_prefix(struct lock_world *world)
{
    struct live_world *live = (struct live_world *)world;
    struct redis_command command;
    redis_command_init(&command, &world->arena, 4);
    redis_add(&command, STR("EVAL"));
    redis_add(&command, STR("for _, key in ipairs(redis.call('KEYS', ARGV[1])) do "
                            "redis.call('DEL', key) end return 1"));
    redis_add(&command, STR("0"));
    redis_add(&command, str_printf(&world->arena, "%s:*", live->prefix.ptr));
    redisReply *reply = NULL;
    ASSERT_DONE(redis_call(&live->redis, &command, REDIS_REPLY_INTEGER, &reply, &world->err));
    freeReplyObject(reply);
}

static void on_server(void (*run)(struct lock_world *world))
{
    const struct str uri = str_of(getenv("CARTWRIGHT_REDIS_URI"));
    if (!uri.ptr)
        skip();
    struct live_world live = {.world = {.wait = wait_really, .wipe = wipe_prefix},
                              .redis = {.timeout_ms = TIMEOUT_MS}};
    struct lock_world *world = &live.world;
    arena_init(&world->arena, 4096);
    ASSERT_DONE(redis_address_parse(&world->arena, uri, &live.redis.address, &world->err));
    live.prefix = str_printf(&world->arena, "test-%s", id_new(&world->arena, 0).ptr);
    world->lock = opened(uri, live.prefix);
    run(world);
    wipe_prefix(world);
    redis_disconnect(&live.redis);
    lock_close(world->lock);
    arena_release(&world->arena);
}

void test_lock_live__excludes_others(void **state)
{
    (void)state;
    on_server(case_excludes_others);
}

void test_lock_live__grants_what_it_can(void **state)
{
    (void)state;
    on_server(case_grants_what_it_can);
}

void test_lock_live__lease_ends_by_itself(void **state)
{
    (void)state;
    on_server(case_lease_ends_by_itself);
}

void test_lock_live__release_leaves_others_alone(void **state)
{
    (void)state;
    on_server(case_release_leaves_others_alone);
}

void test_lock_live__alternates(void **state)
{
    (void)state;
    on_server(case_alternates);
}

void test_lock_live__forgets_a_lost_waiter(void **state)
{
    (void)state;
    on_server(case_forgets_a_lost_waiter);
}

void test_lock_live__takes_very_many(void **state)
{
    (void)state;
    on_server(case_takes_very_many);
}

void test_lock_live__stamps_stand_until_taken_away(void **state)
{
    (void)state;
    on_server(case_stamps_stand_until_taken_away);
}

void test_lock_live__stamps_come_with_leases(void **state)
{
    (void)state;
    on_server(case_stamps_come_with_leases);
}

void test_lock_live__lists_leases(void **state)
{
    (void)state;
    on_server(case_lists_leases);
}

void test_lock_live__empty_calls_are_done(void **state)
{
    (void)state;
    on_server(case_empty_calls_are_done);
}

void test_lock_live__cache_keeps_values(void **state)
{
    (void)state;
    on_server(case_cache_keeps_values);
}

void test_lock_live__cache_invalidates_a_tag(void **state)
{
    (void)state;
    on_server(case_cache_invalidates_a_tag);
}

void test_lock_live__cache_refuses_a_late_put(void **state)
{
    (void)state;
    on_server(case_cache_refuses_a_late_put);
}

void test_lock_live__cache_survives_a_wipe(void **state)
{
    (void)state;
    on_server(case_cache_survives_a_wipe);
}

void test_lock_live__cache_entries_end(void **state)
{
    (void)state;
    on_server(case_cache_entries_end);
}

void test_lock_live__rate_allows_a_burst(void **state)
{
    (void)state;
    on_server(case_rate_allows_a_burst);
}

void test_lock_live__rate_lets_one_through_per_period(void **state)
{
    (void)state;
    on_server(case_rate_lets_one_through_per_period);
}

void test_lock_live__rate_gives_back(void **state)
{
    (void)state;
    on_server(case_rate_gives_back);
}

void test_lock_live__rate_peek_counts_nothing(void **state)
{
    (void)state;
    on_server(case_rate_peek_counts_nothing);
}

void test_lock_live__rate_counts_repeats_in_one_call(void **state)
{
    (void)state;
    on_server(case_rate_counts_repeats_in_one_call);
}

/* Puts something else into a bucket. */
static void tell_redis(struct live_world *live, struct str verb, struct str key, struct str value)
{
    struct lock_world *world = &live->world;
    struct redis_command command;
    redis_command_init(&command, &world->arena, 6);
    redis_add(&command, STR("EVAL"));
    redis_add(&command, STR("redis.call('DEL', KEYS[1]) redis.call(ARGV[1], KEYS[1], ARGV[2]) "
                            "return 1"));
    redis_add(&command, STR("1"));
    redis_add(&command, str_printf(&world->arena, "%s:rate:%.*s", live->prefix.ptr, STR_FMT(key)));
    redis_add(&command, verb);
    redis_add(&command, value);
    redisReply *reply = NULL;
    ASSERT_DONE(redis_call(&live->redis, &command, REDIS_REPLY_INTEGER, &reply, &world->err));
    freeReplyObject(reply);
}

/* Whatever stands in a bucket, the limit holds, and ends. */
static void case_rate_survives_junk(struct lock_world *world)
{
    static const struct {
        const char *verb;
        const char *value;
    } junk[] = {{"SET", "junk"}, {"SET", ""},       {"SET", "nan"},   {"SET", "1e300"},
                {"SET", "inf"},  {"SET", "-1e300"}, {"RPUSH", "list"}};
    for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
        tell_redis((struct live_world *)world, str_of(junk[i].verb), STR("k"),
                   str_of(junk[i].value));
        int allowed = 0;
        struct rate_limit limit = {0};
        for (int k = 0; k < 5; k++) {
            limit = asked(world, STR("k"), 2, 60000, RATE_TAKE);
            allowed += limit.allowed;
        }
        if (allowed > 2 || limit.wait_ms < 1 || limit.wait_ms > 60000)
            fail_msg("%s %s: %d allowed, then wait %" PRId64 " ms", junk[i].verb, junk[i].value,
                     allowed, limit.wait_ms);
    }
}

void test_lock_live__rate_survives_junk(void **state)
{
    (void)state;
    on_server(case_rate_survives_junk);
}

/* --- a server of our own ------------------------------------------------------------------------ */

#define PASSWORD        "s3cret @:/"
#define PASSWORD_IN_URI "s3cret%20%40%3A%2F"

struct private_server {
    struct lock_world world; /* first */
    struct redis redis;      /* a connection of the test's own */
    char folder[32];
    char port[8];
    pid_t pid;
};

static void choose_port(struct private_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    snprintf(server->port, sizeof(server->port), "%d", ntohs(address.sin_port));
}

static void start(struct private_server *server)
{
    server->pid = fork();
    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed assertion jumps over stop() */
        execlp("redis-server", "redis-server", "--bind", "127.0.0.1", "--port", server->port,
               "--dir", server->folder, "--save", "", "--requirepass", PASSWORD, "--logfile",
               "/dev/null", "--databases", "4", NULL);
        _exit(127);
    }
    struct err *err = &server->world.err;
    for (int i = 0; i < 200 && lock_ping(server->world.lock, err) != OUTCOME_DONE; i++)
        usleep(20 * 1000);
    ASSERT_DONE(lock_ping(server->world.lock, err));
}

static void stop(struct private_server *server)
{
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
}

static void on_private_server(void (*run)(struct private_server *server))
{
    if (system("command -v redis-server >/dev/null") != 0)
        skip();
    struct private_server server = {.world = {.wait = wait_really},
                                    .redis = {.timeout_ms = TIMEOUT_MS},
                                    .folder = "/tmp/lock-live-XXXXXX"};
    struct lock_world *world = &server.world;
    assert_non_null(mkdtemp(server.folder));
    arena_init(&world->arena, 4096);
    choose_port(&server);
    const struct str uri = str_printf(&world->arena, "redis://default:%s@127.0.0.1:%s/3",
                                      PASSWORD_IN_URI, server.port);
    ASSERT_DONE(redis_address_parse(&world->arena, uri, &server.redis.address, &world->err));
    world->lock = opened(uri, STR("t"));
    start(&server);
    run(&server);
    stop(&server);
    redis_disconnect(&server.redis);
    lock_close(world->lock);
    arena_release(&world->arena);
    assert_int_equal(rmdir(server.folder), 0);
}

/* Sends words that are separated by blanks; the reply must be of `type`. */
static void says(struct private_server *server, const char *words, int type)
{
    char copy[128], *rest = copy;
    struct redis_command command;
    redis_command_init(&command, &server->world.arena, 8);
    snprintf(copy, sizeof(copy), "%s", words);
    for (char *word; (word = strsep(&rest, " "));)
        redis_add(&command, str_of(word));
    redisReply *reply = NULL;
    ASSERT_DONE(redis_call(&server->redis, &command, type, &reply, &server->world.err));
    freeReplyObject(reply);
}

static enum outcome tries(struct lock_world *world, struct str key, bool *granted)
{
    return lock_take(world->lock, &key, 1, anna, LEASE_MS, granted, &world->err);
}

static void survives_a_kill(struct private_server *server)
{
    struct lock_world *world = &server->world;
    bool granted = false;
    assert_true(takes(world, anna, STR("k"), LEASE_MS));
    stop(server);
    assert_int_equal(tries(world, STR("k"), &granted), OUTCOME_RETRY);
    assert_int_equal(tries(world, STR("k"), &granted), OUTCOME_RETRY);
    assert_non_null(strstr(world->err.text, "not tried again yet"));
    assert_int_equal(lock_ping(world->lock, &world->err), OUTCOME_RETRY);
    start(server); /* empty, and logged in again */
    assert_true(takes(world, bert, STR("k"), LEASE_MS));
}

void test_lock_live__survives_a_kill(void **state)
{
    (void)state;
    on_private_server(survives_a_kill);
}

/* Without a ping the other calls find the server again by themselves. */
static void reconnects_by_itself(struct private_server *server)
{
    struct lock_world *world = &server->world;
    bool granted = false;
    assert_true(takes(world, anna, STR("k"), LEASE_MS));
    says(server, "CLIENT KILL TYPE normal", REDIS_REPLY_INTEGER); /* all but who asks */
    assert_int_equal(tries(world, STR("k"), &granted), OUTCOME_RETRY);
    usleep(1100 * 1000);
    assert_true(takes(world, anna, STR("k"), LEASE_MS)); /* it is still hers */
    assert_false(takes(world, bert, STR("k"), LEASE_MS));
}

void test_lock_live__reconnects_by_itself(void **state)
{
    (void)state;
    on_private_server(reconnects_by_itself);
}

/* A late answer must never be taken for the answer to the next question (hiredis issue 306). */
static void forgets_late_answers(struct private_server *server)
{
    struct lock_world *world = &server->world;
    bool granted = false;
    assert_true(takes(world, bert, STR("his"), 10 * LEASE_MS));
    kill(server->pid, SIGSTOP);
    assert_int_equal(tries(world, STR("free"), &granted), OUTCOME_RETRY);
    kill(server->pid, SIGCONT);
    ASSERT_DONE(lock_ping(world->lock, &world->err));
    assert_false(takes(world, anna, STR("his"), LEASE_MS));
}

void test_lock_live__forgets_late_answers(void **state)
{
    (void)state;
    on_private_server(forgets_late_answers);
}

static void survives_flushes(struct private_server *server)
{
    struct lock_world *world = &server->world;
    assert_true(takes(world, anna, STR("k"), LEASE_MS));
    says(server, "FLUSHALL", REDIS_REPLY_STATUS);
    assert_true(takes(world, bert, STR("k"), LEASE_MS));
    says(server, "SCRIPT FLUSH", REDIS_REPLY_STATUS);
    assert_false(takes(world, anna, STR("k"), LEASE_MS));
    releases(world, bert, STR("k"));
    assert_true(takes(world, anna, STR("k"), LEASE_MS));
}

void test_lock_live__survives_flushes(void **state)
{
    (void)state;
    on_private_server(survives_flushes);
}

/* The database of the URI is selected, so that environments can share a server. */
static void uses_its_database(struct private_server *server)
{
    assert_true(takes(&server->world, anna, STR("k"), LEASE_MS));
    says(server, "GET t:lock:k", REDIS_REPLY_STRING);
    says(server, "SELECT 0", REDIS_REPLY_STATUS);
    says(server, "GET t:lock:k", REDIS_REPLY_NIL);
}

void test_lock_live__uses_its_database(void **state)
{
    (void)state;
    on_private_server(uses_its_database);
}

/* After a failover the old primary answers, but takes no writes. */
static void an_error_reply_is_retry(struct private_server *server)
{
    struct lock_world *world = &server->world;
    bool granted = false;
    says(server, "REPLICAOF 127.0.0.1 1", REDIS_REPLY_STATUS);
    assert_int_equal(tries(world, STR("k"), &granted), OUTCOME_RETRY);
    assert_non_null(strstr(world->err.text, "READONLY"));
}

void test_lock_live__an_error_reply_is_retry(void **state)
{
    (void)state;
    on_private_server(an_error_reply_is_retry);
}
