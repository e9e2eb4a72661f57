/* supervisor.h - forks the lanes, restarts those that die, and ends what a dead lane left open.
 *
 * The supervisor has no connections of its own: it forks before any exist. A lane that dies by a
 * signal is restarted with backoff. A short-lived child ends the MongoDB transaction that the lane
 * left open, so that no SKU stays locked. The message whose handler was running is blamed
 * (blame.h); after two deaths the next lane sends it to the dead letters, with the signal and the
 * backtrace. A handler or a lane that hangs is cut, and that counts as a death by a signal
 * (stall.h).
 *
 * SIGTERM or SIGINT: the lanes drain, in stages (slot.h). A second one makes them hurry: unfinished
 * work goes back to the broker. A third one kills them, which breaks no promise. SIGHUP: the plan
 * is read again, and every lane is replaced by a new one, one after the other (crew_roll.c).
 *
 * The supervisor writes its state to a file (status.h) and, when NOTIFY_SOCKET is set, reports it
 * to systemd. It serves the watchdog while its loop runs and every pool has a lane that makes
 * progress. */
#ifndef CARTWRIGHT_SUPERVISOR_SUPERVISOR_H
#define CARTWRIGHT_SUPERVISOR_SUPERVISOR_H

#include "supervisor/plan.h"

struct supervisor_options {
    struct plan plan;
    struct str only; /* pools to run (comma-separated); "": all */
    /* Called on SIGHUP: reads the plan anew; it must have the same pools, with the same domains.
     * The new plan and `in_force` are both used until the next call, whose `in_force` says which of
     * them was kept. INVALID: nothing changes, and err says what is wrong and where. */
    enum outcome (*reload)(void *context, const struct plan *in_force, struct plan *out,
                           struct err *err);
    void *context;
};

/* Runs until told to stop, and until all lanes have ended. Returns 0 after a clean stop; 1 when
 * there is no pool to run, or when a lane can never work and the pools were never ready (the log
 * says why). */
int supervisor_run(const struct supervisor_options *options);

#endif
