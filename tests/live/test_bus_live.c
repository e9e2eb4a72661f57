/* The promises of bus.h and bus_client.h on a real RabbitMQ: CARTWRIGHT_AMQP_OPERATOR_URI says
 * which (who may declare). Without it every case is skipped. Names carry the process id, and each case deletes what it declared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bus/bus_amqp.h"
#include "bus/bus_client.h"

#define WAIT_MS 5000

struct rig {
    struct bus *bus;
    char names[8][64];
    struct bus_exchange exchanges[4];
    struct bus_binding bindings[3];
    struct bus_queue queues[3];
    struct bus_topology topology;
};

enum { REQUESTS, UNKNOWN, DEAD, DEAF, WORK, REST, DELAY, NAMES };

static struct str name(const struct rig *rig, int which)
{
    return str_of(rig->names[which]);
}

static const char *uri(void)
{
    const char *text = getenv("CARTWRIGHT_AMQP_OPERATOR_URI");
    if (!text)
        skip();
    return text;
}

static struct bus_options options_for(const char *text)
{
    return (struct bus_options){.uri = str_of(text),
                                .name = "cartwright live test",
                                .heartbeat_s = 10,
                                .timeout_ms = 5000,
                                .body_max = 1000};
}

#define assert_done(call)                                                                          \
    do {                                                                                           \
        if ((call) != OUTCOME_DONE)                                                                \
            fail_msg("%s", err.text);                                                              \
    } while (0)

static void rig_init(struct rig *rig)
{
    static const char *const kinds[] = {"requests", "unknown", "dead", "deaf",
                                        "work",     "rest",    "delay"};
    const struct bus_options options = options_for(uri());
    struct err err = {0};
    *rig = (struct rig){0};
    for (size_t i = 0; i < NAMES; i++)
        snprintf(rig->names[i], sizeof(rig->names[i]), "live.%d.%s", (int)getpid(), kinds[i]);
    rig->exchanges[0] = (struct bus_exchange){
        .name = name(rig, REQUESTS), .kind = "topic", .alternate = name(rig, UNKNOWN)};
    rig->exchanges[1] = (struct bus_exchange){.name = name(rig, UNKNOWN), .kind = "fanout"};
    rig->exchanges[2] = (struct bus_exchange){.name = name(rig, DEAD), .kind = "fanout"};
    rig->exchanges[3] = (struct bus_exchange){.name = name(rig, DEAF), .kind = "topic"};
    rig->bindings[0] = (struct bus_binding){name(rig, REQUESTS), STR("cart.#")};
    rig->bindings[1] = (struct bus_binding){name(rig, UNKNOWN), STR("")};
    rig->bindings[2] = (struct bus_binding){name(rig, DEAD), STR("")};
    rig->queues[0] = (struct bus_queue){.name = name(rig, WORK),
                                        .bindings = &rig->bindings[0],
                                        .binding_count = 1,
                                        .delivery_limit = 20,
                                        .dead_exchange = name(rig, DEAD)};
    rig->queues[1] = (struct bus_queue){
        .name = name(rig, REST), .bindings = &rig->bindings[1], .binding_count = 2};
    rig->queues[2] = (struct bus_queue){.name = name(rig, DELAY),
                                        .message_ttl_ms = 100,
                                        .dead_exchange = STR(""),
                                        .dead_routing_key = name(rig, WORK)};
    rig->topology = (struct bus_topology){
        .exchanges = rig->exchanges, .exchange_count = 4, .queues = rig->queues, .queue_count = 3};
    assert_done(bus_open(&options, &rig->bus, &err));
    assert_done(bus_declare(rig->bus, &rig->topology, &err));
    assert_done(bus_declare(rig->bus, &rig->topology, &err));
}

static void ignore_delivery(void *owner, struct delivery *delivery)
{
    (void)owner;
    delivery_free(delivery);
}

static void ignore_confirm(void *owner, uint64_t tag, bool multiple, bool ok)
{
    (void)owner, (void)tag, (void)multiple, (void)ok;
}

static void delete_queue(struct link *link, struct str queue)
{
    struct err err = {0};
    amqp_queue_delete_t delete = {.queue = amqp_bytes_of(queue)};
    assert_done(
        link_call(link, 1, AMQP_QUEUE_DELETE_METHOD, &delete, AMQP_QUEUE_DELETE_OK_METHOD, &err));
}

static void delete_exchange(struct link *link, struct str exchange)
{
    struct err err = {0};
    amqp_exchange_delete_t delete = {.exchange = amqp_bytes_of(exchange)};
    assert_done(link_call(link, 1, AMQP_EXCHANGE_DELETE_METHOD, &delete,
                          AMQP_EXCHANGE_DELETE_OK_METHOD, &err));
}

/* bus.h deletes nothing, so the tests use a link of their own. */
static void open_janitor(struct link *link, struct bus_uri *where)
{
    static const struct link_events events = {ignore_delivery, ignore_delivery, ignore_confirm};
    struct err err = {0};
    assert_done(bus_uri_parse(str_of(uri()), where, &err));
    const struct link_options options = {.uri = where,
                                         .name = "cartwright live test janitor",
                                         .timeout_ms = 5000,
                                         .body_max = 1000,
                                         .events = &events};
    assert_done(link_open(link, &options, &err));
}

