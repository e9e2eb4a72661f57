/* describe_types.c - finds the named types in the texts of the schemas, and writes types in the
 * words of a language. */
#include "cartwright/describe_types.h"

#include "base/map.h"
#include "cartwright/describe_source.h"
#include "schemas/all.h"

/* --- what a schema is -------------------------------------------------------------------------- */

bool type_has_members(struct str schema)
{
    return !str_is_absent(source_member(schema, "properties")) ||
           !str_is_absent(source_member(schema, "allOf"));
}

static struct str first_of(struct str list)
{
    struct source_walk walk = source_walk(list);
    return source_next(&walk) ? walk.value : STR_ABSENT;
}

struct str type_base(struct str schema)
{
    const struct str first = first_of(source_member(schema, "allOf"));
    return str_is_absent(first) ? STR_ABSENT : source_ref(first);
}

static bool is_null(struct str schema)
{
    return str_eq(source_raw(source_member(schema, "type")), STR("null"));
}

bool type_split_null(struct str *schema)
{
    const struct str type = source_member(*schema, "type");
    if (!str_is_absent(type) && *type.ptr == '[')
        return source_has(type, STR("null"));
    bool nullable = false;
    size_t others = 0;
    struct str other = STR_ABSENT;
    struct source_walk walk = source_walk(source_member(*schema, "oneOf"));
    while (source_next(&walk))
        if (is_null(walk.value))
            nullable = true;
        else if (others++ == 0)
            other = walk.value;
    if (nullable && others == 1)
        *schema = other;
    return nullable;
}

/* --- gathering --------------------------------------------------------------------------------- */

struct gathering {
    struct arena *arena;
    struct type_list *types;
    struct map seen; /* the text of the schema by the name */
};

static struct str without_blanks(struct arena *arena, struct str source)
{
    struct text text;
    text_init(&text, arena, source.len + 1);
    for (size_t i = 0; i < source.len; i++)
        if (source.ptr[i] != ' ' && source.ptr[i] != '\n')
            text_append_char(&text, source.ptr[i]);
    return text_str(&text);
}

/* False when the type is known already. */
static bool add_type(struct gathering *all, struct str name, struct str schema)
{
    const struct str plain = without_blanks(all->arena, schema);
    const char *known = map_get(&all->seen, name);
    if (known && !str_eq(str_of(known), plain))
        panic("two different types are called '%.*s'", STR_FMT(name));
    if (known)
        return false;
    map_set(&all->seen, name, (void *)(uintptr_t)plain.ptr);
    struct type_list *types = all->types;
    types->items =
        arena_grow(all->arena, types->items, types->count, sizeof(*types->items), &types->capacity);
    types->items[types->count++] = (struct named_type){name, schema};
    return true;
}

static void gather(struct gathering *all, struct str schema, struct str name);

static struct str capital(struct arena *arena, struct str word)
{
    struct str copy = str_dup(arena, word);
    struct text text;
    text_init(&text, arena, copy.len + 1);
    text_append_str(&text, describe_pascal(arena, (struct str){copy.ptr, 1}, ""));
    text_append(&text, copy.ptr + 1, copy.len - 1);
    return text_str(&text);
}

struct str type_name_of_member(struct arena *arena, struct str holder, struct str member)
{
    return str_printf(arena, "%.*s%.*s", STR_FMT(holder), STR_FMT(capital(arena, member)));
}

static void gather_members(struct gathering *all, struct str schema, struct str name)
{
    struct source_walk walk = source_walk(source_member(schema, "properties"));
    while (source_next(&walk))
        gather(all, walk.value, type_name_of_member(all->arena, name, walk.key));
}

static struct str name_or_title(struct str schema, struct str name)
{
    const struct str title = source_raw(source_member(schema, "title"));
    return str_is_absent(title) ? name : title;
}

