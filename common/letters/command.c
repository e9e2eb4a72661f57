/* command.c - the commands that move or remove many dead letters. */
#include "letters/command.h"

#include <time.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/text.h"

#define ARENA_BLOCK  (64 * 1024)
#define DIGESTS_TOLD 4

/* --- which letters are meant -------------------------------------------------------------------- */

struct survey {
    const struct dead_command *command;
    struct arena *arena;
    struct text digests; /* of the first few letters, when an id was named */
    struct dead_letter first;
    size_t count;
    size_t distinct;
};

static void note_digest(struct survey *survey, struct str digest)
{
    const struct str known = text_str(&survey->digests);
    if (memmem(known.ptr, known.len, digest.ptr, digest.len))
        return;
    survey->distinct++;
    if (survey->distinct <= DIGESTS_TOLD)
        text_printf(&survey->digests, " %.*s", STR_FMT(digest));
}

static void keep_first(struct survey *survey, const struct dead_letter *letter)
{
    survey->first = (struct dead_letter){
        .domain = letter->domain,
        .id = str_dup(survey->arena, letter->id),
        .digest = str_dup(survey->arena, letter->digest),
        .fingerprint = str_dup(survey->arena, letter->fingerprint),
    };
}

static enum outcome survey_letter(void *context, const struct dead_letter *letter,
                                  enum dead_verdict *verdict, struct err *err)
{
    struct survey *survey = context;
    (void)err;
    *verdict = DEAD_LEAVE;
    if (!dead_letter_matches(letter, &survey->command->filter))
        return OUTCOME_DONE;
    if (survey->count++ == 0)
        keep_first(survey, letter);
    if (str_is_absent(survey->command->filter.id))
        *verdict = DEAD_STOP; /* one match shows that there is something to do */
    else
        note_digest(survey, letter->digest);
    return OUTCOME_DONE;
}

/* Shows the visitor the letters of every domain that the command may mean. */
static enum outcome scan_all(struct dead_office *office, const struct dead_command *command,
                             struct arena *arena, const struct dead_visitor *visitor,
                             struct dead_tally *tally, struct err *err)
{
    for (const struct str *domain = dead_domains(arena, office->service); !str_is_absent(*domain);
         domain++) {
        bool cut = false;
        if (!str_is_absent(command->domain) && !str_eq(command->domain, *domain))
            continue;
        TRY(dead_scan(office, *domain, visitor, &cut, err));
        tally->cut |= cut;
    }
    return OUTCOME_DONE;
}

static enum outcome take_survey(struct dead_office *office, struct survey *survey, struct err *err)
{
    const bool one = !str_is_absent(survey->command->filter.id);
    const struct dead_visitor visitor = {.visit = survey_letter, .context = survey, .moves = !one};
    struct dead_tally ignored = {0};
    text_init(&survey->digests, survey->arena, 256);
    TRY(scan_all(office, survey->command, survey->arena, &visitor, &ignored, err));
    if (survey->count == 0)
        return err_refuse(err, E_NOT_FOUND, "no such dead letter%s",
                          ignored.cut ? " among those looked at: --scan-max looks at more"
                                      : "; one that another command holds is not seen");
    if (survey->distinct > 1)
        return err_refuse(err, E_VERSION_CONFLICT,
                          "%zu different letters have this id, name one:%s%s", survey->distinct,
                          text_str(&survey->digests).ptr,
                          survey->distinct > DIGESTS_TOLD ? " ..." : "");
    return OUTCOME_DONE;
}

/* --- the record --------------------------------------------------------------------------------- */

static struct dead_audit audit_of(const struct survey *survey, enum dead_action action)
{
    const struct dead_command *command = survey->command;
    const bool one = !str_is_absent(command->filter.id);
    return (struct dead_audit){
        .action = (int)action,
        .domain = one                   ? survey->first.domain
                  : command->domain.len ? command->domain
                                        : STR("*"),
        .message_id = one ? survey->first.id : STR_ABSENT,
        .fingerprint = one ? survey->first.fingerprint : command->filter.fingerprint,
        .reason = command->reason,
    };
}

/* Completes the record. When that fails the letters stay where they are now, and the record says
 * "begun" for ever. */
static enum outcome close_record(struct dead_office *office, struct dead_audit *audit,
                                 enum outcome outcome, const struct dead_tally *tally,
                                 struct err *err)
{
    struct err unwritten = {0};
    audit->count = (int64_t)tally->moved;
    audit->left = (int64_t)tally->left;
    audit->state = outcome != OUTCOME_DONE ? DEAD_FAILED
                   : tally->stopped        ? DEAD_STOPPED
                                           : DEAD_DONE;
    if (outcome != OUTCOME_DONE)
        audit->reason = str_of(err->text);
    const enum outcome written = dead_audit_end(office, audit, &unwritten);
    if (outcome != OUTCOME_DONE || written == OUTCOME_DONE)
        return outcome;
    *err = unwritten;
    return written;
}

/* --- moving many -------------------------------------------------------------------------------- */

typedef enum outcome send_fn(struct arena *arena, struct dead_office *office,
                             const struct dead_letter *letter, struct err *err);

