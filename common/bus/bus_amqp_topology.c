/* bus_amqp_topology.c - declares exchanges, queues and bindings on a channel of their own, because
 * a refusal closes the channel on which it comes. */
#include "bus/bus_amqp.h"

#define ARGUMENTS_MAX 8

struct arguments {
    amqp_table_entry_t entries[ARGUMENTS_MAX];
    int count;
};

static void add_text(struct arguments *arguments, const char *name, struct str value)
{
    if (!str_is_absent(value))
        arguments->entries[arguments->count++] = (amqp_table_entry_t){
            .key = amqp_cstring_bytes(name),
            .value = {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_bytes_of(value)},
        };
}

static void add_number(struct arguments *arguments, const char *name, int64_t value)
{
    if (value > 0)
        arguments->entries[arguments->count++] = (amqp_table_entry_t){
            .key = amqp_cstring_bytes(name),
            .value = {.kind = AMQP_FIELD_KIND_I64, .value.i64 = value},
        };
}

static void add_flag(struct arguments *arguments, const char *name, bool value)
{
    if (value)
        arguments->entries[arguments->count++] = (amqp_table_entry_t){
            .key = amqp_cstring_bytes(name),
            .value = {.kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = true},
        };
}

static amqp_table_t table_of(struct arguments *arguments)
{
    return (amqp_table_t){arguments->count, arguments->entries};
}

/* From 3.10 on, RabbitMQ offers dead-lettering at least once for quorum queues (the copy is
 * confirmed before the original goes); it insists on reject-publish as the overflow behaviour. */
static void queue_arguments(const struct bus_queue *queue, struct arguments *out)
{
    add_text(out, "x-queue-type", STR("quorum"));
    add_number(out, "x-message-ttl", queue->message_ttl_ms);
    add_number(out, "x-delivery-limit", queue->delivery_limit);
    add_number(out, "x-max-length", queue->length_max);
    add_text(out, "x-dead-letter-exchange", queue->dead_exchange);
    add_text(out, "x-dead-letter-routing-key", queue->dead_routing_key);
    const bool has_dead_letters = !str_is_absent(queue->dead_exchange);
    if (has_dead_letters)
        add_text(out, "x-dead-letter-strategy", STR("at-least-once"));
    if (has_dead_letters || queue->length_max > 0)
        add_text(out, "x-overflow", STR("reject-publish"));
    add_flag(out, "x-single-active-consumer", queue->single_active);
}

/* A refused declaration is a mistake in the configuration: the error names it, and the remedy. */
static enum outcome explain(const struct link *link, enum outcome outcome, const char *kind,
                            struct str name, struct err *err)
{
    if (outcome != OUTCOME_REFUSED)
        return outcome;
    const char *refusal = link->call.refusal;
    if (link->call.refused == AMQP_PRECONDITION_FAILED)
        return err_bug(err,
                       "%s %.*s exists with other settings; drain and delete it, or set the old "
                       "values again: %s",
                       kind, STR_FMT(name), refusal);
    return err_bug(err, "the broker refuses %s %.*s: %s", kind, STR_FMT(name), refusal);
}

/* The broker closes the connection when it does not know the kind of an exchange. */
static enum outcome explain_unknown_kind(const struct link *link,
                                         const struct bus_exchange *exchange, struct err *err)
{
    if (strcmp(exchange->kind, BUS_CONSISTENT_HASH) != 0)
        return err_bug(err, "the broker refuses exchange %.*s: %s", STR_FMT(exchange->name),
                       link->reason);
    return err_bug(
        err,
        "the broker cannot make exchange %.*s: partitioned domains need a plugin that comes "
        "with RabbitMQ; run 'rabbitmq-plugins enable rabbitmq_consistent_hash_exchange' on "
        "every node",
        STR_FMT(exchange->name));
}

enum outcome link_declare_exchange(struct link *link, amqp_channel_t channel,
                                   const struct bus_exchange *exchange, bool passive,
                                   struct err *err)
{
    struct arguments arguments = {0};
    add_text(&arguments, "alternate-exchange", exchange->alternate);
    add_text(&arguments, "hash-header", str_of(exchange->hash_header));
    amqp_exchange_declare_t declare = {
        .exchange = amqp_bytes_of(exchange->name),
        .type = amqp_cstring_bytes(exchange->kind),
        .passive = passive,
        .durable = true,
        .arguments = table_of(&arguments),
    };
    return link_call(link, channel, AMQP_EXCHANGE_DECLARE_METHOD, &declare,
                     AMQP_EXCHANGE_DECLARE_OK_METHOD, err);
}