static void rig_release(struct rig *rig)
{
    bus_close(rig->bus);
    struct link link;
    struct bus_uri where;
    open_janitor(&link, &where);
    for (int queue = WORK; queue <= DELAY; queue++)
        delete_queue(&link, name(rig, queue));
    for (int exchange = REQUESTS; exchange <= DEAF; exchange++)
        delete_exchange(&link, name(rig, exchange));
    link_close(&link);
    bus_uri_release(&where);
}

static void consume(struct rig *rig)
{
    const struct str queues[] = {name(rig, WORK), name(rig, REST)};
    struct err err = {0};
    assert_done(bus_consume(rig->bus, queues, 2, 50, &err));
}

static void flush(struct rig *rig)
{
    struct err err = {0};
    assert_done(bus_flush(rig->bus, &err));
}

static struct bus_message request(const struct rig *rig, const char *key, const char *id)
{
    return (struct bus_message){.exchange = name(rig, REQUESTS),
                                .routing_key = str_of(key),
                                .message_id = str_of(id),
                                .body = STR("{}"),
                                .mandatory = true};
}

static void publish(struct rig *rig, const char *key, const char *id)
{
    const struct bus_message message = request(rig, key, id);
    bus_publish(rig->bus, &message, 1);
    flush(rig);
    struct bus_confirm confirm;
    assert_true(bus_wait_confirms(rig->bus, WAIT_MS));
    assert_true(bus_confirmed(rig->bus, &confirm));
    assert_true(confirm.ok);
}

/* BUS_IDLE may come early, so it takes several to mean that nothing came. */
static struct delivery *next(struct rig *rig, const char *id)
{
    struct delivery *delivery = NULL;
    for (int i = 0; i < 10; i++) {
        const enum bus_event event = bus_next(rig->bus, WAIT_MS, &delivery);
        if (event == BUS_CLOSED)
            fail_msg("closed: %s", bus_lost_reason(rig->bus));
        if (event == BUS_MESSAGE)
            break;
    }
    assert_non_null(delivery);
    assert_true(str_eq(delivery->message_id, str_of(id)));
    return delivery;
}

void test_bus_live__properties_survive_the_broker(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    consume(&rig);
    const struct bus_header operation = {"x-operation", STR("cart.get")};
    struct bus_message message = request(&rig, "cart.item.add", "m-1");
    message.correlation_id = STR("c-1");
    message.reply_to = STR("back");
    message.authorization = STR("Bearer x");
    message.status = 201;
    message.deadline = 1700000000000;
    message.attempt = 2;
    message.timestamp = 1700000000;
    message.headers = &operation;
    message.header_count = 1;
    bus_publish(rig.bus, &message, 1);
    flush(&rig);
    struct delivery *delivery = next(&rig, "m-1");
    assert_true(str_eq(delivery->queue, name(&rig, WORK)));
    assert_true(str_eq(delivery->exchange, name(&rig, REQUESTS)));
    assert_true(str_eq(delivery->routing_key, STR("cart.item.add")));
    assert_true(str_eq(delivery->body, STR("{}")));
    assert_true(str_eq(delivery->correlation_id, STR("c-1")));
    assert_true(str_eq(delivery->reply_to, STR("back")));
    assert_true(str_eq(delivery->authorization, STR("Bearer x")));
    assert_true(str_eq(delivery->operation, STR("cart.get")));
    assert_true(str_eq(delivery->content_type, STR("application/json")));
    assert_int_equal(delivery->status, 201);
    assert_int_equal(delivery->deadline, 1700000000000);
    assert_int_equal(delivery->attempt, 2);
    assert_int_equal(delivery->timestamp, 1700000000);
    assert_int_equal(delivery->expiration, -1);
    assert_false(delivery->redelivered);
    bus_ack(rig.bus, delivery, false);
    flush(&rig);
    delivery_free(delivery);
    rig_release(&rig);
}

