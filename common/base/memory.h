/* memory.h - an allocator that panics instead of returning NULL, for libraries that accept one.
 *
 * With malloc() some libraries go on after a failed allocation and report something else: jansson's
 * lexer drops a character of the text, and its parser calls the message malformed. */
#ifndef CARTWRIGHT_BASE_MEMORY_H
#define CARTWRIGHT_BASE_MEMORY_H

#include <stddef.h>

/* Returns memory that is not zeroed, never NULL; the caller releases it with free(). */
void *memory_alloc(size_t size);

#endif
