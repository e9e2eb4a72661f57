/* err.c - outcomes and errors. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"

ENGINE_ERROR_CODES(DEFINE_ERROR_CODE)

const char *outcome_name(enum outcome outcome)
{
    static const char *const names[] = {
        [OUTCOME_DONE] = "done",       [OUTCOME_REFUSED] = "refused",
        [OUTCOME_INVALID] = "invalid", [OUTCOME_NEED] = "need",
        [OUTCOME_DEFER] = "defer",     [OUTCOME_CONFLICT] = "conflict",
        [OUTCOME_RETRY] = "retry",     [OUTCOME_UNCERTAIN] = "uncertain",
        [OUTCOME_BUG] = "bug",
    };
    return names[outcome];
}

enum outcome err_set(struct err *err, enum outcome outcome, const struct error_code *code,
                     const char *file, int line, const char *format, ...)
{
    err_clear(err);
    err->code = code;
    err->file = file;
    err->line = line;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    return outcome;
}

void err_clear(struct err *err)
{
    err->code = NULL;
    err->text[0] = '\0';
    err->file = NULL;
    err->line = 0;
    err->fields = err->last_field = NULL;
    err->field_count = 0;
}

void err_field_add(struct err *err, struct arena *arena, struct str pointer, const char *format,
                   ...)
{
    if (err->field_count == ERR_FIELDS_MAX)
        return;
    char text[ERR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    struct err_field *field = ARENA_NEW(arena, struct err_field);
    field->pointer = str_dup(arena, pointer);
    field->message = str_dup(arena, str_of(text));
    if (err->last_field)
        err->last_field->next = field;
    else
        err->fields = field;
    err->last_field = field;
    err->field_count++;
}

/* Process-wide: the process ends, and its signal handler has nothing else to read from. */
static char last_words[ERR_TEXT_MAX];

const char *panic_text(void)
{
    return last_words;
}

void panic_at(const char *file, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(last_words, sizeof(last_words), format, args);
    va_end(args);
    fprintf(stderr, "panic: %s:%d: %s\n", file, line, last_words);
    abort();
}
