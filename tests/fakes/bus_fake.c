/* bus_fake.c - bus.h in memory, with no surprises: one thread, no clock, no randomness.
 *
 * What the real broker does between a flush and its confirms happens here within the flush.
 * Acknowledging a delivery twice, which makes RabbitMQ close the channel, ends the test at once. */
#include "fakes/bus_fake.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/fields.h"
#include "bus/bus_confirms.h"
#include "fakes/bus_routes_fake.h"
#include "wire/json.h"

/* A call that waits for the flush: a publish, or the acknowledgement of a delivery. */
struct fake_call {
    struct fake_call *next;
    struct delivery *publish; /* NULL: the call acknowledges a delivery */
    bool mandatory;
    uint64_t publish_tag; /* 0: no group */
    bool may_be_unroutable;
    uint64_t tag;
    bool multiple;
};

/* What all connections share. */
struct fake_broker {
    struct arena arena;
    struct fake_routes routes;
    struct bus_fake *first; /* of all connections, in order of their latest subscription */
};

#define NO_CUT SIZE_MAX

/* One connection. */
struct bus_fake {
    struct bus bus;
    struct fake_broker *broker;
    struct bus_fake *next;      /* the next connection to the broker */
    struct fake_routes *routes; /* the broker's */
    struct fake_call *calls;    /* in the order in which they were made */
    struct confirms confirms;
    const char *lost;               /* the reason, or NULL */
    int fail_after[BUS_FAKE_CALLS]; /* calls left until one fails; 0: none fails */
    size_t cut_after;               /* calls that the next flush still carries out; or NO_CUT */
    bool withholds;                 /* the broker takes what is published and confirms nothing */
    struct str forbidden;           /* the name of a queue; absent: none */
    LIST(struct fake_queue *) consumed;
    int prefetch;
    uint32_t epoch;
    uint64_t last_tag;
    uint64_t returned;
    char unroutable[BUS_ROUTE_MAX];
    size_t renewals;
};

static struct bus_fake *fake_of(struct bus *bus)
{
    return (struct bus_fake *)(void *)bus;
}

static const struct bus_fake *const_fake_of(const struct bus *bus)
{
    return (const struct bus_fake *)(const void *)bus;
}

static enum outcome lost(const struct bus_fake *fake, struct err *err)
{
    return err_retry(err, "connection to the broker lost: %s", fake->lost);
}

/* --- connecting ----------------------------------------------------------------------------- */

static void drop_calls(struct bus_fake *fake)
{
    for (struct fake_call *call = fake->calls, *next; call; call = next) {
        next = call->next;
        delivery_free(call->publish);
        free(call);
    }
    fake->calls = NULL;
}

static void give_back_from(struct bus_fake *fake, struct fake_queue *queue)
{
    struct fake_message **at = &queue->unacked.first;
    while (*at)
        if ((*at)->holder == fake)
            routes_give_back(fake->routes, queue, messages_remove(&queue->unacked, at));
        else
            at = &(*at)->next;
}

/* Gives back everything that was delivered to this connection and not settled. */
static void give_back_all(struct bus_fake *fake)
{
    for (struct fake_queue *queue = fake->routes->queues; queue; queue = queue->next)
        give_back_from(fake, queue);
}

/* Gives up the connection's turn at all queues, so that another consumer may have it. */
static void step_back(struct bus_fake *fake)
{
    for (struct fake_queue *queue = fake->routes->queues; queue; queue = queue->next)
        if (queue->active == fake)
            queue->active = NULL;
}

static void leave_list(struct bus_fake *fake)
{
    struct bus_fake **at = &fake->broker->first;
    while (*at != fake)
        at = &(*at)->next;
    *at = fake->next;
}

static void join_list(struct bus_fake *fake)
{
    struct bus_fake **end = &fake->broker->first;
    while (*end)
        end = &(*end)->next;
    fake->next = NULL;
    *end = fake;
}

static void lose(struct bus_fake *fake, const char *reason)
{
    fake->lost = reason;
    give_back_all(fake);
    step_back(fake);
}

