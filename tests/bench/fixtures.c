/* fixtures.c - users with tokens, products with stock, filled carts. */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "cart/cart.h"
#include "catalog/catalog.h"
#include "crypto/auth.h"
#include "lock/lock.h"
#include "service/connections.h"
#include "wire/json.h"

void bench_die(const char *what, const struct err *err)
{
    fprintf(stderr, "bench: %s: %s\n", what, err->text);
    exit(1);
}

/* --- customers and goods --------------------------------------------------------------------------- */

static void add_all(struct bench *bench)
{
    for (size_t i = 0; i < BENCH_USERS; i++) {
        const struct shopper shopper = fixtures_shopper(&bench->fixtures, CUSTOMER);
        bench->users[i] = shopper.id;
        bench->tokens[i] = shopper.token;
    }
    for (size_t i = 0; i < BENCH_SKUS; i++)
        bench->goods[i] =
            fixtures_good(&bench->fixtures, (struct money){499 + (int64_t)i, "GBP"}, BENCH_STOCK);
    fixtures_write(&bench->fixtures);
}

/* --- carts -------------------------------------------------------------------------------------------- */

static struct cart_line line_of(const struct good *good)
{
    return (struct cart_line){
        .product_id = good->id, .sku = good->sku, .quantity = 1, .unit_price = good->price};
}

/* xorshift64 (Marsaglia 2003) from a fixed seed: every run orders the same. */
static size_t next_random(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state >> 16);
}

typedef void fill_fn(struct bench *bench, struct cart *cart, const void *context);

static void fill_by_chance(struct bench *bench, struct cart *cart, const void *context)
{
    const size_t skus = *(const size_t *)context;
    const size_t first = next_random() % skus;
    const size_t second = (first + 1 + next_random() % (skus - 1)) % skus;
    cart->lines.items = arena_array(&bench->scratch, 2, sizeof(struct cart_line));
    cart->lines.items[0] = line_of(&bench->goods[first]);
    cart->lines.items[1] = line_of(&bench->goods[second]);
    cart->lines.count = 2;
}

static void fill_with(struct bench *bench, struct cart *cart, const void *context)
{
    cart->lines.items = arena_array(&bench->scratch, 1, sizeof(struct cart_line));
    cart->lines.items[0] = line_of(context);
    cart->lines.count = 1;
}

static void add_cart(struct bench *bench, const struct doc_head *old, struct str user,
                     fill_fn *fill, const void *context)
{
    struct cart *cart = ARENA_NEW(&bench->scratch, struct cart);
    cart->head = old ? *old : fixtures_head(&bench->chunk, user);
    if (old)
        cart->head.version++;
    fill(bench, cart, context);
    fixtures_add(&bench->chunk, &(struct write){old ? WRITE_REPLACE : WRITE_INSERT, &cart_type,
                                                cart, old ? old->version : 0});
}

/* All of these users have a cart, or none has. */
static void fill_all(struct bench *bench, size_t users, fill_fn *fill, const void *context)
{
    struct err err = {0};
    struct store_find find = {
        .type = &cart_type, .path = "id", .values = bench->users, .count = users};
    if (store_find(bench->store, &bench->scratch, &find, &err) != OUTCOME_DONE)
        bench_die("reading carts", &err);
    const bool are_new = find.found.count == 0;
    for (size_t i = 0; i < users; i++)
        add_cart(bench, are_new ? NULL : doc_head(find.found.items[i]), bench->users[i], fill,
                 context);
    fixtures_write(&bench->chunk);
    fixtures_clear(&bench->chunk);
}

void bench_fill_carts(struct bench *bench, size_t skus)
{
    fill_all(bench, BENCH_USERS, fill_by_chance, &skus);
}

struct good bench_flash_sale(struct bench *bench, size_t buyers, int64_t stock)
{
    const struct good good = fixtures_good(&bench->fixtures, (struct money){999, "GBP"}, stock);
    fixtures_write(&bench->fixtures);
    fill_all(bench, buyers, fill_with, &good);
    return good;
}

/* --- all ---------------------------------------------------------------------------------------------- */

static void print_nothing(const char *line)
{
    (void)line;
}

/* The database is the path of the URI: "mongodb://host:port/database?options". */
static void name_state(const char *state)
{
    const char *uri = getenv("CARTWRIGHT_MONGODB_URI");
    const char *hosts = uri ? strstr(uri, "://") : NULL;
    const char *path = hosts ? strchr(hosts + 3, '/') : NULL;
    char text[1024];
    if (!path)
        bench_die("CARTWRIGHT_MONGODB_URI", &(struct err){.text = "names no database"});
    const int len = snprintf(text, sizeof(text), "%.*s/bench_%s%s", (int)(path - uri), uri, state,
                             path + strcspn(path, "?"));
    if (len >= (int)sizeof(text) || setenv("CARTWRIGHT_MONGODB_URI", text, 1) != 0)
        bench_die("CARTWRIGHT_MONGODB_URI", &(struct err){.text = "is too long"});
}

static void open_store(struct bench *bench)
{
    struct err err = {0};
    const struct store_options options =
        store_options_of(&bench->service, &bench->settings->engine);
    if (store_open(&options, &bench->store, &err) != OUTCOME_DONE ||
        store_apply_indexes(bench->store, print_nothing, &err) != OUTCOME_DONE)
        bench_die("opening the database", &err);
}

void bench_forget_pages(struct bench *bench)
{
    struct err err = {0};
    struct lock *lock = NULL;
    const struct lock_options options = lock_options_of(&bench->settings->engine);
    const struct str tag = str_of(product_type.cache_tag);
    if (lock_open(&options, &lock, &err) != OUTCOME_DONE ||
        cache_invalidate(lock, &tag, 1, &err) != OUTCOME_DONE)
        bench_die("the cache", &err);
    lock_close(lock);
}

void bench_enter(struct bench *bench)
{
    name_state(bench->state);
    bench_forget_pages(bench);
}

void bench_set_up(struct bench *bench, const char *state)
{
    struct err err = {0};
    if (state) {
        snprintf(bench->state, sizeof(bench->state), "%s", state);
        name_state(state);
    }
    arena_init(&bench->arena, 1024 * 1024);
    arena_init(&bench->scratch, 1024 * 1024);
    json_init();
    bench->config_file = getenv("CONFIG");
    if (auth_init(&err) != OUTCOME_DONE ||
        config_load(&app_config, bench->config_file, &bench->arena, &bench->config, &err) !=
            OUTCOME_DONE)
        bench_die("configuration", &err);
    bench->settings = bench->config.settings;
    bench->service = shop_service(bench->settings);
    open_store(bench);
    bench_forget_pages(bench);
    fixtures_init(&bench->fixtures, &bench->arena, bench->store, &bench->settings->engine);
    fixtures_init(&bench->chunk, &bench->scratch, bench->store, &bench->settings->engine);
    add_all(bench);
    bench_write_bodies(bench);
    bench_name_operations(bench, "");
}

void bench_tear_down(struct bench *bench)
{
    store_close(bench->store);
    arena_release(&bench->scratch);
    arena_release(&bench->arena);
    *bench = (struct bench){0};
}
