/* lock_redis_tls.h - TLS to Redis, where the client library has it. Private to this room.
 *
 * hiredis has TLS from 1.0 on, in a library of its own that Debian 12 does not have yet (there
 * rediss:// is refused). tls/tls.h alone decides who is trusted. */
#ifndef CARTWRIGHT_LOCK_LOCK_REDIS_TLS_H
#define CARTWRIGHT_LOCK_LOCK_REDIS_TLS_H

#include "lock/lock_redis.h"

/* True when this program was built with such a library. */
bool redis_tls_is_there(void);
/* Checks that the files of an address can be used; OUTCOME_INVALID, with the reason, if not. */
MUST_CHECK enum outcome redis_tls_check(const struct redis_address *address, struct err *err);
/* Makes the handshake on a new connection, within its timeout; on failure, redis_give_up(). */
MUST_CHECK enum outcome redis_tls_start(struct redis *redis, struct err *err);

#endif
