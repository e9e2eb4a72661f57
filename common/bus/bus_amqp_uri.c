/* bus_amqp_uri.c - amqp://user:password@host:port,host:port/vhost, taken apart.
 *
 * The library reads a URI with one host. So each host is given to it in a URI of its own; the first
 * one has user, password and vhost as well. */
#include <stdio.h>
#include <stdlib.h>

#include "base/id.h"
#include "bus/bus_amqp_frames.h"

#define SCHEME "amqp://"

struct parts {
    struct str login; /* "user:password@", or empty */
    struct str hosts; /* with commas between them */
    struct str vhost; /* "/vhost", or empty */
};

/* Only the scheme is quoted in errors: the rest may hold a password. */
static enum outcome check_scheme(struct str text, struct err *err)
{
    if (!str_is_absent(text) && str_starts_with(text, STR("amqps://")))
        return bug(err, "amqps:// is not supported yet: use amqp:// inside a private network or "
                        "through a TLS proxy");
    if (str_is_absent(text) || !str_starts_with(text, STR(SCHEME)) || !str_is_c(text))
        return bug(err, "the broker's URI must look like amqp://user:password@host:5672/vhost");
    return OUTCOME_DONE;
}

static enum outcome unreadable(struct err *err)
{
    return bug(err,
               "the broker's URI cannot be read: expected "
               "amqp://user:password@host:5672,host:5672/vhost with at most %d hosts, and "
               "special characters of user, password and vhost as %%XX",
               BUS_PLACES_MAX);
}

static struct str between(const char *from, const char *to)
{
    return (struct str){from, (size_t)(to - from)};
}

static struct parts take_apart(struct str text)
{
    const char *begin = text.ptr + strlen(SCHEME);
    const char *end = text.ptr + text.len;
    const char *slash = memchr(begin, '/', (size_t)(end - begin));
    if (!slash)
        slash = end;
    const char *at = memrchr(begin, '@', (size_t)(slash - begin));
    const char *hosts = at ? at + 1 : begin;
    return (struct parts){between(begin, hosts), between(hosts, slash), between(slash, end)};
}

/* Into the room behind what was written before; what the library finds points into it. */
static bool parse_one(struct bus_uri *uri, size_t *used, const struct parts *parts,
                      struct amqp_connection_info *info)
{
    char *text = uri->text + *used;
    const int length =
        snprintf(text, uri->text_size - *used, SCHEME "%.*s%.*s%.*s", STR_FMT(parts->login),
                 STR_FMT(parts->hosts), STR_FMT(parts->vhost));
    *used += (size_t)length + 1;
    amqp_default_connection_info(info);
    /* To the library 0 is a port, and "[]" a host. */
    return amqp_parse_url(text, info) == AMQP_STATUS_OK && info->port != 0 && info->host[0];
}

static void add_place(struct bus_uri *uri, const struct amqp_connection_info *info)
{
    uri->places[uri->place_count++] = (struct bus_place){info->host, info->port};
}

static bool parse_places(struct bus_uri *uri, struct parts parts)
{
    struct amqp_connection_info info;
    size_t used = 0;
    const char *from = parts.hosts.ptr;
    const char *end = from + parts.hosts.len;
    while (from <= end) {
        const char *comma = memchr(from, ',', (size_t)(end - from));
        parts.hosts = between(from, comma ? comma : end);
        if (uri->place_count == BUS_PLACES_MAX || parts.hosts.len == 0 ||
            !parse_one(uri, &used, &parts, &info))
            return false;
        if (uri->place_count == 0) {
            uri->user = info.user;
            uri->password = info.password;
            /* "amqp://host/" is the default vhost: one with an empty name is never meant. */
            uri->vhost = info.vhost[0] ? info.vhost : "/";
        }
        add_place(uri, &info);
        parts.login = parts.vhost = STR("");
        from = (comma ? comma : end) + 1;
    }
    return true;
}

enum outcome bus_uri_parse(struct str text, struct bus_uri *out, struct err *err)
{
    TRY(check_scheme(text, err));
    /* Each host once more with the scheme before it. */
    struct bus_uri uri = {.text_size = text.len + BUS_PLACES_MAX * sizeof(SCHEME) + 1};
    uri.text = calloc(1, uri.text_size);
    if (!uri.text)
        panic("out of memory for a URI");
    if (!parse_places(&uri, take_apart(text))) {
        bus_uri_release(&uri);
        return unreadable(err);
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
