/* The broker in memory keeps the promises of bus.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fakes/bus_fake.h"
#include "fakes/bus_routes_fake.h"

static const struct bus_exchange exchanges[] = {
    {.name = STR("requests"), .kind = "topic", .alternate = STR("unknown")},
    {.name = STR("unknown"), .kind = "fanout"},
    {.name = STR("events"), .kind = "topic"},
    {.name = STR("dead"), .kind = "direct"},
};
static const struct bus_binding cart_bindings[] = {{STR("requests"), STR("cart.#")}};
static const struct bus_binding unknown_bindings[] = {{STR("unknown"), STR("")}};
static const struct bus_binding event_bindings[] = {{STR("events"), STR("order.*")},
                                                    {STR("events"), STR("#")}};
static const struct bus_binding dead_bindings[] = {{STR("dead"), STR("cart")}};
static const struct bus_queue queues[] = {
    {.name = STR("cart"),
     .bindings = cart_bindings,
     .binding_count = 1,
     .delivery_limit = 2,
     .dead_exchange = STR("dead"),
     .dead_routing_key = STR("cart")},
    {.name = STR("unknown"), .bindings = unknown_bindings, .binding_count = 1},
    {.name = STR("events"), .bindings = event_bindings, .binding_count = 2, .length_max = 2},
    {.name = STR("dead.cart"), .bindings = dead_bindings, .binding_count = 1},
    {.name = STR("delay"),
     .message_ttl_ms = 1000,
     .dead_exchange = STR(""),
     .dead_routing_key = STR("cart")},
};
static const struct bus_topology topology = {
    .exchanges = exchanges, .exchange_count = 4, .queues = queues, .queue_count = 5};
static const struct str consumed[] = {STR("cart"), STR("unknown")};

static struct bus *open_bus(void)
{
    struct bus *bus = bus_fake_open();
    struct err err = {0};
    assert_int_equal(bus_declare(bus, &topology, &err), OUTCOME_DONE);
    assert_int_equal(bus_declare(bus, &topology, &err), OUTCOME_DONE);
    assert_int_equal(bus_consume(bus, consumed, 2, 10, &err), OUTCOME_DONE);
    return bus;
}

static void flush(struct bus *bus)
{
    struct err err = {0};
    assert_int_equal(bus_flush(bus, &err), OUTCOME_DONE);
}

static bool send(struct bus *bus, const char *key, const char *id)
{
    return bus_fake_send(bus, &(struct bus_message){.exchange = STR("requests"),
                                                    .routing_key = str_of(key),
                                                    .message_id = str_of(id),
                                                    .body = STR("{}"),
                                                    .reply_to = STR("back")});
}

static struct delivery *next(struct bus *bus, const char *id)
{
    struct delivery *delivery = NULL;
    assert_int_equal(bus_next(bus, 0, &delivery), BUS_MESSAGE);
    assert_true(str_eq(delivery->message_id, str_of(id)));
    return delivery;
}

static void assert_idle(struct bus *bus)
{
    struct delivery *delivery;
    assert_int_equal(bus_next(bus, 0, &delivery), BUS_IDLE);
}

void test_bus_fake__topics_match_as_in_amqp(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *key;
        bool matches;
    } cases[] = {
        {"cart.#", "cart", true},
        {"cart.#", "cart.item.add", true},
        {"cart.#", "cartoon", false},
        {"*", "cart", true},
        {"*", "", false},
        {"*", "a.b", false},
        {"#", "", true},
        {"#", "a.b.c", true},
        {"a.*.c", "a.b.c", true},
        {"a.*.c", "a.c", false},
        {"#.c", "a.b.c", true},
        {"#.c", "c", true},
        {"a.#.c", "a.c", true},
        {"a.#.c", "a.x.y.c", true},
        {"a.#.c", "a.x.y", false},
        {"a.b", "a.b", true},
        {"a.b", "a.b.c", false},
        {"", "", true},
        {"a.*", "a.", true},
        {"#.#", "x", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (topic_matches(str_of(cases[i].pattern), str_of(cases[i].key)) != cases[i].matches)
            fail_msg("%s against %s", cases[i].pattern, cases[i].key);
}

void test_bus_fake__delivers_in_order_and_acknowledges(void **state)
{
    (void)state;
    struct bus *bus = open_bus();
    assert_true(send(bus, "cart.item.add", "1"));
    assert_true(send(bus, "nobody.knows", "2")); /* by the alternate exchange */
    assert_true(send(bus, "cart.get", "3"));
    struct delivery *one = next(bus, "1");
    struct delivery *two = next(bus, "2");
    struct delivery *three = next(bus, "3");
    assert_true(str_eq(one->queue, STR("cart")));
    assert_true(str_eq(two->queue, STR("unknown")));
    assert_true(str_eq(two->routing_key, STR("nobody.knows")));
    assert_int_equal(one->deadline, -1);
    assert_idle(bus);
    assert_int_equal(bus_fake_unacked(bus), 3);

    bus_ack(bus, two, true);
    assert_int_equal(bus_fake_unacked(bus), 3); /* not before the flush */
    flush(bus);
    assert_int_equal(bus_fake_unacked(bus), 1);
    bus_ack(bus, three, false);
    flush(bus);
    assert_int_equal(bus_fake_unacked(bus), 0);
    delivery_free(one);
    delivery_free(two);
    delivery_free(three);
    bus_close(bus);
}

