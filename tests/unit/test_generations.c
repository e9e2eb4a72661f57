/* Documents whose form changed: each release reads every earlier form as its own, and leaves what a
 * later one wrote as it is. Three releases of one type stand side by side here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fakes/store_fake.h"
#include "store/bson_codec.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ID           "0123456789abcdef01234567"

/* --- three releases ------------------------------------------------------------------------------- */

struct side {
    int64_t length;
    bool rough; /* since the third release */
    struct str kept;
};

static const struct field old_side_fields[] = {
    {.name = "length", .kind = FIELD_INT, .offset = offsetof(struct side, length)},
};
static const struct shape old_side_shape = STORED_SHAPE("Side", struct side, old_side_fields, kept);
static const struct field side_fields[] = {
    {.name = "length", .kind = FIELD_INT, .offset = offsetof(struct side, length)},
    {.name = "rough",
     .kind = FIELD_BOOL,
     .offset = offsetof(struct side, rough),
     .fallback = "false"},
};
static const struct shape side_shape = STORED_SHAPE("Side", struct side, side_fields, kept);

/* The first form has its size in centimetres, the second one in millimetres; the third one has the
 * area of a square of that size, too. */
struct crate {
    struct doc_head head;
    struct opt_int cm, mm, area;
    LIST(struct side) sides;
};

static const struct field first_fields[] = {
    DOC_FIELDS(struct crate, FIELD_ID),
    {.name = "cm", .kind = FIELD_OPT_INT, .offset = offsetof(struct crate, cm)},
    {.name = "sides",
     .kind = FIELD_LIST,
     .offset = offsetof(struct crate, sides),
     .shape = &old_side_shape},
};
static const struct shape first_shape = DOC_SHAPE("Crate", struct crate, first_fields);
static const struct doc_type first = {.collection = "crates", .shape = &first_shape};

static const struct field second_fields[] = {
    DOC_FIELDS(struct crate, FIELD_ID),
    DOC_GENERATION(struct crate),
    {.name = "cm", .kind = FIELD_OPT_INT, .offset = offsetof(struct crate, cm)},
    {.name = "mm", .kind = FIELD_OPT_INT, .offset = offsetof(struct crate, mm)},
    {.name = "sides",
     .kind = FIELD_LIST,
     .offset = offsetof(struct crate, sides),
     .shape = &old_side_shape},
};
static const struct shape second_shape = DOC_SHAPE("Crate", struct crate, second_fields);

static const struct field third_fields[] = {
    DOC_FIELDS(struct crate, FIELD_ID),
    DOC_GENERATION(struct crate),
    {.name = "cm", .kind = FIELD_OPT_INT, .offset = offsetof(struct crate, cm)},
    {.name = "mm", .kind = FIELD_OPT_INT, .offset = offsetof(struct crate, mm)},
    {.name = "area", .kind = FIELD_OPT_INT, .offset = offsetof(struct crate, area)},
    {.name = "sides",
     .kind = FIELD_LIST,
     .offset = offsetof(struct crate, sides),
     .shape = &side_shape},
};
static const struct shape third_shape = DOC_SHAPE("Crate", struct crate, third_fields);

static int upgrades, last_from;

static void upgrade(struct arena *arena, void *doc, int from)
{
    struct crate *crate = doc;
    (void)arena;
    upgrades++;
    last_from = from;
    if (from < 2) {
        crate->mm = (struct opt_int){crate->cm.has, crate->cm.value * 10};
        crate->cm.has = false;
    }
}

static void upgrade_to_third(struct arena *arena, void *doc, int from)
{
    struct crate *crate = doc;
    upgrade(arena, doc, from);
    crate->area = (struct opt_int){true, crate->mm.value * crate->mm.value};
}

static const struct doc_type second = {
    .collection = "crates", .shape = &second_shape, .generation = 2, .upgrade = upgrade};
static const struct doc_type third = {
    .collection = "crates", .shape = &third_shape, .generation = 3, .upgrade = upgrade_to_third};

/* --- what is stored ------------------------------------------------------------------------------- */

static struct arena arena;

static void begin(void)
{
    arena_init(&arena, 4096);
    upgrades = last_from = 0;
}

static void end(void)
{
    arena_release(&arena);
}

static struct str stored(const struct doc_type *type, const struct crate *crate)
{
    bson_t bson = BSON_INITIALIZER;
    struct codec_fault fault = {0};
    if (!codec_put_doc(&bson, type, crate, &fault))
        fail_msg("%s.%s %s", fault.shape, fault.field, fault.what);
    const struct str bytes = {arena_copy(&arena, bson_get_data(&bson), bson.len), bson.len};
    bson_destroy(&bson);
    return bytes;
}

