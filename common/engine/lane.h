/* lane.h - a lane: one process of a pool, with its connections and its loop. All of the engine runs on
 * one thread of it; the store's thread of commits and, through TLS, the bus's thread of heartbeats
 * belong to their rooms. */
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

/* A verified token. Its size is fixed, so that the cache is one table. */
struct token_entry {
    uint8_t digest[AUTH_TAG_BYTES];
    enum who role;
    char subject[ID_TEXT + 1];
    char session[ID_TEXT + 1];
    int64_t issued_ms;
    int64_t expires_ms;
    int64_t account_checked_ms; /* 0: never */
    uint64_t stamp;             /* the account's stamp as it was before that check */
};

#define TOKEN_CACHE_SLOTS 16384 /* 104 bytes each: 1.7 MB of a lane */
#define TOKEN_CACHE_WAYS  4

/* An outbox entry, or one route of it, that was published and whose confirms are awaited. */
struct open_group {
    uint64_t group;
    char journal_id[ID_TEXT + 1];
    int64_t opened_us; /* monotonic */
    /* The route of the events in this group, "exchange\0key"; NULL: the group has
     * all events of the entry. */
    char *route;
    bool spoiled; /* another group of the same entry was not confirmed */
};

/* Ids of journal entries that wait to be written down; own memory. */
struct lane_ids {
    struct str *items;
    size_t count, capacity;
};

struct lane_counters {
    int64_t messages, batches, commits, conflicts, deferred, duplicates, failed, unlocked_batches;
    int64_t local_limits; /* rate limits counted without Redis */
    int64_t dropped;      /* wrong at the door, with nobody to be told and no known sender */
};

/* Where one batch works. There are two rooms, so that a batch can be decided while the commit of
 * the batch before it is under way. */
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
    size_t bytes; /* memory that the deliveries take */
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
    struct batch *under_way; /* the batch whose commit was begun; NULL: none */
    uint8_t owner[LOCK_OWNER_BYTES];
    struct lane_queue waiting; /* received and not settled; the oldest first */
    struct lane_queue settled; /* settled and not acknowledged yet */
    bool bus_lost;             /* the loss was noticed: reconnect before anything else */
    struct losses losses;      /* losses of the connection to the broker */
    bool was_alone;            /* still consumes one message at a time, and need not any more */
    int64_t hold_ms;           /* a connection that lasts so long without a message holds */
    bool is_aside;             /* takes no new messages, because others of its pool do */
    bool limits_are_local;     /* Redis did not count the last rate limits */
    bool leaves_rest;          /* what still arrives is left to the broker (drain.c) */
    struct token_entry *tokens;
    struct allowance allowances[ALLOWANCE_SLOTS];
    struct doc_caches docs;
    LIST(struct str) unstamped; /* accounts whose stamps are still to be taken away; own memory */
    size_t unstamped_capacity;
    uint64_t stale_rows; /* one bit for each of service.invalidations that is still to be sent */
    int64_t recall_until_ms; /* repeats were seen: until then the journal is asked first */
    struct open_group *groups;
    size_t group_count, group_capacity;
    uint64_t last_group;
    uint64_t confirmed;        /* bus_settled() when it last moved */
    int64_t confirms_moved_us; /* when that was; monotonic */
    uint64_t failed_group;     /* the last group of copies (failure.c) that failed */
    struct lane_ids published; /* entries to be marked as published */
    struct lane_ids refused;   /* entries to be put off */
    int stumbles;              /* recoveries since the last batch that went through */
    int64_t next_relay_us;
    int64_t next_mark_us;
    int64_t next_renewal_us;
    int64_t next_letters_us;     /* dead_watch.h */
    int64_t mails_lost_until_us; /* 0: the slot says nothing of lost mails (mail_watch.h) */
    int64_t quiet_since_us;      /* monotonic; 0: something is in hand, or may be on its way */
    int64_t next_stats_us;
    struct lane_counters counters;
    int64_t drops_second;      /* the second since 1970 of the last dropped message */
    int drops_logged;          /* how many were logged in that second */
    struct lane_slot *slot;    /* never NULL */
    struct blame_table *blame; /* may be NULL */
    const char *crashpoint;    /* for tests: where to die, "before-commit:3"; NULL: nowhere */
    int crash_countdown;
    const volatile sig_atomic_t *stopping; /* 1: drain, 2: hurry */
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