void test_bus_fake__prefetch_holds_back(void **state)
{
    (void)state;
    struct bus *bus = open_bus();
    struct err err = {0};
    assert_int_equal(bus_consume(bus, consumed, 1, 1, &err), OUTCOME_DONE);
    send(bus, "cart.a", "1");
    send(bus, "cart.b", "2");
    struct delivery *one = next(bus, "1");
    assert_idle(bus);
    bus_ack(bus, one, false);
    flush(bus);
    delivery_free(one);
    delivery_free(next(bus, "2"));
    bus_close(bus);
}

void test_bus_fake__unacknowledged_come_back_in_order(void **state)
{
    (void)state;
    struct bus *bus = open_bus();
    struct err err = {0};
    send(bus, "cart.a", "1");
    send(bus, "cart.b", "2");
    send(bus, "cart.c", "3");
    struct delivery *one = next(bus, "1");
    delivery_free(next(bus, "2"));
    assert_int_equal(bus_reconnect(bus, &err), OUTCOME_DONE);
    bus_ack(bus, one, true); /* of an older connection: skipped */
    flush(bus);
    delivery_free(one);

    one = next(bus, "1");
    assert_true(one->redelivered);
    assert_int_equal(one->delivery_count, 1);
    assert_int_equal(one->tag, 1);
    struct delivery *two = next(bus, "2");
    struct delivery *three = next(bus, "3");
    assert_false(three->redelivered);
    bus_ack(bus, three, true);
    flush(bus);
    assert_int_equal(bus_fake_unacked(bus), 0);
    delivery_free(one);
    delivery_free(two);
    delivery_free(three);
    bus_close(bus);
}

void test_bus_fake__delivery_limit_ends_in_the_dead_letters(void **state)
{
    (void)state;
    struct bus *bus = open_bus();
    struct err err = {0};
    send(bus, "cart.a", "1");
    for (int round = 0; round < 3; round++) {
        struct delivery *one = next(bus, "1");
        assert_int_equal(one->delivery_count, round);
        assert_int_equal(bus_reconnect(bus, &err), OUTCOME_DONE);
        delivery_free(one);
    }
    assert_idle(bus);
    struct delivery *dead = bus_fake_take(bus, STR("dead.cart"));
    assert_non_null(dead);
    assert_true(str_eq(dead->message_id, STR("1")));
    delivery_free(dead);
    bus_close(bus);
}

