/* bus_amqp_uri.c - parses amqp://user:password@host:port,host:port/vhost.
 *
 * The library reads only URIs with one host. So each host is given to it in a URI of its own; the
 * first of these has user, password and vhost as well. */
#include <stdio.h>
#include <stdlib.h>

#include "base/id.h"
#include "bus/bus_amqp_frames.h"

#define PLAIN  "amqp://"
#define SECURE "amqps://"

struct parts {
    const char *scheme;
    struct str login; /* "user:password@", or empty */
    struct str hosts; /* with commas between them */
    struct str vhost; /* "/vhost", or empty */
    struct str query; /* after the '?', or empty */
};

/* NULL when the text is not a URI of ours. */
static const char *scheme_of(struct str text)
{
    if (str_is_absent(text) || !str_is_c(text))
        return NULL;
    if (str_starts_with(text, STR(PLAIN)))
        return PLAIN;
    return str_starts_with(text, STR(SECURE)) ? SECURE : NULL;
}

/* No part of a URI is quoted in errors: it may hold a password. */
static enum outcome unreadable(struct err *err)
{
    return err_bug(err,
                   "the broker's URI cannot be read: expected "
                   "amqp://user:password@host:5672,host:5672/vhost with at most %d hosts, and "
                   "special characters of user, password and vhost as %%XX",
                   BUS_PLACES_MAX);
}

static struct str between(const char *from, const char *to)
{
    return (struct str){from, (size_t)(to - from)};
}

static void take_apart(struct str text, struct parts *parts)
{
    const char *begin = text.ptr + strlen(parts->scheme);
    const char *end = text.ptr + text.len;
    const char *query = memchr(begin, '?', (size_t)(end - begin));
    if (query) {
        parts->query = between(query + 1, end);
        end = query;
    }
    const char *slash = memchr(begin, '/', (size_t)(end - begin));
    if (!slash)
        slash = end;
    const char *at = memrchr(begin, '@', (size_t)(slash - begin));
    const char *hosts = at ? at + 1 : begin;
    parts->login = between(begin, hosts);
    parts->hosts = between(hosts, slash);
    parts->vhost = between(slash, end);
}

/* --- hosts ----------------------------------------------------------------------------------- */

/* Writes the URI of one host after *used bytes of uri->text; *info points into it. */
static bool parse_one(struct bus_uri *uri, size_t *used, const struct parts *parts,
                      struct amqp_connection_info *info)
{
    char *text = uri->text + *used;
    const int length =
        snprintf(text, uri->text_size - *used, "%s%.*s%.*s%.*s", parts->scheme,
                 STR_FMT(parts->login), STR_FMT(parts->hosts), STR_FMT(parts->vhost));
    *used += (size_t)length + 1;
    amqp_default_connection_info(info);
    /* The library accepts 0 as a port and "[]" as a host. */
    return amqp_parse_url(text, info) == AMQP_STATUS_OK && info->port != 0 && info->host[0];
}

static void add_place(struct bus_uri *uri, const struct amqp_connection_info *info)
{
    uri->places[uri->place_count++] = (struct bus_place){info->host, info->port};
}

static bool parse_places(struct bus_uri *uri, size_t *used, struct parts parts)
{
    struct amqp_connection_info info;
    const char *from = parts.hosts.ptr;
    const char *end = from + parts.hosts.len;
    while (from <= end) {
        const char *comma = memchr(from, ',', (size_t)(end - from));
        parts.hosts = between(from, comma ? comma : end);
        if (uri->place_count == BUS_PLACES_MAX || parts.hosts.len == 0 ||
            !parse_one(uri, used, &parts, &info))
            return false;
        if (uri->place_count == 0) {
            uri->user = info.user;
            uri->password = info.password;
            /* "amqp://host/" means the default vhost: nobody means one with an empty name. */
            uri->vhost = info.vhost[0] ? info.vhost : "/";
        }
        add_place(uri, &info);
        parts.login = parts.vhost = STR("");
        from = (comma ? comma : end) + 1;
    }
    return true;
}

/* --- parameters ------------------------------------------------------------------------------- */

static enum outcome parse_query(struct bus_uri *uri, size_t used, struct str query, struct err *err)
{
    const char *fault = tls_files_parse(query, uri->text + used, &uri->files);
    if (fault)
        return err_bug(err, "the broker's URI %s", fault);
    if (query.len && !uri->tls)
        return err_bug(err,
                       "the broker's URI names files for TLS: then it must begin with amqps://");
    return OUTCOME_DONE;
}

/* --- the whole ------------------------------------------------------------------------------- */

static enum outcome parse_parts(struct bus_uri *uri, const struct parts *parts, struct err *err)
{
    size_t used = 0;
    if (!parse_places(uri, &used, *parts))
        return unreadable(err);
    return parse_query(uri, used, parts->query, err);
}

enum outcome bus_uri_parse(struct str text, struct bus_uri *out, struct err *err)
{
    struct parts parts = {.scheme = scheme_of(text), .query = STR("")};
    if (!parts.scheme)
        return err_bug(err,
                       "the broker's URI must look like amqp://user:password@host:5672/vhost, or "
                       "amqps:// for TLS");
    take_apart(text, &parts);
    /* Room for each host with the scheme before it, and for each file with a NUL after it. */
    struct bus_uri uri = {
        .tls = strcmp(parts.scheme, SECURE) == 0,
        .text_size = text.len + BUS_PLACES_MAX * sizeof(SECURE) + 4,
    };
    uri.text = calloc(1, uri.text_size);
    if (!uri.text)
        panic("out of memory for a URI");
    const enum outcome outcome = parse_parts(&uri, &parts, err);
    if (outcome != OUTCOME_DONE) {
        bus_uri_release(&uri);
        return outcome;
    }
    *out = uri;
    return OUTCOME_DONE;
}

void bus_uri_shuffle(struct bus_uri *uri)
{
    for (size_t i = 1; i < uri->place_count; i++) {
        uint64_t chance;
        random_bytes(&chance, sizeof(chance));
        const size_t other = (size_t)(chance % (i + 1));
        const struct bus_place place = uri->places[i];
        uri->places[i] = uri->places[other];
        uri->places[other] = place;
    }
}

void bus_uri_release(struct bus_uri *uri)
{
    if (uri->text)
        explicit_bzero(uri->text, uri->text_size);
    free(uri->text);
    *uri = (struct bus_uri){0};
}
