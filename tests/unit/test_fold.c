/* test_fold.c - texts as they are compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "fold.h"

struct row {
    const char *text;
    const char *form;
};

static void assert_forms(const struct row *rows, size_t count,
                         struct str (*form)(struct arena *arena, struct str text))
{
    struct arena arena;
    arena_init(&arena, 1024);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(form(&arena, str_of(rows[i].text)).ptr, rows[i].form);
    arena_release(&arena);
}

void test_fold__a_sku_has_one_form(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"ABC-1", "ABC-1"},
        {" \t ABC-1 \u00a0\u3000", "ABC-1"},
        {"A\u200bB\u00adC\ufeff", "ABC"},
        {"A\001B\177", "AB"},
        {"A  b", "A  b"},
        {"Cafe\u0301", "Caf\u00e9"},
        {"\u212b", "\u00c5"}, /* the Ångström sign */
        {"\uff21", "\uff21"}, /* a wide A is another letter: compared exactly */
        {" \u200b ", ""},
        {"", ""},
    };
    assert_forms(rows, sizeof(rows) / sizeof(rows[0]), sku_form);
}

void test_fold__texts_are_searched_without_case_and_accents(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"Čajový hrnek", "cajovy hrnek"},
        {"Łódź", "lodz"},
        {"STRASSE Straße", "strasse strasse"},
        {"women's WOMEN’S", "womens womens"},
        {"co\u2010op co\u2011op co\u00adop", "co-op co-op coop"},
        {"Αθήνα ΑΘΗΝΑΣ", "αθηνα αθηνασ"},
        {"Йод", "иод"},
        {"ﬁne ＡＢＣ ①", "fine abc 1"},
        {"パソコン ﾊﾟｿｺﾝ", "パソコン パソコン"}, /* the voicing mark stays */
        {"한국어", "한국어"},
        {"हिन्दी", "हिन्दी"}, /* vowel signs and virama stay */
        {"שָׁלוֹם", "שלום"},
        {"", ""},
    };
    assert_forms(rows, sizeof(rows) / sizeof(rows[0]), fold_text);
}
