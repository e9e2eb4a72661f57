/* Strings, texts and maps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include <inttypes.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct arena started(void)
{
    struct arena arena;
    arena_init(&arena, 1024);
    return arena;
}

static void assert_str(struct str got, const char *expected)
{
    if (!str_eq(got, str_of(expected)))
        fail_msg("\"%.*s\", not \"%s\"", STR_FMT(got), expected);
}

/* --- str ------------------------------------------------------------------------------------------ */

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

void test_str__order_is_by_bytes(void **state)
{
    (void)state;
    static const struct str sorted[] = {{NULL, 0}, {"\0", 1},   {"\0a", 2}, {"A", 1},
                                        {"a", 1},  {"aa", 2},   {"ab", 2},  {"b", 1},
                                        {"z", 1},  {"\x7f", 1}, {"\xff", 1}};
    for (size_t i = 0; i < COUNT(sorted); i++)
        for (size_t k = 0; k < COUNT(sorted); k++) {
            assert_int_equal(sign(str_cmp(sorted[i], sorted[k])), sign((int)i - (int)k));
            assert_int_equal(str_eq(sorted[i], sorted[k]), i == k);
        }
    assert_int_equal(str_cmp(STR_ABSENT, STR("")), 0);
    assert_true(str_eq(STR_ABSENT, STR("")));
}

void test_str__prefixes(void **state)
{
    (void)state;
    assert_true(str_starts_with(STR("cart.item"), STR("cart.")));
    assert_true(str_starts_with(STR("cart"), STR("cart")));
    assert_true(str_starts_with(STR("cart"), STR("")));
    assert_true(str_starts_with(STR_ABSENT, STR_ABSENT));
    assert_false(str_starts_with(STR("car"), STR("cart")));
    assert_false(str_starts_with(STR("Cart"), STR("cart")));
    assert_false(str_starts_with(STR_ABSENT, STR("c")));
}

void test_str__a_nul_inside_is_no_c_string(void **state)
{
    (void)state;
    assert_true(str_is_c(STR("abc")));
    assert_true(str_is_c(STR("")));
    assert_false(str_is_c((struct str){"a\0b", 3}));
    assert_false(str_is_c((struct str){"a", 2}));
    assert_false(str_is_c(STR_ABSENT));
}

void test_str__integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } rows[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"007", true, 7},
        {"-1", true, -1},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"92233720368547758070", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"--1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1.0", false, 0},
        {"1e3", false, 0},
        {"0x1", false, 0},
        {"\xd9\xa1", false, 0}, /* an Arabic digit */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t value = 4711;
        if (str_to_int64(str_of(rows[i].text), &value) != rows[i].ok)
            fail_msg("'%s'", rows[i].text);
        assert_true(value == (rows[i].ok ? rows[i].value : 4711));
    }
    int64_t value;
    assert_false(str_to_int64((struct str){"1\0", 2}, &value));
    assert_false(str_to_int64(STR_ABSENT, &value));
}

void test_str__digits_are_those_of_printf(void **state)
{
    (void)state;
    static const int64_t values[] = {0,   1,    -1,        9,         10,
                                     -10, 4711, INT64_MAX, INT64_MIN, INT64_MIN + 1};
    for (size_t i = 0; i < COUNT(values); i++) {
        char room[STR_INT64_MAX], expected[STR_INT64_MAX];
        snprintf(expected, sizeof(expected), "%" PRId64, values[i]);
        const struct str digits = str_of_int64(values[i], room);
        assert_string_equal(digits.ptr, expected);
        assert_int_equal(digits.len, strlen(expected));
    }
}

void test_str__percent_signs_are_decoded(void **state)
{
    static const struct {
        const char *text;
        const char *decoded; /* NULL: refused */
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"%40", "@"},
        {"a%2Fb%2fc", "a/b/c"},
        {"%25%32%35", "%25"},
        {"%fF", "\xff"},
        {"%", NULL},
        {"a%4", NULL},
        {"%zz", NULL},
        {"%4g", NULL},
        {"a%00b", NULL},
        {"%-1", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char room[16];
        struct str out = STR_ABSENT;
        const bool good = str_percent_decode(str_of(cases[i].text), room, &out);
        print_message("%s\n", cases[i].text);
        assert_int_equal(good, cases[i].decoded != NULL);
        if (good)
            assert_string_equal(out.ptr, cases[i].decoded);
    }
}

