/* bus_amqp_receive.c - what the broker sends: every kind of frame has its place here.
 *
 * A delivery is decoded into one block: strings are copied once, out of the library's pool, when the
 * header frame says how large the body is; body frames then go straight to their place. */
#include <stdio.h>

#include "bus/bus_amqp.h"
#include "bus/bus_ops.h"

/* --- contents: deliveries and returned messages --------------------------------------------- */

/* A consumer tag's remainder is an index into the names that the owner consumes. */
static struct str queue_of(const struct link *link, amqp_bytes_t consumer_tag)
{
    int64_t tag;
    if (link->consumed_count == 0 || !str_to_int64(str_of_bytes(consumer_tag), &tag) || tag < 0)
        return STR_ABSENT;
    return link->consumed[(size_t)tag % link->consumed_count];
}

static struct incoming *start_content(struct link *link, amqp_channel_t channel)
{
    struct incoming *incoming = &link->incoming[channel];
    delivery_free(incoming->delivery);
    *incoming = (struct incoming){.partial = delivery_blank(), .awaits_header = true};
    return incoming;
}

static void start_delivery(struct link *link, amqp_channel_t channel, const void *decoded)
{
    const amqp_basic_deliver_t *deliver = decoded;
    struct incoming *incoming = start_content(link, channel);
    incoming->partial.tag = deliver->delivery_tag;
    incoming->partial.queue = queue_of(link, deliver->consumer_tag);
    incoming->partial.exchange = str_of_bytes(deliver->exchange);
    incoming->partial.routing_key = str_of_bytes(deliver->routing_key);
    incoming->partial.redelivered = deliver->redelivered;
}

static void start_return(struct link *link, amqp_channel_t channel, const void *decoded)
{
    const amqp_basic_return_t *returned = decoded;
    struct incoming *incoming = start_content(link, channel);
    incoming->is_returned = true;
    incoming->partial.exchange = str_of_bytes(returned->exchange);
    incoming->partial.routing_key = str_of_bytes(returned->routing_key);
}

static void finish_content(struct link *link, struct incoming *incoming)
{
    struct delivery *delivery = incoming->delivery;
    incoming->delivery = NULL;
    if (incoming->is_returned)
        link->options.events->returned(link->options.owner, delivery);
    else
        link->options.events->delivered(link->options.owner, delivery);
}

static struct delivery *make_delivery(const struct incoming *incoming)
{
    return delivery_make(&incoming->partial,
                         incoming->partial.too_large ? 0 : (size_t)incoming->body_left);
}

static struct delivery *make_with_headers(struct incoming *incoming,
                                          const amqp_basic_properties_t *properties)
{
    struct arena arena;
    arena_init(&arena, 4096);
    if (properties->_flags & AMQP_BASIC_HEADERS_FLAG)
        incoming->partial.headers = headers_as_json(&arena, &properties->headers);
    struct delivery *delivery = make_delivery(incoming);
    arena_release(&arena);
    return delivery;
}

static void receive_header(struct link *link, const amqp_frame_t *frame)
{
    struct incoming *incoming = &link->incoming[frame->channel];
    if (!incoming->awaits_header) {
        link_lose(link, "the broker sent a content header without its method");
        return;
    }
    /* The library decodes the properties of each class into a type of its own. */
    if (frame->payload.properties.class_id != AMQP_BASIC_CLASS) {
        link_lose(link, "the broker sent a content header of class %d",
                  frame->payload.properties.class_id);
        return;
    }
    const amqp_basic_properties_t *properties = frame->payload.properties.decoded;
    read_properties(&incoming->partial, properties);
    if (incoming->is_returned)
        incoming->partial.tag = publish_tag_of(properties);
    incoming->awaits_header = false;
    incoming->body_left = frame->payload.properties.body_size;
    if (incoming->body_left > link->options.body_max)
        incoming->partial.too_large = true;
    incoming->delivery = link->options.keep_headers ? make_with_headers(incoming, properties)
                                                    : make_delivery(incoming);
    if (incoming->body_left == 0)
        finish_content(link, incoming);
}

