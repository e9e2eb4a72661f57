/* bson_codec.c - documents as BSON: one function per kind of field. */
#include "store/bson_codec.h"

#include "base/id.h"
#include "store/doc_path.h"

struct put {
    bson_t *out;
    const struct field *field;
    const void *at;
    struct codec_fault *fault;
};

typedef bool put_fn(const struct put *put, const char *name);

bool codec_put_text(bson_t *out, const char *name, struct str text)
{
    return text.len <= INT32_MAX &&
           bson_append_utf8(out, name, -1, text.ptr ? text.ptr : "", (int)text.len);
}

bool codec_put_id(bson_t *out, const char *name, struct str id)
{
    bson_oid_t oid;
    if (!id_is_valid(id))
        return false;
    id_to_bytes(id, oid.bytes);
    return bson_append_oid(out, name, -1, &oid);
}

static bool put_str(const struct put *put, const char *name)
{
    return codec_put_text(put->out, name, *(const struct str *)put->at);
}

static bool put_id(const struct put *put, const char *name)
{
    return codec_put_id(put->out, name, *(const struct str *)put->at);
}

static bool put_int(const struct put *put, const char *name)
{
    return bson_append_int64(put->out, name, -1, *(const int64_t *)put->at);
}

static bool put_opt_int(const struct put *put, const char *name)
{
    return bson_append_int64(put->out, name, -1, ((const struct opt_int *)put->at)->value);
}

static bool put_bool(const struct put *put, const char *name)
{
    return bson_append_bool(put->out, name, -1, *(const bool *)put->at);
}

static bool put_opt_bool(const struct put *put, const char *name)
{
    return bson_append_bool(put->out, name, -1, ((const struct opt_bool *)put->at)->value);
}

static bool put_time(const struct put *put, const char *name)
{
    return bson_append_date_time(put->out, name, -1, *(const int64_t *)put->at);
}

static bool put_money(const struct put *put, const char *name)
{
    const struct money *money = put->at;
    bson_t part;
    return bson_append_document_begin(put->out, name, -1, &part) &&
           bson_append_int64(&part, "amount", 6, money->amount) &&
           bson_append_utf8(&part, "currency", 8, money->currency, -1) &&
           bson_append_document_end(put->out, &part);
}

static bool put_enum(const struct put *put, const char *name)
{
    return bson_append_utf8(put->out, name, -1, put->field->names[*(const int *)put->at], -1);
}

static bool put_object(const struct put *put, const char *name, const void *object)
{
    bson_t part;
    if (!bson_append_document_begin(put->out, name, -1, &part))
        return false;
    const bool ok = codec_put(&part, put->field->shape, object, put->fault);
    return bson_append_document_end(put->out, &part) && ok;
}

static bool put_struct(const struct put *put, const char *name)
{
    return put_object(put, name, *(const void *const *)put->at);
}

static bool put_embed(const struct put *put, const char *name)
{
    return put_object(put, name, put->at);
}

/* Writes a list of elements of `size` bytes each, one by one with `element`. */
static bool put_elements(const struct put *put, const char *name, size_t size, put_fn *element)
{
    const struct any_list *list = put->at;
    bson_t part;
    if (!bson_append_array_begin(put->out, name, -1, &part))
        return false;
    struct put each = {&part, put->field, list->items, put->fault};
    bool ok = true;
    for (uint32_t i = 0; ok && i < list->count; i++) {
        char digits[16];
        const char *index = NULL;
        bson_uint32_to_string(i, &index, digits, sizeof(digits));
        each.at = (const char *)list->items + i * size;
        ok = element(&each, index);
    }
    return bson_append_array_end(put->out, &part) && ok;
}

static bool put_list(const struct put *put, const char *name)
{
    return put_elements(put, name, put->field->shape->size, put_embed);
}

static bool put_strs(const struct put *put, const char *name)
{
    return put_elements(put, name, sizeof(struct str), put_str);
}

static bool put_ids(const struct put *put, const char *name)
{
    return put_elements(put, name, sizeof(struct str), put_id);
}

