/* bus_amqp.c - bus.h on RabbitMQ, with one link that consumes and one that publishes.
 *
 * Consuming link: channel 1 delivers and takes acknowledgements, channel 2 is opened for topology
 * and closed again. Publishing link: channel 1 is in confirm mode, for messages that belong to a
 * confirm group; channel 2 is not. It takes the replies, so that the broker does no work for
 * confirms that nobody waits for. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "bus/bus_amqp.h"
#include "bus/bus_beater.h"
#include "bus/bus_confirms.h"
#include "bus/delivery_list.h"

#define CHANNEL_CONSUME   1
#define CHANNEL_TOPOLOGY  2
#define CHANNEL_CONFIRMED 1
#define CHANNEL_REPLIES   2

#define CONSUMER_TAG_SIZE 24

struct bus_amqp {
    struct bus bus;
    struct bus_uri uri;
    size_t first; /* index of the place in uri.places that is tried next */
    struct bus_options options;
    char *name;            /* the connection name that options.name points to */
    struct beater *beater; /* with TLS; NULL: the signal handler sends heartbeats itself */
    struct link consumer;
    struct link publisher;
    struct delivery_list ready;
    struct confirms confirms;
    int watched; /* the descriptor of bus_watch(); -1: none */
    uint64_t returned;
    char unroutable[BUS_ROUTE_MAX]; /* the last route; "": none since it was asked for */
    uint64_t unsendable;            /* messages that could not be sent, since the last flush */
    uint32_t epoch;
    struct str *queues; /* what bus_consume asked for */
    size_t queue_count;
    int prefetch;
    bool is_consuming; /* from bus_consume to bus_cancel */
    uint64_t subscriptions;
};

static struct bus_amqp *amqp_of(struct bus *bus)
{
    return (struct bus_amqp *)(void *)bus;
}

static const struct bus_amqp *const_amqp_of(const struct bus *bus)
{
    return (const struct bus_amqp *)(const void *)bus;
}

/* --- what arrives --------------------------------------------------------------------------- */

static void on_delivered(void *owner, struct delivery *delivery)
{
    struct bus_amqp *amqp = owner;
    delivery->epoch = amqp->epoch;
    delivery_list_append(&amqp->ready, delivery);
}

static void on_returned(void *owner, struct delivery *message)
{
    struct bus_amqp *amqp = owner;
    amqp->returned++;
    if (message->tag > 0) /* the broker sends the return before the ack */
        confirms_return(&amqp->confirms, message->tag);
    else if (message->exchange.len > 0) /* not a reply: replies use the default exchange */
        snprintf(amqp->unroutable, sizeof(amqp->unroutable), "%.*s %.*s",
                 STR_FMT(message->exchange), STR_FMT(message->routing_key));
    delivery_free(message);
}

static void on_confirmed(void *owner, uint64_t tag, bool multiple, bool ok)
{
    struct bus_amqp *amqp = owner;
    confirms_settle(&amqp->confirms, tag, multiple, ok);
}

static const struct link_events events = {on_delivered, on_returned, on_confirmed};

/* --- opening -------------------------------------------------------------------------------- */

static enum outcome set_prefetch(struct bus_amqp *amqp, struct err *err)
{
    amqp_basic_qos_t qos = {.prefetch_count = (uint16_t)amqp->prefetch};
    return link_call(&amqp->consumer, CHANNEL_CONSUME, AMQP_BASIC_QOS_METHOD, &qos,
                     AMQP_BASIC_QOS_OK_METHOD, err);
}

/* A tag is a number whose remainder is the queue's index in link->consumed. Each subscription gets
 * new numbers, because the broker's quorum queues mix up two consumers that used the same tag one
 * after the other (https://github.com/rabbitmq/rabbitmq-server/issues/5927). */
static void write_consumer_tag(const struct bus_amqp *amqp, size_t index,
                               char tag[CONSUMER_TAG_SIZE])
{
    snprintf(tag, CONSUMER_TAG_SIZE, "%" PRIu64, amqp->subscriptions * amqp->queue_count + index);
}