static void rig_keep_headers(struct rig *rig)
{
    struct bus_options options = options_for(uri());
    struct err err = {0};
    bus_close(rig->bus);
    options.keep_headers = true;
    assert_done(bus_open(&options, &rig->bus, &err));
}

void test_bus_live__all_headers_are_kept_for_who_asks(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    consume(&rig);
    publish(&rig, "cart.a", "1");
    struct delivery *delivery = next(&rig, "1");
    assert_true(str_is_absent(delivery->headers));
    delivery_free(delivery);
    rig_keep_headers(&rig);
    consume(&rig);
    const struct bus_header own[] = {{"x-own", STR("a \"word\"")}, {"x-history", STR("old")}};
    struct bus_message message = request(&rig, "cart.b", "2");
    message.attempt = 3;
    message.headers = own;
    message.header_count = 2;
    bus_publish(rig.bus, &message, 1);
    flush(&rig);
    delivery_free(next(&rig, "1"));
    delivery = next(&rig, "2");
    assert_non_null(strstr(delivery->headers.ptr, "\"x-own\":\"a \\\"word\\\"\""));
    assert_non_null(strstr(delivery->headers.ptr, "\"x-attempt\":3"));
    assert_true(str_eq(delivery->history, STR("old")));
    delivery_free(delivery);
    rig_release(&rig);
}

void test_bus_live__unacknowledged_come_back_in_order(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    consume(&rig);
    struct err err = {0};
    publish(&rig, "cart.a", "1");
    publish(&rig, "cart.b", "2");
    publish(&rig, "cart.c", "3");
    struct delivery *one = next(&rig, "1");
    delivery_free(next(&rig, "2"));
    assert_done(bus_reconnect(rig.bus, &err));
    delivery_free(next(&rig, "1"));
    bus_ack(rig.bus, one, true); /* of an older connection: skipped, so it comes once more */
    flush(&rig);
    delivery_free(one);
    assert_done(bus_reconnect(rig.bus, &err));
    one = next(&rig, "1");
    assert_true(one->redelivered);
    assert_int_equal(one->delivery_count, 2);
    struct delivery *two = next(&rig, "2");
    struct delivery *three = next(&rig, "3");
    bus_ack(rig.bus, two, true);
    bus_ack(rig.bus, three, false);
    flush(&rig);
    delivery_free(one);
    delivery_free(two);
    delivery_free(three);

    assert_done(bus_reconnect(rig.bus, &err));
    publish(&rig, "cart.d", "4"); /* nothing else is left */
    delivery_free(next(&rig, "4"));
    rig_release(&rig);
}

void test_bus_live__cancel_stops_deliveries_but_not_acks(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    consume(&rig);
    struct err err = {0};
    publish(&rig, "cart.a", "1");
    struct delivery *one = next(&rig, "1");
    assert_done(bus_cancel(rig.bus, &err));
    publish(&rig, "cart.b", "2");
    struct delivery *none;
    assert_int_equal(bus_next(rig.bus, 50, &none), BUS_IDLE);
    bus_ack(rig.bus, one, false);
    flush(&rig);
    delivery_free(one);
    consume(&rig);
    delivery_free(next(&rig, "2"));
    rig_release(&rig);
}

void test_bus_live__returns_fail_their_group_only(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    const struct bus_message good = request(&rig, "cart.a", "1");
    const struct bus_message nowhere = {.routing_key = STR("no.such.queue"), .mandatory = true};
    const struct bus_message reply = {.routing_key = STR("no.such.reply.queue"), .mandatory = true};
    const struct bus_message hint = {.exchange = name(&rig, DEAF),
                                     .routing_key = STR("no.such.topic"),
                                     .mandatory = true,
                                     .may_be_unroutable = true};
    char unroutable[BUS_ROUTE_MAX];
    bus_publish(rig.bus, &good, 1);
    bus_publish(rig.bus, &nowhere, 2);
    bus_publish(rig.bus, &good, 2);
    bus_publish(rig.bus, &good, 3);
    bus_publish(rig.bus, &hint, 3);
    bus_publish(rig.bus, &reply, 0);
    flush(&rig);
    if (!bus_wait_confirms(rig.bus, WAIT_MS))
        fail_msg("not confirmed: %s", bus_lost_reason(rig.bus));
    bool ok[4] = {false, false, false, false};
    struct bus_confirm confirm;
    int count = 0;
    for (; bus_confirmed(rig.bus, &confirm); count++)
        ok[confirm.group] = confirm.ok;
    assert_int_equal(count, 3);
    assert_true(ok[1]);
    assert_false(ok[2]);
    assert_true(ok[3]);
    struct delivery *none;
    for (int i = 0; i < 50 && bus_returned(rig.bus) < 3; i++)
        assert_int_equal(bus_next(rig.bus, 100, &none), BUS_IDLE);
    assert_int_equal(bus_returned(rig.bus), 3);
    assert_true(bus_unroutable(rig.bus, unroutable));
    assert_non_null(strstr(unroutable, ".deaf no.such.topic"));
    assert_false(bus_unroutable(rig.bus, unroutable));
    rig_release(&rig);
}

