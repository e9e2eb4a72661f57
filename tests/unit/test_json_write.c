/* test_json_write.c - the writer: escapes, nesting, and objects by their shape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wire/json.h"

static struct arena arena;
static struct text text;
static struct json_writer writer;

static void begin(void)
{
    arena_release(&arena);
    arena_init(&arena, 4096);
    text_init(&text, &arena, 16);
    json_writer_init(&writer, &text);
}

void test_json_write__commas_and_nesting(void **state)
{
    (void)state;
    begin();
    json_open_object(&writer);
    json_key(&writer, "a");
    json_open_list(&writer);
    json_put_int(&writer, 1);
    json_open_object(&writer);
    json_close_object(&writer);
    json_open_list(&writer);
    json_close_list(&writer);
    json_put_null(&writer);
    json_close_list(&writer);
    json_key(&writer, "b");
    json_put_bool(&writer, false);
    json_key(&writer, "c");
    json_put_raw(&writer, STR("{\"x\":1}"));
    json_close_object(&writer);
    assert_string_equal(text.ptr, "{\"a\":[1,{},[],null],\"b\":false,\"c\":{\"x\":1}}");
}

void test_json_write__escapes(void **state)
{
    (void)state;
    static const struct {
        struct str value;
        const char *written;
    } rows[] = {
        {{"", 0}, "\"\""},
        {{NULL, 0}, "\"\""},
        {{"plain", 5}, "\"plain\""},
        {{"a\"b\\c/d", 7}, "\"a\\\"b\\\\c/d\""},
        {{"\b\f\n\r\t", 5}, "\"\\b\\f\\n\\r\\t\""},
        {{"\0\x01\x1f\x7f", 4}, "\"\\u0000\\u0001\\u001f\x7f\""},
        {{"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9}, "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\""},
        {{"a\x80z", 3}, "\"a\xEF\xBF\xBDz\""},
        {{"\xC3", 1}, "\"\xEF\xBF\xBD\""},
        {{"\xC0\xAF", 2}, "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {{"\xED\xA0\x80", 3}, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {{"\xF4\x90\x80\x80", 4}, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin();
        json_put_str(&writer, rows[i].value);
        assert_string_equal(text.ptr, rows[i].written);
    }
}

/* The writer looks at eight bytes at a time: a special one must be seen wherever it stands. */
void test_json_write__every_position_of_a_special_byte(void **state)
{
    (void)state;
    static const char specials[] = {'"', '\\', '\n', 0x1f, (char)0x80, (char)0xff};
    for (size_t position = 0; position < 24; position++) {
        for (size_t s = 0; s < sizeof(specials); s++) {
            char bytes[24];
            memset(bytes, ' ', sizeof(bytes));
            bytes[position] = specials[s];
            begin();
            json_put_str(&writer, (struct str){bytes, sizeof(bytes)});
            assert_int_equal(text.ptr[1 + position], specials[s] < 0 ? (char)0xEF : '\\');
        }
    }
}

void test_json_write__integers(void **state)
{
    (void)state;
    begin();
    json_open_list(&writer);
    json_put_int(&writer, 0);
    json_put_int(&writer, INT64_MAX);
    json_put_int(&writer, INT64_MIN);
    json_close_list(&writer);
    assert_string_equal(text.ptr, "[0,9223372036854775807,-9223372036854775808]");
}

static void value_without_key(void)
{
    json_open_object(&writer);
    json_put_int(&writer, 1);
}

static void key_in_list(void)
{
    json_open_list(&writer);
    json_key(&writer, "a");
}

static void key_without_value(void)
{
    json_open_object(&writer);
    json_key(&writer, "a");
    json_close_object(&writer);
}

static void list_closed_as_object(void)
{
    json_open_list(&writer);
    json_close_object(&writer);
}

static void closed_twice(void)
{
    json_open_list(&writer);
    json_close_list(&writer);
    json_close_list(&writer);
}