static enum outcome declare_exchange(struct link *link, amqp_channel_t channel,
                                     const struct bus_exchange *exchange, struct err *err)
{
    const enum outcome outcome = link_declare_exchange(link, channel, exchange, false, err);
    if (outcome == OUTCOME_RETRY && strstr(link->reason, "exchange type"))
        return explain_unknown_kind(link, exchange, err);
    return explain(link, outcome, "exchange", exchange->name, err);
}

static enum outcome bind_exchange(struct link *link, amqp_channel_t channel, struct str target,
                                  const struct bus_binding *binding, struct err *err)
{
    amqp_exchange_bind_t bind = {
        .destination = amqp_bytes_of(target),
        .source = amqp_bytes_of(binding->exchange),
        .routing_key = amqp_bytes_of(binding->pattern),
    };
    return explain(link,
                   link_call(link, channel, AMQP_EXCHANGE_BIND_METHOD, &bind,
                             AMQP_EXCHANGE_BIND_OK_METHOD, err),
                   "a binding of exchange", target, err);
}

static enum outcome bind_queue(struct link *link, amqp_channel_t channel, struct str queue,
                               const struct bus_binding *binding, struct err *err)
{
    amqp_queue_bind_t bind = {
        .queue = amqp_bytes_of(queue),
        .exchange = amqp_bytes_of(binding->exchange),
        .routing_key = amqp_bytes_of(binding->pattern),
    };
    return explain(
        link,
        link_call(link, channel, AMQP_QUEUE_BIND_METHOD, &bind, AMQP_QUEUE_BIND_OK_METHOD, err),
        "a binding of queue", queue, err);
}

enum outcome link_declare_queue(struct link *link, amqp_channel_t channel,
                                const struct bus_queue *queue, bool passive, struct err *err)
{
    struct arguments arguments = {0};
    queue_arguments(queue, &arguments);
    amqp_queue_declare_t declare = {
        .queue = amqp_bytes_of(queue->name),
        .passive = passive,
        .durable = true,
        .arguments = table_of(&arguments),
    };
    return link_call(link, channel, AMQP_QUEUE_DECLARE_METHOD, &declare,
                     AMQP_QUEUE_DECLARE_OK_METHOD, err);
}

/* The refusal reads "PRECONDITION_FAILED - inequivalent arg 'x-delivery-limit' for queue ...". */
static bool differs_in_limits(const struct link_call *call)
{
    static const char *const limits[] = {"'x-delivery-limit'", "'x-max-length'",
                                         "'x-max-length-bytes'"};
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        if (call->refused == AMQP_PRECONDITION_FAILED && strstr(call->refusal, limits[i]))
            return true;
    return false;
}

/* Opens the channel again, because the refusal has closed it. */
static enum outcome keep_queue(struct link *link, amqp_channel_t channel,
                               const struct bus_topology *topology, const struct bus_queue *queue,
                               struct err *err)
{
    topology->keeps(topology->context, queue, link->call.refusal);
    return link_open_channel(link, channel, err);
}

static bool differs_in_dead_letters(const struct link_call *call)
{
    return call->refused == AMQP_PRECONDITION_FAILED &&
           strstr(call->refusal, "'x-dead-letter-exchange'");
}

static enum outcome declare_former(struct link *link, amqp_channel_t channel,
                                   const struct bus_topology *topology,
                                   const struct bus_queue *queue, struct err *err)
{
    struct bus_queue former = *queue;
    char words[sizeof(link->call.refusal)];
    memcpy(words, link->call.refusal, sizeof(words));
    former.dead_exchange = STR("");
    former.dead_routing_key = queue->former_dead_routing_key;
    TRY(link_open_channel(link, channel, err));
    const enum outcome outcome = link_declare_queue(link, channel, &former, false, err);
    if (outcome == OUTCOME_DONE || (outcome == OUTCOME_REFUSED && differs_in_limits(&link->call)))
        topology->keeps(topology->context, queue, words);
    return outcome;
}

