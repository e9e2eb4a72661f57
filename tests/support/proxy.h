/* proxy.h - a faulty network between the workers and each server.
 *
 * A process of its own that listens on one port per link and hands bytes on to the server's. How a
 * link behaves is set at any moment, from any process of the program, and goes for all its
 * connections, old and new. No byte is ever lost within a connection or changes places: TCP does not
 * do that either. A link that drops packets looks like one that holds them, until it is cut. */
#ifndef CARTWRIGHT_TESTS_SUPPORT_PROXY_H
#define CARTWRIGHT_TESTS_SUPPORT_PROXY_H

#include <stdint.h>
#include <sys/types.h>

enum link { LINK_RABBITMQ, LINK_MONGOD, LINK_REDIS, LINKS };

enum link_mode {
    LINK_PASSES,
    LINK_REFUSES,      /* all connections are reset, nobody listens */
    LINK_STALLS,       /* connects, and then nothing moves */
    LINK_HOLDS_ASKING, /* half open: what workers say does not arrive */
    LINK_HOLDS_ANSWER, /* half open: what the server says does not arrive */
    LINK_CRAWLS,       /* 16 KiB every 30 ms in each direction */
    LINK_SLICES,       /* a few bytes at a time */
};

struct proxy;

/* Forks; targets are ports of 127.0.0.1. It ends with this program. */
struct proxy *proxy_start(const uint16_t targets[LINKS]);
void proxy_stop(struct proxy *proxy);
/* Where workers find the server. */
uint16_t proxy_port(const struct proxy *proxy, enum link link);
void proxy_set(struct proxy *proxy, enum link link, enum link_mode mode);
/* Resets all its connections; it goes on to behave as before. */
void proxy_cut(struct proxy *proxy, enum link link);

#endif
