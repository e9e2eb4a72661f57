/* schedule.c - events in a short unordered array (a few dozen wait at a time), and fibers. */
#include "sim/schedule.h"

#include <stdlib.h>
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

#include "base/err.h"
#include "base/memory.h"

void schedule_release(struct schedule *schedule)
{
    free(schedule->events);
    *schedule = (struct schedule){0};
}

uint64_t schedule_at(struct schedule *schedule, int64_t at_us, event_fn *act, void *context)
{
    schedule->events = memory_grow(schedule->events, schedule->count, &schedule->capacity,
                                   sizeof(*schedule->events));
    schedule->events[schedule->count++] = (struct event){
        .at_us = at_us > schedule->now_us ? at_us : schedule->now_us,
        .ticket = ++schedule->last_ticket,
        .act = act,
        .context = context,
    };
    return schedule->last_ticket;
}

static struct event take(struct schedule *schedule, size_t i)
{
    const struct event event = schedule->events[i];
    schedule->events[i] = schedule->events[--schedule->count];
    return event;
}

static size_t place_of(const struct schedule *schedule, uint64_t ticket)
{
    size_t i = 0;
    while (i < schedule->count && schedule->events[i].ticket != ticket)
        i++;
    return i;
}

void schedule_cancel(struct schedule *schedule, uint64_t ticket)
{
    const size_t i = place_of(schedule, ticket);
    if (i < schedule->count)
        (void)take(schedule, i);
}

static bool comes_before(const struct event *a, const struct event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->ticket < b->ticket;
}

static size_t next_place(const struct schedule *schedule)
{
    size_t next = 0;
    for (size_t i = 1; i < schedule->count; i++)
        if (comes_before(&schedule->events[i], &schedule->events[next]))
            next = i;
    return next;
}

bool schedule_step(struct schedule *schedule)
{
    if (schedule->count == 0)
        return false;
    const struct event event = take(schedule, next_place(schedule));
    schedule->now_us = event.at_us;
    schedule->acted++;
    event.act(event.context);
    return true;
}

/* --- fibers --------------------------------------------------------------------------------- */

/* ThreadSanitizer keeps a shadow of each stack, and has to be told which one is in use. */
#ifdef __SANITIZE_THREAD__
static void *shadow_new(void)
{
    return __tsan_create_fiber(0);
}

static void *shadow_in_use(void)
{
    return __tsan_get_current_fiber();
}

static void shadow_use(void *shadow)
{
    __tsan_switch_to_fiber(shadow, 0);
}

static void shadow_free(void *shadow)
{
    __tsan_destroy_fiber(shadow);
}
#else
static void *shadow_new(void)
{
    return NULL;
}

static void *shadow_in_use(void)
{
    return NULL;
}

static void shadow_use(void *shadow)
{
    (void)shadow;
}

static void shadow_free(void *shadow)
{
    (void)shadow;
}
#endif

static void switch_in(void *context)
{
    struct fiber *fiber = context;
    fiber->ticket = 0;
    fiber->outside_shadow = shadow_in_use();
    shadow_use(fiber->shadow);
    swapcontext(&fiber->outside, &fiber->own);
}

static void switch_out(struct fiber *fiber)
{
    shadow_use(fiber->outside_shadow);
    swapcontext(&fiber->own, &fiber->outside);
}

/* makecontext() passes ints only: two halves of the pointer. */
static void begin(unsigned high, unsigned low)
{
    struct fiber *fiber = (struct fiber *)(((uintptr_t)high << 32) | low);
    fiber->run(fiber->context);
    fiber_leave(fiber);
}

void fiber_start(struct fiber *fiber, struct schedule *schedule, void *stack, event_fn *run,
                 void *context)
{
    *fiber = (struct fiber){.schedule = schedule,
                            .stack = stack,
                            .run = run,
                            .context = context,
                            .shadow = shadow_new()};
    getcontext(&fiber->own);
    fiber->own.uc_stack.ss_sp = stack;
    fiber->own.uc_stack.ss_size = FIBER_STACK;
    const uintptr_t self = (uintptr_t)fiber;
    makecontext(&fiber->own, (void (*)(void))begin, 2, (unsigned)(self >> 32), (unsigned)self);
    fiber->ticket = schedule_at(schedule, schedule->now_us, switch_in, fiber);
}

void fiber_release(struct fiber *fiber)
{
    shadow_free(fiber->shadow);
}

/* Who would be the next to act in any case only lets the time pass. */
static bool would_be_next(const struct schedule *schedule, int64_t at_us)
{
    return at_us < schedule->horizon_us &&
           (schedule->count == 0 || schedule->events[next_place(schedule)].at_us > at_us);
}

void fiber_sleep_until(struct fiber *fiber, int64_t at_us)
{
    struct schedule *schedule = fiber->schedule;
    if (at_us < schedule->now_us)
        at_us = schedule->now_us;
    if (would_be_next(schedule, at_us)) {
        schedule->now_us = at_us;
        schedule->acted++;
        return;
    }
    fiber->ticket = schedule_at(schedule, at_us, switch_in, fiber);
    switch_out(fiber);
}

void fiber_wake(struct fiber *fiber, int64_t at_us)
{
    struct schedule *schedule = fiber->schedule;
    const size_t i = place_of(schedule, fiber->ticket);
    if (fiber->ticket == 0 || i == schedule->count || schedule->events[i].at_us <= at_us)
        return;
    (void)take(schedule, i);
    fiber->ticket = schedule_at(schedule, at_us, switch_in, fiber);
}

_Noreturn void fiber_leave(struct fiber *fiber)
{
    fiber->over = true;
    switch_out(fiber);
    panic("a fiber that is over was woken");
}
