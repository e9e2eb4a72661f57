/* Codes that people read out and type: alphabet, spread, generous reading. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/id.h"
#include "base/map.h"
#include "code.h"
#include "order/order.h"

void test_code__crockford_alphabet_in_order(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    uint8_t bytes[32];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    assert_string_equal(code_text(&arena, "X-", bytes, sizeof(bytes)).ptr,
                        "X-0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    arena_release(&arena);
}

/* 256 is a multiple of 32, so each character is as likely as any other. */
void test_code__every_byte_gives_a_character_evenly(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    int seen[256] = {0};
    for (int i = 0; i < 256; i++) {
        const struct str text = code_text(&arena, "", &(uint8_t){(uint8_t)i}, 1);
        assert_int_equal(text.len, 1);
        seen[(unsigned char)text.ptr[0]]++;
    }
    for (const char *c = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; *c; c++)
        assert_int_equal(seen[(unsigned char)*c], 8);
    arena_release(&arena);
}

void test_code__order_numbers_differ(void **state)
{
    (void)state;
    struct arena arena;
    struct map numbers;
    arena_init(&arena, 1 << 16);
    map_init(&numbers, &arena);
    for (int i = 0; i < 20000; i++) {
        uint8_t bytes[ORDER_NUMBER_CHARS];
        random_bytes(bytes, sizeof(bytes));
        const struct str number = code_text(&arena, ORDER_NUMBER_PREFIX, bytes, ORDER_NUMBER_CHARS);
        assert_int_equal(number.len, 15);
        assert_null(map_get(&numbers, number));
        map_set(&numbers, number, &arena);
    }
    arena_release(&arena);
}

void test_code__reads_what_somebody_meant(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"CW-4X0Q7ZK2M9TB", "CW-4X0Q7ZK2M9TB"},
        {"cw-4xoq7zk2m9tb", "CW-4X0Q7ZK2M9TB"},
        {"CW-iIlLoO", "CW-111100"},
        {"", ""},
    };
    struct arena arena;
    arena_init(&arena, 4096);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(code_read(&arena, str_of(rows[i][0])).ptr, rows[i][1]);
    arena_release(&arena);
}
