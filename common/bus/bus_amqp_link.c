/* bus_amqp_link.c - a link at work: reading, writing, heartbeats, requests.
 *
 * Nothing here waits longer than the link's timeout, whatever the broker does, with one exception:
 * a call may be allowed to wait longer for a broker that is alive but busy. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "bus/bus_amqp.h"

#define US_PER_MS 1000
#define WAIT_US   500000 /* the longest time between two calls of link_options.waits */
#define PROBE_US  250000

void link_lose(struct link *link, const char *format, ...)
{
    if (link->lost)
        return; /* the first reason is the true one */
    link->lost = true;
    link->may_beat = false;
    va_list args;
    va_start(args, format);
    vsnprintf(link->reason, sizeof(link->reason), format, args);
    va_end(args);
}

enum outcome link_lost(const struct link *link, struct err *err)
{
    return err_retry(err, "connection to the broker at %s:%d lost: %s", link->place->host,
                     link->place->port, link->reason);
}

/* --- reading and writing -------------------------------------------------------------------- */

static ssize_t read_some(struct link *link, bool *more)
{
    link_lock(link);
    const ssize_t got =
        socket_read(&link->socket, link->in + link->in_len, LINK_BUFFER - link->in_len);
    const int error = errno;
    *more = got > 0 && socket_has_more(&link->socket);
    link_unlock(link);
    errno = error;
    return got;
}

void link_read(struct link *link)
{
    for (bool more = true; more && !link->lost;) {
        const ssize_t got = read_some(link, &more);
        if (got > 0) {
            link->received_at_us = clock_monotonic_us();
            link_take(link, (size_t)got);
        } else if (got == 0) {
            link_lose(link, "closed by the broker (was it stopped?)");
        } else if (errno != EAGAIN && errno != EINTR) {
            link_lose(link, "reading failed: %s", strerror(errno));
        }
    }
}

static const uint8_t heartbeat[] = {AMQP_FRAME_HEARTBEAT, 0, 0, 0, 0, 0, 0, AMQP_FRAME_END};

/* Writes what is left of a heartbeat, because half of one would corrupt the frame that follows.
 * False when the socket is full or broken. */
static bool write_beat(struct link *link)
{
    const size_t left = (size_t)link->beat_left;
    const ssize_t put =
        left ? socket_write(&link->socket, heartbeat + sizeof(heartbeat) - left, left) : 0;
    if (put > 0)
        link->beat_left -= (sig_atomic_t)put;
    return link->beat_left == 0;
}

static void write_out(struct link *link)
{
    struct frames *out = &link->out;
    ssize_t put = 0;
    link_lock(link);
    link->may_beat = false;
    errno = 0;
    if (write_beat(link) && out->sent < out->len)
        put = socket_write(&link->socket, out->bytes + out->sent, out->len - out->sent);
    const int error = errno;
    if (put > 0) {
        out->sent += (size_t)put;
        link->sent_at_us = clock_monotonic_us();
    }
    if (out->sent == out->len)
        out->sent = out->len = 0;
    /* Bytes that could not be written must be tried again before any others, as TLS demands. */
    link->may_beat = out->len == 0 && !link->lost;
    link_unlock(link);
    errno = put > 0 ? 0 : error;
}

void link_write_some(struct link *link)
{
    if (link->lost || (link->out.sent == link->out.len && link->beat_left == 0))
        return;
    write_out(link);
    if (errno != 0 && errno != EAGAIN && errno != EINTR)
        link_lose(link, "writing failed: %s", strerror(errno));
}

/* Serves both directions, because the broker may wait for us to read before it reads again. */
static void wait_writable(struct link *link, int64_t deadline_us)
{
    const int64_t left_us = deadline_us - clock_monotonic_us();
    if (left_us <= 0) {
        link_lose(link, "it took no data for %d ms%s", link->options.timeout_ms,
                  link->blocked ? " (memory or disk alarm)" : "");
        return;
    }
    struct pollfd socket = {.fd = link->socket.fd, .events = POLLIN | POLLOUT};
    if (poll(&socket, 1, (int)(left_us / US_PER_MS) + 1) > 0 && socket.revents & ~POLLOUT)
        link_read(link);
}

void link_flush(struct link *link)
{
    const int64_t deadline_us =
        clock_monotonic_us() + (int64_t)link->options.timeout_ms * US_PER_MS;
    while (!link->lost && link->out.len > 0) {
        link_write_some(link);
        if (link->out.len > 0)
            wait_writable(link, deadline_us);
    }
}

/* --- heartbeats ----------------------------------------------------------------------------- */

/* Does not use the buffer: what waits there for a flush stays there. While the socket is full or a
 * frame is half written, data is on its way, which serves as well as a heartbeat. The next read or
 * write notices a broken socket. */
void link_beat(struct link *link)
{
    if (!link->may_beat || link->heartbeat_us == 0)
        return;
    const int error = errno;
    const int64_t now_us = clock_monotonic_us();
    link->may_beat = false; /* a signal may arrive right here */
    if (link->beat_left == 0 && now_us - link->sent_at_us >= link->heartbeat_us / 2) {
        link->sent_at_us = now_us;
        link->beat_left = sizeof(heartbeat);
    }
    (void)write_beat(link); /* the next write completes it */
    link->may_beat = true;
    errno = error;
}

void link_serve_heartbeat(struct link *link)
{
    if (link->lost || link->heartbeat_us == 0)
        return;
    link_lock(link);
    link_beat(link);
    link_unlock(link);
    const int64_t now_us = clock_monotonic_us();
    /* A lane that was busy elsewhere finds the broker's heartbeats waiting in the socket. */
    if (now_us - link->received_at_us > 2 * link->heartbeat_us)
        link_read(link);
    if (now_us - link->received_at_us > 2 * link->heartbeat_us)
        link_lose(link, "not a sign of life for two heartbeats");
}

