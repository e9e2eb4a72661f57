/* tls.h - TLS by OpenSSL, for whoever connects to a server: private to the rooms of the adapters.
 *
 * TLS 1.2 or later; the peer's certificate must come from the CA file that was named (or from the
 * machine's list of CAs) and name the host that was asked for. There is no way to skip that. Nothing
 * is thread-safe. Files are read anew for each connection, so a certificate that was renewed is used
 * without a restart. */
#ifndef CARTWRIGHT_TLS_TLS_H
#define CARTWRIGHT_TLS_TLS_H

#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

/* Files in PEM. */
struct tls_files {
    const char *ca_file;   /* NULL: whom the machine trusts */
    const char *cert_file; /* who we are; NULL: nobody asks. Together with key_file */
    const char *key_file;
};

/* Reads "cacertfile=FILE&certfile=FILE&keyfile=FILE", the part of a URI behind its '?', in any order;
 * special characters as %XX. `room` has query.len + 1 bytes, into which *out points. NULL when it is
 * good, else what is wrong with it, in words that begin with a verb and show nothing of it. */
MUST_CHECK const char *tls_files_parse(struct str query, char *room, struct tls_files *out);

/* Whom to connect to. */
struct tls_peer {
    const char *what; /* in errors: "the broker" */
    const char *host; /* a name or an address: the certificate must have it */
    int port;
    const struct tls_files *files;
};

/* --- on a connected socket that does not block ------------------------------------------------- */

struct tls;

/* OUTCOME_BUG for files that cannot be used; RETRY when the peer is not who it should be (its
 * certificate may be put right), speaks no TLS, or is silent. err says which. SIGPIPE is ignored from
 * here on: OpenSSL writes without asking for that. */
MUST_CHECK enum outcome tls_start(int fd, const struct tls_peer *peer, int timeout_ms,
                                  struct tls **out, struct err *err);
/* As recv and send on a socket that does not block. A write that had to wait must be tried again with
 * the same bytes before any other. */
ssize_t tls_read(struct tls *tls, void *bytes, size_t len);
ssize_t tls_write(struct tls *tls, const void *bytes, size_t len);
/* Bytes that were received and not read: poll() does not know of them. */
bool tls_has_more(const struct tls *tls);
void tls_end(struct tls *tls);

/* --- for a library that shakes hands by itself ------------------------------------------------- */

struct ssl_st; /* OpenSSL's SSL */

/* With all of the above set, and no socket yet. The caller's until a library takes it over, or
 * tls_discard. OUTCOME_BUG for files that cannot be used. */
MUST_CHECK enum outcome tls_prepare(const struct tls_peer *peer, struct ssl_st **out,
                                    struct err *err);
/* Says in err why the library's handshake failed: RETRY. */
enum outcome tls_explain(const struct ssl_st *ssl, const struct tls_peer *peer, struct err *err);
void tls_discard(struct ssl_st *ssl);

#endif
