/* tls.h - TLS by OpenSSL, for the adapters that connect to servers; nobody else includes it.
 *
 * Connections use TLS 1.2 or later. The peer's certificate must be issued by a CA of the CA file
 * (or of the machine's list of CAs) and must name the host that is connected to; these checks
 * cannot be switched off. Nothing here is thread-safe. Files are read anew for each connection, so
 * a renewed certificate is used without a restart. */
#ifndef CARTWRIGHT_TLS_TLS_H
#define CARTWRIGHT_TLS_TLS_H

#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

/* Names of files in PEM format. */
struct tls_files {
    const char *ca_file;   /* the trusted CAs; NULL: those that the machine trusts */
    const char *cert_file; /* our certificate; NULL: none is sent. Set together with key_file */
    const char *key_file;
};

/* Reads "cacertfile=FILE&certfile=FILE&keyfile=FILE", the part of a URI after its '?', in any order
 * and with special characters as %XX. `room` holds query.len + 1 bytes; *out points into it.
 * Returns NULL on success, else what is wrong: a constant text that begins with a verb and quotes
 * nothing of the query. */
MUST_CHECK const char *tls_files_parse(struct str query, char *room, struct tls_files *out);

/* The server to connect to. */
struct tls_peer {
    const char *what; /* its name in errors: "the broker" */
    const char *host; /* a name or an IP address, which the certificate must contain */
    int port;
    const struct tls_files *files;
};

/* --- on a connected socket that does not block ------------------------------------------------- */

struct tls;

/* Does the handshake; blocks for up to `timeout_ms`. OUTCOME_BUG for files that cannot be used;
 * RETRY when the peer's certificate is not accepted (it may be put right), or the peer does not
 * speak TLS or stays silent; err says which. From here on the process ignores SIGPIPE, because
 * OpenSSL writes without MSG_NOSIGNAL. The caller keeps owning `fd` and closes it after tls_end. */
MUST_CHECK enum outcome tls_start(int fd, const struct tls_peer *peer, int timeout_ms,
                                  struct tls **out, struct err *err);
/* These return and set errno as recv and send do on a socket that does not block (EAGAIN: wait). A
 * write that got EAGAIN must be repeated with the same bytes before any other write. */
ssize_t tls_read(struct tls *tls, void *bytes, size_t len);
ssize_t tls_write(struct tls *tls, const void *bytes, size_t len);
/* True when received bytes are waiting to be read: poll() does not know of them. */
bool tls_has_more(const struct tls *tls);
/* Sends a close-notify, does not wait for the peer's, and frees `tls`. */
void tls_end(struct tls *tls);

/* --- for a library that shakes hands by itself ------------------------------------------------- */

struct ssl_st; /* OpenSSL's SSL */

/* Makes an SSL object with all of the above set, but without a socket. The caller owns it until a
 * library takes it over; tls_discard frees it. OUTCOME_BUG for files that cannot be used. */
MUST_CHECK enum outcome tls_prepare(const struct tls_peer *peer, struct ssl_st **out,
                                    struct err *err);
/* Writes to err why the library's handshake failed; always returns OUTCOME_RETRY. */
enum outcome tls_explain(const struct ssl_st *ssl, const struct tls_peer *peer, struct err *err);
void tls_discard(struct ssl_st *ssl);

#endif
