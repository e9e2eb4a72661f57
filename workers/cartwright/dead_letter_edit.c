/* dead_letter_edit.c - `dead-letter edit`, `discard` and `purge`: correct or remove letters. */
#include <stdio.h>

#include "cartwright/dead_letter.h"

#define BODY_FILE_MAX ((size_t)1 << 20)

/* --- edit --------------------------------------------------------------------------------------- */

/* Reads "/items/0/quantity=2". */
static bool read_set(struct arena *arena, const char *text, struct dead_set *out)
{
    const char *equals = strchr(text, '=');
    if (text[0] != '/' || !equals)
        return false;
    out->pointer = str_dup(arena, (struct str){text, (size_t)(equals - text)});
    out->value = str_of(equals + 1);
    return true;
}

static bool read_correction(struct dead_run *run, struct dead_correction *out,
                            struct dead_set sets[DEAD_SETS_MAX])
{
    const struct dead_options *given = &run->options;
    *out =
        (struct dead_correction){.sets = sets, .set_count = given->set_count, .park = given->park};
    if (!given->what || (given->body != NULL) == (given->set_count > 0)) {
        command_fail("dead-letter", EXIT_USAGE,
                     "edit needs an ID, and either --body FILE or --set /pointer=value");
        return false;
    }
    for (size_t i = 0; i < given->set_count; i++)
        if (!read_set(&run->app->arena, given->sets[i], &sets[i])) {
            command_fail("dead-letter", EXIT_USAGE, "--set wants /pointer=value, not '%s'",
                         given->sets[i]);
            return false;
        }
    if (given->body &&
        !command_read_file(&run->app->arena, given->body, BODY_FILE_MAX, &out->body)) {
        command_fail("dead-letter", EXIT_USAGE, "cannot read '%s', or it is over %zu bytes",
                     given->body, BODY_FILE_MAX);
        return false;
    }
    return true;
}

static int edit(struct dead_run *run)
{
    struct dead_correction correction;
    struct dead_set sets[DEAD_SETS_MAX];
    struct str new_id;
    struct err err = {0};
    const struct dead_command command = {.domain = run->domain, .filter = run->filter, .limit = 1};
    if (!read_correction(run, &correction, sets))
        return EXIT_USAGE;
    const enum outcome outcome =
        dead_edit(&run->office, &command, &correction, &run->app->arena, &new_id, &err);
    if (outcome != OUTCOME_DONE)
        return dead_fail(outcome, &err);
    printf("%s as %.*s\n", correction.park ? "kept here" : "sent", STR_FMT(new_id));
    return EXIT_OK;
}

const struct dead_subcommand dead_edit_command = {
    .name = "edit",
    .usage = "edit ID --body FILE|--set /pointer=value... [--park] [--domain D] [--by NAME]",
    .accepts = DEAD_TAKES_ID | DEAD_TAKES_EDIT | DEAD_TAKES_BY,
    .stores = true,
    .run = edit,
};

/* --- discard and purge -------------------------------------------------------------------------- */

static int tell(enum outcome outcome, const struct dead_tally *tally, const struct err *err)
{
    if (outcome == OUTCOME_REFUSED)
        return dead_fail(outcome, err);
    printf("%zu letter%s discarded%s\n", tally->moved, tally->moved == 1 ? "" : "s",
           tally->stopped ? ", stopped by a signal" : "");
    if (outcome != OUTCOME_DONE)
        return dead_fail(outcome, err);
    return tally->stopped ? EXIT_FAILED : EXIT_OK;
}

static int discard(struct dead_run *run)
{
    const struct dead_options *given = &run->options;
    struct dead_tally tally;
    struct err err = {0};
    if (!given->reason || !given->reason[0] ||
        !(given->what || given->group || given->fingerprint || given->code || given->operation ||
          given->place))
        return command_fail("dead-letter", EXIT_USAGE,
                            "discard needs an ID, --group F or another filter, and --reason TEXT; "
                            "`purge` empties a whole queue");
    const struct dead_command command = {.domain = run->domain,
                                         .filter = run->filter,
                                         .limit = run->limit,
                                         .reason = str_of(given->reason)};
    const enum outcome outcome = dead_discard(&run->office, &command, &tally, &err);
    return tell(outcome, &tally, &err);
}

const struct dead_subcommand dead_discard_command = {
    .name = "discard",
    .usage = "discard ID|--group F|FILTER --reason TEXT [--domain D] [--limit N] [--by NAME]",
    .accepts =
        DEAD_TAKES_ID | DEAD_TAKES_FILTER | DEAD_TAKES_LIMIT | DEAD_TAKES_REASON | DEAD_TAKES_BY,
    .stores = true,
    .run = discard,
};

static int purge(struct dead_run *run)
{
    struct dead_tally tally;
    struct err err = {0};
    if (!run->options.what || !run->options.yes)
        return command_fail("dead-letter", EXIT_USAGE,
                            "purge DOMAIN --yes: without --yes nothing is thrown away");
    const struct dead_command command = {.domain = run->domain,
                                         .filter = run->filter,
                                         .limit = run->limit,
                                         .reason = str_of(run->options.reason)};
    const enum outcome outcome = dead_purge(&run->office, &command, &tally, &err);
    return tell(outcome, &tally, &err);
}

const struct dead_subcommand dead_purge_command = {
    .name = "purge",
    .usage = "purge DOMAIN --yes [--reason TEXT] [--by NAME]",
    .accepts = DEAD_TAKES_DOMAIN | DEAD_TAKES_REASON | DEAD_TAKES_YES | DEAD_TAKES_BY,
    .stores = true,
    .run = purge,
};
