/* plan.c - what a seed has in store. */
#include "sim/plan.h"

#define FAULT_TEXT_(kind, text, odds) text,
const char *const fault_texts[FAULTS] = {FAULT_KINDS(FAULT_TEXT_)};

#define FAULT_ODDS_(kind, text, odds) odds,
static const int64_t usual_odds[FAULTS] = {FAULT_KINDS(FAULT_ODDS_)};

struct plan plan_of(uint64_t seed)
{
    static const int batches[] = {1, 2, 5, 32};
    static const int credits[] = {2, 5, 64};
    struct chance chance = chance_of(seed, 'p');
    struct plan plan = {0};
    const int64_t kinds = chance_between(&chance, 1, 4); /* one in so many kinds is left in */
    for (int i = 0; i < FAULTS; i++)
        if (chance_one_in(&chance, kinds))
            plan.odds[i] = usual_odds[i] * chance_between(&chance, 1, 3);
    plan.lanes = (int)chance_between(&chance, 1, LANES_MAX);
    plan.clients = (int)chance_between(&chance, 2, CLIENTS_MAX);
    plan.users = (int)chance_between(&chance, 1, USERS_MAX);
    plan.goods = (int)chance_between(&chance, 1, GOODS_MAX);
    plan.calls = (int)chance_between(&chance, 3, 9);
    plan.stock = (int)chance_between(&chance, 1, 12);
    plan.batch_max = batches[chance_between(&chance, 0, 3)];
    plan.prefetch = credits[chance_between(&chance, 0, 2)];
    plan.partitioned = chance_one_in(&chance, 2);
    if (plan.partitioned) {
        plan.users = 1;
        plan.clients = CLIENTS_MAX;
    }
    plan.tabs = chance_one_in(&chance, 2) ? (int)chance_between(&chance, 1, TABS_MAX) : 0;
    return plan;
}

void plan_heal(struct plan *plan)
{
    for (int i = 0; i < FAULTS; i++)
        plan->odds[i] = 0;
}
