/* bus_amqp.h - one AMQP connection, called a link. Private to the bus room.
 *
 * librabbitmq encodes and decodes the contents of frames. Socket, login and framing are handled
 * here: writes are gathered (one send() for hundreds of messages), every wait has a deadline (the
 * library's own writes may hang for ever), a heartbeat never lands in the middle of a frame, and a
 * frame that is too large or too deep for the library costs one message its headers instead of
 * costing the connection.
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
#define LINKS_MAX     2 /* the most links that link_wait takes at once */
/* Bytes of the receive buffer: it holds several frames at once, and a whole one always fits. */
#define LINK_BUFFER ((size_t)8 * BUS_FRAME_MAX)

/* Called with what arrives; `owner` is that of the link's options. The receiver frees the
 * deliveries. The `tag` of a returned message is the publish_tag that it was sent with, or 0. */
struct link_events {
    void (*delivered)(void *owner, struct delivery *delivery);
    void (*returned)(void *owner, struct delivery *message);
    void (*confirmed)(void *owner, uint64_t tag, bool multiple, bool ok);
};

#define NAME_MAX_BYTES 255 /* of the name of an exchange or a queue, or of a routing key */

/* A message whose frames are still arriving. */
struct incoming {
    struct delivery partial;           /* valid after the method frame */
    char exchange[NAME_MAX_BYTES + 1]; /* partial points here until the header frame arrives */
    char routing_key[NAME_MAX_BYTES + 1];
    struct delivery *delivery; /* NULL before the header frame */
    uint64_t body_left;        /* bytes still to come */
    size_t body_len;           /* bytes kept so far */
    bool is_returned;
    bool awaits_header;
};

/* A request that waits for the broker's answer. */
struct link_call {
    amqp_channel_t channel;
    amqp_method_number_t reply; /* 0: no answer is awaited */
    bool done;
    int64_t message_count;       /* from queue.declare-ok */
    amqp_connection_tune_t tune; /* the broker's limits, from connection.tune */
    int64_t server_major;       /* the broker's major version, from connection.start; -1: unknown */
    int refused;                /* reply code of channel.close; 0: the request was not refused */
    char refusal[ERR_TEXT_MAX]; /* reply text of channel.close */
};

