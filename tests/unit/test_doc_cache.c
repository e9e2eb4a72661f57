/* A lane's own copies of documents: there as long as the generation of their tag is the same, gone
 * as soon as anything is doubtful. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lane_case.h"

static struct lane_case c;

static struct doc_cache *validated(int64_t now_ms)
{
    doc_caches_validate(&c.lane, &c.arena, now_ms);
    return doc_cache_of(&c.lane.docs, &note_type);
}

static void put(struct doc_cache *cache, const char *id, const char *text)
{
    doc_cache_put(cache, &(struct note){.head.id = str_of(id), .text = str_of(text)});
}

static const struct note *get(const struct doc_cache *cache)
{
    return cache ? doc_cache_get(cache, STR(NOTE_ID)) : NULL;
}

/* A lane that keeps a copy. */
static void begin(void)
{
    lane_case_open(&c);
    struct doc_cache *cache = validated(NOW_MS);
    assert_non_null(cache);
    put(cache, NOTE_ID, "first");
}

void test_doc_cache__nothing_is_kept_before_the_first_look(void **state)
{
    (void)state;
    lane_case_open(&c);
    assert_int_equal(c.lane.docs.count, 1);
    assert_null(doc_cache_of(&c.lane.docs, &note_type));
    lane_case_close(&c);
}

void test_doc_cache__a_copy_is_a_copy(void **state)
{
    (void)state;
    begin();
    char text[] = "mine";
    struct note note = {.head = {.id = STR(NOTE_ID), .version = 3}, .text = {text, 4}};
    struct doc_cache *cache = validated(NOW_MS);
    doc_cache_put(cache, &note);
    memset(text, 'x', 4);
    note.head.version = 9;
    const struct note *copy = get(cache);
    assert_ptr_not_equal(copy, &note);
    assert_true(str_eq(copy->text, STR("mine")));
    assert_int_equal(copy->head.version, 3);
    assert_null(doc_cache_get(cache, STR(ANNA)));
    lane_case_close(&c);
}

void test_doc_cache__copies_stay_while_the_generation_does(void **state)
{
    (void)state;
    begin();
    for (int64_t i = 0; i < 100; i++)
        assert_non_null(get(validated(NOW_MS + i)));
    lane_case_close(&c);
}

void test_doc_cache__an_invalidation_drops_them(void **state)
{
    (void)state;
    static const struct str tag = {"note", 4}, other = {"other", 5};
    struct err err = {0};
    begin();
    must(cache_invalidate(c.lock, &other, 1, &err), &err);
    assert_non_null(get(validated(NOW_MS)));
    must(cache_invalidate(c.lock, &tag, 1, &err), &err);
    struct doc_cache *cache = validated(NOW_MS);
    assert_non_null(cache);
    assert_null(get(cache));
    put(cache, NOTE_ID, "second");
    assert_true(str_eq(get(validated(NOW_MS))->text, STR("second")));
    lane_case_close(&c);
}

/* A counter would start again at the same number. */
void test_doc_cache__an_emptied_redis_drops_them(void **state)
{
    (void)state;
    begin();
    lock_fake_wipe(c.lock);
    struct doc_cache *cache = validated(NOW_MS);
    assert_non_null(cache);
    assert_null(get(cache));
    lane_case_close(&c);
}

void test_doc_cache__without_redis_there_are_none(void **state)
{
    (void)state;
    begin();
    lock_fake_set_down(c.lock, true);
    assert_null(validated(NOW_MS));
    lock_fake_set_down(c.lock, false);
    struct doc_cache *cache = validated(NOW_MS);
    assert_non_null(cache);
    assert_null(get(cache)); /* nobody saw what was written meanwhile */
    lane_case_close(&c);
}

void test_doc_cache__an_invalidation_that_did_not_get_through_makes_doubt(void **state)
{
    (void)state;
    begin();
    c.lane.stale_rows = 1;
    assert_null(validated(NOW_MS));
    c.lane.stale_rows = 0;
    assert_null(get(validated(NOW_MS)));
    lane_case_close(&c);
}

void test_doc_cache__copies_have_an_end_of_life(void **state)
{
    (void)state;
    begin();
    assert_non_null(get(validated(NOW_MS + c.service.cache_ms - 1)));
    struct doc_cache *cache = validated(NOW_MS + c.service.cache_ms);
    assert_non_null(cache);
    assert_null(get(cache));
    put(cache, NOTE_ID, "again");
    assert_non_null(get(validated(NOW_MS + 2 * c.service.cache_ms - 1)));
    lane_case_close(&c);
}

void test_doc_cache__a_large_cache_starts_anew(void **state)
{
    (void)state;
    static char text[4096];
    memset(text, 't', sizeof(text) - 1);
    begin();
    struct doc_cache *cache = validated(NOW_MS);
    size_t count = 0;
    while (cache->arena.used < DOC_CACHE_BYTES) {
        put(cache, str_printf(&c.arena, "%024zx", ++count).ptr, text);
        assert_non_null(get(cache));
    }
    assert_true(count > 400);
    cache = validated(NOW_MS);
    assert_null(get(cache));
    assert_true(cache->arena.used < DOC_CACHE_BYTES / 10);
    lane_case_close(&c);
}

/* What is too many is not cached; it is not an error, and nothing is written beyond the table. */
void test_doc_cache__types_beyond_the_table_are_not_cached(void **state)
{
    (void)state;
    enum { TYPES = DOC_CACHE_TYPES + 3 };
    static struct doc_type types[TYPES];
    static const struct doc_type *list[TYPES + 1];
    for (size_t i = 0; i < TYPES; i++) {
        types[i] = note_type;
        list[i] = &types[i];
    }
    types[1].cache_tag = NULL; /* this one need not be */
    lane_case_open(&c);
    doc_caches_release(&c.lane.docs);
    doc_caches_init(&c.lane.docs, list);
    assert_int_equal(c.lane.docs.count, DOC_CACHE_TYPES);
    doc_caches_validate(&c.lane, &c.arena, NOW_MS);
    for (size_t i = 0; i < TYPES; i++) {
        const bool cached = i != 1 && i <= DOC_CACHE_TYPES;
        assert_int_equal(doc_cache_of(&c.lane.docs, &types[i]) != NULL, cached);
    }
    lane_case_close(&c);
}
