/* Slugs of names in many spellings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalog/catalog.h"

#define A10 "aaaaaaaaaa"
#define A80 A10 A10 A10 A10 A10 A10 A10 A10
#define A79 A10 A10 A10 A10 A10 A10 A10 "aaaaaaaaa"

static const char *const rows[][2] = {
    {"Mug", "mug"},
    {"WHITE HANGING HEART T-LIGHT HOLDER", "white-hanging-heart-t-light-holder"},
    {"Women's shoes", "womens-shoes"},
    {"Women’s shoes", "womens-shoes"},
    {"Crème Brûlée", "creme-brulee"},
    {"Straße", "strasse"},
    {"STRAẞE", "strasse"},
    {"Łódź", "lodz"},
    {"Øre ærø", "ore-aero"},
    {"Þórður Đặng ıI", "thordur-dang-ii"},
    {"œuvre Œ", "oeuvre-oe"},
    {"Žluťoučký kůň", "zlutoucky-kun"},
    {"ﬁne ½", "fine-1-2"},
    {"Ｆｕｌｌ", "full"},
    {"e\xcc\x81", "e"},           /* the accent as a mark of its own */
    {"  -- a --  b --  ", "a-b"}, /* never a '-' at an end, never two */
    {"100% cotton & more", "100-cotton-more"},
    {"a/b?c#d", "a-b-c-d"},
    {"Mug 東京", "mug"},
    {"東京", "fallback"},
    {"Ελλάδα", "fallback"},
    {"!!!", "fallback"},
    {"", "fallback"},
    {"\xff\xfe", "fallback"}, /* not UTF-8 */
    {A80, A80},
    {A80 "b", A80},
    {A79 " b", A79}, /* no room for "-b" */
    {A79 "ß", A79},  /* "ss" is not cut in two */
};

void test_slug__of_names(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(slug_of(&arena, str_of(rows[i][0]), STR("fallback")).ptr, rows[i][1]);
    arena_release(&arena);
}

/* What came out is its own slug: links do not change when a slug is taken for a name. */
void test_slug__of_a_slug_is_itself(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct str slug = slug_of(&arena, str_of(rows[i][0]), STR("fallback"));
        assert_true(slug.len <= SLUG_MAX);
        assert_string_equal(slug_of(&arena, slug, STR("")).ptr, slug.ptr);
    }
    arena_release(&arena);
}