static void receive_body(struct link *link, const amqp_frame_t *frame)
{
    struct incoming *incoming = &link->incoming[frame->channel];
    const amqp_bytes_t piece = frame->payload.body_fragment;
    if (!incoming->delivery || piece.len > incoming->body_left) {
        link_lose(link, "the broker sent more body than it announced");
        return;
    }
    if (!incoming->delivery->too_large) {
        memcpy(delivery_body(incoming->delivery) + incoming->body_len, piece.bytes, piece.len);
        incoming->body_len += piece.len;
    }
    incoming->body_left -= piece.len;
    if (incoming->body_left == 0)
        finish_content(link, incoming);
}

void link_forget_incoming(struct link *link)
{
    for (size_t channel = 0; channel <= LINK_CHANNELS; channel++) {
        delivery_free(link->incoming[channel].delivery);
        link->incoming[channel] = (struct incoming){0};
    }
}

/* --- methods -------------------------------------------------------------------------------- */

static void receive_ack(struct link *link, amqp_channel_t channel, const void *decoded)
{
    const amqp_basic_ack_t *ack = decoded;
    (void)channel; /* only channel 1 is in confirm mode */
    link->options.events->confirmed(link->options.owner, ack->delivery_tag, ack->multiple, true);
}

static void receive_nack(struct link *link, amqp_channel_t channel, const void *decoded)
{
    const amqp_basic_nack_t *nack = decoded;
    (void)channel;
    link->options.events->confirmed(link->options.owner, nack->delivery_tag, nack->multiple, false);
}

/* The queue was deleted or lost its leader; consuming starts again after a reconnect. */
static void receive_cancel(struct link *link, amqp_channel_t channel, const void *decoded)
{
    const amqp_basic_cancel_t *cancel = decoded;
    (void)channel;
    const struct str queue = queue_of(link, cancel->consumer_tag);
    link_lose(link, "the broker cancelled the consumer of queue %.*s: it was deleted or moved",
              STR_FMT(queue));
}

static void answer(struct link *link, amqp_channel_t channel, amqp_method_number_t id)
{
    amqp_channel_close_ok_t nothing = {0}; /* close-ok methods carry no field */
    if (!frames_add_method(&link->out, channel, id, &nothing))
        panic("method %#x does not fit in a frame", id);
}

/* A refused request closes its channel; on a channel that nobody asked anything it is a loss. */
static void receive_channel_close(struct link *link, amqp_channel_t channel, const void *decoded)
{
    const amqp_channel_close_t *closed = decoded;
    const struct str text = str_of_bytes(closed->reply_text);
    answer(link, channel, AMQP_CHANNEL_CLOSE_OK_METHOD);
    delivery_free(link->incoming[channel].delivery);
    link->incoming[channel] = (struct incoming){0};
    if (link->call.reply && link->call.channel == channel) {
        link->call.done = true;
        link->call.refused = closed->reply_code;
        snprintf(link->call.refusal, sizeof(link->call.refusal), "%.*s", STR_FMT(text));
        return;
    }
    link_write_some(link);
    link_lose(link, "the broker closed the channel: %.*s", STR_FMT(text));
}

static void receive_connection_close(struct link *link, amqp_channel_t channel, const void *decoded)
{
    const amqp_connection_close_t *closed = decoded;
    const struct str text = str_of_bytes(closed->reply_text);
    answer(link, channel, AMQP_CONNECTION_CLOSE_OK_METHOD);
    link_write_some(link);
    link_lose(link, "the broker closed the connection: %.*s", STR_FMT(text));
}

static void receive_blocked(struct link *link, amqp_channel_t channel, const void *decoded)
{
    (void)channel, (void)decoded;
    link->blocked = true;
}

