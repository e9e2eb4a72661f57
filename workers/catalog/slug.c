/* slug.c - slugs: what a name looks like in a URL.
 *
 * Compatibility decomposition turns an accented letter into a letter and its marks, and the marks
 * are dropped; a few Latin letters that do not decompose have a row in the table of fold.c.
 * Everything else separates words, except apostrophes: "Women's" is one word. */
#include <stdlib.h>

#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "base/text.h"
#include "catalog/catalog.h"
#include "fold.h"

static bool is_silent(ucs4_t c)
{
    return fold_is_apostrophe(c) || uc_is_general_category(c, UC_CATEGORY_M);
}

struct slug {
    struct text text;
    bool separated; /* a '-' is due before the next letter */
};

/* Appends all of `ascii` or nothing, so that the "ss" of "ß" is not cut in two. */
static void slug_append(struct slug *slug, const char *ascii)
{
    const bool dash = slug->separated && slug->text.len > 0;
    if (slug->text.len + dash + strlen(ascii) > SLUG_MAX)
        return;
    if (dash)
        text_append_char(&slug->text, '-');
    slug->separated = false;
    text_append_str(&slug->text, str_of(ascii));
}

static void slug_append_letter(struct slug *slug, ucs4_t c)
{
    const char *ascii = fold_latin(c);
    const bool upper = c >= 'A' && c <= 'Z';
    if (ascii)
        slug_append(slug, ascii);
    else if (upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
        slug_append(slug, (const char[]){(char)(upper ? c - 'A' + 'a' : c), '\0'});
    else if (!is_silent(c))
        slug->separated = true;
}

struct str slug_of(struct arena *arena, struct str name, struct str fallback)
{
    size_t left = 0;
    uint8_t *decomposed =
        u8_normalize(UNINORM_NFKD, (const uint8_t *)name.ptr, name.len, NULL, &left);
    struct slug slug = {0};
    text_init(&slug.text, arena, SLUG_MAX + 1);
    const uint8_t *at = decomposed;
    while (at && left > 0) {
        ucs4_t c;
        const int len = u8_mbtouc(&c, at, left);
        slug_append_letter(&slug, c);
        at += len;
        left -= (size_t)len;
    }
    free(decomposed);
    return slug.text.len ? text_str(&slug.text) : fallback;
}
