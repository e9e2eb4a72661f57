/* The documents of one batch: one cell each, and who finds them how. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/workset.h"
#include "store_types.h"

#define ID    "0123456789abcdef01234567"
#define OTHER "aaaaaaaaaaaaaaaaaaaaaaaa"

static struct arena arena;
static struct workset set;

static void begin(void)
{
    arena_init(&arena, 4096);
    workset_init(&set, &arena);
}

static void end(void)
{
    arena_release(&arena);
}

/* --- cells ---------------------------------------------------------------------------------------- */

void test_workset__one_cell_for_each_document(void **state)
{
    (void)state;
    begin();
    char id[] = ID;
    struct cell *thing = workset_cell(&set, &thing_type, str_of(id));
    struct cell *cart = workset_cell(&set, &cart_type, str_of(id));
    struct cell *other = workset_cell(&set, &thing_type, STR(OTHER));
    memset(id, 'x', sizeof(id) - 1); /* the caller's text need not last */
    assert_ptr_equal(workset_cell(&set, &thing_type, STR(ID)), thing);
    assert_ptr_not_equal(thing, cart);
    assert_ptr_not_equal(thing, other);
    assert_string_equal(thing->id.ptr, ID);
    assert_string_equal(workset_cell_key(&arena, thing).ptr, "things:" ID);
    assert_string_equal(workset_cell_key(&arena, cart).ptr, "carts:" ID);
    assert_ptr_equal(set.first_cell, thing);
    assert_ptr_equal(thing->next, cart);
    assert_ptr_equal(cart->next, other);
    assert_null(other->next);
    assert_false(thing->loaded || thing->wanted || thing->dirty || thing->proven);
    end();
}

void test_workset__what_is_loaded_is_the_base(void **state)
{
    (void)state;
    begin();
    struct cell *cell = workset_cell(&set, &thing_type, STR(ID));
    struct thing *thing = new_thing(&arena, STR(ID), STR("A"));
    thing->head.version = 7;
    cell->wanted = true;
    workset_loaded(cell, thing);
    assert_true(cell->loaded);
    assert_false(cell->wanted);
    assert_int_equal(cell->base_version, 7);
    assert_ptr_equal(cell->doc, thing);
    workset_loaded(cell, NULL);
    assert_true(cell->loaded);
    assert_int_equal(cell->base_version, 0);
    assert_null(cell->doc);
    end();
}

/* A later round of loading must not undo what an earlier message of the batch decided. */
void test_workset__what_was_written_stays(void **state)
{
    (void)state;
    begin();
    struct cell *cell = workset_cell(&set, &thing_type, STR(ID));
    struct thing *loaded = new_thing(&arena, STR(ID), STR("A"));
    struct thing *written = new_thing(&arena, STR(ID), STR("A"));
    struct thing *again = new_thing(&arena, STR(ID), STR("A"));
    loaded->head.version = 3;
    written->head.version = 4;
    again->head.version = 9;
    workset_loaded(cell, loaded);
    workset_write(&set, cell, written);
    cell->wanted = true;
    workset_loaded(cell, again);
    assert_ptr_equal(cell->doc, written);
    assert_int_equal(cell->base_version, 3);
    assert_true(cell->dirty && cell->loaded);
    assert_false(cell->wanted);
    end();
}

/* --- look-ups by a unique field ------------------------------------------------------------------- */

void test_workset__one_alias_for_each_type_field_and_value(void **state)
{
    (void)state;
    begin();
    struct alias *sku = workset_alias(&set, &thing_type, "sku", STR("A"));
    assert_ptr_equal(workset_alias(&set, &thing_type, "sku", STR("A")), sku);
    assert_ptr_not_equal(workset_alias(&set, &thing_type, "sku", STR("B")), sku);
    assert_ptr_not_equal(workset_alias(&set, &thing_type, "email", STR("A")), sku);
    assert_ptr_not_equal(workset_alias(&set, &order_type, "sku", STR("A")), sku);
    assert_false(sku->loaded);
    assert_null(sku->cell);
    end();
}

