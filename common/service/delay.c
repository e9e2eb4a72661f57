/* delay.c - the arithmetic of the delays: units, bits, routing keys. */
#include "service/delay.h"

#include "base/text.h"
#include "service/names.h"

#define JITTER_PART 5 /* a delay becomes up to a fifth longer */

_Static_assert((DELAY_MAX_MS + DELAY_MAX_MS / JITTER_PART) / DELAY_UNIT_MS < 1LL << DELAY_LEVELS,
               "the levels hold the longest delay");

static int64_t units_of(int64_t ms)
{
    return (ms + DELAY_UNIT_MS - 1) / DELAY_UNIT_MS;
}

int64_t delay_with_jitter(int64_t ms, uint64_t chance)
{
    const int64_t units = units_of(ms);
    const int64_t more = (int64_t)(chance % (uint64_t)(units / JITTER_PART + 1));
    return (units + more) * DELAY_UNIT_MS;
}

static int highest_bit(int64_t units)
{
    return 63 - __builtin_clzll((unsigned long long)units);
}

struct delay_route delay_route(struct arena *arena, struct str prefix, struct str queue, int64_t ms)
{
    const int64_t units = units_of(ms);
    const int top = highest_bit(units);
    struct text key;
    text_init(&key, arena, DELAY_BITS_MAX + queue.len + 1);
    for (int level = 0; level <= top; level++)
        text_append_str(&key, units >> level & 1 ? STR("1.") : STR("0."));
    text_append_str(&key, queue);
    return (struct delay_route){name_delay(arena, prefix, top), text_str(&key)};
}

int64_t delay_level_ms(int level)
{
    return (int64_t)DELAY_UNIT_MS << level;
}

struct str delay_pattern(struct arena *arena, int level)
{
    struct text pattern;
    text_init(&pattern, arena, DELAY_BITS_MAX);
    for (int lower = 0; lower < level; lower++)
        text_append_str(&pattern, STR("*."));
    text_append_str(&pattern, STR("1.#"));
    return text_str(&pattern);
}

struct str delay_end_pattern(struct arena *arena, struct str queue)
{
    return str_printf(arena, "#.%.*s", STR_FMT(queue));
}
