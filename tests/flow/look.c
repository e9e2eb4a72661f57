/* look.c - commands that look at what else came of a message: events, notifications, documents, dead
 * letters. On real servers each waits a while for what it wants to see. */
#include <inttypes.h>

#include "flow/flow.h"
#include "flow/match.h"
#include "flow/raw.h"
#include "flow/seed.h"
#include "service/names.h"

/* --- events and notifications ---------------------------------------------------------------------- */

struct mail_wanted {
    struct flow *flow;
    struct str exchange;
    struct str type;
    const struct json *data;     /* may be NULL */
    const struct json *envelope; /* may be NULL */
    bool is_event;               /* else a notification */
    bool again;                  /* a repeat of one that was seen before */
    struct mail *found;
    struct str why; /* the last of the right type did not match */
};

/* An earlier one with the same id. */
static const struct mail *first_of(const struct world *world, const struct mail *mail)
{
    for (const struct mail *at = world->mail; at < mail; at++)
        if (str_eq(at->queue, mail->queue) &&
            str_eq(at->delivery->exchange, mail->delivery->exchange) &&
            str_eq(at->delivery->message_id, mail->delivery->message_id))
            return at;
    return NULL;
}

static bool is_from(const struct mail *mail, struct str exchange, const struct world *world)
{
    return str_eq(mail->queue, world->spy) && str_eq(mail->delivery->exchange, exchange);
}

static bool is_candidate(const struct mail_wanted *wanted, const struct mail *mail)
{
    const struct world *world = wanted->flow->world;
    return !mail->taken && is_from(mail, wanted->exchange, world) &&
           str_eq(mail->delivery->routing_key, wanted->type) &&
           (first_of(world, mail) != NULL) == wanted->again;
}

/* CloudEvents 1.0: what every event must be. */
static bool check_event(struct mail_wanted *wanted, const struct mail *mail,
                        const struct json *event)
{
    struct arena *arena = &wanted->flow->arena;
    const struct delivery *delivery = mail->delivery;
    const struct str must = str_printf(
        arena,
        "{\"specversion\":\"1.0\",\"id\":\"%.*s\",\"type\":\"%.*s\",\"source\":\"*\",\"subject\":\"*\","
        "\"time\":\"*\",\"datacontenttype\":\"application/json\",\"aggregateversion\":\"*\"}",
        STR_FMT(delivery->message_id), STR_FMT(delivery->routing_key));
    const struct json *envelope = json_value(arena, must, &wanted->why);
    if (!str_eq(delivery->content_type, STR("application/cloudevents+json; charset=utf-8"))) {
        wanted->why = str_printf(arena, "content type %.*s", STR_FMT(delivery->content_type));
        return false;
    }
    return envelope && match(arena, envelope, event, &wanted->why);
}

static bool fits(struct mail_wanted *wanted, const struct mail *mail)
{
    struct arena *arena = &wanted->flow->arena;
    struct err err = {0};
    const struct json *body;
    if (json_parse(arena, mail->delivery->body, &body, &err) != OUTCOME_DONE) {
        wanted->why = str_dup(arena, str_of(err.text));
        return false;
    }
    if (wanted->is_event && !check_event(wanted, mail, body))
        return false;
    if (wanted->envelope && !match(arena, wanted->envelope, body, &wanted->why))
        return false;
    const struct json *data = wanted->is_event ? json_member(body, "data") : body;
    return !wanted->data || match(arena, wanted->data, data, &wanted->why);
}

static bool find_mail(void *context)
{
    struct mail_wanted *wanted = context;
    struct world *world = wanted->flow->world;
    for (size_t i = wanted->flow->mail_mark; i < world->mail_count && !wanted->found; i++)
        if (is_candidate(wanted, &world->mail[i]) && fits(wanted, &world->mail[i]))
            wanted->found = &world->mail[i];
    return wanted->found != NULL;
}

static bool take_mail(struct mail_wanted *wanted, const char *what)
{
    if (world_wait(wanted->flow->world, find_mail, wanted)) {
        wanted->found->taken = true;
        return true;
    }
    return flow_fail(wanted->flow, "no %s %.*s came%s%.*s", what, STR_FMT(wanted->type),
                     wanted->why.len ? " that fits: " : "", STR_FMT(wanted->why));
}

static bool fill_wanted(struct flow *flow, struct words *words, struct mail_wanted *wanted)
{
    wanted->flow = flow;
    wanted->type = words_take(words);
    return flow_json(flow, words_take_json(words), &wanted->data) &&
           flow_json(flow, words_take_json(words), &wanted->envelope);
}

static struct str events_exchange(struct flow *flow)
{
    return name_events(&flow->arena, flow->world->settings.engine.prefix);
}

static struct str notifications_exchange(struct flow *flow)
{
    return name_notifications(&flow->arena, flow->world->settings.engine.prefix);
}

