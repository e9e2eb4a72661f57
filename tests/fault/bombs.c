/* bombs.c - messages whose headers are made to hurt, in the middle of everybody's shopping. Each is
 * answered as what it is; nobody else notices: no lane loses its connection, nothing is put aside. */
#include <inttypes.h>

#include "fault/fault.h"
#include "wire/json.h"

#define BOMBS 4

struct thrown {
    size_t count;
    struct raw_message message;
};

static struct thrown thrown; /* of this test */

static void throw_one(struct fault *fault)
{
    thrown.message.message_id =
        str_printf(&fault->arena, "bomb-%zu-%" PRId64, thrown.count, fault->began_ms).ptr;
    thrown.message.reply_to = spy_replies().ptr;
    if (!raw_publish(fault, &thrown.message))
        fault_fail(fault, "the broker refuses a bomb that fits in its frames");
    thrown.count++;
}

static bool throw_again(struct fault *fault)
{
    throw_one(fault);
    return thrown.count < BOMBS;
}

struct verdicts {
    struct fault *fault;
    size_t refused;
};

static void note_verdict(void *context, const struct delivery *delivery)
{
    struct verdicts *verdicts = context;
    struct fault *fault = verdicts->fault;
    const struct json *json;
    struct err err = {0};
    if (json_parse(&fault->arena, delivery->body, &json, &err) != OUTCOME_DONE) {
        fault_fail(fault, "an answer that is not JSON");
        return;
    }
    const struct str code = json_str(json_at(json, "/error/code"));
    if (str_eq(code, STR("MALFORMED")) || str_eq(code, STR("TOO_LARGE")))
        verdicts->refused++;
    else
        fault_fail(fault, "a bomb was answered '%.*s'", STR_FMT(delivery->body));
}

static void expect_verdicts(struct fault *fault)
{
    struct verdicts verdicts = {.fault = fault};
    for (int i = 0; i < 10 * COMES_BACK_S && verdicts.refused < thrown.count; i++)
        spy_take_all(fault, spy_replies(), note_verdict, &verdicts);
    if (verdicts.refused != thrown.count)
        fault_fail(fault, "%zu of %zu bombs were answered", verdicts.refused, thrown.count);
}

static void among_shoppers(struct fault *fault, struct raw_message bomb)
{
    thrown = (struct thrown){.message = bomb};
    const struct lanes before = workers_lanes(fault);
    storm_run(fault, &(struct storm){.trouble = throw_again, .seed = 1});
    expect_verdicts(fault);
    const struct lanes after = workers_lanes(fault);
    if (after.count != before.count ||
        memcmp(after.pids, before.pids, before.count * sizeof(*before.pids)) != 0)
        fault_fail(fault, "a lane died of it");
    if (workers_logged(fault, "stopped taking messages"))
        fault_fail(fault, "a lane lost its connection");
}

/* All at once, when nobody else is there: lanes that have nothing to do subscribe anew now and then, and
 * must not do that while the broker prepares something for them. */
static void at_rest(struct fault *fault)
{
    const struct shopper shopper = fixtures_shopper(&fault->fixtures, CUSTOMER);
    fixtures_write(&fault->fixtures);
    thrown = (struct thrown){
        .message = {.operation = "cart.get", .body = STR("{}"), .nested_headers = RAW_DEEPEST}};
    for (int i = 0; i < BOMBS; i++)
        throw_one(fault);
    struct call *call = history_add(fault, "cart.get", STR("{}"), &shopper);
    sender_call(fault, call);
    if (!call_has(call, "ok"))
        fault_fail(fault, "a good request was answered '%.*s'", STR_FMT(call->reply));
    expect_verdicts(fault);
    if (workers_logged(fault, "stopped taking messages"))
        fault_fail(fault, "a lane lost its connection");
}

/* As deep as the broker's frames allow; a row each for what the broker and we look at differently. */
static void deepest(struct fault *fault)
{
    among_shoppers(fault, (struct raw_message){.operation = "cart.get",
                                               .body = STR("{}"),
                                               .nested_headers = RAW_DEEPEST});
}

/* One level more than librabbitmq takes from 0.14 on. */
static void a_hundred_and_one(struct fault *fault)
{
    among_shoppers(
        fault,
        (struct raw_message){.operation = "order.place", .body = STR("{}"), .nested_headers = 101});
}

const struct fault_test bomb_tests[] = {
    {.name = "bombs_at_rest", .run = at_rest},
    {.name = "bombs_deepest", .run = deepest},
    {.name = "bombs_of_101_levels", .run = a_hundred_and_one},
    {0},
};
