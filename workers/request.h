/* request.h - what the requests of several domains have in common: expected versions and owners. */
#ifndef CARTWRIGHT_WORKERS_REQUEST_H
#define CARTWRIGHT_WORKERS_REQUEST_H

#include <inttypes.h>

#include "engine/job.h"

/* --- versions and owners ---------------------------------------------------------------------------- */

/* Refuses with VERSION_CONFLICT, which names the present version, when the caller expected another
 * one. Without an expected version every version will do. */
static inline enum outcome expect_version(struct opt_int expected, int64_t version, struct err *err)
{
    if (!expected.has || expected.value == version)
        return OUTCOME_DONE;
    return err_refuse(err, E_VERSION_CONFLICT,
                      "version %" PRId64 " was expected, it is at %" PRId64, expected.value,
                      version);
}

static inline bool caller_is_admin(const struct job *job)
{
    return job_caller(job)->role >= ADMIN;
}

static inline bool caller_is(const struct job *job, struct str user_id)
{
    return str_eq(job_caller(job)->id, user_id);
}

#endif
