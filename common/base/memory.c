/* memory.c - memory that is there or ends the process. */
#include "base/memory.h"

#include <stdlib.h>

#include "base/err.h"

void *memory_alloc(size_t size)
{
    void *block = malloc(size > 0 ? size : 1);
    if (!block)
        panic("out of memory for %zu bytes of a library", size);
    return block;
}

#define GROW_FIRST 32

void *memory_grow(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity ? 2 * *capacity : GROW_FIRST;
    array = realloc(array, *capacity * size);
    if (!array)
        panic("out of memory for %zu elements of %zu bytes", *capacity, size);
    return array;
}
