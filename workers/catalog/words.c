/* words.c - splits a folded text into the words by which it is found.
 *
 * Letters and digits make words, and hyphens join them ("e-book" gives "e", "book" and "ebook"). A
 * script that is written without gaps does not show where words end, so each pair of neighbouring
 * characters is a word: whoever types a part of such a text types its pairs. */
#include "catalog/words.h"

#include <unictype.h>

#include "base/text.h"

#define PROLONGED_SOUND 0x30fc /* used with kana, but belongs to no script */

/* DENSE characters are those of scripts that are written without gaps. */
enum sort_of_char { GAP, BLANK, HYPHEN, LETTER, DENSE };

static bool is_dense(code_point c)
{
    static const char *const scripts[] = {"Han", "Hiragana", "Katakana", "Thai",
                                          "Lao", "Khmer",    "Myanmar",  "Tibetan"};
    const uc_script_t *script = c < 0x0e00 ? NULL : uc_script(c);
    for (size_t i = 0; script && i < sizeof(scripts) / sizeof(scripts[0]); i++)
        if (strcmp(script->name, scripts[i]) == 0)
            return true;
    return c == PROLONGED_SOUND;
}

static enum sort_of_char sort_of(code_point c)
{
    if (c == '-')
        return HYPHEN;
    if (fold_is_blank(c))
        return BLANK;
    if (!uc_is_general_category(c, UC_CATEGORY_L) && !uc_is_general_category(c, UC_CATEGORY_N) &&
        !uc_is_general_category(c, UC_CATEGORY_M))
        return GAP;
    return is_dense(c) ? DENSE : LETTER;
}

struct splitter {
    struct arena *arena;
    struct words words;
    size_t capacity;
    size_t first_of_token;
    size_t first_of_compound;
    const char *token;
    struct str run;  /* letters, or dense characters */
    size_t chars;    /* characters of the run */
    size_t last_len; /* bytes of the run's last character */
    bool dense;
};

static void add_word(struct splitter *splitter, enum word_kind kind, struct str text, size_t chars)
{
    struct words *words = &splitter->words;
    while (text.len > WORD_BYTES_MAX || ((unsigned char)text.ptr[text.len] & 0xc0) == 0x80)
        text.len--;
    words->items = arena_grow(splitter->arena, words->items, words->count, sizeof(struct word),
                              &splitter->capacity);
    words->items[words->count++] =
        (struct word){.kind = kind, .text = str_dup(splitter->arena, text), .chars = chars};
}

static void end_run(struct splitter *splitter)
{
    const struct str run = splitter->run;
    const struct str last = {run.ptr + run.len - splitter->last_len, splitter->last_len};
    if (run.len > 0 && !splitter->dense)
        add_word(splitter, WORD_PLAIN, run, splitter->chars);
    else if (run.len > 0)
        add_word(splitter, splitter->chars == 1 ? WORD_LONE : WORD_LAST, last, 1);
    splitter->run.len = 0;
    splitter->chars = 0;
}

/* Ends a compound: each of its words gets the text of the whole as `joined`. */
static void end_compound(struct splitter *splitter)
{
    end_run(splitter);
    struct word *words = splitter->words.items + splitter->first_of_compound;
    const size_t count = splitter->words.count - splitter->first_of_compound;
    splitter->first_of_compound = splitter->words.count;
    if (count < 2)
        return;
    struct text joined;
    text_init(&joined, splitter->arena, WORD_BYTES_MAX + 1);
    for (size_t i = 0; i < count; i++) {
        if (words[i].kind != WORD_PLAIN || joined.len + words[i].text.len > WORD_BYTES_MAX)
            return;
        text_append_str(&joined, words[i].text);
    }
    for (size_t i = 0; i < count; i++)
        words[i].joined = text_str(&joined);
}

static void end_token(struct splitter *splitter, const char *end)
{
    end_compound(splitter);
    const struct str token = {splitter->token, (size_t)(end - splitter->token)};
    for (size_t i = splitter->first_of_token; i < splitter->words.count; i++)
        splitter->words.items[i].token = token;
    splitter->first_of_token = splitter->words.count;
}

static void extend_run(struct splitter *splitter, struct str bytes, bool dense)
{
    if (splitter->run.len > 0 && splitter->dense != dense)
        end_run(splitter);
    if (splitter->run.len == 0)
        splitter->run.ptr = bytes.ptr;
    else if (dense)
        add_word(splitter, WORD_PAIR,
                 (struct str){bytes.ptr - splitter->last_len, splitter->last_len + bytes.len}, 2);
    splitter->run.len += bytes.len;
    splitter->chars++;
    splitter->last_len = bytes.len;
    splitter->dense = dense;
}

static void take(struct splitter *splitter, code_point c, struct str bytes)
{
    const enum sort_of_char sort = sort_of(c);
    if (sort == LETTER || sort == DENSE)
        extend_run(splitter, bytes, sort == DENSE);
    else if (sort == HYPHEN)
        end_run(splitter);
    else if (sort == GAP)
        end_compound(splitter);
    else
        end_token(splitter, bytes.ptr);
    if (sort == BLANK)
        splitter->token = bytes.ptr + bytes.len;
}

struct words words_of(struct arena *arena, struct str folded)
{
    struct splitter splitter = {.arena = arena, .token = folded.ptr};
    struct str rest = folded, bytes;
    code_point c;
    while (fold_next(&rest, &c, &bytes))
        take(&splitter, c, bytes);
    end_token(&splitter, folded.ptr + folded.len);
    return splitter.words;
}
