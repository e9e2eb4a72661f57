/* lock_redis.h - the connection that lock_redis.c uses. Private to this room.
 *
 * All commands go through the call functions below. Whatever goes wrong (no reply, a late reply, an
 * error reply) costs the connection: after a timeout hiredis 0.14 may return the answer to the
 * previous command, and a server that answers "loading" or "read-only" is better asked again later,
 * perhaps elsewhere. */
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
    struct str db; /* decimal; absent: database 0 */
    bool tls;
    struct tls_files files; /* with TLS */
};

/* OUTCOME_INVALID when the URI is not one of ours; err never shows it. *out uses the arena. */
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

/* The arguments of one command; the caller owns their bytes. hiredis's format strings are never
 * used, because data from strangers would be read as one. */
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

/* Connects unless connected. OUTCOME_RETRY at once while the pause after a failure lasts. */
MUST_CHECK enum outcome redis_connect(struct redis *redis, struct err *err);
/* Ends the pause, so that the next redis_connect() tries. */
void redis_hurry(struct redis *redis);
void redis_disconnect(struct redis *redis);
/* Sends `count` commands in one go and reads their replies, each of which must be of `type`
 * (REDIS_REPLY_...); the caller frees them. On anything else no reply is returned, and the call
 * gives up: OUTCOME_RETRY. */
MUST_CHECK enum outcome redis_call_all(struct redis *redis, const struct redis_command *commands,
                                       size_t count, int type, redisReply **replies,
                                       struct err *err);
MUST_CHECK enum outcome redis_call(struct redis *redis, const struct redis_command *command,
                                   int type, redisReply **out, struct err *err);
/* Runs a script; fills in argv[0] and argv[1] of `command`. */
MUST_CHECK enum outcome redis_call_script(struct redis *redis, enum lock_script script,
                                          struct redis_command *command, int type, redisReply **out,
                                          struct err *err);
/* Closes the connection after a failure and begins the pause. OUTCOME_RETRY; err says `what`. */
enum outcome redis_give_up(struct redis *redis, const char *what, struct err *err);

#endif
