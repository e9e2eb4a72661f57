/* schema.c - the interpreter of the generated tables: one walk checks and decodes a request.
 *
 * Every fault is noted with its JSON pointer and the walk goes on, so that a client learns all of
 * them at once. Of each value only the first fault is reported. */
#include "wire/schema.h"

#include <stdio.h>

#include "base/clock.h"
#include "wire/json.h"
#include "wire/json_tree.h"
#include "wire/schema_node.h"
#include "wire/schema_pattern.h"

struct decoding {
    struct arena *arena;
    struct err *err;
    bool trusted; /* the values come from a shop of ours: lengths, ranges and patterns are theirs */
    bool faulty;
};

/* The current place, linked from the leaf upwards. It becomes a JSON pointer only for a fault. */
struct place {
    const struct place *parent; /* NULL: this is the root */
    struct str key;             /* absent: this is an element of a list, at `index` */
    size_t index;
};

/* What is expected of one value, and where the value goes. */
struct target {
    const struct schema_node *node;
    const struct field *field; /* NULL for the root and for an element of a list */
    void *to;
    bool nullable; /* for the text of a fault; null itself never comes here */
};

typedef void decode_value(struct decoding *decoding, struct target target, const json_t *json,
                          const struct place *place);

static decode_value decode;

/* --- faults ----------------------------------------------------------------------------------- */

static void append_key(struct text *text, struct str key)
{
    for (size_t i = 0; i < key.len; i++) {
        if (key.ptr[i] == '~')
            text_append_str(text, STR("~0"));
        else if (key.ptr[i] == '/')
            text_append_str(text, STR("~1"));
        else
            text_append_char(text, key.ptr[i]);
    }
}

static void append_place(struct text *text, const struct place *place)
{
    if (!place->parent)
        return;
    append_place(text, place->parent);
    text_append_char(text, '/');
    if (str_is_absent(place->key))
        text_append_int(text, (int64_t)place->index);
    else
        append_key(text, place->key);
}

static struct str pointer_to(struct arena *arena, const struct place *place)
{
    struct text text;
    text_init(&text, arena, 64);
    append_place(&text, place);
    return text_str(&text);
}

#define FAULT(decoding, place, ...)                                                                \
    do {                                                                                           \
        note_first(decoding);                                                                      \
        err_field_add((decoding)->err, (decoding)->arena, pointer_to((decoding)->arena, (place)),  \
                      __VA_ARGS__);                                                                \
    } while (0)

/* err_set() clears the fields, so it must be called before the first field is added. */
static void note_first(struct decoding *decoding)
{
    if (decoding->faulty)
        return;
    decoding->faulty = true;
    (void)err_invalid(decoding->err, E_VALIDATION_FAILED,
                      "the message breaks the rules of its schema");
}

/* --- leaves ----------------------------------------------------------------------------------- */

static size_t code_points(struct str s)
{
    size_t count = 0;
    for (size_t i = 0; i < s.len; i++)
        count += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
    return count;
}

/* A text has at most as many characters as bytes and at least a quarter as many, so the characters
 * of most texts need not be counted. */
static bool length_is_fine(struct decoding *decoding, const struct schema_node *node, struct str s,
                           const struct place *place)
{
    if (decoding->trusted)
        return true;
    if (s.len <= node->max_count && s.len / 4 >= node->min_count)
        return true;
    const size_t length = code_points(s);
    if (length < node->min_count && node->min_count == 1)
        FAULT(decoding, place, "must not be empty");
    else if (length < node->min_count)
        FAULT(decoding, place, "must have at least %zu characters", node->min_count);
    else if (length > node->max_count)
        FAULT(decoding, place, "must have at most %zu characters", node->max_count);
    return length >= node->min_count && length <= node->max_count;
}

static void fault_enum(struct decoding *decoding, const struct schema_node *node,
                       const struct place *place)
{
    struct text text;
    text_init(&text, decoding->arena, 64);
    for (size_t i = 0; node->names[i]; i++)
        text_printf(&text, "%s%s", i ? ", " : "", node->names[i]);
    FAULT(decoding, place, "must be one of: %s", text.ptr);
}

static void decode_enum(struct decoding *decoding, struct target target, struct str s,
                        const struct place *place)
{
    const int index = enum_of(target.node->names, s);
    if (index < 0)
        fault_enum(decoding, target.node, place);
    else
        *(int *)target.to = index;
}

static const char *or_null(struct target target)
{
    return target.nullable ? " or null" : "";
}

static bool pattern_is_fine(struct decoding *decoding, struct target target, struct str s,
                            const struct place *place)
{
    const struct schema_node *node = target.node;
    if (decoding->trusted || !node->pattern || schema_pattern_matches(node->pattern, s))
        return true;
    FAULT(decoding, place, "must be %s%s", node->expected, target.nullable ? ", or null" : "");
    return false;
}

static void decode_time(struct decoding *decoding, struct target target, struct str s,
                        const struct place *place)
{
    if (!time_parse(s, target.to))
        FAULT(decoding, place, "must be a time such as 2026-11-20T15:04:05.123Z");
}

