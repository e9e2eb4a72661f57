/* summary.c - what a person reads: the morning in figures, and whether each figure is right. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "demo/demo.h"

#define NUMBER_MAX  40
#define TOP         10
#define BAR_WIDTH   20
#define NAME_WIDTH  36
#define POUND       "\xc2\xa3"
#define BAR         "\xe2\x96\x88"
#define PROGRESS_US 100000

/* --- the progress line --------------------------------------------------------------------------- */

/* The only line that is written over; kept here because whoever has news may write it. */
static struct {
    char text[200];
    int64_t shown_us;
} progress;

static void show(bool is_last)
{
    const bool terminal = isatty(STDOUT_FILENO);
    if (terminal)
        printf("\r  %s\033[K%s", progress.text, is_last ? "\n" : "");
    else if (is_last)
        printf("  %s\n", progress.text);
    fflush(stdout);
}

void demo_progress(const char *format, ...)
{
    const int64_t now_us = clock_monotonic_us();
    va_list args;
    va_start(args, format);
    vsnprintf(progress.text, sizeof(progress.text), format, args);
    va_end(args);
    if (now_us - progress.shown_us < PROGRESS_US)
        return;
    progress.shown_us = now_us;
    show(false);
}

void demo_progress_done(void)
{
    if (progress.text[0])
        show(true);
    progress.text[0] = '\0';
}

/* --- numbers ------------------------------------------------------------------------------------- */

