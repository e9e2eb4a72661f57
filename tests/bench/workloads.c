/* workloads.c - what the load generator asks for: the n-th request of each kind. */
#include "bench.h"
#include "inventory/stock.h"

struct bench_request bench_order(struct bench *bench, int64_t i)
{
    return (struct bench_request){bench->operations.order_place, STR("{}"),
                                  bench->tokens[i % BENCH_USERS]};
}

struct bench_request bench_product_get(struct bench *bench, int64_t i)
{
    return (struct bench_request){bench->operations.product_get, bench->get_bodies[i % BENCH_SKUS],
                                  STR_ABSENT};
}

/* The first page, as everybody sees it. */
struct bench_request bench_product_list(struct bench *bench, int64_t i)
{
    (void)i;
    return (struct bench_request){bench->operations.product_list, STR("{\"limit\":20}"),
                                  STR_ABSENT};
}

struct bench_request bench_cart_add(struct bench *bench, int64_t i)
{
    return (struct bench_request){bench->operations.cart_item_add,
                                  bench->add_bodies[i % BENCH_SKUS],
                                  bench->tokens[i % BENCH_USERS]};
}

/* Fibonacci hashing (Knuth, vol. 3, 6.4). */
size_t bench_scatter(int64_t i, size_t count)
{
    return (size_t)(((uint64_t)i * 0x9e3779b97f4a7c15u >> 32) % count);
}

/* Of a hundred requests 60 look at a product, 15 at a list, 5 search, 15 add to a cart, 5 order. The
 * number of users has no factor in common with 100, so that each does everything in turn, and has
 * something in the cart whenever it orders. */
struct bench_request bench_mix(struct bench *bench, int64_t i)
{
    const struct str token = bench->tokens[i % (BENCH_USERS - 1)];
    const size_t good = bench_scatter(i, BENCH_SKUS);
    const struct bench_operations *operations = &bench->operations;
    const int64_t kind = i * 37 % 100; /* 37 and 100 have no common factor: each kind once */
    if (kind < 60)
        return bench_product_get(bench, (int64_t)good);
    if (kind < 75)
        return bench_product_list(bench, i);
    if (kind < 80)
        return (struct bench_request){operations->product_list,
                                      STR("{\"search\":\"often ordered\"}"), STR_ABSENT};
    if (kind < 95)
        return (struct bench_request){operations->cart_item_add, bench->add_bodies[good], token};
    return (struct bench_request){operations->order_place, STR("{}"), token};
}

void bench_name_operations(struct bench *bench, const char *prefix)
{
    struct arena *arena = &bench->arena;
    bench->operations = (struct bench_operations){
        .order_place = str_printf(arena, "%sorder.place", prefix),
        .cart_item_add = str_printf(arena, "%scart.item.add", prefix),
        .product_get = str_printf(arena, "%sproduct.get", prefix),
        .product_list = str_printf(arena, "%sproduct.list", prefix),
    };
}

void bench_write_bodies(struct bench *bench)
{
    for (size_t i = 0; i < BENCH_SKUS; i++) {
        const struct str id = bench->goods[i].id;
        bench->get_bodies[i] = str_printf(&bench->arena, "{\"productId\":\"%.*s\"}", STR_FMT(id));
        bench->add_bodies[i] =
            str_printf(&bench->arena, "{\"productId\":\"%.*s\",\"quantity\":1}", STR_FMT(id));
    }
}

int64_t bench_available(struct bench *bench, const struct good *good)
{
    struct err err = {0};
    struct store_find find = {.type = &stock_type, .path = "id", .values = &good->sku, .count = 1};
    if (store_find(bench->store, &bench->scratch, &find, &err) != OUTCOME_DONE ||
        find.found.count != 1)
        bench_die("reading the stock", &err);
    const int64_t available = stock_available(find.found.items[0]);
    fixtures_clear(&bench->chunk);
    return available;
}