static enum outcome consume_queue(struct bus_amqp *amqp, size_t index, struct err *err)
{
    char tag[CONSUMER_TAG_SIZE];
    write_consumer_tag(amqp, index, tag);
    amqp_basic_consume_t consume = {
        .queue = amqp_bytes_of(amqp->queues[index]),
        .consumer_tag = amqp_cstring_bytes(tag),
    };
    return link_call(&amqp->consumer, CHANNEL_CONSUME, AMQP_BASIC_CONSUME_METHOD, &consume,
                     AMQP_BASIC_CONSUME_OK_METHOD, err);
}

static enum outcome start_consuming(struct bus_amqp *amqp, struct err *err)
{
    amqp->subscriptions++;
    amqp->consumer.consumed = amqp->queues;
    amqp->consumer.consumed_count = amqp->queue_count;
    enum outcome outcome = set_prefetch(amqp, err);
    for (size_t i = 0; i < amqp->queue_count && outcome == OUTCOME_DONE; i++)
        outcome = consume_queue(amqp, i, err);
    if (outcome != OUTCOME_REFUSED)
        return outcome;
    /* The refusal has closed the channel; the queue may be declared later. */
    link_lose(&amqp->consumer, "%s", amqp->consumer.call.refusal);
    return err_retry(err, "cannot consume: %s", amqp->consumer.call.refusal);
}

static struct link_options options_of(struct bus_amqp *amqp)
{
    return (struct link_options){
        .uri = &amqp->uri,
        .guard = amqp->beater ? beater_guard(amqp->beater) : NULL,
        .first = amqp->first,
        .name = amqp->name,
        .heartbeat_s = amqp->options.heartbeat_s,
        .timeout_ms = amqp->options.timeout_ms,
        .patience_ms = amqp->options.patience_ms,
        .waits = amqp->options.waits,
        .context = amqp->options.context,
        .body_max = amqp->options.body_max,
        .keep_headers = amqp->options.keep_headers,
        .events = &events,
        .owner = amqp,
    };
}

static enum outcome open_publisher(struct bus_amqp *amqp, struct err *err)
{
    const struct link_options options = options_of(amqp);
    TRY(link_open(&amqp->publisher, &options, err));
    amqp_confirm_select_t select = {0};
    TRY(link_call(&amqp->publisher, CHANNEL_CONFIRMED, AMQP_CONFIRM_SELECT_METHOD, &select,
                  AMQP_CONFIRM_SELECT_OK_METHOD, err));
    return link_open_channel(&amqp->publisher, CHANNEL_REPLIES, err);
}

static enum outcome open_links(struct bus_amqp *amqp, struct err *err)
{
    const struct link_options options = options_of(amqp);
    TRY(link_open(&amqp->consumer, &options, err));
    amqp->first = amqp->consumer.at; /* both links go to one node, as long as it is there */
    TRY(open_publisher(amqp, err));
    return amqp->is_consuming ? start_consuming(amqp, err) : OUTCOME_DONE;
}

static void forget_queues(struct bus_amqp *amqp)
{
    for (size_t i = 0; i < amqp->queue_count; i++)
        free((char *)(uintptr_t)amqp->queues[i].ptr);
    free(amqp->queues);
    amqp->queues = NULL;
    amqp->queue_count = 0;
}

static void amqp_disconnect(struct bus *bus)
{
    struct bus_amqp *amqp = amqp_of(bus);
    link_close(&amqp->consumer);
    link_close(&amqp->publisher);
    delivery_list_clear(&amqp->ready);
}

static void amqp_close(struct bus *bus)
{
    struct bus_amqp *amqp = amqp_of(bus);
    amqp_disconnect(bus);
    beater_stop(amqp->beater);
    confirms_release(&amqp->confirms);
    forget_queues(amqp);
    bus_uri_release(&amqp->uri);
    free(amqp->name);
    free(amqp);
}

static enum outcome amqp_reconnect(struct bus *bus, struct err *err)
{
    struct bus_amqp *amqp = amqp_of(bus);
    amqp_disconnect(bus);
    confirms_reset(&amqp->confirms);
    amqp->first = (amqp->first + 1) % amqp->uri.place_count;
    amqp->unsendable = 0;
    amqp->epoch++;
    return open_links(amqp, err);
}

