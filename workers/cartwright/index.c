/* index.c - `cartwright index`: creates collections and indexes, and brings what is stored up to
 * date. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cartwright/command.h"
#include "catalog/reindex.h"
#include "worker/process.h"

static void print_line(const char *line)
{
    puts(line);
}

static void show_progress(const struct reindex *so_far)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\rproducts: %" PRId64 " looked at, %" PRId64 " got new search keys",
                so_far->seen, so_far->written);
}

static void print_reindexed(const struct reindex *so_far)
{
    show_progress(so_far);
    if (isatty(STDERR_FILENO))
        fputc('\n', stderr);
    if (so_far->written > 0)
        printf("products: %" PRId64 " got new search keys\n", so_far->written);
}

static enum outcome apply(struct store *store, struct err *err)
{
    struct reindex done = {0};
    TRY(store_apply_indexes(store, print_line, err));
    TRY(products_reindex(store, show_progress, &done, err));
    print_reindexed(&done);
    return OUTCOME_DONE;
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
        outcome = apply(store, &err);
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
        "Safe to repeat, beside workers that go on. Creates what is missing and never drops\n"
        "anything. Workers refuse to start while a declared index is missing. Products whose\n"
        "search keys are not those of this release get them.",
};
