/* What starts and is wrong all the same is told, with what to do about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cartwright/command.h"

static const char *const no_address[] = {NULL};
static struct app app;

static void begin(const char *config)
{
    char *arguments[] = {"domain", "--config", (char *)(uintptr_t)config, NULL};
    int count = 3;
    assert_true(app_open_for(no_address, &app, &count, arguments));
}

static void assert_told(const char *what, const char *cure)
{
    const struct doubts doubts = doubts_of(&app);
    for (size_t i = 0; i < doubts.count; i++)
        if (strstr(doubts.items[i].ptr, what) && strstr(doubts.items[i].ptr, cure))
            return;
    fail_msg("nobody says '%s' and '%s' in %zu doubts", what, cure, doubts.count);
}

/* The first pool without this domain: the configuration is the test's own. */
static void take_out(const char *domain)
{
    const struct pool_settings *pool = &app.settings->engine.pools.items[0];
    for (size_t i = 0; i < pool->domains.count; i++)
        if (str_eq(pool->domains.items[i], str_of(domain))) {
            pool->domains.items[i] = STR("cart"); /* once more */
            return;
        }
    fail_msg("the first pool has no domain %s", domain);
}

void test_doubts__of_configurations_that_are_shipped_there_are_none(void **state)
{
    (void)state;
    static const char *const configs[] = {"config/dev.yaml", "config/ci.yaml",
                                          "config/production.yaml"};
    for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
        begin(configs[i]);
        const struct doubts doubts = doubts_of(&app);
        if (doubts.count)
            fail_msg("%s: %.*s", configs[i], STR_FMT(doubts.items[0]));
        app_close(&app);
    }
}

void test_doubts__a_domain_that_is_in_no_pool(void **state)
{
    (void)state;
    begin("config/ci.yaml");
    take_out("order");
    assert_told("domain order is in no pool", "add it to `domains`");
    take_out("unknown");
    assert_told("operations that do not exist", "add `unknown` to `domains`");
    app_close(&app);
}

/* Somebody wrote schemas and handlers, and forgot the table. */
void test_doubts__a_domain_that_is_not_registered(void **state)
{
    (void)state;
    begin("config/ci.yaml");
    const struct domain **few = arena_array(&app.arena, 16, sizeof(struct domain *));
    size_t count = 0;
    for (size_t i = 0; app.service.domains[i]; i++)
        if (strcmp(app.service.domains[i]->name, "order") != 0)
            few[count++] = app.service.domains[i];
    app.service.domains = few;
    assert_told("schema order.place", "workers/shop.c");
    app_close(&app);
}