static int64_t amqp_frame_offered(const struct bus *bus)
{
    return const_amqp_of(bus)->consumer.frame_offered;
}

static const char *amqp_lost_reason(const struct bus *bus)
{
    const struct bus_amqp *amqp = const_amqp_of(bus);
    return amqp->consumer.lost ? amqp->consumer.reason : amqp->publisher.reason;
}

/* --- topology and consuming ------------------------------------------------------------------ */

static enum outcome amqp_declare(struct bus *bus, const struct bus_topology *topology,
                                 struct err *err)
{
    return link_declare(&amqp_of(bus)->consumer, CHANNEL_TOPOLOGY, topology, err);
}

static enum outcome amqp_queue_depth(struct bus *bus, struct str queue, int64_t *out,
                                     struct err *err)
{
    return link_queue_depth(&amqp_of(bus)->consumer, CHANNEL_TOPOLOGY, queue, out, err);
}

static void remember_queues(struct bus_amqp *amqp, const struct str *queues, size_t count)
{
    forget_queues(amqp);
    amqp->queues = calloc(count, sizeof(*amqp->queues));
    for (size_t i = 0; i < count; i++) {
        char *name = amqp->queues ? strndup(queues[i].ptr, queues[i].len) : NULL;
        if (!name)
            panic("out of memory for a queue's name");
        amqp->queues[i] = (struct str){name, queues[i].len};
    }
    amqp->queue_count = count;
}

static enum outcome amqp_consume(struct bus *bus, const struct str *queues, size_t count,
                                 int prefetch, struct err *err)
{
    struct bus_amqp *amqp = amqp_of(bus);
    remember_queues(amqp, queues, count);
    amqp->prefetch = prefetch;
    amqp->is_consuming = true;
    return start_consuming(amqp, err);
}

static enum outcome amqp_cancel(struct bus *bus, struct err *err)
{
    struct bus_amqp *amqp = amqp_of(bus);
    if (!amqp->is_consuming)
        return OUTCOME_DONE;
    amqp->is_consuming = false; /* first, so that a reconnect does not consume again */
    for (size_t i = 0; i < amqp->queue_count; i++) {
        char tag[CONSUMER_TAG_SIZE];
        write_consumer_tag(amqp, i, tag);
        amqp_basic_cancel_t cancel = {.consumer_tag = amqp_cstring_bytes(tag)};
        TRY(link_call(&amqp->consumer, CHANNEL_CONSUME, AMQP_BASIC_CANCEL_METHOD, &cancel,
                      AMQP_BASIC_CANCEL_OK_METHOD, err));
    }
    return OUTCOME_DONE;
}

/* On this channel the broker answers only after all deliveries that it had to send there. */
static bool nothing_comes(struct bus_amqp *amqp)
{
    return link_probe(&amqp->consumer, CHANNEL_CONSUME, amqp->prefetch) && !amqp->ready.first;
}

/* Uses a new channel: closing the old one gives back whatever was delivered on it. */
static enum outcome amqp_renew(struct bus *bus, struct err *err)
{
    struct bus_amqp *amqp = amqp_of(bus);
    if (!amqp->is_consuming || !nothing_comes(amqp))
        return amqp->consumer.lost ? link_lost(&amqp->consumer, err) : OUTCOME_DONE;
    TRY(link_close_channel(&amqp->consumer, CHANNEL_CONSUME, err));
    link_forget_incoming(&amqp->consumer);
    delivery_list_clear(&amqp->ready);
    amqp->epoch++;
    TRY(link_open_channel(&amqp->consumer, CHANNEL_CONSUME, err));
    return start_consuming(amqp, err);
}

/* --- receiving ------------------------------------------------------------------------------ */

static bool is_lost(const struct bus_amqp *amqp)
{
    return amqp->consumer.lost || amqp->publisher.lost;
}

static void serve_now(struct bus_amqp *amqp)
{
    link_read(&amqp->consumer);
    link_read(&amqp->publisher);
    link_serve_heartbeat(&amqp->consumer);
    link_serve_heartbeat(&amqp->publisher);
}