static enum outcome declare_queue(struct link *link, amqp_channel_t channel,
                                  const struct bus_topology *topology,
                                  const struct bus_queue *queue, struct err *err)
{
    enum outcome outcome = link_declare_queue(link, channel, queue, false, err);
    if (outcome == OUTCOME_REFUSED && topology->keeps &&
        !str_is_absent(queue->former_dead_routing_key) && differs_in_dead_letters(&link->call))
        outcome = declare_former(link, channel, topology, queue, err);
    if (outcome == OUTCOME_REFUSED && topology->keeps && differs_in_limits(&link->call))
        TRY(keep_queue(link, channel, topology, queue, err));
    else
        TRY(explain(link, outcome, "queue", queue->name, err));
    for (size_t i = 0; i < queue->binding_count; i++)
        TRY(bind_queue(link, channel, queue->name, &queue->bindings[i], err));
    return OUTCOME_DONE;
}

static enum outcome unbind_exchange(struct link *link, amqp_channel_t channel,
                                    const struct bus_unbinding *unbinding, struct err *err)
{
    amqp_exchange_unbind_t unbind = {
        .destination = amqp_bytes_of(unbinding->target),
        .source = amqp_bytes_of(unbinding->binding.exchange),
        .routing_key = amqp_bytes_of(unbinding->binding.pattern),
    };
    return explain(link,
                   link_call(link, channel, AMQP_EXCHANGE_UNBIND_METHOD, &unbind,
                             AMQP_EXCHANGE_UNBIND_OK_METHOD, err),
                   "taking a binding from exchange", unbinding->target, err);
}

/* The broker agrees even when the binding, the queue or the exchange does not exist. */
static enum outcome unbind(struct link *link, amqp_channel_t channel,
                           const struct bus_unbinding *unbinding, struct err *err)
{
    if (unbinding->is_exchange)
        return unbind_exchange(link, channel, unbinding, err);
    amqp_queue_unbind_t unbind = {
        .queue = amqp_bytes_of(unbinding->target),
        .exchange = amqp_bytes_of(unbinding->binding.exchange),
        .routing_key = amqp_bytes_of(unbinding->binding.pattern),
    };
    return explain(link,
                   link_call(link, channel, AMQP_QUEUE_UNBIND_METHOD, &unbind,
                             AMQP_QUEUE_UNBIND_OK_METHOD, err),
                   "taking a binding from queue", unbinding->target, err);
}

static enum outcome bind_exchanges(struct link *link, amqp_channel_t channel,
                                   const struct bus_topology *topology, struct err *err)
{
    for (size_t i = 0; i < topology->exchange_count; i++) {
        const struct bus_exchange *exchange = &topology->exchanges[i];
        for (size_t k = 0; k < exchange->binding_count; k++)
            TRY(bind_exchange(link, channel, exchange->name, &exchange->bindings[k], err));
    }
    return OUTCOME_DONE;
}

enum outcome link_declare(struct link *link, amqp_channel_t channel,
                          const struct bus_topology *topology, struct err *err)
{
    TRY(link_open_channel(link, channel, err));
    for (size_t i = 0; i < topology->exchange_count; i++)
        TRY(declare_exchange(link, channel, &topology->exchanges[i], err));
    for (size_t i = 0; i < topology->queue_count; i++)
        TRY(declare_queue(link, channel, topology, &topology->queues[i], err));
    TRY(bind_exchanges(link, channel, topology, err));
    for (size_t i = 0; i < topology->unbinding_count; i++)
        TRY(unbind(link, channel, &topology->unbindings[i], err));
    return link_close_channel(link, channel, err);
}

enum outcome link_queue_depth(struct link *link, amqp_channel_t channel, struct str queue,
                              int64_t *out, struct err *err)
{
    TRY(link_open_channel(link, channel, err));
    amqp_queue_declare_t declare = {.queue = amqp_bytes_of(queue), .passive = true};
    TRY(link_call(link, channel, AMQP_QUEUE_DECLARE_METHOD, &declare, AMQP_QUEUE_DECLARE_OK_METHOD,
                  err));
    const int64_t depth = link->call.message_count;
    TRY(link_close_channel(link, channel, err));
    *out = depth;
    return OUTCOME_DONE;
}