void test_bus_fake__cancel_stops_deliveries_but_not_acks(void **state)
{
    (void)state;
    struct bus *bus = open_bus();
    struct err err = {0};
    send(bus, "cart.a", "1");
    send(bus, "cart.b", "2");
    struct delivery *one = next(bus, "1");
    assert_int_equal(bus_cancel(bus, &err), OUTCOME_DONE);
    assert_idle(bus);
    bus_ack(bus, one, false);
    flush(bus);
    assert_int_equal(bus_fake_unacked(bus), 0);
    assert_int_equal(bus_fake_depth(bus, STR("cart")), 1);
    delivery_free(one);
    bus_close(bus);
}

static void assert_confirmed(struct bus *bus, uint64_t group, bool ok)
{
    struct bus_confirm confirm;
    assert_true(bus_confirmed(bus, &confirm));
    assert_int_equal(confirm.group, group);
    assert_int_equal(confirm.ok, ok);
}

void test_bus_fake__confirms_and_returns(void **state)
{
    (void)state;
    struct bus *bus = open_bus();
    const struct bus_message nowhere = {
        .exchange = STR("dead"), .routing_key = STR("x"), .mandatory = true};
    const struct bus_message unheard = {.exchange = STR("dead"), .routing_key = STR("x")};
    const struct bus_message event = {.exchange = STR("events"),
                                      .routing_key = STR("order.placed")};
    bus_publish(bus, &event, 1);
    bus_publish(bus, &nowhere, 2);
    bus_publish(bus, &unheard, 3);
    bus_publish(bus, &nowhere, 0);
    assert_int_equal(bus_fake_depth(bus, STR("events")), 0); /* not before the flush */
    assert_false(bus_wait_confirms(bus, 0));
    flush(bus);
    assert_confirmed(bus, 1, true);
    assert_confirmed(bus, 2, false);
    assert_confirmed(bus, 3, true);
    assert_true(bus_wait_confirms(bus, 0));
    assert_int_equal(bus_returned(bus), 2);
    assert_int_equal(bus_fake_depth(bus, STR("events")), 1); /* two bindings, one copy */
    bus_close(bus);
}

void test_bus_fake__full_queue_refuses(void **state)
{
    (void)state;
    struct bus *bus = open_bus();
    const struct bus_message event = {.exchange = STR("events"),
                                      .routing_key = STR("order.placed")};
    for (uint64_t group = 1; group <= 3; group++)
        bus_publish(bus, &event, group);
    flush(bus);
    assert_confirmed(bus, 1, true);
    assert_confirmed(bus, 2, true);
    assert_confirmed(bus, 3, false);
    bus_close(bus);
}

void test_bus_fake__replies_land_where_reply_to_says(void **state)
{
    (void)state;
    struct bus *bus = open_bus();
    send(bus, "cart.a", "1");
    bus_publish(bus,
                &(struct bus_message){.routing_key = STR("back"),
                                      .correlation_id = STR("c"),
                                      .status = 201,
                                      .body = STR("{\"ok\":true}"),
                                      .mandatory = true},
                0);
    bus_publish(bus, &(struct bus_message){.routing_key = STR("gone"), .mandatory = true}, 0);
    flush(bus);
    struct delivery *reply = bus_fake_take(bus, STR("back"));
    assert_non_null(reply);
    assert_int_equal(reply->status, 201);
    assert_true(str_eq(reply->body, STR("{\"ok\":true}")));
    assert_null(bus_fake_take(bus, STR("back")));
    assert_int_equal(bus_returned(bus), 1);
    delivery_free(reply);
    bus_close(bus);
}

