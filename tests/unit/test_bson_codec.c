/* test_bson_codec.c - documents to BSON and back, paths, index declarations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/bson_codec.h"
#include "store/doc_path.h"
#include "store/index_spec.h"
#include "store_types.h"

#define ID "0123456789abcdef01234567"

static void setup(struct arena *arena)
{
    arena_init(arena, 4096);
}

static void assert_str(struct str got, const char *expected)
{
    if (!str_eq(got, str_of(expected)))
        fail_msg("\"%.*s\", not \"%s\"", STR_FMT(got), expected);
}

static char *json_of(const struct shape *shape, const void *object)
{
    bson_t bson = BSON_INITIALIZER;
    struct codec_fault fault = {0};
    if (!codec_put(&bson, shape, object, &fault))
        fail_msg("%s.%s %s", fault.shape, fault.field, fault.what);
    char *json = bson_as_canonical_extended_json(&bson, NULL);
    bson_destroy(&bson);
    return json;
}

void test_bson_codec__writes_each_kind(void **state)
{
    (void)state;
    struct arena arena;
    setup(&arena);
    static const char *const parts[] = {
        "\"_id\" : { \"$oid\" : \"" ID "\" }",
        "\"version\" : { \"$numberLong\" : \"1\" }",
        "\"createdAt\" : { \"$date\" : { \"$numberLong\" : \"1000\" } }",
        "\"parentId\" : { \"$oid\" : \"" ID "\" }",
        "\"due\" : \"2026-11-20\"",
        "\"rank\" : { \"$numberLong\" : \"-3\" }",
        "\"active\" : true",
        "\"loud\" : false",
        "\"price\" : { \"amount\" : { \"$numberLong\" : \"255\" }, \"currency\" : \"GBP\" }",
        "\"state\" : \"published\"",
        "\"place\" : { \"width\" : { \"$numberLong\" : \"9\" } }",
        "\"owners\" : [ { \"$oid\" : \"cccccccccccccccccccccccc\" } ]",
        "\"data\" : \"{\\\"a\\\":1}\"",
        "\"password\" : \"hash\"",
    };
    char *json = json_of(&thing_shape, new_thing(&arena, STR(ID), STR("S")));
    for (size_t i = 0; i < COUNT(parts); i++)
        if (!strstr(json, parts[i]))
            fail_msg("no %s in %s", parts[i], json);
    assert_null(strstr(json, "mood"));
    assert_null(strstr(json, "email"));
    bson_free(json);
    arena_release(&arena);
}

static void *read_back(struct arena *arena, const struct doc_type *type, const void *doc)
{
    const struct doc_list one = {.items = &doc, .count = 1};
    struct doc_list back = {0};
    const struct str bytes = store_encode(arena, type, &one);
    assert_false(str_is_absent(bytes));
    assert_true(store_decode(arena, type, bytes, &back));
    assert_int_equal(back.count, 1);
    return (void *)(uintptr_t)back.items[0];
}

void test_bson_codec__reads_back_what_it_wrote(void **state)
{
    (void)state;
    struct arena arena;
    setup(&arena);
    const struct thing *back =
        read_back(&arena, &thing_type, new_thing(&arena, STR(ID), STR("SKU")));
    assert_str(back->head.id, ID);
    assert_int_equal(back->head.updated_at, 2000);
    assert_str(back->sku, "SKU");
    assert_true(str_is_absent(back->email));
    assert_str(back->parent_id, ID);
    assert_true(back->rank.has);
    assert_int_equal(back->rank.value, -3);
    assert_true(back->loud.has);
    assert_false(back->loud.value);
    assert_int_equal(back->state, PUBLISHED);
    assert_int_equal(back->mood, -1);
    assert_int_equal(back->box->width, 7);
    assert_str(back->box->label, "a box");
    assert_true(str_is_absent(back->place.label));
    assert_int_equal(back->lines.count, 2);
    assert_str(back->lines.items[1].product_id, "bbbbbbbbbbbbbbbbbbbbbbbb");
    assert_int_equal(back->lines.items[0].price.amount, 100);
    assert_str(back->tags.items[1], "blue");
    assert_str(back->owners.items[0], "cccccccccccccccccccccccc");
    assert_str(back->data, "{\"a\":1}");
    arena_release(&arena);
}

void test_bson_codec__absent_stays_absent(void **state)
{
    (void)state;
    struct arena arena;
    setup(&arena);
    struct thing *thing = new_thing(&arena, STR(ID), STR("S"));
    thing->parent_id = STR_ABSENT;
    thing->rank.has = thing->loud.has = false;
    thing->seen_at = 0;
    thing->box = NULL;
    thing->lines.count = thing->tags.count = 0;
    char *json = json_of(&thing_shape, thing);
    assert_non_null(strstr(json, "\"parentId\" : null"));
    const char *tags = strstr(json, "\"tags\" : [");
    assert_non_null(tags);
    tags = strchr(tags, '[') + 1;
    assert_int_equal(tags[strspn(tags, " ")],
                     ']'); /* one blank or two: libbson's versions differ */
    assert_null(strstr(json, "seenAt"));
    bson_free(json);
    const struct thing *back = read_back(&arena, &thing_type, thing);
    assert_true(str_is_absent(back->parent_id));
    assert_false(back->rank.has || back->loud.has);
    assert_null(back->box);
    assert_int_equal(back->lines.count, 0);
    arena_release(&arena);
}