/* 1234567 as "1,234,567". */
static const char *thousands(int64_t number, char out[NUMBER_MAX])
{
    char digits[NUMBER_MAX];
    const int len = snprintf(digits, sizeof(digits), "%" PRIu64,
                             number < 0 ? -(uint64_t)number : (uint64_t)number);
    size_t at = 0;
    if (number < 0)
        out[at++] = '-';
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

/* 123456 pence as "£1,234.56". */
static const char *pounds(int64_t pence, char out[NUMBER_MAX])
{
    char whole[NUMBER_MAX];
    const int64_t size = pence < 0 ? -pence : pence;
    snprintf(out, NUMBER_MAX, "%s" POUND "%s.%02d", pence < 0 ? "-" : "",
             thousands(size / 100, whole), (int)(size % 100));
    return out;
}

static const char *number_or_money(int64_t value, bool is_money, char out[NUMBER_MAX])
{
    return is_money ? pounds(value, out) : thousands(value, out);
}

/* Right-aligned by characters: the pound sign is two bytes. */
static void print_right(const char *text, int width)
{
    const int extra = strstr(text, POUND) ? 1 : 0;
    printf("%*s", width + extra, text);
}

static void line(const char *label, int64_t value, bool is_money, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void line(const char *label, int64_t value, bool is_money, const char *format, ...)
{
    char text[NUMBER_MAX];
    printf("  %-22s", label);
    print_right(number_or_money(value, is_money, text), 14);
    printf("   ");
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

static double per_second(int64_t count, int64_t micros)
{
    return micros > 0 ? (double)count * 1e6 / (double)micros : 0.0;
}

/* --- parts --------------------------------------------------------------------------------------- */

static void print_orders(const struct demo *demo)
{
    const struct plan *plan = &demo->plan;
    const struct tally *tally = &demo->tally;
    char text[NUMBER_MAX];
    printf("\nThe morning\n");
    line("orders placed", tally->placed, false, "from %zu invoices with %zu rows", plan->invoices,
         plan->rows);
    if (plan->split_invoices)
        line("invoices split", (int64_t)plan->split_invoices, false,
             "one product at two prices, or more than a cart holds");
    line("revenue", tally->revenue, true, "%s an order on average",
         pounds(tally->placed ? tally->revenue / tally->placed : 0, text));
    line("customers", (int64_t)plan->customers.count, false, "%zu products in the catalogue",
         plan->products.count);
    line("price changes", tally->price_updates, false, "by the admin, as the invoices ask for");
    line("stock movements", tally->stock_moves, false,
         "returned goods and counts, %zu cancellations", plan->cancellations);
    line("refunds", plan->refunds, true, "of which %s without goods (discounts, postage)",
         pounds(plan->services_refund, text));
    if (plan->ignored_rows)
        line("rows ignored", (int64_t)plan->ignored_rows, false, "no code, or a negative price");
    if (plan->rounded_prices)
        line("prices rounded", (int64_t)plan->rounded_prices, false, "rows not in whole pence");
}

static void print_late(const struct demo *demo)
{
    const struct tally *tally = &demo->tally;
    printf("\nAfter closing time\n");
    line("late shoppers", (int64_t)demo->late_count, false,
         "want all that is left of the %zu best sellers", demo->plan.wanted_count);
    line("got it", tally->late_placed, false, "the first of each race");
    line("refused", tally->refused, false, "INSUFFICIENT_STOCK: nothing is sold twice");
    line("cancelled", tally->cancelled, false, "by their customers, and back in stock");
    line("delivered", tally->delivered, false, "paid, processed, shipped and delivered");
}

static void print_messages(const struct demo *demo)
{
    printf("\nTold\n");
    line("notifications", demo->audience.inapp + demo->audience.email, false,
         "%" PRId64 " in-app and %" PRId64 " emails", demo->audience.inapp, demo->audience.email);
    line("events", demo->audience.events, false, "of orders and stock");
    if (demo->web.resent)
        line("sent again", (int64_t)demo->web.resent, false, "requests, under the same message id");
}

static void print_times(const char *label, web_times *times)
{
    printf("  %-22s%11.1f ms   p99 %.1f ms (%zu answers)\n", label,
           (double)web_percentile(times, 0.50) / 1000.0,
           (double)web_percentile(times, 0.99) / 1000.0, times->count);
}

static void print_speed(const char *title, struct web_speed *speed, const char *note)
{
    printf("\n%s\n", title);
    printf("  %-22s%11.1f s    %s\n", "took", (double)speed->micros / 1e6, note);
    printf("  %-22s%13.1f    %.1f requests per second\n", "orders per second",
           per_second((int64_t)speed->placing.count, speed->micros),
           per_second((int64_t)speed->times.count, speed->micros));
    print_times("order.place p50", &speed->placing);
    print_times("all requests p50", &speed->times);
}

static void print_speeds(struct demo *demo)
{
    print_speed("Speed of the morning", &demo->morning,
                "each customer clicks one thing after the other");
    if (demo->rush_seconds == 0)
        return;
    char text[NUMBER_MAX];
    print_speed("Speed of the rush hour", &demo->rush,
                "the same orders by a crowd, again and again");
    line("orders placed", (int64_t)demo->rush_orders.count, false, "%s",
         pounds(demo->tally.rush_revenue, text));
}

/* --- the best ------------------------------------------------------------------------------------ */

/* Index of the next best product, by revenue then by place in the file; PLAN_NONE after the last. */
static size_t next_best(const struct plan *plan, size_t after)
{
    size_t best = PLAN_NONE;
    const struct plan_product *items = plan->products.items;
    for (size_t i = 0; i < plan->products.count; i++) {
        const bool is_below = after == PLAN_NONE || items[i].revenue < items[after].revenue ||
                              (i > after && items[i].revenue == items[after].revenue);
        if (is_below && items[i].revenue > 0 &&
            (best == PLAN_NONE || items[i].revenue > items[best].revenue))
            best = i;
    }
    return best;
}

static void print_bar(int64_t value, int64_t most)
{
    const int64_t width = most > 0 ? (value * BAR_WIDTH + most - 1) / most : 0;
    for (int64_t i = 0; i < width; i++)
        printf(BAR);
}

static void print_best(const struct plan *plan)
{
    printf("\nTop products\n");
    size_t at = PLAN_NONE;
    int64_t most = 0;
    for (int rank = 1; rank <= TOP && (at = next_best(plan, at)) != PLAN_NONE; rank++) {
        const struct plan_product *product = &plan->products.items[at];
        char sold[NUMBER_MAX];
        char money[NUMBER_MAX];
        most = rank == 1 ? product->revenue : most;
        printf("  %2d. %-*.*s", rank, NAME_WIDTH, NAME_WIDTH, product->name.ptr);
        print_right(thousands(product->sold, sold), 8);
        print_right(pounds(product->revenue, money), 13);
        printf("  ");
        print_bar(product->revenue, most);
        putchar('\n');
    }
}

/* --- the checks ---------------------------------------------------------------------------------- */

static bool print_checks(const struct demo *demo)
{
    bool all = true;
    printf("\nDoes it agree with the file?\n");
    for (size_t i = 0; i < demo->check_count; i++) {
        const struct check *check = &demo->checks[i];
        char expected[NUMBER_MAX];
        char found[NUMBER_MAX];
        const bool ok = check->expected == check->found;
        printf("  %-4s%-48s", ok ? "ok" : "NO", check->what);
        print_right(number_or_money(check->found, check->is_money, found), 14);
        if (!ok)
            printf("   expected %s", number_or_money(check->expected, check->is_money, expected));
        putchar('\n');
        all = all && ok;
    }
    printf("%s\n", all ? "\nEvery figure agrees with the file."
                       : "\nNot every figure agrees with the file: see NO above.");
    return all;
}

bool demo_summary(struct demo *demo)
{
    print_orders(demo);
    print_late(demo);
    print_messages(demo);
    print_speeds(demo);
    print_best(&demo->plan);
    return print_checks(demo);
}

/* --- what to try next ---------------------------------------------------------------------------- */

void demo_hints(const struct demo *demo)
{
    const size_t best = next_best(&demo->plan, PLAN_NONE);
    const struct str product = best == PLAN_NONE ? STR("") : demo->products[best].id;
    const struct plan_order *order = &demo->plan.orders.items[0];
    const struct str email = demo->plan.customers.items[order->customer].email;
    const struct session *session = &demo->customers[order->customer].session;
    printf("\nThe shop stays open. In another terminal, in this folder:\n\n"
           "  . .run/env\n"
           "  ./cartwright call product.list '{\"search\":\"lantern\",\"sort\":\"priceAsc\"}'\n"
           "  ./cartwright call product.get '{\"productId\":\"%.*s\"}'\n\n"
           "As %.*s, who ordered this morning (a token lives for minutes, the next line gets\n"
           "a new one):\n\n"
           "  ./cartwright call auth.login '{\"email\":\"%.*s\",\"password\":\"" DEMO_PASSWORD
           "\"}'\n"
           "  TOKEN=%.*s\n"
           "  ./cartwright call order.list '{\"limit\":2}' --token $TOKEN\n"
           "  ./cartwright call cart.item.add '{\"productId\":\"%.*s\",\"quantity\":2}' "
           "--token $TOKEN\n"
           "  ./cartwright call order.place '{}' --token $TOKEN\n"
           "  ./cartwright call notification.list '{\"unread\":true}' --token $TOKEN\n\n"
           "  ./cartwright describe          all operations\n"
           "  tail -f .run/cartwright.log    one line for each message\n\n"
           "Ctrl-C stops everything.\n",
           STR_FMT(product), STR_FMT(email), STR_FMT(email), STR_FMT(session->access),
           STR_FMT(product));
    fflush(stdout);
}