/* event TYPE [DATA [ENVELOPE]]: since the last send */
bool flow_event(struct flow *flow, struct words *words)
{
    struct mail_wanted wanted = {.exchange = events_exchange(flow), .is_event = true};
    return fill_wanted(flow, words, &wanted) && take_mail(&wanted, "event");
}

/* again TYPE: an event that was seen before came once more, the same byte by byte */
bool flow_again(struct flow *flow, struct words *words)
{
    struct mail_wanted wanted = {
        .exchange = events_exchange(flow), .is_event = true, .again = true};
    if (!fill_wanted(flow, words, &wanted) || !take_mail(&wanted, "repeated event"))
        return false;
    const struct mail *first = first_of(flow->world, wanted.found);
    if (str_eq(first->delivery->body, wanted.found->delivery->body))
        return true;
    return flow_fail(flow, "the same event id, but %.*s\n    was %.*s",
                     STR_FMT(wanted.found->delivery->body), STR_FMT(first->delivery->body));
}

/* notification CHANNEL.KIND [MESSAGE] */
bool flow_notification(struct flow *flow, struct words *words)
{
    struct mail_wanted wanted = {.exchange = notifications_exchange(flow)};
    return fill_wanted(flow, words, &wanted) && take_mail(&wanted, "notification");
}

/* --- documents ----------------------------------------------------------------------------------------- */

struct document_wanted {
    struct flow *flow;
    const struct doc_type *type;
    struct str id;
    const struct json *want;
    bool raw; /* as the database has it, not as this release reads it */
    struct str why;
};

static bool find_document(void *context)
{
    struct document_wanted *wanted = context;
    struct arena *arena = &wanted->flow->arena;
    struct err err = {0};
    struct str text;
    if (wanted->raw) {
        text = raw_look(wanted->flow->world, arena, wanted->type, wanted->id);
    } else if (seed_document(wanted->flow->world, arena, wanted->type, wanted->id, &text, &err) !=
               OUTCOME_DONE) {
        wanted->why = str_dup(arena, str_of(err.text));
        return false;
    }
    wanted->why = STR("there is none");
    const struct json *document =
        str_is_absent(text) ? NULL : json_value(arena, text, &wanted->why);
    return document && (!wanted->want || match(arena, wanted->want, document, &wanted->why));
}

static bool fill_document(struct flow *flow, struct words *words, struct document_wanted *wanted)
{
    const struct str collection = words_take(words);
    *wanted = (struct document_wanted){.flow = flow, .type = seed_type(flow->world, collection)};
    if (!wanted->type)
        return flow_fail(flow, "there is no collection %.*s", STR_FMT(collection));
    const struct str id = words_take(words);
    const struct str *value = id.len > 1 && id.ptr[0] == '$'
                                  ? map_get(&flow->values, (struct str){id.ptr + 1, id.len - 1})
                                  : NULL;
    wanted->id = value ? str_dup(&flow->arena, (struct str){value->ptr + 1, value->len - 2}) : id;
    return true;
}

static bool expect_document(struct flow *flow, struct words *words, bool raw)
{
    struct document_wanted wanted;
    if (!fill_document(flow, words, &wanted) ||
        !flow_json(flow, words_take_json(words), &wanted.want))
        return false;
    wanted.raw = raw;
    if (world_wait(flow->world, find_document, &wanted))
        return true;
    return flow_fail(flow, "%s %.*s: %.*s", wanted.type->collection, STR_FMT(wanted.id),
                     STR_FMT(wanted.why));
}

/* document COLLECTION ID [JSON] */
bool flow_document(struct flow *flow, struct words *words)
{
    return expect_document(flow, words, false);
}

/* stored COLLECTION ID JSON: with what no table knows, in relaxed extended JSON */
bool flow_stored(struct flow *flow, struct words *words)
{
    return expect_document(flow, words, true);
}

/* alter COLLECTION ID CHANGES */
bool flow_alter(struct flow *flow, struct words *words)
{
    struct document_wanted wanted;
    if (!fill_document(flow, words, &wanted) ||
        !flow_json(flow, words_take_json(words), &wanted.want))
        return false;
    return raw_alter(flow->world, &flow->arena, wanted.type, wanted.id, wanted.want, &wanted.why) ||
           flow_fail(flow, "%s %.*s: %.*s", wanted.type->collection, STR_FMT(wanted.id),
                     STR_FMT(wanted.why));
}

/* count COLLECTION NUMBER [FIELDS] */
bool flow_count(struct flow *flow, struct words *words)
{
    struct err err = {0};
    const struct str collection = words_take(words);
    const struct doc_type *type = seed_type(flow->world, collection);
    int64_t wanted = 0;
    int64_t count = 0;
    const struct json *fields;
    if (!type || !str_to_int64(words_take(words), &wanted))
        return flow_fail(flow, "count COLLECTION NUMBER [FIELDS]; no collection %.*s?",
                         STR_FMT(collection));
    if (!flow_json(flow, words_take_json(words), &fields))
        return false;
    if (seed_count(flow->world, &flow->arena, type, fields, &count, &err) != OUTCOME_DONE)
        return flow_fail(flow, "%s", err.text);
    return count == wanted || flow_fail(flow, "expected %" PRId64 " %.*s, there are %" PRId64,
                                        wanted, STR_FMT(collection), count);
}

