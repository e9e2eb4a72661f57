/* call.c - `cartwright call`: sends one request, and prints its reply on standard output.
 *
 * The command needs only the broker: it is a client like any web tier. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "bus/bus_client.h"
#include "cartwright/command.h"
#include "crypto/auth.h"
#include "service/names.h"
#include "wire/json.h"
#include "wire/schema_secret.h"

#define TIMEOUT_MS  30000
#define DEFAULT_URI "amqp://guest:guest@127.0.0.1:5672/"
#define BODY_MAX    ((size_t)1 << 20)

struct call {
    struct str operation;
    struct str body;
    struct str token;
    struct str message_id;
    struct str api_key;
    struct str partition_key;
    struct str get;
    struct str sealing_key;
};

/* --- the command line --------------------------------------------------------------------------- */

struct option {
    const char *name;
    size_t at;      /* offset of a struct str in struct call */
    bool from_file; /* the value names a file that contains it */
};

static const struct option options[] = {
    {"--token", offsetof(struct call, token), false},
    {"--token-file", offsetof(struct call, token), true},
    {"--api-key", offsetof(struct call, api_key), false},
    {"--api-key-file", offsetof(struct call, api_key), true},
    {"--id", offsetof(struct call, message_id), false},
    {"--key", offsetof(struct call, partition_key), false},
    {"--get", offsetof(struct call, get), false},
    {"--sealing-key", offsetof(struct call, sealing_key), false},
};

static const struct option *find_option(const char *name)
{
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    return NULL;
}

static int misuse(const char *format, const char *what)
{
    command_fail("call", EXIT_USAGE, format, what);
    return EXIT_USAGE;
}

static int take_option(struct arena *arena, struct call *call, const struct option *option,
                       const char *value)
{
    struct str *at = (struct str *)(void *)((char *)call + option->at);
    if (!value)
        return misuse("%s lacks its value", option->name);
    if (!str_is_absent(*at))
        return misuse("%s: there is one already", option->name);
    if (!option->from_file)
        *at = str_of(value);
    else if (!command_read_line(arena, value, at))
        return misuse("cannot read a line of '%s'", value);
    return EXIT_OK;
}

static int parse(struct arena *arena, struct call *call, int argc, char **argv)
{
    struct str *const positional[] = {&call->operation, &call->body};
    size_t seen = 0;
    for (int i = 1; i < argc; i++) {
        const struct option *option = find_option(argv[i]);
        const bool is_word = argv[i][0] != '-' || strcmp(argv[i], "-") == 0;
        int status = EXIT_OK;
        if (option)
            status = take_option(arena, call, option, argv[++i]);
        else if (is_word && seen < 2)
            *positional[seen++] = str_of(argv[i]);
        else
            status = misuse("usage: %s", call_command.usage);
        if (status != EXIT_OK)
            return status;
    }
    if (str_is_absent(call->operation))
        return misuse("usage: %s", call_command.usage);
    if (str_is_absent(call->body))
        call->body = STR("{}");
    if (str_eq(call->body, STR("-")) && !command_read_file(arena, "-", BODY_MAX, &call->body))
        return misuse("%s", "cannot read standard input, or it is over 1 MiB");
    return EXIT_OK;
}

/* --- the reply ---------------------------------------------------------------------------------- */

/* Prints one value of the reply, as a script wants it: a text without its quotes. False when the
 * value is not there. */
static bool print_value(struct arena *arena, const struct bus_reply *reply, struct str pointer)
{
    struct err err = {0};
    const struct json *json;
    if (json_parse(arena, reply->body, &json, &err) != OUTCOME_DONE)
        return false;
    const struct json *value = json_at(json, pointer.ptr);
    if (!value)
        return false;
    const struct str text = json_str(value);
    const struct str shown = str_is_absent(text) ? json_text(arena, value) : text;
    printf("%.*s\n", STR_FMT(isatty(STDOUT_FILENO) ? str_shown(arena, shown, false) : shown));
    return true;
}

static void print_whole(FILE *out, struct arena *arena, const struct bus_reply *reply)
{
    struct err err = {0};
    struct str pretty;
    if (json_pretty(arena, reply->body, &pretty, &err) != OUTCOME_DONE)
        pretty = str_shown(arena, reply->body, true);
    fprintf(out, "%.*s\n", STR_FMT(pretty));
}

static int status_of(const struct bus_reply *reply)
{
    if (reply->status >= 200 && reply->status < 300)
        return EXIT_OK;
    return reply->status >= 500 || reply->status < 200 ? EXIT_FAILED : EXIT_REFUSED;
}