static int wait_ms(struct link *const *links, size_t count, int timeout_ms)
{
    const int64_t now_us = clock_monotonic_us();
    int64_t wait_us = (int64_t)timeout_ms * US_PER_MS;
    for (size_t i = 0; i < count; i++) {
        const int64_t due_us = links[i]->sent_at_us + links[i]->heartbeat_us / 2 - now_us;
        if (links[i]->heartbeat_us && due_us < wait_us)
            wait_us = due_us;
    }
    return wait_us > 0 ? (int)((wait_us + US_PER_MS - 1) / US_PER_MS) : 0;
}

bool link_wait(struct link *const *links, size_t count, int watched, int timeout_ms)
{
    struct pollfd sockets[LINKS_MAX + 1];
    for (size_t i = 0; i < count; i++)
        sockets[i] = (struct pollfd){.fd = links[i]->socket.fd, .events = POLLIN};
    sockets[count] = (struct pollfd){.fd = watched, .events = POLLIN}; /* poll ignores -1 */
    const int ready = poll(sockets, count + 1, wait_ms(links, count, timeout_ms));
    for (size_t i = 0; i < count; i++) {
        if (ready > 0 && sockets[i].revents)
            link_read(links[i]);
        link_serve_heartbeat(links[i]);
    }
    return ready == 0 || (ready > 0 && !sockets[count].revents);
}

/* --- requests ------------------------------------------------------------------------------- */

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* True while a call may outlast the timeout. `waits` decides this, and tells those who watch this
 * process that it waits; without `waits`, patience_ms decides. */
static bool is_patient(const struct link *link)
{
    return link->options.waits ? link->options.waits(link->options.context)
                               : link->options.patience_ms > 0;
}

/* Microseconds that are left to wait, <= 0 when the time is up. A broker that sends heartbeats is
 * only busy, and the call waits as long as the patience lasts; without heartbeats nothing tells
 * whether the broker is alive, and only the timeout counts. */
static int64_t time_left(const struct link *link, int64_t began_us)
{
    const int64_t now_us = clock_monotonic_us();
    const int64_t timeout_us = (int64_t)link->options.timeout_ms * US_PER_MS;
    const int64_t heard_us = larger(link->received_at_us, began_us);
    const bool patient = is_patient(link);
    if (link->heartbeat_us == 0 || !patient)
        return began_us + timeout_us - now_us;
    const int64_t silence_us = heard_us + larger(timeout_us, link->heartbeat_us) - now_us;
    const int64_t patience_us = began_us + (int64_t)link->options.patience_ms * US_PER_MS - now_us;
    return silence_us < patience_us ? silence_us : patience_us;
}

static void await_reply(struct link *link)
{
    const int64_t began_us = clock_monotonic_us();
    link_flush(link);
    while (!link->lost && !link->call.done) {
        const int64_t left_us = time_left(link, began_us);
        if (left_us <= 0)
            link_lose(link, "no answer within %" PRId64 " ms",
                      (clock_monotonic_us() - began_us) / US_PER_MS);
        else /* a signal only causes another round */
            (void)link_wait(&link, 1, -1,
                            left_us > WAIT_US ? WAIT_US / US_PER_MS
                                              : (int)(left_us / US_PER_MS) + 1);
    }
}

enum outcome link_await(struct link *link, amqp_channel_t channel, amqp_method_number_t reply,
                        struct err *err)
{
    link->call = (struct link_call){.channel = channel, .reply = reply};
    await_reply(link);
    link->call.reply = 0;
    if (link->lost)
        return link_lost(link, err);
    if (link->call.refused)
        return err_refuse(err, E_NOT_FOUND, "refused by the broker: %s", link->call.refusal);
    return OUTCOME_DONE;
}

enum outcome link_call(struct link *link, amqp_channel_t channel, amqp_method_number_t id,
                       void *decoded, amqp_method_number_t reply, struct err *err)
{
    if (link->lost)
        return link_lost(link, err);
    if (!frames_add_method(&link->out, channel, id, decoded))
        return err_bug(err, "a name given to the broker is longer than 255 bytes");
    return link_await(link, channel, reply, err);
}

bool link_probe(struct link *link, amqp_channel_t channel, int prefetch)
{
    const int64_t deadline_us = clock_monotonic_us() + PROBE_US;
    amqp_basic_qos_t qos = {.prefetch_count = (uint16_t)prefetch};
    if (link->probes > 0)
        link_read(link);
    if (link->lost || link->probes > 0)
        return false;
    if (!frames_add_method(&link->out, channel, AMQP_BASIC_QOS_METHOD, &qos))
        panic("a question to the broker does not fit in a frame");
    link->probes++;
    link_flush(link);
    while (!link->lost && link->probes > 0) {
        const int64_t left_us = deadline_us - clock_monotonic_us();
        if (left_us <= 0)
            return false;
        (void)link_wait(&link, 1, -1, (int)(left_us / US_PER_MS) + 1);
    }
    return !link->lost;
}

enum outcome link_open_channel(struct link *link, amqp_channel_t channel, struct err *err)
{
    amqp_channel_open_t open = {0};
    return link_call(link, channel, AMQP_CHANNEL_OPEN_METHOD, &open, AMQP_CHANNEL_OPEN_OK_METHOD,
                     err);
}

enum outcome link_close_channel(struct link *link, amqp_channel_t channel, struct err *err)
{
    amqp_channel_close_t close = {.reply_code = AMQP_REPLY_SUCCESS};
    return link_call(link, channel, AMQP_CHANNEL_CLOSE_METHOD, &close, AMQP_CHANNEL_CLOSE_OK_METHOD,
                     err);
}