/* Sent on, such a name would make RabbitMQ close the connection. */
void test_bus_live__forged_direct_reply_to_is_not_sent(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    bus_publish(rig.bus,
                &(struct bus_message){.routing_key = STR("amq.rabbitmq.reply-to.nobody.there"),
                                      .mandatory = true},
                0);
    flush(&rig);
    publish(&rig, "cart.a", "1");
    assert_int_equal(bus_returned(rig.bus), 1);
    rig_release(&rig);
}

void test_bus_live__unknown_exchange_closes_and_fails_open_groups(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    struct err err = {0};
    bus_publish(rig.bus, &(struct bus_message){.exchange = STR("no.such.exchange")}, 9);
    flush(&rig);
    struct delivery *none;
    assert_false(bus_wait_confirms(rig.bus, WAIT_MS));
    assert_int_equal(bus_next(rig.bus, WAIT_MS, &none), BUS_CLOSED);
    assert_non_null(strstr(bus_lost_reason(rig.bus), "no.such.exchange"));
    assert_int_equal(bus_flush(rig.bus, &err), OUTCOME_RETRY);
    assert_done(bus_reconnect(rig.bus, &err));
    struct bus_confirm confirm;
    assert_true(bus_confirmed(rig.bus, &confirm));
    assert_int_equal(confirm.group, 9);
    assert_false(confirm.ok);
    publish(&rig, "cart.a", "1");
    rig_release(&rig);
}

void test_bus_live__alternate_exchange_takes_the_unknown(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    consume(&rig);
    publish(&rig, "nobody.serves.this", "1");
    struct delivery *delivery = next(&rig, "1");
    assert_true(str_eq(delivery->queue, name(&rig, REST)));
    assert_true(str_eq(delivery->routing_key, STR("nobody.serves.this")));
    delivery_free(delivery);
    rig_release(&rig);
}

void test_bus_live__delay_queue_gives_back(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    consume(&rig);
    bus_publish(rig.bus,
                &(struct bus_message){.routing_key = name(&rig, DELAY),
                                      .message_id = STR("late"),
                                      .attempt = 1,
                                      .body = STR("{}")},
                0);
    flush(&rig);
    struct delivery *delivery = next(&rig, "late");
    assert_int_equal(delivery->attempt, 1);
    assert_true(str_eq(delivery->queue, name(&rig, WORK)));
    bus_ack(rig.bus, delivery, false);
    flush(&rig);
    delivery_free(delivery);
    rig_release(&rig);
}

void test_bus_live__large_body_is_dropped_and_the_next_one_kept(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    consume(&rig);
    static char body[300000];
    struct bus_message message = request(&rig, "cart.a", "big");
    message.body = (struct str){body, sizeof(body)};
    bus_publish(rig.bus, &message, 1);
    flush(&rig);
    struct delivery *big = next(&rig, "big");
    assert_true(big->too_large);
    assert_int_equal(big->body.len, 0);
    delivery_free(big);
    struct bus_confirm confirm;
    assert_true(bus_wait_confirms(rig.bus, WAIT_MS));
    assert_true(bus_confirmed(rig.bus, &confirm));
    publish(&rig, "cart.b", "small");
    struct delivery *small = next(&rig, "small");
    assert_true(str_eq(small->body, STR("{}")));
    delivery_free(small);
    rig_release(&rig);
}

