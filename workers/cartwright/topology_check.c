/* topology_check.c - `cartwright topology --check`: checks a broker over AMQP. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bus/bus_inspect.h"
#include "cartwright/topology.h"
#include "service/connections.h"
#include "service/names.h"

#define CHECK_NAME "cartwright topology --check"

struct check {
    const struct app *app;
    struct findings *findings;
    int timeout_ms;
    bool hidden; /* it was already reported that settings cannot be compared */
};

/* --- exchanges and queues -------------------------------------------------------------------------- */

static void tell_hidden(struct check *check, const char *user)
{
    if (!check->hidden)
        finding(check->findings, "set amqp.operatorUri to the address of who declares",
                "user %s may not declare, so settings cannot be compared", user);
    check->hidden = true;
}

static void tell_exchange(struct check *check, const struct bus_exchange *exchange,
                          const struct bus_sight *sight)
{
    if (sight->state == BUS_MISSING)
        finding(check->findings, CURE_DECLARE, "exchange %.*s is missing", STR_FMT(exchange->name));
    if (sight->state == BUS_OTHER)
        finding(check->findings, exchange_cure(check->findings, exchange->name),
                "exchange %.*s has other settings (%s)", STR_FMT(exchange->name), sight->words);
}

static bool is_dead_queue(const struct check *check, struct str queue)
{
    const struct str before = name_dead(check->findings->arena, check->findings->prefix, STR(""));
    return str_starts_with(queue, before);
}

static void tell_other_queue(struct findings *findings, struct str queue, const char *words)
{
    if (policy_may_cure(findings, queue, words))
        fprintf(stderr, "queue %.*s has no delivery limit of its own; good, if this was done: %s\n",
                STR_FMT(queue), queue_cure(findings, queue, true));
    else
        finding(findings, queue_cure(findings, queue, false), "queue %.*s has other settings (%s)",
                STR_FMT(queue), words);
}

static void tell_queue(struct check *check, const struct bus_queue *queue,
                       const struct bus_sight *sight)
{
    struct findings *findings = check->findings;
    if (sight->state == BUS_MISSING)
        finding(findings, CURE_DECLARE, "queue %.*s is missing", STR_FMT(queue->name));
    if (sight->state == BUS_OTHER)
        tell_other_queue(findings, queue->name, sight->words);
    if (is_dead_queue(check, queue->name) && sight->depth >= DEAD_LETTERS_MAX / 2)
        finding(findings, "cartwright dead-letter list, then replay, edit or discard",
                "queue %.*s holds %" PRId64 " of the %d letters that it takes",
                STR_FMT(queue->name), sight->depth, DEAD_LETTERS_MAX);
}

static enum outcome look_at_topology(struct check *check, struct bus_inspector *inspector,
                                     const struct bus_topology *topology, struct err *err)
{
    struct bus_sight sight;
    for (size_t i = 0; i < topology->exchange_count; i++) {
        TRY(bus_inspect_exchange(inspector, &topology->exchanges[i], &sight, err));
        tell_exchange(check, &topology->exchanges[i], &sight);
        if (sight.state == BUS_HIDDEN)
            tell_hidden(check, bus_inspector_user(inspector));
    }
    for (size_t i = 0; i < topology->queue_count; i++) {
        TRY(bus_inspect_queue(inspector, &topology->queues[i], &sight, err));
        tell_queue(check, &topology->queues[i], &sight);
    }
    return OUTCOME_DONE;
}

/* --- users ----------------------------------------------------------------------------------------- */

enum { WEB, WORKER, OPERATOR, READER }; /* indexes into broker_users */

/* The command that gives our permissions to this kind of user, whatever name the user has. */
static const char *permission_cure(const struct check *check, int user, const char *name)
{
    struct broker_user wanted = broker_users[user];
    wanted.name = name;
    return broker_permission_command(check->findings->arena, &wanted, check->findings->prefix,
                                     check->findings->vhost)
        .ptr;
}

/* --- the broker ------------------------------------------------------------------------------------- */

