/* workloads.c - what the load generator asks for: the n-th request of each kind. */
#include "bench.h"
#include "inventory/stock.h"

struct bench_request bench_order(struct bench *bench, struct str operation, int64_t i)
{
    return (struct bench_request){operation, STR("{}"), bench->tokens[i % BENCH_USERS]};
}

struct bench_request bench_product_get(struct bench *bench, struct str operation, int64_t i)
{
    return (struct bench_request){operation, bench->get_bodies[i % BENCH_SKUS], STR_ABSENT};
}

/* The first page, as everybody sees it. */
struct bench_request bench_product_list(struct bench *bench, struct str operation, int64_t i)
{
    (void)bench;
    (void)i;
    return (struct bench_request){operation, STR("{\"limit\":20}"), STR_ABSENT};
}

struct bench_request bench_cart_add(struct bench *bench, struct str operation, int64_t i)
{
    return (struct bench_request){operation, bench->add_bodies[i % BENCH_SKUS],
                                  bench->tokens[i % BENCH_USERS]};
}

/* Of a hundred requests 60 look at a product, 15 at a list, 5 search, 15 add to a cart, 5 order. */
struct bench_request bench_mix(struct bench *bench, struct str operation, int64_t i)
{
    const int64_t kind = i * 37 % 100; /* 37 and 100 have no common factor: each kind once */
    (void)operation;
    if (kind < 60)
        return bench_product_get(bench, STR("product.get"), i);
    if (kind < 75)
        return bench_product_list(bench, STR("product.list"), i);
    if (kind < 80)
        return (struct bench_request){STR("product.list"), STR("{\"search\":\"often ordered\"}"),
                                      STR_ABSENT};
    if (kind < 95)
        return bench_cart_add(bench, STR("cart.item.add"), i);
    return bench_order(bench, STR("order.place"), i);
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
    if (store_find(bench->store, &bench->arena, &find, &err) != OUTCOME_DONE ||
        find.found.count != 1)
        bench_die("reading the stock", &err);
    return stock_available(find.found.items[0]);
}
