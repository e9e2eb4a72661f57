/* bus_amqp_receive.c - handles every kind of frame that the broker sends.
 *
 * A delivery is decoded into one block: strings are copied once, out of the frame, when the header
 * frame says how large the body is; body frames then go straight to their place. */
#include <endian.h>
#include <stdio.h>

#include "bus/bus_amqp.h"
#include "bus/delivery_list.h"

/* Handles the library's status for a frame. Nonsense from the broker loses the link; a lack of
 * memory is not the broker's fault. */
static void decoding(struct link *link, int status)
{
    if (status == AMQP_STATUS_NO_MEMORY)
        panic("out of memory for a frame");
    if (status < 0)
        link_lose(link, "the broker sent what is no AMQP: %s", amqp_error_string2(status));
}

/* --- contents: deliveries and returned messages --------------------------------------------- */

/* The remainder of a consumer tag is an index into the names of the owner's queues. */
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

/* Copies a name out of its frame, which the next frame overwrites. AMQP's short strings are no
 * longer than NAME_MAX_BYTES. */
static struct str keep_name(char room[NAME_MAX_BYTES + 1], amqp_bytes_t name)
{
    const size_t len = name.len < NAME_MAX_BYTES ? name.len : NAME_MAX_BYTES;
    memcpy(room, str_of_bytes(name).ptr, len);
    return (struct str){room, len};
}

static void keep_names(struct incoming *incoming, amqp_bytes_t exchange, amqp_bytes_t routing_key)
{
    incoming->partial.exchange = keep_name(incoming->exchange, exchange);
    incoming->partial.routing_key = keep_name(incoming->routing_key, routing_key);
}

static void start_delivery(struct link *link, amqp_channel_t channel, const void *decoded)
{
    const amqp_basic_deliver_t *deliver = decoded;
    struct incoming *incoming = start_content(link, channel);
    incoming->partial.tag = deliver->delivery_tag;
    incoming->partial.queue = queue_of(link, deliver->consumer_tag);
    incoming->partial.redelivered = deliver->redelivered;
    keep_names(incoming, deliver->exchange, deliver->routing_key);
}

static void start_return(struct link *link, amqp_channel_t channel, const void *decoded)
{
    const amqp_basic_return_t *returned = decoded;
    struct incoming *incoming = start_content(link, channel);
    incoming->is_returned = true;
    keep_names(incoming, returned->exchange, returned->routing_key);
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

/* Cuts the headers out of the payload, so that the library does not decode them. */
static void drop_table(struct link *link, struct frame *frame, struct table_place table)
{
    const size_t to = table.to < frame->size ? (size_t)table.to : frame->size;
    memmove(frame->payload + table.from, frame->payload + to, frame->size - to);
    frame->size -= to - table.from;
    table_deny(frame->payload);
    link->headers_fault = HEADERS_UNREADABLE;
}

static void look_at_table(struct link *link, struct frame *frame)
{
    struct table_place table;
    if (!table_find(frame->payload, frame->size, &table))
        return;
    const size_t contents = table.from + sizeof(uint32_t);
    if (table.to > frame->size ||
        !table_is_readable(frame->payload + contents, (size_t)table.to - contents))
        drop_table(link, frame, table);
}

static uint64_t body_size_of(const struct frame *frame)
{
    uint64_t size;
    memcpy(&size, frame->payload + 4, sizeof(size));
    return be64toh(size);
}

static uint16_t class_of(const struct frame *frame)
{
    return (uint16_t)(frame->payload[0] << 8 | frame->payload[1]);
}

/* NULL when the link is lost. */
static const amqp_basic_properties_t *decode_header(struct link *link, struct frame *frame)
{
    void *decoded = NULL;
    if (frame->size < CONTENT_HEAD) {
        link_lose(link, "the broker sent a content header that is too short");
        return NULL;
    }
    /* The library has a different type for the properties of each class. */
    if (class_of(frame) != AMQP_BASIC_CLASS) {
        link_lose(link, "the broker sent a content header of class %d", class_of(frame));
        return NULL;
    }
    look_at_table(link, frame);
    const amqp_bytes_t properties = {frame->size - CONTENT_HEAD, frame->payload + CONTENT_HEAD};
    decoding(link, amqp_decode_properties(AMQP_BASIC_CLASS, &link->pool, properties, &decoded));
    return link->lost ? NULL : decoded;
}

static void begin_body(struct link *link, struct incoming *incoming, uint64_t size)
{
    incoming->awaits_header = false;
    incoming->body_left = size;
    if (size > link->options.body_max)
        incoming->partial.too_large = true;
}

static void receive_header(struct link *link, const struct frame *received)
{
    struct frame frame = *received;
    struct incoming *incoming = &link->incoming[frame.channel];
    if (!incoming->awaits_header) {
        link_lose(link, "the broker sent a content header without its method");
        return;
    }
    const amqp_basic_properties_t *properties = decode_header(link, &frame);
    if (!properties)
        return;
    struct header_room room = {0};
    read_properties(&incoming->partial, properties, &room);
    if (link->headers_fault)
        incoming->partial.headers_fault = link->headers_fault;
    link->headers_fault = HEADERS_FINE;
    if (incoming->is_returned)
        incoming->partial.tag = publish_tag_of(properties);
    begin_body(link, incoming, body_size_of(&frame));
    incoming->delivery = link->options.keep_headers ? make_with_headers(incoming, properties)
                                                    : make_delivery(incoming);
    if (incoming->body_left == 0)
        finish_content(link, incoming);
}

static void receive_body(struct link *link, const struct frame *frame)
{
    struct incoming *incoming = &link->incoming[frame->channel];
    if (!incoming->delivery || frame->size > incoming->body_left) {
        link_lose(link, "the broker sent more body than it announced");
        return;
    }
    if (!incoming->delivery->too_large) {
        memcpy(delivery_body(incoming->delivery) + incoming->body_len, frame->payload, frame->size);
        incoming->body_len += frame->size;
    }
    incoming->body_left -= frame->size;
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

/* The queue was deleted or lost its leader; a reconnect starts consuming again. */
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
    amqp_channel_close_ok_t nothing = {0}; /* close-ok methods have no fields */
    if (!frames_add_method(&link->out, channel, id, &nothing))
        panic("method %#x does not fit in a frame", id);
}

/* The broker closes a channel to refuse a request on it; when no request is pending there, the link
 * is lost. */
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
    link->close_code = closed->reply_code;
    answer(link, channel, AMQP_CONNECTION_CLOSE_OK_METHOD);
    link_write_some(link);
    link_lose(link, "the broker closed the connection: %.*s", STR_FMT(text));
}

