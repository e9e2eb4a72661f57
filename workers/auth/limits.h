/* limits.h - how often strangers may fail at the doors of accounts.
 *
 * A target is what is tried: an account, a session. A client is an API key and, behind a trusted
 * edge, an address (job_client). Who tells neither shares no bucket with others: then only the
 * target counts. */
#ifndef CARTWRIGHT_WORKERS_AUTH_LIMITS_H
#define CARTWRIGHT_WORKERS_AUTH_LIMITS_H

#include "engine/job.h"

/* Each: a need; true when loaded, and *wait_ms as of job_rate(). `what` tells doors apart. */

/* One client at one target. */
bool limit_at_target(struct job *job, const char *what, struct str target, enum rate_use use,
                     int64_t *wait_ms);
/* All clients at one target; where the client is unknown, limit_at_target counts the same. */
bool limit_of_account(struct job *job, const char *what, struct str account, enum rate_use use,
                      int64_t *wait_ms);
/* One client at all targets; of an unknown client nothing is counted. */
bool limit_of_client(struct job *job, const char *what, enum rate_use use, int64_t *wait_ms);

#endif