struct link_options {
    const struct bus_uri *uri;
    pthread_mutex_t *guard; /* held while the socket is used; NULL: only this thread uses it */
    size_t first;           /* index of the place in uri->places to try first */
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
    size_t at;                     /* index of the connected place in options.uri->places */
    const struct bus_place *place; /* the same place, for error texts */
    int64_t frame_offered;         /* by the broker, bytes; 0: it has no limit */
    int64_t heartbeat_us;          /* as agreed with the broker; 0: no heartbeats */
    int64_t sent_at_us;
    int64_t received_at_us;
    bool lost;
    bool blocked;
    volatile sig_atomic_t may_beat;  /* nobody uses the socket, and it is between two frames */
    volatile sig_atomic_t beat_left; /* bytes of a heartbeat, to be written before anything else */
    char reason[ERR_TEXT_MAX];       /* why the link is lost */
    int close_code;                  /* reply code of the broker's connection.close; 0: none came */
    struct frames out;               /* its frame_max also limits the frames that arrive */
    uint8_t *in;                     /* LINK_BUFFER bytes */
    size_t in_len;
    uint64_t skip;                    /* bytes still to arrive of a table that is being dropped */
    enum headers_fault headers_fault; /* of the content header that is read next */
    amqp_pool_t pool;                 /* memory for what the library decodes from one frame */
    int probes;                       /* questions of link_probe that are not answered yet */
    struct incoming incoming[LINK_CHANNELS + 1]; /* by channel; [0] is never used */
    struct link_call call;
    int64_t server_major;       /* the broker's major version; -1: unknown */
    const struct str *consumed; /* the owner's queue names, by consumer tag % consumed_count */
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

/* Connects, logs in and opens channel 1, at the first place of the URI where this succeeds,
 * beginning with options->first. OUTCOME_RETRY when a later attempt may succeed at one of the
 * places, OUTCOME_BUG when an operator must correct something for all of them. */
MUST_CHECK enum outcome link_open(struct link *link, const struct link_options *options,
                                  struct err *err);
/* Closes with a goodbye if the broker listens; what is buffered is dropped. May be called twice. */
void link_close(struct link *link);
/* Marks the link as lost; only the first reason is kept. */
void link_lose(struct link *link, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes what the socket holds (one recv) and hands it to the events. Never blocks. */
void link_read(struct link *link);
/* Writes everything that is buffered, and reads while the socket is full. The link is lost when
 * this takes longer than timeout_ms. */
void link_flush(struct link *link);
/* Makes one attempt to write what is buffered, which is enough for what may be lost. */
void link_write_some(struct link *link);
/* Sends a heartbeat when one is due, if this is possible at once. Async-signal-safe on a plain
 * socket; with TLS the caller must hold the guard. */
void link_beat(struct link *link);
/* Calls link_beat under the guard; also loses the link when the broker was silent too long. */
void link_serve_heartbeat(struct link *link);
/* Waits until one of the links or `watched` (a descriptor, or -1) has something to read, a
 * heartbeat is due, a signal came or timeout_ms passed; then reads and serves heartbeats. False
 * after a signal, and when `watched` is readable. */
bool link_wait(struct link *const *links, size_t count, int watched, int timeout_ms);

/* Sends one request and waits for its answer. OUTCOME_REFUSED when the broker refuses it: the
 * channel is then closed, and link->call says why. OUTCOME_RETRY when the link is lost, OUTCOME_BUG
 * when a name is longer than NAME_MAX_BYTES. While the broker shows signs of life, the call waits
 * as long as bus_options.patience_ms says. */
MUST_CHECK enum outcome link_call(struct link *link, amqp_channel_t channel,
                                  amqp_method_number_t id, void *decoded,
                                  amqp_method_number_t reply, struct err *err);
MUST_CHECK enum outcome link_open_channel(struct link *link, amqp_channel_t channel,
                                          struct err *err);
MUST_CHECK enum outcome link_close_channel(struct link *link, amqp_channel_t channel,
                                           struct err *err);
/* Waits for the answer to a request that was already sent, or for a method that the broker sends
 * without a request. */
MUST_CHECK enum outcome link_await(struct link *link, amqp_channel_t channel,
                                   amqp_method_number_t reply, struct err *err);
/* Sends a basic.qos, which the broker can answer at any time, on the channel and waits a moment for
 * the answer. False when there is none: the broker is busy with other things on this channel, or
 * bytes are still on their way. The answer may come later; until then no new question is sent. */
MUST_CHECK bool link_probe(struct link *link, amqp_channel_t channel, int prefetch);
/* Returns OUTCOME_RETRY, with the reason of the loss in err. */
MUST_CHECK enum outcome link_lost(const struct link *link, struct err *err);

/* Takes each whole frame out of link->in, at whose end `got` bytes were just read. In
 * bus_amqp_feed.c. */
void link_take(struct link *link, size_t got);
/* One frame that arrived; bus_amqp_receive.c handles it. */
struct frame {
    uint8_t type;
    amqp_channel_t channel;
    uint8_t *payload;
    size_t size;
};
void link_receive(struct link *link, const struct frame *frame);
void link_forget_incoming(struct link *link);

/* --- topology, on a channel of its own ------------------------------------------------------- */

/* Declares one exchange or one queue, without its bindings, on an open channel. passive: only asks
 * whether there is one of this name. OUTCOME_REFUSED: link->call says why, and the channel is
 * closed. */
MUST_CHECK enum outcome link_declare_exchange(struct link *link, amqp_channel_t channel,
                                              const struct bus_exchange *exchange, bool passive,
                                              struct err *err);
MUST_CHECK enum outcome link_declare_queue(struct link *link, amqp_channel_t channel,
                                           const struct bus_queue *queue, bool passive,
                                           struct err *err);
/* Like bus_declare and bus_queue_depth. Both open the channel and close it again. */
MUST_CHECK enum outcome link_declare(struct link *link, amqp_channel_t channel,
                                     const struct bus_topology *topology, struct err *err);
MUST_CHECK enum outcome link_queue_depth(struct link *link, amqp_channel_t channel,
                                         struct str queue, int64_t *out, struct err *err);

#endif
