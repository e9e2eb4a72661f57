/* test_store_replace_live.c - many replaces in one commit, on a real replica set: each document gets
 * its own new content, or none does. Without CARTWRIGHT_MONGODB_URI every case is skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store_rig.h"

enum { MANY = 300 };

/* "$sku-7" holds what an expression would be made of. */
static struct write *many_stocks(struct rig *rig, enum write_kind kind, int64_t base)
{
    struct write *writes = arena_array(&rig->arena, MANY, sizeof(*writes));
    for (int i = 0; i < MANY; i++) {
        const int number = (i * 7) % MANY; /* in no order */
        struct stock *stock = new_stock(&rig->arena, str_printf(&rig->arena, "$sku-%d", number),
                                        1000 * base + number);
        stock->head.version = base + 1;
        writes[i] = (struct write){kind, &stock_type, stock, base};
    }
    return writes;
}

static void assert_many(struct rig *rig, int64_t base)
{
    for (int i = 0; i < MANY; i++) {
        const struct str id = str_printf(&rig->arena, "$sku-%d", i);
        struct store_find find = {.type = &stock_type, .path = "id", .values = &id, .count = 1};
        assert_outcome(rig, OUTCOME_DONE, store_find(rig->store, &rig->arena, &find, &rig->err));
        assert_int_equal(find.found.count, 1);
        const struct stock *stock = find.found.items[0];
        assert_int_equal(stock->on_hand, 1000 * base + i);
        assert_int_equal(stock->head.version, base + 1);
    }
}

static enum outcome commit_writes(struct rig *rig, const struct write *writes, size_t count)
{
    const struct commit commit = {.id = id_new(&rig->arena, clock_now_ms()),
                                  .now = clock_now_ms(),
                                  .writes = writes,
                                  .write_count = count};
    return store_commit(rig->store, &commit, &rig->err);
}

void test_store_replace_live__each_of_many_replaces_finds_its_own_document(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    assert_outcome(rig, OUTCOME_DONE, commit_writes(rig, many_stocks(rig, WRITE_INSERT, 0), MANY));
    assert_outcome(rig, OUTCOME_DONE, commit_writes(rig, many_stocks(rig, WRITE_REPLACE, 1), MANY));
    assert_many(rig, 1);
    rig_close(rig);
}

void test_store_replace_live__one_stale_replace_of_many_undoes_all(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    assert_outcome(rig, OUTCOME_DONE, commit_writes(rig, many_stocks(rig, WRITE_INSERT, 0), MANY));
    struct write *stale = many_stocks(rig, WRITE_REPLACE, 1);
    stale[MANY / 2].base_version = 2;
    assert_outcome(rig, OUTCOME_CONFLICT, commit_writes(rig, stale, MANY));
    assert_many(rig, 0);
    struct write *missing = many_stocks(rig, WRITE_REPLACE, 1);
    missing[0].doc = new_stock(&rig->arena, STR("nobody has it"), 1);
    assert_outcome(rig, OUTCOME_CONFLICT, commit_writes(rig, missing, MANY));
    assert_many(rig, 0);
    rig_close(rig);
}

void test_store_replace_live__a_check_among_replaces_is_guarded_too(void **state)
{
    (void)state;
    struct rig *rig = rig_open();
    assert_outcome(rig, OUTCOME_DONE, commit_writes(rig, many_stocks(rig, WRITE_INSERT, 0), MANY));
    struct write *writes = many_stocks(rig, WRITE_REPLACE, 1);
    writes[3] = (struct write){WRITE_CHECK, &stock_type, writes[3].doc, 2};
    assert_outcome(rig, OUTCOME_CONFLICT, commit_writes(rig, writes, MANY));
    assert_many(rig, 0);
    writes[3].base_version = 1;
    assert_outcome(rig, OUTCOME_DONE, commit_writes(rig, writes, MANY));
    rig_close(rig);
}

/* More than one command holds. */
void test_store_replace_live__replaces_of_many_megabytes_are_one_commit(void **state)
{
    (void)state;
    enum { LARGE = 5, BYTES = 3 << 20 };
    struct rig *rig = rig_open();
    struct write writes[LARGE];
    char *text = arena_alloc(&rig->arena, BYTES);
    memset(text, 'x', BYTES);
    for (int version = 0; version < 2; version++) {
        for (int i = 0; i < LARGE; i++) {
            const struct str id = str_printf(&rig->arena, "%024d", i);
            struct thing *thing = new_thing(&rig->arena, id, id);
            thing->head.version = version + 1;
            thing->name = (struct str){text, BYTES - (size_t)version};
            writes[i] =
                (struct write){version ? WRITE_REPLACE : WRITE_INSERT, &cart_type, thing, version};
        }
        assert_outcome(rig, OUTCOME_DONE, commit_writes(rig, writes, LARGE));
    }
    for (int i = 0; i < LARGE; i++) {
        const struct str id = str_printf(&rig->arena, "%024d", i);
        struct store_find find = {.type = &cart_type, .path = "id", .values = &id, .count = 1};
        assert_outcome(rig, OUTCOME_DONE, store_find(rig->store, &rig->arena, &find, &rig->err));
        assert_int_equal(((const struct thing *)find.found.items[0])->name.len, BYTES - 1);
    }
    rig_close(rig);
}