static void close_broker(struct fake_broker *broker)
{
    for (struct fake_queue *queue = broker->routes.queues; queue; queue = queue->next) {
        messages_free(&queue->ready);
        messages_free(&queue->unacked);
    }
    arena_release(&broker->arena);
    free(broker);
}

static void fake_close(struct bus *bus)
{
    struct bus_fake *fake = fake_of(bus);
    drop_calls(fake);
    give_back_all(fake);
    step_back(fake);
    confirms_release(&fake->confirms);
    leave_list(fake);
    if (!fake->broker->first)
        close_broker(fake->broker);
    free(fake);
}

static void fake_disconnect(struct bus *bus)
{
    struct bus_fake *fake = fake_of(bus);
    drop_calls(fake);
    lose(fake, "closed");
}

/* Moves the connection behind all that consume already. */
static void queue_up(struct bus_fake *fake)
{
    leave_list(fake);
    join_list(fake);
}

static enum outcome fake_reconnect(struct bus *bus, struct err *err)
{
    struct bus_fake *fake = fake_of(bus);
    (void)err; /* the broker in memory is always there */
    fake_disconnect(bus);
    confirms_reset(&fake->confirms);
    fake->epoch++;
    fake->cut_after = NO_CUT;
    fake->last_tag = 0;
    fake->lost = NULL;
    queue_up(fake);
    return OUTCOME_DONE;
}

static int64_t fake_frame_offered(const struct bus *bus)
{
    (void)bus;
    return BUS_FRAME_MAX;
}

static const char *fake_lost_reason(const struct bus *bus)
{
    const struct bus_fake *fake = const_fake_of(bus);
    return fake->lost ? fake->lost : "";
}

/* True when the connection is lost, perhaps by this call (bus_fake_fail). */
static bool must_fail(struct bus_fake *fake, enum bus_fake_call call)
{
    if (fake->fail_after[call] > 0 && --fake->fail_after[call] == 0)
        lose(fake, "cut by the test");
    return fake->lost != NULL;
}

static enum outcome fake_declare(struct bus *bus, const struct bus_topology *topology,
                                 struct err *err)
{
    return routes_declare(fake_of(bus)->routes, topology, err);
}

static enum outcome fake_queue_depth(struct bus *bus, struct str name, int64_t *out,
                                     struct err *err)
{
    const struct fake_queue *queue = routes_queue(fake_of(bus)->routes, name);
    if (!queue)
        return err_refuse(err, E_NOT_FOUND, "no queue %.*s", STR_FMT(name));
    *out = (int64_t)queue->ready.count;
    return OUTCOME_DONE;
}

/* --- consuming ------------------------------------------------------------------------------ */

static enum outcome fake_consume(struct bus *bus, const struct str *queues, size_t count,
                                 int prefetch, struct err *err)
{
    struct bus_fake *fake = fake_of(bus);
    if (fake->lost)
        return lost(fake, err);
    struct fake_queue **consumed = arena_array(fake->routes->arena, count, sizeof(*consumed));
    for (size_t i = 0; i < count; i++) {
        struct fake_queue *queue = routes_queue(fake->routes, queues[i]);
        if (!queue) {
            lose(fake, "the channel was closed: no such queue");
            return err_retry(err, "cannot consume: no queue %.*s", STR_FMT(queues[i]));
        }
        consumed[i] = queue;
    }
    fake->consumed.items = consumed;
    fake->consumed.count = count;
    fake->prefetch = prefetch;
    step_back(fake);
    queue_up(fake);
    return OUTCOME_DONE;
}

static enum outcome fake_cancel(struct bus *bus, struct err *err)
{
    struct bus_fake *fake = fake_of(bus);
    fake->consumed.count = 0;
    step_back(fake); /* unacknowledged messages stay here; the next consumer does not wait */
    return fake->lost ? lost(fake, err) : OUTCOME_DONE;
}

static bool has_credit(const struct bus_fake *fake, const struct fake_queue *queue)
{
    int held = 0;
    for (const struct fake_message *message = queue->unacked.first; message;
         message = message->next)
        held += message->holder == fake;
    return held < fake->prefetch;
}

