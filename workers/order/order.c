/* order.c - orders: the document, which is also the wire form. */
#include "order/order.h"

#include "request.h"

static const struct field line_fields[] = {
    {.name = "productId", .kind = FIELD_ID, .offset = offsetof(struct order_line, product_id)},
    {.name = "sku", .kind = FIELD_STR, .offset = offsetof(struct order_line, sku)},
    {.name = "name", .kind = FIELD_STR, .offset = offsetof(struct order_line, name)},
    {.name = "quantity", .kind = FIELD_INT, .offset = offsetof(struct order_line, quantity)},
    {.name = "unitPrice", .kind = FIELD_MONEY, .offset = offsetof(struct order_line, unit_price)},
    {.name = "lineTotal", .kind = FIELD_MONEY, .offset = offsetof(struct order_line, line_total)},
};

static const struct shape line_shape =
    STORED_SHAPE("Order line", struct order_line, line_fields, kept);

static const struct field step_fields[] = {
    {.name = "status",
     .kind = FIELD_ENUM,
     .offset = offsetof(struct order_step, status),
     .names = common_order_status_names},
    {.name = "at", .kind = FIELD_TIME, .offset = offsetof(struct order_step, at)},
    {.name = "by", .kind = FIELD_ID, .offset = offsetof(struct order_step, by)},
    {.name = "note",
     .kind = FIELD_STR,
     .flags = FIELD_OPTIONAL,
     .offset = offsetof(struct order_step, note)},
};

static const struct shape step_shape =
    STORED_SHAPE("Order step", struct order_step, step_fields, kept);

static const struct field order_fields[] = {
    DOC_FIELDS(struct order, FIELD_ID),
    {.name = "number", .kind = FIELD_STR, .offset = offsetof(struct order, number)},
    {.name = "userId", .kind = FIELD_ID, .offset = offsetof(struct order, user_id)},
    {.name = "status",
     .kind = FIELD_ENUM,
     .offset = offsetof(struct order, status),
     .names = common_order_status_names},
    {.name = "items",
     .kind = FIELD_LIST,
     .offset = offsetof(struct order, items),
     .shape = &line_shape},
    {.name = "total", .kind = FIELD_MONEY, .offset = offsetof(struct order, total)},
    {.name = "shippingAddress",
     .kind = FIELD_STRUCT,
     .flags = FIELD_OPTIONAL,
     .offset = offsetof(struct order, shipping_address),
     .shape = &common_address_shape},
    {.name = "expectedDeliveryDate",
     .kind = FIELD_DATE,
     .offset = offsetof(struct order, expected_delivery_date)},
    {.name = "history",
     .kind = FIELD_LIST,
     .offset = offsetof(struct order, history),
     .shape = &step_shape},
};

const struct shape order_shape = DOC_SHAPE("Order", struct order, order_fields);

/* Orders are listed newest first; the id ends the order of each list. */
static const struct doc_index order_indexes[] = {
    {.name = "number", .keys = "number:1", .flags = INDEX_UNIQUE},
    {.name = "newest", .keys = "createdAt:-1,id:-1"},
    {.name = "user_newest", .keys = "userId:1,createdAt:-1,id:-1"},
    {.name = "status_newest", .keys = "status:1,createdAt:-1,id:-1"},
};

const struct doc_type order_type = {
    .collection = "orders",
    .shape = &order_shape,
    .indexes = order_indexes,
    .index_count = sizeof(order_indexes) / sizeof(order_indexes[0]),
};

bool order_by_id(struct job *job, struct str id, enum access access, struct order **out)
{
    return job_doc(job, &order_type, id, access, (void **)out);
}

bool order_is_visible(const struct job *job, const struct order *order)
{
    return order && (caller_is(job, order->user_id) || caller_is_admin(job));
}

struct str order_delivery_date(struct arena *arena, int64_t now, int64_t days)
{
    return date_text(arena, now + days * MS_PER_DAY);
}

void order_add_step(struct arena *arena, struct order *order, enum order_status status, int64_t at,
                    struct str by, struct str note)
{
    const size_t count = order->history.count;
    struct order_step *steps = arena_array(arena, count + 1, sizeof(*steps));
    if (count)
        memcpy(steps, order->history.items, count * sizeof(*steps));
    steps[count] = (struct order_step){.status = (int)status, .at = at, .by = by, .note = note};
    order->history.items = steps;
    order->history.count = count + 1;
    order->status = (int)status;
}