static bool wait_both(struct bus_amqp *amqp, int watched, int64_t deadline_us)
{
    struct link *const links[] = {&amqp->consumer, &amqp->publisher};
    const int64_t left_us = deadline_us - clock_monotonic_us();
    return left_us > 0 && link_wait(links, 2, watched, (int)((left_us + 999) / 1000));
}

/* While messages are ready this costs no system call. Otherwise it makes one recv per link, and
 * then waits. */
static enum bus_event amqp_next(struct bus *bus, int timeout_ms, struct delivery **out)
{
    struct bus_amqp *amqp = amqp_of(bus);
    const int64_t deadline_us =
        amqp->ready.first || timeout_ms == 0 ? 0 : clock_monotonic_us() + timeout_ms * 1000LL;
    const bool had_decided = confirms_any_decided(&amqp->confirms);
    if (!amqp->ready.first)
        serve_now(amqp);
    while (!is_lost(amqp)) {
        struct delivery *delivery = delivery_list_take(&amqp->ready);
        if (delivery) {
            *out = delivery;
            return BUS_MESSAGE;
        }
        if (!had_decided && confirms_any_decided(&amqp->confirms))
            return BUS_IDLE;
        if (!wait_both(amqp, amqp->watched, deadline_us))
            return BUS_IDLE;
    }
    return BUS_CLOSED;
}

/* Runs in the beater's thread, which holds the guard, or, without TLS, in a signal handler. */
static void beat_both(void *context)
{
    struct bus_amqp *amqp = context;
    link_beat(&amqp->consumer);
    link_beat(&amqp->publisher);
}

static void amqp_beat(struct bus *bus)
{
    struct bus_amqp *amqp = amqp_of(bus);
    if (amqp->beater)
        beater_wake(amqp->beater);
    else
        beat_both(amqp);
}

static void amqp_watch(struct bus *bus, int fd)
{
    amqp_of(bus)->watched = fd;
}

static void amqp_ack(struct bus *bus, const struct delivery *delivery, bool multiple)
{
    struct bus_amqp *amqp = amqp_of(bus);
    amqp_basic_ack_t ack = {.delivery_tag = delivery->tag, .multiple = multiple};
    if (delivery->epoch != amqp->epoch || amqp->consumer.lost)
        return; /* the broker delivers the message again */
    if (!frames_add_method(&amqp->consumer.out, CHANNEL_CONSUME, AMQP_BASIC_ACK_METHOD, &ack))
        panic("an acknowledgement does not fit in a frame");
}

/* --- publishing ----------------------------------------------------------------------------- */

static void add_message(struct bus_amqp *amqp, const struct bus_message *message, uint64_t group)
{
    const bool counts = message->mandatory && !message->may_be_unroutable;
    const uint64_t tag = counts ? confirms_next_tag(&amqp->confirms) : 0;
    struct frames *out = &amqp->publisher.out;
    if (!(group ? frames_add_message(out, CHANNEL_CONFIRMED, message, tag)
                : frames_add_message(out, CHANNEL_REPLIES, message, 0)))
        amqp->unsendable++;
    else if (group)
        confirms_add(&amqp->confirms, group);
}

/* RabbitMQ returns every mandatory message to a direct reply-to name as unroutable, whether it was
 * delivered or not. */
static void add_direct_reply(struct bus_amqp *amqp, const struct bus_message *message,
                             uint64_t group)
{
    struct bus_message reply = *message;
    reply.mandatory = false;
    if (reply_is_well_formed(reply.routing_key))
        add_message(amqp, &reply, group);
    else if (group)
        amqp->unsendable++;
    else
        amqp->returned++;
}

static void amqp_publish(struct bus *bus, const struct bus_message *message, uint64_t group)
{
    struct bus_amqp *amqp = amqp_of(bus);
    if (amqp->publisher.lost) {
        if (group) /* bus_reconnect() reports the group as failed */
            confirms_add(&amqp->confirms, group);
    } else if (message->exchange.len == 0 && reply_is_direct(message->routing_key)) {
        add_direct_reply(amqp, message, group);
    } else {
        add_message(amqp, message, group);
    }
}

/* Publishes are written before acknowledgements: if publishes are lost, the messages that caused
 * them are delivered again. */
