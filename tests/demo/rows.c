/* rows.c - reads a file of invoices row by row: what is bought, returned, found and lost. */
#include "demo/rows.h"

#include <ctype.h>
#include <stdio.h>

#include "base/text.h"
#include "demo/csv.h"

#define NAME_MAX_BYTES    200
#define SKU_MAX_BYTES     64
#define INVOICE_MAX_BYTES 20
#define UNITS_MAX         1000000 /* of one row; the data set's largest is 80,995 */

enum column { INVOICE, CODE, DESCRIPTION, QUANTITY, TIME, PRICE, CUSTOMER, COUNTRY, COLUMNS };

static const char *const column_names[COLUMNS] = {"InvoiceNo",  "StockCode",   "Description",
                                                  "Quantity",   "InvoiceDate", "UnitPrice",
                                                  "CustomerID", "Country"};

struct row {
    struct str text[COLUMNS]; /* without spaces around */
    int64_t quantity;
    int64_t minute;
    int64_t price;
    bool is_cancelled; /* of an invoice C... */
};

static size_t map_index(const struct map *map, struct str key)
{
    return (size_t)(uintptr_t)map_get(map, key) - 1; /* absent: PLAN_NONE */
}

static void map_put_index(struct map *map, struct str key, size_t index)
{
    map_set(map, key, (void *)(uintptr_t)(index + 1));
}

/* --- a row ----------------------------------------------------------------------------------- */

static struct str trimmed(struct str s)
{
    while (s.len > 0 && (unsigned char)s.ptr[0] <= ' ') {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && (unsigned char)s.ptr[s.len - 1] <= ' ')
        s.len--;
    return s;
}

static enum outcome read_row(const struct csv *csv, const struct str *fields, const size_t *columns,
                             struct plan *plan, struct row *out, struct err *err)
{
    for (size_t i = 0; i < COLUMNS; i++)
        out->text[i] = trimmed(fields[columns[i]]);
    bool whole;
    if (!str_to_int64(out->text[QUANTITY], &out->quantity) || out->quantity > UNITS_MAX ||
        out->quantity < -UNITS_MAX)
        return err_invalid(err, E_MALFORMED, "row %zu: Quantity is not a number of pieces",
                           csv->row);
    if (!plan_pence(out->text[PRICE], &out->price, &whole))
        return err_invalid(err, E_MALFORMED, "row %zu: UnitPrice is not a price", csv->row);
    if (!plan_minute(out->text[TIME], &out->minute))
        return err_invalid(err, E_MALFORMED, "row %zu: InvoiceDate is not like 12/1/2010 8:26",
                           csv->row);
    plan->rounded_prices += !whole;
    out->is_cancelled = out->text[INVOICE].len > 0 && (out->text[INVOICE].ptr[0] | 0x20) == 'c';
    return OUTCOME_DONE;
}

static bool is_sale(const struct row *row)
{
    return row->quantity > 0 && !row->is_cancelled &&
           (row->price > 0 || row->text[CUSTOMER].len > 0);
}

static bool is_return(const struct row *row)
{
    return row->quantity < 0 && (row->is_cancelled || row->price > 0);
}

/* A number, perhaps with a letter before it: it becomes part of texts and addresses. */
static bool is_invoice_number(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!isalnum((unsigned char)text.ptr[i]))
            return false;
    return text.len > 0 && text.len <= INVOICE_MAX_BYTES;
}

static bool is_usable(const struct row *row)
{
    return is_invoice_number(row->text[INVOICE]) && row->text[CODE].len > 0 &&
           row->text[CODE].len <= SKU_MAX_BYTES && row->price >= 0 && row->quantity != 0 &&
           (!row->is_cancelled || row->quantity < 0);
}

/* --- products, customers, invoices ------------------------------------------------------------- */

/* On one line, single spaces, short enough to be a product's name. */
static struct str tidy_name(struct arena *arena, struct str description)
{
    struct text text;
    text_init(&text, arena, description.len + 1);
    for (size_t i = 0; i < description.len && text.len < NAME_MAX_BYTES; i++) {
        const bool blank = (unsigned char)description.ptr[i] <= ' ' || description.ptr[i] == 0x7f;
        if (!blank)
            text_append_char(&text, description.ptr[i]);
        else if (text.ptr[text.len - 1] != ' ')
            text_append_char(&text, ' ');
    }
    return text_str(&text);
}

static size_t product_of(struct reader *reader, const struct row *row)
{
    struct plan *plan = reader->plan;
    size_t index = map_index(&reader->product_of, row->text[CODE]);
    if (index == PLAN_NONE) {
        index = plan->products.count;
        GROW(plan->arena, &plan->products);
        plan->products.items[index] = (struct plan_product){.sku = row->text[CODE]};
        map_put_index(&reader->product_of, row->text[CODE], index);
    }
    struct plan_product *product = &plan->products.items[index];
    if (product->name.len == 0 && row->text[DESCRIPTION].len > 0)
        product->name = tidy_name(plan->arena, row->text[DESCRIPTION]);
    if (product->first_price == 0)
        product->first_price = row->price;
    return index;
}

