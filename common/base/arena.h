/* arena.h - memory that dies together.
 *
 * The lane has one arena per batch and clears it when the batch is settled: whoever runs inside a
 * batch allocates and never frees. Foreign objects (a JSON tree, a cursor) are attached and are
 * released with the arena, the last attached first. Running out of memory ends the process: a lane
 * is restarted by its supervisor and its messages come back. Sizes are bounded because messages
 * are capped at the door. */
#ifndef CARTWRIGHT_BASE_ARENA_H
#define CARTWRIGHT_BASE_ARENA_H

#include <stddef.h>

struct arena_block;
struct arena_attachment;

struct arena {
    struct arena_block *blocks; /* the newest first */
    struct arena_attachment *attachments;
    size_t block_size;
    size_t used; /* bytes handed out since the last clear */
};

/* block_size: bytes of an ordinary block; a larger request gets a block of its own. */
void arena_init(struct arena *arena, size_t block_size);
/* Releases what is attached and forgets all memory, but keeps one block for the next use. */
void arena_clear(struct arena *arena);
void arena_release(struct arena *arena);

/* Zeroed, aligned for any type. Never NULL. size 0 is allowed. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_array(struct arena *arena, size_t count, size_t size);
/* Not zeroed, not aligned: for text. */
char *arena_bytes(struct arena *arena, size_t size);
/* A copy of `size` bytes, aligned for any type. */
void *arena_copy(struct arena *arena, const void *from, size_t size);
/* A larger copy of an array that grows by doubling; *capacity is updated. */
void *arena_grow(struct arena *arena, void *array, size_t count, size_t size, size_t *capacity);

/* release(object) runs when the arena is cleared or released. */
void arena_attach(struct arena *arena, void (*release)(void *object), void *object);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))

#endif
