/* test_words.c - texts as words, and the keys of a product. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "catalog/search.h"
#include "catalog/words.h"

static struct arena arena;

static void begin(void)
{
    arena_release(&arena);
    arena_init(&arena, 4096);
}

/* "kind:text(joined)" of each word. */
static const char *split(const char *typed)
{
    static const char kinds[] = {
        [WORD_PLAIN] = 'w', [WORD_PAIR] = 'p', [WORD_LAST] = 'z', [WORD_LONE] = '1'};
    const struct words words = words_of(&arena, fold_text(&arena, str_of(typed)));
    struct text text;
    text_init(&text, &arena, 64);
    for (size_t i = 0; i < words.count; i++) {
        const struct word *word = &words.items[i];
        text_printf(&text, "%s%c:%.*s", i ? " " : "", kinds[word->kind], STR_FMT(word->text));
        if (!str_is_absent(word->joined))
            text_printf(&text, "(%.*s)", STR_FMT(word->joined));
    }
    return text_str(&text).ptr;
}

void test_words__are_what_people_type(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *words;
    } rows[] = {
        {"The Who T-Shirt", "w:the w:who w:t(tshirt) w:shirt(tshirt)"},
        {"4\" square-tray, AC/DC", "w:4 w:square(squaretray) w:tray(squaretray) w:ac w:dc"},
        {"a--b -c- d", "w:a(ab) w:b(ab) w:c w:d"},
        {"women's boots", "w:womens w:boots"},
        {"日本語の本", "p:日本 p:本語 p:語の p:の本 z:本"},
        {"本", "1:本"},
        {"iPhone15ケース x", "w:iphone15 p:ケー p:ース z:ス w:x"},
        {"本-棚", "1:本 1:棚"},
        {"?! \t ", ""},
        {"", ""},
    };
    begin();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(split(rows[i].text), rows[i].words);
}

void test_words__know_their_token(void **state)
{
    (void)state;
    begin();
    const struct words words = words_of(&arena, STR("mug-77/b  red"));
    assert_int_equal(words.count, 4);
    for (size_t i = 0; i < 3; i++)
        assert_true(str_eq(words.items[i].token, STR("mug-77/b")));
    assert_true(str_eq(words.items[3].token, STR("red")));
    assert_int_equal(words.items[1].chars, 2);
}

/* Cut between characters, so that a long word is found by itself. */
void test_words__are_bounded(void **state)
{
    (void)state;
    begin();
    struct text text;
    text_init(&text, &arena, 256);
    for (int i = 0; i < 40; i++)
        text_append_str(&text, STR("xé"));
    const struct words words = words_of(&arena, text_str(&text));
    assert_int_equal(words.count, 1);
    assert_int_equal(words.items[0].text.len, WORD_BYTES_MAX);
    text.len = 0;
    for (int i = 0; i < 40; i++)
        text_append_str(&text, STR("яа"));
    assert_int_equal(words_of(&arena, text_str(&text)).items[0].text.len, WORD_BYTES_MAX);
}

void test_words__keys_of_a_product(void **state)
{
    (void)state;
    begin();
    struct product product = {
        .name = STR("e-book Mug"), .sku = STR("MUG-77/B"), .description = STR("A mug. A mug!")};
    assert_true(product_index(&arena, &product));
    struct text keys;
    text_init(&keys, &arena, 64);
    for (size_t i = 0; i < product.words.count; i++)
        text_printf(&keys, "%.*s,", STR_FMT(product.words.items[i]));
    assert_string_equal(keys.ptr, "8e,8ebook,8book,8mug,4mug-77/b,1a,1mug,");
    assert_false(product_index(&arena, &product)); /* they are so already */
    product.name = STR("Cup");
    assert_true(product_index(&arena, &product));
}

void test_words__keys_are_bounded(void **state)
{
    (void)state;
    begin();
    struct text text;
    text_init(&text, &arena, 8192);
    for (int i = 0; i < 1100; i++)
        text_printf(&text, "w%d ", i);
    struct product product = {.name = STR("Mug"), .sku = STR("M"), .description = text_str(&text)};
    assert_true(product_index(&arena, &product));
    assert_int_equal(product.words.count, SEARCH_KEYS_MAX);
}
