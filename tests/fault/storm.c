/* storm.c - customers who shop, and an admin who ships, counts and takes stock.
 *
 * Each errand is a plan of a few steps; the next step follows the answer to the one before, so a
 * shopper never has two calls under way and knows what is in the cart. Of most goods there is enough:
 * a refusal is a fault. Bargain hunters want what is scarce, and may be refused. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "fault/fault.h"
#include "support/chance.h"
#include "wire/json.h"

#define SHOPPERS         160
#define HUNTERS          12  /* the first of them */
#define RATE             120 /* errands per second, once everybody has begun one */
#define GOODS            12  /* few, so that lanes meet at the stocks */
#define STOCK            1000000
#define SCARCE           3
#define SCARCE_STOCK     25
#define NEWCOMERS_ONE_IN 60 /* hashing passwords is slow by intent */
#define IMPATIENT_ONE_IN 25
#define LEFT_MAX         20 /* shoppers who gave up and do not come back */
#define AFTERWARDS       50 /* errands when the trouble is over */
#define STEPS_MAX        7
#define WAIT_MS          20

struct errand {
    const struct shopper *shopper;
    const char *const *plan;
    const struct good *good;
    size_t step;
    size_t number;
    bool impatient;
    int64_t quantity; /* that one step adds */
    int64_t in_cart;  /* as far as its shopper knows */
    struct str order;
};

struct state {
    struct fault *fault;
    struct chance chance;
    struct sender sender;
    struct shopper shoppers[SHOPPERS];
    struct shopper admin;
    struct good *goods[GOODS + SCARCE];
    const struct shopper *waiting[SHOPPERS]; /* for their next errand */
    size_t waiting_count;
    bool counting; /* an errand counts a good: nobody else may */
    int64_t began_us;
    size_t begun, running, left;
};

static const char *const plans[][STEPS_MAX] = {
    {"add", "place", NULL},
    {"add", "place", "cancel", NULL},
    {"add", "place", "paid", "processing", "shipped", NULL},
    {"add", "adjust", "place", "paid", NULL},
    {"look", "add", "view", "update", "view", "place", NULL},
    {"add", "remove", "view", NULL},
    {"add", "too many", "view", "clear", "view", NULL},
};
static const char *const hunt[STEPS_MAX] = {"grab", "try to place", "clear", NULL};
static const char *const count[STEPS_MAX] = {"look", "count", NULL};
static const char *const newcomer[STEPS_MAX] = {"register", "login", NULL};

/* --- steps -------------------------------------------------------------------------------------- */

static struct call *ask(struct state *state, const struct errand *errand, const char *operation,
                        struct str body)
{
    return history_add(state->fault, operation, body, errand->shopper);
}

static struct str quantity_body(struct state *state, const struct errand *errand, int64_t quantity)
{
    return str_printf(&state->fault->arena, "{\"productId\":\"%.*s\",\"quantity\":%" PRId64 "}",
                      STR_FMT(errand->good->id), quantity);
}

static struct str product_body(struct state *state, const struct errand *errand)
{
    return str_printf(&state->fault->arena, "{\"productId\":\"%.*s\"}", STR_FMT(errand->good->id));
}

static struct call *step_add(struct state *state, struct errand *errand)
{
    errand->in_cart += errand->quantity;
    return ask(state, errand, "cart.item.add", quantity_body(state, errand, errand->quantity));
}

static struct call *step_too_many(struct state *state, struct errand *errand)
{
    return ask(state, errand, "cart.item.add",
               str_printf(&state->fault->arena, "{\"productId\":\"%.*s\",\"quantity\":%d}",
                          STR_FMT(state->goods[GOODS]->id), CART_QUANTITY_MAX));
}

static struct call *step_update(struct state *state, struct errand *errand)
{
    errand->in_cart = errand->quantity + 1;
    return ask(state, errand, "cart.item.update", quantity_body(state, errand, errand->in_cart));
}

static struct call *step_remove(struct state *state, struct errand *errand)
{
    errand->in_cart = 0;
    return ask(state, errand, "cart.item.remove", product_body(state, errand));
}

static struct call *step_clear(struct state *state, struct errand *errand)
{
    errand->in_cart = 0;
    return ask(state, errand, "cart.clear", STR("{}"));
}

static struct call *step_view(struct state *state, struct errand *errand)
{
    return ask(state, errand, "cart.get", STR("{}"));
}

static struct call *step_look(struct state *state, struct errand *errand)
{
    return ask(state, errand, "product.get", product_body(state, errand));
}

static struct call *step_place(struct state *state, struct errand *errand)
{
    errand->in_cart = 0;
    return ask(state, errand, "order.place", STR("{}"));
}

static struct call *step_cancel(struct state *state, struct errand *errand)
{
    return ask(state, errand, "order.cancel",
               str_printf(&state->fault->arena, "{\"orderId\":\"%.*s\"}", STR_FMT(errand->order)));
}

