/* bus_amqp.h - one AMQP connection, a link: private to the bus room.
 *
 * librabbitmq opens the socket, logs in, and encodes and decodes frames. Reading and writing the
 * socket is done here, for three reasons: writes are gathered (one send() for hundreds of
 * messages), every write has a deadline (the library's own may hang for ever), and the library
 * would send heartbeats of its own into the middle of a frame that is written by half.
 *
 * A link that fails is `lost` with a reason, and from then on every call on it does nothing. */
#ifndef CARTWRIGHT_BUS_BUS_AMQP_H
#define CARTWRIGHT_BUS_BUS_AMQP_H

#include <signal.h>

#include "bus/bus.h"
#include "bus/bus_amqp_frames.h"

#define LINK_CHANNELS 2
#define LINKS_MAX     2 /* that link_wait takes at once */

/* What arrives; `owner` is the link's. Deliveries are the receiver's to free. Of a returned message
 * `tag` is the publish_tag it was sent with, or 0. */
struct link_events {
    void (*delivered)(void *owner, struct delivery *delivery);
    void (*returned)(void *owner, struct delivery *message);
    void (*confirmed)(void *owner, uint64_t tag, bool multiple, bool ok);
};

/* A message whose frames are still arriving. */
struct incoming {
    struct delivery partial;   /* after the method frame; strs point into the library's pool */
    struct delivery *delivery; /* after the header frame */
    uint64_t body_left;        /* bytes still to come */
    size_t body_len;           /* bytes kept so far */
    bool is_returned;
    bool awaits_header;
};

/* A request that waits for the broker's answer. */
struct link_call {
    amqp_channel_t channel;
    amqp_method_number_t reply; /* 0: nothing is awaited */
    bool done;
    int64_t message_count;      /* of queue.declare-ok */
    int refused;                /* reply code of channel.close, 0 when it was not refused */
    char refusal[ERR_TEXT_MAX]; /* its text */
};

struct link_options {
    const struct bus_uri *uri;
    const char *name;
    int heartbeat_s; /* 0: none */
    int timeout_ms;
    size_t body_max;
    bool keep_headers;
    const struct link_events *events;
    void *owner;
};

struct link {
    struct link_options options;
    amqp_connection_state_t state; /* NULL while closed */
    int fd;
    int64_t heartbeat_us; /* as agreed with the broker, 0: none */
    int64_t sent_at_us;
    int64_t received_at_us;
    bool lost;
    bool blocked;
    volatile sig_atomic_t may_beat; /* the socket is ours and between two frames */
    volatile sig_atomic_t torn;     /* a heartbeat was written by half: nothing can follow */
    char reason[ERR_TEXT_MAX];      /* why it is lost */
    struct frames out;
    uint8_t *in;
    struct incoming incoming[LINK_CHANNELS + 1]; /* by channel; 0 is never used */
    struct link_call call;
    const struct str *consumed; /* queue names by consumer tag "0", "1", ...; the owner's */
    size_t consumed_count;
};

/* Connects, logs in, opens channel 1. */
MUST_CHECK enum outcome link_open(struct link *link, const struct link_options *options,
                                  struct err *err);
/* Says goodbye when the broker listens; what is buffered is dropped. May be called twice. */
void link_close(struct link *link);
void link_lose(struct link *link, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes what the socket holds (one recv), hands it to the events. Never blocks. */
void link_read(struct link *link);
/* Writes everything buffered, reading meanwhile when the socket is full; lost after timeout_ms. */
void link_flush(struct link *link);
/* One attempt to write, for what may be lost. */
void link_write_some(struct link *link);
/* Sends a heartbeat when one is due, if this is possible at once. Async-signal-safe. */
void link_beat(struct link *link);
/* The same; and loses the link when the broker was silent for too long. */
void link_serve_heartbeat(struct link *link);
/* Waits until any of the links has something to read, a heartbeat is due, a signal came or
 * timeout_ms passed; then reads and serves heartbeats. false after a signal, and when `watched` (a
 * descriptor, or -1) is readable. */
bool link_wait(struct link *const *links, size_t count, int watched, int timeout_ms);

/* One request and its answer. Refused by the broker: OUTCOME_REFUSED, the channel is closed and
 * link->call says why; OUTCOME_RETRY when the link is lost. */
MUST_CHECK enum outcome link_call(struct link *link, amqp_channel_t channel,
                                  amqp_method_number_t id, void *decoded,
                                  amqp_method_number_t reply, struct err *err);
MUST_CHECK enum outcome link_open_channel(struct link *link, amqp_channel_t channel,
                                          struct err *err);
MUST_CHECK enum outcome link_close_channel(struct link *link, amqp_channel_t channel,
                                           struct err *err);
/* OUTCOME_RETRY with the reason of the loss. */
MUST_CHECK enum outcome link_lost(const struct link *link, struct err *err);

/* Takes one frame; bus_amqp_receive.c. */
void link_receive(struct link *link, const amqp_frame_t *frame);
/* Decodes bytes and takes each whole frame; used by link_read. */
void link_feed(struct link *link, uint8_t *bytes, size_t len);
void link_forget_incoming(struct link *link);

/* --- topology, on a channel of its own ------------------------------------------------------- */

MUST_CHECK enum outcome link_declare(struct link *link, amqp_channel_t channel,
                                     const struct bus_topology *topology, struct err *err);
MUST_CHECK enum outcome link_queue_depth(struct link *link, amqp_channel_t channel,
                                         struct str queue, int64_t *out, struct err *err);

#endif
