/* test_json_parse.c - what a stranger may send and what is refused, one row each; and reading. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "wire/json.h"

static struct arena arena;
static struct err err;

static enum outcome parse(struct str bytes, const struct json **out)
{
    arena_release(&arena);
    arena_init(&arena, 4096);
    err_clear(&err);
    return json_parse(&arena, bytes, out, &err);
}

static const struct json *good(const char *text)
{
    const struct json *json = NULL;
    if (parse(str_of(text), &json) != OUTCOME_DONE)
        fail_msg("%s was refused: %s", text, err.text);
    return json;
}

static void refused(struct str bytes, const char *reason)
{
    const struct json *json = NULL;
    if (parse(bytes, &json) != OUTCOME_INVALID || json)
        fail_msg("%.80s was accepted", bytes.ptr);
    assert_ptr_equal(err.code, E_MALFORMED);
    if (!strstr(err.text, reason))
        fail_msg("%.80s: '%s' does not say '%s'", bytes.ptr, err.text, reason);
}

void test_json_parse__accepts(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{}",
        " \t\r\n{ } \n",
        "{\"a\":1,\"b\":[true,false,null],\"c\":{\"d\":\"e\"}}",
        "{\"a\":9223372036854775807,\"b\":-9223372036854775808}",
        "{\"a\":1.5,\"b\":1e2}", /* the schema refuses what is no integer, with a pointer */
        "{\"a\":\"\\ud83d\\ude00 \\u00e9 \\/ \\\\ \\\"\"}",
        "{\"\xc3\xa9\":\"\xf0\x9f\x98\x80\"}",
        "{\"$gt\":\"\",\"a.b\":1}", /* mere keys: the schema does not know them */
        "{\"a\":\"[[[[{{{{,,,,\"}",
        "{\"a\":\"\\\\\",\"b\":\"\\\"[\"}",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_non_null(good(rows[i]));
}

void test_json_parse__refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *reason;
    } rows[] = {
        {"", "empty"},
        {"   ", "ends too early"},
        {"[]", "must be a JSON object"},
        {"\"a\"", "must be a JSON object"},
        {"1", "must be a JSON object"},
        {"null", "must be a JSON object"},
        {"\xEF\xBB\xBF{}", "byte order mark"},
        {"\xFF\xFE{}", "must be a JSON object"},
        {"{", "ends too early"},
        {"{\"a\":1", "ends too early"},
        {"{\"a\":\"", "ends too early"},
        {"{\"a\":\"\\", "not valid JSON"},
        {"{}{}", "goes on after its end"},
        {"{} x", "goes on after its end"},
        {"{\"a\":1,}", "not valid JSON"},
        {"{\"a\":[1,]}", "not valid JSON"},
        {"{a:1}", "not valid JSON"},
        {"{'a':1}", "not valid JSON"},
        {"{\"a\":01}", "not valid JSON"},
        {"{\"a\":+1}", "not valid JSON"},
        {"{\"a\":.5}", "not valid JSON"},
        {"{\"a\":NaN}", "not valid JSON"},
        {"{\"a\":Infinity}", "not valid JSON"},
        {"{\"a\":-Infinity}", "not valid JSON"},
        {"{\"a\":tru}", "not valid JSON"},
        {"{\"a\":1 /* one */}", "not valid JSON"},
        {"{\"a\":1e400}", "number out of range"},
        {"{\"a\":9223372036854775808}", "number out of range"},
        {"{\"a\":-9223372036854775809}", "number out of range"},
        {"{\"a\":1,\"a\":2}", "the same key stands twice"},
        {"{\"b\":{\"a\":1,\"\\u0061\":2}}", "the same key stands twice"},
        {"{\"a\":\"\\u0000\"}", "NUL"},
        {"{\"\\u0000\":1}", "NUL"},
        {"{\"a\":\"\\ud800\"}", "not valid JSON"},
        {"{\"a\":\"\\ud800\\u0041\"}", "not valid JSON"},
        {"{\"a\":\"\\udc00\"}", "not valid JSON"},
        {"{\"a\":\"\\x41\"}", "not valid JSON"},
        {"{\"a\":\"line\nbreak\"}", "not valid JSON"},
        {"{\"a\":\"\x80\"}", "not UTF-8"},
        {"{\"a\":\"\xC0\xAF\"}", "not UTF-8"},         /* overlong */
        {"{\"a\":\"\xED\xA0\x80\"}", "not UTF-8"},     /* a surrogate */
        {"{\"a\":\"\xF4\x90\x80\x80\"}", "not UTF-8"}, /* above U+10FFFF */
        {"{\"a\":\"\xE2\x82\"}", "not UTF-8"},         /* cut off */
        {"{\"a\":1}\xFF", "not UTF-8"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        refused(str_of(rows[i].text), rows[i].reason);
}

void test_json_parse__tells_the_place_and_quotes_nothing(void **state)
{
    (void)state;
    refused(STR("{\n  \"password\": \"secret\" \"x\"\n}"), "line 2, column");
    assert_null(strstr(err.text, "secret"));
}

/* {"a":[[...]]} with `depth` levels. */
static struct str nested(size_t depth)
{
    static char text[4096];
    const size_t lists = depth - 1;
    memcpy(text, "{\"a\":", 5);
    memset(text + 5, '[', lists);
    memset(text + 5 + lists, ']', lists);
    text[5 + 2 * lists] = '}';
    return (struct str){text, 6 + 2 * lists};
}

void test_json_parse__depth_is_bounded(void **state)
{
    (void)state;
    const struct json *json;
    assert_int_equal(parse(nested(JSON_DEPTH_MAX), &json), OUTCOME_DONE);
    refused(nested(JSON_DEPTH_MAX + 1), "nested more than 32 deep");
    refused(nested(2000), "nested more than 32 deep");
    good("{\"a\":[[]],\"b\":[[]],\"c\":{\"d\":{}}}");
}

void test_json_parse__a_megabyte_of_brackets_is_refused(void **state)
{
    (void)state;
    const size_t size = 1 << 20;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, '[', size);
    refused((struct str){text, size}, "must be a JSON object");
    memcpy(text, "{\"a\":", 5);
    refused((struct str){text, size}, "nested more than 32 deep");
    free(text);
}

