/* words.h - a folded text as the words by which it is found. */
#ifndef CARTWRIGHT_WORKERS_CATALOG_WORDS_H
#define CARTWRIGHT_WORKERS_CATALOG_WORDS_H

#include "fold.h"

#define WORD_BYTES_MAX 60 /* what is longer is cut, wherever it stands */

enum word_kind {
    WORD_PLAIN, /* letters and digits */
    WORD_PAIR,  /* two neighbours in a script that is written without gaps */
    WORD_LAST,  /* the last character of several such: no pair begins with it */
    WORD_LONE,  /* one such character alone */
};

struct word {
    enum word_kind kind;
    struct str text;
    size_t chars;
    struct str joined; /* "ebook" for the two words of "e-book"; absent for others */
    struct str token;  /* what stands between blanks around it */
};

struct words {
    struct word *items;
    size_t count;
};

/* In order. `folded` is a fold_text(), and must live as long. */
struct words words_of(struct arena *arena, struct str folded);

#endif
