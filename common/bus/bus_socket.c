/* bus_socket.c - a TCP connection that never waits longer than it is told. */
#include "bus/bus_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define US_PER_MS 1000
#define PORT_TEXT 8

static enum outcome nobody_at(const struct bus_place *place, const char *why, struct err *err)
{
    return err_retry(err, "no broker at %s:%d (%s): is RabbitMQ running, is the URI right?",
                     place->host, place->port, why);
}

enum outcome socket_resolve(const struct bus_place *place, struct addrinfo **out, struct err *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    char port[PORT_TEXT];
    snprintf(port, sizeof(port), "%d", place->port);
    const int error = getaddrinfo(place->host, port, &hints, out);
    return error == 0 ? OUTCOME_DONE : nobody_at(place, gai_strerror(error), err);
}

/* 0, or the errno that ended the attempt. */
static int await_connection(int fd, int timeout_ms)
{
    const int64_t deadline_us = clock_monotonic_us() + (int64_t)timeout_ms * US_PER_MS;
    struct pollfd socket = {.fd = fd, .events = POLLOUT};
    for (;;) {
        const int64_t left_us = deadline_us - clock_monotonic_us();
        if (left_us <= 0)
            return ETIMEDOUT;
        const int ready = poll(&socket, 1, (int)(left_us / US_PER_MS) + 1);
        if (ready < 0 && errno != EINTR)
            return errno;
        int error = 0;
        socklen_t size = sizeof(error);
        if (ready > 0)
            return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
    }
}

static int connect_to(int fd, const struct addrinfo *address, int timeout_ms)
{
    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
        return 0;
    /* A signal does not end the attempt, which goes on in the background. */
    return errno == EINPROGRESS || errno == EINTR ? await_connection(fd, timeout_ms) : errno;
}

enum outcome socket_connect(struct bus_socket *out, const struct bus_place *place,
                            const struct addrinfo *address, int timeout_ms, struct err *err)
{
    const int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int error = fd < 0 ? errno : connect_to(fd, address, timeout_ms);
    if (error) {
        if (fd >= 0)
            close(fd);
        return nobody_at(place, strerror(error), err);
    }
    /* Writes are gathered already, so waiting for more would only cost time. Everything works
     * without this option, too, so a failure is ignored. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    *out = (struct bus_socket){.fd = fd};
    return OUTCOME_DONE;
}

enum outcome socket_secure(struct bus_socket *socket, const struct bus_uri *uri,
                           const struct bus_place *place, int timeout_ms, struct err *err)
{
    const struct tls_peer peer = {"the broker", place->host, place->port, &uri->files};
    return uri->tls ? tls_start(socket->fd, &peer, timeout_ms, &socket->tls, err) : OUTCOME_DONE;
}

void socket_close(struct bus_socket *socket)
{
    if (socket->tls)
        tls_end(socket->tls);
    socket->tls = NULL;
    if (socket->fd >= 0)
        close(socket->fd);
    socket->fd = -1;
}

ssize_t socket_read(struct bus_socket *socket, void *bytes, size_t len)
{
    return socket->tls ? tls_read(socket->tls, bytes, len)
                       : recv(socket->fd, bytes, len, MSG_DONTWAIT);
}

ssize_t socket_write(struct bus_socket *socket, const void *bytes, size_t len)
{
    return socket->tls ? tls_write(socket->tls, bytes, len)
                       : send(socket->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool socket_has_more(const struct bus_socket *socket)
{
    return socket->tls && tls_has_more(socket->tls);
}
