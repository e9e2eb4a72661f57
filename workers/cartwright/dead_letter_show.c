/* dead_letter_show.c - `dead-letter show ID`: prints all of a letter, and what it means. */
#include <stdio.h>

#include "base/id.h"
#include "cartwright/dead_letter.h"
#include "crypto/auth.h"
#include "wire/json.h"

struct meaning {
    const char *header;
    const char *text;
};

static const struct meaning meanings[] = {
    {"x-operation", "the operation that was asked for"},
    {"x-failure-code", "what went wrong, as the caller was told"},
    {"x-failure-reason", "the same in words, for operators"},
    {"x-failure-place", "where in the source it was noticed"},
    {"x-failed-at", "when it was buried"},
    {"x-attempts", "how often it was tried, delays between"},
    {"x-original-queue", "where a replay goes"},
    {"x-original-exchange", "how it came there first; empty: from a delay queue"},
    {"x-original-routing-key", "under which name it came"},
    {"x-caller", "who asked, sealed: outlives the access token"},
    {"x-history",
     "earlier deaths, and who sent it again; only a note, the record is deadLetterAudit"},
    {"x-edited-from", "the letter that this is a corrected copy of"},
    {"x-edited-by", "who corrected it"},
    {"x-edited-at", "when"},
    {"x-death", "the broker's own account"},
    {"x-first-death-reason", "the broker's: delivery_limit = its lanes died too often"},
    {"x-delivery-count", "how often it was looked at here; harmless"},
    {"x-signature", "that a lane of ours wrote all of this"},
    {"x-masked", "passwords and tokens of the body were not kept"},
    {"authorization", "the access token it came with: the broker buried it, not a lane"},
};

struct viewer {
    struct dead_run *run;
    size_t shown;
};

static void line(struct arena *arena, const char *name, struct str value)
{
    if (value.len)
        printf("%-14s %.*s\n", name, STR_FMT(dead_plain(arena, value)));
}

static void print_facts(struct arena *arena, const struct dead_letter *letter)
{
    line(arena, "letter", letter->id);
    line(arena, "digest", letter->digest);
    line(arena, "domain", letter->domain);
    line(arena, "operation", letter->operation);
    line(arena, "signed",
         letter->is_ours ? STR("by us") : STR("NOT OURS: only what the broker wrote is believed"));
    line(arena, "code", letter->code);
    line(arena, "reason", letter->reason);
    line(arena, "place", letter->place);
    line(arena, "group", letter->fingerprint);
    line(arena, "failed at", dead_time(arena, letter->failed_at));
    line(arena, "attempts", str_printf(arena, "%lld", (long long)letter->attempts));
    line(arena, "came by", letter->queue);
    line(arena, "edited from", letter->edited_from);
}

static void print_properties(struct arena *arena, const struct delivery *delivery)
{
    puts("\nproperties");
    line(arena, "  message_id", delivery->message_id);
    line(arena, "  correlation", delivery->correlation_id);
    line(arena, "  reply_to", delivery->reply_to);
    line(arena, "  content_type", delivery->content_type);
    line(arena, "  type", delivery->type);
}

/* Prints one line for each death, the newest last. */
static void print_history(struct arena *arena, struct str history)
{
    if (history.len)
        puts("\nhistory, the oldest first");
    while (history.len) {
        const char *end = memchr(history.ptr, '\n', history.len);
        const size_t len = end ? (size_t)(end - history.ptr) : history.len;
        printf("  %.*s\n", STR_FMT(dead_plain(arena, (struct str){history.ptr, len})));
        const size_t used = end ? len + 1 : len;
        history = (struct str){history.ptr + used, history.len - used};
    }
}

static void print_headers(struct arena *arena, const struct delivery *delivery)
{
    struct str pretty;
    puts("\nheaders");
    if (dead_pretty(arena, delivery->headers, &pretty))
        printf("%.*s\n", STR_FMT(pretty));
    else
        printf("  none that can be read\n");
    puts("\nwhat they mean");
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        const struct str name = str_printf(arena, "\"%s\":", meanings[i].header);
        if (delivery->headers.len &&
            memmem(delivery->headers.ptr, delivery->headers.len, name.ptr, name.len))
            printf("  %-24s %s\n", meanings[i].header, meanings[i].text);
    }
}

#define DIGEST_BYTES 8

/* The body may hold a password that cannot be found in it. The digest tells whether two bodies are
 * the same. */
static void print_unreadable(struct arena *arena, struct str body)
{
    uint8_t digest[DIGEST_BYTES];
    auth_hash(&body, 1, digest, sizeof(digest));
    printf("no JSON, and not shown: it may hold a secret; digest %s\n",
           hex_of(arena, digest, sizeof(digest)).ptr);
}

static void print_body(struct arena *arena, struct str body)
{
    struct str pretty;
    printf("\nbody, %zu bytes\n", body.len);
    if (dead_pretty(arena, body, &pretty))
        printf("%.*s\n", STR_FMT(pretty));
    else
        print_unreadable(arena, body);
}

static enum outcome show_letter(void *context, const struct dead_letter *letter,
                                enum dead_verdict *verdict, struct err *err)
{
    struct viewer *viewer = context;
    struct arena *arena = &viewer->run->app->arena;
    (void)err;
    *verdict = DEAD_LEAVE;
    if (!dead_letter_matches(letter, &viewer->run->filter))
        return OUTCOME_DONE;
    if (viewer->shown++ > 0)
        puts("\n----------------------------------------");
    print_facts(arena, letter);
    print_history(arena, letter->delivery->history);
    print_properties(arena, letter->delivery);
    print_headers(arena, letter->delivery);
    print_body(arena, letter->delivery->body);
    return OUTCOME_DONE;
}

static int show(struct dead_run *run)
{
    struct viewer viewer = {.run = run};
    const struct dead_visitor visitor = {.visit = show_letter, .context = &viewer};
    struct err err = {0};
    bool cut = false;
    if (!run->options.what)
        return command_fail("dead-letter", EXIT_USAGE,
                            "show needs an ID; `list --letters` has them");
    enum outcome outcome = dead_for_each(run, &visitor, &cut, &err);
    if (outcome == OUTCOME_DONE && viewer.shown == 0)
        outcome = err_refuse(&err, E_NOT_FOUND, "no such dead letter%s",
                             cut ? " among those looked at: --scan-max looks at more"
                                 : "; one that another command holds is not seen");
    return outcome == OUTCOME_DONE ? EXIT_OK : dead_fail(outcome, &err);
}

const struct dead_subcommand dead_show = {
    .name = "show",
    .usage = "show ID [--domain D] [--scan-max N]",
    .accepts = DEAD_TAKES_ID,
    .run = show,
};