/* --- dead letters ---------------------------------------------------------------------------------------- */

struct dead_wanted {
    struct flow *flow;
    struct str queue;
    struct str body; /* as it is kept */
};

/* The bus reads none of the headers that say why, so the message itself must do. No lane keeps
 * credentials. */
static bool find_dead(void *context)
{
    const struct dead_wanted *wanted = context;
    const struct flow *flow = wanted->flow;
    for (size_t i = flow->mail_mark; i < flow->world->mail_count; i++) {
        const struct mail *mail = &flow->world->mail[i];
        const struct delivery *letter = mail->delivery;
        if (str_eq(mail->queue, wanted->queue) && str_eq(letter->body, wanted->body) &&
            str_eq(letter->message_id, flow->last.message_id) &&
            str_is_absent(letter->authorization) && str_is_absent(letter->api_key))
            return true;
    }
    return false;
}

/* dead DOMAIN [BODY]: the last message is in the dead letters of this domain, as it was sent or with
 * this body. */
bool flow_dead(struct flow *flow, struct words *words)
{
    const struct str domain = words_take(words);
    const struct str body = words_take_json(words);
    struct dead_wanted wanted = {
        flow, name_dead(&flow->arena, flow->world->settings.engine.prefix, domain),
        str_is_absent(body) ? flow->last.body : body};
    return world_wait(flow->world, find_dead, &wanted) ||
           flow_fail(flow, "the message is not in %.*s", STR_FMT(wanted.queue));
}

/* --- nothing ------------------------------------------------------------------------------------------------ */

/* After a crash everything that was not marked is published again: consumers know it by its id. */
static bool is_excused(const struct world *world, const struct mail *mail)
{
    return world->crash == CRASH_DONE && first_of(world, mail);
}

static bool no_mail_from(struct flow *flow, struct str exchange, struct str type)
{
    for (size_t i = flow->mail_mark; i < flow->world->mail_count; i++) {
        const struct mail *mail = &flow->world->mail[i];
        if (!mail->taken && is_from(mail, exchange, flow->world) &&
            !is_excused(flow->world, mail) &&
            (str_is_absent(type) || str_eq(type, mail->delivery->routing_key)))
            return flow_fail(flow, "%.*s came: %.*s", STR_FMT(mail->delivery->routing_key),
                             STR_FMT(mail->delivery->body));
    }
    return true;
}

static bool no_dead(struct flow *flow)
{
    const struct world *world = flow->world;
    for (size_t i = 0; i < world->mail_count; i++)
        for (size_t k = 0; k < world->dead_count; k++)
            if (str_eq(world->mail[i].queue, world->dead[k]))
                return flow_fail(flow, "in %.*s: %.*s", STR_FMT(world->dead[k]),
                                 STR_FMT(world->mail[i].delivery->body));
    return true;
}

static bool no_reply(struct flow *flow, bool yet)
{
    const struct world *world = flow->world;
    if (!yet)
        flow->pending_count = 0;
    for (size_t i = flow->mail_mark; i < world->mail_count; i++)
        if (!world->mail[i].taken && str_eq(world->mail[i].queue, world->replies))
            return flow_fail(flow, "a reply came: %.*s", STR_FMT(world->mail[i].delivery->body));
    return true;
}

static bool no_document(struct flow *flow, struct words *words)
{
    struct document_wanted wanted;
    if (!fill_document(flow, words, &wanted))
        return false;
    return !find_document(&wanted) ||
           flow_fail(flow, "%s %.*s is there", wanted.type->collection, STR_FMT(wanted.id));
}

/* no reply [yet] | no events | no event TYPE | no notifications | no dead | no document COLLECTION ID:
 * since the last send, and nothing that was taken already */
bool flow_no(struct flow *flow, struct words *words)
{
    if (!world_settle(flow->world))
        return flow_fail(flow, "something is never settled");
    if (words_take_if(words, "reply"))
        return no_reply(flow, words_take_if(words, "yet"));
    if (words_take_if(words, "events"))
        return no_mail_from(flow, events_exchange(flow), STR_ABSENT);
    if (words_take_if(words, "event"))
        return no_mail_from(flow, events_exchange(flow), words_take(words));
    if (words_take_if(words, "notifications"))
        return no_mail_from(flow, notifications_exchange(flow), STR_ABSENT);
    if (words_take_if(words, "dead"))
        return no_dead(flow);
    if (words_take_if(words, "document"))
        return no_document(flow, words);
    return flow_fail(flow, "no what?");
}