/* When a value was asked for that is not there, prints the whole reply on standard error, where no
 * script takes it for the value. Returns the exit status. */
static int print_reply(struct arena *arena, const struct bus_reply *reply, struct str get)
{
    const int status = status_of(reply);
    const bool wants_value = !str_is_absent(get);
    const bool has_value = wants_value && status == EXIT_OK && print_value(arena, reply, get);
    if (!has_value)
        print_whole(wants_value ? stderr : stdout, arena, reply);
    fprintf(stderr, "status %d, %.1f ms\n", reply->status, (double)reply->micros / 1000.0);
    return status == EXIT_OK && wants_value && !has_value ? EXIT_REFUSED : status;
}

/* --- the call ----------------------------------------------------------------------------------- */

static bool seal_member(void *context, struct arena *arena, struct str value, struct str *out)
{
    const struct call *call = context;
    return auth_box_seal(arena, call->sealing_key, value, out);
}

/* Seals the members that the operation's schema marks writeOnly. Returns an exit status. */
static int seal_secrets(struct arena *arena, struct call *call)
{
    static const struct app_settings none;
    const struct service service = shop_service(&none);
    const struct operation *operation = service_operation(&service, call->operation);
    const struct json *json;
    struct err err = {0};
    if (str_is_absent(call->sealing_key))
        return EXIT_OK;
    if (!operation)
        return misuse("--sealing-key: there is no operation '%s'", call->operation.ptr);
    if (auth_init(&err) != OUTCOME_DONE ||
        json_parse(arena, call->body, &json, &err) != OUTCOME_DONE)
        return command_fail_err("call", &err);
    if (!schema_change_secrets(operation_schema(operation), arena, json, seal_member, call))
        return misuse("%s", "--sealing-key: `cartwright sealing-key` prints what is wanted here");
    call->body = json_text(arena, json);
    return EXIT_OK;
}

/* The key that was given, else the caller's id: the commands of one caller keep their order. */
static struct str partition_key_of(struct arena *arena, const struct call *call)
{
    return str_is_absent(call->partition_key) ? token_alleged_subject(arena, call->token)
                                              : call->partition_key;
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
        .operation = call->operation,
        .body = call->body,
        .token = call->token,
        .message_id = call->message_id,
        .api_key = call->api_key,
        .partition_key = partition_key_of(arena, call),
        .deadline = clock_now_ms() + TIMEOUT_MS,
        .sealed = str_is_absent(call->sealing_key) ? STR_ABSENT : STR("crypto_box_seal"),
    };
    struct bus_reply reply;
    const enum outcome outcome = bus_client_call(client, &request, TIMEOUT_MS, &reply, &err);
    const int status = outcome == OUTCOME_DONE ? print_reply(arena, &reply, call->get)
                                               : command_fail_err("call", &err);
    bus_client_close(client);
    return status;
}

static int run(int argc, char **argv)
{
    struct call call = {0};
    struct arena arena;
    arena_init(&arena, 64 * 1024);
    json_init();
    int status = parse(&arena, &call, argc, argv);
    if (status == EXIT_OK)
        status = seal_secrets(&arena, &call);
    if (status == EXIT_OK)
        status = send_call(&arena, &call);
    arena_release(&arena);
    return status;
}

const struct command call_command = {
    .name = "call",
    .run = run,
    .usage = "call OPERATION [JSON|-] [--token-file FILE] ...",
    .help = "send a request, print its reply",
    .details =
        "Sends JSON (default {}; -: standard input) to OPERATION at $CARTWRIGHT_CLIENT_AMQP_URI\n"
        "(without it at $CARTWRIGHT_AMQP_URI) and prints the reply.\n"
        "--token-file FILE: an access token is its first line (-: standard input).\n"
        "--token T: the same; anybody on this machine can read T in the list of processes.\n"
        "--api-key-file FILE, --api-key K: header x-api-key; the same holds for them.\n"
        "--id ID: the message id; the same id and body are answered with the same reply and have\n"
        "one effect.\n"
        "--key K: header x-partition-key, by which partitioned domains keep commands in order;\n"
        "without it the caller's id, as the token has it.\n"
        "--sealing-key K: passwords and tokens in JSON are sealed to the shop's public key\n"
        "(`cartwright sealing-key`), so that the broker cannot read them.\n"
        "--get POINTER: print only this value of the reply (/data/accessToken), for scripts.\n"
        "Exit status: 0 done, 1 refused, 2 wrong usage, 3 a failure or no reply.",
};