void test_json_write__nesting_mistakes_panic(void **state)
{
    (void)state;
    static void (*const mistakes[])(void) = {value_without_key, key_in_list, key_without_value,
                                             list_closed_as_object, closed_twice};
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            signal(SIGABRT, SIG_DFL);
            if (!freopen("/dev/null", "w", stderr))
                _exit(2);
            begin();
            mistakes[i]();
            _exit(0);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    }
}

/* --- shapes ----------------------------------------------------------------------------------- */

struct part {
    struct str name;
};

struct whole {
    struct str id;
    struct str text;
    struct str date;
    int64_t count;
    struct opt_int maybe_count;
    bool yes;
    struct opt_bool maybe;
    struct str maybe_text;
    bool maybe_text_given;
    int64_t at;
    struct money price;
    int color;
    const struct part *part;
    struct part inside;
    LIST(struct part) parts;
    LIST(struct str) words;
    LIST(struct str) ids;
    struct str raw;
    struct str secret;
};

static const char *const colors[] = {"red", "green", NULL};
static const struct field part_fields[] = {
    {.name = "name", .kind = FIELD_STR, .offset = offsetof(struct part, name)},
};
static const struct shape part_shape = SHAPE("Part", struct part, part_fields);

#define AT(member) offsetof(struct whole, member)
#define ROW(name_, kind_, flags_, member, ...)                                                     \
    {                                                                                              \
        .name = (name_), .kind = (kind_), .flags = (flags_), .offset = AT(member), __VA_ARGS__     \
    }
#define WHOLE_FIELDS(flags)                                                                        \
    {                                                                                              \
        ROW("id", FIELD_ID, (flags) | FIELD_KEY, id, ), ROW("text", FIELD_STR, (flags), text, ),   \
            ROW("date", FIELD_DATE, (flags), date, ), ROW("count", FIELD_INT, (flags), count, ),   \
            ROW("maybeCount", FIELD_OPT_INT, (flags), maybe_count, ),                              \
            ROW("yes", FIELD_BOOL, (flags), yes, ),                                                \
            ROW("maybe", FIELD_OPT_BOOL, (flags), maybe, ),                                        \
            ROW("maybeText", FIELD_STR, FIELD_OPTIONAL | FIELD_NULLABLE, maybe_text,               \
                .given = AT(maybe_text_given)),                                                    \
            ROW("at", FIELD_TIME, (flags), at, ), ROW("price", FIELD_MONEY, (flags), price, ),     \
            ROW("color", FIELD_ENUM, (flags), color, .names = colors),                             \
            ROW("part", FIELD_STRUCT, (flags), part, .shape = &part_shape),                        \
            ROW("inside", FIELD_EMBED, (flags), inside, .shape = &part_shape),                     \
            ROW("parts", FIELD_LIST, (flags), parts, .shape = &part_shape),                        \
            ROW("words", FIELD_STRS, (flags), words, ), ROW("ids", FIELD_IDS, (flags), ids, ),     \
            ROW("raw", FIELD_RAW, (flags), raw, ),                                                 \
            ROW("secret", FIELD_STR, (flags) | FIELD_SECRET, secret, ),                            \
    }

static const struct field plain_fields[] = WHOLE_FIELDS(0);
static const struct field optional_fields[] = WHOLE_FIELDS(FIELD_OPTIONAL);
static const struct field nullable_fields[] = WHOLE_FIELDS(FIELD_NULLABLE);
static const struct shape plain_shape = SHAPE("Whole", struct whole, plain_fields);
static const struct shape optional_shape = SHAPE("Whole", struct whole, optional_fields);
static const struct shape nullable_shape = SHAPE("Whole", struct whole, nullable_fields);

static struct part two_parts[] = {{{"p\"1", 3}}, {{"p2", 2}}};
static struct str two_words[] = {{"w1", 2}, {"w2", 2}};

