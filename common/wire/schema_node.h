/* schema_node.h - what schema_gen.py writes: a schema as constant tables. For generated code, the
 * interpreter and its tests only.
 *
 * An object's members and its shape's fields are parallel: members[i] says what is allowed,
 * shape->fields[i] where it goes. */
#ifndef CARTWRIGHT_WIRE_SCHEMA_NODE_H
#define CARTWRIGHT_WIRE_SCHEMA_NODE_H

#include "wire/schema.h"

#define SCHEMA_MEMBERS_MAX 64 /* of one object: what was seen is a bit mask */

enum schema_type { SCHEMA_OBJECT, SCHEMA_LIST, SCHEMA_STR, SCHEMA_INT, SCHEMA_BOOL, SCHEMA_TYPES };

struct schema_member {
    struct str name;
    bool required;
    const struct schema_node *node;
};

struct schema_node {
    enum schema_type type;
    /* SCHEMA_STR: code points. SCHEMA_LIST: elements. SCHEMA_OBJECT: members. */
    size_t min_count;
    size_t max_count; /* SIZE_MAX: no limit */
    /* SCHEMA_INT */
    int64_t min;
    int64_t max;
    /* SCHEMA_BOOL: a const; both false when there is none */
    bool only_true;
    bool only_false;
    /* SCHEMA_STR */
    const char *pattern;      /* anchored; NULL: any */
    const char *expected;     /* what the pattern asks for: "must be <expected>" */
    const char *const *names; /* the enum, ended by NULL; NULL: none */
    bool nullable;            /* null is a value, too: the target is a struct opt_str */
    /* SCHEMA_LIST */
    const struct schema_node *items;
    /* SCHEMA_OBJECT; SCHEMA_LIST of objects: the shape of its items */
    const struct shape *shape;
    const struct schema_member *members;
    bool open; /* additionalProperties: unknown members are ignored */
};

/* How the $def "Money" is decoded, before it becomes a struct money. */
struct schema_money {
    int64_t amount;
    struct str currency;
};

#endif
