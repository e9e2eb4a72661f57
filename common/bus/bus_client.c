/* bus_client.c - requests and replies over one link, many in flight.
 *
 * Direct reply-to demands that the replies are consumed, without acknowledgements, on the channel
 * that publishes the requests. Correlation ids are tickets in decimal. Requests are written when
 * there is no reply left to hand out, so the writes of a load generator are gathered without any
 * effort of its own. */
#include "bus/bus_client.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/id.h"
#include "bus/bus_amqp.h"
#include "bus/delivery_list.h"

#define CHANNEL         1
#define TIMEOUT_MS      5000
#define BODY_MAX        ((size_t)64 * 1024 * 1024)
#define REPLY_TO        "amq.rabbitmq.reply-to"
#define FLIGHTS_START   1024
#define NUMBER_TEXT     24
#define PREFIX_BYTES    8
#define MESSAGE_ID_TEXT (2 * PREFIX_BYTES + 1 + NUMBER_TEXT)

struct bus_client {
    struct bus_uri uri;
    char *exchange;
    struct link link;
    struct delivery_list arrived;      /* replies, and requests that came back, whose tag is 0 */
    struct delivery *current;          /* the delivery whose body is lent to the caller */
    char prefix[2 * PREFIX_BYTES + 1]; /* of message ids, so that they differ between clients */
    uint64_t last_ticket;
    int64_t *sent_at_us; /* ring by ticket, monotonic; 0 once answered */
    size_t capacity;     /* a power of two */
    uint64_t oldest;     /* all tickets before it are answered */
    size_t in_flight;
};

/* --- tickets -------------------------------------------------------------------------------- */

static int64_t *sent_at(const struct bus_client *client, uint64_t ticket)
{
    return &client->sent_at_us[ticket & (client->capacity - 1)];
}

static void grow_flights(struct bus_client *client)
{
    const struct bus_client old = *client;
    client->capacity = old.capacity ? 2 * old.capacity : FLIGHTS_START;
    client->sent_at_us = calloc(client->capacity, sizeof(*client->sent_at_us));
    if (!client->sent_at_us)
        panic("out of memory for %zu requests in flight", client->capacity);
    for (uint64_t ticket = old.oldest; ticket <= old.last_ticket; ticket++)
        *sent_at(client, ticket) = *sent_at(&old, ticket);
    free(old.sent_at_us);
}

static uint64_t take_ticket(struct bus_client *client)
{
    const uint64_t ticket = client->last_ticket + 1;
    if (ticket - client->oldest >= client->capacity)
        grow_flights(client);
    client->last_ticket = ticket;
    client->in_flight++;
    *sent_at(client, ticket) = clock_monotonic_us();
    return ticket;
}

/* The ticket that a message answers; 0 when it answers nothing that is awaited. */
static uint64_t answered_ticket(struct bus_client *client, const struct delivery *delivery,
                                int64_t *sent_at_us)
{
    int64_t number;
    if (!str_to_int64(delivery->correlation_id, &number) || number < (int64_t)client->oldest ||
        number > (int64_t)client->last_ticket || *sent_at(client, (uint64_t)number) == 0)
        return 0;
    const uint64_t ticket = (uint64_t)number;
    *sent_at_us = *sent_at(client, ticket);
    *sent_at(client, ticket) = 0;
    client->in_flight--;
    while (client->oldest <= client->last_ticket && *sent_at(client, client->oldest) == 0)
        client->oldest++;
    return ticket;
}

/* --- the link ------------------------------------------------------------------------------- */

static void on_arrived(void *owner, struct delivery *delivery)
{
    struct bus_client *client = owner;
    delivery_list_append(&client->arrived, delivery);
}

static void on_confirmed(void *owner, uint64_t tag, bool multiple, bool ok)
{
    /* The channel is not in confirm mode: the reply serves as the confirmation. */
    (void)owner, (void)tag, (void)multiple, (void)ok;
}

static const struct link_events events = {on_arrived, on_arrived, on_confirmed};

static enum outcome connect_client(struct bus_client *client, struct err *err)
{
    const struct link_options options = {
        .uri = &client->uri,
        .name = "cartwright client",
        .heartbeat_s = 0, /* a client may be idle for long between two calls */
        .timeout_ms = TIMEOUT_MS,
        .body_max = BODY_MAX,
        .events = &events,
        .owner = client,
    };
    TRY(link_open(&client->link, &options, err));
    amqp_basic_consume_t consume = {
        .queue = amqp_cstring_bytes(REPLY_TO),
        .no_ack = true,
    };
    return link_call(&client->link, CHANNEL, AMQP_BASIC_CONSUME_METHOD, &consume,
                     AMQP_BASIC_CONSUME_OK_METHOD, err);
}

static void draw_prefix(struct bus_client *client)
{
    uint8_t bytes[PREFIX_BYTES];
    random_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < PREFIX_BYTES; i++)
        snprintf(client->prefix + 2 * i, 3, "%02x", bytes[i]);
}