void test_bus_fake__delay_queues_expire_when_time_moves(void **state)
{
    (void)state;
    struct bus *bus = open_bus();
    const struct bus_header operation = {"x-operation", STR("cart.get")};
    bus_publish(bus,
                &(struct bus_message){.routing_key = STR("delay"),
                                      .message_id = STR("long"),
                                      .attempt = 2,
                                      .headers = &operation,
                                      .header_count = 1},
                0);
    flush(bus);
    bus_fake_advance(bus, 999);
    assert_idle(bus);
    bus_publish(bus,
                &(struct bus_message){
                    .routing_key = STR("delay"), .message_id = STR("short"), .expiration = 1},
                0);
    flush(bus);
    bus_fake_advance(bus, 1);
    struct delivery *delivery = next(bus, "long");
    assert_int_equal(delivery->attempt, 2);
    assert_true(str_eq(delivery->operation, STR("cart.get")));
    delivery_free(delivery);
    delivery = next(bus, "short");
    assert_int_equal(delivery->expiration, -1);
    delivery_free(delivery);
    bus_close(bus);
}

static void assert_late(struct bus *bus, const char *id)
{
    struct delivery *delivery = bus_fake_take(bus, STR("late"));
    assert_non_null(delivery);
    assert_true(str_eq(delivery->message_id, str_of(id)));
    delivery_free(delivery);
}

/* Each step takes its own time, however far the test moves the clock at once. */
void test_bus_fake__chained_delays_add_up(void **state)
{
    (void)state;
    static const struct bus_exchange steps[] = {
        {.name = STR("first"), .kind = "fanout"},
        {.name = STR("second"), .kind = "topic", .alternate = STR("end")},
        {.name = STR("end"), .kind = "fanout"}};
    static const struct bus_binding first = {STR("first"), STR("")};
    static const struct bus_binding second = {STR("second"), STR("both.#")};
    static const struct bus_binding end = {STR("end"), STR("")};
    static const struct bus_queue chain[] = {
        {.name = STR("delay.1"),
         .bindings = &first,
         .binding_count = 1,
         .message_ttl_ms = 100,
         .dead_exchange = STR("second")},
        {.name = STR("delay.2"),
         .bindings = &second,
         .binding_count = 1,
         .message_ttl_ms = 50,
         .dead_exchange = STR("end")},
        {.name = STR("late"), .bindings = &end, .binding_count = 1},
    };
    const struct bus_message both = {
        .exchange = STR("first"), .routing_key = STR("both.x"), .message_id = STR("both")};
    const struct bus_message one = {
        .exchange = STR("first"), .routing_key = STR("one.x"), .message_id = STR("one")};
    struct bus *bus = bus_fake_open();
    struct err err = {0};
    assert_int_equal(
        bus_declare(bus,
                    &(struct bus_topology){
                        .exchanges = steps, .exchange_count = 3, .queues = chain, .queue_count = 3},
                    &err),
        OUTCOME_DONE);
    assert_true(bus_fake_send(bus, &both));
    bus_fake_advance(bus, 149);
    assert_int_equal(bus_fake_depth(bus, STR("late")), 0);
    bus_fake_advance(bus, 1);
    assert_late(bus, "both");
    assert_true(bus_fake_send(bus, &both));
    assert_true(bus_fake_send(bus, &one));
    bus_fake_advance(bus, 1000);
    assert_late(bus, "one");
    assert_late(bus, "both");
    bus_close(bus);
}

void test_bus_fake__closed_it_gives_back_and_takes_nothing(void **state)
{
    (void)state;
    struct bus *bus = open_bus();
    struct err err = {0};
    struct delivery *none;
    send(bus, "cart.a", "1");
    delivery_free(next(bus, "1"));
    bus_disconnect(bus);
    assert_int_equal(bus_fake_unacked(bus), 0);
    assert_int_equal(bus_fake_depth(bus, STR("cart")), 1);
    assert_int_equal(bus_next(bus, 0, &none), BUS_CLOSED);
    assert_int_equal(bus_reconnect(bus, &err), OUTCOME_DONE);
    struct delivery *again = next(bus, "1");
    assert_int_equal(again->delivery_count, 1);
    delivery_free(again);
    bus_close(bus);
}

