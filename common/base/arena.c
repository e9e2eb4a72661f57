/* arena.c - memory that is released together: a list of blocks, newest first, each handed out from
 * its start to its end. */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define ARENA_ALIGN _Alignof(max_align_t)

struct arena_block {
    struct arena_block *next;
    size_t capacity;
    size_t used;
    _Alignas(max_align_t) unsigned char bytes[];
};

struct arena_attachment {
    struct arena_attachment *next;
    void (*release)(void *object);
    void *object;
};

void arena_init(struct arena *arena, size_t block_size)
{
    *arena = (struct arena){.block_size = block_size};
}

static void release_attachments(struct arena *arena)
{
    while (arena->attachments) {
        struct arena_attachment *attachment = arena->attachments;
        arena->attachments = attachment->next;
        attachment->release(attachment->object);
    }
}

/* One block of the ordinary size is kept, so that a lane under steady load stops calling malloc. */
void arena_clear(struct arena *arena)
{
    release_attachments(arena);
    struct arena_block *kept = NULL;
    for (struct arena_block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        if (!kept && block->capacity == arena->block_size) {
            kept = block;
            kept->used = 0;
            kept->next = NULL;
        } else {
            free(block);
        }
    }
    arena->blocks = kept;
    arena->used = 0;
}

void arena_release(struct arena *arena)
{
    release_attachments(arena);
    for (struct arena_block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    *arena = (struct arena){.block_size = arena->block_size};
}

static struct arena_block *add_block(struct arena *arena, size_t size)
{
    const size_t capacity = size > arena->block_size ? size : arena->block_size;
    struct arena_block *block = malloc(sizeof(*block) + capacity);
    if (!block)
        panic("out of memory for an arena block of %zu bytes", capacity);
    *block = (struct arena_block){.next = arena->blocks, .capacity = capacity};
    arena->blocks = block;
    return block;
}

static void *take(struct arena *arena, size_t size, size_t align)
{
    if (size > SIZE_MAX / 2)
        panic("an allocation of %zu bytes is a bug", size);
    struct arena_block *block = arena->blocks;
    size_t at = block ? (block->used + align - 1) & ~(align - 1) : 0;
    if (!block || at + size > block->capacity) {
        block = add_block(arena, size);
        at = 0;
    }
    block->used = at + size;
    arena->used += size;
    return block->bytes + at;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return memset(take(arena, size, ARENA_ALIGN), 0, size);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        panic("an array of %zu x %zu bytes is a bug", count, size);
    return arena_alloc(arena, total);
}

char *arena_bytes(struct arena *arena, size_t size)
{
    return take(arena, size, 1);
}

void *arena_copy(struct arena *arena, const void *from, size_t size)
{
    void *copy = take(arena, size, ARENA_ALIGN);
    return size ? memcpy(copy, from, size) : copy;
}

void *arena_grow(struct arena *arena, void *array, size_t count, size_t size, size_t *capacity)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity ? *capacity * 2 : 8;
    void *larger = arena_array(arena, *capacity, size);
    if (count)
        memcpy(larger, array, count * size);
    return larger;
}

void arena_attach(struct arena *arena, void (*release)(void *object), void *object)
{
    struct arena_attachment *attachment = ARENA_NEW(arena, struct arena_attachment);
    *attachment = (struct arena_attachment){arena->attachments, release, object};
    arena->attachments = attachment;
}
