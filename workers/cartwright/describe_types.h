/* describe_types.h - the types that clients know by name: every form and every request, and each
 * object inside them. */
#ifndef CARTWRIGHT_WORKERS_CARTWRIGHT_DESCRIBE_TYPES_H
#define CARTWRIGHT_WORKERS_CARTWRIGHT_DESCRIBE_TYPES_H

#include "cartwright/describe.h"

struct named_type {
    struct str name;
    struct str schema; /* its text */
};

/* All types, those inside an object behind it. An object with a title has that name; another one is
 * called after the object and the member that hold it. Panics when one name means two things. */
struct type_list {
    struct named_type *items;
    size_t count;
    size_t capacity;
};
void types_gather(const struct describe *describe, struct type_list *types);

/* True for an object whose members are listed, false for all that is only another name. */
bool type_has_members(struct str schema);
/* The name of the type of which this one has all the members, too (allOf); absent: there is none. */
struct str type_base(struct str schema);
/* Splits a schema that allows null from its null. *schema becomes what is left when that is one
 * schema. Returns true when null is allowed. */
bool type_split_null(struct str *schema);

/* --- writing a type in a language -------------------------------------------------------------- */

/* How a language writes types. */
struct type_words {
    const char *text, *integer, *number, *boolean, *null, *only_true, *only_false;
    const char *object;    /* one whose members nobody lists */
    const char *list[2];   /* what stands before and behind the type of the elements */
    const char *map[2];    /* the same for the values of a map */
    const char *choice[3]; /* of an enum: before, between and behind the values */
    const char *quote;     /* on both sides of a value of an enum */
    const char *any_of;    /* between alternatives */
    /* Writes the name of another type. */
    void (*put_name)(void *context, struct text *out, struct str name);
    void *context;
};

/* Writes the type of a value. `name` is that of the type it would be if it is an object without a
 * title. */
void type_put(const struct type_words *words, struct text *out, struct str schema, struct str name);
/* A `put_name` that only writes the name. */
void type_put_plain_name(void *context, struct text *out, struct str name);

/* Returns the name that an object without a title gets, which is a member of the type `holder`. */
struct str type_name_of_member(struct arena *arena, struct str holder, struct str member);
/* Returns what the values of a schema have to keep to, in English and without a full stop: "1 to 100
 * characters". Empty when there is nothing to say. */
struct str type_limits(struct arena *arena, struct str schema);
/* Returns the description of a schema, with its limits in parentheses; empty without both. */
struct str type_doc(struct arena *arena, struct str schema);
/* True when the request may be left out: {} is one. */
bool type_may_be_empty(struct str request);

#endif