static void decode_str(struct decoding *decoding, struct target target, const json_t *json,
                       const struct place *place)
{
    const struct schema_node *node = target.node;
    if (!json_is_string(json)) {
        FAULT(decoding, place, "must be a string%s", or_null(target));
        return;
    }
    const struct str s = {json_string_value(json), json_string_length(json)};
    if (!length_is_fine(decoding, node, s, place) || !pattern_is_fine(decoding, target, s, place))
        return;
    if (node->names)
        decode_enum(decoding, target, s, place);
    else if (target.field && target.field->kind == FIELD_TIME)
        decode_time(decoding, target, s, place);
    else
        *(struct str *)target.to = s;
}

static void decode_int(struct decoding *decoding, struct target target, const json_t *json,
                       const struct place *place)
{
    const struct schema_node *node = target.node;
    const json_int_t value = json_integer_value(json);
    if (json_is_real(json))
        FAULT(decoding, place, "must be an integer, without a decimal point or an exponent");
    else if (!json_is_integer(json))
        FAULT(decoding, place, "must be an integer%s", or_null(target));
    else if (!decoding->trusted && value < node->min)
        FAULT(decoding, place, "must be at least %lld", (long long)node->min);
    else if (!decoding->trusted && value > node->max)
        FAULT(decoding, place, "must be at most %lld", (long long)node->max);
    else if (target.field->kind == FIELD_OPT_INT)
        *(struct opt_int *)target.to = (struct opt_int){.has = true, .value = value};
    else
        *(int64_t *)target.to = value;
}

static void decode_bool(struct decoding *decoding, struct target target, const json_t *json,
                        const struct place *place)
{
    const bool value = json_is_true(json);
    if (!json_is_boolean(json))
        FAULT(decoding, place, "must be true or false");
    else if ((target.node->only_true && !value) || (target.node->only_false && value))
        FAULT(decoding, place, "can only be %s", value ? "false" : "true");
    else if (target.field->kind == FIELD_OPT_BOOL)
        *(struct opt_bool *)target.to = (struct opt_bool){.has = true, .value = value};
    else
        *(bool *)target.to = value;
}

/* --- lists ------------------------------------------------------------------------------------ */

static bool count_is_fine(struct decoding *decoding, const struct schema_node *node, size_t count,
                          const struct place *place)
{
    if (decoding->trusted)
        return true;
    if (count < node->min_count)
        FAULT(decoding, place, "must have at least %zu item%s", node->min_count,
              node->min_count == 1 ? "" : "s");
    else if (count > node->max_count)
        FAULT(decoding, place, "must have at most %zu items", node->max_count);
    return count >= node->min_count && count <= node->max_count;
}

static void decode_list(struct decoding *decoding, struct target target, const json_t *json,
                        const struct place *place)
{
    const struct schema_node *node = target.node;
    if (!json_is_array(json)) {
        FAULT(decoding, place, "must be a list%s", or_null(target));
        return;
    }
    const size_t count = json_array_size(json);
    if (!count_is_fine(decoding, node, count, place))
        return;
    const size_t size = node->shape ? node->shape->size : sizeof(struct str);
    char *items = arena_array(decoding->arena, count, size);
    for (size_t i = 0; i < count; i++) {
        const struct place item = {.parent = place, .index = i};
        decode(decoding, (struct target){.node = node->items, .to = items + i * size},
               json_array_get(json, i), &item);
    }
    *(struct any_list *)target.to = (struct any_list){items, count};
}

/* --- objects ---------------------------------------------------------------------------------- */

static const size_t NO_MEMBER = SIZE_MAX;

static size_t find_member(const struct schema_node *node, struct str key)
{
    for (size_t i = 0; i < node->shape->field_count; i++)
        if (str_eq(node->members[i].name, key))
            return i;
    return NO_MEMBER;
}

/* A missing enum is -1; the zeroed memory already means absent for all other kinds. */
static void set_absent(const struct shape *shape, void *object)
{
    for (size_t i = 0; i < shape->field_count; i++)
        if (shape->fields[i].kind == FIELD_ENUM)
            *(int *)((char *)object + shape->fields[i].offset) = -1;
}

static void append_names(struct text *text, const struct schema_node *node)
{
    for (size_t i = 0; i < node->shape->field_count; i++)
        text_printf(text, "%s%s", i ? ", " : "", node->members[i].name.ptr);
}

static void check_member_count(struct decoding *decoding, const struct schema_node *node,
                               size_t count, const struct place *place)
{
    if (count >= node->min_count && count <= node->max_count)
        return;
    struct text names;
    text_init(&names, decoding->arena, 64);
    append_names(&names, node);
    if (node->min_count == 1 && node->max_count == 1)
        FAULT(decoding, place, "must have exactly one of: %s", names.ptr);
    else if (count < node->min_count)
        FAULT(decoding, place, "must have at least %zu of: %s", node->min_count, names.ptr);
    else
        FAULT(decoding, place, "must have at most %zu of: %s", node->max_count, names.ptr);
}

