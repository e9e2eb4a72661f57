/* bus_tls.h - TLS on a connected socket that does not block: private to the bus room.
 *
 * TLS 1.2 or later; the peer's certificate must come from the CA file of the URI (or from the
 * machine's list of CAs) and name the host of the URI. There is no way to skip that. Nothing is
 * thread-safe. SIGPIPE is ignored from tls_start on: OpenSSL writes without asking for that. */
#ifndef CARTWRIGHT_BUS_BUS_TLS_H
#define CARTWRIGHT_BUS_BUS_TLS_H

#include <sys/types.h>

#include "bus/bus_amqp_frames.h"

struct tls;

/* OUTCOME_BUG for files that cannot be used; RETRY when the peer is not who it should be (its
 * certificate may be put right), speaks no TLS, or is silent. err says which. */
MUST_CHECK enum outcome tls_start(int fd, const struct bus_uri *uri, const struct bus_place *place,
                                  int timeout_ms, struct tls **out, struct err *err);
/* As recv and send on a socket that does not block. A write that had to wait must be tried again with
 * the same bytes before any other. */
ssize_t tls_read(struct tls *tls, void *bytes, size_t len);
ssize_t tls_write(struct tls *tls, const void *bytes, size_t len);
/* Bytes that were received and not read: poll() does not know of them. */
bool tls_has_more(const struct tls *tls);
void tls_end(struct tls *tls);

#endif