void test_bus_live__deleted_queue_closes_until_it_is_back(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    consume(&rig);
    struct link link;
    struct bus_uri where;
    open_janitor(&link, &where);
    delete_queue(&link, name(&rig, WORK));
    link_close(&link);
    bus_uri_release(&where);

    struct err err = {0};
    struct delivery *none;
    assert_int_equal(bus_next(rig.bus, WAIT_MS, &none), BUS_CLOSED);
    assert_non_null(strstr(bus_lost_reason(rig.bus), rig.names[WORK]));
    assert_int_equal(bus_reconnect(rig.bus, &err), OUTCOME_RETRY);
    struct bus *other;
    const struct bus_options options = options_for(uri());
    assert_done(bus_open(&options, &other, &err));
    assert_done(bus_declare(other, &rig.topology, &err));
    bus_close(other);
    assert_done(bus_reconnect(rig.bus, &err));
    publish(&rig, "cart.a", "1");
    delivery_free(next(&rig, "1"));
    rig_release(&rig);
}

void test_bus_live__other_settings_are_a_bug_and_change_nothing(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    struct err err = {0};
    struct bus_topology other = rig.topology;
    struct bus_queue queue = rig.queues[0];
    queue.delivery_limit = 5;
    other.queues = &queue;
    other.queue_count = 1;
    assert_int_equal(bus_declare(rig.bus, &other, &err), OUTCOME_BUG);
    assert_non_null(strstr(err.text, rig.names[WORK]));
    int64_t depth = -1;
    assert_int_equal(bus_queue_depth(rig.bus, STR("no.such.queue"), &depth, &err), OUTCOME_REFUSED);
    assert_done(bus_queue_depth(rig.bus, name(&rig, WORK), &depth, &err));
    assert_int_equal(depth, 0);
    rig_release(&rig);
}

/* It closes the connection over it, and only its words tell why. */
void test_bus_live__an_exchange_of_an_unknown_kind_is_a_bug(void **state)
{
    (void)state;
    struct rig rig;
    struct err err = {0};
    rig_init(&rig);
    const struct bus_exchange odd = {.name = STR("live.odd"), .kind = "x-no-such-kind"};
    const struct bus_topology topology = {.exchanges = &odd, .exchange_count = 1};
    assert_int_equal(bus_declare(rig.bus, &topology, &err), OUTCOME_BUG);
    assert_non_null(strstr(err.text, "exchange type 'x-no-such-kind'"));
    assert_done(bus_reconnect(rig.bus, &err));
    rig_release(&rig);
}

/* --- partitions -------------------------------------------------------------------------------- */

#define PARTITIONS 4
#define KEYS       20

struct partitions {
    char hash[64];
    char names[PARTITIONS][64];
    struct bus_binding from_requests, to_queue;
    struct bus_exchange exchange;
    struct bus_queue queues[PARTITIONS];
    struct str consumed[PARTITIONS];
};

/* "cart.#" goes to them as well as to the queue of the rig. */
static void partitions_declare(struct rig *rig, struct partitions *partitions)
{
    struct err err = {0};
    snprintf(partitions->hash, sizeof(partitions->hash), "live.%d.hash", (int)getpid());
    partitions->from_requests = (struct bus_binding){name(rig, REQUESTS), STR("cart.#")};
    partitions->to_queue = (struct bus_binding){str_of(partitions->hash), STR("1")};
    partitions->exchange = (struct bus_exchange){.name = str_of(partitions->hash),
                                                 .kind = BUS_CONSISTENT_HASH,
                                                 .hash_header = "x-partition-key",
                                                 .bindings = &partitions->from_requests,
                                                 .binding_count = 1};
    for (int k = 0; k < PARTITIONS; k++) {
        snprintf(partitions->names[k], sizeof(partitions->names[k]), "live.%d.%d", (int)getpid(),
                 k);
        partitions->consumed[k] = str_of(partitions->names[k]);
        partitions->queues[k] = (struct bus_queue){.name = partitions->consumed[k],
                                                   .bindings = &partitions->to_queue,
                                                   .binding_count = 1,
                                                   .single_active = true};
    }
    const struct bus_unbinding nowhere[] = {
        {partitions->to_queue, STR("live.no-such-queue"), false},
        {{STR("live.no-such-exchange"), STR("#")}, STR("live.nor-this-one"), true},
        {{name(rig, REQUESTS), STR("cart.#")}, name(rig, WORK), false},
    };
    const struct bus_topology topology = {.exchanges = &partitions->exchange,
                                          .exchange_count = 1,
                                          .queues = partitions->queues,
                                          .queue_count = PARTITIONS,
                                          .unbindings = nowhere,
                                          .unbinding_count = 3};
    assert_done(bus_declare(rig->bus, &topology, &err));
    assert_done(bus_declare(rig->bus, &topology, &err));
}