/* Only text fields with a unique index of their own; not the words, not the price. */
void test_workset__a_written_document_is_found_by_its_unique_fields(void **state)
{
    (void)state;
    begin();
    struct cell *cell = workset_cell(&set, &thing_type, STR(ID));
    struct thing *thing = new_thing(&arena, STR(ID), STR("A"));
    struct alias *asked = workset_alias(&set, &thing_type, "sku", STR("A"));
    struct alias *name = workset_alias(&set, &thing_type, "name", thing->name);
    struct alias *nobody = workset_alias(&set, &thing_type, "sku", STR("B"));
    workset_write(&set, cell, thing);
    assert_true(asked->loaded);
    assert_ptr_equal(asked->cell, cell);
    assert_false(name->loaded || nobody->loaded);
    assert_int_equal(set.aliases.count, 3); /* an absent email makes none */
    thing->email = STR("a@example.com");
    workset_write(&set, cell, thing);
    const struct alias *email = workset_alias(&set, &thing_type, "email", STR("a@example.com"));
    assert_true(email->loaded);
    assert_ptr_equal(email->cell, cell);
    end();
}

/* An index over two fields says nothing about one of them. */
void test_workset__a_compound_index_makes_no_alias(void **state)
{
    (void)state;
    static const struct doc_index indexes[] = {
        {.name = "both", .keys = "sku:1,name:1", .flags = INDEX_UNIQUE},
        {.name = "longer", .keys = "names:1", .flags = INDEX_UNIQUE},
        {.name = "plain", .keys = "due:1"},
    };
    static const struct doc_type type = {
        .collection = "others", .shape = &thing_shape, .indexes = indexes, .index_count = 3};
    begin();
    workset_write(&set, workset_cell(&set, &type, STR(ID)), new_thing(&arena, STR(ID), STR("A")));
    assert_int_equal(set.aliases.count, 0);
    end();
}

/* --- pages ---------------------------------------------------------------------------------------- */

static struct query base_query(void)
{
    struct query query = query_of(&thing_type);
    query_is(&query, "state", STR("published"));
    query_from(&query, "price.amount", 100);
    query_sort(&query, "name", 1);
    query.limit = 20;
    query.with_total = true;
    return query;
}

void test_workset__equal_queries_share_a_page(void **state)
{
    (void)state;
    begin();
    const struct query query = base_query();
    char text[] = "published";
    struct query same = base_query();
    same.terms[0].value.text = str_of(text);
    struct page_need *need = workset_page(&set, &query, "product");
    assert_ptr_equal(workset_page(&set, &same, "product"), need);
    assert_string_equal(need->cache_tag.ptr, "product");
    assert_false(need->loaded);
    assert_ptr_equal(set.first_page, need);
    assert_null(need->next);
    end();
}

static void other_type(struct query *query)
{
    query->type = &order_type;
}

static void other_skip(struct query *query)
{
    query->skip = 20;
}

static void other_limit(struct query *query)
{
    query->limit = 21;
}

static void no_total(struct query *query)
{
    query->with_total = false;
}

static void other_path(struct query *query)
{
    query->terms[0].path = "sku";
}

static void other_op(struct query *query)
{
    query->terms[1].op = QUERY_LTE;
}

static void other_text(struct query *query)
{
    query->terms[0].value.text = STR("draft");
}

static void other_number(struct query *query)
{
    query->terms[1].value.number = 101;
}

static void fewer_terms(struct query *query)
{
    query->term_count = 1;
}

static void other_sort(struct query *query)
{
    query->sorts[0].path = "sku";
}

static void other_direction(struct query *query)
{
    query->sorts[0].direction = -1;
}

static void by_relevance(struct query *query)
{
    query->sorts[0] = (struct query_sort){.relevance = true};
}

static void no_sort(struct query *query)
{
    query->sort_count = 0;
}

