/* Copies of described structs: what they share with the original, and what they must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/fields.h"
#include "store_types.h"

#define ID "0123456789abcdef01234567"

/* All texts in memory that the test may overwrite; shape_copy() is what is tested, so not by it. */
static struct thing *new_original(struct arena *arena)
{
    struct thing *thing = new_thing(arena, STR(ID), STR("SKU"));
    struct thing_box *box = (struct thing_box *)(uintptr_t)thing->box;
    struct str *const texts[] = {
        &thing->head.id,         &thing->name,          &thing->sku,
        &thing->parent_id,       &thing->due,           &thing->data,
        &thing->password,        &box->label,           &thing->lines.items[0].product_id,
        &thing->tags.items[0],   &thing->tags.items[1], &thing->lines.items[1].product_id,
        &thing->owners.items[0],
    };
    for (size_t i = 0; i < COUNT(texts); i++)
        *texts[i] = str_dup(arena, *texts[i]);
    return thing;
}

static void assert_str(struct str got, const char *expected)
{
    if (!str_eq(got, str_of(expected)))
        fail_msg("\"%.*s\", not \"%s\"", STR_FMT(got), expected);
}

/* As new_thing() makes it. */
static void assert_whole(const struct thing *thing)
{
    assert_str(thing->head.id, ID);
    assert_int_equal(thing->head.version, 1);
    assert_int_equal(thing->head.created_at, 1000);
    assert_str(thing->name, "Blue Mug");
    assert_str(thing->sku, "SKU");
    assert_true(str_is_absent(thing->email));
    assert_str(thing->parent_id, ID);
    assert_str(thing->due, "2026-11-20");
    assert_true(thing->rank.has && thing->rank.value == -3);
    assert_true(thing->active && thing->loud.has && !thing->loud.value);
    assert_true(money_eq(thing->price, (struct money){255, "GBP"}));
    assert_int_equal(thing->state, PUBLISHED);
    assert_int_equal(thing->mood, -1);
    assert_int_equal(thing->box->width, 7);
    assert_str(thing->box->label, "a box");
    assert_int_equal(thing->place.width, 9);
    assert_int_equal(thing->lines.count, 2);
    assert_str(thing->lines.items[0].product_id, "aaaaaaaaaaaaaaaaaaaaaaaa");
    assert_int_equal(thing->lines.items[1].price.amount, 55);
    assert_int_equal(thing->tags.count, 2);
    assert_str(thing->tags.items[0], "kitchen");
    assert_str(thing->tags.items[1], "blue");
    assert_int_equal(thing->owners.count, 1);
    assert_str(thing->owners.items[0], "cccccccccccccccccccccccc");
    assert_str(thing->data, "{\"a\":1}");
    assert_str(thing->password, "hash");
}

/* Everything of a clone that a handler may change. */
static void change(struct thing *thing)
{
    struct thing_box *box = (struct thing_box *)(uintptr_t)thing->box;
    thing->head.version++;
    thing->name = STR("Red Mug");
    thing->rank.value = 99;
    thing->price.amount = 1;
    box->width = 1;
    box->label = STR("changed");
    thing->place.width = 1;
    thing->lines.items[0].product_id = STR("changed");
    thing->lines.items[1].price.amount = 1;
    thing->tags.items[0] = STR("changed");
    thing->owners.items[0] = STR("changed");
    thing->tags.count = 1;
}

void test_fields__a_clone_may_be_changed(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    const struct thing *original = new_original(&arena);
    struct thing *clone = shape_clone(&thing_shape, &arena, original);
    assert_whole(clone);
    change(clone);
    assert_whole(original);
    arena_release(&arena);
}

/* One batch clones many documents: their texts are not copied. */
void test_fields__a_clone_shares_the_texts(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    const struct thing *original = new_original(&arena);
    const struct thing *clone = shape_clone(&thing_shape, &arena, original);
    assert_ptr_equal(clone->name.ptr, original->name.ptr);
    assert_ptr_equal(clone->head.id.ptr, original->head.id.ptr);
    assert_ptr_equal(clone->box->label.ptr, original->box->label.ptr);
    assert_ptr_equal(clone->tags.items[0].ptr, original->tags.items[0].ptr);
    assert_ptr_equal(clone->lines.items[0].product_id.ptr, original->lines.items[0].product_id.ptr);
    arena_release(&arena);
}

/* The original's memory is filled with rubbish and given back. */
void test_fields__a_copy_outlives_the_original(void **state)
{
    (void)state;
    enum { ROOM = 64 * 1024 };
    struct arena first, second;
    arena_init(&first, ROOM);
    arena_init(&second, 4096);
    char *begin = arena_bytes(&first, 1);
    const struct thing *original = new_original(&first);
    const struct thing *copy = shape_copy(&thing_shape, &second, original);
    assert_whole(copy);
    memset(begin, 0xee, ROOM);
    arena_release(&first);
    assert_whole(copy);
    assert_int_equal(copy->name.ptr[copy->name.len], '\0');
    arena_release(&second);
}

void test_fields__absent_parts_stay_absent(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    const struct thing empty = {.state = -1, .mood = -1};
    const struct thing *copies[] = {shape_clone(&thing_shape, &arena, &empty),
                                    shape_copy(&thing_shape, &arena, &empty)};
    for (size_t i = 0; i < 2; i++) {
        assert_true(str_is_absent(copies[i]->name));
        assert_null(copies[i]->box);
        assert_null(copies[i]->lines.items);
        assert_int_equal(copies[i]->tags.count, 0);
        assert_true(money_is_absent(copies[i]->price));
        assert_int_equal(copies[i]->mood, -1);
        assert_false(copies[i]->rank.has);
    }
    arena_release(&arena);
}

