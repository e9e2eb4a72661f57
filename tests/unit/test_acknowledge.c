/* Each delivery is acknowledged once, with as few acknowledgements as possible, and never one that
 * is not settled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/text.h"
#include "engine/lane.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TAGS_MAX     8

/* A bus that only writes down what is acknowledged: "3*" is 3 and everything before. */
static struct {
    struct bus bus;
    struct arena arena;
    struct text acked;
} spy;

static void note_ack(struct bus *bus, const struct delivery *delivery, bool multiple)
{
    (void)bus;
    text_printf(&spy.acked, "%s%d%s", spy.acked.len ? " " : "", (int)delivery->tag,
                multiple ? "*" : "");
}

static const struct bus_ops spy_ops = {.ack = note_ack};

static void spy_begin(void)
{
    spy.bus.ops = &spy_ops;
    arena_init(&spy.arena, 1024);
    text_init(&spy.acked, &spy.arena, 64);
}

/* As delivery_free() wants it. */
static struct delivery *new_delivery(uint64_t tag)
{
    struct delivery *delivery = calloc(1, sizeof(*delivery));
    assert_non_null(delivery);
    delivery->tag = tag;
    return delivery;
}

static struct lane_slot slot;

static void settle(struct lane *lane, const uint64_t tags[TAGS_MAX])
{
    for (size_t i = 0; i < TAGS_MAX && tags[i]; i++)
        lane_settled(lane, new_delivery(tags[i]));
}

/* Of the deliveries that wait only the tags matter here. */
static void wait_for(struct lane *lane, const uint64_t tags[TAGS_MAX])
{
    for (size_t i = 0; i < TAGS_MAX && tags[i]; i++)
        lane_give_back(lane, new_delivery(tags[i]));
}

static void forget(struct lane_queue *queue)
{
    for (size_t i = 0; i < queue->count; i++)
        delivery_free(queue->items[i]);
    queue->count = 0;
}

static void release(struct lane *lane)
{
    forget(&lane->settled);
    forget(&lane->waiting);
    free(lane->settled.items);
    free(lane->waiting.items);
    arena_release(&spy.arena);
}

void test_acknowledge__as_few_as_possible_and_none_too_many(void **state)
{
    (void)state;
    static const struct {
        uint64_t settled[TAGS_MAX], waiting[TAGS_MAX];
        enum patience patience;
        const char *expected;
        size_t held_back;
    } rows[] = {
        {{1, 2, 3}, {0}, ACK_WHEN_CHEAP, "3*", 0},
        {{1}, {0}, ACK_WHEN_CHEAP, "1*", 0},
        {{0}, {1, 2}, ACK_WHEN_CHEAP, "", 0},
        {{0}, {0}, ACK_NOW, "", 0},
        /* whatever the order in which they were settled */
        {{5, 2, 9, 1}, {0}, ACK_WHEN_CHEAP, "9*", 0},
        /* younger ones wait */
        {{1, 2}, {3, 4}, ACK_WHEN_CHEAP, "2*", 0},
        {{2, 1}, {4, 3}, ACK_NOW, "2*", 0},
        /* an older one waits for a lock: what comes after it is held back, or goes singly */
        {{2, 3}, {1}, ACK_WHEN_CHEAP, "", 2},
        {{2, 3}, {1}, ACK_NOW, "2 3", 0},
        {{1, 2, 4, 5}, {3}, ACK_WHEN_CHEAP, "2*", 2},
        {{1, 2, 4, 5}, {3}, ACK_NOW, "2* 4 5", 0},
        {{5, 1, 4, 2}, {7, 3}, ACK_NOW, "2* 5 4", 0},
        /* too many of them are not held back: the lane would starve */
        {{2, 3, 4, 5}, {1}, ACK_WHEN_CHEAP, "", 4},
        {{2, 3, 4, 5, 6}, {1}, ACK_WHEN_CHEAP, "2 3 4 5 6", 0},
    };
    static const struct pool_settings pool = {.prefetch = 8};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct lane lane = {.bus = &spy.bus, .pool = &pool, .slot = &slot};
        spy_begin();
        settle(&lane, rows[i].settled);
        wait_for(&lane, rows[i].waiting);
        lane_acknowledge(&lane, rows[i].patience);
        if (!str_eq(text_str(&spy.acked), str_of(rows[i].expected)))
            fail_msg("row %zu: \"%s\", not \"%s\"", i, spy.acked.ptr, rows[i].expected);
        assert_int_equal(lane.settled.count, rows[i].held_back);
        release(&lane);
    }
}

/* What was held back goes out with the message it waited for, and nothing twice. */
void test_acknowledge__what_was_held_back_goes_once(void **state)
{
    (void)state;
    static const struct pool_settings pool = {.prefetch = 8};
    struct lane lane = {.bus = &spy.bus, .pool = &pool, .slot = &slot};
    spy_begin();
    settle(&lane, (const uint64_t[TAGS_MAX]){2, 3});
    wait_for(&lane, (const uint64_t[TAGS_MAX]){1});
    lane_acknowledge(&lane, ACK_WHEN_CHEAP);
    forget(&lane.waiting);
    settle(&lane, (const uint64_t[TAGS_MAX]){1, 4});
    lane_acknowledge(&lane, ACK_WHEN_CHEAP);
    lane_acknowledge(&lane, ACK_NOW);
    assert_string_equal(spy.acked.ptr, "4*");
    release(&lane);
}
