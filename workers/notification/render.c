/* render.c - what notifications say. Every value that came from a person is put on one line, so
 * that it can add neither a header to a mail nor a line to its text. */
#include "notification/render.h"

#include <inttypes.h>

#include "base/text.h"
#include "wire/json.h"

struct str one_line(struct arena *arena, struct str value)
{
    char *copy = arena_bytes(arena, value.len + 1);
    for (size_t i = 0; i < value.len; i++) {
        const unsigned char c = (unsigned char)value.ptr[i];
        copy[i] = c < 0x20 || c == 0x7f ? ' ' : value.ptr[i];
    }
    copy[value.len] = '\0';
    return (struct str){copy, value.len};
}

static void append_line(struct text *text, struct str value)
{
    text_append_str(text, one_line(text->arena, value));
}

static void begin_text(struct text *text, struct arena *arena, struct str name)
{
    text_init(text, arena, 512);
    text_printf(text, "Hello");
    if (!str_is_absent(name)) {
        text_append_char(text, ' ');
        append_line(text, name);
    }
    text_printf(text, ",\n\n");
}

/* --- order_placed ----------------------------------------------------------------------------- */

static struct str placed_text(struct arena *arena, const struct order *order, struct str number,
                              struct str name)
{
    struct text text;
    begin_text(&text, arena, name);
    text_printf(&text, "thank you for your order %.*s.\n\n", STR_FMT(number));
    for (size_t i = 0; i < order->items.count; i++) {
        text_printf(&text, "  %" PRId64 " x ", order->items.items[i].quantity);
        append_line(&text, order->items.items[i].name);
        text_append_char(&text, '\n');
    }
    text_printf(&text, "\nTotal: ");
    text_append_str(&text, money_text(arena, order->total));
    text_printf(&text, "\nExpected delivery: %.*s\n", STR_FMT(order->expected_delivery_date));
    return text_str(&text);
}

static struct str placed_data(struct arena *arena, const struct order *order)
{
    struct order_placed_line *lines = arena_array(arena, order->items.count, sizeof(*lines));
    for (size_t i = 0; i < order->items.count; i++)
        lines[i] = (struct order_placed_line){.name = order->items.items[i].name,
                                              .quantity = order->items.items[i].quantity};
    const struct order_placed_notice data = {
        .order_id = order->head.id,
        .number = order->number,
        .total = order->total,
        .items = {lines, order->items.count},
        .expected_delivery_date = order->expected_delivery_date,
    };
    return json_of_shape(arena, order_placed_notice_schema.shape, &data);
}

struct notice render_order_placed(struct arena *arena, const struct order *order, struct str name)
{
    const struct str number = one_line(arena, order->number);
    return (struct notice){
        .kind = "order_placed",
        .subject = str_printf(arena, "Your order %.*s", STR_FMT(number)),
        .text = placed_text(arena, order, number, name),
        .data = placed_data(arena, order),
    };
}

/* --- order_status_changed --------------------------------------------------------------------- */

/* What follows "Your order <number>", in the subject and in the text, for each status. */
static const struct {
    const char *subject;
    const char *sentence;
} said_of[ORDER_STATUS_COUNT] = {
    [ORDER_PENDING] = {"is waiting", "is waiting for your payment"},
    [ORDER_PAID] = {"is paid", "is paid: we have received your payment"},
    [ORDER_PROCESSING] = {"is being prepared", "is being prepared for dispatch"},
    [ORDER_SHIPPED] = {"is on its way", "has left us and is on its way to you"},
    [ORDER_DELIVERED] = {"was delivered", "was delivered"},
    [ORDER_CANCELLED] = {"was cancelled", "was cancelled"},
};

static bool is_still_to_come(const struct order *order)
{
    return order->status != ORDER_DELIVERED && order->status != ORDER_CANCELLED;
}

static struct str moved_text(struct arena *arena, const struct order *order, struct str number,
                             struct str name)
{
    struct text text;
    begin_text(&text, arena, name);
    text_printf(&text, "your order %.*s %s.\n", STR_FMT(number), said_of[order->status].sentence);
    if (is_still_to_come(order))
        text_printf(&text, "\nExpected delivery: %.*s\n", STR_FMT(order->expected_delivery_date));
    return text_str(&text);
}

struct notice render_order_status_changed(struct arena *arena, const struct order *order,
                                          struct str name)
{
    const struct str number = one_line(arena, order->number);
    const struct order_status_changed_notice data = {
        .order_id = order->head.id,
        .number = order->number,
        .status = order->status,
        .expected_delivery_date = order->expected_delivery_date,
    };
    return (struct notice){
        .kind = "order_status_changed",
        .subject = str_printf(arena, "Your order %.*s %s", STR_FMT(number),
                              said_of[order->status].subject),
        .text = moved_text(arena, order, number, name),
        .data = json_of_shape(arena, order_status_changed_notice_schema.shape, &data),
    };
}

/* --- registration_repeated -------------------------------------------------------------------- */

struct notice render_registration_repeated(struct arena *arena)
{
    struct text text;
    begin_text(&text, arena, STR_ABSENT);
    text_printf(&text,
                "somebody tried to register with your email address. You have an account with "
                "us already.\n\nIf it was you, log in instead. If it was not, you need do "
                "nothing: nothing has changed.\n");
    return (struct notice){
        .kind = "registration_repeated",
        .subject = STR("You have an account already"),
        .text = text_str(&text),
        .data = STR("{}"),
    };
}