/* Letters and digits of the id, lower case, others as '-'. */
static struct str email_of(struct arena *arena, const char *kind, struct str id)
{
    struct str lower = str_lower(arena, id);
    char *copy = arena_bytes(arena, lower.len + 1);
    for (size_t i = 0; i <= lower.len; i++) {
        const char c = i < lower.len ? lower.ptr[i] : '\0';
        const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '\0';
        copy[i] = plain ? c : '-';
    }
    return str_printf(arena, "%s-%s@example.com", kind, copy);
}

static size_t customer_of(struct reader *reader, const struct row *row)
{
    struct plan *plan = reader->plan;
    const bool known = row->text[CUSTOMER].len > 0;
    const struct str id = row->text[known ? CUSTOMER : INVOICE];
    const struct str email = email_of(plan->arena, known ? "customer" : "walk-in", id);
    size_t index = map_index(&reader->customer_of, email);
    if (index != PLAN_NONE)
        return index;
    index = plan->customers.count;
    GROW(plan->arena, &plan->customers);
    plan->customers.items[index] = (struct plan_customer){
        .email = email,
        .name = str_printf(plan->arena, "%s %.*s (%.*s)", known ? "Customer" : "Walk-in",
                           STR_FMT(id), STR_FMT(row->text[COUNTRY])),
    };
    map_put_index(&reader->customer_of, email, index);
    return index;
}

static struct invoice *invoice_of(struct reader *reader, const struct row *row)
{
    size_t index = map_index(&reader->invoice_of, row->text[INVOICE]);
    if (index == PLAN_NONE) {
        index = reader->invoices.count;
        GROW(reader->plan->arena, &reader->invoices);
        reader->invoices.items[index] = (struct invoice){.number = row->text[INVOICE],
                                                         .customer = PLAN_NONE,
                                                         .minute = row->minute,
                                                         .position = index,
                                                         .is_cancelled = row->is_cancelled};
        map_put_index(&reader->invoice_of, row->text[INVOICE], index);
    }
    return &reader->invoices.items[index];
}

/* --- what a row does ---------------------------------------------------------------------------- */

static void add_move(struct reader *reader, struct invoice *invoice, const struct row *row,
                     int64_t delta)
{
    const size_t product = product_of(reader, row);
    GROW(reader->plan->arena, &invoice->moves);
    invoice->moves.items[invoice->moves.count - 1] =
        (struct plan_move){invoice->number, product, delta};
}

static void add_sale(struct reader *reader, struct invoice *invoice, const struct row *row)
{
    struct plan *plan = reader->plan;
    const size_t index = product_of(reader, row);
    if (invoice->customer == PLAN_NONE)
        invoice->customer = customer_of(reader, row);
    GROW(plan->arena, &invoice->sales);
    invoice->sales.items[invoice->sales.count - 1] =
        (struct sale){index, row->quantity, row->price};
    struct plan_product *product = &plan->products.items[index];
    product->sold += row->quantity;
    product->revenue += row->quantity * row->price;
}

static void add_return(struct reader *reader, struct invoice *invoice, const struct row *row)
{
    struct plan *plan = reader->plan;
    const int64_t money = -row->quantity * row->price;
    plan->refunds += money;
    if (!plan_is_goods(row->text[CODE])) {
        plan->services_refund += money;
        return;
    }
    add_move(reader, invoice, row, -row->quantity);
    plan->products.items[product_of(reader, row)].returned -= row->quantity;
}

static void add_count(struct reader *reader, struct invoice *invoice, const struct row *row)
{
    if (!plan_is_goods(row->text[CODE])) {
        reader->plan->ignored_rows++;
        return;
    }
    add_move(reader, invoice, row, row->quantity);
    struct plan_product *product = &reader->plan->products.items[product_of(reader, row)];
    *(row->quantity > 0 ? &product->found : &product->lost) +=
        row->quantity > 0 ? row->quantity : -row->quantity;
}

static void take_row(struct reader *reader, const struct row *row)
{
    reader->plan->rows++;
    if (!is_usable(row)) {
        reader->plan->ignored_rows++;
        return;
    }
    struct invoice *invoice = invoice_of(reader, row);
    if (is_sale(row))
        add_sale(reader, invoice, row);
    else if (is_return(row))
        add_return(reader, invoice, row);
    else
        add_count(reader, invoice, row);
}

static enum outcome read_all(struct reader *reader, const char *path, struct err *err)
{
    struct csv csv;
    size_t columns[COLUMNS];
    struct str fields[CSV_FIELDS_MAX];
    TRY(csv_open(path, reader->plan->arena, &csv, err));
    for (size_t i = 0; i < COLUMNS; i++)
        TRY(csv_column(&csv, column_names[i], &columns[i], err));
    for (;;) {
        bool more;
        struct row row;
        TRY(csv_next(&csv, fields, &more, err));
        if (!more)
            return OUTCOME_DONE;
        TRY(read_row(&csv, fields, columns, reader->plan, &row, err));
        take_row(reader, &row);
    }
}

enum outcome rows_read(const char *path, struct plan *plan, struct reader *out, struct err *err)
{
    *out = (struct reader){.plan = plan};
    map_init(&out->product_of, plan->arena);
    map_init(&out->customer_of, plan->arena);
    map_init(&out->invoice_of, plan->arena);
    return read_all(out, path, err);
}
