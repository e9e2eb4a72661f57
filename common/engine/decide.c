/* decide.c - rounds of loading and deciding.
 *
 * Messages are decided in order of arrival on one working set. A run is final when every earlier
 * open message of the span is decided; until then it only tells what it needs. The first round
 * usually ends with NEED for every message, and the last one decides all of them in one sweep. */
#include "engine/batch.h"

/* An order needs three rounds (its cart; products and stock; now and then a product to
 * write). A handler that still needs something after so many rounds asks for different things
 * each time, which is a bug. */
#define ROUNDS_MAX 64

/* When the token is no good any more, nothing is executed; but where guests are welcome, the
 * caller goes on as a guest. */
static enum outcome authorize(struct job *job)
{
    const struct service *service = job->batch->lane->service;
    if (!job->authorize || !service->authorize)
        return OUTCOME_DONE;
    const enum outcome outcome = service->authorize(job, &job->err);
    job->authorized = outcome == OUTCOME_DONE;
    if (outcome != OUTCOME_REFUSED)
        return outcome;
    if (job->operation->who != GUEST)
        return OUTCOME_INVALID;
    err_clear(&job->err);
    job->caller = (struct caller){.role = GUEST};
    return OUTCOME_DONE;
}

/* All subscribers of an event in one domain are one job: all of them tell what they need, and none
 * has an effect when one of them fails. */
static enum outcome run_subscribers(struct job *job)
{
    const struct service *service = job->batch->lane->service;
    enum outcome outcome = OUTCOME_DONE;
    for (const struct operation *one = job->operation; one;
         one = service_next_subscriber(service, one)) {
        const enum outcome own = one->handle(job, job->request, &job->err);
        if (own != OUTCOME_DONE && own != OUTCOME_NEED)
            return own;
        if (own == OUTCOME_NEED)
            outcome = own;
    }
    return outcome;
}

static enum outcome handle(struct job *job)
{
    return job->operation->kind == SUBSCRIBER
               ? run_subscribers(job)
               : job->operation->handle(job, job->request, &job->err);
}

/* While it is not known whether the caller may ask, the handler only tells what it needs, so that
 * everything is loaded in one round. */
static enum outcome run_handler(struct job *job)
{
    job_begin_run(job);
    const enum outcome standing = authorize(job);
    const bool is_open = job->stamp_due || standing == OUTCOME_NEED;
    if (!is_open && standing != OUTCOME_DONE)
        return standing;
    const enum outcome outcome = handle(job);
    return is_open ? OUTCOME_NEED : outcome;
}

/* Another release may be able to read the document: so, like any fault of ours, the
 * message is tried again later. */
static enum outcome refuse_misfit(struct job *job)
{
    const struct cell *cell = job->misfit;
    return err_bug(&job->err, "%s %.*s: %.*s", cell->type->collection, STR_FMT(cell->id),
                   STR_FMT(cell->misfit));
}

static enum outcome run_blamed(struct job *job)
{
    struct lane_slot *slot = job->batch->lane->slot;
    slot_suspect(slot, job->digest);
    const enum outcome outcome = run_handler(job);
    slot_clear(slot);
    return outcome == OUTCOME_NEED && job->misfit ? refuse_misfit(job) : outcome;
}

static void finish(struct job *job, enum outcome outcome)
{
    job->outcome = outcome;
    switch (outcome) {
    case OUTCOME_DONE:
        job->state = JOB_DECIDED;
        job_merge(job);
        break;
    case OUTCOME_REFUSED:
    case OUTCOME_INVALID:
        job->state = JOB_DECIDED;
        if (job->keep)
            job_merge(job);
        break;
    case OUTCOME_RETRY:
    case OUTCOME_BUG:
        job->state = JOB_FAILED;
        break;
    default:
        job->state = JOB_FAILED;
        job->outcome = err_bug(&job->err, "%s returned the outcome '%s', which is the engine's own",
                               job->operation->name, outcome_name(outcome));
    }
}

/* Runs each open job once; false when one of them still needs something. */
static bool sweep(struct span span)
{
    bool final = true;
    for (size_t i = 0; i < span.count; i++) {
        struct job *job = &span.jobs[i];
        if (job->state != JOB_OPEN || job->leader || job_wait_its_turn(job))
            continue;
        const enum outcome outcome = run_blamed(job);
        if (job->blocked) {
            job_block(job);
        } else if (outcome == OUTCOME_NEED) {
            final = false;
        } else if (final) {
            finish(job, outcome);
        }
    }
    return final;
}

/* Blames the first job that still needs something; its neighbours go on without it. */
static void fail_first_undecided(struct span span)
{
    for (size_t i = 0; i < span.count; i++) {
        struct job *job = &span.jobs[i];
        if (job->state != JOB_OPEN || job->leader)
            continue;
        job->state = JOB_FAILED;
        job->outcome = err_bug(&job->err, "%s still needs something after %d rounds",
                               job->operation->name, ROUNDS_MAX);
        return;
    }
}

enum outcome batch_decide(struct batch *batch, struct span span, struct err *err)
{
    for (int round = 1;; round++) {
        const int64_t start = clock_monotonic_us();
        const bool decided = sweep(span);
        const int64_t swept = clock_monotonic_us();
        batch->times.decide_us += swept - start;
        if (decided)
            return OUTCOME_DONE;
        TRY(batch_load(batch, span, err));
        batch->times.load_us += clock_monotonic_us() - swept;
        batch->rounds++;
        if (round % ROUNDS_MAX == 0)
            fail_first_undecided(span);
    }
}
