/* bus_inspect.c - looks at a broker without changing anything.
 *
 * Declaring what exists changes nothing if the settings are the same, and is refused if they
 * differ. The broker checks permissions before it checks whether something exists, so a request for
 * what does not exist shows whether the request would be allowed. */
#include "bus/bus_inspect.h"

#include <stdio.h>
#include <stdlib.h>

#include "bus/bus_amqp.h"

#define CHANNEL 2

struct bus_inspector {
    struct bus_uri uri;
    struct link link;
};

static void drop_delivery(void *owner, struct delivery *delivery)
{
    (void)owner;
    delivery_free(delivery);
}

static void ignore_confirm(void *owner, uint64_t tag, bool multiple, bool ok)
{
    (void)owner, (void)tag, (void)multiple, (void)ok;
}

static const struct link_events events = {drop_delivery, drop_delivery, ignore_confirm};

enum outcome bus_inspector_open(struct str uri_text, const char *name, int timeout_ms,
                                struct bus_inspector **out, struct err *err)
{
    struct bus_uri uri;
    TRY(bus_uri_parse(uri_text, &uri, err));
    struct bus_inspector *inspector = calloc(1, sizeof(*inspector));
    if (!inspector)
        panic("out of memory for an inspector");
    inspector->uri = uri;
    const struct link_options options = {.uri = &inspector->uri,
                                         .name = name,
                                         .timeout_ms = timeout_ms,
                                         .events = &events,
                                         .owner = inspector};
    const enum outcome outcome = link_open(&inspector->link, &options, err);
    if (outcome != OUTCOME_DONE) {
        bus_inspector_close(inspector);
        return outcome;
    }
    *out = inspector;
    return OUTCOME_DONE;
}

void bus_inspector_close(struct bus_inspector *inspector)
{
    link_close(&inspector->link);
    bus_uri_release(&inspector->uri);
    free(inspector);
}

const char *bus_inspector_user(const struct bus_inspector *inspector)
{
    return inspector->uri.user;
}

/* --- what is there ---------------------------------------------------------------------------- */

static enum outcome ask(struct link *link, const struct bus_exchange *exchange,
                        const struct bus_queue *queue, bool passive, struct err *err)
{
    TRY(link_open_channel(link, CHANNEL, err));
    TRY(exchange ? link_declare_exchange(link, CHANNEL, exchange, passive, err)
                 : link_declare_queue(link, CHANNEL, queue, passive, err));
    return OUTCOME_DONE;
}

static enum bus_state state_of(const struct link_call *call)
{
    return call->refused == AMQP_NOT_FOUND        ? BUS_MISSING
           : call->refused == AMQP_ACCESS_REFUSED ? BUS_HIDDEN
                                                  : BUS_OTHER;
}

static enum outcome look(struct link *link, const struct bus_exchange *exchange,
                         const struct bus_queue *queue, struct bus_sight *out, struct err *err)
{
    struct bus_sight sight = {.state = BUS_THERE};
    enum outcome outcome = ask(link, exchange, queue, true, err);
    if (outcome == OUTCOME_DONE) {
        sight.depth = link->call.message_count;
        TRY(link_close_channel(link, CHANNEL, err));
        outcome = ask(link, exchange, queue, false, err);
    }
    if (outcome == OUTCOME_DONE)
        TRY(link_close_channel(link, CHANNEL, err));
    else if (outcome != OUTCOME_REFUSED)
        return outcome;
    if (outcome == OUTCOME_REFUSED) {
        sight.state = state_of(&link->call);
        snprintf(sight.words, sizeof(sight.words), "%s", link->call.refusal);
    }
    *out = sight;
    return OUTCOME_DONE;
}

enum outcome bus_inspect_exchange(struct bus_inspector *inspector,
                                  const struct bus_exchange *exchange, struct bus_sight *out,
                                  struct err *err)
{
    return look(&inspector->link, exchange, NULL, out, err);
}

enum outcome bus_inspect_queue(struct bus_inspector *inspector, const struct bus_queue *queue,
                               struct bus_sight *out, struct err *err)
{
    return look(&inspector->link, NULL, queue, out, err);
}

/* --- who may do what -------------------------------------------------------------------------- */

/* Deleting a queue that does not exist changes nothing, and RabbitMQ does not complain. */
static enum outcome try_configure(struct link *link, struct str name, struct err *err)
{
    amqp_queue_delete_t delete = {
        .queue = amqp_bytes_of(name), .if_unused = true, .if_empty = true};
    return link_call(link, CHANNEL, AMQP_QUEUE_DELETE_METHOD, &delete, AMQP_QUEUE_DELETE_OK_METHOD,
                     err);
}