static void partitions_delete(struct partitions *partitions)
{
    struct link link;
    struct bus_uri where;
    open_janitor(&link, &where);
    for (int k = 0; k < PARTITIONS; k++)
        delete_queue(&link, partitions->consumed[k]);
    delete_exchange(&link, str_of(partitions->hash));
    link_close(&link);
    bus_uri_release(&where);
}

/* A message of each key in each round; the message id tells which. */
static void send_keys(struct bus *bus, const struct rig *rig, int from, int to)
{
    struct err err = {0};
    for (int round = from; round < to; round++)
        for (int key = 0; key < KEYS; key++) {
            char id[32], text[32];
            snprintf(id, sizeof(id), "%d", round);
            snprintf(text, sizeof(text), "key-%d", key);
            bus_publish(bus,
                        &(struct bus_message){.exchange = name(rig, REQUESTS),
                                              .routing_key = STR("cart.add"),
                                              .message_id = str_of(id),
                                              .partition_key = str_of(text),
                                              .mandatory = true},
                        1);
        }
    struct bus_confirm confirm = {0};
    assert_done(bus_flush(bus, &err));
    assert_true(bus_wait_confirms(bus, WAIT_MS));
    assert_true(bus_confirmed(bus, &confirm) && confirm.ok);
}

/* The next message of any key; which round it was of. Checks that a key stays in its queue. */
static int take_one(struct bus *bus, int *key, char queues[KEYS][64])
{
    struct delivery *delivery = NULL;
    for (int i = 0; i < 10 && !delivery; i++)
        (void)bus_next(bus, WAIT_MS, &delivery);
    assert_non_null(delivery);
    *key = (int)strtol(delivery->partition_key.ptr + strlen("key-"), NULL, 10);
    if (!queues[*key][0])
        snprintf(queues[*key], sizeof(queues[*key]), "%.*s", STR_FMT(delivery->queue));
    assert_string_equal(delivery->queue.ptr, queues[*key]);
    const int round = (int)strtol(delivery->message_id.ptr, NULL, 10);
    bus_ack(bus, delivery, false);
    delivery_free(delivery);
    return round;
}

/* Each key in one queue; a second consumer gets nothing until the first one has closed, and then what
 * that one did not acknowledge first. */
void test_bus_live__partitions_keep_the_order_of_a_key_from_consumer_to_consumer(void **state)
{
    (void)state;
    static struct partitions partitions;
    static char queues[KEYS][64];
    struct rig rig;
    struct err err = {0};
    struct bus *second = NULL;
    struct delivery *delivery = NULL;
    int next[KEYS] = {0};
    int key;
    rig_init(&rig);
    partitions_declare(&rig, &partitions);
    const struct bus_options options = options_for(uri());
    assert_done(bus_open(&options, &second, &err));
    assert_done(bus_consume(rig.bus, partitions.consumed, PARTITIONS, 100, &err));
    assert_done(bus_consume(second, partitions.consumed, PARTITIONS, 100, &err));
    send_keys(second, &rig, 0, 3);
    for (int i = 0; i < KEYS; i++) {
        const int round = take_one(rig.bus, &key, queues);
        assert_int_equal(round, next[key]++);
    }
    assert_done(bus_flush(rig.bus, &err));
    assert_int_equal(bus_next(second, 200, &delivery), BUS_IDLE);
    bus_disconnect(rig.bus);
    for (int i = 0; i < 2 * KEYS; i++) {
        const int round = take_one(second, &key, queues);
        assert_int_equal(round, next[key]++);
    }
    assert_done(bus_flush(second, &err));
    bus_close(second);
    assert_done(bus_reconnect(rig.bus, &err));
    partitions_delete(&partitions);
    rig_release(&rig);
}

/* --- who may come in ---------------------------------------------------------------------------- */