static struct crate *loaded(const struct doc_type *type, struct str bytes)
{
    struct codec_fault fault = {0};
    struct crate *crate = ARENA_NEW(&arena, struct crate);
    if (!codec_get_doc(&arena, type, (const uint8_t *)bytes.ptr, bytes.len, crate, &fault))
        fail_msg("%s.%s %s", fault.shape, fault.field, fault.what);
    return crate;
}

static const char *json(struct str bytes)
{
    bson_t bson;
    assert_true(bson_init_static(&bson, (const uint8_t *)bytes.ptr, bytes.len));
    char *text = bson_as_relaxed_extended_json(&bson, NULL);
    const struct str copy = str_dup(&arena, str_of(text));
    bson_free(text);
    return copy.ptr;
}

static void assert_has(struct str bytes, const char *part)
{
    if (!strstr(json(bytes), part))
        fail_msg("no %s in %s", part, json(bytes));
}

static void assert_lacks(struct str bytes, const char *part)
{
    if (strstr(json(bytes), part))
        fail_msg("%s in %s", part, json(bytes));
}

/* Of the release that makes the type. */
static struct str new_crate(const struct doc_type *type)
{
    struct side sides[] = {{.length = 5}};
    struct crate crate = {
        .head = {.id = STR(ID), .version = 1, .created_at = 1, .updated_at = 1},
        .sides = {sides, 1},
    };
    *(type == &first ? &crate.cm : &crate.mm) = (struct opt_int){true, 7};
    return stored(type, &crate);
}

/* --- generations ---------------------------------------------------------------------------------- */

void test_generations__the_first_form_has_no_number(void **state)
{
    (void)state;
    begin();
    const struct str bytes = new_crate(&first);
    assert_lacks(bytes, GENERATION_FIELD);
    const struct crate *crate = loaded(&first, bytes);
    assert_false(crate->head.generation.has || crate->head.older);
    assert_lacks(stored(&first, crate), GENERATION_FIELD);
    end();
}

void test_generations__a_new_document_has_ours(void **state)
{
    (void)state;
    begin();
    assert_has(new_crate(&second), "\"_generation\" : 2");
    assert_has(new_crate(&third), "\"_generation\" : 3");
    const struct crate *crate = loaded(&third, new_crate(&third));
    assert_int_equal(upgrades, 0);
    assert_false(crate->head.older);
    assert_int_equal(crate->head.generation.value, 3);
    end();
}

void test_generations__an_older_form_is_upgraded_when_it_is_read(void **state)
{
    (void)state;
    begin();
    const struct {
        const struct doc_type *from, *to;
        int64_t mm, area;
        int generation;
    } rows[] = {
        {&first, &second, 70, 0, 1}, {&first, &third, 70, 4900, 1}, {&second, &third, 7, 49, 2}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct str bytes = new_crate(rows[i].from);
        const struct crate *crate = loaded(rows[i].to, bytes);
        assert_int_equal(last_from, rows[i].generation);
        assert_int_equal(crate->mm.value, rows[i].mm);
        assert_int_equal(crate->area.value, rows[i].area);
        assert_false(crate->cm.has);
        assert_true(crate->head.older);
        assert_int_equal(crate->head.version, 1);
        const struct crate *again = loaded(rows[i].to, stored(rows[i].to, crate));
        assert_false(again->head.older);
        assert_int_equal(again->mm.value, rows[i].mm);
        assert_int_equal(upgrades, i + 1); /* what was written is not upgraded once more */
    }
    end();
}

/* By what we know; what we do not know, the number too, goes back as it came. */
void test_generations__a_newer_form_keeps_its_number(void **state)
{
    (void)state;
    begin();
    const struct str newest = stored(&third, loaded(&third, new_crate(&second)));
    const struct doc_type *const olds[] = {&first, &second};
    for (size_t i = 0; i < COUNT(olds); i++) {
        upgrades = 0;
        struct crate *crate = loaded(olds[i], newest);
        crate = shape_copy(olds[i]->shape, &arena, shape_clone(olds[i]->shape, &arena, crate));
        assert_false(crate->head.older);
        crate->head.version++;
        const struct str back = stored(olds[i], crate);
        assert_has(back, "\"_generation\" : 3");
        assert_has(back, "\"area\" : 49");
        assert_has(back, "\"rough\" : false");
        assert_int_equal(loaded(&third, back)->area.value, 49);
        assert_int_equal(loaded(&third, back)->head.version, 2);
        assert_int_equal(upgrades, 0);
    }
    end();
}

