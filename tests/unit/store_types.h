/* store_types.h - documents for the tests of the store room: one with every kind of field, and one
 * with a natural key. */
#ifndef CARTWRIGHT_TESTS_STORE_TYPES_H
#define CARTWRIGHT_TESTS_STORE_TYPES_H

#include "store/store.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const thing_states[] = {"draft", "published", "retired", NULL};
enum thing_state { DRAFT, PUBLISHED, RETIRED };

struct thing_line {
    struct str product_id;
    int64_t quantity;
    struct money price;
    struct str kept;
};

struct thing_box {
    int64_t width;
    struct str label; /* optional */
    struct str kept;
};

struct thing {
    struct doc_head head;
    struct str name;
    struct str sku;
    struct str email;     /* optional */
    struct str parent_id; /* nullable */
    struct str due;
    struct opt_int rank;
    bool active;
    struct opt_bool loud;
    int64_t seen_at; /* optional */
    struct money price;
    int state;
    int mood;                    /* optional */
    const struct thing_box *box; /* optional */
    struct thing_box place;
    LIST(struct thing_line) lines;
    LIST(struct str) tags;
    LIST(struct str) owners;
    struct str data;
    struct str password;
};

static const struct field thing_line_fields[] = {
    {.name = "productId", .kind = FIELD_ID, .offset = offsetof(struct thing_line, product_id)},
    {.name = "quantity", .kind = FIELD_INT, .offset = offsetof(struct thing_line, quantity)},
    {.name = "price", .kind = FIELD_MONEY, .offset = offsetof(struct thing_line, price)},
};
static const struct shape thing_line_shape =
    STORED_SHAPE("ThingLine", struct thing_line, thing_line_fields, kept);

static const struct field thing_box_fields[] = {
    {.name = "width", .kind = FIELD_INT, .offset = offsetof(struct thing_box, width)},
    {.name = "label",
     .kind = FIELD_STR,
     .flags = FIELD_OPTIONAL,
     .offset = offsetof(struct thing_box, label)},
};
static const struct shape thing_box_shape =
    STORED_SHAPE("ThingBox", struct thing_box, thing_box_fields, kept);

#define THING(field_name, field_kind, member, ...)                                                 \
    {                                                                                              \
        .name = (field_name), .kind = (field_kind), .offset = offsetof(struct thing, member),      \
        __VA_ARGS__                                                                                \
    }

static const struct field thing_fields[] = {
    DOC_FIELDS(struct thing, FIELD_ID),
    THING("name", FIELD_STR, name, ),
    THING("sku", FIELD_STR, sku, ),
    THING("email", FIELD_STR, email, .flags = FIELD_OPTIONAL),
    THING("parentId", FIELD_ID, parent_id, .flags = FIELD_NULLABLE),
    THING("due", FIELD_DATE, due, ),
    THING("rank", FIELD_OPT_INT, rank, .flags = FIELD_OPTIONAL),
    THING("active", FIELD_BOOL, active, ),
    THING("loud", FIELD_OPT_BOOL, loud, .flags = FIELD_OPTIONAL),
    THING("seenAt", FIELD_TIME, seen_at, .flags = FIELD_OPTIONAL),
    THING("price", FIELD_MONEY, price, ),
    THING("state", FIELD_ENUM, state, .names = thing_states),
    THING("mood", FIELD_ENUM, mood, .flags = FIELD_OPTIONAL, .names = thing_states),
    THING("box", FIELD_STRUCT, box, .flags = FIELD_OPTIONAL, .shape = &thing_box_shape),
    THING("place", FIELD_EMBED, place, .shape = &thing_box_shape),
    THING("lines", FIELD_LIST, lines, .shape = &thing_line_shape),
    THING("tags", FIELD_STRS, tags, ),
    THING("owners", FIELD_IDS, owners, ),
    THING("data", FIELD_RAW, data, ),
    THING("password", FIELD_STR, password, .flags = FIELD_SECRET),
};
static const struct shape thing_shape = DOC_SHAPE("Thing", struct thing, thing_fields);

static const struct doc_index thing_indexes[] = {
    {.name = "sku", .keys = "sku:1", .flags = INDEX_UNIQUE},
    {.name = "email", .keys = "email:1", .flags = INDEX_UNIQUE, .only_when = "email=exists"},
    {.name = "words", .keys = "state:1,tags:1"},
    {.name = "byPrice", .keys = "state:1,price.amount:-1"},
};

