/* slot.h - what the supervisor sees of a lane, in memory that both share.
 *
 * Each field has one writer, and none of them decides what happens to a message: a torn or late
 * read costs a wrong line in a status, never a message. */
#ifndef CARTWRIGHT_ENGINE_SLOT_H
#define CARTWRIGHT_ENGINE_SLOT_H

#include "base/err.h"
#include "engine/crash.h"
#include "store/store.h"

/* The stages of a drain, in their order. */
enum drain_stage {
    DRAIN_NOT,         /* not draining */
    DRAIN_STOP_TAKING, /* the broker is told to deliver no more */
    DRAIN_FINISH,      /* what is in hand is carried through */
    DRAIN_SETTLE,      /* acknowledgements are sent, confirms awaited and marked */
    DRAIN_DONE,
};

extern const char *const drain_stage_names[]; /* "stop taking", ...; ended by NULL */

enum slot_warning {
    SLOT_WARN_FRAMES,
    SLOT_WARN_REPLIES,
    SLOT_WARN_LETTERS,
    SLOT_WARN_MAILS,
    SLOT_WARNINGS,
};

struct lane_slot {
    /* by the supervisor */
    volatile pid_t pid;
    volatile int incarnation; /* 0 for the first process in this slot */
    volatile int aside;       /* take no new messages, others of the pool do */
    /* by the lane */
    volatile int ready;            /* at work: its servers answer, it is not draining */
    volatile int has_worked;       /* was ready once */
    volatile int stage;            /* enum drain_stage */
    volatile int64_t settled;      /* messages, since the first process in this slot */
    volatile int64_t deferred;     /* messages put off because of a lock, likewise */
    volatile int64_t local_limits; /* rate limits counted without Redis, likewise */
    volatile int64_t alive_us;     /* monotonic: the last time a step was done (slot_alive) */
    volatile int64_t moved_us;     /* by its thread of commits: the last time that one did a step */
    volatile uint64_t suspect;     /* digest of the message whose handler runs; 0: none */
    volatile uint64_t run; /* how many times a suspect was set: tells one run from the next */
    volatile int64_t waiting_since_ms; /* for a server, ms since 1970; 0: it waits for none */
    char waiting_for[ERR_TEXT_MAX];
    /* It works, but not as it should: told by health; "": nothing. */
    char warnings[SLOT_WARNINGS][ERR_TEXT_MAX];
    char fault[ERR_TEXT_MAX];  /* why it can never work; "": it can */
    struct crash_report crash; /* how it died */
    volatile int has_session;
    uint8_t session[STORE_SESSION_BYTES]; /* of its transactions */
};

/* As good as new, for the next process; the counters stay. */
void slot_reset(struct lane_slot *slot);
/* A step is done: called between any two calls to a server, so that the time without one is bounded
 * by what one call may last. */
void slot_alive(struct lane_slot *slot);
/* Of the lane or its thread of commits, whichever is later; monotonic. */
int64_t slot_alive_ms(const struct lane_slot *slot);
/* A server is away; err says which. Keeps the time of the first call until slot_goes_on(). */
void slot_waits(struct lane_slot *slot, const struct err *err);
void slot_goes_on(struct lane_slot *slot);
/* Works, but not as it should: why, and what helps; "": all is well again. */
void slot_warn(struct lane_slot *slot, enum slot_warning which, const char *text);
/* If the process dies or hangs from here to slot_clear(), the message with this digest is blamed. */
static inline void slot_suspect(struct lane_slot *slot, uint64_t digest)
{
    slot->run++;
    slot->suspect = digest;
}
static inline void slot_clear(struct lane_slot *slot)
{
    slot->suspect = 0;
}

#endif