static void receive_probed(struct link *link, amqp_channel_t channel, const void *decoded)
{
    (void)decoded;
    if (link->probes-- == 0)
        link_lose(link, "the broker answers on channel %d what nobody asked", channel);
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

/* The most frequent methods come first. */
static const struct method_receiver method_receivers[] = {
    {AMQP_BASIC_DELIVER_METHOD, start_delivery},
    {AMQP_BASIC_ACK_METHOD, receive_ack},
    {AMQP_BASIC_NACK_METHOD, receive_nack},
    {AMQP_BASIC_RETURN_METHOD, start_return},
    {AMQP_BASIC_CANCEL_METHOD, receive_cancel},
    {AMQP_BASIC_QOS_OK_METHOD, receive_probed},
    {AMQP_CHANNEL_CLOSE_METHOD, receive_channel_close},
    {AMQP_CONNECTION_CLOSE_METHOD, receive_connection_close},
    {AMQP_CONNECTION_BLOCKED_METHOD, receive_blocked},
    {AMQP_CONNECTION_UNBLOCKED_METHOD, receive_unblocked},
};

static const struct method_receiver *receiver_of(amqp_method_number_t id)
{
    for (size_t i = 0; i < sizeof(method_receivers) / sizeof(method_receivers[0]); i++)
        if (method_receivers[i].id == id)
            return &method_receivers[i];
    return NULL;
}

static bool is_awaited(const struct link_call *call, amqp_channel_t channel,
                       amqp_method_number_t id)
{
    return call->reply && call->reply == id && call->channel == channel;
}

static void receive_reply(struct link_call *call, amqp_method_number_t id, const void *decoded)
{
    call->done = true;
    if (id == AMQP_QUEUE_DECLARE_OK_METHOD)
        call->message_count = ((const amqp_queue_declare_ok_t *)decoded)->message_count;
    if (id == AMQP_CONNECTION_START_METHOD)
        call->server_major =
            major_version(&((const amqp_connection_start_t *)decoded)->server_properties);
    if (id == AMQP_CONNECTION_TUNE_METHOD)
        call->tune = *(const amqp_connection_tune_t *)decoded;
}

static void receive_method(struct link *link, const struct frame *frame)
{
    void *decoded = NULL;
    uint32_t id = 0;
    if (frame->size >= sizeof(id))
        memcpy(&id, frame->payload, sizeof(id));
    id = be32toh(id);
    const struct method_receiver *receiver = receiver_of(id);
    const bool awaited = is_awaited(&link->call, frame->channel, id);
    if (!awaited && !receiver) {
        link_lose(link, "the broker sent method %#x, which nobody awaits", id);
        return;
    }
    /* Messages never come on channel 0. */
    if (frame->channel == 0 && id >> 16 == AMQP_BASIC_CLASS) {
        link_lose(link, "the broker sent method %#x on channel 0", id);
        return;
    }
    const amqp_bytes_t rest = {frame->size - sizeof(id), frame->payload + sizeof(id)};
    decoding(link, amqp_decode_method(id, &link->pool, rest, &decoded));
    if (link->lost)
        return;
    if (awaited)
        receive_reply(&link->call, id, decoded);
    else
        receiver->receive(link, frame->channel, decoded);
}

void link_receive(struct link *link, const struct frame *frame)
{
    if (frame->channel > LINK_CHANNELS)
        link_lose(link, "the broker sent a frame for channel %d, which is not open",
                  frame->channel);
    else if (frame->type == AMQP_FRAME_METHOD)
        receive_method(link, frame);
    else if (frame->type == AMQP_FRAME_HEADER)
        receive_header(link, frame);
    else if (frame->type == AMQP_FRAME_BODY)
        receive_body(link, frame);
    else if (frame->type != AMQP_FRAME_HEARTBEAT) /* link_read has already noted the time */
        link_lose(link, "the broker sent what is no AMQP: a frame of type %d", frame->type);
    recycle_amqp_pool(&link->pool);
}
