/* growth.c - a shop that has gathered much: up to millions of documents, written in chunks straight
 * into the database, with all indexes, in the form in which the shop itself writes them. */
#include <stdio.h>
#include <stdlib.h>

#include "auth/user.h"
#include "base/clock.h"
#include "base/id.h"
#include "catalog/search.h"
#include "code.h"
#include "order/order.h"
#include "service/names.h"
#include "suite.h"
#include "supervisor/process.h"
#include "support/users.h"

#define CHUNK         4000 /* documents made before they are written and forgotten */
#define PROGRESS      200000
#define PRICES        20000
#define YEAR_MS       (365 * MS_PER_DAY)
#define DELIVERY_DAYS 5
#define TIMEOUT_MS    10000
#define BODY_MAX      64

struct id_bytes {
    uint8_t bytes[ID_BYTES];
};

struct bench_stored {
    struct id_bytes *products, *users;
    size_t product_count, user_count;
    struct id_bytes sample; /* an order of the buyer `sample_user` */
    size_t sample_user;
    char body[BODY_MAX]; /* of the last request made */
};

static struct bench_stored *stored_of(struct bench *bench)
{
    if (!bench->stored)
        bench->stored = ARENA_NEW(&bench->arena, struct bench_stored);
    return bench->stored;
}

static void write_chunk(struct bench *bench, const char *what, int64_t done, int64_t all)
{
    fixtures_write(&bench->chunk);
    fixtures_clear(&bench->chunk);
    if (done % PROGRESS == 0 || done == all)
        fprintf(stderr, "    %lld of %lld %s stored\n", (long long)done, (long long)all, what);
}

static void add(struct bench *bench, const struct doc_type *type, const void *doc)
{
    fixtures_add(&bench->chunk, &(struct write){WRITE_INSERT, type, doc, 0});
}

void bench_forget_growth(struct bench *bench)
{
    free(stored_of(bench)->products);
    free(stored_of(bench)->users);
    bench->stored = NULL;
}

/* --- products --------------------------------------------------------------------------------- */

static const char *const colours[] = {"Red",   "Blue",  "Green", "Black", "White",
                                      "Amber", "Ivory", "Grey",  "Olive", "Coral"};
static const char *const materials[] = {"Oak",  "Steel", "Glass", "Linen", "Cotton",
                                        "Wool", "Brass", "Clay",  "Cork"};
static const char *const things[] = {"Bowl",  "Lamp",  "Chair", "Clock",  "Basket", "Tray",
                                     "Stool", "Shelf", "Frame", "Candle", "Vase"};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static struct str name_of(struct arena *arena, size_t i)
{
    return str_printf(arena, "%s %s %s %zu", colours[i % COUNT(colours)],
                      materials[i % COUNT(materials)], things[i % COUNT(things)], i);
}

/* Also of those that bench_set_up makes. */
static struct good good_of(struct bench *bench, struct arena *arena, size_t i)
{
    const struct str id = id_from_bytes(arena, bench->stored->products[i].bytes);
    return (struct good){
        .id = id,
        .sku = str_printf(arena, "sku-%.*s", STR_FMT(id)),
        .price = {499 + (int64_t)(i % PRICES), "GBP"},
        .stock = BENCH_STOCK,
    };
}

static void add_product(struct bench *bench, size_t i)
{
    struct arena *arena = &bench->scratch;
    struct product *product = ARENA_NEW(arena, struct product);
    product->head = fixtures_head(&bench->chunk, STR_ABSENT);
    id_to_bytes(product->head.id, bench->stored->products[i].bytes);
    const struct good good = good_of(bench, arena, i);
    product->name = name_of(arena, i);
    product->slug = str_printf(arena, "product-%zu", i);
    product->description =
        str_printf(arena, "Made by hand of %s, %zu cm wide; cleaned with a dry cloth.",
                   materials[i % COUNT(materials)], 10 + i % 90);
    product->price = good.price;
    product->sku = good.sku;
    product->status = PRODUCT_PUBLISHED;
    product->in_stock = true;
    product_index(arena, product);
    add(bench, &product_type, product);
    fixtures_stock(&bench->chunk, &good);
}

static void *grown(void *array, size_t count, size_t size)
{
    void *larger = realloc(array, count * size);
    if (!larger)
        bench_die("a larger shop", &(struct err){.text = "out of memory"});
    return larger;
}

void bench_grow_products(struct bench *bench, int64_t count)
{
    struct bench_stored *stored = stored_of(bench);
    stored->products = grown(stored->products, (size_t)count, sizeof(struct id_bytes));
    if (stored->product_count == 0)
        for (; stored->product_count < BENCH_SKUS; stored->product_count++)
            id_to_bytes(bench->goods[stored->product_count].id,
                        stored->products[stored->product_count].bytes);
    while (stored->product_count < (size_t)count) {
        add_product(bench, stored->product_count++);
        if (stored->product_count % CHUNK == 0 || stored->product_count == (size_t)count)
            write_chunk(bench, "products", (int64_t)stored->product_count, count);
    }
    for (size_t i = 0; i < BENCH_SKUS; i++)
        bench->goods[i] = good_of(bench, &bench->arena, i * (stored->product_count / BENCH_SKUS));
    bench_write_bodies(bench);
    bench_forget_pages(bench);
}

struct bench_request bench_product_get_all(struct bench *bench, int64_t i)
{
    struct bench_stored *stored = bench->stored;
    const struct id_bytes *id = &stored->products[bench_scatter(i, stored->product_count)];
    const uint8_t *b = id->bytes;
    const int len =
        snprintf(stored->body, BODY_MAX,
                 "{\"productId\":\"%02x%02x%02x%02x%02x%02x%02x%02x%02x%02x%02x%02x\"}", b[0], b[1],
                 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11]);
    return (struct bench_request){
        bench->operations.product_get, {stored->body, (size_t)len}, STR_ABSENT};
}

