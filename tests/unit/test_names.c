/* Names of exchanges and queues, the topology of a service, and who takes up which event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lane_case.h"
#include "service/broker_needs.h"

static struct arena arena;
static struct bus_topology topology;

static const struct service service = {.domains = note_domains, .types = note_types};

static enum outcome plan(struct str prefix, struct err *err)
{
    const struct engine_settings settings = {.prefix = prefix};
    arena_init(&arena, 4096);
    return topology_of(&service, &settings, &arena, &topology, err);
}

static void plan_notes(void)
{
    struct err err = {0};
    must(plan(STR("t"), &err), &err);
}

static const struct bus_queue *queue_named(const char *name)
{
    const struct bus_queue *found = NULL;
    for (size_t i = 0; i < topology.queue_count; i++) {
        if (!str_eq(topology.queues[i].name, str_of(name)))
            continue;
        assert_null(found); /* declared once */
        found = &topology.queues[i];
    }
    if (!found)
        fail_msg("no queue %s", name);
    return found;
}

static void assert_str(struct str got, const char *expected)
{
    if (str_is_absent(got) != !expected || !str_eq(got, str_of(expected)))
        fail_msg("\"%.*s\", not \"%s\"", STR_FMT(got), expected ? expected : "(absent)");
}

static void assert_binding(const struct bus_queue *queue, size_t i, const char *exchange,
                           const char *pattern)
{
    assert_true(i < queue->binding_count);
    assert_str(queue->bindings[i].exchange, exchange);
    assert_str(queue->bindings[i].pattern, pattern);
}

/* --- names ---------------------------------------------------------------------------------------- */

void test_names__names_begin_with_the_prefix(void **state)
{
    (void)state;
    const struct str p = STR("shop-1");
    arena_init(&arena, 4096);
    assert_str(name_requests(&arena, p), "shop-1.requests");
    assert_str(name_events(&arena, p), "shop-1.events");
    assert_str(name_notifications(&arena, p), "shop-1.notifications");
    assert_str(name_delay(&arena, p, 3), "shop-1.delay.03");
    assert_str(name_delay_end(&arena, p), "shop-1.delay.end");
    assert_str(name_unknown(&arena, p), "shop-1.unknown");
    assert_str(name_queue(&arena, p, STR("order")), "shop-1.order");
    assert_str(name_event_queue(&arena, p, STR("order")), "shop-1.order.events");
    assert_str(name_dead(&arena, p, STR("order")), "shop-1.dead.order");
    assert_str(name_dead_of_queue(&arena, p, STR("shop-1.order")), "shop-1.dead.order");
    assert_str(name_dead_of_queue(&arena, p, STR("shop-1.order.events")), "shop-1.dead.order");
    assert_str(name_dead_of_queue(&arena, p, STR("shop-1.unknown")), "shop-1.dead.unknown");
    assert_str(name_dead_of_queue(&arena, p, STR("shop-1.died")), "shop-1.dead.unknown");
    assert_str(name_dead_of_queue(&arena, p, STR("shop-1.order.17")), "shop-1.dead.order");
    assert_str(name_partitions(&arena, p, STR("order")), "shop-1.order.partitions");
    assert_str(name_partition(&arena, p, STR("order"), 17), "shop-1.order.17");
    assert_str(name_without_partition(STR("shop-1.order.17")), "shop-1.order");
    assert_str(name_without_partition(STR("shop-1.order.events")), "shop-1.order.events");
    assert_str(name_without_partition(STR("shop-1")), "shop-1");
    assert_str(name_without_partition(STR("17")), "17");
    assert_str(name_without_partition(STR(".17")), ".17");
    arena_release(&arena);
}

/* --- topology ------------------------------------------------------------------------------------- */

void test_names__exchanges(void **state)
{
    (void)state;
    static const struct {
        const char *name, *kind, *alternate;
    } expected[] = {
        {"t.unrouted", "fanout", NULL},         {"t.died", "fanout", NULL},
        {"t.requests", "topic", "t.unrouted"},  {"t.events", "topic", NULL},
        {"t.notifications", "topic", NULL},     {"t.delay.end", "topic", "t.unrouted"},
        {"t.delay.00", "topic", "t.delay.end"}, {"t.delay.01", "topic", "t.delay.00"},
    };
    plan_notes();
    assert_int_equal(topology.exchange_count, 6 + DELAY_LEVELS);
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_str(topology.exchanges[i].name, expected[i].name);
        assert_string_equal(topology.exchanges[i].kind, expected[i].kind);
        assert_str(topology.exchanges[i].alternate, expected[i].alternate);
    }
    arena_release(&arena);
}

