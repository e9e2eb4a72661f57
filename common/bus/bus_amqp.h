/* bus_amqp.h - one AMQP connection, a link: private to the bus room.
 *
 * librabbitmq encodes and decodes what stands in frames. Socket, login and framing are done here:
 * writes are gathered (one send() for hundreds of messages), every wait has a deadline (the library's
 * own writes may hang for ever), heartbeats never come into the middle of a frame, and a frame that
 * is too large or too deep for the library costs one message its headers and not the connection.
 *
 * A link that fails is `lost` with a reason, and from then on every call on it does nothing. */
#ifndef CARTWRIGHT_BUS_BUS_AMQP_H
#define CARTWRIGHT_BUS_BUS_AMQP_H

#include <pthread.h>
#include <signal.h>

#include "bus/bus.h"
#include "bus/bus_amqp_frames.h"
#include "bus/bus_socket.h"

#define LINK_CHANNELS 2
#define LINKS_MAX     2 /* that link_wait takes at once */
/* Several frames at once; a whole one always fits. */
#define LINK_BUFFER ((size_t)8 * BUS_FRAME_MAX)

/* What arrives; `owner` is the link's. Deliveries are the receiver's to free. Of a returned message
 * `tag` is the publish_tag it was sent with, or 0. */
struct link_events {
    void (*delivered)(void *owner, struct delivery *delivery);
    void (*returned)(void *owner, struct delivery *message);
    void (*confirmed)(void *owner, uint64_t tag, bool multiple, bool ok);
};

#define NAME_MAX_BYTES 255 /* of an exchange, a queue, a routing key */

/* A message whose frames are still arriving. */
struct incoming {
    struct delivery partial;           /* after the method frame */
    char exchange[NAME_MAX_BYTES + 1]; /* what partial points to until the header frame is there */
    char routing_key[NAME_MAX_BYTES + 1];
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
    int64_t message_count;       /* of queue.declare-ok */
    amqp_connection_tune_t tune; /* the broker's limits, of connection.tune */
    int64_t server_major;        /* of its version, of connection.start; -1: it does not tell */
    int refused;                 /* reply code of channel.close, 0 when it was not refused */
    char refusal[ERR_TEXT_MAX];  /* its text */
};

struct link_options {
    const struct bus_uri *uri;
    pthread_mutex_t *guard; /* held while the socket is used; NULL: this thread alone does */
    size_t first;           /* of uri->places: where to begin */
    const char *name;
    int heartbeat_s; /* 0: none */
    int timeout_ms;
    int patience_ms; /* see bus_options */
    bool (*waits)(void *context);
    void *context;
    size_t body_max;
    bool keep_headers;
    const struct link_events *events;
    void *owner;
};

struct link {
    struct link_options options;
    bool open; /* from link_open to link_close */
    struct bus_socket socket;
    size_t at;                     /* of the places of options.uri: where it is connected */
    const struct bus_place *place; /* the same, for errors */
    int64_t frame_offered;         /* by the broker, bytes; 0: it knows no limit */
    int64_t heartbeat_us;          /* as agreed with the broker, 0: none */
    int64_t sent_at_us;
    int64_t received_at_us;
    bool lost;
    bool blocked;
    volatile sig_atomic_t may_beat;  /* the socket is ours and between two frames */
    volatile sig_atomic_t beat_left; /* bytes of a heartbeat to be written before anything else */
    char reason[ERR_TEXT_MAX];       /* why it is lost */
    int close_code;                  /* of the broker's connection.close; 0: it did not say */
    struct frames out;               /* its frame_max goes for what arrives, too */
    uint8_t *in;                     /* LINK_BUFFER bytes */
    size_t in_len;
    uint64_t skip;                    /* bytes of a table that is not read, still to come */
    enum headers_fault headers_fault; /* of the content header that is read next */
    amqp_pool_t pool;                 /* what the library makes of one frame */
    int probes;                       /* questions of link_probe that are not answered */
    struct incoming incoming[LINK_CHANNELS + 1]; /* by channel; 0 is never used */
    struct link_call call;
    int64_t server_major;       /* of the broker's version; -1: it does not tell */
    const struct str *consumed; /* queue names by consumer tag "0", "1", ...; the owner's */
    size_t consumed_count;
};

