/* call.c - `cartwright call`: one request, its reply on standard output.
 *
 * Needs only the broker: it is a client like any web tier. */
#include <stdio.h>
#include <stdlib.h>

#include "auth/auth.h"
#include "base/clock.h"
#include "bus/bus_client.h"
#include "cartwright/command.h"
#include "wire/json.h"
#include "worker/names.h"

#define TIMEOUT_MS  30000
#define DEFAULT_URI "amqp://guest:guest@127.0.0.1:5672/"

struct call {
    const char *operation;
    const char *body;
    const char *token;
    const char *message_id;
    const char *api_key;
    const char *partition_key;
};

static bool parse(struct call *call, int argc, char **argv)
{
    const char **positional[] = {&call->operation, &call->body};
    size_t seen = 0;
    for (int i = 1; i < argc; i++) {
        const char **option = strcmp(argv[i], "--token") == 0     ? &call->token
                              : strcmp(argv[i], "--id") == 0      ? &call->message_id
                              : strcmp(argv[i], "--api-key") == 0 ? &call->api_key
                              : strcmp(argv[i], "--key") == 0     ? &call->partition_key
                                                                  : NULL;
        if (option && i + 1 < argc)
            *option = argv[++i];
        else if (!option && argv[i][0] != '-' && seen < 2)
            *positional[seen++] = argv[i];
        else
            return false;
    }
    if (!call->body)
        call->body = "{}";
    return call->operation != NULL;
}

static int print_reply(struct arena *arena, const struct bus_reply *reply)
{
    struct err err = {0};
    struct str pretty;
    if (json_pretty(arena, reply->body, &pretty, &err) != OUTCOME_DONE)
        pretty = reply->body;
    printf("%.*s\n", STR_FMT(pretty));
    fprintf(stderr, "status %d, %.1f ms\n", reply->status, (double)reply->micros / 1000.0);
    if (reply->status >= 200 && reply->status < 300)
        return EXIT_OK;
    return reply->status >= 500 || reply->status < 200 ? EXIT_FAILED : EXIT_REFUSED;
}

/* The caller's own commands keep their order. */
static struct str partition_key_of(struct arena *arena, const struct call *call)
{
    return call->partition_key ? str_of(call->partition_key)
                               : token_alleged_subject(arena, str_of(call->token));
}

static struct str env_or(const char *name, const char *fallback)
{
    const char *value = getenv(name);
    return str_of(value && *value ? value : fallback);
}

static int send_call(struct arena *arena, const struct call *call)
{
    struct err err = {0};
    struct bus_client *client;
    const struct str uri =
        env_or("CARTWRIGHT_CLIENT_AMQP_URI", env_or("CARTWRIGHT_AMQP_URI", DEFAULT_URI).ptr);
    const struct str exchange = name_requests(arena, env_or("CARTWRIGHT_PREFIX", "cartwright"));
    if (bus_client_open(uri, exchange, &client, &err) != OUTCOME_DONE)
        return command_fail_err("call", &err);
    const struct bus_request request = {
        .operation = str_of(call->operation),
        .body = str_of(call->body),
        .token = str_of(call->token),
        .message_id = str_of(call->message_id),
        .api_key = str_of(call->api_key),
        .partition_key = partition_key_of(arena, call),
        .deadline = clock_now_ms() + TIMEOUT_MS,
    };
    struct bus_reply reply;
    const enum outcome outcome = bus_client_call(client, &request, TIMEOUT_MS, &reply, &err);
    const int status =
        outcome == OUTCOME_DONE ? print_reply(arena, &reply) : command_fail_err("call", &err);
    bus_client_close(client);
    return status;
}

static int run(int argc, char **argv)
{
    struct call call = {0};
    if (!parse(&call, argc, argv))
        return command_fail("call", EXIT_USAGE,
                            "usage: call OPERATION [JSON] [--token T] [--id MESSAGE_ID]");
    struct arena arena;
    arena_init(&arena, 64 * 1024);
    json_init();
    const int status = send_call(&arena, &call);
    arena_release(&arena);
    return status;
}

const struct command call_command = {
    .name = "call",
    .run = run,
    .usage = "call OPERATION [JSON] [--token T]",
    .help = "send a request, print its reply",
    .details =
        "Sends JSON (default {}) to OPERATION at $CARTWRIGHT_CLIENT_AMQP_URI (without it at\n"
        "$CARTWRIGHT_AMQP_URI) and prints the reply.\n"
        "--token T: an access token. --id ID: the message id; the same id and body are answered\n"
        "with the same reply and have one effect. --api-key K: header x-api-key.\n"
        "--key K: header x-partition-key, by which partitioned workers keep commands in order;\n"
        "without it the caller's id, as the token has it.\n"
        "Exit status: 0 done, 1 refused, 2 wrong usage, 3 a failure or no reply.",
};
