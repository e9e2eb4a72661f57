/* guest.c - who asks the kitchen, on a real broker. */
#include <stdlib.h>

#include "base/clock.h"
#include "bus/amqp_headers.h"
#include "life/life.h"
#include "service/connections.h"
#include "service/names.h"
#include "service/topology.h"

#define QUEUE_REPLIES LIFE_PREFIX ".reply.answers"
#define CONFIRM_MS    10000
#define CHANNEL       1
#define FRAME_MAX     131072

static void open_bus(struct life *life)
{
    const struct bus_options options = operator_options_of(&life->engine, "cartwright life test");
    struct err err = {0};
    if (bus_open(&options, &life->bus, &err) != OUTCOME_DONE)
        life_die("RabbitMQ", err.text);
}

static void listen_to(struct life *life, const char *name)
{
    const struct str queue = str_of(name);
    struct err err = {0};
    if (bus_consume(life->bus, &queue, 1, 1000, &err) != OUTCOME_DONE)
        life_die("a queue", err.text);
}

/* Who was away for a whole test comes back. */
static void connect_again(struct life *life)
{
    struct err err = {0};
    const int64_t end_us = clock_monotonic_us() + PATIENCE_S * 1000000LL;
    while (bus_reconnect(life->bus, &err) != OUTCOME_DONE && clock_monotonic_us() < end_us)
        life_sleep_ms(100);
}

/* --- AMQP that bus.h has no use for --------------------------------------------------------------- */

static amqp_connection_state_t open_connection(struct life *life)
{
    struct amqp_connection_info info;
    char *uri = strdup(operator_options_of(&life->engine, "").uri.ptr);
    if (!uri || amqp_parse_url(uri, &info) != AMQP_STATUS_OK)
        life_die("the address of RabbitMQ", "it cannot be read");
    amqp_connection_state_t connection = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(connection);
    if (!socket || amqp_socket_open(socket, info.host, info.port) != AMQP_STATUS_OK ||
        amqp_login(connection, info.vhost, 0, FRAME_MAX, 0, AMQP_SASL_METHOD_PLAIN, info.user,
                   info.password)
                .reply_type != AMQP_RESPONSE_NORMAL ||
        !amqp_channel_open(connection, CHANNEL))
        life_die("RabbitMQ", "it does not answer");
    free(uri);
    return connection;
}

static void close_connection(amqp_connection_state_t connection)
{
    amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(connection);
}

/* A classic queue, as a web tier has one for its replies: a quorum queue may lose the last message of a
 * channel that is closed at once after it and waits for no confirm, and replies are not confirmed. */
void guest_open(struct life *life)
{
    amqp_connection_state_t connection = open_connection(life);
    if (!amqp_queue_declare(connection, CHANNEL, amqp_cstring_bytes(QUEUE_REPLIES), false, false,
                            false, false, amqp_empty_table))
        life_die("the queue of replies", "refused");
    close_connection(connection);
    open_bus(life);
}

static struct str find_header(struct life *life, const amqp_table_t *headers, const char *name)
{
    for (int i = 0; i < headers->num_entries; i++) {
        const amqp_bytes_t key = headers->entries[i].key;
        const amqp_bytes_t value = headers->entries[i].value.value.bytes;
        if (key.len == strlen(name) && memcmp(key.bytes, name, key.len) == 0)
            return str_dup(&life->arena, (struct str){value.bytes, value.len});
    }
    return STR_ABSENT;
}

struct str guest_header(struct life *life, const char *queue, const char *header)
{
    amqp_connection_state_t connection = open_connection(life);
    struct str value = STR_ABSENT;
    amqp_message_t message;
    const amqp_rpc_reply_t got =
        amqp_basic_get(connection, CHANNEL, amqp_cstring_bytes(queue), false);
    if (got.reply_type == AMQP_RESPONSE_NORMAL && got.reply.id == AMQP_BASIC_GET_OK_METHOD &&
        amqp_read_message(connection, CHANNEL, &message, 0).reply_type == AMQP_RESPONSE_NORMAL) {
        value = find_header(life, &message.properties.headers, header);
        amqp_destroy_message(&message);
    }
    close_connection(connection); /* not acknowledged: it goes back */
    return value;
}