static inline void link_lock(const struct link *link)
{
    if (link->options.guard)
        pthread_mutex_lock(link->options.guard);
}

static inline void link_unlock(const struct link *link)
{
    if (link->options.guard)
        pthread_mutex_unlock(link->options.guard);
}

/* Connects, logs in, opens channel 1: at the first place of uri that takes it, beginning with
 * options->first. */
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
/* Sends a heartbeat when one is due, if this is possible at once. Async-signal-safe on a plain socket;
 * with TLS for who holds the guard. */
void link_beat(struct link *link);
/* The same; and loses the link when the broker was silent for too long. */
void link_serve_heartbeat(struct link *link);
/* Waits until any of the links has something to read, a heartbeat is due, a signal came or
 * timeout_ms passed; then reads and serves heartbeats. false after a signal, and when `watched` (a
 * descriptor, or -1) is readable. */
bool link_wait(struct link *const *links, size_t count, int watched, int timeout_ms);

/* One request and its answer. Refused by the broker: OUTCOME_REFUSED, the channel is closed and
 * link->call says why; OUTCOME_RETRY when the link is lost. A broker that shows signs of life is
 * waited for as bus_options.patience_ms says. */
MUST_CHECK enum outcome link_call(struct link *link, amqp_channel_t channel,
                                  amqp_method_number_t id, void *decoded,
                                  amqp_method_number_t reply, struct err *err);
MUST_CHECK enum outcome link_open_channel(struct link *link, amqp_channel_t channel,
                                          struct err *err);
MUST_CHECK enum outcome link_close_channel(struct link *link, amqp_channel_t channel,
                                           struct err *err);
/* The answer to a request that was sent already; id 0: none was, the broker speaks by itself. */
MUST_CHECK enum outcome link_await(struct link *link, amqp_channel_t channel,
                                   amqp_method_number_t reply, struct err *err);
/* Asks something on the channel that has an answer at any time, and waits a moment for it. False: the
 * broker still has other things to do on this channel, bytes are on their way. The answer may come
 * later; the next question waits for it. */
MUST_CHECK bool link_probe(struct link *link, amqp_channel_t channel, int prefetch);
/* OUTCOME_RETRY with the reason of the loss. */
MUST_CHECK enum outcome link_lost(const struct link *link, struct err *err);

/* `got` bytes were added to link->in: each whole frame is taken. bus_amqp_feed.c */
void link_take(struct link *link, size_t got);
/* One frame; bus_amqp_receive.c. */
struct frame {
    uint8_t type;
    amqp_channel_t channel;
    uint8_t *payload;
    size_t size;
};
void link_receive(struct link *link, const struct frame *frame);
void link_forget_incoming(struct link *link);

/* --- topology, on a channel of its own ------------------------------------------------------- */

/* One of them, without what is bound to it. passive: is there one of this name? Refused: link->call
 * says why, and the channel is closed. */
MUST_CHECK enum outcome link_declare_exchange(struct link *link, amqp_channel_t channel,
                                              const struct bus_exchange *exchange, bool passive,
                                              struct err *err);
MUST_CHECK enum outcome link_declare_queue(struct link *link, amqp_channel_t channel,
                                           const struct bus_queue *queue, bool passive,
                                           struct err *err);
MUST_CHECK enum outcome link_declare(struct link *link, amqp_channel_t channel,
                                     const struct bus_topology *topology, struct err *err);
MUST_CHECK enum outcome link_queue_depth(struct link *link, amqp_channel_t channel,
                                         struct str queue, int64_t *out, struct err *err);

#endif
