/* commands.c - the table of commands, and those that set the scene: users, faults, time. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"
#include "config/config_parts.h"
#include "fakes/bus_fake.h"
#include "fakes/lock_fake.h"
#include "fakes/store_fake.h"
#include "flow/flow.h"
#include "flow/seed.h"
#include "wire/json.h"

bool flow_fail(struct flow *flow, const char *format, ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (str_is_absent(flow->failure))
        flow->failure = str_printf(&flow->arena, "%s:%d: %s", flow->path, flow->line, text);
    return false;
}

void flow_set(struct flow *flow, struct str name, struct str json)
{
    struct str *value = ARENA_NEW(&flow->arena, struct str);
    *value = json;
    map_set(&flow->values, str_dup(&flow->arena, name), value);
}

void flow_set_text(struct flow *flow, struct str name, struct str text)
{
    flow_set(flow, name, str_printf(&flow->arena, "\"%.*s\"", STR_FMT(text)));
}

/* --- the scene -------------------------------------------------------------------------------------- */

static void set_part(struct flow *flow, struct str name, const char *part, struct str value)
{
    flow_set_text(flow, str_printf(&flow->arena, "%.*s.%s", STR_FMT(name), part), value);
}

/* user NAME [admin|superadmin] [expired]: $NAME is the id; also $NAME.token, $NAME.session */
static bool command_user(struct flow *flow, struct words *words)
{
    struct err err = {0};
    struct seed_user user;
    const struct str name = words_take(words);
    const bool superadmin = words_take_if(words, "superadmin");
    const bool admin = !superadmin && words_take_if(words, "admin");
    const enum who role = superadmin ? SUPERADMIN : admin ? ADMIN : CUSTOMER;
    if (seed_user(flow->world, &flow->arena, name, role, words_take_if(words, "expired"), &user,
                  &err) != OUTCOME_DONE)
        return flow_fail(flow, "user %.*s: %s", STR_FMT(name), err.text);
    flow_set_text(flow, name, user.id);
    set_part(flow, name, "token", user.token);
    set_part(flow, name, "session", user.session);
    return true;
}

static struct str *rest_of(struct flow *flow, struct words *words, size_t *count)
{
    const struct str *rest = words->items + words->next;
    *count = words->count - words->next;
    words->next = words->count;
    return arena_copy(&flow->arena, rest, (*count + 1) * sizeof(*rest));
}

/* api-keys A B: only clients with one of these keys are served */
static bool command_api_keys(struct flow *flow, struct words *words)
{
    struct engine_settings *engine = &flow->world->settings.engine;
    engine->api_keys.items = rest_of(flow, words, &engine->api_keys.count);
    return true;
}

static const struct setting *find_setting(struct str name)
{
    for (size_t i = 0; i < app_config.table_count; i++)
        for (size_t k = 0; k < app_config.tables[i]->count; k++)
            if (str_eq(name, str_of(app_config.tables[i]->settings[k].name)))
                return &app_config.tables[i]->settings[k];
    return NULL;
}

/* setting NAME VALUE...: until the end of the script */
static bool command_setting(struct flow *flow, struct words *words)
{
    struct err err = {0};
    const struct str name = words_take(words);
    const struct setting *setting = find_setting(name);
    if (!setting || words->next == words->count)
        return flow_fail(flow, "setting NAME VALUE...");
    struct config_value value = {.is_list = words->next + 1 < words->count,
                                 .text = words->items[words->next]};
    value.items.items = rest_of(flow, words, &value.items.count);
    if (config_store(&flow->arena, setting, &value, &flow->world->settings, name, STR("the script"),
                     &err) != OUTCOME_DONE)
        return flow_fail(flow, "%s", err.text);
    return true;
}

/* --- faults and time: fakes only ---------------------------------------------------------------------- */

