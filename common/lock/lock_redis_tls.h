/* lock_redis_tls.h - TLS to Redis, where the client library has it; private to this room.
 *
 * hiredis has it from 1.0 on, in a library of its own that Debian 12 does not have yet (there
 * rediss:// is refused). Who is trusted is said by tls/tls.h alone. */
#ifndef CARTWRIGHT_LOCK_LOCK_REDIS_TLS_H
#define CARTWRIGHT_LOCK_LOCK_REDIS_TLS_H

#include "lock/lock_redis.h"

/* Whether this was built with such a library. */
bool redis_tls_is_there(void);
/* That the files that an address names can be used; INVALID, with the reason. */
MUST_CHECK enum outcome redis_tls_check(const struct redis_address *address, struct err *err);
/* Shakes hands on a connection that was just made, within its timeout. Gives up otherwise. */
MUST_CHECK enum outcome redis_tls_start(struct redis *redis, struct err *err);

#endif