/* The queue's own binding, as topology_of() has it; both requests are on their way at once. */
void guest_replace_queue(struct life *life)
{
    amqp_connection_state_t connection = open_connection(life);
    struct bus_topology topology;
    struct err err = {0};
    amqp_queue_delete(connection, CHANNEL, amqp_cstring_bytes(QUEUE_MEALS), false, false);
    if (topology_of(&life->service, &life->engine, &life->arena, &topology, &err) != OUTCOME_DONE ||
        bus_declare(life->bus, &topology, &err) != OUTCOME_DONE)
        life_die("making the queue again", err.text);
    close_connection(connection);
}

/* As an operator would: the same bytes and properties, by the default exchange. */
void guest_ask_again(struct life *life, const char *queue)
{
    amqp_connection_state_t connection = open_connection(life);
    amqp_message_t message;
    const amqp_rpc_reply_t got =
        amqp_basic_get(connection, CHANNEL, amqp_cstring_bytes(queue), true);
    if (got.reply_type != AMQP_RESPONSE_NORMAL || got.reply.id != AMQP_BASIC_GET_OK_METHOD ||
        amqp_read_message(connection, CHANNEL, &message, 0).reply_type != AMQP_RESPONSE_NORMAL)
        life_die(queue, "there is nothing to be sent again");
    message.properties.headers.num_entries = 0;
    if (amqp_basic_publish(connection, CHANNEL, amqp_cstring_bytes(LIFE_PREFIX ".requests"),
                           amqp_cstring_bytes("kitchen.cook"), false, false, &message.properties,
                           message.body) != AMQP_STATUS_OK)
        life_die(queue, "it cannot be sent again");
    amqp_destroy_message(&message);
    close_connection(connection);
}

/* --- asking ----------------------------------------------------------------------------------------- */

static void empty(struct life *life, const char *queue)
{
    struct delivery *delivery = NULL;
    struct err err = {0};
    listen_to(life, queue);
    while (bus_next(life->bus, 200, &delivery) == BUS_MESSAGE) {
        bus_ack(life->bus, delivery, false);
        delivery_free(delivery);
        if (bus_flush(life->bus, &err) != OUTCOME_DONE)
            life_die("a queue", err.text);
    }
    if (bus_cancel(life->bus, &err) != OUTCOME_DONE)
        life_die("a queue", err.text);
}

void guest_clear(struct life *life)
{
    static const char *const queues[] = {QUEUE_MEALS, QUEUE_DEAD, QUEUE_REPLIES};
    struct err err = {0};
    (void)!bus_cancel(life->bus, &err); /* a lost connection is made anew next */
    connect_again(life);
    for (size_t i = 0; i < sizeof(queues) / sizeof(queues[0]); i++)
        empty(life, queues[i]);
    listen_to(life, QUEUE_REPLIES);
}

static void publish(struct life *life, int64_t number, const struct bus_message *what)
{
    struct bus_message message = *what;
    message.exchange = name_requests(&life->arena, life->engine.prefix);
    message.correlation_id = str_printf(&life->arena, "%lld", (long long)number);
    message.reply_to = STR(QUEUE_REPLIES);
    message.mandatory = true;
    life->requests[number].asked_us = clock_monotonic_us();
    bus_publish(life->bus, &message, 1);
}

