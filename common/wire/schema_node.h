/* schema_node.h - a schema as constant tables, which schema_gen.py writes. Only for generated code,
 * the interpreter and its tests.
 *
 * The members of an object and the fields of its shape are parallel: members[i] says what is
 * allowed, shape->fields[i] where the value goes. */
#ifndef CARTWRIGHT_WIRE_SCHEMA_NODE_H
#define CARTWRIGHT_WIRE_SCHEMA_NODE_H

#include "wire/schema.h"

#define SCHEMA_MEMBERS_MAX 64 /* of one object: the members that were seen are a 64-bit mask */

enum schema_type { SCHEMA_OBJECT, SCHEMA_LIST, SCHEMA_STR, SCHEMA_INT, SCHEMA_BOOL, SCHEMA_TYPES };

struct schema_member {
    struct str name;
    bool required;
    bool nullable; /* null is allowed, too; the target becomes absent */
    const struct schema_node *node;
};

struct schema_node {
    enum schema_type type;
    /* SCHEMA_STR: number of code points. SCHEMA_LIST: of elements. SCHEMA_OBJECT: of members. */
    size_t min_count;
    size_t max_count; /* SIZE_MAX: no limit */
    /* SCHEMA_INT */
    int64_t min;
    int64_t max;
    /* SCHEMA_BOOL: the keyword const; both are false when it is missing */
    bool only_true;
    bool only_false;
    /* SCHEMA_STR */
    const char *pattern;      /* anchored; NULL: any text */
    const char *expected;     /* what the pattern asks for, as in "must be <expected>" */
    const char *const *names; /* of the enum, ended by NULL; NULL: not an enum */
    /* SCHEMA_LIST */
    const struct schema_node *items;
    /* SCHEMA_OBJECT; for a SCHEMA_LIST of objects the shape is that of its items */
    const struct shape *shape;
    const struct schema_member *members;
    bool open;         /* additionalProperties: unknown members are ignored */
    const char *title; /* the name of the type in clients; NULL: it has none */
};

/* The $def "Money" as it is decoded, before it becomes a struct money. */
struct schema_money {
    int64_t amount;
    struct str currency;
};

#endif
