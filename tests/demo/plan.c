/* plan.c - makes the plan of the file's invoices: orders in the order of time, the eras of prices,
 * and the stock that lets every order be filled. */
#include "demo/plan.h"

#include <stdio.h>

#include "demo/rows.h"

/* --- from invoices to orders -------------------------------------------------------------------- */

static int compare_invoices(const void *a, const void *b)
{
    const struct invoice *x = a, *y = b;
    if (x->minute != y->minute)
        return x->minute < y->minute ? -1 : 1;
    return x->position < y->position ? -1 : x->position > y->position;
}

/* How much of the sale this order can take; *line is where, PLAN_NONE for a new line. */
static int64_t room_in_order(const struct plan_order *order, const struct sale *sale, size_t *line)
{
    *line = PLAN_NONE;
    for (size_t i = 0; i < order->lines.count; i++) {
        const struct plan_line *held = &order->lines.items[i];
        if (held->product != sale->product)
            continue;
        *line = i;
        return held->price == sale->price ? PLAN_QUANTITY_MAX - held->quantity : 0;
    }
    return order->lines.count < PLAN_LINES_MAX ? PLAN_QUANTITY_MAX : 0;
}

/* The era of the product's price in this order; a new one when the price is not the last one's. */
static size_t era_of(struct plan *plan, struct plan_product *product, int64_t price)
{
    const size_t count = product->eras.count;
    if (count == 0 || product->eras.items[count - 1].price != price) {
        GROW(plan->arena, &product->eras);
        product->eras.items[count] = (struct plan_era){.price = price};
    }
    return product->eras.count - 1;
}

static void put_in_order(struct plan *plan, struct plan_order *order, const struct sale *sale,
                         size_t line, int64_t quantity)
{
    if (line == PLAN_NONE) {
        line = order->lines.count;
        GROW(plan->arena, &order->lines);
        order->lines.items[line] =
            (struct plan_line){.product = sale->product, .price = sale->price};
    }
    order->lines.items[line].quantity += quantity;
    order->total += quantity * sale->price;
}

static void new_order(struct plan *plan, const struct invoice *invoice)
{
    GROW(plan->arena, &plan->orders);
    plan->orders.items[plan->orders.count - 1] = (struct plan_order){
        .invoice = invoice->number, .customer = invoice->customer, .previous = PLAN_NONE};
}

static void place_sale(struct plan *plan, const struct invoice *invoice, size_t first,
                       const struct sale *sale)
{
    int64_t left = sale->quantity;
    for (size_t i = first; left > 0; i++) {
        size_t line;
        if (i == plan->orders.count)
            new_order(plan, invoice);
        struct plan_order *order = &plan->orders.items[i];
        const int64_t room = room_in_order(order, sale, &line);
        const int64_t taken = room < left ? room : left;
        if (taken > 0)
            put_in_order(plan, order, sale, line, taken);
        left -= taken;
    }
}

static void add_step(struct plan *plan, bool is_order, size_t index)
{
    GROW(plan->arena, &plan->steps);
    plan->steps.items[plan->steps.count - 1] = (struct plan_step){is_order, index};
}

/* Eras are counted here, order by order: that is the order in which they follow each other. */
static void settle_order(struct plan *plan, size_t index, size_t *last_of_customer)
{
    struct plan_order *order = &plan->orders.items[index];
    order->previous = last_of_customer[order->customer];
    last_of_customer[order->customer] = index;
    for (size_t i = 0; i < order->lines.count; i++) {
        struct plan_line *line = &order->lines.items[i];
        struct plan_product *product = &plan->products.items[line->product];
        line->era = era_of(plan, product, line->price);
        product->eras.items[line->era].uses++;
    }
    plan->revenue += order->total;
    add_step(plan, true, index);
}

static void settle_invoice(struct plan *plan, const struct invoice *invoice,
                           size_t *last_of_customer)
{
    const size_t first = plan->orders.count;
    for (size_t i = 0; i < invoice->sales.count; i++)
        place_sale(plan, invoice, first, &invoice->sales.items[i]);
    for (size_t i = first; i < plan->orders.count; i++)
        settle_order(plan, i, last_of_customer);
    for (size_t i = 0; i < invoice->moves.count; i++) {
        GROW(plan->arena, &plan->moves);
        plan->moves.items[plan->moves.count - 1] = invoice->moves.items[i];
        add_step(plan, false, plan->moves.count - 1);
    }
    plan->invoices += invoice->sales.count > 0;
    plan->split_invoices += plan->orders.count > first + 1;
    plan->cancellations += invoice->is_cancelled;
}

/* --- products at the end ------------------------------------------------------------------------ */

/* The best selling goods, for late shoppers. */
static void choose_wanted(struct plan *plan)
{
    for (size_t n = 0; n < PLAN_WANTED; n++) {
        size_t best = PLAN_NONE;
        for (size_t i = 0; i < plan->products.count; i++) {
            const struct plan_product *product = &plan->products.items[i];
            bool taken = product->sold == 0 || !plan_is_goods(product->sku);
            for (size_t k = 0; k < plan->wanted_count; k++)
                taken = taken || plan->wanted[k] == i;
            if (!taken && (best == PLAN_NONE || product->sold > plan->products.items[best].sold))
                best = i;
        }
        if (best != PLAN_NONE)
            plan->wanted[plan->wanted_count++] = best;
    }
}

static void settle_product(struct plan *plan, struct plan_product *product)
{
    if (product->name.len == 0)
        product->name = str_printf(plan->arena, "Item %.*s", STR_FMT(product->sku));
    product->category = plan_category(product->name);
    if (product->eras.count > 0)
        product->first_price = product->eras.items[0].price;
    product->start = product->sold + product->lost + PLAN_SPARE;
}

/* Late shoppers find little of what they want: returns and finds of it come on top. */
static void settle_products(struct plan *plan)
{
    choose_wanted(plan);
    for (size_t i = 0; i < plan->products.count; i++)
        settle_product(plan, &plan->products.items[i]);
    for (size_t i = 0; i < plan->wanted_count; i++)
        plan->products.items[plan->wanted[i]].start -= PLAN_SPARE - PLAN_SPARE_WANTED;
}

enum outcome plan_read(const char *path, struct arena *arena, struct plan *out, struct err *err)
{
    struct reader reader;
    *out = (struct plan){.arena = arena};
    TRY(rows_read(path, out, &reader, err));
    if (reader.invoices.count > 1)
        qsort(reader.invoices.items, reader.invoices.count, sizeof(struct invoice),
              compare_invoices);
    size_t *last_of_customer = arena_array(arena, out->customers.count, sizeof(size_t));
    for (size_t i = 0; i < out->customers.count; i++)
        last_of_customer[i] = PLAN_NONE;
    for (size_t i = 0; i < reader.invoices.count; i++)
        settle_invoice(out, &reader.invoices.items[i], last_of_customer);
    settle_products(out);
    if (out->orders.count == 0)
        return err_invalid(err, E_MALFORMED, "holds no sale");
    return OUTCOME_DONE;
}