static struct whole full(void)
{
    return (struct whole){
        .id = STR("00112233445566778899aabb"),
        .text = STR("t"),
        .date = STR("2026-11-20"),
        .count = -3,
        .maybe_count = {true, 0},
        .yes = true,
        .maybe = {true, false},
        .maybe_text = STR("m"),
        .maybe_text_given = true,
        .at = 1795187045123,
        .price = {255, "GBP"},
        .color = 1,
        .part = &two_parts[0],
        .inside = two_parts[1],
        .parts = {two_parts, 2},
        .words = {two_words, 2},
        .ids = {two_words, 1},
        .raw = STR("[1]"),
        .secret = STR("hunter2"),
    };
}

void test_json_write__all_kinds(void **state)
{
    (void)state;
    begin();
    const struct whole whole = full();
    assert_string_equal(
        json_of_shape(&arena, &plain_shape, &whole).ptr,
        "{\"id\":\"00112233445566778899aabb\",\"text\":\"t\",\"date\":\"2026-11-20\",\"count\":-3,"
        "\"maybeCount\":0,\"yes\":true,\"maybe\":false,\"maybeText\":\"m\","
        "\"at\":\"2026-11-20T15:04:05.123Z\","
        "\"price\":{\"amount\":255,\"currency\":\"GBP\"},\"color\":\"green\","
        "\"part\":{\"name\":\"p\\\"1\"},\"inside\":{\"name\":\"p2\"},"
        "\"parts\":[{\"name\":\"p\\\"1\"},{\"name\":\"p2\"}],\"words\":[\"w1\",\"w2\"],"
        "\"ids\":[\"w1\"],\"raw\":[1]}");
}

void test_json_write__absent_is_left_out_or_null(void **state)
{
    (void)state;
    begin();
    const struct whole nothing = {.color = -1, .inside = two_parts[1]};
    assert_string_equal(json_of_shape(&arena, &optional_shape, &nothing).ptr,
                        "{\"count\":0,\"yes\":false,\"inside\":{\"name\":\"p2\"}}");
    static const char nulls[] =
        "{\"id\":null,\"text\":null,\"date\":null,\"count\":0,\"maybeCount\":null,\"yes\":false,"
        "\"maybe\":null,\"at\":null,\"price\":null,\"color\":null,\"part\":null,"
        "\"inside\":{\"name\":\"p2\"},\"parts\":%s,\"words\":%s,\"ids\":%s,\"raw\":null}";
    char expected[512];
    snprintf(expected, sizeof(expected), nulls, "null", "null", "null");
    assert_string_equal(json_of_shape(&arena, &nullable_shape, &nothing).ptr, expected);
    snprintf(expected, sizeof(expected), nulls, "[]", "[]", "[]");
    assert_string_equal(json_of_shape(&arena, &plain_shape, &nothing).ptr, expected);
}

/* Null that was said is no absence: it is written even where absence is left out. */
void test_json_write__a_null_that_was_said(void **state)
{
    (void)state;
    begin();
    const struct whole cleared = {.color = -1, .inside = two_parts[1], .maybe_text_given = true};
    assert_string_equal(json_of_shape(&arena, &optional_shape, &cleared).ptr,
                        "{\"count\":0,\"yes\":false,\"maybeText\":null,"
                        "\"inside\":{\"name\":\"p2\"}}");
}

void test_json_write__secrets_are_never_written(void **state)
{
    (void)state;
    begin();
    const struct whole whole = full();
    assert_null(strstr(json_of_shape(&arena, &plain_shape, &whole).ptr, "hunter2"));
    assert_null(strstr(json_of_shape(&arena, &optional_shape, &whole).ptr, "secret"));
}

void test_json_write__parses_again(void **state)
{
    (void)state;
    begin();
    struct err err;
    const struct json *json;
    char bytes[256];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i == 0 ? 1 : i);
    struct whole whole = full();
    whole.text = (struct str){bytes, sizeof(bytes)};
    const struct str written = json_of_shape(&arena, &plain_shape, &whole);
    assert_int_equal(json_parse(&arena, written, &json, &err), OUTCOME_DONE);
    assert_true(str_starts_with(json_str(json_member(json, "text")), (struct str){bytes, 128}));
    arena_release(&arena);
}
