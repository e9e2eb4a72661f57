/* bus_amqp_connection.c - a link comes and goes: connecting, logging in, saying goodbye.
 *
 * Errors tell an operator what to do: which host and port, what was refused, and by whom. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/clock.h"
#include "bus/bus_amqp.h"

#define GOODBYE_MS 250

static struct timeval timeval_of_ms(int ms)
{
    return (struct timeval){.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
}

static enum outcome connect_socket(struct link *link, struct err *err)
{
    const struct timeval timeout = timeval_of_ms(link->options.timeout_ms);
    amqp_socket_t *socket = amqp_tcp_socket_new(link->state);
    if (!socket)
        panic("out of memory for a socket");
    const int status = amqp_socket_open_noblock(socket, link->options.uri->host,
                                                link->options.uri->port, &timeout);
    if (status != AMQP_STATUS_OK)
        return retry_later(err, "no broker at %s:%d (%s): is RabbitMQ running, is the URI right?",
                           link->options.uri->host, link->options.uri->port,
                           amqp_error_string2(status));
    link->fd = amqp_get_sockfd(link->state);
    /* Writes are gathered already; waiting for more would only cost time. Without it all still
     * works, so a failure is of no interest. */
    (void)setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return OUTCOME_DONE;
}

#define CAPABILITY(name)                                                                           \
    {                                                                                              \
        .key = {sizeof(name) - 1, (void *)(uintptr_t)("" name)}, .value = {                        \
            .kind = AMQP_FIELD_KIND_BOOLEAN,                                                       \
            .value.boolean = 1                                                                     \
        }                                                                                          \
    }

static amqp_rpc_reply_t login(struct link *link)
{
    /* What is not declared here, the broker does not tell: a deleted queue, an alarm. */
    amqp_table_entry_t capabilities[] = {
        CAPABILITY("consumer_cancel_notify"),       CAPABILITY("connection.blocked"),
        CAPABILITY("publisher_confirms"),           CAPABILITY("basic.nack"),
        CAPABILITY("authentication_failure_close"),
    };
    amqp_table_entry_t entries[] = {
        {.key = amqp_cstring_bytes("capabilities"),
         .value = {.kind = AMQP_FIELD_KIND_TABLE,
                   .value.table = {sizeof(capabilities) / sizeof(capabilities[0]), capabilities}}},
        {.key = amqp_cstring_bytes("connection_name"),
         .value = {.kind = AMQP_FIELD_KIND_UTF8,
                   .value.bytes = amqp_cstring_bytes(link->options.name)}},
    };
    const amqp_table_t properties = {sizeof(entries) / sizeof(entries[0]), entries};
    const struct timeval timeout = timeval_of_ms(link->options.timeout_ms);
    if (amqp_set_handshake_timeout(link->state, &timeout) != AMQP_STATUS_OK)
        panic("the library refuses a handshake timeout of %d ms", link->options.timeout_ms);
    return amqp_login_with_properties(
        link->state, link->options.uri->vhost, 0, FRAME_MAX, link->options.heartbeat_s, &properties,
        AMQP_SASL_METHOD_PLAIN, link->options.uri->user, link->options.uri->password);
}

static enum outcome login_refused(const struct link *link, const amqp_connection_close_t *closed,
                                  struct err *err)
{
    const struct bus_uri *uri = link->options.uri;
    const int length = (int)closed->reply_text.len;
    const char *text = closed->reply_text.bytes ? closed->reply_text.bytes : "";
    if (closed->reply_code == AMQP_ACCESS_REFUSED)
        return bug(err, "the broker at %s:%d refuses user '%s': check user and password in the URI",
                   uri->host, uri->port, uri->user);
    if (closed->reply_code == AMQP_NOT_ALLOWED)
        return bug(err, "the broker at %s:%d refuses vhost '%s' to user '%s': %.*s", uri->host,
                   uri->port, uri->vhost, uri->user, length, text);
    return retry_later(err, "the broker at %s:%d refuses the connection: %.*s", uri->host,
                       uri->port, length, text);
}

static enum outcome log_in(struct link *link, struct err *err)
{
    const amqp_rpc_reply_t reply = login(link);
    if (reply.reply_type == AMQP_RESPONSE_NORMAL)
        return OUTCOME_DONE;
    if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION &&
        reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD)
        return login_refused(link, reply.reply.decoded, err);
    return retry_later(err,
                       "the broker at %s:%d broke off the login (%s): is it still starting, "
                       "is this its AMQP port?",
                       link->options.uri->host, link->options.uri->port,
                       amqp_error_string2(reply.library_error));
}

/* What the library has read beyond the end of the login is fed to us; from here on it never touches
 * the socket again. */
static void take_over_socket(struct link *link)
{
    link->out.frame_max = (size_t)amqp_get_frame_max(link->state);
    link->heartbeat_us = (int64_t)amqp_get_heartbeat(link->state) * 1000000;
    link->sent_at_us = link->received_at_us = clock_monotonic_us();
    link->in = malloc(FRAME_MAX);
    if (!link->in)
        panic("out of memory for a receive buffer");
    amqp_frame_t frame;
    int status;
    while ((status = amqp_simple_wait_frame_noblock(link->state, &frame, &(struct timeval){0})) ==
           AMQP_STATUS_OK)
        link_receive(link, &frame);
    if (status != AMQP_STATUS_TIMEOUT)
        link_lose(link, "%s", amqp_error_string2(status));
    link->may_beat = !link->lost;
}

static enum outcome establish(struct link *link, struct err *err)
{
    TRY(connect_socket(link, err));
    TRY(log_in(link, err));
    take_over_socket(link);
    return link_open_channel(link, 1, err);
}

enum outcome link_open(struct link *link, const struct link_options *options, struct err *err)
{
    *link = (struct link){.options = *options, .fd = -1};
    link->state = amqp_new_connection();
    if (!link->state)
        panic("out of memory for a connection");
    const enum outcome outcome = establish(link, err);
    if (outcome != OUTCOME_DONE) {
        link->lost = true; /* no goodbye to somebody who was never met */
        link_close(link);
    }
    return outcome;
}

/* A broker under an alarm does not read what a publisher sends, so it would not answer either. A
 * frame written by half cannot be taken back. */
static void say_goodbye(struct link *link)
{
    if (link->lost || link->blocked || link->out.sent > 0)
        return;
    link->out.len = 0;
    if (link->options.timeout_ms > GOODBYE_MS)
        link->options.timeout_ms = GOODBYE_MS;
    amqp_connection_close_t close = {.reply_code = AMQP_REPLY_SUCCESS};
    struct err ignored; /* the socket is closed next, with or without an answer */
    (void)!link_call(link, 0, AMQP_CONNECTION_CLOSE_METHOD, &close, AMQP_CONNECTION_CLOSE_OK_METHOD,
                     &ignored);
}

void link_close(struct link *link)
{
    if (!link->state)
        return;
    link->may_beat = false; /* before anything of it goes away */
    say_goodbye(link);
    link->may_beat = false;
    link_lose(link, "closed");
    link_forget_incoming(link);
    frames_release(&link->out);
    free(link->in);
    link->in = NULL;
    /* Closing a socket that is given up: there is nothing to be done about an error. */
    (void)amqp_destroy_connection(link->state);
    link->state = NULL;
}