static void check_required(struct decoding *decoding, const struct schema_node *node, uint64_t seen,
                           const struct place *place)
{
    for (size_t i = 0; i < node->shape->field_count; i++) {
        const struct schema_member *member = &node->members[i];
        const struct place missing = {.parent = place, .key = member->name};
        if (member->required && !(seen >> i & 1))
            FAULT(decoding, &missing, "is missing");
    }
}

static void decode_member(struct decoding *decoding, const struct schema_node *node, size_t index,
                          void *object, const json_t *json, const struct place *place)
{
    const struct field *field = &node->shape->fields[index];
    const struct schema_member *member = &node->members[index];
    const struct target target = {
        .node = member->node,
        .field = field,
        .to = (char *)object + field->offset,
        .nullable = member->nullable,
    };
    bool *given = field_given(field, object);
    if (given)
        *given = true;
    if (!member->nullable || !json_is_null(json))
        decode(decoding, target, json, place);
}

static void decode_members(struct decoding *decoding, const struct schema_node *node, void *object,
                           const json_t *json, const struct place *place)
{
    json_t *tree = (json_t *)(uintptr_t)json; /* jansson iterates over non-const trees only */
    uint64_t seen = 0;
    set_absent(node->shape, object);
    for (void *i = json_object_iter(tree); i; i = json_object_iter_next(tree, i)) {
        const struct str key = {json_object_iter_key(i), json_object_iter_key_len(i)};
        const struct place member = {.parent = place, .key = key};
        const size_t index = find_member(node, key);
        if (index != NO_MEMBER) {
            seen |= UINT64_C(1) << index;
            decode_member(decoding, node, index, object, json_object_iter_value(i), &member);
        } else if (!node->open && !decoding->trusted) {
            FAULT(decoding, &member, "is not known here");
        }
    }
    check_required(decoding, node, seen, place);
    check_member_count(decoding, node, json_object_size(tree), place);
}

/* The $def "Money" is checked like any object and then becomes a struct money. */
static void decode_money(struct decoding *decoding, struct target target, const json_t *json,
                         const struct place *place)
{
    struct schema_money money = {0};
    decode_members(decoding, target.node, &money, json, place);
    struct money *out = target.to;
    if (money.currency.len != sizeof(out->currency) - 1)
        return; /* the fault is noted already */
    out->amount = money.amount;
    memcpy(out->currency, money.currency.ptr, sizeof(out->currency));
}

static void decode_object(struct decoding *decoding, struct target target, const json_t *json,
                          const struct place *place)
{
    void *object = target.to;
    if (!json_is_object(json)) {
        FAULT(decoding, place, "must be an object%s", or_null(target));
        return;
    }
    if (target.field && target.field->kind == FIELD_RAW) {
        *(struct str *)target.to = json_text(decoding->arena, json_from_tree(json));
        return;
    }
    if (target.field && target.field->kind == FIELD_MONEY) {
        decode_money(decoding, target, json, place);
        return;
    }
    if (target.field && target.field->kind == FIELD_STRUCT) {
        object = arena_alloc(decoding->arena, target.node->shape->size);
        *(const void **)target.to = object;
    }
    decode_members(decoding, target.node, object, json, place);
}

static void decode(struct decoding *decoding, struct target target, const json_t *json,
                   const struct place *place)
{
    static decode_value *const of_type[SCHEMA_TYPES] = {
        [SCHEMA_OBJECT] = decode_object, [SCHEMA_LIST] = decode_list, [SCHEMA_STR] = decode_str,
        [SCHEMA_INT] = decode_int,       [SCHEMA_BOOL] = decode_bool,
    };
    of_type[target.node->type](decoding, target, json, place);
}

/* --- the two entries -------------------------------------------------------------------------- */

static enum outcome prepare(const struct schema_node *node, struct err *err)
{
    if (node->pattern)
        TRY(schema_pattern_add(node->pattern, err));
    if (node->items)
        TRY(prepare(node->items, err));
    for (size_t i = 0; node->members && i < node->shape->field_count; i++)
        TRY(prepare(node->members[i].node, err));
    return OUTCOME_DONE;
}

enum outcome schema_prepare(const struct schema *schema, struct err *err)
{
    return prepare(schema->root, err);
}

static enum outcome decode_root(const struct schema *schema, struct decoding *decoding,
                                const struct json *json, const void **out)
{
    const struct place root = {.parent = NULL};
    void *object = arena_alloc(decoding->arena, schema->shape->size);
    decode(decoding, (struct target){.node = schema->root, .to = object}, json_tree(json), &root);
    if (decoding->faulty)
        return OUTCOME_INVALID;
    *out = object;
    return OUTCOME_DONE;
}

enum outcome schema_decode(const struct schema *schema, struct arena *arena,
                           const struct json *json, const void **out, struct err *err)
{
    struct decoding decoding = {.arena = arena, .err = err};
    return decode_root(schema, &decoding, json, out);
}

enum outcome schema_read(const struct schema *schema, struct arena *arena, const struct json *json,
                         const void **out, struct err *err)
{
    struct decoding decoding = {.arena = arena, .err = err, .trusted = true};
    return decode_root(schema, &decoding, json, out);
}
