/* bus_amqp_connection.c - opening and closing a link: connecting, logging in, saying goodbye.
 *
 * Errors tell an operator what to do: they name host and port, what was refused, and by whom. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "bus/bus_amqp.h"

#define GOODBYE_MS   250
#define LOGIN_FACTOR 2    /* a login may take so many times the timeout of a call */
#define FRAME_MIN    4096 /* the frame size, in bytes, until another is agreed */
#define POOL_PAGE    4096
#define PLAIN_EXTRA  2 /* one NUL before the user, and one before the password */

/* --- logging in ------------------------------------------------------------------------------ */

#define CAPABILITY(name)                                                                           \
    {                                                                                              \
        .key = {sizeof(name) - 1, (void *)(uintptr_t)("" name)}, .value = {                        \
            .kind = AMQP_FIELD_KIND_BOOLEAN,                                                       \
            .value.boolean = 1                                                                     \
        }                                                                                          \
    }

static enum outcome start(struct link *link, struct str response, struct err *err)
{
    /* Without these capabilities the broker would not report, say, a deleted queue or an alarm. */
    amqp_table_entry_t capabilities[] = {
        CAPABILITY("consumer_cancel_notify"),       CAPABILITY("connection.blocked"),
        CAPABILITY("publisher_confirms"),           CAPABILITY("basic.nack"),
        CAPABILITY("authentication_failure_close"),
    };
    amqp_table_entry_t entries[] = {
        {.key = amqp_cstring_bytes("capabilities"),
         .value = {.kind = AMQP_FIELD_KIND_TABLE,
                   .value.table = {sizeof(capabilities) / sizeof(capabilities[0]), capabilities}}},
        {.key = amqp_cstring_bytes("product"),
         .value = {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes("cartwright")}},
        {.key = amqp_cstring_bytes("connection_name"),
         .value = {.kind = AMQP_FIELD_KIND_UTF8,
                   .value.bytes = amqp_cstring_bytes(link->options.name)}},
    };
    amqp_connection_start_ok_t ok = {
        .client_properties = {sizeof(entries) / sizeof(entries[0]), entries},
        .mechanism = amqp_cstring_bytes("PLAIN"),
        .response = amqp_bytes_of(response),
        .locale = amqp_cstring_bytes("en_US"),
    };
    return link_call(link, 0, AMQP_CONNECTION_START_OK_METHOD, &ok, AMQP_CONNECTION_TUNE_METHOD,
                     err);
}

static enum outcome authenticate(struct link *link, struct err *err)
{
    const struct bus_uri *uri = link->options.uri;
    const size_t user = strlen(uri->user);
    const size_t size = user + strlen(uri->password) + PLAIN_EXTRA;
    char *response = calloc(1, size);
    if (!response)
        panic("out of memory for a login");
    memcpy(response + 1, uri->user, user);
    memcpy(response + 1 + user + 1, uri->password, strlen(uri->password));
    const enum outcome outcome = start(link, (struct str){response, size}, err);
    explicit_bzero(response, size);
    free(response);
    explicit_bzero(link->out.bytes, link->out.capacity);
    return outcome;
}

/* The smaller limit; a broker that offers 0 has none. */
static uint32_t agree(uint32_t offered, uint32_t wanted)
{
    return offered && offered < wanted ? offered : wanted;
}

static enum outcome tune(struct link *link, struct err *err)
{
    const amqp_connection_tune_t offered = link->call.tune;
    amqp_connection_tune_ok_t ok = {
        .channel_max = (uint16_t)agree(offered.channel_max, UINT16_MAX),
        .frame_max = agree(offered.frame_max, BUS_FRAME_MAX),
        .heartbeat = (uint16_t)agree(offered.heartbeat, (uint32_t)link->options.heartbeat_s),
    };
    if (ok.frame_max < BUS_FRAME_MAX)
        return err_bug(err,
                       "the broker at %s:%d takes frames of %u bytes, %d are needed: set "
                       "frame_max = %d in its rabbitmq.conf",
                       link->place->host, link->place->port, ok.frame_max, BUS_FRAME_MAX,
                       BUS_FRAME_MAX);
    if (!frames_add_method(&link->out, 0, AMQP_CONNECTION_TUNE_OK_METHOD, &ok))
        panic("the limits of a connection do not fit in a frame");
    link->frame_offered = offered.frame_max;
    link->out.frame_max = ok.frame_max;
    amqp_connection_open_t open = {.virtual_host = amqp_cstring_bytes(link->options.uri->vhost)};
    TRY(link_call(link, 0, AMQP_CONNECTION_OPEN_METHOD, &open, AMQP_CONNECTION_OPEN_OK_METHOD,
                  err));
    link->heartbeat_us = (int64_t)ok.heartbeat * 1000000;
    return OUTCOME_DONE;
}

static enum outcome greet(struct link *link, struct err *err)
{
    static const uint8_t greeting[] = {'A', 'M', 'Q', 'P', 0, 0, 9, 1};
    frames_add_raw(&link->out, greeting, sizeof(greeting));
    TRY(link_await(link, 0, AMQP_CONNECTION_START_METHOD, err));
    link->server_major = link->call.server_major;
    TRY(authenticate(link, err));
    return tune(link, err);
}

