/* config.c - `cartwright config`: what is in force and where it came from. */
#include <stdio.h>

#include "cartwright/command.h"

static int run(int argc, char **argv)
{
    struct app app;
    if (!app_open(&app, &argc, argv))
        return EXIT_USAGE;
    for (size_t i = 0; i < app.config.sources.count; i++) {
        const struct config_source *row = &app.config.sources.items[i];
        printf("%-24s %-34.*s # %.*s: %s\n", row->setting, STR_FMT(row->value), STR_FMT(row->from),
               row->help);
    }
    app_close(&app);
    return EXIT_OK;
}

const struct command config_command = {
    .name = "config",
    .run = run,
    .usage = "config [--config FILE]",
    .help = "show every setting, its value and its origin",
    .details = "Secrets are shown as ***. An unknown key, a wrong type or a value out of range is\n"
               "reported with its place, as every other command does at its start.",
};
