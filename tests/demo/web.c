/* web.c - requests and answers: matching, resending under the same message id, refreshing tokens. */
#include "demo/web.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"

#define ANSWER_MS      60000
#define POLL_MS        50
#define ATTEMPTS_MAX   6
#define PAUSE_US       20000 /* before the first resending; doubles */
#define EXPIRY_SLACK_S 90    /* longer than any answer takes */

enum outcome web_open(struct web *web, struct str uri, struct str exchange, struct err *err)
{
    uint8_t run[8];
    *web = (struct web){0};
    arena_init(&web->arena, 1024 * 1024);
    for (size_t i = 0; i < WEB_WINDOW; i++)
        arena_init(&web->calls[i].arena, 16 * 1024);
    random_bytes(run, sizeof(run));
    for (size_t i = 0; i < sizeof(run); i++)
        snprintf(web->run + 2 * i, 3, "%02x", run[i]);
    TRY(bus_client_open(uri, exchange, &web->client, err));
    return bus_client_open(uri, exchange, &web->desk, err);
}

void web_close(struct web *web)
{
    bus_client_close(web->client);
    bus_client_close(web->desk);
    for (size_t i = 0; i < WEB_WINDOW; i++)
        arena_release(&web->calls[i].arena);
    arena_release(&web->arena);
}

void web_fail(struct web *web, const char *format, ...)
{
    if (web->failed)
        return; /* the first failure explains the others */
    web->failed = true;
    va_list args;
    va_start(args, format);
    vsnprintf(web->failure, sizeof(web->failure), format, args);
    va_end(args);
}

bool web_expect(struct web *web, const char *what, const struct answer *answer)
{
    if (answer->data)
        return true;
    web_fail(web, "%s: %.*s", what, STR_FMT(answer->text));
    return false;
}

/* --- sessions ---------------------------------------------------------------------------------- */

void web_take_tokens(struct web *web, struct session *session, const struct json *data)
{
    session->access = str_dup(&web->arena, json_str(json_member(data, "accessToken")));
    session->refresh = str_dup(&web->arena, json_str(json_member(data, "refreshToken")));
    session->expires_us =
        clock_monotonic_us() + 1000000 * json_int(json_member(data, "expiresIn"), 0);
}

static void read_answer(struct arena *arena, const struct bus_reply *reply, struct answer *out)
{
    struct err err = {0};
    const struct json *json = NULL;
    *out = (struct answer){.status = reply->status, .text = str_dup(arena, reply->body)};
    if (json_parse(arena, out->text, &json, &err) != OUTCOME_DONE)
        json = NULL; /* shows as an answer without data and code */
    out->data = json_bool(json_member(json, "ok"), false) ? json_member(json, "data") : NULL;
    out->code = json_str(json_at(json, "/error/code"));
}

/* Tokens live for minutes, a large file takes longer. */
static void refresh(struct web *web, struct session *session)
{
    struct arena arena;
    struct err err = {0};
    struct bus_reply reply;
    struct answer answer;
    arena_init(&arena, 4096);
    const struct bus_request request = {
        .operation = STR("auth.refresh"),
        .body = str_printf(&arena, "{\"refreshToken\":\"%.*s\"}", STR_FMT(session->refresh)),
        .deadline = clock_now_ms() + ANSWER_MS,
    };
    if (bus_client_call(web->desk, &request, ANSWER_MS, &reply, &err) != OUTCOME_DONE) {
        web_fail(web, "auth.refresh: %s", err.text);
    } else {
        read_answer(&arena, &reply, &answer);
        if (web_expect(web, "auth.refresh", &answer))
            web_take_tokens(web, session, answer.data);
    }
    arena_release(&arena);
}

/* --- requests ----------------------------------------------------------------------------------- */

bool web_has_room(const struct web *web)
{
    return web->in_flight < WEB_WINDOW;
}

static struct call *call_of(struct web *web, uint64_t ticket)
{
    for (size_t i = 0; i < WEB_WINDOW; i++)
        if (web->calls[i].ticket == ticket)
            return &web->calls[i];
    return NULL;
}

