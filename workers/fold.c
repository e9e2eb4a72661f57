/* fold.c - the forms in which texts are compared.
 *
 * Compatibility decomposition turns an accented letter into a letter and its marks, and the marks
 * are dropped; a few Latin letters that do not decompose have a row in the table. */
#include "fold.h"

#include <stdlib.h>

#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "base/err.h"
#include "base/text.h"

static const struct {
    ucs4_t letter;
    const char *ascii;
} latin[] = {
    {0x00c6, "ae"}, /* Æ */
    {0x00d0, "d"},  /* Ð */
    {0x00d8, "o"},  /* Ø */
    {0x00de, "th"}, /* Þ */
    {0x00df, "ss"}, /* ß */
    {0x00e6, "ae"}, /* æ */
    {0x00f0, "d"},  /* ð */
    {0x00f8, "o"},  /* ø */
    {0x00fe, "th"}, /* þ */
    {0x0110, "d"},  /* Đ */
    {0x0111, "d"},  /* đ */
    {0x0131, "i"},  /* ı */
    {0x0141, "l"},  /* Ł */
    {0x0142, "l"},  /* ł */
    {0x0152, "oe"}, /* Œ */
    {0x0153, "oe"}, /* œ */
    {0x1e9e, "ss"}, /* ẞ */
};

const char *fold_latin(code_point c)
{
    for (size_t i = 0; i < sizeof(latin) / sizeof(latin[0]); i++)
        if (latin[i].letter == c)
            return latin[i].ascii;
    return NULL;
}

bool fold_is_blank(code_point c)
{
    return uc_is_property_white_space(c);
}

bool fold_is_invisible(code_point c)
{
    return uc_is_general_category(c, UC_CATEGORY_Cc) || uc_is_general_category(c, UC_CATEGORY_Cf);
}

bool fold_is_apostrophe(code_point c)
{
    return c == '\'' || c == 0x2019 || c == 0x02bc;
}

/* Copies into the arena what libunistring has made, and frees that. NULL can only mean that there
 * was no memory, because all our texts are valid UTF-8. */
static struct str taken(struct arena *arena, uint8_t *made, size_t len)
{
    if (!made)
        panic("out of memory for a text of %zu bytes", len);
    const struct str copy = str_dup(arena, (struct str){(const char *)made, len});
    free(made);
    return copy;
}

static struct str normal(struct arena *arena, uninorm_t form, struct str text)
{
    size_t len = 0;
    uint8_t *made = u8_normalize(form, (const uint8_t *)text.ptr, text.len, NULL, &len);
    return taken(arena, made, len);
}

bool fold_next(struct str *rest, code_point *c, struct str *bytes)
{
    if (rest->len == 0)
        return false;
    const int len = u8_mbtouc(c, (const uint8_t *)rest->ptr, rest->len);
    *bytes = (struct str){rest->ptr, (size_t)len};
    *rest = (struct str){rest->ptr + len, rest->len - (size_t)len};
    return true;
}

/* --- SKUs ----------------------------------------------------------------------------------------- */

struct str sku_form(struct arena *arena, struct str typed)
{
    struct text text;
    struct str bytes;
    code_point c;
    size_t visible = 0; /* length up to the last character that is not blank */
    text_init(&text, arena, typed.len + 1);
    while (fold_next(&typed, &c, &bytes)) {
        const bool blank = fold_is_blank(c);
        if (fold_is_invisible(c) || (blank && visible == 0))
            continue;
        text_append_str(&text, bytes);
        if (!blank)
            visible = text.len;
    }
    return normal(arena, UNINORM_NFC, (struct str){text.ptr, visible});
}

/* --- searches ------------------------------------------------------------------------------------- */

/* Accents stand above or below a letter, or are attached to it, and have a combining class of 200
 * or more; the points of Hebrew and Arabic have classes 10 to 36. Marks of lower classes change the
 * meaning and are no accents: nukta, virama, voicing marks, strokes through a letter. */
static bool is_accent(code_point c)
{
    const int class = uc_combining_class(c);
    return class >= 200 || (class >= 10 && class <= 36);
}

static bool is_hyphen(code_point c)
{
    return c == '-' || c == 0x2010 || c == 0x2011;
}

struct str fold_text(struct arena *arena, struct str text)
{
    size_t len = 0;
    struct text folded;
    struct str bytes;
    code_point c;
    uint8_t *lower =
        u8_casefold((const uint8_t *)text.ptr, text.len, NULL, UNINORM_NFKD, NULL, &len);
    struct str rest = taken(arena, lower, len);
    text_init(&folded, arena, rest.len + 1);
    while (fold_next(&rest, &c, &bytes)) {
        const char *ascii = fold_latin(c);
        if (is_accent(c) || fold_is_apostrophe(c) || fold_is_invisible(c))
            continue;
        if (is_hyphen(c))
            text_append_char(&folded, '-');
        else
            text_append_str(&folded, ascii ? str_of(ascii) : bytes);
    }
    return normal(arena, UNINORM_NFC, text_str(&folded));
}
