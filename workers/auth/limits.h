/* limits.h - how often a client may fail to get into accounts.
 *
 * A target is what the client tries to get into: an account, a session. A client is known by its
 * API key and, behind a trusted edge, by an address (job_client). Clients that are known by neither
 * are not told apart: for them only the target counts. */
#ifndef CARTWRIGHT_WORKERS_AUTH_LIMITS_H
#define CARTWRIGHT_WORKERS_AUTH_LIMITS_H

#include "engine/job.h"

/* Each function is a need: true when loaded, with *wait_ms as from job_rate(). `what` begins the
 * key of the bucket and so keeps buckets of different purposes apart. */

/* The limit of one client at one target; all unknown clients together count as one. */
bool limit_at_target(struct job *job, const char *what, struct str target, enum rate_use use,
                     int64_t *wait_ms);
/* The limit of all clients together at one account. It counts nothing for an unknown client,
 * because limit_at_target() already counts all of those together. */
bool limit_of_account(struct job *job, const char *what, struct str account, enum rate_use use,
                      int64_t *wait_ms);
/* The limit of one client at all targets. It counts nothing for an unknown client. */
bool limit_of_client(struct job *job, const char *what, enum rate_use use, int64_t *wait_ms);

#endif
