/* storm.c - customers who shop, and an admin who ships and takes stock.
 *
 * Each errand is a plan of a few steps; the next step follows the answer to the one before, so a
 * shopper never has two calls under way. There is enough of everything: a refusal is a fault. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "fault/fault.h"
#include "wire/json.h"

#define SHOPPERS   300
#define GOODS      12 /* few, so that lanes meet at the stocks */
#define STOCK      1000000
#define ERRANDS    1200 /* of one storm at most */
#define MEANWHILE  400  /* errands begun when it is called */
#define AT_LEAST   700  /* errands when it is called at all */
#define AFTERWARDS 50   /* who shop once more when the trouble is over */
#define STEPS_MAX  6
#define WAIT_MS    50

struct errand {
    const struct shopper *shopper;
    const char *const *plan;
    size_t step;
    size_t number;
    struct str order;
};

struct state {
    struct fault *fault;
    struct sender sender;
    struct shopper shoppers[SHOPPERS];
    struct shopper admin;
    struct good *goods[GOODS];
    size_t begun;
    size_t running;
};

static const char *const plans[][STEPS_MAX] = {
    {"add", "place", NULL},
    {"add", "place", "cancel", NULL},
    {"add", "place", "paid", "processing", "shipped", NULL},
    {"add", "adjust", "place", "paid", NULL},
};

/* --- steps -------------------------------------------------------------------------------------- */

static const struct good *good_of(const struct state *state, const struct errand *errand)
{
    return state->goods[errand->number % GOODS];
}

static struct call *step_add(struct state *state, const struct errand *errand)
{
    return history_add(state->fault, "cart.item.add",
                       str_printf(&state->fault->arena, "{\"productId\":\"%.*s\",\"quantity\":%zu}",
                                  STR_FMT(good_of(state, errand)->id), 1 + errand->number % 3),
                       errand->shopper);
}

static struct call *step_place(struct state *state, const struct errand *errand)
{
    return history_add(state->fault, "order.place", STR("{}"), errand->shopper);
}

static struct call *step_cancel(struct state *state, const struct errand *errand)
{
    return history_add(
        state->fault, "order.cancel",
        str_printf(&state->fault->arena, "{\"orderId\":\"%.*s\"}", STR_FMT(errand->order)),
        errand->shopper);
}

static struct call *step_adjust(struct state *state, const struct errand *errand)
{
    return history_add(state->fault, "inventory.adjust",
                       str_printf(&state->fault->arena, "{\"productId\":\"%.*s\",\"delta\":%zu}",
                                  STR_FMT(good_of(state, errand)->id), 1 + errand->number % 5),
                       &state->admin);
}

static struct call *step_status(struct state *state, const struct errand *errand)
{
    return history_add(state->fault, "order.status.set",
                       str_printf(&state->fault->arena, "{\"orderId\":\"%.*s\",\"status\":\"%s\"}",
                                  STR_FMT(errand->order), errand->plan[errand->step]),
                       &state->admin);
}

static const struct {
    const char *name;
    struct call *(*call)(struct state *state, const struct errand *errand);
} steps[] = {
    {"add", step_add},        {"place", step_place}, {"cancel", step_cancel},
    {"adjust", step_adjust},  {"paid", step_status}, {"processing", step_status},
    {"shipped", step_status},
};

static void take_step(struct state *state, struct errand *errand)
{
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (strcmp(steps[i].name, errand->plan[errand->step]) != 0)
            continue;
        struct call *call = steps[i].call(state, errand);
        call->owner = errand;
        sender_send(&state->sender, call);
        return;
    }
}

static void begin_errand(struct state *state, const struct shopper *shopper)
{
    struct errand *errand = ARENA_NEW(&state->fault->arena, struct errand);
    *errand = (struct errand){.shopper = shopper, .number = state->begun};
    errand->plan = plans[state->begun % (sizeof(plans) / sizeof(plans[0]))];
    state->begun++;
    state->running++;
    take_step(state, errand);
}

static struct str order_of(struct state *state, const struct call *call)
{
    const struct json *json;
    struct err err = {0};
    if (json_parse(&state->fault->arena, call->reply, &json, &err) != OUTCOME_DONE)
        return STR_ABSENT;
    return json_str(json_at(json, "/data/id"));
}

