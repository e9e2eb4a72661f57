/* words.h - a line of a script, taken apart.
 *
 * Words are separated by blanks. A word that begins with '{' or '[' goes on to its own bracket, one
 * in '...' to the next quote (with \xHH for a byte). "$name" with its quotes stands for the JSON
 * value of a variable, ${name} for its text, "$$ for a plain "$. */
#ifndef CARTWRIGHT_TESTS_FLOW_WORDS_H
#define CARTWRIGHT_TESTS_FLOW_WORDS_H

#include "base/map.h"
#include "base/str.h"

#define WORDS_MAX 24

struct words {
    struct str items[WORDS_MAX];
    size_t count;
    size_t next; /* not yet taken */
};

/* False fills *why. */
bool words_split(struct arena *arena, struct str line, struct words *out, struct str *why);
/* variables: name -> struct str * with the JSON text of the value. False fills *why. */
bool words_fill_in(struct arena *arena, const struct map *variables, struct str text,
                   struct str *out, struct str *why);

/* The next word, absent at the end. */
struct str words_take(struct words *words);
/* The same, but only when it is this one. */
bool words_take_if(struct words *words, const char *word);
/* The next word when it begins with '{' or '['; else absent. */
struct str words_take_json(struct words *words);

#endif
