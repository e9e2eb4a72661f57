/* config.c - `cartwright config`: shows the settings in force and where each of them came from. */
#include <stdio.h>

#include "cartwright/command.h"

static void print(const struct config_source *row)
{
    const struct str from = str_is_absent(row->from) ? STR("missing, required") : row->from;
    printf("%-24s %-34.*s # %.*s: %s\n", row->setting, STR_FMT(row->value), STR_FMT(from),
           row->help);
}

/* Shows all settings first, and then reports a missing one as every other command would. */
static int run(int argc, char **argv)
{
    static const char *const nothing[] = {NULL};
    struct app app;
    struct app whole;
    if (!app_open_for(nothing, &app, &argc, argv))
        return EXIT_USAGE;
    for (size_t i = 0; i < app.config.sources.count; i++)
        print(&app.config.sources.items[i]);
    fflush(stdout);
    struct err err = {0};
    const enum outcome outcome = app_open_again(&whole, &app, &err);
    if (outcome == OUTCOME_DONE)
        app_close(&whole);
    app_close(&app);
    return outcome == OUTCOME_DONE ? EXIT_OK
                                   : command_fail("configuration", EXIT_USAGE, "%s", err.text);
}

const struct command config_command = {
    .name = "config",
    .run = run,
    .usage = "config [--config FILE]",
    .help = "show every setting, its value and its origin",
    .details =
        "Secrets are shown as ***. An unknown key, a wrong type or a value out of range is\n"
        "reported with its place, as every other command does at its start. What is missing\n"
        "is shown as missing; then the exit status is 2.",
};
