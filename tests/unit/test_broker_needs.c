/* test_broker_needs.c - patterns, and which policy is for which queue. (That the tables say the same as
 * docker/rabbitmq-definitions.json is tests/unit/test_topology.py's.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "service/broker_needs.h"

void test_broker_needs__the_prefix_is_taken_literally(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1024);
    assert_string_equal(broker_pattern(&arena, "^(@a|b)$", STR("shop")).ptr, "^(shop\\.a|b)$");
    assert_string_equal(broker_pattern(&arena, "^@@", STR("a.b+")).ptr, "^a\\.b\\+\\.a\\.b\\+\\.");
    assert_string_equal(broker_pattern(&arena, "^$", STR("shop")).ptr, "^$");
    arena_release(&arena);
}

void test_broker_needs__each_queue_has_the_policy_of_its_kind(void **state)
{
    (void)state;
    static const struct {
        const char *queue, *policy;
    } rows[] = {
        {"shop.dead.order", "dead"},
        {"shop.delay.07", "delays"},
        {"shop.reply.web-1", "replies"},
        {"shop.subscriber.mailer", "subscribers"},
        {"amq.gen-JzTY20BRgKO", "own-queues"},
        {"shop.order", NULL},
        {"shop.order.7", NULL},
        {"shop.order.events", NULL},
        {"shop.deadline", NULL},
        {"shopXdead.order", NULL},
        {"a.shop.dead.order", NULL},
        {"", NULL},
    };
    struct arena arena;
    arena_init(&arena, 1024);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct broker_policy *policy =
            broker_policy_of(&arena, str_of(rows[i].queue), STR("shop"));
        if (rows[i].policy)
            assert_string_equal(policy ? policy->name : "none", rows[i].policy);
        else
            assert_null(policy);
    }
    arena_release(&arena);
}
