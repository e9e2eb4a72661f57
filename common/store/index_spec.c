/* index_spec.c - reads the declarations of indexes: "userId:1,createdAt:-1", "published=false". */
#include "store/index_spec.h"

#include "store/doc_path.h"

#define INDEX_WORD_MAX 128

/* Cuts off the text before `separator`; *rest becomes the text after it, or empty. */
static struct str cut(struct str *rest, char separator)
{
    const char *at = memchr(rest->ptr, separator, rest->len);
    const size_t len = at ? (size_t)(at - rest->ptr) : rest->len;
    const struct str head = {rest->ptr, len};
    const size_t skip = at ? len + 1 : len;
    *rest = (struct str){rest->ptr + skip, rest->len - skip};
    return head;
}

/* Cuts off and resolves the path at the start of *rest, up to the separator. */
static bool cut_path(const struct shape *shape, struct str *rest, char separator,
                     struct doc_path *out)
{
    const struct str name = cut(rest, separator);
    char c_name[INDEX_WORD_MAX];
    if (name.len >= sizeof(c_name))
        return false;
    memcpy(c_name, name.ptr, name.len);
    c_name[name.len] = '\0';
    return doc_path_resolve(shape, c_name, out);
}

/* Appends {key: {...}}. */
static bool put_keys(const struct shape *shape, const struct doc_index *index, bson_t *out)
{
    AUTO_BSON key = BSON_INITIALIZER;
    struct str rest = str_of(index->keys);
    while (rest.len > 0) {
        struct str one = cut(&rest, ',');
        struct doc_path path;
        int64_t number = 0;
        if (!cut_path(shape, &one, ':', &path) || !str_to_int64(one, &number) ||
            !bson_append_int32(&key, path.bson, -1, (int32_t)number))
            return false;
    }
    return bson_append_document(out, "key", -1, &key);
}

/* Appends a partial index's condition: "x=exists", "published=false", "status=open", "size=5". */
static bool put_condition(const struct shape *shape, const char *only_when, bson_t *out)
{
    struct str value = str_of(only_when);
    struct doc_path path;
    bson_t part, exists;
    int64_t number = 0;
    if (!cut_path(shape, &value, '=', &path) ||
        !bson_append_document_begin(out, "partialFilterExpression", -1, &part))
        return false;
    if (str_eq(value, STR("exists")))
        return bson_append_document_begin(&part, path.bson, -1, &exists) &&
               bson_append_bool(&exists, "$exists", -1, true) &&
               bson_append_document_end(&part, &exists) && bson_append_document_end(out, &part);
    const bool is_number = str_to_int64(value, &number);
    if (path.kind == FIELD_BOOL || path.kind == FIELD_OPT_BOOL)
        number = str_eq(value, STR("true"));
    else if (path.kind == FIELD_INT && !is_number)
        return false;
    return codec_put_value(&part, path.bson, path.kind, value, number) &&
           bson_append_document_end(out, &part);
}

static bool put_language(const char *language, bson_t *out)
{
    bson_t collation;
    return bson_append_document_begin(out, "collation", -1, &collation) &&
           bson_append_utf8(&collation, "locale", -1, language, -1) &&
           bson_append_document_end(out, &collation);
}

enum outcome index_spec(const struct doc_type *type, const struct doc_index *index,
                        const char *language, bson_t *out, struct err *err)
{
    const bool ok = put_keys(type->shape, index, out) &&
                    bson_append_utf8(out, "name", 4, index->name, -1) &&
                    (!(index->flags & INDEX_UNIQUE) || bson_append_bool(out, "unique", -1, true)) &&
                    (index->expire_after_s <= 0 ||
                     bson_append_int64(out, "expireAfterSeconds", -1, index->expire_after_s)) &&
                    (!index->only_when || put_condition(type->shape, index->only_when, out)) &&
                    (!(index->flags & INDEX_BY_LOCALE) || put_language(language, out));
    return ok ? OUTCOME_DONE
              : err_bug(err, "index %s of %s is declared wrongly: \"%s\" when \"%s\"", index->name,
                        type->collection, index->keys, index->only_when ? index->only_when : "");
}

/* --- comparing -------------------------------------------------------------------------------- */

static bool part_of(const bson_t *spec, const char *name, bson_t *out)
{
    bson_iter_t at;
    uint32_t len = 0;
    const uint8_t *data = NULL;
    if (!bson_iter_init_find(&at, spec, name) || !BSON_ITER_HOLDS_DOCUMENT(&at))
        return false;
    bson_iter_document(&at, &len, &data);
    return bson_init_static(out, data, len);
}

static int64_t number_of(const bson_t *spec, const char *name, int64_t fallback)
{
    bson_iter_t at;
    return bson_iter_init_find(&at, spec, name) ? bson_iter_as_int64(&at) : fallback;
}

/* True when both have the same names and numbers in the same order. The numbers may be of different
 * types: a shell writes 1 as a double. */
static bool same_order(const bson_t *a, const bson_t *b)
{
    bson_iter_t left, right;
    bson_iter_init(&left, a);
    bson_iter_init(&right, b);
    while (bson_iter_next(&left))
        if (!bson_iter_next(&right) || strcmp(bson_iter_key(&left), bson_iter_key(&right)) != 0 ||
            bson_iter_as_int64(&left) != bson_iter_as_int64(&right))
            return false;
    return !bson_iter_next(&right);
}

static bool same_keys(const bson_t *wanted, const bson_t *existing)
{
    bson_t a, b;
    return part_of(wanted, "key", &a) && part_of(existing, "key", &b) && same_order(&a, &b);
}

static bool same_condition(const bson_t *wanted, const bson_t *existing)
{
    bson_t a, b;
    const bool has_a = part_of(wanted, "partialFilterExpression", &a);
    const bool has_b = part_of(existing, "partialFilterExpression", &b);
    return has_a == has_b && (!has_a || bson_equal(&a, &b));
}

/* Only the locale of a collation is compared: the server adds to an existing one whatever follows
 * from its locale. */
static const char *language_of(const bson_t *spec)
{
    bson_iter_t at, locale;
    return bson_iter_init(&at, spec) &&
                   bson_iter_find_descendant(&at, "collation.locale", &locale) &&
                   BSON_ITER_HOLDS_UTF8(&locale)
               ? bson_iter_utf8(&locale, NULL)
               : "";
}

enum index_match index_compare(const bson_t *wanted, const bson_t *existing)
{
    const int64_t expiry = number_of(wanted, "expireAfterSeconds", -1);
    const int64_t existing_expiry = number_of(existing, "expireAfterSeconds", -1);
    if (!same_keys(wanted, existing) || !same_condition(wanted, existing) ||
        strcmp(language_of(wanted), language_of(existing)) != 0 ||
        number_of(wanted, "unique", 0) != number_of(existing, "unique", 0) ||
        (expiry < 0) != (existing_expiry < 0))
        return INDEX_DIFFERS;
    return expiry == existing_expiry ? INDEX_SAME : INDEX_OTHER_EXPIRY;
}