static put_fn *const put_kind[] = {
    [FIELD_STR] = put_str,           [FIELD_ID] = put_id,           [FIELD_DATE] = put_str,
    [FIELD_INT] = put_int,           [FIELD_OPT_INT] = put_opt_int, [FIELD_BOOL] = put_bool,
    [FIELD_OPT_BOOL] = put_opt_bool, [FIELD_TIME] = put_time,       [FIELD_MONEY] = put_money,
    [FIELD_ENUM] = put_enum,         [FIELD_STRUCT] = put_struct,   [FIELD_EMBED] = put_embed,
    [FIELD_LIST] = put_list,         [FIELD_STRS] = put_strs,       [FIELD_IDS] = put_ids,
    [FIELD_RAW] = put_str,
};

/* Tells absence as base/fields.h defines it for each kind. A time of 0 and an empty list count as
 * absent only where the table allows absence. */
static bool is_absent(const struct field *field, const void *at)
{
    switch (field->kind) {
    case FIELD_STR:
    case FIELD_ID:
    case FIELD_DATE:
    case FIELD_RAW:
        return str_is_absent(*(const struct str *)at);
    case FIELD_OPT_INT:
        return !((const struct opt_int *)at)->has;
    case FIELD_OPT_BOOL:
        return !((const struct opt_bool *)at)->has;
    case FIELD_TIME:
        return field->flags & (FIELD_OPTIONAL | FIELD_NULLABLE) && *(const int64_t *)at == 0;
    case FIELD_MONEY:
        return money_is_absent(*(const struct money *)at);
    case FIELD_ENUM:
        return *(const int *)at < 0;
    case FIELD_STRUCT:
        return *(const void *const *)at == NULL;
    case FIELD_LIST:
    case FIELD_STRS:
    case FIELD_IDS:
        return field->flags & FIELD_OPTIONAL && ((const struct any_list *)at)->count == 0;
    case FIELD_INT:
    case FIELD_BOOL:
    case FIELD_EMBED:
        break;
    }
    return false;
}

static bool put_absent(bson_t *out, const struct field *field)
{
    if (field->flags & FIELD_NULLABLE)
        return bson_append_null(out, doc_field_name(field), -1);
    return field->flags & FIELD_OPTIONAL || field->kind == FIELD_OPT_INT ||
           field->kind == FIELD_OPT_BOOL;
}

static bool put_kept(bson_t *out, const struct shape *shape, const void *object)
{
    bson_t fields;
    const struct str *kept = shape_kept(shape, object);
    if (!kept || str_is_absent(*kept))
        return true;
    return bson_init_static(&fields, (const uint8_t *)kept->ptr, kept->len) &&
           bson_concat(out, &fields);
}

bool codec_put(bson_t *out, const struct shape *shape, const void *object,
               struct codec_fault *fault)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        const struct put put = {out, field, field_at(field, object), fault};
        const bool absent = is_absent(field, put.at);
        if (absent ? put_absent(out, field) : put_kind[field->kind](&put, doc_field_name(field)))
            continue;
        if (!fault->field) /* otherwise an inner object has told its own fault already */
            *fault = (struct codec_fault){.shape = shape->name,
                                          .field = field->name,
                                          .what = absent ? "is absent" : "cannot be stored"};
        return false;
    }
    if (put_kept(out, shape, object))
        return true;
    *fault = (struct codec_fault){
        .shape = shape->name, .field = "", .what = "has kept fields that are not BSON"};
    return false;
}

bool codec_put_doc(bson_t *out, const struct doc_type *type, const void *doc,
                   struct codec_fault *fault)
{
    if (!codec_put(out, type->shape, doc, fault))
        return false;
    return type->generation <= 1 || doc_head(doc)->generation.has ||
           bson_append_int64(out, GENERATION_FIELD, -1, type->generation);
}

bool codec_put_value(bson_t *out, const char *name, enum field_kind kind, struct str text,
                     int64_t number)
{
    switch (kind) {
    case FIELD_ID:
    case FIELD_IDS:
        if (id_is_valid(text))
            return codec_put_id(out, name, text);
        __attribute__((fallthrough));
    case FIELD_STR:
    case FIELD_STRS:
    case FIELD_DATE:
    case FIELD_ENUM:
        return str_is_absent(text) ? bson_append_null(out, name, -1)
                                   : codec_put_text(out, name, text);
    case FIELD_INT:
    case FIELD_OPT_INT:
        return bson_append_int64(out, name, -1, number);
    case FIELD_BOOL:
    case FIELD_OPT_BOOL:
        return bson_append_bool(out, name, -1, number != 0);
    case FIELD_TIME:
        return bson_append_date_time(out, name, -1, number);
    default:
        return false;
    }
}
