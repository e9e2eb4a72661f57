/* sim.h - a shop in which time, chance and every fault follow from a seed.
 *
 * The lanes are the real ones, whole (lane_run), each on a fiber of its own, with handles of its own
 * to one broker, one database and one Redis, all fakes. Every call that leaves a lane passes a
 * decorator (sim_bus.c, sim_store.c, sim_lock.c), where virtual time passes, other lanes act, and
 * the plan may strike: before the call, after it, or in its stead. Clients behave as real ones do.
 * In the end all faults are over, everything settles, and the invariants must hold. */
#ifndef CARTWRIGHT_TESTS_SIM_SIM_H
#define CARTWRIGHT_TESTS_SIM_SIM_H

#include <stdio.h>

#include "base/clock.h"
#include "sim/client.h"
#include "sim/plan.h"
#include "sim/premises.h"
#include "sim/schedule.h"
#include "sim/sim_lane.h"
#include "support/fixtures.h"

struct sim {
    const struct premises *premises;
    uint64_t seed;
    FILE *trace;     /* NULL: none */
    uint64_t digest; /* of everything that happened */
    struct arena arena;
    struct plan plan;
    struct chance chance; /* of faults and times */
    struct chance bytes;  /* of random_bytes() */
    struct schedule schedule;
    int64_t struck[FAULTS];
    int64_t struck_us[FAULTS]; /* the last time */
    bool may_bury;             /* a fault was such that a dead letter is right */
    struct blame_table *blame; /* the supervisor's */
    struct poison *poisons;
    bool healed;
    bool is_encore;             /* all had settled: what is sent now is sent in peace */
    int64_t healed_us, busy_us; /* when all faults were over; when somebody was last seen busy */
    bool closed;                /* lanes that end are not replaced */
    struct str failure;         /* the first; absent: none */

    struct bus *broker; /* the clients' connection */
    struct store *store;
    struct lock *redis;
    int64_t kept_ms; /* the time of broker and Redis */
    int64_t broker_away_until_us, broker_blocked_until_us, store_away_until_us;
    struct sim_lane *lanes[LANES_MAX]; /* alive; NULL: none at the moment */
    struct sim_lane *lives;            /* all, the latest first */
    struct sim_lane *acting;           /* whose fiber runs; NULL: none */
    int incarnations[LANES_MAX];

    struct shopper admin;
    struct shopper users[USERS_MAX];
    struct good goods[GOODS_MAX];
    int64_t cart_versions[USERS_MAX]; /* the latest that a client was told */
    int64_t told_versions[GOODS_MAX]; /* of products; the same */
    struct str orders[128];           /* ids that clients were told */
    size_t order_count;
    struct sim_client clients[CLIENTS_MAX + TABS_MAX];
    int client_count;
    struct visitor visitor;
    struct calls history;
    int arrivals;                 /* calls that reached a queue */
    int parcels;                  /* requests that are still on their way to the broker */
    struct delivery *heard[4096]; /* by the spy, in order of arrival */
    size_t heard_count;
};

/* Plays a seed from opening to verdict; true when all invariants held. */
bool sim_play(const struct premises *premises, uint64_t seed, FILE *trace, struct sim *out);
void sim_release(struct sim *sim);

/* Draws whether a fault strikes now; it is counted and traced when it does. */
bool sim_strikes(struct sim *sim, enum fault_kind kind);
/* It does. */
void sim_struck(struct sim *sim, enum fault_kind kind, struct str what);
int64_t sim_between(struct sim *sim, int64_t low, int64_t high);
/* Something happened: into the digest, and into the trace when there is one. */
void sim_note(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* An invariant is broken; the first one is kept. */
void sim_fail(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Leases and delays end when their time is over. */
void sim_keep_time(struct sim *sim);
/* Something was published: whoever waits for it wakes up soon. */
void sim_ring_all(struct sim *sim);

/* weather.c: servers that go away and come back, now and then. */
void weather_begin(struct sim *sim);

/* poison.c: messages that end their handlers, each time. */
struct poison {
    struct str message_id;
    int deaths, letters;
    bool has_deadline; /* then "too late" may be its end as well */
    struct poison *next;
};
/* The operations of the domains, with handlers that poison ends; in the arena, ended by NULL. */
const struct domain *const *poison_domains(const struct domain *const *domains,
                                           struct arena *arena);
/* NULL when it is none. */
struct poison *poison_find(const struct sim *sim, struct str message_id);

/* All documents of a type, as they are stored. */
struct doc_list sim_load(struct sim *sim, const struct doc_type *type);

/* --- the verdict ------------------------------------------------------------------------------------ */

/* invariants.c: what is stored fits together. */
void check_documents(struct sim *sim);
/* witness.c: what clients were told, and what was published, is what is stored. */
void check_history(struct sim *sim);
void check_events(struct sim *sim);
/* sessions.c: who is logged in is who should be. */
void check_sessions(struct sim *sim);
/* sessions.c: a commit that wrote accounts or sessions was carried out. */
void sessions_written(struct sim *sim);
/* sessions.c: a reply with this status told a log-out of all that its session is over, and another
 * message had ended the session. Such a reply is no decision: an earlier copy of the log-out may be
 * carried out all the same. */
bool is_turned_away(const struct call *call, int64_t status);
/* witness.c: how a call was decided, as the journal knows it, unsealed; NULL: it was not. */
const struct journal_reply *call_decision(struct sim *sim, const struct call *call);
/* poison.c: it lies among the dead letters, after as many deaths as are promised, and nothing else
 * does. Takes the letters. */
void check_letters(struct sim *sim);
/* Nothing is left in queues, leases and transactions. */
void check_quiet(struct sim *sim);

#endif
