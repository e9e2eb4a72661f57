/* cart.c - the cart: its lines, and the goods in it. */
#include "cart/cart.h"

bool cart_of_caller(struct job *job, enum access access, struct cart **out)
{
    return job_own(job, &cart_type, access, (void **)out);
}

/* A need: the product and the stock of one line. */
typedef bool load_line(struct job *job, const struct cart_line *line, struct product **product,
                       struct stock **stock);

static bool load_to_show(struct job *job, const struct cart_line *line, struct product **product,
                         struct stock **stock)
{
    const bool has_product = product_by_id(job, line->product_id, DOC_READ, product);
    return stock_by_sku(job, line->sku, DOC_READ, stock) && has_product;
}

/* Asks for both at once; the stock then tells whether that copy of the product is good enough. */
static bool load_to_order(struct job *job, const struct cart_line *line, struct product **product,
                          struct stock **stock)
{
    const bool has_product = product_by_id(job, line->product_id, DOC_READ, product);
    if (!stock_by_sku(job, line->sku, DOC_FOR_UPDATE, stock) || !has_product)
        return false;
    return !*stock || product_on_offer(job, *stock, product);
}

static bool is_sold_here(const struct shop_settings *settings, const struct product *product)
{
    return product_is_purchasable(product) && shop_sells_in(settings, product->price.currency);
}

static void choose_currency(const struct shop_settings *settings, struct cart_goods *goods)
{
    goods->currency = shop_currencies(settings).items[0];
    for (size_t i = 0; i < goods->count && !goods->is_decided; i++) {
        goods->is_decided = is_sold_here(settings, goods->products[i]);
        if (goods->is_decided)
            goods->currency = str_of(goods->products[i]->price.currency);
    }
}

bool cart_sells(const struct shop_settings *settings, const struct cart_goods *goods,
                const struct product *product)
{
    return is_sold_here(settings, product) &&
           (!goods->is_decided || str_eq(goods->currency, str_of(product->price.currency)));
}

static bool load_lines(struct job *job, const struct cart *cart, load_line *load,
                       struct cart_goods *out)
{
    struct arena *arena = job_arena(job);
    const size_t count = cart->lines.count;
    struct cart_goods goods = {
        .products = arena_array(arena, count, sizeof(struct product *)),
        .stocks = arena_array(arena, count, sizeof(struct stock *)),
        .count = count,
    };
    bool loaded = true;
    for (size_t i = 0; i < count; i++)
        loaded = load(job, &cart->lines.items[i], &goods.products[i], &goods.stocks[i]) && loaded;
    if (!loaded)
        return false;
    choose_currency(shop_settings(job), &goods);
    *out = goods;
    return true;
}

bool cart_goods(struct job *job, const struct cart *cart, struct cart_goods *out)
{
    return load_lines(job, cart, load_to_show, out);
}

bool cart_goods_to_order(struct job *job, const struct cart *cart, struct cart_goods *out)
{
    return load_lines(job, cart, load_to_order, out);
}

struct cart_line *cart_line_of(const struct cart *cart, struct str product_id)
{
    return LIST_FIND(cart->lines, product_id, product_id);
}

void cart_put(struct arena *arena, struct cart *cart, const struct product *product,
              int64_t quantity)
{
    struct cart_line *line = cart_line_of(cart, product->head.id);
    if (!line)
        line = list_insert(arena, &cart->lines, sizeof(*line), cart->lines.count);
    line->product_id = product->head.id;
    line->sku = product->sku;
    line->quantity = quantity;
    line->unit_price = product->price;
}

bool cart_remove(struct cart *cart, struct str product_id)
{
    struct cart_line *line = cart_line_of(cart, product_id);
    if (!line)
        return false;
    LIST_REMOVE(cart->lines, line);
    return true;
}
