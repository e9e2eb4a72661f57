/* shop_case.h - a shop in memory, for tests of its handlers one message or one batch at a time.
 *
 * The engine itself loads, decides and commits, on the fakes of the store and the locks; only the
 * bus and admission are left out, so a request is given as the struct that its schema decodes to.
 * Include after cmocka.h. Everything lives until shop_close(). */
#ifndef CARTWRIGHT_TESTS_SHOP_CASE_H
#define CARTWRIGHT_TESTS_SHOP_CASE_H

#include <signal.h>

#include "auth/session.h"
#include "auth/user.h"
#include "cart/cart.h"
#include "catalog/catalog.h"
#include "engine/batch.h"
#include "fakes/lock_fake.h"
#include "fakes/store_fake.h"
#include "letters/audit.h"
#include "notification/notification.h"
#include "order/order.h"
#include "schemas/all.h"
#include "settings.h"
#include "wire/json.h"

#define SHOP_BATCH_MAX 32
#define ANNA           "111111111111111111111111"
#define BERT           "222222222222222222222222"
#define BOSS           "aaaaaaaaaaaaaaaaaaaaaaaa"
#define NOBODY         "ffffffffffffffffffffffff"

struct shop {
    struct shop_settings settings;
    struct engine_settings engine;
    struct service service;
    struct lane lane;
    struct lane_slot slot;
    volatile sig_atomic_t stopping;
    struct arena arena;
    struct batch batch;
    struct delivery delivery;
    struct job jobs[SHOP_BATCH_MAX];
    size_t count;  /* messages of the batch so far */
    uint32_t sent; /* in all: no two have the same key or randomness */
};

static inline size_t shop_type_count(void)
{
    size_t count = 0;
    while (all_types[count])
        count++;
    return count;
}

/* It is large: tests have one static `struct shop` and open it anew in each case. */
static inline void shop_open(struct shop *shop)
{
    memset(shop, 0, sizeof(*shop));
    shop->settings =
        (struct shop_settings){.currency = STR("GBP"), .low_stock = 5, .delivery_days = 5};
    shop->engine =
        (struct engine_settings){.prefix = STR("test"), .lease_ms = 1000, .reply_max = 1 << 20};
    shop->service = (struct service){.types = all_types, .settings = &shop->settings};
    shop->lane = (struct lane){
        .service = &shop->service,
        .settings = &shop->engine,
        .keys.ring_count = 1,
        .slot = &shop->slot,
        .stopping = &shop->stopping,
        .store = store_fake_open(all_types, shop_type_count()),
        .lock = lock_fake_open(),
    };
    shop->delivery = (struct delivery){.deadline = -1, .expiration = -1, .timestamp = -1};
    arena_init(&shop->arena, 1 << 16);
    shop->batch.now = 1763651045123; /* 2025-11-20T15:04:05.123Z */
}

static inline void shop_close(struct shop *shop)
{
    store_close(shop->lane.store);
    lock_close(shop->lane.lock);
    arena_release(&shop->arena);
}

/* One more message of the batch that shop_run() carries through. */
static inline struct job *shop_send(struct shop *shop, const struct operation *operation,
                                    enum who role, const char *caller, const void *request)
{
    assert_true(shop->count < SHOP_BATCH_MAX);
    struct job *job = &shop->jobs[shop->count++];
    *job = (struct job){
        .batch = &shop->batch,
        .delivery = &shop->delivery,
        .operation = operation,
        .request = request,
        .bearer = {.role = role, .id = str_of(caller)},
    };
    shop->sent++;
    memcpy(&job->key, &shop->sent, sizeof(shop->sent));
    memcpy(job->seed, &shop->sent, sizeof(shop->sent));
    return job;
}

static inline struct batch *shop_begin(struct shop *shop)
{
    shop->batch = (struct batch){
        .lane = &shop->lane,
        .arena = &shop->arena,
        .run_arena = &shop->arena,
        .now = shop->batch.now + 1,
        .jobs = shop->jobs,
        .count = shop->count,
    };
    workset_init(&shop->batch.set, &shop->arena);
    map_init(&shop->batch.held_keys, &shop->arena);
    return &shop->batch;
}

/* A lane would have done the same between receiving and settling. */
static inline enum outcome shop_try(struct shop *shop, struct err *err)
{
    const struct span span = {shop->jobs, shop->count};
    struct batch *batch = shop_begin(shop);
    TRY(batch_decide(batch, span, err));
    assert_true(batch_write_up(batch, span));
    batch_commit_begin(batch);
    return batch_commit_end(batch, err);
}

static inline void shop_run(struct shop *shop)
{
    struct err err = {0};
    if (shop_try(shop, &err) != OUTCOME_DONE)
        fail_msg("the batch failed: %s", err.text);
    shop->count = 0;
}

static inline struct job *shop_do(struct shop *shop, const struct operation *operation,
                                  enum who role, const char *caller, const void *request)
{
    struct job *job = shop_send(shop, operation, role, caller, request);
    shop_run(shop);
    return job;
}

/* shop_admin(&shop, product_get, .product_id = id) */
#define shop_admin(shop, name, ...)                                                                \
    shop_do((shop), &(name), ADMIN, BOSS, &(const struct name##_request){__VA_ARGS__})
#define shop_customer(shop, user, name, ...)                                                       \
    shop_do((shop), &(name), CUSTOMER, (user), &(const struct name##_request){__VA_ARGS__})

/* The reply's data; the handler must have succeeded. */
static inline const void *shop_done(const struct job *job)
{
    if (job->outcome != OUTCOME_DONE)
        fail_msg("%s: %s, %s", job->operation->name, job->err.code->name, job->err.text);
    return job->reply_data;
}

static inline void shop_refused(const struct job *job, const struct error_code *code)
{
    assert_string_equal(job->outcome == OUTCOME_DONE ? "done" : job->err.code->name, code->name);
}

/* Types of the events of the last batch, in order, joined by spaces. */
static inline const char *shop_events(struct shop *shop)
{
    struct text text;
    text_init(&text, &shop->arena, 64);
    for (size_t i = 0; i < shop->batch.commit.event_count; i++)
        text_printf(&text, "%s%.*s", i ? " " : "",
                    STR_FMT(shop->batch.commit.events[i].routing_key));
    return text_str(&text).ptr;
}

#endif