void test_bus_live__wrong_credentials_and_places_are_told_apart(void **state)
{
    (void)state;
    struct bus_uri where;
    struct err err = {0};
    struct bus *bus;
    assert_done(bus_uri_parse(str_of(uri()), &where, &err));
    char text[512];
    const struct bus_place *broker = &where.places[0];
    snprintf(text, sizeof(text), "amqp://nobody:wrong@%s:%d", broker->host, broker->port);
    struct bus_options options = options_for(text);
    assert_int_equal(bus_open(&options, &bus, &err), OUTCOME_BUG);
    assert_non_null(strstr(err.text, "nobody"));
    assert_null(strstr(err.text, "wrong@"));
    snprintf(text, sizeof(text), "amqp://%s:%s@%s:%d/no.such.vhost", where.user, where.password,
             broker->host, broker->port);
    options = options_for(text);
    assert_int_equal(bus_open(&options, &bus, &err), OUTCOME_BUG);
    assert_non_null(strstr(err.text, "no.such.vhost"));
    options = options_for("amqp://127.0.0.1:1");
    assert_int_equal(bus_open(&options, &bus, &err), OUTCOME_RETRY);
    assert_non_null(strstr(err.text, "127.0.0.1:1"));
    bus_uri_release(&where);
}

/* Somebody who takes a connection and never says a word, as a frozen node does. */
static int listen_silently(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

/* Whatever order is drawn: who is not there, or does not let anybody in, is passed over. */
void test_bus_live__the_next_host_is_tried(void **state)
{
    (void)state;
    struct bus_uri where;
    struct err err = {0};
    char text[512];
    int port;
    const int silent = listen_silently(&port);
    assert_done(bus_uri_parse(str_of(uri()), &where, &err));
    snprintf(text, sizeof(text), "amqp://%s:%s@127.0.0.1:1,127.0.0.1:%d,%s:%d/", where.user,
             where.password, port, where.places[0].host, where.places[0].port);
    for (int i = 0; i < 5; i++) {
        struct bus *bus;
        struct bus_options options = options_for(text);
        options.timeout_ms = 500;
        assert_done(bus_open(&options, &bus, &err));
        assert_done(bus_reconnect(bus, &err));
        bus_close(bus);
    }
    snprintf(text, sizeof(text), "amqp://127.0.0.1:1,127.0.0.1:%d", port);
    struct bus *bus;
    struct bus_options options = options_for(text);
    options.timeout_ms = 50;
    assert_int_equal(bus_open(&options, &bus, &err), OUTCOME_RETRY);
    close(silent);
    bus_uri_release(&where);
}

void test_bus_live__a_slow_login_names_the_name_server(void **state)
{
    (void)state;
    (void)uri();
    struct err err = {0};
    struct bus *bus;
    char text[64];
    int port;
    const int silent = listen_silently(&port);
    snprintf(text, sizeof(text), "amqp://127.0.0.1:%d", port);
    struct bus_options options = options_for(text);
    options.timeout_ms = 50;
    assert_int_equal(bus_open(&options, &bus, &err), OUTCOME_RETRY);
    assert_non_null(strstr(err.text, "name server"));
    assert_non_null(strstr(err.text, "within 1")); /* 100 ms, twice that of a call */
    close(silent);
}

/* --- headers that are made to hurt ----------------------------------------------------------------- */

/* As a stranger publishes, who asks for no smaller frames: lists in lists to a depth, through the default
 * exchange. False: the broker refuses it. */
static bool publish_bomb(struct str queue, size_t depth, const char *id)
{
    struct bus_uri where;
    struct err err = {0};
    assert_done(bus_uri_parse(str_of(uri()), &where, &err));
    amqp_connection_state_t connection = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(connection);
    assert_int_equal(amqp_socket_open(socket, where.places[0].host, where.places[0].port), 0);
    assert_int_equal(amqp_login(connection, where.vhost, 0, 131072, 0, AMQP_SASL_METHOD_PLAIN,
                                where.user, where.password)
                         .reply_type,
                     AMQP_RESPONSE_NORMAL);
    assert_non_null(amqp_channel_open(connection, 1));
    amqp_field_value_t *lists = calloc(depth, sizeof(*lists));
    assert_non_null(lists);
    for (size_t i = 0; i < depth; i++) {
        lists[i].kind = AMQP_FIELD_KIND_ARRAY;
        if (i + 1 < depth)
            lists[i].value.array = (amqp_array_t){1, &lists[i + 1]};
    }
    amqp_table_entry_t entry = {.key = amqp_cstring_bytes("x-bomb"), .value = lists[0]};
    const amqp_basic_properties_t properties = {._flags = AMQP_BASIC_HEADERS_FLAG |
                                                          AMQP_BASIC_MESSAGE_ID_FLAG,
                                                .headers = {1, &entry},
                                                .message_id = amqp_cstring_bytes(id)};
    const bool sent =
        amqp_basic_publish(connection, 1, amqp_cstring_bytes(""), amqp_bytes_of(queue), false,
                           false, &properties, amqp_cstring_bytes("{}")) == AMQP_STATUS_OK;
    amqp_basic_qos(connection, 1, 0, 1, false); /* answered after what was published before it */
    const bool taken = sent && amqp_get_rpc_reply(connection).reply_type == AMQP_RESPONSE_NORMAL;
    free(lists);
    (void)amqp_destroy_connection(connection);
    bus_uri_release(&where);
    return taken;
}

static void expect_bomb(struct rig *rig, const char *id, enum headers_fault fault)
{
    struct delivery *delivery = next(rig, id);
    assert_int_equal(delivery->headers_fault, fault);
    assert_true(str_eq(delivery->body, STR("{}")));
    bus_ack(rig->bus, delivery, false);
    flush(rig);
    delivery_free(delivery);
}

/* 3,000 levels fit in the frames that a broker of ours agrees to, 20,000 only in those of others. */
void test_bus_live__deep_headers_cost_their_message_only(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        size_t depth;
        enum headers_fault fault;
    } bombs[] = {
        {"flat", 2, HEADERS_FINE},
        {"101", 101, HEADERS_UNREADABLE},
        {"deepest", 3000, HEADERS_UNREADABLE},
        {"too long", 7000, HEADERS_TOO_LONG},
    };
    struct rig rig;
    rig_init(&rig);
    consume(&rig);
    for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
        const bool taken = publish_bomb(name(&rig, WORK), bombs[i].depth, bombs[i].id);
        publish(&rig, "cart.get", "behind");
        assert_true(taken || bombs[i].fault == HEADERS_TOO_LONG);
        if (taken)
            expect_bomb(&rig, bombs[i].id, bombs[i].fault);
        expect_bomb(&rig, "behind", HEADERS_FINE);
    }
    assert_string_equal(bus_lost_reason(rig.bus), "");
    rig_release(&rig);
}