/* Tells an operator what a failed login means. */
static enum outcome login_refused(const struct link *link, struct err *err)
{
    const struct bus_uri *uri = link->options.uri;
    const struct bus_place *place = link->place;
    if (link->close_code == AMQP_ACCESS_REFUSED)
        return err_bug(err,
                       "the broker at %s:%d refuses user '%s': check user and password in the URI",
                       place->host, place->port, uri->user);
    if (link->close_code == AMQP_NOT_ALLOWED)
        return err_bug(err, "the broker at %s:%d refuses vhost '%s' to user '%s': %s", place->host,
                       place->port, uri->vhost, uri->user, link->reason);
    if (link->close_code)
        return err_retry(err, "the broker at %s:%d refuses the connection: %s", place->host,
                         place->port, link->reason);
    return err_retry(err,
                     "the broker at %s:%d broke off the login (%s): is it still starting, is this "
                     "its AMQP port, does its name server answer (it looks up its own host name at "
                     "each login)?",
                     place->host, place->port, link->reason);
}

static enum outcome log_in(struct link *link, struct err *err)
{
    const int timeout_ms = link->options.timeout_ms;
    link->options.timeout_ms = LOGIN_FACTOR * timeout_ms;
    link->sent_at_us = link->received_at_us = clock_monotonic_us();
    const enum outcome outcome = greet(link, err);
    link->options.timeout_ms = timeout_ms;
    link->may_beat = outcome == OUTCOME_DONE;
    return outcome == OUTCOME_DONE || outcome == OUTCOME_BUG ? outcome : login_refused(link, err);
}

/* --- coming ---------------------------------------------------------------------------------- */

static void prepare(struct link *link, const struct link_options *options, size_t at)
{
    *link = (struct link){
        .options = *options,
        .open = true,
        .socket.fd = -1,
        .at = at,
        .place = &options->uri->places[at],
        .out.frame_max = FRAME_MIN,
        .in = malloc(LINK_BUFFER),
    };
    if (!link->in)
        panic("out of memory for a receive buffer");
    init_amqp_pool(&link->pool, POOL_PAGE);
}

static enum outcome open_at(struct link *link, const struct addrinfo *address, struct err *err)
{
    const int login_ms = LOGIN_FACTOR * link->options.timeout_ms;
    TRY(socket_connect(&link->socket, link->place, address, link->options.timeout_ms, err));
    TRY(socket_secure(&link->socket, link->options.uri, link->place, login_ms, err));
    TRY(log_in(link, err));
    return link_open_channel(link, 1, err);
}

/* A host may have several addresses, and only a login shows whether a broker is at one of them. */
static enum outcome open_any_address(struct link *link, const struct link_options *options,
                                     size_t at, struct err *err)
{
    struct addrinfo *addresses = NULL;
    enum outcome outcome = socket_resolve(&options->uri->places[at], &addresses, err);
    for (const struct addrinfo *address = addresses; address; address = address->ai_next) {
        prepare(link, options, at);
        outcome = open_at(link, address, err);
        if (outcome == OUTCOME_DONE)
            break;
        link->lost = true; /* so that link_close says no goodbye to a broker that took no login */
        link_close(link);
        if (options->waits && !options->waits(options->context))
            break;
    }
    if (addresses)
        freeaddrinfo(addresses);
    return outcome;
}

enum outcome link_open(struct link *link, const struct link_options *options, struct err *err)
{
    const size_t count = options->uri->place_count;
    struct err absent = {0}; /* of a place that may come back; it outweighs the other errors */
    for (size_t i = 0; i < count; i++) {
        const enum outcome outcome =
            open_any_address(link, options, (options->first + i) % count, err);
        if (outcome == OUTCOME_DONE)
            return outcome;
        if (outcome == OUTCOME_RETRY)
            absent = *err;
    }
    if (!absent.code)
        return OUTCOME_BUG;
    *err = absent;
    return OUTCOME_RETRY;
}

/* --- going ----------------------------------------------------------------------------------- */

/* Says nothing during an alarm, because the broker then does not read what a publisher sends and
 * would not answer; and nothing in the middle of a frame, because half a frame cannot be taken
 * back. */
static void say_goodbye(struct link *link)
{
    if (link->lost || link->blocked || link->out.sent > 0)
        return;
    link->out.len = 0;
    if (link->options.timeout_ms > GOODBYE_MS)
        link->options.timeout_ms = GOODBYE_MS;
    link->options.waits = NULL;
    link->options.patience_ms = 0;
    amqp_connection_close_t close = {.reply_code = AMQP_REPLY_SUCCESS};
    struct err ignored; /* the socket is closed next, with or without an answer */
    (void)!link_call(link, 0, AMQP_CONNECTION_CLOSE_METHOD, &close, AMQP_CONNECTION_CLOSE_OK_METHOD,
                     &ignored);
}

void link_close(struct link *link)
{
    if (!link->open)
        return;
    link->may_beat = false; /* first, before anything that link_beat uses is gone */
    say_goodbye(link);
    link_lock(link); /* the beater must not use a socket that is being closed */
    link_lose(link, "closed");
    socket_close(&link->socket);
    link_unlock(link);
    link_forget_incoming(link);
    frames_release(&link->out);
    free(link->in);
    link->in = NULL;
    empty_amqp_pool(&link->pool);
    link->open = false;
}
