/* cart_view.c - the wire form "Cart": today's prices and stock, and what changed since a
 * line was written. */
#include <inttypes.h>

#include "cart/cart.h"

#define ISSUES_PER_LINE_MAX 2 /* a new price and too little stock; or "unavailable" alone */

static struct money money_zero(struct str currency)
{
    struct money zero = {0};
    memcpy(zero.currency, currency.ptr,
           currency.len < sizeof(zero.currency) ? currency.len : sizeof(zero.currency) - 1);
    return zero;
}

static void add_issue(struct cart_view *view, const char *code, const struct cart_line *line,
                      struct str message)
{
    view->issues.items[view->issues.count++] =
        (struct cart_issue){str_of(code), line->product_id, message};
}

/* Adds the line to the total; false when the line cannot be ordered, and then the total stays. */
static bool count_line(struct cart_view *view, bool on_sale, struct cart_line_view *item)
{
    struct money total;
    if (!money_times(item->unit_price, item->quantity, &item->line_total))
        return false;
    if (!on_sale || !money_add(view->total, item->line_total, &total))
        return false;
    view->total = total;
    return true;
}

static void find_issues(struct arena *arena, struct cart_view *view, const struct cart_line *line,
                        const struct cart_line_view *item)
{
    if (!money_eq(line->unit_price, item->unit_price))
        add_issue(view, "price_changed", line,
                  str_printf(arena, "the price was %.*s and is %.*s",
                             STR_FMT(money_text(arena, line->unit_price)),
                             STR_FMT(money_text(arena, item->unit_price))));
    if (item->available < item->quantity)
        add_issue(view, "insufficient_stock", line,
                  str_printf(arena, "%" PRId64 " are available", item->available));
}

static struct str why_not(struct arena *arena, const struct cart_goods *goods,
                          const struct product *product)
{
    if (product_is_purchasable(product) &&
        !str_eq(goods->currency, str_of(product->price.currency)))
        return str_printf(arena, "it is not sold in %.*s", STR_FMT(goods->currency));
    return STR("it cannot be ordered");
}

static void view_line(const struct shop_settings *settings, struct arena *arena,
                      struct cart_view *view, const struct cart_line *line,
                      const struct cart_goods *goods, size_t i)
{
    const struct product *product = goods->products[i];
    const struct product *on_sale = cart_sells(settings, goods, product) ? product : NULL;
    struct cart_line_view *item = &view->items.items[view->items.count++];
    *item = (struct cart_line_view){
        .product_id = line->product_id,
        .sku = line->sku,
        .name = product ? product->name : line->sku,
        .quantity = line->quantity,
        .unit_price = on_sale ? on_sale->price : line->unit_price,
        .line_total = money_zero(str_of(line->unit_price.currency)),
    };
    if (!count_line(view, on_sale != NULL, item)) {
        add_issue(view, "unavailable", line, why_not(arena, goods, product));
        return;
    }
    item->available = stock_available(goods->stocks[i]);
    find_issues(arena, view, line, item);
}

struct cart_view *cart_view(const struct shop_settings *settings, struct arena *arena,
                            const struct cart *cart, const struct cart_goods *goods)
{
    const size_t count = cart->lines.count;
    struct cart_view *view = ARENA_NEW(arena, struct cart_view);
    view->id = cart->head.id;
    view->version = cart->head.version;
    view->updated_at = cart->head.updated_at;
    view->items.items = arena_array(arena, count, sizeof(struct cart_line_view));
    view->issues.items = arena_array(arena, count * ISSUES_PER_LINE_MAX, sizeof(struct cart_issue));
    if (count > 0)
        view->total = money_zero(goods->currency);
    for (size_t i = 0; i < count; i++)
        view_line(settings, arena, view, &cart->lines.items[i], goods, i);
    return view;
}