/* --- users and orders ------------------------------------------------------------------------- */

/* A new user; every n-th is a buyer from here on. */
static void add_user(struct bench *bench, size_t i, size_t count)
{
    struct bench_stored *stored = bench->stored;
    const struct shopper shopper = fixtures_shopper(&bench->chunk, CUSTOMER);
    const size_t step = count / BENCH_USERS;
    id_to_bytes(shopper.id, stored->users[i].bytes);
    if (i % step == 0 && i / step < BENCH_USERS) {
        bench->users[i / step] = str_printf(&bench->arena, "%.*s", STR_FMT(shopper.id));
        bench->tokens[i / step] = str_printf(&bench->arena, "%.*s", STR_FMT(shopper.token));
    }
}

static void add_users(struct bench *bench, size_t count)
{
    struct bench_stored *stored = bench->stored;
    stored->users = grown(stored->users, count, sizeof(struct id_bytes));
    for (size_t i = 0; i < count; i++) {
        add_user(bench, i, count);
        if ((i + 1) % (CHUNK / 2) == 0 || i + 1 == count)
            write_chunk(bench, "users", (int64_t)i + 1, (int64_t)count);
    }
    stored->user_count = count;
}

static void fill_order(struct bench *bench, struct order *order, int64_t n)
{
    struct arena *arena = &bench->scratch;
    order->items.count = 2;
    order->items.items = arena_array(arena, 2, sizeof(struct order_line));
    order->total = (struct money){0, "GBP"};
    for (size_t i = 0; i < order->items.count; i++) {
        const size_t product = bench_scatter(2 * n + (int64_t)i, bench->stored->product_count);
        const struct good good = good_of(bench, arena, product);
        struct order_line *line = &order->items.items[i];
        *line = (struct order_line){.product_id = good.id,
                                    .sku = good.sku,
                                    .name = name_of(arena, product),
                                    .quantity = 1 + n % 3,
                                    .unit_price = good.price,
                                    .line_total = good.price};
        line->line_total.amount *= line->quantity;
        order->total.amount += line->line_total.amount;
    }
}

/* Delivered within the last year, the n-th of `count`. */
static void add_order(struct bench *bench, int64_t n, int64_t count)
{
    struct arena *arena = &bench->scratch;
    struct bench_stored *stored = bench->stored;
    const size_t user = bench_scatter(n, stored->user_count);
    const int64_t at = clock_now_ms() - YEAR_MS / count * (count - n);
    uint8_t number[ORDER_NUMBER_CHARS];
    random_bytes(number, sizeof(number));
    struct order *order = ARENA_NEW(arena, struct order);
    order->head = fixtures_head(&bench->chunk, id_new(arena, at));
    order->head.created_at = at;
    order->head.updated_at = at + DELIVERY_DAYS * MS_PER_DAY;
    order->head.version = ORDER_DELIVERED - ORDER_PENDING + 1;
    order->number = code_text(arena, ORDER_NUMBER_PREFIX, number, sizeof(number));
    order->user_id = id_from_bytes(arena, stored->users[user].bytes);
    order->expected_delivery_date = order_delivery_date(arena, at, DELIVERY_DAYS);
    fill_order(bench, order, n);
    for (int status = ORDER_PENDING; status <= ORDER_DELIVERED; status++)
        order_add_step(arena, order, status, at + (status - ORDER_PENDING) * MS_PER_DAY,
                       order->user_id, STR_ABSENT);
    add(bench, &order_type, order);
    if (user % (stored->user_count / BENCH_USERS) == 0) {
        stored->sample_user = user / (stored->user_count / BENCH_USERS) % BENCH_USERS;
        id_to_bytes(order->head.id, stored->sample.bytes);
    }
}

static void add_orders(struct bench *bench, int64_t count)
{
    for (int64_t n = 0; n < count; n++) {
        add_order(bench, n, count);
        if ((n + 1) % CHUNK == 0 || n + 1 == count)
            write_chunk(bench, "orders", n + 1, count);
    }
}

void bench_grow_orders(struct bench *bench, int64_t users, int64_t orders)
{
    add_users(bench, (size_t)users - BENCH_USERS); /* those of bench_set_up are there */
    add_orders(bench, orders);
}

/* --- proof ------------------------------------------------------------------------------------ */

/* The reply must name the sample order. */
static void check_reply(struct bench *bench, struct bus_client *client, const char *operation,
                        struct str body, struct str order)
{
    struct err err = {.text = "does not answer with a stored order"};
    struct bus_reply reply;
    const struct bus_request request = {
        .operation = str_of(operation),
        .body = body,
        .token = bench->tokens[bench->stored->sample_user],
    };
    if (bus_client_call(client, &request, TIMEOUT_MS, &reply, &err) != OUTCOME_DONE ||
        reply.status != 200 || !memmem(reply.body.ptr, reply.body.len, order.ptr, order.len))
        bench_die(operation, &err);
}

void bench_check_history(struct bench *bench)
{
    struct err err = {0};
    struct bus_client *client;
    const struct str order = id_from_bytes(&bench->arena, bench->stored->sample.bytes);
    if (bus_client_open(users_web(), name_requests(&bench->arena, bench->settings->engine.prefix),
                        &client, &err) != OUTCOME_DONE)
        bench_die("asking for orders", &err);
    check_reply(bench, client, "order.get",
                str_printf(&bench->arena, "{\"orderId\":\"%.*s\"}", STR_FMT(order)), order);
    check_reply(bench, client, "order.list", STR("{\"limit\":20}"), order);
    bus_client_close(client);
}