/* Words of a stranger that look like another query are still words. */
static void forged_text(struct query *query)
{
    query->terms[0].value.text = STR("published\x1fprice.amount\x1f"
                                     "3\x1f"
                                     "100\x1f"
                                     "0:");
    query->term_count = 1;
}

void test_workset__different_queries_do_not(void **state)
{
    (void)state;
    static void (*const changes[])(struct query *) = {
        other_type,      other_skip,   other_limit,  no_total,    other_path,
        other_op,        other_text,   other_number, fewer_terms, other_sort,
        other_direction, by_relevance, no_sort,      forged_text};
    begin();
    const struct query query = base_query();
    const struct page_need *need = workset_page(&set, &query, NULL);
    assert_true(str_is_absent(need->cache_tag));
    for (size_t i = 0; i < COUNT(changes); i++) {
        struct query changed = base_query();
        changes[i](&changed);
        const size_t before = set.pages.count;
        if (workset_page(&set, &changed, NULL) == need || set.pages.count != before + 1)
            fail_msg("change %zu", i);
    }
    end();
}

/* --- what is deleted ------------------------------------------------------------------------------ */

static struct thing *thing_at(struct cell *cell, const char *sku, int64_t version)
{
    struct thing *thing = new_thing(&arena, cell->id, str_of(sku));
    thing->head.version = version;
    return thing;
}

void test_workset__a_stored_document_is_deleted_under_its_guard(void **state)
{
    (void)state;
    begin();
    struct cell *cell = workset_cell(&set, &thing_type, STR(ID));
    workset_loaded(cell, thing_at(cell, "A", 3));
    workset_write(&set, cell, thing_at(cell, "A", 4));
    const struct thing *gone = thing_at(cell, "A", 5);
    workset_delete(&set, cell, gone);
    assert_null(cell->doc);
    assert_ptr_equal(cell->gone, gone);
    assert_int_equal(cell->base_version, 3);
    assert_true(cell->dirty && cell->loaded);
    assert_false(cell->proven);
    workset_loaded(cell, thing_at(cell, "A", 3)); /* a later round of loading */
    assert_null(cell->doc);
    const struct alias *alias = workset_alias(&set, &thing_type, "sku", STR("A"));
    assert_ptr_equal(alias->cell, cell); /* its guard proves that the value is nobody else's */
    end();
}

void test_workset__what_was_never_stored_leaves_a_proof(void **state)
{
    (void)state;
    begin();
    struct cell *cell = workset_cell(&set, &thing_type, STR(ID));
    workset_loaded(cell, NULL);
    workset_write(&set, cell, thing_at(cell, "A", 1));
    workset_delete(&set, cell, thing_at(cell, "A", 2));
    const struct alias *alias = workset_alias(&set, &thing_type, "sku", STR("A"));
    assert_false(cell->dirty);
    assert_true(cell->proven && cell->loaded);
    assert_null(cell->doc);
    assert_true(alias->loaded && alias->proven);
    assert_null(alias->cell);
    end();
}

void test_workset__what_comes_in_its_place_is_found_by_its_own_values_only(void **state)
{
    (void)state;
    begin();
    struct cell *cell = workset_cell(&set, &thing_type, STR(ID));
    struct cell *other = workset_cell(&set, &thing_type, STR(OTHER));
    workset_loaded(cell, thing_at(cell, "A", 3));
    workset_write(&set, cell, thing_at(cell, "A", 4));
    workset_delete(&set, cell, thing_at(cell, "A", 5));
    workset_write(&set, cell, thing_at(cell, "B", 6));
    const struct alias *old = workset_alias(&set, &thing_type, "sku", STR("A"));
    assert_true(old->loaded);
    assert_null(old->cell);
    assert_ptr_equal(workset_alias(&set, &thing_type, "sku", STR("B"))->cell, cell);
    workset_write(&set, other, thing_at(other, "A", 1));
    assert_ptr_equal(old->cell, other);
    end();
}