/* A user who may write gets another refusal: nothing can be bound to the default exchange. */
static enum outcome try_write(struct link *link, struct str name, struct err *err)
{
    amqp_exchange_bind_t bind = {.destination = amqp_bytes_of(name),
                                 .source = amqp_cstring_bytes(""),
                                 .routing_key = amqp_cstring_bytes("")};
    return link_call(link, CHANNEL, AMQP_EXCHANGE_BIND_METHOD, &bind, AMQP_EXCHANGE_BIND_OK_METHOD,
                     err);
}

static enum outcome try_read(struct link *link, struct str name, struct err *err)
{
    amqp_basic_get_t get = {.queue = amqp_bytes_of(name)};
    return link_call(link, CHANNEL, AMQP_BASIC_GET_METHOD, &get, AMQP_BASIC_GET_EMPTY_METHOD, err);
}

static enum outcome (*const tries[])(struct link *link, struct str name, struct err *err) = {
    [BUS_CONFIGURE] = try_configure,
    [BUS_WRITE] = try_write,
    [BUS_READ] = try_read,
};

/* True only for "ACCESS_REFUSED - access to queue 'x' in vhost '/' refused for user 'web'". */
static bool lacks_right(const struct link_call *call)
{
    return call->refused == AMQP_ACCESS_REFUSED && strstr(call->refusal, "refused for user");
}

enum outcome bus_inspect_right(struct bus_inspector *inspector, enum bus_right right,
                               struct str name, bool *out, struct err *err)
{
    struct link *link = &inspector->link;
    TRY(link_open_channel(link, CHANNEL, err));
    const enum outcome outcome = tries[right](link, name, err);
    if (outcome == OUTCOME_DONE)
        TRY(link_close_channel(link, CHANNEL, err));
    else if (outcome != OUTCOME_REFUSED)
        return outcome;
    *out = outcome == OUTCOME_DONE || !lacks_right(&link->call);
    return OUTCOME_DONE;
}

/* --- how long a message may be ---------------------------------------------------------------- */

/* The broker closes the channel over a message that is too long; else it answers the request that
 * follows the message. */
static enum outcome try_length(struct link *link, size_t bytes, struct err *err)
{
    char *body = calloc(1, bytes);
    if (!body)
        panic("out of memory for a message of %zu bytes", bytes);
    const struct bus_message message = {
        .routing_key = STR("no such queue"), .body = {body, bytes}, .transient = true};
    const bool fits = frames_add_message(&link->out, CHANNEL, &message, 0);
    free(body);
    if (!fits)
        return err_bug(err, "a message without properties does not fit in a frame");
    return link_call(link, CHANNEL, AMQP_CONFIRM_SELECT_METHOD, &(amqp_confirm_select_t){0},
                     AMQP_CONFIRM_SELECT_OK_METHOD, err);
}

enum outcome bus_inspect_length(struct bus_inspector *inspector, size_t bytes, bool *out,
                                struct err *err)
{
    struct link *link = &inspector->link;
    TRY(link_open_channel(link, CHANNEL, err));
    const enum outcome outcome = try_length(link, bytes, err);
    if (outcome == OUTCOME_DONE)
        TRY(link_close_channel(link, CHANNEL, err));
    else if (outcome != OUTCOME_REFUSED || link->call.refused != AMQP_PRECONDITION_FAILED)
        return outcome;
    *out = outcome == OUTCOME_DONE;
    return OUTCOME_DONE;
}

/* --- addresses -------------------------------------------------------------------------------- */

int64_t bus_inspector_frame_max(const struct bus_inspector *inspector)
{
    return inspector->link.frame_offered;
}

int64_t bus_inspector_major(const struct bus_inspector *inspector)
{
    return inspector->link.server_major;
}

const char *bus_vhost_of(struct arena *arena, struct str uri_text)
{
    struct bus_uri uri;
    struct err ignored; /* connecting with this URI reports the error */
    if (bus_uri_parse(uri_text, &uri, &ignored) != OUTCOME_DONE)
        return "/";
    const char *vhost = str_dup(arena, str_of(uri.vhost)).ptr;
    bus_uri_release(&uri);
    return vhost;
}

struct str bus_uri_for(struct arena *arena, struct str uri, const char *user, const char *password)
{
    static const char slashes[] = "://";
    const char *scheme = strstr(uri.ptr, slashes);
    const char *begin = scheme ? scheme + strlen(slashes) : uri.ptr;
    const char *at = memrchr(begin, '@', strcspn(begin, "/"));
    return str_printf(arena, "%.*s%s:%s@%s", (int)(begin - uri.ptr), uri.ptr, user, password,
                      at ? at + 1 : begin);
}
