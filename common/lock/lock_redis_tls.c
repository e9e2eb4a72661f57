/* lock_redis_tls.c - TLS to Redis, with our own settings of trust and hiredis's handshake. */
#include "lock/lock_redis_tls.h"

#ifdef WITH_HIREDIS_SSL
#include <hiredis/hiredis_ssl.h>
#endif

static struct tls_peer peer_of(const struct redis_address *address)
{
    return (struct tls_peer){"Redis", address->host.ptr, address->port, &address->files};
}

#ifdef WITH_HIREDIS_SSL
bool redis_tls_is_there(void)
{
    return true;
}

static bool shake_hands(redisContext *context, struct ssl_st *ssl)
{
    return redisInitiateSSL(context, ssl) == REDIS_OK;
}
#else
bool redis_tls_is_there(void)
{
    return false;
}

static bool shake_hands(redisContext *context, struct ssl_st *ssl)
{
    (void)context, (void)ssl;
    panic("TLS to Redis is not there");
}
#endif

enum outcome redis_tls_check(const struct redis_address *address, struct err *err)
{
    const struct tls_peer peer = peer_of(address);
    struct ssl_st *ssl;
    struct err why = {0};
    if (!address->tls)
        return OUTCOME_DONE;
    if (tls_prepare(&peer, &ssl, &why) != OUTCOME_DONE)
        return err_invalid(err, E_MALFORMED, "%s", why.text);
    tls_discard(ssl);
    return OUTCOME_DONE;
}

enum outcome redis_tls_start(struct redis *redis, struct err *err)
{
    const struct tls_peer peer = peer_of(&redis->address);
    struct ssl_st *ssl;
    struct err why = {0};
    if (tls_prepare(&peer, &ssl, &why) != OUTCOME_DONE)
        return redis_give_up(redis, why.text, err);
    if (shake_hands(redis->context, ssl)) /* hiredis owns ssl now */
        return OUTCOME_DONE;
    (void)tls_explain(ssl, &peer, &why);
    tls_discard(ssl);
    return redis_give_up(redis, why.text, err);
}
