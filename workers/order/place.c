/* place.c - order.place: orders what is in the caller's cart, all of it or nothing.
 *
 * Two rounds load everything: the cart, then the products and stocks of all its lines. More rounds
 * follow only when the order takes the last of a product, or when a copy of a product is too old.
 * Today's prices are frozen in the order. The stocks are locked and guarded by their versions,
 * which also proves the prices and that everything is on sale (inventory/stock.h): what is checked
 * below still holds when the batch commits. order.placed also tells that the cart is empty now. */
#include "cart/cart.h"
#include "code.h"
#include "order/operations.h"
#include "order/order.h"
#include "request.h"
#include "settings.h"

/* True when line i can be ordered. */
typedef bool line_check(const struct job *job, const struct cart *cart,
                        const struct cart_goods *goods, size_t i);

static bool is_on_sale(const struct job *job, const struct cart *cart,
                       const struct cart_goods *goods, size_t i)
{
    (void)cart;
    return cart_sells(shop_settings(job), goods, goods->products[i]);
}

static bool is_in_stock(const struct job *job, const struct cart *cart,
                        const struct cart_goods *goods, size_t i)
{
    (void)job;
    return cart->lines.items[i].quantity <= stock_available(goods->stocks[i]);
}

/* Refuses with `code` when a line fails the check, with one field per such line. */
static enum outcome check_lines(struct job *job, const struct cart *cart,
                                const struct cart_goods *goods, line_check *check,
                                const struct error_code *code, const char *text, struct err *err)
{
    enum outcome outcome = OUTCOME_DONE;
    for (size_t i = 0; i < goods->count; i++) {
        if (check(job, cart, goods, i))
            continue;
        if (outcome == OUTCOME_DONE)
            outcome = err_refuse(err, code, "%s", text);
        const struct cart_line *line = &cart->lines.items[i];
        const int64_t available =
            is_on_sale(job, cart, goods, i) ? stock_available(goods->stocks[i]) : 0;
        err_field_add(err, job_arena(job), str_printf(job_arena(job), "/items/%zu", i),
                      "%" PRId64 " of %.*s are wanted, %" PRId64 " are available", line->quantity,
                      STR_FMT(line->sku), available);
    }
    return outcome;
}

/* False when the total does not fit in an int64. */
static bool fill_lines(struct arena *arena, struct order *order, const struct cart *cart,
                       const struct cart_goods *goods)
{
    order->items.count = goods->count;
    order->items.items = arena_array(arena, goods->count, sizeof(struct order_line));
    for (size_t i = 0; i < goods->count; i++) {
        const struct cart_line *line = &cart->lines.items[i];
        const struct product *product = goods->products[i];
        struct order_line *item = &order->items.items[i];
        *item = (struct order_line){
            .product_id = line->product_id,
            .sku = line->sku,
            .name = product->name,
            .quantity = line->quantity,
            .unit_price = product->price,
        };
        if (!money_times(item->unit_price, item->quantity, &item->line_total))
            return false;
        if (i == 0)
            order->total = item->line_total;
        else if (!money_add(order->total, item->line_total, &order->total))
            return false;
    }
    return true;
}

static enum outcome check_total(struct job *job, const struct order *order, struct money expected,
                                struct err *err)
{
    if (money_is_absent(expected) || money_eq(expected, order->total))
        return OUTCOME_DONE;
    return err_refuse(err, E_PRICE_CHANGED, "the total is %.*s",
                      STR_FMT(money_text(job_arena(job), order->total)));
}

/* The order as it will be, but for its lines and its total; it has no effects yet. */
static struct order *draft_order(struct job *job, const struct order_place_request *req)
{
    struct order *order = ARENA_NEW(job_arena(job), struct order);
    *order = (struct order){
        .head.id = job_new_id(job),
        .number = code_random(job, "order.number", ORDER_NUMBER_PREFIX, ORDER_NUMBER_CHARS),
        .user_id = job_caller(job)->id,
        .shipping_address = req->shipping_address,
        .expected_delivery_date =
            order_delivery_date(job_arena(job), job_now(job), shop_settings(job)->delivery_days),
    };
    order_add_step(job_arena(job), order, ORDER_PENDING, job_now(job), job_caller(job)->id,
                   req->note);
    return order;
}

/* A stock that an older release wrote does not have its product's version. It gets it here, because
 * it is written anyway. */
static void note_products(const struct cart_goods *goods)
{
    for (size_t i = 0; i < goods->count; i++)
        if (goods->stocks[i]->product_version == 0)
            goods->stocks[i]->product_version = goods->products[i]->head.version;
}

static enum outcome place(struct job *job, const void *request, struct err *err)
{
    const struct order_place_request *req = request;
    struct cart *cart = NULL;
    struct cart_goods goods;
    NEED(job, cart_of_caller(job, DOC_FOR_UPDATE, &cart));
    if (cart->lines.count == 0)
        return err_refuse(err, E_CART_EMPTY, "the cart is empty");
    TRY(expect_version(req->expected_version, cart->head.version, err));
    NEED(job, cart_goods_to_order(job, cart, &goods));
    TRY(check_lines(job, cart, &goods, is_on_sale, E_NOT_PURCHASABLE, "not all is on sale", err));
    TRY(check_lines(job, cart, &goods, is_in_stock, E_INSUFFICIENT_STOCK, "not all is in stock",
                    err));
    struct order *order = draft_order(job, req);
    if (!fill_lines(job_arena(job), order, cart, &goods))
        return err_refuse(err, E_NOT_PURCHASABLE, "the total is more than can be counted");
    TRY(check_total(job, order, req->expected_total, err));

    note_products(&goods);
    TRY(order_move_stock(job, order, STOCK_RESERVE, err));
    job_insert(job, &order_type, order);
    cart->lines.count = 0;
    job_changed(job, cart);
    emit(job, &order_placed, order, order);
    return reply(job, &order_view_schema, order);
}

const struct operation order_place = {
    .name = "order.place",
    .kind = COMMAND,
    .who = CUSTOMER,
    .request = &order_place_schema,
    .handle = place,
    .summary = "Order what is in the caller's cart",
    .reply = &order_view_schema,
    .status = 201,
    .errors =
        (const struct error_code *const[]){E_CART_EMPTY, E_INSUFFICIENT_STOCK, E_NOT_PURCHASABLE,
                                           E_VERSION_CONFLICT, E_PRICE_CHANGED, NULL},
};
