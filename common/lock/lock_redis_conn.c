/* lock_redis_conn.c - one connection to Redis, which is made when needed and dropped when in doubt.
 *
 * After a failure nothing is tried for a while, so that an absent server costs nothing. Each new
 * connection logs in and selects its database again: hiredis does neither when it reconnects. */
#include "lock/lock_redis.h"
#include "lock/lock_redis_tls.h"

#include "base/clock.h"
#include "base/text.h"

#define PAUSE_US (1000 * 1000)
/* An attempt that ends in a timeout is slow. The pause is at least this many times as long as the
 * attempt, so that a silent server costs the lane a tenth of its time at most. */
#define PAUSE_FACTOR 9

void redis_command_init(struct redis_command *command, struct arena *arena, size_t capacity)
{
    *command = (struct redis_command){
        .argv = arena_array(arena, capacity, sizeof(char *)),
        .lens = arena_array(arena, capacity, sizeof(size_t)),
        .capacity = (int)capacity,
    };
}

void redis_add(struct redis_command *command, struct str argument)
{
    if (command->argc == command->capacity)
        panic("a Redis command has more than %d arguments", command->capacity);
    command->argv[command->argc] = argument.ptr;
    command->lens[command->argc] = argument.len;
    command->argc++;
}

void redis_add_int(struct redis_command *command, struct arena *arena, int64_t value)
{
    struct text text;
    text_init(&text, arena, 24);
    text_append_int(&text, value);
    redis_add(command, text_str(&text));
}

void redis_disconnect(struct redis *redis)
{
    if (redis->context)
        redisFree(redis->context);
    redis->context = NULL;
}

void redis_hurry(struct redis *redis)
{
    redis->next_attempt_us = 0;
}

enum outcome redis_give_up(struct redis *redis, const char *what, struct err *err)
{
    err_retry(err, "redis: %s", what);
    redis_disconnect(redis);
    const int64_t now = clock_monotonic_us();
    if (redis->next_attempt_us < now + PAUSE_US)
        redis->next_attempt_us = now + PAUSE_US;
    return OUTCOME_RETRY;
}

/* Gives up after a failed call; when there was no reply at all, the context knows why. */
static enum outcome give_up_call(struct redis *redis, const redisReply *reply, struct err *err)
{
    if (!reply)
        return redis_give_up(redis, redis->context->errstr, err);
    if (reply->type == REDIS_REPLY_ERROR)
        return redis_give_up(redis, reply->str, err);
    return redis_give_up(redis, "an answer of an unexpected type", err);
}

/* --- calls ------------------------------------------------------------------------------------ */

static redisReply *next_reply(struct redis *redis)
{
    void *reply = NULL;
    return redisGetReply(redis->context, &reply) == REDIS_OK ? reply : NULL;
}

static void append(struct redis *redis, const struct redis_command *command)
{
    /* This fails only without memory; the missing reply then ends in a timeout. */
    (void)redisAppendCommandArgv(redis->context, command->argc, command->argv, command->lens);
}

static void free_replies(redisReply **replies, size_t count)
{
    for (size_t i = 0; i < count; i++)
        freeReplyObject(replies[i]);
}

enum outcome redis_call_all(struct redis *redis, const struct redis_command *commands, size_t count,
                            int type, redisReply **replies, struct err *err)
{
    TRY(redis_connect(redis, err));
    for (size_t i = 0; i < count; i++)
        append(redis, &commands[i]);
    for (size_t i = 0; i < count; i++) {
        AUTO_REPLY reply = next_reply(redis);
        if (!reply || reply->type != type) {
            free_replies(replies, i);
            return give_up_call(redis, reply, err);
        }
        replies[i] = reply;
        reply = NULL;
    }
    return OUTCOME_DONE;
}

enum outcome redis_call(struct redis *redis, const struct redis_command *command, int type,
                        redisReply **out, struct err *err)
{
    return redis_call_all(redis, command, 1, type, out, err);
}

static bool is_noscript(const redisReply *reply)
{
    return reply && reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "NOSCRIPT", 8) == 0;
}