/* The caller keeps the parts, which must outlive the lane; the bus may be NULL (batch_run_alone).
 * OUTCOME_BUG for keys that cannot be used. */
MUST_CHECK enum outcome lane_init(struct lane *lane, const struct lane_parts *parts,
                                  struct err *err);
void lane_release(struct lane *lane);

/* Takes the messages that are there (waiting for up to timeout_ms while there is nothing to do),
 * decides them and begins their commit, settles the commit that ended, and keeps house. DONE
 * also when there was nothing. RETRY: a dependency is down, and what was received waits in the
 * lane; call lane_recover(). */
MUST_CHECK enum outcome lane_step(struct lane *lane, int timeout_ms, struct err *err);
/* Probes and reconnects, with backoff, until everything answers again or the lane is stopping. */
void lane_recover(struct lane *lane);
/* The whole life of a lane process: steps until it is stopping, then drains. */
void lane_run(struct lane *lane);
/* drain.c: finishes what was received, within drain.timeout, in stages (slot.h). */
void lane_drain(struct lane *lane);
/* Returns how many messages are received and not settled. */
size_t lane_in_hand(const struct lane *lane);

/* Returns the batch in the other room, or NULL. */
struct batch *lane_other_batch(const struct lane *lane, const struct batch *batch);
/* For a batch: puts an unsettled delivery back in its place in the order of arrival. */
void lane_give_back(struct lane *lane, struct delivery *delivery);
/* Removes the first `count` waiting deliveries, which belong to a batch now. */
void lane_take(struct lane *lane, size_t count);
/* Takes over a settled delivery: the lane will acknowledge it and free it. */
void lane_settled(struct lane *lane, struct delivery *delivery);
/* acknowledge.c: acknowledges settled deliveries, many at once where
 * possible; ACK_NOW leaves none. */
enum patience { ACK_WHEN_CHEAP, ACK_NOW };
void lane_acknowledge(struct lane *lane, enum patience patience);
/* accounts.c */
void lane_forget_unstamped(struct lane *lane);
/* Starts the confirm group of a commit's events; returns its number. */
uint64_t lane_open_group(struct lane *lane, struct str journal_id);
/* Signs an event or a notification and publishes it, counted for the confirm group. */
void lane_publish_event(struct lane *lane, struct arena *arena, const struct journal_event *event,
                        uint64_t group);
/* Takes in the confirms that are there; true when this group of copies,
 * whose fate is known, failed. */
bool lane_group_failed(struct lane *lane, uint64_t group);
/* invalidate.c: notes which cached pages and copies the events of a commit
 * of this lane made stale. */
void lane_note_stale(struct lane *lane, const struct journal_event *events, size_t count);
/* The same for a commit at `at` (ms since 1970), whose lane may have died before it said so. */
void lane_note_left_behind(struct lane *lane, int64_t at, const struct journal_event *events,
                           size_t count);
/* Tells Redis what became stale. What cannot be sent now is sent with a later batch, and cached
 * pages and copies end after service.cache_ms in any case. */
void lane_invalidate(struct lane *lane, struct arena *arena);
/* Sleeps; a signal ends the sleep early. */
void lane_pause(int64_t ms);
/* Waits for a server and serves the broker meanwhile: messages that arrive (at most the prefetch)
 * join the waiting ones. A signal to stop ends the wait early. */
void lane_await_server(struct lane *lane, int64_t ms);
struct password_cost lane_password_cost(const struct lane *lane);
/* Kills the process here when the tests asked for it. */
void lane_crashpoint(struct lane *lane, const char *where);

/* Lists the queues that this lane consumes, in the arena. */
void lane_queues(const struct lane *lane, struct arena *arena, struct str **out, size_t *count);
/* Begins to take messages from those queues. */
MUST_CHECK enum outcome lane_consume(struct lane *lane, struct err *err);

#endif