/* Adds the objects in a schema; an object without a title gets the name. */
static void gather(struct gathering *all, struct str schema, struct str name)
{
    if (type_has_members(schema)) {
        const struct str own = name_or_title(schema, name);
        if (add_type(all, own, schema))
            gather_members(all, schema, own);
        return;
    }
    const struct str items = source_member(schema, "items");
    if (!str_is_absent(items))
        gather(all, items, name);
    const struct str values = source_member(schema, "additionalProperties");
    if (!str_is_absent(values) && *values.ptr == '{')
        gather(all, values, name);
    struct source_walk walk = source_walk(source_member(schema, "oneOf"));
    while (source_next(&walk))
        gather(all, walk.value, name);
}

/* Adds a type that has a name of its own, whatever it is, and the objects in it. */
static void gather_named(struct gathering *all, struct str name, struct str schema)
{
    if (!add_type(all, name, schema))
        return;
    if (type_has_members(schema))
        gather_members(all, schema, name);
    else
        gather(all, schema, name);
}

void types_gather(const struct describe *describe, struct type_list *types)
{
    *types = (struct type_list){0};
    struct gathering all = {.arena = describe->arena, .types = types};
    map_init(&all.seen, describe->arena);
    for (const struct schema_definition *row = all_definitions; row->name; row++)
        gather_named(&all, str_of(row->name), str_of(row->source));
    for (size_t i = 0; describe->operations[i]; i++)
        gather_named(&all, describe_request_name(describe, describe->operations[i]),
                     str_of(describe->operations[i]->request->source));
}

/* --- writing ----------------------------------------------------------------------------------- */

void type_put_plain_name(void *context, struct text *out, struct str name)
{
    (void)context;
    text_append_str(out, name);
}

static void put_word(struct text *out, const char *word)
{
    text_append_str(out, str_of(word));
}

static void put_choice(const struct type_words *words, struct text *out, struct str values)
{
    const char *before = words->choice[0];
    struct source_walk walk = source_walk(values);
    for (; source_next(&walk); before = words->choice[1])
        text_printf(out, "%s%s%.*s%s", before, words->quote, STR_FMT(source_raw(walk.value)),
                    words->quote);
    put_word(out, words->choice[2]);
}

static void put_constant(const struct type_words *words, struct text *out, struct str value)
{
    text_printf(out, "%s%s%.*s%s%s", words->choice[0], words->quote, STR_FMT(source_raw(value)),
                words->quote, words->choice[2]);
}

static void put_within(const struct type_words *words, struct text *out, const char *const *around,
                       struct str schema, struct str name)
{
    put_word(out, around[0]);
    type_put(words, out, schema, name);
    put_word(out, around[1]);
}

static void put_alternatives(const struct type_words *words, struct text *out, struct str list,
                             struct str name)
{
    const char *before = "";
    struct source_walk walk = source_walk(list);
    for (; source_next(&walk); before = words->any_of) {
        put_word(out, before);
        type_put(words, out, walk.value, name);
    }
}

static void put_object(const struct type_words *words, struct text *out, struct str schema,
                       struct str name)
{
    const struct str values = source_member(schema, "additionalProperties");
    if (type_has_members(schema))
        words->put_name(words->context, out, name_or_title(schema, name));
    else if (!str_is_absent(values) && *values.ptr == '{')
        put_within(words, out, words->map, values, name);
    else
        put_word(out, words->object);
}

static void put_boolean(const struct type_words *words, struct text *out, struct str schema)
{
    const struct str only = source_member(schema, "const");
    if (str_is_absent(only))
        put_word(out, words->boolean);
    else
        put_word(out, str_eq(only, STR("true")) ? words->only_true : words->only_false);
}

