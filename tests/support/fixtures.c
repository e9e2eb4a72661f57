/* fixtures.c - accounts with tokens, products with stock, carts. */
#include "support/fixtures.h"

#include <stdio.h>
#include <stdlib.h>

#include "auth/session.h"
#include "auth/user.h"
#include "base/clock.h"
#include "catalog/search.h"
#include "inventory/stock.h"

#define CHUNK        500 /* documents per transaction */
#define TOKEN_LIFE_S 3600

static _Noreturn void die(const char *what, const struct err *err)
{
    fprintf(stderr, "fixtures: %s: %s\n", what, err->text);
    exit(1);
}

void fixtures_init(struct fixtures *fixtures, struct arena *arena, struct store *store,
                   const struct engine_settings *engine)
{
    struct err err = {0};
    *fixtures = (struct fixtures){.arena = arena, .store = store, .engine = engine};
    if (auth_keys_load(engine->master_key, engine->token_key, &fixtures->keys, &err) !=
        OUTCOME_DONE)
        die("the keys", &err);
}

void fixtures_add(struct fixtures *fixtures, const struct write *write)
{
    fixtures->writes = arena_grow(fixtures->arena, fixtures->writes, fixtures->count,
                                  sizeof(struct write), &fixtures->capacity);
    fixtures->writes[fixtures->count++] = *write;
}

static void insert(struct fixtures *fixtures, const struct doc_type *type, const void *doc)
{
    fixtures_add(fixtures, &(struct write){WRITE_INSERT, type, doc, 0});
}

struct doc_head fixtures_head(struct fixtures *fixtures, struct str id)
{
    const int64_t now = clock_now_ms();
    return (struct doc_head){.id = id.len ? id : id_new(fixtures->arena, now),
                             .version = 1,
                             .created_at = now,
                             .updated_at = now};
}

/* --- accounts --------------------------------------------------------------------------------- */

struct str fixtures_token(struct fixtures *fixtures, const struct shopper *shopper, struct str role,
                          int64_t issued_s, int64_t expires_s)
{
    const struct engine_settings *engine = fixtures->engine;
    const struct token_options options = {engine->token_issuer.ptr, engine->token_audience.ptr, 60,
                                          false};
    const struct claims claims = {
        .subject = shopper->id,
        .role = role,
        .session = shopper->session,
        .id = id_new(fixtures->arena, clock_now_ms()),
        .issued_at = issued_s,
        .expires_at = expires_s,
    };
    struct str token;
    struct err err = {0};
    if (token_issue(fixtures->arena, fixtures->keys.token, &options, &claims, &token, &err) !=
        OUTCOME_DONE)
        die("a token", &err);
    return token;
}

static void add_user(struct fixtures *fixtures, const struct shopper *shopper, enum who role)
{
    struct user *user = ARENA_NEW(fixtures->arena, struct user);
    user->head = fixtures_head(fixtures, shopper->id);
    user->name = STR("Someone");
    user_set_email(fixtures->arena, user,
                   str_printf(fixtures->arena, "%.*s@example.com", STR_FMT(shopper->id)));
    user->password_hash = STR("none");
    user->role = (int)role;
    insert(fixtures, &user_type, user);
}

static void add_session(struct fixtures *fixtures, const struct shopper *shopper)
{
    struct session *session = ARENA_NEW(fixtures->arena, struct session);
    session->head = fixtures_head(fixtures, shopper->session);
    session->user_id = shopper->id;
    session->digest = STR("none");
    session->idle_until = session->expires_at = clock_now_ms() + MS_PER_DAY;
    insert(fixtures, &session_type, session);
}

struct shopper fixtures_shopper(struct fixtures *fixtures, enum who role)
{
    const int64_t now = clock_now_ms();
    struct shopper shopper = {
        .id = id_new(fixtures->arena, now),
        .session = id_new(fixtures->arena, now),
    };
    add_user(fixtures, &shopper, role);
    add_session(fixtures, &shopper);
    shopper.token = fixtures_token(fixtures, &shopper, str_of(who_names[role]), now / MS_PER_SECOND,
                                   now / MS_PER_SECOND + TOKEN_LIFE_S);
    return shopper;
}

