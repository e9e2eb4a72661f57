/* explain_data.h - a large shop, as it may have grown in some years: few shelves hold much of what
 * there is, few customers placed many of the orders, prices are mostly the usual ones, and what is
 * still open is new. It is the same in every run. Include after shop_rig.h. */
#ifndef CARTWRIGHT_TESTS_EXPLAIN_DATA_H
#define CARTWRIGHT_TESTS_EXPLAIN_DATA_H

#include "catalog/search.h"
#include "store/bson_codec.h"

#define DOCUMENTS  100000 /* of products, of orders, and of notifications */
#define CATEGORIES 200
#define USERS      2000
#define AT_ONCE    1000
#define BEGAN_MS   1600000000000

static uint64_t dice = 1;

/* A number from 0 to sides - 1 (xorshift). */
static inline int roll(int sides)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return (int)(dice % (uint64_t)sides);
}

/* Low numbers are much more likely than high ones. */
static inline int skewed(int sides)
{
    const int once = roll(sides);
    return (int)((int64_t)once * roll(sides) / sides);
}

static inline struct str nth_id(struct arena *arena, int kind, int n)
{
    return str_printf(arena, "%08x%016x", kind, n);
}

static inline struct str user_id(struct arena *arena, int n)
{
    return nth_id(arena, 1, n);
}

static inline struct str category_id(struct arena *arena, int n)
{
    return nth_id(arena, 2, n);
}

/* Ten at a time, as a batch commits them. */
static inline struct doc_head nth_head(struct arena *arena, int kind, int n)
{
    const int64_t at = BEGAN_MS + (int64_t)(n / 10) * 60000;
    return (struct doc_head){
        .id = nth_id(arena, kind, n), .version = 1, .created_at = at, .updated_at = at};
}

static inline void *make_category(struct arena *arena, int n)
{
    struct category *category = ARENA_NEW(arena, struct category);
    *category = (struct category){.head = nth_head(arena, 2, n),
                                  .name = str_printf(arena, "Shelf s%d", n * 7919 % CATEGORIES),
                                  .slug = str_printf(arena, "shelf-%d", n)};
    return category;
}

static inline void *make_product(struct arena *arena, int n)
{
    const int status = roll(100);
    struct product *product = ARENA_NEW(arena, struct product);
    *product = (struct product){
        .head = nth_head(arena, 3, n),
        .name = str_printf(arena, "Colour%d thing%d n%d", skewed(20), skewed(400), n),
        .slug = str_printf(arena, "thing-%d", n),
        .description = str_printf(arena, "For word%d and word%d, of material%d.", skewed(500),
                                  skewed(500), skewed(50)),
        .category_id = category_id(arena, skewed(CATEGORIES)),
        .price = {skewed(200) * 100 + 99, "GBP"},
        .sku = str_printf(arena, "SKU-%d", n),
        .status = status < 95   ? PRODUCT_PUBLISHED
                  : status < 98 ? PRODUCT_DRAFT
                                : PRODUCT_RETIRED,
        .in_stock = roll(100) < 85,
    };
    product_index(arena, product);
    return product;
}

/* All but the last 5000 are delivered or cancelled. */
static inline int order_status(int n)
{
    if (n >= DOCUMENTS - 5000)
        return roll(4);
    return roll(20) ? ORDER_DELIVERED : ORDER_CANCELLED;
}

static inline void *make_order(struct arena *arena, int n)
{
    struct order *order = ARENA_NEW(arena, struct order);
    *order = (struct order){
        .head = nth_head(arena, 4, n),
        .number = str_printf(arena, "CW-%012d", n),
        .user_id = user_id(arena, skewed(USERS)),
        .status = order_status(n),
        .total = {1000, "GBP"},
        .expected_delivery_date = STR("2026-11-20"),
    };
    return order;
}

/* A user's notifications up to the first half are read at once, of the others every other alone. */
static inline void *make_notification(struct arena *arena, int n)
{
    static int64_t last[USERS];
    const int user = n == 0 ? (memset(last, 0, sizeof(last)), 0) : skewed(USERS);
    struct notification *notification = ARENA_NEW(arena, struct notification);
    *notification = (struct notification){
        .head = nth_head(arena, 5, n),
        .user_id = user_id(arena, user),
        .seq = ++last[user],
        .kind = STR("order_placed"),
        .subject = STR("Your order"),
        .text = STR("We have your order and will tell you when it is on its way."),
        .data = STR("{}"),
        .read = roll(2) == 0,
    };
    return notification;
}

typedef void *make_doc(struct arena *arena, int n);

static inline void run_command(bson_t *command)
{
    bson_error_t error;
    if (!mongoc_client_command_simple(client, database.ptr, command, NULL, NULL, &error))
        fail_msg("%s", error.message);
    bson_destroy(command);
}

static inline bson_t *stored_form(const struct doc_type *type, const void *doc)
{
    struct codec_fault fault = {0};
    bson_t *out = bson_new();
    if (!codec_put(out, type->shape, doc, &fault))
        fail_msg("%s.%s: %s", fault.shape, fault.field, fault.what);
    return out;
}

/* Inserts before the indexes are there, which is many times faster. */
static inline void fill(const struct doc_type *type, make_doc *make, int count)
{
    struct err err = {0};
    bson_t *docs[AT_ONCE];
    mongoc_collection_t *into =
        mongoc_client_get_collection(client, database.ptr, type->collection);
    run_command(BCON_NEW("dropIndexes", BCON_UTF8(type->collection), "index", BCON_UTF8("*")));
    for (int n = 0; n < count;) {
        struct arena arena;
        size_t ready = 0;
        bson_error_t error;
        arena_init(&arena, 1 << 20);
        for (; n < count && ready < AT_ONCE; n++)
            docs[ready++] = stored_form(type, make(&arena, n));
        if (!mongoc_collection_insert_many(into, (const bson_t **)docs, ready, NULL, NULL, &error))
            fail_msg("%s: %s", type->collection, error.message);
        for (size_t i = 0; i < ready; i++)
            bson_destroy(docs[i]);
        arena_release(&arena);
    }
    mongoc_collection_destroy(into);
    if (store_apply_indexes(shop.lane.store, quiet, &err) != OUTCOME_DONE)
        fail_msg("%s", err.text);
}

#endif
