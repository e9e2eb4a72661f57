/* sealing_key.c - `cartwright sealing-key`: the public key that web tiers seal passwords with. */
#include <stdio.h>

#include "cartwright/command.h"
#include "crypto/auth.h"

static int print_key(struct app *app)
{
    struct err err = {0};
    struct auth_keys keys;
    const struct engine_settings *engine = &app->settings->engine;
    if (auth_init(&err) != OUTCOME_DONE ||
        auth_keys_load(engine->master_key, engine->token_key, &keys, &err) != OUTCOME_DONE)
        return command_fail_err("sealing-key", &err);
    printf("%s\n", auth_box_key(&app->arena, &keys).ptr);
    return EXIT_OK;
}

static int run(int argc, char **argv)
{
    static const char *const needed[] = {"auth.masterKey", "auth.tokenKey", NULL};
    struct app app;
    if (!app_open_for(needed, &app, &argc, argv))
        return EXIT_USAGE;
    const int status =
        argc == 1 ? print_key(&app) : command_fail("sealing-key", EXIT_USAGE, "usage: sealing-key");
    app_close(&app);
    return status;
}

const struct command sealing_key_command = {
    .name = "sealing-key",
    .run = run,
    .usage = "sealing-key [--config FILE]",
    .help = "print the public key that web tiers seal passwords with",
    .details =
        "It belongs to the first of auth.masterKey and needs no secrecy. What is sealed with it\n"
        "(libsodium's crypto_box_seal; header x-sealed, docs/protocol.md) only workers with that\n"
        "master key can open.",
};
