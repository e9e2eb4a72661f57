/* limits.c - the rate-limit buckets of clients. Their keys are digests, so that no address is
 * stored in Redis. */
#include "auth/limits.h"

#include "settings.h"

static struct str key_of(struct job *job, const char *what, struct str whom)
{
    const struct str digest = job_secret_digest(job, whom);
    return str_printf(job_arena(job), "%s:%.*s", what, STR_FMT(digest));
}

bool limit_at_target(struct job *job, const char *what, struct str target, enum rate_use use,
                     int64_t *wait_ms)
{
    const struct shop_settings *settings = shop_settings(job);
    const struct client client = job_client(job);
    const struct str pair = client.known_by == CLIENT_UNKNOWN
                                ? target
                                : str_join(job_arena(job), target, '\n', client.name);
    return job_rate(job,
                    &(struct bucket){.key = key_of(job, what, pair),
                                     .burst = settings->login_burst,
                                     .period_ms = settings->login_period_ms},
                    use, wait_ms);
}

bool limit_of_account(struct job *job, const char *what, struct str account, enum rate_use use,
                      int64_t *wait_ms)
{
    const struct shop_settings *settings = shop_settings(job);
    *wait_ms = 0;
    if (job_client(job).known_by == CLIENT_UNKNOWN)
        return true;
    return job_rate(job,
                    &(struct bucket){.key = key_of(job, what, account),
                                     .burst = settings->account_burst,
                                     .period_ms = settings->account_period_ms},
                    use, wait_ms);
}

bool limit_of_client(struct job *job, const char *what, enum rate_use use, int64_t *wait_ms)
{
    const struct shop_settings *settings = shop_settings(job);
    const struct client client = job_client(job);
    const bool is_address = client.known_by == CLIENT_ADDRESS;
    *wait_ms = 0;
    if (client.known_by == CLIENT_UNKNOWN)
        return true;
    return job_rate(
        job,
        &(struct bucket){.key = key_of(job, what, client.name),
                         .burst = is_address ? settings->client_burst : settings->key_burst,
                         .period_ms =
                             is_address ? settings->client_period_ms : settings->key_period_ms},
        use, wait_ms);
}
