/* bus_queues_fake.c - what happens to messages in queues: arrival, expiry, return, death. */
#include <stdlib.h>

#include "bus/delivery_list.h"
#include "fakes/bus_routes_fake.h"

void messages_insert(struct fake_messages *messages, struct fake_message *message)
{
    struct fake_message **at = &messages->first;
    while (*at && (*at)->seq < message->seq)
        at = &(*at)->next;
    message->next = *at;
    *at = message;
    messages->count++;
}

struct fake_message *messages_remove(struct fake_messages *messages, struct fake_message **at)
{
    struct fake_message *message = *at;
    *at = message->next;
    message->next = NULL;
    messages->count--;
    return message;
}

void fake_message_free(struct fake_message *message)
{
    delivery_free(message->delivery);
    free(message);
}

void messages_free(struct fake_messages *messages)
{
    while (messages->first)
        fake_message_free(messages_remove(messages, &messages->first));
}

struct delivery *delivery_copy(const struct delivery *delivery)
{
    struct delivery *copy = delivery_make(delivery, delivery->body.len);
    if (delivery->body.len)
        memcpy(delivery_body(copy), delivery->body.ptr, delivery->body.len);
    return copy;
}

static int64_t expiry(const struct fake_routes *routes, const struct fake_queue *queue,
                      const struct delivery *delivery)
{
    int64_t life = queue->spec.message_ttl_ms > 0 ? queue->spec.message_ttl_ms : INT64_MAX;
    if (delivery->expiration >= 0 && delivery->expiration < life)
        life = delivery->expiration;
    return life == INT64_MAX ? INT64_MAX : routes->now_ms + life;
}

static bool enqueue(struct fake_routes *routes, struct fake_queue *queue,
                    const struct delivery *delivery)
{
    if (queue->spec.length_max > 0 && queue->ready.count >= (size_t)queue->spec.length_max)
        return false; /* x-overflow: reject-publish */
    struct fake_message *message = calloc(1, sizeof(*message));
    if (!message)
        panic("out of memory for a message");
    struct delivery named = *delivery;
    named.queue = queue->spec.name;
    message->delivery = delivery_copy(&named);
    message->seq = ++routes->last_seq;
    message->expires_at = expiry(routes, queue, delivery);
    messages_insert(&queue->ready, message);
    return true;
}

enum fate routes_publish(struct fake_routes *routes, const struct delivery *delivery)
{
    if (routes_match(routes, delivery->exchange, delivery) == 0)
        return UNROUTABLE;
    enum fate fate = ROUTED;
    for (struct fake_queue *queue = routes->queues; queue; queue = queue->next) {
        if (queue->is_hit && !enqueue(routes, queue, delivery))
            fate = REJECTED;
        queue->is_hit = false;
    }
    return fate;
}

static struct str death_of(struct fake_routes *routes, const struct fake_queue *queue,
                           const struct delivery *delivery, const char *reason)
{
    return str_printf(routes->arena,
                      "{\"reason\":\"%s\",\"queue\":\"%.*s\",\"exchange\":\"%.*s\","
                      "\"routing-keys\":[\"%.*s\"]}",
                      reason, STR_FMT(queue->spec.name), STR_FMT(delivery->exchange),
                      STR_FMT(delivery->routing_key));
}

/* Adds what the broker writes about a death: the newest death comes first, and what was there
 * before (a publisher may have written it) follows. */
static struct str headers_of_death(struct fake_routes *routes, const struct fake_queue *queue,
                                   const struct delivery *delivery, const char *reason)
{
    static const struct str list = {"\"x-death\":[", 11};
    const struct str before = delivery->headers;
    const struct str death = death_of(routes, queue, delivery, reason);
    if (str_is_absent(before))
        return before;
    const char *deaths = memmem(before.ptr, before.len, list.ptr, list.len);
    if (!deaths)
        return str_printf(routes->arena,
                          "%.*s%s\"x-first-death-queue\":\"%.*s\",\"x-first-death-reason\":\"%s\","
                          "\"x-first-death-exchange\":\"%.*s\",\"x-death\":[%.*s]}",
                          (int)before.len - 1, before.ptr, before.len > 2 ? "," : "",
                          STR_FMT(queue->spec.name), reason, STR_FMT(delivery->exchange),
                          STR_FMT(death));
    const size_t head = (size_t)(deaths - before.ptr) + list.len;
    return str_printf(routes->arena, "%.*s%.*s,%.*s", (int)head, before.ptr, STR_FMT(death),
                      (int)(before.len - head), before.ptr + head);
}

static struct str expiration_text(struct fake_routes *routes, const struct delivery *delivery)
{
    return delivery->expiration < 0
               ? STR_ABSENT
               : str_printf(routes->arena, "%lld", (long long)delivery->expiration);
}

/* RabbitMQ keeps a dead letter that no queue takes; the fake drops it, and a test sees that. */
void routes_dead_letter(struct fake_routes *routes, const struct fake_queue *queue,
                        struct fake_message *message, const char *reason)
{
    if (!str_is_absent(queue->spec.dead_exchange)) {
        struct delivery dead = *message->delivery;
        dead.headers = headers_of_death(routes, queue, message->delivery, reason);
        dead.death_reason = str_of(reason);
        dead.death_queue = queue->spec.name;
        dead.death_exchange = message->delivery->exchange;
        dead.death_expiration = expiration_text(routes, message->delivery);
        dead.exchange = queue->spec.dead_exchange;
        if (!str_is_absent(queue->spec.dead_routing_key))
            dead.routing_key = queue->spec.dead_routing_key;
        dead.expiration = -1;
        dead.delivery_count = 0;
        dead.redelivered = false;
        (void)routes_publish(routes, &dead);
    }
    fake_message_free(message);
}

/* Puts the message back in its old place, with one delivery more on its count. */
void routes_give_back(struct fake_routes *routes, struct fake_queue *queue,
                      struct fake_message *message)
{
    message->delivery->delivery_count++;
    message->delivery->redelivered = true;
    if (queue->spec.delivery_limit > 0 &&
        message->delivery->delivery_count > queue->spec.delivery_limit)
        routes_dead_letter(routes, queue, message, "delivery_limit");
    else
        messages_insert(&queue->ready, message);
}

/* As in RabbitMQ, only the first message of a queue can expire. */
static struct fake_queue *next_to_expire(const struct fake_routes *routes, int64_t until_ms)
{
    struct fake_queue *best = NULL;
    for (struct fake_queue *queue = routes->queues; queue; queue = queue->next)
        if (queue->ready.first && queue->ready.first->expires_at <= until_ms &&
            (!best || queue->ready.first->expires_at < best->ready.first->expires_at))
            best = queue;
    return best;
}

void routes_advance(struct fake_routes *routes, int64_t ms)
{
    const int64_t end_ms = routes->now_ms + ms;
    struct fake_queue *queue;
    while ((queue = next_to_expire(routes, end_ms))) {
        struct fake_message *message = messages_remove(&queue->ready, &queue->ready.first);
        /* A message that waited behind one with a longer life expires late. */
        if (message->expires_at > routes->now_ms)
            routes->now_ms = message->expires_at;
        routes_dead_letter(routes, queue, message, "expired");
    }
    routes->now_ms = end_ms;
}