/* --- goods ------------------------------------------------------------------------------------ */

static void add_product(struct fixtures *fixtures, const struct good *good)
{
    struct product *product = ARENA_NEW(fixtures->arena, struct product);
    product->head = fixtures_head(fixtures, good->id);
    product->sku = good->sku;
    product->name = str_printf(fixtures->arena, "Mug %.*s", STR_FMT(good->sku));
    product->slug = str_printf(fixtures->arena, "mug-%.*s", STR_FMT(good->sku));
    product->description = STR("A mug that is ordered very often.");
    product->price = good->price;
    product->status = PRODUCT_PUBLISHED;
    product->in_stock = good->stock > 0;
    product_index(fixtures->arena, product);
    insert(fixtures, &product_type, product);
}

static void add_movement(struct fixtures *fixtures, const struct stock_movement *movement)
{
    fixtures->movements = arena_grow(fixtures->arena, fixtures->movements, fixtures->movement_count,
                                     sizeof(*movement), &fixtures->movement_capacity);
    fixtures->movements[fixtures->movement_count++] = *movement;
}

void fixtures_stock(struct fixtures *fixtures, const struct good *good)
{
    struct stock *stock = ARENA_NEW(fixtures->arena, struct stock);
    stock->head = fixtures_head(fixtures, good->sku);
    stock->product_id = good->id;
    stock->on_hand = good->stock;
    stock->product_version = 1;
    insert(fixtures, &stock_type, stock);
    const struct stock_movement opening =
        stock_movement_of(stock, STOCK_OPEN, good->stock, good->id);
    add_movement(fixtures, &opening);
}

struct good fixtures_good(struct fixtures *fixtures, struct money price, int64_t stock)
{
    const struct str id = id_new(fixtures->arena, clock_now_ms());
    const struct good good = {
        .id = id,
        .sku = str_printf(fixtures->arena, "sku-%.*s", STR_FMT(id)),
        .price = price,
        .stock = stock,
    };
    add_product(fixtures, &good);
    fixtures_stock(fixtures, &good);
    return good;
}

/* --- carts ------------------------------------------------------------------------------------ */

void fixtures_cart(struct fixtures *fixtures, struct str user, const struct good *goods,
                   size_t count, int64_t quantity)
{
    struct cart *cart = ARENA_NEW(fixtures->arena, struct cart);
    cart->head = fixtures_head(fixtures, user);
    cart->lines.items = arena_array(fixtures->arena, count, sizeof(struct cart_line));
    cart->lines.count = count;
    for (size_t i = 0; i < count; i++)
        cart->lines.items[i] = (struct cart_line){.product_id = goods[i].id,
                                                  .sku = goods[i].sku,
                                                  .quantity = quantity,
                                                  .unit_price = goods[i].price};
    insert(fixtures, &cart_type, cart);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void add_ledger_page(struct fixtures *fixtures)
{
    struct ledger_page *page = ARENA_NEW(fixtures->arena, struct ledger_page);
    page->head = fixtures_head(fixtures, STR_ABSENT);
    page->entries = (struct any_list){fixtures->movements, fixtures->movement_count};
    insert(fixtures, &stock_ledger, page);
    fixtures->movements = NULL;
    fixtures->movement_count = fixtures->movement_capacity = 0;
}

void fixtures_write(struct fixtures *fixtures)
{
    struct err err = {0};
    if (fixtures->movement_count)
        add_ledger_page(fixtures);
    for (size_t at = 0; at < fixtures->count; at += CHUNK) {
        const struct commit commit = {
            .id = id_new(fixtures->arena, clock_now_ms()),
            .now = clock_now_ms(),
            .writes = fixtures->writes + at,
            .write_count = fixtures->count - at < CHUNK ? fixtures->count - at : CHUNK,
        };
        if (store_commit(fixtures->store, &commit, &err) != OUTCOME_DONE)
            die("writing", &err);
    }
    fixtures->count = 0;
}

void fixtures_clear(struct fixtures *fixtures)
{
    arena_clear(fixtures->arena);
    fixtures->writes = NULL;
    fixtures->count = fixtures->capacity = 0;
    fixtures->movements = NULL;
    fixtures->movement_count = fixtures->movement_capacity = 0;
}
