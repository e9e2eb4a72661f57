/* invariants.c - what is stored fits together: what `cartwright check` verifies, over the fakes. */
#include "checker/check.h"
#include "sim/sim.h"

#define MEMORY_MAX ((size_t)1 << 20)

static void found(void *context, const struct finding *finding)
{
    sim_fail(context, "%s: %.*s: %.*s", finding->invariant, STR_FMT(finding->subject),
             STR_FMT(finding->text));
}

void check_documents(struct sim *sim)
{
    const struct check_options options = {
        .store = sim->store,
        .lock = sim->redis,
        .service = &sim->premises->service,
        .quiesced = true,
        .memory_max = MEMORY_MAX,
        .found = found,
        .context = sim,
    };
    struct check_totals totals;
    struct err err = {0};
    if (check_run(&options, &totals, &err) != OUTCOME_DONE)
        sim_fail(sim, "the documents cannot be checked: %s", err.text);
}
