/* check_table.c - rows by text, within a bound of memory. */
#include <stdlib.h>

#include "checker/check_parts.h"

#define BLOCK_BYTES (16 * 1024)
#define FIRST_SLOTS 64

void check_table_init(struct check_table *table, size_t row_size, size_t memory_max)
{
    *table = (struct check_table){.row_size = row_size, .memory_max = memory_max};
    arena_init(&table->arena, BLOCK_BYTES);
}

void check_table_clear(struct check_table *table)
{
    const size_t row_size = table->row_size;
    const size_t memory_max = table->memory_max;
    check_table_release(table);
    check_table_init(table, row_size, memory_max);
}

void check_table_release(struct check_table *table)
{
    arena_release(&table->arena);
    free(table->slots);
    table->slots = NULL;
}

/* The slot of the key, or the free slot where it would go. */
static struct check_row **slot_of(struct check_row **slots, size_t capacity, struct str key,
                                  uint64_t hash)
{
    size_t i = hash & (capacity - 1);
    while (slots[i] && (slots[i]->hash != hash || !str_eq(slots[i]->key, key)))
        i = (i + 1) & (capacity - 1);
    return &slots[i];
}

struct check_row *check_table_get(const struct check_table *table, struct str key)
{
    if (table->capacity == 0)
        return NULL;
    return *slot_of(table->slots, table->capacity, key, digest_str(0, key));
}

/* The memory of the table with one more row. While the slots double, the old ones are there as
 * well, so three times as many count. */
static size_t bytes_with_one_more(const struct check_table *table, struct str key)
{
    const bool grows = table->count * 4 >= table->capacity * 3;
    const size_t slots = grows ? 3 * table->capacity : table->capacity;
    return table->arena.used + sizeof(struct check_row) + table->row_size + key.len + 1 +
           slots * sizeof(struct check_row *);
}

static void make_room(struct check_table *table)
{
    if (table->count * 4 < table->capacity * 3)
        return;
    const size_t capacity = table->capacity ? 2 * table->capacity : FIRST_SLOTS;
    struct check_row **slots = calloc(capacity, sizeof(struct check_row *));
    if (!slots)
        panic("out of memory for a table of %zu rows", table->count);
    for (struct check_row *row = table->first; row; row = row->next)
        *slot_of(slots, capacity, row->key, row->hash) = row;
    free(table->slots);
    table->slots = slots;
    table->capacity = capacity;
}

struct check_row *check_table_add(struct check_table *table, struct str key)
{
    if (table->count > 0 && bytes_with_one_more(table, key) > table->memory_max)
        return NULL;
    make_room(table);
    struct check_row *row = arena_alloc(&table->arena, sizeof(*row) + table->row_size);
    row->key = str_dup(&table->arena, key);
    row->hash = digest_str(0, key);
    *slot_of(table->slots, table->capacity, row->key, row->hash) = row;
    if (table->last)
        table->last->next = row;
    else
        table->first = row;
    table->last = row;
    table->count++;
    return row;
}