static enum outcome amqp_flush(struct bus *bus, struct err *err)
{
    struct bus_amqp *amqp = amqp_of(bus);
    link_flush(&amqp->publisher);
    if (amqp->publisher.lost)
        return link_lost(&amqp->publisher, err);
    link_flush(&amqp->consumer);
    if (amqp->consumer.lost)
        return link_lost(&amqp->consumer, err);
    link_serve_heartbeat(&amqp->publisher);
    link_serve_heartbeat(&amqp->consumer);
    if (amqp->unsendable == 0)
        return OUTCOME_DONE;
    const uint64_t unsendable = amqp->unsendable;
    amqp->unsendable = 0;
    return err_bug(err, "%" PRIu64 " messages not sent: a name over 255 bytes, or headers over %zu",
                   unsendable, amqp->publisher.out.frame_max);
}

static bool amqp_confirmed(struct bus *bus, struct bus_confirm *out)
{
    return confirms_take(&amqp_of(bus)->confirms, out);
}

static bool amqp_wait_confirms(struct bus *bus, int timeout_ms)
{
    struct bus_amqp *amqp = amqp_of(bus);
    const int64_t deadline_us = clock_monotonic_us() + timeout_ms * 1000LL;
    while (confirms_any_open(&amqp->confirms) && !is_lost(amqp) &&
           clock_monotonic_us() < deadline_us)
        (void)wait_both(amqp, -1, deadline_us); /* a signal only causes another round */
    return !confirms_any_open(&amqp->confirms);
}

static uint64_t amqp_settled(const struct bus *bus)
{
    return const_amqp_of(bus)->confirms.settled;
}

static bool amqp_is_blocked(const struct bus *bus)
{
    return const_amqp_of(bus)->publisher.blocked;
}

static uint64_t amqp_returned(const struct bus *bus)
{
    return const_amqp_of(bus)->returned;
}

static bool amqp_unroutable(struct bus *bus, char out[BUS_ROUTE_MAX])
{
    char *unroutable = amqp_of(bus)->unroutable;
    if (!unroutable[0])
        return false;
    memcpy(out, unroutable, BUS_ROUTE_MAX);
    unroutable[0] = '\0';
    return true;
}

/* --- the table, and its maker --------------------------------------------------------------- */

static const struct bus_ops amqp_ops = {
    .close = amqp_close,
    .disconnect = amqp_disconnect,
    .reconnect = amqp_reconnect,
    .frame_offered = amqp_frame_offered,
    .lost_reason = amqp_lost_reason,
    .declare = amqp_declare,
    .consume = amqp_consume,
    .cancel = amqp_cancel,
    .next = amqp_next,
    .beat = amqp_beat,
    .renew = amqp_renew,
    .watch = amqp_watch,
    .ack = amqp_ack,
    .publish = amqp_publish,
    .flush = amqp_flush,
    .confirmed = amqp_confirmed,
    .wait_confirms = amqp_wait_confirms,
    .settled = amqp_settled,
    .is_blocked = amqp_is_blocked,
    .returned = amqp_returned,
    .unroutable = amqp_unroutable,
    .queue_depth = amqp_queue_depth,
};

enum outcome bus_open(const struct bus_options *options, struct bus **out, struct err *err)
{
    struct bus_uri uri;
    TRY(bus_uri_parse(options->uri, &uri, err));
    struct bus_amqp *amqp = calloc(1, sizeof(*amqp));
    char *name = strdup(options->name ? options->name : "cartwright");
    if (!amqp || !name)
        panic("out of memory for a bus");
    amqp->bus.ops = &amqp_ops;
    amqp->uri = uri;
    amqp->options = *options;
    amqp->name = name;
    amqp->watched = -1;
    bus_uri_shuffle(&amqp->uri);
    if (uri.tls)
        amqp->beater = beater_start(options->thread_began, beat_both, amqp);
    confirms_init(&amqp->confirms);
    const enum outcome outcome = open_links(amqp, err);
    if (outcome != OUTCOME_DONE) {
        amqp_close(&amqp->bus);
        return outcome;
    }
    *out = &amqp->bus;
    return OUTCOME_DONE;
}
