/* fixtures.c - users with tokens, products with stock, filled carts. */
#include <stdio.h>
#include <stdlib.h>

#include "auth/auth.h"
#include "bench.h"
#include "cart/cart.h"
#include "wire/json.h"
#include "worker/process.h"

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
    cart->lines.items = arena_array(&bench->arena, 2, sizeof(struct cart_line));
    cart->lines.items[0] = line_of(&bench->goods[first]);
    cart->lines.items[1] = line_of(&bench->goods[second]);
    cart->lines.count = 2;
}

static void fill_with(struct bench *bench, struct cart *cart, const void *context)
{
    cart->lines.items = arena_array(&bench->arena, 1, sizeof(struct cart_line));
    cart->lines.items[0] = line_of(context);
    cart->lines.count = 1;
}

static void fill_all(struct bench *bench, fill_fn *fill, const void *context)
{
    struct err err = {0};
    struct store_find find = {
        .type = &cart_type, .path = "id", .values = bench->users, .count = BENCH_USERS};
    if (store_find(bench->store, &bench->arena, &find, &err) != OUTCOME_DONE)
        bench_die("reading carts", &err);
    const bool first = find.found.count == 0;
    for (size_t i = 0; i < BENCH_USERS; i++) {
        struct cart *cart = ARENA_NEW(&bench->arena, struct cart);
        cart->head = first ? fixtures_head(&bench->fixtures, bench->users[i])
                           : *doc_head(find.found.items[i]);
        const int64_t base = cart->head.version;
        cart->head.version = first ? 1 : base + 1;
        fill(bench, cart, context);
        fixtures_add(&bench->fixtures,
                     &(struct write){first ? WRITE_INSERT : WRITE_REPLACE, &cart_type, cart, base});
    }
    fixtures_write(&bench->fixtures);
}

void bench_fill_carts(struct bench *bench, size_t skus)
{
    fill_all(bench, fill_by_chance, &skus);
}

struct good bench_flash_sale(struct bench *bench, int64_t stock)
{
    const struct good good = fixtures_good(&bench->fixtures, (struct money){999, "GBP"}, stock);
    fixtures_write(&bench->fixtures);
    fill_all(bench, fill_with, &good);
    return good;
}

/* --- all ---------------------------------------------------------------------------------------------- */

static void print_nothing(const char *line)
{
    (void)line;
}

void bench_set_up(struct bench *bench)
{
    struct err err = {0};
    arena_init(&bench->arena, 1024 * 1024);
    json_init();
    if (auth_init(&err) != OUTCOME_DONE || config_load(&app_config, getenv("CONFIG"), &bench->arena,
                                                       &bench->config, &err) != OUTCOME_DONE)
        bench_die("configuration", &err);
    bench->settings = bench->config.settings;
    bench->service = shop_service(bench->settings);
    const struct store_options options =
        store_options_of(&bench->service, &bench->settings->engine);
    if (store_open(&options, &bench->store, &err) != OUTCOME_DONE ||
        store_apply_indexes(bench->store, print_nothing, &err) != OUTCOME_DONE)
        bench_die("opening the database", &err);
    fixtures_init(&bench->fixtures, &bench->arena, bench->store, &bench->settings->engine);
    add_all(bench);
    bench_write_bodies(bench);
}
