/* Content encodings: there and back, bombs, junk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wire/encoding.h"

static const enum encoding packed_ones[] = {ENCODING_GZIP, ENCODING_DEFLATE, ENCODING_ZSTD};

#define PACKED_ONES (sizeof(packed_ones) / sizeof(packed_ones[0]))
#define LONG        ((size_t)20 * 1024 * 1024)

static struct arena arena;

static struct str text_of(size_t len)
{
    char *text = arena_bytes(&arena, len);
    memset(text, 'a', len);
    return (struct str){text, len};
}

static const char *unpacked(enum encoding encoding, struct str packed, size_t max, struct str *out)
{
    struct err err = {0};
    return encoding_unpack(&arena, encoding, packed, max, out, &err) == OUTCOME_DONE
               ? "done"
               : err.code->name;
}

void test_encoding__there_and_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 100, 5000};
    arena_init(&arena, 4096);
    for (size_t i = 0; i < PACKED_ONES; i++)
        for (size_t k = 0; k < 4; k++) {
            struct str out = STR_ABSENT;
            const struct str text = text_of(sizes[k]);
            const struct str packed = encoding_pack(&arena, packed_ones[i], text);
            assert_string_equal(unpacked(packed_ones[i], packed, 5000, &out), "done");
            assert_true(str_eq(out, text));
            assert_int_equal(encoding_named(encoding_name(packed_ones[i])), packed_ones[i]);
        }
    arena_release(&arena);
}

/* 20 MiB that become 20 KiB cost no more than what is taken of them. */
void test_encoding__a_bomb_ends_at_the_limit(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    for (size_t i = 0; i < PACKED_ONES; i++) {
        struct str out = STR_ABSENT;
        const struct str bomb = encoding_pack(&arena, packed_ones[i], text_of(LONG));
        const struct str edge = encoding_pack(&arena, packed_ones[i], text_of(1001));
        assert_string_equal(unpacked(packed_ones[i], bomb, 1000, &out), "TOO_LARGE");
        assert_string_equal(unpacked(packed_ones[i], edge, 1000, &out), "TOO_LARGE");
        assert_string_equal(unpacked(packed_ones[i], edge, 1001, &out), "done");
    }
    arena_release(&arena);
}

void test_encoding__what_is_cut_or_junk_is_malformed(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    for (size_t i = 0; i < PACKED_ONES; i++) {
        struct str out = STR_ABSENT;
        struct str packed = encoding_pack(&arena, packed_ones[i], text_of(5000));
        assert_string_equal(unpacked(packed_ones[i], STR("{}"), 9999, &out), "MALFORMED");
        packed.len--;
        assert_string_equal(unpacked(packed_ones[i], packed, 9999, &out), "MALFORMED");
    }
    arena_release(&arena);
}

/* Some clients write deflate without zlib's head. */
void test_encoding__deflate_without_a_head(void **state)
{
    (void)state;
    static const char raw[] = "\xab\x56\x4a\x54\xb2\x32\xac\x05\x00"; /* {"a":1} */
    struct str out = STR_ABSENT;
    arena_init(&arena, 4096);
    const struct str packed = {raw, sizeof(raw) - 1};
    assert_string_equal(unpacked(ENCODING_DEFLATE, packed, 100, &out), "done");
    assert_true(str_eq(out, STR("{\"a\":1}")));
    arena_release(&arena);
}

void test_encoding__what_a_client_accepts(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        enum encoding encoding;
    } rows[] = {
        {NULL, ENCODING_NONE},
        {"", ENCODING_NONE},
        {"gzip", ENCODING_GZIP},
        {"gzip, deflate, br", ENCODING_GZIP},
        {"deflate;q=0.5, zstd ; q=0.1", ENCODING_ZSTD},
        {"gzip;q=0, deflate", ENCODING_DEFLATE},
        {"gzip;q=0.000", ENCODING_NONE},
        {"br", ENCODING_NONE},
        {"gzipped", ENCODING_NONE},
        {" GZIP ", ENCODING_GZIP},
        {"identity", ENCODING_NONE},
        {",;,=;", ENCODING_NONE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (encoding_accepted(str_of(rows[i].header)) != rows[i].encoding)
            fail_msg("%s", rows[i].header);
}
