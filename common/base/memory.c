/* memory.c - an allocator that panics instead of returning NULL. */
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
