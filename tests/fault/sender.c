/* sender.c - a client as it should be: what stays unanswered it sends again with the same message
 * id, over a new connection when the old one is lost, or has been silent twice: RabbitMQ 3.10 leaves
 * the channel of a publisher blocked for ever when a quorum queue is deleted under its messages. */
#include <stdlib.h>

#include "base/clock.h"
#include "fault/fault.h"
#include "support/users.h"

#define RESEND_US 4000000 /* nothing was heard for so long */
#define PAUSE_MS  100

void sender_init(struct sender *sender, struct fault *fault)
{
    *sender = (struct sender){
        .fault = fault, .silent_since_us = clock_monotonic_us(), .resend_us = RESEND_US};
}

static void lose(struct sender *sender)
{
    bus_client_close(sender->client);
    sender->client = NULL;
}

void sender_release(struct sender *sender)
{
    lose(sender);
    free(sender->by_ticket);
}

static void write_call(struct sender *sender, struct call *call)
{
    const uint64_t ticket =
        bus_client_send(sender->client, &(struct bus_request){.operation = call->operation,
                                                              .body = call->body,
                                                              .token = call->token,
                                                              .message_id = call->message_id});
    if (ticket >= sender->ticket_capacity) {
        sender->ticket_capacity = 2 * (size_t)ticket + 64;
        sender->by_ticket =
            realloc(sender->by_ticket, sender->ticket_capacity * sizeof(struct call *));
        if (!sender->by_ticket)
            panic("out of memory for tickets");
    }
    sender->by_ticket[ticket] = call;
}

static void write_open(struct sender *sender)
{
    sender->silent_since_us = clock_monotonic_us();
    for (size_t i = 0; i < sender->open.count; i++)
        write_call(sender, sender->open.items[i]);
}

static bool connect_again(struct sender *sender)
{
    struct err err = {0};
    if (bus_client_open(users_web(), sender->fault->exchange, &sender->client, &err) !=
        OUTCOME_DONE)
        return false;
    write_open(sender);
    return true;
}

void sender_send(struct sender *sender, struct call *call)
{
    struct calls *open = &sender->open;
    open->items = arena_grow(&sender->fault->arena, open->items, open->count, sizeof(struct call *),
                             &open->capacity);
    open->items[open->count++] = call;
    call->sent_us = clock_monotonic_us();
    if (sender->client)
        write_call(sender, call);
}

/* False: it was not. */
static bool no_longer_open(struct sender *sender, const struct call *call)
{
    struct calls *open = &sender->open;
    for (size_t i = 0; i < open->count; i++)
        if (open->items[i] == call) {
            open->items[i] = open->items[--open->count];
            return true;
        }
    return false;
}

/* Whoever is impatient leaves instead of asking again. */
static struct call *give_up_one(struct sender *sender)
{
    for (size_t i = 0; i < sender->open.count; i++) {
        struct call *call = sender->open.items[i];
        if (!call->impatient)
            continue;
        call->unknown = call->gave_up = no_longer_open(sender, call);
        return call;
    }
    return NULL;
}

static bool is_silent(const struct sender *sender)
{
    return sender->open.count > 0 &&
           clock_monotonic_us() - sender->silent_since_us >= sender->resend_us;
}

static void end_silence(struct sender *sender)
{
    if (sender->silences++ % 2)
        lose(sender);
    else
        write_open(sender);
}

struct call *sender_next(struct sender *sender, int timeout_ms)
{
    if (!sender->client || is_silent(sender)) {
        struct call *given_up = give_up_one(sender);
        if (given_up)
            return given_up;
    }
    if (!sender->client && !connect_again(sender)) {
        fault_sleep_ms(PAUSE_MS);
        return NULL;
    }
    struct bus_reply reply;
    struct err err = {0};
    const int64_t begin_us = clock_monotonic_us();
    const enum outcome outcome = bus_client_receive(sender->client, timeout_ms, &reply, &err);
    if (outcome == OUTCOME_DONE) {
        struct call *call = sender->by_ticket[reply.ticket];
        sender->silent_since_us = clock_monotonic_us();
        sender->silences = 0;
        if (call->replies == 0)
            call->answered_us = sender->silent_since_us;
        history_reply(sender->fault, call, reply.status, reply.body);
        return no_longer_open(sender, call) ? call : NULL;
    }
    /* Back before the time is over: the connection is lost. */
    if (outcome == OUTCOME_RETRY && clock_monotonic_us() - begin_us < timeout_ms * 1000LL)
        lose(sender);
    else if (is_silent(sender))
        end_silence(sender);
    return NULL;
}

bool sender_finish(struct sender *sender)
{
    const int64_t end_us = clock_monotonic_us() + COMES_BACK_S * 1000000LL;
    while (sender->open.count && clock_monotonic_us() < end_us)
        sender_next(sender, PAUSE_MS);
    if (sender->open.count)
        fault_fail(sender->fault, "%zu calls are not answered after %d s, the first: %.*s %.*s",
                   sender->open.count, COMES_BACK_S, STR_FMT(sender->open.items[0]->operation),
                   STR_FMT(sender->open.items[0]->message_id));
    return sender->open.count == 0;
}

void sender_call(struct fault *fault, struct call *call)
{
    struct sender sender;
    sender_init(&sender, fault);
    sender_send(&sender, call);
    sender_finish(&sender);
    sender_release(&sender);
}