void test_str__copies_end_with_nul_and_absence_stays(void **state)
{
    (void)state;
    struct arena arena = started();
    char original[] = "AbC\xc3\x84Z";
    const struct str copy = str_dup(&arena, (struct str){original, 3});
    const struct str lower = str_lower(&arena, str_of(original));
    memset(original, 'x', sizeof(original) - 1);
    assert_string_equal(copy.ptr, "AbC");
    assert_string_equal(lower.ptr, "abc\xc3\x84z");
    assert_true(str_is_absent(str_dup(&arena, STR_ABSENT)));
    assert_true(str_is_absent(str_lower(&arena, STR_ABSENT)));
    assert_string_equal(str_dup(&arena, STR("")).ptr, "");
    assert_false(str_is_absent(str_dup(&arena, STR(""))));
    assert_str(str_printf(&arena, "%d %.*s", 7, STR_FMT(STR_ABSENT)), "7 ");
    const struct str wide = str_printf(&arena, "%5000d", 1);
    assert_int_equal(wide.len, 5000);
    assert_int_equal(wide.ptr[4999], '1');
    assert_int_equal(wide.ptr[5000], '\0');
    arena_release(&arena);
}

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
void test_str__utf8_sequences(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
    } rows[] = {
        {"a", 1},
        {"\x7f", 1},
        {"\x80", 0},
        {"\xbf", 0},
        {"\xc0\x80", 0},
        {"\xc1\xbf", 0},
        {"\xc2\x80", 2},
        {"\xc3\xa4-", 2},
        {"\xdf\xbf", 2},
        {"\xc3", 0},
        {"\xc3\x28", 0},
        {"\xe0\x9f\xbf", 0},
        {"\xe0\xa0\x80", 3},
        {"\xe2\x82\xac", 3},
        {"\xe2\x82", 0},
        {"\xed\x9f\xbf", 3},
        {"\xed\xa0\x80", 0},
        {"\xed\xbf\xbf", 0},
        {"\xee\x80\x80", 3},
        {"\xf0\x8f\xbf\xbf", 0},
        {"\xf0\x90\x80\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\xf4\x90\x80\x80", 0},
        {"\xf5\x80\x80\x80", 0},
        {"\xff", 0},
        {"\xf0\x90\x80", 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct str s = str_of(rows[i].bytes);
        if (str_utf8_length(s.ptr, s.ptr + s.len) != rows[i].length)
            fail_msg("row %zu: %zu", i, str_utf8_length(s.ptr, s.ptr + s.len));
    }
}

/* --- text ----------------------------------------------------------------------------------------- */

void test_str__a_text_grows_and_is_always_terminated(void **state)
{
    (void)state;
    struct arena arena = started();
    struct text text;
    text_init(&text, &arena, 0);
    assert_string_equal(text_str(&text).ptr, "");
    for (size_t i = 1; i <= 5000; i++) {
        text_append_char(&text, (char)('a' + i % 26));
        assert_int_equal(text_str(&text).len, i);
        assert_int_equal(text_str(&text).ptr[i], '\0');
    }
    for (size_t i = 1; i <= 5000; i++)
        assert_int_equal(text.ptr[i - 1], 'a' + i % 26);
    arena_release(&arena);
}

void test_str__a_text_takes_each_kind_of_piece(void **state)
{
    (void)state;
    struct arena arena = started();
    struct text text;
    text_init(&text, &arena, 16);
    text_append_str(&text, STR("id="));
    text_append_int(&text, INT64_MIN);
    text_append_str(&text, STR_ABSENT);
    text_append_char(&text, '|');
    text_append_int(&text, INT64_MAX);
    text_append_char(&text, '|');
    text_append_int(&text, 0);
    text_printf(&text, "|%s|%05d", "a longer piece than there is room", 42);
    text_append(&text, "\0end", 4);
    static const char expected[] = "id=-9223372036854775808|9223372036854775807|0|a longer piece "
                                   "than there is room|00042\0end";
    assert_int_equal(text.len, sizeof(expected) - 1);
    assert_memory_equal(text.ptr, expected, sizeof(expected));
    arena_release(&arena);
}

/* --- map ------------------------------------------------------------------------------------------ */

