/* test_migrate_live.c - two releases at one server: what each of them stores the other reads and
 * keeps, and what is of the older form is stored anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "migrate.h"
#include "store_rig.h"

#define CRATES 230

/* --- two releases --------------------------------------------------------------------------------- */

struct crate {
    struct doc_head head;
    struct opt_int cm, mm;
};

static const struct field old_fields[] = {
    DOC_FIELDS(struct crate, FIELD_STR),
    {.name = "cm", .kind = FIELD_OPT_INT, .offset = offsetof(struct crate, cm)},
};
static const struct shape old_shape = DOC_SHAPE("Crate", struct crate, old_fields);
static const struct doc_type old_type = {.collection = "crates", .shape = &old_shape};

static const struct field new_fields[] = {
    DOC_FIELDS(struct crate, FIELD_STR),
    DOC_GENERATION(struct crate),
    {.name = "cm", .kind = FIELD_OPT_INT, .offset = offsetof(struct crate, cm)},
    {.name = "mm", .kind = FIELD_OPT_INT, .offset = offsetof(struct crate, mm)},
};
static const struct shape new_shape = DOC_SHAPE("Crate", struct crate, new_fields);

/* The centimetres stay for the old release, which runs on. */
static void measure_in_millimetres(struct arena *arena, void *doc, int from)
{
    struct crate *crate = doc;
    (void)arena;
    assert_int_equal(from, 1);
    crate->mm = (struct opt_int){crate->cm.has, crate->cm.value * 10};
}

static const struct doc_index by_mm = {.name = "by_mm", .keys = "mm:1", .flags = INDEX_UNIQUE};
static const struct doc_type new_type = {.collection = "crates",
                                         .shape = &new_shape,
                                         .generation = 2,
                                         .upgrade = measure_in_millimetres,
                                         .indexes = &by_mm,
                                         .index_count = 1};

/* --- the server ----------------------------------------------------------------------------------- */

static struct store *store_of(struct rig *rig, const struct doc_type *const *type)
{
    const struct store_options options = {.uri = rig->uri,
                                          .database = rig->database,
                                          .timeout_ms = 4000,
                                          .types = type,
                                          .type_count = 1};
    struct store *store = NULL;
    assert_outcome(rig, OUTCOME_DONE, store_open(&options, &store, &rig->err));
    return store;
}

static void commit(struct rig *rig, struct store *store, const struct write *writes, size_t count)
{
    const int64_t now = clock_now_ms();
    const struct commit all = {
        .id = id_new(&rig->arena, now), .now = now, .writes = writes, .write_count = count};
    assert_outcome(rig, OUTCOME_DONE, store_commit(store, &all, &rig->err));
}

static void put_crates(struct rig *rig, struct store *store)
{
    struct write writes[CRATES];
    for (int i = 0; i < CRATES; i++) {
        struct crate *crate = ARENA_NEW(&rig->arena, struct crate);
        *crate = (struct crate){.head = {.id = str_printf(&rig->arena, "crate %03d", i),
                                         .version = 4,
                                         .created_at = 1,
                                         .updated_at = 2},
                                .cm = {true, i}};
        writes[i] = (struct write){WRITE_INSERT, &old_type, crate, 0};
    }
    commit(rig, store, writes, CRATES);
}

static struct crate *load(struct rig *rig, struct store *store, const struct doc_type *type,
                          int number)
{
    const struct str id = str_printf(&rig->arena, "crate %03d", number);
    struct store_find find = {.type = type, .path = "id", .values = &id, .count = 1};
    assert_outcome(rig, OUTCOME_DONE, store_find(store, &rig->arena, &find, &rig->err));
    return find.found.count ? (void *)(uintptr_t)find.found.items[0] : NULL;
}

/* How many documents have the member with this number. */
static int64_t count_with(struct rig *rig, const char *member, int64_t number)
{
    bson_t filter = BSON_INITIALIZER;
    bson_error_t error = {0};
    mongoc_collection_t *crates =
        mongoc_client_get_collection(rig->client, rig->database.ptr, "crates");
    BSON_APPEND_INT64(&filter, member, number);
    const int64_t count =
        mongoc_collection_count_documents(crates, &filter, NULL, NULL, NULL, &error);
    mongoc_collection_destroy(crates);
    bson_destroy(&filter);
    return count;
}

static int told;

static void count_told(void *context, struct str id, struct str why)
{
    (void)context;
    assert_true(id.len > 0 && why.len > 0);
    told++;
}

static void no_progress(void *context, const struct migrated *so_far)
{
    (void)context;
    (void)so_far;
}