struct mover {
    struct dead_office *office;
    const struct dead_command *command;
    struct dead_filter filter;
    send_fn *send; /* NULL: letters are only removed */
    struct dead_tally *tally;
    struct map left; /* digests of letters that cannot be moved */
    struct arena arena;
    int64_t next_us;
};

/* Pauses for at most a second (the rate is 1 or more): heartbeats are served in between. */
static void keep_pace(struct mover *mover)
{
    const int64_t rate = mover->command->rate;
    const int64_t now_us = clock_monotonic_us();
    if (rate <= 0)
        return;
    if (now_us < mover->next_us) {
        const int64_t wait_us = mover->next_us - now_us;
        const struct timespec pause = {wait_us / 1000000, wait_us % 1000000 * 1000};
        nanosleep(&pause, NULL); /* a signal may end it early, which does no harm */
    }
    const int64_t from_us = mover->next_us > now_us ? mover->next_us : now_us;
    mover->next_us = from_us + 1000000 / rate;
}

/* Counts a letter that cannot be moved, and counts it only once: the scan may show it again. */
static void leave(struct mover *mover, const struct dead_letter *letter, struct err *err)
{
    if (!map_get(&mover->left, letter->digest)) {
        const struct str digest = str_dup(mover->left.arena, letter->digest);
        map_set(&mover->left, digest, mover);
        if (mover->tally->left++ == 0)
            mover->tally->first = *err;
    }
    err_clear(err);
}

static enum outcome move(struct mover *mover, const struct dead_letter *letter,
                         enum dead_verdict *verdict, struct err *err)
{
    arena_clear(&mover->arena);
    keep_pace(mover);
    const enum outcome outcome =
        mover->send ? mover->send(&mover->arena, mover->office, letter, err) : OUTCOME_DONE;
    if (outcome == OUTCOME_REFUSED) {
        leave(mover, letter, err);
        return OUTCOME_DONE;
    }
    TRY(outcome);
    *verdict = DEAD_REMOVE;
    mover->tally->moved++;
    if (mover->command->progress)
        mover->command->progress(mover->command->context, mover->tally);
    return OUTCOME_DONE;
}

static enum outcome move_letter(void *context, const struct dead_letter *letter,
                                enum dead_verdict *verdict, struct err *err)
{
    struct mover *mover = context;
    *verdict = DEAD_LEAVE;
    if (mover->tally->moved >= mover->command->limit)
        *verdict = DEAD_STOP;
    else if (dead_letter_matches(letter, &mover->filter) &&
             !dead_letter_is_own(mover->office, letter))
        return move(mover, letter, verdict, err);
    return OUTCOME_DONE;
}

static enum outcome move_all(struct dead_office *office, const struct survey *survey, send_fn *send,
                             struct dead_tally *tally, struct err *err)
{
    struct mover mover = {.office = office,
                          .command = survey->command,
                          .filter = survey->command->filter,
                          .send = send,
                          .tally = tally};
    if (!str_is_absent(mover.filter.id))
        mover.filter.id = survey->first.digest;
    const struct dead_visitor visitor = {.visit = move_letter, .context = &mover, .moves = true};
    arena_init(&mover.arena, ARENA_BLOCK);
    map_init(&mover.left, survey->arena);
    const enum outcome outcome =
        scan_all(office, survey->command, survey->arena, &visitor, tally, err);
    arena_release(&mover.arena);
    tally->stopped = office->stopping();
    return outcome;
}

static enum outcome carry_out(struct dead_office *office, const struct dead_command *command,
                              enum dead_action action, struct dead_tally *tally, struct err *err)
{
    struct arena arena;
    arena_init(&arena, ARENA_BLOCK);
    struct survey survey = {.command = command, .arena = &arena};
    *tally = (struct dead_tally){0};
    enum outcome outcome = take_survey(office, &survey, err);
    struct dead_audit audit = audit_of(&survey, action);
    if (outcome == OUTCOME_DONE)
        outcome = dead_audit_begin(office, &audit, err);
    if (outcome == OUTCOME_DONE) {
        outcome = move_all(office, &survey, action == DEAD_REPLAY ? dead_letter_replay : NULL,
                           tally, err);
        outcome = close_record(office, &audit, outcome, tally, err);
    }
    arena_release(&arena);
    return outcome;
}

enum outcome dead_replay(struct dead_office *office, const struct dead_command *command,
                         struct dead_tally *tally, struct err *err)
{
    return carry_out(office, command, DEAD_REPLAY, tally, err);
}

enum outcome dead_discard(struct dead_office *office, const struct dead_command *command,
                          struct dead_tally *tally, struct err *err)
{
    if (command->reason.len == 0)
        return err_refuse(err, E_VALIDATION_FAILED, "say why: what is discarded is gone for good");
    return carry_out(office, command, DEAD_DISCARD, tally, err);
}

enum outcome dead_purge(struct dead_office *office, const struct dead_command *command,
                        struct dead_tally *tally, struct err *err)
{
    return carry_out(office, command, DEAD_PURGE, tally, err);
}
