/* lane.h - one single-threaded process of a pool: its connections and its loop. */
#ifndef CARTWRIGHT_ENGINE_LANE_H
#define CARTWRIGHT_ENGINE_LANE_H

#include <signal.h>

#include "base/id.h"
#include "bus/bus.h"
#include "crypto/auth.h"
#include "engine/allowance.h"
#include "engine/blame.h"
#include "engine/doc_cache.h"
#include "engine/losses.h"
#include "engine/slot.h"
#include "lock/lock.h"
#include "service/operation.h"
#include "service/settings.h"
#include "store/store.h"

/* A verified token; fixed size, so that the cache is one table. */
struct token_entry {
    uint8_t digest[AUTH_TAG_BYTES];
    enum who role;
    char subject[ID_TEXT + 1];
    char session[ID_TEXT + 1];
    int64_t issued_ms;
    int64_t expires_ms;
    int64_t account_checked_ms; /* 0: never */
    uint64_t stamp;             /* of the account, as it was at that check */
};

#define TOKEN_CACHE_SLOTS 16384 /* 120 bytes each: 1.9 MB of a lane */
#define TOKEN_CACHE_WAYS  4

/* A published outbox entry whose confirms are awaited. */
struct open_group {
    uint64_t group;
    char journal_id[ID_TEXT + 1];
    int64_t opened_us; /* monotonic */
    char *route;  /* of the one event that it holds: "exchange key"; NULL: all of the entry's */
    bool spoiled; /* another event of the same entry was not taken */
};

/* Journal ids that wait to be written down; own memory. */
struct lane_ids {
    struct str *items;
    size_t count, capacity;
};

struct lane_counters {
    int64_t messages, batches, commits, conflicts, deferred, duplicates, failed, unlocked_batches;
    int64_t local_limits; /* counted without Redis */
    int64_t dropped;      /* wrong at the door, with nobody to be told and nobody who sent it */
};

/* Where one batch works. Two, so that a batch can be decided while the commit of the one before it
 * is under way. */
struct lane_room {
    struct batch *batch; /* NULL: free */
    struct arena arena;
    struct arena run_arena;
};

#define LANE_ROOMS 2

/* Deliveries in order of arrival; own memory. */
struct lane_queue {
    struct delivery **items;
    size_t count;
    size_t capacity;
    size_t bytes; /* of their memory */
};

struct lane {
    const struct service *service;
    const struct engine_settings *settings;
    const struct pool_settings *pool;
    int index;
    struct auth_keys keys;
    struct bus *bus;
    struct store *store;
    struct lock *lock;
    struct arena arena; /* for housekeeping, cleared each time */
    struct lane_room rooms[LANE_ROOMS];
    struct batch *under_way; /* its commit was begun; NULL: none */
    uint8_t owner[LOCK_OWNER_BYTES];
    struct lane_queue waiting; /* received, not settled; the oldest first */
    struct lane_queue settled; /* done, not acknowledged yet */
    bool bus_lost;             /* noticed: reconnect before anything else */
    struct losses losses;      /* of the connection to the broker */
    bool was_alone;            /* it consumes one message at a time, and need not any more */
    int64_t hold_ms;           /* a connection holds that lasts so long without a message */
    bool is_aside;             /* takes no new messages: others of its pool do */
    bool limits_are_local;     /* Redis refused the last rate limits */
    bool leaves_rest;          /* what still arrives is left to the broker (drain.c) */
    struct token_entry *tokens;
    struct allowance allowances[ALLOWANCE_SLOTS];
    struct doc_caches docs;
    LIST(struct str) unstamped; /* accounts whose stamps could not be taken away yet; own memory */
    size_t unstamped_capacity;
    uint64_t stale_rows;     /* service.invalidations that could not be sent yet, a bit each */
    int64_t recall_until_ms; /* repeats were seen: ask the journal first, not only on conflict */
    struct open_group *groups;
    size_t group_count, group_capacity;
    uint64_t last_group;
    uint64_t confirmed;        /* bus_settled, as it was last seen to move, */
    int64_t confirms_moved_us; /* and when */
    uint64_t failed_group;     /* the last single message that the broker did not take */
    struct lane_ids published; /* to be marked */
    struct lane_ids refused;   /* to be put off */
    int stumbles;              /* recoveries since the last batch that went through */
    int64_t next_relay_us;
    int64_t next_mark_us;
    int64_t next_renewal_us;
    int64_t next_letters_us;     /* dead_watch.h */
    int64_t mails_lost_until_us; /* mail_watch.h; 0: the slot says nothing of it */
    int64_t quiet_since_us;      /* monotonic; 0: something is in hand, or may be on its way */
    int64_t next_stats_us;
    struct lane_counters counters;
    int64_t drops_second;      /* since the epoch: in this one */
    int drops_logged;          /* so many were logged */
    struct lane_slot *slot;    /* never NULL */
    struct blame_table *blame; /* may be NULL */
    const char *crashpoint;    /* tests: where to die, "commit:3"; NULL: nowhere */
    int crash_countdown;
    const volatile sig_atomic_t *stopping; /* 1 drain, 2 hurry */
    int64_t (*now_ms)(void);               /* tests inject time */
};