void test_str__a_map_finds_each_of_many_keys(void **state)
{
    (void)state;
    enum { KEYS = 5000 };
    static int values[KEYS];
    struct arena arena = started();
    struct map map;
    map_init(&map, &arena);
    assert_null(map_get(&map, STR("0")));
    for (int i = 0; i < KEYS; i++)
        map_set(&map, str_printf(&arena, "%d", i), &values[i]);
    assert_int_equal(map.count, KEYS);
    for (int i = 0; i < KEYS; i++)
        assert_ptr_equal(map_get(&map, str_printf(&arena, "%d", i)), &values[i]);
    assert_null(map_get(&map, STR("5000")));
    assert_null(map_get(&map, STR("")));
    arena_release(&arena);
}

void test_str__a_map_replaces_and_tells_keys_with_nuls_apart(void **state)
{
    (void)state;
    struct arena arena = started();
    struct map map = {.arena = &arena};
    int a, b, c;
    map_set(&map, (struct str){"k\0a", 3}, &a);
    map_set(&map, (struct str){"k\0b", 3}, &b);
    map_set(&map, STR(""), &c);
    assert_int_equal(map.count, 3);
    map_set(&map, (struct str){"k\0a", 3}, &c);
    assert_int_equal(map.count, 3);
    assert_ptr_equal(map_get(&map, (struct str){"k\0a", 3}), &c);
    assert_ptr_equal(map_get(&map, (struct str){"k\0b", 3}), &b);
    assert_ptr_equal(map_get(&map, STR_ABSENT), &c);
    assert_null(map_get(&map, STR("k")));
    arena_release(&arena);
}

void test_str__hash_changes_with_every_byte_and_with_the_length(void **state)
{
    (void)state;
    char bytes[40] = {0};
    for (size_t len = 0; len < sizeof(bytes); len++) {
        const uint64_t hash = str_hash((struct str){bytes, len});
        assert_true(hash != str_hash((struct str){bytes, len + 1}));
        for (size_t i = 0; i < len; i++) {
            bytes[i] = 1;
            assert_true(hash != str_hash((struct str){bytes, len}));
            bytes[i] = 0;
        }
    }
}

/* Keys of a shop differ in a few digits at the end; a map looks at the low bits. */
void test_str__hash_spreads_ids_evenly(void **state)
{
    (void)state;
    enum { KEYS = 4096, SLOTS = 1024 };
    int slots[SLOTS] = {0};
    char id[32];
    int most = 0;
    for (int i = 0; i < KEYS; i++) {
        const int len = snprintf(id, sizeof(id), "sku-655f3c2a00000000%08x", i);
        int *slot = &slots[str_hash((struct str){id, (size_t)len}) % SLOTS];
        most = ++*slot > most ? *slot : most;
    }
    assert_in_range(most, KEYS / SLOTS, 16); /* by chance 12 or 13, with a bad hash hundreds */
}

void test_str__foreign_text_is_shown_not_obeyed(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        const char *shown;
        const char *with_lines;
    } rows[] = {
        {STR("a mug"), "a mug", "a mug"},
        {STR("\x1B[31mred\x7F"), "\\u001b[31mred\\u007f", "\\u001b[31mred\\u007f"},
        {STR("\xC2\x9B"
             "2J"),
         "\\u009b2J", "\\u009b2J"},
        {STR("a\nb\r\n"), "a\\u000ab\\u000d\\u000a", "a\nb\\u000d\n"},
        {STR("\xE2\x80\xAEgum"), "\\u202egum", "\\u202egum"},
        {STR("\xE2\x81\xA6x\xE2\x80\xA8"), "\\u2066x\\u2028", "\\u2066x\\u2028"},
        {STR("\xFFz\xE6\x97"), "\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD",
         "\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD"},
        {STR("\xE6\x97\xA5\xF0\x9F\x8D\xB5"), "\xE6\x97\xA5\xF0\x9F\x8D\xB5",
         "\xE6\x97\xA5\xF0\x9F\x8D\xB5"},
        {STR_ABSENT, "", ""},
        {{"x\0y", 3}, "x\\u0000y", "x\\u0000y"},
    };
    struct arena arena;
    arena_init(&arena, 256);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(str_shown(&arena, rows[i].text, false).ptr, rows[i].shown);
        assert_string_equal(str_shown(&arena, rows[i].text, true).ptr, rows[i].with_lines);
    }
    arena_release(&arena);
}
