/* tls.c - TLS by OpenSSL: CAs and certificates, and connections on sockets that do not block. */
#include "tls/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"

#define US_PER_MS 1000

struct tls {
    SSL *ssl;
};

static void free_context(SSL_CTX **context)
{
    SSL_CTX_free(*context);
}
#define AUTO_CONTEXT __attribute__((cleanup(free_context))) SSL_CTX *

/* Returns the oldest reason in OpenSSL's error queue: the later ones are only its consequences. */
static const char *first_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    return reason ? reason : "no reason given";
}

/* --- what is trusted, and who we are ----------------------------------------------------------- */

static enum outcome trust(SSL_CTX *context, const struct tls_peer *peer, struct err *err)
{
    const char *file = peer->files->ca_file;
    if (!file)
        return SSL_CTX_set_default_verify_paths(context) == 1
                   ? OUTCOME_DONE
                   : err_bug(err, "the machine's certificates cannot be read: %s", first_reason());
    if (SSL_CTX_load_verify_locations(context, file, NULL) != 1)
        return err_bug(err, "cacertfile %s, for TLS with %s, cannot be read: %s", file, peer->what,
                       first_reason());
    return OUTCOME_DONE;
}

static enum outcome introduce(SSL_CTX *context, const struct tls_peer *peer, struct err *err)
{
    const struct tls_files *files = peer->files;
    if (!files->cert_file)
        return OUTCOME_DONE;
    if (SSL_CTX_use_certificate_chain_file(context, files->cert_file) != 1)
        return err_bug(err, "certfile %s, for TLS with %s, cannot be read: %s", files->cert_file,
                       peer->what, first_reason());
    if (SSL_CTX_use_PrivateKey_file(context, files->key_file, SSL_FILETYPE_PEM) != 1)
        return err_bug(err, "keyfile %s, for TLS with %s, cannot be used with its certfile: %s",
                       files->key_file, peer->what, first_reason());
    return OUTCOME_DONE;
}

static bool is_address(const char *host)
{
    struct in6_addr any;
    return inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1;
}

static bool expect_host(SSL *ssl, const char *host)
{
    X509_VERIFY_PARAM *expected = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (is_address(host))
        return X509_VERIFY_PARAM_set1_ip_asc(expected, host) == 1;
    return X509_VERIFY_PARAM_set1_host(expected, host, 0) == 1 &&
           SSL_set_tlsext_host_name(ssl, host) == 1;
}

enum outcome tls_prepare(const struct tls_peer *peer, SSL **out, struct err *err)
{
    ERR_clear_error();
    AUTO_CONTEXT context = SSL_CTX_new(TLS_client_method());
    if (!context)
        panic("out of memory for TLS");
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1)
        panic("OpenSSL knows no TLS 1.2");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    TRY(trust(context, peer, err));
    TRY(introduce(context, peer, err));
    SSL *ssl = SSL_new(context);
    if (!ssl || !expect_host(ssl, peer->host))
        panic("out of memory for TLS");
    *out = ssl;
    return OUTCOME_DONE;
}

void tls_discard(SSL *ssl)
{
    SSL_free(ssl);
}

/* --- the handshake ----------------------------------------------------------------------------- */

enum outcome tls_explain(const SSL *ssl, const struct tls_peer *peer, struct err *err)
{
    const long verdict = SSL_get_verify_result(ssl);
    if (verdict != X509_V_OK)
        return err_retry(err, "the certificate of %s at %s:%d is not accepted: %s", peer->what,
                         peer->host, peer->port, X509_verify_cert_error_string(verdict));
    return err_retry(err, "no TLS with %s at %s:%d (%s): is this its TLS port?", peer->what,
                     peer->host, peer->port, first_reason());
}

/* Waits until the socket is ready for what OpenSSL wants; false when the deadline has passed or the
 * handshake cannot go on. */
static bool await_peer(int fd, int wanted, int64_t deadline_us)
{
    struct pollfd socket = {.fd = fd, .events = wanted == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN};
    const int64_t left_us = deadline_us - clock_monotonic_us();
    if (left_us <= 0 || (wanted != SSL_ERROR_WANT_READ && wanted != SSL_ERROR_WANT_WRITE))
        return false;
    return poll(&socket, 1, (int)(left_us / US_PER_MS) + 1) >= 0 || errno == EINTR;
}

static enum outcome shake_hands(SSL *ssl, const struct tls_peer *peer, int timeout_ms,
                                struct err *err)
{
    const int64_t deadline_us = clock_monotonic_us() + (int64_t)timeout_ms * US_PER_MS;
    for (;;) {
        ERR_clear_error();
        const int result = SSL_connect(ssl);
        if (result == 1)
            return OUTCOME_DONE;
        if (!await_peer(SSL_get_fd(ssl), SSL_get_error(ssl, result), deadline_us))
            return tls_explain(ssl, peer, err);
    }
}

enum outcome tls_start(int fd, const struct tls_peer *peer, int timeout_ms, struct tls **out,
                       struct err *err)
{
    SSL *ssl = NULL;
    signal(SIGPIPE, SIG_IGN);
    TRY(tls_prepare(peer, &ssl, err));
    if (SSL_set_fd(ssl, fd) != 1)
        panic("out of memory for TLS");
    const enum outcome outcome = shake_hands(ssl, peer, timeout_ms, err);
    if (outcome != OUTCOME_DONE) {
        tls_discard(ssl);
        return outcome;
    }
    struct tls *tls = calloc(1, sizeof(*tls));
    if (!tls)
        panic("out of memory for TLS");
    tls->ssl = ssl;
    *out = tls;
    return OUTCOME_DONE;
}

/* --- afterwards -------------------------------------------------------------------------------- */

/* Translates a result of OpenSSL into that of recv or send, with errno. */
static ssize_t result_of(const struct tls *tls, int result)
{
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_NONE:
        return result;
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        if (errno == 0)
            return 0;
        return -1;
    default:
        errno = EPROTO;
        return -1;
    }
}

static int at_most(size_t len)
{
    return len < INT32_MAX ? (int)len : INT32_MAX;
}

ssize_t tls_read(struct tls *tls, void *bytes, size_t len)
{
    ERR_clear_error();
    errno = 0;
    return result_of(tls, SSL_read(tls->ssl, bytes, at_most(len)));
}

ssize_t tls_write(struct tls *tls, const void *bytes, size_t len)
{
    ERR_clear_error();
    errno = 0;
    return result_of(tls, SSL_write(tls->ssl, bytes, at_most(len)));
}

bool tls_has_more(const struct tls *tls)
{
    return SSL_pending(tls->ssl) > 0;
}

void tls_end(struct tls *tls)
{
    /* The peer's close-notify is not awaited, because AMQP has already closed the connection. After
     * a fatal error there is nothing to shut down, so the result is ignored. */
    ERR_clear_error();
    (void)SSL_shutdown(tls->ssl);
    SSL_free(tls->ssl);
    free(tls);
}