void test_names__a_worker_has_requests_events_and_dead_letters(void **state)
{
    (void)state;
    plan_notes();
    assert_int_equal(topology.queue_count, 8 + DELAY_LEVELS);
    const struct bus_queue *requests = queue_named("t.notes");
    assert_int_equal(requests->binding_count, 2);
    assert_binding(requests, 0, "t.delay.end", "#.t.notes");
    assert_binding(requests, 1, "t.requests", "note.#");
    assert_str(requests->dead_exchange, "t.died");
    assert_true(str_is_absent(requests->dead_routing_key)); /* it keeps its own */
    assert_str(requests->former_dead_routing_key, "t.dead.notes");
    assert_true(requests->delivery_limit > 0);
    assert_int_equal(requests->message_ttl_ms, 0);
    const struct bus_queue *events = queue_named("t.echo.events");
    assert_int_equal(events->binding_count, 2);
    assert_binding(events, 0, "t.delay.end", "#.t.echo.events");
    assert_binding(events, 1, "t.events", "note.written");
    assert_str(events->dead_exchange, "t.died");
    assert_str(events->former_dead_routing_key, "t.dead.echo");
    assert_true(events->delivery_limit > 0);
    assert_binding(queue_named("t.echo"), 1, "t.requests", "echo.#");
    arena_release(&arena);
}

/* What is dead stays: nothing takes it out but an operator. */
void test_names__dead_letters_do_not_expire(void **state)
{
    (void)state;
    static const char *const names[] = {"t.dead.notes", "t.dead.echo", "t.dead.unknown"};
    plan_notes();
    for (size_t i = 0; i < COUNT(names); i++) {
        const struct bus_queue *queue = queue_named(names[i]);
        assert_int_equal(queue->binding_count, 0);
        assert_int_equal(queue->message_ttl_ms, 0);
        assert_int_equal(queue->delivery_limit, DELIVERY_LIMIT_NEVER);
        assert_int_equal(queue->length_max, 0);
        assert_true(str_is_absent(queue->dead_exchange));
    }
    arena_release(&arena);
}

void test_names__a_level_of_the_delays_leads_to_the_one_below(void **state)
{
    (void)state;
    static const struct {
        const char *name, *pattern, *below;
        int64_t ttl_ms;
    } rows[] = {
        {"t.delay.00", "1.#", "t.delay.end", 100},
        {"t.delay.01", "*.1.#", "t.delay.00", 200},
        {"t.delay.24", "*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.*.1.#", "t.delay.23",
         1677721600},
    };
    plan_notes();
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct bus_queue *queue = queue_named(rows[i].name);
        assert_int_equal(queue->binding_count, 1);
        assert_binding(queue, 0, rows[i].name, rows[i].pattern);
        assert_int_equal(queue->message_ttl_ms, rows[i].ttl_ms);
        assert_str(queue->dead_exchange, rows[i].below);
        assert_true(str_is_absent(queue->dead_routing_key));
        assert_int_equal(queue->delivery_limit, DELIVERY_LIMIT_NEVER);
    }
    arena_release(&arena);
}

void test_names__what_nobody_serves_has_a_queue(void **state)
{
    (void)state;
    plan_notes();
    const struct bus_queue *queue = queue_named("t.unknown");
    assert_binding(queue, 0, "t.delay.end", "#.t.unknown");
    assert_binding(queue, 1, "t.unrouted", "");
    assert_str(queue->former_dead_routing_key, "t.dead.unknown");
    arena_release(&arena);
}

void test_names__what_died_has_a_queue_without_a_way_back(void **state)
{
    (void)state;
    plan_notes();
    const struct bus_queue *queue = queue_named("t.died");
    assert_int_equal(queue->binding_count, 1);
    assert_binding(queue, 0, "t.died", "");
    assert_str(queue->dead_exchange, "");
    assert_str(queue->dead_routing_key, "t.dead.unknown");
    assert_true(queue->delivery_limit > 0);
    arena_release(&arena);
}