void test_fields__finds_fields_and_names(void **state)
{
    (void)state;
    assert_ptr_equal(shape_field(&thing_shape, STR("sku")), &thing_fields[5]);
    assert_string_equal(shape_field(&thing_shape, STR("id"))->name, "id");
    assert_null(shape_field(&thing_shape, STR("SKU")));
    assert_null(shape_field(&thing_shape, STR("sk")));
    assert_null(shape_field(&thing_shape, STR("")));
    assert_int_equal(enum_of(thing_states, STR("draft")), DRAFT);
    assert_int_equal(enum_of(thing_states, STR("retired")), RETIRED);
    assert_int_equal(enum_of(thing_states, STR("Draft")), -1);
    assert_int_equal(enum_of(thing_states, STR_ABSENT), -1);
}

/* --- patches ------------------------------------------------------------------------------------ */

struct thing_patch {
    struct str id;
    struct str name;
    struct str parent_id;
    bool parent_id_given;
    struct opt_int rank;
    bool rank_given;
    struct opt_bool active;
    struct money price;
    int state;
    LIST(struct str) tags;
    bool tags_given;
    struct str unknown;
};

#define PATCH(name_, kind_, member, ...)                                                           \
    {                                                                                              \
        .name = (name_), .kind = (kind_), .flags = FIELD_OPTIONAL,                                 \
        .offset = offsetof(struct thing_patch, member), __VA_ARGS__                                \
    }
#define GIVEN(member) .given = offsetof(struct thing_patch, member##_given)

static const struct field patch_fields[] = {
    PATCH("id", FIELD_ID, id, ),
    PATCH("name", FIELD_STR, name, ),
    PATCH("parentId", FIELD_ID, parent_id, GIVEN(parent_id)),
    PATCH("rank", FIELD_OPT_INT, rank, GIVEN(rank)),
    PATCH("active", FIELD_OPT_BOOL, active, ),
    PATCH("price", FIELD_MONEY, price, ),
    PATCH("state", FIELD_ENUM, state, .names = thing_states),
    PATCH("tags", FIELD_STRS, tags, GIVEN(tags)),
    PATCH("unknown", FIELD_STR, unknown, ),
};
static const struct shape patch_shape = SHAPE("ThingPatch", struct thing_patch, patch_fields);

void test_fields__an_empty_patch_changes_nothing(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    struct thing *thing = new_original(&arena);
    const struct thing_patch nothing = {.state = -1, .id = STR("bbbbbbbbbbbbbbbbbbbbbbbb")};
    shape_patch(&thing_shape, thing, &patch_shape, &nothing);
    assert_whole(thing);
    arena_release(&arena);
}

void test_fields__a_patch_sets_what_was_given(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    struct thing *thing = new_original(&arena);
    struct str tag = STR("new");
    const struct thing_patch patch = {
        .name = STR("Red Mug"),
        .parent_id = STR("cccccccccccccccccccccccc"),
        .parent_id_given = true,
        .rank = {true, 4},
        .rank_given = true,
        .active = {true, false},
        .price = {1, "EUR"},
        .state = DRAFT,
        .tags = {&tag, 1},
        .tags_given = true,
        .unknown = STR("in no document"),
    };
    shape_patch(&thing_shape, thing, &patch_shape, &patch);
    assert_str(thing->head.id, ID);
    assert_str(thing->name, "Red Mug");
    assert_str(thing->parent_id, "cccccccccccccccccccccccc");
    assert_true(thing->rank.has && thing->rank.value == 4);
    assert_false(thing->active);
    assert_true(money_eq(thing->price, (struct money){1, "EUR"}));
    assert_int_equal(thing->state, DRAFT);
    assert_int_equal(thing->tags.count, 1);
    assert_str(thing->sku, "SKU");
    arena_release(&arena);
}

void test_fields__null_in_a_patch_clears(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    struct thing *thing = new_original(&arena);
    const struct thing_patch patch = {
        .state = -1, .parent_id_given = true, .rank_given = true, .tags_given = true};
    shape_patch(&thing_shape, thing, &patch_shape, &patch);
    assert_true(str_is_absent(thing->parent_id));
    assert_false(thing->rank.has);
    assert_int_equal(thing->tags.count, 0);
    assert_str(thing->name, "Blue Mug");
    arena_release(&arena);
}

void test_fields__lists_take_elements_anywhere_and_let_them_go(void **state)
{
    (void)state;
    LIST(struct str) list = {0};
    struct arena arena;
    arena_init(&arena, 4096);
    *(struct str *)list_insert(&arena, &list, sizeof(struct str), 0) = STR("b");
    *(struct str *)list_insert(&arena, &list, sizeof(struct str), 0) = STR("a");
    *(struct str *)list_insert(&arena, &list, sizeof(struct str), 2) = STR("d");
    *(struct str *)list_insert(&arena, &list, sizeof(struct str), 2) = STR("c");
    assert_int_equal(list.count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_str(list.items[i], (const char *[]){"a", "b", "c", "d"}[i]);
    assert_ptr_equal(list_find(&list, sizeof(struct str), 0, STR("c")), &list.items[2]);
    assert_null(list_find(&list, sizeof(struct str), 0, STR("e")));
    LIST_REMOVE(list, &list.items[3]);
    LIST_REMOVE(list, &list.items[0]);
    assert_int_equal(list.count, 2);
    assert_str(list.items[0], "b");
    assert_str(list.items[1], "c");
    arena_release(&arena);
}
