/* schedule.h - virtual time: what happens next, and fibers that sleep in it.
 *
 * Events happen in order of their time, those of the same time in the order in which they were
 * made. A fiber is a function with a stack of its own; while it sleeps, others act. Nothing else
 * moves the time, so a run depends on nothing but the events. */
#ifndef CARTWRIGHT_TESTS_SIM_SCHEDULE_H
#define CARTWRIGHT_TESTS_SIM_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#define US_PER_MS 1000LL
#define US_PER_S  (1000 * US_PER_MS)

typedef void event_fn(void *context);

struct event {
    int64_t at_us;
    uint64_t ticket; /* never 0 */
    event_fn *act;
    void *context;
};

struct schedule {
    int64_t now_us;
    int64_t horizon_us;   /* no fiber goes beyond it without coming out */
    struct event *events; /* in no order; own memory */
    size_t count, capacity;
    uint64_t last_ticket;
    uint64_t acted; /* events so far, and sleeps that needed none */
};

void schedule_release(struct schedule *schedule);
/* A time that is past counts as now. */
uint64_t schedule_at(struct schedule *schedule, int64_t at_us, event_fn *act, void *context);
/* An event that happened, or 0, is ignored. */
void schedule_cancel(struct schedule *schedule, uint64_t ticket);
/* Lets the next event happen; false when there is none. */
bool schedule_step(struct schedule *schedule);

struct fiber {
    struct schedule *schedule;
    ucontext_t own, outside;
    void *stack; /* lent; FIBER_STACK bytes */
    event_fn *run;
    void *context;
    uint64_t ticket;               /* of its waking */
    bool over;                     /* returned, or left for good */
    void *shadow, *outside_shadow; /* under ThreadSanitizer */
};

#define FIBER_STACK ((size_t)256 * 1024)

/* Begins at the next step of the schedule. `stack` must outlive it. */
void fiber_start(struct fiber *fiber, struct schedule *schedule, void *stack, event_fn *run,
                 void *context);
/* From outside, when it is over or never comes to its turn again. */
void fiber_release(struct fiber *fiber);
/* From inside: others act meanwhile. */
void fiber_sleep_until(struct fiber *fiber, int64_t at_us);
/* From outside: it wakes at this time, unless earlier. */
void fiber_wake(struct fiber *fiber, int64_t at_us);
/* From inside: never comes back; what is on its stack is forgotten. */
_Noreturn void fiber_leave(struct fiber *fiber);

#endif