static const struct doc_type thing_type = {
    .collection = "things",
    .shape = &thing_shape,
    .indexes = thing_indexes,
    .index_count = COUNT(thing_indexes),
};

/* Stock: its key is the SKU. */
struct stock {
    struct doc_head head;
    int64_t on_hand;
};

static const struct field stock_fields[] = {
    DOC_FIELDS(struct stock, FIELD_STR),
    {.name = "onHand", .kind = FIELD_INT, .offset = offsetof(struct stock, on_hand)},
};
static const struct shape stock_shape = DOC_SHAPE("Stock", struct stock, stock_fields);
static const struct doc_type stock_type = {.collection = "stock", .shape = &stock_shape};

/* The same struct as an order and as a cart: with few indexes, and with none. */
static const struct doc_index order_indexes[] = {
    {.name = "number", .keys = "sku:1", .flags = INDEX_UNIQUE},
    {.name = "ofUser", .keys = "parentId:1,createdAt:-1"},
};
static const struct doc_type order_type = {
    .collection = "orders",
    .shape = &thing_shape,
    .indexes = order_indexes,
    .index_count = COUNT(order_indexes),
};
static const struct doc_type cart_type = {.collection = "carts", .shape = &thing_shape};

static const struct doc_type *const test_types[] = {&thing_type, &stock_type, &order_type,
                                                    &cart_type};

static inline struct thing_line thing_line_of(struct str product_id, int64_t quantity,
                                              int64_t amount)
{
    return (struct thing_line){
        .product_id = product_id, .quantity = quantity, .price = {amount, "GBP"}};
}

/* A thing with every field set. */
static inline struct thing *new_thing(struct arena *arena, struct str id, struct str sku)
{
    struct thing *thing = ARENA_NEW(arena, struct thing);
    struct thing_box *box = ARENA_NEW(arena, struct thing_box);
    *box = (struct thing_box){.width = 7, .label = STR("a box")};
    *thing = (struct thing){
        .head = {.id = id, .version = 1, .created_at = 1000, .updated_at = 2000},
        .name = STR("Blue Mug"),
        .sku = sku,
        .parent_id = STR("0123456789abcdef01234567"),
        .due = STR("2026-11-20"),
        .rank = {true, -3},
        .active = true,
        .loud = {true, false},
        .seen_at = 1700000000123,
        .price = {255, "GBP"},
        .state = PUBLISHED,
        .mood = -1,
        .box = box,
        .place = {.width = 9},
        .data = STR("{\"a\":1}"),
        .password = STR("hash"),
    };
    thing->lines.items = arena_array(arena, 2, sizeof(struct thing_line));
    thing->lines.items[0] = thing_line_of(STR("aaaaaaaaaaaaaaaaaaaaaaaa"), 2, 100);
    thing->lines.items[1] = thing_line_of(STR("bbbbbbbbbbbbbbbbbbbbbbbb"), 1, 55);
    thing->lines.count = 2;
    thing->tags.items = arena_array(arena, 2, sizeof(struct str));
    thing->tags.items[0] = STR("kitchen");
    thing->tags.items[1] = STR("blue");
    thing->tags.count = 2;
    thing->owners.items = arena_array(arena, 1, sizeof(struct str));
    thing->owners.items[0] = STR("cccccccccccccccccccccccc");
    thing->owners.count = 1;
    return thing;
}

/* The i-th of five with tags and owners of its own, for queries with alternatives. */
static inline struct thing *tagged_thing(struct arena *arena, struct str id, unsigned i)
{
    static const char *const tags[][2] = {
        {"blue", "kitchen"}, {"blue", "ki"}, {"$red", "x"}, {"green", "kitchen"}, {"blue", "y"}};
    struct thing *thing = new_thing(arena, id, str_printf(arena, "SKU-%u", i));
    thing->tags.items[0] = str_of(tags[i][0]);
    thing->tags.items[1] = str_of(tags[i][1]);
    thing->owners.items[0] =
        i == 4 ? STR("bbbbbbbbbbbbbbbbbbbbbbbb") : STR("cccccccccccccccccccccccc");
    return thing;
}

static inline struct stock *new_stock(struct arena *arena, struct str sku, int64_t on_hand)
{
    struct stock *stock = ARENA_NEW(arena, struct stock);
    *stock =
        (struct stock){.head = {.id = sku, .version = 1, .created_at = 1000, .updated_at = 1000},
                       .on_hand = on_hand};
    return stock;
}

#endif