struct lane_parts {
    const struct service *service;
    const struct engine_settings *settings;
    const struct pool_settings *pool;
    int index;
    struct bus *bus;
    struct store *store;
    struct lock *lock;
    struct lane_slot *slot;
    struct blame_table *blame;
    const volatile sig_atomic_t *stopping;
    int64_t (*now_ms)(void);
};

/* The parts stay the caller's. OUTCOME_BUG for unusable keys. */
MUST_CHECK enum outcome lane_init(struct lane *lane, const struct lane_parts *parts,
                                  struct err *err);
void lane_release(struct lane *lane);

/* Takes what is there (waiting up to timeout_ms while there is nothing to do), decides it and begins
 * its commit, settles the commit that ended, keeps house. DONE also when there was nothing. RETRY: a
 * dependency is down, what was received waits in the lane; recover with lane_recover(). */
MUST_CHECK enum outcome lane_step(struct lane *lane, int timeout_ms, struct err *err);
/* Reconnects and probes with backoff until everything answers again or the lane is stopping. */
void lane_recover(struct lane *lane);
/* Steps until stopping, then drains. The whole life of a lane process. */
void lane_run(struct lane *lane);
/* drain.c: finishes what was received within the time, in stages (slot.h). */
void lane_drain(struct lane *lane);
/* Messages that are received and not settled. */
size_t lane_in_hand(const struct lane *lane);

/* The batch in the other room, or NULL. */
struct batch *lane_other_batch(const struct lane *lane, const struct batch *batch);
/* For the batch: an unsettled delivery goes back to its place in the order of arrival. */
void lane_give_back(struct lane *lane, struct delivery *delivery);
/* The first `count` waiting deliveries belong to a batch now. */
void lane_take(struct lane *lane, size_t count);
/* A settled one will be acknowledged; the lane frees it. */
void lane_settled(struct lane *lane, struct delivery *delivery);
/* acknowledge.c: what is settled, all at once where possible. */
enum patience { ACK_WHEN_CHEAP, ACK_NOW };
void lane_acknowledge(struct lane *lane, enum patience patience);
/* accounts.c */
void lane_forget_unstamped(struct lane *lane);
/* Starts the confirm group of a commit's events. */
uint64_t lane_open_group(struct lane *lane, struct str journal_id);
void lane_publish_event(struct lane *lane, struct arena *arena, const struct journal_event *event,
                        uint64_t group);
/* Takes in the confirms that are there; true when this (closed) group failed. */
bool lane_group_failed(struct lane *lane, uint64_t group);
/* invalidate.c: events that make cached pages and copies stale, of a commit of this lane. */
void lane_note_stale(struct lane *lane, const struct journal_event *events, size_t count);
/* The same of a commit at `at`, whose lane may have died before it said so. */
void lane_note_left_behind(struct lane *lane, int64_t at, const struct journal_event *events,
                           size_t count);
/* Says so; what cannot be sent now is sent with a later batch, and cached pages and copies end after
 * service.cache_ms in any case. */
void lane_invalidate(struct lane *lane, struct arena *arena);
/* Sleeps; a signal ends it early. */
void lane_pause(int64_t ms);
/* Waits for a server and serves the broker meanwhile: what arrives (the prefetch at most) joins the
 * waiting ones. A signal to stop ends it early. */
void lane_await_server(struct lane *lane, int64_t ms);
struct password_cost lane_password_cost(const struct lane *lane);
/* Dies here when the tests asked for it. */
void lane_crashpoint(struct lane *lane, const char *where);

/* Queues this lane consumes, in the arena. */
void lane_queues(const struct lane *lane, struct arena *arena, struct str **out, size_t *count);
/* Begins to take messages from them. */
MUST_CHECK enum outcome lane_consume(struct lane *lane, struct err *err);

#endif
