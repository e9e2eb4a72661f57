/* fold.h - the forms in which texts are compared: SKUs, the words of searches,
 * addresses (auth/email.h). */
#ifndef CARTWRIGHT_WORKERS_FOLD_H
#define CARTWRIGHT_WORKERS_FOLD_H

#include "base/arena.h"
#include "base/str.h"

/* A Unicode code point. All texts given to these functions must be valid UTF-8. */
typedef uint32_t code_point;

/* Cuts the first code point, *c, off *rest; *bytes is its UTF-8. False at the end. */
bool fold_next(struct str *rest, code_point *c, struct str *bytes);
/* The ASCII letters that stand for a Latin letter that does not decompose ("ł" -> "l"); NULL for
 * any other code point. */
const char *fold_latin(code_point c);
bool fold_is_blank(code_point c);
/* Control and format characters. */
bool fold_is_invisible(code_point c);
/* An apostrophe in any spelling; it is neither letter nor gap: "Women's" is one word. */
bool fold_is_apostrophe(code_point c);

/* The form in which SKUs are stored and looked up: NFC, trimmed, without control and format
 * characters (such as a zero-width space). Empty when nothing is left. */
struct str sku_form(struct arena *arena, struct str typed);

/* The form in which texts are searched. Case, accents of letters, apostrophes and invisible
 * characters make no difference, and every hyphen is '-'. Marks that carry meaning stay: the vowel
 * signs of Indic scripts, the voicing marks of kana. */
struct str fold_text(struct arena *arena, struct str text);

#endif