static struct call *step_adjust(struct state *state, struct errand *errand)
{
    return history_add(state->fault, "inventory.adjust",
                       str_printf(&state->fault->arena, "{\"productId\":\"%.*s\",\"delta\":%zu}",
                                  STR_FMT(errand->good->id), 1 + errand->number % 5),
                       &state->admin);
}

static struct call *step_count(struct state *state, struct errand *errand)
{
    return history_add(state->fault, "inventory.set",
                       str_printf(&state->fault->arena,
                                  "{\"productId\":\"%.*s\",\"onHand\":%" PRId64 "}",
                                  STR_FMT(errand->good->id), STOCK + (int64_t)errand->number),
                       &state->admin);
}

static struct call *step_status(struct state *state, struct errand *errand)
{
    return history_add(state->fault, "order.status.set",
                       str_printf(&state->fault->arena, "{\"orderId\":\"%.*s\",\"status\":\"%s\"}",
                                  STR_FMT(errand->order), errand->plan[errand->step]),
                       &state->admin);
}

static struct str account_body(struct state *state, const struct errand *errand, const char *more)
{
    return str_printf(&state->fault->arena,
                      "{%s\"email\":\"n%zu-%.*s@example.com\",\"password\":\"correct horse %zu\"}",
                      more, errand->number, STR_FMT(state->admin.id), errand->number);
}

static struct call *step_register(struct state *state, struct errand *errand)
{
    return history_add(state->fault, "auth.register",
                       account_body(state, errand, "\"name\":\"New\","), NULL);
}

static struct call *step_login(struct state *state, struct errand *errand)
{
    return history_add(state->fault, "auth.login", account_body(state, errand, ""), NULL);
}

static const struct step {
    const char *name;
    struct call *(*call)(struct state *state, struct errand *errand);
    const char *answers[3]; /* that are no fault; "ok" when there are none */
} steps[] = {
    {"add", step_add, {0}},
    {"place", step_place, {0}},
    {"cancel", step_cancel, {0}},
    {"adjust", step_adjust, {0}},
    {"count", step_count, {0}},
    {"paid", step_status, {0}},
    {"processing", step_status, {0}},
    {"shipped", step_status, {0}},
    {"look", step_look, {0}},
    {"view", step_view, {0}},
    {"update", step_update, {0}},
    {"remove", step_remove, {0}},
    {"clear", step_clear, {0}},
    {"too many", step_too_many, {"INSUFFICIENT_STOCK"}},
    {"grab", step_add, {"ok", "INSUFFICIENT_STOCK"}},
    {"try to place", step_place, {"ok", "INSUFFICIENT_STOCK", "CART_EMPTY"}},
    {"register", step_register, {0}},
    {"login", step_login, {0}},
};

static const struct step *step_of(const struct errand *errand)
{
    size_t i = 0;
    while (strcmp(steps[i].name, errand->plan[errand->step]) != 0)
        i++; /* the plans are ours: it is there */
    return &steps[i];
}

static void take_step(struct state *state, struct errand *errand)
{
    struct call *call = step_of(errand)->call(state, errand);
    call->owner = errand;
    call->impatient = errand->impatient;
    sender_send(&state->sender, call);
}

/* --- errands ------------------------------------------------------------------------------------ */

/* The last of the goods that there is enough of is only ever counted: what is on hand must be what
 * was counted last. */
static const struct good *any_good(struct state *state)
{
    return state->goods[chance_between(&state->chance, 0, GOODS - 2)];
}

static void choose_plan(struct state *state, struct errand *errand)
{
    const bool hunts = errand->shopper < state->shoppers + HUNTERS;
    errand->good = any_good(state);
    if (hunts) {
        errand->plan = hunt;
        errand->good = state->goods[GOODS + errand->number % SCARCE];
    } else if (chance_one_in(&state->chance, NEWCOMERS_ONE_IN)) {
        errand->plan = newcomer;
    } else if (!state->counting && chance_one_in(&state->chance, 10)) {
        errand->plan = count;
        errand->good = state->goods[GOODS - 1];
        state->counting = true;
    } else {
        errand->plan =
            plans[chance_between(&state->chance, 0, sizeof(plans) / sizeof(plans[0]) - 1)];
        errand->impatient =
            state->left < LEFT_MAX && chance_one_in(&state->chance, IMPATIENT_ONE_IN);
    }
}

static void begin_errand(struct state *state)
{
    struct errand *errand = ARENA_NEW(&state->fault->arena, struct errand);
    *errand = (struct errand){.shopper = state->waiting[0],
                              .number = state->begun++,
                              .quantity = chance_between(&state->chance, 1, 3)};
    state->waiting_count--;
    memmove(state->waiting, state->waiting + 1, state->waiting_count * sizeof(state->waiting[0]));
    choose_plan(state, errand);
    state->running++;
    take_step(state, errand);
}

/* What a customer reads is what this customer wrote. */
static void check_view(struct state *state, const struct errand *errand, const struct json *json)
{
    const int64_t quantity = json_int(json_at(json, "/data/items/0/quantity"), 0);
    if (quantity != errand->in_cart)
        fault_fail(state->fault, "the cart of %.*s has %" PRId64 " instead of %" PRId64,
                   STR_FMT(errand->shopper->id), quantity, errand->in_cart);
}