void test_bus_fake__connection_is_cut_on_demand(void **state)
{
    (void)state;
    struct bus *bus = open_bus();
    struct err err = {0};
    struct delivery *delivery;
    send(bus, "cart.a", "1");
    bus_fake_fail(bus, BUS_FAKE_NEXT, 2);
    struct delivery *one = next(bus, "1");
    assert_int_equal(bus_next(bus, 0, &delivery), BUS_CLOSED);
    assert_int_equal(bus_next(bus, 0, &delivery), BUS_CLOSED);
    assert_string_equal(bus_lost_reason(bus), "cut by the test");
    bus_ack(bus, one, false);
    assert_int_equal(bus_flush(bus, &err), OUTCOME_RETRY);
    assert_int_equal(bus_reconnect(bus, &err), OUTCOME_DONE);
    assert_string_equal(bus_lost_reason(bus), "");
    delivery_free(one);
    delivery_free(next(bus, "1"));
    bus_close(bus);
}

void test_bus_fake__cut_flush_fails_its_groups(void **state)
{
    (void)state;
    struct bus *bus = open_bus();
    struct err err = {0};
    const struct bus_message event = {.exchange = STR("events"),
                                      .routing_key = STR("order.placed")};
    bus_fake_fail(bus, BUS_FAKE_FLUSH, 1);
    bus_publish(bus, &event, 7);
    assert_int_equal(bus_flush(bus, &err), OUTCOME_RETRY);
    struct bus_confirm confirm;
    assert_false(bus_confirmed(bus, &confirm));
    assert_int_equal(bus_reconnect(bus, &err), OUTCOME_DONE);
    assert_confirmed(bus, 7, false);
    flush(bus);
    assert_int_equal(bus_fake_depth(bus, STR("events")), 0);
    bus_publish(bus, &event, 8);
    flush(bus);
    assert_confirmed(bus, 8, true);
    bus_close(bus);
}

void test_bus_fake__unknown_exchange_and_queue(void **state)
{
    (void)state;
    struct bus *bus = open_bus();
    struct err err = {0};
    int64_t depth = -7;
    assert_int_equal(bus_queue_depth(bus, STR("nothing"), &depth, &err), OUTCOME_REFUSED);
    assert_int_equal(depth, -7);
    assert_int_equal(bus_queue_depth(bus, STR("cart"), &depth, &err), OUTCOME_DONE);
    assert_int_equal(depth, 0);
    bus_publish(bus, &(struct bus_message){.exchange = STR("nothing")}, 0);
    assert_int_equal(bus_flush(bus, &err), OUTCOME_RETRY);
    assert_int_equal(bus_reconnect(bus, &err), OUTCOME_DONE);
    assert_int_equal(bus_consume(bus, &STR("nothing"), 1, 1, &err), OUTCOME_RETRY);
    bus_close(bus);
}

void test_bus_fake__other_settings_are_a_bug(void **state)
{
    (void)state;
    struct bus *bus = open_bus();
    struct err err = {0};
    const struct bus_queue other = {.name = STR("cart"), .delivery_limit = 3};
    assert_int_equal(
        bus_declare(bus, &(struct bus_topology){.queues = &other, .queue_count = 1}, &err),
        OUTCOME_BUG);
    bus_close(bus);
}

/* --- several connections ---------------------------------------------------------------------------- */

static struct bus *join(struct bus *bus)
{
    struct err err = {0};
    struct bus *other = bus_fake_join(bus);
    assert_int_equal(bus_consume(other, consumed, 2, 10, &err), OUTCOME_DONE);
    return other;
}

