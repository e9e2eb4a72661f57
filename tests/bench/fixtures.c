/* fixtures.c - users with tokens, products with stock, filled carts. */
#include <stdio.h>
#include <stdlib.h>

#include "auth/auth.h"
#include "auth/session.h"
#include "auth/user.h"
#include "base/clock.h"
#include "bench.h"
#include "cart/cart.h"
#include "catalog/catalog.h"
#include "inventory/stock.h"
#include "wire/json.h"
#include "worker/process.h"

#define CHUNK 500 /* documents per transaction */

void bench_die(const char *what, const struct err *err)
{
    fprintf(stderr, "bench: %s: %s\n", what, err->text);
    exit(1);
}

static void commit_all(struct bench *bench, struct write *writes, size_t count)
{
    struct err err = {0};
    for (size_t at = 0; at < count; at += CHUNK) {
        const struct commit commit = {
            .id = id_new(&bench->arena, clock_now_ms()),
            .now = clock_now_ms(),
            .writes = writes + at,
            .write_count = count - at < CHUNK ? count - at : CHUNK,
        };
        if (store_commit(bench->store, &commit, &err) != OUTCOME_DONE)
            bench_die("writing fixtures", &err);
    }
}

static struct doc_head new_head(struct bench *bench, struct str id)
{
    const int64_t now = clock_now_ms();
    return (struct doc_head){.id = id.len ? id : id_new(&bench->arena, now),
                             .version = 1,
                             .created_at = now,
                             .updated_at = now};
}

/* --- users ----------------------------------------------------------------------------------------- */

static struct str new_token(struct bench *bench, const struct auth_keys *keys, struct str user,
                            struct str session)
{
    const struct engine_settings *engine = &bench->settings->engine;
    const struct token_options options = {engine->token_issuer.ptr, engine->token_audience.ptr, 60};
    const int64_t now_s = clock_now_ms() / 1000;
    const struct claims claims = {
        .subject = user,
        .role = STR("customer"),
        .session = session,
        .id = id_new(&bench->arena, clock_now_ms()),
        .issued_at = now_s,
        .expires_at = now_s + 3600,
    };
    struct str token;
    struct err err = {0};
    if (token_issue(&bench->arena, keys->token, &options, &claims, &token, &err) != OUTCOME_DONE)
        bench_die("signing tokens", &err);
    return token;
}

static void add_users(struct bench *bench)
{
    struct err err = {0};
    struct auth_keys keys;
    const struct engine_settings *engine = &bench->settings->engine;
    if (auth_keys_load(engine->master_key, engine->token_key, &keys, &err) != OUTCOME_DONE)
        bench_die("reading keys", &err);
    struct write *writes = arena_array(&bench->arena, 2 * BENCH_USERS, sizeof(*writes));
    for (size_t i = 0; i < BENCH_USERS; i++) {
        struct user *user = ARENA_NEW(&bench->arena, struct user);
        struct session *session = ARENA_NEW(&bench->arena, struct session);
        user->head = new_head(bench, STR(""));
        user->name = str_printf(&bench->arena, "Shopper %zu", i);
        user->email = str_printf(&bench->arena, "shopper%zu@example.com", i);
        user->email_key = user->email;
        user->password_hash = STR("none");
        user->role = CUSTOMER;
        session->head = new_head(bench, STR(""));
        session->user_id = user->head.id;
        session->digest = STR("none");
        session->idle_until = session->expires_at = clock_now_ms() + MS_PER_DAY;
        bench->users[i] = user->head.id;
        bench->tokens[i] = new_token(bench, &keys, user->head.id, session->head.id);
        writes[2 * i] = (struct write){WRITE_INSERT, &user_type, user, 0};
        writes[2 * i + 1] = (struct write){WRITE_INSERT, &session_type, session, 0};
    }
    commit_all(bench, writes, 2 * BENCH_USERS);
}

/* --- products ---------------------------------------------------------------------------------------- */

static void add_products(struct bench *bench)
{
    struct write *writes = arena_array(&bench->arena, 2 * BENCH_SKUS, sizeof(*writes));
    for (size_t i = 0; i < BENCH_SKUS; i++) {
        struct product *product = ARENA_NEW(&bench->arena, struct product);
        struct stock *stock = ARENA_NEW(&bench->arena, struct stock);
        product->head = new_head(bench, STR(""));
        product->sku = str_printf(&bench->arena, "BENCH-%04zu", i);
        product->name = str_printf(&bench->arena, "Benchmark mug number %zu", i);
        product->slug = str_printf(&bench->arena, "benchmark-mug-number-%zu", i);
        product->description = STR("A mug that is ordered very often.");
        product->price = (struct money){499 + (int64_t)i, "GBP"};
        product->status = PRODUCT_PUBLISHED;
        product->in_stock = true;
        stock->head = new_head(bench, product->sku);
        stock->product_id = product->head.id;
        stock->on_hand = BENCH_STOCK;
        bench->products[i] = product->head.id;
        writes[2 * i] = (struct write){WRITE_INSERT, &product_type, product, 0};
        writes[2 * i + 1] = (struct write){WRITE_INSERT, &stock_type, stock, 0};
    }
    commit_all(bench, writes, 2 * BENCH_SKUS);
}

/* --- carts -------------------------------------------------------------------------------------------- */

static struct cart_line line_of(struct bench *bench, size_t product)
{
    return (struct cart_line){
        .product_id = bench->products[product],
        .sku = str_printf(&bench->arena, "BENCH-%04zu", product),
        .quantity = 1,
        .unit_price = {499 + (int64_t)product, "GBP"},
    };
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

static void fill_cart(struct bench *bench, struct cart *cart, size_t skus)
{
    const size_t first = next_random() % skus;
    const size_t second = (first + 1 + next_random() % (skus - 1)) % skus;
    cart->lines.items = arena_array(&bench->arena, 2, sizeof(struct cart_line));
    cart->lines.items[0] = line_of(bench, first);
    cart->lines.items[1] = line_of(bench, second);
    cart->lines.count = 2;
}

void bench_fill_carts(struct bench *bench, size_t skus)
{
    struct err err = {0};
    struct store_find find = {
        .type = &cart_type, .path = "id", .values = bench->users, .count = BENCH_USERS};
    if (store_find(bench->store, &bench->arena, &find, &err) != OUTCOME_DONE)
        bench_die("reading carts", &err);
    struct write *writes = arena_array(&bench->arena, BENCH_USERS, sizeof(*writes));
    const bool first = find.found.count == 0;
    for (size_t i = 0; i < BENCH_USERS; i++) {
        struct cart *cart = ARENA_NEW(&bench->arena, struct cart);
        cart->head = first ? new_head(bench, bench->users[i]) : *doc_head(find.found.items[i]);
        const int64_t base = cart->head.version;
        cart->head.version = first ? 1 : base + 1;
        fill_cart(bench, cart, skus);
        writes[i] = (struct write){first ? WRITE_INSERT : WRITE_REPLACE, &cart_type, cart, base};
    }
    commit_all(bench, writes, BENCH_USERS);
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
    add_users(bench);
    add_products(bench);
}
