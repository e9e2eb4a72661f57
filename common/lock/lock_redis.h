/* lock_redis.h - the connection under lock_redis.c; private to this room.
 *
 * One call function for all commands. Whatever goes wrong (no reply, a late reply, an error reply)
 * costs the connection: hiredis 0.14 may give the previous command's answer after a timeout, and a
 * server that answers "loading" or "read-only" is better asked again later, perhaps elsewhere. */
#ifndef CARTWRIGHT_LOCK_LOCK_REDIS_H
#define CARTWRIGHT_LOCK_LOCK_REDIS_H

#include <hiredis/hiredis.h>

#include "lock/lock_ops.h"
#include "lock/lock_scripts.h"
#include "tls/tls.h"

struct redis_address {
    struct str path; /* of a unix socket; absent: TCP */
    struct str host;
    int port;
    struct str user; /* absent: the default user */
    struct str password;
    struct str db; /* decimal; absent: 0 */
    bool tls;
    struct tls_files files; /* with TLS */
};

/* INVALID when the URI is not one of ours; the text never shows it. */
MUST_CHECK enum outcome redis_address_parse(struct arena *arena, struct str uri,
                                            struct redis_address *out, struct err *err);

#define REDIS_SHA_TEXT 40

struct redis {
    struct redis_address address;
    int timeout_ms;
    redisContext *context; /* NULL: not connected */
    int64_t next_attempt_us;
    char sha[SCRIPT_COUNT][REDIS_SHA_TEXT + 1];
};

/* The arguments of one command; the bytes are the caller's. Never a format string: data from
 * strangers would be read as one. */
struct redis_command {
    const char **argv;
    size_t *lens;
    int argc;
    int capacity;
};

void redis_command_init(struct redis_command *command, struct arena *arena, size_t capacity);
void redis_add(struct redis_command *command, struct str argument);
void redis_add_int(struct redis_command *command, struct arena *arena, int64_t value);

static inline void redis_reply_freep(redisReply **reply)
{
    if (*reply)
        freeReplyObject(*reply);
}
#define AUTO_REPLY __attribute__((cleanup(redis_reply_freep))) redisReply *

/* Connects unless connected. RETRY, at once, while the pause after a failure lasts. */
MUST_CHECK enum outcome redis_connect(struct redis *redis, struct err *err);
/* Forgets the pause, so that the next redis_connect() tries. */
void redis_hurry(struct redis *redis);
void redis_disconnect(struct redis *redis);
/* Sends `count` commands in one go and reads their replies, each of which must be of `type`
 * (REDIS_REPLY_...). On anything else none is returned. */
MUST_CHECK enum outcome redis_call_all(struct redis *redis, const struct redis_command *commands,
                                       size_t count, int type, redisReply **replies,
                                       struct err *err);
MUST_CHECK enum outcome redis_call(struct redis *redis, const struct redis_command *command,
                                   int type, redisReply **out, struct err *err);
/* Runs a script; argv[0] and argv[1] of `command` are filled in here. */
MUST_CHECK enum outcome redis_call_script(struct redis *redis, enum lock_script script,
                                          struct redis_command *command, int type, redisReply **out,
                                          struct err *err);
/* The reply was not what we can use: closes the connection, RETRY. */
enum outcome redis_give_up(struct redis *redis, const char *what, struct err *err);

#endif