/* Uses EVALSHA with the digest learnt when connecting; the scripts may have been flushed since. */
enum outcome redis_call_script(struct redis *redis, enum lock_script script,
                               struct redis_command *command, int type, redisReply **out,
                               struct err *err)
{
    TRY(redis_connect(redis, err));
    command->argv[0] = "EVALSHA";
    command->lens[0] = strlen("EVALSHA");
    command->argv[1] = redis->sha[script];
    command->lens[1] = REDIS_SHA_TEXT;
    append(redis, command);
    AUTO_REPLY reply = next_reply(redis);
    if (is_noscript(reply)) {
        command->argv[0] = "EVAL";
        command->lens[0] = strlen("EVAL");
        command->argv[1] = lock_scripts[script];
        command->lens[1] = strlen(lock_scripts[script]);
        return redis_call(redis, command, type, out, err);
    }
    if (!reply || reply->type != type)
        return give_up_call(redis, reply, err);
    *out = reply;
    reply = NULL;
    return OUTCOME_DONE;
}

/* --- connecting ------------------------------------------------------------------------------- */

static enum outcome open_socket(struct redis *redis, struct err *err)
{
    const struct redis_address *address = &redis->address;
    const struct timeval timeout = {redis->timeout_ms / 1000, redis->timeout_ms % 1000 * 1000};
    redis->context = address->path.ptr
                         ? redisConnectUnixWithTimeout(address->path.ptr, timeout)
                         : redisConnectWithTimeout(address->host.ptr, address->port, timeout);
    if (!redis->context)
        return redis_give_up(redis, "no memory for a connection", err);
    /* The timeout for connecting does not apply to commands. */
    if (redis->context->err || redisSetTimeout(redis->context, timeout) != REDIS_OK ||
        (address->host.ptr && redisEnableKeepAlive(redis->context) != REDIS_OK))
        return redis_give_up(redis, redis->context->errstr, err);
    return address->tls ? redis_tls_start(redis, err) : OUTCOME_DONE;
}

static enum outcome call_words(struct redis *redis, const struct str *words, size_t count, int type,
                               redisReply **out, struct err *err)
{
    const char *argv[3];
    size_t lens[3];
    struct redis_command command = {.argv = argv, .lens = lens, .capacity = 3};
    for (size_t i = 0; i < count; i++)
        redis_add(&command, words[i]);
    return redis_call(redis, &command, type, out, err);
}

static enum outcome log_in(struct redis *redis, struct err *err)
{
    const struct redis_address *address = &redis->address;
    if (!address->password.ptr)
        return OUTCOME_DONE;
    AUTO_REPLY reply = NULL;
    if (!address->user.ptr) {
        const struct str words[] = {STR("AUTH"), address->password};
        return call_words(redis, words, 2, REDIS_REPLY_STATUS, &reply, err);
    }
    const struct str words[] = {STR("AUTH"), address->user, address->password};
    return call_words(redis, words, 3, REDIS_REPLY_STATUS, &reply, err);
}

static enum outcome select_db(struct redis *redis, struct err *err)
{
    if (!redis->address.db.ptr)
        return OUTCOME_DONE;
    AUTO_REPLY reply = NULL;
    const struct str words[] = {STR("SELECT"), redis->address.db};
    return call_words(redis, words, 2, REDIS_REPLY_STATUS, &reply, err);
}

static enum outcome load_script(struct redis *redis, enum lock_script script, struct err *err)
{
    AUTO_REPLY reply = NULL;
    const struct str words[] = {STR("SCRIPT"), STR("LOAD"), str_of(lock_scripts[script])};
    TRY(call_words(redis, words, 3, REDIS_REPLY_STRING, &reply, err));
    if (reply->len != REDIS_SHA_TEXT)
        return redis_give_up(redis, "SCRIPT LOAD did not return a digest", err);
    memcpy(redis->sha[script], reply->str, REDIS_SHA_TEXT + 1);
    return OUTCOME_DONE;
}

static enum outcome set_up(struct redis *redis, struct err *err)
{
    TRY(open_socket(redis, err));
    TRY(log_in(redis, err));
    TRY(select_db(redis, err));
    for (int script = 0; script < SCRIPT_COUNT; script++)
        TRY(load_script(redis, (enum lock_script)script, err));
    return OUTCOME_DONE;
}

enum outcome redis_connect(struct redis *redis, struct err *err)
{
    if (redis->context)
        return OUTCOME_DONE;
    const int64_t begin = clock_monotonic_us();
    if (begin < redis->next_attempt_us)
        return err_retry(err, "redis: away, not tried again yet");
    const enum outcome outcome = set_up(redis, err);
    const int64_t end = clock_monotonic_us();
    if (outcome != OUTCOME_DONE && redis->next_attempt_us < end + PAUSE_FACTOR * (end - begin))
        redis->next_attempt_us = end + PAUSE_FACTOR * (end - begin);
    return outcome;
}