static bool consumes(const struct bus_fake *fake, const struct fake_queue *queue)
{
    for (size_t i = 0; i < fake->consumed.count && !fake->lost; i++)
        if (fake->consumed.items[i] == queue)
            return true;
    return false;
}

/* The connection that subscribed first gets the messages as long as it stays. */
static bool has_turn(const struct bus_fake *fake, struct fake_queue *queue)
{
    const struct bus_fake *first = fake->broker->first;
    while (first && !consumes(first, queue))
        first = first->next;
    if (!queue->active)
        queue->active = first;
    return !queue->spec.single_active || queue->active == fake;
}

/* The queue whose oldest message is the oldest of all that may be delivered. */
static struct fake_queue *next_queue(const struct bus_fake *fake)
{
    struct fake_queue *best = NULL;
    for (size_t i = 0; i < fake->consumed.count; i++) {
        struct fake_queue *queue = fake->consumed.items[i];
        if (queue->ready.first && (!best || queue->ready.first->seq < best->ready.first->seq) &&
            has_credit(fake, queue) && has_turn(fake, queue))
            best = queue;
    }
    return best;
}

static enum bus_event fake_next(struct bus *bus, int timeout_ms, struct delivery **out)
{
    struct bus_fake *fake = fake_of(bus);
    (void)timeout_ms; /* nothing arrives while we wait */
    if (must_fail(fake, BUS_FAKE_NEXT))
        return BUS_CLOSED;
    struct fake_queue *queue = next_queue(fake);
    if (!queue)
        return BUS_IDLE;
    struct fake_message *message = messages_remove(&queue->ready, &queue->ready.first);
    messages_insert(&queue->unacked, message);
    message->holder = fake;
    message->tag = ++fake->last_tag;
    message->delivery->tag = message->tag;
    message->delivery->epoch = fake->epoch;
    *out = delivery_copy(message->delivery);
    return BUS_MESSAGE;
}

static void beat_nothing(struct bus *bus)
{
    (void)bus;
}

/* Queues of the fake are never deleted, so only the connection's turn changes. */
static enum outcome fake_renew(struct bus *bus, struct err *err)
{
    (void)err;
    struct bus_fake *fake = fake_of(bus);
    fake->renewals++;
    step_back(fake);
    queue_up(fake);
    return OUTCOME_DONE;
}

static void watch_nothing(struct bus *bus, int fd)
{
    (void)bus;
    (void)fd; /* bus_next never waits */
}

/* --- calls that wait for the flush ----------------------------------------------------------- */

static void add_call(struct bus_fake *fake, const struct fake_call *from)
{
    struct fake_call *call = malloc(sizeof(*call));
    if (!call)
        panic("out of memory for a call");
    *call = *from;
    struct fake_call **end = &fake->calls;
    while (*end)
        end = &(*end)->next;
    *end = call;
}

static void fake_ack(struct bus *bus, const struct delivery *delivery, bool multiple)
{
    struct bus_fake *fake = fake_of(bus);
    if (delivery->epoch == fake->epoch)
        add_call(fake, &(struct fake_call){.tag = delivery->tag, .multiple = multiple});
}

static int64_t or_missing(int64_t value)
{
    return value > 0 ? value : -1;
}

static struct str header_of(const struct bus_message *message, const char *name)
{
    for (size_t i = 0; i < message->header_count; i++)
        if (strcmp(message->headers[i].name, name) == 0)
            return message->headers[i].value;
    return STR_ABSENT;
}

/* Reads a number that was sent as text. */
static void read_number(struct delivery *delivery, const struct bus_message *message,
                        const char *name, int64_t *out)
{
    const struct str text = header_of(message, name);
    if (!str_is_absent(text) && (!str_to_int64(text, out) || *out < 0))
        delivery->odd_header = name;
}