void test_generations__the_number_is_written_once(void **state)
{
    (void)state;
    begin();
    const struct str back =
        stored(&second, loaded(&second, stored(&second, loaded(&second, new_crate(&first)))));
    const char *at = strstr(json(back), GENERATION_FIELD);
    assert_non_null(at);
    assert_null(strstr(at + 1, GENERATION_FIELD));
    end();
}

void test_generations__cached_pages_are_read_by_every_release(void **state)
{
    (void)state;
    begin();
    const struct doc_type *const types[] = {&first, &second, &third};
    for (size_t from = 0; from < COUNT(types); from++)
        for (size_t to = 0; to < COUNT(types); to++) {
            const void *docs[] = {loaded(types[from], new_crate(types[from])),
                                  loaded(types[from], new_crate(types[from]))};
            const struct doc_list page = {.items = docs, .count = 2};
            struct doc_list read = {0};
            const struct str bytes = store_encode(&arena, types[from], &page);
            assert_true(store_decode(&arena, types[to], bytes, &read));
            assert_int_equal(read.count, 2);
            const struct crate *crate = read.items[1];
            if (to >= from)
                assert_int_equal(to > 0 ? crate->mm.value : crate->cm.value,
                                 to > 0 && from == 0 ? 70 : 7);
        }
    end();
}

/* The table of the third release has a member more in each side, with a fallback. */
void test_generations__a_fallback_makes_a_document_older_too(void **state)
{
    (void)state;
    begin();
    struct doc_type unnumbered = third;
    unnumbered.generation = 0;
    unnumbered.upgrade = NULL;
    struct crate *crate = loaded(&unnumbered, new_crate(&first));
    assert_true(crate->head.older);
    assert_int_equal(upgrades, 0);
    crate = loaded(&unnumbered, stored(&unnumbered, crate));
    assert_false(crate->head.older);
    end();
}

void test_generations__a_number_that_cannot_be_is_told(void **state)
{
    (void)state;
    begin();
    struct crate *crate = loaded(&second, new_crate(&second));
    for (int64_t number = -1; number <= 0; number++) {
        crate->head.generation.value = number;
        const struct str bytes = stored(&second, crate);
        struct codec_fault fault = {0};
        assert_false(
            codec_get_doc(&arena, &second, (const uint8_t *)bytes.ptr, bytes.len, crate, &fault));
        assert_string_equal(fault.what, "has a generation that does not exist");
    }
    end();
}

/* --- in the database ------------------------------------------------------------------------------ */

void test_generations__find_query_and_scan_upgrade_and_tell(void **state)
{
    (void)state;
    static const struct doc_type *const types[] = {&third};
    struct err err = {0};
    begin();
    struct store *store = store_fake_open(types, 1);
    const struct str id = STR(ID);
    store_fake_put_stored(store, &third, id, new_crate(&first));
    struct store_find find = {.type = &third, .path = "id", .values = &id, .count = 1};
    const struct query query = {.type = &third, .limit = 5};
    struct query_page page;
    struct doc_list scanned;
    assert_int_equal(store_find(store, &arena, &find, &err), OUTCOME_DONE);
    assert_int_equal(store_query(store, &arena, &query, &page, &err), OUTCOME_DONE);
    assert_int_equal(store_scan(store, &arena, &third, STR_ABSENT, 5, &scanned, &err),
                     OUTCOME_DONE);
    const struct doc_list *lists[] = {&find.found, &page.docs, &scanned};
    for (size_t i = 0; i < COUNT(lists); i++) {
        const struct crate *crate = lists[i]->items[0];
        assert_int_equal(crate->area.value, 4900);
        assert_true(crate->head.older);
    }
    struct crate *crate = shape_clone(&third_shape, &arena, scanned.items[0]);
    crate->head.version++;
    const struct write write = {WRITE_REPLACE, &third, crate, 1};
    const struct commit commit = {.id = STR(ID), .now = 1, .writes = &write, .write_count = 1};
    assert_int_equal(store_commit(store, &commit, &err), OUTCOME_DONE);
    assert_has(store_fake_stored(store, &third, id), "\"_generation\" : 3");
    assert_false(doc_head(store_fake_get(store, &third, id))->older);
    store_close(store);
    end();
}