static struct migrated migrate(struct rig *rig, struct store *store)
{
    struct migrated done;
    const struct migration migration = {
        .type = &new_type, .stays = count_told, .progress = no_progress};
    told = 0;
    assert_outcome(rig, OUTCOME_DONE, migrate_run(store, &migration, &done, &rig->err));
    return done;
}

void test_migrate_live__two_releases_share_their_documents(void **state)
{
    (void)state;
    static const struct doc_type *const olds[] = {&old_type}, *const news[] = {&new_type};
    struct rig *rig = rig_open();
    struct store *old = store_of(rig, olds), *new = store_of(rig, news);
    put_crates(rig, old);
    assert_int_equal(count_with(rig, "_generation", 2), 0);
    assert_int_equal(load(rig, new, &new_type, 7)->mm.value, 70);
    assert_true(load(rig, new, &new_type, 7)->head.older);

    struct migrated done = migrate(rig, new);
    assert_int_equal(done.seen, CRATES);
    assert_int_equal(done.written, CRATES);
    assert_int_equal(told, 0);
    assert_int_equal(count_with(rig, "_generation", 2), CRATES);
    assert_int_equal(count_with(rig, "version", 4), CRATES);
    assert_int_equal(count_with(rig, "mm", 70), 1);
    assert_int_equal(migrate(rig, new).older, 0);

    /* The old release writes one, and keeps what it does not know. */
    struct crate *crate = load(rig, old, &old_type, 7);
    crate->head.version++;
    commit(rig, old, &(const struct write){WRITE_REPLACE, &old_type, crate, 4}, 1);
    assert_int_equal(count_with(rig, "_generation", 2), CRATES);
    assert_int_equal(load(rig, new, &new_type, 7)->mm.value, 70);
    assert_int_equal(load(rig, new, &new_type, 7)->head.version, 5);
    store_close(old);
    store_close(new);
    rig_close(rig);
}

/* The form of one is what another one has in a unique index; all others are stored anew. */
void test_migrate_live__what_clashes_is_left_alone(void **state)
{
    (void)state;
    static const struct doc_type *const olds[] = {&old_type}, *const news[] = {&new_type};
    struct rig *rig = rig_open();
    struct store *old = store_of(rig, olds), *new = store_of(rig, news);
    assert_outcome(rig, OUTCOME_DONE, store_apply_indexes(new, quiet, &rig->err));
    struct crate holder = {.head = {.id = STR("holder"), .version = 1}, .mm = {true, 50}};
    holder.head.created_at = holder.head.updated_at = 1;
    commit(rig, new, &(const struct write){WRITE_INSERT, &new_type, &holder, 0}, 1);
    for (int i = 4; i <= 6; i++) {
        struct crate crate = {.head = {.id = str_printf(&rig->arena, "crate %03d", i)},
                              .cm = {true, i},
                              .mm = {true, 1000 + i}};
        crate.head.version = crate.head.created_at = crate.head.updated_at = 1;
        crate.head.generation = (struct opt_int){true, 1};
        commit(rig, new, &(const struct write){WRITE_INSERT, &new_type, &crate, 0}, 1);
    }
    const struct migrated done = migrate(rig, new);
    assert_int_equal(done.older, 3);
    assert_int_equal(done.written, 2);
    assert_int_equal(done.left, 1);
    assert_int_equal(told, 1);
    assert_int_equal(count_with(rig, "mm", 1005), 1);
    assert_int_equal(count_with(rig, "mm", 60), 1);
    store_close(old);
    store_close(new);
    rig_close(rig);
}

/* What is deleted makes room for what is inserted in the same commit. */
void test_migrate_live__a_delete_makes_room_for_an_insert(void **state)
{
    (void)state;
    static const struct doc_type *const news[] = {&new_type};
    struct rig *rig = rig_open();
    struct store *store = store_of(rig, news);
    assert_outcome(rig, OUTCOME_DONE, store_apply_indexes(store, quiet, &rig->err));
    struct crate one = {.head = {.id = STR("one"), .version = 1}, .mm = {true, 50}};
    struct crate two = {.head = {.id = STR("two"), .version = 1}, .mm = {true, 50}};
    one.head.created_at = one.head.updated_at = two.head.created_at = two.head.updated_at = 1;
    commit(rig, store, &(const struct write){WRITE_INSERT, &new_type, &one, 0}, 1);
    const struct write exchange[] = {{WRITE_INSERT, &new_type, &two, 0},
                                     {WRITE_DELETE, &new_type, &one, 1}};
    commit(rig, store, exchange, 2);
    assert_int_equal(count_with(rig, "mm", 50), 1);
    store_close(store);
    rig_close(rig);
}
