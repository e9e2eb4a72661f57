/* migrate.c - `cartwright migrate`: stores documents of older forms in the form of this release. */
#include "migrate.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cartwright/command.h"
#include "service/connections.h"

#define RATE_DEFAULT    500
#define RATE_MAX        1000000
#define PROGRESS_US     (1000 * 1000)
#define PROGRESS_LOG_US (10 * PROGRESS_US) /* without a terminal, where lines stay */

struct options {
    bool dry_run;
    int64_t rate;
    char **names; /* of collections; none: all */
    int name_count;
};

struct report {
    const struct doc_type *type;
    bool dry_run;
    bool terminal; /* standard error is a terminal */
    int64_t next_us;
};

/* Moves the names to the front of `argv`. */
static bool parse(struct options *options, int argc, char **argv)
{
    *options = (struct options){.rate = RATE_DEFAULT, .names = argv};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--dry-run") == 0)
            options->dry_run = true;
        else if (strcmp(argv[i], "--rate") == 0 && i + 1 < argc &&
                 str_to_int64(str_of(argv[i + 1]), &options->rate) && options->rate >= 1 &&
                 options->rate <= RATE_MAX)
            i++;
        else if (argv[i][0] == '-')
            return false;
        else
            options->names[options->name_count++] = argv[i];
    }
    return true;
}

/* --- what is told --------------------------------------------------------------------------------- */

static const char *what_was_done(const struct report *report)
{
    return report->dry_run ? "of an older form" : "brought up to date";
}

static int64_t number_done(const struct report *report, const struct migrated *done)
{
    return report->dry_run ? done->older : done->written;
}

static void clear_progress(const struct report *report)
{
    if (report->terminal)
        fputs("\r\033[K", stderr);
}

static void show_progress(void *context, const struct migrated *so_far)
{
    struct report *report = context;
    const int64_t now_us = clock_monotonic_us();
    if (now_us < report->next_us)
        return;
    report->next_us = now_us + (report->terminal ? PROGRESS_US : PROGRESS_LOG_US);
    clear_progress(report);
    fprintf(stderr, "%s: %" PRId64 " looked at, %" PRId64 " %s%s", report->type->collection,
            so_far->seen, number_done(report, so_far), what_was_done(report),
            report->terminal ? "" : "\n");
}

static void print_stays(void *context, struct str id, struct str why)
{
    const struct report *report = context;
    clear_progress(report);
    command_tell(stdout, "%s %.*s stays as it is: %.*s", report->type->collection, STR_FMT(id),
                 STR_FMT(why));
}

static void print_done(const struct report *report, const struct migrated *done)
{
    clear_progress(report);
    if (done->older > 0)
        printf("%s: %" PRId64 " of %" PRId64 " %s\n", report->type->collection,
               number_done(report, done), done->seen, what_was_done(report));
    fflush(stdout);
}

static void print_total(const struct report *report, const struct migrated *total)
{
    printf("%" PRId64 " documents looked at, %" PRId64 " %s, %" PRId64 " cannot be read, %" PRId64
           " cannot be written\n",
           total->seen, number_done(report, total), what_was_done(report), total->misfits,
           total->left);
}

/* --- the run -------------------------------------------------------------------------------------- */

static void add_to(struct migrated *total, const struct migrated *done)
{
    total->seen += done->seen;
    total->older += done->older;
    total->written += done->written;
    total->misfits += done->misfits;
    total->left += done->left;
}

static bool is_wanted(const struct options *options, const struct doc_type *type)
{
    for (int i = 0; i < options->name_count; i++)
        if (strcmp(options->names[i], type->collection) == 0)
            return true;
    return options->name_count == 0;
}

static enum outcome migrate_types(const struct app *app, const struct options *options,
                                  struct store *store, struct migrated *total, struct err *err)
{
    struct report report = {.dry_run = options->dry_run, .terminal = isatty(STDERR_FILENO)};
    struct migration migration = {.dry_run = options->dry_run,
                                  .rate = options->rate,
                                  .stays = print_stays,
                                  .progress = show_progress,
                                  .context = &report};
    enum outcome outcome = OUTCOME_DONE;
    for (size_t i = 0; app->service.types[i] && outcome == OUTCOME_DONE; i++) {
        struct migrated done;
        if (!is_wanted(options, app->service.types[i]))
            continue;
        migration.type = report.type = app->service.types[i];
        outcome = migrate_run(store, &migration, &done, err);
        print_done(&report, &done);
        add_to(total, &done);
    }
    print_total(&report, total);
    return outcome;
}

/* NULL: all are collections of ours. */
static const char *unknown_name(const struct app *app, const struct options *options)
{
    for (int i = 0; i < options->name_count; i++) {
        const struct doc_type *const *type = app->service.types;
        while (*type && strcmp((*type)->collection, options->names[i]) != 0)
            type++;
        if (!*type)
            return options->names[i];
    }
    return NULL;
}

static int migrate(const struct app *app, const struct options *options)
{
    struct err err = {0};
    struct migrated total = {0};
    const struct store_options at = store_options_of(&app->service, &app->settings->engine);
    struct store *store = NULL;
    const char *unknown = unknown_name(app, options);
    if (unknown)
        return command_fail("migrate", EXIT_USAGE, "there is no collection '%s'", unknown);
    enum outcome outcome = store_open(&at, &store, &err);
    if (outcome == OUTCOME_DONE)
        outcome = migrate_types(app, options, store, &total, &err);
    store_close(store);
    if (outcome != OUTCOME_DONE)
        return command_fail_err("migrate", &err);
    return total.misfits + total.left > 0 ? EXIT_REFUSED : EXIT_OK;
}

static int run(int argc, char **argv)
{
    static const char *const needed[] = {"mongodb.uri", NULL};
    struct app app;
    struct options options;
    if (!app_open_for(needed, &app, &argc, argv))
        return EXIT_USAGE;
    const int status =
        parse(&options, argc, argv)
            ? migrate(&app, &options)
            : command_fail("migrate", EXIT_USAGE, "usage: cartwright %s", migrate_command.usage);
    app_close(&app);
    return status;
}

const struct command migrate_command = {
    .name = "migrate",
    .run = run,
    .usage = "migrate [COLLECTION...] [--dry-run] [--rate N] [--config FILE]",
    .help = "store documents in the form of this release",
    .details =
        "Goes through the documents of all collections, or of those named, and stores those anew\n"
        "that an older release has stored in another form. Workers need not wait for it: they read\n"
        "every older form. Safe beside them, and safe to stop and repeat. Run it when the last\n"
        "worker of the older release has ended, because that may bring its form back.\n\n"
        "  --dry-run   only counts\n"
        "  --rate N    writes at most N documents in a second (500)\n\n"
        "Versions and times stay, and no event is emitted. A document that cannot be read or\n"
        "written is told of and stays as it is; then the exit status is 1.",
};
