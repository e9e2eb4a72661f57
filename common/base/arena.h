/* arena.h - memory that is released together.
 *
 * The lane has one arena per batch and clears it when the batch is settled, so code that runs
 * inside a batch allocates and never frees. Foreign objects (a JSON tree, a cursor) are attached to
 * the arena and are released with it, the last attached first. Running out of memory ends the
 * process: the supervisor restarts the lane, and the broker delivers its messages again. Sizes are
 * bounded because the size of a message is limited at admission. */
#ifndef CARTWRIGHT_BASE_ARENA_H
#define CARTWRIGHT_BASE_ARENA_H

#include <stddef.h>

struct arena_block;
struct arena_attachment;

struct arena {
    struct arena_block *blocks; /* newest first */
    struct arena_attachment *attachments;
    size_t block_size;
    size_t used; /* bytes handed out since the last clear */
};

/* `block_size`: bytes of an ordinary block; a larger request gets a block of its own. */
void arena_init(struct arena *arena, size_t block_size);
/* Releases the attached objects and all memory except one ordinary block, kept for the next use. */
void arena_clear(struct arena *arena);
/* Releases the attached objects and all memory; the arena may be used again. */
void arena_release(struct arena *arena);

/* Returns zeroed memory, aligned for any type and never NULL. A size of 0 is allowed. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_array(struct arena *arena, size_t count, size_t size);
/* Returns memory for text: neither zeroed nor aligned. */
char *arena_bytes(struct arena *arena, size_t size);
/* Returns a copy of `size` bytes, aligned for any type. */
void *arena_copy(struct arena *arena, const void *from, size_t size);
/* Makes room for one more element: returns `array` itself while count < *capacity, else a copy of
 * twice the capacity, and updates *capacity. */
void *arena_grow(struct arena *arena, void *array, size_t count, size_t size, size_t *capacity);

/* release(object) runs when the arena is cleared or released. */
void arena_attach(struct arena *arena, void (*release)(void *object), void *object);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))

#endif
