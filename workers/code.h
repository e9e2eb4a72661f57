/* code.h - short codes that people read out and type: order numbers, generated SKUs.
 *
 * Crockford's base 32 has no I, L, O and U, so nothing looks like something else; what is typed is
 * read generously: any case, O for 0, I and L for 1. Each character carries 5 random bits. */
#ifndef CARTWRIGHT_WORKERS_CODE_H
#define CARTWRIGHT_WORKERS_CODE_H

#include "engine/job.h"

#define CODE_CHARS_MAX 32

/* prefix + one character per byte, from its low 5 bits. */
struct str code_text(struct arena *arena, const char *prefix, const uint8_t *bytes, size_t count);
/* A code that cannot be guessed; at most CODE_CHARS_MAX characters after the prefix. */
struct str code_random(struct job *job, const char *label, const char *prefix, size_t chars);
/* The code that somebody meant who typed this. */
struct str code_read(struct arena *arena, struct str typed);

#endif