void test_bus_fake__each_connection_settles_its_own(void **state)
{
    (void)state;
    struct bus *bus = open_bus();
    struct bus *other = join(bus);
    assert_true(send(bus, "cart.a", "1"));
    assert_true(send(bus, "cart.b", "2"));
    struct delivery *mine = next(bus, "1");
    struct delivery *theirs = next(other, "2");
    assert_true(mine->tag == theirs->tag);
    bus_ack(other, theirs, true);
    flush(other);
    assert_int_equal(bus_fake_unacked(bus), 1);
    bus_ack(bus, mine, false);
    flush(bus);
    assert_int_equal(bus_fake_unacked(bus), 0);
    delivery_free(mine);
    delivery_free(theirs);
    bus_close(other);
    bus_close(bus);
}

void test_bus_fake__what_a_lost_connection_held_goes_to_another(void **state)
{
    (void)state;
    struct bus *bus = open_bus();
    struct bus *other = join(bus);
    struct err err = {0};
    assert_true(send(bus, "cart.a", "1"));
    struct delivery *mine = next(bus, "1");
    bus_fake_lose(bus, "no heartbeat");
    assert_string_equal(bus_lost_reason(bus), "no heartbeat");
    struct delivery *theirs = next(other, "1");
    assert_true(theirs->redelivered);
    assert_int_equal(theirs->delivery_count, 1);
    bus_ack(bus, mine, false); /* it does not know yet */
    assert_int_equal(bus_flush(bus, &err), OUTCOME_RETRY);
    assert_int_equal(bus_fake_unacked(bus), 1);
    bus_close(other); /* so does the end of a process */
    assert_int_equal(bus_fake_depth(bus, STR("cart")), 1);
    delivery_free(mine);
    delivery_free(theirs);
    bus_close(bus);
}

void test_bus_fake__a_flush_is_cut_between_two_calls(void **state)
{
    (void)state;
    static const struct {
        size_t carried_out, published;
    } rows[] = {{0, 0}, {1, 1}, {2, 2}, {3, 2}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bus *bus = open_bus();
        struct err err = {0};
        assert_true(send(bus, "cart.a", "1"));
        struct delivery *delivery = next(bus, "1");
        bus_ack(bus, delivery, false);
        for (int k = 0; k < 2; k++)
            bus_publish(
                bus, &(struct bus_message){.exchange = STR("dead"), .routing_key = STR("cart")}, 1);
        assert_int_equal(bus_fake_calls(bus), 3);
        bus_fake_cut(bus, rows[i].carried_out);
        assert_int_equal(bus_flush(bus, &err), OUTCOME_RETRY);
        assert_int_equal(bus_fake_calls(bus), 0);
        assert_int_equal(bus_fake_depth(bus, STR("dead.cart")), rows[i].published);
        /* Publishes go first, so the message comes again unless all was carried out. */
        assert_int_equal(bus_fake_depth(bus, STR("cart")), rows[i].carried_out < 3);
        assert_int_equal(bus_fake_unacked(bus), 0);
        assert_int_equal(bus_reconnect(bus, &err), OUTCOME_DONE);
        flush(bus);
        delivery_free(delivery);
        bus_close(bus);
    }
}

void test_bus_fake__a_prefetch_is_each_connections_own(void **state)
{
    (void)state;
    struct bus *bus = open_bus();
    struct bus *other = bus_fake_join(bus);
    struct err err = {0};
    struct delivery *delivery;
    assert_int_equal(bus_consume(other, consumed, 1, 1, &err), OUTCOME_DONE);
    for (int i = 0; i < 3; i++)
        assert_true(send(bus, "cart.a", "1"));
    assert_int_equal(bus_next(other, 0, &delivery), BUS_MESSAGE);
    delivery_free(delivery);
    assert_int_equal(bus_next(other, 0, &delivery), BUS_IDLE);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(bus_next(bus, 0, &delivery), BUS_MESSAGE);
        delivery_free(delivery);
    }
    bus_close(other);
    bus_close(bus);
}
