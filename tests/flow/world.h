/* world.h - a shop to play a script in: servers (fake or real), one lane that serves every domain,
 * and a client that sends, takes replies and listens to everything that is published.
 *
 * Fakes: everything is new for each script, time stands still but for one millisecond per message,
 * and the world runs until nothing is left to do. Real servers: one prefix and one database for the
 * whole run of the program; every script starts with empty collections, a new lane and a new prefix
 * in Redis, and a wait ends as soon as what is waited for is there. */
#ifndef CARTWRIGHT_TESTS_FLOW_WORLD_H
#define CARTWRIGHT_TESTS_FLOW_WORLD_H

#include "engine/lane.h"
#include "shop.h"

/* Something that arrived at the client. */
struct mail {
    struct delivery *delivery;
    struct str queue; /* where it was found */
    bool taken;       /* by the script */
};

enum crash { CRASH_NONE, CRASH_WAITING, CRASH_DONE };

struct world {
    bool real;
    struct arena arena; /* of the program */
    struct app_settings settings;
    struct app_settings defaults; /* what a script finds at its beginning */
    struct service service;
    struct pool_settings pool;
    struct lane_slot slot;
    struct lane lane;
    struct lane idle;   /* fakes: the other one, with the copies that it has; see world_switch() */
    int lane_number;    /* of the one that works, from 1 */
    struct bus *bus;    /* the lane's */
    struct bus *client; /* the fakes have one bus for both */
    struct store *store;
    struct lock *lock;
    struct str *queues; /* the lane's */
    size_t queue_count;
    struct str replies; /* queue of the client */
    struct str spy;     /* queue that every event and notification reaches */
    struct str *dead;   /* queues */
    size_t dead_count;
    struct mail *mail; /* in order of arrival; own memory */
    size_t mail_count, mail_capacity;
    uint64_t last_group; /* of the client's confirms */
    int scripts;
    enum crash crash; /* the lane is thrown away when its next step fails */
};

/* Reads the settings, opens the real servers, declares topology and indexes. */
MUST_CHECK enum outcome world_open(struct world *world, bool real, struct err *err);
void world_close(struct world *world);
/* An empty shop with a new lane. */
MUST_CHECK enum outcome world_begin(struct world *world, struct err *err);
void world_end(struct world *world);

/* Publishes; the lane does not step yet. False when nothing took the message. */
MUST_CHECK bool world_send(struct world *world, const struct bus_message *message);
/* Lets the lane work: on fakes until nothing is left, on real servers for a moment. False when
 * something stays undone for ever. */
MUST_CHECK bool world_run(struct world *world);
/* Until nothing arrives any more: for "nothing came". */
MUST_CHECK bool world_settle(struct world *world);
/* Runs the world until `is_done` or the patience is over; the answer of the last call. */
MUST_CHECK bool world_wait(struct world *world, bool (*is_done)(void *context), void *context);

/* The lane dies without settling anything; another one takes its place. */
MUST_CHECK enum outcome world_crash(struct world *world, struct err *err);
/* Fakes only: from now on this lane works, 1 or 2, and the other one stands idle. What both know of
 * the world is what they were told: each has copies of its own. */
MUST_CHECK enum outcome world_switch(struct world *world, int number, struct err *err);
#define WORLD_TICK_MS 1 /* between two messages on fakes */

/* Time of the lane, ms. */
int64_t world_now(void);
/* Fakes only: lane, leases and delay queues. */
void world_advance(struct world *world, int64_t ms);

#endif
