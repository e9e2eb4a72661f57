/* fields.h - one table that describes a struct, from which every codec is driven.
 *
 * The same `struct shape` decodes a request (wire/schema.h; the tables are generated from
 * schemas/), writes a reply or event as JSON (wire/json.h), and stores and loads a document as BSON
 * (store/codec). In memory each kind is one C type:
 *
 *   FIELD_STR, FIELD_ID, FIELD_DATE  struct str            absent: ptr == NULL
 *   FIELD_INT                        int64_t               FIELD_OPT_INT   struct opt_int
 *   FIELD_BOOL                       bool                  FIELD_OPT_BOOL  struct opt_bool
 *   FIELD_OPT_STR                    struct opt_str        on the wire only, in no document
 *   FIELD_TIME                       int64_t ms, 0 absent
 *   FIELD_MONEY                      struct money          absent: currency[0] == 0
 *   FIELD_ENUM                       int, index into names, -1 absent
 *   FIELD_STRUCT                     const T * into the arena, NULL absent
 *   FIELD_EMBED                      T, in place
 *   FIELD_LIST                       LIST(T), contiguous elements
 *   FIELD_STRS, FIELD_IDS            LIST(struct str)
 *   FIELD_RAW                        struct str: finished JSON text (BSON: a string)
 */
#ifndef CARTWRIGHT_BASE_FIELDS_H
#define CARTWRIGHT_BASE_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/money.h"
#include "base/str.h"

enum field_kind {
    FIELD_STR,
    FIELD_ID,   /* 24 hex digits; an ObjectId in BSON */
    FIELD_DATE, /* "YYYY-MM-DD" */
    FIELD_INT,
    FIELD_OPT_INT,
    FIELD_BOOL,
    FIELD_OPT_BOOL,
    FIELD_OPT_STR, /* a text or null, where that is something else than absent */
    FIELD_TIME,    /* RFC 3339 in JSON, a UTC date in BSON */
    FIELD_MONEY,   /* {"amount", "currency"} */
    FIELD_ENUM,    /* its name as a string */
    FIELD_STRUCT,
    FIELD_EMBED,
    FIELD_LIST,
    FIELD_STRS,
    FIELD_IDS,
    FIELD_RAW,
};

enum field_flag {
    FIELD_KEY = 1 << 0,      /* "_id" in BSON; kind FIELD_ID or FIELD_STR */
    FIELD_OPTIONAL = 1 << 1, /* left out when absent */
    FIELD_NULLABLE = 1 << 2, /* null when absent */
    FIELD_SECRET = 1 << 3,   /* stored, never on the wire, never in a log */
};

struct opt_int {
    bool has;
    int64_t value;
};

struct opt_bool {
    bool has;
    bool value;
};

/* Of a patch: keep what is there (!has), clear it (has, absent), set it. */
struct opt_str {
    bool has;
    struct str value; /* absent: null */
};

#define LIST(type)                                                                                 \
    struct {                                                                                       \
        type *items;                                                                               \
        size_t count;                                                                              \
    }

/* What every LIST(T) looks like to a codec. */
struct any_list {
    void *items;
    size_t count;
};

struct shape;

struct field {
    const char *name; /* camelCase, in JSON and BSON alike */
    enum field_kind kind;
    unsigned flags;
    size_t offset;
    const struct shape *shape; /* of FIELD_STRUCT, FIELD_EMBED, FIELD_LIST */
    const char *const *names;  /* of FIELD_ENUM, ended by NULL */
    const char *fallback;      /* of a stored one that is missing: an older release wrote it */
};

struct shape {
    const char *name; /* for people: "Order" */
    size_t size;
    const struct field *fields;
    size_t field_count;
    size_t kept; /* of what is stored: offset of a struct str (never 0); 0: it keeps nothing */
};

#define SHAPE(shape_name, type, table)                                                             \
    {                                                                                              \
        .name = (shape_name), .size = sizeof(type), .fields = (table),                             \
        .field_count = sizeof(table) / sizeof((table)[0])                                          \
    }

/* What is stored keeps the fields that its table does not know: a newer release, which may run beside
 * this one, wrote them. They are loaded into `member` as they are (BSON; absent: none), go along with
 * every copy, are stored again as they came, and are on no wire. Whoever changes a stored object must
 * change its members and not make it anew. */
#define STORED_SHAPE(shape_name, type, table, member)                                              \
    {                                                                                              \
        .name = (shape_name), .size = sizeof(type), .fields = (table),                             \
        .field_count = sizeof(table) / sizeof((table)[0]), .kept = offsetof(type, member)          \
    }

/* The kept fields of an object; NULL when its shape keeps none. */
static inline struct str *shape_kept(const struct shape *shape, const void *object)
{
    return shape->kept ? (struct str *)(void *)((char *)(uintptr_t)object + shape->kept) : NULL;
}

/* A copy whose LIST, STRUCT and EMBED parts may be changed without touching the original. Strings
 * are shared: they never change. */
void *shape_clone(const struct shape *shape, struct arena *arena, const void *from);
/* A copy that shares nothing: for keeping it longer than the arena of the original. */
void *shape_copy(const struct shape *shape, struct arena *arena, const void *from);
/* NULL when there is no such field. */
const struct field *shape_field(const struct shape *shape, struct str name);

/* Sets the member of `object` to the field's fallback; false when it has none. The text is a string,
 * a name of an enum, a number, "true" or "false"; "" is an empty list. Panics on anything else: the
 * table is wrong. */
bool field_fall_back(const struct field *field, void *object);

static inline const void *field_at(const struct field *field, const void *object)
{
    return (const char *)object + field->offset;
}

/* Index of `name` among names, or -1. */
int enum_of(const char *const *names, struct str name);

#endif