void test_names__queues_that_lanes_take_from(void **state)
{
    (void)state;
    static const struct {
        const char *queue;
        bool is_taken_from;
    } rows[] = {
        {"t.notes", true},
        {"t.notes.7", true},
        {"t.echo", true},
        {"t.echo.events", true},
        {"t.unknown", true},
        {"t.died", false},
        {"t.other", false},
        {"t.dead.notes", false},
        {"t.notes.events.events", false},
        {"u.notes", false},
        {"tt.echo.events", false},
        {"t.x.echo.events", false},
        {"t", false},
        {"", false},
        {"t.delay.00", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        if (service_takes_from(&service, STR("t"), str_of(rows[i].queue)) != rows[i].is_taken_from)
            fail_msg("%s", rows[i].queue);
}

void test_names__a_name_leaves_room_for_the_bits_of_a_delay(void **state)
{
    (void)state;
    static char prefix[256];
    struct err err = {0};
    memset(prefix, 'p', sizeof(prefix));
    const size_t longest = 255 - DELAY_BITS_MAX - strlen(".dead.unknown");
    must(plan((struct str){prefix, longest}, &err), &err);
    arena_release(&arena);
    assert_int_equal(plan((struct str){prefix, longest + 1}, &err), OUTCOME_INVALID);
    assert_ptr_equal(err.code, E_VALIDATION_FAILED);
    assert_non_null(strstr(err.text, ".dead.unknown has over 205 bytes"));
    arena_release(&arena);
}

void test_names__what_waited_came_through_a_delay(void **state)
{
    (void)state;
    static const struct {
        const char *exchange;
        bool yes;
    } rows[] = {{"t.delay.00", true},  {"t.delay.end", true}, {"t.delay", false},  {"", false},
                {"t.requests", false}, {"tt.delay.1", false}, {"x.delay.1", false}};
    for (size_t i = 0; i < COUNT(rows); i++)
        if (name_is_delay(str_of(rows[i].exchange), STR("t")) != rows[i].yes)
            fail_msg("%s", rows[i].exchange);
}

/* --- subscriptions -------------------------------------------------------------------------------- */

void test_names__an_event_finds_its_subscriber_by_the_queue(void **state)
{
    (void)state;
    static const struct {
        const char *queue, *event;
        bool found;
    } rows[] = {
        {"t.echo.events", "note.written", true},
        {"a.long.prefix.echo.events", "note.written", true},
        {"t.echo.events", "note.other", false},
        {"t.echo.events", "note.written.", false},
        {"t.echo.events", "", false},
        {"t.notes.events", "note.written", false},
        {"t.echo", "note.written", false},
        {"t.gecko.events", "note.written", false},
        {"t-echo.events", "note.written", false},
        {"echo.events", "note.written", false},
        {".events", "note.written", false},
        {"", "note.written", false},
        {"t.echo.others", "note.written", false},
        {"t.echoes.event", "note.written", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct operation *operation =
            service_subscriber(&service, str_of(rows[i].queue), str_of(rows[i].event));
        if (operation != (rows[i].found ? &echo_written : NULL))
            fail_msg("%s in %s", rows[i].event, rows[i].queue);
    }
    assert_true(domain_subscribes(&echo_domain));
    assert_false(domain_subscribes(&notes_domain));
}

void test_names__operations_are_found_by_their_whole_name(void **state)
{
    (void)state;
    assert_ptr_equal(service_operation(&service, STR("note.write")), &note_write);
    assert_ptr_equal(service_operation(&service, STR("echo.note_written")), &echo_written);
    assert_null(service_operation(&service, STR("note.writ")));
    assert_null(service_operation(&service, STR("note.write.")));
    assert_null(service_operation(&service, STR("NOTE.WRITE")));
    assert_null(service_operation(&service, STR("")));
}

/* Whatever CC, BCC or the default exchange put into a queue: it is carried out from its own. */
void test_names__an_operation_is_carried_out_from_the_queues_of_its_worker(void **state)
{
    (void)state;
    static const struct {
        const char *queue, *name;
        const struct operation *operation;
    } rows[] = {
        {"t.notes", "note.write", &note_write},
        {"t.notes.0", "note.write", &note_write},
        {"t.notes.255", "note.read", &note_read},
        {"t.echo.events", "echo.note_written", &echo_written},
        {"t.echo", "note.write", NULL},
        {"t.echo.0", "note.write", NULL},
        {"t.echo.events", "note.write", NULL},
        {"t.notes.events", "note.write", NULL},
        {"t.unknown", "note.write", &note_write}, /* its own queue was not there */
        {"t.unknown", "echo.note_written", NULL},
        {"t.unknown.0", "note.write", NULL},
        {"t.echo", "echo.note_written", NULL},
        {"t.notes", "echo.note_written", NULL},
        {"t.notes", "note.writ", NULL},
        {"u.notes", "note.write", NULL},
        {"t-notes", "note.write", NULL},
        {"notes", "note.write", NULL},
        {"t.notes.", "note.write", NULL},
        {"t.notes.x", "note.write", NULL},
        {"", "note.write", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        if (service_operation_from(&service, STR("t"), str_of(rows[i].queue),
                                   str_of(rows[i].name)) != rows[i].operation)
            fail_msg("%s from %s", rows[i].name, rows[i].queue);
}