/* True when the errand goes on. */
static bool next_step(struct state *state, const struct call *call)
{
    struct errand *errand = call->owner;
    if (!call_has(call, "ok")) {
        fault_fail(state->fault, "%.*s %.*s in the storm: %.*s", STR_FMT(call->operation),
                   STR_FMT(call->message_id), STR_FMT(call->reply));
        return false;
    }
    if (call_is(call, "order.place"))
        errand->order = order_of(state, call);
    errand->step++;
    if (!errand->plan[errand->step])
        return false;
    take_step(state, errand);
    return true;
}

/* --- the storm ------------------------------------------------------------------------------------ */

static void set_up(struct state *state, struct fault *fault)
{
    state->fault = fault;
    sender_init(&state->sender, fault);
    for (size_t i = 0; i < SHOPPERS; i++)
        state->shoppers[i] = fixtures_shopper(&fault->fixtures, CUSTOMER);
    state->admin = fixtures_shopper(&fault->fixtures, ADMIN);
    for (size_t i = 0; i < GOODS; i++)
        state->goods[i] = world_good(fault, STOCK);
    fixtures_write(&fault->fixtures);
}

static pid_t begin_trouble(struct fault *fault, bool (*trouble)(struct fault *fault))
{
    if (!trouble)
        return 0;
    const pid_t pid = fork();
    if (pid == 0) {
        fault_sleep_ms(200); /* until the load is under way */
        _exit(trouble(fault) ? 0 : 1);
    }
    return pid;
}

/* True as long as it goes on. */
static bool trouble_goes_on(struct fault *fault, pid_t *trouble)
{
    int status = 0;
    if (*trouble == 0 || waitpid(*trouble, &status, WNOHANG) == 0)
        return *trouble != 0;
    if (status != 0)
        fault_fail(fault, "the trouble itself failed");
    *trouble = 0;
    return false;
}

/* Whether shoppers who are done begin anew. */
static bool goes_on(struct state *state, const struct storm *storm, bool *called, pid_t *trouble)
{
    if (storm->meanwhile && !*called && state->begun >= MEANWHILE) {
        storm->meanwhile(state->fault);
        *called = true;
    }
    const bool troubled = trouble_goes_on(state->fault, trouble);
    return troubled ? state->begun < ERRANDS : storm->meanwhile && state->begun < AT_LEAST;
}

static void shop(struct state *state, const struct storm *storm)
{
    struct fault *fault = state->fault;
    const int64_t end_us = clock_monotonic_us() + COMES_BACK_S * 1000000LL;
    pid_t trouble = begin_trouble(fault, storm->trouble);
    bool called = false;
    for (size_t i = 0; i < SHOPPERS; i++)
        begin_errand(state, &state->shoppers[i]);
    while ((state->running || trouble) && clock_monotonic_us() < end_us) {
        const struct call *call = sender_next(&state->sender, WAIT_MS);
        const bool more = goes_on(state, storm, &called, &trouble);
        if (!call || next_step(state, call))
            continue;
        state->running--;
        if (more)
            begin_errand(state, ((const struct errand *)call->owner)->shopper);
    }
    if (trouble)
        fault_fail(fault, "the trouble goes on for ever");
    if (state->running)
        fault_fail(fault, "%zu shoppers are not done after %d s", state->running, COMES_BACK_S);
}

/* Whatever happened: the shop is open again. */
static void shop_afterwards(struct state *state)
{
    const int64_t end_us = clock_monotonic_us() + COMES_BACK_S * 1000000LL;
    for (size_t i = 0; i < AFTERWARDS; i++)
        begin_errand(state, &state->shoppers[i]);
    while (state->running && clock_monotonic_us() < end_us) {
        const struct call *call = sender_next(&state->sender, WAIT_MS);
        if (call && !next_step(state, call))
            state->running--;
    }
}

void storm_run(struct fault *fault, const struct storm *storm)
{
    struct state *state = ARENA_NEW(&fault->arena, struct state);
    set_up(state, fault);
    shop(state, storm);
    if (state->running == 0)
        shop_afterwards(state);
    sender_finish(&state->sender);
    sender_release(&state->sender);
}