static void look_at_frames(struct check *check, const struct bus_inspector *inspector)
{
    const int64_t offered = bus_inspector_frame_max(inspector);
    if (offered == 0 || offered > BUS_FRAME_MAX)
        finding(check->findings,
                "'frame_max = 16384' in rabbitmq.conf and a restart (docker/rabbitmq.conf)",
                "the broker takes frames of %" PRId64 " bytes: a message with lists in lists in a "
                "header of that length holds it, and its lanes, for minutes",
                offered);
}

static enum outcome look_at_length(struct check *check, struct bus_inspector *inspector,
                                   struct err *err)
{
    const int64_t longest = check->app->settings->engine.reply_max;
    bool taken = false;
    const enum outcome outcome = bus_inspect_length(inspector, (size_t)longest, &taken, err);
    if (outcome == OUTCOME_REFUSED)
        finding(check->findings, permission_cure(check, OPERATOR, bus_inspector_user(inspector)),
                "user %s may not publish to queues, so no long message can be tried",
                bus_inspector_user(inspector));
    else if (outcome == OUTCOME_DONE && !taken)
        finding(check->findings,
                "a larger max_message_size in rabbitmq.conf and a restart, or a smaller "
                "message.replyMax",
                "the broker takes no message of %" PRId64 " bytes (message.replyMax): a reply of "
                "that length costs a lane its channel",
                longest);
    return outcome == OUTCOME_REFUSED ? OUTCOME_DONE : outcome;
}

static enum outcome look_for_guest(struct check *check, struct str uri, struct err *err)
{
    struct bus_inspector *inspector;
    const enum outcome outcome =
        bus_inspector_open(bus_uri_for(check->findings->arena, uri, "guest", "guest"), CHECK_NAME,
                           check->timeout_ms, &inspector, err);
    if (outcome == OUTCOME_BUG)
        return OUTCOME_DONE; /* the login was refused, as it should be */
    TRY(outcome);
    bus_inspector_close(inspector);
    finding(check->findings, CURE_GUEST,
            "user guest exists, with the password that everybody knows");
    return OUTCOME_DONE;
}

/* --- what users may do ----------------------------------------------------------------------------- */

struct right {
    int user; /* index into broker_users */
    enum bus_right right;
    const char *name; /* behind the prefix; with NOBODY where it must not exist (enum bus_right) */
    bool needed;      /* false: the user must not have the right */
    const char *what;
};

#define NOBODY ".no-such-thing"

/* clang-format off */
static const struct right rights[] = {
    {WEB, BUS_WRITE, ".requests", true, "send requests"},
    {WEB, BUS_READ, ".reply" NOBODY, true, "take replies from <prefix>.reply.* queues"},
    {WEB, BUS_WRITE, ".events", false, "forge events"},
    {WEB, BUS_WRITE, ".notifications", false, "forge notifications"},
    {WEB, BUS_WRITE, ".delay.end", false, "send into the delays"},
    {WEB, BUS_CONFIGURE, NOBODY, false, "make and delete queues and exchanges of the shop"},
    {WEB, BUS_CONFIGURE, ".reply" NOBODY, false, "make exchanges with names of its own"},
    {WEB, BUS_READ, NOBODY, false, "take requests away"},
    {WEB, BUS_READ, ".dead" NOBODY, false, "read dead letters"},
    {WORKER, BUS_READ, NOBODY, true, "take requests"},
    {WORKER, BUS_WRITE, ".events", true, "publish events"},
    {WORKER, BUS_WRITE, ".notifications", true, "publish notifications"},
    {WORKER, BUS_WRITE, ".delay.end", true, "send into the delays"},
    {WORKER, BUS_WRITE, ".requests", false, "send requests"},
    {WORKER, BUS_CONFIGURE, NOBODY, false, "make and delete queues and exchanges of the shop"},
    {WORKER, BUS_READ, ".dead" NOBODY, false, "read dead letters"},
    {WORKER, BUS_READ, ".reply" NOBODY, false, "take others' replies"},
    {OPERATOR, BUS_CONFIGURE, NOBODY, true, "declare"},
    {OPERATOR, BUS_READ, ".dead" NOBODY, true, "read dead letters"},
    {READER, BUS_READ, ".subscriber" NOBODY, true, "take events from <prefix>.subscriber.* queues"},
    {READER, BUS_WRITE, ".requests", false, "send requests"},
    {READER, BUS_WRITE, ".events", false, "forge events"},
    {READER, BUS_CONFIGURE, NOBODY, false, "make and delete queues and exchanges of the shop"},
    {READER, BUS_CONFIGURE, ".subscriber" NOBODY, false, "make exchanges with names of its own"},
    {READER, BUS_READ, NOBODY, false, "take requests away"},
    {READER, BUS_READ, ".dead" NOBODY, false, "read dead letters"},
};
/* clang-format on */

