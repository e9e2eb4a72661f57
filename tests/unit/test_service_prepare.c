/* What a shop's tables must hold before they serve, and that ours hold it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cartwright/command.h"
#include "shop.h"
#include "wire/schema_node.h"

static const struct schema_node nothing_node = {.type = SCHEMA_OBJECT, .max_count = SIZE_MAX};
static const struct shape nothing_shape = {.name = "nothing", .size = 1};
static const struct schema nothing = {
    .name = "nothing", .root = &nothing_node, .shape = &nothing_shape};
static const struct event_type something_happened = {.name = "something", .data = &nothing};

static enum outcome handle(struct job *job, const void *request, struct err *err)
{
    (void)job;
    (void)request;
    (void)err;
    return OUTCOME_DONE;
}

static const struct doc_type apples = {.collection = "apples"};

/* A sound shop of two domains, whose rows a test may change. */
static struct stand {
    struct operation look, sell, hear;
    const struct operation *fruit[3], *till[2];
    const char *fruit_prefixes[2], *till_prefixes[2];
    struct domain fruit_domain, till_domain;
    const struct domain *domains[3];
    const struct doc_type *types[3];
    struct service service;
} stand;

static void set_up(void)
{
    stand = (struct stand){
        .look = {.name = "fruit.look", .kind = QUERY, .request = &nothing, .summary = "Look"},
        .sell = {.name = "till.sell", .request = &nothing, .summary = "Sell"},
        .hear = {.name = "fruit.hear", .kind = SUBSCRIBER, .summary = "Hear"},
        .fruit = {&stand.look, &stand.hear, NULL},
        .till = {&stand.sell, NULL},
        .fruit_prefixes = {"fruit", NULL},
        .till_prefixes = {"till", NULL},
        .fruit_domain = {.name = "fruit"},
        .till_domain = {.name = "till"},
        .domains = {&stand.fruit_domain, &stand.till_domain, NULL},
        .types = {&apples, NULL, NULL},
    };
    stand.hear.event = &something_happened;
    stand.look.handle = stand.sell.handle = stand.hear.handle = handle;
    stand.fruit_domain.operations = stand.fruit;
    stand.fruit_domain.prefixes = stand.fruit_prefixes;
    stand.till_domain.operations = stand.till;
    stand.till_domain.prefixes = stand.till_prefixes;
    stand.service = (struct service){.domains = stand.domains, .types = stand.types};
}

static void expect_sound(void)
{
    struct err err = {0};
    if (service_prepare(&stand.service, &err) != OUTCOME_DONE)
        fail_msg("%s", err.text);
}

static void expect_bug(const char *text)
{
    struct err err = {0};
    assert_int_equal(service_prepare(&stand.service, &err), OUTCOME_BUG);
    if (!strstr(err.text, text))
        fail_msg("'%s' does not say '%s'", err.text, text);
}

void test_service_prepare__our_shop_is_sound(void **state)
{
    (void)state;
    static const struct app_settings none;
    const struct service service = shop_service(&none);
    struct err err = {0};
    if (service_prepare(&service, &err) != OUTCOME_DONE)
        fail_msg("%s", err.text);
}

void test_service_prepare__names_stand_once(void **state)
{
    (void)state;
    set_up();
    expect_sound();
    stand.till_domain.name = "fruit";
    expect_bug("two domains are called 'fruit'");
    set_up();
    stand.types[1] = &apples;
    expect_bug("two collections are called 'apples'");
    set_up();
    stand.sell.name = "fruit.look";
    expect_bug("two operations are called 'fruit.look'");
}

void test_service_prepare__operations_are_whole(void **state)
{
    (void)state;
    set_up();
    stand.look.handle = NULL;
    expect_bug("fruit.look has no handler");
    set_up();
    stand.hear.event = NULL;
    expect_bug("fruit.hear: a subscriber has an event");
    set_up();
    stand.hear.request = &nothing;
    expect_bug("fruit.hear: a subscriber has an event");
    set_up();
    stand.sell.event = &something_happened;
    expect_bug("till.sell: a subscriber has an event");
    set_up();
    stand.sell.request = NULL;
    expect_bug("till.sell: a subscriber has an event");
    set_up();
    stand.hear.reply = &nothing;
    expect_bug("fruit.hear: nobody gets the reply");
}

/* An operation outside the prefixes of its domain is bound by its whole name. */
void test_service_prepare__a_message_comes_to_one_queue(void **state)
{
    (void)state;
    set_up();
    stand.sell.name = "other.sell";
    expect_sound();
    stand.sell.name = "fruit.sell";
    expect_bug("fruit.sell of domain till would also come to domain fruit");
    stand.sell.name = "fruits.sell";
    expect_sound();
    stand.till_prefixes[0] = "fruit";
    expect_bug("fruit.look of domain fruit would also come to domain till");
}

void test_service_prepare__tables_have_limits(void **state)
{
    (void)state;
    set_up();
    stand.service.invalidation_count = INVALIDATIONS_MAX;
    expect_sound();
    stand.service.invalidation_count++;
    expect_bug("invalidations");
}
