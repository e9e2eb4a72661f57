/* bson_decode.c - BSON as documents: one function per kind of field.
 *
 * Strings are not copied: they stay where they are in the BSON, which ends each of them with NUL.
 * Ids are converted, and fields that the table does not know are copied, into the arena. */
#include "base/id.h"
#include "store/bson_codec.h"
#include "store/doc_path.h"

#define SHAPE_FIELDS_MAX 64

struct get {
    struct arena *arena;
    const struct field *field;
    struct codec_fault *fault;
};

/* Reads one value into the member at `at`; false when the value is not of the field's kind. */
typedef bool get_fn(const struct get *get, const bson_iter_t *value, void *at);

static bool get_str(const struct get *get, const bson_iter_t *value, void *at)
{
    (void)get;
    uint32_t len = 0;
    if (!BSON_ITER_HOLDS_UTF8(value))
        return false;
    const char *text = bson_iter_utf8(value, &len);
    *(struct str *)at = (struct str){text, len};
    return true;
}

static bool get_id(const struct get *get, const bson_iter_t *value, void *at)
{
    if (!BSON_ITER_HOLDS_OID(value))
        return false;
    *(struct str *)at = id_from_bytes(get->arena, bson_iter_oid(value)->bytes);
    return true;
}

/* An int32 is accepted because a shell writes small numbers so. A double is refused: no document
 * has real numbers. */
static bool get_int(const struct get *get, const bson_iter_t *value, void *at)
{
    (void)get;
    if (!BSON_ITER_HOLDS_INT64(value) && !BSON_ITER_HOLDS_INT32(value))
        return false;
    *(int64_t *)at = bson_iter_as_int64(value);
    return true;
}

static bool get_opt_int(const struct get *get, const bson_iter_t *value, void *at)
{
    struct opt_int *number = at;
    number->has = get_int(get, value, &number->value);
    return number->has;
}

static bool get_bool(const struct get *get, const bson_iter_t *value, void *at)
{
    (void)get;
    if (!BSON_ITER_HOLDS_BOOL(value))
        return false;
    *(bool *)at = bson_iter_bool(value);
    return true;
}

static bool get_opt_bool(const struct get *get, const bson_iter_t *value, void *at)
{
    struct opt_bool *flag = at;
    flag->has = get_bool(get, value, &flag->value);
    return flag->has;
}

static bool get_time(const struct get *get, const bson_iter_t *value, void *at)
{
    (void)get;
    if (!BSON_ITER_HOLDS_DATE_TIME(value))
        return false;
    *(int64_t *)at = bson_iter_date_time(value);
    return true;
}

static bool get_money(const struct get *get, const bson_iter_t *value, void *at)
{
    bson_iter_t amount, currency;
    struct str code = STR_ABSENT;
    struct money money = {0};
    if (!BSON_ITER_HOLDS_DOCUMENT(value) || !bson_iter_recurse(value, &amount) ||
        !bson_iter_recurse(value, &currency) || !bson_iter_find(&amount, "amount") ||
        !bson_iter_find(&currency, "currency") || !get_int(get, &amount, &money.amount) ||
        !get_str(get, &currency, &code) || code.len != 3 || !str_is_c(code))
        return false;
    memcpy(money.currency, code.ptr, 3);
    *(struct money *)at = money;
    return true;
}

static bool get_enum(const struct get *get, const bson_iter_t *value, void *at)
{
    struct str name = STR_ABSENT;
    if (!get_str(get, value, &name))
        return false;
    *(int *)at = enum_of(get->field->names, name);
    return *(int *)at >= 0;
}

static bool get_embed(const struct get *get, const bson_iter_t *value, void *at)
{
    uint32_t len = 0;
    const uint8_t *data = NULL;
    if (!BSON_ITER_HOLDS_DOCUMENT(value))
        return false;
    bson_iter_document(value, &len, &data);
    return codec_get(get->arena, get->field->shape, data, len, at, get->fault);
}

static bool get_struct(const struct get *get, const bson_iter_t *value, void *at)
{
    void *object = arena_alloc(get->arena, get->field->shape->size);
    if (!get_embed(get, value, object))
        return false;
    *(void **)at = object;
    return true;
}

static size_t elements_of(const bson_iter_t *value)
{
    bson_iter_t each;
    size_t count = 0;
    if (bson_iter_recurse(value, &each))
        while (bson_iter_next(&each))
            count++;
    return count;
}

static bool get_elements(const struct get *get, const bson_iter_t *value, void *at, size_t size,
                         get_fn *element)
{
    bson_iter_t each;
    if (!BSON_ITER_HOLDS_ARRAY(value) || !bson_iter_recurse(value, &each))
        return false;
    struct any_list *list = at;
    list->count = elements_of(value);
    list->items = arena_array(get->arena, list->count, size);
    for (size_t i = 0; i < list->count && bson_iter_next(&each); i++)
        if (!element(get, &each, (char *)list->items + i * size))
            return false;
    return true;
}

static bool get_list(const struct get *get, const bson_iter_t *value, void *at)
{
    return get_elements(get, value, at, get->field->shape->size, get_embed);
}

static bool get_strs(const struct get *get, const bson_iter_t *value, void *at)
{
    return get_elements(get, value, at, sizeof(struct str), get_str);
}

static bool get_ids(const struct get *get, const bson_iter_t *value, void *at)
{
    return get_elements(get, value, at, sizeof(struct str), get_id);
}

