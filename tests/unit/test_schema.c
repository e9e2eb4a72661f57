/* test_schema.c - requests against the generated tables: what is decoded, and what is told of each
 * fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "schemas/cart.h"
#include "schemas/notification.h"
#include "schemas/order.h"
#include "schemas/product.h"
#include "wire/json.h"
#include "wire/schema_node.h"

#define ID "0123456789abcdef01234567"

static struct arena arena;
static struct err err;

static enum outcome decode_as(const struct schema *schema, const char *text, const void **out)
{
    const struct json *json;
    arena_release(&arena);
    arena_init(&arena, 8192);
    err_clear(&err);
    assert_int_equal(schema_prepare(schema, &err), OUTCOME_DONE);
    if (json_parse(&arena, str_of(text), &json, &err) != OUTCOME_DONE)
        fail_msg("%s: %s", text, err.text);
    return schema_decode(schema, &arena, json, out, &err);
}

static const void *good(const struct schema *schema, const char *text)
{
    const void *request = NULL;
    if (decode_as(schema, text, &request) == OUTCOME_DONE)
        return request;
    fail_msg("%s: %s %s", text, err.fields->pointer.ptr, err.fields->message.ptr);
    return NULL;
}

/* The faults as "pointer message; ...". */
static const char *faults(const struct schema *schema, const char *text)
{
    const void *request = NULL;
    struct text all;
    if (decode_as(schema, text, &request) != OUTCOME_INVALID || request)
        fail_msg("%s was accepted", text);
    assert_ptr_equal(err.code, E_VALIDATION_FAILED);
    text_init(&all, &arena, 256);
    for (const struct err_field *field = err.fields; field; field = field->next)
        text_printf(&all, "%s%s %s", all.len ? "; " : "", field->pointer.ptr, field->message.ptr);
    return all.ptr;
}

void test_schema__decodes_required_members(void **state)
{
    (void)state;
    const struct cart_item_add_request *request =
        good(&cart_item_add_schema, "{\"quantity\":2,\"productId\":\"" ID "\"}");
    assert_string_equal(request->product_id.ptr, ID);
    assert_int_equal(request->quantity, 2);
    good(&cart_get_schema, "{}");
}

