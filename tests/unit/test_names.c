/* Names of exchanges and queues, the topology of a service, and who takes up which event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lane_case.h"

static struct arena arena;
static struct bus_topology topology;

static const struct service service = {.workers = note_workers, .types = note_types};

static enum outcome plan(struct str *delays, size_t count, struct err *err)
{
    const struct engine_settings settings = {.prefix = STR("t"), .retry_delays = {delays, count}};
    arena_init(&arena, 4096);
    return topology_of(&service, &settings, &arena, &topology, err);
}

static void plan_notes(void)
{
    static struct str delays[] = {{"1s", 2}, {"5m", 2}};
    struct err err = {0};
    must(plan(delays, 2, &err), &err);
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
    assert_str(name_delay(&arena, p, STR("10s")), "shop-1.delay.10s");
    assert_str(name_unknown(&arena, p), "shop-1.unknown");
    assert_str(name_queue(&arena, p, STR("order")), "shop-1.order");
    assert_str(name_event_queue(&arena, p, STR("order")), "shop-1.order.events");
    assert_str(name_dead(&arena, p, STR("order")), "shop-1.dead.order");
    assert_str(name_dead_of_queue(&arena, p, STR("shop-1.order")), "shop-1.dead.order");
    assert_str(name_dead_of_queue(&arena, p, STR("shop-1.order.events")), "shop-1.dead.order");
    assert_str(name_dead_of_queue(&arena, p, STR("shop-1.unknown")), "shop-1.dead.unknown");
    arena_release(&arena);
}

/* --- topology ------------------------------------------------------------------------------------- */

void test_names__exchanges(void **state)
{
    (void)state;
    static const struct {
        const char *name, *kind, *alternate;
    } expected[] = {
        {"t.unrouted", "fanout", NULL}, {"t.requests", "topic", "t.unrouted"},
        {"t.events", "topic", NULL},    {"t.notifications", "topic", NULL},
        {"t.delay.1s", "fanout", NULL}, {"t.delay.5m", "fanout", NULL},
    };
    plan_notes();
    assert_int_equal(topology.exchange_count, COUNT(expected));
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
    assert_int_equal(topology.queue_count, 9);
    const struct bus_queue *requests = queue_named("t.notes");
    assert_int_equal(requests->binding_count, 1);
    assert_binding(requests, 0, "t.requests", "note.#");
    assert_str(requests->dead_exchange, "");
    assert_str(requests->dead_routing_key, "t.dead.notes");
    assert_true(requests->delivery_limit > 0);
    assert_int_equal(requests->message_ttl_ms, 0);
    const struct bus_queue *events = queue_named("t.echo.events");
    assert_int_equal(events->binding_count, 1);
    assert_binding(events, 0, "t.events", "note.written");
    assert_str(events->dead_routing_key, "t.dead.echo");
    assert_true(events->delivery_limit > 0);
    assert_binding(queue_named("t.echo"), 0, "t.requests", "echo.#");
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
        assert_int_equal(queue->delivery_limit, 0);
        assert_int_equal(queue->length_max, 0);
        assert_true(str_is_absent(queue->dead_exchange));
    }
    arena_release(&arena);
}

/* Back through the default exchange, to the queue that the message names as its key. */
void test_names__a_delay_leads_back(void **state)
{
    (void)state;
    plan_notes();
    const struct bus_queue *queue = queue_named("t.delay.1s");
    assert_binding(queue, 0, "t.delay.1s", "");
    assert_int_equal(queue->message_ttl_ms, 1000);
    assert_str(queue->dead_exchange, "");
    assert_true(str_is_absent(queue->dead_routing_key));
    assert_int_equal(queue_named("t.delay.5m")->message_ttl_ms, 300000);
    arena_release(&arena);
}

void test_names__what_nobody_serves_has_a_queue(void **state)
{
    (void)state;
    plan_notes();
    const struct bus_queue *queue = queue_named("t.unknown");
    assert_binding(queue, 0, "t.unrouted", "");
    assert_str(queue->dead_routing_key, "t.dead.unknown");
    arena_release(&arena);
}

void test_names__a_delay_must_be_a_duration(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "soon", "0s", "-1s", "10"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct str delays[] = {STR("1s"), str_of(wrong[i])};
        struct err err = {0};
        assert_int_equal(plan(delays, 2, &err), OUTCOME_INVALID);
        assert_non_null(strstr(err.text, "retry.delays"));
        arena_release(&arena);
    }
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
    assert_true(worker_subscribes(&echo_worker));
    assert_false(worker_subscribes(&notes_worker));
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