enum outcome bus_client_open(struct str uri_text, struct str exchange, struct bus_client **out,
                             struct err *err)
{
    struct bus_uri uri;
    TRY(bus_uri_parse(uri_text, &uri, err));
    struct bus_client *client = calloc(1, sizeof(*client));
    char *name = strndup(exchange.ptr, exchange.len);
    if (!client || !name)
        panic("out of memory for a client");
    client->uri = uri;
    client->exchange = name;
    client->oldest = 1;
    draw_prefix(client);
    const enum outcome outcome = connect_client(client, err);
    if (outcome != OUTCOME_DONE) {
        bus_client_close(client);
        return outcome;
    }
    *out = client;
    return OUTCOME_DONE;
}

void bus_client_close(struct bus_client *client)
{
    if (!client)
        return;
    link_close(&client->link);
    delivery_list_clear(&client->arrived);
    delivery_free(client->current);
    bus_uri_release(&client->uri);
    free(client->exchange);
    free(client->sent_at_us);
    free(client);
}

/* --- requests and replies ------------------------------------------------------------------- */

static void release_current(struct bus_client *client)
{
    delivery_free(client->current);
    client->current = NULL;
}

uint64_t bus_client_send(struct bus_client *client, const struct bus_request *request)
{
    release_current(client);
    const uint64_t ticket = take_ticket(client);
    char correlation_id[NUMBER_TEXT];
    char message_id[MESSAGE_ID_TEXT];
    snprintf(correlation_id, sizeof(correlation_id), "%" PRIu64, ticket);
    snprintf(message_id, sizeof(message_id), "%s-%" PRIu64, client->prefix, ticket);
    char *authorization = NULL;
    if (!str_is_absent(request->token) &&
        asprintf(&authorization, "Bearer %.*s", STR_FMT(request->token)) < 0)
        panic("out of memory for a token");
    const struct bus_header sealed = {"x-sealed", request->sealed};
    const struct bus_message message = {
        .exchange = str_of(client->exchange),
        .routing_key = request->operation,
        .body = request->body,
        .message_id = str_is_absent(request->message_id) ? str_of(message_id) : request->message_id,
        .correlation_id = str_of(correlation_id),
        .reply_to = STR(REPLY_TO),
        .authorization = str_of(authorization),
        .api_key = request->api_key,
        .partition_key = request->partition_key,
        .deadline = request->deadline,
        .headers = &sealed,
        .header_count = 1,
        .mandatory = true,
    };
    if (!client->link.lost && !frames_add_message(&client->link.out, CHANNEL, &message, 0))
        link_lose(&client->link, "a request's properties are too long to be sent");
    free(authorization);
    return ticket;
}

/* The next message that answers a ticket, or NULL. Its body is lent to the caller. */
static struct delivery *next_answer(struct bus_client *client, struct bus_reply *reply)
{
    release_current(client);
    for (struct delivery *delivery; (delivery = delivery_list_take(&client->arrived));) {
        int64_t sent_at_us = 0;
        const uint64_t ticket = answered_ticket(client, delivery, &sent_at_us);
        if (ticket == 0) {
            delivery_free(delivery); /* a second reply, or one to an earlier connection */
            continue;
        }
        client->current = delivery;
        *reply = (struct bus_reply){
            .ticket = ticket,
            .status =
                delivery->status > 0 && delivery->status <= INT_MAX ? (int)delivery->status : 0,
            .body = delivery->body,
            .micros = clock_monotonic_us() - sent_at_us,
        };
        return delivery;
    }
    return NULL;
}

/* Writes what is buffered and waits until something arrived. */
static enum outcome await_arrival(struct bus_client *client, int64_t deadline_us, struct err *err)
{
    struct link *link = &client->link;
    link_flush(link);
    link_read(link);
    while (!link->lost && !client->arrived.first) {
        const int64_t left_us = deadline_us - clock_monotonic_us();
        if (left_us <= 0)
            return err_retry(err, "no reply in time (%zu in flight)", client->in_flight);
        if (!link_wait(&link, 1, -1, (int)((left_us + 999) / 1000)))
            return err_retry(err, "interrupted by a signal");
    }
    return client->arrived.first ? OUTCOME_DONE : link_lost(link, err);
}

enum outcome bus_client_receive(struct bus_client *client, int timeout_ms, struct bus_reply *out,
                                struct err *err)
{
    const int64_t deadline_us = clock_monotonic_us() + timeout_ms * 1000LL;
    struct bus_reply reply;
    struct delivery *delivery;
    while (!(delivery = next_answer(client, &reply)))
        TRY(await_arrival(client, deadline_us, err));
    if (delivery->tag == 0)
        return err_refuse(err, E_UNKNOWN_OPERATION, "no queue takes %.*s (request %" PRIu64 ")",
                          STR_FMT(delivery->routing_key), reply.ticket);
    *out = reply;
    return OUTCOME_DONE;
}

size_t bus_client_in_flight(const struct bus_client *client)
{
    return client->in_flight;
}

int bus_client_fd(const struct bus_client *client)
{
    return client->link.socket.fd;
}

enum outcome bus_client_call(struct bus_client *client, const struct bus_request *request,
                             int timeout_ms, struct bus_reply *out, struct err *err)
{
    bus_client_send(client, request);
    return bus_client_receive(client, timeout_ms, out, err);
}
