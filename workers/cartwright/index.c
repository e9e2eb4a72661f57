/* index.c - `cartwright index`: creates collections and indexes, and brings what is stored up to
 * date. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "auth/user_forms.h"
#include "cartwright/command.h"
#include "catalog/reindex.h"
#include "service/connections.h"

static void print_line(const char *line)
{
    puts(line);
}

static void show(const char *what, const char *got, const struct swept *so_far)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%s: %" PRId64 " looked at, %" PRId64 " got %s", what, so_far->seen,
                so_far->written, got);
}

static void print_swept(const char *what, const char *got, const struct swept *done)
{
    show(what, got, done);
    if (isatty(STDERR_FILENO))
        fputc('\n', stderr);
    if (done->written > 0)
        printf("%s: %" PRId64 " got %s\n", what, done->written, got);
}

#define PRODUCTS "products", "new search keys"
#define ACCOUNTS "accounts", "the form of their address"

static void show_products(const struct swept *so_far)
{
    show(PRODUCTS, so_far);
}

static void show_accounts(const struct swept *so_far)
{
    show(ACCOUNTS, so_far);
}

/* Prints no addresses: ids are enough for a person who may look at accounts. */
static void print_twins(const struct twin *twins)
{
    for (const struct twin *twin = twins; twin; twin = twin->next)
        printf(
            "accounts: %.*s and %.*s have one address in two spellings; each logs in by its own\n",
            STR_FMT(twin->holder), STR_FMT(twin->id));
}

static enum outcome apply(struct store *store, struct arena *arena, struct err *err)
{
    struct swept products = {0};
    struct user_forms accounts = {0};
    TRY(store_apply_indexes(store, print_line, err));
    TRY(products_reindex(store, show_products, &products, err));
    print_swept(PRODUCTS, &products);
    TRY(users_give_forms(store, arena, show_accounts, &accounts, err));
    print_swept(ACCOUNTS, &accounts.swept);
    print_twins(accounts.twins);
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
        outcome = apply(store, &app.arena, &err);
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
        "search keys are not those of this release get them, and accounts the form of their\n"
        "email address; two accounts with one address are told of and stay.",
};
