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

static const struct field line_fields[] = {
    {.name = "name", .kind = FIELD_STR, .offset = offsetof(struct news_line, name)},
    {.name = "quantity", .kind = FIELD_INT, .offset = offsetof(struct news_line, quantity)},
};

static const struct shape line_shape = SHAPE("NewsLine", struct news_line, line_fields);

static const struct field placed_fields[] = {
    {.name = "orderId", .kind = FIELD_ID, .offset = offsetof(struct order_news, order_id)},
    {.name = "number", .kind = FIELD_STR, .offset = offsetof(struct order_news, number)},
    {.name = "total", .kind = FIELD_MONEY, .offset = offsetof(struct order_news, total)},
    {.name = "items",
     .kind = FIELD_LIST,
     .offset = offsetof(struct order_news, items),
     .shape = &line_shape},
    {.name = "expectedDeliveryDate",
     .kind = FIELD_DATE,
     .offset = offsetof(struct order_news, expected_delivery_date)},
};

static const struct shape placed_shape = SHAPE("OrderPlaced", struct order_news, placed_fields);

static struct str placed_text(struct arena *arena, const struct order_news *news, struct str number,
                              struct str name)
{
    struct text text;
    begin_text(&text, arena, name);
    text_printf(&text, "thank you for your order %.*s.\n\n", STR_FMT(number));
    for (size_t i = 0; i < news->items.count; i++) {
        text_printf(&text, "  %" PRId64 " x ", news->items.items[i].quantity);
        append_line(&text, news->items.items[i].name);
        text_append_char(&text, '\n');
    }
    text_printf(&text, "\nTotal: ");
    text_append_str(&text, money_text(arena, news->total));
    text_printf(&text, "\nExpected delivery: %.*s\n", STR_FMT(news->expected_delivery_date));
    return text_str(&text);
}

struct notice render_order_placed(struct arena *arena, const struct order_news *news,
                                  struct str name)
{
    const struct str number = one_line(arena, news->number);
    return (struct notice){
        .kind = "order_placed",
        .subject = str_printf(arena, "Your order %.*s", STR_FMT(number)),
        .text = placed_text(arena, news, number, name),
        .data = json_of_shape(arena, &placed_shape, news),
    };
}

/* --- order_status_changed --------------------------------------------------------------------- */

static const struct field moved_fields[] = {
    {.name = "orderId", .kind = FIELD_ID, .offset = offsetof(struct order_news, order_id)},
    {.name = "number", .kind = FIELD_STR, .offset = offsetof(struct order_news, number)},
    {.name = "status",
     .kind = FIELD_ENUM,
     .offset = offsetof(struct order_news, status),
     .names = common_order_status_names},
    {.name = "expectedDeliveryDate",
     .kind = FIELD_DATE,
     .offset = offsetof(struct order_news, expected_delivery_date)},
};

static const struct shape moved_shape =
    SHAPE("OrderStatusChanged", struct order_news, moved_fields);

/* What follows "Your order <number>", in the subject and in the text, for each status. */
static const struct {
    const char *subject;
    const char *sentence;
} said_of[ORDER_STATUSES] = {
    [ORDER_PENDING] = {"is waiting", "is waiting for your payment"},
    [ORDER_PAID] = {"is paid", "is paid: we have received your payment"},
    [ORDER_PROCESSING] = {"is being prepared", "is being prepared for dispatch"},
    [ORDER_SHIPPED] = {"is on its way", "has left us and is on its way to you"},
    [ORDER_DELIVERED] = {"was delivered", "was delivered"},
    [ORDER_CANCELLED] = {"was cancelled", "was cancelled"},
};

static bool is_still_to_come(enum order_status status)
{
    return status != ORDER_DELIVERED && status != ORDER_CANCELLED;
}

static struct str moved_text(struct arena *arena, const struct order_news *news, struct str number,
                             struct str name)
{
    struct text text;
    begin_text(&text, arena, name);
    text_printf(&text, "your order %.*s %s.\n", STR_FMT(number), said_of[news->status].sentence);
    if (is_still_to_come(news->status))
        text_printf(&text, "\nExpected delivery: %.*s\n", STR_FMT(news->expected_delivery_date));
    return text_str(&text);
}

struct notice render_order_status_changed(struct arena *arena, const struct order_news *news,
                                          struct str name)
{
    const struct str number = one_line(arena, news->number);
    return (struct notice){
        .kind = "order_status_changed",
        .subject =
            str_printf(arena, "Your order %.*s %s", STR_FMT(number), said_of[news->status].subject),
        .text = moved_text(arena, news, number, name),
        .data = json_of_shape(arena, &moved_shape, news),
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