/* Writes the type that JSON Schema calls `type`. */
static void put_type(const struct type_words *words, struct text *out, struct str type,
                     struct str schema, struct str name)
{
    const struct {
        const char *type;
        const char *word;
    } simple[] = {{"string", words->text},
                  {"integer", words->integer},
                  {"number", words->number},
                  {"null", words->null}};
    for (size_t i = 0; i < sizeof(simple) / sizeof(simple[0]); i++)
        if (str_eq(type, str_of(simple[i].type)))
            put_word(out, simple[i].word);
    if (str_eq(type, STR("boolean")))
        put_boolean(words, out, schema);
    else if (str_eq(type, STR("array")))
        put_within(words, out, words->list, source_member(schema, "items"), name);
    else if (str_eq(type, STR("object")))
        put_object(words, out, schema, name);
}

static void put_types(const struct type_words *words, struct text *out, struct str list,
                      struct str schema, struct str name)
{
    const char *before = "";
    struct source_walk walk = source_walk(list);
    for (; source_next(&walk); before = words->any_of) {
        put_word(out, before);
        put_type(words, out, source_raw(walk.value), schema, name);
    }
}

void type_put(const struct type_words *words, struct text *out, struct str schema, struct str name)
{
    const struct str type = source_member(schema, "type");
    const struct str choices = source_member(schema, "enum");
    const struct str alternatives = source_member(schema, "oneOf");
    const struct str constant = source_member(schema, "const");
    const struct str ref = source_ref(schema);
    if (!str_is_absent(ref))
        words->put_name(words->context, out, ref);
    else if (!str_is_absent(constant) && *constant.ptr == '"')
        put_constant(words, out, constant);
    else if (!str_is_absent(choices))
        put_choice(words, out, choices);
    else if (!str_is_absent(alternatives))
        put_alternatives(words, out, alternatives, name);
    else if (!str_is_absent(type) && *type.ptr == '[')
        put_types(words, out, type, schema, name);
    else
        put_type(words, out, source_raw(type), schema, name);
}

/* --- limits ------------------------------------------------------------------------------------ */

/* What is limited: two keywords, and the unit behind the numbers. */
struct limit {
    const char *low;
    const char *high;
    const char *unit;
};

static const struct limit limits[] = {
    {"minLength", "maxLength", " characters"},
    {"minimum", "maximum", ""},
    {"minItems", "maxItems", " items"},
    {"minProperties", "maxProperties", " of the members"},
};

static bool is_unlimited(struct str number)
{
    return str_is_absent(number) || str_eq(number, STR("9223372036854775807"));
}

static void put_limit(struct text *out, const struct limit *limit, struct str low, struct str high)
{
    if (str_eq(low, high))
        text_printf(out, "exactly %.*s%s", STR_FMT(low), limit->unit);
    else if (str_is_absent(low))
        text_printf(out, "at most %.*s%s", STR_FMT(high), limit->unit);
    else if (is_unlimited(high))
        text_printf(out, "at least %.*s%s", STR_FMT(low), limit->unit);
    else
        text_printf(out, "%.*s to %.*s%s", STR_FMT(low), STR_FMT(high), limit->unit);
}

struct str type_limits(struct arena *arena, struct str schema)
{
    struct text text;
    text_init(&text, arena, 64);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        const struct str low = source_member(schema, limits[i].low);
        const struct str high = source_member(schema, limits[i].high);
        if (str_is_absent(low) && is_unlimited(high))
            continue;
        text_append_str(&text, text.len ? STR(", ") : STR(""));
        put_limit(&text, &limits[i], low, high);
    }
    if (!str_is_absent(source_member(schema, "uniqueItems")))
        text_append_str(&text, text.len ? STR(", all different") : STR("all different"));
    return text_str(&text);
}

struct str type_doc(struct arena *arena, struct str schema)
{
    struct str text = source_text(arena, source_member(schema, "description"));
    const struct str limited = type_limits(arena, schema);
    if (str_is_absent(text))
        text = STR("");
    if (!limited.len)
        return text;
    return str_printf(arena, text.len ? "%.*s (%.*s)" : "%.*s%.*s", STR_FMT(text),
                      STR_FMT(limited));
}

bool type_may_be_empty(struct str request)
{
    return str_is_absent(source_member(request, "required")) &&
           str_is_absent(source_member(request, "minProperties"));
}
