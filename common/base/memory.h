/* memory.h - memory that is there, or the process ends: for libraries that take such functions.
 *
 * On their own some go on without it and say something else: jansson's lexer drops a character of the
 * text, its parser calls the message malformed. */
#ifndef CARTWRIGHT_BASE_MEMORY_H
#define CARTWRIGHT_BASE_MEMORY_H

#include <stddef.h>

/* Never NULL; free() gives it back. */
void *memory_alloc(size_t size);

#endif