/* advance 11m: and the lane takes what is due by then; between together and end it takes nothing yet */
static bool command_advance(struct flow *flow, struct words *words)
{
    int64_t ms;
    if (!duration_parse(words_take(words), &ms))
        return flow_fail(flow, "advance 250ms, 10s, 11m, 2h or 30d");
    if (!flow->together)
        flow->mail_mark = flow->world->mail_count;
    world_advance(flow->world, ms);
    return flow->together || world_run(flow->world) ||
           flow_fail(flow, "something is never settled");
}

static const struct {
    const char *name;
    enum store_fake_call call;
} store_calls[] = {
    {"find", STORE_FAKE_FIND},     {"query", STORE_FAKE_QUERY},
    {"commit", STORE_FAKE_COMMIT}, {"journal", STORE_FAKE_JOURNAL_FIND},
    {"outbox", STORE_FAKE_OUTBOX}, {"resolve", STORE_FAKE_RESOLVE},
};

static const struct {
    const char *name;
    enum outcome outcome;
} outcomes[] = {
    {"CONFLICT", OUTCOME_CONFLICT},
    {"RETRY", OUTCOME_RETRY},
    {"UNCERTAIN", OUTCOME_UNCERTAIN},
    {"BUG", OUTCOME_BUG},
};

/* fail CALL OUTCOME [NTH] [applied]: the n-th such call of the store from now, the next without */
static bool command_fail(struct flow *flow, struct words *words)
{
    const struct str call = words_take(words);
    const struct str outcome = words_take(words);
    int64_t nth = 1;
    if (words->next < words->count && str_to_int64(words->items[words->next], &nth))
        words->next++;
    const bool applied = words_take_if(words, "applied");
    for (size_t i = 0; i < sizeof(store_calls) / sizeof(store_calls[0]); i++)
        for (size_t k = 0; k < sizeof(outcomes) / sizeof(outcomes[0]); k++)
            if (str_eq(call, str_of(store_calls[i].name)) &&
                str_eq(outcome, str_of(outcomes[k].name))) {
                store_fake_fail(flow->world->store, store_calls[i].call, (int)nth,
                                outcomes[k].outcome, applied);
                return true;
            }
    return flow_fail(flow, "fail find|query|commit|journal|outbox|resolve "
                           "CONFLICT|RETRY|UNCERTAIN|BUG [NTH] [applied]");
}

/* lose broker: with the next flush, so that replies, events and acknowledgements are lost.
 * lose messages: with the next receive */
static bool command_lose(struct flow *flow, struct words *words)
{
    if (words_take_if(words, "broker"))
        bus_fake_fail(flow->world->bus, BUS_FAKE_FLUSH, 1);
    else if (words_take_if(words, "messages"))
        bus_fake_fail(flow->world->bus, BUS_FAKE_NEXT, 1);
    else
        return flow_fail(flow, "lose broker | lose messages");
    return true;
}

/* redis down | redis up | redis wipe */
static bool command_redis(struct flow *flow, struct words *words)
{
    struct lock *lock = flow->world->lock;
    if (words_take_if(words, "down"))
        lock_fake_set_down(lock, true);
    else if (words_take_if(words, "up"))
        lock_fake_set_down(lock, false);
    else if (words_take_if(words, "wipe"))
        lock_fake_wipe(lock);
    else
        return flow_fail(flow, "redis down | up | wipe");
    return true;
}

/* hold KEY DURATION: another lane has this lease */
static bool command_hold(struct flow *flow, struct words *words)
{
    int64_t ms;
    const struct str key = words_take(words);
    if (!duration_parse(words_take(words), &ms))
        return flow_fail(flow, "hold carts:6650... 5s");
    lock_fake_hold(flow->world->lock, key, ms);
    return true;
}

static bool crash_now(struct flow *flow)
{
    struct err err = {0};
    flow->mail_mark = flow->world->mail_count;
    return (world_crash(flow->world, &err) == OUTCOME_DONE && world_run(flow->world)) ||
           flow_fail(flow, "the next lane cannot go on: %s", err.text);
}

