/* bus_socket.h - a TCP connection, plain or with TLS, that never waits longer than it is told: private
 * to the bus room. */
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

/* The addresses of a host, freed by freeaddrinfo. RETRY when the name is not known. Waits as long as
 * the machine's resolver does. */
MUST_CHECK enum outcome socket_resolve(const struct bus_place *place, struct addrinfo **out,
                                       struct err *err);
/* To one address (not to those behind it in the list). RETRY when nobody is there within the time. */
MUST_CHECK enum outcome socket_connect(struct bus_socket *out, const struct bus_place *place,
                                       const struct addrinfo *address, int timeout_ms,
                                       struct err *err);
/* Begins TLS, when the URI asks for it; see tls_start. */
MUST_CHECK enum outcome socket_secure(struct bus_socket *socket, const struct bus_uri *uri,
                                      const struct bus_place *place, int timeout_ms,
                                      struct err *err);
void socket_close(struct bus_socket *socket);
/* As recv and send on a socket that does not block: -1 with EAGAIN when nothing can be done now. */
ssize_t socket_read(struct bus_socket *socket, void *bytes, size_t len);
ssize_t socket_write(struct bus_socket *socket, const void *bytes, size_t len);
/* Something can be read that poll() does not know of. */
bool socket_has_more(const struct bus_socket *socket);

#endif
