/* supervisor.h - forks the lanes, restarts what dies, ends what a dead lane left open.
 *
 * It has no connections of its own: it forks before any exists. A lane that dies by a signal is
 * restarted with backoff; a short-lived child ends its open MongoDB transaction, so that no SKU
 * stays frozen; the message whose handler was running is blamed (blame.h), and after two deaths the
 * next lane sends it to the dead letters, with the signal and the backtrace. A handler, or a lane,
 * that hangs is cut and counts the same (stall.h).
 *
 * SIGTERM or SIGINT: the lanes drain, in stages (slot.h). A second one: hurry, unfinished work goes
 * back to the broker. A third one: they are killed, which breaks no promise. SIGHUP: the plan is
 * read again, and every lane is replaced by a new one, one after the other (crew_roll.c).
 *
 * Tells its state to a file (status.h) and, when NOTIFY_SOCKET is set, to systemd; the watchdog is
 * served while this loop runs and every pool has a lane that makes progress. */
#ifndef CARTWRIGHT_SUPERVISOR_SUPERVISOR_H
#define CARTWRIGHT_SUPERVISOR_SUPERVISOR_H

#include "supervisor/plan.h"

struct supervisor_options {
    struct plan plan;
    struct str only; /* pools to run (comma-separated); "": all */
    /* SIGHUP: the plan anew, with the same pools and workers. Both it and the one in force are used
     * until the next call, whose `in_force` says which of them was kept. INVALID: nothing changes, err
     * says what is wrong and where. */
    enum outcome (*reload)(void *context, const struct plan *in_force, struct plan *out,
                           struct err *err);
    void *context;
};

/* Runs until told to stop. 0 after a clean stop, 1 when a lane found that it can never work (its
 * log line says why). */
int supervisor_run(const struct supervisor_options *options);

#endif
