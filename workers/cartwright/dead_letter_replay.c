/* dead_letter_replay.c - `dead-letter replay`: sends letters to the queues that they came from. */
#include <stdio.h>

#include "base/clock.h"
#include "cartwright/dead_letter.h"

#define PROGRESS_US 1000000

struct progress {
    int64_t began_us;
    int64_t next_us;
};

static void show_progress(void *context, const struct dead_tally *tally)
{
    struct progress *progress = context;
    const int64_t now_us = clock_monotonic_us();
    if (progress->began_us == 0)
        *progress = (struct progress){now_us, now_us + PROGRESS_US};
    if (now_us < progress->next_us)
        return;
    progress->next_us = now_us + PROGRESS_US;
    fprintf(stderr, "%zu letters sent, %.0f s\n", tally->moved,
            (double)(now_us - progress->began_us) / 1e6);
}

/* True when the options say which letters are meant; without any a replay would be an accident. */
static bool is_meant(const struct dead_options *given)
{
    return given->what || given->all || given->group || given->code || given->operation ||
           given->place || given->fingerprint || given->since;
}

static void tell(const struct dead_tally *tally, enum outcome outcome)
{
    printf("%zu letter%s sent again%s\n", tally->moved, tally->moved == 1 ? "" : "s",
           tally->stopped            ? ", stopped by a signal: give the command again to go on"
           : outcome != OUTCOME_DONE ? ", not all: give the command again to go on"
                                     : "");
    if (tally->left > 0)
        command_tell(stdout, "%zu stay here: %s", tally->left, tally->first.text);
    if (tally->cut)
        puts("there may be more: --scan-max looks at more letters of a queue");
}

static int replay_now(struct dead_run *run)
{
    struct progress progress = {0};
    const struct dead_command command = {.domain = run->domain,
                                         .filter = run->filter,
                                         .limit = run->limit,
                                         .rate = run->rate,
                                         .progress = show_progress,
                                         .context = &progress};
    struct dead_tally tally;
    struct err err = {0};
    const enum outcome outcome = dead_replay(&run->office, &command, &tally, &err);
    if (outcome == OUTCOME_REFUSED)
        return dead_fail(outcome, &err);
    tell(&tally, outcome);
    if (outcome != OUTCOME_DONE)
        return dead_fail(outcome, &err);
    return tally.stopped ? EXIT_FAILED : tally.left > 0 ? EXIT_REFUSED : EXIT_OK;
}

static int replay(struct dead_run *run)
{
    if (!is_meant(&run->options))
        return command_fail("dead-letter", EXIT_USAGE,
                            "replay needs an ID, --group F, another filter, or --all");
    return run->options.dry_run ? dead_dry_run(run) : replay_now(run);
}

const struct dead_subcommand dead_replay_command = {
    .name = "replay",
    .usage = "replay ID|--group F|--all|FILTER [--domain D] [--rate N/s] [--limit N] [--dry-run]",
    .accepts =
        DEAD_TAKES_ID | DEAD_TAKES_FILTER | DEAD_TAKES_LIMIT | DEAD_TAKES_REPLAY | DEAD_TAKES_BY,
    .stores = true,
    .run = replay,
};
