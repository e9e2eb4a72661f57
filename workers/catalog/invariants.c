/* invariants.c - every product has its stock, and its inStock says correctly whether any is
 * available. */
#include "catalog/invariants.h"

#include "base/map.h"
#include "catalog/catalog.h"

#define LOOKS_MAX 5 /* looks at a product whose stock keeps moving */

static bool agree(const struct product *product, const struct stock *stock)
{
    return stock && str_eq(stock->product_id, product->head.id) &&
           product->in_stock == (stock_available(stock) > 0) &&
           stock->product_version <= product->head.version;
}

static void report(struct check *check, const struct product *product, const struct stock *stock)
{
    if (!stock)
        check_found(check, product_type.collection, product->head.id, "there is no stock %.*s",
                    STR_FMT(product->sku));
    else if (!str_eq(stock->product_id, product->head.id))
        check_found(check, product_type.collection, product->head.id,
                    "its stock %.*s is of the product %.*s", STR_FMT(product->sku),
                    STR_FMT(stock->product_id));
    else if (stock->product_version > product->head.version)
        check_found(check, product_type.collection, product->head.id,
                    "it is at version %" PRId64 ", its stock %.*s knows version %" PRId64,
                    product->head.version, STR_FMT(product->sku), stock->product_version);
    else
        check_found(check, product_type.collection, product->head.id,
                    "inStock is %s, and %" PRId64 " of %.*s are available",
                    product->in_stock ? "true" : "false", stock_available(stock),
                    STR_FMT(product->sku));
}

/* Reads the stock, the product, and the stock again: when the stock did not move meanwhile, the
 * product must agree with it. */
static enum outcome look_again(struct check *check, const struct product *seen, struct err *err)
{
    for (int look = 0; look < LOOKS_MAX; look++) {
        const void *stock, *again;
        TRY(check_find_one(check, &stock_type, seen->sku, &stock, err));
        const int64_t version = stock ? doc_head(stock)->version : 0;
        TRY(check_find_one(check, &product_type, seen->head.id, &again, err));
        if (!again)
            return OUTCOME_DONE;
        struct product product = *seen;
        product.in_stock = ((const struct product *)again)->in_stock;
        product.head.version = doc_head(again)->version;
        TRY(check_find_one(check, &stock_type, seen->sku, &stock, err));
        if ((stock ? doc_head(stock)->version : 0) != version)
            continue;
        if (!agree(&product, stock))
            report(check, &product, stock);
        return OUTCOME_DONE;
    }
    return OUTCOME_DONE;
}

static enum outcome verify_page(struct check *check, const struct doc_list *products,
                                struct arena *arena, struct err *err)
{
    struct doc_list stocks;
    struct str *skus = arena_array(arena, products->count, sizeof(*skus));
    bool *suspected = arena_array(arena, products->count, sizeof(*suspected));
    for (size_t i = 0; i < products->count; i++)
        skus[i] = ((const struct product *)products->items[i])->sku;
    TRY(check_find(check, &stock_type, skus, products->count, &stocks, err));
    struct map by_sku;
    map_init(&by_sku, arena);
    for (size_t i = 0; i < stocks.count; i++)
        map_set(&by_sku, doc_head(stocks.items[i])->id, (void *)(uintptr_t)stocks.items[i]);
    for (size_t i = 0; i < products->count; i++)
        suspected[i] = !agree(products->items[i], map_get(&by_sku, skus[i]));
    for (size_t i = 0; i < products->count; i++)
        if (suspected[i])
            TRY(look_again(check, products->items[i], err));
    return OUTCOME_DONE;
}

static enum outcome verify_pages(struct check *check, struct arena *arena, struct err *err)
{
    struct check_cursor cursor = check_cursor(check, &product_type, STR_ABSENT);
    const void *product;
    for (;;) {
        TRY(check_next(&cursor, &product, err));
        if (!product)
            return OUTCOME_DONE;
        if (!check_ends_page(&cursor))
            continue;
        arena_clear(arena);
        TRY(verify_page(check, &cursor.page, arena, err));
    }
}

static enum outcome verify_products(struct check *check, struct err *err)
{
    struct arena arena;
    arena_init(&arena, 64 * 1024);
    const enum outcome outcome = verify_pages(check, &arena, err);
    arena_release(&arena);
    return outcome;
}

const struct invariant products_invariant = {
    .name = "products",
    .summary = "every product has its stock, which knows no later version of it, and inStock says "
               "whether any is available",
    .verify = verify_products,
};
