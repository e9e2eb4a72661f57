/* describe_source.h - reading the text of a schema member by member, in the order in which it is
 * written. The texts are ours (struct schema, all_definitions), so they are not checked. A `struct
 * str` here is the JSON text of one value; an absent one has no members. */
#ifndef CARTWRIGHT_WORKERS_CARTWRIGHT_DESCRIBE_SOURCE_H
#define CARTWRIGHT_WORKERS_CARTWRIGHT_DESCRIBE_SOURCE_H

#include "base/text.h"

struct source_walk {
    const char *at;
    bool in_object;
    struct str key;   /* without its quotes; absent in a list */
    struct str value; /* its text */
};

/* Begins a walk over the members of an object or the elements of a list. */
struct source_walk source_walk(struct str source);
/* False at the end. */
bool source_next(struct source_walk *walk);

/* The member of an object; absent when it has none of that name. */
struct str source_member(struct str object, const char *key);
/* True when the list has this text as an element. */
bool source_has(struct str list, struct str text);
/* The text that a string means; absent for an absent one. */
struct str source_text(struct arena *arena, struct str string);
/* The text between the quotes of a string, with its escapes. */
struct str source_raw(struct str string);
/* The name that the $ref of a schema gives; absent without a $ref. */
struct str source_ref(struct str schema);

/* Writes the schema with `prefix` in the place of "#/$defs/". `alone`: a $ref that has other
 * keywords beside it goes into an allOf, for readers who ignore what stands beside a $ref. */
void source_put(struct text *out, struct str source, const char *prefix, bool alone);
/* Writes JSON text indented by two spaces, one member or element a line. */
void source_put_indented(struct text *out, struct str json);

#endif
