/* fixtures.h - what a test or benchmark finds in the shop before it begins, written straight into
 * the database: accounts with tokens, products with stock, carts.
 *
 * Documents are collected by the calls and written together; everything lives in the arena. Faults
 * end the program with a message: without its fixtures a test means nothing. */
#ifndef CARTWRIGHT_TESTS_SUPPORT_FIXTURES_H
#define CARTWRIGHT_TESTS_SUPPORT_FIXTURES_H

#include "cart/cart.h"
#include "crypto/auth.h"
#include "inventory/stock.h"
#include "service/operation.h"
#include "service/settings.h"
#include "store/store.h"

struct fixtures {
    struct arena *arena;
    struct store *store;
    const struct engine_settings *engine;
    struct auth_keys keys;
    struct write *writes; /* not yet in the database */
    size_t count, capacity;
    struct stock_movement *movements; /* nor these: the first page of the stock ledger */
    size_t movement_count, movement_capacity;
};

struct shopper {
    struct str id;
    struct str session;
    struct str token; /* good for an hour */
};

struct good {
    struct str id;
    struct str sku;
    struct money price;
    int64_t stock;
};

void fixtures_init(struct fixtures *fixtures, struct arena *arena, struct store *store,
                   const struct engine_settings *engine);
struct shopper fixtures_shopper(struct fixtures *fixtures, enum who role);
/* A token of the shopper with another role or life; sessions and accounts are not touched. */
struct str fixtures_token(struct fixtures *fixtures, const struct shopper *shopper, struct str role,
                          int64_t issued_s, int64_t expires_s);
struct good fixtures_good(struct fixtures *fixtures, struct money price, int64_t stock);
/* The stock of a product that was made otherwise. */
void fixtures_stock(struct fixtures *fixtures, const struct good *good);
/* A new cart with these lines. */
void fixtures_cart(struct fixtures *fixtures, struct str user, const struct good *goods,
                   size_t count, int64_t quantity);
/* Any other document. */
void fixtures_add(struct fixtures *fixtures, const struct write *write);
/* The head of a new one; an absent id is made up. */
struct doc_head fixtures_head(struct fixtures *fixtures, struct str id);
/* Writes what was collected. */
void fixtures_write(struct fixtures *fixtures);
/* Forgets all that was made, and clears the arena: for those who write more than fits in memory. */
void fixtures_clear(struct fixtures *fixtures);

#endif