/* It dies behind the commit of its next batch, and Redis hears nothing of that. */
static bool crash_before_invalidation(struct flow *flow)
{
    flow->world->crash = CRASH_WAITING;
    lock_fake_refuse_invalidations(flow->world->lock, 1);
    bus_fake_fail(flow->world->bus, BUS_FAKE_FLUSH, 1);
    return true;
}

/* crash: now. crash before|after commit [NTH]: while it works on the next batch, or the n-th.
 * crash before invalidation */
static bool command_crash(struct flow *flow, struct words *words)
{
    struct world *world = flow->world;
    const bool before = words_take_if(words, "before");
    if (!before && !words_take_if(words, "after"))
        return crash_now(flow);
    if (before && words_take_if(words, "invalidation"))
        return crash_before_invalidation(flow);
    int64_t nth = 1;
    if (!words_take_if(words, "commit") ||
        (words->next < words->count && !str_to_int64(words_take(words), &nth)))
        return flow_fail(flow, "crash [before|after commit [NTH]] | crash before invalidation");
    world->crash = CRASH_WAITING;
    if (before)
        store_fake_fail(world->store, STORE_FAKE_COMMIT, (int)nth, OUTCOME_RETRY, false);
    else
        /* A batch flushes twice: what it publishes, then its acknowledgements. */
        bus_fake_fail(world->bus, BUS_FAKE_FLUSH, 2 * (int)nth - 1);
    return true;
}

/* lane 1|2: this one works from now on */
static bool command_lane(struct flow *flow, struct words *words)
{
    struct err err = {0};
    int64_t number;
    if (!str_to_int64(words_take(words), &number) || number < 1 || number > 2)
        return flow_fail(flow, "lane 1 | lane 2");
    return world_switch(flow->world, (int)number, &err) == OUTCOME_DONE ||
           flow_fail(flow, "%s", err.text);
}

/* crashed: the planned crash did happen */
static bool command_crashed(struct flow *flow, struct words *words)
{
    (void)words;
    return flow->world->crash == CRASH_DONE || flow_fail(flow, "the lane did not crash");
}

/* --- the table --------------------------------------------------------------------------------------------- */

static const struct command {
    const char *name;
    bool (*run)(struct flow *flow, struct words *words);
    bool fakes_only;
} commands[] = {
    {"user", command_user, false},
    {"api-keys", command_api_keys, false},
    {"setting", command_setting, false},
    {"send", flow_send, false},
    {"repeat", flow_repeat, false},
    {"publish", flow_publish, false},
    {"forge", flow_forge, false},
    {"redeliver", flow_redeliver, false},
    {"together", flow_together, false},
    {"end", flow_end, false},
    {"expect", flow_expect, false},
    {"let", flow_let, false},
    {"event", flow_event, false},
    {"again", flow_again, false},
    {"notification", flow_notification, false},
    {"document", flow_document, false},
    {"stored", flow_stored, false},
    {"alter", flow_alter, false},
    {"count", flow_count, false},
    {"dead", flow_dead, false},
    {"no", flow_no, false},
    {"advance", command_advance, true},
    {"fail", command_fail, true},
    {"lose", command_lose, true},
    {"redis", command_redis, true},
    {"hold", command_hold, true},
    {"crash", command_crash, true},
    {"crashed", command_crashed, true},
    {"lane", command_lane, true},
};

static const struct command *find_command(struct str name)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (str_eq(str_of(commands[i].name), name))
            return &commands[i];
    return NULL;
}

bool flow_command(struct flow *flow, struct words *words)
{
    const struct str name = words_take(words);
    const struct command *command = find_command(name);
    if (!command)
        return flow_fail(flow, "no such command: %.*s", STR_FMT(name));
    if (command->fakes_only && flow->world->real)
        return flow_fail(flow, "%s works on fakes only: begin the script with 'fakes only'",
                         command->name);
    if (!command->run(flow, words))
        return false;
    return words->next == words->count ||
           flow_fail(flow, "too much: %.*s", STR_FMT(words->items[words->next]));
}