void test_schema__faults_of_one_member(void **state)
{
    (void)state;
    static const struct {
        const char *quantity;
        const char *fault;
    } rows[] = {
        {"0", "/quantity must be at least 1"},
        {"-1", "/quantity must be at least 1"},
        {"-0", "/quantity must be at least 1"},
        {"10000", "/quantity must be at most 9999"},
        {"9223372036854775807", "/quantity must be at most 9999"},
        {"\"1\"", "/quantity must be an integer"},
        {"true", "/quantity must be an integer"},
        {"null", "/quantity must be an integer"},
        {"[]", "/quantity must be an integer"},
        {"{\"$gt\":\"\"}", "/quantity must be an integer"},
        {"1.0", "/quantity must be an integer, without a decimal point or an exponent"},
        {"1e2", "/quantity must be an integer, without a decimal point or an exponent"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[128];
        snprintf(text, sizeof(text), "{\"productId\":\"" ID "\",\"quantity\":%s}",
                 rows[i].quantity);
        assert_string_equal(faults(&cart_item_add_schema, text), rows[i].fault);
    }
}

void test_schema__faults_are_told_in_order(void **state)
{
    (void)state;
    assert_string_equal(faults(&cart_item_add_schema, "{}"),
                        "/productId is missing; /quantity is missing");
    assert_string_equal(
        faults(&cart_item_add_schema, "{\"z\":1,\"productId\":\"" ID "A\",\"a\":{\"b\":2}}"),
        "/z is not known here; /productId must be 24 lower-case hex digits; "
        "/a is not known here; /quantity is missing");
}

void test_schema__pointers_are_escaped(void **state)
{
    (void)state;
    assert_string_equal(faults(&cart_get_schema, "{\"a/b~c\":1,\"\":2}"),
                        "/a~1b~0c is not known here; / is not known here");
}

void test_schema__faults_are_bounded(void **state)
{
    (void)state;
    struct text text;
    arena_release(&arena);
    struct arena own;
    arena_init(&own, 4096);
    text_init(&text, &own, 256);
    for (int i = 0; i < 100; i++)
        text_printf(&text, "%s\"k%d\":%d", i ? "," : "{", i, i);
    text_append_char(&text, '}');
    (void)faults(&cart_get_schema, text.ptr);
    assert_int_equal(err.field_count, ERR_FIELDS_MAX);
    arena_release(&own);
}

void test_schema__missing_optionals_are_absent(void **state)
{
    (void)state;
    const struct product_list_request *list = good(&product_list_schema, "{}");
    assert_true(str_is_absent(list->search));
    assert_false(list->min_price.has);
    assert_false(list->in_stock.has);
    assert_int_equal(list->sort, -1);
    const struct product_update_request *update =
        good(&product_update_schema, "{\"productId\":\"" ID "\"}");
    assert_true(money_is_absent(update->price));
    assert_null(update->images.items);
    assert_int_equal(update->status, -1);
    const struct order_place_request *place = good(&order_place_schema, "{}");
    assert_null(place->shipping_address);
    assert_true(money_is_absent(place->expected_total));
}

void test_schema__optionals_are_decoded(void **state)
{
    (void)state;
    const struct product_list_request *list =
        good(&product_list_schema, "{\"search\":\"\",\"minPrice\":0,\"inStock\":false,"
                                   "\"sort\":\"priceDesc\",\"page\":10000,\"limit\":100}");
    assert_false(str_is_absent(list->search));
    assert_true(list->min_price.has);
    assert_int_equal(list->min_price.value, 0);
    assert_true(list->in_stock.has);
    assert_false(list->in_stock.value);
    assert_int_equal(list->sort, PRODUCT_LIST_SORT_PRICE_DESC);
    assert_int_equal(list->page.value, 10000);
    const struct product_update_request *update =
        good(&product_update_schema, "{\"productId\":\"" ID "\",\"images\":[],"
                                     "\"price\":{\"amount\":9223372036854775807,"
                                     "\"currency\":\"GBP\"},\"status\":\"published\"}");
    assert_non_null(update->images.items);
    assert_int_equal(update->images.count, 0);
    assert_true(money_eq(update->price, (struct money){INT64_MAX, "GBP"}));
    assert_int_equal(update->status, PRODUCT_PUBLISHED);
}

void test_schema__null_clears_and_absence_keeps(void **state)
{
    (void)state;
    const struct product_update_request *update =
        good(&product_update_schema, "{\"productId\":\"" ID "\"}");
    assert_false(update->category_id_given);
    update = good(&product_update_schema, "{\"productId\":\"" ID "\",\"categoryId\":null}");
    assert_true(update->category_id_given);
    assert_true(str_is_absent(update->category_id));
    update = good(&product_update_schema, "{\"productId\":\"" ID "\",\"categoryId\":\"" ID "\"}");
    assert_true(update->category_id_given);
    assert_true(str_eq(update->category_id, STR(ID)));
    assert_string_equal(
        faults(&product_update_schema, "{\"productId\":null,\"categoryId\":false,\"name\":null}"),
        "/productId must be a string; /categoryId must be a string or null; "
        "/name must be a string");
    assert_string_equal(
        faults(&product_update_schema, "{\"productId\":\"" ID "\",\"categoryId\":\"\"}"),
        "/categoryId must be 24 lower-case hex digits, or null");
}

void test_schema__nested_structs_and_lists(void **state)
{
    (void)state;
    const struct order_place_request *place =
        good(&order_place_schema,
             "{\"shippingAddress\":{\"name\":\"Ada\",\"line1\":\"1 High St\",\"city\":\"Bath\","
             "\"postcode\":\"BA1 1AA\",\"country\":\"GB\"}}");
    assert_string_equal(place->shipping_address->name.ptr, "Ada");
    assert_true(str_is_absent(place->shipping_address->line2));
    const struct product_create_request *create = good(
        &product_create_schema, "{\"name\":\"Mug\",\"price\":{\"currency\":\"GBP\",\"amount\":255},"
                                "\"images\":[{\"url\":\"https://x.example/1\"},"
                                "{\"url\":\"http://x.example/2\",\"alt\":\"back\"}]}");
    assert_int_equal(create->images.count, 2);
    assert_string_equal(create->images.items[0].url.ptr, "https://x.example/1");
    assert_true(str_is_absent(create->images.items[0].alt));
    assert_string_equal(create->images.items[1].alt.ptr, "back");
    assert_int_equal(create->price.amount, 255);
    const struct notification_read_request *read =
        good(&notification_read_schema, "{\"ids\":[\"" ID "\",\"" ID "\"]}");
    assert_int_equal(read->ids.count, 2);
    assert_string_equal(read->ids.items[1].ptr, ID);
    assert_false(read->all.has);
}

void test_schema__faults_inside_lists_and_objects(void **state)
{
    (void)state;
    assert_string_equal(
        faults(&product_create_schema,
               "{\"name\":\"Mug\",\"price\":{\"amount\":-1,\"currency\":\"gbp\",\"x\":1},"
               "\"images\":[{\"url\":\"https://x.example/1\"},{\"url\":\"javascript:1\"},3,{}]}"),
        "/price/amount must be at least 0; "
        "/price/currency must be an ISO 4217 code such as GBP; /price/x is not known here; "
        "/images/1/url must be an absolute http or https URL; /images/2 must be an object; "
        "/images/3/url is missing");
    assert_string_equal(faults(&product_create_schema, "{\"name\":\"Mug\",\"price\":255}"),
                        "/price must be an object");
    assert_string_equal(faults(&product_list_schema, "{\"sort\":\"cheapest\"}"),
                        "/sort must be one of: newest, name, priceAsc, priceDesc, relevance");
    assert_string_equal(faults(&notification_read_schema, "{\"ids\":{}}"), "/ids must be a list");
    assert_string_equal(faults(&notification_read_schema, "{\"ids\":[]}"),
                        "/ids must have at least 1 item");
    assert_string_equal(faults(&notification_read_schema, "{\"all\":false}"),
                        "/all can only be true");
    assert_string_equal(faults(&product_list_schema, "{\"inStock\":1}"),
                        "/inStock must be true or false");
}

/* A product name of `count` times `unit`. */
static const char *product_named(struct arena *own, const char *unit, size_t count)
{
    struct text text;
    text_init(&text, own, 1024);
    text_append_str(&text, STR("{\"price\":{\"amount\":1,\"currency\":\"GBP\"},\"name\":\""));
    for (size_t i = 0; i < count; i++)
        text_append_str(&text, str_of(unit));
    text_append_str(&text, STR("\"}"));
    return text.ptr;
}

void test_schema__length_is_in_code_points(void **state)
{
    (void)state;
    static const char *const units[] = {"a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
    struct arena own;
    arena_init(&own, 4096);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        good(&product_create_schema, product_named(&own, units[i], 1));
        good(&product_create_schema, product_named(&own, units[i], 200));
        assert_string_equal(faults(&product_create_schema, product_named(&own, units[i], 201)),
                            "/name must have at most 200 characters");
    }
    assert_string_equal(faults(&product_create_schema, product_named(&own, "", 0)),
                        "/name must not be empty");
    arena_release(&own);
}

void test_schema__texts(void **state)
{
    (void)state;
    static const char *const blank[] = {" ",     "   ",    "\xC2\xA0 ", "\xE2\x80\x8B",
                                        "a\\nb", "\\u0007"};
    struct arena own;
    arena_init(&own, 4096);
    for (size_t i = 0; i < sizeof(blank) / sizeof(blank[0]); i++)
        assert_string_equal(faults(&product_create_schema, product_named(&own, blank[i], 1)),
                            "/name must be on one line with something other than spaces");
    good(&product_create_schema, product_named(&own, " a ", 1));
    good(&order_place_schema, "{\"note\":\"one\\n\\ttwo\\r\\n\"}");
    assert_string_equal(
        faults(&order_place_schema, "{\"note\":\"bell\\u0007\"}"),
        "/note must be text without control characters other than line breaks and tabs");
    arena_release(&own);
}

void test_schema__exactly_one_of(void **state)
{
    (void)state;
    const struct product_get_request *request = good(&product_get_schema, "{\"slug\":\"a-mug\"}");
    assert_string_equal(request->slug.ptr, "a-mug");
    assert_true(str_is_absent(request->sku));
    static const char expected[] = " must have exactly one of: productId, slug, sku";
    assert_string_equal(faults(&product_get_schema, "{}"), expected);
    assert_string_equal(faults(&product_get_schema, "{\"slug\":\"a\",\"sku\":\"b\"}"), expected);
}

#define MONEY(amount) "{\"amount\":" amount ",\"currency\":\"GBP\"}"
#define PLACED(number, more)                                                                       \
    "{\"id\":\"" ID "\",\"version\":1,\"createdAt\":\"2026-11-20T15:04:05.123Z\","                 \
    "\"updatedAt\":\"2026-11-20T15:04:05.123Z\",\"number\":" number ",\"userId\":\"" ID "\","      \
    "\"status\":\"pending\",\"items\":[{\"productId\":\"" ID "\",\"sku\":\"M\",\"name\":\"Mug\","  \
    "\"quantity\":2,\"unitPrice\":" MONEY("255") ",\"lineTotal\":" MONEY("510") more               \
        "}],"                                                                                      \
        "\"total\":" MONEY("510") ",\"expectedDeliveryDate\":\"2026-11-25\",\"history\":[]" more   \
                                  "}"

static const void *read_order(const char *text)
{
    const struct json *json;
    const void *order = NULL;
    assert_int_equal(json_parse(&arena, str_of(text), &json, &err), OUTCOME_DONE);
    return schema_read(&order_view_schema, &arena, json, &order, &err) == OUTCOME_DONE ? order
                                                                                       : NULL;
}

/* Another release may have added members, and may have had other rules. */
void test_schema__events_are_read_leniently(void **state)
{
    (void)state;
    const struct order *order = read_order(PLACED("\"CW-1\"", ",\"more\":{\"x\":[1.5]}"));
    assert_non_null(order);
    assert_int_equal(order->items.count, 1);
    assert_int_equal(order->items.items[0].quantity, 2);
    assert_int_equal(order->status, ORDER_PENDING);
    assert_string_equal(order->expected_delivery_date.ptr, "2026-11-25");
    assert_int_equal(order->total.amount, 510);
    assert_int_equal(order->head.created_at, 1795187045123);
    assert_null(order->shipping_address);
    assert_null(read_order(PLACED("17", "")));
}

void test_schema__a_bad_pattern_is_a_bug(void **state)
{
    (void)state;
    static const struct schema_node node = {.type = SCHEMA_STR, .pattern = "^($", .expected = "x"};
    static const struct schema schema = {.name = "test", .root = &node};
    assert_int_equal(schema_prepare(&schema, &err), OUTCOME_BUG);
    assert_non_null(strstr(err.text, "pattern ^($"));
}

void test_schema__source_says_what_it_refers_to(void **state)
{
    (void)state;
    const struct json *json;
    arena_release(&arena);
    arena_init(&arena, 8192);
    assert_int_equal(json_parse(&arena, str_of(order_place_schema.source), &json, &err),
                     OUTCOME_DONE);
    assert_string_equal(json_str(json_at(json, "/properties/shippingAddress/$ref")).ptr,
                        "#/$defs/Address");
    assert_int_equal(json_int(json_at(json, "/properties/note/maxLength"), 0), 500);
    arena_release(&arena);
}