static get_fn *const get_kind[] = {
    [FIELD_STR] = get_str,           [FIELD_ID] = get_id,           [FIELD_DATE] = get_str,
    [FIELD_INT] = get_int,           [FIELD_OPT_INT] = get_opt_int, [FIELD_BOOL] = get_bool,
    [FIELD_OPT_BOOL] = get_opt_bool, [FIELD_TIME] = get_time,       [FIELD_MONEY] = get_money,
    [FIELD_ENUM] = get_enum,         [FIELD_STRUCT] = get_struct,   [FIELD_EMBED] = get_embed,
    [FIELD_LIST] = get_list,         [FIELD_STRS] = get_strs,       [FIELD_IDS] = get_ids,
    [FIELD_RAW] = get_str,
};

/* The index of a field in the table, or -1. Documents are written in the order of their table, so
 * the field at *next is nearly always the right one; *next moves on behind the field found. */
static int field_of(const struct shape *shape, const char *name, size_t *next)
{
    for (size_t tried = 0; tried < shape->field_count; tried++) {
        const size_t i = (*next + tried) % shape->field_count;
        if (strcmp(doc_field_name(&shape->fields[i]), name) == 0) {
            *next = i + 1;
            return (int)i;
        }
    }
    return -1;
}

static bool may_be_absent(const struct field *field)
{
    return field->flags & (FIELD_OPTIONAL | FIELD_NULLABLE) || field->kind == FIELD_OPT_INT ||
           field->kind == FIELD_OPT_BOOL;
}

static bool fail(struct codec_fault *fault, const struct shape *shape, const struct field *field,
                 const char *what)
{
    if (!fault->field) /* otherwise an inner object has told its own fault already */
        *fault = (struct codec_fault){
            .shape = shape->name, .field = field ? field->name : "", .what = what};
    return false;
}

static bool settle_absent(const struct shape *shape, const bool *seen, void *object,
                          struct codec_fault *fault)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        if (seen[i])
            continue;
        if (field_fall_back(field, object)) {
            fault->fell_back = true;
            continue;
        }
        if (!may_be_absent(field))
            return fail(fault, shape, field, "is missing");
        if (field->kind == FIELD_ENUM) /* the only kind for which all zeros do not mean absence */
            *(int *)((char *)object + field->offset) = -1;
    }
    return true;
}

/* Goes a second time through a document that has fields of another release, so that all other
 * documents pay nothing for it. */
static bool keep_unknown(struct arena *arena, const struct shape *shape, bson_iter_t element,
                         struct str *out)
{
    AUTO_BSON kept = BSON_INITIALIZER;
    size_t next = 0;
    bool ok = true;
    while (ok && bson_iter_next(&element)) {
        const char *name = bson_iter_key(&element);
        if (field_of(shape, name, &next) < 0 && strcmp(name, CODEC_CHECKS) != 0)
            ok = bson_append_iter(&kept, name, -1, &element);
    }
    if (ok && !bson_empty(&kept))
        *out = (struct str){arena_copy(arena, bson_get_data(&kept), kept.len), kept.len};
    return ok;
}

bool codec_get(struct arena *arena, const struct shape *shape, const uint8_t *data, size_t len,
               void *object, struct codec_fault *fault)
{
    bool seen[SHAPE_FIELDS_MAX] = {false};
    bool has_unknown = false;
    bson_iter_t element;
    if (shape->field_count > SHAPE_FIELDS_MAX)
        panic("%s has more than %d fields", shape->name, SHAPE_FIELDS_MAX);
    if (!bson_iter_init_from_data(&element, data, len))
        return fail(fault, shape, NULL, "is not BSON");
    const bson_iter_t start = element;
    size_t next = 0;
    while (bson_iter_next(&element)) {
        const int found = field_of(shape, bson_iter_key(&element), &next);
        has_unknown |= found < 0;
        if (found < 0 || BSON_ITER_HOLDS_NULL(&element))
            continue;
        const struct field *field = &shape->fields[found];
        const struct get get = {arena, field, fault};
        if (!get_kind[field->kind](&get, &element, (char *)object + field->offset))
            return fail(fault, shape, field, "has the wrong type");
        seen[found] = true;
    }
    if (element.err_off != 0)
        return fail(fault, shape, NULL, "is not BSON");
    if (has_unknown && shape->kept && !keep_unknown(arena, shape, start, shape_kept(shape, object)))
        return fail(fault, shape, NULL, "has more fields than fit");
    return settle_absent(shape, seen, object, fault);
}

bool codec_get_doc(struct arena *arena, const struct doc_type *type, const uint8_t *data,
                   size_t len, void *doc, struct codec_fault *fault)
{
    struct doc_head *head = doc;
    if (!codec_get(arena, type->shape, data, len, doc, fault))
        return false;
    const int64_t ours = type->generation > 1 ? type->generation : 1;
    const int64_t stored = head->generation.has ? head->generation.value : 1;
    if (stored < 1)
        return fail(fault, type->shape, NULL, "has a generation that does not exist");
    head->older = stored < ours || (stored == ours && fault->fell_back);
    if (stored < ours)
        type->upgrade(arena, doc, (int)stored);
    if (type->generation > 1)
        head->generation = (struct opt_int){true, stored > ours ? stored : ours};
    return true;
}