/* {"a":[1,1,...]} with `values` values: the object, the list and its elements. */
static struct str many(size_t values)
{
    static char text[3 * JSON_NODES_MAX];
    const size_t elements = values - 2;
    memcpy(text, "{\"a\":[", 6);
    for (size_t i = 0; i < elements; i++)
        memcpy(text + 6 + 2 * i, "1,", 2);
    memcpy(text + 5 + 2 * elements, "]}", 2); /* over the last comma */
    return (struct str){text, 7 + 2 * elements};
}

void test_json_parse__values_are_bounded(void **state)
{
    (void)state;
    const struct json *json;
    assert_int_equal(parse(many(JSON_NODES_MAX), &json), OUTCOME_DONE);
    assert_int_equal(json_count(json_member(json, "a")), JSON_NODES_MAX - 2);
    refused(many(JSON_NODES_MAX + 1), "more than 10000 values");
}

void test_json_parse__nul_bytes_are_refused(void **state)
{
    (void)state;
    refused(STR("{\"a\":\"x\0y\"}"), "not valid JSON");
    refused(STR("{}\0"), "goes on after its end");
    refused(STR("\0{}"), "must be a JSON object");
}

void test_json_parse__strings_keep_their_bytes(void **state)
{
    (void)state;
    const struct json *json = good("{\"a\":\"\\ud83d\\ude00\\n\\u00e9\",\"b\":\"\"}");
    assert_true(str_eq(json_str(json_member(json, "a")), STR("\xF0\x9F\x98\x80\n\xC3\xA9")));
    const struct str empty = json_str(json_member(json, "b"));
    assert_false(str_is_absent(empty));
    assert_int_equal(empty.len, 0);
}

void test_json_parse__reads_by_member_element_and_pointer(void **state)
{
    (void)state;
    const struct json *json = good("{\"a\":[10,{\"b/c\":{\"~\":7}}],\"n\":null,\"t\":true}");
    assert_int_equal(json_count(json), 3);
    assert_int_equal(json_int(json_element(json_member(json, "a"), 0), -1), 10);
    assert_int_equal(json_int(json_at(json, "/a/1/b~1c/~0"), -1), 7);
    assert_ptr_equal(json_at(json, ""), json);
    assert_null(json_at(json, "/a/2"));
    assert_null(json_at(json, "/a/x"));
    assert_null(json_at(json, "/a/-1"));
    assert_null(json_at(json, "a"));
    assert_null(json_at(json, "/t/x"));
    assert_true(json_bool(json_at(json, "/t"), false));
}

