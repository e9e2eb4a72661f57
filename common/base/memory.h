/* memory.h - memory that is there or ends the process: an allocator that panics instead of returning
 * NULL, for libraries that accept one, and arrays that grow.
 *
 * With malloc() some libraries go on after a failed allocation and report something else: jansson's
 * lexer drops a character of the text, and its parser calls the message malformed. */
#ifndef CARTWRIGHT_BASE_MEMORY_H
#define CARTWRIGHT_BASE_MEMORY_H

#include <stddef.h>

/* Returns memory that is not zeroed, never NULL; the caller releases it with free(). */
void *memory_alloc(size_t size);

/* Room for one more element of `size` bytes behind the `count` that there are: returns `array` while
 * count < *capacity, else a larger copy, and sets *capacity. NULL is an array of capacity 0. The
 * caller releases the array with free(). */
void *memory_grow(void *array, size_t count, size_t *capacity, size_t size);

#endif
