/* index.c - `cartwright index`: creates collections and indexes. */
#include <stdio.h>

#include "cartwright/command.h"
#include "worker/process.h"

static void print_line(const char *line)
{
    puts(line);
}

static int run(int argc, char **argv)
{
    static const char *const needed[] = {"mongodb.uri", NULL};
    struct app app;
    if (!app_open_for(needed, &app, &argc, argv))
        return EXIT_USAGE;
    struct err err = {0};
    const struct store_options options = store_options_of(&app.service, &app.settings->engine);
    struct store *store = NULL;
    enum outcome outcome = store_open(&options, &store, &err);
    if (outcome == OUTCOME_DONE)
        outcome = store_apply_indexes(store, print_line, &err);
    if (store)
        store_close(store);
    app_close(&app);
    return outcome == OUTCOME_DONE ? EXIT_OK : command_fail_err("index", &err);
}

const struct command index_command = {
    .name = "index",
    .run = run,
    .usage = "index [--config FILE]",
    .help = "create the collections and indexes",
    .details =
        "Safe to repeat. Creates what is missing and never drops anything. Workers refuse to\n"
        "start while a declared index is missing.",
};
