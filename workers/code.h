/* code.h - short codes that people read out and type: order numbers, generated SKUs.
 *
 * Crockford's base 32 has no I, L, O or U, so no two characters look alike. What somebody types is
 * read leniently: in either case, O as 0, I and L as 1. Each character carries 5 random bits. */
#ifndef CARTWRIGHT_WORKERS_CODE_H
#define CARTWRIGHT_WORKERS_CODE_H

#include "engine/job.h"

#define CODE_CHARS_MAX 32

/* `prefix`, then a character for the low 5 bits of each byte; the code lives in the arena. */
struct str code_text(struct arena *arena, const char *prefix, const uint8_t *bytes, size_t count);
/* A code that cannot be guessed, with `chars` characters after the prefix; panics on more than
 * CODE_CHARS_MAX. `label` is that of job_random(). */
struct str code_random(struct job *job, const char *label, const char *prefix, size_t chars);
/* The code that the typed text stands for: in upper case, with 0 for O and 1 for I and L. */
struct str code_read(struct arena *arena, struct str typed);

#endif
