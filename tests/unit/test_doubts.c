/* What starts and is wrong all the same is told, with what to do about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cartwright/command.h"

static struct app app;
static struct app_settings settings;
static struct pool_settings pool;
static struct str names[] = {STR("auth"),  STR("catalog"),      STR("inventory"), STR("cart"),
                             STR("order"), STR("notification"), STR("unknown")};

/* One pool has all workers. */
static void begin(void)
{
    app = (struct app){0};
    settings = (struct app_settings){0};
    arena_init(&app.arena, 4096);
    pool = (struct pool_settings){.name = STR("all"),
                                  .workers = {names, sizeof(names) / sizeof(names[0])}};
    settings.engine.pools.items = &pool;
    settings.engine.pools.count = 1;
    app.settings = &settings;
    app.service = shop_service(&settings);
}

static void assert_told(const char *what, const char *cure)
{
    const struct doubts doubts = doubts_of(&app);
    for (size_t i = 0; i < doubts.count; i++)
        if (strstr(doubts.items[i].ptr, what) && strstr(doubts.items[i].ptr, cure))
            return;
    fail_msg("nobody says '%s' and '%s' in %zu doubts", what, cure, doubts.count);
}

void test_doubts__a_whole_shop_has_none(void **state)
{
    (void)state;
    begin();
    const struct doubts doubts = doubts_of(&app);
    if (doubts.count)
        fail_msg("%.*s", STR_FMT(doubts.items[0]));
    arena_release(&app.arena);
}

void test_doubts__a_worker_that_is_in_no_pool(void **state)
{
    (void)state;
    begin();
    names[4] = STR("cart"); /* twice */
    assert_told("worker order is in no pool", "add it to `workers`");
    names[4] = STR("order");
    pool.workers.count--;
    assert_told("operations that do not exist", "add `unknown` to `workers`");
    arena_release(&app.arena);
}

/* Somebody wrote schemas and handlers, and forgot the table. */
void test_doubts__a_domain_that_is_not_registered(void **state)
{
    (void)state;
    const struct worker *few[8];
    size_t count = 0;
    begin();
    for (size_t i = 0; app.service.workers[i]; i++)
        if (strcmp(app.service.workers[i]->name, "order") != 0)
            few[count++] = app.service.workers[i];
    few[count] = NULL;
    app.service.workers = few;
    assert_told("schema order.place", "workers/shop.c");
    arena_release(&app.arena);
}