static enum outcome look_at_right(struct check *check, struct bus_inspector *inspector,
                                  const struct right *right, struct err *err)
{
    struct arena *arena = check->findings->arena;
    const char *name = bus_inspector_user(inspector);
    bool allowed = false;
    TRY(bus_inspect_right(
        inspector, right->right,
        str_printf(arena, "%.*s%s", STR_FMT(check->findings->prefix), right->name), &allowed, err));
    if (allowed != right->needed)
        finding(check->findings, permission_cure(check, right->user, name), "user %s (%s) %s %s",
                name, broker_users[right->user].name, allowed ? "may" : "may not", right->what);
    return OUTCOME_DONE;
}

static enum outcome look_at_user(struct check *check, int user, struct str uri, struct err *err)
{
    struct bus_inspector *inspector;
    enum outcome outcome = OUTCOME_DONE;
    if (uri.len == 0)
        return OUTCOME_DONE;
    TRY(bus_inspector_open(uri, CHECK_NAME, check->timeout_ms, &inspector, err));
    for (size_t i = 0; i < sizeof(rights) / sizeof(rights[0]) && outcome == OUTCOME_DONE; i++)
        if (rights[i].user == user)
            outcome = look_at_right(check, inspector, &rights[i], err);
    bus_inspector_close(inspector);
    return outcome;
}

static enum outcome look_at_users(struct check *check, struct err *err)
{
    const struct engine_settings *settings = &check->app->settings->engine;
    TRY(look_at_user(check, WORKER, settings->amqp_uri, err));
    TRY(look_at_user(check, OPERATOR, settings->amqp_operator_uri, err));
    TRY(look_at_user(check, WEB, str_of(getenv("CARTWRIGHT_CLIENT_AMQP_URI")), err));
    return look_at_user(check, READER, str_of(getenv("CARTWRIGHT_READER_AMQP_URI")), err);
}

/* --- all of it ------------------------------------------------------------------------------------- */

static void tell_the_rest(const struct check *check)
{
    fprintf(
        stderr,
        "AMQP tells no bindings, policies, limits and permissions of others; these do:\n"
        "  rabbitmqctl export_definitions broker.json\n"
        "  cartwright topology --definitions broker.json\n"
        "  rabbitmqctl list_queues -p '%s' name type members\n"
        "  rabbitmqctl environment | grep -E 'consumer_timeout|max_message_size|send_timeout'\n",
        check->findings->vhost);
}

enum outcome topology_check(struct app *app, const struct bus_topology *topology,
                            struct findings *findings, struct err *err)
{
    const struct bus_options options = operator_options_of(&app->settings->engine, CHECK_NAME);
    struct check check = {.app = app, .findings = findings, .timeout_ms = options.timeout_ms};
    struct bus_inspector *inspector;
    TRY(bus_inspector_open(options.uri, CHECK_NAME, check.timeout_ms, &inspector, err));
    enum outcome outcome = look_at_topology(&check, inspector, topology, err);
    look_at_frames(&check, inspector);
    if (outcome == OUTCOME_DONE)
        outcome = look_at_length(&check, inspector, err);
    bus_inspector_close(inspector);
    TRY(outcome);
    TRY(look_for_guest(&check, options.uri, err));
    TRY(look_at_users(&check, err));
    tell_the_rest(&check);
    return OUTCOME_DONE;
}
