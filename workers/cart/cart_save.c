/* cart_save.c - what all changes of a cart have in common: what may be in the cart, and how a
 * change ends. */
#include "cart/cart.h"
#include "request.h"

static enum outcome check_limits(const struct cart *cart, const struct product *product,
                                 int64_t quantity, struct err *err)
{
    struct money total;
    if (quantity > CART_QUANTITY_MAX)
        return err_refuse(err, E_QUANTITY_LIMIT, "at most %d of one product", CART_QUANTITY_MAX);
    if (cart->lines.count >= CART_LINES_MAX && !cart_line_of(cart, product->head.id))
        return err_refuse(err, E_QUANTITY_LIMIT, "at most %d products in a cart", CART_LINES_MAX);
    if (!money_times(product->price, quantity, &total))
        return err_refuse(err, E_QUANTITY_LIMIT,
                          "so many at this price are more than can be counted");
    return OUTCOME_DONE;
}

enum outcome cart_check(struct job *job, const struct cart *cart, const struct cart_goods *goods,
                        const struct product *product, const struct stock *stock, int64_t quantity,
                        struct err *err)
{
    if (!product_is_purchasable(product))
        return err_refuse(err, E_NOT_PURCHASABLE, "the product is not on sale");
    if (!cart_sells(shop_settings(job), goods, product))
        return err_refuse(err, E_NOT_PURCHASABLE, "the product is not sold in %.*s",
                          STR_FMT(goods->currency));
    TRY(check_limits(cart, product, quantity, err));
    const int64_t available = stock_available(stock);
    if (quantity <= available)
        return OUTCOME_DONE;
    const enum outcome outcome =
        err_refuse(err, E_INSUFFICIENT_STOCK, "%" PRId64 " of %.*s are available", available,
                   STR_FMT(product->name));
    err_field_add(err, job_arena(job), STR("/quantity"), "%" PRId64 " are available", available);
    return outcome;
}

enum outcome cart_store(struct job *job, struct cart *cart, const struct cart_view **out)
{
    struct cart_goods goods;
    NEED(job, cart_goods(job, cart, &goods));
    job_save(job, &cart_type, cart);
    const struct cart_view *view = cart_view(shop_settings(job), job_arena(job), cart, &goods);
    emit(job, &cart_updated, cart, view);
    *out = view;
    return OUTCOME_DONE;
}

enum outcome cart_save(struct job *job, struct cart *cart)
{
    const struct cart_view *view;
    TRY(cart_store(job, cart, &view));
    return reply(job, &cart_view_schema, view);
}

enum outcome cart_add(struct job *job, const struct product *product, int64_t quantity,
                      const struct cart_view **out, struct err *err)
{
    struct stock *stock = NULL;
    struct cart *cart = NULL;
    struct cart_goods goods;
    NEED(job, cart_of_caller(job, DOC_FOR_UPDATE, &cart));
    /* cart_store() will need the goods of the other lines, too: all are asked for in one round. */
    NEED(job, stock_by_sku(job, product->sku, DOC_READ, &stock), cart_goods(job, cart, &goods));
    const struct cart_line *line = cart_line_of(cart, product->head.id);
    if (line)
        quantity += line->quantity;
    TRY(cart_check(job, cart, &goods, product, stock, quantity, err));
    cart_put(job_arena(job), cart, product, quantity);
    return cart_store(job, cart, out);
}
