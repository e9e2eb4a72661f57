/* lock_redis_uri.c - parses the server's URI: redis://[user:password@]host[:port][/db], rediss://
 * with TLS, or unix:///path. Errors never show the URI, because it may contain a password. */
#include "lock/lock_redis.h"
#include "lock/lock_redis_tls.h"

#define PLAIN  "redis://"
#define SECURE "rediss://"
#define LOCAL  "unix:///"

#define REDIS_PORT   6379
#define REDIS_DB_MAX 1000000

static struct str str_from(struct str text, size_t at)
{
    return (struct str){text.ptr + at, text.len - at};
}

/* Index of the last `c`, or -1. */
static ptrdiff_t last_of(struct str text, char c)
{
    const char *at = text.len ? memrchr(text.ptr, c, text.len) : NULL;
    return at ? at - text.ptr : -1;
}

/* Decodes "%40" to "@"; a password may contain any byte but NUL. */
static bool percent_decode(struct arena *arena, struct str text, struct str *out)
{
    return str_percent_decode(text, arena_bytes(arena, text.len + 1), out);
}

/* "user:password", ":password" or "password" */
static bool parse_login(struct arena *arena, struct str login, struct redis_address *out)
{
    const char *colon = memchr(login.ptr, ':', login.len);
    const size_t user_len = colon ? (size_t)(colon - login.ptr) : 0;
    if (user_len > 0 && !percent_decode(arena, (struct str){login.ptr, user_len}, &out->user))
        return false;
    return percent_decode(arena, str_from(login, colon ? user_len + 1 : 0), &out->password);
}

/* "host", "host:6379", "[::1]:6379" */
static bool parse_host(struct arena *arena, struct str place, struct redis_address *out)
{
    const ptrdiff_t bracket = last_of(place, ']');
    const ptrdiff_t colon = last_of(place, ':');
    struct str host = place;
    int64_t port = REDIS_PORT;
    if (colon > bracket) {
        host.len = (size_t)colon;
        if (!str_to_int64(str_from(place, (size_t)colon + 1), &port))
            return false;
    }
    const bool in_brackets = bracket > 0 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']';
    if (in_brackets)
        host = (struct str){host.ptr + 1, host.len - 2};
    else if (memchr(host.ptr, ':', host.len) || memchr(host.ptr, '[', host.len))
        return false;
    out->host = str_dup(arena, host);
    out->port = (int)port;
    return host.len > 0 && port > 0 && port <= 65535;
}

static bool parse_tcp(struct arena *arena, struct str rest, struct redis_address *out)
{
    const ptrdiff_t at = last_of(rest, '@');
    if (at >= 0 && !parse_login(arena, (struct str){rest.ptr, (size_t)at}, out))
        return false;
    rest = str_from(rest, (size_t)(at + 1));
    const ptrdiff_t slash = last_of(rest, '/');
    if (slash >= 0) {
        int64_t db = 0;
        out->db = str_dup(arena, str_from(rest, (size_t)slash + 1));
        if (out->db.len == 0)
            out->db = STR_ABSENT;
        else if (!str_to_int64(out->db, &db) || db < 0 || db > REDIS_DB_MAX)
            return false;
        rest.len = (size_t)slash;
    }
    return parse_host(arena, rest, out);
}

static enum outcome malformed(struct err *err)
{
    return err_invalid(
        err, E_MALFORMED,
        "the Redis URI is not redis://[user:password@]host[:port][/db], rediss:// for "
        "TLS, or unix:///path");
}

static enum outcome parse_tls(struct arena *arena, struct str rest, struct redis_address *out,
                              struct err *err)
{
    const char *mark = memchr(rest.ptr, '?', rest.len);
    struct str query = STR("");
    if (!redis_tls_is_there())
        return err_invalid(
            err, E_MALFORMED,
            "rediss:// cannot be spoken: the Redis client library has no TLS here. Use "
            "redis:// to a stunnel on this machine, or unix:///path to a Redis on it");
    if (mark) {
        query = str_from(rest, (size_t)(mark - rest.ptr) + 1);
        rest.len = (size_t)(mark - rest.ptr);
    }
    out->tls = true;
    const char *fault = tls_files_parse(query, arena_bytes(arena, query.len + 1), &out->files);
    if (fault)
        return err_invalid(err, E_MALFORMED, "the Redis URI %s", fault);
    return parse_tcp(arena, rest, out) ? OUTCOME_DONE : malformed(err);
}

static enum outcome parse(struct arena *arena, struct str uri, struct redis_address *out,
                          struct err *err)
{
    if (!str_is_c(uri))
        return malformed(err);
    if (str_starts_with(uri, STR(SECURE)))
        return parse_tls(arena, str_from(uri, strlen(SECURE)), out, err);
    if (str_starts_with(uri, STR(LOCAL)))
        out->path = str_dup(arena, str_from(uri, strlen(LOCAL) - 1));
    else if (!str_starts_with(uri, STR(PLAIN)) ||
             !parse_tcp(arena, str_from(uri, strlen(PLAIN)), out))
        return malformed(err);
    return OUTCOME_DONE;
}

enum outcome redis_address_parse(struct arena *arena, struct str uri, struct redis_address *out,
                                 struct err *err)
{
    struct redis_address address = {0};
    TRY(parse(arena, uri, &address, err));
    *out = address;
    return OUTCOME_DONE;
}