static void send_call(struct web *web, struct call *call)
{
    struct session *session = call->ask.session;
    if (session && session->expires_us - clock_monotonic_us() < EXPIRY_SLACK_S * 1000000LL)
        refresh(web, session);
    const struct bus_request request = {
        .operation = str_of(call->ask.operation),
        .body = call->ask.body,
        .token = session ? session->access : STR_ABSENT,
        .message_id = call->message_id,
        .deadline = clock_now_ms() + ANSWER_MS,
    };
    call->attempts++;
    call->ticket = bus_client_send(web->client, &request);
}

void web_send(struct web *web, const struct ask *ask)
{
    struct call *call = call_of(web, 0);
    if (!call)
        panic("over %d requests in flight", WEB_WINDOW);
    arena_clear(&call->arena);
    call->ask = *ask;
    call->ask.body = str_dup(&call->arena, ask->body);
    call->message_id = str_printf(&call->arena, "%s-%" PRIu64, web->run, ++web->sent);
    call->attempts = 0;
    web->in_flight++;
    send_call(web, call);
}

/* --- answers ------------------------------------------------------------------------------------ */

static void measure(struct web *web, const struct call *call, int64_t micros)
{
    struct web_speed *speed = web->measure;
    if (!speed)
        return;
    GROW(&web->arena, &speed->times);
    speed->times.items[speed->times.count - 1] = micros;
    if (strcmp(call->ask.operation, "order.place") != 0)
        return;
    GROW(&web->arena, &speed->placing);
    speed->placing.items[speed->placing.count - 1] = micros;
}

static bool is_worth_another_try(const struct call *call, const struct answer *answer,
                                 struct arena *arena)
{
    struct err err = {0};
    const struct json *json = NULL;
    return !answer->data && call->attempts < ATTEMPTS_MAX &&
           json_parse(arena, answer->text, &json, &err) == OUTCOME_DONE &&
           json_bool(json_at(json, "/error/retryable"), false);
}

static void take_reply(struct web *web, const struct bus_reply *reply)
{
    struct call *call = call_of(web, reply->ticket);
    if (!call)
        return; /* answered already */
    struct answer answer;
    measure(web, call, reply->micros);
    read_answer(&call->arena, reply, &answer);
    if (is_worth_another_try(call, &answer, &call->arena)) {
        /* The same message id: whatever became of the first, there is one effect. */
        usleep((useconds_t)(PAUSE_US << (call->attempts - 1)));
        web->resent++;
        send_call(web, call);
        return;
    }
    /* Free before the answer is handled, so that the next request finds a place; its answer lives
     * in an arena that the next request clears, hence the swap. */
    struct arena answers = call->arena;
    const struct ask ask = call->ask;
    arena_init(&call->arena, 16 * 1024);
    call->ticket = 0;
    web->in_flight--;
    ask.then(ask.context, ask.item, &answer);
    arena_release(&answers);
}

/* Waits for one reply. A wait that ends early has lost the connection. */
static void receive(struct web *web)
{
    const int64_t since_us = clock_monotonic_us();
    for (int64_t now_us = since_us;; now_us = clock_monotonic_us()) {
        struct err err = {0};
        struct bus_reply reply;
        if (web->idle)
            web->idle(web->idle_context);
        const enum outcome outcome = bus_client_receive(web->client, POLL_MS, &reply, &err);
        if (outcome == OUTCOME_DONE) {
            take_reply(web, &reply);
            return;
        }
        if (outcome != OUTCOME_RETRY || now_us - since_us > ANSWER_MS * 1000LL ||
            clock_monotonic_us() - now_us < POLL_MS * 500LL) {
            web_fail(web, "%s", err.text);
            return;
        }
    }
}

void web_run(struct web *web, bool (*start)(void *context), void *context)
{
    while (!web->failed) {
        while (web_has_room(web) && !web->failed && start(context))
            ;
        if (web->in_flight == 0)
            return;
        receive(web);
    }
}

static int compare_times(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

int64_t web_percentile(web_times *times, double share)
{
    if (times->count == 0)
        return 0;
    qsort(times->items, times->count, sizeof(int64_t), compare_times);
    const size_t at = (size_t)(share * (double)times->count);
    return times->items[at < times->count ? at : times->count - 1];
}
