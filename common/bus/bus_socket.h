/* bus_socket.h - a TCP connection, plain or with TLS, that never waits longer than it is told.
 * Private to the bus room. */
#ifndef CARTWRIGHT_BUS_BUS_SOCKET_H
#define CARTWRIGHT_BUS_BUS_SOCKET_H

#include <netdb.h>
#include <sys/types.h>

#include "bus/bus_amqp_frames.h"
#include "tls/tls.h"

struct bus_socket {
    int fd;          /* -1: closed; never blocks */
    struct tls *tls; /* NULL: plain */
};

/* The addresses of a host, which the caller frees with freeaddrinfo. OUTCOME_RETRY when the name is
 * not known. Waits as long as the machine's resolver does. */
MUST_CHECK enum outcome socket_resolve(const struct bus_place *place, struct addrinfo **out,
                                       struct err *err);
/* Connects to one address (not to those after it in the list). OUTCOME_RETRY when nobody answers
 * there within timeout_ms. */
MUST_CHECK enum outcome socket_connect(struct bus_socket *out, const struct bus_place *place,
                                       const struct addrinfo *address, int timeout_ms,
                                       struct err *err);
/* Begins TLS when the URI asks for it; outcomes are those of tls_start. */
MUST_CHECK enum outcome socket_secure(struct bus_socket *socket, const struct bus_uri *uri,
                                      const struct bus_place *place, int timeout_ms,
                                      struct err *err);
void socket_close(struct bus_socket *socket);
/* Like recv and send on a non-blocking socket: -1 with EAGAIN when nothing can be done now. */
ssize_t socket_read(struct bus_socket *socket, void *bytes, size_t len);
ssize_t socket_write(struct bus_socket *socket, const void *bytes, size_t len);
/* True when something can be read that poll() does not know of. */
bool socket_has_more(const struct bus_socket *socket);

#endif