/* The delivery that a consumer would see; its strs still belong to the message. */
static struct delivery delivery_of(const struct bus_message *message)
{
    struct delivery delivery = {
        .exchange = message->exchange,
        .routing_key = message->routing_key,
        .body = message->body,
        .message_id = message->message_id,
        .correlation_id = message->correlation_id,
        .reply_to = message->reply_to,
        .content_type =
            str_is_absent(message->content_type) ? STR("application/json") : message->content_type,
        .content_encoding = message->content_encoding,
        .type = message->type,
        .deadline = or_missing(message->deadline),
        .status = or_missing(message->status),
        .retry_after_ms = or_missing(message->retry_after_ms),
        .expiration = or_missing(message->expiration),
        .timestamp = or_missing(message->timestamp),
        .attempt = message->attempt > 0 ? message->attempt : 0,
    };
#define READ_HEADER(member, header) delivery.member = header_of(message, header);
#define TAKE_HEADER(member, header) delivery.member = message->member;
    DELIVERY_HEADERS(READ_HEADER)
    MESSAGE_HEADERS(TAKE_HEADER)
#undef READ_HEADER
#undef TAKE_HEADER
    read_number(&delivery, message, "deadline", &delivery.deadline);
    if (delivery.partition_key.len > PARTITION_KEY_MAX)
        delivery.partition_key = STR_ABSENT;
    return delivery;
}

static void put_header(struct json_writer *writer, const char *name, struct str value)
{
    if (str_is_absent(value))
        return;
    json_put_name(writer, str_of(name));
    json_put_str(writer, value);
}

static void put_number(struct json_writer *writer, const char *name, int64_t value)
{
    if (value <= 0)
        return;
    json_put_name(writer, str_of(name));
    json_put_int(writer, value);
}

/* All headers, as the real broker would deliver them. */
static struct str headers_of(struct fake_broker *broker, const struct bus_message *message)
{
    struct text text;
    text_init(&text, &broker->arena, 512);
    struct json_writer writer;
    json_writer_init(&writer, &text);
    json_open_object(&writer);
#define PUT_HEADER(member, header) put_header(&writer, header, message->member);
    MESSAGE_HEADERS(PUT_HEADER)
#undef PUT_HEADER
    put_number(&writer, "status", message->status);
    put_number(&writer, "retry-after-ms", message->retry_after_ms);
    put_number(&writer, "x-attempt", message->attempt);
    put_number(&writer, "deadline", message->deadline);
    for (size_t i = 0; i < message->header_count; i++)
        put_header(&writer, message->headers[i].name, message->headers[i].value);
    json_close_object(&writer);
    return text_str(&text);
}

/* Like delivery_of, with all headers if the test asked for them (bus_fake_keep_headers). */
static struct delivery full_delivery_of(struct bus_fake *fake, const struct bus_message *message)
{
    struct delivery delivery = delivery_of(message);
    if (fake->broker->routes.keep_headers)
        delivery.headers = headers_of(fake->broker, message);
    return delivery;
}

static void fake_publish(struct bus *bus, const struct bus_message *message, uint64_t group)
{
    struct bus_fake *fake = fake_of(bus);
    const struct delivery delivery = full_delivery_of(fake, message);
    add_call(fake, &(struct fake_call){
                       .publish = delivery_copy(&delivery),
                       .mandatory = message->mandatory,
                       .may_be_unroutable = message->may_be_unroutable,
                       .publish_tag = group ? confirms_next_tag(&fake->confirms) : 0,
                   });
    if (group)
        confirms_add(&fake->confirms, group);
}

/* --- the flush ------------------------------------------------------------------------------ */

static void apply_publish(struct bus_fake *fake, const struct fake_call *call)
{
    if (!routes_has_exchange(fake->routes, call->publish->exchange)) {
        lose(fake, "the channel was closed: published to an exchange that does not exist");
        return;
    }
    if (!str_is_absent(fake->forbidden) && str_eq(call->publish->routing_key, fake->forbidden)) {
        lose(fake, "cut off: published to a queue that the test forbids");
        return;
    }
    const enum fate fate = routes_publish(fake->routes, call->publish);
    const bool came_back = fate == UNROUTABLE && call->mandatory;
    if (came_back)
        fake->returned++;
    if (came_back && call->may_be_unroutable)
        snprintf(fake->unroutable, sizeof(fake->unroutable), "%.*s %.*s",
                 STR_FMT(call->publish->exchange), STR_FMT(call->publish->routing_key));
    const bool failed = fate == REJECTED || (came_back && !call->may_be_unroutable);
    if (call->publish_tag && !fake->withholds)
        confirms_settle(&fake->confirms, call->publish_tag, false, !failed);
}

