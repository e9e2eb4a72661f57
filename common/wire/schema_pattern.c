/* schema_pattern.c - patterns of schemas by PCRE2: compiled once, matched without allocation. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "wire/schema_pattern.h"

#include <pcre2.h>

#define SLOTS       1024   /* a power of two, far above the number of patterns */
#define FILLED_MAX  768    /* leaves free slots, so that probing is short and ends */
#define MATCH_LIMIT 100000 /* steps; our anchored patterns need about one per character */

struct slot {
    const char *text; /* NULL: the slot is free */
    pcre2_code *code;
};

/* Process-wide: the schemas and their patterns are constants of the program. Each lane compiles them
 * when it starts (service_prepare). */
static struct {
    struct slot slots[SLOTS];
    size_t filled;
    pcre2_match_data *match;
    pcre2_match_context *context;
} patterns;

/* Finds a pattern by its address: the tables are constants, and hashing a pointer is cheaper than
 * the match itself. */
static struct slot *slot_of(const char *text)
{
    size_t i = ((uintptr_t)text * UINT64_C(0x9E3779B97F4A7C15)) >> 54;
    while (patterns.slots[i].text && patterns.slots[i].text != text)
        i = (i + 1) % SLOTS;
    return &patterns.slots[i];
}

/* The same text may stand at several addresses; it is compiled only once. */
static pcre2_code *known_code(const char *text)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (patterns.slots[i].text && strcmp(patterns.slots[i].text, text) == 0)
            return patterns.slots[i].code;
    return NULL;
}

static enum outcome start(struct err *err)
{
    if (patterns.match)
        return OUTCOME_DONE;
    patterns.match = pcre2_match_data_create(1, NULL);
    patterns.context = pcre2_match_context_create(NULL);
    if (!patterns.match || !patterns.context)
        return err_bug(err, "no memory for patterns");
    pcre2_set_match_limit(patterns.context, MATCH_LIMIT);
    pcre2_set_depth_limit(patterns.context, MATCH_LIMIT);
    return OUTCOME_DONE;
}

static enum outcome compile(const char *text, pcre2_code **out, struct err *err)
{
    int error;
    PCRE2_SIZE offset;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
                                     PCRE2_UTF | PCRE2_DOLLAR_ENDONLY, &error, &offset, NULL);
    if (!code) {
        PCRE2_UCHAR message[128];
        pcre2_get_error_message(error, message, sizeof(message));
        return err_bug(err, "pattern %s: %s at %zu", text, (const char *)message, offset);
    }
    /* Failure is ignored: where the kernel forbids new machine code, patterns are interpreted. */
    (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    *out = code;
    return OUTCOME_DONE;
}

enum outcome schema_pattern_add(const char *pattern, struct err *err)
{
    struct slot *slot = slot_of(pattern);
    if (slot->text)
        return OUTCOME_DONE;
    if (patterns.filled == FILLED_MAX)
        return err_bug(err, "more than %d patterns", FILLED_MAX);
    TRY(start(err));
    pcre2_code *code = known_code(pattern);
    if (!code)
        TRY(compile(pattern, &code, err));
    *slot = (struct slot){pattern, code};
    patterns.filled++;
    return OUTCOME_DONE;
}

/* A match that gives up (limits, JIT stack) counts as no match, so the message is refused and never
 * let through. PCRE2 need not check the text: it comes from jansson, so it is UTF-8. */
bool schema_pattern_matches(const char *pattern, struct str s)
{
    const struct slot *slot = slot_of(pattern);
    if (!slot->text)
        panic("schema_prepare() was not called for the pattern %s", pattern);
    const int found = pcre2_match(slot->code, (PCRE2_SPTR)s.ptr, s.len, 0, PCRE2_NO_UTF_CHECK,
                                  patterns.match, patterns.context);
    if (found == PCRE2_ERROR_NOMEMORY)
        panic("out of memory for the pattern %s", pattern);
    return found >= 0;
}