static void answer(struct rig *rig, const struct delivery *delivery)
{
    bus_publish(rig->bus,
                &(struct bus_message){.routing_key = delivery->reply_to,
                                      .correlation_id = delivery->correlation_id,
                                      .body = delivery->body,
                                      .status = 200,
                                      .transient = true,
                                      .mandatory = true},
                0);
    bus_ack(rig->bus, delivery, false);
}

void test_bus_live__client_matches_replies_to_requests(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    struct rig rig;
    rig_init(&rig);
    consume(&rig);
    struct err err = {0};
    struct bus_client *client;
    struct bus_reply reply;
    assert_done(bus_client_open(str_of(uri()), name(&rig, REQUESTS), &client, &err));
    char body[COUNT + 1][32];
    for (int i = 1; i <= COUNT; i++) {
        snprintf(body[i], sizeof(body[i]), "{\"n\":%d}", i);
        assert_int_equal(bus_client_send(client, &(struct bus_request){.operation = STR("cart.get"),
                                                                       .token = STR("t"),
                                                                       .body = str_of(body[i])}),
                         i);
    }
    assert_int_equal(bus_client_receive(client, 0, &reply, &err), OUTCOME_RETRY);
    struct delivery *delivery;
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(bus_next(rig.bus, WAIT_MS, &delivery), BUS_MESSAGE);
        assert_true(str_eq(delivery->authorization, STR("Bearer t")));
        answer(&rig, delivery);
        delivery_free(delivery);
        if (i % 10 == 9)
            flush(&rig);
    }
    for (int i = 0; i < COUNT; i++) {
        assert_done(bus_client_receive(client, WAIT_MS, &reply, &err));
        assert_int_equal(reply.status, 200);
        assert_true(str_eq(reply.body, str_of(body[reply.ticket])));
    }
    assert_int_equal(bus_client_in_flight(client), 0);
    assert_int_equal(bus_returned(rig.bus), 0);
    bus_client_close(client);
    rig_release(&rig);
}

void test_bus_live__client_learns_of_unroutable_requests(void **state)
{
    (void)state;
    struct err err = {0};
    struct bus_client *client;
    struct bus_reply reply;
    assert_done(bus_client_open(str_of(uri()), STR(""), &client, &err));
    const struct bus_request request = {.operation = STR("no.such.queue"), .body = STR("{}")};
    assert_int_equal(bus_client_call(client, &request, WAIT_MS, &reply, &err), OUTCOME_REFUSED);
    assert_ptr_equal(err.code, E_UNKNOWN_OPERATION);
    assert_int_equal(bus_client_in_flight(client), 0);
    bus_client_close(client);
}
