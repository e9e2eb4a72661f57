/* words.h - a folded text as the words by which it is found. */
#ifndef CARTWRIGHT_WORKERS_CATALOG_WORDS_H
#define CARTWRIGHT_WORKERS_CATALOG_WORDS_H

#include "fold.h"

#define WORD_BYTES_MAX 60 /* longer words are cut, in products and in searches alike */

enum word_kind {
    WORD_PLAIN, /* letters and digits */
    WORD_PAIR,  /* two neighbours in a script that is written without gaps */
    WORD_LAST,  /* the last of several such characters: no pair begins with it */
    WORD_LONE,  /* one such character alone */
};

struct word {
    enum word_kind kind;
    struct str text;
    size_t chars;
    struct str joined; /* "ebook" for both words of "e-book"; absent for other words */
    struct str token;  /* the text between the blanks around the word */
};

struct words {
    struct word *items;
    size_t count;
};

/* Gives the words in the order of the text, in the arena. `folded` must come from fold_text() and
 * live as long as the words. */
struct words words_of(struct arena *arena, struct str folded);

#endif
