/* died.c - messages that the broker put aside because they expired in a queue of ours, or were
 * delivered too often.
 *
 * Such a message comes with its own routing key and with what the broker says about its death
 * (delivery.h). A publisher who makes that up gains nothing: nothing is carried out from here, the
 * caller is known by a token as everywhere, and an event counts only with its signature.
 *
 * - A message that expired is answered, not carried out. A command whose deadline has passed and
 *   which the journal does not know is told "too late", and that answer is committed (recall.c).
 *   Without a deadline there is no key for this try, and a lane that was cut off may have a copy in
 *   hand: such a command is told to come again with the same id, and then learns what happened.
 * - When nobody waits to be told, a message that its publisher wanted to expire is dropped. A
 *   message that expired by a policy of the shop becomes a dead letter, if we know who sent it.
 * - Every other message, and every event, becomes a dead letter. */
#include "engine/batch.h"
#include "service/names.h"

/* A message that came through the exchange <p>.died came from the broker, because
 * nobody else may publish there. */
static bool is_from_broker(const struct job *job)
{
    const struct delivery *delivery = job->delivery;
    const struct lane *lane = job->batch->lane;
    return name_is_died(delivery->exchange, lane->settings->prefix) &&
           service_takes_from(lane->service, lane->settings->prefix, delivery->death_queue);
}

static void take_up(struct delivery *delivery)
{
    int64_t expiration;
    delivery->died = true;
    delivery->queue = delivery->death_queue;
    delivery->exchange = delivery->death_exchange;
    if (str_to_int64(delivery->death_expiration, &expiration) && expiration >= 0)
        delivery->expiration = expiration;
}

void job_take_up_dead(struct job *job)
{
    struct delivery *delivery = job->delivery;
    if (name_is_died(delivery->queue, job->batch->lane->settings->prefix) && is_from_broker(job))
        take_up(delivery);
    job->expired = delivery->died && str_eq(delivery->death_reason, STR("expired")) &&
                   !name_is_event_queue(delivery->queue);
}

bool job_was_to_expire(const struct job *job)
{
    return job->expired && job->delivery->death_expiration.len > 0;
}

enum outcome job_refuse_expired(struct job *job)
{
    if (job->operation->kind == QUERY)
        return err_invalid(&job->err, E_DEADLINE_EXCEEDED, "it expired in its queue");
    return err_invalid(&job->err, E_BUSY,
                       "it expired in its queue; the same message, sent again, is answered");
}

void job_answer_expired(struct job *job)
{
    job->outcome = job_refuse_expired(job);
    job->state = JOB_ANSWERED;
    job->body = job_reply_body(job, job->batch->arena);
}

/* An event without our signature was refused at the door, and that is all: we
 * do not know who sent it. */
bool job_is_put_aside(struct job *job)
{
    const struct str reason = job->delivery->death_reason;
    if (!job->delivery->died || job->expired)
        return false;
    job_note_caller(job);
    if (name_is_event_queue(job->delivery->queue) && !job->vouched && job->outcome != OUTCOME_DONE)
        return false;
    job->outcome =
        str_eq(reason, STR("delivery_limit"))
            ? err_bug(&job->err,
                      "the broker put it aside (delivery_limit): its lanes died, or lost "
                      "their connection, with it in hand")
            : err_bug(&job->err, "the broker put it aside: %.*s", STR_FMT(reason));
    job->state = JOB_FAILED;
    job->hopeless = true;
    return true;
}