void guest_stir(struct life *life, int64_t number, struct str pot, struct str spoon)
{
    publish(
        life, number,
        &(struct bus_message){
            .routing_key = STR("kitchen.stir"),
            .body = str_printf(&life->arena, "{\"id\":\"%.*s\",\"dish\":\"%.*s\"}", STR_FMT(pot),
                               STR_FMT(spoon)),
            /* The pots of a test are its own: the same message has the same id again. */
            .message_id = str_printf(&life->arena, "s%lld.%.*s", (long long)number, STR_FMT(pot)),
            .partition_key = pot,
        });
}

static void ask(struct life *life, int64_t number, struct str operation, const char *dish)
{
    struct arena *arena = &life->arena;
    const int64_t id = clock_now_ms() * 1000000 + number;
    publish(life, number,
            &(struct bus_message){
                .routing_key = operation,
                .body = str_printf(arena, "{\"id\":\"%024llx\",\"dish\":\"%s\"}",
                                   (unsigned long long)id, dish),
                .message_id =
                    str_printf(arena, "m%lld.%llx", (long long)number, (unsigned long long)id),
            });
    guest_confirm(life);
}

void guest_ask(struct life *life, int64_t number, const char *dish)
{
    ask(life, number, STR("kitchen.cook"), dish);
}

void guest_ask_for_a_feast(struct life *life, int64_t number, const char *dish)
{
    ask(life, number, STR("kitchen.feast"), dish);
}

void guest_confirm(struct life *life)
{
    struct err err = {0};
    struct bus_confirm confirm = {.ok = true};
    if (bus_flush(life->bus, &err) != OUTCOME_DONE || !bus_wait_confirms(life->bus, CONFIRM_MS) ||
        (bus_confirmed(life->bus, &confirm) && !confirm.ok))
        life_die("asking the kitchen", err.text);
}

static int64_t version_of(struct str body)
{
    static const char name[] = "\"version\":";
    const char *at = memmem(body.ptr, body.len, name, sizeof(name) - 1);
    return at ? strtoll(at + sizeof(name) - 1, NULL, 10) : -1;
}

static void note_reply(struct life *life, const struct delivery *delivery)
{
    int64_t number = -1;
    if (!str_to_int64(delivery->correlation_id, &number) || number < 0 || number >= REQUESTS_MAX)
        return;
    struct request *request = &life->requests[number];
    const int64_t before = request->status;
    if (before && before != delivery->status)
        life_fail(life, "%d was answered %d and then %d", (int)number, (int)before,
                  (int)delivery->status);
    if (before) {
        life->repeats++;
        return;
    }
    request->status = delivery->status;
    request->version = version_of(delivery->body);
    life->reply_count++;
    latency_add(&life->latency, clock_monotonic_us() - request->asked_us);
}

void guest_listen(struct life *life, int timeout_ms)
{
    struct delivery *delivery = NULL;
    struct err err = {0};
    for (;;) {
        const enum bus_event event = bus_next(life->bus, timeout_ms, &delivery);
        if (event == BUS_CLOSED)
            connect_again(life);
        if (event != BUS_MESSAGE)
            return;
        note_reply(life, delivery);
        bus_ack(life->bus, delivery, false);
        delivery_free(delivery);
        if (bus_flush(life->bus, &err) != OUTCOME_DONE)
            return;
        timeout_ms = 0;
    }
}

void guest_await(struct life *life, size_t count)
{
    const int64_t end_us = clock_monotonic_us() + PATIENCE_S * 1000000LL;
    while (life->reply_count < count && clock_monotonic_us() < end_us)
        guest_listen(life, 50);
    if (life->reply_count < count)
        life_fail(life, "%zu of %zu are answered after %d s", life->reply_count, count, PATIENCE_S);
}

int64_t guest_status(const struct life *life, int64_t number)
{
    return life->requests[number].status;
}

int64_t guest_depth(struct life *life, const char *queue)
{
    int64_t depth = -1;
    struct err err = {0};
    if (bus_queue_depth(life->bus, str_of(queue), &depth, &err) != OUTCOME_DONE)
        connect_again(life);
    return depth;
}
