/* slot.h - what the supervisor sees of a lane, in memory that both share.
 *
 * Each field has one writer. While the lane lives, no field decides what happens to a
 * message: a torn or late read costs a wrong line in a status, never a message. (`suspect`
 * counts when the process has died.) */
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
    /* written by the supervisor */
    volatile pid_t pid;
    volatile int incarnation; /* 0 for the first process in this slot */
    volatile int aside;       /* take no new messages: others of the pool do */
    /* written by the lane */
    volatile int ready;            /* at work: its servers answer, and it is not draining */
    volatile int has_worked;       /* has been ready once */
    volatile int stage;            /* enum drain_stage */
    volatile int64_t settled;      /* messages, since the first process in this slot */
    volatile int64_t deferred;     /* messages that were put off because of a lock, likewise */
    volatile int64_t local_limits; /* rate limits counted without Redis, likewise */
    volatile int64_t alive_us;     /* monotonic: when the last step was done (slot_alive) */
    volatile int64_t moved_us;     /* the same of the thread of commits, which writes it */
    volatile uint64_t suspect;     /* digest of the message whose handler runs; 0: none */
    volatile uint64_t run;         /* how often a suspect was set: tells one run from the next */
    volatile int64_t waiting_since_ms; /* for a server; ms since 1970; 0: waits for none */
    char waiting_for[ERR_TEXT_MAX];
    /* Why the lane works, but not as it should; health tells it. "": nothing is wrong. */
    char warnings[SLOT_WARNINGS][ERR_TEXT_MAX];
    char fault[ERR_TEXT_MAX];  /* why the lane can never work; "": it can */
    struct crash_report crash; /* how the process died */
    volatile int has_session;
    uint8_t session[STORE_SESSION_BYTES]; /* of the lane's transactions */
};

/* Makes the slot as good as new for the next process; the counters stay. */
void slot_reset(struct lane_slot *slot);
/* Notes that a step is done. Called between any two calls to a server, so that the time without a
 * sign of life is bounded by what one call may last. */
void slot_alive(struct lane_slot *slot);
/* Returns when the lane or its thread of commits last did a step, whichever is later; monotonic. */
int64_t slot_alive_ms(const struct lane_slot *slot);
/* Notes that a server is away; err says which. The time of the first call is
 * kept until slot_goes_on(). */
void slot_waits(struct lane_slot *slot, const struct err *err);
/* Notes that the lane waits for no server any more. */
void slot_goes_on(struct lane_slot *slot);
/* Notes that the lane works, but not as it should: why, and what helps; "": all is well again. */
void slot_warn(struct lane_slot *slot, enum slot_warning which, const char *text);
/* If the process dies or hangs between this and slot_clear(), the message
 * with this digest is blamed. */
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