void test_json_parse__wrong_types_read_as_fallback(void **state)
{
    (void)state;
    const struct json *json = good("{\"a\":1.5,\"s\":\"1\"}");
    assert_int_equal(json_int(json_member(json, "a"), 42), 42);
    assert_int_equal(json_int(json_member(json, "s"), 42), 42);
    assert_int_equal(json_int(NULL, 42), 42);
    assert_true(json_bool(json_member(json, "s"), true));
    assert_true(str_is_absent(json_str(json_member(json, "a"))));
    assert_null(json_member(json_member(json, "s"), "x"));
    assert_null(json_member(NULL, "x"));
    assert_int_equal(json_count(NULL), 0);
}

static bool same_fingerprint(const char *a, const char *b)
{
    uint8_t first[16];
    uint8_t second[16];
    json_fingerprint(good(a), first);
    json_fingerprint(good(b), second);
    return memcmp(first, second, sizeof(first)) == 0;
}

void test_json_parse__fingerprint_ignores_order_and_space(void **state)
{
    (void)state;
    assert_true(same_fingerprint("{\"a\":1,\"b\":{\"c\":[1,2],\"d\":null}}",
                                 " { \"b\" : {\"d\":null, \"c\":[ 1, 2 ]}, \"a\" : 1 } "));
    assert_true(same_fingerprint("{\"a\":\"\\u0041\"}", "{\"a\":\"A\"}"));
}

void test_json_parse__fingerprint_tells_values_apart(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{}",
        "{\"a\":1}",
        "{\"a\":2}",
        "{\"a\":\"1\"}",
        "{\"a\":1.0}",
        "{\"a\":true}",
        "{\"a\":false}",
        "{\"a\":null}",
        "{\"a\":[]}",
        "{\"a\":{}}",
        "{\"a\":[1]}",
        "{\"a\":[1,2]}",
        "{\"a\":[1,3]}",
        "{\"a\":[2,1]}",
        "{\"a\":[[1],2]}",
        "{\"a\":[[1,2]]}",
        "{\"b\":1}",
        "{\"a\":{\"b\":1}}",
        "{\"a\":1,\"b\":2}",
        "{\"a\":2,\"b\":1}",
        "{\"a\":\"\"}",
    };
    const size_t count = sizeof(rows) / sizeof(rows[0]);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++)
            if (same_fingerprint(rows[i], rows[k]) != (i == k))
                fail_msg("%s and %s", rows[i], rows[k]);
}

void test_json_parse__text_and_pretty(void **state)
{
    (void)state;
    struct str pretty;
    const struct json *json = good(" {\"b\" : [1, \"x\"], \"a\": {}} ");
    assert_string_equal(json_text(&arena, json).ptr, "{\"b\":[1,\"x\"],\"a\":{}}");
    assert_string_equal(json_text(&arena, json_at(json, "/b/1")).ptr, "\"x\"");
    assert_true(str_is_absent(json_text(&arena, NULL)));
    assert_int_equal(json_pretty(&arena, STR("{\"a\":1}"), &pretty, &err), OUTCOME_DONE);
    assert_string_equal(pretty.ptr, "{\n  \"a\": 1\n}");
    assert_int_equal(
        json_pretty(&arena, STR("{\"\xE2\x80\xAE\":\"\xC2\x9B\\u2028\"}"), &pretty, &err),
        OUTCOME_DONE);
    assert_string_equal(pretty.ptr, "{\n  \"\\u202e\": \"\\u009b\\u2028\"\n}");
    assert_int_equal(json_pretty(&arena, STR("nonsense"), &pretty, &err), OUTCOME_INVALID);
}

void test_json_parse__arena_can_be_cleared_and_used_again(void **state)
{
    (void)state;
    good("{\"a\":1}");
    for (int i = 0; i < 100; i++) {
        const struct json *json = NULL;
        arena_clear(&arena);
        assert_int_equal(
            json_parse(&arena, STR("{\"a\":{\"b\":[1,2,3]},\"c\":\"d\"}"), &json, &err),
            OUTCOME_DONE);
        assert_int_equal(json_parse(&arena, STR("{\"a\":{\"b\":[1,2"), &json, &err),
                         OUTCOME_INVALID);
        assert_int_equal(json_int(json_at(json, "/a/b/2"), 0), 3);
    }
    arena_release(&arena);
}
