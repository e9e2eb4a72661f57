/* supervisor.h - forks the lanes, restarts what dies, ends what a dead lane left open.
 *
 * It has no connections of its own: it forks before any exists. A lane that dies by a signal is
 * restarted with backoff; a short-lived child ends its open MongoDB transaction, so that no SKU
 * stays frozen; the message whose handler was running is blamed, and after two deaths the next lane
 * sends it to the dead letters. SIGTERM or SIGINT: drain. A second one: hurry. Speaks
 * systemd's readiness and watchdog protocol when NOTIFY_SOCKET is set. */
#ifndef CARTWRIGHT_WORKER_SUPERVISOR_H
#define CARTWRIGHT_WORKER_SUPERVISOR_H

#include "worker/process.h"

/* Runs until told to stop. 0 after a clean stop, 1 when a lane found that it can never work (its
 * log line says why). `only` names pools to run (comma-separated); absent: all. */
int supervisor_run(const struct service *service, const struct engine_settings *settings,
                   struct str only);

#endif
