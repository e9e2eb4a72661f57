/* fields.h - one table describes a struct and drives every codec.
 *
 * The tables are generated from schemas/ (schemas/README.md). The same `struct shape` is used to
 * decode a request or an event (wire/schema.h), to write a reply or an event as JSON (wire/json.h),
 * and to store and load a document as BSON (store/bson_codec.h). In memory each kind is one C type:
 *
 *   FIELD_STR, FIELD_ID, FIELD_DATE  struct str            absent: ptr == NULL
 *   FIELD_INT                        int64_t               FIELD_OPT_INT   struct opt_int
 *   FIELD_BOOL                       bool                  FIELD_OPT_BOOL  struct opt_bool
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
    FIELD_TIME,  /* RFC 3339 in JSON, a UTC date in BSON */
    FIELD_MONEY, /* {"amount", "currency"} */
    FIELD_ENUM,  /* one of `names`, as a string */
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
    FIELD_NULLABLE = 1 << 2, /* null when absent; with FIELD_OPTIONAL: see `given` */
    FIELD_SECRET = 1 << 3,   /* stored or received, never written as JSON, never in a log */
};

struct opt_int {
    bool has;
    int64_t value;
};

struct opt_bool {
    bool has;
    bool value;
};

#define LIST(type)                                                                                 \
    struct {                                                                                       \
        type *items;                                                                               \
        size_t count;                                                                              \
    }

/* Every LIST(T) as a codec sees it. */
struct any_list {
    void *items;
    size_t count;
};

/* Makes room for one more element of `size` bytes, all zero, as number `at` of a LIST(T), which gets
 * new items in the arena; returns the element. */
void *list_insert(struct arena *arena, void *list, size_t size, size_t at);
/* Takes an element out of a LIST(T); the others keep their order. */
void list_remove(void *list, size_t size, size_t at);
/* The first element of a LIST(T) whose member, a struct str at `offset`, is `text`; NULL: none. */
void *list_find(const void *list, size_t size, size_t offset, struct str text);

/* The same, by their types: LIST_REMOVE(cart->lines, line), LIST_FIND(cart->lines, sku, sku). */
#define LIST_REMOVE(list, item)                                                                    \
    list_remove(&(list), sizeof(*(list).items), (size_t)((item) - (list).items))
#define LIST_FIND(list, member, text)                                                              \
    list_find(&(list), sizeof(*(list).items), offsetof(typeof(*(list).items), member), (text))

struct shape;

struct field {
    const char *name; /* camelCase, in JSON and BSON alike */
    enum field_kind kind;
    unsigned flags;
    size_t offset;
    /* Of a member that may be missing, null or a value: the offset of a bool, which is false when it
     * is missing; null is an absent value. 0: there is none. On the wire only, in no document. */
    size_t given;
    const struct shape *shape; /* FIELD_STRUCT, FIELD_EMBED, FIELD_LIST: of the struct or element */
    const char *const *names;  /* FIELD_ENUM: its names, ended by NULL */
    const char *fallback; /* its value in a document that lacks it: an older release wrote that */
};

struct shape {
    const char *name; /* for people: "Order" */
    size_t size;
    const struct field *fields;
    size_t field_count;
    size_t kept; /* offset of the struct str with the kept fields (STORED_SHAPE); 0: it has none */
};

#define SHAPE(shape_name, type, table)                                                             \
    {                                                                                              \
        .name = (shape_name), .size = sizeof(type), .fields = (table),                             \
        .field_count = sizeof(table) / sizeof((table)[0])                                          \
    }

/* A stored object keeps the fields that its table does not know: a newer release, which may run
 * beside this one, wrote them. They are loaded into `member` unchanged (as BSON; absent: there are
 * none), are copied with the object and stored again unchanged, and are never written as JSON. Code
 * that changes a stored object must change its members: a newly made object would lose the kept
 * fields. `member` must not be the first member, because the offset 0 means "none". */
#define STORED_SHAPE(shape_name, type, table, member)                                              \
    {                                                                                              \
        .name = (shape_name), .size = sizeof(type), .fields = (table),                             \
        .field_count = sizeof(table) / sizeof((table)[0]), .kept = offsetof(type, member)          \
    }

/* Returns the kept fields of an object; NULL when its shape keeps none. */
static inline struct str *shape_kept(const struct shape *shape, const void *object)
{
    return shape->kept ? (struct str *)(void *)((char *)(uintptr_t)object + shape->kept) : NULL;
}

/* Returns a copy whose LIST, STRUCT and EMBED parts may be changed without touching the original.
 * Strings are shared, because they never change. */
void *shape_clone(const struct shape *shape, struct arena *arena, const void *from);
/* Returns a copy that shares nothing, so that it may outlive the arena of the original. */
void *shape_copy(const struct shape *shape, struct arena *arena, const void *from);
/* Applies a patch to a document: sets those members of `doc` that `patch` has under the same name
 * and that were given in it. Null makes a member absent. The key of the document is never set. New
 * values are shared with the patch. Panics when two members of one name are not of one kind. */
void shape_patch(const struct shape *doc_shape, void *doc, const struct shape *patch_shape,
                 const void *patch);

/* Returns NULL when there is no such field. */
const struct field *shape_field(const struct shape *shape, struct str name);

/* Sets the field's member of `object` to the fallback; false when the field has none. The text of a
 * fallback is a string, a name of an enum, a number, "true" or "false"; "" is an empty list.
 * Anything else is a panic, because the table is wrong. */
bool field_fall_back(const struct field *field, void *object);

static inline const void *field_at(const struct field *field, const void *object)
{
    return (const char *)object + field->offset;
}

/* Where `object` says whether the field was given; NULL when the field has no such place. */
static inline bool *field_given(const struct field *field, const void *object)
{
    return field->given ? (bool *)((uintptr_t)object + field->given) : NULL;
}

/* Returns the index of `name` in `names` (ended by NULL), or -1. */
int enum_of(const char *const *names, struct str name);

#endif
