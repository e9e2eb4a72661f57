/* fold.h - texts as they are compared: SKUs, the words of searches, addresses (auth/email.h). */
#ifndef CARTWRIGHT_WORKERS_FOLD_H
#define CARTWRIGHT_WORKERS_FOLD_H

#include "base/arena.h"
#include "base/str.h"

/* A code point of UTF-8; the caller made sure that it is. */
typedef uint32_t code_point;

/* Cuts the first code point off *rest; false at the end. */
bool fold_next(struct str *rest, code_point *c, struct str *bytes);
/* The letters of a-z that stand for a Latin letter that does not decompose ("ł" -> "l"); NULL. */
const char *fold_latin(code_point c);
bool fold_is_blank(code_point c);
/* Control and format characters. */
bool fold_is_invisible(code_point c);
/* "Women's" is one word, and so are its spellings: apostrophes are neither letter nor gap. */
bool fold_is_apostrophe(code_point c);

/* The form in which SKUs are stored and looked up: NFC, without control and format characters (a
 * zero-width space is one), trimmed. Empty when nothing is left. */
struct str sku_form(struct arena *arena, struct str typed);

/* The form in which texts are searched: upper and lower case, accents of letters and apostrophes
 * make no difference, hyphens of all kinds are '-'. What carries meaning stays: vowel signs of Indic
 * scripts, the voicing marks of kana. */
struct str fold_text(struct arena *arena, struct str text);

#endif
