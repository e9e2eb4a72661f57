/* check.c - `cartwright check`: verifies the invariants of everything that is stored. */
#include "checker/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cartwright/command.h"
#include "service/connections.h"
#include "wire/json.h"

#define MEMORY_MAX_MIB  (1 << 20)
#define PROGRESS_US     (1000 * 1000)
#define PROGRESS_LOG_US (10 * PROGRESS_US) /* without a terminal, where lines stay */

struct options {
    bool json;
    bool quiesced;
    int64_t memory_mib; /* 0: the default */
};

struct report {
    bool json;
    bool terminal; /* standard error is a terminal */
    int64_t next_us;
    struct arena arena; /* of one line */
};

static bool parse(struct options *options, int argc, char **argv)
{
    *options = (struct options){0};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            options->json = true;
        else if (strcmp(argv[i], "--quiesced") == 0)
            options->quiesced = true;
        else if (strcmp(argv[i], "--memory") == 0 && i + 1 < argc &&
                 str_to_int64(str_of(argv[i + 1]), &options->memory_mib) &&
                 options->memory_mib >= 1 && options->memory_mib <= MEMORY_MAX_MIB)
            i++;
        else
            return false;
    }
    return true;
}

/* --- what is told ----------------------------------------------------------------------------------------- */

static void clear_progress(const struct report *report)
{
    if (report->terminal)
        fputs("\r\033[K", stderr);
}

static void show_progress(void *context, const char *invariant, int64_t documents)
{
    struct report *report = context;
    const int64_t now_us = clock_monotonic_us();
    if (now_us < report->next_us)
        return;
    report->next_us = now_us + (report->terminal ? PROGRESS_US : PROGRESS_LOG_US);
    clear_progress(report);
    fprintf(stderr, "%s: %" PRId64 " documents%s", invariant, documents,
            report->terminal ? "" : "\n");
}

static void print_json(struct report *report, const struct finding *finding)
{
    struct text text;
    struct json_writer writer;
    arena_clear(&report->arena);
    text_init(&text, &report->arena, 256);
    json_writer_init(&writer, &text);
    json_open_object(&writer);
    json_key(&writer, "invariant");
    json_put_str(&writer, str_of(finding->invariant));
    json_key(&writer, "subject");
    json_put_str(&writer, finding->subject);
    json_key(&writer, "text");
    json_put_str(&writer, finding->text);
    json_close_object(&writer);
    printf("%.*s\n", STR_FMT(text_str(&text)));
}

static void print_finding(void *context, const struct finding *finding)
{
    struct report *report = context;
    clear_progress(report);
    if (report->json)
        print_json(report, finding);
    else
        command_tell(stdout, "%s: %.*s: %.*s", finding->invariant, STR_FMT(finding->subject),
                     STR_FMT(finding->text));
}

static void print_totals(const struct report *report, const struct check_totals *totals)
{
    printf(report->json ? "{\"documents\":%" PRId64 ",\"findings\":%" PRId64 "}\n"
                        : "%" PRId64 " documents read, %" PRId64 " findings\n",
           totals->documents, totals->findings);
}

/* --- the run ---------------------------------------------------------------------------------------------- */

/* NULL, after a message, when Redis is away: leases prove little, and a shop works without Redis,
 * so it is checked without Redis, too. */
static struct lock *open_lock(const struct app *app, struct err *err)
{
    const struct lock_options options = lock_options_of(&app->settings->engine);
    struct lock *lock = NULL;
    if (lock_open(&options, &lock, err) == OUTCOME_DONE && lock_ping(lock, err) == OUTCOME_DONE)
        return lock;
    lock_close(lock);
    fprintf(stderr, "cartwright check: leases are not looked at: %s\n", err->text);
    return NULL;
}

static int run_check(const struct app *app, const struct options *options, struct store *store,
                     struct report *report)
{
    struct err err = {0};
    struct check_totals totals = {0};
    struct lock *lock = open_lock(app, &err);
    const struct check_options check = {
        .store = store,
        .lock = lock,
        .service = &app->service,
        .quiesced = options->quiesced,
        .memory_max = (size_t)options->memory_mib << 20,
        .found = print_finding,
        .progress = show_progress,
        .context = report,
    };
    const enum outcome outcome = check_run(&check, &totals, &err);
    clear_progress(report);
    print_totals(report, &totals);
    lock_close(lock);
    if (outcome != OUTCOME_DONE)
        return command_fail_err("check", &err);
    if (totals.findings > 0)
        return EXIT_REFUSED;
    return lock ? EXIT_OK : EXIT_FAILED;
}

static int open_and_check(const struct app *app, const struct options *options)
{
    struct err err = {0};
    struct store *store = NULL;
    const struct store_options where = store_options_of(&app->service, &app->settings->engine);
    if (store_open(&where, &store, &err) != OUTCOME_DONE)
        return command_fail_err("check", &err);
    struct report report = {.json = options->json,
                            .terminal = isatty(STDERR_FILENO),
                            .next_us = clock_monotonic_us() + PROGRESS_US};
    arena_init(&report.arena, 4096);
    const int status = run_check(app, options, store, &report);
    arena_release(&report.arena);
    store_close(store);
    return status;
}

static int run(int argc, char **argv)
{
    struct app app;
    struct options options;
    if (!app_open(&app, &argc, argv))
        return EXIT_USAGE;
    const int status = parse(&options, argc, argv)
                           ? open_and_check(&app, &options)
                           : command_fail("check", EXIT_USAGE, "usage: %s", check_command.usage);
    app_close(&app);
    return status;
}

const struct command check_command = {
    .name = "check",
    .run = run,
    .usage = "check [--quiesced] [--memory MIB] [--json] [--config FILE]",
    .help = "verify the invariants of all that is stored",
    .details =
        "Only reads, and may run while the shop is at work. Prints a line for each finding:\n"
        "the invariant, the document, and both figures. --quiesced: nothing is under way, so\n"
        "all events must be published and no lease held. --memory MIB: for the tables of one\n"
        "pass (64); with less, the ledger is read more often. --json: one object per line, the\n"
        "totals last. Progress goes to standard error.\n"
        "Exit status: 0 nothing found, 1 findings, 2 wrong usage, 3 could not check (all).",
};