static void receive_unblocked(struct link *link, amqp_channel_t channel, const void *decoded)
{
    (void)channel, (void)decoded;
    link->blocked = false;
}

struct method_receiver {
    amqp_method_number_t id;
    void (*receive)(struct link *link, amqp_channel_t channel, const void *decoded);
};

/* The most frequent first. */
static const struct method_receiver method_receivers[] = {
    {AMQP_BASIC_DELIVER_METHOD, start_delivery},
    {AMQP_BASIC_ACK_METHOD, receive_ack},
    {AMQP_BASIC_NACK_METHOD, receive_nack},
    {AMQP_BASIC_RETURN_METHOD, start_return},
    {AMQP_BASIC_CANCEL_METHOD, receive_cancel},
    {AMQP_CHANNEL_CLOSE_METHOD, receive_channel_close},
    {AMQP_CONNECTION_CLOSE_METHOD, receive_connection_close},
    {AMQP_CONNECTION_BLOCKED_METHOD, receive_blocked},
    {AMQP_CONNECTION_UNBLOCKED_METHOD, receive_unblocked},
};

static bool is_awaited(const struct link_call *call, const amqp_frame_t *frame)
{
    return call->reply == frame->payload.method.id && call->channel == frame->channel;
}

static void receive_reply(struct link_call *call, const amqp_method_t *method)
{
    call->done = true;
    if (method->id == AMQP_QUEUE_DECLARE_OK_METHOD)
        call->message_count = ((const amqp_queue_declare_ok_t *)method->decoded)->message_count;
}

static void receive_method(struct link *link, const amqp_frame_t *frame)
{
    const amqp_method_t *method = &frame->payload.method;
    if (is_awaited(&link->call, frame)) {
        receive_reply(&link->call, method);
        return;
    }
    /* What it names lives in the pool of its channel, and that of channel 0 is not kept. */
    if (frame->channel == 0 && method->id >> 16 == AMQP_BASIC_CLASS) {
        link_lose(link, "the broker sent method %#x on channel 0", method->id);
        return;
    }
    for (size_t i = 0; i < sizeof(method_receivers) / sizeof(method_receivers[0]); i++)
        if (method_receivers[i].id == method->id) {
            method_receivers[i].receive(link, frame->channel, method->decoded);
            return;
        }
    link_lose(link, "the broker sent method %#x, which nobody awaits", method->id);
}

void link_receive(struct link *link, const amqp_frame_t *frame)
{
    if (frame->channel > LINK_CHANNELS)
        link_lose(link, "the broker sent a frame for channel %d, which is not open",
                  frame->channel);
    else if (frame->frame_type == AMQP_FRAME_METHOD)
        receive_method(link, frame);
    else if (frame->frame_type == AMQP_FRAME_HEADER)
        receive_header(link, frame);
    else if (frame->frame_type == AMQP_FRAME_BODY)
        receive_body(link, frame);
    /* What remains is a heartbeat, and link_read has noted the time already. */
}

/* Between a method and its header the strings still live in the library's pool. */
static bool needs_pool(const struct link *link)
{
    for (size_t channel = 1; channel <= LINK_CHANNELS; channel++)
        if (link->incoming[channel].awaits_header)
            return true;
    return false;
}

void link_feed(struct link *link, uint8_t *bytes, size_t len)
{
    while (len > 0 && !link->lost) {
        if (!needs_pool(link))
            amqp_maybe_release_buffers(link->state);
        amqp_frame_t frame;
        const int used = amqp_handle_input(link->state, (amqp_bytes_t){len, bytes}, &frame);
        if (used < 0) {
            link_lose(link, "the broker sent what is no AMQP: %s", amqp_error_string2(used));
            return;
        }
        bytes += used;
        len -= (size_t)used;
        if (frame.frame_type != 0)
            link_receive(link, &frame);
    }
}