static bool is_expected(const struct step *step, const struct call *call)
{
    if (!step->answers[0])
        return call_has(call, "ok");
    for (size_t i = 0; i < 3 && step->answers[i]; i++)
        if (call_has(call, step->answers[i]))
            return true;
    return false;
}

/* True when the errand goes on. */
static bool next_step(struct state *state, struct errand *errand, const struct call *call)
{
    const struct json *json;
    struct err err = {0};
    if (!is_expected(step_of(errand), call) ||
        json_parse(&state->fault->arena, call->reply, &json, &err) != OUTCOME_DONE) {
        fault_fail(state->fault, "%.*s %.*s in the storm: %.*s", STR_FMT(call->operation),
                   STR_FMT(call->message_id), STR_FMT(call->reply));
        return false;
    }
    if (call_is(call, "order.place"))
        errand->order = json_str(json_at(json, "/data/id"));
    if (call_is(call, "cart.get"))
        check_view(state, errand, json);
    errand->step++;
    return errand->plan[errand->step] != NULL;
}

static void end_errand(struct state *state, const struct errand *errand, bool comes_back)
{
    state->running--;
    if (errand->plan == count)
        state->counting = false;
    if (comes_back)
        state->waiting[state->waiting_count++] = errand->shopper;
    else
        state->left++;
}

/* One answer at most. */
static void serve(struct state *state)
{
    const struct call *call = sender_next(&state->sender, WAIT_MS);
    if (!call)
        return;
    struct errand *errand = call->owner;
    if (!call->unknown && next_step(state, errand, call))
        take_step(state, errand);
    else
        end_errand(state, errand, !call->unknown);
}

/* --- the storm ------------------------------------------------------------------------------------ */

static void set_up(struct state *state, struct fault *fault, uint64_t seed)
{
    state->fault = fault;
    state->chance = chance_of(seed, 'S');
    sender_init(&state->sender, fault);
    for (size_t i = 0; i < SHOPPERS; i++) {
        state->shoppers[i] = fixtures_shopper(&fault->fixtures, CUSTOMER);
        state->waiting[state->waiting_count++] = &state->shoppers[i];
    }
    state->admin = fixtures_shopper(&fault->fixtures, ADMIN);
    for (size_t i = 0; i < GOODS + SCARCE; i++)
        state->goods[i] = world_good(fault, i < GOODS ? STOCK : SCARCE_STOCK);
    fixtures_write(&fault->fixtures);
    state->began_us = clock_monotonic_us();
}

/* Everybody begins at once; then there are as many as the shop can serve after the trouble, too. */
static bool is_due(const struct state *state)
{
    const int64_t us = clock_monotonic_us() - state->began_us;
    return state->waiting_count && state->begun < SHOPPERS + (size_t)(us * RATE / 1000000);
}

static void shop(struct state *state, const struct storm *storm)
{
    const int64_t end_us = clock_monotonic_us() + COMES_BACK_S * 2000000LL;
    while (clock_monotonic_us() < end_us) {
        const bool goes_on =
            storm->trouble ? storm->trouble(state->fault) : state->begun < SHOPPERS;
        if (!goes_on)
            return;
        while (is_due(state))
            begin_errand(state);
        serve(state);
    }
    fault_fail(state->fault, "the trouble goes on for ever");
}

/* Whatever happened: the shop is open again, and those who shop now are served in time. */
static void shop_afterwards(struct state *state)
{
    const int64_t end_us = clock_monotonic_us() + COMES_BACK_S * 1000000LL;
    const size_t last = state->begun + AFTERWARDS;
    while ((state->running || state->begun < last) && clock_monotonic_us() < end_us) {
        if (state->begun < last && state->waiting_count)
            begin_errand(state);
        serve(state);
    }
    if (state->running)
        fault_fail(state->fault, "%zu shoppers are not done after %d s", state->running,
                   COMES_BACK_S);
}

/* A client that gave up comes back and asks. Nothing of it is under way any more: it happened or it
 * did not, and what is answered now says which. */
static void ask_again(struct state *state)
{
    struct fault *fault = state->fault;
    for (size_t i = 0; i < fault->history.count; i++) {
        struct call *call = fault->history.items[i];
        if (!call->unknown)
            continue;
        if (check_unknown(fault, call) > 1)
            fault_fail(fault, "%.*s %.*s happened more than once", STR_FMT(call->operation),
                       STR_FMT(call->message_id));
        call->unknown = call->impatient = false;
        sender_send(&state->sender, call);
        sender_finish(&state->sender);
    }
}

void storm_run(struct fault *fault, const struct storm *storm)
{
    struct state *state = ARENA_NEW(&fault->arena, struct state);
    set_up(state, fault, storm->seed);
    shop(state, storm);
    if (storm->heal)
        storm->heal(fault);
    shop_afterwards(state);
    sender_finish(&state->sender);
    world_await_quiet(fault);
    ask_again(state);
    sender_release(&state->sender);
}