void test_bson_codec__strings_may_hold_any_byte(void **state)
{
    (void)state;
    struct arena arena;
    setup(&arena);
    struct thing *thing = new_thing(&arena, STR(ID), STR("a\0b"));
    thing->name = STR("");
    const struct thing *back = read_back(&arena, &thing_type, thing);
    assert_int_equal(back->sku.len, 3);
    assert_memory_equal(back->sku.ptr, "a\0b", 4);
    assert_false(str_is_absent(back->name));
    assert_int_equal(back->name.len, 0);
    arena_release(&arena);
}

void test_bson_codec__refuses_to_write_what_it_could_not_read(void **state)
{
    (void)state;
    struct arena arena;
    setup(&arena);
    struct thing *no_name = new_thing(&arena, STR(ID), STR("S"));
    struct thing *bad_id = new_thing(&arena, STR("nope"), STR("S"));
    struct thing *bad_line = new_thing(&arena, STR(ID), STR("S"));
    no_name->name = STR_ABSENT;
    bad_line->lines.items[1].price.currency[0] = '\0';
    const struct {
        const struct thing *thing;
        const char *shape, *field;
    } rows[] = {
        {no_name, "Thing", "name"}, {bad_id, "Thing", "id"}, {bad_line, "ThingLine", "price"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        bson_t bson = BSON_INITIALIZER;
        struct codec_fault fault = {0};
        assert_false(codec_put(&bson, &thing_shape, rows[i].thing, &fault));
        assert_string_equal(fault.shape, rows[i].shape);
        assert_string_equal(fault.field, rows[i].field);
        bson_destroy(&bson);
    }
    arena_release(&arena);
}

void test_bson_codec__names_what_does_not_fit(void **state)
{
    (void)state;
    struct arena arena;
    setup(&arena);
    const struct {
        bson_t *bson;
        const char *field; /* NULL: fits */
    } rows[] = {
        {BCON_NEW("_id", "A", "version", BCON_INT64(1), "createdAt", BCON_DATE_TIME(1), "updatedAt",
                  BCON_DATE_TIME(1), "onHand", BCON_INT64(3)),
         NULL},
        {BCON_NEW("onHand", BCON_INT32(3), "later", "?", "updatedAt", BCON_DATE_TIME(1),
                  "createdAt", BCON_DATE_TIME(1), "version", BCON_INT32(1), "_id", "A"),
         NULL},
        {BCON_NEW("_id", "A", "version", BCON_INT64(1), "createdAt", BCON_DATE_TIME(1), "updatedAt",
                  BCON_DATE_TIME(1)),
         "onHand"},
        {BCON_NEW("_id", "A", "version", BCON_INT64(1), "createdAt", BCON_DATE_TIME(1), "updatedAt",
                  BCON_DATE_TIME(1), "onHand", BCON_DOUBLE(3)),
         "onHand"},
        {BCON_NEW("_id", "A", "version", BCON_INT64(1), "createdAt", BCON_INT64(1), "updatedAt",
                  BCON_DATE_TIME(1), "onHand", BCON_INT64(3)),
         "createdAt"},
        {BCON_NEW("_id", BCON_INT32(1)), "id"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct stock stock = {0};
        struct codec_fault fault = {0};
        const bool ok = codec_get(&arena, &stock_shape, bson_get_data(rows[i].bson),
                                  rows[i].bson->len, &stock, &fault);
        if (ok != !rows[i].field || (!ok && strcmp(fault.field, rows[i].field) != 0))
            fail_msg("row %zu: %s %s", i, fault.field, fault.what);
        if (ok)
            assert_int_equal(stock.on_hand, 3);
        bson_destroy(rows[i].bson);
    }
    arena_release(&arena);
}

void test_bson_codec__cached_bytes_are_not_trusted(void **state)
{
    (void)state;
    struct arena arena;
    setup(&arena);
    const void *docs[] = {new_thing(&arena, STR(ID), STR("A")),
                          new_thing(&arena, STR(ID), STR("B"))};
    const struct doc_list list = {.items = docs, .count = 2};
    struct doc_list back = {0};
    const struct str bytes = store_encode(&arena, &thing_type, &list);
    assert_true(store_decode(&arena, &thing_type, bytes, &back));
    assert_int_equal(back.count, 2);
    assert_false(store_decode(&arena, &stock_type, bytes, &back));
    for (size_t len = 1; len < bytes.len; len++)
        if (len != bytes.len / 2)
            assert_false(store_decode(&arena, &thing_type, (struct str){bytes.ptr, len}, &back));
    /* One byte changed anywhere: accepted or refused, but never read out of bounds. */
    for (size_t i = 0; i < bytes.len; i++) {
        char *copy = arena_copy(&arena, bytes.ptr, bytes.len);
        copy[i] = (char)(copy[i] ^ 0x81);
        const bool fits = store_decode(&arena, &thing_type, (struct str){copy, bytes.len}, &back);
        assert_true(fits || back.count == 2);
    }
    assert_true(store_decode(&arena, &thing_type, STR(""), &back));
    assert_int_equal(back.count, 0);
    arena_release(&arena);
}

void test_bson_codec__resolves_paths(void **state)
{
    (void)state;
    const struct {
        const char *path, *bson; /* bson NULL: leads nowhere */
        enum field_kind kind;
    } rows[] = {
        {"id", "_id", FIELD_ID},
        {"name", "name", FIELD_STR},
        {"price.amount", "price.amount", FIELD_INT},
        {"price.currency", "price.currency", FIELD_STR},
        {"place.label", "place.label", FIELD_STR},
        {"box.width", "box.width", FIELD_INT},
        {"lines.productId", "lines.productId", FIELD_ID},
        {"lines.price.amount", "lines.price.amount", FIELD_INT},
        {"nothing", NULL, 0},
        {"price.cents", NULL, 0},
        {"price.amount.x", NULL, 0},
        {"name.x", NULL, 0},
        {"lines.", NULL, 0},
        {"", NULL, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct doc_path path = {0};
        const bool ok = doc_path_resolve(&thing_shape, rows[i].path, &path);
        if (ok != (rows[i].bson != NULL))
            fail_msg("\"%s\": %s", rows[i].path, ok ? "found" : "not found");
        if (ok) {
            assert_string_equal(path.bson, rows[i].bson);
            assert_int_equal(path.kind, rows[i].kind);
        }
    }
}

void test_bson_codec__reads_index_declarations(void **state)
{
    (void)state;
    const struct {
        struct doc_index index;
        const char *json; /* NULL: declared wrongly */
    } rows[] = {
        {{.name = "a", .keys = "state:1,price.amount:-1"},
         "{ \"key\" : { \"state\" : 1, \"price.amount\" : -1 }, \"name\" : \"a\" }"},
        {{.name = "u", .keys = "id:1", .flags = INDEX_UNIQUE, .only_when = "email=exists"},
         "{ \"key\" : { \"_id\" : 1 }, \"name\" : \"u\", \"unique\" : true, "
         "\"partialFilterExpression\" : { \"email\" : { \"$exists\" : true } } }"},
        {{.name = "e", .keys = "seenAt:1", .expire_after_s = 60, .only_when = "active=false"},
         "{ \"key\" : { \"seenAt\" : 1 }, \"name\" : \"e\", \"expireAfterSeconds\" : 60, "
         "\"partialFilterExpression\" : { \"active\" : false } }"},
        {{.name = "s", .keys = "sku:1", .only_when = "state=draft"},
         "{ \"key\" : { \"sku\" : 1 }, \"name\" : \"s\", \"partialFilterExpression\" : { "
         "\"state\" : \"draft\" } }"},
        {{.name = "l", .keys = "name:1", .flags = INDEX_BY_LOCALE},
         "{ \"key\" : { \"name\" : 1 }, \"name\" : \"l\", \"collation\" : { \"locale\" : "
         "\"sv\" } }"},
        {{.name = "x", .keys = "nothing:1"}, NULL},
        {{.name = "x", .keys = "name"}, NULL},
        {{.name = "x", .keys = "name:1", .only_when = "nothing=1"}, NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        bson_t spec = BSON_INITIALIZER;
        struct err err = {0};
        const enum outcome outcome = index_spec(&thing_type, &rows[i].index, "sv", &spec, &err);
        assert_int_equal(outcome, rows[i].json ? OUTCOME_DONE : OUTCOME_BUG);
        char *json = bson_as_relaxed_extended_json(&spec, NULL);
        if (rows[i].json)
            assert_string_equal(json, rows[i].json);
        bson_free(json);
        bson_destroy(&spec);
    }
}

void test_bson_codec__tells_indexes_apart(void **state)
{
    (void)state;
    struct err err = {0};
    bson_t wanted = BSON_INITIALIZER;
    const struct doc_index index = {
        .name = "e", .keys = "seenAt:1,sku:-1", .expire_after_s = 60, .only_when = "active=false"};
    assert_int_equal(index_spec(&thing_type, &index, "sv", &wanted, &err), OUTCOME_DONE);
#define EXISTING(a, b, expiry, when, ...)                                                          \
    BCON_NEW("key", "{", a, BCON_DOUBLE(1), b, BCON_INT32(-1), "}", "expireAfterSeconds",          \
             BCON_INT32(expiry), "partialFilterExpression", "{", "active", BCON_BOOL(when), "}",   \
             ##__VA_ARGS__)
    const struct {
        bson_t *existing;
        enum index_match match;
    } rows[] = {
        {EXISTING("seenAt", "sku", 60, false), INDEX_SAME},
        {EXISTING("seenAt", "sku", 61, false), INDEX_OTHER_EXPIRY},
        {EXISTING("sku", "seenAt", 60, false), INDEX_DIFFERS},
        {EXISTING("seenAt", "sku", 60, true), INDEX_DIFFERS},
        {EXISTING("seenAt", "sku", 60, false, "unique", BCON_BOOL(true)), INDEX_DIFFERS},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (index_compare(&wanted, rows[i].existing) != rows[i].match)
            fail_msg("row %zu", i);
        bson_destroy(rows[i].existing);
    }
    bson_destroy(&wanted);
}

/* --- what other releases wrote ----------------------------------------------------------------- */

/* `extra` are members that the table does not know. */
static bson_t *newer(struct arena *arena, const char *in_line, const char *in_box,
                     const char *extra)
{
    char *json = json_of(&thing_shape, new_thing(arena, STR(ID), STR("S")));
    const struct str text = str_of(json);
    const char *line = strstr(json, "\"quantity\"");
    const char *box = strstr(json, "\"place\" : {");
    assert_non_null(line);
    assert_non_null(box);
    assert_true(line > box);
    box += strlen("\"place\" : {");
    const struct str whole =
        str_printf(arena, "%.*s%s%.*s%s%.*s%s}", (int)(box - json), json, in_box, (int)(line - box),
                   box, in_line, (int)(text.len - 1 - (size_t)(line - json)), line, extra);
    bson_error_t error;
    bson_t *bson = bson_new_from_json((const uint8_t *)whole.ptr, (ssize_t)whole.len, &error);
    if (!bson)
        fail_msg("%s: %s", error.message, whole.ptr);
    bson_free(json);
    return bson;
}

static struct thing *decoded(struct arena *arena, const bson_t *bson)
{
    struct codec_fault fault = {0};
    struct thing *thing = ARENA_NEW(arena, struct thing);
    const uint8_t *data = arena_copy(arena, bson_get_data(bson), bson->len);
    if (!codec_get(arena, &thing_shape, data, bson->len, thing, &fault))
        fail_msg("%s.%s %s", fault.shape, fault.field, fault.what);
    return thing;
}

static void expect_parts(const struct thing *thing, const char *const *parts)
{
    char *json = json_of(&thing_shape, thing);
    for (; *parts; parts++)
        if (!strstr(json, *parts))
            fail_msg("no %s in %s", *parts, json);
    bson_free(json);
}

#define EXTRA                                                                                      \
    ", \"color\" : \"blue\", \"depth\" : { \"$numberLong\" : \"7\" }, \"none\" : null, "           \
    "\"more\" : { \"a\" : [ 1, { \"b\" : true } ] }, \"checks\" : 5"

static const char *const extra_parts[] = {
    "\"color\" : \"blue\"",
    "\"depth\" : { \"$numberLong\" : \"7\" }",
    "\"none\" : null",
    "\"more\" : { \"a\" : [ { \"$numberInt\" : \"1\" }, { \"b\" : true } ] }",
    "\"giftWrap\" : true",
    "\"material\" : \"oak\"",
    NULL,
};

static struct thing *newer_thing(struct arena *arena)
{
    bson_t *bson = newer(arena, "\"giftWrap\" : true, ", " \"material\" : \"oak\",", EXTRA);
    struct thing *thing = decoded(arena, bson);
    bson_destroy(bson);
    return thing;
}

void test_bson_codec__fields_of_a_newer_release_are_written_back_as_they_came(void **state)
{
    (void)state;
    struct arena arena;
    setup(&arena);
    const struct thing *thing = newer_thing(&arena);
    expect_parts(thing, extra_parts);
    char *json = json_of(&thing_shape, thing);
    assert_null(strstr(json, "checks"));
    bson_free(json);
    arena_release(&arena);
}

void test_bson_codec__they_go_along_with_every_copy(void **state)
{
    (void)state;
    struct arena arena, other;
    setup(&arena);
    setup(&other);
    const struct thing *thing = newer_thing(&arena);
    struct thing *clone = shape_clone(&thing_shape, &arena, thing);
    clone->name = STR("changed");
    clone->lines.items[0].quantity = 77;
    expect_parts(clone, extra_parts);
    const struct thing *copy = shape_copy(&thing_shape, &other, clone);
    expect_parts(read_back(&arena, &thing_type, copy), extra_parts);
    arena_clear(&arena);
    memset(arena_bytes(&arena, 4096), 'x', 4096);
    expect_parts(copy, extra_parts);
    expect_parts(copy, (const char *const[]){"\"name\" : \"changed\"", "\"77\"", NULL});
    arena_release(&arena);
    arena_release(&other);
}

void test_bson_codec__without_them_nothing_is_kept(void **state)
{
    (void)state;
    struct arena arena;
    setup(&arena);
    bson_t *bson = newer(&arena, "", "", ", \"checks\" : 5");
    const struct thing *thing = decoded(&arena, bson);
    assert_true(str_is_absent(thing->head.kept));
    assert_true(str_is_absent(thing->place.kept));
    assert_true(str_is_absent(thing->lines.items[0].kept));
    bson_destroy(bson);
    arena_release(&arena);
}

/* --- what older releases did not write ----------------------------------------------------------- */

struct settled {
    struct str text;
    int64_t number, at;
    bool yes;
    int state;
    LIST(struct str) words;
    LIST(struct thing_line) lines;
};

#define SETTLED(field_name, field_kind, member, text, ...)                                         \
    {                                                                                              \
        .name = (field_name), .kind = (field_kind), .offset = offsetof(struct settled, member),    \
        .fallback = (text), __VA_ARGS__                                                            \
    }

static const struct field settled_fields[] = {
    SETTLED("text", FIELD_STR, text, "none", ),
    SETTLED("number", FIELD_INT, number, "-7", ),
    SETTLED("at", FIELD_TIME, at, "1000", ),
    SETTLED("yes", FIELD_BOOL, yes, "true", ),
    SETTLED("state", FIELD_ENUM, state, "retired", .names = thing_states),
    SETTLED("words", FIELD_STRS, words, "", ),
    SETTLED("lines", FIELD_LIST, lines, "", .shape = &thing_line_shape),
};

void test_bson_codec__missing_fields_have_their_fallback(void **state)
{
    (void)state;
    static const struct shape shape = SHAPE("Settled", struct settled, settled_fields);
    struct arena arena;
    setup(&arena);
    bson_t empty = BSON_INITIALIZER;
    struct codec_fault fault = {0};
    struct settled got = {0};
    assert_true(codec_get(&arena, &shape, bson_get_data(&empty), empty.len, &got, &fault));
    assert_str(got.text, "none");
    assert_int_equal(got.number, -7);
    assert_int_equal(got.at, 1000);
    assert_true(got.yes);
    assert_int_equal(got.state, RETIRED);
    assert_int_equal(got.words.count, 0);
    char *json = json_of(&shape, &got);
    assert_non_null(strstr(json, "\"state\" : \"retired\""));
    assert_non_null(strstr(json, "\"words\" : ["));
    bson_free(json);
    arena_release(&arena);
}