/* Settles all unacknowledged messages of a queue that the call names; returns how many. */
static size_t settle_in(struct bus_fake *fake, struct fake_queue *queue,
                        const struct fake_call *call)
{
    size_t settled = 0;
    struct fake_message **at = &queue->unacked.first;
    while (*at) {
        const uint64_t tag = (*at)->tag;
        if ((*at)->holder != fake || (tag != call->tag && !(call->multiple && tag < call->tag))) {
            at = &(*at)->next;
            continue;
        }
        fake_message_free(messages_remove(&queue->unacked, at));
        settled++;
    }
    return settled;
}

static void apply_settle(struct bus_fake *fake, const struct fake_call *call)
{
    size_t settled = 0;
    for (struct fake_queue *queue = fake->routes->queues; queue; queue = queue->next)
        settled += settle_in(fake, queue, call);
    if (settled == 0)
        panic("delivery %" PRIu64 " was settled twice", call->tag);
}

/* Counts a call of a flush that is to be cut; false when the connection is cut here. */
static bool may_go_on(struct bus_fake *fake)
{
    if (fake->cut_after == NO_CUT || fake->cut_after-- > 0)
        return true;
    lose(fake, "cut by the test");
    return false;
}

static enum outcome fake_flush(struct bus *bus, struct err *err)
{
    struct bus_fake *fake = fake_of(bus);
    if (must_fail(fake, BUS_FAKE_FLUSH))
        return lost(fake, err);
    for (const struct fake_call *call = fake->calls; call && !fake->lost; call = call->next)
        if (call->publish && may_go_on(fake))
            apply_publish(fake, call);
    for (const struct fake_call *call = fake->calls; call && !fake->lost; call = call->next)
        if (!call->publish && may_go_on(fake))
            apply_settle(fake, call);
    if (!fake->lost && fake->cut_after != NO_CUT)
        lose(fake, "cut by the test");
    drop_calls(fake);
    return fake->lost ? lost(fake, err) : OUTCOME_DONE;
}

static bool fake_confirmed(struct bus *bus, struct bus_confirm *out)
{
    return confirms_take(&fake_of(bus)->confirms, out);
}

static bool fake_wait_confirms(struct bus *bus, int timeout_ms)
{
    (void)timeout_ms; /* open groups stay open: not flushed, withheld, or the connection is lost */
    return !confirms_any_open(&fake_of(bus)->confirms);
}

static uint64_t fake_settled(const struct bus *bus)
{
    return const_fake_of(bus)->confirms.settled;
}

static bool fake_is_blocked(const struct bus *bus)
{
    (void)bus; /* memory does not raise alarms */
    return false;
}

static bool fake_unroutable(struct bus *bus, char out[BUS_ROUTE_MAX])
{
    char *unroutable = fake_of(bus)->unroutable;
    if (!unroutable[0])
        return false;
    memcpy(out, unroutable, BUS_ROUTE_MAX);
    unroutable[0] = '\0';
    return true;
}

static uint64_t fake_returned(const struct bus *bus)
{
    return const_fake_of(bus)->returned;
}

static const struct bus_ops fake_ops = {
    .close = fake_close,
    .disconnect = fake_disconnect,
    .reconnect = fake_reconnect,
    .frame_offered = fake_frame_offered,
    .lost_reason = fake_lost_reason,
    .declare = fake_declare,
    .consume = fake_consume,
    .cancel = fake_cancel,
    .next = fake_next,
    .beat = beat_nothing,
    .renew = fake_renew,
    .watch = watch_nothing,
    .ack = fake_ack,
    .publish = fake_publish,
    .flush = fake_flush,
    .confirmed = fake_confirmed,
    .wait_confirms = fake_wait_confirms,
    .settled = fake_settled,
    .is_blocked = fake_is_blocked,
    .returned = fake_returned,
    .unroutable = fake_unroutable,
    .queue_depth = fake_queue_depth,
};

/* --- the test's side ------------------------------------------------------------------------ */

static struct bus *connect_to(struct fake_broker *broker)
{
    struct bus_fake *fake = calloc(1, sizeof(*fake));
    if (!fake)
        panic("out of memory for a bus");
    fake->bus.ops = &fake_ops;
    fake->broker = broker;
    fake->routes = &broker->routes;
    fake->cut_after = NO_CUT;
    fake->forbidden = STR_ABSENT;
    confirms_init(&fake->confirms);
    join_list(fake);
    return &fake->bus;
}

struct bus *bus_fake_open(void)
{
    struct fake_broker *broker = calloc(1, sizeof(*broker));
    if (!broker)
        panic("out of memory for a broker");
    arena_init(&broker->arena, 16 * 1024);
    broker->routes.arena = &broker->arena;
    return connect_to(broker);
}

struct bus *bus_fake_join(struct bus *bus)
{
    return connect_to(fake_of(bus)->broker);
}

void bus_fake_keep_headers(struct bus *bus)
{
    fake_of(bus)->routes->keep_headers = true;
}

bool bus_fake_send(struct bus *bus, const struct bus_message *message)
{
    struct bus_fake *fake = fake_of(bus);
    const struct delivery delivery = full_delivery_of(fake, message);
    if (message->reply_to.len && !routes_queue(fake->routes, message->reply_to))
        routes_add_queue(fake->routes, &(struct bus_queue){.name = message->reply_to});
    return routes_publish(fake->routes, &delivery) == ROUTED;
}

struct delivery *bus_fake_take(struct bus *bus, struct str name)
{
    struct fake_queue *queue = routes_queue(fake_of(bus)->routes, name);
    if (!queue || !queue->ready.first)
        return NULL;
    struct fake_message *message = messages_remove(&queue->ready, &queue->ready.first);
    struct delivery *delivery = message->delivery;
    free(message);
    return delivery;
}

size_t bus_fake_depth(const struct bus *bus, struct str name)
{
    const struct fake_queue *queue = routes_queue(const_fake_of(bus)->routes, name);
    return queue ? queue->ready.count : 0;
}

void bus_fake_limit(struct bus *bus, struct str name, int64_t length)
{
    routes_queue(fake_of(bus)->routes, name)->spec.length_max = length;
}

size_t bus_fake_unacked(const struct bus *bus)
{
    size_t count = 0;
    for (const struct fake_queue *queue = const_fake_of(bus)->routes->queues; queue;
         queue = queue->next)
        count += queue->unacked.count;
    return count;
}

void bus_fake_advance(struct bus *bus, int64_t ms)
{
    routes_advance(fake_of(bus)->routes, ms);
}

void bus_fake_fail(struct bus *bus, enum bus_fake_call call, int nth)
{
    fake_of(bus)->fail_after[call] = nth;
}

void bus_fake_lose(struct bus *bus, const char *reason)
{
    lose(fake_of(bus), reason);
}

void bus_fake_cut(struct bus *bus, size_t calls)
{
    fake_of(bus)->cut_after = calls;
}

void bus_fake_withhold(struct bus *bus)
{
    fake_of(bus)->withholds = true;
}

void bus_fake_confirm_oldest(struct bus *bus)
{
    struct confirms *confirms = &fake_of(bus)->confirms;
    confirms_settle(confirms, confirms->first_tag, false, true);
}

void bus_fake_forbid(struct bus *bus, struct str queue)
{
    struct bus_fake *fake = fake_of(bus);
    fake->forbidden = str_dup(&fake->broker->arena, queue);
}

size_t bus_fake_renewals(const struct bus *bus)
{
    return const_fake_of(bus)->renewals;
}

size_t bus_fake_calls(const struct bus *bus)
{
    size_t count = 0;
    for (const struct fake_call *call = const_fake_of(bus)->calls; call; call = call->next)
        count++;
    return count;
}
